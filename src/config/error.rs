//! What can be wrong with settings. For people: each says where, and what was expected there.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there are no settings, or why one could not be changed. One line each; the cause is the source.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file says something that cannot be.
    #[error("{place}: {problem}")]
    Wrong { place: Place, problem: String },
    /// A file is there and cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file or folder of ours cannot be written.
    #[error("cannot write {}", file.display())]
    Unwritable {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A folder cannot be watched for changes.
    #[error("cannot watch {} for changes", folder.display())]
    Unwatchable {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file that a preset is made of is not on this computer. The package on PyPI does not bring it.
    #[error(
        "{} is not there, and the broker's address and certificates are in it: on Fedora, `sudo dnf install \
         fedora-messaging`; elsewhere, copy the folder `configs` of \
         https://github.com/fedora-infra/fedora-messaging to {}",
        file.display(),
        folder.display()
    )]
    NotInstalled { file: PathBuf, folder: PathBuf },
    /// Nobody knows who "me" is.
    #[error("{0}")]
    NoUser(Nameless),
    /// The account has no home folder.
    #[error("the home folder is not known: set HOME")]
    NoHome,
}

impl ConfigError {
    /// Returns what is wrong and why, without the line, for whoever shows it beside the option.
    pub fn problem(&self) -> String {
        match self {
            Self::Wrong { problem, .. } => problem.clone(),
            Self::Unreadable { source, .. } | Self::Unwritable { source, .. } | Self::Unwatchable { source, .. } => {
                format!("{self}: {source}")
            }
            Self::NotInstalled { .. } | Self::NoUser(_) | Self::NoHome => self.to_string(),
        }
    }

    /// Returns whether it may be mended outside the configuration file: a ticket is got, a package installed.
    pub fn may_mend_itself(&self) -> bool {
        match self {
            Self::NotInstalled { .. } | Self::NoUser(_) | Self::Unreadable { .. } | Self::Unwritable { .. } => true,
            Self::Wrong { .. } | Self::Unwatchable { .. } | Self::NoHome => false,
        }
    }
}

/// A place in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// An instance for which no user name was found, and the ways to give one.
#[derive(Debug)]
pub struct Nameless {
    pub instance: String,
    pub file: PathBuf,
    /// The Kerberos realm that was looked for; `None`: any.
    pub realm: Option<&'static str>,
    /// `~/.fedora.upn` is asked for this instance.
    pub upn: bool,
}

impl fmt::Display for Nameless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instance, file, .. } = self;
        write!(f, "no user name is known for the instance {instance}: ")?;
        write!(f, "set `user` under [instance.{instance}] in {}, ", file.display())?;
        let realm = self.realm.unwrap_or("YOUR.REALM");
        write!(f, "or get a Kerberos ticket (kinit NAME@{realm}), ")?;
        f.write_str("or log in with a certificate of your own")?;
        if self.upn {
            f.write_str(", or write the name into ~/.fedora.upn")?;
        }
        Ok(())
    }
}
