//! The walls of the house, and what is to be kept off its floors.
//!
//! Each rule is a function from a file to complaints. The tests at the end prove that it hears a trespass; the one at
//! the top walks through the house.

mod rust;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rust::{Kind, Token, tokens, without_tests};

/// Which rooms a room may import, innermost first. Its own is a matter of course.
const DOORS: [(&str, &[&str]); 16] = [
    ("koji", &[]),
    ("clock", &[]),
    ("i18n", &[]),
    ("watch", &["koji"]),
    ("view", &["koji", "watch", "i18n"]),
    ("journal", &["koji", "watch"]),
    ("net", &["clock"]),
    ("bus", &["koji", "watch", "net", "clock"]),
    ("cause", &["koji"]),
    ("hub", &["koji", "watch", "cause", "net", "clock"]),
    (
        "config",
        &[
            "koji",
            "watch",
            "bus::broker",
            "bus::one",
            "hub::access",
            "hub::profile",
            "clock",
        ],
    ),
    ("desktop", &["koji", "watch", "view", "clock"]),
    (
        "daemon",
        &[
            "koji", "watch", "view", "bus", "hub", "journal", "config", "desktop", "clock",
        ],
    ),
    (
        "cli",
        &[
            "koji", "watch", "view", "bus", "hub", "journal", "config", "desktop", "daemon", "clock", "i18n",
        ],
    ),
    ("lib", &[]),
    ("main", &[]),
];

/// What the window, a program of its own, may import of ours.
const WINDOW_DOORS: [&str; 8] = [
    "koji",
    "watch",
    "view",
    "i18n",
    "config",
    "journal",
    "desktop::service",
    "clock",
];

/// Rooms that never look at the world, and what would look at it.
const PURE: [&str; 4] = ["koji", "watch", "cause", "view"];
const WORLD: [&str; 8] = [
    "async",
    "await",
    "tokio",
    "zbus",
    "lapin",
    "ksni",
    "notify_rust",
    "tracing",
];
const WORLD_OF_STD: [&str; 7] = ["env", "fs", "io", "net", "process", "thread", "time"];

/// The rooms where sentences for people are made.
const WORDED: [&str; 4] = ["view", "cli", "i18n", "window"];

const MAX_LINES: usize = 600;

/// Files that are tables of rules.
const TABLES: [&str; 2] = ["src/cause/fault/rules", "src/cause/log/rules"];

#[test]
fn the_house_is_tidy() {
    let mut complaints = Vec::new();
    for file in rust_files("src") {
        let code = fs::read_to_string(root().join(&file)).unwrap();
        complaints.extend(walls(&file, &code));
        if !file.ends_with("/tests.rs") {
            for rule in [purity, opening, size, sentences, full_names] {
                complaints.extend(rule(&file, &code));
            }
        }
    }
    for file in rust_files("window/src") {
        let code = fs::read_to_string(root().join(&file)).unwrap();
        for rule in [window_walls, opening, size, sentences, full_names] {
            complaints.extend(rule(&file, &code));
        }
    }
    for file in tracked_files() {
        // The rules name what they forbid, a lock file is cargo's, and hostile input says anything.
        let is_cargo_s = file == "Cargo.lock" || file == "fuzz/Cargo.lock";
        let is_ours = !file.starts_with("tests/it/tidy") && !is_cargo_s && !file.starts_with("fuzz/regressions/");
        // A picture is not text.
        if let Ok(text) = fs::read_to_string(root().join(&file))
            && is_ours
        {
            complaints.extend(leftovers(&file, &text));
        }
    }
    complaints.extend(crates(&cargo_tree("koji-notify")));
    complaints.extend(crates(&cargo_tree("koji-notify-window")));
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn translators_are_told_of_every_file_with_sentences() {
    let told = fs::read_to_string(root().join("po/POTFILES.in")).unwrap();
    let told: Vec<&str> = told.lines().filter(|it| it.ends_with(".rs")).collect();
    let worded: Vec<String> = ["src", "window/src"]
        .into_iter()
        .flat_map(rust_files)
        .filter(|it| !sentences_in(it).is_empty())
        .collect();
    assert_eq!(told, worded, "say `make pot`");
}

#[test]
fn the_manual_knows_every_command_and_option() {
    let manual = fs::read_to_string(root().join("data/koji-notify.1")).unwrap();
    let manual = manual.replace("\\-", "-");
    let help = help_of(&[]);
    let commands = commands_in(&help);
    assert!(!commands.is_empty(), "no commands in:\n{help}");
    let told = manual.lines().filter_map(|it| it.strip_prefix(".It Cm "));
    let told: Vec<&str> = told.map(|it| it.split(' ').next().unwrap()).collect();
    assert_eq!(told, commands);
    for command in &commands {
        for option in long_options(&help_of(&[command])) {
            let known = manual.contains(&format!("Fl -{option}")) || manual.contains(&format!(" , -{option}"));
            assert!(known, "the manual lacks --{option} of {command}");
        }
    }
}

/// Imports and paths to other rooms, through `crate`, the crate's own name, or `super`.
fn walls(file: &str, code: &str) -> Vec<String> {
    let room = room_of(file);
    let Some((_, doors)) = DOORS.iter().find(|(it, _)| *it == room) else {
        return vec![format!("{file}: a room that tests/it/tidy.rs does not know")];
    };
    if room == "lib" || room == "main" {
        return Vec::new();
    }
    let tokens = tokens(code);
    let mut complaints = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.is_word("crate") || token.is_word("koji_notify") {
            // `pub(crate)` names no room.
            if at > 0 && tokens[at - 1].is_sign('(') && tokens.get(at + 1).is_some_and(|it| it.is_sign(')')) {
                continue;
            }
            for target in targets(&tokens[at + 1..]) {
                let is_open = target == room
                    || target.starts_with(&format!("{room}::"))
                    || doors
                        .iter()
                        .any(|it| target == *it || target.starts_with(&format!("{it}::")));
                if !is_open {
                    complaints.push(format!("{file}:{}: {room} has no door to {target}", token.line));
                }
            }
        }
        if token.is_word("super") && (at == 0 || !tokens[at - 1].is_path()) {
            let chain = 1 + tokens[at + 1..]
                .chunks(2)
                .take_while(|it| it.len() == 2 && it[0].is_path() && it[1].is_word("super"))
                .count();
            if chain >= depth(file, &tokens[..at]) {
                complaints.push(format!("{file}:{}: super leads out of {room}", token.line));
            }
        }
    }
    complaints
}

/// The window sees of the house what it shows, and nothing of what makes it run.
fn window_walls(file: &str, code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let imports = tokens.iter().enumerate().filter(|(_, it)| it.is_word("koji_notify"));
    let mut complaints = Vec::new();
    for (at, token) in imports {
        for target in targets(&tokens[at + 1..]) {
            let is_open = |it: &&str| target == **it || target.starts_with(&format!("{it}::"));
            if !WINDOW_DOORS.iter().any(is_open) {
                complaints.push(format!("{file}:{}: the window has no door to {target}", token.line));
            }
        }
    }
    complaints
}

/// Returns what follows `crate`: `bus::broker` of `::bus::broker::X`, each of `::{bus, view::Card}`, `*` of `::*`.
fn targets(after: &[Token]) -> Vec<String> {
    match after {
        [path, group, rest @ ..] if path.is_path() && group.is_sign('{') => {
            let mut targets = Vec::new();
            let mut depth = 0;
            let mut is_start = true;
            for (at, token) in rest.iter().enumerate() {
                match &token.kind {
                    Kind::Sign('}') if depth == 0 => break,
                    Kind::Sign('{') => depth += 1,
                    Kind::Sign('}') => depth -= 1,
                    Kind::Sign(',') if depth == 0 => {
                        is_start = true;
                        continue;
                    }
                    _ if is_start => targets.push(name(&rest[at..])),
                    _ => {}
                }
                is_start = false;
            }
            targets
        }
        [path, rest @ ..] if path.is_path() => vec![name(rest)],
        _ => vec!["crate under another name".to_owned()],
    }
}

/// Returns the first two names of a path, or the one that there is.
fn name(path: &[Token]) -> String {
    match path {
        [first, colons, second, ..] if colons.is_path() && first.word().is_some() && second.word().is_some() => {
            format!("{}::{}", first.word().unwrap(), second.word().unwrap())
        }
        [first, ..] => first.word().unwrap_or("everything").to_owned(),
        [] => "nothing".to_owned(),
    }
}

/// Returns how deep in the crate the code after `before` stands: 1 in `src/bus.rs`, 2 in a module of it.
fn depth(file: &str, before: &[Token]) -> usize {
    let mut braces = Vec::new();
    for (at, token) in before.iter().enumerate() {
        if token.is_sign('{') {
            braces.push(at >= 2 && before[at - 2].is_word("mod"));
        } else if token.is_sign('}') {
            braces.pop();
        }
    }
    let inline = braces.into_iter().filter(|it| *it).count();
    file.trim_end_matches("/mod.rs").split('/').count() - 1 + inline
}

/// A pure room does not touch what touches the world.
fn purity(file: &str, code: &str) -> Vec<String> {
    let room = room_of(file);
    if !PURE.contains(&room) {
        return Vec::new();
    }
    let tokens = tokens(without_tests(code));
    let mut complaints = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(word) = token.word() else {
            continue;
        };
        let is_of_std = at >= 2 && tokens[at - 2].is_word("std") && tokens[at - 1].is_path();
        if WORLD.contains(&word) || (is_of_std && WORLD_OF_STD.contains(&word)) {
            complaints.push(format!(
                "{file}:{}: {room} is pure, and {word} is the world",
                token.line
            ));
        }
    }
    complaints
}

/// A module opens with what it is for.
fn opening(file: &str, code: &str) -> Vec<String> {
    let lines = code.lines().map_while(|it| it.strip_prefix("//!"));
    let paragraph: Vec<&str> = lines.map(str::trim).take_while(|it| !it.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let is_sentence =
        paragraph.contains(' ') && paragraph.ends_with(['.', '?', '!', ':']) && !paragraph.contains("(being built)");
    if is_sentence {
        Vec::new()
    } else {
        vec![format!("{file}: opens without a sentence that says what it is for")]
    }
}

/// A room stays one thing.
fn size(file: &str, code: &str) -> Vec<String> {
    let mut lines: Vec<usize> = tokens(without_tests(code)).iter().map(|it| it.line).collect();
    lines.dedup();
    // A table is data, however many rows it has.
    if lines.len() <= MAX_LINES || TABLES.iter().any(|it| file.starts_with(it)) {
        return Vec::new();
    }
    vec![format!("{file}: {} lines of logic, more than {MAX_LINES}", lines.len())]
}

/// Sentences are made in the rooms for it, and are literals, as nothing else can be collected.
fn sentences(file: &str, code: &str) -> Vec<String> {
    let room = room_of(file);
    let tokens = tokens(without_tests(code));
    let mut complaints = Vec::new();
    let mut is_import = false;
    for (at, token) in tokens.iter().enumerate() {
        is_import = token.is_word("use") || (is_import && !token.is_sign(';'));
        let is_name = token.is_word("tr") || token.is_word("tr_n");
        let is_declared = at > 0 && (tokens[at - 1].is_word("fn") || tokens[at - 1].is_word("mod"));
        if !is_name || is_import || is_declared {
            continue;
        }
        if !WORDED.contains(&room) {
            complaints.push(format!("{file}:{}: {room} words nothing; view does", token.line));
        } else if !tokens.get(at + 1).is_some_and(|it| it.is_sign('(')) {
            complaints.push(format!(
                "{file}:{}: {} is called, not handed on",
                token.line,
                token.word().unwrap()
            ));
        } else if literals(&tokens[at..]).is_none() && room != "i18n" {
            complaints.push(format!("{file}:{}: a sentence is a literal in the call", token.line));
        }
    }
    complaints
}

/// Returns the sentence of `tr("…")`, or both of `tr_n("…", "…", n)`.
fn literals(call: &[Token]) -> Option<(String, Option<String>)> {
    let text = |at: usize| match &call.get(at)?.kind {
        Kind::Text(it) => Some(it.clone()),
        _ => None,
    };
    let end = call.get(3)?;
    if call.first()?.is_word("tr") {
        return (end.is_sign(')') || end.is_sign(',')).then_some((text(2)?, None));
    }
    end.is_sign(',').then_some((text(2)?, Some(text(4)?)))
}

/// Our own room has that name already.
fn full_names(file: &str, code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let mut complaints = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let is_import = token.is_word("use")
            && tokens.get(at + 1).is_some_and(|it| it.is_word("tokio"))
            && tokens[at..]
                .iter()
                .take_while(|it| !it.is_sign(';'))
                .any(|it| it.is_word("watch"));
        if is_import {
            complaints.push(format!("{file}:{}: tokio::sync::watch is written in full", token.line));
        }
    }
    complaints
}

/// What a workplace leaves in a file: its paths and hosts, notes to oneself, and talk that is not about the program.
fn leftovers(file: &str, text: &str) -> Vec<String> {
    const PLACES: [&str; 4] = ["/work/", "/tmp/wt", "/root/", "/farm/"];
    const NOTES: [&str; 6] = [
        "FIXME",
        "todo!(",
        "unimplemented!(",
        "#[ignore",
        "(being built)",
        "TODO",
    ];
    const TALK: [&str; 14] = [
        "anthropic",
        "chatgpt",
        "openai",
        "language model",
        "system prompt",
        "the prompt",
        "subagent",
        "ai assistant",
        "ai-generated",
        "context window",
        "artifact-registry",
        "pypi.org/simple",
        "registry.npmjs",
        "crates.io-index",
    ];
    // Koji's own folders, which the world knows.
    const KOJI: [&str; 2] = ["/work/tasks", "/work/cli-build"];
    let mut complaints = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let place = PLACES.iter().find(|place| {
            line.match_indices(**place).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let is_start = !before.is_some_and(|it| it.is_alphanumeric() || "}_-.*".contains(it));
                is_start && !KOJI.iter().any(|it| line[at..].starts_with(it))
            })
        });
        let note = NOTES.iter().find(|it| line.contains(**it));
        let lower = line.to_lowercase();
        let talk = TALK.iter().find(|it| lower.contains(**it));
        for found in place.into_iter().chain(note).chain(talk) {
            complaints.push(format!("{file}:{number}: {found:?} is left behind"));
        }
    }
    complaints
}

/// One D-Bus library, one runtime, one cryptography: from the lines of `cargo tree`.
fn crates(tree: &str) -> Vec<String> {
    const UNWANTED: [&str; 12] = [
        "async-std",
        "smol",
        "async-io",
        "async-executor",
        "async-global-executor",
        "async-process",
        "openssl",
        "openssl-sys",
        "native-tls",
        "aws-lc-rs",
        "aws-lc-sys",
        "gettext-sys",
    ];
    let mut crates: Vec<(&str, &str)> = tree.lines().filter_map(|it| it.trim().split_once(' ')).collect();
    crates.sort_unstable();
    crates.dedup_by_key(|it| (it.0, it.1.split(' ').next()));
    let mut complaints = Vec::new();
    let zbus: Vec<_> = crates.iter().filter(|it| it.0 == "zbus").collect();
    if zbus.len() != 1 {
        complaints.push(format!("one zbus, not {zbus:?}"));
    }
    let unwanted = crates.iter().filter(|it| UNWANTED.contains(&it.0));
    complaints.extend(unwanted.map(|it| format!("{} is not wanted in the program", it.0)));
    complaints
}

fn room_of(file: &str) -> &str {
    let path = file.trim_start_matches("src/");
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Returns the sentences of a file of ours, with their plurals, in order. Tests say nothing to people.
pub(crate) fn sentences_in(file: &str) -> Vec<(String, Option<String>)> {
    let code = fs::read_to_string(root().join(file)).unwrap();
    if file.starts_with("src/i18n") || file.ends_with("/tests.rs") {
        return Vec::new();
    }
    let tokens = tokens(without_tests(&code));
    let calls = (0..tokens.len()).filter(|at| {
        let is_call = tokens[*at].is_word("tr") || tokens[*at].is_word("tr_n");
        is_call && tokens.get(at + 1).is_some_and(|it| it.is_sign('('))
    });
    calls.filter_map(|at| literals(&tokens[at..])).collect()
}

/// Returns our own files in a folder, sorted.
pub(crate) fn rust_files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn tracked_files() -> Vec<String> {
    let listed = said(
        Command::new("git")
            .args(["-c", "safe.directory=*", "ls-files", "-z"])
            .current_dir(root()),
    );
    listed.split_terminator('\0').map(str::to_owned).collect()
}

fn cargo_tree(package: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let words = [
        "tree",
        "--package",
        package,
        "--locked",
        "--offline",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ];
    said(Command::new(cargo).args(words).current_dir(root()))
}

fn help_of(command: &[&str]) -> String {
    said(
        Command::new(env!("CARGO_BIN_EXE_koji-notify"))
            .args(command)
            .arg("--help")
            .env("LC_ALL", "C"),
    )
}

/// Runs a command that has to succeed, and returns what it said.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the commands in clap's help, but for `help` itself.
fn commands_in(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|it| *it != "Commands:").skip(1);
    let names = lines
        .take_while(|it| it.starts_with("  "))
        .filter(|it| !it.starts_with("   "));
    let names = names
        .filter_map(|it| it.split_whitespace().next())
        .filter(|it| *it != "help");
    names.map(str::to_owned).collect()
}

fn long_options(help: &str) -> Vec<&str> {
    let words = help.split(|it: char| it.is_whitespace() || it == '[' || it == ',');
    let options = words.filter_map(|it| it.strip_prefix("--"));
    let options = options.map(|it| it.split(|it: char| !it.is_alphanumeric() && it != '-').next().unwrap());
    options.filter(|it| !it.is_empty()).collect()
}

#[test]
fn a_hole_in_a_wall_is_found() {
    let check = |file: &str, code: &str, found: usize| {
        let complaints = walls(file, code);
        assert_eq!(complaints.len(), found, "{file}: {code}\n{complaints:?}");
    };
    check("src/koji/build.rs", "use crate::watch::Event;", 1);
    check("src/koji/build.rs", "use crate::koji::Nvr; use super::Nvr;", 0);
    let of_window = |code| window_walls("window/src/list.rs", code).len();
    assert_eq!(
        of_window("use koji_notify::bus::source::Source; use crate::rows::Row;"),
        1
    );
    assert_eq!(
        of_window("use koji_notify::view::entry; use koji_notify::{clock, hub};"),
        1
    );
    check("src/watch/step.rs", "use crate::{koji::Nvr, view::{Card, card}};", 1);
    check("src/watch/step.rs", "use crate::{koji::{Nvr, BuildId}};", 0);
    check("src/watch/step.rs", "fn f() -> crate::view::Card { todo }", 1);
    check("src/watch/step.rs", "use koji_notify::view::Card;", 1);
    check("src/watch/step.rs", "use crate as house;", 1);
    check("src/watch/step.rs", "use crate::*;", 1);
    check("src/watch/step.rs", "use crate::{self as house};", 1);
    check("src/watch/step.rs", "extern crate self as house;", 1);
    check("src/watch/step.rs", "pub(crate) fn f() {}", 0);
    check("src/watch/step.rs", "use super::super::view::Card;", 1);
    check("src/watch.rs", "use super::view::Card;", 1);
    check(
        "src/watch/step.rs",
        "mod tests { use super::*; use super::super::Event; }",
        0,
    );
    check(
        "src/watch/step.rs",
        "mod tests { use super::super::super::view::Card; }",
        1,
    );
    check(
        "src/config/file.rs",
        "use crate::bus::broker::Broker; use crate::bus::{self};",
        1,
    );
    check("src/config/file.rs", "use crate::bus::source::Source;", 1);
    check(
        "src/desktop/tray.rs",
        "// use crate::bus::Source;\n/* crate::bus */ const A: &str = \"crate::bus\";",
        0,
    );
    check(
        "src/desktop/tray.rs",
        "fn f<'a>(it: &'a str) -> char { '\"' } use crate::bus::Source;",
        1,
    );
    check(
        "src/desktop/tray.rs",
        "const A: &str = r#\"crate::bus \"#; use crate::daemon::run;",
        1,
    );
    check("src/attic.rs", "", 1);
    check("src/daemon.rs", "use crate::cli::Exit;", 1);
    check("src/cli/demo.rs", "use crate::{bus, config, daemon, i18n::tr};", 0);
}

#[test]
fn a_pure_room_that_looks_out_is_found() {
    assert_eq!(purity("src/watch/step.rs", "use std::time::Instant;").len(), 1);
    assert_eq!(
        purity("src/view/card.rs", "async fn f() { std::fs::read(\"x\") }").len(),
        2
    );
    assert_eq!(purity("src/koji/nvr.rs", "use std::fmt; // tokio\n").len(), 0);
    assert_eq!(purity("src/bus/session.rs", "use tokio::net;").len(), 0);
}

#[test]
fn a_module_that_does_not_say_what_it_is_for_is_found() {
    assert_eq!(opening("src/a.rs", "use std::fmt;\n").len(), 1);
    assert_eq!(opening("src/a.rs", "//!\n//! Late.\n").len(), 1);
    assert_eq!(opening("src/a.rs", "//! Title\n\nfn f() {}").len(), 1);
    assert_eq!(opening("src/a.rs", "//! The rooms. (being built)\n").len(), 1);
    assert_eq!(
        opening("src/a.rs", "//! What it is for,\n//! in a sentence.\n//!\n//! More").len(),
        0
    );
}

#[test]
fn a_room_that_is_too_large_is_found() {
    let line = "fn f() {}\n// a comment\n\n";
    assert_eq!(size("src/a.rs", &line.repeat(MAX_LINES)).len(), 0);
    assert_eq!(size("src/a.rs", &line.repeat(MAX_LINES + 1)).len(), 1);
    let tested = format!("{line}#[cfg(test)]\nmod tests {{\n{}}}", line.repeat(MAX_LINES));
    assert_eq!(size("src/a.rs", &tested).len(), 0);
}

#[test]
fn a_sentence_that_cannot_be_collected_is_found() {
    let check = |file: &str, code: &str, found: usize| {
        let complaints = sentences(file, code);
        assert_eq!(complaints.len(), found, "{file}: {code}\n{complaints:?}");
    };
    check(
        "src/view/card.rs",
        "use crate::i18n::{fill, tr, tr_n}; tr(\"It failed\"); tr_n(\"{n} b\", \"{n} bs\", n);",
        0,
    );
    check("src/view/card.rs", "tr(\n    \"It failed\",\n)", 0);
    check("src/view/card.rs", "tr(SENTENCE)", 1);
    check("src/view/card.rs", "tr(if bad { \"a\" } else { \"b\" })", 1);
    check("src/view/card.rs", "tr(concat!(\"a\", \"b\"))", 1);
    check("src/view/card.rs", "tr_n(\"one\", many, n)", 1);
    check("src/view/card.rs", "sentences.map(tr)", 1);
    check("src/desktop/tray.rs", "crate::i18n::tr(\"It failed\")", 1);
    check(
        "src/desktop/tray.rs",
        "// tr(\"It failed\")\nlet tr_count = 1; attr(\"x\");",
        0,
    );
}

#[test]
fn a_name_that_is_taken_is_found() {
    assert_eq!(full_names("src/a.rs", "use tokio::sync::watch;").len(), 1);
    assert_eq!(
        full_names("src/a.rs", "use tokio::sync::{mpsc, watch::Sender};").len(),
        1
    );
    assert_eq!(
        full_names(
            "src/a.rs",
            "use tokio::sync::mpsc; fn f(it: tokio::sync::watch::Sender<u8>) {}"
        )
        .len(),
        0
    );
}

#[test]
fn what_is_left_behind_is_found() {
    let check = |text: &str, found: usize| {
        let complaints = leftovers("a.md", text);
        assert_eq!(complaints.len(), found, "{text}\n{complaints:?}");
    };
    check("see /work/shared/docs", 1);
    check("`/root/.cargo`", 1);
    check("{topurl}/work/tasks/7/100000007/build.log", 0);
    check("/mnt/koji/work/cli-build/x /work/tasks/1", 0);
    check("/var/lib/mock/root/ ../root/x", 0);
    check("// FIXME later", 1);
    check("//! (being built)", 1);
    check("As a Language Model, I", 1);
    check("a notification server that prompts", 0);
}

#[test]
fn a_second_runtime_or_bus_library_is_found() {
    assert_eq!(
        crates("zbus v5.19.0\nzbus v5.19.0 (*)\ntokio v1.40.0\nopenssl-probe v0.2.0").len(),
        0
    );
    assert_eq!(crates("zbus v5.19.0\nzbus v6.0.0").len(), 1);
    assert_eq!(crates("tokio v1.40.0").len(), 1);
    assert_eq!(crates("zbus v5.19.0\nasync-io v2.0.0\naws-lc-rs v1.0.0").len(), 2);
}

#[test]
fn clap_s_help_is_read() {
    let help = "Tells\n\nUsage: x\n\nCommands:\n  demo    Plays\n          more\n  replay  Plays [--not-this]\n  help    Print\n\nOptions:\n  -h, --help  Print\n";
    assert_eq!(commands_in(help), ["demo", "replay"]);
    assert_eq!(
        long_options("  -j, --json\n      --speed <N>  faster [--user=x]"),
        ["json", "speed", "user"]
    );
}
