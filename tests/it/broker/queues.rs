//! Whose queue it is, and what is bound to it.

use koji_notify::bus::broker::{Argument, QueueName};
use koji_notify::koji::Interest;
use koji_notify::watch::link::Problem;
use koji_notify::watch::{Event, Link};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};

use super::line::{
    Line, bound, by_certificate, by_password, check_trouble, held, keys, of_alice, plain, with_own_queue,
};
use crate::rabbit::Rabbit;

#[tokio::test]
async fn a_queue_that_the_broker_names_is_bound_to_what_is_wanted_and_goes_with_us() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut broker = by_certificate(&vhost);
    broker.prefetch = 7;
    let mut line = Line::start(broker);
    line.up().await;
    let queue = vhost.consumed_queue().await;
    assert!(queue.name.starts_with("amq.gen-"), "{queue:?}");
    assert!(queue.exclusive && queue.auto_delete && !queue.durable, "{queue:?}");
    assert_eq!(
        vhost.routing_keys(&queue.name).await,
        keys(&["build.state.change", "task.state.change"])
    );
    line.stop().await;
    vhost.queues_when(<[_]>::is_empty).await;
}

#[tokio::test]
async fn an_own_queue_is_declared_as_configured_and_stays() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (mut broker, name) = with_own_queue(by_certificate(&vhost));
    broker.queue.arguments = [
        ("x-max-length".to_owned(), Argument::Number(5000)),
        ("x-overflow".to_owned(), Argument::Text("drop-head".to_owned())),
        ("x-single-active-consumer".to_owned(), Argument::Switch(false)),
    ]
    .into();
    let mut line = Line::start(broker);
    line.up().await;
    let queue = vhost.consumed_queue().await;
    assert_eq!(queue.name, name);
    assert!(queue.durable && !queue.auto_delete && !queue.exclusive, "{queue:?}");
    assert_eq!(queue.arguments["x-max-length"], 5000);
    assert_eq!(queue.arguments["x-overflow"], "drop-head");
    assert_eq!(queue.arguments["x-single-active-consumer"], false);
    line.stop().await;
    // The consumer is cancelled, the queue bridges our absence.
    let left = vhost.queues_when(|it| it.iter().all(|it| it.consumers == 0)).await;
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn what_is_bound_follows_what_is_wanted() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_certificate(&vhost));
    let mut line = Line::start_for(broker.clone(), of_alice());
    line.up().await;
    for (tasks, tags, events) in [
        (
            true,
            true,
            &["build.state.change", "tag", "task.state.change", "untag"][..],
        ),
        (false, true, &["build.state.change", "tag", "untag"]),
        (false, false, &["build.state.change"]),
        (true, false, &["build.state.change", "task.state.change"]),
    ] {
        line.interest.send_modify(|it| {
            it.tasks = tasks;
            it.tags = tags;
        });
        bound(&vhost, &name, events).await;
    }
    line.interest.send_modify(|it| it.tags = true);
    bound(
        &vhost,
        &name,
        &["build.state.change", "tag", "task.state.change", "untag"],
    )
    .await;
    line.stop().await;

    // The next run wants less; what the last one has left on the queue is taken off.
    let mut line = Line::start_for(
        broker,
        Interest {
            tasks: false,
            ..of_alice()
        },
    );
    line.up().await;
    assert_eq!(vhost.routing_keys(&name).await, keys(&["build.state.change"]));
    line.stop().await;
}

#[tokio::test]
async fn a_site_that_allows_less_is_bound_to_less() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (mut broker, name) = with_own_queue(by_certificate(&vhost));
    broker.allowed_keys = vec!["#.buildsys.task.#".to_owned(), "org.elsewhere.*".to_owned()];
    let mut line = Line::start(broker);
    line.up().await;
    assert_eq!(vhost.routing_keys(&name).await, keys(&["task.state.change"]));
    line.stop().await;
}

#[tokio::test]
async fn a_queue_that_another_consumer_holds_is_noticed_and_said() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_certificate(&vhost));
    let mut first = Line::start(broker.clone());
    first.up().await;

    let trouble = held(broker).await;
    assert!(trouble.detail.contains('1'), "{}", trouble.detail);

    // The first one has not been disturbed, and nobody else can come between by not looking.
    assert_eq!(vhost.consumed_queue().await.name, name);
    let other = Connection::connect(&vhost.url(&vhost.publisher), ConnectionProperties::default())
        .await
        .unwrap();
    let channel = other.create_channel().await.unwrap();
    let refused = channel
        .basic_consume(
            name.as_str().into(),
            "".into(),
            lapin::options::BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await;
    assert!(refused.unwrap_err().to_string().contains("exclusive use"));
    first.stop().await;
}

#[tokio::test]
async fn a_queue_that_another_connection_has_for_itself_is_noticed_and_said() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_certificate(&vhost));
    let other = Connection::connect(&vhost.url(&vhost.publisher), ConnectionProperties::default())
        .await
        .unwrap();
    let options = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let channel = other.create_channel().await.unwrap();
    channel
        .queue_declare(name.as_str().into(), options, FieldTable::default())
        .await
        .unwrap();
    let trouble = held(broker).await;
    assert!(trouble.detail.contains("RESOURCE_LOCKED"), "{}", trouble.detail);
}

#[tokio::test]
async fn a_queue_that_is_not_as_configured_is_said() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, _) = with_own_queue(by_certificate(&vhost));
    let mut line = Line::start(broker.clone());
    line.up().await;
    line.stop().await;

    let mut fleeting = broker.clone();
    fleeting.queue.durable = false;
    let trouble = check_trouble(fleeting, Problem::QueueMismatch).await;
    assert!(trouble.detail.contains("durable"), "{}", trouble.detail);

    let (mut absent, name) = with_own_queue(broker.clone());
    absent.passive = true;
    let trouble = check_trouble(absent, Problem::QueueMismatch).await;
    assert!(trouble.detail.contains(&name), "{}", trouble.detail);

    // The one that is there is found passively, whatever we would have made.
    let mut present = broker;
    present.passive = true;
    present.queue.durable = false;
    let mut line = Line::start(present);
    line.up().await;
    line.stop().await;
}

#[tokio::test]
async fn an_exchange_that_is_not_there_is_said() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut broker = by_password(&vhost);
    broker.login = plain(&vhost.publisher);
    broker.exchange = "nowhere".to_owned();
    let trouble = check_trouble(broker, Problem::QueueMismatch).await;
    assert!(trouble.detail.contains("nowhere"), "{}", trouble.detail);
}

#[tokio::test]
async fn what_is_not_permitted_is_said() {
    let vhost = Rabbit::shared().await.vhost().await;
    // At Fedora, queues are named by UUID or by the broker.
    let mut named = by_certificate(&vhost);
    named.queue.name = QueueName::Named("myqueue".to_owned());
    let trouble = check_trouble(named, Problem::NotPermitted).await;
    assert!(
        trouble.detail.contains("access to queue 'myqueue'"),
        "{}",
        trouble.detail
    );

    let mut forbidden = by_certificate(&vhost);
    forbidden.exchange = "amq.headers".to_owned();
    let trouble = check_trouble(forbidden, Problem::NotPermitted).await;
    assert!(trouble.detail.contains("amq.headers"), "{}", trouble.detail);
}

#[tokio::test]
async fn a_permission_that_is_taken_away_ends_the_quick_attempts() {
    let vhost = Rabbit::shared().await.vhost().await;
    let (broker, name) = with_own_queue(by_password(&vhost));
    let mut line = Line::start(broker);
    line.up().await;
    vhost.clear_permissions(&vhost.reader.name).await;
    // The broker remembers what it has allowed on a connection, so this takes a new one.
    vhost.close_connections("permissions have changed").await;
    let trouble = loop {
        match line.next().await {
            Event::LinkChanged(_, Link::Down(trouble)) if !trouble.problem.is_passing() => break trouble,
            Event::LinkChanged(_, Link::Down(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(trouble.problem, Problem::NoVirtualHost, "{trouble:?}");
    assert_eq!(vhost.queues().await[0].name, name);
    // Somebody mends it, and the person's computer is woken up.
    vhost.permit_like_fedora(&vhost.reader.name).await;
    line.woken.send_replace(1);
    line.up().await;
    line.stop().await;
}
