//! A day of our lab's hub, told twice: by the bus, and by the hub itself when the day was over (`truth.jsonl`).
//!
//! What the bus can tell, decoding must tell, and nothing else: a final state for each build that had a record, and
//! one for each scratch task.

mod cards;
pub(crate) mod with_hub;

use std::collections::BTreeMap;
use std::path::Path;

use koji_notify::bus::decode::{Decoded, Dialect, Envelope, decode};
use koji_notify::bus::replay::{Record, records};
use koji_notify::koji::{BuildId, BuildState, Change, Nvr, Subject, TaskId, TaskState};
use koji_notify::watch::Standing;
use serde::Deserialize;

use crate::decoding::{fixtures, shared};

#[test]
fn the_bus_tells_each_final_state_that_the_hub_knows() {
    let Some(folder) = shared("samples/lab/day") else {
        return;
    };
    let day = day(&folder);
    assert_eq!(day.len(), 701);
    let truth = truth(&folder);
    for user in ["alice", "bob"] {
        let told = final_states(&day, user);
        let known = truth_of(&truth, user);
        assert_eq!(told, known, "{user}");
        assert!(told.values().all(|it| it.times == 1), "{user}: {told:?}");
    }
    let alice = final_states(&day, "alice");
    let tasks = alice.keys().filter(|it| matches!(it, Subject::Task(_))).count();
    assert_eq!((alice.len(), tasks), (36, 4));
}

#[test]
fn an_afternoon_has_a_bit_of_everything() {
    let text = std::fs::read(fixtures().join("lab/afternoon.jsonl")).unwrap();
    let afternoon = records(&text, "afternoon.jsonl").unwrap();
    let mut count: BTreeMap<(bool, Standing), usize> = BTreeMap::new();
    for (subject, end) in final_states(&afternoon, "alice") {
        *count
            .entry((matches!(subject, Subject::Task(_)), end.standing))
            .or_default() += 1;
    }
    let expected = [
        ((false, Standing::Build(BuildState::Complete)), 6),
        ((false, Standing::Build(BuildState::Failed)), 2),
        ((false, Standing::Build(BuildState::Canceled)), 1),
        ((true, Standing::Task(TaskState::Closed)), 2),
        ((true, Standing::Task(TaskState::Canceled)), 1),
    ];
    assert_eq!(count, BTreeMap::from(expected));
    assert!(!final_states(&afternoon, "bob").is_empty());
}

/// What a build or task came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct End {
    pub(crate) standing: Standing,
    /// The build's name, version and release, where there is a build.
    pub(crate) nvr: Option<Nvr>,
    /// How often it was told.
    pub(crate) times: usize,
}

/// Returns the final states of a user's builds and top-level tasks, as the messages tell them.
pub(crate) fn final_states(day: &[Record], user: &str) -> BTreeMap<Subject, End> {
    let mut ends = BTreeMap::new();
    for change in changes(day) {
        if change.owner() != Some(user) {
            continue;
        }
        let (standing, nvr) = match &change {
            Change::Build(it) => (Standing::Build(it.new), Some(it.nvr.clone())),
            Change::Task(it) => (Standing::Task(it.new), None),
            Change::Tag(_) => continue,
        };
        if standing.is_settled() {
            let times = ends.get(&change.subject()).map_or(0, |it: &End| it.times) + 1;
            ends.insert(change.subject(), End { standing, nvr, times });
        }
    }
    ends
}

/// Returns all that a day's messages tell. Each of them must be readable.
pub(crate) fn changes(day: &[Record]) -> Vec<Change> {
    let dialect = Dialect::FedoraMessaging {
        topic_prefix: "org.fedoraproject.prod".to_owned(),
        koji_instance: "primary".to_owned(),
    };
    let read = |it: &Record| {
        let envelope = Envelope {
            topic: &it.topic,
            message_id: it.message_id.as_deref(),
            sent_at: it.sent_at.as_deref(),
            body: &it.body,
            ..Envelope::default()
        };
        match decode(&dialect, &envelope).unwrap() {
            Decoded::News { sent, event, .. } => {
                assert!(sent.is_some(), "{it:?}");
                event.into_change()
            }
            Decoded::NotForUs(reason) => {
                let known = ["topic repo.init", "topic repo.done", "topic package.list.change"];
                assert!(known.contains(&reason), "{reason}");
                None
            }
        }
    };
    day.iter().filter_map(read).collect()
}

/// Returns the messages of the day.
pub(crate) fn day(folder: &Path) -> Vec<Record> {
    let text = std::fs::read(folder.join("fedora-messaging.jsonl")).unwrap();
    records(&text, "fedora-messaging.jsonl").unwrap()
}

/// What a user asked for, and what became of it by the hub's own word.
#[derive(Debug, Deserialize)]
pub(crate) struct Submitted {
    ev: String,
    user: Option<String>,
    task: Option<u64>,
    #[serde(default)]
    opts: Options,
    task_state: Option<String>,
    /// A number in lines that are not about a submission.
    #[serde(default)]
    build: serde_json::Value,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(default)]
    scratch: bool,
}

/// Returns what was submitted in the day.
pub(crate) fn truth(folder: &Path) -> Vec<Submitted> {
    let text = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap();
    let lines = text.lines().map(|it| serde_json::from_str::<Submitted>(it).unwrap());
    lines.filter(|it| it.ev == "submit").collect()
}

/// Returns the final states of a user's builds and scratch tasks, as far as a bus can tell them: a build that never
/// had a record, because its source RPM failed or it was canceled before, is not among them.
pub(crate) fn truth_of(truth: &[Submitted], user: &str) -> BTreeMap<Subject, End> {
    let mut ends = BTreeMap::new();
    for it in truth.iter().filter(|it| it.user.as_deref() == Some(user)) {
        let times = 1;
        if let Some(id) = it.build["build_id"].as_u64() {
            let text = |key: &str| it.build[key].as_str().unwrap();
            let standing = Standing::Build(BuildState::from_name(text("state")).unwrap());
            let nvr = Nvr::parse(text("nvr"));
            ends.insert(Subject::Build(BuildId(id)), End { standing, nvr, times });
        } else if it.opts.scratch {
            let state = TaskState::from_name(it.task_state.as_deref().unwrap()).unwrap();
            let standing = Standing::Task(state);
            let nvr = None;
            ends.insert(Subject::Task(TaskId(it.task.unwrap())), End { standing, nvr, times });
        }
    }
    // Some of bob's had not ended when the day was over.
    ends.retain(|_, it: &mut End| it.standing.is_settled());
    ends
}
