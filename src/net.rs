//! The way out of the machine, for whoever needs one: finding a host, reaching it in time, and whom to trust there.
//!
//! Promise: everything is dialled directly, under the caller's time limit, and is believed only with a certificate.
//! There is no way through a proxy, and none around a certificate that is not good.
//!
//! It deliberately does not know what is said on the line.
//!
//! **Invariant:** this room imports `clock` and nothing else of ours.

pub mod credentials;
pub mod dial;
pub mod secret;
pub mod trouble;
