//! The line to a broker, as far as a person cares.

use jiff::Timestamp;

/// How the line to an instance's source is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Link {
    /// A first or further attempt is under way.
    Connecting,
    /// Subscribed: what is published from now on will be heard.
    Up,
    /// Down, and tried again by itself.
    Down(Trouble),
    /// The source has come to its end (a recording has been played).
    Ended,
}

/// Why a line is down.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    pub problem: Problem,
    /// Who we talked to: `host:port`.
    pub host: String,
    /// What the other side or the library said, for those who want to know; hostile text.
    pub detail: String,
    /// When the next attempt is made, by our clock.
    pub retry: Option<Timestamp>,
}

/// What is wrong, in kinds that differ in what a person can do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// The host's name has no address.
    UnknownHost,
    /// The host cannot be reached, or did not answer in time.
    Unreachable,
    /// The line broke after it was up.
    Interrupted,
    /// What answers there does not speak AMQP, or speaks it without TLS where TLS was asked for.
    NotABroker,
    /// The login needs TLS and the address has none: nothing secret is sent in clear.
    Unprotected,
    /// The broker's certificate is not signed by the configured CA.
    UntrustedBroker,
    /// The broker's certificate is for another host.
    WrongHost,
    /// The broker's certificate has expired or is not valid yet.
    ExpiredBroker,
    /// Our certificate or key cannot be read or used.
    BadCredentials,
    /// Our certificate has expired.
    ExpiredCertificate,
    /// The broker did not accept our certificate (TLS alert).
    CertificateRefused,
    /// The broker did not accept the login.
    LoginRefused,
    /// The virtual host does not exist or is closed to us.
    NoVirtualHost,
    /// We may not declare or read the queue, or bind it.
    NotPermitted,
    /// Another program reads the same queue.
    QueueTaken,
    /// The queue or exchange is not there, or is not as configured.
    QueueMismatch,
}

impl Problem {
    /// Returns whether trying again soon may help by itself. Otherwise a person has to do something first, and we
    /// try again slowly.
    pub fn is_passing(self) -> bool {
        match self {
            Self::UnknownHost | Self::Unreachable | Self::Interrupted => true,
            Self::NotABroker
            | Self::Unprotected
            | Self::UntrustedBroker
            | Self::WrongHost
            | Self::ExpiredBroker
            | Self::BadCredentials
            | Self::ExpiredCertificate
            | Self::CertificateRefused
            | Self::LoginRefused
            | Self::NoVirtualHost
            | Self::NotPermitted
            | Self::QueueTaken
            | Self::QueueMismatch => false,
        }
    }
}
