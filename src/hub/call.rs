//! What we ask the hub, and what it answers, in our words.
//!
//! Promise: [`answers`] takes any body that a server may send for [`request`]; what it returns is within the limits of
//! [`xmlrpc::read`] and of this module, however much the hub says. A row that is not one is left out; a member of a
//! row that is odd counts as absent.
//!
//! It deliberately knows no HTTP and no session: a call that needs a login looks like any other.

mod params;
mod rows;
mod seed;

use std::io::BufRead;
use std::time::Duration;

use jiff::Timestamp;

use super::fault::Fault;
use super::xmlrpc::{self, Value, XmlError};
use crate::koji::{BuildId, TaskId, UserId};

pub use rows::{BuildRow, MailRow, OutputFile, RepoRow, RepoState, TagRow, Target, TaskRow, User};

/// The most rows of a list that are kept, where the call itself sets no limit.
pub const MAX_ROWS: usize = 1000;

/// What we ask. Lists come newest first, but for those that the hub does not sort.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// The hub's release. Hubs before 1.23 do not know the method and answer with a fault.
    Version,
    /// Who we are; without a login, nobody.
    LoggedInUser,
    /// A user by name or Kerberos principal.
    User(String),
    UserById(UserId),
    /// A package by name.
    Package(String),
    /// The top-level tasks of a user that are not done.
    OpenTasks {
        owner: UserId,
        limit: u32,
    },
    /// The top-level tasks of a user that were done after a time.
    EndedTasks {
        owner: UserId,
        since: Timestamp,
        limit: u32,
    },
    /// How many those are.
    EndedTaskCount {
        owner: UserId,
        since: Timestamp,
    },
    /// The tasks that mail about builds, made before a time. Without a time after which, on purpose: the hub has no index
    /// for that, and would look through all its tasks for few; the newest of many are found at once.
    Mails {
        before: Timestamp,
        limit: u32,
    },
    /// The builds of a user that were completed, in whatever way, after a time.
    BuildsSince {
        owner: UserId,
        since: Timestamp,
        limit: u32,
    },
    /// The builds of a package that were completed, in whatever way, after a time. Older hubs may want the package's
    /// number, as for [`Call::LastBuilds`].
    BuildsOfPackage {
        package: PackageKey,
        since: Timestamp,
        limit: u32,
    },
    /// The builds of a user that are being built.
    Building {
        owner: UserId,
        limit: u32,
    },
    /// The builds that a task has made, which are none or one but for plugins.
    BuildsOfTask(TaskId),
    Build(BuildKey),
    Task(TaskId),
    /// The tasks below a task, at every depth, parents before their children; not the task itself.
    Descendents(TaskId),
    /// The tasks right below a task.
    Children(TaskId),
    /// What a task has come to.
    TaskResult(TaskId),
    /// The files that a task has left: mostly logs.
    Output(TaskId),
    /// A piece of such a file.
    Download {
        task: TaskId,
        file: String,
        /// From the beginning, or if negative from the end.
        offset: i64,
        /// The most bytes to send.
        size: u32,
    },
    /// How long a package's builds take, from the record to its completion, over all time.
    Average {
        package: String,
    },
    /// The builds of a package that are complete. Hubs before 1.34 may want the package's number instead of its name,
    /// and answer with a fault.
    LastBuilds {
        package: PackageKey,
        limit: u32,
    },
    /// The tags that a build is in.
    Tags(BuildKey),
    /// A tag by its number.
    Tag(u64),
    /// A build target by name.
    Target(String),
    /// The current repository of a tag, by the tag's name.
    Repo {
        tag: String,
    },
    /// The builds of a package in a tag and those it inherits from, as of an event.
    TaggedAt {
        tag: String,
        event: u64,
        package: String,
    },
    /// Asks for the same work anew. Needs a login; only a person may want it.
    Resubmit(TaskId),
    /// Cancels a task and all below it. Needs a login; only a person may want it.
    Cancel(TaskId),
    /// Anything else.
    Raw {
        method: String,
        params: Vec<Value>,
    },
}

/// How a build is named to the hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BuildKey {
    Id(BuildId),
    /// Name, version and release, joined by dashes.
    Nvr(String),
}

/// How a package is named to the hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PackageKey {
    Name(String),
    Id(u64),
}

/// What the hub answered. Each call has its variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Call::Version`].
    Version(String),
    /// To [`Call::LoggedInUser`], [`Call::User`] and [`Call::UserById`]; `None`: nobody.
    User(Option<User>),
    /// To [`Call::Package`]: its number; `None`: there is no such package.
    Package(Option<u64>),
    /// To [`Call::OpenTasks`], [`Call::EndedTasks`], [`Call::Descendents`] and [`Call::Children`].
    Tasks(Vec<TaskRow>),
    /// To [`Call::Mails`].
    Mails(Vec<MailRow>),
    /// To [`Call::EndedTaskCount`].
    Count(u64),
    /// To [`Call::BuildsSince`], [`Call::BuildsOfPackage`], [`Call::Building`], [`Call::BuildsOfTask`], [`Call::LastBuilds`] and
    /// [`Call::TaggedAt`].
    Builds(Vec<BuildRow>),
    /// To [`Call::Build`]; `None`: there is no such build.
    Build(Option<BuildRow>),
    /// To [`Call::Task`]; `None`: there is no such task.
    Task(Option<TaskRow>),
    /// To [`Call::TaskResult`].
    Result(TaskResult),
    /// To [`Call::Output`].
    Output(Vec<OutputFile>),
    /// To [`Call::Download`].
    Bytes(Vec<u8>),
    /// To [`Call::Average`]; `None`: there are no builds to tell.
    Average(Option<Duration>),
    /// To [`Call::Tags`].
    Tags(Vec<TagRow>),
    /// To [`Call::Tag`]; `None`: there is no such tag.
    Tag(Option<TagRow>),
    /// To [`Call::Target`]; `None`: there is no such target.
    Target(Option<Target>),
    /// To [`Call::Repo`]; `None`: there is none.
    Repo(Option<RepoRow>),
    /// To [`Call::Resubmit`]: the new task.
    Resubmitted(TaskId),
    /// To [`Call::Cancel`].
    Canceled,
    /// To [`Call::Raw`].
    Value(Value),
}

/// What a task has come to. One that is canceled or not yet done has no result: the hub answers with a fault.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskResult {
    /// It failed, and this is why.
    Failed(Fault),
    /// It has made something, which is passed over: for `buildArch` a struct of packages and logs.
    Made,
}

/// Returns the body of a request: a plain call for one, a multicall for any other number.
pub fn request(calls: &[Call]) -> Vec<u8> {
    match calls {
        [call] => xmlrpc::write::method_call(call.method(), &call.params()),
        calls => xmlrpc::write::multi_call(calls.iter().map(|it| (it.method(), it.params()))),
    }
}

/// Reads the answer to [`request`]: one answer or fault for each call, in order. If the hub refuses the request as a
/// whole, as it does during an outage, each call has that fault.
///
/// # Errors
/// If the body is no such answer. One part of the wrong shape spoils the whole.
pub fn answers(calls: &[Call], body: impl BufRead) -> Result<Vec<Result<Answer, Fault>>, XmlError> {
    match calls {
        [call] => Ok(vec![xmlrpc::read::read_with(body, call)?]),
        calls => {
            let parts = xmlrpc::read::read_parts(body, calls)?;
            Ok(parts.unwrap_or_else(|fault| vec![Err(fault); calls.len()]))
        }
    }
}
