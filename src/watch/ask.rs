//! What the hub is asked, and what it answers. Facts for the one who asks; the calls are `hub`'s.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

pub use crate::koji::Lookup;
use crate::koji::{BuildId, Cause, Change, Child, InstanceName, Nvr, Subject, TaskId, TaskState, UserId};

/// The most tasks whose progress is asked for at once.
pub const MAX_WATCHED: usize = 30;

/// The most packages whose usual duration is asked for at once.
pub const MAX_AVERAGES: usize = 10;

/// The most endings that one look takes up; beyond it they are only counted.
pub const MAX_LOOKED: usize = 200;

/// The most users whose names are asked for at once.
pub const MAX_NUMBERS: usize = 50;

/// Something that only the hub knows. Each is answered by one [`Learned`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ask {
    /// How do my builds and tasks stand?
    Look(Look),
    /// Why did it fail, or who canceled it? Answered by [`Learned::Explained`].
    Explain {
        about: Subject,
        /// The task that does it, where it is known.
        task: Option<TaskId>,
    },
    /// What is meant by a number or a name? Answered by [`Learned::Found`].
    Find(Lookup),
    /// Whose numbers are these? At most [`MAX_NUMBERS`]. Answered by [`Learned::Owners`].
    Owners(BTreeSet<UserId>),
    /// Change something, as a person has confirmed. Answered by [`Learned::Acted`].
    Act { act: Act, about: Subject, task: TaskId },
}

/// One look at the hub: a single round trip.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Look {
    /// The user names that are me.
    pub users: BTreeSet<String>,
    /// Packages whose builds are wanted, whoever builds them.
    pub packages: BTreeSet<String>,
    /// What ended after this, by the hub's clock.
    pub since: Option<Timestamp>,
    /// What ended after this was not dealt with yet; it is counted even where it is too much to list.
    pub mark: Option<Timestamp>,
    /// Tasks whose state and children are wanted, at most [`MAX_WATCHED`].
    pub tasks: Vec<TaskId>,
    /// Builds of others whose state is wanted, at most [`MAX_WATCHED`].
    pub builds: Vec<BuildId>,
    /// Packages whose usual duration is wanted, at most [`MAX_AVERAGES`].
    pub averages: Vec<String>,
    /// Tagged builds, with their target, of which it is wanted whether a repository holds them.
    pub repos: Vec<(BuildId, Nvr, String)>,
}

/// Something that the hub can be made to do.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Act {
    /// Submit a failed or canceled task anew; it gets another number.
    Resubmit,
    /// Cancel a running task and everything below it.
    Cancel,
}

/// What the hub has answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Learned {
    Looked(Looked),
    Explained {
        about: Subject,
        cause: Cause,
    },
    Found {
        lookup: Lookup,
        change: Option<Change>,
    },
    /// The names of users; `None`: there is nobody of this number. A number that is missing could not be had.
    Owners(BTreeMap<UserId, Option<String>>),
    Acted {
        act: Act,
        about: Subject,
        task: TaskId,
        done: Result<Option<TaskId>, NotDone>,
    },
    /// The hub knows us by this name, or nobody could be logged in.
    Login(Result<String, Unanswered>),
    /// There was no answer. `why` is for people and names the hub.
    Unanswered {
        ask: Ask,
        why: Unanswered,
    },
}

/// Why something was not done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotDone {
    /// In a few words, what the hub or whoever stood in the way said.
    pub why: String,
    /// It went out, and there was no clear answer: it may have been done.
    pub perhaps: bool,
}

/// Why there was no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unanswered {
    /// In a few words; the host or what the hub said.
    pub text: String,
    pub kind: HubTrouble,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum HubTrouble {
    /// It cannot be reached.
    Unreachable,
    /// It is there and says that it is closed (an outage, `ServerOffline`).
    Closed,
    /// It takes too long.
    Slow,
    /// It refuses our login.
    LoginRefused,
    /// It does not know the user of this name.
    NoSuchUser,
    /// It answered something that is not understood, or refused.
    Refused,
}

/// The answer to a look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looked {
    /// What was asked for as "since".
    pub since: Option<Timestamp>,
    /// All that ended before this is in the answer. By the hub's clock, and a little before the answer was made.
    pub as_of: Option<Timestamp>,
    /// When it was asked, by the hub's clock.
    pub asked: Option<Timestamp>,
    /// How things are, each as a change to the state it is in. Builds before the tasks that made them; the oldest
    /// ending first.
    pub changes: Vec<Change>,
    /// How many endings there were beyond [`MAX_LOOKED`].
    pub left_out: u32,
    /// How the tasks stand that were asked for.
    pub progress: Vec<Progress>,
    /// How long builds of these packages take; `None`: the hub does not know.
    pub averages: BTreeMap<String, Option<SignedDuration>>,
    /// Builds that a repository holds, with the tag it is made of.
    pub in_repo: Vec<(BuildId, String)>,
    /// The numbers of those who are me, as far as they are known.
    pub users: BTreeMap<String, UserId>,
}

/// How a task and those below it stand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Progress {
    pub task: TaskId,
    /// `None`: a number that nobody knows.
    pub state: Option<TaskState>,
    pub completed: Option<Timestamp>,
    pub children: Vec<Child>,
}

/// What is known of an instance's hub.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HubLine {
    pub last_answer: Option<Timestamp>,
    /// What is wrong, since when.
    pub trouble: Option<(Unanswered, Timestamp)>,
    /// Why nobody could be logged in, since when.
    pub login_trouble: Option<(Unanswered, Timestamp)>,
    /// Who we are there, once the hub has said so.
    pub known_as: Option<String>,
    /// How many looks were asked.
    pub looks: u64,
}

impl HubLine {
    /// Returns what is wrong, since when: with the hub, or else with the login.
    pub fn wrong(&self) -> Option<&(Unanswered, Timestamp)> {
        self.trouble.as_ref().or(self.login_trouble.as_ref())
    }
}

/// Which instance, and what on it.
pub type Place = (InstanceName, Subject);
