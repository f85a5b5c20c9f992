//! What is on record, read beside whoever writes it; and the addresses of the configured sites.
//!
//! Reading takes its time on a slow disk and with many builds: it is done behind the window's back
//! ([`gtk::gio::spawn_blocking`]), and comes back as one value.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use koji_notify::clock;
use koji_notify::config::{self, Places};
use koji_notify::journal::history::{Asked, History, Outcome, Past};
use koji_notify::koji::{InstanceName, Site};
use koji_notify::view::entry::{self, Course, Facts};
use koji_notify::view::history::Told;

use crate::arguments::Arguments;
use crate::rows::{Filter, Row};

/// How many builds and tasks are shown, the newest. More is no list but an archive, which `koji-notify history` prints.
const MAX_SHOWN: u64 = 2000;

/// All that is known, at a moment.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// What runs first, then the newest.
    pub(crate) pasts: Vec<Past>,
    pub(crate) sites: BTreeMap<InstanceName, Site>,
    /// What is wrong, if the journal cannot be read.
    pub(crate) trouble: Option<String>,
    /// What is wrong, if the configuration cannot be used: then there are no links.
    pub(crate) configuration: Option<String>,
}

impl Book {
    /// Reads it all. May take a while.
    pub(crate) fn read(places: &Places) -> Self {
        let (pasts, trouble) = match pasts(places) {
            Ok(pasts) => (pasts, None),
            Err(error) => (Vec::new(), Some(format!("{error:#}"))),
        };
        let (sites, configuration) = match sites(places) {
            Ok(sites) => (sites, None),
            Err(error) => (BTreeMap::new(), Some(format!("{error:#}"))),
        };
        Self {
            pasts,
            sites,
            trouble,
            configuration,
        }
    }

    /// Returns the lines that the filter finds.
    pub(crate) fn rows(&self, filter: &Filter, zone: &TimeZone, now: Timestamp) -> Vec<Row> {
        let entries = self
            .pasts
            .iter()
            .map(|it| entry::entry(&it.story, &self.sites, zone, now));
        entries.filter(|it| filter.finds(it)).map(Row::from).collect()
    }

    /// Returns all that is known of one, and how the builds of its package went.
    pub(crate) fn facts(&self, row: &Row, zone: &TimeZone, now: Timestamp) -> Option<(Facts, Course)> {
        let is_it = |it: &&Past| it.story.instance == row.entry.instance && it.story.subject == row.entry.subject;
        let past = self.pasts.iter().find(is_it)?;
        let facts = entry::facts(&past.story, &past.states, told(past), &self.sites, zone, now);
        let course = entry::course(&past.story, self.pasts.iter().map(|it| &it.story));
        Some((facts, course))
    }
}

/// Prints the lines that the list would have.
pub(crate) fn print(arguments: &Arguments) -> Result<()> {
    let places = Places::of_this_session(arguments.config.clone())?;
    let book = Book::read(&places);
    if let Some(trouble) = book.trouble {
        anyhow::bail!(trouble);
    }
    let filter = Filter::new(arguments.filter.as_deref().unwrap_or_default());
    let mut out = std::io::stdout().lock();
    for row in book.rows(&filter, &TimeZone::system(), clock::now()) {
        writeln!(out, "{}", row.spoken()).context("standard output cannot be written")?;
    }
    Ok(())
}

fn pasts(places: &Places) -> Result<Vec<Past>> {
    let asked = Asked {
        limit: Some(MAX_SHOWN),
        ..Asked::default()
    };
    let mut pasts = Vec::new();
    if let Some(history) = History::open(&places.state_folder())? {
        history.each(&asked, |past| {
            pasts.push(past);
            anyhow::Ok(())
        })?;
    }
    // The newest come first already.
    pasts.sort_by_key(|it| it.story.standing.is_settled());
    Ok(pasts)
}

fn sites(places: &Places) -> Result<BTreeMap<InstanceName, Site>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let settings = runtime.block_on(config::load(places));
    // `klist` may hang; nobody waits for that.
    runtime.shutdown_background();
    Ok(settings?.sites())
}

/// Returns the newest word on whether it was told.
fn told(past: &Past) -> Option<Told> {
    let last = past.tales.last()?;
    Some(match last.outcome {
        Outcome::Due => Told::NotYet,
        Outcome::Told => Told::At(last.at),
        Outcome::Digest => Told::InSummary(last.at),
        Outcome::Dropped => Told::Never,
    })
}
