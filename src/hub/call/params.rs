//! Calls as method and parameters, by name where Koji's own client gives them by name.

use jiff::Timestamp;

use super::{BuildKey, Call, PackageKey};
use crate::hub::xmlrpc::Value;
use crate::koji::{BuildState, TaskId, TaskState, UserId};

/// The method of the tasks that mail what has become of a build.
const MAIL: &str = "buildNotification";

impl Call {
    /// Returns the hub's name of the method.
    pub fn method(&self) -> &str {
        match self {
            Self::Version => "getKojiVersion",
            Self::LoggedInUser => "getLoggedInUser",
            Self::User(_) | Self::UserById(_) => "getUser",
            Self::Package(_) => "getPackage",
            Self::OpenTasks { .. } | Self::EndedTasks { .. } | Self::EndedTaskCount { .. } | Self::Mails { .. } => {
                "listTasks"
            }
            Self::BuildsSince { .. }
            | Self::BuildsOfPackage { .. }
            | Self::Building { .. }
            | Self::BuildsOfTask(_)
            | Self::LastBuilds { .. } => "listBuilds",
            Self::Build(_) => "getBuild",
            Self::Task(_) => "getTaskInfo",
            Self::Descendents(_) => "getTaskDescendents",
            Self::Children(_) => "getTaskChildren",
            Self::TaskResult(_) => "getTaskResult",
            Self::Output(_) => "listTaskOutput",
            Self::Download { .. } => "downloadTaskOutput",
            Self::Average { .. } => "getAverageBuildDuration",
            Self::Tags(_) => "listTags",
            Self::Tag(_) => "getTag",
            Self::Target(_) => "getBuildTarget",
            Self::Repo { .. } => "getRepo",
            Self::TaggedAt { .. } => "listTagged",
            Self::Resubmit(_) => "resubmitTask",
            Self::Cancel(_) => "cancelTask",
            Self::Raw { method, .. } => method,
        }
    }

    /// Returns the parameters.
    pub fn params(&self) -> Vec<Value> {
        match self {
            Self::Version | Self::LoggedInUser => vec![],
            Self::User(name) | Self::Package(name) => vec![name.as_str().into()],
            Self::UserById(user) => vec![user.0.into()],
            Self::OpenTasks { owner, limit } => {
                let open = [TaskState::Free, TaskState::Open, TaskState::Assigned];
                let open = open.map(|it| Value::Int(it as i64)).to_vec();
                let filter = [("state", Value::List(open)), ("decode", true.into())];
                tasks(*owner, filter, newest_first("id", *limit))
            }
            Self::EndedTasks { owner, since, limit } => {
                let filter = [("completeAfter", epoch(*since)), ("decode", true.into())];
                tasks(*owner, filter, newest_first("completion_time", *limit))
            }
            Self::EndedTaskCount { owner, since } => {
                let count = Value::map([("countOnly", true.into())]);
                tasks(*owner, [("completeAfter", epoch(*since))], count)
            }
            Self::Mails { before, limit } => {
                let filter = [
                    ("method", MAIL.into()),
                    ("createdBefore", epoch(*before)),
                    ("decode", true.into()),
                ];
                let query = newest_first("id", *limit);
                vec![Value::named([("opts", Value::map(filter)), ("queryOpts", query)])]
            }
            Self::BuildsSince { owner, since, limit } => vec![Value::named([
                ("userID", owner.0.into()),
                ("completeAfter", epoch(*since)),
                ("queryOpts", newest_first("build_id", *limit)),
            ])],
            Self::BuildsOfPackage { package, since, limit } => vec![Value::named([
                ("packageID", package.value()),
                ("completeAfter", epoch(*since)),
                ("queryOpts", newest_first("build_id", *limit)),
            ])],
            Self::Building { owner, limit } => vec![Value::named([
                ("userID", owner.0.into()),
                ("state", Value::Int(BuildState::Building as i64)),
                ("queryOpts", newest_first("build_id", *limit)),
            ])],
            Self::BuildsOfTask(task) => vec![Value::named([("taskID", task.0.into())])],
            Self::LastBuilds { package, limit } => vec![Value::named([
                ("packageID", package.value()),
                ("state", Value::Int(BuildState::Complete as i64)),
                ("queryOpts", newest_first("completion_time", *limit)),
            ])],
            Self::Build(build) => vec![build.value()],
            Self::Task(task) | Self::Descendents(task) | Self::Children(task) => with(*task, "request", true),
            Self::TaskResult(task) => with(*task, "raise_fault", false),
            Self::Output(task) => with(*task, "stat", true),
            Self::Download {
                task,
                file,
                offset,
                size,
            } => vec![
                task.0.into(),
                file.as_str().into(),
                Value::named([("offset", (*offset).into()), ("size", (*size).into())]),
            ],
            Self::Average { package } => vec![package.as_str().into()],
            Self::Tags(build) => vec![Value::named([("build", build.value())])],
            Self::Tag(tag) => vec![(*tag).into()],
            Self::Target(name) => vec![name.as_str().into()],
            Self::Repo { tag } => vec![tag.as_str().into()],
            Self::TaggedAt { tag, event, package } => vec![
                tag.as_str().into(),
                Value::named([
                    ("event", (*event).into()),
                    ("inherit", true.into()),
                    ("package", package.as_str().into()),
                ]),
            ],
            Self::Resubmit(task) | Self::Cancel(task) => vec![task.0.into()],
            Self::Raw { params, .. } => params.clone(),
        }
    }
}

impl BuildKey {
    fn value(&self) -> Value {
        match self {
            Self::Id(build) => build.0.into(),
            Self::Nvr(nvr) => nvr.as_str().into(),
        }
    }
}

impl PackageKey {
    fn value(&self) -> Value {
        match self {
            Self::Name(name) => name.as_str().into(),
            Self::Id(package) => (*package).into(),
        }
    }
}

/// Returns a task's number, and an argument by name.
fn with(task: TaskId, name: &str, value: bool) -> Vec<Value> {
    vec![task.0.into(), Value::named([(name, value.into())])]
}

/// Asks for a user's top-level tasks: the parent has to be null, which is not the same as left out.
fn tasks<const N: usize>(owner: UserId, filter: [(&str, Value); N], query: Value) -> Vec<Value> {
    let whose = [("owner", owner.0.into()), ("parent", Value::Nil)];
    let opts = Value::map(whose.into_iter().chain(filter));
    vec![Value::named([("opts", opts), ("queryOpts", query)])]
}

fn newest_first(by: &str, limit: u32) -> Value {
    Value::map([("order", format!("-{by}").into()), ("limit", limit.into())])
}

/// Hubs take epoch seconds and keep microseconds.
fn epoch(time: Timestamp) -> Value {
    Value::Double(time.as_microsecond() as f64 / 1e6)
}
