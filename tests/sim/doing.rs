//! What the people, the machines and the doors of the program do in a run.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use jiff::civil::Time as Hour;
use jiff::tz::TimeZone;
use koji_notify::bus::decode::{Decoded, Dialect, Envelope, decode};
use koji_notify::bus::sieve::{concerns, concerns_headers};
use koji_notify::hub::call::Call;
use koji_notify::hub::fault::{Fault, FaultCode};
use koji_notify::hub::look::plan;
use koji_notify::koji::{Cause, CauseClass, Change, InstanceName, Interest, Lookup, UserId};
use koji_notify::watch::quiet::Hours;
use koji_notify::watch::{
    Ask, Asker, Closed, Delivery, Event, HubTrouble, Keep, Learned, Link, MuteFor, Muting, News, PauseFor, Problem,
    QuietRules, Reason, Request, Rules, Toggle, Trouble, Unanswered, Whose,
};

use crate::desk::Done;
use crate::house::{Killing, Line};
use crate::koji::Koji;
use crate::messages::{Message, PREFIX};
use crate::mutants::Mutant;
use crate::plan::{Action, End, Ill, Kind, Night, PACKAGES, USERS};
use crate::time::{MILLISECOND, MINUTE, SECOND, Time, stamp};
use crate::world::{Happening, Local, World};

impl World {
    pub(crate) fn act(&mut self, number: u64, action: Action) {
        let now = self.now;
        let sites = self.sites.len();
        let at = |it: u8| usize::from(it) % sites;
        match action {
            Action::Submit {
                site,
                user,
                package,
                kind,
                end,
                secs,
            } => {
                self.submit(at(site), number, user, package, kind, end, secs);
            }
            Action::Again { site, end, secs } => {
                let seen = self.seen(at(site), "again", number);
                let followed = self.sites[at(site)].koji.again(now, seen, end, secs);
                self.follow(at(site), followed);
            }
            Action::Delete { site } => {
                let seen = self.seen(at(site), "delete", number);
                let followed = self.sites[at(site)].koji.delete(now, seen);
                self.follow(at(site), followed);
            }
            Action::Traffic { site, count } => {
                let site = at(site);
                let stranger = USERS.len() as u8 - 1;
                let followed = &self.sites[site].packages;
                let package = (0..PACKAGES.len() as u8).find(|it| !followed.contains(it)).unwrap_or(0);
                for n in 0..count {
                    self.submit(
                        site,
                        number * 1000 + u64::from(n),
                        stranger,
                        package,
                        Kind::Import,
                        End::Good,
                        [0; 3],
                    );
                }
            }
            Action::Mass {
                site,
                user,
                count,
                within,
                scratch,
            } => {
                let kind = if scratch { Kind::Scratch } else { Kind::Build };
                for n in 0..count {
                    let mut dice = self.dice("mass", number * 1000 + u64::from(n));
                    let secs = [
                        dice.between(0, i64::from(within)) as u32,
                        dice.between(0, i64::from(within)) as u32,
                        1,
                    ];
                    let end = *dice.pick(&[End::Good, End::Good, End::Bad, End::NoSource]);
                    let package = dice.below(PACKAGES.len() as u64) as u8;
                    self.submit(at(site), number * 1000 + u64::from(n), user, package, kind, end, secs);
                }
            }
            Action::LineBreaks { site, ms } => self.break_line(at(site), ms),
            Action::BrokerRestarts { site, ms } => self.break_line(at(site), ms),
            Action::HubIll { site, ms, ill } => {
                if let Some(hub) = &mut self.sites[at(site)].hub {
                    hub.ill = ill;
                    hub.ill_until = now + ms * MILLISECOND;
                }
            }
            Action::ServerGone { ms } => {
                self.server.leaves();
                self.at(now + ms * MILLISECOND, Happening::ServerComes);
            }
            Action::ServerHangs { ms, takes } => {
                self.server.hangs(now + ms * MILLISECOND, takes);
                self.at(now + ms * MILLISECOND, Happening::ServerComes);
            }
            Action::ServerRefuses { ms } => {
                self.server.refuses_until = now + ms * MILLISECOND;
                self.at(now + ms * MILLISECOND + MINUTE, Happening::ServerComes);
            }
            Action::Dismiss { nth } => {
                let number = self.server.screen.keys().rev().nth(usize::from(nth)).copied();
                self.close_notices(number.into_iter().collect(), Closed::Dismissed);
            }
            Action::Expire => {
                let all = self.server.screen.keys().copied().collect();
                self.close_notices(all, Closed::Expired);
            }
            Action::Switch { toggle, on } => self.ask(Request::Switch(Toggle::ALL[toggle % Toggle::ALL.len()], on)),
            Action::Pause { minutes } => {
                let minutes = NonZeroU32::new(minutes).unwrap_or(NonZeroU32::MIN);
                self.ask(Request::Pause(PauseFor::Minutes(minutes)));
            }
            Action::PauseUntilTomorrow => self.ask(Request::Pause(PauseFor::UntilTomorrow)),
            Action::Unpause => self.ask(Request::Resume),
            Action::Quiet { reason, on } => self.take(Event::QuietChanged(Reason::ALL[reason % Reason::ALL.len()], on)),
            Action::Mute { package, minutes } => {
                let minutes = NonZeroU32::new(minutes).unwrap_or(NonZeroU32::MIN);
                self.ask(Request::Mute {
                    muting: Muting::Package(named(package)),
                    until: MuteFor::Lasting(PauseFor::Minutes(minutes)),
                });
            }
            Action::Unmute { package } => self.ask(Request::Unmute(Muting::Package(named(package)))),
            Action::MarkSeen => self.ask(Request::MarkSeen),
            Action::Follow { site, nth } => {
                let site = at(site);
                if let Some(task) = self.sites[site].koji.newest_task(nth) {
                    self.oracle
                        .followed
                        .insert((site, koji_notify::koji::Subject::Task(task)));
                    let (instance, lookup) = (self.names[site].clone(), Lookup::Task(task));
                    self.ask(Request::Follow {
                        instance,
                        lookup,
                        asker: Asker::Person,
                    });
                }
            }
            Action::Unfollow { site, nth } => {
                let site = at(site);
                if let Some(task) = self.sites[site].koji.newest_task(nth) {
                    let (instance, lookup) = (self.names[site].clone(), Lookup::Task(task));
                    self.ask(Request::Unfollow {
                        instance,
                        lookup,
                        asker: Asker::Nobody,
                    });
                }
            }
            Action::Users { site, me } => {
                self.sites[at(site)].me = me;
                self.file_changes();
            }
            Action::Packages { site, packages } => {
                self.sites[at(site)].packages = packages;
                self.file_changes();
            }
            Action::Sleep { ms } => self.sleep(ms * MILLISECOND),
            Action::Jump { ms } => {
                self.offset += ms * MILLISECOND;
                self.oracle.burst(now);
            }
            Action::Zone { zone: name } => {
                self.zone = zone(&name);
                let zone = self.zone.clone();
                if self.asleep_until > self.now {
                    self.file_changes();
                } else {
                    self.take(Event::ZoneChanged(zone));
                }
            }
            // Nothing runs in a computer that sleeps.
            Action::Battery { .. } if self.asleep_until > self.now => {}
            Action::Battery { on } => self.take(Event::OnBattery(on)),
            Action::Quit { after, ms } => {
                if let Some(house) = self
                    .house
                    .as_mut()
                    .filter(|it| !it.is_leaving && it.leaves_after.is_none())
                {
                    house.leave_ms = ms;
                    house.leaves_after = Some(after);
                    self.boundary();
                }
            }
            Action::Kill { after, power, torn, ms } => {
                if let Some(house) = &mut self.house {
                    house.armed = Some(Killing { after, power, torn, ms });
                    if power || after == 0 {
                        self.boundary();
                    }
                }
            }
            Action::DiskFull { ms } => {
                self.disk.is_full = true;
                self.at(now + ms * MILLISECOND, Happening::DiskEmpties);
            }
            Action::DiskSlow { ms } => self.disk_slow_until = now + ms * MILLISECOND,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what is submitted has so many sides")]
    fn submit(&mut self, site: usize, number: u64, user: u8, package: u8, kind: Kind, end: End, secs: [u32; 3]) {
        let seen = self.seen(site, "submit", number);
        let followed = self.sites[site]
            .koji
            .submit(self.now, seen, user, package, kind, end, secs);
        self.follow(site, followed);
    }

    /// The plan is over: the trouble ends, and what is off is on.
    pub(crate) fn bring_everything_back(&mut self) {
        let now = self.now;
        self.log.line(now, || "== everything is brought back".to_owned());
        self.is_over = true;
        self.night = None;
        self.disk.is_full = false;
        self.disk_slow_until = 0;
        self.server.hangs_until = self.server.hangs_until.min(now);
        self.server.refuses_until = 0;
        self.server.comes();
        self.oracle.burst(now);
        for site in &mut self.sites {
            if let Some(hub) = &mut site.hub {
                hub.ill_until = now;
            }
            if let Some(broker) = &mut site.broker {
                broker.down_until = now;
            }
        }
        match &mut self.house {
            None => self.start(),
            Some(house) => {
                house.armed = None;
                house.leaves_after = None;
                self.file_changes();
                self.ask(Request::Resume);
                for reason in Reason::ALL {
                    self.take(Event::QuietChanged(reason, false));
                }
            }
        }
    }

    /// A person asks for something, if the program is there.
    fn ask(&mut self, request: Request) {
        let is_asleep = self.asleep_until > self.now;
        if self.house.as_ref().is_some_and(|it| !it.is_leaving) && !is_asleep {
            self.take(Event::Asked(request));
        }
    }

    fn file_changes(&mut self) {
        self.local_at(20 * MILLISECOND, Local::Asks(Request::Reload));
    }

    fn sleep(&mut self, ms: Time) {
        if self.asleep_until > self.now {
            return;
        }
        self.asleep_until = self.now + ms;
        self.oracle.asleep(self.now, self.asleep_until);
        let now = self.now;
        for site in 0..self.sites.len() {
            if let Some(line) = self.sites[site].broker.as_ref().and_then(|it| it.line) {
                // It misses two heartbeats.
                self.at(now + MINUTE, Happening::BrokerForgets(site, line));
            }
        }
        self.local_at(ms, Local::Woken);
        // What the program does at once when it wakes comes a moment later.
        self.oracle.burst(now + ms);
    }

    // The desk.

    pub(crate) fn desk(&mut self) {
        // What it says may lead to another order.
        while self.desk_goes_on() {}
    }

    /// Returns whether something was said.
    fn desk_goes_on(&mut self) -> bool {
        let Some(house) = &mut self.house else { return false };
        if self.asleep_until > self.now {
            return false;
        }
        let most = self.plan.setting.desk_ms;
        let mut dice = crate::dice::Dice::of(
            self.plan.setting.seed,
            "desk",
            u64::from(house.run) << 32 | house.errands,
        );
        house.errands += 1;
        let done = house.hand.go_on(self.now, house.run, &mut self.server, || {
            dice.spread(1, most) * MILLISECOND
        });
        let says_something = !done.events.is_empty();
        self.desk_done(done);
        says_something
    }

    pub(crate) fn desk_done(&mut self, done: Done) {
        let now = self.now;
        for (at, moment) in done.moments {
            self.local_at(at - now, Local::Desk(moment));
        }
        if let Some((notice, is_new)) = done.taken {
            let run = self.house.as_ref().map_or(0, |it| it.run);
            self.log.line(now, || {
                format!(
                    "   on screen ({}): {:?}",
                    if is_new { "new" } else { "changed" },
                    notice.telling
                )
            });
            let kojis: Vec<&Koji> = self.sites.iter().map(|it| &it.koji).collect();
            self.oracle.taken(now, run, &notice, is_new, &kojis, &self.names);
            if done.is_late {
                self.oracle.taken_late(notice.id, run);
            }
        }
        for event in done.events {
            let is_outcome = matches!(event, Event::Shown(..));
            if is_outcome && self.mutant == Some(Mutant::LosesOutcomes) {
                continue;
            }
            self.take(event);
        }
    }

    fn close_notices(&mut self, numbers: Vec<u32>, how: Closed) {
        for number in numbers {
            let Some((run, _)) = self.server.screen.remove(&number) else {
                continue;
            };
            if let Some(house) = self.house.as_mut().filter(|it| it.run == run)
                && let Some(event) = house.hand.closed(number, how)
            {
                self.take(event);
            }
        }
    }

    // The journal.

    pub(crate) fn begin_to_write(&mut self) {
        let local = self.local();
        let Some(house) = &mut self.house else { return };
        if house.memory.write(local) {
            let deliveries = house
                .memory
                .writing
                .as_ref()
                .map(|it| it.deliveries.clone())
                .unwrap_or_default();
            let most = if self.disk_slow_until > self.now {
                20_000
            } else {
                self.plan.setting.disk_ms
            };
            let after = self.throw("disk").spread(1, most) * MILLISECOND;
            self.local_at(after, Local::Commits);
            if self.mutant == Some(Mutant::RecordsEarly) {
                for delivery in deliveries {
                    if let Some(batch) = self.house.as_mut().and_then(|it| it.memory.writing.as_mut()) {
                        batch.deliveries.retain(|it| *it != delivery);
                    }
                    self.take(Event::Recorded(delivery));
                }
            }
        }
    }

    pub(crate) fn commits(&mut self) {
        if self.boundary() {
            return;
        }
        self.commit();
        if self.boundary() {
            return;
        }
        let after = self.throw("joined").spread(100, 3000);
        self.local_at(after, Local::Written);
    }

    /// The page that is under way comes to the disk, or does not.
    fn commit(&mut self) {
        let local = self.local();
        let Some(house) = &mut self.house else { return };
        let Some(batch) = house.memory.writing.clone() else {
            return;
        };
        let keeps = self.mutilated(&batch.keeps);
        let outcome = if self.mutant == Some(Mutant::WritesHalves) {
            let (first, second) = keeps.split_at(keeps.len() / 2);
            let outcome = self.disk.write(first, stamp(local));
            // If it is to be killed soon, it is here.
            if let Some(killing) = self.house.as_ref().and_then(|it| it.armed) {
                self.kill(killing);
                return;
            }
            outcome.and_then(|()| self.disk.write(second, stamp(local)))
        } else {
            self.disk.write(&keeps, stamp(local))
        };
        let now = self.now;
        self.log
            .line(now, || format!("   written ({outcome:?}): {:?}", batch.keeps));
        if outcome.is_ok() {
            self.oracle.durable(&batch.keeps, &batch.deliveries);
        }
        if let Some(house) = &mut self.house {
            house.memory.outcome = Some(outcome);
        }
    }

    /// What a mutant leaves of a page.
    pub(crate) fn mutilated(&self, keeps: &[Keep]) -> Vec<Keep> {
        let is_lost = |it: &Keep| match self.mutant {
            Some(Mutant::LosesMessages) => matches!(it, Keep::Message { .. } | Keep::Story(_)),
            Some(Mutant::LosesDue) => matches!(it, Keep::Due(_)),
            Some(Mutant::LosesTold) => matches!(it, Keep::Told { .. }),
            Some(Mutant::LosesMarks) => matches!(it, Keep::Mark(..)),
            Some(Mutant::LosesStories) => matches!(it, Keep::Story(_)),
            _ => false,
        };
        keeps.iter().filter(|it| !is_lost(it)).cloned().collect()
    }

    /// The program ends by itself: its screen first, then its memory.
    pub(crate) fn leave(&mut self) {
        let now = self.now;
        let mut dice = self.throw("shuffle");
        for site in &mut self.sites {
            if let Some(broker) = &mut site.broker {
                broker.close(now, || dice.chance(5));
            }
        }
        let Some(house) = &mut self.house else { return };
        if !house.hand.is_idle() {
            return;
        }
        house.memory.again_at = None;
        while self.mutant != Some(Mutant::ForgetsAtTheEnd) {
            let Some(house) = &mut self.house else { return };
            if house.memory.writing.is_none() && !house.memory.begin() {
                break;
            }
            if house.memory.outcome.is_none() {
                self.commit();
            }
            let local = self.local();
            let Some(house) = &mut self.house else { return };
            house.memory.written(local);
            if house.memory.again_at.is_some() {
                self.oracle.is_degraded = true;
                break;
            }
        }
        let Some(house) = self.house.take() else { return };
        self.disk.close();
        self.log.line(now, || format!("== run {} has ended", house.run));
        self.gone(false);
        self.at(now + house.leave_ms * MILLISECOND, Happening::Starts);
    }

    // The configuration.

    pub(crate) fn reload(&mut self) {
        let Some(house) = &mut self.house else { return };
        if house.is_reading {
            house.read_again = true;
            return;
        }
        house.is_reading = true;
        let after = self.throw("config").spread(5, 400) * MILLISECOND;
        self.local_at(after, Local::ReadsConfig);
    }

    /// Returns what the configuration says.
    pub(crate) fn configured(&self) -> Rules {
        let instances = self.names.iter().cloned().zip(&self.sites).map(|(name, site)| {
            let whose = Whose {
                users: site.me.iter().map(|it| USERS[usize::from(*it)].to_owned()).collect(),
                guessed: false,
                packages: site.packages.iter().map(|it| named(*it)).collect(),
                bus: site.broker.is_some(),
                hub: site.hub.is_some(),
                logs_in: false,
                ..Whose::default()
            };
            (name, whose)
        });
        Rules {
            wanted: self.wanted,
            instances: instances.collect(),
            quiet: self.night.map_or_else(QuietRules::default, quiet_rules),
            zone: self.zone.clone(),
            live: true,
        }
    }

    /// Starts what the configuration has and we do not.
    pub(crate) fn follow_config(&mut self) {
        let now = self.now;
        for site in 0..self.sites.len() {
            let Some(house) = &mut self.house else { return };
            if self.oracle.covered[site].is_none() {
                self.oracle.covered[site] = Some(now);
            }
            if self.sites[site].broker.is_none() || house.lines.contains_key(&site) {
                continue;
            }
            let interest = house.watch.rules().interest(&self.names[site]);
            house.lines.insert(
                site,
                Line {
                    interest,
                    ..Line::default()
                },
            );
            self.take(Event::LinkChanged(self.names[site].clone(), Link::Connecting));
            self.dial_after(site, 50, 2000);
        }
    }

    // The bus.

    fn dial_after(&mut self, site: usize, first: i64, last: i64) {
        let after = self.throw("dial").spread(first, last) * MILLISECOND;
        self.local_at(after, Local::Dials(site));
    }

    pub(crate) fn dials(&mut self, site: usize) {
        let now = self.now;
        let number = self.lines + 1;
        let Some(line) = self.house.as_mut().and_then(|it| it.lines.get_mut(&site)) else {
            return;
        };
        if line.number.is_some() {
            return;
        }
        let broker = self.sites[site].broker.as_mut().unwrap();
        if now < broker.down_until {
            line.failures += 1;
            let wait = (1000 << line.failures.min(8)).min(300_000);
            self.take(Event::LinkChanged(self.names[site].clone(), Link::Down(trouble())));
            self.dial_after(site, wait / 2, wait);
            return;
        }
        let mut dice = crate::dice::Dice::of(self.plan.setting.seed, "shuffle", u64::from(number) << 32);
        self.lines = number;
        broker.close(now, || dice.chance(5));
        broker.open(now, number);
        line.number = Some(number);
        line.failures = 0;
        line.last = now;
        self.bind(site);
        if self.mutant != Some(Mutant::IgnoresReturns) || self.lines == 1 {
            self.take(Event::LinkChanged(self.names[site].clone(), Link::Up));
        }
        self.has_returned(site);
        self.pump(site);
    }

    /// The line is up, or the computer awake. Nothing is noted where a look is asked for at once.
    pub(crate) fn has_returned(&mut self, site: usize) {
        let is_asked = self.asked_at[site] == Some(self.now);
        if self.sites[site].hub.is_some() && !is_asked && self.oracle.covered[site].is_some() {
            self.returned[site] = Some(self.now);
        }
    }

    pub(crate) fn bind(&mut self, site: usize) {
        let Some(line) = self.house.as_ref().and_then(|it| it.lines.get(&site)) else {
            return;
        };
        let Interest { tasks, tags, .. } = line.interest;
        let events = [
            (true, "build.state.change"),
            (tasks, "task.state.change"),
            (tags, "tag"),
            (tags, "untag"),
        ];
        let topics = events
            .iter()
            .filter(|(wanted, _)| *wanted)
            .map(|(_, it)| format!("{PREFIX}.buildsys.{it}"));
        let topics: BTreeSet<String> = topics.collect();
        if let (Some(_), Some(broker)) = (line.number, &mut self.sites[site].broker) {
            broker.bind(topics);
        }
    }

    /// The broker cannot be reached for so long.
    fn break_line(&mut self, site: usize, ms: i64) {
        let now = self.now;
        let mut dice = self.throw("shuffle");
        let Some(broker) = &mut self.sites[site].broker else {
            return;
        };
        broker.down_until = now + ms * MILLISECOND;
        broker.close(now, || dice.chance(5));
        if self.house.as_ref().is_some_and(|it| it.lines.contains_key(&site)) && self.asleep_until <= now {
            self.line_ends(site, Some(trouble()));
        }
    }

    /// The line is gone: with trouble, or because the computer has slept.
    pub(crate) fn line_ends(&mut self, site: usize, trouble: Option<Trouble>) {
        let Some(line) = self.house.as_mut().and_then(|it| it.lines.get_mut(&site)) else {
            return;
        };
        line.number = None;
        let link = trouble.map_or(Link::Connecting, Link::Down);
        self.take(Event::LinkChanged(self.names[site].clone(), link));
        self.dial_after(site, 500, 2000);
    }

    pub(crate) fn arrives(&mut self, site: usize, line: u32, tag: u64, message: &Message) {
        let Some(house) = &self.house else { return };
        let Some(state) = house.lines.get(&site).filter(|it| it.number == Some(line)) else {
            return;
        };
        let interest = state.interest.clone();
        let instance = self.names[site].clone();
        let delivery = Delivery {
            instance: instance.clone(),
            connection: line,
            tag,
        };
        if !concerns_headers(&message.headers, &interest) {
            return self.done(site, line, tag);
        }
        let (topic, name) = (message.topic(), message.name());
        let renamed = format!("{name}-{line}-{tag}");
        let name = if self.mutant == Some(Mutant::RenamesMessages) {
            renamed
        } else {
            name
        };
        let dialect = Dialect::FedoraMessaging {
            topic_prefix: PREFIX.to_owned(),
            koji_instance: "primary".to_owned(),
        };
        let envelope = Envelope {
            topic: &topic,
            message_id: Some(&name),
            sent_at: Some(&message.sent_at),
            body: &message.body,
            ..Envelope::default()
        };
        match decode(&dialect, &envelope) {
            Ok(Decoded::News { sent, event, owner }) if concerns(&event, owner, &interest) => {
                if let Some(ending) = message.ending {
                    self.oracle.heard(self.now, (site, ending));
                }
                let is_early = self.mutant == Some(Mutant::AcknowledgesFirst);
                let news = News {
                    instance,
                    delivery: Some(delivery.clone()),
                    message: Some(name),
                    is_first: false,
                    sent,
                    owner,
                    event,
                };
                if is_early {
                    self.oracle.acknowledged(&delivery, false);
                    self.done(site, line, tag);
                }
                self.take(Event::Heard(news));
            }
            Ok(_) => self.done(site, line, tag),
            Err(error) => self.oracle.complain(format!("{name} cannot be read: {error}")),
        }
    }

    pub(crate) fn acknowledge(&mut self, delivery: Delivery) {
        let Some(house) = &mut self.house else { return };
        let needs_no_record = house.settled.remove(&delivery);
        let is_done_before = matches!(self.mutant, Some(Mutant::AcknowledgesFirst));
        if !is_done_before {
            self.oracle.acknowledged(&delivery, needs_no_record);
        }
        let site = self.site(&delivery.instance);
        if !is_done_before {
            self.done(site, delivery.connection, delivery.tag);
        }
    }

    /// Tells the broker that a delivery is done with.
    fn done(&mut self, site: usize, line: u32, tag: u64) {
        let Some(run) = self.house.as_ref().map(|it| it.run) else {
            return;
        };
        let after = self.throw("frame").spread(100, 20_000);
        self.at(self.now + after, Happening::Acknowledged { run, site, line, tag });
    }

    pub(crate) fn site(&self, instance: &InstanceName) -> usize {
        self.names.iter().position(|it| it == instance).unwrap()
    }

    // The hub.

    pub(crate) fn hub_reads(&mut self, run: u32, site: usize, ask: Ask, asked: Time) {
        let now = self.now;
        let Some(house) = self.house.as_mut().filter(|it| it.run == run) else {
            return;
        };
        let hub = self.sites[site].hub.as_ref().unwrap();
        let ill = (now < hub.ill_until).then_some(hub.ill);
        let most = hub.answer_ms;
        let known = house.known.entry(site).or_default();
        known.users = USERS
            .iter()
            .enumerate()
            .map(|(id, it)| ((*it).to_owned(), UserId(id as u64)))
            .collect();
        let koji = &self.sites[site].koji;
        let unanswered = |ask: Ask, kind| Learned::Unanswered {
            ask,
            why: Unanswered {
                text: "hub".to_owned(),
                kind,
            },
        };
        let mut after = 0;
        let learned = match (ill, ask) {
            (Some(Ill::Unreachable), ask) => unanswered(ask, HubTrouble::Unreachable),
            (Some(Ill::Closed), ask) => unanswered(ask, HubTrouble::Closed),
            (Some(Ill::Slow), ask) => {
                after = 60 * SECOND;
                unanswered(ask, HubTrouble::Slow)
            }
            (Some(Ill::Patchy) | None, Ask::Look(look)) => {
                let plan = plan(&look, known);
                let mut dice = crate::dice::Dice::of(self.plan.setting.seed, "patch", now as u64);
                let busy = Fault {
                    code: FaultCode::Retry,
                    text: "busy".to_owned(),
                };
                let answer = |call: &Call| {
                    let is_lost = ill.is_some() && dice.chance(30);
                    if is_lost {
                        Err(busy.clone())
                    } else {
                        Ok(koji.answer(now, call))
                    }
                };
                let answers = plan.calls.iter().map(answer).collect();
                // The date in the answer says how far our clock is ahead, to the second.
                let ahead = now / SECOND * SECOND - (now + self.offset);
                let (mut looked, _) = plan.looked(answers, Some(stamp(asked + ahead)), known);
                if self.mutant == Some(Mutant::MarksTooLate) {
                    looked.as_of = Some(stamp(now + 90 * SECOND));
                }
                Learned::Looked(looked)
            }
            (_, Ask::Explain { about, task }) => {
                let cause = Cause {
                    by: Default::default(),
                    class: CauseClass::Package,
                    task,
                    method: None,
                    arch: None,
                    fault: "it does not build".to_owned(),
                    log: None,
                    lines: Vec::new(),
                };
                Learned::Explained { about, cause }
            }
            (_, Ask::Find(lookup)) => {
                let change = match &lookup {
                    Lookup::Task(task) => koji.task_at(now, *task).and_then(|row| {
                        let owner = row.owner.map(|it| USERS[it.0 as usize]);
                        row.change(owner, Vec::new()).map(Change::Task)
                    }),
                    Lookup::Build(_) | Lookup::Nvr(_) => None,
                };
                Learned::Found { lookup, change }
            }
            (_, Ask::Owners(numbers)) => {
                let name = |it: &UserId| USERS.get(it.0 as usize).map(|it| (*it).to_owned());
                Learned::Owners(numbers.iter().map(|it| (*it, name(it))).collect())
            }
            (_, ask @ Ask::Act { .. }) => unanswered(ask, HubTrouble::Refused),
        };
        if self.mutant == Some(Mutant::LosesRefusals) && matches!(learned, Learned::Unanswered { .. }) {
            return;
        }
        let after = after + self.throw("answer").spread(1, most) * MILLISECOND;
        self.local_at(
            after,
            Local::Learns {
                site,
                learned: Box::new(learned),
                asked: now,
            },
        );
    }

    pub(crate) fn learns(&mut self, site: usize, learned: Learned, _asked: Time) {
        if let Learned::Looked(looked) = &learned {
            let koji = &self.sites[site].koji;
            for ending in looked.changes.iter().filter_map(|it| koji.ending_of(it)) {
                self.oracle.heard(self.now, (site, ending));
            }
        }
        self.take(Event::Learned(self.names[site].clone(), learned));
    }
}

fn quiet_rules(night: Night) -> QuietRules {
    let at = |hour| Hour::constant(hour, 0, 0, 0);
    QuietRules {
        hours: vec![Hours {
            from: at(night.from),
            until: at(night.until),
        }],
        failures_pass: night.failures_pass,
        ..QuietRules::default()
    }
}

pub(crate) fn zone(posix: &str) -> TimeZone {
    TimeZone::posix(posix).unwrap()
}

fn named(package: u8) -> String {
    PACKAGES[usize::from(package) % PACKAGES.len()].to_owned()
}

fn trouble() -> Trouble {
    Trouble {
        problem: Problem::Interrupted,
        host: "broker".to_owned(),
        detail: String::new(),
        retry: None,
    }
}
