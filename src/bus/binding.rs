//! From what is wanted to what is bound. Pure.
//!
//! Promise: what is bound names exactly the events that an [`Interest`] needs, so that the broker keeps the floods
//! (every signed rpm, every tag of a mass rebuild) to itself. At Fedora Messaging that is a topic for each event, never
//! a wildcard. Koji's own plugins put packages, methods and attributes where a binding can ask for them, and there a
//! wildcard stands for what is not asked. None of them says where a binding could see it whose a build is: that can
//! only be told from the message.
//!
//! It deliberately does not know a queue, an exchange or a channel.

use std::collections::{BTreeMap, BTreeSet};

use super::broker::Broker;
use super::decode::Dialect;
use super::decode::plugin::token;
use crate::koji::Interest;

/// The longest routing key there can be, in bytes. `messagebus` cuts its own there.
const MAX_KEY: usize = 255;

/// What the broker is asked for: what has this routing key, or on a headers exchange all of these headers.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Binding {
    /// A pattern on a topic exchange; empty on a headers exchange.
    pub key: String,
    /// Texts, none on a topic exchange.
    pub arguments: BTreeMap<String, String>,
}

impl From<String> for Binding {
    fn from(key: String) -> Self {
        Self {
            key,
            arguments: BTreeMap::new(),
        }
    }
}

/// Returns what is to be bound, in order.
pub fn bindings(interest: &Interest, broker: &Broker) -> BTreeSet<Binding> {
    match &broker.dialect {
        Dialect::KojiHeaders => headers(interest).into_iter().collect(),
        Dialect::FedoraMessaging { .. }
        | Dialect::KojiTopic { .. }
        | Dialect::KojiProtonmsg { .. }
        | Dialect::Recorded => keys(interest, broker).into_iter().map(Binding::from).collect(),
    }
}

/// Returns the routing keys that are to be bound, in order; none on a headers exchange.
pub fn keys(interest: &Interest, broker: &Broker) -> BTreeSet<String> {
    let keys = match &broker.dialect {
        Dialect::FedoraMessaging { topic_prefix, .. } => fedora_messaging(topic_prefix, interest),
        Dialect::KojiTopic { prefix } => koji_topic(prefix, interest),
        Dialect::KojiProtonmsg { prefix } => koji_protonmsg(prefix, interest),
        Dialect::KojiHeaders | Dialect::Recorded => Vec::new(),
    };
    keys.into_iter()
        .filter(|key| is_allowed(key, &broker.allowed_keys))
        .collect()
}

/// Returns all that could be bound with the packages of this interest, to find what an earlier run has left on our
/// queue. What it has bound for other packages cannot be known; what that brings is set aside.
pub fn possible_bindings(interest: &Interest, broker: &Broker) -> BTreeSet<Binding> {
    let everything = Interest {
        tasks: true,
        tags: true,
        ..Interest::default()
    };
    let of_packages = Interest {
        packages: interest.packages.clone(),
        ..everything.clone()
    };
    let mut possible = bindings(&everything, broker);
    possible.extend(bindings(&of_packages, broker));
    possible
}

fn fedora_messaging(prefix: &str, interest: &Interest) -> Vec<String> {
    let tags = interest.tags;
    let wanted = [
        (true, "build.state.change"),
        (interest.tasks, "task.state.change"),
        (tags, "tag"),
        (tags, "untag"),
    ];
    let wanted = wanted.into_iter().filter(|(wanted, _)| *wanted);
    wanted.map(|(_, event)| format!("{prefix}.buildsys.{event}")).collect()
}

/// The keys of `protonmsg`. That a build was deleted is not told, and a clean-up deletes thousands.
fn koji_protonmsg(prefix: &str, interest: &Interest) -> Vec<String> {
    const BUILDS: &[&str] = &[
        "build.building",
        "build.complete",
        "build.failed",
        "build.canceled",
        "build.promote",
        "repo.done",
    ];
    const TASKS: &[&str] = &[
        "task.free",
        "task.assigned",
        "task.open",
        "task.closed",
        "task.canceled",
        "task.failed",
    ];
    const TAGS: &[&str] = &["build.tag", "build.untag"];
    let wanted = [(true, BUILDS), (interest.tasks, TASKS), (interest.tags, TAGS)];
    let events = wanted.into_iter().filter(|(wanted, _)| *wanted);
    let events = events.flat_map(|(_, events)| events);
    events.map(|event| format!("{prefix}.{event}")).collect()
}

/// The keys of `messagebus`: the event and what it is about. Without a user, it is only about packages.
fn koji_topic(prefix: &str, interest: &Interest) -> Vec<String> {
    let mut keys = vec![format!("{prefix}.RepoDone.#")];
    if interest.tasks {
        // Of any method.
        keys.push(format!("{prefix}.TaskStateChange.*.state"));
    }
    let packages = only_packages(interest);
    let mut about = |before: &str, place: &str, after: &str| match packages {
        None => keys.push(format!("{prefix}.{before}.#")),
        Some(packages) => {
            let key = |it: &String| cut(format!("{prefix}.{before}.{place}{}{after}", token(it)));
            keys.extend(packages.iter().map(key));
        }
    };
    about("BuildStateChange.state", "", "");
    if interest.tags {
        // The tag, the package, and who has done it.
        about("Tag", "*.", ".*");
        about("Untag", "*.", ".*");
    }
    keys
}

/// The same by headers. All are texts, which a bridge hands on as they are: RabbitMQ finds numbers of any width equal,
/// and none of them equal to the same digits as a text. So the state itself is not asked for.
fn headers(interest: &Interest) -> Vec<Binding> {
    let binding = |event: &str, more: &[(&str, &str)]| {
        let mut arguments = BTreeMap::from([
            ("x-match".to_owned(), "all".to_owned()),
            ("type".to_owned(), event.to_owned()),
        ]);
        arguments.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        Binding {
            key: String::new(),
            arguments,
        }
    };
    let state = ("attribute", "state");
    let mut all = vec![binding("RepoDone", &[])];
    if interest.tasks {
        all.push(binding("TaskStateChange", &[state]));
    }
    let packages = only_packages(interest);
    let mut about = |event: &str, more: &[(&str, &str)]| match packages {
        None => all.push(binding(event, more)),
        Some(packages) => all.extend(
            packages
                .iter()
                .map(|it| binding(event, &[more, &[("name", it)]].concat())),
        ),
    };
    about("BuildStateChange", &[state]);
    if interest.tags {
        about("Tag", &[]);
        about("Untag", &[]);
    }
    all
}

/// Returns the packages, if news is wanted of nothing else.
fn only_packages(interest: &Interest) -> Option<&BTreeSet<String>> {
    (interest.users.is_empty() && !interest.packages.is_empty()).then_some(&interest.packages)
}

/// Cuts a key as the plugin does.
fn cut(mut key: String) -> String {
    let end = (0..=MAX_KEY)
        .rev()
        .find(|it| key.is_char_boundary(*it))
        .unwrap_or_default();
    key.truncate(end);
    key
}

fn is_allowed(key: &str, allowed: &[String]) -> bool {
    allowed.is_empty() || allowed.iter().any(|pattern| matches(pattern, key))
}

/// Returns whether an AMQP topic pattern takes in a routing key: words between dots, `*` is one word, `#` any number
/// of words, none included (AMQP 0-9-1, 3.1.3.3).
pub fn matches(pattern: &str, key: &str) -> bool {
    let pattern: Vec<&str> = words(pattern);
    let key: Vec<&str> = words(key);
    // The usual walk with one way back: to the last `#`, which then takes one word more. Never exponential.
    let (mut at, mut word) = (0, 0);
    let mut way_back: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), key.get(word)) {
            (None, None) => return true,
            (Some(&"#"), _) => {
                way_back = Some((at, word));
                at += 1;
                continue;
            }
            (Some(&expected), Some(&found)) if expected == "*" || expected == found => {
                at += 1;
                word += 1;
                continue;
            }
            (Some(_) | None, Some(_)) => {}
            // A `#` that takes more words does not help where words are missing.
            (Some(_), None) => return false,
        }
        let Some((hash, taken)) = way_back else {
            return false;
        };
        way_back = Some((hash, taken + 1));
        at = hash + 1;
        word = taken + 1;
    }
}

/// An empty text has no words, not one empty word: `#` and nothing else matches it.
fn words(text: &str) -> Vec<&str> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split('.').collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::bus::broker::{Address, Login, Queue, QueueName, Trust};

    #[test]
    fn builds_are_always_bound_and_the_rest_when_it_is_wanted() {
        check("", &[], expect!["org.example.prod.buildsys.build.state.change"]);
        check(
            "tasks",
            &[],
            expect![[r#"
                org.example.prod.buildsys.build.state.change
                org.example.prod.buildsys.task.state.change"#]],
        );
        check(
            "tasks tags",
            &[],
            expect![[r#"
                org.example.prod.buildsys.build.state.change
                org.example.prod.buildsys.tag
                org.example.prod.buildsys.task.state.change
                org.example.prod.buildsys.untag"#]],
        );
    }

    #[test]
    fn a_site_narrows_what_is_bound() {
        check(
            "tasks tags",
            &["org.example.prod.buildsys.*.state.change"],
            expect![[r#"
                org.example.prod.buildsys.build.state.change
                org.example.prod.buildsys.task.state.change"#]],
        );
        check(
            "tasks tags",
            &["#.tag", "#.build.#"],
            expect![[r#"
                org.example.prod.buildsys.build.state.change
                org.example.prod.buildsys.tag"#]],
        );
        check("tasks tags", &["org.elsewhere.#"], expect![""]);
        check(
            "",
            &["org.elsewhere.#", "#"],
            expect!["org.example.prod.buildsys.build.state.change"],
        );
    }

    #[test]
    fn messagebus_is_bound_by_event_and_attribute() {
        let topic = Dialect::KojiTopic {
            prefix: "koji.event".into(),
        };
        check_own(
            &topic,
            "",
            expect![[r#"
                koji.event.BuildStateChange.state.#
                koji.event.RepoDone.#"#]],
        );
        check_own(
            &topic,
            "mona tasks tags",
            expect![[r#"
                koji.event.BuildStateChange.state.#
                koji.event.RepoDone.#
                koji.event.Tag.#
                koji.event.TaskStateChange.*.state
                koji.event.Untag.#"#]],
        );
    }

    #[test]
    fn messagebus_is_bound_by_package_where_nobody_is_followed() {
        let topic = Dialect::KojiTopic {
            prefix: "koji.event".into(),
        };
        check_own(
            &topic,
            "tags package:bash package:python3.11",
            expect![[r#"
                koji.event.BuildStateChange.state.bash
                koji.event.BuildStateChange.state.python3_11
                koji.event.RepoDone.#
                koji.event.Tag.*.bash.*
                koji.event.Tag.*.python3_11.*
                koji.event.Untag.*.bash.*
                koji.event.Untag.*.python3_11.*"#]],
        );
        // With a user beside it, a build of any package may be one of mine.
        check_own(
            &topic,
            "mona package:bash",
            expect![[r#"
                koji.event.BuildStateChange.state.#
                koji.event.RepoDone.#"#]],
        );
        let long = format!("package:{}", "n".repeat(300));
        let keys = bindings(&interest(&long), &broker_of(topic));
        let longest = keys.iter().map(|it| it.key.len()).max();
        assert_eq!(longest, Some(255));
    }

    #[test]
    fn messagebus_on_a_headers_exchange_is_bound_by_texts() {
        check_own(
            &Dialect::KojiHeaders,
            "mona tasks tags",
            expect![[r#"
                attribute=state type=BuildStateChange x-match=all
                attribute=state type=TaskStateChange x-match=all
                type=RepoDone x-match=all
                type=Tag x-match=all
                type=Untag x-match=all"#]],
        );
        check_own(
            &Dialect::KojiHeaders,
            "tags package:bash package:python3.11",
            expect![[r#"
                attribute=state name=bash type=BuildStateChange x-match=all
                attribute=state name=python3.11 type=BuildStateChange x-match=all
                name=bash type=Tag x-match=all
                name=bash type=Untag x-match=all
                name=python3.11 type=Tag x-match=all
                name=python3.11 type=Untag x-match=all
                type=RepoDone x-match=all"#]],
        );
    }

    #[test]
    fn protonmsg_is_bound_by_event_and_state() {
        let proton = Dialect::KojiProtonmsg { prefix: "koji".into() };
        check_own(
            &proton,
            "package:bash",
            expect![[r#"
                koji.build.building
                koji.build.canceled
                koji.build.complete
                koji.build.failed
                koji.build.promote
                koji.repo.done"#]],
        );
        check_own(
            &proton,
            "mona tasks tags",
            expect![[r#"
                koji.build.building
                koji.build.canceled
                koji.build.complete
                koji.build.failed
                koji.build.promote
                koji.build.tag
                koji.build.untag
                koji.repo.done
                koji.task.assigned
                koji.task.canceled
                koji.task.closed
                koji.task.failed
                koji.task.free
                koji.task.open"#]],
        );
    }

    #[test]
    fn patterns_as_brokers_read_them() {
        for (pattern, key, taken) in [
            ("#", "", true),
            ("#", "a", true),
            ("#", "a.b.c", true),
            ("*", "a", true),
            ("*", "", false),
            ("*", "a.b", false),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.c", false),
            ("a.#.c", "a.c", true),
            ("a.#.c", "a.b.b.c", true),
            ("a.#", "a", true),
            ("a.#", "ab", false),
            ("#.c", "a.c.b.c", true),
            ("#.c.*", "a.c.b.c", false),
            ("#.#", "", true),
            ("a", "A", false),
            ("a#", "a.b", false),
            ("a.b", "a", false),
            ("a", "a.b", false),
        ] {
            assert_eq!(matches(pattern, key), taken, "{pattern} {key}");
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_its_definition(pattern in pattern(), key in key()) {
            let joined = (pattern.join("."), key.join("."));
            prop_assert_eq!(matches(&joined.0, &joined.1), defined(&pattern, &key), "{:?}", joined);
        }

        #[test]
        fn a_key_matches_itself_and_the_wildcard(key in key()) {
            let key = key.join(".");
            prop_assert!(matches(&key, &key));
            prop_assert!(matches("#", &key));
        }

        #[test]
        fn no_wildcard_is_ever_bound(tasks: bool, tags: bool, allowed in prop::collection::vec(pattern(), 0..4)) {
            let mut broker = broker();
            broker.allowed_keys = allowed.iter().map(|it| it.join(".")).collect();
            for key in keys(&Interest { tasks, tags, ..Interest::default() }, &broker) {
                prop_assert!(!key.contains(['#', '*']), "{}", key);
                let possible = possible_bindings(&Interest::default(), &broker);
                prop_assert!(possible.contains(&Binding::from(key)));
            }
        }

        #[test]
        fn what_was_bound_can_be_found_again(
            tasks: bool, tags: bool, me: bool,
            packages in prop::collection::btree_set("[a-z.]{1,3}", 0..3),
            dialect in prop::sample::select(vec![
                Dialect::KojiTopic { prefix: "koji.event".into() },
                Dialect::KojiHeaders,
                Dialect::KojiProtonmsg { prefix: "koji".into() },
            ]),
        ) {
            let broker = broker_of(dialect);
            let users = me.then(|| "mona".to_owned()).into_iter().collect();
            let interest = Interest { users, packages, tasks, tags };
            prop_assert!(possible_bindings(&interest, &broker).is_superset(&bindings(&interest, &broker)));
        }

        #[test]
        fn many_wildcards_are_still_quick(count in 1_usize..200) {
            let pattern = vec!["#.a"; count].join(".");
            let key = vec!["a"; 400].join(".");
            prop_assert!(matches(&pattern, &key));
            prop_assert!(!matches(&(pattern + ".b"), &key));
        }
    }

    fn pattern() -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "buildsys", "*", "#"]), 0..6)
    }

    fn key() -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "buildsys"]), 0..6)
    }

    /// The definition, word for word, without a thought for speed.
    fn defined(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern, key) {
            ([], []) => true,
            (["#", rest @ ..], _) => (0..=key.len()).any(|taken| defined(rest, &key[taken..])),
            (["*", rest @ ..], [_, left @ ..]) => defined(rest, left),
            ([expected, rest @ ..], [found, left @ ..]) => expected == found && defined(rest, left),
            ([], [_, ..]) | ([_, ..], []) => false,
        }
    }

    fn check(wanted: &str, allowed: &[&str], expected: Expect) {
        let interest = Interest {
            tasks: wanted.contains("tasks"),
            tags: wanted.contains("tags"),
            ..Interest::default()
        };
        let mut broker = broker();
        broker.allowed_keys = allowed.iter().map(|it| (*it).to_owned()).collect();
        let bound: Vec<String> = keys(&interest, &broker).into_iter().collect();
        expected.assert_eq(&bound.join("\n"));
    }

    /// What the broker is asked for in a dialect of Koji's own.
    fn check_own(dialect: &Dialect, wanted: &str, expected: Expect) {
        let shown = |it: Binding| {
            let arguments = it.arguments.iter().map(|(name, value)| format!("{name}={value}"));
            let words: Vec<String> = [it.key.clone()]
                .into_iter()
                .chain(arguments)
                .filter(|it| !it.is_empty())
                .collect();
            words.join(" ")
        };
        let bound = bindings(&interest(wanted), &broker_of(dialect.clone()));
        let bound: Vec<String> = bound.into_iter().map(shown).collect();
        expected.assert_eq(&bound.join("\n"));
    }

    fn interest(wanted: &str) -> Interest {
        let packages = wanted.split(' ').filter_map(|it| it.strip_prefix("package:"));
        Interest {
            users: wanted.contains("mona").then(|| "mona".to_owned()).into_iter().collect(),
            packages: packages.map(str::to_owned).collect(),
            tasks: wanted.contains("tasks"),
            tags: wanted.contains("tags"),
        }
    }

    fn broker_of(dialect: Dialect) -> Broker {
        Broker { dialect, ..broker() }
    }

    fn broker() -> Broker {
        Broker {
            address: Address {
                tls: true,
                host: "broker.example.org".into(),
                port: 5671,
                vhost: "/".into(),
            },
            login: Login::External {
                certificate: "cert.pem".into(),
                key: "key.pem".into(),
            },
            trust: Trust::System,
            exchange: "amq.topic".into(),
            dialect: Dialect::FedoraMessaging {
                topic_prefix: "org.example.prod".into(),
                koji_instance: "primary".into(),
            },
            queue: Queue {
                name: QueueName::ByServer,
                durable: false,
                auto_delete: true,
                exclusive: true,
                arguments: BTreeMap::new(),
            },
            allowed_keys: Vec::new(),
            passive: false,
            prefetch: 25,
            heartbeat: None,
            connection_timeout: Duration::from_secs(5),
            client_properties: BTreeMap::new(),
        }
    }
}
