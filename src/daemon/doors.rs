//! The ways out. None of them makes the loop wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::sources::SignBook;
use super::{Line, Screen};
use crate::bus::copies::Copies;
use crate::bus::source::Signs;
use crate::clock;
use crate::config::{self, Places};
use crate::desktop::hooks::{Hooks, Job};
use crate::desktop::service::{self, LastSigns, Ownership, Saying, Shown};
use crate::desktop::{icons, notices, opener, tray, window};
use crate::koji::{InstanceName, Known, Site};
use crate::view::facts::Facts;
use crate::view::{self, Card, Means, Status, Tray};
use crate::watch::{Asker, Event, NoticeId, Outcome, Posted, Reply, Request, Rules, Save, Story, Ticket, Watch};

/// How many notices wait for the notification server's answers. Popups are bounded per minute, so this is plenty;
/// what does not fit counts as lost and is shown later.
const NOTICES: usize = 128;

/// How many changes wait to be announced on D-Bus; more are left out, since they are only for show.
const SAYINGS: usize = 1024;

/// How long errands may take when we stop.
const LAST_ERRANDS: Duration = Duration::from_secs(2);

/// The ways out.
pub(super) struct Doors {
    way: Way,
    /// Programs that open things, files that are written.
    errands: JoinSet<()>,
    /// Ends with the last change of the configuration file: the next one builds on it.
    last_save: Option<oneshot::Receiver<()>>,
    /// What can be done here.
    means: Means,
    /// What the brokers send, as it comes.
    copies: Copies,
    /// What can be meant.
    known: tokio::sync::watch::Sender<Known>,
    inbox: mpsc::Sender<Event>,
}

enum Way {
    Desktop(Desktop),
    Terminal {
        lines: mpsc::UnboundedSender<Line>,
        status: Option<Status>,
    },
}

struct Desktop {
    notices: mpsc::Sender<notices::Order>,
    tray: tokio::sync::watch::Sender<Tray>,
    status: tokio::sync::watch::Sender<Status>,
    sayings: mpsc::Sender<Saying>,
    /// To be said with the next drawing.
    unsaid: Vec<Saying>,
    /// None if what happens is only played.
    hooks: Option<Hooks>,
    /// Where messages are told of, and whether they are.
    connection: zbus::Connection,
    tells_messages: bool,
    tasks: JoinSet<()>,
}

impl Doors {
    /// Opens the doors, showing how things stand. Returns `None` if we are to have the name on the bus and another
    /// instance has it; then nothing was shown.
    pub(super) async fn open(
        screen: Screen,
        is_live: bool,
        watch: &Watch,
        sites: &BTreeMap<InstanceName, Site>,
        signs: &SignBook,
        inbox: mpsc::Sender<Event>,
    ) -> Result<Option<Self>> {
        let means = Means {
            copy: opener::can_copy(),
            paste: is_live && opener::can_paste(),
            window: is_live && window::program().is_some(),
            configure: is_live,
        };
        let known = tokio::sync::watch::Sender::new(known(watch.rules(), sites));
        let way = match screen {
            Screen::Terminal(lines) => Way::Terminal { lines, status: None },
            Screen::Desktop(connection) => {
                let Some(desktop) = Desktop::open(
                    connection,
                    is_live,
                    view::tray::tray(watch, sites, means, clock::now()),
                    watch,
                    known.subscribe(),
                    signs.clone(),
                    &inbox,
                )
                .await?
                else {
                    return Ok(None);
                };
                Way::Desktop(desktop)
            }
        };
        Ok(Some(Self {
            way,
            errands: JoinSet::new(),
            last_save: None,
            means,
            copies: signs.copies.clone(),
            known,
            inbox,
        }))
    }

    /// Hands a card to the screen. Answers at once where the outcome is known at once.
    pub(super) fn show(&mut self, card: Card) -> Option<Event> {
        let notice = card.notice;
        match &self.way {
            Way::Desktop(desktop) => {
                let sent = desktop.notices.try_send(notices::Order::Show(card));
                sent.is_err().then_some(Event::Shown(notice, Outcome::Lost))
            }
            Way::Terminal { lines, .. } => {
                let sent = lines.send(Line::Card(card));
                let outcome = if sent.is_ok() { Outcome::Taken } else { Outcome::Lost };
                Some(Event::Shown(notice, outcome))
            }
        }
    }

    /// Takes off the screen what an earlier run has left there.
    pub(super) fn take_down(&self, posted: Vec<Posted>) {
        if let Way::Desktop(desktop) = &self.way
            && desktop.notices.try_send(notices::Order::TakeDown(posted)).is_err()
        {
            debug!("what an earlier run has shown is left on screen");
        }
    }

    pub(super) fn withdraw(&mut self, notice: NoticeId) {
        if let Way::Desktop(desktop) = &self.way
            && desktop.notices.try_send(notices::Order::Withdraw(notice)).is_err()
        {
            debug!(%notice, "an outdated notification stays on screen");
        }
    }

    /// Tells the bus of a change, with the next [`draw`](Self::draw).
    pub(super) fn announce(&mut self, story: Story) {
        if let Way::Desktop(desktop) = &mut self.way
            && desktop.unsaid.len() < SAYINGS
        {
            desktop.unsaid.push(Saying::Changed(story));
        }
    }

    /// Answers a caller, after what was announced before. There are only as many as the service lets wait.
    pub(super) fn reply(&mut self, ticket: Ticket, reply: Reply) {
        if let Way::Desktop(desktop) = &mut self.way {
            desktop.unsaid.push(Saying::Reply(ticket, reply));
        }
    }

    /// Answers a caller with a list, as a reply.
    pub(super) fn list(&mut self, ticket: Ticket, list: Vec<Facts>) {
        if let Way::Desktop(desktop) = &mut self.way {
            desktop.unsaid.push(Saying::List(ticket, list));
        }
    }

    /// Knows other instances from now on.
    pub(super) fn know(&mut self, rules: &Rules, sites: &BTreeMap<InstanceName, Site>) {
        replace(&self.known, known(rules, sites));
    }

    /// Follows what the clipboard names.
    pub(super) fn follow_clipboard(&mut self) {
        let known = self.known.subscribe();
        let inbox = self.inbox.clone();
        self.errand(async move {
            let text = opener::paste().await.unwrap_or_else(|error| {
                warn!(%error, "the clipboard was not read");
                String::new()
            });
            let event = follow(&known.borrow(), &text);
            // If the loop has ended, nobody is left to follow it for.
            _ = inbox.send(event).await;
        });
    }

    /// Has a program run.
    pub(super) fn run_hook(&mut self, job: Job) {
        if let Way::Desktop(Desktop { hooks: Some(hooks), .. }) = &mut self.way {
            hooks.run(job);
        }
    }

    /// Tells programs of each message, or no more.
    pub(super) fn tell_messages(&mut self, on: bool) {
        let Way::Desktop(desktop) = &mut self.way else {
            return;
        };
        if on == desktop.tells_messages {
            return;
        }
        desktop.tells_messages = on;
        if !on {
            self.copies.stop();
            return;
        }
        let mut taken = self.copies.take();
        let (copies, connection) = (self.copies.clone(), desktop.connection.clone());
        desktop.tasks.spawn(async move {
            while let Some(message) = taken.recv().await {
                let told = match message.to_line() {
                    Ok(line) => service::tell_message(&connection, &message.topic, &line).await,
                    Err(error) => {
                        warn!(%error, "a message cannot be written as JSON");
                        continue;
                    }
                };
                if let Err(error) = told {
                    warn!(%error, "messages are not told on D-Bus any more");
                    return;
                }
                if taken.is_empty() {
                    let left_out = copies.left_out();
                    if left_out > 0 {
                        warn!(left_out, "messages were not passed on");
                    }
                }
            }
        });
    }

    pub(super) fn open_link(&mut self, link: String, token: Option<String>) {
        self.errand(async move {
            if let Err(error) = opener::open(&link, token.as_deref()).await {
                warn!(%link, %error, "the page was not opened");
            }
        });
    }

    /// Shows the history in the window, or a page instead where there is none.
    pub(super) fn show_history(&mut self, places: Option<&Places>, token: Option<String>, page: Option<String>) {
        let program = window::program();
        // A recording is not in the history.
        let window = places
            .zip(program)
            .map(|(it, program)| window::command(&program, it.file.as_deref()));
        let Some(window) = window else {
            if let Some(page) = page {
                self.open_link(page, token);
            }
            return;
        };
        self.errand(async move {
            if let Err(error) = opener::start(window, token.as_deref()).await {
                warn!(%error, "the window was not opened");
            }
        });
    }

    pub(super) fn copy(&mut self, text: String) {
        self.errand(async move {
            if let Err(error) = opener::copy(&text).await {
                warn!(%error, "nothing was put on the clipboard");
            }
        });
    }

    pub(super) fn save(&mut self, places: Option<&Places>, save: Save) {
        let Some(places) = places.cloned() else {
            return;
        };
        let inbox = self.inbox.clone();
        let (done, is_done) = oneshot::channel();
        let before = self.last_save.replace(is_done);
        self.errand(async move {
            if let Some(before) = before {
                // It ends by being dropped.
                _ = before.await;
            }
            let saved = tokio::task::spawn_blocking(move || match save {
                Save::Toggle(toggle, on) => config::edit::switch(&places, toggle, on),
            });
            if let Ok(Err(error)) = saved.await {
                warn!(%error, "the configuration file was not changed");
                // The file does not say what the menu says; a person has to know.
                _ = inbox.send(Event::ReloadFailed(error.to_string())).await;
            }
            drop::<oneshot::Sender<()>>(done);
        });
    }

    pub(super) fn start_at_login(&mut self, places: Option<&Places>, on: bool) {
        let Some(places) = places.cloned() else {
            return;
        };
        let inbox = self.inbox.clone();
        self.errand(async move {
            let written = tokio::task::spawn_blocking(move || {
                let written = config::autostart::switch(&places, on);
                (written, config::autostart::is_on(&places))
            });
            let Ok((written, is_on)) = written.await else {
                return;
            };
            if let Err(error) = written {
                warn!(%error, "the autostart entry was not changed");
            }
            _ = inbox.send(Event::AutostartChanged(is_on)).await;
        });
    }

    pub(super) fn edit_preferences(&mut self, places: Option<&Places>) {
        let Some(places) = places.cloned() else {
            return;
        };
        self.errand(async move {
            let file = tokio::task::spawn_blocking(move || config::edit::file_to_edit(&places));
            match file.await {
                Ok(Ok(file)) => {
                    if let Err(error) = opener::open_file(&file).await {
                        warn!(file = %file.display(), %error, "the configuration file was not opened");
                    }
                }
                Ok(Err(error)) => warn!(%error, "there is no configuration file to open"),
                Err(_) => {}
            }
        });
    }

    fn errand(&mut self, errand: impl Future<Output = ()> + Send + 'static) {
        while self.errands.try_join_next().is_some() {}
        self.errands.spawn(errand);
    }

    /// Shows how things stand, where it differs from what is shown.
    pub(super) fn draw(&mut self, watch: &Watch, sites: &BTreeMap<InstanceName, Site>) {
        let now = view::status::status(watch);
        match &mut self.way {
            Way::Desktop(desktop) => {
                for saying in desktop.unsaid.drain(..) {
                    if desktop.sayings.try_send(saying).is_err() {
                        debug!("a change or a reply is not told on D-Bus");
                    }
                }
                replace(&desktop.status, now);
                replace(&desktop.tray, view::tray::tray(watch, sites, self.means, clock::now()));
            }
            Way::Terminal { lines, status } => {
                if status.as_ref() != Some(&now) {
                    // A terminal that is gone misses nothing.
                    _ = lines.send(Line::Status(now.clone()));
                    *status = Some(now);
                }
            }
        }
    }

    /// Closes the doors and waits for what is under way behind them. Returns what was said of the screen meanwhile.
    pub(super) async fn close(self, events: &mut mpsc::Receiver<Event>) -> Vec<Event> {
        let mut last = Vec::new();
        drop(self.inbox);
        self.copies.stop();
        let mut tasks = match self.way {
            Way::Desktop(desktop) => desktop.tasks,
            Way::Terminal { .. } => JoinSet::new(),
        };
        loop {
            tokio::select! {
                ended = tasks.join_next() => {
                    if ended.is_none() {
                        break;
                    }
                }
                Some(event) = events.recv() => last.extend(Some(event).filter(super::is_of_screen)),
            }
        }
        while let Ok(event) = events.try_recv() {
            last.extend(Some(event).filter(super::is_of_screen));
        }
        // A file that is being written is; a browser that is still starting goes on without us.
        _ = tokio::time::timeout(LAST_ERRANDS, self.errands.join_all()).await;
        last
    }
}

impl Desktop {
    async fn open(
        connection: zbus::Connection,
        is_live: bool,
        tray: Tray,
        watch: &Watch,
        known: tokio::sync::watch::Receiver<Known>,
        signs: SignBook,
        inbox: &mpsc::Sender<Event>,
    ) -> Result<Option<Self>> {
        let told_on = connection.clone();
        let (notices, orders) = mpsc::channel(NOTICES);
        let (sayings, said) = mpsc::channel(SAYINGS);
        let tray = tokio::sync::watch::Sender::new(tray);
        let status = tokio::sync::watch::Sender::new(view::status::status(watch));
        let mut tasks = JoinSet::new();
        if is_live {
            // The object is there before the name is, so that whoever waits for the name finds it.
            let shown = Shown {
                status: status.subscribe(),
                known,
                signs: Arc::new(move |instance| last_signs(&signs.of(instance))),
            };
            let serve = service::serve(connection.clone(), shown, said, inbox.clone()).await?;
            if service::take_name(&connection).await? == Ownership::Taken {
                return Ok(None);
            }
            tasks.spawn(async move {
                if let Err(error) = serve.await {
                    warn!(%error, "our D-Bus interface is gone");
                }
            });
        }
        let hooks = is_live.then(|| {
            let (hooks, work) = Hooks::new();
            tasks.spawn(work);
            hooks
        });
        tasks.spawn(notices::run(connection, icons::app_icon(), orders, inbox.clone()));
        tasks.spawn(tray::run(tray.subscribe(), inbox.clone()));
        Ok(Some(Self {
            notices,
            tray,
            status,
            sayings,
            unsaid: Vec::new(),
            hooks,
            connection: told_on,
            tells_messages: false,
            tasks,
        }))
    }
}

/// Returns when a source last gave signs of life.
fn last_signs(signs: &Signs) -> LastSigns {
    LastSigns {
        message: signs.message.last(),
        anything: signs.anything.last(),
    }
}

/// Returns the instances that can be meant.
fn known(rules: &Rules, sites: &BTreeMap<InstanceName, Site>) -> Known {
    let asked = rules.instances.iter().filter(|(_, it)| it.hub);
    Known {
        sites: sites.clone(),
        hubs: asked.map(|(name, _)| name.clone()).collect(),
    }
}

/// Puts a new value in place if it is another one.
fn replace<T: PartialEq>(place: &tokio::sync::watch::Sender<T>, value: T) {
    place.send_if_modified(|old| {
        let differs = *old != value;
        if differs {
            *old = value;
        }
        differs
    });
}

/// Returns the wish to follow what a text means.
fn follow(known: &Known, text: &str) -> Event {
    match known.meant(text) {
        Ok((instance, lookup)) => Event::Asked(Request::Follow {
            instance,
            lookup,
            asker: Asker::Person,
        }),
        Err(why) => {
            debug!(%why, "the clipboard names nothing to follow");
            Event::NotMeant
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::koji::{Lookup, TaskId};
    use crate::watch::{Wanted, Whose};

    #[tokio::test]
    async fn pasted_text_is_followed_where_it_belongs() {
        let (inbox, _events) = mpsc::channel(8);
        let (lines, _terminal) = mpsc::unbounded_channel();
        let [centos, fedora] = ["centos", "fedora"].map(InstanceName::new);
        let whose = |hub| Whose {
            hub,
            ..Whose::default()
        };
        let rules = Rules {
            wanted: Wanted::default(),
            instances: BTreeMap::from([(centos.clone(), whose(false)), (fedora.clone(), whose(true))]),
            quiet: crate::watch::QuietRules::default(),
            zone: TimeZone::UTC,
            live: true,
        };
        let site = Site {
            weburl: None,
            topurl: None,
        };
        let sites = BTreeMap::from([(centos, site.clone()), (fedora.clone(), site)]);
        let watch = Watch::new(rules.clone());
        let screen = Screen::Terminal(lines);
        let doors = Doors::open(screen, false, &watch, &BTreeMap::new(), &SignBook::default(), inbox).await;
        let mut doors = doors.unwrap().unwrap();
        let known = doors.known.subscribe();
        assert_eq!(follow(&known.borrow(), "4711"), Event::NotMeant);

        doors.know(&rules, &sites);
        let followed = Request::Follow {
            instance: fedora,
            lookup: Lookup::Task(TaskId(4711)),
            asker: Asker::Person,
        };
        assert_eq!(follow(&known.borrow(), " 4711\n"), Event::Asked(followed));
        assert_eq!(follow(&known.borrow(), "two words"), Event::NotMeant);
    }
}
