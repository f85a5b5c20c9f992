//! Koji's dialect of INI: that of Python's `configparser.ConfigParser`, as it is without arguments.
//!
//! Several files feed one [`Ini`]; a later one wins, option by option. Section names are taken to the letter, option
//! names are lower-cased. `=` or `:` stands between a name and its value, a line that starts with `#` or `;` is a
//! comment, a line that is indented deeper than its option continues the value, and empty lines in between belong to
//! it. `[DEFAULT]` feeds all sections. `%(name)s` is the value of another option and `%%` a percent sign. A section or
//! an option that one file has twice is an error, as is a line that is none of these.
//!
//! Promise: what Python (3.10 to 3.13; before, a heading ended at its first bracket) reads is read here to the same
//! values, and what it refuses is refused. The only difference is a value that grows beyond [`MAX_VALUE`] or
//! [`MAX_PIECES`]: Python goes on until the memory ends.
//!
//! It deliberately opens no file and does not know what the options mean.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::koji::meant::one_line;

/// The longest value that references may add up to, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

/// The most references and percent signs that are followed for one value.
pub const MAX_PIECES: usize = 10_000;

/// How deep references may lead (configparser's `MAX_INTERPOLATION_DEPTH`).
pub const MAX_DEPTH: usize = 10;

/// How many characters of a name or a value are repeated in an error. As much is enough to recognise it.
const MAX_SHOWN: usize = 60;

/// The section that feeds all others, and is none itself.
const DEFAULT: &str = "DEFAULT";

/// What the files said that were read so far.
///
/// No `Debug`: nobody knows what people keep in such a file.
#[derive(Default)]
pub struct Ini {
    files: Vec<PathBuf>,
    sections: BTreeMap<String, Options>,
}

/// The value of an option, and where it was written.
pub struct Item<'a> {
    pub text: String,
    option: &'a str,
    file: &'a Path,
    line: usize,
}

/// What is wrong, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}:{line}: {problem}", file.display())]
pub struct IniError {
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    pub problem: Problem,
}

/// What is wrong in a file. The text of a broken line is not repeated: it may be a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    #[error("expected text in UTF-8")]
    NotUtf8,
    #[error("expected a heading such as [koji], found a byte order mark: save the file as UTF-8 without one")]
    ByteOrderMark,
    #[error("expected a heading such as [koji] before everything else")]
    NoHeading,
    #[error("expected `name = value`, a [heading], or an indented line that continues a value")]
    NotAnOption,
    #[error(
        "there is a [{}] already in line {first}, and a file may have it only once",
        shown(section)
    )]
    DuplicateSection { section: String, first: usize },
    #[error(
        "there is a `{}` already in line {first}, and a section may have it only once",
        shown(option)
    )]
    DuplicateOption { option: String, first: usize },
    #[error(
        "`{}`: expected `%%` for a percent sign, or `%(name)s` for the value of another option",
        shown(option)
    )]
    Percent { option: String },
    #[error(
        "`{}` refers to `{}`, expected an option of [{}] or [DEFAULT]",
        shown(option),
        shown(to),
        shown(section)
    )]
    Reference {
        option: String,
        section: String,
        to: String,
    },
    #[error("`{}`: expected references that end after {MAX_DEPTH} steps", shown(option))]
    TooDeep { option: String },
    #[error(
        "`{}`: expected references that end within {MAX_VALUE} bytes and {MAX_PIECES} steps",
        shown(option)
    )]
    TooLong { option: String },
    #[error("`{}`: expected {expected}, found {found:?}", shown(option))]
    Value {
        option: String,
        expected: &'static str,
        found: String,
    },
}

impl Ini {
    /// Reads one more file, whose options win over those read before. After an error, nothing of it is taken.
    pub fn read(&mut self, file: &Path, bytes: &[u8]) -> Result<(), IniError> {
        let error = |(line, problem)| IniError {
            file: file.to_owned(),
            line,
            problem,
        };
        let text = std::str::from_utf8(bytes).map_err(|it| {
            let (valid, _) = bytes.split_at(it.valid_up_to());
            error((1 + breaks(valid), Problem::NotUtf8))
        })?;
        let parsed = parse(text).map_err(error)?;
        let number = self.files.len();
        self.files.push(file.to_owned());
        for (name, section) in parsed {
            let options = self.sections.entry(name).or_default();
            for (option, draft) in section.options {
                let written = Written {
                    text: draft.text,
                    file: number,
                    line: draft.line,
                };
                options.insert(option, written);
            }
        }
        Ok(())
    }

    /// Returns the names of the sections, sorted. `[DEFAULT]` is none of them.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str).filter(|it| *it != DEFAULT)
    }

    /// Returns whether there is a section of this name. `[DEFAULT]` is none.
    pub fn has_section(&self, section: &str) -> bool {
        section != DEFAULT && self.sections.contains_key(section)
    }

    /// Returns the names of the options that a section has, its own and those of `[DEFAULT]`.
    pub fn options(&self, section: &str) -> BTreeSet<&str> {
        let maps = [section, DEFAULT].into_iter().filter_map(|it| self.sections.get(it));
        maps.flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// Returns the value of an option, with everything put in that it refers to. `None`: it is not set.
    pub fn value(&self, section: &str, option: &str) -> Result<Option<Item<'_>>, IniError> {
        let Some((option, written)) = self.find(section, &option.to_lowercase()) else {
            return Ok(None);
        };
        let file = self.files.get(written.file).map_or(Path::new(""), PathBuf::as_path);
        let mut expansion = Expansion {
            ini: self,
            section,
            option,
            text: String::new(),
            pieces: 0,
        };
        expansion.add(&written.text, 1).map_err(|problem| IniError {
            file: file.to_owned(),
            line: written.line,
            problem,
        })?;
        Ok(Some(Item {
            text: expansion.text,
            option,
            file,
            line: written.line,
        }))
    }

    fn find(&self, section: &str, option: &str) -> Option<(&str, &Written)> {
        let mut maps = [section, DEFAULT].into_iter().filter_map(|it| self.sections.get(it));
        let (option, written) = maps.find_map(|it| it.get_key_value(option))?;
        Some((option, written))
    }
}

impl Item<'_> {
    /// Returns what Python's `getboolean` does.
    pub fn boolean(&self) -> Result<bool, IniError> {
        match self.text.to_lowercase().as_str() {
            "1" | "yes" | "true" | "on" => Ok(true),
            "0" | "no" | "false" | "off" => Ok(false),
            _ => Err(self.unexpected("yes or no (or true, false, on, off, 1, 0)")),
        }
    }

    /// Returns what Python's `int` does, within 64 bits and for the digits from 0 to 9.
    pub fn integer(&self) -> Result<i64, IniError> {
        // The separators of ASCII (U+001C to U+001F) are space to `str.strip`, and not to `int`.
        let text = self.text.trim();
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        // One underscore may stand between two digits.
        let is_number = digits
            .split('_')
            .all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
        let number = text.replace('_', "").parse().ok().filter(|_| is_number);
        number.ok_or_else(|| self.unexpected("a whole number"))
    }

    /// Returns the error that something else was expected here. What stands before an `@` may be a password, and is
    /// not repeated.
    pub fn unexpected(&self, expected: &'static str) -> IniError {
        let found = match self.text.rsplit_once('@') {
            Some((_, host)) => format!("…@{host}"),
            None => self.text.clone(),
        };
        IniError {
            file: self.file.to_owned(),
            line: self.line,
            problem: Problem::Value {
                option: self.option.to_owned(),
                expected,
                found: found.chars().take(MAX_SHOWN).collect(),
            },
        }
    }
}

/// The options of a section by name, over all files.
type Options = BTreeMap<String, Written>;

struct Written {
    text: String,
    /// Which of the files.
    file: usize,
    line: usize,
}

/// A value that is being put together.
struct Expansion<'a> {
    ini: &'a Ini,
    section: &'a str,
    option: &'a str,
    text: String,
    pieces: usize,
}

impl Expansion<'_> {
    /// Adds what a text stands for.
    fn add(&mut self, mut rest: &str, depth: usize) -> Result<(), Problem> {
        if depth > MAX_DEPTH {
            return Err(Problem::TooDeep {
                option: self.option.to_owned(),
            });
        }
        while let Some((plain, after)) = rest.split_once('%') {
            self.pieces += 1;
            self.push(plain)?;
            if let Some(after) = after.strip_prefix('%') {
                self.push("%")?;
                rest = after;
                continue;
            }
            let reference = after.strip_prefix('(').and_then(|it| it.split_once(')'));
            let reference = reference.and_then(|(name, after)| Some((name, after.strip_prefix('s')?)));
            let Some((name, after)) = reference.filter(|(name, _)| !name.is_empty()) else {
                return Err(Problem::Percent {
                    option: self.option.to_owned(),
                });
            };
            let name = name.to_lowercase();
            let Some((_, written)) = self.ini.find(self.section, &name) else {
                return Err(Problem::Reference {
                    option: self.option.to_owned(),
                    section: self.section.to_owned(),
                    to: name,
                });
            };
            // A text without a percent sign is not another step.
            if written.text.contains('%') {
                self.add(&written.text, depth + 1)?;
            } else {
                self.push(&written.text)?;
            }
            rest = after;
        }
        self.push(rest)
    }

    fn push(&mut self, text: &str) -> Result<(), Problem> {
        self.text.push_str(text);
        if self.text.len() <= MAX_VALUE && self.pieces <= MAX_PIECES {
            return Ok(());
        }
        Err(Problem::TooLong {
            option: self.option.to_owned(),
        })
    }
}

/// A section of one file.
struct Section {
    line: usize,
    options: BTreeMap<String, Draft>,
}

struct Draft {
    text: String,
    line: usize,
}

/// Where the reader of one file is.
#[derive(Default)]
struct Reader {
    done: BTreeMap<String, Section>,
    /// The section that options go to.
    current: Option<(String, Section)>,
    /// The option that a deeper line continues.
    option: Option<String>,
    /// The indentation of the last line that continued nothing, in characters.
    indent: usize,
    /// The first line that was nothing at all. It is told only if nothing worse comes.
    stray: Option<usize>,
}

fn parse(text: &str) -> Result<BTreeMap<String, Section>, (usize, Problem)> {
    if text.starts_with('\u{feff}') {
        return Err((1, Problem::ByteOrderMark));
    }
    let mut reader = Reader::default();
    for (number, line) in (1..).zip(lines(text)) {
        reader.take(number, line).map_err(|it| (number, it))?;
    }
    if let Some(line) = reader.stray {
        return Err((line, Problem::NotAnOption));
    }
    reader.close();
    for section in reader.done.values_mut() {
        for draft in section.options.values_mut() {
            draft.text.truncate(draft.text.trim_end_matches(is_space).len());
        }
    }
    Ok(reader.done)
}

impl Reader {
    fn take(&mut self, number: usize, line: &str) -> Result<(), Problem> {
        let text = line.trim_matches(is_space);
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        let indent = line.chars().take_while(|it| is_space(*it)).count();
        let is_deeper = indent > self.indent;
        if let Some(draft) = self.value()
            && (text.is_empty() || is_deeper)
        {
            draft.text.push('\n');
            draft.text.push_str(text);
            return Ok(());
        }
        if text.is_empty() {
            return Ok(());
        }
        self.indent = indent;
        if let Some(name) = heading(text) {
            return self.begin(number, name);
        }
        let Some((_, section)) = &mut self.current else {
            return Err(Problem::NoHeading);
        };
        let Some((name, value)) = text.split_once(['=', ':']) else {
            self.stray.get_or_insert(number);
            return Ok(());
        };
        let name = name.trim_end_matches(is_space).to_lowercase();
        if name.is_empty() {
            self.stray.get_or_insert(number);
        }
        match section.options.entry(name.clone()) {
            Entry::Occupied(it) => {
                return Err(Problem::DuplicateOption {
                    option: name,
                    first: it.get().line,
                });
            }
            Entry::Vacant(it) => it.insert(Draft {
                text: value.trim_start_matches(is_space).to_owned(),
                line: number,
            }),
        };
        self.option = Some(name);
        Ok(())
    }

    /// Returns the value that a deeper line continues.
    fn value(&mut self) -> Option<&mut Draft> {
        let name = self.option.as_deref().filter(|it| !it.is_empty())?;
        let (_, section) = self.current.as_mut()?;
        section.options.get_mut(name)
    }

    fn begin(&mut self, number: usize, name: &str) -> Result<(), Problem> {
        self.close();
        let section = match self.done.remove(name) {
            Some(it) if name != DEFAULT => {
                return Err(Problem::DuplicateSection {
                    section: name.to_owned(),
                    first: it.line,
                });
            }
            Some(it) => it,
            None => Section {
                line: number,
                options: BTreeMap::new(),
            },
        };
        self.current = Some((name.to_owned(), section));
        Ok(())
    }

    fn close(&mut self) {
        self.done.extend(self.current.take());
        self.option = None;
    }
}

/// Returns the name in a heading: everything up to the last bracket of the line, and what follows is ignored.
fn heading(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

/// Returns a name as an error repeats it: it may be of any length, and hold anything but a line's end.
pub(super) fn shown(name: &str) -> String {
    one_line(name, MAX_SHOWN)
}

/// Returns the lines of a text, which end in any of the three ways.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|it| !it.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let Some((line, _)) = text.split_once(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let (_, end) = text.split_at(line.len());
        let after = end.strip_prefix("\r\n").or_else(|| end.strip_prefix(['\n', '\r']));
        rest = after.filter(|it| !it.is_empty());
        Some(line)
    })
}

/// Returns how many lines end in these bytes.
fn breaks(bytes: &[u8]) -> usize {
    let single = bytes.iter().filter(|it| matches!(it, b'\n' | b'\r')).count();
    single - bytes.windows(2).filter(|it| it == b"\r\n").count()
}

/// What Python takes for white space.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn a_file_is_read_by_sections() {
        check(
            &["
[DEFAULT]
host = koji.example
[koji]
# the server
Server = https://%(host)s/kojihub
topurl: https://%(HOST)s/files
share = 100%%
notes =
    one
    ; not this

    two

[stg]
host = stg.example
server = https://%(host)s/kojihub
"],
            expect![[r#"
                koji.host = "koji.example" (0:3)
                koji.notes = "\none\n\ntwo" (0:9)
                koji.server = "https://koji.example/kojihub" (0:6)
                koji.share = "100%" (0:8)
                koji.topurl = "https://koji.example/files" (0:7)
                stg.host = "stg.example" (0:16)
                stg.server = "https://stg.example/kojihub" (0:17)
            "#]],
        );
    }

    #[test]
    fn a_later_file_wins_option_by_option() {
        check(
            &[
                "[koji]\nserver = a\nweburl = b\n",
                "[koji]\n\nweburl = c\n[Koji]\n",
                "[DEFAULT]\nserver = d\ntopurl = e\n",
            ],
            expect![[r#"
                Koji.server = "d" (2:2)
                Koji.topurl = "e" (2:3)
                koji.server = "a" (0:2)
                koji.topurl = "e" (2:3)
                koji.weburl = "c" (1:3)
            "#]],
        );
    }

    #[test]
    fn a_broken_file_changes_nothing() {
        check(
            &["[koji]\nserver = a\n", "[koji]\nserver = b\nwhat\n"],
            expect![[r#"
                1:3: expected `name = value`, a [heading], or an indented line that continues a value
                koji.server = "a" (0:2)
            "#]],
        );
    }

    #[test]
    fn a_broken_value_spoils_only_itself() {
        check(
            &["[koji]\na = 5 %\nb = %(c)s\nd = %(d)s\ne = 5\n"],
            expect![[r#"
                0:2: `a`: expected `%%` for a percent sign, or `%(name)s` for the value of another option
                0:3: `b` refers to `c`, expected an option of [koji] or [DEFAULT]
                0:4: `d`: expected references that end after 10 steps
                koji.e = "5" (0:5)
            "#]],
        );
    }

    #[test]
    fn the_line_of_a_byte_that_is_not_utf_8() {
        let line = |bytes: &[u8]| Ini::default().read(Path::new("a"), bytes).map_err(|it| it.line);
        assert_eq!(line(b"[koji]\r\na = 1\r\n\r\xff"), Err(4));
        assert_eq!(line(b"\xff"), Err(1));
        assert_eq!(line(b"[koji]\r\na = 1\r\n\r"), Ok(()));
    }

    fn check(files: &[&str], expected: Expect) {
        let mut ini = Ini::default();
        let mut told = String::new();
        for (number, text) in files.iter().enumerate() {
            if let Err(error) = ini.read(Path::new(&number.to_string()), text.as_bytes()) {
                told.push_str(&format!("{error}\n"));
            }
        }
        for section in ini.sections() {
            for option in ini.options(section) {
                match ini.value(section, option) {
                    Ok(Some(it)) => {
                        let place = format!("{}:{}", it.file.display(), it.line);
                        told.push_str(&format!("{section}.{option} = {:?} ({place})\n", it.text));
                    }
                    Ok(None) => told.push_str(&format!("{section}.{option} is not there\n")),
                    Err(error) => told.push_str(&format!("{error}\n")),
                }
            }
        }
        expected.assert_eq(&told);
    }
}
