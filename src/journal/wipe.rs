//! Forgets the history, and keeps what the promise needs: what is heard again is not told again, and what is still to
//! be told is told.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};

use super::trouble::Kind;
use super::written::{WrittenDealt, WrittenEnding, nanoseconds, parsed, text};
use super::{FILE, JournalError, file, schema};

/// How long before the time up to which all was dealt with an ending may still be heard of again.
const LATE: SignedDuration = SignedDuration::from_hours(48);

/// What was forgotten.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wiped {
    /// How many builds and tasks.
    pub stories: usize,
    /// Broken files that were set aside, which may hold some of it, too. They are left alone.
    pub aside: Vec<PathBuf>,
}

/// Forgets the history in a folder, so that nothing of it is left in the file. What runs, what is still to be told,
/// what is muted, and which endings were dealt with lately stays. `None`: there is no journal.
///
/// # Errors
///
/// If it cannot be written, or a reader holds it up for long; saying it again is right then.
pub fn wipe(folder: &Path) -> Result<Option<Wiped>, JournalError> {
    let path = folder.join(FILE);
    if !path.try_exists().map_err(|it| JournalError::of_io(&path, it))? {
        return Ok(None);
    }
    // A program that runs has the lock, and has brought the file up to date; both can write, one after the other.
    let lock = match file::lock(folder, &path) {
        Ok(lock) => Some(lock),
        Err(error) if error.kind() == Kind::Busy => None,
        Err(error) => return Err(error),
    };
    file::make(&path)?;
    let sqlite = |it| JournalError::of_sqlite(&path, it);
    let mut connection = file::connect(&path).map_err(sqlite)?;
    match schema::version(&connection).map_err(sqlite)? {
        schema::Version::Known(schema::NEWEST) => {}
        schema::Version::Known(_) | schema::Version::Empty if lock.is_some() => {
            schema::migrate(&mut connection).map_err(sqlite)?;
        }
        schema::Version::Known(_) | schema::Version::Empty => return Err(JournalError::busy(&path)),
        schema::Version::Newer(version) => return Err(JournalError::newer(&path, version)),
        schema::Version::Foreign => return Err(JournalError::broken(&path, "it is a database of another program")),
    }
    file::trust(&connection).map_err(sqlite)?;
    let stories = forget(&mut connection).map_err(sqlite)?;
    // What was deleted still stands in pages that are free, and in the log.
    connection.execute("VACUUM", ()).map_err(sqlite)?;
    if !file::fold(&connection).map_err(sqlite)? {
        return Err(JournalError::busy(&path));
    }
    connection.close().map_err(|(_, error)| sqlite(error))?;
    let aside = file::aside(folder).map_err(|it| JournalError::of_io(&path, it))?;
    Ok(Some(Wiped { stories, aside }))
}

/// Returns how many builds and tasks that were.
fn forget(connection: &mut Connection) -> rusqlite::Result<usize> {
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    // What is moved about on the way stays in memory.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    keep_endings(&transaction)?;
    let stories = transaction.execute("DELETE FROM stories WHERE settled = 1", ())?;
    transaction.execute("DELETE FROM tales WHERE outcome <> 'due'", ())?;
    transaction.execute("DELETE FROM usual", ())?;
    transaction.commit()?;
    Ok(stories)
}

/// Notes of the stories that go which endings were dealt with, as far as they may be heard of again.
fn keep_endings(connection: &Connection) -> rusqlite::Result<()> {
    let select = "SELECT stories.instance, subject, changed, dealt, until
        FROM stories LEFT JOIN marks ON marks.instance = stories.instance WHERE settled = 1";
    let mut select = connection.prepare(select)?;
    let mut rows = select.query(())?;
    let write = "INSERT OR REPLACE INTO endings (instance, subject, at, ending) VALUES (?1, ?2, ?3, ?4)";
    let mut write = connection.prepare(write)?;
    while let Some(row) = rows.next()? {
        let (instance, subject): (String, String) = (row.get(0)?, row.get(1)?);
        let (changed, mark): (i64, Option<i64>) = (row.get(2)?, row.get(4)?);
        let oldest = mark.map(|it| it.saturating_sub(nanoseconds(Timestamp::UNIX_EPOCH + LATE)));
        let dealt: Option<String> = row.get(3).ok();
        let dealt: WrittenDealt = dealt.and_then(|it| parsed(&it)).unwrap_or_default();
        for ending in dealt.endings() {
            let at = ending.1.map_or(changed, nanoseconds);
            if oldest.is_none_or(|it| at > it) {
                let ending = text(&WrittenEnding::from(&ending))?;
                write.execute(params![instance, subject, at, ending])?;
            }
        }
    }
    Ok(())
}
