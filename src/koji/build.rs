//! Builds: a record on the hub that carries a name, a version and a release.

use std::fmt;

use jiff::Timestamp;

use super::{Child, Nvr, TaskId};

/// The hub's number of a build, unique within one instance. A build that failed or was canceled keeps its number
/// when it is built again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BuildId(pub u64);

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A build's state, with the hub's own numbers and spelling.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum BuildState {
    Building = 0,
    Complete = 1,
    Deleted = 2,
    Failed = 3,
    Canceled = 4,
}

impl BuildState {
    /// Returns the state with the hub's number, or `None` for a number that no Koji release up to 1.36 knows.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Building),
            1 => Some(Self::Complete),
            2 => Some(Self::Deleted),
            3 => Some(Self::Failed),
            4 => Some(Self::Canceled),
            _ => None,
        }
    }

    /// Returns the state with the hub's name, such as `COMPLETE`.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Building,
            Self::Complete,
            Self::Deleted,
            Self::Failed,
            Self::Canceled,
        ]
        .into_iter()
        .find(|it| it.name() == name)
    }

    /// Returns the name as the hub spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Building => "BUILDING",
            Self::Complete => "COMPLETE",
            Self::Deleted => "DELETED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }

    /// Returns whether the hub will not move the build further by itself.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Building => false,
            Self::Complete | Self::Deleted | Self::Failed | Self::Canceled => true,
        }
    }
}

/// A build has changed its state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BuildChange {
    /// `None` where an old hub did not send it (before about 2013).
    pub build: Option<BuildId>,
    pub nvr: Nvr,
    /// The state before. `None` for a new record, and for a number nobody knows. Hubs before 1.17 send the new
    /// state here for `CANCELED`.
    pub old: Option<BuildState>,
    pub new: BuildState,
    /// The user name of the owner, compared exactly.
    pub owner: Option<String>,
    /// `None` for imports, container and module builds.
    pub task: Option<TaskId>,
    /// The build target, such as `rawhide`.
    pub target: Option<String>,
    /// When the build's task was started, if the message tells.
    pub started: Option<Timestamp>,
    /// When the record was made, which is after the source RPM stage. A build that is built again gets a new time.
    pub created: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    /// The tasks below the build's task as they were when the message was made, at every depth, at most
    /// [`super::task::MAX_CHILDREN`].
    pub children: Vec<Child>,
}
