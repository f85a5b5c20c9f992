//! `koji-notify pause` and `koji-notify resume`, asked over D-Bus.

use anyhow::Result;

use super::client;
use super::exit::Exit;

/// The longest pause with an end, in minutes: a leap year, as our D-Bus interface has it.
const LONGEST: i64 = 366 * 24 * 60;

#[derive(Debug, clap::Args)]
pub(super) struct Pause {
    /// For so many minutes; without it, until `koji-notify resume`
    #[arg(value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=LONGEST))]
    minutes: Option<u32>,

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
            client.pause(self.minutes.unwrap_or(0)).await?;
        }
        Ok(Exit::Done)
    }
}

pub(super) async fn resume() -> Result<Exit> {
    client().await?.resume().await?;
    Ok(Exit::Done)
}
