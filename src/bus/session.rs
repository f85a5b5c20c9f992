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

use super::binding::{self, Binding};
use super::broker::{Argument, Broker, MAX_PREFETCH, QueueName};
use super::dial::{Line, dial};
use super::ledger::Ledger;
use super::trouble::{LinkError, is_missing};
use crate::clock::Pulse;
use crate::koji::Interest;

/// How many deliveries are taken at once before others get their turn: everything runs on one thread.
const HELPING: usize = 64;

/// How long a broker is given to notice that a line is dead where no heartbeat is known.
const WITHOUT_HEARTBEAT: Duration = Duration::from_secs(3 * 60);

/// How long a line that is open may take to answer whether it is sound.
const EXAMINED_WITHIN: Duration = Duration::from_secs(20);

/// How many messages in a queue are so many that some may have been thrown away, where it has no limit of its own.
/// Messages with their task trees have tens of kilobytes, and Fedora keeps 50 MB.
const MUCH: u32 = 1000;

/// A line that is subscribed.
pub(super) struct Session {
    line: Line,
    channel: Channel,
    consumer: Consumer,
    queue: ShortString,
    exchange: ShortString,
    bound: BTreeSet<Binding>,
    held: Held,
    ledger: Ledger,
    limit: Duration,
}

/// What we left on the broker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Left {
    /// Perhaps nothing: nobody has seen.
    Unknown,
    /// A queue, if it has a name, that holds what was published since.
    Queue,
}

/// What a queue held for us while nobody read it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Held {
    /// Nobody has looked.
    Unknown,
    /// All that was published, as far as anybody can tell.
    All,
    /// So much that the broker may have thrown some away: brokers bound what they keep, and say nothing.
    Much(u32),
    /// Nothing: the queue was made anew.
    Nothing,
}

impl Session {
    /// Dials, logs in, declares, binds and subscribes. `left` says whether a queue of ours was left there, `heard` is
    /// where it is noted that the line lives.
    pub(super) async fn open(
        broker: &Broker,
        interest: &Interest,
        left: Left,
        heard: &Pulse,
    ) -> Result<Self, LinkError> {
        let line = dial(broker, heard).await?;
        let limit = broker.connection_timeout;
        let subscribed = timeout(limit, subscribe(broker, interest, left, &line)).await;
        match subscribed.unwrap_or(Err(LinkError::Silent(limit))) {
            Ok(Subscription {
                channel,
                consumer,
                queue,
                exchange,
                bound,
                held,
            }) => Ok(Self {
                line,
                channel,
                consumer,
                queue,
                exchange,
                bound,
                held,
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

    /// Returns how often both sides show that they live; zero: they need not.
    pub(super) fn heartbeat(&self) -> Duration {
        self.line.heartbeat()
    }

    /// Returns the queue's name as the broker knows it.
    pub(super) fn queue(&self) -> &str {
        self.queue.as_str()
    }

    /// Returns what is bound.
    pub(super) fn bound(&self) -> &BTreeSet<Binding> {
        &self.bound
    }

    /// Returns what the queue held for us.
    pub(super) fn held(&self) -> Held {
        self.held
    }

    /// Asks the broker whether the line is what it seems to be: it answers, the queue is there, and we are known to
    /// read it. Then binds again what is bound: that changes nothing, unless somebody has unbound it.
    ///
    /// # Errors
    /// If the line brings nothing any more, and another one may.
    pub(super) async fn examine(&mut self) -> Result<(), LinkError> {
        self.settle();
        let limit = self.limit.min(EXAMINED_WITHIN);
        let examination = async {
            let passive = QueueDeclareOptions {
                passive: true,
                ..QueueDeclareOptions::default()
            };
            let looked = self
                .channel
                .queue_declare(self.queue.clone(), passive, FieldTable::default());
            if looked.await.map_err(LinkError::Lost)?.consumer_count() == 0 {
                return Err(LinkError::Deaf);
            }
            let again = |it| bind(&self.channel, &self.queue, &self.exchange, it);
            try_join_all(self.bound.iter().map(again)).await.map(drop)
        };
        timeout(limit, examination).await.unwrap_or(Err(LinkError::Mute(limit)))
    }

    /// Binds what is newly wanted, then unbinds what is no longer.
    pub(super) async fn rebind(&mut self, wanted: BTreeSet<Binding>) -> Result<(), LinkError> {
        let changes = async {
            for binding in wanted.difference(&self.bound) {
                bind(&self.channel, &self.queue, &self.exchange, binding).await?;
            }
            for binding in self.bound.difference(&wanted) {
                unbind(&self.channel, &self.queue, &self.exchange, binding).await?;
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

/// Returns how many messages in our queue are as many as it keeps (`x-max-length` of RabbitMQ), or nearly.
fn much(broker: &Broker) -> u32 {
    match broker.queue.arguments.get("x-max-length") {
        Some(Argument::Number(most)) => u32::try_from(*most).unwrap_or(MUCH).min(MUCH),
        Some(Argument::Text(_) | Argument::Switch(_)) | None => MUCH,
    }
}

/// What [`subscribe`] has made.
struct Subscription {
    channel: Channel,
    consumer: Consumer,
    queue: ShortString,
    exchange: ShortString,
    bound: BTreeSet<Binding>,
    held: Held,
}

async fn subscribe(broker: &Broker, interest: &Interest, left: Left, line: &Line) -> Result<Subscription, LinkError> {
    let is_there = match left {
        Left::Queue => is_there(broker, line).await?,
        Left::Unknown => None,
    };
    let channel = line.connection.create_channel().await.map_err(LinkError::Subscribe)?;
    channel
        .basic_qos(broker.prefetch.clamp(1, MAX_PREFETCH), BasicQosOptions::default())
        .await
        .map_err(LinkError::Subscribe)?;
    let (queue, is_named, waiting) = declare(broker, &channel).await?;
    let held = match is_there {
        None => Held::Unknown,
        Some(false) => Held::Nothing,
        Some(true) if waiting >= much(broker) => Held::Much(waiting),
        Some(true) => Held::All,
    };

    let exchange = short(&broker.exchange)?;
    let bound = binding::bindings(interest, broker);
    try_join_all(bound.iter().map(|it| bind(&channel, &queue, &exchange, it))).await?;
    if is_named && !broker.passive {
        // An earlier run may have wanted more.
        let left = binding::possible_bindings(interest, broker);
        let left = left
            .difference(&bound)
            .map(|it| unbind(&channel, &queue, &exchange, it));
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
        held,
    })
}

/// Returns whether the queue that we left is there. Declaring it would not tell: an empty queue and a new one look the
/// same. A broker that misses it closes the channel, so this takes one of its own.
async fn is_there(broker: &Broker, line: &Line) -> Result<Option<bool>, LinkError> {
    let name = match &broker.queue.name {
        QueueName::ByServer => return Ok(Some(false)),
        QueueName::Named(name) => short(name)?,
    };
    let channel = line.connection.create_channel().await.map_err(LinkError::Subscribe)?;
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let looked = channel.queue_declare(name, passive, FieldTable::default()).await;
    let is_there = match &looked {
        Ok(_) => Some(true),
        Err(error) if is_missing(error) => Some(false),
        // Whatever it is, declaring it comes to the same, and says so.
        Err(_) => None,
    };
    if looked.is_ok() {
        channel.close(200, "seen".into()).await.map_err(LinkError::Subscribe)?;
    }
    Ok(is_there)
}

/// Declares the queue, and returns its name, whether the name is one that another program could use too, and how many
/// messages wait in it.
async fn declare(broker: &Broker, channel: &Channel) -> Result<(ShortString, bool, u32), LinkError> {
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
        0 => Ok((declared.name().clone(), is_named, declared.message_count())),
        others => Err(LinkError::Held(others)),
    }
}

async fn bind(
    channel: &Channel,
    queue: &ShortString,
    exchange: &ShortString,
    binding: &Binding,
) -> Result<(), LinkError> {
    let options = lapin::options::QueueBindOptions::default();
    let (key, arguments) = (short(&binding.key)?, arguments(binding)?);
    channel
        .queue_bind(queue.clone(), exchange.clone(), key, options, arguments)
        .await
        .map_err(LinkError::Subscribe)
}

async fn unbind(
    channel: &Channel,
    queue: &ShortString,
    exchange: &ShortString,
    binding: &Binding,
) -> Result<(), LinkError> {
    let (key, arguments) = (short(&binding.key)?, arguments(binding)?);
    channel
        .queue_unbind(queue.clone(), exchange.clone(), key, arguments)
        .await
        .map_err(LinkError::Subscribe)
}

fn arguments(binding: &Binding) -> Result<FieldTable, LinkError> {
    let mut table = FieldTable::default();
    for (name, value) in &binding.arguments {
        table.insert(short(name)?, AMQPValue::LongString(value.as_str().into()));
    }
    Ok(table)
}

fn short(text: &str) -> Result<ShortString, LinkError> {
    ShortString::try_new(text).map_err(|_| LinkError::TooLong(text.to_owned()))
}
