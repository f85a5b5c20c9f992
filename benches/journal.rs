//! What the journal costs: how fast it is written, and how long a start takes with much in it.
//!
//! The records are those of the real core: builds of mine that fail, each shown and taken. The disk is the one that
//! this repository is on; what one `fsync` takes there is measured beside.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use koji_notify::journal::{self, Journal};
use koji_notify::koji::{BuildChange, BuildId, BuildState, Change, HubEvent, InstanceName, Nvr};
use koji_notify::watch::{Effect, Event, Keep, News, Outcome, Rules, Wanted, Watch, Whose};
use serde_json::json;

use crate::Extent;
use crate::report::{Goal, Report, median};

/// How much is in the journal of somebody who has built for years.
const MANY: u64 = 100_000;
/// As much as gathers in a busy moment while one batch is written.
const BATCH: usize = 256;
/// How often each is done.
const ROUNDS: usize = 7;

/// Runs the course.
pub(crate) fn course(report: &mut Report, extent: Extent) {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(target);
    let folder = tempfile::Builder::new().prefix("journal-").tempdir_in(&place).unwrap();
    let begun = Timestamp::now() - SignedDuration::from_hours(24);
    let mut mine = Mine::new(begun);
    let syncs = synced(&folder.path().join("synced"), extent.journal_batches);
    for (size, name) in [(1, "one"), (BATCH, "many")] {
        eprintln!("bench: journal, {} batches of {size}", extent.journal_batches);
        let builds: Vec<_> = (0..extent.journal_batches * size).map(|_| mine.build()).collect();
        let rows: usize = builds.iter().map(Vec::len).sum();
        let mut journal = open(&folder.path().join(name), mine.now);
        let started = Instant::now();
        for batch in builds.chunks(size) {
            journal.write(&batch.concat(), mine.now).unwrap();
        }
        let seconds = started.elapsed().as_secs_f64();
        journal.close().unwrap();
        let each = builds.len() as f64 / seconds;
        let what = if size == 1 {
            "builds written, each by itself"
        } else {
            "builds written, 256 at once"
        };
        let floor = (size == 1).then_some(syncs);
        report.row(what, "a second", floor, each, Goal::None);
        report.note(name, &json!({"builds": builds.len(), "rows": rows, "seconds": seconds}));
    }

    eprintln!("bench: journal, a start with {MANY} builds");
    let full = folder.path().join("full");
    let mut journal = open(&full, mine.now);
    let mut left = MANY;
    while left > 0 {
        let count = left.min(1000);
        let batch: Vec<Keep> = (0..count).flat_map(|_| mine.build()).collect();
        journal.write(&batch, mine.now).unwrap();
        left -= count;
    }
    journal.close().unwrap();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let opened = journal::open(&full, mine.now);
        times.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(opened.resumed.stories.len(), koji_notify::watch::state::MAX_STORIES);
        opened.journal.unwrap().close().unwrap();
    }
    report.row(
        "a start with 100,000 builds on record",
        "ms",
        None,
        median(&times),
        Goal::None,
    );
    // As after a crash: nothing says that the file is whole, so all of it is looked through.
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let mut journal = open(&full, mine.now);
        journal.write(&mine.build(), mine.now).unwrap();
        drop(journal);
        let started = Instant::now();
        let opened = journal::open(&full, mine.now);
        times.push(started.elapsed().as_secs_f64() * 1e3);
        opened.journal.unwrap().close().unwrap();
    }
    report.row("the same after a crash", "ms", None, median(&times), Goal::None);
    let bytes = full.join(journal::FILE).metadata().unwrap().len();
    report.row("the file", "MiB", None, bytes as f64 / 1024.0 / 1024.0, Goal::None);
}

fn open(folder: &Path, now: Timestamp) -> Journal {
    let opened = journal::open(folder, now);
    opened.journal.unwrap()
}

/// Returns how often in a second the disk can say that a page is on it: the least for one record.
fn synced(file: &Path, count: usize) -> f64 {
    let mut file = File::create(file).unwrap();
    let started = Instant::now();
    for _ in 0..count {
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
    }
    count as f64 / started.elapsed().as_secs_f64()
}

/// Somebody who builds.
struct Mine {
    watch: Watch,
    now: Timestamp,
    last: u64,
}

impl Mine {
    fn new(now: Timestamp) -> Self {
        let whose = Whose {
            users: BTreeSet::from(["mona".to_owned()]),
            bus: true,
            ..Whose::default()
        };
        let rules = Rules {
            wanted: Wanted::default(),
            instances: BTreeMap::from([(fedora(), whose)]),
            quiet: koji_notify::watch::QuietRules::default(),
            zone: TimeZone::UTC,
            live: true,
        };
        Self {
            watch: Watch::new(rules),
            now,
            last: 0,
        }
    }

    /// Returns what is to be on record of one build that fails, from the news to the answer of the screen.
    fn build(&mut self) -> Vec<Keep> {
        self.last += 1;
        // So far apart that each has a notification of its own.
        self.now += SignedDuration::from_secs(20);
        let news = News {
            instance: fedora(),
            delivery: None,
            message: Some(format!("{:08}-0b5c-4f3e-9d2a-3c8e6b1f7a90", self.last)),
            is_first: false,
            sent: Some(self.now),
            owner: None,
            event: HubEvent::Changed(Change::Build(BuildChange {
                build: Some(BuildId(self.last)),
                nvr: Nvr::parse(&format!("package-{}-1.{}-1.fc44", self.last % 400, self.last)).unwrap(),
                old: Some(BuildState::Building),
                new: BuildState::Failed,
                owner: Some("mona".to_owned()),
                task: None,
                target: Some("rawhide".to_owned()),
                started: Some(self.now - SignedDuration::from_mins(12)),
                created: None,
                completed: Some(self.now),
                children: Vec::new(),
            })),
        };
        let mut keeps = Vec::new();
        let mut events = vec![Event::Heard(news)];
        while let Some(event) = events.pop() {
            for effect in self.watch.step(self.now, event) {
                match effect {
                    Effect::Show(notice) => events.push(Event::Shown(notice.id, Outcome::Taken)),
                    Effect::Record(record) => keeps.extend(record.keeps),
                    _ => {}
                }
            }
        }
        let is_told = keeps.iter().any(|it| matches!(it, Keep::Told { .. }));
        assert!(is_told, "each is shown");
        keeps
    }
}

fn fedora() -> InstanceName {
    InstanceName::new("fedora")
}
