//! The person's settings: read, checked, watched, edited.
//!
//! [`file`] is the TOML word for word; [`Settings`] is what the rooms were promised. A broken file changes nothing and
//! is answered with file, line and what was expected.
//!
//! **Invariant:** this room imports `koji`, `watch` and `bus::broker`.

pub mod settings;

pub use settings::{Instance, Settings};
