//! Why something failed, or who canceled it: asked for, and told when it is known.
//!
//! The verdict never waits for its reason. What is on screen is told again with it, in the same notification.

use std::collections::BTreeMap;

use super::asking::Asking;
use super::pace::Held;
use super::state::{Entry, Key, MAX_EXPLAINED};
use super::{
    Ask, Effect, Fate, Hook, HubTrouble, NoticeId, Occasion, Standing, Story, Tale, Telling, Watch, Whereabouts,
};
use crate::koji::{BuildState, Cause, InstanceName, TaskId, TaskState};

impl Watch {
    /// Asks why a build or task failed or was canceled, once at a time.
    pub(super) fn ask_why(&mut self, key: &Key, task: Option<TaskId>, effects: &mut Vec<Effect>) {
        let has_hub = self.rules.instances.get(&key.0).is_some_and(|it| it.hub);
        let is_room = self.explaining.len() < MAX_EXPLAINED;
        if has_hub && is_room && self.explaining.insert(key.clone()) {
            let about = key.1.clone();
            effects.push(Effect::Ask(key.0.clone(), Ask::Explain { about, task }));
        }
    }

    /// Nobody could say why something failed or was canceled. What may be had later is asked for again when the hub answers.
    pub(super) fn not_explained(&mut self, key: Key, task: Option<TaskId>, why: HubTrouble) {
        self.explaining.remove(&key);
        let may_pass = match why {
            HubTrouble::Unreachable | HubTrouble::Closed | HubTrouble::Slow => true,
            HubTrouble::LoginRefused | HubTrouble::NoSuchUser | HubTrouble::Refused => false,
        };
        if may_pass && self.unexplained.len() < MAX_EXPLAINED {
            self.unexplained.insert(key, task);
        }
    }

    /// Asks again why something failed or was canceled, where the hub did not answer before, unless it runs again meanwhile.
    pub(super) fn ask_why_again(&mut self, instance: &InstanceName, effects: &mut Vec<Effect>) {
        let (again, others) = std::mem::take(&mut self.unexplained)
            .into_iter()
            .partition(|((it, _), _)| it == instance);
        self.unexplained = others;
        let again: BTreeMap<Key, Option<TaskId>> = again;
        for (key, task) in again {
            let story = self.stories.get(&key).map(|it| &it.story);
            if story.is_some_and(|it| it.cause.is_none() && has_reason(it)) {
                self.ask_why(&key, task, effects);
            }
        }
    }

    /// Takes up why a build or task failed, or who canceled it. What is on screen or waits for it is told again with the
    /// reason; what has gone from the screen does not come back for it.
    pub(super) fn explained(&mut self, key: &Key, cause: Cause, effects: &mut Vec<Effect>) {
        self.explaining.remove(key);
        let is_news = self.stories.get(key).is_some_and(|it| self.is_news(&it.story, &cause));
        let Some(entry) = self.stories.get_mut(key).filter(|_| is_news) else {
            return;
        };
        entry.story.cause = Some(cause.clone());
        let shown = entry.notice.zip(entry.shown.clone());
        let story = entry.story.clone();
        effects.push(Effect::Announce(story.clone()));
        if self.hooks.contains(&Occasion::Explained) {
            effects.push(Effect::RunHook(Box::new(Hook {
                occasion: Occasion::Explained,
                story: story.clone(),
                tag: None,
            })));
        }
        let is_meant = |fate: &Fate| match &cause.by {
            Some(_) => matches!(fate, Fate::Canceled | Fate::Doomed),
            None => fate.is_bad(),
        };
        // What an attempt before this one came to may still be held.
        let task = story.task;
        let is_same_attempt = |it: &Story| it.task.zip(task).is_none_or(|(one, other)| one == other);
        let is_it = |it: &Tale| {
            let is_of_it = it.story.instance == key.0 && it.story.subject == key.1;
            is_of_it && is_same_attempt(&it.story) && is_meant(&it.fate)
        };
        self.each_held(|tale| {
            if is_it(tale) {
                tale.story.cause = Some(cause.clone());
            }
        });
        let Some((id, (tale, fate, rule))) = shown else {
            return;
        };
        let is_waiting = self.waiting.contains_key(&id);
        if is_meant(&fate) && !is_waiting {
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

    /// Tells again what is on screen, with more to say, or will when it is no longer quiet. What is muted meanwhile, or
    /// no longer wanted, stays as it is.
    pub(super) fn say_more(&mut self, id: NoticeId, tale: Tale, effects: &mut Vec<Effect>) {
        if !self.is_wanted(&tale) {
            return;
        }
        if self.is_held(&tale) {
            let notice = self.notice(id, true, Telling::One(tale));
            self.waiting.insert(id, notice);
            self.fold_waiting();
        } else {
            self.show(id, true, Telling::One(tale), effects);
        }
    }

    /// Returns whether a reason says something new. That I have canceled something, or its owner has, is none; nor is why
    /// it might have failed if nobody had.
    fn is_news(&self, story: &Story, cause: &Cause) -> bool {
        let is_me = |name: &String| {
            let is_known = |it: &Asking| it.line.known_as.as_ref() == Some(name);
            self.rules.is_mine(&story.instance, Some(name)) || self.hubs.get(&story.instance).is_some_and(is_known)
        };
        let says_something = match &cause.by {
            Some(name) => has_reason(story) && story.owner.as_ref() != Some(name) && !is_me(name),
            None => !was_canceled(story),
        };
        says_something && story.cause.as_ref() != Some(cause)
    }

    /// Changes each tale that waits to be told.
    pub(super) fn each_held(&mut self, mut change: impl FnMut(&mut Tale)) {
        self.pace.each(&mut change);
        for held in [&mut self.missed, &mut self.away] {
            held.each(&mut change);
        }
        let waiting = self.waiting.values_mut().map(|it| &mut it.telling);
        let under_way = self.under_way.values_mut().flatten().map(|it| &mut it.telling);
        for telling in waiting.chain(under_way) {
            match telling {
                Telling::One(tale) => change(tale),
                Telling::Many(digest) => digest.tales.iter_mut().for_each(&mut change),
                Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => {}
            }
        }
    }
}

impl Entry {
    /// Returns whether there is a reason that nobody has found yet.
    pub(super) fn is_unexplained(&self) -> bool {
        self.story.cause.is_none() && has_reason(&self.story)
    }
}

impl Held {
    fn each(&mut self, change: &mut impl FnMut(&mut Tale)) {
        self.tales.iter_mut().for_each(change);
    }
}

/// Returns whether there is something that a reason could be had for.
fn has_reason(story: &Story) -> bool {
    let failed = [Standing::Build(BuildState::Failed), Standing::Task(TaskState::Failed)];
    let has_failed = failed.contains(&story.standing) || story.is_doomed();
    has_failed || story.whereabouts == Whereabouts::NotTagged || (story.mine && was_canceled(story))
}

/// Returns whether it was canceled and has a record: of others nobody knows who did it.
pub(super) fn was_canceled(story: &Story) -> bool {
    story.standing == Standing::Build(BuildState::Canceled)
}
