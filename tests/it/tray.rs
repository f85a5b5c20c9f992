//! The tray item on a real bus, as a tray host sees it, and the pictures it carries.
//!
//! ksni finds the session bus by the environment only, and a test may not change its own. So each story starts this
//! very test program again, with the environment of its bus, and tells it over a pipe what to show.

pub(crate) mod host;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, io, thread};

use expect_test::{Expect, expect};
use futures_util::{FutureExt, StreamExt};
use koji_notify::desktop::{icons, tray};
use koji_notify::view::{Badge, Icon, Item, Menu, Tray};
use koji_notify::watch::{PauseFor, Request, Toggle};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, watch};
use zbus::fdo;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, MatchRule, MessageStream, Proxy};

use self::host::{Host, ItemMenu, Line, Manners, text, timely};
use crate::session_bus::SessionBus;

#[tokio::test]
async fn the_menu_is_as_the_value_says() {
    let mut stage = Stage::with_host().await;
    check(
        stage.menu().await,
        expect![[r#"
            Nothing of yours is running. (disabled)
            --
            Recent >
                my__package-1.0-1.fc43 >
                    Open build
                    Copy name
            [x] Finished
            [ ] Started
            Pause >
                ( ) For 30 minutes
                (x) Until tomorrow
            Snooze >
                ( ) For 30 minutes
                ( ) Until tomorrow
            --
            Quit
        "#]],
    );
    check(
        stage
            .properties(&["Category", "Id", "ItemIsMenu", "Status", "Title", "ToolTip"])
            .await,
        expect![[r#"
            Category "ApplicationStatus"
            Id "org.fedoraproject.KojiNotify"
            ItemIsMenu false
            Status "Active"
            Title "Idle"
            ToolTip ("", [], "Idle", "R&amp;D, &lt;b&gt;all&lt;/b&gt; of it\nis idle.")
        "#]],
    );
}

#[tokio::test]
async fn a_click_asks_for_what_the_value_says() {
    let mut stage = Stage::with_host().await;
    let mut asked = String::new();
    for label in [
        "Open build",
        "Copy name",
        "Finished",
        "Started",
        "For 30 minutes",
        "Quit",
    ] {
        stage.click(label).await;
        writeln!(asked, "{label}: {}", stage.hear().await).unwrap();
    }
    stage.call("Activate", &(0, 0)).await;
    writeln!(asked, "left: {}", stage.hear().await).unwrap();
    stage.call("SecondaryActivate", &(0, 0)).await;
    writeln!(asked, "middle: {}", stage.hear().await).unwrap();
    check(
        asked,
        expect![[r#"
            Open build: Asked(Open { link: "https://koji.example.com/koji/buildinfo?buildID=1", token: None, about: None })
            Copy name: Asked(Copy("my_package-1.0-1.fc43"))
            Finished: Asked(Switch(Finished, false))
            Started: Asked(Switch(Started, true))
            For 30 minutes: Asked(Pause(Minutes(30)))
            Quit: Asked(Quit)
            left: Asked(Open { link: "https://koji.example.com/koji/", token: None, about: None })
            middle: Asked(Resume)
        "#]],
    );
    // Nothing changes by a click alone: what is shown comes from the model.
    assert!(stage.menu().await.contains("[x] Finished\n[ ] Started"));
}

#[tokio::test]
async fn the_browser_may_take_the_focus() {
    let mut stage = Stage::with_host().await;
    stage.call("ProvideXdgActivationToken", &"the token").await;
    stage.call("Activate", &(0, 0)).await;
    check(
        stage.hear().await,
        expect![[r#"Asked(Open { link: "https://koji.example.com/koji/", token: Some("the token"), about: None })"#]],
    );
}

#[tokio::test]
async fn without_something_to_ask_for_a_click_does_nothing() {
    let mut stage = Stage::with_host().await;
    stage.show("quiet").await;
    stage.call("Activate", &(0, 0)).await;
    stage.call("SecondaryActivate", &(0, 0)).await;
    stage.click("Nothing of yours is running.").await;
    stage.click("Quit").await;
    check(stage.hear().await, expect!["Asked(Quit)"]);
}

#[tokio::test]
async fn an_equal_value_is_silent_and_a_new_one_tells_what_has_changed() {
    let mut stage = Stage::with_host().await;
    // As a host does, look at everything once.
    stage.properties(&["Title", "ToolTip", "IconName", "IconPixmap"]).await;
    stage.menu().await;
    let mut signals = stage.signals().await;
    let mut story = String::new();
    for scene in [
        "idle",
        "failed",
        "failed",
        "unchecked",
        "unchecked",
        "running",
        "running",
        "idle",
    ] {
        stage.show(scene).await;
        let told = stage.told(&mut signals).await;
        writeln!(story, "{scene}: {told}").unwrap();
    }
    check(
        story,
        expect![[r#"
            idle: 
            failed: NewIcon NewTitle NewToolTip
            failed: 
            unchecked: ItemsPropertiesUpdated
            unchecked: 
            running: LayoutUpdated
            running: 
            idle: LayoutUpdated NewIcon NewTitle NewToolTip
        "#]],
    );
}

#[tokio::test]
async fn a_host_may_be_late_and_may_come_back() {
    let bus = SessionBus::start();
    let mut stage = Stage::start(bus, &[]).await;
    check(stage.hear().await, expect!["TrayChanged(false)"]);

    for _ in 0..2 {
        let mut host = Host::start(&stage.bus, Manners::Welcoming).await;
        check(stage.hear().await, expect!["TrayChanged(true)"]);
        stage.item = host.registered().await;
        assert!(stage.menu().await.contains("Quit"));

        host.connection.close().await.unwrap();
        check(stage.hear().await, expect!["TrayChanged(false)"]);
    }
}

#[tokio::test]
async fn a_host_that_comes_while_the_item_is_made_is_not_missed() {
    let bus = SessionBus::start();
    let mut host = Host::start(&bus, Manners::ComingIn).await;
    let mut stage = Stage::start(bus, &[]).await;
    stage.item = host.registered().await;
    check(stage.hear().await, expect!["TrayChanged(true)"]);
    assert!(stage.menu().await.contains("Quit"));
}

#[tokio::test]
async fn a_host_that_refuses_is_not_the_last_word() {
    let bus = SessionBus::start();
    let host = Host::start(&bus, Manners::Refusing).await;
    let mut stage = Stage::start(bus, &[]).await;
    check(stage.hear().await, expect!["TrayChanged(false)"]);
    // The item may still be on its way to waiting for another watcher; each new one is a new chance.
    host.connection.close().await.unwrap();
    let mut host = loop {
        let mut host = Host::start(&stage.bus, Manners::Welcoming).await;
        let patience = Duration::from_secs(1);
        if let Ok(item) = tokio::time::timeout(patience, host.registered()).await {
            stage.item = item;
            break host;
        }
        host.connection.close().await.unwrap();
    };
    check(stage.hear().await, expect!["TrayChanged(true)"]);
    assert!(stage.menu().await.contains("Quit"));
    host.registrations.close();
}

#[tokio::test]
async fn the_item_is_gone_when_the_model_is() {
    let mut stage = Stage::with_host().await;
    let bus = fdo::DBusProxy::new(&stage.connection).await.unwrap();
    let mut changes = bus
        .receive_name_owner_changed_with_args(&[(0, stage.item.as_str())])
        .await
        .unwrap();
    stage.order("end").await;
    check(stage.hear().await, expect!["ended"]);
    let change = timely("the item's end", changes.next()).await.unwrap();
    assert!(change.args().unwrap().new_owner().is_none());
    assert!(stage.child.try_wait().unwrap().is_none(), "the process is still there");
}

#[tokio::test]
async fn a_name_is_given_where_the_host_can_find_it_and_a_picture_elsewhere() {
    let mut stage = Stage::with_host().await;
    check(
        stage.properties(&["IconName", "IconThemePath"]).await,
        expect![[r#"
            IconName ""
            IconThemePath ""
        "#]],
    );
    let pictures: Vec<(i32, i32, Vec<u8>)> = stage.property("IconPixmap").await.try_into().unwrap();
    let ours = icons::pictures(Icon::Idle, None).into_iter();
    let ours: Vec<_> = ours.map(|it| (it.side.into(), it.side.into(), it.argb)).collect();
    assert_eq!(pictures, ours);
    stage.show("failed").await;
    let failed: Vec<(i32, i32, Vec<u8>)> = stage.property("IconPixmap").await.try_into().unwrap();
    assert_ne!(failed, ours);

    let share = tempfile::tempdir().unwrap();
    let folder = share.path().join("icons/hicolor/symbolic/apps");
    fs::create_dir_all(&folder).unwrap();
    for name in icons::names() {
        let file = format!("{name}.svg");
        fs::copy(data("icons/hicolor/symbolic/apps").join(&file), folder.join(&file)).unwrap();
    }
    let bus = SessionBus::start();
    let mut host = Host::start(&bus, Manners::Welcoming).await;
    let mut stage = Stage::start(bus, &[("XDG_DATA_HOME", share.path().to_str().unwrap())]).await;
    stage.item = host.registered().await;
    assert_eq!(stage.hear().await, "TrayChanged(true)");
    check(
        stage.properties(&["IconName", "IconPixmap", "IconThemePath"]).await,
        expect![[r#"
            IconName "org.fedoraproject.KojiNotify-idle-symbolic"
            IconPixmap []
            IconThemePath ""
        "#]],
    );
    stage.show("failed").await;
    check(
        stage.properties(&["IconName"]).await,
        expect![[r#"
            IconName "org.fedoraproject.KojiNotify-failed-3-symbolic"
        "#]],
    );
}

/// Who shows an old menu shows old times: it is made anew when it is opened.
#[tokio::test]
async fn that_the_menu_is_opened_is_told() {
    let mut stage = Stage::with_host().await;
    stage.shown_menu().open().await;
    assert_eq!(stage.hear().await, "MenuOpened");
}

/// When it fails, an icon was changed and those with a number were not: run `data/icons/draw-counts`.
#[test]
fn the_icons_with_a_number_are_those_without_one_and_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new("python3")
        .arg(data("icons/draw-counts"))
        .arg(dir.path())
        .status();
    assert!(status.unwrap().success());
    let drawn: BTreeSet<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    let plain = Icon::ALL.map(|icon| icon.name(None));
    let counted = icons::names()
        .filter(|it| !plain.contains(it))
        .map(|it| format!("{it}.svg").into());
    assert_eq!(drawn, counted.collect());
    for name in drawn {
        let [fresh, stored] = [dir.path().to_owned(), data("icons/hicolor/symbolic/apps")].map(|it| it.join(&name));
        assert_eq!(
            fs::read(fresh).unwrap(),
            fs::read(stored).unwrap(),
            "{}",
            name.display()
        );
    }
}

/// When it fails, an icon was changed and not drawn anew: run `data/icons/render-masks`.
#[test]
fn the_masks_are_what_the_icons_look_like() {
    let found = Command::new("rsvg-convert").arg("--version").output();
    if found.is_err() {
        eprintln!("NOT TESTED: the masks against their icons; this needs rsvg-convert (package librsvg2-bin)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new("python3")
        .arg(data("icons/render-masks"))
        .arg(dir.path())
        .status();
    assert!(status.unwrap().success());
    let plain = Icon::ALL.map(|icon| format!("{}.mask", icon.state()));
    let counted = ["building-counts.mask", "failed-counts.mask"].map(str::to_owned);
    for name in plain.into_iter().chain(counted) {
        let fresh = fs::read(dir.path().join(&name)).unwrap();
        let stored = fs::read(data("icons/masks").join(&name)).unwrap();
        assert_eq!(fresh.len(), stored.len(), "{name}");
        // Releases of librsvg differ a little in how they smooth edges.
        let differing = fresh.iter().zip(&stored).filter(|(a, b)| a.abs_diff(**b) > 24);
        assert!(
            differing.count() * 100 <= stored.len(),
            "{name} is not what its icon looks like"
        );
    }
}

/// Also the process that the stories start: there it shows the scenes it reads from its input, and prints what it
/// hears.
#[tokio::test]
async fn without_a_session_bus_it_says_so_and_ends() {
    if env::var_os(STAGE).is_some() {
        return play().await;
    }
    let bus = SessionBus::start();
    let nowhere = [("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")];
    let mut stage = Stage::start(bus, &nowhere).await;
    check(stage.hear().await, expect!["TrayChanged(false)"]);
    check(stage.hear().await, expect!["ended"]);
}

async fn play() {
    let (written, mut orders) = mpsc::unbounded_channel();
    let reader = thread::spawn(move || {
        for line in io::stdin().lines() {
            written.send(line.unwrap()).ok();
        }
    });
    let (model, shown) = watch::channel(scene("idle"));
    let mut model = Some(model);
    let (inbox, mut events) = mpsc::channel(32);
    let mut running = Some(tokio::spawn(tray::run(shown, inbox)));
    loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => say(&format!("{event:?}")),
            () = ended(&mut running) => say("ended"),
            order = orders.recv() => match order.as_deref() {
                None => break,
                Some("end") => model = None,
                Some(name) => {
                    model.as_ref().unwrap().send_replace(scene(name));
                    settle().await;
                    say(SHOWN);
                }
            }
        }
    }
    reader.join().unwrap();
}

async fn ended(running: &mut Option<tokio::task::JoinHandle<()>>) {
    match running {
        Some(task) => task.await.unwrap(),
        None => std::future::pending().await,
    }
    *running = None;
}

/// Lets every other task run until it waits for something from outside. The runtime has one thread and takes turns,
/// so this is a matter of turns and not of time.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

fn say(line: &str) {
    println!("\n{MARK}{line}");
}

/// Set in the environment of the process that shows the scenes.
const STAGE: &str = "KOJI_NOTIFY_TEST_TRAY";
/// What the lines of that process begin with, among what the test harness prints.
const MARK: &str = ">> ";
/// What that process says when a scene has been carried out.
const SHOWN: &str = "shown";

pub(crate) const ITEM: &str = "org.kde.StatusNotifierItem";

fn scene(name: &str) -> Tray {
    let idle = Tray {
        icon: Icon::Idle,
        badge: None,
        title: "Idle".to_owned(),
        text: "R&D, <b>all</b> of it\nis idle.".to_owned(),
        menu: menu(true, &[]),
        activate: Some(open("https://koji.example.com/koji/")),
        secondary: Some(Request::Resume),
    };
    let failed = Tray {
        icon: Icon::Failed,
        badge: Badge::of(3),
        title: "One build failed".to_owned(),
        text: String::new(),
        ..idle.clone()
    };
    match name {
        "idle" => idle,
        "quiet" => Tray {
            activate: None,
            secondary: None,
            ..idle
        },
        "failed" => failed,
        "unchecked" => Tray {
            menu: menu(false, &[]),
            ..failed
        },
        "running" => Tray {
            menu: menu(false, &["kernel is building"]),
            ..failed
        },
        other => panic!("there is no scene {other:?}"),
    }
}

fn menu(finished: bool, running: &[&str]) -> Menu {
    let pauses = || {
        vec![
            ("For 30 minutes".to_owned(), Request::Pause(PauseFor::HALF_AN_HOUR)),
            ("Until tomorrow".to_owned(), Request::Pause(PauseFor::UntilTomorrow)),
        ]
    };
    let mut items = vec![Item::Text("Nothing of yours is running.".to_owned())];
    items.extend(running.iter().map(|it| Item::Text((*it).to_owned())));
    items.extend([
        Item::Separator,
        submenu(
            "Recent",
            vec![submenu(
                "my_package-1.0-1.fc43",
                vec![
                    entry("Open build", open("https://koji.example.com/koji/buildinfo?buildID=1")),
                    entry("Copy name", Request::Copy("my_package-1.0-1.fc43".to_owned())),
                ],
            )],
        ),
        Item::Check {
            label: "Finished".to_owned(),
            on: finished,
            request: Request::Switch(Toggle::Finished, !finished),
        },
        Item::Check {
            label: "Started".to_owned(),
            on: false,
            request: Request::Switch(Toggle::Started, true),
        },
        submenu(
            "Pause",
            vec![Item::Radio {
                selected: Some(1),
                options: pauses(),
            }],
        ),
        submenu(
            "Snooze",
            vec![Item::Radio {
                selected: None,
                options: pauses(),
            }],
        ),
        Item::Separator,
        entry("Quit", Request::Quit),
    ]);
    Menu { items }
}

fn submenu(label: &str, items: Vec<Item>) -> Item {
    Item::Submenu {
        label: label.to_owned(),
        items,
    }
}

fn entry(label: &str, request: Request) -> Item {
    Item::Entry {
        label: label.to_owned(),
        request,
    }
}

fn open(link: &str) -> Request {
    Request::Open {
        about: None,
        link: link.to_owned(),
        token: None,
    }
}

/// A bus, the process with the tray, and a host's look at its item.
struct Stage {
    child: Child,
    orders: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    connection: Connection,
    /// The item's name on the bus.
    item: String,
    _host: Option<Host>,
    _home: tempfile::TempDir,
    bus: SessionBus,
}

impl Stage {
    /// Starts a host and the tray, and returns when they know each other.
    async fn with_host() -> Self {
        let bus = SessionBus::start();
        let mut host = Host::start(&bus, Manners::Welcoming).await;
        let mut stage = Self::start(bus, &[]).await;
        assert_eq!(stage.hear().await, "TrayChanged(true)");
        stage.item = host.registered().await;
        stage._host = Some(host);
        stage
    }

    async fn start(bus: SessionBus, environment: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = tokio::process::Command::new(env::current_exe().unwrap())
            .args(["--exact", "tray::without_a_session_bus_it_says_so_and_ends"])
            .args(["--nocapture", "--test-threads=1"])
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap())
            .env("HOME", home.path())
            .env("XDG_DATA_DIRS", home.path())
            .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
            .env(STAGE, "1")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            orders: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            connection: bus.connect().await,
            item: String::new(),
            _host: None,
            _home: home,
            bus,
        }
    }

    /// Shows a scene, and returns when it has been carried out.
    async fn show(&mut self, scene: &str) {
        self.order(scene).await;
        assert_eq!(self.hear().await, SHOWN);
    }

    async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
    }

    /// Returns what the process says next.
    async fn hear(&mut self) -> String {
        loop {
            let line = timely("a line of the tray's process", self.lines.next_line()).await;
            let line = line.unwrap().expect("the tray's process has ended");
            if let Some(said) = line.strip_prefix(MARK) {
                return said.to_owned();
            }
        }
    }

    async fn proxy(&self, path: &'static str, interface: &'static str) -> Proxy<'static> {
        zbus::proxy::Builder::new(&self.connection)
            .destination(self.item.clone())
            .unwrap()
            .path(path)
            .unwrap()
            .interface(interface)
            .unwrap()
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .unwrap()
    }

    async fn call<B>(&self, method: &str, body: &B)
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let item = self.proxy("/StatusNotifierItem", ITEM).await;
        item.call_method(method, body).await.unwrap();
    }

    async fn property(&self, name: &str) -> OwnedValue {
        let item = self.proxy("/StatusNotifierItem", ITEM).await;
        item.get_property(name).await.unwrap()
    }

    async fn properties(&self, names: &[&str]) -> String {
        let mut lines = String::new();
        for name in names {
            let value = self.property(name).await.to_string();
            let value = value.replace("@a(iiay) ", "");
            writeln!(lines, "{name} {value}").unwrap();
        }
        lines
    }

    fn shown_menu(&self) -> ItemMenu {
        ItemMenu::of(&self.connection, &self.item)
    }

    async fn lines_of_the_menu(&self) -> Vec<Line> {
        self.shown_menu().lines().await
    }

    async fn menu(&mut self) -> String {
        text(&self.lines_of_the_menu().await)
    }

    async fn click(&mut self, label: &str) {
        self.shown_menu().click(label).await;
    }

    /// Hears every signal of the item and its menu.
    async fn signals(&self) -> MessageStream {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(self.item.clone())
            .unwrap()
            .build();
        MessageStream::for_match_rule(rule, &self.connection, None)
            .await
            .unwrap()
    }

    /// Returns the names of the signals that came since the last call, sorted: kinds of signals have no order.
    async fn told(&self, signals: &mut MessageStream) -> String {
        // The answer comes by the same way as the signals, and after them.
        self.property("Category").await;
        let mut told = Vec::new();
        while let Some(Some(signal)) = signals.next().now_or_never() {
            told.push(signal.unwrap().header().member().unwrap().to_string());
        }
        told.sort();
        told.join(" ")
    }
}

fn check(actual: impl AsRef<str>, expected: Expect) {
    expected.assert_eq(actual.as_ref());
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(path)
}
