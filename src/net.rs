//! The way out of the machine, for whoever needs one: finding a host, reaching it in time, and whom to trust there.
//!
//! It deliberately does not know what is said on the line.
