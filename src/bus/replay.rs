//! Recorded messages as a source.
