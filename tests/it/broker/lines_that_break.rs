//! How a line ends, and how it comes back.

use std::time::Duration;

use koji_notify::watch::link::Problem;
use koji_notify::watch::{Event, Link, Trouble};
use tokio::time::timeout;

use super::line::{GENEROUS, Line, Post, by_certificate, by_password, in_clear, of_alice, plain, with_own_queue};
use super::relay::Relay;
use crate::rabbit::{Options, Rabbit, User};

#[tokio::test]
async fn a_broker_that_is_stopped_and_started_is_found_again() {
    let rabbit = Rabbit::start().await;
    let vhost = rabbit.vhost().await;
    let (broker, name) = with_own_queue(by_certificate(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    for sudden in [false, true] {
        if sudden {
            rabbit.kill().await;
        } else {
            rabbit.stop().await;
        }
        let trouble = line.down().await;
        assert_eq!(trouble.problem, Problem::Interrupted, "{trouble:?}");
        assert!(trouble.retry.is_some());
        let still = line.down().await;
        assert!(still.problem.is_passing(), "{still:?}");
        rabbit.restart().await;
        let on_the_way = line.up().await;
        assert!(on_the_way.iter().all(|it| it.problem.is_passing()), "{on_the_way:?}");
        let queue = vhost.consumed_queue().await;
        assert_eq!(queue.name, name);
        assert_eq!(vhost.routing_keys(&name).await.len(), 2);
    }
    line.stop().await;
}

#[tokio::test]
async fn a_connection_closed_by_the_administrator_comes_back() {
    let vhost = Rabbit::shared().await.vhost().await;
    // A queue that the broker names is another one after that.
    for broker in [by_certificate(&vhost), with_own_queue(by_certificate(&vhost)).0] {
        let mut line = Line::start(broker);
        line.up().await;
        let before = vhost.connections_when(|it| it.len() == 1).await.remove(0).pid;
        vhost.close_connections("spring cleaning").await;
        let trouble = line.down().await;
        assert_eq!(trouble.problem, Problem::Interrupted);
        assert!(trouble.detail.contains("spring cleaning"), "{}", trouble.detail);
        assert!(soon(&trouble), "{trouble:?}");
        line.up().await;
        vhost.connections_when(|it| it.len() == 1 && it[0].pid != before).await;
        assert_eq!(vhost.routing_keys(&vhost.consumed_queue().await.name).await.len(), 2);
        line.stop().await;
        vhost.connections_when(<[_]>::is_empty).await;
    }
}

#[tokio::test]
async fn a_queue_that_is_deleted_is_declared_anew_at_once() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_certificate(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    vhost.delete_queue(&name).await;
    let trouble = line.down().await;
    assert_eq!(wait(&trouble), Duration::ZERO, "{trouble:?}");
    assert_eq!(trouble.problem, Problem::Interrupted);
    assert_eq!(trouble.detail, "the queue was deleted");
    assert_eq!(line.up().await, []);
    assert_eq!(vhost.consumed_queue().await.name, name);
    assert_eq!(vhost.routing_keys(&name).await.len(), 2);

    // Somebody who does it again and again is not raced.
    Post::open(&vhost).await.delete_queue(&name).await;
    let again = line.down().await;
    assert!(wait(&again) > Duration::ZERO, "{again:?}");
    line.up().await;
    line.stop().await;
}

#[tokio::test]
async fn a_line_without_heartbeats_is_given_up_and_its_ghost_is_not_taken_for_another_reader() {
    let rabbit = Rabbit::start_with(Options {
        configuration: vec!["heartbeat = 1".to_owned()],
        ..Options::default()
    })
    .await;
    let vhost = rabbit.vhost().await;
    let relay = Relay::start(rabbit.port).await;
    let (mut broker, name) = with_own_queue(in_clear(&vhost));
    broker.address.port = relay.port;
    let mut line = Line::start(broker);
    line.up().await;
    relay.swallow();
    let trouble = line.down().await;
    assert_eq!(trouble.problem, Problem::Interrupted, "{trouble:?}");
    assert!(trouble.detail.contains("no heartbeat"), "{}", trouble.detail);
    let on_the_way = line.up().await;
    // The broker still has the dead line on the queue, and notices by its own heartbeats.
    assert!(
        on_the_way
            .iter()
            .all(|it| it.problem == Problem::Interrupted && soon(it)),
        "{on_the_way:?}"
    );
    assert_eq!(vhost.consumed_queue().await.name, name);
    line.stop().await;
}

#[tokio::test]
async fn a_dead_line_of_the_program_before_is_not_taken_for_another_reader() {
    let vhost = Rabbit::shared().await.vhost().await;
    let relay = Relay::start(vhost.rabbit.port).await;
    let (mut broker, name) = with_own_queue(in_clear(&vhost));
    broker.address.port = relay.port;
    broker.heartbeat = Some(4);
    let mut before = Line::start(broker.clone());
    before.up().await;
    // What it says at its end does not get through, as when it is killed while the network is away.
    relay.swallow();
    before.stop().await;
    assert_eq!(vhost.consumed_queue().await.name, name);

    let mut line = Line::start(broker);
    assert_eq!(line.next().await, changed(Link::Connecting));
    let mut is_held = false;
    loop {
        match line.next().await {
            Event::LinkChanged(_, Link::Up) => break,
            Event::LinkChanged(_, Link::Down(trouble)) => {
                assert_eq!(trouble.problem, Problem::Interrupted, "{trouble:?}");
                assert!(trouble.detail.contains("our old line"), "{trouble:?}");
                assert!(wait(&trouble) <= Duration::from_secs(15), "{trouble:?}");
                is_held = true;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(is_held, "the broker has not noticed at once");
    assert_eq!(vhost.consumed_queue().await.name, name);
    line.stop().await;
}

#[tokio::test]
async fn a_computer_that_was_asleep_connects_anew_at_once() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_password(&vhost));
    let mut line = Line::start(broker.clone());
    line.up().await;
    let before = vhost.connections_when(|it| it.len() == 1).await.remove(0).pid;
    line.woken.send_replace(1);
    assert_eq!(line.next().await, changed(Link::Connecting));
    assert_eq!(line.next().await, changed(Link::Up));
    vhost.connections_when(|it| it.len() == 1 && it[0].pid != before).await;
    assert_eq!(vhost.consumed_queue().await.name, name);
    line.stop().await;

    // It does not wait for a slow attempt either, nor does it end when nobody can tell of suspends any more.
    let mut refused = broker;
    refused.login = plain(&User {
        name: vhost.reader.name.clone(),
        password: "wrong".to_owned(),
    });
    let mut line = Line::start(refused);
    assert_eq!(line.down().await.problem, Problem::LoginRefused);
    line.woken.send_replace(1);
    assert_eq!(line.next().await, changed(Link::Connecting));
    let again = line.down().await;
    assert_eq!(again.problem, Problem::LoginRefused);
    assert!(
        wait(&again) >= Duration::from_secs(299) && wait(&again) <= Duration::from_secs(600),
        "{again:?}"
    );
    line.stop().await;
}

#[tokio::test]
async fn a_dead_line_does_not_hold_up_a_computer_that_was_asleep() {
    let vhost = Rabbit::shared().await.vhost().await;
    let relay = Relay::start(vhost.rabbit.port).await;
    let mut broker = in_clear(&vhost);
    broker.address.port = relay.port;
    let mut line = Line::start(broker);
    line.up().await;
    relay.swallow();
    let before = std::time::Instant::now();
    line.woken.send_replace(1);
    assert_eq!(line.up().await, []);
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    line.stop().await;
}

#[tokio::test]
async fn a_loop_that_has_gone_ends_the_source_wherever_it_is() {
    let vhost = Rabbit::shared().await.vhost().await;

    // While it is subscribed; the goodbye is in order.
    let mut line = Line::start(in_clear(&vhost));
    line.up().await;
    line.stop().await;
    vhost.connections_when(<[_]>::is_empty).await;

    // While it waits for a slow attempt.
    let mut nowhere = in_clear(&vhost);
    nowhere.address.vhost = "/nope".to_owned();
    let mut line = Line::start(nowhere);
    line.down().await;
    line.stop().await;

    // While it dials.
    let silent = crate::rabbit::SilentServer::start().await;
    let mut silence = in_clear(&vhost);
    silence.address.port = silent.port;
    let mut line = Line::start(silence);
    assert_eq!(line.next().await, changed(Link::Connecting));
    line.stop().await;

    // While nobody reads the inbox any more.
    let (broker, _) = with_own_queue(in_clear(&vhost));
    let mut line = Line::start_with_inbox(broker, of_alice(), 1);
    line.up().await;
    let post = Post::open(&vhost).await;
    for number in 0..5 {
        post.build(3_000 + number, "alice").await;
    }
    vhost.queues_when(|it| it[0].messages_unacknowledged == 5).await;
    line.stop().await;

    // When the inbox is closed, and the orders are not.
    let mut line = Line::start(in_clear(&vhost));
    line.up().await;
    line.inbox.close();
    let Line {
        interest, acknowledge, ..
    } = &line;
    timeout(GENEROUS, interest.closed()).await.unwrap();
    timeout(GENEROUS, acknowledge.closed()).await.unwrap();
    line.stop().await;
}

fn changed(link: Link) -> Event {
    Event::LinkChanged(koji_notify::koji::InstanceName::new("fedora"), link)
}

fn wait(trouble: &Trouble) -> Duration {
    let wait = trouble.retry.unwrap().duration_since(jiff::Timestamp::now());
    Duration::try_from(wait).unwrap_or_default()
}

/// Whether the next attempt is not one of the slow ones.
fn soon(trouble: &Trouble) -> bool {
    wait(trouble) < Duration::from_secs(120)
}
