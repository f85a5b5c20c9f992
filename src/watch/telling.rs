//! Putting tales on screen: at once, held for a digest, waiting for a server, or summed up after an absence.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::keeping::ids;
use super::pace::{Held, MAX_POPUPS};
use super::record::Keep;
use super::state::{Entry, Key, MAX_POSTED, MAX_WAITING};
use super::{Act, Closed, Effect, Fate, Notice, NoticeId, Outcome, Tale, TaleId, Telling, Watch};

/// What happened longer ago than this when it comes to us was missed: the computer slept, or we did not run.
const ABSENCE: SignedDuration = SignedDuration::from_mins(10);

/// How long more of what was missed is waited for, where no hub is being asked.
pub(super) const GATHER: SignedDuration = SignedDuration::from_secs(3);

/// The same, while a hub is being asked: its answer ends the wait.
pub(super) const CATCH_UP: SignedDuration = SignedDuration::from_secs(30);

/// How long after a notification server did not answer it is tried again, if nothing is heard of it before.
const TRY_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);

impl Watch {
    /// Tells a tale, holds it, or leaves it. `happened` is when what it tells came about; `None` if that is not known, or
    /// what counts is that it is so now.
    pub(super) fn tell(
        &mut self,
        now: Timestamp,
        key: &Key,
        mut tale: Tale,
        happened: Option<Timestamp>,
        effects: &mut Vec<Effect>,
    ) {
        self.run_hook(&tale, effects);
        let on_screen = self.stories.get(key).and_then(|it| it.notice);
        self.end_mutes_before(&tale, happened);
        let is_wanted = self.is_wanted(&tale);
        self.end_mutes_after(&tale);
        if !is_wanted {
            let is_place = matches!(tale.fate, Fate::Tagged(_) | Fate::Untagged(_) | Fate::InRepo(_));
            // What is on screen is no longer true.
            if let Some(notice) = on_screen
                && tale.story.standing.is_settled()
                && !tale.late
                && !is_place
            {
                if self.waiting_end(notice).is_some() {
                    // Nobody has seen it: it is told as it was then.
                    self.stories.each(|it| it.notice == Some(notice), |it| it.notice = None);
                } else {
                    self.forget_notice(notice);
                    effects.push(Effect::Withdraw(notice));
                }
            }
            return;
        }
        self.make_due(&mut tale);
        let was_missed = self.was_missed(now, &tale, happened);
        // What was missed is held by itself while nobody knows yet whether it is quiet.
        let is_gathered = was_missed && self.unsure_until().is_some();
        if self.is_held(&tale) && !is_gathered {
            self.missed.push(tale);
            return;
        }
        if was_missed {
            self.away.push(tale);
            let wait = if self.is_catching_up() { CATCH_UP } else { GATHER };
            let until = now.saturating_add(wait).unwrap_or(now);
            self.away_until = Some(self.away_until.map_or(until, |it| it.max(until)));
            return;
        }
        if on_screen.is_some() && !tale.late {
            self.show_one(tale, effects);
            return;
        }
        if let Some(tale) = self.pace.admit(now, tale) {
            self.show_one(tale, effects);
        }
    }

    /// Returns whether this happened while nobody listened. Only where a hub can be asked what else there was: a broker
    /// alone may deliver what it kept for us at any time. Koji's own plugin may keep something for a day itself.
    fn was_missed(&self, now: Timestamp, tale: &Tale, happened: Option<Timestamp>) -> bool {
        let whose = self.rules.instances.get(&tale.story.instance);
        let has_hub = whose.is_some_and(|it| it.hub || it.every_task);
        // It is a time of the hub's clock, from which ours may be far.
        let ahead = self
            .hubs
            .get(&tale.story.instance)
            .map(|it| it.ahead)
            .unwrap_or_default();
        let age = |happened| now.duration_since(happened).saturating_sub(ahead);
        self.rules.live && has_hub && happened.is_some_and(|it| age(it) > ABSENCE)
    }

    /// Tells in one notice what happened while nobody listened, once it is known whether it is quiet.
    pub(super) fn show_away(&mut self, effects: &mut Vec<Effect>) {
        self.away_until = self.unsure_until();
        if self.away_until.is_some() {
            return;
        }
        let away = std::mem::take(&mut self.away);
        self.show_what_passes(away, true, effects);
    }

    /// Tells what is not to be held, and holds the rest.
    pub(super) fn show_what_passes(&mut self, mut held: Held, away: bool, effects: &mut Vec<Effect>) {
        if self.is_quiet() {
            self.missed.leave_out(held.left_out, std::mem::take(&mut held.besides));
            held.left_out = 0;
            for tale in held.tales.extract_if(.., |it| self.is_held(it)).collect::<Vec<_>>() {
                self.missed.push(tale);
            }
        }
        self.show_held(held, away, effects);
    }

    pub(super) fn show_one(&mut self, tale: Tale, effects: &mut Vec<Effect>) {
        if tale.late {
            // What is on screen for it tells something newer, and stays.
            let id = self.next_notice();
            self.show(id, false, Telling::One(tale), effects);
            return;
        }
        let key = (tale.story.instance.clone(), tale.story.subject.clone());
        let shown = self.stories.get(&key).and_then(|it| it.notice);
        // An end that nobody has seen yet stays to be told; this is another notice.
        let shown = shown.filter(|it| !self.waits_with_an_end(*it, &tale));
        let id = shown.unwrap_or_else(|| self.next_notice());
        if let Some(entry) = self.stories.get_mut(&key) {
            entry.notice = Some(id);
            entry.shown = Some((tale.id, tale.fate.clone(), tale.rule));
        }
        self.show(id, shown.is_some(), Telling::One(tale), effects);
    }

    /// Returns whether a notice that nobody has seen yet tells of an end that a tale does not tell of.
    fn waits_with_an_end(&self, notice: NoticeId, tale: &Tale) -> bool {
        let says_so = matches!(tale.fate, Fate::Tagged(_) | Fate::InRepo(_) | Fate::NotTagged);
        let is_said = |it: &Tale| it.id == tale.id || (it.fate == Fate::Finished && says_so);
        self.waiting_end(notice).is_some_and(|it| !is_said(it))
    }

    /// Returns what a notice tells that waits for a server or is on its way to one, if that is an end.
    pub(super) fn waiting_end(&self, notice: NoticeId) -> Option<&Tale> {
        let under_way = self.under_way.get(&notice).and_then(VecDeque::back);
        match &self.waiting.get(&notice).or(under_way)?.telling {
            Telling::One(tale) => Some(tale).filter(|it| it.fate.is_end()),
            Telling::Many(_) | Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => None,
        }
    }

    pub(super) fn show_held(&mut self, mut held: Held, away: bool, effects: &mut Vec<Effect>) {
        // What has ended meanwhile is told by its end.
        held.tales.retain(|it| {
            let is_beginning = matches!(it.fate, Fate::Started | Fate::Doomed);
            let key = (it.story.instance.clone(), it.story.subject.clone());
            let has_ended = |entry: &Entry| entry.story.standing.is_settled();
            !is_beginning || !self.stories.get(&key).is_some_and(has_ended)
        });
        if held.tales.len() == 1
            && held.left_out == 0
            && let Some(tale) = held.tales.pop()
        {
            self.show_one(tale, effects);
            return;
        }
        if held.is_empty() {
            return;
        }
        for tale in held.tales.iter().filter(|it| !it.late) {
            // What is on screen for it is older than what the digest tells.
            let key = (tale.story.instance.clone(), tale.story.subject.clone());
            let is_older = |it: &Entry| it.shown.as_ref().is_none_or(|(shown, ..)| *shown < tale.id);
            if let Some(notice) = self
                .stories
                .get(&key)
                .filter(|it| is_older(it))
                .and_then(|it| it.notice)
            {
                self.forget_notice(notice);
                effects.push(Effect::Withdraw(notice));
            }
        }
        let id = self.next_notice();
        let mass = !away && self.pace.is_mass();
        self.show(id, false, Telling::Many(held.digest(away, mass)), effects);
    }

    pub(super) fn show(&mut self, id: NoticeId, replaces: bool, telling: Telling, effects: &mut Vec<Effect>) {
        let notice = self.notice(id, replaces, telling);
        self.waiting.remove(&id);
        self.under_way.entry(id).or_default().push_back(notice.clone());
        effects.push(Effect::Show(notice));
    }

    pub(super) fn notice(&self, id: NoticeId, replaces: bool, telling: Telling) -> Notice {
        let retry = match &telling {
            Telling::One(tale) => tale.fate == Fate::Failed && !tale.late && self.can(Act::Resubmit, &tale.story),
            Telling::Many(_) | Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => false,
        };
        Notice {
            id,
            replaces,
            telling,
            sound: self.rules.wanted.sound,
            stays: self.rules.wanted.keep_failures,
            retry,
        }
    }

    pub(super) fn shown(&mut self, now: Timestamp, id: NoticeId, outcome: Outcome) {
        // Each is answered, in order.
        let Some(notice) = self.under_way.get_mut(&id).and_then(VecDeque::pop_front) else {
            if outcome == Outcome::Taken {
                self.was_taken_after_all(now, id);
            }
            return;
        };
        let newer: BTreeSet<TaleId> = self
            .under_way
            .get(&id)
            .into_iter()
            .flatten()
            .flat_map(|it| ids(&it.telling))
            .collect();
        let is_newest = self.under_way.get(&id).is_none_or(VecDeque::is_empty);
        if is_newest {
            self.under_way.remove(&id);
        }
        match outcome {
            Outcome::Taken => {
                self.server = Some(true);
                self.is_told(now, &notice.telling);
            }
            Outcome::Lost if self.questions.remove(&id).is_some() => {}
            Outcome::Lost => {
                self.give_up(id, &notice.telling);
                if is_newest {
                    self.waiting.insert(id, notice);
                } else if tells_of_an_end(&notice.telling) && !ids(&notice.telling).any(|it| newer.contains(&it)) {
                    // What comes after it does not tell this.
                    let id = self.next_notice();
                    let replaces = false;
                    self.waiting.insert(id, Notice { id, replaces, ..notice });
                }
                // A server that is gone says when it is back; one that hangs does not.
                if self.server != Some(false) {
                    self.try_again = Some(now.saturating_add(TRY_AGAIN_AFTER).unwrap_or(now));
                }
                self.fold_waiting();
            }
        }
    }

    /// A server that hung has taken what was given up first; what came after that is still to be shown.
    fn was_taken_after_all(&mut self, now: Timestamp, id: NoticeId) {
        let Some(taken) = self.given_up.remove(&id) else { return };
        let told: Vec<_> = taken.iter().copied().filter(|it| self.due.remove(it)).collect();
        if !told.is_empty() {
            let digest = told.len() > 1;
            self.keeps.push(Keep::Told {
                tales: told,
                digest,
                at: now,
            });
        }
        if let Some(notice) = self.waiting.get_mut(&id) {
            notice.replaces = true;
            if ids(&notice.telling).all(|it| taken.contains(&it)) {
                self.waiting.remove(&id);
            }
        }
    }

    /// Notes what was lost, of each notice the first: a server that hangs has only that.
    fn give_up(&mut self, id: NoticeId, telling: &Telling) {
        while self.given_up.len() >= MAX_POSTED {
            self.given_up.pop_first();
        }
        self.given_up.entry(id).or_insert_with(|| ids(telling).collect());
    }

    /// Returns whether all that a notice tells was told before: it is on screen, with less to say.
    pub(super) fn only_says_more(&self, notice: &Notice) -> bool {
        match &notice.telling {
            Telling::One(tale) => notice.replaces && !self.due.contains(&tale.id),
            Telling::Many(_) | Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => false,
        }
    }

    /// Keeps what waits within its limit: what only says more is left out, and the oldest notices become one.
    pub(super) fn fold_waiting(&mut self) {
        if self.waiting.len() > MAX_WAITING {
            let mut waiting = std::mem::take(&mut self.waiting);
            waiting.retain(|_, it| !self.only_says_more(it));
            self.waiting = waiting;
        }
        while self.waiting.len() > MAX_WAITING {
            let mut held = Held::default();
            let mut first = None;
            for _ in 0..2 {
                let Some((id, notice)) = self.waiting.pop_first() else {
                    return;
                };
                first = first.or(Some(id));
                gather(&mut held, notice.telling);
                self.forget_notice(id);
            }
            let Some(id) = first else { return };
            let notice = self.notice(id, false, Telling::Many(held.digest(false, false)));
            self.waiting.insert(id, notice);
        }
    }

    pub(super) fn server_changed(&mut self, is_there: bool, effects: &mut Vec<Effect>) {
        self.server = Some(is_there);
        self.try_again = None;
        if is_there {
            self.given_up.clear();
            self.show_waiting(effects);
            return;
        }
        // Whatever was on screen went with the server, and has nothing to be added to.
        self.stories.each(|it| it.notice.is_some(), |it| it.notice = None);
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|_, it| !self.only_says_more(it));
        self.waiting = waiting;
        let gone: Vec<_> = self.posted.keys().copied().collect();
        for notice in gone {
            self.no_longer_posted(notice);
        }
    }

    /// Shows what no server took before, unless it is to be held now: a few one by one, more as a digest. What only says
    /// more of what is on screen goes there.
    pub(super) fn show_waiting(&mut self, effects: &mut Vec<Effect>) {
        self.try_again = None;
        let mut passing = self.part_digests();
        let waiting = std::mem::take(&mut self.waiting);
        let (held, waiting): (BTreeMap<_, _>, BTreeMap<_, _>) =
            waiting.into_iter().partition(|(_, it)| self.is_held_back(&it.telling));
        self.waiting = held;
        let (updates, waiting): (BTreeMap<_, _>, BTreeMap<_, _>) =
            waiting.into_iter().partition(|(_, it)| self.only_says_more(it));
        for (id, notice) in updates {
            self.show(id, notice.replaces, notice.telling, effects);
        }
        let are_few = waiting.len() <= MAX_POPUPS;
        for (id, notice) in waiting {
            if are_few {
                self.show(id, notice.replaces, notice.telling, effects);
            } else {
                self.forget_notice(id);
                gather(&mut passing, notice.telling);
            }
        }
        self.show_held(passing, false, effects);
    }

    /// Takes out of the digests that wait what may be told now, where the rest may not.
    fn part_digests(&mut self) -> Held {
        let mut passing = Held::default();
        if !self.is_quiet() {
            return passing;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|_, notice| match &mut notice.telling {
            Telling::Many(digest) => {
                for tale in digest.tales.extract_if(.., |it| !self.is_held(it)) {
                    passing.push(tale);
                }
                !digest.tales.is_empty() || digest.left_out > 0
            }
            Telling::One(_) | Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => true,
        });
        self.waiting = waiting;
        passing
    }

    /// Returns whether this is not to be shown now. A person who waits for an answer has it, however quiet it is.
    fn is_held_back(&self, telling: &Telling) -> bool {
        match telling {
            Telling::One(tale) => self.is_held(tale),
            Telling::Many(_) => self.is_quiet(),
            Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => false,
        }
    }

    pub(super) fn closed(&mut self, notice: NoticeId, closed: Closed) {
        self.questions.remove(&notice);
        self.no_longer_posted(notice);
        let close = |entry: &mut Entry| {
            entry.notice = None;
            match closed {
                Closed::Expired => {}
                Closed::Dismissed | Closed::Otherwise => entry.unseen_failure = false,
            }
        };
        self.stories.each(|it| it.notice == Some(notice), close);
        // What was to be added to it has nothing to be added to, and by itself would be told again.
        if self.waiting.get(&notice).is_some_and(|it| self.only_says_more(it)) {
            self.waiting.remove(&notice);
        }
    }

    pub(super) fn forget_notice(&mut self, notice: NoticeId) {
        self.waiting.remove(&notice);
        self.under_way.remove(&notice);
        self.stories.each(|it| it.notice == Some(notice), |it| it.notice = None);
    }
}

fn tells_of_an_end(telling: &Telling) -> bool {
    match telling {
        Telling::One(tale) => tale.fate.is_end(),
        Telling::Many(_) => true,
        Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => false,
    }
}

fn gather(held: &mut Held, telling: Telling) {
    match telling {
        Telling::One(tale) => held.push(tale),
        Telling::Many(digest) => {
            held.leave_out(digest.left_out, digest.besides);
            for tale in digest.tales {
                held.push(tale);
            }
        }
        // A question that nobody saw was not asked; what was done is in the menu.
        Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => {}
    }
}
