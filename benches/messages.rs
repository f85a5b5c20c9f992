//! What is published: messages of a real Koji with other names, numbers and times.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::{Timestamp, ToSpan};
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};

use crate::rabbit::Vhost;

/// Who "I" am.
pub(crate) const ME: &str = "mona";
/// Whom the recorded messages are about.
const RECORDED: &str = "alice";
/// How many other people there are.
const OTHERS: usize = 40;
/// So many confirmations of the broker may be outstanding.
const AHEAD: usize = 512;

/// A message, whatever its prefix.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Such as `buildsys.build.state.change`.
    pub(crate) topic: String,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The recorded message with all that is said of its owner said of `owner`.
    fn of(recorded: &Value, owner: &str) -> Self {
        let recorded: Value = serde_json::from_str(&recorded.to_string().replace(RECORDED, owner)).unwrap();
        let topic = recorded["deliver"]["routing_key"].as_str().unwrap();
        let mut headers = FieldTable::default();
        for (name, value) in recorded["properties"]["headers"].as_object().unwrap() {
            let value = match value {
                Value::Bool(it) => AMQPValue::Boolean(*it),
                Value::Number(it) => AMQPValue::LongInt(it.as_i64().unwrap() as i32),
                Value::String(it) => AMQPValue::LongString(it.as_str().into()),
                other => panic!("{other} in a header"),
            };
            headers.insert(name.as_str().into(), value);
        }
        let at = topic.find("buildsys.").unwrap();
        Self {
            topic: topic[at..].to_owned(),
            properties: of_fedora(headers),
            body: recorded["body_json"].to_string().into_bytes(),
        }
    }

    /// The message as a publisher sends it that does not know the Koji schemas: only the body says whose it is.
    pub(crate) fn without_names(&self) -> Self {
        let is_name = |it: &ShortString| it.as_str().starts_with("fedora_messaging_");
        let headers = self.properties.headers().as_ref().unwrap().inner().iter();
        let named = headers.filter(|(name, _)| !is_name(name));
        let headers: BTreeMap<_, _> = named.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self {
            properties: of_fedora(headers.into()),
            ..self.clone()
        }
    }
}

/// What is the same on each message, and its headers. The name of each is its own.
fn of_fedora(headers: FieldTable) -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_message_id("".into())
        .with_headers(headers)
}

/// Returns messages of other people, all different: every recorded change of a build or a task, for each of them.
pub(crate) fn of_others() -> Vec<Message> {
    let changes: Vec<Value> = recorded()
        .into_values()
        .filter(|it| {
            it["deliver"]["routing_key"]
                .as_str()
                .unwrap()
                .ends_with(".state.change")
        })
        .collect();
    assert!(changes.len() > 20);
    (0..OTHERS)
        .flat_map(|n| {
            let owner = format!("packager{n:02}");
            changes
                .iter()
                .map(move |it| Message::of(it, &owner))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Builds of mine, each of which starts and fails again and again.
///
/// A new popup is paced (five in a minute), a notification on screen that changes in place is not: it is what a person
/// looks at. So a few builds that never come to rest can be told of as often as we like.
pub(crate) struct Mine {
    started: Value,
    failed: Value,
    told: i64,
    /// What runs.
    running: BTreeSet<usize>,
}

impl Mine {
    pub(crate) fn new() -> Self {
        let mut recorded = recorded();
        Self {
            started: recorded.remove("04-build-none-to-building.json").unwrap(),
            failed: recorded.remove("45-build-building-to-failed.json").unwrap(),
            told: 0,
            running: BTreeSet::new(),
        }
    }

    /// Returns the next news of the build of this number, which is called `bench-<number>`: it has started, then failed.
    pub(crate) fn next(&mut self, build: usize) -> Message {
        let has_failed = self.running.remove(&build);
        if !has_failed {
            self.running.insert(build);
        }
        let mut message = if has_failed { &self.failed } else { &self.started }.clone();
        self.told += 1;
        // The newer of two is told by the hub's clock, and times that are less than a second apart are as one.
        let begin: Timestamp = "2026-11-20T06:00:00Z".parse().unwrap();
        let at = (begin + (self.told * 2).seconds()).to_string();
        message["properties"]["headers"]["sent-at"] = json!(at);
        let body = &mut message["body_json"];
        body["build_id"] = json!(1000 + build);
        body["name"] = json!(format!("bench-{build}"));
        body["creation_time"] = json!(at);
        if has_failed {
            body["completion_time"] = json!(at);
        }
        Message::of(&message, ME)
    }
}

fn recorded() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lab");
    fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "json"))
        .map(|it| {
            let text = fs::read(&it).unwrap();
            let name = it.file_name().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&text).unwrap())
        })
        .collect()
}

/// Somebody who publishes, and may do anything.
pub(crate) struct Post {
    channel: Channel,
    _connection: Connection,
}

impl Post {
    pub(crate) async fn open(vhost: &Vhost<'_>) -> Self {
        let url = vhost.url(&vhost.publisher);
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self {
            channel,
            _connection: connection,
        }
    }

    /// Publishes, and returns when the broker has it; `meanwhile` is done before that is waited for.
    pub(crate) async fn send<T>(&self, prefix: &str, message: &Message, meanwhile: impl Future<Output = T>) -> T {
        let confirmation = self.publish(prefix, message).await;
        let done = meanwhile.await;
        confirmation.await;
        done
    }

    /// Publishes many, and returns when the broker has them all.
    pub(crate) async fn fill(&self, prefix: &str, messages: impl Iterator<Item = &Message>) {
        let mut outstanding = Vec::new();
        for message in messages {
            outstanding.push(self.publish(prefix, message).await);
            if outstanding.len() == AHEAD {
                for confirmation in outstanding.drain(..) {
                    confirmation.await;
                }
            }
        }
        for confirmation in outstanding {
            confirmation.await;
        }
    }

    async fn publish(&self, prefix: &str, message: &Message) -> impl Future<Output = ()> + use<> {
        let mut properties = message.properties.clone().with_delivery_mode(2);
        if properties.message_id().is_some() {
            properties = properties.with_message_id(uuid::Uuid::new_v4().to_string().into());
        }
        let key = format!("{prefix}.{}", message.topic);
        let options = BasicPublishOptions::default();
        let publish = self
            .channel
            .basic_publish("amq.topic".into(), key.into(), options, &message.body, properties);
        let confirmation = publish.await.unwrap();
        async move {
            let confirmed = confirmation.await.unwrap();
            assert!(confirmed.is_ack(), "{confirmed:?}");
        }
    }

    /// Makes a queue like the one of koji-notify.
    pub(crate) async fn make_queue(&self, queue: &str, keys: &[String]) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-expires".into(), AMQPValue::LongLongInt(86_400_000));
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        self.channel
            .queue_declare(queue.into(), options, arguments)
            .await
            .unwrap();
        for key in keys {
            let options = QueueBindOptions::default();
            let bound = self.channel.queue_bind(
                queue.into(),
                "amq.topic".into(),
                key.as_str().into(),
                options,
                FieldTable::default(),
            );
            bound.await.unwrap();
        }
    }

    pub(crate) async fn purge(&self, queue: &str) {
        let options = QueuePurgeOptions::default();
        self.channel.queue_purge(queue.into(), options).await.unwrap();
    }

    pub(crate) async fn delete(&self, queue: &str) {
        self.channel
            .queue_delete(queue.into(), lapin::options::QueueDeleteOptions::default())
            .await
            .unwrap();
    }
}
