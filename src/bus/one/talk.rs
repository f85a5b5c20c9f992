//! The half of AMQP 1.0 that reads, from the first `open` to the last `accepted`. Pure: frames in, bytes out.
//!
//! Promise: a broker is asked for no more messages than can be held, what is held of them is bounded, and whatever comes
//! out of turn ends the line with a reason.
//!
//! It deliberately does not know a socket, and waits for nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::amqp::Item;
use super::super::amqp::message::MAX_MESSAGE;
use super::encode::{AMQP, Value, frame};
use super::frame::{Frame, Kind, Odd, Performative, Said, field};
use super::is_topic;
use super::opening::{COPY, Reading, WINDOW, begin, open, read};
use super::receipts::Receipts;
use super::trouble::OneError;

/// The largest message that is put together, in bytes. The decoder takes less, and says so.
const MAX_ASSEMBLED: usize = MAX_MESSAGE + 64 * 1024;

/// How many messages more than four times those asked for may be open at an address.
const MARGIN: u32 = 1000;

/// The session that everything is read in, and the one that is opened to see whether somebody answers.
const OURS: u16 = 0;
const ASKING: u16 = 1;

/// `accepted`.
const ACCEPTED: u8 = 0x24;

/// A broker that repeats any mode of reading and takes each message out of its queue all the same, as 3 and 4 do; and that
/// makes a queue for whoever reads a topic, and keeps it for ever, as 3 does.
const RABBIT: &str = "RabbitMQ";

/// What is wanted of a broker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    /// Who we are, anew for each line: to many a broker, a name is one reader.
    pub(super) container: &'a str,
    pub(super) host: &'a str,
    pub(super) addresses: &'a [String],
    pub(super) selector: Option<&'a str>,
    /// What is read is to stay where it is, for those whose it is.
    pub(super) as_copies: bool,
    pub(super) prefetch: u16,
    /// After how long without a sign of life we give the broker up, at the earliest. Zero: never.
    pub(super) heartbeat: Duration,
}

/// A conversation with a broker.
pub(super) struct Talk {
    /// What is to be said.
    out: Vec<u8>,
    links: Vec<Link>,
    /// The broker's numbers of the links.
    handles: BTreeMap<u32, usize>,
    /// The broker's number of our session, once it has begun.
    channel: Option<u16>,
    is_open: bool,
    /// What is said once the broker has told what it is, where that matters.
    withheld: Option<Vec<u8>>,
    /// How often the broker wants a sign of life; zero: never.
    beat: Duration,
    /// The highest number that a session of ours may have.
    channel_max: u16,
    next_transfer: u32,
    window: u32,
    receipts: Receipts,
    question: Question,
}

/// One address that is read.
struct Link {
    address: String,
    /// What both sides call it.
    name: String,
    is_attached: bool,
    /// Refused; why comes right behind.
    is_refused: bool,
    is_filtered: bool,
    /// What is read of it stays there.
    is_copied: bool,
    /// How many messages it may send ahead.
    share: u32,
    /// How many it may send now.
    credit: u32,
    /// How many deliveries are open.
    open: u32,
    /// How many were begun, as both sides count them.
    count: u32,
    partial: Option<Partial>,
}

/// A message of which more is to come.
struct Partial {
    id: u32,
    is_settled: bool,
    content: Vec<u8>,
    /// Of all that has come, whether it was kept or not.
    size: usize,
}

/// Whether the broker still answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Question {
    None,
    Asked,
    /// Answered; the session for it is being ended.
    Ending,
    /// To be asked again when it has ended.
    Again,
}

/// What has come of a frame.
#[derive(Debug)]
pub(super) enum Told {
    /// The last of the addresses is attached to.
    Subscribed,
    Delivered(Arrived),
    /// Somebody is there.
    Answered,
}

/// A message, whole.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) tag: u64,
    /// Which of the addresses it came from.
    pub(super) link: usize,
    /// Or its size, if that is too large.
    pub(super) content: Result<Vec<u8>, usize>,
}

impl Talk {
    /// Opens a conversation. All is said at once, and refused, if so, one by one.
    pub(super) fn open(wish: &Wish<'_>) -> Self {
        let number = u32::try_from(wish.addresses.len()).unwrap_or(u32::MAX).max(1);
        let share = u32::from(wish.prefetch).div_ceil(number).max(1);
        let link = |(place, address): (usize, &String)| Link {
            address: address.clone(),
            name: format!("{}/{place}", wish.container),
            is_attached: false,
            is_refused: false,
            is_filtered: false,
            is_copied: false,
            share,
            credit: 0,
            open: 0,
            count: 0,
            partial: None,
        };
        let mut talk = Self {
            out: Vec::new(),
            links: wish.addresses.iter().enumerate().map(link).collect(),
            handles: BTreeMap::new(),
            channel: None,
            is_open: false,
            withheld: None,
            beat: Duration::ZERO,
            channel_max: 0,
            next_transfer: 0,
            window: WINDOW,
            receipts: Receipts::new(wish.prefetch),
            question: Question::None,
        };
        talk.say(OURS, Kind::Open, open(wish.container, wish.host, wish.heartbeat));
        let first = std::mem::take(&mut talk.out);
        talk.say(OURS, Kind::Begin, begin(number));
        for (handle, link) in (0..).zip(&talk.links) {
            let reading = Reading {
                name: &link.name,
                address: &link.address,
                selector: wish.selector,
                as_copies: wish.as_copies && !is_topic(&link.address),
                max_message: u64::try_from(MAX_ASSEMBLED).unwrap_or(u64::MAX),
            };
            talk.out
                .extend(frame(AMQP, OURS, Kind::Attach.number(), read(handle, reading)));
        }
        let rest = std::mem::replace(&mut talk.out, first);
        if wish.as_copies {
            talk.withheld = Some(rest);
        } else {
            talk.out.extend(rest);
        }
        talk
    }

    /// Returns what is to be said by now.
    pub(super) fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Returns how often the broker wants a sign of life from us; zero: never.
    pub(super) fn beat(&self) -> Duration {
        self.beat
    }

    /// Returns whether the broker sorts by our selector, at every address.
    pub(super) fn is_filtered(&self) -> bool {
        self.links.iter().all(|it| it.is_filtered)
    }

    /// Returns an address from which a message is taken away when we read it, as far as the broker lets us know. Of a
    /// topic, everybody who reads it has a copy.
    pub(super) fn taken_from(&self) -> Option<&str> {
        let taken = self.links.iter().find(|it| !it.is_copied && !is_topic(&it.address))?;
        Some(&taken.address)
    }

    /// Takes up what the broker says.
    ///
    /// # Errors
    /// If that ends the line, or is out of turn.
    pub(super) fn take(&mut self, frame: &Frame) -> Result<Option<Told>, OneError> {
        if frame.kind != AMQP {
            return Err(OneError::Odd(Odd::NoFrame));
        }
        let Some(said) = frame.performative().map_err(OneError::Odd)? else {
            return Ok(None);
        };
        match said.kind {
            Kind::Open => self.opened(&said).map(|()| None),
            Kind::Close => Err(self.closed(said.reason(0))),
            Kind::Begin => self.begun(frame.channel, &said),
            Kind::End => self.ended(frame.channel, said.reason(0)).map(|()| None),
            Kind::Attach | Kind::Flow | Kind::Transfer | Kind::Disposition | Kind::Detach
                if self.channel != Some(frame.channel) =>
            {
                Err(OneError::Odd(Odd::Misplaced("something of another session")))
            }
            Kind::Attach => self.attached(&said),
            Kind::Flow => self.flowed(&said).map(|()| None),
            Kind::Transfer => self.transferred(&said).map(|it| it.map(Told::Delivered)),
            // What we have received is settled by us, and needs no word of the other side.
            Kind::Disposition => Ok(None),
            Kind::Detach => Err(self.detached(&said)),
            Kind::Mechanisms | Kind::Init | Kind::Challenge | Kind::Response | Kind::Outcome => {
                Err(OneError::Odd(Odd::Misplaced("a login")))
            }
        }
    }

    fn opened(&mut self, open: &Performative<'_>) -> Result<(), OneError> {
        if std::mem::replace(&mut self.is_open, true) {
            return Err(OneError::Odd(Odd::Misplaced("a second open")));
        }
        self.channel_max = open
            .number(3)
            .map_or(u16::MAX, |it| u16::try_from(it).unwrap_or(u16::MAX));
        let mut product = None;
        if let Some(Item::Map(properties)) = open.at(9) {
            product = properties.value_of("product").and_then(Item::text);
        }
        if let Some(withheld) = self.withheld.take() {
            if product == Some(RABBIT) {
                return Err(OneError::Rabbit);
            }
            self.out.extend(withheld);
        }
        let idle = Duration::from_millis(open.number(4).unwrap_or_default().into());
        // Early enough to be there in time.
        self.beat = idle / 2;
        Ok(())
    }

    fn begun(&mut self, channel: u16, begin: &Performative<'_>) -> Result<Option<Told>, OneError> {
        match begin.number(0) {
            Some(0) if self.is_open && self.channel.is_none() => {
                self.channel = Some(channel);
                self.next_transfer = begin.number(1).unwrap_or_default();
                Ok(None)
            }
            Some(1) if self.question == Question::Asked => {
                self.question = Question::Ending;
                self.say(ASKING, Kind::End, Vec::new());
                Ok(Some(Told::Answered))
            }
            _ => Err(OneError::Odd(Odd::Misplaced("a begin"))),
        }
    }

    fn ended(&mut self, channel: u16, said: Said) -> Result<(), OneError> {
        if self.channel == Some(channel) || self.channel.is_none() {
            // Some end the session where they mean an address.
            return Err(match self.waiting() {
                Some(address) => OneError::Refused { address, said },
                None => OneError::Ended(said),
            });
        }
        match self.question {
            Question::Ending => self.question = Question::None,
            Question::Again => {
                self.question = Question::None;
                self.ask();
            }
            Question::None | Question::Asked => return Err(OneError::Odd(Odd::Misplaced("an end"))),
        }
        Ok(())
    }

    fn closed(&self, said: Said) -> OneError {
        match self.waiting() {
            Some(address) if self.channel.is_some() => OneError::Refused { address, said },
            Some(_) => OneError::Closed(said),
            None => OneError::Ended(said),
        }
    }

    fn attached(&mut self, attach: &Performative<'_>) -> Result<Option<Told>, OneError> {
        let name = attach.text(0);
        let link = self
            .links
            .iter_mut()
            .enumerate()
            .find(|(_, it)| Some(&*it.name) == name);
        let (Some((number, link)), Some(handle)) = (link, attach.number(1)) else {
            return Err(OneError::Odd(Odd::Misplaced("an attach")));
        };
        if link.is_attached || link.is_refused || self.handles.insert(handle, number).is_some() {
            return Err(OneError::Odd(Odd::Misplaced("a second attach")));
        }
        let Some(Item::List(source)) = attach.at(5) else {
            // Why it is refused comes with the detach.
            link.is_refused = true;
            return Ok(None);
        };
        link.is_attached = true;
        link.count = attach.number(9).unwrap_or_default();
        link.is_copied = field(source, 6).and_then(Item::text) == Some(COPY);
        if let Some(Item::Map(filters)) = field(source, 7) {
            // One was asked for. What is not in force is left out, or has no value.
            let mut values = filters.skip(1).step_by(2);
            link.is_filtered = values.any(|it| it.is_ok_and(|it| it != Item::Null));
        }
        Ok(self.waiting().is_none().then_some(Told::Subscribed))
    }

    /// Returns an address that is not attached to yet.
    fn waiting(&self) -> Option<String> {
        let link = self.links.iter().find(|it| !it.is_attached)?;
        Some(link.address.clone())
    }

    fn detached(&self, detach: &Performative<'_>) -> OneError {
        let link = detach.number(0).and_then(|it| self.handles.get(&it));
        let said = detach.reason(2);
        match link.and_then(|it| self.links.get(*it)) {
            Some(link) if link.is_attached && self.waiting().is_none() => OneError::Ended(said),
            Some(link) => OneError::Refused {
                address: link.address.clone(),
                said,
            },
            None => OneError::Odd(Odd::Misplaced("a detach")),
        }
    }

    fn flowed(&mut self, flow: &Performative<'_>) -> Result<(), OneError> {
        // What the broker could still send is its affair: we never ask it to give back credit.
        if flow.is_on(9) {
            match flow.number(4) {
                Some(handle) => match self.handles.get(&handle) {
                    Some(link) => self.say_flow(Some(*link)),
                    None => return Err(OneError::Odd(Odd::Misplaced("a flow"))),
                },
                None => self.say_flow(None),
            }
        }
        Ok(())
    }

    fn transferred(&mut self, transfer: &Performative<'_>) -> Result<Option<Arrived>, OneError> {
        self.next_transfer = self.next_transfer.wrapping_add(1);
        self.window = self.window.saturating_sub(1);
        if self.window <= WINDOW / 2 {
            self.window = WINDOW;
            self.say_flow(None);
        }
        let number = transfer.number(0).and_then(|it| self.handles.get(&it)).copied();
        let held: usize = self.links.iter().map(Link::held).sum();
        let link = number.and_then(|it| Some((it, self.links.get_mut(it)?)));
        let Some((number, link)) = link.filter(|(_, it)| it.is_attached) else {
            return Err(OneError::Odd(Odd::Misplaced("a transfer")));
        };
        let id = transfer.number(1);
        let mut partial = match (link.partial.take(), id) {
            (Some(partial), None) => partial,
            (Some(partial), Some(id)) if partial.id == id => partial,
            (None, Some(id)) => link.begin(id)?,
            (Some(_), Some(_)) | (None, None) => return Err(OneError::Odd(Odd::Misplaced("a transfer"))),
        };
        if transfer.is_on(9) {
            // The sender has thought better of it. It counts as settled, and as sent.
            link.open = link.open.saturating_sub(1);
            self.renew(number);
            return Ok(None);
        }
        partial.is_settled |= transfer.is_on(4);
        partial.size = partial.size.saturating_add(transfer.payload.len());
        if held.saturating_add(transfer.payload.len()) > MAX_ASSEMBLED {
            // Too much of this one, or of all that are under way. The rest of it is let go by.
            partial.size = partial.size.max(MAX_ASSEMBLED + 1);
            partial.content = Vec::new();
        } else if partial.size <= MAX_ASSEMBLED {
            partial.content.extend(transfer.payload);
        }
        if transfer.is_on(5) {
            link.partial = Some(partial);
            return Ok(None);
        }
        self.renew(number);
        let tag = self
            .receipts
            .received((!partial.is_settled).then_some(partial.id), number);
        let content = if partial.size > MAX_ASSEMBLED {
            Err(partial.size)
        } else {
            Ok(partial.content)
        };
        Ok(Some(Arrived {
            tag,
            link: number,
            content,
        }))
    }

    /// Lets the first messages come.
    pub(super) fn start(&mut self) {
        for link in 0..self.links.len() {
            self.renew(link);
        }
    }

    /// Asks for a word, if none is awaited. It comes as [`Told::Answered`].
    pub(super) fn ask(&mut self) {
        match self.question {
            Question::None => {
                self.question = Question::Asked;
                self.say(ASKING, Kind::Begin, begin(1));
            }
            Question::Ending => self.question = Question::Again,
            Question::Asked | Question::Again => {}
        }
    }

    /// Returns whether the broker can be asked for a word: it allows a second session.
    pub(super) fn can_ask(&self) -> bool {
        self.channel_max >= ASKING
    }

    /// Notes that a delivery is done with, and accepts if that is due.
    pub(super) fn done(&mut self, tag: u64) {
        self.receipts.done(tag);
        if self.receipts.is_due() {
            self.settle();
        }
    }

    pub(super) fn has_ready(&self) -> bool {
        self.receipts.has_ready()
    }

    /// Accepts all that is done, and lets as many others come.
    pub(super) fn settle(&mut self) {
        let settled = self.receipts.settle();
        for (first, last) in settled.runs {
            let fields = vec![
                Value::Switch(true),
                Value::Uint(first),
                Value::Uint(last),
                Value::Switch(true),
                Value::Composite(ACCEPTED, Vec::new()),
            ];
            self.say(OURS, Kind::Disposition, fields);
        }
        for (number, count) in settled.of_links {
            if let Some(link) = self.links.get_mut(number) {
                link.open = link.open.saturating_sub(count);
            }
            self.renew(number);
        }
    }

    /// Says goodbye, of each address first: what is told only of the connection may leave a reader behind.
    pub(super) fn close(&mut self) {
        for (handle, link) in (0..).zip(&self.links) {
            if link.is_attached {
                let detach = vec![Value::Uint(handle), Value::Switch(true)];
                self.out.extend(frame(AMQP, OURS, Kind::Detach.number(), detach));
            }
        }
        self.say(OURS, Kind::Close, Vec::new());
    }

    /// Lets more messages come by a link, if that is worth a frame.
    fn renew(&mut self, number: usize) {
        let Some(link) = self.links.get_mut(number) else {
            return;
        };
        let free = link.share.saturating_sub(link.open);
        if link.credit == free || (link.credit > 0 && free.saturating_sub(link.credit) < link.share.div_ceil(4)) {
            return;
        }
        link.credit = free;
        self.say_flow(Some(number));
    }

    fn say_flow(&mut self, link: Option<usize>) {
        let link = link.and_then(|it| Some((u32::try_from(it).ok()?, self.links.get(it)?)));
        let mut fields = vec![
            Value::Uint(self.next_transfer),
            Value::Uint(self.window),
            Value::Uint(0),
            Value::Uint(WINDOW),
        ];
        if let Some((handle, link)) = link {
            fields.extend([Value::Uint(handle), Value::Uint(link.count), Value::Uint(link.credit)]);
        }
        self.say(OURS, Kind::Flow, fields);
    }

    fn say(&mut self, channel: u16, kind: Kind, fields: Vec<Value<'_>>) {
        self.out.extend(frame(AMQP, channel, kind.number(), fields));
    }
}

impl Link {
    fn held(&self) -> usize {
        self.partial.as_ref().map_or(0, |it| it.content.len())
    }

    /// Takes up a new delivery. RabbitMQ 3 takes a credit for what may come from then on, whatever is on its way already,
    /// so there may be some more than were asked for. What is without measure ends the line.
    fn begin(&mut self, id: u32) -> Result<Partial, OneError> {
        if self.open >= self.share.saturating_mul(4).saturating_add(MARGIN) {
            return Err(OneError::Odd(Odd::Unasked));
        }
        self.credit = self.credit.saturating_sub(1);
        self.count = self.count.wrapping_add(1);
        self.open += 1;
        Ok(Partial {
            id,
            is_settled: false,
            content: Vec::new(),
            size: 0,
        })
    }
}

#[cfg(test)]
mod tests;
