//! Texts of failures from elsewhere, labelled by hand: how often the right class, log and line come out.
//!
//! They are read where they are shared, beside the checkout. Texts that were made up from format strings are counted
//! apart: they show what is covered, not what the world writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use koji_notify::cause::fault::{Said, Verdict, judge};
use koji_notify::cause::log::read;
use koji_notify::cause::{Conclusion, conclude};
use koji_notify::koji::{CauseClass, LogName};
use serde::Deserialize;

use crate::decoding::shared;

#[derive(Deserialize)]
struct Label {
    file: String,
    kind: String,
    class: String,
    log: String,
    decisive: Vec<usize>,
    fault_code: Option<i64>,
    method: Option<String>,
    fidelity: String,
}

/// What came out for a text.
#[derive(Debug)]
struct Answer {
    class: Option<CauseClass>,
    log: Option<LogName>,
    lines: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Score {
    texts: usize,
    class: usize,
    log: usize,
    /// One of the lines shown decides.
    shown: usize,
    /// The first line shown decides.
    first: usize,
}

#[test]
fn failures_of_the_world_are_told_apart() {
    let Some(folder) = shared("samples/failures") else {
        return;
    };
    let labels = fs::read_to_string(folder.join("labels.jsonl")).unwrap();
    let labels: Vec<Label> = labels.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert!(!labels.is_empty());
    let mut scores: BTreeMap<(bool, String), Score> = BTreeMap::new();
    for label in &labels {
        let text = fs::read(folder.join(&label.file)).unwrap();
        let answer = answer(label, &text);
        let is_real = label.fidelity != "constructed";
        let score = rate(label, &text, &answer);
        for group in [
            "all".to_owned(),
            format!("class {}", label.class),
            format!("kind {}", label.kind),
        ] {
            scores.entry((!is_real, group)).or_default().add(score);
        }
        if std::env::var_os("CAUSES_ALL").is_some() {
            println!("{} {answer:#?}", label.file);
        }
        if score.class + score.log + score.first < 3 {
            println!(
                "{}: class {} log {} lines {} {}: expected {} {} {:?}; got {answer:?}",
                label.file,
                score.class,
                score.log,
                score.shown,
                score.first,
                label.class,
                label.log,
                expected(label, &text)
            );
        }
    }
    for ((is_made_up, group), score) in &scores {
        let source = if *is_made_up { "constructed" } else { "real" };
        println!("{source:12} {group:22} {score:?}");
    }
    let real = scores[&(false, "all".to_owned())];
    let share = |it: usize| it as f64 / real.texts as f64;
    assert!(share(real.class) >= 0.95, "{real:?}");
    assert!(share(real.log) >= 0.95, "{real:?}");
    assert!(share(real.first) >= 0.90, "{real:?}");
}

impl Score {
    fn add(&mut self, other: Self) {
        self.texts += other.texts;
        self.class += other.class;
        self.log += other.log;
        self.shown += other.shown;
        self.first += other.first;
    }
}

fn answer(label: &Label, text: &[u8]) -> Answer {
    let string = String::from_utf8_lossy(text);
    let judged = |text: &str| {
        judge(&Said {
            text,
            code: label.fault_code,
            method: label.method.as_deref(),
        })
    };
    match label.kind.as_str() {
        "fault" => of_fault(&judged(&string)),
        // Which child it was is told by the hub; a canceled one is a consequence.
        "tree" => {
            let failed = string
                .lines()
                .find(|it| it.starts_with("child ") && it.contains(" FAILED: "));
            of_fault(&judged(failed.unwrap()))
        }
        "fault+log" => {
            let parts = parts(&string);
            let fault = judged(&parts["fault"].join("\n"));
            let logs: Vec<_> = parts
                .iter()
                .filter_map(|(name, lines)| {
                    let name = log_name(name)?;
                    Some((name, read(name, lines.join("\n").as_bytes(), false)))
                })
                .collect();
            of_both(&fault, conclude(&fault, &logs))
        }
        _ if label.log == "srpm stage" => {
            let fault = judge(&Said {
                text: "error building srpm, mock exited with status 1; see build.log or root.log for more information",
                code: Some(1005),
                method: Some("buildSRPMFromSCM"),
            });
            of_both(
                &fault,
                conclude(&fault, &[(LogName::Build, read(LogName::Build, text, false))]),
            )
        }
        _ => {
            let name = log_name(&label.log).unwrap_or(LogName::Build);
            let found = read(name, text, false);
            Answer {
                class: found.class,
                log: found.look_in.or(found.class.map(|_| name)),
                lines: found.lines.into_iter().map(|it| it.1).collect(),
            }
        }
    }
}

fn of_fault(fault: &Verdict) -> Answer {
    Answer {
        class: Some(fault.class),
        log: fault.logs.first().copied(),
        lines: std::iter::once(fault.sentence.clone())
            .chain(fault.details.clone())
            .collect(),
    }
}

fn of_both(fault: &Verdict, both: Conclusion) -> Answer {
    let fallback = both.lines.is_empty().then(|| fault.sentence.clone());
    Answer {
        class: Some(both.class),
        log: both.log,
        lines: both.lines.into_iter().chain(fallback).collect(),
    }
}

/// Splits a text whose lines say where they are from.
fn parts(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let (name, rest) = line.split_once(": ").unwrap_or((line, ""));
        parts.entry(name.to_owned()).or_default().push(rest.to_owned());
    }
    parts
}

fn log_name(name: &str) -> Option<LogName> {
    [
        LogName::Build,
        LogName::Root,
        LogName::Checkout,
        LogName::MockOutput,
        LogName::State,
    ]
    .into_iter()
    .find(|it| it.file() == name.trim_end_matches(':'))
}

fn rate(label: &Label, text: &[u8], answer: &Answer) -> Score {
    let class = answer.class.map_or("none", CauseClass::name);
    let log = answer.log.map_or("none", LogName::file);
    let expected = expected(label, text);
    let is_decisive = |it: &String| expected.iter().any(|line| is_same(line, it));
    // Where nothing decides, nothing is to be shown.
    let nothing = if label.class == "none" {
        answer.lines.is_empty()
    } else {
        expected.is_empty()
    };
    Score {
        texts: 1,
        class: usize::from(class == label.class),
        log: usize::from(log == label.log || (label.log == "srpm stage" && log != "none")),
        shown: usize::from(nothing || answer.lines.iter().any(is_decisive)),
        first: usize::from(nothing || answer.lines.first().is_some_and(is_decisive)),
    }
}

/// The text of the lines that a person found decisive.
fn expected(label: &Label, text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.split('\n').collect();
    label.decisive.iter().map(|it| lines[it - 1].to_owned()).collect()
}

/// Returns whether a line that is shown is this line of the text; colours, blanks and prefixes may be gone.
fn is_same(line: &str, shown: &str) -> bool {
    let letters = |it: &str| -> String {
        let mut plain = String::new();
        let mut rest = it.chars();
        while let Some(it) = rest.next() {
            if it == '\u{1b}' {
                rest.by_ref().take_while(|it| !it.is_ascii_alphabetic()).for_each(drop);
            } else if it.is_alphanumeric() {
                plain.push(it);
            }
        }
        plain
    };
    let (line, shown) = (letters(line), letters(shown));
    !shown.is_empty() && (line.contains(&shown) || (!line.is_empty() && shown.contains(&line)))
}

/// The texts that Koji's own code can write, with an example of each pattern; those without a text are left out.
const FAULTS: [(&str, &str); 104] = [
    (
        "F001",
        "error building package (arch x86_64), mock exited with status 10; see build.log for more information",
    ),
    (
        "F002",
        "error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information",
    ),
    (
        "F003",
        "error building package (arch x86_64), mock exited with status 1; see build.log for more information",
    ),
    (
        "F004",
        "error building package (arch x86_64), mock exited with status 30; see root.log for more information",
    ),
    (
        "F005",
        "error building package (arch x86_64), mock exited with status 31; see root.log for more information",
    ),
    (
        "F006",
        "error building package (arch x86_64), mock exited with status 40; see root.log for more information",
    ),
    (
        "F007",
        "error building package (arch x86_64), mock exited with status 11; see root.log for more information",
    ),
    (
        "F008",
        "error building package (arch x86_64), mock exited with status 65; see root.log for more information",
    ),
    (
        "F009",
        "error building package (arch x86_64), mock exited with status 143; see root.log for more information",
    ),
    (
        "F010",
        "error building package (arch x86_64), mock exited with status 5; see root.log for more information",
    ),
    (
        "F011",
        "error building package (arch x86_64), mock was killed by signal 9",
    ),
    (
        "F012",
        "error building package (arch x86_64), mock terminated for unknown reasons",
    ),
    (
        "F013",
        "error building srpm, mock exited with status 1; see build.log or root.log for more information",
    ),
    (
        "F014",
        "error retrieving sources, mock exited with status 1; see root.log for more information",
    ),
    (
        "F015",
        "could not init mock buildroot, mock exited with status 30; see root.log for more information",
    ),
    (
        "F016",
        "error building Maven package, mock exited with status 1; see root.log for more information",
    ),
    (
        "F017",
        "error installing packages, mock exited with status 1; see mock_output.log for more information",
    ),
    ("F018", "No spec file found"),
    ("F019", "Multiple spec files found: ['a.spec', 'b.spec']"),
    ("F020", "no srpm files found for task 7"),
    ("F021", "multiple srpm files found for task 7: ['a', 'b']"),
    ("F022", "srpm name mismatch: a-1-1.src.rpm != b-1-1.src.rpm"),
    ("F023", "Vendor is not allowed to be set in spec file"),
    ("F024", "vendor is not allowed to be defined in spec file"),
    ("F025", "Input SRPM file missing: x.src.rpm"),
    ("F026", "x.rpm is not a source package"),
    ("F027", "Invalid source specification: x"),
    ("F028", "could not find a built srpm"),
    ("F029", "multiple builds returned a srpm"),
    (
        "F030",
        "Error running GIT command \"git reset --hard f00\", see checkout.log for details",
    ),
    ("F031", "git.example.org:/rpms/x is not in the list of allowed SCMs"),
    ("F032", "SCM: git.example.org:/rpms/x is not allowed, reason: only rpms"),
    ("F033", "Invalid scheme in scm url. Valid schemes are: git://"),
    ("F034", "Unable to parse SCM URL: git://h/x. Missing SCM fragment."),
    ("F035", "No user specified for repository access scheme: git+ssh"),
    ("F036", "username:password format not supported: a:b"),
    ("F037", "Error getting commit hash for git"),
    ("F038", "package x not in list for tag f44"),
    ("F039", "package x is blocked for tag f44"),
    ("F040", "package (container) x is blocked for tag f44"),
    ("F041", "policy violation (build_rpm): no"),
    ("F042", "Build already exists (id=7, state=COMPLETE): {'id': 7}"),
    ("F043", "Build already exists. Unable to recycle build: x"),
    ("F044", "Build already in progress (task 7)"),
    ("F045", "The build already exists: x"),
    ("F046", "unknown build target: f99"),
    ("F047", "neither tag nor target: f99"),
    ("F048", "Repo/Target mismatch: a/b"),
    ("F049", "arch_override is only allowed for scratch builds"),
    ("F050", "only admins may create high-priority tasks"),
    ("F051", "host 7 does not own task 8"),
    ("F052", "Draft build: x is not allowed"),
    ("F053", "No matching arches were found"),
    ("F054", "No valid arches were found. tag ['x86_64'], exclude ['x86_64']"),
    ("F055", "No arches for tag f44-build [7]"),
    ("F056", "No arch list for this host"),
    ("F057", "Invalid arch for build tag: s390"),
    (
        "F058",
        "The following noarch package built differently on different architectures: x-1-1.noarch.rpm\nrpmdiff output was:\nadded /usr/x",
    ),
    ("F059", "The build system failed to set the vendor tag"),
    ("F060", "Unable to complete build: release mismatch (build: 1, rpm: 2)"),
    ("F061", "Unable to complete build: state is CANCELED"),
    ("F062", "srpm mismatch for x.rpm: a.src.rpm (expected b.src.rpm)"),
    ("F063", "upload checksum failed for x"),
    ("F064", "Error importing build log. x: not found"),
    ("F065", "error: error reading package header"),
    ("F066", "A repo id must be provided"),
    ("F067", "Requested repo (7) is EXPIRED"),
    ("F068", "tag/repo mismatch: a vs b"),
    ("F069", "Bad repo: 7 (DELETED)"),
    (
        "F070",
        "Unsuccessfully waited 2:00:00 for x-1-1 to appear in the f44-build repo",
    ),
    ("F071", "Repo request no longer active"),
    ("F072", "Repo directory missing: /mnt/koji/repos/f44-build/7"),
    ("F073", "failed to create repo: createrepo_c -q x exited with status 1"),
    ("F074", "failed to merge repos: mergerepo_c x was killed by signal 9"),
    ("F075", "Repo 7 not in INIT state (got READY)"),
    ("F076", "Unsigned packages found. See x for details"),
    ("F077", "tag is locked"),
    ("F078", "tag requires releng permission"),
    ("F079", "build x-1-1 already tagged (f44)"),
    ("F080", "build x-1-1 not complete: state FAILED"),
    ("F081", "build x-1-1 not in tag f44"),
    ("F082", "Package x not in list for f44"),
    ("F083", "This is not your sidetag"),
    ("F084", "Task 7 is canceled"),
    ("F085", "Task 7 is not finished"),
    ("F086", "Dependency 7 failed to complete"),
    ("F087", "Subtasks timed out after 86400.0 seconds"),
    ("F088", "all subtasks failed"),
    ("F089", "unable to run chain build, circular dependencies"),
    ("F090", "Parent task (id 7) is not open"),
    ("F091", "Host mismatch: 7 != 8"),
    (
        "F094",
        "Traceback (most recent call last):\n  File \"/x.py\", line 1, in f\nKeyError: 'x'",
    ),
    (
        "F095",
        "Traceback (most recent call last):\n  File \"/x.py\", line 1, in f\nOSError: [Errno 28] No space left on device",
    ),
    (
        "F096",
        "requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('x'))",
    ),
    ("F097", "database outage"),
    ("F098", "handler() takes 2 positional arguments but 3 were given"),
    ("F099", "method \"x\" is not supported"),
    ("F100", "No such tag: x"),
    ("F101", "KS file missing: x"),
    (
        "F102",
        "Could not create appliance: x; see root.log or appliance.log for more information",
    ),
    ("F103", "Kiwi failed"),
    ("F104", "groupId mismatch (current: a, new: b)"),
    (
        "F105",
        "files found in unexpected path in local Maven repo, directory: x",
    ),
    ("F106", "/usr/bin/mvn was not found in the buildroot"),
];

#[test]
fn what_koji_itself_can_say_is_known() {
    let Some(folder) = shared("samples/failures") else {
        return;
    };
    let table = fs::read_to_string(folder.join("faults.tsv")).unwrap();
    let examples = BTreeMap::from(FAULTS);
    let mut wrong = Vec::new();
    for row in table.lines().skip(1) {
        let [id, pattern, code, _, _, class, log, _] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        let Some(text) = examples.get(id) else {
            assert!(pattern.starts_with("(no fault"), "{row}");
            continue;
        };
        let verdict = judge(&Said {
            text,
            code: code.parse().ok(),
            method: None,
        });
        let first = verdict.logs.first().map_or("none", |it| it.file());
        let is_log = match log.split([',', ' ']).next() {
            Some("none") => first == "none",
            Some(named) if log_name(named).is_some() => first == named,
            // Logs of other tasks, or of tools that are not about builds.
            _ => true,
        };
        if verdict.class.name() != class || !is_log {
            wrong.push(format!("{row}\n{verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_of_recorded_and_of_our_own_hubs_are_known() {
    let Some(folder) = shared("samples") else {
        return;
    };
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for line in fs::read_to_string(folder.join("lab/day/truth.jsonl")).unwrap().lines() {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(text) = told["fault"]["faultString"].as_str() else {
            continue;
        };
        let method = told["failed_children"][0]["method"].as_str();
        let code = told["fault"]["faultCode"].as_i64();
        let verdict = judge(&Said { text, code, method });
        assert_eq!(verdict.sentence, text);
        assert_eq!(verdict.arch.is_some(), method == Some("buildArch"), "{verdict:?}");
        *classes.entry(verdict.class.name()).or_default() += 1;
    }
    let expected = [("package", 20), ("policy", 3), ("source-rpm", 9)];
    assert_eq!(classes, BTreeMap::from(expected));
    let mut recorded = Vec::new();
    for entry in fs::read_dir(folder.join("hub")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("getTaskResult--fault") || !name.ends_with(".response.xml") {
            continue;
        }
        let xml = fs::read_to_string(&path).unwrap();
        let (_, text) = xml.split_once("<string>").unwrap();
        let (text, _) = text.split_once("</string>").unwrap();
        let verdict = judge(&Said {
            text,
            ..Said::default()
        });
        recorded.push((
            verdict.class.name(),
            verdict.sentence.chars().take(40).collect::<String>(),
        ));
    }
    recorded.sort();
    let expected = [
        ("buildroot", "HTTPError: HTTP Error 503: Backend fetch"),
        ("canceled", "Task 12345 is canceled"),
        ("ours-unknown", "error building package (arch armv7hl), mo"),
        ("policy", "Build already exists (id=425, state=COMPL"),
        ("source-rpm", "error building srpm, mock exited with sta"),
    ];
    let recorded: Vec<(&str, &str)> = recorded.iter().map(|it| (it.0, it.1.as_str())).collect();
    assert_eq!(recorded.len(), expected.len());
    for (found, wanted) in recorded.iter().zip(expected) {
        assert!(
            found.0 == wanted.0 && wanted.1.starts_with(found.1),
            "{found:?} {wanted:?}"
        );
    }
}

/// The samples' folder is where it is said to be, or the test above has nothing to say.
#[test]
fn the_shared_texts_are_complete_where_they_are() {
    let Some(folder) = shared("samples/failures") else {
        return;
    };
    let count = |path: &Path| fs::read_dir(path).unwrap().count();
    let labels = fs::read_to_string(folder.join("labels.jsonl")).unwrap();
    assert_eq!(count(&folder.join("excerpts")), labels.lines().count());
}
