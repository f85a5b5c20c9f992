//! What a person does at the tray icon and at a notification, with the real program: over D-Bus, as a panel and a
//! notification server do it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use koji_notify::view::Status;
use zbus::zvariant::DynamicType;

use crate::command_line::PROGRAM;
use crate::end_to_end::desk::{Daemon, Desk};
use crate::notices::server::Call;
use crate::rabbit::Rabbit;
use crate::tray::ITEM;
use crate::tray::host::{Host, ItemMenu, Manners};

/// A build of somebody's that failed, and has nothing to do with bash.
const FAILED: &str = "45-build-building-to-failed.json";

#[tokio::test]
async fn a_package_that_is_muted_in_the_menu_is_silent_until_it_is_fixed() {
    let mut panel = Panel::start().await;
    let menu = panel.menu().await;
    panel.desk.build(1, None, 0).await;
    menu.click_when_there("Mute bash until it is fixed").await;
    panel.mutes_are(&[("package", "bash", "fixed")]).await;
    panel.fails(1).await;
    panel.desk.publish(FAILED, |_| ()).await;
    let call = panel.desk.shown().await;
    assert!(call.title.starts_with("gnome-tweaks-"), "{call}");
    panel.desk.build_is_done(2).await;
    let call = panel.desk.shown().await;
    assert!(call.title.starts_with("bash-5.3-2.fc44 is "), "{call}");
    panel.mutes_are(&[]).await;

    // The build that failed can be asked for silence, too, and that undone.
    menu.click_when_there("Mute bash until it is fixed").await;
    panel.mutes_are(&[("package", "bash", "fixed")]).await;
    panel.fails(3).await;
    panel.desk.status_when(|it| it.failed == 3).await;
    menu.click_when_there("Unmute bash (muted until it is fixed)").await;
    panel.mutes_are(&[]).await;
    panel.fails(4).await;
    let call = panel.desk.shown().await;
    assert!(call.title.starts_with("bash-5.3-4.fc44 failed"), "{call}");
    assert_eq!(panel.desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn a_build_that_is_muted_in_the_menu_is_silent_to_its_end() {
    let mut panel = Panel::start().await;
    let menu = panel.menu().await;
    panel.desk.build(1, None, 0).await;
    menu.click_when_there("Mute until it ends").await;
    panel.mutes_are(&[("build", "bash-5.3-1.fc44", "ends")]).await;
    panel.desk.build_is_done(1).await;
    panel.desk.build_is_done(2).await;
    assert_eq!(panel.desk.shown().await.title, "bash-5.3-2.fc44 is built");
    panel.mutes_are(&[]).await;

    panel.desk.build(3, None, 0).await;
    menu.click_when_there("Mute until it ends").await;
    menu.click_when_there("Unmute bash-5.3-3.fc44").await;
    panel.mutes_are(&[]).await;
    panel.desk.build_is_done(3).await;
    assert_eq!(panel.desk.shown().await.title, "bash-5.3-3.fc44 is built");
}

#[tokio::test]
async fn everything_but_failures_is_muted_in_the_menu_and_told_again_from_there() {
    let mut panel = Panel::start().await;
    let menu = panel.menu().await;
    for (id, entry) in [(10, "Only failures for 1 hour"), (20, "Only failures until 09:00")] {
        menu.click_when_there(entry).await;
        let status = panel.mutes_are(&[("but-failures", "", "time")]).await;
        let left = status.mutes[0].time - jiff::Timestamp::now().as_second();
        assert!((0..=24 * 3600).contains(&left), "{entry}: {left}");
        panel.desk.build_is_done(id).await;
        panel.fails(id + 1).await;
        let call = panel.desk.shown().await;
        assert!(
            call.title.starts_with(&format!("bash-5.3-{}.fc44 failed", id + 1)),
            "{call}"
        );
        let undo = "Tell of everything again (muted until ";
        let labels = menu.labels_when(|it| it.iter().any(|it| it.starts_with(undo))).await;
        let undo = labels.iter().find(|it| it.starts_with(undo)).unwrap();
        menu.click_when_there(undo).await;
        panel.mutes_are(&[]).await;
    }
    panel.desk.build_is_done(30).await;
    let call = panel.desk.shown().await;
    assert!(call.title.starts_with("bash-5.3-30.fc44 is "), "{call}");
}

#[tokio::test]
async fn a_click_with_the_middle_button_pauses_and_resumes_and_the_wheel_does_nothing() {
    let panel = Panel::start().await;
    panel.point("SecondaryActivate", &(0, 0)).await;
    let paused = panel.desk.status_when(|it| it.paused).await;
    assert_eq!((&*paused.state, paused.paused_until), ("paused", 0));
    for (by, along) in [(120, "vertical"), (-120, "vertical"), (3, "horizontal")] {
        panel.point("Scroll", &(by, along)).await;
    }
    // Whatever the wheel had asked for would be done before this.
    panel.desk.remote().await.mute("nobodys-package", 0).await.unwrap();
    let after = panel.desk.status_when(|it| it.muted == ["nobodys-package"]).await;
    let stands = |it: &Status| (it.state.clone(), it.paused, it.quiet.clone(), it.running);
    assert_eq!(stands(&after), stands(&paused));
    panel.point("SecondaryActivate", &(0, 0)).await;
    let resumed = panel.desk.status_when(|it| !it.paused).await;
    assert_eq!(resumed.state, "idle");
}

#[tokio::test]
async fn without_a_tray_check_says_so_once_and_names_the_commands() {
    let desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    let said = desk.run(&["check"]).await.output;
    let of_trays: Vec<_> = said.lines().filter(|it| it.contains("No tray")).collect();
    assert_eq!(
        of_trays,
        ["! tray: No tray is running; everything else works without it"],
        "{said}"
    );
    let advice = said.lines().skip_while(|it| !it.contains("No tray")).nth(1).unwrap();
    let known = desk.run(&["--help"]).await.output;
    for command in ["status", "pause", "mute", "follow", "history", "window"] {
        assert!(advice.contains(command), "{advice}");
        assert!(known.contains(&format!("  {command} ")), "{known}");
    }
    let _host = Host::start(&desk.bus, Manners::Welcoming).await;
    desk.status_when(|it| it.tray).await;
    let said = desk.run(&["check"]).await.output;
    assert!(said.contains("✓ tray: Icons are shown\n"), "{said}");
}

#[tokio::test]
async fn the_list_of_a_digest_is_shown_by_the_window() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let bin = desk.home.path("bin");
    let program = bin.join("koji-notify");
    fs::copy(PROGRAM, &program).unwrap();
    put_window(&bin, &desk.home.path("browser"));
    // It takes the place of the program that is named behind it.
    let words = ["/bin/sh", "-c", "shift; exec \"$0\" \"$@\""];
    desk.launcher = words.map(Into::into).into();
    desk.launcher.push(program.into());
    let mut host = Host::start(&desk.bus, Manners::Welcoming).await;
    let _daemon = desk.daemon().await;

    desk.remote().await.pause(0).await.unwrap();
    desk.build_is_done(1).await;
    desk.publish(FAILED, |_| ()).await;
    desk.status_when(|it| it.held == 2).await;
    desk.remote().await.resume().await.unwrap();
    let call = desk.shown().await;
    assert!(call.actions.iter().any(|it| it == "Show list"), "{call}");
    desk.server.as_ref().unwrap().grant(call.id, "token-1").await;
    desk.press(&call, "list").await;
    assert_eq!(desk.opened().await, "window [] token-1");

    let menu = ItemMenu::of(&desk.bus.connect().await, &host.registered().await);
    menu.click_when_there("History…").await;
    assert_eq!(desk.opened().await, "window [] no token");
}

#[tokio::test]
async fn a_failure_sounds_different_from_a_success() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    desk.build_is_done(1).await;
    assert_eq!(sound(&desk.shown().await), None);
    desk.remote().await.switch("sound", true).await.unwrap();
    desk.home.config_when(|it| it.contains("sound = true")).await;
    let mut sounds = Vec::new();
    // As the hub counts: complete, failed, canceled.
    for (number, state) in [(2, 1), (3, 3), (4, 4)] {
        desk.build(number, Some(0), state).await;
        sounds.push(sound(&desk.shown().await));
    }
    let names = ["complete", "dialog-error", "dialog-warning"];
    assert_eq!(sounds, names.map(|it| Some(it.to_owned())));
}

/// Returns the name of the sound that is to be played, and that none is to be played otherwise.
fn sound(call: &Call) -> Option<String> {
    let silent = call.hints.get("suppress-sound").map(|it| bool::try_from(it).unwrap());
    let name = call.hints.get("sound-name");
    let name = name.map(|it| String::try_from(it.try_clone().unwrap()).unwrap());
    assert_eq!(silent.is_some_and(|it| it), name.is_none(), "{call}");
    name
}

/// Puts a stand-in for the window's program into a folder: what it is given goes to where the browser's goes.
fn put_window(bin: &Path, told: &Path) {
    let window = bin.join("koji-notify-window");
    let script = format!(
        "#!/bin/sh\nprintf 'window [%s] %s\\n' \"$*\" \"${{XDG_ACTIVATION_TOKEN-no token}}\" >>'{}'\n",
        told.display()
    );
    fs::write(&window, script).unwrap();
    fs::set_permissions(&window, Permissions::from_mode(0o755)).unwrap();
}

/// alice's desk, and a panel that shows the icon.
struct Panel {
    /// It goes before its home does.
    _daemon: Daemon,
    desk: Desk<'static>,
    item: String,
    _host: Host,
}

impl Panel {
    async fn start() -> Self {
        let desk = Desk::new(Rabbit::shared().await).await;
        let mut host = Host::start(&desk.bus, Manners::Welcoming).await;
        let daemon = desk.daemon().await;
        Self {
            _daemon: daemon,
            item: host.registered().await,
            desk,
            _host: host,
        }
    }

    async fn menu(&self) -> ItemMenu {
        ItemMenu::of(&self.desk.bus.connect().await, &self.item)
    }

    /// Does to the icon what a panel does for the mouse.
    async fn point<B>(&self, method: &str, body: &B)
    where
        B: serde::Serialize + DynamicType,
    {
        let connection = self.desk.bus.connect().await;
        let item = zbus::Proxy::new(&connection, &*self.item, "/StatusNotifierItem", ITEM);
        item.await.unwrap().call_method(method, body).await.unwrap();
    }

    /// Publishes that a build of bash by alice has failed.
    async fn fails(&mut self, id: u64) {
        self.desk.build(id, Some(0), 3).await;
    }

    /// Waits until this is muted and nothing else: what kind it is of, what it is, and until when.
    async fn mutes_are(&self, expected: &[(&str, &str, &str)]) -> Status {
        let is_it = |it: &Status| {
            let mutes = it.mutes.iter().map(|it| (&*it.kind, &*it.what, &*it.until));
            mutes.eq(expected.iter().copied())
        };
        self.desk.status_when(is_it).await
    }
}
