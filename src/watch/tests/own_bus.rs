//! Stories of a bus of Koji's own: every task is told, by whom is a number, and nothing says when it was sent.

mod lives;
mod names;
mod order;

use super::hub::hub_watch;
use super::*;
use crate::koji::event::{ChildChange, Promotion, RepoChange};
use crate::koji::{Child, UserId};

/// Runs a script on a bus of Koji's own, whose hub is asked.
fn check_own(script: &str, expected: Expect) {
    let mut watch = own_watch();
    watch.step(time(0), Event::Woke);
    expected.assert_eq(&run(&mut watch, script));
}

/// The same, where it is known that mona is number 2.
fn check_mona(script: &str, expected: Expect) {
    expected.assert_eq(&run(&mut mona_watch(), script));
}

fn own_watch() -> Watch {
    let mut watch = hub_watch();
    for whose in watch.rules.instances.values_mut() {
        whose.every_task = true;
    }
    watch
}

fn mona_watch() -> Watch {
    let mut watch = own_watch();
    watch.learn_owner(&fedora(), UserId(2), Some(&"mona".to_owned()));
    watch.step(time(0), Event::Woke);
    watch
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// `owners 2=mona 3=-`: the hub says whose numbers they are.
pub(super) fn owners(words: &[&str]) -> Event {
    let learned = if words == ["unanswered"] {
        Learned::Unanswered {
            ask: Ask::Owners(BTreeSet::new()),
            why: Unanswered {
                text: "koji.example.com".to_owned(),
                kind: HubTrouble::Closed,
            },
        }
    } else {
        let owner = |it: &&str| {
            let (number, name) = it.split_once('=').unwrap();
            (
                UserId(number.parse().unwrap()),
                Some(name.to_owned()).filter(|it| it != "-"),
            )
        };
        Learned::Owners(words.iter().map(owner).collect())
    };
    Event::Learned(fedora(), learned)
}

/// Reads news of such a bus: `1 top 9 build bash FREE->OPEN owner=#2 started=5`, `2 child 11 below 9 buildArch x86_64 ->FREE`,
/// `3 record 7 bash-5.3-1.fc43 ->BUILDING mona task=9`, `4 promoted 7 bash-5.3-1.fc43` or `5 repo f43-build`. `None` if it
/// is none of these.
pub(super) fn news(_: Timestamp, words: &[&str]) -> Option<News> {
    let option = |key: &str| words.iter().find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
    let at = |key: &str| option(key).map(|it| time(it.parse().unwrap()));
    let states = words.iter().find_map(|it| it.split_once("->"));
    let task_states = || {
        let (old, new) = states.unwrap();
        (TaskState::from_name(old), TaskState::from_name(new).unwrap())
    };
    let number = |it: &str| it.parse::<u64>().unwrap();
    let event = match words[1] {
        "top" => {
            let (old, new) = task_states();
            let package = Some(words[4]).filter(|it| !it.contains("->"));
            HubEvent::Changed(Change::Task(TaskChange {
                task: TaskId(number(words[2])),
                method: words[3].to_owned(),
                old,
                new,
                owner: None,
                what: package.map(str::to_owned),
                package: package.map(str::to_owned),
                target: Some("rawhide".to_owned()),
                scratch: words.contains(&"scratch"),
                created: at("created"),
                started: at("started"),
                completed: at("ended"),
                children: Vec::new(),
            }))
        }
        "child" => {
            let (old, new) = task_states();
            HubEvent::Child(ChildChange {
                parent: TaskId(number(words[4])),
                child: Child {
                    task: TaskId(number(words[2])),
                    method: words[5].to_owned(),
                    arch: words[6].to_owned(),
                    state: Some(new),
                },
                old,
                srpm: option("srpm").and_then(Nvr::parse),
                created: at("created"),
                started: at("started"),
                completed: at("ended"),
            })
        }
        "record" => {
            let (old, new) = states.unwrap();
            HubEvent::Changed(Change::Build(BuildChange {
                build: Some(BuildId(number(words[2]))),
                nvr: Nvr::parse(words[3]).unwrap(),
                old: BuildState::from_name(old),
                new: BuildState::from_name(new).unwrap(),
                owner: Some(words[5].to_owned()).filter(|it| it != "-"),
                task: option("task").map(|it| TaskId(number(it))),
                target: None,
                started: None,
                created: at("created"),
                completed: at("ended"),
                children: Vec::new(),
            }))
        }
        "promoted" => HubEvent::Promoted(Promotion {
            build: Some(BuildId(number(words[2]))),
            nvr: Nvr::parse(words[3]).unwrap(),
            draft_release: None,
            user: None,
            owner: None,
        }),
        "repo" => HubEvent::Repo(RepoChange {
            repo: 1,
            tag: Some(words[2].to_owned()),
            task: None,
            done: true,
        }),
        _ => return None,
    };
    Some(News {
        instance: fedora(),
        delivery: Some(delivery(number(words[0]))),
        // The same bytes have the same id.
        message: Some(words[1..].join(" ")),
        is_first: false,
        sent: None,
        owner: option("owner").map(|it| UserId(number(it.strip_prefix('#').unwrap()))),
        event,
    })
}

/// How far each story is, with what is below it.
pub(super) fn progress(watch: &Watch) -> String {
    let mut text = String::new();
    for story in watch.stories.values().map(|it| &it.story) {
        let (done, all) = story.arches_done();
        let state = |it: &Child| format!(" {}={}", it.arch, it.state.map_or("-", TaskState::name));
        let parts: String = story.children.iter().map(state).collect();
        writeln!(
            text,
            "progress {} {done}/{all}{parts} {:?}",
            name(story),
            story.whereabouts
        )
        .unwrap();
    }
    text
}
