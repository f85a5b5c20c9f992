//! The room, through its front door.

mod any;
mod model;
mod old;
mod past;
mod torn;
mod world;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::koji::{BuildId, BuildState, InstanceName, Subject, TaskId};
use crate::watch::Filed;
use crate::watch::state::{MAX_STORIES, MAX_TOLD_BEFORE};
use crate::watch::{Fate, RuleName, Standing, Story, Tale, TaleId, Whereabouts};
use model::{Model, sorted};

#[test]
fn a_fresh_folder_has_nothing_to_resume_and_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state/koji-notify");
    let opened = open(&state, now());
    assert_eq!(opened.resumed, Resumed::default());
    assert_eq!(opened.skipped, 0);
    assert!(opened.aside.is_none());
    let mut journal = opened.journal.unwrap();
    assert_eq!(journal.path(), state.join(FILE));
    journal.write(&[Keep::Story(Box::new(filed(1, 0)))], now()).unwrap();
    let mode = |name: &str| state.join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    for name in [FILE, "journal.sqlite-wal", "journal.sqlite-shm", "journal.lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    journal.close().unwrap();
    assert!(
        !state.join("journal.sqlite-wal").exists(),
        "all is in the file after a clean stop"
    );
}

#[test]
fn what_others_could_read_is_narrowed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    write_and_close(folder.path(), &[]);
    let file = folder.path().join(FILE);
    let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    set(folder.path(), 0o755);
    set(&file, 0o644);
    write_and_close(folder.path(), &[]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder.path()), mode(&file)), (0o700, 0o600));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever is kept, in whatever batches and runs, is resumed as a plain model in memory has it.
    #[test]
    fn what_is_kept_is_resumed(runs in prop::collection::vec(prop::collection::vec(any::keeps(), 0..4), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        for (number, batches) in runs.iter().enumerate() {
            let opened = open(folder.path(), now());
            prop_assert_eq!(opened.skipped, 0);
            prop_assert_eq!(sorted(opened.resumed), model.resumed(now()));
            let mut journal = opened.journal.unwrap();
            for batch in batches {
                journal.write(batch, now()).unwrap();
                batch.iter().for_each(|it| model.keep(it));
            }
            // Every other run is killed.
            if number % 2 == 0 {
                journal.close().unwrap();
            }
        }
        prop_assert_eq!(sorted(open(folder.path(), now()).resumed), model.resumed(now()));
    }

    /// A batch that is written twice is there once.
    #[test]
    fn the_same_batch_again_changes_nothing(batch in any::keeps()) {
        // A task that was adopted and comes again is another one.
        let batch: Vec<_> = batch.into_iter().filter(|it| !matches!(it, Keep::Adopted { .. })).collect();
        let (once, twice) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write_and_close(once.path(), &batch);
        write_and_close(twice.path(), &batch);
        write_and_close(twice.path(), &batch);
        prop_assert_eq!(open(once.path(), now()).resumed, open(twice.path(), now()).resumed);
        prop_assert_eq!(states(once.path()), states(twice.path()));
    }
}

#[test]
fn of_many_stories_the_newest_come_whole_and_of_the_others_the_endings() {
    let folder = tempfile::tempdir().unwrap();
    let total = MAX_STORIES + MAX_TOLD_BEFORE + 500;
    let mut keeps: Vec<_> = (0..total as u64)
        .map(|n| Keep::Story(Box::new(filed(n, n as i64))))
        .collect();
    // The oldest of all still runs.
    let mut running = filed(1_000_000, -1000);
    running.story.standing = Standing::Build(BuildState::Building);
    keeps.push(Keep::Story(Box::new(running)));
    write_and_close(folder.path(), &keeps);
    let resumed = open(folder.path(), now()).resumed;
    assert_eq!(resumed.stories.len(), MAX_STORIES);
    assert_eq!(resumed.stories[0].story.subject, build(1_000_000));
    assert_eq!(resumed.stories[1].story.subject, build(total as u64 - 1));
    let oldest_whole = (total - MAX_STORIES + 1) as u64;
    assert_eq!(resumed.stories[MAX_STORIES - 1].story.subject, build(oldest_whole));
    assert_eq!(resumed.endings.len(), MAX_TOLD_BEFORE);
    let newest = resumed.endings.last().unwrap();
    let ending = filed(oldest_whole - 1, oldest_whole as i64 - 1).told[0];
    assert_eq!(*newest, (fedora(), build(oldest_whole - 1), ending));
    assert_eq!(resumed.endings[0].1, build(oldest_whole - MAX_TOLD_BEFORE as u64));
}

#[test]
fn of_many_tales_a_digest_comes_whole_and_the_others_as_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let due = |n| Keep::Due(Box::new(tale(n, filed(n, 0).story)));
    write_and_close(folder.path(), &(1..=250).map(due).collect::<Vec<_>>());
    let resumed = open(folder.path(), now()).resumed;
    let numbers: Vec<_> = resumed.due.iter().map(|it| it.id.0).collect();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    assert_eq!(resumed.due_besides, (201..=250).map(TaleId).collect::<Vec<_>>());
    assert_eq!(resumed.last_tale, TaleId(250));
}

#[test]
fn a_number_of_a_tale_is_never_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    write_and_close(folder.path(), &[Keep::Due(Box::new(tale(7, filed(1, 0).story)))]);
    let database = database(folder.path());
    database.execute("DELETE FROM tales", ()).unwrap();
    drop(database);
    let resumed = open(folder.path(), now()).resumed;
    assert_eq!((resumed.due.len(), resumed.last_tale), (0, TaleId(7)));
}

#[test]
fn only_the_newest_is_read_whatever_the_size() {
    let folder = tempfile::tempdir().unwrap();
    write_and_close(folder.path(), &[]);
    let database = database(folder.path());
    for select in [
        "SELECT instance, subject, dealt, story FROM stories ORDER BY settled, changed DESC LIMIT 9000",
        "SELECT instance, subject, dealt, story FROM stories WHERE instance = 'a' AND subject = 'b'",
        "SELECT number FROM stories WHERE settled = 1 AND changed < 5 ORDER BY changed LIMIT 500",
        "SELECT changed FROM stories ORDER BY changed DESC LIMIT 1",
        "SELECT number FROM tales WHERE outcome = 'due' AND number > 5 ORDER BY number",
        "SELECT number FROM tales WHERE outcome <> 'due' AND at < 5 ORDER BY at LIMIT 500",
        "UPDATE tales SET subject = 'c' WHERE instance = 'a' AND subject = 'b'",
    ] {
        let mut explained = database.prepare(&format!("EXPLAIN QUERY PLAN {select}")).unwrap();
        let steps = explained.query_map((), |row| row.get(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        let is_walk = |it: &String| (it.contains("USING") || it.contains("PRIMARY KEY")) && !it.contains("TEMP B-TREE");
        assert!(steps.iter().all(is_walk), "{select}: {steps:?}");
    }
}

#[test]
fn a_story_that_went_on_under_another_number_takes_its_past_along() {
    let folder = tempfile::tempdir().unwrap();
    let task = |state| {
        let mut filed = filed(0, 0);
        filed.story.subject = Subject::Task(TaskId(9));
        filed.story.task = Some(TaskId(9));
        filed.story.standing = Standing::Task(state);
        Keep::Story(Box::new(filed))
    };
    let adopted = Keep::Adopted {
        instance: fedora(),
        task: TaskId(9),
        build: build(5),
    };
    write_and_close(
        folder.path(),
        &[
            task(crate::koji::TaskState::Free),
            task(crate::koji::TaskState::Open),
            adopted.clone(),
            Keep::Story(Box::new(filed(5, 7))),
            // The task's row comes again, and goes up in the build's.
            task(crate::koji::TaskState::Closed),
            adopted,
        ],
    );
    let resumed = open(folder.path(), now()).resumed;
    assert_eq!(resumed.stories, [filed(5, 7)]);
    let states = states(folder.path());
    let states: Vec<_> = states
        .iter()
        .map(|(_, _, kind, state)| format!("{kind} {state}"))
        .collect();
    assert_eq!(states, ["task CLOSED", "task FREE", "task OPEN", "build FAILED"]);
}

#[test]
fn each_state_is_kept_once_and_a_build_that_is_built_again_has_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |state, second| {
        let mut filed = filed(1, second);
        filed.story.standing = Standing::Build(state);
        filed.story.ended = filed.story.ended.filter(|_| state.is_settled());
        Keep::Story(Box::new(filed))
    };
    write_and_close(
        folder.path(),
        &[
            at(BuildState::Building, 0),
            // More is known of it, and it still builds.
            at(BuildState::Building, 5),
            at(BuildState::Failed, 10),
            at(BuildState::Failed, 10),
            at(BuildState::Building, 20),
            at(BuildState::Failed, 30),
        ],
    );
    let seconds = |at: i64| (at - written::nanoseconds(now())) / 1_000_000_000;
    let states = states(folder.path());
    let states: Vec<_> = states
        .iter()
        .map(|(_, at, _, state)| (seconds(*at), &**state))
        .collect();
    assert_eq!(
        states,
        [(0, "BUILDING"), (10, "FAILED"), (20, "BUILDING"), (30, "FAILED")]
    );
}

#[test]
fn rows_that_make_no_sense_are_skipped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut keeps: Vec<_> = (1..=6).map(|n| Keep::Story(Box::new(filed(n, 0)))).collect();
    keeps.extend((1..=4).map(|n| Keep::Due(Box::new(tale(n, filed(n, 0).story)))));
    write_and_close(folder.path(), &keeps);
    let database = database(folder.path());
    for change in [
        "UPDATE stories SET story = replace(story, 'FAILED', 'FALLEN') WHERE build = 1",
        "UPDATE stories SET story = 'no JSON' WHERE build = 2",
        "UPDATE stories SET subject = '{\"side\":3}' WHERE build = 3",
        "UPDATE stories SET dealt = '5' WHERE build = 4",
        "UPDATE stories SET story = CAST(x'ff' AS TEXT) WHERE build = 5",
        "UPDATE tales SET fate = 'fallen' WHERE number = 1",
        "UPDATE tales SET rule = 'of thumb' WHERE number = 2",
        "UPDATE tales SET number = -3 WHERE number = 3",
        "INSERT INTO paused (one, until, asked) VALUES (1, NULL, 'for good')",
    ] {
        database.execute(change, ()).unwrap();
    }
    drop(database);
    let opened = open(folder.path(), now());
    let stories: Vec<_> = opened.resumed.stories.iter().map(|it| &it.story.subject).collect();
    assert_eq!(stories, [&build(6)]);
    let due: Vec<_> = opened.resumed.due.iter().map(|it| it.id).collect();
    assert_eq!(due, [TaleId(4)]);
    assert_eq!(
        opened.resumed.due_besides,
        [TaleId(1), TaleId(2)],
        "somebody was to hear of them"
    );
    assert_eq!(opened.resumed.pause, None);
    assert_eq!(opened.skipped, 9);
}

#[test]
fn a_due_tale_knows_what_became_known_unless_the_story_has_moved_on() {
    let folder = tempfile::tempdir().unwrap();
    let told = filed(1, 0);
    let mut known = told.clone();
    known.story.package = Some("bash".to_owned());
    let mut moved = known.clone();
    moved.story.ended = Some(now() + SignedDuration::from_secs(60));
    write_and_close(
        folder.path(),
        &[
            Keep::Due(Box::new(tale(1, told.story.clone()))),
            Keep::Story(Box::new(known.clone())),
        ],
    );
    assert_eq!(open(folder.path(), now()).resumed.due[0].story, known.story);
    write_and_close(folder.path(), &[Keep::Story(Box::new(moved))]);
    assert_eq!(open(folder.path(), now()).resumed.due[0].story, told.story);
}

fn now() -> Timestamp {
    "2026-11-20T17:40:00Z".parse().unwrap()
}

fn fedora() -> InstanceName {
    InstanceName::new("fedora")
}

fn build(number: u64) -> Subject {
    Subject::Build(BuildId(number))
}

/// Returns a build that failed so many seconds after now.
fn filed(number: u64, second: i64) -> Filed {
    let ended = now() + SignedDuration::from_secs(second);
    let standing = Standing::Build(BuildState::Failed);
    Filed {
        story: Story {
            instance: fedora(),
            subject: build(number),
            task: None,
            nvr: None,
            package: None,
            method: None,
            owner: Some("mona".to_owned()),
            mine: true,
            target: None,
            scratch: false,
            standing,
            children: Vec::new(),
            started: None,
            ended: Some(ended),
            changed: ended,
            cause: None,
            usual: None,
            whereabouts: Whereabouts::Unknown,
            followed: false,
            trend: None,
        },
        told: vec![(standing, Some(ended))],
        unseen_failure: false,
        doomed: false,
        task_done: false,
        earlier: Vec::new(),
        left: None,
    }
}

fn tale(number: u64, story: Story) -> Tale {
    Tale {
        id: TaleId(number),
        fate: Fate::Failed,
        story,
        rule: RuleName::MyBuilds,
        late: false,
    }
}

fn write_and_close(folder: &Path, keeps: &[Keep]) {
    let mut journal = open(folder, now()).journal.unwrap();
    journal.write(keeps, now()).unwrap();
    journal.close().unwrap();
}

/// Returns a way into the file past the room.
fn database(folder: &Path) -> Connection {
    Connection::open(folder.join(FILE)).unwrap()
}

/// Returns the states in the file, in the order of their times: story, time, whose, which.
fn states(folder: &Path) -> Vec<(i64, i64, String, String)> {
    let database = database(folder);
    let select = "SELECT story, at, kind, state FROM states ORDER BY story, at, kind DESC, state";
    let mut select = database.prepare(select).unwrap();
    let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
