//! What is told of, what is set aside, and what is acknowledged when.

use koji_notify::koji::{BuildState, Change, HubEvent, Interest};
use koji_notify::watch::{Event, News};

use super::line::{Line, Post, bound, build_is_done, by_certificate, in_clear, of_alice, with_own_queue};
use crate::rabbit::{Publisher, Rabbit};

#[tokio::test]
async fn a_build_of_mine_published_by_the_real_library_is_heard() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, _) = with_own_queue(by_certificate(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    let mut publisher = Publisher::start(&vhost).await;
    let topic = format!("{}.buildsys.build.state.change", super::line::PREFIX);
    let id = publisher.publish(&topic, &build_is_done(2_001, "alice")).await;
    let news = line.heard().await;
    assert_eq!(news.message, Some(id));
    assert!(news.sent.is_some());
    assert_eq!(build(&news), 2_001);
    let HubEvent::Changed(Change::Build(change)) = &news.event else {
        panic!("{news:?}");
    };
    assert_eq!(change.new, BuildState::Complete);
    assert_eq!(news.delivery.as_ref().unwrap().connection, 1);
    assert_eq!(news.delivery.as_ref().unwrap().tag, 1);

    // It is the loop that says when it is safe.
    let queue = vhost.queues_when(|it| it[0].messages_unacknowledged == 1).await;
    assert_eq!(queue[0].messages_ready, 0);
    line.acknowledge.send(news.delivery.unwrap()).unwrap();
    vhost.drained().await;
    line.stop().await;
}

#[tokio::test]
async fn messages_of_others_are_set_aside_unread_and_acknowledged() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, _) = with_own_queue(in_clear(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    let post = Post::open(&vhost).await;
    for _ in 0..60 {
        // Whoever reads such a body finds it spoiled, so this one was not read.
        post.send("build.state.change", &["fedora_messaging_user_bob"], b"not JSON")
            .await;
    }
    post.build(2_002, "bob").await;
    post.build(2_003, "alice").await;
    let news = line.heard().await;
    assert_eq!(build(&news), 2_003);
    line.acknowledge.send(news.delivery.unwrap()).unwrap();
    vhost.drained().await;
    line.stop().await;
}

#[tokio::test]
async fn what_turns_out_to_be_of_no_interest_is_acknowledged_and_not_told() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, _) = with_own_queue(in_clear(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    let post = Post::open(&vhost).await;
    let body = build_is_done(2_004, "bob").to_string();
    // Without headers, as before 2023, only the body tells.
    post.send("build.state.change", &[], body.as_bytes()).await;
    // Of another hub, with ids of its own.
    let elsewhere = body.replace("primary", "s390").replace("bob", "alice");
    post.send("build.state.change", &[], elsewhere.as_bytes()).await;
    let body = build_is_done(2_005, "alice").to_string();
    post.send("build.state.change", &[], body.as_bytes()).await;
    let news = line.heard().await;
    assert_eq!(build(&news), 2_005);
    line.acknowledge.send(news.delivery.unwrap()).unwrap();
    vhost.drained().await;
    line.stop().await;
}

#[tokio::test]
async fn a_followed_package_is_heard_of_and_what_is_wanted_may_change_under_way() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(in_clear(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    let post = Post::open(&vhost).await;
    line.interest.send_replace(Interest {
        users: [].into(),
        packages: ["bash".to_owned()].into(),
        tasks: true,
        tags: true,
    });
    // The change and the message race; the source has to take up the change first, which the bindings show.
    bound(
        &vhost,
        &name,
        &["build.state.change", "tag", "task.state.change", "untag"],
    )
    .await;
    post.build(2_006, "bob").await;
    assert_eq!(build(&line.heard().await), 2_006);
    line.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_and_acknowledged() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, _) = with_own_queue(in_clear(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    let post = Post::open(&vhost).await;
    let deep = "[".repeat(100_000);
    let spoiled: [&[u8]; 5] = [b"", b"not JSON", b"{\"build_id\": ", b"\xff\xfe", deep.as_bytes()];
    for body in spoiled {
        post.send("build.state.change", &["fedora_messaging_user_alice"], body)
            .await;
    }
    for _ in spoiled {
        let event = line.next().await;
        assert!(matches!(event, Event::Spoiled(_)), "{event:?}");
    }
    vhost.drained().await;
    post.build(2_007, "alice").await;
    assert_eq!(build(&line.heard().await), 2_007);
    line.stop().await;
}

#[tokio::test]
async fn a_message_with_hundreds_of_headers_does_not_end_the_line() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, _) = with_own_queue(in_clear(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    let post = Post::open(&vhost).await;
    // A header frame of about 90 kB: the broker does not split them (P7).
    let names: Vec<String> = (0..900)
        .map(|it| format!("fedora_messaging_rpm_{}{it:04}", "x".repeat(70)))
        .chain(["fedora_messaging_user_bob".to_owned()])
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    post.send("build.state.change", &names, b"not JSON").await;
    post.build(2_008, "alice").await;
    assert_eq!(build(&line.heard().await), 2_008);
    line.stop().await;
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_an_old_receipt_does_not_count() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, _) = with_own_queue(in_clear(&vhost));
    let mut line = Line::start(broker.clone());
    line.up().await;
    let post = Post::open(&vhost).await;
    for number in 2_010..2_013 {
        post.build(number, "alice").await;
    }
    let first = line.heard().await;
    let second = line.heard().await;
    let third = line.heard().await;
    // The second alone cannot be acknowledged: that would take the first with it.
    line.acknowledge.send(second.delivery.clone().unwrap()).unwrap();
    line.acknowledge.send(first.delivery.clone().unwrap()).unwrap();
    vhost.queues_when(|it| it[0].messages_unacknowledged == 1).await;

    vhost.close_connections("again, please").await;
    line.up().await;
    let again = line.heard().await;
    assert_eq!(build(&again), 2_012);
    assert_eq!(again.message, third.message);
    assert_eq!(again.delivery.as_ref().unwrap().tag, 1);
    assert_ne!(
        again.delivery.as_ref().unwrap().connection,
        third.delivery.as_ref().unwrap().connection
    );
    // Tags begin anew, so an old receipt would hit another message.
    let old = first.delivery.clone().unwrap();
    line.acknowledge.send(first.delivery.unwrap()).unwrap();
    line.acknowledge.send(third.delivery.unwrap()).unwrap();
    let post = Post::open(&vhost).await;
    post.build(2_013, "alice").await;
    assert_eq!(build(&line.heard().await), 2_013);
    assert_eq!(vhost.queues().await[0].messages_unacknowledged, 2);
    line.acknowledge.send(again.delivery.unwrap()).unwrap();
    vhost.queues_when(|it| it[0].messages_unacknowledged == 1).await;
    line.stop().await;
    vhost.queues_when(|it| it[0].messages_ready == 1).await;

    // The next source begins anew, too, and the receipt of an old one does not count either.
    let mut next = Line::start(broker);
    next.up().await;
    assert_eq!(next.heard().await.delivery.as_ref().unwrap().tag, old.tag);
    next.acknowledge.send(old).unwrap();
    next.stop().await;
    let left = vhost.queues_when(|it| it[0].consumers == 0).await;
    assert_eq!(left[0].messages_ready + left[0].messages_unacknowledged, 1);
}

#[tokio::test]
async fn the_broker_sends_no_more_ahead_than_the_prefetch() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (mut broker, _) = with_own_queue(in_clear(&vhost));
    broker.prefetch = 3;
    let mut line = Line::start(broker);
    line.up().await;
    let post = Post::open(&vhost).await;
    for number in 0..10 {
        post.build(2_020 + number, "alice").await;
    }
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(line.heard().await.delivery.unwrap());
    }
    vhost
        .queues_when(|it| it[0].messages_unacknowledged == 3 && it[0].messages_ready == 7)
        .await;
    let mut heard = 3;
    while let Some(delivery) = open.pop() {
        // In any order.
        line.acknowledge.send(delivery).unwrap();
        if heard < 10 && open.is_empty() {
            for _ in 0..3.min(10 - heard) {
                open.push(line.heard().await.delivery.unwrap());
                heard += 1;
            }
        }
    }
    assert_eq!(heard, 10);
    vhost.drained().await;
    line.stop().await;
}

#[tokio::test]
async fn receipts_that_are_under_way_at_the_end_still_count() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, _) = with_own_queue(in_clear(&vhost));
    let mut line = Line::start_for(broker, of_alice());
    line.up().await;
    let post = Post::open(&vhost).await;
    post.build(2_040, "alice").await;
    let news = line.heard().await;
    line.acknowledge.send(news.delivery.unwrap()).unwrap();
    line.stop().await;
    let queues = vhost.queues_when(|it| it[0].consumers == 0).await;
    assert_eq!(queues[0].messages_ready + queues[0].messages_unacknowledged, 0);
}

fn build(news: &News) -> u64 {
    match &news.event {
        HubEvent::Changed(Change::Build(change)) => change.build.unwrap().0,
        other => panic!("{other:?}"),
    }
}
