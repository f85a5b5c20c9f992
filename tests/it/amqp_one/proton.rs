//! A broker on the real Qpid Proton library, which is a second one that is independent of ours: `tests/rig/proton_broker.py`.
//! It is strict where RabbitMQ is not, and can be told to do what a real one does once a year.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use koji_notify::bus::broker::Trust;
use koji_notify::bus::one::{Broker, probe};
use koji_notify::bus::patrol::Patrol;
use koji_notify::koji::InstanceName;
use koji_notify::watch::link::Problem;
use koji_notify::watch::{Event, Link};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::line::{GENEROUS, Line, at, build_is_done, build_of, door, external, of_alice, plain, trouble};
use crate::rabbit::{Certs, Client, ServerCert, User};

/// The queue from which one reads a virtual topic of ActiveMQ.
const QUEUE: &str = "queue://Consumer.me.koji.VirtualTopic.eng.brew.>";
const TOPIC: &str = "topic://VirtualTopic.eng.brew.>";

#[tokio::test]
async fn anybody_is_let_in_and_hears() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let broker = proton.read(QUEUE);
    probe(&broker, &of_alice()).await.unwrap();
    let mut line = Line::start(broker);
    let mut copies = line.signs.copies.take();
    assert_eq!(line.up().await, []);
    proton.send(QUEUE, 1, "bob").await;
    proton.send(QUEUE, 2, "alice").await;
    let news = line.heard().await;
    assert_eq!(build_of(&news), 2);
    proton.settled(QUEUE, 1).await;
    line.accept(&news);
    proton.settled(QUEUE, 0).await;
    // Whoever wants to hear it all gets a copy of each.
    let mut owners = Vec::new();
    for _ in 0..2 {
        let copy = copies.recv().await.unwrap();
        assert_eq!(copy.instance.as_deref(), Some("brew"));
        assert_eq!(copy.headers["type"], "BuildStateChange");
        let body: Value = serde_json::from_slice(&copy.body).unwrap();
        owners.push((copy.topic, body["info"]["owner_name"].clone()));
    }
    let topic = "build.complete".to_owned();
    assert_eq!(owners, [(topic.clone(), json!("bob")), (topic, json!("alice"))]);
    line.stop().await;

    // Who has a name is not asked for it here.
    let mut broker = proton.read(QUEUE);
    broker.login = Some(plain(&nobody()));
    let trouble = trouble(broker).await;
    assert_eq!(trouble.problem, Problem::LoginRefused);
    assert_eq!(trouble.detail, "the broker takes no PLAIN, but ANONYMOUS");
}

#[tokio::test]
async fn a_certificate_says_who_we_are() {
    let directory = tempfile::tempdir().unwrap();
    let certs = Certs::make(directory.path().join("certs"));
    let server = certs.server(ServerCert::Good);
    let mut proton = Proton::start(&json!({
        "mechanisms": "EXTERNAL", "certificate": server.certificate, "key": server.key, "ca": certs.ca(),
    }))
    .await;
    let mut broker = proton.read(QUEUE);
    broker.doors = vec![door(true, proton.port, "/")];
    broker.trust = Trust::Only(certs.ca());
    broker.login = Some(external(&certs.client(Client::Alice)));
    let mut line = Line::start(broker.clone());
    line.up().await;
    let state = proton.state().await;
    assert_eq!(state.readers.len(), 1, "{state:?}");
    assert!(state.readers[0].user.as_ref().unwrap().contains("alice"), "{state:?}");
    proton.send(QUEUE, 1, "alice").await;
    let news = line.heard().await;
    line.accept(&news);
    proton.settled(QUEUE, 0).await;
    line.stop().await;

    broker.login = Some(external(&certs.client(Client::OtherCa)));
    assert_eq!(trouble(broker.clone()).await.problem, Problem::CertificateRefused);
    broker.login = Some(external(&certs.client(Client::Expired)));
    assert_eq!(trouble(broker.clone()).await.problem, Problem::ExpiredCertificate);
    broker.login = Some(external(&certs.client(Client::Alice)));
    broker.trust = Trust::Only(certs.other_ca());
    assert_eq!(trouble(broker.clone()).await.problem, Problem::UntrustedBroker);
    broker.doors[0].tls = false;
    assert_eq!(trouble(broker).await.problem, Problem::Unprotected);
}

#[tokio::test]
async fn a_selector_that_is_in_force_keeps_back_what_nobody_is_told_of() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let mut broker = proton.read(TOPIC);
    broker.selector = true;
    let mut line = Line::start(broker);
    line.up().await;
    let selector = proton.state().await.readers[0].selector.clone().unwrap();
    assert!(selector.starts_with("type IS NULL OR"), "{selector}");
    let kept_back = [
        json!({"type": "Import"}),
        json!({"type": "RPMSign"}),
        json!({"type": "PackageListChange"}),
        json!({"type": "Tag"}),
        json!({"type": "BuildStateChange", "attribute": "volume_id"}),
        json!({"type": "TaskStateChange", "attribute": "host_id"}),
    ];
    for properties in &kept_back {
        proton.send_with(TOPIC, properties, "{}").await;
    }
    proton.send(TOPIC, 1, "alice").await;
    let news = line.heard().await;
    assert_eq!(build_of(&news), 1);
    line.accept(&news);
    let state = proton.settled(TOPIC, 0).await;
    assert_eq!((state.addresses[TOPIC].waiting, state.accepted), (kept_back.len(), 1));

    // Something else is wanted, so something else is asked for. What came in between is gone, as it is a topic.
    line.interest.send_modify(|it| it.tags = true);
    assert_eq!(line.next().await, changed(Link::Connecting));
    assert_eq!(line.next().await, changed(Link::Up));
    line.missed().await;
    // The tagging came, and is no tagging.
    assert!(matches!(line.next().await, Event::Spoiled(_)));
    proton.send(TOPIC, 2, "alice").await;
    assert_eq!(build_of(&line.heard().await), 2);
    line.stop().await;
}

#[tokio::test]
async fn no_more_come_than_were_asked_for_and_what_was_not_accepted_comes_again() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let mut broker = proton.read(QUEUE);
    broker.prefetch = 4;
    let mut line = Line::start(broker);
    line.up().await;
    for build in 1..=10 {
        proton.send(QUEUE, build, "alice").await;
    }
    let mut held = Vec::new();
    for build in 1..=4 {
        held.push(line.heard().await);
        assert_eq!(build_of(held.last().unwrap()), build);
    }
    let state = proton.state().await;
    assert_eq!((state.addresses[QUEUE].waiting, state.addresses[QUEUE].open), (6, 4));
    line.accept(&held[1]);
    assert_eq!(build_of(&line.heard().await), 5);
    line.woken.send_modify(|it| *it += 1);
    line.up().await;
    let mut again = std::collections::BTreeSet::new();
    for _ in 0..9 {
        let news = line.heard().await;
        assert!(again.insert(build_of(&news)), "{again:?}");
        line.accept(&news);
    }
    assert_eq!(again, [1, 3, 4, 5, 6, 7, 8, 9, 10].into());
    let state = proton.settled(QUEUE, 0).await;
    assert_eq!((state.addresses[QUEUE].waiting, state.accepted), (0, 10));
    line.stop().await;
}

#[tokio::test]
async fn what_is_refused_and_what_is_ended_says_why() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    for (address, problem, detail) in [
        (
            "queue://nowhere",
            Problem::QueueMismatch,
            "cannot read from queue://nowhere: amqp:not-found: queue://nowhere is not for you",
        ),
        (
            "queue://refused",
            Problem::NotPermitted,
            "cannot read from queue://refused: amqp:unauthorized-access: queue://refused is not for you",
        ),
    ] {
        let mut broker = proton.read(QUEUE);
        broker.addresses.push(address.to_owned());
        let probed = probe(&broker, &of_alice()).await.unwrap_err();
        assert_eq!((probed.problem, &*probed.detail), (problem, detail));
        let trouble = trouble(broker).await;
        assert_eq!((trouble.problem, &*trouble.detail), (problem, detail));
    }
    let mut line = Line::start(proton.read(QUEUE));
    line.up().await;
    proton.order(&json!({"detach": "amqp:link:detach-forced"})).await;
    let trouble = line.down().await;
    assert_eq!(trouble.problem, Problem::Interrupted);
    assert_eq!(
        trouble.detail,
        "the broker has ended the line: amqp:link:detach-forced: so it was ordered"
    );
    line.up().await;
    line.stop().await;
}

#[tokio::test]
async fn both_sides_show_that_they_live() {
    // It ends a line without a sign of life for so long; to its readers it says half of it.
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS", "idle_secs": 1})).await;
    let mut broker = proton.read(QUEUE);
    broker.heartbeat = Some(1);
    broker.connection_timeout = Duration::from_secs(5);
    let mut line = Line::start(broker);
    line.up().await;
    // A line that is quiet for several times as long is still the same.
    let quiet = timeout(Duration::from_secs(4), line.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert!(line.signs.anything.age().unwrap() < Duration::from_secs(2));
    proton.send(QUEUE, 1, "alice").await;
    let news = line.heard().await;
    line.accept(&news);
    proton.settled(QUEUE, 0).await;

    proton.silence().await;
    let trouble = line.down().await;
    assert_eq!(trouble.problem, Problem::Interrupted);
    assert_eq!(trouble.detail, "nothing was heard for 2 s, not even a sign of life");
    line.stop().await;
}

#[tokio::test]
async fn a_quiet_line_without_signs_of_life_is_examined() {
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let mut broker = proton.read(QUEUE);
    broker.heartbeat = Some(0);
    broker.connection_timeout = Duration::from_secs(2);
    let patrol = Patrol {
        without_message: GENEROUS * 100,
        without_anything: Duration::from_millis(200),
    };
    let mut line = Line::start_with(broker, patrol);
    line.up().await;
    let first = line.signs.anything.last();
    while line.signs.anything.last() == first {
        tokio::task::yield_now().await;
    }
    // Somebody has answered. A doubt is answered, too.
    line.doubted.send_modify(|it| *it += 1);
    line.missed().await;
    proton.silence().await;
    let trouble = line.down().await;
    assert_eq!(trouble.detail, "the line gives no answer within 2 s");
    line.stop().await;
}

fn changed(link: Link) -> Event {
    Event::LinkChanged(InstanceName::new("brew"), link)
}

fn nobody() -> User {
    User {
        name: "nobody".to_owned(),
        password: "nothing".to_owned(),
    }
}

/// A broker in a process of its own, which ends with its standard input.
pub(super) struct Proton {
    pub(super) port: u16,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    /// Ended when it is dropped.
    _process: Child,
}

#[derive(Debug, Deserialize)]
pub(super) struct State {
    pub(super) addresses: std::collections::BTreeMap<String, Waiting>,
    readers: Vec<Reader>,
    pub(super) accepted: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Waiting {
    pub(super) waiting: usize,
    pub(super) open: usize,
}

#[derive(Debug, Deserialize)]
struct Reader {
    user: Option<String>,
    selector: Option<String>,
}

impl Proton {
    pub(super) async fn start(config: &Value) -> Self {
        // The system's own: the library is a package there, and takes long to build.
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/proton_broker.py");
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut started = Self {
            port: 0,
            to: process.stdin.take().unwrap(),
            from: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
        };
        let answer = started.order(config).await;
        started.port = u16::try_from(answer["port"].as_u64().unwrap()).unwrap();
        started
    }

    pub(super) fn read(&self, address: &str) -> Broker {
        at(self.port, &[address])
    }

    pub(super) async fn send(&mut self, address: &str, build: u64, owner: &str) {
        let (properties, body) = build_is_done(build, owner);
        self.send_with(address, &properties, &body.to_string()).await;
    }

    pub(super) async fn send_with(&mut self, address: &str, properties: &Value, body: &str) {
        self.order(&json!({"send": address, "properties": properties, "body": body}))
            .await;
    }

    pub(super) async fn state(&mut self) -> State {
        serde_json::from_value(self.order(&json!({"state": true})).await).unwrap()
    }

    /// Waits until so many deliveries from an address are open.
    async fn settled(&mut self, address: &str, open: usize) -> State {
        let settling = async {
            loop {
                let state = self.state().await;
                if state.addresses[address].open == open {
                    return state;
                }
            }
        };
        timeout(GENEROUS, settling).await.expect("the deliveries are settled")
    }

    async fn silence(&mut self) {
        self.say(&json!({"silence": true})).await;
    }

    pub(super) async fn order(&mut self, order: &Value) -> Value {
        self.say(order).await;
        let line = self.from.next_line().await.unwrap();
        serde_json::from_str(&line.expect("the broker lives")).unwrap()
    }

    async fn say(&mut self, order: &Value) {
        self.to.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        self.to.flush().await.unwrap();
    }
}
