//! A TOML file that knows where its keys stand, so that every error can name the line.

use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::ConfigError;
use super::error::Place;

/// The largest file that is taken for a configuration.
pub(super) const MAX_SIZE: u64 = 1024 * 1024;

/// The longest explanation of what is wrong, in characters; a file can hold names of any length.
const MAX_PROBLEM: usize = 400;

/// A TOML file that was read and is well formed.
pub(super) struct Document {
    file: PathBuf,
    text: String,
    root: Table,
}

impl Document {
    /// Reads a file. Returns `None` if there is none.
    pub(super) fn read(file: &Path) -> Result<Option<Self>, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        };
        match read_text(file) {
            Ok(bytes) => Self::parse(file, bytes).map(Some),
            Err(it) if it.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(it) => Err(unreadable(it)),
        }
    }

    /// Reads what is in a file.
    pub(super) fn parse(file: &Path, bytes: Vec<u8>) -> Result<Self, ConfigError> {
        let text = String::from_utf8(bytes).map_err(|it| {
            let readable = String::from_utf8_lossy(it.as_bytes().get(..it.utf8_error().valid_up_to()).unwrap_or(&[]));
            wrong(file, &readable, readable.len(), "this is not UTF-8 text")
        })?;
        match toml_edit::Document::parse(text.as_str()) {
            Ok(document) => {
                let root = document.into_table();
                let file = file.to_owned();
                Ok(Self { file, text, root })
            }
            Err(it) => Err(wrong(file, &text, start(it.span()), it.message())),
        }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn root(&self) -> &Table {
        &self.root
    }

    /// Returns the folder that the file is in, from which relative paths start.
    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }

    /// Spells the keys of the first level in lower case; of two that become equal the later one counts.
    pub(super) fn lower_first_level(&mut self) {
        let mut root = Table::new();
        for (name, item) in self.root.iter() {
            let lower = name.to_lowercase();
            root.remove(&lower);
            match self.root.key(name) {
                Some(key) if lower == name => root.insert_formatted(key, item.clone()),
                _ => root.insert(&lower, item.clone()),
            };
        }
        self.root = root;
    }

    /// Returns the file in the shape of `T`, or what about it has not that shape.
    pub(super) fn fill<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let root = DocumentMut::from(self.root.clone());
        toml_edit::de::from_document(root).map_err(|it| {
            let problem = without_values(it.message());
            wrong(&self.file, &self.text, start(it.span()), &problem)
        })
    }

    /// Returns the error that the value at these keys is not what it should be. Where the last key is not in the
    /// file, it is the line of the table that it is missing from.
    pub(super) fn wrong(&self, keys: &[&str], problem: &str) -> ConfigError {
        wrong(&self.file, &self.text, self.position(keys), problem)
    }

    /// Returns where the last of the keys stands, or else the last one before it that stands anywhere.
    fn position(&self, keys: &[&str]) -> usize {
        let mut position = 0;
        let mut table: Option<&dyn TableLike> = Some(&self.root);
        for key in keys {
            let Some((name, item)) = table.and_then(|it| it.get_key_value(key)) else {
                break;
            };
            let span = name.span().or_else(|| item.span()).or_else(|| first_span(item));
            position = span.map_or(position, |it| it.start);
            table = item.as_table_like();
        }
        position
    }
}

/// Reads a whole file, if it is a file and not too large.
pub(super) fn read_text(file: &Path) -> io::Result<Vec<u8>> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    // A pipe would make us wait for its other end.
    if !fs::metadata(file)?.is_file() {
        return Err(refused("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|it| it > MAX_SIZE) {
        return Err(refused("it is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// Returns the place of the first key inside: a table that was never written as such (`[a.b]` makes `a`) has none.
fn first_span(item: &Item) -> Option<Range<usize>> {
    let table = item.as_table_like()?;
    let (name, inner) = table.iter().next()?;
    let key = table.key(name).and_then(toml_edit::Key::span);
    key.or_else(|| inner.span()).or_else(|| first_span(inner))
}

fn start(span: Option<Range<usize>>) -> usize {
    span.map_or(0, |it| it.start)
}

fn wrong(file: &Path, text: &str, position: usize, problem: &str) -> ConfigError {
    let before = text.get(..position).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |it| it + 1);
    let line = before.bytes().filter(|it| *it == b'\n').count() + 1;
    let column = before.get(line_start..).map_or(0, |it| it.chars().count()) + 1;
    let one_line: String = problem
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .take(MAX_PROBLEM)
        .collect();
    ConfigError::Wrong {
        place: Place {
            file: file.to_owned(),
            line,
            column,
        },
        problem: one_line,
    }
}

/// Takes the value out of "invalid type: string "…", expected a boolean": it can be a password in the wrong place.
fn without_values(message: &str) -> String {
    let opening = message.split_once(" string \"");
    match opening.and_then(|(before, rest)| Some((before, rest.rsplit_once("\", expected ")?.1))) {
        Some((before, expected)) => format!("{before} string, expected {expected}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[&str], line: usize) {
        let text = "\u{feff}# a comment\n[tell]\nstarted = true\n\n[instance.a.broker]\nurl = ''\n\n[instance.b]\n\
                    broker.url = ''\nusers = [\n  'x',\n]\n[instance]\nc = { user = 'x' }\n";
        let document = Document::parse(Path::new("x.toml"), text.into()).unwrap();
        let told = document.wrong(keys, "odd").to_string();
        assert!(told.starts_with(&format!("x.toml:{line}:")), "{keys:?} {told}");
    }

    #[test]
    fn every_key_has_its_line_and_a_missing_one_that_of_its_table() {
        check(&["tell", "started"], 3);
        check(&["tell", "stopped"], 2);
        check(&["instance", "a"], 5);
        check(&["instance", "a", "user"], 5);
        check(&["instance", "a", "broker", "url"], 6);
        check(&["instance", "b", "preset"], 8);
        check(&["instance", "b", "broker", "url"], 9);
        check(&["instance", "b", "users"], 10);
        check(&["instance", "c", "user"], 14);
        check(&["nothing"], 1);
    }

    #[test]
    fn a_value_is_not_shown() {
        let message = "invalid type: string \"amqps://x:secret@\\\", expected y\", expected struct Tls";
        assert_eq!(without_values(message), "invalid type: string, expected struct Tls");
        assert_eq!(
            without_values("unknown field `a`, expected `b`"),
            "unknown field `a`, expected `b`"
        );
    }
}
