//! A value of XML-RPC, whatever it is: what a call is made of, and what an answer is where nobody knows its shape.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// The most values that are kept of one answer, those inside others included: a hub's longest list has some hundred
/// thousand, and a million take about as much memory as the longest answer is long.
pub const MAX_VALUES: usize = 1_000_000;

/// A value. Times and binary data are texts, as they were written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    /// Also an integer that 64 bits do not hold.
    Double(f64),
    Text(String),
    List(Vec<Value>),
    /// In the order of the document: the hub takes any, but two runs agree.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Returns a map of these members.
    pub fn map<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// Returns the arguments that are given by name. They are the last parameter of a call.
    pub fn named<K: Into<String>>(arguments: impl IntoIterator<Item = (K, Self)>) -> Self {
        let arguments = arguments.into_iter().map(|(name, value)| (name.into(), value));
        let mark = ("__starstar".to_owned(), Self::Bool(true));
        Self::Map(arguments.chain([mark]).collect())
    }

    /// Returns a member, if this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.iter().find(|it| it.0 == name).map(|it| &it.1),
            Self::Nil | Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// Returns the text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nil | Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Returns the integer, if it is one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Nil | Self::Bool(_) | Self::Double(_) | Self::Text(_) | Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Int(it)
    }
}

impl From<u32> for Value {
    fn from(it: u32) -> Self {
        Self::Int(i64::from(it))
    }
}

impl From<u64> for Value {
    /// An integer beyond 63 bits, which the hub has no use for, becomes the nearest double.
    fn from(it: u64) -> Self {
        i64::try_from(it).map_or(Self::Double(it as f64), Self::Int)
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Self {
        Self::Double(it)
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Text(it.to_owned())
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        Self::Text(it)
    }
}

impl From<Vec<Value>> for Value {
    fn from(it: Vec<Value>) -> Self {
        Self::List(it)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(it: Option<T>) -> Self {
        it.map_or(Self::Nil, Into::into)
    }
}

/// As JSON would have it; in JSON, what is no number (`inf`, `nan`) becomes null.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(it) => serializer.serialize_bool(*it),
            Self::Int(it) => serializer.serialize_i64(*it),
            Self::Double(it) => serializer.serialize_f64(*it),
            Self::Text(it) => serializer.serialize_str(it),
            Self::List(it) => serializer.collect_seq(it),
            Self::Map(it) => serializer.collect_map(it.iter().map(|(name, value)| (name, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Any {
            room: &Cell::new(MAX_VALUES),
        }
        .deserialize(deserializer)
    }
}

/// Reads any value, and counts down how many more there may be.
#[derive(Clone, Copy)]
struct Any<'r> {
    room: &'r Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(room) = self.room.get().checked_sub(1) else {
            return Err(D::Error::invalid_length(MAX_VALUES + 1, &"fewer"));
        };
        self.room.set(room);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(it) = seq.next_element_seed(self)? {
            list.push(it);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key()? {
            members.push((name, map.next_value_seed(self)?));
        }
        Ok(Value::Map(members))
    }
}
