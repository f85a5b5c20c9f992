//! Why a login did not come about: what curl's exit code, its words and the HTTP status mean.
//!
//! Promise: what differs in what a person can do is a variant of its own. What others said is cut to [`MAX_SAID`] and
//! has no control characters; no key, ticket or header of ours is in it.
//!
//! It deliberately does not know the words a person reads.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use super::curl::{Broken, Ended};
use crate::hub::access::{Access, Login, Trust};
use crate::hub::fault::{Fault, Meaning};
use crate::net::trouble::NetError;

/// The most characters of what others said that are handed on.
const MAX_SAID: usize = 300;

/// Why a login did not come about.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("there is no curl on PATH, which a login needs; everything that is read without a login works")]
    NoCurl,
    /// It does not start, or was built without what is needed.
    #[error("this curl cannot do it: {said}")]
    UnfitCurl { said: String },
    #[error("no login is configured")]
    NothingToShow,
    #[error("a login needs https, and the address has http")]
    Unprotected,
    /// A certificate, a file of authorities or a keytab that cannot be used as it is, or not any more.
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("the hub did not accept our certificate: {said}")]
    CertificateRefused { said: String },
    #[error("there is no Kerberos ticket; kinit gets one")]
    NoCredentials,
    #[error("there is no Kerberos ticket that can be used: {said}")]
    NoTicket { said: String },
    #[error("no Kerberos server answers: {said}")]
    KdcUnreachable { said: String },
    #[error("the hub did not accept our Kerberos ticket: {said}")]
    TicketRefused { said: String },
    /// It was reached and understood, and says no.
    #[error("the hub says no: {0}")]
    Fault(Fault),
    #[error("the hub cannot prove who it is: {said}")]
    UntrustedHub { said: String },
    #[error("the hub's name has no address: {said}")]
    UnknownHost { said: String },
    #[error("the hub cannot be reached: {said}")]
    Unreachable { said: String },
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("HTTP status {0}")]
    Status(u16),
    #[error("what has answered is no hub: {0}")]
    NotUnderstood(String),
}

impl LoginError {
    /// Returns whether trying again later may help by itself.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::KdcUnreachable { .. } | Self::UnknownHost { .. } | Self::Unreachable { .. } | Self::TimedOut(_) => {
                true
            }
            Self::Fault(fault) => matches!(fault.code.meaning(), Meaning::Passing | Meaning::Outage),
            Self::Status(status) => *status >= 500 || *status == 429,
            // It is from looking at files only.
            Self::Net(_) => false,
            Self::NoCurl
            | Self::UnfitCurl { .. }
            | Self::NothingToShow
            | Self::Unprotected
            | Self::CertificateRefused { .. }
            | Self::NoCredentials
            | Self::NoTicket { .. }
            | Self::TicketRefused { .. }
            | Self::UntrustedHub { .. }
            | Self::NotUnderstood(_) => false,
        }
    }
}

impl From<Broken> for LoginError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Missing => Self::NoCurl,
            Broken::NotRun(error) => Self::UnfitCurl {
                said: error.to_string(),
            },
            Broken::TooLong => Self::NotUnderstood("the answer is too long".to_owned()),
        }
    }
}

/// Says that a file cannot be used as it is.
pub(super) fn unusable(file: &Path, why: &str) -> LoginError {
    LoginError::Net(NetError::Credentials {
        file: file.to_owned(),
        why: why.to_owned(),
    })
}

/// What curl adds to the answer (`write-out`): a line of its own with the status and the address that it went to.
pub(super) const POSTSCRIPT: &str = "\n%{http_code} %{remote_ip}";

/// Returns the answer that came with HTTP 200, and from where.
pub(super) fn answer(access: &Access, limit: Duration, ended: Ended) -> Result<(Vec<u8>, Option<IpAddr>), LoginError> {
    let said = complaint(&ended.talk);
    // The numbers are those of curl(1), EXIT CODES.
    match ended.code {
        Some(0) => {}
        Some(5 | 6) => return Err(LoginError::UnknownHost { said }),
        Some(28) => return Err(LoginError::TimedOut(limit)),
        Some(60 | 51 | 83 | 90 | 91) => return Err(LoginError::UntrustedHub { said }),
        // Of TLS and of the stream that it protects. A certificate is refused by an alert, with TLS 1.3 while we read.
        Some(35 | 55 | 56) if is_refused(&access.login, &said) => return Err(LoginError::CertificateRefused { said }),
        // OpenSSL's own words: whatever talks there, it is not TLS. Without them the line broke.
        Some(35) if said.contains("error:") => return Err(LoginError::NotUnderstood(said)),
        Some(7 | 16 | 18 | 35 | 52 | 55 | 56 | 92) => return Err(LoginError::Unreachable { said }),
        // The files were good when we looked at them.
        Some(58 | 66 | 77 | 82) => return Err(unusable(file(access), &said)),
        Some(94) => return Err(of_kerberos(&ended.talk)),
        Some(3 | 8 | 61) => return Err(LoginError::NotUnderstood(said)),
        Some(_) | None => return Err(LoginError::UnfitCurl { said }),
    }
    let (body, status, peer) = parts(ended.answer)?;
    match (status, &access.login) {
        (200, _) => Ok((body, peer)),
        (401, Login::Certificate { .. }) => Err(LoginError::CertificateRefused {
            said: "HTTP status 401; it may want a Kerberos ticket".to_owned(),
        }),
        // What Apache says to who cannot be asked for one: GnuTLS, too, has no post-handshake authentication.
        (403, Login::Certificate { .. }) => Err(LoginError::CertificateRefused {
            said: "HTTP status 403; a curl that is built with GnuTLS cannot show one by TLS 1.3".to_owned(),
        }),
        (401, Login::Kerberos { .. }) => Err(of_kerberos(&ended.talk)),
        (403, Login::Kerberos { .. }) => Err(LoginError::TicketRefused {
            said: format!("HTTP status {status}"),
        }),
        _ => Err(LoginError::Status(status)),
    }
}

/// Returns the file that curl complains of.
fn file(access: &Access) -> &Path {
    match (&access.login, &access.trust) {
        (Login::Certificate { file }, _) => file,
        (Login::Nothing | Login::Kerberos { .. }, Trust::Only(file)) => file,
        (Login::Nothing | Login::Kerberos { .. }, Trust::System) => Path::new(""),
    }
}

fn is_refused(login: &Login, said: &str) -> bool {
    matches!(login, Login::Certificate { .. }) && said.contains("alert")
}

/// GSSAPI's own words for it (RFC 2743, GSS_S_NO_CRED, as MIT's library has them).
const NO_CREDENTIALS: &str = "No credentials were supplied";

/// What SPNEGO says behind it if there is nothing that it could try.
const NOTHING_MORE: &str = "SPNEGO cannot find mechanisms to negotiate";

/// Tells a login without a ticket from one whose ticket the hub did not like. libkrb5 says why in the talk.
fn of_kerberos(talk: &str) -> LoginError {
    let is_sent = talk.lines().any(|it| it.starts_with("> Authorization: Negotiate "));
    let mut reasons = talk.lines().filter_map(|line| {
        let (_, reason) = line.strip_prefix("* ")?.split_once("gss_")?.1.split_once(" failed: ")?;
        Some(cleaned(reason))
    });
    // What comes last was said about the hub's answer.
    let said = if is_sent { reasons.next_back() } else { reasons.next() };
    match said {
        Some(said) if is_sent => LoginError::TicketRefused { said },
        None if is_sent => LoginError::TicketRefused {
            said: "HTTP status 401".to_owned(),
        },
        Some(said) if said.contains("Cannot contact any KDC") => LoginError::KdcUnreachable { said },
        // With more to say it is about a keytab, which kinit does not mend.
        Some(said) if said.starts_with(NO_CREDENTIALS) && said.contains(NOTHING_MORE) => LoginError::NoCredentials,
        said => LoginError::NoTicket {
            said: said.unwrap_or_else(|| "HTTP status 401".to_owned()),
        },
    }
}

/// Returns what curl says itself: `curl: (60) SSL certificate problem`, or the first line where there is none such.
fn complaint(talk: &str) -> String {
    let own = |line: &str| Some(cleaned(line.strip_prefix("curl: (")?.split_once(") ")?.1));
    let first = || talk.lines().map(cleaned).find(|it| !it.is_empty());
    talk.lines()
        .rev()
        .find_map(own)
        .or_else(first)
        .unwrap_or_else(|| "it says nothing".to_owned())
}

fn cleaned(said: &str) -> String {
    let shown = said.chars().map(|it| if it.is_control() { ' ' } else { it });
    let short: String = shown.take(MAX_SAID).collect();
    short.trim().to_owned()
}

/// Takes what curl has printed apart: the body, and our postscript.
fn parts(mut printed: Vec<u8>) -> Result<(Vec<u8>, u16, Option<IpAddr>), LoginError> {
    let unclear = || LoginError::UnfitCurl {
        said: "it does not tell the status".to_owned(),
    };
    let at = printed.iter().rposition(|it| *it == b'\n').ok_or_else(unclear)?;
    let postscript = printed.split_off(at);
    let postscript = String::from_utf8(postscript).map_err(|_| unclear())?;
    let (status, peer) = postscript.trim().split_once(' ').ok_or_else(unclear)?;
    let status = status.parse().map_err(|_| unclear())?;
    Ok((printed, status, peer.parse().ok()))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::hub::access::{Address, Times};

    #[test]
    fn what_curl_says_of_the_hub() {
        check(
            &by_certificate(),
            60,
            "curl: (60) SSL certificate problem: self-signed certificate in certificate chain\n\
             More details here: https://curl.se/docs/sslcerts.html\n\ncurl failed to verify the legitimacy",
            expect![
                "the hub cannot prove who it is: SSL certificate problem: self-signed certificate in certificate chain"
            ],
        );
        check(
            &by_certificate(),
            6,
            "curl: (6) Could not resolve host: k.example",
            expect!["the hub's name has no address: Could not resolve host: k.example (passing)"],
        );
        check(
            &by_certificate(),
            7,
            "curl: (7) Failed to connect to k.example port 443 after 0 ms: Couldn't connect to server",
            expect![
                "the hub cannot be reached: Failed to connect to k.example port 443 after 0 ms: Couldn't connect to \
                 server (passing)"
            ],
        );
        check(
            &by_certificate(),
            28,
            "curl: (28) Operation timed out after 5000 milliseconds with 0 bytes received",
            expect!["no answer within 5 s (passing)"],
        );
        check(
            &by_certificate(),
            35,
            "curl: (35) error:0A00010B:SSL routines::wrong version number",
            expect!["what has answered is no hub: error:0A00010B:SSL routines::wrong version number"],
        );
        check(
            &by_certificate(),
            35,
            "curl: (35) OpenSSL SSL_connect: Connection reset by peer in connection to k.example:443",
            expect![
                "the hub cannot be reached: OpenSSL SSL_connect: Connection reset by peer in connection to \
                 k.example:443 (passing)"
            ],
        );
    }

    #[test]
    fn a_refused_certificate_is_told_from_a_broken_line() {
        let alert = "curl: (56) OpenSSL SSL_read: OpenSSL/3.0.22: error:0A000418:SSL routines::tlsv1 alert unknown ca, \
                     errno 0";
        check(
            &by_certificate(),
            56,
            alert,
            expect![
                "the hub did not accept our certificate: OpenSSL SSL_read: OpenSSL/3.0.22: error:0A000418:SSL \
                 routines::tlsv1 alert unknown ca, errno 0"
            ],
        );
        check(
            &by_certificate(),
            56,
            "curl: (56) Recv failure: Connection reset by peer",
            expect!["the hub cannot be reached: Recv failure: Connection reset by peer (passing)"],
        );
    }

    #[test]
    fn a_curl_that_cannot_do_it_is_told() {
        check(
            &by_ticket(),
            2,
            "curl: option --negotiate: the installed libcurl version doesn't support this\n",
            expect![
                "this curl cannot do it: curl: option --negotiate: the installed libcurl version doesn't support this"
            ],
        );
        check(
            &by_ticket(),
            127,
            "",
            expect!["this curl cannot do it: it says nothing"],
        );
        check(
            &by_ticket(),
            0,
            "Authorization: Bearer \u{1b}[31m",
            expect!["this curl cannot do it: it does not tell the status"],
        );
    }

    #[test]
    fn kerberos_says_why() {
        let none = "* gss_init_sec_context() failed: No credentials were supplied, or the credentials were unavailable \
                    or inaccessible. SPNEGO cannot find mechanisms to negotiate. \n";
        let answered = "< HTTP/1.1 401 Unauthorized\n";
        let sent = "> Authorization: Negotiate YIIsecret\n";
        let check = |talk: &str, expected: Expect| {
            let ended = Ended {
                code: Some(0),
                answer: b"<html>\n401 127.0.0.1".to_vec(),
                talk: talk.to_owned(),
            };
            expected.assert_eq(&told(&by_ticket(), ended));
        };
        check(
            &format!("{none}> POST /kojihub/ssllogin HTTP/1.1\n{answered}{none}"),
            expect!["there is no Kerberos ticket; kinit gets one"],
        );
        check(
            &format!("* gss_init_sec_context() failed: Ticket expired. \n{answered}"),
            expect!["there is no Kerberos ticket that can be used: Ticket expired."],
        );
        let away = none.replace(
            "SPNEGO cannot find mechanisms to negotiate",
            "Cannot contact any KDC for realm 'K'",
        );
        check(
            &format!("{away}{answered}"),
            expect![
                "no Kerberos server answers: No credentials were supplied, or the credentials were unavailable or \
                 inaccessible. Cannot contact any KDC for realm 'K'. (passing)"
            ],
        );
        check(
            &format!("{sent}{answered}* gss_init_sec_context() failed: Key version is not available. \n"),
            expect!["the hub did not accept our Kerberos ticket: Key version is not available."],
        );
        check(
            &format!("{sent}{answered}"),
            expect!["the hub did not accept our Kerberos ticket: HTTP status 401"],
        );
        check(
            answered,
            expect!["there is no Kerberos ticket that can be used: HTTP status 401"],
        );
    }

    #[test]
    fn the_answer_is_what_stands_before_our_own_line() {
        let ended = |answer: &str| Ended {
            code: Some(0),
            answer: answer.into(),
            talk: String::new(),
        };
        let (body, peer) = answer(&by_ticket(), LIMIT, ended("a\nb\n\n200 ::1")).unwrap();
        assert_eq!(body, b"a\nb\n");
        assert_eq!(peer, "::1".parse().ok());
        for (status, expected) in [(401, "certificate"), (403, "certificate"), (404, "404"), (302, "302")] {
            let told = told(&by_certificate(), ended(&format!("200 \n{status} ::1")));
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn what_others_said_is_capped_and_clean() {
        let talk = format!("curl: (7) \u{1b}[31m{}", "ü".repeat(5000));
        let said = complaint(&talk);
        assert!(said.starts_with("[31mü"), "{said}");
        assert!(
            said.chars().count() <= MAX_SAID && !said.contains(char::is_control),
            "{said}"
        );
    }

    const LIMIT: Duration = Duration::from_secs(5);

    fn by_certificate() -> Access {
        access(Login::Certificate { file: "/c.pem".into() })
    }

    fn by_ticket() -> Access {
        access(Login::Kerberos {
            principal: None,
            keytab: None,
        })
    }

    fn access(login: Login) -> Access {
        Access {
            server: Address::parse("https://k.example/kojihub").unwrap(),
            trust: Trust::System,
            login,
            times: Times::default(),
        }
    }

    fn check(access: &Access, code: i32, talk: &str, expected: Expect) {
        let ended = Ended {
            code: Some(code),
            answer: b"\n000 ".to_vec(),
            talk: talk.to_owned(),
        };
        let ended = if code == 0 {
            Ended {
                answer: Vec::new(),
                ..ended
            }
        } else {
            ended
        };
        expected.assert_eq(&told(access, ended));
    }

    fn told(access: &Access, ended: Ended) -> String {
        let error = answer(access, LIMIT, ended).unwrap_err();
        let passing = if error.is_passing() { " (passing)" } else { "" };
        format!("{error}{passing}")
    }
}
