//! `koji-notify status --follow`: a line for each change, for a bar that reads them.
//!
//! It outlives the running program and goes on with the next one; it ends when it is told to, when nobody reads it any
//! more, and when the session does.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::Interest;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use zbus::Connection;

use super::{Form, RECENT};
use crate::cli::exit::{Exit, Gone, NotRunning};
use crate::cli::say;
use crate::clock;
use crate::desktop::client::{self, Picture, Stirs, picture};

/// How long more of a burst is waited for.
const BURST: Duration = Duration::from_millis(100);

/// How often what runs is looked at again: how far it is changes by itself.
const PROGRESS: Duration = Duration::from_secs(60);

/// How often it is asked again that did not answer, and after how long.
const MAX_REFUSED: u32 = 5;
const AGAIN: Duration = Duration::from_secs(2);

pub(super) async fn run(form: Form) -> Result<Exit> {
    let mut terminated = signal(SignalKind::terminate()).context("signals cannot be heard")?;
    let mut interrupted = signal(SignalKind::interrupt()).context("signals cannot be heard")?;
    tokio::select! {
        ended = lines(form) => ended,
        _ = terminated.recv() => Ok(Exit::Done),
        _ = interrupted.recv() => Ok(Exit::Done),
        () = unread() => Ok(Exit::Done),
    }
}

async fn lines(form: Form) -> Result<Exit> {
    let connection = Connection::session().await.map_err(|_| NotRunning)?;
    // Listening comes first, so that nothing falls in between.
    let mut stirs = Stirs::of(&connection).await?;
    let mut printed = None;
    let mut refused = 0;
    loop {
        let (seen, is_old) = match look(&connection, &mut stirs).await {
            Ok(seen) => seen,
            // It is ending, or does not answer for a moment.
            Err(error) if refused < MAX_REFUSED && !error.is::<Gone>() => {
                refused += 1;
                tokio::select! {
                    is_there = stirs.next() => is_there.then_some(()).ok_or(Gone)?,
                    () = clock::pass(AGAIN) => {}
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        refused = 0;
        let line = form.line(seen.as_ref(), clock::now())?;
        if printed.as_ref() != Some(&line) {
            say(&line)?;
            printed = Some(line);
        }
        let runs = seen.is_some_and(|it| !it.running.is_empty());
        if !is_old {
            tokio::select! {
                is_there = stirs.next() => is_there.then_some(()).ok_or(Gone)?,
                () = clock::pass(PROGRESS), if runs => {}
            }
        }
        let mut rest = std::pin::pin!(clock::pass(BURST));
        loop {
            tokio::select! {
                () = &mut rest => break,
                is_there = stirs.next() => is_there.then_some(()).ok_or(Gone)?,
            }
        }
    }
}

/// Asks how things stand, and returns whether something has changed meanwhile. `None`: the program does not run.
async fn look(connection: &Connection, stirs: &mut Stirs) -> Result<(Option<Picture>, bool)> {
    let mut is_old = false;
    let mut asking = std::pin::pin!(ask(connection));
    loop {
        tokio::select! {
            seen = &mut asking => return Ok((seen?, is_old)),
            // The signals are read all the time: an answer cannot pass those that nobody reads.
            is_there = stirs.next() => {
                is_there.then_some(()).ok_or(Gone)?;
                is_old = true;
            }
        }
    }
}

async fn ask(connection: &Connection) -> Result<Option<Picture>> {
    let Some(daemon) = client::client(connection).await? else {
        return Ok(None);
    };
    match picture(&daemon, RECENT).await {
        Ok(seen) => Ok(Some(seen)),
        // It has gone while it was asked.
        Err(_) if client::client(connection).await?.is_none() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns when whoever read standard output has closed it, if it is a pipe.
async fn unread() {
    // Opened anew: a pipe that does not block must not be the one that is written to.
    if let Ok(out) = pipe::OpenOptions::new().open_sender("/proc/self/fd/1")
        && let Ok(_) = out.ready(Interest::ERROR).await
    {
        return;
    }
    std::future::pending().await
}
