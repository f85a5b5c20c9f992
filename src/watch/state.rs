//! What is known: the stories, what was shown of them, and how the world around stands.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::asking::Asking;
use super::below::{Orphans, Step};
use super::owners::Owners;
use super::pace::{Held, Pace};
use super::quiet::{Hush, Quiet};
use super::record::{Keep, Posted};
use super::seen::Seen;
use super::shelf::{Shelf, ToldBefore};
use super::watchdog::Watchdog;
use super::{
    Act, Asker, Delivery, Fate, Link, Lookup, Muted, Muting, Notice, NoticeId, Occasion, PauseFor, RuleName, Rules,
    Standing, Story, TaleId, Whereabouts,
};
use crate::koji::{InstanceName, Interest, Subject, TaskId, TaskState};

/// How many builds and tasks are remembered; settled ones make room first, the oldest before the newer.
pub const MAX_STORIES: usize = 1000;

/// How many endings of one build are remembered; each build of the same number adds one.
pub(super) const MAX_TOLD: usize = 16;

/// How many endings are remembered of builds and tasks that had to make room.
pub const MAX_TOLD_BEFORE: usize = 4096;

/// How many things can be muted at once; beyond it the oldest mute ends.
pub const MAX_MUTED: usize = 200;

/// How many notices wait for a notification server; beyond it the oldest are folded into one.
pub const MAX_WAITING: usize = 50;

/// How many failures are being explained at once; beyond it a failure stays without a reason.
pub(super) const MAX_EXPLAINED: usize = 50;

/// How many things can be looked up at once.
pub(super) const MAX_LOOKUPS: usize = 50;

/// How many notices are known by the number that their server has for them.
pub(super) const MAX_POSTED: usize = 256;

/// How many questions wait for a person's yes.
pub(super) const MAX_QUESTIONS: usize = 10;

/// Everything that is known. Owned by the loop, by value; nobody else writes.
#[derive(Clone, Debug)]
pub struct Watch {
    pub(super) rules: Rules,
    pub(super) stories: Shelf,
    pub(super) seen: Seen,
    /// The messages whose record is under way, by delivery; at most as many as sources send ahead.
    pub(super) unrecorded: BTreeMap<Delivery, String>,
    pub(super) last_notice: u64,
    pub(super) quiet: Quiet,
    pub(super) missed: Held,
    pub(super) muted: BTreeMap<Muting, Muted>,
    pub(super) pace: Pace,
    /// Notices that were handed out and whose outcome is not known yet.
    /// Of one id the oldest first; each has its answer.
    pub(super) under_way: BTreeMap<NoticeId, VecDeque<Notice>>,
    /// What a server that hangs may still take: of each id what was lost first, while no server is there. At most
    /// [`MAX_POSTED`].
    pub(super) given_up: BTreeMap<NoticeId, Vec<TaleId>>,
    /// Notices that no server took.
    pub(super) waiting: BTreeMap<NoticeId, Notice>,
    pub(super) try_again: Option<Timestamp>,
    pub(super) lines: BTreeMap<InstanceName, Line>,
    pub(super) watchdogs: BTreeMap<InstanceName, Watchdog>,
    pub(super) server: Option<bool>,
    pub(super) tray: Option<bool>,
    pub(super) autostart: bool,
    pub(super) configuration: Option<String>,
    pub(super) endings: Endings,
    pub(super) hubs: BTreeMap<InstanceName, Asking>,
    /// Until when an earlier run has dealt with everything.
    pub(super) marks: BTreeMap<InstanceName, Timestamp>,
    /// Endings that were dealt with, of what is not in the stories.
    pub(super) told_before: ToldBefore,
    /// The number of the newest tale.
    pub(super) last_tale: TaleId,
    /// What is to be told and has not reached a screen yet; each is held somewhere, waits, or is under way.
    pub(super) due: BTreeSet<TaleId>,
    /// What this step has changed of what is to be on record, beside the stories.
    pub(super) keeps: Vec<Keep>,
    /// What may be acknowledged when this step is on record.
    pub(super) deliveries: Vec<Delivery>,
    /// Whose numbers are whose, and what waits to hear that.
    pub(super) owners: Owners,
    /// Tasks below tasks that are in no story, or not yet.
    pub(super) orphans: Orphans,
    /// What this step has found to have ended.
    pub(super) just_ended: BTreeSet<Key>,
    /// What cannot succeed any more, when that is told if it still runs then, and since when it is so. Of stories only.
    pub(super) dooming: BTreeMap<Key, (Timestamp, Option<Timestamp>)>,
    /// Which notification of the server is which notice, as long as it is on screen. At most [`MAX_POSTED`].
    pub(super) posted: BTreeMap<NoticeId, Posted>,
    /// How long builds take, as an earlier run has learned.
    pub(super) usual_before: Vec<(InstanceName, String, Option<SignedDuration>)>,
    /// When a source last told something to an earlier run.
    pub(super) contacts_before: BTreeMap<InstanceName, Timestamp>,
    /// Until when an archive is being read.
    pub(super) reading: BTreeMap<InstanceName, Timestamp>,
    pub(super) journal: Option<JournalTrouble>,
    /// When programs are to be run.
    pub(super) hooks: BTreeSet<Occasion>,
    pub(super) on_battery: bool,
    /// Until when somebody may be looking at the menu, and when its words are next made anew for that.
    pub(super) looked_at: Option<(Timestamp, Timestamp)>,
    /// What happened while nobody listened, to be summed up.
    pub(super) away: Held,
    pub(super) away_until: Option<Timestamp>,
    /// Failures whose reason is being found out.
    pub(super) explaining: BTreeSet<Key>,
    /// Failures whose reason could not be asked for: the hub did not answer. At most [`MAX_EXPLAINED`].
    pub(super) unexplained: BTreeMap<Key, Option<TaskId>>,
    /// What is being looked up, and who waits for it.
    pub(super) lookups: VecDeque<((InstanceName, Lookup), Asker)>,
    /// Questions that wait for a yes.
    pub(super) questions: BTreeMap<NoticeId, Question>,
}

/// An ending: the state, and when it was reached where that is known.
pub type Ending = (Standing, Option<Timestamp>);

/// What a story is filed under.
pub(super) type Key = (InstanceName, Subject);

/// A story, and what was told of it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) story: Story,
    /// The endings that were dealt with, and when each was reached.
    pub(super) told: VecDeque<Ending>,
    /// The tasks of attempts before this one, whose ends were dealt with.
    pub(super) earlier: VecDeque<TaskId>,
    /// The task of the attempt before this one, where the build went on before how it ended with it was heard.
    pub(super) left: Option<TaskId>,
    /// The notification that is on screen for it, or on its way there.
    pub(super) notice: Option<NoticeId>,
    /// What that notification tells.
    pub(super) shown: Option<(TaleId, Fate, RuleName)>,
    /// It failed, and nobody has looked yet.
    pub(super) unseen_failure: bool,
    /// That it will fail was dealt with.
    pub(super) doomed: bool,
    /// The task is done, and the build's own news has not come.
    pub(super) task_done: bool,
    /// How far the tasks below are, where a bus has told it. At most [`crate::koji::task::MAX_CHILDREN`].
    pub(super) steps: BTreeMap<TaskId, Step>,
    /// How and when a task of the build ended.
    pub(super) task_end: Option<(TaskId, TaskState, Option<Timestamp>)>,
    /// How the build stands, only its task has told yet.
    pub(super) by_task: bool,
}

/// A question that waits for a yes.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) about: Key,
    pub(super) act: Act,
    /// The task that it was asked about: a build may have another one by the time of the answer.
    pub(super) task: TaskId,
}

/// Why what was told cannot be kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum JournalTrouble {
    /// The disk is full.
    DiskFull,
    /// The folder or file is not to be written.
    NotWritable,
    /// Another program writes it.
    Busy,
    /// A newer version of us has made it.
    Newer,
    /// What was there could not be read and was set aside under this name; what comes is kept.
    SetAside(String),
    /// Something else.
    Broken,
}

/// Notifications are held back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pause {
    /// `None`: until a person ends it.
    pub until: Option<Timestamp>,
    /// What the person asked for.
    pub asked: PauseFor,
}

/// How many builds and tasks ended since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Endings {
    pub finished: u32,
    pub failed: u32,
    pub canceled: u32,
}

/// How the line to an instance stands, and what came over it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub link: Link,
    /// Messages of interest that were heard.
    pub heard: u64,
    /// Messages that could not be read.
    pub spoiled: u64,
    pub last_heard: Option<Timestamp>,
}

impl Watch {
    /// Returns a watch that knows nothing yet and wants told what the rules say.
    pub fn new(rules: Rules) -> Self {
        let mut watch = Self {
            rules,
            stories: Shelf::default(),
            seen: Seen::default(),
            unrecorded: BTreeMap::new(),
            last_notice: 0,
            quiet: Quiet::default(),
            missed: Held::default(),
            muted: BTreeMap::new(),
            pace: Pace::default(),
            under_way: BTreeMap::new(),
            given_up: BTreeMap::new(),
            waiting: BTreeMap::new(),
            try_again: None,
            lines: BTreeMap::new(),
            watchdogs: BTreeMap::new(),
            server: None,
            tray: None,
            autostart: false,
            configuration: None,
            endings: Endings::default(),
            hubs: BTreeMap::new(),
            marks: BTreeMap::new(),
            told_before: ToldBefore::default(),
            last_tale: TaleId::default(),
            due: BTreeSet::new(),
            keeps: Vec::new(),
            deliveries: Vec::new(),
            owners: Owners::default(),
            orphans: Orphans::default(),
            just_ended: BTreeSet::new(),
            dooming: BTreeMap::new(),
            posted: BTreeMap::new(),
            usual_before: Vec::new(),
            contacts_before: BTreeMap::new(),
            reading: BTreeMap::new(),
            journal: None,
            hooks: BTreeSet::new(),
            on_battery: false,
            looked_at: None,
            away: Held::default(),
            away_until: None,
            explaining: BTreeSet::new(),
            unexplained: BTreeMap::new(),
            lookups: VecDeque::new(),
            questions: BTreeMap::new(),
        };
        watch.file_lines();
        watch
    }

    /// Returns the rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns what is to be heard from each instance.
    pub fn interests(&self) -> BTreeMap<InstanceName, Interest> {
        let names = self.rules.instances.keys();
        names.map(|it| (it.clone(), self.rules.interest(it))).collect()
    }

    /// Returns when [`super::Event::Woke`] is due, if nothing else happens before. After it was handled, the next
    /// time is later.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let burst = match self.hush() {
            Hush::Nothing | Hush::ButFailures => self.pace.wake_at(),
            Hush::Everything => None,
        };
        let looks = [self.next_look(), self.next_doubt()];
        let news = [self.owners.wake_at(), self.dooming.values().map(|(at, _)| *at).min()];
        let menu = self.looked_at.map(|(_, at)| at);
        let others = looks.into_iter().chain(news).chain([menu]).flatten().min();
        let times = [
            self.quiet_wakes_at(),
            self.mute_wakes_at(),
            burst,
            self.try_again,
            self.away_until,
            others,
        ];
        times.into_iter().flatten().min()
    }

    /// Returns my builds and tasks that are not settled, the newest first.
    pub fn running(&self) -> Vec<&Story> {
        self.newest_first(|it| (it.mine || it.followed) && !it.standing.is_settled())
    }

    /// Returns other people's builds of packages that I follow, as long as they run, the newest first. Those that I follow
    /// one by one are among [`Self::running`].
    pub fn running_of_others(&self) -> Vec<&Story> {
        let is_of_others =
            |it: &Story| !it.mine && !it.followed && self.is_followed(&it.instance, it.package.as_deref());
        self.newest_first(|it| is_of_others(it) && !it.standing.is_settled())
    }

    /// Returns builds and tasks that are settled, mine and those I follow, the newest first.
    pub fn results(&self) -> Vec<&Story> {
        self.newest_first(|it| it.standing.is_settled())
    }

    /// Returns how long ago a build or task ended, or changed; never less than nothing.
    pub fn age(&self, story: &Story, now: Timestamp) -> SignedDuration {
        // It is a time of the hub's clock, from which ours may be far.
        let ahead = self.hubs.get(&story.instance).map(|it| it.ahead).unwrap_or_default();
        let age = now.duration_since(story.ended.unwrap_or(story.changed));
        age.saturating_sub(ahead).max(SignedDuration::ZERO)
    }

    /// Returns builds and tasks that a person follows, as long as they run, the newest first.
    pub fn followed(&self) -> Vec<&Story> {
        self.newest_first(|it| it.followed && !it.standing.is_settled())
    }

    /// Returns whether a build or task failed and nobody has looked at it yet.
    pub fn is_unseen(&self, story: &Story) -> bool {
        let key = (story.instance.clone(), story.subject.clone());
        self.stories.get(&key).is_some_and(|it| it.unseen_failure)
    }

    /// Returns how many builds and tasks failed that nobody has looked at yet.
    pub fn unseen_failures(&self) -> usize {
        self.stories.values().filter(|it| it.unseen_failure).count()
    }

    /// Returns how many of those did not fail: they are built, and could not be put into their tag.
    pub fn unseen_untagged(&self) -> usize {
        let is_untagged = |it: &&Entry| it.unseen_failure && it.story.whereabouts == Whereabouts::NotTagged;
        self.stories.values().filter(is_untagged).count()
    }

    /// Returns the newest failure that nobody has looked at yet.
    pub fn newest_unseen_failure(&self) -> Option<&Story> {
        let unseen = self.stories.values().filter(|it| it.unseen_failure);
        unseen.map(|it| &it.story).max_by_key(|it| it.changed)
    }

    /// Returns the pause, if there is one.
    pub fn pause(&self) -> Option<Pause> {
        self.quiet.pause
    }

    /// Returns whether so much comes that there is one digest in a quarter of an hour ([`super::pace::STRETCH`]).
    pub fn is_mass_rebuild(&self) -> bool {
        self.pace.is_mass()
    }

    /// Returns what is muted.
    pub fn muted(&self) -> &BTreeMap<Muting, Muted> {
        &self.muted
    }

    /// Returns how the lines stand.
    pub fn lines(&self) -> &BTreeMap<InstanceName, Line> {
        &self.lines
    }

    /// Returns whether a notification server is there; `None` until it is known.
    pub fn has_server(&self) -> Option<bool> {
        self.server
    }

    /// Returns whether a tray host is there; `None` until it is known.
    pub fn has_tray(&self) -> Option<bool> {
        self.tray
    }

    /// Returns whether we start with the session.
    pub fn starts_at_login(&self) -> bool {
        self.autostart
    }

    /// Returns how many notices wait for a notification server, other than to say more of what is on screen.
    pub fn waiting(&self) -> usize {
        self.waiting.values().filter(|it| !self.only_says_more(it)).count()
    }

    /// Returns whether something is still to be shown: it is held for a digest, or waits for a server.
    pub fn is_holding(&self) -> bool {
        self.pace.holds() || !self.missed.is_empty() || !self.away.is_empty() || !self.waiting.is_empty()
    }

    /// Returns what is wrong with the journal, if anything.
    pub fn journal_trouble(&self) -> Option<&JournalTrouble> {
        self.journal.as_ref()
    }

    /// Returns what is wrong with the configuration file, if anything.
    pub fn configuration_trouble(&self) -> Option<&str> {
        self.configuration.as_deref()
    }

    /// Returns how many builds and tasks of mine ended since the start.
    pub fn endings(&self) -> Endings {
        self.endings
    }

    pub(super) fn newest_first(&self, wanted: impl Fn(&Story) -> bool) -> Vec<&Story> {
        let stories = self.stories.values().map(|it| &it.story);
        let mut found: Vec<_> = stories.filter(|it| wanted(it)).collect();
        found.sort_by(|a, b| b.changed.cmp(&a.changed).then_with(|| b.subject.cmp(&a.subject)));
        found
    }

    /// Files a line for each instance, and closes those of instances that are gone.
    pub(super) fn file_lines(&mut self) {
        let instances: BTreeSet<_> = self.rules.instances.keys().cloned().collect();
        self.lines.retain(|name, _| instances.contains(name));
        for name in instances {
            let last_heard = self.contacts_before.get(&name).copied();
            self.lines.entry(name).or_insert_with(|| Line {
                link: Link::Connecting,
                heard: 0,
                spoiled: 0,
                last_heard,
            });
        }
    }

    /// Makes room for one more story.
    pub(super) fn make_room(&mut self) {
        while self.stories.len() >= MAX_STORIES {
            let age = |(_, entry): &(&Key, &Entry)| (!entry.story.standing.is_settled(), entry.story.changed);
            let Some(key) = self.stories.iter().min_by_key(age).map(|(key, _)| key.clone()) else {
                return;
            };
            self.forget_story(&key);
        }
    }

    /// Forgets a story, but not what was told of it.
    pub(super) fn forget_story(&mut self, key: &Key) {
        self.dooming.remove(key);
        if let Some(entry) = self.stories.remove(key) {
            self.told_before.put(key.clone(), entry.told);
        }
    }

    pub(super) fn next_notice(&mut self) -> NoticeId {
        self.last_notice += 1;
        NoticeId(self.last_notice)
    }
}
