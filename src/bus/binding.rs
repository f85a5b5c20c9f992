//! From what is wanted to what is bound. Pure.
//!
//! Promise: the keys name exactly the topics that an [`Interest`] needs, never a wildcard, so that the broker keeps
//! the floods (every signed rpm, every tag of a mass rebuild) to itself. No routing key carries a user or a package:
//! whose news it is can only be told from the message.
//!
//! It deliberately does not know a queue, an exchange or a channel.

use std::collections::BTreeSet;

use super::broker::Broker;
use crate::koji::Interest;

/// Returns the routing keys that are to be bound, in order.
pub fn keys(interest: &Interest, broker: &Broker) -> BTreeSet<String> {
    let tags = interest.tags;
    let wanted = [
        (true, "build.state.change"),
        (interest.tasks, "task.state.change"),
        (tags, "tag"),
        (tags, "untag"),
    ];
    wanted
        .into_iter()
        .filter(|(wanted, _)| *wanted)
        .map(|(_, event)| format!("{}.buildsys.{event}", broker.topic_prefix))
        .filter(|key| is_allowed(key, &broker.allowed_keys))
        .collect()
}

/// Returns every key that any interest could bind, to find those that an earlier run has left on our queue.
pub fn possible_keys(broker: &Broker) -> BTreeSet<String> {
    let everything = Interest {
        tasks: true,
        tags: true,
        ..Interest::default()
    };
    keys(&everything, broker)
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
                prop_assert!(possible_keys(&broker).contains(&key));
            }
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
            topic_prefix: "org.example.prod".into(),
            koji_instance: "primary".into(),
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
