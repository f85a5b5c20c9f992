//! What the system tells us: stop, read again, the computer has slept.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::desktop::sleep;
use crate::watch::{Event, Request};

/// Reports the signals of a service: `TERM`, `INT` and `QUIT` end it, `HUP` makes it read its configuration again.
pub(super) async fn run(inbox: mpsc::Sender<Event>) {
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::hangup(),
    ];
    let [Ok(mut term), Ok(mut int), Ok(mut quit), Ok(mut hup)] = kinds.map(signal) else {
        warn!("signals cannot be received");
        return;
    };
    loop {
        let request = tokio::select! {
            _ = term.recv() => Request::Quit,
            _ = int.recv() => Request::Quit,
            _ = quit.recv() => Request::Quit,
            _ = hup.recv() => Request::Reload,
        };
        if inbox.send(Event::Asked(request)).await.is_err() {
            return;
        }
    }
}

/// Counts up each time the computer has woken from sleep.
pub(super) async fn sleep(woken: tokio::sync::watch::Sender<u64>) {
    let woke = || woken.send_modify(|it| *it += 1);
    let listened = match zbus::Connection::system().await {
        Ok(connection) => sleep::run(&connection, woke).await,
        Err(error) => Err(error),
    };
    if let Err(error) = listened {
        debug!(%error, "nobody tells us when the computer sleeps; heartbeats will notice");
    }
}
