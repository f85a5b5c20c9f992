//! How a package has been doing for a target: whether an ending of it is one more of a kind, or news of its own.
//!
//! It is read off the endings that the stories have dealt with, so that one counts once however often, late or from
//! whom it was heard, and a restart goes on with what is on record. What is not remembered any more counts no longer:
//! the numbers say what is known, and that may be less than what was.
//!
//! What was canceled says nothing of the package. That it was never built before only the hub can say.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::state::{Entry, Key};
use super::{Effect, Ending, Fate, Standing, Story, Tale, Watch, merge};
use crate::koji::{BuildState, InstanceName, Subject, TaskState};

/// How many endings of a package are counted.
const MAX_COUNTED: usize = 1000;

/// What an ending says of its package, beside itself. Of the same target, and of scratch builds or of others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trend {
    /// The hub knew no finished build of the package while this one ran. Of one that has finished, or still runs.
    First,
    /// It failed, and the one before had finished.
    Broken,
    /// It failed, and so did the one before.
    StillBroken(Row),
    /// It finished, and the one before had failed.
    Fixed(Row),
}

impl Trend {
    /// Returns the name as programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Broken => "broken",
            Self::StillBroken(_) => "still-broken",
            Self::Fixed(_) => "fixed",
        }
    }

    /// Returns the failures that it is about, if there are several or it is the end of them.
    pub fn row(self) -> Option<Row> {
        match self {
            Self::First | Self::Broken => None,
            Self::StillBroken(row) | Self::Fixed(row) => Some(row),
        }
    }
}

/// Failures that nothing finished came between.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// How many, with this one if it failed.
    pub failures: u32,
    /// When the first of them ended.
    pub since: Timestamp,
}

/// How one ended that says something of its package.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Finished,
    Failed,
}

/// What is compared with each other.
type Line<'a> = (&'a InstanceName, &'a str, &'a str, bool, Option<&'a str>);

impl Watch {
    /// Returns what the ending that a story stands at says of its package, if anything.
    pub(super) fn trend_of(&self, story: &Story) -> Option<Trend> {
        let outcome = outcome(story.standing)?;
        let line = line(story)?;
        let at = story.ended.unwrap_or(story.changed);
        let is_this = |key: &Key, other: Timestamp| {
            key.1 == story.subject && (at == other || at.duration_since(other).abs() <= merge::TIE)
        };
        let others = self
            .stories
            .iter()
            .filter(|(_, it)| self::line(&it.story) == Some(line));
        let endings = others.flat_map(|(key, entry)| entry.outcomes().map(move |it| (key, it)));
        let before = endings.filter(|(key, (other, it))| *it < at && !(*other == outcome && is_this(key, *it)));
        let mut before: Vec<_> = before.map(|(_, it)| it).collect();
        before.sort_by_key(|(_, at)| Reverse(*at));
        before.truncate(MAX_COUNTED);
        let failed = before.iter().take_while(|(it, _)| *it == Outcome::Failed);
        let failed: Vec<_> = failed.map(|(_, at)| *at).collect();
        let row = |failures: usize| {
            failed.last().map(|since| Row {
                failures: u32::try_from(failures).unwrap_or(u32::MAX),
                since: *since,
            })
        };
        match outcome {
            Outcome::Finished if story.trend == Some(Trend::First) && !self.was_finished_before(story, at) => {
                story.trend
            }
            Outcome::Finished => row(failed.len()).map(Trend::Fixed),
            Outcome::Failed => {
                let again = row(failed.len() + 1).map(Trend::StillBroken);
                again.or((!before.is_empty()).then_some(Trend::Broken))
            }
        }
    }

    /// What ended after something that is only heard of now says something else of its package than when it was told: that
    /// is kept, and a failure that is on screen tells whether it is one of several.
    pub(super) fn see_to_trends(&mut self, effects: &mut Vec<Effect>) {
        let just_ended = std::mem::take(&mut self.just_ended);
        for key in self.ended_after(&just_ended) {
            let Some(entry) = self.stories.get(&key) else { continue };
            let trend = self.trend_of(&entry.story);
            if trend == entry.story.trend {
                continue;
            }
            let Some(entry) = self.stories.get_mut(&key) else {
                continue;
            };
            let trends = [entry.story.trend, trend];
            entry.story.trend = trend;
            let story = entry.story.clone();
            let shown = entry.notice.zip(entry.shown.clone());
            let is_it = |it: &Story| it.instance == key.0 && it.subject == key.1 && it.ended == story.ended;
            self.each_held(|tale| {
                if is_it(&tale.story) && tale.story.standing == story.standing {
                    tale.story.trend = trend;
                }
            });
            effects.push(Effect::Announce(story.clone()));
            if let Some((id, (tale, fate, rule))) = shown
                && fate == Fate::Failed
                && trends.iter().any(|it| matches!(it, Some(Trend::StillBroken(_))))
                && !self.waiting.contains_key(&id)
            {
                let tale = Tale {
                    id: tale,
                    fate,
                    story,
                    rule,
                    late: false,
                };
                self.say_more(id, tale, effects);
            }
        }
    }

    /// Returns what stands at an ending that came after one of these, of the same package and kind.
    fn ended_after(&self, just_ended: &BTreeSet<Key>) -> Vec<Key> {
        let of_these = just_ended.iter().filter_map(|key| self.stories.get(key));
        let mut first: BTreeMap<Line<'_>, Timestamp> = BTreeMap::new();
        for entry in of_these {
            // An attempt before the one that it stands at may be what is new.
            if let Some((line, at)) = line(&entry.story).zip(entry.outcomes().map(|(_, at)| at).min()) {
                first.entry(line).and_modify(|it| *it = at.min(*it)).or_insert(at);
            }
        }
        if first.is_empty() {
            return Vec::new();
        }
        self.stories.keys(|_, it| {
            let is_after = |at: &Timestamp| it.story.ended.is_some_and(|ended| ended > *at);
            outcome(it.story.standing).is_some() && line(&it.story).and_then(|it| first.get(&it)).is_some_and(is_after)
        })
    }

    /// A build has finished: those of the package that failed before call for nobody any more. What nobody has seen yet
    /// stays to be told.
    pub(super) fn put_failures_away(&mut self, story: &Story, effects: &mut Vec<Effect>) {
        let is_finished = outcome(story.standing) == Some(Outcome::Finished);
        let Some(line) = line(story).filter(|_| is_finished) else {
            return;
        };
        let at = story.ended.unwrap_or(story.changed);
        let is_over = |key: &Key, entry: &Entry| {
            let failed = outcome(entry.story.standing) == Some(Outcome::Failed);
            let is_before = entry.story.ended.is_some_and(|it| it < at);
            let is_on_show = entry.unseen_failure || entry.notice.is_some();
            is_on_show && failed && is_before && key.1 != story.subject && self::line(&entry.story) == Some(line)
        };
        for key in self.stories.keys(is_over) {
            let Some(entry) = self.stories.get_mut(&key) else {
                continue;
            };
            entry.unseen_failure = false;
            if let Some(notice) = entry.notice
                && self.waiting_end(notice).is_none()
            {
                self.forget_notice(notice);
                effects.push(Effect::Withdraw(notice));
            }
        }
    }

    /// Returns whether a failure is over: the package was built since.
    pub(super) fn is_over(&self, story: &Story) -> bool {
        let at = story.ended.unwrap_or(story.changed);
        line(story).is_some_and(|line| {
            let others = self.stories.values().filter(|it| self::line(&it.story) == Some(line));
            let mut endings = others.flat_map(Entry::outcomes);
            endings.any(|(outcome, it)| outcome == Outcome::Finished && it > at)
        })
    }

    /// The hub has said that it knows no finished build of a package: what runs may become the first.
    pub(super) fn may_be_first(&mut self, instance: &InstanceName, package: &str) {
        let is_it = |it: &Entry| {
            let story = &it.story;
            let is_of_it = story.instance == *instance && story.package.as_deref() == Some(package);
            is_of_it && !story.standing.is_settled() && makes_build(story)
        };
        self.stories.each(is_it, |it| it.story.trend = Some(Trend::First));
    }

    /// Something of a package begins: that the hub knew no finished build of it may be true no longer.
    pub(super) fn ask_for_first_again(&mut self, key: &Key) {
        let story = self.stories.get(key).map(|it| &it.story);
        if let Some(package) = story.filter(|it| makes_build(it)).and_then(|it| it.package.as_ref())
            && let Some(asking) = self.hubs.get_mut(&key.0)
            && asking.usual.get(package) == Some(&None)
        {
            asking.usual.remove(package);
        }
    }

    /// Returns whether a build of the package is known that finished before, for whatever target.
    fn was_finished_before(&self, story: &Story, at: Timestamp) -> bool {
        let is_of_it = |it: &Story| it.instance == story.instance && it.package == story.package && makes_build(it);
        let others = self
            .stories
            .values()
            .filter(|it| is_of_it(&it.story) && it.story.subject != story.subject);
        let mut endings = others.flat_map(Entry::outcomes);
        endings.any(|(outcome, it)| outcome == Outcome::Finished && it <= at)
    }
}

impl Entry {
    /// Returns how it ended each time, as far as it is known when that was.
    fn outcomes(&self) -> impl Iterator<Item = (Outcome, Timestamp)> {
        let is_task = matches!(self.story.subject, Subject::Task(_));
        let is_of_its_kind = move |standing: Standing| match standing {
            Standing::Task(_) => is_task,
            Standing::Build(_) => !is_task,
        };
        // It is counted with the build that it has made.
        let is_double = |it: Standing| it == Standing::Task(TaskState::Closed) && merge::makes_record(&self.story);
        let when = |(standing, at): &Ending| {
            let as_it_stands = self.story.ended.filter(|_| self.story.standing == *standing);
            at.or(as_it_stands)
        };
        let of_its_kind = self
            .told
            .iter()
            .filter(move |(it, _)| is_of_its_kind(*it) && !is_double(*it));
        of_its_kind.filter_map(move |it| outcome(it.0).zip(when(it)))
    }
}

/// Returns whether it comes to a build record.
fn makes_build(story: &Story) -> bool {
    match story.subject {
        Subject::Task(_) => merge::makes_record(story),
        Subject::Build(_) | Subject::NamedBuild(_) => true,
    }
}

/// Returns what a story is compared with, if that is known. A task that makes no package has its own.
fn line(story: &Story) -> Option<Line<'_>> {
    let method = story.method.as_deref().filter(|it| *it != "build");
    if method == Some("tagBuild") {
        return None;
    }
    let (package, target) = (story.package.as_deref()?, story.target.as_deref()?);
    Some((&story.instance, package, target, story.scratch, method))
}

fn outcome(standing: Standing) -> Option<Outcome> {
    match standing {
        Standing::Build(BuildState::Complete) | Standing::Task(TaskState::Closed) => Some(Outcome::Finished),
        Standing::Build(BuildState::Failed) | Standing::Task(TaskState::Failed) => Some(Outcome::Failed),
        Standing::Build(BuildState::Building | BuildState::Canceled | BuildState::Deleted)
        | Standing::Task(TaskState::Free | TaskState::Open | TaskState::Assigned | TaskState::Canceled) => None,
    }
}
