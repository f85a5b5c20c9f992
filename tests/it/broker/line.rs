//! A source under test, with its orders and its inbox in our hands, and somebody who publishes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use koji_notify::bus::BrokerSource;
use koji_notify::bus::broker::{Address, Broker, Dialect, Login, Password, Queue, QueueName, Secret, Trust};
use koji_notify::bus::patrol::Patrol;
use koji_notify::bus::source::{Orders, Signs, Source};
use koji_notify::koji::{InstanceName, Interest};
use koji_notify::watch::link::Problem;
use koji_notify::watch::{Delivery, Event, Link, News, Trouble};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::rabbit::{Client, Pair, User, Vhost};

/// What stands before `.buildsys.` in the topics.
pub(crate) const PREFIX: &str = "org.fedoraproject.prod";
/// Time enough for anything that happens at all on a busy machine.
pub(super) const GENEROUS: Duration = Duration::from_secs(90);

/// A running source.
pub(super) struct Line {
    pub(super) interest: tokio::sync::watch::Sender<Interest>,
    pub(super) acknowledge: mpsc::UnboundedSender<Delivery>,
    pub(super) woken: tokio::sync::watch::Sender<u64>,
    pub(super) doubted: tokio::sync::watch::Sender<u64>,
    pub(super) signs: Signs,
    pub(super) inbox: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
}

impl Line {
    /// Starts a source that hears of alice's builds and tasks.
    pub(super) fn start(broker: Broker) -> Self {
        Self::start_for(broker, of_alice())
    }

    pub(super) fn start_for(broker: Broker, interest: Interest) -> Self {
        Self::start_with_inbox(broker, interest, 64)
    }

    pub(super) fn start_with_inbox(broker: Broker, interest: Interest, room: usize) -> Self {
        Self::start_with(broker, interest, room, Patrol::default())
    }

    pub(super) fn start_with(broker: Broker, interest: Interest, room: usize, patrol: Patrol) -> Self {
        let (interest, wanted) = tokio::sync::watch::channel(interest);
        let (woken, resumes) = tokio::sync::watch::channel(0);
        let (doubted, doubts) = tokio::sync::watch::channel(0);
        let signs = Signs::default();
        let (acknowledge, acknowledged) = mpsc::unbounded_channel();
        let (sender, inbox) = mpsc::channel(room);
        let orders = Orders {
            interest: wanted,
            acknowledge: acknowledged,
            woken: resumes,
            doubted: doubts,
            signs: signs.clone(),
        };
        let source = BrokerSource::new(InstanceName::new("fedora"), broker).with_patrol(patrol);
        Self {
            interest,
            acknowledge,
            woken,
            doubted,
            signs,
            inbox,
            task: tokio::spawn(source.run(orders, sender)),
        }
    }

    pub(super) async fn next(&mut self) -> Event {
        let next = timeout(GENEROUS, self.inbox.recv()).await;
        next.expect("something happens").expect("the source runs")
    }

    /// Waits until the line is up, and returns the trouble on the way there.
    pub(super) async fn up(&mut self) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        loop {
            match self.next().await {
                Event::LinkChanged(_, Link::Up) => return troubles,
                Event::LinkChanged(_, Link::Down(trouble)) => troubles.push(trouble),
                Event::LinkChanged(_, Link::Connecting) | Event::Missed(..) => {}
                other => panic!("{other:?} before the line is up"),
            }
        }
    }

    /// Waits until the line is down, and returns why.
    pub(super) async fn down(&mut self) -> Trouble {
        loop {
            match self.next().await {
                Event::LinkChanged(_, Link::Down(trouble)) => return trouble,
                Event::LinkChanged(_, Link::Connecting) | Event::Missed(..) => {}
                other => panic!("{other:?} instead of trouble"),
            }
        }
    }

    /// Waits for news.
    pub(super) async fn heard(&mut self) -> News {
        loop {
            match self.next().await {
                Event::Heard(news) => return news,
                Event::Missed(..) => {}
                other => panic!("{other:?} instead of news"),
            }
        }
    }

    /// Lets go of the source, and returns when it has ended.
    pub(super) async fn stop(self) {
        let Self {
            interest,
            acknowledge,
            woken,
            doubted,
            signs: _,
            inbox,
            task,
        } = self;
        drop((interest, acknowledge, woken, doubted));
        timeout(GENEROUS, task).await.expect("the source ends").unwrap();
        drop(inbox);
    }
}

/// Starts a source and returns why its first attempt fails.
pub(super) async fn trouble(broker: Broker) -> Trouble {
    let mut line = Line::start(broker);
    let trouble = line.down().await;
    line.stop().await;
    trouble
}

/// Starts a source, and checks why its first attempt fails, and that a person's trouble is tried slowly.
pub(super) async fn check_trouble(broker: Broker, expected: Problem) -> Trouble {
    let before = jiff::Timestamp::now();
    let trouble = trouble(broker).await;
    assert_eq!(trouble.problem, expected, "{trouble:?}");
    let wait = trouble.retry.expect("it is tried again").duration_since(before);
    assert_eq!(wait.as_secs() >= 300, !expected.is_passing(), "{wait:?} {trouble:?}");
    trouble
}

/// Starts a source that finds its queue held, and returns what it says when the reader turns out to be no dead line of
/// our own. For that it is given a short time only.
pub(super) async fn held(mut broker: Broker) -> Trouble {
    broker.heartbeat = Some(1);
    let mut line = Line::start(broker);
    let mut passing = 0;
    let (trouble, before) = loop {
        let before = jiff::Timestamp::now();
        let trouble = line.down().await;
        if trouble.problem != Problem::Interrupted {
            break (trouble, before);
        }
        passing += 1;
    };
    line.stop().await;
    assert!(passing > 0, "a dead line of our own comes to mind first: {trouble:?}");
    assert_eq!(trouble.problem, Problem::QueueTaken, "{trouble:?}");
    let wait = trouble.retry.expect("it is tried again").duration_since(before);
    assert!(wait.as_secs() >= 300, "{trouble:?}");
    trouble
}

pub(super) fn of_alice() -> Interest {
    Interest {
        users: ["alice".to_owned()].into(),
        packages: [].into(),
        tasks: true,
        tags: false,
    }
}

/// Logs in by TLS with a password.
pub(super) fn by_password(vhost: &Vhost<'_>) -> Broker {
    let login = plain(&vhost.reader);
    broker(vhost, true, login)
}

/// Logs in by TLS with a certificate, as at Fedora.
pub(super) fn by_certificate(vhost: &Vhost<'_>) -> Broker {
    with_pair(vhost, &vhost.rabbit.certs.client(Client::Fedora))
}

pub(super) fn with_pair(vhost: &Vhost<'_>, pair: &Pair) -> Broker {
    let login = Login::External {
        certificate: pair.certificate.clone(),
        key: pair.key.clone(),
    };
    broker(vhost, true, login)
}

/// Logs in without TLS.
pub(super) fn in_clear(vhost: &Vhost<'_>) -> Broker {
    broker(vhost, false, plain(&vhost.reader))
}

pub(super) fn plain(user: &User) -> Login {
    Login::Plain {
        user: user.name.clone(),
        password: Password::Known(Secret::new(user.password.clone())),
    }
}

/// A queue with a name of its own that outlives connections.
pub(super) fn with_own_queue(mut broker: Broker) -> (Broker, String) {
    let name = uuid::Uuid::new_v4().to_string();
    broker.queue = Queue {
        name: QueueName::Named(name.clone()),
        durable: true,
        auto_delete: false,
        exclusive: false,
        arguments: BTreeMap::new(),
    };
    (broker, name)
}

fn broker(vhost: &Vhost<'_>, tls: bool, login: Login) -> Broker {
    let rabbit = vhost.rabbit;
    let port = if tls { rabbit.tls_port } else { rabbit.port };
    at(tls, port, vhost.name.clone(), login, rabbit.certs.ca())
}

/// Somewhere on this machine.
pub(super) fn at(tls: bool, port: u16, vhost: String, login: Login, ca: PathBuf) -> Broker {
    Broker {
        address: Address {
            tls,
            host: "127.0.0.1".to_owned(),
            port,
            vhost,
        },
        login,
        trust: Trust::Only(ca),
        exchange: "amq.topic".to_owned(),
        dialect: Dialect::FedoraMessaging {
            topic_prefix: PREFIX.to_owned(),
            koji_instance: "primary".to_owned(),
        },
        queue: Queue {
            name: QueueName::ByServer,
            durable: false,
            auto_delete: true,
            exclusive: true,
            arguments: BTreeMap::new(),
        },
        allowed_keys: Vec::new(),
        passive: false,
        prefetch: 25,
        heartbeat: None,
        connection_timeout: Duration::from_secs(20),
        client_properties: BTreeMap::new(),
    }
}

/// Waits until a queue is bound to exactly these events.
pub(super) async fn bound(vhost: &Vhost<'_>, queue: &str, events: &[&str]) {
    let expected = keys(events);
    let limit = std::time::Instant::now() + GENEROUS;
    loop {
        let found = vhost.routing_keys(queue).await;
        if found == expected {
            return;
        }
        assert!(std::time::Instant::now() < limit, "{found:?} instead of {expected:?}");
    }
}

pub(super) fn keys(events: &[&str]) -> Vec<String> {
    events.iter().map(|it| format!("{PREFIX}.buildsys.{it}")).collect()
}

/// Publishes what the Python library would not, and in numbers.
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

    /// Publishes, with a header for each name; returns when the broker has it.
    pub(crate) async fn send(&self, event: &str, headers: &[&str], body: &[u8]) {
        let mut table = FieldTable::default();
        for name in headers {
            table.insert(ShortString::from(*name), AMQPValue::Boolean(true));
        }
        let properties = BasicProperties::default()
            .with_message_id(uuid::Uuid::new_v4().to_string().into())
            .with_headers(table);
        let key = format!("{PREFIX}.buildsys.{event}");
        let publish = self.channel.basic_publish(
            "amq.topic".into(),
            key.into(),
            BasicPublishOptions::default(),
            body,
            properties,
        );
        publish.await.unwrap().await.unwrap();
    }

    /// Deletes a queue, much sooner than an administrator's command.
    pub(crate) async fn delete_queue(&self, name: &str) {
        let deleted = self.channel.queue_delete(name.into(), QueueDeleteOptions::default());
        deleted.await.unwrap();
    }

    /// Publishes that somebody's build is done.
    pub(crate) async fn build(&self, build: u64, owner: &str) {
        let user = format!("fedora_messaging_user_{owner}");
        let body = build_is_done(build, owner).to_string();
        self.send(
            "build.state.change",
            &[&user, "fedora_messaging_rpm_bash"],
            body.as_bytes(),
        )
        .await;
    }
}

/// A body as Koji's plugin writes it, as far as the published schema asks for it.
pub(crate) fn build_is_done(build: u64, owner: &str) -> Value {
    json!({
        "build_id": build, "name": "bash", "version": "5.3", "release": format!("{build}.fc43"), "epoch": null,
        "attribute": "state", "old": 0, "new": 1, "owner": owner, "task_id": build + 1_000_000,
        "request": ["git+https://src.example.com/rpms/bash.git#0123", "rawhide", {}],
        "instance": "primary", "base_url": "https://koji.example.com/koji",
        "creation_time": "2026-11-20T10:00:00+00:00", "completion_time": "2026-11-20T10:12:00+00:00",
        "url": format!("https://koji.example.com/koji/buildinfo?buildID={build}"),
        "files_base_url": "https://kojipkgs.example.com", "task": null,
    })
}
