//! Text of strangers made fit to be read: by the rules first, by a person then.
//!
//! Whatever bytes come in, what goes out is one line of valid text without control characters, terminal colours or
//! marks that turn the direction of reading, cut to its limit, and without what stands before the `@` of an address.

use crate::koji::cause::MAX_CAUSE_TEXT;

/// How much of a line is looked at, in bytes. Where a tool says what is wrong, it says so early.
const MAX_LINE: usize = 2000;

/// The longest terminal string that is believed to be one.
const MAX_SEQUENCE: usize = 200;

/// Splits a log's bytes into lines that the rules can read; the index is that of the line in the text, from 0.
pub(super) fn lines(text: &[u8]) -> Vec<String> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|it| *it == b'\n').map(line).collect()
}

/// Reads one line: what a terminal would show of it, at most, with blanks at its end removed.
fn line(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii_end();
    // A progress bar returns to the line's start, and what came last is what stands there.
    let bytes = bytes.rsplit(|it| *it == b'\r').next().unwrap_or_default();
    let start = bytes.get(..MAX_LINE).unwrap_or(bytes);
    let mut line = plain(&String::from_utf8_lossy(start));
    line.truncate(line.trim_end().len());
    line
}

/// Removes terminal sequences and everything that does not show. A tab is kept, for the rules.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(it) = rest.next() {
        match it {
            '\u{1b}' => skip_sequence(&mut rest),
            '\u{9b}' => skip_parameters(&mut rest),
            '\t' => plain.push(it),
            // A carriage return or line feed inside is a gap between words.
            '\r' | '\n' => plain.push(' '),
            _ if is_hidden(it) => {}
            _ => plain.push(it),
        }
    }
    plain
}

/// Skips what follows an escape character: `[…m` and its like, `]…BEL`, `(B`, or one character.
fn skip_sequence(rest: &mut std::str::Chars<'_>) {
    let before = rest.clone();
    match rest.next() {
        Some('[') => skip_parameters(rest),
        Some(']' | 'P' | '^' | '_' | 'X') => skip_string(rest),
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
            rest.next();
        }
        Some(it) if it.is_ascii_graphic() => {}
        _ => *rest = before,
    }
}

fn skip_parameters(rest: &mut std::str::Chars<'_>) {
    loop {
        let before = rest.clone();
        match rest.next() {
            Some(' '..='?') => {}
            Some('@'..='~') | None => return,
            // It was cut off.
            Some(_) => {
                *rest = before;
                return;
            }
        }
    }
}

/// Skips to the end of a terminal's string; one that has no end is only an escape character.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    let before = rest.clone();
    let mut was_escape = false;
    for it in rest.by_ref().take(MAX_SEQUENCE) {
        if it == '\u{7}' || it == '\u{9c}' || (was_escape && it == '\\') {
            return;
        }
        was_escape = it == '\u{1b}';
    }
    *rest = before;
}

/// Control characters, marks that turn the reading direction, and marks without a width.
fn is_hidden(it: char) -> bool {
    it.is_control()
        || matches!(it, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Makes a line fit to be shown: blanks folded, without a password, cut to [`MAX_CAUSE_TEXT`] characters.
pub(super) fn shown(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().map(|it| it.trim_matches(is_hidden)).collect();
    let line = without_password(&words.join(" "));
    if line.chars().count() <= MAX_CAUSE_TEXT {
        return line;
    }
    let mut cut: String = line.chars().take(MAX_CAUSE_TEXT - 1).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Replaces what stands between `://` and `@` of an address.
fn without_password(line: &str) -> String {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        result.push_str(before);
        result.push_str("://");
        let end = after.find(|it: char| it.is_whitespace() || "/?#'\"<>".contains(it));
        let host = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
        rest = after;
        if let Some((name, _)) = host.rsplit_once('@') {
            result.push('…');
            rest = after.get(name.len()..).unwrap_or_default();
        }
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_show_is_removed() {
        let check = |text: &str, expected: &str| assert_eq!(plain(text), expected, "{text:?}");
        check("\u{1b}[01m\u{1b}[Kfoo.c:1:2:\u{1b}[m\u{1b}[K no", "foo.c:1:2: no");
        check("\u{1b}[38;5;196mred\u{1b}[0m", "red");
        check("\u{1b}]0;title\u{7}text", "text");
        check("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link");
        check("\u{1b}(Bplain\u{1b}", "plain");
        check("cut\u{1b}[3", "cut");
        check("bell\u{7}, back\u{8}, nul\0, bidi\u{202e}", "bell, back, nul, bidi");
        check("\u{1b}]never ended", "never ended");
        check("a\tb\rc", "a\tb c");
    }

    #[test]
    fn lines_are_those_of_the_text() {
        assert_eq!(lines(b"a\r\n\n 10%\r100%\r\nb\n"), ["a", "", "100%", "b"]);
        assert_eq!(lines(b"\xffab\xc3"), ["\u{fffd}ab\u{fffd}"]);
        assert_eq!(lines(b""), [""]);
        assert_eq!(lines(&[b'x'; 70_000]).concat().len(), MAX_LINE);
    }

    #[test]
    fn a_shown_line_is_short_and_keeps_no_password() {
        assert_eq!(shown("  a \t b  "), "a b");
        let long = shown(&"ä".repeat(500));
        assert_eq!(long.chars().count(), MAX_CAUSE_TEXT);
        assert!(long.ends_with('…'));
        assert_eq!(
            shown("clone https://me:pass@host/x?a@b git://u@h, http://plain/a@b"),
            "clone https://…@host/x?a@b git://…@h, http://plain/a@b"
        );
    }
}
