//! What the bus says: messages of a real Koji (`tests/fixtures/lab`) with other names, numbers, states and times.

use std::sync::LazyLock;

use koji_notify::hub::call::{BuildRow, TaskRow};
use koji_notify::koji::{BuildState, TaskState};
use lapin::types::{AMQPValue, FieldTable};
use serde_json::{Map, Value, json};

use crate::time::{Time, stamp};

pub(crate) const PREFIX: &str = "org.fedoraproject.prod";

/// Which message it is: the site, and a number there.
pub(crate) type MessageId = (usize, u64);

/// A message, before anybody has it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    /// What stands after `buildsys.`.
    pub(crate) event: &'static str,
    pub(crate) headers: FieldTable,
    pub(crate) sent_at: String,
    pub(crate) body: Vec<u8>,
    /// The ending that it tells of.
    pub(crate) ending: Option<usize>,
}

impl Message {
    pub(crate) fn topic(&self) -> String {
        format!("{PREFIX}.buildsys.{}", self.event)
    }

    pub(crate) fn name(&self) -> String {
        format!("{}-{:08}", self.id.0, self.id.1)
    }

    fn new(
        id: MessageId,
        now: Time,
        event: &'static str,
        is_modern: bool,
        names: (&[&str], Option<&str>),
        body: &Value,
        ending: Option<usize>,
    ) -> Self {
        let mut headers = FieldTable::default();
        // Without microseconds.
        let sent_at = stamp(now / 1_000_000 * 1_000_000).to_string();
        headers.insert("sent-at".into(), AMQPValue::LongString(sent_at.as_str().into()));
        if is_modern {
            for user in names.0 {
                headers.insert(format!("fedora_messaging_user_{user}").into(), AMQPValue::Boolean(true));
            }
            if let Some(package) = names.1 {
                headers.insert(
                    format!("fedora_messaging_rpm_{package}").into(),
                    AMQPValue::Boolean(true),
                );
            }
        }
        Self {
            id,
            event,
            headers,
            sent_at,
            body: serde_json::to_vec(body).unwrap(),
            ending,
        }
    }
}

macro_rules! recorded {
    ($name:literal) => {
        LazyLock::new(|| {
            let text = include_str!(concat!("../fixtures/lab/", $name));
            let mut message: Value = serde_json::from_str(text).unwrap();
            message["body_json"].take()
        })
    };
}

static BUILD: LazyLock<Value> = recorded!("05-build-building-to-complete.json");
static BUILD_WITHOUT_TASK: LazyLock<Value> = recorded!("34-build-none-to-complete-without-task.json");
static TASK: LazyLock<Value> = recorded!("15-scratchtask-open-to-closed.json");
static TAG: LazyLock<Value> = recorded!("06-tag-f44-signing-pending-by-owner.json");

/// The members that messages of builds had before 2023.
const OF_OLD: [&str; 12] = [
    "name",
    "version",
    "release",
    "epoch",
    "attribute",
    "old",
    "new",
    "build_id",
    "task_id",
    "request",
    "owner",
    "instance",
];

pub(crate) fn source(package: &str) -> String {
    format!("git+https://src.example.invalid/rpms/{package}.git#0000000000000000000000000000000000000001")
}

/// A build has come to its state.
#[expect(clippy::too_many_arguments, reason = "a message has so many parts")]
pub(crate) fn build(
    id: MessageId,
    now: Time,
    is_modern: bool,
    row: &BuildRow,
    old: Option<BuildState>,
    task: Option<&TaskRow>,
    children: &[TaskRow],
    ending: Option<usize>,
) -> Message {
    let owner = row.owner_name.as_deref().unwrap();
    let mut body = if task.is_some() { &*BUILD } else { &*BUILD_WITHOUT_TASK }.clone();
    body["name"] = json!(row.nvr.name);
    body["version"] = json!(row.nvr.version);
    body["release"] = json!(row.nvr.release);
    body["build_id"] = json!(row.build.0);
    body["owner"] = json!(owner);
    body["old"] = json!(old.map(|it| it as i64));
    body["new"] = json!(row.state.map(|it| it as i64));
    body["creation_time"] = json!(row.created.map(|it| it.to_string()));
    body["completion_time"] = json!(row.completed.map(|it| it.to_string()));
    if let Some(task) = task {
        body["task_id"] = json!(task.task.0);
        let request = json!([source(&row.nvr.name), "rawhide", {}]);
        body["request"] = request.clone();
        fill_task(&mut body["task"], task, owner, children);
        body["task"]["request"] = request;
    }
    if !is_modern {
        keep_only(&mut body, &OF_OLD);
    }
    Message::new(
        id,
        now,
        "build.state.change",
        is_modern,
        (&[owner], Some(&row.nvr.name)),
        &body,
        ending,
    )
}

/// A scratch build's task has come to its state.
#[expect(clippy::too_many_arguments, reason = "a message has so many parts")]
pub(crate) fn task(
    id: MessageId,
    now: Time,
    is_modern: bool,
    owner: &str,
    row: &TaskRow,
    old: TaskState,
    children: &[TaskRow],
    ending: Option<usize>,
) -> Message {
    let package = row.package.as_deref().unwrap();
    let mut body = TASK.clone();
    body["id"] = json!(row.task.0);
    body["owner"] = json!(owner);
    body["old"] = json!(old.name());
    body["new"] = json!(row.state.unwrap().name());
    body["method"] = json!(row.method);
    body["srpm"] = json!(format!("{package}.git#0000000000000000000000000000000000000001"));
    fill_task(&mut body["info"], row, owner, children);
    body["info"]["request"] = json!([source(package), "rawhide", {"scratch": true}]);
    if !is_modern {
        // A number, before 2023.
        body["info"]["owner"] = json!(17);
    }
    Message::new(id, now, "task.state.change", is_modern, (&[owner], None), &body, ending)
}

/// A build was tagged.
pub(crate) fn tag(id: MessageId, now: Time, row: &BuildRow) -> Message {
    let owner = row.owner_name.as_deref().unwrap();
    let mut body = TAG.clone();
    body["tag"] = json!("f44");
    body["name"] = json!(row.nvr.name);
    body["version"] = json!(row.nvr.version);
    body["release"] = json!(row.nvr.release);
    body["build_id"] = json!(row.build.0);
    body["owner"] = json!(owner);
    body["user"] = json!(owner);
    Message::new(id, now, "tag", true, (&[owner], Some(&row.nvr.name)), &body, None)
}

fn fill_task(value: &mut Value, row: &TaskRow, owner: &str, children: &[TaskRow]) {
    let below: Vec<Value> = children
        .iter()
        .map(|it| {
            let mut child = Value::Object(Map::new());
            fill(&mut child, it, owner);
            child["children"] = json!([]);
            child
        })
        .collect();
    fill(value, row, owner);
    value["children"] = Value::Array(below);
}

fn fill(value: &mut Value, row: &TaskRow, owner: &str) {
    // Times are whole seconds as floats.
    let seconds = |it: Option<jiff::Timestamp>| json!(it.map(|it| it.as_second() as f64));
    let label = if row.method.starts_with("buildSRPM") {
        "srpm"
    } else {
        &row.arch
    };
    value["id"] = json!(row.task.0);
    value["parent"] = json!(row.parent.map(|it| it.0));
    value["method"] = json!(row.method);
    value["arch"] = json!(row.arch);
    value["label"] = json!(row.parent.map(|_| label));
    value["owner"] = json!(owner);
    value["state"] = json!(row.state.unwrap() as i64);
    value["create_time"] = seconds(row.created);
    value["start_time"] = seconds(row.started);
    value["completion_time"] = seconds(row.completed);
}

fn keep_only(body: &mut Value, members: &[&str]) {
    if let Value::Object(body) = body {
        body.retain(|name, _| members.contains(&name.as_str()));
    }
}
