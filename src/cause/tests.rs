use proptest::prelude::*;

use super::fault::{Said, judge};
use super::log::{Finding, MAX_TAIL, read};
use super::{Sure, conclude};
use crate::koji::cause::{MAX_CAUSE_LINES, MAX_CAUSE_TEXT};
use crate::koji::{CauseClass, LogName};

/// Logs as tools write them: `> ` marks a line that may stand first among those shown.
const STORIES: [&str; 3] = [
    include_str!("tests/builds.txt"),
    include_str!("tests/more.txt"),
    include_str!("tests/roots.txt"),
];

#[test]
fn logs_of_many_tools_are_understood() {
    let stories: Vec<Story> = STORIES.iter().flat_map(|it| stories(it)).collect();
    assert!(stories.len() > 90, "{}", stories.len());
    let wrong: Vec<String> = stories.iter().filter_map(Story::complaint).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        stories.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_end_of_a_log_is_enough() {
    for story in STORIES.iter().flat_map(|it| stories(it)) {
        let before = (format!("gcc {} -c harmless.c\n", "-Wall ".repeat(100))).repeat(1000);
        let whole = story.found();
        let found = read(story.log, (before + &story.text()).as_bytes(), false);
        let lines = |it: &Finding, skipped: usize| -> Vec<(usize, String)> {
            it.lines.iter().map(|(at, line)| (at + skipped, line.clone())).collect()
        };
        // Where nothing is said of it, the last line before is a guess like any other.
        if whole.sure > Sure::Guess {
            assert_eq!(lines(&whole, 1000), found.lines, "{}", story.name);
        }
        assert_eq!(whole.class, found.class, "{}", story.name);
    }
}

struct Story {
    name: String,
    log: LogName,
    look_in: Option<LogName>,
    class: String,
    stage: Option<String>,
    lines: Vec<(bool, String)>,
}

impl Story {
    fn text(&self) -> String {
        self.lines.iter().map(|it| it.1.clone() + "\n").collect()
    }

    fn found(&self) -> Finding {
        read(self.log, self.text().as_bytes(), true)
    }

    fn complaint(&self) -> Option<String> {
        let found = self.found();
        let class = found.class.map_or("none", CauseClass::name);
        let first = found.lines.first().map(|it| it.0 - 1);
        let is_marked = match first {
            Some(at) => self.lines[at].0,
            None => self.lines.iter().all(|it| !it.0),
        };
        let is_right = class == self.class && found.stage == self.stage && found.look_in == self.look_in && is_marked;
        (!is_right).then(|| format!("{}: {found:#?}", self.name))
    }
}

fn stories(text: &str) -> Vec<Story> {
    text.strip_prefix("=== ").unwrap().split("\n=== ").map(story).collect()
}

fn story(text: &str) -> Story {
    let (head, text) = text.split_once('\n').unwrap();
    let [name, log, class, stage] = head.split(" | ").collect::<Vec<_>>()[..] else {
        panic!("{head}");
    };
    let (log, look_in) = log.split_once(" -> ").map_or((log, None), |it| (it.0, Some(it.1)));
    let lines = text.lines().map(|it| {
        let (mark, line) = it.split_at_checked(2).unwrap_or(("  ", ""));
        assert!(mark == "> " || mark == "  ", "{name}: {it}");
        (mark == "> ", line.to_owned())
    });
    Story {
        name: name.to_owned(),
        log: log_name(log),
        look_in: look_in.map(log_name),
        class: class.to_owned(),
        stage: Some(stage.trim().to_owned()).filter(|it| !it.is_empty()),
        lines: lines.collect(),
    }
}

fn log_name(file: &str) -> LogName {
    let all = [
        LogName::Build,
        LogName::Root,
        LogName::Checkout,
        LogName::MockOutput,
        LogName::State,
    ];
    all.into_iter().find(|it| it.file() == file).unwrap()
}

#[test]
fn a_log_corrects_what_the_status_promised() {
    let check = |fault: &str, method: &str, logs: &[(LogName, &str)], class: CauseClass, log: Option<LogName>| {
        let fault = judge(&Said {
            text: fault,
            code: None,
            method: Some(method),
        });
        let logs: Vec<_> = logs
            .iter()
            .map(|(name, text)| (*name, read(*name, text.as_bytes(), true)))
            .collect();
        let conclusion = conclude(&fault, &logs);
        assert_eq!((conclusion.class, conclusion.log), (class, log), "{fault:?} {logs:?}");
    };
    let status = |status: u8| {
        format!(
            "error building package (arch x86_64), mock exited with status {status}; see build.log or root.log for more information"
        )
    };
    let compile = "Executing(%build): x\na.c:1:2: error: no\nerror: Bad exit status from /var/tmp/rpm-tmp.a (%build)\n";
    let request = "Executing(%generate_buildrequires): x\nWrote: a.buildreqs.nosrc.rpm\nChild return code was: 11\n";
    let missing = "DEBUG util.py:1:  No matching package to install: 'x'\n";
    let outage = "DEBUG util.py:1:    - Status code: 503 for http://h/repodata/repomd.xml\n";
    let fine = "DEBUG util.py:1:  Package x is already installed.\n";
    let (build, root) = (LogName::Build, LogName::Root);
    check(
        &status(1),
        "buildArch",
        &[(build, compile), (root, fine)],
        CauseClass::Package,
        Some(build),
    );
    check(
        &status(1),
        "buildArch",
        &[(root, missing), (build, request)],
        CauseClass::Dependencies,
        Some(root),
    );
    check(
        &status(1),
        "buildArch",
        &[(build, ""), (root, missing)],
        CauseClass::Dependencies,
        Some(root),
    );
    check(
        &status(1),
        "buildArch",
        &[(root, outage)],
        CauseClass::Buildroot,
        Some(root),
    );
    check(
        &status(1),
        "buildArch",
        &[(build, request), (root, outage)],
        CauseClass::Buildroot,
        Some(root),
    );
    check(&status(1), "buildArch", &[], CauseClass::Package, None);
    check(
        &status(30),
        "buildArch",
        &[(root, outage)],
        CauseClass::Buildroot,
        Some(root),
    );
    check(
        &status(30),
        "buildArch",
        &[(root, missing)],
        CauseClass::Dependencies,
        Some(root),
    );
    check(
        &status(11),
        "buildArch",
        &[(build, compile)],
        CauseClass::Buildroot,
        Some(build),
    );
    let srpm = "error building srpm, mock exited with status 1; see build.log or root.log for more information";
    check(
        srpm,
        "buildSRPMFromSCM",
        &[(build, compile)],
        CauseClass::SourceRpm,
        Some(build),
    );
    check(
        srpm,
        "buildSRPMFromSCM",
        &[(root, missing)],
        CauseClass::Buildroot,
        Some(root),
    );
    let init = "could not init mock buildroot, mock exited with status 30; see root.log for more information";
    check(init, "buildArch", &[(root, missing)], CauseClass::Buildroot, Some(root));
    check("tag is locked", "tagBuild", &[], CauseClass::Tagging, None);
}

#[test]
fn a_fault_is_one_clean_sentence() {
    let check = |text: &str, method: Option<&str>, class: CauseClass, sentence: &str, logs: &[LogName]| {
        let verdict = judge(&Said {
            text,
            code: None,
            method,
        });
        assert_eq!(
            (verdict.class, verdict.sentence.as_str(), &verdict.logs[..]),
            (class, sentence, logs),
            "{text}"
        );
    };
    use CauseClass::{Buildroot, Package, Policy, SourceRpm, Tagging, Unknown};
    check(
        "1234 buildArch (a-1-1.src.rpm, x86_64): open (b1.example.org) -> FAILED: BuildError: error building package (arch x86_64), mock exited with status 10; see build.log for more information",
        None,
        Package,
        "error building package (arch x86_64), mock exited with status 10; see build.log for more information",
        &[LogName::Build],
    );
    check(
        "BuildError: package a not in list for tag b",
        None,
        Policy,
        "package a not in list for tag b",
        &[],
    );
    check(
        "<Fault 1005: 'package a not in list for tag b'>",
        None,
        Policy,
        "package a not in list for tag b",
        &[],
    );
    check(
        "GenericError: Build already exists (id=1, state=COMPLETE): {'name': 'x'}",
        None,
        Policy,
        "Build already exists (id=1, state=COMPLETE)",
        &[],
    );
    check(
        "username:password format not supported: me:hunter2",
        None,
        SourceRpm,
        "username:password format not supported",
        &[],
    );
    check(
        "Traceback (most recent call last):\n  File \"/x.py\", line 1, in f\n    g()\nOSError: [Errno 28] No space left on device: '/mnt/koji/x'\n",
        None,
        Buildroot,
        "OSError: [Errno 28] No space left on device: '/mnt/koji/x'",
        &[],
    );
    check(
        "Traceback (most recent call last):\n  File \"/x.py\", line 1, in f\n    g()\nkoji.BuildrootError: could not init mock buildroot, mock exited with status 30; see root.log for more information\n",
        None,
        Buildroot,
        "could not init mock buildroot, mock exited with status 30; see root.log for more information",
        &[LogName::Root, LogName::MockOutput],
    );
    check(
        "Traceback (most recent call last):\n  File \"/x.py\", line 1\nKeyError: 'rpms'",
        Some("build"),
        Unknown,
        "KeyError: 'rpms'",
        &[],
    );
    check(
        "policy violation (build): no",
        Some("tagBuild"),
        Tagging,
        "policy violation (build): no",
        &[],
    );
    check("BuildrootError: something new", None, Buildroot, "something new", &[]);
    check("something new", None, Unknown, "something new", &[]);
    check("", None, Unknown, "", &[]);
    check("a\u{1b}[31mb\u{202e}\u{7}c", None, Unknown, "abc", &[]);
    check(
        "cannot clone https://me:secret@h/x",
        None,
        Unknown,
        "cannot clone https://…@h/x",
        &[],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_read_as_a_log(bytes in proptest::collection::vec(any::<u8>(), 0..4000), whole: bool) {
        holds(&bytes, whole);
    }

    #[test]
    fn any_lines_are_read_as_a_log(lines in proptest::collection::vec(prop_oneof![
        Just("Executing(%build): x".to_owned()),
        Just("RPM build errors:".to_owned()),
        Just("    Bad exit status from /var/tmp/rpm-tmp.a (%build)".to_owned()),
        Just("error: Bad exit status from /var/tmp/rpm-tmp.a (%check)".to_owned()),
        Just("Wrote: x.rpm".to_owned()),
        Just("a.c:1:2: error: x".to_owned()),
        Just("make: *** [x] Error 2".to_owned()),
        Just("CMake Error at x:".to_owned()),
        Just("Executing command: x".to_owned()),
        ".{0,40}",
    ], 0..30), whole: bool) {
        holds(lines.join("\n").as_bytes(), whole);
    }

    #[test]
    fn any_text_is_judged(text in "(?s).{0,300}", code in proptest::option::of(990i64..1030), method in proptest::option::of("[a-zA-Z]{0,12}")) {
        let verdict = judge(&Said { text: &text, code, method: method.as_deref() });
        prop_assert!(is_fit(&verdict.sentence), "{:?}", verdict);
        prop_assert!(verdict.details.iter().all(|it| is_fit(it)), "{:?}", verdict);
    }
}

/// What is promised of everything that is read.
fn holds(bytes: &[u8], is_whole: bool) {
    for log in [
        LogName::Build,
        LogName::Root,
        LogName::Checkout,
        LogName::MockOutput,
        LogName::State,
    ] {
        let found = read(log, bytes, is_whole);
        assert!(found.lines.len() <= MAX_CAUSE_LINES, "{found:?}");
        let count = bytes.split(|it| *it == b'\n').count();
        assert!(
            found
                .lines
                .iter()
                .all(|(at, line)| *at >= 1 && *at <= count && is_fit(line)),
            "{found:?}"
        );
        assert!(found.class.is_some() || found.lines.is_empty(), "{found:?}");
        assert!(found.stage.as_deref().is_none_or(is_fit), "{found:?}");
    }
}

fn is_fit(text: &str) -> bool {
    text.chars().count() <= MAX_CAUSE_TEXT
        && !text
            .chars()
            .any(|it| it.is_control() || ('\u{202a}'..='\u{202e}').contains(&it))
}

/// One line of 64 KiB, or as many short ones, made to keep a matcher busy; in a quadratic one this takes minutes.
#[test]
fn hostile_lines_take_no_longer_than_others() {
    let pieces = [
        ":1",
        "::",
        "1",
        "a",
        "error: ",
        "…",
        "make: *** [",
        "E ",
        "(1,",
        "\u{1b}]",
        "\u{1b}[",
        "://@",
        "...",
        "*",
        "\t",
        "\r",
        "ld: ",
        "is needed by ",
        "fc",
        "- ",
        "x.t ",
        " ... ",
    ];
    for piece in pieces {
        let long = piece.repeat(MAX_TAIL / piece.len());
        holds(long.as_bytes(), true);
        let lines = (piece.repeat(100 / piece.len()) + "\n").repeat(MAX_TAIL / 100);
        holds(lines.as_bytes(), false);
        let fault = format!("Traceback (most recent call last):\n{long}");
        assert!(is_fit(
            &judge(&Said {
                text: &fault,
                code: None,
                method: None
            })
            .sentence
        ));
        assert!(is_fit(
            &judge(&Said {
                text: &long,
                code: None,
                method: None
            })
            .sentence
        ));
    }
}
