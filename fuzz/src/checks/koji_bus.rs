//! A message of Koji's own plugins, from the bytes of AMQP 1.0 or 0-10 to the screen: whatever it says, it is read within
//! the limits, and what is shown of it is harmless.
//!
//! The input is a line with the form (`message` of AMQP 1.0, `map` of AMQP 0-10, or `json`), the address and the type,
//! and then the bytes.

use std::fmt::Debug;

use koji_notify::bus::amqp::message::Message;
use koji_notify::bus::amqp::{self, Item};
use koji_notify::bus::decode::plugin::{Content, Letter, decode};
use koji_notify::bus::decode::{DecodeError, Decoded, MAX_TEXT};
use koji_notify::koji::{HubEvent, Nvr};
use serde_json::Value;

use super::seeds::{self, Seed};
use super::{assert_error, bus, line};

pub const WORDS: &[&str] = &[
    "message ",
    "map ",
    "json ",
    "topic://koji.build.complete",
    "koji.event.BuildStateChange.state.bash",
    "PackageListChange",
    "TaskStateChange",
    "BuildStateChange",
    "Import",
    "RPMSign",
    "Untag",
    "RepoInit",
    "RepoDone",
    "BuildPromote",
    "\0Sp",
    "\0Ss",
    "\0StE",
    "\0Su",
    "\0Sv",
    "\0Sw@",
    "\0Sx",
    "\u{7f}",
    "__starstar",
    "\"request\": \"<?xml version='1.0'?><methodCall>\"",
    "<value><array><data>",
    "\"info\":{",
    "\"attribute\":\"state\"",
    "\"old\":null",
    "\"new\":\"FAILED\"",
    "\"draft_release\":",
    "\\u202e",
    "\u{202e}",
    "null",
];

pub fn check(bytes: &[u8]) {
    let mut rest = bytes;
    let words = std::str::from_utf8(line(&mut rest)).unwrap_or_default();
    let mut words = words.split(' ');
    let form = words.next().unwrap_or_default();
    let (address, name) = (words.next(), words.next());
    values(rest);
    match told(form, address, name, rest) {
        Ok(Decoded::News { sent, event, owner }) => {
            within_limits(&event);
            bus::shown(sent, event, owner, "a letter");
        }
        Ok(Decoded::NotForUs(_)) => {}
        Err(error) => assert_error(&error),
    }
}

fn told(form: &str, address: Option<&str>, name: Option<&str>, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    if form == "message" {
        return decode("", &Letter::of_message(Message::read([bytes])?, address)?);
    }
    let content = match form {
        "map" => Content::ZeroTen(bytes.into()),
        _ => Content::Json(bytes.into()),
    };
    let letter = Letter {
        address,
        name,
        content,
        sent: None,
    };
    decode("", &letter)
}

/// Whatever is read by the codes of AMQP lies within the bytes, and all of it can be gone through.
fn values(bytes: &[u8]) {
    match amqp::one_zero(bytes) {
        Ok((item, rest)) => {
            assert!(bytes.ends_with(rest));
            let _: Value = whole(item);
        }
        Err(error) => assert_error(&error),
    }
    if let Ok(map) = amqp::zero_ten_map(bytes) {
        let _: Value = whole(map);
    }
}

fn whole(item: Item<'_>) -> Value {
    serde::Deserialize::deserialize(item).unwrap_or_default()
}

pub(super) fn within_limits(event: &HubEvent) {
    fn text(it: &str, event: &impl Debug) {
        assert!(it.len() <= MAX_TEXT, "too long: {event:?}");
    }
    let maybe = |it: &Option<String>| text(it.as_deref().unwrap_or_default(), event);
    let nvr = |it: &Nvr| {
        [&it.name, &it.version, &it.release]
            .into_iter()
            .for_each(|it| text(it, event))
    };
    match event {
        HubEvent::Changed(it) => bus::within_limits(it),
        HubEvent::Child(it) => {
            [&it.child.method, &it.child.arch]
                .into_iter()
                .for_each(|it| text(it, event));
            it.srpm.iter().for_each(nvr);
        }
        HubEvent::Promoted(it) => {
            nvr(&it.nvr);
            [&it.draft_release, &it.user, &it.owner].into_iter().for_each(maybe);
        }
        HubEvent::PackageList(it) => {
            [&it.action, &it.package].into_iter().for_each(|it| text(it, event));
            [&it.tag, &it.user].into_iter().for_each(maybe);
        }
        HubEvent::Repo(it) => maybe(&it.tag),
        HubEvent::Signed(it) => {
            [&it.key, &it.arch].into_iter().for_each(|it| text(it, event));
            nvr(&it.rpm);
            it.nvr.iter().for_each(nvr);
            maybe(&it.owner);
        }
        HubEvent::Imported(it) => {
            text(&it.what, event);
            it.nvr.iter().for_each(nvr);
            maybe(&it.owner);
        }
        HubEvent::Other { name } => text(name, event),
    }
}

pub fn seeds() -> Vec<Seed> {
    let mut found = Vec::new();
    for (name, address, bytes) in seeds::plugin_messages() {
        found.push(Seed::new(
            &name,
            [format!("message {address}\n").as_bytes(), &bytes].concat(),
        ));
        // The JSON in its last section, and the type in the one before.
        if let Ok(message) = Message::read([bytes.as_slice()])
            && let Ok(letter) = Letter::of_message(message, Some(&address))
            && let Content::Json(json) = &letter.content
        {
            let first = format!("json {address} {}\n", letter.name.unwrap_or_default());
            found.push(Seed::new(&format!("{name}.json"), [first.as_bytes(), json].concat()));
        }
    }
    for (name, key, bytes) in seeds::messagebus_maps() {
        found.push(Seed::new(&name, [format!("map {key}\n").as_bytes(), &bytes].concat()));
    }
    found.extend(seeds::kept("koji_bus"));
    found
}
