//! The session bus side: notifications, the tray, our own D-Bus interface, and the programs that open things.
//!
//! Adapters only: they translate values of `view` into D-Bus and what a person does into [`crate::watch::Event`]s.
//! No decision and no sentence is made here. A server that is absent, late, slow or gone stops nothing.
//!
//! **Invariant:** this room imports `koji`, `watch`, `view` and `clock`.

pub mod client;
pub mod hooks;
pub mod icons;
pub mod notices;
pub mod opener;
pub mod power;
pub mod probe;
pub mod quiet;
pub mod service;
pub mod session;
pub mod sleep;
pub mod tray;
pub mod window;
