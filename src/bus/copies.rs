//! Copies of what the brokers send, for programs that want to hear it all.
//!
//! Promise: a source never waits for whoever takes them. At most [`MAX_COPIES`] wait; what comes on top of that, and
//! what is larger than [`MAX_COPY`], is left out and counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tracing::warn;

use super::recorded::Recorded;

/// How many copies wait to be taken.
pub const MAX_COPIES: usize = 64;

/// The largest body, in bytes, that is copied.
pub const MAX_COPY: usize = 256 * 1024;

/// Where sources leave copies, if anybody wants them. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Copies(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    taker: Mutex<Option<mpsc::Sender<Recorded>>>,
    left_out: AtomicU64,
}

impl Copies {
    /// Returns the copies of all that comes from now on. Whoever took them before gets no more.
    pub fn take(&self) -> mpsc::Receiver<Recorded> {
        let (sender, copies) = mpsc::channel(MAX_COPIES);
        self.set(Some(sender));
        copies
    }

    /// Nobody wants them any more.
    pub fn stop(&self) {
        self.set(None);
    }

    /// Returns how many were left out since this was asked.
    pub fn left_out(&self) -> u64 {
        self.0.left_out.swap(0, Ordering::Relaxed)
    }

    /// Leaves a copy of a message with a body of so many bytes, if somebody wants it and there is room.
    pub(super) fn leave(&self, size: usize, copy: impl FnOnce() -> Recorded) {
        let taker = self.0.taker.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(taker) = &*taker else { return };
        let room = taker.try_reserve();
        match room {
            Ok(room) if size <= MAX_COPY => room.send(copy()),
            Ok(_) | Err(mpsc::error::TrySendError::Full(())) => {
                if self.0.left_out.fetch_add(1, Ordering::Relaxed) == 0 {
                    warn!("messages are not passed on: they are too large, or come faster than they are taken");
                }
            }
            Err(mpsc::error::TrySendError::Closed(())) => {}
        }
    }

    fn set(&self, taker: Option<mpsc::Sender<Recorded>>) {
        *self.0.taker.lock().unwrap_or_else(PoisonError::into_inner) = taker;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leave(copies: &Copies, size: usize) {
        copies.leave(size, || Recorded {
            topic: size.to_string(),
            ..Recorded::default()
        });
    }

    #[test]
    fn nothing_is_copied_where_nobody_wants_it() {
        let copies = Copies::default();
        copies.leave(1, || panic!("nobody wants it"));
        let mut taken = copies.take();
        leave(&copies, 1);
        copies.stop();
        copies.leave(1, || panic!("nobody wants it any more"));
        assert_eq!(taken.try_recv().unwrap().topic, "1");
        assert!(taken.try_recv().is_err());
        assert_eq!(copies.left_out(), 0);
    }

    #[test]
    fn what_is_too_much_or_too_large_is_counted_and_left_out() {
        let copies = Copies::default();
        let mut taken = copies.take();
        leave(&copies, MAX_COPY + 1);
        for size in 0..MAX_COPIES + 3 {
            leave(&copies, size);
        }
        assert_eq!(copies.left_out(), 4);
        let mut count = 0;
        while taken.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, MAX_COPIES);
        leave(&copies, MAX_COPY);
        assert_eq!(taken.try_recv().unwrap().topic, MAX_COPY.to_string());
        assert_eq!(copies.left_out(), 0);
    }
}
