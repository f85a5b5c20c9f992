//! The small hub's answers beside those that were recorded of the real one: the same keys, the same types, the same
//! faults, the same headers.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value as Json, json};

use super::SmallHub;
use super::client::{Connection, headers};
use super::{Login, Told};
use crate::decoding::fixtures;
use crate::recorded_hub::{Document, Exchange, Message, Value, call, exchanges};

/// When the laboratory's exchanges were recorded.
const THEN: f64 = 1_795_195_754.0;

/// Recorded with a session, over TLS, or not XML-RPC at all: looked at by other tests.
const OTHERS: [&str; 26] = [
    "43", "44", "45", "46", "47", "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61",
    "62", "63", "64", "65", "66", "67", "31",
];

#[tokio::test]
async fn what_the_real_hub_answered_to_anybody_it_answers_in_the_same_shape() {
    let (hub, ids) = laboratory();
    let mut client = Connection::to(hub.port).await;
    let mut compared = 0;
    for exchange in exchanges() {
        if OTHERS.contains(&&exchange.name[..2]) {
            continue;
        }
        let Ok(Document::Call { method, arguments }) = Document::parse(&exchange.request.body) else {
            panic!("{}: not a call", exchange.name);
        };
        let arguments: Vec<Value> = arguments.iter().map(|it| ids.in_place(it)).collect();
        let body = call(&method, &arguments);
        let answer = client.send("POST", "/kojihub", body.as_bytes()).await.unwrap();
        compare(&exchange, &answer, &ids);
        compared += 1;
    }
    assert_eq!(compared, 41);
}

#[tokio::test]
async fn logs_of_a_build_are_listed_as_the_real_hub_lists_them() {
    let (hub, ids) = laboratory();
    let mut client = Connection::to(hub.port).await;
    let recorded = exchanges().into_iter().find(|it| it.name == "31-getBuildLogs").unwrap();
    let answer = client.send("POST", "/kojihub", &recorded.request.body).await.unwrap();
    compare(&recorded, &answer, &ids);
    let sorted = |it: &[u8]| {
        let answer = Document::parse(it).unwrap().answer();
        let mut paths: Vec<String> = answer
            .items()
            .iter()
            .map(|it| it.member("path").text().to_owned())
            .collect();
        paths.sort();
        paths
    };
    assert_eq!(sorted(&answer.body), sorted(&recorded.answer.unwrap().body));
}

#[tokio::test]
async fn a_session_goes_as_it_went_with_the_real_hub() {
    let (hub, ids) = laboratory();
    let recorded: BTreeMap<String, Exchange> = exchanges()
        .into_iter()
        .map(|it| (it.name[..2].to_owned(), it))
        .collect();
    let mut client = Connection::to(hub.port).await;
    let refused = client
        .send("POST", "/kojihub/ssllogin", &recorded["53"].request.body)
        .await;
    compare(&recorded["53"], &refused.unwrap(), &ids);

    hub.set_login(Login::Anybody { user: "alice" });
    let login = client
        .send("POST", "/kojihub/ssllogin", &recorded["43"].request.body)
        .await;
    let login = login.unwrap();
    compare(&recorded["43"], &login, &ids);
    let session = Document::parse(&login.body).unwrap().answer();
    // Who it is, two cancellations, a build, the session itself, and the end; then once more, too late.
    for (callnum, name) in (0..).zip(["44", "45", "46", "47", "48", "49", "50"]) {
        client.headers = headers(&session, callnum);
        let body = ids.call(&recorded[name]);
        let answer = client.send("POST", "/kojihub", body.as_bytes()).await.unwrap();
        compare(&recorded[name], &answer, &ids);
    }
    assert_eq!(hub.take_messages().len(), 1, "the scratch build of alice was canceled");

    client.headers.clear();
    let login = client.post("/kojihub/ssllogin", "sslLogin", json!([])).await.unwrap();
    let session = Document::parse(&login.body).unwrap().answer();
    client.headers = headers(&session, 0);
    client.headers[1].1 = "1-wrong".to_owned();
    let body = ids.call(&recorded["51"]);
    compare(
        &recorded["51"],
        &client.send("POST", "/kojihub", body.as_bytes()).await.unwrap(),
        &ids,
    );

    // A build with the number 500, the same again, and then a smaller number.
    for (callnum, name) in [(500, "59"), (500, "60"), (10, "61")] {
        client.headers = headers(&session, callnum);
        let body = ids.call(&recorded[name]);
        let answer = client.send("POST", "/kojihub", body.as_bytes()).await.unwrap();
        compare(&recorded[name], &answer, &ids);
    }
    hub.expire_sessions();
    client.headers = headers(&session, 501);
    let expired = client
        .send("POST", "/kojihub", &recorded["57"].request.body)
        .await
        .unwrap();
    compare(&recorded["57"], &expired, &ids);
    let renew = json!([{"renew": true, "proxyuser": null, "__starstar": true}]);
    let renewed = client.post("/kojihub/ssllogin", "sslLogin", renew).await.unwrap();
    let renewed = Document::parse(&renewed.body).unwrap().answer();
    assert_eq!(renewed.member("session-id"), session.member("session-id"));
    assert_ne!(renewed.member("session-key"), session.member("session-key"));
    client.headers = headers(&renewed, 0);
    assert_eq!(
        client.value("getLoggedInUser", json!([])).await.member("name").text(),
        "alice"
    );
}

#[tokio::test]
async fn what_is_no_call_is_refused_as_the_real_hub_refuses_it() {
    let hub = SmallHub::start();
    for exchange in exchanges().into_iter().skip_while(|it| it.name != "65-raw-GET") {
        let mut client = Connection::to(hub.port).await;
        let (method, _) = exchange.request.first_line.split_once(' ').unwrap();
        let answer = client.send(method, "/kojihub", &exchange.request.body).await.unwrap();
        let expected = exchange.answer.unwrap();
        assert_eq!(answer.first_line, expected.first_line, "{}", exchange.name);
        assert_eq!(answer.body, expected.body, "{}", exchange.name);
        assert_eq!(answer.headers.get("allow"), expected.headers.get("allow"));
    }
    let mut client = Connection::to(hub.port).await;
    let huge = vec![b' '; (4 << 20) + 1];
    assert_eq!(client.send("POST", "/kojihub", &huge).await.unwrap().status(), 400);
}

#[test]
fn its_messages_have_the_shape_of_the_recorded_ones() {
    let hub = SmallHub::start();
    let recorded = |name: &str| -> Json {
        let text = fs::read(fixtures().join(format!("lab/{name}.json"))).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    let built = hub.build("alice", "hello-1.0-1.fc44");
    let [started, complete, tagged] = &built.messages[..] else {
        panic!("{:?}", built.messages);
    };
    same_message(started, &recorded("04-build-none-to-building"));
    same_message(complete, &recorded("05-build-building-to-complete"));
    same_message(tagged, &recorded("06-tag-f44-signing-pending-by-owner"));
    let untagged = hub.untag("f44-signing-pending", "hello-1.0-1.fc44");
    same_message(&untagged[0], &recorded("07-untag-f44-signing-pending-by-other"));
    same_message(&hub.tag("f44", "hello-1.0-1.fc44")[0], &recorded("08-tag-f44-by-other"));
    let repo = hub.new_repo("f44-build");
    same_message(&repo[0], &recorded("02-repo-init"));
    same_message(&repo[1], &recorded("03-repo-done"));

    let scratch = hub.submit_scratch("alice", "hello-1.1-1.fc44").task;
    let begun = hub.begin(scratch).messages;
    same_message(&begun[0], &recorded("09-scratchtask-free-to-assigned"));
    same_message(&begun[1], &recorded("10-scratchtask-assigned-to-open"));
    hub.srpm_done(scratch);
    let failed = hub.arch_fails_with(scratch, "aarch64", json!({"can_fail": true}));
    assert!(failed.messages.is_empty(), "the other architecture goes on");
    let failed = hub.arch_done(scratch, "x86_64").messages;
    same_message(&failed[0], &recorded("20-scratchtask-open-to-failed"));

    let failing = hub.submit_with("alice", "hello-1.2-1.fc44", json!({"epoch": 1})).task;
    hub.begin(failing);
    hub.srpm_done(failing);
    let failed = hub.arch_fails(failing, "x86_64").messages;
    same_message(&failed[0], &recorded("21-build-building-to-failed-epoch"));
}

/// A hub that knows what the recorded exchanges ask for: alice has a scratch build and a build under way, one that
/// failed on x86_64, and one that is complete.
fn laboratory() -> (SmallHub, Ids) {
    let hub = SmallHub::start();
    hub.set_now(THEN - 500.0);
    let bob = hub.submit("bob", "tree-2.0-1.fc44");
    // Begun, as in the laboratory: it is asked for by the number of its build only.
    hub.ask(json!({"op": "add_build", "nvr": "hello-201-1795195548", "owner": "alice"}));
    hub.build("alice", "hello-5.1-1795195716.fc44");
    hub.advance(15.0);
    let under_way = |scratch: bool, nvr: &str| -> Told {
        let task = hub.submit_with("alice", nvr, json!({"scratch": scratch})).task;
        hub.advance(1.0);
        hub.begin(task);
        hub.advance(1.0);
        hub.srpm_done(task)
    };
    let scratch = under_way(true, "tree-5.1-1795195746.fc44");
    let build = under_way(false, "hello-5.1-1795195746.fc44");
    let failed = under_way(false, "gnome-tweaks-5.1-1795195746.fc44");
    let failed = hub.arch_fails_with(
        failed.task,
        "x86_64",
        json!({"logs": {"build.log": "gcc: error\n".repeat(8)}}),
    );
    let pairs = [
        (122, scratch.task),
        (123, build.task),
        (124, failed.task),
        (130, failed.child("x86_64")),
        (21, bob.task),
    ];
    hub.set_now(THEN);
    let ids = Ids(pairs
        .map(|(theirs, ours)| (theirs, i64::try_from(ours).unwrap()))
        .into());
    (hub, ids)
}

/// What the laboratory's task ids are here.
struct Ids(BTreeMap<i64, i64>);

impl Ids {
    fn in_place(&self, value: &Value) -> Value {
        match value {
            Value::Int(it) => Value::Int(*self.0.get(it).unwrap_or(it)),
            Value::Array(it) => Value::Array(it.iter().map(|it| self.in_place(it)).collect()),
            // Owners and limits are small numbers too.
            Value::Struct(it) if it.contains_key("taskID") || it.contains_key("methodName") => {
                Value::Struct(it.iter().map(|(key, it)| (key.clone(), self.in_place(it))).collect())
            }
            other => other.clone(),
        }
    }

    fn in_text(&self, text: &str) -> String {
        let words = text.split(' ').map(|word| match word.parse() {
            Ok(id) => self.0.get(&id).map_or_else(|| word.to_owned(), i64::to_string),
            Err(_) => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Returns the recorded call with our ids.
    fn call(&self, exchange: &Exchange) -> String {
        match Document::parse(&exchange.request.body) {
            Ok(Document::Call { method, arguments }) => {
                let arguments: Vec<Value> = arguments.iter().map(|it| self.in_place(it)).collect();
                call(&method, &arguments)
            }
            other => panic!("{}: {other:?}", exchange.name),
        }
    }
}

fn compare(recorded: &Exchange, ours: &Message, ids: &Ids) {
    let name = &recorded.name;
    let theirs = recorded.answer.as_ref().unwrap();
    assert_eq!(ours.first_line, theirs.first_line, "{name}");
    let names = |it: &Message| it.headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(ours), names(theirs), "{name}");
    assert_eq!(ours.headers["koji-version"], theirs.headers["koji-version"], "{name}");
    match (
        Document::parse(&ours.body).unwrap(),
        Document::parse(&theirs.body).unwrap(),
    ) {
        (Document::Answer(ours), Document::Answer(theirs)) => {
            if let Err(difference) = fits(&ours, &theirs, "") {
                panic!("{name}: {difference}\nours: {ours:?}\ntheirs: {theirs:?}");
            }
        }
        (
            Document::Fault { code, text },
            Document::Fault {
                code: their_code,
                text: their_text,
            },
        ) => {
            // The session has another number here.
            let is_of_session = their_text.contains("session");
            assert_eq!(code, their_code, "{name}: {text}");
            assert!(
                is_of_session || text == ids.in_text(&their_text),
                "{name}: {text}, not {their_text}"
            );
        }
        (ours, theirs) => panic!("{name}: {ours:?}, not {theirs:?}"),
    }
}

/// Says where our value is not of the recorded one's shape.
fn fits(ours: &Value, theirs: &Value, at: &str) -> Result<(), String> {
    // What a task was asked for and what came of it is of any shape.
    let is_free = ["request", "result", "extra"].iter().any(|it| at.ends_with(it));
    match (ours, theirs) {
        (Value::Nil, _) | (_, Value::Nil) => Ok(()),
        (Value::Array(_), Value::Array(_)) if is_free => Ok(()),
        (Value::Struct(_), Value::Struct(_)) if is_free => Ok(()),
        (Value::Array(ours), Value::Array(theirs)) => {
            if ours.is_empty() != theirs.is_empty() {
                return Err(format!("{at}: {} items, not {}", ours.len(), theirs.len()));
            }
            for item in ours {
                let tried: Vec<_> = theirs.iter().map(|it| fits(item, it, at)).collect();
                if !tried.iter().any(Result::is_ok) {
                    return tried.into_iter().next().unwrap();
                }
            }
            Ok(())
        }
        (Value::Struct(ours), Value::Struct(theirs)) => {
            let is_by_id = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
            if ours.keys().chain(theirs.keys()).all(|it| is_by_id(it)) {
                let values = |it: &BTreeMap<String, Value>| {
                    let lists = it.values().flat_map(|it| it.items().to_vec());
                    Value::Array(lists.collect())
                };
                return fits(&values(ours), &values(theirs), at);
            }
            if !ours.keys().eq(theirs.keys()) {
                return Err(format!("{at}: {:?}, not {:?}", ours.keys(), theirs.keys()));
            }
            ours.iter()
                .try_for_each(|(key, it)| fits(it, &theirs[key], &format!("{at}.{key}")))
        }
        _ if std::mem::discriminant(ours) == std::mem::discriminant(theirs) => Ok(()),
        _ => Err(format!("{at}: {ours:?}, not {theirs:?}")),
    }
}

fn same_message(ours: &Json, recorded: &Json) {
    let shape = |it: &Json| {
        let value = json!({"deliver": it["deliver"], "properties": it["properties"], "body": it["body_json"]});
        Value::from(value)
    };
    if let Err(difference) = fits(&shape(ours), &shape(recorded), "") {
        panic!("{difference}\nours: {ours}\nrecorded: {recorded}");
    }
    for same in [
        "/deliver/routing_key",
        "/properties/headers/fedora_messaging_schema",
        "/body_json/old",
        "/body_json/new",
    ] {
        assert_eq!(ours.pointer(same), recorded.pointer(same), "{same}");
    }
}
