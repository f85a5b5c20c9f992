//! One event, and what follows from it.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp, ToSpan};

use super::pace::{Held, MAX_POPUPS};
use super::seen::Known;
use super::state::{Entry, Key, MAX_MUTED, MAX_TOLD, MAX_WAITING, Pause, UnderWay};
use super::{
    Closed, Delivery, Digest, Effect, Event, Fate, Link, News, Notice, NoticeId, Outcome, PauseFor, Request, RuleName,
    Rules, Save, Standing, Story, Tale, Telling, Toggle, Watch, merge,
};
use crate::koji::{Change, InstanceName, Interest, Subject};

/// How long after a notification server did not answer it is tried again, if nothing is heard of it before.
const TRY_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// A build that has not been heard of for longer is taken for one whose end was missed. Fedora's longest take two days.
const LONGEST_BUILD: SignedDuration = SignedDuration::from_hours(24 * 7);

/// The longest pause or mute with an end, so that no typing error silences the program for good.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);

impl Watch {
    /// Takes one event and answers with what is to be done, in order.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Heard(news) => self.heard(now, news, &mut effects),
            Event::Spoiled(instance) => self.spoiled(&instance),
            Event::Recorded(delivery) => self.recorded(delivery, &mut effects),
            Event::Asked(request) => self.asked(now, request, &mut effects),
            Event::LinkChanged(instance, link) => self.link_changed(&instance, link, &mut effects),
            Event::Shown(notice, outcome) => self.shown(now, notice, outcome),
            Event::Closed(notice, closed) => self.closed(notice, closed),
            Event::ServerChanged(is_there) => self.server_changed(is_there, &mut effects),
            Event::TrayChanged(is_there) => self.tray = Some(is_there),
            Event::AutostartChanged(is_on) => self.autostart = is_on,
            Event::Reloaded(rules) => self.reloaded(rules, &mut effects),
            Event::ReloadFailed(trouble) => self.configuration = Some(trouble),
            Event::Woke => {}
        }
        self.see_to_time(now, &mut effects);
        effects
    }

    fn heard(&mut self, now: Timestamp, news: News, effects: &mut Vec<Effect>) {
        let whose = self.rules.instances.get(&news.instance);
        let is_mine = whose.is_some_and(|it| news.change.owner().is_some_and(|owner| it.users.contains(owner)));
        if !is_mine && !self.is_followed(&news.instance, news.change.package()) {
            effects.push(Effect::Acknowledge(news.delivery));
            return;
        }
        if let Some(line) = self.lines.get_mut(&news.instance) {
            line.heard += 1;
            line.last_heard = Some(now);
        }
        let known = news
            .message
            .as_deref()
            .map_or(Known::New, |it| self.seen.note(&news.instance, it));
        match known {
            Known::New => self.learn(now, &news, is_mine, effects),
            Known::Pending => {}
            Known::Recorded => {
                effects.push(Effect::Acknowledge(news.delivery));
                return;
            }
        }
        if let Some(message) = &news.message {
            self.unrecorded.insert(news.delivery.clone(), message.clone());
        }
        effects.push(Effect::Record(news));
    }

    fn recorded(&mut self, delivery: Delivery, effects: &mut Vec<Effect>) {
        if let Some(message) = self.unrecorded.remove(&delivery) {
            self.seen.record(&delivery.instance, message);
        }
        effects.push(Effect::Acknowledge(delivery));
    }

    /// Takes up a change and tells it, if it is one of those that are told.
    fn learn(&mut self, now: Timestamp, news: &News, mine: bool, effects: &mut Vec<Effect>) {
        let at = merge::time_of(news, now);
        let key = (news.instance.clone(), news.change.subject());
        let fate = merge::fate(&news.change);
        if matches!(news.change, Change::Tag(_)) {
            let story = match self.stories.get(&key) {
                Some(entry) => entry.story.clone(),
                None => merge::begin(news, at, mine),
            };
            if let Some(fate) = fate {
                let tale = Tale {
                    fate,
                    story,
                    rule: RuleName::MyTags,
                    late: false,
                };
                self.tell(now, &key, tale, effects);
            }
            return;
        }
        let is_newer = match self.stories.get_mut(&key) {
            Some(entry) if merge::is_newer(&entry.story, &news.change, at) => {
                merge::tell(&mut entry.story, &news.change, at);
                if !entry.story.standing.is_settled() {
                    // From here on the same ending without a time is another one.
                    entry.told.retain(|(_, at)| at.is_some());
                }
                true
            }
            Some(_) => false,
            None => {
                self.make_room();
                let entry = Entry {
                    story: merge::begin(news, at, mine),
                    told: VecDeque::new(),
                    notice: None,
                    unseen_failure: false,
                };
                self.stories.insert(key.clone(), entry);
                true
            }
        };
        let Some(entry) = self.stories.get_mut(&key) else {
            return;
        };
        // Late news is told as it was then; the story stays as it is now.
        let mut story = entry.story.clone();
        if !is_newer {
            merge::tell(&mut story, &news.change, at);
        }
        if is_newer {
            effects.push(Effect::Announce(story.clone()));
        }
        let Some(fate) = fate else {
            return;
        };
        if story.standing.is_settled() {
            if !entry.is_first(story.standing, news.change.happened()) {
                return;
            }
            self.count(&fate, mine);
        } else if !is_newer {
            return;
        }
        if let Some(entry) = self.stories.get_mut(&key)
            && is_newer
            && mine
        {
            entry.unseen_failure = fate == Fate::Failed;
        }
        let rule = match (mine, &key.1) {
            (false, _) => RuleName::FollowedPackages,
            (true, Subject::Task(_)) => RuleName::MyScratchBuilds,
            (true, Subject::Build(_) | Subject::NamedBuild(_)) => RuleName::MyBuilds,
        };
        let tale = Tale {
            fate,
            story,
            rule,
            late: !is_newer,
        };
        self.tell(now, &key, tale, effects);
    }

    /// Tells a tale, holds it, or leaves it.
    fn tell(&mut self, now: Timestamp, key: &Key, tale: Tale, effects: &mut Vec<Effect>) {
        let on_screen = self.stories.get(key).and_then(|it| it.notice);
        if !self.is_wanted(&tale) {
            let is_tag = matches!(tale.fate, Fate::Tagged(_) | Fate::Untagged(_));
            // What is on screen is no longer true.
            if let Some(notice) = on_screen
                && tale.story.standing.is_settled()
                && !tale.late
                && !is_tag
            {
                self.forget_notice(notice);
                effects.push(Effect::Withdraw(notice));
            }
            return;
        }
        if self.pause.is_some() {
            self.missed.push(tale);
            return;
        }
        if on_screen.is_some() && !tale.late {
            self.show_one(tale, effects);
            return;
        }
        if let Some(tale) = self.pace.admit(now, tale) {
            self.show_one(tale, effects);
        }
    }

    fn show_one(&mut self, tale: Tale, effects: &mut Vec<Effect>) {
        if tale.late {
            // What is on screen for it tells something newer, and stays.
            let id = self.next_notice();
            self.show(id, false, Telling::One(tale), effects);
            return;
        }
        let key = (tale.story.instance.clone(), tale.story.subject.clone());
        let shown = self.stories.get(&key).and_then(|it| it.notice);
        let id = shown.unwrap_or_else(|| self.next_notice());
        if let Some(entry) = self.stories.get_mut(&key) {
            entry.notice = Some(id);
        }
        self.show(id, shown.is_some(), Telling::One(tale), effects);
    }

    fn show_held(&mut self, mut held: Held, effects: &mut Vec<Effect>) {
        if held.tales.len() == 1
            && held.left_out == 0
            && let Some(tale) = held.tales.pop()
        {
            self.show_one(tale, effects);
            return;
        }
        if held.is_empty() {
            return;
        }
        for tale in held.tales.iter().filter(|it| !it.late) {
            // What is on screen for it is older than what the digest tells.
            let key = (tale.story.instance.clone(), tale.story.subject.clone());
            if let Some(notice) = self.stories.get(&key).and_then(|it| it.notice) {
                self.forget_notice(notice);
                effects.push(Effect::Withdraw(notice));
            }
        }
        let id = self.next_notice();
        let digest = Digest {
            tales: held.tales,
            left_out: held.left_out,
        };
        self.show(id, false, Telling::Many(digest), effects);
    }

    fn show(&mut self, id: NoticeId, replaces: bool, telling: Telling, effects: &mut Vec<Effect>) {
        let notice = Notice {
            id,
            replaces,
            telling,
            sound: self.rules.wanted.sound,
        };
        self.waiting.remove(&id);
        let unanswered = self.under_way.get(&id).map_or(0, |it| it.unanswered) + 1;
        let under_way = UnderWay {
            notice: notice.clone(),
            unanswered,
        };
        self.under_way.insert(id, under_way);
        effects.push(Effect::Show(notice));
    }

    fn shown(&mut self, now: Timestamp, id: NoticeId, outcome: Outcome) {
        let Some(mut under_way) = self.under_way.remove(&id) else {
            // A server that hung has taken it after all.
            if outcome == Outcome::Taken {
                self.waiting.remove(&id);
            }
            return;
        };
        under_way.unanswered -= 1;
        if under_way.unanswered > 0 {
            self.under_way.insert(id, under_way);
            return;
        }
        match outcome {
            Outcome::Taken => self.server = Some(true),
            Outcome::Lost => {
                self.waiting.insert(id, under_way.notice);
                // A server that is gone says when it is back; one that hangs does not.
                if self.server != Some(false) {
                    self.try_again = Some(now.saturating_add(TRY_AGAIN_AFTER).unwrap_or(now));
                }
                self.fold_waiting();
            }
        }
    }

    /// Keeps what waits within its limit: the oldest notices become one.
    fn fold_waiting(&mut self) {
        while self.waiting.len() > MAX_WAITING {
            let mut held = Held::default();
            let mut first = None;
            for _ in 0..2 {
                let Some((id, notice)) = self.waiting.pop_first() else {
                    return;
                };
                first = first.or(Some(id));
                gather(&mut held, notice.telling);
                self.forget_notice(id);
            }
            let Some(id) = first else { return };
            let digest = Digest {
                tales: held.tales,
                left_out: held.left_out,
            };
            let notice = Notice {
                id,
                replaces: false,
                telling: Telling::Many(digest),
                sound: self.rules.wanted.sound,
            };
            self.waiting.insert(id, notice);
        }
    }

    fn server_changed(&mut self, is_there: bool, effects: &mut Vec<Effect>) {
        self.server = Some(is_there);
        self.try_again = None;
        if is_there {
            if self.pause.is_none() {
                self.show_waiting(effects);
            }
            return;
        }
        // Whatever was on screen went with the server.
        for entry in self.stories.values_mut() {
            entry.notice = None;
        }
    }

    /// Shows what no server took before: a few one by one, more as a digest.
    fn show_waiting(&mut self, effects: &mut Vec<Effect>) {
        self.try_again = None;
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.len() <= MAX_POPUPS {
            for (id, notice) in waiting {
                self.show(id, notice.replaces, notice.telling, effects);
            }
            return;
        }
        let mut held = Held::default();
        for (id, notice) in waiting {
            self.forget_notice(id);
            gather(&mut held, notice.telling);
        }
        self.show_held(held, effects);
    }

    fn closed(&mut self, notice: NoticeId, closed: Closed) {
        for entry in self.stories.values_mut() {
            if entry.notice == Some(notice) {
                entry.notice = None;
                match closed {
                    Closed::Expired => {}
                    Closed::Dismissed | Closed::Otherwise => entry.unseen_failure = false,
                }
            }
        }
    }

    fn forget_notice(&mut self, notice: NoticeId) {
        self.waiting.remove(&notice);
        self.under_way.remove(&notice);
        for entry in self.stories.values_mut() {
            if entry.notice == Some(notice) {
                entry.notice = None;
            }
        }
    }

    fn asked(&mut self, now: Timestamp, request: Request, effects: &mut Vec<Effect>) {
        match request {
            Request::Open { link, token, about } => {
                if let Some(entry) = about.and_then(|it| self.stories.get_mut(&it)) {
                    entry.unseen_failure = false;
                }
                effects.push(Effect::Open { link, token });
            }
            Request::Copy(text) => effects.push(Effect::Copy(text)),
            Request::Switch(toggle, on) => self.switch(toggle, on, effects),
            Request::Mute { package, until } => self.mute(now, package, until),
            Request::Unmute { package } => {
                self.muted.remove(&package);
            }
            Request::MarkSeen => {
                for entry in self.stories.values_mut() {
                    entry.unseen_failure = false;
                }
            }
            Request::Pause(until) => {
                self.pause = Some(Pause {
                    until: self.end(now, until),
                    asked: until,
                });
            }
            Request::Resume => self.resume(effects),
            Request::StartAtLogin(on) => effects.push(Effect::StartAtLogin(on)),
            Request::EditPreferences => effects.push(Effect::EditPreferences),
            Request::Reload => effects.push(Effect::Reload),
            Request::Quit => effects.push(Effect::Quit),
        }
    }

    fn switch(&mut self, toggle: Toggle, on: bool, effects: &mut Vec<Effect>) {
        let before = self.interests();
        self.rules.wanted.switch(toggle, on);
        effects.push(Effect::Save(Save::Toggle(toggle, on)));
        self.listen_anew(&before, effects);
    }

    fn reloaded(&mut self, rules: Rules, effects: &mut Vec<Effect>) {
        let before = self.interests();
        self.rules = rules;
        self.configuration = None;
        self.file_lines();
        let instances = &self.rules.instances;
        self.stories.retain(|(instance, _), _| instances.contains_key(instance));
        self.listen_anew(&before, effects);
    }

    fn listen_anew(&self, before: &BTreeMap<InstanceName, Interest>, effects: &mut Vec<Effect>) {
        for (instance, interest) in self.interests() {
            if before.get(&instance) != Some(&interest) {
                effects.push(Effect::Listen(instance, interest));
            }
        }
    }

    fn mute(&mut self, now: Timestamp, package: String, until: PauseFor) {
        if self.muted.len() >= MAX_MUTED && !self.muted.contains_key(&package) {
            self.muted.pop_first();
        }
        let is_other = |it: &Tale| it.story.package.as_ref() != Some(&package);
        self.pace.retain(is_other);
        self.missed.tales.retain(is_other);
        self.waiting.retain(|_, notice| match &mut notice.telling {
            Telling::One(tale) => is_other(tale),
            Telling::Many(digest) => {
                digest.tales.retain(is_other);
                !digest.tales.is_empty() || digest.left_out > 0
            }
        });
        let end = self.end(now, until);
        self.muted.insert(package, end);
    }

    /// Returns when a pause or mute that begins now is over.
    fn end(&self, now: Timestamp, until: PauseFor) -> Option<Timestamp> {
        match until {
            PauseFor::Minutes(minutes) => {
                let length = SignedDuration::from_mins(i64::from(minutes.get())).min(LONGEST);
                Some(now.saturating_add(length).unwrap_or(now))
            }
            PauseFor::UntilTomorrow => {
                let today = now.to_zoned(self.rules.zone.clone());
                let tomorrow = today.checked_add(1.day()).and_then(|it| it.start_of_day());
                Some(tomorrow.map_or(now, |it| it.timestamp()))
            }
            PauseFor::UntilResumed => None,
        }
    }

    fn resume(&mut self, effects: &mut Vec<Effect>) {
        self.pause = None;
        if self.server != Some(false) {
            self.show_waiting(effects);
        }
        let missed = std::mem::take(&mut self.missed);
        self.show_held(missed, effects);
    }

    /// Does what has become due.
    fn see_to_time(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.muted.retain(|_, until| until.is_none_or(|it| it > now));
        if self.pause.and_then(|it| it.until).is_some_and(|it| it <= now) {
            self.resume(effects);
        }
        if self.pause.is_none()
            && let Some(held) = self.pace.release(now)
        {
            self.show_held(held, effects);
        }
        if self.try_again.is_some_and(|it| it <= now) {
            self.try_again = None;
            if self.pause.is_none() {
                self.show_waiting(effects);
            }
        }
        // The end of a build that has run for so long was missed.
        let is_lost = |it: &Story| !it.standing.is_settled() && now.duration_since(it.changed) > LONGEST_BUILD;
        self.stories.retain(|_, it| !is_lost(&it.story));
    }

    fn spoiled(&mut self, instance: &InstanceName) {
        if let Some(line) = self.lines.get_mut(instance) {
            line.spoiled += 1;
        }
    }

    fn link_changed(&mut self, instance: &InstanceName, link: Link, effects: &mut Vec<Effect>) {
        if let Some(line) = self.lines.get_mut(instance) {
            // Another attempt is no news as long as it has not succeeded; what is wrong stays on show.
            if link == Link::Connecting && matches!(line.link, Link::Down(_)) {
                return;
            }
            line.link = link;
        }
        let is_over = self.lines.values().all(|it| it.link == Link::Ended);
        if is_over && self.pause.is_none() {
            let held = self.pace.finish();
            self.show_held(held, effects);
        }
    }

    fn is_followed(&self, instance: &InstanceName, package: Option<&str>) -> bool {
        let whose = self.rules.instances.get(instance);
        self.rules.wanted.followed
            && whose.is_some_and(|it| package.is_some_and(|package| it.packages.contains(package)))
    }

    /// Returns whether the rules in force want this told.
    fn is_wanted(&self, tale: &Tale) -> bool {
        let wanted = &self.rules.wanted;
        let story = &tale.story;
        let fate = match &tale.fate {
            Fate::Started => wanted.started,
            Fate::Finished => wanted.finished,
            Fate::Failed => wanted.failed,
            Fate::Canceled => wanted.canceled,
            Fate::Tagged(_) | Fate::Untagged(_) => wanted.tagged,
        };
        let kind = match tale.rule {
            // A build task that is not scratch makes a build record, which is told.
            RuleName::MyScratchBuilds => wanted.scratch && (story.scratch || story.method.as_deref() != Some("build")),
            RuleName::FollowedPackages => wanted.followed,
            RuleName::MyTags => story.mine,
            RuleName::MyBuilds => true,
        };
        let muted = story.package.as_ref().is_some_and(|it| self.muted.contains_key(it));
        fate && kind && !muted
    }

    fn count(&mut self, fate: &Fate, mine: bool) {
        if !mine {
            return;
        }
        let endings = &mut self.endings;
        let place = match fate {
            Fate::Finished => &mut endings.finished,
            Fate::Failed => &mut endings.failed,
            Fate::Canceled => &mut endings.canceled,
            Fate::Started | Fate::Tagged(_) | Fate::Untagged(_) => return,
        };
        *place = place.saturating_add(1);
    }
}

impl Entry {
    /// Notes an ending, and returns whether it is a new one. The same state at another time is another ending: the
    /// build was built again in between. Old hubs do not tell the time; then it is the same until a start was seen.
    fn is_first(&mut self, standing: Standing, ended: Option<Timestamp>) -> bool {
        let is_same = |(other, at): &(Standing, Option<Timestamp>)| {
            let near = match (*at, ended) {
                (Some(at), Some(ended)) => at.duration_since(ended).abs() <= merge::TIE,
                (None, _) | (_, None) => true,
            };
            *other == standing && near
        };
        if self.told.iter().any(is_same) {
            return false;
        }
        if self.told.len() >= MAX_TOLD {
            self.told.pop_front();
        }
        self.told.push_back((standing, ended));
        true
    }
}

fn gather(held: &mut Held, telling: Telling) {
    match telling {
        Telling::One(tale) => held.push(tale),
        Telling::Many(digest) => {
            held.left_out = held.left_out.saturating_add(digest.left_out);
            for tale in digest.tales {
                held.push(tale);
            }
        }
    }
}
