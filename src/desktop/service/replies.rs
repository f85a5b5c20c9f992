//! Callers that wait for an answer, and how they are refused.
//!
//! Each caller has a ticket. The answer comes from the loop when it is there; a caller never waits longer than
//! [`ANSWER_WITHIN`], and there are never more than [`MAX_CALLERS`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::koji::NotUnderstood;
use crate::view::facts::Facts;
use crate::watch::{Reply, Ticket};

/// How long a caller waits for an answer. Less than the 25 seconds after which D-Bus libraries give up by themselves
/// (`libdbus`, `GDBus`).
pub const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How many callers can wait at once.
pub const MAX_CALLERS: usize = 32;

/// Why a caller gets no answer. The names are part of our interface; the text is for people.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.fedoraproject.KojiNotify1.Error")]
pub enum Refused {
    /// Something that D-Bus itself refuses.
    #[zbus(error)]
    ZBus(zbus::Error),
    /// It is neither a number, nor a name, nor an address; or it could be of several instances.
    NotUnderstood(String),
    /// The hub knows nothing of the kind, or it is not followed.
    Unknown(String),
    /// The instance has no hub that could be asked.
    NoHub(String),
    /// The hub did not answer.
    NoAnswer(String),
    /// Too much is asked at once.
    Busy(String),
}

impl From<NotUnderstood> for Refused {
    fn from(problem: NotUnderstood) -> Self {
        Self::NotUnderstood(problem.to_string())
    }
}

/// What a caller is answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Reply(Reply),
    List(Vec<Facts>),
}

/// Those who wait.
#[derive(Clone, Default)]
pub(super) struct Replies {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    callers: BTreeMap<Ticket, oneshot::Sender<Answer>>,
    has_ended: bool,
}

/// One who waits. The place is free again when this is dropped.
pub(super) struct Caller {
    pub(super) ticket: Ticket,
    answer: oneshot::Receiver<Answer>,
    replies: Replies,
}

impl Replies {
    /// Takes in one more caller.
    pub(super) fn wait(&self) -> Result<Caller, Refused> {
        self.with(|it| {
            if it.has_ended {
                return Err(ending());
            }
            if it.callers.len() >= MAX_CALLERS {
                return Err(busy());
            }
            it.last += 1;
            let ticket = Ticket(it.last);
            let (sender, answer) = oneshot::channel();
            it.callers.insert(ticket, sender);
            let replies = self.clone();
            Ok(Caller {
                ticket,
                answer,
                replies,
            })
        })
    }

    /// Hands an answer over. Whoever does not wait any more does not hear it.
    pub(super) fn answer(&self, ticket: Ticket, answer: Answer) {
        if let Some(caller) = self.with(|it| it.callers.remove(&ticket)) {
            // It has just gone.
            _ = caller.send(answer);
        }
    }

    /// Sends everybody away, for good.
    pub(super) fn end(&self) {
        let callers = self.with(|it| {
            it.has_ended = true;
            std::mem::take(&mut it.callers)
        });
        drop(callers);
    }

    fn with<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        // Nothing that holds the lock can leave it half done.
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Caller {
    /// Returns the answer, when it is there.
    pub(super) async fn answer(mut self, within: Duration) -> Result<Answer, Refused> {
        match tokio::time::timeout(within, &mut self.answer).await {
            Ok(answer) => answer.map_err(|_| ending()),
            Err(_) => Err(Refused::NoAnswer(format!("no answer within {} s", within.as_secs()))),
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        drop(self.replies.with(|it| it.callers.remove(&self.ticket)));
    }
}

/// There is no room for another question.
pub(super) fn busy() -> Refused {
    Refused::Busy("koji-notify is busy; ask again later".to_owned())
}

/// Nobody will answer any more.
pub(super) fn ending() -> Refused {
    Refused::NoAnswer("koji-notify is ending".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_caller_gets_the_answer_to_its_ticket() {
        let replies = Replies::default();
        let first = replies.wait().unwrap();
        let second = replies.wait().unwrap();
        replies.answer(second.ticket, Answer::Reply(Reply::NoHub));
        replies.answer(first.ticket, Answer::Reply(Reply::Unknown));
        assert_eq!(second.answer(ANSWER_WITHIN).await.unwrap(), Answer::Reply(Reply::NoHub));
        assert_eq!(
            first.answer(ANSWER_WITHIN).await.unwrap(),
            Answer::Reply(Reply::Unknown)
        );
    }

    #[tokio::test]
    async fn a_caller_waits_for_so_long_and_then_makes_room() {
        let replies = Replies::default();
        let caller = replies.wait().unwrap();
        let ticket = caller.ticket;
        let refused = caller.answer(Duration::from_millis(1)).await.unwrap_err();
        assert!(matches!(refused, Refused::NoAnswer(_)), "{refused}");
        assert_eq!(replies.with(|it| it.callers.len()), 0);
        replies.answer(ticket, Answer::Reply(Reply::Unknown));
    }

    #[tokio::test]
    async fn more_callers_than_there_is_room_for_are_sent_away() {
        let replies = Replies::default();
        let mut callers: Vec<_> = (0..MAX_CALLERS).map(|_| replies.wait().unwrap()).collect();
        assert!(matches!(replies.wait(), Err(Refused::Busy(_))));
        drop(callers.pop());
        assert!(replies.wait().is_ok());
        replies.end();
        for caller in callers {
            let refused = caller.answer(ANSWER_WITHIN).await.unwrap_err();
            assert!(matches!(refused, Refused::NoAnswer(_)), "{refused}");
        }
        assert!(matches!(replies.wait(), Err(Refused::NoAnswer(_))));
    }
}
