//! A line to a broker of AMQP 1.0 that takes messages, for `koji-notify publish`.
//!
//! Promise: what [`Outbox::send`] has returned for, the broker has accepted. Each wait has a limit.
//!
//! It deliberately does not know what a message says.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::super::broker::Address;
use super::super::recorded::Recorded;
use super::super::trouble::LinkError;
use super::Broker;
use super::compose::{NoRoom, compose};
use super::dial::dial;
use super::encode::sign_of_life;
use super::send::{Outcome, Sending, Told};
use super::session::{BEAT_AT_MOST, FAREWELL, host};
use super::trouble::{OneError, graver};
use super::wire::Wire;
use crate::clock::{self, Pulse};
use crate::watch::Trouble;

/// A line that sends.
pub(in crate::bus) struct Outbox {
    wire: Wire,
    sending: Sending,
    host: String,
    limit: Duration,
}

/// Why a message was not sent.
#[derive(Debug)]
pub(in crate::bus) enum Unsent {
    NoRoom(NoRoom),
    /// It has so many bytes, more than the broker takes at this address.
    TooLarge {
        size: usize,
        most: u64,
    },
    /// In the broker's own words.
    Refused(String),
    /// It would not have the message, and says nothing more than that, by this outcome.
    GivenBack(&'static str),
    /// It did not ask for a message in time.
    NoCredit,
    /// It did not say in time what becomes of the message.
    Silent,
    /// The line broke before that.
    Lost(Box<dyn std::error::Error + Send + Sync>),
}

impl Outbox {
    /// Dials and logs in at the first of the broker's places that lets us.
    pub(in crate::bus) async fn open(broker: &Broker) -> Result<Self, Trouble> {
        let mut worst = None;
        for door in &broker.doors {
            match Self::open_at(broker, door).await {
                Ok(outbox) => return Ok(outbox),
                Err(error) => {
                    let (problem, detail) = error.trouble();
                    let trouble = Trouble {
                        problem,
                        host: door.to_string(),
                        detail,
                        retry: None,
                    };
                    worst = Some(graver(worst, trouble));
                }
            }
        }
        Err(worst.unwrap_or_else(|| Trouble {
            problem: crate::watch::link::Problem::UnknownHost,
            host: String::new(),
            detail: String::new(),
            retry: None,
        }))
    }

    async fn open_at(broker: &Broker, door: &Address) -> Result<Self, OneError> {
        let limit = broker.connection_timeout;
        let wire = timeout(limit, dial(broker, door, &Pulse::default())).await;
        let wire = wire.unwrap_or(Err(LinkError::Silent(limit).into()))?;
        let container = format!("{}-{}", env!("CARGO_PKG_NAME"), uuid::Uuid::new_v4());
        // The waits have limits of their own.
        let sending = Sending::open(&container, &host(door), Duration::ZERO);
        let mut outbox = Self {
            wire,
            sending,
            host: door.to_string(),
            limit,
        };
        match timeout(limit, outbox.until(&Told::Open)).await {
            Ok(Ok(())) => Ok(outbox),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LinkError::Silent(limit).into()),
        }
    }

    pub(in crate::bus) fn host(&self) -> &str {
        &self.host
    }

    /// Returns how long a broker may take to accept a message.
    pub(in crate::bus) fn limit(&self) -> Duration {
        self.limit
    }

    /// Sends a message to the address that is its topic, and waits until the broker has accepted it.
    pub(in crate::bus) async fn send(&mut self, message: &Recorded) -> Result<(), Unsent> {
        let content = compose(message).map_err(Unsent::NoRoom)?;
        let sent = timeout(self.limit, async {
            self.turn_to(&message.topic).await?;
            let size = content.len();
            match self.sending.most() {
                Some(most) if u64::try_from(size).unwrap_or(u64::MAX) > most => {
                    return Ok(Err(Unsent::TooLarge { size, most }));
                }
                Some(_) | None => {}
            }
            self.sending.send(content);
            Ok(Ok(self.outcome().await?))
        });
        match sent.await {
            Ok(Ok(Ok(Outcome::Accepted))) => Ok(()),
            Ok(Ok(Ok(Outcome::Rejected(said)))) => Err(Unsent::Refused(format!("rejected: {said}"))),
            Ok(Ok(Ok(Outcome::Released))) => Err(Unsent::GivenBack("released")),
            Ok(Ok(Ok(Outcome::Modified))) => Err(Unsent::GivenBack("modified")),
            Ok(Ok(Err(unsent))) => Err(unsent),
            Ok(Err(OneError::Refused { said, .. } | OneError::Ended(said) | OneError::Closed(said))) => {
                Err(Unsent::Refused(said.to_string()))
            }
            Ok(Err(error)) => Err(Unsent::Lost(error.into())),
            Err(_) if self.sending.is_kept_waiting() => Err(Unsent::NoCredit),
            Err(_) => Err(Unsent::Silent),
        }
    }

    /// Waits for something else, and shows meanwhile that we live.
    pub(in crate::bus) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let every = self.sending.beat();
        if every.is_zero() {
            return work.await;
        }
        let every = every.max(BEAT_AT_MOST);
        loop {
            tokio::select! {
                biased;
                done = work.as_mut() => return done,
                () = clock::pass(every) => {
                    self.wire.say(&sign_of_life());
                    // If that fails the line is broken, which the next message is told.
                    let _written = self.wire.flush().await;
                }
            }
        }
    }

    /// Says goodbye.
    pub(in crate::bus) async fn close(mut self) {
        self.sending.close();
        let goodbye = async { while self.step().await.is_ok() {} };
        // Whether it is answered or not, we go.
        let _answered = timeout(FAREWELL, goodbye).await;
    }

    /// Sees to it that an address is attached to, and no other.
    async fn turn_to(&mut self, address: &str) -> Result<(), OneError> {
        if self.sending.address() == Some(address) {
            return Ok(());
        }
        if self.sending.address().is_some() {
            self.sending.leave();
            self.until(&Told::Left).await?;
        }
        self.sending.attach(address);
        self.until(&Told::Attached).await
    }

    async fn until(&mut self, awaited: &Told) -> Result<(), OneError> {
        while self.step().await?.as_ref() != Some(awaited) {}
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Outcome, OneError> {
        loop {
            if let Some(Told::Done(outcome)) = self.step().await? {
                return Ok(outcome);
            }
        }
    }

    /// Takes up a frame, and waits for one if need be.
    async fn step(&mut self) -> Result<Option<Told>, OneError> {
        loop {
            let said = self.sending.take_out();
            if !said.is_empty() {
                self.wire.say(&said);
            }
            if let Some(frame) = self.wire.frame().map_err(OneError::Odd)? {
                return self.sending.take(&frame);
            }
            self.wire.hear().await.map_err(OneError::Lost)?;
        }
    }
}
