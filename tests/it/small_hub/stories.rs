//! Builds at the small hub, told twice: by what it answers, and by the messages, which our own decoder reads.

use std::collections::BTreeMap;
use std::fs;

use koji_notify::bus::decode::{Decoded, Dialect, Envelope, decode};
use koji_notify::koji::{BuildState, Change, HubEvent, TaskState};
use serde_json::{Value, json};

use super::client::Connection;
use super::{Login, SmallHub, Told};
use crate::decoding::shared;
use crate::rabbit::{Publisher, Rabbit};
use crate::recorded_hub::{Document, Value as Answer};

const FREE: i64 = 0;
const CLOSED: i64 = 2;
const CANCELED: i64 = 3;
const FAILED: i64 = 5;

#[test]
fn a_build_from_the_request_to_its_tag() {
    let hub = SmallHub::start();
    let told = hub.build("mona", "bash-5.3-1.fc44");
    let expected = [
        "build bash-5.3-1.fc44 Building",
        "build bash-5.3-1.fc44 Complete",
        "tag f44-signing-pending",
    ];
    assert_eq!(heard(&told.messages), expected);
    assert_eq!(told.task_record["state"], CLOSED);
    assert_eq!(told.build_record["state"], 1);
    assert_eq!(labels(&told), ["srpm", "x86_64", "aarch64", "tag"]);
    // The task was open, and the tag not there, when the build was complete.
    assert_eq!(told.messages[1]["body_json"]["task"]["state"], 1);
}

#[test]
fn a_source_rpm_that_fails_is_a_secret_of_the_hub() {
    let hub = SmallHub::start();
    let task = hub.submit("mona", "bash-5.3-1.fc44").task;
    assert!(hub.begin(task).messages.is_empty());
    let told = hub.srpm_fails(task);
    assert!(told.messages.is_empty() && told.build.is_none());
    assert_eq!(
        (&told.task_record["state"], &told.children[0]["state"]),
        (&json!(FAILED), &json!(FAILED))
    );
}

#[test]
fn one_architecture_takes_the_build_with_it() {
    let hub = SmallHub::start();
    let task = begun(&hub, "bash-5.3-1.fc44");
    let told = hub.arch_fails(task, "x86_64");
    assert_eq!(heard(&told.messages), ["build bash-5.3-1.fc44 Failed"]);
    assert_eq!(
        states(&told),
        [("srpm", CLOSED), ("x86_64", FAILED), ("aarch64", CANCELED)].into()
    );
    assert_eq!(told.task_record["state"], FAILED);
    // The task was still open when the bus heard of it.
    assert_eq!(told.messages[0]["body_json"]["task"]["state"], 1);
}

#[test]
fn where_an_architecture_can_fail_the_news_waits_for_the_slowest() {
    let hub = SmallHub::start();
    let task = begun(&hub, "bash-5.3-1.fc44");
    let told = hub.arch_fails_with(task, "x86_64", json!({"can_fail": true}));
    assert!(told.messages.is_empty());
    assert_eq!(
        (&told.task_record["state"], &told.build_record["state"]),
        (&json!(1), &json!(0))
    );
    let told = hub.arch_done(task, "aarch64");
    assert_eq!(heard(&told.messages), ["build bash-5.3-1.fc44 Failed"]);
    assert_eq!(
        states(&told),
        [("srpm", CLOSED), ("x86_64", FAILED), ("aarch64", CLOSED)].into()
    );
}

#[test]
fn a_scratch_build_is_told_by_its_task_alone() {
    let hub = SmallHub::start();
    let told = hub.submit_scratch("mona", "bash-5.3-1.fc44");
    assert!(told.messages.is_empty());
    let task = told.task;
    let mut messages = hub.begin(task).messages;
    messages.extend(hub.srpm_done(task).messages);
    messages.extend(hub.arch_done(task, "x86_64").messages);
    messages.extend(hub.arch_done(task, "aarch64").messages);
    let told = hub.finish(task);
    messages.extend(told.messages);
    assert_eq!(heard(&messages), ["task Assigned", "task Open", "task Closed"]);
    assert!(told.build.is_none());

    let again = hub
        .submit_with("mona", "bash-5.3-1.fc44", json!({"scratch": true, "upload": true}))
        .task;
    let told = hub.begin(again);
    assert_eq!(told.children[0]["method"], "rebuildSRPM");
    assert_eq!(heard(&hub.srpm_fails(again).messages), ["task Failed"]);
}

#[test]
fn a_task_that_is_canceled_goes_before_its_children_and_a_build_after_its_tasks() {
    let hub = SmallHub::start();
    let child_states = |message: &Value| -> Vec<i64> {
        let children = message["body_json"]["task"]["children"].as_array().unwrap();
        children.iter().map(|it| it["state"].as_i64().unwrap()).collect()
    };
    let told = hub.cancel_task(begun(&hub, "bash-5.3-1.fc44"));
    assert_eq!(heard(&told.messages), ["build bash-5.3-1.fc44 Canceled"]);
    assert_eq!(child_states(&told.messages[0]), [1, CLOSED, 1]);
    assert_eq!(states(&told)["aarch64"], CANCELED);

    begun(&hub, "tree-2.2-1.fc44");
    let told = hub.cancel_build("tree-2.2-1.fc44");
    assert_eq!(heard(&told.messages), ["build tree-2.2-1.fc44 Canceled"]);
    assert_eq!(child_states(&told.messages[0]), [CANCELED, CLOSED, CANCELED]);
}

#[test]
fn a_second_attempt_takes_the_record_of_the_first() {
    let hub = SmallHub::start();
    let first = hub.arch_fails(begun(&hub, "bash-5.3-1.fc44"), "x86_64");
    let second = hub.resubmit(first.task);
    assert_eq!(
        (&second.task_record["state"], &second.task_record["request"]),
        (&json!(FREE), &first.task_record["request"])
    );
    hub.begin(second.task);
    let told = hub.srpm_done(second.task);
    assert_eq!(told.build, first.build);
    assert_eq!(
        (
            &told.messages[0]["body_json"]["old"],
            &told.messages[0]["body_json"]["new"]
        ),
        (&json!(3), &json!(0))
    );
    hub.arch_done(second.task, "x86_64");
    hub.arch_done(second.task, "aarch64");
    hub.finish(second.task);
    // What is built is not built again.
    let third = begun(&hub, "bash-5.3-1.fc44");
    let told = hub.try_to(json!({"op": "arch_done", "task": third, "arch": "x86_64"}));
    assert_eq!(told, Err(format!("task {third} is FAILED, not OPEN")));
}

#[test]
fn a_build_that_cannot_be_tagged_is_complete_and_its_task_failed() {
    let hub = SmallHub::start();
    let task = begun(&hub, "bash-5.3-1.fc44");
    hub.arch_done(task, "x86_64");
    hub.arch_done(task, "aarch64");
    assert_eq!(heard(&hub.complete(task).messages), ["build bash-5.3-1.fc44 Complete"]);
    let told = hub.tag_fails(task, "package bash is blocked for tag f44-signing-pending");
    assert!(told.messages.is_empty());
    assert_eq!(
        (&told.task_record["state"], &told.build_record["state"]),
        (&json!(FAILED), &json!(1))
    );
    assert_eq!(states(&told)["tag"], FAILED);
}

#[test]
fn a_step_that_cannot_be_taken_is_refused() {
    let hub = SmallHub::start();
    let task = hub.submit("mona", "bash-5.3-1.fc44").task;
    let begun = begun(&hub, "tree-2.2-1.fc44");
    let refused = hub.try_to(json!({"op": "finish", "task": begun}));
    assert_eq!(
        refused,
        Err(format!("task {begun} has architectures that are not built"))
    );
    let refused = hub.try_to(json!({"op": "srpm_done", "task": task}));
    assert_eq!(refused, Err(format!("task {task} is FREE, not OPEN")));
    assert!(hub.try_to(json!({"op": "no_such"})).is_err());
    assert!(hub.try_to(json!({"op": "submit", "nvr": "x-1-1"})).is_err());
}

#[tokio::test]
async fn whoever_is_logged_in_may_cancel_and_send_again_what_is_theirs() {
    let hub = SmallHub::start();
    let task = begun(&hub, "bash-5.3-1.fc44");
    let mut client = Connection::to(hub.port).await;
    let refused = |answer: Document, wanted: &str| match answer {
        Document::Fault { text, .. } => assert_eq!(text, wanted),
        it => panic!("{it:?}"),
    };
    let no_login = "you must be logged in for this operation";
    refused(client.call("cancelTask", json!([task])).await, no_login);

    hub.set_login(Login::Anybody { user: "mona" });
    let session = client.post("/kojihub/ssllogin", "sslLogin", json!([])).await.unwrap();
    let session = Document::parse(&session.body).unwrap().answer();
    let mut callnum = 0;
    let mut next = || {
        callnum += 1;
        super::client::headers(&session, callnum)
    };
    client.headers = next();
    let early = "only canceled or failed tasks may be resubmitted";
    refused(client.call("resubmitTask", json!([task])).await, early);
    client.headers = next();
    assert_eq!(client.value("cancelTask", json!([task])).await, Answer::Nil);
    assert_eq!(heard(&hub.take_messages()), ["build bash-5.3-1.fc44 Canceled"]);
    client.headers = next();
    let again = client.value("resubmitTask", json!([task])).await.int();
    assert!(again > i64::try_from(task).unwrap());
    let of_bob = hub.submit("bob", "tree-2.2-1.fc44").task;
    client.headers = next();
    refused(
        client.call("cancelTask", json!([of_bob])).await,
        "Cannot cancel task, not owner",
    );
    client.headers = next();
    assert_eq!(client.value("logout", json!([])).await, Answer::Nil);
    client.headers = next();
    refused(
        client.call("getLoggedInUser", json!([])).await,
        "Invalid session or bad credentials",
    );
}

#[tokio::test]
async fn ten_thousand_tasks_are_made_and_asked_for_in_parts() {
    let hub = SmallHub::start();
    hub.set_now(1_800_000_000.0);
    hub.bulk_ended("mona", 10_000, 1_799_000_000.0);
    let mut client = Connection::to(hub.port).await;
    let mona = client.value("getUser", json!(["mona"])).await.member("id").int();
    let ended = json!({"owner": mona, "parent": null, "completeAfter": 1_799_000_000, "decode": true});
    let count = client.value("listTasks", json!([ended, {"countOnly": true}])).await;
    assert_eq!(count, Answer::Int(10_000));
    let failed = json!({"owner": mona, "state": [5]});
    assert_eq!(
        client.value("listTasks", json!([failed, {"countOnly": true}])).await,
        Answer::Int(1_000)
    );
    let part = client
        .value(
            "listTasks",
            json!([ended, {"order": "-id", "limit": 50, "offset": 100}]),
        )
        .await;
    let ids: Vec<i64> = part.items().iter().map(|it| it.member("id").int()).collect();
    assert_eq!((ids.len(), ids[0], ids[49]), (50, 9_900, 9_851));
    let early =
        json!({"owner": mona, "completeBefore": "2027-01-05 00:00:00", "completeAfter": "2027-01-04T00:00:00Z"});
    let count = client
        .value("listTasks", json!([early, {"countOnly": true}]))
        .await
        .int();
    assert!((860..=868).contains(&count), "a day of such tasks: {count}");
}

#[tokio::test]
async fn what_was_in_a_tag_at_an_event_can_be_asked_later() {
    let hub = SmallHub::start();
    let build = hub.build("mona", "bash-5.3-1.fc44");
    hub.tag("f44", "bash-5.3-1.fc44");
    let mut client = Connection::to(hub.port).await;
    hub.new_repo("f44-build");
    let repo = client.value("getRepo", json!(["f44-build"])).await;
    let event = repo.member("create_event").int();
    hub.untag("f44", "bash-5.3-1.fc44");
    let options = |event: Option<i64>| json!(["f44-build", event, true, null, true, "bash"]);
    let found = client.value("listTagged", options(Some(event))).await;
    let ids: Vec<i64> = found.items().iter().map(|it| it.member("build_id").int()).collect();
    assert_eq!(ids, [i64::try_from(build.build.unwrap()).unwrap()]);
    assert_eq!(found.items()[0].member("tag_name").text(), "f44");
    assert!(client.value("listTagged", options(None)).await.items().is_empty());
}

#[tokio::test]
async fn a_day_of_the_laboratory_ends_as_it_did_and_can_be_looked_at_before() {
    let Some(folder) = shared("samples/lab/day") else {
        return;
    };
    let truth = folder.join("truth.jsonl");
    let hub = SmallHub::start();
    let (from, to) = hub.load_day(&truth);
    let mut client = Connection::to(hub.port).await;
    let mut compared = 0;
    for line in fs::read_to_string(&truth).unwrap().lines() {
        let submitted: Value = serde_json::from_str(line).unwrap();
        if submitted["ev"] != "submit" {
            continue;
        }
        compared += 1;
        let task = &submitted["task"];
        let record = client.value("getTaskInfo", json!([task, true])).await;
        let state = TaskState::from_name(submitted["task_state"].as_str().unwrap()).unwrap();
        assert_eq!(
            TaskState::from_number(record.member("state").int()),
            Some(state),
            "{line}"
        );
        assert_eq!(
            record.member("request").items()[0].text(),
            submitted["src"].as_str().unwrap()
        );
        let builds = client
            .value("listBuilds", json!([{"taskID": task, "__starstar": true}]))
            .await;
        let builds: Vec<_> = builds
            .items()
            .iter()
            .map(|it| (it.member("build_id").int(), it.member("state").int()))
            .collect();
        let known = submitted["build"]["build_id"].as_i64().map(|id| {
            let state = BuildState::from_name(submitted["build"]["state"].as_str().unwrap()).unwrap();
            (id, state)
        });
        let found = builds
            .iter()
            .map(|(id, state)| (*id, BuildState::from_number(*state).unwrap()));
        assert!(found.eq(known), "{line}: {builds:?}");
        if state == TaskState::Failed {
            let fault = client.value("getTaskResult", json!([task, false])).await;
            assert_eq!(
                fault.member("faultString").text(),
                submitted["fault"]["faultString"].as_str().unwrap()
            );
        }
        for child in submitted["failed_children"].as_array().unwrap() {
            let logs = client.value("listTaskOutput", json!([child["id"]])).await;
            assert!(logs.items().len() > 1, "{child}: {logs:?}");
        }
    }
    assert_eq!(compared, 320);

    let count = json!([{"parent": null, "method": "build"}, {"countOnly": true}]);
    let ended = json!([{"parent": null, "method": "build", "state": [2, 3, 5]}, {"countOnly": true}]);
    assert_eq!(client.value("listTasks", ended.clone()).await.int(), 182);
    hub.set_now(from - 1.0);
    assert_eq!(client.value("listTasks", count.clone()).await.int(), 0);
    let mut seen = Vec::new();
    for part in 1..=4 {
        hub.set_now(from + (to - from) * f64::from(part) / 4.0);
        seen.push((
            client.value("listTasks", count.clone()).await.int(),
            client.value("listTasks", ended.clone()).await.int(),
        ));
    }
    assert!(seen.is_sorted() && seen[0].0 > 0, "{seen:?}");
    assert_eq!(seen[3], (320, 182));
}

#[tokio::test]
async fn the_real_library_publishes_its_messages() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let mut publisher = Publisher::start(&vhost).await;
    let hub = SmallHub::start();
    let mut messages = hub.build("mona", "bash-5.3-1.fc44").messages;
    let scratch = hub.submit_scratch("mona", "tree-2.2-1.fc44").task;
    messages.extend(hub.begin(scratch).messages);
    messages.extend(hub.srpm_fails(scratch).messages);
    messages.extend(hub.untag("f44-signing-pending", "bash-5.3-1.fc44"));
    messages.extend(hub.new_repo("f44-build"));
    assert_eq!(messages.len(), 9);
    for message in &messages {
        let id = publisher.publish_recorded(message).await;
        assert_eq!(id, message["properties"]["message_id"]);
    }
}

fn begun(hub: &SmallHub, nvr: &str) -> u64 {
    let task = hub.submit("mona", nvr).task;
    hub.begin(task);
    hub.srpm_done(task);
    task
}

fn labels(told: &Told) -> Vec<&str> {
    told.children.iter().map(|it| it["label"].as_str().unwrap()).collect()
}

fn states(told: &Told) -> BTreeMap<&str, i64> {
    let state = |it: &'_ Value| it["state"].as_i64().unwrap();
    labels(told).into_iter().zip(told.children.iter().map(state)).collect()
}

/// Returns what our own decoder makes of messages.
fn heard(messages: &[Value]) -> Vec<String> {
    let dialect = Dialect::FedoraMessaging {
        topic_prefix: "org.fedoraproject.prod".to_owned(),
        koji_instance: "primary".to_owned(),
    };
    let read = |message: &Value| {
        let body = message["body_json"].to_string();
        let envelope = Envelope {
            topic: message["deliver"]["routing_key"].as_str().unwrap(),
            message_id: message["properties"]["message_id"].as_str(),
            sent_at: message["properties"]["headers"]["sent-at"].as_str(),
            body: body.as_bytes(),
            ..Envelope::default()
        };
        match decode(&dialect, &envelope).unwrap() {
            Decoded::News {
                event: HubEvent::Changed(Change::Build(it)),
                ..
            } => format!("build {} {:?}", it.nvr, it.new),
            Decoded::News {
                event: HubEvent::Changed(Change::Task(it)),
                ..
            } => format!("task {:?}", it.new),
            Decoded::News {
                event: HubEvent::Changed(Change::Tag(it)),
                ..
            } => format!("tag {}", it.tag.unwrap()),
            Decoded::News { event, .. } => panic!("{event:?}"),
            Decoded::NotForUs(reason) => format!("not for us: {reason}"),
        }
    };
    messages.iter().map(read).collect()
}
