//! The only reader of time.
//!
//! Everything else is told what time it is. `clippy.toml` bans the other ways of asking.

use std::time::Duration;

use jiff::Timestamp;

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
