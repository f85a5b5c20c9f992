//! The whole program at a hub that takes a Kerberos ticket.

use expect_test::{Expect, expect};
use jiff::SignedDuration;

use super::house::{House, new_task};
use crate::apache::Realm;

#[tokio::test]
async fn with_a_ticket_a_failed_build_is_submitted_again_and_the_session_ends_with_the_daemon() {
    let realm = Realm::start();
    realm.log_in("alice");
    let mut house = House::by_ticket(&realm, "").await;
    let mut daemon = house.daemon_in_session().await;
    check(
        &house.check().await,
        expect!["✓ lab: login to the hub: By Kerberos, with the ticket that is there: the hub knows you as alice"],
    );
    let knows_me = "The hub answers, and knows you as alice";
    house.desk.status_when(|it| it.instances[0].hub_text == knows_me).await;
    house.fails("bash-5.3-1.fc44").await;

    let told = house.submits_again("bash").await;
    assert_eq!(told.title, "bash was submitted again");
    house.hub.wait_for_answers(1, Some("resubmitTask")).await;
    let done = house.calls("resubmitTask");
    assert_eq!(done.len(), 1, "{done:?}");
    assert!(done[0].session);
    // The new task is followed.
    house.hub.cancel_task(new_task(&told));
    house.looks().await;
    house.shown_with("bash was canceled", "").await;

    house.ends(&mut daemon).await;
    assert!(!daemon.log().contains("not logged in"));
}

#[tokio::test]
async fn whom_the_hub_knows_me_as_counts_where_the_configuration_does_not_say_it() {
    let realm = Realm::start();
    // The ticket is somebody else's.
    realm.log_in("alice");
    let keytab = format!("principal = \"bob\"\nkeytab = \"FILE:{}\"", realm.keytab().display());
    let mut house = House::by_ticket(&realm, &keytab).await;
    house.nobody_says_who_i_am();
    let mut daemon = house.daemon_in_session().await;
    check(
        &house.check().await,
        expect!["✓ lab: login to the hub: By Kerberos, as bob: the hub knows you as bob"],
    );
    house.fails_for("bob", "bash-5.3-1.fc44").await;
    assert_eq!(house.submits_again("bash").await.title, "bash was submitted again");
    house.ends(&mut daemon).await;
}

#[tokio::test]
async fn without_a_ticket_it_is_said_and_what_is_read_is_told_all_the_same() {
    let realm = Realm::start();
    let mut house = House::by_ticket(&realm, "").await;
    let _daemon = house.daemon(|it| it.instances[0].hub == "login-refused").await;
    house.fails("bash-5.3-1.fc44").await;
    let status = house.desk.status_when(|it| it.failed == 1).await;
    check(
        &status.instances[0].hub_text,
        expect![[r#"
            The login to the hub did not work (there is no Kerberos ticket; kinit gets one)"#]],
    );
    check(
        &house.check().await,
        expect![[r#"
            ✗ lab: login to the hub: By Kerberos, with the ticket that is there (there is no Kerberos ticket; kinit gets one)
                Check the login to the hub; with Kerberos, get a new ticket"#]],
    );
    let words = house.desk.run(&["status"]).await.output;
    assert!(words.contains("The login to the hub did not work"), "{words}");

    let told = house.submits_again("bash").await;
    check(
        &format!("{}\n{}", told.title, told.body),
        expect![[r#"
            Could not submit bash again
            there is no Kerberos ticket; kinit gets one"#]],
    );
    assert_eq!(house.calls("resubmitTask").len(), 0);
    assert_eq!(house.hub.session_keys(), [""; 0]);
    assert!(house.hub.calls().iter().all(|it| !it.session));
}

#[tokio::test]
async fn a_ticket_that_has_expired_is_said_and_a_new_one_is_found() {
    let realm = Realm::start();
    realm.log_in_and_expire("alice");
    let mut house = House::by_ticket(&realm, "").await;
    let mut daemon = house.daemon(|it| it.instances[0].hub == "login-refused").await;
    let status = house.desk.status_when(|it| it.instances[0].last_answer > 0).await;
    check(
        &status.instances[0].hub_text,
        expect!["The login to the hub did not work (there is no Kerberos ticket that can be used: Ticket expired.)"],
    );
    check(
        &house.check().await,
        expect![[r#"
            ✗ lab: login to the hub: By Kerberos, with the ticket that is there (there is no Kerberos ticket that can be used: Ticket expired.)
                Check the login to the hub; with Kerberos, get a new ticket"#]],
    );
    house.fails("bash-5.3-1.fc44").await;

    // By itself, after a while.
    realm.log_in("alice");
    house.clock.put_forward(SignedDuration::from_mins(16));
    house.looks().await;
    house.desk.status_when(|it| it.instances[0].hub == "answers").await;
    assert_eq!(house.hub.session_keys().len(), 1);
    house.ends(&mut daemon).await;
}

#[tokio::test]
async fn a_new_ticket_counts_at_once_for_what_is_to_be_done() {
    let realm = Realm::start();
    let mut house = House::by_ticket(&realm, "").await;
    let mut daemon = house.daemon(|it| it.instances[0].hub == "login-refused").await;
    house.fails("bash-5.3-1.fc44").await;

    realm.log_in("alice");
    assert_eq!(house.submits_again("bash").await.title, "bash was submitted again");
    // And the trouble is over, as is to be seen.
    house.desk.status_when(|it| it.instances[0].hub == "answers").await;
    house.ends(&mut daemon).await;
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
