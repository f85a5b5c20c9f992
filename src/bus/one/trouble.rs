//! Why a line of AMQP 1.0 is down.
//!
//! Promise: as that of [`crate::bus::trouble`]: every cause becomes a [`Problem`] that differs in what a person can do,
//! with the broker's own words as detail.
//!
//! It deliberately does not know the words a person reads.

use std::io;
use std::time::Duration;

use super::super::password::PasswordError;
use super::super::trouble::{LinkError, of_tls};
use super::frame::{Odd, Said};
use crate::net::trouble::{NetError, detail, tls_error};
use crate::watch::Trouble;
use crate::watch::link::Problem;

/// Why a line is down, or did not come up.
#[derive(Debug, thiserror::Error)]
pub(super) enum OneError {
    #[error(transparent)]
    Line(#[from] LinkError),
    #[error("what listens there does not speak AMQP 1.0")]
    NotOurs(#[source] Odd),
    #[error("the broker takes no {wanted}, but {offered}")]
    NoSuchLogin { wanted: &'static str, offered: String },
    #[error("the login failed: {0}")]
    Login(&'static str),
    #[error("the broker does not let us in: {0}")]
    Closed(Said),
    #[error("cannot read from {address}: {said}")]
    Refused { address: String, said: Said },
    #[error("what is read from {0} is taken from whoever else reads it")]
    NotLent(String),
    #[error("RabbitMQ leaves a queue behind for whoever listens in by AMQP 1.0")]
    Rabbit,
    #[error("the broker has ended the line: {0}")]
    Ended(Said),
    #[error("the broker broke the rules")]
    Odd(#[source] Odd),
    #[error("nothing was heard for {} s, not even a sign of life", .0.as_secs_f32())]
    Quiet(Duration),
    #[error("the line broke")]
    Lost(#[source] io::Error),
}

impl From<NetError> for OneError {
    fn from(error: NetError) -> Self {
        Self::Line(error.into())
    }
}

impl From<PasswordError> for OneError {
    fn from(error: PasswordError) -> Self {
        Self::Line(error.into())
    }
}

impl OneError {
    /// Returns what is wrong, in the hub's words, and what the other side or the library said about it.
    pub(super) fn trouble(&self) -> (Problem, String) {
        if let Self::Line(error) = self {
            return error.trouble();
        }
        (self.problem(), detail(self, ToString::to_string))
    }

    fn problem(&self) -> Problem {
        match self {
            Self::Line(error) => error.trouble().0,
            Self::NotOurs(_) => Problem::NotABroker,
            Self::NoSuchLogin { .. } | Self::Login(_) => Problem::LoginRefused,
            Self::Closed(said) => of_opening(said),
            Self::Refused { said, .. } => of_reading(said),
            Self::NotLent(_) | Self::Rabbit => Problem::QueueMismatch,
            Self::Ended(said) => of_ending(said),
            Self::Odd(_) | Self::Quiet(_) => Problem::Interrupted,
            Self::Lost(error) => tls_error(error).map_or(Problem::Interrupted, of_tls),
        }
    }
}

fn of_opening(said: &Said) -> Problem {
    match &*said.condition {
        // Who we are was accepted before, so it is the virtual host that is closed to us, or not there.
        "amqp:unauthorized-access" | "amqp:not-found" | "amqp:not-allowed" | "amqp:invalid-field" => {
            Problem::NoVirtualHost
        }
        _ => Problem::Unreachable,
    }
}

fn of_reading(said: &Said) -> Problem {
    match &*said.condition {
        "amqp:unauthorized-access" | "amqp:not-allowed" => Problem::NotPermitted,
        "amqp:resource-locked" => Problem::QueueTaken,
        "amqp:not-found"
        | "amqp:invalid-field"
        | "amqp:precondition-failed"
        | "amqp:not-implemented"
        | "amqp:illegal-state" => Problem::QueueMismatch,
        _ => Problem::Interrupted,
    }
}

/// What a broker may say at any time of a line that was up.
fn of_ending(said: &Said) -> Problem {
    match &*said.condition {
        "amqp:unauthorized-access" => Problem::NotPermitted,
        _ => Problem::Interrupted,
    }
}

/// Returns the trouble that is worth more to a person: the first that does not pass by itself, else the last.
pub(super) fn graver(before: Option<Trouble>, now: Trouble) -> Trouble {
    match before {
        Some(before) if !before.problem.is_passing() => before,
        Some(_) | None => now,
    }
}
