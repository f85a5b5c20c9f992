//! What is known of one build or task.

use jiff::{SignedDuration, Timestamp};

use super::Trend;
use crate::koji::{BuildState, Cause, Child, InstanceName, Nvr, Subject, TaskId, TaskState};

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
    /// Why it failed or is about to, or that somebody else canceled it, once that is known.
    pub cause: Option<Cause>,
    /// How long builds of this package usually take, from the record to its end.
    pub usual: Option<SignedDuration>,
    /// How far a finished build has come.
    pub whereabouts: Whereabouts,
    /// A person wants to be told how it ends, whoever's it is.
    pub followed: bool,
    /// What its newest ending says of the package.
    pub trend: Option<Trend>,
}

/// How far a finished build has come.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Whereabouts {
    /// It is not finished, or nobody has looked.
    #[default]
    Unknown,
    /// Its task has put it into its tag.
    Tagged,
    /// Its task could not put it into its tag.
    NotTagged,
    /// A repository holds it; the tag it is made of.
    InRepo(String),
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

    /// Returns whether it runs and cannot succeed any more: a part of it has failed.
    pub fn is_doomed(&self) -> bool {
        let is_part = |it: &Child| it.is_arch_build() || it.is_source_rpm();
        let has_failed = |it: &Child| it.state == Some(TaskState::Failed);
        !self.standing.is_settled() && self.children.iter().any(|it| is_part(it) && has_failed(it))
    }

    /// Returns when it should be done, going by how long builds of the package take.
    pub fn expected_end(&self) -> Option<Timestamp> {
        if self.standing.is_settled() {
            return None;
        }
        self.started?.checked_add(self.usual?).ok()
    }

    /// Returns how many builds for an architecture there are, and how many of them are done.
    pub fn arches_done(&self) -> (usize, usize) {
        let all = self.children.iter().filter(|it| it.is_arch_build());
        (self.built_arches().count(), all.count())
    }

    /// Returns whether nothing of it runs: it waits for a builder.
    pub fn waits_for_builder(&self) -> bool {
        let waits = |it: &Child| matches!(it.state, Some(TaskState::Free | TaskState::Assigned));
        let runs = |it: &Child| it.state == Some(TaskState::Open);
        match self.standing {
            Standing::Task(TaskState::Free | TaskState::Assigned) => true,
            Standing::Build(_) | Standing::Task(_) => {
                !self.standing.is_settled() && self.children.iter().any(waits) && !self.children.iter().any(runs)
            }
        }
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
