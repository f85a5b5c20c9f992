//! What a broker says: frames, and the performative in each. Pure.
//!
//! Promise: a frame is no larger than announced, and a performative is read by the bounded reader of
//! [`crate::bus::amqp`], whatever is in it.
//!
//! It deliberately does not know what is expected when.

use super::super::amqp::{AmqpError, Item, Items, one_zero};
use crate::net::trouble::shortened;

/// The largest frame that we take, in bytes; a larger message comes in several.
pub(super) const MAX_FRAME: u32 = 64 * 1024;

/// The longest text of a broker that is kept, in bytes.
const MAX_TEXT: usize = 200;

/// A frame, whole.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) channel: u16,
    bytes: Vec<u8>,
    /// Where its body begins.
    body: usize,
}

/// Takes the first frame out of what has come so far. `None`: there is more to come.
pub(super) fn split(bytes: &mut Vec<u8>) -> Result<Option<Frame>, Odd> {
    let Some((header, _)) = bytes.split_first_chunk::<8>() else {
        return Ok(None);
    };
    let [a, b, c, d, words, kind, high, low] = *header;
    let size = u32::from_be_bytes([a, b, c, d]);
    if size > MAX_FRAME {
        return Err(Odd::LargeFrame(size));
    }
    let body = usize::from(words) * 4;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if body < 8 || size < body {
        return Err(Odd::NoFrame);
    }
    if bytes.len() < size {
        return Ok(None);
    }
    let rest = bytes.split_off(size);
    Ok(Some(Frame {
        kind,
        channel: u16::from_be_bytes([high, low]),
        bytes: std::mem::replace(bytes, rest),
        body,
    }))
}

impl Frame {
    /// Returns what it says; `None`: only that somebody is there.
    pub(super) fn performative(&self) -> Result<Option<Performative<'_>>, Odd> {
        let body = self.bytes.get(self.body..).unwrap_or_default();
        let Some((mark, rest)) = body.split_first() else {
            return Ok(None);
        };
        if *mark != 0 {
            return Err(Odd::NoPerformative);
        }
        let (descriptor, rest) = one_zero(rest)?;
        let kind = Kind::of(descriptor)?;
        let (fields, payload) = one_zero(rest)?;
        let Item::List(fields) = fields else {
            return Err(Odd::NoPerformative);
        };
        Ok(Some(Performative { kind, fields, payload }))
    }
}

/// One thing that is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Performative<'a> {
    pub(super) kind: Kind,
    fields: Items<'a>,
    /// What follows it in the frame.
    pub(super) payload: &'a [u8],
}

/// What can be said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Open,
    Begin,
    Attach,
    Flow,
    Transfer,
    Disposition,
    Detach,
    End,
    Close,
    Mechanisms,
    Init,
    Challenge,
    Response,
    Outcome,
}

impl Kind {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Open => 0x10,
            Self::Begin => 0x11,
            Self::Attach => 0x12,
            Self::Flow => 0x13,
            Self::Transfer => 0x14,
            Self::Disposition => 0x15,
            Self::Detach => 0x16,
            Self::End => 0x17,
            Self::Close => 0x18,
            Self::Mechanisms => 0x40,
            Self::Init => 0x41,
            Self::Challenge => 0x42,
            Self::Response => 0x43,
            Self::Outcome => 0x44,
        }
    }

    fn of(descriptor: Item<'_>) -> Result<Self, Odd> {
        Ok(match (descriptor.number(), descriptor.text()) {
            (Some(0x10), _) | (_, Some("amqp:open:list")) => Self::Open,
            (Some(0x11), _) | (_, Some("amqp:begin:list")) => Self::Begin,
            (Some(0x12), _) | (_, Some("amqp:attach:list")) => Self::Attach,
            (Some(0x13), _) | (_, Some("amqp:flow:list")) => Self::Flow,
            (Some(0x14), _) | (_, Some("amqp:transfer:list")) => Self::Transfer,
            (Some(0x15), _) | (_, Some("amqp:disposition:list")) => Self::Disposition,
            (Some(0x16), _) | (_, Some("amqp:detach:list")) => Self::Detach,
            (Some(0x17), _) | (_, Some("amqp:end:list")) => Self::End,
            (Some(0x18), _) | (_, Some("amqp:close:list")) => Self::Close,
            (Some(0x40), _) | (_, Some("amqp:sasl-mechanisms:list")) => Self::Mechanisms,
            (Some(0x41), _) | (_, Some("amqp:sasl-init:list")) => Self::Init,
            (Some(0x42), _) | (_, Some("amqp:sasl-challenge:list")) => Self::Challenge,
            (Some(0x43), _) | (_, Some("amqp:sasl-response:list")) => Self::Response,
            (Some(0x44), _) | (_, Some("amqp:sasl-outcome:list")) => Self::Outcome,
            _ => return Err(Odd::NoPerformative),
        })
    }
}

impl<'a> Performative<'a> {
    /// Returns the field at a place, counted from 0, unless it is left out.
    pub(super) fn at(&self, place: usize) -> Option<Item<'a>> {
        field(self.fields, place)
    }

    pub(super) fn text(&self, place: usize) -> Option<&'a str> {
        self.at(place)?.text()
    }

    pub(super) fn number(&self, place: usize) -> Option<u32> {
        u32::try_from(self.at(place)?.number()?).ok()
    }

    pub(super) fn is_on(&self, place: usize) -> bool {
        self.at(place) == Some(Item::Switch(true))
    }

    /// Returns what describes the field at a place, if anything does.
    pub(super) fn descriptor_of(&self, place: usize) -> Option<Item<'a>> {
        self.fields.descriptor_of(place)
    }

    /// Returns why the other side ends something.
    pub(super) fn reason(&self, place: usize) -> Said {
        reason(self.at(place))
    }
}

/// Returns what an error says.
pub(super) fn reason(error: Option<Item<'_>>) -> Said {
    let Some(Item::List(error)) = error else {
        return Said::default();
    };
    let text = |place| field(error, place).and_then(Item::text).unwrap_or_default();
    Said {
        condition: shortened(text(0), MAX_TEXT).to_owned(),
        description: shortened(text(1), MAX_TEXT).to_owned(),
    }
}

/// Returns a value of a list, unless it is left out.
pub(super) fn field(mut items: Items<'_>, place: usize) -> Option<Item<'_>> {
    items.nth(place)?.ok().filter(|it| *it != Item::Null)
}

/// Why a broker ends something, in its own words; empty if it says nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Said {
    /// Such as `amqp:unauthorized-access`.
    pub(super) condition: String,
    pub(super) description: String,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&*self.condition, &*self.description) {
            ("", "") => f.write_str("it does not say why"),
            (condition, "") => f.write_str(condition),
            (condition, description) => write!(f, "{condition}: {description}"),
        }
    }
}

/// Why what a broker says is not AMQP 1.0, or not what may be said now.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Odd {
    #[error("what it greets with is not AMQP 1.0")]
    Greeting,
    #[error("a frame has {0} bytes, more than {MAX_FRAME}")]
    LargeFrame(u32),
    #[error("a frame has no sound header")]
    NoFrame,
    #[error("a frame says nothing that we know")]
    NoPerformative,
    #[error("a frame cannot be read")]
    Unreadable(#[from] AmqpError),
    #[error("{0} is out of place")]
    Misplaced(&'static str),
    #[error("it sends more messages than it was asked for")]
    Unasked,
}
