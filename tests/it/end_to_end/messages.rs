//! What the broker sends, told on D-Bus to whoever asked for it in the configuration.

use futures_util::{FutureExt as _, StreamExt as _};
use koji_notify::bus::recorded::Recorded;
use serde_json::Value;

use super::desk::{Desk, within};
use crate::rabbit::Rabbit;

#[tokio::test]
async fn each_message_is_told_whole_where_that_is_wanted() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let config = desk.home.config();
    desk.home.write_config(&format!("{config}\n[dbus]\nmessages = true\n"));
    let _daemon = desk.daemon().await;
    let remote = desk.remote().await;
    let mut told = remote.receive_message_received().await.unwrap();
    desk.build_is_done(1).await;

    let message = within("a message", told.next()).await.unwrap();
    let args = message.args().unwrap();
    assert!(args.topic.contains(".buildsys."), "{}", args.topic);
    let line: Value = serde_json::from_str(args.json).unwrap();
    assert_eq!(line["topic"], args.topic);
    assert_eq!(line["instance"], "lab");
    // It is what `replay` reads.
    let recorded = Recorded::from_line(args.json).unwrap();
    let body: Value = serde_json::from_slice(&recorded.body).unwrap();
    assert_eq!(body["build_id"], 1, "{body}");
    assert_eq!(desk.shown().await.title, "bash-5.3-1.fc44 is built");
}

#[tokio::test]
async fn nobody_is_told_of_messages_unasked() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    let remote = desk.remote().await;
    let mut told = remote.receive_message_received().await.unwrap();
    let mut changes = remote.receive_changed().await.unwrap();
    desk.build_is_done(1).await;
    desk.shown().await;
    // It would have been told before.
    within("a change", changes.next()).await.unwrap();
    assert!(told.next().now_or_never().is_none());
}
