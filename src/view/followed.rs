//! What a person asked to follow, in words: how it stands, or why it is not followed.

use std::collections::BTreeMap;

use super::card::{self, Action, Card, Urgency};
use super::{story, text};
use crate::i18n::tr;
use crate::koji::{InstanceName, Site};
use crate::watch::{Notice, Reply, Request};

/// Answers a person who asked to follow something.
pub(super) fn answer(notice: &Notice, reply: Option<&Reply>, sites: &BTreeMap<InstanceName, Site>) -> Card {
    let again = || tr("Copy the number of a task, the name of a build or the address of its page, and try again");
    let (title, body) = match reply {
        Some(Reply::Is(it)) if it.followed => (story::standing(it), tr("You will be told how it ends")),
        Some(Reply::Is(it)) => (story::result(it), tr("It has ended already")),
        None => (tr("Nothing to follow on the clipboard"), again()),
        Some(Reply::Unknown) => (tr("Koji knows no such build or task"), again()),
        Some(Reply::NoHub) => (
            tr("This cannot be followed"),
            tr("The configuration names no hub for this Koji"),
        ),
        Some(Reply::NoAnswer(why)) => (tr("Koji could not be asked"), text::clean(why.trim(), text::MAX_LINE)),
    };
    let page = match reply {
        Some(Reply::Is(it)) => story::page(it, sites.get(&it.instance)).map(|link| (link, it)),
        Some(Reply::Unknown | Reply::NoHub | Reply::NoAnswer(_)) | None => None,
    };
    let open = page.map(|(link, it)| Action {
        key: "default",
        label: card::open_label(it),
        request: Request::Open {
            link,
            token: None,
            about: Some((it.instance.clone(), it.subject.clone())),
        },
    });
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title: text::clean(&title, text::MAX_LINE),
        body,
        quoted: 0..0,
        urgency: Urgency::Normal,
        category: "transfer",
        sound: None,
        expires: true,
        actions: open.into_iter().collect(),
    }
}
