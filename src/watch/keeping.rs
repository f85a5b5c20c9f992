//! What outlives us: each step ends with one record of all that it has changed, and a start takes up what was left.
//!
//! A tale is due from the moment it is to be told until a notification server has taken it. Until then it is held,
//! waits, or is under way; what leaves all of these without being taken will not be told.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::record::{Keep, Posted, Record, Resumed};
use super::shelf::ToldBefore;
use super::state::{Entry, MAX_EXPLAINED, MAX_POSTED, MAX_STORIES};
use super::telling::{CATCH_UP, GATHER};
use super::{Effect, NoticeId, Tale, TaleId, Telling, Watch};

/// Why something failed is asked again after a restart, if it failed no longer ago than this.
const STILL_OF_INTEREST: SignedDuration = SignedDuration::from_hours(24);

impl Watch {
    /// Gives a tale its number: from here on it is due.
    pub(super) fn make_due(&mut self, tale: &mut Tale) {
        self.last_tale = TaleId(self.last_tale.0.saturating_add(1));
        tale.id = self.last_tale;
        self.due.insert(tale.id);
        self.keeps.push(Keep::Due(Box::new(tale.clone())));
    }

    /// A server has taken this: it is told.
    pub(super) fn is_told(&mut self, now: Timestamp, telling: &Telling) {
        let (tales, digest): (Vec<_>, bool) = match telling {
            Telling::One(tale) => (vec![tale.id], false),
            Telling::Many(digest) => (ids(telling).collect(), digest.tales.len() + digest.besides.len() > 1),
            Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => return,
        };
        let tales: Vec<_> = tales.into_iter().filter(|it| self.due.remove(it)).collect();
        if !tales.is_empty() {
            self.keeps.push(Keep::Told { tales, digest, at: now });
        }
    }

    /// Ends a step: what it has changed goes on record, as one.
    pub(super) fn keep(&mut self, effects: &mut Vec<Effect>) {
        self.drop_what_is_gone();
        let stories = self.stories.changed();
        let mut keeps = Vec::with_capacity(stories.len() + self.keeps.len());
        // First the stories: the rest is about them. But one that goes on as another makes room before.
        let (adopted, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.keeps)
            .into_iter()
            .partition(|it| matches!(it, Keep::Adopted { .. }));
        keeps.extend(adopted);
        keeps.extend(stories.into_iter().map(|it| Keep::Story(Box::new(it))));
        keeps.extend(others);
        let mut deliveries = std::mem::take(&mut self.deliveries).into_iter();
        let delivery = deliveries.next();
        if !keeps.is_empty() || delivery.is_some() {
            effects.push(Effect::Record(Record { keeps, delivery }));
        }
        // What waited for one answer was taken up in one step. The others are on record when all of it is.
        effects.extend(deliveries.map(|it| {
            Effect::Record(Record {
                keeps: Vec::new(),
                delivery: Some(it),
            })
        }));
    }

    /// What is due and nowhere any more will not be told.
    fn drop_what_is_gone(&mut self) {
        if self.due.is_empty() {
            return;
        }
        if self.due_here() == self.due.len() {
            return;
        }
        let here: BTreeSet<_> = self
            .handed_out()
            .flat_map(ids)
            .chain(self.pace.ids())
            .chain(self.missed.ids())
            .chain(self.away.ids())
            .collect();
        let gone: Vec<_> = self.due.difference(&here).copied().collect();
        if !gone.is_empty() {
            self.due.retain(|it| here.contains(it));
            self.keeps.push(Keep::Dropped(gone));
        }
    }

    /// Counts what is due and somewhere. What is beyond a digest's room may be as many as a flood brings, and is neither
    /// looked at one by one at each step nor told twice.
    fn due_here(&self) -> usize {
        let count = |tales: &[Tale], besides: &[TaleId]| {
            let due = tales.iter().filter(|it| self.due.contains(&it.id));
            due.count() + besides.len()
        };
        let held = [self.pace.held(), &self.missed, &self.away];
        let held = held.into_iter().map(|it| count(&it.tales, &it.besides));
        let handed_out = self.handed_out().map(|it| {
            let (tales, besides) = told_by(it);
            count(tales, besides)
        });
        held.chain(handed_out).sum()
    }

    /// Returns what waits for a server, and what is on its way to one.
    fn handed_out(&self) -> impl Iterator<Item = &Telling> {
        let waiting = self.waiting.values().map(|it| &it.telling);
        waiting.chain(self.under_way.values().flatten().map(|it| &it.telling))
    }

    /// Takes up what an earlier run has left.
    pub(super) fn resumed(&mut self, now: Timestamp, resumed: Resumed, effects: &mut Vec<Effect>) {
        for (instance, mark) in &resumed.marks {
            if let Some(asking) = self.hubs.get_mut(instance) {
                asking.mark = Some(*mark);
            }
        }
        self.marks = resumed.marks;
        self.contacts_before = resumed.contacts;
        self.usual_before = resumed.usual;
        for (instance, message) in &resumed.messages {
            self.seen.restore(instance, message);
        }
        self.told_before = ToldBefore::default();
        for (instance, subject, ending) in resumed.endings {
            self.told_before.put((instance, subject), [ending]);
        }
        for filed in resumed.stories.into_iter().take(MAX_STORIES) {
            let key = (filed.story.instance.clone(), filed.story.subject.clone());
            let entry = Entry::resumed(filed);
            let is_of_interest = entry
                .story
                .ended
                .is_some_and(|it| now.duration_since(it) < STILL_OF_INTEREST);
            if entry.story.mine && is_of_interest && entry.is_unexplained() && self.unexplained.len() < MAX_EXPLAINED {
                self.unexplained.insert(key.clone(), entry.story.task);
            }
            self.stories.restore(key, entry);
        }
        self.muted = resumed.muted;
        self.quiet.pause = resumed.pause.filter(|it| it.until.is_none_or(|until| until > now));
        self.last_tale = self.last_tale.max(resumed.last_tale);
        self.due = resumed.due.iter().map(|it| it.id).collect();
        self.due.extend(&resumed.due_besides);
        let held = if self.is_quiet() {
            &mut self.missed
        } else {
            &mut self.away
        };
        for tale in resumed.due {
            held.push(tale);
        }
        let besides = u32::try_from(resumed.due_besides.len()).unwrap_or(u32::MAX);
        held.leave_out(besides, resumed.due_besides);
        if !resumed.on_screen.is_empty() {
            let gone = resumed.on_screen.iter().cloned();
            self.keeps.extend(gone.map(|it| Keep::OnScreen(it, false)));
            effects.push(Effect::TakeDown(resumed.on_screen));
        }
    }

    /// The rules are there: what an earlier run could not tell may be told, in a moment, with what else was missed.
    pub(super) fn tell_what_was_left(&mut self, now: Timestamp) {
        let instances = &self.rules.instances;
        for held in [&mut self.away, &mut self.missed] {
            held.tales.retain(|it| instances.contains_key(&it.story.instance));
        }
        if !self.away.is_empty() && self.away_until.is_none() {
            let wait = if self.hubs.is_empty() { GATHER } else { CATCH_UP };
            self.away_until = Some(now.saturating_add(wait).unwrap_or(now));
        }
    }

    /// Notes where a notice is, so that a later run can take it down.
    pub(super) fn posted(&mut self, notice: NoticeId, posted: Posted) {
        while self.posted.len() >= MAX_POSTED
            && !self.posted.contains_key(&notice)
            && let Some((_, oldest)) = self.posted.pop_first()
        {
            self.keeps.push(Keep::OnScreen(oldest, false));
        }
        let before = self.posted.insert(notice, posted.clone());
        if before.as_ref() != Some(&posted) {
            self.keeps.extend(before.map(|it| Keep::OnScreen(it, false)));
            self.keeps.push(Keep::OnScreen(posted, true));
        }
    }

    pub(super) fn no_longer_posted(&mut self, notice: NoticeId) {
        if let Some(posted) = self.posted.remove(&notice) {
            self.keeps.push(Keep::OnScreen(posted, false));
        }
    }
}

/// Returns the numbers of all that a notice tells.
pub(super) fn ids(telling: &Telling) -> impl Iterator<Item = TaleId> + '_ {
    let (tales, besides) = told_by(telling);
    tales.iter().map(|it| it.id).chain(besides.iter().copied())
}

/// Returns what a notice tells, and the numbers of what else it only counts.
fn told_by(telling: &Telling) -> (&[Tale], &[TaleId]) {
    match telling {
        Telling::One(tale) => (std::slice::from_ref(tale), &[]),
        Telling::Many(digest) => (&digest.tales, &digest.besides),
        Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => (&[], &[]),
    }
}
