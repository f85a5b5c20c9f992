//! Faults, real ones, while news comes: kills, a broker, a network, a screen, a disk, a clock that fail. After each,
//! the [`oracle`] compares what was published with what was shown over all lives of the daemon.
//!
//! What is promised: each ending of mine is told at least once; and once only, but for what was on screen and not yet on
//! record when the daemon was killed, which may be told once more. What is on record as told was really on a screen.

mod brokers;
mod clocks;
mod dice;
mod disks;
mod flood;
mod kills;
mod oracle;
mod screens;
pub(crate) mod secrets;
mod trial;
mod wire;
