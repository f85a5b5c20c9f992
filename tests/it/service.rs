//! Our D-Bus interface on a real bus, as another program sees it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect, expect_file};
use futures_util::StreamExt;
use jiff::Timestamp;
use koji_notify::desktop::client::{self, KojiNotifyProxy};
use koji_notify::desktop::service::{
    self, INTERFACE, LastSigns, MAX_MINUTES, MAX_TEXT, NAME, Ownership, PATH, Saying, ServiceError, Shown,
};
use koji_notify::koji::{
    BuildId, BuildState, Cause, CauseClass, Child, InstanceName, Known, LogName, Nvr, Site, Subject, TaskId, TaskState,
};
use koji_notify::view::{InstanceStatus, MuteStatus, Status};
use koji_notify::watch::{Event, Standing, Story, Whereabouts};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use zbus::fdo::{self, RequestNameFlags};
use zbus::names::InterfaceName;
use zbus::{Connection, MatchRule, MessageStream};

use crate::session_bus::SessionBus;

#[tokio::test]
async fn the_status_reads_as_it_was_written() {
    let daemon = Daemon::start().await;
    assert_eq!(daemon.status().await, idle());

    let mut newer = idle();
    newer.state = "paused".to_owned();
    newer.paused = true;
    newer.paused_until = -1;
    newer.muted = vec!["bash".to_owned(), "kernel".to_owned()];
    newer.mutes = vec![MuteStatus {
        kind: "build".to_owned(),
        what: "4711".to_owned(),
        instance: "fedora".to_owned(),
        until: "time".to_owned(),
        time: 5,
    }];
    newer.instances.clear();
    newer.configuration = Some("config.toml, line 3: no such option".to_owned());
    daemon.show(newer.clone());
    assert_eq!(daemon.status().await, newer);
}

#[tokio::test]
async fn a_change_is_told_once_and_what_stays_is_not_told() {
    let daemon = Daemon::start().await;
    let mut heard = daemon.listen().await;

    daemon.show(idle());
    assert_eq!(daemon.status().await, idle());
    let mut building = idle();
    building.state = "building".to_owned();
    building.running = 2;
    daemon.show(building.clone());
    check(
        heard.next_line().await,
        expect![[r#"PropertiesChanged org.fedoraproject.KojiNotify1 Running=uint32 2 State="building""#]],
    );

    building.instances[0].heard = 8;
    daemon.show(building.clone());
    check(
        heard.next_line().await,
        expect![[
            r#"PropertiesChanged org.fedoraproject.KojiNotify1 Instances=[{"broker": <true>, "heard": <uint64 8>, "hub": <"answers">, "hub-text": <"The hub answers.">, "last-answer": <int64 1795222860>, "last-heard": <int64 1795222800>, "last-message": <int64 1795222820>, "last-sign": <int64 1795222890>, "link": <"up">, "name": <"fedora">, "spoiled": <uint64 1>, "text": <"Connected.">, "unheard": <"">}]"#
        ]],
    );
}

#[tokio::test]
async fn a_line_that_moves_is_told_by_itself_after_the_properties() {
    let daemon = Daemon::start().await;
    let mut heard = daemon.listen().await;
    let mut status = idle();
    status.instances[0].link = "down".to_owned();
    status.instances[0].text = "The broker is gone.".to_owned();
    let other = InstanceStatus {
        name: "centos".to_owned(),
        ..idle().instances.remove(0)
    };
    let mut lines = String::new();
    daemon.show(status.clone());
    lines += &heard.links(1).await;
    status.instances.push(other);
    daemon.show(status.clone());
    lines += &heard.links(1).await;
    status.instances.remove(0);
    status.instances[0].text = "Connected, and nothing comes.".to_owned();
    daemon.show(status.clone());
    lines += &heard.links(2).await;
    check(
        lines,
        expect![[r#"
            PropertiesChanged
            ConnectionChanged "fedora" "down" "The broker is gone."
            PropertiesChanged
            ConnectionChanged "centos" "up" "Connected."
            PropertiesChanged
            ConnectionChanged "centos" "up" "Connected, and nothing comes."
            ConnectionChanged "fedora" "gone" ""
        "#]],
    );
}

#[tokio::test]
async fn each_property_that_can_change_is_told() {
    let daemon = Daemon::start().await;
    let mut heard = daemon.listen().await;
    let all_else = Status {
        version: idle().version,
        state: "failed".to_owned(),
        summary: "x".to_owned(),
        running: 11,
        finished: 12,
        failed: 13,
        canceled: 14,
        paused: true,
        paused_until: 15,
        quiet: vec!["locked".to_owned()],
        quiet_text: "q".to_owned(),
        held: 16,
        muted: vec!["x".to_owned()],
        mutes: vec![MuteStatus {
            kind: "tag".to_owned(),
            ..MuteStatus::default()
        }],
        notifications: false,
        waiting: 16,
        tray: false,
        instances: Vec::new(),
        configuration: Some("x".to_owned()),
        journal: Some("y".to_owned()),
    };
    daemon.show(all_else);
    let told = heard.next_properties().await;
    let mut now = daemon.properties().await;
    let version = now.remove("Version").unwrap();
    assert_eq!(version, format!("{:?}", idle().version));
    assert_eq!(told, now);
}

#[tokio::test]
async fn what_becomes_of_builds_and_tasks_is_told() {
    let daemon = Daemon::start().await;
    let mut heard = daemon.listen().await;
    let build = Story {
        subject: Subject::Build(BuildId(2_100_001)),
        nvr: Nvr::parse("bash-5.3-1.fc43"),
        standing: Standing::Build(BuildState::Failed),
        ..story()
    };
    let nameless = Story {
        subject: Subject::NamedBuild(Nvr::parse("old-1-1").unwrap()),
        owner: None,
        ..story()
    };
    let task = Story {
        subject: Subject::Task(TaskId(140_000_001)),
        method: Some("build".to_owned()),
        package: Some("bash".to_owned()),
        standing: Standing::Task(TaskState::Closed),
        ..story()
    };
    let hostile = Story {
        subject: Subject::Task(TaskId(1)),
        method: Some("a\0b".to_owned()),
        package: Some("é".repeat(MAX_TEXT)),
        owner: None,
        ..task.clone()
    };
    for it in [build, nameless, task, hostile] {
        daemon.sayings.send(Saying::Changed(it)).await.unwrap();
    }
    let long = "é".repeat(MAX_TEXT / 2);
    let mut lines = String::new();
    for _ in 0..8 {
        writeln!(lines, "{}", heard.next_line().await.replace(&long, "(long)")).unwrap();
    }
    check(
        lines,
        expect![[r#"
            BuildChanged "fedora" 2100001 "bash-5.3-1.fc43" "FAILED" "mona"
            Changed "fedora" 2100001 0 "bash-5.3-1.fc43" "FAILED" {"doomed"=<false> "followed"=<false> "kind"=<"build"> "mine"=<true> "owner"=<"mona"> "scratch"=<false> "settled"=<true> "text"=<"bash-5.3-1.fc43 failed">}
            BuildChanged "fedora" 0 "old-1-1" "BUILDING" ""
            Changed "fedora" 0 0 "old-1-1" "BUILDING" {"doomed"=<false> "followed"=<false> "kind"=<"build"> "mine"=<true> "scratch"=<false> "settled"=<false> "text"=<"old-1-1 is being built">}
            TaskChanged "fedora" 140000001 "build" "bash" "CLOSED" "mona"
            Changed "fedora" 0 140000001 "" "CLOSED" {"doomed"=<false> "followed"=<false> "kind"=<"task"> "method"=<"build"> "mine"=<true> "owner"=<"mona"> "package"=<"bash"> "scratch"=<false> "settled"=<true> "text"=<"bash is built">}
            TaskChanged "fedora" 1 "ab" "(long)" "CLOSED" ""
            Changed "fedora" 0 1 "" "CLOSED" {"doomed"=<false> "followed"=<false> "kind"=<"task"> "method"=<"ab"> "mine"=<true> "package"=<"(long)"> "scratch"=<false> "settled"=<true> "text"=<"ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé… is built">}
        "#]],
    );
}

#[tokio::test]
async fn why_it_failed_and_where_its_pages_are_is_told_with_it() {
    let daemon = Daemon::start().await;
    let site = Site {
        weburl: Some("https://koji.example.com/koji".to_owned()),
        topurl: Some("https://files.example.com".to_owned()),
    };
    daemon
        .known
        .send_modify(|it| _ = it.sites.insert(InstanceName::new("fedora"), site));
    let mut heard = daemon.listen().await;
    let child = Child {
        task: TaskId(4713),
        method: "buildArch".to_owned(),
        arch: "x86_64".to_owned(),
        state: Some(TaskState::Failed),
    };
    let doomed = Story {
        subject: Subject::Task(TaskId(4711)),
        task: Some(TaskId(4711)),
        method: Some("build".to_owned()),
        package: Some("bash".to_owned()),
        target: Some("rawhide".to_owned()),
        scratch: true,
        standing: Standing::Task(TaskState::Open),
        children: vec![child],
        ..story()
    };
    let explained = Story {
        subject: Subject::Build(BuildId(77)),
        task: Some(TaskId(4711)),
        nvr: Nvr::parse("bash-5.3-1.fc43"),
        standing: Standing::Build(BuildState::Failed),
        owner: None,
        mine: false,
        cause: Some(Cause {
            class: CauseClass::Dependencies,
            task: Some(TaskId(4713)),
            method: Some("buildArch".to_owned()),
            arch: Some("x86_64".to_owned()),
            fault: "BuildError: \0no".to_owned(),
            log: Some((TaskId(4713), LogName::Root)),
            lines: vec!["No match".to_owned()],
            by: None,
        }),
        ..story()
    };
    let canceled = Story {
        subject: Subject::Build(BuildId(78)),
        task: Some(TaskId(4720)),
        nvr: Nvr::parse("zsh-5.9-1.fc43"),
        standing: Standing::Build(BuildState::Canceled),
        cause: Some(Cause::canceled(TaskId(4720), "b\0ob".to_owned())),
        ..story()
    };
    let nameless = Story {
        subject: Subject::NamedBuild(Nvr::parse("old-1-1").unwrap()),
        task: Some(TaskId(3)),
        ..story()
    };
    let elsewhere = Story {
        instance: InstanceName::new("gone"),
        ..nameless.clone()
    };
    let mut lines = String::new();
    for it in [doomed, explained, canceled, nameless, elsewhere] {
        daemon.sayings.send(Saying::Changed(it)).await.unwrap();
        heard.next().await;
        writeln!(lines, "{}", heard.next_line().await).unwrap();
    }
    check(
        lines,
        expect![[r#"
            Changed "fedora" 0 4711 "" "OPEN" {"doomed"=<true> "followed"=<false> "kind"=<"task"> "method"=<"build"> "mine"=<true> "owner"=<"mona"> "package"=<"bash"> "page"=<"https://koji.example.com/koji/taskinfo?taskID=4711"> "scratch"=<true> "settled"=<false> "target"=<"rawhide"> "text"=<"bash is being built">}
            Changed "fedora" 77 4711 "bash-5.3-1.fc43" "FAILED" {"arch"=<"x86_64"> "class"=<"dependencies"> "doomed"=<false> "fault"=<"BuildError: no"> "followed"=<false> "kind"=<"build"> "lines"=<["No match"]> "log"=<"https://files.example.com/work/tasks/4713/4713/root.log"> "mine"=<false> "page"=<"https://koji.example.com/koji/buildinfo?buildID=77"> "reason"=<"x86_64 failed: a build requirement cannot be installed"> "scratch"=<false> "settled"=<true> "text"=<"bash-5.3-1.fc43 failed">}
            Changed "fedora" 78 4720 "zsh-5.9-1.fc43" "CANCELED" {"by"=<"bob"> "class"=<"canceled"> "doomed"=<false> "followed"=<false> "kind"=<"build"> "mine"=<true> "owner"=<"mona"> "page"=<"https://koji.example.com/koji/buildinfo?buildID=78"> "reason"=<"Canceled by bob"> "scratch"=<false> "settled"=<true> "text"=<"zsh-5.9-1.fc43 was canceled">}
            Changed "fedora" 0 3 "old-1-1" "BUILDING" {"doomed"=<false> "followed"=<false> "kind"=<"build"> "mine"=<true> "owner"=<"mona"> "page"=<"https://koji.example.com/koji/taskinfo?taskID=3"> "scratch"=<false> "settled"=<false> "text"=<"old-1-1 is being built">}
            Changed "gone" 0 3 "old-1-1" "BUILDING" {"doomed"=<false> "followed"=<false> "kind"=<"build"> "mine"=<true> "owner"=<"mona"> "scratch"=<false> "settled"=<false> "text"=<"old-1-1 is being built">}
        "#]],
    );
}

#[tokio::test]
async fn what_is_asked_for_comes_into_the_inbox() {
    let mut daemon = Daemon::start().await;
    let remote = daemon.client().await;
    remote.pause(30).await.unwrap();
    remote.pause(0).await.unwrap();
    remote.pause(MAX_MINUTES).await.unwrap();
    remote.pause_until_tomorrow().await.unwrap();
    remote.resume().await.unwrap();
    remote.mute("bash", 5).await.unwrap();
    remote.mute("bash", 0).await.unwrap();
    remote.unmute("bash").await.unwrap();
    for toggle in [
        "started",
        "finished",
        "failed",
        "canceled",
        "scratch",
        "tagged",
        "in-repo",
        "followed",
        "keep-failures",
        "sound",
    ] {
        remote.switch(toggle, true).await.unwrap();
    }
    remote.switch("sound", false).await.unwrap();
    remote.reload().await.unwrap();
    remote.quit().await.unwrap();
    check(
        daemon.asked(),
        expect![[r#"
            Pause(Minutes(30))
            Pause(UntilResumed)
            Pause(Minutes(527040))
            Pause(UntilTomorrow)
            Resume
            Mute { muting: Package("bash"), until: Lasting(Minutes(5)) }
            Mute { muting: Package("bash"), until: Lasting(UntilResumed) }
            Unmute(Package("bash"))
            Switch(Started, true)
            Switch(Finished, true)
            Switch(Failed, true)
            Switch(Canceled, true)
            Switch(Scratch, true)
            Switch(Tagged, true)
            Switch(InRepo, true)
            Switch(Followed, true)
            Switch(KeepFailures, true)
            Switch(Sound, true)
            Switch(Sound, false)
            Reload
            Quit
        "#]],
    );
}

#[tokio::test]
async fn more_than_packages_is_muted_until_more_than_a_time() {
    let mut daemon = Daemon::start().await;
    let site = Site {
        weburl: None,
        topurl: None,
    };
    let sites = ["centos", "fedora"].map(|it| (InstanceName::new(it), site.clone()));
    daemon.known.send_modify(|it| it.sites = sites.into());
    let remote = daemon.client().await;
    let soon = Timestamp::now().as_second() + 3600;
    for (kind, what, until) in [
        ("package", "bash", "fixed"),
        ("package", "bash", "undone"),
        ("tag", "f43-updates", "undone"),
        ("build", "centos:4711", "ends"),
        ("build", "fedora:bash-5.3-1.fc43", "undone"),
    ] {
        remote.mute_until(kind, what, until, 0).await.unwrap();
        remote.unmute_what(kind, what).await.unwrap();
    }
    remote.mute_until("but-failures", "", "time", soon).await.unwrap();
    check(
        daemon
            .asked()
            .replace(&format!("{:?}", Timestamp::from_second(soon).unwrap()), "SOON"),
        expect![[r#"
            Mute { muting: Package("bash"), until: Fixed }
            Unmute(Package("bash"))
            Mute { muting: Package("bash"), until: Lasting(UntilResumed) }
            Unmute(Package("bash"))
            Mute { muting: Tag("f43-updates"), until: Lasting(UntilResumed) }
            Unmute(Tag("f43-updates"))
            Mute { muting: Subject(InstanceName("centos"), Task(TaskId(4711))), until: Ends }
            Unmute(Subject(InstanceName("centos"), Task(TaskId(4711))))
            Mute { muting: Subject(InstanceName("fedora"), NamedBuild(Nvr { name: "bash", version: "5.3", release: "1.fc43" })), until: Lasting(UntilResumed) }
            Unmute(Subject(InstanceName("fedora"), NamedBuild(Nvr { name: "bash", version: "5.3", release: "1.fc43" })))
            Mute { muting: ButFailures, until: At(SOON) }
        "#]],
    );
    let mut answers = String::new();
    for (kind, what, until, time) in [
        ("owner", "mona", "undone", 0),
        ("package", "", "fixed", 0),
        ("tag", "two words", "undone", 0),
        ("build", "4711", "ends", 0),
        ("but-failures", "bash", "time", soon),
        ("but-failures", "", "undone", 0),
        ("tag", "f43", "fixed", 0),
        ("package", "bash", "ends", 0),
        ("package", "bash", "ever", 0),
        ("package", "bash", "undone", soon),
        ("package", "bash", "time", 5),
        ("package", "bash", "time", soon + 367 * 24 * 3600),
        ("package", "bash", "time", i64::MAX),
    ] {
        let answer = remote.mute_until(kind, what, until, time).await;
        writeln!(answers, "{}", answer.unwrap_err()).unwrap();
    }
    check(
        answers,
        expect![[r#"
        org.freedesktop.DBus.Error.InvalidArgs: what is muted is one of: package, tag, build, but-failures
        org.freedesktop.DBus.Error.InvalidArgs: a package's name is one word of at most 256 bytes
        org.freedesktop.DBus.Error.InvalidArgs: a tag's name is one word of at most 256 bytes
        org.freedesktop.DBus.Error.InvalidArgs: there are several instances; say which one by its name and a colon before it: centos, fedora
        org.freedesktop.DBus.Error.InvalidArgs: but-failures is about nothing in particular
        org.freedesktop.DBus.Error.InvalidArgs: all but failures can only be muted until a time
        org.freedesktop.DBus.Error.InvalidArgs: only a package can be muted until it is fixed
        org.freedesktop.DBus.Error.InvalidArgs: only a build or task can be muted until it ends
        org.freedesktop.DBus.Error.InvalidArgs: a mute is over by one of: time, fixed, ends, undone
        org.freedesktop.DBus.Error.InvalidArgs: the time is 0 unless it is the end
        org.freedesktop.DBus.Error.InvalidArgs: the time is in the future, and at most a year away
        org.freedesktop.DBus.Error.InvalidArgs: the time is in the future, and at most a year away
        org.freedesktop.DBus.Error.InvalidArgs: the time is in the future, and at most a year away
    "#]],
    );
    assert_eq!(daemon.asked(), "");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_asks_for_nothing() {
    let mut daemon = Daemon::start().await;
    let remote = daemon.client().await;
    let longest = "x".repeat(256);
    remote.mute(&longest, 1).await.unwrap();
    assert_eq!(
        daemon.asked(),
        format!("Mute {{ muting: Package({longest:?}), until: Lasting(Minutes(1)) }}\n")
    );

    let mut answers = String::new();
    for answer in [
        remote.pause(MAX_MINUTES + 1).await,
        remote.mute("bash", u32::MAX).await,
        remote.mute("", 1).await,
        remote.mute(&format!("{longest}x"), 1).await,
        remote.mute("two words", 1).await,
        remote.unmute("line\nfeed").await,
        remote.switch("Sound", true).await,
    ] {
        writeln!(answers, "{}", answer.unwrap_err()).unwrap();
    }
    check(
        answers,
        expect![[r#"
            org.freedesktop.DBus.Error.InvalidArgs: at most 527040 minutes, or 0 for no end
            org.freedesktop.DBus.Error.InvalidArgs: at most 527040 minutes, or 0 for no end
            org.freedesktop.DBus.Error.InvalidArgs: a package's name is one word of at most 256 bytes
            org.freedesktop.DBus.Error.InvalidArgs: a package's name is one word of at most 256 bytes
            org.freedesktop.DBus.Error.InvalidArgs: a package's name is one word of at most 256 bytes
            org.freedesktop.DBus.Error.InvalidArgs: a package's name is one word of at most 256 bytes
            org.freedesktop.DBus.Error.InvalidArgs: a toggle is one of: started, finished, failed, canceled, scratch, tagged, in-repo, followed, keep-failures, sound
        "#]],
    );
    check(daemon.asked(), expect![""]);
}

#[tokio::test]
async fn who_asks_too_much_or_too_late_is_told_so() {
    let mut daemon = Daemon::start().await;
    let remote = daemon.client().await;
    let mut accepted = 0;
    let refused = loop {
        match remote.reload().await {
            Ok(()) => accepted += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(accepted, INBOX);
    check(
        refused.to_string(),
        expect!["org.freedesktop.DBus.Error.LimitsExceeded: koji-notify is busy; ask again later"],
    );

    daemon.inbox.close();
    check(
        remote.resume().await.unwrap_err().to_string(),
        expect!["org.freedesktop.DBus.Error.Failed: koji-notify is ending"],
    );
}

#[tokio::test]
async fn the_second_instance_sees_that_the_name_is_taken() {
    let bus = SessionBus::start();
    let [first, second] = [bus.connect().await, bus.connect().await];
    assert_eq!(service::take_name(&first).await.unwrap(), Ownership::Ours);
    assert_eq!(service::take_name(&first).await.unwrap(), Ownership::Ours);
    assert_eq!(service::take_name(&second).await.unwrap(), Ownership::Taken);
    assert_eq!(owner(&second).await, Some(first.unique_name().unwrap().to_string()));

    // Nobody waits in a queue either: when the first has ended, the name is free.
    let mut changes = name_changes(&second).await;
    first.close().await.unwrap();
    timely("the name is given up", changes.next()).await.unwrap();
    assert_eq!(owner(&second).await, None);
    assert_eq!(service::take_name(&second).await.unwrap(), Ownership::Ours);
}

#[tokio::test]
async fn the_name_cannot_be_stolen() {
    let bus = SessionBus::start();
    let [first, thief] = [bus.connect().await, bus.connect().await];
    assert_eq!(service::take_name(&first).await.unwrap(), Ownership::Ours);

    // These are zbus's own default flags: how a careless instance would ask.
    let greedy = RequestNameFlags::ReplaceExisting | RequestNameFlags::AllowReplacement | RequestNameFlags::DoNotQueue;
    let stolen = thief.request_name_with_flags(NAME, greedy).await;
    assert!(matches!(stolen, Err(zbus::Error::NameTaken)), "{stolen:?}");
    assert_eq!(owner(&thief).await, Some(first.unique_name().unwrap().to_string()));
}

#[tokio::test]
async fn without_a_daemon_there_is_nobody_to_ask_and_nobody_is_started() {
    let bus = SessionBus::start();
    let started = tempfile::tempdir().unwrap();
    let mark = started.path().join("mark");
    bus.add_service(NAME, &format!("/usr/bin/touch {}", mark.display()))
        .await;
    let client = client::client(&bus.connect().await).await.unwrap();
    assert!(client.is_none());
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_daemon_of_another_version_is_said_to_be_one() {
    struct Foreign;
    #[zbus::interface(name = "org.fedoraproject.KojiNotify1")]
    impl Foreign {
        #[zbus(property)]
        fn version(&self) -> u32 {
            2
        }
    }
    let bus = SessionBus::start();
    let connection = bus.connect().await;
    connection.object_server().at(PATH, Foreign).await.unwrap();
    service::take_name(&connection).await.unwrap();

    let remote = client::client(&bus.connect().await).await.unwrap().unwrap();
    let problem = client::status(&remote).await.unwrap_err();
    assert!(matches!(problem, ServiceError::Property("Instances")), "{problem:?}");
}

#[tokio::test]
async fn the_object_is_gone_when_the_program_ends() {
    let daemon = Daemon::start().await;
    let remote = daemon.client().await;
    let mut heard = daemon.listen().await;
    daemon.sayings.send(Saying::Changed(story())).await.unwrap();
    let Daemon {
        bus: _bus,
        connection: _connection,
        status,
        sayings,
        serving,
        ..
    } = daemon;
    drop(status);
    timely("the end of the service", serving).await.unwrap().unwrap();
    drop(sayings);
    // What was on its way is told first.
    check(
        heard.next_line().await,
        expect![[r#"BuildChanged "fedora" 1 "" "BUILDING" "mona""#]],
    );
    assert!(heard.next_line().await.starts_with("Changed "));
    check(
        remote.reload().await.unwrap_err().to_string(),
        expect!["org.freedesktop.DBus.Error.UnknownObject: Unknown object '/org/fedoraproject/KojiNotify'"],
    );
}

/// When it fails, look at the difference; if it is meant, `UPDATE_EXPECT=1 cargo test the_interface` writes the file.
#[tokio::test]
async fn the_interface_is_as_its_description_in_data_says() {
    let daemon = Daemon::start().await;
    let remote = daemon.client().await;
    let all = fdo::IntrospectableProxy::builder(remote.inner().connection())
        .destination(NAME)
        .unwrap()
        .path(PATH)
        .unwrap()
        .build()
        .await
        .unwrap()
        .introspect()
        .await
        .unwrap();
    let start = all.find(&format!("  <interface name=\"{INTERFACE}\">")).unwrap();
    let end = "</interface>\n";
    let ours = &all[start..];
    let ours = &ours[..ours.find(end).unwrap() + end.len()];
    let file = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<!--
  How programs ask and hear of the running koji-notify. On the session bus, at
  {NAME} {PATH}.

  Written from src/desktop/service/door.rs by a test; change it there.
-->
<node>
{ours}</node>
"#
    );
    expect_file![concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/data/org.fedoraproject.KojiNotify1.xml"
    )]
    .assert_eq(&file);
}

/// How many events fit into the inbox of these tests.
const INBOX: usize = 32;

/// The service on a bus of its own, and what the rest of the daemon holds of it.
struct Daemon {
    bus: SessionBus,
    connection: Connection,
    status: watch::Sender<Status>,
    known: watch::Sender<Known>,
    sayings: mpsc::Sender<Saying>,
    inbox: mpsc::Receiver<Event>,
    serving: JoinHandle<Result<(), ServiceError>>,
}

impl Daemon {
    async fn start() -> Self {
        let bus = SessionBus::start();
        let (status, stands) = watch::channel(idle());
        let (known, meant) = watch::channel(Known::default());
        let (sayings, said) = mpsc::channel(8);
        let (asked, inbox) = mpsc::channel(INBOX);
        let connection = bus.connect().await;
        let shown = Shown {
            status: stands,
            known: meant,
            signs: Arc::new(|_| signs()),
        };
        let serving = service::serve(connection.clone(), shown, said, asked).await.unwrap();
        assert_eq!(service::take_name(&connection).await.unwrap(), Ownership::Ours);
        Self {
            bus,
            connection,
            status,
            known,
            sayings,
            inbox,
            serving: tokio::spawn(serving),
        }
    }

    fn show(&self, status: Status) {
        self.status.send_replace(status);
    }

    async fn client(&self) -> KojiNotifyProxy<'static> {
        client::client(&self.bus.connect().await).await.unwrap().unwrap()
    }

    async fn status(&self) -> Status {
        client::status(&self.client().await).await.unwrap()
    }

    async fn properties(&self) -> BTreeMap<String, String> {
        let connection = self.bus.connect().await;
        let properties = fdo::PropertiesProxy::builder(&connection)
            .destination(NAME)
            .unwrap()
            .path(PATH)
            .unwrap()
            .build()
            .await
            .unwrap();
        let interface = InterfaceName::from_static_str(INTERFACE).unwrap();
        let all = properties.get_all(interface).await.unwrap();
        all.into_iter().map(|(name, value)| (name, value.to_string())).collect()
    }

    /// Hears every signal of our object.
    async fn listen(&self) -> Heard {
        let connection = self.bus.connect().await;
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .path(PATH)
            .unwrap()
            .build();
        let signals = MessageStream::for_match_rule(rule, &connection, None).await.unwrap();
        Heard { signals }
    }

    /// What has been asked for since the last call, a line each.
    fn asked(&mut self) -> String {
        let mut lines = String::new();
        while let Ok(event) = self.inbox.try_recv() {
            let Event::Asked(request) = event else {
                panic!("only requests come from callers: {event:?}");
            };
            writeln!(lines, "{request:?}").unwrap();
        }
        lines
    }
}

struct Heard {
    signals: MessageStream,
}

impl Heard {
    /// Returns the next signal as text: its name and its arguments.
    async fn next_line(&mut self) -> String {
        let message = self.next().await;
        let member = message.header().member().unwrap().to_string();
        if member == "PropertiesChanged" {
            let (interface, properties) = changed(&message);
            let properties: Vec<_> = properties
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            return format!("{member} {interface} {}", properties.join(" "));
        }
        let body = message.body();
        let arguments: zbus::zvariant::Structure<'_> = body.deserialize().unwrap();
        let arguments = arguments.fields().iter().map(|it| match it {
            zbus::zvariant::Value::U64(number) => number.to_string(),
            zbus::zvariant::Value::Dict(details) => {
                let details: BTreeMap<String, String> = details
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_string()))
                    .collect();
                let details = details.iter().map(|(name, value)| format!("{name}={value}"));
                format!("{{{}}}", details.collect::<Vec<_>>().join(" "))
            }
            other => other.to_string(),
        });
        format!("{member} {}", arguments.collect::<Vec<_>>().join(" "))
    }

    /// Returns the next change of the properties, and so many signals behind it.
    async fn links(&mut self, count: usize) -> String {
        self.next_properties().await;
        let mut lines = "PropertiesChanged\n".to_owned();
        for _ in 0..count {
            lines += &self.next_line().await;
            lines.push('\n');
        }
        lines
    }

    async fn next_properties(&mut self) -> BTreeMap<String, String> {
        changed(&self.next().await).1
    }

    async fn next(&mut self) -> zbus::Message {
        timely("a signal", self.signals.next()).await.unwrap().unwrap()
    }
}

fn changed(message: &zbus::Message) -> (String, BTreeMap<String, String>) {
    type Changed = (String, BTreeMap<String, zbus::zvariant::OwnedValue>, Vec<String>);
    let (interface, properties, invalidated): Changed = message.body().deserialize().unwrap();
    assert!(invalidated.is_empty(), "{invalidated:?}");
    let text = properties.into_iter().map(|(name, value)| (name, value.to_string()));
    (interface, text.collect())
}

async fn owner(connection: &Connection) -> Option<String> {
    let bus = fdo::DBusProxy::new(connection).await.unwrap();
    let owner = bus.get_name_owner(NAME.try_into().unwrap()).await;
    owner.ok().map(|it| it.to_string())
}

async fn name_changes(connection: &Connection) -> fdo::NameOwnerChangedStream {
    let bus = fdo::DBusProxy::new(connection).await.unwrap();
    bus.receive_name_owner_changed_with_args(&[(0, NAME)]).await.unwrap()
}

async fn timely<T>(what: &str, waited_for: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(20);
    let waited = tokio::time::timeout(limit, waited_for).await;
    waited.unwrap_or_else(|_| panic!("{what} did not come within {limit:?}"))
}

fn check(actual: impl AsRef<str>, expected: Expect) {
    expected.assert_eq(actual.as_ref());
}

/// What the broker says all the time is not in the status that the daemon shows.
fn signs() -> LastSigns {
    let time = |second| Some(Timestamp::from_second(second).unwrap());
    LastSigns {
        message: time(1_795_222_820),
        anything: time(1_795_222_890),
    }
}

fn idle() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        state: "idle".to_owned(),
        summary: "Nothing of yours is running.".to_owned(),
        running: 0,
        finished: 3,
        failed: 1,
        canceled: 0,
        paused: false,
        paused_until: 0,
        quiet: Vec::new(),
        quiet_text: String::new(),
        held: 0,
        muted: Vec::new(),
        mutes: Vec::new(),
        notifications: true,
        waiting: 0,
        tray: true,
        instances: vec![InstanceStatus {
            name: "fedora".to_owned(),
            link: "up".to_owned(),
            text: "Connected.".to_owned(),
            heard: 7,
            spoiled: 1,
            last_heard: 1_795_222_800,
            last_message: 1_795_222_820,
            last_sign: 1_795_222_890,
            unheard: String::new(),
            broker: true,
            hub: "answers".to_owned(),
            hub_text: "The hub answers.".to_owned(),
            last_answer: 1_795_222_860,
        }],
        configuration: None,
        journal: None,
    }
}

fn story() -> Story {
    Story {
        instance: InstanceName::new("fedora"),
        subject: Subject::Build(BuildId(1)),
        task: None,
        nvr: None,
        package: None,
        method: None,
        owner: Some("mona".to_owned()),
        mine: true,
        target: None,
        scratch: false,
        standing: Standing::Build(BuildState::Building),
        children: Vec::new(),
        started: None,
        ended: None,
        changed: Timestamp::UNIX_EPOCH,
        cause: None,
        usual: None,
        whereabouts: Whereabouts::Unknown,
        followed: false,
        trend: None,
    }
}
