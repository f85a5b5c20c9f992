//! How it is with a source, asked once.

use std::process::Stdio;

use serde::Serialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;
use tracing::debug;
use zbus::zvariant::{DynamicType, OwnedValue, Value};
use zbus::{Connection, fdo};

use super::sources::{Ask, NOTIFICATIONS, Source};
use super::{PATIENCE, proxy};

/// The most that is read of what `gsettings` says, in bytes: it is `true` or `false`.
const MAX_SAID: u64 = 64;

/// What came of asking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    Is(bool),
    /// Nobody is there, or nobody who knows of it.
    Nothing,
    /// Who is there did not answer in time.
    Late,
}

/// Asks a source. Nobody is started by that.
pub(super) async fn answer(connection: &Connection, source: &Source) -> Answer {
    match timeout(PATIENCE, asked(connection, source)).await {
        Ok(Ok(is_so)) => Answer::Is(is_so),
        Ok(Err(error)) => {
            debug!(%error, source = source.name, "it says nothing");
            Answer::Nothing
        }
        Err(_) => {
            debug!(source = source.name, "it does not answer");
            Answer::Late
        }
    }
}

/// Returns whether somebody has the name of a source.
pub(super) async fn is_there(connection: &Connection, source: &Source) -> bool {
    let asked = async {
        let bus = fdo::DBusProxy::new(connection).await?;
        Ok::<_, zbus::Error>(bus.name_has_owner(source.at.try_into()?).await?)
    };
    matches!(timeout(PATIENCE, asked).await, Ok(Ok(true)))
}

async fn asked(connection: &Connection, source: &Source) -> zbus::Result<bool> {
    match source.ask {
        Ask::Method(interface, method) => call(connection, source, interface, method, &()).await,
        Ask::Property(interface, name) => {
            let value = property(connection, source, interface, name).await?;
            bool::try_from(value).map_err(Into::into)
        }
        Ask::Word(interface, name, word) => {
            let words = property(connection, source, interface, name).await?;
            let words: Vec<String> = words.try_into()?;
            Ok(words.iter().any(|it| it == word))
        }
        Ask::Xfconf {
            channel,
            property,
            server,
        } => {
            let value: OwnedValue = call(
                connection,
                source,
                super::sources::XFCONF,
                "GetProperty",
                &(channel, property),
            )
            .await?;
            let is_so = matches!(&*value, Value::Bool(true));
            Ok(is_so
                && match server {
                    Some(server) => is_server(connection, server).await,
                    None => true,
                })
        }
        Ask::Gsettings(schema, key) => {
            Ok(is_there(connection, source).await && gsettings(schema, key).await? == "false")
        }
    }
}

async fn property(connection: &Connection, source: &Source, interface: &str, name: &str) -> zbus::Result<OwnedValue> {
    let properties = "org.freedesktop.DBus.Properties";
    call(connection, source, properties, "Get", &(interface, name)).await
}

/// Calls a method of whoever is there.
async fn call<T>(
    connection: &Connection,
    source: &Source,
    interface: &'static str,
    method: &str,
    arguments: &(impl Serialize + DynamicType),
) -> zbus::Result<T>
where
    T: for<'a> zbus::zvariant::DynamicDeserialize<'a>,
{
    let proxy = proxy(connection, source.at, source.path.clone().into_owned(), interface).await?;
    let flags = zbus::proxy::MethodFlags::NoAutoStart.into();
    let answer = proxy.call_with_flags(method, flags, arguments).await?;
    answer.ok_or(zbus::Error::InvalidReply)
}

/// Returns whether the notification server is this one. One that ends when it has nothing to show, as older ones of XFCE
/// do, is still the one that would show something.
async fn is_server(connection: &Connection, name: &str) -> bool {
    let asked = async {
        let server = proxy(
            connection,
            NOTIFICATIONS,
            "/org/freedesktop/Notifications",
            NOTIFICATIONS,
        )
        .await?;
        let flags = zbus::proxy::MethodFlags::NoAutoStart.into();
        let information = server.call_with_flags("GetServerInformation", flags, &()).await?;
        let (server, ..): (String, String, String, String) = information.ok_or(zbus::Error::InvalidReply)?;
        Ok::<_, zbus::Error>(server)
    };
    asked.await.map_or(true, |it| it == name)
}

/// Returns what GNOME's own tool says of a setting.
async fn gsettings(schema: &str, key: &str) -> zbus::Result<String> {
    let mut command = Command::new("gsettings");
    command
        .args(["get", schema, key])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let failed = |it: std::io::Error| zbus::Error::InputOutput(it.into());
    let mut child = command.spawn().map_err(failed)?;
    let mut said = String::new();
    if let Some(output) = child.stdout.take() {
        output.take(MAX_SAID).read_to_string(&mut said).await.map_err(failed)?;
    }
    child.wait().await.map_err(failed)?;
    Ok(said.trim().to_owned())
}
