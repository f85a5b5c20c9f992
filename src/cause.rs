//! Why a build failed: from a fault's text and the ends of its logs to a class, a log and the lines that decide.
//!
//! [`fault::judge`] reads what the hub says and tells which logs are worth a look; [`log::read`] reads the end of one;
//! [`conclude`] puts both together. The rules are data, each with its example. No I/O: the texts are handed in.
//!
//! It deliberately does not know which task failed first: the caller finds the child, and hands in its fault.
//!
//! **Invariant:** this room imports `koji` and nothing else of ours. Whatever bytes come in, nothing panics, the time is
//! linear in their number, and what comes out is short and free of control characters.

mod conclusion;
pub mod fault;
pub mod log;
mod pattern;
mod text;

pub use conclusion::{Conclusion, conclude};

#[cfg(test)]
mod tests;

/// How much a finding is worth.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Sure {
    /// It looks like it, and something better may be found elsewhere.
    Guess,
    /// A tool says so, and the rest of the log agrees.
    Likely,
    /// Nothing that is read elsewhere can change it.
    Certain,
}
