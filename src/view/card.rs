//! A notification in words.

use std::collections::BTreeMap;

use super::text;
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{Child, InstanceName, Site, Subject, TaskState};
use crate::watch::{Digest, Fate, Notice, NoticeId, PauseFor, Request, RuleName, Story, Tale, Telling};

/// A notification as a person reads it. Plain text: whoever shows it escapes it where markup is understood.
/// Control and bidirectional formatting characters are gone and lengths are capped.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub notice: NoticeId,
    /// A card of this notice was shown before.
    pub replaces: bool,
    /// One line.
    pub title: String,
    /// Lines separated by `\n`; may be empty.
    pub body: String,
    pub urgency: Urgency,
    /// The category of Desktop Notifications 1.2, such as `transfer.complete`.
    pub category: &'static str,
    /// The name of a sound in the freedesktop sound theme, if it is to be heard.
    pub sound: Option<&'static str>,
    /// The card goes away by itself.
    pub expires: bool,
    /// What the person may do, the most useful first. The one with the key `default` is a click on the card.
    pub actions: Vec<Action>,
}

/// Something that a person may do about a card.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The key of Desktop Notifications 1.2: `default`, `open`, `log`, `mute`.
    pub key: &'static str,
    pub label: String,
    pub request: Request,
}

/// The urgency levels of Desktop Notifications 1.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Urgency {
    Low,
    Normal,
    Critical,
}

/// How many names a digest lists of one kind.
const MAX_LISTED: usize = 5;

/// Returns the notice in words, with links to the configured sites.
pub fn card(notice: &Notice, sites: &BTreeMap<InstanceName, Site>) -> Card {
    match &notice.telling {
        Telling::One(tale) => one(notice, tale, sites.get(&tale.story.instance)),
        Telling::Many(digest) => many(notice, digest, sites),
    }
}

fn one(notice: &Notice, tale: &Tale, site: Option<&Site>) -> Card {
    let story = &tale.story;
    let (urgency, category, sound) = manner(&tale.fate);
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title: text::clean(&title(tale), text::MAX_LINE),
        body: body(tale),
        urgency,
        category,
        sound: notice.sound.then_some(sound),
        expires: tale.fate != Fate::Failed,
        actions: actions(story, &tale.fate, site),
    }
}

fn manner(fate: &Fate) -> (Urgency, &'static str, &'static str) {
    match fate {
        Fate::Started => (Urgency::Low, "transfer", "dialog-information"),
        Fate::Finished => (Urgency::Normal, "transfer.complete", "complete"),
        Fate::Failed => (Urgency::Normal, "transfer.error", "dialog-error"),
        Fate::Canceled => (Urgency::Normal, "transfer.error", "dialog-warning"),
        Fate::Tagged(_) | Fate::Untagged(_) => (Urgency::Low, "transfer.complete", "dialog-information"),
    }
}

/// Returns what a build or task is called.
pub(super) fn what(story: &Story) -> String {
    if let Some(nvr) = &story.nvr {
        return text::name(&nvr.to_string());
    }
    if let Some(package) = &story.package {
        return text::name(package);
    }
    let number = match &story.subject {
        Subject::Task(id) => id.to_string(),
        Subject::Build(id) => id.to_string(),
        Subject::NamedBuild(nvr) => return text::name(&nvr.to_string()),
    };
    match &story.method {
        Some(method) => {
            let values = [("number", &*number), ("method", &text::name(method))];
            // Translators: a task of Koji without a better name: "task 4711 (newRepo)".
            fill(&tr("task {number} ({method})"), &values)
        }
        None => fill(&tr("build {number}"), &[("number", &number)]),
    }
}

/// Returns what has become of a build or task, in one line.
pub(super) fn title(tale: &Tale) -> String {
    let what = what(&tale.story);
    let sentence = match &tale.fate {
        Fate::Started => tr("{what} is being built"),
        Fate::Finished => tr("{what} is built"),
        Fate::Failed => tr("{what} failed"),
        Fate::Canceled => tr("{what} was canceled"),
        Fate::Tagged(_) => tr("{what} was tagged"),
        Fate::Untagged(_) => tr("{what} was untagged"),
    };
    fill(&sentence, &[("what", &what)])
}

fn body(tale: &Tale) -> String {
    let story = &tale.story;
    let mut lines = Vec::new();
    match &tale.fate {
        Fate::Failed => lines.extend(cause(story)),
        Fate::Tagged(tag) => lines.push(fill(&tr("Now in {tag}"), &[("tag", &text::name(tag))])),
        Fate::Untagged(tag) => lines.push(fill(&tr("No longer in {tag}"), &[("tag", &text::name(tag))])),
        Fate::Started | Fate::Finished | Fate::Canceled => {}
    }
    let circumstances = circumstances(tale);
    if !circumstances.is_empty() {
        lines.push(circumstances);
    }
    lines.join("\n")
}

/// Returns which architectures failed and which were built, or that it never came to that.
fn cause(story: &Story) -> Option<String> {
    let names = |arches: Vec<&Child>| {
        let mut names: Vec<String> = arches.into_iter().map(|it| text::name(&it.arch)).collect();
        names.sort();
        names.dedup();
        names
    };
    let failed = names(story.failed_arches().collect());
    let built = names(story.built_arches().collect());
    if failed.is_empty() {
        let is_failed = |it: &&Child| it.state == Some(TaskState::Failed);
        let child = story.children.iter().find(is_failed)?;
        return Some(match &*child.method {
            "buildSRPMFromSCM" | "rebuildSRPM" => tr("The source RPM could not be made"),
            method => fill(&tr("The task {method} failed"), &[("method", &text::name(method))]),
        });
    }
    let failed = text::list(&failed);
    if built.is_empty() {
        // Translators: {arches} is a list of architectures such as "aarch64 and s390x".
        return Some(fill(&tr("{arches} failed"), &[("arches", &failed)]));
    }
    let values = [("failed", &*failed), ("built", &text::list(&built))];
    // Translators: both are lists of architectures: "aarch64 failed; s390x and x86_64 built".
    Some(fill(&tr("{failed} failed; {built} built"), &values))
}

/// Returns kind, target, duration and, for somebody else's build, the owner, as far as they are known.
fn circumstances(tale: &Tale) -> String {
    let story = &tale.story;
    let mut parts = Vec::new();
    if matches!(tale.fate, Fate::Tagged(_) | Fate::Untagged(_)) {
        return String::new();
    }
    if story.scratch {
        parts.push(tr("scratch build"));
    }
    if let Some(target) = &story.target {
        parts.push(text::name(target));
    }
    let tells_duration = matches!(tale.fate, Fate::Finished | Fate::Failed | Fate::Canceled);
    if tells_duration && let Some(duration) = story.duration() {
        parts.push(text::duration(duration));
    }
    if tale.rule == RuleName::FollowedPackages
        && let Some(owner) = &story.owner
    {
        // Translators: who builds it: "rawhide, 12 min, by mona".
        parts.push(fill(&tr("by {owner}"), &[("owner", &text::name(owner))]));
    }
    parts.join(&tr(", "))
}

fn actions(story: &Story, fate: &Fate, site: Option<&Site>) -> Vec<Action> {
    let open = |link| Request::Open { link, token: None };
    let mut actions = Vec::new();
    if let Some(page) = page(story, site) {
        let label = match story.subject {
            Subject::Task(_) => tr("Open task"),
            Subject::Build(_) | Subject::NamedBuild(_) => tr("Open build"),
        };
        actions.push(Action {
            key: "default",
            label: label.clone(),
            request: open(page.clone()),
        });
        actions.push(Action {
            key: "open",
            label,
            request: open(page),
        });
    }
    if *fate == Fate::Failed
        && let Some(log) = log(story, site)
    {
        actions.push(Action {
            key: "log",
            label: tr("Open log"),
            request: open(log),
        });
    }
    if let Some(package) = &story.package {
        actions.push(Action {
            key: "mute",
            label: tr("Mute package"),
            request: Request::Mute {
                package: package.clone(),
                until: PauseFor::UntilTomorrow,
            },
        });
    }
    actions
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

/// Returns the address of the log that says why it failed: of the first architecture that failed, else of whatever
/// task failed below it.
pub(super) fn log(story: &Story, site: Option<&Site>) -> Option<String> {
    let is_failed = |it: &&Child| it.state == Some(TaskState::Failed);
    let arch = story.failed_arches().min_by(|a, b| a.arch.cmp(&b.arch));
    let child = arch.or_else(|| story.children.iter().find(is_failed))?;
    site?.build_log(child.task)
}

fn many(notice: &Notice, digest: &Digest, sites: &BTreeMap<InstanceName, Site>) -> Card {
    let names = |wanted: fn(&Fate) -> bool| {
        let tales = digest.tales.iter().filter(|it| wanted(&it.fate));
        tales.map(|it| what(&it.story)).collect::<Vec<_>>()
    };
    let failed = names(|it| *it == Fate::Failed);
    let total = digest.tales.len() + digest.left_out as usize;
    let number = total.to_string();
    let title = if failed.is_empty() {
        let sentence = tr_n("News of {total} build", "News of {total} builds", total as u64);
        fill(&sentence, &[("total", &number)])
    } else {
        let count = failed.len();
        let sentence = tr_n(
            "{failed} of {total} builds failed",
            "{failed} of {total} builds failed",
            count as u64,
        );
        fill(&sentence, &[("failed", &count.to_string()), ("total", &number)])
    };
    let mut lines = Vec::new();
    let mut line = |sentence: String, names: &[String]| {
        if !names.is_empty() {
            lines.push(fill(&sentence, &[("names", &text::some(names, MAX_LISTED))]));
        }
    };
    line(tr("Failed: {names}"), &failed);
    line(tr("Built: {names}"), &names(|it| *it == Fate::Finished));
    line(tr("Canceled: {names}"), &names(|it| *it == Fate::Canceled));
    line(tr("Started: {names}"), &names(|it| *it == Fate::Started));
    line(tr("Tagged: {names}"), &names(|it| matches!(it, Fate::Tagged(_))));
    line(tr("Untagged: {names}"), &names(|it| matches!(it, Fate::Untagged(_))));
    let fate = if failed.is_empty() {
        Fate::Finished
    } else {
        Fate::Failed
    };
    let (urgency, category, sound) = manner(&fate);
    let site = digest.tales.first().and_then(|it| sites.get(&it.story.instance));
    let home = site.and_then(|it| it.weburl.clone());
    let open = |link| Action {
        key: "default",
        label: tr("Open Koji"),
        request: Request::Open { link, token: None },
    };
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title,
        body: lines.join("\n"),
        urgency,
        category,
        sound: notice.sound.then_some(sound),
        expires: failed.is_empty(),
        actions: home.map(open).into_iter().collect(),
    }
}

impl Urgency {
    /// Returns the name as programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }
}
