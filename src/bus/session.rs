//! One line to a broker, from the queue's declaration to the last acknowledgement.
//!
//! Promise: what is wanted is bound, whoever else reads our queue is noticed, and what was read is acknowledged when
//! it is done with, in few frames.
//!
//! It deliberately does not know when a line is tried, or what is in a message.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Consumer};
use tokio::time::timeout;

use super::binding;
use super::broker::{Argument, Broker, MAX_PREFETCH, QueueName};
use super::dial::{Line, dial};
use super::ledger::Ledger;
use super::trouble::LinkError;
use crate::koji::Interest;

/// How many deliveries are taken at once before others get their turn: everything runs on one thread.
const HELPING: usize = 64;

/// How long a broker is given to notice that a line is dead where no heartbeat is known.
const WITHOUT_HEARTBEAT: Duration = Duration::from_secs(3 * 60);

/// A line that is subscribed.
pub(super) struct Session {
    line: Line,
    channel: Channel,
    consumer: Consumer,
    queue: ShortString,
    exchange: ShortString,
    bound: BTreeSet<String>,
    ledger: Ledger,
    limit: Duration,
}

impl Session {
    /// Dials, logs in, declares, binds and subscribes.
    pub(super) async fn open(broker: &Broker, interest: &Interest) -> Result<Self, LinkError> {
        let line = dial(broker).await?;
        let limit = broker.connection_timeout;
        let subscribed = timeout(limit, subscribe(broker, interest, &line)).await;
        match subscribed.unwrap_or(Err(LinkError::Silent(limit))) {
            Ok(Subscription {
                channel,
                consumer,
                queue,
                exchange,
                bound,
            }) => Ok(Self {
                line,
                channel,
                consumer,
                queue,
                exchange,
                bound,
                ledger: Ledger::new(broker.prefetch),
                limit,
            }),
            Err(error) => {
                line.close().await;
                Err(error)
            }
        }
    }

    /// Returns how long the broker may take to notice that a line of ours has died.
    pub(super) fn broker_memory(&self) -> Duration {
        match self.line.heartbeat() {
            Duration::ZERO => WITHOUT_HEARTBEAT,
            // Two missed heartbeats, and one for good measure.
            heartbeat => heartbeat * 3,
        }
    }

    /// Returns the queue's name as the broker knows it.
    pub(super) fn queue(&self) -> &str {
        self.queue.as_str()
    }

    /// Returns the routing keys that are bound.
    pub(super) fn bound(&self) -> &BTreeSet<String> {
        &self.bound
    }

    /// Binds what is newly wanted, then unbinds what is no longer.
    pub(super) async fn rebind(&mut self, wanted: BTreeSet<String>) -> Result<(), LinkError> {
        let changes = async {
            for key in wanted.difference(&self.bound) {
                bind(&self.channel, &self.queue, &self.exchange, key).await?;
            }
            for key in self.bound.difference(&wanted) {
                unbind(&self.channel, &self.queue, &self.exchange, key).await?;
            }
            Ok(())
        };
        timeout(self.limit, changes)
            .await
            .unwrap_or(Err(LinkError::Silent(self.limit)))?;
        self.bound = wanted;
        Ok(())
    }

    /// Waits for deliveries and takes up those that are there, into `batch`. Nothing is lost if the wait is given up.
    ///
    /// # Errors
    /// If the line has ended. What had come before is in the batch all the same.
    pub(super) async fn take(&mut self, batch: &mut Vec<Delivery>) -> Result<(), LinkError> {
        let consumer = &mut self.consumer;
        let taken = poll_fn(|cx| {
            while batch.len() < HELPING {
                match Pin::new(&mut *consumer).poll_next(cx) {
                    Poll::Ready(Some(Ok(delivery))) => batch.push(delivery),
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(LinkError::Lost(error))),
                    Poll::Ready(None) => return Poll::Ready(Err(LinkError::QueueGone)),
                    Poll::Pending if batch.is_empty() => return Poll::Pending,
                    Poll::Pending => break,
                }
            }
            Poll::Ready(Ok(()))
        });
        let taken = taken.await;
        for delivery in batch.iter() {
            self.ledger.received(delivery.delivery_tag);
        }
        taken
    }

    /// Notes that a delivery is done with, and acknowledges if that is due.
    pub(super) fn done(&mut self, tag: u64) {
        self.ledger.done(tag);
        if self.ledger.is_due() {
            self.settle();
        }
    }

    /// Returns whether something is left to be acknowledged when the stream is quiet.
    pub(super) fn has_ready(&self) -> bool {
        self.ledger.has_ready()
    }

    /// Acknowledges all that is done.
    pub(super) fn settle(&mut self) {
        let Some(upto) = self.ledger.settle() else {
            return;
        };
        // The first poll queues the frame. Whether it was written is not waited for: if it was not, the line is
        // broken, which the consumer says too, and the broker sends the deliveries again.
        let _queued = self
            .channel
            .basic_ack(upto, BasicAckOptions { multiple: true })
            .now_or_never();
    }

    /// Ends the line in order: no more deliveries, the last acknowledgement, goodbye. Returns whether the broker took
    /// part in it.
    pub(super) async fn close(mut self) -> bool {
        self.settle();
        let _sent = self
            .channel
            .basic_cancel(self.consumer.tag(), BasicCancelOptions { nowait: true })
            .now_or_never();
        let Self {
            line,
            channel,
            consumer,
            ..
        } = self;
        let answered = line.close().await;
        drop((consumer, channel));
        answered
    }
}

/// Returns how long a broker may take to notice that a line of ours has died which nobody here has seen: a program
/// that was killed, or a network that was left, says no goodbye.
pub(super) fn memory_of_one_before(broker: &Broker) -> Duration {
    match broker.heartbeat {
        None | Some(0) => WITHOUT_HEARTBEAT,
        // The shorter proposal is agreed upon, and brokers hardly propose more than a minute. A broker that looks
        // once per heartbeat needs up to three, and then some time to clear away.
        Some(seconds) => (Duration::from_secs(seconds.into()) * 4).min(WITHOUT_HEARTBEAT),
    }
}

/// What [`subscribe`] has made.
struct Subscription {
    channel: Channel,
    consumer: Consumer,
    queue: ShortString,
    exchange: ShortString,
    bound: BTreeSet<String>,
}

async fn subscribe(broker: &Broker, interest: &Interest, line: &Line) -> Result<Subscription, LinkError> {
    let channel = line.connection.create_channel().await.map_err(LinkError::Subscribe)?;
    channel
        .basic_qos(broker.prefetch.clamp(1, MAX_PREFETCH), BasicQosOptions::default())
        .await
        .map_err(LinkError::Subscribe)?;
    let (queue, is_named) = declare(broker, &channel).await?;

    let exchange = short(&broker.exchange)?;
    let bound = binding::keys(interest, broker);
    try_join_all(bound.iter().map(|key| bind(&channel, &queue, &exchange, key))).await?;
    if is_named && !broker.passive {
        // An earlier run may have wanted more.
        let left = binding::possible_keys(broker);
        let left = left
            .difference(&bound)
            .map(|key| unbind(&channel, &queue, &exchange, key));
        try_join_all(left).await?;
    }

    let options = BasicConsumeOptions {
        // Whoever else tries to read our queue is refused, and we are if somebody does already.
        exclusive: is_named,
        ..BasicConsumeOptions::default()
    };
    let consumer = channel
        .basic_consume(
            queue.clone(),
            env!("CARGO_PKG_NAME").into(),
            options,
            FieldTable::default(),
        )
        .await
        .map_err(LinkError::Subscribe)?;
    Ok(Subscription {
        channel,
        consumer,
        queue,
        exchange,
        bound,
    })
}

/// Declares the queue, and returns its name and whether the name is one that another program could use too.
async fn declare(broker: &Broker, channel: &Channel) -> Result<(ShortString, bool), LinkError> {
    let queue = &broker.queue;
    let (name, is_named) = match &queue.name {
        QueueName::ByServer => (ShortString::default(), false),
        QueueName::Named(name) => (short(name)?, true),
    };
    let options = QueueDeclareOptions {
        // A queue that gets its name now cannot be there already.
        passive: broker.passive && is_named,
        durable: queue.durable,
        exclusive: queue.exclusive,
        auto_delete: queue.auto_delete,
        nowait: false,
    };
    let mut arguments = FieldTable::default();
    for (key, value) in &queue.arguments {
        let value = match value {
            Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
            Argument::Number(number) => AMQPValue::LongLongInt(*number),
            Argument::Switch(switch) => AMQPValue::Boolean(*switch),
        };
        arguments.insert(short(key)?, value);
    }
    let declared = channel
        .queue_declare(name, options, arguments)
        .await
        .map_err(LinkError::Subscribe)?;
    match declared.consumer_count() {
        0 => Ok((declared.name().clone(), is_named)),
        others => Err(LinkError::Held(others)),
    }
}

async fn bind(channel: &Channel, queue: &ShortString, exchange: &ShortString, key: &str) -> Result<(), LinkError> {
    channel
        .queue_bind(
            queue.clone(),
            exchange.clone(),
            short(key)?,
            lapin::options::QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .map_err(LinkError::Subscribe)
}

async fn unbind(channel: &Channel, queue: &ShortString, exchange: &ShortString, key: &str) -> Result<(), LinkError> {
    channel
        .queue_unbind(queue.clone(), exchange.clone(), short(key)?, FieldTable::default())
        .await
        .map_err(LinkError::Subscribe)
}

fn short(text: &str) -> Result<ShortString, LinkError> {
    ShortString::try_new(text).map_err(|_| LinkError::TooLong(text.to_owned()))
}
