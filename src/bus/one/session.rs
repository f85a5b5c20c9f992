//! One line to a broker, from the login to the last `accepted`.
//!
//! Promise: nothing is lost when a wait is given up, and what was read is accepted when it is done with, in few frames.
//!
//! It deliberately does not know when a line is tried, or what is in a message.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::OptionFuture;
use tokio::time::timeout;

use super::super::broker::{Address, MAX_PREFETCH};
use super::super::trouble::LinkError;
use super::Broker;
use super::dial::dial;
use super::encode::sign_of_life;
use super::sieve::selector;
use super::talk::{Arrived, Talk, Told, Wish};
use super::trouble::OneError;
use super::wire::Wire;
use crate::clock::{self, Pulse};
use crate::koji::Interest;

/// How many deliveries are taken at once before others get their turn: everything runs on one thread.
const HELPING: usize = 64;

/// After how long without a sign of life a broker may give us up, where nothing is said of it.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// The shortest time between two signs of life, whatever the broker wants.
pub(super) const BEAT_AT_MOST: Duration = Duration::from_millis(250);

/// How long a line that is open may take to answer whether it is sound.
const EXAMINED_WITHIN: Duration = Duration::from_secs(20);

/// How long the broker may take to say goodbye.
pub(super) const FAREWELL: Duration = Duration::from_millis(500);

/// What a line is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// To take what is of interest.
    News(&'a Interest),
    /// To listen in, and take nothing from anybody.
    ListenIn,
}

/// A line that reads all addresses.
pub(super) struct Session {
    wire: Wire,
    talk: Talk,
    /// What has come, and was not taken yet.
    arrived: VecDeque<Arrived>,
    answers: u64,
    is_subscribed: bool,
    heartbeat: Duration,
    limit: Duration,
    /// When something was last heard.
    heard: Pulse,
    /// When we last showed that we live.
    shown: Pulse,
}

impl Session {
    /// Dials, logs in and attaches to every address. No message comes before [`Self::start`].
    pub(super) async fn open(
        broker: &Broker,
        door: &Address,
        purpose: Purpose<'_>,
        heard: &Pulse,
    ) -> Result<Self, OneError> {
        let limit = broker.connection_timeout;
        let wire = timeout(limit, dial(broker, door, heard)).await;
        let wire = wire.unwrap_or(Err(LinkError::Silent(limit).into()))?;
        let heartbeat = broker.heartbeat.map_or(HEARTBEAT, |it| Duration::from_secs(it.into()));
        let container = format!("{}-{}", env!("CARGO_PKG_NAME"), uuid::Uuid::new_v4());
        let selector = match purpose {
            Purpose::News(interest) => broker.selector.then(|| selector(interest)),
            Purpose::ListenIn => None,
        };
        let as_copies = matches!(purpose, Purpose::ListenIn);
        let host = host(door);
        let talk = Talk::open(&Wish {
            container: &container,
            host: &host,
            addresses: &broker.addresses,
            selector: selector.as_deref(),
            as_copies,
            prefetch: broker.prefetch.clamp(1, MAX_PREFETCH),
            heartbeat,
        });
        let mut session = Self {
            wire,
            talk,
            arrived: VecDeque::new(),
            answers: 0,
            is_subscribed: false,
            heartbeat,
            limit,
            heard: heard.clone(),
            shown: Pulse::default(),
        };
        let subscribed = async {
            while !session.is_subscribed {
                session.advance().await?;
            }
            match session.talk.taken_from() {
                Some(address) if as_copies => Err(OneError::NotLent(address.to_owned())),
                Some(_) | None => Ok(()),
            }
        };
        let subscribed = timeout(limit, subscribed).await;
        match subscribed.unwrap_or(Err(LinkError::Silent(limit).into())) {
            Ok(()) => {
                session.shown.beat();
                Ok(session)
            }
            Err(error) => {
                session.close().await;
                Err(error)
            }
        }
    }

    /// Lets the first messages come.
    pub(super) fn start(&mut self) {
        self.talk.start();
    }

    /// Returns whether the broker sorts by our selector.
    pub(super) fn is_filtered(&self) -> bool {
        self.talk.is_filtered()
    }

    /// Returns how often both sides show that they live, as far as we asked for it; zero: they need not.
    pub(super) fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// Returns how often the broker wants a sign of life from us; zero: never.
    fn beat_every(&self) -> Duration {
        match self.talk.beat() {
            Duration::ZERO => Duration::ZERO,
            beat => beat.max(BEAT_AT_MOST),
        }
    }

    /// After how long a silence the broker is given up: twice what it was told. `None`: never.
    fn patience(&self) -> Option<Duration> {
        Some(self.heartbeat * 2).filter(|it| !it.is_zero())
    }

    /// Returns when to look at the signs of life again, ours and theirs; `None`: nobody asked for any.
    fn next_look(&self) -> Option<Duration> {
        let left = |of: Duration, since: &Pulse| of.saturating_sub(since.age().unwrap_or_default());
        let ours = Some(self.beat_every()).filter(|it| !it.is_zero());
        let ours = ours.map(|it| left(it, &self.shown));
        let theirs = self.patience().map(|it| left(it, &self.heard));
        ours.into_iter().chain(theirs).min()
    }

    /// Shows that we live, if the broker wants that, and looks whether it lives.
    fn look_alive(&mut self) -> Result<(), OneError> {
        if !self.beat_every().is_zero() {
            self.beat();
        }
        match self.patience() {
            Some(limit) if self.heard.age().is_some_and(|it| it >= limit) => Err(OneError::Quiet(limit)),
            Some(_) | None => Ok(()),
        }
    }

    /// Shows that we live.
    fn beat(&mut self) {
        self.shown.beat();
        self.wire.say(&sign_of_life());
        self.push();
    }

    /// Waits for something else, and shows meanwhile that we live: nobody else does that.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let every = self.beat_every();
        let mut work = pin!(work);
        if every.is_zero() {
            return work.await;
        }
        loop {
            tokio::select! {
                biased;
                done = work.as_mut() => return done,
                () = clock::pass(every) => self.beat(),
            }
        }
    }

    /// Writes what can be written without waiting. If that fails, the line is broken, which the next wait says too.
    fn push(&mut self) {
        let said = self.talk.take_out();
        if !said.is_empty() {
            self.wire.say(&said);
        }
        let _written = self.wire.flush().now_or_never();
    }

    /// Waits for messages and takes up those that are there, into `batch`. Nothing is lost if the wait is given up.
    ///
    /// # Errors
    /// If the line has ended. What had come before is in the batch all the same.
    pub(super) async fn take(&mut self, batch: &mut Vec<Arrived>) -> Result<(), OneError> {
        let mut advanced = Ok(());
        while self.arrived.is_empty() && advanced.is_ok() {
            let mut look = pin!(OptionFuture::from(self.next_look().map(clock::pass)));
            let heard = tokio::select! {
                biased;
                Some(()) = look.as_mut() => None,
                heard = self.advance() => Some(heard),
            };
            advanced = heard.unwrap_or_else(|| self.look_alive());
        }
        let some = self.arrived.len().min(HELPING);
        batch.extend(self.arrived.drain(..some));
        advanced
    }

    /// Takes up the frames that have come, or waits for some.
    async fn advance(&mut self) -> Result<(), OneError> {
        let mut is_any = false;
        while self.arrived.len() < HELPING
            && let Some(frame) = self.wire.frame().map_err(OneError::Odd)?
        {
            is_any = true;
            match self.talk.take(&frame)? {
                Some(Told::Delivered(it)) => self.arrived.push_back(it),
                Some(Told::Answered) => self.answers += 1,
                Some(Told::Subscribed) => self.is_subscribed = true,
                None => {}
            }
        }
        let said = self.talk.take_out();
        if !said.is_empty() {
            self.wire.say(&said);
        }
        if is_any {
            // What was said goes out now: the next wait may be for the loop, not for the broker.
            let _written = self.wire.flush().now_or_never();
            return Ok(());
        }
        self.wire.hear().await.map_err(OneError::Lost)
    }

    /// Asks the broker for a word, and waits for it. What comes meanwhile is kept.
    ///
    /// # Errors
    /// If the line brings nothing any more, and another one may.
    pub(super) async fn examine(&mut self) -> Result<(), OneError> {
        self.settle();
        if !self.talk.can_ask() {
            return Ok(());
        }
        let before = self.answers;
        self.talk.ask();
        let limit = self.limit.min(EXAMINED_WITHIN);
        let examination = async {
            while self.answers == before {
                self.advance_past().await?;
            }
            Ok(())
        };
        timeout(limit, examination)
            .await
            .unwrap_or(Err(LinkError::Mute(limit).into()))
    }

    /// As [`Self::advance`], though many messages wait to be taken. The broker's credit bounds them.
    async fn advance_past(&mut self) -> Result<(), OneError> {
        let kept = std::mem::take(&mut self.arrived);
        let advanced = self.advance().await;
        let new = std::mem::replace(&mut self.arrived, kept);
        self.arrived.extend(new);
        advanced
    }

    /// Notes that a delivery is done with, and accepts if that is due.
    pub(super) fn done(&mut self, tag: u64) {
        self.talk.done(tag);
        self.push();
    }

    /// Returns whether something is left to be accepted when the stream is quiet.
    pub(super) fn has_ready(&self) -> bool {
        self.talk.has_ready()
    }

    /// Accepts all that is done.
    pub(super) fn settle(&mut self) {
        self.talk.settle();
        self.push();
    }

    /// Ends the line in order: the last `accepted`, goodbye. Returns whether the broker took part in it.
    pub(super) async fn close(mut self) -> bool {
        self.talk.settle();
        self.talk.close();
        self.push();
        let goodbye = async {
            loop {
                // What comes now will be sent again.
                self.arrived.clear();
                match self.advance().await {
                    Ok(()) => {}
                    // An address that is let go of is answered before the connection is.
                    Err(OneError::Ended(_) | OneError::Refused { .. } | OneError::Closed(_)) => return true,
                    Err(_) => return false,
                }
            }
        };
        timeout(FAREWELL, goodbye).await.unwrap_or(false)
    }
}

/// Returns what we say we want to talk to.
pub(super) fn host(door: &Address) -> String {
    match door.vhost.as_str() {
        "" | "/" => door.host.clone(),
        vhost => format!("vhost:{vhost}"),
    }
}
