//! What is to be told, as facts. The words are `view`'s.

use std::fmt;

use super::{Act, NotDone, Reply, Story};

/// Our own number of a notification, for as long as we run. The server has another one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NoticeId(pub u64);

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something to put on screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub id: NoticeId,
    /// A notification with this id was shown before; it changes in place.
    pub replaces: bool,
    pub telling: Telling,
    /// The person wants to hear it as well as see it.
    pub sound: bool,
    /// If it tells of a failure, it is to stay on screen until the person has dealt with it.
    pub stays: bool,
    /// What it tells of failed, and can be submitted anew.
    pub retry: bool,
}

/// What a notice tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Telling {
    /// One piece of news.
    One(Tale),
    /// Many at once.
    Many(Digest),
    /// A question: shall this be done?
    Confirm(Act, Story),
    /// What became of something that was to be done.
    Acted(Deed),
    /// What a person asked to follow, and how it stands; `None` if the clipboard named nothing.
    Following(Option<Reply>),
}

/// What became of something that a person wanted done on the hub.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    pub act: Act,
    pub story: Story,
    /// The number of the new task, where there is one, or why it was not done.
    pub done: Result<Option<crate::koji::TaskId>, NotDone>,
}

/// One piece of news: what has become of a build or a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Tale {
    pub id: TaleId,
    pub fate: Fate,
    pub story: Story,
    /// The rule that wanted it told.
    pub rule: RuleName,
    /// It came late: the build or task has moved on since.
    pub late: bool,
}

/// The number of a piece of news, for as long as there is a record. Grows.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TaleId(pub u64);

/// What has become of a build or a task.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fate {
    Started,
    Finished,
    /// A part has failed while others still run: it will fail.
    Doomed,
    Failed,
    Canceled,
    Tagged(String),
    Untagged(String),
    /// It is built, but its task could not put it into its tag.
    NotTagged,
    /// A repository made of this tag holds it.
    InRepo(String),
}

impl Fate {
    /// Returns whether it is a final state.
    pub fn is_end(&self) -> bool {
        match self {
            Self::Finished | Self::Failed | Self::Canceled => true,
            Self::Started | Self::Doomed | Self::Tagged(_) | Self::Untagged(_) | Self::NotTagged | Self::InRepo(_) => {
                false
            }
        }
    }

    /// Returns whether it is one that calls for somebody, and has a cause.
    pub fn is_bad(&self) -> bool {
        match self {
            Self::Doomed | Self::Failed | Self::NotTagged => true,
            Self::Started | Self::Finished | Self::Canceled | Self::Tagged(_) | Self::Untagged(_) | Self::InRepo(_) => {
                false
            }
        }
    }
}

/// Many pieces of news in one notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// Oldest first.
    pub tales: Vec<Tale>,
    /// How many more there were than could be kept.
    pub left_out: u32,
    /// The numbers of those, as far as they are known.
    pub besides: Vec<TaleId>,
    /// It all happened while nobody was listening: the computer slept, or we did not run.
    pub away: bool,
    /// So much comes that there is one digest in a quarter of an hour ([`super::pace::STRETCH`]).
    pub mass: bool,
}

/// The rule that wanted something told.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum RuleName {
    /// A build of mine.
    MyBuilds,
    /// A top-level task of mine that makes no build record.
    MyScratchBuilds,
    /// A build of mine was tagged.
    MyTags,
    /// Somebody else's build of a package I follow.
    FollowedPackages,
    /// One build or task that I follow.
    Followed,
}

impl RuleName {
    /// Returns the name as `replay --print` and the log spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MyBuilds => "my-builds",
            Self::MyScratchBuilds => "my-scratch-builds",
            Self::MyTags => "my-tags",
            Self::FollowedPackages => "followed-packages",
            Self::Followed => "followed",
        }
    }
}
