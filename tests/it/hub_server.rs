//! A server that says over HTTP whatever a test wants said, byte for byte, and remembers what it was asked.
//!
//! Each request that comes in, on whatever connection, takes the next reply of the script. Nothing is made up here: a
//! reply that is not HTTP goes out as it is.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use koji_notify::net::dial::Io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

use crate::rabbit::{Certs, ServerCert};

/// What is done with one request.
pub(crate) enum Reply {
    /// Says this, and waits for the next request.
    Say(Vec<u8>),
    /// Says what this makes of the request, and waits for the next one.
    Made(Answer),
    /// Says this and closes the connection.
    Last(Vec<u8>),
    /// Says this, waits for the word, says that.
    Held(Vec<u8>, Arc<tokio::sync::Semaphore>, Vec<u8>),
    /// Says this and then nothing any more.
    Silent(Vec<u8>),
    /// Says this and then a letter now and then, for ever.
    Drip(Vec<u8>),
    /// Says this, and then as many bytes as somebody takes, up to so many.
    Flood(Vec<u8>, u64),
}

/// Makes an answer, byte for byte, to a request.
pub(crate) type Answer = Box<dyn FnOnce(&Asked) -> Vec<u8> + Send>;

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Which connection, counted from 1.
    pub(crate) connection: usize,
    /// Request line and headers, in lines.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn request_line(&self) -> &str {
        self.head.lines().next().unwrap()
    }
}

/// How many connections there were, are, and at most were at once with a request on them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    pub(crate) accepted: usize,
    pub(crate) open: usize,
    pub(crate) busy: usize,
    pub(crate) busiest: usize,
}

/// How TLS is spoken.
pub(crate) enum Tls {
    No,
    /// With this certificate.
    As(ServerCert),
    /// With the good one, and a look at the client's.
    Mutual,
}

pub(crate) struct HubServer {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    asked: mpsc::UnboundedReceiver<Asked>,
    listening: JoinHandle<()>,
}

struct Shared {
    script: Mutex<VecDeque<Reply>>,
    count: watch::Sender<Count>,
    report: mpsc::UnboundedSender<Asked>,
    /// Of a flood: what went out, and whether nobody takes more at the moment.
    sent: AtomicU64,
    stuck: watch::Sender<bool>,
    acceptor: Option<TlsAcceptor>,
}

/// Time enough for anything that happens at all.
const GENEROUS: Duration = Duration::from_secs(30);
/// A flood that nobody has taken from for this long is stuck.
const STUCK: Duration = Duration::from_millis(500);
/// How often a server that drips does so.
const PACE: Duration = Duration::from_millis(20);

impl HubServer {
    pub(crate) async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(None, &Tls::No, script).await
    }

    pub(crate) async fn start_tls(certs: &Certs, tls: &Tls, script: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(Some(certs), tls, script).await
    }

    async fn start_with(certs: Option<&Certs>, tls: &Tls, script: impl IntoIterator<Item = Reply>) -> Self {
        let place = Place::reserve();
        place.open(certs, tls, script)
    }

    /// Waits for the next request.
    pub(crate) async fn asked(&mut self) -> Asked {
        in_time("a request", self.asked.recv()).await.unwrap()
    }

    /// Returns the requests so far that nobody has waited for.
    pub(crate) fn all_asked(&mut self) -> Vec<Asked> {
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }

    pub(crate) fn count(&self) -> Count {
        *self.shared.count.borrow()
    }

    /// Waits until it is so.
    pub(crate) async fn count_when(&self, is_so: impl FnMut(&Count) -> bool) -> Count {
        let mut count = self.shared.count.subscribe();
        *in_time("that count", count.wait_for(is_so)).await.unwrap()
    }

    /// Waits until a flood is stuck, and returns how much of it went out.
    pub(crate) async fn stuck(&self) -> u64 {
        let mut stuck = self.shared.stuck.subscribe();
        in_time("being stuck", stuck.wait_for(|it| *it)).await.unwrap();
        self.sent()
    }

    /// Returns how much of floods went out so far.
    pub(crate) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    pub(crate) fn say_next(&self, reply: Reply) {
        self.shared.script.lock().unwrap().push_back(reply);
    }
}

async fn in_time<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(GENEROUS, waiting).await;
    waited.unwrap_or_else(|_| panic!("the server waits for {what}"))
}

impl Drop for HubServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// A port that is taken, and where nobody listens yet.
pub(crate) struct Place {
    pub(crate) port: u16,
    socket: TcpSocket,
}

impl Place {
    pub(crate) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // So that back-pressure is seen early.
        socket.set_send_buffer_size(64 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        Self { port, socket }
    }

    pub(crate) fn open(self, certs: Option<&Certs>, tls: &Tls, script: impl IntoIterator<Item = Reply>) -> HubServer {
        let (report, asked) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into_iter().collect()),
            count: watch::Sender::new(Count::default()),
            report,
            sent: AtomicU64::new(0),
            stuck: watch::Sender::new(false),
            acceptor: acceptor(certs, tls),
        });
        let listener = self.socket.listen(64).unwrap();
        HubServer {
            port: self.port,
            listening: tokio::spawn(listen(listener, shared.clone())),
            shared,
            asked,
        }
    }
}

fn acceptor(certs: Option<&Certs>, tls: &Tls) -> Option<TlsAcceptor> {
    let kind = match tls {
        Tls::No => return None,
        Tls::As(kind) => *kind,
        Tls::Mutual => ServerCert::Good,
    };
    let certs = certs.unwrap();
    let pair = certs.server(kind);
    let chain = |file| CertificateDer::pem_file_iter(file).unwrap().map(Result::unwrap);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if matches!(tls, Tls::Mutual) {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(chain(certs.ca()));
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
    let config = builder
        .with_single_cert(chain(pair.certificate).collect(), key)
        .unwrap();
    Some(TlsAcceptor::from(Arc::new(config)))
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let shared = shared.clone();
        shared.count.send_modify(|it| {
            it.accepted += 1;
            it.open += 1;
        });
        let number = shared.count.borrow().accepted;
        connections.spawn(async move {
            serve(tcp, number, &shared).await;
            shared.count.send_modify(|it| it.open -= 1);
        });
    }
}

async fn serve(tcp: TcpStream, number: usize, shared: &Shared) {
    let mut stream: Box<dyn Io> = match &shared.acceptor {
        None => Box::new(tcp),
        Some(acceptor) => match acceptor.accept(tcp).await {
            Ok(stream) => Box::new(stream),
            // A client that does not like the certificate leaves here.
            Err(_) => return,
        },
    };
    while let Some(asked) = hear(&mut stream, number).await {
        shared.count.send_modify(|it| {
            it.busy += 1;
            it.busiest = it.busiest.max(it.busy);
        });
        let _ = shared.report.send(asked.clone());
        let reply = shared.script.lock().unwrap().pop_front();
        let goes_on = match reply {
            Some(reply) => answer(&mut stream, reply, &asked, shared).await,
            None => false,
        };
        shared.count.send_modify(|it| it.busy -= 1);
        if !goes_on {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn hear(stream: &mut Box<dyn Io>, connection: usize) -> Option<Asked> {
    let mut heard = Vec::new();
    let end = loop {
        if let Some(end) = heard.windows(4).position(|it| it == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut heard).await.ok()? == 0 {
            return None;
        }
    };
    let mut asked = Asked {
        connection,
        head: String::from_utf8(heard[..end].to_vec()).unwrap(),
        body: heard[end..].to_vec(),
    };
    let length = asked.header("content-length").map_or(0, |it| it.parse().unwrap());
    while asked.body.len() < length {
        if stream.read_buf(&mut asked.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(asked)
}

/// Returns whether the connection goes on.
async fn answer(stream: &mut Box<dyn Io>, reply: Reply, asked: &Asked, shared: &Shared) -> bool {
    match reply {
        Reply::Say(bytes) => say(stream, &bytes).await,
        Reply::Made(answer) => say(stream, &answer(asked)).await,
        Reply::Last(bytes) => {
            let _ = stream.write_all(&bytes).await;
            false
        }
        Reply::Held(before, word, after) => {
            let _ = stream.write_all(&before).await;
            let _ = stream.flush().await;
            tokio::select! {
                word = word.acquire() => word.unwrap().forget(),
                () = hung_up(stream) => return false,
            }
            say(stream, &after).await
        }
        Reply::Silent(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            hung_up(stream).await;
            false
        }
        Reply::Drip(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let mut pace = tokio::time::interval(PACE);
            loop {
                tokio::select! {
                    _ = pace.tick() => {}
                    () = hung_up(stream) => return false,
                }
                if stream.write_all(b"x").await.is_err() || stream.flush().await.is_err() {
                    return false;
                }
            }
        }
        Reply::Flood(before, most) => {
            let _ = stream.write_all(&before).await;
            flood(stream, most, shared).await
        }
    }
}

async fn say(stream: &mut Box<dyn Io>, bytes: &[u8]) -> bool {
    stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok()
}

async fn flood(stream: &mut Box<dyn Io>, most: u64, shared: &Shared) -> bool {
    let piece = [b'x'; 16 * 1024];
    let mut left = most;
    while left > 0 {
        let next = &piece[..left.min(piece.len() as u64) as usize];
        let mut writing = std::pin::pin!(stream.write(next));
        let written = match tokio::time::timeout(STUCK, &mut writing).await {
            Ok(written) => written,
            Err(_) => {
                shared.stuck.send_replace(true);
                writing.await
            }
        };
        match written {
            Ok(0) | Err(_) => return false,
            Ok(written) => {
                left -= written as u64;
                shared.sent.fetch_add(written as u64, Ordering::SeqCst);
            }
        }
    }
    stream.flush().await.is_ok()
}

/// Returns when the client has closed its side. A client that goes on talking is not waited for.
async fn hung_up(stream: &mut Box<dyn Io>) {
    let mut byte = [0];
    match stream.read(&mut byte).await {
        Ok(0) | Err(_) => {}
        Ok(_) => pending().await,
    }
}

/// Returns a whole answer with these headers, each ending in `\r\n`, and this body, whose length is added.
pub(crate) fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// Returns an answer as a hub gives it.
pub(crate) fn xml(body: &str) -> Vec<u8> {
    http("200 OK", "Content-Type: text/xml\r\n", body.as_bytes())
}

/// Returns a fault as a hub gives it.
pub(crate) fn fault(code: i64, text: &str) -> Vec<u8> {
    xml(&format!(
        "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n\
         <value><int>{code}</int></value>\n</member>\n<member>\n<name>faultString</name>\n\
         <value><string>{text}</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n"
    ))
}
