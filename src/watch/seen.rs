//! The messages that were dealt with lately, so that a second copy is recognised.

use std::collections::{BTreeMap, VecDeque};

use crate::koji::InstanceName;

/// How many messages are remembered. Only messages of interest count, so this is weeks of a busy packager.
pub const MAX_SEEN: usize = 4096;

/// Message ids, the oldest forgotten first. Two instances may hear one message, and each makes its own of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    recorded: BTreeMap<Message, bool>,
    order: VecDeque<Message>,
}

type Message = (InstanceName, String);

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
    pub(super) fn note(&mut self, instance: &InstanceName, message: &str) -> Known {
        let message = (instance.clone(), message.to_owned());
        match self.recorded.get(&message) {
            Some(true) => return Known::Recorded,
            Some(false) => return Known::Pending,
            None => {}
        }
        if self.order.len() >= MAX_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.recorded.remove(&oldest);
        }
        self.recorded.insert(message.clone(), false);
        self.order.push_back(message);
        Known::New
    }

    /// Returns how many messages are remembered.
    pub(super) fn len(&self) -> usize {
        self.recorded.len().max(self.order.len())
    }

    /// Puts back a message that is on record.
    pub(super) fn restore(&mut self, instance: &InstanceName, message: &str) {
        self.note(instance, message);
        self.record(instance, message.to_owned());
    }

    /// Notes that a message is on record.
    pub(super) fn record(&mut self, instance: &InstanceName, message: String) {
        if let Some(recorded) = self.recorded.get_mut(&(instance.clone(), message)) {
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
        let (fedora, other) = (InstanceName::new("fedora"), InstanceName::new("other"));
        for n in 0..=MAX_SEEN {
            assert_eq!(seen.note(&fedora, &n.to_string()), Known::New);
        }
        assert_eq!(seen.recorded.len(), MAX_SEEN);
        assert_eq!(seen.note(&fedora, "0"), Known::New);
        assert_eq!(seen.note(&fedora, "2"), Known::Pending);
        seen.record(&fedora, "2".to_owned());
        assert_eq!(seen.note(&fedora, "2"), Known::Recorded);
        assert_eq!(seen.note(&other, "2"), Known::New);
    }
}
