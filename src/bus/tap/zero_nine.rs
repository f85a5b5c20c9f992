//! Listening in by AMQP 0-9-1: a queue that the broker names, bound to what is wanted, and gone with the line.
//!
//! What comes is not acknowledged, so the broker keeps nothing for us either.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::super::binding::matches;
use super::super::broker::Broker;
use super::super::decode::{Decoded, Dialect, Envelope, decode};
use super::super::dial::{Line, dial};
use super::super::recorded::Recorded;
use super::super::table;
use super::super::trouble::LinkError;
use super::{Meaning, beside};
use crate::clock::Pulse;
use crate::net::trouble::NetError;

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

/// A line that is subscribed.
pub(super) struct Listening {
    line: Line,
    _channel: Channel,
    consumer: Consumer,
    dialect: Arc<Dialect>,
    topics: Topics,
}

impl Listening {
    pub(super) async fn open(broker: &Broker, topics: &Topics) -> Result<Self, LinkError> {
        let line = dial(broker, &Pulse::default()).await?;
        let limit = broker.connection_timeout;
        let subscribed = timeout(limit, subscribe(broker, topics, &line)).await;
        match subscribed.unwrap_or(Err(LinkError::Silent(limit))) {
            Ok((channel, consumer)) => Ok(Self {
                line,
                _channel: channel,
                consumer,
                dialect: Arc::new(broker.dialect.clone()),
                topics: topics.clone(),
            }),
            Err(error) => {
                line.close().await;
                Err(error)
            }
        }
    }

    /// Waits for a message that is wanted. None is lost if the wait is given up.
    ///
    /// # Errors
    /// If the line has ended.
    pub(super) async fn next(&mut self) -> Result<Caught, LinkError> {
        loop {
            let delivery = match self.consumer.next().await {
                Some(delivery) => delivery.map_err(LinkError::Lost)?,
                None => return Err(LinkError::QueueGone),
            };
            if self.topics.take(delivery.routing_key.as_str()) {
                return Ok(Caught {
                    delivery,
                    dialect: Arc::clone(&self.dialect),
                });
            }
        }
    }

    pub(super) async fn close(self) {
        self.line.close().await;
    }
}

/// Returns what an error means where the broker has let us in before: its port and our certificate were right.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other error stays as it is")]
pub(super) fn excused(error: LinkError) -> LinkError {
    match error {
        LinkError::HungUp(error) | LinkError::NoGreeting(error) => NetError::Unreachable(error).into(),
        error => error,
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
pub(super) struct Caught {
    delivery: Delivery,
    dialect: Arc<Dialect>,
}

impl Caught {
    pub(super) fn topic(&self) -> &str {
        self.delivery.routing_key.as_str()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.delivery.data
    }

    pub(super) fn headers(&self) -> Map<String, Value> {
        let headers = self.delivery.properties.headers();
        headers.as_ref().map(table::to_json).unwrap_or_default()
    }

    pub(super) fn meaning(&self) -> Meaning {
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
        let read = match (decode(&self.dialect, &envelope), &*self.dialect) {
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

    /// Returns it whole, but for when and where it was heard.
    pub(super) fn recorded(&self) -> Recorded {
        Recorded::of(self.topic(), &self.delivery.properties, self.body())
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
