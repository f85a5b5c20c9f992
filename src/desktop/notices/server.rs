//! The notification server's side of the wire: the calls we make and the signals it sends, as values.
//!
//! Direct calls on a given connection rather than a proxy or `notify_rust`'s own sending: one connection for all
//! notifications is what keeps them on screen in GNOME Shell and what dunst reports to, and a call can be outlived.
//! It sets no time limit and remembers nothing.

use std::collections::BTreeMap;

use notify_rust::Notification;
use tracing::info;
use zbus::message::{Flags, Type};
use zbus::names::{BusName, OwnedUniqueName, UniqueName, WellKnownName};
use zbus::zvariant::Value;
use zbus::{Connection, MatchRule, Message, MessageStream, fdo};

use super::letter::Abilities;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const INTERFACE: &str = "org.freedesktop.Notifications";
const BUS: &str = "org.freedesktop.DBus";

/// So many characters of what a server says about itself are logged.
const LOGGED_CHARS: usize = 200;

/// What the server reported.
#[derive(Debug)]
pub(super) enum Signal {
    /// The person has pressed the button with this key.
    ActionInvoked { id: u32, key: String },
    /// Whoever is started by the next `ActionInvoked` may take the focus with this.
    ActivationToken { id: u32, token: String },
    /// The notification has left the screen.
    NotificationClosed { id: u32, reason: u32 },
}

/// Somebody else has the server's name now, or nobody.
#[derive(Debug)]
pub(super) struct OwnerChange {
    pub(super) new: Option<OwnedUniqueName>,
}

/// Calls `GetCapabilities`, which starts a server that D-Bus can activate, and logs who answered.
pub(super) async fn introduce(connection: &Connection) -> zbus::Result<Abilities> {
    let reply = call(connection, "GetCapabilities", &()).await?;
    let capabilities: Vec<String> = reply.body().deserialize()?;
    let (name, vendor, version, spec) = information(connection).await.unwrap_or_default();
    info!(
        name = short(&name),
        vendor = short(&vendor),
        version = short(&version),
        spec = short(&spec),
        capabilities = short(&capabilities.join(" ")),
        "notification server"
    );
    Ok(Abilities::of(&name, &version, &capabilities))
}

/// Calls `GetServerInformation`: name, vendor, version, version of the specification.
pub(super) async fn information(connection: &Connection) -> zbus::Result<(String, String, String, String)> {
    let reply = call(connection, "GetServerInformation", &()).await?;
    reply.body().deserialize()
}

/// Calls `Notify` and returns the server's number. `replaces` is a number of before, or 0.
pub(super) async fn notify(connection: &Connection, replaces: u32, letter: &Notification) -> zbus::Result<u32> {
    let hints: BTreeMap<&str, Value<'_>> = letter.hints.iter().map(Into::into).collect();
    let arguments = (
        letter.appname.as_str(),
        replaces,
        letter.icon.as_str(),
        letter.summary.as_str(),
        letter.body.as_str(),
        letter.actions.as_slice(),
        hints,
        i32::from(letter.timeout),
    );
    let reply = call(connection, "Notify", &arguments).await?;
    reply.body().deserialize()
}

/// Sends `CloseNotification` to exactly this server and does not wait for an answer.
pub(super) async fn close(connection: &Connection, server: &OwnedUniqueName, id: u32) -> zbus::Result<()> {
    let mut call = Message::method_call(PATH, "CloseNotification")?
        .interface(INTERFACE)?
        .destination(server)?
        .with_flags(Flags::NoReplyExpected)?;
    if let Some(us) = connection.unique_name() {
        call = call.sender(us)?;
    }
    connection.send(&call.build(&id)?).await
}

/// Returns whether it was the bus that answered, since the one who was called has left without an answer.
pub(super) fn is_no_reply(trouble: &zbus::Error) -> bool {
    matches!(trouble, zbus::Error::MethodError(name, ..) if name.as_str() == "org.freedesktop.DBus.Error.NoReply")
}

/// Returns who has the server's name.
pub(super) async fn owner(connection: &Connection) -> zbus::Result<Option<OwnedUniqueName>> {
    let bus = bus(connection).await?;
    match bus
        .get_name_owner(BusName::from(WellKnownName::from_static_str(NAME)?))
        .await
    {
        Ok(owner) => Ok(Some(owner)),
        Err(fdo::Error::NameHasNoOwner(_)) => Ok(None),
        Err(trouble) => Err(trouble.into()),
    }
}

/// Returns whether D-Bus would start a server for the first who calls.
pub(super) async fn is_activatable(connection: &Connection) -> zbus::Result<bool> {
    let names = bus(connection).await?.list_activatable_names().await?;
    Ok(names.iter().any(|it| it.as_str() == NAME))
}

/// Returns the stream of messages for [`owner_change`].
pub(super) async fn owner_changes(connection: &Connection) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(BUS)?
        .interface(BUS)?
        .member("NameOwnerChanged")?
        .add_arg(NAME)?
        .build();
    MessageStream::for_match_rule(rule, connection, None).await
}

/// Returns the stream of messages for [`signal`].
pub(super) async fn signals(connection: &Connection) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(NAME)?
        .interface(INTERFACE)?
        .path(PATH)?
        .build();
    MessageStream::for_match_rule(rule, connection, None).await
}

/// Reads a message of [`owner_changes`]. Only the bus itself gets through there: its name counts as a unique one, by
/// which zbus sorts out what others send us.
pub(super) fn owner_change(message: &Message) -> Option<OwnerChange> {
    let (name, _old, new): (String, String, String) = message.body().deserialize().ok()?;
    if name != NAME {
        return None;
    }
    let new = match new.as_str() {
        "" => None,
        owner => Some(OwnedUniqueName::try_from(owner).ok()?),
    };
    Some(OwnerChange { new })
}

/// Reads a message of [`signals`], if it comes from this server. Anybody can send us one, and zbus lets it through.
pub(super) fn signal(message: &Message, server: Option<&UniqueName<'_>>) -> Option<Signal> {
    let header = message.header();
    if server.is_none() || header.sender() != server {
        return None;
    }
    let body = message.body();
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (id, key) = body.deserialize().ok()?;
            Some(Signal::ActionInvoked { id, key })
        }
        "ActivationToken" => {
            let (id, token) = body.deserialize().ok()?;
            Some(Signal::ActivationToken { id, token })
        }
        "NotificationClosed" => {
            let (id, reason) = body.deserialize().ok()?;
            Some(Signal::NotificationClosed { id, reason })
        }
        _ => None,
    }
}

/// Calls whoever has the name, and so starts a server that D-Bus can activate.
async fn call<B>(connection: &Connection, method: &str, arguments: &B) -> zbus::Result<Message>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    connection
        .call_method(Some(NAME), PATH, Some(INTERFACE), method, arguments)
        .await
}

async fn bus(connection: &Connection) -> zbus::Result<fdo::DBusProxy<'_>> {
    fdo::DBusProxy::builder(connection)
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await
}

/// Text of a stranger, fit for a log line.
fn short(text: &str) -> tracing::field::DebugValue<String> {
    tracing::field::debug(text.chars().take(LOGGED_CHARS).collect())
}
