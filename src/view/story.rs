//! What a build or task is called, how it stands, and where its pages are.

use std::collections::BTreeMap;

use super::text;
use crate::i18n::{fill, tr};
use crate::koji::{BuildState, Child, InstanceName, Site, Subject, TaskState};
use crate::watch::{Standing, Story, Trend, Whereabouts};

/// Returns what a build or task is called.
pub(super) fn what(story: &Story) -> String {
    name(story).unwrap_or_else(|| {
        let (method, number) = nameless(story);
        // Translators: a task of Koji that builds no package: "newRepo task 4711".
        fill(
            &tr("{method} task {number}"),
            &[("method", &method), ("number", &number)],
        )
    })
}

/// Returns the name of the instance that it is on, where there are several.
pub(super) fn instance(story: &Story, sites: &BTreeMap<InstanceName, Site>) -> Option<String> {
    (sites.len() > 1).then(|| text::name(story.instance.as_str()))
}

/// Returns what it is called in a list, with its instance where there are several.
pub(super) fn listed(story: &Story, sites: &BTreeMap<InstanceName, Site>) -> String {
    placed(what(story), story, sites)
}

/// Returns what is said of it, with its instance where there are several.
pub(super) fn placed(said: String, story: &Story, sites: &BTreeMap<InstanceName, Site>) -> String {
    match instance(story, sites) {
        Some(instance) => format!("{said} ({instance})"),
        None => said,
    }
}

/// Returns the name of what is built. Tasks that build nothing, such as `newRepo`, have none.
pub(super) fn name(story: &Story) -> Option<String> {
    if only_tags(story) {
        return None;
    }
    let named = match &story.subject {
        Subject::NamedBuild(nvr) => Some(nvr),
        Subject::Build(_) | Subject::Task(_) => None,
    };
    let nvr = story.nvr.as_ref().or(named).map(ToString::to_string);
    nvr.or_else(|| story.package.clone()).map(|it| text::name(&it))
}

/// Returns whether it is a task that puts something into a tag that was built before.
fn only_tags(story: &Story) -> bool {
    matches!(story.subject, Subject::Task(_)) && story.method.as_deref() == Some("tagBuild")
}

/// Returns method and number of a task without a name. A build always has one.
fn nameless(story: &Story) -> (String, String) {
    let number = match &story.subject {
        Subject::Task(id) => id.to_string(),
        Subject::Build(id) => id.to_string(),
        Subject::NamedBuild(nvr) => nvr.to_string(),
    };
    let method = story.method.as_deref().unwrap_or("build");
    (text::name(method), text::name(&number))
}

/// Returns how a build or task stands, in one line. A build and the task of a scratch build stand with the same words.
pub(super) fn standing(story: &Story) -> String {
    let Some(what) = name(story) else {
        let sentence = match story.standing {
            Standing::Build(BuildState::Complete) | Standing::Task(TaskState::Closed) => {
                tr("{method} task {number} is done")
            }
            Standing::Build(BuildState::Failed) | Standing::Task(TaskState::Failed) => {
                tr("{method} task {number} failed")
            }
            Standing::Build(BuildState::Canceled | BuildState::Deleted) | Standing::Task(TaskState::Canceled) => {
                tr("{method} task {number} was canceled")
            }
            Standing::Build(BuildState::Building)
            | Standing::Task(TaskState::Free | TaskState::Open | TaskState::Assigned) => {
                tr("{method} task {number} is running")
            }
        };
        let (method, number) = nameless(story);
        return fill(&sentence, &[("method", &method), ("number", &number)]);
    };
    // Translators: {what} is a package, mostly with version and release: "bash-5.3-1.fc43 is built".
    let sentence = match story.standing {
        Standing::Build(BuildState::Complete) | Standing::Task(TaskState::Closed) => tr("{what} is built"),
        Standing::Build(BuildState::Failed) | Standing::Task(TaskState::Failed) => tr("{what} failed"),
        Standing::Build(BuildState::Canceled) | Standing::Task(TaskState::Canceled) => tr("{what} was canceled"),
        Standing::Build(BuildState::Deleted) => tr("{what} was deleted"),
        Standing::Build(BuildState::Building)
        | Standing::Task(TaskState::Free | TaskState::Open | TaskState::Assigned) => tr("{what} is being built"),
    };
    fill(&sentence, &[("what", &what)])
}

/// Returns how something that has ended stands, and how far it has come since.
pub(super) fn result(story: &Story) -> String {
    if story.standing != Standing::Build(BuildState::Complete) {
        return standing(story);
    }
    // Translators: {what} is a package with version and release: "bash-5.3-1.fc43 is in the repository".
    let sentence = match &story.whereabouts {
        Whereabouts::Unknown if is_being_tagged(story) => tr("{what} is built and being tagged"),
        Whereabouts::Unknown | Whereabouts::Tagged => return standing(story),
        Whereabouts::NotTagged => tr("{what} is built, but not tagged"),
        Whereabouts::InRepo(_) => tr("{what} is in the repository"),
    };
    fill(&sentence, &[("what", &what(story))])
}

/// Returns whether something about it went wrong, or is about to, that has a cause.
pub(super) fn is_bad(story: &Story) -> bool {
    let has_failed = match story.standing {
        Standing::Build(state) => state == BuildState::Failed,
        Standing::Task(state) => state == TaskState::Failed,
    };
    has_failed || story.is_doomed() || story.whereabouts == Whereabouts::NotTagged
}

/// Returns whether it is built, and those before it failed.
pub(super) fn is_fixed(story: &Story) -> bool {
    matches!(story.trend, Some(Trend::Fixed(_)))
}

/// Returns whether it failed like the one before it.
pub(super) fn has_failed_again(story: &Story) -> bool {
    matches!(story.trend, Some(Trend::StillBroken(_)))
}

/// Returns whether it is being put into its tag.
pub(super) fn is_being_tagged(story: &Story) -> bool {
    let is_tagging = |it: &Child| it.method == "tagBuild" && it.state.is_some_and(|it| !it.is_settled());
    story.children.iter().any(is_tagging)
}

/// Returns kind and target, as far as they are known, as parts of a line; of a task that tags, what and where to.
pub(super) fn kind(story: &Story) -> Vec<String> {
    let mut parts = Vec::new();
    if story.scratch {
        // Translators: begins a line such as "Scratch build, rawhide, 12 min".
        parts.push(tr("Scratch build"));
    }
    if only_tags(story) {
        parts.extend(story.nvr.as_ref().map(|it| text::name(&it.to_string())));
    }
    parts.extend(story.target.as_deref().map(text::name));
    parts
}

/// Returns whose build it is, if it is somebody else's.
pub(super) fn owner(story: &Story) -> Option<String> {
    let owner = story.owner.as_deref().filter(|_| !story.mine)?;
    // Translators: who builds it: "rawhide, 12 min, by mona".
    Some(fill(&tr("by {owner}"), &[("owner", &text::name(owner))]))
}

/// Returns the names of architectures as a person lists them.
#[expect(single_use_lifetimes, reason = "an `impl` in an argument cannot leave it out yet")]
pub(super) fn arches<'a>(children: impl Iterator<Item = &'a Child>) -> Vec<String> {
    let mut names: Vec<String> = children.map(|it| text::name(&it.arch)).collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the builds for an architecture that have not ended yet.
pub(super) fn running_arches(story: &Story) -> impl Iterator<Item = &Child> {
    let runs = |it: &&Child| it.is_arch_build() && it.state.is_some_and(|it| !it.is_settled());
    story.children.iter().filter(runs)
}

/// Returns the address of the page about a build or task.
pub(super) fn page(story: &Story, site: Option<&Site>) -> Option<String> {
    let site = site?;
    match (&story.subject, story.task) {
        (Subject::Build(build), _) => site.build_page(*build),
        (Subject::Task(task), _) => site.task_page(*task),
        (Subject::NamedBuild(_), Some(task)) => site.task_page(task),
        (Subject::NamedBuild(_), None) => None,
    }
}

/// Returns the address of the log that says why it failed: the one that was found to say it, else that of the first
/// architecture that failed, else of whatever task failed below it.
pub(super) fn log(story: &Story, site: Option<&Site>) -> Option<String> {
    let site = site?;
    if let Some((task, log)) = story.cause.as_ref().and_then(|it| it.log) {
        return site.log(task, log);
    }
    // Who tags writes no log.
    let is_failed = |it: &&Child| it.state == Some(TaskState::Failed) && it.method != "tagBuild";
    let arch = story.failed_arches().min_by(|a, b| a.arch.cmp(&b.arch));
    let child = arch.or_else(|| story.children.iter().find(is_failed))?;
    site.build_log(child.task)
}
