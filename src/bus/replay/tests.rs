use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use expect_test::{Expect, expect};

use super::*;
use crate::bus::source::Signs;
use crate::koji::Interest;

#[test]
fn time_is_kept_and_never_runs_back() {
    check(
        &[
            "2026-11-20T12:00:10Z",
            "2026-11-20T12:00:20Z",
            "-",
            "2026-11-20T12:00:05Z",
            "2026-11-20T12:01:10Z",
        ],
        None,
        Speed::REAL,
        expect![[r#"
            2026-11-20T12:00:10Z Connecting
            2026-11-20T12:00:10Z Up
            2026-11-20T12:00:10Z heard 1
            2026-11-20T12:00:20Z heard 2
            2026-11-20T12:00:20Z heard 3
            2026-11-20T12:00:20Z heard 4
            2026-11-20T12:01:10Z heard 5
            2026-11-20T12:01:10Z Ended
        "#]],
    );
}

#[test]
fn time_is_shortened_and_moved() {
    check(
        &["2026-11-20T12:00:10Z", "2026-11-20T12:00:20Z", "2026-11-20T12:01:10Z"],
        Some("2030-01-01T00:00:00Z"),
        Speed::new(20.0).unwrap(),
        expect![[r#"
            2030-01-01T00:00:00Z Connecting
            2030-01-01T00:00:00Z Up
            2030-01-01T00:00:00Z heard 1
            2030-01-01T00:00:00.5Z heard 2
            2030-01-01T00:00:03Z heard 3
            2030-01-01T00:00:03Z Ended
        "#]],
    );
}

#[test]
fn at_once_means_at_once() {
    check(
        &["2026-11-20T12:00:10Z", "2026-11-21T12:00:10Z"],
        None,
        Speed::AT_ONCE,
        expect![[r#"
            2026-11-20T12:00:10Z Connecting
            2026-11-20T12:00:10Z Up
            2026-11-20T12:00:10Z heard 1
            2026-11-20T12:00:10Z heard 2
            2026-11-20T12:00:10Z Ended
        "#]],
    );
}

#[test]
fn without_any_time_everything_happens_at_the_epoch() {
    check(
        &["-", "-"],
        None,
        Speed::REAL,
        expect![[r#"
        1970-01-01T00:00:00Z Connecting
        1970-01-01T00:00:00Z Up
        1970-01-01T00:00:00Z heard 1
        1970-01-01T00:00:00Z heard 2
        1970-01-01T00:00:00Z Ended
    "#]],
    );
}

#[test]
fn the_first_known_time_counts_for_those_before_it() {
    check(
        &["-", "2026-11-20T12:00:10Z"],
        None,
        Speed::REAL,
        expect![[r#"
        2026-11-20T12:00:10Z Connecting
        2026-11-20T12:00:10Z Up
        2026-11-20T12:00:10Z heard 1
        2026-11-20T12:00:10Z heard 2
        2026-11-20T12:00:10Z Ended
    "#]],
    );
}

#[test]
fn a_recording_may_be_of_any_bus() {
    let build = r#"{"attribute": "state", "old": 0, "new": 1, "info":
        {"build_id": 7, "name": "bash", "version": "5.3", "release": "1.fc43", "owner_name": "mona", "owner_id": 2}}"#;
    let build = build.replace('\n', " ");
    let octets = BASE64_STANDARD.encode([b"\0\x53\x77\xb1", &sized(&build)[..], build.as_bytes()].concat());
    let lines = [
        format!(r#"{{"topic": "koji.event.BuildStateChange.state.bash", "body": {build}}}"#),
        format!(r#"{{"topic": "", "headers": {{"type": "BuildStateChange"}}, "body": {build}}}"#),
        format!(r#"{{"topic": "koji.build.complete", "headers": {{"type": "BuildStateChange"}}, "body": {build}}}"#),
        format!(r#"{{"topic": "topic://VirtualTopic.eng.brew.build.complete", "headers": null, "body": {build}}}"#),
        format!(
            r#"{{"deliver": {{"routing_key": "koji.build.complete"}}, "properties": {{"type": "amqp-1.0",
                "headers": {{"x-amqp-1.0-app-properties": {{"_bytes_b64": "AFN00QA="}}}}}}, "body_b64": "{octets}"}}"#
        )
        .replace('\n', " "),
        // Of neither, however much the last words look like it.
        r#"{"topic": "org.example.copr.build.end", "body": {"user": "mona"}}"#.to_owned(),
    ];
    let records = records(lines.join("\n").as_bytes(), "any").unwrap();
    let recording = recording(records, Speed::AT_ONCE);
    let mut heard = Vec::new();
    for (_, event) in recording.heard() {
        if let Event::Heard(news) = event {
            heard.push(news.event);
        } else {
            assert!(matches!(event, Event::LinkChanged(..)), "{event:?}");
        }
    }
    assert_eq!(heard.len(), 5);
    assert_eq!(heard[0].owner(), Some("mona"));
    assert!(heard.iter().all(|it| *it == heard[0]), "{heard:#?}");
}

#[test]
fn a_speed_is_a_number() {
    assert_eq!(Speed::new(1.0), Some(Speed::REAL));
    assert_eq!(Speed::new(0.0), Some(Speed::AT_ONCE));
    assert_eq!(Speed::new(-1.0), None);
    assert_eq!(Speed::new(f64::NAN), None);
    assert_eq!(Speed::new(f64::INFINITY), None);
    // So slow that it never comes.
    let slow = Speed::new(f64::MIN_POSITIVE).unwrap();
    assert_eq!(slow.shorten(SignedDuration::from_secs(1)), SignedDuration::MAX);
}

#[tokio::test]
async fn only_what_is_of_interest_is_played() {
    let tag = |id: &str, owner: &str| record("tag", id, "-", &format!(r#""owner": "{owner}""#));
    let mut headers_lie = tag("5", "mona");
    headers_lie.users.insert("lisa".to_owned());
    let records = vec![
        tag("1", "mona"),
        tag("2", "lisa"),
        record(
            "task.state.change",
            "3",
            "-",
            r#""id": 3, "method": "build", "new": "OPEN", "owner": "mona""#,
        ),
        record("rpm.sign", "4", "-", ""),
        headers_lie,
        record("tag", "6", "-", r#""name": 6"#),
    ];
    let (doors, events) = play(recording(records, Speed::REAL), interest(&["mona"])).await;
    drop(doors);
    expect![[r#"
        Connecting
        Up
        heard 1
        spoiled
        Ended
    "#]]
    .assert_eq(&events.iter().map(|it| format!("{}\n", short(it))).collect::<String>());
}

#[tokio::test]
async fn what_was_heard_can_be_acknowledged_and_the_interest_can_change() {
    let tag = |id: &str, at: &str, owner: &str| record("tag", id, at, &format!(r#""owner": "{owner}""#));
    let records = vec![
        tag("1", "2026-11-20T12:00:00Z", "mona"),
        tag("2", "2026-11-20T12:00:00.2Z", "lisa"),
    ];
    let (doors, orders) = doors(interest(&["mona"]));
    let (inbox, mut events) = mpsc::channel(8);
    let playing = tokio::spawn(recording(records, Speed::REAL).run(orders, inbox));
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        if let Event::Heard(news) = &event {
            // After the last one the recording is over, and nobody has to be told.
            let sent = doors.acknowledge.send(news.delivery.clone().unwrap());
            assert!(sent.is_ok() || news.delivery.as_ref().unwrap().tag == 2);
            doors.interest.send_replace(interest(&["lisa"]));
        }
        told.push(short(&event));
    }
    end_of(playing).await;
    assert_eq!(told, ["Connecting", "Up", "heard 1", "heard 2", "Ended"]);
}

#[tokio::test]
async fn it_ends_when_nobody_listens() {
    let long = || {
        let tag = |id: &str, at: &str| record("tag", id, at, r#""owner": "mona""#);
        let records = vec![tag("1", "2026-11-20T12:00:00Z"), tag("2", "2027-11-20T12:00:00Z")];
        recording(records, Speed::REAL)
    };
    let heard_one = |mut events: mpsc::Receiver<Event>| async move {
        for _ in 0..3 {
            events.recv().await.unwrap();
        }
        events
    };

    let (loops, orders) = doors(interest(&["mona"]));
    let (inbox, events) = mpsc::channel(8);
    let playing = tokio::spawn(long().run(orders, inbox));
    drop(heard_one(events).await);
    end_of(playing).await;
    drop(loops);

    let (loops, orders) = doors(interest(&["mona"]));
    let (inbox, events) = mpsc::channel(8);
    let playing = tokio::spawn(long().run(orders, inbox));
    let mut events = heard_one(events).await;
    drop(loops);
    end_of(playing).await;
    assert_eq!(events.recv().await, None);
}

/// Compares what is heard when; a record is named by its place, its time is given or `-`.
fn check(times: &[&str], begin: Option<&str>, speed: Speed, expected: Expect) {
    let records = (1..)
        .zip(times)
        .map(|(place, at)| record("tag", &place.to_string(), at, ""));
    let mut recording = recording(records.collect(), speed);
    recording.begin = begin.map(|it| it.parse().unwrap());
    let told = recording
        .heard()
        .map(|(time, event)| format!("{time} {}\n", short(&event)));
    expected.assert_eq(&told.collect::<String>());
}

fn short(event: &Event) -> String {
    match event {
        Event::Heard(news) => {
            assert_eq!(
                news.message.as_deref(),
                Some(news.delivery.as_ref().unwrap().tag.to_string().as_str())
            );
            format!("heard {}", news.delivery.as_ref().unwrap().tag)
        }
        Event::LinkChanged(_, link) => format!("{link:?}"),
        Event::Spoiled(_) => "spoiled".to_owned(),
        Event::Recorded(_)
        | Event::Missed(..)
        | Event::Learned(..)
        | Event::HooksChanged(_)
        | Event::Slept
        | Event::OnBattery(_)
        | Event::Resumed(_)
        | Event::NotMeant
        | Event::Asked(_)
        | Event::Shown(..)
        | Event::Closed(..)
        | Event::ServerChanged(_)
        | Event::TrayChanged(_)
        | Event::MenuOpened
        | Event::AutostartChanged(_)
        | Event::Reloaded(_)
        | Event::ReloadFailed(_)
        | Event::JournalChanged(_)
        | Event::Posted(..)
        | Event::DesktopAsked
        | Event::DesktopAnswered
        | Event::ZoneChanged(_)
        | Event::QuietChanged(..)
        | Event::Woke => panic!("no recording tells {event:?}"),
    }
}

/// Returns a message whose id is its place.
fn record(event: &str, id: &str, at: &str, fields: &str) -> Record {
    let comma = if fields.is_empty() { "" } else { ", " };
    Record {
        at: at.parse().ok(),
        topic: format!("org.example.buildsys.{event}"),
        message_id: Some(id.to_owned()),
        body: if fields.contains("name") {
            format!("{{{fields}}}").into_bytes()
        } else {
            format!(r#"{{"name": "bash", "version": "5.3", "release": "1.fc43"{comma}{fields}}}"#).into_bytes()
        },
        ..Record::default()
    }
}

/// The size of a text, as AMQP 1.0 writes it.
fn sized(text: &str) -> [u8; 4] {
    u32::try_from(text.len()).unwrap().to_be_bytes()
}

fn recording(records: Vec<Record>, speed: Speed) -> Recording {
    Recording {
        besides: Vec::new(),
        instance: InstanceName::new("test"),
        dialect: Dialect::Recorded,
        records,
        begin: None,
        speed,
    }
}

fn interest(users: &[&str]) -> Interest {
    Interest {
        users: users.iter().map(|it| (*it).to_owned()).collect(),
        packages: BTreeSet::new(),
        tasks: false,
        tags: true,
    }
}

/// The loop's side of the orders.
struct Doors {
    interest: tokio::sync::watch::Sender<Interest>,
    acknowledge: mpsc::UnboundedSender<Delivery>,
    _woken: tokio::sync::watch::Sender<u64>,
    _doubted: tokio::sync::watch::Sender<u64>,
}

fn doors(interest: Interest) -> (Doors, Orders) {
    let (interest, interests) = tokio::sync::watch::channel(interest);
    let (acknowledge, acknowledged) = mpsc::unbounded_channel();
    let (woken, wakes) = tokio::sync::watch::channel(0);
    let (doubted, doubts) = tokio::sync::watch::channel(0);
    let orders = Orders {
        interest: interests,
        acknowledge: acknowledged,
        woken: wakes,
        doubted: doubts,
        signs: Signs::default(),
    };
    let doors = Doors {
        interest,
        acknowledge,
        _woken: woken,
        _doubted: doubted,
    };
    (doors, orders)
}

/// Waits for a recording's end, which nothing here delays.
async fn end_of(playing: tokio::task::JoinHandle<()>) {
    let end = tokio::time::timeout(Duration::from_secs(30), playing).await;
    end.expect("the recording did not end").unwrap();
}

async fn play(recording: Recording, interest: Interest) -> (Doors, Vec<Event>) {
    let (doors, orders) = doors(interest);
    let (inbox, mut events) = mpsc::channel(1);
    let playing = tokio::spawn(recording.run(orders, inbox));
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        told.push(event);
    }
    end_of(playing).await;
    (doors, told)
}
