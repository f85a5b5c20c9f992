//! The small hub when it is not well; its files; and what it remembers of its callers.

use std::time::Instant;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::Connection;
use super::{For, SmallHub, Trouble};
use crate::recorded_hub::{Document, Value};

#[tokio::test]
async fn trouble_comes_as_asked_and_goes_again() {
    let hub = SmallHub::start();
    let mut client = Connection::to(hub.port).await;
    hub.trouble_for(
        For {
            method: None,
            times: Some(1),
        },
        Trouble::Offline,
    );
    let fault = client.call("getAPIVersion", json!([])).await;
    assert!(matches!(fault, Document::Fault { code: 1014, .. }), "{fault:?}");
    assert_eq!(client.value("getAPIVersion", json!([])).await, Value::Int(1));

    hub.trouble(Trouble::Status(503));
    assert_eq!(client.post("/kojihub", "hello", json!([])).await.unwrap().status(), 503);
    hub.no_trouble();

    let garbage = "<html>Sorry</html>";
    hub.trouble(Trouble::Garbage(garbage));
    let answer = client.post("/kojihub", "hello", json!([])).await.unwrap();
    assert_eq!((answer.status(), answer.body.as_slice()), (200, garbage.as_bytes()));
    hub.no_trouble();

    hub.trouble(Trouble::Endless { bytes: 1 << 20 });
    let answer = client.post("/kojihub", "hello", json!([])).await.unwrap();
    assert_eq!(answer.body.len(), 1 << 20);
    assert!(Document::parse(&answer.body).is_err());
    hub.no_trouble();

    for trouble in [Trouble::Close, Trouble::Drop] {
        hub.trouble(trouble);
        let mut client = Connection::to(hub.port).await;
        assert!(client.post("/kojihub", "hello", json!([])).await.is_none());
        hub.no_trouble();
    }
    assert_eq!(client.value("hello", json!([])).await.text(), "Hello World");
}

#[tokio::test]
async fn one_part_of_a_multicall_can_fail() {
    let hub = SmallHub::start();
    let fault = Trouble::Fault {
        code: 1000,
        text: "out of luck",
    };
    let once = For {
        method: Some("getUser"),
        times: Some(1),
    };
    hub.trouble_for(once, fault);
    let mut client = Connection::to(hub.port).await;
    let parts = json!([[{"methodName": "getUser", "params": ["mona"]}, {"methodName": "hello", "params": []}]]);
    let answer = client.value("multiCall", parts.clone()).await;
    assert_eq!(answer.items()[0].member("faultString").text(), "out of luck");
    assert_eq!(answer.items()[1].items()[0].text(), "Hello World");
    let answer = client.value("system.multicall", parts).await;
    assert_eq!(answer.items()[0].items()[0].member("name").text(), "mona");
}

#[tokio::test]
async fn a_call_that_is_held_is_answered_when_it_is_let_go() {
    let hub = SmallHub::start();
    let held = For {
        method: Some("hello"),
        times: None,
    };
    let once = For { times: Some(1), ..held };
    hub.trouble_for(once, Trouble::Hold);
    let mut client = Connection::to(hub.port).await;
    let mut other = Connection::to(hub.port).await;
    let asking = tokio::spawn(async move { client.value("hello", json!([])).await });
    let calls = hub.wait_for_calls(1, Some("hello")).await;
    assert_eq!((calls.len(), calls[0].response_bytes), (1, None));
    // Others are served meanwhile.
    assert_eq!(other.value("getAPIVersion", json!([])).await, Value::Int(1));
    assert!(!asking.is_finished());
    hub.no_trouble();
    assert_eq!(asking.await.unwrap().text(), "Hello World");

    hub.trouble_for(held, Trouble::Delay { secs: 0.2 });
    let before = Instant::now();
    other.value("hello", json!([])).await;
    assert!(before.elapsed().as_secs_f64() >= 0.2);
}

#[tokio::test]
async fn it_remembers_who_asked_for_what() {
    let hub = SmallHub::start();
    let mut client = Connection::to(hub.port).await;
    client.value("hello", json!([])).await;
    let parts = json!([[{"methodName": "getUser", "params": ["mona"]}, {"methodName": "hello", "params": []}]]);
    client.value("multiCall", parts).await;
    let calls = hub.wait_for_answers(2, Some("hello")).await;
    assert_eq!(calls[0].method.as_deref(), Some("hello"));
    assert_eq!(calls[1].method.as_deref(), Some("multiCall"));
    assert_eq!(calls[1].parts, ["getUser", "hello"]);
    assert!(
        calls
            .iter()
            .all(|it| it.request_bytes > 50 && it.response_bytes > Some(50))
    );
    assert_eq!(hub.take_calls().len(), 2);
    assert!(hub.calls().is_empty());
}

#[tokio::test]
async fn it_goes_away_and_comes_back_at_the_same_place() {
    let hub = SmallHub::start();
    let task = hub.submit("mona", "bash-5.3-1.fc44").task;
    let mut client = Connection::to(hub.port).await;
    client.value("hello", json!([])).await;
    hub.go_away();
    assert!(client.post("/kojihub", "hello", json!([])).await.is_none());
    assert!(TcpStream::connect(("127.0.0.1", hub.port)).await.is_err());
    hub.come_back();
    let mut client = Connection::to(hub.port).await;
    let record = client.value("getTaskInfo", json!([task])).await;
    assert_eq!(record.member("state"), &Value::Int(0));
}

#[tokio::test]
async fn a_log_is_sent_whole_or_in_part_however_large_it_is() {
    let hub = SmallHub::start();
    let task = hub.submit("mona", "bash-5.3-1.fc44").task;
    const SIZE: u64 = 200 << 20;
    hub.put_large_log(task, "build.log", "the end\n", SIZE);
    let path = format!("work/tasks/{task}/{task}/build.log");
    let mut client = Connection::to(hub.port).await;
    let (status, range, body) = part(&mut client, &path, "bytes=-20").await;
    assert_eq!(
        (status, range),
        (206, format!("bytes {}-{}/{SIZE}", SIZE - 20, SIZE - 1))
    );
    assert!(body.ends_with("the end\n") && body.len() == 20, "{body}");
    assert_eq!(hub.bytes_sent(&path), 20);
    // The middle is the same however it is cut.
    let (_, _, long) = part(&mut client, &path, "bytes=100000-100199").await;
    let (_, _, short) = part(&mut client, &path, "bytes=100100-100149").await;
    assert_eq!(long[100..150], short);
    let (status, range, _) = part(&mut client, &path, &format!("bytes={SIZE}-")).await;
    assert_eq!((status, range), (416, format!("bytes */{SIZE}")));
    let (status, _, _) = part(&mut client, "work/tasks/1/1/no.log", "bytes=0-").await;
    assert_eq!(status, 404);
    let stat = client.value("listTaskOutput", json!([task, true])).await;
    assert_eq!(stat.member("build.log").member("st_size").text(), SIZE.to_string());

    // A client that has seen enough hangs up, and most of it is never made.
    let mut stream = TcpStream::connect(("127.0.0.1", hub.port)).await.unwrap();
    let request = format!("GET /kojifiles/{path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut start = vec![0; 1 << 16];
    stream.read_exact(&mut start).await.unwrap();
    assert!(start.starts_with(b"HTTP/1.1 200 "));
    drop(stream);
    assert!(hub.bytes_sent(&path) < SIZE / 4);
}

async fn part(client: &mut Connection, path: &str, range: &str) -> (u16, String, String) {
    client.headers = vec![("Range".to_owned(), range.to_owned())];
    let answer = client.send("GET", &format!("/kojifiles/{path}"), b"").await.unwrap();
    client.headers.clear();
    let range = answer.headers.get("content-range").cloned().unwrap_or_default();
    (answer.status(), range, String::from_utf8(answer.body).unwrap())
}
