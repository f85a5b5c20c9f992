//! Words on screen, whole: what a person reads for what has happened.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks at the effects it is about")]

mod cards;
mod causes;
mod deeds;
mod entries;
mod hubs;
mod menus;
mod quiet;
mod running;
mod several;
mod trends;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::koji::{
    BuildChange, BuildId, BuildState, Change, Child, HubEvent, InstanceName, Nvr, Site, TagChange, TaskChange, TaskId,
    TaskState,
};
use crate::watch::{
    Delivery, Effect, Event, JournalTrouble, Link, MuteFor, Muting, News, Notice, NoticeId, PauseFor, Problem, Request,
    Rules, Standing, Story, Telling, Toggle, Trouble, Wanted, Watch, Whereabouts, Whose,
};

const EVERYTHING: Means = Means {
    copy: true,
    paste: true,
    window: true,
    configure: true,
};

fn check_cards(changes: Vec<Change>, expected: Expect) {
    let words: String = cards(changes).iter().map(describe).collect();
    expected.assert_eq(&words);
}

fn check_menu(watch: &Watch, expected: Expect) {
    expected.assert_eq(&describe_menu(watch));
}

/// Returns the cards that the changes lead to, within an hour.
fn cards(changes: Vec<Change>) -> Vec<Card> {
    let mut watch = watch();
    watch.step(time(0), Event::Asked(Request::Switch(Toggle::Tagged, true)));
    let mut effects = Vec::new();
    for (n, change) in changes.into_iter().enumerate() {
        for effect in watch.step(time(0), Event::Heard(news(n as u64, change))) {
            if let Effect::Show(notice) = &effect {
                watch.step(time(0), Event::Shown(notice.id, crate::watch::Outcome::Taken));
            }
            effects.push(effect);
        }
    }
    effects.extend(watch.step(time(3600), Event::Woke));
    shown(effects)
}

/// Returns the cards that are to be shown.
fn shown(effects: Vec<Effect>) -> Vec<Card> {
    let card = |effect| match effect {
        Effect::Show(notice) => Some(card::card(&notice, &sites())),
        _ => None,
    };
    effects.into_iter().filter_map(card).collect()
}

fn card_telling(telling: Telling) -> Card {
    let notice = Notice {
        id: NoticeId(1),
        replaces: false,
        telling,
        sound: false,
        stays: true,
        retry: false,
    };
    card::card(&notice, &sites())
}

fn describe(card: &Card) -> String {
    let again = if card.replaces { " again" } else { "" };
    let stays = if card.expires { "" } else { " stays" };
    let urgency = card.urgency.as_str();
    let mut words = format!(
        "#{}{again} {urgency}{stays} {}\n{}\n",
        card.notice, card.category, card.title
    );
    for (n, line) in card.body.lines().enumerate() {
        let mark = if card.quoted.contains(&n) { "| " } else { "" };
        writeln!(words, "{mark}{line}").unwrap();
    }
    for action in &card.actions {
        let does = match &action.request {
            Request::Open { link, .. } => link.clone(),
            Request::Mute {
                muting: Muting::Package(package),
                until: MuteFor::Lasting(until),
            } => format!("mute {package} {until:?}"),
            other => format!("{other:?}"),
        };
        writeln!(words, "[{} {}] {does}", action.key, action.label).unwrap();
    }
    words
}

fn describe_menu(watch: &Watch) -> String {
    let mut words = String::new();
    describe_items(&menu::menu(watch, &sites(), EVERYTHING, time(0)).items, 0, &mut words);
    words
}

fn describe_items(items: &[Item], depth: usize, words: &mut String) {
    let indent = "    ".repeat(depth);
    for item in items {
        match item {
            Item::Separator => writeln!(words, "{indent}--").unwrap(),
            Item::Text(label) | Item::Entry { label, .. } => writeln!(words, "{indent}{label}").unwrap(),
            Item::Check { label, on, .. } => {
                let mark = if *on { "x" } else { " " };
                writeln!(words, "{indent}[{mark}] {label}").unwrap();
            }
            Item::Radio { selected, options } => {
                for (n, (label, _)) in options.iter().enumerate() {
                    let mark = if *selected == Some(n) { "x" } else { " " };
                    writeln!(words, "{indent}({mark}) {label}").unwrap();
                }
            }
            Item::Submenu { label, items } => {
                writeln!(words, "{indent}{label} >").unwrap();
                describe_items(items, depth + 1, words);
            }
        }
    }
}

/// Returns a change of one of many builds.
fn numbered(n: u64, state: BuildState) -> Change {
    let mut change = build(&format!("p{n}-1-1"), state, &[]);
    if let Change::Build(it) = &mut change {
        it.build = Some(BuildId(100 + n));
    }
    change
}

fn build(nvr: &str, new: BuildState, children: &[(u64, &str, TaskState)]) -> Change {
    let child = |(task, arch, state): &(u64, &str, TaskState)| Child {
        task: TaskId(*task),
        method: "buildArch".to_owned(),
        arch: (*arch).to_owned(),
        state: Some(*state),
    };
    Change::Build(BuildChange {
        build: Some(BuildId(7)),
        nvr: Nvr::parse(nvr).unwrap(),
        old: Some(BuildState::Building),
        new,
        owner: Some("mona".to_owned()),
        task: Some(TaskId(50)),
        target: Some("rawhide".to_owned()),
        started: Some(time(0) - SignedDuration::from_mins(12)),
        created: None,
        completed: new.is_settled().then(|| time(0)),
        children: children.iter().map(child).collect(),
    })
}

fn task(what: &str, new: TaskState) -> Change {
    let child = Child {
        task: TaskId(901),
        method: "buildSRPMFromSCM".to_owned(),
        arch: "srpm".to_owned(),
        state: Some(new),
    };
    Change::Task(TaskChange {
        task: TaskId(900),
        method: "build".to_owned(),
        old: Some(TaskState::Open),
        new,
        owner: Some("mona".to_owned()),
        what: Some(what.to_owned()),
        package: Some("bash".to_owned()),
        target: Some("f43".to_owned()),
        scratch: true,
        created: None,
        started: Some(time(0) - SignedDuration::from_secs(42)),
        completed: Some(time(0)),
        children: vec![child],
    })
}

fn news(number: u64, change: Change) -> News {
    News {
        instance: fedora(),
        delivery: Some(Delivery {
            instance: fedora(),
            connection: 1,
            tag: number,
        }),
        message: Some(number.to_string()),
        is_first: false,
        sent: Some(time(0)),
        owner: None,
        event: HubEvent::Changed(change),
    }
}

fn watch() -> Watch {
    Watch::new(rules(Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        bus: true,
        ..Whose::default()
    }))
}

/// Returns a watch whose instance has a broker and a hub that knows us.
fn asking() -> Watch {
    with_hub(true)
}

fn with_hub(bus: bool) -> Watch {
    let rules = rules(Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        packages: BTreeSet::new(),
        bus,
        hub: true,
        logs_in: true,
        ..Whose::default()
    });
    let mut watch = Watch::new(rules.clone());
    watch.step(time(0), Event::Reloaded(rules));
    watch
}

fn rules(whose: Whose) -> Rules {
    Rules {
        wanted: Wanted::default(),
        instances: BTreeMap::from([(fedora(), whose)]),
        quiet: crate::watch::QuietRules::default(),
        zone: TimeZone::fixed(jiff::tz::offset(1)),
        live: true,
    }
}

fn sites() -> BTreeMap<InstanceName, Site> {
    let site = Site {
        weburl: Some("https://koji.example.com/koji".to_owned()),
        topurl: Some("https://files.example.com".to_owned()),
    };
    BTreeMap::from([(fedora(), site)])
}

fn fedora() -> InstanceName {
    InstanceName::new("fedora")
}

fn time(second: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T16:40:00Z".parse().unwrap();
    start + SignedDuration::from_secs(second)
}
