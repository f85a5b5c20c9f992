//! The sources that run, one for each instance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::bus::broker::Broker;
use crate::bus::copies::Copies;
use crate::bus::live::BrokerSource;
use crate::bus::one::{self, OneSource};
use crate::bus::replay::Recording;
use crate::bus::source::{Orders, Signs, Source};
use crate::config::Settings;
use crate::koji::{InstanceName, Interest};
use crate::watch::{Delivery, Event, Watch};

/// The sources that run.
pub(super) struct Sources {
    running: BTreeMap<InstanceName, Running>,
    tasks: JoinSet<()>,
    woken: tokio::sync::watch::Sender<u64>,
    signs: SignBook,
    inbox: mpsc::Sender<Event>,
}

/// The signs of life of all sources, for whoever asks.
#[derive(Clone, Debug, Default)]
pub(super) struct SignBook {
    signs: Arc<Mutex<BTreeMap<InstanceName, Signs>>>,
    /// Where all of them leave copies of what they hear.
    pub(super) copies: Copies,
}

impl SignBook {
    /// Returns where those of one source are noted, over all its lines.
    pub(super) fn of(&self, instance: &InstanceName) -> Signs {
        let mut book = self.signs.lock().unwrap_or_else(PoisonError::into_inner);
        let signs = book.entry(instance.clone()).or_insert_with(|| Signs {
            copies: self.copies.clone(),
            ..Signs::default()
        });
        signs.clone()
    }
}

/// A source that runs, and how it is told things. Dropping this ends it.
struct Running {
    /// What it was started with, of either kind; none for a recording.
    broker: Option<Broker>,
    one: Option<one::Broker>,
    interest: tokio::sync::watch::Sender<Interest>,
    acknowledge: mpsc::UnboundedSender<Delivery>,
    doubted: tokio::sync::watch::Sender<u64>,
}

impl Sources {
    pub(super) fn new(signs: SignBook, inbox: mpsc::Sender<Event>) -> Self {
        Self {
            signs,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            woken: tokio::sync::watch::Sender::new(0),
            inbox,
        }
    }

    /// Returns what to count up when the computer has slept.
    pub(super) fn woken(&self) -> tokio::sync::watch::Sender<u64> {
        self.woken.clone()
    }

    /// Starts what the settings have and we do not, ends what they no longer have, and starts anew what changed.
    pub(super) fn follow(&mut self, settings: &Settings, watch: &Watch) {
        let wanted = &settings.instances;
        let is_same = |name: &InstanceName, it: &Running| match wanted.get(name) {
            Some(wanted) => wanted.broker == it.broker && wanted.one == it.one,
            None => it.broker.is_none() && it.one.is_none(),
        };
        self.running.retain(|name, it| is_same(name, it));
        for (name, instance) in wanted {
            if self.running.contains_key(name) {
                continue;
            }
            if let Some(broker) = &instance.broker {
                let source = BrokerSource::new(name.clone(), broker.clone());
                self.start(name, source, (Some(broker.clone()), None), watch);
            } else if let Some(broker) = &instance.one {
                let source = OneSource::new(name.clone(), broker.clone());
                self.start(name, source, (None, Some(broker.clone())), watch);
            }
        }
    }

    /// Starts to play a recording.
    pub(super) fn play(&mut self, recording: Recording, watch: &Watch) {
        let name = recording.instance.clone();
        self.start(&name, recording, (None, None), watch);
    }

    fn start(
        &mut self,
        name: &InstanceName,
        source: impl Source,
        (broker, one): (Option<Broker>, Option<one::Broker>),
        watch: &Watch,
    ) {
        let interest = watch.rules().interest(name);
        let interest = tokio::sync::watch::Sender::new(interest);
        let (acknowledge, acknowledged) = mpsc::unbounded_channel();
        let doubted = tokio::sync::watch::Sender::new(0);
        let orders = Orders {
            interest: interest.subscribe(),
            acknowledge: acknowledged,
            woken: self.woken.subscribe(),
            doubted: doubted.subscribe(),
            signs: self.signs.of(name),
        };
        self.tasks.spawn(source.run(orders, self.inbox.clone()));
        let running = Running {
            broker,
            one,
            interest,
            acknowledge,
            doubted,
        };
        self.running.insert(name.clone(), running);
    }

    pub(super) fn listen(&self, instance: &InstanceName, interest: Interest) {
        if let Some(running) = self.running.get(instance) {
            running.interest.send_replace(interest);
        }
    }

    /// Lets a source look into its line.
    pub(super) fn doubt(&self, instance: &InstanceName) {
        if let Some(running) = self.running.get(instance) {
            running.doubted.send_modify(|it| *it += 1);
        }
    }

    pub(super) fn acknowledge(&self, delivery: Delivery) {
        if let Some(running) = self.running.get(&delivery.instance) {
            // A source that has ended has no use for it.
            _ = running.acknowledge.send(delivery);
        }
    }

    /// Ends all sources and waits for them; what they still report is not taken up, and so not acknowledged. Returns
    /// what was said of the screen meanwhile.
    pub(super) async fn stop(mut self, events: &mut mpsc::Receiver<Event>) -> Vec<Event> {
        let mut last = Vec::new();
        self.running.clear();
        drop(self.inbox);
        loop {
            tokio::select! {
                ended = self.tasks.join_next() => {
                    if ended.is_none() {
                        return last;
                    }
                }
                Some(event) = events.recv() => last.extend(Some(event).filter(super::is_of_screen)),
            }
        }
    }
}
