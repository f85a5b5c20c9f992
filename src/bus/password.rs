//! A password, and the file it is kept in.
//!
//! Promise: a password is read only from a file that nobody else can read, and is never shown. The file is read anew
//! for each attempt, as certificates are, so that a corrected password is taken up without a restart.
//!
//! It deliberately does not know who logs in with it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::net::secret::Secret;

/// The largest file that is taken for a password. Tokens have some kilobytes at most.
const MAX_SIZE: u64 = 64 * 1024;

/// Where a password comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Password {
    /// It is part of the configuration.
    Known(Secret),
    /// The first and only line of a file.
    File {
        path: PathBuf,
        /// What the file held when the configuration was read: with another password, it is another configuration.
        found: Secret,
    },
}

impl Password {
    /// Returns the password in a file that nobody else can read.
    ///
    /// # Errors
    ///
    /// If there is none, or others can read it.
    pub fn in_file(path: PathBuf) -> Result<Self, PasswordError> {
        let found = read(&path)?;
        Ok(Self::File { path, found })
    }

    /// Returns the password as it is now.
    ///
    /// # Errors
    ///
    /// If it is in a file that holds none any more, or that others can read by now.
    pub fn now(&self) -> Result<Secret, PasswordError> {
        match self {
            Self::Known(secret) => Ok(secret.clone()),
            Self::File { path, .. } => read(path),
        }
    }
}

/// Why a file gives no password. Never quotes what is in it.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("cannot read {}: {why}", file.display())]
    Unreadable { file: PathBuf, why: io::Error },
    #[error("others can read {} (mode {mode:04o}): expected 0600 or 0400; chmod 600 {}", file.display(), file.display())]
    Open { file: PathBuf, mode: u32 },
    #[error("{} is not UTF-8 text", .0.display())]
    NotText(PathBuf),
    #[error("expected the password in the only line of {}", .0.display())]
    NotALine(PathBuf),
}

fn read(file: &Path) -> Result<Secret, PasswordError> {
    let unreadable = |why: io::Error| PasswordError::Unreadable {
        file: file.to_owned(),
        why,
    };
    let refused = |why: &str| unreadable(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()));
    // A pipe would make us wait for its other end.
    if !fs::metadata(file).map_err(unreadable)?.is_file() {
        return Err(refused("it is not a regular file"));
    }
    let open = File::open(file).map_err(unreadable)?;
    let mode = open.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
    if mode & 0o177 != 0 {
        return Err(PasswordError::Open {
            file: file.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::new();
    open.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(refused("it is larger than 64 KiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| PasswordError::NotText(file.to_owned()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.contains('\n') {
        return Err(PasswordError::NotALine(file.to_owned()));
    }
    Ok(Secret::new(line.to_owned()))
}
