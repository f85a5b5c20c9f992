//! Why a hub, or its file server, did not answer as it was asked.
//!
//! Promise: whoever asked can tell what may pass by itself, what is a closed hub, what needs a login, and, for a call
//! that changes something, whether it may have been done all the same. No error has a session's key in it.
//!
//! It deliberately does not know the words a person reads.

use std::error::Error;
use std::time::Duration;

use hyper::StatusCode;

use super::fault::{Fault, Meaning};
use crate::net::trouble::{detail, tls_error, tls_trouble};

pub use crate::net::trouble::{NetError, TlsTrouble};

/// Why a hub or a file server did not answer as it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("no answer within {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// A login or a session would have gone out in clear.
    #[error("a login needs https, and the address has http")]
    Unprotected,
    /// The connection broke before the answer was there as a whole.
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("what answers there does not speak HTTP")]
    NotHttp(#[source] hyper::Error),
    /// Any status that is neither success nor a redirection.
    #[error("the answer was HTTP {status}{}", colon(said))]
    Status {
        status: StatusCode,
        /// What came with it as plain text, cleaned and shortened; hostile text.
        said: String,
    },
    /// A redirection, which is not followed: it names another host, or a hub should be configured as it is.
    #[error("the answer was HTTP {status}: it has moved to {to}")]
    Moved {
        status: StatusCode,
        /// Without its query, cleaned and shortened; hostile text.
        to: String,
    },
    /// Something else than XML, mostly a page for people: the address is wrong, or something stands in between.
    #[error("the answer is {0:?} and not XML")]
    NotXml(String),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// It is XML-RPC in bad order, or not what was asked for.
    #[error("the answer cannot be understood")]
    Garbled(#[source] Box<dyn Error + Send + Sync>),
    #[error("the hub said no")]
    Fault(#[source] Fault),
    /// There is no session, and without one the call makes no sense.
    #[error("nobody is logged in")]
    NotLoggedIn,
    /// A call that changes something went out, and its answer did not come or was none: it may have been done.
    #[error("whether the hub has done it is unknown")]
    Uncertain(#[source] Box<HubError>),
    /// The end of a file cannot be had without all of it, which is too much.
    #[error("the file cannot be had in parts ({0})")]
    NoParts(&'static str),
    /// The path of a file has a part that no file has.
    #[error("{0:?} is no path of a file")]
    BadPath(String),
}

impl HubError {
    /// Returns whether asking again later may help by itself. Otherwise a person has to do something first.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Net(NetError::UnknownHost(_) | NetError::Unreachable(_)) => true,
            Self::Net(
                NetError::Credentials { .. } | NetError::OurCertificateExpired { .. } | NetError::NobodyToTrust,
            ) => false,
            Self::Net(NetError::Tls(_)) => false,
            Self::Silent(_) | Self::Broken(_) => true,
            Self::Status { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::Fault(fault) => match fault.code.meaning() {
                Meaning::Passing | Meaning::Outage => true,
                Meaning::LoginNeeded | Meaning::LoginRefused | Meaning::No | Meaning::Ours => false,
            },
            Self::Uncertain(_) => false,
            Self::Unprotected
            | Self::NotHttp(_)
            | Self::Moved { .. }
            | Self::NotXml(_)
            | Self::TooLarge(_)
            | Self::Garbled(_)
            | Self::NotLoggedIn
            | Self::NoParts(_)
            | Self::BadPath(_) => false,
        }
    }

    /// Returns whether the hub is there and closed for everybody: its own word for it, or that of the server before
    /// it.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Fault(fault) => fault.code.meaning() == Meaning::Outage,
            Self::Status { status, .. } => matches!(
                *status,
                StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::Uncertain(error) => error.is_outage(),
            Self::Net(_)
            | Self::Silent(_)
            | Self::Unprotected
            | Self::Broken(_)
            | Self::NotHttp(_)
            | Self::Moved { .. }
            | Self::NotXml(_)
            | Self::TooLarge(_)
            | Self::Garbled(_)
            | Self::NotLoggedIn
            | Self::NoParts(_)
            | Self::BadPath(_) => false,
        }
    }

    /// Returns whether logging in anew is what helps: there is no session, or the hub no longer takes it (expired,
    /// closed, bound to an address that we no longer have, or out of step with our count of calls).
    pub fn needs_login(&self) -> bool {
        match self {
            Self::NotLoggedIn => true,
            Self::Fault(fault) => fault.code.meaning() == Meaning::LoginNeeded,
            Self::Net(_)
            | Self::Silent(_)
            | Self::Unprotected
            | Self::Broken(_)
            | Self::NotHttp(_)
            | Self::Status { .. }
            | Self::Moved { .. }
            | Self::NotXml(_)
            | Self::TooLarge(_)
            | Self::Garbled(_)
            | Self::Uncertain(_)
            | Self::NoParts(_)
            | Self::BadPath(_) => false,
        }
    }

    /// Returns the fault, if that is what the hub answered.
    pub fn fault(&self) -> Option<&Fault> {
        if let Self::Fault(fault) = self {
            Some(fault)
        } else {
            None
        }
    }

    /// Returns what is wrong with somebody's certificate, or with TLS as such.
    pub fn tls_trouble(&self) -> Option<TlsTrouble> {
        if let Self::Net(NetError::Tls(error)) = self {
            return Some(tls_trouble(error));
        }
        None
    }

    /// Returns what the other side or the library said, in one line of bounded length; hostile text.
    pub fn detail(&self) -> String {
        detail(self, ToString::to_string)
    }

    /// Returns whether a call that changes nothing is worth asking again in a moment.
    pub(super) fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Status { .. } => self.is_outage(),
            // The limit of the whole call ends the tries.
            Self::Silent(_) => true,
            Self::Net(_)
            | Self::Unprotected
            | Self::Broken(_)
            | Self::NotHttp(_)
            | Self::Moved { .. }
            | Self::NotXml(_)
            | Self::TooLarge(_)
            | Self::Garbled(_)
            | Self::Fault(_)
            | Self::NotLoggedIn
            | Self::Uncertain(_)
            | Self::NoParts(_)
            | Self::BadPath(_) => self.is_passing(),
        }
    }

    /// Returns what it means after a call that changes something has gone out. A clear no is a no; anything else
    /// leaves open whether it was done.
    pub(super) fn after_a_change(self) -> Self {
        match self {
            Self::Fault(_) | Self::Moved { .. } | Self::NotLoggedIn | Self::Unprotected | Self::Uncertain(_) => self,
            Self::Status { status, .. } if status.is_client_error() => self,
            Self::Net(_)
            | Self::Silent(_)
            | Self::Broken(_)
            | Self::NotHttp(_)
            | Self::Status { .. }
            | Self::NotXml(_)
            | Self::TooLarge(_)
            | Self::Garbled(_)
            | Self::NoParts(_)
            | Self::BadPath(_) => Self::Uncertain(Box::new(self)),
        }
    }
}

impl From<hyper::Error> for HubError {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse() {
            return Self::NotHttp(error);
        }
        // With TLS 1.3 a server sees our certificate after the greeting is over for us.
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(why) = inner.downcast_ref().and_then(tls_error) {
                return Self::Net(NetError::Tls(Box::new(why.clone())));
            }
            cause = inner.source();
        }
        Self::Broken(error)
    }
}

fn colon(said: &str) -> String {
    if said.is_empty() {
        return String::new();
    }
    format!(": {said}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::fault::FaultCode;

    #[test]
    fn what_passes_and_what_does_not() {
        let fault = |number| {
            HubError::Fault(Fault {
                code: FaultCode::from_number(number),
                text: "text".to_owned(),
            })
        };
        let status = |number: u16| HubError::Status {
            status: StatusCode::from_u16(number).unwrap(),
            said: String::new(),
        };
        // passing, outage, needs a login, worth another try
        let table = [
            (fault(1014), [true, true, false, true]),
            (fault(1001), [true, false, false, true]),
            (fault(1007), [false, false, true, false]),
            (fault(1008), [false, false, true, false]),
            (fault(1000), [false; 4]),
            (status(503), [true, true, false, true]),
            (status(500), [true, false, false, false]),
            (status(429), [true, false, false, false]),
            (status(404), [false; 4]),
            (HubError::NotLoggedIn, [false, false, true, false]),
            (HubError::Silent(Duration::from_secs(1)), [true, false, false, true]),
            (HubError::Uncertain(Box::new(status(503))), [false, true, false, false]),
        ];
        for (error, expected) in table {
            let is = [
                error.is_passing(),
                error.is_outage(),
                error.needs_login(),
                error.is_worth_another_try(),
            ];
            assert_eq!(is, expected, "{}", error.detail());
        }
    }

    #[test]
    fn a_clear_no_is_no_uncertainty() {
        let no = HubError::Status {
            status: StatusCode::FORBIDDEN,
            said: String::new(),
        };
        assert!(matches!(no.after_a_change(), HubError::Status { .. }));
        let silence = HubError::Silent(Duration::from_secs(60)).after_a_change();
        assert_eq!(
            silence.detail(),
            "whether the hub has done it is unknown: no answer within 60 s"
        );
    }
}
