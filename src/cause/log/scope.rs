//! Which part of a log is about the failure.

use super::super::pattern::matches;
use super::Line;

/// A range of lines, and the stage that it is about.
pub(super) struct Scope {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) stage: Option<String>,
    /// Where rpm's list of its errors begins.
    pub(super) errors: Option<usize>,
    /// Whether the log says itself that it failed.
    pub(super) is_failure: bool,
}

impl Scope {
    pub(super) fn whole(end: usize) -> Self {
        Self {
            start: 0,
            end,
            stage: None,
            errors: None,
            is_failure: false,
        }
    }
}

/// The shell that rpm starts for a section. Its name stands in brackets, in all languages.
const SECTION: &[&str] = &[
    "Executing(%…",
    "Ausführung(%…",
    "Exécution_de(%…",
    "Выполняется(%…",
    "実行中(%…",
];

const BAD_EXIT: &[&str] = &["… …/rpm-tmp.… (%…)"];

const ERRORS: &[&str] = &[
    "RPM build errors:",
    "RPM-Build-Fehler:",
    "Fehler beim Bauen des RPM:",
    "Erreurs de construction de RPM…",
    "Ошибки сборки пакетов:",
    "RPM ビルドエラー:",
];

const FAILURE: &[&str] = &["Child return code was: …", "EXCEPTION: …", "ERROR: Exception(…"];

const SUCCESS: &[&str] = &[
    "Wrote: ….rpm",
    "Child return code was: 0",
    "Executing(%clean)…",
    "Executing(rmbuild)…",
];

const REQUEST: &[&str] = &[
    "Wrote: ….buildreqs.nosrc.rpm",
    "Child return code was: 11",
    "Going to install missing …uildrequires…",
    "Dynamic buildrequires detected…",
];

/// Where rpm turns from running sections to collecting files.
const COLLECTING: &[&str] = &["Processing files: …", "Checking for unpackaged file(s): …"];

fn is(shapes: &[&str], line: &Line) -> bool {
    !line.folded.is_empty() && shapes.iter().any(|it| matches(it, &line.folded))
}

fn last(lines: &[Line], is_it: impl Fn(&Line) -> bool) -> Option<usize> {
    lines.iter().rposition(is_it)
}

/// Returns whether the last thing a `build.log` tells is that it went well.
pub(super) fn is_success(lines: &[Line]) -> bool {
    let success = last(lines, |it| is(SUCCESS, it) && !is(REQUEST, it));
    let other = last(lines, |it| {
        let is_section = is(SECTION, it) && !is(SUCCESS, it);
        let is_failure = is(FAILURE, it) && !is(SUCCESS, it);
        is_section || is_failure || is(ERRORS, it) || is(BAD_EXIT, it) || is(REQUEST, it)
    });
    success.is_some() && success > other
}

/// Returns whether a `build.log` ends with a request for packages, so that the rest of the story is in `root.log`.
pub(super) fn asks_for_requirements(lines: &[Line]) -> bool {
    let request = last(lines, |it| is(REQUEST, it));
    let other = last(lines, |it| is(SECTION, it) || is(BAD_EXIT, it) || is(ERRORS, it));
    // Here rpm names what is missing.
    let named = last(lines, |it| matches("error: Failed …dependencies:", &it.folded));
    request.is_some() && request > other && named <= other
}

/// Returns where the last request stands: the line that names the other log, if there is one.
pub(super) fn request(lines: &[Line]) -> Vec<usize> {
    let named = last(lines, |it| {
        matches("Going to install missing …uildrequires…", &it.folded)
    });
    named
        .or_else(|| last(lines, |it| is(REQUEST, it)))
        .into_iter()
        .collect()
}

/// Finds the stage of a build that failed: from its start to rpm's word on it.
pub(super) fn of_build(lines: &[Line]) -> Scope {
    let section = last(lines, |it| is(SECTION, it) && !is(SUCCESS, it));
    let start = section.unwrap_or(0);
    let after = lines.get(start..).unwrap_or_default();
    let find = |is_it: &dyn Fn(&Line) -> bool| after.iter().position(is_it).map(|it| start + it);
    let errors = find(&|it| is(ERRORS, it));
    // What rpm says goes two ways, and its list may overtake its last word.
    let bad = find(&|it| is(BAD_EXIT, it) && !it.is_indented).or_else(|| find(&|it| is(BAD_EXIT, it)));
    if let Some(bad) = bad {
        // Only the list is left of it.
        let is_cut_off = errors.is_some_and(|it| {
            lines
                .get(start..it)
                .unwrap_or_default()
                .iter()
                .all(|it| it.folded.is_empty())
        });
        return Scope {
            start,
            end: if is_cut_off { lines.len() } else { bad },
            stage: lines.get(bad).and_then(stage_at_end),
            errors,
            is_failure: true,
        };
    }
    if errors.is_some() {
        let collecting = find(&|it| is(COLLECTING, it));
        return Scope {
            start: collecting.unwrap_or(start),
            end: lines.len(),
            stage: collecting.map(|_| "%files".to_owned()),
            errors,
            is_failure: true,
        };
    }
    // It was interrupted, or this is a part of it.
    Scope {
        start,
        end: lines.len(),
        stage: lines.get(start).and_then(stage_at_start),
        errors: None,
        is_failure: last(lines, |it| is(FAILURE, it)).is_some(),
    }
}

/// Returns `%build` of `error: Bad exit status from /var/tmp/rpm-tmp.x (%build)`.
fn stage_at_end(line: &Line) -> Option<String> {
    let (_, name) = line.folded.strip_suffix(')')?.rsplit_once("(%")?;
    named(name)
}

/// Returns `%build` of `Executing(%build): /bin/sh -e /var/tmp/rpm-tmp.x`.
fn stage_at_start(line: &Line) -> Option<String> {
    if !is(SECTION, line) {
        return None;
    }
    let (_, after) = line.folded.split_once("(%")?;
    named(after.split_once(')')?.0)
}

fn named(name: &str) -> Option<String> {
    let is_name = !name.is_empty() && name.len() <= 30 && name.chars().all(|it| it.is_ascii_lowercase() || it == '_');
    is_name.then(|| format!("%{name}"))
}

/// The command of `root.log` that a line belongs to: from the line that starts it to the next one.
pub(super) fn of_command(lines: &[Line], at: usize) -> Scope {
    const START: &[&str] = &["Executing command: …", "ENTER …", "Start: …"];
    let before = lines.get(..at).unwrap_or_default();
    let after = lines.get(at..).unwrap_or_default();
    Scope {
        start: last(before, |it| is(START, it)).map_or(0, |it| it + 1),
        end: after
            .iter()
            .position(|it| is(START, it))
            .map_or(lines.len(), |it| at + it),
        stage: None,
        errors: None,
        is_failure: true,
    }
}

/// Returns whether the command was to fill the chroot itself, and not to install what a package asks for.
pub(super) fn is_of_chroot(lines: &[Line], at: usize) -> bool {
    const CHROOT: &[&str] = &[
        "…groupinstall…",
        "… install @…",
        "…'install', '@…",
        "…'group', 'install'…",
        "Start: chroot init…",
        "Start: bootstrap…",
        "Start: …dnf… install…",
        "Start: yum install…",
    ];
    const PACKAGE: &[&str] = &[
        "…builddep…",
        "…buildreqs.nosrc.rpm…",
        "…etting requirements for …",
        "…install missing …uildrequires…",
        "Start: build setup…",
        "….src.rpm…",
    ];
    let whose = |line: &Line| {
        if is(PACKAGE, line) {
            Some(false)
        } else {
            is(CHROOT, line).then_some(true)
        }
    };
    let before = lines.get(..at).unwrap_or_default().iter().rev().find_map(whose);
    let after = || lines.get(at..).unwrap_or_default().iter().find_map(whose);
    before.or_else(after).unwrap_or(false)
}

/// Returns the step that `state.log` saw start and not finish.
pub(super) fn open_step(lines: &[Line]) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    for line in lines {
        if let Some((_, step)) = line.folded.split_once("Start: ") {
            open.push(step);
        } else if let Some((_, step)) = line.folded.split_once("Finish: ")
            && let Some(at) = open.iter().rposition(|it| *it == step)
        {
            open.truncate(at);
        }
    }
    open.last().map(|it| super::super::text::shown(it))
}
