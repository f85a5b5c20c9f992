//! What is heard and what is learned become part of the stories, each of them in the same way.
//!
//! A build and the task that makes it are one story. The task comes first, without a build's number; once the record
//! is there the story goes on under the build's number, with what was told of it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::ask::{Looked, Progress};
use super::explaining::was_canceled;
use super::merge::Fact;
use super::record::Keep;
use super::state::{Entry, Key, MAX_TOLD};
use super::{Asker, Effect, Fate, RuleName, Standing, Story, Tale, TaleId, Watch, Whereabouts, merge};
use crate::koji::{BuildState, Change, InstanceName, Subject, TaskChange, TaskState};

/// What the hub says ended at or before this was dealt with, unless it was seen running.
pub(super) type Mark = Option<Timestamp>;

impl Watch {
    /// Takes up a change and tells it, if it is one of those that are told.
    pub(super) fn learn(&mut self, now: Timestamp, fact: &Fact, mine: bool, mark: Mark, effects: &mut Vec<Effect>) {
        match &fact.change {
            Change::Tag(_) => self.learn_of_tag(now, fact, mine, effects),
            Change::Task(task) => match self.build_of(&fact.instance, task.task) {
                Some(key) => self.learn_of_build_task(now, &key, task, mark, effects),
                // The build went on with another task, and how it ended with this one was dealt with.
                None if self.is_of_earlier(&fact.instance, task.task) => {}
                None => self.learn_of_state(now, fact, mine, mark, effects),
            },
            Change::Build(build) => {
                let below = build
                    .task
                    .and_then(|task| self.adopt(&fact.instance, task, build, &fact.change.subject(), effects));
                self.learn_of_state(now, fact, mine, mark, effects);
                self.take_below((fact.instance.clone(), fact.change.subject()), below);
            }
        }
        if let Some(key) = self.story_of(&fact.instance, &fact.change) {
            self.take_orphans(now, &key, effects);
            self.take_task_end(now, &key, mark, effects);
        }
    }

    fn learn_of_tag(&mut self, now: Timestamp, fact: &Fact, mine: bool, effects: &mut Vec<Effect>) {
        let at = merge::time_of(fact, now);
        let key = (fact.instance.clone(), fact.change.subject());
        let is_added = matches!(&fact.change, Change::Tag(it) if it.added);
        if let Some(entry) = self.stories.get_mut(&key)
            && entry.story.whereabouts == Whereabouts::NotTagged
            && is_added
        {
            // Somebody did by hand what its task could not.
            entry.story.whereabouts = Whereabouts::Tagged;
            entry.unseen_failure = false;
            effects.push(Effect::Announce(entry.story.clone()));
        }
        let story = match self.stories.get(&key) {
            Some(entry) => entry.story.clone(),
            None => merge::begin(fact, at, mine),
        };
        if let Some(fate) = merge::fate(&fact.change) {
            let tale = Tale {
                id: TaleId::default(),
                fate,
                story,
                rule: RuleName::MyTags,
                late: false,
            };
            self.tell(now, &key, tale, Some(at), effects);
        }
    }

    fn learn_of_state(&mut self, now: Timestamp, fact: &Fact, mine: bool, mark: Mark, effects: &mut Vec<Effect>) {
        let at = merge::time_of(fact, now);
        let key = (fact.instance.clone(), fact.change.subject());
        let fate = merge::fate(&fact.change);
        let before = self.stories.get(&key).map(|it| it.story.clone());
        let was_known = before.is_some();
        let was_by_task = self.stories.get(&key).is_some_and(|it| it.by_task);
        let is_newer = self.bring_up(&key, fact, at, mine);
        let Some(entry) = self.stories.get_mut(&key) else {
            return;
        };
        // What each look repeats is no news to anybody.
        let is_to_be_announced = is_newer && before.as_ref() != Some(&entry.story);
        // Late news is told as it was then; the story stays as it is now.
        let mut story = entry.story.clone();
        if !is_newer {
            merge::tell(&mut story, &fact.change, at);
        }
        let Some(fate) = fate else {
            if is_to_be_announced {
                effects.push(Effect::Announce(story));
            }
            return;
        };
        let happened = fact.change.happened();
        if story.standing.is_settled() {
            let mut is_first = entry.is_first(story.standing, happened);
            if let Change::Build(build) = &fact.change
                && let Some(task) = build.task.filter(|it| entry.story.task != Some(*it))
            {
                // Without a time, the task tells it from the same end of another attempt.
                is_first |= happened.is_none() && !entry.earlier.contains(&task);
                entry.note_earlier(task);
            }
            if !was_known && happened.zip(mark).is_some_and(|(at, mark)| at <= mark) {
                // An earlier run has dealt with it; it is only filed.
                return;
            }
            if is_to_be_announced {
                effects.push(Effect::Announce(story.clone()));
            }
            if !is_first {
                return;
            }
            // A task that has made a build is counted with it.
            let is_counted = story.standing == Standing::Task(TaskState::Closed) && merge::makes_record(&story);
            if !is_counted {
                self.count(&fate, mine);
            }
        } else {
            if is_to_be_announced {
                effects.push(Effect::Announce(story.clone()));
            }
            // Each look says so again.
            let is_known = before.is_some_and(|it| merge::only_goes_on(&it, &fact.change, at));
            if !is_newer || (is_known && !was_by_task) {
                return;
            }
            self.ask_for_first_again(&key);
        }
        if story.standing.is_settled() {
            story.trend = self.trend_of(&story);
            self.put_failures_away(&story, effects);
        }
        let calls = fate == Fate::Failed && !self.is_over(&story);
        if story.standing.is_settled() {
            self.just_ended.insert(key.clone());
        }
        let Some(entry) = self.stories.get_mut(&key) else {
            return;
        };
        if is_newer && mine {
            entry.unseen_failure = calls;
        }
        if is_newer {
            entry.story.trend = story.trend;
        }
        let is_end = story.standing.is_settled();
        let followed = entry.story.followed;
        if is_end {
            entry.story.followed = false;
        }
        let rule = rule_of(&story, mine, followed);
        let has_reason = fate == Fate::Failed || (mine && was_canceled(&story));
        let task = story.task;
        // A bus that does not say when it was sent may say so a day later.
        let may_be_old = fact.heard && fact.sent.is_none();
        let ended = if is_end {
            story.ended
        } else {
            happened.filter(|_| may_be_old)
        };
        let tale = Tale {
            id: TaleId::default(),
            fate,
            story,
            rule,
            late: !is_newer,
        };
        let is_told = self.is_wanted(&tale);
        if is_told
            && tale.story.standing == Standing::Task(TaskState::Closed)
            && let Some(entry) = self.stories.get_mut(&key)
        {
            // It need not be told again of the build that it has made.
            entry.is_first(Standing::Build(BuildState::Complete), None);
        }
        self.tell(now, &key, tale, ended, effects);
        if has_reason && is_told {
            self.ask_why(&key, task, effects);
        }
    }

    /// Brings the story up to the news and returns whether it was newer than what was known.
    fn bring_up(&mut self, key: &Key, fact: &Fact, at: Timestamp, mine: bool) -> bool {
        match self.stories.get_mut(key) {
            Some(entry) if entry.is_newer(fact, at) => {
                // Each look says so again; what is known of it stays.
                let goes_on = merge::only_goes_on(&entry.story, &fact.change, at);
                entry.leave_task(&fact.change);
                entry.tell(&fact.change, at);
                if !entry.story.standing.is_settled() && !goes_on {
                    entry.doomed = false;
                    entry.story.cause = None;
                    entry.story.trend = None;
                }
                if !entry.story.standing.is_settled() {
                    // From here on the same ending without a time is another one.
                    entry.told.retain(|(_, at)| at.is_some());
                    entry.task_done = entry.task_has_ended();
                    entry.story.whereabouts = Whereabouts::Unknown;
                }
                true
            }
            Some(entry) => {
                merge::fill(&mut entry.story, &fact.change);
                false
            }
            None => {
                self.make_room();
                let told = self.told_before.take(key);
                let mut story = merge::begin(fact, at, mine);
                story.usual = self.usual_for(&story);
                let entry = Entry {
                    story,
                    told: told.into_iter().take(MAX_TOLD).collect(),
                    earlier: VecDeque::new(),
                    left: None,
                    notice: None,
                    shown: None,
                    unseen_failure: false,
                    doomed: false,
                    task_done: false,
                    steps: BTreeMap::new(),
                    task_end: None,
                    by_task: false,
                };
                self.stories.insert(key.clone(), entry);
                true
            }
        }
    }

    /// The task of a build that has its own story: it says how far the parts are, and whether it was tagged.
    fn learn_of_build_task(
        &mut self,
        now: Timestamp,
        key: &Key,
        change: &TaskChange,
        mark: Mark,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(entry) = self.stories.get_mut(key) {
            merge::fill(&mut entry.story, &Change::Task(change.clone()));
            let started = [entry.story.started, change.started].into_iter().flatten().min();
            entry.story.started = started;
        }
        let progress = Progress {
            task: change.task,
            state: Some(change.new),
            completed: change.completed,
            children: change.children.clone(),
        };
        self.take_progress(now, key, progress, mark, effects);
    }

    /// Takes up how the task of a story stands, and those below it.
    pub(super) fn take_progress(
        &mut self,
        now: Timestamp,
        key: &Key,
        progress: Progress,
        mark: Mark,
        effects: &mut Vec<Effect>,
    ) {
        let is_told = !progress.children.is_empty();
        let before = self.stories.get(key).map(|it| it.story.children.clone());
        if is_told && let Some(entry) = self.stories.get_mut(key) {
            entry.merge_children(&progress.children);
        }
        if is_told && self.stories.get(key).map(|it| &it.story.children) != before.as_ref() {
            self.take_usual(key);
            let story = self.stories.get(key).map(|it| &it.story);
            let running = story.filter(|it| !it.standing.is_settled());
            effects.extend(running.cloned().map(Effect::Announce));
        }
        let Some(entry) = self.stories.get_mut(key) else {
            return;
        };
        let standing = entry.story.standing;
        if let (Standing::Build(_), Some(end)) = (standing, progress.state)
            && end.is_settled()
        {
            entry.task_end = Some((progress.task, end, progress.completed));
        }
        if progress.state.is_some_and(TaskState::is_settled) && !standing.is_settled() {
            match standing {
                // How it ended, its record says; it is asked for by its number.
                Standing::Build(_) => entry.task_done = true,
                // A build that is complete has a record, which tells it.
                Standing::Task(_) if merge::makes_record(&entry.story) && progress.state == Some(TaskState::Closed) => {
                }
                Standing::Task(_) => {
                    let change = merge::ended(&entry.story, &progress);
                    let fact = Fact {
                        instance: key.0.clone(),
                        sent: None,
                        heard: false,
                        change,
                    };
                    let mine = entry.story.mine;
                    self.learn_of_state(now, &fact, mine, mark, effects);
                    return;
                }
            }
        }
        self.tell_if_doomed(now, key, None, effects);
        if standing != Standing::Build(BuildState::Complete) {
            return;
        }
        let Some(entry) = self.stories.get_mut(key) else {
            return;
        };
        if entry.story.whereabouts != Whereabouts::Unknown {
            return;
        }
        match progress.state {
            Some(TaskState::Closed) => entry.story.whereabouts = Whereabouts::Tagged,
            Some(TaskState::Failed) => {
                entry.story.whereabouts = Whereabouts::NotTagged;
                let is_old = progress.completed.zip(mark).is_some_and(|(at, mark)| at <= mark);
                if !is_old {
                    entry.unseen_failure = entry.story.mine;
                    self.tell_of(now, key, Fate::NotTagged, progress.completed, effects);
                }
            }
            Some(TaskState::Free | TaskState::Open | TaskState::Assigned | TaskState::Canceled) | None => {}
        }
    }

    /// Tells that a story cannot end well, once. `happened` is since when, if that may be long ago.
    pub(super) fn tell_if_doomed(
        &mut self,
        now: Timestamp,
        key: &Key,
        happened: Option<Timestamp>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.stories.get_mut(key).filter(|it| it.is_newly_doomed()) else {
            return;
        };
        entry.doomed = true;
        entry.unseen_failure = entry.story.mine;
        self.dooming.remove(key);
        self.tell_of(now, key, Fate::Doomed, happened, effects);
    }

    /// More is known that tells how long a story takes.
    pub(super) fn take_usual(&mut self, key: &Key) {
        let usual = self.stories.get(key).and_then(|it| self.usual_for(&it.story));
        if usual.is_some()
            && let Some(entry) = self.stories.get_mut(key)
        {
            entry.story.usual = usual;
        }
    }

    /// Tells something of a story as it stands, and asks for the reason if it is a bad thing.
    fn tell_of(
        &mut self,
        now: Timestamp,
        key: &Key,
        fate: Fate,
        happened: Option<Timestamp>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.stories.get(key) else {
            return;
        };
        let story = entry.story.clone();
        let tale = Tale {
            id: TaleId::default(),
            rule: rule_of(&story, story.mine, story.followed),
            fate: fate.clone(),
            story,
            late: false,
        };
        let is_told = self.is_wanted(&tale);
        let task = tale.story.task;
        effects.push(Effect::Announce(tale.story.clone()));
        self.tell(now, key, tale, happened, effects);
        if is_told && matches!(fate, Fate::Doomed | Fate::NotTagged) {
            self.ask_why(key, task, effects);
        }
    }

    /// Takes up the answer to a look.
    pub(super) fn looked(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        looked: Looked,
        mark: Mark,
        effects: &mut Vec<Effect>,
    ) {
        for change in looked.changes {
            let mine = self.rules.is_mine(instance, change.owner());
            let key = (instance.clone(), change.subject());
            let is_known = self.stories.get(&key).is_some_and(|it| it.story.followed);
            if !mine && !is_known && !self.is_followed(instance, change.package()) {
                continue;
            }
            let fact = Fact {
                instance: instance.clone(),
                sent: None,
                heard: false,
                change,
            };
            self.learn(now, &fact, mine, mark, effects);
            self.mind_answer(now, instance, &fact.change, looked.asked);
        }
        for progress in looked.progress {
            let of_task = (instance.clone(), Subject::Task(progress.task));
            let key = self.build_of(instance, progress.task);
            if let Some(key) = key.or_else(|| self.stories.contains_key(&of_task).then_some(of_task)) {
                self.take_progress(now, &key, progress, mark, effects);
            }
        }
        for (package, usual) in looked.averages {
            self.keeps.push(Keep::Usual {
                instance: instance.clone(),
                package: package.clone(),
                usual,
                at: now,
            });
            self.hubs
                .entry(instance.clone())
                .or_default()
                .keep_usual(package.clone(), usual);
            if usual.is_none() {
                self.may_be_first(instance, &package);
            }
            let is_of_it = |it: &Story| it.instance == *instance && it.package.as_ref() == Some(&package);
            for key in self.stories.keys(|_, it| is_of_it(&it.story)) {
                self.take_usual(&key);
            }
        }
        for (build, tag) in looked.in_repo {
            let key = (instance.clone(), Subject::Build(build));
            if let Some(entry) = self.stories.get_mut(&key)
                && !matches!(entry.story.whereabouts, Whereabouts::InRepo(_))
            {
                entry.story.whereabouts = Whereabouts::InRepo(tag.clone());
                // From when on, nobody says.
                self.tell_of(now, &key, Fate::InRepo(tag), None, effects);
            }
        }
        if looked.left_out > 0 {
            self.away.leave_out(looked.left_out, []);
        }
    }

    /// Takes up what was meant by a number or a name, for those who wait to follow it.
    pub(super) fn found(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        change: Option<Change>,
        asker: Asker,
        effects: &mut Vec<Effect>,
    ) {
        let Some(change) = change else {
            self.answer(asker, super::Reply::Unknown, effects);
            return;
        };
        let mine = self.rules.is_mine(instance, change.owner());
        let fact = Fact {
            instance: instance.clone(),
            sent: None,
            heard: false,
            change,
        };
        let (of_task, below) = match &fact.change {
            Change::Task(task) => (self.build_of(instance, task.task), None),
            Change::Build(build) => {
                let subject = fact.change.subject();
                let adopt = |task| self.adopt(instance, task, build, &subject, effects);
                (None, build.task.and_then(adopt))
            }
            Change::Tag(_) => (None, None),
        };
        let key = of_task.unwrap_or_else(|| (instance.clone(), fact.change.subject()));
        let at = merge::time_of(&fact, now);
        if key.1 == fact.change.subject() && (mine || self.stories.contains_key(&key)) {
            // Others may wait to hear how it ends.
            let mark = self.hubs.get(instance).and_then(|it| it.mark);
            self.learn_of_state(now, &fact, mine, mark, effects);
        } else if key.1 == fact.change.subject() {
            let is_newer = self.bring_up(&key, &fact, at, mine);
            if let Some(entry) = self.stories.get_mut(&key)
                && is_newer
                && entry.story.standing.is_settled()
            {
                // Whoever asks how it stands is told in the reply, and need not be told again.
                let (standing, ended) = (entry.story.standing, fact.change.happened());
                entry.is_first(standing, ended);
            }
        }
        self.take_below(key.clone(), below);
        if let Some(entry) = self.stories.get_mut(&key) {
            entry.story.followed = !entry.story.standing.is_settled();
            let story = entry.story.clone();
            self.answer(asker, super::Reply::Is(story), effects);
        }
    }
}

/// Returns the rule that wants a story told.
fn rule_of(story: &Story, mine: bool, followed: bool) -> RuleName {
    if mine {
        let is_build = story.method.as_deref() == Some("build") && !story.scratch;
        match story.subject {
            Subject::Task(_) if !is_build => RuleName::MyScratchBuilds,
            Subject::Task(_) | Subject::Build(_) | Subject::NamedBuild(_) => RuleName::MyBuilds,
        }
    } else if followed {
        RuleName::Followed
    } else {
        RuleName::FollowedPackages
    }
}

impl Entry {
    /// Notes an ending, and returns whether it is a new one. The same state at another time is another ending: the
    /// build was built again in between. Old hubs do not tell the time; then it is the same until a start was seen.
    pub(super) fn is_first(&mut self, standing: Standing, ended: Option<Timestamp>) -> bool {
        let is_same = |(other, at): &(Standing, Option<Timestamp>)| {
            let near = match (*at, ended) {
                (Some(at), Some(ended)) => at.duration_since(ended).abs() <= merge::TIE,
                (None, _) | (_, None) => true,
            };
            *other == standing && near
        };
        if let Some((_, at)) = self.told.iter_mut().find(|it| is_same(it)) {
            // Now it is known when it was, and it can be told from the same end of another attempt.
            *at = at.or(ended);
            return false;
        }
        if self.told.len() >= MAX_TOLD {
            self.told.pop_front();
        }
        self.told.push_back((standing, ended));
        true
    }
}
