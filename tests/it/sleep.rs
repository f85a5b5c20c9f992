//! The computer's sleep: a stand-in for logind, since nothing may really suspend the machine.

use std::time::Duration;

use koji_notify::desktop::sleep;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::Connection;
use zbus::object_server::SignalEmitter;

use crate::session_bus::SessionBus;

/// No bus is slower.
const PATIENCE: Duration = Duration::from_secs(60);

const PATH: &str = "/org/freedesktop/login1";

#[tokio::test]
async fn waking_is_told_and_falling_asleep_is_not() {
    let bus = SessionBus::start();
    let logind = Logind::start(&bus).await;
    let (woken, mut told) = mpsc::unbounded_channel();
    let listener = bus.connect().await;
    let listening = tokio::spawn(async move { sleep::run(&listener, || woken.send(()).unwrap()).await });
    // Who listens is not told when; so the lid is closed and opened until it is heard.
    let first = async {
        loop {
            logind.prepare_for_sleep(false).await;
            if timeout(Duration::from_millis(50), told.recv()).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, first).await.expect("waking was not told");
    // Late answers to the attempts before are still waking, each told once; falling asleep adds none.
    while timeout(Duration::from_millis(200), told.recv()).await.is_ok() {}
    for start in [true, true, false, true] {
        logind.prepare_for_sleep(start).await;
    }
    timeout(PATIENCE, told.recv()).await.expect("waking was not told");
    assert!(
        timeout(Duration::from_millis(200), told.recv()).await.is_err(),
        "told twice"
    );
    listening.abort();
}

/// The stand-in, for as long as it lives.
pub(crate) struct Logind {
    connection: Connection,
}

impl Logind {
    /// Puts it on a bus, which is taken for that of the system.
    pub(crate) async fn start(bus: &SessionBus) -> Self {
        let connection = bus.connect().await;
        connection.object_server().at(PATH, Manager).await.unwrap();
        connection.request_name("org.freedesktop.login1").await.unwrap();
        Self { connection }
    }

    /// Says that the computer is about to sleep (`true`), or has woken (`false`).
    pub(crate) async fn prepare_for_sleep(&self, start: bool) {
        let signals = SignalEmitter::new(&self.connection, PATH).unwrap();
        Manager::prepare_for_sleep(&signals, start).await.unwrap();
    }
}

struct Manager;

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}
