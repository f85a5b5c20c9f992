//! When a hub is asked, and for what. One look at a time, never two.
//!
//! While something of mine runs, about once a minute, slower for what has run for long; otherwise every few minutes,
//! since a bus does not tell of a build before its record is there. Slower on battery, and ever slower while the hub
//! does not answer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::ask::{HubLine, MAX_AVERAGES, MAX_WATCHED};
use super::record::Keep;
use super::state::{Entry, Key, MAX_LOOKUPS};
use super::{
    Ask, Asker, Effect, Learned, Look, Looked, Lookup, NotDone, Reply, Standing, Story, Telling, Unanswered, Watch,
    Whereabouts,
};
use crate::koji::{BuildId, BuildState, InstanceName, Nvr, Subject, TaskId};

/// How long after a look the next one is, while something of mine runs.
const LOOK_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// The same, where a look has found tasks that it did not ask about: how far they are is asked next.
const LOOK_CLOSER_AFTER: SignedDuration = SignedDuration::from_secs(3);

/// The same, where a repository has become ready that something may wait for. A busy hub makes several in a minute.
const LOOK_FOR_REPO_AFTER: SignedDuration = SignedDuration::from_secs(20);

/// The same, while all that runs has run for longer than [`LONG`].
const LOOK_AFTER_LONG: SignedDuration = SignedDuration::from_secs(180);

/// The same, while nothing runs.
const LOOK_AFTER_IDLE: SignedDuration = SignedDuration::from_secs(300);

/// The longest wait, when the hub does not answer.
const LOOK_AFTER_AT_MOST: SignedDuration = SignedDuration::from_mins(30);

/// What has run for so long will hardly end in the next minute.
const LONG: SignedDuration = SignedDuration::from_hours(1);

/// How far a look reaches back beyond what was dealt with: a task ends a while after its build.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// How far the first look reaches back, so that the menu shows something.
const FIRST: SignedDuration = SignedDuration::from_hours(24);

/// The longest absence that is caught up with.
const LONGEST_ABSENCE: SignedDuration = SignedDuration::from_hours(24 * 14);

/// For how long a finished build is watched until it is tagged, or in a repository.
const TAGGING: SignedDuration = SignedDuration::from_hours(12);

/// How many packages' usual durations are remembered for each instance.
pub(super) const MAX_USUAL: usize = 500;

/// What is known of the asking of one hub.
#[derive(Clone, Debug, Default)]
pub(super) struct Asking {
    /// Since when we ask, by our clock.
    began: Timestamp,
    /// A look is under way.
    is_looking: bool,
    /// When it was asked, by our clock.
    looked_at: Timestamp,
    /// How far our clock was ahead of the hub's when it last answered.
    pub(super) ahead: SignedDuration,
    /// When each of the tasks that are watched was last asked about.
    pub(super) asked_about: BTreeMap<TaskId, Timestamp>,
    /// When a look was last to come in a moment.
    hurried: Option<Timestamp>,
    /// It became stale while it was under way: the line was down, the computer slept.
    look_again: bool,
    next: Option<Timestamp>,
    /// All that ended until then was dealt with, by the hub's clock.
    pub(super) mark: Option<Timestamp>,
    /// How many looks in a row had no answer.
    failures: u32,
    pub(super) line: HubLine,
    pub(super) usual: BTreeMap<String, Option<SignedDuration>>,
}

impl Asking {
    /// Returns how long builds of a package take, if that is known.
    pub(super) fn usual(&self, package: &str) -> Option<SignedDuration> {
        self.usual.get(package).copied().flatten()
    }

    pub(super) fn keep_usual(&mut self, package: String, usual: Option<SignedDuration>) {
        while self.usual.len() >= MAX_USUAL && !self.usual.contains_key(&package) {
            self.usual.pop_first();
        }
        self.usual.insert(package, usual);
    }

    /// Makes the next look due at a time, unless it is due before.
    fn hasten(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |it| it.min(at)));
    }
}

impl Watch {
    /// Returns when a hub is to be asked next.
    pub(super) fn next_look(&self) -> Option<Timestamp> {
        let waiting = self.hubs.values().filter(|it| !it.is_looking);
        waiting.filter_map(|it| it.next).min()
    }

    /// Returns whether a hub is being asked what was missed.
    pub(super) fn is_catching_up(&self) -> bool {
        self.hubs.values().any(|it| it.is_looking)
    }

    /// Asks the hubs whose time has come.
    pub(super) fn see_to_hubs(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        // A look that is further away than any is was set by a clock that went wrong.
        let is_astray = |at: Timestamp| at.duration_since(now) > LOOK_AFTER_AT_MOST.saturating_mul(2);
        let is_due = |it: &Asking| !it.is_looking && it.next.is_some_and(|at| at <= now || is_astray(at));
        let due: Vec<_> = self
            .hubs
            .iter()
            .filter(|(_, it)| is_due(it))
            .map(|(it, _)| it.clone())
            .collect();
        for instance in due {
            let look = self.look(&instance, now);
            let watched = self.watched_tasks(&instance, now);
            if let Some(asking) = self.hubs.get_mut(&instance) {
                asking.is_looking = true;
                asking.looked_at = now;
                let watched: BTreeSet<_> = watched.into_iter().collect();
                asking.asked_about.retain(|it, _| watched.contains(it));
                asking.asked_about.extend(look.tasks.iter().map(|it| (*it, now)));
                asking.look_again = false;
                asking.next = None;
                asking.line.looks += 1;
            }
            effects.push(Effect::Ask(instance, Ask::Look(look)));
        }
    }

    /// Looks at an instance now, or as soon as the look that is under way is over: something was missed.
    pub(super) fn look_soon(&mut self, now: Timestamp, instance: &InstanceName) {
        if let Some(asking) = self.hubs.get_mut(instance) {
            asking.look_again = asking.is_looking;
            // What kept it from answering may be over.
            asking.failures = 0;
            asking.hasten(now);
        }
    }

    /// A repository is ready that may hold what somebody waits for: the look that asks for it need not wait longer.
    pub(super) fn look_for_repos(&mut self, now: Timestamp, instance: &InstanceName) {
        let is_awaited = |it: &Entry| it.story.instance == *instance && self.awaited_in_repo(&it.story).is_some();
        if !self.stories.values().any(is_awaited) {
            return;
        }
        if let Some(asking) = self.hubs.get_mut(instance)
            && asking.failures == 0
        {
            let soonest = asking.looked_at.saturating_add(LOOK_FOR_REPO_AFTER);
            asking.hasten(soonest.unwrap_or(now).max(now));
        }
    }

    /// Returns whether the hub of an instance answers, as far as is known.
    pub(super) fn answers(&self, instance: &InstanceName) -> bool {
        self.hubs.get(instance).is_some_and(|it| it.failures == 0)
    }

    pub(super) fn look_everywhere(&mut self, now: Timestamp) {
        let instances: Vec<_> = self.hubs.keys().cloned().collect();
        for instance in instances {
            self.look_soon(now, &instance);
        }
    }

    /// Something of mine runs: the next look need not wait for the end of a quiet time.
    pub(super) fn look_after_news(&mut self, now: Timestamp, instance: &InstanceName) {
        if !self.runs_something(instance, now) {
            return;
        }
        let after = Self::jittered(now, LOOK_AFTER);
        if let Some(asking) = self.hubs.get_mut(instance)
            && asking.failures == 0
        {
            asking.hasten(now.saturating_add(after).unwrap_or(now));
        }
    }

    /// Keeps one [`Asking`] for each instance that has a hub; a new one is looked at at once.
    pub(super) fn file_hubs(&mut self, now: Timestamp) {
        let instances = &self.rules.instances;
        let has_hub = |it: &InstanceName| instances.get(it).is_some_and(|it| it.hub);
        self.hubs.retain(|name, _| has_hub(name));
        let wanted: Vec<_> = instances.keys().filter(|it| has_hub(it)).cloned().collect();
        for name in wanted {
            let mark = self.marks.get(&name).copied();
            let usual = self.usual_before.extract_if(.., |(instance, ..)| *instance == name);
            let usual = usual.map(|(_, package, usual)| (package, usual)).collect();
            let asking = self.hubs.entry(name).or_insert_with(|| Asking {
                mark,
                began: now,
                looked_at: now,
                usual,
                ..Asking::default()
            });
            // A look that is under way asks for what was wanted before.
            asking.look_again = asking.is_looking;
            asking.hasten(now);
        }
    }

    fn look(&self, instance: &InstanceName, now: Timestamp) -> Look {
        let Some((whose, asking)) = self.rules.instances.get(instance).zip(self.hubs.get(instance)) else {
            return Look::default();
        };
        let is_first = asking.line.last_answer.is_none();
        let back = |from: Timestamp, by| from.saturating_sub(by).unwrap_or(from);
        let mark = asking.mark.unwrap_or(now);
        let since = back(mark, OVERLAP);
        let since = if is_first { since.min(back(now, FIRST)) } else { since };
        let stories = self.newest_first(|it| it.instance == *instance && self.is_watched(it, now));
        let mut tasks = self.watched_tasks(instance, now);
        // Whoever was not asked about for the longest time comes first.
        tasks.sort_by_key(|it| asking.asked_about.get(it));
        tasks.truncate(MAX_WATCHED);
        let builds = self.builds_to_ask_for(instance, now);
        let mut averages: Vec<_> = stories
            .iter()
            .filter(|it| !it.standing.is_settled() && it.usual.is_none())
            .filter_map(|it| it.package.clone())
            .filter(|it| !asking.usual.contains_key(it))
            .collect();
        averages.sort();
        averages.dedup();
        averages.truncate(MAX_AVERAGES);
        let repos = stories
            .iter()
            .filter_map(|it| self.awaited_in_repo(it))
            .take(MAX_AVERAGES)
            .collect();
        Look {
            users: whose.users.clone(),
            packages: if self.rules.wanted.followed {
                whose.packages.clone()
            } else {
                Default::default()
            },
            since: Some(since.max(back(now, LONGEST_ABSENCE))),
            mark: Some(mark.max(back(now, LONGEST_ABSENCE))),
            tasks,
            builds,
            averages,
            repos,
        }
    }

    /// Returns the tasks of all that is watched, the newest first.
    fn watched_tasks(&self, instance: &InstanceName, now: Timestamp) -> Vec<TaskId> {
        let stories = self.newest_first(|it| it.instance == *instance && self.is_watched(it, now));
        let mut tasks: Vec<_> = stories.iter().filter_map(|it| it.task).collect();
        tasks.dedup();
        tasks
    }

    /// Returns the builds that no list of mine tells of: those of others, and mine whose task is done while the record
    /// was in no list.
    fn builds_to_ask_for(&self, instance: &InstanceName, now: Timestamp) -> Vec<BuildId> {
        let is_it = |it: &Entry| {
            let story = &it.story;
            let is_open = story.instance == *instance && !story.standing.is_settled();
            is_open && self.is_watched(story, now) && (!story.mine || it.task_done)
        };
        let entries = self.stories.values().filter(|it| is_it(it));
        let builds = entries.filter_map(|it| match it.story.subject {
            Subject::Build(build) => Some(build),
            Subject::NamedBuild(_) | Subject::Task(_) => None,
        });
        builds.take(MAX_WATCHED).collect()
    }

    fn awaited_in_repo(&self, story: &Story) -> Option<(BuildId, Nvr, String)> {
        let is_awaited = self.rules.wanted.in_repo && story.whereabouts == Whereabouts::Tagged;
        let Subject::Build(build) = story.subject else {
            return None;
        };
        let nvr = story.nvr.clone().filter(|_| is_awaited)?;
        Some((build, nvr, story.target.clone()?))
    }

    /// Takes up what a hub has answered.
    pub(super) fn learned(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        learned: Learned,
        effects: &mut Vec<Effect>,
    ) {
        match learned {
            Learned::Looked(looked) => self.has_looked(now, instance, looked, effects),
            Learned::Explained { about, cause } => self.explained(&(instance.clone(), about), cause, effects),
            Learned::Found { lookup, change } => {
                for asker in self.take_lookups(instance, &lookup) {
                    self.found(now, instance, change.clone(), asker, effects);
                }
                self.look_after_news(now, instance);
            }
            Learned::Owners(owners) => self.owners_named(now, instance, &owners, effects),
            Learned::Acted { act, about, task, done } => self.acted(now, instance, act, &about, task, done, effects),
            Learned::Login(login) => self.logged_in(now, instance, login, effects),
            Learned::Unanswered { ask, why } => self.unanswered(now, instance, ask, why, effects),
        }
    }

    /// Takes up whom the hub knows us as. Where nobody has said who I am, that is me.
    fn logged_in(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        login: Result<String, Unanswered>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(asking) = self.hubs.get_mut(instance) else {
            return;
        };
        match login {
            Ok(name) => {
                asking.line.login_trouble = None;
                asking.line.known_as = Some(name);
            }
            Err(why) => {
                let since = asking.line.login_trouble.take().map_or(now, |(_, since)| since);
                asking.line.login_trouble = Some((why, since));
            }
        }
        let before = self.interests();
        self.take_names();
        let after = self.interests();
        if before != after {
            self.look_soon(now, instance);
            self.listen_anew(&before, effects);
        }
    }

    /// Counts whom the hubs know us as among those who are me, where that was a guess.
    pub(super) fn take_names(&mut self) {
        for (instance, asking) in &self.hubs {
            if let Some(name) = &asking.line.known_as
                && let Some(whose) = self.rules.instances.get_mut(instance)
                && whose.guessed
            {
                whose.users.insert(name.clone());
            }
        }
    }

    fn has_looked(&mut self, now: Timestamp, instance: &InstanceName, looked: Looked, effects: &mut Vec<Effect>) {
        let Some(asking) = self.hubs.get_mut(instance) else {
            return;
        };
        asking.is_looking = false;
        asking.failures = 0;
        asking.line.last_answer = Some(now);
        asking.line.trouble = None;
        // Where nobody has looked before, all that was over when we began is old.
        let waited = asking.looked_at.duration_since(asking.began);
        let began = looked.asked.map(|it| it.saturating_sub(waited).unwrap_or(it));
        asking.ahead = looked
            .asked
            .map_or(asking.ahead, |it| asking.looked_at.duration_since(it));
        // A mark in the future was set by a clock that went wrong.
        let mark = asking.mark.map(|it| looked.asked.map_or(it, |asked| it.min(asked)));
        let mark = mark.or(began);
        let as_of = looked.as_of;
        for (name, number) in &looked.users {
            self.learn_owner(instance, *number, Some(name));
        }
        self.looked(now, instance, looked, mark, effects);
        if let Some(asking) = self.hubs.get_mut(instance) {
            asking.mark = mark.max(as_of);
            if let Some(mark) = asking.mark {
                let before = self.marks.insert(instance.clone(), mark);
                if before != Some(mark) {
                    self.keeps.push(Keep::Mark(instance.clone(), mark));
                }
            }
        }
        self.schedule(now, instance);
        self.show_away(effects);
        self.ask_why_again(instance, effects);
    }

    fn unanswered(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        ask: Ask,
        why: Unanswered,
        effects: &mut Vec<Effect>,
    ) {
        match ask {
            Ask::Look(_) => {
                let Some(asking) = self.hubs.get_mut(instance) else {
                    return;
                };
                asking.is_looking = false;
                asking.failures = asking.failures.saturating_add(1);
                let since = asking.line.trouble.take().map_or(now, |(_, since)| since);
                asking.line.trouble = Some((why, since));
                self.schedule(now, instance);
                self.show_away(effects);
            }
            Ask::Owners(_) => self.owners_not_named(now, instance),
            Ask::Explain { about, task } => self.not_explained((instance.clone(), about), task, why.kind),
            Ask::Find(lookup) => {
                for asker in self.take_lookups(instance, &lookup) {
                    self.answer(asker, Reply::NoAnswer(why.text.clone()), effects);
                }
            }
            Ask::Act { act, about, task } => {
                let not_done = NotDone {
                    why: why.text,
                    perhaps: false,
                };
                self.acted(now, instance, act, &about, task, Err(not_done), effects);
            }
        }
    }

    /// Sets the time of the next look.
    fn schedule(&mut self, now: Timestamp, instance: &InstanceName) {
        let hurries = self.is_to_hurry(instance, now);
        let after = self.look_after(now, instance);
        let after = Self::jittered(now, after);
        if let Some(asking) = self.hubs.get_mut(instance) {
            if hurries && asking.failures == 0 {
                asking.hurried = Some(now);
            }
            if std::mem::take(&mut asking.look_again) {
                // The line went down under it, mostly, and is coming back.
                let again = if asking.failures == 0 {
                    SignedDuration::ZERO
                } else {
                    LOOK_CLOSER_AFTER
                };
                asking.next = Some(now.saturating_add(again).unwrap_or(now));
            } else {
                asking.next = None;
                asking.hasten(now.saturating_add(after).unwrap_or(now));
            }
        }
    }

    /// Returns whether there is something that no look has asked about yet. One look in a minute hurries for that.
    fn is_to_hurry(&self, instance: &InstanceName, now: Timestamp) -> bool {
        let Some(asking) = self.hubs.get(instance) else {
            return false;
        };
        let is_new = |it: &TaskId| !asking.asked_about.contains_key(it);
        let may = asking
            .hurried
            .is_none_or(|it| now.duration_since(it).abs() >= LOOK_AFTER);
        may && self.watched_tasks(instance, now).iter().any(is_new)
    }

    /// Returns how long after now the next look is.
    fn look_after(&self, now: Timestamp, instance: &InstanceName) -> SignedDuration {
        let failures = self.hubs.get(instance).map_or(0, |it| it.failures);
        if failures > 0 {
            let factor = 1_i32.checked_shl(failures.min(10) - 1).unwrap_or(1);
            return LOOK_AFTER.saturating_mul(factor).min(LOOK_AFTER_AT_MOST);
        }
        if self.is_to_hurry(instance, now) {
            return LOOK_CLOSER_AFTER;
        }
        let is_here = |it: &Story| it.instance == *instance && self.is_watched(it, now);
        let mut watched = self
            .stories
            .values()
            .map(|it| &it.story)
            .filter(|it| is_here(it))
            .peekable();
        let after = if watched.peek().is_none() {
            LOOK_AFTER_IDLE
        } else if watched.all(|it| now.duration_since(it.started.unwrap_or(it.changed)) > LONG) {
            LOOK_AFTER_LONG
        } else {
            LOOK_AFTER
        };
        if self.on_battery {
            after.saturating_mul(2)
        } else {
            after
        }
    }

    /// Returns a time that is up to a tenth longer, so that not all the world asks in the same second. The core has no
    /// dice; the fraction of a second at which something came is as good.
    fn jittered(now: Timestamp, after: SignedDuration) -> SignedDuration {
        let part = i32::from_ne_bytes(now.subsec_nanosecond().to_ne_bytes()).rem_euclid(1000);
        let tenth = after.checked_div(10).unwrap_or_default();
        let more = tenth.saturating_mul(part).checked_div(1000).unwrap_or_default();
        after.saturating_add(more)
    }

    fn runs_something(&self, instance: &InstanceName, now: Timestamp) -> bool {
        self.stories
            .values()
            .any(|it| it.story.instance == *instance && self.is_watched(&it.story, now))
    }

    /// Asks what is meant, to follow it.
    pub(super) fn follow(&mut self, instance: InstanceName, lookup: Lookup, asker: Asker, effects: &mut Vec<Effect>) {
        let has_hub = self.rules.instances.get(&instance).is_some_and(|it| it.hub);
        if !has_hub {
            self.answer(asker, Reply::NoHub, effects);
            return;
        }
        self.lookups.push_back(((instance.clone(), lookup.clone()), asker));
        while self.lookups.len() > MAX_LOOKUPS {
            if let Some((_, asker)) = self.lookups.pop_front() {
                self.answer(asker, Reply::Unknown, effects);
            }
        }
        effects.push(Effect::Ask(instance, Ask::Find(lookup)));
    }

    /// No longer follows what is meant.
    pub(super) fn unfollow(
        &mut self,
        instance: &InstanceName,
        lookup: &Lookup,
        asker: Asker,
        effects: &mut Vec<Effect>,
    ) {
        let key = self.meant(instance, lookup);
        let entry = key.and_then(|it| self.stories.get_mut(&it));
        let reply = entry.filter(|it| it.story.followed).map_or(Reply::Unknown, |it| {
            it.story.followed = false;
            Reply::Is(it.story.clone())
        });
        self.answer(asker, reply, effects);
    }

    /// A person has seen how what is meant has ended.
    pub(super) fn acknowledge(
        &mut self,
        instance: &InstanceName,
        lookup: &Lookup,
        asker: Asker,
        effects: &mut Vec<Effect>,
    ) {
        let key = self.meant(instance, lookup);
        let entry = key.and_then(|it| self.stories.get_mut(&it));
        let reply = entry.map_or(Reply::Unknown, |it| {
            it.unseen_failure = false;
            Reply::Is(it.story.clone())
        });
        self.answer(asker, reply, effects);
    }

    /// Answers whoever asked to follow something, or to follow it no more.
    pub(super) fn answer(&mut self, asker: Asker, reply: Reply, effects: &mut Vec<Effect>) {
        match asker {
            Asker::Nobody => {}
            Asker::Person => self.answer_person(Some(reply), effects),
            Asker::Caller(ticket) => effects.push(Effect::Reply(ticket, reply)),
        }
    }

    /// Answers a person who asked to follow what the clipboard names; `None` if it names nothing.
    pub(super) fn answer_person(&mut self, reply: Option<Reply>, effects: &mut Vec<Effect>) {
        let id = self.next_notice();
        self.show(id, false, Telling::Following(reply), effects);
    }

    /// Returns the story that is meant, if there is one.
    fn meant(&self, instance: &InstanceName, lookup: &Lookup) -> Option<Key> {
        let is_it = |(key, entry): &(&Key, &Entry)| {
            key.0 == *instance
                && match lookup {
                    Lookup::Task(task) => key.1 == Subject::Task(*task) || entry.story.task == Some(*task),
                    Lookup::Build(build) => key.1 == Subject::Build(*build),
                    Lookup::Nvr(nvr) => entry.story.nvr.as_ref() == Some(nvr),
                }
        };
        self.stories.iter().find(is_it).map(|(key, _)| key.clone())
    }

    fn take_lookups(&mut self, instance: &InstanceName, lookup: &Lookup) -> Vec<Asker> {
        let is_it = |(place, _): &((InstanceName, Lookup), _)| place.0 == *instance && place.1 == *lookup;
        let found = self
            .lookups
            .iter()
            .filter(|it| is_it(it))
            .map(|(_, asker)| *asker)
            .collect();
        self.lookups.retain(|it| !is_it(it));
        found
    }

    /// Returns what is known of a hub; `None` if the instance has none.
    pub fn hub(&self, instance: &InstanceName) -> Option<&HubLine> {
        self.hubs.get(instance).map(|it| &it.line)
    }

    /// Returns whether the hub is to say how a story stands: it runs, or is finished and not yet where it should be.
    fn is_watched(&self, story: &Story, now: Timestamp) -> bool {
        if !story.mine && !story.followed {
            return false;
        }
        if !story.standing.is_settled() {
            return true;
        }
        let is_fresh = story.ended.is_some_and(|it| now.duration_since(it) < TAGGING);
        let is_on_its_way = match story.whereabouts {
            Whereabouts::Unknown => true,
            Whereabouts::Tagged => self.rules.wanted.in_repo && story.target.is_some(),
            Whereabouts::NotTagged | Whereabouts::InRepo(_) => false,
        };
        story.standing == Standing::Build(BuildState::Complete) && story.task.is_some() && is_fresh && is_on_its_way
    }
}
