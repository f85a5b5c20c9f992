//! When a program of the person's own is run: what has become of a build, whether or not anybody is told of it.

use super::{Fate, Story};

/// What has become of a build or task, as programs are run for it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Occasion {
    Started,
    Finished,
    Doomed,
    Failed,
    Canceled,
    Tagged,
    Untagged,
    NotTagged,
    InRepo,
    /// Why it failed, or who canceled it, was found out.
    Explained,
}

/// A program is to be run, of which only the daemon knows which one.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    pub occasion: Occasion,
    pub story: Story,
    /// The tag that it was put into, or taken out of, or whose repository holds it.
    pub tag: Option<String>,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Started,
        Self::Finished,
        Self::Doomed,
        Self::Failed,
        Self::Canceled,
        Self::Tagged,
        Self::Untagged,
        Self::NotTagged,
        Self::InRepo,
        Self::Explained,
    ];

    /// Returns what the configuration calls it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Started => "on-started",
            Self::Finished => "on-finished",
            Self::Doomed => "on-doomed",
            Self::Failed => "on-failed",
            Self::Canceled => "on-canceled",
            Self::Tagged => "on-tagged",
            Self::Untagged => "on-untagged",
            Self::NotTagged => "on-not-tagged",
            Self::InRepo => "on-in-repo",
            Self::Explained => "on-explained",
        }
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        self.key().trim_start_matches("on-")
    }
}

impl Hook {
    /// Returns the hook for what is told of a story.
    pub(super) fn of(fate: &Fate, story: &Story) -> Self {
        let (occasion, tag) = match fate {
            Fate::Started => (Occasion::Started, None),
            Fate::Finished => (Occasion::Finished, None),
            Fate::Doomed => (Occasion::Doomed, None),
            Fate::Failed => (Occasion::Failed, None),
            Fate::Canceled => (Occasion::Canceled, None),
            Fate::Tagged(tag) => (Occasion::Tagged, Some(tag)),
            Fate::Untagged(tag) => (Occasion::Untagged, Some(tag)),
            Fate::NotTagged => (Occasion::NotTagged, None),
            Fate::InRepo(tag) => (Occasion::InRepo, Some(tag)),
        };
        Self {
            occasion,
            story: story.clone(),
            tag: tag.cloned(),
        }
    }
}
