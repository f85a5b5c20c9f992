//! The domain in the hub's own words: builds, tasks, tags, names, and the addresses of their pages.
//!
//! No I/O, no clock, no sentences for people, and no wire format: what a message looked like is `bus`'s secret.
//! States and their numbers are those of Koji (`koji/__init__.py`, unchanged since 1.0).
//!
//! **Invariant:** this room imports nothing else of ours.

pub mod build;
pub mod cause;
pub mod change;
pub mod event;
pub mod interest;
pub mod lenient;
pub mod meant;
pub mod nvr;
pub mod request;
pub mod site;
pub mod source;
pub mod task;

pub use build::{BuildChange, BuildId, BuildState};
pub use cause::{Cause, CauseClass, LogName};
pub use change::{Change, Subject, TagChange};
pub use event::{HubEvent, UserId};
pub use interest::Interest;
pub use meant::{Known, Lookup, NotUnderstood};
pub use nvr::Nvr;
pub use site::Site;
pub use task::{Child, TaskChange, TaskId, TaskState};

use std::fmt;
use std::sync::Arc;

/// The name of a configured Koji instance: the heading in the configuration, such as `fedora`.
///
/// Build and task ids are numbers of one hub only, so every fact carries the instance that it is true of.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct InstanceName(Arc<str>);

impl InstanceName {
    /// Takes any text; the configuration has checked it.
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// Returns the name as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
