//! What setup says to a program, such as the window: a line of JSON for each thing.

use std::path::Path;

use serde::Serialize;

use crate::cli::check::Finding;

/// One thing that is said. Its name is the only key of the object.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line<'a> {
    /// Something is there that cannot be used.
    Unusable(&'a str),
    /// A Koji that can be configured.
    Choice {
        name: &'a str,
        text: &'a str,
        /// It is in the configuration that would be written.
        taken: bool,
    },
    /// Nobody knows who the person is on this instance. Nothing else is said after it.
    Nobody(&'a str),
    /// Something was looked at.
    Finding(&'a Finding),
    /// Whether all that was looked at works.
    Works(bool),
    /// What would be written.
    Would { file: &'a Path, text: &'a str },
    /// It is written.
    Written(&'a Path),
    /// A sentence for the person.
    Says(&'a str),
}
