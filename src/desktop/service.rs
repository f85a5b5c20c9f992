//! Our own D-Bus interface: what programs and `koji-notify`'s other commands ask and hear of the running daemon.
//!
//! How things stand is properties, so one `GetAll` reads it whole and the standard signal tells of changes; there is
//! no second form of it. What happens to builds and tasks is signals. What is asked for goes into the inbox and is
//! answered when it is there, not when it is done; only who wants to follow something waits for what it is.
//!
//! `data/org.fedoraproject.KojiNotify1.xml` is this interface as the bus sees it; a test holds the two together.

mod door;
mod mutes;
mod properties;
mod replies;
mod told;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use zbus::Connection;
use zbus::fdo::{self, RequestNameFlags, RequestNameReply};
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;

use crate::koji::{InstanceName, Known};
use crate::view::facts::{self, Facts};
use crate::view::status::moved;
use crate::view::{InstanceStatus, Status};
use crate::watch::{Event, Reply, Story, Ticket};

use door::Door;
use properties::{instance, properties};
use replies::{Answer, Replies};
use told::tell_story;

pub use crate::view::facts::MAX_TEXT;
pub use replies::{ANSWER_WITHIN, MAX_CALLERS, Refused};

/// The well-known name on the session bus.
pub const NAME: &str = "org.fedoraproject.KojiNotify";
/// Where the object is.
pub const PATH: &str = "/org/fedoraproject/KojiNotify";
/// The interface. The number grows when something in it changes its meaning; additions leave it as it is.
pub const INTERFACE: &str = "org.fedoraproject.KojiNotify1";

/// The longest pause and mute that can be asked for: a year. Longer ones are meant to last until they are ended.
pub const MAX_MINUTES: u32 = 366 * 24 * 60;
/// The longest name of a package, in bytes.
pub const MAX_PACKAGE: usize = 256;

/// Why the interface does not work, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("our object cannot be put on the session bus")]
    Export(#[source] zbus::Error),
    #[error("the name {NAME} cannot be asked for on the session bus")]
    Name(#[source] zbus::Error),
    #[error("a change cannot be told on the session bus")]
    Signal(#[source] zbus::Error),
    #[error("the running koji-notify cannot be asked")]
    Call(#[source] zbus::Error),
    #[error("the running koji-notify is of another version: it does not tell its {0}")]
    Property(&'static str),
}

/// Whether we are the one that runs in this session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ownership {
    Ours,
    /// Another instance has the name, and keeps it.
    Taken,
}

/// Asks for the name. Nobody can take it away afterwards, and we take it from nobody.
///
/// Call it after [`serve`]: a program that is waiting for the name calls at once.
pub async fn take_name(connection: &Connection) -> Result<Ownership, ServiceError> {
    // With zbus's own default flags each new instance would take the name from the last (zbus 5.19, fdo/dbus.rs).
    let flags = RequestNameFlags::DoNotQueue.into();
    match connection.request_name_with_flags(NAME, flags).await {
        Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => Ok(Ownership::Ours),
        Ok(RequestNameReply::Exists | RequestNameReply::InQueue) | Err(zbus::Error::NameTaken) => Ok(Ownership::Taken),
        Err(source) => Err(ServiceError::Name(source)),
    }
}

/// Something to be said on the bus. What is said first is on the bus first: whoever has an answer hears nothing older
/// afterwards.
#[derive(Clone, Debug, PartialEq)]
pub enum Saying {
    /// A build or task has changed.
    Changed(Story),
    /// Whoever waits under this number is answered.
    Reply(Ticket, Reply),
    /// Whoever waits under this number gets a list.
    List(Ticket, Vec<Facts>),
}

/// Tells of a message: its topic, and all of it as JSON. Waits for the bus.
pub async fn tell_message(connection: &Connection, topic: &str, json: &str) -> Result<(), ServiceError> {
    let emitter = SignalEmitter::new(connection, PATH).map_err(ServiceError::Signal)?;
    let told = Door::message_received(&emitter, &facts::text(topic), json).await;
    told.map_err(ServiceError::Signal)
}

/// What callers are shown of us.
#[derive(Clone)]
pub struct Shown {
    pub status: tokio::sync::watch::Receiver<Status>,
    /// What can be meant.
    pub known: tokio::sync::watch::Receiver<Known>,
    /// When an instance's broker last gave signs of life, as of now. They come all the time, and are shown to whoever
    /// asks.
    pub signs: Arc<dyn Fn(&InstanceName) -> LastSigns + Send + Sync>,
}

/// When a broker last gave signs of life.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LastSigns {
    /// A message, whosever it was.
    pub message: Option<Timestamp>,
    /// Anything at all, a heartbeat too.
    pub anything: Option<Timestamp>,
}

impl Shown {
    /// Returns how an instance stands now.
    fn instance(&self, status: &InstanceStatus) -> HashMap<&'static str, Value<'static>> {
        let LastSigns { message, anything } = (self.signs)(&InstanceName::new(&status.name));
        let second = |it: Option<Timestamp>| it.map_or(0, Timestamp::as_second);
        instance(&InstanceStatus {
            last_message: second(message),
            last_sign: second(anything),
            ..status.clone()
        })
    }
}

/// Puts our object on the bus, and returns when it can be called. What it returns tells the bus of each change and
/// says each saying until the status's sender is gone, and then takes the object away.
pub async fn serve(
    connection: Connection,
    shown: Shown,
    sayings: mpsc::Receiver<Saying>,
    inbox: mpsc::Sender<Event>,
) -> Result<impl Future<Output = Result<(), ServiceError>> + Send + 'static, ServiceError> {
    let replies = Replies::default();
    let door = Door {
        shown: shown.clone(),
        replies: replies.clone(),
        inbox,
    };
    let server = connection.object_server();
    server.at(PATH, door).await.map_err(ServiceError::Export)?;
    Ok(async move {
        let speaker = Speaker { shown, replies };
        let told = speaker.tell(&connection, sayings).await;
        speaker.replies.end();
        told?;
        let removed = connection.object_server().remove::<Door, _>(PATH).await;
        removed.map_err(ServiceError::Export)?;
        Ok(())
    })
}

/// Who says it on the bus.
struct Speaker {
    shown: Shown,
    replies: Replies,
}

impl Speaker {
    async fn tell(&self, connection: &Connection, mut sayings: mpsc::Receiver<Saying>) -> Result<(), ServiceError> {
        let emitter = SignalEmitter::new(connection, PATH).map_err(ServiceError::Signal)?;
        let mut status = self.shown.status.clone();
        let mut told = status.borrow_and_update().clone();
        loop {
            tokio::select! {
                changed = status.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let newest = status.borrow_and_update().clone();
                    tell_changes(&emitter, &told, &newest, &self.shown).await.map_err(ServiceError::Signal)?;
                    told = newest;
                }
                Some(saying) = sayings.recv() => self.say(&emitter, saying).await?,
            }
        }
        while let Ok(saying) = sayings.try_recv() {
            self.say(&emitter, saying).await?;
        }
        Ok(())
    }

    async fn say(&self, emitter: &SignalEmitter<'_>, saying: Saying) -> Result<(), ServiceError> {
        match saying {
            Saying::Changed(story) => {
                let known = self.shown.known.borrow().clone();
                tell_story(emitter, &story, &known)
                    .await
                    .map_err(ServiceError::Signal)?;
            }
            Saying::Reply(ticket, reply) => self.replies.answer(ticket, Answer::Reply(reply)),
            Saying::List(ticket, list) => self.replies.answer(ticket, Answer::List(list)),
        }
        Ok(())
    }
}

/// Tells of what differs, in one signal; and of each line that has come up or gone down, in one of its own.
async fn tell_changes(emitter: &SignalEmitter<'_>, before: &Status, new: &Status, shown: &Shown) -> zbus::Result<()> {
    let old = properties(before);
    let mut changed = properties(new);
    changed.retain(|name, value| old.get(name) != Some(value));
    if let Some(instances) = changed.get_mut("Instances") {
        let now: Vec<_> = new.instances.iter().map(|it| shown.instance(it)).collect();
        *instances = now.into();
    }
    if !changed.is_empty() {
        let interface = InterfaceName::from_static_str(INTERFACE)?;
        fdo::Properties::properties_changed(emitter, interface, changed, [].as_slice().into()).await?;
    }
    for it in moved(before, new) {
        Door::connection_changed(emitter, it.name, it.link, it.text).await?;
    }
    Ok(())
}
