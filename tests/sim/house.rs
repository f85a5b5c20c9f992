//! The program in the world: the real watch, and around it what `daemon` does with events and effects, word for word
//! where that matters: the order of things, what is answered at once, how pages gather while one is written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use koji_notify::hub::look::Known;
use koji_notify::koji::Interest;
use koji_notify::watch::{Delivery, Event, JournalTrouble, Keep, Record, Watch};

use crate::desk::Hand;
use crate::time::{SECOND, Time};

/// How long after a failure the journal is tried again.
const AGAIN_AFTER: Time = 60 * SECOND;

/// How much is kept that cannot be written.
const MAX_GATHERED: usize = 10_000;

/// One run of the program.
pub(crate) struct House {
    pub(crate) run: u32,
    pub(crate) watch: Watch,
    pub(crate) memory: Memory,
    pub(crate) hand: Hand,
    pub(crate) lines: BTreeMap<usize, Line>,
    /// What each hub has told for the next look.
    pub(crate) known: BTreeMap<usize, Known>,
    /// The configuration is being read, and changed since.
    pub(crate) is_reading: bool,
    pub(crate) read_again: bool,
    /// It will be killed after so many further steps of its own.
    pub(crate) armed: Option<Killing>,
    pub(crate) is_leaving: bool,
    /// It is asked to leave after so many further steps of its own.
    pub(crate) leaves_after: Option<u8>,
    /// How long it stays away after it has left.
    pub(crate) leave_ms: i64,
    /// How many calls it has made to the desk.
    pub(crate) errands: u64,
    /// Deliveries whose record needs no waiting for: heard again, or nobody's of mine.
    pub(crate) settled: BTreeSet<Delivery>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Killing {
    pub(crate) after: u8,
    pub(crate) power: bool,
    pub(crate) torn: u16,
    pub(crate) ms: i64,
}

/// The line to a broker, as its reader sees it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) number: Option<u32>,
    pub(crate) interest: Interest,
    /// How many attempts in a row have failed.
    pub(crate) failures: u32,
    /// When the last message came: they come in order.
    pub(crate) last: Time,
}

/// As `daemon::memory`.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) gathered: Batch,
    pub(crate) writing: Option<Batch>,
    /// Whether the page that is under way has come to the disk.
    pub(crate) outcome: Option<Result<(), ()>>,
    pub(crate) trouble: bool,
    /// By the local clock.
    pub(crate) again_at: Option<Time>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) keeps: Vec<Keep>,
    pub(crate) deliveries: Vec<Delivery>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.keeps.is_empty() && self.deliveries.is_empty()
    }
}

impl Memory {
    pub(crate) fn record(&mut self, record: Record) -> Option<Event> {
        self.gathered.keeps.extend(record.keeps);
        if self.again_at.is_some() {
            self.forget_oldest();
            return record.delivery.map(Event::Recorded);
        }
        self.gathered.deliveries.extend(record.delivery);
        None
    }

    /// Begins to write what has gathered; returns whether it did. `local`: the time by our clock.
    pub(crate) fn write(&mut self, local: Time) -> bool {
        let is_left_alone = self.again_at.is_some_and(|it| local < it);
        !is_left_alone && self.begin()
    }

    pub(crate) fn begin(&mut self) -> bool {
        if self.writing.is_some() || self.gathered.is_empty() {
            return false;
        }
        self.writing = Some(std::mem::take(&mut self.gathered));
        self.outcome = None;
        true
    }

    pub(crate) fn written(&mut self, local: Time) -> Vec<Event> {
        let mut batch = self.writing.take().unwrap();
        let mut events: Vec<_> = batch.deliveries.drain(..).map(Event::Recorded).collect();
        match self.outcome.take().unwrap() {
            Ok(()) => {
                self.again_at = None;
                if std::mem::take(&mut self.trouble) {
                    events.push(Event::JournalChanged(None));
                }
            }
            Err(()) => {
                batch.keeps.append(&mut self.gathered.keeps);
                self.gathered.keeps = batch.keeps;
                events.extend(self.gathered.deliveries.drain(..).map(Event::Recorded));
                self.forget_oldest();
                self.again_at = Some(local + AGAIN_AFTER);
                if !std::mem::replace(&mut self.trouble, true) {
                    events.push(Event::JournalChanged(Some(JournalTrouble::DiskFull)));
                }
            }
        }
        events
    }

    fn forget_oldest(&mut self) {
        let excess = self.gathered.keeps.len().saturating_sub(MAX_GATHERED);
        self.gathered.keeps.drain(..excess);
    }
}

impl House {
    pub(crate) fn new(run: u32, watch: Watch) -> Self {
        Self {
            run,
            watch,
            memory: Memory::default(),
            hand: Hand::default(),
            lines: BTreeMap::new(),
            known: BTreeMap::new(),
            is_reading: false,
            read_again: false,
            armed: None,
            is_leaving: false,
            leaves_after: None,
            leave_ms: 0,
            errands: 0,
            settled: BTreeSet::new(),
        }
    }

    /// Returns when it wants to be woken, by its clock.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.watch.wake_at()
    }
}
