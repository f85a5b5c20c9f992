//! What outlives us, on disk: what was heard, what became of it, and what of that was told.
//!
//! One SQLite file, `journal.sqlite` in the state folder, readable by its owner only. [`Journal::write`] puts a batch on
//! disk whole or not at all, and once it returns, a power cut does not take it back (write-ahead log, one sync for each
//! batch). A restart learns from [`open()`] what was dealt with and what is still to be told; `koji-notify history` reads
//! the rest. A file that is broken is set aside under a name with a date and said, never deleted; one that a newer
//! version of the program wrote is left alone. Rows that make no sense are skipped and counted: somebody may have
//! edited them.
//!
//! It deliberately does not know what is worth telling, nor in which words, nor what time it is.
//!
//! **Invariant:** this room imports `koji` and `watch` only. Text that came over the net reaches SQLite as parameters
//! only, never as part of a statement.

mod file;
pub mod history;
mod resume;
mod retain;
mod schema;
#[cfg(test)]
mod tests;
mod trouble;
mod wipe;
mod write;
mod written;

pub use trouble::JournalError;
pub use wipe::{Wiped, wipe};

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use crate::watch::{Keep, Resumed};
use trouble::Kind;

/// The name of the file in the state folder.
pub const FILE: &str = "journal.sqlite";

/// A journal that is open for writing. No other program of ours writes while it is.
#[derive(Debug)]
pub struct Journal {
    connection: Connection,
    file: PathBuf,
    /// The file says that the last stop was clean, which is true until something is written.
    is_clean: bool,
    /// Rows written since what is old was last looked for.
    unswept: usize,
    /// Held while we live.
    _lock: File,
}

/// What came of opening a journal.
#[derive(Debug)]
pub struct Opened {
    /// If it cannot be written, what was kept may have been read all the same.
    pub journal: Result<Journal, JournalError>,
    pub resumed: Resumed,
    /// How many rows could not be understood.
    pub skipped: usize,
    /// A broken file that was in the place of the journal, which begins anew.
    pub aside: Option<Aside>,
}

/// A broken file that was set aside.
#[derive(Debug)]
pub struct Aside {
    /// Where it is now.
    pub file: PathBuf,
    /// What was wrong with it.
    pub error: JournalError,
}

/// Opens the journal in a folder, which is made if need be, and reads what an earlier run has left. If that did not
/// stop cleanly, the whole file is checked first. May take a while: to be called where waiting is allowed.
pub fn open(folder: &Path, now: Timestamp) -> Opened {
    let path = folder.join(FILE);
    let failed = |error| Opened {
        journal: Err(error),
        resumed: Resumed::default(),
        skipped: 0,
        aside: None,
    };
    let lock = match file::lock(folder, &path) {
        Ok(lock) => lock,
        // Nobody else writes where nothing can be written.
        Err(error) if error.kind().can_be_read() => return read_only(&path, now, error),
        Err(error) => return failed(error),
    };
    let (begun, aside) = match begin(&path, now) {
        Err(error) if error.kind() == Kind::Broken => match file::set_aside(&path, now) {
            Ok(file) => (begin(&path, now), Some(Aside { file, error })),
            Err(stuck) => return failed(stuck),
        },
        begun => (begun, None),
    };
    match begun {
        Ok((connection, is_clean, (resumed, skipped))) => {
            let mut journal = Journal {
                connection,
                file: path,
                is_clean,
                unswept: 0,
                _lock: lock,
            };
            journal.sweep(now);
            Opened {
                journal: Ok(journal),
                resumed,
                skipped,
                aside,
            }
        }
        Err(error) if error.kind().can_be_read() && aside.is_none() => read_only(&path, now, error),
        Err(error) => Opened { aside, ..failed(error) },
    }
}

impl Journal {
    /// Puts all of it on disk, in this order.
    ///
    /// # Errors
    ///
    /// If it cannot be done; then nothing of it is there, and the same can be written again later. If the
    /// file [`is broken`](JournalError::is_broken), dropping the journal and opening it anew sets it aside.
    pub fn write(&mut self, keeps: &[Keep], now: Timestamp) -> Result<(), JournalError> {
        let written = self.try_write(keeps, now);
        self.unswept += written.map_err(|it| JournalError::of_sqlite(&self.file, it))?;
        self.is_clean = false;
        if self.unswept >= retain::EVERY {
            self.sweep(now);
        }
        Ok(())
    }

    /// Notes that nothing is left to write, and closes the file.
    ///
    /// # Errors
    ///
    /// If that cannot be noted. All that was written is there; the next start will check the file.
    pub fn close(self) -> Result<(), JournalError> {
        let Self { connection, file, .. } = self;
        let noted = schema::note_clean(&connection)
            .and_then(|()| file::fold(&connection))
            .map(|_| ());
        let closed = connection.close().map_err(|(_, error)| error);
        noted.and(closed).map_err(|it| JournalError::of_sqlite(&file, it))
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.file
    }

    fn try_write(&mut self, keeps: &[Keep], now: Timestamp) -> rusqlite::Result<usize> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        if self.is_clean {
            schema::note_unclean(&transaction)?;
        }
        let mut rows = 0;
        for keep in keeps {
            rows += write::keep(&transaction, keep, now)?;
        }
        transaction.commit()?;
        Ok(rows)
    }

    /// Removes some of what is too old. What cannot be removed now can be later.
    fn sweep(&mut self, now: Timestamp) {
        self.unswept = match retain::sweep(&mut self.connection, now) {
            Ok(retain::Left::More) => retain::EVERY,
            Ok(retain::Left::Nothing) | Err(_) => 0,
        };
    }
}

impl Aside {
    /// Returns the name that the file has now, in the same folder.
    pub fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

impl fmt::Display for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; it is now {}", self.error, self.name())
    }
}

type Begun = (Connection, bool, (Resumed, usize));

fn begin(path: &Path, now: Timestamp) -> Result<Begun, JournalError> {
    file::make(path)?;
    let sqlite = |it| JournalError::of_sqlite(path, it);
    let mut connection = file::connect(path).map_err(sqlite)?;
    let version = schema::version(&connection).map_err(sqlite)?;
    let is_clean = match version {
        schema::Version::Known(_) => schema::was_clean(&connection).map_err(sqlite)?,
        schema::Version::Empty => true,
        schema::Version::Newer(version) => return Err(JournalError::newer(path, version)),
        schema::Version::Foreign => return Err(JournalError::broken(path, "it is a database of another program")),
    };
    if !is_clean {
        schema::check(&connection).map_err(sqlite)?;
    }
    schema::migrate(&mut connection).map_err(sqlite)?;
    let is_clean = schema::was_clean(&connection).map_err(sqlite)?;
    let found = resume::read(&connection, now).map_err(sqlite)?;
    file::trust(&connection).map_err(sqlite)?;
    Ok((connection, is_clean, found))
}

/// Returns what can be read where nothing can be written.
fn read_only(path: &Path, now: Timestamp, error: JournalError) -> Opened {
    let found = file::connect_to_read(path).and_then(|connection| {
        if schema::version(&connection)? == schema::Version::Known(schema::NEWEST) {
            resume::read(&connection, now)
        } else {
            Ok(Default::default())
        }
    });
    let (resumed, skipped) = found.unwrap_or_default();
    Opened {
        journal: Err(error),
        resumed,
        skipped,
        aside: None,
    }
}
