//! Notifications against a server of our own on a private bus: one that does everything that servers were seen to do.

pub(crate) mod server;

use std::future::Future;
use std::process::Command;
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use koji_notify::desktop::notices::{self, CALL_LIMIT, Order};
use koji_notify::view::{Action, Card, Urgency};
use koji_notify::watch::{Closed, Event, MuteFor, Muting, NoticeId, Outcome, PauseFor, Posted, Request};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zbus::{Connection, fdo};

use self::server::{Call, NAME, PATH, Server};
use crate::session_bus::SessionBus;

/// No wait in these tests is longer than this, and none should ever come near.
const PATIENCE: Duration = Duration::from_secs(20);
const EVERYTHING: &[&str] = &["actions", "body", "body-markup", "persistence"];
const NOTHING: &[&str] = &["body"];

#[tokio::test]
async fn a_server_that_can_do_everything_gets_everything() {
    check_card(
        EVERYTHING,
        "/usr/share/icons/koji.svg",
        Card {
            body: "<koji@x> & \"it's\"\nf43".to_owned(),
            sound: Some("complete"),
            ..card(1)
        },
        expect![[r#"
            Notify from koji-notify, icon /usr/share/icons/koji.svg, instead of 0, timeout -1
            title: bash <b>is</b> & built
            body: "&lt;koji@x&gt; &amp; &quot;it&apos;s&quot;\nf43"
            action default: Open
            action log: Open log
            action mute: Mute bash
            hint category: "transfer.complete"
            hint desktop-entry: "org.fedoraproject.KojiNotify"
            hint image-path: "/usr/share/icons/koji.svg"
            hint sound-name: "complete"
            hint urgency: byte 0x01
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_server_that_knows_neither_markup_nor_buttons_gets_plain_text() {
    check_card(
        NOTHING,
        "org.fedoraproject.KojiNotify",
        Card {
            body: "<koji@x> & \"it's\"".to_owned(),
            urgency: Urgency::Critical,
            expires: false,
            ..card(1)
        },
        expect![[r#"
            Notify from koji-notify, icon org.fedoraproject.KojiNotify, instead of 0, timeout 0
            title: bash <b>is</b> & built
            body: "<koji@x> & \"it's\""
            hint category: "transfer.complete"
            hint desktop-entry: "org.fedoraproject.KojiNotify"
            hint suppress-sound: true
            hint urgency: byte 0x02
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_notice_changes_in_place_until_it_is_closed_and_all_come_by_one_connection() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    let first = stage.show_and_take(card(1)).await;
    let other = stage.show_and_take(card(2)).await;
    let again = stage
        .show_and_take(Card {
            replaces: true,
            ..card(1)
        })
        .await;
    assert_eq!([first.replaces, other.replaces, again.replaces], [0, 0, first.id]);
    assert_eq!(again.id, first.id);

    stage.server().close(first.id, 2).await;
    assert_eq!(stage.event().await, Event::Closed(NoticeId(1), Closed::Dismissed));
    let late = stage
        .show_and_take(Card {
            replaces: true,
            ..card(1)
        })
        .await;
    assert_eq!(late.replaces, 0, "what is closed cannot be replaced");

    let senders = [&first, &other, &again, &late].map(|it| it.sender.as_str());
    assert_eq!(senders, [stage.us.as_str(); 4]);
}

/// A person could not open the log of a failure whose reason has just come.
#[tokio::test]
async fn what_would_lose_its_buttons_in_its_place_comes_as_something_new() {
    for (version, is_new) in [("43.9", true), ("46.0", false)] {
        let bus = SessionBus::start();
        let server = Server::start_as(&bus, ("gnome-shell", version), EVERYTHING).await;
        let mut stage = Stage::on(bus).await;
        stage.server = Some(server);
        assert_eq!(stage.event().await, Event::ServerChanged(true));
        let first = stage.show_and_take(card(1)).await;
        let again = stage
            .show_and_take(Card {
                replaces: true,
                ..card(1)
            })
            .await;
        assert_eq!(again.replaces == 0, is_new, "{version}");
        assert_eq!(again.id != first.id, is_new, "{version}");
        if is_new {
            assert_eq!(stage.closed_by_us().await, first.id);
            // Its end is none of the notice, which is on screen under another number.
            stage.server().close(first.id, 3).await;
        }
        stage.server().close(again.id, 2).await;
        assert_eq!(stage.event().await, Event::Closed(NoticeId(1), Closed::Dismissed));
    }
}

#[tokio::test]
async fn abilities_are_asked_once_for_each_server_and_numbers_are_forgotten_with_it() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    let before = stage.show_and_take(card(1)).await;
    assert_eq!(before.actions.len(), 6);
    stage.show_and_take(card(2)).await;
    assert_eq!(stage.server().asked(), 1);

    stage.server_leaves().await;
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    stage.order(Order::Show(card(3)));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(3), Outcome::Lost));

    stage.server_appears(NOTHING).await;
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    let after = stage
        .show_and_take(Card {
            replaces: true,
            ..card(1)
        })
        .await;
    assert_eq!(after.replaces, 0);
    assert!(after.actions.is_empty(), "the new server was asked what it can do");
    assert_eq!(stage.server().asked(), 1);
    stage.server().click(before.id + 1, "default").await;
    stage.server().close(after.id, 1).await;
    assert_eq!(
        stage.event().await,
        Event::Closed(NoticeId(1), Closed::Expired),
        "and nothing about a notification of the server before"
    );
}

#[tokio::test]
async fn a_server_that_takes_the_name_over_is_another_one() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.show_and_take(card(1)).await;
    let old = stage.server.take();
    stage.server_appears(EVERYTHING).await;
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    assert_eq!(stage.show_and_take(card(1)).await.replaces, 0);
    drop(old);
}

#[tokio::test]
async fn a_server_that_takes_over_while_the_old_one_has_our_call_is_asked_what_it_can_do() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.show_and_take(card(1)).await;
    stage.server().swallow_next();
    stage.order(Order::Show(card(2)));
    within(stage.server().swallowed()).await;
    let old = stage.server.take();
    stage.server_appears(NOTHING).await;
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(2), Outcome::Lost));
    let call = stage.show_and_take(card(2)).await;
    assert!(call.actions.is_empty(), "{call}");
    drop(old);
}

#[tokio::test]
async fn without_a_server_everything_is_lost_at_once_until_one_appears() {
    let mut stage = Stage::without_server().await;
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    let asked = Instant::now();
    for number in 1..=3 {
        stage.order(Order::Show(card(number)));
        assert_eq!(stage.event().await, Event::Shown(NoticeId(number), Outcome::Lost));
    }
    assert!(asked.elapsed() < CALL_LIMIT);
    stage.server_appears(EVERYTHING).await;
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    stage.show_and_take(card(1)).await;
}

#[tokio::test]
async fn a_hanging_server_loses_within_the_limit_and_holds_up_nobody() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.show_and_take(card(50)).await;
    stage.server().freeze(true);
    let asked = Instant::now();
    for number in 1..=40 {
        stage.order(Order::Show(card(number)));
    }
    stage.order(Order::Withdraw(NoticeId(1)));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Lost));
    assert!(asked.elapsed() >= CALL_LIMIT);
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    for number in 2..=40 {
        assert_eq!(stage.event().await, Event::Shown(NoticeId(number), Outcome::Lost));
    }
    assert!(asked.elapsed() < CALL_LIMIT * 2, "one limit for all, not one for each");

    stage.server().freeze(false);
    let late = stage.call().await;
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Taken));
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    assert_eq!(stage.closed_by_us().await, late.id, "it was withdrawn meanwhile");
    let next = stage.show_and_take(card(2)).await;
    assert_eq!(next.title, "bash <b>is</b> & built");
}

#[tokio::test]
async fn a_server_that_hangs_before_it_has_introduced_itself_is_used_when_it_answers() {
    let bus = SessionBus::start();
    let server = Server::start(&bus, EVERYTHING).await;
    server.freeze(true);
    let mut stage = Stage::on(bus).await;
    stage.server = Some(server);
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    let asked = Instant::now();
    stage.order(Order::Show(card(1)));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Lost));
    assert!(asked.elapsed() < CALL_LIMIT, "it is known that it hangs");
    stage.server().freeze(false);
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    assert_eq!(stage.show_and_take(card(1)).await.actions.len(), 6);
}

#[tokio::test]
async fn what_a_hanging_server_took_after_all_is_replaced_and_not_shown_twice() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.show_and_take(card(50)).await;
    stage.server().freeze(true);
    stage.order(Order::Show(card(1)));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Lost));
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    stage.server().freeze(false);
    let late = stage.call().await;
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Taken));
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    assert_eq!(stage.show_and_take(card(1)).await.replaces, late.id);
}

#[tokio::test]
async fn a_server_that_swallows_one_call_and_answers_others_is_used_again() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.server().swallow_next();
    stage.order(Order::Show(card(1)));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Lost));
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    stage.show_and_take(card(1)).await;
}

#[tokio::test]
async fn a_frozen_server_that_is_killed_makes_room_for_the_next() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.show_and_take(card(50)).await;
    stage.server().freeze(true);
    stage.order(Order::Show(card(1)));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Lost));
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    stage.server_leaves().await;
    stage.server_appears(EVERYTHING).await;
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    assert_eq!(stage.show_and_take(card(1)).await.replaces, 0);
}

#[tokio::test]
async fn a_server_that_dies_with_our_call_loses_it_at_once() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.server().swallow_next();
    stage.order(Order::Show(card(1)));
    within(stage.server().swallowed()).await;
    let killed = Instant::now();
    stage.server_leaves().await;
    let mut events = [stage.event().await, stage.event().await];
    events.sort_by_key(|it| matches!(it, Event::ServerChanged(_)));
    assert_eq!(
        events,
        [Event::Shown(NoticeId(1), Outcome::Lost), Event::ServerChanged(false)]
    );
    assert!(killed.elapsed() < CALL_LIMIT);
}

#[tokio::test]
async fn a_refusal_loses_one_notice_and_keeps_the_order() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.server().refuse_next();
    for number in 1..=3 {
        stage.order(Order::Show(card(number)));
    }
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Lost));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(2), Outcome::Taken));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(3), Outcome::Taken));
}

#[tokio::test]
async fn a_click_asks_for_what_its_button_means_with_the_token_that_came_before_it() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    let call = stage.show_and_take(card(1)).await;
    let server = stage.server();
    server.grant(call.id, "token-1").await;
    server.click(call.id, "default").await;
    server.click(call.id, "log").await;
    server.click(call.id, "mute").await;
    assert_eq!(stage.event().await, Event::Asked(open("build", Some("token-1"))));
    assert_eq!(
        stage.event().await,
        Event::Asked(open("log", None)),
        "a token is for one click"
    );
    assert_eq!(stage.event().await, Event::Asked(mute()));
}

#[tokio::test]
async fn a_changed_notice_has_the_buttons_of_its_last_card() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.show_and_take(card(1)).await;
    let call = stage
        .show_and_take(Card {
            actions: vec![action("default", "Open", open("other", None))],
            ..card(1)
        })
        .await;
    stage.server().click(call.id, "log").await;
    stage.server().click(call.id, "default").await;
    assert_eq!(stage.event().await, Event::Asked(open("other", None)));
}

#[tokio::test]
async fn each_reason_of_a_close_is_told_once_and_a_click_may_come_after_it() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    let reasons = [
        (1, Closed::Expired),
        (2, Closed::Dismissed),
        (3, Closed::Otherwise),
        (4, Closed::Otherwise),
        (77, Closed::Otherwise),
    ];
    for (number, (reason, meaning)) in reasons.into_iter().enumerate() {
        let notice = 10 + number as u64;
        let call = stage.show_and_take(card(notice)).await;
        stage.server().close(call.id, reason).await;
        stage.server().close(call.id, reason).await;
        stage.server().click(call.id, "mute").await;
        assert_eq!(stage.event().await, Event::Closed(NoticeId(notice), meaning));
        assert_eq!(stage.event().await, Event::Asked(mute()));
    }
}

#[tokio::test]
async fn other_numbers_keys_senders_and_nonsense_mean_nothing_to_us() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    let call = stage.show_and_take(card(1)).await;
    let stranger = stage.bus.connect().await;
    for (member, body) in [("ActionInvoked", "mute"), ("ActivationToken", "stolen")] {
        let body = (call.id, body);
        for to in [None, Some(stage.us.as_str())] {
            stranger.emit_signal(to, PATH, NAME, member, &body).await.unwrap();
        }
    }
    let to_us = Some(stage.us.as_str());
    let body = (call.id, 2u32);
    stranger
        .emit_signal(to_us, PATH, NAME, "NotificationClosed", &body)
        .await
        .unwrap();
    let gone = (NAME, stage.server().connection.unique_name().unwrap().as_str(), "");
    let (path, interface) = ("/org/freedesktop/DBus", "org.freedesktop.DBus");
    stranger
        .emit_signal(to_us, path, interface, "NameOwnerChanged", &gone)
        .await
        .unwrap();
    // The bus has passed all of that on before it answers.
    fdo::DBusProxy::new(&stranger).await.unwrap().get_id().await.unwrap();

    let server = stage.server();
    server.click(call.id + 1, "default").await;
    server.click(call.id, "no such key").await;
    server.close(call.id + 1, 1).await;
    server.emit("ActionInvoked", &("text", 1u32)).await;
    server.emit("NotificationClosed", &call.id).await;
    server.emit("SomethingNew", &call.id).await;
    server.click(call.id, "default").await;
    assert_eq!(stage.event().await, Event::Asked(open("build", None)));
}

#[tokio::test]
async fn a_withdrawn_notice_is_closed_by_its_number() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    let call = stage.show_and_take(card(1)).await;
    stage.order(Order::Withdraw(NoticeId(99)));
    stage.order(Order::Withdraw(NoticeId(1)));
    assert_eq!(stage.closed_by_us().await, call.id);
    stage.server().close(call.id, 3).await;
    assert_eq!(stage.event().await, Event::Closed(NoticeId(1), Closed::Otherwise));
}

#[tokio::test]
async fn a_server_that_d_bus_can_start_counts_as_present_and_is_started() {
    let bus = SessionBus::start();
    let mut service = Service::of(&bus).await;
    let mut stage = Stage::on(bus).await;
    assert_eq!(stage.event().await, Event::ServerChanged(true));

    stage.order(Order::Show(card(1)));
    service.started().await;
    stage.server_appears(EVERYTHING).await;
    assert_eq!(stage.call().await.actions.len(), 6);
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Taken));

    // Some servers leave when they have nothing to show; the next notice starts them again.
    stage.server_leaves().await;
    stage.server_appears(EVERYTHING).await;
    stage.show_and_take(card(2)).await;
}

#[tokio::test]
async fn a_server_that_died_with_a_notice_is_started_again_for_it() {
    let bus = SessionBus::start();
    let mut service = Service::of(&bus).await;
    let server = Server::start(&bus, EVERYTHING).await;
    let mut stage = Stage::on(bus).await;
    stage.server = Some(server);
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    stage.server().swallow_next();
    stage.order(Order::Show(card(1)));
    within(stage.server().swallowed()).await;
    stage.server_leaves().await;
    let mut events = [stage.event().await, stage.event().await];
    events.sort_by_key(|it| matches!(it, Event::ServerChanged(_)));
    let lost = Event::Shown(NoticeId(1), Outcome::Lost);
    assert_eq!(events, [lost, Event::ServerChanged(false)]);

    service.started().await;
    stage.server_appears(EVERYTHING).await;
    assert_eq!(
        stage.event().await,
        Event::ServerChanged(true),
        "so the watch tries again"
    );
    stage.show_and_take(card(1)).await;
}

#[tokio::test]
async fn a_server_that_d_bus_fails_to_start_is_absent() {
    let bus = SessionBus::start();
    bus.add_service(NAME, "/bin/false").await;
    let mut stage = Stage::on(bus).await;
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    stage.order(Order::Show(card(1)));
    assert_eq!(stage.event().await, Event::Shown(NoticeId(1), Outcome::Lost));
    assert_eq!(stage.event().await, Event::ServerChanged(false));
    stage.server_appears(EVERYTHING).await;
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    stage.show_and_take(card(1)).await;
}

#[tokio::test]
async fn an_inbox_that_nobody_reads_does_not_stop_the_connection() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    let call = stage.show_and_take(card(1)).await;
    for _ in 0..1000 {
        stage.server().click(call.id, "mute").await;
    }
    // zbus stops reading when 64 messages wait in a stream; then this would find no answer.
    let bus = fdo::DBusProxy::new(&stage.connection).await.unwrap();
    within(bus.get_id()).await.unwrap();

    // Some clicks were dropped, and orders wait; both are taken up again when the events are read.
    stage.order(Order::Show(card(2)));
    let mut clicks = 0;
    loop {
        match stage.event().await {
            Event::Asked(_) => clicks += 1,
            other => {
                assert_eq!(other, Event::Shown(NoticeId(2), Outcome::Taken));
                break;
            }
        }
    }
    assert!((1..1000).contains(&clicks), "{clicks}");
}

#[tokio::test]
async fn it_ends_when_there_will_be_no_more_orders_and_after_the_last_one() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    stage.order(Order::Show(card(1)));
    stage.order(Order::Show(card(2)));
    let (gone, _) = mpsc::channel(1);
    stage.orders = gone;
    stage.call().await;
    stage.call().await;
    within(stage.task).await.unwrap();
}

#[tokio::test]
async fn a_bus_that_ends_leaves_every_order_answered() {
    let Stage {
        bus,
        server,
        orders,
        mut events,
        task,
        ..
    } = Stage::with_server(EVERYTHING).await;
    drop(bus);
    drop(server);
    assert_eq!(within(events.recv()).await, Some(Event::ServerChanged(false)));
    orders.send(Order::Show(card(1))).await.unwrap();
    let answer = Event::Shown(NoticeId(1), Outcome::Lost);
    assert_eq!(within(events.recv()).await, Some(answer));
    drop(orders);
    within(task).await.unwrap();
}

async fn check_card(capabilities: &[&str], icon: &str, card: Card, expected: Expect) {
    let bus = SessionBus::start();
    let server = Server::start(&bus, capabilities).await;
    let mut stage = Stage::with_icon(bus, icon).await;
    stage.server = Some(server);
    assert_eq!(stage.event().await, Event::ServerChanged(true));
    let call = stage.show_and_take(card).await;
    expected.assert_eq(&call.to_string());
}

fn card(notice: u64) -> Card {
    Card {
        notice: NoticeId(notice),
        replaces: false,
        title: "bash <b>is</b> & built".to_owned(),
        body: String::new(),
        quoted: 0..0,
        urgency: Urgency::Normal,
        category: "transfer.complete",
        sound: None,
        expires: true,
        actions: vec![
            action("log", "Open log", open("log", None)),
            action("default", "Open", open("build", None)),
            action("mute", "Mute bash", mute()),
        ],
    }
}

fn action(key: &'static str, label: &str, request: Request) -> Action {
    let label = label.to_owned();
    Action { key, label, request }
}

fn open(what: &str, token: Option<&str>) -> Request {
    Request::Open {
        about: None,
        link: format!("https://koji.example/{what}"),
        token: token.map(str::to_owned),
    }
}

fn mute() -> Request {
    Request::Mute {
        muting: Muting::Package("bash".to_owned()),
        until: MuteFor::Lasting(PauseFor::UntilTomorrow),
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it took too long")
}

/// A service that D-Bus starts: it knocks, and then waits like a server that takes its time, until this is dropped.
struct Service {
    _dir: TempDir,
    knock: pipe::Receiver,
    _door: pipe::Sender,
}

impl Service {
    /// Makes a notification server startable.
    async fn of(bus: &SessionBus) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [knock, door] = ["knock", "door"].map(|it| dir.path().join(it));
        assert!(Command::new("mkfifo").args([&knock, &door]).status().unwrap().success());
        let (knocks, waits) = (knock.display(), door.display());
        let exec = format!("/bin/sh -c \"echo > {knocks}; exec timeout 60 cat {waits}\"");
        bus.add_service(NAME, &exec).await;
        Self {
            _dir: dir,
            knock: pipe::OpenOptions::new().read_write(true).open_receiver(knock).unwrap(),
            _door: pipe::OpenOptions::new().read_write(true).open_sender(door).unwrap(),
        }
    }

    /// Returns when D-Bus has started it.
    async fn started(&mut self) {
        within(self.knock.read_u8()).await.unwrap();
    }
}

/// A bus, our notices on it, and a server, if there is one.
#[tokio::test]
async fn what_an_earlier_run_left_on_this_server_is_closed() {
    let mut stage = Stage::with_server(EVERYTHING).await;
    for number in [1, 2] {
        stage.show_and_take(card(number)).await;
    }
    let [(NoticeId(1), at)] = stage.posted.as_slice() else {
        panic!("{:?}", stage.posted);
    };
    let elsewhere = Posted {
        server: format!("{} :1.999", at.server.split(' ').next().unwrap()),
        number: 77,
    };
    let at = at.clone();
    stage.order(Order::TakeDown(vec![elsewhere, at.clone()]));
    assert_eq!(
        stage.closed_by_us().await,
        at.number,
        "the other one is on another server"
    );
}

struct Stage {
    bus: SessionBus,
    server: Option<Server>,
    connection: Connection,
    us: String,
    orders: mpsc::Sender<Order>,
    events: mpsc::Receiver<Event>,
    /// Where the notices are that were taken.
    posted: Vec<(NoticeId, Posted)>,
    task: JoinHandle<()>,
}

impl Stage {
    async fn with_server(capabilities: &[&str]) -> Self {
        let bus = SessionBus::start();
        let server = Server::start(&bus, capabilities).await;
        let mut stage = Self::on(bus).await;
        stage.server = Some(server);
        assert_eq!(stage.event().await, Event::ServerChanged(true));
        stage
    }

    async fn without_server() -> Self {
        Self::on(SessionBus::start()).await
    }

    async fn on(bus: SessionBus) -> Self {
        Self::with_icon(bus, "icon").await
    }

    async fn with_icon(bus: SessionBus, icon: &str) -> Self {
        let connection = bus.connect().await;
        let us = connection.unique_name().unwrap().to_string();
        let (orders, to_do) = mpsc::channel(64);
        let (inbox, events) = mpsc::channel(1);
        let task = tokio::spawn(notices::run(connection.clone(), icon.to_owned(), to_do, inbox));
        Self {
            bus,
            server: None,
            connection,
            us,
            orders,
            events,
            posted: Vec::new(),
            task,
        }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    async fn server_appears(&mut self, capabilities: &[&str]) {
        self.server = Some(Server::start(&self.bus, capabilities).await);
    }

    async fn server_leaves(&mut self) {
        let server = self.server.take().unwrap();
        server.connection.close().await.unwrap();
    }

    /// Never waits: the queue has room for what a test orders.
    fn order(&self, order: Order) {
        self.orders.try_send(order).unwrap();
    }

    /// Returns what has happened next; where the notices are on screen is kept aside.
    async fn event(&mut self) -> Event {
        loop {
            match within(self.events.recv()).await.unwrap() {
                Event::Posted(notice, posted) => self.posted.push((notice, posted)),
                other => return other,
            }
        }
    }

    async fn call(&mut self) -> Call {
        within(self.server.as_mut().unwrap().calls.recv()).await.unwrap()
    }

    async fn closed_by_us(&mut self) -> u32 {
        within(self.server.as_mut().unwrap().closes.recv()).await.unwrap()
    }

    /// Shows a card that is taken, and returns the call that did it.
    async fn show_and_take(&mut self, card: Card) -> Call {
        let notice = card.notice;
        self.order(Order::Show(card));
        assert_eq!(self.event().await, Event::Shown(notice, Outcome::Taken));
        self.call().await
    }
}
