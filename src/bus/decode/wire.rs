//! (being built)

use jiff::Timestamp;

pub(crate) struct Time(pub(crate) Option<Timestamp>);

pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}
