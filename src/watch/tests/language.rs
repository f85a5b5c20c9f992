//! The language of the stories: what happens, a line each, and what is to be done, in the same manner.

use super::*;

/// Runs a script against a fresh watch of mona's, who follows the kernel, and compares what is to be done.
pub(super) fn check(script: &str, expected: Expect) {
    let mut watch = watch();
    expected.assert_eq(&run(&mut watch, script));
}

pub(super) fn run(watch: &mut Watch, script: &str) -> String {
    run_and_keep(watch, script, &mut |_| ())
}

/// Runs a script, and hands out what is to be on record.
pub(super) fn run_and_keep(watch: &mut Watch, script: &str, keep: &mut dyn FnMut(Record)) -> String {
    let mut now = time(0);
    let mut done = String::new();
    for line in script.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut quiet = false;
        let events: Vec<Event> = match words.as_slice() {
            ["at", second] => {
                now = time(second.parse().unwrap());
                continue;
            }
            ["running"] => {
                for story in watch.running() {
                    writeln!(done, "running {}", name(story)).unwrap();
                }
                continue;
            }
            ["progress"] => {
                done.push_str(&own_bus::progress(watch));
                continue;
            }
            ["owners", rest @ ..] => vec![own_bus::owners(rest)],
            ["heard", rest @ ..] => vec![Event::Heard(heard(now, rest))],
            ["burst", first, count] => {
                quiet = true;
                let first: u64 = first.parse().unwrap();
                let count: u64 = count.parse().unwrap();
                let news = |n: u64| {
                    let nvr = format!("p{n}-1-1");
                    build_news(
                        1000 + n,
                        n,
                        &nvr,
                        Some(BuildState::Building),
                        BuildState::Complete,
                        "mona",
                        now,
                        Some(now),
                    )
                };
                (first..first + count).map(|it| Event::Heard(news(it))).collect()
            }
            ["recorded", n] => vec![Event::Recorded(delivery(n.parse().unwrap()))],
            ["taken", n] => vec![Event::Shown(NoticeId(n.parse().unwrap()), Outcome::Taken)],
            ["lost", n] => vec![Event::Shown(NoticeId(n.parse().unwrap()), Outcome::Lost)],
            ["quiet", reason, on] => {
                let reason = Reason::ALL.into_iter().find(|it| it.name() == *reason).unwrap();
                vec![Event::QuietChanged(reason, *on == "on")]
            }
            ["desktop", "asked"] => vec![Event::DesktopAsked],
            ["desktop", "answered"] => vec![Event::DesktopAnswered],
            ["server", how] => vec![Event::ServerChanged(*how == "there")],
            ["woke"] => vec![Event::Woke],
            ["asked", rest @ ..] => vec![Event::Asked(request(rest))],
            other => vec![hub::event(now, other)],
        };
        for event in events {
            for effect in watch.step(now, event) {
                if let Effect::Record(record) = &effect {
                    keep(record.clone());
                }
                if quiet && !matches!(effect, Effect::Show(_)) {
                    continue;
                }
                let words = describe(&effect);
                if !words.is_empty() {
                    writeln!(done, "{words}").unwrap();
                }
            }
        }
    }
    done
}

pub(super) fn request(words: &[&str]) -> Request {
    match words {
        ["quit"] => Request::Quit,
        ["resume"] => Request::Resume,
        ["pause", "resumed"] => Request::Pause(PauseFor::UntilResumed),
        ["pause", minutes] => Request::Pause(PauseFor::Minutes(minutes.parse::<NonZeroU32>().unwrap())),
        ["seen"] => Request::MarkSeen,
        ["mute", what, until] => Request::Mute {
            muting: muting(what),
            until: match *until {
                "fixed" => MuteFor::Fixed,
                "ends" => MuteFor::Ends,
                minutes => MuteFor::Lasting(PauseFor::Minutes(minutes.parse().unwrap())),
            },
        },
        ["unmute", what] => Request::Unmute(muting(what)),
        [toggle, on] => {
            let toggle = Toggle::ALL
                .into_iter()
                .find(|it| format!("{it:?}").to_lowercase() == *toggle);
            Request::Switch(toggle.unwrap(), *on == "on")
        }
        other => panic!("what is {other:?}?"),
    }
}

fn muting(what: &str) -> Muting {
    match what.split_once(':') {
        Some(("tag", tag)) => Muting::Tag(tag.to_owned()),
        Some(("task", task)) => Muting::Subject(fedora(), Subject::Task(TaskId(task.parse().unwrap()))),
        Some(("build", build)) => Muting::Subject(fedora(), Subject::Build(BuildId(build.parse().unwrap()))),
        Some(("nvr", nvr)) => Muting::Subject(fedora(), Subject::NamedBuild(Nvr::parse(nvr).unwrap())),
        Some(other) => panic!("what is {other:?}?"),
        None if what == "but-failures" => Muting::ButFailures,
        None => Muting::Package(what.to_owned()),
    }
}

pub(super) fn heard(now: Timestamp, words: &[&str]) -> News {
    if let Some(news) = own_bus::news(now, words) {
        return news;
    }
    let number: u64 = words[0].parse().unwrap();
    let id: u64 = words[2].parse().unwrap();
    let option = |key: &str| {
        let found = words.iter().find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
        found.and_then(|it| it.parse().ok()).map(time)
    };
    let sent = option("sent").unwrap_or(now);
    let is_timeless = words.contains(&"ended=none");
    let ended = if is_timeless {
        None
    } else {
        option("ended").or(Some(sent))
    };
    let (old, new) = words[4].split_once("->").unwrap_or(("", ""));
    let mut news = build_news(number, id, "a-1-1", None, BuildState::Building, words[5], sent, ended);
    let change = match words[1] {
        "build" => {
            let (old, new) = (BuildState::from_name(old), BuildState::from_name(new).unwrap());
            let mut news = build_news(number, id, words[3], old, new, words[5], sent, ended);
            let task = words.iter().find_map(|it| it.strip_prefix("task="));
            if let HubEvent::Changed(Change::Build(it)) = &mut news.event {
                it.task = task.map(|it| TaskId(it.parse().unwrap()));
            }
            return news;
        }
        "task" => Change::Task(TaskChange {
            task: TaskId(id),
            method: "build".to_owned(),
            old: TaskState::from_name(old),
            new: TaskState::from_name(new).unwrap(),
            owner: Some(words[5].to_owned()),
            what: Some(words[3].to_owned()),
            package: Some(words[3].to_owned()),
            target: None,
            scratch: true,
            created: None,
            started: None,
            completed: ended,
            children: Vec::new(),
        }),
        "tag" => Change::Tag(TagChange {
            build: Some(BuildId(id)),
            nvr: Nvr::parse(words[3]).unwrap(),
            tag: Some(words[4].to_owned()),
            user: Some("autopen".to_owned()),
            owner: Some(words[5].to_owned()),
            added: true,
        }),
        other => panic!("what is {other:?}?"),
    };
    news.event = HubEvent::Changed(change);
    news
}

#[expect(clippy::too_many_arguments, reason = "one row of a table")]
pub(super) fn build_news(
    number: u64,
    id: u64,
    nvr: &str,
    old: Option<BuildState>,
    new: BuildState,
    owner: &str,
    sent: Timestamp,
    ended: Option<Timestamp>,
) -> News {
    News {
        instance: fedora(),
        delivery: Some(delivery(number)),
        message: Some(format!("message {number}")),
        is_first: false,
        sent: Some(sent),
        owner: None,
        event: HubEvent::Changed(Change::Build(BuildChange {
            build: Some(BuildId(id)),
            nvr: Nvr::parse(nvr).unwrap(),
            old,
            new,
            owner: Some(owner.to_owned()),
            task: None,
            target: Some("rawhide".to_owned()),
            started: None,
            created: None,
            completed: ended.filter(|_| new.is_settled()),
            children: Vec::new(),
        })),
    }
}

pub(super) fn change_of(news: News) -> Change {
    news.event.into_change().unwrap()
}

/// Returns the notice that is shown.
pub(super) fn shown(effects: &[Effect]) -> Notice {
    let shown = effects.iter().find_map(|it| match it {
        Effect::Show(notice) => Some(notice.clone()),
        _ => None,
    });
    shown.unwrap()
}

/// Returns all that is told. What a notice tells again in its place, with more to say, is not told twice.
pub(super) fn told(effects: &[Effect]) -> Vec<Tale> {
    let mut known = BTreeSet::new();
    let mut told = Vec::new();
    for effect in effects {
        let Effect::Show(notice) = effect else { continue };
        let tales = match &notice.telling {
            Telling::One(tale) => std::slice::from_ref(tale),
            Telling::Many(digest) => &digest.tales,
            Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => &[],
        };
        for tale in tales {
            if known.insert((notice.id, tale.id)) || !notice.replaces {
                told.push(tale.clone());
            }
        }
    }
    told
}

pub(super) fn describe(effect: &Effect) -> String {
    match effect {
        Effect::Show(notice) => {
            let again = if notice.replaces { " again" } else { "" };
            let what = match &notice.telling {
                Telling::One(tale) => {
                    let because = tale.story.cause.as_ref().map(|it| match &it.by {
                        Some(by) => format!(" because {} by {by}", it.class.name()),
                        None => format!(" because {}", it.class.name()),
                    });
                    let rule = tale.rule.as_str();
                    format!(
                        "{:?} {} {rule}{}",
                        tale.fate,
                        name(&tale.story),
                        because.unwrap_or_default()
                    )
                }
                Telling::Many(digest) => {
                    let names: Vec<_> = digest.tales.iter().map(|it| name(&it.story)).collect();
                    let away = if digest.away { "away " } else { "" };
                    let mass = if digest.mass { "mass " } else { "" };
                    format!("{away}{mass}digest {}", names.join(", "))
                }
                Telling::Confirm(act, story) => format!("confirm {act:?} {}", name(story)),
                Telling::Acted(deed) => format!("acted {:?} {:?}", deed.act, deed.done),
                Telling::Following(Some(it)) => format!("following {}", hub::reply(it)),
                Telling::Following(None) => "following nothing".to_owned(),
            };
            format!("show #{}{again} {what}", notice.id)
        }
        Effect::Withdraw(id) => format!("withdraw #{id}"),
        Effect::Record(record) => {
            // What else is kept has stories of its own.
            let mark = |it: &Keep| match it {
                Keep::Mark(_, mark) => Some(format!("mark {}", mark.duration_since(time(0)).as_secs())),
                _ => None,
            };
            let recorded = record.delivery.iter().map(|it| format!("record {}", it.tag));
            let lines: Vec<_> = record.keeps.iter().filter_map(mark).chain(recorded).collect();
            lines.join("\n")
        }
        Effect::Acknowledge(delivery) => format!("acknowledge {}", delivery.tag),
        Effect::Listen(instance, interest) => {
            let list = |it: &BTreeSet<String>| it.iter().cloned().collect::<Vec<_>>().join(",");
            format!(
                "listen {instance} users={} packages={} tasks={} tags={}",
                list(&interest.users),
                list(&interest.packages),
                interest.tasks,
                interest.tags
            )
        }
        Effect::Announce(story) => format!("announce {}", name(story)),
        Effect::RunHook(hook) => format!("run {} {}", hook.occasion.key(), name(&hook.story)),
        Effect::Save(Save::Toggle(toggle, on)) => format!("save {toggle:?} {}", if *on { "on" } else { "off" }),
        Effect::Ask(_, ask) => format!("ask {}", hub::describe(ask)),
        Effect::Doubt(_) => "doubt".to_owned(),
        Effect::Reply(ticket, reply) => format!("reply {} {}", ticket.0, hub::reply(reply)),
        other => format!("{other:?}"),
    }
}

pub(super) fn name(story: &Story) -> String {
    let what = match (&story.nvr, &story.subject) {
        (_, Subject::Task(id)) => format!("task {id}"),
        (Some(nvr), _) => nvr.to_string(),
        (None, other) => format!("{other:?}"),
    };
    format!("{what} {}", story.standing.name())
}

pub(super) fn watch() -> Watch {
    Watch::new(rules(TimeZone::UTC))
}

pub(super) fn rules(zone: TimeZone) -> Rules {
    let whose = Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        packages: BTreeSet::from(["kernel".to_owned()]),
        bus: true,
        ..Whose::default()
    };
    Rules {
        wanted: Wanted::default(),
        instances: BTreeMap::from([(fedora(), whose)]),
        quiet: QuietRules::default(),
        zone,
        live: true,
    }
}

pub(super) fn fedora() -> InstanceName {
    InstanceName::new("fedora")
}

pub(super) fn delivery(tag: u64) -> Delivery {
    Delivery {
        instance: fedora(),
        connection: 1,
        tag,
    }
}

pub(super) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}
