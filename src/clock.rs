//! The only reader of time.
//!
//! Everything else is told what time it is. `clippy.toml` bans the other ways of asking.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// When something last happened. To note it is one store and wakes nobody; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicI64>);

impl Pulse {
    /// It happens now.
    pub fn beat(&self) {
        self.0.store(now().as_millisecond(), Ordering::Relaxed);
    }

    /// Returns when it last happened; `None`: not yet.
    pub fn last(&self) -> Option<Timestamp> {
        let last = self.0.load(Ordering::Relaxed);
        Timestamp::from_millisecond(last).ok().filter(|_| last != 0)
    }

    /// Returns how long ago it last happened; `None`: not yet. A clock that was set back makes it no time at all.
    pub fn age(&self) -> Option<Duration> {
        let age = now().duration_since(self.last()?);
        Some(Duration::try_from(age).unwrap_or_default())
    }
}

/// Returns the time zone of the computer. It may have changed up to five minutes ago: for so long jiff keeps it.
pub fn zone() -> TimeZone {
    TimeZone::system()
}

/// Makes the next answer of [`zone`] a new one.
pub fn forget_zone() {
    jiff::tz::reset_system_time_zone_cache();
}

/// Returns the time by the system's clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns after the given time has come; never, if there is none. A jump of the system's clock is noticed when the
/// distance that was true at the call has passed.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that waits for the clock"
)]
pub async fn reach(time: Option<Timestamp>) {
    let Some(time) = time else {
        return std::future::pending().await;
    };
    let distance = time.duration_since(now());
    let distance = Duration::try_from(distance).unwrap_or(Duration::ZERO);
    tokio::time::sleep(distance).await;
}

/// Returns after this long.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that waits for the clock"
)]
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
