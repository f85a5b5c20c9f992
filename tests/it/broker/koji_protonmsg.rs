//! Koji's own plugin `protonmsg`, on a RabbitMQ that takes AMQP 1.0: sent by the real Proton library, heard over 0-9-1.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use expect_test::expect;
use jiff::{SignedDuration, Timestamp};
use koji_notify::bus::broker::Dialect;
use koji_notify::watch::Event;
use serde_json::json;

use super::koji::{
    COMPLETE, DELETED, FAILED_CHILD, FAILED_TASK, IMPORT, PROMOTED, REPO, Sent, TAGGED, bound, heard, in_words,
    interest, listener, sent,
};
use super::line::Line;
use crate::end_to_end::desk::{Desk, told};
use crate::rabbit::{Proton, Rabbit};

const EXCHANGE: &str = "amq.topic";

fn dialect() -> Dialect {
    Dialect::KojiProtonmsg {
        prefix: "koji".to_owned(),
    }
}

async fn send(proton: &mut Proton, key: &str, name: &str) {
    let sent = sent(name);
    let address = proton.address(key);
    proton.send(&address, &sent.properties, &sent.body).await;
}

#[tokio::test]
async fn what_is_bound_is_heard_and_the_rest_does_not_even_come() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut proton = Proton::start(&vhost).await;
    let broker = listener(&vhost, EXCHANGE, dialect());
    let mut line = Line::start_for(broker, interest("alice tags"));
    line.up().await;
    send(&mut proton, "koji.build.complete", COMPLETE).await;
    send(&mut proton, "koji.task.failed", FAILED_TASK).await;
    send(&mut proton, "koji.task.failed", FAILED_CHILD).await;
    send(&mut proton, "koji.build.tag", TAGGED).await;
    send(&mut proton, "koji.build.promote", PROMOTED).await;
    send(&mut proton, "koji.repo.done", REPO).await;
    expect![[r#"
        build 1 hello-1.0-20261120172159.fc44 BUILDING->COMPLETE owner=alice task=9 target=- created=2026-11-20T17:22:02.84132Z started=- completed=2026-11-20T17:22:10.393261Z #2
        build 40 tree OPEN->FAILED owner=- package=tree target=rawhide created=2026-11-20T17:23:53.34887Z started=2026-11-20T17:23:55.307788Z completed=2026-11-20T17:24:03.63404Z ?#2
        below 40: buildSRPMFromSCM 48 srpm OPEN->FAILED srpm=- created=2026-11-20T17:23:56.221215Z started=2026-11-20T17:23:59.494556Z completed=2026-11-20T17:24:02.860564Z ?#2
        tagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=alice owner=alice #2
        promoted 8 python-requests-4.15-954234.fc44 from=954234.fc44,draft_8 user=alice owner=alice #2
        repo 1 done tag=f44-build task=1
    "#]]
    .assert_eq(&heard(&mut line, 6).await);
    vhost.drained().await;
    line.stop().await;

    // The queue stays, and shows what the broker puts into it.
    vhost.queues_when(|it| it[0].consumers == 0).await;
    send(&mut proton, "koji.import.rpm", IMPORT).await;
    send(&mut proton, "koji.build.deleted", DELETED).await;
    send(&mut proton, "elsewhere.build.complete", COMPLETE).await;
    send(&mut proton, "koji.build.complete", COMPLETE).await;
    let left = vhost.queues_when(|it| it[0].messages_ready > 0).await;
    assert_eq!(left[0].messages_ready, 1);
}

#[tokio::test]
async fn what_is_bound_follows_what_is_wanted() {
    let vhost = Rabbit::shared().await.vhost().await;
    let broker = listener(&vhost, EXCHANGE, dialect());
    let mut line = Line::start_for(broker.clone(), interest("alice tags"));
    line.up().await;
    bound(
        &vhost,
        EXCHANGE,
        &[
            "koji.build.building",
            "koji.build.canceled",
            "koji.build.complete",
            "koji.build.failed",
            "koji.build.promote",
            "koji.build.tag",
            "koji.build.untag",
            "koji.repo.done",
            "koji.task.assigned",
            "koji.task.canceled",
            "koji.task.closed",
            "koji.task.failed",
            "koji.task.free",
            "koji.task.open",
        ],
    )
    .await;
    line.interest.send_modify(|it| it.tasks = false);
    bound(
        &vhost,
        EXCHANGE,
        &[
            "koji.build.building",
            "koji.build.canceled",
            "koji.build.complete",
            "koji.build.failed",
            "koji.build.promote",
            "koji.build.tag",
            "koji.build.untag",
            "koji.repo.done",
        ],
    )
    .await;
    line.stop().await;

    // What the last run has left on the queue is taken off.
    let mut wanted = interest("alice");
    wanted.tasks = false;
    let mut line = Line::start_for(broker, wanted);
    line.up().await;
    bound(
        &vhost,
        EXCHANGE,
        &[
            "koji.build.building",
            "koji.build.canceled",
            "koji.build.complete",
            "koji.build.failed",
            "koji.build.promote",
            "koji.repo.done",
        ],
    )
    .await;
    line.stop().await;
}

#[tokio::test]
async fn a_message_that_comes_again_is_known_by_what_it_says() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut proton = Proton::start(&vhost).await;
    let mut line = Line::start_for(listener(&vhost, EXCHANGE, dialect()), interest("alice"));
    line.up().await;
    send(&mut proton, "koji.build.complete", COMPLETE).await;
    let first = line.heard().await;

    line.woken.send_replace(1);
    line.up().await;
    let again = line.heard().await;
    assert_eq!(again.message, first.message);
    assert_ne!(again.delivery, first.delivery);
    // The same has happened once more: that is new, though it says the same.
    send(&mut proton, "koji.build.complete", COMPLETE).await;
    let once_more = line.heard().await;
    assert_eq!(once_more.message, first.message);
    assert_eq!([&first, &again, &once_more].map(|it| it.is_first), [true, false, true]);
    line.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_and_acknowledged() {
    let vhost = Rabbit::shared().await.vhost().await;
    let mut proton = Proton::start(&vhost).await;
    let mut line = Line::start_for(listener(&vhost, EXCHANGE, dialect()), interest("alice"));
    line.up().await;
    let address = proton.address("koji.build.complete");
    let state = json!({"type": "BuildStateChange", "attribute": "state"});
    // Of another attribute, so nobody reads that it is broken.
    let volume = json!({"type": "BuildStateChange", "attribute": "volume_id"});
    for (properties, body) in [
        (&volume, json!("not JSON")),
        (&state, json!("not JSON")),
        (&state, json!("{}")),
        (&state, json!({"data": "ff00"})),
    ] {
        let request = json!({"address": address, "properties": properties, "body": body});
        assert_eq!(proton.exchange(&request).await.unwrap(), "ACCEPTED");
    }
    send(&mut proton, "koji.build.complete", COMPLETE).await;
    let mut spoiled = 0;
    let news = loop {
        match line.next().await {
            Event::Spoiled(_) => spoiled += 1,
            Event::Heard(news) => break news,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(spoiled, 3);
    assert!(in_words(&news).starts_with("build 1 hello-"), "{news:?}");
    line.acknowledge.send(news.delivery.unwrap()).unwrap();
    vhost.drained().await;
    line.stop().await;
}

#[tokio::test]
async fn the_daemon_tells_of_a_build_that_is_complete() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let fedora_s = "topic-prefix = \"org.fedoraproject.prod\"";
    let config = desk.home.config();
    assert!(config.contains(fedora_s));
    desk.home
        .write_config(&config.replace(fedora_s, "dialect = \"koji-protonmsg\""));
    let _daemon = desk.daemon().await;
    let mut proton = Proton::start(&desk.vhost).await;

    let mut complete = now(sent(COMPLETE));
    let address = proton.address("koji.build.complete");
    proton.send(&address, &complete.properties, &complete.body).await;

    let call = desk.shown().await;
    expect![[r#"
        Notify from koji-notify, icon HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg, instead of 0, timeout -1
        title: hello-1.0-20261120172159.fc44 is built
        body: "12 min"
        action default: Open build
        action open: Open build
        action mute: Mute package
        hint category: "transfer.complete"
        hint desktop-entry: "org.fedoraproject.KojiNotify"
        hint image-path: "HOME/.local/share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg"
        hint suppress-sound: true
        hint urgency: byte 0x01
    "#]].assert_eq(&told(&call));
    desk.press(&call, "open").await;
    let opened = desk.opened().await;
    assert_eq!(opened, "https://koji.example.com/koji/buildinfo?buildID=1 no token");
    desk.all_is_acknowledged().await;
    // The same again is not told again, and somebody else's is not told at all.
    proton.send(&address, &complete.properties, &complete.body).await;
    complete.body["info"]["owner_name"] = "bob".into();
    complete.body["info"]["build_id"] = 2.into();
    complete.body["info"]["id"] = 2.into();
    proton.send(&address, &complete.properties, &complete.body).await;
    desk.all_is_acknowledged().await;
    assert_eq!(desk.more_shown(), [""; 0]);

    let checked = desk.run(&["check"]).await.output;
    let dialect = "✓ lab: broker: dialect = \"koji-protonmsg\", topic-prefix = \"koji\", exchange = \"amq.topic\"";
    assert!(checked.contains(dialect), "{checked}");
}

/// Two Kojis in one daemon: Fedora's messages by AMQP 0-9-1 and those of protonmsg by AMQP 1.0, with all that is told of
/// a task, its build and its tags.
#[tokio::test]
async fn the_daemon_hears_two_buses_each_by_its_own_protocol() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let (vhost, home) = (&desk.vhost, &desk.home);
    let secret = home.path("password");
    fs::write(&secret, &vhost.reader.password).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let corp = format!(
        r#"
[instance.corp]
user = "alice"
weburl = "https://koji.corp.example.com/koji"
hub.ask = false

[instance.corp.broker]
protocol = "amqp-1.0"
url = "amqps://localhost:{port}/{vhost}"
ca-cert = {ca:?}
user = {user:?}
password-file = {secret:?}
addresses = ["/exchange/amq.topic/koji.#"]
"#,
        port = vhost.rabbit.tls_port,
        vhost = vhost.name.replace('/', "%2F"),
        ca = vhost.rabbit.certs.ca(),
        user = vhost.reader.name,
    );
    let config = home.config().replace("[tell]\n", "[tell]\ntagged = true\n");
    home.write_config(&(config + &corp));
    let _daemon = desk.start();
    desk.status_when(|it| it.instances.iter().filter(|it| it.link == "up").count() == 2)
        .await;

    desk.build_is_done(7).await;
    let call = desk.shown().await;
    let mut shown = vec![format!("{} / {}", call.title, call.body)];
    let mut proton = Proton::start(&desk.vhost).await;
    // A task tells its owner by number; the build before it has told whose number that is.
    for (key, name) in [
        ("koji.build.complete", COMPLETE),
        ("koji.build.tag", TAGGED),
        ("koji.task.failed", FAILED_CHILD),
        ("koji.task.failed", FAILED_TASK),
    ] {
        let sent = now(sent(name));
        proton.send(&proton.address(key), &sent.properties, &sent.body).await;
    }
    while shown.len() < 4 {
        let call = desk.shown().await;
        shown.push(format!("{} / {}", call.title, call.body));
    }
    expect![[r#"
        bash-5.3-7.fc44 is built / rawhide, 12 s, on lab
        hello-1.0-20261120172159.fc44 is built / 12 min, on corp
        hello-1.0-20261120172159.fc44 was tagged / Now in f44-signing-pending, on corp
        tree failed / rawhide, 12 min, on corp"#]]
    .assert_eq(&shown.join("\n"));

    // The menu and programs have both, each under its name.
    let status = desk.status_when(|it| it.instances.len() == 2).await;
    let names: Vec<_> = status.instances.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["corp", "lab"]);
    desk.vhost.drained().await;
}

/// As if it had just happened.
fn now(mut sent: Sent) -> Sent {
    let completed = Timestamp::now();
    let created = completed - SignedDuration::from_secs(754);
    let began = ["creation", "create", "start"].map(|it| (it, created));
    for (name, time) in began.into_iter().chain([("completion", completed)]) {
        let info = &mut sent.body["info"];
        if info.is_object() {
            info[format!("{name}_ts")] = (time.as_millisecond() as f64 / 1000.0).into();
            info[format!("{name}_time")] = time.strftime("%F %T%.6f+00:00").to_string().into();
        }
    }
    sent
}
