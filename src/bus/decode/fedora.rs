//! Fedora Messaging: the bodies that `koji-fedoramessaging` and its ancestor for fedmsg publish, 2012 to today.
//!
//! One struct per message, shaped like the message; one function that puts it into our words. What is not looked at
//! is not even kept. Two rules hold throughout: the outer `old` and `new` are believed, never a state further inside
//! (old hubs send the record as it was before the change); and what decorates the news (target, times, children)
//! may be missing or odd, while what identifies it may not.

use serde::Deserialize;

use super::children::Children;
use super::fields::{id, is_of_state, known, nvr, owner};
use super::{DecodeError, Decoded, Envelope, within_limits};
use crate::koji::lenient::{Object, Reading, Scalar, Value, parse_time};
use crate::koji::request::Request;
use crate::koji::{BuildChange, BuildId, BuildState, Change, HubEvent, TagChange, TaskChange, TaskId, TaskState};

/// A change, or why there is none to tell.
type Told = Result<Change, &'static str>;

/// Returns what a message says. With an empty prefix, any will do.
pub(super) fn decode(prefix: &str, koji_instance: &str, envelope: &Envelope<'_>) -> Result<Decoded, DecodeError> {
    let Some(event) = event(prefix, envelope.topic) else {
        return Ok(Decoded::NotForUs("another topic prefix"));
    };
    let read = match event {
        "build.state.change" => build,
        "task.state.change" => task,
        "tag" => tag,
        "untag" => untag,
        "build.promote" => return Ok(Decoded::NotForUs("topic build.promote")),
        "package.list.change" => return Ok(Decoded::NotForUs("topic package.list.change")),
        "repo.init" => return Ok(Decoded::NotForUs("topic repo.init")),
        "repo.done" => return Ok(Decoded::NotForUs("topic repo.done")),
        "rpm.sign" => return Ok(Decoded::NotForUs("topic rpm.sign")),
        _ => return Ok(Decoded::NotForUs("another topic")),
    };
    let told = read(koji_instance, within_limits(envelope.body)?)?;
    Ok(match told {
        Ok(change) => Decoded::News {
            sent: envelope.sent_at.and_then(parse_time),
            event: HubEvent::Changed(change),
            owner: None,
        },
        Err(reason) => Decoded::NotForUs(reason),
    })
}

/// Returns the part of a topic after `buildsys.`, or `None` if the topic is not this instance's.
fn event<'a>(prefix: &str, topic: &'a str) -> Option<&'a str> {
    if prefix.is_empty() {
        let (_, event) = topic.split_once(".buildsys.")?;
        return Some(event);
    }
    topic.strip_prefix(prefix)?.strip_prefix(".buildsys.")
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BuildBody<'a> {
    #[serde(borrow)]
    instance: Scalar<'a>,
    #[serde(borrow)]
    attribute: Scalar<'a>,
    #[serde(borrow)]
    old: Scalar<'a>,
    #[serde(borrow)]
    new: Scalar<'a>,
    #[serde(borrow)]
    build_id: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    version: Scalar<'a>,
    #[serde(borrow)]
    release: Scalar<'a>,
    #[serde(borrow)]
    owner: Scalar<'a>,
    #[serde(borrow)]
    task_id: Scalar<'a>,
    #[serde(borrow)]
    request: Request<'a>,
    #[serde(borrow)]
    creation_time: Scalar<'a>,
    #[serde(borrow)]
    completion_time: Scalar<'a>,
    /// Since 2023.
    #[serde(borrow)]
    task: Value<'a, Task<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TaskBody<'a> {
    #[serde(borrow)]
    instance: Scalar<'a>,
    #[serde(borrow)]
    attribute: Scalar<'a>,
    #[serde(borrow)]
    old: Scalar<'a>,
    #[serde(borrow)]
    new: Scalar<'a>,
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    method: Scalar<'a>,
    #[serde(borrow)]
    owner: Scalar<'a>,
    /// The last part of the path of what is built, whether or not it is a source RPM.
    #[serde(borrow)]
    srpm: Scalar<'a>,
    /// Since 2015.
    #[serde(borrow)]
    info: Value<'a, Task<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TagBody<'a> {
    #[serde(borrow)]
    instance: Scalar<'a>,
    #[serde(borrow)]
    build_id: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    version: Scalar<'a>,
    #[serde(borrow)]
    release: Scalar<'a>,
    #[serde(borrow)]
    tag: Scalar<'a>,
    #[serde(borrow)]
    user: Scalar<'a>,
    #[serde(borrow)]
    owner: Scalar<'a>,
}

/// A task as it stands inside a message. Its own state is not read: it may be the one before the change.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Task<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    method: Scalar<'a>,
    /// A number before 2023.
    #[serde(borrow)]
    owner: Scalar<'a>,
    #[serde(borrow)]
    request: Request<'a>,
    #[serde(borrow)]
    create_time: Scalar<'a>,
    #[serde(borrow)]
    start_time: Scalar<'a>,
    #[serde(borrow)]
    completion_time: Scalar<'a>,
    children: Children,
}

/// Reads a build's change of state.
fn build(koji_instance: &str, body: &str) -> Result<Told, DecodeError> {
    let Object(it) = serde_json::from_str::<Object<BuildBody<'_>>>(body)?;
    if let Err(reason) = is_for_us(koji_instance, &it.instance, &it.attribute) {
        return Ok(Err(reason));
    }
    let new = match it.new.state(BuildState::from_number, BuildState::from_name) {
        Reading::Known(state) => state,
        Reading::Unknown => return Ok(Err("state from the future")),
        Reading::Absent | Reading::Odd => return Err(DecodeError::malformed("new is no state")),
    };
    let old = known(it.old.state(BuildState::from_number, BuildState::from_name));
    let task = it.task.object().unwrap_or_default();
    let method = task.method.text();
    // A build is known by its own id; that of its task only leads to more about it.
    let task_id = [&it.task_id, &task.id].into_iter().find_map(|it| it.id().ok()?);
    Ok(Ok(Change::Build(BuildChange {
        build: id("build_id", &it.build_id)?.map(BuildId),
        nvr: nvr(&it.name, &it.version, &it.release)?,
        old,
        new,
        owner: owner(&it.owner)?,
        task: task_id.map(TaskId),
        target: it.request.target(method).or_else(|| task.request.target(method)),
        started: task.start_time.time(),
        created: it.creation_time.time(),
        completed: it.completion_time.time(),
        children: task.children.list,
    })))
}

/// Reads a top-level task's change of state.
fn task(koji_instance: &str, body: &str) -> Result<Told, DecodeError> {
    let Object(it) = serde_json::from_str::<Object<TaskBody<'_>>>(body)?;
    if let Err(reason) = is_for_us(koji_instance, &it.instance, &it.attribute) {
        return Ok(Err(reason));
    }
    let new = match it.new.state(TaskState::from_number, TaskState::from_name) {
        Reading::Known(state) => state,
        Reading::Unknown => return Ok(Err("state from the future")),
        Reading::Absent | Reading::Odd => return Err(DecodeError::malformed("new is no state")),
    };
    let old = known(it.old.state(TaskState::from_number, TaskState::from_name));
    let info = it.info.object().unwrap_or_default();
    let task = match id("id", &it.id)? {
        Some(id) => id,
        None => id("info.id", &info.id)?.ok_or_else(|| DecodeError::malformed("the task has no id"))?,
    };
    let method = it.method.shown().or_else(|| info.method.shown());
    let method = method.ok_or_else(|| DecodeError::malformed("the task has no method"))?;
    let named = info.request.named(&method, it.srpm.text(), info.children.srpm.as_ref());
    Ok(Ok(Change::Task(TaskChange {
        task: TaskId(task),
        old,
        new,
        owner: match owner(&it.owner)? {
            Some(owner) => Some(owner),
            None => owner(&info.owner)?,
        },
        what: named.what,
        package: named.package,
        target: info.request.target(Some(&method)),
        // Only scratch builds are announced here, so a message without a request (2014) is about one.
        scratch: info.request.is_scratch().unwrap_or(true),
        created: info.create_time.time(),
        started: info.start_time.time(),
        completed: info.completion_time.time(),
        children: info.children.list,
        method,
    })))
}

/// Reads that a build was tagged.
fn tag(koji_instance: &str, body: &str) -> Result<Told, DecodeError> {
    tagging(koji_instance, body, true)
}

/// Reads that a build was taken out of a tag.
fn untag(koji_instance: &str, body: &str) -> Result<Told, DecodeError> {
    tagging(koji_instance, body, false)
}

fn tagging(koji_instance: &str, body: &str, added: bool) -> Result<Told, DecodeError> {
    let Object(it) = serde_json::from_str::<Object<TagBody<'_>>>(body)?;
    if let Err(reason) = is_for_us(koji_instance, &it.instance, &Scalar::Nothing) {
        return Ok(Err(reason));
    }
    Ok(Ok(Change::Tag(TagChange {
        build: id("build_id", &it.build_id)?.map(BuildId),
        nvr: nvr(&it.name, &it.version, &it.release)?,
        tag: it.tag.shown(),
        user: owner(&it.user)?,
        owner: owner(&it.owner)?,
        added,
    })))
}

/// Returns why a message is none of ours: it comes from another hub, or tells of something else than a state. Old
/// messages (2012 to 2014) may name no hub.
fn is_for_us(koji_instance: &str, instance: &Scalar<'_>, attribute: &Scalar<'_>) -> Result<(), &'static str> {
    let is_ours = *instance == Scalar::Nothing || instance.text() == Some(koji_instance);
    if !is_ours {
        return Err("another hub");
    }
    is_of_state(attribute)
}
