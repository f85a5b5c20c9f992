//! The history: what is asked for, and what is forgotten.

use std::collections::BTreeSet;
use std::fs;

use super::super::history::{Asked, History, Outcome, Past};
use super::super::wipe;
use super::*;
use crate::koji::Nvr;
use crate::watch::{Muted, Muting, Until};

#[test]
fn the_newest_comes_first_whatever_the_size_of_a_piece() {
    let folder = tempfile::tempdir().unwrap();
    // Many have changed in the same moment.
    let keeps: Vec<_> = (0..450)
        .map(|n| Keep::Story(Box::new(filed(n, n as i64 / 150))))
        .collect();
    write_and_close(folder.path(), &keeps);
    let all = asked(folder.path(), &Asked::default());
    assert_eq!(all.len(), 450);
    assert!(all.is_sorted_by(|a, b| a.story.changed >= b.story.changed));
    let subjects: BTreeSet<_> = all.iter().map(|it| it.story.subject.clone()).collect();
    assert_eq!(subjects.len(), 450, "each once");
    let limit = |limit| Asked {
        limit: Some(limit),
        ..Asked::default()
    };
    assert_eq!(asked(folder.path(), &limit(201)), all[..201]);
    assert_eq!(asked(folder.path(), &limit(0)), []);
}

#[test]
fn what_is_asked_for_is_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let named = |number, second, nvr: &str, state, mine| {
        let mut filed = filed(number, second);
        filed.story.nvr = Nvr::parse(nvr);
        filed.story.standing = Standing::Build(state);
        filed.story.mine = mine;
        filed
    };
    let mut elsewhere = named(4, 40, "bash-5-4", BuildState::Failed, true);
    elsewhere.story.instance = InstanceName::new("centos");
    let filed = [
        named(1, 10, "bash-5-1", BuildState::Failed, true),
        named(2, 20, "bash-5-2", BuildState::Complete, false),
        named(3, 30, "ba'sh-5-3", BuildState::Failed, true),
        elsewhere,
    ];
    let keeps: Vec<_> = filed.into_iter().map(|it| Keep::Story(Box::new(it))).collect();
    write_and_close(folder.path(), &keeps);
    let is = |ask: Asked, numbers: &[u64]| {
        let found = asked(folder.path(), &ask);
        let found: Vec<_> = found.into_iter().map(|it| it.story.subject).collect();
        assert_eq!(
            found,
            numbers.iter().map(|it| build(*it)).collect::<Vec<_>>(),
            "{ask:?}"
        );
    };
    let any = Asked::default;
    let some = |it: &str| Some(it.to_owned());
    is(any(), &[4, 3, 2, 1]);
    is(
        Asked {
            package: some("bash"),
            ..any()
        },
        &[4, 2, 1],
    );
    is(
        Asked {
            package: some("ba'sh"),
            ..any()
        },
        &[3],
    );
    is(
        Asked {
            instance: some("fedora"),
            ..any()
        },
        &[3, 2, 1],
    );
    is(Asked { mine: true, ..any() }, &[4, 3, 1]);
    let states = BTreeSet::from(["COMPLETE".to_owned(), "CLOSED".to_owned()]);
    is(Asked { states, ..any() }, &[2]);
    let since = Some(now() + SignedDuration::from_secs(20));
    is(Asked { since, ..any() }, &[4, 3, 2]);
    let whole = Asked {
        package: some("bash"),
        instance: some("fedora"),
        states: BTreeSet::from(["FAILED".to_owned()]),
        since: Some(now()),
        mine: true,
        limit: Some(5),
    };
    is(whole, &[1]);
}

#[test]
fn each_has_its_states_and_what_became_of_its_tales() {
    let folder = tempfile::tempdir().unwrap();
    let later = now() + SignedDuration::from_secs(60);
    let mut building = filed(1, -60);
    building.story.standing = Standing::Build(BuildState::Building);
    let due = |n| Keep::Due(Box::new(tale(n, filed(1, 0).story)));
    let told = |n, digest| Keep::Told {
        tales: vec![TaleId(n)],
        digest,
        at: later,
    };
    let keeps = [
        Keep::Story(Box::new(building)),
        Keep::Story(Box::new(filed(1, 0))),
        due(1),
        due(2),
        due(3),
        due(4),
        Keep::Dropped(vec![TaleId(1)]),
        told(2, false),
        told(3, true),
    ];
    write_and_close(folder.path(), &keeps);
    let past = asked(folder.path(), &Asked::default()).remove(0);
    let states: Vec<_> = past.states.iter().map(|(it, _)| it.name()).collect();
    assert_eq!(states, ["BUILDING", "FAILED"]);
    let tales: Vec<_> = past.tales.iter().map(|it| (it.outcome, it.at)).collect();
    assert_eq!(
        tales,
        [
            (Outcome::Dropped, now()),
            (Outcome::Told, later),
            (Outcome::Digest, later),
            (Outcome::Due, now()),
        ]
    );
}

#[test]
fn rows_that_make_no_sense_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let keeps: Vec<_> = (0..300).map(|n| Keep::Story(Box::new(filed(n, 0)))).collect();
    write_and_close(folder.path(), &keeps);
    let change = "UPDATE stories SET story = 'no JSON' WHERE build < 250";
    database(folder.path()).execute(change, ()).unwrap();
    let history = History::open(folder.path()).unwrap().unwrap();
    let mut found = 0;
    let asked = Asked {
        limit: Some(20),
        ..Asked::default()
    };
    let skipped = history.each(&asked, |_| {
        found += 1;
        Ok::<_, JournalError>(())
    });
    assert_eq!((skipped.unwrap(), found), (250, 20));
}

#[test]
fn where_there_is_no_journal_there_is_no_history() {
    let folder = tempfile::tempdir().unwrap();
    assert!(History::open(folder.path()).unwrap().is_none());
    assert!(History::open(&folder.path().join("nowhere")).unwrap().is_none());
    assert_eq!(wipe(folder.path()).unwrap(), None);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "none is made");
    fs::write(folder.path().join(FILE), "damaged ".repeat(1000)).unwrap();
    assert!(History::open(folder.path()).unwrap_err().is_broken());
    assert!(wipe(folder.path()).unwrap_err().is_broken());
}

#[test]
fn what_is_wiped_is_gone_from_the_file_and_what_the_promise_needs_is_there() {
    for is_running in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path(), now()).journal.unwrap();
        let days = |it: i64| it * 24 * 3600;
        let secret = |number, second| {
            let mut filed = filed(number, second);
            filed.story.nvr = Nvr::parse("xyzzy-1-1");
            filed.story.target = Some("xyzzy ".repeat(100));
            filed
        };
        let mut running = filed(1, 0);
        running.story.standing = Standing::Build(BuildState::Building);
        running.told = Vec::new();
        let mut keeps = vec![
            Keep::Story(Box::new(running.clone())),
            // One ended after the mark, one shortly before, one long before.
            Keep::Story(Box::new(secret(2, days(1)))),
            Keep::Story(Box::new(secret(3, -days(1)))),
            Keep::Story(Box::new(secret(4, -days(3)))),
            Keep::Mark(fedora(), now()),
            Keep::Due(Box::new(tale(1, secret(2, days(1)).story))),
            Keep::Due(Box::new(tale(2, filed(3, 0).story))),
            Keep::Told {
                tales: vec![TaleId(1)],
                digest: false,
                at: now(),
            },
            muted("bash"),
            Keep::Usual {
                instance: fedora(),
                package: "xyzzy".to_owned(),
                usual: None,
                at: now(),
            },
            Keep::Message {
                instance: fedora(),
                id: "1".to_owned(),
                at: now(),
            },
        ];
        keeps.extend((100..200).map(|n| Keep::Story(Box::new(secret(n, -days(5))))));
        journal.write(&keeps, now()).unwrap();
        let mut journal = Some(journal);
        if !is_running {
            journal.take().unwrap().close().unwrap();
        }
        assert_eq!(wipe(folder.path()).unwrap().unwrap().stories, 103);
        for name in fs::read_dir(folder.path()).unwrap() {
            let bytes = fs::read(name.unwrap().path()).unwrap();
            assert!(!bytes.windows(5).any(|it| it == b"xyzzy"));
        }
        let past = asked(folder.path(), &Asked::default());
        let past: Vec<_> = past.into_iter().map(|it| it.story.subject).collect();
        assert_eq!(past, [build(1)]);
        if let Some(mut journal) = journal {
            // It goes on writing.
            journal.write(&[muted("zsh")], now()).unwrap();
            journal.close().unwrap();
        }
        let opened = open(folder.path(), now());
        assert!(opened.aside.is_none() && opened.journal.is_ok());
        let resumed = opened.resumed;
        assert_eq!(resumed.stories, [running]);
        let endings: Vec<_> = resumed.endings.iter().map(|it| it.1.clone()).collect();
        assert_eq!(endings, [build(3), build(2)]);
        let due: Vec<_> = resumed.due.iter().map(|it| it.id).collect();
        assert_eq!((due, resumed.last_tale), (vec![TaleId(2)], TaleId(2)));
        assert_eq!(resumed.muted.len(), 1 + usize::from(is_running));
        assert_eq!(
            (resumed.messages.len(), resumed.marks.len(), resumed.usual.len()),
            (1, 1, 0)
        );
    }
}

#[test]
fn what_was_set_aside_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), "damaged ".repeat(1000)).unwrap();
    let aside = open(folder.path(), now()).aside.unwrap();
    assert_eq!(wipe(folder.path()).unwrap().unwrap().aside, [aside.file]);
    let kept = folder.path().join("journal.sqlite.broken-20261120T174000Z");
    assert!(kept.exists());
}

#[test]
fn endings_of_what_was_forgotten_grow_old() {
    let folder = tempfile::tempdir().unwrap();
    write_and_close(folder.path(), &[Keep::Story(Box::new(filed(1, 0)))]);
    wipe(folder.path()).unwrap();
    assert_eq!(open(folder.path(), now()).resumed.endings.len(), 1);
    let in_two_months = 60 * 24 * 3600;
    write_and_close(folder.path(), &[Keep::Story(Box::new(filed(2, in_two_months)))]);
    let later = now() + SignedDuration::from_secs(in_two_months);
    drop(open(folder.path(), later));
    assert_eq!(open(folder.path(), later).resumed.endings.len(), 0);
}

fn muted(package: &str) -> Keep {
    let muted = Muted {
        until: Until::Undone,
        since: now(),
    };
    Keep::Muted(Muting::Package(package.to_owned()), Some(muted))
}

fn asked(folder: &Path, asked: &Asked) -> Vec<Past> {
    let history = History::open(folder).unwrap().unwrap();
    let mut found = Vec::new();
    let skipped = history.each(asked, |past| {
        found.push(past);
        Ok::<_, JournalError>(())
    });
    assert_eq!(skipped.unwrap(), 0);
    found
}
