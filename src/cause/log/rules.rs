//! The lines that tools write into logs, as data. The first rule that matches a line says what it is worth.
//!
//! A shape is held against a line with its blanks folded. How it reads is told in `pattern`; an innocent line is ruled
//! out by a rule that stands before the one that would hit.

pub(super) mod checkout;
pub(super) mod compilers;
pub(super) mod innocent;
pub(super) mod languages;
pub(super) mod machine;
pub(super) mod requires;
pub(super) mod rpm;
pub(super) mod suites;
pub(super) mod tools;

use std::sync::LazyLock;

use crate::koji::{CauseClass, LogName};

use super::super::pattern::{Pairs, matches};

/// One kind of line.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) class: CauseClass,
    pub(super) worth: Worth,
    /// How many of the lines after it belong to it.
    pub(super) tail: usize,
    /// Each shape with a text that it matches.
    pub(super) shapes: &'static [(&'static str, &'static str)],
}

/// What a line is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Worth {
    /// The machine breaks, whatever it was at.
    Machine,
    /// A tool says what is wrong, and with what.
    Reason,
    /// A test is told to have failed, or why.
    Verdict,
    /// Something calls itself an error.
    Plain,
    /// Something went wrong nearby.
    Sign,
    /// It follows from what went wrong before.
    Follower,
    /// It looks bad and is not.
    Innocent,
}

const fn rule(
    id: &'static str,
    class: CauseClass,
    worth: Worth,
    shapes: &'static [(&'static str, &'static str)],
) -> Rule {
    Rule {
        id,
        class,
        worth,
        tail: 0,
        shapes,
    }
}

impl Rule {
    const fn tail(self, tail: usize) -> Self {
        Self { tail, ..self }
    }
}

/// A shape, ready to be held against many lines.
struct Asked {
    pairs: Pairs,
    shape: &'static str,
    rule: &'static Rule,
}

static OF_BUILD: LazyLock<Vec<Asked>> = LazyLock::new(|| asked(LogName::Build));
static OF_ROOT: LazyLock<Vec<Asked>> = LazyLock::new(|| asked(LogName::Root));
static OF_CHECKOUT: LazyLock<Vec<Asked>> = LazyLock::new(|| asked(LogName::Checkout));

fn asked(log: LogName) -> Vec<Asked> {
    let rules = tables(log).iter().flat_map(|it| it.iter());
    let shapes = rules.flat_map(|rule| rule.shapes.iter().map(move |it| (rule, it.0)));
    let asked = shapes.map(|(rule, shape)| Asked {
        pairs: Pairs::of_shape(shape),
        shape,
        rule,
    });
    asked.collect()
}

/// Returns the first rule that a line matches. The line's blanks are folded.
pub(super) fn rule_for(log: LogName, line: &str) -> Option<&'static Rule> {
    let asked: &[Asked] = match log {
        LogName::Build => &OF_BUILD,
        LogName::Root | LogName::MockOutput => &OF_ROOT,
        LogName::Checkout => &OF_CHECKOUT,
        LogName::State => &[],
    };
    let pairs = Pairs::of_line(line);
    let found = asked
        .iter()
        .find(|it| pairs.may_hold(&it.pairs) && matches(it.shape, line));
    found.map(|it| it.rule)
}

/// Returns the tables for a log, in the order in which they are asked.
fn tables(log: LogName) -> &'static [&'static [Rule]] {
    match log {
        LogName::Build => &[
            innocent::TRACES,
            machine::RULES,
            innocent::RULES,
            rpm::RULES,
            suites::RULES,
            tools::RULES,
            compilers::RULES,
            languages::RULES,
        ],
        LogName::Root | LogName::MockOutput => &[requires::INNOCENT, machine::RULES, requires::RULES],
        LogName::Checkout => &[machine::RULES, checkout::RULES],
        LogName::State => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::pattern::is_well_formed;
    use super::*;

    #[test]
    fn each_rule_is_reached_by_its_examples() {
        let mut wrong = Vec::new();
        for log in [LogName::Build, LogName::Root, LogName::MockOutput, LogName::Checkout] {
            let all = || tables(log).iter().flat_map(|it| it.iter());
            for rule in all() {
                for (shape, example) in rule.shapes {
                    let folded = example.split_whitespace().collect::<Vec<_>>().join(" ");
                    let found = rule_for(log, &folded);
                    if folded != *example || !matches(shape, example) || found.map(|it| it.id) != Some(rule.id) {
                        wrong.push(format!(
                            "{log:?} {}: {shape:?} {example:?}: {:?}",
                            rule.id,
                            found.map(|it| it.id)
                        ));
                    }
                    if !is_well_formed(shape) {
                        wrong.push(format!("{log:?} {}: {shape:?} is not well formed", rule.id));
                    }
                }
            }
        }
        wrong.dedup();
        assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    }
}
