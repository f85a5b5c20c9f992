//! How long to wait before the next attempt. Pure but for the dice.
//!
//! Promise: the first attempt after a line that worked comes soon, further ones ever later, and no two programs that
//! lost the same broker come back at the same moment. What only a person can mend is tried slowly. A line that breaks
//! again and again right after it came up is not hammered either. A queue that our own dead line holds is looked at
//! often, since it is free as soon as the broker notices.
//!
//! It deliberately does not know what went wrong.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The first wait for trouble that may pass by itself. Jitter adds up to as much again.
const SOON: Duration = Duration::from_secs(1);
/// The longest wait for trouble that may pass by itself, jitter included.
const SOON_AT_MOST: Duration = Duration::from_secs(5 * 60);
/// The longest wait for a dead line of ours to be noticed, jitter included.
const GHOST_AT_MOST: Duration = Duration::from_secs(15);
/// The first wait for trouble that a person has to mend.
const SLOWLY: Duration = Duration::from_secs(5 * 60);
/// The longest wait for trouble that a person has to mend.
const SLOWLY_AT_MOST: Duration = Duration::from_secs(30 * 60);
/// A line that held this long was a success; one that did not counts towards a wait of its own.
const STEADY: Duration = Duration::from_secs(10);

/// The waits so far, which decide the next one.
pub(super) struct Patience {
    /// While no attempt succeeds, and a person need not do anything.
    passing: ExponentialBackoff,
    /// While a dead line of ours holds the queue.
    ghost: ExponentialBackoff,
    /// While no attempt succeeds, and a person has to.
    lasting: ExponentialBackoff,
    /// Over lines that came up and broke at once.
    flapping: ExponentialBackoff,
    /// Whether the line before broke at once, too.
    broke_at_once: bool,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self {
            passing: waits(SOON, SOON_AT_MOST),
            ghost: waits(SOON, GHOST_AT_MOST / 2),
            lasting: waits(SLOWLY, SLOWLY_AT_MOST),
            flapping: waits(SOON, SOON_AT_MOST),
            broke_at_once: false,
        }
    }

    /// Returns how long to wait after an attempt that failed.
    pub(super) fn after_failure(&mut self, is_passing: bool) -> Duration {
        if is_passing {
            bounded(&mut self.passing, SOON_AT_MOST)
        } else {
            bounded(&mut self.lasting, SLOWLY_AT_MOST)
        }
    }

    /// Returns how long to wait while the broker takes a dead line of ours for a reader of the queue.
    pub(super) fn after_ghost(&mut self) -> Duration {
        bounded(&mut self.ghost, GHOST_AT_MOST)
    }

    /// Returns how long to wait after a line that was up for so long. A line that `can_return_at_once` (the broker is
    /// there, only the queue is gone) does so the first time.
    pub(super) fn after_line(&mut self, held: Duration, can_return_at_once: bool) -> Duration {
        self.succeeded();
        if held >= STEADY {
            self.broke_at_once = false;
            self.flapping = waits(SOON, SOON_AT_MOST);
        }
        let again = std::mem::replace(&mut self.broke_at_once, true);
        if can_return_at_once && !again {
            return Duration::ZERO;
        }
        bounded(&mut self.flapping, SOON_AT_MOST)
    }

    /// Starts afresh: an attempt succeeded, or the world has changed (a resume from suspend).
    pub(super) fn succeeded(&mut self) {
        self.passing = waits(SOON, SOON_AT_MOST);
        self.ghost = waits(SOON, GHOST_AT_MOST / 2);
        self.lasting = waits(SLOWLY, SLOWLY_AT_MOST);
    }
}

fn waits(first: Duration, last: Duration) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_jitter()
        .with_factor(2.0)
        .with_min_delay(first)
        .with_max_delay(last)
        .without_max_times()
        .build()
}

/// Jitter is added after the limit, so the limit is kept here.
fn bounded(waits: &mut ExponentialBackoff, at_most: Duration) -> Duration {
    waits.next().unwrap_or(at_most).min(at_most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_trouble_is_tried_soon_and_then_ever_later() {
        let mut patience = Patience::new();
        let waits: Vec<Duration> = (0..20).map(|_| patience.after_failure(true)).collect();
        within(waits[0], SOON, SOON * 2);
        within(waits[3], SOON * 8, SOON * 16);
        assert!(waits.iter().all(|it| *it <= SOON_AT_MOST));
        assert_eq!(waits[19], SOON_AT_MOST);
    }

    #[test]
    fn a_dead_line_of_ours_is_waited_for_at_short_intervals() {
        let mut patience = Patience::new();
        let waits: Vec<Duration> = (0..20).map(|_| patience.after_ghost()).collect();
        within(waits[0], SOON, SOON * 2);
        assert!(waits.iter().all(|it| *it <= GHOST_AT_MOST), "{waits:?}");
        assert!(waits.iter().sum::<Duration>() > Duration::from_secs(100), "{waits:?}");
    }

    #[test]
    fn lasting_trouble_is_tried_slowly_from_the_start() {
        let mut patience = Patience::new();
        let waits: Vec<Duration> = (0..10).map(|_| patience.after_failure(false)).collect();
        within(waits[0], SLOWLY, SLOWLY * 2);
        assert!(waits.iter().all(|it| (SLOWLY..=SLOWLY_AT_MOST).contains(it)));
    }

    #[test]
    fn success_starts_the_waits_afresh() {
        let mut patience = Patience::new();
        for _ in 0..10 {
            patience.after_failure(true);
        }
        within(patience.after_line(STEADY, false), SOON, SOON * 2);
        within(patience.after_failure(true), SOON, SOON * 2);
    }

    #[test]
    fn a_line_that_breaks_at_once_again_and_again_waits_longer_each_time() {
        let mut patience = Patience::new();
        let waits: Vec<Duration> = (0..12).map(|_| patience.after_line(Duration::ZERO, false)).collect();
        within(waits[0], SOON, SOON * 2);
        within(waits[4], SOON * 16, SOON * 32);
        assert!(waits.iter().all(|it| *it <= SOON_AT_MOST));
        within(patience.after_line(STEADY, false), SOON, SOON * 2);
    }

    #[test]
    fn a_queue_that_is_gone_is_declared_anew_at_once_but_not_for_ever() {
        let mut patience = Patience::new();
        assert_eq!(patience.after_line(Duration::ZERO, true), Duration::ZERO);
        within(patience.after_line(Duration::ZERO, true), SOON, SOON * 2);
        within(patience.after_line(Duration::ZERO, true), SOON * 2, SOON * 4);
        assert_eq!(patience.after_line(STEADY, true), Duration::ZERO);
    }

    #[test]
    fn two_programs_do_not_come_back_together() {
        let waits: Vec<Duration> = (0..8).map(|_| Patience::new().after_failure(true)).collect();
        assert!(waits.iter().any(|it| *it != waits[0]), "{waits:?}");
    }

    fn within(wait: Duration, from: Duration, to: Duration) {
        assert!(wait >= from && wait <= to, "{wait:?} is not within {from:?} and {to:?}");
    }
}
