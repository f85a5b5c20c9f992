//! A network between the daemon and its broker that can be cut: nothing passes any more, and nobody is told.

use std::future::pending;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Carries connections to a port of this machine.
pub(super) struct Wire {
    pub(super) port: u16,
    is_cut: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Wire {
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().port();
        let is_cut = watch::Sender::new(false);
        let seen = is_cut.subscribe();
        let task = tokio::spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                clients.spawn(carry(near, port, seen.clone()));
            }
        });
        Self {
            port: here,
            is_cut,
            task,
        }
    }

    /// From now on nothing passes on the connections that are there, for good; and on new ones until it is mended.
    pub(super) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// New connections are carried again.
    pub(super) fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut near: TcpStream, port: u16, mut is_cut: watch::Receiver<bool>) {
    let far = TcpStream::connect(("127.0.0.1", port)).await;
    let Ok(mut far) = far else { return };
    tokio::select! {
        biased;
        _ = is_cut.wait_for(|it| *it) => {}
        _ = copy_bidirectional(&mut near, &mut far) => return,
    }
    // Both ends stay open, and nobody reads or writes.
    pending::<()>().await;
}
