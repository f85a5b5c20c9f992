//! Where news comes from.

use std::future::Future;

use tokio::sync::mpsc;

use super::copies::Copies;
use crate::clock::Pulse;
use crate::koji::Interest;
use crate::watch::{Delivery, Event};

/// What the loop tells a source.
pub struct Orders {
    /// What is to be heard. A source takes up each new value.
    pub interest: tokio::sync::watch::Receiver<Interest>,
    /// What need not be sent again.
    pub acknowledge: mpsc::UnboundedReceiver<Delivery>,
    /// The computer was asleep: the line is dead even if it does not look so.
    pub woken: tokio::sync::watch::Receiver<u64>,
    /// Something that should have been heard was not: the line may be deaf even if it does not look so.
    pub doubted: tokio::sync::watch::Receiver<u64>,
    /// Where the source notes that the line lives.
    pub signs: Signs,
}

/// The signs of life of a source, for whoever asks, and what comes over it.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    /// A message, whosever it was.
    pub message: Pulse,
    /// Anything at all, a heartbeat too.
    pub anything: Pulse,
    /// Where a copy of each message is left.
    pub copies: Copies,
}

/// A place that news comes from: a broker, or a recording.
pub trait Source: Send + 'static {
    /// Runs until the inbox or the orders close. Trouble is reported as [`Event::LinkChanged`] and the line is tried
    /// again; nothing ends a source but its own end or the loop's.
    fn run(self, orders: Orders, inbox: mpsc::Sender<Event>) -> impl Future<Output = ()> + Send;
}
