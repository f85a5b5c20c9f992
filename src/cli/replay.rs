//! `koji-notify replay`: plays recorded messages, or prints what they would show.
//!
//! The same path as the live one: recorded messages are decoded, decided on and worded by the rooms that do it for a
//! broker. `--print` needs no session bus and never waits: the clock is the recording's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tracing::warn;

use super::exit::Exit;
use super::say;
use crate::bus::decode::Dialect;
use crate::bus::replay::{self, Record, Recording, Speed};
use crate::daemon::Work;
use crate::koji::{InstanceName, Site, Subject};
use crate::view::card::{Card, card};
use crate::watch::{Effect, Event, Notice, Outcome, Request, Rules, Tale, Telling, Wanted, Watch, Whose};

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// Print one JSON line for each notification instead of showing it
    #[arg(long)]
    print: bool,

    /// Tell about the builds of this user; may be given several times
    #[arg(long, value_name = "NAME", required = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: Vec<String>,

    /// Tell about builds of this package, whoever builds it; may be given several times
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,

    /// Also tell when a build has started
    #[arg(long)]
    started: bool,

    /// Also tell when a build was tagged or untagged
    #[arg(long)]
    tagged: bool,

    /// When the first message arrives (RFC 3339); the others follow at their recorded distance
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,

    /// Play this many times as fast as it was recorded; 0: all at once
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = parse_speed)]
    speed: Speed,

    /// The address of the web interface that links lead to
    #[arg(long, value_name = "URL", default_value = "https://koji.fedoraproject.org/koji")]
    weburl: String,

    /// The address of the files that links lead to
    #[arg(long, value_name = "URL", default_value = "https://kojipkgs.fedoraproject.org")]
    topurl: String,

    /// The recorded messages: one JSON document, or one in each line; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    file: Vec<PathBuf>,
}

/// The name of the instance that recordings are of.
const INSTANCE: &str = "fedora";

impl Replay {
    pub(super) async fn run(self) -> Result<Exit> {
        let records = self.records()?;
        let instance = InstanceName::new(INSTANCE);
        let rules = self.rules(&instance);
        let sites = BTreeMap::from([(instance.clone(), self.site())]);
        let recording = Recording {
            besides: Vec::new(),
            instance,
            dialect: Dialect::Recorded,
            records,
            begin: self.now,
            speed: self.speed,
        };
        if self.print {
            print(&rules, &sites, &recording)?;
            return Ok(Exit::Done);
        }
        let work = Work::Play {
            rules,
            sites,
            recording: Box::new(recording),
            hub: None,
            pressed: None,
            linger: Duration::from_secs(2),
        };
        super::demo::play(work, super::demo::desktop(false).await?).await
    }

    fn records(&self) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for file in &self.file {
            let name = file.display().to_string();
            let mut bytes = Vec::new();
            if name == "-" {
                std::io::stdin()
                    .read_to_end(&mut bytes)
                    .context("standard input cannot be read")?;
            } else {
                bytes = std::fs::read(file).with_context(|| format!("{name} cannot be read"))?;
            }
            records.extend(replay::records(&bytes, &name)?);
        }
        Ok(records)
    }

    fn rules(&self, instance: &InstanceName) -> Rules {
        let whose = Whose {
            users: self.user.iter().cloned().collect(),
            packages: self.package.iter().cloned().collect::<BTreeSet<_>>(),
            bus: true,
            ..Whose::default()
        };
        Rules {
            wanted: Wanted {
                started: self.started,
                tagged: self.tagged,
                ..Wanted::default()
            },
            instances: BTreeMap::from([(instance.clone(), whose)]),
            quiet: crate::watch::QuietRules::default(),
            zone: TimeZone::UTC,
            live: false,
        }
    }

    fn site(&self) -> Site {
        let address = |it: &str| Some(it.trim_end_matches('/').to_owned());
        Site {
            weburl: address(&self.weburl),
            topurl: address(&self.topurl),
        }
    }
}

/// Reads how fast to play.
pub(super) fn parse_speed(text: &str) -> Result<Speed> {
    Speed::new(text.parse()?).context("expected a number that is not negative")
}

/// Prints every card that the recording leads to, held ones at the time they would be shown.
fn print(rules: &Rules, sites: &BTreeMap<InstanceName, Site>, recording: &Recording) -> Result<()> {
    let mut watch = Watch::new(rules.clone());
    let mut time = Timestamp::MIN;
    let mut spoiled = 0_usize;
    for (now, event) in recording.heard() {
        if let Event::Spoiled(_) = &event {
            spoiled += 1;
        }
        while let Some(wake) = watch.wake_at().filter(|it| *it < now) {
            take(&mut watch, wake, Event::Woke, sites)?;
        }
        take(&mut watch, now, event, sites)?;
        time = now;
    }
    while let Some(wake) = watch.wake_at() {
        time = time.max(wake);
        take(&mut watch, time, Event::Woke, sites)?;
    }
    if spoiled > 0 {
        warn!(spoiled, "recorded messages could not be read; -v says why");
    }
    Ok(())
}

/// Steps an event, prints the cards, and answers for a notification server that takes everything.
fn take(watch: &mut Watch, now: Timestamp, event: Event, sites: &BTreeMap<InstanceName, Site>) -> Result<()> {
    let mut events = std::collections::VecDeque::from([event]);
    while let Some(event) = events.pop_front() {
        for effect in watch.step(now, event) {
            match effect {
                Effect::Show(notice) => {
                    let printed = Printed::new(&notice, card(&notice, sites));
                    say(&serde_json::to_string(&printed)?)?;
                    events.push_back(Event::Shown(notice.id, Outcome::Taken));
                }
                Effect::Record(record) => events.extend(record.delivery.map(Event::Recorded)),
                Effect::Withdraw(_)
                | Effect::Acknowledge(_)
                | Effect::Doubt(_)
                | Effect::ReadAgain(..)
                | Effect::Ask(..)
                | Effect::TakeDown(_)
                | Effect::Reply(..)
                | Effect::List(..)
                | Effect::Listen(..)
                | Effect::Announce(_)
                | Effect::RunHook(_)
                | Effect::Open { .. }
                | Effect::Copy(_)
                | Effect::ReadClipboard
                | Effect::Save(_)
                | Effect::StartAtLogin(_)
                | Effect::ShowHistory { .. }
                | Effect::EditPreferences
                | Effect::Reload
                | Effect::Quit => {}
            }
        }
    }
    Ok(())
}

/// A card as `--print` writes it.
#[derive(Serialize)]
struct Printed {
    notice: u64,
    replaces: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<About>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Vec<About>>,
    title: String,
    body: String,
    urgency: &'static str,
    actions: Vec<PrintedAction>,
    instance: String,
    rule: &'static str,
}

/// What a card is about.
#[derive(Serialize)]
struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    build: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nvr: Option<String>,
    state: &'static str,
}

#[derive(Serialize)]
struct PrintedAction {
    key: &'static str,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl Printed {
    fn new(notice: &Notice, card: Card) -> Self {
        let (about, digest, first) = match &notice.telling {
            Telling::One(tale) => (Some(About::new(tale)), None, Some(tale)),
            Telling::Many(it) => (None, Some(it.tales.iter().map(About::new).collect()), it.tales.first()),
            // Nothing is done to a hub that nobody asks.
            Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => (None, None, None),
        };
        Self {
            notice: notice.id.0,
            replaces: notice.replaces,
            about,
            digest,
            title: card.title,
            body: card.body,
            urgency: card.urgency.as_str(),
            actions: card.actions.into_iter().map(PrintedAction::new).collect(),
            instance: first.map(|it| it.story.instance.to_string()).unwrap_or_default(),
            rule: first.map_or("", |it| it.rule.as_str()),
        }
    }
}

impl About {
    fn new(tale: &Tale) -> Self {
        let story = &tale.story;
        let build = match &story.subject {
            Subject::Build(id) => Some(id.0),
            Subject::NamedBuild(_) | Subject::Task(_) => None,
        };
        Self {
            build,
            task: story.task.map(|it| it.0),
            nvr: story.nvr.as_ref().map(ToString::to_string),
            state: story.standing.name(),
        }
    }
}

impl PrintedAction {
    fn new(action: crate::view::Action) -> Self {
        let url = if let Request::Open { link, .. } = action.request {
            Some(link)
        } else {
            None
        };
        Self {
            key: action.key,
            label: action.label,
            url,
        }
    }
}
