//! A notification in words.

use std::collections::{BTreeMap, BTreeSet};

use super::text;
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{BuildState, Child, InstanceName, Site, Subject, TaskState};
use crate::watch::{
    Act, Deed, Digest, Fate, Notice, NoticeId, PauseFor, Request, RuleName, Standing, Story, Tale, Telling,
};

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
        Telling::Confirm(act, story) => question(notice, *act, story),
        Telling::Acted(deed) => answer(notice, deed, sites.get(&deed.story.instance)),
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
        expires: !tale.fate.is_bad(),
        actions: actions(story, &tale.fate, site),
    }
}

fn manner(fate: &Fate) -> (Urgency, &'static str, &'static str) {
    match fate {
        Fate::Started => (Urgency::Low, "transfer", "dialog-information"),
        Fate::Finished => (Urgency::Normal, "transfer.complete", "complete"),
        Fate::Doomed | Fate::Failed | Fate::NotTagged => (Urgency::Normal, "transfer.error", "dialog-error"),
        Fate::Canceled => (Urgency::Normal, "transfer.error", "dialog-warning"),
        Fate::Tagged(_) | Fate::Untagged(_) | Fate::InRepo(_) => {
            (Urgency::Low, "transfer.complete", "dialog-information")
        }
    }
}

/// Asks whether something shall be done. Not doing it needs no button.
fn question(notice: &Notice, act: Act, story: &Story) -> Card {
    let what = what(story);
    let about = (story.instance.clone(), story.subject.clone());
    let (title, label) = match act {
        Act::Resubmit => (tr("Submit {what} again?"), tr("Submit again")),
        Act::Cancel => (tr("Cancel {what}?"), tr("Cancel the build")),
    };
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title: text::clean(&fill(&title, &[("what", &what)]), text::MAX_LINE),
        body: fill(
            &tr("On {instance}"),
            &[("instance", &text::name(story.instance.as_str()))],
        ),
        urgency: Urgency::Normal,
        category: "transfer",
        sound: None,
        expires: false,
        actions: vec![Action {
            key: "confirm",
            label,
            request: Request::Confirm { act, about },
        }],
    }
}

/// Tells what became of something that was to be done.
fn answer(notice: &Notice, deed: &Deed, site: Option<&Site>) -> Card {
    let what = what(&deed.story);
    let (title, body) = match (&deed.done, deed.act) {
        (Ok(_), Act::Resubmit) => (tr("{what} was submitted again"), String::new()),
        (Ok(_), Act::Cancel) => (tr("{what} is being canceled"), String::new()),
        (Err(why), Act::Resubmit) => (tr("{what} was not submitted again"), text::clean(why, text::MAX_LINE)),
        (Err(why), Act::Cancel) => (tr("{what} was not canceled"), text::clean(why, text::MAX_LINE)),
    };
    let page = match deed.done {
        Ok(Some(task)) => site.and_then(|it| it.task_page(task)),
        Ok(None) | Err(_) => page(&deed.story, site),
    };
    let open = |link| Action {
        key: "default",
        label: tr("Open task"),
        request: Request::Open {
            link,
            token: None,
            about: None,
        },
    };
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title: text::clean(&fill(&title, &[("what", &what)]), text::MAX_LINE),
        body,
        urgency: Urgency::Normal,
        category: if deed.done.is_ok() {
            "transfer"
        } else {
            "transfer.error"
        },
        sound: None,
        expires: deed.done.is_ok(),
        actions: page.map(open).into_iter().collect(),
    }
}

/// Returns what a build or task is called.
pub(super) fn what(story: &Story) -> String {
    name(story).unwrap_or_else(|| {
        // Translators: a task of Koji that builds no package: "newRepo task 4711".
        let (method, number) = nameless(story);
        fill(
            &tr("{method} task {number}"),
            &[("method", &method), ("number", &number)],
        )
    })
}

/// Returns the name of what is built. Tasks that build nothing, such as `newRepo`, have none.
pub(super) fn name(story: &Story) -> Option<String> {
    let named = match &story.subject {
        Subject::NamedBuild(nvr) => Some(nvr),
        Subject::Build(_) | Subject::Task(_) => None,
    };
    let nvr = story.nvr.as_ref().or(named).map(ToString::to_string);
    nvr.or_else(|| story.package.clone()).map(|it| text::name(&it))
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

/// Returns what has become of a build or task, in one line.
fn title(tale: &Tale) -> String {
    let sentence = match &tale.fate {
        Fate::Started | Fate::Finished | Fate::Failed | Fate::Canceled => return standing(&tale.story),
        Fate::Tagged(_) => tr("{what} was tagged"),
        Fate::Untagged(_) => tr("{what} was untagged"),
        Fate::Doomed => tr("{what} is failing"),
        Fate::NotTagged => tr("{what} is built, but not tagged"),
        Fate::InRepo(_) => tr("{what} is in the repository"),
    };
    fill(&sentence, &[("what", &what(&tale.story))])
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

fn body(tale: &Tale) -> String {
    let mut lines = Vec::new();
    match &tale.fate {
        Fate::Failed | Fate::Doomed => lines.extend(cause(&tale.story)),
        Fate::NotTagged => {}
        Fate::InRepo(tag) => return fill(&tr("Now in {tag}"), &[("tag", &text::name(tag))]),
        // Where it was built for says nothing here, and looks like a tag.
        Fate::Tagged(tag) => return fill(&tr("Now in {tag}"), &[("tag", &text::name(tag))]),
        Fate::Untagged(tag) => return fill(&tr("No longer in {tag}"), &[("tag", &text::name(tag))]),
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
            "buildSRPMFromSCM" | "rebuildSRPM" => tr("The source RPM could not be built"),
            // Translators: a task of Koji: "The tagBuild task failed".
            method => fill(&tr("The {method} task failed"), &[("method", &text::name(method))]),
        });
    }
    let failed = text::some(&failed, MAX_LISTED);
    if built.is_empty() {
        // Translators: {arches} is one architecture or a list such as "aarch64 and s390x".
        return Some(fill(&tr("{arches} failed"), &[("arches", &failed)]));
    }
    let values = [("failed", &*failed), ("built", &text::some(&built, MAX_LISTED))];
    // Translators: each is one architecture or a list: "aarch64 failed; s390x and x86_64 built".
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
        // Translators: begins a line such as "Scratch build, rawhide, 12 min".
        parts.push(tr("Scratch build"));
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
    // Translators: stands between the parts of a line such as "rawhide, 12 min", and between names in a list.
    parts.join(&tr(", "))
}

fn actions(story: &Story, fate: &Fate, site: Option<&Site>) -> Vec<Action> {
    let open = |link| Request::Open {
        link,
        token: None,
        about: Some((story.instance.clone(), story.subject.clone())),
    };
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
    if fate.is_bad()
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

/// Returns whether a later tale tells of another standing of the same build or task.
fn is_overtaken(tale: &Tale, later: &[Tale]) -> bool {
    let is_tag = |it: &Tale| matches!(it.fate, Fate::Tagged(_) | Fate::Untagged(_));
    let is_same = |it: &Tale| it.story.instance == tale.story.instance && it.story.subject == tale.story.subject;
    !is_tag(tale) && later.iter().any(|it| is_same(it) && !is_tag(it) && !it.late)
}

fn many(notice: &Notice, digest: &Digest, sites: &BTreeMap<InstanceName, Site>) -> Card {
    // Who was tagged twice is one build, and is named once; who failed and was then built is built.
    let stories = |wanted: fn(&Fate) -> bool| {
        let mut seen = BTreeSet::new();
        let tales = digest.tales.iter().enumerate();
        let newest = tales.filter(|(n, it)| !is_overtaken(it, digest.tales.get(n + 1..).unwrap_or_default()));
        let stories = newest.filter(|(_, it)| wanted(&it.fate)).map(|(_, it)| &it.story);
        let firsts = stories.filter(|it| seen.insert((&it.instance, &it.subject)));
        firsts.collect::<Vec<_>>()
    };
    let names = |wanted: fn(&Fate) -> bool| stories(wanted).into_iter().map(what).collect::<Vec<_>>();
    let failed = names(|it| *it == Fate::Failed);
    let finished = names(|it| *it == Fate::Finished);
    let total = stories(|_| true).len() + digest.left_out as usize;
    let title = headline(failed.len(), finished.len(), total);
    let mut lines = Vec::new();
    let mut line = |sentence: String, names: &[String]| {
        if !names.is_empty() {
            lines.push(fill(&sentence, &[("names", &text::some(names, MAX_LISTED))]));
        }
    };
    line(tr("Failed: {names}"), &failed);
    line(tr("Built: {names}"), &finished);
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
        request: Request::Open {
            link,
            token: None,
            about: None,
        },
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

/// Returns how it went with many builds, in one line.
fn headline(failed: usize, finished: usize, total: usize) -> String {
    let number = |it: usize| it.to_string();
    if failed == total {
        let sentence = tr_n("{n} build failed", "{n} builds failed", total as u64);
        return fill(&sentence, &[("n", &number(total))]);
    }
    if failed > 0 {
        // Translators: the plural is that of {failed}: "1 of 9 builds failed".
        let sentence = tr_n(
            "{failed} of {total} builds failed",
            "{failed} of {total} builds failed",
            failed as u64,
        );
        return fill(&sentence, &[("failed", &number(failed)), ("total", &number(total))]);
    }
    let sentence = if finished == total {
        tr_n("{n} build finished", "{n} builds finished", total as u64)
    } else {
        tr_n("News about {n} build", "News about {n} builds", total as u64)
    };
    fill(&sentence, &[("n", &number(total))])
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
