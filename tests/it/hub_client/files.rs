//! Parts of files, from servers that know parts and from those that do not.

use std::time::Duration;

use expect_test::expect;
use koji_notify::hub::access::{Address, FileServer, Trust};
use koji_notify::hub::files::{Files, Found, MAX_PART, MAX_WHOLE, Part};
use koji_notify::hub::trouble::HubError;

use super::{access, certs, shown};
use crate::hub_server::{HubServer, Reply, Tls, http};
use crate::rabbit::ServerCert;

const LOG: &str = "work/tasks/54/54/build.log";

#[tokio::test]
async fn the_end_of_a_log() {
    let mut server = HubServer::start([
        Reply::Say(part("bytes 995-999/1000", b"error")),
        Reply::Say(part("bytes 995-999/1000", b"error")),
    ])
    .await;
    let files = files(server.port);
    for _ in 0..2 {
        let tail = files.tail(LOG, 5).await.unwrap().unwrap();
        assert_eq!(tail, piece(995, b"error", 1000));
    }
    let asked = server.asked().await;
    expect![[r#"
        GET /koji/work/tasks/54/54/build.log HTTP/1.1
        host: 127.0.0.1:PORT
        user-agent: koji-notify/VERSION
        range: bytes=-5

    "#]]
    .assert_eq(&shown(&asked, server.port));
    assert_eq!(server.asked().await.connection, 1);
}

#[tokio::test]
async fn no_more_than_the_limit_is_asked_for() {
    let mut server = HubServer::start([Reply::Say(http("404 Not Found", "", b""))]).await;
    assert_eq!(files(server.port).tail(LOG, usize::MAX).await.unwrap(), None);
    let wanted = format!("bytes=-{MAX_PART}");
    assert_eq!(server.asked().await.header("range"), Some(wanted.as_str()));
}

#[tokio::test]
async fn a_file_that_is_not_there_or_is_empty() {
    let nowhere = |size: &str| {
        http(
            "416 Range Not Satisfiable",
            &format!("Content-Range: bytes {size}\r\n"),
            b"",
        )
    };
    let server = HubServer::start([
        Reply::Say(http("404 Not Found", "Content-Type: text/html\r\n", b"<html>")),
        Reply::Say(http("410 Gone", "", b"")),
        Reply::Say(nowhere("*/0")),
        Reply::Say(http("200 OK", "", b"")),
    ])
    .await;
    let files = files(server.port);
    assert_eq!(files.tail(LOG, 5).await.unwrap(), None);
    assert_eq!(files.tail(LOG, 5).await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(files.tail(LOG, 5).await.unwrap(), Some(piece(0, b"", 0)));
    }
}

#[tokio::test]
async fn a_server_without_parts_gives_small_files_as_a_whole() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n world!\r\n0\r\n\r\n";
    let whole = vec![b'x'; MAX_WHOLE];
    let mut server = HubServer::start([
        Reply::Say(http("200 OK", "", b"hello world!")),
        Reply::Say(chunked.to_vec()),
        Reply::Say(http("200 OK", "", &whole)),
    ])
    .await;
    let files = files(server.port);
    for _ in 0..2 {
        assert_eq!(files.tail(LOG, 6).await.unwrap(), Some(piece(6, b"world!", 12)));
    }
    let tail = files.tail(LOG, usize::MAX).await.unwrap().unwrap();
    assert_eq!(
        (tail.start, tail.bytes.len()),
        ((MAX_WHOLE - MAX_PART) as u64, MAX_PART)
    );
    assert_eq!(server.all_asked().len(), 3);
}

#[tokio::test]
async fn a_large_file_is_not_read_for_its_end() {
    const HUGE: u64 = 200 * 1024 * 1024;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {HUGE}\r\n\r\n").into_bytes();
    let endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();

    // It knows parts by their place.
    let place = format!("bytes {}-{}/{HUGE}", HUGE - 5, HUGE - 1);
    let mut server = HubServer::start([Reply::Flood(head.clone(), HUGE), Reply::Say(part(&place, b"error"))]).await;
    let tail = files(server.port).tail(LOG, 5).await.unwrap();
    assert_eq!(tail, Some(piece(HUGE - 5, b"error", HUGE)));
    server.asked().await;
    let wanted = format!("bytes={}-{}", HUGE - 5, HUGE - 1);
    assert_eq!(server.asked().await.header("range"), Some(wanted.as_str()));

    // It knows none.
    let stubborn = [Reply::Flood(head.clone(), HUGE), Reply::Flood(head, HUGE)];
    let unending = [Reply::Flood(endless, HUGE)];
    for script in [Vec::from(stubborn), Vec::from(unending)] {
        let tries = script.len();
        let mut server = HubServer::start(script).await;
        let error = files(server.port).tail(LOG, 5).await.unwrap_err();
        assert_eq!(error.detail(), "the file cannot be had in parts (it came as a whole)");
        server.count_when(|it| it.open == 0).await;
        assert_eq!(server.all_asked().len(), tries);
        // The rest of what went out was never read, and is a small part of the file.
        assert!(server.sent() < HUGE / 4, "{} bytes went out", server.sent());
    }
}

#[tokio::test]
async fn parts_that_are_not_what_was_asked_for() {
    let more = vec![b'x'; 100];
    for (answer, expected) in [
        (part("bytes 0-99/100", &more), "it came with more than was asked for"),
        (
            http("206 Partial Content", "", b"error"),
            "it does not say which part it is",
        ),
        (part("bytes 9-5/100", b"error"), "it does not say which part it is"),
        (http("416 No", "", b""), "it does not say how large it is"),
        (
            http("200 OK", "Content-Encoding: gzip\r\n", b"\x1f\x8b"),
            "it came packed",
        ),
    ] {
        let server = HubServer::start([Reply::Say(answer)]).await;
        let error = files(server.port).tail(LOG, 5).await.unwrap_err();
        assert_eq!(error.detail(), format!("the file cannot be had in parts ({expected})"));
        assert!(!error.is_passing());
    }
}

#[tokio::test]
async fn whether_a_file_is_there() {
    let mut server = HubServer::start([
        Reply::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_vec()),
        Reply::Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
        Reply::Say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n".to_vec()),
    ])
    .await;
    let files = files(server.port);
    assert_eq!(files.find(LOG).await.unwrap(), Some(Found { size: Some(1234) }));
    assert_eq!(files.find(LOG).await.unwrap(), Some(Found { size: None }));
    assert_eq!(files.find("libstdc++/a b").await.unwrap(), None);
    let asked = server.all_asked();
    let lines: Vec<&str> = asked.iter().map(|it| it.request_line()).collect();
    let log = format!("HEAD /koji/{LOG} HTTP/1.1");
    assert_eq!(lines, [&log, &log, "HEAD /koji/libstdc%2B%2B/a%20b HTTP/1.1"]);
    assert!(asked.iter().all(|it| it.connection == 1));
}

#[tokio::test]
async fn redirections_within_the_server_are_followed_a_few_times() {
    let moved = |to: &str| Reply::Say(http("302 Found", &format!("Location: {to}\r\n"), b""));
    let found = || Reply::Say(part("bytes 0-4/5", b"error"));
    let mut server = HubServer::start([moved("/vol/x?y=z"), moved("../w"), found()]).await;
    let tail = files(server.port).tail(LOG, 5).await.unwrap().unwrap();
    assert_eq!(tail.bytes, b"error");
    let asked = server.all_asked();
    let lines: Vec<&str> = asked.iter().skip(1).map(|it| it.request_line()).collect();
    assert_eq!(lines, ["GET /vol/x?y=z HTTP/1.1", "GET /w HTTP/1.1"]);

    let other = HubServer::start([found()]).await;
    let elsewhere = format!("http://127.0.0.1:{}/", other.port);
    let mut server = HubServer::start([moved(&elsewhere)]).await;
    let error = files(server.port).tail(LOG, 5).await.unwrap_err();
    assert!(matches!(error, HubError::Moved { .. }), "{error:?}");
    assert_eq!(other.count().accepted, 0);
    assert_eq!(server.all_asked().len(), 1);

    let mut server = HubServer::start((0..9).map(|_| moved("/round"))).await;
    let error = files(server.port).tail(LOG, 5).await.unwrap_err();
    assert!(matches!(error, HubError::Moved { .. }), "{error:?}");
    assert_eq!(server.all_asked().len(), 4);
}

#[tokio::test]
async fn trouble_is_met_as_with_the_hub() {
    let found = || Reply::Say(part("bytes 0-4/5", b"error"));
    let busy = || Reply::Say(http("503 Service Unavailable", "", b""));
    let cut =
        || Reply::Last(b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-4/5\r\nContent-Length: 5\r\n\r\nerr".to_vec());
    let mut server = HubServer::start([busy(), found(), Reply::Last(Vec::new()), found(), cut(), found()]).await;
    let files = files(server.port);
    for _ in 0..3 {
        assert_eq!(files.tail(LOG, 5).await.unwrap(), Some(piece(0, b"error", 5)));
    }
    assert_eq!(server.all_asked().len(), 6);

    let silent = HubServer::start([Reply::Silent(Vec::new())]).await;
    let mut impatient = file_server(silent.port);
    impatient.times.call = Duration::from_millis(100);
    let error = Files::new(impatient).tail(LOG, 5).await.unwrap_err();
    assert!(matches!(error, HubError::Silent(_)), "{error:?}");

    let forbidden = HubServer::start([Reply::Say(http("403 Forbidden", "", b""))]).await;
    let error = Files::new(file_server(forbidden.port)).find(LOG).await.unwrap_err();
    assert_eq!(error.detail(), "the answer was HTTP 403 Forbidden");
}

#[tokio::test]
async fn over_tls_and_from_a_task() {
    let (_directory, certs) = certs();
    let good = Tls::As(ServerCert::Good);
    let server = HubServer::start_tls(&certs, &good, [Reply::Say(part("bytes 0-4/5", b"error"))]).await;
    let files = Files::new(FileServer {
        address: Address::parse(&format!("https://localhost:{}", server.port)).unwrap(),
        trust: Trust::Only(certs.ca()),
        ..file_server(server.port)
    });
    let tail = tokio::spawn(async move { files.tail(LOG, 5).await });
    assert_eq!(tail.await.unwrap().unwrap(), Some(piece(0, b"error", 5)));
}

fn files(port: u16) -> Files {
    Files::new(file_server(port))
}

fn file_server(port: u16) -> FileServer {
    FileServer {
        address: Address::parse(&format!("http://127.0.0.1:{port}/koji/")).unwrap(),
        trust: Trust::System,
        times: access(port).times,
    }
}

fn piece(start: u64, bytes: &[u8], size: u64) -> Part {
    Part {
        start,
        bytes: bytes.to_vec(),
        size: Some(size),
    }
}

fn part(place: &str, bytes: &[u8]) -> Vec<u8> {
    http("206 Partial Content", &format!("Content-Range: {place}\r\n"), bytes)
}
