//! Whether the computer runs on its battery, as UPower tells it. On battery the hub is asked half as often.

use futures_util::StreamExt;

/// `org.freedesktop.UPower`, as far as we need it.
#[zbus::proxy(
    interface = "org.freedesktop.UPower",
    default_service = "org.freedesktop.UPower",
    default_path = "/org/freedesktop/UPower",
    gen_blocking = false
)]
trait Power {
    /// No line power is there.
    #[zbus(property)]
    fn on_battery(&self) -> zbus::Result<bool>;
}

/// Calls `tell` with how it is, and again each time it has changed, until the bus goes away. `connection` is one to
/// the system bus. A computer without UPower has no battery to save.
///
/// # Errors
///
/// If the bus does not let us listen.
pub async fn run(connection: &zbus::Connection, tell: impl Fn(bool)) -> zbus::Result<()> {
    let power = PowerProxy::new(connection).await?;
    let mut changes = power.receive_on_battery_changed().await;
    while let Some(change) = changes.next().await {
        if let Ok(is_so) = change.get().await {
            tell(is_so);
        }
    }
    Ok(())
}
