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
