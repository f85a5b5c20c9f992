//! Who "me" is: by `klist` (a real one where it is installed, and one that answers what a test wants), by a
//! certificate, by `~/.fedora.upn`, and in which order.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use tempfile::TempDir;

use koji_notify::config::identity::{Sought, find};
use koji_notify::config::{Identity, Places, Preset, load};

const FEDORA: Option<&str> = Some("FEDORAPROJECT.ORG");

#[tokio::test]
async fn the_ticket_goes_before_the_certificate_and_that_before_the_file() {
    let person = Person::new();
    let certificate = person.certificate("from-certificate");
    let sought = |certificate: bool, upn: bool| Sought {
        realm: FEDORA,
        certificate: certificate.then(|| person.path("client.pem")),
        upn,
    };
    assert!(certificate.exists());
    fs::write(person.path(".fedora.upn"), "from-file\n").unwrap();
    person.klist("echo 'Default principal: from-ticket@FEDORAPROJECT.ORG'");
    let ticket = find(&person.places, &sought(true, true)).await;
    assert_eq!(ticket, Some(("from-ticket".to_owned(), Identity::KerberosPrincipal)));
    person.klist("exit 1");
    let certificate = find(&person.places, &sought(true, true)).await;
    assert_eq!(
        certificate,
        Some(("from-certificate".to_owned(), Identity::Certificate))
    );
    let file = find(&person.places, &sought(false, true)).await;
    assert_eq!(file, Some(("from-file".to_owned(), Identity::FedoraUpn)));
    assert_eq!(find(&person.places, &sought(false, false)).await, None);
}

#[tokio::test]
async fn the_other_caches_are_looked_at_when_the_default_one_is_of_another_realm() {
    let person = Person::new();
    // The locale is ours, or the words would be translated.
    person.klist(
        "[ \"$LC_ALL\" = C ] || exit 3\n\
         echo 'Default principal: m@COMPANY.EXAMPLE'\n\
         [ \"$1\" = -A ] && printf 'Ticket cache: X\\nDefault principal: mona@FEDORAPROJECT.ORG\\n'\n\
         exit 0",
    );
    assert_eq!(person.principal(FEDORA).await.as_deref(), Some("mona"));
    assert_eq!(person.principal(None).await.as_deref(), Some("m"));
    assert_eq!(person.principal(Some("STG.FEDORAPROJECT.ORG")).await, None);
}

#[tokio::test]
async fn a_real_klist_is_understood() {
    let person = Person::new();
    let is_there = Command::new("klist")
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !is_there {
        println!("skipped: no klist on this computer");
        return;
    }
    let cache = person.path("cache");
    fs::write(&cache, credential_cache("FEDORAPROJECT.ORG", &["mona"])).unwrap();
    let asked = |name: &str| person.with_cache(name).principal_of(FEDORA);
    let name = format!("FILE:{}", cache.display());
    assert_eq!(asked(&name).await.as_deref(), Some("mona"));
    // A collection: the default one is the company's.
    let folder = person.path("caches");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(folder.join("primary"), "tktcompany\n").unwrap();
    fs::write(folder.join("tktcompany"), credential_cache("COMPANY.EXAMPLE", &["m"])).unwrap();
    fs::write(
        folder.join("tktfedora"),
        credential_cache("FEDORAPROJECT.ORG", &["mona"]),
    )
    .unwrap();
    let name = format!("DIR:{}", folder.display());
    assert_eq!(asked(&name).await.as_deref(), Some("mona"));
    // A service is no person.
    fs::write(
        &cache,
        credential_cache("FEDORAPROJECT.ORG", &["host", "a.example.com"]),
    )
    .unwrap();
    assert_eq!(asked(&format!("FILE:{}", cache.display())).await, None);
    assert_eq!(asked(&format!("FILE:{}", person.path("none").display())).await, None);
}

#[tokio::test]
async fn a_klist_that_does_not_answer_is_ended() {
    let person = Person::new();
    let told = person.path("pid");
    person.klist(&format!(
        "echo $$ > {}\nexec {} 600",
        told.display(),
        which("sleep").display()
    ));
    let started = Instant::now();
    assert_eq!(person.principal(FEDORA).await, None);
    assert!(started.elapsed() < Duration::from_secs(20));
    let pid = fs::read_to_string(&told).unwrap();
    let is_running = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_some_and(|it| !it.is_empty() && !it.starts_with(" Z"))
    };
    while is_running() && started.elapsed() < Duration::from_secs(20) {
        tokio::task::yield_now().await;
    }
    assert!(!is_running());
}

#[tokio::test]
async fn a_klist_that_never_stops_talking_is_cut_short() {
    let person = Person::new();
    person.klist("while :; do echo 'Ticket cache: FILE:/tmp/x'; done");
    let started = Instant::now();
    assert_eq!(person.principal(FEDORA).await, None);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn the_certificates_that_everybody_has_name_nobody() {
    for (name, expected) in [
        ("fedora", None),
        ("fedora.stg", None),
        ("mona", Some("mona")),
        ("mona.fedora", Some("mona.fedora")),
        ("Mona Example", None),
    ] {
        let person = Person::new();
        let certificate = Some(person.certificate(name));
        let sought = Sought {
            realm: FEDORA,
            certificate,
            upn: true,
        };
        let found = find(&person.places, &sought).await;
        let expected = expected.map(|it| (it.to_owned(), Identity::Certificate));
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_certificate_names_nobody() {
    let person = Person::new();
    for text in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "\u{0}",
    ] {
        fs::write(person.path("client.pem"), text).unwrap();
        let sought = Sought {
            realm: FEDORA,
            certificate: Some(person.path("client.pem")),
            upn: false,
        };
        assert_eq!(find(&person.places, &sought).await, None, "{text:?}");
    }
}

#[tokio::test]
async fn the_file_has_one_line() {
    for (text, expected) in [
        ("mona\n", Some("mona")),
        ("  mona", Some("mona")),
        ("mona@FEDORAPROJECT.ORG\n", Some("mona")),
        ("mona@EXAMPLE.COM\n", None),
        ("mona\nlisa\n", None),
        ("", None),
    ] {
        let person = Person::new();
        fs::write(person.path(".fedora.upn"), text).unwrap();
        let sought = Sought {
            realm: FEDORA,
            certificate: None,
            upn: true,
        };
        let found = find(&person.places, &sought).await;
        let expected = expected.map(|it| (it.to_owned(), Identity::FedoraUpn));
        assert_eq!(found, expected, "{text:?}");
    }
}

#[tokio::test]
async fn the_settings_say_how_they_know() {
    let person = Person::new();
    person.packaged(Preset::Fedora);
    fs::write(person.path(".fedora.upn"), "mona\n").unwrap();
    let settings = load(&person.places).await.unwrap();
    let instance = settings.instances.values().next().unwrap();
    assert_eq!(instance.users_from, Identity::FedoraUpn);
    assert_eq!(instance.users.iter().collect::<Vec<_>>(), ["mona"]);
    // The public certificate is configured, and is not me.
    person.klist("echo 'Default principal: lisa@FEDORAPROJECT.ORG'");
    let settings = load(&person.places).await.unwrap();
    let instance = settings.instances.values().next().unwrap();
    assert_eq!(instance.users_from, Identity::KerberosPrincipal);
    assert_eq!(instance.users.iter().collect::<Vec<_>>(), ["lisa"]);
}

#[tokio::test]
async fn nobody_is_told_the_ways_to_be_somebody() {
    let person = Person::new();
    person.packaged(Preset::Fedora);
    person.packaged(Preset::FedoraStaging);
    let check = async |config: &str, expected: Expect| {
        let file = person.places.config_file();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, config).unwrap();
        let told = load(&person.places).await.unwrap_err().to_string();
        expected.assert_eq(&told.replace(person.home.path().to_str().unwrap(), "HOME"));
    };
    check(
        "",
        expect!["no user name is known for the instance fedora: set `user` under [instance.fedora] in HOME/.config/koji-notify/config.toml, or get a Kerberos ticket (kinit NAME@FEDORAPROJECT.ORG), or log in with a certificate of your own, or write the name into ~/.fedora.upn"],
    )
    .await;
    check(
        "[instance.s]\npreset = 'fedora-stg'\n",
        expect!["no user name is known for the instance s: set `user` under [instance.s] in HOME/.config/koji-notify/config.toml, or get a Kerberos ticket (kinit NAME@STG.FEDORAPROJECT.ORG), or log in with a certificate of your own, or write the name into ~/.fedora.upn"],
    )
    .await;
    fs::write(person.path("fm.toml"), "").unwrap();
    check(
        "[instance.s]\nfedora-messaging = '~/fm.toml'\ntopic-prefix = 'x'\n",
        expect!["no user name is known for the instance s: set `user` under [instance.s] in HOME/.config/koji-notify/config.toml, or get a Kerberos ticket (kinit NAME@YOUR.REALM), or log in with a certificate of your own"],
    )
    .await;
}

/// A credential cache as MIT Kerberos writes it (file format 4): a principal, and no ticket.
fn credential_cache(realm: &str, name: &[&str]) -> Vec<u8> {
    let number = |it: usize| u32::try_from(it).unwrap().to_be_bytes();
    let mut bytes = vec![0x05, 0x04, 0x00, 0x00];
    let kind = 1;
    bytes.extend(number(kind));
    bytes.extend(number(name.len()));
    for part in [realm].iter().chain(name) {
        bytes.extend(number(part.len()));
        bytes.extend(part.as_bytes());
    }
    bytes
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut files = std::env::split_paths(&path).map(|it| it.join(program));
    files.find(|it| it.exists()).unwrap()
}

/// Somebody without a ticket, whose `klist` is what a test makes it.
struct Person {
    home: TempDir,
    places: Places,
}

impl Person {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |it: &str| home.path().join(it);
        let places = Places {
            file: None,
            program: None,
            home: home.path().to_owned(),
            config: at(".config"),
            state: at(".local/state"),
            etc: at("etc"),
            cache: PathBuf::from("/nonexistent"),
            system_config: Vec::new(),
            environment: vec![("PATH".into(), at("bin").into())],
        };
        fs::create_dir_all(at("bin")).unwrap();
        Self { home, places }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// Makes a `klist`. It is written beside and moved, or the kernel could find it still open for writing.
    fn klist(&self, script: &str) {
        let (draft, file) = (self.path("bin/draft"), self.path("bin/klist"));
        let written = Command::new("/bin/sh")
            .args([
                "-c",
                "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"",
                "sh",
                script,
            ])
            .arg(&draft)
            .status();
        assert!(written.unwrap().success());
        fs::rename(draft, file).unwrap();
    }

    /// Returns the same person with the real `klist` and this credential cache.
    fn with_cache(&self, name: &str) -> Asking {
        let mut places = self.places.clone();
        places.environment = vec![("KRB5CCNAME".into(), name.into())];
        Asking(places)
    }

    async fn principal(&self, realm: Option<&'static str>) -> Option<String> {
        Asking(self.places.clone()).principal_of(realm).await
    }

    /// Makes a client certificate with a key of its own.
    fn certificate(&self, common_name: &str) -> PathBuf {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, common_name);
        let certificate = parameters.self_signed(&key).unwrap();
        let file = self.path("client.pem");
        // As in Koji's client.crt: the key is in the same file, and can come first.
        fs::write(&file, format!("{}{}", key.serialize_pem(), certificate.pem())).unwrap();
        file
    }

    /// Installs what the package fedora-messaging brings.
    fn packaged(&self, preset: Preset) {
        let (file, name) = match preset {
            Preset::Fedora => ("fedora.toml", "fedora"),
            Preset::FedoraStaging => ("fedora.stg.toml", "fedora.stg"),
        };
        let folder = self.path("etc/fedora-messaging");
        fs::create_dir_all(&folder).unwrap();
        let certificate = self.certificate(name);
        fs::rename(certificate, folder.join(format!("{name}.pem"))).unwrap();
        let text = format!(
            "amqp_url = 'amqps://{name}:@broker.example.com/%2Fpublic_pubsub'\n\
             [tls]\nca_cert = '{name}.pem'\nkeyfile = '{name}.pem'\ncertfile = '{name}.pem'\n"
        );
        write(&folder.join(file), &text);
    }
}

struct Asking(Places);

impl Asking {
    async fn principal_of(self, realm: Option<&'static str>) -> Option<String> {
        let sought = Sought {
            realm,
            certificate: None,
            upn: false,
        };
        find(&self.0, &sought).await.map(|(name, _)| name)
    }
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
}
