//! The window as it is: its lines, and what a person at the keyboard and a screen reader have of it.
#![allow(clippy::unwrap_used, reason = "a test may end anywhere")]

mod desk;
mod printed;
mod record;
