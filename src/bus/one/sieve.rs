//! What a message's application properties say about whether it is of interest. Pure.
//!
//! Koji's plugin names the kind of event and what has changed, and never whose it is. So this sets aside what nobody
//! is told of, without reading a body, and a broker with JMS selectors can do the same before it sends.
//!
//! It deliberately does not know what a body looks like.

use super::super::amqp::{Item, Items};
use super::super::decode::plugin::Outside;
use super::super::sieve::concerns_outside;
use crate::koji::Interest;

/// The events that nobody is told of.
const NEVER: [&str; 3] = ["PackageListChange", "Import", "RPMSign"];
/// The events about what is in a tag.
const TAGGING: [&str; 2] = ["Tag", "Untag"];

/// Returns whether a message with these properties can be of interest and has to be read. Without a `type` it may be
/// anything.
pub fn concerns_properties(properties: Items<'_>, interest: &Interest) -> bool {
    concerns_outside(&Outside::of_properties(properties), interest)
}

/// Returns whether a broker that sorts by [`selector`] would send a message with these properties.
pub(super) fn is_selected(properties: Items<'_>, interest: &Interest) -> bool {
    let text = |key| properties.value_of(key).and_then(Item::text);
    let Some(kind) = text("type") else {
        return true;
    };
    if NEVER.contains(&kind) || (!interest.tags && TAGGING.contains(&kind)) {
        return false;
    }
    let is_of_state = text("attribute").is_none_or(|it| it == "state");
    is_of_state || (kind != "BuildStateChange" && kind != "TaskStateChange")
}

/// Returns what a broker may keep back, as a JMS selector for the rest. It is the same for every user and package.
pub fn selector(interest: &Interest) -> String {
    let unwanted = NEVER.iter().chain(TAGGING.iter().filter(|_| !interest.tags));
    let unwanted: Vec<String> = unwanted.map(|it| format!("'{it}'")).collect();
    let unwanted = unwanted.join(", ");
    format!(
        "type IS NULL OR (type NOT IN ({unwanted}) AND (attribute IS NULL OR attribute = 'state' \
         OR type NOT IN ('BuildStateChange', 'TaskStateChange')))"
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::amqp::message::Message;
    use super::*;

    #[test]
    fn what_a_broker_keeps_back_is_never_of_interest() {
        let kinds = [
            "BuildStateChange",
            "TaskStateChange",
            "Tag",
            "Untag",
            "Import",
            "RPMSign",
            "PackageListChange",
            "RepoDone",
            "BuildPromote",
            "Newfangled",
        ];
        let mut kept_back = 0;
        for tags in [false, true] {
            let interest = Interest {
                users: ["mona".to_owned()].into(),
                packages: ["bash".to_owned()].into(),
                tasks: true,
                tags,
            };
            for kind in kinds {
                for attribute in ["state", "volume_id"] {
                    let bytes = properties(&[("type", kind), ("attribute", attribute), ("name", "bash")]);
                    let properties = Message::read([&*bytes]).unwrap().application_properties;
                    let is_selected = is_selected(properties, &interest);
                    assert!(
                        is_selected || !concerns_properties(properties, &interest),
                        "{kind} {attribute}"
                    );
                    kept_back += usize::from(!is_selected);
                }
            }
        }
        assert_eq!(kept_back, 5 * 2 + 2 + 3 * 2 + 2);
        let none = Message::read([]).unwrap().application_properties;
        assert!(is_selected(none, &Interest::default()));
        assert!(concerns_properties(none, &Interest::default()));
    }

    fn properties(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut items = Vec::new();
        for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
            items.extend([0xa1, u8::try_from(text.len()).unwrap()]);
            items.extend(text.as_bytes());
        }
        let size = u8::try_from(items.len() + 1).unwrap();
        let count = u8::try_from(pairs.len() * 2).unwrap();
        [&[0, 0x53, 0x74, 0xc1, size, count][..], &items].concat()
    }
}
