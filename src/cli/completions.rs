//! `koji-notify completions`: a completion script for a shell.

use anyhow::Result;
use clap::CommandFactory as _;

use super::Arguments;
use super::exit::Exit;

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell that completes
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "koji-notify", &mut script);
        super::say(String::from_utf8(script)?.trim_end())?;
        Ok(Exit::Done)
    }
}
