//! Lines that are open and bring nothing: what is done when the loop doubts them, and without that.

use std::time::Duration;

use koji_notify::bus::broker::Argument;
use koji_notify::bus::patrol::Patrol;
use koji_notify::koji::InstanceName;
use koji_notify::watch::link::Problem;
use koji_notify::watch::{Event, Link};

use super::line::{GENEROUS, Line, Post, bound, by_certificate, in_clear, keys, of_alice, with_own_queue};
use super::relay::Relay;
use crate::rabbit::{Options, Rabbit};

const EVENTS: [&str; 2] = ["build.state.change", "task.state.change"];

#[tokio::test]
async fn a_broker_that_has_forgotten_its_reader_is_found_out() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_certificate(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    vhost.forget_reader(&name).await;
    let post = Post::open(&vhost).await;
    post.build(1, "alice").await;
    vhost.queues_when(|it| it[0].messages_ready == 1).await;

    line.doubted.send_modify(|it| *it += 1);
    let trouble = line.down().await;
    assert_eq!(trouble.problem, Problem::Interrupted, "{trouble:?}");
    assert_eq!(trouble.detail, "the broker has forgotten that we read the queue");
    assert_eq!(line.up().await, []);
    assert_eq!(line.heard().await.message.map(|it| it.len()), Some(36));
    line.stop().await;
}

#[tokio::test]
async fn what_somebody_has_unbound_is_bound_again_on_the_same_line() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_certificate(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    let before = vhost.connections_when(|it| it.len() == 1).await.remove(0).pid;
    vhost.unbind(&name, &keys(&["build.state.change"])[0]).await;
    bound(&vhost, &name, &["task.state.change"]).await;

    let began = jiff::Timestamp::now();
    line.doubted.send_modify(|it| *it += 1);
    // What was said meanwhile has not been heard, and nobody knows since when.
    let since = missed(&mut line).await;
    assert!(since <= began, "{since} {began}");
    bound(&vhost, &name, &EVENTS).await;
    let post = Post::open(&vhost).await;
    post.build(1, "alice").await;
    line.heard().await;
    let readers = vhost.connections_when(|it| it.iter().any(|it| it.pid == before)).await;
    assert!(readers.iter().any(|it| it.pid == before), "{readers:?}");
    line.stop().await;
}

#[tokio::test]
async fn a_line_that_is_doubted_again_is_opened_anew() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_certificate(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    let before = vhost.connections_when(|it| it.len() == 1).await.remove(0).pid;
    line.doubted.send_modify(|it| *it += 1);
    missed(&mut line).await;
    line.doubted.send_modify(|it| *it += 1);
    assert_eq!(line.next().await, changed(Link::Connecting));
    assert_eq!(line.next().await, changed(Link::Up));
    vhost.connections_when(|it| it.len() == 1 && it[0].pid != before).await;
    assert_eq!(vhost.consumed_queue().await.name, name);

    // A message after the look tells that it is not deaf; a new doubt is looked into as the first was.
    line.doubted.send_modify(|it| *it += 1);
    missed(&mut line).await;
    Post::open(&vhost).await.build(1, "alice").await;
    line.heard().await;
    line.doubted.send_modify(|it| *it += 1);
    missed(&mut line).await;
    line.stop().await;
}

#[tokio::test]
async fn a_dead_line_is_noticed_when_it_is_doubted_before_a_heartbeat_is_missed() {
    let vhost = Rabbit::shared().await.vhost().await;
    let relay = Relay::start(vhost.rabbit.port).await;
    let (mut broker, _) = with_own_queue(in_clear(&vhost));
    broker.address.port = relay.port;
    broker.connection_timeout = Duration::from_secs(2);
    let mut line = Line::start(broker);
    line.up().await;
    relay.swallow();
    line.doubted.send_modify(|it| *it += 1);
    let trouble = line.down().await;
    assert_eq!(trouble.problem, Problem::Interrupted, "{trouble:?}");
    assert_eq!(trouble.detail, "the line gives no answer within 2 s");
    line.stop().await;
}

#[tokio::test]
async fn a_dead_line_without_heartbeats_is_noticed_without_a_doubt() {
    // Both sides have to do without them: what we leave to the broker, it decides.
    let rabbit = Rabbit::start_with(Options {
        configuration: vec!["heartbeat = 0".to_owned()],
        ..Options::default()
    })
    .await;
    let vhost = rabbit.vhost().await;
    let relay = Relay::start(rabbit.port).await;
    let mut broker = in_clear(&vhost);
    broker.address.port = relay.port;
    broker.connection_timeout = Duration::from_secs(2);
    let patrol = Patrol {
        without_message: GENEROUS * 100,
        without_anything: Duration::from_millis(300),
    };
    let mut line = Line::start_with(broker, of_alice(), 64, patrol);
    line.up().await;
    // The broker is asked, as long as there is one.
    relay.said(1).await;
    relay.swallow();
    let trouble = line.down().await;
    assert_eq!(trouble.detail, "the line gives no answer within 2 s");
    line.up().await;
    line.stop().await;
}

#[tokio::test]
async fn bytes_that_drip_are_signs_of_life_and_no_messages() {
    let rabbit = Rabbit::start_with(Options {
        configuration: vec!["heartbeat = 1".to_owned()],
        ..Options::default()
    })
    .await;
    let vhost = rabbit.vhost().await;
    let relay = Relay::start(rabbit.port).await;
    let (mut broker, name) = with_own_queue(in_clear(&vhost));
    broker.address.port = relay.port;
    broker.connection_timeout = Duration::from_secs(4);
    let mut line = Line::start(broker);
    line.up().await;
    assert_eq!(line.signs.message.last(), None);
    relay.let_drip();
    let post = Post::open(&vhost).await;
    post.build(1, "alice").await;
    // A message of a thousand bytes is minutes away, and no heartbeat is missed.
    relay.said(16).await;
    assert_eq!(line.signs.message.last(), None);
    line.doubted.send_modify(|it| *it += 1);
    let trouble = line.down().await;
    assert_eq!(trouble.detail, "the line gives no answer within 4 s");
    line.up().await;
    let news = line.heard().await;
    assert!(line.signs.message.last().is_some());
    assert_eq!(vhost.consumed_queue().await.name, name);
    line.acknowledge.send(news.delivery.unwrap()).unwrap();
    vhost.drained().await;
    line.stop().await;
}

#[tokio::test]
async fn a_queue_that_has_gone_while_we_were_away_is_told_and_one_that_stayed_is_not() {
    let vhost = Rabbit::shared().await.vhost().await;
    let relay = Relay::start(vhost.rabbit.port).await;
    let (mut broker, name) = with_own_queue(in_clear(&vhost));
    broker.address.port = relay.port;
    let mut line = Line::start(broker);
    line.up().await;
    let post = Post::open(&vhost).await;

    // It is there, and holds what was said.
    line.woken.send_modify(|it| *it += 1);
    assert_eq!(line.up().await, []);
    post.build(1, "alice").await;
    line.heard().await;

    // The queue goes, and the line with it; what was said in between was said to nobody.
    let heard = line.signs.message.last().unwrap();
    post.delete_queue(&name).await;
    line.down().await;
    line.up().await;
    let since = missed(&mut line).await;
    assert!(since >= heard && since <= jiff::Timestamp::now(), "{since} {heard}");
    line.stop().await;
}

#[tokio::test]
async fn a_queue_that_has_overflowed_while_we_were_away_is_told() {
    const ROOM: usize = 5;
    let vhost = Rabbit::shared().await.vhost().await;
    let (mut broker, _) = with_own_queue(in_clear(&vhost));
    broker.prefetch = 1;
    broker.queue.arguments = [("x-max-length".to_owned(), Argument::Number(ROOM as i64))].into();
    let begun = jiff::Timestamp::now();
    let mut line = Line::start(broker);
    line.up().await;
    let post = Post::open(&vhost).await;
    for build in 1..20 {
        post.build(build, "alice").await;
    }
    // One is with us and not acknowledged, and of the others the oldest were thrown away.
    line.heard().await;
    vhost.queues_when(|it| it[0].messages_ready as usize == ROOM).await;

    line.woken.send_modify(|it| *it += 1);
    assert_eq!(line.up().await, []);
    let since = missed(&mut line).await;
    assert!(since >= begun && since <= jiff::Timestamp::now(), "{since} {begun}");
    line.stop().await;
}

#[tokio::test]
async fn a_queue_of_the_brokers_naming_holds_nothing_for_us() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut line = Line::start(in_clear(&vhost));
    // Nobody has heard before, so nothing was missed.
    line.up().await;
    line.woken.send_modify(|it| *it += 1);
    line.up().await;
    missed(&mut line).await;
    line.stop().await;
}

async fn missed(line: &mut Line) -> jiff::Timestamp {
    match line.next().await {
        Event::Missed(_, since) => since,
        other => panic!("{other:?} instead of what was missed"),
    }
}

fn changed(link: Link) -> Event {
    Event::LinkChanged(InstanceName::new("fedora"), link)
}
