//! The history for a spreadsheet (RFC 4180).
//!
//! What strangers wrote stays text: a spreadsheet would take a cell that begins with a sign for a formula and run it.

use jiff::Timestamp;

use super::{named, numbers};
use crate::journal::history::{Outcome, Past};

/// What stands above the columns.
pub(super) const HEADING: [&str; 19] = [
    "changed", "instance", "nvr", "package", "build", "task", "method", "owner", "mine", "target", "scratch", "state",
    "started", "ended", "seconds", "class", "arch", "outcome", "told",
];

/// Returns the cells of a build or task, in the heading's order.
pub(super) fn row(past: &Past) -> [String; 19] {
    let story = &past.story;
    let (build, task) = numbers(past);
    let number = |it: Option<u64>| it.map(|it| it.to_string()).unwrap_or_default();
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    let time = |it: Option<Timestamp>| it.map(|it| it.to_string()).unwrap_or_default();
    let cause = story.cause.as_ref();
    let tale = past.tales.last();
    let told = tale.filter(|it| matches!(it.outcome, Outcome::Told | Outcome::Digest));
    [
        story.changed.to_string(),
        story.instance.to_string(),
        named(past).unwrap_or_default(),
        text(&story.package),
        number(build),
        number(task),
        text(&story.method),
        text(&story.owner),
        story.mine.to_string(),
        text(&story.target),
        story.scratch.to_string(),
        story.standing.name().to_owned(),
        time(story.started),
        time(story.ended),
        story.duration().map(|it| it.as_secs().to_string()).unwrap_or_default(),
        cause.map(|it| it.class.name().to_owned()).unwrap_or_default(),
        cause.and_then(|it| it.arch.clone()).unwrap_or_default(),
        tale.map(|it| it.outcome.name().to_owned()).unwrap_or_default(),
        time(told.map(|it| it.at)),
    ]
}

/// Returns the cells as a line, without its end.
pub(super) fn line(cells: &[String]) -> String {
    cells.iter().map(|it| cell(it)).collect::<Vec<_>>().join(",")
}

fn cell(text: &str) -> String {
    let text: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    // Signs of a formula, also in the wide forms that some spreadsheets take for them.
    let is_formula = text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', '"']) || text.starts_with(' ') || text.ends_with(' ') {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        let cells = ["plain", "a,b", "say \"it\"", "", "two\r\nlines", " space"].map(str::to_owned);
        assert_eq!(line(&cells), r#"plain,"a,b","say ""it""",,two  lines," space""#);
    }

    #[test]
    fn what_looks_like_a_formula_is_text() {
        for sign in ["=", "+", "-", "@", "\t=", "\r=", " =", "\n@", "\u{ff1d}", "\u{ff0d}"] {
            let written = cell(&format!("{sign}HYPERLINK(1)"));
            assert!(written.trim_matches('"').starts_with('\''), "{sign:?} gives {written}");
        }
        assert_eq!(cell("2026-11-20"), "2026-11-20");
    }
}
