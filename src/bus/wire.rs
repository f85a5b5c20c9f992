//! A socket that can be cut from outside.
//!
//! lapin reads a connection on a thread of its own (`lapin-io-loop`), and that thread ends only when its stream says
//! something: a timeout around the call abandons the thread, it does not end it. So every stream we hand out can be
//! cut: each read and write under way and to come fails at once, and the thread goes home.
//!
//! It deliberately does not know what is spoken over it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::clock::Pulse;

/// Returns the socket as a wire, and the tether that cuts it when dropped. Whatever comes by the wire is noted.
pub(super) fn tethered(tcp: TcpStream, heard: Pulse) -> (Wire, Tether) {
    let (held, gone) = oneshot::channel();
    let cut = Arc::new(Cut::default());
    let wire = Wire {
        tcp,
        heard,
        cut: cut.clone(),
        _held: held,
    };
    (wire, Tether { cut, gone })
}

/// One end of a TCP connection, until it is cut.
pub(super) struct Wire {
    tcp: TcpStream,
    heard: Pulse,
    cut: Arc<Cut>,
    /// Dropped with the wire, which is what the tether waits for.
    _held: oneshot::Sender<()>,
}

/// Our hold on a wire that somebody else reads.
pub(super) struct Tether {
    cut: Arc<Cut>,
    gone: oneshot::Receiver<()>,
}

impl Tether {
    /// Returns whether anything at all was received.
    pub(super) fn has_heard(&self) -> bool {
        self.cut.heard.load(Ordering::Relaxed)
    }

    /// Returns when whoever held the wire has let go of it; after `patience` the wire is cut first.
    pub(super) async fn let_go(mut self, patience: Duration) {
        if tokio::time::timeout(patience, &mut self.gone).await.is_err() {
            self.cut.pull();
            // The holder is woken with an error and has nothing left to wait for.
            let _ended = tokio::time::timeout(LAST_WAIT, &mut self.gone).await;
        }
    }
}

/// How long the holder of a wire that was cut may take to notice.
const LAST_WAIT: Duration = Duration::from_secs(1);

impl Drop for Tether {
    fn drop(&mut self) {
        self.cut.pull();
    }
}

/// What the two ends share.
#[derive(Default)]
struct Cut {
    pulled: AtomicBool,
    heard: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Cut {
    fn pull(&self) {
        self.pulled.store(true, Ordering::SeqCst);
        self.reader.wake();
        self.writer.wake();
    }

    fn check(&self) -> io::Result<()> {
        if self.pulled.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.cut.reader.register(cx.waker());
        self.cut.check()?;
        let before = buf.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.cut.heard.store(true, Ordering::Relaxed);
            self.heard.beat();
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.cut.writer.register(cx.waker());
        self.cut.check()?;
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.cut.writer.register(cx.waker());
        self.cut.check()?;
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Time enough for anything that happens at all.
    const GENEROUS: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_read_under_way_ends_when_the_tether_is_dropped() {
        let (mut wire, tether, _peer) = pair().await;
        let reader = tokio::spawn(async move { wire.read_u8().await });
        tokio::task::yield_now().await;
        drop(tether);
        let read = tokio::time::timeout(GENEROUS, reader).await.unwrap().unwrap();
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn a_write_that_nobody_takes_ends_when_the_tether_is_dropped() {
        let (mut wire, tether, _peer) = pair().await;
        let writer = tokio::spawn(async move { wire.write_all(&vec![0; 1 << 26]).await });
        tokio::task::yield_now().await;
        drop(tether);
        let written = tokio::time::timeout(GENEROUS, writer).await.unwrap().unwrap();
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn letting_go_cuts_a_holder_that_does_not_end_by_itself() {
        let (mut wire, tether, _peer) = pair().await;
        let holder = tokio::spawn(async move { wire.read_u8().await });
        tokio::time::timeout(GENEROUS, tether.let_go(Duration::from_millis(1)))
            .await
            .unwrap();
        let read = tokio::time::timeout(GENEROUS, holder).await.unwrap().unwrap();
        assert!(read.is_err());
    }

    #[tokio::test]
    async fn what_was_received_is_remembered() {
        let (mut wire, tether, mut peer) = pair().await;
        assert!(!tether.has_heard());
        peer.write_u8(7).await.unwrap();
        assert_eq!(wire.read_u8().await.unwrap(), 7);
        assert!(tether.has_heard());
    }

    async fn pair() -> (Wire, Tether, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        let (wire, tether) = tethered(near, Pulse::default());
        (wire, tether, far)
    }
}
