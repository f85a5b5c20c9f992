//! Which deliveries are done with, and which may be acknowledged. Pure.
//!
//! Promise: a delivery is acknowledged only when it and every delivery before it are done, each is acknowledged once,
//! and when all are done all are acknowledged. Many are acknowledged by one frame (`multiple`), which is three times
//! as quick as one frame each.
//!
//! It deliberately does not know why a delivery is done.

use std::collections::VecDeque;

/// The deliveries of one channel, by delivery tag. The broker counts tags from 1 upward (AMQP 0-9-1, 1.8.3.13).
#[derive(Debug)]
pub(super) struct Ledger {
    /// Every delivery up to this one has been acknowledged.
    settled: u64,
    /// Those after it: done or not. No longer than the prefetch, which is what the broker sends ahead.
    open: VecDeque<bool>,
    /// How many at the front of `open` are done.
    ready: usize,
    /// How many make it worth a frame.
    batch: usize,
}

impl Ledger {
    pub(super) fn new(prefetch: u16) -> Self {
        Self {
            settled: 0,
            open: VecDeque::with_capacity(usize::from(prefetch)),
            ready: 0,
            batch: usize::from(prefetch / 4).max(1),
        }
    }

    /// Takes up a delivery. It is open until it is [`done`](Self::done).
    pub(super) fn received(&mut self, tag: u64) {
        let next = self.settled.saturating_add(self.open.len() as u64).saturating_add(1);
        if tag == next {
            self.open.push_back(false);
        }
    }

    /// Notes that a delivery is done with. A tag that is unknown or was done before changes nothing.
    pub(super) fn done(&mut self, tag: u64) {
        let Some(place) = tag.checked_sub(self.settled.saturating_add(1)) else {
            return;
        };
        let Some(done) = usize::try_from(place).ok().and_then(|it| self.open.get_mut(it)) else {
            return;
        };
        *done = true;
        while self.open.get(self.ready) == Some(&true) {
            self.ready += 1;
        }
    }

    /// Returns whether something can be acknowledged.
    pub(super) fn has_ready(&self) -> bool {
        self.ready > 0
    }

    /// Returns whether so many can be acknowledged that it should not wait.
    pub(super) fn is_due(&self) -> bool {
        self.ready >= self.batch
    }

    /// Returns the delivery up to which all are to be acknowledged now, and takes it that this is carried out.
    pub(super) fn settle(&mut self) -> Option<u64> {
        if self.ready == 0 {
            return None;
        }
        self.settled = self.settled.saturating_add(self.ready as u64);
        self.open.drain(..self.ready);
        self.ready = 0;
        Some(self.settled)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_open_delivery_holds_back_those_after_it() {
        let mut ledger = Ledger::new(8);
        for tag in 1..=3 {
            ledger.received(tag);
        }
        ledger.done(2);
        ledger.done(3);
        assert_eq!(ledger.settle(), None);
        ledger.done(1);
        assert_eq!(ledger.settle(), Some(3));
        assert_eq!(ledger.settle(), None);
    }

    #[test]
    fn a_quarter_of_the_prefetch_is_due() {
        let mut ledger = Ledger::new(100);
        for tag in 1..=24 {
            ledger.received(tag);
            ledger.done(tag);
        }
        assert!(ledger.has_ready() && !ledger.is_due());
        ledger.received(25);
        ledger.done(25);
        assert!(ledger.is_due());
        assert_eq!(ledger.settle(), Some(25));
        assert!(!ledger.has_ready());
    }

    #[test]
    fn a_prefetch_of_one_is_acknowledged_one_by_one() {
        let mut ledger = Ledger::new(1);
        ledger.received(1);
        ledger.done(1);
        assert!(ledger.is_due());
    }

    #[test]
    fn tags_that_were_never_received_change_nothing() {
        let mut ledger = Ledger::new(4);
        for tag in [0, 1, 7, u64::MAX] {
            ledger.done(tag);
        }
        ledger.received(9);
        ledger.received(0);
        ledger.done(9);
        assert_eq!(ledger.settle(), None);
        ledger.received(1);
        ledger.done(1);
        ledger.done(1);
        assert_eq!(ledger.settle(), Some(1));
        ledger.done(1);
        assert_eq!(ledger.settle(), None);
    }

    /// One thing that can happen to a ledger.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Receive,
        /// The open delivery at this place (counted round) is done.
        Do(usize),
        /// A tag out of the blue is done.
        Claim(u64),
        Settle,
    }

    proptest! {
        #[test]
        fn only_what_is_done_is_acknowledged_and_in_the_end_all_of_it(
            prefetch in 1_u16..40, steps in prop::collection::vec(step(), 0..400),
        ) {
            let mut ledger = Ledger::new(prefetch);
            let (mut last, mut acknowledged) = (0_u64, 0_u64);
            let mut open = BTreeSet::new();
            for step in steps {
                match step {
                    // The broker sends no more than the prefetch ahead of the acknowledgements.
                    Step::Receive if last - acknowledged < u64::from(prefetch) => {
                        last += 1;
                        open.insert(last);
                        ledger.received(last);
                    }
                    Step::Receive => {}
                    Step::Do(place) => {
                        let tag = open.iter().nth(place % open.len().max(1)).copied();
                        if let Some(tag) = tag {
                            open.remove(&tag);
                            ledger.done(tag);
                        }
                    }
                    // One that was never received must not count as done when it comes.
                    Step::Claim(tag) if tag > last => ledger.done(tag),
                    Step::Claim(_) => {}
                    Step::Settle => {
                        if let Some(upto) = ledger.settle() {
                            prop_assert!(upto > acknowledged && upto <= last);
                            acknowledged = upto;
                        }
                    }
                }
                prop_assert!(open.first().is_none_or(|it| *it > acknowledged), "{:?} {}", open, acknowledged);
                prop_assert!(ledger.open.len() <= usize::from(prefetch));
                let contiguous = open.first().map_or(last, |it| it - 1) - acknowledged;
                prop_assert_eq!(ledger.ready as u64, contiguous);
            }
            for tag in open {
                ledger.done(tag);
            }
            let rest = ledger.settle();
            prop_assert_eq!(rest.unwrap_or(acknowledged), last);
            prop_assert!(ledger.open.is_empty());
        }
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Receive),
            4 => any::<usize>().prop_map(Step::Do),
            1 => any::<u64>().prop_map(Step::Claim),
            1 => Just(Step::Settle),
        ]
    }
}
