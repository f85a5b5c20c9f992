//! RabbitMQ with its plugin for AMQP 1.0, and messages that the real Proton library has sent.

use std::collections::BTreeSet;

use koji_notify::bus::one::{Broker, probe};
use koji_notify::watch::link::Problem;
use koji_notify::watch::{Event, Link};
use serde_json::json;

use super::line::{Line, at, build_is_done, build_of, door, external, of_alice, plain, trouble};
use crate::broker::relay::Relay;
use crate::rabbit::{Client, Proton, QueueState, Rabbit, User, Vhost};

/// All that the plugin publishes, by RabbitMQ's name for it.
const TOPIC: &str = "/topic/koji.#";

/// A way to log in, for an address.
type Way = fn(&Vhost<'_>, &str) -> Broker;

#[tokio::test]
async fn a_build_is_heard_by_password_and_by_certificate() {
    let by_certificate = |vhost: &Vhost<'_>, address: &str| {
        let mut broker = by_tls(vhost, address);
        broker.login = Some(external(&vhost.rabbit.certs.client(Client::Fedora)));
        broker
    };
    let ways: [Way; 3] = [in_clear, by_tls, by_certificate];
    for way in ways {
        let vhost = Rabbit::shared().await.vhost().await;
        let mut proton = Proton::start(&vhost).await;
        let broker = way(&vhost, "/exchange/amq.topic/koji.#");
        let mut line = Line::start(broker.clone());
        assert_eq!(line.up().await, []);
        send(&mut proton, "koji.build.complete", 1, "bob").await;
        send(&mut proton, "koji.build.complete", 2, "alice").await;
        let news = line.heard().await;
        assert_eq!(build_of(&news), 2);
        assert!(news.message.as_ref().unwrap().starts_with("content-"));
        assert!(line.signs.message.last().is_some());
        line.accept(&news);
        vhost.drained().await;
        line.stop().await;
        probe(&broker, &of_alice()).await.unwrap();
    }
}

#[tokio::test]
async fn no_more_come_than_were_asked_for_and_what_was_not_accepted_comes_again() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (name, address) = queue();
    let mut broker = in_clear(&vhost, &address);
    broker.prefetch = 8;
    let mut line = Line::start(broker);
    line.up().await;
    let mut proton = Proton::start(&vhost).await;
    for build in 1..=30 {
        send_to(&mut proton, &address, build, "alice").await;
    }
    let mut held = Vec::new();
    for build in 1..=8 {
        let news = line.heard().await;
        assert_eq!(build_of(&news), build);
        held.push(news);
    }
    let as_asked = |it: &[QueueState]| matches!(it, [it] if (it.messages_ready, it.messages_unacknowledged) == (22, 8));
    vhost.queues_when(as_asked).await;

    // Some in the middle: each makes room by itself.
    for place in [2, 3, 5] {
        line.accept(&held[place]);
    }
    for build in 9..=11 {
        let news = line.heard().await;
        assert_eq!(build_of(&news), build);
        held.push(news);
    }

    // A new line: what was not accepted comes again, and is known by the same name.
    line.woken.send_modify(|it| *it += 1);
    line.up().await;
    let mut again = BTreeSet::new();
    let accepted = [3, 4, 6];
    let expected: BTreeSet<u64> = (1..=30).filter(|it| !accepted.contains(it)).collect();
    while again.len() < expected.len() {
        let news = line.heard().await;
        let build = build_of(&news);
        if let Some(before) = held.iter().find(|it| build_of(it) == build) {
            assert_eq!(before.message, news.message);
            assert!(before.is_first && !news.is_first);
            assert_ne!(before.delivery, news.delivery);
            // One of a line that is gone does nothing.
            line.accept(before);
        }
        assert!(again.insert(build), "{build} twice");
        line.accept(&news);
    }
    assert_eq!(again, expected);
    vhost.drained().await;
    assert_eq!(vhost.queues().await[0].name, name);
    line.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_stopped_and_started_is_found_again() {
    let rabbit = Rabbit::start().await;
    let vhost = rabbit.vhost().await;
    let mut line = Line::start(by_tls(&vhost, TOPIC));
    line.up().await;
    rabbit.stop().await;
    let trouble = line.down().await;
    assert_eq!(trouble.problem, Problem::Interrupted, "{trouble:?}");
    assert!(trouble.retry.is_some());
    let still = line.down().await;
    assert!(still.problem.is_passing(), "{still:?}");
    rabbit.restart().await;
    let on_the_way = line.up().await;
    assert!(on_the_way.iter().all(|it| it.problem.is_passing()), "{on_the_way:?}");
    // Nothing was kept for us meanwhile.
    line.missed().await;
    let mut proton = Proton::start(&vhost).await;
    send(&mut proton, "koji.build.complete", 7, "alice").await;
    assert_eq!(build_of(&line.heard().await), 7);
    line.stop().await;
}

#[tokio::test]
async fn a_message_of_three_megabytes_comes_in_many_frames() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut line = Line::start(by_tls(&vhost, TOPIC));
    line.up().await;
    let mut proton = Proton::start(&vhost).await;
    let address = proton.address("koji.build.complete");
    let (properties, mut body) = build_is_done(5, "alice");
    body["info"]["extra"] = json!({"text": "x".repeat(3_000_000)});
    proton.send(&address, &properties, &body).await;
    let news = line.heard().await;
    assert_eq!(build_of(&news), 5);
    line.accept(&news);

    // One that is larger than anybody looks into is counted, and does not stop what follows.
    body["info"]["extra"] = json!({"text": "x".repeat(5_000_000)});
    proton.send(&address, &properties, &body).await;
    send(&mut proton, "koji.build.complete", 6, "alice").await;
    assert!(matches!(line.next().await, Event::Spoiled(_)));
    let news = line.heard().await;
    assert_eq!(build_of(&news), 6);
    line.accept(&news);
    vhost.drained().await;
    line.stop().await;
}

#[tokio::test]
async fn what_is_refused_says_what_a_person_can_do() {
    let vhost = Rabbit::shared().await.vhost().await;
    let check = async |change: &dyn Fn(&mut Broker), expected| {
        let mut broker = by_tls(&vhost, TOPIC);
        change(&mut broker);
        let probed = probe(&broker, &of_alice()).await.unwrap_err();
        let trouble = trouble(broker).await;
        assert_eq!(trouble.problem, expected, "{trouble:?}");
        assert_eq!((trouble.problem, &trouble.host), (probed.problem, &probed.host));
        println!("{expected:?}: {}", trouble.detail);
    };
    let stranger = |password: &str| {
        Some(plain(&User {
            name: "stranger".to_owned(),
            password: password.to_owned(),
        }))
    };
    check(&|it| it.login = stranger("wrong"), Problem::LoginRefused).await;
    check(&|it| it.login = stranger("stranger"), Problem::NoVirtualHost).await;
    check(&|it| it.doors[0].vhost = "/nowhere".to_owned(), Problem::NoVirtualHost).await;
    check(
        &|it| it.addresses = vec!["topic://koji.>".to_owned()],
        Problem::QueueMismatch,
    )
    .await;
    check(
        &|it| it.addresses = vec!["/exchange/nope/koji.#".to_owned()],
        Problem::QueueMismatch,
    )
    .await;
    check(
        &|it| it.addresses.push("/queue/somebody-elses".to_owned()),
        Problem::NotPermitted,
    )
    .await;
    let nobody = vhost.rabbit.certs.client(Client::Nobody);
    check(&|it| it.login = Some(external(&nobody)), Problem::LoginRefused).await;
    let other = vhost.rabbit.certs.client(Client::OtherCa);
    check(&|it| it.login = Some(external(&other)), Problem::CertificateRefused).await;
    check(
        &|it| it.trust = koji_notify::bus::broker::Trust::Only(vhost.rabbit.certs.other_ca()),
        Problem::UntrustedBroker,
    )
    .await;
    check(&|it| it.doors[0].tls = false, Problem::NotABroker).await;
    check(&|it| it.doors[0].port = vhost.rabbit.port, Problem::NotABroker).await;
}

#[tokio::test]
async fn the_next_place_is_tried_at_once() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut broker = by_tls(&vhost, TOPIC);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = door(true, gone.local_addr().unwrap().port(), "/");
    drop(gone);
    broker.doors.insert(0, dead.clone());
    broker.doors.insert(1, dead.clone());
    probe(&broker, &of_alice()).await.unwrap();
    let mut line = Line::start(broker.clone());
    assert_eq!(line.next().await, changed(Link::Connecting));
    // Without a word of trouble: there is none.
    assert_eq!(line.next().await, changed(Link::Up));
    line.stop().await;

    broker.doors.truncate(2);
    let trouble = trouble(broker).await;
    assert_eq!(trouble.problem, Problem::Unreachable);
    assert_eq!(trouble.host, dead.to_string());
}

#[tokio::test]
async fn a_broker_that_does_not_know_selectors_is_heard_all_the_same() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut broker = by_tls(&vhost, TOPIC);
    broker.selector = true;
    let mut line = Line::start(broker);
    line.up().await;
    let mut proton = Proton::start(&vhost).await;
    let address = proton.address("koji.import.build");
    proton
        .send(&address, &json!({"type": "Import"}), &json!("no body of an import"))
        .await;
    send(&mut proton, "koji.build.complete", 2, "alice").await;
    // The import was set aside unread: nothing was spoiled.
    let news = line.heard().await;
    assert_eq!(build_of(&news), 2);
    line.accept(&news);
    vhost.drained().await;
    // It repeats any selector and keeps nothing back, which was noticed: a new wish needs no new line.
    line.interest.send_modify(|it| it.tags = true);
    send(&mut proton, "koji.build.complete", 3, "alice").await;
    assert_eq!(build_of(&line.heard().await), 3);
    line.stop().await;
}

#[tokio::test]
async fn a_doubt_is_looked_into_and_a_second_one_opens_a_new_line() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut line = Line::start(by_tls(&vhost, TOPIC));
    line.up().await;
    // Each line has a queue of its own.
    let before = read(&vhost).await;
    line.doubted.send_modify(|it| *it += 1);
    line.missed().await;
    assert_eq!(read(&vhost).await, before);
    line.doubted.send_modify(|it| *it += 1);
    assert_eq!(line.next().await, changed(Link::Connecting));
    assert_eq!(line.next().await, changed(Link::Up));
    line.missed().await;
    assert_ne!(read(&vhost).await, before);

    // A message after the look tells that it is not deaf.
    let mut proton = Proton::start(&vhost).await;
    for build in 1..=3 {
        line.doubted.send_modify(|it| *it += 1);
        line.missed().await;
        send(&mut proton, "koji.build.complete", build, "alice").await;
        line.heard().await;
    }
    line.stop().await;
}

#[tokio::test]
async fn a_dead_line_is_noticed_when_it_is_doubted_and_without_that() {
    let vhost = Rabbit::shared().await.vhost().await;
    let relay = Relay::start(vhost.rabbit.port).await;
    let mut broker = in_clear(&vhost, TOPIC);
    broker.doors[0].port = relay.port;
    broker.connection_timeout = std::time::Duration::from_secs(3);
    broker.heartbeat = Some(2);
    let mut line = Line::start(broker);
    line.up().await;
    relay.swallow();
    line.doubted.send_modify(|it| *it += 1);
    let trouble = line.down().await;
    assert_eq!(trouble.detail, "the line gives no answer within 3 s");
    assert_eq!(trouble.problem, Problem::Interrupted);
    line.up().await;
    relay.swallow();
    let trouble = line.down().await;
    assert_eq!(trouble.detail, "nothing was heard for 4 s, not even a sign of life");
    assert_eq!(trouble.problem, Problem::Interrupted);
    line.stop().await;
}

#[tokio::test]
async fn a_queue_keeps_what_a_topic_does_not() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut proton = Proton::start(&vhost).await;
    let (_, address) = queue();
    let mut line = Line::start(in_clear(&vhost, &address));
    line.up().await;
    line.woken.send_modify(|it| *it += 1);
    line.up().await;
    send_to(&mut proton, &address, 1, "alice").await;
    // Nothing was missed, and so this comes next.
    assert!(matches!(line.next().await, Event::Heard(_)));
    line.stop().await;
}

#[tokio::test]
async fn several_addresses_are_read_by_one_line() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut broker = in_clear(&vhost, "/exchange/amq.topic/koji.build.*");
    broker.addresses.push("/topic/brew.task.#".to_owned());
    broker.prefetch = 2;
    let mut line = Line::start(broker);
    line.up().await;
    let mut proton = Proton::start(&vhost).await;
    for build in 1..=12 {
        let key = if build % 3 == 0 {
            "brew.task.x"
        } else {
            "koji.build.complete"
        };
        send(&mut proton, key, build, "alice").await;
        let news = line.heard().await;
        assert_eq!(build_of(&news), build);
        line.accept(&news);
    }
    vhost.drained().await;
    line.stop().await;
}

async fn send(proton: &mut Proton, key: &str, build: u64, owner: &str) {
    let address = proton.address(key);
    send_to(proton, &address, build, owner).await;
}

async fn send_to(proton: &mut Proton, address: &str, build: u64, owner: &str) {
    let (properties, body) = build_is_done(build, owner);
    proton.send(address, &properties, &body).await;
}

/// The one queue that is read. RabbitMQ 3 may leave those of lines that are gone.
async fn read(vhost: &Vhost<'_>) -> String {
    let is_read = |it: &&QueueState| it.consumers == 1;
    let queues = vhost.queues_when(|it| it.iter().filter(is_read).count() == 1).await;
    queues.into_iter().find(|it| it.consumers == 1).unwrap().name
}

/// A queue that this test alone knows, and its address.
fn queue() -> (String, String) {
    let name = uuid::Uuid::new_v4().to_string();
    let address = format!("/queue/{name}");
    (name, address)
}

fn in_clear(vhost: &Vhost<'_>, address: &str) -> Broker {
    let mut broker = at(vhost.rabbit.port, &[address]);
    broker.doors[0].vhost = vhost.name.clone();
    broker.login = Some(plain(&vhost.reader));
    broker.topic_prefix = String::new();
    broker
}

fn by_tls(vhost: &Vhost<'_>, address: &str) -> Broker {
    let mut broker = in_clear(vhost, address);
    broker.doors = vec![door(true, vhost.rabbit.tls_port, &vhost.name)];
    broker.trust = koji_notify::bus::broker::Trust::Only(vhost.rabbit.certs.ca());
    broker
}

fn changed(link: Link) -> Event {
    Event::LinkChanged(koji_notify::koji::InstanceName::new("brew"), link)
}
