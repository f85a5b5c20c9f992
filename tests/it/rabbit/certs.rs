//! Certificates of a day, made by the test: nothing here is believed by anybody else.
//!
//! rcgen makes them; the openssl command turns a key into the older and the encrypted forms that people have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// The certificates beside a broker, or in a directory of their own.
#[derive(Clone, Debug)]
pub struct Certs {
    directory: PathBuf,
}

/// What the server shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ServerCert {
    /// For localhost and 127.0.0.1.
    Good,
    /// For another host only.
    WrongHost,
    /// Of last year.
    Expired,
    /// Signed by somebody whom nobody was told to believe.
    OtherCa,
}

/// What the client shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Client {
    /// CN=fedora, as everybody has at Fedora.
    Fedora,
    /// CN=fedora with an RSA key.
    FedoraRsa,
    /// CN=alice.
    Alice,
    /// CN=nobody: a certificate that is good, of a user that the broker does not know.
    Nobody,
    /// CN=fedora, of last year.
    Expired,
    /// CN=fedora, signed by a CA that the broker does not know.
    OtherCa,
}

/// How the key of [`Client::FedoraRsa`] is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyForm {
    /// `BEGIN PRIVATE KEY`
    Pkcs8,
    /// `BEGIN RSA PRIVATE KEY`
    Pkcs1,
    /// `BEGIN ENCRYPTED PRIVATE KEY`; the password is `secret`.
    EncryptedPkcs8,
    /// `BEGIN RSA PRIVATE KEY` with `Proc-Type: 4,ENCRYPTED`; the password is `secret`.
    EncryptedPkcs1,
}

/// A certificate and its key, as files in PEM.
#[derive(Clone, Debug)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The certificate and then the key in one file, as Koji's client.crt.
    pub both: PathBuf,
}

impl Certs {
    /// Makes all of them in a new directory.
    pub fn make(directory: PathBuf) -> Self {
        fs::create_dir(&directory).unwrap();
        let certs = Self { directory };
        let ours = certs.authority("ca");
        let other = certs.authority("other-ca");
        for (kind, name, issuer) in [
            (ServerCert::Good, "localhost", &ours),
            (ServerCert::WrongHost, "elsewhere.example.invalid", &ours),
            (ServerCert::Expired, "localhost", &ours),
            (ServerCert::OtherCa, "localhost", &other),
        ] {
            let mut alternative = vec![name.to_owned()];
            if name == "localhost" {
                alternative.push("127.0.0.1".to_owned());
            }
            let mut params = subject(name, CertificateParams::new(alternative).unwrap());
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            date(&mut params, kind == ServerCert::Expired);
            certs.write(&certs.server(kind), &params, issuer, &KeyPair::generate().unwrap());
        }
        for (kind, name, issuer) in [
            (Client::Fedora, "fedora", &ours),
            (Client::FedoraRsa, "fedora", &ours),
            (Client::Alice, "alice", &ours),
            (Client::Nobody, "nobody", &ours),
            (Client::Expired, "fedora", &ours),
            (Client::OtherCa, "fedora", &other),
        ] {
            let mut params = subject(name, CertificateParams::default());
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            date(&mut params, kind == Client::Expired);
            let pair = certs.client(kind);
            let key = if kind == Client::FedoraRsa {
                certs.rsa_keys()
            } else {
                KeyPair::generate().unwrap()
            };
            certs.write(&pair, &params, issuer, &key);
        }
        certs
    }

    /// Returns those that somebody has made there.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Returns the file of the CA that signed what is good here.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    pub fn other_ca(&self) -> PathBuf {
        self.directory.join("other-ca.pem")
    }

    pub fn server(&self, kind: ServerCert) -> Pair {
        self.pair(&format!("server-{kind:?}"))
    }

    pub fn client(&self, kind: Client) -> Pair {
        self.pair(&format!("client-{kind:?}"))
    }

    /// Returns [`Client::FedoraRsa`] with its key written in this form.
    pub fn client_with(&self, form: KeyForm) -> Pair {
        let mut pair = self.client(Client::FedoraRsa);
        pair.key = self.rsa_key(form);
        pair
    }

    fn pair(&self, name: &str) -> Pair {
        let file = |suffix: &str| self.directory.join(format!("{name}.{suffix}"));
        Pair {
            certificate: file("pem"),
            key: file("key"),
            both: file("both.pem"),
        }
    }

    fn rsa_key(&self, form: KeyForm) -> PathBuf {
        self.directory.join(format!("rsa-{form:?}.key"))
    }

    fn authority(&self, name: &str) -> Issuer<'static, KeyPair> {
        let mut params = subject(name, CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        date(&mut params, false);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(self.directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
        Issuer::new(params, key)
    }

    fn write(&self, pair: &Pair, params: &CertificateParams, issuer: &Issuer<'_, KeyPair>, key: &KeyPair) {
        let certificate = params.signed_by(key, issuer).unwrap().pem();
        let key = key.serialize_pem();
        fs::write(&pair.both, format!("{certificate}{key}")).unwrap();
        fs::write(&pair.certificate, certificate).unwrap();
        fs::write(&pair.key, key).unwrap();
    }

    /// Makes one RSA key in all forms. *ring* can sign with one, and cannot make one.
    fn rsa_keys(&self) -> KeyPair {
        let plain = self.rsa_key(KeyForm::Pkcs8);
        openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", None, &plain);
        openssl("rsa -traditional", Some(&plain), &self.rsa_key(KeyForm::Pkcs1));
        openssl(
            "pkcs8 -topk8 -passout pass:secret",
            Some(&plain),
            &self.rsa_key(KeyForm::EncryptedPkcs8),
        );
        openssl(
            "rsa -traditional -aes256 -passout pass:secret",
            Some(&plain),
            &self.rsa_key(KeyForm::EncryptedPkcs1),
        );
        KeyPair::from_pem(&fs::read_to_string(plain).unwrap()).unwrap()
    }
}

fn subject(name: &str, mut params: CertificateParams) -> CertificateParams {
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn date(params: &mut CertificateParams, expired: bool) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = if expired {
        date_time_ymd(2021, 1, 1)
    } else {
        date_time_ymd(2099, 1, 1)
    };
}

fn openssl(arguments: &str, from: Option<&Path>, to: &Path) {
    let mut command = Command::new("openssl");
    command
        .args(arguments.split(' '))
        .arg("-out")
        .arg(to)
        .stdin(Stdio::null());
    if let Some(from) = from {
        command.arg("-in").arg(from);
    }
    let output = command.output().expect("openssl is installed");
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
