//! What was published while nobody heard it, and what is worth reading again.
//!
//! What the hub can tell it is asked for anyway, after each interruption. An archive of messages is read only for the
//! rest: where builds were tagged, or all of it where there is no hub.

use jiff::{SignedDuration, Timestamp};

use super::{Effect, Watch};
use crate::koji::{InstanceName, Interest};

/// The longest absence that is read up on.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 7);

/// How much earlier it is begun: two clocks differ.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);

/// How long the reading is given: it waits for an archive to have everything, and a page at a time is read. Until then
/// it is not on record that anything newer was heard, so that a run that ends meanwhile leaves the rest to the next.
const READING: SignedDuration = SignedDuration::from_mins(10);

/// What is to be read again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missed {
    pub since: Timestamp,
    pub interest: Interest,
    /// The hub tells of the rest.
    pub tags_only: bool,
}

impl Watch {
    /// Takes up that what was published since then may not have been heard: there was no line, or an earlier run heard
    /// the last of it then.
    pub(super) fn missed(
        &mut self,
        now: Timestamp,
        instance: InstanceName,
        since: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(whose) = self.rules.instances.get(&instance) else {
            return;
        };
        let interest = self.rules.interest(&instance);
        if !whose.archive || (whose.hub && !interest.tags) {
            return;
        }
        let back = |from: Timestamp, by| from.saturating_sub(by).unwrap_or(from);
        let missed = Missed {
            since: back(since.min(now), OVERLAP).max(back(now, LONGEST)),
            interest,
            tags_only: whose.hub,
        };
        let until = now.saturating_add(READING).unwrap_or(now);
        self.reading.insert(instance.clone(), until);
        effects.push(Effect::ReadAgain(instance, missed));
    }

    /// Returns whether what was missed is being read.
    pub(super) fn is_reading(&self, now: Timestamp, instance: &InstanceName) -> bool {
        self.reading.get(instance).is_some_and(|until| now < *until)
    }
}
