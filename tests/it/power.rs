//! The computer's battery: a stand-in for UPower, since nothing may pull the plug.

use std::time::Duration;

use koji_notify::desktop::power;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::session_bus::SessionBus;

/// No bus is slower.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn it_is_told_at_the_beginning_and_when_it_changes() {
    let bus = SessionBus::start();
    let upower = bus.connect().await;
    let path = "/org/freedesktop/UPower";
    upower.object_server().at(path, Power { on: true }).await.unwrap();
    upower.request_name("org.freedesktop.UPower").await.unwrap();
    let (changed, mut told) = mpsc::unbounded_channel();
    let listener = bus.connect().await;
    let listening = tokio::spawn(async move { power::run(&listener, |it| changed.send(it).unwrap()).await });
    assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap(), Some(true));
    let ours = upower.object_server().interface::<_, Power>(path).await.unwrap();
    for on in [false, true, false] {
        ours.get_mut().await.on = on;
        let emitter = ours.signal_emitter().clone();
        ours.get().await.on_battery_changed(&emitter).await.unwrap();
        assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap(), Some(on));
    }
    listening.abort();
}

struct Power {
    on: bool,
}

#[zbus::interface(name = "org.freedesktop.UPower")]
impl Power {
    #[zbus(property)]
    fn on_battery(&self) -> bool {
        self.on
    }
}
