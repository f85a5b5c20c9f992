//! The history as the window shows it.

use super::*;
use crate::koji::{Cause, CauseClass, LogName, Subject};
use crate::view::entry::{self, Shape};
use crate::view::history::Told;

/// Returns a kernel that failed on one architecture, as it is known.
fn failed() -> Story {
    let mut watch = watch();
    let children = [(54, "aarch64", TaskState::Failed), (55, "x86_64", TaskState::Closed)];
    let change = build("kernel-6.12-1.fc43", BuildState::Failed, &children);
    watch.step(time(0), Event::Heard(news(1, change)));
    let mut story = watch.results().first().map(|it| (*it).clone()).unwrap();
    story.cause = Some(Cause {
        class: CauseClass::Package,
        task: Some(TaskId(54)),
        method: Some("buildArch".to_owned()),
        arch: Some("aarch64".to_owned()),
        fault: "BuildError".to_owned(),
        log: Some((TaskId(54), LogName::Build)),
        lines: vec!["dc.c:9: error: \u{202e}oh\tno".to_owned()],
        by: None,
    });
    story
}

#[test]
fn all_that_is_known_of_a_failure_is_there_to_be_read() {
    let story = failed();
    let states = [
        (Standing::Build(BuildState::Building), time(-720)),
        (Standing::Build(BuildState::Failed), time(0)),
    ];
    let told = Some(Told::At(time(60)));
    let facts = entry::facts(&story, &states, told, &sites(), &TimeZone::UTC, time(3600));
    let mut words = format!("{}\n{}\n{:?}\n", facts.name, facts.sentence, facts.why);
    words += &facts.evidence.join("\n");
    for link in &facts.links {
        words += &format!("\n[{}] {}", link.label, link.address);
    }
    for part in &facts.parts {
        words += &format!("\n{} {:?} {} {:?}", part.name, part.shape, part.state, part.log);
    }
    for (name, value) in facts.rows.iter().chain(&facts.states) {
        words += &format!("\n{name}: {value}");
    }
    expect![[r#"
        kernel-6.12-1.fc43
        kernel-6.12-1.fc43 failed
        Some("aarch64 failed: the package does not build")
        dc.c:9: error: oh no
        [Open build] https://koji.example.com/koji/buildinfo?buildID=7
        [Open log] https://files.example.com/work/tasks/54/54/build.log
        aarch64 Failed failed Some("https://files.example.com/work/tasks/54/54/build.log")
        x86_64 Done done Some("https://files.example.com/work/tasks/55/55/build.log")
        State: FAILED
        Package: kernel
        Owner: mona
        Target: rawhide
        Instance: fedora
        Build: 7
        Task: 50
        Started: 2026-11-20 16:28
        Ended: 2026-11-20 16:40
        Took: 12 min
        Notification: told 16:41
        running: 2026-11-20 16:28
        failed: 2026-11-20 16:40"#]]
    .assert_eq(&words);
}

#[test]
fn a_line_says_where_it_failed_and_a_search_finds_it_by_that() {
    let entry = entry::entry(&failed(), &sites(), &TimeZone::UTC, time(3600));
    assert_eq!(entry.shape, Shape::Failed);
    assert_eq!(entry.state, "failed");
    assert!(
        entry.text.starts_with("aarch64 failed: the package does not build"),
        "{}",
        entry.text
    );
    assert_eq!(entry.age, "1 h ago");
    for word in ["kernel", "aarch64", "failed", "rawhide", "fedora"] {
        assert!(entry.sought.contains(word), "{word}");
    }
    assert!(
        !entry.sought.contains("x86_64"),
        "what went well is not what is looked for"
    );
}

#[test]
fn the_course_of_a_package_is_told_in_words_too() {
    let mut stories = Vec::new();
    for (number, (state, minutes)) in [
        (BuildState::Failed, 5),
        (BuildState::Complete, 30),
        (BuildState::Complete, 20),
        (BuildState::Canceled, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let mut story = failed();
        story.subject = Subject::Build(BuildId(number as u64));
        story.standing = Standing::Build(state);
        story.ended = Some(time(0));
        story.started = Some(time(-60 * minutes));
        stories.push(story);
    }
    let other = Story {
        package: Some("bash".to_owned()),
        ..failed()
    };
    let course = entry::course(&stories[1], stories.iter().chain([&other]));
    let shapes: Vec<_> = course.points.iter().map(|it| (it.shape, it.is_this)).collect();
    assert_eq!(
        shapes,
        [
            (Shape::Canceled, false),
            (Shape::Done, false),
            (Shape::Done, true),
            (Shape::Failed, false)
        ],
        "the oldest first"
    );
    assert_eq!(course.longest, "30 min");
    expect!["4 builds of kernel, 2 built, 1 failed, 1 canceled, half of them took up to 20 min, the last 5 min"]
        .assert_eq(&course.text);
    let nameless = Story {
        package: None,
        ..failed()
    };
    assert_eq!(entry::course(&nameless, stories.iter()), entry::Course::default());
}
