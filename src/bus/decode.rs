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

use super::amqp::AmqpError;
use crate::koji::lenient::parse_time;
use crate::koji::{HubEvent, UserId};

pub use crate::koji::lenient::MAX_TEXT;

/// The largest body that is looked into. Real ones end at tens of kilobytes.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// The deepest nesting of arrays and objects in a body. Real ones end at about eight.
pub const MAX_DEPTH: usize = 64;

/// How the messages of one instance look.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dialect {
    /// What stands before `.buildsys.` in the topics. Empty: any prefix will do.
    pub topic_prefix: String,
    /// The `instance` in the bodies that is this hub; messages of another hub have ids of their own.
    pub koji_instance: String,
}

impl Dialect {
    /// Returns the dialect of recordings: any prefix, and the instance that calls itself `primary`, as nearly all do.
    pub fn of_recordings() -> Self {
        Self {
            topic_prefix: String::new(),
            koji_instance: "primary".to_owned(),
        }
    }
}

/// A message as it was delivered.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    pub topic: &'a str,
    pub message_id: Option<&'a str>,
    /// The header `sent-at`.
    pub sent_at: Option<&'a str>,
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
    let Some(event) = event(dialect, envelope.topic) else {
        return Ok(Decoded::NotForUs("another topic prefix"));
    };
    let read = match event {
        "build.state.change" => fedora::build,
        "task.state.change" => fedora::task,
        "tag" => fedora::tag,
        "untag" => fedora::untag,
        "build.promote" => return Ok(Decoded::NotForUs("topic build.promote")),
        "package.list.change" => return Ok(Decoded::NotForUs("topic package.list.change")),
        "repo.init" => return Ok(Decoded::NotForUs("topic repo.init")),
        "repo.done" => return Ok(Decoded::NotForUs("topic repo.done")),
        "rpm.sign" => return Ok(Decoded::NotForUs("topic rpm.sign")),
        _ => return Ok(Decoded::NotForUs("another topic")),
    };
    let told = read(dialect, within_limits(envelope.body)?)?;
    Ok(match told {
        Ok(change) => Decoded::News {
            sent: envelope.sent_at.and_then(parse_time),
            event: HubEvent::Changed(change),
            owner: None,
        },
        Err(reason) => Decoded::NotForUs(reason),
    })
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

/// Returns the part of a topic after `buildsys.`, or `None` if the topic is not this instance's.
fn event<'a>(dialect: &Dialect, topic: &'a str) -> Option<&'a str> {
    if dialect.topic_prefix.is_empty() {
        let (_, event) = topic.split_once(".buildsys.")?;
        return Some(event);
    }
    let rest = topic.strip_prefix(dialect.topic_prefix.as_str())?;
    rest.strip_prefix(".buildsys.")
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
