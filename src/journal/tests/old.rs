//! Files of earlier versions, and what has grown old in a file.

use super::super::retain::{Left, sweep_down_to};
use super::super::{retain, schema};
use super::*;
use crate::watch::{Muted, Muting, Until};

/// A file as version 1 made it, with one story in it.
const FIRST: &str = include_str!("first.sql");

#[test]
fn a_file_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path()).execute_batch(FIRST).unwrap();
    let mutes = "INSERT INTO muted (package, until) VALUES ('bash', NULL), ('zsh', 1795000000000000000)";
    database(folder.path()).execute_batch(mutes).unwrap();
    let first = schema::version(&database(folder.path())).unwrap();
    assert_eq!(first, schema::Version::Known(1));
    let opened = open(folder.path(), now());
    assert!(opened.aside.is_none());
    assert_eq!(opened.skipped, 0);
    let resumed = opened.resumed;
    assert_eq!(resumed.stories[0].story.subject, build(2_900_001));
    assert_eq!(resumed.stories[0].told.len(), 1);
    assert_eq!(resumed.due[0].id, TaleId(3));
    assert_eq!(resumed.last_tale, TaleId(3));
    assert_eq!(resumed.marks[&fedora()], now());
    // Only packages could be muted.
    let at = Timestamp::from_second(1_795_000_000).unwrap();
    let mutes = [("bash", Until::Undone), ("zsh", Until::Time(at))].map(|(package, until)| {
        let since = Timestamp::UNIX_EPOCH;
        (Muting::Package(package.to_owned()), Muted { until, since })
    });
    assert_eq!(resumed.muted, mutes.into());
    opened.journal.unwrap().close().unwrap();
    let database = database(folder.path());
    assert_eq!(
        schema::version(&database).unwrap(),
        schema::Version::Known(schema::NEWEST)
    );
    schema::check(&database).unwrap();
    // The tables are those that a new file gets.
    let fresh = tempfile::tempdir().unwrap();
    write_and_close(fresh.path(), &[]);
    assert_eq!(tables(&database), tables(&super::database(fresh.path())));
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = database(folder.path());
    database.execute_batch(FIRST).unwrap();
    let before = tables(&database);
    let steps = [
        schema::TABLES,
        "CREATE TABLE more (it TEXT) STRICT",
        "CREATE TABLE more (it TEXT) STRICT",
    ];
    schema::take(&mut database, &steps).unwrap_err();
    assert_eq!(tables(&database), before);
    assert_eq!(schema::version(&database).unwrap(), schema::Version::Known(1));
}

#[test]
fn what_is_old_goes_a_little_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path(), now()).journal.unwrap();
    let year = 365 * 24 * 3600;
    let mut keeps = vec![Keep::Story(Box::new(filed(0, 0)))];
    for n in 1..=700 {
        keeps.push(Keep::Story(Box::new(filed(n, -2 * year))));
        keeps.push(Keep::Due(Box::new(tale(n, filed(n, -2 * year).story))));
    }
    // One still runs, and of another one somebody is still to hear.
    let mut running = filed(9000, -2 * year);
    running.story.standing = Standing::Build(BuildState::Building);
    keeps.push(Keep::Story(Box::new(running)));
    keeps.push(Keep::Told {
        tales: (1..700).map(TaleId).collect(),
        digest: false,
        at: now(),
    });
    journal.write(&keeps, now()).unwrap();
    assert_eq!(count(&journal, "stories"), 202, "a part went with the write");
    assert_eq!(count(&journal, "tales"), 201);
    assert_eq!(retain::sweep(&mut journal.connection, now()).unwrap(), Left::Nothing);
    assert_eq!(count(&journal, "stories"), 2);
    assert_eq!(count(&journal, "states"), 2);
    assert_eq!(count(&journal, "tales"), 1, "what is due never goes");
    let resumed = open_again(journal, folder.path()).resumed;
    assert_eq!(resumed.due[0].id, TaleId(700));
}

#[test]
fn what_is_too_much_goes_the_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path(), now()).journal.unwrap();
    let mut keeps = Vec::new();
    for n in 0..10 {
        keeps.push(Keep::Story(Box::new(filed(n, n as i64))));
        keeps.push(Keep::Message {
            instance: fedora(),
            id: n.to_string(),
            at: now(),
        });
    }
    journal.write(&keeps, now()).unwrap();
    sweep_down_to(&mut journal.connection, now(), 3, 4).unwrap();
    let resumed = open_again(journal, folder.path()).resumed;
    let stories: Vec<_> = resumed.stories.iter().map(|it| it.story.subject.clone()).collect();
    assert_eq!(stories, [build(9), build(8), build(7)]);
    let messages: Vec<_> = resumed.messages.iter().map(|(_, it)| &**it).collect();
    assert_eq!(messages, ["6", "7", "8", "9"]);
}

#[test]
fn messages_are_forgotten_after_two_weeks_and_tales_after_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path(), now()).journal.unwrap();
    let days = |it: i64| now() - SignedDuration::from_hours(it * 24);
    let message = |id: &str, at| Keep::Message {
        instance: fedora(),
        id: id.to_owned(),
        at,
    };
    let told = |id, at| Keep::Told {
        tales: vec![TaleId(id)],
        digest: false,
        at,
    };
    let keeps = [
        message("old", days(15)),
        message("new", days(13)),
        message("newest", days(0)),
        Keep::Due(Box::new(tale(1, filed(1, 0).story))),
        Keep::Due(Box::new(tale(2, filed(1, 0).story))),
        told(1, days(401)),
        told(2, days(0)),
    ];
    journal.write(&keeps, now()).unwrap();
    retain::sweep(&mut journal.connection, now()).unwrap();
    assert_eq!(count(&journal, "tales"), 1);
    let resumed = open_again(journal, folder.path()).resumed;
    let messages: Vec<_> = resumed.messages.iter().map(|(_, it)| &**it).collect();
    assert_eq!(messages, ["new", "newest"]);
}

#[test]
fn a_clock_that_has_run_ahead_makes_nothing_old() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path(), now()).journal.unwrap();
    let message = Keep::Message {
        instance: fedora(),
        id: "1".to_owned(),
        at: now(),
    };
    journal
        .write(&[Keep::Story(Box::new(filed(1, 0))), message], now())
        .unwrap();
    let in_ten_years = now() + SignedDuration::from_hours(10 * 365 * 24);
    retain::sweep(&mut journal.connection, in_ten_years).unwrap();
    let resumed = open_again(journal, folder.path()).resumed;
    assert_eq!((resumed.stories.len(), resumed.messages.len()), (1, 1));
}

fn open_again(journal: Journal, folder: &Path) -> Opened {
    journal.close().unwrap();
    open(folder, now())
}

fn count(journal: &Journal, table: &str) -> i64 {
    let count = format!("SELECT count(*) FROM {table}");
    journal.connection.query_row(&count, (), |row| row.get(0)).unwrap()
}

fn tables(database: &Connection) -> Vec<(String, String)> {
    let select = "SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name";
    let mut select = database.prepare(select).unwrap();
    let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
