//! Stories in which the hub has a say.

mod ends;
mod looks;
mod places;
mod together;
mod wishes;

use super::*;
use crate::koji::{Cause, CauseClass, Child};
use crate::watch::ask::{Looked, Progress};

pub(super) fn check_hub(script: &str, expected: Expect) {
    let mut watch = hub_watch();
    expected.assert_eq(&run(&mut watch, script));
}

/// Returns a watch of mona's whose hub can be asked and knows her. It was told its rules at the beginning of time.
pub(super) fn hub_watch() -> Watch {
    let mut watch = Watch::new(rules(TimeZone::UTC));
    reload(&mut watch);
    watch
}

fn reload(watch: &mut Watch) {
    let mut rules = rules(TimeZone::UTC);
    for whose in rules.instances.values_mut() {
        whose.hub = true;
        whose.logs_in = true;
    }
    watch.rules = rules;
    watch.hubs.clear();
    watch.file_hubs(time(0));
}

/// Runs a script that begins at 0 and returns how many seconds after the last event the hub is asked again.
pub(super) fn next_look(watch: &mut Watch, script: &str) -> i64 {
    run(watch, script);
    watch.next_look().unwrap().duration_since(time(0)).as_secs()
}

pub(super) fn event(now: Timestamp, words: &[&str]) -> Event {
    let learned = |it| Event::Learned(fedora(), it);
    match words {
        ["slept"] => Event::Slept,
        ["battery", on] => Event::OnBattery(*on == "on"),
        ["up"] => Event::LinkChanged(fedora(), Link::Up),
        ["down"] => Event::LinkChanged(fedora(), Link::Connecting),
        ["closed", n] => Event::Closed(NoticeId(n.parse().unwrap()), Closed::Dismissed),
        ["resumed", mark, endings @ ..] => {
            let ending = |it: &&str| {
                let [build, state, at] = it.split(':').collect::<Vec<_>>()[..] else {
                    panic!("what is {it:?}?");
                };
                let standing = Standing::Build(BuildState::from_name(state).unwrap());
                let subject = Subject::Build(BuildId(build.parse().unwrap()));
                (fedora(), subject, (standing, Some(second(at))))
            };
            Event::Resumed(Box::new(Resumed {
                marks: BTreeMap::from([(fedora(), second(mark))]),
                endings: endings.iter().map(ending).collect(),
                ..Resumed::default()
            }))
        }
        ["looked", as_of, parts @ ..] => {
            let mut looked = Looked {
                as_of: Some(second(as_of)),
                ..Looked::default()
            };
            let (asked, parts) = match parts {
                [word, rest @ ..] if word.starts_with("asked=") => (second(&word[6..]), rest),
                _ => (time(0), parts),
            };
            looked.asked = Some(asked);
            for part in parts.split(|it| *it == ";").filter(|it| !it.is_empty()) {
                match part {
                    ["progress", task, state, rest @ ..] => looked.progress.push(progress(task, state, rest)),
                    ["inrepo", build, tag] => {
                        let build = BuildId(build.parse().unwrap());
                        looked.in_repo.push((build, (*tag).to_owned()));
                    }
                    change => looked.changes.push(self::change(now, change)),
                }
            }
            learned(Learned::Looked(looked))
        }
        ["explained", kind, id, class, rest @ ..] => {
            let id = id.parse().unwrap();
            let about = if *kind == "build" {
                Subject::Build(BuildId(id))
            } else {
                Subject::Task(TaskId(id))
            };
            let class = [CauseClass::Package, CauseClass::SourceRpm, CauseClass::Canceled]
                .into_iter()
                .find(|it| it.name() == *class);
            let cause = Cause {
                class: class.unwrap(),
                task: None,
                method: None,
                arch: None,
                fault: String::new(),
                log: None,
                lines: Vec::new(),
                by: rest.first().map(|it| (*it).to_owned()),
            };
            learned(Learned::Explained { about, cause })
        }
        ["unexplained", id, kind] => {
            let kind = [HubTrouble::Closed, HubTrouble::Refused]
                .into_iter()
                .find(|it| format!("{it:?}").to_lowercase() == *kind);
            let why = Unanswered {
                text: "koji.example.com".to_owned(),
                kind: kind.unwrap(),
            };
            let about = build(id).1;
            let ask = Ask::Explain { about, task: None };
            learned(Learned::Unanswered { ask, why })
        }
        ["follow", "pasted", id] => Event::Asked(Request::Follow {
            instance: fedora(),
            lookup: Lookup::Task(TaskId(id.parse().unwrap())),
            asker: Asker::Person,
        }),
        ["known", name] => learned(Learned::Login(Ok((*name).to_owned()))),
        ["unknown"] => learned(Learned::Login(Err(Unanswered {
            text: "no ticket".to_owned(),
            kind: HubTrouble::LoginRefused,
        }))),
        ["pasted", "nothing"] => Event::NotMeant,
        ["follow", ticket, "task", id] => Event::Asked(Request::Follow {
            instance: fedora(),
            lookup: Lookup::Task(TaskId(id.parse().unwrap())),
            asker: Asker::Caller(Ticket(ticket.parse().unwrap())),
        }),
        ["found", "nothing", id] => {
            let lookup = Lookup::Task(TaskId(id.parse().unwrap()));
            learned(Learned::Found { lookup, change: None })
        }
        ["found", rest @ ..] => {
            let lookup = Lookup::Task(TaskId(rest[1].parse().unwrap()));
            let change = Some(change(now, rest));
            learned(Learned::Found { lookup, change })
        }
        ["act", act, id] => Event::Asked(Request::Act {
            act: self::act(act),
            about: build(id),
        }),
        ["confirm", act, id] => Event::Asked(Request::Confirm {
            act: self::act(act),
            about: build(id),
        }),
        ["acted", act, id, task] => learned(Learned::Acted {
            act: self::act(act),
            about: build(id).1,
            task: TaskId(9),
            done: Ok(Some(TaskId(task.parse().unwrap()))),
        }),
        other => panic!("what is {other:?}?"),
    }
}

fn act(word: &str) -> Act {
    match word {
        "resubmit" => Act::Resubmit,
        "cancel" => Act::Cancel,
        other => panic!("what is {other:?}?"),
    }
}

fn build(id: &str) -> (InstanceName, Subject) {
    (fedora(), Subject::Build(BuildId(id.parse().unwrap())))
}

fn second(word: &str) -> Timestamp {
    time(word.parse().unwrap())
}

pub(super) fn change(now: Timestamp, words: &[&str]) -> Change {
    let option = |key: &str| words.iter().find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
    let at = option("at").map_or(now, second);
    match words {
        ["build", id, nvr, state, owner, ..] => {
            let state = BuildState::from_name(state).unwrap();
            let news = build_news(0, id.parse().unwrap(), nvr, None, state, owner, at, Some(at));
            let Change::Build(mut change) = change_of(news) else {
                unreachable!()
            };
            change.created = Some(if state.is_settled() {
                at - SignedDuration::from_secs(60)
            } else {
                at
            });
            change.task = option("task").map(|it| TaskId(it.parse().unwrap()));
            Change::Build(change)
        }
        ["task", id, method, state, owner, ..] => {
            let state = TaskState::from_name(state).unwrap();
            Change::Task(TaskChange {
                task: TaskId(id.parse().unwrap()),
                method: (*method).to_owned(),
                old: None,
                new: state,
                owner: Some((*owner).to_owned()),
                what: None,
                package: Some("bash".to_owned()),
                target: Some("rawhide".to_owned()),
                scratch: words.contains(&"scratch"),
                created: Some(at),
                started: Some(at),
                completed: state.is_settled().then_some(at),
                children: Vec::new(),
            })
        }
        other => panic!("what is {other:?}?"),
    }
}

fn progress(task: &str, state: &str, words: &[&str]) -> Progress {
    let children = words
        .iter()
        .filter_map(|it| it.split_once('='))
        .filter(|(arch, _)| *arch != "at");
    let child = |(n, (arch, state)): (usize, (&str, &str))| Child {
        task: TaskId(1000 + n as u64),
        method: "buildArch".to_owned(),
        arch: arch.to_owned(),
        state: TaskState::from_name(state),
    };
    Progress {
        task: TaskId(task.parse().unwrap()),
        state: TaskState::from_name(state),
        completed: words.iter().find_map(|it| it.strip_prefix("at=")).map(second),
        children: children.enumerate().map(child).collect(),
    }
}

pub(super) fn describe(ask: &Ask) -> String {
    match ask {
        Ask::Look(look) => {
            let since = look.since.unwrap().duration_since(time(0)).as_secs();
            let mut text = format!("look since={since}");
            let mut list = |name: &str, items: Vec<String>| {
                if !items.is_empty() {
                    write!(text, " {name}={}", items.join(",")).unwrap();
                }
            };
            list("tasks", look.tasks.iter().map(ToString::to_string).collect());
            list("builds", look.builds.iter().map(ToString::to_string).collect());
            list("averages", look.averages.clone());
            list("repos", look.repos.iter().map(|it| it.1.to_string()).collect());
            text
        }
        Ask::Explain { about, task } => format!("why {about:?} {task:?}"),
        Ask::Owners(numbers) => {
            let numbers: Vec<_> = numbers.iter().map(|it| it.0.to_string()).collect();
            format!("owners {}", numbers.join(","))
        }
        Ask::Find(lookup) => format!("find {lookup:?}"),
        Ask::Act { act, task, .. } => format!("{act:?} {task:?}"),
    }
}

pub(super) fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Is(story) => name(story),
        Reply::Unknown => "unknown".to_owned(),
        Reply::NoHub => "no hub".to_owned(),
        Reply::NoAnswer(why) => format!("no answer: {why}"),
    }
}
