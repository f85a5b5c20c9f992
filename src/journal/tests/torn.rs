//! Power cuts: the write-ahead log ends anywhere, or in garbage.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::model::{Model, sorted};
use super::{FILE, any, now, open};

const LOG: &str = "journal.sqlite-wal";

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    /// Of a log that is cut anywhere, all batches that were whole on disk are there, and nothing of the others.
    #[test]
    fn a_log_that_is_cut_holds_the_batches_before(
        batches in prop::collection::vec(any::keeps(), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 8),
        garbage in prop::collection::vec(any::<u8>(), 0..9000),
    ) {
        let home = tempfile::tempdir().unwrap();
        let mut journal = open(home.path(), now()).journal.unwrap();
        let mut model = Model::default();
        // How long the log was after each batch, and what was on record then.
        let mut commits = vec![(length(home.path()), model.clone())];
        for batch in &batches {
            journal.write(batch, now()).unwrap();
            batch.iter().for_each(|it| model.keep(it));
            commits.push((length(home.path()), model.clone()));
        }
        let file = fs::read(home.path().join(FILE)).unwrap();
        let log = fs::read(home.path().join(LOG)).unwrap();
        prop_assert_eq!(log.len(), commits.last().unwrap().0, "nothing was folded in meanwhile");
        let first = commits[0].0;
        for cut in cuts {
            let end = first + cut.index(log.len() - first + 1);
            let whole = commits.iter().rfind(|(length, _)| *length <= end).unwrap();
            for tail in [&[][..], &garbage] {
                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join(FILE), &file).unwrap();
                fs::write(folder.path().join(LOG), [&log[..end], tail].concat()).unwrap();
                let opened = open(folder.path(), now());
                prop_assert!(opened.aside.is_none());
                prop_assert_eq!(sorted(opened.resumed), whole.1.resumed(now()));
                // And it goes on from there.
                let mut journal = opened.journal.unwrap();
                let mut model = whole.1.clone();
                journal.write(&batches[0], now()).unwrap();
                batches[0].iter().for_each(|it| model.keep(it));
                drop(journal);
                prop_assert_eq!(sorted(open(folder.path(), now()).resumed), model.resumed(now()));
            }
        }
    }

    /// Of a log in which bytes have changed, a beginning is there.
    #[test]
    fn a_log_that_rots_holds_a_beginning(
        batches in prop::collection::vec(any::keeps(), 1..6),
        rotten in any::<prop::sample::Index>(),
        by in 1_u8..,
    ) {
        let home = tempfile::tempdir().unwrap();
        let mut journal = open(home.path(), now()).journal.unwrap();
        let first = length(home.path());
        let mut model = Model::default();
        let mut commits = vec![model.resumed(now())];
        for batch in &batches {
            journal.write(batch, now()).unwrap();
            batch.iter().for_each(|it| model.keep(it));
            commits.push(model.resumed(now()));
        }
        let folder = tempfile::tempdir().unwrap();
        fs::copy(home.path().join(FILE), folder.path().join(FILE)).unwrap();
        let mut log = fs::read(home.path().join(LOG)).unwrap();
        if log.len() > first {
            let at = first + rotten.index(log.len() - first);
            log[at] ^= by;
        }
        fs::write(folder.path().join(LOG), log).unwrap();
        let opened = open(folder.path(), now());
        prop_assert!(opened.aside.is_none());
        let resumed = sorted(opened.resumed);
        prop_assert!(commits.contains(&resumed), "{resumed:#?}");
    }
}

fn length(folder: &Path) -> usize {
    let log: PathBuf = folder.join(LOG);
    fs::metadata(log).map_or(0, |it| usize::try_from(it.len()).unwrap())
}
