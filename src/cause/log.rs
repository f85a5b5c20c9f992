//! The end of a log: which lines decide, and what they say.
//!
//! A build goes on for thousands of lines after its first error, and what stands at the very end is mock's. So the
//! stage that failed is found first, and in it the first line of the kind that says most.
//!
//! Any part of a log may be handed in, also one that starts in the middle of a line.

mod rules;
mod scope;

use crate::koji::cause::MAX_CAUSE_LINES;
use crate::koji::{CauseClass, LogName};

use super::{Sure, text};
use rules::{Rule, Worth};
use scope::Scope;

/// The most of a log that is read, in bytes, from its end.
pub const MAX_TAIL: usize = 64 * 1024;

/// A whole `build.log` with fewer lines than this was never about the build.
const TINY: usize = 3;

/// What the end of a log says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// `None` where the log tells no failure, or only that there was one.
    pub class: Option<CauseClass>,
    /// The section of the spec (`%build`) or the step of mock that failed.
    pub stage: Option<String>,
    /// The lines that decide and their numbers in the text, from 1: the most telling one, then others in their order.
    /// At most [`MAX_CAUSE_LINES`].
    pub lines: Vec<(usize, String)>,
    /// Another log that has the reason.
    pub look_in: Option<LogName>,
    pub sure: Sure,
    /// Whether it is the machine that broke, whatever was built on it.
    pub is_machine: bool,
    /// Whether the log tells that all went well.
    pub is_success: bool,
    /// The rule that found the first of the lines.
    pub rule: Option<&'static str>,
}

impl Finding {
    fn nothing() -> Self {
        Self {
            class: None,
            stage: None,
            lines: Vec::new(),
            look_in: None,
            sure: Sure::Guess,
            is_machine: false,
            is_success: false,
            rule: None,
        }
    }
}

/// Reads the end of a log; `is_whole` says that nothing came before it.
pub fn read(name: LogName, tail: &[u8], is_whole: bool) -> Finding {
    let (lines, skipped) = lines(name, tail, is_whole);
    let mut finding = match name {
        LogName::Build => build(&lines, is_whole),
        LogName::Root | LogName::MockOutput => root(name, &lines),
        LogName::Checkout => whole(name, &lines),
        LogName::State => state(&lines),
    };
    for (number, _) in &mut finding.lines {
        *number += skipped;
    }
    finding
}

/// A line as the rules see it.
struct Line {
    /// What is shown of it.
    shown: String,
    /// What the rules are held against: the same with blanks folded.
    folded: String,
    is_indented: bool,
}

/// A line that a rule is about.
#[derive(Clone, Copy)]
struct Hit {
    at: usize,
    rule: &'static Rule,
}

/// Returns the lines of the tail, and how many lines were left out before them.
fn lines(name: LogName, tail: &[u8], is_whole: bool) -> (Vec<Line>, usize) {
    let start = tail.len().saturating_sub(MAX_TAIL);
    let is_whole = is_whole && start == 0;
    let before = tail.get(..start).unwrap_or_default();
    let skipped = before.iter().filter(|it| **it == b'\n').count();
    let mut lines = text::lines(tail.get(start..).unwrap_or_default());
    // What is left of a character that was cut through.
    if !is_whole && let Some(first) = lines.first_mut() {
        *first = first.trim_start_matches(char::REPLACEMENT_CHARACTER).to_owned();
    }
    let lines = lines.into_iter().map(|it| {
        let body = without_prefix(name, &it);
        Line {
            shown: text::shown(body),
            folded: body.split_whitespace().collect::<Vec<_>>().join(" "),
            is_indented: body.starts_with([' ', '\t']),
        }
    });
    (lines.collect(), skipped)
}

/// Takes away what mock's logger writes before each line: `DEBUG util.py:463:  `; and what a build service does: `[ 12s] `.
fn without_prefix(name: LogName, line: &str) -> &str {
    match name {
        LogName::Root | LogName::MockOutput | LogName::State => {
            let Some((level, rest)) = line.split_once(' ') else {
                return line;
            };
            if !["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "TRACE"].contains(&level) {
                return line;
            }
            match rest.split_once(".py:") {
                Some((file, rest)) if !file.contains(' ') => {
                    let rest = rest.trim_start_matches(|it: char| it.is_ascii_digit());
                    let rest = rest.strip_prefix(':').unwrap_or(rest);
                    rest.strip_prefix("  ")
                        .or_else(|| rest.strip_prefix(' '))
                        .unwrap_or(rest)
                }
                _ => line,
            }
        }
        LogName::Build => line.strip_prefix("BUILDSTDERR: ").unwrap_or(line),
        LogName::Checkout => line,
    }
}

/// Asks the tables for each line of a range; a line that no rule is about is left out.
fn hits(name: LogName, lines: &[Line], scope: &Scope) -> Vec<Hit> {
    let within = lines.iter().enumerate().take(scope.end).skip(scope.start);
    within
        .filter(|(_, line)| !line.folded.is_empty())
        .filter_map(|(at, line)| {
            let known = rules::rule_for(name, &line.folded);
            // Whatever rpm has in its list is an error to rpm.
            let is_listed = line.is_indented && scope.errors.is_some_and(|it| at > it);
            let rule = known.or_else(|| is_listed.then_some(&rules::rpm::LISTED))?;
            Some(Hit { at, rule })
        })
        .collect()
}

/// How early a line's worth is asked for; less is earlier. `None`: never.
fn rank(worth: Worth, order: Order) -> Option<u8> {
    match (worth, order) {
        (Worth::Machine, _) => Some(0),
        (Worth::Verdict, Order::Tests) => Some(1),
        (Worth::Reason, _) | (Worth::Verdict, Order::Unknown) => Some(2),
        (Worth::Verdict, Order::Known) => Some(3),
        (Worth::Plain, _) => Some(PLAIN),
        (Worth::Sign, _) => Some(SIGN),
        (Worth::Follower | Worth::Innocent, _) => None,
    }
}

const PLAIN: u8 = 4;
const SIGN: u8 = 5;

/// Which lines say most depends on what was going on.
#[derive(Clone, Copy)]
enum Order {
    /// In a test suite, what a tested program writes is worth less than what the suite says.
    Tests,
    Known,
    /// Where the stage is not known, what comes first decides.
    Unknown,
}

fn order(name: LogName, stage: Option<&str>) -> Order {
    match (name, stage) {
        (LogName::Build, Some("%check")) => Order::Tests,
        (LogName::Build, None) => Order::Unknown,
        (LogName::Build | LogName::Root | LogName::Checkout | LogName::MockOutput | LogName::State, _) => Order::Known,
    }
}

fn build(lines: &[Line], is_whole: bool) -> Finding {
    let nothing = Finding::nothing();
    if scope::is_success(lines) {
        return Finding {
            sure: Sure::Likely,
            is_success: true,
            ..nothing
        };
    }
    if scope::asks_for_requirements(lines) {
        return request(lines);
    }
    let scope = scope::of_build(lines);
    let hits = hits(LogName::Build, lines, &scope);
    let found = found(LogName::Build, lines, &scope, &hits);
    if found.rule.is_none() && is_whole && lines.iter().filter(|it| !it.folded.is_empty()).count() < TINY {
        return Finding {
            look_in: Some(LogName::Root),
            ..nothing
        };
    }
    found
}

/// The build waits for packages that it asked for while it was under way.
fn request(lines: &[Line]) -> Finding {
    Finding {
        class: Some(CauseClass::Dependencies),
        stage: Some("%generate_buildrequires".to_owned()),
        lines: numbered(lines, &scope::request(lines)),
        look_in: Some(LogName::Root),
        sure: Sure::Likely,
        ..Finding::nothing()
    }
}

/// `root.log` tells of one command after the other; the last one that failed counts.
fn root(name: LogName, lines: &[Line]) -> Finding {
    let whole = Scope::whole(lines.len());
    let all = hits(name, lines, &whole);
    let is_bad = |it: &&Hit| rank(it.rule.worth, Order::Known).is_some_and(|it| it < SIGN);
    let Some(last) = all.iter().rfind(is_bad).map(|it| it.at) else {
        if scope::asks_for_requirements(lines) {
            return request(lines);
        }
        return found(name, lines, &whole, &all);
    };
    let scope = scope::of_command(lines, last);
    let within: Vec<Hit> = all
        .into_iter()
        .filter(|it| it.at >= scope.start && it.at < scope.end)
        .collect();
    let mut finding = found(name, lines, &scope, &within);
    // Without its own packages a chroot cannot start, whatever the package asks for.
    if finding.class == Some(CauseClass::Dependencies) && scope::is_of_chroot(lines, last) {
        finding.class = Some(CauseClass::Buildroot);
    }
    finding
}

fn whole(name: LogName, lines: &[Line]) -> Finding {
    let scope = Scope::whole(lines.len());
    found(name, lines, &scope, &hits(name, lines, &scope))
}

/// `state.log` tells which step was open, and never why.
fn state(lines: &[Line]) -> Finding {
    Finding {
        stage: scope::open_step(lines),
        ..Finding::nothing()
    }
}

/// Chooses the lines that decide.
fn found(name: LogName, lines: &[Line], scope: &Scope, hits: &[Hit]) -> Finding {
    let stage = scope.stage.as_deref();
    let order = order(name, stage);
    let rank = |it: &Hit| rank(it.rule.worth, order);
    let best = hits.iter().filter_map(rank).min();
    let mut of_best = hits.iter().filter(|it| best.is_some() && rank(it) == best);
    let first = match best {
        // A sign is the better the nearer it is to the end.
        Some(SIGN) => of_best.next_back(),
        Some(_) => of_best.next(),
        None => None,
    };
    let Some(first) = first else {
        return guess(lines, scope, hits);
    };
    if best == Some(SIGN) && !scope.is_failure && !has_follower(hits) {
        return Finding {
            stage: scope.stage.clone(),
            ..Finding::nothing()
        };
    }
    // Where a section ran, the spec was read and its sources were there.
    let is_past_source = stage.is_some_and(|it| !["%prep", "%generate_buildrequires"].contains(&it));
    let class = if is_past_source && first.rule.class == CauseClass::SourceRpm {
        CauseClass::Package
    } else {
        first.rule.class
    };
    // That a section failed is sure, whatever the line says that is shown.
    let is_told = name == LogName::Build && scope.is_failure && (best == Some(PLAIN) || stage.is_some());
    let is_firm = is_told || best.is_some_and(|it| it < PLAIN);
    Finding {
        class: Some(class),
        stage: scope.stage.clone(),
        lines: chosen(lines, scope, hits, first, |it| rank(it)),
        look_in: None,
        sure: if is_firm { Sure::Likely } else { Sure::Guess },
        is_machine: first.rule.worth == Worth::Machine,
        is_success: false,
        rule: Some(first.rule.id),
    }
}

/// Adds to the first line what belongs to it, and what else tells something.
fn chosen(
    lines: &[Line],
    scope: &Scope,
    hits: &[Hit],
    first: &Hit,
    rank: impl Fn(&Hit) -> Option<u8>,
) -> Vec<(usize, String)> {
    let mut chosen = vec![first.at];
    let shown = |at: usize| lines.get(at).map_or("", |it| it.shown.as_str());
    // rpm repeats its errors without their first word.
    let is_new = |chosen: &[usize], at: usize| chosen.iter().all(|it| !shown(*it).ends_with(shown(at)));
    let is_consequence = |at: usize| {
        let rule = hits.iter().find(|it| it.at == at).map(|it| it.rule.worth);
        matches!(rule, Some(Worth::Follower | Worth::Innocent))
    };
    let after = (first.at + 1..scope.end).filter(|at| lines.get(*at).is_some_and(|it| !it.folded.is_empty()));
    chosen.extend(after.take(first.rule.tail).take_while(|at| !is_consequence(*at)));
    let limit = rank(first).max(Some(3));
    let others = || hits.iter().filter(|it| rank(it).is_some() && rank(it) <= limit);
    for other in others().filter(|it| it.rule.id != first.rule.id).chain(others()) {
        if chosen.len() >= MAX_CAUSE_LINES {
            break;
        }
        if is_new(&chosen, other.at) {
            chosen.push(other.at);
        }
    }
    if let Some(rest) = chosen.get_mut(1..) {
        rest.sort_unstable();
    }
    numbered(lines, &chosen)
}

/// No rule knows the reason: what stands before the first consequence is likely to be it.
fn guess(lines: &[Line], scope: &Scope, hits: &[Hit]) -> Finding {
    if !scope.is_failure && !has_follower(hits) {
        return Finding {
            stage: scope.stage.clone(),
            ..Finding::nothing()
        };
    }
    let known = |at: usize| hits.iter().find(|it| it.at == at);
    let end = hits
        .iter()
        .find(|it| it.rule.worth == Worth::Follower)
        .map_or(scope.end, |it| it.at);
    let is_telling = |at: &usize| lines.get(*at).is_some_and(|it| !it.folded.is_empty()) && known(*at).is_none();
    let last = (scope.start..end).rev().find(is_telling);
    let shown: Vec<usize> = last.or_else(|| hits.last().map(|it| it.at)).into_iter().collect();
    Finding {
        class: Some(CauseClass::Package),
        stage: scope.stage.clone(),
        lines: numbered(lines, &shown),
        sure: if scope.stage.is_some() && scope.is_failure {
            Sure::Likely
        } else {
            Sure::Guess
        },
        ..Finding::nothing()
    }
}

fn has_follower(hits: &[Hit]) -> bool {
    hits.iter().any(|it| it.rule.worth == Worth::Follower)
}

fn numbered(lines: &[Line], at: &[usize]) -> Vec<(usize, String)> {
    at.iter()
        .filter_map(|at| Some((at + 1, lines.get(*at)?.shown.clone())))
        .collect()
}
