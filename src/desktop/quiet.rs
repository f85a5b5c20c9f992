//! Whether the person is not to be disturbed, as the desktop tells it: do not disturb, a presentation, a locked screen,
//! nobody there.
//!
//! Each desktop has its own way to say so; `sources` lists them. All are listened to at once, whichever desktop this
//! is: a service that is not there says nothing. A signal is only a hint that something may have changed; how it
//! is, is asked, so that no signal's shape has to be known, and what a service said before it died or hung does not
//! stay. Nothing is started by asking, nothing that answers is polled, and nobody is waited for longer than [`PATIENCE`].
//!
//! It deliberately does not know what follows from it.

mod ask;
mod sources;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{OptionFuture, join_all};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::mpsc;
use tracing::debug;
use zbus::proxy::CacheProperties;
use zbus::{Connection, Proxy};

use crate::clock;
use crate::watch::{Event, Reason};

use ask::{Answer, answer, is_there};
use sources::{Hint, Source};

/// How long a service may take to say how it is. After that what it said before counts.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How many answers wait to be told.
const SAID: usize = 32;

/// How long after no answer came it is asked again; each time twice as long.
const ASK_AGAIN: Duration = Duration::from_secs(10);
const ASK_AGAIN_AT_MOST: Duration = Duration::from_secs(600);

/// Held by each source until it has answered for the first time, or will not.
type FirstRound = mpsc::Sender<Infallible>;

/// Tells of each reason that comes or goes, and once that all have been asked, until the inbox closes or this is dropped.
/// `system` is a connection to the system bus, where there is one.
pub async fn run(session: Connection, system: Option<Connection>, inbox: mpsc::Sender<Event>) {
    let (said, heard) = mpsc::channel(SAID);
    let (round, mut round_is_over) = mpsc::channel(1);
    let of_session = sources::OF_SESSION.into_iter();
    let of_session = join_all(of_session.map(|it| follow(&session, it, &said, Some(round.clone()))));
    let of_system = async {
        if let Some(system) = &system {
            follow_screen(system, &said, round).await;
        }
    };
    let first_round = async {
        round_is_over.recv().await;
        _ = said.send(Said::All).await;
    };
    let listening = async {
        tokio::join!(of_session, of_system, first_round);
        // Nobody has anything to say any more, but what was said counts.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = listening => {}
        () = gather(heard, &inbox) => {}
    }
}

/// A service that tells of a reason, as it is now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// For people.
    pub name: &'static str,
    pub reason: Reason,
    /// It is a reason just now.
    pub is_so: bool,
}

/// Returns who would tell us of reasons to be quiet on the session bus, and how it is. For `koji-notify check`.
pub async fn look(session: &Connection) -> Vec<Heard> {
    let looks = sources::OF_SESSION.into_iter().map(|source| async move {
        if !is_there(session, &source).await {
            return None;
        }
        match answer(session, &source).await {
            Answer::Is(is_so) => Some(Heard {
                name: source.name,
                reason: source.reason,
                is_so,
            }),
            Answer::Nothing | Answer::Late => None,
        }
    });
    join_all(looks).await.into_iter().flatten().collect()
}

/// What was said.
enum Said {
    /// By a source, last.
    Is {
        source: &'static str,
        reason: Reason,
        is_so: bool,
    },
    /// All were asked, and what they answered was said before.
    All,
}

/// Makes one of what several sources say: there is a reason as long as one of them says so.
async fn gather(mut heard: mpsc::Receiver<Said>, inbox: &mpsc::Sender<Event>) {
    let mut so = BTreeSet::new();
    let has = |so: &BTreeSet<(Reason, &str)>, reason| so.iter().any(|(it, _)| *it == reason);
    while let Some(said) = heard.recv().await {
        let (source, reason, is_so) = match said {
            Said::Is { source, reason, is_so } => (source, reason, is_so),
            Said::All => {
                if inbox.send(Event::DesktopAnswered).await.is_err() {
                    return;
                }
                continue;
            }
        };
        let was = has(&so, reason);
        if is_so {
            so.insert((reason, source));
        } else {
            so.remove(&(reason, source));
        }
        let is = has(&so, reason);
        if was != is {
            debug!(reason = reason.name(), source, is, "a reason to be quiet");
            if inbox.send(Event::QuietChanged(reason, is)).await.is_err() {
                return;
            }
        }
    }
}

/// Follows what logind tells of the session that is on the person's screen, whichever that is by then, until the bus goes
/// away.
async fn follow_screen(system: &Connection, said: &mpsc::Sender<Said>, round: FirstRound) {
    let mut changes = match sources::session_changes(system).await {
        Ok(changes) => changes,
        Err(error) => {
            debug!(%error, "nobody tells whether the screen is locked");
            return;
        }
    };
    let mut round = Some(round);
    loop {
        let session = sources::session(system).await;
        let round = round.take();
        let is_other = match &session {
            Ok(session) => {
                let all = sources::of_session(session).map(|it| follow(system, it, said, round.clone()));
                let all = join_all(all);
                drop(round);
                let is_other = async {
                    while changes.next().await.is_some() {
                        if !sources::session(system).await.is_ok_and(|it| it == *session) {
                            return true;
                        }
                    }
                    false
                };
                tokio::select! {
                    _ = all => false,
                    is_other = is_other => is_other,
                }
            }
            Err(error) => {
                debug!(%error, "nobody tells whether the screen is locked");
                drop(round);
                changes.next().await.is_some()
            }
        };
        // What was said of a session ends with it.
        for source in session.iter().flat_map(sources::of_session) {
            is_none(&source, said).await;
        }
        if !is_other {
            return;
        }
    }
}

/// Follows a source until the bus goes away; then there is no reason any more.
async fn follow(connection: &Connection, source: Source, said: &mpsc::Sender<Said>, round: Option<FirstRound>) {
    match hints(connection, &source).await {
        Ok(hints) => ask_at(hints, connection, &source, said, round).await,
        Err(error) => debug!(%error, source = source.name, "nobody tells of this reason to be quiet"),
    }
    is_none(&source, said).await;
}

/// Says that there is no such reason. Whoever would hear it may be gone.
async fn is_none(source: &Source, said: &mpsc::Sender<Said>) {
    let (source, reason, is_so) = (source.name, source.reason, false);
    _ = said.send(Said::Is { source, reason, is_so }).await;
}

/// Asks a source how it is, and again whenever something may have changed.
async fn ask_at(
    mut hints: BoxStream<'static, ()>,
    connection: &Connection,
    source: &Source,
    said: &mpsc::Sender<Said>,
    mut round: Option<FirstRound>,
) {
    let ask = |wait: Duration| async move {
        clock::pass(wait).await;
        answer(connection, source).await
    };
    let mut asking = pin!(OptionFuture::from(Some(ask(Duration::ZERO))));
    let (mut is_asking, mut again) = (true, false);
    let mut wait = ASK_AGAIN;
    loop {
        tokio::select! {
            // An answer is no older than the hints before it.
            biased;
            Some(answered) = asking.as_mut(), if is_asking => {
                let is_so = match answered {
                    Answer::Is(is_so) => Some(is_so),
                    Answer::Nothing => Some(false),
                    Answer::Late => None,
                };
                if let Some(is_so) = is_so {
                    let said_this = Said::Is { source: source.name, reason: source.reason, is_so };
                    if said.send(said_this).await.is_err() {
                        return;
                    }
                }
                drop(round.take());
                let is_late = is_so.is_none();
                is_asking = std::mem::take(&mut again) || is_late;
                // What it said before may be over, and it may have nothing more to say by itself.
                let before = if is_late { wait } else { Duration::ZERO };
                wait = if is_late { wait.saturating_mul(2).min(ASK_AGAIN_AT_MOST) } else { ASK_AGAIN };
                asking.set(is_asking.then(|| ask(before)).into());
            }
            hint = hints.next() => {
                if hint.is_none() {
                    return;
                }
                if is_asking {
                    again = true;
                } else {
                    asking.set(Some(ask(Duration::ZERO)).into());
                    is_asking = true;
                }
            }
        }
    }
}

/// Says, with an item each time, that a source may have changed: it has said something, or has come or gone.
async fn hints(connection: &Connection, source: &Source) -> zbus::Result<BoxStream<'static, ()>> {
    let Hint {
        name,
        path,
        interface,
        members,
        arguments,
    } = source.hint;
    let path = match (&source.path, path) {
        (_, Some(path)) => path.to_owned(),
        (path, None) => path.clone().into_owned(),
    };
    let proxy = proxy(connection, name, path, interface).await?;
    let mut all: Vec<BoxStream<'static, ()>> = Vec::new();
    let arguments: Vec<_> = (0_u8..).zip(arguments.iter().copied()).collect();
    for member in members {
        let signals = proxy.receive_signal_with_args(*member, &arguments).await?;
        all.push(signals.map(|_| ()).boxed());
    }
    if members.is_empty() {
        all.push(proxy.receive_all_signals().await?.map(|_| ()).boxed());
    }
    for name in [Some(source.at), source.also].into_iter().flatten() {
        let owner = self::proxy(connection, name, "/", "org.freedesktop.DBus.Peer").await?;
        all.push(owner.receive_owner_changed().await?.map(|_| ()).boxed());
    }
    Ok(stream::select_all(all).boxed())
}

/// Returns a proxy that keeps nothing and asks nothing by itself.
async fn proxy(
    connection: &Connection,
    name: &'static str,
    path: impl Into<String>,
    interface: &'static str,
) -> zbus::Result<Proxy<'static>> {
    zbus::proxy::Builder::new(connection)
        .destination(name)?
        .path(path.into())?
        .interface(interface)?
        .cache_properties(CacheProperties::No)
        .build()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_is_a_reason_as_long_as_one_says_so() {
        let (said, heard) = mpsc::channel(SAID);
        let (inbox, mut events) = mpsc::channel(SAID);
        let say = |source, reason, is_so| said.try_send(Said::Is { source, reason, is_so }).unwrap();
        say("a", Reason::Locked, false);
        say("a", Reason::Locked, true);
        said.try_send(Said::All).unwrap();
        say("b", Reason::Locked, true);
        say("c", Reason::Idle, true);
        say("a", Reason::Locked, true);
        say("a", Reason::Locked, false);
        say("a", Reason::Locked, false);
        say("b", Reason::Locked, false);
        drop(said);
        gather(heard, &inbox).await;
        drop(inbox);
        let mut told = Vec::new();
        while let Some(event) = events.recv().await {
            told.push(event);
        }
        let changes = [
            Event::QuietChanged(Reason::Locked, true),
            Event::DesktopAnswered,
            Event::QuietChanged(Reason::Idle, true),
            Event::QuietChanged(Reason::Locked, false),
        ];
        assert_eq!(told, changes);
    }
}
