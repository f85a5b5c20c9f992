//! The headers of a message, from the bytes of AMQP 0-9-1: whatever a broker sends, the sieve answers, and what names me
//! is never set aside.

use std::collections::BTreeSet;

use koji_notify::bus::sieve::concerns_headers;
use koji_notify::koji::Interest;
use lapin::types::parsing::parse_field_table;

use super::seeds::{self, Seed};

pub const WORDS: &[&str] = &[
    "fedora_messaging_user_",
    "fedora_messaging_rpm_",
    "fedora_messaging_user_alice",
    "fedora_messaging_rpm_hello",
    "fedora_messaging_schema",
    "sent-at",
    "t\u{1}",
    "S\0\0\0\u{5}",
    "F\0\0\0\u{10}",
    "A\0\0\0\u{10}",
];

pub fn check(bytes: &[u8]) {
    let Ok((_, table)) = parse_field_table(bytes) else {
        return;
    };
    let set = |it: &str| BTreeSet::from([it.to_owned()]);
    for (users, packages) in [("alice", None), ("alice", Some("hello")), ("", None)] {
        let interest = Interest {
            users: set(users),
            packages: packages.map(set).unwrap_or_default(),
            tasks: true,
            tags: true,
        };
        let wanted = concerns_headers(&table, &interest);
        let has = |name: String| table.inner().keys().any(|it| it.as_str() == name);
        let names_me = has(format!("fedora_messaging_user_{users}"));
        let names_it = packages.is_some_and(|it| has(format!("fedora_messaging_rpm_{it}")));
        assert!(wanted || !(names_me || names_it), "set aside: {table:?}");
    }
}

pub fn seeds() -> Vec<Seed> {
    let mut found = Vec::new();
    for (name, record) in seeds::messages() {
        let users = record.users.iter().map(|it| format!("fedora_messaging_user_{it}"));
        let packages = record.packages.iter().map(|it| format!("fedora_messaging_rpm_{it}"));
        let mut table = Vec::new();
        for header in users.chain(packages) {
            table.push(u8::try_from(header.len()).unwrap());
            table.extend(header.as_bytes());
            table.extend(b"t\x01");
        }
        let text = record.sent_at.unwrap_or_default();
        table.extend(b"\x07sent-atS");
        table.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        table.extend(text.as_bytes());
        let length = u32::try_from(table.len()).unwrap().to_be_bytes();
        found.push(Seed::new(&name, [&length[..], &table].concat()));
    }
    found.extend(seeds::kept("headers"));
    found
}
