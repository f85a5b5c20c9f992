//! How things stand, for D-Bus, `koji-notify status` and programs.

use serde::{Deserialize, Serialize};

use super::{Badge, Icon, MuteStatus, digest, mute, quiet, trouble};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::InstanceName;
use crate::watch::{HubTrouble, Line, Link, PauseFor, Watch};

/// How the running program stands. Also a part of the JSON of `koji-notify status --json`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Status {
    pub version: String,
    /// `idle`, `building`, `failed`, `paused` or `offline`, as [`super::Icon::state`].
    pub state: String,
    /// One sentence, in the person's language.
    pub summary: String,
    /// Builds and tasks of mine that are running.
    pub running: u32,
    /// What ended since the program started, by how it ended.
    pub finished: u32,
    pub failed: u32,
    pub canceled: u32,
    pub paused: bool,
    /// The end of the pause in seconds since the epoch; 0: not paused, or until resumed.
    pub paused_until: i64,
    /// Why nothing pops up, by the names of [`Reason`](crate::watch::Reason); empty: it does.
    #[serde(default)]
    pub quiet: Vec<String>,
    /// The same in one sentence, in the person's language; empty also for a pause, which the summary tells.
    #[serde(default)]
    pub quiet_text: String,
    /// What is held until it is no longer quiet.
    #[serde(default)]
    pub held: u32,
    /// Packages that are muted.
    pub muted: Vec<String>,
    /// All that is muted, packages too.
    #[serde(default)]
    pub mutes: Vec<MuteStatus>,
    /// A notification server is there.
    pub notifications: bool,
    /// Notices that wait for a notification server.
    pub waiting: u32,
    /// A tray host is there.
    pub tray: bool,
    pub instances: Vec<InstanceStatus>,
    /// What is wrong with the configuration, if anything.
    pub configuration: Option<String>,
    /// What is wrong with what is kept on disk, if anything; one sentence, in the person's language.
    #[serde(default)]
    pub journal: Option<String>,
}

/// How the line to one instance stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct InstanceStatus {
    pub name: String,
    /// `connecting`, `up`, `down` or `ended`.
    pub link: String,
    /// One sentence, in the person's language.
    pub text: String,
    /// Messages of mine that were heard.
    pub heard: u64,
    /// Messages that could not be read.
    pub spoiled: u64,
    /// When the last message of mine was heard, in seconds since the epoch; 0: none.
    pub last_heard: i64,
    /// When the broker last sent a message, whosever it was, in seconds since the epoch; 0: none. What is shown knows,
    /// not the loop, so here it is 0.
    pub last_message: i64,
    /// The same of anything that came from the broker, a heartbeat too.
    pub last_sign: i64,
    /// A build that the hub told of and the bus should have told of, and has not; empty: none.
    pub unheard: String,
    /// There is a broker that tells of changes. Without one the hub is the line.
    pub broker: bool,
    /// How the hub is: `none`, `waiting`, `answers`, `unreachable`, `closed`, `slow`, `login-refused`, `no-such-user`
    /// or `refused`.
    pub hub: String,
    /// The same in one sentence, in the person's language; empty if there is no hub.
    pub hub_text: String,
    /// When the hub last answered, in seconds since the epoch; 0: not yet.
    pub last_answer: i64,
}

/// Returns how things stand.
pub fn status(watch: &Watch) -> Status {
    let endings = watch.endings();
    let pause = watch.pause();
    let until = pause.and_then(|it| it.until);
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        state: icon(watch).state().to_owned(),
        summary: summary(watch),
        running: count(watch.running().len()),
        finished: endings.finished,
        failed: endings.failed,
        canceled: endings.canceled,
        paused: pause.is_some(),
        paused_until: until.map_or(0, |it| it.as_second()),
        quiet: watch.quiet().iter().map(|it| it.name().to_owned()).collect(),
        quiet_text: quiet::sentence(watch).unwrap_or_default(),
        held: count(watch.held()),
        muted: mute::packages(watch),
        mutes: mute::status(watch),
        notifications: watch.has_server() == Some(true),
        waiting: count(watch.waiting()),
        tray: watch.has_tray() == Some(true),
        instances: instances(watch).collect(),
        configuration: watch.configuration_trouble().map(str::to_owned),
        journal: watch.journal_trouble().map(trouble::journal),
    }
}

/// Returns how the lines to the instances stand.
pub(super) fn instances(watch: &Watch) -> impl Iterator<Item = InstanceStatus> {
    watch.lines().iter().map(|(name, line)| instance(watch, name, line))
}

fn instance(watch: &Watch, name: &InstanceName, line: &Line) -> InstanceStatus {
    let (link, text) = match way(watch, name, line) {
        Way::Connecting => ("connecting", tr("Connecting…")),
        Way::Up => ("up", trouble::unheard(watch, name).unwrap_or_else(|| tr("Connected"))),
        Way::Down(trouble) => ("down", trouble),
        Way::Ended => ("ended", tr("The recording is over")),
    };
    let hub = watch.hub(name);
    InstanceStatus {
        name: name.to_string(),
        link: link.to_owned(),
        text,
        heard: line.heard,
        spoiled: line.spoiled,
        last_heard: line.last_heard.map_or(0, |it| it.as_second()),
        last_message: 0,
        last_sign: 0,
        unheard: watch.unheard(name).map(ToString::to_string).unwrap_or_default(),
        broker: watch.rules().instances.get(name).is_some_and(|it| it.bus),
        hub: match hub {
            None => "none",
            Some(hub) => match (hub.wrong(), hub.last_answer) {
                (Some((why, _)), _) => hub_name(why.kind),
                (None, Some(_)) => "answers",
                (None, None) => "waiting",
            },
        }
        .to_owned(),
        hub_text: hub.map(trouble::hub_state).unwrap_or_default(),
        last_answer: hub.and_then(|it| it.last_answer).map_or(0, |it| it.as_second()),
    }
}

/// A line that has come up or gone down.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Moved<'a> {
    pub name: &'a str,
    /// As [`InstanceStatus::link`], or `gone` where the instance is not configured any more.
    pub link: &'a str,
    pub text: &'a str,
}

/// Returns which lines stand otherwise than before, in another state or with something else to say.
pub fn moved<'a>(before: &'a Status, now: &'a Status) -> Vec<Moved<'a>> {
    let find = |all: &'a [InstanceStatus], name: &str| all.iter().find(|it| it.name == name);
    let stands = now.instances.iter().filter(|it| {
        let old = find(&before.instances, &it.name);
        old.is_none_or(|old| (&old.link, &old.text) != (&it.link, &it.text))
    });
    let gone = before.instances.iter();
    let gone = gone.filter(|it| find(&now.instances, &it.name).is_none());
    let of = |name, link, text| Moved { name, link, text };
    let stands = stands.map(|it| of(&*it.name, &*it.link, &*it.text));
    stands.chain(gone.map(|it| of(&*it.name, "gone", ""))).collect()
}

fn hub_name(kind: HubTrouble) -> &'static str {
    match kind {
        HubTrouble::Unreachable => "unreachable",
        HubTrouble::Closed => "closed",
        HubTrouble::Slow => "slow",
        HubTrouble::LoginRefused => "login-refused",
        HubTrouble::NoSuchUser => "no-such-user",
        HubTrouble::Refused => "refused",
    }
}

/// How the way is by which an instance's news comes.
enum Way {
    Connecting,
    Up,
    /// What is wrong, in one sentence.
    Down(String),
    Ended,
}

/// Returns how news comes: over the line to the broker, or, where there is none, from the hub.
fn way(watch: &Watch, name: &InstanceName, line: &Line) -> Way {
    if trouble::is_polled(watch, name) {
        let hub = watch.hub(name);
        return match hub.and_then(|it| it.trouble.as_ref()) {
            Some((why, _)) => Way::Down(trouble::hub(why.kind)),
            None if hub.is_some_and(|it| it.last_answer.is_some()) => Way::Up,
            None => Way::Connecting,
        };
    }
    match &line.link {
        Link::Connecting => Way::Connecting,
        Link::Up => Way::Up,
        Link::Down(trouble) => Way::Down(trouble::sentence(trouble)),
        Link::Ended => Way::Ended,
    }
}

/// Returns the icon that says how things stand: what needs a person first.
///
/// Of the reasons to be quiet only the person's own pause has an icon. The others come and go by themselves, the desktop
/// shows most of them itself, and an icon that they took would no longer say how the builds are.
pub fn icon(watch: &Watch) -> Icon {
    let comes = |(name, line)| matches!(way(watch, name, line), Way::Up | Way::Ended);
    let is_connected = watch.lines().iter().any(comes);
    if watch.pause().is_some() {
        Icon::Paused
    } else if !is_connected {
        Icon::Offline
    } else if watch.unseen_failures() > 0 {
        Icon::Failed
    } else if !watch.running().is_empty() {
        Icon::Building
    } else {
        Icon::Idle
    }
}

/// Returns how many stand beside the icon: failures that nobody has looked at, or what is running.
pub(super) fn badge(watch: &Watch) -> Option<Badge> {
    match icon(watch) {
        Icon::Failed => Badge::of(watch.unseen_failures()),
        Icon::Building => Badge::of(watch.running().len()),
        Icon::Idle | Icon::Paused | Icon::Offline => None,
    }
}

/// A pause of so many minutes may end on another day, and is told with its date.
const A_LONG_PAUSE: u32 = 12 * 60;

/// Returns how many builds are running.
pub(super) fn running(count: usize) -> String {
    let sentence = tr_n("{n} build is running", "{n} builds are running", count as u64);
    fill(&sentence, &[("n", &count.to_string())])
}

/// Returns how things stand, in one sentence.
pub fn summary(watch: &Watch) -> String {
    if let Some(pause) = watch.pause() {
        let Some(until) = pause.until else {
            return tr("Notifications are paused");
        };
        let is_long = match pause.asked {
            PauseFor::UntilTomorrow => return tr("Notifications are paused until tomorrow"),
            PauseFor::Minutes(minutes) => minutes.get() >= A_LONG_PAUSE,
            PauseFor::UntilResumed => false,
        };
        let form = if is_long { "%Y-%m-%d %H:%M" } else { "%H:%M" };
        let time = until.to_zoned(watch.rules().zone.clone()).strftime(form).to_string();
        // Translators: {time} is a time of the day such as "18:40", or a date and a time.
        return fill(&tr("Notifications are paused until {time}"), &[("time", &time)]);
    }
    if icon(watch) == Icon::Offline {
        let troubles = watch
            .lines()
            .iter()
            .find_map(|(name, line)| match way(watch, name, line) {
                Way::Down(trouble) => Some(trouble),
                Way::Connecting | Way::Up | Way::Ended => None,
            });
        // Without a configuration there is nobody to connect to.
        let is_trying = !watch.lines().is_empty();
        let hope = || {
            if is_trying {
                tr("Connecting…")
            } else {
                tr("Not connected")
            }
        };
        return troubles.unwrap_or_else(hope);
    }
    let (untagged, running) = (watch.unseen_untagged(), watch.running().len());
    let failed = watch.unseen_failures().saturating_sub(untagged);
    let (sentence, n) = match (failed, untagged, running) {
        (0, 0, _) if watch.is_mass_rebuild() => return digest::many_at_once(),
        (0, 0, 0) => return tr("No build is running"),
        (0, 0, n) => return self::running(n),
        // Translators: they are built, and are not where they should be.
        (0, n, _) => (
            tr_n(
                "{n} build could not be tagged",
                "{n} builds could not be tagged",
                n as u64,
            ),
            n,
        ),
        (n, _, _) => (tr_n("{n} build failed", "{n} builds failed", n as u64), n),
    };
    fill(&sentence, &[("n", &n.to_string())])
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
