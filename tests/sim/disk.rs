//! The disk below the journal: takes pages, is full, loses power in the middle of one.
//!
//! The journal is the real one, in a folder of its own, in memory where the system has such a place. A process that is
//! killed leaves what is in the files then; the next one finds a copy of them, since within one process SQLite would
//! still hold its locks. A page that was under way when the power went is on disk in part: what was written after the
//! last sync is there up to some point, or here and there, or is something else. Whatever is left of it, the journal
//! has to come back as it was before that page, or after it, and each time it is held against [`Model`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use koji_notify::journal::{self, FILE, Journal};
use koji_notify::watch::{Keep, Resumed};
use tempfile::TempDir;

use crate::dice::Dice;
use crate::model::Model;

/// Where files are in memory.
const IN_MEMORY: &str = "/dev/shm";

/// What disks write whole.
const SECTOR: usize = 512;

/// How many states are kept that a mutant may lose.
const MAX_UNSYNCED: usize = 4;

pub(crate) struct Disk {
    root: TempDir,
    /// Each run of the program finds a folder of its own.
    folders: u32,
    journal: Option<Journal>,
    /// What is safely there.
    model: Model,
    pub(crate) is_full: bool,
    /// Nothing is synced: only with a mutant.
    pub(crate) is_lazy: bool,
    unsynced: Vec<(Model, Image)>,
    pub(crate) complaints: Vec<String>,
}

/// The files of a journal.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Image {
    base: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let mut builder = tempfile::Builder::new();
        builder.prefix("koji-notify-sim-");
        let root = if Path::new(IN_MEMORY).is_dir() {
            builder.tempdir_in(IN_MEMORY)
        } else {
            builder.tempdir()
        };
        Self {
            root: root.unwrap(),
            folders: 0,
            journal: None,
            model: Model::default(),
            is_full: false,
            is_lazy: false,
            unsynced: Vec::new(),
            complaints: Vec::new(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join(self.folders.to_string())
    }

    /// A program starts.
    pub(crate) fn open(&mut self, now: Timestamp) -> Resumed {
        let opened = journal::open(&self.folder(), now);
        if let Some(aside) = opened.aside {
            self.complaints.push(format!("the journal is set aside: {aside}"));
        }
        match opened.journal {
            Ok(journal) => self.journal = Some(journal),
            Err(error) => self.complaints.push(format!("the journal does not open: {error}")),
        }
        if let Some(difference) = difference(&self.model.resumed(), &opened.resumed) {
            self.complaints
                .push(format!("the journal is not as it should be: {difference}"));
        }
        opened.resumed
    }

    /// Writes a page; whoever does is told that it is safe.
    pub(crate) fn write(&mut self, keeps: &[Keep], now: Timestamp) -> Result<(), ()> {
        if self.is_full {
            return Err(());
        }
        if self.is_lazy {
            self.unsynced.push((self.model.clone(), self.image()));
            let surplus = self.unsynced.len().saturating_sub(MAX_UNSYNCED);
            self.unsynced.drain(..surplus);
        }
        let written = self.journal.as_mut().map(|it| it.write(keeps, now));
        match written {
            Some(Ok(())) => self.model.write(keeps),
            Some(Err(error)) => self.complaints.push(format!("the journal does not write: {error}")),
            None => {}
        }
        Ok(())
    }

    /// The program is no more, and leaves the files as they are; `power`: what was not synced is gone.
    pub(crate) fn crash(&mut self, power: bool) {
        let mut image = self.image();
        if power && self.is_lazy && !self.unsynced.is_empty() {
            (self.model, image) = self.unsynced.swap_remove(0);
        }
        self.unsynced.clear();
        self.leave(&image);
    }

    /// The same, while a page is under way. Returns whether it is there when the files are next opened.
    pub(crate) fn crash_writing(
        &mut self,
        keeps: &[Keep],
        now: Timestamp,
        power: bool,
        torn: u16,
        dice: &mut Dice,
    ) -> bool {
        if self.is_full || self.is_lazy {
            self.crash(power);
            return false;
        }
        let before = self.image();
        let (old, mut new) = (self.model.clone(), self.model.clone());
        if self.journal.as_mut().is_some_and(|it| it.write(keeps, now).is_ok()) {
            new.write(keeps);
        }
        let after = self.image();
        let image = torn_between(&before, &after, power, torn, dice);
        self.leave(&image);
        // What has become of it is seen on a copy: who opens it first mends it.
        let probe = self.root.path().join("probe");
        image.write(&probe);
        let opened = journal::open(&probe, now);
        let is_there = difference(&new.resumed(), &opened.resumed).is_none();
        drop(opened);
        fs::remove_dir_all(&probe).unwrap();
        // If it is neither, the next opening says so.
        self.model = if is_there { new } else { old };
        is_there
    }

    /// The program ends well.
    pub(crate) fn close(&mut self) {
        if let Some(Err(error)) = self.journal.take().map(Journal::close) {
            self.complaints.push(format!("the journal does not close: {error}"));
        }
        self.unsynced.clear();
    }

    fn image(&self) -> Image {
        let folder = self.folder();
        Image {
            base: fs::read(folder.join(FILE)).unwrap_or_default(),
            log: fs::read(folder.join(format!("{FILE}-wal"))).unwrap_or_default(),
        }
    }

    /// Puts the files where the next program finds them.
    fn leave(&mut self, image: &Image) {
        let old = self.folder();
        self.journal = None;
        fs::remove_dir_all(&old).ok();
        self.folders += 1;
        image.write(&self.folder());
    }
}

impl Image {
    fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(FILE), &self.base).unwrap();
        if !self.log.is_empty() {
            fs::write(folder.join(format!("{FILE}-wal")), &self.log).unwrap();
        }
    }
}

/// Returns what is on disk after a page was written in part. The log is written first and synced, then, now and then,
/// its pages go to the base; until the base is synced too, the log stays.
fn torn_between(before: &Image, after: &Image, power: bool, torn: u16, dice: &mut Dice) -> Image {
    if after.base != before.base {
        // The log was synced before the first page of the base.
        let base = mixed(&before.base, &after.base, power, torn, dice);
        let is_folded = after.log.is_empty();
        let log = if is_folded { &before.log } else { &after.log }.clone();
        return Image { base, log };
    }
    let is_longer = after.log.len() >= before.log.len() && after.log[..before.log.len()] == before.log[..];
    let log = if is_longer {
        let (safe, new) = after.log.split_at(before.log.len());
        [safe, &mixed(&[], new, power, torn, dice)].concat()
    } else {
        mixed(&before.log, &after.log, power, torn, dice)
    };
    Image {
        base: before.base.clone(),
        log,
    }
}

/// Returns what is where `new` was being written over `old`: without `power` trouble up to a point, with it anywhere.
fn mixed(old: &[u8], new: &[u8], power: bool, torn: u16, dice: &mut Dice) -> Vec<u8> {
    let until = new.len() * usize::from(torn) / 1000;
    let rest = old.get(until..).unwrap_or_default();
    let kind = if power { dice.below(4) } else { 0 };
    match kind {
        0 => [&new[..until], rest].concat(),
        // The file has its new length, and nothing in it.
        1 => {
            let mut mixed = [&new[..until], rest].concat();
            mixed.resize(new.len().max(old.len()), 0);
            mixed
        }
        // What was there before on the disk, from other files.
        2 => {
            let noise = (until..new.len()).map(|_| dice.below(256) as u8);
            new[..until].iter().copied().chain(noise).collect()
        }
        _ => {
            let mut mixed = old.to_vec();
            mixed.resize(new.len().max(old.len()), 0);
            for (at, sector) in new.chunks(SECTOR).enumerate() {
                if dice.below(1000) < u64::from(torn) {
                    mixed[at * SECTOR..at * SECTOR + sector.len()].copy_from_slice(sector);
                }
            }
            mixed
        }
    }
}

/// Returns in what a journal differs from what it should hold.
fn difference(expected: &Resumed, found: &Resumed) -> Option<String> {
    let stories = |it: &Resumed| -> BTreeMap<_, _> {
        let key = |it: &koji_notify::watch::Filed| (it.story.instance.clone(), it.story.subject.clone());
        it.stories.iter().map(|it| (key(it), it.clone())).collect()
    };
    let due = |it: &Resumed| -> BTreeSet<_> {
        it.due
            .iter()
            .map(|it| it.id)
            .chain(it.due_besides.iter().copied())
            .collect()
    };
    let messages = |it: &Resumed| -> BTreeSet<_> { it.messages.iter().cloned().collect() };
    let on_screen = |it: &Resumed| -> BTreeSet<_> { it.on_screen.iter().cloned().collect() };
    let usual = |it: &Resumed| -> BTreeMap<_, _> {
        it.usual
            .iter()
            .map(|(a, b, it)| ((a.clone(), b.clone()), *it))
            .collect()
    };
    let unlike = |what: &str, a: String, b: String| Some(format!("{what}: {a} expected, {b} found"));
    macro_rules! compare {
        ($what:literal, $of:expr) => {
            let (a, b) = ($of(expected), $of(found));
            if a != b {
                return unlike($what, format!("{a:?}"), format!("{b:?}"));
            }
        };
    }
    compare!("marks", |it: &Resumed| it.marks.clone());
    compare!("contacts", |it: &Resumed| it.contacts.clone());
    compare!("messages", messages);
    compare!("due", due);
    compare!("last tale", |it: &Resumed| it.last_tale);
    compare!("muted", |it: &Resumed| it.muted.clone());
    compare!("pause", |it: &Resumed| it.pause);
    compare!("on screen", on_screen);
    compare!("usual", usual);
    compare!("stories", stories);
    None
}
