//! What a person wants to hear nothing of, and until when.
//!
//! What is muted is not told at all, other than what is held while it is quiet. What ends a mute by itself is told if it
//! is good news: the build that fixes a package. The end of a build that is muted until it ends is not.
//!
//! It deliberately does not know how a person says so.

use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::record::Keep;
use super::state::MAX_MUTED;
use super::step::LONGEST_BUILD;
use super::{Fate, PauseFor, RuleName, Standing, Story, Tale, Telling, Watch};
use crate::koji::{BuildState, InstanceName, Subject, TaskState};

/// The longest pause or mute with an end, so that no typing error silences the program for good.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// What nothing is told of.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Muting {
    /// Everything but failures.
    ButFailures,
    /// A package, on every instance.
    Package(String),
    /// That builds are moved into a tag or out of it, and that its repository has them; on every instance.
    Tag(String),
    /// One build or task.
    Subject(InstanceName, Subject),
}

/// How long a person wants it so.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum MuteFor {
    Lasting(PauseFor),
    At(Timestamp),
    /// Until a build of the package has finished, which is told.
    Fixed,
    /// Until the build or task has ended, which is not told.
    Ends,
}

/// When a mute is over.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Until {
    Time(Timestamp),
    Fixed,
    Ends,
    /// When a person ends it.
    Undone,
}

/// Something is muted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Muted {
    pub until: Until,
    /// By our clock.
    pub since: Timestamp,
}

impl Muting {
    /// Returns whether this is not told.
    pub fn covers(&self, tale: &Tale) -> bool {
        match self {
            Self::ButFailures => !tale.fate.is_bad(),
            Self::Package(package) => tale.story.package.as_ref() == Some(package),
            Self::Tag(tag) => match &tale.fate {
                Fate::Tagged(it) | Fate::Untagged(it) | Fate::InRepo(it) => it == tag,
                Fate::Started | Fate::Finished | Fate::Doomed | Fate::Failed | Fate::Canceled | Fate::NotTagged => {
                    false
                }
            },
            Self::Subject(..) => self.is_about(&tale.story),
        }
    }

    /// Returns whether this is the build or task that is muted, however it was named.
    pub fn is_about(&self, story: &Story) -> bool {
        let Self::Subject(instance, subject) = self else {
            return false;
        };
        let is_same = match subject {
            Subject::Task(task) => story.task == Some(*task),
            Subject::NamedBuild(nvr) => story.nvr.as_ref() == Some(nvr),
            Subject::Build(_) => false,
        };
        *instance == story.instance && (*subject == story.subject || is_same)
    }
}

impl Watch {
    /// Returns whether nothing is to be told of this, whatever the rules say.
    pub(super) fn is_muted(&self, tale: &Tale) -> bool {
        self.muted.keys().any(|it| it.covers(tale))
    }

    /// Returns when the next mute is over by itself.
    pub(super) fn mute_wakes_at(&self) -> Option<Timestamp> {
        self.muted.values().filter_map(over_at).min()
    }

    /// Returns the build or task that is muted by this, where it is known.
    pub fn story_of_mute(&self, muting: &Muting) -> Option<&Story> {
        self.stories.values().map(|it| &it.story).find(|it| muting.is_about(it))
    }

    pub(super) fn mute(&mut self, now: Timestamp, muting: Muting, until: MuteFor) {
        let is_over = |it: &Story| it.standing.is_settled() && muting.is_about(it);
        if until == MuteFor::Ends && self.stories.values().any(|it| is_over(&it.story)) {
            return;
        }
        let oldest = self
            .muted
            .iter()
            .min_by_key(|(_, it)| it.since)
            .map(|(it, _)| it.clone());
        if self.muted.len() >= MAX_MUTED
            && !self.muted.contains_key(&muting)
            && let Some(oldest) = oldest
        {
            self.forget_mute(&oldest);
        }
        let is_other = |it: &Tale| !muting.covers(it);
        self.pace.retain(is_other);
        self.missed.tales.retain(is_other);
        self.away.tales.retain(is_other);
        self.waiting.retain(|_, notice| match &mut notice.telling {
            Telling::One(tale) => is_other(tale),
            Telling::Many(digest) => {
                digest.tales.retain(is_other);
                !digest.tales.is_empty() || digest.left_out > 0
            }
            Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => true,
        });
        let until = match until {
            MuteFor::Lasting(it) => self.end(now, it).map_or(Until::Undone, Until::Time),
            MuteFor::At(at) => Until::Time(at.min(now.saturating_add(LONGEST).unwrap_or(at))),
            MuteFor::Fixed => Until::Fixed,
            MuteFor::Ends => Until::Ends,
        };
        let muted = Muted { until, since: now };
        self.keeps.push(Keep::Muted(muting.clone(), Some(muted)));
        self.muted.insert(muting, muted);
    }

    /// Ends a mute. One of a build or task is found by whichever of its names.
    pub(super) fn unmute(&mut self, muting: &Muting) {
        let about = self.story_of_mute(muting).into_iter();
        let others: Vec<_> = about
            .flat_map(|story| self.muted.keys().filter(|it| it.is_about(story)).cloned())
            .collect();
        for it in others.iter().chain([muting]) {
            self.forget_mute(it);
        }
    }

    /// Ends the mutes that are over by what is to be told: before it is asked whether that is muted.
    pub(super) fn end_mutes_before(&mut self, tale: &Tale, happened: Option<Timestamp>) {
        let is_build = matches!(tale.story.subject, Subject::Build(_) | Subject::NamedBuild(_)) && !tale.story.scratch;
        if !is_build || tale.fate != Fate::Finished {
            return;
        }
        let Some(package) = tale.story.package.clone() else {
            return;
        };
        let muting = Muting::Package(package);
        let muted = self.muted.get(&muting);
        let is_until_fixed = muted.is_some_and(|it| it.until == Until::Fixed);
        // What failed after it shows that it has fixed nothing. All of these are times of the hub's clock.
        let has_failed = |it: &Story, at| {
            let is_same = it.instance == tale.story.instance && it.package == tale.story.package && !it.scratch;
            is_same && is_failed(it.standing) && it.ended.unwrap_or(it.changed) > at
        };
        let has_failed_since = |at| self.stories.values().any(|it| has_failed(&it.story, at));
        if is_until_fixed && !happened.is_some_and(has_failed_since) {
            self.forget_mute(&muting);
        }
    }

    /// Ends the mutes that are over by what was not told.
    pub(super) fn end_mutes_after(&mut self, tale: &Tale) {
        // The end of an attempt before; what is muted runs.
        if tale.late {
            return;
        }
        // A task that makes a build has ended; the build has not.
        let is_part = matches!(tale.story.subject, Subject::Task(_))
            && tale.rule == RuleName::MyBuilds
            && tale.fate == Fate::Finished;
        if !tale.fate.is_end() || is_part {
            return;
        }
        let is_over = |(muting, it): &(&Muting, &Muted)| it.until == Until::Ends && muting.is_about(&tale.story);
        let over: Vec<_> = self.muted.iter().filter(is_over).map(|(it, _)| it.clone()).collect();
        for it in over {
            self.forget_mute(&it);
        }
    }

    /// Ends the mutes whose time has come.
    pub(super) fn see_to_mutes(&mut self, now: Timestamp) {
        let is_over = |it: &Muted| over_at(it).is_some_and(|at| at <= now);
        let over: Vec<_> = self
            .muted
            .iter()
            .filter(|(_, it)| is_over(it))
            .map(|(it, _)| it.clone())
            .collect();
        for it in over {
            self.forget_mute(&it);
        }
    }

    fn forget_mute(&mut self, muting: &Muting) {
        if self.muted.remove(muting).is_some() {
            self.keeps.push(Keep::Muted(muting.clone(), None));
        }
    }

    /// Returns when a pause or mute that begins now is over.
    pub(super) fn end(&self, now: Timestamp, until: PauseFor) -> Option<Timestamp> {
        match until {
            PauseFor::Minutes(minutes) => {
                let length = SignedDuration::from_mins(i64::from(minutes.get())).min(LONGEST);
                Some(now.saturating_add(length).unwrap_or(now))
            }
            PauseFor::UntilTomorrow => {
                let today = now.to_zoned(self.rules.zone.clone());
                let tomorrow = today.checked_add(1.day()).and_then(|it| it.start_of_day());
                Some(tomorrow.map_or(now, |it| it.timestamp()))
            }
            PauseFor::UntilResumed => None,
        }
    }
}

/// Returns when a mute is over by the clock. The end of a build that has run for too long was missed.
fn over_at(muted: &Muted) -> Option<Timestamp> {
    match muted.until {
        Until::Time(at) => Some(at),
        Until::Ends => Some(muted.since.saturating_add(LONGEST_BUILD).unwrap_or(Timestamp::MAX)),
        Until::Fixed | Until::Undone => None,
    }
}

fn is_failed(standing: Standing) -> bool {
    match standing {
        Standing::Build(state) => state == BuildState::Failed,
        Standing::Task(state) => state == TaskState::Failed,
    }
}
