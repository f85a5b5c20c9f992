//! Hostile input. What must hold is in [`checks`], which `tests/it/hostile.rs` shares; `fuzz_targets` hands it what
//! libFuzzer makes up. How to run it: `fuzz/README.md`.

pub mod checks;
