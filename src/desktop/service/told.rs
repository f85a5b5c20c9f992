//! What has become of a build or task, as it is told on the bus.

use std::collections::HashMap;

use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;

use super::{Door, MAX_TEXT};
use crate::koji::{Known, Subject};
use crate::watch::{Standing, Story};

/// A build or task as a caller gets it: instance, build, task, name, state. What is not known is 0 or empty.
pub(super) type Told = (String, u64, u64, String, String);

/// Tells what has become of a build or task: in short, and with all that is known.
pub(super) async fn tell_story(emitter: &SignalEmitter<'_>, story: &Story, known: &Known) -> zbus::Result<()> {
    let (instance, build, task, nvr, state) = told(story);
    let owner = text(story.owner.as_deref());
    match &story.subject {
        Subject::Build(_) | Subject::NamedBuild(_) => {
            Door::build_changed(emitter, &instance, build, &nvr, &state, &owner).await?;
        }
        Subject::Task(_) => {
            let method = text(story.method.as_deref());
            let what = if nvr.is_empty() {
                text(story.package.as_deref())
            } else {
                nvr.clone()
            };
            Door::task_changed(emitter, &instance, task, &method, &what, &state, &owner).await?;
        }
    }
    Door::changed(emitter, &instance, build, task, &nvr, &state, details(story, known)).await
}

/// Returns what a build or task is, and how it stands.
pub(super) fn told(story: &Story) -> Told {
    let named = story.nvr.as_ref().map(ToString::to_string);
    let (build, nvr) = match &story.subject {
        Subject::Build(build) => (build.0, named),
        Subject::NamedBuild(nvr) => (0, Some(nvr.to_string())),
        Subject::Task(_) => (0, named),
    };
    let task = match &story.subject {
        Subject::Task(task) => task.0,
        Subject::Build(_) | Subject::NamedBuild(_) => story.task.map_or(0, |it| it.0),
    };
    let instance = text(Some(story.instance.as_str()));
    let state = story.standing.name().to_owned();
    (instance, build, task, text(nvr.as_deref()), state)
}

/// Returns what else is known, and nothing for what is not.
fn details(story: &Story, known: &Known) -> HashMap<&'static str, Value<'static>> {
    let site = known.sites.get(&story.instance);
    let kind = match story.standing {
        Standing::Build(_) => "build",
        Standing::Task(_) => "task",
    };
    let page = match &story.subject {
        Subject::Build(build) => site.and_then(|it| it.build_page(*build)),
        Subject::Task(task) => site.and_then(|it| it.task_page(*task)),
        Subject::NamedBuild(_) => story.task.and_then(|it| site?.task_page(it)),
    };
    let mut details = HashMap::from([
        ("kind", kind.into()),
        ("mine", story.mine.into()),
        ("scratch", story.scratch.into()),
        ("settled", story.standing.is_settled().into()),
        ("doomed", story.is_doomed().into()),
    ]);
    let cause = story.cause.as_ref();
    let log = cause.and_then(|it| it.log).and_then(|(task, log)| site?.log(task, log));
    let texts = [
        ("package", story.package.as_deref()),
        ("method", story.method.as_deref()),
        ("owner", story.owner.as_deref()),
        ("target", story.target.as_deref()),
        ("page", page.as_deref()),
        ("class", cause.map(|it| it.class.name())),
        ("arch", cause.and_then(|it| it.arch.as_deref())),
        ("fault", cause.map(|it| &*it.fault)),
        ("by", cause.and_then(|it| it.by.as_deref())),
        ("log", log.as_deref()),
    ];
    for (name, value) in texts {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            details.insert(name, text(Some(value)).into());
        }
    }
    details
}

/// Returns text as it can be sent: without NUL, which D-Bus does not carry, and not longer than [`MAX_TEXT`].
pub(super) fn text(text: Option<&str>) -> String {
    let mut text = text.unwrap_or_default().replace('\0', "");
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
