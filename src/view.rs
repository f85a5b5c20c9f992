//! Facts into words: every sentence that a person reads, and every menu, as plain values.
//!
//! It looks at a `Watch` and at notices and answers with values that can be compared, printed and tested whole. The time
//! is handed in: what a menu says of it is true when it is made, and `progress` says how old it may get. It knows no
//! D-Bus and opens nothing; adapters in `desktop` and `cli` only translate what it returns.
//!
//! **Invariant:** this room imports `koji`, `watch` and `i18n`.

pub mod bar;
pub mod card;
mod cause;
mod deed;
mod digest;
pub mod entry;
pub mod facts;
mod followed;
pub mod heard;
pub mod history;
pub mod icon;
pub mod menu;
pub mod mute;
mod progress;
pub mod quiet;
pub mod status;
mod story;
#[cfg(test)]
mod tests;
mod text;
pub mod tray;
pub mod trouble;

pub use card::{Action, Card, Urgency};
pub use icon::{Badge, Icon};
pub use menu::{Item, Means, Menu};
pub use mute::MuteStatus;
pub use status::{InstanceStatus, Status};
pub use tray::Tray;
