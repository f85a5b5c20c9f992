//! Recorded messages: whatever is in the file, reading it ends, in whatever pieces it arrives, and time never runs back
//! in what is played.

use std::io::BufRead;

use jiff::Timestamp;
use koji_notify::bus::decode::Dialect;
use koji_notify::bus::replay::{Reader, Record, Recording, ReplayError, Speed};
use koji_notify::koji::{InstanceName, Interest};

use super::pieces::Pieces;
use super::seeds::{self, Seed};
use super::{assert_error, choice};

pub fn check(bytes: &[u8]) {
    let whole = read(bytes);
    let pieces = read(Pieces::new(bytes, choice(bytes) as u8));
    assert_eq!(
        format!("{whole:?}"),
        format!("{pieces:?}"),
        "in pieces it is another recording"
    );
    let records: Vec<Record> = whole.into_iter().filter_map(Result::ok).collect();
    for record in &records {
        let nobody = Interest::default();
        assert!(record.users.is_empty() || !record.may_concern(&nobody));
    }
    let recording = Recording {
        besides: Vec::new(),
        instance: InstanceName::new("lab"),
        dialect: Dialect::Recorded,
        records,
        begin: None,
        speed: Speed::REAL,
    };
    let mut last = Timestamp::MIN;
    for (when, _) in recording.heard() {
        assert!(when >= last, "{when} after {last}");
        last = when;
    }
}

fn read(input: impl BufRead) -> Vec<Result<Record, ReplayError>> {
    let read: Vec<_> = Reader::new(input, "a file").collect();
    read.iter()
        .filter_map(|it| it.as_ref().err())
        .for_each(|it| assert_error(it));
    read
}

pub fn seeds() -> Vec<Seed> {
    let mut found = seeds::recordings();
    found.extend(seeds::kept("replay"));
    found
}
