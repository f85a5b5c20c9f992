//! A catalog of translated sentences: whatever is in the file, reading it ends, and each number has a form or none.

use koji_notify::i18n::Catalog;

use super::assert_error;
use super::seeds::{self, Seed};

pub const WORDS: &[&str] = &[
    "Plural-Forms: nplurals=3; plural=",
    "Content-Type: text/plain; charset=UTF-8\n",
    "n==1 ? 0 : n>=2 && n<=4 ? 1 : 2;",
    "n%10==1 && n%100!=11",
    "n/0",
    "n%0",
    "!n",
    "(",
    ")",
    "18446744073709551615",
    "||",
    "&&",
    "?",
    ":",
    "\0",
    "{n} build failed",
];

const SENTENCES: [&str; 4] = ["{n} build failed", "{what} is built", "It failed", ""];

pub fn check(bytes: &[u8]) {
    match Catalog::read(bytes) {
        Ok(catalog) => {
            for sentence in SENTENCES {
                let told = catalog.sentence(sentence).map_or(0, str::len);
                assert!(told <= bytes.len());
                for n in [0, 1, 2, 4, 5, 11, 21, 101, u64::from(u32::MAX), u64::MAX] {
                    let told = catalog.form(sentence, n).map_or(0, str::len);
                    assert!(told <= bytes.len());
                }
            }
        }
        Err(error) => assert_error(&error),
    }
}

pub fn seeds() -> Vec<Seed> {
    let rules = [
        "n != 1",
        "0",
        "(n==1) ? 0 : (n>=2 && n<=4) ? 1 : 2",
        "n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2",
        "n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5",
        "n%10==1 && n%100!=11 ? 0 : n != 0 ? 1 : 2",
    ];
    let mut found = Vec::new();
    for (number, rule) in (1..).zip(rules) {
        let header = format!("Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=6; plural={rule};\n");
        let pairs = [
            ("", header.as_str()),
            ("It failed", "Es ging nicht"),
            ("{n} build failed\0{n} builds failed", "a\0b\0c\0d\0e\0f"),
            ("{what} is built", "{what} ist gebaut"),
        ];
        for is_big_endian in [false, true] {
            let bytes = mo(&pairs, is_big_endian);
            found.push(Seed::new(&format!("rule-{number}-{is_big_endian}"), bytes));
        }
    }
    found.extend(seeds::kept("catalog"));
    found
}

/// Writes a catalog (GNU gettext manual, "The Format of GNU MO Files").
pub fn mo(pairs: &[(&str, &str)], is_big_endian: bool) -> Vec<u8> {
    let number = |it: usize| {
        let it = u32::try_from(it).unwrap();
        if is_big_endian {
            it.to_be_bytes()
        } else {
            it.to_le_bytes()
        }
    };
    let originals = 28;
    let translations = originals + 8 * pairs.len();
    let mut texts = Vec::new();
    let mut tables = Vec::new();
    let start = translations + 8 * pairs.len();
    for text in pairs.iter().map(|it| it.0).chain(pairs.iter().map(|it| it.1)) {
        tables.extend(number(text.len()));
        tables.extend(number(start + texts.len()));
        texts.extend(text.as_bytes());
        texts.push(0);
    }
    let head = [0x9504_12de, 0, pairs.len(), originals, translations, 0, 0];
    let head: Vec<u8> = head.into_iter().flat_map(number).collect();
    [head, tables, texts].concat()
}
