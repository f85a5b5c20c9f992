//! One run: everything that happens, in the order of its time.
//!
//! Two runs of the same plan are the same to the byte: there is one queue of happenings, ordered by time and by when
//! they were put there, and every throw of dice is for one thing.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use jiff::tz::TimeZone;
use koji_notify::koji::{HubEvent, InstanceName};
use koji_notify::watch::{
    Ask, Effect, Event, HubTrouble, Learned, News, Request, Rules, Save, Toggle, Unanswered, Wanted, Watch,
};

use crate::broker::Broker;
use crate::desk::{Moment, Order, Server};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::doing::zone;
use crate::house::{House, Killing};
use crate::koji::{Followed, Koji, Stage};
use crate::log::Log;
use crate::messages::Message;
use crate::mutants::Mutant;
use crate::oracle::Oracle;
use crate::plan::{Ill, Night, Plan};
use crate::time::{HOUR, MILLISECOND, MINUTE, SECOND, Time, stamp, time};

/// How long the world goes on at most after the last of the plan.
const SETTLES_WITHIN: Time = 8 * HOUR;

/// How long it goes on when all has been told: what is told twice is told soon after.
const QUIET: Time = 12 * MINUTE;

/// How long the hub is trusted to be unseen after the end of all trouble: the longest wait between looks, and more.
const CAUGHT_UP: Time = 75 * MINUTE;

/// How soon after a return a hub is looked at: a look that was under way may take its time.
const LOOKED_WITHIN: Time = 2 * MINUTE;

/// No run has more happenings than this, nor more within a second.
const MAX_HAPPENINGS: u32 = 300_000;
const MAX_AT_ONCE: u32 = 20_000;

/// The most effects of one event, beside eight for each thing that a hub has answered.
const MAX_EFFECTS: usize = 400;

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) now: Time,
    pub(crate) queue: BTreeMap<(Time, u64), Happening>,
    pub(crate) count: u64,
    /// How far the local clock is ahead.
    pub(crate) offset: Time,
    pub(crate) zone: TimeZone,
    pub(crate) night: Option<Night>,
    pub(crate) names: Vec<InstanceName>,
    pub(crate) sites: Vec<Site>,
    pub(crate) wanted: Wanted,
    pub(crate) server: Server,
    pub(crate) disk: Disk,
    pub(crate) disk_slow_until: Time,
    pub(crate) house: Option<House>,
    pub(crate) runs: u32,
    pub(crate) lines: u32,
    pub(crate) asleep_until: Time,
    /// When the program was last started.
    started_at: Time,
    /// The next time that the program is to be woken, and the number of that appointment.
    pub(crate) appointment: u64,
    pub(crate) appointed: Option<Time>,
    pub(crate) oracle: Oracle,
    pub(crate) log: Log,
    /// No more trouble from here on.
    pub(crate) is_over: bool,
    /// When a line came up again, or the computer woke, and the hub was not looked at since.
    pub(crate) returned: Vec<Option<Time>>,
    /// When each hub was last asked for a look.
    pub(crate) asked_at: Vec<Option<Time>>,
    pub(crate) throws: u64,
}

pub(crate) struct Site {
    pub(crate) koji: Koji,
    pub(crate) broker: Option<Broker>,
    pub(crate) hub: Option<HubState>,
    pub(crate) me: Vec<u8>,
    pub(crate) packages: Vec<u8>,
}

pub(crate) struct HubState {
    pub(crate) answer_ms: i64,
    pub(crate) lag_ms: i64,
    pub(crate) ill: Ill,
    pub(crate) ill_until: Time,
}

/// Something that happens at a time.
pub(crate) enum Happening {
    Act(usize),
    /// The plan is over: everything is brought back.
    Over,
    Goes(usize, usize, Stage),
    Published(usize, Rc<Message>),
    BrokerForgets(usize, u32),
    HubReads {
        run: u32,
        site: usize,
        ask: Ask,
        asked: Time,
    },
    Acknowledged {
        run: u32,
        site: usize,
        line: u32,
        tag: u64,
    },
    ServerComes,
    DiskEmpties,
    Starts,
    Local(u32, Local),
}

/// Something that happens to one run of the program.
pub(crate) enum Local {
    Arrives {
        site: usize,
        line: u32,
        tag: u64,
        message: Rc<Message>,
    },
    Dials(usize),
    Learns {
        site: usize,
        learned: Box<Learned>,
        asked: Time,
    },
    Desk(Moment),
    Commits,
    Written,
    TriesAgain,
    Wakes(u64),
    /// The computer is awake again.
    Woken,
    ReadsConfig,
    Saves(Toggle, bool),
    Asks(Request),
}

impl World {
    pub(crate) fn new(plan: &Plan, mutant: Option<Mutant>, log: Log) -> Self {
        let setting = &plan.setting;
        let now = setting.start * SECOND;
        let sites: Vec<Site> = setting
            .sites
            .iter()
            .enumerate()
            .map(|(at, it)| Site {
                koji: Koji::new(at, it.bus.as_ref().map(|it| it.modern)),
                broker: it.bus.clone().map(Broker::new),
                hub: it.hub.as_ref().map(|it| HubState {
                    answer_ms: it.answer_ms,
                    lag_ms: it.lag_ms,
                    ill: Ill::Slow,
                    ill_until: 0,
                }),
                me: it.me.clone(),
                packages: it.packages.clone(),
            })
            .collect();
        let mut wanted = Wanted::default();
        for (at, toggle) in Toggle::ALL.into_iter().enumerate() {
            wanted.switch(toggle, setting.toggles.contains(&at));
        }
        let mut world = Self {
            mutant,
            now,
            queue: BTreeMap::new(),
            count: 0,
            offset: 0,
            zone: zone(&setting.zone),
            night: setting.night,
            names: (0..sites.len())
                .map(|it| InstanceName::new(["one", "two"][it]))
                .collect(),
            oracle: Oracle::new(sites.len(), plan.setting.desk_ms * MILLISECOND),
            sites,
            wanted,
            server: Server::new(),
            disk: Disk::new(),
            disk_slow_until: 0,
            house: None,
            runs: 0,
            lines: 0,
            asleep_until: 0,
            started_at: 0,
            appointment: 0,
            appointed: None,
            log,
            is_over: false,
            returned: vec![None; setting.sites.len()],
            asked_at: vec![None; setting.sites.len()],
            throws: 0,
            plan: plan.clone(),
        };
        world.disk.is_lazy = mutant == Some(Mutant::NeverSyncs);
        world.at(now, Happening::Starts);
        let mut last = now;
        for (number, step) in plan.steps.iter().enumerate() {
            let at = now + SECOND + step.at * MILLISECOND;
            world.at(at, Happening::Act(number));
            last = last.max(at);
        }
        world.at(last + MINUTE, Happening::Over);
        world
    }

    /// Runs it to its end.
    pub(crate) fn run(&mut self) {
        let mut content_since = None;
        let mut over_at = None;
        let mut happened = 0_u32;
        let mut last = (self.now, 0);
        while let Some(((at, _), happening)) = self.queue.pop_first() {
            happened += 1;
            if last.0 / SECOND != at / SECOND {
                last = (at, happened);
            }
            if happened > MAX_HAPPENINGS || happened - last.1 > MAX_AT_ONCE {
                self.oracle.complain("it does not come to rest".to_owned());
                return;
            }
            if at < self.asleep_until && matches!(happening, Happening::Local(..) | Happening::Over) {
                // The whole computer sleeps, and nobody is there to bring anything back.
                let at = self.asleep_until;
                self.at(at, happening);
                continue;
            }
            if let Happening::Local(_, Local::Wakes(appointment)) = happening
                && appointment != self.appointment
            {
                continue;
            }
            self.now = self.now.max(at);
            self.happens(happening);
            self.turn_ends();
            self.oracle.complaints.append(&mut self.disk.complaints);
            if !self.oracle.complaints.is_empty() {
                return;
            }
            if self.is_over {
                // Whoever quits at the end is started again.
                let over_at = (*over_at.get_or_insert(self.now)).max(self.started_at);
                let kojis: Vec<&Koji> = self.sites.iter().map(|it| &it.koji).collect();
                let is_quiet = kojis.iter().all(|it| it.is_quiet()) && self.house.is_some();
                let is_content = is_quiet && self.oracle.is_content(self.now, &kojis);
                if !is_content {
                    content_since = None;
                }
                let since = *content_since.get_or_insert(self.now);
                let last = kojis
                    .iter()
                    .flat_map(|it| it.endings.last())
                    .map(|it| it.at)
                    .max()
                    .unwrap_or(0)
                    .max(over_at);
                let is_given_up = is_quiet && self.now > last + CAUGHT_UP;
                let is_done = (is_content && self.now > since + QUIET) || is_given_up;
                // What was sent a moment ago is still on its way.
                let is_done = is_done && (self.is_delivered() || self.now > last + CAUGHT_UP + HOUR);
                if is_done || self.now > over_at + SETTLES_WITHIN {
                    break;
                }
            }
        }
        self.finish();
    }

    /// No message waits for a reader that is there, or for its acknowledgement.
    fn is_delivered(&self) -> bool {
        let mut brokers = self.sites.iter().filter_map(|it| it.broker.as_ref());
        brokers.all(|it| it.line.is_none() || it.open_messages() == (0, 0))
    }

    pub(crate) fn finish(&mut self) {
        let kojis: Vec<&Koji> = self.sites.iter().map(|it| &it.koji).collect();
        let sites = &self.sites;
        let copies = |(site, ending): (usize, usize)| {
            let broker = sites[site].broker.as_ref();
            broker
                .and_then(|it| it.copies.get(&ending))
                .copied()
                .unwrap_or_default()
        };
        self.oracle
            .finish(self.now, &kojis, copies, |it| sites[it].hub.is_some());
        for (site, it) in self.sites.iter().enumerate() {
            if let Some(broker) = &it.broker {
                let (sent, ready) = broker.open_messages();
                if sent + ready > 0 && broker.line.is_some() {
                    self.oracle.complain(format!(
                        "at the end {sent} messages are not acknowledged at {site}, and {ready} wait"
                    ));
                }
            }
        }
    }

    pub(crate) fn at(&mut self, at: Time, happening: Happening) {
        self.count += 1;
        self.queue.insert((at, self.count), happening);
    }

    pub(crate) fn local_at(&mut self, after: Time, local: Local) {
        if let Some(run) = self.house.as_ref().map(|it| it.run) {
            self.at(self.now + after, Happening::Local(run, local));
        }
    }

    /// Dice for one purpose. The number is that of the thing it is for, so that other things throw as before.
    pub(crate) fn dice(&self, purpose: &str, number: u64) -> Dice {
        Dice::of(self.plan.setting.seed, purpose, number)
    }

    /// Dice for what has no number of its own.
    pub(crate) fn throw(&mut self, purpose: &str) -> Dice {
        self.throws += 1;
        self.dice(purpose, self.throws)
    }

    /// The time by the local clock.
    pub(crate) fn local(&self) -> Time {
        self.now + self.offset
    }

    pub(crate) fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Act(number) => {
                let action = self.plan.steps[number].action.clone();
                let now = self.now;
                self.log.line(now, || format!("-- {action:?}"));
                self.act(number as u64, action);
            }
            Happening::Over => self.bring_everything_back(),
            Happening::Goes(site, attempt, stage) => {
                let seen = self.seen(site, &format!("{stage:?}"), attempt as u64);
                let followed = self.sites[site].koji.go_on(self.now, seen, attempt, stage);
                self.follow(site, followed);
            }
            Happening::Published(site, message) => {
                let now = self.now;
                self.log.line(now, || {
                    format!("   site {site} queues {} {}", message.name(), message.event)
                });
                if let Some(broker) = &mut self.sites[site].broker {
                    broker.publish(now, &message);
                }
                self.pump(site);
            }
            Happening::BrokerForgets(site, line) => {
                let mut dice = self.throw("shuffle");
                let now = self.now;
                if let Some(broker) = self.sites[site].broker.as_mut().filter(|it| it.line == Some(line)) {
                    broker.close(now, || dice.chance(5));
                }
            }
            Happening::HubReads { run, site, ask, asked } => self.hub_reads(run, site, ask, asked),
            Happening::Acknowledged { run, site, line, tag } => {
                // A frame that was not sent when the program was killed never is.
                let is_alive = self.house.as_ref().is_some_and(|it| it.run == run);
                if (is_alive || self.throw("frame").chance(50))
                    && let Some(broker) = &mut self.sites[site].broker
                    && !broker.acknowledge(line, tag)
                {
                    self.oracle
                        .complain(format!("tag {tag} of line {line} is acknowledged, and is not open"));
                }
                self.pump(site);
            }
            Happening::ServerComes => {
                self.server.comes();
                self.oracle.burst(self.now);
                self.desk();
            }
            Happening::DiskEmpties => self.disk.is_full = false,
            Happening::Starts => self.start(),
            Happening::Local(run, local) => {
                if self.house.as_ref().is_some_and(|it| it.run == run) {
                    self.happens_here(local);
                }
            }
        }
    }

    pub(crate) fn seen(&mut self, site: usize, purpose: &str, number: u64) -> Time {
        let lag = self.sites[site].hub.as_ref().map_or(0, |it| it.lag_ms);
        self.now + self.dice(purpose, number).between(0, lag) * MILLISECOND
    }

    /// What has become of the records is said on the bus, and goes on.
    pub(crate) fn follow(&mut self, site: usize, followed: Followed) {
        for (after, attempt, stage) in followed.next {
            let jitter = self
                .dice("stage", attempt as u64 * 16 + stage as u64)
                .between(0, 999_999);
            self.at(self.now + after + jitter, Happening::Goes(site, attempt, stage));
        }
        for ending in followed.endings {
            let now = self.now;
            let text = &self.sites[site].koji.endings[ending];
            self.log
                .line(now, || format!("** ending {ending} of site {site}: {text:?}"));
        }
        for message in followed.messages {
            let (delay, twice) = self.sites[site]
                .broker
                .as_ref()
                .map_or((0, 0), |it| (it.bus.delay_ms, it.bus.twice));
            let mut dice = self.dice("message", message.id.1 * 2 + site as u64);
            let message = Rc::new(message);
            let copies = if dice.chance(twice) { 2 } else { 1 };
            for _ in 0..copies {
                let at = self.now + dice.spread(1, delay.max(1)) * MILLISECOND;
                self.at(at, Happening::Published(site, message.clone()));
            }
        }
    }

    /// Sends what the reader may have.
    pub(crate) fn pump(&mut self, site: usize) {
        let run = self.house.as_ref().map(|it| it.run);
        let Some(run) = run else { return };
        loop {
            let Some(broker) = &mut self.sites[site].broker else {
                return;
            };
            let Some(line) = broker.line else { return };
            let Some((tag, message)) = broker.next() else { return };
            let latency = self.throw("latency").spread(200, 20_000);
            let at = self.now + latency;
            let state = self.house.as_mut().and_then(|it| it.lines.get_mut(&site));
            let at = state.map_or(at, |it| {
                it.last = it.last.max(at);
                it.last
            });
            self.at(
                at,
                Happening::Local(
                    run,
                    Local::Arrives {
                        site,
                        line,
                        tag,
                        message,
                    },
                ),
            );
        }
    }

    pub(crate) fn start(&mut self) {
        if self.house.is_some() {
            return;
        }
        self.runs += 1;
        let (run, now) = (self.runs, self.now);
        self.started_at = now;
        self.log.line(now, || format!("== run {run} starts"));
        self.oracle.burst(now);
        let rules = Rules {
            wanted: Wanted::default(),
            instances: BTreeMap::new(),
            quiet: koji_notify::watch::QuietRules::default(),
            zone: self.zone.clone(),
            live: true,
        };
        self.house = Some(House::new(run, Watch::new(rules)));
        self.appointed = None;
        let mut resumed = self.disk.open(stamp(self.local()));
        for (site, name) in self.names.iter().enumerate() {
            if !resumed.marks.contains_key(name) {
                self.oracle.covered[site] = None;
            }
        }
        match self.mutant {
            Some(Mutant::ResumesWithoutDue) => resumed.due.clear(),
            Some(Mutant::ResumesWithoutStories) => {
                resumed.stories.clear();
                resumed.messages.clear();
            }
            _ => {}
        }
        self.log.line(now, || {
            format!(
                "   resumes {} stories, due {:?}",
                resumed.stories.len(),
                resumed.due.iter().map(|it| it.id.0).collect::<Vec<_>>()
            )
        });
        self.take(Event::Resumed(Box::new(resumed)));
        self.take(Event::AutostartChanged(false));
        self.take(Event::Asked(Request::Reload));
        self.desk();
    }

    pub(crate) fn happens_here(&mut self, local: Local) {
        match local {
            Local::Arrives {
                site,
                line,
                tag,
                message,
            } => self.arrives(site, line, tag, &message),
            Local::Dials(site) => self.dials(site),
            Local::Learns { site, learned, asked } => self.learns(site, *learned, asked),
            Local::Desk(moment) => {
                let (now, house) = (self.now, self.house.as_mut().unwrap());
                let done = house.hand.moment(now, house.run, &mut self.server, moment);
                self.desk_done(done);
                self.desk();
            }
            Local::Commits => self.commits(),
            Local::Written => {
                if self.boundary() {
                    return;
                }
                let local = self.local();
                let house = self.house.as_mut().unwrap();
                let events = house.memory.written(local);
                if let Some(at) = house.memory.again_at {
                    self.oracle.is_degraded = true;
                    self.local_at((at - local).max(0) + MILLISECOND, Local::TriesAgain);
                } else {
                    self.oracle.is_degraded = false;
                }
                for event in events {
                    self.take(event);
                }
            }
            Local::TriesAgain => {}
            Local::Wakes(appointment) => {
                if appointment == self.appointment {
                    self.appointed = None;
                    self.take(Event::Woke);
                }
            }
            Local::Woken => {
                if self.mutant != Some(Mutant::IgnoresReturns) {
                    self.take(Event::Slept);
                }
                for site in 0..self.sites.len() {
                    self.has_returned(site);
                }
                let sites: Vec<usize> = self
                    .house
                    .as_ref()
                    .map_or(Vec::new(), |it| it.lines.keys().copied().collect());
                for site in sites {
                    self.line_ends(site, None);
                }
            }
            Local::ReadsConfig => {
                let rules = self.configured();
                if let Some(house) = &mut self.house {
                    house.is_reading = false;
                }
                self.take(Event::Reloaded(rules));
                self.follow_config();
                if self.is_over {
                    self.take(Event::Asked(Request::Resume));
                }
                if let Some(house) = &mut self.house
                    && std::mem::take(&mut house.read_again)
                {
                    self.reload();
                }
            }
            Local::Saves(toggle, on) => {
                self.wanted.switch(toggle, on);
                let after = self.throw("file").spread(1000, 50_000);
                self.local_at(after, Local::Asks(Request::Reload));
            }
            Local::Asks(request) => self.take(Event::Asked(request)),
        }
    }

    /// Steps an event, and carries out what follows, and what follows from that.
    pub(crate) fn take(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(house) = &mut self.house else { return };
            let is_of_screen = matches!(event, Event::Shown(..) | Event::Posted(..) | Event::Closed(..));
            let is_leaving = house.is_leaving;
            if is_leaving && !is_of_screen {
                continue;
            }
            let now = self.now;
            let local = now + self.offset;
            let many = match &event {
                Event::Learned(_, Learned::Looked(it)) => it.changes.len() + it.progress.len() + it.in_repo.len(),
                _ => 0,
            };
            let is_woke = event == Event::Woke;
            let delivery = match &event {
                Event::Heard(news) => news.delivery.clone().zip(news.message.clone()),
                _ => None,
            };
            let ending = match &event {
                Event::Heard(News {
                    instance,
                    event: HubEvent::Changed(it),
                    ..
                }) => {
                    let site = self.names.iter().position(|it| it == instance).unwrap();
                    self.sites[site].koji.ending_of(it).map(|it| (site, it))
                }
                _ => None,
            };
            self.log.line(now, || format!("   {event:?}"));
            let is_pause = matches!(event, Event::Asked(Request::Pause(_)));
            let before = house.watch.quiet();
            let waiting = house.watch.waiting();
            let effects = house.watch.step(stamp(local), event);
            // What no server took before is shown again: a few at once.
            let is_shown_again = house.watch.waiting() < waiting;
            let reasons = house.watch.quiet();
            // With a reason the last that held it goes what failures may pass.
            if is_shown_again || before.iter().any(|it| !reasons.contains(it)) {
                self.oracle.burst(now);
            }
            // A pause may begin where another one has just ended.
            if !is_pause {
                let reasons = before.intersection(&reasons).copied().collect();
                self.oracle.quiet(&reasons, &house.watch, &effects);
            }
            if let Some((delivery, message)) = delivery {
                let is_recorded = effects
                    .iter()
                    .any(|it| matches!(it, Effect::Record(it) if it.delivery.is_some()));
                if !is_recorded {
                    let ending = ending.map(|(site, it)| (site, &self.sites[site].koji.endings[it]));
                    self.oracle.set_aside(&delivery, &message, ending);
                    house.settled.insert(delivery);
                }
            }
            if effects.len() > MAX_EFFECTS + 8 * many {
                self.oracle.complain(format!("{} effects of one event", effects.len()));
            }
            if is_woke && house.watch.wake_at().is_some_and(|it| it <= stamp(local)) {
                let text = format!(
                    "woken at {}, it wants to be woken at {:?}",
                    stamp(local),
                    house.watch.wake_at()
                );
                self.oracle.complain(text);
            }
            self.oracle.rules(now, &house.watch, &self.names);
            self.oracle.sizes(&house.watch);
            for effect in effects {
                if self.boundary() {
                    return;
                }
                if is_leaving && !matches!(effect, Effect::Record(_)) {
                    continue;
                }
                events.extend(self.carry(effect));
            }
        }
    }

    /// A place where it can be killed. Returns whether it was.
    pub(crate) fn boundary(&mut self) -> bool {
        let Some(house) = &mut self.house else { return true };
        match house.leaves_after {
            None => {}
            Some(0) => {
                house.leaves_after = None;
                self.local_at(0, Local::Asks(Request::Quit));
            }
            Some(after) => house.leaves_after = Some(after - 1),
        }
        let Some(house) = &mut self.house else { return true };
        match &mut house.armed {
            None => false,
            Some(killing) if killing.after > 0 => {
                killing.after -= 1;
                false
            }
            Some(killing) => {
                let killing = *killing;
                self.kill(killing);
                true
            }
        }
    }

    pub(crate) fn kill(&mut self, killing: Killing) {
        let local = self.local();
        let Some(house) = self.house.take() else { return };
        let now = self.now;
        self.log
            .line(now, || format!("== run {} is killed: {killing:?}", house.run));
        let is_halved = self.mutant == Some(Mutant::WritesHalves);
        let unwritten = house
            .memory
            .writing
            .as_ref()
            .filter(|_| house.memory.outcome.is_none() && !is_halved);
        if let Some(batch) = unwritten {
            let keeps = self.mutilated(&batch.keeps);
            let mut dice = self.dice("torn", u64::from(house.run));
            if self
                .disk
                .crash_writing(&keeps, stamp(local), killing.power, killing.torn, &mut dice)
            {
                self.oracle.durable(&batch.keeps, &batch.deliveries);
            }
        } else {
            self.disk.crash(killing.power);
        }
        self.gone(true);
        self.at(now + killing.ms * MILLISECOND, Happening::Starts);
    }

    /// The process is no more.
    pub(crate) fn gone(&mut self, is_kill: bool) {
        let now = self.now;
        let desk = self.plan.setting.desk_ms * MILLISECOND;
        let slow = if self.disk_slow_until > now { HOUR } else { 0 };
        let patience = 2 * self.plan.setting.disk_ms * MILLISECOND + desk + 30 * SECOND + slow;
        self.oracle.ended(now, is_kill, patience);
        let mut dice = self.throw("shuffle");
        for site in &mut self.sites {
            if let Some(broker) = &mut site.broker {
                broker.close(now, || dice.chance(5));
            }
        }
        self.asleep_until = self.asleep_until.min(now);
        self.oracle.woken(now);
    }

    pub(crate) fn carry(&mut self, effect: Effect) -> Option<Event> {
        let now = self.now;
        self.log.line(now, || format!("     -> {effect:?}"));
        let house = self.house.as_mut()?;
        match effect {
            Effect::Show(notice) => house.hand.order(Order::Show(notice)),
            Effect::Withdraw(notice) => house.hand.order(Order::Withdraw(notice)),
            Effect::TakeDown(posted) => house.hand.order(Order::TakeDown(posted)),
            Effect::Record(record) => {
                let kojis: Vec<&Koji> = self.sites.iter().map(|it| &it.koji).collect();
                self.oracle.recorded(&record.keeps, &kojis, &self.names);
                let answer = house.memory.record(record);
                return answer;
            }
            Effect::Acknowledge(delivery) => self.acknowledge(delivery),
            Effect::Listen(instance, interest) => {
                let site = self.site(&instance);
                if let Some(line) = self.house.as_mut()?.lines.get_mut(&site) {
                    line.interest = interest;
                }
                self.bind(site);
            }
            Effect::Ask(instance, ask) => {
                let run = house.run;
                let site = self.site(&instance);
                if matches!(ask, Ask::Look(_)) {
                    self.returned[site] = None;
                    self.asked_at[site] = Some(now);
                }
                if self.sites[site].hub.is_none() {
                    let why = Unanswered {
                        text: String::new(),
                        kind: HubTrouble::Unreachable,
                    };
                    return Some(Event::Learned(instance, Learned::Unanswered { ask, why }));
                }
                let most = self.sites[site].hub.as_ref().map_or(1, |it| it.answer_ms);
                let after = self.throw("asked").spread(1, most) * MILLISECOND;
                let asked = self.local();
                self.at(now + after, Happening::HubReads { run, site, ask, asked });
            }
            Effect::Save(Save::Toggle(toggle, on)) => {
                let after = self.throw("save").spread(1000, 50_000);
                self.local_at(after, Local::Saves(toggle, on));
            }
            Effect::Reload => self.reload(),
            Effect::Quit => house.is_leaving = true,
            Effect::StartAtLogin(on) => return Some(Event::AutostartChanged(on)),
            // A line brings all that its queue has, and nobody keeps an archive.
            Effect::Doubt(_)
            | Effect::ReadAgain(..)
            | Effect::Reply(..)
            | Effect::List(..)
            | Effect::Announce(_)
            | Effect::RunHook(_)
            | Effect::Open { .. }
            | Effect::Copy(_)
            | Effect::ReadClipboard
            | Effect::ShowHistory { .. }
            | Effect::EditPreferences => {}
        }
        None
    }

    /// Whatever happened while nobody listened is asked for soon.
    fn check_returns(&mut self) {
        let now = self.now;
        let is_here = self.house.as_ref().is_some_and(|it| !it.is_leaving);
        for returned in &mut self.returned {
            if !is_here || self.asleep_until > now {
                *returned = None;
            } else if returned.is_some_and(|it| now - it > LOOKED_WITHIN) {
                *returned = None;
                self.oracle
                    .complain("something came back, and the hub was not looked at".to_owned());
            }
        }
    }

    /// What the loop does when its inbox is empty.
    pub(crate) fn turn_ends(&mut self) {
        self.check_returns();
        self.desk();
        self.begin_to_write();
        let Some(house) = &mut self.house else { return };
        if house.is_leaving {
            self.leave();
            return;
        }
        // By the true time: what the local clock does until then, the timer does not see. It is never early.
        let (local, now) = (self.now + self.offset, self.now);
        let at = house.wake_at().map(|it| now + (time(it) - local).max(0) + 300);
        if at != self.appointed {
            self.appointed = at;
            self.appointment += 1;
            if let Some(at) = at {
                let appointment = self.appointment;
                self.local_at(at - now, Local::Wakes(appointment));
            }
        }
    }
}
