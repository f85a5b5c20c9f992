//! Recorded messages as a source: for the demo, for bug reports, and for tests.
//!
//! Promise: a recording walks the same path as a broker's messages (the same decoder, the same events), in the order
//! in which it was given. [`Recording::heard`] tells without waiting what is heard when; as a [`Source`] the
//! recording waits as long between two messages as they were apart.
//!
//! It deliberately does not know where the records come from: it opens no file and no connection.

mod record;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::decode::{Decoded, Dialect, Envelope, decode};
use super::sieve::concerns;
use super::source::{Orders, Source};
use crate::clock;
use crate::koji::InstanceName;
use crate::watch::{Delivery, Event, Link, News};

pub use record::{MAX_DOCUMENT, MAX_LINE, Reader, Record, ReplayError, records};

/// Recorded messages of one instance, and how they are to be played.
#[derive(Clone, Debug)]
pub struct Recording {
    pub instance: InstanceName,
    pub dialect: Dialect,
    pub records: Vec<Record>,
    /// What else happens, and when, between the records: what other sources would tell. Only a [`Source`] tells it.
    pub besides: Vec<(Timestamp, Event)>,
    /// When the first message is heard, in [`Recording::heard`]. `None`: when it was recorded.
    pub begin: Option<Timestamp>,
    pub speed: Speed,
}

/// How many times faster than it happened a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(f64);

impl Speed {
    /// As it happened.
    pub const REAL: Self = Self(1.0);
    /// Without any distance between the messages.
    pub const AT_ONCE: Self = Self(0.0);

    /// Takes `times` as fast, where 0 is at once. Returns `None` for a number that is no speed.
    pub fn new(times: f64) -> Option<Self> {
        (times.is_finite() && times >= 0.0).then_some(Self(times))
    }

    /// Returns how many times as fast it is.
    pub fn times(self) -> f64 {
        self.0
    }

    fn shorten(self, distance: SignedDuration) -> SignedDuration {
        if self == Self::AT_ONCE {
            return SignedDuration::ZERO;
        }
        if self == Self::REAL {
            return distance;
        }
        SignedDuration::try_from_secs_f64(distance.as_secs_f64() / self.0).unwrap_or(SignedDuration::MAX)
    }
}

/// What became of a record.
enum Heard {
    News(News),
    Spoiled(&'static str),
    Nothing,
}

/// Something that happens while a recording is played.
enum Step<'a> {
    Record(u64, &'a Record),
    Beside(&'a Event),
}

impl Recording {
    /// Returns what is heard and when: the line coming up, the news, and the end. Nothing is waited for and nobody's
    /// interest is asked.
    ///
    /// The distances are those of the recording, shortened by the speed. A record without a time comes together with
    /// the one before it, and a time that lies before the one before it counts as the same: time never runs back. If
    /// no record has a time and none was set, everything happens at the epoch.
    pub fn heard(&self) -> impl Iterator<Item = (Timestamp, Event)> {
        let begin = self.begin.or_else(|| self.first()).unwrap_or(Timestamp::UNIX_EPOCH);
        let line = |link| Event::LinkChanged(self.instance.clone(), link);
        let end = self.distances().last().unwrap_or_default();
        let messages = self.distances().zip(self.numbered());
        let messages = messages.filter_map(move |(distance, (tag, record))| {
            let event = match self.read(tag, record) {
                Heard::News(news) => Event::Heard(news),
                Heard::Spoiled(_) => Event::Spoiled(self.instance.clone()),
                Heard::Nothing => return None,
            };
            Some((later(begin, distance), event))
        });
        let before = [(begin, line(Link::Connecting)), (begin, line(Link::Up))];
        let after = [(later(begin, end), line(Link::Ended))];
        before.into_iter().chain(messages).chain(after)
    }

    fn first(&self) -> Option<Timestamp> {
        self.records.iter().find_map(|it| it.at)
    }

    /// Returns each record's distance from the first, as it is played.
    fn distances(&self) -> impl Iterator<Item = SignedDuration> {
        let first = self.first().unwrap_or(Timestamp::UNIX_EPOCH);
        let times = self.records.iter().scan(first, |newest, record| {
            *newest = record.at.map_or(*newest, |it| it.max(*newest));
            Some(*newest)
        });
        times.map(move |it| self.speed.shorten(it.duration_since(first)))
    }

    /// Returns all that happens, each with its distance from the first record, in its order.
    fn steps(&self) -> Vec<(SignedDuration, Step<'_>)> {
        let first = self.first().unwrap_or(Timestamp::UNIX_EPOCH);
        let records = self.distances().zip(self.numbered());
        let records = records.map(|(distance, (tag, record))| (distance, Step::Record(tag, record)));
        let besides = self.besides.iter().map(|(at, event)| {
            let distance = self.speed.shorten(at.duration_since(first));
            (distance, Step::Beside(event))
        });
        let mut steps: Vec<_> = records.chain(besides).collect();
        steps.sort_by_key(|(distance, _)| *distance);
        steps
    }

    /// Returns each record with its delivery tag.
    fn numbered(&self) -> impl Iterator<Item = (u64, &Record)> {
        (1..).zip(&self.records)
    }

    fn read(&self, tag: u64, record: &Record) -> Heard {
        let headers = record.headers();
        let envelope = Envelope {
            topic: &record.topic,
            message_id: record.message_id.as_deref(),
            sent_at: record.sent_at.as_deref(),
            kind: record.kind.as_deref(),
            headers: Some(&headers),
            body: &record.body,
        };
        match decode(&self.dialect, &envelope) {
            Ok(Decoded::News { sent, event, owner }) => Heard::News(News {
                instance: self.instance.clone(),
                delivery: Some(Delivery {
                    instance: self.instance.clone(),
                    connection: 0,
                    tag,
                }),
                message: record.message_id.clone(),
                is_first: false,
                sent,
                owner,
                event,
            }),
            Ok(Decoded::NotForUs(reason)) => {
                debug!(instance = %self.instance, record = tag, reason, "a recorded message is not for us");
                Heard::Nothing
            }
            Err(error) => {
                debug!(instance = %self.instance, record = tag, %error, "a recorded message cannot be read");
                Heard::Spoiled(error.kind())
            }
        }
    }
}

impl Source for Recording {
    async fn run(self, mut orders: Orders, inbox: mpsc::Sender<Event>) {
        let line = |link| Event::LinkChanged(self.instance.clone(), link);
        for link in [Link::Connecting, Link::Up] {
            if inbox.send(line(link)).await.is_err() {
                return;
            }
        }
        let mut complained = BTreeSet::new();
        let mut played = SignedDuration::ZERO;
        for (distance, step) in self.steps() {
            let pause = Duration::try_from(distance - played).unwrap_or_default();
            played = distance;
            if !go_on(pause, &mut orders, &inbox).await {
                return;
            }
            let (tag, record) = match step {
                Step::Record(tag, record) => (tag, record),
                Step::Beside(event) => {
                    if inbox.send(event.clone()).await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            let is_named = record.may_concern(&orders.interest.borrow());
            if !is_named {
                continue;
            }
            let event = match self.read(tag, record) {
                Heard::News(news) if concerns(&news.event, news.owner, &orders.interest.borrow()) => Event::Heard(news),
                Heard::News(_) | Heard::Nothing => continue,
                Heard::Spoiled(kind) => {
                    if complained.insert(kind) {
                        warn!(instance = %self.instance, record = tag, kind, "a recorded message cannot be read");
                    }
                    Event::Spoiled(self.instance.clone())
                }
            };
            if inbox.send(event).await.is_err() {
                return;
            }
        }
        // Whoever was to hear of the end is gone if this fails, and so are we.
        let _gone = inbox.send(line(Link::Ended)).await;
    }
}

/// Waits, and returns whether anybody still listens. A recording has nothing to send again, so what is acknowledged
/// is only taken off the channel.
async fn go_on(pause: Duration, orders: &mut Orders, inbox: &mpsc::Sender<Event>) -> bool {
    let over = async {
        if !pause.is_zero() {
            clock::pass(pause).await;
        }
    };
    tokio::pin!(over);
    loop {
        tokio::select! {
            biased;
            () = inbox.closed() => return false,
            changed = orders.interest.changed() => if changed.is_err() { return false },
            acknowledged = orders.acknowledge.recv() => if acknowledged.is_none() { return false },
            () = &mut over => return true,
        }
    }
}

fn later(time: Timestamp, distance: SignedDuration) -> Timestamp {
    time.checked_add(distance).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
