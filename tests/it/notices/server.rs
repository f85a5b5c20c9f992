//! A notification server that does what a test tells it to.

use std::collections::HashMap;
use std::fmt;
use std::future::pending;

use tokio::sync::{mpsc, watch};
use zbus::message::Header;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, fdo};

use crate::session_bus::SessionBus;

pub(crate) const NAME: &str = "org.freedesktop.Notifications";
pub(crate) const PATH: &str = "/org/freedesktop/Notifications";

/// A call of `Notify`, with the number that was given for it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) sender: String,
    pub(crate) app_name: String,
    pub(crate) replaces: u32,
    pub(crate) icon: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) actions: Vec<String>,
    pub(crate) hints: HashMap<String, OwnedValue>,
    pub(crate) timeout: i32,
    pub(crate) id: u32,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Notify from {}, icon {}, instead of {}, timeout {}\ntitle: {}\nbody: {:?}",
            self.app_name, self.icon, self.replaces, self.timeout, self.title, self.body
        )?;
        for action in self.actions.chunks(2) {
            writeln!(f, "action {}: {}", action[0], action[1])?;
        }
        let mut keys: Vec<_> = self.hints.keys().collect();
        keys.sort();
        for key in keys {
            let value: &Value<'_> = &self.hints[key];
            writeln!(f, "hint {key}: {value}")?;
        }
        Ok(())
    }
}

/// A notification server that does what it is told to.
pub(crate) struct Server {
    pub(crate) connection: Connection,
    frozen: watch::Sender<bool>,
    mood: watch::Sender<Mood>,
    asked: watch::Receiver<u32>,
    pub(crate) calls: mpsc::UnboundedReceiver<Call>,
    pub(crate) closes: mpsc::UnboundedReceiver<u32>,
}

/// What the server does with the next `Notify`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mood {
    Take,
    Refuse,
    Swallow,
}

impl Server {
    /// Starts a server, which takes the name from another one that is there.
    pub(crate) async fn start(bus: &SessionBus, capabilities: &[&str]) -> Self {
        Self::start_as(bus, ("mock", "1"), capabilities).await
    }

    /// The same, under the name and the version of a server that there is.
    pub(crate) async fn start_as(
        bus: &SessionBus,
        identity: (&'static str, &'static str),
        capabilities: &[&str],
    ) -> Self {
        let (frozen, gate) = watch::channel(false);
        let (asked_in, asked) = watch::channel(0);
        let (mood, _) = watch::channel(Mood::Take);
        let (call_in, calls) = mpsc::unbounded_channel();
        let (close_in, closes) = mpsc::unbounded_channel();
        let desk = Desk {
            identity,
            capabilities: capabilities.iter().map(|&it| it.to_owned()).collect(),
            frozen: gate,
            mood: mood.clone(),
            asked: asked_in,
            last_id: watch::channel(1000).0,
            calls: call_in,
            closes: close_in,
        };
        let connection = bus.connect().await;
        connection.object_server().at(PATH, desk).await.unwrap();
        let flags = fdo::RequestNameFlags::ReplaceExisting | fdo::RequestNameFlags::AllowReplacement;
        connection.request_name_with_flags(NAME, flags).await.unwrap();
        Self {
            connection,
            frozen,
            mood,
            asked,
            calls,
            closes,
        }
    }

    /// Answers nothing while it is frozen, like a process that was stopped.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }

    pub(crate) fn refuse_next(&self) {
        self.mood.send_replace(Mood::Refuse);
    }

    pub(crate) fn swallow_next(&self) {
        self.mood.send_replace(Mood::Swallow);
    }

    /// Returns when the call that is to be swallowed has been.
    pub(crate) async fn swallowed(&self) {
        let mut mood = self.mood.subscribe();
        mood.wait_for(|&it| it == Mood::Take).await.unwrap();
    }

    /// Returns how often its capabilities were asked for.
    pub(crate) fn asked(&self) -> u32 {
        *self.asked.borrow()
    }

    pub(crate) async fn click(&self, id: u32, key: &str) {
        self.emit("ActionInvoked", &(id, key)).await;
    }

    pub(crate) async fn grant(&self, id: u32, token: &str) {
        self.emit("ActivationToken", &(id, token)).await;
    }

    pub(crate) async fn close(&self, id: u32, reason: u32) {
        self.emit("NotificationClosed", &(id, reason)).await;
    }

    pub(crate) async fn emit<B>(&self, member: &str, body: &B)
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let everybody = None::<&str>;
        self.connection
            .emit_signal(everybody, PATH, NAME, member, body)
            .await
            .unwrap();
    }
}

/// What the bus sees of the server.
struct Desk {
    identity: (&'static str, &'static str),
    capabilities: Vec<String>,
    frozen: watch::Receiver<bool>,
    mood: watch::Sender<Mood>,
    asked: watch::Sender<u32>,
    last_id: watch::Sender<u32>,
    calls: mpsc::UnboundedSender<Call>,
    closes: mpsc::UnboundedSender<u32>,
}

impl Desk {
    async fn thawed(&self) {
        let mut frozen = self.frozen.clone();
        // An error says that the test is over.
        if frozen.wait_for(|&it| !it).await.is_err() {
            pending::<()>().await;
        }
    }
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Desk {
    async fn get_capabilities(&self) -> Vec<String> {
        self.thawed().await;
        self.asked.send_modify(|it| *it += 1);
        self.capabilities.clone()
    }

    async fn get_server_information(&self) -> (&str, &str, &str, &str) {
        self.thawed().await;
        let (name, version) = self.identity;
        (name, "koji-notify", version, "1.2")
    }

    #[expect(clippy::too_many_arguments, reason = "the specification has them")]
    async fn notify(
        &self,
        #[zbus(header)] header: Header<'_>,
        app_name: String,
        replaces: u32,
        icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        timeout: i32,
    ) -> fdo::Result<u32> {
        self.thawed().await;
        match self.mood.send_replace(Mood::Take) {
            Mood::Take => {}
            Mood::Refuse => return Err(fdo::Error::LimitsExceeded("too many".to_owned())),
            Mood::Swallow => pending().await,
        }
        let id = match replaces {
            0 => {
                self.last_id.send_modify(|it| *it += 1);
                *self.last_id.borrow()
            }
            replaces => replaces,
        };
        let sender = header.sender().unwrap().to_string();
        let call = Call {
            sender,
            app_name,
            replaces,
            icon,
            title,
            body,
            actions,
            hints,
            timeout,
            id,
        };
        self.calls.send(call).unwrap();
        Ok(id)
    }

    async fn close_notification(&self, id: u32) {
        self.thawed().await;
        self.closes.send(id).unwrap();
    }
}
