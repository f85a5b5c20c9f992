//! What a message's headers say about whose it is, and whether what it tells is of interest. Pure, and without an
//! allocation.
//!
//! On a busy day nearly everything on the bus is somebody else's. Publishers that know the Koji schemas name each
//! concerned user and package in a header (`fedora_messaging_user_NAME`, `fedora_messaging_rpm_NAME`), so such a
//! message is set aside without reading its body. Koji's own plugins name no owner; there it is the event, the
//! attribute and at times the package that tell.
//!
//! It deliberately does not know what a body looks like.

use std::ops::Bound;

use lapin::types::FieldTable;

use super::decode::plugin::{Named, Outside};
use super::decode::{Dialect, Envelope};
use crate::koji::task::only_sends_mail;
use crate::koji::{Change, HubEvent, Interest, UserId};

const USER: &str = "fedora_messaging_user_";
const PACKAGE: &str = "fedora_messaging_rpm_";

/// Returns whether a message can be of interest and has to be read, as its outside tells.
pub fn may_concern(dialect: &Dialect, envelope: &Envelope<'_>, interest: &Interest) -> bool {
    match dialect {
        Dialect::FedoraMessaging { .. } | Dialect::Recorded => {
            envelope.headers.is_none_or(|it| concerns_headers(it, interest))
        }
        Dialect::KojiTopic { prefix } | Dialect::KojiProtonmsg { prefix } => {
            concerns_outside(&Outside::read(prefix, envelope), interest)
        }
        Dialect::KojiHeaders => concerns_outside(&Outside::read("", envelope), interest),
    }
}

/// Returns whether a message of Koji's own plugins can be of interest. No owner is named outside, so while there is a
/// user, every build may be one of mine.
pub(super) fn concerns_outside(outside: &Outside<'_>, interest: &Interest) -> bool {
    let Some(named) = outside.named else {
        return !outside.is_strange;
    };
    let is_of_state = outside.attribute.is_none_or(|it| it == "state");
    let is_followed = || match outside.package {
        Some(package) => interest.packages.iter().any(|it| package.is(it)),
        None => true,
    };
    let may_be_mine = || !interest.users.is_empty() || is_followed();
    match named {
        Named::BuildStateChange => is_of_state && may_be_mine(),
        Named::TaskStateChange => is_of_state,
        Named::Tag | Named::Untag => interest.tags && may_be_mine(),
        Named::BuildPromote => may_be_mine(),
        Named::RepoInit | Named::RepoDone => true,
        Named::PackageListChange | Named::Import | Named::RpmSign => false,
    }
}

/// Returns whether a message with these headers can be of interest and has to be read.
///
/// Headers without a user say nothing, and messages about tasks name a user and no package: while packages are
/// followed, such a message may be about one of them.
pub fn concerns_headers(headers: &FieldTable, interest: &Interest) -> bool {
    let mut users = named(headers, USER).peekable();
    if users.peek().is_none() {
        return true;
    }
    if users.any(|user| interest.users.contains(user)) {
        return true;
    }
    if interest.packages.is_empty() {
        return false;
    }
    let mut packages = named(headers, PACKAGE).peekable();
    packages.peek().is_none() || packages.any(|package| interest.packages.contains(package))
}

/// Returns whether an event is of interest, as well as that can be said without knowing whose number `owner` is.
pub fn concerns(event: &HubEvent, owner: Option<UserId>, interest: &Interest) -> bool {
    match event {
        HubEvent::Changed(change) => {
            let is_of_kind = match change {
                Change::Build(_) => true,
                Change::Task(it) => (interest.tasks || !it.scratch) && !only_sends_mail(&it.method),
                Change::Tag(_) => interest.tags,
            };
            let is_nameless = change.owner().is_none() && owner.is_some();
            is_of_kind && (is_nameless || interest.concerns(change.owner(), change.package()))
        }
        HubEvent::Promoted(it) => interest.concerns(it.owner.as_deref(), Some(&it.nvr.name)),
        // Whose they are, only the stories know.
        HubEvent::Child(_) | HubEvent::Repo(_) => true,
        HubEvent::PackageList(_) | HubEvent::Signed(_) | HubEvent::Imported(_) | HubEvent::Other { .. } => false,
    }
}

/// Returns what follows the prefix in each header that has it. The table is sorted, so they stand together.
fn named<'a>(headers: &'a FieldTable, prefix: &'static str) -> impl Iterator<Item = &'a str> {
    headers
        .inner()
        .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
        .map_while(move |(name, _)| name.as_str().strip_prefix(prefix))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lapin::types::{AMQPValue, ShortString};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_that_names_nobody_is_read() {
        check("", "mona", "", true);
        check("sent-at fedora_messaging_schema x-received-from", "mona", "", true);
        check("fedora_messaging_rpm_bash", "mona", "", true);
    }

    #[test]
    fn a_message_of_other_people_is_set_aside() {
        check("fedora_messaging_user_bob", "mona", "", false);
        check("fedora_messaging_user_bob fedora_messaging_rpm_bash", "mona", "", false);
        check(
            "fedora_messaging_user_bob fedora_messaging_rpm_bash",
            "mona",
            "zsh",
            false,
        );
    }

    #[test]
    fn a_message_of_mine_is_read() {
        check("fedora_messaging_user_mona", "mona", "", true);
        check("fedora_messaging_user_bob fedora_messaging_user_mona", "mona", "", true);
        check(
            "fedora_messaging_user_mbs/mbs.example.org",
            "mbs/mbs.example.org",
            "",
            true,
        );
    }

    #[test]
    fn names_are_compared_whole() {
        check("fedora_messaging_user_monalisa", "mona", "", false);
        check("fedora_messaging_user_mon", "mona", "", false);
        check("fedora_messaging_user_Mona", "mona", "", false);
        check(
            "fedora_messaging_userx_mona fedora_messaging_user_bob",
            "mona",
            "",
            false,
        );
    }

    #[test]
    fn a_followed_package_is_read_whoever_builds_it() {
        check(
            "fedora_messaging_user_bob fedora_messaging_rpm_bash",
            "mona",
            "bash",
            true,
        );
        check(
            "fedora_messaging_user_bob fedora_messaging_rpm_bash5",
            "mona",
            "bash",
            false,
        );
    }

    #[test]
    fn a_task_names_no_package_and_may_be_about_a_followed_one() {
        check("fedora_messaging_user_bob", "mona", "bash", true);
        check("fedora_messaging_user_bob sent-at", "mona", "bash", true);
    }

    #[test]
    fn what_koji_s_own_plugins_say_outside_is_enough_to_set_much_aside() {
        let topic = Dialect::KojiTopic {
            prefix: "koji.event".to_owned(),
        };
        for (key, mona, bash) in [
            ("koji.event.BuildStateChange.state.bash", true, true),
            ("koji.event.BuildStateChange.state.zsh", true, false),
            ("koji.event.BuildStateChange.volume_id.bash", false, false),
            ("koji.event.TaskStateChange.build.state", true, true),
            ("koji.event.TaskStateChange.build.host_id", false, false),
            ("koji.event.Tag.f43.bash.mona", false, false),
            ("koji.event.Import.rpm", false, false),
            ("koji.event.RPMSign", false, false),
            ("koji.event.RepoDone.f43-build", true, true),
            // Not of ours, which reading tells.
            ("elsewhere.BuildStateChange.volume_id.bash", true, true),
            ("koji.event.Newfangled.bash", true, true),
        ] {
            check_outside(&topic, key, &[], (mona, bash));
        }
        // A name that was cut may be any.
        let long = "n".repeat(300);
        let key: String = format!("koji.event.BuildStateChange.state.{long}")
            .chars()
            .take(255)
            .collect();
        check_outside(&topic, &key, &[], (true, true));
    }

    #[test]
    fn headers_say_it_where_there_is_no_routing_key() {
        let build = |attribute, name| [("type", "BuildStateChange"), ("attribute", attribute), ("name", name)];
        for (headers, mona, bash) in [
            (&build("state", "bash")[..], true, true),
            (&build("state", "zsh"), true, false),
            (&build("completion_ts", "bash"), false, false),
            (
                &[("type", "TaskStateChange"), ("attribute", "state"), ("method", "build")],
                true,
                true,
            ),
            (&[("type", "TaskStateChange"), ("attribute", "weight")], false, false),
            (&[("type", "Import"), ("importType", "rpm")], false, false),
            (&[("type", "Newfangled")], false, false),
            (&[], true, true),
        ] {
            check_outside(&Dialect::KojiHeaders, "", headers, (mona, bash));
        }
    }

    #[test]
    fn tags_are_read_when_they_are_wanted() {
        let mut interest = of("mona", "");
        for tags in [false, true] {
            interest.tags = tags;
            for key in ["koji.build.tag", "koji.build.untag"] {
                let proton = Dialect::KojiProtonmsg {
                    prefix: "koji".to_owned(),
                };
                assert_eq!(is_read(&proton, key, &[], &interest), tags);
            }
        }
    }

    proptest! {
        /// Setting a message aside is right only if the decoded message could not have been of interest.
        #[test]
        fn nothing_of_interest_is_set_aside(
            owner in name(), package in name(), is_task: bool,
            others in prop::collection::vec(name(), 0..4),
            users in prop::collection::btree_set(name(), 0..3),
            packages in prop::collection::btree_set(name(), 0..3),
        ) {
            let mut headers: Vec<String> = others.iter().map(|it| format!("{USER}{it}")).collect();
            headers.push(format!("{USER}{owner}"));
            if !is_task {
                headers.push(format!("{PACKAGE}{package}"));
            }
            let interest = Interest { users, packages, tasks: true, tags: true };
            let concerns = interest.concerns(Some(&owner), Some(&package));
            prop_assert!(concerns_headers(&table(&headers), &interest) || !concerns);
        }
    }

    fn name() -> impl Strategy<Value = String> {
        "[ab]{1,2}"
    }

    fn check(headers: &str, users: &str, packages: &str, read: bool) {
        let set = |it: &str| it.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        let interest = Interest {
            users: set(users),
            packages: set(packages),
            tasks: true,
            tags: false,
        };
        let headers: Vec<String> = headers.split_whitespace().map(str::to_owned).collect();
        assert_eq!(concerns_headers(&table(&headers), &interest), read, "{headers:?}");
    }

    /// What is read of a message while mona is followed, and while only the package bash is.
    fn check_outside(dialect: &Dialect, key: &str, headers: &[(&str, &str)], expected: (bool, bool)) {
        let read = |interest| is_read(dialect, key, headers, &interest);
        assert_eq!(
            (read(of("mona", "bash")), read(of("", "bash"))),
            expected,
            "{key} {headers:?}"
        );
    }

    fn is_read(dialect: &Dialect, key: &str, headers: &[(&str, &str)], interest: &Interest) -> bool {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert(ShortString::from(*name), AMQPValue::LongString((*value).into()));
        }
        let envelope = Envelope {
            topic: key,
            headers: Some(&table),
            body: b"not JSON",
            ..Envelope::default()
        };
        may_concern(dialect, &envelope, interest)
    }

    fn of(user: &str, package: &str) -> Interest {
        let set = |it: &str| it.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        Interest {
            users: set(user),
            packages: set(package),
            tasks: true,
            tags: false,
        }
    }

    fn table(names: &[String]) -> FieldTable {
        let mut table = FieldTable::default();
        for name in names {
            table.insert(ShortString::from(name.as_str()), AMQPValue::Boolean(true));
        }
        table
    }
}
