//! An archive of messages over HTTP, well and not so well.

use std::time::Duration;

use expect_test::expect;
use koji_notify::hub::access::{Address, FileServer, Times, Trust};
use koji_notify::hub::archive::{self, About, Filed, MAX_PAGE, MAX_PAGES, Pace, Wish};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::decoding::shared;
use crate::hub_server::{HubServer, Reply, http};

const AT_ONCE: Pace = Pace {
    settle: Duration::ZERO,
    again: Duration::ZERO,
};

#[tokio::test]
async fn pages_are_read_one_after_the_other_and_handed_on_in_order() {
    let mut server = HubServer::start([
        page(2, &[message("a"), message("b")]),
        page(2, &[message("c")]),
        page(1, &[message("d")]),
    ])
    .await;
    let mut reader = Reader::start(&server, AT_ONCE);
    let packages = Wish {
        topics: vec!["org.fedoraproject.prod.buildsys.build.state.change".to_owned()],
        about: About::Packages(vec!["bash".to_owned()]),
        ..of_mona()
    };
    reader.wishes.send(vec![of_mona(), packages]).unwrap();
    assert_eq!(reader.ids(4).await, ["a", "b", "c", "d"]);
    let mut asked = String::new();
    for _ in 0..3 {
        let it = server.asked().await;
        assert_eq!(it.connection, 1);
        assert_eq!(it.header("accept"), Some("application/json"));
        asked += it.request_line();
        asked.push('\n');
    }
    expect![[r#"
        GET /datagrepper/v2/search?user=mona&user=mona%2Fbot%26page%3D7&topic=org.fedoraproject.prod.buildsys.tag&topic=org.fedoraproject.prod.buildsys.untag&start=1795000000&order=asc&rows_per_page=50&page=1 HTTP/1.1
        GET /datagrepper/v2/search?user=mona&user=mona%2Fbot%26page%3D7&topic=org.fedoraproject.prod.buildsys.tag&topic=org.fedoraproject.prod.buildsys.untag&start=1795000000&order=asc&rows_per_page=50&page=2 HTTP/1.1
        GET /datagrepper/v2/search?package=bash&topic=org.fedoraproject.prod.buildsys.build.state.change&start=1795000000&order=asc&rows_per_page=50&page=1 HTTP/1.1
    "#]]
    .assert_eq(&asked);
    reader.stop().await;
}

#[tokio::test]
async fn a_recorded_message_is_handed_on_word_for_word() {
    let Some(samples) = shared("samples/fedora-messaging") else {
        return;
    };
    let text = std::fs::read(samples.join("tag--side-tag-2024-full-headers.json")).unwrap();
    let sample: Value = serde_json::from_slice(&text).unwrap();
    let filed = json!({
        "topic": sample["topic"], "id": sample["properties"]["message_id"], "headers": sample["headers"],
        "body": sample["body"], "queue": null, "priority": 2,
    });
    let server = HubServer::start([page(1, &[filed])]).await;
    let mut reader = Reader::start(&server, AT_ONCE);
    reader.wishes.send(vec![of_mona()]).unwrap();
    let found = reader.next().await;
    assert_eq!(found.topic, "org.fedoraproject.prod.buildsys.tag");
    assert_eq!(found.id.as_deref(), Some("0b2addd5-e1b8-4ebe-9e2a-9b1b21a8bbad"));
    assert_eq!(found.sent_at.as_deref(), Some("2024-06-20T15:04:24+00:00"));
    assert_eq!(serde_json::from_str::<Value>(&found.body).unwrap(), sample["body"]);
    reader.stop().await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again_from_the_page_it_stopped_at() {
    let said = |status: &str, head: &str, body: &[u8]| Reply::Say(http(status, head, body));
    let half = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{\"pages\": 2, \"raw";
    let mut server = HubServer::start([
        said(
            "500 Internal Server Error",
            "Content-Type: application/json\r\n",
            b"{\"error\": \"no\"}",
        ),
        page(2, &[message("a")]),
        Reply::Last(half.to_vec()),
        said("200 OK", "Content-Type: text/html\r\n", b"<html>back soon</html>"),
        page(2, &[message("b")]),
    ])
    .await;
    let mut reader = Reader::start(&server, AT_ONCE);
    reader.wishes.send(vec![of_mona()]).unwrap();
    assert_eq!(reader.ids(2).await, ["a", "b"]);
    let mut pages = Vec::new();
    for _ in 0..5 {
        let asked = server.asked().await;
        pages.push(asked.request_line().split("page=").last().unwrap()[..1].to_owned());
    }
    assert_eq!(pages, ["1", "1", "2", "2", "2"]);
    reader.stop().await;
}

#[tokio::test]
async fn a_server_that_is_never_well_is_given_up_and_asked_again_for_the_next_wish() {
    let busy = || {
        Reply::Say(http(
            "503 Service Unavailable",
            "Content-Type: text/html\r\n",
            b"<html>",
        ))
    };
    let mut server = HubServer::start((0..6).map(|_| busy())).await;
    let mut reader = Reader::start(&server, AT_ONCE);
    reader.wishes.send(vec![of_mona()]).unwrap();
    for _ in 0..6 {
        server.asked().await;
    }
    server.say_next(page(1, &[message("a")]));
    reader.wishes.send(vec![of_mona()]).unwrap();
    assert_eq!(reader.ids(1).await, ["a"]);
    assert_eq!(server.all_asked().len(), 1);
    reader.stop().await;
}

#[tokio::test]
async fn a_server_that_is_busy_is_left_alone_for_as_long_as_it_says() {
    let busy = http("429 Too Many Requests", "Retry-After: 2\r\n", b"");
    let mut server = HubServer::start([Reply::Say(busy), page(1, &[message("a")])]).await;
    let mut reader = Reader::start(&server, AT_ONCE);
    let began = std::time::Instant::now();
    reader.wishes.send(vec![of_mona()]).unwrap();
    assert_eq!(reader.ids(1).await, ["a"]);
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(server.all_asked().len(), 2);
    reader.stop().await;
}

#[tokio::test]
async fn what_does_not_pass_is_asked_once() {
    let json = "Content-Type: application/json\r\n";
    let flood = format!("HTTP/1.1 200 OK\r\n{json}\r\n{{\"pages\": 1, \"raw_messages\": [\"");
    for reply in [
        Reply::Say(http("400 Bad Request", json, b"{\"error\": \"Invalid parameter\"}")),
        Reply::Say(http("404 Not Found", "Content-Type: text/plain\r\n", b"nothing here")),
        Reply::Say(http("302 Found", "Location: https://elsewhere.example.com/\r\n", b"")),
        Reply::Say(http("200 OK", json, b"[1, 2")),
        Reply::Say(http("200 OK", json, b"{\"pages\": -1, \"raw_messages\": []}")),
        Reply::Say(http(
            "200 OK",
            json,
            b"{\"raw_messages\": [{\"topic\": 5, \"body\": {}}]}",
        )),
        Reply::Say(http("200 OK", json, &[b'['; 100_000])),
        Reply::Flood(flood.into_bytes(), 2 * MAX_PAGE as u64),
    ] {
        let mut server = HubServer::start([reply, page(1, &[message("later")])]).await;
        let mut reader = Reader::start(&server, AT_ONCE);
        reader.wishes.send(vec![of_mona()]).unwrap();
        server.asked().await;
        // There is no second request: the next one is that of the next wish.
        server.count_when(|it| it.busy == 0 || it.open == 0).await;
        reader.wishes.send(vec![of_mona()]).unwrap();
        assert_eq!(reader.ids(1).await, ["later"]);
        assert_eq!(server.all_asked().len(), 1);
        reader.stop().await;
    }
}

#[tokio::test]
async fn an_archive_without_an_end_is_read_so_far_and_no_further() {
    let endless = (0..MAX_PAGES).map(|n| page(u64::MAX, &[message(&n.to_string())]));
    let mut server = HubServer::start(endless.chain([page(1, &[message("next")])])).await;
    let mut reader = Reader::start(&server, AT_ONCE);
    reader.wishes.send(vec![of_mona()]).unwrap();
    let ids = reader.ids(MAX_PAGES as usize).await;
    assert_eq!(ids.last().map(String::as_str), Some("19"));
    reader.wishes.send(vec![of_mona()]).unwrap();
    assert_eq!(reader.ids(1).await, ["next"]);
    assert_eq!(server.all_asked().len(), MAX_PAGES as usize + 1);
    reader.stop().await;
}

#[tokio::test]
async fn wishes_that_come_close_together_are_one_and_reach_back_as_far_as_the_first() {
    let mut server = HubServer::start([page(1, &[message("a")])]).await;
    let pace = Pace {
        settle: Duration::from_secs(2),
        ..AT_ONCE
    };
    let mut reader = Reader::start(&server, pace);
    for later in [0, 50, 100] {
        let since = of_mona().since + Duration::from_secs(later);
        reader.wishes.send(vec![Wish { since, ..of_mona() }]).unwrap();
    }
    assert_eq!(reader.ids(1).await, ["a"]);
    let asked = server.all_asked();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].request_line().contains("start=1795000000"),
        "{}",
        asked[0].head
    );
    reader.stop().await;
}

#[tokio::test]
async fn a_wish_for_nothing_asks_nothing() {
    let mut server = HubServer::start([page(1, &[message("a")])]).await;
    let mut reader = Reader::start(&server, AT_ONCE);
    let nobody = Wish {
        about: About::Users(Vec::new()),
        ..of_mona()
    };
    let no_topic = Wish {
        topics: Vec::new(),
        ..of_mona()
    };
    reader.wishes.send(vec![nobody, no_topic, of_mona()]).unwrap();
    assert_eq!(reader.ids(1).await, ["a"]);
    assert_eq!(server.all_asked().len(), 1);
    reader.stop().await;
}

struct Reader {
    wishes: mpsc::UnboundedSender<Vec<Wish>>,
    filed: mpsc::Receiver<Filed>,
    task: JoinHandle<()>,
}

impl Reader {
    fn start(server: &HubServer, pace: Pace) -> Self {
        let address = format!("http://127.0.0.1:{}/datagrepper/", server.port);
        let server = FileServer {
            address: Address::parse(&address).unwrap(),
            trust: Trust::System,
            times: Times::default(),
        };
        let (wishes, wished) = mpsc::unbounded_channel();
        let (filed, found) = mpsc::channel(4);
        Self {
            wishes,
            filed: found,
            task: tokio::spawn(archive::run(server, wished, filed, pace)),
        }
    }

    async fn next(&mut self) -> Filed {
        let next = tokio::time::timeout(Duration::from_secs(30), self.filed.recv()).await;
        next.expect("something is filed").unwrap()
    }

    async fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.next().await.id.unwrap());
        }
        ids
    }

    /// Lets go of it, and returns when it has ended; nothing more was filed.
    async fn stop(mut self) {
        drop(self.wishes);
        let ended = tokio::time::timeout(Duration::from_secs(30), self.task).await;
        ended.expect("it ends").unwrap();
        assert_eq!(self.filed.recv().await, None);
    }
}

fn of_mona() -> Wish {
    let topic = |it: &str| format!("org.fedoraproject.prod.buildsys.{it}");
    Wish {
        since: jiff::Timestamp::from_second(1_795_000_000).unwrap(),
        topics: vec![topic("tag"), topic("untag")],
        about: About::Users(vec!["mona".to_owned(), "mona/bot&page=7".to_owned()]),
    }
}

fn message(id: &str) -> Value {
    json!({"topic": "org.fedoraproject.prod.buildsys.tag", "id": id, "headers": {"sent-at": "2026-11-20T10:00:00+00:00"}, "body": {}})
}

/// A page as datagrepper writes it.
fn page(pages: u64, messages: &[Value]) -> Reply {
    let body = json!({
        "arguments": {"order": "asc"}, "count": messages.len(), "pages": pages, "total": messages.len(),
        "raw_messages": messages,
    });
    Reply::Say(http(
        "200 OK",
        "Content-Type: application/json\r\n",
        body.to_string().as_bytes(),
    ))
}
