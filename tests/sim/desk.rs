//! The notification server, and the one who hands it our notices: one at a time, with patience of three seconds, as
//! `desktop::notices` does it.

use std::collections::{BTreeMap, VecDeque};

use koji_notify::watch::{Closed, Event, Notice, NoticeId, Outcome, Posted};

use crate::time::{SECOND, Time};

/// How long a call is waited for.
const LIMIT: Time = 3 * SECOND;

/// What is asked of the server.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Show(Notice),
    Withdraw(NoticeId),
    TakeDown(Vec<Posted>),
}

/// The server: outlives those who use it.
#[derive(Debug)]
pub(crate) struct Server {
    is_there: bool,
    /// Counts restarts; part of its name on the bus.
    era: u32,
    pub(crate) hangs_until: Time,
    /// What it does with a call that it was slow to answer.
    takes: bool,
    pub(crate) refuses_until: Time,
    last_number: u32,
    /// What is on screen, by number; the run that has shown it, and as what.
    pub(crate) screen: BTreeMap<u32, (u32, Notice)>,
}

/// Who hands our notices to the server; one for each run of the program.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    orders: VecDeque<Order>,
    errand: Option<Errand>,
    last_errand: u64,
    told: Option<bool>,
    numbers: BTreeMap<NoticeId, u32>,
}

#[derive(Debug)]
struct Errand {
    number: u64,
    notice: Notice,
    era: u32,
    overdue: bool,
    withdrawn: bool,
    taken: Option<u32>,
}

/// A moment in an errand, each with the errand's number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// The server reads the call.
    Reads(u64),
    /// Its answer is here.
    Answers(u64),
    /// We have waited long enough.
    Limit(u64),
}

/// What follows.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) events: Vec<Event>,
    pub(crate) moments: Vec<(Time, Moment)>,
    /// The server has taken this notice; `true`: as a new one.
    pub(crate) taken: Option<(Notice, bool)>,
    /// That was after it was given up.
    pub(crate) is_late: bool,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            is_there: true,
            era: 1,
            hangs_until: 0,
            takes: true,
            refuses_until: 0,
            last_number: 0,
            screen: BTreeMap::new(),
        }
    }

    fn posted(&self, number: u32) -> Posted {
        Posted {
            server: format!("bus :1.{}", self.era),
            number,
        }
    }

    pub(crate) fn leaves(&mut self) {
        self.is_there = false;
        self.screen.clear();
        self.hangs_until = 0;
        self.refuses_until = 0;
    }

    pub(crate) fn comes(&mut self) {
        if !self.is_there {
            self.is_there = true;
            self.era += 1;
        }
    }

    pub(crate) fn hangs(&mut self, until: Time, takes: bool) {
        self.hangs_until = until;
        self.takes = takes;
    }

    fn is_hanging(&self, now: Time) -> bool {
        now < self.hangs_until
    }
}

impl Hand {
    pub(crate) fn order(&mut self, order: Order) {
        self.orders.push_back(order);
    }

    /// Returns whether nothing is left to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.orders.is_empty() && self.errand.is_none()
    }

    /// Goes on as far as it can. `latency` throws how long a call takes.
    pub(crate) fn go_on(
        &mut self,
        now: Time,
        run: u32,
        server: &mut Server,
        mut latency: impl FnMut() -> Time,
    ) -> Done {
        let mut done = Done::default();
        self.tell_presence(now, server, &mut done);
        while self.errand.as_ref().is_none_or(|it| it.overdue)
            && let Some(order) = self.orders.pop_front()
        {
            match order {
                Order::Show(notice) => {
                    let is_hung = self.errand.is_some();
                    if is_hung || !server.is_there {
                        done.events.push(Event::Shown(notice.id, Outcome::Lost));
                        continue;
                    }
                    self.last_errand += 1;
                    let number = self.last_errand;
                    let era = server.era;
                    self.errand = Some(Errand {
                        number,
                        notice,
                        era,
                        overdue: false,
                        withdrawn: false,
                        taken: None,
                    });
                    let latency = latency();
                    done.moments.push((now + latency, Moment::Reads(number)));
                    done.moments.push((now + LIMIT, Moment::Limit(number)));
                }
                Order::Withdraw(notice) => {
                    if let Some(errand) = self.errand.as_mut().filter(|it| it.notice.id == notice) {
                        errand.withdrawn = true;
                    }
                    if let Some(number) = self.numbers.get(&notice)
                        && server.screen.remove(number).is_some()
                    {
                        self.numbers.remove(&notice);
                        done.events.push(Event::Closed(notice, Closed::Otherwise));
                    }
                }
                Order::TakeDown(posted) => {
                    for it in posted {
                        // Not what this run has shown: numbers are never given out twice by one server.
                        if server.is_there && it == server.posted(it.number) {
                            let of = server.screen.get(&it.number).map(|(of, _)| *of);
                            assert_ne!(of, Some(run), "a run takes down what it has shown itself");
                            server.screen.remove(&it.number);
                        }
                    }
                }
            }
        }
        done
    }

    /// A moment of an errand has come.
    pub(crate) fn moment(&mut self, now: Time, run: u32, server: &mut Server, moment: Moment) -> Done {
        let mut done = Done::default();
        let (Moment::Reads(number) | Moment::Answers(number) | Moment::Limit(number)) = moment;
        let Some(errand) = self.errand.as_mut().filter(|it| it.number == number) else {
            return done;
        };
        let id = errand.notice.id;
        match moment {
            Moment::Reads(_) => {
                if errand.era != server.era || !server.is_there {
                    // It went away with our call.
                    if !errand.overdue {
                        done.events.push(Event::Shown(id, Outcome::Lost));
                    }
                    self.errand = None;
                } else if server.is_hanging(now) {
                    done.moments.push((server.hangs_until, moment));
                } else if errand.overdue && !server.takes {
                    self.errand = None;
                } else if now < server.refuses_until {
                    if !errand.overdue {
                        done.events.push(Event::Shown(id, Outcome::Lost));
                    }
                    self.errand = None;
                } else {
                    // What is replaced keeps its number while it is on screen.
                    let old = self
                        .numbers
                        .get(&id)
                        .copied()
                        .filter(|it| server.screen.contains_key(it));
                    let number = old.unwrap_or_else(|| {
                        server.last_number += 1;
                        server.last_number
                    });
                    server.screen.insert(number, (run, errand.notice.clone()));
                    errand.taken = Some(number);
                    done.taken = Some((errand.notice.clone(), old.is_none()));
                    done.is_late = errand.overdue;
                    done.moments.push((now + 500, Moment::Answers(errand.number)));
                }
            }
            Moment::Answers(_) => {
                let errand = self.errand.take().unwrap();
                done.events.push(Event::Shown(id, Outcome::Taken));
                if let Some(number) = errand
                    .taken
                    .filter(|it| errand.era == server.era && server.screen.contains_key(it))
                {
                    self.numbers.insert(id, number);
                    done.events.push(Event::Posted(id, server.posted(number)));
                    if errand.withdrawn {
                        server.screen.remove(&number);
                        done.events.push(Event::Closed(id, Closed::Otherwise));
                    }
                }
            }
            Moment::Limit(_) => {
                if !errand.overdue {
                    errand.overdue = true;
                    done.events.push(Event::Shown(id, Outcome::Lost));
                }
            }
        }
        self.tell_presence(now, server, &mut done);
        done
    }

    /// A person, or time, takes a notice off the screen.
    pub(crate) fn closed(&mut self, number: u32, closed: Closed) -> Option<Event> {
        let notice = self.numbers.iter().find(|(_, it)| **it == number).map(|(it, _)| *it)?;
        self.numbers.remove(&notice);
        Some(Event::Closed(notice, closed))
    }

    fn tell_presence(&mut self, _now: Time, server: &Server, done: &mut Done) {
        if self
            .errand
            .as_ref()
            .is_some_and(|it| it.overdue && it.era != server.era)
        {
            self.errand = None;
        }
        let is_hung = self.errand.as_ref().is_some_and(|it| it.overdue);
        let is_present = server.is_there && !is_hung;
        if self.told != Some(is_present) {
            self.told = Some(is_present);
            if !server.is_there {
                self.numbers.clear();
            }
            done.events.push(Event::ServerChanged(is_present));
        }
    }
}
