//! A line for a moment, to see whether it works: for `koji-notify check`.
//!
//! Promise: everything the live source needs is tried (name, TLS, login, virtual host, declaring, binding, reading),
//! on a queue of its own that is gone afterwards, so that a running daemon is not disturbed.

use std::path::Path;

use jiff::Timestamp;

use super::broker::{Broker, Queue, QueueName};
use super::session::{Left, Session};
use crate::clock::Pulse;
use crate::koji::Interest;
use crate::net::credentials;
use crate::watch::Trouble;

/// Dials, logs in and subscribes for a moment.
///
/// # Errors
///
/// What a person would be told if the daemon met it.
pub async fn probe(broker: &Broker, interest: &Interest) -> Result<(), Trouble> {
    let mut broker = broker.clone();
    if !broker.passive {
        broker.queue = Queue {
            name: QueueName::ByServer,
            durable: false,
            auto_delete: true,
            exclusive: true,
            arguments: broker.queue.arguments,
        };
    }
    match Session::open(&broker, interest, Left::Unknown, &Pulse::default()).await {
        Ok(session) => {
            session.close().await;
            Ok(())
        }
        Err(error) => {
            let (problem, detail) = error.trouble();
            Err(Trouble {
                problem,
                host: broker.address.to_string(),
                detail,
                retry: None,
            })
        }
    }
}

/// Returns when the first certificate in a PEM file ends; `None` if there is none that can be read.
pub fn certificate_ends(file: &Path) -> Option<Timestamp> {
    credentials::ends(file)
}
