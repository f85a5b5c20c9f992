//! What has become of a build or task, as it is told on the bus.

use std::collections::HashMap;

use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;

use super::door::Door;
use crate::koji::{Known, Subject};
use crate::view::facts::{self, Fact, Facts, Told};
use crate::watch::Story;

/// A build or task as a caller gets it: instance, build, task, name, state. What is not known is 0 or empty.
pub(super) type Five = (String, u64, u64, String, String);

/// Tells what has become of a build or task: in short, and with all that is known.
pub(super) async fn tell_story(emitter: &SignalEmitter<'_>, story: &Story, known: &Known) -> zbus::Result<()> {
    let Told {
        instance,
        build,
        task,
        nvr,
        state,
    } = facts::told(story);
    let text = |it: &Option<String>| facts::text(it.as_deref().unwrap_or_default());
    let owner = text(&story.owner);
    match &story.subject {
        Subject::Build(_) | Subject::NamedBuild(_) => {
            Door::build_changed(emitter, &instance, build, &nvr, &state, &owner).await?;
        }
        Subject::Task(_) => {
            let method = text(&story.method);
            let what = if nvr.is_empty() {
                text(&story.package)
            } else {
                nvr.clone()
            };
            Door::task_changed(emitter, &instance, task, &method, &what, &state, &owner).await?;
        }
    }
    let details = dictionary(facts::details(story, known.sites.get(&story.instance)));
    Door::changed(emitter, &instance, build, task, &nvr, &state, details).await
}

/// Returns what a build or task is, and how it stands.
pub(super) fn five(story: &Story) -> Five {
    let it = facts::told(story);
    (it.instance, it.build, it.task, it.nvr, it.state)
}

/// Returns what is known as it is sent.
pub(super) fn dictionary(facts: Facts) -> HashMap<&'static str, Value<'static>> {
    let value = |it: Fact| match it {
        Fact::Text(it) => it.into(),
        Fact::Texts(it) => it.into(),
        Fact::Truth(it) => it.into(),
        Fact::Number(it) => it.into(),
        Fact::Time(it) => it.into(),
    };
    facts.into_iter().map(|(name, it)| (name, value(it))).collect()
}
