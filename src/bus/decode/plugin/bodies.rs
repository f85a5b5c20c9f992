//! The arguments of the hub's events (`koji/plugin.py`, `kojihub`), as they are keyed in every body.
//!
//! One struct per event, shaped like it; one function that puts it into our words. As in every dialect, the outer `old`
//! and `new` are believed and never the state inside, which hubs before 1.17 send as it was before the change. Of each
//! time there are two forms, and the seconds are the better one: the text had no offset before Koji 1.22.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::call;
use super::{Content, Named};
use crate::bus::decode::fields::{id, is_of_state, known, nvr, owner};
use crate::bus::decode::{DecodeError, within_limits};
use crate::koji::event::{ChildChange, Import, PackageListChange, Promotion, RepoChange, Signature};
use crate::koji::lenient::{Object, Reading, Scalar, Value, cut, otherwise};
use crate::koji::request::Request;
use crate::koji::{
    BuildChange, BuildId, BuildState, Change, Child, HubEvent, Nvr, TagChange, TaskChange, TaskId, TaskState, UserId,
    source,
};

/// What has happened, and the number of who owns it.
pub(super) struct Happened {
    pub(super) event: HubEvent,
    pub(super) owner: Option<UserId>,
}

/// What has happened, or why there is nothing to tell.
type Heard = Result<Happened, &'static str>;

/// Reads the arguments of an event.
pub(super) fn read(named: Named, content: &Content<'_>) -> Result<Heard, DecodeError> {
    match named {
        Named::BuildStateChange => build(body(content)?),
        Named::TaskStateChange => task(body(content)?),
        Named::Tag => tagging(&body(content)?, true).map(Ok),
        Named::Untag => tagging(&body(content)?, false).map(Ok),
        Named::BuildPromote => promotion(&body(content)?).map(Ok),
        Named::PackageListChange => package_list(&body(content)?).map(Ok),
        Named::RepoInit => repo_begun(&body(content)?).map(Ok),
        Named::RepoDone => repo_done(&body(content)?).map(Ok),
        Named::RpmSign => signature(&body(content)?),
        Named::Import => import(&body(content)?).map(Ok),
    }
}

fn body<'c, T: Deserialize<'c>>(content: &'c Content<'_>) -> Result<T, DecodeError> {
    let map = match content {
        Content::Json(bytes) => {
            let Object(it) = serde_json::from_str(within_limits(bytes)?)?;
            return Ok(it);
        }
        Content::Map(map) => *map,
        Content::ZeroTen(bytes) => Content::zero_ten(bytes)?,
    };
    match Object::deserialize(map) {
        Ok(Object(it)) => Ok(it),
        Err(error) => Err(DecodeError::malformed(&error.to_string())),
    }
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "I: Deserialize<'de> + Default"))]
struct StateBody<'a, I> {
    #[serde(borrow)]
    attribute: Scalar<'a>,
    #[serde(borrow)]
    old: Scalar<'a>,
    #[serde(borrow)]
    new: Scalar<'a>,
    #[serde(borrow)]
    info: Value<'a, I>,
}

/// A build as the hub's record has it, or as a record is made.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Build<'a> {
    #[serde(borrow)]
    build_id: Scalar<'a>,
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    package_name: Scalar<'a>,
    #[serde(borrow)]
    version: Scalar<'a>,
    #[serde(borrow)]
    release: Scalar<'a>,
    #[serde(borrow)]
    owner_name: Scalar<'a>,
    #[serde(borrow)]
    owner_id: Scalar<'a>,
    /// The number, where a hub before 1.16 makes the record.
    #[serde(borrow)]
    owner: Scalar<'a>,
    #[serde(borrow)]
    task_id: Scalar<'a>,
    /// JSON in a text where a hub before 1.16 makes the record.
    #[serde(borrow)]
    extra: Value<'a, Extra<'a>>,
    #[serde(borrow)]
    creation_ts: Scalar<'a>,
    #[serde(borrow)]
    creation_time: Scalar<'a>,
    #[serde(borrow)]
    completion_ts: Scalar<'a>,
    #[serde(borrow)]
    completion_time: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extra<'a> {
    /// Of a container build, whose record has no task.
    #[serde(borrow)]
    container_koji_task_id: Scalar<'a>,
}

/// A task as the hub's record has it, or as a record is made.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Task<'a> {
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
    request: Asked<'a>,
    #[serde(borrow)]
    result: Value<'a, Outcome<'a>>,
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
}

/// The result of a task, of which only a source RPM matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Outcome<'a> {
    #[serde(borrow)]
    srpm: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TagBody<'a> {
    #[serde(borrow)]
    tag: Value<'a, Name<'a>>,
    #[serde(borrow)]
    build: Value<'a, Build<'a>>,
    #[serde(borrow)]
    user: Value<'a, Name<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromoteBody<'a> {
    #[serde(borrow)]
    draft_release: Scalar<'a>,
    #[serde(borrow)]
    target_release: Scalar<'a>,
    #[serde(borrow)]
    build: Value<'a, Build<'a>>,
    #[serde(borrow)]
    user: Value<'a, Name<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PackageBody<'a> {
    #[serde(borrow)]
    action: Scalar<'a>,
    #[serde(borrow)]
    tag: Value<'a, Name<'a>>,
    #[serde(borrow)]
    package: Value<'a, Name<'a>>,
    #[serde(borrow)]
    owner: Scalar<'a>,
    #[serde(borrow)]
    user: Value<'a, Name<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepoInitBody<'a> {
    #[serde(borrow)]
    tag: Value<'a, Name<'a>>,
    #[serde(borrow)]
    repo_id: Scalar<'a>,
    #[serde(borrow)]
    task_id: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepoDoneBody<'a> {
    #[serde(borrow)]
    repo: Value<'a, Repo<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Repo<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    tag_name: Scalar<'a>,
    #[serde(borrow)]
    task_id: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SignBody<'a> {
    /// Koji 1.10 told it as a change of this attribute, without the key.
    #[serde(borrow)]
    attribute: Scalar<'a>,
    #[serde(borrow)]
    sigkey: Scalar<'a>,
    #[serde(borrow)]
    rpm: Value<'a, Rpm<'a>>,
    #[serde(borrow)]
    build: Value<'a, Build<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rpm<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    version: Scalar<'a>,
    #[serde(borrow)]
    release: Scalar<'a>,
    #[serde(borrow)]
    arch: Scalar<'a>,
    #[serde(borrow)]
    build_id: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ImportBody<'a> {
    #[serde(borrow, rename = "type")]
    what: Scalar<'a>,
    #[serde(borrow)]
    build: Value<'a, Build<'a>>,
}

/// The hub's record of a tag, a user or a package.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Name<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
}

fn build(it: StateBody<'_, Build<'_>>) -> Result<Heard, DecodeError> {
    if let Err(reason) = is_of_state(&it.attribute) {
        return Ok(Err(reason));
    }
    let new = match it.new.state(BuildState::from_number, BuildState::from_name) {
        Reading::Known(state) => state,
        Reading::Unknown => return Ok(Err("state from the future")),
        Reading::Absent | Reading::Odd => return Err(DecodeError::malformed("new is no state")),
    };
    let info = object("info", it.info)?;
    let change = BuildChange {
        build: info.number()?,
        nvr: info.nvr()?,
        old: known(it.old.state(BuildState::from_number, BuildState::from_name)),
        new,
        owner: owner(&info.owner_name)?,
        task: info.task(),
        // The record does not have it: only the task's request does.
        target: None,
        // What the record has for it is its own beginning, or what a content generator says of itself.
        started: None,
        created: time(&info.creation_ts, &info.creation_time),
        completed: time(&info.completion_ts, &info.completion_time).filter(|_| new.is_settled()),
        children: Vec::new(),
    };
    Ok(Ok(Happened {
        event: HubEvent::Changed(Change::Build(change)),
        owner: info.owner(),
    }))
}

fn task(it: StateBody<'_, Task<'_>>) -> Result<Heard, DecodeError> {
    if let Err(reason) = is_of_state(&it.attribute) {
        return Ok(Err(reason));
    }
    let new = match it.new.state(TaskState::from_number, TaskState::from_name) {
        Reading::Known(state) => state,
        Reading::Unknown => return Ok(Err("state from the future")),
        Reading::Absent | Reading::Odd => return Err(DecodeError::malformed("new is no state")),
    };
    let old = known(it.old.state(TaskState::from_number, TaskState::from_name));
    let info = object("info", it.info)?;
    let task = id("info.id", &info.id)?.map(TaskId);
    let task = task.ok_or_else(|| DecodeError::malformed("the task has no id"))?;
    let method = info.method.shown();
    let method = method.ok_or_else(|| DecodeError::malformed("the task has no method"))?;
    let created = time(&info.create_ts, &info.create_time);
    let started = time(&info.start_ts, &info.start_time);
    let completed = time(&info.completion_ts, &info.completion_time);
    let event = match id("info.parent", &info.parent)?.map(TaskId) {
        Some(parent) => {
            let child = Child {
                task,
                arch: info.label.shown().or_else(|| info.arch.shown()).unwrap_or_default(),
                state: Some(new),
                method,
            };
            let srpm = info.srpm().filter(|_| child.is_source_rpm());
            HubEvent::Child(ChildChange {
                parent,
                child,
                old,
                srpm,
                created,
                started,
                completed,
            })
        }
        None => {
            let called = info.request.call.as_deref().and_then(call::arguments);
            let called = called.as_ref().and_then(|it| Request::deserialize(it).ok());
            let request = called.as_ref().unwrap_or(&info.request.list);
            let named = request.named(&method, None, None);
            HubEvent::Changed(Change::Task(TaskChange {
                task,
                old,
                new,
                owner: owner(&info.owner)?,
                what: named.what,
                package: named.package,
                target: request.target(Some(&method)),
                scratch: request.is_scratch().unwrap_or(false),
                created,
                started,
                completed,
                children: Vec::new(),
                method,
            }))
        }
    };
    Ok(Ok(Happened {
        event,
        owner: user_id(&info.owner),
    }))
}

fn tagging(it: &TagBody<'_>, added: bool) -> Result<Happened, DecodeError> {
    let build = record("build", &it.build)?;
    Ok(Happened {
        event: HubEvent::Changed(Change::Tag(TagChange {
            build: build.number()?,
            nvr: build.nvr()?,
            tag: shown_name(&it.tag),
            user: user(&it.user)?,
            owner: owner(&build.owner_name)?,
            added,
        })),
        owner: build.owner(),
    })
}

fn promotion(it: &PromoteBody<'_>) -> Result<Happened, DecodeError> {
    let build = record("build", &it.build)?;
    let release = either(&it.target_release, &build.release);
    Ok(Happened {
        event: HubEvent::Promoted(Promotion {
            build: build.number()?,
            nvr: nvr(build.name(), &build.version, release)?,
            draft_release: it.draft_release.shown(),
            user: user(&it.user)?,
            owner: owner(&build.owner_name)?,
        }),
        owner: build.owner(),
    })
}

fn package_list(it: &PackageBody<'_>) -> Result<Happened, DecodeError> {
    let action = it.action.shown();
    Ok(Happened {
        event: HubEvent::PackageList(PackageListChange {
            action: action.ok_or_else(|| DecodeError::malformed("there is no action"))?,
            tag: shown_name(&it.tag),
            package: match &it.package {
                Value::Object(package) => owner(&package.name)?,
                Value::Text(_) | Value::Whole(_) | Value::Other => None,
            }
            .ok_or_else(|| DecodeError::malformed("there is no package"))?,
            user: user(&it.user)?,
        }),
        owner: user_id(&it.owner),
    })
}

fn repo_begun(it: &RepoInitBody<'_>) -> Result<Happened, DecodeError> {
    repo(&it.repo_id, shown_name(&it.tag), &it.task_id, false)
}

fn repo_done(it: &RepoDoneBody<'_>) -> Result<Happened, DecodeError> {
    let it = record("repo", &it.repo)?;
    repo(&it.id, it.tag_name.shown(), &it.task_id, true)
}

fn repo(number: &Scalar<'_>, tag: Option<String>, task: &Scalar<'_>, done: bool) -> Result<Happened, DecodeError> {
    let repo = id("repo_id", number)?;
    Ok(Happened {
        event: HubEvent::Repo(RepoChange {
            repo: repo.ok_or_else(|| DecodeError::malformed("the repository has no id"))?,
            tag,
            task: task.id().ok().flatten().map(TaskId),
            done,
        }),
        owner: None,
    })
}

fn signature(it: &SignBody<'_>) -> Result<Heard, DecodeError> {
    if it.attribute != Scalar::Nothing {
        return Ok(Err("attribute sighash"));
    }
    // The header without a signature is kept, too, when an RPM is taken in.
    let Some(key) = it.sigkey.shown() else {
        return Ok(Err("a header without a signature"));
    };
    let rpm = record("rpm", &it.rpm)?;
    let (build, by) = about(&it.build);
    Ok(Ok(Happened {
        event: HubEvent::Signed(Signature {
            key,
            rpm: nvr(&rpm.name, &rpm.version, &rpm.release)?,
            arch: rpm.arch.shown().unwrap_or_default(),
            build: id("rpm.build_id", &rpm.build_id)?.map(BuildId).or(build.build),
            nvr: build.nvr,
            owner: build.owner,
        }),
        owner: by,
    }))
}

fn import(it: &ImportBody<'_>) -> Result<Happened, DecodeError> {
    let what = it.what.shown();
    let (build, by) = about(&it.build);
    Ok(Happened {
        event: HubEvent::Imported(Import {
            what: what.ok_or_else(|| DecodeError::malformed("there is no type"))?,
            build: build.build,
            nvr: build.nvr,
            owner: build.owner,
        }),
        owner: by,
    })
}

/// A build as it decorates what is told of something else.
#[derive(Default)]
struct About {
    build: Option<BuildId>,
    nvr: Option<Nvr>,
    owner: Option<String>,
}

fn about(build: &Value<'_, Build<'_>>) -> (About, Option<UserId>) {
    let Ok(build) = record("build", build) else {
        return (About::default(), None);
    };
    let about = About {
        build: build.number().ok().flatten(),
        nvr: build.nvr().ok(),
        owner: owner(&build.owner_name).ok().flatten(),
    };
    (about, build.owner())
}

impl Build<'_> {
    fn number(&self) -> Result<Option<BuildId>, DecodeError> {
        Ok(id("build_id", either(&self.build_id, &self.id))?.map(BuildId))
    }

    fn name(&self) -> &Scalar<'_> {
        either(&self.name, &self.package_name)
    }

    fn nvr(&self) -> Result<Nvr, DecodeError> {
        nvr(self.name(), &self.version, &self.release)
    }

    fn owner(&self) -> Option<UserId> {
        user_id(&self.owner_id).or_else(|| user_id(&self.owner))
    }

    /// Returns the task, for a container build the one that `extra` names.
    fn task(&self) -> Option<TaskId> {
        let number = |it: &Scalar<'_>| it.id().ok().flatten();
        let of_extra = || match &self.extra {
            Value::Object(extra) => number(&extra.container_koji_task_id),
            Value::Text(text) => {
                let text = within_limits(text.as_bytes()).ok()?;
                let Object(extra) = serde_json::from_str::<Object<Extra<'_>>>(text).ok()?;
                number(&extra.container_koji_task_id)
            }
            Value::Whole(_) | Value::Other => None,
        };
        number(&self.task_id).or_else(of_extra).map(TaskId)
    }
}

impl Task<'_> {
    /// Returns the build whose source RPM the result names.
    fn srpm(&self) -> Option<Nvr> {
        match &self.result {
            Value::Object(outcome) => source::named(cut(outcome.srpm.text()?)).nvr,
            Value::Text(_) | Value::Whole(_) | Value::Other => None,
        }
    }
}

fn object<T>(field: &str, value: Value<'_, T>) -> Result<T, DecodeError> {
    let object = value.object();
    object.ok_or_else(|| DecodeError::malformed(&format!("{field} is no object")))
}

fn record<'v, T>(field: &str, value: &'v Value<'_, T>) -> Result<&'v T, DecodeError> {
    match value {
        Value::Object(object) => Ok(object),
        Value::Text(_) | Value::Whole(_) | Value::Other => {
            Err(DecodeError::malformed(&format!("{field} is no object")))
        }
    }
}

fn shown_name(value: &Value<'_, Name<'_>>) -> Option<String> {
    record("", value).ok()?.name.shown()
}

/// Returns the name of a user who did something. Some events have nobody in that place.
fn user(value: &Value<'_, Name<'_>>) -> Result<Option<String>, DecodeError> {
    match value {
        Value::Object(user) => owner(&user.name),
        Value::Text(_) | Value::Whole(_) | Value::Other => Ok(None),
    }
}

/// Returns the first one, unless there is none.
fn either<'v, 'a>(first: &'v Scalar<'a>, second: &'v Scalar<'a>) -> &'v Scalar<'a> {
    if *first == Scalar::Nothing { second } else { first }
}

fn user_id(value: &Scalar<'_>) -> Option<UserId> {
    value.id().ok().flatten().map(UserId)
}

fn time(seconds: &Scalar<'_>, text: &Scalar<'_>) -> Option<Timestamp> {
    seconds.time().or_else(|| text.time())
}

/// What a task was asked to do: its arguments, or where the task is new, the text of the call that made it.
#[derive(Default)]
struct Asked<'a> {
    list: Request<'a>,
    call: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Asked<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Asked<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of arguments or the text of a call")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Asked<'de>, A::Error> {
                let list = Request::deserialize(SeqAccessDeserializer::new(seq))?;
                Ok(Asked { list, call: None })
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Asked<'de>, E> {
                let call = Some(Cow::Borrowed(text));
                let list = Request::Unknown;
                Ok(Asked { list, call })
            }

            fn visit_str<E>(self, text: &str) -> Result<Asked<'de>, E> {
                let call = Some(Cow::Owned(text.to_owned()));
                let list = Request::Unknown;
                Ok(Asked { list, call })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Asked<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Asked::default())
            }

            otherwise!(Ok(Asked::default()));
        }

        deserializer.deserialize_any(Any)
    }
}
