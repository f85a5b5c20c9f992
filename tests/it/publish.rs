//! `koji-notify publish` at a real broker: what arrives, what is refused, and what nobody wants.

use std::fs;

use expect_test::{Expect, expect};
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties, Consumer};
use tokio::io::AsyncWriteExt;

use crate::broker::line::build_is_done;
use crate::end_to_end::desk::{Desk, within};
use crate::rabbit::{Rabbit, Vhost};
use crate::tail::House;

const TOPIC: &str = "org.fedoraproject.prod.buildsys.build.state.change";

#[tokio::test]
async fn a_message_arrives_byte_for_byte_with_its_headers_and_properties() {
    let house = House::new().await;
    let mut reader = Reader::open(&house.vhost).await;
    let body = "{\"name\":\r\n \"\u{e4}\",  \"n\": 1.50}\n";
    let words = [
        &["publish", "--instance", "lab", "--topic", TOPIC, "--body", body][..],
        &["--header", "sent-at=2026-11-20T17:54:23+00:00", "--header", "odd=a=b"],
        &["--json-header", "fedora_messaging_severity=20"],
        &["--json-header", "fedora_messaging_user_alice=true"],
        &["--json-header", "list=[1, \"two\", {\"three\": null}]"],
    ]
    .concat();
    let ran = house.as_publisher(&words).await;
    assert_eq!((ran.code, &*ran.errors), (0, ""));
    let id = ran.output.trim_end();
    uuid::Uuid::parse_str(id).unwrap();

    let it = reader.next().await;
    assert_eq!(it.data, body.as_bytes());
    assert_eq!(it.exchange.as_str(), "amq.topic");
    assert_eq!(it.routing_key.as_str(), TOPIC);
    let properties = &it.properties;
    assert_eq!(properties.message_id().as_ref().unwrap().as_str(), id);
    assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/json");
    assert_eq!(properties.content_encoding().as_ref().unwrap().as_str(), "utf-8");
    assert_eq!(*properties.delivery_mode(), Some(2));
    let headers = properties.headers().as_ref().unwrap().inner();
    assert_eq!(headers.len(), 5);
    assert_eq!(
        headers["sent-at"],
        AMQPValue::LongString("2026-11-20T17:54:23+00:00".into())
    );
    assert_eq!(headers["odd"], AMQPValue::LongString("a=b".into()));
    assert_eq!(headers["fedora_messaging_severity"], AMQPValue::LongInt(20));
    assert_eq!(headers["fedora_messaging_user_alice"], AMQPValue::Boolean(true));
    assert!(matches!(&headers["list"], AMQPValue::FieldArray(it) if it.as_slice().len() == 3));
}

#[tokio::test]
async fn the_body_is_a_text_a_file_or_standard_input() {
    let house = House::new().await;
    let mut reader = Reader::open(&house.vhost).await;
    let octets: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let file = house.stage.home.path().join("body");
    fs::write(&file, &octets).unwrap();
    let base = ["publish", "--instance", "lab", "--topic", "a.b"];
    let words = [
        &base[..],
        &["--body-file", file.to_str().unwrap(), "--message-id", "mine"],
    ]
    .concat();
    let ran = house.as_publisher(&words).await;
    assert_eq!((ran.code, &*ran.output, &*ran.errors), (0, "mine\n", ""));
    let it = reader.next().await;
    assert!(it.data == octets);
    assert_eq!(it.properties.message_id().as_ref().unwrap().as_str(), "mine");
    assert!(it.properties.content_type().is_none() && it.properties.content_encoding().is_none());

    let publisher = house.vhost.publisher.clone();
    let words = [&base[..], &["--content-type", "text/x-tea"]].concat();
    let mut command = house.command_with_login(&publisher.name, &publisher.password, &words);
    let mut process = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(b"42").await.unwrap();
    drop(input);
    assert!(within("the end", process.wait()).await.unwrap().success());
    let it = reader.next().await;
    assert_eq!(it.data, b"42");
    assert_eq!(it.properties.content_type().as_ref().unwrap().as_str(), "text/x-tea");

    // Nothing at all is a body as well.
    let ran = house.as_publisher(&[&base[..], &["--body", ""]].concat()).await;
    assert_eq!((ran.code, &*ran.errors), (0, ""));
    assert_eq!(reader.next().await.data, b"");
}

#[tokio::test]
async fn who_may_not_publish_is_refused_in_the_brokers_words() {
    let house = House::new().await;
    let mut reader = Reader::open(&house.vhost).await;
    // The login with which everybody listens.
    let words = ["publish", "--instance", "lab", "--topic", TOPIC, "--body", "{}"];
    let ran = house.run(&words).await;
    assert_eq!((ran.code, &*ran.output), (5, ""));
    check(
        &house.shortened(&ran.errors),
        expect![[r#"
        koji-notify: localhost:PORT refuses the message (403 ACCESS_REFUSED - access to exchange 'amq.topic' in vhost 'VHOST' refused for user 'fedora')
    "#]],
    );
    let afternoon = crate::decoding::fixtures().join("lab/afternoon.jsonl");
    let afternoon = afternoon.to_str().unwrap();
    let ran = house.run(&["publish", "--instance", "lab", "--file", afternoon]).await;
    assert_eq!((ran.code, &*ran.output), (5, ""));
    check(
        &house.shortened(&ran.errors).replace(afternoon, "FILE"),
        expect![[r#"
            koji-notify: FILE, line 1 was not sent
            koji-notify: localhost:PORT refuses the message (403 ACCESS_REFUSED - access to exchange 'amq.topic' in vhost 'VHOST' refused for user 'fedora')
        "#]],
    );
    let ran = house.with_login("stranger", "stranger", &words).await;
    assert_eq!((ran.code, &*ran.output), (5, ""));
    check(
        &house.shortened(&ran.errors),
        expect![[r#"
        koji-notify: lab: localhost:PORT has no such virtual host, or does not let you use it (the login failed: 530 NOT_ALLOWED - access to vhost 'VHOST' refused for user 'stranger')
            Check the virtual host at the end of the broker's address
    "#]],
    );
    // What comes next is the first that comes.
    let ran = house.as_publisher(&words).await;
    assert_eq!(ran.code, 0);
    assert_eq!(
        reader.next().await.properties.message_id().as_ref().unwrap().as_str(),
        ran.output.trim_end()
    );
}

#[tokio::test]
async fn what_no_queue_wants_is_told() {
    let house = House::new().await;
    let ran = house
        .as_publisher(&[
            "publish",
            "--instance",
            "lab",
            "--topic",
            "nobody.cares",
            "--body",
            "{}",
        ])
        .await;
    assert_eq!(ran.code, 0);
    assert_eq!(ran.output.lines().count(), 1);
    check(
        &ran.errors,
        expect![[r#"
            koji-notify: the broker has taken the message, but no queue wants nobody.cares: nobody hears it
        "#]],
    );
}

#[tokio::test]
async fn an_exchange_that_is_not_there_is_told() {
    let house = House::new().await;
    let text = fs::read_to_string(house.config()).unwrap();
    let text = text.replace("topic-prefix =", "exchange = \"nowhere\"\ntopic-prefix =");
    fs::write(house.config(), text).unwrap();
    let ran = house
        .as_publisher(&["publish", "--instance", "lab", "--topic", "a", "--body", "{}"])
        .await;
    assert_eq!((ran.code, &*ran.output), (5, ""));
    check(
        &house.shortened(&ran.errors),
        expect![[r#"
        koji-notify: localhost:PORT refuses the message (404 NOT_FOUND - no exchange 'nowhere' in vhost 'VHOST')
    "#]],
    );
}

#[tokio::test]
async fn what_amqp_has_no_room_for_is_told() {
    let house = House::new().await;
    let _reader = Reader::open(&house.vhost).await;
    let base = ["publish", "--instance", "lab", "--body", "{}", "--topic"];
    let long = "x".repeat(256);
    let (long_name, deep) = (
        format!("{long}=1"),
        format!("deep={}1{}", "[".repeat(40), "]".repeat(40)),
    );
    let many: Vec<String> = (0..600)
        .map(|it| format!("fedora_messaging_rpm_{it:0200}=yes"))
        .collect();
    let many: Vec<&str> = many.iter().flat_map(|it| ["--header", it]).collect();
    let large = house.stage.home.path().join("large");
    fs::write(&large, vec![b'x'; 4 * 1024 * 1024 + 1]).unwrap();
    let large = large.to_str().unwrap();
    let mut told = String::new();
    for words in [
        &[&*long][..],
        &["a", "--header", &long_name],
        &["a", "--json-header", &deep],
        &["a", "--json-header", "n=18446744073709551615"],
        &["a", "--header", "n=1", "--json-header", "n=1"],
        &["a", "--content-type", &long],
        &["a", "--message-id", &long],
        &[&["a"][..], &many].concat(),
    ] {
        let ran = house.as_publisher(&[&base[..], words].concat()).await;
        assert_eq!((ran.code, &*ran.output), (2, ""), "{}", ran.errors);
        told += &ran.errors;
    }
    let words = ["publish", "--instance", "lab", "--topic", "a", "--body-file", large];
    let ran = house.as_publisher(&words).await;
    assert_eq!((ran.code, &*ran.output), (2, ""), "{}", ran.errors);
    told += &ran.errors.replace(large, "FILE");
    check(
        &told,
        expect![[r#"
            koji-notify: the topic has more than 255 bytes
            koji-notify: the name of the header xxxxxxxxxxxxxxxxxxxx… has more than 255 bytes
            koji-notify: a header is nested deeper than 32 levels
            koji-notify: the header n has a number that AMQP has no room for
            koji-notify: the header n is given twice
            koji-notify: the content type has more than 255 bytes
            koji-notify: the message id has more than 255 bytes
            koji-notify: the headers have 138004 bytes, more than the 128224 that the broker takes
            koji-notify: FILE has more than 4194304 bytes
        "#]],
    );
    // As many headers as there is room for do arrive.
    let ran = house.as_publisher(&[&base[..], &["a"], &many[..1000]].concat()).await;
    assert_eq!((ran.code, &*ran.errors), (0, ""));
}

#[tokio::test]
async fn a_recording_is_sent_up_to_where_it_is_broken() {
    let house = House::new().await;
    let mut reader = Reader::open(&house.vhost).await;
    let file = house.stage.home.path().join("day.jsonl");
    let lines = [
        r#"{"topic": "a.b", "headers": {"n": 1}, "id": "1", "body": {"x": 1}, "at": "2026-11-20T17:54:23Z"}"#,
        "",
        r#"{"topic": "a.c", "properties": {"message_id": "2", "type": "tea", "priority": 3}, "body_b64": "/w=="}"#,
        r#"{"topic": "a.d"}"#,
        r#"{"topic": "a.e", "body": {}}"#,
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let ran = house
        .as_publisher(&["publish", "--instance", "lab", "--file", file])
        .await;
    assert_eq!((ran.code, &*ran.output), (1, "1\n2\n"));
    check(
        &ran.errors.replace(file, "FILE"),
        expect![[r#"
        koji-notify: FILE, line 4
          because not a recorded message: there is no body; expected topic, and body, body_text or body_b64
    "#]],
    );
    let it = reader.next().await;
    assert_eq!((it.routing_key.as_str(), &*it.data), ("a.b", &br#"{"x": 1}"#[..]));
    let it = reader.next().await;
    assert_eq!((it.routing_key.as_str(), &*it.data), ("a.c", &b"\xff"[..]));
    assert_eq!(it.properties.kind().as_ref().unwrap().as_str(), "tea");
    assert_eq!(*it.properties.priority(), Some(3));
    let ran = house
        .as_publisher(&["publish", "--instance", "lab", "--file", "/nonexistent/day.jsonl"])
        .await;
    assert_eq!(ran.code, 1);
    check(
        &ran.errors,
        expect![[r#"
        koji-notify: /nonexistent/day.jsonl cannot be read
          because No such file or directory (os error 2)
    "#]],
    );
}

#[tokio::test]
async fn what_is_published_is_shown_by_the_program_that_listens() {
    let mut desk = Desk::new(Rabbit::shared().await).await;
    let _daemon = desk.daemon().await;
    let config = desk.home.config();
    let user = desk.vhost.publisher.clone();
    let secret = desk.home.path("password");
    fs::write(&secret, &user.password).unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (before, _) = config.split_once("certificate = ").unwrap();
    let login = format!("user = {:?}\npassword-file = {secret:?}\n", user.name);
    let publisher = desk.home.path("publisher.toml");
    fs::write(&publisher, format!("{before}{login}")).unwrap();
    let body = build_is_done(7, "alice").to_string();
    let publisher = publisher.to_str().unwrap();
    let words = [
        "--config",
        publisher,
        "publish",
        "--instance",
        "lab",
        "--topic",
        TOPIC,
        "--body",
        &body,
    ];
    let ran = desk.run(&words).await;
    assert_eq!((ran.code, &*ran.errors), (0, ""));
    assert_eq!(desk.shown().await.title, "bash-5.3-7.fc43 is built");
    desk.all_is_acknowledged().await;
}

/// Somebody who reads everything that is published.
struct Reader {
    consumer: Consumer,
    _connection: Connection,
}

impl Reader {
    async fn open(vhost: &Vhost<'_>) -> Self {
        let url = vhost.url(&vhost.publisher);
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        let table = FieldTable::default;
        let queue = channel.queue_declare("".into(), options, table()).await.unwrap();
        let (name, exchange) = (queue.name().clone(), "amq.topic".into());
        channel
            .queue_bind(name.clone(), exchange, "#".into(), QueueBindOptions::default(), table())
            .await
            .unwrap();
        let options = BasicConsumeOptions {
            no_ack: true,
            ..BasicConsumeOptions::default()
        };
        Self {
            consumer: channel
                .basic_consume(name, "reader".into(), options, table())
                .await
                .unwrap(),
            _connection: connection,
        }
    }

    async fn next(&mut self) -> Delivery {
        within("a message", self.consumer.next()).await.unwrap().unwrap()
    }
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
