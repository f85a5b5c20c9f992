//! What `koji-notify setup --json` says, line by line.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::settings::Finding;

/// One thing that is said: `cli::setup` of the program has the same.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    Unusable(String),
    Choice { name: String, text: String, taken: bool },
    Nobody(String),
    Finding(Finding),
    Works(bool),
    Would { file: PathBuf, text: String },
    Written(PathBuf),
    Says(String),
}

/// Reads a line.
pub(super) fn line(printed: &str) -> Result<Line> {
    serde_json::from_str(printed).context("what koji-notify setup printed cannot be read")
}
