//! `koji-notify pause` and `koji-notify resume`, asked over D-Bus.

use std::num::NonZeroU32;

use anyhow::Result;

use super::client;
use super::exit::Exit;

#[derive(Debug, clap::Args)]
pub(super) struct Pause {
    /// For so many minutes; without it, until `koji-notify resume`
    #[arg(value_name = "MINUTES")]
    minutes: Option<NonZeroU32>,

    /// Until the next midnight
    #[arg(long, conflicts_with = "minutes")]
    until_tomorrow: bool,
}

impl Pause {
    pub(super) async fn run(self) -> Result<Exit> {
        let client = client().await?;
        if self.until_tomorrow {
            client.pause_until_tomorrow().await?;
        } else {
            client.pause(self.minutes.map_or(0, NonZeroU32::get)).await?;
        }
        Ok(Exit::Done)
    }
}

pub(super) async fn resume() -> Result<Exit> {
    client().await?.resume().await?;
    Ok(Exit::Done)
}
