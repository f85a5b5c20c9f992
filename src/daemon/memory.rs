//! Keeps the journal, behind a door.
//!
//! One batch is being written at a time, by one thread; what comes meanwhile gathers for the next, so that a busy
//! moment costs one `fsync` and a quiet one waits for nobody. What cannot be written is kept for later, within limits,
//! and what is in memory counts as recorded: otherwise the broker's queue would stop with the disk.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::clock;
use crate::config::Places;
use crate::journal::{self, Aside, Journal, JournalError};
use crate::watch::{Delivery, Event, JournalTrouble, Keep, Record, Resumed};

/// When so much has gathered, nothing more is taken from the inbox until some of it is written. A busy hour of a
/// mass rebuild is less.
const MAX_GATHERED: usize = 10_000;

/// How long after a failure the journal is tried again.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// The journal, and the batch that is being written. Without a folder nothing is kept.
#[derive(Default)]
pub(super) struct Memory {
    folder: Option<PathBuf>,
    /// Here while nothing is being written; `None` also where it could not be opened.
    journal: Option<Journal>,
    gathered: Batch,
    writing: JoinSet<Written>,
    /// What is wrong, as it was said last.
    trouble: Option<JournalTrouble>,
    again_at: Option<Timestamp>,
}

/// What is written at once.
#[derive(Default)]
struct Batch {
    keeps: Vec<Keep>,
    deliveries: Vec<Delivery>,
}

/// What has become of a batch.
struct Written {
    journal: Option<Journal>,
    batch: Batch,
    outcome: Result<(), JournalError>,
    /// A broken file that was found on the way.
    aside: Option<Aside>,
}

impl Memory {
    /// Opens the journal and reads what an earlier run has left. What went wrong is said in events.
    pub(super) fn open(places: &Places) -> (Self, Resumed, Vec<Event>) {
        let folder = places.state_folder();
        let opened = journal::open(&folder, clock::now());
        let mut memory = Self {
            folder: Some(folder),
            ..Self::default()
        };
        let mut events = Vec::new();
        events.extend(opened.aside.map(|it| set_aside(&it)));
        if opened.skipped > 0 {
            warn!(rows = opened.skipped, "some of what was kept makes no sense");
        }
        match opened.journal {
            Ok(journal) => memory.journal = Some(journal),
            Err(error) => events.extend(memory.failed(&error)),
        }
        (memory, opened.resumed, events)
    }

    /// Takes up what is to be written; answers at once where nothing is kept.
    pub(super) fn record(&mut self, record: Record) -> Option<Event> {
        if self.folder.is_none() {
            return record.delivery.map(Event::Recorded);
        }
        self.gathered.keeps.extend(record.keeps);
        if self.again_at.is_some() {
            self.forget_oldest();
            return record.delivery.map(Event::Recorded);
        }
        self.gathered.deliveries.extend(record.delivery);
        None
    }

    /// Returns whether so much waits to be written that nothing more should come.
    pub(super) fn is_full(&self) -> bool {
        self.again_at.is_none() && self.gathered.keeps.len() >= MAX_GATHERED
    }

    /// Returns when the journal is tried again.
    pub(super) fn again_at(&self) -> Option<Timestamp> {
        self.again_at.filter(|_| self.writing.is_empty())
    }

    /// Begins to write what has gathered, unless a batch is being written or the journal is to be left alone. One that
    /// failed is tried in its time though nothing has gathered: what is wrong is on show until it works again.
    pub(super) fn write(&mut self) {
        let is_left_alone = self.again_at.is_some_and(|it| clock::now() < it);
        if !is_left_alone {
            self.begin();
        }
    }

    fn begin(&mut self) {
        let Some(folder) = self.folder.clone() else { return };
        let is_due = self.again_at.is_some() || !self.gathered.is_empty();
        if !self.writing.is_empty() || !is_due {
            return;
        }
        let batch = std::mem::take(&mut self.gathered);
        let journal = self.journal.take();
        self.writing.spawn_blocking(move || {
            let now = clock::now();
            let (journal, aside) = journal.map_or_else(
                || {
                    let opened = journal::open(&folder, now);
                    (opened.journal, opened.aside)
                },
                |it| (Ok(it), None),
            );
            let (journal, outcome) = match journal {
                Ok(mut journal) => {
                    let outcome = journal.write(&batch.keeps, now);
                    // One that is broken is set aside when it is opened again.
                    let is_broken = outcome.as_ref().is_err_and(JournalError::is_broken);
                    (Some(journal).filter(|_| !is_broken), outcome)
                }
                Err(error) => (None, Err(error)),
            };
            Written {
                journal,
                batch,
                outcome,
                aside,
            }
        });
    }

    /// Returns what became of the batch that is being written, once it is; never, if none is. The next one is begun.
    pub(super) async fn written(&mut self) -> Vec<Event> {
        let Some(written) = self.writing.join_next().await else {
            return std::future::pending().await;
        };
        let events = match written {
            Ok(written) => self.note(written),
            Err(_) => Vec::new(),
        };
        self.write();
        events
    }

    /// Writes what is left to write, and closes the journal.
    pub(super) async fn close(mut self) {
        self.again_at = None;
        loop {
            self.begin();
            let Some(written) = self.writing.join_next().await else {
                break;
            };
            if let Ok(written) = written {
                self.note(written);
            }
            if self.again_at.is_some() {
                return;
            }
        }
        if let Some(journal) = self.journal.take() {
            let closed = tokio::task::spawn_blocking(move || journal.close()).await;
            if let Ok(Err(error)) = closed {
                warn!(%error, "the journal was not closed well; it is looked through at the next start");
            }
        }
    }

    fn note(&mut self, written: Written) -> Vec<Event> {
        self.journal = written.journal;
        let mut batch = written.batch;
        let mut events: Vec<_> = batch.deliveries.drain(..).map(Event::Recorded).collect();
        match written.outcome {
            Ok(()) => {
                self.again_at = None;
                if self.trouble.take().is_some() {
                    info!("what was told is kept again");
                    events.push(Event::JournalChanged(None));
                }
                events.extend(written.aside.map(|it| set_aside(&it)));
            }
            Err(error) => {
                batch.keeps.append(&mut self.gathered.keeps);
                self.gathered.keeps = batch.keeps;
                events.extend(self.gathered.deliveries.drain(..).map(Event::Recorded));
                self.forget_oldest();
                events.extend(self.failed(&error));
            }
        }
        events
    }

    fn failed(&mut self, error: &JournalError) -> Option<Event> {
        self.again_at = clock::now().checked_add(AGAIN_AFTER).ok();
        let trouble = error.trouble();
        if self.trouble.as_ref() == Some(&trouble) {
            return None;
        }
        warn!(%error, "what was told cannot be kept; after a restart it may be told again");
        self.trouble = Some(trouble.clone());
        Some(Event::JournalChanged(Some(trouble)))
    }

    /// Keeps what cannot be written within its limit.
    fn forget_oldest(&mut self) {
        let excess = self.gathered.keeps.len().saturating_sub(MAX_GATHERED);
        self.gathered.keeps.drain(..excess);
    }
}

fn set_aside(aside: &Aside) -> Event {
    warn!(%aside, "the journal was broken and is set aside; what was told before is not known");
    Event::JournalChanged(Some(JournalTrouble::SetAside(aside.name())))
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.keeps.is_empty() && self.deliveries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_journal_that_failed_is_tried_again_though_nothing_is_to_be_written() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("state");
        std::fs::write(&folder, "mine").unwrap();
        let mut memory = Memory {
            folder: Some(folder.clone()),
            ..Memory::default()
        };
        let error = journal::open(&folder, clock::now()).journal.err().unwrap();
        let trouble = error.trouble();
        assert_eq!(memory.failed(&error), Some(Event::JournalChanged(Some(trouble))));
        for (is_well, expected) in [(false, vec![]), (true, vec![Event::JournalChanged(None)])] {
            if is_well {
                std::fs::remove_file(&folder).unwrap();
            }
            let past = clock::now();
            memory.again_at = Some(past);
            memory.write();
            assert_eq!(memory.again_at(), None, "it is being tried");
            let limit = std::time::Duration::from_secs(30);
            let said = tokio::time::timeout(limit, memory.written()).await;
            assert_eq!(said.expect("it was tried"), expected);
            assert_eq!(memory.again_at().is_none(), is_well);
            assert!(memory.again_at().is_none_or(|it| it > past));
        }
        // A journal that is well is written when there is something to write.
        memory.write();
        assert!(memory.writing.is_empty());
        memory.close().await;
    }
}
