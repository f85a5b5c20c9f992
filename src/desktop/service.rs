//! Our own D-Bus interface: what programs and `koji-notify`'s other commands ask and hear of the running daemon.
//!
//! How things stand is properties, so one `GetAll` reads it whole and the standard signal tells of changes; there is
//! no second form of it. What happens to builds and tasks is signals. What is asked for goes into the inbox and is
//! answered when it is there, not when it is done; only who wants to follow something waits for what it is.
//!
//! `data/org.fedoraproject.KojiNotify1.xml` is this interface as the bus sees it; a test holds the two together.

mod replies;
mod told;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use zbus::fdo::{self, RequestNameFlags, RequestNameReply};
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;
use zbus::{Connection, interface};

use crate::koji::{InstanceName, Known};
use crate::view::{InstanceStatus, Status};
use crate::watch::{Asker, Event, PauseFor, Reply, Request, Story, Ticket, Toggle};

use replies::Replies;
use told::{tell_story, told};

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

/// Something to be said on the bus. What is said first is on the bus first: whoever has an answer hears nothing older
/// afterwards.
#[derive(Clone, Debug, PartialEq)]
pub enum Saying {
    /// A build or task has changed.
    Changed(Story),
    /// Whoever waits under this number is answered.
    Reply(Ticket, Reply),
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
            Saying::Reply(ticket, reply) => self.replies.answer(ticket, reply),
        }
        Ok(())
    }
}

/// Tells of what differs, in one signal.
async fn tell_changes(emitter: &SignalEmitter<'_>, old: &Status, new: &Status, shown: &Shown) -> zbus::Result<()> {
    let old = properties(old);
    let mut changed = properties(new);
    changed.retain(|name, value| old.get(name) != Some(value));
    if let Some(instances) = changed.get_mut("Instances") {
        let now: Vec<_> = new.instances.iter().map(|it| shown.instance(it)).collect();
        *instances = now.into();
    }
    if changed.is_empty() {
        return Ok(());
    }
    let interface = InterfaceName::from_static_str(INTERFACE)?;
    fdo::Properties::properties_changed(emitter, interface, changed, [].as_slice().into()).await
}

/// What callers see.
struct Door {
    shown: Shown,
    replies: Replies,
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

    /// Asks for something and waits for the reply.
    async fn ask_and_wait(&self, request: impl FnOnce(Asker) -> Request) -> Result<Reply, Refused> {
        let caller = self.replies.wait()?;
        let request = request(Asker::Caller(caller.ticket));
        self.inbox
            .try_send(Event::Asked(request))
            .map_err(|problem| match problem {
                TrySendError::Full(_) => replies::busy(),
                TrySendError::Closed(_) => replies::ending(),
            })?;
        caller.answer(ANSWER_WITHIN).await
    }

    fn with<T>(&self, read: impl FnOnce(&Status) -> T) -> T {
        read(&self.shown.status.borrow())
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

    /// Switches one of the toggles: started, finished, failed, canceled, scratch, tagged, in-repo, followed,
    /// keep-failures, sound.
    fn switch(&self, toggle: String, on: bool) -> fdo::Result<()> {
        let Some(toggle) = Toggle::ALL.into_iter().find(|it| toggle_name(*it) == toggle) else {
            let names = Toggle::ALL.map(toggle_name).join(", ");
            return Err(fdo::Error::InvalidArgs(format!("a toggle is one of: {names}")));
        };
        self.ask(Request::Switch(toggle, on))
    }

    /// Tells how a build or task ends, whoever's it is. What is meant is the number of a task, the
    /// name-version-release of a build, or the address of the page of either; INSTANCE: stands before a number or name
    /// if there are several instances. Answers, when the hub has said what it is, with the heading in the
    /// configuration, the build's number, its task's number, its name and its state, as in Changed; what has ended
    /// needs no following. There are errors of our own, org.fedoraproject.KojiNotify1.Error.*: NotUnderstood, Unknown
    /// (the hub knows nothing of the kind), NoHub (there is none that could be asked), NoAnswer (it did not answer, or
    /// not within 20 seconds), Busy.
    #[zbus(out_args("instance", "build", "task", "nvr", "state"))]
    async fn follow(&self, what: String) -> Result<(String, u64, u64, String, String), Refused> {
        let (instance, lookup) = self.shown.known.borrow().meant(&what)?;
        let name = instance.clone();
        let request = |asker| Request::Follow {
            instance,
            lookup,
            asker,
        };
        match self.ask_and_wait(request).await? {
            Reply::Is(story) => Ok(told(&story)),
            Reply::Unknown => Err(Refused::Unknown(format!("the hub of {name} knows nothing of the kind"))),
            Reply::NoHub => Err(no_hub(&name)),
            Reply::NoAnswer(why) => Err(Refused::NoAnswer(told::text(Some(&why)))),
        }
    }

    /// Tells no more of a build or task that is followed; it is said as for Follow. There are the same errors; Unknown:
    /// it is not followed.
    async fn unfollow(&self, what: String) -> Result<(), Refused> {
        let (instance, lookup) = self.shown.known.borrow().meant(&what)?;
        let name = instance.clone();
        let request = |asker| Request::Unfollow {
            instance,
            lookup,
            asker,
        };
        match self.ask_and_wait(request).await? {
            Reply::Is(_) => Ok(()),
            Reply::Unknown => Err(Refused::Unknown("it is not followed".to_owned())),
            Reply::NoHub => Err(no_hub(&name)),
            Reply::NoAnswer(why) => Err(Refused::NoAnswer(told::text(Some(&why)))),
        }
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

    /// A build or task has changed, with all that is known of it; BuildChanged and TaskChanged tell the same in short.
    /// The build's number is 0 for a task that has no build, or none yet; the task's number is 0 where it is not
    /// known. The name is empty where it is not known. The details are a dictionary, to which more may be added, and
    /// which lacks what is not known:
    /// kind (s), what the state is one of: build, task;
    /// package, method, owner, target (s);
    /// mine, scratch (b);
    /// settled (b), it will not change by itself any more;
    /// doomed (b), a part of it has failed, so it will fail;
    /// page (s), the address of its page;
    /// class (s), why it failed: package, source-rpm, dependencies, buildroot, policy, tagging, canceled, ours-unknown;
    /// arch, fault (s), where it failed, and in the words of the hub how;
    /// log (s), the address of the log that says why;
    /// by (s), the user who canceled it, if that was neither I nor its owner.
    /// Why it failed, or who canceled it, comes a while after it has ended, with the state unchanged.
    #[zbus(signal)]
    async fn changed(
        emitter: &SignalEmitter<'_>,
        instance: &str,
        build: u64,
        task: u64,
        nvr: &str,
        state: &str,
        details: HashMap<&'static str, Value<'static>>,
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

    /// Why no notification pops up: paused, do-not-disturb, presentation, locked, idle, hours; empty: they do.
    #[zbus(property)]
    fn quiet(&self) -> Vec<String> {
        self.with(|it| it.quiet.clone())
    }

    /// The same in a sentence in the person's language; empty also for a pause, which the summary tells.
    #[zbus(property)]
    fn quiet_text(&self) -> String {
        self.with(|it| it.quiet_text.clone())
    }

    /// What is held until notifications pop up again.
    #[zbus(property)]
    fn held(&self) -> u32 {
        self.with(|it| it.held)
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
    /// last-message (x), when the broker last sent a message, whosever it was, in seconds since the epoch, or 0;
    /// last-sign (x), when anything came from the broker, a heartbeat too, in seconds since the epoch, or 0;
    /// unheard (s), a build that the hub told of and the broker should have told of, and has not; or empty;
    /// broker (b), whether there is a broker that tells of changes; without one the line is the hub;
    /// hub (s), how the hub is: none, waiting, answers, unreachable, closed, slow, login-refused, no-such-user, refused;
    /// hub-text (s), the same in a sentence in the person's language, or empty;
    /// last-answer (x), when the hub last answered, in seconds since the epoch, or 0.
    #[zbus(property)]
    fn instances(&self) -> Vec<HashMap<&'static str, Value<'static>>> {
        self.with(|it| it.instances.iter().map(|it| self.shown.instance(it)).collect())
    }

    /// What is wrong with the configuration, in the person's language; empty: nothing.
    #[zbus(property)]
    fn configuration(&self) -> String {
        self.with(|it| it.configuration.clone().unwrap_or_default())
    }

    /// What is wrong with what is kept on disk, in the person's language; empty: nothing.
    #[zbus(property)]
    fn journal(&self) -> String {
        self.with(|it| it.journal.clone().unwrap_or_default())
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
        quiet,
        quiet_text,
        held,
        muted,
        notifications,
        waiting,
        tray,
        instances,
        configuration,
        journal,
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
        ("Quiet", quiet.into()),
        ("QuietText", quiet_text.into()),
        ("Held", held.into()),
        ("Muted", muted.into()),
        ("Notifications", notifications.into()),
        ("Waiting", waiting.into()),
        ("Tray", tray.into()),
        ("Instances", instances.into()),
        ("Configuration", configuration.unwrap_or_default().into()),
        ("Journal", journal.unwrap_or_default().into()),
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
        last_message,
        last_sign,
        unheard,
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
        ("last-message", last_message.into()),
        ("last-sign", last_sign.into()),
        ("unheard", unheard.into()),
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
        Toggle::KeepFailures => "keep-failures",
        Toggle::Sound => "sound",
    }
}

fn no_hub(instance: &InstanceName) -> Refused {
    Refused::NoHub(format!("{instance} has no hub that could be asked"))
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
