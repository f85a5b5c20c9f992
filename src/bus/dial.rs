//! From an address to a connection that is logged in.
//!
//! lapin speaks AMQP; the socket and TLS under it are ours. Left to itself, lapin of this build would speak `amqps://`
//! in clear, wait for ever for a silent server, and start a second runtime when a connection is dropped. Here a socket
//! is dialled under our own time limit before lapin gets it, and is tethered, so that however a login ends, lapin's
//! thread for it ends too.
//!
//! Promise: nothing is said in clear where the address asks for TLS, and no password goes out in clear at all but to
//! this very machine.
//!
//! It deliberately does not know a queue.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use async_rs::{Runtime, Tokio};
use futures_core::Stream;
use lapin::auth::AuthProvider;
use lapin::types::{LongString, ShortString};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, ErrorKind};
use tokio::time::timeout;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::broker::{Broker, Login, Secret};
use super::trouble::LinkError;
use super::wire::{Tether, tethered};
use crate::clock::{self, Pulse};
use crate::net::credentials::{self, Identity};
use crate::net::dial::{Io, is_here, reach, resolve, secure};
use crate::net::trouble::{NetError, shortened, tls_error};

/// The largest frame that we take. lapin allocates 64 of them; with its own default it would touch 8 MB. Smaller is
/// no option: a broker does not split content headers, and a consumer that cannot take them is cut off each time.
const FRAME_MAX: u32 = 131_072;
/// How long the broker may take to say goodbye.
const FAREWELL: Duration = Duration::from_millis(500);

/// A connection that is logged in.
pub(super) struct Line {
    pub(super) connection: Connection,
    tether: Tether,
}

impl Line {
    /// Returns how often both sides show that they live, as agreed with the broker.
    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_secs(u64::from(self.connection.configuration().heartbeat()))
    }

    /// Says goodbye and returns when nothing is left of the line, no thread either. Returns whether the broker has
    /// answered; if not, it may take it some heartbeats to notice.
    pub(super) async fn close(self) -> bool {
        let Self { connection, tether } = self;
        let goodbye = connection.close(200, "goodbye".into());
        let answered = matches!(timeout(FAREWELL, goodbye).await, Ok(Ok(())));
        drop(connection);
        tether.let_go(if answered { FAREWELL } else { Duration::ZERO }).await;
        answered
    }
}

/// Connects and logs in, all within the broker's time limit. What comes by the line is noted as long as it lasts.
pub(super) async fn dial(broker: &Broker, heard: &Pulse) -> Result<Line, LinkError> {
    let limit = broker.connection_timeout;
    // What is cut short here drops its tether, and lapin's thread ends with it.
    timeout(limit, attempt(broker, heard))
        .await
        .unwrap_or(Err(LinkError::Silent(limit)))
}

async fn attempt(broker: &Broker, heard: &Pulse) -> Result<Line, LinkError> {
    let sasl = Sasl::of(&broker.login)?;
    let (stream, tether) = connect(broker, heard).await?;
    match log_in(broker, sasl, stream).await {
        Ok(connection) => Ok(Line { connection, tether }),
        Err(error) => {
            tether.let_go(Duration::ZERO).await;
            Err(refusal(broker, error))
        }
    }
}

/// Finds what is meant by hanging up in the middle of a login.
fn refusal(broker: &Broker, error: lapin::Error) -> LinkError {
    if let ErrorKind::IOError(io) = error.kind()
        && tls_error(io).is_none()
    {
        let said = io::Error::new(io.kind(), io.clone());
        match &broker.login {
            // With TLS 1.3 a broker sees our certificate after the handshake is over for us.
            Login::External { .. } => return LinkError::HungUp(said),
            Login::Plain { .. } if !broker.address.tls => return LinkError::NoGreeting(said),
            Login::Plain { .. } => {}
        }
    }
    LinkError::Login(error)
}

/// A stream that lapin can read, clear or not.
type IoStream = Compat<Box<dyn Io>>;

async fn connect(broker: &Broker, heard: &Pulse) -> Result<(IoStream, Tether), LinkError> {
    if broker.address.tls {
        connect_tls(broker, heard).await
    } else {
        connect_clear(broker, heard).await
    }
}

/// Only a broker on this very machine is spoken to in clear, and only where a password can say who we are.
async fn connect_clear(broker: &Broker, heard: &Pulse) -> Result<(IoStream, Tether), LinkError> {
    match &broker.login {
        Login::Plain { .. } => {}
        Login::External { .. } => return Err(LinkError::Unprotected),
    }
    let addresses = resolve(&broker.address.host, broker.address.port).await?;
    if !is_here(&addresses) {
        return Err(LinkError::Unprotected);
    }
    let (wire, tether) = tethered(reach(&addresses, broker.connection_timeout).await?, heard.clone());
    Ok(((Box::new(wire) as Box<dyn Io>).compat(), tether))
}

async fn connect_tls(broker: &Broker, heard: &Pulse) -> Result<(IoStream, Tether), LinkError> {
    let identity = match &broker.login {
        Login::External { certificate, key } => Some(Identity { certificate, key }),
        Login::Plain { .. } => None,
    };
    let config = credentials::tls(&broker.trust, identity, clock::now())?;
    let addresses = resolve(&broker.address.host, broker.address.port).await?;
    let (wire, tether) = tethered(reach(&addresses, broker.connection_timeout).await?, heard.clone());
    match secure(config, &broker.address.host, wire).await {
        Ok(stream) => Ok(((Box::new(stream) as Box<dyn Io>).compat(), tether)),
        Err(NetError::Unreachable(error)) if identity.is_some() && tether.has_heard() => Err(LinkError::HungUp(error)),
        Err(error) => Err(error.into()),
    }
}

async fn log_in(broker: &Broker, sasl: Sasl, stream: IoStream) -> lapin::Result<Connection> {
    let tokio = Tokio::current();
    let runtime: Runtime<Kit> = Runtime::new(RuntimeParts::new(tokio.clone(), Net(tokio)));
    let ready = Mutex::new(Some(stream));
    let hand_over = async move |_: AMQPUri, _: Runtime<Kit>| {
        let stream = ready.lock().ok().and_then(|mut it| it.take());
        // lapin would dial again by itself only if it were told to recover.
        let stream = stream.ok_or_else(|| lapin::Error::from(io::Error::from(io::ErrorKind::NotConnected)))?;
        Ok(AsyncTcpStream::Plain(stream))
    };
    let properties = introduction(broker).with_auth_provider(sasl);
    Connection::connector(uri(broker), runtime, hand_over, properties).await
}

/// The address in lapin's words, without a user or a password: lapin logs and keeps it.
fn uri(broker: &Broker) -> AMQPUri {
    let address = &broker.address;
    AMQPUri {
        scheme: if address.tls {
            AMQPScheme::AMQPS
        } else {
            AMQPScheme::AMQP
        },
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: String::new(),
                password: String::new(),
            },
            host: address.host.clone(),
            port: address.port,
        },
        vhost: address.vhost.clone(),
        query: AMQPQueryString {
            frame_max: Some(FRAME_MAX),
            heartbeat: broker.heartbeat,
            ..AMQPQueryString::default()
        },
    }
}

/// Who we are, in the words of the login mechanism. EXTERNAL has to be asked for: lapin's own choice is PLAIN, also
/// where a client certificate was shown.
struct Sasl {
    mechanism: &'static str,
    /// Sent with the choice of mechanism.
    words: Secret,
}

impl Sasl {
    /// Takes the password as it is now.
    fn of(login: &Login) -> Result<Self, LinkError> {
        Ok(match login {
            Login::External { .. } => Self {
                mechanism: "EXTERNAL",
                words: Secret::new(String::new()),
            },
            Login::Plain { user, password } => Self {
                mechanism: "PLAIN",
                words: Secret::new(format!("\0{user}\0{}", password.now()?.reveal())),
            },
        })
    }
}

impl AuthProvider for Sasl {
    fn mechanism(&self) -> ShortString {
        self.mechanism.into()
    }

    fn auth_starter(&self) -> Result<LongString, String> {
        Ok(self.words.reveal().into())
    }
}

/// The most properties, and the most bytes in one, that a broker is shown.
const MAX_PROPERTIES: usize = 32;
const MAX_PROPERTY: usize = 255;

/// What the broker's administrator sees of us. Whatever the site's file says goes before what we would say.
fn introduction(broker: &Broker) -> ConnectionProperties {
    let ours = [
        ("product", env!("CARGO_PKG_NAME")),
        ("version", env!("CARGO_PKG_VERSION")),
        ("app", env!("CARGO_PKG_NAME")),
        ("app_version", env!("CARGO_PKG_VERSION")),
        ("app_url", env!("CARGO_PKG_HOMEPAGE")),
        ("connection_name", env!("CARGO_PKG_NAME")),
    ];
    let theirs = broker.client_properties.iter().map(|(key, value)| (&**key, &**value));
    let missing = ours
        .into_iter()
        .filter(|(key, _)| !broker.client_properties.contains_key(*key));
    missing
        .chain(theirs)
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(key, value)| Some((ShortString::try_new(key).ok()?, shortened(value, MAX_PROPERTY))))
        .take(MAX_PROPERTIES)
        .fold(ConnectionProperties::default(), |properties, (key, value)| {
            properties.with_client_property(key, value.into())
        })
}

/// tokio's tasks and timers for lapin, and our stream.
type Kit = RuntimeParts<Tokio, Net>;

#[derive(Clone, Debug)]
struct Net(Tokio);

impl Reactor for Net {
    type TcpStream = IoStream;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: io::Read + io::Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl futures_io::AsyncRead + futures_io::AsyncWrite + Send + Unpin + 'static> {
        self.0.register(socket)
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        self.0.sleep(time)
    }

    fn interval(&self, time: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(time)
    }

    /// Never: whoever dials goes through [`connect`].
    fn tcp_connect_addr(&self, _: SocketAddr) -> impl Future<Output = io::Result<IoStream>> + Send + 'static {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
