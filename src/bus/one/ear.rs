//! Listening in by AMQP 1.0, beside whoever reads the same.
//!
//! Promise: what is read is a topic, or copies that the broker has agreed to lend; otherwise nothing is read. Reading goes
//! on as on a line that is there for news: what has come is accepted at once, so that more may come.
//!
//! It deliberately does not know who wants to see it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::amqp::message::{Body, Message};
use super::super::amqp::{Item, Items, zero_ten_map};
use super::super::binding::matches;
use super::super::decode::plugin::{self, Letter, bare};
use super::super::decode::{DecodeError, Decoded};
use super::super::recorded::{Properties, Recorded};
use super::super::table;
use super::super::tap::Meaning;
use super::super::trouble::LinkError;
use super::Broker;
use super::session::{Purpose, Session};
use super::talk::Arrived;
use super::trouble::{OneError, graver};
use crate::clock::Pulse;
use crate::net::trouble::NetError;
use crate::watch::Trouble;

/// The most application properties that are put into words. Real messages have about ten.
const MAX_PROPERTIES: usize = 1000;

/// The largest map or list, in bytes, that is put into words where a body is one. Koji sends its maps as text.
const MAX_WORDED: usize = 256 * 1024;

/// Which messages are let through, by where they were sent to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Topics {
    patterns: Vec<String>,
    /// One that does not tell where it was sent to, is let through as well.
    with_untold: bool,
}

impl Topics {
    /// Everything that a hub sends to this broker, as far as the messages tell.
    pub fn of_the_hub(broker: &Broker) -> Self {
        let prefix = bare(&broker.topic_prefix);
        Self {
            patterns: (!prefix.is_empty())
                .then(|| format!("{prefix}.#"))
                .into_iter()
                .collect(),
            with_untold: true,
        }
    }

    /// Everything that comes.
    pub fn everything() -> Self {
        Self {
            patterns: Vec::new(),
            with_untold: true,
        }
    }

    /// What fits one of these patterns.
    pub fn fitting(patterns: &[String]) -> Self {
        Self {
            patterns: patterns.to_vec(),
            with_untold: false,
        }
    }

    fn take(&self, caught: &Caught) -> bool {
        let is_any = self.patterns.is_empty() || (self.with_untold && !caught.is_told);
        is_any || self.patterns.iter().any(|it| matches(it, bare(&caught.topic)))
    }
}

/// Why a broker cannot be listened to without harm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unfit {
    /// What is sent to this address is there once for all who read it, and what we read of it, nobody else would get.
    NotLent(String),
    /// It is a RabbitMQ, which takes messages away whatever it says, and leaves a queue behind for who reads a topic.
    Rabbit,
}

/// Why nothing is heard.
#[derive(Debug)]
pub(in crate::bus) enum Shut {
    Trouble(Trouble),
    Unfit { host: String, why: Unfit },
}

/// A line that is open.
pub(in crate::bus) struct Listening {
    session: Session,
    arrived: VecDeque<Arrived>,
    host: String,
    addresses: Vec<String>,
    prefix: Arc<str>,
    topics: Topics,
}

impl Listening {
    /// Opens a line at the first of the broker's places that lets us. `is_known`: it has done so before.
    pub(in crate::bus) async fn open(broker: &Broker, topics: &Topics, is_known: bool) -> Result<Self, Shut> {
        let mut worst = None;
        for door in &broker.doors {
            let host = door.to_string();
            match Session::open(broker, door, Purpose::ListenIn, &Pulse::default()).await {
                Ok(mut session) => {
                    session.start();
                    return Ok(Self {
                        session,
                        arrived: VecDeque::new(),
                        host,
                        addresses: broker.addresses.clone(),
                        prefix: broker.topic_prefix.as_str().into(),
                        topics: topics.clone(),
                    });
                }
                Err(error) => match shut(host, if is_known { excused(error) } else { error }) {
                    Shut::Trouble(trouble) => worst = Some(graver(worst, trouble)),
                    it @ Shut::Unfit { .. } => return Err(it),
                },
            }
        }
        let nowhere = || shut(String::new(), OneError::Lost(std::io::ErrorKind::NotFound.into()));
        Err(worst.map_or_else(nowhere, Shut::Trouble))
    }

    pub(in crate::bus) fn host(&self) -> &str {
        &self.host
    }

    /// Waits for a message that is wanted. None is lost if the wait is given up.
    pub(in crate::bus) async fn next(&mut self) -> Result<Caught, Shut> {
        loop {
            while let Some(arrived) = self.arrived.pop_front() {
                self.session.done(arrived.tag);
                let read_from = self.addresses.get(arrived.link).map_or("", String::as_str);
                let caught = Caught::new(arrived.content, read_from, &self.prefix);
                if self.topics.take(&caught) {
                    return Ok(caught);
                }
            }
            self.session.settle();
            let mut batch = Vec::new();
            let taken = self.session.take(&mut batch).await;
            self.arrived.extend(batch);
            if self.arrived.is_empty() {
                taken.map_err(|error| shut(self.host.clone(), error))?;
            }
        }
    }

    pub(in crate::bus) async fn close(self) {
        self.session.close().await;
    }
}

fn shut(host: String, error: OneError) -> Shut {
    let error = match unfit(error) {
        Ok(why) => return Shut::Unfit { host, why },
        Err(error) => error,
    };
    let (problem, detail) = error.trouble();
    Shut::Trouble(Trouble {
        problem,
        host,
        detail,
        retry: None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other error stays as it is")]
fn unfit(error: OneError) -> Result<Unfit, OneError> {
    match error {
        OneError::NotLent(address) => Ok(Unfit::NotLent(address)),
        OneError::Rabbit => Ok(Unfit::Rabbit),
        error => Err(error),
    }
}

/// Returns what an error means where a broker has let us in before: its port and our certificate were right.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other error stays as it is")]
pub(super) fn excused(error: OneError) -> OneError {
    match error {
        OneError::Line(LinkError::HungUp(error) | LinkError::NoGreeting(error)) => NetError::Unreachable(error).into(),
        error => error,
    }
}

/// A message that came.
#[derive(Debug)]
pub(in crate::bus) struct Caught {
    /// Or its size, if it is larger than what anybody looks into.
    content: Result<Vec<u8>, usize>,
    topic: String,
    /// The message says where it was sent to, or what Koji's plugin sends there.
    is_told: bool,
    prefix: Arc<str>,
}

impl Caught {
    fn new(content: Result<Vec<u8>, usize>, read_from: &str, prefix: &Arc<str>) -> Self {
        let message = content.as_ref().ok().and_then(|it| Message::read([it.as_slice()]).ok());
        let told = message.and_then(|it| sent_to(&it, prefix));
        Self {
            is_told: told.is_some(),
            topic: told.unwrap_or_else(|| read_from.to_owned()),
            content,
            prefix: Arc::clone(prefix),
        }
    }

    /// Returns where it was sent to; where that is not told, what it was read from.
    pub(in crate::bus) fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns how many bytes it has, with all around the body.
    pub(in crate::bus) fn size(&self) -> usize {
        match &self.content {
            Ok(content) => content.len(),
            Err(size) => *size,
        }
    }

    /// Returns the body: octets and text as they are, anything else as JSON. Of what is no message, all.
    pub(in crate::bus) fn body(&self) -> Cow<'_, [u8]> {
        let whole = self.whole();
        match Message::read([whole]) {
            Ok(message) => body(message),
            Err(_) => whole.into(),
        }
    }

    /// Returns the application properties.
    pub(in crate::bus) fn headers(&self) -> Map<String, Value> {
        let message = Message::read([self.whole()]);
        message.map(|it| object(it.application_properties)).unwrap_or_default()
    }

    pub(in crate::bus) fn meaning(&self) -> Meaning {
        match self.read() {
            Ok(Decoded::News { event, owner, .. }) => Meaning::News { event, owner },
            Ok(Decoded::NotForUs(_)) => Meaning::SomethingElse,
            Err(error) => Meaning::Spoiled(error),
        }
    }

    fn read(&self) -> Result<Decoded, DecodeError> {
        let message = Message::read([self.whole()])?;
        plugin::decode(&self.prefix, &Letter::of_message(message, None)?)
    }

    /// Returns it whole, but for when and where it was heard.
    pub(in crate::bus) fn recorded(&self) -> Recorded {
        recorded(self.whole(), self.topic.clone())
    }

    fn whole(&self) -> &[u8] {
        self.content.as_deref().unwrap_or_default()
    }
}

/// Returns a message whole, but for when and where it was heard. Where it does not tell where it was sent to, it is as
/// Koji's plugin would send it.
pub(super) fn copied(whole: &[u8], prefix: &str) -> Recorded {
    let message = Message::read([whole]).ok();
    let topic = message.and_then(|it| sent_to(&it, prefix));
    recorded(whole, topic.unwrap_or_default())
}

fn recorded(whole: &[u8], topic: String) -> Recorded {
    let Ok(message) = Message::read([whole]) else {
        return Recorded {
            topic,
            body: whole.to_vec(),
            ..Recorded::default()
        };
    };
    let properties = message.properties;
    Recorded {
        at: None,
        instance: None,
        topic,
        id: properties.message_id().and_then(Item::text).map(str::to_owned),
        headers: object(message.application_properties),
        properties: Properties {
            content_type: properties.content_type().map(str::to_owned),
            delivery_mode: message.header.is_durable().then_some(2),
            timestamp: properties.created().and_then(|it| u64::try_from(it.as_second()).ok()),
            ..Properties::default()
        },
        body: body(message).into_owned(),
    }
}

/// Returns where a message was sent to: as it says itself, else as Koji's plugin would send it.
fn sent_to(message: &Message<'_>, prefix: &str) -> Option<String> {
    let properties = message.properties;
    let said = message.application_properties;
    let told = properties
        .to()
        .or_else(|| said.value_of("qpid.subject")?.text())
        .or_else(|| properties.subject());
    told.map(str::to_owned).or_else(|| plugin::address(prefix, said))
}

fn body(message: Message<'_>) -> Cow<'_, [u8]> {
    let is_map = message.properties.content_type() == Some("amqp/map");
    let json = |item: Item<'_>| match Value::deserialize(item) {
        Ok(value) => value.to_string().into_bytes(),
        Err(_) => Vec::new(),
    };
    match message.body {
        Body::Nothing => Cow::Borrowed(&[]),
        Body::Value(Item::Text(text)) => text.as_bytes().into(),
        Body::Value(Item::Bytes(bytes)) => bytes.into(),
        Body::Data(bytes) if is_map && bytes.len() <= MAX_WORDED => {
            let map = zero_ten_map(&bytes).ok().map(json);
            map.map_or(bytes, Cow::Owned)
        }
        Body::Data(bytes) => bytes,
        Body::Value(item) if is_small(item) => json(item).into(),
        Body::Sequence(lists) if lists.iter().all(|it| it.size() <= MAX_WORDED / lists.len()) => {
            let lists = lists.into_iter().map(|it| json(Item::List(it)));
            let lists: Vec<String> = lists.map(|it| String::from_utf8_lossy(&it).into_owned()).collect();
            format!("[{}]", lists.join(",")).into_bytes().into()
        }
        // Nobody sends such a thing but to do harm.
        Body::Value(_) | Body::Sequence(_) => "…".as_bytes().into(),
    }
}

fn is_small(item: Item<'_>) -> bool {
    match item {
        Item::List(items) | Item::Map(items) => items.size() <= MAX_WORDED,
        Item::Null
        | Item::Switch(_)
        | Item::Whole(_)
        | Item::Unsigned(_)
        | Item::Float(_)
        | Item::Letter(_)
        | Item::Time(_)
        | Item::Text(_)
        | Item::Bytes(_)
        | Item::Other(_) => true,
    }
}

/// Returns simple values by their names.
fn object(mut properties: Items<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    while object.len() < MAX_PROPERTIES
        && let (Some(Ok(name)), Some(Ok(value))) = (properties.next(), properties.next())
    {
        if let Some(name) = name.text() {
            object.insert(name.to_owned(), simple(value));
        }
    }
    object
}

fn simple(value: Item<'_>) -> Value {
    match value {
        Item::Switch(it) => it.into(),
        Item::Whole(it) => it.into(),
        Item::Unsigned(it) => it.into(),
        Item::Float(it) => it.into(),
        Item::Letter(it) => it.to_string().into(),
        Item::Time(it) => it.into(),
        Item::Text(it) => it.into(),
        Item::Bytes(it) => table::octets(it),
        // There are none that are not simple (part 3, 3.2.5).
        Item::Null | Item::List(_) | Item::Map(_) | Item::Other(_) => Value::Null,
    }
}
