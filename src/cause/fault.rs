//! Faults: what the hub says of a failed task, in one sentence or in a traceback.
//!
//! Often that is all there is to know, and no log need be read.

mod rules;

use crate::koji::{CauseClass, LogName};

use super::{Sure, pattern, text};
use rules::Rule;

/// The most of a fault's text that is looked at, in bytes.
const MAX_FAULT: usize = 64 * 1024;

/// The most further lines of a fault that are kept.
const MAX_DETAILS: usize = 3;

/// A failed task's fault, as the hub tells it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Said<'a> {
    /// The fault's string, with or without what clients write before it.
    pub text: &'a str,
    /// The fault's number, where it is known.
    pub code: Option<i64>,
    /// The failed task's method, such as `buildArch`, where it is known.
    pub method: Option<&'a str>,
}

/// What a fault says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    pub class: CauseClass,
    /// [`Sure::Certain`] where no log can change the class.
    pub sure: Sure,
    /// The line that decides, without client prefixes; at most [`crate::koji::cause::MAX_CAUSE_TEXT`] characters.
    pub sentence: String,
    /// Further lines of the fault that tell more, such as a difference that was found.
    pub details: Vec<String>,
    /// The architecture the sentence names.
    pub arch: Option<String>,
    /// The logs to read, the most promising first. None: the fault is all there is.
    pub logs: Vec<LogName>,
    /// Which stage of a build it is about, which is what decides in doubt.
    pub stage: Stage,
    /// The rule that matched.
    pub rule: &'static str,
}

/// Where in a build's life a task stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Preparing the chroot.
    Chroot,
    /// From the checkout to the source RPM.
    Source,
    /// From the source RPM to packages.
    Build,
    /// From packages to a tag.
    Tag,
    /// The other things a hub does, such as making a repository.
    Other,
}

/// Judges a fault by its text; its number and the method of its task help where the text is not known.
pub fn judge(said: &Said<'_>) -> Verdict {
    let text = capped(said.text);
    let lines: Vec<String> = text
        .lines()
        .map(text::plain)
        .filter(|it| !it.trim().is_empty())
        .collect();
    let (lines, name) = without_prefix(&lines);
    let sentence = lines.first().map_or("", |it| it.as_str());
    let code = said.code.or_else(|| name.and_then(code_of));
    let stage = stage_of(said.method);
    let is_named = |it: &str| name.is_some_and(|name| pattern::matches(it, &format!("{name}: {sentence}")));
    let rule = rules::all().find(|rule| {
        rule.shapes
            .iter()
            .any(|it| pattern::matches(it.0, sentence) || is_named(it.0))
    });
    let Some(rule) = rule else {
        return unknown(sentence, name, code, stage);
    };
    let stage = rule.stage.unwrap_or(stage);
    let class = match (rule.class, stage) {
        // What keeps a build out of a tag is asked for again when it is tagged.
        (CauseClass::Policy, Stage::Tag) => CauseClass::Tagging,
        (class, _) => class,
    };
    let shown = rule
        .cut
        .and_then(|it| sentence.split_once(it))
        .map_or(sentence, |it| it.0);
    Verdict {
        class,
        sure: rule.sure,
        sentence: named(shown, name, rule),
        details: details(&lines),
        arch: arch(sentence),
        logs: rule.logs.to_vec(),
        stage,
        rule: rule.id,
    }
}

/// What nobody wrote a rule for is judged by who raised it.
fn unknown(sentence: &str, name: Option<&str>, code: Option<i64>, stage: Stage) -> Verdict {
    let (class, rule) = match (code, stage) {
        (Some(1003), _) => (CauseClass::Tagging, "code-tag"),
        (Some(1004), Stage::Tag) => (CauseClass::Tagging, "code-not-allowed-tag"),
        (Some(1004), _) => (CauseClass::Policy, "code-not-allowed"),
        (Some(1012), _) => (CauseClass::Buildroot, "code-buildroot"),
        (Some(1014), _) => (CauseClass::Buildroot, "code-offline"),
        (Some(1005), Stage::Source) => (CauseClass::SourceRpm, "code-build-source"),
        (Some(_) | None, _) => (CauseClass::Unknown, "unknown"),
    };
    let sentence = match name {
        Some(name) if !is_of_koji(name) && sentence.is_empty() => name.to_owned(),
        Some(name) if !is_of_koji(name) => format!("{name}: {sentence}"),
        _ => sentence.to_owned(),
    };
    Verdict {
        class,
        sure: Sure::Guess,
        sentence: text::shown(&sentence),
        details: Vec::new(),
        arch: None,
        logs: Vec::new(),
        stage,
        rule,
    }
}

/// Returns the start of a text and, if it is too long, its end: a traceback tells at its end.
fn capped(text: &str) -> String {
    if text.len() <= MAX_FAULT {
        return text.to_owned();
    }
    let mut start = MAX_FAULT / 2;
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = text.len() - MAX_FAULT / 2;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let part = |range: Option<&str>| range.unwrap_or_default().to_owned();
    part(text.get(..start)) + "\n" + &part(text.get(end..))
}

/// Reduces a traceback to its last line, and takes away what clients and Python write before a message.
///
/// Returns the message's lines and the name of the exception, if there was one.
fn without_prefix(lines: &[String]) -> (Vec<String>, Option<&str>) {
    let is_traceback = |it: &String| it.contains("Traceback (most recent call last)");
    let lines = match lines.iter().rposition(is_traceback) {
        Some(at) => {
            let after = lines.get(at + 1..).unwrap_or_default();
            let is_frame = |it: &String| it.starts_with([' ', '\t']);
            // Frames are indented; the exception is not, and its message may have lines of its own.
            let end = after.iter().rposition(is_frame).map_or(0, |it| it + 1);
            match after.get(end..) {
                Some([]) | None => lines.get(lines.len().saturating_sub(1)..).unwrap_or_default(),
                Some(message) => message,
            }
        }
        None => lines,
    };
    let Some((first, rest)) = lines.split_first() else {
        return (Vec::new(), None);
    };
    let mut message = first.trim();
    for prefix in ["-> FAILED: ", "FAILED: "] {
        if let Some((_, after)) = message.split_once(prefix) {
            message = after;
            break;
        }
    }
    let mut name = None;
    while let Some((word, after)) = exception(message) {
        // A name of Koji's says less than one that it wraps.
        name = Some(word);
        message = after;
    }
    let mut result = vec![message.trim_end_matches(['\'', '"', '>']).to_owned()];
    if !message.ends_with(">") {
        result = vec![message.to_owned()];
    }
    result.extend(rest.iter().map(|it| it.trim_end().to_owned()));
    (result, name)
}

/// Splits `koji.BuildError: text` or `<Fault 1005: 'text'>`.
fn exception(message: &str) -> Option<(&str, &str)> {
    if let Some(fault) = message.strip_prefix("<Fault ") {
        let (code, text) = fault.split_once(": ")?;
        return Some((code, text.trim_start_matches(['\'', '"'])));
    }
    let (path, text) = message
        .split_once(": ")
        .or_else(|| Some((message.strip_suffix(':')?, "")))?;
    let name = path.rsplit('.').next()?;
    let is_name = name.starts_with(|it: char| it.is_ascii_uppercase())
        && path
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '.')
        && [
            "Error",
            "Exception",
            "Fault",
            "Timeout",
            "Expired",
            "NotAllowed",
            "Offline",
            "TaskType",
            "Mismatch",
            "Warning",
        ]
        .iter()
        .any(|it| name.ends_with(it));
    is_name.then(|| (name, text.trim_start()))
}

/// Returns the number of a fault whose name is known: `koji/__init__.py`, the classes with a `faultCode`.
fn code_of(name: &str) -> Option<i64> {
    Some(match name {
        "GenericError" => 1000,
        "TagError" => 1003,
        "ActionNotAllowed" => 1004,
        "BuildError" => 1005,
        "BuildrootError" => 1012,
        "ServerOffline" => 1014,
        _ => return name.parse().ok(),
    })
}

/// Returns whether an exception's name is one of Koji's, which a reader need not see.
fn is_of_koji(name: &str) -> bool {
    const NAMES: [&str; 22] = [
        "GenericError",
        "LockError",
        "AuthError",
        "TagError",
        "ActionNotAllowed",
        "BuildError",
        "AuthLockError",
        "AuthExpired",
        "SequenceError",
        "RetryError",
        "PreBuildError",
        "PostBuildError",
        "BuildrootError",
        "FunctionDeprecated",
        "ServerOffline",
        "LiveCDError",
        "PluginError",
        "CallbackError",
        "ApplianceError",
        "ParameterError",
        "ImportError",
        "Fault",
    ];
    // Python has an ImportError of its own, which says more.
    (NAMES.contains(&name) && name != "ImportError") || name.parse::<i64>().is_ok()
}

fn named(sentence: &str, name: Option<&str>, rule: &Rule) -> String {
    match name {
        Some(name) if !is_of_koji(name) && rule.sure < Sure::Certain => text::shown(&format!("{name}: {sentence}")),
        _ => text::shown(sentence),
    }
}

/// Returns the lines after the first that show a difference (`rpmdiff`), or whatever else follows.
fn details(lines: &[String]) -> Vec<String> {
    let rest = lines.get(1..).unwrap_or_default();
    let shown = rest.iter().filter(|it| !it.trim_end().ends_with("output was:"));
    shown.take(MAX_DETAILS).map(|it| text::shown(it)).collect()
}

/// Returns the architecture of `(arch x86_64)`.
fn arch(sentence: &str) -> Option<String> {
    let (_, after) = sentence.split_once("(arch ")?;
    let (arch, _) = after.split_once(')')?;
    let is_name =
        !arch.is_empty() && arch.len() <= 20 && arch.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    is_name.then(|| arch.to_owned())
}

fn stage_of(method: Option<&str>) -> Stage {
    match method {
        Some("buildSRPMFromSCM" | "rebuildSRPM" | "getSRPM") => Stage::Source,
        Some("tagBuild" | "tagNotification") => Stage::Tag,
        Some(
            "build" | "buildArch" | "buildMaven" | "maven" | "chainbuild" | "chainmaven" | "wrapperRPM" | "winbuild"
            | "vmExec",
        ) => Stage::Build,
        Some(_) | None => Stage::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_reached_by_its_examples() {
        for rule in rules::all() {
            for (shape, example) in rule.shapes {
                let verdict = judge(&Said {
                    text: example,
                    ..Said::default()
                });
                assert_eq!(verdict.rule, rule.id, "{shape}: {example}");
            }
        }
    }
}
