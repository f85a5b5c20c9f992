//! Changes `config.toml` for the person: one value, everything else as it was written.
//!
//! The new text is written beside the old one and takes its place at once, so that a crash leaves one or the other.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, Value, table, value};

use crate::watch::{Toggle, Wanted};

use super::document::Document;
use super::file::{self, toggle_key};
use super::{ConfigError, Places};

/// The documented sample, which says the same as no file at all.
const SAMPLE: &str = include_str!("../../data/config.toml");

/// Switches a toggle in the configuration. A file that cannot be understood is left alone.
pub fn switch(places: &Places, toggle: Toggle, on: bool) -> Result<(), ConfigError> {
    let named = places.config_file();
    let document = match Document::read(&named)? {
        Some(document) => document,
        None => Document::parse(&named, Vec::new())?,
    };
    let words: file::File = document.fill()?;
    if Wanted::from(words.tell).is_on(toggle) == on && document.root().get("tell").is_some_and(|it| tells(it, toggle)) {
        return Ok(());
    }
    let text = switched(&document, toggle, on)?;
    write(&named, &text)
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

fn tells(tell: &Item, toggle: Toggle) -> bool {
    tell.as_table_like()
        .is_some_and(|it| it.contains_key(toggle_key(toggle)))
}

/// Returns the text with one toggle changed.
fn switched(document: &Document, toggle: Toggle, on: bool) -> Result<String, ConfigError> {
    let parsed: Result<DocumentMut, _> = document.text().parse();
    let mut edited = parsed.map_err(|it| document.wrong(&[], it.message()))?;
    let is_empty = edited.is_empty();
    let tell = edited.entry("tell").or_insert_with(|| {
        let mut tell = table();
        if let (false, Some(table)) = (is_empty, tell.as_table_mut()) {
            table.decor_mut().set_prefix("\n");
        }
        tell
    });
    match tell.as_table_like_mut() {
        Some(tell) => set(tell, toggle_key(toggle), on),
        None => return Err(document.wrong(&["tell"], "`tell`: expected a table")),
    }
    let text = edited.to_string();
    // What is written must say what was asked, whatever shape the file has.
    let again = Document::parse(Path::new("config.toml"), text.clone().into_bytes())?;
    let words: file::File = again.fill()?;
    if Wanted::from(words.tell).is_on(toggle) != on {
        return Err(document.wrong(&["tell"], "this table cannot be changed without you"));
    }
    Ok(text)
}

fn set(table: &mut dyn TableLike, key: &str, on: bool) {
    let mut new = Value::from(on);
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => {
            table.insert(key, value(new));
        }
    }
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
