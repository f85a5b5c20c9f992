//! What a person types, pastes or copies: whatever it is, it means something on a configured instance, or the answer is
//! one short line.

use std::collections::{BTreeMap, BTreeSet};

use koji_notify::koji::{InstanceName, Known, Lookup, Nvr, Site};

use super::assert_line;
use super::seeds::{self, Seed};

pub const WORDS: &[&str] = &[
    "https://",
    "http://",
    "koji.example.org/koji/",
    "taskinfo?taskID=",
    "buildinfo?buildID=",
    "getfile?taskID=",
    "&name=build.log",
    "bash-5.3-1.fc43",
    ".x86_64.rpm",
    ".src.rpm",
    "fedora:",
    "lab:",
    "1:",
    "%2e%2e%2f",
    "%00",
    "%ff",
    "@",
    "<",
    ">",
    "\u{202e}",
    "\n",
    "4711",
    "2147483648",
    "[::1]",
    "xn--",
    "/../",
    "\\",
    "#",
];

pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(nvr) = Nvr::parse(&text) {
        assert_eq!(nvr.to_string(), text, "a name is taken apart without a loss");
    }
    let site = |weburl: &str| Site {
        weburl: Some(weburl.to_owned()),
        topurl: None,
    };
    let fedora = (InstanceName::new("fedora"), site("https://koji.example.org/koji"));
    let lab = (InstanceName::new("lab"), site("http://127.0.0.1:8380/koji"));
    for (sites, hubs) in [
        (vec![], 0),
        (vec![fedora.clone()], 1),
        (vec![fedora.clone(), lab.clone()], 1),
        (vec![fedora, lab], 2),
    ] {
        let known = Known {
            hubs: sites.iter().take(hubs).map(|it| it.0.clone()).collect::<BTreeSet<_>>(),
            sites: sites.into_iter().collect::<BTreeMap<_, _>>(),
        };
        match known.meant(&text) {
            Ok((instance, lookup)) => {
                assert!(known.sites.contains_key(&instance), "{instance}");
                sensible(&lookup);
            }
            Err(error) => assert_line("an error", &error.to_string(), 400),
        }
    }
}

/// Whatever is asked of a hub is a number that it can have, or a plain name.
fn sensible(lookup: &Lookup) {
    match lookup {
        Lookup::Task(it) => assert!((1..=0x7fff_ffff).contains(&it.0), "{it}"),
        Lookup::Build(it) => assert!((1..=0x7fff_ffff).contains(&it.0), "{it}"),
        Lookup::Nvr(it) => {
            let name = it.to_string();
            assert!(name.chars().all(|it| it.is_ascii_graphic() && it != '/'), "{name:?}");
        }
    }
}

pub fn seeds() -> Vec<Seed> {
    let texts = [
        "4711",
        "fedora:4711",
        "bash-5.3-1.fc43",
        "lab:bash-1:5.3-1.fc43",
        "bash-5.3-1.fc43.x86_64.rpm",
        "<https://koji.example.org/koji/taskinfo?taskID=4711>",
        "http://koji.example.org/koji/buildinfo?buildID=77",
        "koji.example.org/koji/buildinfo?buildID=bash-5.3-1.fc43#x",
        "https://koji.example.org/koji/getfile?taskID=4711&volume=DEFAULT&name=build.log&offset=-4000",
        "http://127.0.0.1:8380/koji/taskinfo?taskID=1",
        "https://user:pass@koji.example.org/koji/../koji/%74askinfo?taskID=%34",
        "",
        "   ",
        "\u{202e}1174",
        "99999999999999999999",
        "https://elsewhere.example.org/koji/taskinfo?taskID=1",
    ];
    let mut found: Vec<Seed> = (1..)
        .zip(texts)
        .map(|(n, it)| Seed::new(&n.to_string(), it.into()))
        .collect();
    found.extend(seeds::kept("meant"));
    found
}
