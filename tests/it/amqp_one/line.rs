//! A source under test, with its orders and its inbox in our hands, and what Koji's plugin would send.

use std::time::Duration;

use koji_notify::bus::broker::{Address, Login, Password, Secret, Trust};
use koji_notify::bus::one::{Broker, OneSource};
use koji_notify::bus::patrol::Patrol;
use koji_notify::bus::source::{Orders, Signs, Source};
use koji_notify::koji::{InstanceName, Interest};
use koji_notify::watch::{Delivery, Event, Link, News, Trouble};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::rabbit::{Pair, User};

/// Time enough for anything that happens at all on a busy machine.
pub(super) const GENEROUS: Duration = Duration::from_secs(90);

/// A running source.
pub(super) struct Line {
    pub(super) interest: tokio::sync::watch::Sender<Interest>,
    pub(super) acknowledge: mpsc::UnboundedSender<Delivery>,
    pub(super) woken: tokio::sync::watch::Sender<u64>,
    pub(super) doubted: tokio::sync::watch::Sender<u64>,
    pub(super) signs: Signs,
    inbox: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
}

impl Line {
    /// Starts a source that hears of alice's builds and tasks.
    pub(super) fn start(broker: Broker) -> Self {
        Self::start_with(broker, Patrol::default())
    }

    pub(super) fn start_with(broker: Broker, patrol: Patrol) -> Self {
        let (interest, wanted) = tokio::sync::watch::channel(of_alice());
        let (woken, resumes) = tokio::sync::watch::channel(0);
        let (doubted, doubts) = tokio::sync::watch::channel(0);
        let signs = Signs::default();
        let (acknowledge, acknowledged) = mpsc::unbounded_channel();
        let (sender, inbox) = mpsc::channel(64);
        let orders = Orders {
            interest: wanted,
            acknowledge: acknowledged,
            woken: resumes,
            doubted: doubts,
            signs: signs.clone(),
        };
        let source = OneSource::new(InstanceName::new("brew"), broker).with_patrol(patrol);
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

    /// Waits until the line is down, and returns why. What was heard until then is let go by.
    pub(super) async fn down(&mut self) -> Trouble {
        loop {
            match self.next().await {
                Event::LinkChanged(_, Link::Down(trouble)) => return trouble,
                Event::LinkChanged(..) | Event::Missed(..) | Event::Heard(_) | Event::Spoiled(_) => {}
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

    pub(super) async fn missed(&mut self) -> jiff::Timestamp {
        match self.next().await {
            Event::Missed(_, since) => since,
            other => panic!("{other:?} instead of what was missed"),
        }
    }

    /// Lets the broker know that the news is safe.
    pub(super) fn accept(&self, news: &News) {
        self.acknowledge.send(news.delivery.clone().unwrap()).unwrap();
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

pub(super) fn of_alice() -> Interest {
    Interest {
        users: ["alice".to_owned()].into(),
        packages: [].into(),
        tasks: true,
        tags: false,
    }
}

/// A broker on this machine that is read as nobody in particular, in clear.
pub(super) fn at(port: u16, addresses: &[&str]) -> Broker {
    Broker {
        doors: vec![door(false, port, "/")],
        login: None,
        trust: Trust::System,
        addresses: addresses.iter().map(|it| (*it).to_owned()).collect(),
        selector: false,
        topic_prefix: String::new(),
        prefetch: 25,
        heartbeat: None,
        connection_timeout: Duration::from_secs(20),
    }
}

pub(super) fn door(tls: bool, port: u16, vhost: &str) -> Address {
    Address {
        tls,
        host: "localhost".to_owned(),
        port,
        vhost: vhost.to_owned(),
    }
}

pub(super) fn plain(user: &User) -> Login {
    Login::Plain {
        user: user.name.clone(),
        password: Password::Known(Secret::new(user.password.clone())),
    }
}

pub(super) fn external(pair: &Pair) -> Login {
    Login::External {
        certificate: pair.certificate.clone(),
        key: pair.key.clone(),
    }
}

/// The application properties and the body with which Koji tells that a build is done.
pub(super) fn build_is_done(build: u64, owner: &str) -> (Value, Value) {
    let release = format!("{build}.fc44");
    let properties = json!({
        "type": "BuildStateChange", "name": "bash", "version": "5.3", "release": release,
        "attribute": "state", "old": "BUILDING", "new": "COMPLETE",
    });
    let body = json!({
        "attribute": "state", "old": 0, "new": 1, "btypes": {"rpm": null},
        "info": {
            "build_id": build, "id": build, "name": "bash", "package_name": "bash", "version": "5.3", "release": release,
            "epoch": null, "owner_id": 2, "owner_name": owner, "state": 1, "task_id": build + 1_000_000,
            "creation_ts": 1_795_195_322.8, "completion_ts": 1_795_195_330.4, "extra": null,
        },
    });
    (properties, body)
}

/// The number of the build that news is about.
pub(super) fn build_of(news: &News) -> u64 {
    use koji_notify::koji::{Change, HubEvent};
    match &news.event {
        HubEvent::Changed(Change::Build(it)) => it.build.unwrap().0,
        other => panic!("{other:?} is no build"),
    }
}
