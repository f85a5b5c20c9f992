//! `koji-notify daemon`: runs in the desktop session until it ends.

use anyhow::{Context as _, Result, bail};

use super::exit::Exit;
use super::say;
use crate::config::Places;
use crate::daemon::{Ended, Screen, Work};
use crate::i18n::tr;

pub(super) async fn run(places: Places) -> Result<Exit> {
    let connection = zbus::Connection::session()
        .await
        .context("there is no session bus; koji-notify runs inside a desktop session (try `koji-notify demo`)")?;
    let ended = crate::daemon::run(Work::Live(places), Screen::Desktop(connection)).await?;
    match ended {
        Ended::Done => {}
        Ended::AlreadyRunning => say(&tr("koji-notify is already running"))?,
        Ended::SessionOver => bail!("the session bus is gone; what is still to be told is told at the next start"),
    }
    Ok(Exit::Done)
}
