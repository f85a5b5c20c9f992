//! A time in the past, as a person writes it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A time, or how long ago it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    At(Timestamp),
    /// By the local clock.
    On(DateTime),
    Ago(Span),
}

impl Since {
    /// Returns the time that is meant; one before all times is the first.
    pub(super) fn before(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let time = match self {
            Self::At(time) => Ok(time),
            Self::On(time) => time.to_zoned(zone.clone()).map(|it| it.timestamp()),
            Self::Ago(span) => now.to_zoned(zone.clone()).checked_sub(span).map(|it| it.timestamp()),
        };
        time.unwrap_or(Timestamp::MIN)
    }
}

/// Reads a day, a time, or how long ago: `2026-11-20`, `2026-11-20T17:40`, `2026-11-20T17:40Z`, `3 days`, `12h`.
pub(super) fn since(text: &str) -> Result<Since, String> {
    let at = || text.parse().ok().map(Since::At);
    let on = || text.parse().ok().map(Since::On);
    let ago = || text.parse().ok().map(|it: Span| Since::Ago(it.abs()));
    let since = at().or_else(on).or_else(ago);
    since.ok_or_else(|| "expected a day, a time or how long ago, such as 2026-11-20 or \"3 days\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_local_and_spans_go_back_from_now() {
        let now = "2026-11-20T17:40:00Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let read = |text: &str| since(text).map(|it| it.before(now, &zone).to_string());
        let is = |text: &str, time: &str| assert_eq!(read(text).as_deref(), Ok(time), "{text}");
        is("2026-11-18", "2026-11-17T23:00:00Z");
        is("2026-11-18T10:30", "2026-11-18T09:30:00Z");
        is("2026-11-18 10:30", "2026-11-18T09:30:00Z");
        is("2026-11-18T10:30Z", "2026-11-18T10:30:00Z");
        is("3 days", "2026-11-17T17:40:00Z");
        is("3 days ago", "2026-11-17T17:40:00Z");
        is("1 month", "2026-10-20T17:40:00Z");
        is("12h", "2026-11-20T05:40:00Z");
        is("P1W", "2026-11-13T17:40:00Z");
        is("19000 years", &Timestamp::MIN.to_string());
        for wrong in ["", "yesterday", "3", "2026-13-01", "-"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
