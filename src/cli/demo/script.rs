//! What happens in the afternoon of the demo beside the messages of the bus: what a hub says when it is asked, and what
//! is said of it all on the terminal.
//!
//! The messages are in `data/demo/afternoon.jsonl`, made by the script beside it, which has the same minutes and numbers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::i18n::tr;
use crate::koji::{
    BuildChange, BuildId, BuildState, Cause, CauseClass, Change, Child, InstanceName, LogName, Nvr, Subject, TaskId,
    TaskState,
};
use crate::watch::{Ask, Event, HubTrouble, Learned, Looked, Progress, Reason, Unanswered};

/// The name of the instance.
pub(super) const INSTANCE: &str = "demo";

/// One o'clock, by the clock of the hub: 2026-11-20T13:00:00Z.
const BEGIN: i64 = 1_795_179_600;

const REQUESTS: u64 = 2_860_001;
const FIREFOX: u64 = 2_860_003;
const BASH: u64 = 2_860_004;
const WEBKIT: u64 = 2_860_005;
const GNOME_SHELL: u64 = 139_000_200;

/// Returns the moment that is so many minutes after one o'clock.
fn moment(minutes: i64) -> Timestamp {
    let begin = Timestamp::from_second(BEGIN).unwrap_or_default();
    begin.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(begin)
}

/// Returns the number of the task that makes a build.
fn task_of(build: u64) -> TaskId {
    TaskId(140_000_000 + build)
}

/// Returns what is said of the afternoon, and when.
pub(super) fn said() -> Vec<(Timestamp, String)> {
    let lines = [
        // Translators: these lines stand on the terminal while the demo plays, above what happens next.
        (
            0,
            tr("A package is built for the first time, is tagged, and gets into the repository."),
        ),
        (
            38,
            tr("A build of firefox fails on one architecture while others still run, and then as a whole."),
        ),
        (74, tr("Somebody else cancels a build of yours.")),
        (94, tr("firefox is built again, and fails again.")),
        (116, tr("A build is done, but it cannot be tagged.")),
        (142, tr("A scratch build fails: there is no source RPM.")),
        (158, tr("Once more, and firefox is fixed.")),
        (
            178,
            tr("You lock the screen. Seven builds end meanwhile; when you are back, they are summed up."),
        ),
        (
            204,
            tr("A mass rebuild: so many builds end at once that they are summed up, too. That takes a moment."),
        ),
    ];
    lines.into_iter().map(|(minute, line)| (moment(minute), line)).collect()
}

/// Returns what happens beside the messages, and when.
pub(super) fn besides() -> Vec<(Timestamp, Event)> {
    let looked = |minute, looked: Looked| {
        let looked = Looked {
            asked: Some(moment(minute)),
            ..looked
        };
        let event = Event::Learned(InstanceName::new(INSTANCE), Learned::Looked(looked));
        (moment(minute), event)
    };
    let is_locked = |minute, is_so| (moment(minute), Event::QuietChanged(Reason::Locked, is_so));
    vec![
        looked(
            3,
            Looked {
                averages: BTreeMap::from([("python-requests".to_owned(), None)]),
                ..Looked::default()
            },
        ),
        looked(
            30,
            Looked {
                in_repo: vec![(BuildId(REQUESTS), "f44-build".to_owned())],
                ..Looked::default()
            },
        ),
        looked(52, progress(FIREFOX, TaskState::Open, arches(FIREFOX))),
        looked(136, progress(WEBKIT, TaskState::Failed, Vec::new())),
        is_locked(179, true),
        is_locked(196, false),
    ]
}

/// Answers in place of a hub.
pub(super) fn answer(ask: Ask) -> Learned {
    let known = match &ask {
        // What ended before is only filed.
        Ask::Look(_) => {
            return Learned::Looked(Looked {
                asked: Some(moment(0)),
                changes: vec![yesterday()],
                ..Looked::default()
            });
        }
        Ask::Explain { about, .. } => cause(about).map(|it| (about.clone(), it)),
        Ask::Find(_) | Ask::Owners(_) | Ask::Act { .. } => None,
    };
    match known {
        Some((about, cause)) => Learned::Explained { about, cause },
        None => Learned::Unanswered {
            ask,
            why: Unanswered {
                text: INSTANCE.to_owned(),
                kind: HubTrouble::Refused,
            },
        },
    }
}

/// The build of firefox of the day before, which was good.
fn yesterday() -> Change {
    let of = |hours: i64| moment(-hours * 60);
    Change::Build(BuildChange {
        build: Some(BuildId(2_859_000)),
        nvr: Nvr {
            name: "firefox".to_owned(),
            version: "144.0".to_owned(),
            release: "2.fc44".to_owned(),
        },
        old: Some(BuildState::Building),
        new: BuildState::Complete,
        owner: Some("alice".to_owned()),
        task: Some(task_of(2_859_000)),
        target: Some("rawhide".to_owned()),
        started: Some(of(22)),
        created: Some(of(22)),
        completed: Some(of(21)),
        children: Vec::new(),
    })
}

/// How a build stands whose record says nothing of it.
fn progress(build: u64, state: TaskState, children: Vec<Child>) -> Looked {
    let completed = state.is_settled().then(|| moment(136));
    Looked {
        progress: vec![Progress {
            task: task_of(build),
            state: Some(state),
            completed,
            children,
        }],
        ..Looked::default()
    }
}

/// One architecture has failed, and the others still run.
fn arches(build: u64) -> Vec<Child> {
    let arches = ["aarch64", "ppc64le", "s390x", "x86_64"];
    let numbers = task_of(build).0 + 10..;
    let child = |(number, arch): (u64, &str)| Child {
        task: TaskId(number),
        method: "buildArch".to_owned(),
        arch: arch.to_owned(),
        state: Some(if arch == "aarch64" {
            TaskState::Failed
        } else {
            TaskState::Open
        }),
    };
    numbers.zip(arches).map(child).collect()
}

/// Returns why something failed, or who canceled it.
fn cause(about: &Subject) -> Option<Cause> {
    let failed = |class, (task, method, arch): (u64, &str, Option<&str>), log, line: &str| {
        let task = TaskId(task);
        Cause {
            class,
            task: Some(task),
            method: Some(method.to_owned()),
            arch: arch.map(str::to_owned),
            fault: String::new(),
            log: Some((task, log)),
            lines: vec![line.to_owned()],
            by: None,
        }
    };
    Some(match about {
        Subject::Build(BuildId(FIREFOX)) => failed(
            CauseClass::Package,
            (task_of(FIREFOX).0 + 10, "buildArch", Some("aarch64")),
            LogName::Build,
            "dom/media/MediaData.cpp:212:9: error: no member named 'clamp' in namespace 'std'",
        ),
        Subject::Build(BuildId(BASH)) => Cause::canceled(task_of(BASH), "bob".to_owned()),
        Subject::Build(BuildId(WEBKIT)) => Cause {
            class: CauseClass::Tagging,
            task: Some(TaskId(task_of(WEBKIT).0 + 20)),
            method: Some("tagBuild".to_owned()),
            arch: None,
            fault: "policy violation (tag): all builds must be signed".to_owned(),
            log: None,
            lines: Vec::new(),
            by: None,
        },
        Subject::Task(TaskId(GNOME_SHELL)) => failed(
            CauseClass::SourceRpm,
            (GNOME_SHELL + 10, "buildSRPMFromSCM", None),
            LogName::Build,
            "error: Bad source: gnome-shell-49.2.tar.xz: No such file or directory",
        ),
        Subject::Build(_) | Subject::NamedBuild(_) | Subject::Task(_) => return None,
    })
}
