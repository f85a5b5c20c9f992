//! What was dealt with, on disk: so that a restart neither repeats nor misses what ended around it.
//!
//! One small file, `dealt-with.json` in the state folder: for each instance the time up to which the hub has told
//! everything, and the endings after it that were told all the same. It is written beside the old one and takes its
//! place at once. A file that cannot be read is set aside under a name with a date, and said; never deleted.
//!
//! It deliberately does not know what was told, nor in which words.
//!
//! **Invariant:** this room imports `koji` and `watch` only.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::koji::{BuildId, BuildState, Change, InstanceName, Nvr, Subject, TaskId, TaskState};
use crate::watch::{Ending, News, Resumed, Standing};

/// The name of the file in the state folder.
const FILE: &str = "dealt-with.json";

/// The most endings that are kept of an instance; the oldest make room.
pub const MAX_ENDINGS: usize = 500;

/// A larger file is not ours.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// How long an ending is kept after everything up to it was dealt with: a message about it may still come.
const KEPT: SignedDuration = SignedDuration::from_hours(48);

/// What was dealt with.
#[derive(Debug, Default)]
pub struct Journal {
    folder: PathBuf,
    instances: BTreeMap<InstanceName, Dealt>,
    is_dirty: bool,
}

#[derive(Debug, Default)]
struct Dealt {
    mark: Option<Timestamp>,
    endings: VecDeque<(Subject, Ending)>,
}

/// The file, word for word.
#[derive(Deserialize, Serialize)]
struct Written {
    version: u32,
    instances: BTreeMap<String, WrittenDealt>,
}

#[derive(Deserialize, Serialize)]
struct WrittenDealt {
    mark: Option<Timestamp>,
    endings: Vec<WrittenEnding>,
}

#[derive(Deserialize, Serialize)]
struct WrittenEnding {
    #[serde(skip_serializing_if = "Option::is_none")]
    build: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nvr: Option<String>,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
}

/// Something to be written, apart from the journal, so that it can be written behind a door.
#[derive(Debug)]
pub struct Page {
    folder: PathBuf,
    text: Vec<u8>,
}

impl Journal {
    /// Reads what an earlier run left in a folder. The second value tells what went wrong, where something did; the
    /// file in question was set aside and the journal begins anew.
    pub fn open(folder: &Path, now: Timestamp) -> (Self, Option<io::Error>) {
        let mut journal = Self {
            folder: folder.to_owned(),
            ..Self::default()
        };
        let file = folder.join(FILE);
        let trouble = match read(&file) {
            Ok(Some(written)) => {
                journal.instances = instances(written);
                None
            }
            Ok(None) => None,
            Err(error) => {
                let aside = folder.join(format!("{FILE}.broken-{}", now.strftime("%Y%m%dT%H%M%SZ")));
                let moved = fs::rename(&file, &aside);
                let outcome = match moved {
                    Ok(()) => format!("{}: {error}; set aside as {}", file.display(), aside.display()),
                    Err(other) => format!("{}: {error}; it cannot be set aside: {other}", file.display()),
                };
                Some(io::Error::new(error.kind(), outcome))
            }
        };
        (journal, trouble)
    }

    /// Returns what the earlier run had dealt with.
    pub fn resumed(&self) -> Resumed {
        let mark = |(name, it): (&InstanceName, &Dealt)| Some((name.clone(), it.mark?));
        let endings = |(name, it): (&InstanceName, &Dealt)| {
            let name = name.clone();
            let endings = it.endings.clone().into_iter();
            endings.map(move |(subject, ending)| (name.clone(), subject, ending))
        };
        Resumed {
            marks: self.instances.iter().filter_map(mark).collect(),
            endings: self.instances.iter().flat_map(endings).collect(),
        }
    }

    /// Notes that news was dealt with. What is no ending leaves no trace.
    pub fn record(&mut self, news: &News) {
        let standing = match &news.change {
            Change::Build(it) if it.new.is_settled() => Standing::Build(it.new),
            Change::Task(it) if it.new.is_settled() => Standing::Task(it.new),
            Change::Build(_) | Change::Task(_) | Change::Tag(_) => return,
        };
        let dealt = self.instances.entry(news.instance.clone()).or_default();
        let ending = (news.change.subject(), (standing, news.change.happened()));
        if dealt.endings.contains(&ending) {
            return;
        }
        while dealt.endings.len() >= MAX_ENDINGS {
            dealt.endings.pop_front();
        }
        dealt.endings.push_back(ending);
        self.is_dirty = true;
    }

    /// Notes that everything that ended until then was dealt with.
    pub fn mark(&mut self, instance: InstanceName, mark: Timestamp) {
        let dealt = self.instances.entry(instance).or_default();
        if dealt.mark == Some(mark) {
            return;
        }
        dealt.mark = Some(mark);
        let oldest = mark.saturating_sub(KEPT).unwrap_or(mark);
        dealt
            .endings
            .retain(|(_, (_, ended))| ended.is_none_or(|it| it > oldest));
        self.is_dirty = true;
    }

    /// Returns what is to be written, if anything has changed since the last page.
    pub fn page(&mut self) -> Option<Page> {
        if !std::mem::take(&mut self.is_dirty) {
            return None;
        }
        let written = Written {
            version: 1,
            instances: self
                .instances
                .iter()
                .map(|(name, it)| (name.to_string(), it.into()))
                .collect(),
        };
        Some(Page {
            folder: self.folder.clone(),
            text: serde_json::to_vec(&written).ok()?,
        })
    }
}

impl Page {
    /// Writes the page in the place of the one before.
    ///
    /// # Errors
    ///
    /// If the folder or the file cannot be written; the page before is still there.
    pub fn write(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&self.text)?;
        file.as_file().sync_data()?;
        file.persist(self.folder.join(FILE))?;
        Ok(())
    }
}

fn read(file: &Path) -> io::Result<Option<Written>> {
    let found = match fs::metadata(file) {
        Ok(it) => it,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if found.len() > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than we write it"));
    }
    let written: Written = serde_json::from_slice(&fs::read(file)?)?;
    if written.version != 1 {
        let told = format!("version {} is not 1", written.version);
        return Err(io::Error::new(io::ErrorKind::InvalidData, told));
    }
    Ok(Some(written))
}

fn instances(written: Written) -> BTreeMap<InstanceName, Dealt> {
    let dealt = |it: WrittenDealt| Dealt {
        mark: it.mark,
        endings: it.endings.into_iter().filter_map(ending).take(MAX_ENDINGS).collect(),
    };
    let instances = written.instances.into_iter();
    instances
        .map(|(name, it)| (InstanceName::new(&name), dealt(it)))
        .collect()
}

fn ending(written: WrittenEnding) -> Option<(Subject, Ending)> {
    let (subject, standing) = match (written.build, written.task, written.nvr) {
        (Some(build), _, _) => (
            Subject::Build(BuildId(build)),
            Standing::Build(BuildState::from_name(&written.state)?),
        ),
        (None, Some(task), _) => (
            Subject::Task(TaskId(task)),
            Standing::Task(TaskState::from_name(&written.state)?),
        ),
        (None, None, Some(nvr)) => (
            Subject::NamedBuild(Nvr::parse(&nvr)?),
            Standing::Build(BuildState::from_name(&written.state)?),
        ),
        (None, None, None) => return None,
    };
    Some((subject, (standing, written.ended)))
}

impl From<&Dealt> for WrittenDealt {
    fn from(dealt: &Dealt) -> Self {
        let ending = |(subject, (standing, ended)): &(Subject, Ending)| {
            let (build, task, nvr) = match subject {
                Subject::Build(it) => (Some(it.0), None, None),
                Subject::Task(it) => (None, Some(it.0), None),
                Subject::NamedBuild(it) => (None, None, Some(it.to_string())),
            };
            WrittenEnding {
                build,
                task,
                nvr,
                state: standing.name().to_owned(),
                ended: *ended,
            }
        };
        Self {
            mark: dealt.mark,
            endings: dealt.endings.iter().map(ending).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::koji::BuildChange;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn news(build: u64, second: i64) -> News {
        News {
            instance: InstanceName::new("fedora"),
            delivery: None,
            message: None,
            sent: None,
            change: Change::Build(BuildChange {
                build: Some(BuildId(build)),
                nvr: Nvr::parse("bash-5.3-1.fc43").unwrap(),
                old: None,
                new: BuildState::Failed,
                owner: None,
                task: None,
                target: None,
                started: None,
                created: None,
                completed: Some(time(second)),
                children: Vec::new(),
            }),
        }
    }

    #[test]
    fn what_was_dealt_with_is_known_to_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("new");
        let (mut journal, trouble) = Journal::open(&state, time(0));
        assert!(trouble.is_none());
        assert!(journal.page().is_none());
        journal.mark(InstanceName::new("fedora"), time(5));
        journal.record(&news(7, 10));
        journal.record(&news(7, 10));
        journal.page().unwrap().write().unwrap();
        assert!(journal.page().is_none(), "nothing new to write");
        let (next, trouble) = Journal::open(&state, time(0));
        assert!(trouble.is_none());
        assert_eq!(next.resumed(), journal.resumed());
        assert_eq!(next.resumed().endings.len(), 1);
        assert_eq!(next.resumed().marks[&InstanceName::new("fedora")], time(5));
    }

    #[test]
    fn a_broken_file_is_set_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{\"version\": 1, \"inst").unwrap();
        let (journal, trouble) = Journal::open(folder.path(), time(0));
        assert_eq!(journal.resumed(), Resumed::default());
        let said = trouble.unwrap().to_string();
        assert!(said.contains("set aside as"), "{said}");
        let names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 1);
        assert!(
            names[0].to_str().unwrap().starts_with("dealt-with.json.broken-2026"),
            "{names:?}"
        );
    }

    #[test]
    fn it_stays_small() {
        let mut journal = Journal::default();
        for n in 0..2000 {
            journal.record(&news(n, n as i64));
        }
        assert_eq!(journal.resumed().endings.len(), MAX_ENDINGS);
        let two_days = 48 * 3600;
        journal.mark(InstanceName::new("fedora"), time(1999 + two_days));
        assert_eq!(journal.resumed().endings.len(), 0);
    }
}
