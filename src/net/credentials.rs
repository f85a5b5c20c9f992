//! Certificates and keys, from PEM files.
//!
//! Promise: keys in PKCS#8, PKCS#1 and SEC1 are taken, a certificate and its key may share a file, and what cannot be
//! used is named by file with what to do. The files are read anew for each attempt, so that a renewed certificate is
//! taken up without a restart.
//!
//! It deliberately does not know a socket.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::trouble::NetError;

/// The largest PEM file that is read. The bundles of all public authorities have a quarter of it.
const MAX_PEM: u64 = 1 << 20;

/// Whose certificates are believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trust {
    /// Those signed by the authorities of the system.
    System,
    /// Only those signed by the CA in this PEM file.
    Only(PathBuf),
}

/// Who we are, as files.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub certificate: &'a Path,
    /// May be the same file.
    pub key: &'a Path,
}

/// Returns how TLS is to be spoken with a host: whom to believe and, where it is asked for, who we are. `now` is what
/// our own certificate is held against. Reads files, some milliseconds of them where the system is trusted.
///
/// # Errors
///
/// If a file cannot be used, if our certificate has expired, or if there is nobody to believe.
pub fn tls(trust: &Trust, identity: Option<Identity<'_>>, now: Timestamp) -> Result<Arc<ClientConfig>, NetError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| NetError::Tls(Box::new(error)))?
        .with_root_certificates(believed(trust)?);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let chain = certificates(certificate)?;
            check_dates(&chain, certificate, now)?;
            builder
                .with_client_auth_cert(chain, private_key(key)?)
                .map_err(|error| unusable(key, &error.to_string()))?
        }
    };
    Ok(Arc::new(config))
}

fn believed(trust: &Trust) -> Result<RootCertStore, NetError> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::System => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(NetError::NobodyToTrust);
            }
        }
        Trust::Only(file) => {
            roots.add_parsable_certificates(certificates(file)?);
            if roots.is_empty() {
                return Err(unusable(file, "it has no certificate of an authority"));
            }
        }
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(file)?).collect();
    let chain = chain.map_err(|error| unusable(file, &error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(file, "it has no certificate in PEM form"));
    }
    Ok(chain)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, NetError> {
    let pem = read(file)?;
    if is_encrypted(&pem) {
        let file_name = file.display();
        let why = format!(
            "the key is encrypted; `openssl pkey -in {file_name} -out NEW.pem` writes one that is not, chmod it to 600"
        );
        return Err(unusable(file, &why));
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        if matches!(error, pem::Error::NoItemsFound) {
            return unusable(file, "it has no private key in PEM form (PKCS#8, PKCS#1 or SEC1)");
        }
        unusable(file, &error.to_string())
    })
}

/// An encrypted key has its own PEM label in PKCS#8 and a header of its own in the older forms (RFC 1421).
fn is_encrypted(pem: &[u8]) -> bool {
    let has = |mark: &[u8]| pem.windows(mark.len()).any(|it| it == mark);
    has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED")
}

/// Says that our certificate has expired before the broker refuses it, which it does in fewer words or none.
fn check_dates(chain: &[CertificateDer<'_>], file: &Path, now: Timestamp) -> Result<(), NetError> {
    let Some(ours) = chain.first() else {
        return Err(unusable(file, "it has no certificate in PEM form"));
    };
    let (_, ours) = x509_parser::parse_x509_certificate(ours).map_err(|error| unusable(file, &error.to_string()))?;
    let validity = ours.validity();
    if now.as_second() > validity.not_after.timestamp() {
        return Err(NetError::OurCertificateExpired {
            file: file.to_owned(),
            on: date(validity.not_after.timestamp()),
        });
    }
    if now.as_second() < validity.not_before.timestamp() {
        let from = date(validity.not_before.timestamp());
        return Err(unusable(
            file,
            &format!("the certificate is not valid before {from}; is the clock right?"),
        ));
    }
    Ok(())
}

/// Returns when the first certificate in the file ends; `None` if there is none that can be read.
pub fn ends(file: &Path) -> Option<Timestamp> {
    let chain = certificates(file).ok()?;
    let (_, ours) = x509_parser::parse_x509_certificate(chain.first()?).ok()?;
    Timestamp::from_second(ours.validity().not_after.timestamp()).ok()
}

fn date(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |it| it.to_string())
}

fn read(file: &Path) -> Result<Vec<u8>, NetError> {
    let mut content = Vec::new();
    let read = File::open(file).and_then(|it| it.take(MAX_PEM + 1).read_to_end(&mut content));
    read.map_err(|error| unusable(file, &error.to_string()))?;
    if content.len() as u64 > MAX_PEM {
        return Err(unusable(file, "it is too large for a PEM file"));
    }
    Ok(content)
}

fn unusable(file: &Path, why: &str) -> NetError {
    NetError::Credentials {
        file: file.to_owned(),
        why: why.to_owned(),
    }
}
