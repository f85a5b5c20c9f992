//! What the loop wants of a source, one thing at a time.
//!
//! Promise: no call is lost because somebody stopped waiting for it.
//!
//! It deliberately does not know a broker.

use std::future::Future;
use std::pin::pin;

use tokio::sync::mpsc;

use super::source::{Orders, Signs};
use crate::koji::Interest;
use crate::watch::{Delivery, Event};

/// What the loop wants of us, one thing at a time.
pub(super) struct Calls {
    pub(super) interest: tokio::sync::watch::Receiver<Interest>,
    acknowledge: mpsc::UnboundedReceiver<Delivery>,
    woken: tokio::sync::watch::Receiver<u64>,
    /// Nobody will tell us any more that the computer was asleep.
    is_unwakeable: bool,
    doubted: tokio::sync::watch::Receiver<u64>,
    /// A second ear for the end, which takes nothing away from the first.
    end: tokio::sync::watch::Receiver<Interest>,
}

/// Something that the loop wants.
pub(super) enum Call {
    Stop,
    Wake,
    /// Something was not heard.
    Doubt,
    /// What is to be heard has changed.
    Want,
    /// A delivery need not be sent again.
    Done(Delivery),
}

/// What cuts short an attempt or a wait.
pub(super) enum Interruption {
    Stop,
    Wake,
}

impl Calls {
    /// Takes the orders, and returns where signs of life are noted.
    pub(super) fn new(orders: Orders) -> (Self, Signs) {
        let Orders {
            interest,
            acknowledge,
            woken,
            doubted,
            signs,
        } = orders;
        let calls = Self {
            end: interest.clone(),
            interest,
            acknowledge,
            woken,
            is_unwakeable: false,
            doubted,
        };
        (calls, signs)
    }

    /// Forgets doubts about lines that are gone.
    pub(super) fn begin_line(&mut self) -> Interest {
        self.doubted.mark_unchanged();
        self.interest.borrow_and_update().clone()
    }

    /// Waits for the next call. None is lost if the wait is given up.
    pub(super) async fn next(&mut self, inbox: &mpsc::Sender<Event>) -> Call {
        loop {
            tokio::select! {
                () = inbox.closed() => return Call::Stop,
                done = self.acknowledge.recv() => return done.map_or(Call::Stop, Call::Done),
                changed = self.interest.changed() => {
                    return if changed.is_ok() { Call::Want } else { Call::Stop };
                }
                // Who tells of doubts tells of what is wanted, too.
                Ok(()) = self.doubted.changed() => return Call::Doubt,
                woken = self.woken.changed(), if !self.is_unwakeable => {
                    if woken.is_ok() {
                        return Call::Wake;
                    }
                    self.is_unwakeable = true;
                }
            }
        }
    }

    /// Returns what the work came to, unless it was cut short. There is no line meanwhile, so what is wanted is looked
    /// up later, and deliveries of lines before cannot be acknowledged.
    pub(super) async fn during<T>(
        &mut self,
        inbox: &mpsc::Sender<Event>,
        work: impl Future<Output = T>,
    ) -> Result<T, Interruption> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = work.as_mut() => return Ok(done),
                call = self.next(inbox) => match call {
                    Call::Stop => return Err(Interruption::Stop),
                    Call::Wake => return Err(Interruption::Wake),
                    Call::Want | Call::Doubt | Call::Done(_) => {}
                },
            }
        }
    }

    /// Returns when the loop has let go of the orders.
    pub(super) async fn hung_up(&mut self) {
        while self.end.changed().await.is_ok() {}
    }

    /// Returns the deliveries that were done with before the end.
    pub(super) fn last_words(&mut self) -> Vec<Delivery> {
        std::iter::from_fn(|| self.acknowledge.try_recv().ok()).collect()
    }
}
