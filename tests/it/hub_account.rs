//! A hub that knows us: a real Apache that asks for the certificate by location, and behind it a small hub with
//! sessions.

mod house;
mod kerberos;
mod old;

use std::time::Duration;

use koji_notify::hub::access::{Access, Address, Hub, Login, Times, Trust};
use koji_notify::hub::asker;
use koji_notify::koji::{Change, InstanceName, Subject, TaskId};
use koji_notify::watch::{Act, Ask, Event, HubTrouble, Learned, Look, Lookup};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::apache::{Apache, Setup};
use crate::rabbit::Client;
use crate::small_hub::{Call, Login as Let, SmallHub};

/// Long enough for a busy machine; no story waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_failed_build_is_submitted_again_and_the_session_ends_with_us() {
    let mut site = Site::start().await;
    let task = site.fails("bash-5.3-1.fc43");
    let Learned::Looked(looked) = site.ask(look()).await else {
        panic!()
    };
    assert!(!looked.changes.is_empty(), "{looked:?}");
    assert_eq!(site.next().await, Learned::Login(Ok("alice".to_owned())));

    let Learned::Acted {
        done: Ok(Some(new)), ..
    } = site.ask(again(task)).await
    else {
        panic!()
    };
    assert!(new.0 > task, "{new}");
    let Learned::Found { change: Some(_), .. } = site.ask(Ask::Find(Lookup::Task(new))).await else {
        panic!()
    };
    assert_eq!(site.calls("resubmitTask"), [true]);
    // Who we are is asked once.
    assert_eq!(site.calls("getLoggedInUser"), [true]);

    let Site { asks, hub, running, .. } = site;
    drop(asks);
    timeout(PATIENCE, running).await.unwrap().unwrap();
    let last = hub.calls().pop().unwrap();
    assert_eq!((last.method.as_deref(), last.session), (Some("logout"), true));
}

#[tokio::test]
async fn a_session_that_has_expired_is_renewed_and_the_build_submitted_once() {
    let mut site = Site::start().await;
    let task = site.fails("bash-5.3-1.fc43");
    site.ask(look()).await;
    site.next().await;
    site.hub.expire_sessions();
    let learned = site.ask(again(task)).await;
    let Learned::Acted { done: Ok(Some(_)), .. } = learned else {
        panic!("{learned:?}")
    };
    // The first was refused with the session.
    assert_eq!(site.calls("resubmitTask"), [true, true]);
    assert_eq!(site.open().await, 1);
    assert_eq!(site.calls("sslLogin"), [false, true], "the second renews the first");
}

#[tokio::test]
async fn a_session_that_the_hub_no_longer_knows_is_made_anew() {
    let mut site = Site::start().await;
    let task = site.fails("bash-5.3-1.fc43");
    site.ask(look()).await;
    site.next().await;
    // As after a change of the network: a session is bound to the address that it was made from.
    site.hub.close_sessions();
    let learned = site.ask(again(task)).await;
    let Learned::Acted { done: Ok(Some(_)), .. } = learned else {
        panic!("{learned:?}")
    };
    assert_eq!(site.open().await, 1);
    // What is read goes on, too.
    site.hub.close_sessions();
    let Learned::Looked(_) = site.ask(look()).await else {
        panic!()
    };
}

#[tokio::test]
async fn who_cannot_log_in_can_still_read() {
    let mut site = Site::start_with(|it| {
        it.login = Login::Kerberos {
            principal: None,
            keytab: None,
        }
    })
    .await;
    let task = site.fails("bash-5.3-1.fc43");
    let Learned::Looked(looked) = site.ask(look()).await else {
        panic!()
    };
    assert!(!looked.changes.is_empty(), "{looked:?}");
    let Learned::Login(Err(why)) = site.next().await else {
        panic!()
    };
    assert_eq!(why.kind, HubTrouble::LoginRefused);
    let Learned::Acted { done: Err(not), .. } = site.ask(again(task)).await else {
        panic!()
    };
    assert!(!not.why.is_empty() && !not.perhaps, "{not:?}");
    assert_eq!(site.open().await, 0);
}

/// A hub behind Apache, and alice, who asks it.
struct Site {
    hub: SmallHub,
    asks: mpsc::UnboundedSender<Ask>,
    events: mpsc::Receiver<Event>,
    running: JoinHandle<()>,
    _apache: Apache,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Access)) -> Self {
        let hub = SmallHub::start();
        hub.set_login(Let::Anybody { user: "alice" });
        let port = Address::parse(&hub.url()).unwrap().port;
        let apache = Apache::start(Setup {
            hub: Some(port),
            ..Setup::default()
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let mut access = Access {
            server: Address::parse(&apache.by_certificate()).unwrap(),
            trust: Trust::Only(apache.certs.ca()),
            login: Login::Certificate {
                file: apache.certs.client(Client::Alice).both,
            },
            times: Times::default(),
        };
        change(&mut access);
        let with = Hub {
            access,
            files: None,
            cache: folder.path().join("names"),
        };
        let (asks, asked) = mpsc::unbounded_channel();
        let (inbox, events) = mpsc::channel(64);
        let running = tokio::spawn(asker::run(InstanceName::new("small"), with, asked, inbox));
        Self {
            hub,
            asks,
            events,
            running,
            _apache: apache,
            _folder: folder,
        }
    }

    /// A build of alice's that has failed; returns its task.
    fn fails(&self, nvr: &str) -> u64 {
        let told = self.hub.submit("alice", nvr);
        self.hub.begin(told.task);
        self.hub.srpm_fails(told.task);
        told.task
    }

    async fn ask(&mut self, ask: Ask) -> Learned {
        self.asks.send(ask).unwrap();
        loop {
            match self.next().await {
                Learned::Login(_) => {}
                learned => return learned,
            }
        }
    }

    async fn next(&mut self) -> Learned {
        match timeout(PATIENCE, self.events.recv()).await.expect("no answer") {
            Some(Event::Learned(_, learned)) => learned,
            other => panic!("{other:?}"),
        }
    }

    /// Returns for each call of a method whether it was made in a session.
    fn calls(&self, method: &str) -> Vec<bool> {
        let calls = self.hub.calls();
        let is_it = |it: &&Call| it.method.as_deref() == Some(method) || it.parts.iter().any(|it| it == method);
        calls.iter().filter(is_it).map(|it| it.session).collect()
    }

    /// Returns how many tasks of alice's are open.
    async fn open(&mut self) -> usize {
        let Learned::Looked(looked) = self.ask(look()).await else {
            panic!()
        };
        let is_open = |it: &&Change| matches!(it, Change::Task(it) if !it.new.is_settled());
        looked.changes.iter().filter(is_open).count()
    }
}

fn look() -> Ask {
    Ask::Look(Look {
        users: ["alice".to_owned()].into(),
        since: Some(jiff::Timestamp::UNIX_EPOCH),
        ..Look::default()
    })
}

fn again(task: u64) -> Ask {
    let task = TaskId(task);
    Ask::Act {
        act: Act::Resubmit,
        about: Subject::Task(task),
        task,
    }
}
