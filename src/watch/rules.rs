//! What a person wants to be told of. Data, not code: the configuration writes it, the tray switches it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::QuietRules;
use crate::koji::{InstanceName, Interest};

/// Everything that decides what is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub wanted: Wanted,
    pub instances: BTreeMap<InstanceName, Whose>,
    /// When nothing is to pop up.
    pub quiet: QuietRules,
    /// The local time zone, for "until tomorrow".
    pub zone: TimeZone,
    /// News is of now: what is long over when it comes was missed, and is summed up. Not so in a recording.
    pub live: bool,
}

/// Whose builds are told of, on one instance.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Whose {
    /// The user names that are "me".
    pub users: BTreeSet<String>,
    /// Nobody has told these names; they were found. A hub that knows us may know better.
    pub guessed: bool,
    /// Packages that are followed whoever builds them.
    pub packages: BTreeSet<String>,
    /// There is a broker that tells of changes.
    pub bus: bool,
    /// The bus is one of Koji's own, which tells of every task and of what is below it, and of owners by number.
    pub every_task: bool,
    /// What the broker's site allows to be heard tells nothing of builds.
    pub deaf_to_builds: bool,
    /// There is an archive of its messages that can be read.
    pub archive: bool,
    /// There is a hub that can be asked.
    pub hub: bool,
    /// The hub knows us by a login, so things can be done there.
    pub logs_in: bool,
}

/// The toggles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wanted {
    pub started: bool,
    pub finished: bool,
    pub failed: bool,
    pub canceled: bool,
    pub scratch: bool,
    pub tagged: bool,
    pub in_repo: bool,
    pub followed: bool,
    /// A failure stays on screen until a person has dealt with it.
    pub keep_failures: bool,
    pub sound: bool,
}

impl Default for Wanted {
    /// What most packagers want: how it ended, whatever the end.
    fn default() -> Self {
        Self {
            started: false,
            finished: true,
            failed: true,
            canceled: true,
            scratch: true,
            tagged: false,
            in_repo: false,
            followed: true,
            keep_failures: true,
            sound: false,
        }
    }
}

/// One of the toggles, in menu order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Toggle {
    Started,
    Finished,
    Failed,
    Canceled,
    Scratch,
    Tagged,
    InRepo,
    Followed,
    KeepFailures,
    Sound,
}

impl Toggle {
    /// All of them, in menu order.
    pub const ALL: [Self; 10] = [
        Self::Started,
        Self::Finished,
        Self::Failed,
        Self::Canceled,
        Self::Scratch,
        Self::Tagged,
        Self::InRepo,
        Self::Followed,
        Self::KeepFailures,
        Self::Sound,
    ];
}

impl Wanted {
    /// Returns how a toggle stands.
    pub fn is_on(&self, toggle: Toggle) -> bool {
        match toggle {
            Toggle::Started => self.started,
            Toggle::Finished => self.finished,
            Toggle::Failed => self.failed,
            Toggle::Canceled => self.canceled,
            Toggle::Scratch => self.scratch,
            Toggle::Tagged => self.tagged,
            Toggle::InRepo => self.in_repo,
            Toggle::Followed => self.followed,
            Toggle::KeepFailures => self.keep_failures,
            Toggle::Sound => self.sound,
        }
    }

    /// Switches a toggle.
    pub fn switch(&mut self, toggle: Toggle, on: bool) {
        let place = match toggle {
            Toggle::Started => &mut self.started,
            Toggle::Finished => &mut self.finished,
            Toggle::Failed => &mut self.failed,
            Toggle::Canceled => &mut self.canceled,
            Toggle::Scratch => &mut self.scratch,
            Toggle::Tagged => &mut self.tagged,
            Toggle::InRepo => &mut self.in_repo,
            Toggle::Followed => &mut self.followed,
            Toggle::KeepFailures => &mut self.keep_failures,
            Toggle::Sound => &mut self.sound,
        };
        *place = on;
    }
}

impl Rules {
    /// Returns whether this user of an instance is me.
    pub(super) fn is_mine(&self, instance: &InstanceName, owner: Option<&str>) -> bool {
        let whose = self.instances.get(instance);
        whose
            .zip(owner)
            .is_some_and(|(whose, owner)| whose.users.contains(owner))
    }

    /// Returns what has to be heard from an instance for these rules. Toggles that only choose among the states of
    /// a build change nothing here: a build is followed to its end even if its end is not told.
    pub fn interest(&self, instance: &InstanceName) -> Interest {
        let whose = self.instances.get(instance).cloned().unwrap_or_default();
        // A build whose source RPM stage fails has no record: where tasks are told, its task is all that tells.
        let tasks = self.wanted.scratch || whose.every_task;
        Interest {
            users: whose.users,
            packages: if self.wanted.followed {
                whose.packages
            } else {
                BTreeSet::new()
            },
            tasks,
            tags: self.wanted.tagged,
        }
    }
}
