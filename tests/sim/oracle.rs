//! What must be so, whatever happens: told once, told to nobody else, never too much, acknowledged in order.
//!
//! What may be lost is said here, narrowly, and nowhere else ([`Oracle::is_excused`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use koji_notify::koji::{BuildState, InstanceName, Subject, TaskState};
use koji_notify::watch::{
    Delivery, Digest, Effect, Fate, Keep, Muting, Notice, NoticeId, Reason, Reply, Rules, Standing, Tale, TaleId,
    Telling, Wanted, Watch,
};

use crate::broker::Copies;
use crate::koji::{Ending, Koji};
use crate::time::{MINUTE, SECOND, Time, time};

/// The popups that one minute bears: five, and the digest of what came on top of them.
const POPUPS: usize = 6;

/// What is believed of the run so far.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) complaints: Vec<String>,
    rules: Vec<Ruling>,
    endings: BTreeMap<EndingId, Known>,
    /// Which ending a tale tells of.
    tales: BTreeMap<TaleId, EndingId>,
    /// What was told of tags.
    tagged: BTreeMap<(Subject, String), Vec<usize>>,
    /// What has been taken, and by which run.
    tellings: Vec<Taken>,
    popups: VecDeque<Time>,
    /// When something came that may bring several notices at once, but no news.
    bursts: VecDeque<Time>,
    /// What was said to be counted only.
    left_out: u32,
    acknowledged: BTreeSet<Delivery>,
    durable: BTreeSet<Delivery>,
    /// The messages that were taken up, whether that is on disk.
    messages: BTreeMap<(InstanceName, String), bool>,
    /// Since when each site's hub has been looked after without a gap.
    pub(crate) covered: Vec<Option<Time>>,
    /// What a person has asked to follow.
    pub(crate) followed: BTreeSet<(usize, Subject)>,
    /// When each process has ended.
    ends: Vec<Time>,
    /// The disk cannot be written: what is in memory counts.
    pub(crate) is_degraded: bool,
    /// A minute, less what a server may have kept the first of a minute's popups waiting.
    popup_window: Time,
    /// When the computer slept.
    sleeps: Vec<(Time, Time)>,
}

/// A site, and the number of an ending there.
pub(crate) type EndingId = (usize, usize);

#[derive(Debug, Default)]
struct Known {
    heard: Option<Time>,
    told: Vec<usize>,
    /// Something was told that only comes after it: that a build was tagged says that it is complete.
    is_implied: bool,
    /// It was held in memory when a process ended whose disk could not be written.
    is_lost: bool,
}

/// The rules from a time on.
#[derive(Debug)]
struct Ruling {
    since: Time,
    wanted: Wanted,
    /// For each site, who is me and what is followed.
    sites: Vec<(BTreeSet<String>, BTreeSet<String>)>,
    muted: BTreeSet<String>,
}

#[derive(Debug)]
struct Taken {
    at: Time,
    run: u32,
    notice: NoticeId,
    tale: TaleId,
    /// That it was taken is on disk.
    is_durable: bool,
    /// It was killed before that.
    is_excused: bool,
}

impl Oracle {
    pub(crate) fn new(sites: usize, desk: Time) -> Self {
        Self {
            complaints: Vec::new(),
            rules: Vec::new(),
            endings: BTreeMap::new(),
            tales: BTreeMap::new(),
            tagged: BTreeMap::new(),
            tellings: Vec::new(),
            popups: VecDeque::new(),
            bursts: VecDeque::new(),
            left_out: 0,
            acknowledged: BTreeSet::new(),
            durable: BTreeSet::new(),
            messages: BTreeMap::new(),
            covered: vec![None; sites],
            followed: BTreeSet::new(),
            ends: Vec::new(),
            is_degraded: false,
            sleeps: Vec::new(),
            popup_window: MINUTE - POPUPS as Time * desk,
        }
    }

    pub(crate) fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }

    /// Nothing is told while there are reasons to be quiet, other than failures of mine in hours that let them pass.
    pub(crate) fn quiet(&mut self, reasons: &BTreeSet<Reason>, watch: &Watch, effects: &[Effect]) {
        if reasons.is_empty() {
            return;
        }
        let let_pass = watch.rules().quiet.failures_pass && reasons.iter().all(|it| *it == Reason::Hours);
        let shown = effects.iter().filter_map(|it| match it {
            Effect::Show(notice) => Some(&notice.telling),
            _ => None,
        });
        let tales = shown.flat_map(|it| match it {
            Telling::One(tale) => std::slice::from_ref(tale),
            Telling::Many(digest) => &digest.tales,
            Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => &[],
        });
        for tale in tales.filter(|it| !(let_pass && it.story.mine && it.fate.is_bad())) {
            self.complain(format!("it is quiet ({reasons:?}), and this is told: {tale:?}"));
        }
    }

    /// Nothing grows beyond its limit.
    pub(crate) fn sizes(&mut self, watch: &Watch) {
        for (what, size, most) in watch.sizes() {
            if size > most {
                self.complain(format!("{what}: {size}, more than {most}"));
            }
        }
    }

    /// Notes the rules that are in force.
    pub(crate) fn rules(&mut self, now: Time, watch: &Watch, names: &[InstanceName]) {
        let rules: &Rules = watch.rules();
        if rules.instances.is_empty() {
            return;
        }
        let is_same = self.rules.last().is_some_and(|last| {
            last.wanted == rules.wanted
                && last.muted.len() == watch.muted().len()
                && muted_packages(watch).all(|it| last.muted.contains(it))
                && names.iter().zip(&last.sites).all(|(name, (users, packages))| {
                    rules
                        .instances
                        .get(name)
                        .is_some_and(|it| it.users == *users && it.packages == *packages)
                })
        });
        if is_same {
            return;
        }
        let whose = |name| rules.instances.get(name).cloned().unwrap_or_default();
        self.rules.push(Ruling {
            since: now,
            wanted: rules.wanted,
            sites: names.iter().map(whose).map(|it| (it.users, it.packages)).collect(),
            muted: muted_packages(watch).cloned().collect(),
        });
    }

    /// An ending was heard or learned of.
    pub(crate) fn heard(&mut self, now: Time, ending: EndingId) {
        self.endings.entry(ending).or_default().heard = Some(now);
    }

    /// A step wants this written.
    pub(crate) fn recorded(&mut self, keeps: &[Keep], kojis: &[&Koji], names: &[InstanceName]) {
        for keep in keeps {
            if let Keep::Message { instance, id, .. } = keep {
                self.messages.entry((instance.clone(), id.clone())).or_default();
            }
            if let Keep::Due(tale) = keep {
                match ending_of(tale, kojis, names) {
                    Some(ending) => _ = self.tales.insert(tale.id, ending),
                    None => _ = self.tales.remove(&tale.id),
                }
            }
        }
    }

    /// This is safely on disk.
    pub(crate) fn durable(&mut self, keeps: &[Keep], deliveries: &[Delivery]) {
        for keep in keeps {
            if let Keep::Message { instance, id, .. } = keep {
                self.messages.insert((instance.clone(), id.clone()), true);
            }
            if let Keep::Told { tales, .. } = keep {
                for taken in self.tellings.iter_mut().rev().filter(|it| tales.contains(&it.tale)) {
                    taken.is_durable = true;
                }
            }
        }
        self.durable.extend(deliveries.iter().cloned());
    }

    /// The program acknowledges a delivery; `needs_no_record`: it has just said that it is of no interest, or known.
    pub(crate) fn acknowledged(&mut self, delivery: &Delivery, needs_no_record: bool) {
        if !self.acknowledged.insert(delivery.clone()) {
            self.complain(format!("delivery {delivery:?} is acknowledged twice"));
        }
        if !needs_no_record && !self.is_degraded && !self.durable.contains(delivery) {
            self.complain(format!("delivery {delivery:?} is acknowledged before it is on record"));
        }
    }

    /// A message is done with at once. It must be on disk then, or tell nothing that is to be told.
    pub(crate) fn set_aside(&mut self, delivery: &Delivery, message: &str, ending: Option<(usize, &Ending)>) {
        let key = (delivery.instance.clone(), message.to_owned());
        let is_wanted = || {
            let last = self.rules.last();
            ending.is_some_and(|(site, it)| last.is_some_and(|last| last.wants(site, it) == Want::Must))
        };
        let is_known = self.messages.get(&key).copied();
        if is_known.map_or_else(is_wanted, |is_durable| !is_durable) && !self.is_degraded {
            self.complain(format!("{message} is done with by {delivery:?}, and is not on record"));
        }
    }

    /// Something happens that may bring several notices at once: a server comes back, a pause ends, a start.
    pub(crate) fn burst(&mut self, now: Time) {
        self.bursts.push_back(now);
    }

    /// The server has taken a notice. `is_new`: it does not take the place of one on screen.
    pub(crate) fn taken(
        &mut self,
        now: Time,
        run: u32,
        notice: &Notice,
        is_new: bool,
        kojis: &[&Koji],
        names: &[InstanceName],
    ) {
        let tales: &[Tale] = match &notice.telling {
            Telling::One(tale) => std::slice::from_ref(tale),
            Telling::Many(Digest {
                tales,
                left_out,
                besides,
                ..
            }) => {
                for tale in besides {
                    if let Some(ending) = self.tales.get(tale).copied() {
                        self.told(ending, (now, run, notice.id, *tale), is_new);
                    }
                }
                self.left_out += left_out.saturating_sub(besides.len() as u32);
                tales
            }
            // Whoever asks how it stands is answered, and need not be told again.
            Telling::Following(Some(Reply::Is(story))) if story.standing.is_settled() => {
                let site = names.iter().position(|it| *it == story.instance);
                for (site, koji) in kojis.iter().enumerate().filter(|it| Some(it.0) == site) {
                    let endings = koji.endings.iter().enumerate();
                    for (number, _) in endings.filter(|(_, it)| it.task.is_some() && it.task == story.task) {
                        self.endings.entry((site, number)).or_default().is_implied = true;
                    }
                }
                return;
            }
            Telling::Confirm(..) | Telling::Acted(_) | Telling::Following(_) => return,
        };
        for tale in tales {
            self.check_fate(now, tale, kojis, names);
            if let Fate::Tagged(tag) = &tale.fate {
                let told = self
                    .tagged
                    .entry((tale.story.subject.clone(), tag.clone()))
                    .or_default();
                let what = format!("that {:?} was tagged", tale.story.subject);
                let how = (now, run, notice.id, tale.id);
                Self::told_once(&mut self.tellings, &mut self.complaints, told, &what, how, is_new);
            }
            // Whoever asks how a task ends is told, also where that of its build was told before.
            let is_asked = |it: &EndingId| {
                let is_known = self.endings.get(it).is_some_and(|it| !it.told.is_empty());
                is_known && self.followed.contains(&(it.0, tale.story.subject.clone()))
            };
            if let Some(ending) = ending_of(tale, kojis, names).filter(|it| !is_asked(it)) {
                self.told(ending, (now, run, notice.id, tale.id), is_new);
            } else if let Some(ending) = implied_by(tale, kojis, names) {
                self.endings.entry(ending).or_default().is_implied = true;
            }
        }
        if is_new {
            self.popup(now);
        }
    }

    fn popup(&mut self, now: Time) {
        while self.popups.front().is_some_and(|it| now - it >= self.popup_window) {
            self.popups.pop_front();
        }
        while self.bursts.front().is_some_and(|it| now - it > 2 * MINUTE) {
            self.bursts.pop_front();
        }
        self.popups.push_back(now);
        let limit = POPUPS + POPUPS * self.bursts.len();
        if self.popups.len() > limit {
            let count = self.popups.len();
            self.complain(format!("{count} popups within a minute, more than {limit}"));
        }
    }

    fn told(&mut self, ending: EndingId, how: (Time, u32, NoticeId, TaleId), is_new: bool) {
        let told = &mut self.endings.entry(ending).or_default().told;
        let what = format!("{ending:?}");
        Self::told_once(&mut self.tellings, &mut self.complaints, told, &what, how, is_new);
    }

    fn told_once(
        tellings: &mut Vec<Taken>,
        complaints: &mut Vec<String>,
        told: &mut Vec<usize>,
        what: &str,
        (now, run, notice, tale): (Time, u32, NoticeId, TaleId),
        is_new: bool,
    ) {
        if let Some(last) = told.last() {
            let last = &tellings[*last];
            if last.run == run && last.notice == notice && last.tale == tale && !is_new {
                // The same notice, with more to say.
                return;
            }
            if !last.is_excused {
                let text = format!(
                    "{what} is told twice: at {} as {:?} and at {now} as {tale:?}",
                    last.at, last.tale
                );
                complaints.push(text);
            }
        }
        told.push(tellings.len());
        tellings.push(Taken {
            at: now,
            run,
            notice,
            tale,
            is_durable: false,
            is_excused: false,
        });
    }

    /// The server has taken what it was given up for, and that was said.
    pub(crate) fn taken_late(&mut self, notice: NoticeId, run: u32) {
        for taken in self
            .tellings
            .iter_mut()
            .filter(|it| it.run == run && it.notice == notice)
        {
            taken.is_excused = true;
        }
    }

    /// The computer sleeps until then.
    pub(crate) fn asleep(&mut self, from: Time, to: Time) {
        self.sleeps.push((from, to));
    }

    /// The computer wakes, or is switched off, sooner than it was to.
    pub(crate) fn woken(&mut self, now: Time) {
        if let Some((_, to)) = self.sleeps.last_mut() {
            *to = now.min(*to);
        }
    }

    /// The process has ended; `is_kill`: not by itself. While the computer sleeps, no page goes on.
    pub(crate) fn ended(&mut self, now: Time, is_kill: bool, patience: Time) {
        self.ends.push(now);
        self.messages.retain(|_, is_durable| *is_durable);
        let is_degraded = self.is_degraded;
        let sleeps = &self.sleeps;
        for taken in self.tellings.iter_mut().filter(|it| !it.is_durable) {
            let slept: Time = sleeps
                .iter()
                .map(|(from, to)| ((*to).min(now) - (*from).max(taken.at)).max(0))
                .sum();
            let is_fresh = now - taken.at - slept <= patience;
            taken.is_excused |= is_degraded || (is_kill && is_fresh);
        }
        if is_degraded {
            for known in self.endings.values_mut() {
                known.is_lost |= known.heard.is_some() && known.told.is_empty();
            }
        }
        self.is_degraded = false;
    }

    /// What is told is true, and of somebody whom it concerns.
    fn check_fate(&mut self, now: Time, tale: &Tale, kojis: &[&Koji], names: &[InstanceName]) {
        let Some(site) = names.iter().position(|it| *it == tale.story.instance) else {
            self.complain(format!("a tale of {}, which is not configured", tale.story.instance));
            return;
        };
        let subject = (site, tale.story.subject.clone());
        let owner = tale.story.owner.as_deref().unwrap_or_default();
        let package = tale.story.package.as_deref().unwrap_or_default();
        let is_followed = self.is_followed(site, tale);
        let concerns = self.rules_between(time(tale.story.changed), now).any(|it| {
            let (users, packages) = &it.sites[site];
            users.contains(owner) || (it.wanted.followed && packages.contains(package))
        });
        if !concerns && !is_followed {
            self.complain(format!("{subject:?} of {owner} is told, and is nobody's of mine"));
        }
        let is_end = matches!(tale.fate, Fate::Finished | Fate::Failed | Fate::Canceled);
        // Of a task that is followed, its own end is told, whatever its build came to.
        let is_own = kojis[site].has_task_ended(tale);
        if is_end && !is_own && ending_of(tale, kojis, names).is_none() {
            self.complain(format!(
                "{subject:?} is told as {:?} (ended {:?}), which is not true",
                tale.fate, tale.story.ended
            ));
            return;
        }
        let Some(id) = ending_of(tale, kojis, names) else {
            return;
        };
        let ending = &kojis[id.0].endings[id.1];
        // The clock may have been set; what was wanted a while ago may be on its way.
        let is_wanted = self
            .rules_between(ending.at, now)
            .any(|it| it.wants(id.0, ending) != Want::No);
        if !is_wanted && !is_followed {
            self.complain(format!("{ending:?} is told, and no rule wants it"));
        }
    }

    /// Returns whether a person has asked to follow the task that a tale is of, or that its build is made by.
    fn is_followed(&self, site: usize, tale: &Tale) -> bool {
        let by_task = tale.story.task.map(Subject::Task);
        let subjects = by_task.iter().chain([&tale.story.subject]);
        subjects
            .into_iter()
            .any(|it| self.followed.contains(&(site, it.clone())))
    }

    fn rules_between(&self, from: Time, to: Time) -> impl Iterator<Item = &Ruling> {
        let first = self.rules.iter().rposition(|it| it.since <= from).unwrap_or(0);
        self.rules[first..].iter().filter(move |it| it.since <= to)
    }

    /// Complains of what was to be told and was not.
    pub(crate) fn finish(
        &mut self,
        now: Time,
        kojis: &[&Koji],
        copies: impl Fn(EndingId) -> Copies,
        has_hub: impl Fn(usize) -> bool,
    ) {
        let mut untold = Vec::new();
        for (site, koji) in kojis.iter().enumerate() {
            for (number, ending) in koji.endings.iter().enumerate() {
                let id = (site, number);
                if self.is_to_be_told(now, id, ending) && !self.is_excused(id, ending, copies(id), has_hub(site), koji)
                {
                    untold.push(format!(
                        "{id:?} is not told: {ending:?}, {:?}, {:?}",
                        self.endings.get(&id),
                        copies(id)
                    ));
                }
            }
        }
        if untold.len() > self.left_out as usize {
            self.complaints.append(&mut untold);
        }
    }

    /// Returns whether all that is to be told has been told.
    pub(crate) fn is_content(&self, now: Time, kojis: &[&Koji]) -> bool {
        kojis.iter().enumerate().all(|(site, koji)| {
            let mut endings = koji.endings.iter().enumerate();
            endings.all(|(number, it)| !self.is_to_be_told(now, (site, number), it))
        })
    }

    fn is_to_be_told(&self, now: Time, id: EndingId, ending: &Ending) -> bool {
        let known = self.endings.get(&id);
        if known.is_some_and(|it| !it.told.is_empty() || it.is_implied || it.is_lost) {
            return false;
        }
        if self.rules.is_empty() {
            return false;
        }
        // Of a change of the rules between happening and hearing, either is fine; a start makes it later.
        let heard = known.and_then(|it| it.heard).unwrap_or(now);
        let ended = self.ends.iter().any(|it| *it >= ending.at);
        let until = if ended { now } else { heard };
        let is_wanted = self
            .rules_between(ending.at, until)
            .all(|it| it.wants(id.0, ending) == Want::Must);
        // A mute takes away what is held.
        is_wanted
            && self
                .rules_between(ending.at, now)
                .all(|it| !it.muted.contains(ending.package))
    }

    /// What may be lost: what no message that reached us has told, and
    /// - the site has no hub;
    /// - the hub knows it no longer, since the record went on to something else;
    /// - it was over before the hub was first looked at.
    fn is_excused(&self, id: EndingId, ending: &Ending, copies: Copies, has_hub: bool, koji: &Koji) -> bool {
        if copies.dropped < copies.published {
            return false;
        }
        if !has_hub {
            return true;
        }
        let is_superseded = koji.is_superseded(id.1);
        let is_before = self.covered[id.0].is_none_or(|it| ending.at <= it + 2 * SECOND);
        is_superseded || is_before
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Want {
    Must,
    /// It may be told, and need not.
    May,
    No,
}

impl Ruling {
    fn wants(&self, site: usize, ending: &Ending) -> Want {
        let (users, packages) = &self.sites[site];
        let wanted = &self.wanted;
        let is_fate_wanted = match ending.standing {
            Standing::Build(BuildState::Complete) | Standing::Task(TaskState::Closed) => wanted.finished,
            Standing::Build(BuildState::Failed) | Standing::Task(TaskState::Failed) => wanted.failed,
            _ => wanted.canceled,
        };
        if !is_fate_wanted {
            return Want::No;
        }
        if users.contains(ending.owner) {
            return if ending.is_scratch && !wanted.scratch {
                Want::No
            } else {
                Want::Must
            };
        }
        if wanted.followed && packages.contains(ending.package) {
            let is_build = matches!(ending.subject, Subject::Build(_));
            return if is_build { Want::Must } else { Want::May };
        }
        Want::No
    }
}

/// Returns the completion that went before what a tale tells of.
fn implied_by(tale: &Tale, kojis: &[&Koji], names: &[InstanceName]) -> Option<EndingId> {
    let is_later = matches!(tale.fate, Fate::Tagged(_) | Fate::InRepo(_) | Fate::NotTagged);
    let complete = Tale {
        fate: Fate::Finished,
        ..tale.clone()
    };
    ending_of(&complete, kojis, names).filter(|_| is_later)
}

/// Returns the ending that a tale tells of; `None` also where there is none.
fn ending_of(tale: &Tale, kojis: &[&Koji], names: &[InstanceName]) -> Option<EndingId> {
    let site = names.iter().position(|it| *it == tale.story.instance)?;
    let build = match tale.fate {
        Fate::Finished => BuildState::Complete,
        Fate::Failed => BuildState::Failed,
        Fate::Canceled => BuildState::Canceled,
        Fate::Started | Fate::Doomed | Fate::Tagged(_) | Fate::Untagged(_) | Fate::NotTagged | Fate::InRepo(_) => {
            return None;
        }
    };
    let task = match tale.fate {
        Fate::Finished => TaskState::Closed,
        Fate::Failed => TaskState::Failed,
        _ => TaskState::Canceled,
    };
    let story = &tale.story;
    let endings = kojis[site].endings.iter().enumerate();
    let found = endings.filter(|(_, it)| {
        let is_it = it.subject == story.subject && matches!(it.subject, Subject::Build(_));
        // The task of an ending of a build stands for it.
        let is_its_task = matches!(story.subject, Subject::Task(task) if it.task == Some(task));
        let is_so = it.standing == Standing::Build(build) || it.standing == Standing::Task(task);
        (is_it || is_its_task) && is_so
    });
    // Of several of one number, the one at that time.
    let ended = story.ended.map(time);
    let nearest = found.min_by_key(|(_, it)| ended.map_or(0, |ended| (ended - it.at).abs()));
    nearest.map(|(number, _)| (site, number))
}

/// Returns the packages that are muted; nobody mutes anything else here.
fn muted_packages(watch: &Watch) -> impl Iterator<Item = &String> {
    watch.muted().keys().filter_map(|it| match it {
        Muting::Package(package) => Some(package),
        Muting::ButFailures | Muting::Tag(_) | Muting::Subject(..) => None,
    })
}
