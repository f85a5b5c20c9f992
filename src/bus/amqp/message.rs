//! A message of AMQP 1.0: sections one after the other (part 3: messaging), each at most once and in their order.
//!
//! It does not matter whether they came in one piece or, as RabbitMQ hands them to a client of AMQP 0-9-1, in several.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{AmqpError, Item, Items, one_zero};

/// The most sections of a message. A bare one has up to nine, but data may come in pieces.
pub const MAX_SECTIONS: usize = 256;

/// The largest message that is looked into, in bytes. Real ones end at tens of kilobytes.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// A message, in the sections that are looked at. A section that is not there is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    pub header: Header<'a>,
    /// Notes of the last hop to this one: a map.
    pub delivery_annotations: Items<'a>,
    /// Notes of the brokers on the way: a map.
    pub message_annotations: Items<'a>,
    pub properties: Properties<'a>,
    /// What the sending program says about the message: a map from text to simple values.
    pub application_properties: Items<'a>,
    pub body: Body<'a>,
    pub footer: Items<'a>,
}

/// What a message carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    Nothing,
    Data(Cow<'a, [u8]>),
    /// Lists.
    Sequence(Vec<Items<'a>>),
    Value(Item<'a>),
}

/// How a message is to be carried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header<'a>(Items<'a>);

/// What the sender says of a message in the words of AMQP.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Properties<'a>(Items<'a>);

impl<'a> Message<'a> {
    /// Reads a message from its parts.
    ///
    /// # Errors
    /// If a part is not made of sections, the sections are not those of one message, or it is beyond the limits.
    pub fn read(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, AmqpError> {
        let mut message = Self {
            header: Header(Items::NONE),
            delivery_annotations: Items::NONE,
            message_annotations: Items::NONE,
            properties: Properties(Items::NONE),
            application_properties: Items::NONE,
            body: Body::Nothing,
            footer: Items::NONE,
        };
        let mut last = None;
        let mut count = 0;
        let mut size = 0;
        for part in parts {
            size += part.len();
            if size > MAX_MESSAGE {
                return Err(AmqpError::TooLarge { size });
            }
            let mut rest = part;
            while !rest.is_empty() {
                let (section, behind) = Section::of(rest)?;
                let (item, behind) = one_zero(behind)?;
                rest = behind;
                count += 1;
                let is_next = last.is_none_or(|it| it < section || (it == section && section.may_repeat()));
                if !is_next || count > MAX_SECTIONS {
                    return Err(AmqpError::Unexpected("a message: its sections are in disorder"));
                }
                last = Some(section);
                message.add(section, item)?;
            }
        }
        Ok(message)
    }

    fn add(&mut self, section: Section, item: Item<'a>) -> Result<(), AmqpError> {
        match section {
            Section::Header => self.header = Header(list(item)?),
            Section::DeliveryAnnotations => self.delivery_annotations = map(item)?,
            Section::MessageAnnotations => self.message_annotations = map(item)?,
            Section::Properties => self.properties = Properties(list(item)?),
            Section::ApplicationProperties => self.application_properties = map(item)?,
            Section::Data => {
                let Item::Bytes(bytes) = item else {
                    return Err(AmqpError::Unexpected("binary data"));
                };
                match &mut self.body {
                    Body::Nothing => self.body = Body::Data(Cow::Borrowed(bytes)),
                    Body::Data(before) => before.to_mut().extend_from_slice(bytes),
                    Body::Sequence(_) | Body::Value(_) => return Err(MIXED),
                }
            }
            Section::Sequence => match &mut self.body {
                Body::Nothing => self.body = Body::Sequence(vec![list(item)?]),
                Body::Sequence(before) => before.push(list(item)?),
                Body::Data(_) | Body::Value(_) => return Err(MIXED),
            },
            Section::Value => match &self.body {
                Body::Nothing => self.body = Body::Value(item),
                Body::Data(_) | Body::Sequence(_) | Body::Value(_) => return Err(MIXED),
            },
            Section::Footer => self.footer = map(item)?,
        }
        Ok(())
    }
}

const MIXED: AmqpError = AmqpError::Unexpected("a message: it has bodies of several kinds");

impl Header<'_> {
    pub fn is_durable(self) -> bool {
        self.0.at(0) == Some(Item::Switch(true))
    }

    /// Returns the priority, from 0 to 9 as a rule; 4 is the usual one.
    pub fn priority(self) -> u64 {
        self.0.at(1).and_then(Item::number).unwrap_or(4)
    }

    /// Returns how long the message was worth something, in milliseconds.
    pub fn ttl_ms(self) -> Option<u64> {
        self.0.at(2)?.number()
    }

    /// Returns whether nobody has had the message before.
    pub fn is_first_acquirer(self) -> bool {
        self.0.at(3) == Some(Item::Switch(true))
    }

    /// Returns how often the message was delivered before, in vain.
    pub fn delivery_count(self) -> u64 {
        self.0.at(4).and_then(Item::number).unwrap_or(0)
    }
}

impl<'a> Properties<'a> {
    /// Returns the id: a text, a number, a UUID or binary data.
    pub fn message_id(self) -> Option<Item<'a>> {
        self.0.at(0).filter(|it| *it != Item::Null)
    }

    /// Returns the address that the message is for.
    pub fn to(self) -> Option<&'a str> {
        self.0.at(2)?.text()
    }

    pub fn subject(self) -> Option<&'a str> {
        self.0.at(3)?.text()
    }

    pub fn content_type(self) -> Option<&'a str> {
        self.0.at(6)?.text()
    }

    /// Returns when the message was made, by the sender's clock.
    pub fn created(self) -> Option<Timestamp> {
        match self.0.at(9)? {
            Item::Time(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
            Item::Null
            | Item::Switch(_)
            | Item::Whole(_)
            | Item::Unsigned(_)
            | Item::Float(_)
            | Item::Letter(_)
            | Item::Text(_)
            | Item::Bytes(_)
            | Item::List(_)
            | Item::Map(_)
            | Item::Other(_) => None,
        }
    }
}

/// The sections, in their order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Section {
    Header,
    DeliveryAnnotations,
    MessageAnnotations,
    Properties,
    ApplicationProperties,
    Data,
    Sequence,
    Value,
    Footer,
}

impl Section {
    /// Reads what describes a section. Returns the section and the bytes that follow.
    fn of(bytes: &[u8]) -> Result<(Self, &[u8]), AmqpError> {
        let Some((0, descriptor)) = bytes.split_first() else {
            return Err(AmqpError::Unexpected("a section"));
        };
        let (descriptor, behind) = one_zero(descriptor)?;
        let section = match (descriptor.number(), descriptor.text()) {
            (Some(0x70), _) | (_, Some("amqp:header:list")) => Self::Header,
            (Some(0x71), _) | (_, Some("amqp:delivery-annotations:map")) => Self::DeliveryAnnotations,
            (Some(0x72), _) | (_, Some("amqp:message-annotations:map")) => Self::MessageAnnotations,
            (Some(0x73), _) | (_, Some("amqp:properties:list")) => Self::Properties,
            (Some(0x74), _) | (_, Some("amqp:application-properties:map")) => Self::ApplicationProperties,
            (Some(0x75), _) | (_, Some("amqp:data:binary")) => Self::Data,
            (Some(0x76), _) | (_, Some("amqp:amqp-sequence:list")) => Self::Sequence,
            (Some(0x77), _) | (_, Some("amqp:amqp-value:*")) => Self::Value,
            (Some(0x78), _) | (_, Some("amqp:footer:map")) => Self::Footer,
            _ => return Err(AmqpError::Unexpected("a section that we know")),
        };
        Ok((section, behind))
    }

    fn may_repeat(self) -> bool {
        self == Self::Data || self == Self::Sequence
    }
}

fn list(item: Item<'_>) -> Result<Items<'_>, AmqpError> {
    let Item::List(items) = item else {
        return Err(AmqpError::Unexpected("a list"));
    };
    Ok(items)
}

fn map(item: Item<'_>) -> Result<Items<'_>, AmqpError> {
    let Item::Map(items) = item else {
        return Err(AmqpError::Unexpected("a map"));
    };
    Ok(items)
}
