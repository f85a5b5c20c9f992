//! The hubs that are asked, one for each instance that has one.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::debug;

use crate::config::Settings;
use crate::hub::access::Hub;
use crate::hub::asker;
use crate::koji::InstanceName;
use crate::watch::{Ask, Event, HubTrouble, Learned, Unanswered};

/// How long what is under way may take when we stop.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// The hubs that are asked.
pub(super) struct Hubs {
    running: BTreeMap<InstanceName, Running>,
    tasks: JoinSet<()>,
    inbox: mpsc::Sender<Event>,
}

/// A hub at work. Dropping this ends it.
struct Running {
    /// What it was started with.
    hub: Hub,
    asks: mpsc::UnboundedSender<Ask>,
}

impl Hubs {
    pub(super) fn new(inbox: mpsc::Sender<Event>) -> Self {
        Self {
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            inbox,
        }
    }

    /// Starts what the settings have and we do not, ends what they no longer have, and starts anew what changed.
    pub(super) fn follow(&mut self, settings: &Settings) {
        let wanted = &settings.instances;
        let is_same = |name: &InstanceName, it: &Running| {
            let hub = wanted.get(name).and_then(|it| it.hub.as_ref());
            hub == Some(&it.hub)
        };
        self.running.retain(|name, it| is_same(name, it));
        for (name, instance) in wanted {
            if let Some(hub) = &instance.hub
                && !self.running.contains_key(name)
            {
                let (asks, asked) = mpsc::unbounded_channel();
                self.tasks
                    .spawn(asker::run(name.clone(), hub.clone(), asked, self.inbox.clone()));
                let hub = hub.clone();
                self.running.insert(name.clone(), Running { hub, asks });
            }
        }
    }

    /// Asks a hub. Answers at once where there is none to ask.
    pub(super) fn ask(&self, instance: &InstanceName, ask: Ask) -> Option<Event> {
        let asks = self.running.get(instance).map(|it| &it.asks);
        let unasked = match asks {
            Some(asks) => asks.send(ask).err()?.0,
            None => ask,
        };
        let why = Unanswered {
            text: instance.to_string(),
            kind: HubTrouble::Unreachable,
        };
        let learned = Learned::Unanswered { ask: unasked, why };
        Some(Event::Learned(instance.clone(), learned))
    }

    /// Ends all hubs and waits for them, but not for long: they may want to log out.
    pub(super) async fn stop(mut self) {
        self.running.clear();
        drop(self.inbox);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(LAST_WORDS, ended).await.is_err() {
            debug!("a hub takes too long to say goodbye to");
        }
        self.tasks.shutdown().await;
    }
}
