//! Tasks: work that the hub hands to builders. A build is a tree of them.

use std::fmt;

use jiff::Timestamp;

/// The most children of a task that are looked at; a kernel has about a dozen.
pub const MAX_CHILDREN: usize = 64;

/// The hub's number of a task, unique within one instance.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TaskId(pub u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A task's state, with the hub's own numbers and spelling.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TaskState {
    Free = 0,
    Open = 1,
    Closed = 2,
    Canceled = 3,
    Assigned = 4,
    Failed = 5,
}

impl TaskState {
    /// Returns the state with the hub's number, or `None` for a number that no Koji release up to 1.36 knows.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Free),
            1 => Some(Self::Open),
            2 => Some(Self::Closed),
            3 => Some(Self::Canceled),
            4 => Some(Self::Assigned),
            5 => Some(Self::Failed),
            _ => None,
        }
    }

    /// Returns the state with the hub's name, such as `CLOSED`.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Free,
            Self::Open,
            Self::Closed,
            Self::Canceled,
            Self::Assigned,
            Self::Failed,
        ]
        .into_iter()
        .find(|it| it.name() == name)
    }

    /// Returns the name as the hub spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "FREE",
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
            Self::Canceled => "CANCELED",
            Self::Assigned => "ASSIGNED",
            Self::Failed => "FAILED",
        }
    }

    /// Returns whether the hub will not move the task further by itself.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Free | Self::Open | Self::Assigned => false,
            Self::Closed | Self::Canceled | Self::Failed => true,
        }
    }
}

/// Returns whether tasks of this method only send mail about a build. Most belong to hosts, but who cancels a build owns
/// the task that writes to its owner.
pub fn only_sends_mail(method: &str) -> bool {
    matches!(method, "buildNotification" | "tagNotification")
}

/// A top-level task has changed its state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaskChange {
    pub task: TaskId,
    /// `build`, `image`, `newRepo` …; free text, as plugins add their own.
    pub method: String,
    pub old: Option<TaskState>,
    pub new: TaskState,
    /// The user name of the owner, compared exactly.
    pub owner: Option<String>,
    /// What is built, in the packager's words: `bash-5.3-1.fc43` where the name of a source RPM is known, else the
    /// package's name. `None` if the request tells neither.
    pub what: Option<String>,
    /// The package's name, if known.
    pub package: Option<String>,
    pub target: Option<String>,
    /// The request asked for a scratch build: there will be no build record.
    pub scratch: bool,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    /// The tasks below this one as they were when the message was made, at every depth, at most [`MAX_CHILDREN`].
    pub children: Vec<Child>,
}

/// A task below another one, as it stood when its parent's message was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Child {
    pub task: TaskId,
    /// `buildArch`, `buildSRPMFromSCM`, `tagBuild` …
    pub method: String,
    /// The architecture in the packager's spelling (the label `i686`, not the canonical `i386`).
    pub arch: String,
    /// `None` for a state nobody knows.
    pub state: Option<TaskState>,
}

impl Child {
    /// Returns whether this is the build for one architecture.
    pub fn is_arch_build(&self) -> bool {
        self.method == "buildArch"
    }

    /// Returns whether this makes the source RPM that the others build from.
    pub fn is_source_rpm(&self) -> bool {
        self.method == "buildSRPMFromSCM" || self.method == "rebuildSRPM"
    }
}
