//! Why a build failed: from a fault's text and the ends of its logs to a class, a log and the lines that decide.
//!
//! The rules are data, each with its example. No I/O: the texts are handed in.
//!
//! **Invariant:** this room imports `koji` and nothing else of ours.
