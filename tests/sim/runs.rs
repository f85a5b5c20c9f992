//! Runs of many seeds, of one, and of kept stories; and how a run that fails is cut down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, thread};

use crate::log::Log;
use crate::mutants::Mutant;
use crate::plan::Plan;
use crate::world::World;

/// How many seeds are run where nobody says.
const SEEDS: u64 = 300;

/// How many runs a shrinking may take.
const MAX_TRIES: usize = 3000;

/// Runs a plan and returns what is complained of.
fn run(plan: &Plan, mutant: Option<Mutant>, log: Log) -> (Vec<String>, Log) {
    let mut world = World::new(plan, mutant, log);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run()));
    if let Err(panic) = ran {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        world
            .oracle
            .complaints
            .push(format!("it panics: {}", text.unwrap_or_default()));
    }
    (world.oracle.complaints, world.log)
}

fn complaints(plan: &Plan, mutant: Option<Mutant>) -> Vec<String> {
    run(plan, mutant, Log::default()).0
}

/// Takes away what a failure does not need: big pieces first, then single actions.
fn shrink(plan: &Plan, mutant: Option<Mutant>) -> Plan {
    let mut best = plan.clone();
    let mut tries = 0;
    let mut piece = (best.steps.len() / 2).max(1);
    loop {
        let mut has_shrunk = false;
        let mut at = 0;
        while at < best.steps.len() && tries < MAX_TRIES {
            let mut candidate = best.clone();
            let end = (at + piece).min(candidate.steps.len());
            candidate.steps.drain(at..end);
            tries += 1;
            if complaints(&candidate, mutant).is_empty() {
                at += piece;
            } else {
                best = candidate;
                has_shrunk = true;
            }
        }
        if tries >= MAX_TRIES || (piece == 1 && !has_shrunk) {
            return best;
        }
        piece = (piece / 2).max(1);
    }
}

/// Says all about a run that failed, and returns it as text.
fn report(plan: &Plan, mutant: Option<Mutant>) -> String {
    let small = if number("WHOLE").is_some() {
        plan.clone()
    } else {
        shrink(plan, mutant)
    };
    let (complaints, log) = run(&small, mutant, Log::kept());
    let story = small.write();
    let log = log.lines.join("\n");
    format!(
        "seed {}\n\n{log}\n\nstory:\n{story}\n{}\n",
        plan.setting.seed,
        complaints.join("\n")
    )
}

fn number(name: &str) -> Option<u64> {
    env::var(name)
        .ok()
        .filter(|it| !it.is_empty())
        .map(|it| it.parse().unwrap())
}

/// Runs seeds on all cores; returns the first that fails.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may use all cores, and look how long it takes"
)]
fn run_seeds(first: u64, count: u64) -> Option<u64> {
    let next = AtomicU64::new(first);
    let worst = AtomicU64::new(u64::MAX);
    let goes_on = env::var_os("ON").is_some();
    let ran = AtomicU64::new(0);
    let began = std::time::Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || (seed > worst.load(Ordering::Relaxed) && !goes_on) {
                        return;
                    }
                    ran.fetch_add(1, Ordering::Relaxed);
                    if !complaints(&Plan::of(seed), None).is_empty() {
                        println!("seed {seed} complains");
                        worst.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let ran = ran.into_inner();
    println!(
        "{ran} seeds from {first} in {seconds:.1} s, {:.0} in a second",
        ran as f64 / seconds
    );
    Some(worst.into_inner()).filter(|it| *it != u64::MAX)
}

/// `SEED=x` runs one seed, `SEEDS=n` so many, from `FROM`; with `ON=1` also those after one that complains.
#[test]
fn nothing_is_missed_and_nothing_is_told_twice() {
    let failed = match number("SEED") {
        Some(seed) => Some(seed).filter(|it| !complaints(&Plan::of(*it), None).is_empty()),
        None => run_seeds(number("FROM").unwrap_or(1), number("SEEDS").unwrap_or(SEEDS)),
    };
    if let Some(seed) = failed {
        panic!("{}", report(&Plan::of(seed), None));
    }
}

#[test]
fn a_seed_is_always_the_same_run() {
    for seed in 1..=10 {
        let plan = Plan::of(seed);
        let first = run(&plan, None, Log::kept()).1;
        let second = run(&Plan::read(&plan.write()), None, Log::kept()).1;
        assert!(first.lines.len() > 10, "nothing happens");
        let differs = first.lines.iter().zip(&second.lines).find(|(a, b)| a != b);
        assert_eq!(differs, None);
        assert_eq!(first.hash, second.hash);
    }
}

#[test]
fn kept_stories_end_well() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sim/stories");
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let plan = Plan::read(&fs::read_to_string(&file).unwrap());
        let complaints = complaints(&plan, None);
        assert!(complaints.is_empty(), "{}: {complaints:?}", file.display());
    }
}

/// How many seeds may be needed to notice a mutant.
const SEEDS_FOR_A_MUTANT: u64 = 400;

/// Returns the first seed whose run shows what a mutant does, of those that show nothing without it.
fn notice(mutant: Mutant, first: u64, count: u64) -> Option<u64> {
    let is_noticed = |seed: &u64| {
        let plan = Plan::of_trouble(*seed);
        !complaints(&plan, Some(mutant)).is_empty() && complaints(&plan, None).is_empty()
    };
    (first..first + count).find(is_noticed)
}

macro_rules! mutants {
    ($($test:ident: $mutant:ident from $first:literal,)*) => {
        $(
            #[test]
            fn $test() {
                let noticed = notice(Mutant::$mutant, $first, SEEDS_FOR_A_MUTANT);
                println!("{:?} is noticed with seed {noticed:?}", Mutant::$mutant);
                assert!(noticed.is_some(), "{:?} is not noticed", Mutant::$mutant);
            }
        )*

        #[test]
        fn every_mutant_has_a_test() {
            assert_eq!([$(Mutant::$mutant),*].len(), Mutant::ALL.len());
        }
    };
}

mutants! {
    who_acknowledges_first_is_noticed: AcknowledgesFirst from 1,
    who_records_early_is_noticed: RecordsEarly from 1,
    who_loses_messages_is_noticed: LosesMessages from 1,
    who_loses_what_is_due_is_noticed: LosesDue from 70,
    who_loses_what_was_told_is_noticed: LosesTold from 1,
    who_loses_marks_is_noticed: LosesMarks from 150,
    who_loses_stories_is_noticed: LosesStories from 1,
    who_resumes_without_what_is_due_is_noticed: ResumesWithoutDue from 70,
    who_resumes_without_stories_is_noticed: ResumesWithoutStories from 1,
    who_ignores_returns_is_noticed: IgnoresReturns from 1,
    who_writes_halves_is_noticed: WritesHalves from 240,
    who_never_syncs_is_noticed: NeverSyncs from 1,
    who_forgets_at_the_end_is_noticed: ForgetsAtTheEnd from 1,
    who_loses_outcomes_is_noticed: LosesOutcomes from 1,
    who_loses_refusals_is_noticed: LosesRefusals from 1,
    who_renames_messages_is_noticed: RenamesMessages from 1,
    who_marks_too_late_is_noticed: MarksTooLate from 1,
}
