//! The exit codes, as the manual has them.

use std::process::ExitCode;
use std::time::Duration;

use super::history::NobodyToAsk;
use super::hub::{NoHub, Twice};
use crate::config::ConfigError;
use crate::desktop::service::Refused;
use crate::hub::trouble::HubError;
use crate::koji::meant::one_line;

/// The most characters of what the daemon says; it may be what a hub has said.
const MAX_SAID: usize = 500;

/// How the program ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something went wrong; it was said on standard error. Or what was waited for has failed.
    Failed = 1,
    /// The command line was wrong (clap's own code).
    Usage = 2,
    /// The configuration is broken.
    Configuration = 3,
    /// koji-notify is not running.
    NotRunning = 4,
    /// `check` found something that does not work, or a hub could not be asked.
    Trouble = 5,
    /// What was waited for was canceled.
    Canceled = 6,
    /// What was waited for has not ended in time.
    TimedOut = 7,
    /// The hub has answered a call with a fault.
    Fault = 8,
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
    } else if error.is::<NotRunning>() || error.is::<Gone>() {
        Exit::NotRunning
    } else if error.is::<TimedOut>() {
        Exit::TimedOut
    } else if let Some(refusal) = error.downcast_ref::<Refusal>() {
        refusal.exit
    } else if let Some(no) = error.downcast_ref::<NoHub>() {
        match no {
            NoHub::Unknown(..) | NoHub::Several(_) => Exit::Usage,
            NoHub::None(_) => Exit::Trouble,
        }
    } else if error.is::<Twice>() || error.is::<NobodyToAsk>() {
        Exit::Usage
    } else if error.is::<HubError>() {
        Exit::Trouble
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

/// It was there when we began.
#[derive(Debug, thiserror::Error)]
#[error("koji-notify has gone away")]
pub(super) struct Gone;

/// It takes too long.
#[derive(Debug, thiserror::Error)]
#[error("it has not ended within {0:?}")]
pub(super) struct TimedOut(pub(super) Duration);

/// The daemon or a hub says that it cannot be done.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
struct Refusal {
    said: String,
    exit: Exit,
}

/// Returns what a person is told of it.
pub(super) fn refused(refused: Refused) -> anyhow::Error {
    let (said, exit) = match refused {
        Refused::NotUnderstood(said) => (said, Exit::Usage),
        Refused::Unknown(said) | Refused::NoHub(said) | Refused::NoAnswer(said) | Refused::Busy(said) => {
            (said, Exit::Trouble)
        }
        Refused::ZBus(zbus::Error::MethodError(name, _, _)) if is_absence(&name) => return Gone.into(),
        Refused::ZBus(zbus::Error::InputOutput(_)) => return Gone.into(),
        Refused::ZBus(error) => {
            let said = format!("the running koji-notify cannot be asked: {error}");
            (said, Exit::Trouble)
        }
    };
    let said = one_line(&said, MAX_SAID);
    Refusal { said, exit }.into()
}

/// Returns what a person is told of a hub's fault.
pub(super) fn faulted(said: String) -> anyhow::Error {
    let exit = Exit::Fault;
    Refusal { said, exit }.into()
}

/// Returns the error that something does not work.
pub(super) fn trouble(said: String) -> anyhow::Error {
    let exit = Exit::Trouble;
    Refusal { said, exit }.into()
}

/// Returns the error that what was asked for cannot be.
pub(super) fn usage(said: String) -> anyhow::Error {
    let exit = Exit::Usage;
    Refusal { said, exit }.into()
}

/// Returns whether the bus says that nobody has our name, or that whoever had it has gone without an answer.
fn is_absence(error: &str) -> bool {
    let names = ["ServiceUnknown", "NameHasNoOwner", "NoReply"];
    let name = error.strip_prefix("org.freedesktop.DBus.Error.");
    name.is_some_and(|it| names.contains(&it))
}

/// Whoever read our output has seen enough (`koji-notify replay … | head`). That is no failure.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads our output any more")]
pub(super) struct Unread;
