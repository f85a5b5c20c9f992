//! What the configuration promises about a broker: checked, whole, ready to be dialled.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::koji::Interest;

pub use super::decode::Dialect;
pub use super::password::{Password, PasswordError};
pub use crate::net::credentials::Trust;
pub use crate::net::secret::Secret;

/// A broker, and how to log in to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Broker {
    pub address: Address,
    pub login: Login,
    pub trust: Trust,
    /// The exchange that is bound to, `amq.topic` nearly everywhere.
    pub exchange: String,
    /// How the messages look, and so what is bound.
    pub dialect: Dialect,
    pub queue: Queue,
    /// Routing keys that the site's file asks for, where they are narrower than `#`: what is bound is what they and
    /// our own wishes have in common. Empty: no such limit.
    pub allowed_keys: Vec<String>,
    /// Queues and exchanges are only checked, not made (`passive_declares` of fedora-messaging).
    pub passive: bool,
    /// How many unacknowledged messages the broker may send ahead, 1 to [`MAX_PREFETCH`].
    pub prefetch: u16,
    /// Seconds between heartbeats; `None` takes what the broker proposes.
    pub heartbeat: Option<u16>,
    /// The time limit on everything from the first packet to the end of the login.
    pub connection_timeout: Duration,
    /// Shown to the broker's administrator. Ours fill in what is missing.
    pub client_properties: BTreeMap<String, String>,
}

impl Broker {
    /// Returns whether builds can be heard of: what the site's file asks for does not leave them out.
    pub fn tells_of_builds(&self) -> bool {
        let interest = Interest::default();
        !super::binding::bindings(&interest, self).is_empty()
    }
}

/// The largest prefetch that a configuration may ask for.
pub const MAX_PREFETCH: u16 = 1000;

/// Where a broker is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// `amqps`: TLS from the first byte.
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// Decoded: `/public_pubsub`.
    pub vhost: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// How to log in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Login {
    /// SASL EXTERNAL: the client certificate says who we are.
    External { certificate: PathBuf, key: PathBuf },
    /// SASL PLAIN: a user and a password or token.
    Plain { user: String, password: Password },
}

/// Which queue is read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Queue {
    pub name: QueueName,
    pub durable: bool,
    pub auto_delete: bool,
    pub exclusive: bool,
    /// `x-…` arguments of the declaration.
    pub arguments: BTreeMap<String, Argument>,
}

/// What a queue is called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QueueName {
    /// The broker picks one for each connection.
    ByServer,
    /// Ours: a UUID that is kept in the state folder, or what the site's file says.
    Named(String),
}

/// A value in a queue's arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Argument {
    Text(String),
    Number(i64),
    Switch(bool),
}
