//! AMQP 1.0 as a source of its own: what Koji's `protonmsg` sends to qpid, ActiveMQ, Artemis or RabbitMQ.
//!
//! Promise: as that of the source for 0-9-1. The line comes back by itself, what is of interest is reported and
//! accepted only when the loop says so, and whatever a broker sends, it is read within limits.
//!
//! The client is our own, and no more of one than is needed: no crate there could be kept in bounds. `fe2o3-amqp` 0.18 hands
//! out no message as bytes. It reads every section by recursion first, and a message of 900 kB, a list in a list in a
//! list, ends the process. The frames of a connection that is open are read the same way. It refuses SASL EXTERNAL
//! over a TLS stream that somebody else has opened (`InvalidSchemeForSaslExternal`), and a TLS of its own brings a second
//! cryptography. What is left over is small: nine performatives, and a credit that is counted.
//!
//! Tried against RabbitMQ 3.10 and a broker on Qpid Proton; ActiveMQ, Artemis and qpidd were not at hand. RabbitMQ 3 makes a
//! queue for each line that reads a topic and may leave it behind: there, a queue by name, or AMQP 0-9-1, is better.
//!
//! `ear` listens in beside it, and `outbox` sends what `koji-notify publish` is told to; the source never does.
//!
//! It deliberately does not know what the loop makes of the news.

mod compose;
mod dial;
pub mod ear;
mod encode;
mod frame;
mod letter;
mod live;
mod opening;
pub(in crate::bus) mod outbox;
mod receipts;
mod send;
mod session;
mod sieve;
mod talk;
mod trouble;
mod wire;

use std::time::Duration;

use super::broker::{Address, Login, Trust};
use super::patrol::Patrol;
use crate::clock::Pulse;
use crate::koji::{InstanceName, Interest};
use crate::watch::Trouble;

pub use compose::NoRoom;
pub use sieve::{concerns_properties, selector};

/// A broker of AMQP 1.0, and what is read from it: checked, whole, ready to be dialled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Broker {
    /// Where it is, at least one place. They are tried in turn. A virtual host other than `/` is asked for as RabbitMQ
    /// wants it, `vhost:NAME`; others know none.
    pub doors: Vec<Address>,
    /// `None`: nobody in particular (SASL ANONYMOUS).
    pub login: Option<Login>,
    pub trust: Trust,
    /// What is read, in the broker's own words: `topic://VirtualTopic.eng.brew.>`, `/topic/koji.#`. At least one, and at
    /// most [`MAX_ADDRESSES`].
    pub addresses: Vec<String>,
    /// Whether the broker is asked to sort by itself what is of no interest to anybody.
    pub selector: bool,
    /// What stands before the event in the addresses that Koji sends to. Empty: any will do.
    pub topic_prefix: String,
    /// How many messages the broker may send ahead over all addresses, 1 to [`super::broker::MAX_PREFETCH`].
    pub prefetch: u16,
    /// After how many seconds without a sign of life we may be given up, and give up the broker after twice of it.
    /// `None`: a minute. Zero: never.
    pub heartbeat: Option<u16>,
    /// The time limit on everything from the first packet to the end of the login.
    pub connection_timeout: Duration,
}

/// The most addresses that one broker is read from.
pub const MAX_ADDRESSES: usize = 16;

impl Broker {
    /// Returns whether the broker keeps for us what is sent while we are away, as far as the addresses tell.
    fn keeps(&self) -> bool {
        self.addresses.iter().all(|it| is_kept(it))
    }
}

/// Returns whether an address is that of a queue. A name alone may be either, but that of ActiveMQ for a reader of a
/// virtual topic is a queue's.
fn is_kept(address: &str) -> bool {
    let queues = ["queue://", "/queue/", "/queues/", "/amq/queue/", "Consumer."];
    queues.iter().any(|it| address.starts_with(it))
}

/// Returns whether an address says that it is a topic: whoever reads one has copies of their own.
fn is_topic(address: &str) -> bool {
    let topics = ["topic://", "/topic/", "/exchange/", "/exchanges/"];
    topics.iter().any(|it| address.starts_with(it))
}

/// The broker of one instance, as a place that news comes from.
pub struct OneSource {
    instance: InstanceName,
    broker: Broker,
    patrol: Patrol,
}

impl OneSource {
    pub fn new(instance: InstanceName, broker: Broker) -> Self {
        Self {
            instance,
            broker,
            patrol: Patrol::default(),
        }
    }

    /// Examines a quiet line after other times than usual.
    #[must_use]
    pub fn with_patrol(self, patrol: Patrol) -> Self {
        Self { patrol, ..self }
    }
}

/// Dials, logs in and asks for the addresses for a moment, at one place after the other until one works. Nothing is
/// taken from a queue.
///
/// # Errors
///
/// What a person would be told if the daemon met it.
pub async fn probe(broker: &Broker, interest: &Interest) -> Result<(), Trouble> {
    let mut worst = None;
    for door in &broker.doors {
        match session::Session::open(broker, door, session::Purpose::News(interest), &Pulse::default()).await {
            Ok(session) => {
                session.close().await;
                return Ok(());
            }
            Err(error) => {
                let (problem, detail) = error.trouble();
                let trouble = Trouble {
                    problem,
                    host: door.to_string(),
                    detail,
                    retry: None,
                };
                worst = Some(trouble::graver(worst, trouble));
            }
        }
    }
    worst.map_or(Ok(()), Err)
}
