//! Notifications: cards go to whatever server runs, and what a person does with them comes back as events.
//!
//! Each [`Order::Show`] is answered by one [`Event::Shown`], in order and within [`CALL_LIMIT`], whatever the server
//! does. A server may be absent, start late, be started by D-Bus, hang, refuse, leave or be replaced. What it did not
//! take is not kept here: the watch tries again when [`Event::ServerChanged`] says that there is a server. One that
//! hangs counts as absent until it answers again; if it then turns out to have taken what was reported as lost, a
//! second [`Event::Shown`] says so before the server is reported as present.
//!
//! One connection carries all notifications for as long as we run: GNOME Shell takes down what a vanished connection
//! has shown, and dunst reports a close to the connection that showed last.
//!
//! It deliberately knows no sentence and no rule, and opens nothing.

pub mod letter;
mod server;
mod shown;

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{debug, warn};
use zbus::names::OwnedUniqueName;
use zbus::{Connection, MessageStream};

use self::letter::Abilities;
use self::server::{OwnerChange, Signal};
use self::shown::Shown;
use crate::clock;
use crate::view::{Action, Card};
use crate::watch::{Closed, Event, NoticeId, Outcome, Posted};

/// A server that has not answered for this long hangs. An activation that takes longer is still welcome when it comes.
pub const CALL_LIMIT: Duration = Duration::from_secs(3);

/// How long a server that answers later calls may take to answer the one it hung on, before that one is given up.
const GRACE: Duration = Duration::from_secs(1);

/// The bus itself answers within this time, or we do without.
const BUS_LIMIT: Duration = Duration::from_secs(3);

/// So many events may wait for the inbox. Beyond, no orders are taken and clicks are dropped.
const OUTBOX_LIMIT: usize = 64;

/// Tokens are about 40 characters; a longer one than this is nonsense.
const TOKEN_LIMIT: usize = 1024;

/// What is to be done with notifications.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Put a card on screen, or change the one of the same notice that is there.
    Show(Card),
    /// Take it off the screen.
    Withdraw(NoticeId),
    /// Take off the screen what an earlier run has left there, as far as this server has it.
    TakeDown(Vec<Posted>),
}

/// Carries out orders until there will be no more. `app_icon` is the absolute path of our icon, or its name.
pub async fn run(
    connection: Connection,
    app_icon: String,
    mut orders: mpsc::Receiver<Order>,
    inbox: mpsc::Sender<Event>,
) {
    let mut desk = Desk::new(connection, app_icon);
    match desk.arrive().await {
        Ok((owners, signals)) => desk.work(owners, signals, &mut orders, &inbox).await,
        Err(trouble) => warn!(%trouble, "the session bus does not let us listen to a notification server"),
    }
    desk.leave(&mut orders, &inbox).await;
}

struct Desk {
    connection: Connection,
    app_icon: String,
    /// Who has the server's name.
    server: Option<OwnedUniqueName>,
    /// Grows with each server that goes away: what was asked of one of before says nothing about the one that is.
    era: u64,
    /// D-Bus would start a server for the first who calls. As it was when we started.
    activatable: bool,
    /// Something was lost since a server last appeared or took something.
    doubt: bool,
    abilities: Option<Abilities>,
    shown: Shown,
    errand: Option<Errand>,
    outbox: VecDeque<Event>,
    /// What the watch was told last about the server's presence.
    told: Option<bool>,
}

/// A call that has been made. There is one at a time, so that notifications keep their order.
struct Errand {
    era: u64,
    purpose: Purpose,
    answer: BoxFuture<'static, zbus::Result<Answer>>,
    /// The time limit; when the call is overdue, the sign that the server answers other calls.
    limit: BoxFuture<'static, ()>,
    overdue: bool,
}

enum Purpose {
    /// To learn what the server can do; and to start one.
    Introduce,
    Show {
        notice: NoticeId,
        actions: Vec<Action>,
        /// It was withdrawn while nobody knew whether it is on screen.
        withdrawn: bool,
    },
}

struct Answer {
    abilities: Abilities,
    /// The server's number of what was shown.
    id: Option<u32>,
    /// What it stands for, and did not replace.
    outdated: Option<u32>,
}

/// What became of the errand for the moment.
enum Turn {
    Answered(zbus::Result<Answer>),
    LimitReached,
}

impl Desk {
    fn new(connection: Connection, app_icon: String) -> Self {
        Self {
            connection,
            app_icon,
            server: None,
            era: 0,
            activatable: false,
            doubt: false,
            abilities: None,
            shown: Shown::default(),
            errand: None,
            outbox: VecDeque::new(),
            told: None,
        }
    }

    /// Looks who is there. The subscriptions come first, so that no change falls between.
    async fn arrive(&mut self) -> zbus::Result<(MessageStream, MessageStream)> {
        self.activatable = server::is_activatable(&self.connection)
            .await
            .unwrap_or_else(|trouble| {
                debug!(%trouble, "the bus does not say which services it can start");
                false
            });
        let owners = server::owner_changes(&self.connection).await?;
        let signals = server::signals(&self.connection).await?;
        let new = server::owner(&self.connection).await?;
        self.owner_changed(OwnerChange { new });
        Ok((owners, signals))
    }

    /// Returns when there will be no more orders, when nobody reads our events, or when the bus is gone.
    ///
    /// Both streams are polled all the time: zbus stops reading the connection when 64 messages wait in one of them.
    /// The arms are polled in the order in which one thing can follow from another on the wire.
    async fn work(
        &mut self,
        mut owners: MessageStream,
        mut signals: MessageStream,
        orders: &mut mpsc::Receiver<Order>,
        inbox: &mpsc::Sender<Event>,
    ) {
        loop {
            tokio::select! {
                biased;
                turn = turn(&mut self.errand) => self.turned(turn).await,
                message = owners.next() => match message {
                    Some(Ok(message)) => {
                        if let Some(change) = server::owner_change(&message) {
                            self.owner_changed(change);
                        }
                    }
                    Some(Err(_)) | None => return self.bus_lost(),
                },
                message = signals.next() => match message {
                    Some(Ok(message)) => {
                        if let Some(signal) = server::signal(&message, self.server.as_deref()) {
                            self.signalled(signal);
                        }
                    }
                    Some(Err(_)) | None => return self.bus_lost(),
                },
                permit = inbox.reserve(), if !self.outbox.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(event) = self.outbox.pop_front() {
                            permit.send(event);
                        }
                    }
                    Err(_) => return,
                },
                order = orders.recv(), if self.takes_orders() => match order {
                    Some(Order::Show(card)) => self.show(card),
                    Some(Order::Withdraw(notice)) => self.withdraw(notice).await,
                    Some(Order::TakeDown(posted)) => self.take_down(posted).await,
                    None => return,
                },
            }
        }
    }

    /// Says what is left to say, and answers orders as lost while there are any.
    async fn leave(mut self, orders: &mut mpsc::Receiver<Order>, inbox: &mpsc::Sender<Event>) {
        for event in self.outbox.drain(..) {
            // Whoever has stopped sending orders may have stopped reading, too: do not wait.
            if inbox.try_send(event).is_err() {
                break;
            }
        }
        while let Some(order) = orders.recv().await {
            match order {
                Order::Show(card) => {
                    if inbox.send(Event::Shown(card.notice, Outcome::Lost)).await.is_err() {
                        return;
                    }
                }
                Order::Withdraw(_) | Order::TakeDown(_) => {}
            }
        }
    }

    fn takes_orders(&self) -> bool {
        let free = self.errand.as_ref().is_none_or(|it| it.overdue);
        free && self.outbox.len() < OUTBOX_LIMIT
    }

    fn show(&mut self, card: Card) {
        let notice = card.notice;
        if self.is_hung() {
            debug!(%notice, "the notification server hangs");
            return self.lost(notice);
        }
        let before = self.shown.on_screen(notice);
        let actions = card.actions.clone();
        let (connection, app_icon, known) = (self.connection.clone(), self.app_icon.clone(), self.abilities);
        let answer = Box::pin(async move {
            let abilities = match known {
                Some(abilities) => abilities,
                None => server::introduce(&connection).await?,
            };
            let letter = letter::compose(&card, abilities, &app_icon);
            let (replaces, outdated) = if abilities.drops_buttons {
                (0, before)
            } else {
                (before.unwrap_or(0), None)
            };
            let id = server::notify(&connection, replaces, &letter).await?;
            Ok(Answer {
                abilities,
                id: Some(id),
                outdated,
            })
        });
        let withdrawn = false;
        self.begin(
            Purpose::Show {
                notice,
                actions,
                withdrawn,
            },
            answer,
        );
    }

    async fn withdraw(&mut self, notice: NoticeId) {
        if let Some(Purpose::Show {
            notice: it, withdrawn, ..
        }) = self.errand.as_mut().map(|it| &mut it.purpose)
            && *it == notice
        {
            *withdrawn = true;
        }
        if let Some(id) = self.shown.on_screen(notice) {
            self.close(id).await;
        }
    }

    /// Closes what an earlier run has shown to this very server: its buttons lead nowhere any more.
    async fn take_down(&mut self, posted: Vec<Posted>) {
        let server = self.identity();
        for it in posted {
            if server.as_ref() == Some(&it.server) {
                self.close(it.number).await;
            }
        }
    }

    /// Returns the bus's id and the server's name on it: together they are never given out again.
    fn identity(&self) -> Option<String> {
        let server = self.server.as_ref()?;
        Some(format!("{} {server}", self.connection.server_guid()))
    }

    /// Closes a notification without waiting for the server; its signal tells when it has happened.
    async fn close(&mut self, id: u32) {
        let Some(server) = &self.server else { return };
        match timeout(BUS_LIMIT, server::close(&self.connection, server, id)).await {
            Ok(Ok(())) => {}
            Ok(Err(trouble)) => warn!(%trouble, "a notification could not be withdrawn"),
            Err(_) => warn!("a notification could not be withdrawn: the bus does not read"),
        }
    }

    fn introduce(&mut self) {
        let connection = self.connection.clone();
        let answer = Box::pin(async move {
            let abilities = server::introduce(&connection).await?;
            Ok(Answer {
                abilities,
                id: None,
                outdated: None,
            })
        });
        self.begin(Purpose::Introduce, answer);
    }

    fn begin(&mut self, purpose: Purpose, answer: BoxFuture<'static, zbus::Result<Answer>>) {
        self.errand = Some(Errand {
            era: self.era,
            purpose,
            answer,
            limit: Box::pin(clock::pass(CALL_LIMIT)),
            overdue: false,
        });
    }

    async fn turned(&mut self, turn: Turn) {
        let Some(errand) = self.errand.take() else { return };
        match turn {
            Turn::Answered(Ok(answer)) => self.succeeded(errand, answer).await,
            Turn::Answered(Err(trouble)) => self.failed(errand, &trouble),
            Turn::LimitReached if errand.overdue => debug!("the notification server answers again"),
            Turn::LimitReached => self.ran_out(errand),
        }
        self.tell_presence();
    }

    async fn succeeded(&mut self, errand: Errand, answer: Answer) {
        let present = errand.era == self.era;
        if present {
            self.abilities = Some(answer.abilities);
            self.doubt = false;
        }
        match errand.purpose {
            Purpose::Introduce => {}
            Purpose::Show {
                notice,
                actions,
                withdrawn,
            } => {
                self.outbox.push_back(Event::Shown(notice, Outcome::Taken));
                let id = answer.id.filter(|&id| present && id != 0);
                if let Some(id) = id {
                    self.shown.remember(notice, id, actions);
                    let posted = self.identity().map(|server| Posted { server, number: id });
                    self.outbox.extend(posted.map(|it| Event::Posted(notice, it)));
                    if withdrawn {
                        self.close(id).await;
                    }
                    // Its number means nothing any more, so nobody takes its end for that of the notice.
                    if let Some(outdated) = answer.outdated {
                        self.close(outdated).await;
                    }
                }
            }
        }
    }

    fn failed(&mut self, mut errand: Errand, trouble: &zbus::Error) {
        if errand.overdue && server::is_no_reply(trouble) {
            // The bus gave up for the server, which is about to lose its name. That is no sign of life.
            errand.answer = Box::pin(pending());
            self.errand = Some(errand);
            return;
        }
        match errand.purpose {
            Purpose::Introduce => debug!(%trouble, "no notification server has introduced itself"),
            Purpose::Show { notice, .. } => {
                debug!(%notice, %trouble, "a notification was not taken");
                if !errand.overdue {
                    self.lost(notice);
                }
                // It went away while it had our call. The next one may only be waiting for somebody to call.
                if self.server.is_none() && errand.era != self.era {
                    self.revive();
                }
            }
        }
    }

    fn ran_out(&mut self, mut errand: Errand) {
        match &errand.purpose {
            Purpose::Introduce => {}
            Purpose::Show { notice, .. } => self.lost(*notice),
        }
        if errand.era != self.era {
            return;
        }
        warn!(limit = ?CALL_LIMIT, "the notification server does not answer");
        // No ping: GDBus answers `Peer.Ping` on a thread of its own, however long the server itself hangs.
        let connection = self.connection.clone();
        errand.limit = Box::pin(async move {
            server::information(&connection).await.ok();
            clock::pass(GRACE).await;
        });
        errand.overdue = true;
        self.errand = Some(errand);
    }

    fn owner_changed(&mut self, change: OwnerChange) {
        if self.told.is_some() && change.new == self.server {
            return; // It appeared between our subscription and our first look.
        }
        if self.server.take().is_some() {
            debug!("the notification server went away");
            self.era += 1;
            self.abilities = None;
            self.shown.clear();
            if self.is_hung() {
                self.errand = None;
            }
            self.tell_presence();
        }
        self.server = change.new;
        if self.server.is_some() {
            self.doubt = false;
            if self.errand.is_none() {
                self.introduce();
            }
        } else if self.doubt {
            self.revive();
        }
        self.tell_presence();
    }

    /// Starts a server, if D-Bus can: what was lost is waiting to be shown.
    fn revive(&mut self) {
        if self.activatable && self.errand.is_none() {
            self.introduce();
        }
    }

    fn signalled(&mut self, signal: Signal) {
        match signal {
            Signal::ActivationToken { id, token } => {
                if token.len() <= TOKEN_LIMIT {
                    self.shown.grant(id, token);
                }
            }
            Signal::ActionInvoked { id, key } => {
                let Some(request) = self.shown.invoke(id, &key) else {
                    return;
                };
                if self.outbox.len() < OUTBOX_LIMIT {
                    self.outbox.push_back(Event::Asked(request));
                } else {
                    warn!("a click was dropped: too many events wait");
                }
            }
            Signal::NotificationClosed { id, reason } => {
                if let Some(notice) = self.shown.close(id) {
                    self.outbox.push_back(Event::Closed(notice, closed(reason)));
                }
            }
        }
    }

    fn bus_lost(&mut self) {
        warn!("the session bus is gone: no notifications any more");
        if let Some(Errand {
            purpose: Purpose::Show { notice, .. },
            overdue: false,
            ..
        }) = self.errand.take()
        {
            self.lost(notice);
        }
        self.server = None;
        self.activatable = false;
        self.tell_presence();
    }

    fn lost(&mut self, notice: NoticeId) {
        self.doubt = true;
        self.outbox.push_back(Event::Shown(notice, Outcome::Lost));
    }

    fn is_hung(&self) -> bool {
        self.errand.as_ref().is_some_and(|it| it.overdue)
    }

    /// Tells the watch whether a notice would reach a server now, if that has changed.
    fn tell_presence(&mut self) {
        let reachable = self.server.is_some() || (self.activatable && !self.doubt);
        let present = reachable && !self.is_hung();
        if self.told != Some(present) {
            self.told = Some(present);
            self.outbox.push_back(Event::ServerChanged(present));
        }
    }
}

/// Waits for the errand, for ever if there is none. What is not ready stays where it is.
async fn turn(errand: &mut Option<Errand>) -> Turn {
    let Some(errand) = errand else {
        return pending().await;
    };
    tokio::select! {
        biased;
        answer = &mut errand.answer => Turn::Answered(answer),
        () = &mut errand.limit => Turn::LimitReached,
    }
}

/// Reads the reason of `NotificationClosed` (Desktop Notifications 1.2).
fn closed(reason: u32) -> Closed {
    match reason {
        1 => Closed::Expired,
        2 => Closed::Dismissed,
        _ => Closed::Otherwise,
    }
}
