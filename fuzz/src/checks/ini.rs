//! The profiles of the `koji` client: whatever is in the file, there are profiles or one line that points into it.

use std::path::Path;

use koji_notify::hub::ini::{Ini, MAX_VALUE};
use koji_notify::hub::profile;

use super::home;
use super::seeds::{self, Seed};
use super::{assert_error, assert_line};

pub const WORDS: &[&str] = &[
    "[koji]\n",
    "[DEFAULT]\n",
    "[",
    "]",
    "server = ",
    "weburl = ",
    "topurl = ",
    "pkgurl = ",
    "cert = ~/",
    "serverca = ",
    "authtype = ssl\n",
    "authtype = kerberos\n",
    "principal = ",
    "keytab = ",
    "timeout = ",
    "max_retries = ",
    "poll_interval = ",
    "no_ssl_verify = ",
    "anon_retry = yes\n",
    "https://koji.example.org/kojihub",
    "%(server)s",
    "%(",
    ")s",
    "%%",
    "%",
    "=",
    ":",
    "\n    ",
    "\n\t",
    "\r",
    "\r\n",
    "#",
    ";",
    "\u{1c}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{130}",
    "1_0",
    "99999999999999999999",
];

pub fn check(bytes: &[u8]) {
    let file = Path::new("koji.conf");
    let mut ini = Ini::default();
    if let Err(error) = ini.read(file, bytes) {
        in_file(bytes, error.line);
        assert_error(&error);
    }
    let sections: Vec<String> = ini.sections().map(str::to_owned).collect();
    for section in sections.iter().map(String::as_str).chain(["DEFAULT", "missing"]) {
        for option in ini.options(section) {
            match ini.value(section, option) {
                Ok(Some(item)) => {
                    assert!(item.text.len() <= MAX_VALUE);
                    if let Err(error) = item.boolean() {
                        in_file(bytes, error.line);
                    }
                    if let Err(error) = item.integer() {
                        in_file(bytes, error.line);
                    }
                }
                Ok(None) => panic!("[{section}] has no {option} any more"),
                Err(error) => in_file(bytes, error.line),
            }
        }
    }

    home::with(|home| {
        home.write("etc/koji.conf", bytes);
        let places = home.profiles();
        let names = match profile::names(&places) {
            Ok(names) => names,
            Err(error) => return assert_error(&error),
        };
        for name in names.iter().map(String::as_str).take(4).chain(["koji"]) {
            match profile::load(name, &places) {
                Ok(profile) => {
                    for address in [Some(&profile.server), Some(&profile.weburl), profile.topurl.as_ref()] {
                        let address = address.map_or("https://x", String::as_str);
                        assert_line("an address", address, MAX_VALUE);
                        assert!(address.to_lowercase().starts_with("http"), "{address:?}");
                    }
                    if let Err(error) = profile.login() {
                        one_line(&error, names.len());
                    }
                }
                Err(error) => one_line(&error, names.len()),
            }
        }
    });
}

fn one_line(error: &profile::ProfileError, _names: usize) {
    assert_error(error);
}

fn in_file(bytes: &[u8], line: usize) {
    let lines = 1 + bytes.iter().filter(|it| matches!(it, b'\n' | b'\r')).count();
    assert!((1..=lines).contains(&line), "line {line} of {lines}");
}

pub fn seeds() -> Vec<Seed> {
    seeds::kept("ini")
}
