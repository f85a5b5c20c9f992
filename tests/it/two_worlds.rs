//! One day of our lab's hub, told by both of its buses: by Fedora's form, with looks at the hub for what that does not
//! tell, and by Koji's own plugin, whose bus tells all of it, of owners only the number.
//!
//! Whoever reads the notices need not know which bus it was.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use jiff::{SignedDuration, Timestamp};
use koji_notify::bus::decode::Decoded;
use koji_notify::bus::decode::plugin::{Content, Letter, decode};
use koji_notify::koji::{InstanceName, Site, TaskId};
use koji_notify::view::card::card;
use koji_notify::watch::{Delivery, News, Notice, Tale, Telling, Trend};
use serde_json::Value;

use crate::lab_day::with_hub::{Heard, Played, Way, check};

#[tokio::test]
async fn all_forty_are_told_by_koji_s_own_bus_alone() {
    let way = Way {
        heard: Heard::Own,
        ..Way::default()
    };
    let Some(mut played) = Played::begin(&way).await else {
        return;
    };
    played.play_out().await;
    let ends = played.ends();
    // No look has told of anything: what is not held for a digest is told within the second.
    let longest = ends.values().map(|it| it.delay).max();
    assert!(longest <= Some(SignedDuration::from_secs(61)), "{longest:?}");
    let at_once = ends.values().filter(|it| it.delay < SignedDuration::from_secs(2));
    assert!(at_once.count() >= 4, "{ends:?}");
    check(&played, &ends);
}

#[tokio::test]
async fn all_forty_are_told_once_whatever_comes_late_or_twice_or_is_told_by_the_hub_as_well() {
    for heard in [Heard::OwnAstray, Heard::OwnAndHub] {
        let way = Way {
            heard,
            ..Way::default()
        };
        let Some(mut played) = Played::begin(&way).await else {
            return;
        };
        played.play_out().await;
        check(&played, &played.ends());
    }
}

/// What was sent while nothing ran is lost to this bus: the hub tells it.
#[tokio::test]
async fn all_forty_are_told_across_a_restart() {
    let way = Way {
        heard: Heard::OwnAndHub,
        ..Way::default()
    };
    for (from, until) in [(60, 61), (100, 400)] {
        let Some(mut played) = Played::begin(&way).await else {
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

#[tokio::test]
async fn both_buses_make_the_same_notices() {
    let own = Way {
        heard: Heard::Own,
        ..Way::default()
    };
    let Some(mut fedora) = Played::begin(&Way::default()).await else {
        return;
    };
    let mut own = Played::begin(&own).await.unwrap();
    fedora.play_out().await;
    own.play_out().await;
    let (fedora, own) = (told(&fedora), told(&own));
    assert_eq!(fedora.len(), 40);
    let mut differences = String::new();
    for (task, there) in &fedora {
        let here = &own[task];
        for fate in there
            .keys()
            .chain(here.keys())
            .collect::<std::collections::BTreeSet<_>>()
        {
            let (there, here) = (there.get(fate), here.get(fate));
            if there != here {
                writeln!(differences, "{task} {fate}:\n  fedora {there:?}\n  own    {here:?}").unwrap();
            }
        }
    }
    expect![[""]].assert_eq(&differences);
}

/// Title and body of a notice, as it was when it was last shown.
type Card = (String, String);

/// Returns what was told of each submission, each fate as it was last told.
fn told(played: &Played) -> BTreeMap<TaskId, BTreeMap<String, Card>> {
    let mut told: BTreeMap<TaskId, BTreeMap<String, Card>> = BTreeMap::new();
    for (_, _, notice) in &played.shown {
        let tales: Vec<&Tale> = match &notice.telling {
            Telling::One(tale) => vec![tale],
            Telling::Many(digest) => digest.tales.iter().collect(),
            other => panic!("{other:?}"),
        };
        for tale in tales {
            let mut tale = tale.clone();
            // Fedora's form cuts times to whole seconds, so that how long it took differs by one.
            for time in [&mut tale.story.started, &mut tale.story.ended] {
                *time = time.map(|it| Timestamp::from_second(it.as_second()).unwrap());
            }
            // That it is the first only a hub can say, and in one of the worlds none is asked.
            tale.story.trend = tale.story.trend.filter(|it| *it != Trend::First);
            let fate = format!("{:?}", tale.fate);
            let fates = told.entry(tale.story.task.unwrap()).or_default();
            // Which of them share a digest depends on the second in which each was heard.
            let notice = Notice {
                telling: Telling::One(tale),
                ..notice.clone()
            };
            let card = card(&notice, &BTreeMap::<InstanceName, Site>::new());
            fates.insert(fate, (card.title, card.body));
        }
    }
    told
}

/// Returns what Koji's own bus told in the day, and when it came.
pub(crate) fn own_day(folder: &Path, instance: &InstanceName) -> Vec<(Timestamp, News)> {
    let unpacked = Command::new("gzip")
        .arg("-dc")
        .arg(folder.join("protonmsg-amqp10.jsonl.gz"))
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    let text = String::from_utf8(unpacked.stdout).unwrap();
    let mut day = Vec::new();
    for (tag, line) in (1..).zip(text.lines()) {
        let value: Value = serde_json::from_str(line).unwrap();
        let body = value["body_text"].as_str().unwrap();
        let letter = Letter {
            address: None,
            name: value["application_properties"]["type"].as_str(),
            content: Content::Json(body.as_bytes().into()),
            sent: None,
        };
        let Decoded::News { sent, event, owner } = decode("", &letter).unwrap() else {
            continue;
        };
        let mut content = DefaultHasher::new();
        body.hash(&mut content);
        let micros = (value["captured_at"].as_f64().unwrap() * 1e6) as i64;
        let news = News {
            instance: instance.clone(),
            delivery: Some(Delivery {
                instance: instance.clone(),
                connection: 1,
                tag,
            }),
            message: Some(format!("{:x}", content.finish())),
            is_first: false,
            sent,
            owner,
            event,
        };
        day.push((Timestamp::from_microsecond(micros).unwrap(), news));
    }
    day
}
