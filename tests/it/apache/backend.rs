//! What stands behind Apache in the place of a hub: it writes down what it is asked, and answers as it is told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::decoding::fixtures;

/// A request, as Apache has let it through.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }
}

pub(crate) struct Backend {
    pub port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    asked: tokio::sync::watch::Sender<Vec<Asked>>,
    answer: Mutex<Vec<u8>>,
    /// Whether answers are held back.
    held: tokio::sync::watch::Sender<bool>,
}

impl Backend {
    /// Starts one that takes every login.
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared {
            asked: tokio::sync::watch::Sender::default(),
            answer: Mutex::default(),
            held: tokio::sync::watch::Sender::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let with = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut clients = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                clients.spawn(converse(stream, Arc::clone(&with)));
            }
        });
        let backend = Self { port, shared, task };
        backend.answer(200, &recorded_body("43-sslLogin-clientcert.response"));
        backend
    }

    /// From now on, this is the answer.
    pub(crate) fn answer(&self, status: u16, body: &[u8]) {
        self.answer_with(status, "Content-Type: text/xml", body);
    }

    pub(crate) fn answer_with(&self, status: u16, header: &str, body: &[u8]) {
        let head = format!(
            "HTTP/1.1 {status} X\r\n{header}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        *self.shared.answer.lock().unwrap() = [head.as_bytes(), body].concat();
    }

    /// Holds answers back until [`Self::release`].
    pub(crate) fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// Returns what it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.borrow().clone()
    }

    /// Waits until it has been asked so often.
    pub(crate) async fn arrival(&self, times: usize) {
        let mut asked = self.shared.asked.subscribe();
        asked.wait_for(|it| it.len() >= times).await.unwrap();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns the body of a recorded request or answer.
pub(crate) fn recorded_body(name: &str) -> Vec<u8> {
    let text = std::fs::read(fixtures().join("hub").join(name)).unwrap();
    let at = text.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    text[at + 4..].to_owned()
}

/// Answers one request after the other, until the client leaves.
async fn converse(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(asked) = request(&mut stream).await {
        shared.asked.send_modify(|it| it.push(asked));
        let mut held = shared.held.subscribe();
        if held.wait_for(|it| !it).await.is_err() {
            return;
        }
        let answer = shared.answer.lock().unwrap().clone();
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines.filter_map(|it| it.split_once(": "));
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut asked = Asked {
        path,
        headers,
        body: Vec::new(),
    };
    let length = asked.header("content-length").map_or(0, |it| it.parse().unwrap());
    asked.body = vec![0; length];
    stream.read_exact(&mut asked.body).await.ok()?;
    Some(asked)
}
