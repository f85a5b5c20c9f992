//! When a line that is quiet is examined, without anybody's doubt. Pure.
//!
//! Heartbeats tell that a line lives, not that it brings anything; and a broker can do without them. Silence is normal
//! where little happens, so this is rare, and asks for no more than one answer.

use std::time::Duration;

use super::source::Signs;

/// After how much silence a line is examined.
#[derive(Clone, Copy, Debug)]
pub struct Patrol {
    /// Without a message, whosever.
    pub without_message: Duration,
    /// Without anything at all, where no heartbeats were agreed upon.
    pub without_anything: Duration,
}

impl Default for Patrol {
    fn default() -> Self {
        Self {
            without_message: Duration::from_secs(6 * 3600),
            without_anything: Duration::from_secs(10 * 60),
        }
    }
}

impl Patrol {
    /// Returns how long after it came up a line is first looked at.
    pub(super) fn first(self, heartbeat: Duration) -> Duration {
        if heartbeat.is_zero() {
            self.without_message.min(self.without_anything)
        } else {
            self.without_message
        }
    }

    /// Returns whether a line has been quiet for too long.
    pub(super) fn is_due(self, heartbeat: Duration, signs: &Signs) -> bool {
        self.left(heartbeat, signs).is_zero()
    }

    /// Returns after how long it is to be looked at next.
    pub(super) fn next(self, heartbeat: Duration, signs: &Signs) -> Duration {
        let left = self.left(heartbeat, signs);
        if left.is_zero() { self.first(heartbeat) } else { left }
    }

    fn left(self, heartbeat: Duration, signs: &Signs) -> Duration {
        let age = |it: Option<Duration>| it.unwrap_or(Duration::MAX);
        let message = self.without_message.saturating_sub(age(signs.message.age()));
        if heartbeat.is_zero() {
            let anything = self.without_anything.saturating_sub(age(signs.anything.age()));
            return message.min(anything);
        }
        message
    }
}
