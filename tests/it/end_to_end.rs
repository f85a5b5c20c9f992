//! The whole house: the real program between a real broker, fed by the real library, and a session bus of its own.

pub(crate) mod desk;
mod messages;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use expect_test::{Expect, expect};
use futures_util::StreamExt;
use koji_notify::view::Status;
use serde_json::{Value, json};
use zbus::fdo::RequestNameFlags;

use self::desk::{Desk, told, within};
use crate::rabbit::{Client, Rabbit};

const FAILED: &str = "45-build-building-to-failed.json";
const OTHERS: &str = "48-build-building-to-canceled.json";
const SCRATCH: &str = "15-scratchtask-open-to-closed.json";

#[tokio::test]
async fn a_failed_build_is_told_and_its_buttons_lead_to_the_page_and_to_the_log() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;

    desk.publish(FAILED, |_| ()).await;

    let call = desk.shown().await;
    check(
        &told(&call),
        expect![[r#"
            Notify from koji-notify, icon HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg, instead of 0, timeout 0
            title: gnome-tweaks-5.1-1795195716.fc44 failed
            body: "x86_64 failed\nrawhide, 5 s"
            action default: Open build
            action log: Open log
            action open: Open build
            action mute: Mute package
            hint category: "transfer.error"
            hint desktop-entry: "org.fedoraproject.KojiNotify"
            hint image-path: "HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg"
            hint suppress-sound: true
            hint urgency: byte 0x01
        "#]],
    );
    desk.press(&call, "log").await;
    let opened = desk.opened().await;
    assert_eq!(
        opened,
        "https://kojipkgs.example.com/work/tasks/115/115/build.log no token"
    );
    desk.server.as_ref().unwrap().grant(call.id, "token-1").await;
    desk.press(&call, "default").await;
    let opened = desk.opened().await;
    assert_eq!(opened, "https://koji.example.com/koji/buildinfo?buildID=16 token-1");
    desk.press(&call, "open").await;
    let opened = desk.opened().await;
    assert_eq!(opened, "https://koji.example.com/koji/buildinfo?buildID=16 no token");
    desk.all_is_acknowledged().await;
}

#[tokio::test]
async fn a_finished_build_and_a_scratch_build_are_told() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;

    desk.build_is_done(1).await;
    check(
        &told(&desk.shown().await),
        expect![[r#"
            Notify from koji-notify, icon HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg, instead of 0, timeout -1
            title: bash-5.3-1.fc44 is built
            body: "rawhide, 12 s"
            action default: Open build
            action open: Open build
            action mute: Mute package
            hint category: "transfer.complete"
            hint desktop-entry: "org.fedoraproject.KojiNotify"
            hint image-path: "HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg"
            hint suppress-sound: true
            hint urgency: byte 0x01
        "#]],
    );
    desk.publish(SCRATCH, |_| ()).await;
    let call = desk.shown().await;
    check(
        &told(&call),
        expect![[r#"
            Notify from koji-notify, icon HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg, instead of 0, timeout -1
            title: python-requests-3.2-954225.fc44 is built
            body: "Scratch build, rawhide, 16 s"
            action default: Open task
            action open: Open task
            action mute: Mute package
            hint category: "transfer.complete"
            hint desktop-entry: "org.fedoraproject.KojiNotify"
            hint image-path: "HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg"
            hint suppress-sound: true
            hint urgency: byte 0x01
        "#]],
    );
    desk.press(&call, "default").await;
    let opened = desk.opened().await;
    assert_eq!(opened, "https://koji.example.com/koji/taskinfo?taskID=23 no token");
}

#[tokio::test]
async fn other_peoples_builds_are_acknowledged_and_not_told() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    for id in 300..310_u64 {
        desk.publish(OTHERS, |it| it["build_id"] = id.into()).await;
    }
    desk.publish("03-repo-done.json", |_| ()).await;
    desk.build_is_done(1).await;

    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
    desk.all_is_acknowledged().await;
    assert_eq!(desk.more_shown(), [""; 0]);
    let status = desk.status_when(|it| it.finished == 1).await;
    assert_eq!((status.canceled, status.instances[0].heard), (0, 1));
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_and_holds_up_nothing() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let daemon = desk.daemon().await;
    let topic = "org.fedoraproject.prod.buildsys.build.state.change";
    let headers = json!({"message_id": "1", "headers": {"fedora_messaging_user_alice": true}});
    for body in [&b"\xff{"[..], b"{}", b"[[[[[[[[[[[[", b""] {
        desk.publisher.publish_raw(topic, body, &headers).await;
    }
    desk.build_is_done(1).await;

    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
    desk.all_is_acknowledged().await;
    let status = desk.status_when(|it| it.instances[0].spoiled > 0).await;
    assert_eq!(status.instances[0].spoiled, 4);
    let log = daemon.log();
    assert!(log.contains("WARN"), "{log}");
}

#[tokio::test]
async fn started_and_failed_are_one_notification_that_changes() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let daemon = desk.daemon().await;
    let remote = desk.remote().await;
    let mut changes = remote.receive_build_changed().await.unwrap();
    remote.switch("started", true).await.unwrap();

    desk.build(7, None, 0).await;
    let first = desk.shown().await;
    let status = desk.status_when(|it| it.running == 1).await;
    assert_eq!(status.state, "building");
    desk.publish(FAILED, |it| {
        it["build_id"] = 7.into();
        it["task_id"] = 1007.into();
    })
    .await;
    let last = desk.shown().await;
    assert_eq!((&*first.title, first.replaces), ("bash-5.3-7.fc44 is being built", 0));
    assert_eq!((last.replaces, last.id), (first.id, first.id));
    assert!(last.title.ends_with(" failed"), "{}", last.title);

    let status = desk.status_when(|it| it.failed == 1).await;
    assert_eq!((&*status.state, status.running), ("failed", 0));
    let mut states = Vec::new();
    for _ in 0..2 {
        let change = within("a signal", changes.next()).await.unwrap();
        states.push(change.args().unwrap().state.to_owned());
    }
    assert_eq!(states, ["BUILDING", "FAILED"]);
    drop(daemon);
}

#[tokio::test]
async fn the_same_message_again_is_told_once() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    for _ in 0..3 {
        desk.build_is_done(1).await;
    }
    desk.vhost.close_connections("a test").await;
    desk.build_is_done(1).await;
    desk.build_is_done(2).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
    assert_eq!(desk.shown().await.title, "bash-5.3-2.fc44 is built");
    desk.all_is_acknowledged().await;
    assert_eq!(desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn more_than_a_few_at_once_are_held_for_a_digest() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    for id in 1..=9 {
        desk.build_is_done(id).await;
    }
    for _ in 0..5 {
        desk.shown().await;
    }
    desk.status_when(|it| it.finished == 9).await;
    desk.all_is_acknowledged().await;
    assert_eq!(desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn after_the_broker_was_away_the_next_build_is_told() {
    let rabbit = Rabbit::start().await;
    let mut desk = Desk::new(&rabbit).await;
    let _daemon = desk.daemon().await;
    desk.build_is_done(1).await;
    desk.shown().await;

    rabbit.stop().await;
    let status = desk.status_when(|it| it.state == "offline").await;
    assert_eq!(status.instances[0].link, "down");
    assert!(status.instances[0].text.contains("localhost"), "{status:?}");
    rabbit.restart().await;
    desk.publisher = crate::rabbit::Publisher::start(&desk.vhost).await;
    // The queue is ours and has waited: it does not matter who of us is back first.
    desk.build_is_done(2).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-2.fc44 is built");
    desk.status_when(|it| it.state == "idle").await;
}

#[tokio::test]
async fn a_queue_that_was_deleted_is_made_again() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    let queue = desk.vhost.consumed_queue().await.name;
    let keys = desk.vhost.routing_keys(&queue).await;
    assert!(!keys.is_empty() && !keys.contains(&"#".to_owned()), "{keys:?}");

    desk.vhost.delete_queue(&queue).await;
    desk.vhost.consumed_queue().await;
    desk.vhost.bound_when(|it| it == keys).await;
    desk.build_is_done(1).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
}

#[tokio::test]
async fn what_happened_while_nobody_was_there_is_told_at_the_next_start() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let mut daemon = desk.daemon().await;
    daemon.signal("TERM");
    assert!(daemon.end().await.success());
    desk.vhost.queues_when(|it| it.iter().all(|it| it.consumers == 0)).await;
    desk.build_is_done(1).await;
    desk.build_is_done(2).await;

    let _daemon = desk.daemon().await;
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
    assert_eq!(desk.shown().await.title, "bash-5.3-2.fc44 is built");
    desk.all_is_acknowledged().await;
}

#[tokio::test]
async fn a_notification_server_that_comes_late_is_told_once() {
    let mut desk = Desk::without_server(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    desk.build_is_done(1).await;
    let status = desk.status_when(|it| it.waiting == 1).await;
    assert!(!status.notifications);
    let words = desk.run(&["status"]).await;
    assert!(
        words.output.contains("No notification server is running"),
        "{}",
        words.output
    );
    desk.all_is_acknowledged().await;

    desk.server_appears().await;
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
    desk.status_when(|it| it.waiting == 0 && it.notifications).await;
    desk.build_is_done(2).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-2.fc44 is built");
    assert_eq!(desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn a_notification_server_that_was_restarted_is_used_again() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    desk.build_is_done(1).await;
    desk.shown().await;
    desk.server_leaves().await;
    desk.status_when(|it| !it.notifications).await;
    desk.server_appears().await;
    desk.status_when(|it| it.notifications).await;
    desk.build_is_done(2).await;
    let call = desk.shown().await;
    assert_eq!((&*call.title, call.replaces), ("bash-5.3-2.fc44 is built", 0));
    assert_eq!(desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn a_toggle_changes_the_file_and_what_the_broker_sends() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    let before = desk.home.config();
    let tags = "org.fedoraproject.prod.buildsys.tag";
    desk.vhost.bound_when(|it| !it.is_empty() && !it.contains(&tags)).await;

    let remote = desk.remote().await;
    remote.switch("tagged", true).await.unwrap();
    desk.vhost.bound_when(|it| it.contains(&tags)).await;
    let after = desk.home.config_when(|it| it.contains("tagged")).await;
    assert_eq!(after, before.replace("scratch=true\n", "scratch=true\ntagged = true\n"));
    desk.publish("06-tag-f44-signing-pending-by-owner.json", |_| ()).await;
    let call = desk.shown().await;
    assert!(call.title.ends_with(" was tagged"), "{}", call.title);

    remote.switch("finished", false).await.unwrap();
    let after = desk
        .home
        .config_when(|it| it.contains("finished = false  # of course\n"))
        .await;
    assert!(
        after.starts_with("# Mine, and it stays as I write it.\n[tell]\n"),
        "{after}"
    );
    desk.build_is_done(1).await;
    desk.publish(FAILED, |_| ()).await;
    let call = desk.shown().await;
    assert!(
        call.title.ends_with(" failed"),
        "the finished one is not told: {}",
        call.title
    );
}

#[tokio::test]
async fn a_change_of_the_file_takes_effect() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    let keys = |user: &str| format!("user = \"{user}\"\n");
    let config = desk
        .home
        .config()
        .replace(&keys("alice"), "user = [\"alice\", \"bob\"]\n");
    desk.home.write_config(&config);
    // Nothing tells us that it was read, so bob goes on building until he is heard.
    let mut id = 100;
    let call = loop {
        desk.publish(OTHERS, |it| it["build_id"] = id.into()).await;
        desk.all_is_acknowledged().await;
        if let Ok(call) = desk.server.as_mut().unwrap().calls.try_recv() {
            break call;
        }
        id += 1;
    };
    assert_eq!(call.title, "perl-Moose-8.5-960938.fc44 was canceled");
}

#[tokio::test]
async fn a_broken_file_is_told_and_the_old_one_stays_in_use_until_it_is_mended() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    let good = desk.home.config();
    desk.home
        .write_config(&good.replace("finished = true", "finished = ture"));
    let status = desk.status_when(|it| it.configuration.is_some()).await;
    let trouble = status.configuration.unwrap();
    assert!(trouble.contains("config.toml:3:"), "{trouble}");
    let json = desk.run(&["status", "--json"]).await;
    let json: Value = serde_json::from_str(&json.output).unwrap();
    assert_eq!(json["configuration"], *trouble);
    let words = desk.run(&["status"]).await.output;
    assert!(words.contains(&trouble), "{words}");

    desk.build_is_done(1).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");

    desk.home.write_config(&good);
    desk.status_when(|it| it.configuration.is_none()).await;
    desk.build_is_done(2).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-2.fc44 is built");
    assert_eq!(desk.home.config(), good);
}

#[tokio::test]
async fn a_wrong_ca_is_told_in_words_and_mended_in_the_file() {
    let rabbit = Rabbit::shared().await;
    let mut desk = Desk::new(rabbit).await;
    let good = desk.home.config();
    let (ours, other) = (rabbit.certs.ca(), rabbit.certs.other_ca());
    desk.home
        .write_config(&good.replace(ours.to_str().unwrap(), other.to_str().unwrap()));
    let daemon = desk.start();
    let status = desk
        .status_when(|it| it.state == "offline" && it.instances.iter().any(|it| it.link == "down"))
        .await;
    assert_eq!(
        status.instances[0].text,
        format!(
            "The certificate of localhost:{} is not signed by a trusted CA",
            rabbit.tls_port
        )
    );

    desk.home.write_config(&good);
    desk.status_when(|it| it.instances[0].link == "up").await;
    desk.build_is_done(1).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");

    // Each turn of the line has one word in the log.
    let log = daemon.log();
    let count = |word: &str| log.lines().filter(|it| it.contains(word)).count();
    assert_eq!((count("WARN"), count("subscribed")), (1, 1), "{log}");
}

#[tokio::test]
async fn a_second_start_says_so_and_disturbs_nothing() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let mut daemon = desk.daemon().await;
    let owner = desk.remote().await;
    for words in [&[][..], &["daemon"]] {
        let second = desk.run(words).await;
        assert_eq!(second.code, 0);
        assert_eq!(
            (&*second.output, &*second.errors),
            ("koji-notify is already running\n", "")
        );
    }
    assert!(daemon.runs());
    assert_eq!(desk.connections().await.len(), 1);
    desk.build_is_done(1).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
    assert_eq!(desk.more_shown(), [""; 0]);
    drop(owner);
}

#[tokio::test]
async fn pause_resume_and_status_are_asked_for_on_the_command_line() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    let ask = async |words: &[&str]| {
        let ran = desk.run(words).await;
        assert_eq!((ran.code, &*ran.output, &*ran.errors), (0, "", ""), "{words:?}");
    };
    ask(&["pause", "30"]).await;
    let status = desk.status_when(|it| it.paused).await;
    let left = status.paused_until - jiff::Timestamp::now().as_second();
    assert!((25 * 60..=30 * 60).contains(&left), "{left}");
    ask(&["pause", "--until-tomorrow"]).await;
    desk.status_when(|it| it.paused_until % 86_400 == 0 && it.paused_until > 0)
        .await;
    ask(&["pause"]).await;
    desk.status_when(|it| it.paused && it.paused_until == 0).await;

    desk.build_is_done(1).await;
    desk.publish(FAILED, |_| ()).await;
    desk.status_when(|it| it.finished == 1 && it.failed == 1).await;
    desk.all_is_acknowledged().await;
    assert_eq!(desk.more_shown(), [""; 0]);
    let status = desk.run(&["status"]).await;
    assert_eq!(status.code, 0);
    let (signs, rest): (Vec<&str>, Vec<&str>) = status.output.lines().partition(|it| it.contains("sign of life"));
    let [signs] = *signs else { panic!("{signs:?}") };
    assert!(signs.starts_with("lab: last message at 20"), "{signs}");
    check(
        &(rest.join("\n") + "\n"),
        expect![[r#"
            Notifications are paused
            lab: Connected; 2 messages heard
            Since the start: 1 built, 1 failed, 0 canceled
            No tray is running; everything else works without it
        "#]],
    );
    let json = desk.run(&["status", "--json"]).await;
    let json: Status = serde_json::from_str(&json.output).unwrap();
    assert_eq!((&*json.state, json.paused), ("paused", true));
    let lab = &json.instances[0];
    // A message is a sign of life, too; it counts when it is understood, which is a little later.
    assert!(
        lab.last_message > 0 && lab.last_sign > 0 && lab.unheard.is_empty(),
        "{lab:?}"
    );

    let resumed = desk.run(&["resume"]).await;
    assert_eq!((resumed.code, &*resumed.output, &*resumed.errors), (0, "", ""));
    check(
        &told(&desk.shown().await),
        expect![[r#"
            Notify from koji-notify, icon HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg, instead of 0, timeout 0
            title: 1 of 2 builds failed
            body: "Failed: gnome-tweaks-5.1-1795195716.fc44\nBuilt: bash-5.3-1.fc44"
            action default: Open Koji
            action list: Show list
            hint category: "transfer.error"
            hint desktop-entry: "org.fedoraproject.KojiNotify"
            hint image-path: "HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg"
            hint suppress-sound: true
            hint urgency: byte 0x01
        "#]],
    );
    desk.status_when(|it| !it.paused).await;
    assert_eq!(desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn what_gnome_would_not_show_is_held_and_told_afterwards_even_by_another_run() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let banners = desk.home.path("banners");
    let script = format!(
        "#!/bin/sh\n[ \"$*\" = 'get org.gnome.desktop.notifications show-banners' ] && cat '{}'\n",
        banners.display()
    );
    let tool = desk.home.path("bin/gsettings");
    fs::write(&tool, script).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(&banners, "false\n").unwrap();
    let shell = desk.bus.connect().await;
    let flags = RequestNameFlags::DoNotQueue.into();
    for name in ["org.gnome.Shell", "ca.desrt.dconf"] {
        shell.request_name_with_flags(name, flags).await.unwrap();
    }
    let switch = async |says: &str| {
        fs::write(&banners, says).unwrap();
        let writer = ("/ca/desrt/dconf/Writer/user", "ca.desrt.dconf.Writer", "Notify");
        let body = ("/org/gnome/desktop/notifications/show-banners", vec![""], "tag");
        shell
            .emit_signal(None::<&str>, writer.0, writer.1, writer.2, &body)
            .await
            .unwrap();
    };
    let mut daemon = desk.daemon().await;
    desk.status_when(|it| it.quiet == ["do-not-disturb"]).await;
    desk.build_is_done(1).await;
    desk.status_when(|it| it.held == 1).await;
    switch("true\n").await;
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
    desk.status_when(|it| it.quiet.is_empty() && it.held == 0).await;

    switch("false\n").await;
    desk.status_when(|it| it.quiet == ["do-not-disturb"]).await;
    desk.build_is_done(2).await;
    desk.status_when(|it| it.held == 1).await;
    desk.all_is_acknowledged().await;
    daemon.kill().await;
    fs::write(&banners, "true\n").unwrap();
    let _daemon = desk.daemon().await;
    assert_eq!(desk.shown().await.title, "bash-5.3-2.fc44 is built");
    assert_eq!(desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn muting_by_the_command_is_undone_by_the_command() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    assert_eq!(desk.run(&["mute", "bash", "--for", "1h"]).await.errors, "");
    assert_eq!(desk.run(&["mute", "--tag", "f43", "--for", "2h"]).await.errors, "");
    let status = desk.status_when(|it| it.mutes.len() == 2).await;
    let kinds: Vec<_> = status
        .mutes
        .iter()
        .map(|it| (&*it.kind, &*it.what, &*it.until))
        .collect();
    assert_eq!(kinds, [("package", "bash", "time"), ("tag", "f43", "time")]);
    let left = status.mutes[1].time - jiff::Timestamp::now().as_second();
    assert!((7100..=7200).contains(&left), "{left}");
    desk.build_is_done(1).await;
    desk.publish(FAILED, |_| ()).await;
    assert!(desk.shown().await.title.starts_with("gnome-tweaks-"));
    assert_eq!(desk.run(&["unmute", "bash"]).await.errors, "");
    desk.status_when(|it| it.mutes.len() == 1).await;
    desk.build_is_done(2).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-2.fc44 is built");
    assert_eq!(desk.run(&["mute", "bash", "--until-fixed"]).await.errors, "");
    let status = desk.status_when(|it| it.mutes.len() == 2).await;
    assert!(
        status
            .mutes
            .iter()
            .any(|it| (&*it.what, &*it.until) == ("bash", "fixed"))
    );
    // This fixes it: it is told, and nobody needs to undo anything.
    desk.build_is_done(3).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-3.fc44 is built");
    desk.status_when(|it| it.mutes.len() == 1).await;
    assert_eq!(desk.run(&["unmute", "--tag", "f43"]).await.errors, "");
    desk.status_when(|it| it.mutes.is_empty()).await;
    for wrong in [
        &["mute"][..],
        &["mute", "bash", "--tag", "f43"],
        &["mute", "--tag", "f43", "--until-fixed"],
        &["mute", "bash", "--for", "2 hours"],
        &["mute", "bash", "--until", "9:00"],
        &["mute", "bash", "--until", "2020-01-01"],
        &["mute", "--but-failures"],
    ] {
        let ran = desk.run(wrong).await;
        assert!(ran.code != 0 && !ran.errors.is_empty(), "{wrong:?}");
    }
    assert!(desk.status_when(|_| true).await.mutes.is_empty());
}

#[tokio::test]
async fn muting_by_the_button_silences_the_package() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    desk.build_is_done(1).await;
    let call = desk.shown().await;
    desk.press(&call, "mute").await;
    desk.status_when(|it| it.muted == ["bash"]).await;
    desk.build_is_done(2).await;
    desk.publish(FAILED, |_| ()).await;
    assert!(desk.shown().await.title.starts_with("gnome-tweaks-"));
    desk.remote().await.unmute("bash").await.unwrap();
    desk.status_when(|it| it.muted.is_empty()).await;
    desk.build_is_done(3).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-3.fc44 is built");
}

#[tokio::test]
async fn quit_and_the_signals_of_a_service_end_it_cleanly() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    for (number, way) in (1..).zip(["quit", "TERM", "INT"]) {
        let mut daemon = desk.daemon().await;
        desk.build_is_done(number).await;
        desk.shown().await;
        desk.all_is_acknowledged().await;
        assert_eq!(daemon.children(), [""; 0]);
        if way == "quit" {
            desk.remote().await.quit().await.unwrap();
        } else {
            daemon.signal(way);
        }
        let status = daemon.end().await;
        assert_eq!(status.code(), Some(0), "{way}: {status}");
        desk.vhost.queues_when(|it| it.iter().all(|it| it.consumers == 0)).await;
        desk.vhost
            .connections_when(|it| it.iter().all(|it| it.user != "fedora"))
            .await;
        assert_eq!(desk.run(&["status"]).await.code, 4);
        let log = daemon.log();
        assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
    }
    // The queue is the same one all the time.
    assert_eq!(desk.vhost.queues().await.len(), 1);
}

#[tokio::test]
async fn a_hang_up_reads_the_file_again_and_ends_nothing() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let mut daemon = desk.daemon().await;
    daemon.signal("HUP");
    desk.build_is_done(1).await;
    desk.shown().await;
    assert!(daemon.runs());
    assert_eq!(desk.status_when(|_| true).await.configuration, None);
}

#[tokio::test]
async fn a_fedora_packager_needs_no_more_than_the_packaged_file_and_fedora_upn() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let certs = &desk.vhost.rabbit.certs;
    let pair = certs.client(Client::Fedora);
    // As fedora-messaging 3.9 has it, but for its comments and its log.
    let packaged = format!(
        r##"amqp_url = "{url}"
callback = "fedora_messaging.example:printer"
[tls]
ca_cert = "{ca}"
keyfile = "{key}"
certfile = "{certificate}"
[client_properties]
app = "Example Application"
app_url = "https://github.com/fedora-infra/fedora-messaging"
app_contacts_email = ["admin@fedoraproject.org"]
[exchanges."amq.topic"]
type = "topic"
durable = true
auto_delete = false
arguments = {{}}
[[bindings]]
exchange = "amq.topic"
routing_keys = ["#"]  # Set this to the specific topics you are interested in.
[consumer_config]
example_key = "for my consumer"
[qos]
prefetch_size = 0
prefetch_count = 25
[log_config]
version = 1
"##,
        url = desk.vhost.fedora_url(),
        ca = certs.ca().display(),
        key = pair.key.display(),
        certificate = pair.certificate.display(),
    );
    let file = desk.home.path("fedora.toml");
    fs::write(&file, packaged).unwrap();
    fs::write(desk.home.path(".fedora.upn"), "alice\n").unwrap();
    desk.home.write_config(&format!(
        "[instance.fedora]\npreset = \"fedora\"\nfedora-messaging = \"{}\"\nhub.ask = false\n",
        file.display()
    ));
    let _daemon = desk.daemon().await;
    let connection = desk.connections().await.remove(0);
    assert_eq!(connection.auth_mechanism, "EXTERNAL");
    // Whose file it is, its owner is introduced to the administrators.
    assert_eq!(connection.client_properties["app"], "Example Application");
    assert_eq!(connection.client_properties["product"], "koji-notify");
    let queue = desk.vhost.consumed_queue().await;
    let keys = desk.vhost.routing_keys(&queue.name).await;
    assert!(!keys.is_empty() && !keys.contains(&"#".to_owned()), "{keys:?}");

    desk.publish(OTHERS, |_| ()).await;
    desk.publish(FAILED, |_| ()).await;
    let call = desk.shown().await;
    assert!(call.title.starts_with("gnome-tweaks-"), "{}", call.title);
    desk.press(&call, "log").await;
    let opened = desk.opened().await;
    assert_eq!(
        opened,
        "https://kojipkgs.fedoraproject.org/work/tasks/115/115/build.log no token"
    );
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
