//! What was heard and told, for whoever asks: the newest first.
//!
//! Reads only, beside a program that writes, and where nothing can be written. It is read in small pieces, so that
//! whoever takes it in slowly holds nobody up.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};

use super::resume::story;
use super::written::{WrittenSubject, fate, fate_text, nanoseconds, rule, text, time};
use super::{FILE, JournalError, file, schema};
use crate::koji::{BuildState, TaskState};
use crate::watch::{Fate, RuleName, Standing, Story};

/// How many builds and tasks are read at once.
const PIECE: u64 = 200;

/// The most states and the most tales that are read of one build or task.
const MAX_EACH: u32 = 100;

/// What somebody asks for; what is left out is not asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Asked {
    pub package: Option<String>,
    pub instance: Option<String>,
    /// One of these, as the hub spells them.
    pub states: BTreeSet<String>,
    /// It has changed since then.
    pub since: Option<Timestamp>,
    /// Only what is mine.
    pub mine: bool,
    /// No more than so many.
    pub limit: Option<u64>,
}

/// A build or task, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub story: Story,
    /// The states that it was in, and since when, the oldest first.
    pub states: Vec<(Standing, Timestamp)>,
    /// What was to be told of it, the oldest first.
    pub tales: Vec<PastTale>,
}

/// Something that was to be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PastTale {
    pub fate: Fate,
    pub rule: RuleName,
    pub outcome: Outcome,
    /// When that became of it.
    pub at: Timestamp,
}

/// What became of something that was to be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Nobody has seen it yet.
    Due,
    Told,
    /// Told as one of many.
    Digest,
    /// Something newer has taken its place, or nobody wanted it any more.
    Dropped,
}

impl PastTale {
    /// Returns what it told, as the file and `--json` spell it, and the tag that it is about.
    pub fn what(&self) -> (&'static str, Option<&str>) {
        fate_text(&self.fate)
    }
}

impl Outcome {
    /// Returns the name as the file and `--json` spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Told => "told",
            Self::Digest => "digest",
            Self::Dropped => "dropped",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Due, Self::Told, Self::Digest, Self::Dropped];
        all.into_iter().find(|it| it.name() == name)
    }
}

/// A journal that is open for reading.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    file: PathBuf,
}

impl History {
    /// Opens the journal in a folder; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// If there is one and it cannot be read.
    pub fn open(folder: &Path) -> Result<Option<Self>, JournalError> {
        let file = folder.join(FILE);
        match file.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(JournalError::of_io(&file, error)),
        }
        let sqlite = |it| JournalError::of_sqlite(&file, it);
        let connection = file::connect_to_read(&file).map_err(sqlite)?;
        match schema::version(&connection).map_err(sqlite)? {
            schema::Version::Empty => Ok(None),
            schema::Version::Known(_) => Ok(Some(Self { connection, file })),
            schema::Version::Newer(version) => Err(JournalError::newer(&file, version)),
            schema::Version::Foreign => Err(JournalError::broken(&file, "it is a database of another program")),
        }
    }

    /// Hands out what is asked for, the newest first, and returns how many rows could not be understood.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or `then` fails.
    pub fn each<E: From<JournalError>>(
        &self,
        asked: &Asked,
        mut then: impl FnMut(Past) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut left = asked.limit.unwrap_or(u64::MAX);
        let mut skipped = 0;
        let mut after = None;
        while left > 0 {
            let most = left.min(PIECE);
            let piece = self.piece(asked, after, most);
            let piece = piece.map_err(|it| JournalError::of_sqlite(&self.file, it))?;
            let Some((last, _)) = piece.last() else { break };
            after = Some(*last);
            for (_, past) in piece {
                match past {
                    Some(past) => {
                        left -= 1;
                        then(past)?;
                    }
                    None => skipped += 1,
                }
            }
        }
        Ok(skipped)
    }

    /// Returns the next few; `None` for a row that cannot be understood.
    fn piece(&self, asked: &Asked, after: Option<Place>, most: u64) -> rusqlite::Result<Vec<(Place, Option<Past>)>> {
        let mut wanted = vec!["1"];
        let mut values: Vec<(&str, Box<dyn ToSql>)> = Vec::new();
        if let Some(package) = &asked.package {
            wanted.push("package = :package");
            values.push((":package", Box::new(package.clone())));
        }
        if let Some(instance) = &asked.instance {
            wanted.push("instance = :instance");
            values.push((":instance", Box::new(instance.clone())));
        }
        if let Some(since) = asked.since {
            wanted.push("changed >= :since");
            values.push((":since", Box::new(nanoseconds(since))));
        }
        if asked.mine {
            wanted.push("mine = 1");
        }
        if !asked.states.is_empty() {
            wanted.push("state IN (SELECT value FROM json_each(:states))");
            values.push((":states", Box::new(text(&asked.states)?)));
        }
        if let Some(Place { changed, number }) = after {
            wanted.push("changed <= :changed AND (changed < :changed OR number > :number)");
            values.push((":changed", Box::new(changed)));
            values.push((":number", Box::new(number)));
        }
        let select = format!(
            "SELECT instance, subject, dealt, story, changed, number FROM stories
             WHERE {} ORDER BY changed DESC, number LIMIT {most}",
            wanted.join(" AND ")
        );
        let values: Vec<(&str, &dyn ToSql)> = values.iter().map(|(name, it)| (*name, &**it)).collect();
        let mut select = self.connection.prepare_cached(&select)?;
        let mut rows = select.query(&*values)?;
        let mut piece = Vec::new();
        while let Some(row) = rows.next()? {
            let place = Place {
                changed: row.get(4)?,
                number: row.get(5)?,
            };
            let past = match story(row) {
                Some(story) => Some(self.past(story, place.number)?),
                None => None,
            };
            piece.push((place, past));
        }
        Ok(piece)
    }

    fn past(&self, story: Story, number: i64) -> rusqlite::Result<Past> {
        let states = format!("SELECT kind, state, at FROM states WHERE story = ?1 ORDER BY at LIMIT {MAX_EACH}");
        let mut states = self.connection.prepare_cached(&states)?;
        let states = states.query_map([number], |row| Ok(past_state(row)))?;
        let states = states.collect::<rusqlite::Result<Vec<_>>>()?;
        let tales = format!(
            "SELECT fate, tag, rule, outcome, at FROM tales
             WHERE instance = ?1 AND subject = ?2 ORDER BY number LIMIT {MAX_EACH}"
        );
        let mut tales = self.connection.prepare_cached(&tales)?;
        let subject = text(&WrittenSubject::from(&story.subject))?;
        let tales = tales.query_map(params![story.instance.as_str(), subject], |row| Ok(past_tale(row)))?;
        let tales = tales.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Past {
            story,
            states: states.into_iter().flatten().collect(),
            tales: tales.into_iter().flatten().collect(),
        })
    }
}

/// Where in the history something is.
#[derive(Clone, Copy, Debug)]
struct Place {
    changed: i64,
    number: i64,
}

fn past_state(row: &Row<'_>) -> Option<(Standing, Timestamp)> {
    let kind: String = row.get(0).ok()?;
    let state: String = row.get(1).ok()?;
    let standing = match &*kind {
        "build" => BuildState::from_name(&state).map(Standing::Build),
        "task" => TaskState::from_name(&state).map(Standing::Task),
        _ => None,
    };
    Some((standing?, time(row.get(2).ok()?)?))
}

fn past_tale(row: &Row<'_>) -> Option<PastTale> {
    let name: String = row.get(0).ok()?;
    let rule_name: String = row.get(2).ok()?;
    let outcome: String = row.get(3).ok()?;
    Some(PastTale {
        fate: fate(&name, row.get(1).ok()?)?,
        rule: rule(&rule_name)?,
        outcome: Outcome::from_name(&outcome)?,
        at: time(row.get(4).ok()?)?,
    })
}
