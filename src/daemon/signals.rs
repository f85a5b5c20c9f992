//! What the system tells us: stop, read again, the computer has slept, the person is not to be disturbed.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::desktop::{power, quiet, sleep};
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

/// Reports what the system bus tells: that the computer has woken from sleep, which is also counted, and whether it
/// runs on its battery. With what the desktop tells, on the session bus, it also says when we should be quiet.
pub(super) async fn system(
    woken: tokio::sync::watch::Sender<u64>,
    session: Option<zbus::Connection>,
    inbox: mpsc::Sender<Event>,
) {
    let connection = match zbus::Connection::system().await {
        Ok(it) => Some(it),
        Err(error) => {
            debug!(%error, "nobody tells us when the computer sleeps; heartbeats will notice");
            None
        }
    };
    let listen_to_desktop = async {
        if let Some(session) = session {
            quiet::run(session, connection.clone(), inbox.clone()).await;
        }
    };
    tokio::join!(listen_to_desktop, listen_to_system(connection.as_ref(), &woken, &inbox));
}

async fn listen_to_system(
    connection: Option<&zbus::Connection>,
    woken: &tokio::sync::watch::Sender<u64>,
    inbox: &mpsc::Sender<Event>,
) {
    let Some(connection) = connection else { return };
    let woke = || {
        woken.send_modify(|it| *it += 1);
        // An inbox that is full has enough to catch up with.
        _ = inbox.try_send(Event::Slept);
    };
    let on_battery = |is_so| _ = inbox.try_send(Event::OnBattery(is_so));
    let (slept, power) = tokio::join!(sleep::run(connection, woke), power::run(connection, on_battery));
    for error in [slept.err(), power.err()].into_iter().flatten() {
        debug!(%error, "the system bus does not tell us all");
    }
}
