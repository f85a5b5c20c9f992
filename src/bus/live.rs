//! The live source: one broker, kept subscribed.
//!
//! Promise: the line comes back by itself, soon where that helps and slowly where only a person can; each line ends
//! with nothing left of it. What is somebody else's is set aside by its headers, what cannot be read is counted and
//! acknowledged, and the rest is reported, to be acknowledged when the loop says so.
//!
//! It deliberately does not know what the loop makes of the news.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::OptionFuture;
use jiff::Timestamp;
use lapin::message::Delivery as Message;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::binding;
use super::broker::Broker;
use super::calls::{Call, Calls, Interruption};
use super::decode::{Decoded, Dialect, Envelope, decode};
use super::fingerprint::fingerprint;
use super::patience::Patience;
use super::patrol::Patrol;
use super::recorded::Recorded;
use super::session::{Held, Left, Session, memory_of_one_before};
use super::sieve::{concerns, may_concern};
use super::source::{Orders, Signs, Source};
use super::trouble::LinkError;
use crate::clock;
use crate::koji::{InstanceName, Interest};
use crate::net::trouble::{NetError, shortened};
use crate::watch::link::Problem;
use crate::watch::{Delivery, Event, Link, News, Trouble};

/// How long acknowledgements of a stream that has gone quiet may wait for company. Without it, a consumer that is
/// quicker than the broker would acknowledge one by one.
const QUIET: Duration = Duration::from_millis(20);

/// How many messages are taken up before the loop and others on this thread get their turn.
const TURN: usize = 64;

/// How many lines this program has opened. The count outlives each source: a receipt for one that is gone must not fit
/// the next.
pub(super) static LINES: AtomicU32 = AtomicU32::new(0);

/// The broker of one instance, as a place that news comes from.
pub struct BrokerSource {
    instance: InstanceName,
    broker: Broker,
    patrol: Patrol,
}

impl BrokerSource {
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

impl Source for BrokerSource {
    /// Runs until the inbox closes, or the senders of what is wanted or of the acknowledgements are gone.
    async fn run(self, orders: Orders, inbox: mpsc::Sender<Event>) {
        Keeper::new(self, orders, inbox).run().await;
    }
}

/// Why a line, or the attempt at one, has ended.
enum Ended {
    /// The loop has gone: so do we.
    Stopped,
    /// The computer was asleep.
    Woken,
    /// It looked sound and did not bring what it should have brought.
    Doubted,
    /// It did not come up.
    Failed(LinkError),
    /// It was up for so long.
    Lost(LinkError, Duration),
}

/// Keeps one line up.
struct Keeper {
    instance: InstanceName,
    broker: Broker,
    calls: Calls,
    signs: Signs,
    patrol: Patrol,
    /// All that was published until then was heard, or waits in the queue that we left. `None`: no line yet.
    heard_until: Option<Timestamp>,
    inbox: mpsc::Sender<Event>,
    patience: Patience,
    /// The number of the line; deliveries carry it.
    connection: u32,
    /// Until when the broker may take a line of ours that broke for a living reader of the queue. At first, that is
    /// one of the program before us, or of ourselves before the settings changed.
    haunted: Option<Timestamp>,
    /// Whether the broker has let us in before.
    is_known: bool,
    /// What was last logged of a line that is down.
    logged_trouble: Option<Problem>,
    /// The kinds of unreadable messages that were logged.
    logged_kinds: BTreeSet<&'static str>,
}

impl Keeper {
    fn new(source: BrokerSource, orders: Orders, inbox: mpsc::Sender<Event>) -> Self {
        let BrokerSource {
            instance,
            broker,
            patrol,
        } = source;
        let (calls, signs) = Calls::new(orders);
        Self {
            haunted: clock::now().checked_add(memory_of_one_before(&broker)).ok(),
            instance,
            broker,
            calls,
            signs,
            patrol,
            heard_until: None,
            inbox,
            patience: Patience::new(),
            connection: 0,
            is_known: false,
            logged_trouble: None,
            logged_kinds: BTreeSet::new(),
        }
    }

    async fn run(mut self) {
        let mut is_new = true;
        loop {
            // Further attempts are not worth a word: that one is coming was said with the trouble.
            if std::mem::take(&mut is_new) && !self.report(Link::Connecting).await {
                return;
            }
            let (error, wait) = match self.try_line().await {
                Ended::Stopped => return,
                Ended::Woken | Ended::Doubted => {
                    is_new = true;
                    self.patience.succeeded();
                    continue;
                }
                Ended::Failed(error) => {
                    let error = self.excused(error);
                    let wait = if matches!(error, LinkError::Ghost) {
                        self.patience.after_ghost()
                    } else {
                        self.patience.after_failure(error.trouble().0.is_passing())
                    };
                    (error, wait)
                }
                Ended::Lost(error, held) => {
                    let is_passing = error.trouble().0.is_passing();
                    let is_at_once = matches!(error, LinkError::QueueGone | LinkError::Deaf);
                    let soon = self.patience.after_line(held, is_at_once);
                    let wait = if is_passing {
                        soon
                    } else {
                        self.patience.after_failure(false)
                    };
                    (error, wait)
                }
            };
            if !self.complain(&error, wait).await {
                return;
            }
            match self.calls.during(&self.inbox, clock::pass(wait)).await {
                Ok(()) => {}
                Err(Interruption::Stop) => return,
                // The network is probably another one than before, so old trouble says nothing.
                Err(Interruption::Wake) => {
                    is_new = true;
                    self.patience.succeeded();
                }
            }
        }
    }

    /// Opens a line and keeps it as long as it lasts.
    async fn try_line(&mut self) -> Ended {
        let interest = self.calls.begin_line();
        let left = if self.heard_until.is_some() {
            Left::Queue
        } else {
            Left::Unknown
        };
        let opening = Session::open(&self.broker, &interest, left, &self.signs.anything);
        let mut session = match self.calls.during(&self.inbox, opening).await {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => return Ended::Failed(error),
            Err(Interruption::Stop) => return Ended::Stopped,
            Err(Interruption::Wake) => return Ended::Woken,
        };
        self.connection = LINES.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        self.is_known = true;
        self.haunted = None;
        self.logged_trouble = None;
        info!(
            instance = %self.instance,
            broker = %self.broker.address,
            queue = ?session.queue(),
            keys = ?session.bound(),
            "subscribed"
        );
        if session.bound().is_empty() {
            warn!(instance = %self.instance, "the site allows none of the wanted topics, nothing will be heard");
        }
        let since = clock::now();
        let mut tally = Tally::default();
        let mut ended = Ended::Stopped;
        let heard_until = self.heard_until.replace(since);
        if self.report(Link::Up).await && self.report_gap(session.held(), heard_until).await {
            ended = self.hear(&mut session, &mut tally).await;
        }
        if !matches!(ended, Ended::Doubted | Ended::Failed(LinkError::Deaf)) {
            self.heard_until = self.signs.anything.last().max(self.heard_until);
        }
        for delivery in self.calls.last_words() {
            self.acknowledge(&mut session, &delivery);
        }
        let memory = session.broker_memory();
        let answered = session.close().await;
        if !answered {
            self.haunted = clock::now().checked_add(memory).ok();
        }
        debug!(instance = %self.instance, ?tally, answered, "the line has ended");
        match ended {
            Ended::Failed(error) => {
                let held = Duration::try_from(clock::now().duration_since(since)).unwrap_or_default();
                Ended::Lost(error, held)
            }
            Ended::Stopped | Ended::Woken | Ended::Doubted | Ended::Lost(..) => ended,
        }
    }

    /// Hears what comes by a line until it ends.
    async fn hear(&mut self, session: &mut Session, tally: &mut Tally) -> Ended {
        let mut batch = Vec::new();
        let mut quiet = pin!(OptionFuture::from(None));
        let mut is_quiet_awaited = false;
        // What is wanted may have changed while the line was opened.
        let mut interest = Interest::default();
        let mut is_stale = true;
        let mut helped = 0;
        let mut round = pin!(clock::pass(self.patrol.first(session.heartbeat())));
        let mut is_doubted = false;
        let mut is_due = false;
        // When a doubt was last looked into on this line.
        let mut looked_into: Option<Timestamp> = None;
        loop {
            if std::mem::take(&mut is_doubted) {
                if looked_into.is_some() && looked_into >= self.signs.message.last() {
                    return Ended::Doubted;
                }
                looked_into = Some(clock::now());
                let gap = self.heard_until;
                if let Some(ended) = self.examine(session).await {
                    return ended;
                }
                // What was bound was bound again. If it was not, something was missed.
                if !self.report_missed(gap).await {
                    return Ended::Stopped;
                }
            }
            if std::mem::take(&mut is_due)
                && let Some(ended) = self.examine(session).await
            {
                return ended;
            }
            if std::mem::take(&mut is_stale) {
                interest = self.calls.interest.borrow_and_update().clone();
                let wanted = binding::bindings(&interest, &self.broker);
                if wanted != *session.bound() {
                    debug!(instance = %self.instance, ?wanted, "binding anew");
                    if let Err(error) = session.rebind(wanted).await {
                        return Ended::Failed(error);
                    }
                }
            }
            if session.has_ready() && !is_quiet_awaited {
                quiet.set(Some(clock::pass(QUIET)).into());
                is_quiet_awaited = true;
            }
            if helped >= TURN {
                // A flood must not keep the loop, or others on this thread, from their turn.
                helped = 0;
                while let Some(call) = self.calls.next(&self.inbox).now_or_never() {
                    match self.obey(call, session) {
                        Obeyed::Ended(ended) => return ended,
                        Obeyed::Stale => is_stale = true,
                        Obeyed::Doubted => is_doubted = true,
                        Obeyed::Done => {}
                    }
                }
                tokio::task::yield_now().await;
            }
            tokio::select! {
                // In a flood, looking at the other branches for each message would cost as much as the message.
                biased;
                taken = session.take(&mut batch) => {
                    helped += batch.len();
                    for message in batch.drain(..) {
                        if !self.take_up(&message, &interest, session, tally).await {
                            return Ended::Stopped;
                        }
                    }
                    if let Err(error) = taken {
                        return Ended::Failed(error);
                    }
                }
                _ = quiet.as_mut(), if is_quiet_awaited => {
                    is_quiet_awaited = false;
                    session.settle();
                }
                call = self.calls.next(&self.inbox) => match self.obey(call, session) {
                    Obeyed::Ended(ended) => return ended,
                    Obeyed::Stale => is_stale = true,
                    Obeyed::Doubted => is_doubted = true,
                    Obeyed::Done => {}
                },
                () = round.as_mut() => {
                    is_due = self.patrol.is_due(session.heartbeat(), &self.signs);
                    round.set(clock::pass(self.patrol.next(session.heartbeat(), &self.signs)));
                }
            }
        }
    }

    /// Looks whether the line is what it seems to be. Returns how it has ended, if it has.
    async fn examine(&mut self, session: &mut Session) -> Option<Ended> {
        let examined = tokio::select! {
            examined = session.examine() => examined,
            () = self.calls.hung_up() => return Some(Ended::Stopped),
        };
        if let Err(error) = examined {
            return Some(Ended::Failed(error));
        }
        debug!(instance = %self.instance, "the line answers, and all is bound");
        self.heard_until = Some(clock::now());
        None
    }

    /// Says what may have been missed while there was no line. Returns `false` when nobody listens any more.
    async fn report_gap(&mut self, held: Held, heard_until: Option<Timestamp>) -> bool {
        match held {
            Held::Unknown | Held::All => return true,
            Held::Nothing => info!(instance = %self.instance, since = ?heard_until, "no queue was left"),
            Held::Much(messages) => info!(instance = %self.instance, messages, "the queue may have overflowed"),
        }
        self.report_missed(heard_until).await
    }

    /// Says that something may have been missed. Returns `false` when nobody listens any more.
    async fn report_missed(&mut self, heard_until: Option<Timestamp>) -> bool {
        let Some(since) = heard_until else {
            return true;
        };
        self.tell(Event::Missed(self.instance.clone(), since)).await
    }

    /// Does what the loop wants of a live line.
    fn obey(&self, call: Call, session: &mut Session) -> Obeyed {
        match call {
            Call::Stop => Obeyed::Ended(Ended::Stopped),
            Call::Wake => Obeyed::Ended(Ended::Woken),
            Call::Want => Obeyed::Stale,
            Call::Doubt => Obeyed::Doubted,
            Call::Done(delivery) => {
                self.acknowledge(session, &delivery);
                Obeyed::Done
            }
        }
    }

    /// Reports a message, or sets it aside. Returns `false` when nobody listens any more.
    async fn take_up(
        &mut self,
        message: &Message,
        interest: &Interest,
        session: &mut Session,
        tally: &mut Tally,
    ) -> bool {
        self.signs.message.beat();
        self.signs.copies.leave(message.data.len(), || {
            let topic = message.routing_key.as_str();
            Recorded::of(topic, &message.properties, &message.data).heard_by(&self.instance)
        });
        let headers = message.properties.headers().as_ref();
        let envelope = Envelope {
            topic: message.routing_key.as_str(),
            message_id: message.properties.message_id().as_ref().map(ShortString::as_str),
            sent_at: headers.and_then(sent_at),
            kind: message.properties.kind().as_ref().map(ShortString::as_str),
            headers,
            body: &message.data,
        };
        if !may_concern(&self.broker.dialect, &envelope, interest) {
            tally.skipped += 1;
            session.done(message.delivery_tag);
            return true;
        }
        match decode(&self.broker.dialect, &envelope) {
            Ok(Decoded::News { sent, event, owner }) if concerns(&event, owner, interest) => {
                tally.heard += 1;
                let news = News {
                    instance: self.instance.clone(),
                    delivery: Some(Delivery {
                        instance: self.instance.clone(),
                        connection: self.connection,
                        tag: message.delivery_tag,
                    }),
                    message: message_name(&self.broker.dialect, &envelope),
                    is_first: envelope.message_id.is_none() && !message.redelivered,
                    sent,
                    owner,
                    event,
                };
                self.tell(Event::Heard(news)).await
            }
            Ok(Decoded::News { .. } | Decoded::NotForUs(_)) => {
                tally.unrelated += 1;
                session.done(message.delivery_tag);
                true
            }
            Err(error) => {
                tally.spoiled += 1;
                session.done(message.delivery_tag);
                if self.logged_kinds.insert(error.kind()) {
                    let topic = capped(envelope.topic);
                    let message = envelope.message_id.map(capped);
                    let error = error.to_string();
                    warn!(
                        instance = %self.instance, ?topic, ?message, error = ?capped(&error),
                        "a message cannot be read; further ones of this kind are only counted"
                    );
                }
                self.tell(Event::Spoiled(self.instance.clone())).await
            }
        }
    }

    /// Takes it that the loop is done with a delivery. One of a line that is gone will be sent again.
    fn acknowledge(&self, session: &mut Session, delivery: &Delivery) {
        if delivery.connection == self.connection && delivery.instance == self.instance {
            session.done(delivery.tag);
        }
    }

    /// Returns what an error means, given what was before.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other error stays as it is")]
    fn excused(&self, error: LinkError) -> LinkError {
        let is_haunted = self.haunted.is_some_and(|until| clock::now() < until);
        if error.is_taken() && is_haunted {
            // The reader that holds the queue is most likely our own line that broke.
            return LinkError::Ghost;
        }
        match error {
            // The certificate was good and the port was right; a broker that goes down hangs up, too.
            LinkError::HungUp(error) | LinkError::NoGreeting(error) if self.is_known => {
                NetError::Unreachable(error).into()
            }
            error => error,
        }
    }

    /// Says that the line is down. Returns `false` when nobody listens any more.
    async fn complain(&mut self, error: &LinkError, wait: Duration) -> bool {
        let (problem, detail) = error.trouble();
        let retry = clock::now().checked_add(wait).ok();
        let host = self.broker.address.to_string();
        if self.logged_trouble.replace(problem) == Some(problem) {
            debug!(instance = %self.instance, broker = %host, ?problem, ?detail, ?wait, "still no line");
        } else {
            warn!(instance = %self.instance, broker = %host, ?problem, ?detail, ?wait, "the line is down");
        }
        self.report(Link::Down(Trouble {
            problem,
            host,
            detail,
            retry,
        }))
        .await
    }

    /// Says how the line is. Returns `false` when nobody listens any more.
    async fn report(&mut self, link: Link) -> bool {
        self.tell(Event::LinkChanged(self.instance.clone(), link)).await
    }

    /// Returns `false` when nobody listens any more.
    async fn tell(&mut self, event: Event) -> bool {
        tokio::select! {
            biased;
            told = self.inbox.send(event) => told.is_ok(),
            // A loop on its way out may have stopped reading before it lets go of the inbox.
            () = self.calls.hung_up() => false,
        }
    }
}

/// What came of a call.
enum Obeyed {
    Done,
    /// What is bound has to be looked at.
    Stale,
    /// The line has to be looked at.
    Doubted,
    Ended(Ended),
}

/// What became of a line's messages, for the log.
#[derive(Debug, Default)]
struct Tally {
    heard: u64,
    /// Set aside by the headers, unread.
    skipped: u64,
    /// Read, and of no interest.
    unrelated: u64,
    /// Unreadable.
    spoiled: u64,
}

/// Returns what a message is known by when it comes again. Koji's own plugins give it no id.
fn message_name(dialect: &Dialect, envelope: &Envelope<'_>) -> Option<String> {
    let told = envelope.message_id.map(str::to_owned);
    told.or_else(|| {
        let Envelope {
            topic, body, headers, ..
        } = *envelope;
        // On a headers exchange, only they tell one event from another.
        let event = headers.and_then(|it| text(it, "type")).unwrap_or_default();
        let is_without = dialect.tells_of_every_task();
        is_without.then(|| fingerprint(&[topic.as_bytes(), event.as_bytes(), body]))
    })
}

fn sent_at(headers: &FieldTable) -> Option<&str> {
    text(headers, "sent-at")
}

fn text<'a>(headers: &'a FieldTable, name: &str) -> Option<&'a str> {
    let AMQPValue::LongString(text) = headers.inner().get(name)? else {
        return None;
    };
    std::str::from_utf8(text.as_bytes()).ok()
}

/// As much of a stranger's text as a log line takes.
fn capped(text: &str) -> &str {
    shortened(text, 120)
}
