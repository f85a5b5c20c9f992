//! Starts the rooms, runs the loop, stops in reverse order.
//!
//! The loop owns the [`Watch`] and waits for its inbox, for the clock and for settings that are being read; nothing
//! else holds it up. What takes time is done behind a door and comes back as an event.
//!
//! It deliberately decides nothing about news and words nothing.
//!
//! **Invariant:** only `cli` imports this room.

mod archives;
mod doors;
mod hooks;
mod hubs;
mod memory;
mod signals;
mod sources;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::OptionFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use crate::bus::replay::Recording;
use crate::config::{ConfigError, Places, Program, Settings};
use crate::koji::{InstanceName, Site};
use crate::view::{self, Card, Status};
use crate::watch::{Ask, Effect, Event, Learned, Link, Occasion, Request, Rules, Watch};
use crate::{clock, config};

use archives::Archives;
use doors::Doors;
use hubs::Hubs;
use memory::Memory;
use sources::{SignBook, Sources};

/// How many events wait before a source has to.
const INBOX: usize = 1024;

/// How many events are stepped before the tray is drawn.
const BATCH: usize = 256;

/// How long after a configuration that lacked something outside itself it is read again.
const READ_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// What is only for show, the menu and our D-Bus interface, waits this long for what else happens: a notification is
/// out before it, and a burst of news is one change of the menu.
const DRAWN_AFTER: Duration = Duration::from_millis(10);

/// Where cards are shown.
pub enum Screen {
    /// On the desktop, with a tray and, for live work, our D-Bus interface.
    Desktop(zbus::Connection),
    /// Handed to whoever holds the other end, with each new status.
    Terminal(mpsc::UnboundedSender<Line>),
}

/// What a terminal is told.
pub enum Line {
    Card(Card),
    Status(Status),
}

/// Where news comes from, and what is done with settings.
pub enum Work {
    /// The brokers of the configuration, for as long as nobody says quit. Toggles change the file; the file changes us.
    Live(Places),
    /// A recording, to its end. Nothing is written anywhere.
    Play {
        rules: Rules,
        sites: BTreeMap<InstanceName, Site>,
        recording: Box<Recording>,
        /// Answers in place of the hubs.
        hub: Option<fn(Ask) -> Learned>,
        /// Is told what was pressed, and then nothing is opened.
        pressed: Option<mpsc::UnboundedSender<Pressed>>,
        /// How long the screen stays as it is after the end.
        linger: Duration,
    },
}

/// What somebody wants to see who presses something while a recording is played.
pub enum Pressed {
    /// A page, by its address.
    Page(String),
    /// A list of all that has ended: whose instance it is of, and the cells of [`view::history`].
    List(Vec<(InstanceName, [String; 6])>),
}

/// How a run has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// Somebody said quit, or the recording was over.
    Done,
    /// Another instance runs in this session; nothing was shown.
    AlreadyRunning,
    /// The session bus is gone, and with it all that we could show.
    SessionOver,
}

/// Runs until a person or the system says quit, or the recording is over.
///
/// # Errors
///
/// If our D-Bus interface cannot be set up.
pub async fn run(work: Work, screen: Screen) -> Result<Ended> {
    let (inbox, mut events) = mpsc::channel(INBOX);
    let (rules, sites, linger) = match &work {
        Work::Live(_) => (no_rules(), BTreeMap::new(), None),
        Work::Play {
            rules, sites, linger, ..
        } => (rules.clone(), sites.clone(), Some(*linger)),
    };
    let watch = Watch::new(rules);
    let is_live = matches!(work, Work::Live(_));
    let signs = SignBook::default();
    let mut session = JoinSet::new();
    let desktop = match &screen {
        Screen::Desktop(connection) => Some(connection.clone()),
        Screen::Terminal(_) => None,
    };
    if let Some(connection) = &desktop {
        session.spawn(crate::desktop::session::gone(connection.clone()));
    }
    let Some(doors) = Doors::open(screen, is_live, &watch, &sites, &signs, inbox.clone()).await? else {
        return Ok(Ended::AlreadyRunning);
    };
    let mut house = House {
        doors,
        watch,
        sites,
        sources: Sources::new(signs, inbox.clone()),
        hubs: Hubs::new(inbox.clone()),
        archives: Archives::new(inbox.clone()),
        reading: JoinSet::new(),
        read_again: false,
        retry_at: None,
        end_at: None,
        places: None,
        programs: BTreeMap::new(),
        memory: Memory::default(),
        hub: None,
        pressed: None,
        leaving: false,
    };
    let has_desktop = desktop.is_some();
    let mut helpers = JoinSet::new();
    helpers.spawn(signals::run(inbox.clone()));
    match work {
        Work::Live(places) => {
            helpers.spawn(signals::system(house.sources.woken(), desktop, inbox.clone()));
            // The file is watched before it is read, so that no change falls in between.
            match config::Watcher::new(&places) {
                Ok(watcher) => _ = helpers.spawn(watch_file(watcher, inbox.clone())),
                Err(error) => warn!(%error, "changes of the configuration file will not be noticed"),
            }
            let (memory, resumed, said) = Memory::open(&places);
            house.memory = memory;
            house.take(Event::Resumed(Box::new(resumed)));
            for event in said {
                house.take(event);
            }
            if has_desktop {
                house.take(Event::DesktopAsked);
            }
            let is_on = config::autostart::is_on(&places);
            house.places = Some(places);
            house.take(Event::AutostartChanged(is_on));
            house.take(Event::Asked(Request::Reload));
        }
        Work::Play {
            rules,
            recording,
            hub,
            pressed,
            ..
        } => {
            (house.hub, house.pressed) = (hub, pressed);
            if house.hub.is_some() {
                // From now on there is somebody to answer.
                house.take(Event::Reloaded(rules));
            }
            house.sources.play(*recording, &house.watch);
        }
    }
    drop(inbox);
    house.draw();
    // The name is ours and the object can be called: whoever waits for us may go on.
    announce(sd_notify::NotifyState::Ready);
    let mut batch = Vec::with_capacity(BATCH);
    let mut drawing = pin!(OptionFuture::from(None));
    let mut is_drawn = true;
    let mut ended = Ended::Done;
    while !house.leaving {
        let (is_full, again_at) = (house.memory.is_full(), house.memory.again_at());
        tokio::select! {
            count = events.recv_many(&mut batch, BATCH), if !is_full => {
                if count == 0 {
                    break;
                }
            }
            () = clock::reach(house.watch.wake_at()) => batch.push(Event::Woke),
            Some(read) = house.reading.join_next() => house.read(read?),
            recorded = house.memory.written() => batch.extend(recorded),
            () = clock::reach(again_at) => {}
            () = clock::reach(house.retry_at) => house.reload(),
            () = clock::reach(house.end_at) => break,
            // Who goes on without it can show nothing, and keeps the queue and the journal from the one who could.
            Some(_) = session.join_next() => {
                warn!("the session bus is gone");
                ended = Ended::SessionOver;
                break;
            }
            _ = drawing.as_mut(), if !is_drawn => {
                is_drawn = true;
                house.draw();
                continue;
            }
        }
        if is_live {
            house.look_at_zone(&batch);
        }
        for event in batch.drain(..) {
            house.take(event);
        }
        house.memory.write();
        if is_drawn {
            drawing.set(Some(clock::pass(DRAWN_AFTER)).into());
            is_drawn = false;
        }
        if let Some(linger) = linger
            && house.end_at.is_none()
            && house.is_over()
        {
            house.end_at = clock::now().checked_add(linger).ok();
        }
    }
    house.draw();
    info!("stopping");
    announce(sd_notify::NotifyState::Stopping);
    helpers.shutdown().await;
    house.archives.stop().await;
    let mut last = house.sources.stop(&mut events).await;
    last.extend(house.doors.close(&mut events).await);
    // What reached the screen in the last moment is not to be told again.
    for event in last {
        for effect in house.watch.step(clock::now(), event) {
            if let Effect::Record(record) = effect {
                house.memory.record(record);
            }
        }
    }
    // Nobody needs the hubs' answers any more.
    drop(events);
    house.hubs.stop().await;
    house.memory.close().await;
    Ok(ended)
}

/// Returns whether an event tells what became of a notification.
fn is_of_screen(event: &Event) -> bool {
    matches!(event, Event::Shown(..) | Event::Posted(..) | Event::Closed(..))
}

/// Tells systemd, where it started us.
fn announce(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        debug!(%error, "systemd was not told");
    }
}

/// The rules before the configuration is read.
fn no_rules() -> Rules {
    Rules {
        wanted: crate::watch::Wanted::default(),
        instances: BTreeMap::new(),
        quiet: crate::watch::QuietRules::default(),
        zone: clock::zone(),
        live: true,
    }
}

/// The loop's own things.
struct House {
    watch: Watch,
    sites: BTreeMap<InstanceName, Site>,
    sources: Sources,
    hubs: Hubs,
    archives: Archives,
    doors: Doors,
    /// Settings that are being read; never two at once, since the older could come last.
    reading: JoinSet<Result<Settings, ConfigError>>,
    /// The file has changed since the reading began.
    read_again: bool,
    /// When a configuration that could not be used is read again: a ticket or a package may have come.
    retry_at: Option<Timestamp>,
    /// When the screen has been looked at for long enough after the end of a recording.
    end_at: Option<Timestamp>,
    /// Programs of the person's own.
    programs: BTreeMap<Occasion, Program>,
    /// Where the configuration is; none if nothing is to be read or written.
    places: Option<Places>,
    memory: Memory,
    /// Answers in place of the hubs, where a recording is played.
    hub: Option<fn(Ask) -> Learned>,
    /// Is told what was pressed, instead of it being opened.
    pressed: Option<mpsc::UnboundedSender<Pressed>>,
    leaving: bool,
}

impl House {
    /// Steps an event and carries out what follows, and what follows from that.
    fn take(&mut self, event: Event) {
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.watch.step(clock::now(), event) {
                if let Some(answer) = self.carry(effect) {
                    events.push_back(answer);
                }
            }
        }
    }

    /// Takes note of another time zone before anything that happens in it.
    fn look_at_zone(&mut self, events: &[Event]) {
        // Who opens the lid may be elsewhere.
        if events.iter().any(|it| matches!(it, Event::Slept)) {
            clock::forget_zone();
        }
        let zone = clock::zone();
        if zone != self.watch.rules().zone {
            info!(zone = zone.iana_name(), "the time zone is another one");
            self.take(Event::ZoneChanged(zone));
        }
    }

    /// Carries out an effect; some are answered at once.
    fn carry(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Show(notice) => return self.doors.show(view::card::card(&notice, &self.sites)),
            Effect::Withdraw(notice) => self.doors.withdraw(notice),
            Effect::TakeDown(posted) => self.doors.take_down(posted),
            Effect::Record(record) => return self.memory.record(record),
            Effect::Acknowledge(delivery) => self.sources.acknowledge(delivery),
            Effect::ReadAgain(instance, missed) => self.archives.read(&instance, missed),
            Effect::Doubt(instance) => self.sources.doubt(&instance),
            Effect::Listen(instance, interest) => self.sources.listen(&instance, interest),
            Effect::Ask(instance, ask) => {
                return match self.hub {
                    Some(answer) => Some(Event::Learned(instance, answer(ask))),
                    None => self.hubs.ask(&instance, ask),
                };
            }
            Effect::Reply(ticket, reply) => self.doors.reply(ticket, reply),
            Effect::List(ticket, listing) => {
                let list = view::facts::list(&self.watch, &self.sites, listing, clock::now());
                self.doors.list(ticket, list);
            }
            Effect::ReadClipboard => self.doors.follow_clipboard(),
            Effect::Announce(story) => self.doors.announce(story),
            Effect::RunHook(hook) => {
                if let Some(job) = hooks::job(&hook, &self.programs, &self.sites) {
                    self.doors.run_hook(job);
                }
            }
            Effect::Open { link, token } => match &self.pressed {
                Some(pressed) => _ = pressed.send(Pressed::Page(link)),
                None => self.doors.open_link(link, token),
            },
            Effect::Copy(text) => self.doors.copy(text),
            Effect::Save(save) => self.doors.save(self.places.as_ref(), save),
            Effect::StartAtLogin(on) => self.doors.start_at_login(self.places.as_ref(), on),
            Effect::ShowHistory { token } => match &self.pressed {
                Some(pressed) => _ = pressed.send(Pressed::List(self.results())),
                None => {
                    let page = view::history::page(self.watch.rules(), &self.sites);
                    self.doors.show_history(self.places.as_ref(), token, page);
                }
            },
            Effect::EditPreferences => self.doors.edit_preferences(self.places.as_ref()),
            Effect::Reload => self.reload(),
            Effect::Quit => self.leaving = true,
        }
        None
    }

    fn reload(&mut self) {
        let Some(places) = self.places.clone() else {
            return;
        };
        self.retry_at = None;
        if !self.reading.is_empty() {
            self.read_again = true;
            return;
        }
        // Who I am may take a while to find out (`klist`), so it is read behind a door.
        self.reading.spawn(async move { config::load(&places).await });
    }

    /// Takes new settings whole, or not at all.
    fn read(&mut self, settings: Result<Settings, ConfigError>) {
        match settings {
            Ok(settings) => {
                debug!(instances = settings.instances.len(), "configuration read");
                self.sites = settings.sites();
                self.take(Event::HooksChanged(settings.hooks.keys().copied().collect()));
                self.programs.clone_from(&settings.hooks);
                self.doors.tell_messages(settings.messages);
                // A hub that has changed is there before it is asked.
                self.hubs.follow(&settings);
                self.archives.follow(&settings);
                self.take(Event::Reloaded(settings.rules(clock::zone())));
                self.doors.know(self.watch.rules(), &self.sites);
                self.sources.follow(&settings, &self.watch);
            }
            Err(error) => {
                let trouble = error.to_string();
                if self.watch.configuration_trouble() != Some(&trouble) {
                    warn!(%error, "the configuration is not used");
                }
                if error.may_mend_itself() {
                    self.retry_at = clock::now().checked_add(READ_AGAIN_AFTER).ok();
                }
                self.take(Event::ReloadFailed(trouble));
            }
        }
        if std::mem::take(&mut self.read_again) {
            self.reload();
        }
    }

    /// Returns all that has ended, as the history shows it.
    fn results(&self) -> Vec<(InstanceName, [String; 6])> {
        let zone = &self.watch.rules().zone;
        let results = self.watch.results().into_iter();
        let cells = results.map(|it| (it.instance.clone(), view::history::cells(it, None, zone)));
        cells.collect()
    }

    /// Shows how things stand, if that has changed.
    fn draw(&mut self) {
        self.doors.draw(&self.watch, &self.sites);
    }

    /// Returns whether everything recorded was played and told.
    fn is_over(&self) -> bool {
        let has_ended = self.watch.lines().values().all(|it| it.link == Link::Ended);
        has_ended && !self.watch.is_holding()
    }
}

/// Reports that the configuration file was changed, by whomever.
async fn watch_file(mut watcher: config::Watcher, inbox: mpsc::Sender<Event>) {
    loop {
        watcher.changed().await;
        if inbox.send(Event::Asked(Request::Reload)).await.is_err() {
            return;
        }
    }
}
