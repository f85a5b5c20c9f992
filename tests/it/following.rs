//! Following a build or task from a shell: the real program, our real interface and core, and a hub that says what the
//! story needs.

mod bars;
mod hooks;
mod house;
mod programs;

use expect_test::{Expect, expect};
use futures_util::future::join_all;
use koji_notify::desktop::client;
use koji_notify::desktop::service::{MAX_CALLERS, NAME};
use koji_notify::koji::BuildState::{Building, Canceled, Complete, Deleted, Failed};
use koji_notify::koji::{BuildId, Lookup, TaskId, TaskState};

use self::house::{House, Live, Shell, build, scratch, task, within};
use crate::small_hub::SmallHub;

#[tokio::test]
async fn what_is_followed_is_said_and_can_be_left_alone_again() {
    let mut house = House::start().await;
    let following = house.run(&["follow", "http://koji.fedoraproject.org/koji/buildinfo?buildID=77#top"]);
    let lookup = house.asked().await;
    assert_eq!(lookup, Lookup::Build(BuildId(77)));
    house.finds(lookup, Some(build(77, Building))).await;
    check(following.await, expect!["0: bash-5.3-77.fc43 BUILDING"]);

    check(house.run(&["unfollow", "bash-5.3-77.fc43"]).await, expect!["0: "]);
    check(
        house.run(&["unfollow", "fedora:bash-5.3-77.fc43"]).await,
        expect!["5: koji-notify: it is not followed"],
    );
}

#[tokio::test]
async fn whoever_is_refused_is_told_why_in_words_and_by_code() {
    let mut house = House::start().await;
    check(
        house.run(&["follow", "my build"]).await,
        expect![
            "2: koji-notify: expected the number of a task, the name-version-release of a build, or the address of either's page, not `my build`"
        ],
    );
    check(
        house.run(&["wait", "https://example.com/taskinfo?taskID=1"]).await,
        expect![
            "2: koji-notify: the address is not under the web interface of any instance that is configured (fedora, lab)"
        ],
    );
    check(
        house.run(&["wait", "lab:4711"]).await,
        expect!["5: koji-notify: lab has no hub that could be asked"],
    );
    let waiting = house.run(&["wait", "4711"]);
    house.asked().await;
    house.finds(Lookup::Task(TaskId(4711)), None).await;
    check(
        waiting.await,
        expect!["5: koji-notify: the hub of fedora knows nothing of the kind"],
    );
    let waiting = house.run(&["wait", "4711"]);
    let lookup = house.asked().await;
    house
        .does_not_answer(lookup, "koji.example.com:\x1b[2J it is closed\n")
        .await;
    check(
        waiting.await,
        expect!["5: koji-notify: koji.example.com: [2J it is closed "],
    );
}

#[tokio::test]
async fn each_refusal_has_a_name_of_its_own_on_the_bus() {
    let mut house = House::start().await;
    let remote = client::client(&house.bus.connect().await).await.unwrap().unwrap();
    let connection = remote.inner().connection();
    let mut names = Vec::new();
    for (method, what) in [("Follow", ""), ("Unfollow", ""), ("Follow", "lab:1"), ("Unfollow", "1")] {
        names.push(refusal(connection, method, what).await);
    }
    let unknown = tokio::spawn({
        let connection = connection.clone();
        async move { refusal(&connection, "Follow", "1").await }
    });
    let lookup = house.asked().await;
    house.finds(lookup, None).await;
    names.push(unknown.await.unwrap());

    let crowd: Vec<_> = (0..MAX_CALLERS)
        .map(|_| {
            let connection = connection.clone();
            tokio::spawn(async move { refusal(&connection, "Follow", "2").await })
        })
        .collect();
    for _ in 0..MAX_CALLERS {
        house.asked().await;
    }
    names.push(refusal(connection, "Follow", "2").await);
    house.does_not_answer(Lookup::Task(TaskId(2)), "closed").await;
    let mut crowd: Vec<_> = join_all(crowd).await.into_iter().map(Result::unwrap).collect();
    crowd.dedup();
    names.extend(crowd);
    expect![[r#"
        NotUnderstood
        NotUnderstood
        NoHub
        Unknown
        Unknown
        Busy
        NoAnswer"#]]
    .assert_eq(&names.join("\n"));
}

#[tokio::test]
async fn waiting_prints_each_change_once_and_ends_with_the_outcome() {
    for (state, expected) in [
        (Complete, expect!["0: bash-5.3-77.fc43 COMPLETE"]),
        (Failed, expect!["1: bash-5.3-77.fc43 FAILED"]),
        (Canceled, expect!["6: bash-5.3-77.fc43 CANCELED"]),
        (Deleted, expect!["1: bash-5.3-77.fc43 DELETED"]),
    ] {
        let mut house = House::start().await;
        let mut shell = Shell::start(house.bus.address(), &["wait", "bash-5.3-77.fc43"]);
        let lookup = house.asked().await;
        house.finds(lookup, Some(build(77, Building))).await;
        assert_eq!(shell.line().await, "bash-5.3-77.fc43 BUILDING");
        house.hears(build(78, Complete)).await;
        house.hears(build(77, Building)).await;
        house.hears(build(77, state)).await;
        check(shell.rest().await, expected);
    }
}

#[tokio::test]
async fn what_has_ended_is_not_waited_for() {
    for (state, expected) in [
        (TaskState::Closed, expect!["0: task 4711 CLOSED"]),
        (TaskState::Failed, expect!["1: task 4711 FAILED"]),
        (TaskState::Canceled, expect!["6: task 4711 CANCELED"]),
    ] {
        let mut house = House::start().await;
        let waiting = house.run(&["wait", "4711"]);
        let lookup = house.asked().await;
        house.finds(lookup, Some(scratch(4711, state))).await;
        check(waiting.await, expected);
    }
}

#[tokio::test]
async fn a_task_is_waited_for_under_the_number_of_its_build() {
    let mut house = House::start().await;
    let mut shell = Shell::start(house.bus.address(), &["wait", "--json", "1077"]);
    let lookup = house.asked().await;
    house.finds(lookup, Some(task(1077, TaskState::Open))).await;
    check(
        shell.line().await,
        expect![[r#"{"build":null,"instance":"fedora","nvr":null,"state":"OPEN","task":1077}"#]],
    );
    house.hears(build(77, Building)).await;
    house.hears(build(77, Failed)).await;
    check(
        shell.rest().await,
        expect![[r#"
            1: {"build":77,"doomed":false,"followed":true,"instance":"fedora","kind":"build","mine":true,"nvr":"bash-5.3-77.fc43","owner":"mona","package":"bash","page":"https://koji.fedoraproject.org/koji/buildinfo?buildID=77","scratch":false,"settled":false,"state":"BUILDING","target":"rawhide","task":1077,"text":"bash-5.3-77.fc43 is being built"}
            {"build":77,"doomed":false,"followed":true,"instance":"fedora","kind":"build","mine":true,"nvr":"bash-5.3-77.fc43","owner":"mona","package":"bash","page":"https://koji.fedoraproject.org/koji/buildinfo?buildID=77","scratch":false,"settled":true,"state":"FAILED","target":"rawhide","task":1077,"text":"bash-5.3-77.fc43 failed"}"#]],
    );
}

#[tokio::test]
async fn an_ending_before_the_answer_is_asked_after() {
    let mut house = House::start().await;
    let mut shell = Shell::start(house.bus.address(), &["wait", "bash-5.3-77.fc43"]);
    let lookup = house.asked().await;
    // It has failed, and somebody builds it again while the hub is asked. More is told than fits a queue that nobody
    // reads.
    house.hears(build(77, Failed)).await;
    for other in 1000..1300 {
        house.hears(build(other, Complete)).await;
    }
    house.finds(lookup.clone(), Some(build(77, Building))).await;
    assert_eq!(house.asked().await, lookup);
    house.finds(lookup, Some(build(77, Building))).await;
    assert_eq!(shell.line().await, "bash-5.3-77.fc43 BUILDING");
    house.hears(build(77, Complete)).await;
    check(shell.rest().await, expect!["0: bash-5.3-77.fc43 COMPLETE"]);
}

#[tokio::test]
async fn who_is_quiet_says_nothing() {
    let mut house = House::start().await;
    let waiting = house.run(&["wait", "--quiet", "4711"]);
    let lookup = house.asked().await;
    house.finds(lookup, Some(scratch(4711, TaskState::Canceled))).await;
    check(waiting.await, expect!["6: "]);
}

#[tokio::test]
async fn whoever_waits_no_longer_than_so_long_is_told_so() {
    let mut house = House::start().await;
    // The hub does not say what it is, and then not how it ends.
    let waiting = house.run(&["wait", "4711", "--timeout", "250ms"]);
    house.asked().await;
    check(waiting.await, expect!["7: koji-notify: it has not ended within 250ms"]);
    let mut shell = Shell::start(house.bus.address(), &["wait", "4711", "--timeout", "2s"]);
    let lookup = house.asked().await;
    house.finds(lookup, Some(scratch(4711, TaskState::Open))).await;
    assert_eq!(shell.line().await, "task 4711 OPEN");
    assert_eq!(shell.end().await.code(), Some(7));
}

#[tokio::test]
async fn a_daemon_that_goes_away_is_waited_for_no_longer() {
    let gone = "koji-notify has gone away";
    let mut house = House::start().await;
    let waiting = house.run(&["wait", "4711"]);
    house.asked().await;
    house.leaves().await;
    assert_eq!(waiting.await, format!("4: koji-notify: {gone}"));

    let mut house = House::start().await;
    let mut shell = Shell::start(house.bus.address(), &["wait", "4711"]);
    let lookup = house.asked().await;
    house.finds(lookup, Some(scratch(4711, TaskState::Open))).await;
    assert_eq!(shell.line().await, "task 4711 OPEN");
    house.leaves().await;
    assert_eq!(shell.end().await.code(), Some(4));
}

#[tokio::test]
async fn a_daemon_that_ends_in_order_answers_those_who_wait() {
    let mut house = House::start().await;
    let following = house.run(&["follow", "4711"]);
    house.asked().await;
    house.ends().await;
    check(following.await, expect!["5: koji-notify: koji-notify is ending"]);
}

#[tokio::test]
async fn an_interrupted_wait_ends_as_shells_expect() {
    use std::os::unix::process::ExitStatusExt;
    let mut house = House::start().await;
    let mut shell = Shell::start(house.bus.address(), &["wait", "4711"]);
    let lookup = house.asked().await;
    house.finds(lookup, Some(scratch(4711, TaskState::Open))).await;
    shell.line().await;
    shell.signal("INT");
    assert_eq!(shell.end().await.signal(), Some(2));
    // It is still followed.
    check(house.run(&["unfollow", "4711"]).await, expect!["0: "]);
}

#[tokio::test]
async fn an_instance_without_a_hub_says_so_by_the_daemon_itself() {
    let live = Live::start("").await;
    let page = "https://koji.example.com/koji/taskinfo?taskID=4711";
    for what in ["4711", "lab:bash-5.3-1.fc43", page] {
        for command in ["follow", "wait"] {
            let ran = live.run(&[command, what]).await;
            assert_eq!(
                ran, "5: koji-notify: lab has no hub that could be asked",
                "{command} {what}"
            );
        }
        let ran = live.run(&["unfollow", what]).await;
        assert_eq!(ran, "5: koji-notify: it is not followed", "{what}");
    }
    let ran = live.run(&["follow", "fedora:4711"]).await;
    assert!(ran.starts_with("2: "), "{ran}");
    live.quit().await;
}

#[tokio::test]
async fn somebody_elses_build_is_waited_for_by_the_daemon_and_a_hub() {
    let hub = SmallHub::start();
    let built = hub.submit("bob", "bash-5.3-1.fc44").task;
    let doomed = hub.submit("bob", "zsh-5.9-1.fc44").task;
    let scratch = hub.submit_scratch("bob", "make-4.4-1.fc44").task;
    for task in [built, doomed, scratch] {
        hub.begin(task);
    }
    let live = Live::start(&format!("[instance.lab.hub]\nserver = '{}'\n", hub.url())).await;
    let mut shells = Vec::new();
    for task in [built, doomed, scratch] {
        let page = format!("http://koji.example.com/koji/taskinfo?taskID={task}");
        let mut shell = Shell::start(live.bus.address(), &["wait", &page]);
        let first = shell.line().await;
        assert!(first.ends_with(" OPEN"), "{first}");
        shells.push(shell);
    }
    hub.srpm_done(built);
    for arch in ["x86_64", "aarch64"] {
        hub.arch_done(built, arch);
    }
    hub.finish(built);
    hub.srpm_fails(doomed);
    hub.cancel_task(scratch);
    live.looks_again().await;
    let mut ends = Vec::new();
    for mut shell in shells {
        ends.push(shell.rest().await);
    }
    expect![[r#"
        0: task 1 CLOSED
        1: task 2 FAILED
        6: task 3 CANCELED"#]]
    .assert_eq(&ends.join("\n"));

    expect!["0: bash-5.3-1.fc44 COMPLETE"].assert_eq(&live.run(&["wait", "bash-1:5.3-1.fc44.src.rpm"]).await);
    expect!["5: koji-notify: the hub of lab knows nothing of the kind"]
        .assert_eq(&live.run(&["follow", "999999"]).await);
    drop(hub);
    expect!["5: koji-notify: cannot connect: Connection refused (os error 111)"]
        .assert_eq(&live.run(&["follow", "1"]).await);
    live.quit().await;
}

/// Calls a method and returns the name of the error, without what all of ours begin with.
async fn refusal(connection: &zbus::Connection, method: &str, what: &str) -> String {
    use koji_notify::desktop::service::{INTERFACE, PATH};
    let called = connection.call_method(Some(NAME), PATH, Some(INTERFACE), method, &what);
    match within("an answer", called).await {
        Err(zbus::Error::MethodError(name, _, _)) => {
            let name = name.as_str();
            let ours = "org.fedoraproject.KojiNotify1.Error.";
            name.strip_prefix(ours).unwrap_or(name).to_owned()
        }
        other => panic!("{method} {what}: {other:?}"),
    }
}

fn check(actual: impl AsRef<str>, expected: Expect) {
    expected.assert_eq(actual.as_ref());
}
