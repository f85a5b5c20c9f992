//! How often, and after which waits, the same thing is asked of a server within one call.
//!
//! Promise: a connection that had been closed while it was kept costs nothing but another one. After that, the first
//! further try comes at once, the next ones ever later, and no two programs that met the same trouble come back at
//! the same moment.
//!
//! It deliberately does not know what may be asked twice: [`Missed`] says so.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::future::BoxFuture;
use tokio::time::timeout;
use tracing::debug;

use super::access::Address;
use super::trouble::HubError;
use crate::clock;

/// How often something is asked at most, the first time included, and connections that were closed not counted.
const MAX_TRIES: usize = 4;
/// The wait before the third try. Jitter adds up to as much again.
const SOON: Duration = Duration::from_secs(1);

/// Why one try gave nothing.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) error: HubError,
    /// The server had closed a connection that was kept: that says nothing about the next one.
    pub(super) was_stale: bool,
    /// Nothing went out, or what went out changes nothing.
    pub(super) may_repeat: bool,
}

/// One try under way. In a box, as no async closure can be sent to another thread yet by whoever is generic over it.
pub(super) type Try<'a, T> = BoxFuture<'a, Result<T, Missed>>;

impl From<HubError> for Missed {
    fn from(error: HubError) -> Self {
        Self {
            error,
            was_stale: false,
            may_repeat: true,
        }
    }
}

/// Asks until there is an answer, or no hope, within a time limit. `ask` is told whether it has to use a new
/// connection.
///
/// # Errors
///
/// Those of the last try; after the time limit, those of the last try that came to an end.
pub(super) async fn patiently<'a, T>(
    server: &Address,
    limit: Duration,
    ask: impl Fn(bool) -> Try<'a, T>,
) -> Result<T, HubError> {
    let mut last = None;
    let answered = timeout(limit, tries(server, &mut last, ask)).await;
    answered.unwrap_or_else(|_| Err(last.unwrap_or(HubError::Silent(limit))))
}

async fn tries<'a, T>(
    server: &Address,
    last: &mut Option<HubError>,
    ask: impl Fn(bool) -> Try<'a, T>,
) -> Result<T, HubError> {
    let mut patience = Patience::new();
    let mut fresh = false;
    loop {
        let missed = match ask(fresh).await {
            Ok(value) => return Ok(value),
            Err(missed) => missed,
        };
        let error = missed.error;
        fresh = true;
        if missed.may_repeat && missed.was_stale {
            debug!(%server, error = error.detail(), "the connection that was kept is gone");
            continue;
        }
        if !missed.may_repeat || !error.is_worth_another_try() {
            return Err(error);
        }
        let Some(wait) = patience.next_wait() else {
            return Err(error);
        };
        debug!(%server, error = error.detail(), ?wait, "asking again");
        *last = Some(error);
        if !wait.is_zero() {
            clock::pass(wait).await;
        }
    }
}

/// The waits that are left.
struct Patience {
    at_once: Option<Duration>,
    waits: ExponentialBackoff,
}

impl Patience {
    fn new() -> Self {
        Self {
            at_once: Some(Duration::ZERO),
            waits: ExponentialBuilder::new()
                .with_jitter()
                .with_factor(2.0)
                .with_min_delay(SOON)
                .with_max_times(MAX_TRIES - 2)
                .build(),
        }
    }

    /// Returns how long to wait before the next try; `None` if there were enough.
    fn next_wait(&mut self) -> Option<Duration> {
        self.at_once.take().or_else(|| self.waits.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_further_try_is_at_once_and_then_it_takes_its_time() {
        let mut patience = Patience::new();
        let waits: Vec<Duration> = std::iter::from_fn(|| patience.next_wait()).collect();
        assert_eq!(waits.len() + 1, MAX_TRIES);
        assert_eq!(waits[0], Duration::ZERO);
        assert!(waits[1] >= SOON && waits[1] <= SOON * 2, "{waits:?}");
        assert!(waits[2] >= SOON * 2 && waits[2] <= SOON * 4, "{waits:?}");
    }
}
