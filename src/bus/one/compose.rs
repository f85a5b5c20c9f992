//! From a message with all that is around it to the sections of AMQP 1.0 (part 3, 3.2). Pure.
//!
//! Promise: it looks as Koji's plugin has it: a text is one value, headers are application properties with simple values,
//! a whole number is a long. What is no text, or has a content type, is data. What there is no room for is told.
//!
//! It deliberately does not know who takes it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;

use super::super::recorded::{Properties, Recorded};
use super::encode::Value;

/// The sections.
const HEADER: u8 = 0x70;
const PROPERTIES: u8 = 0x73;
const APPLICATION_PROPERTIES: u8 = 0x74;
const DATA: u8 = 0x75;
const VALUE: u8 = 0x77;

/// The most characters of a name that are repeated.
const MAX_NAMED: usize = 40;

/// Something that a message of AMQP 1.0 cannot have.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("AMQP 1.0 has no room for {0}")]
pub struct NoRoom(String);

/// Returns a message as it is sent. Where it goes to is said beside it.
///
/// # Errors
/// If it has a property or a header that there is no room for.
pub(super) fn compose(message: &Recorded) -> Result<Vec<u8>, NoRoom> {
    let Properties {
        content_type,
        content_encoding,
        delivery_mode,
        priority,
        correlation_id,
        reply_to,
        expiration,
        timestamp,
        kind,
        app_id,
    } = &message.properties;
    for (what, it) in [("type", kind), ("app id", app_id)] {
        if it.is_some() {
            return Err(NoRoom(format!("the {what}")));
        }
    }
    let mut bytes = Vec::new();
    let lasts = expiration.as_deref().map(str::parse::<u32>).transpose();
    let lasts = lasts.map_err(|_| NoRoom("the expiration, which is no number of milliseconds".to_owned()))?;
    let header = vec![
        Value::Switch(*delivery_mode == Some(2)),
        priority.map_or(Value::Null, Value::Ubyte),
        lasts.map_or(Value::Null, Value::Uint),
    ];
    Value::Composite(HEADER, header).write(&mut bytes);
    let created = timestamp.map(|it| i64::try_from(it).ok().and_then(|it| it.checked_mul(1000)));
    let created = match created {
        Some(Some(milliseconds)) => Value::Time(milliseconds),
        Some(None) => return Err(NoRoom("the timestamp".to_owned())),
        None => Value::Null,
    };
    let properties = vec![
        text(message.id.as_deref()),
        Value::Null,
        Value::Null,
        Value::Null,
        text(reply_to.as_deref()),
        text(correlation_id.as_deref()),
        symbol("content type", content_type.as_deref())?,
        symbol("content encoding", content_encoding.as_deref())?,
        Value::Null,
        created,
    ];
    Value::Composite(PROPERTIES, properties).write(&mut bytes);
    if !message.headers.is_empty() {
        let fields = message.headers.iter();
        let fields = fields.map(|(name, it)| Ok((Value::Text(name), simple(name, it)?)));
        let fields = Value::Map(fields.collect::<Result<_, _>>()?);
        Value::Section(APPLICATION_PROPERTIES, Box::new(fields)).write(&mut bytes);
    }
    let body = match std::str::from_utf8(&message.body) {
        Ok(text) if content_type.is_none() => Value::Section(VALUE, Box::new(Value::Text(text))),
        Ok(_) | Err(_) => Value::Section(DATA, Box::new(Value::Binary(&message.body))),
    };
    body.write(&mut bytes);
    Ok(bytes)
}

fn text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Null, Value::Text)
}

/// Symbols are ASCII.
fn symbol<'a>(what: &str, text: Option<&'a str>) -> Result<Value<'a>, NoRoom> {
    match text {
        Some(text) if !text.is_ascii() => Err(NoRoom(format!("the {what}, which is not ASCII"))),
        Some(text) => Ok(Value::Symbol(text)),
        None => Ok(Value::Null),
    }
}

/// Returns the value of an application property.
fn simple<'a>(name: &str, value: &'a Json) -> Result<Value<'a>, NoRoom> {
    let no_room = || {
        NoRoom(format!(
            "the header {}",
            name.chars().take(MAX_NAMED).collect::<String>()
        ))
    };
    Ok(match value {
        Json::Null => Value::Null,
        Json::Bool(it) => Value::Switch(*it),
        Json::String(it) => Value::Text(it),
        Json::Number(it) => match (it.as_i64(), it.as_u64(), it.as_f64()) {
            (Some(whole), _, _) => Value::Long(whole),
            (None, Some(whole), _) => Value::Ulong(whole),
            (None, None, Some(float)) => Value::Double(float),
            (None, None, None) => return Err(no_room()),
        },
        Json::Array(_) => return Err(no_room()),
        // As octets are written down where they have no words.
        Json::Object(fields) => match (fields.len(), fields.get("base64")) {
            (1, Some(Json::String(text))) => Value::Octets(BASE64_STANDARD.decode(text).map_err(|_| no_room())?),
            _ => return Err(no_room()),
        },
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::super::super::amqp::Item;
    use super::super::super::amqp::message::{Body, Message};
    use super::*;

    #[test]
    fn a_message_is_composed_as_the_plugin_has_it() {
        let message = Recorded {
            id: Some("4711".to_owned()),
            headers: object(json!({
                "type": "TaskStateChange", "id": 7, "parent": null, "expire": true, "float": 0.5,
                "large": u64::MAX, "octets": {"base64": "/wA="},
            })),
            properties: Properties {
                delivery_mode: Some(2),
                priority: Some(9),
                expiration: Some("60000".to_owned()),
                timestamp: Some(1_795_195_322),
                ..Properties::default()
            },
            body: b"{}".to_vec(),
            ..Recorded::default()
        };
        let bytes = compose(&message).unwrap();
        let read = Message::read([&*bytes]).unwrap();
        assert_eq!(read.body, Body::Value(Item::Text("{}")));
        assert_eq!(read.properties.message_id(), Some(Item::Text("4711")));
        assert_eq!(read.properties.created().unwrap().as_second(), 1_795_195_322);
        assert_eq!((read.properties.to(), read.properties.content_type()), (None, None));
        let header = read.header;
        assert!(header.is_durable());
        assert_eq!((header.priority(), header.ttl_ms()), (9, Some(60_000)));
        let said = |name| read.application_properties.value_of(name).unwrap();
        assert_eq!(said("type"), Item::Text("TaskStateChange"));
        assert_eq!(said("id"), Item::Whole(7));
        assert_eq!(said("parent"), Item::Null);
        assert_eq!(said("expire"), Item::Switch(true));
        assert_eq!(said("float"), Item::Float(0.5));
        assert_eq!(said("large"), Item::Unsigned(u64::MAX));
        assert_eq!(said("octets"), Item::Bytes(b"\xff\0"));
    }

    #[test]
    fn what_is_no_text_or_has_a_content_type_is_data() {
        for (content_type, body) in [(None, &b"\xff"[..]), (Some("text/plain"), b"tea")] {
            let message = Recorded {
                properties: Properties {
                    content_type: content_type.map(str::to_owned),
                    ..Properties::default()
                },
                body: body.to_vec(),
                ..Recorded::default()
            };
            let bytes = compose(&message).unwrap();
            let read = Message::read([&*bytes]).unwrap();
            assert_eq!(read.body, Body::Data(body.into()));
            assert_eq!(read.properties.content_type(), content_type);
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_told() {
        let mut told = String::new();
        for (headers, properties) in [
            (json!({"list": [1]}), json!({})),
            (json!({"table": {"a": 1}}), json!({})),
            (json!({"octets": {"base64": "?"}}), json!({})),
            (json!({}), json!({"type": "tea"})),
            (json!({}), json!({"app_id": "tea"})),
            (json!({}), json!({"expiration": "soon"})),
            (json!({}), json!({"timestamp": u64::MAX})),
            (json!({}), json!({"content_type": "\u{e4}"})),
        ] {
            let message = Recorded {
                headers: object(headers),
                properties: serde_json::from_value(properties).unwrap(),
                ..Recorded::default()
            };
            told += &format!("{}\n", compose(&message).unwrap_err());
        }
        expect![[r#"
            AMQP 1.0 has no room for the header list
            AMQP 1.0 has no room for the header table
            AMQP 1.0 has no room for the header octets
            AMQP 1.0 has no room for the type
            AMQP 1.0 has no room for the app id
            AMQP 1.0 has no room for the expiration, which is no number of milliseconds
            AMQP 1.0 has no room for the timestamp
            AMQP 1.0 has no room for the content type, which is not ASCII
        "#]]
        .assert_eq(&told);
    }

    fn object(json: Json) -> serde_json::Map<String, Json> {
        json.as_object().unwrap().clone()
    }
}
