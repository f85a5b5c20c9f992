//! A message, from the wire to the screen: whatever it says, it is decoded within the limits, and what is shown of it
//! is harmless.
//!
//! The input is what `Input::bytes` writes: topic, message id, `sent-at` and the names of headers in a line each, and the
//! body.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use koji_notify::bus::decode::{Decoded, Dialect, Envelope, MAX_TEXT, decode};
use koji_notify::bus::replay::Record;
use koji_notify::bus::sieve::{concerns_headers, may_concern};
use koji_notify::koji::task::MAX_CHILDREN;
use koji_notify::koji::{Change, Child, HubEvent, InstanceName, Interest, Nvr, Site, UserId};
use koji_notify::view::menu::Means;
use koji_notify::view::{status, tray};
use koji_notify::watch::rules::Whose;
use koji_notify::watch::{Delivery, Effect, Event, Link, News, Rules, Wanted, Watch};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};

use super::seeds::{self, Seed};
use super::{assert_error, koji_bus, letters, line};

pub const WORDS: &[&str] = &[
    "org.fedoraproject.prod.buildsys.build.state.change",
    "org.fedoraproject.prod.buildsys.task.state.change",
    "org.fedoraproject.prod.buildsys.tag",
    "org.fedoraproject.prod.buildsys.untag",
    "fedora_messaging_user_alice",
    "fedora_messaging_rpm_hello",
    "\"attribute\":\"state\"",
    "\"instance\":\"primary\"",
    "\"old\":",
    "\"new\":",
    "\"build_id\":",
    "\"task_id\":",
    "\"name\":",
    "\"version\":",
    "\"release\":",
    "\"owner\":",
    "\"user\":",
    "\"tag\":",
    "\"method\":\"buildArch\"",
    "\"children\":[",
    "\"request\":[",
    "\"info\":{",
    "\"task\":{",
    "\"result\":{\"srpm\":\"a-1-1.src.rpm\"}",
    "\"label\":",
    "\"srpm\":\"a-1-1.src.rpm\"",
    "\"completion_time\":",
    "\"BUILDING\"",
    "\"FAILED\"",
    "\"CANCELED\"",
    "\"COMPLETE\"",
    "\"CLOSED\"",
    "null",
    "true",
    "1e308",
    "-1",
    "9007199254740993",
    "18446744073709551616",
    "\\u202e",
    "\\u001b[31m",
    "\\u0000",
    "\\ud800",
    "<b>&amp;",
    "\u{202e}",
    "\\n",
    "[[[[[[[[",
    "{\"a\":{\"a\":",
    "]",
    "}",
];

/// A message, taken apart.
struct Input<'a> {
    topic: &'a str,
    message_id: &'a str,
    sent_at: &'a str,
    headers: &'a str,
    body: &'a [u8],
}

impl<'a> Input<'a> {
    fn read(mut bytes: &'a [u8]) -> Self {
        let mut text = || std::str::from_utf8(line(&mut bytes)).unwrap_or_default();
        let (topic, message_id, sent_at, headers) = (text(), text(), text(), text());
        Self {
            topic,
            message_id,
            sent_at,
            headers,
            body: bytes,
        }
    }

    fn table(&self) -> FieldTable {
        let mut table = FieldTable::default();
        // An AMQP name has no more bytes than its length can say.
        for name in self.headers.split(' ').filter(|it| it.len() < 256) {
            table.insert(ShortString::from(name), AMQPValue::Boolean(true));
        }
        let sent_at = AMQPValue::LongString(LongString::from(self.sent_at));
        table.insert(ShortString::from("sent-at"), sent_at);
        table
    }
}

pub fn check(bytes: &[u8]) {
    let input = Input::read(bytes);
    let interest = Interest {
        users: BTreeSet::from(["alice".to_owned()]),
        packages: BTreeSet::from(["hello".to_owned()]),
        tasks: true,
        tags: true,
    };
    let of_interest = concerns_headers(&input.table(), &interest);
    let named = |it: &str| input.headers.split(' ').any(|header| header == it);
    if named("fedora_messaging_user_alice") || named("fedora_messaging_rpm_hello") {
        assert!(of_interest, "set aside: {}", input.headers);
    }
    let envelope = Envelope {
        topic: input.topic,
        message_id: Some(input.message_id),
        sent_at: Some(input.sent_at),
        body: input.body,
        ..Envelope::default()
    };
    let ours = Dialect::FedoraMessaging {
        topic_prefix: "org.fedoraproject.prod".to_owned(),
        koji_instance: "primary".to_owned(),
    };
    // What the narrower one reads, the other reads alike.
    for dialect in [ours, Dialect::Recorded] {
        match decode(&dialect, &envelope) {
            Ok(Decoded::News { sent, event, owner }) => {
                // A recording may be of Koji's own plugins.
                koji_bus::within_limits(&event);
                shown(sent, event, owner, input.message_id);
                break;
            }
            Ok(Decoded::NotForUs(_)) => {}
            Err(error) => assert_error(&error),
        }
    }
    // The same as Koji's own plugins would be heard, looked at from outside first.
    let headers = input.table();
    let own = Envelope {
        kind: named("amqp-1.0").then_some("amqp-1.0"),
        headers: Some(&headers),
        ..envelope
    };
    let prefix = "koji".to_owned();
    for dialect in [Dialect::KojiTopic { prefix }, Dialect::KojiHeaders] {
        may_concern(&dialect, &own, &interest);
        match decode(&dialect, &own) {
            Ok(Decoded::News { event, .. }) => koji_bus::within_limits(&event),
            Ok(Decoded::NotForUs(_)) => {}
            Err(error) => assert_error(&error),
        }
    }
}

/// Whatever the message holds, what is kept of it is small.
pub(super) fn within_limits(change: &Change) {
    let text = |it: &str| assert!(it.len() <= MAX_TEXT, "{it:?}");
    let maybe = |it: &Option<String>| text(it.as_deref().unwrap_or_default());
    let nvr = |it: &Nvr| [&it.name, &it.version, &it.release].into_iter().for_each(|it| text(it));
    let below = |it: &[Child]| {
        assert!(it.len() <= MAX_CHILDREN, "{} children", it.len());
        it.iter()
            .for_each(|it| [&it.method, &it.arch].into_iter().for_each(|it| text(it)));
    };
    match change {
        Change::Build(it) => {
            nvr(&it.nvr);
            [&it.owner, &it.target].into_iter().for_each(maybe);
            below(&it.children);
        }
        Change::Task(it) => {
            text(&it.method);
            [&it.owner, &it.what, &it.package, &it.target]
                .into_iter()
                .for_each(maybe);
            below(&it.children);
        }
        Change::Tag(it) => {
            nvr(&it.nvr);
            [&it.tag, &it.user, &it.owner].into_iter().for_each(maybe);
        }
    }
}

/// A watch that wants everything told of whoever owns it, and what it shows.
pub(super) fn shown(sent: Option<Timestamp>, event: HubEvent, owner: Option<UserId>, message: &str) {
    let instance = InstanceName::new("lab");
    let mut wanted = Wanted::default();
    for toggle in koji_notify::watch::Toggle::ALL {
        wanted.switch(toggle, true);
    }
    let package = match &event {
        HubEvent::Changed(it) => it.package().map(str::to_owned),
        _ => None,
    };
    let whose = Whose {
        users: event.owner().map(str::to_owned).into_iter().collect(),
        packages: package.into_iter().collect(),
        bus: true,
        hub: true,
        logs_in: true,
        ..Whose::default()
    };
    let mut watch = Watch::new(Rules {
        wanted,
        instances: BTreeMap::from([(instance.clone(), whose)]),
        quiet: koji_notify::watch::QuietRules::default(),
        zone: TimeZone::UTC,
        live: false,
    });
    let site = Site {
        weburl: Some("https://koji.example.org/koji".to_owned()),
        topurl: Some("https://files.example.org".to_owned()),
    };
    let sites = BTreeMap::from([(instance.clone(), site)]);
    let mut now = sent.unwrap_or(Timestamp::UNIX_EPOCH);
    let news = News {
        delivery: Some(Delivery {
            instance: instance.clone(),
            connection: 1,
            tag: 1,
        }),
        instance: instance.clone(),
        message: Some(message.to_owned()),
        is_first: false,
        sent,
        owner,
        event,
    };
    let mut events = vec![
        Event::ServerChanged(true),
        Event::LinkChanged(instance, Link::Up),
        Event::Heard(news),
    ];
    events.reverse();
    // Each piece of news is over after a few wakes; one that is not would be told forever.
    for _ in 0..16 {
        let event = match events.pop() {
            Some(event) => event,
            None => match watch.wake_at() {
                Some(then) => {
                    now = now.max(then);
                    Event::Woke
                }
                None => break,
            },
        };
        for effect in watch.step(now, event) {
            if let Effect::Show(notice) = effect {
                letters::check(&koji_notify::view::card::card(&notice, &sites), &sites);
            }
        }
    }
    let means = Means {
        copy: true,
        paste: true,
        window: true,
        configure: true,
    };
    letters::check_tray(&tray::tray(&watch, &sites, means, now));
    super::assert_line("the summary", &status::status(&watch).summary, 1000);
}

pub fn seeds() -> Vec<Seed> {
    let records = seeds::messages().into_iter();
    let mut seeds: Vec<Seed> = records.map(|(name, it)| Seed::new(&name, input(&it))).collect();
    seeds.extend(seeds::kept("bus"));
    seeds
}

/// Returns a recorded message as this check reads it.
fn input(it: &Record) -> Vec<u8> {
    let users = it.users.iter().map(|it| format!("fedora_messaging_user_{it}"));
    let packages = it.packages.iter().map(|it| format!("fedora_messaging_rpm_{it}"));
    let headers: Vec<String> = users.chain(packages).collect();
    let id = it.message_id.as_deref().unwrap_or_default();
    let sent_at = it.sent_at.as_deref().unwrap_or_default();
    let head = format!("{}\n{id}\n{sent_at}\n{}\n", it.topic, headers.join(" "));
    [head.as_bytes(), &it.body].concat()
}
