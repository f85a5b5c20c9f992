//! The half of AMQP 1.0 that sends, one message at a time. Pure: frames in, bytes out.
//!
//! Promise: nothing is sent that the broker has not asked for, in frames as large as it takes, and what becomes of a
//! message is told once, as the broker says it.
//!
//! It deliberately does not know a socket, and waits for nothing.

use std::time::Duration;

use super::super::amqp::{Item, Items};
use super::encode::{AMQP, Value, frame, frame_with};
use super::frame::{Frame, Kind, Odd, Performative, Said, field, reason};
use super::opening::{WINDOW, begin, open, write};
use super::trouble::OneError;

/// Our only session, and our only link in it.
const OURS: u16 = 0;
const HANDLE: u32 = 0;

/// The largest frame that we send, in bytes, and the least that anybody takes (part 2, 2.7.1).
const MAX_FRAME: usize = 64 * 1024;
const MIN_FRAME: usize = 512;

/// The outcomes (part 3, 3.4).
const ACCEPTED: u64 = 0x24;
const REJECTED: u64 = 0x25;
const RELEASED: u64 = 0x26;
const MODIFIED: u64 = 0x27;

/// A conversation with a broker that takes messages.
pub(super) struct Sending {
    /// What is to be said.
    out: Vec<u8>,
    container: String,
    is_open: bool,
    /// The broker's number of our session, once it has begun.
    channel: Option<u16>,
    /// The largest frame that it takes, in bytes.
    most: usize,
    /// How often it wants a sign of life; zero: never.
    beat: Duration,
    /// The number of our next frame with a message, and how many more it takes now.
    next_out: u32,
    window: u32,
    /// The number of its next frame with a message.
    next_in: u32,
    link: Option<Link>,
    /// How many links there were.
    links: u32,
    /// How many deliveries there were.
    deliveries: u32,
}

/// The address that is sent to.
struct Link {
    name: String,
    address: String,
    /// The broker's number of it, once it is attached to.
    theirs: Option<u32>,
    is_attached: bool,
    /// We have let go of it.
    is_left: bool,
    credit: u32,
    /// How many were sent, as both sides count them.
    count: u32,
    /// The largest message, in bytes. Zero: any.
    most: u64,
    in_hand: Option<InHand>,
}

/// A message that is being sent.
struct InHand {
    id: u32,
    content: Vec<u8>,
    sent: usize,
    is_begun: bool,
    is_sent: bool,
}

/// What has come of a frame.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Told {
    Open,
    Attached,
    Left,
    Done(Outcome),
}

/// What has become of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Accepted,
    Rejected(Said),
    Released,
    Modified,
}

impl Sending {
    pub(super) fn open(container: &str, host: &str, heartbeat: Duration) -> Self {
        let mut sending = Self {
            out: Vec::new(),
            container: container.to_owned(),
            is_open: false,
            channel: None,
            most: MAX_FRAME,
            beat: Duration::ZERO,
            next_out: 0,
            window: 0,
            next_in: 0,
            link: None,
            links: 0,
            deliveries: 0,
        };
        sending.say(Kind::Open, open(container, host, heartbeat));
        sending.say(Kind::Begin, begin(1));
        sending
    }

    /// Returns what is to be said by now.
    pub(super) fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Returns how often the broker wants a sign of life from us; zero: never.
    pub(super) fn beat(&self) -> Duration {
        self.beat
    }

    /// Returns what is sent to.
    pub(super) fn address(&self) -> Option<&str> {
        self.link.as_ref().map(|it| &*it.address)
    }

    /// Returns the largest message that the broker takes there, in bytes; `None`: any.
    pub(super) fn most(&self) -> Option<u64> {
        self.link.as_ref().map(|it| it.most).filter(|it| *it != 0)
    }

    /// Returns whether the broker lets us wait for the leave to send.
    pub(super) fn is_kept_waiting(&self) -> bool {
        let in_hand = self.link.as_ref().and_then(|it| it.in_hand.as_ref());
        in_hand.is_some_and(|it| !it.is_sent)
    }

    /// Asks for an address to send to. There may be none before.
    pub(super) fn attach(&mut self, address: &str) {
        self.links = self.links.wrapping_add(1);
        let name = format!("{}/{}", self.container, self.links);
        let attach = frame(AMQP, OURS, Kind::Attach.number(), write(HANDLE, &name, address));
        self.out.extend(attach);
        self.link = Some(Link {
            name,
            address: address.to_owned(),
            theirs: None,
            is_attached: false,
            is_left: false,
            credit: 0,
            count: 0,
            most: 0,
            in_hand: None,
        });
    }

    /// Lets go of the address. That is answered.
    pub(super) fn leave(&mut self) {
        if let Some(link) = &mut self.link {
            link.is_left = true;
            self.say(Kind::Detach, vec![Value::Uint(HANDLE), Value::Switch(true)]);
        }
    }

    /// Sends a message as soon as the broker lets us.
    pub(super) fn send(&mut self, content: Vec<u8>) {
        let id = self.deliveries;
        self.deliveries = id.wrapping_add(1);
        if let Some(link) = &mut self.link {
            link.in_hand = Some(InHand {
                id,
                content,
                sent: 0,
                is_begun: false,
                is_sent: false,
            });
        }
        self.pump();
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
            Kind::Close => Err(self.refused(said.reason(0))),
            Kind::Begin => self.begun(frame.channel, &said).map(Some),
            Kind::End | Kind::Attach | Kind::Flow | Kind::Disposition | Kind::Detach | Kind::Transfer
                if self.channel != Some(frame.channel) =>
            {
                Err(OneError::Odd(Odd::Misplaced("something of another session")))
            }
            Kind::End => Err(self.refused(said.reason(0))),
            Kind::Attach => self.attached(&said),
            Kind::Flow => self.flowed(&said).map(|()| None),
            Kind::Disposition => Ok(self.disposed(&said).map(Told::Done)),
            Kind::Detach => self.detached(&said),
            Kind::Transfer => Err(OneError::Odd(Odd::Misplaced("a transfer"))),
            Kind::Mechanisms | Kind::Init | Kind::Challenge | Kind::Response | Kind::Outcome => {
                Err(OneError::Odd(Odd::Misplaced("a login")))
            }
        }
    }

    /// Says goodbye.
    pub(super) fn close(&mut self) {
        self.leave();
        self.say(Kind::Close, Vec::new());
    }

    fn opened(&mut self, open: &Performative<'_>) -> Result<(), OneError> {
        if std::mem::replace(&mut self.is_open, true) {
            return Err(OneError::Odd(Odd::Misplaced("a second open")));
        }
        let most = open.number(2).and_then(|it| usize::try_from(it).ok());
        self.most = most.unwrap_or(MAX_FRAME).clamp(MIN_FRAME, MAX_FRAME);
        // Early enough to be there in time.
        self.beat = Duration::from_millis(open.number(4).unwrap_or_default().into()) / 2;
        Ok(())
    }

    fn begun(&mut self, channel: u16, begin: &Performative<'_>) -> Result<Told, OneError> {
        if !self.is_open || self.channel.is_some() || begin.number(0) != Some(u32::from(OURS)) {
            return Err(OneError::Odd(Odd::Misplaced("a begin")));
        }
        self.channel = Some(channel);
        self.next_in = begin.number(1).unwrap_or_default();
        self.window = begin.number(2).unwrap_or_default();
        Ok(Told::Open)
    }

    fn attached(&mut self, attach: &Performative<'_>) -> Result<Option<Told>, OneError> {
        let link = self.link.as_mut().filter(|it| attach.text(0) == Some(&it.name));
        let (Some(link), Some(handle)) = (link, attach.number(1)) else {
            return Err(OneError::Odd(Odd::Misplaced("an attach")));
        };
        if link.theirs.replace(handle).is_some() {
            return Err(OneError::Odd(Odd::Misplaced("a second attach")));
        }
        if !matches!(attach.at(6), Some(Item::List(_))) {
            // Why it is refused comes with the detach.
            return Ok(None);
        }
        link.is_attached = true;
        link.most = attach.at(10).and_then(Item::number).unwrap_or_default();
        Ok(Some(Told::Attached))
    }

    fn detached(&mut self, detach: &Performative<'_>) -> Result<Option<Told>, OneError> {
        let link = self
            .link
            .take_if(|it| it.theirs.is_some() && it.theirs == detach.number(0));
        let Some(link) = link else {
            return Err(OneError::Odd(Odd::Misplaced("a detach")));
        };
        if link.is_left {
            return Ok(Some(Told::Left));
        }
        self.say(Kind::Detach, vec![Value::Uint(HANDLE), Value::Switch(true)]);
        Err(OneError::Refused {
            address: link.address,
            said: detach.reason(2),
        })
    }

    fn flowed(&mut self, flow: &Performative<'_>) -> Result<(), OneError> {
        // Both count from the same beginning, or say where they are.
        let theirs = flow.number(0).unwrap_or_default();
        self.window = left(theirs, flow.number(1), self.next_out);
        if let Some(handle) = flow.number(4) {
            let link = self.link.as_mut().filter(|it| it.theirs == Some(handle));
            let Some(link) = link else {
                // It may be on its way to what we have let go of.
                return Ok(());
            };
            if let Some(credit) = flow.number(6) {
                link.credit = left(flow.number(5).unwrap_or_default(), Some(credit), link.count);
            }
        }
        if flow.is_on(9) {
            self.say_flow();
        }
        self.pump();
        Ok(())
    }

    /// Takes up what is said of deliveries. Returns what has become of ours, once it is said.
    fn disposed(&mut self, disposition: &Performative<'_>) -> Option<Outcome> {
        // What is said by the sender is of the other direction.
        if !disposition.is_on(0) {
            return None;
        }
        let first = disposition.number(1)?;
        let last = disposition.number(2).unwrap_or(first);
        let link = self.link.as_mut()?;
        let id = link.in_hand.as_ref()?.id;
        if id.wrapping_sub(first) > last.wrapping_sub(first) {
            return None;
        }
        let Some(Item::List(fields)) = disposition.at(4) else {
            return None;
        };
        let outcome = outcome(disposition.descriptor_of(4)?, fields)?;
        link.in_hand = None;
        if !disposition.is_on(3) {
            let settle = vec![Value::Switch(false), Value::Uint(id), Value::Null, Value::Switch(true)];
            self.say(Kind::Disposition, settle);
        }
        Some(outcome)
    }

    /// Returns what an end of it all means.
    fn refused(&self, said: Said) -> OneError {
        match &self.link {
            Some(link) => OneError::Refused {
                address: link.address.clone(),
                said,
            },
            None if self.channel.is_some() => OneError::Ended(said),
            None => OneError::Closed(said),
        }
    }

    /// Sends as much of the message in hand as the broker takes now.
    fn pump(&mut self) {
        let Some(link) = self.link.as_mut().filter(|it| it.is_attached && !it.is_left) else {
            return;
        };
        let Some(message) = link.in_hand.as_mut().filter(|it| !it.is_sent) else {
            return;
        };
        if !message.is_begun {
            if link.credit == 0 {
                return;
            }
            link.credit -= 1;
            link.count = link.count.wrapping_add(1);
            message.is_begun = true;
        }
        let tag = message.id.to_be_bytes();
        while self.window > 0 && !message.is_sent {
            let payload = message.content.get(message.sent..).unwrap_or_default();
            let fields = |is_more| {
                vec![
                    Value::Uint(HANDLE),
                    Value::Uint(message.id),
                    Value::Octets(tag.to_vec()),
                    Value::Uint(0),
                    Value::Switch(false),
                    Value::Switch(is_more),
                ]
            };
            let (frame, rest) = frame_with(OURS, Kind::Transfer.number(), payload, self.most, fields);
            message.sent = message.content.len() - rest.len();
            message.is_sent = rest.is_empty();
            self.out.extend(frame);
            self.window -= 1;
            self.next_out = self.next_out.wrapping_add(1);
        }
    }

    fn say_flow(&mut self) {
        let mut fields = vec![
            Value::Uint(self.next_in),
            Value::Uint(WINDOW),
            Value::Uint(self.next_out),
            Value::Uint(WINDOW),
        ];
        if let Some(link) = self.link.as_ref().filter(|it| it.is_attached) {
            fields.extend([Value::Uint(HANDLE), Value::Uint(link.count), Value::Uint(link.credit)]);
        }
        self.say(Kind::Flow, fields);
    }

    fn say(&mut self, kind: Kind, fields: Vec<Value<'_>>) {
        self.out.extend(frame(AMQP, OURS, kind.number(), fields));
    }
}

/// Returns how many are left of what the other side lets come, when it has counted to `theirs`, and we to `ours`.
fn left(theirs: u32, granted: Option<u32>, ours: u32) -> u32 {
    let on_the_way = ours.wrapping_sub(theirs);
    granted.unwrap_or_default().saturating_sub(on_the_way)
}

/// Returns an outcome that is final.
fn outcome(descriptor: Item<'_>, fields: Items<'_>) -> Option<Outcome> {
    match (descriptor.number(), descriptor.text()) {
        (Some(ACCEPTED), _) | (_, Some("amqp:accepted:list")) => Some(Outcome::Accepted),
        (Some(REJECTED), _) | (_, Some("amqp:rejected:list")) => Some(Outcome::Rejected(reason(field(fields, 0)))),
        (Some(RELEASED), _) | (_, Some("amqp:released:list")) => Some(Outcome::Released),
        (Some(MODIFIED), _) | (_, Some("amqp:modified:list")) => Some(Outcome::Modified),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
