//! Who tells that the person is not to be disturbed: stand-ins for what a test cannot have, such as Plasma and logind.
//! `desktop_real` has the real servers of XFCE and dunst.

use std::time::Duration;

use koji_notify::desktop::quiet;
use koji_notify::watch::{Event, Reason};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::fdo::{self, RequestNameFlags};
use zbus::object_server::{Interface, SignalEmitter};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, Value};
use zbus::{Connection, interface};

use crate::session_bus::SessionBus;

/// No bus is slower.
const PATIENCE: Duration = Duration::from_secs(60);

const SCREEN_SAVER: &str = "/org/freedesktop/ScreenSaver";
const LOGIND: &str = "/org/freedesktop/login1";
const USER: &str = "/org/freedesktop/login1/user/self";
const SESSION: &str = "/org/freedesktop/login1/session/_32";
const OTHER_SESSION: &str = "/org/freedesktop/login1/session/_33";

#[tokio::test]
async fn a_lock_that_is_there_comes_late_or_dies_is_told() {
    let bus = SessionBus::start();
    let first = screen_saver(&bus, true).await;
    let mut told = Told::listen(&bus, None).await;
    told.is(Reason::Locked, true).await;
    // It dies, and what it said dies with it.
    drop(first);
    told.is(Reason::Locked, false).await;
    let second = screen_saver(&bus, false).await;
    set_active(&second, true).await;
    told.is(Reason::Locked, true).await;
    set_active(&second, false).await;
    told.is(Reason::Locked, false).await;
}

#[tokio::test]
async fn each_kind_of_server_says_that_it_is_not_to_disturb() {
    let bus = SessionBus::start();
    let server = owner(&bus, "org.freedesktop.Notifications").await;
    let objects = server.object_server();
    let (notifications, mako) = ("/org/freedesktop/Notifications", "/fr/emersion/Mako");
    objects.at(notifications, Plasma { inhibited: true }).await.unwrap();
    objects
        .at(
            mako,
            Mako {
                modes: vec!["default".to_owned()],
            },
        )
        .await
        .unwrap();
    let mut told = Told::listen(&bus, None).await;
    told.is(Reason::DoNotDisturb, true).await;
    let plasma = objects.interface::<_, Plasma>(notifications).await.unwrap();
    plasma.get_mut().await.inhibited = false;
    plasma
        .get()
        .await
        .inhibited_changed(plasma.signal_emitter())
        .await
        .unwrap();
    told.is(Reason::DoNotDisturb, false).await;

    let modes = objects.interface::<_, Mako>(mako).await.unwrap();
    for (mode, is_so) in [("do-not-disturb", true), ("default", false)] {
        modes.get_mut().await.modes = vec!["a".to_owned(), mode.to_owned()];
        modes.get().await.modes_changed(modes.signal_emitter()).await.unwrap();
        told.is(Reason::DoNotDisturb, is_so).await;
    }

    // One whose signal has other arguments in each version.
    let sway = owner(&bus, "org.erikreider.swaync.cc").await;
    let at = "/org/erikreider/swaync/cc";
    sway.object_server().at(at, Sway { dnd: false }).await.unwrap();
    let center = sway.object_server().interface::<_, Sway>(at).await.unwrap();
    for is_so in [true, false] {
        center.get_mut().await.dnd = is_so;
        Sway::subscribe_v2(center.signal_emitter(), 3, is_so, false, false)
            .await
            .unwrap();
        told.is(Reason::DoNotDisturb, is_so).await;
    }
}

#[tokio::test]
async fn what_xfce_has_set_counts_only_where_its_server_is() {
    let bus = SessionBus::start();
    let (dnd, presentation) = ("/do-not-disturb", "/xfce4-power-manager/presentation-mode");
    let at = "/org/xfce/Xfconf";
    let xfconf = serve(&bus, "org.xfce.Xfconf", at, Xfconf { on: vec![dnd] }).await;
    let settings = xfconf.object_server().interface::<_, Xfconf>(at).await.unwrap();
    let signals = settings.signal_emitter();
    let mut told = Told::listen(&bus, None).await;
    // No server is there: the one of XFCE may end when it has nothing to show.
    told.is(Reason::DoNotDisturb, true).await;
    let name = "org.freedesktop.Notifications";
    let notifications = "/org/freedesktop/Notifications";
    let dunst = serve(&bus, name, notifications, Server { name: "dunst" }).await;
    told.is(Reason::DoNotDisturb, false).await;
    drop(dunst);
    told.is(Reason::DoNotDisturb, true).await;
    let daemon = Server {
        name: "Xfce Notify Daemon",
    };
    let _own = serve(&bus, name, notifications, daemon).await;
    settings.get_mut().await.on = Vec::new();
    Xfconf::property_removed(signals, "xfce4-notifyd", dnd).await.unwrap();
    told.is(Reason::DoNotDisturb, false).await;

    for is_so in [true, false] {
        settings.get_mut().await.on = if is_so { vec![presentation] } else { Vec::new() };
        let channel = "xfce4-power-manager";
        Xfconf::property_changed(signals, channel, presentation, is_so.into())
            .await
            .unwrap();
        told.is(Reason::Presentation, is_so).await;
    }
}

#[tokio::test]
async fn logind_tells_of_the_session_that_is_on_the_screen() {
    let (bus, system) = (SessionBus::start(), SessionBus::start());
    let logind = owner(&system, "org.freedesktop.login1").await;
    let objects = logind.object_server();
    let idle = Session {
        locked: false,
        idle: true,
    };
    objects.at(SESSION, idle).await.unwrap();
    objects.at(USER, User(Some(SESSION))).await.unwrap();
    let mut told = Told::listen(&bus, Some(&system)).await;
    told.is(Reason::Idle, true).await;
    let session = objects.interface::<_, Session>(SESSION).await.unwrap();
    session.get_mut().await.locked = true;
    session
        .get()
        .await
        .locked_hint_changed(session.signal_emitter())
        .await
        .unwrap();
    told.is(Reason::Locked, true).await;
    session.get_mut().await.idle = false;
    session
        .get()
        .await
        .idle_hint_changed(session.signal_emitter())
        .await
        .unwrap();
    told.is(Reason::Idle, false).await;
    // logind is gone, and nobody knows any more.
    drop(session);
    drop(logind);
    told.is(Reason::Locked, false).await;
}

#[tokio::test]
async fn another_session_on_the_screen_is_asked_and_the_one_before_says_no_more() {
    let (bus, system) = (SessionBus::start(), SessionBus::start());
    let logind = owner(&system, "org.freedesktop.login1").await;
    let objects = logind.object_server();
    let session = |locked| Session { locked, idle: false };
    objects.at(LOGIND, Manager).await.unwrap();
    objects.at(USER, User(None)).await.unwrap();
    objects.at(SESSION, session(true)).await.unwrap();
    objects.at(OTHER_SESSION, session(true)).await.unwrap();
    let manager = SignalEmitter::new(&logind, LOGIND).unwrap();
    let user = objects.interface::<_, User>(USER).await.unwrap();
    let mut told = Told::listen(&bus, Some(&system)).await;
    // We were started before anybody logged in.
    assert_eq!(told.next().await, Some(Event::DesktopAnswered));
    user.get_mut().await.0 = Some(SESSION);
    let path = ObjectPath::try_from(SESSION).unwrap();
    Manager::session_new(&manager, "2", path.clone()).await.unwrap();
    told.is(Reason::Locked, true).await;
    // Its end says nothing of a lock.
    user.get_mut().await.0 = None;
    Manager::session_removed(&manager, "2", path).await.unwrap();
    told.is(Reason::Locked, false).await;
    // Another one is chosen for the screen, and nothing else is said.
    user.get_mut().await.0 = Some(OTHER_SESSION);
    user.get().await.display_changed(user.signal_emitter()).await.unwrap();
    told.is(Reason::Locked, true).await;
    // The bus is gone, and with it all that it told.
    drop(logind);
    drop(system);
    told.is(Reason::Locked, false).await;
}

#[tokio::test]
async fn that_all_have_answered_is_told_once_and_after_what_they_have_said() {
    let (bus, system) = (SessionBus::start(), SessionBus::start());
    let _saver = screen_saver(&bus, true).await;
    let mut told = Told::listen(&bus, Some(&system)).await;
    assert_eq!(told.next().await, Some(Event::QuietChanged(Reason::Locked, true)));
    assert_eq!(told.next().await, Some(Event::DesktopAnswered));
}

#[tokio::test]
async fn who_hangs_holds_nobody_up() {
    let bus = SessionBus::start();
    // It has its name, and answers to nothing.
    let hung = owner(&bus, "org.gnome.ScreenSaver").await;
    let mut unread = zbus::MessageStream::from(&hung);
    let mut told = Told::listen(&bus, None).await;
    let saver = screen_saver(&bus, false).await;
    set_active(&saver, true).await;
    told.is(Reason::Locked, true).await;
    let called = futures_util::StreamExt::next(&mut unread);
    timeout(PATIENCE, called).await.unwrap().unwrap().unwrap();
    set_active(&saver, false).await;
    told.is(Reason::Locked, false).await;
    let heard = quiet::look(&bus.connect().await).await;
    let names: Vec<_> = heard.iter().map(|it| (it.name, it.reason, it.is_so)).collect();
    assert_eq!(names, [("the screen lock", Reason::Locked, false)]);
}

/// What the listener has told.
struct Told {
    events: mpsc::Receiver<Event>,
    listening: JoinHandle<()>,
}

impl Told {
    async fn listen(bus: &SessionBus, system: Option<&SessionBus>) -> Self {
        let session = bus.connect().await;
        let system = match system {
            Some(it) => Some(it.connect().await),
            None => None,
        };
        let (inbox, events) = mpsc::channel(64);
        let listening = tokio::spawn(quiet::run(session, system, inbox));
        Self { events, listening }
    }

    /// Returns what is told next, other than that all have answered.
    async fn is(&mut self, reason: Reason, is_so: bool) {
        let mut event = self.next().await;
        if event == Some(Event::DesktopAnswered) {
            event = self.next().await;
        }
        assert_eq!(event, Some(Event::QuietChanged(reason, is_so)));
    }

    async fn next(&mut self) -> Option<Event> {
        let event = timeout(PATIENCE, self.events.recv()).await;
        event.expect("nothing was told")
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn owner(bus: &SessionBus, name: &str) -> Connection {
    let connection = bus.connect().await;
    let flags = RequestNameFlags::DoNotQueue.into();
    connection.request_name_with_flags(name, flags).await.unwrap();
    connection
}

/// Puts an object on a bus, and then the name of who has it.
async fn serve(bus: &SessionBus, name: &str, path: &str, object: impl Interface) -> Connection {
    let connection = bus.connect().await;
    connection.object_server().at(path, object).await.unwrap();
    let flags = RequestNameFlags::DoNotQueue.into();
    connection.request_name_with_flags(name, flags).await.unwrap();
    connection
}

async fn screen_saver(bus: &SessionBus, active: bool) -> Connection {
    serve(bus, "org.freedesktop.ScreenSaver", SCREEN_SAVER, Saver { active }).await
}

async fn set_active(saver: &Connection, active: bool) {
    let ours = saver.object_server().interface::<_, Saver>(SCREEN_SAVER).await.unwrap();
    ours.get_mut().await.active = active;
    Saver::active_changed(ours.signal_emitter(), active).await.unwrap();
}

struct Saver {
    active: bool,
}

#[interface(name = "org.freedesktop.ScreenSaver")]
impl Saver {
    fn get_active(&self) -> bool {
        self.active
    }

    #[zbus(signal)]
    async fn active_changed(emitter: &SignalEmitter<'_>, active: bool) -> zbus::Result<()>;
}

struct Plasma {
    inhibited: bool,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Plasma {
    #[zbus(property)]
    fn inhibited(&self) -> bool {
        self.inhibited
    }
}

struct Server {
    name: &'static str,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        (self.name, "", "1", "1.2")
    }
}

struct Mako {
    modes: Vec<String>,
}

#[interface(name = "fr.emersion.Mako")]
impl Mako {
    #[zbus(property)]
    fn modes(&self) -> Vec<String> {
        self.modes.clone()
    }
}

struct Sway {
    dnd: bool,
}

#[interface(name = "org.erikreider.swaync.cc")]
impl Sway {
    fn get_dnd(&self) -> bool {
        self.dnd
    }

    #[zbus(signal)]
    async fn subscribe_v2(
        emitter: &SignalEmitter<'_>,
        count: u32,
        dnd: bool,
        is_open: bool,
        inhibited: bool,
    ) -> zbus::Result<()>;
}

struct Xfconf {
    /// What is on.
    on: Vec<&'static str>,
}

#[interface(name = "org.xfce.Xfconf")]
impl Xfconf {
    fn get_property(&self, _channel: &str, property: &str) -> fdo::Result<Value<'static>> {
        let is_on = self.on.contains(&property);
        is_on
            .then(|| true.into())
            .ok_or(fdo::Error::Failed("not found".to_owned()))
    }

    #[zbus(signal)]
    async fn property_changed(
        emitter: &SignalEmitter<'_>,
        channel: &str,
        property: &str,
        value: Value<'_>,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn property_removed(emitter: &SignalEmitter<'_>, channel: &str, property: &str) -> zbus::Result<()>;
}

/// The session that is on the screen, if there is one.
struct User(Option<&'static str>);

#[interface(name = "org.freedesktop.login1.User")]
impl User {
    #[zbus(property)]
    fn display(&self) -> (String, OwnedObjectPath) {
        match self.0 {
            Some(session) => ("2".to_owned(), session.try_into().unwrap()),
            None => (String::new(), "/".try_into().unwrap()),
        }
    }
}

struct Manager;

#[interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    #[zbus(name = "GetSessionByPID")]
    fn get_session_by_pid(&self, _pid: u32) -> fdo::Result<OwnedObjectPath> {
        Err(fdo::Error::Failed("it is in no session".to_owned()))
    }

    #[zbus(signal)]
    async fn session_new(emitter: &SignalEmitter<'_>, id: &str, session: ObjectPath<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn session_removed(emitter: &SignalEmitter<'_>, id: &str, session: ObjectPath<'_>) -> zbus::Result<()>;
}

struct Session {
    locked: bool,
    idle: bool,
}

#[interface(name = "org.freedesktop.login1.Session")]
impl Session {
    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        self.locked
    }

    #[zbus(property)]
    fn idle_hint(&self) -> bool {
        self.idle
    }
}
