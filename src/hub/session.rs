//! A session with a hub: what each call carries once somebody has logged in.
//!
//! Promise: the key is seen by the hub and by nobody else; `Debug` leaves it out. The hub wants the calls of a session
//! numbered: a number is never handed out twice, and asking for what a call carries needs the session alone.
//!
//! It deliberately does not know how it came about, nor how a call is sent.

use std::fmt;
use std::net::IpAddr;

/// The longest key that is taken. The hub's own have some twenty characters.
const MAX_KEY: usize = 256;

/// A session, as `sslLogin` has answered.
#[derive(Clone, Eq, PartialEq)]
pub struct Session {
    pub id: i64,
    key: String,
    /// Whether the hub takes it in headers (since Koji 1.31). Older ones read it from the address.
    pub header_auth: bool,
    callnum: u64,
    /// The hub's address that it was made with. The hub binds a session to the address that it sees of us: one made
    /// by IPv6 is refused when it comes by IPv4.
    pub peer: Option<IpAddr>,
}

/// What one call carries. `Debug` leaves out its secrets.
#[derive(Clone, Eq, PartialEq)]
pub enum Stamp {
    /// Names and values of headers.
    Headers([(&'static str, String); 3]),
    /// The query of the address; it has nothing in it that would have to be escaped.
    Query(String),
}

impl Session {
    /// Returns a new session, whose first call will have the number 0; `None` if the key could not stand in a header.
    pub fn new(id: i64, key: String, header_auth: bool) -> Option<Self> {
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.' | b'~');
        let fits = !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(is_plain);
        fits.then_some(Self {
            id,
            key,
            header_auth,
            callnum: 0,
            peer: None,
        })
    }

    /// Returns what the next call carries.
    pub fn stamp(&mut self) -> Stamp {
        let callnum = self.callnum;
        self.callnum += 1;
        let (id, key) = (self.id, &self.key);
        if self.header_auth {
            Stamp::Headers([
                ("Koji-Session-Id", id.to_string()),
                ("Koji-Session-Key", key.clone()),
                ("Koji-Session-Callnum", callnum.to_string()),
            ])
        } else {
            Stamp::Query(format!("session-id={id}&session-key={key}&callnum={callnum}"))
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("header_auth", &self.header_auth)
            .field("callnum", &self.callnum)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Headers(_) => f.write_str("Headers(secret)"),
            Self::Query(_) => f.write_str("Query(secret)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_numbered_from_zero() {
        let mut session = Session::new(165, "2-VcbEaQp7yauUcy25n9Z".to_owned(), true).unwrap();
        for number in 0..3 {
            let expected = [
                ("Koji-Session-Id", "165".to_owned()),
                ("Koji-Session-Key", "2-VcbEaQp7yauUcy25n9Z".to_owned()),
                ("Koji-Session-Callnum", number.to_string()),
            ];
            assert_eq!(session.stamp(), Stamp::Headers(expected));
        }
    }

    #[test]
    fn an_old_hub_reads_the_address() {
        let mut session = Session::new(7, "1-k".to_owned(), false).unwrap();
        session.stamp();
        let expected = "session-id=7&session-key=1-k&callnum=1";
        assert_eq!(session.stamp(), Stamp::Query(expected.to_owned()));
    }

    #[test]
    fn the_key_is_not_shown() {
        let mut session = Session::new(7, "1-VerySecret".to_owned(), true).unwrap();
        let shown = format!("{session:?} {:?}", session.stamp());
        assert!(!shown.contains("VerySecret"), "{shown}");
        session.header_auth = false;
        assert!(!format!("{:?}", session.stamp()).contains("VerySecret"));
    }

    #[test]
    fn a_key_that_would_break_out_of_a_header_is_none() {
        for key in ["", "a b", "a\r\nHost: b", "a&callnum=9", "ü", &"k".repeat(MAX_KEY + 1)] {
            assert_eq!(Session::new(1, key.to_owned(), true), None, "{key:?}");
        }
    }
}
