//! A packager's desk with a hub: the daemon between a real broker and the small hub, in a computer that can be put to
//! sleep, and whose clock can be put forward.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use koji_notify::view::Status;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::end_to_end::desk::{Daemon, Desk, within};
use crate::notices::server::Call;
use crate::rabbit::Rabbit;
use crate::session_bus::SessionBus;
use crate::sleep::Logind;
use crate::small_hub::{self, SmallHub};
use crate::tray;

/// What every look asks for, and nothing else does.
const LOOK: Option<&str> = Some("listTasks");

/// After so much time the hub is asked again, whether something of mine runs or not.
const SPELL: SignedDuration = SignedDuration::from_mins(6);

/// How long the daemon may take to hear that the computer woke, before it is said again.
const HEARING: Duration = Duration::from_millis(500);

/// How long the daemon may try to reach a hub that is not well.
const TRYING: Duration = Duration::from_secs(20);

/// All that is around the daemon.
pub(super) struct Scene {
    pub(super) desk: Desk<'static>,
    pub(super) hub: SmallHub,
    clock: Clock,
    logind: Logind,
    _system: SessionBus,
}

impl Scene {
    /// Lays out everything for alice, who has a hub, and nothing built there.
    pub(super) async fn new() -> Self {
        Self::with(str::to_owned).await
    }

    /// The same, with a configuration that is changed a little.
    pub(super) async fn with(change: impl FnOnce(&str) -> String) -> Self {
        let mut desk = Desk::new(Rabbit::shared().await).await;
        let hub = SmallHub::start();
        let config = desk
            .home
            .config()
            .replace("https://kojipkgs.example.com", &hub.topurl());
        let config = format!("{config}\n[instance.lab.hub]\nserver = \"{}\"\n", hub.url());
        desk.home.write_config(&change(&config));
        let clock = Clock::set();
        let system = SessionBus::start();
        let logind = Logind::start(&system).await;
        desk.more = clock.environment();
        desk.more
            .push(("DBUS_SYSTEM_BUS_ADDRESS".into(), system.address().into()));
        Self {
            desk,
            hub,
            clock,
            logind,
            _system: system,
        }
    }

    /// Starts the daemon and returns when it hears the broker and the hub has answered what it asks at the start: once
    /// because the configuration was read, and once because the line came up.
    pub(super) async fn daemon(&self) -> Daemon {
        self.hub.take_calls();
        let daemon = self.desk.daemon().await;
        self.hub.wait_for_answers(2, LOOK).await;
        daemon
    }

    /// Starts the daemon where there is no broker, and returns when the hub has answered what it asks at the start.
    pub(super) async fn polling_daemon(&self) -> Daemon {
        self.hub.take_calls();
        let daemon = self.desk.start();
        self.hub.wait_for_answers(1, LOOK).await;
        let answers = |it: &Status| it.instances.first().is_some_and(|it| it.hub == "answers");
        self.desk.status_when(answers).await;
        daemon
    }

    /// Publishes what the bus carries for a step on the hub.
    pub(super) async fn publish(&mut self, messages: &[Value]) {
        for message in messages {
            self.desk.publisher.publish_recorded(message).await;
        }
    }

    /// Publishes that a build of nano by alice, of which the hub knows nothing, has just been completed. Whatever was
    /// published before it was heard before it.
    pub(super) async fn is_done(&mut self, id: u64) {
        let now = self.now();
        let change = |it: &mut Value| {
            it["name"] = "nano".into();
            it["version"] = "8.2".into();
            it["release"] = format!("{id}.fc44").into();
            it["build_id"] = id.into();
            it["task_id"] = (id + 1_000_000).into();
            it["task"]["id"] = (id + 1_000_000).into();
            it["creation_time"] = (now - SignedDuration::from_mins(1)).to_string().into();
            it["completion_time"] = now.to_string().into();
        };
        self.desk.publish("05-build-building-to-complete.json", change).await;
    }

    /// Has the daemon look at the hub now: whoever reads the configuration does.
    pub(super) async fn looks(&self) {
        self.desk.remote().await.reload().await.unwrap();
    }

    /// Lets time pass, as the daemon's clock shows it, while the computer is awake. A jump of the clock is noticed with
    /// whatever happens next, so something of no consequence does.
    pub(super) async fn passes(&mut self, time: SignedDuration) {
        self.clock.put_forward(time);
        self.desk.remote().await.unmute("nobodys-package").await.unwrap();
    }

    /// Lets time pass until the daemon has looked at the hub by itself so many times, each a while after the one before.
    pub(super) async fn passes_with_looks(&mut self, count: u32) {
        for _ in 0..count {
            let then = (self.now() + SPELL).as_second();
            set(&self.hub, self.now() + SPELL);
            self.passes(SPELL).await;
            self.desk.status_when(|it| it.instances[0].last_answer >= then).await;
        }
    }

    /// Lets time pass by every clock of a computer that is awake, so that what was to be waited for comes.
    pub(super) async fn goes_on(&mut self, time: SignedDuration) {
        self.clock.go_on(time);
        self.desk.remote().await.unmute("nobodys-package").await.unwrap();
    }

    /// Lets so much time pass that the daemon does something by itself, and waits until it has. A look that was under way
    /// all the time makes the next one come later; then it passes once more.
    pub(super) async fn passes_until(&mut self, time: SignedDuration, fine: impl Fn(&Status) -> bool) {
        for _ in 0..3 {
            self.passes(time).await;
            if timeout(TRYING, self.desk.status_when(&fine)).await.is_ok() {
                return;
            }
        }
        panic!("it did nothing by itself");
    }

    /// Returns the daemon's menu once it is fine.
    pub(super) async fn menu_when(&self, fine: impl Fn(&str) -> bool) -> String {
        tray::host::menu_when(&self.desk.bus.connect().await, fine).await
    }

    /// Lets time pass while no daemon runs.
    pub(super) fn passes_unseen(&mut self, time: SignedDuration) {
        self.clock.put_forward(time);
    }

    /// Lets the computer sleep for so long. What is to happen meanwhile happens in `meanwhile`, which is told when the
    /// sleep began. Returns when the hub has been asked after it.
    pub(super) async fn sleeps(&mut self, time: SignedDuration, meanwhile: impl FnOnce(&SmallHub, Timestamp)) {
        self.logind.prepare_for_sleep(true).await;
        let began = self.now();
        meanwhile(&self.hub, began);
        self.hub.take_calls();
        self.clock.put_forward(time);
        let awake = self.now();
        set(&self.hub, awake);
        let has_asked = |it: &Status| it.instances[0].last_answer >= awake.as_second();
        // Who listens is not told when; so it is said until it is heard.
        let heard = async {
            loop {
                self.logind.prepare_for_sleep(false).await;
                let answered = timeout(HEARING, self.desk.status_when(has_asked)).await;
                if answered.is_ok() && self.last_look().is_some() {
                    return;
                }
            }
        };
        within("a look after the sleep", heard).await;
    }

    /// Returns what time it is for the daemon.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the last look that has come since the hub's log was last taken.
    pub(super) fn last_look(&self) -> Option<small_hub::Call> {
        let is_look = |it: &small_hub::Call| it.parts.iter().any(|it| Some(&**it) == LOOK);
        self.hub.calls().into_iter().rfind(is_look)
    }

    /// Waits until so many looks have come since the hub's log was last taken.
    pub(super) async fn looked(&self, count: u64) {
        self.hub.wait_for_calls(count, LOOK).await;
    }

    /// Waits for a notification with this title that says why, and returns it. Those before it are of the same build.
    pub(super) async fn shown_with(&mut self, title: &str, reason: &str) -> Call {
        let first = self.desk.shown().await;
        let mut last = first;
        let id = last.id;
        loop {
            assert_eq!((&*last.title, last.id), (title, id), "{}", last.body);
            if last.body.contains(reason) {
                return last;
            }
            last = self.desk.shown().await;
            assert_eq!(last.replaces, id);
        }
    }
}

/// Sets the hub's clock to a time, at which it stays.
pub(crate) fn set(hub: &SmallHub, now: Timestamp) {
    hub.set_now(now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64());
}

/// Makes what stands between a program and its computer, of a file in `tests/rig`.
pub(crate) fn preload(name: &str, made: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/rig/{name}.c"));
    let said = Command::new("cc")
        .args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"])
        .args([made, &source])
        .output()
        .expect("cc is needed for this test, as it is for Rust");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// The time of day of the programs that are started at the desk (`tests/rig/clock.c`): the world's, or later, or earlier.
pub(crate) struct Clock {
    later: SignedDuration,
    /// How much of that was not slept through.
    measured: SignedDuration,
    file: File,
    directory: TempDir,
}

impl Clock {
    /// Makes one that goes with the world's.
    pub(crate) fn set() -> Self {
        let directory = tempfile::Builder::new().prefix("kn-clock-").tempdir().unwrap();
        preload("clock", &directory.path().join("clock.so"));
        let path = directory.path().join("later");
        fs::write(&path, [0; 16]).unwrap();
        Self {
            later: SignedDuration::ZERO,
            measured: SignedDuration::ZERO,
            file: File::options().write(true).open(path).unwrap(),
            directory,
        }
    }

    /// Puts it forward, or, by less than nothing, back.
    pub(crate) fn put_forward(&mut self, time: SignedDuration) {
        self.later += time;
        self.file.write_all_at(&self.later.as_secs().to_ne_bytes(), 0).unwrap();
    }

    /// Puts it forward, and with it the clock that only measures how long something takes.
    pub(crate) fn go_on(&mut self, time: SignedDuration) {
        self.measured += time;
        let measured = self.measured.as_secs().to_ne_bytes();
        self.file.write_all_at(&measured, 8).unwrap();
        self.put_forward(time);
    }

    /// Returns the time that it shows.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now() + self.later
    }

    pub(crate) fn environment(&self) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
        let at = |name: &str| self.directory.path().join(name).into_os_string();
        vec![("LD_PRELOAD".into(), at("clock.so")), ("KN_CLOCK".into(), at("later"))]
    }
}
