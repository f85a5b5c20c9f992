//! What happens to the world in one run: a list of actions with their times, made from a seed or read from a story.
//!
//! A story is text: the setting on the first line, then one action per line, as JSON. Lines that begin with `#` are
//! for people. What an action does not say (how long a message is under way, how long the disk takes) falls from the
//! seed, separately for each message, answer and page, so that a story from which actions were taken is still itself.

use koji_notify::watch::Reason;
use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// One run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Plan {
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

/// How the world is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    /// When it begins, in seconds since 1970.
    pub(crate) start: i64,
    /// The local time zone as POSIX spells it.
    pub(crate) zone: String,
    pub(crate) sites: Vec<Site>,
    /// The toggles that are on, by their place in the menu.
    pub(crate) toggles: Vec<usize>,
    /// The most milliseconds that the disk takes for a page.
    pub(crate) disk_ms: i64,
    /// The most milliseconds that the notification server takes for a notice.
    pub(crate) desk_ms: i64,
    /// The quiet hours, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) night: Option<Night>,
}

/// Quiet hours of each day, from one hour until another by the local clock.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Night {
    pub(crate) from: i8,
    pub(crate) until: i8,
    pub(crate) failures_pass: bool,
}

/// A Koji instance, as it is and as it is configured.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Site {
    pub(crate) bus: Option<Bus>,
    pub(crate) hub: Option<Hub>,
    /// The packages that are followed, by number.
    pub(crate) packages: Vec<u8>,
    /// The users who are me, by number.
    pub(crate) me: Vec<u8>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Bus {
    /// The queue outlives its reader, by an hour.
    pub(crate) durable: bool,
    /// How many messages the queue holds.
    pub(crate) cap: usize,
    pub(crate) prefetch: usize,
    /// The most milliseconds that a message is under way to the queue; with more than a few, messages overtake.
    pub(crate) delay_ms: i64,
    /// How many of a hundred messages come twice.
    pub(crate) twice: u64,
    /// The messages name users and packages in headers, and tell times and tasks.
    pub(crate) modern: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Hub {
    /// The most milliseconds for an answer.
    pub(crate) answer_ms: i64,
    /// The most milliseconds from the time that a record names to its being seen.
    pub(crate) lag_ms: i64,
}

/// Something that happens, so many milliseconds after the start.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Step {
    pub(crate) at: i64,
    #[serde(rename = "do")]
    pub(crate) action: Action,
}

/// What kind of work is submitted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Kind {
    Build,
    Scratch,
    /// Top level, neither scratch nor a build: only the hub tells of it.
    Image,
    /// A record without a task.
    Import,
}

/// How it will end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum End {
    Good,
    /// There is no source RPM, and so no record.
    NoSource,
    /// An architecture does not build.
    Bad,
    /// It is built, and may not go into its tag.
    Untaggable,
    /// Somebody cancels it after so many of its seconds.
    Canceled(u32),
}

/// What is wrong with a hub.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Ill {
    Unreachable,
    /// It answers, a minute later.
    Slow,
    Closed,
    /// Some of the calls have no answer.
    Patchy,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Action {
    Submit {
        site: u8,
        user: u8,
        package: u8,
        kind: Kind,
        end: End,
        secs: [u32; 3],
    },
    /// The newest record that failed or was canceled is built again under its number.
    Again {
        site: u8,
        end: End,
        secs: [u32; 3],
    },
    /// The newest complete build is deleted.
    Delete {
        site: u8,
    },
    /// Other people's builds of packages that nobody follows.
    Traffic {
        site: u8,
        count: u16,
    },
    /// Many builds of mine at once.
    Mass {
        site: u8,
        user: u8,
        count: u16,
        within: u32,
        scratch: bool,
    },
    /// The line breaks, and the broker cannot be reached for so long. A queue that is not durable is gone.
    LineBreaks {
        site: u8,
        ms: i64,
    },
    /// The same, for a moment.
    BrokerRestarts {
        site: u8,
        ms: i64,
    },
    HubIll {
        site: u8,
        ms: i64,
        ill: Ill,
    },
    ServerGone {
        ms: i64,
    },
    ServerHangs {
        ms: i64,
        takes: bool,
    },
    ServerRefuses {
        ms: i64,
    },
    /// A person closes the newest notice but so many.
    Dismiss {
        nth: u8,
    },
    /// Notices leave the screen by themselves.
    Expire,
    Switch {
        toggle: usize,
        on: bool,
    },
    Pause {
        minutes: u32,
    },
    PauseUntilTomorrow,
    Unpause,
    /// The desktop says that there is a reason to be quiet, or that it is gone.
    Quiet {
        reason: usize,
        on: bool,
    },
    Mute {
        package: u8,
        minutes: u32,
    },
    Unmute {
        package: u8,
    },
    MarkSeen,
    /// The newest task but so many is followed, whoever's it is.
    Follow {
        site: u8,
        nth: u8,
    },
    Unfollow {
        site: u8,
        nth: u8,
    },
    /// The configuration file is edited.
    Users {
        site: u8,
        me: Vec<u8>,
    },
    Packages {
        site: u8,
        packages: Vec<u8>,
    },
    Sleep {
        ms: i64,
    },
    /// The clock of this computer is set.
    Jump {
        ms: i64,
    },
    Zone {
        zone: String,
    },
    Battery {
        on: bool,
    },
    /// It ends well after so many further steps of its own, and starts again after a while.
    Quit {
        after: u8,
        ms: i64,
    },
    /// It is killed after so many further steps of its own; `power`: what was not synced is lost; `torn`: should a page
    /// be under way, how much of it reaches the disk, in a thousand, and what becomes of the rest.
    Kill {
        after: u8,
        power: bool,
        torn: u16,
        ms: i64,
    },
    DiskFull {
        ms: i64,
    },
    DiskSlow {
        ms: i64,
    },
}

const ZONES: [&str; 4] = [
    "UTC0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "IST-5:30",
];

pub(crate) const USERS: [&str; 5] = ["mona", "mona-bot", "bob", "eve", "mbs/mbs.example.org"];
/// So many of them may be me.
pub(crate) const MINE: u64 = 2;
pub(crate) const PACKAGES: [&str; 8] = [
    "bash",
    "hello",
    "python-requests",
    "grep",
    "gnome-tweaks",
    "zsh",
    "kernel",
    "rust-serde",
];

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

impl Plan {
    /// Makes the plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self::thrown(seed, "plan", 45)
    }

    /// Makes one with more trouble, of nearly every kind.
    pub(crate) fn of_trouble(seed: u64) -> Self {
        Self::thrown(seed, "trouble", 90)
    }

    fn thrown(seed: u64, purpose: &str, kinds_of_trouble: u64) -> Self {
        let mut dice = Dice::of(seed, purpose, 0);
        let setting = Setting::thrown(seed, &mut dice);
        let horizon = dice.spread(10 * MINUTE, 30 * HOUR);
        let count = dice.spread(4, 60);
        // Some kinds of trouble are absent from a run, so that others are seen by themselves.
        let mut kinds: Vec<u64> = (0..TROUBLES).collect();
        kinds.retain(|_| dice.chance(kinds_of_trouble));
        let trouble = dice.between(10, 70) as u64;
        let mut steps: Vec<Step> = (0..count)
            .map(|_| {
                let at = dice.between(0, horizon);
                let is_trouble = !kinds.is_empty() && dice.chance(trouble);
                let action = if is_trouble {
                    let kind = *dice.pick(&kinds);
                    Action::trouble(kind, &setting, &mut dice)
                } else {
                    Action::work(&setting, &mut dice)
                };
                Step { at, action }
            })
            .collect();
        // Trouble likes company: some things happen right after others.
        for at in 1..steps.len() {
            if dice.chance(25) {
                steps[at].at = steps[at - 1].at + dice.spread(1, 90 * SECOND);
            }
        }
        steps.sort_by_key(|it| it.at);
        Self { setting, steps }
    }

    /// Writes it as a story.
    pub(crate) fn write(&self) -> String {
        let mut text = serde_json::to_string(&self.setting).unwrap() + "\n";
        for step in &self.steps {
            text += &serde_json::to_string(step).unwrap();
            text.push('\n');
        }
        text
    }

    /// Reads a story.
    pub(crate) fn read(text: &str) -> Self {
        let mut lines = text.lines().filter(|it| !it.trim().is_empty() && !it.starts_with('#'));
        let setting = serde_json::from_str(lines.next().unwrap()).unwrap();
        let steps = lines.map(|it| serde_json::from_str(it).unwrap()).collect();
        Self { setting, steps }
    }
}

impl Setting {
    fn thrown(seed: u64, dice: &mut Dice) -> Self {
        // A day in autumn or spring when clocks change somewhere, or any other.
        let days = [1_795_262_400, 1_792_886_400, 1_774_742_400, 1_793_491_200];
        let count = if dice.chance(25) { 2 } else { 1 };
        let sites = (0..count).map(|_| Site::thrown(dice)).collect();
        let standard = vec![1, 2, 3, 4, 7];
        let toggles = match dice.below(4) {
            0 => (0..9).filter(|_| dice.chance(70)).collect(),
            1 => (0..9).collect(),
            _ => standard,
        };
        Self {
            seed,
            start: *dice.pick(&days) + dice.between(0, 20 * 3600),
            zone: (*dice.pick(&ZONES)).to_owned(),
            sites,
            toggles,
            disk_ms: *dice.pick(&[1, 5, 50, 1000]),
            desk_ms: *dice.pick(&[5, 50, 1500]),
            night: Night::thrown(seed),
        }
    }
}

impl Night {
    fn thrown(seed: u64) -> Option<Self> {
        let mut dice = Dice::of(seed, "night", 0);
        let night = Self {
            from: dice.below(24) as i8,
            until: dice.below(24) as i8,
            failures_pass: dice.chance(50),
        };
        dice.chance(30).then_some(night)
    }
}

impl Site {
    fn thrown(dice: &mut Dice) -> Self {
        let (bus, hub) = match dice.below(10) {
            0 => (true, false),
            1 | 2 => (false, true),
            _ => (true, true),
        };
        let bus = bus.then(|| Bus {
            durable: dice.chance(60),
            cap: *dice.pick(&[5, 30, 1000, 1000]),
            prefetch: *dice.pick(&[1, 10, 100]),
            delay_ms: *dice.pick(&[20, 200, 5_000, 90_000]),
            twice: *dice.pick(&[0, 5, 40]),
            modern: dice.chance(80),
        });
        let hub = hub.then(|| Hub {
            answer_ms: *dice.pick(&[50, 500, 20_000]),
            lag_ms: *dice.pick(&[0, 500, 30_000]),
        });
        let mut me = vec![0];
        if dice.chance(30) {
            me.push(1);
        }
        let packages = (0..PACKAGES.len() as u8).filter(|_| dice.chance(10)).collect();
        Self { bus, hub, packages, me }
    }
}

fn secs(dice: &mut Dice) -> [u32; 3] {
    let most = *dice.pick(&[3, 60, 900, 7200]);
    [0, 0, 0].map(|_: u32| dice.between(0, most) as u32)
}

fn end(dice: &mut Dice, secs: &[u32; 3]) -> End {
    match dice.below(10) {
        0..=3 => End::Good,
        4 => End::NoSource,
        5..=6 => End::Bad,
        7 => End::Untaggable,
        _ => End::Canceled(dice.between(0, i64::from(secs.iter().sum::<u32>())) as u32),
    }
}

/// How many kinds of trouble there are.
const TROUBLES: u64 = 17;

impl Action {
    fn work(setting: &Setting, dice: &mut Dice) -> Self {
        let site = dice.below(setting.sites.len() as u64) as u8;
        let secs = secs(dice);
        let end = end(dice, &secs);
        match dice.below(100) {
            0..=69 => {
                let user = if dice.chance(75) {
                    dice.below(MINE)
                } else {
                    dice.below(USERS.len() as u64)
                } as u8;
                let kind = match dice.below(10) {
                    0..=4 => Kind::Build,
                    5..=7 => Kind::Scratch,
                    8 => Kind::Image,
                    _ => Kind::Import,
                };
                let package = dice.below(PACKAGES.len() as u64) as u8;
                Self::Submit {
                    site,
                    user,
                    package,
                    kind,
                    end,
                    secs,
                }
            }
            70..=79 => Self::Again { site, end, secs },
            80..=83 => Self::Delete { site },
            84..=91 => Self::Traffic {
                site,
                count: dice.spread(1, 200) as u16,
            },
            92..=95 => {
                let within = dice.spread(1, 600) as u32;
                let count = dice.spread(2, 30) as u16;
                Self::Mass {
                    site,
                    user: dice.below(MINE) as u8,
                    count,
                    within,
                    scratch: dice.chance(50),
                }
            }
            96..=97 => Self::Follow {
                site,
                nth: dice.below(4) as u8,
            },
            98 => Self::Unfollow {
                site,
                nth: dice.below(4) as u8,
            },
            _ => Self::MarkSeen,
        }
    }

    fn trouble(kind: u64, setting: &Setting, dice: &mut Dice) -> Self {
        let site = dice.below(setting.sites.len() as u64) as u8;
        let ms = dice.spread(50, 4 * HOUR);
        let package = dice.below(PACKAGES.len() as u64) as u8;
        match kind {
            0 => Self::LineBreaks { site, ms },
            1 => Self::BrokerRestarts { site, ms: ms / 8 + 1 },
            2 | 3 => {
                let ill = *dice.pick(&[Ill::Unreachable, Ill::Slow, Ill::Closed, Ill::Patchy]);
                Self::HubIll { site, ms, ill }
            }
            4 => Self::ServerGone { ms },
            5 => Self::ServerHangs {
                ms: ms / 16 + 1,
                takes: dice.chance(50),
            },
            6 => Self::ServerRefuses { ms },
            7 => match dice.below(3) {
                0 => Self::Expire,
                _ => Self::Dismiss {
                    nth: dice.below(4) as u8,
                },
            },
            8 => Self::Switch {
                toggle: dice.below(9) as usize,
                on: dice.chance(60),
            },
            9 => match dice.below(7) {
                0 => Self::Unpause,
                1 => Self::PauseUntilTomorrow,
                2..=4 => Self::Quiet {
                    reason: dice.below(Reason::ALL.len() as u64) as usize,
                    on: dice.chance(50),
                },
                _ => Self::Pause {
                    minutes: dice.spread(1, 600) as u32,
                },
            },
            10 => match dice.below(3) {
                0 => Self::Unmute { package },
                _ => Self::Mute {
                    package,
                    minutes: dice.spread(1, 600) as u32,
                },
            },
            11 => match dice.below(2) {
                0 => {
                    let me = (0..MINE as u8).filter(|_| dice.chance(70)).collect();
                    Self::Users { site, me }
                }
                _ => {
                    let packages = (0..PACKAGES.len() as u8).filter(|_| dice.chance(20)).collect();
                    Self::Packages { site, packages }
                }
            },
            12 => Self::Sleep {
                ms: dice.spread(SECOND, 9 * HOUR),
            },
            13 => match dice.below(3) {
                0 => Self::Zone {
                    zone: (*dice.pick(&ZONES)).to_owned(),
                },
                1 => Self::Battery { on: dice.chance(50) },
                _ => {
                    let by = dice.spread(100, 3 * HOUR);
                    Self::Jump {
                        ms: if dice.chance(50) { by } else { -by },
                    }
                }
            },
            14 => Self::Quit {
                after: dice.below(16) as u8,
                ms: dice.spread(100, 10 * HOUR),
            },
            15 => Self::Kill {
                after: dice.below(24) as u8,
                power: dice.chance(50),
                torn: dice.below(1001) as u16,
                ms: dice.spread(100, 10 * HOUR),
            },
            _ => match dice.below(2) {
                0 => Self::DiskFull { ms },
                _ => Self::DiskSlow { ms },
            },
        }
    }
}
