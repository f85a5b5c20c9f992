//! The broker: logs in, hears, and puts what it hears into the hub's words.
//!
//! Promise: what it reports was understood, is of interest, and is acknowledged only when the loop says so. What
//! cannot be read is counted, logged once per kind and acknowledged. The line comes back by itself.
//!
//! It deliberately does not know what is told of the news, or to whom.
//!
//! **Invariant:** this room imports `koji`, `watch`, `net` and `clock`.

pub mod amqp;
pub mod binding;
pub mod broker;
mod calls;
pub mod copies;
pub mod decode;
mod dial;
mod fingerprint;
mod ledger;
pub mod live;
pub mod one;
mod password;
mod patience;
pub mod patrol;
pub mod post;
pub mod probe;
pub mod recorded;
pub mod replay;
mod session;
pub mod sieve;
pub mod source;
pub mod table;
pub mod tap;
pub mod trouble;
mod wire;

pub use live::BrokerSource;
