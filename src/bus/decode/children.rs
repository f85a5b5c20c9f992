//! The tasks below a task, at every depth, in one list of bounded length.
//!
//! The list is filled while the text is read: what does not fit is skipped and never takes memory. So is whatever
//! stands where a list or a task is expected and is none: the tasks below decorate the news, they do not make it.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::koji::lenient::{Reading, Scalar, Value, cut, otherwise};
use crate::koji::task::MAX_CHILDREN;
use crate::koji::{Child, Nvr, TaskId, TaskState, source};

/// What stood below a task.
#[derive(Debug, Default)]
pub(super) struct Children {
    /// Parents before their children, otherwise in the order of the message. Tasks without a usable id are left out.
    pub(super) list: Vec<Child>,
    /// The build that the source RPM stage has made a source RPM for.
    pub(super) srpm: Option<Nvr>,
}

impl<'de> Deserialize<'de> for Children {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = Self::default();
        Below(&mut found).deserialize(deserializer)?;
        Ok(found)
    }
}

/// Reads a list of tasks.
struct Below<'f>(&'f mut Children);

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tasks")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while self.0.list.len() < MAX_CHILDREN {
            if seq.next_element_seed(One(self.0))?.is_none() {
                return Ok(());
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    otherwise!(Ok(()));
}

/// Reads one task and what is below it.
struct One<'f>(&'f mut Children);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Id,
    Method,
    Arch,
    Label,
    State,
    Result,
    Children,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a task")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(found) = self;
        // The place is taken now, because the children may stand before the id.
        let place = found.list.len();
        found.list.push(Child {
            task: TaskId(0),
            method: String::new(),
            arch: String::new(),
            state: None,
        });
        let [mut id, mut method, mut arch, mut label, mut state] = [const { Scalar::Nothing }; 5];
        let mut srpm = None;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Id => id = map.next_value()?,
                Key::Method => method = map.next_value()?,
                Key::Arch => arch = map.next_value()?,
                Key::Label => label = map.next_value()?,
                Key::State => state = map.next_value()?,
                Key::Result => srpm = source_rpm(&map.next_value()?),
                Key::Children => map.next_value_seed(Below(found))?,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let made_srpm = matches!(method.text(), Some("buildSRPMFromSCM" | "rebuildSRPM"));
        if made_srpm && found.srpm.is_none() {
            found.srpm = srpm;
        }
        let Ok(Some(id)) = id.id() else {
            found.list.remove(place);
            return Ok(());
        };
        let state = match state.state(TaskState::from_number, TaskState::from_name) {
            Reading::Known(state) => Some(state),
            Reading::Absent | Reading::Unknown | Reading::Odd => None,
        };
        let shown = |it: &Scalar<'_>| it.shown().unwrap_or_default();
        if let Some(child) = found.list.get_mut(place) {
            *child = Child {
                task: TaskId(id),
                method: shown(&method),
                arch: label.shown().unwrap_or_else(|| shown(&arch)),
                state,
            };
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    otherwise!(Ok(()));
}

/// The result of a task, of which only a source RPM matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Outcome<'a> {
    #[serde(borrow)]
    srpm: Scalar<'a>,
}

/// Returns the build whose source RPM a result names.
fn source_rpm(result: &Value<'_, Outcome<'_>>) -> Option<Nvr> {
    match result {
        Value::Object(outcome) => source::named(cut(outcome.srpm.text()?)).nvr,
        Value::Text(_) | Value::Whole(_) | Value::Other => None,
    }
}
