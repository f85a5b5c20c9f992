//! A flood: a hundred thousand builds of mine in ten minutes, or a minute of that.
//!
//! The real core and the real journal, with a clock of ours: the minutes pass as fast as the news can be dealt with. In
//! the same order as the daemon carries it: shown, on record, acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use koji_notify::journal;
use koji_notify::koji::{BuildChange, BuildId, BuildState, Change, HubEvent, InstanceName, Nvr};
use koji_notify::watch::pace::STRETCH;
use koji_notify::watch::{
    Delivery, Effect, Event, Keep, News, Notice, Outcome, Posted, Rules, TaleId, Telling, Wanted, Watch, Whose,
};

const BUILDS_A_MINUTE: u64 = 10_000;

/// How many things go on record at once, as in a daemon that is busy.
const BATCH: usize = 256;

/// A flood may take so much memory, and no more.
const MOST_MORE: u64 = 32 * 1024 * 1024;

#[test]
fn ten_thousand_builds_a_minute_are_few_popups_little_memory_and_whole_history() {
    // Without optimisation ten minutes of this take minutes: one of them is for every day. For all:
    // KOJI_NOTIFY_FLOOD=10 cargo nextest run flood
    let minutes = std::env::var("KOJI_NOTIFY_FLOOD").map_or(1, |it| it.parse().unwrap());
    many_builds(BUILDS_A_MINUTE * minutes as u64, minutes);
}

fn many_builds(builds: u64, minutes: i64) {
    let folder = tempfile::tempdir().unwrap();
    let lab = InstanceName::new("lab");
    let start: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let mut flood = Flood::begin(folder.path(), &lab, start);
    let before = resident();
    let mut most = before;
    let begun = Instant::now();
    for number in 1..=builds {
        let passed = SignedDuration::from_mins(minutes).as_millis() as i64 * number as i64 / builds as i64;
        flood.now = start + SignedDuration::from_millis(passed);
        flood.wakes();
        flood.takes(heard(&lab, number, flood.now));
        if number % 1000 == 0 {
            most = most.max(resident());
        }
    }
    let took = begun.elapsed();
    // The flood is over; what is held comes.
    for _ in 0..3 {
        flood.now += STRETCH;
        flood.wakes();
    }
    flood.write();
    println!(
        "{builds} builds in {took:?}: {} popups, {} MiB more memory, {} MiB of journal",
        flood.popups.len(),
        (most - before) / 1024 / 1024,
        fs::metadata(folder.path().join(journal::FILE)).unwrap().len() / 1024 / 1024,
    );

    assert_eq!(flood.acknowledged, builds);
    assert_eq!(flood.told.len() as u64, builds, "each was told");
    assert_eq!(flood.told_again, 0);
    // Five one by one, then one in a minute: no more than that in any minute.
    let window = SignedDuration::from_mins(1);
    for (place, first) in flood.popups.iter().enumerate() {
        let within = flood.popups[place..]
            .iter()
            .take_while(|it| it.duration_since(*first) < window);
        assert!(within.count() <= 6, "{:?}", flood.popups);
    }
    assert!(flood.popups.len() as i64 <= 5 + minutes + 2, "{:?}", flood.popups);
    assert!(most - before < MOST_MORE, "{} more bytes", most - before);

    flood.journal.close().unwrap();
    let file = rusqlite::Connection::open(folder.path().join(journal::FILE)).unwrap();
    let count = |select: &str| file.query_row(select, (), |row| row.get::<_, i64>(0)).unwrap() as u64;
    assert_eq!(count("SELECT count(*) FROM stories WHERE state = 'COMPLETE'"), builds);
    assert_eq!(count("SELECT count(DISTINCT build) FROM stories"), builds);
    assert_eq!(
        count("SELECT count(*) FROM tales WHERE outcome IN ('told', 'digest')"),
        builds
    );
    assert_eq!(count("SELECT count(*) FROM tales WHERE outcome = 'due'"), 0);
}

#[test]
fn a_flood_in_a_pause_is_one_digest_and_no_slower_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let lab = InstanceName::new("lab");
    let start: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let mut flood = Flood::begin(folder.path(), &lab, start);
    flood.takes(Event::Asked(koji_notify::watch::Request::Pause(
        koji_notify::watch::PauseFor::UntilResumed,
    )));
    let many = BUILDS_A_MINUTE;
    let mut took = Vec::new();
    for quarter in 0..4 {
        let begun = Instant::now();
        for number in 1..=many / 4 {
            flood.now += SignedDuration::from_millis(6);
            flood.takes(heard(&lab, quarter * many / 4 + number, flood.now));
        }
        took.push(begun.elapsed());
    }
    println!("{many} builds in a pause, by quarters: {took:?}");
    assert_eq!(flood.popups, []);
    flood.takes(Event::Asked(koji_notify::watch::Request::Resume));
    flood.write();
    assert_eq!(flood.popups.len(), 1);
    assert_eq!((flood.told.len() as u64, flood.told_again), (many, 0));
    // What is held is not gone through for each piece of news.
    assert!(took[3] < took[0] * 4, "{took:?}");
}

/// A core, a journal, a screen that takes everything, and a broker that counts.
struct Flood {
    now: Timestamp,
    watch: Watch,
    journal: journal::Journal,
    gathered: Vec<Keep>,
    unacknowledged: Vec<Delivery>,
    popups: Vec<Timestamp>,
    last_number: u32,
    told: BTreeSet<TaleId>,
    told_again: u64,
    acknowledged: u64,
}

impl Flood {
    fn begin(folder: &std::path::Path, lab: &InstanceName, now: Timestamp) -> Self {
        let alice = Whose {
            users: ["alice".to_owned()].into(),
            bus: true,
            ..Whose::default()
        };
        let watch = Watch::new(Rules {
            wanted: Wanted::default(),
            instances: BTreeMap::from([(lab.clone(), alice)]),
            quiet: koji_notify::watch::QuietRules::default(),
            zone: TimeZone::UTC,
            live: true,
        });
        Self {
            now,
            watch,
            journal: journal::open(folder, now).journal.unwrap(),
            gathered: Vec::new(),
            unacknowledged: Vec::new(),
            popups: Vec::new(),
            last_number: 0,
            told: BTreeSet::new(),
            told_again: 0,
            acknowledged: 0,
        }
    }

    /// Does what has become due until now.
    fn wakes(&mut self) {
        if self.watch.wake_at().is_some_and(|it| it <= self.now) {
            self.takes(Event::Woke);
        }
    }

    /// Carries an event and what follows from it, as the daemon does.
    fn takes(&mut self, event: Event) {
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.watch.step(self.now, event) {
                match effect {
                    Effect::Show(notice) => events.extend(self.shows(&notice)),
                    Effect::Record(record) => {
                        self.gathered.extend(record.keeps);
                        self.unacknowledged.extend(record.delivery);
                        if self.gathered.len() >= BATCH {
                            events.extend(self.put_on_record());
                        }
                    }
                    Effect::Acknowledge(_) => self.acknowledged += 1,
                    Effect::Announce(_) => {}
                    other => panic!("nobody asked for {other:?}"),
                }
            }
        }
    }

    /// A screen takes it, and a person counts.
    fn shows(&mut self, notice: &Notice) -> [Event; 2] {
        let told: Vec<TaleId> = match &notice.telling {
            Telling::One(tale) => vec![tale.id],
            Telling::Many(digest) => {
                assert_eq!(digest.left_out as usize, digest.besides.len());
                let tales = digest.tales.iter().map(|it| it.id);
                tales.chain(digest.besides.iter().copied()).collect()
            }
            other => panic!("nobody asked for {other:?}"),
        };
        for tale in told {
            if !self.told.insert(tale) {
                self.told_again += 1;
            }
        }
        self.popups.push(self.now);
        self.last_number += 1;
        let posted = Posted {
            server: "a-bus :1.1".to_owned(),
            number: self.last_number,
        };
        [
            Event::Shown(notice.id, Outcome::Taken),
            Event::Posted(notice.id, posted),
        ]
    }

    fn put_on_record(&mut self) -> Vec<Event> {
        self.journal.write(&self.gathered, self.now).unwrap();
        self.gathered.clear();
        self.unacknowledged.drain(..).map(Event::Recorded).collect()
    }

    /// Puts the rest on record.
    fn write(&mut self) {
        for recorded in self.put_on_record() {
            self.takes(recorded);
        }
        self.put_on_record();
    }
}

fn heard(lab: &InstanceName, number: u64, now: Timestamp) -> Event {
    let package = format!("package-{}", number % 5000);
    Event::Heard(News {
        instance: lab.clone(),
        delivery: Some(Delivery {
            instance: lab.clone(),
            connection: 1,
            tag: number,
        }),
        message: Some(format!("00000000-0000-4000-8000-{number:012}")),
        is_first: false,
        sent: Some(now),
        owner: None,
        event: HubEvent::Changed(Change::Build(BuildChange {
            build: Some(BuildId(number)),
            nvr: Nvr {
                name: package,
                version: "1.0".to_owned(),
                release: format!("{number}.fc44"),
            },
            old: Some(BuildState::Building),
            new: BuildState::Complete,
            owner: Some("alice".to_owned()),
            task: None,
            target: Some("f44".to_owned()),
            started: Some(now - SignedDuration::from_mins(5)),
            created: Some(now - SignedDuration::from_mins(4)),
            completed: Some(now),
            children: Vec::new(),
        })),
    })
}

/// Returns how many bytes of memory this process has.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
