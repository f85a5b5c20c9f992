//! Changes `config.toml` for the person: one value, everything else as it was written.
//!
//! The new text is written beside the old one and takes its place at once, so that a crash leaves one or the other.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, RawString, Table, TableLike, Value, value};

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
        // The other options are there to be found.
        None => Document::parse(&named, SAMPLE.as_bytes().to_vec())?,
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
    if !edited.contains_key("tell") {
        append_table(&mut edited, "tell");
    }
    match edited.get_mut("tell").and_then(Item::as_table_like_mut) {
        Some(tell) => set(tell, toggle_key(toggle), on),
        None => return Err(document.wrong(&["tell"], "`tell`: expected a table")),
    }
    let mut text = edited.to_string();
    // The editor of TOML ends every line in its own way.
    if document.text().contains("\r\n") && !document.text().replace("\r\n", "").contains('\n') {
        text = text.replace('\n', "\r\n");
    }
    // What is written must say what was asked, whatever shape the file has.
    let again = Document::parse(Path::new("config.toml"), text.clone().into_bytes())?;
    let words: file::File = again.fill()?;
    if Wanted::from(words.tell).is_on(toggle) != on {
        return Err(document.wrong(&["tell"], "this table cannot be changed without you"));
    }
    Ok(text)
}

/// Puts an empty table at the very end, behind the last comment.
fn append_table(document: &mut DocumentMut, name: &str) {
    let end = document.trailing().as_str().unwrap_or_default().to_owned();
    let line_break = if end.is_empty() || end.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let space = if end.is_empty() && document.is_empty() {
        ""
    } else {
        "\n"
    };
    let mut table = Table::new();
    table.decor_mut().set_prefix(format!("{end}{line_break}{space}"));
    document.insert(name, Item::Table(table));
    document.set_trailing("");
}

fn set(table: &mut dyn TableLike, key: &str, on: bool) {
    let mut new = Value::from(on);
    if let Some(old) = table.get_mut(key).and_then(Item::as_value_mut) {
        *new.decor_mut() = old.decor().clone();
        *old = new;
        return;
    }
    // In a table in one line, the blank before the closing brace belongs to the last value.
    let last = table
        .iter_mut()
        .last()
        .and_then(|(_, it)| it.as_value_mut().map(Value::decor_mut));
    let blank = last.filter(|it| it.suffix().and_then(RawString::as_str) == Some(" "));
    if let Some(decor) = blank {
        decor.set_suffix("");
        new.decor_mut().set_prefix(" ");
        new.decor_mut().set_suffix(" ");
    }
    table.insert(key, value(new));
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
