//! Sessions, and calls that change something.

use std::sync::Arc;
use std::time::Duration;

use koji_notify::hub::access::{Address, Login};
use koji_notify::hub::client::Client;
use koji_notify::hub::fault::FaultCode;
use koji_notify::hub::trouble::HubError;
use tokio::sync::Semaphore;

use super::{GENEROUS, KEY, Log, access, change, client, read, session};
use crate::hub_server::{HubServer, Place, Reply, Tls, fault, http, xml};

#[tokio::test]
async fn calls_of_a_session_are_numbered_in_headers() {
    let mut server = HubServer::start((0..4).map(|_| Reply::Say(xml("x")))).await;
    let client = client(server.port);
    read(&client).await.unwrap();
    client.set_session(session(true));
    assert!(client.is_logged_in());
    read(&client).await.unwrap();
    change(&client).await.unwrap();
    client.take_session().unwrap();
    read(&client).await.unwrap();
    let stamps: Vec<Option<String>> = server
        .all_asked()
        .iter()
        .map(|it| {
            assert_eq!(it.request_line(), "POST /kojihub HTTP/1.1");
            let header = |name| it.header(name);
            let key = header("Koji-Session-Key")?;
            let (id, callnum) = (header("Koji-Session-Id")?, header("Koji-Session-Callnum")?);
            Some(format!("{id} {key} {callnum}"))
        })
        .collect();
    let of = |number: u8| Some(format!("165 {KEY} {number}"));
    assert_eq!(stamps, [None, of(0), of(1), None]);
}

#[tokio::test]
async fn an_old_hub_has_the_session_in_the_address() {
    let mut server = HubServer::start((0..2).map(|_| Reply::Say(xml("x")))).await;
    let client = client(server.port);
    client.set_session(session(false));
    read(&client).await.unwrap();
    change(&client).await.unwrap();
    for number in 0..2 {
        let asked = server.asked().await;
        let target = format!("/kojihub?session-id=165&session-key={KEY}&callnum={number}");
        assert_eq!(asked.request_line(), format!("POST {target} HTTP/1.1"));
        assert_eq!(asked.header("Koji-Session-Key"), None);
    }
}

#[tokio::test]
async fn one_call_at_a_time_in_a_session_and_in_order() {
    let mut server = HubServer::start((0..8).map(|_| Reply::Say(xml("x")))).await;
    let client = client(server.port);
    client.set_session(session(true));
    let answers = futures_util::future::join_all((0..8).map(|_| read(&client))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(server.count().busiest, 1);
    let numbers: Vec<String> = server
        .all_asked()
        .iter()
        .map(|it| it.header("Koji-Session-Callnum").unwrap().to_owned())
        .collect();
    assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[tokio::test]
async fn a_login_waits_for_the_calls_under_way() {
    let word = Arc::new(Semaphore::new(0));
    let held = || Reply::Held(Vec::new(), word.clone(), xml("x"));
    let mut server = HubServer::start([held(), held(), held(), held()]).await;
    let client = client(server.port);
    let asking = futures_util::future::join_all((0..3).map(|_| read(&client)));
    let logging_in = async {
        server.asked().await;
        server.asked().await;
        client.set_session(session(true));
        word.add_permits(1);
        let changing = change(&client);
        let releasing = async {
            // The third goes on in the session, alone.
            word.add_permits(3);
        };
        tokio::join!(changing, releasing).0
    };
    let (answers, changed) = tokio::join!(asking, logging_in);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    changed.unwrap();
    let last: Vec<_> = server.all_asked();
    let numbers: Vec<_> = last.iter().map(|it| it.header("Koji-Session-Callnum")).collect();
    assert_eq!(numbers, [Some("0"), Some("1")]);
}

#[tokio::test]
async fn a_session_that_the_hub_no_longer_takes_is_forgotten() {
    for code in [1002, 1007, 1008, 1009] {
        let mut server = HubServer::start([Reply::Say(fault(code, "no")), Reply::Say(xml("x"))]).await;
        let client = client(server.port);
        client.set_session(session(true));
        let error = read(&client).await.unwrap_err();
        assert!(error.needs_login(), "{error:?}");
        assert_eq!(error.fault().unwrap().code, FaultCode::from_number(code));
        assert!(!client.is_logged_in());
        assert!(change(&client).await.unwrap_err().needs_login());
        // What anybody may read goes on.
        read(&client).await.unwrap();
        let asked = server.all_asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[1].header("Koji-Session-Id"), None);
    }
}

#[tokio::test]
async fn a_change_without_a_session_is_not_even_sent() {
    let place = Place::reserve();
    let error = change(&client(place.port)).await.unwrap_err();
    assert!(matches!(error, HubError::NotLoggedIn), "{error:?}");
}

#[tokio::test]
async fn a_change_is_never_sent_twice() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n".to_vec();
    let html = "Content-Type: text/html\r\n";
    for lost in [
        Reply::Last(Vec::new()),
        Reply::Last(b"HTTP/1.1 200 O".to_vec()),
        Reply::Last(head.clone()),
        Reply::Silent(Vec::new()),
        Reply::Silent(head),
        Reply::Say(http("502 Bad Gateway", html, b"")),
        Reply::Say(http("503 Service Unavailable", html, b"")),
        Reply::Say(http("200 OK", html, b"<html>")),
        Reply::Say(b"what?\r\n\r\n".to_vec()),
    ] {
        let mut server = HubServer::start([lost, Reply::Say(xml("twice"))]).await;
        let mut access = access(server.port);
        access.times.call = Duration::from_millis(500);
        let client = Client::new(access);
        client.set_session(session(true));
        let error = change(&client).await.unwrap_err();
        assert!(matches!(error, HubError::Uncertain(_)), "{error:?}");
        assert!(!error.is_passing());
        assert_eq!(server.all_asked().len(), 1);
    }
    for no in [
        fault(1000, "no"),
        fault(1014, "outage"),
        fault(1001, "locked"),
        fault(1009, "again?"),
        http("403 Forbidden", html, b""),
        http("302 Found", "Location: /\r\n", b""),
    ] {
        let mut server = HubServer::start([Reply::Say(no), Reply::Say(xml("twice"))]).await;
        let client = client(server.port);
        client.set_session(session(true));
        let error = change(&client).await.unwrap_err();
        assert!(!matches!(error, HubError::Uncertain(_)), "{error:?}");
        assert_eq!(server.all_asked().len(), 1);
    }
}

#[tokio::test]
async fn a_change_goes_over_a_connection_of_its_own() {
    let mut server = HubServer::start([Reply::Say(xml("x")), Reply::Say(xml("y")), Reply::Say(xml("z"))]).await;
    let client = client(server.port);
    client.set_session(session(true));
    read(&client).await.unwrap();
    change(&client).await.unwrap();
    read(&client).await.unwrap();
    let connections: Vec<usize> = server.all_asked().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [1, 2, 1]);
}

#[tokio::test]
async fn a_change_waits_for_a_hub_that_comes_up() {
    let log = Log::start();
    let place = Place::reserve();
    let client = client(place.port);
    client.set_session(session(true));
    let opening = async {
        log.wait_for("asking again").await;
        place.open(None, &Tls::No, [Reply::Say(xml("done"))])
    };
    let (answer, mut server) = tokio::join!(change(&client), opening);
    assert_eq!(answer.unwrap(), "done");
    assert_eq!(server.all_asked().len(), 1);
}

#[tokio::test]
async fn nothing_secret_goes_out_in_clear() {
    // An address that is kept for documentation (RFC 5737): nobody is there.
    let mut far = access(80);
    far.server = Address::parse("http://192.0.2.1/kojihub").unwrap();
    far.times.connect = Duration::from_millis(20);
    far.times.call = Duration::from_millis(100);
    let error = read(&Client::new(far.clone())).await.unwrap_err();
    assert!(error.is_passing(), "{error:?}");

    let in_session = Client::new(far.clone());
    in_session.set_session(session(true));
    for error in [read(&in_session).await, change(&in_session).await] {
        assert!(matches!(error, Err(HubError::Unprotected)), "{error:?}");
    }
    let to_log_in = [
        Login::Certificate {
            file: "client.pem".into(),
        },
        Login::Kerberos {
            principal: None,
            keytab: None,
        },
    ];
    for login in to_log_in {
        let with_login = Client::new(koji_notify::hub::access::Access { login, ..far.clone() });
        let error = read(&with_login).await.unwrap_err();
        assert!(matches!(error, HubError::Unprotected), "{error:?}");
    }
}

#[tokio::test]
async fn the_key_is_seen_nowhere() {
    let log = Log::start();
    let moved = format!("Location: https://hub.example.com/?session-key={KEY}\r\n");
    let echo = |it: &str| http("400 Bad", "Content-Type: text/plain\r\n", it.as_bytes());
    let mut shown = String::new();
    for header_auth in [true, false] {
        let server = HubServer::start([
            Reply::Say(xml("x")),
            Reply::Last(Vec::new()),
            Reply::Say(http("503 Busy", "", b"")),
            Reply::Say(xml("x")),
            Reply::Say(http("302 Found", &moved, b"")),
            Reply::Say(echo(KEY)),
            Reply::Say(fault(1007, "session \"165\" has expired")),
        ])
        .await;
        let client = client(server.port);
        client.set_session(session(header_auth));
        for _ in 0..2 {
            read(&client).await.unwrap();
        }
        for _ in 0..3 {
            shown += &format!("{client:?}");
            let error = read(&client).await.unwrap_err();
            shown += &format!("{error:?} {error} {}", error.detail());
        }
    }
    let silent = HubServer::start([Reply::Silent(Vec::new())]).await;
    let mut impatient = access(silent.port);
    impatient.times.call = Duration::from_millis(100);
    let client = Client::new(impatient);
    client.set_session(session(false));
    let error = tokio::time::timeout(GENEROUS, change(&client))
        .await
        .unwrap()
        .unwrap_err();
    shown += &format!("{error:?} {}", error.detail());
    shown += &log.text();
    assert!(
        shown.contains("connected") && shown.contains("the session is no longer good"),
        "{shown}"
    );
    assert!(!shown.contains(KEY), "{shown}");
}
