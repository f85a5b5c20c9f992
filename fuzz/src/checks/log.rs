//! The end of a log and a fault: whatever a packager's build prints, what is taken from it is short and harmless, and
//! keeps no password.
//!
//! The input is a byte that says which log it is, and the text, which is read as a log and as a fault.

use koji_notify::cause::fault::{Said, judge};
use koji_notify::cause::{conclude, log};
use koji_notify::koji::LogName;
use koji_notify::koji::cause::{MAX_CAUSE_LINES, MAX_CAUSE_TEXT};

use super::assert_line;
use super::seeds::{self, Seed};

pub const WORDS: &[&str] = &[
    "\n",
    "error: ",
    "Error: ",
    "FAILED: ",
    "make: *** [all] Error 2\n",
    "Executing(%build): /bin/sh -e /var/tmp/rpm-tmp.x\n",
    "Executing(%check): /bin/sh -e /var/tmp/rpm-tmp.x\n",
    "RPM build errors:\n",
    "Child return code was: 1\n",
    "Bad exit status from /var/tmp/rpm-tmp.x (%build)\n",
    "DEBUG util.py:463:  ",
    "BUILDSTDERR: ",
    "No matching package to install: 'x'",
    "nothing provides x needed by y",
    "Traceback (most recent call last):\n",
    "  File \"x\", line 1, in x\n",
    "koji.BuildError: ",
    "<Fault 1005: '",
    "GenericError: ",
    "mock exited with status 10; see build.log",
    "(arch x86_64)",
    "https://me:secret@example.org/",
    "\u{1b}[31m",
    "\u{1b}]0;",
    "\u{7}",
    "\r",
    "\u{9b}1m",
    "\u{202e}",
    "undefined reference to `x'",
    ":12:5: error: ",
    "Segmentation fault",
    "No space left on device",
    "Killed",
];

const LOGS: [LogName; 5] = [
    LogName::Build,
    LogName::Root,
    LogName::Checkout,
    LogName::MockOutput,
    LogName::State,
];

const METHODS: [Option<&str>; 5] = [
    None,
    Some("buildArch"),
    Some("buildSRPMFromSCM"),
    Some("tagBuild"),
    Some("newRepo"),
];

const CODES: [Option<i64>; 5] = [None, Some(1), Some(1000), Some(1005), Some(1004)];

/// The byte for a log: those from 5 up are a part of one.
fn byte(log: LogName, is_whole: bool) -> u8 {
    let at = LOGS.iter().position(|it| *it == log).unwrap();
    b'0' + u8::try_from(at).unwrap() + if is_whole { 0 } else { 5 }
}

pub fn check(bytes: &[u8]) {
    let Some((which, text)) = bytes.split_first() else {
        return;
    };
    let which = usize::from(which.wrapping_sub(b'0'));
    let name = LOGS[which % 5];
    let is_whole = (which / 5) % 2 == 0;
    let finding = log::read(name, text, is_whole);
    let number_of_lines = text.split(|it| *it == b'\n').count();
    assert!(finding.lines.len() <= MAX_CAUSE_LINES);
    for (number, line) in &finding.lines {
        assert!(
            (1..=number_of_lines).contains(number),
            "line {number} of {number_of_lines}"
        );
        shown("a line", line);
    }
    shown("a stage", finding.stage.as_deref().unwrap_or_default());

    let text = String::from_utf8_lossy(text);
    let verdict = judge(&Said {
        text: &text,
        code: CODES[which / 10 % 5],
        method: METHODS[which / 5 % 5],
    });
    shown("a sentence", &verdict.sentence);
    assert!(verdict.details.len() <= MAX_CAUSE_LINES);
    verdict.details.iter().for_each(|it| shown("a detail", it));
    shown("an architecture", verdict.arch.as_deref().unwrap_or_default());

    let conclusion = conclude(&verdict, &[(name, finding)]);
    assert!(conclusion.lines.len() <= MAX_CAUSE_LINES);
    conclusion.lines.iter().for_each(|it| shown("a line", it));
}

fn shown(what: &str, text: &str) {
    assert_line(what, text, MAX_CAUSE_TEXT);
    for (at, _) in text.match_indices("://") {
        let host = text[at + 3..]
            .split(|it: char| it.is_whitespace() || "/?#'\"<>".contains(it))
            .next();
        let before = host.and_then(|it| it.rsplit_once('@')).map_or("…", |it| it.0);
        assert_eq!(before, "…", "{what} keeps a password: {text:?}");
    }
}

pub fn seeds() -> Vec<Seed> {
    let mut found = Vec::new();
    for (name, log, text) in seeds::logs() {
        let log = LOGS.into_iter().find(|it| it.file() == log).unwrap_or(LogName::Build);
        for is_whole in [true, false] {
            let bytes = [&[byte(log, is_whole)], text.as_bytes()].concat();
            found.push(Seed::new(&format!("{name}-{is_whole}"), bytes));
        }
    }
    found.extend(seeds::kept("log"));
    found
}
