//! What the broker did not keep is read in the archive of messages, which has everything, and is told once.

use std::fs;
use std::sync::{Arc, Mutex};

use expect_test::expect;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::check;
use super::scene::{Clock, Scene, set};
use crate::decoding::fixtures;
use crate::end_to_end::desk::{Desk, Home};
use crate::hub_server::{Asked, HubServer, Reply, http};
use crate::rabbit::Rabbit;

/// A little more than the archive is left to file what was published a moment ago.
const FILED: SignedDuration = SignedDuration::from_secs(61);

/// How much earlier than the last contact the reading begins.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);

#[tokio::test]
async fn what_was_published_while_nothing_ran_is_read_in_the_archive_and_told_once() {
    let mut archive = Archive::start().await;
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let mut clock = Clock::set();
    desk.more = clock.environment();
    archive.is_known_to(&desk.home);
    let mut daemon = desk.daemon().await;
    let bash = archive.files(&clock, "05-build-building-to-complete.json", of("bash", 101, "alice"));
    let before = clock.now();
    desk.publisher.publish_recorded(&bash).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-101.fc44 is built");
    desk.all_is_acknowledged().await;
    let after = clock.now();
    daemon.signal("TERM");
    assert!(daemon.end().await.success());
    desk.vhost.delete_queue(&desk.vhost.queues().await[0].name).await;

    // Of what she had to do with most is no news to her: so there are two pages.
    clock.put_forward(SignedDuration::from_hours(3));
    let mut unsaid = Vec::new();
    for id in 0..60 {
        unsaid.push(archive.files(&clock, "08-tag-f44-by-other.json", |it| {
            of("others", 200 + id, "kojiadmin")(it);
            it["user"] = "alice".into();
        }));
    }
    for (name, package, id) in [
        ("45-build-building-to-failed.json", "gcc", 102),
        ("05-build-building-to-complete.json", "zsh", 103),
        ("08-tag-f44-by-other.json", "zsh", 103),
    ] {
        unsaid.push(archive.files(&clock, name, of(package, id, "alice")));
    }
    archive.files(&clock, "05-build-building-to-complete.json", of("make", 104, "bob"));
    for message in &unsaid {
        desk.publisher.publish_recorded(message).await;
    }
    clock.put_forward(SignedDuration::from_hours(2));
    assert!(archive.server.all_asked().is_empty());

    let mut daemon = desk.daemon().await;
    let nano = archive.files(&clock, "05-build-building-to-complete.json", of("nano", 105, "alice"));
    desk.publisher.publish_recorded(&nano).await;
    assert_eq!(desk.shown().await.title, "nano-5.3-105.fc44 is built");
    goes_on(&desk, &mut clock).await;
    let [first, second] = [archive.asked().await, archive.asked().await];
    expect![[r#"
        user=alice
        topic=org.fedoraproject.prod.buildsys.build.state.change
        topic=org.fedoraproject.prod.buildsys.tag
        topic=org.fedoraproject.prod.buildsys.task.state.change
        topic=org.fedoraproject.prod.buildsys.untag
        order=asc
        rows_per_page=50
        page=1
    "#]]
    .assert_eq(&first.words);
    assert_eq!(second.words, first.words.replace("page=1", "page=2"));
    assert_eq!(second.start, first.start);
    assert_between(before - OVERLAP, first.start, after - OVERLAP);
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(desk.shown().await.title);
    }
    assert_eq!(
        told,
        [
            "gcc-5.3-102.fc44 failed",
            "zsh-5.3-103.fc44 is built",
            "zsh-5.3-103.fc44 was tagged"
        ]
    );

    // The bus brings it late, and a next life reads it again.
    for message in &unsaid {
        desk.publisher.publish_recorded(message).await;
    }
    desk.build_is_done(106).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-106.fc44 is built");
    desk.all_is_acknowledged().await;
    daemon.signal("TERM");
    assert!(daemon.end().await.success());
    let _daemon = desk.daemon().await;
    desk.build_is_done(107).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-107.fc44 is built");
    goes_on(&desk, &mut clock).await;
    // The life before ended so soon after it had read that all of it is left to the next.
    let again = archive.asked().await;
    assert_between(first.start, again.start, first.start + SignedDuration::from_mins(1));
    archive.asked().await;
    desk.build_is_done(108).await;
    assert_eq!(desk.shown().await.title, "bash-5.3-108.fc44 is built");
    assert_eq!(desk.more_shown(), [""; 0]);
    assert!(archive.server.all_asked().is_empty());
}

#[tokio::test]
async fn beside_a_hub_the_archive_is_asked_for_tags_alone_and_nothing_is_told_by_both() {
    let mut archive = Archive::start().await;
    let mut scene = Scene::new().await;
    archive.is_known_to(&scene.desk.home);
    let _daemon = scene.daemon().await;
    let queue = scene.desk.vhost.consumed_queue().await.name;
    let before = scene.now();
    scene.is_done(900).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-900.fc44 is built");
    scene.desk.vhost.clear_permissions("fedora").await;
    scene.desk.vhost.close_connections("maintenance").await;
    scene.desk.status_when(|it| it.instances[0].link == "down").await;
    let after = scene.now();
    scene.desk.vhost.delete_queue(&queue).await;

    let mut unsaid = Vec::new();
    scene
        .sleeps(SignedDuration::from_hours(5), |hub, began| {
            set(hub, began + SignedDuration::from_hours(1));
            unsaid.extend(hub.build("alice", "bash-5.3-1.fc44").messages);
            set(hub, began + SignedDuration::from_hours(2));
            unsaid.extend(hub.tag("f43", "bash-5.3-1.fc44"));
            unsaid.extend(hub.build("bob", "make-4.4-1.fc44").messages);
        })
        .await;
    archive.filed.lock().unwrap().extend(unsaid.iter().cloned());
    assert_eq!(scene.desk.shown().await.title, "bash-5.3-1.fc44 is built");
    scene.publish(&unsaid).await;
    assert!(archive.server.all_asked().is_empty());

    scene.desk.vhost.permit_like_fedora("fedora").await;
    scene.sleeps(SignedDuration::from_mins(10), |_, _| ()).await;
    scene.desk.vhost.consumed_queue().await;
    scene.is_done(901).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-901.fc44 is built");
    scene.desk.all_is_acknowledged().await;
    scene.goes_on(FILED).await;
    let asked = archive.asked().await;
    expect![[r#"
        user=alice
        topic=org.fedoraproject.prod.buildsys.tag
        topic=org.fedoraproject.prod.buildsys.untag
        order=asc
        rows_per_page=50
        page=1
    "#]]
    .assert_eq(&asked.words);
    assert_between(before - OVERLAP, asked.start, after - OVERLAP);
    check(
        &scene.desk.shown().await,
        expect![[r#"
            title: While you were away: news about 1 build
            body: "Tagged: bash-5.3-1.fc44"
            action default: Open Koji
            action list: Show list
        "#]],
    );

    // Late, the bus says all of it.
    scene.publish(&unsaid).await;
    scene.is_done(902).await;
    assert_eq!(scene.desk.shown().await.title, "nano-8.2-902.fc44 is built");
    scene.desk.all_is_acknowledged().await;
    assert_eq!(scene.desk.more_shown(), [""; 0]);
    assert!(archive.server.all_asked().is_empty());
}

/// Lets the time pass after which the archive is read.
async fn goes_on(desk: &Desk<'_>, clock: &mut Clock) {
    desk.all_is_acknowledged().await;
    clock.go_on(FILED);
    desk.remote().await.unmute("nobodys-package").await.unwrap();
}

/// Makes a message one about a build of this package.
fn of(package: &'static str, id: u64, owner: &'static str) -> impl Fn(&mut Value) {
    move |it| {
        it["name"] = package.into();
        it["version"] = "5.3".into();
        it["release"] = format!("{id}.fc44").into();
        it["build_id"] = id.into();
        it["owner"] = owner.into();
        if !it["task_id"].is_null() {
            it["task_id"] = (id + 1000).into();
            it["task"]["id"] = (id + 1000).into();
        }
    }
}

/// Compares a time, given in whole seconds, with a span.
fn assert_between(first: Timestamp, time: Timestamp, last: Timestamp) {
    let seconds = first.as_second()..=last.as_second();
    assert!(seconds.contains(&time.as_second()), "{first} {time} {last}");
}

/// An archive of messages that answers as datagrepper does.
struct Archive {
    server: HubServer,
    /// As the laboratory records messages.
    filed: Arc<Mutex<Vec<Value>>>,
}

/// What the archive was asked for.
struct Search {
    /// Name and value, a line each, but for the start.
    words: String,
    start: Timestamp,
}

/// More than the archive is asked for in any story.
const REQUESTS: usize = 20;

impl Archive {
    async fn start() -> Self {
        let filed = Arc::<Mutex<Vec<Value>>>::default();
        let replies = (0..REQUESTS).map(|_| {
            let filed = Arc::clone(&filed);
            Reply::Made(Box::new(move |asked| answer(asked, &filed.lock().unwrap())))
        });
        Self {
            server: HubServer::start(replies).await,
            filed: Arc::clone(&filed),
        }
    }

    /// Has the configuration name it. Where builds are tagged is to be told, too.
    fn is_known_to(&self, home: &Home) {
        let address = format!("http://127.0.0.1:{}/datagrepper", self.server.port);
        let config = home.config();
        let config = config.replace("[tell]\n", "[tell]\ntagged = true\n").replace(
            "[instance.lab]\n",
            &format!("[instance.lab]\ndatagrepper = \"{address}\"\n"),
        );
        home.write_config(&config);
    }

    /// Files a recorded message, changed a little, as of now, and returns it.
    fn files(&self, clock: &Clock, name: &str, change: impl FnOnce(&mut Value)) -> Value {
        let text = fs::read(fixtures().join("lab").join(name)).unwrap();
        let mut message: Value = serde_json::from_slice(&text).unwrap();
        let now = clock.now().strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
        let body = &mut message["body_json"];
        change(body);
        for time in ["creation_time", "completion_time"] {
            if !body[time].is_null() {
                body[time] = (*now).into();
            }
        }
        let users = [&body["user"], &body["owner"]].map(|it| it.as_str().map(ToOwned::to_owned));
        let package = body["name"].as_str().unwrap().to_owned();
        let headers = message["properties"]["headers"].as_object_mut().unwrap();
        headers.retain(|it, _| !it.starts_with("fedora_messaging_user_") && !it.starts_with("fedora_messaging_rpm_"));
        for user in users.into_iter().flatten() {
            headers.insert(format!("fedora_messaging_user_{user}"), true.into());
        }
        headers.insert(format!("fedora_messaging_rpm_{package}"), true.into());
        headers.insert("sent-at".to_owned(), (*now).into());
        message["properties"]["message_id"] = uuid::Uuid::new_v4().to_string().into();
        self.filed.lock().unwrap().push(message.clone());
        message
    }

    /// Waits for the next request.
    async fn asked(&mut self) -> Search {
        let (path, query) = target(&self.server.asked().await);
        assert_eq!(path, "/datagrepper/v2/search");
        let (start, others): (Vec<_>, Vec<_>) = query.into_iter().partition(|(name, _)| name == "start");
        let line = |(name, value): (String, String)| format!("{name}={value}\n");
        Search {
            words: others.into_iter().map(line).collect(),
            start: Timestamp::from_second(start[0].1.parse().unwrap()).unwrap(),
        }
    }
}

/// Answers as datagrepper does: kinds of parameters all hold, of one kind any.
fn answer(asked: &Asked, filed: &[Value]) -> Vec<u8> {
    if asked.header("accept") != Some("application/json") {
        return http("200 OK", "Content-Type: text/html\r\n", b"<html>");
    }
    let (_, query) = target(asked);
    let all = |name: &'static str| query.iter().filter(move |it| it.0 == name).map(|it| &*it.1);
    let one = |name: &'static str| all(name).next().unwrap().parse::<usize>().unwrap();
    let has = |message: &Value, kind: &str, name: &str| {
        !message["properties"]["headers"][format!("fedora_messaging_{kind}_{name}")].is_null()
    };
    let sent = |message: &Value| -> Timestamp {
        let sent = message["properties"]["headers"]["sent-at"].as_str().unwrap();
        sent.parse().unwrap()
    };
    let start = Timestamp::from_second(one("start") as i64).unwrap();
    let mut found: Vec<_> = filed
        .iter()
        .filter(|it| all("topic").any(|topic| it["deliver"]["routing_key"] == topic))
        .filter(|it| all("user").next().is_none() || all("user").any(|user| has(it, "user", user)))
        .filter(|it| all("package").next().is_none() || all("package").any(|package| has(it, "rpm", package)))
        .filter(|it| sent(it) >= start)
        .collect();
    found.sort_by_key(|it| sent(it));
    assert_eq!(all("order").collect::<Vec<_>>(), ["asc"]);
    let rows = one("rows_per_page").min(100);
    let page = found.chunks(rows).nth(one("page") - 1).unwrap_or_default();
    let messages = page.iter().map(|it| {
        json!({
            "topic": it["deliver"]["routing_key"], "id": it["properties"]["message_id"],
            "headers": it["properties"]["headers"], "body": it["body_json"], "queue": null,
            "priority": it["properties"]["priority"],
        })
    });
    let body = json!({
        "arguments": {"order": "asc"}, "count": page.len(), "pages": found.len().div_ceil(rows), "total": found.len(),
        "raw_messages": messages.collect::<Vec<_>>(),
    });
    let body = body.to_string();
    http("200 OK", "Content-Type: application/json\r\n", body.as_bytes())
}

/// Returns the path and the query of a request.
fn target(asked: &Asked) -> (String, Vec<(String, String)>) {
    let line = asked.request_line();
    let target = line.split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap();
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    (path.to_owned(), query)
}
