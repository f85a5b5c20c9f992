//! A notification server that leaves, hangs or refuses, and a session bus that is gone.

use super::trial::Trial;
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

async fn leaves(trial: &mut Trial<'_>) {
    trial.look();
    trial.desk.server_leaves().await;
    // Whether the daemon has noticed: nobody is asked to show anything before.
    trial.desk.status_when(|it| !it.notifications).await;
}

fn freeze(trial: &mut Trial<'_>, frozen: bool) {
    trial.desk.server.as_ref().unwrap().freeze(frozen);
}
