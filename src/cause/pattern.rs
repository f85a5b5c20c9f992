//! The shapes of messages: what a tool always writes, with gaps for what it fills in.
//!
//! `…` stands for any text, also none; `№` for a number; `¤` for a word, which holds no space, colon, quote or bracket.
//! Everything else stands for itself, so that a shape reads like the line it matches. A shape matches a whole line.
//!
//! **Invariant:** the time is linear in the line's length, whatever the line holds: a number and a word have a longest
//! length, and what follows a gap is taken where it first occurs.

const ANY: char = '…';
const NUMBER: char = '№';
const WORD: char = '¤';

const MAX_NUMBER: usize = 12;
const MAX_WORD: usize = 120;

/// Returns whether the whole line has this shape.
pub(super) fn matches(shape: &str, line: &str) -> bool {
    // Most shapes start with a letter, and most lines with another one.
    if let Some(first) = shape.bytes().next()
        && first.is_ascii()
        && line.bytes().next() != Some(first)
    {
        return false;
    }
    let Some((head, mut shape)) = shape.split_once(ANY) else {
        return rests(shape, line, &mut str::is_empty);
    };
    let mut line = line;
    if !rests(head, line, &mut |it| {
        line = it;
        true
    }) {
        return false;
    }
    while let Some((piece, after)) = shape.split_once(ANY) {
        let Some(rest) = find(piece, line) else {
            return false;
        };
        (shape, line) = (after, rest);
    }
    ends(shape, line)
}

/// Which pairs of letters a text has, roughly: a sieve before the search.
#[derive(Clone, Copy)]
pub(super) struct Pairs([u64; 4]);

impl Pairs {
    /// Returns the pairs of a line.
    pub(super) fn of_line(line: &str) -> Self {
        let mut pairs = Self([0; 4]);
        pairs.add(line);
        pairs
    }

    /// Returns the pairs that a line must have to be of this shape.
    pub(super) fn of_shape(shape: &str) -> Self {
        let mut pairs = Self([0; 4]);
        shape.split([ANY, NUMBER, WORD]).for_each(|it| pairs.add(it));
        pairs
    }

    fn add(&mut self, text: &str) {
        for (one, two) in text.bytes().zip(text.bytes().skip(1)) {
            let bit = one.wrapping_mul(37) ^ two.wrapping_mul(101);
            if let Some(part) = self.0.get_mut(usize::from(bit >> 6)) {
                *part |= 1 << (bit & 63);
            }
        }
    }

    /// Returns whether the line may be of the shape. It may then still not be.
    pub(super) fn may_hold(&self, shape: &Self) -> bool {
        self.0.iter().zip(&shape.0).all(|(line, shape)| line & shape == *shape)
    }
}

/// Returns what follows the first occurrence of a piece.
fn find<'a>(piece: &'a str, line: &'a str) -> Option<&'a str> {
    if !piece.contains([NUMBER, WORD]) {
        return line.split_once(piece).map(|it| it.1);
    }
    let mut found = line;
    starts(piece, line)
        .any(|start| {
            rests(piece, start, &mut |it| {
                found = it;
                true
            })
        })
        .then_some(found)
}

/// Returns whether the line ends with a piece.
fn ends(piece: &str, line: &str) -> bool {
    if !piece.contains([NUMBER, WORD]) {
        return line.ends_with(piece);
    }
    starts(piece, line).any(|start| rests(piece, start, &mut str::is_empty))
}

/// Returns each place where a piece might start: where its fixed beginning stands.
fn starts<'a>(piece: &'a str, line: &'a str) -> impl Iterator<Item = &'a str> {
    let fixed = piece.split([NUMBER, WORD]).next().unwrap_or_default();
    line.match_indices(fixed).filter_map(|(at, _)| line.get(at..))
}

/// Walks a piece along the line's start, and asks whether what is left will do; the longest fillings come first.
fn rests<'a>(piece: &str, line: &'a str, will_do: &mut dyn FnMut(&'a str) -> bool) -> bool {
    let Some((at, gap)) = piece.char_indices().find(|it| it.1 == NUMBER || it.1 == WORD) else {
        return line.strip_prefix(piece).is_some_and(will_do);
    };
    let (fixed, after) = piece.split_at(at);
    let after = after.trim_start_matches(gap);
    let Some(line) = line.strip_prefix(fixed) else {
        return false;
    };
    let (is_of_it, longest): (fn(char) -> bool, usize) = match gap {
        NUMBER => (|it| it.is_ascii_digit(), MAX_NUMBER),
        _ => (is_of_word, MAX_WORD),
    };
    let filling = line.char_indices().take(longest).take_while(|it| is_of_it(it.1));
    let ends: Vec<usize> = filling.map(|(at, it)| at + it.len_utf8()).collect();
    ends.into_iter()
        .rev()
        .filter_map(|end| line.get(end..))
        .any(|rest| rests(after, rest, will_do))
}

fn is_of_word(it: char) -> bool {
    !it.is_whitespace() && !":;,'\"`()[]{}<>=‘’“”«»".contains(it)
}

/// Returns whether each part after a gap starts with something fixed, without which a search has nowhere to start.
#[cfg(test)]
pub(super) fn is_well_formed(shape: &str) -> bool {
    shape.split(ANY).skip(1).all(|it| !it.starts_with([NUMBER, WORD]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_matched_whole() {
        let check =
            |shape: &str, line: &str, expected: bool| assert_eq!(matches(shape, line), expected, "{shape} {line}");
        check("abc", "abc", true);
        check("abc", "abcd", false);
        check("", "", true);
        check("…", "", true);
        check("…", "anything", true);
        check("abc…", "abcd", true);
        check("…abc", "zabc", true);
        check("…abc", "zabcd", false);
        check("a…b…c", "a1b2c", true);
        check("a…b…c", "acb", false);
        check(
            "make…: *** […] Error №",
            "make[2]: *** [Makefile:12: all] Error 2",
            true,
        );
        check(
            "make…: *** […] Error №",
            "make[2]: *** [Makefile:12: all] Error 2x",
            false,
        );
        check("…:№:№: error: …", "a b/c.c:12:3: error: no", true);
        check("…:№:№: error: …", "c.c:12:x: error: no", false);
        check("…:№:№: error: …", "::::12:3: error: no", true);
        check("¤Error: …", "ModuleNotFoundError: no", true);
        check("¤Error: …", "No Error: no", false);
        check("№ …", "12 apples", true);
        check("№x№", "1x2", true);
        check("№x№", "1234567890123x2", false);
        check("größe ¤ £", "größe müß £", true);
    }

    #[test]
    fn the_sieve_lets_through_what_matches() {
        let line = "src/größe.c:12:3: error: no";
        for shape in ["…:№:№: error: …", "src/¤.c:…", "…größe…", "…", line] {
            assert!(matches(shape, line), "{shape}");
            assert!(Pairs::of_line(line).may_hold(&Pairs::of_shape(shape)), "{shape}");
        }
        assert!(!Pairs::of_line(line).may_hold(&Pairs::of_shape("…: warning: …")));
    }

    #[test]
    fn a_gap_at_both_ends_and_a_number_at_the_end_do() {
        assert!(matches("…in№", "in in1 in22"));
        assert!(!matches("…in№", "in in1 in22 "));
        assert!(matches("…é…é…", "ééé"));
    }
}
