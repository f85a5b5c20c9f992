//! Whose numbers are whose. A bus of Koji's own tells by number only who owns a task, and hubs before 1.16 who owns a new
//! build. Whether that is me has to be known before it can be said whether the news is any.
//!
//! Such news waits, and is acknowledged no sooner than any other. The hub is asked, for many at once and for each number
//! once. Most need no question: messages that tell both teach the pair, and once my own numbers are known, any other is
//! nobody's that matters.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::ask::MAX_NUMBERS;
use super::{Ask, Delivery, Effect, News, Watch, Whose};
use crate::koji::{Change, HubEvent, InstanceName, UserId};

/// How many numbers are known, with or without a name; the one learned first is forgotten first.
pub(super) const MAX_OWNERS: usize = 4096;

/// How many pieces of news wait for a name; beyond it the oldest goes on without.
pub(super) const MAX_NAMELESS: usize = 256;

/// How long a piece of news waits for a name; then it is nobody's that we know.
pub(super) const PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// How long after a hub did not say whose a number is it is asked again. What comes meanwhile does not wait: the next look
/// tells of mine.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Whose numbers are whose, and what waits to hear that.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    /// `None`: the hub knows nobody of this number.
    names: BTreeMap<(InstanceName, UserId), Option<String>>,
    order: VecDeque<(InstanceName, UserId)>,
    /// The numbers of those who are me.
    mine: BTreeMap<InstanceName, BTreeMap<String, UserId>>,
    /// In the order it came.
    waiting: VecDeque<Nameless>,
    /// What each hub is being asked: one question at a time, and what gathers meanwhile is the next.
    asked: BTreeMap<InstanceName, BTreeSet<UserId>>,
    /// Until when a hub that did not say is left alone.
    silent_until: BTreeMap<InstanceName, Timestamp>,
}

/// News whose owner is a number that nobody knows.
#[derive(Clone, Debug)]
struct Nameless {
    news: News,
    number: UserId,
    until: Timestamp,
}

/// What is to become of news whose owner is a number.
enum Verdict {
    /// It goes on, with the name if there is one.
    GoesOn(Option<String>),
    Waits,
}

impl Owners {
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|it| it.until).min()
    }

    /// Returns how many numbers are known.
    pub(super) fn known(&self) -> usize {
        self.names.len().max(self.order.len())
    }

    /// Returns how much waits.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn retain(&mut self, instances: &BTreeMap<InstanceName, Whose>) {
        self.names.retain(|(it, _), _| instances.contains_key(it));
        self.order.retain(|(it, _)| instances.contains_key(it));
        self.waiting.retain(|it| instances.contains_key(&it.news.instance));
        self.asked.retain(|it, _| instances.contains_key(it));
        self.silent_until.retain(|it, _| instances.contains_key(it));
        self.mine.retain(|it, names| {
            let whose = instances.get(it);
            names.retain(|name, _| whose.is_some_and(|it| it.users.contains(name)));
            whose.is_some()
        });
    }

    fn learn(&mut self, instance: &InstanceName, number: UserId, name: Option<&String>) {
        let key = (instance.clone(), number);
        if let Some(known) = self.names.get_mut(&key) {
            if known.as_ref() != name {
                *known = name.cloned();
            }
            return;
        }
        while self.order.len() >= MAX_OWNERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.names.insert(key, name.cloned());
    }

    /// Returns whether this is another copy of what waits already. It takes the place of one that can no longer be
    /// acknowledged, since its connection is gone.
    fn is_copy(&mut self, instance: &InstanceName, message: Option<&String>, delivery: Option<&Delivery>) -> bool {
        let Some((message, delivery)) = message.zip(delivery) else {
            return false;
        };
        let is_it = |it: &&mut Nameless| {
            let is_gone = |old: &Delivery| old.connection != delivery.connection;
            it.news.instance == *instance
                && it.news.message.as_ref() == Some(message)
                && it.news.delivery.as_ref().is_some_and(is_gone)
        };
        let Some(waiting) = self.waiting.iter_mut().find(is_it) else {
            return false;
        };
        waiting.news.delivery = Some(delivery.clone());
        true
    }
}

impl Watch {
    /// Takes up whose number something is; `None`: nobody's.
    pub(super) fn learn_owner(&mut self, instance: &InstanceName, number: UserId, name: Option<&String>) {
        self.owners.learn(instance, number, name);
        let whose = self.rules.instances.get(instance);
        if let Some(name) = name.filter(|it| whose.is_some_and(|whose| whose.users.contains(*it))) {
            let mine = self.owners.mine.entry(instance.clone()).or_default();
            mine.insert(name.clone(), number);
        }
    }

    /// Gives news the name of its owner, or lets it wait for the name. Returns what can be taken up at once.
    pub(super) fn name_owner(&mut self, now: Timestamp, mut news: News, effects: &mut Vec<Effect>) -> Option<News> {
        let Some(number) = news.owner else {
            return Some(news);
        };
        if let Some(name) = news.event.owner().map(str::to_owned) {
            self.learn_owner(&news.instance, number, Some(&name));
            return Some(news);
        }
        let HubEvent::Changed(change) = &news.event else {
            return Some(news);
        };
        match self.verdict(now, &news.instance, number, change) {
            Verdict::GoesOn(name) => {
                give_owner(&mut news, name);
                Some(news)
            }
            // Whose it is, its story says.
            Verdict::Waits if self.story_of(&news.instance, change).is_some() => Some(news),
            Verdict::Waits => {
                self.wait_for_owner(now, number, news, effects);
                None
            }
        }
    }

    fn verdict(&self, now: Timestamp, instance: &InstanceName, number: UserId, change: &Change) -> Verdict {
        if let Some(name) = self.owners.names.get(&(instance.clone(), number)) {
            return Verdict::GoesOn(name.clone());
        }
        let Some(whose) = self.rules.instances.get(instance) else {
            return Verdict::GoesOn(None);
        };
        let mine = self.owners.mine.get(instance);
        let is_other = |name: &String| mine.and_then(|it| it.get(name)).is_some_and(|it| *it != number);
        let is_nobody_s = whose.users.iter().all(is_other) && !self.is_followed(instance, change.package());
        let left = self.owners.silent_until.get(instance).map(|it| it.duration_since(now));
        let is_left_alone = left.is_some_and(|it| it.is_positive() && it <= ASK_AGAIN_AFTER);
        let is_silent = is_left_alone || !self.answers(instance);
        if !whose.hub || is_nobody_s || is_silent {
            return Verdict::GoesOn(None);
        }
        Verdict::Waits
    }

    fn wait_for_owner(&mut self, now: Timestamp, number: UserId, news: News, effects: &mut Vec<Effect>) {
        if self
            .owners
            .is_copy(&news.instance, news.message.as_ref(), news.delivery.as_ref())
        {
            return;
        }
        while self.owners.waiting.len() >= MAX_NAMELESS
            && let Some(oldest) = self.owners.waiting.pop_front()
        {
            self.take_up(now, oldest.news, effects);
        }
        let instance = news.instance.clone();
        let until = now.saturating_add(PATIENCE).unwrap_or(now);
        self.owners.waiting.push_back(Nameless { news, number, until });
        self.ask_for_owners(&instance, effects);
    }

    /// Asks for those that something waits for, unless the hub is being asked.
    fn ask_for_owners(&mut self, instance: &InstanceName, effects: &mut Vec<Effect>) {
        let owners = &mut self.owners;
        if owners.asked.contains_key(instance) {
            return;
        }
        let is_unknown = |it: &&Nameless| {
            let key = (instance.clone(), it.number);
            it.news.instance == *instance && !owners.names.contains_key(&key)
        };
        let numbers = owners.waiting.iter().filter(is_unknown).map(|it| it.number);
        let numbers: BTreeSet<UserId> = numbers.collect();
        let numbers: BTreeSet<UserId> = numbers.into_iter().take(MAX_NUMBERS).collect();
        if numbers.is_empty() {
            return;
        }
        owners.asked.insert(instance.clone(), numbers.clone());
        effects.push(Effect::Ask(instance.clone(), Ask::Owners(numbers)));
    }

    /// Takes up whose numbers the hub says they are.
    pub(super) fn owners_named(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        named: &BTreeMap<UserId, Option<String>>,
        effects: &mut Vec<Effect>,
    ) {
        let asked = self.owners.asked.remove(instance).unwrap_or_default();
        for (number, name) in named {
            self.learn_owner(instance, *number, name.as_ref());
        }
        if asked.iter().any(|it| !named.contains_key(it)) {
            self.leave_alone(now, instance);
        }
        self.see_to_owners(now, effects);
        self.ask_for_owners(instance, effects);
    }

    /// The hub did not say whose they are.
    pub(super) fn owners_not_named(&mut self, now: Timestamp, instance: &InstanceName) {
        self.owners.asked.remove(instance);
        self.leave_alone(now, instance);
    }

    fn leave_alone(&mut self, now: Timestamp, instance: &InstanceName) {
        let until = now.saturating_add(ASK_AGAIN_AFTER).unwrap_or(now);
        self.owners.silent_until.insert(instance.clone(), until);
    }

    /// Takes up what need not wait any longer: its owner is known, or will not be.
    pub(super) fn see_to_owners(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.owners.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.owners.waiting);
        let mut waits = VecDeque::with_capacity(waiting.len());
        let mut ready = Vec::new();
        for nameless in waiting {
            // What waits for longer than anything may was set by a clock that went wrong.
            let left = nameless.until.duration_since(now);
            let is_over = !left.is_positive() || left > PATIENCE;
            let verdict = nameless.news.event.change().map(|change| {
                let instance = &nameless.news.instance;
                self.verdict(now, instance, nameless.number, change)
            });
            match verdict {
                Some(Verdict::Waits) if !is_over => waits.push_back(nameless),
                Some(Verdict::GoesOn(name)) => ready.push((nameless.news, name)),
                Some(Verdict::Waits) | None => ready.push((nameless.news, None)),
            }
        }
        self.owners.waiting = waits;
        for (mut news, name) in ready {
            give_owner(&mut news, name);
            self.take_up(now, news, effects);
        }
    }
}

fn give_owner(news: &mut News, name: Option<String>) {
    let HubEvent::Changed(change) = &mut news.event else {
        return;
    };
    let owner = match change {
        Change::Build(it) => &mut it.owner,
        Change::Task(it) => &mut it.owner,
        Change::Tag(it) => &mut it.owner,
    };
    if owner.is_none() {
        *owner = name;
    }
}
