//! Where the stories stand. What is taken in hand is looked at again at the end of the step: what has changed by then
//! goes on record, and nobody has to remember to say so.

use std::collections::{BTreeMap, VecDeque};

use super::record::Filed;
use super::state::{Ending, Entry, Key, MAX_TOLD_BEFORE};

/// All stories that are remembered, and what this step has done to them.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    entries: BTreeMap<Key, Entry>,
    /// How those that were taken in hand stood before; `None`: they were not there.
    before: BTreeMap<Key, Option<Entry>>,
}

impl Shelf {
    pub(super) fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(super) fn contains_key(&self, key: &Key) -> bool {
        self.entries.contains_key(key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.entries.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes a story in hand.
    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(key)?;
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), Some(entry.clone()));
        }
        Some(entry)
    }

    /// Takes in hand each story that is wanted.
    pub(super) fn each(&mut self, wanted: impl Fn(&Entry) -> bool, mut change: impl FnMut(&mut Entry)) {
        for (key, entry) in self.entries.iter_mut().filter(|(_, it)| wanted(it)) {
            if !self.before.contains_key(key) {
                self.before.insert(key.clone(), Some(entry.clone()));
            }
            change(entry);
        }
    }

    pub(super) fn insert(&mut self, key: Key, entry: Entry) {
        let before = self.entries.insert(key.clone(), entry);
        self.before.entry(key).or_insert(before);
    }

    /// Puts back what is on record as it is.
    pub(super) fn restore(&mut self, key: Key, entry: Entry) {
        self.entries.insert(key, entry);
    }

    /// Forgets a story. What is on record of it stays there.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Entry> {
        self.before.remove(key);
        self.entries.remove(key)
    }

    /// Returns the keys of all that are wanted.
    pub(super) fn keys(&self, wanted: impl Fn(&Key, &Entry) -> bool) -> Vec<Key> {
        let found = self.entries.iter().filter(|(key, it)| wanted(key, it));
        found.map(|(key, _)| key.clone()).collect()
    }

    /// Returns what this step has changed of what is to be on record, and begins the next step.
    pub(super) fn changed(&mut self) -> Vec<Filed> {
        let before = std::mem::take(&mut self.before);
        let changed = before.into_iter().filter_map(|(key, before)| {
            let entry = self.entries.get(&key)?;
            let is_same = before.is_some_and(|it| it.is_filed_like(entry));
            (!is_same).then(|| entry.filed())
        });
        changed.collect()
    }
}

impl Entry {
    fn is_filed_like(&self, other: &Self) -> bool {
        self.story == other.story
            && self.told == other.told
            && self.earlier == other.earlier
            && self.left == other.left
            && self.unseen_failure == other.unseen_failure
            && self.doomed == other.doomed
            && self.task_done == other.task_done
    }

    fn filed(&self) -> Filed {
        Filed {
            story: self.story.clone(),
            told: self.told.iter().copied().collect(),
            earlier: self.earlier.iter().copied().collect(),
            left: self.left,
            unseen_failure: self.unseen_failure,
            doomed: self.doomed,
            task_done: self.task_done,
        }
    }

    /// Returns what is on record as an entry; nothing of it is on screen.
    pub(super) fn resumed(filed: Filed) -> Self {
        Self {
            story: filed.story,
            told: filed.told.into_iter().take(super::state::MAX_TOLD).collect(),
            earlier: filed.earlier.into_iter().take(super::state::MAX_TOLD).collect(),
            left: filed.left,
            notice: None,
            shown: None,
            unseen_failure: filed.unseen_failure,
            doomed: filed.doomed,
            task_done: filed.task_done,
            steps: BTreeMap::new(),
            task_end: None,
            by_task: false,
        }
    }
}

/// The endings of what had to make room: settled is not forgotten. The oldest go first.
#[derive(Clone, Debug, Default)]
pub(super) struct ToldBefore {
    endings: BTreeMap<Key, Vec<Ending>>,
    order: VecDeque<Key>,
}

impl ToldBefore {
    /// Returns of how many builds and tasks endings are remembered.
    pub(super) fn len(&self) -> usize {
        self.endings.len().max(self.order.len())
    }

    pub(super) fn put(&mut self, key: Key, endings: impl IntoIterator<Item = Ending>) {
        let mut endings = endings.into_iter().peekable();
        if endings.peek().is_none() {
            return;
        }
        while self.order.len() >= MAX_TOLD_BEFORE
            && let Some(oldest) = self.order.pop_front()
        {
            self.endings.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.endings.entry(key).or_default().extend(endings);
    }

    /// Returns the endings of what is there again.
    pub(super) fn take(&mut self, key: &Key) -> Vec<Ending> {
        let endings = self.endings.remove(key);
        if endings.is_some() {
            self.order.retain(|it| it != key);
        }
        endings.unwrap_or_default()
    }
}
