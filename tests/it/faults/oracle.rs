//! What was published, against what was shown, over all lives of the daemon.
//!
//! Three witnesses: what was published; each `Notify` that a notification server took; and the daemon's journal, which
//! knows what a digest told beyond the few names that it lists. A build is known by its name, version and release.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::notices::server::Call;

/// All that was published and shown so far.
#[derive(Default)]
pub(super) struct Oracle {
    published: BTreeSet<String>,
    shown: Vec<Shown>,
    kills: Vec<Kill>,
    /// How many of what is published were on record as told when the present life began.
    told_before: usize,
    /// Session buses before this one: on each, names are counted from the beginning.
    buses: u64,
}

/// A notification.
#[derive(Debug)]
struct Shown {
    /// Who has shown it: which bus, and the number of its connection there.
    by: (u64, u64),
    names: Vec<String>,
    /// How many builds it tells of; a digest names some.
    count: usize,
    is_digest: bool,
}

/// The end of a life.
struct Kill {
    /// Whoever has a later number has lived later.
    until: (u64, u64),
    /// What was on record as told.
    told: BTreeSet<String>,
}

/// What the journal says of one thing that was to be told.
#[derive(Clone, Debug)]
pub(super) struct Row {
    nvr: String,
    /// `due`, `told`, `digest` or `dropped`.
    outcome: String,
    at: i64,
}

impl Row {
    fn is_told(&self) -> bool {
        self.outcome == "told" || self.outcome == "digest"
    }
}

impl Oracle {
    /// A build of mine has ended, and this is, or will be, known to the daemon.
    pub(super) fn published(&mut self, nvr: &str) {
        assert!(self.published.insert(nvr.to_owned()), "{nvr} twice");
    }

    /// A notification server took this. Returns whether it was the present life that has shown it.
    pub(super) fn saw(&mut self, call: &Call) -> bool {
        let shown = read(call, self.buses);
        let is_new = self.is_of_this_life(&shown);
        self.shown.push(shown);
        is_new
    }

    fn is_of_this_life(&self, shown: &Shown) -> bool {
        self.kills.last().is_none_or(|it| shown.by > it.until)
    }

    /// The daemon was killed. Its journal says this; whoever connects to the bus from now on has a number above `until`.
    pub(super) fn killed(&mut self, until: u64, journal: &[Row]) {
        let told: BTreeSet<_> = journal
            .iter()
            .filter(|it| it.is_told())
            .map(|it| it.nvr.clone())
            .collect();
        self.told_before = told.len();
        self.kills.push(Kill {
            until: (self.buses, until),
            told,
        });
    }

    /// There is another session bus.
    pub(super) fn another_bus(&mut self) {
        self.buses += 1;
    }

    /// Returns whether all that was published was told before or in this life.
    pub(super) fn is_all_told(&self) -> bool {
        let now = self.shown.iter().filter(|it| self.is_of_this_life(it));
        self.told_before + now.map(|it| it.count).sum::<usize>() >= self.published.len()
    }

    /// Compares all that was published with all that was shown and with what the journal says at the end.
    pub(super) fn judge(&self, journal: &[Row]) {
        let wrong = self.wrongs(journal);
        println!("{}", self.summary());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// The same where the journal was lost on the way: each build is named on some screen, once.
    pub(super) fn judge_without_journal(&self) {
        let mut names: Vec<_> = self.shown.iter().flat_map(|it| it.names.clone()).collect();
        names.sort();
        let published: Vec<_> = self.published.iter().cloned().collect();
        assert_eq!(names, published);
    }

    fn summary(&self) -> String {
        let digests = self.shown.iter().filter(|it| it.is_digest).count();
        let told: usize = self.shown.iter().map(|it| it.count).sum();
        format!(
            "{} kills; {} builds, told {told} times, in {} notifications, {digests} of them digests",
            self.kills.len(),
            self.published.len(),
            self.shown.len(),
        )
    }

    fn wrongs(&self, journal: &[Row]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut rows: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in journal {
            rows.entry(&row.nvr).or_default().push(row);
        }
        for nvr in &self.published {
            match rows.get(&**nvr).map(|it| &**it) {
                Some([only]) if only.is_told() => {}
                other => wrong.push(format!("{nvr} in the journal: {other:?}")),
            }
        }
        let strangers = rows.keys().filter(|it| !self.published.contains(**it));
        wrong.extend(strangers.map(|it| format!("{it} in the journal, and never published")));
        for shown in &self.shown {
            let strangers = shown.names.iter().filter(|it| !self.published.contains(*it));
            wrong.extend(strangers.map(|it| format!("{it} on screen, and never published")));
        }

        // What the journal says was told in one digest, one card told.
        let mut groups: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
        for row in journal.iter().filter(|it| it.outcome == "digest") {
            groups.entry(row.at).or_default().insert(&row.nvr);
        }
        let mut unmatched: Vec<&Shown> = self.shown.iter().filter(|it| it.is_digest).collect();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for group in groups.values() {
            let is_it = |it: &&Shown| it.count == group.len() && it.names.iter().all(|it| group.contains(&**it));
            match unmatched.iter().rposition(is_it) {
                Some(place) => _ = unmatched.remove(place),
                None => wrong.push(format!("on record as told in one digest, and nobody saw it: {group:?}")),
            }
            for nvr in group {
                *times.entry(nvr).or_default() += 1;
            }
        }
        let singles = self.shown.iter().filter(|it| !it.is_digest);
        for shown in singles.chain(unmatched.iter().copied()) {
            for nvr in &shown.names {
                *times.entry(nvr).or_default() += 1;
            }
        }
        for row in journal.iter().filter(|it| it.outcome == "told") {
            let is_it = |it: &Shown| !it.is_digest && *it.names == [row.nvr.clone()];
            if !self.shown.iter().any(is_it) {
                wrong.push(format!("{} on record as told, and nobody saw it", row.nvr));
            }
        }

        // Beyond once: as often as it was on screen, and not on record, when the daemon was killed.
        let mut allowed: BTreeMap<&str, usize> = BTreeMap::new();
        let mut beyond = 0;
        for (shown, kill) in self.shown.iter().filter_map(|it| Some((it, self.kill_of(it)?))) {
            let unrecorded: Vec<_> = shown.names.iter().filter(|it| !kill.told.contains(*it)).collect();
            if unrecorded.len() == shown.names.len() {
                beyond += shown.count;
            }
            for nvr in unrecorded {
                *allowed.entry(nvr).or_default() += 1;
            }
        }
        for (nvr, times) in times {
            let most = 1 + allowed.get(nvr).copied().unwrap_or_default();
            if times > most {
                wrong.push(format!("{nvr} was told {times} times, and may be {most} times"));
            }
        }
        for digest in unmatched {
            let is_excused = self
                .kill_of(digest)
                .is_some_and(|kill| digest.names.iter().all(|it| !kill.told.contains(it)));
            if !is_excused {
                wrong.push(format!("a digest that is not on record: {digest:?}"));
            }
        }
        let told: usize = self.shown.iter().map(|it| it.count).sum();
        if told < self.published.len() || told > self.published.len() + beyond {
            wrong.push(format!(
                "told {told} times in all; {} are published, and {beyond} may be told again",
                self.published.len()
            ));
        }
        wrong
    }

    /// Returns the kill that has ended the life which has shown this.
    fn kill_of(&self, shown: &Shown) -> Option<&Kill> {
        self.kills.iter().find(|it| shown.by <= it.until)
    }
}

/// Reads a notification as a person does.
fn read(call: &Call, bus: u64) -> Shown {
    let by = (bus, number(&call.sender));
    for end in [" is built", " is fixed", " failed", " failed again", " was canceled"] {
        if let Some(nvr) = call.title.strip_suffix(end)
            && nvr.ends_with(".fc44")
        {
            return Shown {
                by,
                names: vec![nvr.to_owned()],
                count: 1,
                is_digest: false,
            };
        }
    }
    let mut names = Vec::new();
    let mut count = 0;
    for line in call.body.lines() {
        if let Some(more) = line.strip_prefix("And ") {
            count += first_number(more);
            continue;
        }
        if line.starts_with("Many builds at once: ") {
            continue;
        }
        let (_, list) = line.split_once(": ").unwrap_or_else(|| panic!("what is this? {call}"));
        if let Ok(number) = list.parse::<usize>() {
            // So many that none is named.
            count += number;
            continue;
        }
        let (list, more) = match list.split_once(" more") {
            Some((list, "")) => {
                let (list, more) = list.rsplit_once(" and ").unwrap();
                (list, first_number(more))
            }
            _ => (list, 0),
        };
        let before = names.len();
        let parts = list.split(", ").flat_map(|it| it.split(" and "));
        names.extend(parts.map(str::to_owned));
        count += names.len() - before + more;
    }
    assert!(count > 1, "what is this? {call}");
    Shown {
        by,
        names,
        count,
        is_digest: true,
    }
}

fn first_number(text: &str) -> usize {
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Returns the number in a unique name: 57 of `:1.57`.
pub(super) fn number(unique_name: &str) -> u64 {
    unique_name.rsplit('.').next().unwrap().parse().unwrap()
}

/// Reads what a journal in a folder says was to be told.
pub(super) fn journal(folder: &Path) -> Vec<Row> {
    let (_copy, connection) = opened(folder);
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'tales'";
    let tables: i64 = connection.query_row(tables, (), |row| row.get(0)).unwrap();
    if tables == 0 {
        return Vec::new();
    }
    let tales =
        "SELECT coalesce(json_extract(story, '$.nvr.name') || '-' || json_extract(story, '$.nvr.version') || '-'
            || json_extract(story, '$.nvr.release'), subject), outcome, at FROM tales ORDER BY number";
    let mut tales = connection.prepare(tales).unwrap();
    let rows = tales.query_map((), |row| {
        Ok(Row {
            nvr: row.get(0)?,
            outcome: row.get(1)?,
            at: row.get(2)?,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Reads which numbers a journal says notification servers have given to what is on screen.
pub(super) fn on_screen(folder: &Path) -> Vec<u32> {
    let (_copy, connection) = opened(folder);
    let mut numbers = connection
        .prepare("SELECT number FROM on_screen ORDER BY number")
        .unwrap();
    let numbers = numbers.query_map((), |row| row.get(0));
    numbers.unwrap().map(Result::unwrap).collect()
}

/// Opens a copy of a journal: what a killed daemon has left is for the next one to find as it is.
fn opened(folder: &Path) -> (TempDir, Connection) {
    let copy = tempfile::tempdir().unwrap();
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        if let Ok(bytes) = fs::read(folder.join(name)) {
            fs::write(copy.path().join(name), bytes).unwrap();
        }
    }
    let connection = Connection::open(copy.path().join("journal.sqlite")).unwrap();
    (copy, connection)
}

#[test]
fn the_oracle_finds_what_is_told_twice_never_or_only_on_paper() {
    let told = |nvr: &str, outcome: &str, at: i64| Row {
        nvr: nvr.to_owned(),
        outcome: outcome.to_owned(),
        at,
    };
    let shown = |by: u64, names: &[&str], count: usize| Shown {
        by: (0, by),
        names: names.iter().map(|&it| it.to_owned()).collect(),
        count,
        is_digest: count > 1,
    };
    let wrongs = |shown: Vec<Shown>, killed: &[&str], journal: &[Row]| {
        let mut oracle = Oracle::default();
        for nvr in ["a", "b", "c"] {
            oracle.published(nvr);
        }
        oracle.shown = shown;
        let rows: Vec<_> = killed.iter().map(|it| told(it, "told", 1)).collect();
        oracle.killed(10, &rows);
        oracle.wrongs(journal).len()
    };
    let well = [told("a", "told", 1), told("b", "digest", 2), told("c", "digest", 2)];
    assert_eq!(
        wrongs(vec![shown(5, &["a"], 1), shown(15, &["b"], 2)], &["a"], &well),
        0
    );
    // Shown, killed before it was on record, shown again: once more for this kill, and no more.
    let again = || vec![shown(5, &["a"], 1), shown(15, &["a"], 1), shown(15, &["b"], 2)];
    assert_eq!(wrongs(again(), &[], &well), 0);
    assert_ne!(wrongs(again(), &["a"], &well), 0, "it was on record");
    let digests = || vec![shown(5, &["a"], 1), shown(5, &["c"], 2), shown(15, &["b"], 2)];
    assert_eq!(wrongs(digests(), &["a"], &well), 0);
    assert_ne!(wrongs(digests(), &["a", "c"], &well), 0, "it was on record");
    // A digest that nobody saw, and one that names somebody else.
    assert_eq!(wrongs(vec![shown(5, &["a"], 1)], &["a"], &well), 2);
    assert_eq!(
        wrongs(vec![shown(5, &["a"], 1), shown(15, &["x"], 2)], &["a"], &well),
        3
    );
    // Never told, and told by nobody's order.
    let due = [told("a", "told", 1), told("b", "due", 2), told("c", "digest", 2)];
    assert!(wrongs(vec![shown(5, &["a"], 1)], &["a"], &due) > 0);
    let more = [&well[..], &[told("d", "told", 3)]].concat();
    assert!(wrongs(vec![shown(5, &["a"], 1), shown(15, &["b"], 2)], &["a"], &more) > 0);
}
