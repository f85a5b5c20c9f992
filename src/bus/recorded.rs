//! A message whole, as one line of the replay format: what `koji-notify tail` writes, and `replay` and `publish` read.
//!
//! Promise: what was written is read as it was, but for white space between the values of a body, where a line break
//! becomes a space. A body that is no JSON object or array is kept beside it, under `body_text`, or as `body_b64` where
//! it is no text either.
//!
//! It deliberately does not know what a message says.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use lapin::BasicProperties;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::table;
use crate::clock;
use crate::koji::InstanceName;

/// A message with all that was around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// When it was heard.
    pub at: Option<Timestamp>,
    /// Where it was heard, by the configuration.
    pub instance: Option<String>,
    pub topic: String,
    pub id: Option<String>,
    pub headers: Map<String, Value>,
    pub properties: Properties,
    pub body: Vec<u8>,
}

/// The properties of a message (AMQP 0-9-1, class basic) that are its own: who is logged in is the broker's to say.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Properties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// 2: the broker keeps it on its disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_mode: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// How long it is worth something, in milliseconds, as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<String>,
    /// In whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
}

/// Why a line is no message.
#[derive(Debug, thiserror::Error)]
pub enum NotRecorded {
    #[error("not a recorded message: {0}; expected topic, and body, body_text or body_b64")]
    Form(String),
    #[error("body_b64 is not base64")]
    NotBase64,
}

impl Properties {
    /// Takes them from a message.
    pub fn of(properties: &BasicProperties) -> Self {
        let text = |it: &Option<lapin::types::ShortString>| it.as_ref().map(|it| it.as_str().to_owned());
        Self {
            content_type: text(properties.content_type()),
            content_encoding: text(properties.content_encoding()),
            delivery_mode: *properties.delivery_mode(),
            priority: *properties.priority(),
            correlation_id: text(properties.correlation_id()),
            reply_to: text(properties.reply_to()),
            expiration: text(properties.expiration()),
            timestamp: *properties.timestamp(),
            kind: text(properties.kind()),
            app_id: text(properties.app_id()),
        }
    }
}

impl Recorded {
    /// Says that it was heard now, and where.
    pub(super) fn heard_by(self, instance: &InstanceName) -> Self {
        Self {
            at: Some(clock::now()),
            instance: Some(instance.to_string()),
            ..self
        }
    }

    /// Takes a message of AMQP 0-9-1, but for when and where it was heard.
    pub(super) fn of(topic: &str, properties: &BasicProperties, body: &[u8]) -> Self {
        Self {
            at: None,
            instance: None,
            topic: topic.to_owned(),
            id: properties.message_id().as_ref().map(|it| it.as_str().to_owned()),
            headers: properties.headers().as_ref().map(table::to_json).unwrap_or_default(),
            properties: Properties::of(properties),
            body: body.to_vec(),
        }
    }

    /// Returns the message as a JSON object on one line.
    ///
    /// # Errors
    /// None that is known: there is JSON for all of it.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        let body = Body::of(&self.body)?;
        serde_json::to_string(&Written {
            at: self.at,
            instance: self.instance.as_deref(),
            topic: &self.topic,
            id: self.id.as_deref(),
            headers: &self.headers,
            properties: &self.properties,
            body,
        })
    }

    /// Reads a message from a line.
    ///
    /// # Errors
    /// If it is not JSON, or something that a message needs is not there.
    pub fn from_line(line: &str) -> Result<Self, NotRecorded> {
        let form: Form<'_> = serde_json::from_str(line).map_err(|error| NotRecorded::Form(brief(&error)))?;
        let body = match (form.body, form.body_text, form.body_b64) {
            // A text is the body itself, without its quotes.
            (Some(body), None, None) => match serde_json::from_str::<String>(body.get()) {
                Ok(text) => text.into_bytes(),
                Err(_) => body.get().as_bytes().to_vec(),
            },
            (None, Some(text), None) => text.into_bytes(),
            (None, None, Some(octets)) => BASE64_STANDARD.decode(octets).map_err(|_| NotRecorded::NotBase64)?,
            (None, None, None) => return Err(NotRecorded::Form("there is no body".to_owned())),
            (_, _, _) => return Err(NotRecorded::Form("there are several bodies".to_owned())),
        };
        let properties = form.properties.unwrap_or_default();
        Ok(Self {
            at: None,
            instance: None,
            topic: form.topic,
            id: form.id.or(properties.message_id),
            headers: form.headers.unwrap_or_default(),
            properties: properties.others,
            body,
        })
    }
}

/// A message as it is written.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    headers: &'a Map<String, Value>,
    properties: &'a Properties,
    #[serde(flatten)]
    body: Body<'a>,
}

/// A body under the key that says what it is.
#[derive(Serialize)]
enum Body<'a> {
    #[serde(rename = "body")]
    Json(Box<RawValue>),
    #[serde(rename = "body_text")]
    Text(&'a str),
    #[serde(rename = "body_b64")]
    Octets(String),
}

impl<'a> Body<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Ok(Self::Octets(BASE64_STANDARD.encode(bytes)));
        };
        // A text in JSON would be read as a text that is the body, and null as no body at all.
        let is_structure = text.trim_start().starts_with(['{', '[']);
        match serde_json::from_str::<&RawValue>(text) {
            // Line breaks stand between values only: in a text they are spelled out.
            Ok(_) if is_structure => Ok(Self::Json(RawValue::from_string(text.replace(['\n', '\r'], " "))?)),
            Ok(_) | Err(_) => Ok(Self::Text(text)),
        }
    }
}

/// A message as it is read.
#[derive(Deserialize)]
struct Form<'a> {
    topic: String,
    id: Option<String>,
    headers: Option<Map<String, Value>>,
    properties: Option<ReadProperties>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    body_text: Option<String>,
    body_b64: Option<String>,
}

#[derive(Default, Deserialize)]
struct ReadProperties {
    message_id: Option<String>,
    #[serde(flatten)]
    others: Properties,
}

/// Returns what an error says, shortened: it may quote what it has read.
fn brief(error: &serde_json::Error) -> String {
    let error = error.to_string();
    let what = error.split(" at line ").next().unwrap_or_default();
    what.escape_debug().take(120).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::bus::replay::records;

    #[test]
    fn a_message_is_one_line() {
        let message = Recorded {
            at: Some("2026-11-20T17:54:23.272Z".parse().unwrap()),
            instance: Some("lab".to_owned()),
            topic: "org.example.buildsys.tag".to_owned(),
            id: Some("4711".to_owned()),
            headers: json!({"sent-at": "2026-11-20T17:54:23+00:00"})
                .as_object()
                .unwrap()
                .clone(),
            properties: Properties {
                content_type: Some("application/json".to_owned()),
                delivery_mode: Some(2),
                ..Properties::default()
            },
            body: b"{\"a\":\n  1.50}".to_vec(),
        };
        expect![[r#"{"at":"2026-11-20T17:54:23.272Z","instance":"lab","topic":"org.example.buildsys.tag","id":"4711","headers":{"sent-at":"2026-11-20T17:54:23+00:00"},"properties":{"content_type":"application/json","delivery_mode":2},"body":{"a":   1.50}}"#]]
            .assert_eq(&message.to_line().unwrap());
        let bare = Recorded {
            topic: "a".to_owned(),
            body: b"\xff".to_vec(),
            ..Recorded::default()
        };
        assert_eq!(
            bare.to_line().unwrap(),
            r#"{"topic":"a","headers":{},"properties":{},"body_b64":"/w=="}"#
        );
    }

    #[test]
    fn what_is_no_message_is_told() {
        let told = |line: &str| Recorded::from_line(line).unwrap_err().to_string();
        let expected = "; expected topic, and body, body_text or body_b64";
        assert_eq!(
            told("{}"),
            format!("not a recorded message: missing field `topic`{expected}")
        );
        assert_eq!(
            told(r#"{"topic":"a"}"#),
            format!("not a recorded message: there is no body{expected}")
        );
        assert_eq!(told(r#"{"topic":"a","body_b64":"?"}"#), "body_b64 is not base64");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_as_it_was(body in body(), topic in "[a-z.]{0,9}", id in prop::option::of("\\PC{1,9}")) {
            let message = Recorded { topic, id, body, ..Recorded::default() };
            let line = message.to_line().unwrap();
            prop_assert!(!line.contains('\n'), "{}", line);
            prop_assert_eq!(&Recorded::from_line(&line).unwrap(), &message);
        }

        /// What a replay makes of a body is what was in it.
        #[test]
        fn a_replay_reads_the_same_body(body in body()) {
            prop_assume!(std::str::from_utf8(&body).is_ok());
            let message = Recorded { topic: "a".to_owned(), body: body.clone(), ..Recorded::default() };
            let read = records(message.to_line().unwrap().as_bytes(), "line").unwrap();
            prop_assert_eq!(&read[0].body, &body);
        }
    }

    fn body() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            "\\PC{0,20}".prop_map(String::into_bytes),
            prop::sample::select(vec!["null", "\"text\"", "1.50", "[1, 2]", "{\"a\": \"\\u00e4\"}", ""])
                .prop_map(|it| it.as_bytes().to_vec()),
        ]
    }
}
