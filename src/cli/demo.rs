//! `koji-notify demo`: a packager's afternoon in about a minute, through the whole real path.
//!
//! The messages were recorded from a real hub and are built in. Where there is a session bus the notifications and the
//! tray are real; elsewhere the cards are printed. Nothing is read from or written to the person's configuration, and
//! nothing is opened: what a click would open is printed, since no real site knows these builds.

mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::exit::Exit;
use super::say;
use crate::bus::decode::Dialect;
use crate::bus::replay::{self, Record, Recording, Speed};
use crate::clock;
use crate::daemon::{Line, Pressed, Screen, Work};
use crate::i18n::{fill, tr};
use crate::koji::{InstanceName, Site};
use crate::view::{Card, Icon, Urgency};
use crate::watch::{Rules, Wanted, Whose};

/// The afternoon of Alice, who packages, and Bob, whose builds are none of her business.
const AFTERNOON: &str = include_str!("../../data/demo/afternoon.jsonl");

/// How long the demo takes, without the moment at its end. A burst is summed up a minute after the first notification.
const LENGTH: Duration = Duration::from_secs(64);

/// How long the icon is there after that, to be clicked.
const AFTERWARDS: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Print the notifications even if there is a desktop
    #[arg(long)]
    terminal: bool,

    /// Play this many times as fast as usual
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = super::replay::parse_speed)]
    speed: Speed,
}

impl Demo {
    pub(super) async fn run(self) -> Result<Exit> {
        let records = replay::records(AFTERNOON.as_bytes(), "the demo's recording")?;
        let instance = InstanceName::new(script::INSTANCE);
        let whose = Whose {
            users: BTreeSet::from(["alice".to_owned()]),
            packages: BTreeSet::new(),
            bus: true,
            hub: true,
            ..Whose::default()
        };
        let wanted = Wanted {
            started: true,
            tagged: true,
            in_repo: true,
            ..Wanted::default()
        };
        let site = Site {
            weburl: Some("https://koji.fedoraproject.org/koji".to_owned()),
            topurl: Some("https://kojipkgs.fedoraproject.org".to_owned()),
        };
        let (pressed, presses) = mpsc::unbounded_channel();
        let speed = fitting(&records, self.speed)?;
        let first = records.iter().find_map(|it| it.at).unwrap_or_default();
        let after = |at: Timestamp| {
            let distance = Duration::try_from(at.duration_since(first)).unwrap_or_default();
            distance.div_f64(speed.times())
        };
        let mut said: Vec<_> = script::said().into_iter().map(|(at, it)| (after(at), it)).collect();
        let desktop = desktop(self.terminal).await?;
        let linger = if desktop.is_some() { AFTERWARDS } else { Duration::ZERO };
        if desktop.is_some() {
            let end = LENGTH.div_f64(self.speed.times());
            said.push((end, tr("That was it. The icon stays for a moment, to be clicked.")));
        }
        let work = Work::Play {
            rules: Rules {
                wanted,
                instances: BTreeMap::from([(instance.clone(), whose)]),
                quiet: crate::watch::QuietRules::default(),
                zone: TimeZone::system(),
                live: false,
            },
            sites: BTreeMap::from([(instance.clone(), site)]),
            recording: Box::new(Recording {
                instance,
                dialect: Dialect::Recorded,
                speed,
                records,
                besides: script::besides(),
                begin: None,
            }),
            hub: Some(script::answer),
            pressed: Some(pressed),
            linger,
        };
        // Whoever stops reading stops the play.
        tokio::select! {
            ended = play(work, desktop) => ended,
            said = tell(said, presses) => said,
        }
    }
}

/// Says what happens and what was pressed, for as long as the play goes on.
async fn tell(said: Vec<(Duration, String)>, mut presses: mpsc::UnboundedReceiver<Pressed>) -> Result<Exit> {
    let begin = clock::now();
    let mut lines = said.into_iter().peekable();
    loop {
        let next = lines.peek().and_then(|(after, _)| begin.checked_add(*after).ok());
        tokio::select! {
            () = clock::reach(next), if next.is_some() => {
                if let Some((_, line)) = lines.next() {
                    say(&format!("\n{line}"))?;
                }
            }
            Some(pressed) = presses.recv() => say(&match pressed {
                // Translators: the demo opens nothing; {link} is the address of a page.
                Pressed::Page(link) => fill(&tr("This would open {link}"), &[("link", &link)]),
                Pressed::List(rows) => super::history::table(rows),
            })?,
            else => return std::future::pending().await,
        }
    }
}

/// Returns the speed at which the records take [`LENGTH`], times what was asked for.
fn fitting(records: &[Record], times: Speed) -> Result<Speed> {
    let mut times_of = records.iter().filter_map(|it| it.at);
    let first = times_of.next().context("the recording has no times")?;
    let last = times_of.next_back().unwrap_or(first);
    let length = last.duration_since(first).as_secs_f64() / LENGTH.as_secs_f64();
    Speed::new(length * times.times()).context("the recording has no length")
}

/// Returns the session bus if there is one and it is wanted, and says where to look.
pub(super) async fn desktop(terminal: bool) -> Result<Option<zbus::Connection>> {
    if terminal {
        return Ok(None);
    }
    let desktop = zbus::Connection::session().await.ok();
    say(&if desktop.is_some() {
        tr("Watch your desktop: the notifications and the tray icon are real, the builds are recorded.")
    } else {
        tr("There is no desktop here, so the notifications are printed.")
    })?;
    Ok(desktop)
}

/// Plays on the desktop if there is one, else on the terminal.
pub(super) async fn play(work: Work, desktop: Option<zbus::Connection>) -> Result<Exit> {
    if let Some(connection) = desktop {
        crate::daemon::run(work, Screen::Desktop(connection)).await?;
        return Ok(Exit::Done);
    }
    let (lines, mut printed) = mpsc::unbounded_channel();
    let print = async move {
        let mut summary = String::new();
        while let Some(line) = printed.recv().await {
            match line {
                Line::Card(card) => say(&describe(&card))?,
                Line::Status(status) if status.summary != summary => {
                    summary = status.summary;
                    let icon = Icon::ALL.into_iter().find(|it| it.state() == status.state);
                    let state = icon.map_or(status.state, Icon::word);
                    // Translators: how the tray icon would look, and its tooltip: "[tray: idle] No build is running".
                    say(&fill(
                        &tr("[tray: {state}] {summary}"),
                        &[("state", &state), ("summary", &summary)],
                    ))?;
                }
                Line::Status(_) => {}
            }
        }
        anyhow::Ok(())
    };
    // Whoever stops reading stops the play.
    tokio::try_join!(crate::daemon::run(work, Screen::Terminal(lines)), print)?;
    Ok(Exit::Done)
}

/// Returns a card as a terminal shows it.
fn describe(card: &Card) -> String {
    let mark = match (card.urgency, card.replaces) {
        (Urgency::Critical, _) => '!',
        (_, true) => '~',
        (Urgency::Low | Urgency::Normal, false) => '*',
    };
    let mut text = format!("{mark} {}", card.title);
    for line in card.body.lines() {
        text.push_str("\n    ");
        text.push_str(line);
    }
    let buttons = card.actions.iter().filter(|it| it.key != "default");
    let buttons: Vec<_> = buttons.map(|it| format!("[{}]", it.label)).collect();
    if !buttons.is_empty() {
        text.push_str("\n    ");
        text.push_str(&buttons.join(" "));
    }
    text
}
