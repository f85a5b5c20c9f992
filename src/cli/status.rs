//! `koji-notify status`: how the running program is doing, asked over D-Bus.

use anyhow::Result;

use super::exit::Exit;
use super::{client, say};
use crate::i18n::{fill, tr};
use crate::view;

#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self) -> Result<Exit> {
        let status = crate::desktop::client::status(&client().await?).await?;
        let text = if self.json {
            serde_json::to_string_pretty(&status)?
        } else {
            describe(&status)
        };
        say(&text)?;
        Ok(Exit::Done)
    }
}

fn describe(status: &view::Status) -> String {
    let mut lines = vec![status.summary.clone()];
    for instance in &status.instances {
        let heard = instance.heard.to_string();
        let values = [
            ("instance", &*instance.name),
            ("text", &instance.text),
            ("heard", &heard),
        ];
        lines.push(fill(&tr("{instance}: {text}; messages heard: {heard}"), &values));
        if instance.spoiled > 0 {
            let values = [
                ("instance", &*instance.name),
                ("spoiled", &instance.spoiled.to_string()),
            ];
            lines.push(fill(
                &tr("{instance}: messages that could not be read: {spoiled}"),
                &values,
            ));
        }
    }
    let counts = [
        ("finished", &*status.finished.to_string()),
        ("failed", &status.failed.to_string()),
        ("canceled", &status.canceled.to_string()),
    ];
    let sentence = tr("Since the start: {finished} built, {failed} failed, {canceled} canceled");
    lines.push(fill(&sentence, &counts));
    if !status.notifications {
        let waiting = status.waiting.to_string();
        let sentence = tr("No notification server is running; notices that wait: {waiting}");
        lines.push(fill(&sentence, &[("waiting", &waiting)]));
    }
    if !status.tray {
        lines.push(tr("No tray is running; everything works without it"));
    }
    if let Some(trouble) = &status.configuration {
        lines.push(tr("The configuration has a mistake; the old one is still in use"));
        lines.push(trouble.clone());
    }
    lines.join("\n")
}
