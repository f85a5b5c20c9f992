//! Keeps the journal's file up to date, behind a door.
//!
//! At most one page is being written; what changes meanwhile is in the next one.

use std::io;

use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::clock;
use crate::config::Places;
use crate::journal::Journal;
use crate::koji::InstanceName;
use crate::watch::{News, Resumed};

/// The journal, and the page that is being written. Without a journal nothing is kept.
#[derive(Default)]
pub(super) struct Memory {
    journal: Option<Journal>,
    writing: JoinSet<io::Result<()>>,
    /// The file could not be written, and that was said.
    is_failing: bool,
}

impl Memory {
    /// Reads what an earlier run has dealt with.
    pub(super) fn open(places: &Places) -> (Self, Resumed) {
        let (journal, trouble) = Journal::open(&places.state_folder(), clock::now());
        if let Some(error) = trouble {
            warn!(%error, "what was told before is not known");
        }
        let resumed = journal.resumed();
        let memory = Self {
            journal: Some(journal),
            ..Self::default()
        };
        (memory, resumed)
    }

    pub(super) fn record(&mut self, news: &News) {
        if let Some(journal) = &mut self.journal {
            journal.record(news);
        }
    }

    pub(super) fn mark(&mut self, instance: InstanceName, mark: jiff::Timestamp) {
        if let Some(journal) = &mut self.journal {
            journal.mark(instance, mark);
        }
    }

    /// Begins to write what has changed, unless a page is being written.
    pub(super) fn write(&mut self) {
        if self.writing.is_empty()
            && let Some(page) = self.journal.as_mut().and_then(Journal::page)
        {
            self.writing.spawn_blocking(move || page.write());
        }
    }

    /// Returns when the page that is being written is; never, if none is. The next one is begun.
    pub(super) async fn written(&mut self) {
        match self.writing.join_next().await {
            Some(Ok(outcome)) => self.note(outcome),
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
        self.write();
    }

    /// Writes what is left to write.
    pub(super) async fn close(mut self) {
        loop {
            self.write();
            match self.writing.join_next().await {
                Some(Ok(outcome)) => self.note(outcome),
                Some(Err(_)) => {}
                None => return,
            }
        }
    }

    fn note(&mut self, outcome: io::Result<()>) {
        match outcome {
            Ok(()) if self.is_failing => {
                info!("what was told is kept again");
                self.is_failing = false;
            }
            Ok(()) => {}
            Err(error) => {
                if !self.is_failing {
                    warn!(%error, "what was told cannot be kept; after a restart it may be told again");
                }
                self.is_failing = true;
            }
        }
    }
}
