//! One event, and what follows from it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::quiet::Hush;
use super::record::Keep;
use super::state::{JournalTrouble, Pause};
use super::{
    Delivery, Effect, Event, Fate, Hook, Link, Request, RuleName, Rules, Save, Story, Tale, Toggle, Watch, merge,
};
use crate::koji::{InstanceName, Interest, Subject};

/// A build that has not been heard of for longer is taken for one whose end was missed. Fedora's longest take two days.
pub(super) const LONGEST_BUILD: SignedDuration = SignedDuration::from_hours(24 * 7);

/// How long a menu that was opened is taken to be open: nobody says when it is closed.
const LOOKED_AT: SignedDuration = SignedDuration::from_mins(5);

/// How often what is looked at is made anew: its times are told in minutes.
const ANEW: SignedDuration = SignedDuration::from_secs(30);

impl Watch {
    /// Takes one event and answers with what is to be done, in order.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        // What has begun or ended while nothing happened counts for what happens now.
        self.see_to_mutes(now);
        self.see_to_quiet(now, &mut effects);
        match event {
            Event::Heard(news) => self.heard(now, news, &mut effects),
            Event::Spoiled(instance) => self.spoiled(&instance),
            Event::Recorded(delivery) => self.recorded(delivery, &mut effects),
            Event::Learned(instance, learned) => self.learned(now, &instance, learned, &mut effects),
            Event::NotMeant => self.answer_person(None, &mut effects),
            Event::Asked(request) => self.asked(now, request, &mut effects),
            Event::LinkChanged(instance, link) => self.link_changed(now, &instance, link, &mut effects),
            Event::JournalChanged(trouble) => self.journal = trouble,
            Event::Missed(instance, since) => self.missed(now, instance, since, &mut effects),
            Event::Shown(notice, outcome) => self.shown(now, notice, outcome),
            Event::Posted(notice, posted) => self.posted(notice, posted),
            Event::Closed(notice, closed) => self.closed(notice, closed),
            Event::ServerChanged(is_there) => self.server_changed(is_there, &mut effects),
            Event::TrayChanged(is_there) => self.tray = Some(is_there),
            Event::MenuOpened => self.looked_at = Some((now.saturating_add(LOOKED_AT).unwrap_or(now), now)),
            Event::DesktopAsked => self.desktop_asked(now),
            Event::DesktopAnswered => self.desktop_answered(now),
            Event::QuietChanged(reason, is_there) => self.quiet_changed(reason, is_there),
            Event::AutostartChanged(is_on) => self.autostart = is_on,
            Event::ZoneChanged(zone) => self.zone_changed(zone),
            Event::Slept => self.look_everywhere(now),
            Event::OnBattery(is_so) => self.on_battery = is_so,
            Event::Resumed(resumed) => self.resumed(now, *resumed, &mut effects),
            Event::HooksChanged(hooks) => self.hooks = hooks,
            Event::Reloaded(rules) => self.reloaded(now, rules, &mut effects),
            Event::ReloadFailed(trouble) => self.configuration = Some(trouble),
            Event::Woke => {}
        }
        self.see_to_trends(&mut effects);
        self.see_to_time(now, &mut effects);
        self.keep(&mut effects);
        effects
    }

    fn recorded(&mut self, delivery: Delivery, effects: &mut Vec<Effect>) {
        if let Some(message) = self.unrecorded.remove(&delivery) {
            self.seen.record(&delivery.instance, message);
        }
        effects.push(Effect::Acknowledge(delivery));
    }

    fn asked(&mut self, now: Timestamp, request: Request, effects: &mut Vec<Effect>) {
        match request {
            Request::Open { link, token, about } => {
                if let Some(entry) = about.and_then(|it| self.stories.get_mut(&it)) {
                    entry.unseen_failure = false;
                }
                effects.push(Effect::Open { link, token });
            }
            Request::Follow {
                instance,
                lookup,
                asker,
            } => self.follow(instance, lookup, asker, effects),
            Request::FollowClipboard => effects.push(Effect::ReadClipboard),
            Request::Unfollow {
                instance,
                lookup,
                asker,
            } => self.unfollow(&instance, &lookup, asker, effects),
            Request::Act { act, about } => self.ask_back(act, &about, effects),
            Request::Confirm { act, about } => self.confirm(act, &about, effects),
            Request::Copy(text) => effects.push(Effect::Copy(text)),
            Request::Switch(toggle, on) => self.switch(toggle, on, effects),
            Request::Mute { muting, until } => self.mute(now, muting, until),
            Request::Unmute(muting) => self.unmute(&muting),
            Request::MarkSeen => {
                self.stories
                    .each(|it| it.unseen_failure, |it| it.unseen_failure = false);
                if matches!(self.journal, Some(JournalTrouble::SetAside(_))) {
                    self.journal = None;
                }
            }
            Request::Acknowledge {
                instance,
                lookup,
                asker,
            } => self.acknowledge(&instance, &lookup, asker, effects),
            Request::List(listing, ticket) => effects.push(Effect::List(ticket, listing)),
            Request::Pause(until) => {
                self.quiet.pause = Some(Pause {
                    until: self.end(now, until),
                    asked: until,
                });
                self.keeps.push(Keep::Paused(self.quiet.pause));
            }
            Request::Resume => self.end_pause(),
            Request::StartAtLogin(on) => effects.push(Effect::StartAtLogin(on)),
            Request::ShowHistory { token } => effects.push(Effect::ShowHistory { token }),
            Request::EditPreferences => effects.push(Effect::EditPreferences),
            Request::Reload => effects.push(Effect::Reload),
            Request::Quit => {
                let is_kept = matches!(self.journal, None | Some(JournalTrouble::SetAside(_)));
                if !self.rules.live || !is_kept {
                    self.tell_what_is_held(effects);
                }
                effects.push(Effect::Quit);
            }
        }
    }

    fn switch(&mut self, toggle: Toggle, on: bool, effects: &mut Vec<Effect>) {
        let before = self.interests();
        self.rules.wanted.switch(toggle, on);
        effects.push(Effect::Save(Save::Toggle(toggle, on)));
        self.listen_anew(&before, effects);
    }

    fn reloaded(&mut self, now: Timestamp, rules: Rules, effects: &mut Vec<Effect>) {
        let before = self.interests();
        self.rules = rules;
        self.configuration = None;
        self.forget_hours();
        self.file_lines();
        let instances = &self.rules.instances;
        for key in self.stories.keys(|(instance, _), _| !instances.contains_key(instance)) {
            self.forget_story(&key);
        }
        let instances = &self.rules.instances;
        self.explaining.retain(|(instance, _)| instances.contains_key(instance));
        self.unexplained
            .retain(|(instance, _), _| instances.contains_key(instance));
        self.owners.retain(instances);
        self.file_hubs(now);
        self.take_names();
        self.take_owners();
        self.tell_what_was_left(now);
        self.listen_anew(&before, effects);
    }

    /// Whose a build is does not change; who I am may have.
    fn take_owners(&mut self) {
        let rules = &self.rules;
        let is_mine = |it: &Story| rules.is_mine(&it.instance, it.owner.as_deref());
        self.stories.each(
            |it| it.story.mine != is_mine(&it.story),
            |it| it.story.mine = is_mine(&it.story),
        );
    }

    pub(super) fn listen_anew(&self, before: &BTreeMap<InstanceName, Interest>, effects: &mut Vec<Effect>) {
        for (instance, interest) in self.interests() {
            if before.get(&instance) != Some(&interest) {
                effects.push(Effect::Listen(instance, interest));
            }
        }
    }

    /// The person's pause is over. What was held is told if nothing else is a reason to hold it.
    pub(super) fn end_pause(&mut self) {
        if self.quiet.pause.take().is_some() {
            self.keeps.push(Keep::Paused(None));
        }
    }

    /// Does what has become due.
    fn see_to_time(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.see_to_mutes(now);
        self.see_to_quiet(now, effects);
        if self.hush() < Hush::Everything
            && let Some(held) = self.pace.release(now)
        {
            self.show_what_passes(held, false, effects);
        }
        if self.try_again.is_some_and(|it| it <= now) {
            self.show_waiting(effects);
        }
        // Whatever wakes us, what is shown is drawn after it.
        let is_open = |(until, at): (Timestamp, Timestamp)| match at <= now {
            true => (now < until).then(|| (until, now.saturating_add(ANEW).unwrap_or(until))),
            false => Some((until, at)),
        };
        self.looked_at = self.looked_at.and_then(is_open);
        if self.away_until.is_some_and(|it| it <= now) {
            self.show_away(effects);
        }
        self.see_to_owners(now, effects);
        self.see_to_doomed(now, effects);
        self.see_to_hubs(now, effects);
        self.see_to_lines(now, effects);
        // The end of a build that has run for so long was missed.
        let is_lost = |it: &Story| !it.standing.is_settled() && now.duration_since(it.changed) > LONGEST_BUILD;
        for key in self.stories.keys(|_, it| is_lost(&it.story)) {
            self.forget_story(&key);
        }
    }

    fn spoiled(&mut self, instance: &InstanceName) {
        if let Some(line) = self.lines.get_mut(instance) {
            line.spoiled += 1;
        }
    }

    fn link_changed(&mut self, now: Timestamp, instance: &InstanceName, link: Link, effects: &mut Vec<Effect>) {
        if let Some(line) = self.lines.get_mut(instance) {
            // Another attempt is no news as long as it has not succeeded; what is wrong stays on show.
            if link == Link::Connecting && matches!(line.link, Link::Down(_)) {
                return;
            }
            let has_come_up = link == Link::Up && line.link != Link::Up;
            line.link = link.clone();
            if has_come_up {
                // Whatever happened while the line was down was said to nobody.
                self.look_soon(now, instance);
                if let Some(heard) = self.contacts_before.remove(instance) {
                    self.missed(now, instance.clone(), heard, effects);
                }
            }
            self.mind_line(now, instance, &link);
        }
        let is_over = self.lines.values().all(|it| it.link == Link::Ended);
        if is_over {
            self.tell_what_is_held(effects);
        }
    }

    /// Tells what is held for a digest: nobody will be here when its time comes, and it is written down as dealt with.
    fn tell_what_is_held(&mut self, effects: &mut Vec<Effect>) {
        if !self.is_quiet() {
            let held = self.pace.finish();
            self.show_held(held, false, effects);
            self.show_away(effects);
        }
    }

    pub(super) fn is_followed(&self, instance: &InstanceName, package: Option<&str>) -> bool {
        let whose = self.rules.instances.get(instance);
        self.rules.wanted.followed
            && whose.is_some_and(|it| package.is_some_and(|package| it.packages.contains(package)))
    }

    /// Returns whether the rules in force want this told.
    pub(super) fn is_wanted(&self, tale: &Tale) -> bool {
        let wanted = &self.rules.wanted;
        let story = &tale.story;
        let fate = match &tale.fate {
            Fate::Started => wanted.started,
            Fate::Finished => wanted.finished,
            Fate::Doomed | Fate::Failed | Fate::NotTagged => wanted.failed,
            Fate::InRepo(_) => wanted.in_repo,
            Fate::Canceled => wanted.canceled,
            Fate::Tagged(_) | Fate::Untagged(_) => wanted.tagged,
        };
        let kind = match tale.rule {
            RuleName::MyScratchBuilds => wanted.scratch,
            RuleName::FollowedPackages => wanted.followed,
            RuleName::MyTags => story.mine,
            RuleName::MyBuilds | RuleName::Followed => true,
        };
        fate && kind && !is_told_of_the_build(tale) && !self.is_muted(tale)
    }

    /// Has a program run for what a tale tells, whether or not it is told: a person who pauses or mutes wants quiet, not
    /// that nothing is done.
    pub(super) fn run_hook(&self, tale: &Tale, effects: &mut Vec<Effect>) {
        let is_double = is_told_of_the_build(tale) || (tale.rule == RuleName::MyTags && !tale.story.mine);
        let hook = Hook::of(&tale.fate, &tale.story);
        if !is_double && self.hooks.contains(&hook.occasion) {
            effects.push(Effect::RunHook(Box::new(hook)));
        }
    }

    pub(super) fn count(&mut self, fate: &Fate, mine: bool) {
        if !mine {
            return;
        }
        let endings = &mut self.endings;
        let place = match fate {
            Fate::Finished => &mut endings.finished,
            Fate::Failed => &mut endings.failed,
            Fate::Canceled => &mut endings.canceled,
            Fate::Started | Fate::Doomed | Fate::NotTagged | Fate::InRepo(_) | Fate::Tagged(_) | Fate::Untagged(_) => {
                return;
            }
        };
        *place = place.saturating_add(1);
    }
}

/// Returns whether it tells of a task what is told of the build that it makes: that it has started; and that it has
/// finished, unless others are told of the task first.
fn is_told_of_the_build(tale: &Tale) -> bool {
    let is_of_build = matches!(tale.story.subject, Subject::Task(_)) && merge::makes_record(&tale.story);
    is_of_build
        && match tale.fate {
            Fate::Started => true,
            Fate::Finished => tale.rule == RuleName::MyBuilds,
            Fate::Doomed
            | Fate::Failed
            | Fate::Canceled
            | Fate::Tagged(_)
            | Fate::Untagged(_)
            | Fate::NotTagged
            | Fate::InRepo(_) => false,
        }
}
