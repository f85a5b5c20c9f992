//! Hostile input: every check of `fuzz`, with each seed, each input that once broke something, and mutations of them.
//!
//! The fuzzer goes on for hours where this goes on for a second or two; what must hold is written once.

#[allow(unreachable_pub, reason = "in `fuzz` they are doors")]
#[path = "../../fuzz/src/checks/mod.rs"]
mod checks;

use std::panic::{self, AssertUnwindSafe};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use checks::{TARGETS, Target};

macro_rules! doors {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            stands(stringify!($name));
        })*

        #[test]
        fn each_door_is_tried() {
            let tried = [$(stringify!($name)),*];
            assert_eq!(tried, TARGETS.map(|it| it.name));
        }
    };
}

doors!(bus koji_bus xmlrpc log card replay headers meant ini configuration fedora_messaging catalog);

/// How much is made up for a target, in bytes. A second or so of an unoptimised program.
const MADE_UP: usize = 512 * 1024;

fn stands(name: &str) {
    let target = TARGETS.into_iter().find(|it| it.name == name).unwrap();
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for seed in &seeds {
        try_it(&target, &seed.name, &seed.bytes);
    }
    // Whole recordings are the fuzzer's; here many short inputs are worth more than a few long ones.
    let seeds: Vec<Vec<u8>> = seeds
        .into_iter()
        .map(|it| it.bytes)
        .filter(|it| it.len() <= target.longest)
        .collect();
    let size = seeds.iter().map(Vec::len).sum::<usize>() / seeds.len() + 64;
    let config = Config {
        cases: u32::try_from(MADE_UP / size).unwrap().clamp(200, 2000),
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let changes = vec(change(), 1..6);
    let made_up = (any::<Index>(), any::<Index>(), changes).prop_map(|(one, other, changes)| {
        let (one, other) = (one.get(&seeds), other.get(&seeds));
        changes
            .iter()
            .fold(one.clone(), |bytes, it| it.made(bytes, other, target.words))
    });
    let ran = TestRunner::new_with_rng(config, rng).run(&made_up, |bytes| {
        (target.check)(&bytes);
        Ok(())
    });
    if let Err(broken) = ran {
        panic!("{name}: {broken}");
    }
}

/// Says which seed it was.
fn try_it(target: &Target, seed: &str, bytes: &[u8]) {
    if let Err(broken) = panic::catch_unwind(AssertUnwindSafe(|| (target.check)(bytes))) {
        eprintln!("{}: the seed {seed} breaks it", target.name);
        panic::resume_unwind(broken);
    }
}

/// Something that is done to an input.
#[derive(Clone, Debug)]
enum Change {
    /// A byte becomes another.
    Byte(Index, u8),
    /// A piece is taken out.
    Out(Index, usize),
    /// A piece is said so many times more.
    Again(Index, usize, usize),
    /// A word is put in.
    Word(Index, Index),
    /// From here on it goes on as another input.
    Other(Index, Index),
    /// Nothing more comes.
    End(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, it)| Change::Byte(at, it)),
        2 => (at(), 1_usize..64).prop_map(|(at, length)| Change::Out(at, length)),
        1 => (at(), 1_usize..64, 1_usize..20).prop_map(|(at, length, times)| Change::Again(at, length, times)),
        4 => (at(), at()).prop_map(|(at, word)| Change::Word(at, word)),
        1 => (at(), at()).prop_map(|(at, there)| Change::Other(at, there)),
        1 => at().prop_map(Change::End),
    ]
}

impl Change {
    fn made(&self, bytes: Vec<u8>, other: &[u8], words: &[&str]) -> Vec<u8> {
        let place = |it: &Index, bytes: &[u8]| it.index(bytes.len() + 1);
        let split = |it: &Index| bytes.split_at(place(it, &bytes));
        match self {
            Self::Byte(at, it) => {
                let (before, after) = split(at);
                [before, &[*it], after.get(1..).unwrap_or_default()].concat()
            }
            Self::Out(at, length) => {
                let (before, after) = split(at);
                [before, after.get(*length..).unwrap_or_default()].concat()
            }
            Self::Again(at, length, times) => {
                let (before, after) = split(at);
                let piece = after.get(..*length).unwrap_or(after);
                [before, &piece.repeat(*times), after].concat()
            }
            Self::Word(at, word) => {
                let (before, after) = split(at);
                [before, word.get(words).as_bytes(), after].concat()
            }
            Self::Other(at, there) => [split(at).0, other.split_at(place(there, other)).1].concat(),
            Self::End(at) => split(at).0.to_owned(),
        }
    }
}
