//! Why the line to a broker is down.
//!
//! Promise: whatever lapin, rustls or the system said is turned into a [`Problem`] that differs in what a person can
//! do, with their words as detail. No password gets into one: none is ever handed to a library as part of an address.
//!
//! It deliberately does not know the words a person reads.

use std::error::Error;
use std::io;
use std::time::Duration;

use lapin::ErrorKind;
use tokio_rustls::rustls;

use super::password::PasswordError;
use crate::net::trouble::{NetError, TlsTrouble, detail, tls_error, tls_trouble};
use crate::watch::link::Problem;

/// Why the line to a broker is down, or did not come up.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("no answer within {} s", .0.as_secs_f32())]
    Silent(Duration),
    #[error("the login needs TLS and the address has none (amqps)")]
    Unprotected,
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The other side hung up after our certificate, without the courtesy of an alert, as Fedora's broker does.
    #[error("the broker hung up after it had seen our certificate")]
    HungUp(#[source] io::Error),
    /// The other side hung up on a greeting in clear, as a TLS port does; its alert is often lost on the way.
    #[error("what listens there hung up on a greeting without TLS")]
    NoGreeting(#[source] io::Error),
    #[error("the login failed")]
    Login(#[source] lapin::Error),
    #[error("cannot subscribe")]
    Subscribe(#[source] lapin::Error),
    #[error("{0} other consumers read the queue")]
    Held(u32),
    #[error("{0:?} is too long a name for AMQP")]
    TooLong(String),
    /// The queue is held, most likely by a line of ours that broke a moment ago, which the broker has not noticed yet.
    #[error("the broker still keeps our old line")]
    Ghost,
    /// The broker has cancelled our consumer: somebody deleted the queue, or its node went away.
    #[error("the queue was deleted")]
    QueueGone,
    /// The line is open, heartbeats may come, and what we ask is not answered.
    #[error("the line gives no answer within {} s", .0.as_secs_f32())]
    Mute(Duration),
    /// The queue is there, and the broker does not know that we read it.
    #[error("the broker has forgotten that we read the queue")]
    Deaf,
    #[error("the line broke")]
    Lost(#[source] lapin::Error),
}

impl LinkError {
    /// Returns what is wrong, in the hub's words, and what the other side or the library said about it.
    pub fn trouble(&self) -> (Problem, String) {
        (self.problem(), detail(self, plain))
    }

    /// Returns whether another reader of the queue is what is wrong.
    pub(super) fn is_taken(&self) -> bool {
        self.problem() == Problem::QueueTaken
    }

    fn problem(&self) -> Problem {
        match self {
            Self::Net(error) => of_the_way(error),
            Self::Silent(_) => Problem::Unreachable,
            Self::Unprotected => Problem::Unprotected,
            Self::Password(_) => Problem::BadCredentials,
            Self::HungUp(_) => Problem::CertificateRefused,
            Self::NoGreeting(_) => Problem::NotABroker,
            Self::Login(error) => of_login(error),
            Self::Subscribe(error) => of_subscribing(error),
            Self::Held(_) => Problem::QueueTaken,
            Self::TooLong(_) => Problem::QueueMismatch,
            Self::Ghost | Self::QueueGone | Self::Mute(_) | Self::Deaf => Problem::Interrupted,
            Self::Lost(error) => of_a_live_line(error),
        }
    }
}

/// What an AMQP error says to a person is the broker's text; the library's name for its number is not.
fn plain(error: &(dyn Error + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<lapin::Error>()
        && let ErrorKind::ProtocolError(said) = error.kind()
    {
        return format!("{} {}", said.get_id(), said.get_message());
    }
    if let Some(said) = error.downcast_ref::<lapin::protocol::AMQPError>() {
        return format!("{} {}", said.get_id(), said.get_message());
    }
    error.to_string()
}

fn of_the_way(error: &NetError) -> Problem {
    match error {
        NetError::UnknownHost(_) => Problem::UnknownHost,
        NetError::Unreachable(_) => Problem::Unreachable,
        NetError::Credentials { .. } => Problem::BadCredentials,
        NetError::OurCertificateExpired { .. } => Problem::ExpiredCertificate,
        NetError::NobodyToTrust => Problem::UntrustedBroker,
        NetError::Tls(error) => of_tls(error),
    }
}

pub(super) fn of_tls(error: &rustls::Error) -> Problem {
    match tls_trouble(error) {
        TlsTrouble::Expired => Problem::ExpiredBroker,
        TlsTrouble::WrongHost => Problem::WrongHost,
        TlsTrouble::Untrusted => Problem::UntrustedBroker,
        TlsTrouble::CertificateRefused => Problem::CertificateRefused,
        TlsTrouble::NotTls => Problem::NotABroker,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "lapin's errors are many, not ours, and may grow"
)]
fn of_login(error: &lapin::Error) -> Problem {
    match error.kind() {
        // Not AMQP 0-9-1: another version, a TLS alert to our clear greeting, a web server's complaint.
        ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => Problem::NotABroker,
        ErrorKind::AuthProviderError(_) => Problem::LoginRefused,
        ErrorKind::ProtocolError(said) => match said.get_id() {
            // 503: a login mechanism that the broker does not have.
            403 | 503 => Problem::LoginRefused,
            402 | 530 => Problem::NoVirtualHost,
            _ => Problem::Unreachable,
        },
        ErrorKind::IOError(error) => tls_error(error).map_or(Problem::Unreachable, of_tls),
        _ => Problem::Unreachable,
    }
}

fn of_subscribing(error: &lapin::Error) -> Problem {
    match amqp_code(error) {
        // RabbitMQ says the same number for a queue that an exclusive consumer holds.
        Some((403, said)) if said.contains("exclusive use") => Problem::QueueTaken,
        Some((403 | 530, _)) => Problem::NotPermitted,
        Some((405, _)) => Problem::QueueTaken,
        Some((404 | 406 | 540, _)) => Problem::QueueMismatch,
        Some(_) | None => Problem::Interrupted,
    }
}

fn of_a_live_line(error: &lapin::Error) -> Problem {
    match amqp_code(error) {
        // What 406 means on a live channel is an acknowledgement that took too long or came twice.
        Some((406, _)) => Problem::Interrupted,
        Some(_) | None => of_subscribing(error),
    }
}

/// Returns whether a queue or exchange is not there.
pub(super) fn is_missing(error: &lapin::Error) -> bool {
    matches!(amqp_code(error), Some((404, _)))
}

fn amqp_code(error: &lapin::Error) -> Option<(u16, &str)> {
    let ErrorKind::ProtocolError(said) = error.kind() else {
        return None;
    };
    Some((said.get_id(), said.get_message().as_str()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};
    use lapin::protocol::AMQPError;
    use tokio_rustls::rustls::{AlertDescription, CertificateError};

    use super::*;
    use crate::net::trouble::MAX_DETAIL;

    #[test]
    fn refusals_at_the_login() {
        check(
            LinkError::Login(amqp(
                403,
                "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.",
            )),
            expect![
                "LoginRefused: the login failed: 403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
            ],
        );
        check(
            LinkError::Login(amqp(530, "NOT_ALLOWED - vhost /nope not found")),
            expect!["NoVirtualHost: the login failed: 530 NOT_ALLOWED - vhost /nope not found"],
        );
        check(
            LinkError::Login(amqp(
                503,
                "COMMAND_INVALID - unknown authentication mechanism 'EXTERNAL'",
            )),
            expect![
                "LoginRefused: the login failed: 503 COMMAND_INVALID - unknown authentication mechanism 'EXTERNAL'"
            ],
        );
        check(
            LinkError::Login(amqp(
                541,
                "INTERNAL_ERROR - access to vhost '/' refused: vhost '/' is down",
            )),
            expect![
                "Unreachable: the login failed: 541 INTERNAL_ERROR - access to vhost '/' refused: vhost '/' is down"
            ],
        );
    }

    #[test]
    fn refusals_of_the_queue() {
        let refused = |code, said| LinkError::Subscribe(amqp(code, said));
        check(
            refused(
                403,
                "ACCESS_REFUSED - access to queue 'myqueue' in vhost '/' refused for user 'fedora'",
            ),
            expect![
                "NotPermitted: cannot subscribe: 403 ACCESS_REFUSED - access to queue 'myqueue' in vhost '/' refused for user 'fedora'"
            ],
        );
        check(
            refused(403, "ACCESS_REFUSED - queue 'mine' in vhost '/' in exclusive use"),
            expect!["QueueTaken: cannot subscribe: 403 ACCESS_REFUSED - queue 'mine' in vhost '/' in exclusive use"],
        );
        check(
            refused(
                405,
                "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine'",
            ),
            expect![
                "QueueTaken: cannot subscribe: 405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine'"
            ],
        );
        check(
            refused(404, "NOT_FOUND - no queue 'mine' in vhost '/'"),
            expect!["QueueMismatch: cannot subscribe: 404 NOT_FOUND - no queue 'mine' in vhost '/'"],
        );
        check(
            refused(406, "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'mine'"),
            expect![
                "QueueMismatch: cannot subscribe: 406 PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'mine'"
            ],
        );
        check(
            LinkError::Held(2),
            expect!["QueueTaken: 2 other consumers read the queue"],
        );
    }

    #[test]
    fn a_live_line_that_broke() {
        let lost = |kind: ErrorKind| LinkError::Lost(kind.into());
        check(
            LinkError::Lost(amqp(320, "CONNECTION_FORCED - broker forced connection closure")),
            expect!["Interrupted: the line broke: 320 CONNECTION_FORCED - broker forced connection closure"],
        );
        check(
            LinkError::Lost(amqp(406, "PRECONDITION_FAILED - delivery acknowledgement timed out")),
            expect!["Interrupted: the line broke: 406 PRECONDITION_FAILED - delivery acknowledgement timed out"],
        );
        check(
            LinkError::Lost(amqp(403, "ACCESS_REFUSED - access to topic refused")),
            expect!["NotPermitted: the line broke: 403 ACCESS_REFUSED - access to topic refused"],
        );
        check(
            lost(ErrorKind::MissingHeartbeatError),
            expect!["Interrupted: the line broke: no heartbeat received from server for too long"],
        );
        check(
            LinkError::Lost(io::Error::from(io::ErrorKind::ConnectionReset).into()),
            expect!["Interrupted: the line broke: IO error: connection reset"],
        );
        check(LinkError::QueueGone, expect!["Interrupted: the queue was deleted"]);
    }

    #[test]
    fn certificates_that_are_not_believed() {
        let tls = |error| LinkError::Net(NetError::Tls(Box::new(error)));
        let bad = |error| tls(rustls::Error::InvalidCertificate(error));
        check(
            bad(CertificateError::UnknownIssuer),
            expect!["UntrustedBroker: TLS failed: invalid peer certificate: UnknownIssuer"],
        );
        check(
            bad(CertificateError::NotValidForName),
            expect!["WrongHost: TLS failed: invalid peer certificate: NotValidForName"],
        );
        check(
            bad(CertificateError::Expired),
            expect!["ExpiredBroker: TLS failed: invalid peer certificate: Expired"],
        );
        check(
            tls(rustls::Error::AlertReceived(AlertDescription::UnknownCA)),
            expect!["CertificateRefused: TLS failed: received fatal alert: UnknownCA"],
        );
        check(
            tls(rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)),
            expect!["NotABroker: TLS failed: received fatal alert: ProtocolVersion"],
        );
        check(
            tls(rustls::Error::InvalidMessage(
                rustls::InvalidMessage::InvalidContentType,
            )),
            expect!["NotABroker: TLS failed: received corrupt message of type InvalidContentType"],
        );
    }

    #[test]
    fn an_alert_that_comes_after_the_handshake_is_found_inside() {
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateExpired);
        let inner = io::Error::new(io::ErrorKind::InvalidData, alert);
        let (problem, _) = LinkError::Login(ErrorKind::IOError(Arc::new(inner)).into()).trouble();
        assert_eq!(problem, Problem::CertificateRefused);
    }

    #[test]
    fn what_others_said_is_capped() {
        let (_, detail) = LinkError::TooLong("ü".repeat(5000)).trouble();
        assert!(
            detail.ends_with('…') && detail.len() <= MAX_DETAIL + '…'.len_utf8(),
            "{detail}"
        );
    }

    fn amqp(code: u16, said: &str) -> lapin::Error {
        ErrorKind::ProtocolError(AMQPError::from_id(code, said.into()).unwrap()).into()
    }

    fn check(error: LinkError, expected: Expect) {
        let (problem, detail) = error.trouble();
        expected.assert_eq(&format!("{problem:?}: {detail}"));
    }
}
