//! A notification, whatever the facts are made of: a hub, a log and a broker write them, and so may anybody.
//!
//! The input is a list of texts with the byte 0xff between them, which no text has. The first one chooses what is told;
//! the others go into every place where a text of strangers can stand.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use koji_notify::koji::{
    BuildId, BuildState, Cause, CauseClass, Child, InstanceName, LogName, Nvr, Site, Subject, TaskId, TaskState,
};
use koji_notify::view::card::card;
use koji_notify::watch::{
    Act, Deed, Digest, Fate, NotDone, Notice, NoticeId, Reply, Row, RuleName, Standing, Story, Tale, TaleId, Telling,
    Trend, Whereabouts,
};

use super::letters;
use super::seeds::{self, Seed};

pub const WORDS: &[&str] = &[
    "<b>",
    "</b>",
    "<a href=\"x\">",
    "<img src='x'/>",
    "&amp;",
    "&#10;",
    "&",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{9b}",
    "\u{ad}",
    "\u{61c}",
    "\u{200b}",
    "\u{200e}",
    "\u{200f}",
    "\u{2028}",
    "\u{2029}",
    "\u{202a}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{feff}",
    "\u{e0001}",
    "{what}",
    "{names}",
    "{",
    "}",
    "%s",
    "bash",
    "aarch64",
    "buildArch",
    "ééééééééééééééééééééééééééééééééééééééé",
];

/// Hands out choices and texts, and begins again where they end.
struct Facts<'a> {
    choices: &'a [u8],
    chosen: usize,
    texts: Vec<String>,
    told: usize,
}

impl<'a> Facts<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut parts = bytes.split(|it| *it == 0xff);
        let choices = parts.next().unwrap_or_default();
        Self {
            choices,
            chosen: 0,
            texts: parts.map(|it| String::from_utf8_lossy(it).into_owned()).collect(),
            told: 0,
        }
    }

    fn number(&mut self) -> usize {
        let number = self.choices.get(self.chosen % self.choices.len().max(1));
        self.chosen += 1;
        number.map_or(0, |it| usize::from(*it))
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.number() % all.len()].clone()
    }

    fn flag(&mut self) -> bool {
        self.number() % 2 == 1
    }

    fn text(&mut self) -> String {
        let text = self.texts.get(self.told % self.texts.len().max(1));
        self.told += 1;
        text.cloned().unwrap_or_default()
    }

    fn maybe_text(&mut self) -> Option<String> {
        let text = self.text();
        self.flag().then_some(text)
    }

    fn nvr(&mut self) -> Nvr {
        Nvr {
            name: self.text(),
            version: self.text(),
            release: self.text(),
        }
    }

    fn children(&mut self) -> Vec<Child> {
        const STATES: [Option<TaskState>; 5] = [
            Some(TaskState::Failed),
            Some(TaskState::Closed),
            Some(TaskState::Open),
            Some(TaskState::Free),
            None,
        ];
        let count = self.number() % 9;
        let child = |_| {
            let method = match self.number() % 4 {
                0 => "buildArch".to_owned(),
                1 => "buildSRPMFromSCM".to_owned(),
                2 => "tagBuild".to_owned(),
                _ => self.text(),
            };
            Child {
                task: TaskId(self.number() as u64),
                method,
                arch: self.text(),
                state: self.one_of(&STATES),
            }
        };
        (0..count).map(child).collect()
    }

    fn cause(&mut self) -> Cause {
        const CLASSES: [CauseClass; 8] = [
            CauseClass::Package,
            CauseClass::SourceRpm,
            CauseClass::Dependencies,
            CauseClass::Buildroot,
            CauseClass::Policy,
            CauseClass::Tagging,
            CauseClass::Canceled,
            CauseClass::Unknown,
        ];
        let lines = self.number() % 5;
        Cause {
            class: self.one_of(&CLASSES),
            task: None,
            method: self.maybe_text(),
            arch: self.maybe_text(),
            fault: self.text(),
            log: self.flag().then_some((TaskId(7), LogName::Build)),
            lines: (0..lines).map(|_| self.text()).collect(),
            by: self.maybe_text(),
        }
    }

    fn story(&mut self) -> Story {
        let second = |it: usize| Timestamp::from_second(1_800_000_000 + 977 * it as i64).unwrap();
        let standings = [
            Standing::Build(BuildState::Building),
            Standing::Build(BuildState::Complete),
            Standing::Build(BuildState::Deleted),
            Standing::Build(BuildState::Failed),
            Standing::Build(BuildState::Canceled),
            Standing::Task(TaskState::Open),
            Standing::Task(TaskState::Closed),
            Standing::Task(TaskState::Failed),
            Standing::Task(TaskState::Canceled),
        ];
        let subject = match self.number() % 3 {
            0 => Subject::Build(BuildId(77)),
            1 => Subject::Task(TaskId(4711)),
            _ => Subject::NamedBuild(self.nvr()),
        };
        let whereabouts = match self.number() % 4 {
            0 => Whereabouts::Unknown,
            1 => Whereabouts::Tagged,
            2 => Whereabouts::NotTagged,
            _ => Whereabouts::InRepo(self.text()),
        };
        let row = Row {
            failures: self.number() as u32,
            since: second(self.number()),
        };
        let trends = [Trend::First, Trend::Broken, Trend::StillBroken(row), Trend::Fixed(row)];
        let trend = self.flag().then(|| self.one_of(&trends));
        let nvr = self.nvr();
        Story {
            instance: InstanceName::new(&self.text()),
            subject,
            task: self.flag().then_some(TaskId(5)),
            nvr: self.flag().then_some(nvr),
            package: self.maybe_text(),
            method: self.maybe_text(),
            owner: self.maybe_text(),
            mine: self.flag(),
            target: self.maybe_text(),
            scratch: self.flag(),
            standing: self.one_of(&standings),
            children: self.children(),
            started: self.flag().then(|| second(self.number())),
            ended: self.flag().then(|| second(self.number())),
            changed: second(self.number()),
            cause: if self.flag() { Some(self.cause()) } else { None },
            usual: self.flag().then_some(SignedDuration::from_mins(9)),
            whereabouts,
            followed: self.flag(),
            trend,
        }
    }

    fn tale(&mut self) -> Tale {
        let fate = match self.number() % 9 {
            0 => Fate::Started,
            1 => Fate::Finished,
            2 => Fate::Doomed,
            3 => Fate::Failed,
            4 => Fate::Canceled,
            5 => Fate::Tagged(self.text()),
            6 => Fate::Untagged(self.text()),
            7 => Fate::NotTagged,
            _ => Fate::InRepo(self.text()),
        };
        Tale {
            id: TaleId::default(),
            fate,
            story: self.story(),
            rule: RuleName::MyBuilds,
            late: self.flag(),
        }
    }

    fn telling(&mut self) -> Telling {
        let act = self.one_of(&[Act::Resubmit, Act::Cancel]);
        match self.number() % 6 {
            0 | 1 => Telling::One(self.tale()),
            2 => {
                let tales = 1 + self.number() % 24;
                Telling::Many(Digest {
                    tales: (0..tales).map(|_| self.tale()).collect(),
                    left_out: self.number() as u32,
                    besides: Vec::new(),
                    away: self.flag(),
                    mass: self.flag(),
                })
            }
            3 => Telling::Confirm(act, self.story()),
            4 => {
                let done = match self.number() % 3 {
                    0 => Ok(None),
                    1 => Ok(Some(TaskId(9))),
                    _ => Err(NotDone {
                        why: self.text(),
                        perhaps: self.flag(),
                    }),
                };
                let story = self.story();
                Telling::Acted(Deed { act, story, done })
            }
            _ => Telling::Following(match self.number() % 5 {
                0 => None,
                1 => Some(Reply::Unknown),
                2 => Some(Reply::NoHub),
                3 => Some(Reply::NoAnswer(self.text())),
                _ => Some(Reply::Is(self.story())),
            }),
        }
    }
}

pub fn check(bytes: &[u8]) {
    let mut facts = Facts::read(bytes);
    let telling = facts.telling();
    let instances = match &telling {
        Telling::One(tale) => vec![tale.story.instance.clone()],
        Telling::Many(digest) => digest.tales.iter().map(|it| it.story.instance.clone()).collect(),
        Telling::Confirm(_, story) => vec![story.instance.clone()],
        Telling::Acted(deed) => vec![deed.story.instance.clone()],
        Telling::Following(Some(Reply::Is(story))) => vec![story.instance.clone()],
        Telling::Following(_) => Vec::new(),
    };
    let notice = Notice {
        id: NoticeId(1),
        replaces: facts.flag(),
        telling,
        sound: facts.flag(),
        stays: facts.flag(),
        retry: facts.flag(),
    };
    let site = Site {
        weburl: Some("https://koji.example.org/koji".to_owned()),
        topurl: facts.flag().then(|| "https://files.example.org".to_owned()),
    };
    let sites: BTreeMap<InstanceName, Site> = instances.into_iter().map(|it| (it, site.clone())).collect();
    letters::check(&card(&notice, &sites), &sites);
}

/// Every kind of card, made of texts that are as they should be and of texts that are not.
pub fn seeds() -> Vec<Seed> {
    let plain = "bash|5.3|1.fc43|mona|rawhide|f44-updates-candidate|aarch64|x86_64|fedora";
    let markup = "<b>bash</b>|&lt;5.3|1.\"fc43'|a&b|</span>|<a href=\"https://x\">x</a>|<img src='x'/>";
    let acting = "a\u{1b}[31mb|\u{202e}c|d\ne|f\u{2028}g|\u{61c}h\u{200f}|i\0j|k\u{9b}l|m\tn|\u{2067}o";
    let long = "x".repeat(3000);
    let mut found = Vec::new();
    for (name, texts) in [
        ("plain", plain),
        ("markup", markup),
        ("acting", acting),
        ("long", &long),
    ] {
        for kind in 0..6_u8 {
            for turn in 0..4_u8 {
                let choices: Vec<u8> = (0..40_u8)
                    .map(|it| it.wrapping_mul(7 + 2 * turn) / 3 + kind * turn)
                    .collect();
                let choices = [&[turn, kind][..], &choices].concat();
                let texts = texts.split('|').map(str::as_bytes);
                let parts: Vec<&[u8]> = [&choices[..]].into_iter().chain(texts).collect();
                found.push(Seed::new(&format!("{name}-{kind}-{turn}"), parts.join(&0xff_u8)));
            }
        }
    }
    found.extend(seeds::kept("card"));
    found
}
