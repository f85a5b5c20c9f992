//! A look at the session: who would show notifications and the tray. For `koji-notify check`.

use std::time::Duration;

use zbus::zvariant::OwnedValue;
use zbus::{Connection, fdo};

/// How long a server may take to say who it is; one that D-Bus has to start needs some tens of milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who shows notifications.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotificationServer {
    pub name: String,
    pub version: String,
    /// The capabilities of Desktop Notifications 1.2.
    pub capabilities: Vec<String>,
}

/// Who shows the tray.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TrayHost {
    /// A watcher and a host: icons are shown.
    Shown,
    /// A watcher without a host: icons are only taken down.
    NoHost,
    /// No watcher.
    Absent,
}

/// Asks the notification server who it is, starting it if D-Bus can.
///
/// # Errors
///
/// If there is none, or it does not answer in time.
pub async fn notification_server(connection: &Connection) -> zbus::Result<NotificationServer> {
    let name = "org.freedesktop.Notifications";
    let path = "/org/freedesktop/Notifications";
    let ask = async {
        let information = connection
            .call_method(Some(name), path, Some(name), "GetServerInformation", &())
            .await?;
        let (server, _, version, _): (String, String, String, String) = information.body().deserialize()?;
        let capabilities = connection
            .call_method(Some(name), path, Some(name), "GetCapabilities", &())
            .await?;
        Ok(NotificationServer {
            name: server,
            version,
            capabilities: capabilities.body().deserialize()?,
        })
    };
    in_time(ask).await
}

/// Asks the StatusNotifierWatcher whether anybody shows icons.
///
/// # Errors
///
/// If it does not answer in time.
pub async fn tray_host(connection: &Connection) -> zbus::Result<TrayHost> {
    let watcher = "org.kde.StatusNotifierWatcher";
    let ask = async {
        let bus = fdo::DBusProxy::new(connection).await?;
        if !bus.name_has_owner(watcher.try_into()?).await? {
            return Ok(TrayHost::Absent);
        }
        let properties = "org.freedesktop.DBus.Properties";
        let which = (watcher, "IsStatusNotifierHostRegistered");
        let path = "/StatusNotifierWatcher";
        let reply = connection
            .call_method(Some(watcher), path, Some(properties), "Get", &which)
            .await?;
        let is_registered: OwnedValue = reply.body().deserialize()?;
        let is_registered = bool::try_from(is_registered)?;
        Ok(if is_registered {
            TrayHost::Shown
        } else {
            TrayHost::NoHost
        })
    };
    in_time(ask).await
}

async fn in_time<T>(ask: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    let late = || {
        Err(zbus::Error::InputOutput(std::sync::Arc::new(
            std::io::ErrorKind::TimedOut.into(),
        )))
    };
    tokio::time::timeout(PATIENCE, ask).await.unwrap_or_else(|_| late())
}
