//! What is too old or too much goes, a little at a time.
//!
//! What runs and what is still to be told never goes. Age is counted from the newest that is on record where that is
//! before now: a clock that has run ahead makes nothing old.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::schema;
use super::written::{nanoseconds, time};

/// How long a build or task is kept after its last change, and a tale after it was told.
pub(super) const KEPT_STORIES: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How many builds and tasks are kept.
pub(super) const MAX_STORIES: i64 = 100_000;

/// How long a message is known again. A broker that keeps a queue longer for somebody who is away is not known.
pub(super) const KEPT_MESSAGES: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How many messages are kept.
pub(super) const MAX_MESSAGES: i64 = 50_000;

/// How long an ending of something that was forgotten is kept.
const KEPT_ENDINGS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long a duration that a hub has told is believed.
pub(super) const KEPT_USUAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many notifications that may be on screen are kept; a server that is gone closes none.
const MAX_ON_SCREEN: i64 = 1000;

/// After how many rows it is time to look.
pub(super) const EVERY: usize = 2000;

/// How many rows of a table go at once.
const STEP: i64 = 500;

/// Whether there is more to remove.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Left {
    Nothing,
    More,
}

/// Removes some of what is too old or too much.
pub(super) fn sweep(connection: &mut Connection, now: Timestamp) -> rusqlite::Result<Left> {
    sweep_down_to(connection, now, MAX_STORIES, MAX_MESSAGES)
}

pub(super) fn sweep_down_to(
    connection: &mut Connection,
    now: Timestamp,
    stories: i64,
    messages: i64,
) -> rusqlite::Result<Left> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let removed: [usize; 6] = [
        old_messages(&transaction, now)?,
        surplus_messages(&transaction, messages)?,
        old_stories(&transaction, now)?,
        surplus_stories(&transaction, stories)?,
        old_tales(&transaction, now)?,
        old_endings(&transaction, now)?,
    ];
    let usual = "DELETE FROM usual WHERE at < ?1";
    transaction.execute(usual, [nanoseconds(before(now, KEPT_USUAL))])?;
    let surplus = "DELETE FROM on_screen WHERE rowid <= (SELECT max(rowid) FROM on_screen) - ?1";
    transaction.execute(surplus, [MAX_ON_SCREEN])?;
    if removed.into_iter().any(|it| it > 0) {
        schema::note_unclean(&transaction)?;
    }
    transaction.commit()?;
    let is_more = removed
        .into_iter()
        .any(|it| i64::try_from(it).is_ok_and(|it| it >= STEP));
    Ok(if is_more { Left::More } else { Left::Nothing })
}

/// Messages stand in the order in which they came, so the oldest have the lowest numbers.
fn old_messages(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let newest = "SELECT at FROM messages ORDER BY number DESC LIMIT 1";
    let oldest = before(earlier(connection, newest, now)?, KEPT_MESSAGES);
    let old = "DELETE FROM messages
        WHERE at < ?1 AND number IN (SELECT number FROM messages ORDER BY number LIMIT ?2)";
    connection.execute(old, params![nanoseconds(oldest), STEP])
}

fn surplus_messages(connection: &Connection, most: i64) -> rusqlite::Result<usize> {
    let surplus = surplus(connection, "SELECT count(*) FROM messages", most)?;
    let oldest = "DELETE FROM messages WHERE number IN (SELECT number FROM messages ORDER BY number LIMIT ?1)";
    connection.execute(oldest, [surplus])
}

fn old_stories(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let newest = "SELECT changed FROM stories ORDER BY changed DESC LIMIT 1";
    let oldest = before(earlier(connection, newest, now)?, KEPT_STORIES);
    let old = "SELECT number FROM stories WHERE settled = 1 AND changed < ?1 ORDER BY changed LIMIT ?2";
    let old = numbers(connection, old, params![nanoseconds(oldest), STEP])?;
    remove_stories(connection, &old)
}

fn surplus_stories(connection: &Connection, most: i64) -> rusqlite::Result<usize> {
    let surplus = surplus(connection, "SELECT count(*) FROM stories", most)?;
    let oldest = "SELECT number FROM stories WHERE settled = 1 ORDER BY changed LIMIT ?1";
    let oldest = numbers(connection, oldest, params![surplus])?;
    remove_stories(connection, &oldest)
}

/// Removes stories, with what was told of them; their states go with them.
fn remove_stories(connection: &Connection, stories: &[i64]) -> rusqlite::Result<usize> {
    let tales = "DELETE FROM tales WHERE outcome <> 'due' AND (instance, subject) =
        (SELECT instance, subject FROM stories WHERE number = ?1)";
    let mut tales = connection.prepare(tales)?;
    let mut story = connection.prepare("DELETE FROM stories WHERE number = ?1")?;
    for number in stories {
        tales.execute([number])?;
        story.execute([number])?;
    }
    Ok(stories.len())
}

fn old_tales(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let newest = "SELECT at FROM tales WHERE outcome <> 'due' ORDER BY at DESC LIMIT 1";
    let oldest = before(earlier(connection, newest, now)?, KEPT_STORIES);
    let old = "DELETE FROM tales WHERE number IN
        (SELECT number FROM tales WHERE outcome <> 'due' AND at < ?1 ORDER BY at LIMIT ?2)";
    connection.execute(old, params![nanoseconds(oldest), STEP])
}

/// Endings of what was forgotten are of use for as long as a broker may bring them again.
fn old_endings(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let newest = "SELECT changed FROM stories ORDER BY changed DESC LIMIT 1";
    let oldest = before(earlier(connection, newest, now)?, KEPT_ENDINGS);
    let old = "DELETE FROM endings WHERE (instance, subject, ending) IN
        (SELECT instance, subject, ending FROM endings WHERE at < ?1 ORDER BY at LIMIT ?2)";
    connection.execute(old, params![nanoseconds(oldest), STEP])
}

/// Returns now, or the newest time on record if that is earlier.
fn earlier(connection: &Connection, newest: &str, now: Timestamp) -> rusqlite::Result<Timestamp> {
    let newest: Option<i64> = connection.query_row(newest, (), |row| row.get(0)).optional()?;
    Ok(newest.and_then(time).map_or(now, |it| it.min(now)))
}

fn before(time: Timestamp, kept: SignedDuration) -> Timestamp {
    time.saturating_sub(kept).unwrap_or(Timestamp::MIN)
}

/// Returns how many rows are more than `most`, at most [`STEP`].
fn surplus(connection: &Connection, count: &str, most: i64) -> rusqlite::Result<i64> {
    let count: i64 = connection.query_row(count, (), |row| row.get(0))?;
    Ok((count - most).clamp(0, STEP))
}

fn numbers(connection: &Connection, select: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<i64>> {
    let mut select = connection.prepare(select)?;
    select.query_map(values, |row| row.get(0))?.collect()
}
