//! How connections come and go, and who is believed.

use std::sync::Arc;
use std::time::Duration;

use koji_notify::hub::access::{Login, Trust};
use koji_notify::hub::client::Client;
use koji_notify::hub::trouble::HubError;
use koji_notify::net::trouble::TlsTrouble;
use tokio::sync::Semaphore;

use super::{Log, access, certs, client, read, secured};
use crate::hub_server::{HubServer, Place, Reply, Tls, http, xml};
use crate::rabbit;

#[tokio::test]
async fn one_connection_carries_call_after_call() {
    let mut server = HubServer::start((0..20).map(|_| Reply::Say(xml("x")))).await;
    let client = client(server.port);
    for _ in 0..20 {
        read(&client).await.unwrap();
    }
    assert_eq!(server.count().accepted, 1);
    assert_eq!(server.all_asked().len(), 20);
    drop(client);
    server.count_when(|it| it.open == 0).await;
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    // Closed with the answer, with or without saying so, and closed in the middle of the next question.
    let polite = http("200 OK", "Connection: close\r\n", b"x");
    let server = HubServer::start([Reply::Last(polite), Reply::Last(xml("x")), Reply::Say(xml("x"))]).await;
    let other = client(server.port);
    for _ in 0..3 {
        read(&other).await.unwrap();
        server.count_when(|it| it.open == 0 || it.accepted == 3).await;
    }
    assert_eq!(server.count().accepted, 3);
}

#[tokio::test]
async fn a_connection_that_closes_on_the_next_question_is_replaced_at_once() {
    let log = Log::start();
    let mut server = HubServer::start([Reply::Say(xml("x")), Reply::Last(Vec::new()), Reply::Say(xml("y"))]).await;
    let client = client(server.port);
    assert_eq!(read(&client).await.unwrap(), "x");
    assert_eq!(read(&client).await.unwrap(), "y");
    let connections: Vec<usize> = server.all_asked().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
    // It is no try that counts.
    assert!(
        log.text().contains("the connection that was kept is gone"),
        "{}",
        log.text()
    );
    assert!(!log.text().contains("asking again"), "{}", log.text());
}

#[tokio::test]
async fn an_idle_connection_is_closed_by_us() {
    let server = HubServer::start([Reply::Say(xml("x")), Reply::Say(xml("x"))]).await;
    let mut access = access(server.port);
    access.times.idle = Duration::from_millis(50);
    let client = Client::new(access);
    for accepted in 1..=2 {
        read(&client).await.unwrap();
        let count = server.count_when(|it| it.open == 0).await;
        assert_eq!(count.accepted, accepted);
    }
}

#[tokio::test]
async fn a_hub_that_comes_up_meanwhile_is_found() {
    let log = Log::start();
    let place = Place::reserve();
    let client = client(place.port);
    let opening = async {
        log.wait_for("asking again").await;
        place.open(None, &Tls::No, [Reply::Say(xml("up"))])
    };
    let (answer, _server) = tokio::join!(read(&client), opening);
    assert_eq!(answer.unwrap(), "up");
}

#[tokio::test]
async fn a_hub_that_is_not_there() {
    let place = Place::reserve();
    let error = read(&client(place.port)).await.unwrap_err();
    assert!(error.is_passing() && !error.is_outage(), "{error:?}");
    assert!(error.detail().starts_with("cannot connect: "), "{}", error.detail());
}

#[tokio::test]
async fn a_name_without_an_address() {
    let mut access = access(1);
    access.server.host = "no-such-host.invalid".to_owned();
    access.times.call = Duration::from_secs(2);
    let error = read(&Client::new(access)).await.unwrap_err();
    assert!(error.is_passing(), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_greets_runs_into_the_time_limit() {
    let silent = rabbit::SilentServer::start().await;
    let (_directory, certs) = certs();
    let mut access = secured(silent.port, &certs);
    access.times.connect = Duration::from_millis(50);
    access.times.call = Duration::from_millis(500);
    let error = read(&Client::new(access)).await.unwrap_err();
    assert!(matches!(error, HubError::Silent(_)) && error.is_passing(), "{error:?}");
}

#[tokio::test]
async fn at_most_two_calls_are_made_at_once() {
    let word = Arc::new(Semaphore::new(0));
    let held = || Reply::Held(Vec::new(), word.clone(), xml("x"));
    let mut server = HubServer::start((0..6).map(|_| held())).await;
    let client = client(server.port);
    let asking = futures_util::future::join_all((0..6).map(|_| read(&client)));
    let watching = async {
        for _ in 0..3 {
            server.asked().await;
            server.asked().await;
            assert_eq!(server.count().busy, 2);
            word.add_permits(2);
        }
    };
    let (answers, ()) = tokio::join!(asking, watching);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(server.count().busiest, 2);
    // One of the two is kept.
    server.count_when(|it| it.open == 1).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection_and_gives_its_turn_back() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\nhalf".to_vec();
    let replies = [Vec::new(), half].map(Reply::Silent);
    let mut server = HubServer::start(replies).await;
    let client = client(server.port);
    for _ in 0..2 {
        tokio::select! {
            answer = read(&client) => panic!("{answer:?}"),
            _ = server.asked() => {}
        }
        server.count_when(|it| it.open == 0).await;
    }
    for _ in 0..3 {
        server.say_next(Reply::Say(xml("x")));
    }
    let answers = tokio::join!(read(&client), read(&client), read(&client));
    assert!(
        answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok(),
        "{answers:?}"
    );
}

#[tokio::test]
async fn calls_can_be_made_from_a_task() {
    let server = HubServer::start([Reply::Say(xml("x"))]).await;
    let client = client(server.port);
    let asked = tokio::spawn(async move { read(&client).await });
    assert_eq!(asked.await.unwrap().unwrap(), "x");
}

#[tokio::test]
async fn whom_we_believe() {
    let (_directory, certs) = certs();
    let good = Tls::As(rabbit::ServerCert::Good);
    let mut server = HubServer::start_tls(&certs, &good, (0..3).map(|_| Reply::Say(xml("x")))).await;
    let client = Client::new(secured(server.port, &certs));
    for _ in 0..3 {
        assert_eq!(read(&client).await.unwrap(), "x");
    }
    assert!(server.all_asked().iter().all(|it| it.connection == 1));

    for (kind, expected) in [
        (rabbit::ServerCert::OtherCa, TlsTrouble::Untrusted),
        (rabbit::ServerCert::Expired, TlsTrouble::Expired),
        (rabbit::ServerCert::WrongHost, TlsTrouble::WrongHost),
    ] {
        let mut server = HubServer::start_tls(&certs, &Tls::As(kind), [Reply::Say(xml("x"))]).await;
        let error = read(&Client::new(secured(server.port, &certs))).await.unwrap_err();
        assert_eq!(error.tls_trouble(), Some(expected), "{error:?}");
        assert!(!error.is_passing());
        assert_eq!(server.count().accepted, 1);
        assert!(server.all_asked().is_empty());
    }

    // The system does not know our CA.
    let server = HubServer::start_tls(&certs, &good, []).await;
    let mut access = secured(server.port, &certs);
    access.trust = Trust::System;
    let error = read(&Client::new(access)).await.unwrap_err();
    let nobody = "there are no certificates of authorities to believe";
    assert!(
        error.tls_trouble() == Some(TlsTrouble::Untrusted) || error.detail() == nobody,
        "{error:?}"
    );
}

#[tokio::test]
async fn tls_and_clear_mixed_up() {
    let (_directory, certs) = certs();
    let complaint = http(
        "400 Bad Request",
        "",
        b"Your browser sent a request that this server could not understand.",
    );
    let clear = rabbit::Recorder::answering(complaint).await;
    let error = read(&Client::new(secured(clear.port, &certs))).await.unwrap_err();
    assert_eq!(error.tls_trouble(), Some(TlsTrouble::NotTls), "{error:?}");
    let tls = HubServer::start_tls(&certs, &Tls::As(rabbit::ServerCert::Good), []).await;
    let error = read(&client(tls.port)).await.unwrap_err();
    assert!(matches!(error, HubError::NotHttp(_) | HubError::Broken(_)), "{error:?}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let (_directory, certs) = certs();
    let shown = |client: Option<rabbit::Client>| {
        let certs = certs.clone();
        async move {
            let mut server = HubServer::start_tls(&certs, &Tls::Mutual, (0..4).map(|_| Reply::Say(xml("x")))).await;
            let mut access = secured(server.port, &certs);
            if let Some(client) = client {
                let file = certs.client(client).both;
                access.login = Login::Certificate { file };
            }
            let answer = read(&Client::new(access)).await;
            (answer, server.all_asked().len())
        }
    };
    assert_eq!(shown(Some(rabbit::Client::Fedora)).await.0.unwrap(), "x");
    for stranger in [None, Some(rabbit::Client::OtherCa)] {
        let (answer, asked) = shown(stranger).await;
        let error = answer.unwrap_err();
        assert_eq!(error.tls_trouble(), Some(TlsTrouble::CertificateRefused), "{error:?}");
        assert_eq!(asked, 0);
    }
    let (answer, _) = shown(Some(rabbit::Client::Expired)).await;
    let detail = answer.unwrap_err().detail();
    assert!(detail.contains("has expired on 2021-01-01"), "{detail}");
}
