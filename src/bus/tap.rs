//! A line to a broker that only listens in, for `koji-notify tail`.
//!
//! Promise: nothing that anybody else hears is taken away, and nothing is left behind: the queue is one that the broker
//! names and that goes with the line. What comes is not acknowledged, so the broker keeps nothing for us either. A line
//! that breaks comes back by itself, and what was sent meanwhile is missed.
//!
//! It deliberately does not know who wants to see it, or in which words.

mod beside;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{debug, info};

use super::binding::matches;
use super::broker::Broker;
use super::decode::{DecodeError, Decoded, Dialect, Envelope, MAX_BODY, decode};
use super::dial::{Line, dial};
use super::patience::Patience;
use super::recorded::Recorded;
use super::table;
use super::trouble::LinkError;
use crate::clock::{self, Pulse};
use crate::koji::{Change, HubEvent, InstanceName, UserId};
use crate::net::trouble::NetError;
use crate::watch::Trouble;

/// What is to be heard of one broker.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Topics {
    /// What is bound.
    bound: BTreeSet<String>,
    /// What is let through: where the site's file narrows what may be bound, more may come than is wanted.
    wanted: Vec<String>,
}

/// Why a pattern cannot be bound.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotBound {
    /// The site's file does not let it be.
    #[error("the site's file lets only {} be heard, which {pattern} is not within", allowed.join(", "))]
    NotAllowed { pattern: String, allowed: Vec<String> },
    #[error("its messages have no topics")]
    NoTopics,
}

impl Topics {
    /// Everything that a hub sends to this broker.
    pub fn of_the_hub(broker: &Broker) -> Self {
        let pattern = match &broker.dialect {
            Dialect::FedoraMessaging { topic_prefix, .. } => format!("{topic_prefix}.buildsys.#"),
            Dialect::KojiTopic { prefix } | Dialect::KojiProtonmsg { prefix } => format!("{prefix}.#"),
            Dialect::KojiHeaders | Dialect::Recorded => "#".to_owned(),
        };
        Self::within(broker, pattern)
    }

    /// Everything that anybody sends to the exchange.
    pub fn everything(broker: &Broker) -> Self {
        Self::within(broker, "#".to_owned())
    }

    /// What fits one of these patterns.
    ///
    /// # Errors
    /// If the site's file does not allow one of them, or there are no topics.
    pub fn fitting(broker: &Broker, patterns: &[String]) -> Result<Self, NotBound> {
        if broker.dialect == Dialect::KojiHeaders {
            return Err(NotBound::NoTopics);
        }
        let allowed = &broker.allowed_keys;
        for pattern in patterns {
            if !allowed.is_empty() && !allowed.iter().any(|it| takes_in(it, pattern)) {
                return Err(NotBound::NotAllowed {
                    pattern: pattern.clone(),
                    allowed: allowed.clone(),
                });
            }
        }
        Ok(Self {
            bound: patterns.iter().cloned().collect(),
            wanted: patterns.to_vec(),
        })
    }

    /// As much of a pattern as the site's file allows.
    fn within(broker: &Broker, pattern: String) -> Self {
        let allowed = &broker.allowed_keys;
        let is_allowed = allowed.is_empty() || allowed.iter().any(|it| takes_in(it, &pattern));
        let bound = if is_allowed {
            BTreeSet::from([pattern.clone()])
        } else {
            allowed.iter().cloned().collect()
        };
        Self {
            bound,
            wanted: vec![pattern],
        }
    }

    fn take(&self, topic: &str) -> bool {
        self.wanted.iter().any(|it| matches(it, topic))
    }
}

/// Returns whether what fits the inner pattern fits the outer one: tried with wildcards that stand for no words, for
/// one, for two, and for more than the outer one counts.
fn takes_in(outer: &str, inner: &str) -> bool {
    // No routing key has such a word.
    const WORD: &str = "\0";
    let many = outer.split('.').count() + 1;
    [0, 1, 2, many].into_iter().all(|count| {
        let words = inner.split('.').flat_map(|word| match word {
            "*" => vec![WORD],
            "#" => vec![WORD; count],
            word => vec![word],
        });
        matches(outer, &words.collect::<Vec<_>>().join("."))
    })
}

/// What a tap has to tell.
#[derive(Debug)]
pub enum Told {
    /// What is sent from now on is heard. `again`: it was so before.
    Up { again: bool },
    /// There is no line. With a time to try again it comes back by itself, without one this is the end.
    Down(Trouble),
    /// A message came.
    Message(Box<Heard>),
}

/// A line that listens in.
#[derive(Debug)]
pub struct Tap {
    pub instance: InstanceName,
    pub broker: Broker,
    pub topics: Topics,
}

impl Tap {
    /// Runs until nobody listens any more, or the first attempt has failed.
    pub async fn run(self, told: mpsc::Sender<(InstanceName, Told)>) {
        let mut patience = Patience::new();
        let mut is_known = false;
        loop {
            let opened = tokio::select! {
                opened = Listening::open(&self.broker, &self.topics) => opened,
                () = told.closed() => return,
            };
            let (error, wait) = match opened {
                Ok(mut listening) => {
                    info!(instance = %self.instance, broker = %self.broker.address, keys = ?self.topics.bound, "listening");
                    let since = clock::now();
                    let again = std::mem::replace(&mut is_known, true);
                    let error = match told.send((self.instance.clone(), Told::Up { again })).await {
                        Ok(()) => self.hear(&mut listening, &told).await,
                        Err(_) => None,
                    };
                    listening.line.close().await;
                    let Some(error) = error else { return };
                    let held = Duration::try_from(clock::now().duration_since(since)).unwrap_or_default();
                    let wait = patience.after_line(held, matches!(error, LinkError::QueueGone));
                    (error, wait)
                }
                Err(error) => {
                    let error = if is_known { excused(error) } else { error };
                    let wait = patience.after_failure(error.trouble().0.is_passing());
                    (error, wait)
                }
            };
            debug!(instance = %self.instance, %error, ?wait, "no line");
            let (problem, detail) = error.trouble();
            let trouble = Trouble {
                problem,
                host: self.broker.address.to_string(),
                detail,
                retry: clock::now().checked_add(wait).ok().filter(|_| is_known),
            };
            if told.send((self.instance.clone(), Told::Down(trouble))).await.is_err() || !is_known {
                return;
            }
            tokio::select! {
                () = clock::pass(wait) => {}
                () = told.closed() => return,
            }
        }
    }

    /// Hands on what comes until the line breaks; returns nothing when nobody listens any more.
    async fn hear(&self, listening: &mut Listening, told: &mpsc::Sender<(InstanceName, Told)>) -> Option<LinkError> {
        loop {
            let next = tokio::select! {
                next = listening.consumer.next() => next,
                () = told.closed() => return None,
            };
            let delivery = match next {
                Some(Ok(delivery)) => delivery,
                Some(Err(error)) => return Some(LinkError::Lost(error)),
                None => return Some(LinkError::QueueGone),
            };
            if !self.topics.take(delivery.routing_key.as_str()) {
                continue;
            }
            let heard = Heard {
                at: clock::now(),
                delivery,
            };
            let message = Told::Message(Box::new(heard));
            told.send((self.instance.clone(), message)).await.ok()?;
        }
    }
}

/// Returns what an error means where the broker has let us in before: its port and our certificate were right.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other error stays as it is")]
fn excused(error: LinkError) -> LinkError {
    match error {
        LinkError::HungUp(error) | LinkError::NoGreeting(error) => NetError::Unreachable(error).into(),
        error => error,
    }
}

/// A line that is subscribed.
struct Listening {
    line: Line,
    _channel: Channel,
    consumer: Consumer,
}

impl Listening {
    async fn open(broker: &Broker, topics: &Topics) -> Result<Self, LinkError> {
        let line = dial(broker, &Pulse::default()).await?;
        let limit = broker.connection_timeout;
        let subscribed = timeout(limit, subscribe(broker, topics, &line)).await;
        match subscribed.unwrap_or(Err(LinkError::Silent(limit))) {
            Ok((channel, consumer)) => Ok(Self {
                line,
                _channel: channel,
                consumer,
            }),
            Err(error) => {
                line.close().await;
                Err(error)
            }
        }
    }
}

async fn subscribe(broker: &Broker, topics: &Topics, line: &Line) -> Result<(Channel, Consumer), LinkError> {
    let channel = line.connection.create_channel().await.map_err(LinkError::Subscribe)?;
    let options = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel.queue_declare(ShortString::default(), options, FieldTable::default());
    let queue = queue.await.map_err(LinkError::Subscribe)?.name().clone();
    let exchange = short(&broker.exchange)?;
    try_join_all(topics.bound.iter().map(async |key| {
        let (queue, exchange, key) = (queue.clone(), exchange.clone(), short(key)?);
        let bound = channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default());
        bound.await.map_err(LinkError::Subscribe)
    }))
    .await?;
    let options = BasicConsumeOptions {
        no_ack: true,
        exclusive: true,
        ..BasicConsumeOptions::default()
    };
    let tag = concat!(env!("CARGO_PKG_NAME"), "-tail");
    let consumer = channel.basic_consume(queue, tag.into(), options, FieldTable::default());
    let consumer = consumer.await.map_err(LinkError::Subscribe)?;
    Ok((channel, consumer))
}

fn short(text: &str) -> Result<ShortString, LinkError> {
    ShortString::try_new(text).map_err(|_| LinkError::TooLong(text.to_owned()))
}

/// A message that came.
#[derive(Debug)]
pub struct Heard {
    pub at: jiff::Timestamp,
    delivery: Delivery,
}

/// What a message says.
#[derive(Debug)]
pub enum Meaning {
    News {
        event: HubEvent,
        /// The number of who owns it.
        owner: Option<UserId>,
    },
    /// It is well formed, as far as anybody has looked, and none that we have words for.
    SomethingElse,
    /// It cannot be read.
    Spoiled(DecodeError),
}

impl Heard {
    pub fn topic(&self) -> &str {
        self.delivery.routing_key.as_str()
    }

    pub fn body(&self) -> &[u8] {
        &self.delivery.data
    }

    /// Returns the headers as a JSON object.
    pub fn headers(&self) -> serde_json::Map<String, serde_json::Value> {
        let headers = self.delivery.properties.headers();
        headers.as_ref().map(table::to_json).unwrap_or_default()
    }

    /// Returns the error if it is larger than what anybody looks into.
    ///
    /// # Errors
    /// If it is too large.
    pub fn is_of_a_size(&self) -> Result<(), DecodeError> {
        match self.body().len() {
            size if size > MAX_BODY => Err(DecodeError::TooLarge { size }),
            _ => Ok(()),
        }
    }

    /// Returns what it says in the dialect of its broker.
    pub fn meaning(&self, broker: &Broker) -> Meaning {
        let properties = &self.delivery.properties;
        let envelope = Envelope {
            topic: self.topic(),
            message_id: properties.message_id().as_ref().map(ShortString::as_str),
            kind: properties.kind().as_ref().map(ShortString::as_str),
            headers: properties.headers().as_ref(),
            body: self.body(),
            // When it was heard is what is told.
            sent_at: None,
        };
        let read = match (decode(&broker.dialect, &envelope), &broker.dialect) {
            (Ok(Decoded::News { event, owner, .. }), _) => return Meaning::News { event, owner },
            (
                Ok(Decoded::NotForUs(_)),
                Dialect::FedoraMessaging {
                    topic_prefix,
                    koji_instance,
                },
            ) => beside::read(topic_prefix, koji_instance, &envelope),
            (Ok(Decoded::NotForUs(_)), _) => Ok(None),
            (Err(error), _) => Err(error),
        };
        match read {
            Ok(Some(event)) => Meaning::News { event, owner: None },
            Ok(None) => Meaning::SomethingElse,
            Err(error) => Meaning::Spoiled(error),
        }
    }

    /// Returns it whole.
    pub fn recorded(&self, instance: &InstanceName) -> Recorded {
        Recorded {
            at: Some(self.at),
            ..Recorded::of(instance, self.topic(), &self.delivery.properties, self.body())
        }
    }
}

/// What a message has to be about. Names of one kind are alternatives, and both kinds have to fit; a kind without a
/// name fits everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub packages: BTreeSet<String>,
    /// Who owns it or has done it.
    pub users: BTreeSet<String>,
}

impl Filter {
    /// Returns whether there is nothing to fit.
    pub fn is_open(&self) -> bool {
        self.packages.is_empty() && self.users.is_empty()
    }

    /// Returns whether an event is about one of the packages and of one of the users. What does not tell, does not fit.
    pub fn fits(&self, event: &HubEvent) -> bool {
        let is_of_package = self.packages.is_empty() || package(event).is_some_and(|it| self.packages.contains(it));
        let users = [event.owner(), doer(event)];
        let is_of_user = self.users.is_empty() || users.into_iter().flatten().any(|it| self.users.contains(it));
        is_of_package && is_of_user
    }
}

fn package(event: &HubEvent) -> Option<&str> {
    match event {
        HubEvent::Changed(it) => it.package(),
        HubEvent::Child(it) => Some(&it.srpm.as_ref()?.name),
        HubEvent::Promoted(it) => Some(&it.nvr.name),
        HubEvent::PackageList(it) => Some(&it.package),
        HubEvent::Signed(it) => Some(&it.nvr.as_ref().unwrap_or(&it.rpm).name),
        HubEvent::Imported(it) => Some(&it.nvr.as_ref()?.name),
        HubEvent::Repo(_) | HubEvent::Other { .. } => None,
    }
}

/// Returns who has done it, where that need not be the owner.
fn doer(event: &HubEvent) -> Option<&str> {
    match event {
        HubEvent::Changed(Change::Tag(it)) => it.user.as_deref(),
        HubEvent::Promoted(it) => it.user.as_deref(),
        HubEvent::PackageList(it) => it.user.as_deref(),
        HubEvent::Changed(Change::Build(_) | Change::Task(_))
        | HubEvent::Child(_)
        | HubEvent::Repo(_)
        | HubEvent::Signed(_)
        | HubEvent::Imported(_)
        | HubEvent::Other { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_within_another() {
        for (outer, inner, within) in [
            ("#", "#", true),
            ("#", "a.*.#", true),
            ("a.#", "a.b.*", true),
            ("a.#", "#", false),
            ("a.*", "a.b", true),
            ("a.*", "a.*", true),
            ("a.*", "a.#", false),
            ("a.b", "a.*", false),
            ("*.b", "#.b", false),
            ("#.b", "#.b", true),
            ("#.b", "a.#.b", true),
            ("#.b.#", "a.b.*", true),
            ("a.*.#", "a.#", false),
        ] {
            assert_eq!(takes_in(outer, inner), within, "{outer} {inner}");
        }
    }
}
