//! A line to a broker that only listens in, for `koji-notify tail`.
//!
//! Promise: nothing that anybody else hears is taken away, and where a broker cannot promise that, nothing is read. A line
//! that breaks comes back by itself, and what was sent meanwhile is missed.
//!
//! It deliberately does not know who wants to see it, or in which words.

mod beside;
mod zero_nine;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tracing::{debug, info};

use super::broker::Broker;
use super::decode::{DecodeError, MAX_BODY};
use super::one;
use super::one::ear::{Shut, Unfit};
use super::patience::Patience;
use super::recorded::Recorded;
use super::trouble::LinkError;
use crate::clock;
use crate::koji::{Change, HubEvent, InstanceName, UserId};
use crate::watch::Trouble;

pub use zero_nine::{NotBound, Topics};

/// What a tap has to tell.
#[derive(Debug)]
pub enum Told {
    /// What is sent from now on is heard from this host. `again`: it was so before.
    Up { host: String, again: bool },
    /// There is no line. With a time to try again it comes back by itself, without one this is the end.
    Down(Trouble),
    /// This broker cannot be listened to without harm. This is the end.
    Unfit { host: String, why: Unfit },
    /// A message came.
    Message(Box<Heard>),
}

/// A line that listens in.
#[derive(Debug)]
pub struct Tap {
    pub instance: InstanceName,
    pub ear: Ear,
}

/// What is listened to.
#[derive(Debug)]
pub enum Ear {
    /// An exchange, by AMQP 0-9-1.
    Exchange { broker: Box<Broker>, topics: Topics },
    /// Addresses, by AMQP 1.0.
    Addresses {
        broker: Box<one::Broker>,
        topics: one::ear::Topics,
    },
}

/// Why there is no line.
enum Deaf {
    Trouble { trouble: Trouble, is_at_once: bool },
    Unfit { host: String, why: Unfit },
}

impl Tap {
    /// Runs until nobody listens any more, or the first attempt has failed.
    pub async fn run(self, told: mpsc::Sender<(InstanceName, Told)>) {
        let mut patience = Patience::new();
        let mut is_known = false;
        loop {
            let opened = tokio::select! {
                opened = self.ear.open(is_known) => opened,
                () = told.closed() => return,
            };
            let (deaf, held) = match opened {
                Ok(mut listening) => {
                    let host = listening.host.clone();
                    info!(instance = %self.instance, broker = %host, "listening");
                    let since = clock::now();
                    let again = std::mem::replace(&mut is_known, true);
                    let deaf = match told.send((self.instance.clone(), Told::Up { host, again })).await {
                        Ok(()) => self.hear(&mut listening, &told).await,
                        Err(_) => None,
                    };
                    listening.line.close().await;
                    let Some(deaf) = deaf else { return };
                    let held = Duration::try_from(clock::now().duration_since(since)).unwrap_or_default();
                    (deaf, Some(held))
                }
                Err(deaf) => (deaf, None),
            };
            let (mut trouble, is_at_once) = match deaf {
                Deaf::Trouble { trouble, is_at_once } => (trouble, is_at_once),
                Deaf::Unfit { host, why } => {
                    // Whoever was to hear of it is gone if this fails, and so are we.
                    let _gone = told.send((self.instance.clone(), Told::Unfit { host, why })).await;
                    return;
                }
            };
            let wait = match held {
                Some(held) => patience.after_line(held, is_at_once),
                None => patience.after_failure(trouble.problem.is_passing()),
            };
            debug!(instance = %self.instance, ?trouble, ?wait, "no line");
            trouble.retry = clock::now().checked_add(wait).ok().filter(|_| is_known);
            if told.send((self.instance.clone(), Told::Down(trouble))).await.is_err() || !is_known {
                return;
            }
            tokio::select! {
                () = clock::pass(wait) => {}
                () = told.closed() => return,
            }
        }
    }

    /// Hands on what comes until the line breaks; returns nothing when nobody listens any more.
    async fn hear(&self, listening: &mut Listening, told: &mpsc::Sender<(InstanceName, Told)>) -> Option<Deaf> {
        loop {
            let caught = tokio::select! {
                caught = listening.next() => caught,
                () = told.closed() => return None,
            };
            let caught = match caught {
                Ok(caught) => caught,
                Err(deaf) => return Some(deaf),
            };
            let heard = Heard {
                at: clock::now(),
                caught,
            };
            let message = Told::Message(Box::new(heard));
            told.send((self.instance.clone(), message)).await.ok()?;
        }
    }
}

impl Ear {
    /// Opens a line. `is_known`: the broker has let us in before, so its port and our certificate were right.
    async fn open(&self, is_known: bool) -> Result<Listening, Deaf> {
        match self {
            Self::Exchange { broker, topics } => {
                let host = broker.address.to_string();
                match zero_nine::Listening::open(broker, topics).await {
                    Ok(it) => Ok(Listening {
                        host,
                        line: Line::Exchange(Box::new(it)),
                    }),
                    Err(error) if is_known => Err(deaf(host, &zero_nine::excused(error))),
                    Err(error) => Err(deaf(host, &error)),
                }
            }
            Self::Addresses { broker, topics } => {
                let opened = one::ear::Listening::open(broker, topics, is_known).await;
                let it = opened.map_err(Deaf::from)?;
                Ok(Listening {
                    host: it.host().to_owned(),
                    line: Line::Addresses(Box::new(it)),
                })
            }
        }
    }
}

fn deaf(host: String, error: &LinkError) -> Deaf {
    let (problem, detail) = error.trouble();
    Deaf::Trouble {
        trouble: Trouble {
            problem,
            host,
            detail,
            retry: None,
        },
        is_at_once: matches!(error, LinkError::QueueGone),
    }
}

impl From<Shut> for Deaf {
    fn from(shut: Shut) -> Self {
        match shut {
            Shut::Trouble(trouble) => Self::Trouble {
                trouble,
                is_at_once: false,
            },
            Shut::Unfit { host, why } => Self::Unfit { host, why },
        }
    }
}

/// A line that is open.
struct Listening {
    host: String,
    line: Line,
}

enum Line {
    Exchange(Box<zero_nine::Listening>),
    Addresses(Box<one::ear::Listening>),
}

impl Listening {
    /// Waits for a message. None is lost if the wait is given up.
    async fn next(&mut self) -> Result<Caught, Deaf> {
        match &mut self.line {
            Line::Exchange(it) => {
                let caught = it.next().await;
                caught
                    .map(Caught::Exchange)
                    .map_err(|error| deaf(self.host.clone(), &error))
            }
            Line::Addresses(it) => it.next().await.map(Caught::Addresses).map_err(Deaf::from),
        }
    }
}

impl Line {
    async fn close(self) {
        match self {
            Self::Exchange(it) => it.close().await,
            Self::Addresses(it) => it.close().await,
        }
    }
}

/// A message that came.
#[derive(Debug)]
pub struct Heard {
    pub at: jiff::Timestamp,
    caught: Caught,
}

#[derive(Debug)]
enum Caught {
    Exchange(zero_nine::Caught),
    Addresses(one::ear::Caught),
}

/// What a message says.
#[derive(Debug)]
pub enum Meaning {
    News {
        event: HubEvent,
        /// The number of who owns it.
        owner: Option<UserId>,
    },
    /// It is well formed, as far as anybody has looked, and none that we have words for.
    SomethingElse,
    /// It cannot be read.
    Spoiled(DecodeError),
}

impl Heard {
    /// Returns the routing key, or where it was sent to as far as that is told.
    pub fn topic(&self) -> &str {
        match &self.caught {
            Caught::Exchange(it) => it.topic(),
            Caught::Addresses(it) => it.topic(),
        }
    }

    pub fn body(&self) -> Cow<'_, [u8]> {
        match &self.caught {
            Caught::Exchange(it) => it.body().into(),
            Caught::Addresses(it) => it.body(),
        }
    }

    /// Returns the headers, or the application properties, as a JSON object.
    pub fn headers(&self) -> Map<String, Value> {
        match &self.caught {
            Caught::Exchange(it) => it.headers(),
            Caught::Addresses(it) => it.headers(),
        }
    }

    /// Returns the error if it is larger than what anybody looks into.
    ///
    /// # Errors
    /// If it is too large.
    pub fn is_of_a_size(&self) -> Result<(), DecodeError> {
        let size = match &self.caught {
            Caught::Exchange(it) => it.body().len(),
            Caught::Addresses(it) => it.size(),
        };
        if size > MAX_BODY {
            return Err(DecodeError::TooLarge { size });
        }
        Ok(())
    }

    /// Returns what it says in the dialect of its broker.
    pub fn meaning(&self) -> Meaning {
        match &self.caught {
            Caught::Exchange(it) => it.meaning(),
            Caught::Addresses(it) => it.meaning(),
        }
    }

    /// Returns it whole.
    pub fn recorded(&self, instance: &InstanceName) -> Recorded {
        let recorded = match &self.caught {
            Caught::Exchange(it) => it.recorded(),
            Caught::Addresses(it) => it.recorded(),
        };
        Recorded {
            at: Some(self.at),
            instance: Some(instance.to_string()),
            ..recorded
        }
    }
}

/// What a message has to be about. Names of one kind are alternatives, and both kinds have to fit; a kind without a
/// name fits everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub packages: BTreeSet<String>,
    /// Who owns it or has done it.
    pub users: BTreeSet<String>,
}

impl Filter {
    /// Returns whether there is nothing to fit.
    pub fn is_open(&self) -> bool {
        self.packages.is_empty() && self.users.is_empty()
    }

    /// Returns whether an event is about one of the packages and of one of the users. What does not tell, does not fit.
    pub fn fits(&self, event: &HubEvent) -> bool {
        let is_of_package = self.packages.is_empty() || package(event).is_some_and(|it| self.packages.contains(it));
        let users = [event.owner(), doer(event)];
        let is_of_user = self.users.is_empty() || users.into_iter().flatten().any(|it| self.users.contains(it));
        is_of_package && is_of_user
    }
}

fn package(event: &HubEvent) -> Option<&str> {
    match event {
        HubEvent::Changed(it) => it.package(),
        HubEvent::Child(it) => Some(&it.srpm.as_ref()?.name),
        HubEvent::Promoted(it) => Some(&it.nvr.name),
        HubEvent::PackageList(it) => Some(&it.package),
        HubEvent::Signed(it) => Some(&it.nvr.as_ref().unwrap_or(&it.rpm).name),
        HubEvent::Imported(it) => Some(&it.nvr.as_ref()?.name),
        HubEvent::Repo(_) | HubEvent::Other { .. } => None,
    }
}

/// Returns who has done it, where that need not be the owner.
fn doer(event: &HubEvent) -> Option<&str> {
    match event {
        HubEvent::Changed(Change::Tag(it)) => it.user.as_deref(),
        HubEvent::Promoted(it) => it.user.as_deref(),
        HubEvent::PackageList(it) => it.user.as_deref(),
        HubEvent::Changed(Change::Build(_) | Change::Task(_))
        | HubEvent::Child(_)
        | HubEvent::Repo(_)
        | HubEvent::Signed(_)
        | HubEvent::Imported(_)
        | HubEvent::Other { .. } => None,
    }
}
