//! Koji's own plugin `messagebus` on a topic exchange, whose messages a bridge brings to RabbitMQ as JSON.

use expect_test::expect;
use koji_notify::bus::broker::Dialect;
use lapin::ExchangeKind;

use super::koji::{
    Bridge, COMPLETE, FAILED_CHILD, FAILED_TASK, IMPORT, REPO, TAGGED, bound, heard, interest, listener, sent,
};
use super::line::Line;
use crate::rabbit::Rabbit;

const EXCHANGE: &str = "koji.events";

/// What is bound for a user who wants to hear of everything.
const ALL: [&str; 5] = [
    "koji.event.BuildStateChange.state.#",
    "koji.event.RepoDone.#",
    "koji.event.Tag.#",
    "koji.event.TaskStateChange.*.state",
    "koji.event.Untag.#",
];

fn dialect() -> Dialect {
    Dialect::KojiTopic {
        prefix: "koji.event".to_owned(),
    }
}

async fn send(bridge: &Bridge, key: &str, name: &str) {
    let body = sent(name).body.to_string();
    bridge.send(&format!("koji.event.{key}"), &[], body.as_bytes()).await;
}

#[tokio::test]
async fn what_is_bound_is_heard_and_the_rest_does_not_even_come() {
    let vhost = Rabbit::shared().await.vhost().await;
    let bridge = Bridge::open(&vhost, EXCHANGE, ExchangeKind::Topic).await;
    let broker = listener(&vhost, EXCHANGE, dialect());
    let mut line = Line::start_for(broker.clone(), interest("alice tags"));
    line.up().await;
    send(&bridge, "BuildStateChange.state.hello", COMPLETE).await;
    send(&bridge, "TaskStateChange.build.state", FAILED_TASK).await;
    send(&bridge, "TaskStateChange.buildSRPMFromSCM.state", FAILED_CHILD).await;
    send(&bridge, "Tag.f44-signing-pending.hello.alice", TAGGED).await;
    send(&bridge, "RepoDone.f44-build", REPO).await;
    expect![[r#"
        build 1 hello-1.0-20261120172159.fc44 BUILDING->COMPLETE owner=alice task=9 target=- created=2026-11-20T17:22:02.84132Z started=- completed=2026-11-20T17:22:10.393261Z #2
        build 40 tree OPEN->FAILED owner=- package=tree target=rawhide created=2026-11-20T17:23:53.34887Z started=2026-11-20T17:23:55.307788Z completed=2026-11-20T17:24:03.63404Z ?#2
        below 40: buildSRPMFromSCM 48 srpm OPEN->FAILED srpm=- created=2026-11-20T17:23:56.221215Z started=2026-11-20T17:23:59.494556Z completed=2026-11-20T17:24:02.860564Z ?#2
        tagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=alice owner=alice #2
        repo 1 done tag=f44-build task=1
    "#]]
    .assert_eq(&heard(&mut line, 5).await);
    vhost.drained().await;
    line.stop().await;

    // The queue stays, and shows what the broker puts into it.
    vhost.queues_when(|it| it[0].consumers == 0).await;
    send(&bridge, "Import.rpm", IMPORT).await;
    send(&bridge, "RPMSign", IMPORT).await;
    send(&bridge, "BuildStateChange.volume_id.hello", COMPLETE).await;
    send(&bridge, "TaskStateChange.build.host_id", FAILED_TASK).await;
    send(&bridge, "BuildStateChange.state.hello", COMPLETE).await;
    let left = vhost.queues_when(|it| it[0].messages_ready > 0).await;
    assert_eq!(left[0].messages_ready, 1);
}

#[tokio::test]
async fn what_is_bound_follows_what_is_wanted() {
    let vhost = Rabbit::shared().await.vhost().await;
    let _bridge = Bridge::open(&vhost, EXCHANGE, ExchangeKind::Topic).await;
    let broker = listener(&vhost, EXCHANGE, dialect());
    let mut line = Line::start_for(broker.clone(), interest("alice tags package:hello"));
    line.up().await;
    bound(&vhost, EXCHANGE, &ALL).await;
    line.interest
        .send_replace(interest("tags package:hello package:python3.11"));
    bound(
        &vhost,
        EXCHANGE,
        &[
            "koji.event.BuildStateChange.state.hello",
            "koji.event.BuildStateChange.state.python3_11",
            "koji.event.RepoDone.#",
            "koji.event.Tag.*.hello.*",
            "koji.event.Tag.*.python3_11.*",
            "koji.event.TaskStateChange.*.state",
            "koji.event.Untag.*.hello.*",
            "koji.event.Untag.*.python3_11.*",
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
            "koji.event.BuildStateChange.state.hello",
            "koji.event.RepoDone.#",
            "koji.event.TaskStateChange.*.state",
        ],
    )
    .await;
    line.stop().await;
}
