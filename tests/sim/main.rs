//! The whole program in a simulated world, many times. How it is meant, what is held and how to replay a run:
//! `README.md` beside this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_arguments,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop at once, and print what it saw"
)]

mod broker;
mod desk;
mod dice;
mod disk;
mod doing;
mod house;
mod koji;
mod log;
mod messages;
mod model;
mod mutants;
mod oracle;
mod plan;
mod runs;
mod time;
mod world;
