//! The tables, and how an older file gets those of today.
//!
//! Times are nanoseconds since 1970, as the clock that set them had them. A subject is `{"build":1}`, `{"task":1}` or
//! `{"named":{…}}`; what is only needed whole is JSON in the shape of [`super::written`]. All tables are strict: a
//! column holds what it is declared to hold, whoever wrote it.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, ffi};

/// Says to `file(1)`, and to us, whose file it is: "koji".
const APPLICATION: i64 = 0x6b6f_6a69;

/// Each step takes the version before it to its own; the number of steps is the newest version. A step that was
/// released is never changed.
const STEPS: [&str; NEWEST as usize] = [TABLES, FOR_HISTORY, MUTES];

/// The version that this program writes.
pub(super) const NEWEST: u32 = 3;

pub(super) const TABLES: &str = "
CREATE TABLE state_of_file (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    clean INTEGER NOT NULL
) STRICT;

CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (instance, id)
) STRICT;

CREATE TABLE stories (
    number INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    subject TEXT NOT NULL,
    build INTEGER,
    task INTEGER,
    nvr TEXT,
    package TEXT,
    owner TEXT,
    mine INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    settled INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    changed INTEGER NOT NULL,
    dealt TEXT NOT NULL,
    story TEXT NOT NULL,
    UNIQUE (instance, subject)
) STRICT;
CREATE INDEX stories_by_time ON stories (settled, changed DESC);

CREATE TABLE states (
    story INTEGER NOT NULL REFERENCES stories ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (story, at, kind, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE tales (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    subject TEXT NOT NULL,
    fate TEXT NOT NULL,
    tag TEXT,
    rule TEXT NOT NULL,
    late INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('due', 'told', 'digest', 'dropped')),
    at INTEGER NOT NULL,
    story TEXT NOT NULL
) STRICT;
CREATE INDEX tales_of_story ON tales (instance, subject);
CREATE INDEX tales_due ON tales (number) WHERE outcome = 'due';
CREATE INDEX tales_over ON tales (at) WHERE outcome <> 'due';

CREATE TABLE marks (
    instance TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
    instance TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE muted (
    package TEXT PRIMARY KEY,
    until INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE paused (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    until INTEGER,
    asked TEXT NOT NULL
) STRICT;

CREATE TABLE usual (
    instance TEXT NOT NULL,
    package TEXT NOT NULL,
    takes INTEGER,
    at INTEGER NOT NULL,
    PRIMARY KEY (instance, package)
) STRICT, WITHOUT ROWID;

CREATE TABLE on_screen (
    server TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (server, number)
) STRICT;

INSERT INTO state_of_file (one, clean) VALUES (1, 1);
";

/// What `koji-notify history` asks by, and what is left of builds and tasks that it has forgotten.
const FOR_HISTORY: &str = "
CREATE TABLE endings (
    instance TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    ending TEXT NOT NULL,
    PRIMARY KEY (instance, subject, ending)
) STRICT, WITHOUT ROWID;
CREATE INDEX endings_by_time ON endings (at DESC);
CREATE INDEX stories_of_package ON stories (package, changed DESC);
CREATE INDEX stories_by_change ON stories (changed DESC);
";

/// More than packages can be muted, and until more than a time. `what` is the name of a package or of a tag, or a
/// subject.
const MUTES: &str = "
CREATE TABLE mutes (
    kind TEXT NOT NULL CHECK (kind IN ('but-failures', 'package', 'tag', 'subject')),
    instance TEXT NOT NULL,
    what TEXT NOT NULL,
    until TEXT NOT NULL CHECK (until IN ('time', 'fixed', 'ends', 'undone')),
    at INTEGER,
    since INTEGER NOT NULL,
    PRIMARY KEY (kind, instance, what)
) STRICT, WITHOUT ROWID;
INSERT INTO mutes (kind, instance, what, until, at, since)
    SELECT 'package', '', package, iif(until IS NULL, 'undone', 'time'), until, 0 FROM muted WHERE package IS NOT NULL;
DROP TABLE muted;
";

/// Whose file it is, and how old.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    /// There is nothing in it yet.
    Empty,
    Known(u32),
    Newer(i64),
    /// It is a database of another program.
    Foreign,
}

/// Reads whose file it is.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<Version> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let version = pragma("user_version")?;
    let application = pragma("application_id")?;
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, (), |row| row.get(0))?;
    Ok(match u32::try_from(version) {
        Ok(0) if tables == 0 => Version::Empty,
        _ if application != APPLICATION => Version::Foreign,
        Ok(it) if (1..=NEWEST).contains(&it) => Version::Known(it),
        Ok(0) | Err(_) => Version::Foreign,
        Ok(_) => Version::Newer(version),
    })
}

/// Takes the steps that are missing, all or none.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    take(connection, &STEPS)
}

pub(super) fn take(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = (1_u32..).zip(steps).filter(|(number, _)| *number > version);
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (number, step) in missing {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}

/// Returns whether the last stop was clean.
pub(super) fn was_clean(connection: &Connection) -> rusqlite::Result<bool> {
    let clean = "SELECT clean FROM state_of_file";
    let clean: Option<i64> = connection.query_row(clean, (), |row| row.get(0)).optional()?;
    Ok(clean == Some(1))
}

/// Notes that the file is being written.
pub(super) fn note_unclean(connection: &Connection) -> rusqlite::Result<()> {
    note(connection, false)
}

/// Notes that all is written.
pub(super) fn note_clean(connection: &Connection) -> rusqlite::Result<()> {
    note(connection, true)
}

fn note(connection: &Connection, clean: bool) -> rusqlite::Result<()> {
    let note = "INSERT INTO state_of_file (one, clean) VALUES (1, ?1)
        ON CONFLICT (one) DO UPDATE SET clean = excluded.clean WHERE clean <> excluded.clean";
    connection.execute(note, [clean])?;
    Ok(())
}

/// Reads the whole file and says what is wrong with it.
pub(super) fn check(connection: &Connection) -> rusqlite::Result<()> {
    let said: String = connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
    if said == "ok" {
        return Ok(());
    }
    let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(corrupt, Some(said)))
}
