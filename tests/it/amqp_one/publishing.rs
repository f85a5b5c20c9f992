//! `koji-notify publish` where the broker speaks AMQP 1.0: what arrives, and what becomes of what does not.

use std::fs;
use std::time::Duration;

use expect_test::{Expect, expect};
use koji_notify::bus::one::Broker;
use koji_notify::bus::post::{Outbox, PostError};
use koji_notify::bus::recorded::Recorded;
use serde_json::json;

use super::line::{Line, at, build_is_done, build_of, plain};
use super::proton::Proton;
use super::{configure, instance_of_proton};
use crate::tail::House;

const BUILDS: &str = "/topic/koji.build.complete";

#[tokio::test]
async fn what_is_published_is_heard() {
    let house = House::new().await;
    configure(&house, &house.vhost.publisher, &["/topic/koji.#"]);
    let mut broker = at(house.vhost.rabbit.port, &["/topic/koji.#"]);
    broker.doors[0].vhost = house.vhost.name.clone();
    broker.login = Some(plain(&house.vhost.reader));
    let mut line = Line::start(broker);
    line.up().await;
    let (properties, body) = build_is_done(1, "alice");
    let properties: Vec<String> = properties
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, it)| format!("{name}={}", it.as_str().unwrap()))
        .collect();
    let body = body.to_string();
    let mut words = vec!["publish", "--instance", "lab", "--topic", BUILDS, "--body", &body];
    words.extend(properties.iter().flat_map(|it| ["--header", it]));
    words.extend(["--json-header", "count=7", "--message-id", "mine"]);
    let ran = house.run(&words).await;
    assert_eq!((ran.code, &*ran.output, &*ran.errors), (0, "mine\n", ""));
    assert_eq!(build_of(&line.heard().await), 1);

    // A recording, with a message of many frames, and an address of its own for each.
    let file = house.stage.home.path().join("day.jsonl");
    let (properties, mut body) = build_is_done(2, "alice");
    body["info"]["extra"] = json!({"text": "x".repeat(3_000_000)});
    let (more, other) = build_is_done(3, "alice");
    let lines = [
        json!({"topic": BUILDS, "headers": properties, "body": body}),
        json!({"topic": "/topic/koji.b", "headers": more, "properties": {"content_type": "text/x-tea"}, "body": other}),
        json!({"topic": "/topic/koji.d", "headers": {"list": [1]}, "body": {}}),
    ];
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let ran = house.run(&["publish", "--instance", "lab", "--file", file]).await;
    assert_eq!((ran.code, ran.output.lines().count()), (2, 2), "{}", ran.errors);
    check(
        &ran.errors.replace(file, "FILE"),
        expect![[r#"
            koji-notify: FILE, line 3 was not sent
            koji-notify: AMQP 1.0 has no room for the header list
        "#]],
    );
    assert_eq!(build_of(&line.heard().await), 2);
    assert_eq!(build_of(&line.heard().await), 3);
    line.stop().await;
}

#[tokio::test]
async fn what_rabbitmq_refuses_is_told_in_its_words() {
    let house = House::new().await;
    let mut told = String::new();
    for (user, topic) in [
        (&house.vhost.publisher, "/exchange/nope/koji.x"),
        (&house.vhost.publisher, "topic://koji.x"),
        (&house.vhost.reader, BUILDS),
    ] {
        configure(&house, user, &["/topic/koji.#"]);
        let ran = house
            .run(&["publish", "--instance", "lab", "--topic", topic, "--body", "{}"])
            .await;
        assert_eq!((ran.code, &*ran.output), (5, ""), "{}", ran.errors);
        told += &house.shortened(&ran.errors).replace(&user.name, "USER");
    }
    configure(&house, &house.vhost.publisher, &["/topic/koji.#"]);
    let text = fs::read_to_string(house.config()).unwrap();
    let port = format!(":{}/", house.vhost.rabbit.tls_port);
    fs::write(house.config(), text.replace(&port, ":1/")).unwrap();
    let ran = house
        .run(&["publish", "--instance", "lab", "--topic", BUILDS, "--body", "{}"])
        .await;
    assert_eq!((ran.code, &*ran.output), (5, ""), "{}", ran.errors);
    told += &house.shortened(&ran.errors);
    check(
        &told,
        expect![[r#"
        koji-notify: localhost:PORT refuses the message (amqp:not-found: NOT_FOUND - no exchange 'nope' in vhost 'VHOST')
        koji-notify: localhost:PORT refuses the message (amqp:invalid-field: Attach rejected: {unknown_destination,"topic://koji.x"})
        koji-notify: localhost:PORT refuses the message (amqp:unauthorized-access: ACCESS_REFUSED - access to exchange 'amq.topic' in vhost 'VHOST' refused for user 'USER')
        koji-notify: lab: localhost:1 does not answer (cannot connect: Connection refused (os error 111))
    "#]],
    );
}

#[tokio::test]
async fn it_looks_as_the_plugin_has_it_and_what_becomes_of_it_is_told() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let house = House::new().await;
    fs::write(house.config(), instance_of_proton(proton.port, &["topic://koji.>"])).unwrap();
    let publish = async |topic: &str| {
        let words = ["publish", "--instance", "lab", "--topic", topic, "--body", "{\"a\": 1}"];
        let more = ["--header", "type=Tag", "--json-header", "id=7", "--message-id", "mine"];
        house.run(&[&words[..], &more].concat()).await
    };
    let topic = "topic://koji.build.tag";
    let ran = publish(topic).await;
    assert_eq!((ran.code, &*ran.output, &*ran.errors), (0, "mine\n", ""));
    let taken = proton.order(&json!({"taken": topic})).await;
    assert_eq!(
        taken["messages"],
        json!([{
            "properties": {"type": "Tag", "id": 7}, "body": "{\"a\": 1}", "id": "mine", "durable": true,
            "content_type": "None",
        }])
    );
    let mut told = String::new();
    for topic in [
        "queue://rejects",
        "queue://releases",
        "queue://modifies",
        "queue://refused",
        "queue://nowhere",
    ] {
        let ran = publish(topic).await;
        assert_eq!((ran.code, &*ran.output), (5, ""), "{}", ran.errors);
        told += &ran.errors.replace(&format!(":{}", proton.port), ":PORT");
    }
    check(
        &told,
        expect![[r#"
        koji-notify: localhost:PORT refuses the message (rejected: amqp:not-allowed: such a thing is not taken)
        koji-notify: localhost:PORT gives the message back: nobody takes it there (released)
        koji-notify: localhost:PORT gives the message back: nobody takes it there (modified)
        koji-notify: localhost:PORT refuses the message (amqp:unauthorized-access: queue://refused is not for you)
        koji-notify: localhost:PORT refuses the message (amqp:not-found: queue://nowhere is not for you)
    "#]],
    );
}

#[tokio::test]
async fn a_broker_that_says_nothing_is_not_waited_for_without_end() {
    let proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let broker = Broker {
        connection_timeout: Duration::from_secs(2),
        ..at(proton.port, &["topic://koji.>"])
    };
    let mut told = String::new();
    for (topic, size) in [("queue://miser", 10), ("queue://mute", 10), ("queue://small", 2000)] {
        let mut outbox = Outbox::open_one(&broker).await.unwrap();
        let message = Recorded {
            topic: topic.to_owned(),
            body: vec![b'x'; size],
            ..Recorded::default()
        };
        let error: PostError = outbox.send(&message).await.unwrap_err();
        told += &format!("{error}\n").replace(&format!(":{}", proton.port), ":PORT");
        outbox.close().await;
    }
    check(
        &told,
        expect![[r#"
        localhost:PORT has not asked for a message to queue://miser within 2 s
        localhost:PORT has not said within 2 s whether it takes the message
        the message has 2045 bytes, more than the 1000 that the broker takes there
    "#]],
    );
}

/// More than a broker lets come at once, by one line.
#[tokio::test]
async fn many_are_sent_as_the_broker_asks_for_them() {
    let proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let mut outbox = Outbox::open_one(&at(proton.port, &["topic://koji.>"])).await.unwrap();
    let mut line = Line::start(at(proton.port, &["queue://a", "queue://b"]));
    line.up().await;
    for build in 1..=30_u64 {
        let (properties, mut body) = build_is_done(build, "alice");
        if build % 10 == 0 {
            body["info"]["extra"] = json!({"text": "x".repeat(1_000_000)});
        }
        let message = Recorded {
            topic: if build % 3 == 0 { "queue://a" } else { "queue://b" }.to_owned(),
            headers: properties.as_object().unwrap().clone(),
            body: body.to_string().into_bytes(),
            ..Recorded::default()
        };
        outbox.send(&message).await.unwrap();
        let news = line.heard().await;
        assert_eq!(build_of(&news), build);
        line.accept(&news);
    }
    outbox.close().await;
    line.stop().await;
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
