//! Writes the seeds of all targets to `fuzz/corpus`, and their words to `fuzz/corpus/TARGET.dict`.
//!
//! usage: cargo run --manifest-path fuzz/Cargo.toml --example seeds

use std::collections::BTreeSet;
use std::fs;

use koji_notify_fuzz::checks::{TARGETS, seeds};

fn main() {
    let corpus = seeds::root().join("fuzz/corpus");
    for target in TARGETS {
        let folder = corpus.join(target.name);
        fs::create_dir_all(&folder).unwrap();
        let mut names = BTreeSet::new();
        for seed in (target.seeds)() {
            assert!(
                names.insert(seed.name.clone()),
                "{} has two seeds {}",
                target.name,
                seed.name
            );
            fs::write(folder.join(&seed.name), &seed.bytes).unwrap();
        }
        let words: String = target.words.iter().map(|it| format!("\"{}\"\n", escaped(it))).collect();
        fs::write(corpus.join(format!("{}.dict", target.name)), words).unwrap();
        println!("{} {} {}", target.name, names.len(), target.longest);
    }
}

/// Spells a word as libFuzzer reads it.
fn escaped(word: &str) -> String {
    let byte = |it: u8| match it {
        b'"' | b'\\' => format!("\\{}", char::from(it)),
        b' '..=b'~' => char::from(it).to_string(),
        _ => format!("\\x{it:02X}"),
    };
    word.bytes().map(byte).collect()
}
