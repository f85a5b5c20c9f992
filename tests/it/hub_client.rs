//! The hub's client, against a server that says what a test wants said.

mod changes;
mod connections;
mod files;
mod small;
mod stories;

use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use koji_notify::hub::access::{Access, Address, Login, Times, Trust};
use koji_notify::hub::client::Client;
use koji_notify::hub::fault::{Fault, FaultCode};
use koji_notify::hub::session::Session;
use koji_notify::hub::trouble::HubError;
use tokio::sync::Notify;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::hub_server::Asked;
use crate::rabbit::Certs;

/// Time enough for anything that happens at all.
const GENEROUS: Duration = Duration::from_secs(30);
/// A key as a hub makes them. It must not be seen anywhere.
const KEY: &str = "2-VcbEaQp7yauUcy25n9Z";

/// A hub in clear on this machine, asked as nobody.
fn access(port: u16) -> Access {
    Access {
        server: Address::parse(&format!("http://127.0.0.1:{port}/kojihub")).unwrap(),
        trust: Trust::System,
        login: Login::Nothing,
        times: Times {
            connect: GENEROUS / 2,
            call: GENEROUS,
            login: GENEROUS,
            idle: GENEROUS,
        },
    }
}

/// A hub with TLS on this machine, believed by the test's own CA.
fn secured(port: u16, certs: &Certs) -> Access {
    Access {
        server: Address::parse(&format!("https://localhost:{port}/kojihub")).unwrap(),
        trust: Trust::Only(certs.ca()),
        ..access(port)
    }
}

fn client(port: u16) -> Client {
    Client::new(access(port))
}

fn session(header_auth: bool) -> Session {
    Session::new(165, KEY.to_owned(), header_auth).unwrap()
}

/// Reads as a whole what the hub's own tests never would, and finds a fault as far as these tests need one.
fn decode(answer: &mut dyn BufRead) -> Result<Result<String, Fault>, io::Error> {
    let mut text = String::new();
    answer.read_to_string(&mut text)?;
    let Some((_, rest)) = text.split_once("<name>faultCode</name>\n<value><int>") else {
        return Ok(Ok(text));
    };
    let number = rest.split('<').next().unwrap().parse().unwrap();
    let said = rest.split("<string>").nth(1).unwrap().split('<').next().unwrap();
    Ok(Err(Fault {
        code: FaultCode::from_number(number),
        text: said.to_owned(),
    }))
}

async fn read(client: &Client) -> Result<String, HubError> {
    client.read(b"<methodCall/>".to_vec(), decode).await
}

async fn change(client: &Client) -> Result<String, HubError> {
    client.change(b"<methodCall/>".to_vec(), decode).await
}

/// Returns a request's head without what differs from run to run.
fn shown(asked: &Asked, port: u16) -> String {
    let head = asked.head.replace("\r\n", "\n");
    let head = head.replace(&format!(":{port}"), ":PORT");
    head.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

fn certs() -> (tempfile::TempDir, Certs) {
    let directory = tempfile::tempdir().unwrap();
    let certs = Certs::make(directory.path().join("certs"));
    (directory, certs)
}

/// Everything that is logged on this thread while it lives, by whomever.
struct Log {
    sink: Sink,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Sink {
    text: Arc<Mutex<String>>,
    more: Arc<Notify>,
}

impl Log {
    fn start() -> Self {
        let sink = Sink::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(sink.clone())
            .finish();
        Self {
            sink,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    fn text(&self) -> String {
        self.sink.text.lock().unwrap().clone()
    }

    async fn wait_for(&self, words: &str) {
        let heard = async {
            while !self.text().contains(words) {
                self.sink.more.notified().await;
            }
        };
        let in_time = tokio::time::timeout(GENEROUS, heard).await;
        assert!(in_time.is_ok(), "{words:?} was not logged:\n{}", self.text());
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        self.more.notify_one();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
