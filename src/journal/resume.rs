//! What an earlier run has left, read back.
//!
//! However long the file has become, only the newest of it is read: every statement walks along an index and stops.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::retain::KEPT_USUAL;
use super::written::{
    WrittenDealt, WrittenEnding, WrittenStory, WrittenSubject, asked, fate, muting, nanoseconds, parsed, rule, time,
    until,
};
use crate::koji::{InstanceName, Subject};
use crate::watch::pace::{MAX_BESIDES, MAX_HELD};
use crate::watch::seen::MAX_SEEN;
use crate::watch::state::{MAX_MUTED, MAX_STORIES, MAX_TOLD_BEFORE};
use crate::watch::{Ending, Muted, Muting, Pause, Story, Tale, TaleId};
use crate::watch::{Filed, Posted, Resumed};

/// How many rows of stories are looked at. Of what is not among the newest only the endings are of interest, and
/// nearly every story has one.
const MAX_ROWS: usize = MAX_STORIES + 2 * MAX_TOLD_BEFORE;

/// How many durations are read.
const MAX_USUAL: usize = 10_000;

/// Returns what is on record, and how many rows could not be understood.
pub(super) fn read(connection: &Connection, now: Timestamp) -> rusqlite::Result<(Resumed, usize)> {
    let mut found = Found { connection, skipped: 0 };
    let (stories, endings) = found.stories()?;
    let (due, due_besides) = found.due()?;
    let resumed = Resumed {
        marks: found.all("SELECT instance, until FROM marks", named_time)?.collect(),
        contacts: found.all("SELECT instance, at FROM contacts", named_time)?.collect(),
        messages: found.messages()?,
        stories,
        endings,
        due,
        due_besides,
        last_tale: found.last_tale()?,
        muted: found.muted()?.collect(),
        pause: found.pause()?,
        usual: found.usual(now)?,
        on_screen: found.on_screen()?,
    };
    Ok((resumed, found.skipped))
}

/// An ending, and of what.
type Told = (InstanceName, Subject, Ending);

struct Found<'a> {
    connection: &'a Connection,
    skipped: usize,
}

impl Found<'_> {
    /// Returns the rows that can be understood, and counts the others.
    fn all<T>(&mut self, select: &str, read: fn(&Row<'_>) -> Option<T>) -> rusqlite::Result<std::vec::IntoIter<T>> {
        let mut select = self.connection.prepare(select)?;
        let mut rows = select.query(())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            match read(row) {
                Some(it) => found.push(it),
                None => self.skipped += 1,
            }
        }
        Ok(found.into_iter())
    }

    fn messages(&mut self) -> rusqlite::Result<Vec<(InstanceName, String)>> {
        let newest = format!("SELECT instance, id FROM messages ORDER BY number DESC LIMIT {MAX_SEEN}");
        let newest = self.all(&newest, |row| Some((instance(row, 0)?, row.get(1).ok()?)))?;
        Ok(newest.rev().collect())
    }

    /// Returns the stories, what runs first and then the newest first; and the endings of the others and of those that
    /// were forgotten, the oldest first.
    fn stories(&mut self) -> rusqlite::Result<(Vec<Filed>, Vec<Told>)> {
        let select = format!(
            "SELECT instance, subject, dealt, story FROM stories ORDER BY settled, changed DESC LIMIT {MAX_ROWS}"
        );
        let mut select = self.connection.prepare(&select)?;
        let mut rows = select.query(())?;
        let mut stories = Vec::new();
        let mut endings = Vec::new();
        while endings.len() < MAX_TOLD_BEFORE
            && let Some(row) = rows.next()?
        {
            let is_read = if stories.len() < MAX_STORIES {
                filed(row).map(|it| stories.push(it))
            } else {
                told(row).map(|it| endings.extend(it))
            };
            if is_read.is_none() {
                self.skipped += 1;
            }
        }
        let forgotten =
            format!("SELECT instance, subject, ending FROM endings ORDER BY at DESC LIMIT {MAX_TOLD_BEFORE}");
        endings.extend(self.all(&forgotten, forgotten_ending)?);
        endings.truncate(MAX_TOLD_BEFORE);
        endings.reverse();
        Ok((stories, endings))
    }

    /// Returns what is due, and what is due beyond what a digest holds. What cannot be understood is told as a
    /// number: it is one more of which somebody was to hear.
    fn due(&mut self) -> rusqlite::Result<(Vec<Tale>, Vec<TaleId>)> {
        let select = format!(
            "SELECT number, instance, subject, fate, tag, rule, late, story FROM tales
             WHERE outcome = 'due' ORDER BY number LIMIT {MAX_HELD}"
        );
        let read = |row: &Row<'_>| Some((tale_id(row)?, tale(row)));
        let first: Vec<_> = self.all(&select, read)?.collect();
        let last = first.last().map(|(id, _)| id.0).unwrap_or_default();
        let mut besides = Vec::new();
        let mut due = Vec::new();
        for (id, tale) in first {
            match tale {
                Some(tale) => due.push(self.grown(tale)?),
                None => {
                    self.skipped += 1;
                    besides.push(id);
                }
            }
        }
        let rest = format!(
            "SELECT number FROM tales WHERE outcome = 'due' AND number > {last} ORDER BY number LIMIT {MAX_BESIDES}"
        );
        besides.extend(self.all(&rest, tale_id)?);
        Ok((due, besides))
    }

    /// Returns a tale with its story as it is on record, if it still stands as it did then: more may be known of it.
    fn grown(&self, tale: Tale) -> rusqlite::Result<Tale> {
        let select = "SELECT instance, subject, dealt, story FROM stories WHERE instance = ?1 AND subject = ?2";
        let subject = super::written::text(&WrittenSubject::from(&tale.story.subject))?;
        let mut select = self.connection.prepare_cached(select)?;
        let key = params![tale.story.instance.as_str(), subject];
        let story = select.query_row(key, |row| Ok(story(row))).optional()?.flatten();
        let same = |it: &Story| (it.standing, it.ended) == (tale.story.standing, tale.story.ended);
        Ok(match story.filter(same) {
            Some(story) => Tale { story, ..tale },
            None => tale,
        })
    }

    fn last_tale(&mut self) -> rusqlite::Result<TaleId> {
        let select = "SELECT seq FROM sqlite_sequence WHERE name = 'tales'";
        let last = self
            .connection
            .query_row(select, (), |row| Ok(tale_id(row)))
            .optional()?;
        Ok(last.flatten().unwrap_or_default())
    }

    fn muted(&mut self) -> rusqlite::Result<impl Iterator<Item = (Muting, Muted)> + use<>> {
        let select = format!(
            "SELECT kind, instance, what, until, at, since FROM mutes
             ORDER BY since DESC, kind, instance, what LIMIT {MAX_MUTED}"
        );
        let read = |row: &Row<'_>| {
            let [kind, instance, what, until]: [String; 4] =
                [row.get(0).ok()?, row.get(1).ok()?, row.get(2).ok()?, row.get(3).ok()?];
            let muted = Muted {
                until: self::until(&until, optional_time(row, 4)?)?,
                since: time(row.get(5).ok()?)?,
            };
            Some((muting(&kind, &instance, what)?, muted))
        };
        self.all(&select, read)
    }

    fn pause(&mut self) -> rusqlite::Result<Option<Pause>> {
        let pause = |row: &Row<'_>| {
            let asked: String = row.get(1).ok()?;
            Some(Pause {
                until: optional_time(row, 0)?,
                asked: self::asked(&asked)?,
            })
        };
        Ok(self.all("SELECT until, asked FROM paused", pause)?.next())
    }

    fn usual(&mut self, now: Timestamp) -> rusqlite::Result<Vec<(InstanceName, String, Option<SignedDuration>)>> {
        let oldest = now.saturating_sub(KEPT_USUAL).unwrap_or(Timestamp::MIN);
        let select = format!(
            "SELECT instance, package, takes FROM usual WHERE at >= {} ORDER BY instance, package LIMIT {MAX_USUAL}",
            nanoseconds(oldest)
        );
        let usual = |row: &Row<'_>| {
            let takes: Option<i64> = row.get(2).ok()?;
            Some((
                instance(row, 0)?,
                row.get(1).ok()?,
                takes.map(SignedDuration::from_nanos),
            ))
        };
        Ok(self.all(&select, usual)?.collect())
    }

    fn on_screen(&mut self) -> rusqlite::Result<Vec<Posted>> {
        let posted = |row: &Row<'_>| {
            Some(Posted {
                server: row.get(0).ok()?,
                number: row.get(1).ok()?,
            })
        };
        let select = "SELECT server, number FROM on_screen ORDER BY server, number";
        Ok(self.all(select, posted)?.collect())
    }
}

fn instance(row: &Row<'_>, column: usize) -> Option<InstanceName> {
    let name: String = row.get(column).ok()?;
    Some(InstanceName::new(&name))
}

fn named_time(row: &Row<'_>) -> Option<(InstanceName, Timestamp)> {
    Some((instance(row, 0)?, time(row.get(1).ok()?)?))
}

fn optional_time(row: &Row<'_>, column: usize) -> Option<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(column).ok()? {
        Some(it) => time(it).map(Some),
        None => Some(None),
    }
}

fn key(row: &Row<'_>, first: usize) -> Option<(InstanceName, Subject)> {
    let subject: String = row.get(first + 1).ok()?;
    let subject: WrittenSubject = parsed(&subject)?;
    Some((instance(row, first)?, subject.into()))
}

/// Reads `instance, subject, dealt, story`.
pub(super) fn story(row: &Row<'_>) -> Option<Story> {
    let (instance, subject) = key(row, 0)?;
    let story: String = row.get(3).ok()?;
    let story: WrittenStory = parsed(&story)?;
    story.read(instance, subject)
}

fn dealt(row: &Row<'_>) -> Option<WrittenDealt> {
    let dealt: String = row.get(2).ok()?;
    parsed(&dealt)
}

fn filed(row: &Row<'_>) -> Option<Filed> {
    Some(dealt(row)?.read(story(row)?))
}

/// Returns the endings of a row, the newest first.
fn told(row: &Row<'_>) -> Option<impl Iterator<Item = Told> + use<>> {
    let (instance, subject) = key(row, 0)?;
    let endings = dealt(row)?.endings().rev();
    Some(endings.map(move |it| (instance.clone(), subject.clone(), it)))
}

/// Reads `instance, subject, ending`.
fn forgotten_ending(row: &Row<'_>) -> Option<Told> {
    let (instance, subject) = key(row, 0)?;
    let ending: String = row.get(2).ok()?;
    let ending: WrittenEnding = parsed(&ending)?;
    Some((instance, subject, ending.read()?))
}

fn tale_id(row: &Row<'_>) -> Option<TaleId> {
    let number: i64 = row.get(0).ok()?;
    u64::try_from(number).ok().map(TaleId)
}

/// Reads `number, instance, subject, fate, tag, rule, late, story`.
fn tale(row: &Row<'_>) -> Option<Tale> {
    let (instance, subject) = key(row, 1)?;
    let fate_name: String = row.get(3).ok()?;
    let rule_name: String = row.get(5).ok()?;
    let story: String = row.get(7).ok()?;
    let story: WrittenStory = parsed(&story)?;
    Some(Tale {
        id: tale_id(row)?,
        fate: fate(&fate_name, row.get(4).ok()?)?,
        rule: rule(&rule_name)?,
        late: row.get(6).ok()?,
        story: story.read(instance, subject)?,
    })
}
