//! The same day with a hub that can be asked: the real core, and the real planner and reader of logs over HTTP to a
//! small hub that has come as far as the day has. All forty that alice submitted are told, also those that no bus tells.
//!
//! The day is played in its own time: the core is told what time it is, the small hub's clock is set to it, and each
//! answer comes so much later as the way says. Only the "as of" of an answer, which is read off the world's clock, is
//! put back into the day.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use expect_test::expect;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use koji_notify::bus::decode::Dialect;
use koji_notify::bus::replay::{Recording, Speed};
use koji_notify::journal::{self, Journal};
use koji_notify::koji::{BuildState, Cause, CauseClass, InstanceName, LogName, Subject, TaskId, TaskState};
use koji_notify::watch::{
    Ask, Effect, Event, Fate, Learned, Link, Looked, Notice, NoticeId, Outcome, Request, Resumed, Rules, Standing,
    Tale, Telling, Wanted, Watch, Whose,
};
use serde::Deserialize;
use tempfile::TempDir;

use super::day;
use crate::decoding::shared;
use crate::hub_asks::Asker;
use crate::small_hub::SmallHub;
use crate::two_worlds::own_day;

/// How far apart the clocks may be, by which an answer is older than its question (`hub/asker.rs`).
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The longest that a hub is not looked at while nothing of mine is known to run, with its tenth (`watch/asking.rs`).
const IDLE: SignedDuration = SignedDuration::from_secs(330);

/// The same while something of mine runs.
const BUSY: SignedDuration = SignedDuration::from_secs(66);

/// What is held back comes in a digest, each minute.
const DIGEST: SignedDuration = SignedDuration::from_secs(60);

#[tokio::test]
async fn all_forty_are_told_once_with_their_cause() {
    let Some(mut played) = Played::begin(&Way::default()).await else {
        return;
    };
    played.play_out().await;
    let ends = played.ends();
    let shortest = ends.values().map(|it| it.delay).min();
    assert!(shortest >= Some(SignedDuration::ZERO), "told before it ended: {ends:?}");
    // What the bus tells is told within its minute. The hub alone knows the others; it is asked while others run.
    let longest = ends.values().map(|it| it.delay).max();
    assert!(longest <= Some(BUSY + DIGEST), "{longest:?}");
    check(&played, &ends);
    // Each failure had its cause on screen.
    for end in ends.values().filter(|it| it.fate == Fate::Failed) {
        assert!(end.cause.is_some(), "{end:?}");
    }
}

#[tokio::test]
async fn all_forty_are_told_by_the_hub_alone() {
    let Some(mut played) = Played::begin(&Way {
        heard: Heard::Nothing,
        ..Way::default()
    })
    .await
    else {
        return;
    };
    played.play_out().await;
    let ends = played.ends();
    let longest = ends.values().map(|it| it.delay).max();
    assert!(longest <= Some(IDLE + DIGEST), "{longest:?}");
    check(&played, &ends);
}

#[tokio::test]
async fn all_forty_are_told_by_a_slow_hub_and_a_bus_that_loses_half() {
    let way = Way {
        heard: Heard::Half,
        look_takes: SignedDuration::from_secs(40),
        others_take: SignedDuration::from_secs(25),
    };
    let Some(mut played) = Played::begin(&way).await else {
        return;
    };
    played.play_out().await;
    check(&played, &played.ends());
}

#[tokio::test]
async fn all_forty_are_told_across_restarts() {
    for (from, until) in [(60, 61), (100, 400), (5, 3600)] {
        let Some(mut played) = Played::begin(&Way::default()).await else {
            return;
        };
        let at = |secs| played.began + SignedDuration::from_secs(secs);
        let (from, until) = (at(from), at(until));
        played.until(from).await;
        played.restart(until).await;
        played.play_out().await;
        check(&played, &played.ends());
    }
}

/// The mail tasks are the real hub's, which `truth.jsonl` does not have: in the laboratory everybody canceled their own.
#[tokio::test]
async fn of_each_build_that_was_canceled_the_hub_s_own_records_say_who_did_it() {
    let Some(folder) = shared("samples/lab/day") else {
        return;
    };
    let hub = SmallHub::start();
    hub.load_day(&folder.join("truth.jsonl"));
    let mut asker = Asker::of(&hub);
    let mut said = String::new();
    for line in fs::read_to_string(folder.join("truth.jsonl")).unwrap().lines() {
        let it: serde_json::Value = serde_json::from_str(line).unwrap();
        if it["ev"] != "submit" || it["task_state"] != "CANCELED" {
            continue;
        }
        let task = TaskId(it["task"].as_u64().unwrap());
        let about = Subject::Task(task);
        let Learned::Explained { cause, .. } = asker.ask(Ask::Explain { about, task: None }).await else {
            panic!("not explained");
        };
        assert_eq!(cause.class, CauseClass::Canceled);
        let has_record = if it["build"].is_null() { "no record" } else { "a record" };
        let (user, kind) = (it["user"].as_str().unwrap(), it["kind"].as_str().unwrap());
        writeln!(said, "{user} {kind}, {has_record}: by {:?}", cause.by).unwrap();
    }
    expect![[r#"
        bob cancel-early, no record: by None
        alice cancel-build, a record: by Some("alice")
        alice cancel-early, no record: by None
        alice cancel-early, no record: by None
        bob cancel-early, no record: by None
        alice scratch-cancel, no record: by None
        bob cancel-task, a record: by Some("bob")
        bob cancel-build, a record: by Some("bob")
        alice cancel-build, a record: by Some("alice")
        bob cancel-task, a record: by Some("bob")
        bob cancel-build, a record: by Some("bob")
        bob cancel-early, no record: by None
    "#]]
    .assert_eq(&said);
}

/// Compares what was told with the truth: each submission once, as it ended, and of each failure why.
pub(crate) fn check(played: &Played, ends: &BTreeMap<TaskId, End>) {
    let truth = truth(&played.folder);
    assert_eq!(truth.len(), 40);
    let never_on_the_bus = truth.values().filter(|it| it.build.is_none() && !it.opts.scratch);
    assert_eq!(never_on_the_bus.count(), 4);
    let told: BTreeSet<_> = ends.keys().collect();
    assert_eq!(
        told,
        truth.keys().collect(),
        "all that alice submitted, and nothing else"
    );
    let mut causes = 0;
    for (task, it) in &truth {
        let end = &ends[task];
        assert_eq!(end.notices.len(), 1, "{it:?}: {end:?}");
        let (fate, task_state) = it.outcome();
        assert_eq!(end.fate, fate, "{it:?}");
        let standing = match &it.build {
            Some(build) => Standing::Build(BuildState::from_name(&build.state).unwrap()),
            None => Standing::Task(task_state),
        };
        // Where the end of a task comes before that of its build, it is what is told.
        let is_of_task = played.heard == Heard::OwnAstray && end.standing == Standing::Task(task_state);
        if !is_of_task {
            assert_eq!(end.standing, standing, "{it:?}");
            assert_eq!(end.nvr.as_ref(), it.build.as_ref().map(|it| &it.nvr), "{it:?}");
        }
        let story = played.causes.get(task);
        assert!(end.cause.is_none() || end.cause.as_ref() == story, "{it:?}: {end:?}");
        match (&it.failed_children[..], story) {
            ([], None) => {}
            ([child], Some(cause)) => {
                causes += 1;
                child.compare(it, cause);
            }
            (_, cause) => panic!("{it:?}: {cause:?}"),
        }
    }
    assert_eq!(causes, 7);
}

/// A line of `truth.jsonl` about a submission.
#[derive(Debug, Deserialize)]
struct Truth {
    task: u64,
    #[serde(default)]
    opts: Options,
    task_state: String,
    build: Option<Build>,
    failed_children: Vec<FailedChild>,
    fault: Option<Fault>,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(default)]
    scratch: bool,
}

#[derive(Debug, Deserialize)]
struct Build {
    nvr: String,
    state: String,
}

#[derive(Debug, Deserialize)]
struct FailedChild {
    id: u64,
    method: String,
    arch: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    fault_string: String,
}

impl Truth {
    fn outcome(&self) -> (Fate, TaskState) {
        let state = TaskState::from_name(&self.task_state).unwrap();
        let fate = match state {
            TaskState::Closed => Fate::Finished,
            TaskState::Canceled => Fate::Canceled,
            TaskState::Failed => Fate::Failed,
            other => panic!("{other:?} is no end"),
        };
        (fate, state)
    }
}

impl FailedChild {
    /// The child, its method, architecture and fault are the truth's. Its logs are the small hub's (`tests/hub/logs.py`):
    /// what goes wrong there goes by the number of the child.
    fn compare(&self, submitted: &Truth, cause: &Cause) {
        assert_eq!(cause.task, Some(TaskId(self.id)), "{submitted:?}");
        assert_eq!(cause.method.as_ref(), Some(&self.method), "{submitted:?}");
        let is_arch = self.method == "buildArch";
        assert_eq!(cause.arch.as_ref(), is_arch.then_some(&self.arch), "{submitted:?}");
        let fault = &submitted.fault.as_ref().unwrap().fault_string;
        assert_eq!(&cause.fault, fault, "{submitted:?}");
        let (class, log, line) = match (is_arch, self.id % 4) {
            (false, _) => (CauseClass::SourceRpm, LogName::Build, "error: Bad source: "),
            (true, 0) => (CauseClass::Package, LogName::Build, "src/main.c:42:5: error: "),
            (true, 1) => (CauseClass::Package, LogName::Build, "FAIL: tests/roundtrip"),
            (true, 2) => (CauseClass::Package, LogName::Build, "File not found: "),
            (true, _) => (CauseClass::Dependencies, LogName::Root, "No match for argument: "),
        };
        assert_eq!(cause.class, class, "{submitted:?}: {cause:?}");
        assert_eq!(cause.log, Some((TaskId(self.id), log)), "{submitted:?}");
        assert!(cause.lines.iter().any(|it| it.contains(line)), "{line}: {cause:?}");
    }
}

/// Returns what alice submitted, by task.
fn truth(folder: &Path) -> BTreeMap<TaskId, Truth> {
    let text = fs::read_to_string(folder.join("truth.jsonl")).unwrap();
    let lines = text.lines().map(|it| serde_json::from_str(it).unwrap());
    let hers = lines.filter(|it: &serde_json::Value| it["ev"] == "submit" && it["user"] == "alice");
    let read = |it| serde_json::from_value::<Truth>(it).unwrap();
    hers.map(read).map(|it| (TaskId(it.task), it)).collect()
}

/// A way for the day to go.
pub(crate) struct Way {
    pub(crate) heard: Heard,
    /// How long the hub takes to answer a look.
    pub(crate) look_takes: SignedDuration,
    /// How long it takes to answer anything else.
    pub(crate) others_take: SignedDuration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    All,
    Half,
    /// There is no bus.
    Nothing,
    /// The bus is Koji's own. The hub tells of names and reasons; to a look it says nothing.
    Own,
    /// The same, and some of it comes late, before others or twice: the hub's queue keeps no order.
    OwnAstray,
    /// The same, and looks are answered.
    OwnAndHub,
}

impl Heard {
    fn is_own(self) -> bool {
        match self {
            Self::Own | Self::OwnAstray | Self::OwnAndHub => true,
            Self::All | Self::Half | Self::Nothing => false,
        }
    }
}

impl Default for Way {
    fn default() -> Self {
        Self {
            heard: Heard::All,
            look_takes: SignedDuration::from_millis(180),
            others_take: SignedDuration::from_millis(700),
        }
    }
}

/// How a submission ended, as it was told.
#[derive(Debug)]
pub(crate) struct End {
    fate: Fate,
    standing: Standing,
    nvr: Option<String>,
    /// The notices that told it, and in which run.
    notices: BTreeSet<(u32, NoticeId)>,
    /// From the end to the first telling.
    pub(crate) delay: SignedDuration,
    /// As the last telling had it.
    cause: Option<Cause>,
}

/// A day that is being played.
pub(crate) struct Played {
    hub: SmallHub,
    asker: Asker,
    watch: Watch,
    journal: Option<Journal>,
    /// What the run before has left.
    resumed: Resumed,
    state: TempDir,
    folder: std::path::PathBuf,
    look_takes: SignedDuration,
    others_take: SignedDuration,
    heard: Heard,
    pub(crate) began: Timestamp,
    now: Timestamp,
    /// What is to come, in order.
    coming: BTreeMap<(Timestamp, u64), Event>,
    last_number: u64,
    /// How often the program was started again; each run numbers its notices anew.
    run: u32,
    pub(crate) shown: Vec<(Timestamp, u32, Notice)>,
    /// The newest cause that was announced of each story.
    causes: BTreeMap<TaskId, Cause>,
}

impl Played {
    /// Stands where the day begins; `None` if there is no recording of it.
    pub(crate) async fn begin(way: &Way) -> Option<Self> {
        let folder = shared("samples/lab/day")?;
        let hub = SmallHub::start();
        hub.load_day(&folder.join("truth.jsonl"));
        let recording = Recording {
            besides: Vec::new(),
            instance: lab(),
            dialect: Dialect::FedoraMessaging {
                topic_prefix: "org.fedoraproject.prod".to_owned(),
                koji_instance: "primary".to_owned(),
            },
            records: day(&folder),
            begin: None,
            speed: Speed::REAL,
        };
        let heard: Vec<_> = recording.heard().collect();
        let began = heard[0].0;
        let state = tempfile::tempdir().unwrap();
        let opened = journal::open(state.path(), began);
        assert!(opened.aside.is_none());
        let mut played = Self {
            asker: Asker::of(&hub),
            hub,
            watch: Watch::new(rules(way.heard)),
            journal: Some(opened.journal.unwrap()),
            resumed: opened.resumed,
            state,
            folder,
            look_takes: way.look_takes,
            others_take: way.others_take,
            heard: way.heard,
            began,
            now: began,
            coming: BTreeMap::new(),
            last_number: 0,
            run: 0,
            shown: Vec::new(),
            causes: BTreeMap::new(),
        };
        let mut count = 0_u32;
        for (at, event) in heard {
            let Event::Heard(news) = event else { continue };
            count += 1;
            let is_heard = match way.heard {
                Heard::All => true,
                // Without a pattern in it.
                Heard::Half => count.wrapping_mul(2_654_435_761) >> 31 == 0,
                Heard::Nothing | Heard::Own | Heard::OwnAstray | Heard::OwnAndHub => false,
            };
            if is_heard {
                played.comes(at, Event::Heard(news));
            }
        }
        if way.heard.is_own() {
            for (n, (at, news)) in (0_u32..).zip(own_day(&played.folder, &lab())) {
                let at = at.max(began);
                // Without a pattern in it.
                let dice = n.wrapping_mul(2_654_435_761) >> 24;
                if way.heard == Heard::OwnAstray && dice < 100 {
                    let again = at + SignedDuration::from_secs(i64::from(dice));
                    played.comes(again, Event::Heard(news.clone()));
                    if dice > 30 {
                        continue;
                    }
                }
                played.comes(at, Event::Heard(news));
            }
        }
        played.start().await;
        Some(played)
    }

    async fn start(&mut self) {
        let resumed = std::mem::take(&mut self.resumed);
        self.take(Event::Resumed(Box::new(resumed))).await;
        self.take(Event::Reloaded(rules(self.heard))).await;
        if self.heard != Heard::Nothing {
            self.take(Event::LinkChanged(lab(), Link::Up)).await;
        }
    }

    /// The program ends, and begins again at a time. What came over the bus in between is lost.
    pub(crate) async fn restart(&mut self, until: Timestamp) {
        self.take(Event::Asked(Request::Quit)).await;
        let is_bus = |event: &Event| matches!(event, Event::Heard(_));
        self.coming.retain(|(at, _), event| is_bus(event) && *at > until);
        self.now = self.now.max(until);
        if let Some(journal) = self.journal.take() {
            journal.close().unwrap();
        }
        let opened = journal::open(self.state.path(), self.now);
        assert!(opened.aside.is_none());
        self.journal = Some(opened.journal.unwrap());
        self.resumed = opened.resumed;
        self.watch = Watch::new(rules(self.heard));
        self.run += 1;
        self.start().await;
    }

    /// Plays until everything has been told.
    pub(crate) async fn play_out(&mut self) {
        let last = self.coming.keys().map(|(at, _)| *at).max().unwrap_or(self.now);
        let day_ends = self.began + SignedDuration::from_mins(15);
        self.until(last.max(day_ends).max(self.now) + IDLE + IDLE).await;
    }

    /// Plays until a time.
    pub(crate) async fn until(&mut self, end: Timestamp) {
        loop {
            let coming = self.coming.keys().next().map(|(at, _)| *at);
            let woken = self.watch.wake_at();
            let Some(next) = coming.into_iter().chain(woken).min().filter(|it| *it <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            let event = if coming == Some(next) {
                self.coming.pop_first().unwrap().1
            } else {
                Event::Woke
            };
            self.take(event).await;
        }
    }

    /// Steps an event and carries out what follows, as the loop of the program does.
    async fn take(&mut self, event: Event) {
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.watch.step(self.now, event) {
                match effect {
                    Effect::Show(notice) => {
                        events.push_back(Event::Shown(notice.id, Outcome::Taken));
                        self.shown.push((self.now, self.run, notice));
                    }
                    Effect::Record(record) => {
                        let journal = self.journal.as_mut().unwrap();
                        journal.write(&record.keeps, self.now).unwrap();
                        events.extend(record.delivery.map(Event::Recorded));
                    }
                    Effect::Ask(_, ask) => self.ask(ask).await,
                    Effect::Announce(story) => {
                        if let (Some(task), Some(cause)) = (story.task, story.cause) {
                            self.causes.insert(task, cause);
                        }
                    }
                    Effect::TakeDown(_)
                    | Effect::Withdraw(_)
                    | Effect::Acknowledge(_)
                    | Effect::Listen(..)
                    | Effect::Quit => {}
                    other => panic!("nobody asked for {other:?}"),
                }
            }
        }
    }

    /// Asks the hub as it is now; the answer comes later.
    async fn ask(&mut self, ask: Ask) {
        self.hub.set_now(self.now.as_microsecond() as f64 / 1e6);
        let takes = match ask {
            Ask::Look(_) => self.look_takes,
            Ask::Explain { .. } | Ask::Find(_) | Ask::Owners(_) | Ask::Act { .. } => self.others_take,
        };
        let mut learned = match ask {
            Ask::Look(_) if matches!(self.heard, Heard::Own | Heard::OwnAstray) => Learned::Looked(Looked::default()),
            ask => self.asker.ask(ask).await,
        };
        match &mut learned {
            Learned::Looked(looked) => looked.as_of = Some(self.now - CLOCK_SKEW),
            Learned::Explained { .. } | Learned::Owners(_) => {}
            other => panic!("no answer: {other:?}"),
        }
        self.comes(self.now + takes, Event::Learned(lab(), learned));
    }

    fn comes(&mut self, at: Timestamp, event: Event) {
        self.last_number += 1;
        self.coming.insert((at, self.last_number), event);
    }

    /// Returns how each submission was told to have ended.
    pub(crate) fn ends(&self) -> BTreeMap<TaskId, End> {
        let mut ends: BTreeMap<TaskId, End> = BTreeMap::new();
        for (at, run, notice) in &self.shown {
            let tales: Vec<&Tale> = match &notice.telling {
                Telling::One(tale) => vec![tale],
                Telling::Many(digest) => {
                    assert_eq!(digest.left_out, 0);
                    digest.tales.iter().collect()
                }
                other => panic!("{other:?}"),
            };
            for tale in tales {
                assert_eq!(tale.story.owner.as_deref(), Some("alice"), "{tale:?}");
                if !tale.story.standing.is_settled() {
                    assert_eq!(tale.fate, Fate::Doomed, "{tale:?}");
                    continue;
                }
                let end = ends.entry(tale.story.task.unwrap()).or_insert_with(|| End {
                    fate: tale.fate.clone(),
                    standing: tale.story.standing,
                    nvr: None,
                    notices: BTreeSet::new(),
                    delay: at.duration_since(tale.story.ended.unwrap()),
                    cause: None,
                });
                assert_eq!((&end.fate, end.standing), (&tale.fate, tale.story.standing), "{tale:?}");
                end.notices.insert((*run, notice.id));
                let has_build = matches!(tale.story.standing, Standing::Build(_));
                end.nvr = tale.story.nvr.as_ref().filter(|_| has_build).map(ToString::to_string);
                end.cause = tale.story.cause.clone().or(end.cause.take());
            }
        }
        ends
    }
}

fn lab() -> InstanceName {
    InstanceName::new("lab")
}

fn rules(heard: Heard) -> Rules {
    let whose = Whose {
        users: BTreeSet::from(["alice".to_owned()]),
        bus: heard != Heard::Nothing,
        every_task: heard.is_own(),
        hub: true,
        ..Whose::default()
    };
    Rules {
        wanted: Wanted::default(),
        instances: BTreeMap::from([(lab(), whose)]),
        quiet: koji_notify::watch::QuietRules::default(),
        zone: TimeZone::UTC,
        live: true,
    }
}
