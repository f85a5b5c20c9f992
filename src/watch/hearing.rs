//! What a source has delivered: whether it matters, and to what.
//!
//! Most of what a bus tells is somebody else's, and is acknowledged and forgotten. What changes a story is on record
//! before it is acknowledged.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::merge::Fact;
use super::record::Keep;
use super::seen::Known;
use super::state::Key;
use super::{Effect, News, Watch};
use crate::koji::event::{ChildChange, Promotion, RepoChange};
use crate::koji::task::only_sends_mail;
use crate::koji::{Change, HubEvent, InstanceName, Subject, TaskId};

/// How much longer than the other parts of a build one that has failed may leave it running: where one failure ends
/// all, the build fails within seconds, and that says more.
const DOOMED_AFTER: SignedDuration = SignedDuration::from_secs(20);

impl Watch {
    pub(super) fn heard(&mut self, now: Timestamp, news: News, effects: &mut Vec<Effect>) {
        self.mind_news(now, &news);
        let is_mail = matches!(&news.event, HubEvent::Changed(Change::Task(it)) if only_sends_mail(&it.method));
        if is_mail {
            effects.extend(news.delivery.map(Effect::Acknowledge));
        } else if let Some(news) = self.name_owner(now, news, effects) {
            self.take_up(now, news, effects);
        }
    }

    /// Takes up news whose owner is known, or is not going to be.
    pub(super) fn take_up(&mut self, now: Timestamp, news: News, effects: &mut Vec<Effect>) {
        let (instance, event) = (news.instance.clone(), news.event.clone());
        let is_taken = match event {
            HubEvent::Changed(change) => {
                self.take_change(now, news, change, effects);
                return;
            }
            HubEvent::Child(child) => self.take_child(now, &instance, child, effects),
            HubEvent::Promoted(promotion) => self.take_promotion(&instance, promotion, effects),
            HubEvent::Repo(repo) => {
                self.take_repo(now, &instance, &repo);
                false
            }
            HubEvent::PackageList(_) | HubEvent::Signed(_) | HubEvent::Imported(_) | HubEvent::Other { .. } => false,
        };
        if is_taken {
            // Each of these says how something stands, and may be said again: no copy needs to be recognised.
            self.count_news(now, &news);
            self.deliveries.extend(news.delivery);
        } else {
            effects.extend(news.delivery.map(Effect::Acknowledge));
        }
    }

    fn take_change(&mut self, now: Timestamp, news: News, change: Change, effects: &mut Vec<Effect>) {
        let whose = self.rules.instances.get(&news.instance);
        let story = news.owner.and_then(|_| self.story_of(&news.instance, &change));
        let story = story.as_ref().and_then(|it| self.stories.get(it)).map(|it| &it.story);
        let is_mine = match change.owner() {
            Some(owner) => self.rules.is_mine(&news.instance, Some(owner)),
            None => story.is_some_and(|it| it.mine),
        };
        let key = (news.instance.clone(), change.subject());
        let is_watched =
            self.stories.get(&key).is_some_and(|it| it.story.followed) || story.is_some_and(|it| it.followed);
        let is_unwanted = whose.is_some_and(|it| it.every_task)
            && matches!(&change, Change::Task(it) if it.scratch)
            && !self.rules.wanted.scratch
            && !self.stories.contains_key(&key);
        let is_nobody_s = !is_mine && !is_watched && !self.is_followed(&news.instance, change.package());
        if is_unwanted || is_nobody_s {
            effects.extend(news.delivery.map(Effect::Acknowledge));
            return;
        }
        self.count_line(now, &news);
        let note = |it: &str| self.seen.note(&news.instance, it);
        let known = news.message.as_deref().map_or(Known::New, note);
        // A build may be tagged, untagged and tagged again, and no time in these messages tells the two apart.
        let known = if news.is_first { Known::New } else { known };
        match known {
            Known::New => {
                let fact = Fact {
                    instance: news.instance.clone(),
                    sent: news.sent,
                    heard: true,
                    change,
                };
                self.learn(now, &fact, is_mine, None, effects);
                self.look_after_news(now, &news.instance);
            }
            Known::Pending => {}
            Known::Recorded => {
                effects.extend(news.delivery.map(Effect::Acknowledge));
                return;
            }
        }
        if let Some(id) = news.message.clone() {
            if let Some(delivery) = &news.delivery {
                self.unrecorded.insert(delivery.clone(), id.clone());
            }
            let instance = news.instance.clone();
            self.keeps.push(Keep::Message { instance, id, at: now });
        }
        self.note_contact(now, &news);
        self.deliveries.extend(news.delivery);
    }

    fn count_news(&mut self, now: Timestamp, news: &News) {
        self.count_line(now, news);
        self.note_contact(now, news);
    }

    fn count_line(&mut self, now: Timestamp, news: &News) {
        if news.delivery.is_some()
            && let Some(line) = self.lines.get_mut(&news.instance)
        {
            line.heard += 1;
            line.last_heard = Some(now);
        }
    }

    fn note_contact(&mut self, now: Timestamp, news: &News) {
        if news.delivery.is_some() && !self.is_reading(now, &news.instance) {
            self.keeps.push(Keep::Contact(news.instance.clone(), now));
        }
    }

    /// Returns the story that a change belongs to by what it is about, or by the task of the build that it is about.
    pub(super) fn story_of(&self, instance: &InstanceName, change: &Change) -> Option<Key> {
        let key = (instance.clone(), change.subject());
        if self.stories.contains_key(&key) {
            return Some(key);
        }
        let task = match change {
            Change::Build(it) => it.task,
            Change::Task(it) => Some(it.task),
            Change::Tag(_) => None,
        };
        self.story_with(instance, task?)
    }

    /// Returns the story that this task makes.
    pub(super) fn story_with(&self, instance: &InstanceName, task: TaskId) -> Option<Key> {
        let of_task = (instance.clone(), Subject::Task(task));
        if self.stories.contains_key(&of_task) {
            return Some(of_task);
        }
        self.build_of(instance, task)
    }

    /// Takes up that a task below another one has changed. Returns whether a story did.
    fn take_child(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        change: ChildChange,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(key) = self.story_above(instance, change.parent) else {
            self.orphans.keep(instance, change);
            return false;
        };
        let is_taken = self.add_child(now, &key, &change, effects);
        self.take_orphans(now, &key, effects) || is_taken
    }

    /// Takes up what was heard of tasks below this story before there was one. Returns whether it has changed by that.
    pub(super) fn take_orphans(&mut self, now: Timestamp, key: &Key, effects: &mut Vec<Effect>) -> bool {
        let mut is_taken = false;
        loop {
            let Some(entry) = self.stories.get(key) else {
                return is_taken;
            };
            let below = self.orphans.take(&key.0, |it| entry.has_task(it));
            if below.is_empty() {
                return is_taken;
            }
            for change in below {
                is_taken |= self.add_child(now, key, &change, effects);
            }
        }
    }

    fn add_child(&mut self, now: Timestamp, key: &Key, change: &ChildChange, effects: &mut Vec<Effect>) -> bool {
        let Some(entry) = self.stories.get_mut(key) else {
            return false;
        };
        let is_named = change.srpm.is_some() && entry.story.nvr.is_none();
        if is_named && let Some(nvr) = &change.srpm {
            entry.story.package.get_or_insert_with(|| nvr.name.clone());
            entry.story.nvr = Some(nvr.clone());
        }
        let is_changed = entry.add_child(change);
        if !is_changed && !is_named {
            return false;
        }
        let (is_running, is_doomed) = (!entry.story.standing.is_settled(), entry.is_newly_doomed());
        if is_doomed {
            self.dooming.entry(key.clone()).or_insert((soon(now), change.completed));
        }
        self.take_usual(key);
        if is_running {
            let story = self.stories.get(key).map(|it| it.story.clone());
            effects.extend(story.map(Effect::Announce));
        }
        true
    }

    /// Tells what cannot succeed any more and runs on all the same.
    pub(super) fn see_to_doomed(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        // What is further away than it can be was set by a clock that went wrong.
        let is_due = |at: Timestamp| at <= now || at > soon(now);
        if !self.dooming.values().any(|(at, _)| is_due(*at)) {
            return;
        }
        let (due, others): (BTreeMap<_, _>, _) = std::mem::take(&mut self.dooming)
            .into_iter()
            .partition(|(_, (at, _))| is_due(*at));
        self.dooming = others;
        for (key, (_, happened)) in due {
            self.tell_if_doomed(now, &key, happened, effects);
        }
    }

    fn take_promotion(&mut self, instance: &InstanceName, promotion: Promotion, effects: &mut Vec<Effect>) -> bool {
        let subject = match promotion.build {
            Some(build) => Subject::Build(build),
            None => Subject::NamedBuild(promotion.nvr.clone()),
        };
        let Some(entry) = self.stories.get_mut(&(instance.clone(), subject)) else {
            return false;
        };
        if entry.story.nvr.as_ref() != Some(&promotion.nvr) {
            entry.story.nvr = Some(promotion.nvr);
            effects.push(Effect::Announce(entry.story.clone()));
        }
        true
    }

    fn take_repo(&mut self, now: Timestamp, instance: &InstanceName, repo: &RepoChange) {
        if repo.done {
            self.look_for_repos(now, instance);
        }
    }
}

fn soon(now: Timestamp) -> Timestamp {
    now.saturating_add(DOOMED_AFTER).unwrap_or(now)
}
