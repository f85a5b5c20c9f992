//! The hub, asked over HTTP: calls that read, and calls that change something.
//!
//! Promise: a call that reads is tried again while that may help, within its time limit. A call that changes
//! something is never sent twice, and if its answer is lost, that is what the error says. At most [`AT_ONCE`] calls
//! are made at once, and one while there is a session. Dropping a call that is under way closes its connection.
//! A session goes out over TLS, or to this very machine, and is forgotten when the hub no longer takes it.
//!
//! It deliberately knows no XML and no way to log in; `ask` knows methods.

mod ask;

use std::error::Error;
use std::io::BufRead;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE};
use hyper::{Method, Request, Response, StatusCode};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::debug;

use super::access::{Access, Address, Login};
use super::fault::{Fault, Meaning};
use super::http::{Line, Server, Terms, answer, clean, refusal, sensitive, text};
use super::patience::{Missed, patiently};
use super::session::{Session, Stamp};
use super::trouble::HubError;
use crate::clock;

/// How many calls are made at once while nobody is logged in. A session is a row of calls.
pub const AT_ONCE: u32 = 2;

/// A hub. It does nothing until it is asked.
#[derive(Debug)]
pub struct Client {
    server: Server,
    login: Login,
    session: Mutex<Option<Session>>,
    /// The last session that the hub no longer took.
    refused: Mutex<Option<Session>>,
    version: Mutex<Option<String>>,
    /// How far the hub's clock is ahead of ours, as it last said.
    ahead: Mutex<SignedDuration>,
    turns: Semaphore,
}

impl Client {
    pub fn new(access: Access) -> Self {
        let identity = match &access.login {
            Login::Certificate { file } => Some(file.clone()),
            Login::Nothing | Login::Kerberos { .. } => None,
        };
        Self {
            server: Server::new(access.server, access.trust, identity, access.times),
            login: access.login,
            session: Mutex::new(None),
            refused: Mutex::new(None),
            version: Mutex::new(None),
            ahead: Mutex::default(),
            turns: Semaphore::new(AT_ONCE as usize),
        }
    }

    /// Returns the hub's address.
    pub fn address(&self) -> &Address {
        self.server.address()
    }

    /// Returns the release that the hub says it is; hubs before 1.35 say nothing. Hostile text.
    pub fn koji_version(&self) -> Option<String> {
        lock(&self.version).clone()
    }

    /// Returns a time of our clock by the hub's, to a second or two. Until it has answered, they are taken for equal.
    pub fn by_hub_clock(&self, time: Timestamp) -> Timestamp {
        time.saturating_add(*lock(&self.ahead)).unwrap_or(time)
    }

    /// Lets all calls from now on be made in this session.
    pub fn set_session(&self, session: Session) {
        *lock(&self.session) = Some(session);
    }

    /// Takes the session away; calls are made as nobody again.
    pub fn take_session(&self) -> Option<Session> {
        lock(&self.session).take()
    }

    /// Takes the last session that the hub no longer took, which may be renewed.
    pub fn take_refused(&self) -> Option<Session> {
        lock(&self.refused).take()
    }

    /// Returns whether there is a session that the hub has not refused.
    pub fn is_logged_in(&self) -> bool {
        lock(&self.session).is_some()
    }

    /// Makes a call that changes nothing: in the session if there is one, else as nobody. The body is read by
    /// `decode`, on a thread where it may wait, and once for each try.
    ///
    /// # Errors
    ///
    /// Whatever [`HubError`] knows, the last one if there were several tries. The time limit is counted from the
    /// call's turn.
    pub async fn read<T, E, F>(&self, body: Vec<u8>, decode: F) -> Result<T, HubError>
    where
        T: Send + 'static,
        E: Error + Send + Sync + 'static,
        F: FnOnce(&mut dyn BufRead) -> Result<Result<T, Fault>, E> + Clone + Send + 'static,
    {
        let (_turn, in_session) = self.turn().await;
        let call = Call {
            body: body.into(),
            in_session,
            is_change: false,
            is_out: AtomicBool::new(false),
        };
        self.patiently(&call, decode).await
    }

    /// Makes a call that changes something, in the session. Only what happens before anything has gone out is tried
    /// again.
    ///
    /// # Errors
    ///
    /// [`HubError::NotLoggedIn`] without a session. [`HubError::Uncertain`] if it went out and there is no clear answer.
    pub async fn change<T, E, F>(&self, body: Vec<u8>, decode: F) -> Result<T, HubError>
    where
        T: Send + 'static,
        E: Error + Send + Sync + 'static,
        F: FnOnce(&mut dyn BufRead) -> Result<Result<T, Fault>, E> + Clone + Send + 'static,
    {
        let _turn = self.turns.acquire_many(AT_ONCE).await;
        let call = Call {
            body: body.into(),
            in_session: true,
            is_change: true,
            is_out: AtomicBool::new(false),
        };
        let done = self.patiently(&call, decode).await;
        done.map_err(|error| {
            if call.is_out.load(Ordering::Relaxed) {
                error.after_a_change()
            } else {
                error
            }
        })
    }

    async fn patiently<T, E, F>(&self, call: &Call, decode: F) -> Result<T, HubError>
    where
        T: Send + 'static,
        E: Error + Send + Sync + 'static,
        F: FnOnce(&mut dyn BufRead) -> Result<Result<T, Fault>, E> + Clone + Send + 'static,
    {
        let limit = self.server.times().call;
        patiently(self.address(), limit, |fresh| {
            self.once(call, fresh, decode.clone()).boxed()
        })
        .await
    }

    /// Waits for the call's turn. Returns whether it is made in the session, for which the turn is long enough.
    async fn turn(&self) -> (Option<SemaphorePermit<'_>>, bool) {
        loop {
            let in_session = self.is_logged_in();
            let turn = self.turns.acquire_many(if in_session { AT_ONCE } else { 1 }).await;
            // Somebody may have logged in or out while we waited.
            if in_session == self.is_logged_in() {
                return (turn.ok(), in_session);
            }
        }
    }

    async fn once<T, E, F>(&self, call: &Call, fresh: bool, decode: F) -> Result<T, Missed>
    where
        T: Send + 'static,
        E: Error + Send + Sync + 'static,
        F: FnOnce(&mut dyn BufRead) -> Result<Result<T, Fault>, E> + Send + 'static,
    {
        let Outgoing {
            request,
            peer,
            is_stamped,
        } = self.request(call)?;
        let terms = Terms {
            // The server may be closing one that was kept just when something that changes the hub is on its way.
            fresh: fresh || call.is_change,
            private: is_stamped || self.login != Login::Nothing,
            peer,
        };
        let mut line = self.server.line(terms).await?;
        call.is_out.store(true, Ordering::Relaxed);
        let answer = match line.send(request).await {
            Ok(answer) => answer,
            Err(unanswered) => {
                call.is_out.store(unanswered.sent, Ordering::Relaxed);
                return Err(Missed {
                    was_stale: line.was_kept && matches!(unanswered.error, HubError::Broken(_)),
                    may_repeat: !unanswered.sent || !call.is_change,
                    error: unanswered.error,
                });
            }
        };
        self.heard(line, answer, is_stamped, decode)
            .await
            .map_err(|error| Missed {
                may_repeat: !call.is_change,
                ..error.into()
            })
    }

    fn request(&self, call: &Call) -> Result<Outgoing, HubError> {
        let mut session = lock(&self.session);
        let session = session.as_mut().filter(|_| call.in_session);
        if session.is_none() && call.is_change {
            return Err(HubError::NotLoggedIn);
        }
        let peer = session.as_ref().and_then(|it| it.peer);
        let stamp = session.map(Session::stamp);
        let path = match self.address().path.as_str() {
            "" => "/",
            path => path,
        };
        let target = match &stamp {
            Some(Stamp::Query(query)) => format!("{path}?{query}"),
            Some(Stamp::Headers(_)) | None => path.to_owned(),
        };
        let mut request = self
            .server
            .request(Method::POST, &target)
            .header(CONTENT_TYPE, "text/xml");
        if let Some(Stamp::Headers(headers)) = &stamp {
            for (name, value) in headers {
                let (name, value) = sensitive(name, value).ok_or(HubError::NotLoggedIn)?;
                request = request.header(name, value);
            }
        }
        let request = request
            .body(Full::new(call.body.clone()))
            .map_err(|error| HubError::Garbled(error.into()))?;
        Ok(Outgoing {
            request,
            peer,
            is_stamped: stamp.is_some(),
        })
    }

    /// Reads the answer.
    async fn heard<T, E, F>(
        &self,
        line: Line,
        answer: Response<Incoming>,
        is_stamped: bool,
        decode: F,
    ) -> Result<T, HubError>
    where
        T: Send + 'static,
        E: Error + Send + Sync + 'static,
        F: FnOnce(&mut dyn BufRead) -> Result<Result<T, Fault>, E> + Send + 'static,
    {
        if let Some(date) = text(answer.headers().get(DATE)).and_then(|it| rfc2822::parse(it).ok()) {
            *lock(&self.ahead) = date.timestamp().duration_since(clock::now());
        }
        if let Some(version) = text(answer.headers().get("koji-version")) {
            *lock(&self.version) = Some(clean(version));
        }
        if answer.status() != StatusCode::OK {
            // A server may repeat what it was told.
            return Err(refusal(answer, !is_stamped).await);
        }
        check_kind(&answer)?;
        let outcome = answer::read(answer.into_body(), decode).await;
        if outcome.is_whole {
            self.server.keep(line);
        }
        if let Err(HubError::Fault(fault)) = &outcome.value
            && fault.code.meaning() == Meaning::LoginNeeded
            && is_stamped
        {
            debug!(server = %self.address(), code = fault.code.number(), "the session is no longer good");
            *lock(&self.refused) = lock(&self.session).take();
        }
        outcome.value
    }
}

/// A call, and how far it has come.
struct Call {
    body: Bytes,
    in_session: bool,
    is_change: bool,
    /// Whether any of it may have gone out.
    is_out: AtomicBool,
}

/// One request of a call.
struct Outgoing {
    request: Request<Full<Bytes>>,
    /// The address of the hub that the session is bound to.
    peer: Option<IpAddr>,
    /// Whether it has the session's secrets in it.
    is_stamped: bool,
}

/// The hub says `text/xml`. A page for people is something else that answers there.
fn check_kind(answer: &Response<Incoming>) -> Result<(), HubError> {
    let headers = answer.headers();
    let kind = text(headers.get(CONTENT_TYPE)).unwrap_or("text/xml");
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !["text/xml", "application/xml"]
        .iter()
        .any(|it| essence.eq_ignore_ascii_case(it))
    {
        return Err(HubError::NotXml(clean(kind)));
    }
    match text(headers.get(CONTENT_ENCODING)) {
        None | Some("identity") => Ok(()),
        // Nobody asked for it.
        Some(encoding) => Err(HubError::NotXml(clean(encoding))),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
