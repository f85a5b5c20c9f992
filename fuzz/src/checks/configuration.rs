//! Our own configuration: whatever is in the file, there are settings or one line that points into it; and switching a
//! toggle changes that toggle and nothing else, down to the comments.

use std::fs;

use koji_notify::config::{ConfigError, Settings, edit};
use koji_notify::watch::Toggle;
use serde_json::Value;

use super::home::{self, Home};
use super::seeds::{self, Seed};
use super::{assert_error, choice};

pub const WORDS: &[&str] = &[
    "[tell]\n",
    "[instance.fedora]\n",
    "[instance.a.broker]\n",
    "[instance.a.hub]\n",
    "[[instance]]\n",
    "preset = \"fedora\"\n",
    "user = \"mona\"\n",
    "user = [\"mona\", \"bob\"]\n",
    "packages = [\"bash\"]\n",
    "weburl = \"https://koji.example.org/koji\"\n",
    "topic-prefix = \"org.fedoraproject.prod\"\n",
    "url = \"amqps://broker.example.org/%2Fa\"\n",
    "url = \"amqps://mona:p4ssw0rd@broker.example.org/\"\n",
    "password-file = \"password\"\n",
    "ca-cert = \"cacert.pem\"\n",
    "certificate = \"fedora-cert.pem\"\n",
    "key = \"fedora-key.pem\"\n",
    "queue = \"server\"\n",
    "server = \"https://koji.example.org/kojihub\"\n",
    "profile = \"koji\"\n",
    "login = \"kerberos\"\n",
    "listen = false\n",
    "tell.sound = true\n",
    "tell = { sound = true }\n",
    "tell = {}\n",
    "started = true\n",
    "in-repo = false # why\n",
    "# a comment\n",
    "'''",
    "\"\"\"",
    "\r\n",
    "\u{feff}",
    "\u{202e}",
    "\"\\u0000\"",
    "{ ",
    " }",
    "[",
    "]",
    "=",
    ".",
    "1979-05-27T07:32:00Z",
    "inf",
    "a.a.a.a.a.a.a.a",
];

pub fn check(bytes: &[u8]) {
    home::with(|home| {
        home.write("config/koji-notify/config.toml", bytes);
        let before = settings(home, bytes);
        let number = choice(bytes);
        let toggle = Toggle::ALL[usize::try_from(number % 9).unwrap()];
        let on = number & 16 != 0;
        match edit::switch(&home.places(), toggle, on) {
            Ok(()) => switched(home, bytes, toggle, on, before),
            Err(error) => {
                in_file(bytes, &error);
                assert!(read(home) == bytes, "a file that cannot be understood is left alone");
            }
        }
        home.clear();
    });
}

fn read(home: &Home) -> Vec<u8> {
    fs::read(home.path("config/koji-notify/config.toml")).unwrap()
}

fn settings(home: &Home, bytes: &[u8]) -> Option<Settings> {
    match home.settings() {
        Ok(settings) => {
            assert!(!settings.instances.is_empty());
            Some(settings)
        }
        Err(error) => {
            in_file(bytes, &error);
            None
        }
    }
}

/// What is wrong has a place in the file.
pub(super) fn in_file(bytes: &[u8], error: &ConfigError) {
    assert_error(error);
    assert_untold(bytes, &error.to_string());
    if let ConfigError::Wrong { place, .. } = error {
        let lines = 1 + bytes.iter().filter(|it| **it == b'\n').count();
        assert!((1..=lines).contains(&place.line) && place.column >= 1, "{error}");
    }
}

/// A password that stands in an address, and nowhere else, is in no text of ours.
pub(super) fn assert_untold(bytes: &[u8], told: &str) {
    const PASSWORD: &str = "p4ssw0rd";
    let text = String::from_utf8_lossy(bytes);
    let is_in_address = text.contains("url = \"amqps://mona:p4ssw0rd@");
    if is_in_address && text.matches(PASSWORD).count() == 1 {
        assert!(!told.contains(PASSWORD), "a password is told: {told}");
    }
}

fn switched(home: &Home, before: &[u8], toggle: Toggle, on: bool, settings_before: Option<Settings>) {
    let after = read(home);
    let text = |it: &[u8]| String::from_utf8(it.to_owned()).expect("what could be switched is text");
    let (before, after) = (text(before), text(&after));
    let (mut old, mut new) = (values(&before), values(&after));
    let key = toggle_key(toggle);
    let found = new.get("tell").and_then(|it| it.get(key)).cloned();
    let changed = "switching changed something else";
    if before != after {
        assert_eq!(found, Some(Value::Bool(on)), "{after}");
    }
    for side in [&mut old, &mut new] {
        let tell = side.get_mut("tell").and_then(Value::as_object_mut);
        let is_empty = tell.is_some_and(|it| {
            it.remove(key);
            it.is_empty()
        });
        if is_empty {
            side.as_object_mut().unwrap().remove("tell");
        }
    }
    assert_eq!(old, new, "{changed}:\n{before}\n->\n{after}");
    assert_eq!(comments(&before), comments(&after), "{changed}:\n{before}\n->\n{after}");
    let mut expected = settings_before;
    if let Some(it) = &mut expected {
        it.wanted.switch(toggle, on);
    }
    assert!(
        settings(home, after.as_bytes()) == expected,
        "{changed}:\n{before}\n->\n{after}"
    );
}

/// Returns what a file says, without how it says it.
fn values(text: &str) -> Value {
    toml_edit::de::from_str(text).expect("what could be switched can be read")
}

fn toggle_key(toggle: Toggle) -> &'static str {
    match toggle {
        Toggle::Started => "started",
        Toggle::Finished => "finished",
        Toggle::Failed => "failed",
        Toggle::Canceled => "canceled",
        Toggle::Scratch => "scratch",
        Toggle::Tagged => "tagged",
        Toggle::InRepo => "in-repo",
        Toggle::Followed => "followed",
        Toggle::KeepFailures => "keep-failures",
        Toggle::Sound => "sound",
    }
}

/// Returns what stands behind a `#`. It need not be a comment, but whatever it is must be there again.
fn comments(text: &str) -> Vec<String> {
    let comment = |line: &str| line.find('#').map(|at| line[at..].trim_end().to_owned());
    let mut comments: Vec<String> = text.lines().filter_map(comment).collect();
    comments.sort();
    comments
}

pub fn seeds() -> Vec<Seed> {
    let mut found = vec![Seed::new("sample", seeds::read("data/config.toml"))];
    found.extend(seeds::kept("configuration"));
    found
}
