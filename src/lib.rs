//! koji-notify tells a packager on the desktop how the builds are doing.
//!
//! The map of the house, rooms in reading order. News comes in at `bus` and `hub`, `watch` decides what follows from it,
//! `view` words it, `desktop` shows it, `daemon` carries it from room to room. Imports run inward only:
//! `koji` ← `watch` ← `bus`, `hub`, `view` ← `config`, `desktop` ← `daemon` ← `cli`; `tests/it/tidy.rs` holds the walls.

pub mod koji;

pub mod watch;

pub mod i18n;
pub mod view;

pub mod config;

pub mod net;

pub mod bus;

pub mod cause;
pub mod hub;

pub mod journal;

pub mod desktop;

pub mod clock;
pub mod daemon;

pub mod cli;
