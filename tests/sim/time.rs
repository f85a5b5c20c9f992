//! True time, which no clock of the run need show: microseconds since 1970.

use jiff::Timestamp;

pub(crate) type Time = i64;

pub(crate) const MILLISECOND: Time = 1000;
pub(crate) const SECOND: Time = 1000 * MILLISECOND;
pub(crate) const MINUTE: Time = 60 * SECOND;
pub(crate) const HOUR: Time = 60 * MINUTE;

pub(crate) fn stamp(at: Time) -> Timestamp {
    Timestamp::from_microsecond(at).unwrap()
}

pub(crate) fn time(at: Timestamp) -> Time {
    at.as_microsecond()
}
