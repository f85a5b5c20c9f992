//! Marks and spaces as each language sets them.
//!
//! It knows the rules that a reader would miss and a typing hand forgets, not the language.

use std::fs;

use super::{LANGUAGES, texts};
use crate::tidy::root;

const NO_BREAK: char = '\u{a0}';
const NARROW_NO_BREAK: char = '\u{202f}';

/// Units of time that stand behind a number.
const UNITS: [&str; 5] = ["d", "j", "h", "min", "s"];

#[test]
fn the_translations_are_set_as_their_languages_are() {
    let mut all = Vec::new();
    for language in LANGUAGES {
        let po = fs::read_to_string(root().join(format!("po/{language}.po"))).unwrap();
        for entry in texts(&po) {
            let translations = entry.iter().filter(|(key, _)| key.starts_with("msgstr"));
            for (_, translation) in translations {
                all.extend(faults(language, &entry["msgid"], translation));
            }
        }
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn a_fault_is_found() {
    let check = |language: &str, english: &str, translation: &str, expected: usize| {
        let found = faults(language, english, translation);
        assert_eq!(found.len(), expected, "{language} {translation:?}: {found:?}");
    };
    check("fr", "a: b", "a\u{202f}: b", 0);
    check("fr", "a: b", "a: b", 1);
    check("fr", "a: b", "a : b", 1);
    check("fr", "a; b", "a\u{a0}; b", 1);
    check("fr", "amqps://", "amqps://", 0);
    check("fr", "the file", "l'hôte", 1);
    check("de", "a: b", "a: b", 0);
    check("de", "a: b", "a\u{202f}: b", 1);
    check("de", "Preferences…", "Einstellungen\u{a0}…", 0);
    check("de", "Preferences…", "Einstellungen…", 1);
    check("cs", "Preferences…", "Předvolby…", 0);
    check("cs", "Preferences…", "Předvolby", 1);
    check("cs", "Preferences…", "Předvolby...", 2);
    check("cs", "{n} min", "{n}\u{a0}min", 0);
    check("cs", "{n} min", "{n} min", 1);
    check("cs", "a file", "\"soubor\"", 1);
    check("cs", "a b", "a  b", 1);
    check("de", ", ", ", ", 0);
    check("de", ", ", ",", 1);
    check("de", "It works.", "Es geht", 1);
}

/// Returns what is wrong with the marks and spaces of a translation.
fn faults(language: &str, english: &str, translation: &str) -> Vec<String> {
    // A list of words for programs.
    if english.ends_with(';') {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let mut fault = |what: &str| faults.push(format!("{language}: {translation:?}: {what}"));
    for ending in ['.', ':', '…', ' '] {
        if english.ends_with(ending) != translation.ends_with(ending) {
            fault("it ends otherwise than the English");
            break;
        }
    }
    if english.starts_with(' ') != translation.starts_with(' ') {
        fault("it begins otherwise than the English");
    }
    if translation.contains("...") {
        fault("three dots are one character");
    }
    if translation.contains(['\'', '"']) {
        fault("straight quotes");
    }
    if translation.contains("  ") {
        fault("two spaces");
    }
    let characters: Vec<char> = translation.chars().collect();
    for (at, mark) in characters.iter().enumerate().skip(1) {
        let before = characters[at - 1];
        let ends_here = characters.get(at + 1).is_none_or(|it| it.is_whitespace());
        let is_right = match (mark, language) {
            (';' | ':' | '?' | '!', "fr") => !ends_here || before == NARROW_NO_BREAK,
            (';' | ':' | '?' | '!', _) => !before.is_whitespace(),
            ('…', "de") => before == NO_BREAK,
            ('…', _) => !before.is_whitespace(),
            _ => true,
        };
        if !is_right {
            fault(&format!("the space before {mark}"));
        }
    }
    let words: Vec<&str> = translation.split(' ').collect();
    for pair in words.windows(2) {
        let is_number = pair[0].ends_with(|it: char| it == '}' || it.is_ascii_digit());
        if is_number && UNITS.contains(&pair[1]) {
            fault("a line may break between number and unit");
        }
    }
    faults
}
