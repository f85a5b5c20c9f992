//! The whole program at a hub from before Koji 1.31, which reads a session from the address.

use std::collections::BTreeMap;

use super::house::{House, new_task};
use crate::faults::secrets::{gather, holds};
use crate::small_hub::{For, Trouble};

#[tokio::test]
async fn a_failed_build_is_submitted_again_in_a_session_that_is_in_the_address() {
    let mut house = House::by_certificate().await;
    house.hub.be_old();
    let mut daemon = house.daemon_in_session().await;
    house.fails("bash-5.3-1.fc44").await;
    assert_eq!(house.submits_again("bash").await.title, "bash was submitted again");
    assert_eq!(house.calls("resubmitTask").len(), 1);
    house.ends(&mut daemon).await;

    let calls = house.hub.calls();
    let logins = calls.iter().filter(|it| it.method.as_deref() == Some("sslLogin"));
    assert_eq!(logins.count(), 1);
    let in_session: Vec<_> = calls.iter().filter(|it| it.session).collect();
    for (number, call) in in_session.iter().enumerate() {
        assert_eq!(call.query, ["callnum", "session-id", "session-key"], "{call:?}");
        assert_eq!(call.callnum, Some(number.to_string()), "{call:?}");
    }
    // At least who we are, a look, what was to be done, and that we leave.
    assert!(in_session.len() > 3, "{calls:?}");
}

#[tokio::test]
async fn a_session_that_has_expired_is_made_anew_and_the_build_submitted_once() {
    let mut house = House::by_certificate().await;
    house.hub.be_old();
    let mut daemon = house.daemon_in_session().await;
    house.fails("bash-5.3-1.fc44").await;
    house.hub.take_calls();
    house.hub.expire_sessions();
    let told = house.submits_again("bash").await;
    assert_eq!(told.title, "bash was submitted again");
    let calls = house.calls("sslLogin");
    // The renewal was refused, as such a hub knows none.
    assert_eq!(calls.iter().map(|it| it.session).collect::<Vec<_>>(), [true, false]);
    assert_eq!(house.hub.session_keys().len(), 2);
    // It was submitted once: the next task has the next number.
    let next = house.hub.submit("bob", "tree-2.2-1.fc44").task;
    assert_eq!(next, new_task(&told) + 1);
    house.ends(&mut daemon).await;
}

#[tokio::test]
async fn the_session_in_the_address_is_written_nowhere() {
    let mut house = House::by_certificate().await;
    house.hub.be_old();
    house.desk.loudness = "-vv";
    house
        .desk
        .more
        .push(("KOJI_NOTIFY_LOG".into(), "trace,koji_notify=trace,hyper=trace".into()));
    let mut daemon = house.daemon_in_session().await;
    house.fails("bash-5.3-1.fc44").await;
    // Apache says in full what it could not have of the hub.
    for trouble in [Trouble::Drop, Trouble::Status(500), Trouble::Garbage("no")] {
        let times = Some(1);
        let method = Some("listTasks");
        house.hub.take_calls();
        house.hub.trouble_for(For { method, times }, trouble);
        house.looks().await;
        house.hub.wait_for_calls(1, method).await;
    }
    house.hub.no_trouble();
    assert_eq!(house.submits_again("bash").await.title, "bash was submitted again");
    house.hub.expire_sessions();
    house.looks().await;
    let status = house.desk.run(&["status", "--json"]).await.output;
    house.desk.status_when(|it| it.instances[0].hub == "answers").await;
    daemon.signal("TERM");
    assert!(daemon.end().await.success());

    let mut places = BTreeMap::new();
    for folder in [".local/state", ".cache"] {
        gather(&house.desk.home.path(folder), &mut places);
    }
    places.insert("the log".to_owned(), daemon.log().into_bytes());
    places.insert("status".to_owned(), status.into_bytes());
    let keys = house.hub.session_keys();
    assert!(!keys.is_empty());
    for (place, text) in &places {
        for key in &keys {
            assert!(!holds(text, key), "a session's key is in {place}");
        }
    }
    let log = daemon.log();
    assert!(log.contains("DEBUG") && log.contains("logged in"), "{log}");
    assert!(!log.contains("session-key="), "{log}");
}
