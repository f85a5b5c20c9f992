//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

/// Shows what has become of your Koji builds
#[derive(Clone, Debug, Parser)]
#[command(name = "koji-notify-window", version)]
pub(crate) struct Arguments {
    /// Begin with only what this text finds: a part of a name, a state, an architecture
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,

    /// Read this configuration instead of ~/.config/koji-notify/config.toml
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Print the lines of the list instead of showing them
    #[arg(long)]
    pub(crate) print_rows: bool,
}

impl Arguments {
    /// Returns what the words mean, the program's name first; `None` if nothing.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        Self::try_parse_from(words).ok()
    }
}

/// Returns what we were started with. Ends the program, with its reason, where that makes no sense.
pub(crate) fn of_this_program() -> Arguments {
    <Arguments as Parser>::parse()
}
