//! How things stand, for D-Bus, `koji-notify status` and programs.

use serde::{Deserialize, Serialize};

use super::{Icon, text, trouble};
use crate::i18n::{fill, tr, tr_n};
use crate::watch::{Line, Link, PauseFor, Watch};

/// How the running program stands. Also the JSON of `koji-notify status --json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
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
    /// Muted packages.
    pub muted: Vec<String>,
    /// A notification server is there.
    pub notifications: bool,
    /// Notices that wait for a notification server.
    pub waiting: u32,
    /// A tray host is there.
    pub tray: bool,
    pub instances: Vec<InstanceStatus>,
    /// What is wrong with the configuration, if anything.
    pub configuration: Option<String>,
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
        muted: watch.muted().keys().cloned().collect(),
        notifications: watch.has_server() == Some(true),
        waiting: count(watch.waiting()),
        tray: watch.has_tray() == Some(true),
        instances: watch
            .lines()
            .iter()
            .map(|(name, line)| instance(name.as_str(), line))
            .collect(),
        configuration: watch.configuration_trouble().map(str::to_owned),
    }
}

fn instance(name: &str, line: &Line) -> InstanceStatus {
    let (link, text) = match &line.link {
        Link::Connecting => ("connecting", tr("Connecting…")),
        Link::Up => ("up", tr("Connected")),
        Link::Down(trouble) => ("down", trouble::sentence(trouble)),
        Link::Ended => ("ended", tr("The recording is over")),
    };
    InstanceStatus {
        name: name.to_owned(),
        link: link.to_owned(),
        text,
        heard: line.heard,
        spoiled: line.spoiled,
        last_heard: line.last_heard.map_or(0, |it| it.as_second()),
    }
}

/// Returns the icon that says how things stand: what needs a person first.
pub fn icon(watch: &Watch) -> Icon {
    let lines = watch.lines();
    let is_connected = lines.values().any(|it| matches!(it.link, Link::Up | Link::Ended));
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
        let troubles = watch.lines().values().find_map(|it| match &it.link {
            Link::Down(trouble) => Some(trouble::sentence(trouble)),
            Link::Connecting | Link::Up | Link::Ended => None,
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
    let (failed, running) = (watch.unseen_failures(), watch.running().len());
    let sentence = match (failed, running) {
        (0, 0) => tr("No build is running"),
        (0, n) => return self::running(n),
        (n, _) => tr_n("{n} build failed", "{n} builds failed", n as u64),
    };
    text::clean(&fill(&sentence, &[("n", &failed.to_string())]), text::MAX_LINE)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
