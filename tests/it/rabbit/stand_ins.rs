//! What may stand at an address instead of a broker. None of them speaks AMQP: a client fails, or waits, before that.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, crypto::ring};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Client, Pair, Rabbit};

/// Greets by TLS with a given certificate, then says nothing and keeps the connection.
pub struct TlsServer {
    pub port: u16,
    task: JoinHandle<()>,
}

impl TlsServer {
    /// Starts one that speaks TLS 1.2 and 1.3.
    pub async fn start(pair: &Pair) -> Self {
        Self::start_with(pair, tokio_rustls::rustls::ALL_VERSIONS).await
    }

    pub async fn start_with(pair: &Pair, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain(&pair.certificate), private_key(&pair.key))
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (port, task) = serve(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                // A client that does not like the certificate leaves here.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
            }
        })
        .await;
        Self { port, task }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Accepts connections and never says a word, like a firewall that swallows.
pub struct SilentServer {
    pub port: u16,
    task: JoinHandle<()>,
}

impl SilentServer {
    pub async fn start() -> Self {
        let (port, task) = serve(|mut stream| async move {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        Self { port, task }
    }
}

impl Drop for SilentServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Writes down what clients say first, answers with given bytes (none: closes), and closes.
pub struct Recorder {
    pub port: u16,
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
    task: JoinHandle<()>,
}

impl Recorder {
    pub async fn start() -> Self {
        Self::answering(Vec::new()).await
    }

    /// Starts one that answers, like another service that happens to live at this address.
    pub async fn answering(answer: Vec<u8>) -> Self {
        let (report, heard) = mpsc::unbounded_channel();
        let (port, task) = serve(move |mut stream| {
            let (report, answer) = (report.clone(), answer.clone());
            async move {
                let mut first = vec![0; 4096];
                let Ok(length) = stream.read(&mut first).await else {
                    return;
                };
                first.truncate(length);
                let _ = report.send(first);
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        })
        .await;
        Self { port, heard, task }
    }

    /// Waits for the next client and returns what it said first; empty if it left without a word.
    pub async fn first_bytes(&mut self) -> Vec<u8> {
        self.heard.recv().await.unwrap()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries clear text to a broker's TLS port, so that a client without TLS can log in by certificate.
pub struct TlsTunnel {
    pub port: u16,
    task: JoinHandle<()>,
}

impl TlsTunnel {
    pub async fn start(rabbit: &Rabbit, client: Option<Client>) -> Self {
        let (to, ca) = (rabbit.tls_port, rabbit.certs.ca());
        let identity = client.map(|it| rabbit.certs.client(it));
        let (port, task) = serve(move |mut clear| {
            let (ca, identity) = (ca.clone(), identity.clone());
            async move {
                if let Ok(mut stream) = greet(to, &ca, identity.as_ref()).await {
                    let _ = copy_bidirectional(&mut clear, &mut stream).await;
                }
            }
        })
        .await;
        Self { port, task }
    }
}

impl Drop for TlsTunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects to localhost by TLS, believing this CA alone.
pub async fn greet(port: u16, ca: &Path, identity: Option<&Pair>) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(chain(ca));
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some(pair) => config
            .with_client_auth_cert(chain(&pair.certificate), private_key(&pair.key))
            .unwrap(),
        None => config.with_no_client_auth(),
    };
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    TlsConnector::from(Arc::new(config))
        .connect("localhost".try_into().unwrap(), stream)
        .await
}

async fn serve<F>(client: impl Fn(TcpStream) -> F + Send + 'static) -> (u16, JoinHandle<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut clients = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            clients.spawn(client(stream));
        }
    });
    (port, task)
}

fn private_key(file: &Path) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_file(file).unwrap()
}

fn chain(file: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(file)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}
