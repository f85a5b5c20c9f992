//! What comes of an answer.

use std::fmt::Write;
use std::io::{self, BufRead, Read};
use std::sync::mpsc;
use std::time::Duration;

use expect_test::{Expect, expect};
use koji_notify::hub::client::Client;
use koji_notify::hub::fault::Fault;
use koji_notify::hub::trouble::HubError;

use super::{GENEROUS, access, client, decode, read, shown};
use crate::decoding::fixtures;
use crate::hub_server::{HubServer, Reply, fault, http, xml};

#[tokio::test]
async fn what_a_real_hub_said_byte_for_byte() {
    let mut lines = String::new();
    let folder = fixtures().join("hub");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|it| KNOWN.contains(&it.split('-').next().unwrap()))
        .collect();
    names.sort();
    for name in names.iter().filter(|it| it.ends_with(".response")) {
        let said = std::fs::read(folder.join(name)).unwrap();
        let body = said.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
        let expected = String::from_utf8(said[body..].to_vec()).unwrap();
        let mut server = HubServer::start([Reply::Say(said), Reply::Say(xml("again"))]).await;
        let client = client(server.port);
        let heard = match read(&client).await {
            Ok(text) => {
                assert_eq!(text, expected);
                format!("{} bytes", text.len())
            }
            Err(error) => error.detail(),
        };
        assert_eq!(read(&client).await.unwrap(), "again");
        let connections: Vec<usize> = server.all_asked().iter().map(|it| it.connection).collect();
        writeln!(lines, "{name} ({:?}) {connections:?}: {heard}", client.koji_version()).unwrap();
    }
    expect![[r#"
        01-getAPIVersion.response (Some("1.35.3")) [1, 1]: 121 bytes
        07-listTasks-open.response (Some("1.35.3")) [1, 1]: 12409 bytes
        38-fault-invalid-method.response (Some("1.35.3")) [1, 1]: the hub said no: Invalid method: noSuchMethod (fault 1000)
        41-fault-not-logged-in.response (Some("1.35.3")) [1, 1]: the hub said no: you must be logged in for this operation (fault 1004)
        44-auth-getLoggedInUser.response (Some("1.35.3")) [1, 1]: 710 bytes
        50-fault-closed-session.response (Some("1.35.3")) [1, 1]: the hub said no: Invalid session or bad credentials (fault 1002)
        57-fault-expired-session.response (Some("1.35.3")) [1, 1]: the hub said no: session "166" has expired (fault 1007)
        60-fault-retry-error-same-callnum.response (Some("1.35.3")) [1, 1]: the hub said no: unable to retry call 500 (method build) for session 166 (fault 1009)
        61-fault-sequence-error-lower-callnum.response (Some("1.35.3")) [1, 1]: the hub said no: 500 &gt; 10 (session 166) (fault 1008)
        64-gssapi-login-no-ticket.response (None) [1, 2]: the answer was HTTP 401 Unauthorized
        65-raw-GET.response (Some("1.35.3")) [1, 2]: the answer was HTTP 405 Method Not Allowed: Method Not Allowed This is an XML-RPC server. Only POST requests are accepted.
        66-raw-POST-empty.response (Some("1.35.3")) [1, 2]: the answer was HTTP 400 Bad Request: Invalid request: Empty request
    "#]].assert_eq(&lines);
}

/// The numbers of the exchanges that are told of above; the folder may have more for others.
const KNOWN: [&str; 12] = ["01", "07", "38", "41", "44", "50", "57", "60", "61", "64", "65", "66"];

#[tokio::test]
async fn statuses_and_what_they_mean() {
    let check = async |reply: Vec<u8>, expected: Expect| {
        let mut server = HubServer::start([Reply::Say(reply), Reply::Say(xml("unwanted"))]).await;
        let error = read(&client(server.port)).await.unwrap_err();
        assert_eq!(server.all_asked().len(), 1, "asked again after: {}", error.detail());
        expected.assert_eq(&format!(
            "{}{}",
            if error.is_passing() { "(passing) " } else { "" },
            error.detail()
        ));
    };
    let plain = "Content-Type: text/plain\r\n";
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    check(
        http(
            "400 Bad Request",
            plain,
            b"Invalid request:\x1b[31m\r\n not well-formed",
        ),
        expect!["the answer was HTTP 400 Bad Request: Invalid request: [31m not well-formed"],
    )
    .await;
    check(
        http("401 Unauthorized", html, b"<html>secret"),
        expect!["the answer was HTTP 401 Unauthorized"],
    )
    .await;
    check(
        http("403 Forbidden", plain, "ü".repeat(5000).as_bytes()),
        expect!["the answer was HTTP 403 Forbidden: üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü"],
    )
    .await;
    check(
        http("404 Not Found", html, b"<html>"),
        expect!["the answer was HTTP 404 Not Found"],
    )
    .await;
    check(
        http("405 Method Not Allowed", html, b""),
        expect!["the answer was HTTP 405 Method Not Allowed"],
    )
    .await;
    check(
        http("429 Too Many Requests", html, b""),
        expect!["(passing) the answer was HTTP 429 Too Many Requests"],
    )
    .await;
    check(
        http("500 Internal Server Error", html, b"<html>"),
        expect!["(passing) the answer was HTTP 500 Internal Server Error"],
    )
    .await;
    check(
        http(
            "302 Found",
            "Location: https://elsewhere.example.com/kojihub?session-key=1\r\n",
            b"",
        ),
        expect!["the answer was HTTP 302 Found: it has moved to https://elsewhere.example.com/kojihub"],
    )
    .await;
    check(
        http("301 Moved Permanently", "Location: /other\r\n", b""),
        expect!["the answer was HTTP 301 Moved Permanently: it has moved to /other"],
    )
    .await;
    check(
        http("304 Not Modified", "", b""),
        expect!["the answer was HTTP 304 Not Modified: it has moved to "],
    )
    .await;
    check(
        http("200 OK", html, b"<html>log in to our wifi</html>"),
        expect![[r#"the answer is "text/html; charset=utf-8" and not XML"#]],
    )
    .await;
    check(
        http(
            "200 OK",
            "Content-Type: text/xml\r\nContent-Encoding: gzip\r\n",
            b"\x1f\x8b",
        ),
        expect![[r#"the answer is "gzip" and not XML"#]],
    )
    .await;
    check(
        http("204 No Content", "", b""),
        expect!["the answer was HTTP 204 No Content"],
    )
    .await;
    check(
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        expect!["what answers there does not speak HTTP: invalid HTTP version parsed"],
    )
    .await;
    check(
        fault(1000, "Invalid method: nope"),
        expect!["the hub said no: Invalid method: nope (fault 1000)"],
    )
    .await;
    check(fault(1019, "wrong"), expect!["the hub said no: wrong (fault 1019)"]).await;
}

#[tokio::test]
async fn bodies_come_in_all_forms() {
    let chunked = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n\
                    5\r\nhello\r\n1;x=y\r\n \r\n6\r\nworld!\r\n0\r\nTrailer: x\r\n\r\n";
    let until_closed = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml; charset=utf-8\r\n\r\nhello world!";
    let old = b"HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\nhello world!";
    let mut server = HubServer::start([
        Reply::Say(chunked.to_vec()),
        Reply::Say(xml("hello world!")),
        Reply::Last(until_closed.to_vec()),
        Reply::Last(old.to_vec()),
        Reply::Say(xml("hello world!")),
    ])
    .await;
    let client = client(server.port);
    for _ in 0..5 {
        assert_eq!(read(&client).await.unwrap(), "hello world!");
    }
    let connections: Vec<usize> = server.all_asked().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [1, 1, 1, 2, 3]);
}

#[tokio::test]
async fn a_hub_that_is_down_for_a_moment_is_asked_again() {
    let unavailable = |status| Reply::Say(http(status, "Content-Type: text/html\r\n", b"<html>"));
    for first in [
        unavailable("502 Bad Gateway"),
        unavailable("503 Service Unavailable"),
        unavailable("504 Gateway Timeout"),
        Reply::Say(fault(1014, "database outage")),
        Reply::Say(fault(1001, "locked")),
        // Half a head, half an answer in each form, and a word that is none.
        Reply::Last(b"HTTP/1.1 200 O".to_vec()),
        Reply::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello".to_vec()),
        Reply::Last(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec()),
        Reply::Last(Vec::new()),
    ] {
        let mut server = HubServer::start([first, Reply::Say(xml("better"))]).await;
        assert_eq!(read(&client(server.port)).await.unwrap(), "better");
        assert_eq!(server.all_asked().len(), 2);
    }
}

#[tokio::test]
async fn a_hub_that_stays_down_is_given_up() {
    let mut server = HubServer::start((0..9).map(|_| Reply::Say(fault(1014, "outage")))).await;
    let error = read(&client(server.port)).await.unwrap_err();
    assert!(error.is_outage() && error.is_passing(), "{error:?}");
    assert_eq!(server.all_asked().len(), 4);
}

#[tokio::test]
async fn the_time_limit_ends_the_tries_with_what_was_wrong() {
    let server = HubServer::start((0..9).map(|_| Reply::Say(fault(1014, "outage")))).await;
    let mut access = access(server.port);
    access.times.call = Duration::from_millis(300);
    let error = read(&Client::new(access)).await.unwrap_err();
    assert!(error.is_outage(), "{error:?}");
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n";
    for reply in [
        Reply::Silent(Vec::new()),
        Reply::Silent(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Reply::Silent(head.to_vec()),
        Reply::Drip(Vec::new()),
        Reply::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec()),
        Reply::Drip(head.to_vec()),
        Reply::Drip(b"HTTP/1.1 400 Bad\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n".to_vec()),
    ] {
        let server = HubServer::start([reply]).await;
        let mut access = access(server.port);
        access.times.call = Duration::from_millis(300);
        let client = Client::new(access);
        let error = tokio::time::timeout(GENEROUS, read(&client))
            .await
            .unwrap()
            .unwrap_err();
        assert!(matches!(error, HubError::Silent(_) | HubError::NotHttp(_)), "{error:?}");
        server.count_when(|it| it.open == 0).await;
    }
}

#[tokio::test]
async fn a_large_answer_waits_at_the_server_while_the_reader_is_busy() {
    const SIZE: u64 = 20 * 1024 * 1024;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {SIZE}\r\n\r\n");
    let mut server = HubServer::start([Reply::Flood(head.into_bytes(), SIZE), Reply::Say(xml("next"))]).await;
    let client = client(server.port);
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    let slow = move |answer: &mut dyn BufRead| -> Result<Result<(u64, usize), Fault>, io::Error> {
        let mut first = [0; 1000];
        answer.read_exact(&mut first)?;
        wait.lock().unwrap().recv().unwrap();
        let (mut total, mut largest) = (first.len() as u64, 0);
        loop {
            let piece = answer.fill_buf()?.len();
            if piece == 0 {
                return Ok(Ok((total, largest)));
            }
            (total, largest) = (total + piece as u64, largest.max(piece));
            answer.consume(piece);
        }
    };
    let asking = client.read(Vec::new(), slow);
    // The loop is free meanwhile: the server is in it.
    let resting = async {
        let sent = server.stuck().await;
        go_on.send(()).unwrap();
        sent
    };
    let (asked, sent) = tokio::join!(asking, resting);
    let (total, largest) = asked.unwrap();
    assert_eq!(total, SIZE);
    // The system's own buffers are most of it.
    assert!(sent < SIZE / 2, "{sent} bytes were taken from the server");
    assert!(largest <= 64 * 1024, "{largest} bytes in one piece");
    assert_eq!(read(&client).await.unwrap(), "next");
    assert!(server.all_asked().iter().all(|it| it.connection == 1));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read() {
    const LIMIT: u64 = 32 * 1024 * 1024;
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", LIMIT + 1);
    let endless = "HTTP/1.1 200 OK\r\n\r\n";
    for head in [announced.as_str(), endless] {
        let mut server = HubServer::start([Reply::Flood(head.into(), u64::MAX)]).await;
        let error = read(&client(server.port)).await.unwrap_err();
        assert!(matches!(error, HubError::TooLarge(LIMIT)), "{error:?}");
        assert!(!error.is_passing());
        server.count_when(|it| it.open == 0).await;
        assert_eq!(server.all_asked().len(), 1);
    }
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_ends_the_answer() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n".to_vec();
    let server = HubServer::start([Reply::Drip(head.clone()), Reply::Flood(head, u64::MAX)]).await;
    let client = client(server.port);
    for _ in 0..2 {
        let one = |answer: &mut dyn BufRead| -> Result<Result<u8, Fault>, io::Error> {
            let mut byte = [0];
            answer.read_exact(&mut byte)?;
            Ok(Ok(byte[0]))
        };
        assert_eq!(client.read(Vec::new(), one).await.unwrap(), b'x');
    }
    server.count_when(|it| it.open == 0).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_understood_is_not_asked_for_again() {
    let mut server = HubServer::start([Reply::Say(xml("\u{1}")), Reply::Say(xml("x"))]).await;
    let broken = |answer: &mut dyn BufRead| -> Result<Result<(), Fault>, io::Error> {
        answer.bytes().next().unwrap()?;
        Err(io::Error::other("that is no XML"))
    };
    let error = client(server.port).read(Vec::new(), broken).await.unwrap_err();
    assert_eq!(error.detail(), "the answer cannot be understood: that is no XML");
    assert!(!error.is_passing());
    assert_eq!(server.all_asked().len(), 1);
}

#[tokio::test]
async fn a_request_is_what_a_hub_expects() {
    let mut server = HubServer::start([Reply::Say(xml("x"))]).await;
    let body = b"<?xml version='1.0'?>\n<methodCall/>".to_vec();
    client(server.port).read(body.clone(), decode).await.unwrap();
    let asked = server.asked().await;
    assert_eq!(asked.body, body);
    let head = shown(&asked, server.port);
    expect![[r#"
        POST /kojihub HTTP/1.1
        host: 127.0.0.1:PORT
        user-agent: koji-notify/VERSION
        content-type: text/xml
        content-length: 35

    "#]]
    .assert_eq(&head);
}
