//! The hub's records, in our words: what a packager's desktop wants of them.
//!
//! Texts are cut to [`MAX_TEXT`] bytes. All of them were written by strangers.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::koji::lenient::{self, MAX_TEXT, Reading, Scalar, Value, otherwise};
use crate::koji::request::Request;
use crate::koji::{BuildChange, BuildId, BuildState, Child, Nvr, TaskChange, TaskId, TaskState, UserId};

/// A user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    pub id: UserId,
    pub name: String,
}

/// A task as the hub's record has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaskRow {
    pub task: TaskId,
    /// `None` for a top-level task.
    pub parent: Option<TaskId>,
    /// `build`, `buildArch`, `newRepo` …; free text, as plugins add their own.
    pub method: String,
    /// The architecture in the packager's spelling (the label `i686`, not the canonical `i386`).
    pub arch: String,
    pub owner: Option<UserId>,
    /// Only lists of tasks tell it.
    pub owner_name: Option<String>,
    /// `None` for a state nobody knows.
    pub state: Option<TaskState>,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub package: Option<String>,
    /// What is built, in the packager's words, as in [`TaskChange::what`].
    pub what: Option<String>,
    pub target: Option<String>,
    pub scratch: bool,
    /// What it is built from: an SCM address or the path of a source RPM.
    pub source: Option<String>,
    /// The number of the tag that `tagBuild` puts a build into, which it has instead of a target.
    pub tag: Option<u64>,
    /// The build that `tagBuild` puts there.
    pub tagged: Option<BuildId>,
}

impl TaskRow {
    /// Returns the task as one below another.
    pub fn child(&self) -> Child {
        Child {
            task: self.task,
            method: self.method.clone(),
            arch: self.arch.clone(),
            state: self.state,
        }
    }

    /// Returns that the task has come to its state, by whom the row or else the caller says it is owned. `None` if
    /// nobody knows the state.
    pub fn change(self, owner: Option<&str>, children: Vec<Child>) -> Option<TaskChange> {
        Some(TaskChange {
            task: self.task,
            old: None,
            new: self.state?,
            owner: self.owner_name.or_else(|| owner.map(str::to_owned)),
            what: self.what,
            package: self.package,
            target: self.target,
            scratch: self.scratch,
            created: self.created,
            started: self.started,
            completed: self.completed,
            children,
            method: self.method,
        })
    }
}

/// A task that mails what has become of a build: `buildNotification`, whose second argument is the build as it was then.
///
/// The hub makes it for whoever has brought the build to its end: a builder, or the person who canceled it. There is none
/// for a build without a task, nor where nobody wants the mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailRow {
    pub task: TaskId,
    pub owner_name: Option<String>,
    /// For a canceled build the very time when it was completed.
    pub created: Option<Timestamp>,
    /// `None` if the request is odd.
    pub build: Option<BuildRow>,
}

/// A build as the hub's record has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BuildRow {
    pub build: BuildId,
    pub nvr: Nvr,
    /// `None` for a state nobody knows.
    pub state: Option<BuildState>,
    pub owner: Option<UserId>,
    pub owner_name: Option<String>,
    /// The task that builds it, for container builds the one that `extra` names. `None` for imports and modules.
    pub task: Option<TaskId>,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    /// The name of the disk volume that holds its files.
    pub volume: Option<String>,
}

impl BuildRow {
    /// Returns that the build has come to its state. `None` if nobody knows the state.
    pub fn change(self, target: Option<String>, children: Vec<Child>) -> Option<BuildChange> {
        Some(BuildChange {
            build: Some(self.build),
            nvr: self.nvr,
            old: None,
            new: self.state?,
            owner: self.owner_name,
            task: self.task,
            target,
            started: self.started,
            created: self.created,
            completed: self.completed,
            children,
        })
    }
}

/// A file that a task has left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OutputFile {
    /// The name, relative to the task's folder.
    pub name: String,
    /// In bytes, if told.
    pub size: Option<u64>,
}

/// A tag.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TagRow {
    pub id: u64,
    pub name: String,
}

/// A build target: where a build takes its buildroot from, and where it goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    pub name: String,
    pub build_tag: String,
    pub dest_tag: String,
}

/// A repository of a tag.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RepoRow {
    pub id: u64,
    /// `None` for a state nobody knows.
    pub state: Option<RepoState>,
    /// The event that it shows the tag as of.
    pub create_event: Option<u64>,
    pub created: Option<Timestamp>,
}

/// A repository's state, with the hub's own numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RepoState {
    Init = 0,
    Ready = 1,
    Expired = 2,
    Deleted = 3,
    Problem = 4,
}

impl RepoState {
    /// Returns the state with the hub's number, or `None` for a number that no Koji release up to 1.36 knows.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Init),
            1 => Some(Self::Ready),
            2 => Some(Self::Expired),
            3 => Some(Self::Deleted),
            4 => Some(Self::Problem),
            _ => None,
        }
    }

    /// Returns the state with the hub's name, such as `READY`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "INIT" => Some(Self::Init),
            "READY" => Some(Self::Ready),
            "EXPIRED" => Some(Self::Expired),
            "DELETED" => Some(Self::Deleted),
            "PROBLEM" => Some(Self::Problem),
            _ => None,
        }
    }
}

/// A record of the hub, shaped like it, that may turn out to be one of our rows.
pub(super) trait Record {
    type Row;

    /// Returns `None` if what identifies the row is missing or odd.
    fn row(self) -> Option<Self::Row>;
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TaskRecord<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    parent: Scalar<'a>,
    #[serde(borrow)]
    method: Scalar<'a>,
    #[serde(borrow)]
    arch: Scalar<'a>,
    #[serde(borrow)]
    label: Scalar<'a>,
    #[serde(borrow)]
    owner: Scalar<'a>,
    #[serde(borrow)]
    owner_name: Scalar<'a>,
    #[serde(borrow)]
    state: Scalar<'a>,
    #[serde(borrow)]
    create_ts: Scalar<'a>,
    #[serde(borrow)]
    create_time: Scalar<'a>,
    #[serde(borrow)]
    start_ts: Scalar<'a>,
    #[serde(borrow)]
    start_time: Scalar<'a>,
    #[serde(borrow)]
    completion_ts: Scalar<'a>,
    #[serde(borrow)]
    completion_time: Scalar<'a>,
    #[serde(borrow)]
    request: Request<'a>,
}

impl Record for TaskRecord<'_> {
    type Row = TaskRow;

    fn row(self) -> Option<TaskRow> {
        let task = TaskId(id(&self.id)?);
        let method = self.method.shown().unwrap_or_default();
        let named = self.request.named(&method, None, None);
        let (tag, tagged) = self.request.tagging(&method);
        Some(TaskRow {
            task,
            parent: id(&self.parent).map(TaskId),
            arch: self.label.shown().or_else(|| self.arch.shown()).unwrap_or_default(),
            owner: id(&self.owner).map(UserId),
            owner_name: whole_text(&self.owner_name),
            state: state(&self.state, TaskState::from_number, TaskState::from_name),
            created: time(&self.create_ts, &self.create_time),
            started: time(&self.start_ts, &self.start_time),
            completed: time(&self.completion_ts, &self.completion_time),
            package: named.package,
            what: named.what,
            target: self.request.target(Some(&method)),
            // Before decoding was asked for, a request was text; we always ask.
            scratch: self.request.is_scratch().unwrap_or(false),
            source: self.request.source(&method),
            tag,
            tagged: tagged.map(BuildId),
            method,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct MailRecord<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    owner_name: Scalar<'a>,
    #[serde(borrow)]
    create_ts: Scalar<'a>,
    #[serde(borrow)]
    create_time: Scalar<'a>,
    #[serde(borrow)]
    request: Second<BuildRecord<'a>>,
}

impl Record for MailRecord<'_> {
    type Row = MailRow;

    fn row(self) -> Option<MailRow> {
        Some(MailRow {
            task: TaskId(id(&self.id)?),
            owner_name: whole_text(&self.owner_name),
            created: time(&self.create_ts, &self.create_time),
            build: self.request.0.and_then(Record::row),
        })
    }
}

/// The second one of a list, if that is a struct.
struct Second<T>(Option<T>);

impl<T> Default for Second<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Second<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Any<T> {
            type Value = Second<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut second = None;
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    second = seq.next_element::<Value<'de, T>>()?.and_then(Value::object);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Second(second))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Second(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Second(None))
            }

            otherwise!(Ok(Second(None)));
        }

        from.deserialize_any(Any(PhantomData))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct BuildRecord<'a> {
    /// Lists have only this one, single builds both.
    #[serde(borrow)]
    build_id: Scalar<'a>,
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    version: Scalar<'a>,
    #[serde(borrow)]
    release: Scalar<'a>,
    #[serde(borrow)]
    state: Scalar<'a>,
    #[serde(borrow)]
    owner_id: Scalar<'a>,
    #[serde(borrow)]
    owner_name: Scalar<'a>,
    #[serde(borrow)]
    task_id: Scalar<'a>,
    #[serde(borrow)]
    extra: Value<'a, Extra<'a>>,
    #[serde(borrow)]
    creation_ts: Scalar<'a>,
    #[serde(borrow)]
    creation_time: Scalar<'a>,
    #[serde(borrow)]
    start_ts: Scalar<'a>,
    #[serde(borrow)]
    start_time: Scalar<'a>,
    #[serde(borrow)]
    completion_ts: Scalar<'a>,
    #[serde(borrow)]
    completion_time: Scalar<'a>,
    #[serde(borrow)]
    volume_name: Scalar<'a>,
}

/// What a build's `extra`, which may be anything of any size, is read for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Extra<'a> {
    #[serde(borrow)]
    container_koji_task_id: Scalar<'a>,
}

impl Record for BuildRecord<'_> {
    type Row = BuildRow;

    fn row(self) -> Option<BuildRow> {
        let build = BuildId(id(&self.build_id).or_else(|| id(&self.id))?);
        let extra = self.extra.object().unwrap_or_default();
        Some(BuildRow {
            build,
            nvr: Nvr {
                name: whole_text(&self.name)?,
                version: whole_text(&self.version)?,
                release: whole_text(&self.release)?,
            },
            state: state(&self.state, BuildState::from_number, BuildState::from_name),
            owner: id(&self.owner_id).map(UserId),
            owner_name: whole_text(&self.owner_name),
            task: id(&self.task_id)
                .or_else(|| id(&extra.container_koji_task_id))
                .map(TaskId),
            created: time(&self.creation_ts, &self.creation_time),
            started: time(&self.start_ts, &self.start_time),
            completed: time(&self.completion_ts, &self.completion_time),
            volume: self.volume_name.shown(),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct UserRecord<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
}

impl Record for UserRecord<'_> {
    type Row = User;

    fn row(self) -> Option<User> {
        Some(User {
            id: UserId(id(&self.id)?),
            name: whole_text(&self.name)?,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PackageRecord<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
}

impl Record for PackageRecord<'_> {
    /// Its number.
    type Row = u64;

    fn row(self) -> Option<u64> {
        id(&self.id)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TagRecord<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
}

impl Record for TagRecord<'_> {
    type Row = TagRow;

    fn row(self) -> Option<TagRow> {
        Some(TagRow {
            id: id(&self.id)?,
            name: whole_text(&self.name)?,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TargetRecord<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    build_tag_name: Scalar<'a>,
    #[serde(borrow)]
    dest_tag_name: Scalar<'a>,
}

impl Record for TargetRecord<'_> {
    type Row = Target;

    fn row(self) -> Option<Target> {
        Some(Target {
            name: whole_text(&self.name)?,
            build_tag: whole_text(&self.build_tag_name)?,
            dest_tag: whole_text(&self.dest_tag_name)?,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RepoRecord<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    state: Scalar<'a>,
    #[serde(borrow)]
    create_event: Scalar<'a>,
    #[serde(borrow)]
    create_ts: Scalar<'a>,
    #[serde(borrow)]
    creation_time: Scalar<'a>,
}

impl Record for RepoRecord<'_> {
    type Row = RepoRow;

    fn row(self) -> Option<RepoRow> {
        Some(RepoRow {
            id: id(&self.id)?,
            state: state(&self.state, RepoState::from_number, RepoState::from_name),
            create_event: id(&self.create_event),
            created: time(&self.create_ts, &self.creation_time),
        })
    }
}

/// What `listTaskOutput` tells of a file. Sizes are texts there, as they can be beyond 32 bits.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Stat {
    #[serde(deserialize_with = "lenient::size")]
    pub(super) st_size: Option<u64>,
}

/// Returns a number that cannot be negative. What is no such number tells nothing.
fn id(value: &Scalar<'_>) -> Option<u64> {
    value.id().ok().flatten()
}

/// Returns a text that identifies something, so that a part of it would not do.
fn whole_text(value: &Scalar<'_>) -> Option<String> {
    let text = value.text().filter(|it| !it.is_empty() && it.len() <= MAX_TEXT)?;
    Some(text.to_owned())
}

fn state<S>(value: &Scalar<'_>, number: fn(i64) -> Option<S>, name: fn(&str) -> Option<S>) -> Option<S> {
    match value.state(number, name) {
        Reading::Known(state) => Some(state),
        Reading::Absent | Reading::Unknown | Reading::Odd => None,
    }
}

/// Returns a time. The number is exact; the text has no offset before hub 1.22.
fn time(seconds: &Scalar<'_>, text: &Scalar<'_>) -> Option<Timestamp> {
    seconds.time().or_else(|| text.time())
}
