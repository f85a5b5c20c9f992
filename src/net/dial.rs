//! From a name to a stream.
//!
//! It deliberately does not know whether a stream may be in clear: whoever dials has to ask [`is_here`].

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::trouble::{NetError, tls_error};

/// A stream in both directions, in clear or not.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Returns the addresses of a host, at least one.
///
/// # Errors
///
/// If the name has none, or nobody can be asked.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, NetError> {
    let found = lookup_host((host, port)).await;
    let found: Vec<SocketAddr> = found.map_err(NetError::UnknownHost)?.collect();
    if found.is_empty() {
        return Err(NetError::UnknownHost(io::ErrorKind::AddrNotAvailable.into()));
    }
    Ok(found)
}

/// Returns whether all of these are this very machine.
pub fn is_here(addresses: &[SocketAddr]) -> bool {
    addresses.iter().all(|it| it.ip().is_loopback())
}

/// Tries one address after the other, each for its share of the time: one that swallows packets (an IPv6 address
/// without a way out, say) leaves some to the others, and to what comes after connecting.
///
/// # Errors
///
/// What the last address said.
pub async fn reach(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, NetError> {
    let shares = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_add(1);
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        let connected = timeout(limit / shares, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(tcp) => {
                tcp.set_nodelay(true).map_err(NetError::Unreachable)?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(NetError::Unreachable(last))
}

/// Greets by TLS over a stream that is open.
///
/// # Errors
///
/// [`NetError::Tls`] for what TLS itself did not like, [`NetError::Unreachable`] if the stream broke.
pub async fn secure<S: Io>(config: Arc<ClientConfig>, host: &str, stream: S) -> Result<TlsStream<S>, NetError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| NetError::UnknownHost(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    let greeted = TlsConnector::from(config).connect(name, stream).await;
    greeted.map_err(|error| match tls_error(&error) {
        Some(why) => NetError::Tls(Box::new(why.clone())),
        None => NetError::Unreachable(error),
    })
}
