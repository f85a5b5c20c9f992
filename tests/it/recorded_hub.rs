//! A hub that has only its memories: it answers each request that our laboratory recorded with the bytes that the real
//! hub answered then, and any other with 404.
//!
//! A request is known by its path and its body, the same bytes or the same call. Where several were alike, the host and
//! what says who asks decide; then it is their turn in the order in which they were recorded.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "what is public here is for the stories of the other modules, as far as they need it"
)]

mod outcomes;
mod value;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::decoding::fixtures;

pub(crate) use value::{Document, Value, call};

/// What tells apart requests that are otherwise alike.
const TELLING: [&str; 5] = [
    "host",
    "koji-session-id",
    "koji-session-key",
    "koji-session-callnum",
    "authorization",
];

/// A running server. It ends when this is dropped.
pub struct RecordedHub {
    pub port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// A request and what the real hub answered. No answer at all: the connection was closed.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Of the file.
    pub name: String,
    pub request: Message,
    pub answer: Option<Message>,
}

/// One HTTP message, as it was sent.
#[derive(Clone, Debug)]
pub struct Message {
    pub bytes: Vec<u8>,
    /// `POST /kojihub HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub first_line: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

struct State {
    exchanges: Vec<Exchange>,
    /// How often each of them was answered.
    used: Vec<usize>,
    unknown: Vec<Message>,
}

impl RecordedHub {
    /// Starts one with the laboratory's exchanges.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let exchanges = exchanges();
        let state = Arc::new(Mutex::new(State {
            used: vec![0; exchanges.len()],
            exchanges,
            unknown: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, state, task }
    }

    /// Returns the address of the hub.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/kojihub", self.port)
    }

    /// Returns the names of the exchanges that were asked for, in the order of the files.
    pub fn asked(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let used = state.exchanges.iter().zip(&state.used).filter(|(_, used)| **used > 0);
        used.map(|(it, _)| it.name.clone()).collect()
    }

    /// Returns the requests that nothing was recorded for.
    pub fn unknown(&self) -> Vec<Message> {
        self.state.lock().unwrap().unknown.clone()
    }
}

impl Drop for RecordedHub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns all recorded exchanges, in the order in which they were recorded. A file may hold several.
pub fn exchanges() -> Vec<Exchange> {
    let folder = fixtures().join("hub");
    let index: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let mut exchanges = Vec::new();
    for entry in index {
        let name = entry["file"].as_str().unwrap();
        let mut answers = messages(&folder.join(format!("{name}.response"))).into_iter();
        for request in messages(&folder.join(format!("{name}.request"))) {
            exchanges.push(Exchange {
                name: name.to_owned(),
                request,
                answer: answers.next(),
            });
        }
        assert!(answers.next().is_none(), "{name}: more answers than requests");
    }
    exchanges
}

impl Message {
    /// Returns the first message in some bytes, and what follows it.
    fn split(bytes: &[u8]) -> (Self, &[u8]) {
        let head_end = 4 + bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let mut message = Self::with_head(&bytes[..head_end]);
        let end = head_end + message.length();
        message.body = bytes[head_end..end].to_vec();
        message.bytes = bytes[..end].to_vec();
        (message, &bytes[end..])
    }

    fn with_head(bytes: &[u8]) -> Self {
        let head = str::from_utf8(bytes).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let first_line = lines.next().unwrap().to_owned();
        let header = |it: &str| {
            let (name, value) = it.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        };
        Self {
            bytes: bytes.to_vec(),
            first_line,
            headers: lines.map(header).collect(),
            body: Vec::new(),
        }
    }

    fn length(&self) -> usize {
        self.headers.get("content-length").map_or(0, |it| it.parse().unwrap())
    }

    /// Returns the status of an answer.
    pub fn status(&self) -> u16 {
        self.first_line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Reads one message; `None` at the end of the connection.
    pub async fn read(stream: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_until(b'\n', &mut head).await.ok()? == 0 {
                return None;
            }
        }
        let mut message = Self::with_head(&head);
        message.body = vec![0; message.length()];
        stream.read_exact(&mut message.body).await.ok()?;
        message.bytes.extend_from_slice(&message.body);
        Some(message)
    }
}

impl State {
    /// Returns what is to be answered. `None`: the connection is closed.
    fn answer(&mut self, request: Message) -> Option<Vec<u8>> {
        let value = Document::parse(&request.body).ok();
        let alike = |it: &&Exchange| {
            let is_call = value.is_some() && Document::parse(&it.request.body).ok() == value;
            it.request.first_line == request.first_line && (it.request.body == request.body || is_call)
        };
        let told = |it: &Exchange| {
            let same = |name: &&&str| it.request.headers.get(**name) == request.headers.get(**name);
            TELLING.iter().filter(same).count()
        };
        let found = self.exchanges.iter().enumerate().filter(|(_, it)| alike(it));
        let best = found.min_by_key(|(at, it)| (usize::MAX - told(it), self.used[*at], *at));
        let Some((at, exchange)) = best else {
            self.unknown.push(request);
            return Some(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec());
        };
        self.used[at] += 1;
        exchange.answer.as_ref().map(|it| it.bytes.clone())
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = Message::read(&mut stream).await {
        let Some(answer) = state.lock().unwrap().answer(request) else {
            return;
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn messages(file: &Path) -> Vec<Message> {
    let bytes = fs::read(file).unwrap();
    let mut rest = &bytes[..];
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let (message, after) = Message::split(rest);
        messages.push(message);
        rest = after;
    }
    messages
}

#[tokio::test]
async fn every_recorded_exchange_is_answered_as_it_was() {
    let hub = RecordedHub::start().await;
    let exchanges = exchanges();
    for exchange in &exchanges {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", hub.port)).await.unwrap());
        stream.write_all(&exchange.request.bytes).await.unwrap();
        let answer = Message::read(&mut stream).await;
        let expected = exchange.answer.as_ref().map(|it| &it.bytes);
        assert!(answer.as_ref().map(|it| &it.bytes) == expected, "{}", exchange.name);
    }
    let mut names: Vec<&str> = exchanges.iter().map(|it| it.name.as_str()).collect();
    names.dedup();
    assert_eq!((names.len(), exchanges.len()), (67, 70));
    assert_eq!(hub.asked().len(), exchanges.len());
    assert_eq!(hub.unknown().len(), 0);
}

#[tokio::test]
async fn the_same_call_in_other_words_gets_the_same_answer() {
    let hub = RecordedHub::start().await;
    let recorded = exchanges()
        .into_iter()
        .find(|it| it.name == "07-listTasks-open")
        .unwrap();
    let Ok(Document::Call { method, arguments }) = Document::parse(&recorded.request.body) else {
        panic!("not a call");
    };
    let body = call(&method, &arguments);
    assert_ne!(body.as_bytes(), recorded.request.body);
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", hub.port)).await.unwrap());
    // Twice in one connection.
    for body in [&body, &body, &call("listTasks", &[])] {
        let head = format!(
            "POST /kojihub HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    }
    for _ in 0..2 {
        let answer = Message::read(&mut stream).await.unwrap();
        assert!(answer.bytes == recorded.answer.as_ref().unwrap().bytes);
        assert_eq!(Document::parse(&answer.body).unwrap().answer().items().len(), 6);
    }
    assert_eq!(Message::read(&mut stream).await.unwrap().status(), 404);
    assert_eq!(hub.unknown().len(), 1);
    assert_eq!(hub.asked(), ["07-listTasks-open"]);
}
