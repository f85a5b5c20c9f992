//! A build and the tasks that make it, one for each attempt: whose story is whose, and which of them tells what.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::ask::Progress;
use super::below::Below;
use super::learning::Mark;
use super::merge::{self, Fact};
use super::record::Keep;
use super::state::{Entry, Key, MAX_TOLD};
use super::{Effect, Standing, Watch};
use crate::koji::{BuildChange, BuildState, Change, InstanceName, Subject, TaskId, TaskState};

impl Watch {
    /// The build's story goes on where that of its task was. Where the build has one of another attempt, returns what was
    /// known below the task.
    pub(super) fn adopt(
        &mut self,
        instance: &InstanceName,
        task: TaskId,
        change: &BuildChange,
        build: &Subject,
        effects: &mut Vec<Effect>,
    ) -> Option<Below> {
        let of_task = (instance.clone(), Subject::Task(task));
        let key = (instance.clone(), build.clone());
        let end = |it: &(Standing, _)| of_task_and_build(it.0);
        let is_end = |it: &(Standing, _)| end(it).is_some_and(|it| it != change.new);
        let has_told = self.stories.get(&of_task).is_some_and(|it| it.told.iter().any(is_end));
        if has_told && self.stories.contains_key(&key) {
            // The build has gone on, and this is of before: the end that was told of this task comes later.
            return None;
        }
        let mut entry = self.stories.remove(&of_task)?;
        if let Some(doom) = self.dooming.remove(&of_task) {
            self.dooming.insert(key.clone(), doom);
        }
        self.keeps.push(Keep::Adopted {
            instance: instance.clone(),
            task,
            build: build.clone(),
        });
        if let Some(of_build) = self.stories.get_mut(&key) {
            // Another attempt under the same number. From here on the build tells.
            of_build.story.followed |= entry.story.followed;
            // How the build ended with this task may have been told of the task.
            if entry.told.iter().any(|it| end(it) == Some(change.new)) {
                of_build.is_first(Standing::Build(change.new), change.completed);
                if of_build.story.task != Some(task) {
                    of_build.note_earlier(task);
                }
            }
            // How the attempt ended is as true as before, and a server may yet have to take it.
            if let Some(notice) = entry.notice
                && !entry.story.standing.is_settled()
            {
                effects.push(Effect::Withdraw(notice));
                self.forget_notice(notice);
            }
            return Some(Below {
                task,
                children: entry.story.children,
                steps: entry.steps,
            });
        }
        if let Standing::Task(end) = entry.story.standing
            && end.is_settled()
        {
            entry.task_end = Some((task, end, entry.story.ended));
        }
        entry.by_task = true;
        entry.story.subject = build.clone();
        // What it is called, its own news says.
        entry.story.nvr = None;
        entry.story.method = None;
        let ends = entry.told.iter().filter_map(end);
        // The task ended a little after the build: what was told of the one is told of the other, whenever that was.
        let ends: VecDeque<_> = ends.map(|it| (Standing::Build(it), None)).collect();
        entry.told = ends;
        let state = match entry.story.standing {
            Standing::Task(TaskState::Failed) => BuildState::Failed,
            Standing::Task(TaskState::Canceled) => BuildState::Canceled,
            Standing::Task(TaskState::Free | TaskState::Open | TaskState::Assigned | TaskState::Closed) => {
                BuildState::Building
            }
            Standing::Build(state) => state,
        };
        entry.story.standing = Standing::Build(state);
        if state == BuildState::Building {
            // Whatever the build's own news says is newer.
            entry.story.changed = entry.story.started.unwrap_or(entry.story.changed);
        }
        self.stories.insert(key, entry);
        None
    }

    /// Takes up what was known below the task of a build that goes on with it.
    pub(super) fn take_below(&mut self, key: Key, below: Option<Below>) {
        if let Some(below) = below
            && let Some(entry) = self.stories.get_mut(&key)
            && entry.story.task == Some(below.task)
            && entry.story.children.is_empty()
        {
            entry.story.children = below.children;
            entry.steps = below.steps;
        }
    }

    /// Takes up how the task of a build ended, where that came before the build's own end.
    pub(super) fn take_task_end(&mut self, now: Timestamp, key: &Key, mark: Mark, effects: &mut Vec<Effect>) {
        let Some(entry) = self.stories.get(key) else { return };
        let is_complete = entry.story.standing == Standing::Build(BuildState::Complete);
        if let Some((task, state, completed)) = entry.task_end
            && is_complete
            && entry.task_has_ended()
        {
            let progress = Progress {
                task,
                state: Some(state),
                completed,
                children: Vec::new(),
            };
            self.take_progress(now, key, progress, mark, effects);
        }
    }

    /// Returns whether this is the task of an attempt before, of a build whose end with it was dealt with.
    pub(super) fn is_of_earlier(&self, instance: &InstanceName, task: TaskId) -> bool {
        let has_it = |entry: &Entry| entry.earlier.contains(&task) || entry.left == Some(task);
        let is_it = |(key, entry): (&Key, &Entry)| key.0 == *instance && has_it(entry);
        self.stories.iter().any(is_it)
    }

    /// Returns the build that a task makes, if it is known.
    pub(super) fn build_of(&self, instance: &InstanceName, task: TaskId) -> Option<Key> {
        let is_it = |(key, entry): &(&Key, &Entry)| {
            key.0 == *instance && entry.story.task == Some(task) && matches!(entry.story.standing, Standing::Build(_))
        };
        self.stories.iter().find(is_it).map(|(key, _)| key.clone())
    }
}

impl Entry {
    /// Returns whether a change is newer than what is known. What a build came to by its task's word, its own news says
    /// better.
    pub(super) fn is_newer(&self, fact: &Fact, at: Timestamp) -> bool {
        if let Change::Build(build) = &fact.change
            && self.by_task
            && build.task == self.story.task
        {
            return !self.story.standing.is_settled() || build.new.is_settled();
        }
        merge::is_newer(&self.story, &fact.change, fact.sent, at)
    }

    /// Brings the story up to a change.
    pub(super) fn tell(&mut self, change: &Change, at: Timestamp) {
        if let Change::Build(_) = change {
            self.by_task = false;
        }
        let known = std::mem::take(&mut self.story.children);
        self.story.children.clone_from(&known);
        let task = self.story.task;
        merge::tell(&mut self.story, change, at);
        if self.story.task != task && task.is_some() {
            self.steps.clear();
        } else if self.story.children != known {
            let told = std::mem::replace(&mut self.story.children, known);
            self.merge_children(&told);
        }
    }

    /// Returns whether the task that makes the build now has ended.
    pub(super) fn task_has_ended(&self) -> bool {
        self.task_end.is_some_and(|(task, ..)| self.story.task == Some(task))
    }

    /// Before a change is taken up: if the build goes on with another task, what the old one comes to is no news. How the
    /// build ended with it still is, where that was not heard.
    pub(super) fn leave_task(&mut self, change: &Change) {
        let Change::Build(change) = change else { return };
        if let Some((old, new)) = self.story.task.zip(change.task)
            && old != new
            && (self.story.standing.is_settled() || self.task_done)
        {
            if self.story.standing.is_settled() {
                self.note_earlier(old);
            } else {
                self.left = Some(old);
            }
            // From here on the same ending without a time is another one.
            self.told.retain(|(_, at)| at.is_some());
            // What is on screen tells of the old one, and no reason of the new one belongs there.
            self.shown = None;
        }
    }

    /// How the build ended with this task, which it no longer is made by, was dealt with.
    pub(super) fn note_earlier(&mut self, task: TaskId) {
        self.left = self.left.filter(|it| *it != task);
        if !self.earlier.contains(&task) {
            if self.earlier.len() >= MAX_TOLD {
                self.earlier.pop_front();
            }
            self.earlier.push_back(task);
        }
    }
}

/// Returns how a build ends of whose task such an end was dealt with. That a task is done is mostly not told: its build
/// is; where it was told, that stands there as the end of the build.
fn of_task_and_build(standing: Standing) -> Option<BuildState> {
    match standing {
        Standing::Task(TaskState::Failed) => Some(BuildState::Failed),
        Standing::Task(TaskState::Canceled) => Some(BuildState::Canceled),
        Standing::Task(TaskState::Free | TaskState::Open | TaskState::Assigned | TaskState::Closed) => None,
        Standing::Build(state) => Some(state),
    }
}
