//! The files of a login: looked at before curl gets them, which says less about them, or asks for a password on the
//! terminal.
//!
//! It deliberately does not know whether the hub will like them.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::LoginError;

/// The largest file that is read, in bytes. The bundles of all public authorities have a quarter of it.
const MAX_FILE: u64 = 1 << 20;

/// The first byte of a keytab, whatever its version.
const KEYTAB: u8 = 5;

/// Looks at a client certificate with its key in one PEM file, as Koji's clients have it.
pub(super) fn certificate(file: &Path, now: Timestamp) -> Result<(), LoginError> {
    let pem = read(file)?;
    let ours = first_certificate(file, &pem)?;
    let (_, ours) = x509_parser::parse_x509_certificate(&ours).map_err(|error| unusable(file, &error.to_string()))?;
    let validity = ours.validity();
    let has = |mark: &[u8]| pem.windows(mark.len()).any(|it| it == mark);
    // PKCS#8 has a label for it, the older forms a header (RFC 1421).
    if has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED") {
        let why = "the key is encrypted; `openssl pkey` writes one that is not";
        return Err(unusable(file, why));
    }
    if PrivateKeyDer::from_pem_slice(&pem).is_err() {
        let why = "it has no private key in PEM form; certificate and key are expected in one file";
        return Err(unusable(file, why));
    }
    if now.as_second() > validity.not_after.timestamp() {
        return Err(LoginError::CertificateExpired {
            file: file.to_owned(),
            on: date(validity.not_after.timestamp()),
        });
    }
    if now.as_second() < validity.not_before.timestamp() {
        let from = date(validity.not_before.timestamp());
        let why = format!("the certificate is not valid before {from}; is the clock right?");
        return Err(unusable(file, &why));
    }
    Ok(())
}

/// Looks at a PEM file of authorities.
pub(super) fn authority(file: &Path) -> Result<(), LoginError> {
    first_certificate(file, &read(file)?).map(|_| ())
}

pub(super) fn keytab(file: &Path) -> Result<(), LoginError> {
    if read(file)?.first() == Some(&KEYTAB) {
        Ok(())
    } else {
        Err(unusable(file, "it is not a keytab"))
    }
}

fn first_certificate(file: &Path, pem: &[u8]) -> Result<CertificateDer<'static>, LoginError> {
    CertificateDer::from_pem_slice(pem).map_err(|_| unusable(file, "it has no certificate in PEM form"))
}

fn read(file: &Path) -> Result<Vec<u8>, LoginError> {
    let unreadable = |error: std::io::Error| unusable(file, &error.to_string());
    // A pipe would make us wait for its other end.
    if !fs::metadata(file).map_err(unreadable)?.is_file() {
        return Err(unusable(file, "it is not a regular file"));
    }
    let mut content = Vec::new();
    let opened = File::open(file).map_err(unreadable)?;
    opened
        .take(MAX_FILE + 1)
        .read_to_end(&mut content)
        .map_err(unreadable)?;
    if content.len() as u64 > MAX_FILE {
        return Err(unusable(file, "it is larger than 1 MiB"));
    }
    Ok(content)
}

fn date(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |it| it.to_string())
}

fn unusable(file: &Path, why: &str) -> LoginError {
    LoginError::File {
        file: file.to_owned(),
        why: why.to_owned(),
    }
}
