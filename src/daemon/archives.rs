//! The archives of messages that are read again, one for each instance that has one.
//!
//! What they hold takes the way of the bus: the same decoder, the same filter, the same event. It has a message's own
//! id and no delivery, so a copy that the bus brings is known, and is acknowledged.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::debug;

use crate::bus::binding;
use crate::bus::broker::Broker;
use crate::bus::decode::{Decoded, Dialect, Envelope, decode};
use crate::bus::sieve::concerns;
use crate::config::Settings;
use crate::hub::access::FileServer;
use crate::hub::archive::{self, About, Filed, Pace, Wish};
use crate::koji::{InstanceName, Interest};
use crate::watch::{Event, Missed, News};

/// How many messages are read ahead of the loop.
const AHEAD: usize = 16;

/// The archives that can be read.
pub(super) struct Archives {
    running: BTreeMap<InstanceName, Running>,
    tasks: JoinSet<()>,
    pace: Pace,
    inbox: mpsc::Sender<Event>,
}

/// An archive that can be read. Dropping this ends it.
struct Running {
    /// What it was started with.
    server: FileServer,
    broker: Broker,
    wishes: mpsc::UnboundedSender<Vec<Wish>>,
    interest: tokio::sync::watch::Sender<Interest>,
}

impl Archives {
    pub(super) fn new(inbox: mpsc::Sender<Event>) -> Self {
        Self {
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            pace: Pace::default(),
            inbox,
        }
    }

    /// Starts what the settings have and we do not, ends what they no longer have, and starts anew what changed.
    pub(super) fn follow(&mut self, settings: &Settings) {
        while self.tasks.try_join_next().is_some() {}
        let wanted = |name: &InstanceName| {
            let it = settings.instances.get(name)?;
            it.archive.as_ref().zip(it.broker.as_ref())
        };
        self.running
            .retain(|name, it| wanted(name) == Some((&it.server, &it.broker)));
        for name in settings.instances.keys() {
            if let Some((server, broker)) = wanted(name)
                && !self.running.contains_key(name)
            {
                let running = self.start(name.clone(), server.clone(), broker.clone());
                self.running.insert(name.clone(), running);
            }
        }
    }

    fn start(&mut self, instance: InstanceName, server: FileServer, broker: Broker) -> Running {
        let (wishes, wished) = mpsc::unbounded_channel();
        let (filed, found) = mpsc::channel(AHEAD);
        let interest = tokio::sync::watch::Sender::new(Interest::default());
        let shelf = Shelf {
            instance,
            dialect: broker.dialect.clone(),
            interest: interest.subscribe(),
        };
        let inbox = self.inbox.clone();
        let reading = archive::run(server.clone(), wished, filed, self.pace);
        self.tasks.spawn(async move {
            tokio::join!(reading, shelf.hand_on(found, inbox));
        });
        Running {
            server,
            broker,
            wishes,
            interest,
        }
    }

    /// Reads again what was missed, some time.
    pub(super) fn read(&self, instance: &InstanceName, missed: Missed) {
        if let Some(running) = self.running.get(instance) {
            let wishes = wishes(&missed, &running.broker);
            running.interest.send_replace(missed.interest);
            // An archive that has ended has no use for it.
            _ = running.wishes.send(wishes);
        }
    }

    /// Ends all archives; what they would have told is not told.
    pub(super) async fn stop(mut self) {
        self.running.clear();
        self.tasks.shutdown().await;
    }
}

/// Returns what an archive is asked for. The names of users and of packages are asked for apart: together they would
/// be those of both.
fn wishes(missed: &Missed, broker: &Broker) -> Vec<Wish> {
    let Missed {
        since,
        interest,
        tags_only,
    } = missed;
    let is_tag = |it: &String| it.ends_with(".buildsys.tag") || it.ends_with(".buildsys.untag");
    let topics = binding::keys(interest, broker);
    let of_users: Vec<String> = topics.iter().filter(|it| !tags_only || is_tag(it)).cloned().collect();
    // A tag is told of builds of mine only, and tasks name no package.
    let of_packages = topics.into_iter().filter(|it| it.ends_with(".build.state.change"));
    let of_packages = of_packages.filter(|_| !tags_only).collect();
    let names = |it: &std::collections::BTreeSet<String>| it.iter().cloned().collect();
    [
        (of_users, About::Users(names(&interest.users))),
        (of_packages, About::Packages(names(&interest.packages))),
    ]
    .map(|(topics, about)| Wish {
        since: *since,
        topics,
        about,
    })
    .into()
}

/// Puts what was filed into the hub's words.
struct Shelf {
    instance: InstanceName,
    dialect: Dialect,
    interest: tokio::sync::watch::Receiver<Interest>,
}

impl Shelf {
    async fn hand_on(self, mut found: mpsc::Receiver<Filed>, inbox: mpsc::Sender<Event>) {
        while let Some(filed) = found.recv().await {
            let news = self.news(filed);
            if let Some(news) = news
                && inbox.send(Event::Heard(news)).await.is_err()
            {
                return;
            }
        }
    }

    /// Returns what a message tells, if that is of interest.
    fn news(&self, filed: Filed) -> Option<News> {
        let envelope = Envelope {
            topic: &filed.topic,
            message_id: filed.id.as_deref(),
            sent_at: filed.sent_at.as_deref(),
            body: filed.body.as_bytes(),
            ..Envelope::default()
        };
        match decode(&self.dialect, &envelope) {
            Ok(Decoded::News { sent, event, owner }) if concerns(&event, owner, &self.interest.borrow()) => {
                Some(News {
                    instance: self.instance.clone(),
                    delivery: None,
                    message: filed.id,
                    is_first: false,
                    sent,
                    owner,
                    event,
                })
            }
            Ok(Decoded::News { .. } | Decoded::NotForUs(_)) => None,
            Err(error) => {
                debug!(instance = %self.instance, %error, "a message of the archive cannot be read");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::bus::broker::{Address, Login, Queue, QueueName, Trust};
    use crate::hub::access::{self, Times};
    use crate::koji::{Change, HubEvent};

    const TAG: &str = r#"{"topic": "com.example.buildsys.tag", "id": "a", "headers": {"sent-at": "2026-11-20T10:00:00+00:00"},
        "body": {"build_id": 7, "name": "bash", "version": "5.3", "release": "1.fc43", "tag": "f43", "tag_id": 1,
        "user": "autopen", "owner": "mona", "instance": "primary"}}"#;

    #[test]
    fn where_a_hub_tells_the_rest_only_tags_are_asked_for() {
        check(
            true,
            expect![[r#"
                com.example.buildsys.tag com.example.buildsys.untag: Users(["mona"])
                : Packages(["kernel"])
            "#]],
        );
        check(
            false,
            expect![[r#"
                com.example.buildsys.build.state.change com.example.buildsys.tag com.example.buildsys.task.state.change com.example.buildsys.untag: Users(["mona"])
                com.example.buildsys.build.state.change: Packages(["kernel"])
            "#]],
        );
    }

    #[tokio::test]
    async fn what_is_filed_is_heard_if_it_is_of_interest() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let broken = r#"{"topic": "com.example.buildsys.tag", "id": "b", "body": {"tag": [1]}}"#;
        let of_bob = TAG.replace("mona", "bob");
        let elsewhere = TAG.replace("com.example", "org.evil");
        let page = format!(r#"{{"pages": 1, "raw_messages": [{broken}, {of_bob}, {elsewhere}, {TAG}]}}"#);
        let server = tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = client.read(&mut asked).await.unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                page.len()
            );
            client.write_all(head.as_bytes()).await.unwrap();
            client.write_all(page.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let (inbox, mut events) = mpsc::channel(8);
        let mut archives = Archives::new(inbox);
        archives.pace = Pace {
            settle: Duration::ZERO,
            again: Duration::ZERO,
        };
        let file_server = FileServer {
            address: access::Address::parse(&format!("http://127.0.0.1:{port}/datagrepper")).unwrap(),
            trust: Trust::System,
            times: Times::default(),
        };
        let lab = InstanceName::new("lab");
        let running = archives.start(lab.clone(), file_server, broker());
        archives.running.insert(lab.clone(), running);
        archives.read(&lab, missed(true));

        let heard = tokio::time::timeout(Duration::from_secs(30), events.recv()).await;
        let Some(Event::Heard(news)) = heard.unwrap() else {
            panic!("no news");
        };
        assert_eq!(
            (news.instance, news.delivery, news.message.as_deref()),
            (lab, None, Some("a"))
        );
        assert_eq!(news.sent, Some("2026-11-20T10:00:00Z".parse().unwrap()));
        assert!(
            matches!(&news.event, HubEvent::Changed(Change::Tag(it)) if it.owner.as_deref() == Some("mona") && it.added)
        );
        let asked = server.await.unwrap();
        assert!(
            asked.starts_with("GET /datagrepper/v2/search?user=mona&topic="),
            "{asked}"
        );
        archives.stop().await;
        assert_eq!(events.recv().await, None);
    }

    fn check(tags_only: bool, expected: expect_test::Expect) {
        let mut told = String::new();
        for wish in wishes(&missed(tags_only), &broker()) {
            told += &format!("{}: {:?}\n", wish.topics.join(" "), wish.about);
        }
        expected.assert_eq(&told);
    }

    fn missed(tags_only: bool) -> Missed {
        Missed {
            since: jiff::Timestamp::from_second(1_795_000_000).unwrap(),
            interest: Interest {
                users: ["mona".to_owned()].into(),
                packages: ["kernel".to_owned()].into(),
                tasks: true,
                tags: true,
            },
            tags_only,
        }
    }

    fn broker() -> Broker {
        Broker {
            address: Address {
                tls: true,
                host: "broker.example.com".to_owned(),
                port: 5671,
                vhost: "/".to_owned(),
            },
            login: Login::External {
                certificate: "cert.pem".into(),
                key: "key.pem".into(),
            },
            trust: Trust::System,
            exchange: "amq.topic".to_owned(),
            dialect: Dialect::FedoraMessaging {
                topic_prefix: "com.example".to_owned(),
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
            prefetch: 10,
            heartbeat: None,
            connection_timeout: Duration::from_secs(1),
            client_properties: BTreeMap::new(),
        }
    }
}
