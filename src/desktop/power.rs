//! Whether the computer runs on its battery, as UPower tells it. On battery the hub is asked half as often.
//!
//! zbus can keep properties by itself, but warns in the log where there is no UPower, which is nothing to warn of.

use futures_util::StreamExt;
use tracing::debug;
use zbus::fdo::PropertiesProxy;
use zbus::names::InterfaceName;
use zbus::zvariant::Value;

const UPOWER: &str = "org.freedesktop.UPower";

/// No line power is there.
const ON_BATTERY: &str = "OnBattery";

/// Calls `tell` with how it is, and again each time it has changed, until the bus goes away. `connection` is one to
/// the system bus. A computer without UPower has no battery to save.
///
/// # Errors
///
/// If the bus does not let us listen.
pub async fn run(connection: &zbus::Connection, tell: impl Fn(bool)) -> zbus::Result<()> {
    let power = PropertiesProxy::builder(connection)
        .destination(UPOWER)?
        .path("/org/freedesktop/UPower")?
        .build()
        .await?;
    let mut changes = power.receive_properties_changed().await?;
    let interface = InterfaceName::from_static_str(UPOWER)?;
    match power.get(interface, ON_BATTERY).await {
        Ok(value) => tell_if_known(&value, &tell),
        Err(error) => debug!(%error, "nobody tells of a battery"),
    }
    while let Some(change) = changes.next().await {
        if let Ok(arguments) = change.args()
            && arguments.interface_name == UPOWER
            && let Some(value) = arguments.changed_properties.get(ON_BATTERY)
        {
            tell_if_known(value, &tell);
        }
    }
    Ok(())
}

fn tell_if_known(value: &Value<'_>, tell: &impl Fn(bool)) {
    if let Value::Bool(is_so) = value {
        tell(*is_so);
    }
}
