//! Changes `config.toml` for the person: one value, everything else as it was written.
//!
//! The new text is written beside the old one and takes its place at once, so that a crash leaves one or the other.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::watch::Toggle;

use super::change::{Words, changed};
use super::document::Document;
use super::file::{self, toggle_key};
use super::{ConfigError, Places};

/// The documented sample, which says the same as no file at all.
pub(super) const SAMPLE: &str = include_str!("../../data/config.toml");

/// Switches a toggle in the configuration. A file that cannot be understood is left alone.
pub fn switch(places: &Places, toggle: Toggle, on: bool) -> Result<(), ConfigError> {
    let named = places.config_file();
    let document = match Document::read(&named)? {
        Some(document) => document,
        // The other options are there to be found.
        None => Document::parse(&named, SAMPLE.as_bytes().to_vec())?,
    };
    let _: file::File = document.fill()?;
    let text = changed(&document, &keys(toggle), Some(&Words::On(on)))?;
    if text == document.text() {
        return Ok(());
    }
    write(&named, &text)
}

/// Returns what the configuration calls a toggle, from the outermost table.
pub fn keys(toggle: Toggle) -> [&'static str; 2] {
    ["tell", toggle_key(toggle)]
}

/// Returns the configuration for an editor to open. Where there is none, the sample is written first.
pub fn file_to_edit(places: &Places) -> Result<PathBuf, ConfigError> {
    let file = places.config_file();
    match fs::symlink_metadata(&file) {
        Ok(_) => {}
        Err(it) if it.kind() == io::ErrorKind::NotFound => write(&file, SAMPLE)?,
        Err(source) => return Err(ConfigError::Unreadable { file, source }),
    }
    Ok(file)
}

/// Writes a file of the person whole or not at all, through a symbolic link if it is one, with the mode it had.
pub(super) fn write(named: &Path, text: &str) -> Result<(), ConfigError> {
    if let Some(folder) = named.parent() {
        make_folder(folder)?;
    }
    replace(named, text).map_err(|source| ConfigError::Unwritable {
        file: named.to_owned(),
        source,
    })
}

/// Makes a folder for the person only, as the XDG base directory specification asks.
pub(super) fn make_folder(folder: &Path) -> Result<(), ConfigError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| ConfigError::Unwritable {
        file: folder.to_owned(),
        source,
    })
}

fn replace(named: &Path, text: &str) -> io::Result<()> {
    let file = match fs::canonicalize(named) {
        Ok(file) => file,
        // A link to nothing is not ours to follow.
        Err(it) if it.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(named).is_err() => named.to_owned(),
        Err(it) => return Err(it),
    };
    let folder = file.parent().unwrap_or(Path::new("/"));
    let mut temporary = tempfile::Builder::new().prefix(".koji-notify").tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(&file) {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(&file)?;
    File::open(folder)?.sync_all()
}
