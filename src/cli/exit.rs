//! The exit codes, as the manual has them.

use std::process::ExitCode;

use crate::config::ConfigError;

/// How the program ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something went wrong; it was said on standard error.
    Failed = 1,
    /// The command line was wrong (clap's own code).
    Usage = 2,
    /// The configuration is broken.
    Configuration = 3,
    /// koji-notify is not running.
    NotRunning = 4,
    /// `check` found something that does not work.
    Trouble = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Returns the exit code that tells a script what kind of error it was.
pub(super) fn of(error: &anyhow::Error) -> Exit {
    if error.is::<ConfigError>() {
        Exit::Configuration
    } else if error.is::<NotRunning>() {
        Exit::NotRunning
    } else if error.is::<Unread>() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

/// There is nobody to talk to.
#[derive(Debug, thiserror::Error)]
#[error("koji-notify is not running in this session")]
pub(super) struct NotRunning;

/// Whoever read our output has seen enough (`koji-notify replay … | head`). That is no failure.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads our output any more")]
pub(super) struct Unread;
