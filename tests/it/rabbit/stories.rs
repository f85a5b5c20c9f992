//! The harness is held to its promise: what the stories of the other modules rely on is really so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use expect_test::{Expect, expect};
use futures_util::StreamExt;
use inotify::{Inotify, WatchMask};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties, Consumer};
use serde_json::{Value, json};
use tokio::io::AsyncBufReadExt;
use tokio::process::Command;

use super::stand_ins::TlsTunnel;
use super::*;

const BUILDS: &str = "org.fedoraproject.prod.buildsys.build.state.change";

/// Set for the test that is started to be killed.
const VICTIM: &str = "KOJI_NOTIFY_TEST_VICTIM";

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_build_published_by_the_real_library_names_its_owner_and_package_in_headers() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let (_connection, mut consumer) = listen(&vhost).await;
    let mut publisher = Publisher::start(&vhost).await;

    let id = publisher.publish(BUILDS, &build("mona", "bash")).await;

    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.properties.message_id().as_ref().unwrap().as_str(), id);
    assert_eq!(
        serde_json::from_slice::<Value>(&delivery.data).unwrap(),
        build("mona", "bash")
    );
    check(
        &[described(&delivery)],
        &expect![[r#"
            org.fedoraproject.prod.buildsys.build.state.change application/json utf-8 mode 2
              fedora_messaging_rpm_bash: Boolean(true)
              fedora_messaging_schema: LongString(koji_fedoramessaging.build.BuildStateChangeV1)
              fedora_messaging_schema_package: LongString(koji_fedoramessaging_messages)
              fedora_messaging_severity: LongInt(20)
              fedora_messaging_user_mona: Boolean(true)
              priority: LongInt(0)
              sent-at: …
        "#]],
    );
}

#[tokio::test]
async fn the_library_refuses_a_body_that_breaks_its_schema_and_raw_bytes_pass_by_it() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let (_connection, mut consumer) = listen(&vhost).await;
    let mut publisher = Publisher::start(&vhost).await;

    let refused = publisher
        .send(&json!({"topic": BUILDS, "body": {"name": 7}}))
        .await
        .unwrap_err();
    assert!(refused.starts_with("ValidationError"), "{refused}");

    publisher
        .publish_raw(BUILDS, b"\xff{", &json!({"headers": {"sent-at": null}}))
        .await;
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.data, b"\xff{");
    assert_eq!(*delivery.properties.message_id(), None);
}

#[tokio::test]
async fn what_proton_sends_comes_over_the_other_protocol_too() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let (_connection, mut consumer) = listen(&vhost).await;
    let mut proton = Proton::start(&vhost).await;

    let properties = json!({"type": "BuildStateChange", "attribute": "state", "old": null, "new": "BUILDING"});
    let address = proton.address("koji.build.building");
    proton.send(&address, &properties, &json!({"new": 0})).await;

    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.routing_key.as_str(), "koji.build.building");
    assert_eq!(delivery.properties.kind().as_ref().unwrap().as_str(), "amqp-1.0");
    // A section with a text, not the bare text.
    assert_eq!(delivery.data, b"\x00\x53\x77\xa1\x09{\"new\":0}");
    assert!(delivery.properties.headers().is_some());
}

#[tokio::test]
async fn a_recorded_message_comes_as_it_was() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let (_connection, mut consumer) = listen(&vhost).await;
    let mut publisher = Publisher::start(&vhost).await;

    let recorded = json!({
        "deliver": {"routing_key": BUILDS},
        "properties": {
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "delivery_mode": 2,
            "message_id": "64db5c12-dafc-456e-b703-f89d1b078808",
            "headers": {
                "fedora_messaging_schema": "koji_fedoramessaging.build.BuildStateChangeV1",
                "fedora_messaging_severity": 20,
                "fedora_messaging_user_somebody-else": true,
                "sent-at": "2026-11-20T17:24:01+00:00",
            },
        },
        "body_json": build("mona", "bash"),
    });
    assert_eq!(
        publisher.publish_recorded(&recorded).await,
        "64db5c12-dafc-456e-b703-f89d1b078808"
    );
    check(
        &[described(&next(&mut consumer).await)],
        &expect![[r#"
            org.fedoraproject.prod.buildsys.build.state.change application/json utf-8 mode 2
              fedora_messaging_schema: LongString(koji_fedoramessaging.build.BuildStateChangeV1)
              fedora_messaging_severity: LongInt(20)
              fedora_messaging_user_somebody-else: Boolean(true)
              sent-at: …
        "#]],
    );
}

#[tokio::test]
async fn certificates_log_in_by_their_common_name() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let mut story = Vec::new();
    for client in [
        Client::Fedora,
        Client::FedoraRsa,
        Client::Alice,
        Client::Nobody,
        Client::Expired,
        Client::OtherCa,
    ] {
        let tunnel = TlsTunnel::start(rabbit, Some(client)).await;
        let outcome = match connect(&external(&vhost.name, &tunnel)).await {
            Ok(_connection) => {
                let [seen] = vhost.connections_when(|it| it.len() == 1).await.try_into().unwrap();
                format!("is {} by {} over {}", seen.user, seen.auth_mechanism, seen.ssl_protocol)
            }
            Err(error) if error.to_string().contains("ACCESS_REFUSED") => "is refused the login".to_owned(),
            Err(_) => "is refused by TLS".to_owned(),
        };
        vhost.connections_when(<[_]>::is_empty).await;
        story.push(format!("{client:?} {outcome}"));
    }
    check(
        &story,
        &expect![[r#"
            Fedora is fedora by EXTERNAL over tlsv1.3
            FedoraRsa is fedora by EXTERNAL over tlsv1.3
            Alice is alice by EXTERNAL over tlsv1.3
            Nobody is refused the login
            Expired is refused by TLS
            OtherCa is refused by TLS
        "#]],
    );
}

#[tokio::test]
async fn an_administrator_sees_and_ends_what_a_client_does() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let connection = connect(&vhost.url(&vhost.reader)).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    let mut consumer = consume(&channel).await;
    let mut publisher = Publisher::start(&vhost).await;

    publisher.publish(BUILDS, &build("mona", "bash")).await;
    publisher.publish(BUILDS, &build("mona", "grep")).await;
    let first = next(&mut consumer).await;
    let queues = vhost
        .queues_when(|it| it[0].messages_unacknowledged == 1 && it[0].messages_ready == 1)
        .await;
    let queue = &queues[0];
    assert!(queue.exclusive && queue.name.starts_with("amq.gen-"), "{queue:?}");
    assert_eq!(vhost.consumed_queue().await.name, queue.name);
    assert_eq!(vhost.routing_keys(&queue.name).await, ["#"]);
    first.ack(BasicAckOptions::default()).await.unwrap();
    next(&mut consumer).await.ack(BasicAckOptions::default()).await.unwrap();
    vhost.drained().await;

    vhost.delete_queue(&queue.name).await;
    assert!(consumer.next().await.is_none(), "the broker has cancelled the consumer");
    assert_eq!(vhost.queues().await, []);

    let mut consumer = consume(&channel).await;
    vhost.close_connections("time for tea").await;
    let told = consumer.next().await.unwrap().unwrap_err().to_string();
    assert!(told.contains("CONNECTION_FORCED - time for tea"), "{told}");
    vhost
        .connections_when(|it| it.iter().all(|it| it.user != vhost.reader.name))
        .await;

    vhost.clear_permissions(&vhost.reader.name).await;
    let told = connect(&vhost.url(&vhost.reader)).await.unwrap_err().to_string();
    assert!(told.contains("NOT_ALLOWED"), "{told}");
    vhost.permit_like_fedora(&vhost.reader.name).await;
    connect(&vhost.url(&vhost.reader)).await.unwrap();
}

#[tokio::test]
async fn a_broker_keeps_its_ports_and_data_over_a_restart_and_leaves_nothing_at_the_end() {
    let rabbit = Rabbit::start_with(Options {
        tls: TlsVersions::Only12,
        ..Options::default()
    })
    .await;
    let directory = rabbit.directory().to_owned();
    let vhost = rabbit.vhost().await;
    assert!(processes_of(&directory).len() > 2, "{:?}", processes_of(&directory));

    let tunnel = TlsTunnel::start(&rabbit, Some(Client::Fedora)).await;
    let _fedora = connect(&external(&vhost.name, &tunnel)).await.unwrap();
    assert_eq!(vhost.connections().await[0].ssl_protocol, "tlsv1.2");

    for way in ["stop", "kill", "stop_app"] {
        let url = vhost.url(&vhost.publisher);
        let connection = connect(&url).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        channel
            .queue_declare("kept".into(), durable, FieldTable::default())
            .await
            .unwrap();
        let mut consumer = consume(&channel).await;
        match way {
            "stop" => rabbit.stop().await,
            "kill" => rabbit.kill().await,
            _ => rabbit.stop_app().await,
        }
        // What it says depends on which comes first, the word or the end of the connection.
        consumer.next().await.unwrap().unwrap_err();
        assert!(connect(&url).await.is_err(), "{way}");
        match way {
            "stop_app" => rabbit.start_app().await,
            _ => rabbit.restart().await,
        }
        assert!(vhost.queues().await.iter().any(|it| it.name == "kept"), "{way}");
    }

    drop(rabbit);
    assert_eq!(processes_of(&directory), Vec::<String>::new());
    assert!(!directory.exists());
}

#[tokio::test]
async fn the_tests_of_a_run_share_a_broker_that_goes_with_the_runner() {
    let mut process = Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
    let number = process.id().unwrap();
    let runner = || Runner {
        process: number,
        run: format!("test-{}", std::process::id()),
    };
    let (first, second) = (runner(), runner());
    let (first, second) = tokio::join!(
        blocking(move || Rabbit::join(&first)),
        blocking(move || Rabbit::join(&second))
    );
    let directory = first.directory().to_owned();
    assert_eq!(second.directory(), directory);
    drop((first, second));

    let gone = Gone::watch(directory.parent().unwrap());
    let alone = Rabbit::join(&runner()).vhost().await.queues().await;
    assert_eq!(alone, [], "it is still there");
    process.kill().await.unwrap();
    gone.wait().await;
    assert_eq!(left_of(&directory), Vec::<String>::new());
}

#[tokio::test]
async fn a_test_that_is_killed_leaves_no_broker() {
    if std::env::var_os(VICTIM).is_some() {
        let rabbit = Rabbit::start().await;
        println!("broker in {}", rabbit.directory().display());
        return std::future::pending().await;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "rabbit::stories::a_test_that_is_killed_leaves_no_broker",
        "--nocapture",
    ]);
    command.env(VICTIM, "1").env_remove("NEXTEST_RUN_ID");
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = tokio::io::BufReader::new(process.stdout.take().unwrap()).lines();
    let directory = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some((_, directory)) = line.split_once("broker in ") {
            break PathBuf::from(directory);
        }
    };
    let gone = Gone::watch(&directory);
    process.kill().await.unwrap();
    gone.wait().await;
    assert_eq!(left_of(&directory), Vec::<String>::new());
}

#[tokio::test]
async fn stand_ins_do_what_they_are_there_for() {
    let directory = tempfile::tempdir().unwrap();
    let certs = Certs::make(directory.path().join("certs"));
    let mut story = Vec::new();
    for kind in [
        ServerCert::Good,
        ServerCert::WrongHost,
        ServerCert::Expired,
        ServerCert::OtherCa,
    ] {
        let server = TlsServer::start(&certs.server(kind)).await;
        let outcome = stand_ins::greet(server.port, &certs.ca(), None).await;
        let told = outcome.map_or_else(|it| it.to_string(), |_| "fine".to_owned());
        // After that come times and names.
        story.push(format!(
            "{kind:?}: {}",
            told.split([';', '"'])
                .next()
                .unwrap()
                .split(": verification")
                .next()
                .unwrap()
        ));
    }
    check(
        &story,
        &expect![[r#"
            Good: fine
            WrongHost: invalid peer certificate: certificate not valid for name 
            Expired: invalid peer certificate: certificate expired
            OtherCa: invalid peer certificate: UnknownIssuer
        "#]],
    );

    let mut recorder = Recorder::start().await;
    let told = stand_ins::greet(recorder.port, &certs.ca(), None).await;
    assert!(told.is_err());
    assert_eq!(recorder.first_bytes().await[0], 0x16, "a TLS record");

    let silent = SilentServer::start().await;
    let mut client = tokio::net::TcpStream::connect(("127.0.0.1", silent.port))
        .await
        .unwrap();
    client.write_all(b"AMQP").await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"", "not a word until we leave");
}

#[test]
fn keys_are_written_in_every_form_that_people_have() {
    let directory = tempfile::tempdir().unwrap();
    let certs = Certs::make(directory.path().join("certs"));
    let mut story = Vec::new();
    for form in [
        KeyForm::Pkcs8,
        KeyForm::Pkcs1,
        KeyForm::EncryptedPkcs8,
        KeyForm::EncryptedPkcs1,
    ] {
        let text = fs::read_to_string(certs.client_with(form).key).unwrap();
        let lines: Vec<&str> = text.lines().take(2).filter(|it| it.contains([' ', ':'])).collect();
        story.push(format!("{form:?}: {}", lines.join(" ")));
    }
    let both = fs::read_to_string(certs.client(Client::Alice).both).unwrap();
    story.push(both.lines().filter(|it| it.starts_with("-----BEGIN")).collect());
    check(
        &story,
        &expect![[r#"
            Pkcs8: -----BEGIN PRIVATE KEY-----
            Pkcs1: -----BEGIN RSA PRIVATE KEY-----
            EncryptedPkcs8: -----BEGIN ENCRYPTED PRIVATE KEY-----
            EncryptedPkcs1: -----BEGIN RSA PRIVATE KEY----- Proc-Type: 4,ENCRYPTED
            -----BEGIN CERTIFICATE----------BEGIN PRIVATE KEY-----
        "#]],
    );
}

fn check(lines: &[String], expected: &Expect) {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    expected.assert_eq(&text);
}

fn build(owner: &str, name: &str) -> Value {
    json!({
        "name": name, "version": "5.3", "release": "1.fc43", "epoch": null, "attribute": "state", "old": 0, "new": 1,
        "build_id": 1, "task_id": 2, "owner": owner, "request": null, "task": null, "instance": "primary",
        "creation_time": "2026-11-20T17:24:01+00:00", "completion_time": "2026-11-20T17:36:01+00:00",
        "base_url": "https://koji.example.invalid", "files_base_url": "https://files.example.invalid",
        "url": "https://koji.example.invalid/koji/buildinfo?buildID=1",
    })
}

pub(super) async fn connect(url: &str) -> lapin::Result<Connection> {
    let connecting = Connection::connect(url, ConnectionProperties::default());
    tokio::time::timeout(PATIENCE, connecting).await.unwrap()
}

/// Returns a connection that hears everything, as the reader.
async fn listen(vhost: &Vhost<'_>) -> (Connection, Consumer) {
    let connection = connect(&vhost.url(&vhost.reader)).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let consumer = consume(&channel).await;
    (connection, consumer)
}

async fn consume(channel: &Channel) -> Consumer {
    let own = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare("".into(), own, FieldTable::default())
        .await
        .unwrap();
    let name = queue.name().clone();
    let table = FieldTable::default;
    channel
        .queue_bind(
            name.clone(),
            "amq.topic".into(),
            "#".into(),
            QueueBindOptions::default(),
            table(),
        )
        .await
        .unwrap();
    channel
        .basic_consume(name, "".into(), BasicConsumeOptions::default(), table())
        .await
        .unwrap()
}

async fn next(consumer: &mut Consumer) -> Delivery {
    tokio::time::timeout(PATIENCE, consumer.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

fn described(delivery: &Delivery) -> String {
    let properties = &delivery.properties;
    let text = |it: &Option<lapin::types::ShortString>| it.as_ref().map_or("-".to_owned(), ToString::to_string);
    let mut text = format!(
        "{} {} {} mode {}",
        delivery.routing_key,
        text(properties.content_type()),
        text(properties.content_encoding()),
        properties.delivery_mode().unwrap(),
    );
    let headers: BTreeMap<_, _> = properties.headers().as_ref().unwrap().inner().iter().collect();
    for (name, value) in headers {
        let value = match value {
            _ if name.as_str() == "sent-at" => "…".to_owned(),
            AMQPValue::LongString(text) => format!("LongString({text})"),
            other => format!("{other:?}"),
        };
        write!(text, "\n  {name}: {value}").unwrap();
    }
    text
}

pub(super) fn external(vhost: &str, tunnel: &TlsTunnel) -> String {
    let path: String = url::form_urlencoded::byte_serialize(vhost.as_bytes()).collect();
    format!(
        "amqp://fedora:@127.0.0.1:{}/{path}?auth_mechanism=external",
        tunnel.port
    )
}

/// Returns the command lines of all processes that name this directory on it or in their environment.
fn processes_of(directory: &Path) -> Vec<String> {
    let mark = directory.to_str().unwrap();
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").unwrap() {
        let process = process.unwrap().path();
        let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
        let (command, environment) = (read("cmdline"), read("environ"));
        let text = |it: &[u8]| String::from_utf8_lossy(it).replace('\0', " ");
        if text(&command).contains(mark) || text(&environment).contains(mark) {
            found.push(text(&command));
        }
    }
    found
}

/// Returns what is left once the directory is gone. Removing it is the last thing that the keeper does.
fn left_of(directory: &Path) -> Vec<String> {
    let mut left = processes_of(directory);
    left.retain(|it| !it.contains("keeper.py"));
    left
}

/// Waits until a directory is no more.
struct Gone {
    inotify: Inotify,
}

impl Gone {
    fn watch(directory: &Path) -> Self {
        let inotify = Inotify::init().unwrap();
        inotify.watches().add(directory, WatchMask::DELETE_SELF).unwrap();
        Self { inotify }
    }

    async fn wait(self) {
        let mut events = self.inotify.into_event_stream([0; 1024]).unwrap();
        tokio::time::timeout(PATIENCE, events.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}
