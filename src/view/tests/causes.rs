//! Cards of failures with their cause, of builds that are failing, and of how far a finished build has come.

use super::*;
use crate::koji::{Cause, CauseClass, LogName};
use crate::watch::{Fate, Learned, Looked, Progress, RuleName, Tale, Telling};

#[test]
fn a_failure_says_what_kind_of_trouble_it_is_and_shows_the_lines_that_decide() {
    let mut story = failed();
    story.children = children(&[
        ("aarch64", TaskState::Failed),
        ("s390x", TaskState::Closed),
        ("x86_64", TaskState::Closed),
    ]);
    story.cause = Some(Cause {
        arch: Some("aarch64".to_owned()),
        lines: lines(&[
            "subst.c:1234:17: error: implicit declaration of function 'frob'",
            "make: *** [Makefile:110: subst.o] Error 1",
        ]),
        ..cause(CauseClass::Package)
    });
    check(
        Fate::Failed,
        story,
        expect![[r#"
            #1 normal stays transfer.error
            bash-5.3-1.fc43 failed
            aarch64 failed: the package does not build
            | subst.c:1234:17: error: implicit declaration of function 'frob'
            | make: *** [Makefile:110: subst.o] Error 1
            rawhide, 12 min, built on s390x and x86_64
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [log Open log] https://files.example.com/work/tasks/54/54/build.log
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn the_log_that_says_why_is_opened_and_without_lines_the_hub_has_the_word() {
    let mut story = failed();
    story.children = children(&[("aarch64", TaskState::Failed)]);
    story.cause = Some(Cause {
        arch: Some("aarch64".to_owned()),
        log: Some((TaskId(10_054), LogName::Root)),
        fault: "BuildError: error building package (arch aarch64), mock exited with status 30".to_owned(),
        ..cause(CauseClass::Dependencies)
    });
    check(
        Fate::Failed,
        story,
        expect![[r#"
            #1 normal stays transfer.error
            bash-5.3-1.fc43 failed
            aarch64 failed: a build requirement cannot be installed
            | BuildError: error building package (arch aarch64), mock exited with status 30
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [log Open log] https://files.example.com/work/tasks/54/10054/root.log
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn where_no_log_was_found_the_one_of_what_failed_is_opened() {
    let mut story = failed();
    story.children = children(&[("aarch64", TaskState::Failed)]);
    story.cause = Some(Cause {
        log: None,
        ..cause(CauseClass::Unknown)
    });
    check(
        Fate::Failed,
        story,
        expect![[r#"
            #1 normal stays transfer.error
            bash-5.3-1.fc43 failed
            It failed for a reason that koji-notify does not know
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [log Open log] https://files.example.com/work/tasks/1/1/build.log
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn each_kind_of_trouble_has_its_sentence() {
    let classes = [
        CauseClass::Package,
        CauseClass::SourceRpm,
        CauseClass::Dependencies,
        CauseClass::Buildroot,
        CauseClass::Policy,
        CauseClass::Tagging,
        CauseClass::Canceled,
        CauseClass::Unknown,
    ];
    let mut words = String::new();
    for class in classes {
        for arch in [Some("aarch64".to_owned()), None] {
            let mut story = failed();
            story.cause = Some(Cause { arch, ..cause(class) });
            writeln!(words, "{}", cause::sentence(&story).unwrap()).unwrap();
        }
    }
    expect![[r#"
        aarch64 failed: the package does not build
        The package does not build
        The source RPM could not be built: check the spec file and the sources
        The source RPM could not be built: check the spec file and the sources
        aarch64 failed: a build requirement cannot be installed
        A build requirement cannot be installed
        The build system failed on aarch64, not the package
        The build system failed, not the package
        Koji does not allow this build
        Koji does not allow this build
        It is built, but could not be tagged
        It is built, but could not be tagged
        The build for aarch64 was canceled
        It was canceled
        aarch64 failed for a reason that koji-notify does not know
        It failed for a reason that koji-notify does not know
    "#]]
    .assert_eq(&words);
}

#[test]
fn hostile_lines_stay_lines_and_few() {
    let mut story = failed();
    story.cause = Some(Cause {
        arch: Some("<b>\u{202e}aarch64\n".to_owned()),
        lines: lines(&[
            "\u{1b}[31m\tE\t{arch} assert 'שלום' == 'سلام'\r",
            " \u{200b} ",
            &"x".repeat(1000),
            "<script>&amp;\u{2028}Build complete",
            "a fourth line",
        ]),
        ..cause(CauseClass::Package)
    });
    let card = card_of(Fate::Failed, story);
    let shown: Vec<_> = card.body.lines().collect();
    assert_eq!(shown.len(), 5, "{shown:#?}");
    assert_eq!(shown[0], "<b>aarch64 failed: the package does not build");
    assert_eq!(shown[1], "[31m E {arch} assert 'שלום' == 'سلام'");
    assert_eq!(shown[2].chars().count(), 160);
    assert!(shown[2].ends_with("x…"));
    assert_eq!(shown[3], "<script>&amp;Build complete");
}

#[test]
fn names_written_from_right_to_left_stay_readable_and_cannot_turn_the_line() {
    let mut story = failed();
    story.nvr = Some(Nvr {
        name: "\u{2067}שלום".to_owned(),
        version: "1".to_owned(),
        release: "1\u{202e}".to_owned(),
    });
    let card = card_of(Fate::Failed, story);
    assert_eq!(card.title, "שלום-1-1 failed");
}

#[test]
fn a_name_that_a_server_would_cut_stands_behind_what_became_of_it() {
    let long = "python-opentelemetry-instrumentation-asyncio-0.58-1.fc43";
    let title = |fate: Fate| {
        let mut story = failed();
        story.nvr = Nvr::parse(long);
        card_of(fate, story).title.replace(long, "…")
    };
    let fates = [
        Fate::Started,
        Fate::Finished,
        Fate::Doomed,
        Fate::Failed,
        Fate::Canceled,
        Fate::Tagged("f43".to_owned()),
        Fate::Untagged("f43".to_owned()),
        Fate::NotTagged,
        Fate::InRepo("f43-build".to_owned()),
    ];
    expect![[r#"
        Started: …
        Built: …
        Failing: …
        Failed: …
        Canceled: …
        Tagged: …
        Untagged: …
        Built, but not tagged: …
        In the repository: …"#]]
    .assert_eq(&fates.map(title).join("\n"));
}

#[test]
fn a_build_that_is_failing_becomes_one_that_failed_in_the_same_notification() {
    let mut watch = asking();
    let (now, started) = (time(0), build("bash-5.3-1.fc43", BuildState::Building, &[]));
    let mut effects = watch.step(now, Event::Heard(news(1, started)));
    let progress = Progress {
        task: TaskId(50),
        state: Some(TaskState::Open),
        completed: None,
        children: children(&[
            ("aarch64", TaskState::Failed),
            ("ppc64le", TaskState::Closed),
            ("s390x", TaskState::Open),
            ("x86_64", TaskState::Open),
        ]),
    };
    let looked = Looked {
        progress: vec![progress],
        ..Looked::default()
    };
    effects.extend(watch.step(now, Event::Learned(fedora(), Learned::Looked(looked))));
    let about = crate::koji::Subject::Build(BuildId(7));
    let cause = Cause {
        arch: Some("aarch64".to_owned()),
        lines: lines(&["FAIL: test-glob"]),
        ..cause(CauseClass::Package)
    };
    let explained = Learned::Explained { about, cause };
    effects.extend(watch.step(now, Event::Learned(fedora(), explained)));
    let ended = [
        (1, "aarch64", TaskState::Failed),
        (2, "ppc64le", TaskState::Closed),
        (3, "s390x", TaskState::Canceled),
        (4, "x86_64", TaskState::Closed),
    ];
    let failed = build("bash-5.3-1.fc43", BuildState::Failed, &ended);
    effects.extend(watch.step(time(60), Event::Heard(news(2, failed))));
    let words: String = shown(effects)
        .iter()
        .map(|it| {
            format!(
                "{}#{} {}\n{}\n",
                if it.replaces { "again " } else { "" },
                it.notice,
                it.title,
                it.body
            )
        })
        .collect();
    expect![[r#"
        #1 bash-5.3-1.fc43 is failing
        aarch64 failed; s390x and x86_64 still run
        rawhide
        again #1 bash-5.3-1.fc43 is failing
        aarch64 failed: the package does not build
        FAIL: test-glob
        rawhide, still running on s390x and x86_64
        again #1 bash-5.3-1.fc43 failed
        aarch64 failed: the package does not build
        FAIL: test-glob
        rawhide, 12 min, built on ppc64le and x86_64
    "#]]
    .assert_eq(&words);
}

#[test]
fn one_that_still_runs_is_one() {
    let mut story = failed();
    story.standing = Standing::Build(BuildState::Building);
    story.children = children(&[("aarch64", TaskState::Failed), ("x86_64", TaskState::Open)]);
    assert_eq!(cause::sentence(&story).unwrap(), "aarch64 failed; x86_64 still runs");
}

#[test]
fn a_build_that_could_not_be_tagged_needs_somebody() {
    let mut story = failed();
    story.standing = Standing::Build(BuildState::Complete);
    let mut tagging = children(&[("noarch", TaskState::Failed)]);
    tagging[0].method = "tagBuild".to_owned();
    story.children = tagging;
    story.cause = Some(Cause {
        log: None,
        fault: "GenericError: package bash is not in the list for tag f43-updates-candidate".to_owned(),
        ..cause(CauseClass::Policy)
    });
    check(
        Fate::NotTagged,
        story.clone(),
        expect![[r#"
            #1 normal stays transfer.error
            bash-5.3-1.fc43 is built, but not tagged
            Koji does not allow it in this tag
            | GenericError: package bash is not in the list for tag f43-updates-candidate
            rawhide
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
    story.cause = Some(Cause {
        log: None,
        ..cause(CauseClass::Tagging)
    });
    assert_eq!(card_of(Fate::NotTagged, story).body, "rawhide");
}

#[test]
fn what_counts_is_within_what_a_server_shows_of_a_title() {
    let title = |nvr: &str, fate| {
        let mut story = failed();
        (story.standing, story.nvr) = (Standing::Build(BuildState::Complete), Nvr::parse(nvr));
        card_of(fate, story).title
    };
    let titles = [
        title("bash-5.3-1.fc43", Fate::NotTagged),
        title("webkit2gtk4.1-2.48.1-1.fc43", Fate::NotTagged),
        title("webkit2gtk4.1-2.48.1-1.fc43", Fate::InRepo("f43-build".to_owned())),
        title("webkit2gtk4.1-2.48.1-1.fc43", Fate::Tagged("f43".to_owned())),
        title("webkit2gtk4.1-2.48.1-1.fc43", Fate::Finished),
    ];
    expect![[r#"
        bash-5.3-1.fc43 is built, but not tagged
        Built, but not tagged: webkit2gtk4.1-2.48.1-1.fc43
        In the repository: webkit2gtk4.1-2.48.1-1.fc43
        webkit2gtk4.1-2.48.1-1.fc43 was tagged
        webkit2gtk4.1-2.48.1-1.fc43 is built"#]]
    .assert_eq(&titles.join("\n"));
}

#[test]
fn a_canceled_build_says_who_did_it_and_a_hostile_name_says_no_more() {
    let mut story = failed();
    story.standing = Standing::Build(BuildState::Canceled);
    assert_eq!(card_of(Fate::Canceled, story.clone()).body, "rawhide, 12 min");
    // Why it might have failed is not why it ended.
    story.cause = Some(cause(CauseClass::Package));
    assert_eq!(card_of(Fate::Canceled, story.clone()).body, "rawhide, 12 min");
    story.cause = Some(Cause::canceled(TaskId(50), "bob".to_owned()));
    check(
        Fate::Canceled,
        story.clone(),
        expect![[r#"
            #1 normal transfer.error
            bash-5.3-1.fc43 was canceled
            Canceled by bob
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
    let hostile = format!("bob\n\u{202e}\u{1b}[31m<b>{}", "x".repeat(600));
    story.cause = Some(Cause::canceled(TaskId(50), hostile));
    let body = card_of(Fate::Canceled, story).body;
    expect![[r#"
        Canceled by bob[31m<b>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
        rawhide, 12 min"#]]
    .assert_eq(&body);
}

#[test]
fn the_menu_says_who_canceled_a_build() {
    let mut watch = watch();
    let canceled = build("bash-5.3-1.fc43", BuildState::Canceled, &[]);
    let about = canceled.subject();
    watch.step(time(0), Event::Heard(news(1, canceled)));
    let explained = Learned::Explained {
        about,
        cause: Cause::canceled(TaskId(50), "bob".to_owned()),
    };
    watch.step(time(0), Event::Learned(fedora(), explained));
    let menu = describe_menu(&watch);
    let (top, _) = menu.split_once("Notify me of").unwrap();
    expect![[r#"
        Connecting…
        --
        bash-5.3-1.fc43 was canceled, just now >
            Canceled by bob
            Open build
            Copy name
        --
    "#]]
    .assert_eq(top);
}

#[test]
fn a_build_that_reached_the_repository() {
    let mut story = failed();
    story.standing = Standing::Build(BuildState::Complete);
    check(
        Fate::InRepo("f43-build".to_owned()),
        story,
        expect![[r#"
            #1 low transfer.complete
            bash-5.3-1.fc43 is in the repository
            Now in f43-build
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn somebody_elses_build_names_its_owner() {
    let mut story = failed();
    story.mine = false;
    story.owner = Some("bob\u{202e}".to_owned());
    assert_eq!(card_of(Fate::Failed, story).body, "rawhide, 12 min, by bob");
}

#[test]
fn a_duration_is_held_against_the_usual_one_where_that_is_telling() {
    let body = |took: i64, usual: Option<i64>| {
        let mut story = failed();
        story.standing = Standing::Build(BuildState::Complete);
        story.started = story.ended.map(|it| it - SignedDuration::from_mins(took));
        story.usual = usual.map(SignedDuration::from_mins);
        card_of(Fate::Finished, story).body
    };
    assert_eq!(body(12, None), "rawhide, 12 min");
    assert_eq!(body(12, Some(9)), "rawhide, 12 min (usually 9 min)");
    assert_eq!(body(12, Some(10)), "rawhide, 12 min");
    assert_eq!(body(3, Some(1)), "rawhide, 3 min");
    assert_eq!(body(65, Some(60)), "rawhide, 1 h 5 min");
    assert_eq!(body(20, Some(95)), "rawhide, 20 min (usually 1 h 35 min)");
    assert_eq!(body(20, Some(0)), "rawhide, 20 min");
}

/// Returns bash-5.3-1.fc43 of mine, which has just failed for a reason that is not known.
pub(super) fn failed() -> Story {
    Story {
        instance: fedora(),
        subject: crate::koji::Subject::Build(BuildId(7)),
        task: Some(TaskId(50)),
        nvr: Nvr::parse("bash-5.3-1.fc43"),
        package: Some("bash".to_owned()),
        method: None,
        owner: Some("mona".to_owned()),
        mine: true,
        target: Some("rawhide".to_owned()),
        scratch: false,
        standing: Standing::Build(BuildState::Failed),
        children: Vec::new(),
        started: Some(time(0) - SignedDuration::from_mins(12)),
        ended: Some(time(0)),
        changed: time(0),
        cause: None,
        usual: None,
        whereabouts: Whereabouts::Unknown,
        followed: false,
        trend: None,
    }
}

/// Returns builds for architectures, whose tasks are numbered from 1.
pub(super) fn children(arches: &[(&str, TaskState)]) -> Vec<Child> {
    let child = |(task, (arch, state)): (u64, &(&str, TaskState))| Child {
        task: TaskId(task),
        method: "buildArch".to_owned(),
        arch: (*arch).to_owned(),
        state: Some(*state),
    };
    (1..).zip(arches).map(child).collect()
}

fn cause(class: CauseClass) -> Cause {
    Cause {
        class,
        task: Some(TaskId(54)),
        method: Some("buildArch".to_owned()),
        arch: None,
        fault: String::new(),
        log: Some((TaskId(54), LogName::Build)),
        lines: Vec::new(),
        by: None,
    }
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|it| (*it).to_owned()).collect()
}

pub(super) fn card_of(fate: Fate, story: Story) -> Card {
    let tale = Tale {
        id: crate::watch::TaleId::default(),
        fate,
        story,
        rule: RuleName::MyBuilds,
        late: false,
    };
    card_telling(Telling::One(tale))
}

fn check(fate: Fate, story: Story, expected: Expect) {
    expected.assert_eq(&describe(&card_of(fate, story)));
}
