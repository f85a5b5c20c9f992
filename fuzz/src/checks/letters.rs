//! What reaches a notification server and a tray: nothing in it acts, and none of it is markup but ours.

use std::collections::BTreeMap;

use koji_notify::desktop::notices::letter::{Abilities, compose};
use koji_notify::koji::{InstanceName, Site};
use koji_notify::view::Card;
use koji_notify::view::menu::Item;
use koji_notify::view::tray::Tray;
use koji_notify::watch::Request;

use super::{assert_line, assert_lines};

/// The most characters of a title, of a button and of a body. Nine kinds of news with five names each fit.
const MAX_TITLE: usize = 200;
const MAX_LABEL: usize = 200;
const MAX_BODY: usize = 8000;

/// The most lines of a body: one for each kind of news, the number of those left out, and that it is a summary.
const MAX_LINES: usize = 13;

/// Composes a card for every kind of server, and looks at what each would get.
pub(super) fn check(card: &Card, sites: &BTreeMap<InstanceName, Site>) {
    for (markup, monospace, actions, default_is_button) in [
        (false, false, false, false),
        (true, false, false, false),
        (true, true, true, false),
        (false, false, true, true),
    ] {
        let abilities = Abilities {
            drops_buttons: false,
            markup,
            monospace,
            actions,
            default_is_button,
        };
        let letter = compose(card, abilities, "/usr/share/icons/koji.svg");
        assert_line("a title", &letter.summary, MAX_TITLE);
        assert_eq!(letter.summary, card.title, "a title is plain for every server");
        if markup {
            // What is escaped has no tag in it.
            let tags = letter.body.matches("<tt>").count();
            assert_eq!(tags, if monospace { card.quoted.len() } else { 0 });
            let body = letter.body.replace("<tt>", "").replace("</tt>", "");
            assert_eq!(read_markup(&body), card.body);
        } else {
            assert_eq!(letter.body, card.body, "a body is plain for a server without markup");
        }
        assert_lines("a body", &card.body, MAX_BODY);
        let lines = card.body.lines().count();
        assert!(lines <= MAX_LINES, "{lines} lines: {:?}", card.body);
        assert!(actions || letter.actions.is_empty());
        assert!(letter.actions.len().is_multiple_of(2));
        for words in letter.actions.chunks(2) {
            assert!(card.actions.iter().any(|it| it.key == words[0]), "{words:?}");
            assert_line("a button", &words[1], MAX_LABEL);
        }
    }
    for action in &card.actions {
        check_link(&action.request, sites);
    }
}

/// A tray and all of its menu.
pub(super) fn check_tray(tray: &Tray) {
    assert_line("the tray's title", &tray.title, 1000);
    assert_lines("the tray's text", &tray.text, MAX_BODY);
    check_items(&tray.menu.items);
}

fn check_items(items: &[Item]) {
    let label = |it: &str| assert_line("a label", it, 400);
    for item in items {
        match item {
            Item::Separator => {}
            Item::Text(text) => label(text),
            Item::Entry { label: text, .. } | Item::Check { label: text, .. } => label(text),
            Item::Radio { options, .. } => options.iter().for_each(|it| label(&it.0)),
            Item::Submenu { label: text, items } => {
                label(text);
                check_items(items);
            }
        }
    }
}

/// A link is a configured address and what is ours.
fn check_link(request: &Request, sites: &BTreeMap<InstanceName, Site>) {
    if let Request::Open { link, .. } = request {
        let addresses = sites.values().flat_map(|it| [&it.weburl, &it.topurl]).flatten();
        let is_ours = addresses.into_iter().any(|it| {
            let is_plain = |it: char| it.is_ascii_alphanumeric() || "/?=&_.-".contains(it);
            link.strip_prefix(it.as_str())
                .is_some_and(|rest| rest.chars().all(is_plain))
        });
        assert!(is_ours, "{link}");
    }
}

/// Reads markup that has no tag and only the five entities that every server knows, and returns what it shows.
fn read_markup(markup: &str) -> String {
    const ENTITIES: [(&str, char); 5] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&apos;", '\''),
    ];
    let mut text = String::new();
    let mut rest = markup;
    while let Some(next) = rest.chars().next() {
        assert!(!['<', '>'].contains(&next), "a tag: {markup:?}");
        if next == '&' {
            let (entity, character) = ENTITIES
                .into_iter()
                .find(|it| rest.starts_with(it.0))
                .unwrap_or_else(|| panic!("no entity: {markup:?}"));
            text.push(character);
            rest = &rest[entity.len()..];
        } else {
            text.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    text
}
