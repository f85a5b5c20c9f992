//! The forms that recorded messages come in.
//!
//! - ours: `{"topic", "headers", "body", "at"?}`; of Koji's own plugins the header `type` is looked at
//! - a consumer's log: `{"captured_at", "deliver": {"routing_key"}, "properties": {"headers", "message_id"},
//!   "body_text", "body_json" or "body_b64"}`; where `"properties"` has the `"type"` `amqp-1.0`, the body is one of that
//! - a test message: as ours, with `"properties": {"message_id"}` and `"headers"` that may be null
//! - datagrepper: `{"topic", "id", "headers", "body"}`, alone or in `{"raw_messages": […]}`
//! - fedmsg: `{"topic", "timestamp", "msg_id", "msg"}`, alone or in `{"raw_messages": […]}`
//!
//! A file is JSON lines, or one JSON document: a record or an array of records. Which form it is, its keys tell. A
//! body is kept as it was written.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io::{self, BufRead, Read};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use lapin::types::{AMQPValue, FieldTable};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::bus::decode::MAX_BODY;
use crate::koji::Interest;
use crate::koji::lenient::{Object, Scalar, Value, parse_time};

/// The longest line that is read: a body as text, with escapes, beside the same body as JSON.
pub const MAX_LINE: usize = 3 * MAX_BODY;

/// The largest document that is read whole.
pub const MAX_DOCUMENT: usize = 64 * 1024 * 1024;

const EXPECTED: &str = "expected topic and body, deliver.routing_key and body_text, topic and msg, or raw_messages";

/// A message as it was recorded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Record {
    /// When it was heard; else when it was sent.
    pub at: Option<Timestamp>,
    pub topic: String,
    pub message_id: Option<String>,
    /// The header `sent-at`, or the `timestamp` of fedmsg.
    pub sent_at: Option<String>,
    /// The users that the headers name. Empty: the headers do not tell.
    pub users: BTreeSet<String>,
    /// The packages that the headers name. Empty: the headers do not tell.
    pub packages: BTreeSet<String>,
    /// The header `type`, by which Koji's own plugins name the event.
    pub event: Option<String>,
    /// The property `type`.
    pub kind: Option<String>,
    pub body: Vec<u8>,
}

impl Record {
    /// Returns the headers that decoding asks for.
    pub(super) fn headers(&self) -> FieldTable {
        let mut headers = FieldTable::default();
        if let Some(event) = &self.event {
            headers.insert("type".into(), AMQPValue::LongString(event.as_str().into()));
        }
        headers
    }

    /// Returns `false` if the headers alone say that the message is of no interest.
    pub fn may_concern(&self, interest: &Interest) -> bool {
        if self.users.is_empty() {
            return true;
        }
        let mine = !self.users.is_disjoint(&interest.users);
        let unknown_package = self.packages.is_empty() && !interest.packages.is_empty();
        mine || unknown_package || !self.packages.is_disjoint(&interest.packages)
    }
}

/// Why recorded messages cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("{file} cannot be read")]
    Read {
        file: String,
        #[source]
        source: io::Error,
    },
    #[error("{file}, line {line}: not JSON: {detail}")]
    NotJson { file: String, line: usize, detail: String },
    #[error("{file}, line {line}: not a recorded message: {detail}")]
    NotARecord { file: String, line: usize, detail: String },
    #[error("{file}, line {line}: more than {limit} bytes at once")]
    TooLong { file: String, line: usize, limit: usize },
}

/// Reads all messages of a file that is already here; `name` is what errors call it.
///
/// # Errors
/// If anything in it is not a recorded message.
pub fn records(bytes: &[u8], name: &str) -> Result<Vec<Record>, ReplayError> {
    Reader::new(bytes, name).collect()
}

/// Reads recorded messages one after the other, holding no more than one line, or one document.
///
/// After an error in one of several lines it goes on with the next line, so a caller may pass over errors.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    file: String,
    /// The number of the last line that was read.
    line: usize,
    /// Something was read before, so that this cannot be one document any more.
    in_lines: bool,
    done: bool,
    ready: VecDeque<Result<Record, ReplayError>>,
}

impl<R: BufRead> Reader<R> {
    pub fn new(input: R, name: &str) -> Self {
        Self {
            input,
            file: name.to_owned(),
            line: 0,
            in_lines: false,
            done: false,
            ready: VecDeque::new(),
        }
    }

    /// Reads what comes next into `ready`.
    fn read(&mut self) -> Result<(), ReplayError> {
        let mut text = Vec::new();
        self.line += 1;
        let line = self.line;
        self.take(MAX_LINE, |input, text| input.read_until(b'\n', text), &mut text)?;
        if text.is_empty() {
            self.done = true;
            return Ok(());
        }
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let is_begun = |text: &[u8]| serde_json::from_slice::<IgnoredAny>(text).is_err_and(|it| it.is_eof());
        if !self.in_lines && is_begun(&text) {
            self.done = true;
            self.take(MAX_DOCUMENT, |input, text| input.read_to_end(text), &mut text)?;
        }
        self.in_lines = true;
        let text = std::str::from_utf8(&text).map_err(|error| self.not_json(line, &error))?;
        self.split(text, line)
    }

    /// Reads by `how`, up to a limit.
    fn take(
        &mut self,
        limit: usize,
        how: impl Fn(&mut io::Take<&mut R>, &mut Vec<u8>) -> io::Result<usize>,
        text: &mut Vec<u8>,
    ) -> Result<(), ReplayError> {
        let mut input = self.input.by_ref().take(u64::try_from(limit).unwrap_or(u64::MAX));
        let got = how(&mut input, text);
        let is_cut = input.limit() == 0 && !text.ends_with(b"\n");
        let file = || self.file.clone();
        match got {
            Ok(_) if is_cut => {
                self.done = true;
                Err(ReplayError::TooLong {
                    file: file(),
                    line: self.line,
                    limit,
                })
            }
            Ok(_) => Ok(()),
            Err(source) => {
                self.done = true;
                Err(ReplayError::Read { file: file(), source })
            }
        }
    }

    /// Takes a text apart that holds records, arrays of records, or what datagrepper answers.
    fn split(&mut self, text: &str, line: usize) -> Result<(), ReplayError> {
        for whole in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            let whole = whole.map_err(|error| self.wrong(line, &error))?;
            let is_list = whole.get().starts_with('[');
            let parts = if is_list {
                self.parse(whole, text, line)?
            } else {
                vec![whole]
            };
            self.sort_out(parts, text, line)?;
        }
        Ok(())
    }

    fn sort_out(&mut self, parts: Vec<&RawValue>, text: &str, line: usize) -> Result<(), ReplayError> {
        for part in parts {
            let Object(mut form): Object<Form<'_>> = self.parse(part, text, line)?;
            let Some(page) = form.raw_messages.take() else {
                let record = self.record(form, part, text, line);
                self.ready.push_back(record);
                continue;
            };
            let records = page.into_iter().map(|part| {
                let Object(form) = self.parse(part, text, line)?;
                self.record(form, part, text, line)
            });
            let mut records = records.collect::<Result<Vec<_>, _>>()?;
            // Datagrepper puts the newest first unless it is asked not to.
            records.sort_by_key(|it| it.at);
            self.ready.extend(records.into_iter().map(Ok));
        }
        Ok(())
    }

    fn parse<'a, T: Deserialize<'a>>(&self, part: &'a RawValue, text: &str, line: usize) -> Result<T, ReplayError> {
        serde_json::from_str(part.get()).map_err(|error| self.wrong(line_of(part, text, line), &error))
    }

    fn record(&self, form: Form<'_>, part: &RawValue, text: &str, line: usize) -> Result<Record, ReplayError> {
        form.record().map_err(|expected| ReplayError::NotARecord {
            file: self.file.clone(),
            line: line_of(part, text, line),
            detail: expected.to_owned(),
        })
    }

    fn wrong(&self, line: usize, error: &serde_json::Error) -> ReplayError {
        let line = line + error.line().saturating_sub(1);
        if error.is_data() {
            return ReplayError::NotARecord {
                file: self.file.clone(),
                line,
                detail: format!("{}; {EXPECTED}", brief(error)),
            };
        }
        self.not_json(line, error)
    }

    fn not_json(&self, line: usize, error: &dyn fmt::Display) -> ReplayError {
        ReplayError::NotJson {
            file: self.file.clone(),
            line,
            detail: brief(error),
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record, ReplayError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Some(record);
            }
            if self.done {
                return None;
            }
            if let Err(error) = self.read() {
                self.ready.push_back(Err(error));
            }
        }
    }
}

/// Returns the line that a part of a text begins in.
fn line_of(part: &RawValue, text: &str, first: usize) -> usize {
    let offset = (part.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    first + before.iter().filter(|it| **it == b'\n').count()
}

/// Returns what an error says, without the place, which counts from the wrong line.
fn brief(error: &dyn fmt::Display) -> String {
    let error = error.to_string();
    let what = error.split(" at line ").next().unwrap_or_default();
    what.escape_debug().take(120).collect()
}

/// All forms in one; which one it is shows in what is there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form<'a> {
    #[serde(borrow)]
    at: Scalar<'a>,
    #[serde(borrow)]
    topic: Scalar<'a>,
    #[serde(borrow)]
    headers: Option<Value<'a, Headers>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    message_id: Scalar<'a>,
    // datagrepper
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    raw_messages: Option<Vec<&'a RawValue>>,
    // fedmsg
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    msg_id: Scalar<'a>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
    // a consumer's log
    #[serde(borrow)]
    captured_at: Scalar<'a>,
    #[serde(borrow)]
    deliver: Option<Value<'a, Deliver<'a>>>,
    #[serde(borrow)]
    properties: Option<Value<'a, Properties<'a>>>,
    #[serde(borrow)]
    body_text: Option<&'a RawValue>,
    #[serde(borrow)]
    body_json: Option<&'a RawValue>,
    #[serde(borrow)]
    body_b64: Scalar<'a>,
    // a test message, whose `id` is its own name
    origin: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Deliver<'a> {
    #[serde(borrow)]
    routing_key: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties<'a> {
    #[serde(borrow)]
    headers: Option<Value<'a, Headers>>,
    #[serde(borrow)]
    message_id: Scalar<'a>,
    #[serde(borrow)]
    msg_id: Scalar<'a>,
    #[serde(borrow, rename = "type")]
    kind: Scalar<'a>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
}

/// The headers that matter.
#[derive(Default)]
struct Headers {
    sent_at: Option<String>,
    users: BTreeSet<String>,
    packages: BTreeSet<String>,
    event: Option<String>,
}

impl Form<'_> {
    /// Returns the record, or what was expected.
    fn record(self) -> Result<Record, &'static str> {
        let deliver = object(self.deliver);
        let properties = object(self.properties);
        let headers = self
            .headers
            .and_then(known)
            .or_else(|| properties.headers.and_then(known));
        let headers = headers.unwrap_or_default();
        let topic = self.topic.text().or_else(|| deliver.routing_key.text());
        let topic = topic.ok_or(EXPECTED)?.to_owned();
        let body = self.body.or(self.msg).or(self.body_text).or(self.body_json);
        let body = match (body, self.body_b64.text()) {
            (Some(body), _) => plain(body).into_bytes(),
            (None, Some(octets)) => BASE64_STANDARD.decode(octets).map_err(|_| "body_b64 is not base64")?,
            (None, None) => return Err(EXPECTED),
        };
        let id = if self.origin.is_none() {
            self.id
        } else {
            Scalar::Nothing
        };
        let ids = [
            &properties.message_id,
            &self.message_id,
            &self.msg_id,
            &properties.msg_id,
            &id,
        ];
        let timestamp = self.timestamp.or(properties.timestamp).map(plain);
        let sent_at = headers.sent_at.or(timestamp);
        let at = if self.at == Scalar::Nothing {
            let captured = self.captured_at.time();
            captured.or_else(|| parse_time(sent_at.as_deref()?))
        } else {
            Some(self.at.time().ok_or("at is no time; expected RFC 3339")?)
        };
        Ok(Record {
            at,
            topic,
            message_id: ids.into_iter().find_map(Scalar::text).map(str::to_owned),
            body,
            sent_at,
            users: headers.users,
            packages: headers.packages,
            event: headers.event,
            kind: properties.kind.text().map(str::to_owned),
        })
    }
}

/// Returns a JSON text without its quotes, and any other JSON value as it is written.
fn plain(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

fn object<T: Default>(value: Option<Value<'_, T>>) -> T {
    value.and_then(known).unwrap_or_default()
}

fn known<T>(value: Value<'_, T>) -> Option<T> {
    match value {
        Value::Object(value) => Some(value),
        Value::Text(_) | Value::Whole(_) | Value::Other => None,
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;

        impl<'de> Visitor<'de> for Table {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Headers::default();
                while let Some((key, value)) = map.next_entry::<Cow<'_, str>, Scalar<'_>>()? {
                    if key == "sent-at" {
                        headers.sent_at = value.text().map(str::to_owned);
                    } else if key == "type" {
                        headers.event = value.text().map(str::to_owned);
                    } else if let Some(user) = key.strip_prefix("fedora_messaging_user_") {
                        headers.users.insert(user.to_owned());
                    } else if let Some(package) = key.strip_prefix("fedora_messaging_rpm_") {
                        headers.packages.insert(package.to_owned());
                    }
                }
                Ok(headers)
            }
        }

        deserializer.deserialize_map(Table)
    }
}
