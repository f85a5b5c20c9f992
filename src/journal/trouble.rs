//! What goes wrong with the file, and what that means.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

use crate::watch::JournalTrouble;

/// Why the journal cannot be used; the cause is the source.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {kind}", file = file.display())]
pub struct JournalError {
    file: PathBuf,
    kind: Kind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What it means that the journal cannot be used; finer than what a person needs to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Kind {
    /// What is written now is lost on a restart, until there is room again.
    #[error("the disk is full")]
    Full,
    /// The folder or the file belongs to somebody else, is read-only, or is something else.
    #[error("it cannot be opened or written here")]
    NotPermitted,
    /// Another daemon has it, or a reader holds it up.
    #[error("another koji-notify is using it")]
    Busy,
    /// It is damaged, or not ours.
    #[error("it is damaged")]
    Broken,
    /// A newer version of the program has written it: the number is its schema's.
    #[error("a newer version of koji-notify has written it (schema {0})")]
    Newer(i64),
    /// Anything else, such as a disk that fails.
    #[error("it cannot be used")]
    Failing,
}

impl Kind {
    /// Returns whether what is there can be trusted all the same, and be read if the world allows.
    pub(super) fn can_be_read(self) -> bool {
        match self {
            Self::Full | Self::NotPermitted => true,
            Self::Busy | Self::Broken | Self::Newer(_) | Self::Failing => false,
        }
    }
}

impl JournalError {
    /// Returns what it means, for people.
    pub fn trouble(&self) -> JournalTrouble {
        match self.kind {
            Kind::Full => JournalTrouble::DiskFull,
            Kind::NotPermitted => JournalTrouble::NotWritable,
            Kind::Busy => JournalTrouble::Busy,
            Kind::Newer(_) => JournalTrouble::Newer,
            Kind::Broken | Kind::Failing => JournalTrouble::Broken,
        }
    }

    /// Returns whether the file is damaged; opening it anew sets it aside.
    pub fn is_broken(&self) -> bool {
        self.kind == Kind::Broken
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the file that it is about.
    pub fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn of_sqlite(file: &Path, source: rusqlite::Error) -> Self {
        Self {
            file: file.to_owned(),
            kind: kind_of_sqlite(&source),
            source: Some(source.into()),
        }
    }

    pub(super) fn of_io(file: &Path, source: io::Error) -> Self {
        Self {
            file: file.to_owned(),
            kind: kind_of_io(source.kind()),
            source: Some(source.into()),
        }
    }

    pub(super) fn newer(file: &Path, version: i64) -> Self {
        Self {
            file: file.to_owned(),
            kind: Kind::Newer(version),
            source: None,
        }
    }

    pub(super) fn broken(file: &Path, what: &str) -> Self {
        Self {
            file: file.to_owned(),
            kind: Kind::Broken,
            source: Some(what.into()),
        }
    }

    pub(super) fn busy(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            kind: Kind::Busy,
            source: None,
        }
    }
}

fn kind_of_sqlite(error: &rusqlite::Error) -> Kind {
    // A statement of ours that does not fit the tables: somebody has changed them.
    let Some(error) = error.sqlite_error() else {
        return Kind::Broken;
    };
    // Room for the index of the write-ahead log.
    if error.extended_code == ffi::SQLITE_IOERR_SHMSIZE {
        return Kind::Full;
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "SQLite's codes, most of which cannot be")]
    match error.code {
        ErrorCode::DiskFull => Kind::Full,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => Kind::NotPermitted,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => Kind::Busy,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown => Kind::Broken,
        _ => Kind::Failing,
    }
}

fn kind_of_io(kind: io::ErrorKind) -> Kind {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's, not ours")]
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Kind::Full,
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::NotFound => Kind::NotPermitted,
        io::ErrorKind::WouldBlock => Kind::Busy,
        _ => Kind::Failing,
    }
}
