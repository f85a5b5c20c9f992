//! The whole house with a hub: the real program between a real broker, a session bus of its own and the small hub.
//!
//! The bus is told what the hub has done only where a story says so: `publish` carries a step's messages.

mod archive;
mod deaf;
mod durations;
mod menu;
pub(crate) mod scene;
mod whereabouts;

use expect_test::{Expect, expect};
use futures_util::StreamExt;
use jiff::SignedDuration;
use koji_notify::view::Status;

use self::scene::{Scene, set};
use crate::end_to_end::desk::{told, within};
use crate::notices::server::Call;
use crate::small_hub::{For, Trouble};

#[tokio::test]
async fn a_build_that_dies_before_it_has_a_record_is_told_with_its_fault() {
    let mut scene = Scene::new().await;
    let _daemon = scene.daemon().await;
    let now = scene.now();
    set(&scene.hub, now - SignedDuration::from_mins(2));
    let task = scene.hub.submit("alice", "bash-5.3-1.fc44").task;
    let begun = scene.hub.begin(task);
    scene.looks().await;
    scene.desk.status_when(|it| it.running == 1).await;
    set(&scene.hub, now);
    let failed = scene.hub.srpm_fails(task);
    assert_eq!(
        (begun.messages.len(), failed.messages.len()),
        (0, 0),
        "the bus hears nothing"
    );

    scene.hub.take_calls();
    scene.passes(SignedDuration::from_mins(2)).await;
    let call = scene.shown_with("bash failed", "Bad source").await;
    check(
        &call,
        expect![[r#"
            title: bash failed
            body: "The source RPM could not be built: check the spec file and the sources\nerror: Bad source: /builddir/build/SOURCES/bash-5.3.tar.gz: No such file or directory\nrawhide, 2 min"
            action default: Open task
            action log: Open log
            action open: Open task
            action mute: Mute package
        "#]],
    );
    let looks = scene
        .hub
        .calls()
        .into_iter()
        .filter(|it| it.parts.contains(&"listTasks".to_owned()));
    assert_eq!(looks.count(), 1);
    scene.desk.press(&call, "log").await;
    let child = failed.child("srpm");
    let log = format!("{}/work/tasks/{child}/{child}/build.log no token", scene.hub.topurl());
    assert_eq!(scene.desk.opened().await, log);
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn what_ended_while_the_computer_slept_is_summed_up_once() {
    let mut scene = Scene::new().await;
    let mut daemon = scene.daemon().await;
    let remote = scene.desk.remote().await;
    let mut changes = remote.receive_build_changed().await.unwrap();
    let mut unsaid = Vec::new();
    scene
        .sleeps(SignedDuration::from_hours(3), |hub, began| {
            let mut at = began;
            let mut later = || {
                at += SignedDuration::from_mins(25);
                set(hub, at);
            };
            for nvr in ["bash-5.3-1.fc44", "zsh-5.9-1.fc44", "make-4.4-1.fc44"] {
                later();
                unsaid.extend(hub.build("alice", nvr).messages);
            }
            later();
            let doomed = hub.submit("alice", "gcc-15-1.fc44").task;
            hub.begin(doomed);
            unsaid.extend(hub.srpm_done(doomed).messages);
            unsaid.extend(hub.arch_fails(doomed, "aarch64").messages);
            later();
            let unwanted = hub.submit("alice", "tree-2.2-1.fc44").task;
            hub.begin(unwanted);
            unsaid.extend(hub.srpm_done(unwanted).messages);
            unsaid.extend(hub.cancel_task(unwanted).messages);
            later();
            let dead = hub.submit("alice", "sed-4.9-1.fc44").task;
            hub.begin(dead);
            hub.srpm_fails(dead);
        })
        .await;
    check(
        &scene.desk.shown().await,
        expect![[r#"
        title: While you were away: 2 builds failed, 3 finished
        body: "Failed: gcc-15-1.fc44 and sed\nBuilt: bash-5.3-1.fc44, zsh-5.9-1.fc44 and make-4.4-1.fc44\nCanceled: tree-2.2-1.fc44"
        action default: Open Koji
        action list: Show list
    "#]],
    );
    let mut rows = Vec::new();
    while rows.len() < 5 {
        let change = within("a signal", changes.next()).await.unwrap();
        let args = change.args().unwrap();
        rows.push(format!("{} {}", args.nvr, args.state));
    }
    expect![[r#"
        bash-5.3-1.fc44 COMPLETE
        zsh-5.9-1.fc44 COMPLETE
        make-4.4-1.fc44 COMPLETE
        gcc-15-1.fc44 FAILED
        tree-2.2-1.fc44 CANCELED"#]]
    .assert_eq(&rows.join("\n"));
    let json = scene.desk.run(&["status", "--json"]).await.output;
    let status: Status = serde_json::from_str(&json).unwrap();
    assert_eq!((status.finished, status.failed, status.canceled), (3, 2, 1));

    // Now the bus says it too, some of it twice.
    let again: Vec<_> = unsaid.iter().take(4).cloned().collect();
    scene.publish(&unsaid).await;
    scene.publish(&again).await;
    scene.desk.all_is_acknowledged().await;
    scene.is_done(900).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-900.fc44 is built");
    let status = scene.desk.status_when(|it| it.finished == 4).await;
    assert_eq!((status.failed, status.canceled), (2, 1));

    // And whoever starts anew knows it.
    daemon.signal("TERM");
    assert!(daemon.end().await.success());
    let _daemon = scene.daemon().await;
    scene.publish(&unsaid).await;
    scene.desk.all_is_acknowledged().await;
    scene.is_done(901).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-901.fc44 is built");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn what_the_bus_has_said_the_hub_does_not_say_again() {
    let mut scene = Scene::new().await;
    let _daemon = scene.daemon().await;
    let messages = scene.hub.build("alice", "bash-5.3-1.fc44").messages;
    scene.publish(&messages).await;
    assert_eq!(scene.desk.shown().await.title, "bash-5.3-1.fc44 is built");
    let failing = begun(&mut scene, "gcc-15-1.fc44").await;
    let messages = scene.hub.arch_fails(failing, "aarch64").messages;
    scene.publish(&messages).await;
    scene.shown_with("gcc-15-1.fc44 failed", "error:").await;

    // The hub tells the oldest first, so what comes last has nothing more before it.
    scene.hub.advance(1.0);
    scene.hub.build("alice", "zsh-5.9-1.fc44");
    scene.looks().await;
    assert_eq!(scene.desk.shown().await.title, "zsh-5.9-1.fc44 is built");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
    scene.desk.status_when(|it| (it.finished, it.failed) == (2, 1)).await;
}

#[tokio::test]
async fn what_the_hub_has_said_the_bus_does_not_say_again() {
    let mut scene = Scene::new().await;
    let _daemon = scene.daemon().await;
    let mut unsaid = scene.hub.build("alice", "bash-5.3-1.fc44").messages;
    scene.looks().await;
    assert_eq!(scene.desk.shown().await.title, "bash-5.3-1.fc44 is built");
    let failing = scene.hub.submit("alice", "gcc-15-1.fc44").task;
    scene.hub.begin(failing);
    unsaid.extend(scene.hub.srpm_done(failing).messages);
    unsaid.extend(scene.hub.arch_fails(failing, "aarch64").messages);
    scene.looks().await;
    scene.shown_with("gcc-15-1.fc44 failed", "error:").await;

    scene.publish(&unsaid).await;
    let messages = scene.hub.build("alice", "zsh-5.9-1.fc44").messages;
    scene.publish(&messages).await;
    assert_eq!(scene.desk.shown().await.title, "zsh-5.9-1.fc44 is built");
    scene.desk.all_is_acknowledged().await;
    assert_eq!(scene.desk.more_shown(), [""; 0]);
    scene.desk.status_when(|it| (it.finished, it.failed) == (2, 1)).await;
}

#[tokio::test]
async fn a_hub_that_is_away_holds_up_nothing_and_is_caught_up_with() {
    let mut scene = Scene::new().await;
    scene.hub.go_away();
    let _daemon = scene.desk.daemon().await;
    scene.desk.status_when(|it| it.instances[0].hub == "unreachable").await;
    let words = scene.desk.run(&["status"]).await.output;
    assert!(words.contains("The hub cannot be reached"), "{words}");
    let messages = scene.hub.build("alice", "bash-5.3-1.fc44").messages;
    scene.publish(&messages).await;
    assert_eq!(scene.desk.shown().await.title, "bash-5.3-1.fc44 is built");

    // It is there again, and closed.
    scene.hub.trouble(Trouble::Offline);
    scene.hub.come_back();
    let failing = begun(&mut scene, "gcc-15-1.fc44").await;
    let messages = scene.hub.arch_fails(failing, "aarch64").messages;
    scene.publish(&messages).await;
    let failed = scene.desk.shown().await;
    check(
        &failed,
        expect![[r#"
            title: gcc-15-1.fc44 failed
            body: "aarch64 failed\nrawhide, 4 min"
            action default: Open build
            action log: Open log
            action open: Open build
            action mute: Mute package
        "#]],
    );
    const TRIES: u64 = 4;
    scene.hub.wait_for_answers(TRIES, Some("getTaskResult")).await;
    let dead = scene.hub.submit("alice", "sed-4.9-1.fc44").task;
    scene.hub.begin(dead);
    scene.hub.srpm_fails(dead);
    let hour = SignedDuration::from_hours(1);
    scene.passes_until(hour, |it| it.instances[0].hub == "closed").await;

    // An hour later it is open, and nobody had to say so.
    scene.hub.no_trouble();
    scene.passes_until(hour, |it| it.instances[0].hub == "answers").await;
    let mut late = Vec::new();
    for _ in 0..3 {
        let call = scene.desk.shown().await;
        let whose = if call.id == failed.id { "gcc" } else { "sed" };
        late.push(format!("{whose}: {}: {}", call.title, call.body));
    }
    late.sort();
    expect![[r#"
        gcc: gcc-15-1.fc44 failed: aarch64 failed: the package does not build
        src/main.c:42:5: error: implicit declaration of function &apos;frobnicate&apos; [-Wimplicit-function-declaration]
        rawhide, 4 min
        sed: sed failed: The source RPM could not be built: check the spec file and the sources
        error: Bad source: /builddir/build/SOURCES/sed-4.9.tar.gz: No such file or directory
        rawhide
        sed: sed failed: rawhide"#]].assert_eq(&late.join("\n"));
    scene.desk.all_is_acknowledged().await;
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn what_the_bus_says_is_told_while_the_hub_takes_its_time() {
    let mut scene = Scene::new().await;
    let _daemon = scene.daemon().await;
    let messages = scene.hub.build("alice", "bash-5.3-1.fc44").messages;
    scene.hub.build("alice", "zsh-5.9-1.fc44");
    scene.hub.take_calls();
    scene.hub.trouble(Trouble::Hold);
    scene.looks().await;
    scene.looked(1).await;
    scene.publish(&messages).await;
    assert_eq!(scene.desk.shown().await.title, "bash-5.3-1.fc44 is built");
    let look = scene.last_look().unwrap();
    assert_eq!(look.response_bytes, None, "the hub has not answered yet");
    let status = scene.desk.run(&["status"]).await;
    assert_eq!(status.code, 0, "{}", status.errors);
    let look = scene.last_look().unwrap();
    assert_eq!(look.response_bytes, None, "nor now");
    assert_eq!(scene.desk.more_shown(), [""; 0]);

    scene.hub.no_trouble();
    assert_eq!(scene.desk.shown().await.title, "zsh-5.9-1.fc44 is built");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn ten_thousand_endings_of_a_week_cost_little_and_are_one_summary() {
    let mut scene = Scene::new().await;
    let mut daemon = scene.daemon().await;
    daemon.signal("TERM");
    assert!(daemon.end().await.success());
    let left = scene.now();
    scene.passes_unseen(SignedDuration::from_hours(24 * 7));
    // An hour ago, so that none of it has only just happened.
    set(&scene.hub, scene.now() - SignedDuration::from_hours(1));
    let since = left.duration_since(jiff::Timestamp::UNIX_EPOCH).as_secs_f64();
    scene.hub.bulk_ended("alice", 10_000, since + 60.0);
    set(&scene.hub, scene.now());

    // While the hub thinks, the daemon is there for others.
    scene.hub.take_calls();
    let slow = For {
        method: Some("listTasks"),
        times: Some(1),
    };
    scene.hub.trouble_for(slow, Trouble::Hold);
    let mut daemon = scene.desk.daemon().await;
    scene.looked(1).await;
    let status = scene.desk.run(&["status"]).await;
    assert_eq!(status.code, 0, "{}", status.errors);
    scene.is_done(901).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-901.fc44 is built");
    scene.hub.no_trouble();

    check(
        &scene.desk.shown().await,
        expect![[r#"
        title: While you were away: 20 builds failed
        body: "Failed: bulk9, bulk19, bulk29, bulk39 and bulk49\nFailed again: bulk9, bulk19, bulk29, bulk39, bulk49 and 10 more\nAnd 9800 more"
        action default: Open Koji
        action list: Show list
    "#]],
    );
    let status = scene.desk.status_when(|it| it.failed > 0).await;
    // Of the newest 200 every tenth failed. That the task of a build was closed is no ending of mine.
    assert_eq!(status.failed, 20);
    let calls = scene.hub.wait_for_answers(20, Some("getTaskResult")).await;
    assert_eq!(calls.len(), 20);
    scene.is_done(902).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-902.fc44 is built");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
    let calls = scene.hub.calls();
    let bytes: u64 = calls.iter().filter_map(|it| it.response_bytes).sum();
    println!("{} requests, {bytes} bytes", calls.len());
    assert!(calls.len() <= 30, "{} requests", calls.len());
    assert!(bytes < 1 << 20, "{bytes} bytes");
    assert!(daemon.runs());
}

#[tokio::test]
async fn a_verdict_comes_at_once_and_its_cause_into_the_same_notification() {
    let mut scene = Scene::new().await;
    let _daemon = scene.daemon().await;
    let task = begun(&mut scene, "bash-5.3-1.fc44").await;
    let failed = scene.hub.arch_fails(task, "aarch64");
    let explaining = For {
        method: Some("getTaskResult"),
        times: None,
    };
    scene.hub.take_calls();
    scene.hub.trouble_for(explaining, Trouble::Hold);
    scene.publish(&failed.messages).await;
    let first = scene.desk.shown().await;
    check(
        &first,
        expect![[r#"
            title: bash-5.3-1.fc44 failed
            body: "aarch64 failed\nrawhide, 4 min"
            action default: Open build
            action log: Open log
            action open: Open build
            action mute: Mute package
        "#]],
    );
    let asked = scene.hub.wait_for_calls(1, Some("getTaskResult")).await;
    assert_eq!(asked[0].response_bytes, None, "the hub has not answered yet");
    assert_eq!(scene.desk.more_shown(), [""; 0]);

    scene.hub.no_trouble();
    let second = scene.desk.shown().await;
    assert_eq!((second.replaces, second.id), (first.id, first.id));
    check(
        &second,
        expect![[r#"
            title: bash-5.3-1.fc44 failed
            body: "aarch64 failed: the package does not build\nsrc/main.c:42:5: error: implicit declaration of function &apos;frobnicate&apos; [-Wimplicit-function-declaration]\nrawhide, 4 min"
            action default: Open build
            action log: Open log
            action open: Open build
            action mute: Mute package
        "#]],
    );
    scene.desk.press(&second, "log").await;
    let child = failed.child("aarch64");
    let log = format!("work/tasks/{child}/{child}/build.log");
    assert_eq!(
        scene.desk.opened().await,
        format!("{}/{log} no token", scene.hub.topurl())
    );
    assert!(scene.hub.bytes_sent(&log) > 0, "it was read");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn that_my_build_was_canceled_comes_at_once_and_by_whom_into_the_same_notification() {
    let mut scene = Scene::new().await;
    let _daemon = scene.daemon().await;
    let task = begun(&mut scene, "bash-5.3-1.fc44").await;
    let canceled = scene.hub.cancel_task_as("bob", task);
    let explaining = For {
        method: Some("getTaskResult"),
        times: None,
    };
    scene.hub.take_calls();
    scene.hub.trouble_for(explaining, Trouble::Hold);
    scene.publish(&canceled.messages).await;
    let first = scene.desk.shown().await;
    check(
        &first,
        expect![[r#"
        title: bash-5.3-1.fc44 was canceled
        body: "rawhide, 4 min"
        action default: Open build
        action open: Open build
        action mute: Mute package
    "#]],
    );
    let asked = scene.hub.wait_for_calls(1, Some("getTaskResult")).await;
    assert_eq!(asked[0].response_bytes, None, "the hub has not answered yet");
    assert_eq!(scene.desk.more_shown(), [""; 0]);

    scene.hub.no_trouble();
    let second = scene.desk.shown().await;
    assert_eq!((second.replaces, second.id), (first.id, first.id));
    check(
        &second,
        expect![[r#"
        title: bash-5.3-1.fc44 was canceled
        body: "Canceled by bob\nrawhide, 4 min"
        action default: Open build
        action open: Open build
        action mute: Mute package
    "#]],
    );
    scene.is_done(900).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-900.fc44 is built");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}

#[tokio::test]
async fn what_i_canceled_myself_is_told_once() {
    let mut scene = Scene::new().await;
    let _daemon = scene.daemon().await;
    let task = begun(&mut scene, "bash-5.3-1.fc44").await;
    let canceled = scene.hub.cancel_task(task);
    scene.hub.take_calls();
    scene.publish(&canceled.messages).await;
    assert_eq!(scene.desk.shown().await.title, "bash-5.3-1.fc44 was canceled");
    // The hub has said who it was: the calls are the task with its result, and the mails.
    scene.hub.wait_for_answers(1, Some("getTaskResult")).await;
    scene.hub.wait_for_answers(1, Some("listTasks")).await;
    // What is asked later is answered later, one failure at a time.
    let failing = begun(&mut scene, "gcc-15-1.fc44").await;
    let messages = scene.hub.arch_fails(failing, "aarch64").messages;
    scene.publish(&messages).await;
    scene.shown_with("gcc-15-1.fc44 failed", "error:").await;
    assert_eq!(scene.desk.more_shown(), [""; 0]);
    scene.desk.status_when(|it| (it.canceled, it.failed) == (1, 1)).await;
}

#[tokio::test]
async fn a_build_that_will_fail_is_told_early_and_its_verdict_in_the_same_notification() {
    let mut scene = Scene::new().await;
    let _daemon = scene.daemon().await;
    let task = begun(&mut scene, "bash-5.3-1.fc44").await;
    scene.desk.status_when(|it| it.running == 1).await;
    scene
        .hub
        .arch_fails_with(task, "x86_64", serde_json::json!({"can_fail": true}));
    scene.looks().await;
    let early = scene.shown_with("bash-5.3-1.fc44 is failing", "error:").await;
    check(
        &early,
        expect![[r#"
        title: bash-5.3-1.fc44 is failing
        body: "x86_64 failed: the package does not build\nsrc/main.c:42:5: error: implicit declaration of function &apos;frobnicate&apos; [-Wimplicit-function-declaration]\nrawhide, still running on aarch64"
        action default: Open build
        action log: Open log
        action open: Open build
        action mute: Mute package
    "#]],
    );
    let status = scene.desk.status_when(|it| it.state == "failed").await;
    assert_eq!((status.running, status.failed), (1, 0));

    let failed = scene.hub.arch_done(task, "aarch64");
    scene.publish(&failed.messages).await;
    let last = scene.desk.shown().await;
    assert_eq!((last.replaces, last.id), (early.id, early.id));
    check(
        &last,
        expect![[r#"
            title: bash-5.3-1.fc44 failed
            body: "x86_64 failed: the package does not build\nsrc/main.c:42:5: error: implicit declaration of function &apos;frobnicate&apos; [-Wimplicit-function-declaration]\nrawhide, 4 min, built on aarch64"
            action default: Open build
            action log: Open log
            action open: Open build
            action mute: Mute package
        "#]],
    );
    scene.desk.status_when(|it| (it.running, it.failed) == (0, 1)).await;
    scene.is_done(900).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-900.fc44 is built");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}

/// Begins a build of alice's, four minutes ago, and has the bus tell so; its architectures run, and the hub's clock stands
/// at now. Returns its task.
async fn begun(scene: &mut Scene, nvr: &str) -> u64 {
    let now = scene.now();
    set(&scene.hub, now - SignedDuration::from_mins(4));
    let task = scene.hub.submit("alice", nvr).task;
    scene.hub.begin(task);
    let messages = scene.hub.srpm_done(task).messages;
    set(&scene.hub, now);
    scene.publish(&messages).await;
    task
}

/// Compares a notification, but for what all of ours have.
fn check(call: &Call, expected: Expect) {
    let told = told(call);
    let lines = told
        .lines()
        .filter(|it| !it.starts_with("Notify ") && !it.starts_with("hint "));
    expected.assert_eq(&lines.map(|it| format!("{it}\n")).collect::<String>());
}
