//! The computer's sleep: a stand-in for logind, since nothing may really suspend the machine.

use std::time::Duration;

use koji_notify::desktop::sleep;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::object_server::SignalEmitter;

use crate::session_bus::SessionBus;

/// No bus is slower.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn waking_is_told_and_falling_asleep_is_not() {
    let bus = SessionBus::start();
    let logind = bus.connect().await;
    logind
        .object_server()
        .at("/org/freedesktop/login1", Logind)
        .await
        .unwrap();
    logind.request_name("org.freedesktop.login1").await.unwrap();
    let (woken, mut told) = mpsc::unbounded_channel();
    let listener = bus.connect().await;
    let listening = tokio::spawn(async move { sleep::run(&listener, || woken.send(()).unwrap()).await });
    let signals = SignalEmitter::new(&logind, "/org/freedesktop/login1").unwrap();
    // Who listens is not told when; so the lid is closed and opened until it is heard.
    let first = async {
        loop {
            Logind::prepare_for_sleep(&signals, false).await.unwrap();
            if timeout(Duration::from_millis(50), told.recv()).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, first).await.expect("waking was not told");
    // Late answers to the attempts before are still waking, each told once; falling asleep adds none.
    while timeout(Duration::from_millis(200), told.recv()).await.is_ok() {}
    for start in [true, true, false, true] {
        Logind::prepare_for_sleep(&signals, start).await.unwrap();
    }
    timeout(PATIENCE, told.recv()).await.expect("waking was not told");
    assert!(
        timeout(Duration::from_millis(200), told.recv()).await.is_err(),
        "told twice"
    );
    listening.abort();
}

struct Logind;

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}
