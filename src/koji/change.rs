//! What can happen on a Koji instance and be told.

use jiff::Timestamp;

use super::{BuildChange, BuildId, Nvr, TaskChange, TaskId};

/// Something on the hub has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    Build(BuildChange),
    Task(TaskChange),
    Tag(TagChange),
}

/// A build was put into a tag or taken out of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TagChange {
    pub build: Option<BuildId>,
    pub nvr: Nvr,
    /// The tag's name; `None` where the message had none.
    pub tag: Option<String>,
    /// Who tagged.
    pub user: Option<String>,
    /// Who owns the build.
    pub owner: Option<String>,
    /// `false`: untagged.
    pub added: bool,
}

/// What a story is about. One subject has at most one notification on screen.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    Build(BuildId),
    /// A build whose number the message did not tell.
    NamedBuild(Nvr),
    Task(TaskId),
}

impl Change {
    /// Returns what the change is about.
    pub fn subject(&self) -> Subject {
        let build = |id: Option<BuildId>, nvr: &Nvr| match id {
            Some(id) => Subject::Build(id),
            None => Subject::NamedBuild(nvr.clone()),
        };
        match self {
            Self::Build(it) => build(it.build, &it.nvr),
            Self::Task(it) => Subject::Task(it.task),
            Self::Tag(it) => build(it.build, &it.nvr),
        }
    }

    /// Returns the name of the package, if it is known.
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::Build(it) => Some(&it.nvr.name),
            Self::Task(it) => it.package.as_deref(),
            Self::Tag(it) => Some(&it.nvr.name),
        }
    }

    /// Returns who owns the build or task.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Build(it) => it.owner.as_deref(),
            Self::Task(it) => it.owner.as_deref(),
            Self::Tag(it) => it.owner.as_deref(),
        }
    }

    /// Returns when the hub says that the new state was reached, where the message tells it.
    pub fn happened(&self) -> Option<Timestamp> {
        match self {
            Self::Build(it) if it.new.is_settled() => it.completed,
            Self::Build(it) => it.created,
            Self::Task(it) if it.new.is_settled() => it.completed,
            Self::Task(it) => it.started.or(it.created),
            Self::Tag(_) => None,
        }
    }
}
