//! What is known of one build or task.

use jiff::{SignedDuration, Timestamp};

use crate::koji::{BuildState, Child, InstanceName, Nvr, Subject, TaskId, TaskState};

/// All that is known of one build or task; what notices, menu and status are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    pub instance: InstanceName,
    pub subject: Subject,
    /// The task that does it: the build's, or the task itself.
    pub task: Option<TaskId>,
    pub nvr: Option<Nvr>,
    /// The package's name, if known.
    pub package: Option<String>,
    /// The task's method; `None` for a build.
    pub method: Option<String>,
    pub owner: Option<String>,
    /// The owner is me.
    pub mine: bool,
    pub target: Option<String>,
    pub scratch: bool,
    pub standing: Standing,
    /// The tasks below, as the newest message showed them.
    pub children: Vec<Child>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// When the newest change happened, by the hub's clock, else by ours.
    pub changed: Timestamp,
}

/// How a build or a task stands, in the hub's states.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Standing {
    Build(BuildState),
    Task(TaskState),
}

impl Standing {
    /// Returns whether the hub will not move it further by itself.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Build(state) => state.is_settled(),
            Self::Task(state) => state.is_settled(),
        }
    }

    /// Returns the state as the hub spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Build(state) => state.name(),
            Self::Task(state) => state.name(),
        }
    }
}

impl Story {
    /// Returns how long it took, if both ends are known and in order.
    pub fn duration(&self) -> Option<SignedDuration> {
        let duration = self.ended?.duration_since(self.started?);
        duration.is_positive().then_some(duration)
    }

    /// Returns the builds for an architecture that failed.
    pub fn failed_arches(&self) -> impl Iterator<Item = &Child> {
        self.arches(TaskState::Failed)
    }

    /// Returns the builds for an architecture that succeeded.
    pub fn built_arches(&self) -> impl Iterator<Item = &Child> {
        self.arches(TaskState::Closed)
    }

    fn arches(&self, state: TaskState) -> impl Iterator<Item = &Child> {
        let is_it = move |it: &&Child| it.is_arch_build() && it.state == Some(state);
        self.children.iter().filter(is_it)
    }
}
