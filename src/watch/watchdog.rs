//! Whether a bus tells what it should. A line can be open and bring nothing: nobody reads the queue any more, it is no
//! longer bound, what feeds the exchange is broken.
//!
//! Silence proves nothing, since little is wanted of a bus and nothing may happen for days. What proves it is an ending
//! that the hub tells of, that was reached while the line was up, and that no message told of for a while, nor of
//! anything later. Then the line is doubted: its source looks into it, and opens it anew if that does not help. That
//! is rare, and ever rarer while it does not help; what a bus tells ends it.

use jiff::{SignedDuration, Timestamp};

use super::{Effect, Link, News, Watch};
use crate::koji::{Change, HubEvent, InstanceName, Nvr};

/// How long after an ending its message may come. A publisher or a broker that catches up is not deaf.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// How much two clocks, or the times of a message and of what it tells, may differ.
const ABOUT: SignedDuration = SignedDuration::from_mins(1);

/// How long after a doubt the next one is at the soonest; each one that did not help doubles it.
const DOUBT_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// How long it is at most.
const DOUBT_AFTER_AT_MOST: SignedDuration = SignedDuration::from_hours(12);

/// What is known of whether the bus of one instance tells what it should. All times are by our clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchdog {
    /// Since when the line is up.
    up: Option<Timestamp>,
    /// When it last told of a build.
    told: Option<Timestamp>,
    /// The oldest ending that it should have told of since.
    untold: Option<(Nvr, Timestamp)>,
    /// When the line was last doubted, and how often since the bus last told of anything.
    doubted: Option<Timestamp>,
    doubts: u32,
    /// What was not told though the line had been looked after.
    unheard: Option<Nvr>,
}

impl Watchdog {
    /// Returns when the line is to be doubted.
    fn due(&self) -> Option<Timestamp> {
        let (_, ended) = self.untold.as_ref()?;
        let after = |at: Timestamp, by| at.saturating_add(by).unwrap_or(at);
        let ripe = after(*ended, PATIENCE);
        let Some(doubted) = self.doubted else {
            return Some(ripe);
        };
        let factor = 1_i32.checked_shl(self.doubts.min(10).saturating_sub(1)).unwrap_or(1);
        let wait = DOUBT_AFTER.saturating_mul(factor).min(DOUBT_AFTER_AT_MOST);
        Some(ripe.max(after(doubted, wait)))
    }

    fn line_is(&mut self, now: Timestamp, link: &Link) {
        match link {
            Link::Up if self.up.is_some() => {}
            Link::Up => self.up = Some(now),
            // What ends meanwhile is told by nobody, and need not be.
            Link::Connecting | Link::Down(_) | Link::Ended => {
                self.up = None;
                self.untold = None;
            }
        }
    }

    /// The bus lives.
    fn has_told(&mut self, now: Timestamp) {
        *self = Self {
            up: self.up,
            told: Some(now),
            ..Self::default()
        };
    }

    /// The hub says that a build ended then.
    fn has_ended(&mut self, build: &Nvr, ended: Timestamp) {
        let is_before = |it: Timestamp| it.duration_since(ended) > -ABOUT;
        let was_down = self.up.is_none_or(is_before);
        // A bus that told of something later has passed this one over; that is not a line that is deaf.
        let was_told = self.told.is_some_and(is_before);
        if !was_down && !was_told && self.untold.is_none() {
            self.untold = Some((build.clone(), ended));
        }
    }

    fn doubt(&mut self, now: Timestamp) {
        let untold = self.untold.take();
        if self.doubts > 0 {
            self.unheard = untold.map(|(build, _)| build);
        }
        self.doubts = self.doubts.saturating_add(1);
        self.doubted = Some(now);
    }
}

impl Watch {
    /// Returns the build that the bus did not tell of, where looking after the line did not help.
    pub fn unheard(&self, instance: &InstanceName) -> Option<&Nvr> {
        self.watchdogs.get(instance)?.unheard.as_ref()
    }

    /// Takes up how a line is now.
    pub(super) fn mind_line(&mut self, now: Timestamp, instance: &InstanceName, link: &Link) {
        let whose = self.rules.instances.get(instance);
        if whose.is_some_and(|it| it.bus && it.hub && !it.deaf_to_builds) {
            self.watchdogs.entry(instance.clone()).or_default().line_is(now, link);
        } else {
            self.watchdogs.remove(instance);
        }
    }

    /// Takes up that a bus told of something.
    pub(super) fn mind_news(&mut self, now: Timestamp, news: &News) {
        if let (HubEvent::Changed(Change::Build(_)), Some(_)) = (&news.event, &news.delivery)
            && let Some(dog) = self.watchdogs.get_mut(&news.instance)
        {
            dog.has_told(now);
        }
    }

    /// Takes up what a hub told, and when that was by its clock.
    pub(super) fn mind_answer(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        change: &Change,
        asked: Option<Timestamp>,
    ) {
        if let Change::Build(build) = change
            && build.new.is_settled()
            && let Some((ended, asked)) = build.completed.zip(asked)
            && let Some(dog) = self.watchdogs.get_mut(instance)
        {
            let ended = now.saturating_sub(asked.duration_since(ended)).unwrap_or(now);
            dog.has_ended(&build.nvr, ended);
        }
    }

    /// Doubts the lines whose time has come.
    pub(super) fn see_to_lines(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let instances = &self.rules.instances;
        self.watchdogs.retain(|name, _| instances.contains_key(name));
        for (instance, dog) in &mut self.watchdogs {
            if dog.due().is_some_and(|it| it <= now) {
                dog.doubt(now);
                effects.push(Effect::Doubt(instance.clone()));
            }
        }
    }

    /// Returns when a line is to be doubted next.
    pub(super) fn next_doubt(&self) -> Option<Timestamp> {
        self.watchdogs.values().filter_map(Watchdog::due).min()
    }
}
