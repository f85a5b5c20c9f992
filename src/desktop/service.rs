//! Our own D-Bus interface: what programs and `koji-notify`'s other commands ask and hear of the running daemon.
//!
//! How things stand is properties, so one `GetAll` reads it whole and the standard signal tells of changes; there is
//! no second form of it. What happens to builds and tasks is signals. What is asked for goes into the inbox and is
//! answered when it is there, not when it is done.
//!
//! `data/org.fedoraproject.KojiNotify1.xml` is this interface as the bus sees it; a test holds the two together.

use std::collections::HashMap;
use std::num::NonZeroU32;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use zbus::fdo::{self, RequestNameFlags, RequestNameReply};
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;
use zbus::{Connection, interface};

use crate::koji::Subject;
use crate::view::{InstanceStatus, Status};
use crate::watch::{Event, PauseFor, Request, Story, Toggle};

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
/// The longest text in a signal, in bytes; what strangers write has no limit of its own.
pub const MAX_TEXT: usize = 1024;

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

/// Puts our object on the bus, and returns when it can be called. What it returns tells the bus of each change and
/// each story until the status's sender is gone, and then takes the object away.
pub async fn serve(
    connection: Connection,
    status: tokio::sync::watch::Receiver<Status>,
    stories: mpsc::Receiver<Story>,
    inbox: mpsc::Sender<Event>,
) -> Result<impl Future<Output = Result<(), ServiceError>> + Send + 'static, ServiceError> {
    let door = Door {
        status: status.clone(),
        inbox,
    };
    let server = connection.object_server();
    server.at(PATH, door).await.map_err(ServiceError::Export)?;
    Ok(tell(connection, status, stories))
}

async fn tell(
    connection: Connection,
    mut status: tokio::sync::watch::Receiver<Status>,
    mut stories: mpsc::Receiver<Story>,
) -> Result<(), ServiceError> {
    let emitter = SignalEmitter::new(&connection, PATH).map_err(ServiceError::Signal)?;
    let mut told = status.borrow_and_update().clone();
    loop {
        tokio::select! {
            changed = status.changed() => {
                if changed.is_err() {
                    break;
                }
                let newest = status.borrow_and_update().clone();
                tell_changes(&emitter, &told, &newest).await.map_err(ServiceError::Signal)?;
                told = newest;
            }
            Some(story) = stories.recv() => tell_story(&emitter, &story).await.map_err(ServiceError::Signal)?,
        }
    }
    while let Ok(story) = stories.try_recv() {
        tell_story(&emitter, &story).await.map_err(ServiceError::Signal)?;
    }
    let removed = connection.object_server().remove::<Door, _>(PATH).await;
    removed.map_err(ServiceError::Export)?;
    Ok(())
}

/// Tells of what differs, in one signal.
async fn tell_changes(emitter: &SignalEmitter<'_>, old: &Status, new: &Status) -> zbus::Result<()> {
    let old = properties(old);
    let mut changed = properties(new);
    changed.retain(|name, value| old.get(name) != Some(value));
    if changed.is_empty() {
        return Ok(());
    }
    let interface = InterfaceName::from_static_str(INTERFACE)?;
    fdo::Properties::properties_changed(emitter, interface, changed, [].as_slice().into()).await
}

async fn tell_story(emitter: &SignalEmitter<'_>, story: &Story) -> zbus::Result<()> {
    let instance = told(Some(story.instance.as_str()));
    let state = story.standing.name();
    let owner = told(story.owner.as_deref());
    let nvr = story.nvr.as_ref().map(ToString::to_string);
    let (build, nvr) = match &story.subject {
        Subject::Build(id) => (id.0, nvr),
        Subject::NamedBuild(named) => (0, Some(named.to_string())),
        Subject::Task(task) => {
            let method = told(story.method.as_deref());
            let what = told(nvr.as_deref().or(story.package.as_deref()));
            return Door::task_changed(emitter, &instance, task.0, &method, &what, state, &owner).await;
        }
    };
    Door::build_changed(emitter, &instance, build, &told(nvr.as_deref()), state, &owner).await
}

/// Returns text as it can be sent: without NUL, which D-Bus does not carry, and not longer than [`MAX_TEXT`].
fn told(text: Option<&str>) -> String {
    let mut text = text.unwrap_or_default().replace('\0', "");
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// What callers see.
struct Door {
    status: tokio::sync::watch::Receiver<Status>,
    inbox: mpsc::Sender<Event>,
}

impl Door {
    fn ask(&self, request: Request) -> fdo::Result<()> {
        self.inbox
            .try_send(Event::Asked(request))
            .map_err(|problem| match problem {
                TrySendError::Full(_) => fdo::Error::LimitsExceeded("koji-notify is busy; ask again later".to_owned()),
                TrySendError::Closed(_) => fdo::Error::Failed("koji-notify is ending".to_owned()),
            })
    }

    fn with<T>(&self, read: impl FnOnce(&Status) -> T) -> T {
        read(&self.status.borrow())
    }
}

// What stands here as documentation is also what the interface's XML says.
#[interface(name = "org.fedoraproject.KojiNotify1")]
impl Door {
    /// Shows no notifications for so many minutes, at most a year; 0: until resumed.
    fn pause(&self, minutes: u32) -> fdo::Result<()> {
        self.ask(Request::Pause(lasting(minutes)?))
    }

    /// Shows no notifications until the next midnight by the local clock.
    fn pause_until_tomorrow(&self) -> fdo::Result<()> {
        self.ask(Request::Pause(PauseFor::UntilTomorrow))
    }

    /// Shows notifications again.
    fn resume(&self) -> fdo::Result<()> {
        self.ask(Request::Resume)
    }

    /// Tells nothing of a package for so many minutes, at most a year; 0: until unmuted.
    fn mute(&self, package: String, minutes: u32) -> fdo::Result<()> {
        let until = lasting(minutes)?;
        let package = package_name(package)?;
        self.ask(Request::Mute { package, until })
    }

    /// Tells of a package again.
    fn unmute(&self, package: String) -> fdo::Result<()> {
        let package = package_name(package)?;
        self.ask(Request::Unmute { package })
    }

    /// Switches one of the toggles: started, finished, failed, canceled, scratch, tagged, in-repo, followed, sound.
    fn switch(&self, toggle: String, on: bool) -> fdo::Result<()> {
        let Some(toggle) = Toggle::ALL.into_iter().find(|it| toggle_name(*it) == toggle) else {
            let names = Toggle::ALL.map(toggle_name).join(", ");
            return Err(fdo::Error::InvalidArgs(format!("a toggle is one of: {names}")));
        };
        self.ask(Request::Switch(toggle, on))
    }

    /// Reads the configuration again.
    fn reload(&self) -> fdo::Result<()> {
        self.ask(Request::Reload)
    }

    /// Ends the program.
    fn quit(&self) -> fdo::Result<()> {
        self.ask(Request::Quit)
    }

    /// A build has changed. The build's number is 0 where the hub did not tell it. The state is as the hub spells it:
    /// BUILDING, COMPLETE, DELETED, FAILED, CANCELED. What is not known is empty.
    #[zbus(signal)]
    async fn build_changed(
        emitter: &SignalEmitter<'_>,
        instance: &str,
        build: u64,
        nvr: &str,
        state: &str,
        owner: &str,
    ) -> zbus::Result<()>;

    /// A top-level task has changed, such as a scratch build. What it builds is a name, version and release, or the
    /// name of a package. The state is as the hub spells it: FREE, OPEN, CLOSED, CANCELED, ASSIGNED, FAILED. What is
    /// not known is empty.
    #[zbus(signal)]
    async fn task_changed(
        emitter: &SignalEmitter<'_>,
        instance: &str,
        task: u64,
        method: &str,
        what: &str,
        state: &str,
        owner: &str,
    ) -> zbus::Result<()>;

    /// The program's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> String {
        self.with(|it| it.version.clone())
    }

    /// How things stand, as the icon shows it: idle, building, failed, paused, offline.
    #[zbus(property)]
    fn state(&self) -> String {
        self.with(|it| it.state.clone())
    }

    /// How things stand, in a sentence in the person's language.
    #[zbus(property)]
    fn summary(&self) -> String {
        self.with(|it| it.summary.clone())
    }

    /// Builds and tasks of mine that are running.
    #[zbus(property)]
    fn running(&self) -> u32 {
        self.with(|it| it.running)
    }

    /// Builds and tasks of mine that finished since the program started.
    #[zbus(property)]
    fn finished(&self) -> u32 {
        self.with(|it| it.finished)
    }

    /// Builds and tasks of mine that failed since the program started.
    #[zbus(property)]
    fn failed(&self) -> u32 {
        self.with(|it| it.failed)
    }

    /// Builds and tasks of mine that were canceled since the program started.
    #[zbus(property)]
    fn canceled(&self) -> u32 {
        self.with(|it| it.canceled)
    }

    /// Notifications are paused.
    #[zbus(property)]
    fn paused(&self) -> bool {
        self.with(|it| it.paused)
    }

    /// The end of the pause in seconds since the epoch; 0: not paused, or until resumed.
    #[zbus(property)]
    fn paused_until(&self) -> i64 {
        self.with(|it| it.paused_until)
    }

    /// The packages that are muted.
    #[zbus(property)]
    fn muted(&self) -> Vec<String> {
        self.with(|it| it.muted.clone())
    }

    /// A notification server is there.
    #[zbus(property)]
    fn notifications(&self) -> bool {
        self.with(|it| it.notifications)
    }

    /// Notifications that wait for a notification server.
    #[zbus(property)]
    fn waiting(&self) -> u32 {
        self.with(|it| it.waiting)
    }

    /// A tray host is there.
    #[zbus(property)]
    fn tray(&self) -> bool {
        self.with(|it| it.tray)
    }

    /// The Koji instances that are listened to. Each one is a dictionary, to which more may be added:
    /// name (s), the heading in the configuration;
    /// link (s), how the line to it is: connecting, up, down, ended;
    /// text (s), the same in a sentence in the person's language;
    /// heard (t), messages of mine that were heard;
    /// spoiled (t), messages that could not be read;
    /// last-heard (x), when the last message of mine was heard, in seconds since the epoch, or 0;
    /// broker (b), whether there is a broker that tells of changes; without one the line is the hub;
    /// hub (s), how the hub is: none, waiting, answers, unreachable, closed, slow, login-refused, no-such-user, refused;
    /// hub-text (s), the same in a sentence in the person's language, or empty;
    /// last-answer (x), when the hub last answered, in seconds since the epoch, or 0.
    #[zbus(property)]
    fn instances(&self) -> Vec<HashMap<&'static str, Value<'static>>> {
        self.with(|it| it.instances.iter().map(instance).collect())
    }

    /// What is wrong with the configuration, in the person's language; empty: nothing.
    #[zbus(property)]
    fn configuration(&self) -> String {
        self.with(|it| it.configuration.clone().unwrap_or_default())
    }
}

/// Returns the properties that can change, as they are sent.
fn properties(status: &Status) -> HashMap<&'static str, Value<'static>> {
    let Status {
        version: _,
        state,
        summary,
        running,
        finished,
        failed,
        canceled,
        paused,
        paused_until,
        muted,
        notifications,
        waiting,
        tray,
        instances,
        configuration,
    } = status.clone();
    let instances: Vec<_> = instances.iter().map(instance).collect();
    HashMap::from([
        ("State", state.into()),
        ("Summary", summary.into()),
        ("Running", running.into()),
        ("Finished", finished.into()),
        ("Failed", failed.into()),
        ("Canceled", canceled.into()),
        ("Paused", paused.into()),
        ("PausedUntil", paused_until.into()),
        ("Muted", muted.into()),
        ("Notifications", notifications.into()),
        ("Waiting", waiting.into()),
        ("Tray", tray.into()),
        ("Instances", instances.into()),
        ("Configuration", configuration.unwrap_or_default().into()),
    ])
}

fn instance(status: &InstanceStatus) -> HashMap<&'static str, Value<'static>> {
    let InstanceStatus {
        name,
        link,
        text,
        heard,
        spoiled,
        last_heard,
        broker,
        hub,
        hub_text,
        last_answer,
    } = status.clone();
    HashMap::from([
        ("name", name.into()),
        ("link", link.into()),
        ("text", text.into()),
        ("heard", heard.into()),
        ("spoiled", spoiled.into()),
        ("last-heard", last_heard.into()),
        ("broker", broker.into()),
        ("hub", hub.into()),
        ("hub-text", hub_text.into()),
        ("last-answer", last_answer.into()),
    ])
}

/// Returns a toggle's name on the bus.
fn toggle_name(toggle: Toggle) -> &'static str {
    match toggle {
        Toggle::Started => "started",
        Toggle::Finished => "finished",
        Toggle::Failed => "failed",
        Toggle::Canceled => "canceled",
        Toggle::Scratch => "scratch",
        Toggle::Tagged => "tagged",
        Toggle::InRepo => "in-repo",
        Toggle::Followed => "followed",
        Toggle::Sound => "sound",
    }
}

fn lasting(minutes: u32) -> fdo::Result<PauseFor> {
    if minutes > MAX_MINUTES {
        let problem = format!("at most {MAX_MINUTES} minutes, or 0 for no end");
        return Err(fdo::Error::InvalidArgs(problem));
    }
    Ok(NonZeroU32::new(minutes).map_or(PauseFor::UntilResumed, PauseFor::Minutes))
}

fn package_name(name: String) -> fdo::Result<String> {
    let in_range = (1..=MAX_PACKAGE).contains(&name.len());
    let is_word = name.chars().all(|it| !it.is_whitespace() && !it.is_control());
    if !in_range || !is_word {
        let problem = format!("a package's name is one word of at most {MAX_PACKAGE} bytes");
        return Err(fdo::Error::InvalidArgs(problem));
    }
    Ok(name)
}
