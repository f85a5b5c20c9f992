//! Real panels and real notification servers: what a person sees, and what happens when they press something.
//!
//! The daemon runs against a real broker. `tests/install-packages` installs what is needed; a desktop that is not
//! installed fails its story.

mod session;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use serde_json::Value;

use self::session::{Desktop, Session};
use crate::command_line::PROGRAM;
use crate::end_to_end::desk::{config, recorded};
use crate::rabbit::{Publisher, Rabbit, Vhost};

const FAILED: &str = "gnome-tweaks-5.1-1795195716.fc44 failed";
const LOG: &str = "https://kojipkgs.example.com/work/tasks/115/115/build.log";
const PAGE: &str = "https://koji.example.com/koji/buildinfo?buildID=16";

#[tokio::test]
async fn xfce_shows_a_failed_build_and_its_buttons_work() {
    shows_a_failed_build_and_its_buttons_work(Desktop::Xfce).await;
}

#[tokio::test]
async fn lxqt_and_dunst_show_a_failed_build_and_its_buttons_work() {
    shows_a_failed_build_and_its_buttons_work(Desktop::Lxqt).await;
}

#[tokio::test]
async fn sway_shows_a_failed_build_and_its_buttons_work() {
    shows_a_failed_build_and_its_buttons_work(Desktop::Sway).await;
}

#[tokio::test]
async fn the_panel_of_xfce_shows_the_icon_and_its_menu_switches_the_file() {
    shows_the_icon_and_its_menu_switches_the_file(Desktop::Xfce).await;
}

#[tokio::test]
async fn the_panel_of_lxqt_shows_the_icon_and_its_menu_switches_the_file() {
    shows_the_icon_and_its_menu_switches_the_file(Desktop::Lxqt).await;
}

#[tokio::test]
async fn the_bar_of_sway_shows_the_icon_and_its_menu_switches_the_file() {
    shows_the_icon_and_its_menu_switches_the_file(Desktop::Sway).await;
}

#[tokio::test]
async fn xfce_gets_everything_again_after_its_panel_and_its_server_have_died() {
    gets_everything_again_after_panel_and_server_have_died(Desktop::Xfce).await;
}

#[tokio::test]
async fn lxqt_gets_everything_again_after_its_panel_and_its_server_have_died() {
    gets_everything_again_after_panel_and_server_have_died(Desktop::Lxqt).await;
}

#[tokio::test]
async fn sway_gets_everything_again_after_its_bar_and_its_server_have_died() {
    gets_everything_again_after_panel_and_server_have_died(Desktop::Sway).await;
}

#[tokio::test]
async fn xfce_is_not_disturbed_and_told_afterwards() {
    is_not_disturbed_and_told_afterwards(Desktop::Xfce).await;
}

#[tokio::test]
async fn dunst_is_not_disturbed_and_told_afterwards() {
    is_not_disturbed_and_told_afterwards(Desktop::Lxqt).await;
}

#[tokio::test]
async fn sway_is_not_disturbed_and_told_afterwards() {
    is_not_disturbed_and_told_afterwards(Desktop::Sway).await;
}

async fn is_not_disturbed_and_told_afterwards(desktop: Desktop) {
    let mut desk = Desk::lay_out(desktop).await;
    desk.session.start_server();
    desk.session.run(desktop.disturb(false));
    // It is so before we come.
    desk.daemon().await;
    let menu_says = |it: &str| format!("sni menu | grep -q '{it}'");
    let quiet = menu_says("Quiet: the desktop is set to do not disturb");
    desk.session.until(&quiet);
    desk.build_failed(16).await;
    desk.build_is_done(17).await;
    desk.session.until(&menu_says("2 notifications are held back"));
    desk.session.run("! grep -q 'member=Notify' \"$RIG_LOG/notifications\"");
    desk.session.run(desktop.disturb(true));
    desk.session
        .until("grep -q 'gnome-tweaks-5.1' \"$RIG_LOG/notifications\"");
    desk.session
        .run("grep -q 'bash-5.3-17.fc44' \"$RIG_LOG/notifications\"");
    desk.session.until(&format!("! {quiet}"));

    // And while we run; who dies says nothing any more.
    desk.session.run(desktop.disturb(false));
    desk.session.until(&quiet);
    if desktop != Desktop::Xfce {
        desk.session.kill_server();
        desk.session.until(&format!("! {quiet}"));
    }
}

async fn shows_a_failed_build_and_its_buttons_work(desktop: Desktop) {
    let mut desk = Desk::lay_out(desktop).await;
    desk.session.start_server();
    desk.daemon().await;
    let before = desk.session.colours();

    desk.build_failed(16).await;
    desk.session.notified(FAILED);
    desk.session.sees_notification();
    let after = desk.session.colours();
    assert!(
        after > before + 20,
        "the notification is on the screen: {before} colours, then {after}"
    );
    desk.session.run(desktop.open_log());
    desk.session.opened(&[LOG]);

    desk.session.run(desktop.put_away());
    desk.session.until("! rig-find '#FF00FF' >/dev/null");
    desk.build_failed(17).await;
    desk.session.sees_notification();
    desk.session.run(desktop.open_page());
    desk.session.opened(&[LOG, &PAGE.replace("16", "17")]);
}

async fn shows_the_icon_and_its_menu_switches_the_file(desktop: Desktop) {
    let mut desk = Desk::lay_out(desktop).await;
    desk.session.start_server();
    let nothing = desk.session.tray_picture();
    desk.daemon().await;
    desk.session.until_tray_picture(false, &nothing);
    let properties: Value = serde_json::from_str(&desk.session.run("sni show")).unwrap();
    assert_eq!(properties["Id"], "org.fedoraproject.KojiNotify");
    assert_eq!(properties["IconName"], "org.fedoraproject.KojiNotify-idle-symbolic");
    // It is in the menu where the window was built beside the program.
    let menu = desk.session.menu().replace("History…\n", "");
    check(
        &menu,
        expect![[r#"
            No build is running  (disabled)
            --
            No results yet  (disabled)
            --
            Notify me of  (submenu)
                [ ] Started builds
                [x] Finished builds
                [x] Failed builds
                [x] Canceled builds
                [x] Scratch builds
                [ ] Tagged builds
                [x] Other people's builds of packages I follow
                --
                [x] Keep failures on screen
                [ ] Play a sound
            Pause notifications  (submenu)
                (x) Not paused
                ( ) For 30 minutes
                ( ) For 1 hour
                ( ) Until tomorrow
                ( ) Until I resume
                --
                Only failures for 1 hour
                Only failures until 09:00
            --
            Connections  (submenu)
                lab: Connected  (disabled)
            [ ] Start at login
            Preferences…
            About koji-notify  (submenu)
                koji-notify 0.1.0  (disabled)
                Tells you how your Koji builds are doing  (disabled)
                Free software under the GNU GPL, version 3 or later  (disabled)
            Quit
        "#]],
    );

    let idle = desk.session.tray_picture();
    desk.build_failed(16).await;
    desk.session.notified(FAILED);
    desk.session.until_tray_picture(false, &idle);
    let menu = desk.session.menu();
    // The recorded message is as old as it is.
    let without_age = |it: &str| match it.split_once(" failed, ") {
        Some((what, age)) if age.ends_with(" ago  (submenu)") => format!("{what} failed, …"),
        Some(_) | None => it.to_owned(),
    };
    let top: Vec<_> = menu.lines().take(9).map(without_age).collect();
    check(
        &top.join("\n"),
        expect![[r#"
            1 build failed  (disabled)
            --
            gnome-tweaks-5.1-1795195716.fc44 failed, …
                x86__64 failed  (disabled)
                Open build
                Open log
                Mute gnome-tweaks until it is fixed
            Mark all as seen
            --"#]],
    );
    desk.session.run("sni click 'Mark all as seen'");
    desk.session.until_tray_picture(true, &idle);

    // By the bus, and then as people do.
    desk.session.run("sni click 'Started builds'");
    desk.config_has("started = true");
    desk.switches_by_hand(desktop, &menu);

    let file = fs::read_to_string(desk.config_file()).unwrap();
    fs::write(desk.config_file(), file.replace("[tell]", "[tel]")).unwrap();
    desk.session
        .until("sni menu | grep -q 'The new configuration cannot be used'");
    desk.session.until("sni menu | grep -q 'config.toml:2:2'");
    fs::write(desk.config_file(), file).unwrap();
    desk.session
        .until("! sni menu | grep -q 'The new configuration cannot be used'");

    desk.session.run("sni click Quit");
    desk.session.until_tray_picture(true, &nothing);
    desk.vhost.queues_when(|it| it.iter().all(|it| it.consumers == 0)).await;
}

async fn gets_everything_again_after_panel_and_server_have_died(desktop: Desktop) {
    let mut desk = Desk::lay_out(desktop).await;
    let nothing = desk.session.tray_picture();
    desk.daemon().await;
    desk.session.until_tray_picture(false, &nothing);
    let idle = desk.session.tray_picture();

    // There was no server yet.
    desk.build_is_done(1).await;
    desk.session
        .until("sni menu | grep -q 'No notification server is running; 1 '");
    desk.session.start_server();
    desk.session.notified("bash-5.3-1.fc44 is built");
    desk.session
        .until("! sni menu | grep -q 'No notification server is running'");

    desk.session.kill_server();
    desk.session
        .until("sni menu | grep -q 'No notification server is running'");
    desk.session.start_server();
    desk.build_failed(16).await;
    desk.session.notified(FAILED);
    desk.session.sees_notification();
    desk.session.run(desktop.open_log());
    desk.session.opened(&[LOG]);
    // A server that closes what was acted on says so, and then somebody has looked.
    desk.session
        .until("sni click 'Mark all as seen'; ! sni menu | grep -q 'Mark all'");
    desk.session.until_tray_picture(true, &idle);

    desk.session.kill_panel();
    desk.session.until_tray_picture(false, &idle);
    desk.session.start_panel();
    desk.session.until_tray_picture(true, &idle);
    desk.session.until("sni list | grep -q StatusNotifierItem");
}

/// A desktop, a broker, and somebody who publishes.
struct Desk {
    session: Session,
    vhost: Vhost<'static>,
    publisher: Publisher,
}

impl Desk {
    async fn lay_out(desktop: Desktop) -> Self {
        let vhost = Rabbit::shared().await.vhost().await;
        let desk = Self {
            publisher: Publisher::start(&vhost).await,
            session: Session::start(desktop),
            vhost,
        };
        let home = desk.session.work.join("home");
        let icons = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/icons/hicolor");
        fs::create_dir_all(home.join(".local/share/icons")).unwrap();
        symlink(icons, home.join(".local/share/icons/hicolor")).unwrap();
        fs::create_dir_all(desk.config_file().parent().unwrap()).unwrap();
        fs::write(desk.config_file(), config(&desk.vhost)).unwrap();
        desk
    }

    /// Starts the daemon and returns when it hears what the broker has.
    async fn daemon(&mut self) {
        self.session
            .launch("daemon", &format!("KRB5CCNAME=/nonexistent '{PROGRAM}' --verbose"));
        self.vhost.consumed_queue().await;
        self.session.run("sni wait 50");
    }

    async fn build_failed(&mut self, id: u64) {
        let (topic, body) = recorded("45-build-building-to-failed.json", |it| it["build_id"] = id.into());
        self.publisher.publish(&topic, &body).await;
    }

    async fn build_is_done(&mut self, id: u64) {
        let (topic, body) = recorded("05-build-building-to-complete.json", |it| {
            it["build_id"] = id.into();
            it["name"] = "bash".into();
            it["version"] = "5.3".into();
            it["release"] = format!("{id}.fc44").into();
        });
        self.publisher.publish(&topic, &body).await;
    }

    /// Clicks "Start at login" and "Finished builds" in the menu of the panel, and waits for what follows.
    fn switches_by_hand(&mut self, desktop: Desktop, menu: &str) {
        // The history is there where a window was built.
        let history = if menu.contains("History…") { "Up" } else { "" };
        match desktop {
            Desktop::Xfce | Desktop::Lxqt => {
                let menu_is_closed = self.session.run("away; picture");
                self.session.run("rig-click \"$RIG_TRAY_X\" \"$RIG_TRAY_Y\" 3");
                self.session.until(&format!("[ \"$(picture)\" != {menu_is_closed} ]"));
                self.session.run("settle");
                // From below: quit, about, preferences, start at login.
                self.session.run(&format!("keys Up Up Up {history} Up Return"));
            }
            Desktop::Sway => _ = self.session.run("click_toggle 'Start at login'"),
        }
        let entry = "autostart/org.fedoraproject.KojiNotify.desktop";
        self.session.until(&format!("[ -s \"$XDG_CONFIG_HOME/{entry}\" ]"));
        self.session.until("sni menu | grep -qF '[x] Start at login'");
        match desktop {
            // And further up: connections, pause, and what is told; there the first and the second toggle.
            Desktop::Xfce | Desktop::Lxqt => {
                self.session.run("rig-click \"$RIG_TRAY_X\" \"$RIG_TRAY_Y\" 3; settle");
                self.session
                    .run(&format!("keys Up Up Up {history} Up Up Up Up Right Down Return"));
            }
            Desktop::Sway => _ = self.session.run("click_toggle 'Notify me of' 'Finished builds'"),
        }
        self.config_has("finished = false  # of course");
    }

    fn config_file(&self) -> PathBuf {
        self.session.work.join("home/.config/koji-notify/config.toml")
    }

    /// Waits until the file has this line.
    fn config_has(&mut self, line: &str) {
        self.session.until(&format!(
            "grep -qxF '{line}' \"$XDG_CONFIG_HOME/koji-notify/config.toml\""
        ));
    }
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
