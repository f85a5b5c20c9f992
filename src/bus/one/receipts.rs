//! Which deliveries are done with, and which may be accepted. Pure.
//!
//! Promise: a delivery is accepted only when it is done with, and once. Those that follow each other are accepted by one
//! frame. None waits for another: AMQP 1.0 lets each be settled by itself.
//!
//! It deliberately does not know why a delivery is done.

use std::collections::BTreeMap;

/// The deliveries of one session, in the order in which they came. Never more than the broker was asked for.
#[derive(Debug)]
pub(super) struct Receipts {
    /// How many have come.
    count: u64,
    open: BTreeMap<u64, Open>,
    /// How many of the open ones are done.
    ready: usize,
    /// How many make it worth a frame.
    batch: usize,
}

#[derive(Debug)]
struct Open {
    /// The number that the broker gave it; `None`: the broker has settled it already.
    id: Option<u32>,
    /// Which address it came from.
    link: usize,
    is_done: bool,
}

/// What can be accepted.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Settled {
    /// From each number to each, both included.
    pub(super) runs: Vec<(u32, u32)>,
    /// How many there were of each address.
    pub(super) of_links: BTreeMap<usize, u32>,
}

impl Receipts {
    pub(super) fn new(prefetch: u16) -> Self {
        Self {
            count: 0,
            open: BTreeMap::new(),
            ready: 0,
            batch: usize::from(prefetch / 4).max(1),
        }
    }

    /// Takes up a delivery, and returns the tag that it is known by here.
    pub(super) fn received(&mut self, id: Option<u32>, link: usize) -> u64 {
        self.count += 1;
        let open = Open {
            id,
            link,
            is_done: false,
        };
        self.open.insert(self.count, open);
        self.count
    }

    /// Notes that a delivery is done with. A tag that is unknown or was done before changes nothing.
    pub(super) fn done(&mut self, tag: u64) {
        if let Some(open) = self.open.get_mut(&tag)
            && !std::mem::replace(&mut open.is_done, true)
        {
            self.ready += 1;
        }
    }

    /// Returns whether something can be accepted.
    pub(super) fn has_ready(&self) -> bool {
        self.ready > 0
    }

    /// Returns whether so many can be accepted that it should not wait.
    pub(super) fn is_due(&self) -> bool {
        self.ready >= self.batch
    }

    /// Returns what is to be accepted now, and takes it that this is carried out.
    pub(super) fn settle(&mut self) -> Settled {
        let mut settled = Settled::default();
        if self.ready == 0 {
            return settled;
        }
        self.ready = 0;
        self.open.retain(|_, it| {
            if !it.is_done {
                return true;
            }
            *settled.of_links.entry(it.link).or_default() += 1;
            match (it.id, settled.runs.last_mut()) {
                (Some(id), Some((_, last))) if last.wrapping_add(1) == id => *last = id,
                (Some(id), _) => settled.runs.push((id, id)),
                (None, _) => {}
            }
            false
        });
        settled
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_follows_each_other_is_accepted_at_once_and_nothing_waits() {
        let mut receipts = Receipts::new(100);
        let tags: Vec<u64> = (10..16).map(|id| receipts.received(Some(id), 0)).collect();
        for place in [0, 1, 3, 5] {
            receipts.done(tags[place]);
        }
        let settled = receipts.settle();
        assert_eq!(settled.runs, [(10, 11), (13, 13), (15, 15)]);
        assert_eq!(settled.of_links, [(0, 4)].into());
        receipts.done(tags[0]);
        assert_eq!(receipts.settle(), Settled::default());
    }

    #[test]
    fn numbers_go_round_and_what_the_broker_has_settled_is_not_accepted() {
        let mut receipts = Receipts::new(4);
        for (id, link) in [(Some(u32::MAX), 0), (Some(0), 1), (None, 1), (Some(1), 0)] {
            let tag = receipts.received(id, link);
            receipts.done(tag);
        }
        let settled = receipts.settle();
        assert_eq!(settled.runs, [(u32::MAX, 1)]);
        assert_eq!(settled.of_links, [(0, 2), (1, 2)].into());
    }

    proptest! {
        #[test]
        fn each_is_accepted_once_when_it_is_done(orders in prop::collection::vec((0..3_u8, 0..40_u64), 0..200)) {
            let mut receipts = Receipts::new(8);
            let mut done = BTreeSet::new();
            let mut accepted = BTreeSet::new();
            let mut count = 0;
            for (order, tag) in orders {
                match order {
                    0 => {
                        receipts.received(Some(count), 0);
                        count += 1;
                    }
                    1 => {
                        receipts.done(tag);
                        if tag > 0 && tag <= count.into() {
                            done.insert(u32::try_from(tag).unwrap() - 1);
                        }
                    }
                    _ => {
                        for (first, last) in receipts.settle().runs {
                            for id in first..=last {
                                prop_assert!(accepted.insert(id));
                            }
                        }
                        prop_assert_eq!(&accepted, &done);
                    }
                }
            }
        }
    }
}
