//! Where things are: the XDG base directories of the person, and the system's `/etc`.
//!
//! Names: `$XDG_CONFIG_HOME/koji-notify/config.toml` (else `~/.config`), `$XDG_STATE_HOME/koji-notify/` (else
//! `~/.local/state`), `$XDG_CONFIG_HOME/autostart/`. A variable with a relative path is ignored, as the XDG base
//! directory specification wants it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use directories::BaseDirs;

use super::ConfigError;

/// Our folder in the person's folders for configuration and state.
const FOLDER: &str = "koji-notify";

/// The folders that settings are read from and kept in. Tests hand in their own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Places {
    /// The person's home, for `~/.fedora.upn` and for `~/` in the configuration.
    pub home: PathBuf,
    /// What `XDG_CONFIG_HOME` means: `~/.config`.
    pub config: PathBuf,
    /// What `XDG_STATE_HOME` means: `~/.local/state`.
    pub state: PathBuf,
    /// What `XDG_CACHE_HOME` means: `~/.cache`.
    pub cache: PathBuf,
    /// `/etc`, for `/etc/fedora-messaging` and `/etc/koji.conf.d`.
    pub etc: PathBuf,
    /// What `XDG_CONFIG_DIRS` means, the most important first: `/etc/xdg`.
    pub system_config: Vec<PathBuf>,
    /// What is read in the place of `config.toml`.
    pub file: Option<PathBuf>,
    /// The program itself, where a session would not find it by its name.
    pub program: Option<PathBuf>,
    /// Added to the environment of the programs that are asked (`klist`). Empty but in tests.
    pub environment: Vec<(OsString, OsString)>,
}

impl Places {
    /// Returns the places of the session that we run in; `file` takes the place of the person's `config.toml`.
    pub fn of_this_session(file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let base = BaseDirs::new().ok_or(ConfigError::NoHome)?;
        let home = base.home_dir().to_owned();
        let state = base.state_dir().map(Path::to_owned);
        let dirs = std::env::var_os("XDG_CONFIG_DIRS").unwrap_or_default();
        let mut system_config: Vec<PathBuf> = std::env::split_paths(&dirs).filter(|it| it.is_absolute()).collect();
        if system_config.is_empty() {
            system_config.push(PathBuf::from("/etc/xdg"));
        }
        // Folders are watched and paths are completed from it, wherever we are started.
        let file = file.map(|it| std::path::absolute(&it).unwrap_or(it));
        Ok(Self {
            config: base.config_dir().to_owned(),
            cache: base.cache_dir().to_owned(),
            state: state.unwrap_or_else(|| home.join(".local/state")),
            etc: PathBuf::from("/etc"),
            system_config,
            environment: Vec::new(),
            file,
            program: unfound_program(),
            home,
        })
    }

    /// Returns the file that a person edits. It may be absent.
    pub fn config_file(&self) -> PathBuf {
        let usual = || self.config.join(FOLDER).join("config.toml");
        self.file.clone().unwrap_or_else(usual)
    }

    /// Returns the folder for what can be had again.
    pub fn cache_folder(&self) -> PathBuf {
        self.cache.join(FOLDER)
    }

    /// Returns the folder for what is to survive a restart and is not worth a backup.
    pub fn state_folder(&self) -> PathBuf {
        self.state.join(FOLDER)
    }

    /// Returns where a packaged fedora-messaging keeps its configurations and certificates.
    pub fn fedora_messaging(&self) -> PathBuf {
        self.etc.join("fedora-messaging")
    }

    /// Returns a path that a person wrote: `~/` is the home, and a relative one starts at `folder`.
    pub(super) fn written(&self, path: &Path, folder: &Path) -> PathBuf {
        match path.strip_prefix("~") {
            Ok(rest) => self.home.join(rest),
            Err(_) => folder.join(path),
        }
    }
}

/// Returns where we are, if `koji-notify` is not in the search path.
fn unfound_program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_found = std::env::split_paths(&path).any(|it| it.join("koji-notify").is_file());
    if is_found { None } else { std::env::current_exe().ok() }
}
