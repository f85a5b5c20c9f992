//! A site whose bus is one of Koji's own: its exchange, what its plugins send, and a source that listens there.

use std::fs;

use koji_notify::bus::broker::{Broker, Dialect};
use koji_notify::bus::decode::Decoded;
use koji_notify::koji::Interest;
use koji_notify::watch::News;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use serde_json::Value;

use super::line::{GENEROUS, Line, in_clear, plain, with_own_queue};
use crate::decoding::fixtures;
use crate::koji_buses::summary;
use crate::rabbit::Vhost;

pub(super) const COMPLETE: &str = "21-build-building-to-complete";
pub(super) const DELETED: &str = "71-build-canceled-to-deleted-without-task";
pub(super) const FAILED_TASK: &str = "43-task-build-open-to-failed";
pub(super) const FAILED_CHILD: &str = "42-task-buildSRPMFromSCM-open-to-failed";
pub(super) const IMPORT: &str = "22-import-rpm";
pub(super) const PROMOTED: &str = "76-build-promote";
pub(super) const REPO: &str = "07-repo-done";
pub(super) const TAGGED: &str = "29-tag-f44-signing-pending-user-alice";

/// What the laboratory's hub has sent.
pub(super) struct Sent {
    /// As `protonmsg` makes them.
    pub(super) properties: Value,
    /// The event's arguments, which are the same on every bus.
    pub(super) body: Value,
}

pub(super) fn sent(name: &str) -> Sent {
    let text = fs::read(fixtures().join("protonmsg-sent").join(name).with_extension("json")).unwrap();
    let mut message: Value = serde_json::from_slice(&text).unwrap();
    Sent {
        properties: message["application_properties"].take(),
        body: message["body_json"].take(),
    }
}

/// Somebody who may read any exchange, with a queue that outlives connections.
pub(super) fn listener(vhost: &Vhost<'_>, exchange: &str, dialect: Dialect) -> Broker {
    let (mut broker, _) = with_own_queue(in_clear(vhost));
    broker.login = plain(&vhost.publisher);
    broker.exchange = exchange.to_owned();
    broker.dialect = dialect;
    broker
}

/// What of: `alice`, `tags`, `package:NAME`. Tasks are always wanted on these buses.
pub(super) fn interest(wanted: &str) -> Interest {
    let packages = wanted.split(' ').filter_map(|it| it.strip_prefix("package:"));
    Interest {
        users: wanted
            .contains("alice")
            .then(|| "alice".to_owned())
            .into_iter()
            .collect(),
        packages: packages.map(str::to_owned).collect(),
        tasks: true,
        tags: wanted.contains("tags"),
    }
}

/// Hears so much news, acknowledges it, and returns it in a line each. Each has a name that tells it from the others.
pub(super) async fn heard(line: &mut Line, count: usize) -> String {
    let mut told = String::new();
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..count {
        let news = line.heard().await;
        assert!(news.message.as_ref().unwrap().starts_with("content-"), "{news:?}");
        assert!(names.insert(news.message.clone()), "{news:?}");
        told += &format!("{}\n", in_words(&news));
        line.acknowledge.send(news.delivery.unwrap()).unwrap();
    }
    told
}

pub(super) fn in_words(news: &News) -> String {
    summary(Ok(Decoded::News {
        sent: news.sent,
        event: news.event.clone(),
        owner: news.owner,
    }))
}

/// Waits until an exchange is bound by exactly these.
pub(super) async fn bound(vhost: &Vhost<'_>, exchange: &str, expected: &[&str]) {
    let limit = std::time::Instant::now() + GENEROUS;
    loop {
        let found = vhost.bound_to(exchange).await;
        if found == expected {
            return;
        }
        assert!(std::time::Instant::now() < limit, "{found:#?} instead of {expected:#?}");
    }
}

/// Publishes by AMQP 0-9-1 to an exchange of its own, as a bridge from another bus does.
pub(super) struct Bridge {
    channel: Channel,
    exchange: &'static str,
    _connection: Connection,
}

impl Bridge {
    /// Opens one, and makes the exchange.
    pub(super) async fn open(vhost: &Vhost<'_>, exchange: &'static str, kind: ExchangeKind) -> Self {
        let url = vhost.url(&vhost.publisher);
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(exchange.into(), kind, options, FieldTable::default())
            .await
            .unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self {
            channel,
            exchange,
            _connection: connection,
        }
    }

    /// Publishes; returns when the broker has it.
    pub(super) async fn send(&self, key: &str, headers: &[(&str, AMQPValue)], body: &[u8]) {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert((*name).into(), value.clone());
        }
        let properties = BasicProperties::default().with_headers(table);
        let options = BasicPublishOptions::default();
        let publish = self
            .channel
            .basic_publish(self.exchange.into(), key.into(), options, body, properties);
        publish.await.unwrap().await.unwrap();
    }
}

/// A text among headers.
pub(super) fn text(it: &str) -> AMQPValue {
    AMQPValue::LongString(it.into())
}
