//! The tasks below a build or task, as a bus of Koji's own tells of them one by one.
//!
//! Each is merged by how far it is: late news of an earlier state changes nothing, in whatever order it comes. A task may
//! go back, from OPEN to FREE, when its builder is restarted; its start, which the news keeps, tells that from a state
//! of before.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::merge::TIE;
use super::state::Entry;
use crate::koji::event::ChildChange;
use crate::koji::task::MAX_CHILDREN;
use crate::koji::{Child, InstanceName, TaskId, TaskState};

/// How many tasks are remembered that are below one in no story: that one's news may come later, or waits for the name of
/// its owner. The oldest goes first.
pub(super) const MAX_ORPHANS: usize = 512;

/// How far a task is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Step {
    state: TaskState,
    /// When it was last started.
    started: Option<Timestamp>,
    /// Where the state stands among those of one start.
    phase: u8,
}

impl Step {
    /// Returns how far a task is that has come from a state to another, and was last started then.
    pub(super) fn of(state: TaskState, old: Option<TaskState>, started: Option<Timestamp>) -> Self {
        // Whoever waits after a start was freed again.
        let is_again = started.is_some() || old == Some(TaskState::Open);
        let phase = match state {
            TaskState::Free if is_again => 4,
            TaskState::Free if old == Some(TaskState::Assigned) => 2,
            TaskState::Free => 0,
            TaskState::Assigned if is_again => 5,
            TaskState::Assigned => 1,
            TaskState::Open => 3,
            TaskState::Closed | TaskState::Canceled | TaskState::Failed => 6,
        };
        Self { state, started, phase }
    }

    /// Returns how this one is to another of the same task: what is further is newer. The end is the end.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let by_start = match (self.started, other.started) {
            (Some(one), Some(other)) if one.duration_since(other).abs() <= TIE => Ordering::Equal,
            (one, other) => one.cmp(&other),
        };
        let by_end = self.state.is_settled().cmp(&other.state.is_settled());
        let by_phase = self.phase.cmp(&other.phase);
        match by_end {
            Ordering::Equal if self.state.is_settled() => Ordering::Equal,
            Ordering::Equal => by_start.then(by_phase),
            Ordering::Less | Ordering::Greater => by_end,
        }
    }
}

/// Tasks below tasks that are in no story.
#[derive(Clone, Debug, Default)]
pub(super) struct Orphans {
    /// The oldest first, each task once.
    kept: VecDeque<(InstanceName, ChildChange)>,
}

impl Orphans {
    /// Returns how many are remembered.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn keep(&mut self, instance: &InstanceName, change: ChildChange) {
        let is_it = |it: &&mut (InstanceName, ChildChange)| it.1.child.task == change.child.task && it.0 == *instance;
        if let Some((_, known)) = self.kept.iter_mut().find(is_it) {
            let srpm = change.srpm.clone().or(known.srpm.take());
            if step_of(&change)
                .zip(step_of(known))
                .is_some_and(|(new, known)| new.compare(&known).is_gt())
            {
                *known = change;
            }
            known.srpm = srpm;
            return;
        }
        while self.kept.len() >= MAX_ORPHANS {
            self.kept.pop_front();
        }
        self.kept.push_back((instance.clone(), change));
    }

    /// Takes out those right below a task that is meant.
    pub(super) fn take(&mut self, instance: &InstanceName, is_meant: impl Fn(TaskId) -> bool) -> Vec<ChildChange> {
        let is_below = |it: &(InstanceName, ChildChange)| it.0 == *instance && is_meant(it.1.parent);
        if !self.kept.iter().any(is_below) {
            return Vec::new();
        }
        let (below, others): (VecDeque<_>, _) = std::mem::take(&mut self.kept).into_iter().partition(is_below);
        self.kept = others;
        below.into_iter().map(|(_, change)| change).collect()
    }
}

impl super::Watch {
    /// Returns the story of which a task is a part, or which it makes.
    pub(super) fn story_above(&self, instance: &InstanceName, parent: TaskId) -> Option<super::state::Key> {
        let stories = self.stories.iter().filter(|(key, _)| key.0 == *instance);
        let mut found = stories.filter(|(_, it)| it.has_task(parent));
        found.next().map(|(key, _)| key.clone())
    }
}

/// What is known of the tasks below an attempt.
#[derive(Debug)]
pub(super) struct Below {
    pub(super) task: TaskId,
    pub(super) children: Vec<Child>,
    pub(super) steps: BTreeMap<TaskId, Step>,
}

impl Entry {
    /// Returns whether this task makes it, or is below the one that does.
    pub(super) fn has_task(&self, task: TaskId) -> bool {
        self.story.task == Some(task) || self.story.children.iter().any(|it| it.task == task)
    }

    /// Returns whether it cannot succeed any more, and nobody has dealt with that.
    pub(super) fn is_newly_doomed(&self) -> bool {
        !self.doomed && self.story.is_doomed()
    }

    /// Takes up that a task below has changed, and returns whether it was news.
    pub(super) fn add_child(&mut self, change: &ChildChange) -> bool {
        let Some(step) = step_of(change) else { return false };
        let task = change.child.task;
        let children = &mut self.story.children;
        let Some(known) = children.iter_mut().find(|it| it.task == task) else {
            if children.len() >= MAX_CHILDREN {
                return false;
            }
            children.push(change.child.clone());
            // Whoever is below another was made later.
            children.sort_by_key(|it| it.task);
            self.steps.insert(task, step);
            return true;
        };
        let before = self.steps.get(&task).copied();
        let before = before.or_else(|| known.state.map(|it| Step::of(it, None, None)));
        let order = before.map_or(Ordering::Greater, |it| step.compare(&it));
        // A hub that tells no start cannot say that it was another one.
        let follows = order.is_lt() && step.started.is_none() && !is_settled(known) && change.old == known.state;
        if order.is_lt() && !(follows && change.old.is_some()) {
            return false;
        }
        self.steps.insert(task, step);
        let is_news = order.is_ne() && known.state != change.child.state;
        if is_news {
            known.state = change.child.state;
        }
        is_news
    }

    /// Takes up how the tasks below stand by another source, which does not say since when: nothing goes back by that
    /// which a bus has told of.
    pub(super) fn merge_children(&mut self, told: &[Child]) {
        if self.steps.is_empty() {
            self.story.children = told.to_vec();
            return;
        }
        let known = std::mem::take(&mut self.story.children);
        let mut children: Vec<Child> = told.to_vec();
        for child in &mut children {
            let before = known.iter().find(|it| it.task == child.task);
            let Some((before, step)) = before.zip(self.steps.get(&child.task)) else {
                continue;
            };
            let is_further = child
                .state
                .is_some_and(|it| Step::of(it, None, None).phase > step.phase);
            if is_settled(before) || !is_further {
                child.state = before.state;
            }
        }
        let is_told = |it: &Child| told.iter().any(|told| told.task == it.task);
        let steps = &self.steps;
        children.extend(
            known
                .into_iter()
                .filter(|it| !is_told(it) && steps.contains_key(&it.task)),
        );
        children.sort_by_key(|it| it.task);
        children.truncate(MAX_CHILDREN);
        self.steps.retain(|task, _| children.iter().any(|it| it.task == *task));
        self.story.children = children;
    }
}

fn step_of(change: &ChildChange) -> Option<Step> {
    Some(Step::of(change.child.state?, change.old, change.started))
}

fn is_settled(child: &Child) -> bool {
    child.state.is_some_and(TaskState::is_settled)
}
