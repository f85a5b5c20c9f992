//! The person's settings: read, checked, watched, edited.
//!
//! `file` is the TOML word for word; [`Settings`] is what the rooms were promised. A broken file changes nothing and
//! is answered with file, line and what was expected. What a person does not set is found: the broker by a preset,
//! the user name by [`identity`].
//!
//! It deliberately does not know what becomes of a setting: nobody is dialled from here, and nothing is told.
//!
//! **Invariant:** this room imports `koji`, `watch`, `bus::broker` and `clock`.

pub mod autostart;
pub mod change;
pub mod edit;
pub mod error;
pub mod found;
mod hooks;
mod hub;
pub mod identity;
pub mod paths;
pub mod preset;
pub mod settings;
pub mod watcher;

mod address;
mod broker;
mod document;
mod fedora_messaging;
mod file;
mod load;
mod machine;
mod one;
mod quiet;

pub use error::ConfigError;
pub use hooks::Program;
pub use load::{load, load_text};
pub use paths::Places;
pub use preset::Preset;
pub use settings::{Identity, Instance, Settings};
pub use watcher::Watcher;
