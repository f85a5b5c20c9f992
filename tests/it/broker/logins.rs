//! Who gets in, who does not, and what is said about it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use koji_notify::bus::broker::{Broker, Login, Password, Secret, Trust};
use koji_notify::watch::link::Problem;

use super::line::{Line, at, by_certificate, by_password, check_trouble, in_clear, plain, trouble, with_pair};
use crate::rabbit::{
    Client, KeyForm, Options, Rabbit, Recorder, ServerCert, SilentServer, TlsServer, TlsVersions, User,
};

#[tokio::test]
async fn a_certificate_logs_in_by_external() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut broker = by_certificate(&vhost);
    broker.heartbeat = Some(7);
    broker.client_properties = [
        ("app".to_owned(), "Example".to_owned()),
        ("app_contacts_email".to_owned(), "x".repeat(4000)),
        ("n".repeat(300), "too long a name".to_owned()),
    ]
    .into();
    let mut line = Line::start(broker);
    line.up().await;
    let connection = vhost.connections_when(|it| it.len() == 1).await.remove(0);
    assert_eq!(connection.auth_mechanism, "EXTERNAL");
    assert_eq!(connection.user, "fedora");
    assert!(connection.ssl);
    assert_eq!(connection.ssl_protocol, "tlsv1.3");
    // P6 and P7: small enough for a desktop, large enough for messages with hundreds of headers.
    assert_eq!(connection.frame_max, 131_072);
    assert_eq!(connection.timeout, 7);
    let told = |key: &str| connection.client_properties[key].as_str().unwrap().to_owned();
    assert_eq!(told("app"), "Example", "the site's word goes first");
    assert_eq!(told("product"), "koji-notify");
    assert_eq!(told("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(told("app_version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(told("connection_name"), "koji-notify");
    assert_eq!(told("app_contacts_email").len(), 255);
    line.stop().await;
    vhost.connections_when(<[_]>::is_empty).await;
}

#[tokio::test]
async fn a_password_logs_in_by_plain() {
    let vhost = Rabbit::shared().await.vhost().await;
    for (broker, tls) in [(by_password(&vhost), true), (in_clear(&vhost), false)] {
        let mut line = Line::start(broker);
        line.up().await;
        let connection = vhost.connections_when(|it| it.len() == 1).await.remove(0);
        assert_eq!(connection.auth_mechanism, "PLAIN");
        assert_eq!(connection.user, vhost.reader.name);
        assert_eq!(connection.ssl, tls);
        assert!(connection.timeout > 0, "what the broker proposes is taken");
        line.stop().await;
        vhost.connections_when(<[_]>::is_empty).await;
    }
}

#[tokio::test]
async fn keys_are_taken_in_the_forms_that_people_have() {
    let vhost = Rabbit::shared().await.vhost().await;
    let certs = &vhost.rabbit.certs;
    let fedora = certs.client(Client::Fedora);
    let mut together = fedora.clone();
    together.certificate = fedora.both.clone();
    together.key = fedora.both.clone();
    for pair in [
        certs.client_with(KeyForm::Pkcs8),
        certs.client_with(KeyForm::Pkcs1),
        fedora,
        together,
    ] {
        let mut line = Line::start(with_pair(&vhost, &pair));
        assert_eq!(line.up().await, [], "{pair:?}");
        line.stop().await;
    }
}

#[tokio::test]
async fn an_encrypted_key_is_refused_with_what_to_do() {
    let vhost = Rabbit::shared().await.vhost().await;
    for form in [KeyForm::EncryptedPkcs8, KeyForm::EncryptedPkcs1] {
        let pair = vhost.rabbit.certs.client_with(form);
        let trouble = check_trouble(with_pair(&vhost, &pair), Problem::BadCredentials).await;
        let advice = format!("openssl pkey -in {}", pair.key.display());
        assert!(trouble.detail.contains(&advice), "{}", trouble.detail);
    }
}

#[tokio::test]
async fn files_that_are_no_credentials_are_named() {
    let vhost = Rabbit::shared().await.vhost().await;
    let certs = &vhost.rabbit.certs;
    let fedora = certs.client(Client::Fedora);
    let alice = certs.client(Client::Alice);
    for (certificate, key, named, why) in [
        (
            PathBuf::from("/nonexistent.pem"),
            &fedora.key,
            "/nonexistent.pem",
            "No such file",
        ),
        (
            fedora.key.clone(),
            &fedora.key,
            fedora.key.to_str().unwrap(),
            "no certificate",
        ),
        (
            fedora.certificate.clone(),
            &fedora.certificate,
            fedora.certificate.to_str().unwrap(),
            "no private key",
        ),
        (
            fedora.certificate.clone(),
            &alice.key,
            alice.key.to_str().unwrap(),
            "KeyMismatch",
        ),
    ] {
        let mut pair = fedora.clone();
        pair.certificate = certificate;
        pair.key.clone_from(key);
        let trouble = check_trouble(with_pair(&vhost, &pair), Problem::BadCredentials).await;
        assert!(trouble.detail.contains(named), "{}", trouble.detail);
        assert!(trouble.detail.contains(why), "{}", trouble.detail);
    }
    let mut broker = by_certificate(&vhost);
    broker.trust = Trust::Only("/nonexistent-ca.pem".into());
    let trouble = check_trouble(broker, Problem::BadCredentials).await;
    assert!(trouble.detail.contains("/nonexistent-ca.pem"), "{}", trouble.detail);
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_both_spoken() {
    for (versions, name) in [(TlsVersions::Only12, "tlsv1.2"), (TlsVersions::Only13, "tlsv1.3")] {
        let rabbit = Rabbit::start_with(Options {
            tls: versions,
            ..Options::default()
        })
        .await;
        let vhost = rabbit.vhost().await;
        let mut line = Line::start(by_certificate(&vhost));
        line.up().await;
        let connection = vhost.connections_when(|it| it.len() == 1).await.remove(0);
        assert_eq!(connection.ssl_protocol, name);
        line.stop().await;

        // Where the refusal of a certificate is seen differs between the two.
        let stranger = rabbit.certs.client(Client::OtherCa);
        check_trouble(with_pair(&vhost, &stranger), Problem::CertificateRefused).await;
    }
}

#[tokio::test]
async fn the_first_byte_to_an_amqps_address_is_tls() {
    let certs = &Rabbit::shared().await.certs;
    for answer in [Vec::new(), b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()] {
        let expected = if answer.is_empty() {
            Problem::Unreachable
        } else {
            Problem::NotABroker
        };
        let mut recorder = Recorder::answering(answer).await;
        let broker = at(true, recorder.port, "/".to_owned(), mona(), certs.ca());
        check_trouble(broker, expected).await;
        let first = recorder.first_bytes().await;
        // A TLS record with a handshake: 22, then version 3.
        assert_eq!(first[..2], [0x16, 0x03], "{first:?}");
        assert!(!first.windows(4).any(|it| it == b"AMQP" || it == b"mona"), "{first:?}");
    }
}

#[tokio::test]
async fn nothing_secret_goes_out_in_clear() {
    let certs = &Rabbit::shared().await.certs;
    // An address for documentation (RFC 5737): if a packet were sent, the answer would be a timeout.
    let mut far = at(false, 5672, "/".to_owned(), mona(), certs.ca());
    far.address.host = "192.0.2.1".to_owned();
    let trouble = check_trouble(far, Problem::Unprotected).await;
    assert_eq!(trouble.host, "192.0.2.1:5672");

    let pair = certs.client(Client::Fedora);
    let login = Login::External {
        certificate: pair.certificate,
        key: pair.key,
    };
    let mut recorder = Recorder::start().await;
    let near = at(false, recorder.port, "/".to_owned(), login, certs.ca());
    check_trouble(near, Problem::Unprotected).await;
    let heard = tokio::time::timeout(Duration::from_millis(50), recorder.first_bytes()).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn a_broker_that_shows_the_wrong_certificate_is_not_believed() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    for (shown, expected) in [
        (ServerCert::WrongHost, Problem::WrongHost),
        (ServerCert::Expired, Problem::ExpiredBroker),
        (ServerCert::OtherCa, Problem::UntrustedBroker),
    ] {
        let server = TlsServer::start(&rabbit.certs.server(shown)).await;
        let broker = at(true, server.port, "/".to_owned(), mona(), rabbit.certs.ca());
        check_trouble(broker, expected).await;
    }
    // The real one, by somebody who believes another CA, or only the public ones.
    for trust in [Trust::Only(rabbit.certs.other_ca()), Trust::System] {
        let mut broker = by_certificate(&vhost);
        broker.trust = trust;
        check_trouble(broker, Problem::UntrustedBroker).await;
    }
}

#[tokio::test]
async fn our_expired_certificate_is_noticed_before_the_broker_is_asked() {
    let rabbit = Rabbit::shared().await;
    let mut recorder = Recorder::start().await;
    let pair = rabbit.certs.client(Client::Expired);
    let login = Login::External {
        certificate: pair.certificate.clone(),
        key: pair.key,
    };
    let broker = at(true, recorder.port, "/".to_owned(), login, rabbit.certs.ca());
    let trouble = check_trouble(broker, Problem::ExpiredCertificate).await;
    let said = format!("{} has expired on 2021-01-01", pair.certificate.display());
    assert!(trouble.detail.starts_with(&said), "{}", trouble.detail);
    let heard = tokio::time::timeout(Duration::from_millis(50), recorder.first_bytes()).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn a_refused_login_is_said_in_the_brokers_words_and_without_the_password() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut broker = by_password(&vhost);
    broker.login = plain(&User {
        name: vhost.reader.name.clone(),
        password: "hunter2".to_owned(),
    });
    let trouble = check_trouble(broker, Problem::LoginRefused).await;
    assert!(trouble.detail.contains("ACCESS_REFUSED"), "{}", trouble.detail);
    assert!(!format!("{trouble:?}").contains("hunter2"), "{trouble:?}");

    let nobody = with_pair(&vhost, &vhost.rabbit.certs.client(Client::Nobody));
    check_trouble(nobody, Problem::LoginRefused).await;
}

#[tokio::test]
async fn a_password_that_was_corrected_in_its_file_is_used_for_the_next_attempt() {
    let vhost = Rabbit::shared().await.vhost().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    let write = |password: &str, mode: u32| {
        std::fs::write(&file, password).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("hunter2\n", 0o600);
    let mut broker = by_password(&vhost);
    broker.login = Login::Plain {
        user: vhost.reader.name.clone(),
        password: Password::in_file(file.clone()).unwrap(),
    };
    let mut line = Line::start(broker);
    assert_eq!(line.down().await.problem, Problem::LoginRefused);

    write(&vhost.reader.password, 0o644);
    line.woken.send_replace(1);
    let trouble = line.down().await;
    assert_eq!(trouble.problem, Problem::BadCredentials);
    assert!(trouble.detail.contains("others can read"), "{}", trouble.detail);

    write(&vhost.reader.password, 0o600);
    line.woken.send_replace(2);
    assert_eq!(line.up().await, []);
    line.stop().await;
}

#[tokio::test]
async fn a_virtual_host_that_is_not_there_or_closed_to_us_is_said() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut nowhere = by_certificate(&vhost);
    nowhere.address.vhost = "/nope".to_owned();
    let trouble = check_trouble(nowhere, Problem::NoVirtualHost).await;
    assert!(trouble.detail.contains("/nope"), "{}", trouble.detail);

    let mut closed = by_password(&vhost);
    closed.login = Login::Plain {
        user: "stranger".to_owned(),
        password: Password::Known(Secret::new("stranger".to_owned())),
    };
    check_trouble(closed, Problem::NoVirtualHost).await;
}

#[tokio::test]
async fn what_is_no_broker_is_said_to_be_none() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let mut tls_to_clear = by_certificate(&vhost);
    tls_to_clear.address.port = rabbit.port;
    check_trouble(tls_to_clear, Problem::NotABroker).await;

    let mut clear_to_tls = in_clear(&vhost);
    clear_to_tls.address.port = rabbit.tls_port;
    check_trouble(clear_to_tls, Problem::NotABroker).await;

    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"AMQP\x00\x01\x00\x00",
    ] {
        let server = Recorder::answering(answer.to_vec()).await;
        let broker = at(false, server.port, "/".to_owned(), mona(), rabbit.certs.ca());
        check_trouble(broker, Problem::NotABroker).await;
    }
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_tried_again_soon() {
    let certs = &Rabbit::shared().await.certs;
    let here = |port| at(true, port, "/".to_owned(), mona(), certs.ca());
    // Bound, and not listening: refused at once, and nobody else gets the port meanwhile.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    check_trouble(here(closed.local_addr().unwrap().port()), Problem::Unreachable).await;

    let mut nameless = here(5671);
    nameless.address.host = "broker.invalid".to_owned();
    check_trouble(nameless, Problem::UnknownHost).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_meets_the_time_limit() {
    let certs = &Rabbit::shared().await.certs;
    let silent = SilentServer::start().await;
    let greeting = TlsServer::start(&certs.server(ServerCert::Good)).await;
    for (tls, port) in [(true, silent.port), (false, silent.port), (true, greeting.port)] {
        let broker = hasty(at(tls, port, "/".to_owned(), mona(), certs.ca()));
        let before = std::time::Instant::now();
        let trouble = trouble(broker).await;
        assert_eq!(trouble.problem, Problem::Unreachable, "{trouble:?}");
        assert_eq!(trouble.detail, "no answer within 0.5 s");
        assert!(before.elapsed() >= Duration::from_millis(500));
    }
}

fn hasty(mut broker: Broker) -> Broker {
    broker.connection_timeout = Duration::from_millis(500);
    broker
}

fn mona() -> Login {
    Login::Plain {
        user: "mona".to_owned(),
        password: Password::Known(Secret::new("mona's".to_owned())),
    }
}
