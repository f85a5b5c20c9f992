//! One thing to be on record, as statements.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::written::{
    WrittenDealt, WrittenStory, WrittenSubject, asked_text, column, fate_text, muting_text, nanoseconds, text,
    until_text,
};
use crate::koji::{InstanceName, Subject, TaskId};
use crate::watch::{Filed, Keep, Muted, Posted};
use crate::watch::{Pause, Standing, Tale, TaleId};

/// Writes one thing and returns how many rows that made or changed, roughly. To write the
/// same again changes nothing.
pub(super) fn keep(connection: &Connection, keep: &Keep, now: Timestamp) -> rusqlite::Result<usize> {
    match keep {
        Keep::Message { instance, id, at } => message(connection, instance, id, *at),
        Keep::Story(filed) => story(connection, filed),
        Keep::Adopted { instance, task, build } => adopted(connection, instance, *task, build),
        Keep::Due(tale) => due(connection, tale, now),
        Keep::Told { tales, digest, at } => {
            let outcome = if *digest { "digest" } else { "told" };
            over(connection, tales, outcome, *at)
        }
        Keep::Dropped(tales) => over(connection, tales, "dropped", now),
        Keep::Mark(instance, until) => {
            let write = "INSERT OR REPLACE INTO marks (instance, until) VALUES (?1, ?2)";
            let row = params![instance.as_str(), nanoseconds(*until)];
            connection.prepare_cached(write)?.execute(row)
        }
        Keep::Contact(instance, at) => {
            let write = "INSERT OR REPLACE INTO contacts (instance, at) VALUES (?1, ?2)";
            let row = params![instance.as_str(), nanoseconds(*at)];
            connection.prepare_cached(write)?.execute(row)
        }
        Keep::Muted(muting, Some(Muted { until, since })) => {
            let (kind, instance, what) = muting_text(muting)?;
            let (until, at) = until_text(*until);
            let write = "INSERT OR REPLACE INTO mutes (kind, instance, what, until, at, since)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let row = params![kind, instance, what, until, at.map(nanoseconds), nanoseconds(*since)];
            connection.prepare_cached(write)?.execute(row)
        }
        Keep::Muted(muting, None) => {
            let delete = "DELETE FROM mutes WHERE kind = ?1 AND instance = ?2 AND what = ?3";
            connection.execute(delete, muting_text(muting)?)
        }
        Keep::Paused(Some(Pause { until, asked })) => {
            let write = "INSERT OR REPLACE INTO paused (one, until, asked) VALUES (1, ?1, ?2)";
            connection.execute(write, params![until.map(nanoseconds), asked_text(*asked)])
        }
        Keep::Paused(None) => connection.execute("DELETE FROM paused", ()),
        Keep::Usual {
            instance,
            package,
            usual,
            at,
        } => {
            let write = "INSERT OR REPLACE INTO usual (instance, package, takes, at) VALUES (?1, ?2, ?3, ?4)";
            let takes = usual.map(|it| i64::try_from(it.as_nanos()).unwrap_or(i64::MAX));
            let row = params![instance.as_str(), package, takes, nanoseconds(*at)];
            connection.prepare_cached(write)?.execute(row)
        }
        Keep::OnScreen(Posted { server, number }, true) => {
            let write = "INSERT OR IGNORE INTO on_screen (server, number) VALUES (?1, ?2)";
            connection.prepare_cached(write)?.execute(params![server, number])
        }
        Keep::OnScreen(Posted { server, number }, false) => {
            let write = "DELETE FROM on_screen WHERE server = ?1 AND number = ?2";
            connection.prepare_cached(write)?.execute(params![server, number])
        }
    }
}

/// A message takes the place of an earlier copy, and is the newest.
fn message(connection: &Connection, instance: &InstanceName, id: &str, at: Timestamp) -> rusqlite::Result<usize> {
    let write = "INSERT OR REPLACE INTO messages (instance, id, at) VALUES (?1, ?2, ?3)";
    let row = params![instance.as_str(), id, nanoseconds(at)];
    connection.prepare_cached(write)?.execute(row)
}

fn story(connection: &Connection, filed: &Filed) -> rusqlite::Result<usize> {
    let Filed { story, .. } = filed;
    let instance = story.instance.as_str();
    let subject = text(&WrittenSubject::from(&story.subject))?;
    let (kind, state) = standing(story.standing);
    let ended = story.ended.map(nanoseconds);
    let changed = nanoseconds(story.changed);
    let build = match &story.subject {
        Subject::Build(it) => Some(column(it.0)),
        Subject::NamedBuild(_) | Subject::Task(_) => None,
    };
    let task = match &story.subject {
        Subject::Task(it) => Some(*it),
        Subject::Build(_) | Subject::NamedBuild(_) => story.task,
    };
    let before = "SELECT kind, state, ended FROM stories WHERE instance = ?1 AND subject = ?2";
    let before: Option<(String, String, Option<i64>)> = connection
        .prepare_cached(before)?
        .query_row(params![instance, subject], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let write = "INSERT INTO stories (instance, subject, build, task, nvr, package, owner, mine, kind, state, settled,
            started, ended, changed, dealt, story)
        VALUES (:instance, :subject, :build, :task, :nvr, :package, :owner, :mine, :kind, :state, :settled,
            :started, :ended, :changed, :dealt, :story)
        ON CONFLICT (instance, subject) DO UPDATE SET build = excluded.build, task = excluded.task,
            nvr = excluded.nvr, package = excluded.package, owner = excluded.owner, mine = excluded.mine,
            kind = excluded.kind, state = excluded.state, settled = excluded.settled, started = excluded.started,
            ended = excluded.ended, changed = excluded.changed, dealt = excluded.dealt, story = excluded.story
        RETURNING number";
    let named = match &story.subject {
        Subject::NamedBuild(it) => Some(it),
        Subject::Build(_) | Subject::Task(_) => None,
    };
    let nvr = story.nvr.as_ref().or(named);
    let package = story.package.as_ref().or(nvr.map(|it| &it.name));
    let row = named_params! {
        ":instance": instance,
        ":subject": subject,
        ":build": build,
        ":task": task.map(|it| column(it.0)),
        ":nvr": nvr.map(ToString::to_string),
        ":package": package,
        ":owner": story.owner,
        ":mine": story.mine,
        ":kind": kind,
        ":state": state,
        ":settled": story.standing.is_settled(),
        ":started": story.started.map(nanoseconds),
        ":ended": ended,
        ":changed": changed,
        ":dealt": text(&WrittenDealt::from(filed))?,
        ":story": text(&WrittenStory::from(story))?,
    };
    let number: i64 = connection.prepare_cached(write)?.query_row(row, |row| row.get(0))?;
    let is_known = before.is_some_and(|(old_kind, old_state, old_ended)| {
        let has_ended_anew = old_ended.is_some() && ended.is_some() && old_ended != ended;
        (&*old_kind, &*old_state) == (kind, state) && !has_ended_anew
    });
    if is_known {
        return Ok(1);
    }
    let at = if story.standing.is_settled() { ended } else { None };
    let write = "INSERT OR IGNORE INTO states (story, at, kind, state) VALUES (?1, ?2, ?3, ?4)";
    let row = params![number, at.unwrap_or(changed), kind, state];
    Ok(1 + connection.prepare_cached(write)?.execute(row)?)
}

/// What was filed under the task is filed under the build. Where both are, the build's is the newer.
fn adopted(connection: &Connection, instance: &InstanceName, task: TaskId, build: &Subject) -> rusqlite::Result<usize> {
    if *build == Subject::Task(task) {
        return Ok(0);
    }
    let instance = instance.as_str();
    let from = text(&WrittenSubject::from(&Subject::Task(task)))?;
    let to = text(&WrittenSubject::from(build))?;
    let tales = "UPDATE tales SET subject = ?3 WHERE instance = ?1 AND subject = ?2";
    let tales = connection.prepare_cached(tales)?.execute(params![instance, from, to])?;
    let filed = |subject: &str| -> rusqlite::Result<Option<i64>> {
        let number = "SELECT number FROM stories WHERE instance = ?1 AND subject = ?2";
        let mut number = connection.prepare_cached(number)?;
        number
            .query_row(params![instance, subject], |row| row.get(0))
            .optional()
    };
    let stories = match (filed(&from)?, filed(&to)?) {
        (None, _) => 0,
        (Some(old), None) => {
            let number = match build {
                Subject::Build(it) => Some(column(it.0)),
                Subject::NamedBuild(_) | Subject::Task(_) => None,
            };
            let write = "UPDATE stories SET subject = ?2, build = ?3 WHERE number = ?1";
            connection.prepare_cached(write)?.execute(params![old, to, number])?
        }
        (Some(old), Some(new)) => {
            let states = "UPDATE OR IGNORE states SET story = ?2 WHERE story = ?1";
            let states = connection.prepare_cached(states)?.execute([old, new])?;
            states + connection.execute("DELETE FROM stories WHERE number = ?1", [old])?
        }
    };
    Ok(tales + stories)
}

fn due(connection: &Connection, tale: &Tale, now: Timestamp) -> rusqlite::Result<usize> {
    let (fate, tag) = fate_text(&tale.fate);
    let write = "INSERT OR REPLACE INTO tales (number, instance, subject, fate, tag, rule, late, outcome, at, story)
        VALUES (:number, :instance, :subject, :fate, :tag, :rule, :late, 'due', :at, :story)";
    connection.prepare_cached(write)?.execute(named_params! {
        ":number": column(tale.id.0),
        ":instance": tale.story.instance.as_str(),
        ":subject": text(&WrittenSubject::from(&tale.story.subject))?,
        ":fate": fate,
        ":tag": tag,
        ":rule": tale.rule.as_str(),
        ":late": tale.late,
        ":at": nanoseconds(now),
        ":story": text(&WrittenStory::from(&tale.story))?,
    })
}

fn over(connection: &Connection, tales: &[TaleId], outcome: &str, at: Timestamp) -> rusqlite::Result<usize> {
    let write = "UPDATE tales SET outcome = ?2, at = ?3 WHERE number = ?1";
    let mut write = connection.prepare_cached(write)?;
    let mut rows = 0;
    for tale in tales {
        rows += write.execute(params![column(tale.0), outcome, nanoseconds(at)])?;
    }
    Ok(rows)
}

/// Returns whose state it is, and the state.
fn standing(standing: Standing) -> (&'static str, &'static str) {
    let kind = match standing {
        Standing::Build(_) => "build",
        Standing::Task(_) => "task",
    };
    (kind, standing.name())
}
