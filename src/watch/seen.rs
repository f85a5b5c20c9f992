//! The messages that were dealt with lately, so that a second copy is recognised.

use std::collections::{BTreeMap, VecDeque};

/// How many messages are remembered. Only messages of interest count, so this is weeks of a busy packager.
pub(super) const MAX_SEEN: usize = 4096;

/// Message ids, the oldest forgotten first.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    recorded: BTreeMap<String, bool>,
    order: VecDeque<String>,
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Known {
    New,
    /// Dealt with, and not yet on record.
    Pending,
    /// Dealt with, and on record.
    Recorded,
}

impl Seen {
    /// Notes a message and returns what was known of it before.
    pub(super) fn note(&mut self, message: &str) -> Known {
        match self.recorded.get(message) {
            Some(true) => return Known::Recorded,
            Some(false) => return Known::Pending,
            None => {}
        }
        if self.order.len() >= MAX_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.recorded.remove(&oldest);
        }
        self.recorded.insert(message.to_owned(), false);
        self.order.push_back(message.to_owned());
        Known::New
    }

    /// Notes that a message is on record.
    pub(super) fn record(&mut self, message: &str) {
        if let Some(recorded) = self.recorded.get_mut(message) {
            *recorded = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_memory_stays_bounded() {
        let mut seen = Seen::default();
        for n in 0..=MAX_SEEN {
            assert_eq!(seen.note(&n.to_string()), Known::New);
        }
        assert_eq!(seen.recorded.len(), MAX_SEEN);
        assert_eq!(seen.note("0"), Known::New);
        assert_eq!(seen.note("2"), Known::Pending);
        seen.record("2");
        assert_eq!(seen.note("2"), Known::Recorded);
    }
}
