//! What a hub tells on a bus of its own: its events, of which builds, tasks and taggings are the smaller part.
//!
//! The hub's plugins send every event that the hub's callbacks have (`koji/plugin.py`), for every task. What means the
//! same as on any other bus is a [`Change`]; the rest has a place here with what a person could be told of it.

use jiff::Timestamp;

use super::{BuildId, Change, Child, Nvr, TaskId, TaskState};

/// The hub's number of a user, unique within one instance.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UserId(pub u64);

/// Something has happened on the hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HubEvent {
    /// A build, a task at the top, or what is in a tag has changed.
    Changed(Change),
    /// A task below another one has changed.
    Child(ChildChange),
    /// A draft build has become a build like others.
    Promoted(Promotion),
    /// What may be built in a tag was changed.
    PackageList(PackageListChange),
    /// A repository of a tag is being made, or is made.
    Repo(RepoChange),
    /// An RPM was signed.
    Signed(Signature),
    /// Something was taken into the hub.
    Imported(Import),
    /// An event that no Koji release up to 1.36 has, or one of another program on the same bus.
    Other { name: String },
}

/// A task below another one has changed its state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChildChange {
    /// The task right above, which need not be at the top.
    pub parent: TaskId,
    /// The task, in its new state.
    pub child: Child,
    pub old: Option<TaskState>,
    /// The build that it has made a source RPM for.
    pub srpm: Option<Nvr>,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
}

/// A draft build was promoted. It keeps its number and gets another release.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Promotion {
    pub build: Option<BuildId>,
    /// What it is called now.
    pub nvr: Nvr,
    /// What its release was, with `,draft_<build id>` at its end.
    pub draft_release: Option<String>,
    /// Who promoted it.
    pub user: Option<String>,
    pub owner: Option<String>,
}

/// A package was added to the list of a tag, or its entry was changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PackageListChange {
    /// `add`, `update`, `block`, `unblock` or `remove`.
    pub action: String,
    pub tag: Option<String>,
    pub package: String,
    /// Who did it. Known since Koji 1.21.
    pub user: Option<String>,
}

/// A repository was begun or has become ready.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RepoChange {
    pub repo: u64,
    /// The tag's name.
    pub tag: Option<String>,
    /// The task that makes it.
    pub task: Option<TaskId>,
    /// `false`: it was only begun.
    pub done: bool,
}

/// An RPM was signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
    /// The short id of the key, in hexadecimal digits.
    pub key: String,
    pub rpm: Nvr,
    pub arch: String,
    /// The build that the RPM is of, where the message tells it.
    pub build: Option<BuildId>,
    pub nvr: Option<Nvr>,
    /// Who owns the build.
    pub owner: Option<String>,
}

/// A build, an RPM or another file was taken into the hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Import {
    /// `build`, `rpm`, `archive`, `image` or `cg` (a build with all its files).
    pub what: String,
    pub build: Option<BuildId>,
    pub nvr: Option<Nvr>,
    /// Who owns the build.
    pub owner: Option<String>,
}

impl HubEvent {
    /// Returns the change that it is, if it is one.
    pub fn into_change(self) -> Option<Change> {
        match self {
            Self::Changed(it) => Some(it),
            Self::Child(_)
            | Self::Promoted(_)
            | Self::PackageList(_)
            | Self::Repo(_)
            | Self::Signed(_)
            | Self::Imported(_)
            | Self::Other { .. } => None,
        }
    }

    /// Returns the change that it is, if it is one.
    pub fn change(&self) -> Option<&Change> {
        match self {
            Self::Changed(it) => Some(it),
            Self::Child(_)
            | Self::Promoted(_)
            | Self::PackageList(_)
            | Self::Repo(_)
            | Self::Signed(_)
            | Self::Imported(_)
            | Self::Other { .. } => None,
        }
    }

    /// Returns the user name of who owns what it is about, where the message tells it.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Changed(it) => it.owner(),
            Self::Promoted(it) => it.owner.as_deref(),
            Self::Signed(it) => it.owner.as_deref(),
            Self::Imported(it) => it.owner.as_deref(),
            Self::Child(_) | Self::PackageList(_) | Self::Repo(_) | Self::Other { .. } => None,
        }
    }
}
