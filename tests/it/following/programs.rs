//! What other programs ask and hear of us, with the tools that people have: gdbus, busctl and Python.

use std::process::Stdio;

use expect_test::{Expect, expect};
use koji_notify::desktop::service::{INTERFACE, NAME, PATH};
use koji_notify::koji::BuildState::{Building, Complete, Failed};
use koji_notify::koji::TaskState;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::house::{House, Live, build, scratch, within};
use crate::session_bus::SessionBus;
use crate::small_hub::SmallHub;

#[tokio::test]
async fn what_runs_and_what_has_ended_is_listed() {
    let mut house = House::start().await;
    check(gdbus(&house.bus, "ListRunning", &[]).await, expect!["(@aa{sv} [],)"]);
    house.hears(build(77, Complete)).await;
    house.hears(build(76, Failed)).await;
    house.hears(build(78, Building)).await;
    check(
        gdbus(&house.bus, "ListRunning", &[]).await,
        expect![
            "([{'build': <uint64 78>, 'doomed': <false>, 'followed': <false>, 'instance': <'fedora'>, 'kind': <'build'>, 'mine': <true>, 'nvr': <'bash-5.3-78.fc43'>, 'owner': <'mona'>, 'package': <'bash'>, 'page': <'https://koji.fedoraproject.org/koji/buildinfo?buildID=78'>, 'progress': <AS OF NOW>, 'scratch': <false>, 'settled': <false>, 'started': <int64 TIME>, 'state': <'BUILDING'>, 'target': <'rawhide'>, 'task': <uint64 1078>, 'text': <'bash-5.3-78.fc43 is being built'>, 'unseen': <false>}],)"
        ],
    );
    let recent = gdbus(&house.bus, "ListRecent", &["0"]).await;
    check(
        recent.split("}, {").map(seen).collect::<String>(),
        expect![[r#"
            bash-5.3-76.fc43 'FAILED' true
            bash-5.3-77.fc43 'COMPLETE' false
        "#]],
    );
    let newest = gdbus(&house.bus, "ListRecent", &["1"]).await;
    assert!(
        newest.contains("bash-5.3-76.fc43") && !newest.contains("bash-5.3-77.fc43"),
        "{newest}"
    );
    assert_eq!(gdbus(&house.bus, "ListFollowed", &[]).await, "(@aa{sv} [],)");

    let following = house.run(&["follow", "5000"]);
    let lookup = house.asked().await;
    house.finds(lookup, Some(scratch(5000, TaskState::Open))).await;
    following.await;
    let followed = gdbus(&house.bus, "ListFollowed", &[]).await;
    assert!(followed.contains("'task': <uint64 5000>"), "{followed}");
    assert!(followed.contains("'mine': <false>"), "{followed}");
}

#[tokio::test]
async fn what_was_seen_calls_for_nobody_any_more() {
    let mut house = House::start().await;
    for id in 76..79 {
        house.hears(build(id, Failed)).await;
    }
    assert_eq!(
        gdbus(&house.bus, "Acknowledge", &["fedora:bash-5.3-77.fc43"]).await,
        "()"
    );
    let unseen = async || {
        let recent = gdbus(&house.bus, "ListRecent", &["0"]).await;
        recent.split("}, {").map(seen).collect::<String>()
    };
    check(
        unseen().await,
        expect![[r#"
            bash-5.3-78.fc43 'FAILED' true
            bash-5.3-77.fc43 'FAILED' false
            bash-5.3-76.fc43 'FAILED' true
        "#]],
    );
    let refused = gdbus(&house.bus, "Acknowledge", &["4711"]).await;
    assert!(
        refused.contains("org.fedoraproject.KojiNotify1.Error.Unknown: nothing was told of it"),
        "{refused}"
    );
    let refused = gdbus(&house.bus, "Acknowledge", &["two words"]).await;
    assert!(refused.contains("Error.NotUnderstood"), "{refused}");
    assert_eq!(gdbus(&house.bus, "AcknowledgeAll", &[]).await, "()");
    assert!(!unseen().await.contains("true"));
}

#[tokio::test]
async fn busctl_reads_the_same() {
    let mut house = House::start().await;
    house.hears(build(78, Building)).await;
    let said = run(
        &house.bus,
        "busctl",
        &[
            "--user",
            "--json=short",
            "call",
            NAME,
            PATH,
            INTERFACE,
            "ListRecent",
            "u",
            "5",
        ],
    );
    check(said.await, expect![[r#"{"type":"aa{sv}","data":[[]]}"#]]);
    let said = run(
        &house.bus,
        "busctl",
        &["--user", "--json=short", "call", NAME, PATH, INTERFACE, "ListRunning"],
    )
    .await;
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let build = &said["data"][0][0];
    assert_eq!(build["nvr"]["data"], "bash-5.3-78.fc43", "{build}");
    assert_eq!(build["started"]["type"], "x", "{build}");
    let state = run(
        &house.bus,
        "busctl",
        &["--user", "get-property", NAME, PATH, INTERFACE, "State"],
    );
    assert!(state.await.starts_with("s \""));
}

/// The real program, asked by the tools that people have: each call is answered as the interface says, and is done.
#[tokio::test]
async fn what_is_asked_for_with_gdbus_is_done() {
    let hub = SmallHub::start();
    let task = hub.submit("bob", "bash-5.3-1.fc44").task;
    hub.begin(task);
    let mut live = Live::polled(&hub.url(), "").await;
    let task = task.to_string();

    let followed = gdbus(&live.bus, "Follow", &[&task]).await;
    assert_eq!(followed, format!("('lab', uint64 0, uint64 {task}, '', 'OPEN')"));
    let listed = gdbus(&live.bus, "ListFollowed", &[]).await;
    assert!(listed.contains(&format!("'task': <uint64 {task}>")), "{listed}");
    assert_eq!(gdbus(&live.bus, "Unfollow", &[&task]).await, "()");
    assert_eq!(gdbus(&live.bus, "ListFollowed", &[]).await, "(@aa{sv} [],)");
    let refused = gdbus(&live.bus, "Unfollow", &[&task]).await;
    assert!(refused.contains("Error.Unknown: it is not followed"), "{refused}");

    assert_eq!(gdbus(&live.bus, "Mute", &["bash", "0"]).await, "()");
    live.status_when(|it| it.muted == ["bash"]).await;
    assert_eq!(property(&live.bus, "Muted").await, "as 1 \"bash\"");
    assert_eq!(gdbus(&live.bus, "Unmute", &["bash"]).await, "()");
    live.status_when(|it| it.muted.is_empty()).await;
    assert_eq!(
        gdbus(&live.bus, "MuteUntil", &["package", "bash", "fixed", "0"]).await,
        "()"
    );
    live.status_when(|it| it.mutes.iter().any(|it| it.until == "fixed"))
        .await;
    assert_eq!(gdbus(&live.bus, "UnmuteWhat", &["package", "bash"]).await, "()");
    live.status_when(|it| it.mutes.is_empty()).await;

    assert_eq!(gdbus(&live.bus, "Pause", &["0"]).await, "()");
    live.status_when(|it| it.paused).await;
    assert_eq!(property(&live.bus, "Paused").await, "b true");
    assert_eq!(gdbus(&live.bus, "Resume", &[]).await, "()");
    live.status_when(|it| !it.paused).await;
    assert_eq!(property(&live.bus, "Paused").await, "b false");

    let failed = hub.submit("mona", "zsh-5.9-1.fc44").task;
    hub.begin(failed);
    hub.srpm_fails(failed);
    live.looks_again().await;
    live.status_when(|it| it.state == "failed").await;
    assert_eq!(gdbus(&live.bus, "Acknowledge", &[&failed.to_string()]).await, "()");
    live.status_when(|it| it.state == "idle").await;
    live.ends().await;
}

/// The same with busctl, which is told the types of what it sends.
#[tokio::test]
async fn what_is_asked_for_with_busctl_is_done() {
    let hub = SmallHub::start();
    let task = hub.submit("bob", "bash-5.3-1.fc44").task;
    hub.begin(task);
    let failed = hub.submit("mona", "zsh-5.9-1.fc44").task;
    hub.begin(failed);
    hub.srpm_fails(failed);
    let mut live = Live::polled(&hub.url(), "").await;
    let (task, failed) = (task.to_string(), failed.to_string());
    live.status_when(|it| it.state == "failed").await;

    let followed = busctl(&live.bus, &["Follow", "s", &task]).await;
    assert_eq!(followed, format!("sttss \"lab\" 0 {task} \"\" \"OPEN\""));
    assert_eq!(busctl(&live.bus, &["Unfollow", "s", &task]).await, "");
    assert_eq!(busctl(&live.bus, &["Acknowledge", "s", &failed]).await, "");
    live.status_when(|it| it.state == "idle").await;
    assert_eq!(busctl(&live.bus, &["Mute", "su", "bash", "60"]).await, "");
    live.status_when(|it| it.muted == ["bash"]).await;
    assert_eq!(busctl(&live.bus, &["Unmute", "s", "bash"]).await, "");
    live.status_when(|it| it.muted.is_empty()).await;
    assert_eq!(busctl(&live.bus, &["Pause", "u", "30"]).await, "");
    live.status_when(|it| it.paused && it.paused_until > 0).await;
    assert_eq!(busctl(&live.bus, &["Resume"]).await, "");
    live.status_when(|it| !it.paused).await;
    live.ends().await;
}

/// The example that the documentation shows.
#[tokio::test]
async fn the_example_in_python_does_what_it_says() {
    let mut house = House::start().await;
    house.hears(build(76, Failed)).await;
    house.hears(build(77, Building)).await;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/data/examples/builds.py");
    let mut python = command(&house.bus, "/usr/bin/python3").arg(example).spawn().unwrap();
    let mut lines = BufReader::new(python.stdout.take().unwrap()).lines();
    let mut line = async || within("a line", lines.next_line()).await.unwrap().unwrap();
    check(
        line().await,
        expect!["bash-5.3-76.fc43 failed https://koji.fedoraproject.org/koji/buildinfo?buildID=76"],
    );
    house.hears(build(77, Complete)).await;
    check(
        line().await,
        expect!["bash-5.3-77.fc43 is built https://koji.fedoraproject.org/koji/buildinfo?buildID=77"],
    );
    python.kill().await.unwrap();
}

/// Returns name, state and whether it was seen, of one build in what gdbus prints.
fn seen(build: &str) -> String {
    let value = |name: &str| {
        let rest = build.split(&format!("'{name}': <")).nth(1).unwrap();
        rest.split('>').next().unwrap().to_owned()
    };
    let nvr = value("nvr");
    format!("{} {} {}\n", nvr.trim_matches('\''), value("state"), value("unseen"))
}

async fn gdbus(bus: &SessionBus, method: &str, arguments: &[&str]) -> String {
    let method = format!("{INTERFACE}.{method}");
    let mut words = vec!["call", "--session", "--dest", NAME, "--object-path", PATH, "--method"];
    words.push(&method);
    words.extend(arguments);
    let said = run(bus, "gdbus", &words).await;
    // When it began is another time in each run, and the order of a dictionary means nothing.
    let Some(inner) = said.strip_prefix("([{").and_then(|it| it.strip_suffix("}],)")) else {
        return said;
    };
    let sorted = inner.split("}, {").map(|build| {
        let mut entries: Vec<_> = build.split(", '").map(|it| it.trim_start_matches('\'')).collect();
        entries.sort_unstable();
        let entries = entries.into_iter().map(|it| match it.split_once('<') {
            Some((name, value)) if value.starts_with("int64 ") => format!("'{name}<int64 TIME>"),
            Some((name, _)) if name.starts_with("progress") => format!("'{name}<AS OF NOW>"),
            _ => format!("'{it}"),
        });
        entries.collect::<Vec<_>>().join(", ")
    });
    format!("([{{{}}}],)", sorted.collect::<Vec<_>>().join("}, {"))
}

/// Returns what busctl prints of a call: the types of what is answered, and that.
async fn busctl(bus: &SessionBus, words: &[&str]) -> String {
    let mut whole = vec!["--user", "call", NAME, PATH, INTERFACE];
    whole.extend(words);
    run(bus, "busctl", &whole).await
}

/// Returns a property's type and value.
async fn property(bus: &SessionBus, name: &str) -> String {
    run(bus, "busctl", &["--user", "get-property", NAME, PATH, INTERFACE, name]).await
}

/// Returns what a program prints in the session, and what it complains of.
async fn run(bus: &SessionBus, program: &str, words: &[&str]) -> String {
    let output = command(bus, program).args(words).output();
    let output = within(program, output).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    said.trim_end().to_owned()
}

fn command(bus: &SessionBus, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("LC_ALL", "C.UTF-8")
        .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn check(actual: impl AsRef<str>, expected: Expect) {
    expected.assert_eq(actual.as_ref());
}
