//! A broker of one site: one queue of ours, what is in it, and the line to its reader.
//!
//! As RabbitMQ does it: a full queue drops the oldest message that nobody reads, what was sent and not acknowledged
//! goes back when the line is gone, a queue that is not durable goes with its line, and one that is, an hour later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use crate::messages::Message;
use crate::plan::Bus;
use crate::time::{HOUR, Time};

#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) bus: Bus,
    queue: Option<Queue>,
    /// The number of the line that reads the queue.
    pub(crate) line: Option<u32>,
    /// Nobody can dial until then.
    pub(crate) down_until: Time,
    last_tag: u64,
    /// How many copies there were of a message that tells of an ending, and how many of them are gone for good, by the
    /// ending's number.
    pub(crate) copies: BTreeMap<usize, Copies>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Copies {
    pub(crate) published: u32,
    pub(crate) dropped: u32,
}

#[derive(Debug, Default)]
struct Queue {
    bound: BTreeSet<String>,
    ready: VecDeque<Rc<Message>>,
    /// Sent and not acknowledged, by tag.
    sent: BTreeMap<u64, Rc<Message>>,
    /// When the last reader went.
    left: Time,
}

impl Broker {
    pub(crate) fn new(bus: Bus) -> Self {
        Self {
            bus,
            queue: None,
            line: None,
            down_until: 0,
            last_tag: 0,
            copies: BTreeMap::new(),
        }
    }

    /// A message has come to the exchange.
    pub(crate) fn publish(&mut self, now: Time, message: &Rc<Message>) {
        self.expire(now);
        if let Some(ending) = message.ending {
            self.copies.entry(ending).or_default().published += 1;
        }
        let topic = message.topic();
        let Some(queue) = self.queue.as_mut().filter(|it| it.bound.contains(&topic)) else {
            self.drop_copy(message);
            return;
        };
        queue.ready.push_back(message.clone());
        while let Some(queue) = &mut self.queue
            && queue.ready.len() > self.bus.cap
            && let Some(oldest) = queue.ready.pop_front()
        {
            self.drop_copy(&oldest);
        }
    }

    /// A reader opens a line. Messages that went back may come in another order than before.
    pub(crate) fn open(&mut self, now: Time, line: u32) {
        self.expire(now);
        self.queue.get_or_insert_default();
        self.line = Some(line);
        self.last_tag = 0;
    }

    pub(crate) fn bind(&mut self, topics: BTreeSet<String>) {
        if let Some(queue) = &mut self.queue {
            queue.bound = topics;
        }
    }

    /// Returns the next message for the reader, if it may have one, with its tag.
    pub(crate) fn next(&mut self) -> Option<(u64, Rc<Message>)> {
        let queue = self.queue.as_mut()?;
        if queue.sent.len() >= self.bus.prefetch {
            return None;
        }
        let message = queue.ready.pop_front()?;
        self.last_tag += 1;
        queue.sent.insert(self.last_tag, message.clone());
        Some((self.last_tag, message))
    }

    /// Returns whether this was not acknowledged before.
    pub(crate) fn acknowledge(&mut self, line: u32, tag: u64) -> bool {
        let is_here = self.line == Some(line);
        let queue = self.queue.as_mut().filter(|_| is_here);
        !is_here || queue.is_some_and(|it| it.sent.remove(&tag).is_some())
    }

    /// The line is gone. `shuffle` throws for the order of what goes back.
    pub(crate) fn close(&mut self, now: Time, mut shuffle: impl FnMut() -> bool) {
        if self.line.take().is_none() {
            return;
        }
        let Some(queue) = &mut self.queue else { return };
        if !self.bus.durable {
            self.lose_queue();
            return;
        }
        queue.left = now;
        for (_, message) in std::mem::take(&mut queue.sent).into_iter().rev() {
            if shuffle() {
                queue.ready.push_back(message);
            } else {
                queue.ready.push_front(message);
            }
        }
    }

    /// Returns how many messages were sent and not acknowledged, and how many wait.
    pub(crate) fn open_messages(&self) -> (usize, usize) {
        self.queue.as_ref().map_or((0, 0), |it| (it.sent.len(), it.ready.len()))
    }

    fn expire(&mut self, now: Time) {
        if self.line.is_none() && self.queue.as_ref().is_some_and(|it| now - it.left > HOUR) {
            self.lose_queue();
        }
    }

    fn lose_queue(&mut self) {
        if let Some(queue) = self.queue.take() {
            for message in queue.ready.iter().chain(queue.sent.values()) {
                self.drop_copy(message);
            }
        }
    }

    fn drop_copy(&mut self, message: &Message) {
        if let Some(ending) = message.ending {
            self.copies.entry(ending).or_default().dropped += 1;
        }
    }
}
