//! Why a host could not be reached, or not be believed.
//!
//! Promise: what rustls said is put into kinds that differ in what a person can do, and the causes of an error become
//! one line of bounded length.
//!
//! It deliberately does not know what the host was wanted for.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use tokio_rustls::rustls::{self, AlertDescription, CertificateError};

/// Why there is no stream to a host.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("the name has no address")]
    UnknownHost(#[source] io::Error),
    #[error("cannot connect")]
    Unreachable(#[source] io::Error),
    #[error("cannot use {}: {why}", file.display())]
    Credentials { file: PathBuf, why: String },
    #[error("{} has expired on {on}", file.display())]
    OurCertificateExpired { file: PathBuf, on: String },
    #[error("there are no certificates of authorities to believe")]
    NobodyToTrust,
    #[error("TLS failed")]
    Tls(#[source] Box<rustls::Error>),
}

/// What is meant by an error of TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsTrouble {
    /// The host's certificate has expired, or is not valid yet.
    Expired,
    /// The host's certificate is for another host.
    WrongHost,
    /// The host's certificate is not signed by whom we believe.
    Untrusted,
    /// The host did not accept our certificate, or wanted one.
    CertificateRefused,
    /// What answers there does not speak TLS, or none that we speak.
    NotTls,
}

/// Returns what is meant by an error of TLS.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls' errors are many, not ours, and may grow"
)]
pub fn tls_trouble(error: &rustls::Error) -> TlsTrouble {
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsTrouble::Expired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsTrouble::WrongHost
            }
            _ => TlsTrouble::Untrusted,
        },
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::UnexpectedMessage
            | AlertDescription::RecordOverflow
            | AlertDescription::DecodeError
            | AlertDescription::UnrecognisedName
            | AlertDescription::InternalError => TlsTrouble::NotTls,
            // `handshake_failure` is how TLS 1.2 says that a certificate was wanted.
            _ => TlsTrouble::CertificateRefused,
        },
        rustls::Error::NoCertificatesPresented => TlsTrouble::Untrusted,
        _ => TlsTrouble::NotTls,
    }
}

/// Finds what rustls said inside of what the transport said.
pub fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The longest detail that is handed on, in bytes.
pub const MAX_DETAIL: usize = 300;

/// Returns what was said, from the outermost to the innermost cause, each once, in [`MAX_DETAIL`] bytes. `plain` puts
/// one error into words.
pub fn detail(error: &(dyn Error + 'static), plain: impl Fn(&(dyn Error + 'static)) -> String) -> String {
    let mut said = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let words = plain(error);
        // Wrappers like to repeat what they wrap.
        if !said.iter().any(|it: &String| it.ends_with(&words)) {
            said.push(words);
        }
        cause = error.source();
    }
    let mut detail = said.join(": ");
    let short = shortened(&detail, MAX_DETAIL).len();
    if short < detail.len() {
        detail.truncate(short);
        detail.push('…');
    }
    detail
}

/// Returns as much of a text as fits into so many bytes.
pub fn shortened(text: &str, bytes: usize) -> &str {
    let ends = text.char_indices().map(|(at, char)| at + char.len_utf8());
    let end = ends.take_while(|end| *end <= bytes).last().unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_letters() {
        assert_eq!(shortened("aüb", 2), "a");
        assert_eq!(shortened("aüb", 3), "aü");
        assert_eq!(shortened("aüb", 9), "aüb");
        assert_eq!(shortened("", 9), "");
    }
}
