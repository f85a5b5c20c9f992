//! What the bus does not say: its queue is gone, or nobody is known to read it.

use expect_test::expect;
use jiff::SignedDuration;

use super::check;
use super::scene::{Scene, set};

#[tokio::test]
async fn what_ended_while_the_queue_was_gone_is_told_once() {
    let mut scene = Scene::new().await;
    let daemon = scene.daemon().await;
    let queue = scene.desk.vhost.consumed_queue().await.name;
    // The line breaks and cannot come back, and the broker throws the queue away as nobody reads it.
    scene.desk.vhost.clear_permissions("fedora").await;
    scene.desk.vhost.close_connections("maintenance").await;
    scene.desk.status_when(|it| it.instances[0].link == "down").await;
    scene.desk.vhost.delete_queue(&queue).await;
    let mut unsaid = Vec::new();
    scene
        .sleeps(SignedDuration::from_hours(30), |hub, began| {
            for (hours, nvr) in [(5, "bash-5.3-1.fc44"), (15, "zsh-5.9-1.fc44"), (25, "make-4.4-1.fc44")] {
                set(hub, began + SignedDuration::from_hours(hours));
                unsaid.extend(hub.build("alice", nvr).messages);
            }
        })
        .await;
    check(
        &scene.desk.shown().await,
        expect![[r#"
            title: While you were away: 3 builds finished
            body: "Built: bash-5.3-1.fc44, zsh-5.9-1.fc44 and make-4.4-1.fc44"
            action default: Open Koji
            action list: Show list
        "#]],
    );
    // It is said to nobody, and then somebody hears again.
    scene.publish(&unsaid).await;
    scene.desk.vhost.permit_like_fedora("fedora").await;
    scene.sleeps(SignedDuration::from_mins(10), |_, _| ()).await;
    let made = scene.desk.vhost.consumed_queue().await;
    assert_eq!(made.name, queue);
    scene.publish(&unsaid).await;
    scene.is_done(900).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-900.fc44 is built");
    scene.desk.all_is_acknowledged().await;
    assert_eq!(scene.desk.more_shown(), [""; 0]);
    scene.desk.status_when(|it| it.finished == 4).await;
    let log = daemon.log();
    assert!(log.contains("no queue was left"), "{log}");
}

#[tokio::test]
async fn a_bus_that_has_gone_deaf_is_found_out_by_what_the_hub_tells() {
    let mut scene = Scene::new().await;
    let daemon = scene.daemon().await;
    let queue = scene.desk.vhost.consumed_queue().await.name;
    scene.passes(SignedDuration::from_hours(3)).await;
    scene.desk.vhost.forget_reader(&queue).await;
    set(&scene.hub, scene.now() - SignedDuration::from_mins(20));
    let unsaid = scene.hub.build("alice", "bash-5.3-1.fc44").messages;
    scene.publish(&unsaid).await;
    set(&scene.hub, scene.now());
    scene.looks().await;
    assert_eq!(scene.desk.shown().await.title, "bash-5.3-1.fc44 is built");

    // Whoever reads the queue is known again, and what waited in it is no news.
    scene.desk.vhost.consumed_queue().await;
    scene.desk.all_is_acknowledged().await;
    scene.is_done(900).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-900.fc44 is built");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
    let log = daemon.log();
    assert!(log.contains("the broker has forgotten that we read the queue"), "{log}");
}
