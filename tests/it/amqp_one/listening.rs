//! `koji-notify tail` where the broker speaks AMQP 1.0: what it prints, and that it takes nothing from anybody.

use std::fs;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::line::{Line, at, build_is_done, build_of};
use super::proton::Proton;
use super::{configure, instance_of_proton};
use crate::rabbit;
use crate::tail::{House, Running};

const QUEUE: &str = "queue://Consumer.me.koji.VirtualTopic.eng.brew.>";

#[tokio::test]
async fn what_comes_is_told_in_words_whole_and_as_it_is() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS", "lends": true})).await;
    let house = House::new().await;
    let text = instance_of_proton(proton.port, &[QUEUE]);
    let prefix = "topic-prefix = \"topic://VirtualTopic.eng.brew\"\nhub.ask";
    fs::write(house.config(), text.replace("hub.ask", prefix)).unwrap();
    for (properties, body) in messages() {
        proton.send_with(QUEUE, &properties, &body).await;
    }
    let tail = async |words: &[&str]| {
        let mut tail = Running::start(house.command(&["tail"]).args(words));
        let lines = tail.all().await;
        assert_eq!(tail.end().await, (0, String::new()));
        lines
    };
    let words = async |words: &[&str]| {
        let lines = tail(words).await;
        lines.iter().map(|it| format!("{}\n", &it[10..])).collect::<String>()
    };
    check(
        &words(&["--count", "5"]).await,
        expect![[r#"
        bash-5.3-1.fc44 is built (by alice, task 1000001)
        bash-5.3-2.fc44 is built (by bob, task 1000002)
        bash-5.3-1.fc44 was tagged into f44 (by carol, owner alice)
        Something else: Newfangled
        Something else: queue://Consumer.me.koji.VirtualTopic.eng.brew.>
    "#]],
    );
    check(
        &words(&["--topic", "VirtualTopic.eng.brew.build.*", "--count", "3"]).await,
        expect![[r#"
            bash-5.3-1.fc44 is built (by alice, task 1000001)
            bash-5.3-2.fc44 is built (by bob, task 1000002)
            bash-5.3-1.fc44 was tagged into f44 (by carol, owner alice)
        "#]],
    );
    check(
        &words(&["--user", "bob", "--count", "1"]).await,
        expect![[r#"
        bash-5.3-2.fc44 is built (by bob, task 1000002)
    "#]],
    );
    let raw = tail(&["--raw", "--count", "5"]).await;
    let raw: String = raw.iter().map(|it| format!("{}\n", cut(it))).collect();
    check(
        &raw,
        expect![[r#"
        topic://VirtualTopic.eng.brew.build.complete {"attribute":"state","name":"bash","new":"COMPLETE","old":"BUILDING","release":"1.fc44","type":"BuildStat…
        topic://VirtualTopic.eng.brew.build.complete {"attribute":"state","name":"bash","new":"COMPLETE","old":"BUILDING","release":"2.fc44","type":"BuildStat…
        topic://VirtualTopic.eng.brew.build.tag {"name":"bash","release":"1.fc44","tag":"f44","type":"Tag","user":"carol","version":"5.3"} {"build":{"build_id…
        queue://Consumer.me.koji.VirtualTopic.eng.brew.> {"count":7,"none":null,"type":"Newfangled"} {}
        queue://Consumer.me.koji.VirtualTopic.eng.brew.> {} not of Koji
    "#]],
    );
    let recording = tail(&["--json", "--count", "5"]).await;
    check(
        &described(&recording),
        expect![[r#"
        {"body":"attribute btypes info new old","headers":{"attribute":"state","name":"bash","new":"COMPLETE","old":"BUILDING","release":"1.fc44","type":"BuildStateChange","version":"5.3"},"instance":"lab","properties":{},"topic":"topic://VirtualTopic.eng.brew.build.complete"}
        {"body":"attribute btypes info new old","headers":{"attribute":"state","name":"bash","new":"COMPLETE","old":"BUILDING","release":"2.fc44","type":"BuildStateChange","version":"5.3"},"instance":"lab","properties":{},"topic":"topic://VirtualTopic.eng.brew.build.complete"}
        {"body":"build force tag user","headers":{"name":"bash","release":"1.fc44","tag":"f44","type":"Tag","user":"carol","version":"5.3"},"instance":"lab","properties":{},"topic":"topic://VirtualTopic.eng.brew.build.tag"}
        {"body":"","headers":{"count":7,"none":null,"type":"Newfangled"},"instance":"lab","properties":{},"topic":"queue://Consumer.me.koji.VirtualTopic.eng.brew.>"}
        {"body_text":"not of Koji","headers":{},"instance":"lab","properties":{},"topic":"queue://Consumer.me.koji.VirtualTopic.eng.brew.>"}
    "#]],
    );

    // What was printed is a recording, and can be sent again.
    let file = house.stage.home.path().join("day.jsonl");
    fs::write(&file, recording.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let replayed = house.run(&["replay", "--print", "--user", "bob", file]).await;
    assert_eq!((replayed.code, &*replayed.errors), (0, ""));
    assert!(
        replayed.output.contains("bash-5.3-2.fc44 is built"),
        "{}",
        replayed.output
    );
    let sent = house.run(&["publish", "--instance", "lab", "--file", file]).await;
    assert_eq!((sent.code, &*sent.errors), (0, ""));
    let topic = "topic://VirtualTopic.eng.brew.build.complete";
    let taken = proton.order(&json!({"taken": topic})).await;
    let taken = taken["messages"].as_array().unwrap();
    let (properties, body) = &messages()[0];
    assert_eq!((taken.len(), &taken[0]["properties"]), (2, properties));
    assert_eq!(
        serde_json::from_str::<Value>(taken[0]["body"].as_str().unwrap()).unwrap(),
        serde_json::from_str::<Value>(body).unwrap()
    );
}

#[tokio::test]
async fn an_exchange_has_no_addresses() {
    let house = House::new().await;
    let ran = house.run(&["tail", "--instance", "lab", "--address", "a"]).await;
    let told = "koji-notify: lab does not speak AMQP 1.0: it has topics, and no addresses\n";
    assert_eq!((ran.code, &*ran.errors), (2, told));
}

/// It would repeat that it lends copies, and takes them away; and of a topic it keeps a queue for ever.
#[tokio::test]
async fn rabbitmq_is_left_alone() {
    let house = House::new().await;
    let queue = format!("/queue/{}", uuid::Uuid::new_v4());
    let mut proton = rabbit::Proton::start(&house.vhost).await;
    let (properties, body) = build_is_done(1, "alice");
    proton.send(&queue, &properties, &body).await;
    for address in [&*queue, "/topic/koji.#"] {
        configure(&house, &house.vhost.publisher, &[address]);
        let ran = house.run(&["tail"]).await;
        assert_eq!((ran.code, &*ran.output), (5, ""));
        check(
            &house.shortened(&ran.errors),
            expect![[r#"
            koji-notify: lab: localhost:PORT is a RabbitMQ, which leaves a queue behind for whoever listens in by AMQP 1.0
                Listen by AMQP 0-9-1, which it speaks as well: dialect = "koji-protonmsg"
        "#]],
        );
    }
    let queues = house.vhost.queues().await;
    assert!(matches!(&*queues, [it] if it.messages_ready == 1), "{queues:?}");
}

#[tokio::test]
async fn of_a_queue_that_is_lent_copies_are_heard() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS", "lends": true})).await;
    let house = House::new().await;
    fs::write(house.config(), instance_of_proton(proton.port, &[QUEUE])).unwrap();
    for build in 1..=40 {
        proton.send(QUEUE, build, "alice").await;
    }
    let mut tail = Running::start(&mut house.command(&["tail", "--count", "42"]));
    for build in 1..=40 {
        assert!(tail.next().await.contains(&format!("bash-5.3-{build}.fc44 is built")));
    }
    // Whoever reads the queue gets all of it all the same.
    let mut line = Line::start(at(proton.port, &[QUEUE]));
    line.up().await;
    for build in 41..=42 {
        proton.send(QUEUE, build, "alice").await;
    }
    for build in 1..=42 {
        let news = line.heard().await;
        assert_eq!(build_of(&news), build);
        line.accept(&news);
    }
    assert_eq!(tail.all().await.len(), 2);
    assert_eq!(tail.end().await, (0, String::new()));
    line.stop().await;
}

#[tokio::test]
async fn a_broker_that_lends_nothing_keeps_what_it_has() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let house = House::new().await;
    fs::write(house.config(), instance_of_proton(proton.port, &[QUEUE])).unwrap();
    proton.send(QUEUE, 1, "alice").await;
    let ran = house.run(&["tail"]).await;
    assert_eq!((ran.code, &*ran.output), (5, ""));
    check(
        &ran.errors.replace(&format!(":{}", proton.port), ":PORT"),
        expect![[r#"
            koji-notify: lab: what is read from queue://Consumer.me.koji.VirtualTopic.eng.brew.> is taken from whoever else reads it, and localhost:PORT lends no copies
                Listen to a topic that has the same messages, by --address
        "#]],
    );
    let state = proton.state().await;
    assert_eq!((state.addresses[QUEUE].waiting, state.accepted), (1, 0));

    // As it says there.
    let topic = "topic://VirtualTopic.eng.brew.>";
    proton.send(topic, 2, "alice").await;
    let words = ["tail", "--instance", "lab", "--address", topic, "--count", "1"];
    let mut tail = Running::start(&mut house.command(&words));
    assert!(
        tail.next()
            .await
            .ends_with("  bash-5.3-2.fc44 is built (by alice, task 1000002)")
    );
    assert_eq!(tail.end().await, (0, String::new()));
    let ran = house.run(&["tail", "--address", topic]).await;
    assert_eq!(ran.code, 2, "{}", ran.errors);
}

#[tokio::test]
async fn a_line_that_breaks_comes_back_and_that_is_said_once() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let house = House::new().await;
    let topic = "topic://VirtualTopic.eng.brew.>";
    fs::write(house.config(), instance_of_proton(proton.port, &[topic])).unwrap();
    let mut tail = Running::start(&mut house.command(&["tail", "--count", "2"]));
    proton.send(topic, 1, "alice").await;
    tail.next().await;
    proton.order(&json!({"detach": "amqp:link:detach-forced"})).await;
    proton.send(topic, 2, "alice").await;
    assert_eq!(tail.all().await.len(), 1);
    let (code, errors) = tail.end().await;
    assert_eq!(code, 0);
    check(
        &errors.replace(&format!(":{}", proton.port), ":PORT"),
        expect![[r#"
        koji-notify: lab: The connection to localhost:PORT was interrupted (the broker has ended the line: amqp:link:detach-forced: so it was ordered)
            Nothing needs to be done: koji-notify keeps trying
        koji-notify: lab: localhost:PORT is heard again; what it sent meanwhile was missed
    "#]],
    );
}

/// What Koji's plugin sends, and something else.
fn messages() -> Vec<(Value, String)> {
    let mut messages = Vec::new();
    for (build, owner) in [(1, "alice"), (2, "bob")] {
        let (properties, body) = build_is_done(build, owner);
        messages.push((properties, body.to_string()));
    }
    let body = json!({
        "tag": {"id": 1, "name": "f44"}, "build": build_is_done(1, "alice").1["info"],
        "user": {"id": 3, "name": "carol"}, "force": null,
    });
    let properties = json!({
        "type": "Tag", "tag": "f44", "name": "bash", "version": "5.3", "release": "1.fc44", "user": "carol",
    });
    messages.push((properties, body.to_string()));
    messages.push((json!({"type": "Newfangled", "count": 7, "none": null}), "{}".to_owned()));
    messages.push((json!({}), "not of Koji".to_owned()));
    messages
}

fn cut(line: &str) -> String {
    let end = line.char_indices().map(|(place, _)| place).nth(150);
    end.map_or_else(|| line.to_owned(), |it| format!("{}…", &line[..it]))
}

/// Returns recorded messages without what differs each time.
fn described(lines: &[String]) -> String {
    let mut described = String::new();
    for line in lines {
        let mut message: Value = serde_json::from_str(line).unwrap();
        let it = message.as_object_mut().unwrap();
        assert!(it.remove("at").is_some());
        if let Some(body) = it.get_mut("body") {
            *body = body
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
                .into();
        }
        described += &format!("{message}\n");
    }
    described
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
