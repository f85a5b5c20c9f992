//! Koji's own plugin `messagebus` on a headers exchange.

use expect_test::expect;
use koji_notify::bus::broker::Dialect;
use lapin::ExchangeKind;
use lapin::types::AMQPValue;

use super::koji::{
    Bridge, COMPLETE, FAILED_CHILD, FAILED_TASK, IMPORT, TAGGED, bound, heard, interest, listener, sent, text,
};
use super::line::Line;
use crate::rabbit::Rabbit;

const EXCHANGE: &str = "koji.events";

/// What is bound for a user who wants to hear of everything.
const ALL: [&str; 5] = [
    "attribute=state type=BuildStateChange x-match=all",
    "attribute=state type=TaskStateChange x-match=all",
    "type=RepoDone x-match=all",
    "type=Tag x-match=all",
    "type=Untag x-match=all",
];

/// Publishes with the headers that the plugin makes: its numbers are of 64 bits, what is nothing is void.
async fn send(bridge: &Bridge, name: &str, headers: &[(&str, AMQPValue)]) {
    bridge.send("", headers, sent(name).body.to_string().as_bytes()).await;
}

fn build(attribute: &str) -> [(&str, AMQPValue); 7] {
    [
        ("type", text("BuildStateChange")),
        ("name", text("hello")),
        ("version", text("1.0")),
        ("release", text("20261120172159.fc44")),
        ("attribute", text(attribute)),
        ("old", AMQPValue::LongLongInt(0)),
        ("new", AMQPValue::LongLongInt(1)),
    ]
}

fn task<'a>(method: &'a str, attribute: &'a str, parent: AMQPValue) -> [(&'a str, AMQPValue); 7] {
    [
        ("type", text("TaskStateChange")),
        ("id", AMQPValue::LongLongInt(40)),
        ("parent", parent),
        ("method", text(method)),
        ("attribute", text(attribute)),
        ("old", text("OPEN")),
        ("new", text("FAILED")),
    ]
}

fn tag(event: &str) -> [(&str, AMQPValue); 4] {
    [
        ("type", text(event)),
        ("tag", text("f44-signing-pending")),
        ("name", text("hello")),
        ("user", text("alice")),
    ]
}

#[tokio::test]
async fn what_is_bound_is_heard_and_the_rest_does_not_even_come() {
    let vhost = Rabbit::shared().await.vhost().await;
    let bridge = Bridge::open(&vhost, EXCHANGE, ExchangeKind::Headers).await;
    let broker = listener(&vhost, EXCHANGE, Dialect::KojiHeaders);
    let mut line = Line::start_for(broker, interest("alice tags"));
    line.up().await;
    send(&bridge, COMPLETE, &build("state")).await;
    send(&bridge, FAILED_TASK, &task("build", "state", AMQPValue::Void)).await;
    let parent = AMQPValue::LongLongInt(40);
    send(&bridge, FAILED_CHILD, &task("buildSRPMFromSCM", "state", parent)).await;
    // Nothing but the header tells these two apart.
    send(&bridge, TAGGED, &tag("Tag")).await;
    send(&bridge, TAGGED, &tag("Untag")).await;
    expect![[r#"
        build 1 hello-1.0-20261120172159.fc44 BUILDING->COMPLETE owner=alice task=9 target=- created=2026-11-20T17:22:02.84132Z started=- completed=2026-11-20T17:22:10.393261Z #2
        build 40 tree OPEN->FAILED owner=- package=tree target=rawhide created=2026-11-20T17:23:53.34887Z started=2026-11-20T17:23:55.307788Z completed=2026-11-20T17:24:03.63404Z ?#2
        below 40: buildSRPMFromSCM 48 srpm OPEN->FAILED srpm=- created=2026-11-20T17:23:56.221215Z started=2026-11-20T17:23:59.494556Z completed=2026-11-20T17:24:02.860564Z ?#2
        tagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=alice owner=alice #2
        untagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=alice owner=alice #2
    "#]]
    .assert_eq(&heard(&mut line, 5).await);
    vhost.drained().await;
    line.stop().await;

    // The queue stays, and shows what the broker puts into it.
    vhost.queues_when(|it| it[0].consumers == 0).await;
    send(
        &bridge,
        IMPORT,
        &[("type", text("Import")), ("importType", text("rpm"))],
    )
    .await;
    send(&bridge, COMPLETE, &build("completion_ts")).await;
    send(&bridge, FAILED_TASK, &task("build", "host_id", AMQPValue::Void)).await;
    send(&bridge, COMPLETE, &build("state")).await;
    let left = vhost.queues_when(|it| it[0].messages_ready > 0).await;
    assert_eq!(left[0].messages_ready, 1);
}

#[tokio::test]
async fn what_is_bound_follows_what_is_wanted() {
    let vhost = Rabbit::shared().await.vhost().await;
    let bridge = Bridge::open(&vhost, EXCHANGE, ExchangeKind::Headers).await;
    let broker = listener(&vhost, EXCHANGE, Dialect::KojiHeaders);
    let mut line = Line::start_for(broker.clone(), interest("alice tags package:hello"));
    line.up().await;
    bound(&vhost, EXCHANGE, &ALL).await;
    line.interest
        .send_replace(interest("tags package:hello package:python3.11"));
    bound(
        &vhost,
        EXCHANGE,
        &[
            "attribute=state name=hello type=BuildStateChange x-match=all",
            "attribute=state name=python3.11 type=BuildStateChange x-match=all",
            "attribute=state type=TaskStateChange x-match=all",
            "name=hello type=Tag x-match=all",
            "name=hello type=Untag x-match=all",
            "name=python3.11 type=Tag x-match=all",
            "name=python3.11 type=Untag x-match=all",
            "type=RepoDone x-match=all",
        ],
    )
    .await;
    line.interest.send_replace(interest("alice tags"));
    bound(&vhost, EXCHANGE, &ALL).await;
    line.stop().await;

    // What the last run has left on the queue is taken off.
    let mut line = Line::start_for(broker, interest("package:hello"));
    line.up().await;
    bound(
        &vhost,
        EXCHANGE,
        &[
            "attribute=state name=hello type=BuildStateChange x-match=all",
            "attribute=state type=TaskStateChange x-match=all",
            "type=RepoDone x-match=all",
        ],
    )
    .await;

    // Where nobody's builds are wanted, those of other packages do not come.
    let mut other = build("state");
    other[1].1 = text("hello-world");
    send(&bridge, COMPLETE, &other).await;
    send(&bridge, COMPLETE, &build("state")).await;
    let news = line.heard().await;
    assert_eq!(news.delivery.unwrap().tag, 1);
    line.stop().await;
}
