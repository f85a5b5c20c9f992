//! A way to a broker that gets worse while it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::interval;

use super::line::GENEROUS;

/// How long each byte takes where the broker drips.
const DRIP: Duration = Duration::from_millis(250);

/// Carries bytes to a broker, until it is told to treat the present connections otherwise. New ones are carried well.
pub(crate) struct Relay {
    pub(crate) port: u16,
    /// How many bytes of the broker were handed on.
    said: watch::Receiver<usize>,
    order: Arc<AtomicU8>,
    task: JoinHandle<()>,
}

/// All is handed on.
const CARRY: u8 = 0;
/// All is taken and nothing handed on, and both ends stay open.
const SWALLOW: u8 = 1;
/// What the broker says is handed on byte by byte.
const LET_DRIP: u8 = 2;

impl Relay {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let order = Arc::new(AtomicU8::new(CARRY));
        let told = order.clone();
        let (saying, said) = watch::channel(0);
        let task = tokio::spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                // Only those that were there before are treated otherwise.
                told.store(CARRY, Ordering::SeqCst);
                let fate = Arc::new(AtomicU8::new(CARRY));
                let ((near_from, near_to), (far_from, far_to)) = (near.into_split(), far.into_split());
                ways.spawn(carry(near_from, far_to, told.clone(), fate.clone(), None));
                ways.spawn(carry(far_from, near_to, told.clone(), fate, Some(saying.clone())));
            }
        });
        Self {
            port,
            said,
            order,
            task,
        }
    }

    /// Waits until the broker has said so many more bytes.
    pub(crate) async fn said(&self, more: usize) {
        let mut said = self.said.clone();
        let before = *said.borrow();
        let waited = tokio::time::timeout(GENEROUS, said.wait_for(|it| *it >= before + more)).await;
        waited.expect("the broker says something").unwrap();
    }

    /// Goes dead, in both directions.
    pub(crate) fn swallow(&self) {
        self.order.store(SWALLOW, Ordering::SeqCst);
    }

    /// Lets come what the broker says, a byte each [`DRIP`].
    pub(crate) fn let_drip(&self) {
        self.order.store(LET_DRIP, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    told: Arc<AtomicU8>,
    fate: Arc<AtomicU8>,
    saying: Option<watch::Sender<usize>>,
) {
    let mut buffer = vec![0; 1 << 16];
    let mut drops = interval(DRIP);
    loop {
        let read = from.read(&mut buffer).await;
        let order = told.load(Ordering::SeqCst);
        if order != CARRY {
            fate.store(order, Ordering::SeqCst);
        }
        let fate = fate.load(Ordering::SeqCst);
        match read {
            Ok(length) if length > 0 => {
                let said = &buffer[..length];
                let is_sent = match fate {
                    SWALLOW => true,
                    LET_DRIP if saying.is_some() => {
                        let mut is_sent = true;
                        for byte in said {
                            drops.tick().await;
                            saying.iter().for_each(|it| it.send_modify(|it| *it += 1));
                            is_sent = is_sent && to.write_all(&[*byte]).await.is_ok();
                        }
                        is_sent
                    }
                    _ => {
                        saying.iter().for_each(|it| it.send_modify(|it| *it += length));
                        to.write_all(said).await.is_ok()
                    }
                };
                if !is_sent {
                    return;
                }
            }
            _ if fate == SWALLOW => std::future::pending().await,
            _ => return,
        }
    }
}
