//! A packager's desk on which faults happen: the daemon, the clock of its computer, and the oracle beside it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use koji_notify::desktop::client;
use serde_json::Value;
use tokio::time::timeout;

use super::oracle::{self, Oracle};
use crate::end_to_end::desk::{Daemon, Desk, PATIENCE, recorded};
use crate::hub_stories::scene::{Clock, set};
use crate::rabbit::Rabbit;
use crate::small_hub::SmallHub;

/// When nothing was shown for so long, what is still to come waits for its minute.
const QUIET: Duration = Duration::from_millis(700);

/// A little more than the time over which popups are counted, and than any wait for more of what was missed.
const MINUTE: SignedDuration = SignedDuration::from_secs(61);

/// All that is around the daemon.
pub(super) struct Trial<'r> {
    pub(super) desk: Desk<'r>,
    pub(super) clock: Clock,
    pub(super) oracle: Oracle,
    hub: Option<SmallHub>,
    last: u64,
}

impl<'r> Trial<'r> {
    /// Lays out everything for alice, who is told by the bus alone.
    pub(super) async fn new(rabbit: &'r Rabbit) -> Self {
        let mut desk = Desk::new(rabbit).await;
        let clock = Clock::set();
        desk.more = clock.environment();
        Self {
            desk,
            clock,
            oracle: Oracle::default(),
            hub: None,
            last: 0,
        }
    }

    /// Lays out everything for alice, who has a hub that can be asked what the bus has not told.
    pub(super) async fn with_hub(rabbit: &'r Rabbit) -> Self {
        let mut trial = Self::new(rabbit).await;
        let hub = SmallHub::start();
        let config = trial.desk.home.config();
        let config = config.replace("https://kojipkgs.example.com", &hub.topurl());
        let config = format!("{config}\n[instance.lab.hub]\nserver = \"{}\"\n", hub.url());
        trial.desk.home.write_config(&config);
        trial.hub = Some(hub);
        trial
    }

    /// Some builds end, and the bus carries it.
    pub(super) async fn builds_end(&mut self, count: u64) {
        for _ in 0..count {
            if self.hub.is_some() {
                for message in self.build_at_hub() {
                    self.desk.publisher.publish_recorded(&message).await;
                }
                continue;
            }
            self.last += 1;
            let (nvr, topic, body) = finished(self.last);
            self.oracle.published(&nvr);
            self.desk.publisher.publish(&topic, &body).await;
        }
    }

    /// Some builds end, and nobody but the hub knows.
    pub(super) fn builds_end_unheard(&mut self, count: u64) {
        for _ in 0..count {
            self.build_at_hub();
        }
    }

    fn build_at_hub(&mut self) -> Vec<Value> {
        self.last += 1;
        let nvr = nvr(self.last);
        self.oracle.published(&nvr);
        let hub = self.hub.as_ref().unwrap();
        set(hub, self.clock.now());
        hub.build("alice", &nvr).messages
    }

    /// Lets time pass, as the daemon's clock shows it. That is noticed with whatever happens next, so something of no
    /// consequence does.
    pub(super) async fn passes(&mut self, time: SignedDuration) {
        self.clock.put_forward(time);
        let asker = self.desk.bus.connect().await;
        if let Some(remote) = client::client(&asker).await.unwrap() {
            // One that is just going has no ear for it.
            _ = remote.unmute("nobodys-package").await;
        }
    }

    /// Notes what was shown so far.
    pub(super) fn look(&mut self) {
        let calls = &mut self.desk.server.as_mut().unwrap().calls;
        while let Ok(call) = calls.try_recv() {
            self.oracle.saw(&call);
        }
    }

    /// Waits for the next notification of this life, not for ever, and notes what comes.
    pub(super) async fn sees(&mut self, limit: Duration) -> bool {
        let calls = &mut self.desk.server.as_mut().unwrap().calls;
        let seen = async { while !self.oracle.saw(&calls.recv().await.unwrap()) {} };
        timeout(limit, seen).await.is_ok()
    }

    /// Kills the daemon, and notes what it has left.
    pub(super) async fn kill(&mut self, mut daemon: Daemon) {
        daemon.kill().await;
        let until = self.desk.bus.connect().await;
        self.oracle.killed(
            oracle::number(until.unique_name().unwrap()),
            &oracle::journal(&self.state_folder()),
        );
    }

    /// Waits until all that was published is told, minute by minute where need be.
    pub(super) async fn all_is_told(&mut self) {
        let wait = async {
            while !self.oracle.is_all_told() {
                if !self.sees(QUIET).await {
                    self.passes(MINUTE).await;
                }
            }
        };
        let is_told = timeout(PATIENCE, wait).await.is_ok();
        if !is_told {
            self.oracle.judge(&oracle::journal(&self.state_folder()));
            panic!("something was not told");
        }
    }

    /// Waits until all is told, ends the daemon in order and has the oracle judge.
    pub(super) async fn ends_well(&mut self, mut daemon: Daemon) {
        self.all_is_told().await;
        self.desk.all_is_acknowledged().await;
        daemon.signal("TERM");
        assert!(daemon.end().await.success());
        self.look();
        self.oracle.judge(&oracle::journal(&self.state_folder()));
        let log = daemon.log();
        assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
    }

    pub(super) fn state_folder(&self) -> PathBuf {
        self.desk.home.path(".local/state/koji-notify")
    }
}

/// Returns the name of a build of alice's, and what the bus says when it is complete.
pub(super) fn finished(id: u64) -> (String, String, Value) {
    let (topic, body) = recorded("05-build-building-to-complete.json", |it| {
        it["name"] = "bash".into();
        it["version"] = "5.3".into();
        it["release"] = format!("{id}.fc44").into();
        it["build_id"] = id.into();
        it["task_id"] = (id + 1_000_000).into();
        it["task"]["id"] = (id + 1_000_000).into();
    });
    (nvr(id), topic, body)
}

fn nvr(id: u64) -> String {
    format!("bash-5.3-{id}.fc44")
}
