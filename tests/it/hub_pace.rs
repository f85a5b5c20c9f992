//! How often a hub is asked, in an hour of each kind: the real core, told what time it is. A look is one request.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use koji_notify::koji::{Change, InstanceName, TaskChange, TaskId, TaskState};
use koji_notify::watch::{
    Ask, Effect, Event, HubTrouble, Learned, Link, Looked, Request, Rules, Unanswered, Wanted, Watch, Whose,
};

use crate::hub_asks::Asker;
use crate::small_hub::SmallHub;

/// What an hour is like.
#[derive(Clone, Copy, Debug, Default)]
struct Hours {
    /// There is no bus: all is asked for.
    polls: bool,
    /// How many builds of mine run all the time.
    open: u64,
    on_battery: bool,
    /// The hub does not answer.
    away: bool,
}

#[test]
fn looks_in_an_hour_are_few() {
    let idle = Hours::default();
    let open = Hours { open: 1, ..idle };
    for (hours, first, third) in [
        // Nothing runs: every five minutes, and up to a tenth later. The first hour has the look at the start.
        (idle, 11..=13, 11..=12),
        (Hours { polls: true, ..idle }, 11..=13, 11..=12),
        // Something runs: each minute in its first hour, every three minutes after it.
        (open, 55..=60, 18..=20),
        (Hours { polls: true, ..open }, 55..=60, 18..=20),
        // However much it is.
        (Hours { open: 25, ..open }, 55..=60, 18..=20),
        // Half as often on battery.
        (
            Hours {
                on_battery: true,
                ..idle
            },
            6..=7,
            5..=6,
        ),
        (
            Hours {
                on_battery: true,
                ..open
            },
            28..=31,
            9..=10,
        ),
        // A hub that does not answer: 1, 2, 4, 8, 16 minutes, then half an hour.
        (Hours { away: true, ..idle }, 6..=7, 1..=2),
        (Hours { away: true, ..open }, 6..=7, 1..=2),
    ] {
        let looks: Vec<[usize; 3]> = (0..40).map(|seed| looks(hours, seed)).collect();
        let range =
            |n: usize| looks.iter().map(|it| it[n]).min().unwrap()..=looks.iter().map(|it| it[n]).max().unwrap();
        println!(
            "{hours:?}: {:?} in the first hour, {:?} in the third",
            range(0),
            range(2)
        );
        assert_within(hours, range(0), first);
        assert_within(hours, range(2), third);
    }
}

fn assert_within(hours: Hours, seen: RangeInclusive<usize>, expected: RangeInclusive<usize>) {
    assert!(
        expected.contains(seen.start()) && expected.contains(seen.end()),
        "{hours:?}: {seen:?}, not {expected:?}"
    );
}

/// Returns how many looks there are in each of three hours.
fn looks(hours: Hours, seed: i64) -> [usize; 3] {
    let begun: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let mut watch = Watch::new(rules(hours));
    let mut now = begun;
    let mut count = [0; 3];
    let mut coming: BTreeMap<Timestamp, Event> = BTreeMap::new();
    let mut events = vec![
        Event::Resumed(Box::default()),
        Event::OnBattery(hours.on_battery),
        Event::Reloaded(rules(hours)),
    ];
    if !hours.polls {
        events.push(Event::LinkChanged(lab(), Link::Up));
    }
    events.reverse();
    // What a hub takes to answer is never the same twice.
    let mut dice = seed;
    loop {
        while let Some(event) = events.pop() {
            for effect in watch.step(now, event) {
                let Effect::Ask(_, ask) = effect else { continue };
                let Ask::Look(look) = &ask else {
                    panic!("{ask:?}");
                };
                let hour = now.duration_since(begun).as_hours();
                count[usize::try_from(hour).unwrap()] += 1;
                dice = (dice * 1_103_515_245 + 12_345) % 1_000_000_007;
                let at = now + SignedDuration::from_nanos(150_000_000 + dice);
                let learned = if hours.away {
                    let (text, kind) = ("closed".to_owned(), HubTrouble::Unreachable);
                    let why = Unanswered { text, kind };
                    Learned::Unanswered { ask, why }
                } else {
                    Learned::Looked(Looked {
                        since: look.since,
                        as_of: Some(now - SignedDuration::from_mins(5)),
                        changes: (1..=hours.open).map(|it| open_since(it, begun)).collect(),
                        ..Looked::default()
                    })
                };
                coming.insert(at, Event::Learned(lab(), learned));
            }
        }
        let woken = watch.wake_at();
        let next = coming.keys().next().copied();
        now = now.max(next.into_iter().chain(woken).min().unwrap());
        if now.duration_since(begun) >= SignedDuration::from_hours(3) {
            return count;
        }
        events.push(if next == Some(now) {
            coming.pop_first().unwrap().1
        } else {
            Event::Woke
        });
    }
}

fn open_since(task: u64, begun: Timestamp) -> Change {
    Change::Task(TaskChange {
        task: TaskId(task),
        method: "build".to_owned(),
        old: None,
        new: TaskState::Open,
        owner: Some("mona".to_owned()),
        what: None,
        package: None,
        target: None,
        scratch: false,
        created: Some(begun),
        started: Some(begun),
        completed: None,
        children: Vec::new(),
    })
}

/// What a build costs from its record to its cause, beside the looks.
#[tokio::test]
async fn a_failure_costs_two_requests_and_a_log() {
    let hub = SmallHub::start();
    let task = hub.submit("mona", "bash-5.3-1.fc44").task;
    hub.begin(task);
    hub.srpm_done(task);
    hub.arch_fails(task, "aarch64");
    let mut asker = Asker::of(&hub);
    let about = koji_notify::koji::Subject::Task(TaskId(task));
    let explain = Ask::Explain {
        about,
        task: Some(TaskId(task)),
    };
    let learned = asker.ask(explain).await;
    assert!(matches!(learned, Learned::Explained { .. }), "{learned:?}");
    let calls = hub.take_calls();
    let methods: Vec<_> = calls.iter().map(|it| it.method.as_deref().unwrap()).collect();
    assert_eq!(methods[..2], ["multiCall", "multiCall"]);
    let files = &methods[2..];
    assert!(
        (1..=3).contains(&files.len()) && files.iter().all(|it| it.starts_with("GET ")),
        "{methods:?}"
    );
}

/// Whoever comes back from sleep, or whose line comes up again, is looked after at once and once.
#[test]
fn a_line_that_comes_and_goes_is_one_look_at_a_time() {
    let hours = Hours::default();
    let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let mut watch = Watch::new(rules(hours));
    let is_look = |it: &Effect| matches!(it, Effect::Ask(_, Ask::Look(_)));
    let mut looks = watch
        .step(now, Event::Reloaded(rules(hours)))
        .iter()
        .filter(|it| is_look(it))
        .count();
    for _ in 0..100 {
        for event in [
            Event::LinkChanged(lab(), Link::Connecting),
            Event::LinkChanged(lab(), Link::Up),
            Event::Slept,
        ] {
            looks += watch.step(now, event).iter().filter(|it| is_look(it)).count();
        }
    }
    assert_eq!(looks, 1, "the first has not been answered yet");
    let looked = Event::Learned(lab(), Learned::Looked(Looked::default()));
    let after = watch.step(now, looked);
    assert_eq!(after.iter().filter(|it| is_look(it)).count(), 1, "{after:?}");
    let after = watch.step(now, Event::Asked(Request::MarkSeen));
    assert!(!after.iter().any(is_look));
}

fn lab() -> InstanceName {
    InstanceName::new("lab")
}

fn rules(hours: Hours) -> Rules {
    let whose = Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        bus: !hours.polls,
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
