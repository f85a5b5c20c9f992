//! What is to be on record, and what an earlier run had there.
//!
//! One [`Record`] belongs to one step: it is kept whole or not at all. What is in it is enough to go on from: an
//! earlier run's endings are not told again, and what it had yet to tell is told.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Delivery, Ending, Muted, Muting, Pause, Story, Tale, TaleId};
use crate::koji::{InstanceName, Subject, TaskId};

/// What one step has changed that is to outlive us.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// In this order; a later one of the same thing takes the place of an earlier one.
    pub keeps: Vec<Keep>,
    /// What may be acknowledged once this is on record; answered by [`super::Event::Recorded`].
    pub delivery: Option<Delivery>,
}

/// One thing to be on record.
#[derive(Clone, Debug, PartialEq)]
pub enum Keep {
    /// This message was dealt with, at this time by our clock. Another copy of it is no news.
    Message {
        instance: InstanceName,
        id: String,
        at: Timestamp,
    },
    /// This is how a build or task stands, and what of it was dealt with.
    Story(Box<Filed>),
    /// The story of a task goes on, or went up, in that of the build that it makes.
    Adopted {
        instance: InstanceName,
        task: TaskId,
        build: Subject,
    },
    /// This is to be told; nobody has seen it yet. What was to be told under this number before is replaced.
    Due(Box<Tale>),
    /// A notification server has taken these, at this time; several in one digest, or one by itself.
    Told {
        tales: Vec<TaleId>,
        digest: bool,
        at: Timestamp,
    },
    /// These will not be told: something newer has taken their place, or nobody wants them any more.
    Dropped(Vec<TaleId>),
    /// All of mine that ended until then, by the hub's clock, was dealt with.
    Mark(InstanceName, Timestamp),
    /// A source last told us something, at this time by our clock.
    Contact(InstanceName, Timestamp),
    /// Something is muted, or no longer.
    Muted(Muting, Option<Muted>),
    /// Notifications are held back, or no longer.
    Paused(Option<Pause>),
    /// How long builds of a package take, by this hub; `None`: it does not know. Learned at this time.
    Usual {
        instance: InstanceName,
        package: String,
        usual: Option<SignedDuration>,
        at: Timestamp,
    },
    /// A notification of ours is on screen, or no longer.
    OnScreen(Posted, bool),
}

/// A build or task, and what of it was dealt with.
#[derive(Clone, Debug, PartialEq)]
pub struct Filed {
    pub story: Story,
    /// The endings that were dealt with, and when each was reached; the oldest first, at most 16.
    pub told: Vec<Ending>,
    /// The tasks of attempts before this one, whose ends were dealt with; the oldest first, at most 16.
    pub earlier: Vec<TaskId>,
    /// The task of the attempt before this one, where the build went on before how it ended with it was heard.
    pub left: Option<TaskId>,
    /// It failed, and nobody has looked yet.
    pub unseen_failure: bool,
    /// That it will fail was dealt with.
    pub doomed: bool,
    /// The task is done, and the build's own news has not come.
    pub task_done: bool,
}

/// Where a notification is: which server has it, and under which number.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Posted {
    /// The bus's id and the server's unique name on it: another server knows nothing of the number.
    pub server: String,
    pub number: u32,
}

/// What an earlier run has left on record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resumed {
    /// For each instance: all of mine that ended until then, by the hub's clock, was dealt with.
    pub marks: BTreeMap<InstanceName, Timestamp>,
    /// When each source last told something, by our clock.
    pub contacts: BTreeMap<InstanceName, Timestamp>,
    /// Messages that were dealt with, the oldest first; the newest [`super::seen::MAX_SEEN`] at most.
    pub messages: Vec<(InstanceName, String)>,
    /// Builds and tasks: those that run, and the newest of the others; at most [`super::state::MAX_STORIES`].
    pub stories: Vec<Filed>,
    /// Endings that were dealt with, of builds and tasks beyond those; at most [`super::state::MAX_TOLD_BEFORE`].
    pub endings: Vec<(InstanceName, Subject, Ending)>,
    /// What was to be told and was not, the oldest first.
    pub due: Vec<Tale>,
    /// The same, beyond what a digest holds.
    pub due_besides: Vec<TaleId>,
    /// The highest number that a tale has had.
    pub last_tale: TaleId,
    pub muted: BTreeMap<Muting, Muted>,
    pub pause: Option<Pause>,
    /// How long builds of packages take.
    pub usual: Vec<(InstanceName, String, Option<SignedDuration>)>,
    /// Notifications of ours that were on screen.
    pub on_screen: Vec<Posted>,
}
