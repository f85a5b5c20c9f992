//! What must hold whatever comes in: one check for each door that text of strangers comes through.
//!
//! A check takes any bytes and panics if a promise is broken. The fuzzer feeds it what libFuzzer makes up; the tests
//! (`tests/it/hostile.rs`) feed it the seeds and mutations of them. It deliberately does not know which of the two.

pub mod bus;
pub mod card;
pub mod catalog;
pub mod configuration;
pub mod fedora_messaging;
pub mod headers;
mod home;
pub mod ini;
pub mod koji_bus;
mod letters;
pub mod log;
pub mod meant;
mod pieces;
pub mod replay;
pub mod seeds;
pub mod xmlrpc;

use seeds::Seed;

/// A door that is checked.
pub struct Target {
    /// Also the name of the fuzz target, and of its folder of regressions.
    pub name: &'static str,
    pub check: fn(&[u8]),
    pub seeds: fn() -> Vec<Seed>,
    /// What is worth putting in.
    pub words: &'static [&'static str],
    /// The longest input that is worth making up, in bytes.
    pub longest: usize,
}

/// All of them, the most exposed first.
pub const TARGETS: [Target; 12] = [
    Target {
        name: "bus",
        check: bus::check,
        seeds: bus::seeds,
        words: bus::WORDS,
        longest: 16 * 1024,
    },
    Target {
        name: "koji_bus",
        check: koji_bus::check,
        seeds: koji_bus::seeds,
        words: koji_bus::WORDS,
        longest: 16 * 1024,
    },
    Target {
        name: "xmlrpc",
        check: xmlrpc::check,
        seeds: xmlrpc::seeds,
        words: xmlrpc::WORDS,
        longest: 16 * 1024,
    },
    Target {
        name: "log",
        check: log::check,
        seeds: log::seeds,
        words: log::WORDS,
        longest: 16 * 1024,
    },
    Target {
        name: "card",
        check: card::check,
        seeds: card::seeds,
        words: card::WORDS,
        longest: 4 * 1024,
    },
    Target {
        name: "replay",
        check: replay::check,
        seeds: replay::seeds,
        words: bus::WORDS,
        longest: 16 * 1024,
    },
    Target {
        name: "headers",
        check: headers::check,
        seeds: headers::seeds,
        words: headers::WORDS,
        longest: 1024,
    },
    Target {
        name: "meant",
        check: meant::check,
        seeds: meant::seeds,
        words: meant::WORDS,
        longest: 4 * 1024,
    },
    Target {
        name: "ini",
        check: ini::check,
        seeds: ini::seeds,
        words: ini::WORDS,
        longest: 4 * 1024,
    },
    Target {
        name: "configuration",
        check: configuration::check,
        seeds: configuration::seeds,
        words: configuration::WORDS,
        longest: 8 * 1024,
    },
    Target {
        name: "fedora_messaging",
        check: fedora_messaging::check,
        seeds: fedora_messaging::seeds,
        words: fedora_messaging::WORDS,
        longest: 4 * 1024,
    },
    Target {
        name: "catalog",
        check: catalog::check,
        seeds: catalog::seeds,
        words: catalog::WORDS,
        longest: 8 * 1024,
    },
];

/// Returns whether a character could act on whoever shows it: the controls of C0 and C1, and those that turn the
/// direction of reading. Written anew and not taken from the program, whose own list is longer.
fn acts(it: char) -> bool {
    matches!(it, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line, harmless, and not longer than `most` characters.
fn assert_line(what: &str, text: &str, most: usize) {
    assert!(!text.contains(acts), "{what} acts: {text:?}");
    let length = text.chars().count();
    assert!(length <= most, "{what} has {length} characters: {text:?}");
}

/// Lines, each of them harmless.
fn assert_lines(what: &str, text: &str, most: usize) {
    assert!(!text.contains(|it| it != '\n' && acts(it)), "{what} acts: {text:?}");
    let length = text.chars().count();
    assert!(length <= most, "{what} has {length} characters: {text:?}");
}

/// What an error says goes into a log or onto a terminal.
fn assert_error(error: &dyn std::error::Error) {
    let mut next = Some(error);
    while let Some(error) = next {
        assert_line("an error", &error.to_string(), 1000);
        next = error.source();
    }
}

/// Takes the first line off.
fn line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    match rest.iter().position(|it| *it == b'\n') {
        Some(end) => {
            let (line, after) = rest.split_at(end);
            *rest = &after[1..];
            line
        }
        None => std::mem::take(rest),
    }
}

/// Returns a number that follows from the bytes, to choose by where the input has no place for a choice.
fn choice(bytes: &[u8]) -> u64 {
    let step = |sum: u64, it: &u8| (sum ^ u64::from(*it)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
