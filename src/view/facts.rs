//! A build or task as programs are told of it: names and values, on D-Bus and in JSON alike.
//!
//! Every name is written down once, at the signal `Changed` of our D-Bus interface. What is not known is not there.
//! Most of it was written by strangers: it is cut to [`MAX_TEXT`], and otherwise as they wrote it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{cause, progress, story};
use crate::koji::{InstanceName, Site, Subject};
use crate::watch::{Hook, Listing, Standing, Story, Watch, Whereabouts};

/// The longest text, in bytes; what strangers write has no limit of its own.
pub const MAX_TEXT: usize = 1024;

/// One thing that is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Fact {
    Text(String),
    Texts(Vec<String>),
    Truth(bool),
    Number(u64),
    /// Seconds since the epoch.
    Time(i64),
}

/// What is known, by name.
pub type Facts = BTreeMap<&'static str, Fact>;

/// What the running program has told of a build or task.
pub type Build = BTreeMap<String, Fact>;

/// What a build or task is, and how it stands. What is not known is 0 or empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Told {
    pub instance: String,
    pub build: u64,
    pub task: u64,
    pub nvr: String,
    /// As the hub spells it.
    pub state: String,
}

/// Returns what a build or task is, and how it stands.
pub fn told(story: &Story) -> Told {
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
    Told {
        instance: text(story.instance.as_str()),
        build,
        task,
        nvr: text(&nvr.unwrap_or_default()),
        state: story.standing.name().to_owned(),
    }
}

/// Returns what else is known.
pub fn details(story: &Story, site: Option<&Site>) -> Facts {
    let kind = match story.standing {
        Standing::Build(_) => "build",
        Standing::Task(_) => "task",
    };
    let mut facts = Facts::from([
        ("kind", Fact::Text(kind.to_owned())),
        ("mine", Fact::Truth(story.mine)),
        ("followed", Fact::Truth(story.followed)),
        ("scratch", Fact::Truth(story.scratch)),
        ("settled", Fact::Truth(story.standing.is_settled())),
        ("doomed", Fact::Truth(story.is_doomed())),
    ]);
    let (place, repo) = match &story.whereabouts {
        Whereabouts::Unknown => (None, None),
        Whereabouts::Tagged => (Some("tagged"), None),
        Whereabouts::NotTagged => (Some("not-tagged"), None),
        Whereabouts::InRepo(tag) => (Some("in-repo"), Some(&**tag)),
    };
    let cause = story.cause.as_ref();
    let log = cause.and_then(|it| it.log).and_then(|(task, log)| site?.log(task, log));
    let page = story::page(story, site);
    let sentence = story::result(story);
    let reason = cause.and_then(|_| cause::sentence(story));
    let texts = [
        ("text", Some(&*sentence)),
        ("package", story.package.as_deref()),
        ("method", story.method.as_deref()),
        ("owner", story.owner.as_deref()),
        ("target", story.target.as_deref()),
        ("place", place),
        ("repo", repo),
        ("page", page.as_deref()),
        ("class", cause.map(|it| it.class.name())),
        ("reason", reason.as_deref()),
        ("arch", cause.and_then(|it| it.arch.as_deref())),
        ("fault", cause.map(|it| &*it.fault)),
        ("by", cause.and_then(|it| it.by.as_deref())),
        ("log", log.as_deref()),
    ];
    for (name, value) in texts {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            facts.insert(name, Fact::Text(text(value)));
        }
    }
    let times = [
        ("started", story.started),
        ("ended", story.ended),
        ("expected", story.expected_end()),
    ];
    for (name, time) in times {
        facts.extend(time.map(|it| (name, Fact::Time(it.as_second()))));
    }
    let lines: Vec<String> = cause.iter().flat_map(|it| &it.lines).map(|it| text(it)).collect();
    if !lines.is_empty() {
        facts.insert("lines", Fact::Texts(lines));
    }
    facts
}

/// Returns all that is known.
pub fn whole(story: &Story, site: Option<&Site>) -> Facts {
    let mut facts = details(story, site);
    let Told {
        instance,
        build,
        task,
        nvr,
        state,
    } = told(story);
    facts.extend([("instance", Fact::Text(instance)), ("state", Fact::Text(state))]);
    let numbers = [("build", build), ("task", task)]
        .into_iter()
        .filter(|(_, it)| *it != 0);
    facts.extend(numbers.map(|(name, it)| (name, Fact::Number(it))));
    if !nvr.is_empty() {
        facts.insert("nvr", Fact::Text(nvr));
    }
    facts
}

/// Returns what a program is told that is run: all that is known, and why it is run.
pub fn of_hook(hook: &Hook, site: Option<&Site>) -> Facts {
    let mut facts = whole(&hook.story, site);
    facts.insert("event", Fact::Text(hook.occasion.name().to_owned()));
    let tag = hook.tag.as_deref().filter(|it| !it.is_empty());
    facts.extend(tag.map(|it| ("tag", Fact::Text(text(it)))));
    facts
}

/// Returns the builds and tasks that a program asks for, the newest first.
pub fn list(watch: &Watch, sites: &BTreeMap<InstanceName, Site>, listing: Listing, now: Timestamp) -> Vec<Facts> {
    let (stories, most) = match listing {
        Listing::Running => (watch.running(), u32::MAX),
        Listing::Recent(0) => (watch.results(), u32::MAX),
        Listing::Recent(most) => (watch.results(), most),
        Listing::Followed => (watch.followed(), u32::MAX),
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let facts = |story: &Story| {
        let mut facts = whole(story, sites.get(&story.instance));
        facts.insert("unseen", Fact::Truth(watch.is_unseen(story)));
        if !story.standing.is_settled() {
            let has_word = watch.hub(&story.instance).is_some_and(|it| it.trouble.is_none());
            facts.insert("progress", Fact::Text(text(&progress::label(story, now, has_word))));
        }
        facts
    };
    stories.into_iter().take(most).map(facts).collect()
}

/// Returns text as it can be sent: without NUL, which D-Bus does not carry, and not longer than [`MAX_TEXT`].
pub fn text(text: &str) -> String {
    let mut text = text.replace('\0', "");
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
