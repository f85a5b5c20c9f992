//! What a bar of the desktop is told, by the real program and a hub.

use expect_test::{Expect, expect};
use serde_json::Value;

use super::house::{House, Live, Shell};
use crate::session_bus::SessionBus;
use crate::small_hub::SmallHub;

#[tokio::test]
async fn a_bar_follows_builds_and_the_program_itself() {
    let hub = SmallHub::start();
    let built = hub.submit("mona", "bash-5.3-1.fc44").task;
    let doomed = hub.submit("mona", "zsh-5.9-1.fc44").task;
    for task in [built, doomed] {
        hub.begin(task);
    }
    let mut live = Live::polled(&hub.url(), "").await;
    let mut waybar = Shell::start(live.bus.address(), &["status", "--waybar", "--follow"]);
    let mut i3 = Shell::start(live.bus.address(), &["status", "--i3status", "--follow"]);
    let mut json = Shell::start(live.bus.address(), &["status", "--json", "--follow"]);
    let line = until(&mut waybar, |it| it["alt"] == "building").await;
    assert_eq!(line["text"], "2");
    assert_eq!(line["class"], serde_json::json!(["building", "busy"]));
    let tooltip = line["tooltip"].as_str().unwrap();
    assert!(tooltip.starts_with("2 builds are running\n"), "{tooltip}");
    assert_eq!(tooltip.lines().count(), 3, "{tooltip}");
    check(
        until(&mut i3, |it| it["short_text"] == "2").await.to_string(),
        expect![[
            r#"{"full_text":"2 builds are running","short_text":"2","state":"Info","text":"2 builds are running","urgent":false}"#
        ]],
    );

    hub.srpm_done(built);
    for arch in ["x86_64", "aarch64"] {
        hub.arch_done(built, arch);
    }
    hub.finish(built);
    hub.srpm_fails(doomed);
    live.looks_again().await;
    let line = until(&mut waybar, |it| it["alt"] == "failed" && it["text"] == "1").await;
    assert!(
        line["class"].as_array().unwrap().contains(&"attention".into()),
        "{line}"
    );
    let block = until(&mut i3, |it| it["urgent"] == true).await;
    assert_eq!(
        (&block["color"], &block["state"]),
        (&"#e01b24".into(), &"Critical".into())
    );
    let whole = until(&mut json, |it| it["failed"] == 1 && it["finished"] == 1).await;
    assert_eq!(whole["is_there"], true);
    assert_eq!(whole["builds"]["running"], serde_json::json!([]));
    let recent = whole["builds"]["recent"].as_array().unwrap();
    let states: Vec<_> = recent.iter().map(|it| (&it["state"], &it["unseen"])).collect();
    assert!(states.contains(&(&"COMPLETE".into(), &false.into())), "{states:?}");

    live.ends().await;
    let line = until(&mut waybar, |it| it["class"][1] == "not-running").await;
    check(
        line.to_string(),
        expect![[
            r#"{"alt":"offline","class":["offline","not-running"],"text":"","tooltip":"koji-notify is not running"}"#
        ]],
    );
    live.starts_again().await;
    until(&mut waybar, |it| it["alt"] == "failed").await;

    waybar.signal("TERM");
    assert_eq!(waybar.end().await.code(), Some(0));
    i3.signal("INT");
    assert_eq!(i3.end().await.code(), Some(0));
    assert_eq!(json.left_unread().await.code(), Some(0));
    live.quit().await;
}

#[tokio::test]
async fn without_the_program_a_bar_is_told_so_and_waits() {
    let bus = SessionBus::start();
    let mut shell = Shell::start(bus.address(), &["status", "--waybar", "--follow"]);
    let first = until(&mut shell, |_| true).await;
    assert_eq!(first["class"][1], "not-running");
    // Nothing is to be said, and it ends as soon as nobody reads.
    assert_eq!(shell.left_unread().await.code(), Some(0));
    let mut shell = Shell::start(bus.address(), &["status", "--i3status"]);
    check(
        shell.rest().await,
        expect![[
            r##"0: {"full_text":"koji-notify is not running","color":"#77767b","urgent":false,"text":"koji-notify is not running","state":"Warning"}"##
        ]],
    );
    let mut shell = Shell::start(bus.address(), &["status", "--json"]);
    assert_eq!(shell.rest().await, "4: ");
    let mut shell = Shell::start(bus.address(), &["status", "--follow"]);
    assert_eq!(shell.rest().await, "2: ");
}

#[tokio::test]
async fn the_session_s_end_ends_it() {
    let bus = SessionBus::start();
    let mut shell = Shell::start(bus.address(), &["status", "--waybar", "--follow"]);
    shell.line().await;
    drop(bus);
    assert_eq!(shell.rest().await, "4: ");
}

#[tokio::test]
async fn the_json_is_whole() {
    let house = House::start().await;
    let said = house.run(&["status", "--json"]).await;
    let json: Value = serde_json::from_str(said.strip_prefix("0: ").unwrap()).unwrap();
    for name in ["running", "recent", "followed"] {
        assert_eq!(json["builds"][name], serde_json::json!([]), "{json}");
    }
    assert_eq!(json["instances"].as_array().unwrap().len(), 2);
    assert_eq!(json["running"], 0);
}

/// Reads lines until one is what is waited for.
async fn until(shell: &mut Shell, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let line: Value = serde_json::from_str(&shell.line().await).unwrap();
        if is_it(&line) {
            return line;
        }
    }
}

fn check(actual: impl AsRef<str>, expected: Expect) {
    expected.assert_eq(actual.as_ref());
}
