//! The floor: what any program must do that turns a message of a broker into a notification, and nothing else.
//!
//! One connection with a client certificate over TLS, one queue, the same prefetch and the same way to acknowledge as
//! koji-notify (100, and one acknowledgement for 25); one look at the headers to set aside what is somebody else's; of
//! what is mine, four fields of the body; one `Notify` over one session bus connection that stays open. It knows no
//! rule, keeps no state, and survives nothing. It is built with the profile of the program that it is held against.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use async_rs::{Runtime, Tokio};
use futures_core::Stream;
use futures_util::StreamExt;
use lapin::auth::AuthProvider;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, Consumer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use zbus::zvariant::Value;

/// The argument that makes this executable the floor; a [`Task`] as JSON follows.
pub(crate) const ROLE: &str = "--as-floor";
/// How it signs its notifications.
pub(crate) const APP_NAME: &str = "floor";
/// As koji-notify has it where nobody tells otherwise.
pub(crate) const PREFETCH: u16 = 100;
/// As `bus::ledger` of koji-notify has it: a quarter of the prefetch.
const ACKNOWLEDGED_AT_ONCE: u64 = 25;
/// As `config::broker` of koji-notify has it.
const EXPIRES_AFTER_MS: i64 = 24 * 60 * 60 * 1000;

/// What the floor is to do.
#[derive(Deserialize, Serialize)]
pub(crate) struct Task {
    pub(crate) port: u16,
    pub(crate) vhost: String,
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) queue: String,
    pub(crate) keys: Vec<String>,
    pub(crate) me: String,
}

/// Subscribes, says so on standard error, and notifies for ever.
pub(crate) async fn run(task: Task) {
    let session = zbus::Connection::session().await.unwrap();
    let (_connection, mut consumer) = subscribe(&task).await;
    eprintln!("subscribed");
    let mine = format!("fedora_messaging_user_{}", task.me);
    let mut received = 0;
    while let Some(message) = consumer.next().await {
        let message = message.unwrap();
        let users = message.properties.headers().as_ref().map(FieldTable::inner);
        let is_mine = match users {
            Some(headers) if headers.contains_key(mine.as_str()) => true,
            // Without a word about users the body has to tell.
            Some(headers)
                if !headers
                    .keys()
                    .any(|it| it.as_str().starts_with("fedora_messaging_user_")) =>
            {
                let build: Build<'_> = serde_json::from_slice(&message.data).unwrap();
                build.owner.as_deref() == Some(task.me.as_str())
            }
            Some(_) | None => false,
        };
        if is_mine {
            notify(&session, &serde_json::from_slice(&message.data).unwrap()).await;
        }
        received += 1;
        if received % ACKNOWLEDGED_AT_ONCE == 0 {
            message.acker.ack(BasicAckOptions { multiple: true }).await.unwrap();
        }
    }
}

/// What is read of a message.
#[derive(Deserialize)]
struct Build<'a> {
    #[serde(borrow)]
    owner: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    release: Option<Cow<'a, str>>,
}

async fn notify(session: &zbus::Connection, build: &Build<'_>) {
    let part = |it: &Option<Cow<'_, str>>| it.as_deref().unwrap_or("?").to_owned();
    let title = format!(
        "{}-{}-{} failed",
        part(&build.name),
        part(&build.version),
        part(&build.release)
    );
    let hints: BTreeMap<&str, Value<'_>> = BTreeMap::from([
        ("desktop-entry", "org.example.Floor".into()),
        ("category", "transfer.error".into()),
        ("urgency", 1_u8.into()),
    ]);
    let actions = ["default", "Open", "log", "Open log"];
    let arguments = (
        APP_NAME,
        0_u32,
        "floor",
        title.as_str(),
        "rawhide, 12 min",
        &actions[..],
        hints,
        -1_i32,
    );
    let server = "org.freedesktop.Notifications";
    session
        .call_method(
            Some(server),
            "/org/freedesktop/Notifications",
            Some(server),
            "Notify",
            &arguments,
        )
        .await
        .unwrap();
}

async fn subscribe(task: &Task) -> (Connection, Consumer) {
    let connection = log_in(task).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.unwrap();
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), AMQPValue::LongLongInt(EXPIRES_AFTER_MS));
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let queue: ShortString = task.queue.as_str().into();
    channel.queue_declare(queue.clone(), options, arguments).await.unwrap();
    for key in &task.keys {
        let options = QueueBindOptions::default();
        channel
            .queue_bind(
                queue.clone(),
                "amq.topic".into(),
                key.as_str().into(),
                options,
                FieldTable::default(),
            )
            .await
            .unwrap();
    }
    let options = BasicConsumeOptions::default();
    let consumer = channel
        .basic_consume(queue, "floor".into(), options, FieldTable::default())
        .await
        .unwrap();
    (connection, consumer)
}

async fn log_in(task: &Task) -> lapin::Result<Connection> {
    let uri = AMQPUri {
        scheme: AMQPScheme::AMQPS,
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: String::new(),
                password: String::new(),
            },
            host: "localhost".to_owned(),
            port: task.port,
        },
        vhost: task.vhost.clone(),
        query: AMQPQueryString {
            // lapin's own default costs 8 MB.
            frame_max: Some(131_072),
            ..AMQPQueryString::default()
        },
    };
    let tokio = Tokio::current();
    let runtime: Runtime<RuntimeParts<Tokio, Net>> = Runtime::new(RuntimeParts::new(tokio.clone(), Net(tokio)));
    let stream = Mutex::new(Some(dial(task).await?.compat()));
    let hand_over = async move |_: AMQPUri, _: Runtime<RuntimeParts<Tokio, Net>>| {
        Ok(AsyncTcpStream::Plain(stream.lock().unwrap().take().unwrap()))
    };
    let properties = ConnectionProperties::default().with_auth_provider(External);
    Connection::connector(uri, runtime, hand_over, properties).await
}

async fn dial(task: &Task) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_file_iter(&task.ca).unwrap().map(Result::unwrap));
    let chain = CertificateDer::pem_file_iter(&task.certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            chain.map(Result::unwrap).collect(),
            PrivateKeyDer::from_pem_file(&task.key).unwrap(),
        )
        .unwrap();
    let tcp = TcpStream::connect(("localhost", task.port)).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// The certificate has said who we are.
struct External;

impl AuthProvider for External {
    fn mechanism(&self) -> ShortString {
        "EXTERNAL".into()
    }

    fn auth_starter(&self) -> Result<lapin::types::LongString, String> {
        Ok("".into())
    }
}

/// tokio's tasks and timers for lapin, and our stream.
#[derive(Clone, Debug)]
struct Net(Tokio);

impl Reactor for Net {
    type TcpStream = Compat<TlsStream<TcpStream>>;
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

    fn tcp_connect_addr(&self, _: SocketAddr) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
