//! The file itself: where it is, who may read it, who may write it, and how it is set aside.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{FILE, JournalError};

/// Who has a lock on this file is the one who writes.
const LOCK: &str = "journal.lock";

/// What SQLite puts beside its file: the write-ahead log, and the index of it.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// What comes between the name of the file and the date on which it was set aside.
const ASIDE: &str = ".broken-";

/// How long we wait for somebody who reads or wipes.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most bytes of the write-ahead log that stay when it is folded in.
const MAX_LOG: i64 = 4 * 1024 * 1024;

/// Makes the folder if need be, and takes the lock that only one program can have.
pub(super) fn lock(folder: &Path, path: &Path) -> Result<File, JournalError> {
    let io = |error| JournalError::of_io(path, error);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(io)?;
    narrow(folder, 0o700).map_err(io)?;
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(folder.join(LOCK))
        .map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(JournalError::busy(path)),
        // A file system without locks: the session bus lets one of us run, which has to do.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Makes an empty file if there is none, for its owner only: SQLite gives what it puts beside it the same mode.
///
/// A log without a file, or beside an empty one, would be deleted by SQLite: that is broken, and set aside.
pub(super) fn make(path: &Path) -> Result<(), JournalError> {
    let io = |error| JournalError::of_io(path, error);
    let length = |path: &Path| match fs::metadata(path) {
        Ok(it) => Ok(it.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    };
    if length(path).map_err(io)? == 0 && length(&with(path, "-wal")).map_err(io)? > 0 {
        return Err(JournalError::broken(path, "it is gone, and its log is still there"));
    }
    match OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !fs::metadata(path).map_err(io)?.is_file() {
                return Err(JournalError::of_io(path, io::ErrorKind::AlreadyExists.into()));
            }
            narrow(path, 0o600).map_err(io)
        }
        Err(error) => Err(io(error)),
    }
}

/// Opens the file for reading and writing, with the promises that we make. Until [`trust`] was called, closing it leaves
/// the log as it is: SQLite would fold it into a file that may be damaged, and delete it.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    prepare(&connection)?;
    // On a file system without shared memory it stays as it is, which is as safe and slower.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", MAX_LOG, |_| Ok(()))?;
    Ok(connection)
}

/// The file is ours and sound.
pub(super) fn trust(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Opens the file for reading only, beside whoever writes, or where nobody can write.
pub(super) fn connect_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    let is_readable = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()));
    let has_log = fs::metadata(with(path, "-wal")).is_ok_and(|it| it.len() > 0);
    if is_readable.is_ok() || has_log {
        is_readable?;
        return Ok(connection);
    }
    // The index of the log cannot be made here. Without a log there is no need of one.
    const IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), IN_A_PATH);
    let uri = format!("file:{path}?immutable=1");
    let connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
    prepare(&connection)?;
    Ok(connection)
}

/// Moves all that is in the log into the file, and empties the log. Returns whether nobody has kept us from it.
pub(super) fn fold(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| {
        Ok(row.get::<_, i64>(0)? == 0)
    })
}

/// Renames the file and what is beside it to a name with a date that nothing has yet, and returns that name.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, JournalError> {
    let stem = format!("{ASIDE}{}", now.strftime("%Y%m%dT%H%M%SZ"));
    let is_free = |name: &Path| {
        let mut all = vec![name.to_owned()];
        all.extend(BESIDE.map(|it| with(name, it)));
        all.iter().all(|it| fs::symlink_metadata(it).is_err())
    };
    let names = (1..).map(|n: u32| match n {
        1 => with(path, &stem),
        n => with(path, &format!("{stem}-{n}")),
    });
    let aside = names.into_iter().find(|it| is_free(it)).unwrap_or_default();
    // The file goes first: if we are cut short, its log without it is set aside next.
    for suffix in [""].into_iter().chain(BESIDE) {
        match fs::rename(with(path, suffix), with(&aside, suffix)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(JournalError::of_io(path, error)),
        }
    }
    Ok(aside)
}

/// Returns the files in a folder that were set aside, in the order of their dates.
pub(super) fn aside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_aside = |it: &Path| {
        let name = it.file_name().unwrap_or_default().as_encoded_bytes();
        let rest = name.strip_prefix(FILE.as_bytes());
        rest.is_some_and(|it| it.starts_with(ASIDE.as_bytes()))
    };
    let files = fs::read_dir(folder)?.map(|it| Ok(it?.path()));
    let files = files.collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<_> = files.into_iter().filter(|it| is_aside(it)).collect();
    files.sort();
    Ok(files)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What stands in the file is data: a view or trigger that somebody put there runs nothing.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// Takes from others what they may do. A folder that is not ours stays as it is.
fn narrow(path: &Path, mode: u32) -> io::Result<()> {
    let found = fs::metadata(path)?.permissions().mode() & 0o777;
    if found & !mode == 0 {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(mode & found)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
