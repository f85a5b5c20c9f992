//! Which id belongs to which name at one hub: users, tags and packages that were asked for before.
//!
//! Names change seldom, and asking costs a call each, so answers are kept for [`KEPT_FOR`], in a file that several
//! processes share. A process writes a file of its own beside it and puts it in its place, so readers need no lock and
//! see the old file or the new one, never half of one. Who writes takes in first what the others have learned. A file
//! that cannot be understood is an empty one. That a name is nobody's is remembered for [`ABSENT_FOR`] only, and not
//! in the file.
//!
//! It deliberately knows no hub: the folder is one hub's and is handed in, as is the time. Nothing but names, ids, and
//! when they were learned is kept.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tracing::{debug, warn};

/// How long an answer is believed: users are renamed now and then.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long it is believed that a name is nobody's: it may be made at any time.
pub const ABSENT_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How far ahead the clock may have been that an answer was stamped with.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The most names of a kind that are kept. The oldest go first.
pub const MAX_NAMES: usize = 4096;

/// The most names of a kind that are remembered as nobody's.
pub const MAX_ABSENT: usize = 512;

/// The longest name that is kept, in bytes. A hub takes at most 256 letters.
pub const MAX_NAME: usize = 512;

/// The largest file that is read: somewhat more than we ever write.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// The file in the folder. Another format gets another name, so that two releases do not spoil each other's.
const FILE: &str = "names-1.json";

/// What is known of one hub.
#[derive(Debug)]
pub struct Names {
    pub users: Book,
    pub tags: Book,
    pub packages: Book,
    folder: PathBuf,
}

/// What came of saving.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Saved {
    /// There was nothing new.
    Nothing,
    /// It is in the file.
    Written,
    /// Another process is writing at this moment. What is new is kept and can be saved later.
    Busy,
}

impl Names {
    /// Reads what is in a folder, which need not be there.
    pub fn open(folder: &Path) -> Self {
        let kept = read(&folder.join(FILE));
        Self {
            users: Book::of(kept.users),
            tags: Book::of(kept.tags),
            packages: Book::of(kept.packages),
            folder: folder.to_owned(),
        }
    }

    /// Takes in what other processes have saved meanwhile, and saves what is new here. Never waits for them.
    pub fn save(&mut self, now: Timestamp) -> io::Result<Saved> {
        if !self.books().iter().any(|it| it.is_new) {
            return Ok(Saved::Nothing);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // Released when it is closed.
        let lock = File::open(&self.folder)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Saved::Busy),
            // Without locks, two that write at once may forget what one of them learned, and no more.
            Err(TryLockError::Error(error)) => debug!(%error, "names are saved without a lock"),
        }
        let file = self.folder.join(FILE);
        let kept = read(&file);
        self.users.merge(kept.users, now);
        self.tags.merge(kept.tags, now);
        self.packages.merge(kept.packages, now);
        self.write(&file)?;
        for book in [&mut self.users, &mut self.tags, &mut self.packages] {
            book.is_new = false;
        }
        Ok(Saved::Written)
    }

    /// What a power cut leaves of the file may be nothing: that costs some questions, and waiting for the disk more.
    fn write(&self, file: &Path) -> io::Result<()> {
        let kept = Kept {
            users: self.users.rows(),
            tags: self.tags.rows(),
            packages: self.packages.rows(),
        };
        let mut temporary = tempfile::Builder::new().prefix(".names").tempfile_in(&self.folder)?;
        let mut writer = BufWriter::new(&mut temporary);
        serde_json::to_writer(&mut writer, &kept)?;
        writer.flush()?;
        drop(writer);
        temporary.persist(file)?;
        Ok(())
    }

    fn books(&self) -> [&Book; 3] {
        [&self.users, &self.tags, &self.packages]
    }
}

/// The names and ids of one kind. A name has one id and an id one name: what was learned last holds.
#[derive(Debug, Default)]
pub struct Book {
    by_name: BTreeMap<String, Entry>,
    by_id: BTreeMap<u64, String>,
    absent: BTreeMap<String, Timestamp>,
    is_new: bool,
}

impl Book {
    /// Returns the id that a name has, if that is known.
    pub fn id(&self, name: &str, now: Timestamp) -> Option<u64> {
        let entry = self.by_name.get(name)?;
        is_fresh(entry.learned, now).then_some(entry.id)
    }

    /// Returns the name that an id has, if that is known.
    pub fn name(&self, id: u64, now: Timestamp) -> Option<&str> {
        let name = self.by_id.get(&id)?;
        self.id(name, now).map(|_| name.as_str())
    }

    /// Returns whether the hub said lately that there is none of this name.
    pub fn is_absent(&self, name: &str, now: Timestamp) -> bool {
        let learned = self.absent.get(name);
        learned.is_some_and(|it| is_within(*it, now, ABSENT_FOR))
    }

    /// Keeps what the hub answered. What is no name of Koji's is not kept.
    pub fn learn(&mut self, name: &str, id: u64, now: Timestamp) {
        if !is_name(name) {
            return;
        }
        self.absent.remove(name);
        self.put(name, id, now.as_second());
        self.is_new = true;
    }

    /// Keeps for a while that the hub knows none of this name.
    pub fn learn_absent(&mut self, name: &str, now: Timestamp) {
        if !is_name(name) {
            return;
        }
        if self.forget(name) {
            self.is_new = true;
        }
        self.absent.insert(name.to_owned(), now);
        if self.absent.len() > MAX_ABSENT {
            let oldest = self.absent.iter().min_by_key(|(_, learned)| **learned);
            let oldest = oldest.map(|(name, _)| name.clone());
            oldest.and_then(|it| self.absent.remove(&it));
        }
    }

    fn of(rows: Vec<Row>) -> Self {
        let mut book = Self::default();
        for (name, id, learned) in rows {
            if is_name(&name) {
                book.put(&name, id, learned);
            }
        }
        book
    }

    /// Takes in what others have learned. Of two that disagree, the later one holds; of two at one time, our own.
    fn merge(&mut self, theirs: Vec<Row>, now: Timestamp) {
        let mut rows = theirs;
        rows.extend(self.rows());
        rows.retain(|(_, _, learned)| is_fresh(*learned, now));
        rows.sort_by_key(|(_, _, learned)| *learned);
        self.by_name.clear();
        self.by_id.clear();
        for (name, id, learned) in rows {
            let is_gone = self.absent.get(&name).is_some_and(|it| it.as_second() >= learned);
            if is_name(&name) && !is_gone {
                self.put(&name, id, learned);
            }
        }
        // Somebody has met it since.
        self.absent.retain(|name, _| !self.by_name.contains_key(name));
    }

    fn put(&mut self, name: &str, id: u64, learned: i64) {
        self.forget(name);
        if let Some(former) = self.by_id.insert(id, name.to_owned()) {
            self.by_name.remove(&former);
        }
        self.by_name.insert(name.to_owned(), Entry { id, learned });
        if self.by_name.len() > MAX_NAMES {
            let oldest = self.by_name.iter().min_by_key(|(_, entry)| entry.learned);
            let oldest = oldest.map(|(name, _)| name.clone());
            oldest.map(|it| self.forget(&it));
        }
    }

    fn forget(&mut self, name: &str) -> bool {
        let Some(entry) = self.by_name.remove(name) else {
            return false;
        };
        self.by_id.remove(&entry.id);
        true
    }

    fn rows(&self) -> Vec<Row> {
        let entries = self.by_name.iter();
        entries.map(|(name, it)| (name.clone(), it.id, it.learned)).collect()
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: u64,
    /// In seconds since 1970.
    learned: i64,
}

/// A name, its id, and when it was learned, in seconds since 1970.
type Row = (String, u64, i64);

/// The file, word for word.
#[derive(Default, Deserialize, Serialize)]
struct Kept {
    users: Vec<Row>,
    tags: Vec<Row>,
    packages: Vec<Row>,
}

/// Returns what is in a file; nothing, if that is not there or cannot be understood.
fn read(file: &Path) -> Kept {
    // Nothing that we would wait for is opened.
    if !file.is_file() {
        return Kept::default();
    }
    let mut bytes = Vec::new();
    let content = File::open(file).and_then(|it| it.take(MAX_FILE).read_to_end(&mut bytes));
    let kept = content.and_then(|_| Ok(serde_json::from_slice(&bytes)?));
    kept.unwrap_or_else(|error| {
        warn!(file = %file.display(), %error, "the kept names cannot be read, and are asked for anew");
        Kept::default()
    })
}

/// A stamp from a clock that was far ahead would hold for long.
fn is_fresh(learned: i64, now: Timestamp) -> bool {
    Timestamp::from_second(learned).is_ok_and(|it| is_within(it, now, KEPT_FOR))
}

fn is_within(learned: Timestamp, now: Timestamp, limit: SignedDuration) -> bool {
    let age = now.duration_since(learned);
    -CLOCK_SKEW <= age && age < limit
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn an_answer_is_believed_for_a_week() {
        let mut book = Book::default();
        book.learn("mona", 7, at(0));
        let week = KEPT_FOR.as_secs();
        let known = |seconds: i64| (book.id("mona", at(seconds)), book.name(7, at(seconds)));
        assert_eq!(known(0), (Some(7), Some("mona")));
        assert_eq!(known(week - 1), (Some(7), Some("mona")));
        assert_eq!(known(week), (None, None));
        // The clock was put back: a little is nothing, a day is suspicious.
        assert_eq!(known(-300), (Some(7), Some("mona")));
        assert_eq!(known(-301), (None, None));
        assert_eq!(book.id("Mona", at(0)), None);
    }

    #[test]
    fn nobody_is_nobody_for_minutes() {
        let mut book = Book::default();
        book.learn_absent("mona", at(0));
        assert!(book.is_absent("mona", at(299)));
        assert!(!book.is_absent("mona", at(300)));
        assert!(!book.is_absent("kim", at(0)));
        book.learn("mona", 7, at(10));
        assert!(!book.is_absent("mona", at(10)));
        book.learn_absent("mona", at(20));
        assert_eq!((book.id("mona", at(20)), book.name(7, at(20))), (None, None));
    }

    #[test]
    fn who_is_renamed_has_the_new_name_only() {
        let mut book = Book::default();
        book.learn("mona", 7, at(0));
        book.learn("mona2", 7, at(1));
        assert_eq!(book.name(7, at(1)), Some("mona2"));
        assert_eq!(book.id("mona", at(1)), None);
        // The old name goes to another one.
        book.learn("mona", 8, at(2));
        assert_eq!(book.id("mona", at(2)), Some(8));
        assert_eq!(book.id("mona2", at(2)), Some(7));
        // And is taken over by the first one again.
        book.learn("mona", 7, at(3));
        assert_eq!(book.id("mona", at(3)), Some(7));
        assert_eq!((book.name(8, at(3)), book.id("mona2", at(3))), (None, None));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut book = Book::default();
        for number in 0..MAX_NAMES + 10 {
            let seconds = i64::try_from(number).unwrap();
            book.learn(&format!("n{number}"), number.try_into().unwrap(), at(seconds));
        }
        let now = at(MAX_NAMES.try_into().unwrap());
        assert_eq!((book.by_name.len(), book.by_id.len()), (MAX_NAMES, MAX_NAMES));
        assert_eq!((book.id("n9", now), book.id("n10", now)), (None, Some(10)));
        for number in 0..MAX_ABSENT + 10 {
            book.learn_absent(&format!("a{number}"), at(number.try_into().unwrap()));
        }
        assert_eq!(book.absent.len(), MAX_ABSENT);
        assert!(!book.absent.contains_key("a9") && book.absent.contains_key("a10"));
    }

    #[test]
    fn what_is_no_name_is_not_kept() {
        let mut book = Book::default();
        for name in ["", "a\nb", "a\u{1b}[0m", &"a".repeat(MAX_NAME + 1)] {
            book.learn(name, 1, at(0));
            book.learn_absent(name, at(0));
            assert_eq!((book.id(name, at(0)), book.name(1, at(0))), (None, None));
            assert!(!book.is_absent(name, at(0)));
        }
        assert!(!book.is_new);
        book.learn("Žofie Nová", u64::MAX, at(0));
        assert_eq!(book.name(u64::MAX, at(0)), Some("Žofie Nová"));
    }

    proptest! {
        /// Whatever is learned, lost and merged in whatever order: both ways agree, and the last word holds.
        #[test]
        fn a_name_has_one_id_and_an_id_one_name(
            steps in prop::collection::vec((0_u8..4, 0_u8..5, 0_u64..5, 0_i64..400), 0..40),
        ) {
            let mut book = Book::default();
            let mut now = 0;
            for (what, name, id, later) in steps {
                let name = format!("n{name}");
                now += later;
                match what {
                    0 | 1 => {
                        book.learn(&name, id, at(now));
                        prop_assert_eq!(book.id(&name, at(now)), Some(id));
                        prop_assert_eq!(book.name(id, at(now)), Some(name.as_str()));
                    }
                    2 => {
                        book.learn_absent(&name, at(now));
                        prop_assert_eq!(book.id(&name, at(now)), None);
                        prop_assert!(book.is_absent(&name, at(now)));
                    }
                    _ => {
                        // Somebody else has learned it a while ago: what we have learned since stays, and if we
                        // have learned nothing at all since, theirs holds.
                        let stamp = at(now - later).as_second();
                        let ours: Vec<(String, Entry)> = book.by_name.clone().into_iter().collect();
                        let is_gone = book.absent.get(&name).is_some_and(|it| it.as_second() >= stamp);
                        book.merge(vec![(name.clone(), id, stamp)], at(now));
                        for (name, entry) in ours.iter().filter(|(_, it)| it.learned >= stamp) {
                            prop_assert_eq!(book.id(name, at(now)), Some(entry.id));
                        }
                        let is_latest = ours.iter().all(|(_, it)| it.learned < stamp);
                        if is_latest {
                            prop_assert_eq!(book.id(&name, at(now)) == Some(id), !is_gone);
                        }
                    }
                }
                let both = book.absent.keys().find(|it| book.by_name.contains_key(*it));
                prop_assert_eq!(both, None);
                prop_assert_eq!(book.by_name.len(), book.by_id.len());
                for (name, entry) in &book.by_name {
                    prop_assert_eq!(book.by_id.get(&entry.id), Some(name));
                }
            }
        }
    }
}
