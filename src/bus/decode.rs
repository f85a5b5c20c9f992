//! From the wire to the words of the hub.
//!
//! Promise: whatever bytes a broker sends, [`decode`] answers without a panic and within the limits below, and what
//! it answers is in Koji's own words. "Not for us" is an answer, "broken" is an error, and neither stops the line.
//!
//! It deliberately knows no broker, no file and no clock: the same message always decodes to the same value.

mod children;
mod fedora;
mod fields;
pub mod plugin;

use jiff::Timestamp;
use lapin::types::FieldTable;

use super::amqp::AmqpError;
use crate::koji::{HubEvent, UserId};

pub use crate::koji::lenient::MAX_TEXT;

/// The largest body that is looked into. Real ones end at tens of kilobytes.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// The deepest nesting of arrays and objects in a body. Real ones end at about eight.
pub const MAX_DEPTH: usize = 64;

/// How the messages of one instance look.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// What Koji's plugin for Fedora Messaging publishes.
    FedoraMessaging {
        /// What stands before `.buildsys.` in the topics. Empty: any prefix will do.
        topic_prefix: String,
        /// The `instance` in the bodies that is this hub; messages of another hub have ids of their own.
        koji_instance: String,
    },
    /// Koji's own plugin `messagebus` on a topic exchange: `koji.event.BuildStateChange.state.bash`.
    KojiTopic {
        /// What stands before the event's name in the routing keys, such as `koji.event`.
        prefix: String,
    },
    /// The same plugin on a headers exchange. The messages have no routing key.
    KojiHeaders,
    /// Koji's own plugin `protonmsg`: `koji.build.complete`.
    KojiProtonmsg {
        /// What stands before the event in the routing keys, such as `koji`.
        prefix: String,
    },
    /// Recordings: whichever of the others a message is of, under any prefix. Of Fedora Messaging, the instance that
    /// calls itself `primary`, as nearly all do.
    Recorded,
}

impl Dialect {
    /// Returns the name as the configuration spells it; none for recordings, which are not configured.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::FedoraMessaging { .. } => Some("fedora-messaging"),
            Self::KojiTopic { .. } => Some("koji-topic"),
            Self::KojiHeaders => Some("koji-headers"),
            Self::KojiProtonmsg { .. } => Some("koji-protonmsg"),
            Self::Recorded => None,
        }
    }

    /// Returns what stands before the events in the topics; none where there are no topics, or any will do.
    pub fn prefix(&self) -> Option<&str> {
        match self {
            Self::FedoraMessaging { topic_prefix, .. } => Some(topic_prefix),
            Self::KojiTopic { prefix } | Self::KojiProtonmsg { prefix } => Some(prefix),
            Self::KojiHeaders | Self::Recorded => None,
        }
    }

    /// Returns whether a hub tells of every task itself, by number of its owner: Koji's own plugins do.
    pub fn tells_of_every_task(&self) -> bool {
        match self {
            Self::KojiTopic { .. } | Self::KojiHeaders | Self::KojiProtonmsg { .. } => true,
            Self::FedoraMessaging { .. } | Self::Recorded => false,
        }
    }
}

/// A message as it was delivered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Envelope<'a> {
    /// The routing key; empty on a headers exchange.
    pub topic: &'a str,
    pub message_id: Option<&'a str>,
    /// The header `sent-at`.
    pub sent_at: Option<&'a str>,
    /// The property `type`. RabbitMQ says with it that the body is one of AMQP 1.0.
    pub kind: Option<&'a str>,
    /// All headers. Koji's own plugins name the event in them.
    pub headers: Option<&'a FieldTable>,
    pub body: &'a [u8],
}

/// What a message turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// Something has happened on the hub.
    News {
        /// When the message was sent, by the sender's clock.
        sent: Option<Timestamp>,
        event: HubEvent,
        /// The number of who owns what it is about. Koji's own plugins tell no names of who owns a task.
        owner: Option<UserId>,
    },
    /// It is well formed and tells nothing that could be told; the reason is for logs and tests.
    NotForUs(&'static str),
}

impl Decoded {
    /// Returns the owner that is known by number only, and whose name is yet to be asked for.
    pub fn nameless_owner(&self) -> Option<UserId> {
        match self {
            Self::News { event, owner, .. } if event.owner().is_none() => *owner,
            Self::News { .. } | Self::NotForUs(_) => None,
        }
    }
}

/// Returns what a message says.
///
/// # Errors
/// If it is broken, or beyond the limits of this module.
pub fn decode(dialect: &Dialect, envelope: &Envelope<'_>) -> Result<Decoded, DecodeError> {
    match dialect {
        Dialect::FedoraMessaging {
            topic_prefix,
            koji_instance,
        } => fedora::decode(topic_prefix, koji_instance, envelope),
        Dialect::KojiTopic { prefix } | Dialect::KojiProtonmsg { prefix } => plugin::decode_091(prefix, envelope),
        Dialect::KojiHeaders => plugin::decode_091("", envelope),
        Dialect::Recorded if plugin::is_letter(envelope) => plugin::decode_091("", envelope),
        Dialect::Recorded => fedora::decode("", "primary", envelope),
    }
}

/// Why a message cannot be read. Says what was wrong, with a short excerpt at most.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the body has {size} bytes, more than {MAX_BODY}")]
    TooLarge { size: usize },
    #[error("the body is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("the body is not UTF-8")]
    NotText(#[source] std::str::Utf8Error),
    #[error("the body is not JSON: {detail}")]
    NotJson { detail: String },
    #[error("the message is not AMQP")]
    NotAmqp(#[source] AmqpError),
    #[error("the body is not as expected: {detail}")]
    Malformed { detail: String },
}

impl DecodeError {
    /// Returns the kind of trouble, to log once per kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too large",
            Self::TooDeep => "too deep",
            Self::NotText(_) => "not UTF-8",
            Self::NotJson { .. } => "not JSON",
            Self::NotAmqp(_) => "not AMQP",
            Self::Malformed { .. } => "malformed",
        }
    }

    fn malformed(detail: &str) -> Self {
        Self::Malformed {
            detail: excerpt(detail),
        }
    }
}

impl From<AmqpError> for DecodeError {
    fn from(error: AmqpError) -> Self {
        match error {
            AmqpError::TooLarge { size } => Self::TooLarge { size },
            AmqpError::TooDeep => Self::TooDeep,
            AmqpError::Cut
            | AmqpError::TooMany
            | AmqpError::NoType(_)
            | AmqpError::NotText
            | AmqpError::Unexpected(_) => Self::NotAmqp(error),
        }
    }
}

impl From<serde_json::Error> for DecodeError {
    /// The error of the parser may quote a value of any length, so it is not kept as the source.
    fn from(error: serde_json::Error) -> Self {
        let detail = excerpt(&error.to_string());
        match error.classify() {
            serde_json::error::Category::Data => Self::Malformed { detail },
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => Self::NotJson { detail },
        }
    }
}

/// Returns the body as text, if it is neither too large nor too deep.
fn within_limits(body: &[u8]) -> Result<&str, DecodeError> {
    if body.len() > MAX_BODY {
        return Err(DecodeError::TooLarge { size: body.len() });
    }
    if depth(body) > MAX_DEPTH {
        return Err(DecodeError::TooDeep);
    }
    std::str::from_utf8(body).map_err(DecodeError::NotText)
}

/// Returns how deep a JSON text is nested. Of anything else it returns some number.
fn depth(body: &[u8]) -> usize {
    let mut now = 0_usize;
    let mut deepest = 0;
    let mut in_text = false;
    let mut escaped = false;
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' if !in_text => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Returns the beginning of a text with everything unprintable spelled out, for an error.
fn excerpt(text: &str) -> String {
    const MOST: usize = 120;
    let mut short: String = text.escape_debug().take(MOST).collect();
    if text.len() > MOST {
        short.push('…');
    }
    short
}
