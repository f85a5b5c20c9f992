//! Hostile input. What must hold is in [`checks`], which `tests/it/hostile.rs` shares; `fuzz_targets` hands it what
//! libFuzzer makes up. How to run it: `fuzz/README.md`.

pub mod checks;

use std::fs;

use checks::{TARGETS, seeds};

/// Writes a target's seeds to `fuzz/corpus/NAME`, and its words to `fuzz/corpus/NAME.dict`, before libFuzzer looks there.
pub fn prepare(name: &str) {
    let target = TARGETS.into_iter().find(|it| it.name == name);
    let target = target.unwrap_or_else(|| panic!("{name} is not among the targets"));
    let corpus = seeds::root().join("fuzz/corpus");
    let folder = corpus.join(name);
    fs::create_dir_all(&folder).unwrap();
    for seed in (target.seeds)() {
        fs::write(folder.join(&seed.name), &seed.bytes).unwrap();
    }
    let words = target.words.iter().map(|it| format!("\"{}\"\n", escaped(it)));
    fs::write(corpus.join(format!("{name}.dict")), words.collect::<String>()).unwrap();
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
