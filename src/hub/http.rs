//! HTTP with one server: a connection that is kept for a while, and requests over it.
//!
//! Promise: a connection is dialled within its time limit, is dropped in the middle of anything rather than used
//! again, and is kept at most once and only for so long: an idle program holds no socket and no timer that ticks.
//! Redirections are not followed here.
//!
//! It deliberately does not know what is asked, nor whether it may be asked twice.

pub(super) mod answer;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use hyper::http::request::Builder;
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle, JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use tracing::debug;

use super::access::{Address, Times, Trust};
use super::trouble::HubError;
use crate::clock;
use crate::net::credentials::{self, Identity};
use crate::net::dial::{Io, is_here, reach, resolve, secure};
use crate::net::trouble::{NetError, shortened};

/// How we introduce ourselves.
const NAME: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
/// The most that is read from a connection before somebody takes it, and the largest head of an answer.
const MAX_BUFFER: usize = 64 * 1024;
/// The most of a plain refusal that is kept, in bytes.
const MAX_SAID: usize = 200;

/// One server, and the connection to it that is kept.
#[derive(Debug)]
pub(super) struct Server {
    address: Address,
    trust: Trust,
    /// Our certificate with its key, where there is one.
    identity: Option<PathBuf>,
    times: Times,
    /// How TLS is spoken, kept over connections, which lets them be resumed. Made anew after one that failed, and each
    /// time where we have a certificate: it may have been renewed.
    tls: Mutex<Option<Arc<ClientConfig>>>,
    kept: Mutex<Option<Kept>>,
}

/// What a connection has to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Not one that was used before.
    pub(super) fresh: bool,
    /// Not in clear, unless to this very machine.
    pub(super) private: bool,
    /// Made with this address of the host, or at least with one of its kind.
    pub(super) peer: Option<IpAddr>,
}

impl Server {
    pub(super) fn new(address: Address, trust: Trust, identity: Option<PathBuf>, times: Times) -> Self {
        Self {
            address,
            trust,
            identity,
            times,
            tls: Mutex::new(None),
            kept: Mutex::new(None),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn times(&self) -> Times {
        self.times
    }

    /// Starts a request for this server. The target is a path, with a query where there is one.
    pub(super) fn request(&self, method: Method, target: &str) -> Builder {
        Request::builder()
            .method(method)
            .version(Version::HTTP_11)
            .uri(target)
            .header(HOST, self.address.authority())
            .header(USER_AGENT, NAME)
    }

    /// Returns the connection that was kept, or a new one. Nothing has been said on a new one.
    pub(super) async fn line(&self, terms: Terms) -> Result<Line, HubError> {
        if !terms.fresh
            && let Some(line) = self.take().await
            && line.suits(terms)
        {
            return Ok(line);
        }
        let limit = self.times.connect;
        let dialled = timeout(limit, self.dial(terms)).await;
        dialled.unwrap_or(Err(HubError::Silent(limit)))
    }

    /// Keeps a connection whose last answer was read to its end, unless there is one already.
    pub(super) fn keep(&self, line: Line) {
        let mut kept = lock(&self.kept);
        if kept.as_ref().is_none_or(|it| it.keeper.is_finished()) {
            let (wanted, is_wanted) = oneshot::channel();
            let keeper = tokio::spawn(keep(line, self.times, is_wanted));
            *kept = Some(Kept { wanted, keeper });
        }
    }

    async fn take(&self) -> Option<Line> {
        let Kept { wanted, keeper } = lock(&self.kept).take()?;
        // A keeper that has let go of its connection no longer listens.
        let _sent = wanted.send(());
        keeper.await.ok().flatten()
    }

    async fn dial(&self, terms: Terms) -> Result<Line, HubError> {
        let Address { tls, host, port, .. } = &self.address;
        let mut addresses = resolve(host, *port).await?;
        if !tls && terms.private && !is_here(&addresses) {
            return Err(HubError::Unprotected);
        }
        if let Some(peer) = terms.peer {
            addresses.sort_by_key(|it| (it.is_ipv4() != peer.is_ipv4(), it.ip() != peer));
        }
        let tcp = reach(&addresses, self.times.connect).await?;
        let peer = tcp.peer_addr().map_err(NetError::Unreachable)?;
        let stream: Box<dyn Io> = if *tls {
            let secured = secure(self.config().await?, host, tcp).await;
            if matches!(secured, Err(NetError::Tls(_))) {
                *lock(&self.tls) = None;
            }
            Box::new(secured?)
        } else {
            Box::new(tcp)
        };
        debug!(server = %self.address, %peer, "connected");
        Line::start(stream, peer, *tls || peer.ip().is_loopback()).await
    }

    async fn config(&self) -> Result<Arc<ClientConfig>, HubError> {
        if let Some(config) = lock(&self.tls).clone() {
            return Ok(config);
        }
        let (trust, identity) = (self.trust.clone(), self.identity.clone());
        // The system's authorities are some hundred files.
        let made = spawn_blocking(move || {
            let identity = identity.as_deref().map(|file| Identity {
                certificate: file,
                key: file,
            });
            credentials::tls(&trust, identity, clock::now())
        });
        let config = made.await.map_err(panicked)??;
        if self.identity.is_none() {
            *lock(&self.tls) = Some(config.clone());
        }
        Ok(config)
    }
}

/// An open connection. Dropped, it is closed, whatever is under way.
#[derive(Debug)]
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// Reads and writes, until the connection ends. The only task in it.
    driver: JoinSet<()>,
    peer: SocketAddr,
    is_private: bool,
    /// Whether it has answered before, so that the server may be closing it at this very moment.
    pub(super) was_kept: bool,
}

/// Why there is no answer to a request.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) error: HubError,
    /// Whether any of the request may have gone out.
    pub(super) sent: bool,
}

impl Line {
    async fn start(stream: Box<dyn Io>, peer: SocketAddr, is_private: bool) -> Result<Self, HubError> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MAX_BUFFER);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Whoever waits for an answer is told, too.
            if let Err(error) = connection.await {
                debug!(%error, "a connection broke");
            }
        });
        Ok(Self {
            sender,
            driver,
            peer,
            is_private,
            was_kept: false,
        })
    }

    /// Sends a request and returns the head of the answer, with the body to come.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Unanswered> {
        let unsent = |error: hyper::Error| Unanswered {
            error: error.into(),
            sent: false,
        };
        self.sender.ready().await.map_err(unsent)?;
        self.sender.try_send_request(request).await.map_err(|mut error| {
            let sent = error.take_message().is_none();
            Unanswered {
                error: error.into_error().into(),
                sent,
            }
        })
    }

    fn suits(&self, terms: Terms) -> bool {
        let is_of_a_kind = terms.peer.is_none_or(|it| it.is_ipv4() == self.peer.is_ipv4());
        is_of_a_kind && (self.is_private || !terms.private)
    }
}

/// A connection that waits for the next request, in the care of a task.
#[derive(Debug)]
struct Kept {
    /// Asks for it. When it is dropped, so is the connection.
    wanted: oneshot::Sender<()>,
    keeper: JoinHandle<Option<Line>>,
}

/// Holds a connection until somebody wants it, the server closes it, or it was idle for too long.
async fn keep(mut line: Line, times: Times, is_wanted: oneshot::Receiver<()>) -> Option<Line> {
    let is_good = tokio::select! {
        biased;
        _ended = line.driver.join_next() => false,
        asked = is_wanted => asked.is_ok(),
        () = clock::pass(times.idle) => false,
    };
    line.was_kept = true;
    is_good.then_some(line)
}

/// Returns what an answer that is not what was asked for means. Looks into it only if it is `plain`, and a moment.
pub(super) async fn refusal(answer: Response<Incoming>, is_told: bool) -> HubError {
    let status = answer.status();
    if status.is_redirection() {
        let to = text(answer.headers().get(LOCATION)).unwrap_or_default();
        // What we put into a query comes back in it.
        let to = to.split(['?', '#']).next().unwrap_or_default();
        return HubError::Moved { status, to: clean(to) };
    }
    let is_plain = text(answer.headers().get(CONTENT_TYPE)).is_some_and(|it| it.starts_with("text/plain"));
    let said = if is_plain && is_told {
        let begun = answer::beginning(answer.into_body(), MAX_SAID)
            .await
            .unwrap_or_default();
        clean(&String::from_utf8_lossy(&begun.bytes))
    } else {
        String::new()
    };
    HubError::Status { status, said }
}

/// Returns a header's value, if it is one that can be read.
pub(super) fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value?.to_str().ok()
}

/// Returns a header that stays out of every log.
pub(super) fn sensitive(name: &'static str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

/// Returns a stranger's words as one line of bounded length.
pub(super) fn clean(said: &str) -> String {
    let words: Vec<&str> = said
        .split(|it: char| it.is_control() || it == ' ')
        .filter(|it| !it.is_empty())
        .collect();
    shortened(&words.join(" "), MAX_SAID).to_owned()
}

/// A panic of ours in a room of its own; there is none in the program as it is delivered.
pub(super) fn panicked(error: JoinError) -> HubError {
    HubError::Garbled(Box::new(error))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
