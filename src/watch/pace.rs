//! How many popups are bearable.
//!
//! A few at once are shown one by one. What comes on top of them is held until a minute has passed and then told in
//! one digest, and so on each minute until a minute was quiet. Where as much comes for longer as in a mass rebuild,
//! there is one digest in a quarter of an hour, until it becomes less.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::{Digest, Fate, Tale, TaleId};

/// How many popups may appear within [`WINDOW`].
pub(super) const MAX_POPUPS: usize = 5;

/// The stretch of time that popups are counted over.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// So much news within [`STRETCH`] is that of a mass rebuild.
pub const MAX_NEWS: usize = 40;

/// Less than this within [`STRETCH`] is no longer.
const FEW_NEWS: usize = 10;

/// How long a digest of a mass rebuild reaches back.
pub const STRETCH: SignedDuration = SignedDuration::from_mins(15);

/// How many tales a digest holds; more are only counted.
pub const MAX_HELD: usize = 200;

/// How many more are known by their number.
pub const MAX_BESIDES: usize = 100_000;

/// Keeps popups bearable.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// When the popups of the last [`WINDOW`] appeared.
    popups: VecDeque<Timestamp>,
    held: Held,
    /// Until then everything is held.
    burst_until: Option<Timestamp>,
    /// When the newest tales came, the oldest first; at most [`MAX_NEWS`].
    news: VecDeque<Timestamp>,
    /// So many come that all are held for longer.
    mass: bool,
}

/// Tales that wait for their digest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Held {
    pub(super) tales: Vec<Tale>,
    pub(super) left_out: u32,
    /// The numbers of those that were left out, as far as they are known.
    pub(super) besides: Vec<TaleId>,
}

impl Held {
    /// Adds a tale. That something has started, or will fail, is dropped when its end comes in. Where there is no room,
    /// what is bad takes the place of what is not.
    pub(super) fn push(&mut self, tale: Tale) {
        let is_same = |it: &Tale| it.story.instance == tale.story.instance && it.story.subject == tale.story.subject;
        self.tales
            .retain(|it| !matches!(it.fate, Fate::Started | Fate::Doomed) || !is_same(it));
        if self.tales.len() >= MAX_HELD {
            let good = self.tales.iter().position(|it| !it.fate.is_bad());
            let Some(good) = good.filter(|_| tale.fate.is_bad()) else {
                self.leave_out(1, [tale.id]);
                return;
            };
            let good = self.tales.remove(good);
            self.leave_out(1, [good.id]);
        }
        self.tales.push(tale);
    }

    /// Counts tales that there is no room for.
    pub(super) fn leave_out(&mut self, count: u32, besides: impl IntoIterator<Item = TaleId>) {
        self.left_out = self.left_out.saturating_add(count);
        let room = MAX_BESIDES.saturating_sub(self.besides.len());
        self.besides.extend(besides.into_iter().take(room));
    }

    /// Returns the numbers of all that is held.
    pub(super) fn ids(&self) -> impl Iterator<Item = TaleId> {
        self.tales.iter().map(|it| it.id).chain(self.besides.iter().copied())
    }

    /// Returns what was held as one telling.
    pub(super) fn digest(self, away: bool, mass: bool) -> Digest {
        Digest {
            tales: self.tales,
            left_out: self.left_out,
            besides: self.besides,
            away,
            mass,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tales.is_empty() && self.left_out == 0
    }
}

impl Pace {
    /// Returns the tale if it may pop up now; otherwise it is held.
    pub(super) fn admit(&mut self, now: Timestamp, tale: Tale) -> Option<Tale> {
        self.forget_before(now);
        self.note_news(now);
        if self.burst_until.is_some() {
            self.held.push(tale);
            return None;
        }
        if self.popups.len() >= MAX_POPUPS {
            let first = self.popups.front().copied().unwrap_or(now);
            self.burst_until = Some(first.saturating_add(WINDOW).unwrap_or(now));
            self.held.push(tale);
            return None;
        }
        self.popups.push_back(now);
        Some(tale)
    }

    /// Returns what was held, once its time has come.
    pub(super) fn release(&mut self, now: Timestamp) -> Option<Held> {
        let until = self.burst_until?;
        // Further away than a window can be: the clock was set back.
        let longest = if self.mass { STRETCH } else { WINDOW };
        let is_ahead = until.duration_since(now) > longest;
        if now < until && !is_ahead {
            return None;
        }
        self.forget_before(now);
        self.mass = self.mass && self.news_of_late(now) >= FEW_NEWS;
        let next = if self.mass { STRETCH } else { WINDOW };
        let is_quiet = self.held.is_empty();
        self.burst_until = Some(now.saturating_add(next).unwrap_or(now)).filter(|_| self.mass || !is_quiet);
        if is_quiet {
            return None;
        }
        self.popups.push_back(now);
        Some(std::mem::take(&mut self.held))
    }

    /// Returns what is held, and holds nothing any more: nothing more will come.
    pub(super) fn finish(&mut self) -> Held {
        self.burst_until = None;
        self.mass = false;
        std::mem::take(&mut self.held)
    }

    /// Returns whether so much comes that all of it is held for a digest in a quarter of an hour.
    pub(super) fn is_mass(&self) -> bool {
        self.mass
    }

    /// Returns how many times are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.news.len()
    }

    /// Returns when [`Self::release`] should be asked.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.burst_until
    }

    /// Returns whether something is held.
    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns the numbers of all that is held.
    pub(super) fn ids(&self) -> impl Iterator<Item = TaleId> {
        self.held.ids()
    }

    /// Returns what is held.
    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    /// Changes each tale that is held.
    pub(super) fn each(&mut self, change: &mut impl FnMut(&mut Tale)) {
        self.held.tales.iter_mut().for_each(change);
    }

    /// Removes held tales that are no longer wanted, such as those of a package that was muted.
    pub(super) fn retain(&mut self, wanted: impl FnMut(&Tale) -> bool) {
        self.held.tales.retain(wanted);
    }

    /// Notes that news came. The first digest of a mass rebuild comes soon: it says that the next ones will not.
    fn note_news(&mut self, now: Timestamp) {
        if self.news.len() >= MAX_NEWS {
            self.news.pop_front();
        }
        self.news.push_back(now);
        if !self.mass && self.news_of_late(now) >= MAX_NEWS {
            self.mass = true;
            self.burst_until = self.burst_until.or_else(|| now.checked_add(WINDOW).ok());
        }
    }

    /// Returns how much of the newest news came within the last [`STRETCH`].
    fn news_of_late(&self, now: Timestamp) -> usize {
        let is_late = |it: &&Timestamp| **it <= now && now.duration_since(**it) < STRETCH;
        self.news.iter().filter(is_late).count()
    }

    fn forget_before(&mut self, now: Timestamp) {
        let is_old = |it: &Timestamp| now.duration_since(*it) >= WINDOW || *it > now;
        while self.popups.front().is_some_and(is_old) {
            self.popups.pop_front();
        }
    }
}
