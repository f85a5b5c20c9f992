//! The computer's sleep, as logind tells it.
//!
//! AMQP heartbeats run on a clock that stands still in suspend, so without this a dead line would be noticed minutes
//! after the lid was opened.

use futures_util::StreamExt;

/// `org.freedesktop.login1`, as far as we need it.
#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1",
    gen_blocking = false
)]
trait Manager {
    /// The computer is about to sleep (`true`), or has woken (`false`).
    #[zbus(signal)]
    fn prepare_for_sleep(&self, start: bool) -> zbus::Result<()>;
}

/// Calls `woke` each time the computer has woken from sleep, until the bus goes away. `connection` is one to the
/// system bus.
///
/// # Errors
///
/// If the bus does not let us listen.
pub async fn run(connection: &zbus::Connection, woke: impl Fn()) -> zbus::Result<()> {
    let manager = ManagerProxy::builder(connection)
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await?;
    let mut signals = manager.receive_prepare_for_sleep().await?;
    while let Some(signal) = signals.next().await {
        if signal.args().is_ok_and(|it| !it.start) {
            woke();
        }
    }
    Ok(())
}
