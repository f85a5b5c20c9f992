//! From an answer's values to [`Answer`]: a call is the seed that its answer is read with.
//!
//! Lists are bounded while they are read: what does not fit is passed over and never takes memory.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::rows::{
    BuildRecord, MailRecord, PackageRecord, Record, RepoRecord, Stat, TagRecord, TargetRecord, TaskRecord, UserRecord,
};
use super::{Answer, BuildRow, Call, MAX_ROWS, OutputFile, TaskResult, TaskRow};
use crate::hub::fault::{Fault, FaultCode};
use crate::hub::xmlrpc;
use crate::hub::xmlrpc::read::MAX_FAULT_TEXT;
use crate::koji::TaskId;
use crate::koji::lenient::{MAX_TEXT, Scalar, Value, cut, cut_to};
use crate::koji::task::MAX_CHILDREN;

impl<'de> DeserializeSeed<'de> for &Call {
    type Value = Answer;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Answer, D::Error> {
        match self {
            Call::Version => {
                let version = Scalar::deserialize(from)?;
                let version = version.text().ok_or_else(|| odd("a version"))?;
                Ok(Answer::Version(cut(version).to_owned()))
            }
            Call::LoggedInUser | Call::User(_) | Call::UserById(_) => {
                one::<UserRecord<'de>, _>(from, "a user").map(Answer::User)
            }
            Call::Package(_) => one::<PackageRecord<'de>, _>(from, "a package").map(Answer::Package),
            Call::OpenTasks { limit, .. } | Call::EndedTasks { limit, .. } => tasks(from, bounded(*limit)),
            Call::Mails { limit, .. } => rows::<MailRecord<'de>, _>(from, bounded(*limit)).map(Answer::Mails),
            Call::EndedTaskCount { .. } => {
                let count = Scalar::deserialize(from)?.id();
                let count = count.ok().flatten().ok_or_else(|| odd("a count"))?;
                Ok(Answer::Count(count))
            }
            Call::BuildsSince { limit, .. }
            | Call::BuildsOfPackage { limit, .. }
            | Call::Building { limit, .. }
            | Call::LastBuilds { limit, .. } => builds(from, bounded(*limit)),
            Call::BuildsOfTask(_) | Call::TaggedAt { .. } => builds(from, MAX_ROWS),
            Call::Build(_) => one::<BuildRecord<'de>, _>(from, "a build").map(Answer::Build),
            Call::Task(_) => one::<TaskRecord<'de>, _>(from, "a task").map(Answer::Task),
            Call::Descendents(task) => {
                let found = from.deserialize_map(Families(Vec::new()))?;
                Ok(Answer::Tasks(downwards(*task, found)))
            }
            Call::Children(_) => tasks(from, MAX_CHILDREN),
            Call::TaskResult(_) => Value::<FaultRecord<'de>>::deserialize(from).map(|it| Answer::Result(result(it))),
            Call::Output(_) => from.deserialize_any(Files).map(Answer::Output),
            Call::Download { .. } => {
                let text = Scalar::deserialize(from)?;
                let text = text.text().ok_or_else(|| odd("base64"))?;
                let bytes = STANDARD.decode(text.trim_ascii()).or_else(|_| {
                    // Older Pythons break the lines.
                    let text: Vec<u8> = text.bytes().filter(|it| !it.is_ascii_whitespace()).collect();
                    STANDARD.decode(text)
                });
                bytes.map(Answer::Bytes).map_err(|_| odd("base64"))
            }
            Call::Average { .. } => {
                let seconds = Option::<f64>::deserialize(from)?;
                let average = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
                Ok(Answer::Average(average))
            }
            Call::Tags(_) => rows::<TagRecord<'de>, _>(from, MAX_ROWS).map(Answer::Tags),
            Call::Tag(_) => one::<TagRecord<'de>, _>(from, "a tag").map(Answer::Tag),
            Call::Target(_) => one::<TargetRecord<'de>, _>(from, "a target").map(Answer::Target),
            Call::Repo { .. } => one::<RepoRecord<'de>, _>(from, "a repository").map(Answer::Repo),
            Call::Resubmit(_) => {
                let task = Scalar::deserialize(from)?.id();
                let task = task.ok().flatten().ok_or_else(|| odd("a task's number"))?;
                Ok(Answer::Resubmitted(TaskId(task)))
            }
            Call::Cancel(_) => {
                IgnoredAny::deserialize(from)?;
                Ok(Answer::Canceled)
            }
            Call::Raw { .. } => xmlrpc::Value::deserialize(from).map(Answer::Value),
        }
    }
}

/// The hub does not send more than it was asked for; whoever does is not heard.
fn bounded(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).min(MAX_ROWS)
}

fn odd<E: Error>(expected: &'static str) -> E {
    E::invalid_value(Unexpected::Other("something"), &expected)
}

/// Reads one record, or nil.
fn one<'de, T: Deserialize<'de> + Record, D: Deserializer<'de>>(
    from: D,
    expected: &'static str,
) -> Result<Option<T::Row>, D::Error> {
    struct One<T>(PhantomData<T>, &'static str);

    impl<'de, T: Deserialize<'de> + Record> Visitor<'de> for One<T> {
        type Value = Option<T::Row>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.1)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            let record = T::deserialize(MapAccessDeserializer::new(map))?;
            record.row().map(Some).ok_or_else(|| odd(self.1))
        }
    }

    from.deserialize_any(One(PhantomData::<T>, expected))
}

/// Reads a list of records.
fn rows<'de, T: Deserialize<'de> + Record, D: Deserializer<'de>>(
    from: D,
    most: usize,
) -> Result<Vec<T::Row>, D::Error> {
    let mut found = Vec::new();
    let list = List {
        found: &mut found,
        most,
        record: PhantomData::<T>,
    };
    list.deserialize(from)?;
    Ok(found)
}

fn tasks<'de, D: Deserializer<'de>>(from: D, most: usize) -> Result<Answer, D::Error> {
    rows::<TaskRecord<'de>, _>(from, most).map(Answer::Tasks)
}

fn builds<'de, D: Deserializer<'de>>(from: D, most: usize) -> Result<Answer, D::Error> {
    let found: Vec<BuildRow> = rows::<BuildRecord<'de>, _>(from, most)?;
    Ok(Answer::Builds(found))
}

/// Adds the rows of a list to others, up to a number.
struct List<'f, T: Record> {
    found: &'f mut Vec<T::Row>,
    most: usize,
    record: PhantomData<T>,
}

impl<'de, T: Deserialize<'de> + Record> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de> + Record> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while self.found.len() < self.most {
            match seq.next_element::<Value<'de, T>>()? {
                Some(record) => self.found.extend(record.object().and_then(Record::row)),
                None => return Ok(()),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Reads a struct of lists: for a task and everyone below it, what is right below that one.
struct Families(Vec<TaskRow>);

impl<'de> Visitor<'de> for Families {
    type Value = Vec<TaskRow>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a struct of lists of tasks")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Vec<TaskRow>, A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(List {
                found: &mut self.0,
                most: MAX_CHILDREN,
                record: PhantomData::<TaskRecord<'de>>,
            })?;
        }
        Ok(self.0)
    }
}

/// Returns tasks with parents before their children, siblings as they came. One whose parent is not known comes last.
fn downwards(root: TaskId, mut rows: Vec<TaskRow>) -> Vec<TaskRow> {
    let mut sorted: Vec<TaskRow> = Vec::with_capacity(rows.len());
    loop {
        let is_next = |it: &TaskRow| {
            it.parent
                .is_some_and(|parent| parent == root || sorted.iter().any(|it| it.task == parent))
        };
        let (next, later): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_next);
        rows = later;
        if next.is_empty() {
            sorted.append(&mut rows);
            return sorted;
        }
        sorted.extend(next);
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FaultRecord<'a> {
    #[serde(borrow)]
    fault_code: Scalar<'a>,
    #[serde(borrow)]
    fault_string: Scalar<'a>,
}

/// A failed task's result is its fault, as a value; no task that succeeds makes one of those.
fn result(value: Value<'_, FaultRecord<'_>>) -> TaskResult {
    let fault = value.object().unwrap_or_default();
    match (fault.fault_code.whole(), fault.fault_string.text()) {
        (Some(code), Some(text)) => TaskResult::Failed(Fault {
            code: FaultCode::from_number(code),
            text: cut_to(text, MAX_FAULT_TEXT).to_owned(),
        }),
        (None, _) | (_, None) => TaskResult::Made,
    }
}

/// Reads the names of files and what is known of each. A name that is too long is left out: a part of it would name
/// another file.
struct Files;

impl<'de> Visitor<'de> for Files {
    type Value = Vec<OutputFile>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a struct of files")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<OutputFile>, A::Error> {
        let mut files = Vec::new();
        while files.len() < MAX_ROWS {
            let Some(name) = map.next_key::<String>()? else {
                return Ok(files);
            };
            let stat = map.next_value::<Value<'de, Stat>>()?.object();
            if !name.is_empty() && name.len() <= MAX_TEXT {
                let size = stat.and_then(|it| it.st_size);
                files.push(OutputFile { name, size });
            }
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(files)
    }
}
