//! A notification server that leaves, hangs or refuses, and a session bus that is gone.

use std::collections::HashMap;

use zbus::zvariant::Value;

use super::oracle;
use super::trial::Trial;
use crate::end_to_end::desk::{Desk, within};
use crate::notices::server::{Call, NAME, PATH};
use crate::rabbit::Rabbit;
use crate::session_bus::SessionBus;

#[tokio::test]
async fn a_server_that_leaves_hangs_or_refuses_costs_nothing() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let daemon = trial.desk.daemon().await;
    trial.builds_end(1).await;
    trial.all_is_told().await;
    // It leaves, and news comes before the next one does.
    leaves(&mut trial).await;
    trial.builds_end(2).await;
    trial.desk.status_when(|it| it.waiting == 2).await;
    trial.desk.server_appears().await;
    trial.all_is_told().await;
    // It refuses one, and is asked again when it is heard of.
    trial.desk.server.as_ref().unwrap().refuse_next();
    trial.builds_end(2).await;
    trial.all_is_told().await;
    // It hangs on a call, and takes it after all.
    freeze(&mut trial, true);
    trial.builds_end(2).await;
    trial.desk.status_when(|it| !it.notifications).await;
    freeze(&mut trial, false);
    trial.all_is_told().await;
    // It hangs on a call, and is killed.
    freeze(&mut trial, true);
    trial.builds_end(2).await;
    trial.desk.status_when(|it| !it.notifications).await;
    leaves(&mut trial).await;
    trial.builds_end(1).await;
    trial.desk.server_appears().await;
    trial.all_is_told().await;
    // It swallows one call, and answers the others.
    let server = trial.desk.server.as_ref().unwrap();
    server.swallow_next();
    trial.builds_end(1).await;
    trial.desk.server.as_ref().unwrap().swallowed().await;
    trial.builds_end(1).await;
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn what_no_server_took_is_told_in_the_next_life() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let daemon = trial.desk.daemon().await;
    leaves(&mut trial).await;
    trial.builds_end(3).await;
    trial.desk.status_when(|it| it.waiting == 3).await;
    trial.desk.all_is_acknowledged().await;
    trial.kill(daemon).await;
    trial.desk.server_appears().await;
    let daemon = trial.desk.daemon().await;
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn a_session_bus_that_is_gone_ends_it_and_the_next_session_is_told_the_rest() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let mut daemon = trial.desk.daemon().await;
    trial.builds_end(2).await;
    trial.all_is_told().await;
    trial.desk.all_is_acknowledged().await;
    let server = trial.desk.server.take().unwrap();
    trial.desk.bus = SessionBus::start();
    drop(server);
    trial.builds_end(1).await;
    // Without a bus it can show nothing any more, and whoever starts it again is not to find the queue and the journal
    // in the hands of one that nobody can reach.
    let ended = daemon.end().await;
    assert_eq!(ended.code(), Some(1), "{}", daemon.log());
    assert!(daemon.log().contains("the session bus is gone"), "{}", daemon.log());
    trial.builds_end(1).await;

    trial.oracle.another_bus();
    trial.desk.server_appears().await;
    let daemon = trial.desk.daemon().await;
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn what_a_life_left_on_screen_is_closed_once_by_the_next() {
    for end in ["KILL", "TERM"] {
        let mut trial = Trial::new(Rabbit::shared().await).await;
        let mut daemon = trial.desk.daemon().await;
        let mut left = Vec::new();
        for id in [1, 2, 3] {
            left.push(fails(&mut trial.desk, id).await.id);
        }
        // One of them somebody has seen.
        let seen = left.remove(1);
        trial.desk.server.as_ref().unwrap().close(seen, 2).await;
        left.push(fails(&mut trial.desk, 4).await.id);
        left.push(fails(&mut trial.desk, 5).await.id);
        trial.desk.all_is_acknowledged().await;
        daemon.signal(end);
        assert_eq!(daemon.end().await.success(), end == "TERM");
        assert_eq!(oracle::on_screen(&trial.state_folder()), left);

        for (life, number) in [(2, 6), (3, 7)] {
            let mut daemon = trial.desk.daemon().await;
            let fresh = fails(&mut trial.desk, number).await.id;
            let server = trial.desk.server.as_mut().unwrap();
            let mut closed = Vec::new();
            for _ in &left {
                closed.push(within("a close", server.closes.recv()).await.unwrap());
            }
            closed.sort();
            assert_eq!(closed, left, "life {life}");
            assert!(server.closes.is_empty(), "life {life}");
            assert_eq!(trial.desk.more_shown(), [""; 0], "life {life}");
            left = vec![fresh];
            trial.desk.all_is_acknowledged().await;
            daemon.signal(end);
            daemon.end().await;
        }
    }
}

#[tokio::test]
async fn what_others_show_on_another_server_is_not_closed() {
    for replaced_before in [true, false] {
        let mut trial = Trial::new(Rabbit::shared().await).await;
        let mut daemon = trial.desk.daemon().await;
        let ours = fails(&mut trial.desk, 1).await.id;
        trial.desk.all_is_acknowledged().await;
        if replaced_before {
            leaves(&mut trial).await;
            trial.desk.server_appears().await;
            trial.desk.status_when(|it| it.notifications).await;
        }
        daemon.kill().await;
        if !replaced_before {
            trial.desk.server_leaves().await;
            trial.desk.server_appears().await;
        }
        // Another server counts from the same number.
        let other = trial.desk.bus.connect().await;
        let (nothing, none) = (Vec::<&str>::new(), HashMap::<&str, Value<'_>>::new());
        let letter = ("mail", 0_u32, "", "You have mail", "", nothing, none, -1_i32);
        let answer = other.call_method(Some(NAME), PATH, Some(NAME), "Notify", &letter).await;
        let theirs: u32 = answer.unwrap().body().deserialize().unwrap();
        assert_eq!(theirs, ours);
        assert_eq!(trial.desk.shown().await.title, "You have mail");

        let _daemon = trial.desk.daemon().await;
        fails(&mut trial.desk, 2).await;
        assert!(trial.desk.server.as_ref().unwrap().closes.is_empty());
        assert_eq!(trial.desk.more_shown(), [""; 0]);
    }
}

/// A build fails, and is told.
async fn fails(desk: &mut Desk<'_>, id: u64) -> Call {
    desk.build(id, Some(0), 3).await;
    let call = desk.shown().await;
    assert_eq!(call.title, format!("bash-5.3-{id}.fc44 failed"));
    call
}

async fn leaves(trial: &mut Trial<'_>) {
    trial.look();
    trial.desk.server_leaves().await;
    // Whether the daemon has noticed: nobody is asked to show anything before.
    trial.desk.status_when(|it| !it.notifications).await;
}

fn freeze(trial: &mut Trial<'_>, frozen: bool) {
    trial.desk.server.as_ref().unwrap().freeze(frozen);
}
