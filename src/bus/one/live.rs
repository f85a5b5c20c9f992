//! The broker of one instance, kept read.
//!
//! Promise: the line comes back by itself, at one of the broker's places after the other, soon where that helps and slowly
//! where only a person can; each line ends with nothing left of it. What is somebody else's is set aside by its
//! properties, what cannot be read is counted and accepted, and the rest is reported, to be accepted when the loop says so.
//!
//! It deliberately does not know what the loop makes of the news.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::OptionFuture;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::super::amqp::message::Message;
use super::super::calls::{Call, Calls, Interruption};
use super::super::decode::plugin::{Letter, decode};
use super::super::decode::{DecodeError, Decoded};
use super::super::live::LINES;
use super::super::patience::Patience;
use super::super::patrol::Patrol;
use super::super::sieve::concerns;
use super::super::source::{Orders, Signs, Source};
use super::super::trouble::LinkError;
use super::ear;
use super::letter::letter_id;
use super::session::{Purpose, Session};
use super::sieve::{concerns_properties, is_selected, selector};
use super::talk::Arrived;
use super::trouble::{OneError, graver};
use super::{Broker, OneSource};
use crate::clock;
use crate::koji::{InstanceName, Interest};
use crate::net::trouble::{NetError, shortened};
use crate::watch::link::Problem;
use crate::watch::{Delivery, Event, Link, News, Trouble};

/// How long what is done may wait for company before it is accepted.
const QUIET: Duration = Duration::from_millis(20);

/// How many messages are taken up before the loop and others on this thread get their turn.
const TURN: usize = 64;

impl Source for OneSource {
    /// Runs until the inbox closes, or the senders of what is wanted or of the acknowledgements are gone.
    async fn run(self, orders: Orders, inbox: mpsc::Sender<Event>) {
        Keeper::new(self, orders, inbox).run().await;
    }
}

/// Why a line has ended.
enum Ended {
    /// The loop has gone: so do we.
    Stopped,
    /// The computer was asleep.
    Woken,
    /// It looked sound and did not bring what it should have brought, or something else is wanted of the broker.
    Doubted,
    /// It broke.
    Failed(OneError),
}

/// What came of trying all the places.
enum Tried {
    Ended(Ended),
    /// None let us in. The gravest trouble.
    Failed(Trouble),
    /// One did, for so long. At which place it was.
    Lost(OneError, Duration, usize),
}

/// Keeps one line up.
struct Keeper {
    instance: InstanceName,
    broker: Broker,
    calls: Calls,
    signs: Signs,
    patrol: Patrol,
    /// All that was sent until then was heard, or waits in a queue. `None`: no line yet.
    heard_until: Option<Timestamp>,
    inbox: mpsc::Sender<Event>,
    patience: Patience,
    /// Which place is tried next.
    door: usize,
    /// The number of the line; deliveries carry it.
    connection: u32,
    /// What was last logged of a line that is down.
    logged_trouble: Option<Problem>,
    /// The kinds of unreadable messages that were logged.
    logged_kinds: BTreeSet<&'static str>,
    /// It is not, or not what the broker says it does.
    is_filter_vain: bool,
    /// Whether the broker has let us in before.
    is_known: bool,
}

impl Keeper {
    fn new(source: OneSource, orders: Orders, inbox: mpsc::Sender<Event>) -> Self {
        let OneSource {
            instance,
            broker,
            patrol,
        } = source;
        let (calls, signs) = Calls::new(orders);
        Self {
            instance,
            broker,
            calls,
            signs,
            patrol,
            heard_until: None,
            inbox,
            patience: Patience::new(),
            door: 0,
            connection: 0,
            logged_trouble: None,
            logged_kinds: BTreeSet::new(),
            is_filter_vain: false,
            is_known: false,
        }
    }

    async fn run(mut self) {
        let mut is_new = true;
        loop {
            // Further attempts are not worth a word: that one is coming was said with the trouble.
            if std::mem::take(&mut is_new) && !self.report(Link::Connecting).await {
                return;
            }
            let (trouble, wait) = match self.try_doors().await {
                Tried::Ended(Ended::Stopped) => return,
                Tried::Ended(Ended::Woken | Ended::Doubted) => {
                    is_new = true;
                    self.patience.succeeded();
                    continue;
                }
                Tried::Ended(Ended::Failed(error)) => {
                    let trouble = self.trouble(&error, self.door);
                    let wait = self.patience.after_failure(trouble.problem.is_passing());
                    (trouble, wait)
                }
                Tried::Failed(trouble) => {
                    let wait = self.patience.after_failure(trouble.problem.is_passing());
                    (trouble, wait)
                }
                Tried::Lost(error, held, door) => {
                    let trouble = self.trouble(&error, door);
                    let soon = self.patience.after_line(held, false);
                    let wait = if trouble.problem.is_passing() {
                        soon
                    } else {
                        self.patience.after_failure(false)
                    };
                    (trouble, wait)
                }
            };
            if !self.complain(trouble, wait).await {
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

    /// Tries each place once, and keeps the first line that comes up as long as it lasts.
    async fn try_doors(&mut self) -> Tried {
        let doors = self.broker.doors.clone();
        let mut worst = None;
        for turn in 0..doors.len() {
            let place = self.door.wrapping_add(turn) % doors.len().max(1);
            let Some(door) = doors.get(place) else {
                continue;
            };
            let interest = self.calls.begin_line();
            let opening = Session::open(&self.broker, door, Purpose::News(&interest), &self.signs.anything);
            match self.calls.during(&self.inbox, opening).await {
                Ok(Ok(session)) => {
                    self.door = place;
                    return self.keep(session, interest, place).await;
                }
                Ok(Err(error)) => {
                    let trouble = self.trouble(&self.excused(error), place);
                    debug!(instance = %self.instance, broker = %door, problem = ?trouble.problem, detail = ?trouble.detail, "no line there");
                    worst = Some(graver(worst, trouble));
                }
                Err(Interruption::Stop) => return Tried::Ended(Ended::Stopped),
                Err(Interruption::Wake) => return Tried::Ended(Ended::Woken),
            }
        }
        match worst {
            Some(trouble) => Tried::Failed(trouble),
            // A broker without a place is none that a configuration promises.
            None => Tried::Ended(Ended::Stopped),
        }
    }

    /// Keeps a line as long as it lasts.
    async fn keep(&mut self, mut session: Session, interest: Interest, place: usize) -> Tried {
        self.connection = LINES.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        self.logged_trouble = None;
        self.is_known = true;
        let broker = self.broker.doors.get(place).map(ToString::to_string);
        info!(instance = %self.instance, broker, addresses = ?self.broker.addresses, "subscribed");
        if self.broker.selector && !session.is_filtered() {
            self.filter_is_vain();
        }
        let since = clock::now();
        let mut tally = Tally::default();
        let mut ended = Ended::Stopped;
        let heard_until = self.heard_until.replace(since);
        let kept = self.broker.keeps();
        if self.report(Link::Up).await && (kept || self.report_missed(heard_until).await) {
            session.start();
            ended = self.hear(&mut session, interest, &mut tally).await;
        }
        if !matches!(ended, Ended::Doubted) {
            self.heard_until = self.signs.anything.last().max(self.heard_until);
        }
        for delivery in self.calls.last_words() {
            self.acknowledge(&mut session, &delivery);
        }
        let answered = session.close().await;
        debug!(instance = %self.instance, ?tally, answered, "the line has ended");
        match ended {
            Ended::Failed(error) => {
                let held = Duration::try_from(clock::now().duration_since(since)).unwrap_or_default();
                Tried::Lost(error, held, place)
            }
            Ended::Stopped | Ended::Woken | Ended::Doubted => Tried::Ended(ended),
        }
    }

    /// Hears what comes by a line until it ends.
    async fn hear(&mut self, session: &mut Session, asked: Interest, tally: &mut Tally) -> Ended {
        let mut batch = Vec::new();
        let mut quiet = pin!(OptionFuture::from(None));
        let mut is_quiet_awaited = false;
        // What is wanted may have changed while the line was opened.
        let mut interest = Interest::default();
        let mut is_stale = true;
        let mut helped = 0;
        let mut round = pin!(clock::pass(self.patrol.first(session.heartbeat())));
        let mut is_doubted = false;
        // When a doubt was last looked into on this line.
        let mut looked_into: Option<Timestamp> = None;
        let mut is_due = false;
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
                // It answers, and does not tell whether it has forgotten what we read.
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
                if session.is_filtered() && !self.is_filter_vain && selector(&interest) != selector(&asked) {
                    // A selector cannot be changed, and what another one keeps back would never come.
                    return Ended::Doubted;
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

    /// Takes it that the broker does not sort.
    fn filter_is_vain(&mut self) {
        if !std::mem::replace(&mut self.is_filter_vain, true) {
            info!(instance = %self.instance, "the broker does not sort by our selector: all is heard, and sorted here");
        }
    }

    /// Looks whether the line answers. Returns how it has ended, if it has.
    async fn examine(&mut self, session: &mut Session) -> Option<Ended> {
        let examined = tokio::select! {
            examined = session.examine() => examined,
            () = self.calls.hung_up() => return Some(Ended::Stopped),
        };
        if let Err(error) = examined {
            return Some(Ended::Failed(error));
        }
        debug!(instance = %self.instance, "the line answers");
        self.heard_until = Some(clock::now());
        None
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
        arrived: &Arrived,
        interest: &Interest,
        session: &mut Session,
        tally: &mut Tally,
    ) -> bool {
        self.signs.message.beat();
        if let Ok(content) = &arrived.content {
            let copy = || ear::copied(content, &self.broker.topic_prefix).heard_by(&self.instance);
            self.signs.copies.leave(content.len(), copy);
        }
        let event = match self.read(arrived, interest) {
            Ok(Read::News(news)) => {
                tally.heard += 1;
                return session.beside(self.tell(Event::Heard(news))).await;
            }
            Ok(Read::Skipped { is_selected }) => {
                tally.skipped += 1;
                if !is_selected && self.broker.selector {
                    // RabbitMQ 3 repeats any filter, and knows none.
                    self.filter_is_vain();
                }
                None
            }
            Ok(Read::Unrelated) => {
                tally.unrelated += 1;
                None
            }
            Err(error) => {
                tally.spoiled += 1;
                if self.logged_kinds.insert(error.kind()) {
                    let error = error.to_string();
                    let error = shortened(&error, 120);
                    warn!(
                        instance = %self.instance, ?error,
                        "a message cannot be read; further ones of this kind are only counted"
                    );
                }
                Some(Event::Spoiled(self.instance.clone()))
            }
        };
        session.done(arrived.tag);
        match event {
            Some(event) => session.beside(self.tell(event)).await,
            None => true,
        }
    }

    fn read(&self, arrived: &Arrived, interest: &Interest) -> Result<Read, DecodeError> {
        let content = match &arrived.content {
            Ok(content) => content,
            Err(size) => return Err(DecodeError::TooLarge { size: *size }),
        };
        let message = Message::read([content.as_slice()])?;
        if !concerns_properties(message.application_properties, interest) {
            let is_selected = is_selected(message.application_properties, interest);
            return Ok(Read::Skipped { is_selected });
        }
        let is_first = message.header.is_first_acquirer() && message.header.delivery_count() == 0;
        let letter = Letter::of_message(message, None)?;
        let (sent, event, owner) = match decode(&self.broker.topic_prefix, &letter)? {
            Decoded::News { sent, event, owner } if concerns(&event, owner, interest) => (sent, event, owner),
            Decoded::News { .. } | Decoded::NotForUs(_) => return Ok(Read::Unrelated),
        };
        Ok(Read::News(News {
            instance: self.instance.clone(),
            delivery: Some(Delivery {
                instance: self.instance.clone(),
                connection: self.connection,
                tag: arrived.tag,
            }),
            message: letter_id(content),
            is_first,
            sent,
            owner,
            event,
        }))
    }

    /// Takes it that the loop is done with a delivery. One of a line that is gone will be sent again.
    fn acknowledge(&self, session: &mut Session, delivery: &Delivery) {
        if delivery.connection == self.connection && delivery.instance == self.instance {
            session.done(delivery.tag);
        }
    }

    /// Returns what an error means, given what was before.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other error stays as it is")]
    fn excused(&self, error: OneError) -> OneError {
        match error {
            // The certificate was good and the port was right; a broker that goes down hangs up, too.
            OneError::Line(LinkError::HungUp(error) | LinkError::NoGreeting(error)) if self.is_known => {
                NetError::Unreachable(error).into()
            }
            error => error,
        }
    }

    fn trouble(&self, error: &OneError, place: usize) -> Trouble {
        let (problem, detail) = error.trouble();
        Trouble {
            problem,
            host: self
                .broker
                .doors
                .get(place)
                .map(ToString::to_string)
                .unwrap_or_default(),
            detail,
            retry: None,
        }
    }

    /// Says that the line is down. Returns `false` when nobody listens any more.
    async fn complain(&mut self, mut trouble: Trouble, wait: Duration) -> bool {
        trouble.retry = clock::now().checked_add(wait).ok();
        let Trouble {
            problem, host, detail, ..
        } = &trouble;
        if self.logged_trouble.replace(*problem) == Some(*problem) {
            debug!(instance = %self.instance, broker = %host, ?problem, ?detail, ?wait, "still no line");
        } else {
            warn!(instance = %self.instance, broker = %host, ?problem, ?detail, ?wait, "the line is down");
        }
        self.report(Link::Down(trouble)).await
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

/// What a message came to.
enum Read {
    News(News),
    /// Set aside by its properties, which pass the selector or do not.
    Skipped {
        is_selected: bool,
    },
    Unrelated,
}

/// What came of a call.
enum Obeyed {
    Done,
    /// What is wanted has to be looked at.
    Stale,
    /// The line has to be looked at.
    Doubted,
    Ended(Ended),
}

/// What became of a line's messages, for the log.
#[derive(Debug, Default)]
struct Tally {
    heard: u64,
    /// Set aside by the properties, unread.
    skipped: u64,
    /// Read, and of no interest.
    unrelated: u64,
    /// Unreadable.
    spoiled: u64,
}
