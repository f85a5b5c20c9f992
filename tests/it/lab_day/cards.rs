//! The cards that the program prints for recorded messages: what a person would have been told, exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use koji_notify::bus::replay::records;
use koji_notify::koji::{BuildId, BuildState, Nvr, Subject, TaskId, TaskState};
use koji_notify::watch::Standing;
use serde::Deserialize;

use super::{End, day, final_states, truth, truth_of};
use crate::command_line::run;
use crate::decoding::{fixtures, shared};

/// Ways to play a day. What is told is the same, however it is cut into cards.
const WAYS: [&[&str]; 5] = [
    &[],
    &["--speed", "0"],
    &["--speed", "60"],
    &["--now", "2031-03-01T23:59:30Z"],
    &["--now", "2001-01-01T00:00:00+14:00", "--speed", "0.01"],
];

#[tokio::test]
async fn alice_is_told_each_end_once_and_nothing_of_bobs() {
    let Some(folder) = shared("samples/lab/day") else {
        return;
    };
    let file = folder.join("fedora-messaging.jsonl");
    let truth = truth(&folder);
    for user in ["alice", "bob"] {
        // What the hub says, and, the same by another test, what the bus says.
        let known = truth_of(&truth, user);
        assert_eq!(final_states(&day(&folder), user), known);
        for way in WAYS {
            let told = told(&cards(user, way, &file).await);
            assert_eq!(told, known, "{user} {way:?}");
        }
    }
}

#[tokio::test]
async fn an_afternoon_is_told_whole() {
    let file = fixtures().join("lab/afternoon.jsonl");
    let text = std::fs::read(&file).unwrap();
    let known = final_states(&records(&text, "afternoon.jsonl").unwrap(), "alice");
    assert!(known.len() > 10);
    for way in WAYS {
        assert_eq!(told(&cards("alice", way, &file).await), known, "{way:?}");
    }
    let nobody = cards("nobody", &["--started", "--tagged"], &file).await;
    assert!(nobody.is_empty(), "{nobody:?}");
}

#[tokio::test]
async fn two_runs_print_the_same() {
    let file = fixtures().join("lab/afternoon.jsonl");
    for way in WAYS {
        let mut words = vec!["replay", "--print", "--user", "alice", "--user", "bob"];
        words.extend(["--started", "--tagged"]);
        words.extend(way);
        words.push(file.to_str().unwrap());
        let (first, second) = (run(&words).await, run(&words).await);
        assert_eq!((first.code, &*first.errors), (0, ""));
        assert_eq!(first.output, second.output, "{way:?}");
    }
}

#[tokio::test]
async fn a_build_is_one_notice_from_its_start_to_its_end() {
    let file = fixtures().join("lab/afternoon.jsonl");
    let cards = cards("alice", &["--started", "--speed", "0.001"], &file).await;
    let mut notices: BTreeMap<u64, Vec<&Card>> = BTreeMap::new();
    for card in &cards {
        notices.entry(card.notice).or_default().push(card);
    }
    let mut evolved = 0;
    for story in notices.values() {
        assert!(!story[0].replaces, "{story:?}");
        assert!(story[1..].iter().all(|it| it.replaces), "{story:?}");
        let subjects: BTreeSet<_> = story.iter().map(|it| it.abouts()[0].subject()).collect();
        assert_eq!(subjects.len(), 1, "{story:?}");
        let [first, .., last] = story[..] else { continue };
        assert!(!first.abouts()[0].end().is_settled() && last.abouts()[0].end().is_settled());
        evolved += 1;
    }
    assert!(evolved > 5, "{notices:?}");
}

#[tokio::test]
async fn a_failure_leads_to_the_log_of_the_task_that_failed() {
    let file = fixtures().join("lab/afternoon.jsonl");
    let site = [
        "--weburl",
        "https://koji.example.org/koji/",
        "--topurl",
        "https://files.example.org",
    ];
    let cards = cards("alice", &[&site[..], &["--speed", "0.001"]].concat(), &file).await;
    let failed: Vec<_> = cards.iter().filter(|it| it.title.ends_with(" failed")).collect();
    assert!(!failed.is_empty());
    for card in failed {
        let url = |key: &str| card.actions.iter().find(|it| it.key == key)?.url.clone();
        let build = card.about.as_ref().unwrap().build.unwrap();
        let page = format!("https://koji.example.org/koji/buildinfo?buildID={build}");
        assert_eq!(url("default"), Some(page.clone()));
        assert_eq!(url("open"), Some(page));
        let log = url("log").unwrap();
        assert!(log.starts_with("https://files.example.org/work/tasks/"), "{log}");
        assert!(log.ends_with("/build.log"), "{log}");
        assert_eq!(url("mute"), None);
    }
}

/// The files are named after what is in them, and so after what is to be told of them.
#[tokio::test]
async fn every_form_of_record_is_taken() {
    let lab = ["alice", "bob", "kojiadmin"];
    let recorded = ["dummy-user", "jskarvad", "koschei", "packit", "releng", "spot"];
    let fedmsg = [
        "dvratil",
        "koschei",
        "mbs/mbs.fedoraproject.org",
        "packit",
        "ralph",
        "sharkcz",
    ];
    for (folder, users, least) in [
        ("samples/lab/fedora-messaging", &lab[..], 19),
        ("samples/fedora-messaging", &recorded, 13),
        ("samples/fedmsg", &fedmsg, 5),
    ] {
        let Some(folder) = shared(folder) else {
            return;
        };
        let files = std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path());
        let mut told = 0;
        for file in files {
            let mut words = vec!["replay", "--print"];
            words.extend(users.iter().flat_map(|it| ["--user", it]));
            words.push(file.to_str().unwrap());
            let ran = run(&words).await;
            assert_eq!((ran.code, &*ran.errors), (0, ""), "{words:?}");
            let cards = read(&ran.output);
            let name = file.file_name().unwrap().to_str().unwrap();
            assert_eq!(cards.len(), usize::from(tells_an_end(name)), "{name}: {cards:?}");
            told += cards.len();
        }
        assert!(told >= least, "{}: {told}", folder.display());
    }
}

fn tells_an_end(name: &str) -> bool {
    let ends = ["complete", "closed", "failed", "canceled"];
    // The last state in the name is the new one: complete-to-canceled. The Koji of the s390 was another instance.
    let after = name.rsplit("-to-").next().unwrap();
    ends.iter().any(|it| after.contains(it)) && !name.contains("instance-s390")
}

/// A card as `replay --print` writes it; any other key is a mistake of ours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    notice: u64,
    replaces: bool,
    about: Option<About>,
    digest: Option<Vec<About>>,
    title: String,
    body: String,
    urgency: String,
    actions: Vec<Action>,
    instance: String,
    rule: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    build: Option<u64>,
    task: Option<u64>,
    nvr: Option<String>,
    state: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    key: String,
    label: String,
    url: Option<String>,
}

impl Card {
    fn abouts(&self) -> Vec<&About> {
        self.about.iter().chain(self.digest.iter().flatten()).collect()
    }
}

impl About {
    fn subject(&self) -> Subject {
        match (self.build, self.task) {
            (Some(build), _) => Subject::Build(BuildId(build)),
            (None, Some(task)) => Subject::Task(TaskId(task)),
            (None, None) => panic!("{self:?} is about nothing"),
        }
    }

    fn end(&self) -> Standing {
        match self.subject() {
            Subject::Task(_) => Standing::Task(TaskState::from_name(&self.state).unwrap()),
            _ => Standing::Build(BuildState::from_name(&self.state).unwrap()),
        }
    }
}

async fn cards(user: &str, way: &[&str], file: &Path) -> Vec<Card> {
    let mut words = vec!["replay", "--print", "--user", user];
    words.extend(way);
    words.push(file.to_str().unwrap());
    let ran = run(&words).await;
    assert_eq!((ran.code, &*ran.errors), (0, ""), "{words:?}");
    read(&ran.output)
}

/// Reads the cards, each of which must be fit to be shown.
fn read(output: &str) -> Vec<Card> {
    let cards: Vec<Card> = output.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    for card in &cards {
        assert!(card.about.is_some() != card.digest.is_some(), "{card:?}");
        assert!(!card.title.is_empty() && !card.title.contains('\n'), "{card:?}");
        assert!(!card.body.ends_with('\n') && !card.body.contains("\n\n"), "{card:?}");
        assert!(["low", "normal", "critical"].contains(&&*card.urgency), "{card:?}");
        assert_eq!(card.instance, "fedora");
        assert!(
            ["my-builds", "my-scratch-builds", "my-tags"].contains(&&*card.rule),
            "{card:?}"
        );
        assert!(card.actions.iter().all(|it| !it.label.is_empty()), "{card:?}");
    }
    cards
}

/// Returns what the cards tell, a digest with each that it is about.
fn told(cards: &[Card]) -> BTreeMap<Subject, End> {
    let mut ends = BTreeMap::new();
    for about in cards.iter().flat_map(Card::abouts) {
        let subject = about.subject();
        let nvr = match subject {
            // The truth about a task has no name.
            Subject::Task(_) => None,
            _ => about.nvr.as_deref().and_then(Nvr::parse),
        };
        let times = ends.get(&subject).map_or(0, |it: &End| it.times) + 1;
        let standing = about.end();
        ends.insert(subject, End { standing, nvr, times });
    }
    ends
}
