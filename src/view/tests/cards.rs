//! One change, or a handful of them, and the words that are shown.

use super::*;

#[test]
fn a_finished_build() {
    check_cards(
        vec![build("bash-5.3-1.fc43", BuildState::Complete, &[])],
        expect![[r#"
            #1 normal transfer.complete
            bash-5.3-1.fc43 is built
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn a_failed_build_names_the_architectures_and_opens_the_log_of_one_that_failed() {
    let children = [
        (54, "aarch64", TaskState::Failed),
        (53, "x86_64", TaskState::Closed),
        (52, "s390x", TaskState::Closed),
    ];
    check_cards(
        vec![build("kernel-6.12-1.fc43", BuildState::Failed, &children)],
        expect![[r#"
            #1 normal stays transfer.error
            kernel-6.12-1.fc43 failed
            aarch64 failed; s390x and x86_64 built
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [log Open log] https://files.example.com/work/tasks/54/54/build.log
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute kernel UntilTomorrow
        "#]],
    );
}

#[test]
fn a_failed_build_that_built_nowhere() {
    let children = [(54, "aarch64", TaskState::Failed), (53, "x86_64", TaskState::Canceled)];
    check_cards(
        vec![build("kernel-6.12-1.fc43", BuildState::Failed, &children)],
        expect![[r#"
            #1 normal stays transfer.error
            kernel-6.12-1.fc43 failed
            aarch64 failed
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [log Open log] https://files.example.com/work/tasks/54/54/build.log
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute kernel UntilTomorrow
        "#]],
    );
}

#[test]
fn a_scratch_build_is_called_one() {
    check_cards(
        vec![
            task("bash", TaskState::Failed),
            task("bash-5.3-1.fc43", TaskState::Closed),
        ],
        expect![[r#"
            #1 normal stays transfer.error
            bash failed
            The source RPM could not be built
            Scratch build, f43, 42 s
            [default Open task] https://koji.example.com/koji/taskinfo?taskID=900
            [log Open log] https://files.example.com/work/tasks/901/901/build.log
            [open Open task] https://koji.example.com/koji/taskinfo?taskID=900
            [mute Mute package] mute bash UntilTomorrow
            #1 again normal transfer.complete
            bash-5.3-1.fc43 is built
            Scratch build, f43, 42 s
            [default Open task] https://koji.example.com/koji/taskinfo?taskID=900
            [open Open task] https://koji.example.com/koji/taskinfo?taskID=900
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn a_task_that_tags_says_what_and_where_to() {
    let mut change = task("bash-5.3-1.fc43", TaskState::Failed);
    if let Change::Task(it) = &mut change {
        it.method = "tagBuild".to_owned();
        it.target = Some("f43-updates".to_owned());
        it.package = None;
        it.scratch = false;
        it.children.clear();
    }
    check_cards(
        vec![change],
        expect![[r#"
        #1 normal stays transfer.error
        tagBuild task 900 failed
        bash-5.3-1.fc43, f43-updates, 42 s
        [default Open task] https://koji.example.com/koji/taskinfo?taskID=900
        [open Open task] https://koji.example.com/koji/taskinfo?taskID=900
    "#]],
    );
}

#[test]
fn a_tagged_build() {
    let change = Change::Tag(TagChange {
        build: Some(BuildId(7)),
        nvr: Nvr::parse("bash-5.3-1.fc43").unwrap(),
        tag: Some("f43-updates".to_owned()),
        user: Some("bodhi".to_owned()),
        owner: Some("mona".to_owned()),
        added: true,
    });
    check_cards(
        vec![change],
        expect![[r#"
            #1 low transfer.complete
            bash-5.3-1.fc43 was tagged
            Now in f43-updates
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn a_task_that_builds_no_package_is_told_by_method_and_number() {
    let tell = |new| {
        let mut change = task("", new);
        if let Change::Task(it) = &mut change {
            it.method = "newRepo".to_owned();
            it.what = None;
            it.package = None;
            it.target = None;
            it.scratch = false;
            it.children.clear();
        }
        cards(vec![change])
            .iter()
            .map(|it| it.title.clone())
            .collect::<String>()
    };
    assert_eq!(tell(TaskState::Closed), "newRepo task 900 is done");
    assert_eq!(tell(TaskState::Failed), "newRepo task 900 failed");
    assert_eq!(tell(TaskState::Canceled), "newRepo task 900 was canceled");
}

#[test]
fn hostile_names_stay_text_on_one_line() {
    let mut change = build("x-1-1", BuildState::Complete, &[]);
    if let Change::Build(it) = &mut change {
        it.nvr.name = format!("<b>\u{202e}{{owner}}\n{}", "x".repeat(300));
        it.target = Some("f43\u{7}\u{2028}".to_owned());
    }
    let cards = cards(vec![change]);
    let card = cards.first().unwrap();
    assert!(card.title.starts_with("Built: <b>{owner}xxx"), "{}", card.title);
    assert!(card.title.chars().count() <= text::MAX_LINE);
    assert!(card.body.starts_with("f43, "), "{}", card.body);
}

#[test]
fn a_burst_is_told_by_outcome_failures_first() {
    let changes = (0..14).map(|n| {
        let state = if n % 4 == 3 {
            BuildState::Failed
        } else {
            BuildState::Complete
        };
        numbered(n, state)
    });
    let shown = cards(changes.collect());
    let last = shown.last().unwrap();
    expect![[r#"
        #6 normal stays transfer.error
        2 of 9 builds failed
        Failed: p7-1-1 and p11-1-1
        Built: p5-1-1, p6-1-1, p8-1-1, p9-1-1, p10-1-1 and 2 more
        [default Open Koji] https://koji.example.com/koji
        [list Show list] ShowHistory { token: None }
    "#]]
    .assert_eq(&describe(last));
}

#[test]
fn a_digest_says_in_its_title_how_it_went() {
    use BuildState::{Canceled, Complete, Failed};
    let check = |states: [BuildState; 2], expected: &str| {
        let states = [Complete; 5].into_iter().chain(states);
        let changes = (0..).zip(states).map(|(n, state)| numbered(n, state));
        assert_eq!(cards(changes.collect()).last().unwrap().title, expected);
    };
    check([Complete, Complete], "2 builds finished");
    check([Failed, Failed], "2 builds failed");
    check([Complete, Failed], "1 of 2 builds failed");
    check([Complete, Canceled], "News about 2 builds");
}

#[test]
fn a_build_that_went_through_three_tags_is_one_build() {
    let tag = |tag: &str, added| {
        Change::Tag(TagChange {
            build: Some(BuildId(105)),
            nvr: Nvr::parse("p5-1-1").unwrap(),
            tag: Some(tag.to_owned()),
            user: None,
            owner: Some("mona".to_owned()),
            added,
        })
    };
    let mut changes: Vec<_> = (0..6).map(|n| numbered(n, BuildState::Complete)).collect();
    changes.extend([tag("f44-signing", true), tag("f44-signing", false), tag("f44", true)]);
    expect![[r#"
        #6 normal transfer.complete
        1 build finished
        Built: p5-1-1
        Tagged: p5-1-1
        Untagged: p5-1-1
        [default Open Koji] https://koji.example.com/koji
        [list Show list] ShowHistory { token: None }
    "#]]
    .assert_eq(&describe(cards(changes).last().unwrap()));
}
