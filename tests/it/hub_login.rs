//! Logging in to a hub, behind a real Apache that asks for a certificate or a ticket as Koji's own configuration does.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use koji_notify::hub::access::{Access, Address, Login, Times, Trust};
use koji_notify::hub::fault::FaultCode;
use koji_notify::hub::login::{LoginError, Tools, log_in, log_out};
use koji_notify::hub::session::{Session, Stamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::apache::{Apache, Realm, Setup, recorded_body};
use crate::rabbit::{Client, KeyForm, Pair, ServerCert, SilentServer};

/// Long enough for a busy machine; no story waits for it.
const GENEROUS: Duration = Duration::from_secs(60);

mod by_certificate {
    use super::*;

    #[tokio::test]
    async fn a_certificate_is_shown_where_apache_asks_for_it_by_location() {
        for tls in ["TLSv1.3", "TLSv1.2"] {
            let apache = Apache::start(Setup {
                tls,
                ..Setup::default()
            })
            .await;
            let session = come_in(&apache).await.unwrap();
            assert_eq!((session.id, session.header_auth), (165, true));
            assert_eq!(session.peer, Some([127, 0, 0, 1].into()));
            let asked = apache.backend.asked();
            assert_eq!(asked.len(), 1);
            assert_eq!(asked[0].path, "/kojihub/ssllogin");
            assert_eq!(asked[0].header("x-common-name"), Some("alice"), "{tls}");
            assert_eq!(asked[0].header("content-type"), Some("text/xml"));
            assert_eq!(asked[0].header("user-agent"), Some("koji/1"));
            assert_eq!(asked[0].header("koji-session-id"), None);
            assert_eq!(asked[0].body, recorded_body("43-sslLogin-clientcert.request"));
        }
    }

    /// Why a program does it: should this ever pass, our own TLS could.
    #[tokio::test]
    async fn our_own_tls_cannot_show_it_there() {
        let apache = Apache::start(Setup::default()).await;
        let alice = apache.certs.client(Client::Alice);
        let elsewhere = by_rustls(&apache, &alice, "/kojihub").await;
        assert!(elsewhere.starts_with("HTTP/1.1 200 "), "{elsewhere}");
        let login = by_rustls(&apache, &alice, "/kojihub/ssllogin").await;
        assert!(login.starts_with("HTTP/1.1 403 "), "{login}");
    }

    #[tokio::test]
    async fn a_hub_that_cannot_prove_who_it_is_gets_nothing() {
        let apache = Apache::start(Setup::default()).await;
        let mut login = alice(&apache);
        login.trust = Trust::Only(apache.certs.other_ca());
        let error = fails(&login).await;
        assert!(matches!(error, LoginError::UntrustedHub { .. }), "{error}");
        // Nor does one that only the machine does not know.
        login.trust = Trust::System;
        let error = fails(&login).await;
        assert!(matches!(error, LoginError::UntrustedHub { .. }), "{error}");
        assert!(!error.is_passing());
        assert_eq!(apache.backend.asked().len(), 0);
        let mut tools = tools();
        let ca = apache.certs.ca().into_os_string();
        tools.environment.push(("SSL_CERT_FILE".into(), ca));
        log_in(&login, GENEROUS, None, &tools).await.unwrap();
        for certificate in [ServerCert::WrongHost, ServerCert::Expired] {
            let apache = Apache::start(Setup {
                certificate,
                ..Setup::default()
            })
            .await;
            let error = fails(&alice(&apache)).await;
            assert!(
                matches!(error, LoginError::UntrustedHub { .. }),
                "{certificate:?}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn a_certificate_of_somebody_else_s_authority_is_refused() {
        for tls in ["TLSv1.3", "TLSv1.2"] {
            let apache = Apache::start(Setup {
                tls,
                ..Setup::default()
            })
            .await;
            let mut login = alice(&apache);
            login.login = Login::Certificate {
                file: apache.certs.client(Client::OtherCa).both,
            };
            let error = fails(&login).await;
            assert!(
                matches!(error, LoginError::CertificateRefused { .. }),
                "{tls}: {error:?}"
            );
            assert!(!error.is_passing());
            assert_eq!(apache.backend.asked().len(), 0);
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_is_named() {
        let apache = Apache::start(Setup::default()).await;
        let certs = &apache.certs;
        let mut encrypted = fs::read(&certs.client(Client::FedoraRsa).certificate).unwrap();
        encrypted.extend(fs::read(certs.client_with(KeyForm::EncryptedPkcs8).key).unwrap());
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("encrypted"), encrypted).unwrap();
        for (file, expected) in [
            (at("none"), "No such file"),
            (at(""), "Is a directory"),
            (certs.client(Client::Alice).key, "no certificate"),
            (certs.client(Client::Alice).certificate, "no private key"),
            (at("encrypted"), "encrypted"),
        ] {
            let mut login = alice(&apache);
            login.login = Login::Certificate { file: file.clone() };
            let error = fails(&login).await.to_string();
            let named = format!("cannot use {}: ", file.display());
            assert!(error.starts_with(&named) && error.contains(expected), "{error}");
        }
        let mut login = alice(&apache);
        login.trust = Trust::Only(certs.client(Client::Alice).key);
        let error = fails(&login).await;
        assert!(matches!(error, LoginError::Net(_)), "{error}");
        login = alice(&apache);
        login.login = Login::Certificate {
            file: certs.client(Client::Expired).both,
        };
        let error = fails(&login).await.to_string();
        assert!(error.ends_with(" has expired on 2021-01-01T00:00:00Z"), "{error}");
        // And each that can: the key in another form, in a folder with a name that curl would take apart.
        let odd = at("a \"b\\c:d\u{fc}\t\n#");
        fs::create_dir(&odd).unwrap();
        let mut rsa = fs::read(certs.client_with(KeyForm::Pkcs1).key).unwrap();
        rsa.extend(fs::read(certs.client(Client::FedoraRsa).certificate).unwrap());
        fs::write(odd.join("client.pem"), rsa).unwrap();
        fs::copy(certs.ca(), odd.join("ca.pem")).unwrap();
        login.login = Login::Certificate {
            file: odd.join("client.pem"),
        };
        login.trust = Trust::Only(odd.join("ca.pem"));
        log_in(&login, GENEROUS, None, &tools()).await.unwrap();
        assert_eq!(apache.backend.asked()[0].header("x-common-name"), Some("fedora"));
    }
}

mod by_ticket {
    use super::*;

    #[tokio::test]
    async fn the_person_s_own_ticket_is_used() {
        let realm = Realm::start();
        realm.log_in("alice");
        let apache = behind(&realm).await;
        let session = with_ticket(&apache, &realm, None).await.unwrap();
        assert_eq!(session.id, 165);
        let asked = apache.backend.asked();
        assert_eq!(asked[0].header("x-remote-user"), Some("alice@KOJI-NOTIFY.TEST"));
        assert_eq!(asked[0].body, recorded_body("43-sslLogin-clientcert.request"));
    }

    #[tokio::test]
    async fn without_a_ticket_the_error_says_so() {
        let realm = Realm::start();
        let apache = behind(&realm).await;
        let error = with_ticket(&apache, &realm, None).await.unwrap_err();
        assert!(matches!(error, LoginError::NoCredentials), "{error:?}");
        assert_eq!(error.to_string(), "there is no Kerberos ticket; kinit gets one");
        assert!(!error.is_passing());
        assert_eq!(apache.backend.asked().len(), 0);
    }

    #[tokio::test]
    async fn a_keytab_is_used_as_the_named_principal_and_the_person_s_tickets_are_left_alone() {
        let realm = Realm::start();
        let apache = behind(&realm).await;
        for user in ["alice", "bob"] {
            with_ticket(&apache, &realm, Some(user)).await.unwrap();
            let asked = apache.backend.asked().pop().unwrap();
            let expected = format!("{user}@KOJI-NOTIFY.TEST");
            assert_eq!(asked.header("x-remote-user"), Some(expected.as_str()));
            assert!(!realm.cache().exists());
        }
        // Somebody else is logged in, and stays so.
        realm.log_in("alice");
        let before = fs::read(realm.cache()).unwrap();
        with_ticket(&apache, &realm, Some("bob")).await.unwrap();
        let asked = apache.backend.asked().pop().unwrap();
        assert_eq!(asked.header("x-remote-user"), Some("bob@KOJI-NOTIFY.TEST"));
        assert_eq!(fs::read(realm.cache()).unwrap(), before);
        // And her ticket does not stand in where the keytab does not have the principal.
        let error = with_ticket(&apache, &realm, Some("carol")).await.unwrap_err();
        assert!(
            matches!(&error, LoginError::NoTicket { said } if said.contains("carol@KOJI-NOTIFY.TEST")),
            "{error:?}"
        );
        let mut login = ticket(&apache, Some((&realm, "alice")));
        login.login = Login::Kerberos {
            principal: None,
            keytab: Some(apache.certs.ca().display().to_string()),
        };
        let error = log_in(&login, GENEROUS, None, &tools_of(&realm)).await;
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("ca.pem: it is not a keytab"), "{error}");
    }

    #[tokio::test]
    async fn a_principal_is_looked_for_where_one_is_named_and_not_elsewhere() {
        let realm = Realm::start();
        let apache = behind(&realm).await;
        realm.log_in("alice");
        let mut login = ticket(&apache, None);
        for (principal, is_in) in [("alice", true), ("bob", false)] {
            login.login = Login::Kerberos {
                principal: Some(principal.to_owned()),
                keytab: None,
            };
            let outcome = log_in(&login, GENEROUS, None, &tools_of(&realm)).await;
            assert_eq!(outcome.is_ok(), is_in, "{principal}: {outcome:?}");
        }
        assert_eq!(apache.backend.asked().len(), 1);
        // A keytab alone: its first.
        login.login = Login::Kerberos {
            principal: None,
            keytab: Some(realm.keytab().display().to_string()),
        };
        log_in(&login, GENEROUS, None, &tools_of(&realm)).await.unwrap();
        let asked = apache.backend.asked().pop().unwrap();
        assert_eq!(asked.header("x-remote-user"), Some("bob@KOJI-NOTIFY.TEST"));
        for odd in ["", "# alice", "alice\nbob"] {
            login.login = Login::Kerberos {
                principal: Some(odd.to_owned()),
                keytab: None,
            };
            let error = log_in(&login, GENEROUS, None, &tools_of(&realm)).await;
            let is_none = matches!(error, Err(LoginError::NoTicket { .. } | LoginError::NoCredentials));
            assert!(is_none, "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_ticket_that_the_hub_cannot_read_is_refused() {
        let realm = Realm::start();
        let apache = behind(&realm).await;
        realm.change_service_key();
        realm.log_in("alice");
        let error = with_ticket(&apache, &realm, None).await.unwrap_err();
        assert!(matches!(error, LoginError::TicketRefused { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_kerberos_server_that_is_away_is_not_the_person_s_fault() {
        let mut realm = Realm::start();
        let apache = behind(&realm).await;
        realm.stop();
        let error = with_ticket(&apache, &realm, Some("alice")).await.unwrap_err();
        assert!(matches!(error, LoginError::KdcUnreachable { .. }), "{error:?}");
        assert!(error.is_passing());
    }

    #[tokio::test]
    async fn a_kerberos_server_that_is_silent_does_not_hold_us() {
        let realm = Realm::start();
        let apache = behind(&realm).await;
        let silent = SilentServer::start().await;
        realm.move_to(silent.port);
        let login = ticket(&apache, Some((&realm, "alice")));
        let limit = Duration::from_millis(200);
        let (tools, mark) = marked(tools_of(&realm));
        let error = log_in(&login, limit, None, &tools).await;
        assert!(matches!(error, Err(LoginError::TimedOut(_))), "{error:?}");
        gone(&mark).await;
    }
}

mod answers {
    use super::*;

    #[tokio::test]
    async fn a_renewal_carries_the_old_session() {
        let apache = Apache::start(Setup::default()).await;
        let mut old = come_in(&apache).await.unwrap();
        old.stamp();
        let answer = recorded_body("43-sslLogin-clientcert.response");
        let answer = String::from_utf8(answer).unwrap();
        let answer = answer.replace("2-VcbEaQp7yauUcy25n9Z", "2-4EcD8Ad85TSwgkw7Bce");
        apache.backend.answer(200, answer.as_bytes());
        let server = format!("{}/", apache.by_certificate());
        let mut new = log_in(&at(&server, &apache), GENEROUS, Some(&mut old), &tools())
            .await
            .unwrap();
        let asked = apache.backend.asked().pop().unwrap();
        assert_eq!(asked.path, "/kojihub/ssllogin");
        assert_eq!(asked.header("koji-session-id"), Some("165"));
        assert_eq!(asked.header("koji-session-key"), Some("2-VcbEaQp7yauUcy25n9Z"));
        assert_eq!(asked.header("koji-session-callnum"), Some("1"));
        let body = String::from_utf8(asked.body).unwrap();
        let recorded = String::from_utf8(recorded_body("43-sslLogin-clientcert.request")).unwrap();
        let renewal = "<member>\n<name>renew</name>\n<value><boolean>1</boolean></value>\n</member>\n";
        let mark = "<member>\n<name>__starstar</name>";
        assert_eq!(body, recorded.replace(mark, &format!("{renewal}{mark}")));
        let Stamp::Headers(stamp) = new.stamp() else {
            panic!("{new:?}");
        };
        assert_eq!(stamp[1].1, "2-4EcD8Ad85TSwgkw7Bce");
        assert_eq!(stamp[2].1, "0");
        // A number is not used twice, whatever became of the renewal.
        let Stamp::Headers(stamp) = old.stamp() else {
            panic!("{old:?}");
        };
        assert_eq!(stamp[2].1, "2");
    }

    #[tokio::test]
    async fn an_old_hub_is_shown_the_old_session_in_the_address() {
        let apache = Apache::start(Setup::default()).await;
        let mut old = Session::new(7, "1-old".to_owned(), false).unwrap();
        let server = apache.by_certificate();
        log_in(&at(&server, &apache), GENEROUS, Some(&mut old), &tools())
            .await
            .unwrap();
        let asked = apache.backend.asked().pop().unwrap();
        assert_eq!(asked.path, "/kojihub/ssllogin?session-id=7&session-key=1-old&callnum=0");
        assert_eq!(asked.header("koji-session-key"), None);
    }

    #[test]
    fn leaving_is_said_as_koji_s_own_client_says_it() {
        assert_eq!(log_out(), recorded_body("49-auth-logout.request"));
    }

    #[tokio::test]
    async fn the_hub_s_no_is_told() {
        let apache = Apache::start(Setup::default()).await;
        let no = recorded_body("53-sslLogin-no-cert-optional-vhost.response");
        apache.backend.answer(200, &no);
        let error = come_in(&apache).await.unwrap_err();
        let LoginError::Fault(fault) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(fault.code, FaultCode::Auth);
        assert_eq!(fault.text, "could not verify client: NONE");
        let closed = String::from_utf8(no).unwrap().replace("1002", "1014");
        apache.backend.answer(200, closed.as_bytes());
        let error = come_in(&apache).await.unwrap_err();
        assert!(error.is_passing(), "{error:?}");
    }

    #[tokio::test]
    async fn what_is_no_answer_of_a_hub_is_not_believed() {
        let apache = Apache::start(Setup::default()).await;
        apache.backend.answer(200, b"<html>Welcome to the airport</html>");
        let error = come_in(&apache).await.unwrap_err();
        assert!(matches!(error, LoginError::NotUnderstood(_)), "{error:?}");
        apache.backend.answer(200, &vec![b' '; 1 << 20]);
        let error = come_in(&apache).await.unwrap_err();
        assert!(matches!(error, LoginError::NotUnderstood(_)), "{error:?}");
        apache.backend.answer(404, b"no");
        let error = come_in(&apache).await.unwrap_err();
        assert!(matches!(error, LoginError::Status(404)), "{error:?}");
        apache.backend.answer(503, b"later");
        let error = come_in(&apache).await.unwrap_err();
        assert!(
            matches!(error, LoginError::Status(503)) && error.is_passing(),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn nobody_is_sent_elsewhere() {
        let apache = Apache::start(Setup::default()).await;
        let elsewhere = format!("Location: {}/ssllogin?again", apache.by_certificate());
        apache.backend.answer_with(302, &elsewhere, b"");
        let error = come_in(&apache).await.unwrap_err();
        assert!(matches!(error, LoginError::Status(302)), "{error:?}");
        assert_eq!(apache.backend.asked().len(), 1);
    }

    #[tokio::test]
    async fn only_https_is_spoken() {
        let apache = Apache::start(Setup::default()).await;
        let port = apache.backend.port;
        let clear = format!("http://127.0.0.1:{port}/kojihub");
        let error = log_in(&at(&clear, &apache), GENEROUS, None, &tools()).await;
        assert!(matches!(error, Err(LoginError::Unprotected)), "{error:?}");
        assert_eq!(apache.backend.asked().len(), 0);
        let mut nobody = alice(&apache);
        nobody.login = Login::Nothing;
        let error = log_in(&nobody, GENEROUS, None, &tools()).await;
        assert!(matches!(error, Err(LoginError::NothingToShow)), "{error:?}");
        // Where no TLS answers, nothing is said in clear either.
        let clear = format!("https://localhost:{port}/kojihub");
        let error = log_in(&at(&clear, &apache), Duration::from_millis(500), None, &tools()).await;
        assert!(error.is_err());
        assert_eq!(apache.backend.asked().len(), 0);
    }
}

mod manners {
    use super::*;

    #[tokio::test]
    async fn a_slow_login_shows_nothing_to_who_looks_and_logs_nothing() {
        let apache = Apache::start(Setup::default()).await;
        let log = Log::default();
        let listener = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        let guard = tracing::subscriber::set_default(listener);
        let mut old = Session::new(166, "2-VerySecretIndeed".to_owned(), true).unwrap();
        let (tools, mark) = marked(tools());
        let login = alice(&apache);
        apache.backend.hold();
        let entering = log_in(&login, GENEROUS, Some(&mut old), &tools);
        let watching = async {
            apache.backend.arrival(1).await;
            let seen = curls(&mark);
            assert_eq!(seen.len(), 1);
            let line = fs::read(seen[0].join("cmdline")).unwrap();
            let words: Vec<_> = line.split(|it| *it == 0).map(String::from_utf8_lossy).collect();
            assert_eq!(words[1..], ["-q", "--config", "-", ""]);
            assert!(words[0].ends_with("/curl"), "{words:?}");
            let environment = fs::read(seen[0].join("environ")).unwrap();
            let environment = String::from_utf8_lossy(&environment).into_owned();
            assert!(!environment.contains("VerySecret"), "{environment}");
            apache.backend.release();
        };
        let (session, ()) = tokio::join!(entering, watching);
        drop(guard);
        let session = session.unwrap();
        assert_eq!(
            apache.backend.asked()[0].header("koji-session-key"),
            Some("2-VerySecretIndeed")
        );
        let log = log.text();
        assert!(log.contains("logging in"), "the log was listened to: {log}");
        let shown = format!("{log} {session:?} {old:?}");
        for secret in ["VerySecret", "VcbEaQp7yauUcy25n9Z"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(!log.contains("client-Alice"), "{log}");
    }

    #[tokio::test]
    async fn a_silent_server_does_not_hold_us() {
        let apache = Apache::start(Setup::default()).await;
        let silent = SilentServer::start().await;
        apache.backend.hold();
        let limit = Duration::from_millis(300);
        for server in [
            format!("https://localhost:{}/kojihub", silent.port),
            apache.by_certificate(),
        ] {
            let (tools, mark) = marked(tools());
            let error = log_in(&at(&server, &apache), limit, None, &tools).await;
            assert!(
                matches!(error, Err(LoginError::TimedOut(it)) if it == limit),
                "{error:?}"
            );
            gone(&mark).await;
        }
    }

    #[tokio::test]
    async fn curl_goes_with_the_one_who_waits() {
        let apache = Apache::start(Setup::default()).await;
        apache.backend.hold();
        let (tools, mark) = marked(tools());
        let login = alice(&apache);
        let watching = async {
            apache.backend.arrival(1).await;
            assert_eq!(curls(&mark).len(), 1);
        };
        tokio::select! {
            it = log_in(&login, GENEROUS, None, &tools) => panic!("{it:?}"),
            () = watching => {}
        }
        gone(&mark).await;
    }

    #[tokio::test]
    async fn nobody_there_is_told() {
        let apache = Apache::start(Setup::default()).await;
        let port = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let server = format!("https://127.0.0.1:{port}/kojihub");
        let error = log_in(&at(&server, &apache), GENEROUS, None, &tools())
            .await
            .unwrap_err();
        assert!(matches!(error, LoginError::Unreachable { .. }), "{error:?}");
        assert!(error.is_passing());
    }

    #[tokio::test]
    async fn without_curl_the_error_says_what_works() {
        let apache = Apache::start(Setup::default()).await;
        let empty = tempfile::tempdir().unwrap();
        for path in [OsString::new(), empty.path().into()] {
            let tools = Tools {
                path,
                environment: Vec::new(),
            };
            let error = log_in(&alice(&apache), GENEROUS, None, &tools).await;
            let error = error.unwrap_err();
            assert!(matches!(error, LoginError::NoCurl), "{error:?}");
            assert_eq!(
                error.to_string(),
                "there is no curl on PATH, which a login needs; everything that is read without a login works"
            );
        }
    }

    #[tokio::test]
    async fn the_person_s_curlrc_and_proxy_are_not_asked() {
        let apache = Apache::start(Setup::default()).await;
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".curlrc"), "proxy = \"http://127.0.0.1:1\"\n").unwrap();
        let mut tools = tools();
        for (name, value) in [
            ("HOME", home.path().as_os_str()),
            ("CURL_HOME", home.path().as_os_str()),
            ("https_proxy", "http://127.0.0.1:1".as_ref()),
        ] {
            tools.environment.push((name.into(), value.into()));
        }
        log_in(&alice(&apache), GENEROUS, None, &tools).await.unwrap();
    }
}

fn alice(apache: &Apache) -> Access {
    at(&apache.by_certificate(), apache)
}

/// As alice, somewhere.
fn at(server: &str, apache: &Apache) -> Access {
    Access {
        server: Address::parse(server).unwrap(),
        trust: Trust::Only(apache.certs.ca()),
        login: Login::Certificate {
            file: apache.certs.client(Client::Alice).both,
        },
        times: Times::default(),
    }
}

async fn come_in(apache: &Apache) -> Result<Session, LoginError> {
    log_in(&alice(apache), GENEROUS, None, &tools()).await
}

async fn fails(login: &Access) -> LoginError {
    log_in(login, GENEROUS, None, &tools()).await.unwrap_err()
}

async fn behind(realm: &Realm) -> Apache {
    Apache::start(Setup {
        realm: Some(realm),
        ..Setup::default()
    })
    .await
}

/// With the ticket in the realm's cache, or with the realm's keytab as this user.
fn ticket(apache: &Apache, keytab: Option<(&Realm, &str)>) -> Access {
    let file = |realm: &Realm| format!("FILE:{}", realm.keytab().display());
    Access {
        login: Login::Kerberos {
            principal: keytab.map(|it| it.1.to_owned()),
            keytab: keytab.map(|it| file(it.0)),
        },
        ..at(&apache.by_ticket(), apache)
    }
}

async fn with_ticket(apache: &Apache, realm: &Realm, keytab: Option<&str>) -> Result<Session, LoginError> {
    let login = ticket(apache, keytab.map(|it| (realm, it)));
    log_in(&login, GENEROUS, None, &tools_of(realm)).await
}

/// Nothing of the person's own session but where programs are.
fn tools() -> Tools {
    Tools {
        path: std::env::var_os("PATH").unwrap(),
        environment: Vec::new(),
    }
}

fn tools_of(realm: &Realm) -> Tools {
    Tools {
        environment: realm.environment(),
        ..tools()
    }
}

/// Marks the programs that are started, so that they can be told from those of other tests.
fn marked(mut tools: Tools) -> (Tools, String) {
    let mark = uuid::Uuid::new_v4().to_string();
    tools.environment.push(("KN_TEST".into(), mark.clone().into()));
    (tools, mark)
}

/// Returns the folders in /proc of the programs with this mark that are running.
fn curls(mark: &str) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().map(|it| it.unwrap().path());
    let is_marked = |it: &PathBuf| {
        fs::read(it.join("environ")).is_ok_and(|it| String::from_utf8_lossy(&it).contains(&format!("KN_TEST={mark}")))
    };
    processes.filter(is_marked).collect()
}

/// Waits until none of them is left.
async fn gone(mark: &str) {
    let limit = Instant::now() + GENEROUS;
    while !curls(mark).is_empty() {
        assert!(Instant::now() < limit, "curl is left behind");
        tokio::task::yield_now().await;
    }
}

/// Asks with our own TLS, which has the certificate at hand, and returns what is answered.
async fn by_rustls(apache: &Apache, identity: &Pair, path: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(apache.certs.ca()).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_file(&identity.certificate).unwrap()],
            PrivateKeyDer::from_pem_file(&identity.key).unwrap(),
        )
        .unwrap();
    let stream = TcpStream::connect(("127.0.0.1", apache.certificate_port()))
        .await
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let body = String::from_utf8(recorded_body("43-sslLogin-clientcert.request")).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // How it hangs up is not the point.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
