//! `koji-notify window`: becomes the program that shows the history in a window.

use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result};

use super::exit::Exit;
use crate::config::Places;
use crate::desktop::window::{self, PROGRAM};

#[derive(Debug, clap::Args)]
pub(super) struct Window {
    /// Begin with only what this text finds: a part of a name, a state, an architecture
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// It is a package of its own.
#[derive(Debug, thiserror::Error)]
#[error("{PROGRAM} is not installed; it is in the package of that name, and `make window` builds it from the source")]
struct NoWindow;

impl Window {
    /// Does not come back unless the program cannot be run.
    pub(super) fn run(self, places: &Places) -> Result<Exit> {
        let program = window::program().ok_or(NoWindow)?;
        let mut command = window::command(&program, places.file.as_deref());
        command.args(self.filter.map(|it| format!("--filter={it}")));
        let error = command.exec();
        Err(error).with_context(|| format!("{} could not be run", program.display()))
    }
}
