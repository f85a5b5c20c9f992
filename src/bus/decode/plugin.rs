//! Koji's own plugins: `protonmsg` (since Koji 1.11, JSON over AMQP 1.0) and `messagebus` (Koji 1.4 to 1.16, maps of
//! AMQP 0-10).
//!
//! Both send the hub's events as they are, so both are read alike: a [`Letter`] is an event's name and its arguments,
//! whatever they were wrapped in. Nothing in a letter says when it was sent, which hub it is from, or that it is the
//! same one again.
//!
//! It deliberately knows no users: a task is owned by a number, and whose number it is, the hub knows.

mod bodies;
mod call;
mod outside;

use std::borrow::Cow;

use jiff::Timestamp;
use lapin::types::{AMQPValue, FieldTable};

use super::{DecodeError, Decoded, Envelope, MAX_BODY};
use crate::bus::amqp::message::{Body, Message};
use crate::bus::amqp::{Item, zero_ten_map};
use crate::koji::HubEvent;
use crate::koji::lenient::{cut, parse_time};

pub(in crate::bus) use outside::{Outside, address, token};

/// The property `type` of a message of AMQP 1.0, as RabbitMQ hands it on.
const AMQP_10: &str = "amqp-1.0";

/// The header in which RabbitMQ before 4 hands on the application properties.
const SAID: &str = "x-amqp-1.0-app-properties";

/// What one of Koji's plugins has sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter<'a> {
    /// Where it was sent to, or its routing key: `topic://koji.build.complete` or
    /// `koji.event.BuildStateChange.state.bash`.
    pub address: Option<&'a str>,
    /// The application property or header `type`: the event's name, such as `BuildStateChange`.
    pub name: Option<&'a str>,
    pub content: Content<'a>,
    /// When it was sent, by the sender's clock. Koji does not say it, a broker may.
    pub sent: Option<Timestamp>,
}

/// The arguments of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<'a> {
    /// The text of a JSON object.
    Json(Cow<'a, [u8]>),
    /// A map of AMQP 1.0.
    Map(Item<'a>),
    /// An encoded map of AMQP 0-10.
    ZeroTen(Cow<'a, [u8]>),
}

impl<'a> Letter<'a> {
    /// Takes a message of AMQP 1.0. `address` is where it was sent to, if that is known from elsewhere; many brokers do
    /// not say it in the message.
    ///
    /// # Errors
    /// If its body is none that a plugin sends.
    pub fn of_message(message: Message<'a>, address: Option<&'a str>) -> Result<Self, DecodeError> {
        let properties = message.properties;
        let said = message.application_properties;
        let is_map = matches!(properties.content_type(), Some("amqp/map"));
        Ok(Self {
            address: address
                .or_else(|| properties.to())
                .or_else(|| said.value_of("qpid.subject")?.text())
                .or_else(|| properties.subject()),
            name: said.value_of("type").and_then(Item::text),
            sent: properties.created(),
            content: match message.body {
                Body::Value(Item::Text(text)) => Content::Json(Cow::Borrowed(text.as_bytes())),
                Body::Value(Item::Bytes(bytes)) => Content::Json(Cow::Borrowed(bytes)),
                Body::Value(map @ Item::Map(_)) => Content::Map(map),
                Body::Data(bytes) if is_map => Content::ZeroTen(bytes),
                Body::Data(bytes) => Content::Json(bytes),
                Body::Nothing | Body::Sequence(_) | Body::Value(_) => {
                    return Err(DecodeError::malformed("neither a text nor a map"));
                }
            },
        })
    }

    /// Takes a message of AMQP 1.0 as RabbitMQ hands it to a client of AMQP 0-9-1. The body is a section, and `kind`,
    /// which is the property `type`, says so. Before RabbitMQ 4 the other sections are in headers; since then each
    /// application property is a header of its own. Any other body is taken for the bare JSON.
    ///
    /// # Errors
    /// If it is not AMQP, or its body is none that a plugin sends.
    pub fn over_091(
        routing_key: &'a str,
        kind: Option<&str>,
        headers: &'a FieldTable,
        body: &'a [u8],
    ) -> Result<Self, DecodeError> {
        let name = text(headers, "type");
        let address = Some(routing_key).filter(|it| !it.is_empty());
        if kind != Some(AMQP_10) {
            return Ok(Self {
                address,
                name,
                content: Content::Json(Cow::Borrowed(body)),
                sent: None,
            });
        }
        let section = |it: &str| header(headers, it).unwrap_or_default();
        let parts = [
            section("x-amqp-1.0-message-annotations"),
            section("x-amqp-1.0-properties"),
            section(SAID),
            body,
            section("x-amqp-1.0-footer"),
        ];
        let mut letter = Self::of_message(Message::read(parts)?, address)?;
        letter.name = letter.name.or(name);
        Ok(letter)
    }
}

/// Returns a header that is octets or a text.
fn header<'a>(headers: &'a FieldTable, name: &str) -> Option<&'a [u8]> {
    octets(headers.inner().get(name)?)
}

fn text<'a>(headers: &'a FieldTable, name: &str) -> Option<&'a str> {
    str::from_utf8(header(headers, name)?).ok()
}

fn octets(value: &AMQPValue) -> Option<&[u8]> {
    if let AMQPValue::LongString(text) = value {
        return Some(text.as_bytes());
    }
    if let AMQPValue::ByteArray(bytes) = value {
        return Some(bytes.as_slice());
    }
    None
}

/// Returns what a message of AMQP 0-9-1 says.
pub(super) fn decode_091(prefix: &str, envelope: &Envelope<'_>) -> Result<Decoded, DecodeError> {
    let none = FieldTable::default();
    let headers = envelope.headers.unwrap_or(&none);
    let mut letter = Letter::over_091(envelope.topic, envelope.kind, headers, envelope.body)?;
    letter.sent = letter.sent.or_else(|| parse_time(envelope.sent_at?));
    decode(prefix, &letter)
}

/// Returns whether a recorded message is of Koji's own plugins: it names one of their events, where they name it, or
/// was sent to a topic as they write it.
pub(super) fn is_letter(envelope: &Envelope<'_>) -> bool {
    let topic = envelope.topic;
    let is_named = || {
        envelope
            .headers
            .and_then(|it| Named::by_type(text(it, "type")?))
            .is_some()
    };
    let is_addressed = || bare(topic).len() < topic.len() || topic.split('.').any(|it| Named::by_type(it).is_some());
    envelope.kind == Some(AMQP_10) || is_named() || is_addressed()
}

/// Returns what a letter says. `prefix` is what stands before the event in the addresses, as the plugin is configured
/// (`koji`, `topic://VirtualTopic.eng.brew`, `koji.event`); with an empty one, any will do.
///
/// # Errors
/// If it is broken, or beyond the limits of decoding.
pub fn decode(prefix: &str, letter: &Letter<'_>) -> Result<Decoded, DecodeError> {
    let key = match letter.address.map(|it| key(prefix, it)) {
        Some(None) => return Ok(Decoded::NotForUs("another topic prefix")),
        Some(Some(key)) => Some(key),
        None => None,
    };
    let name = letter.name.filter(|it| !it.is_empty());
    let named = match (name, key) {
        (Some(name), _) => Named::by_type(name),
        (None, Some(key)) => Named::by_key(key, !prefix.is_empty()),
        (None, None) => return Ok(Decoded::NotForUs("neither an address nor a type")),
    };
    let Some(named) = named else {
        let name = cut(name.or(key).unwrap_or_default()).to_owned();
        return Ok(Decoded::News {
            sent: letter.sent,
            event: HubEvent::Other { name },
            owner: None,
        });
    };
    Ok(match bodies::read(named, &letter.content)? {
        Ok(bodies::Happened { event, owner }) => Decoded::News {
            sent: letter.sent,
            event,
            owner,
        },
        Err(reason) => Decoded::NotForUs(reason),
    })
}

/// The events of a hub, by the names of their callbacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::bus) enum Named {
    PackageListChange,
    TaskStateChange,
    BuildStateChange,
    Import,
    RpmSign,
    Tag,
    Untag,
    RepoInit,
    RepoDone,
    BuildPromote,
}

impl Named {
    fn by_type(name: &str) -> Option<Self> {
        match name {
            "PackageListChange" => Some(Self::PackageListChange),
            "TaskStateChange" => Some(Self::TaskStateChange),
            "BuildStateChange" => Some(Self::BuildStateChange),
            "Import" => Some(Self::Import),
            "RPMSign" => Some(Self::RpmSign),
            "Tag" => Some(Self::Tag),
            "Untag" => Some(Self::Untag),
            "RepoInit" => Some(Self::RepoInit),
            "RepoDone" => Some(Self::RepoDone),
            "BuildPromote" => Some(Self::BuildPromote),
            _ => None,
        }
    }

    /// Reads the address of an event. That of `messagebus` opens with the event's name, and tags and packages follow;
    /// that of `protonmsg` ends with two words. If `whole`, nothing stands before them.
    fn by_key(key: &str, whole: bool) -> Option<Self> {
        let mut words = key.split('.');
        let named = if whole {
            words.next().and_then(Self::by_type)
        } else {
            words.find_map(Self::by_type)
        };
        if named.is_some() {
            return named;
        }
        let (before, last) = key.rsplit_once('.')?;
        let first = match before.rsplit_once('.') {
            Some(_) if whole => return None,
            Some((_, first)) => first,
            None => before,
        };
        match (first, last) {
            ("package", _) => Some(Self::PackageListChange),
            ("task", _) => Some(Self::TaskStateChange),
            ("build", "tag") => Some(Self::Tag),
            ("build", "untag") => Some(Self::Untag),
            ("build", "promote") => Some(Self::BuildPromote),
            ("build", _) => Some(Self::BuildStateChange),
            ("import", _) => Some(Self::Import),
            ("sign", "rpm") => Some(Self::RpmSign),
            ("repo", "init") => Some(Self::RepoInit),
            ("repo", "done") => Some(Self::RepoDone),
            _ => None,
        }
    }
}

/// Returns the part of an address after the prefix, or `None` if it has another one.
fn key<'a>(prefix: &str, address: &'a str) -> Option<&'a str> {
    let rest = bare(address);
    if prefix.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix(bare(prefix))?.strip_prefix('.')
}

/// Returns an address without what the brokers put before it: plugin and listener need not write it alike.
pub(in crate::bus) fn bare(address: &str) -> &str {
    for exchange in ["/exchange/", "/exchanges/"] {
        if let Some((_, key)) = address.strip_prefix(exchange).and_then(|it| it.split_once('/')) {
            return key;
        }
    }
    let kinds = ["topic://", "queue://", "/topic/", "/queue/"];
    let rest = kinds.into_iter().find_map(|it| address.strip_prefix(it));
    rest.unwrap_or(address)
}

impl Content<'_> {
    /// Returns the map that the octets of AMQP 0-10 are.
    fn zero_ten(bytes: &[u8]) -> Result<Item<'_>, DecodeError> {
        if bytes.len() > MAX_BODY {
            return Err(DecodeError::TooLarge { size: bytes.len() });
        }
        Ok(zero_ten_map(bytes)?)
    }
}
