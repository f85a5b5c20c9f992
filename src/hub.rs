//! The Koji hub: asked for what the bus does not say.
//!
//! [`fault`], `xmlrpc`, `call` and `ini` are pure; the rest speaks HTTP. Everything is asked anonymously unless an
//! instance is configured to log in, and nothing is ever changed there but by a person's confirmed wish.
//!
//! It deliberately does not decide when to ask, nor what an answer means to a person: that is `watch`.

pub mod access;
pub mod account;
pub mod archive;
pub mod asker;
pub mod call;
pub mod client;
mod explain;
pub mod fault;
pub mod files;
mod http;
pub mod ini;
pub mod login;
pub mod look;
pub mod names;
mod patience;
pub mod profile;
pub mod session;
pub mod trouble;
pub mod xmlrpc;
