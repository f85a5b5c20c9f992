//! The tray's menu, as a value.

use std::collections::BTreeMap;

use super::{Icon, card, status, text, trouble};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{InstanceName, Site, Subject};
use crate::watch::{Line, Link, PauseFor, Request, Story, Toggle, Watch};

/// A menu. Two equal menus look the same and do the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Menu {
    pub items: Vec<Item>,
}

/// A line of a menu. Labels are plain text without mnemonics: whoever shows them doubles `_` where it is special.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Separator,
    /// Text that cannot be chosen.
    Text(String),
    Entry {
        label: String,
        request: Request,
    },
    Check {
        label: String,
        on: bool,
        request: Request,
    },
    /// Exactly one of the options is in force, or none.
    Radio {
        selected: Option<usize>,
        options: Vec<(String, Request)>,
    },
    Submenu {
        label: String,
        items: Vec<Item>,
    },
}

/// How many running builds and how many results the menu lists.
const MAX_RUNNING: usize = 10;
const MAX_RESULTS: usize = 10;

/// How wide and how long the words about a broken configuration may be: a menu is as wide as its longest line.
const TROUBLE_WIDTH: usize = 70;
const TROUBLE_LINES: usize = 6;

/// What can be done where we run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Means {
    /// There is a clipboard.
    pub copy: bool,
    /// There is a configuration of the person's, not just a recording that is played.
    pub configure: bool,
}

/// Returns the menu for how things stand.
pub fn menu(watch: &Watch, sites: &BTreeMap<InstanceName, Site>, means: Means) -> Menu {
    let stories = Stories { sites, means };
    let is_down = |it: &Line| matches!(it.link, Link::Down(_));
    // What is wrong stands in full below.
    let summary = if status::icon(watch) == Icon::Offline && watch.lines().values().any(is_down) {
        tr("Not connected")
    } else {
        status::summary(watch)
    };
    let mut items = vec![Item::Text(summary)];
    items.extend(troubles(watch));
    items.extend(running(watch, &stories));
    items.extend(results(watch, &stories));
    items.push(Item::Separator);
    items.push(Item::Submenu {
        // Translators: the title of a menu whose entries are "Started builds", "Finished builds" and so on.
        label: tr("Notify me of"),
        items: toggles(watch),
    });
    items.push(Item::Submenu {
        // Translators: the title of a menu whose entries are "For 30 minutes", "Until tomorrow" and so on.
        label: tr("Pause notifications"),
        items: vec![pause(watch)],
    });
    items.extend(muted(watch));
    items.push(Item::Separator);
    if means.configure {
        items.push(Item::Check {
            label: tr("Start at login"),
            on: watch.starts_at_login(),
            request: Request::StartAtLogin(!watch.starts_at_login()),
        });
        items.push(Item::Entry {
            label: tr("Preferences…"),
            request: Request::EditPreferences,
        });
    }
    items.push(about());
    items.push(Item::Entry {
        label: tr("Quit"),
        request: Request::Quit,
    });
    Menu { items }
}

/// Returns what is wrong, a line each.
pub(super) fn troubles(watch: &Watch) -> Vec<Item> {
    let mut items = Vec::new();
    for (name, line) in watch.lines() {
        if let Link::Down(trouble) = &line.link {
            let values = [("instance", name.as_str()), ("trouble", &trouble::sentence(trouble))];
            // Translators: what is wrong with one Koji instance: "fedora: rabbitmq.example.com:5671 does not answer".
            items.push(Item::Text(fill(&tr("{instance}: {trouble}"), &values)));
            items.push(Item::Text(trouble::advice(trouble.problem)));
        }
    }
    if watch.has_server() == Some(false) {
        items.push(Item::Text(trouble::no_server(watch.waiting())));
    }
    if let Some(trouble) = watch.configuration_trouble() {
        items.push(Item::Text(trouble::configuration(!watch.lines().is_empty())));
        let lines = text::wrapped(trouble, TROUBLE_WIDTH, TROUBLE_LINES);
        items.extend(lines.into_iter().map(Item::Text));
    }
    items
}

fn running(watch: &Watch, stories: &Stories<'_>) -> Vec<Item> {
    let running = watch.running();
    if running.is_empty() {
        return Vec::new();
    }
    let mut items = vec![Item::Separator];
    for story in running.iter().take(MAX_RUNNING) {
        let label = match (card::name(story), &story.target) {
            (Some(what), Some(target)) => {
                let values = [("what", &*what), ("target", &text::name(target))];
                // Translators: a build that is running: "bash-5.3-1.fc43 is being built for rawhide".
                fill(&tr("{what} is being built for {target}"), &values)
            }
            (Some(_) | None, _) => card::standing(story),
        };
        items.push(stories.menu(label, story));
    }
    if let Some(more) = running.len().checked_sub(MAX_RUNNING).filter(|it| *it > 0) {
        // Translators: the end of a list of running builds.
        let sentence = tr_n("{n} more is running", "{n} more are running", more as u64);
        items.push(Item::Text(fill(&sentence, &[("n", &more.to_string())])));
    }
    items
}

fn results(watch: &Watch, stories: &Stories<'_>) -> Vec<Item> {
    let mut items = vec![Item::Separator];
    let results = watch.results();
    if results.is_empty() {
        items.push(Item::Text(tr("No results yet")));
    }
    for story in results.iter().take(MAX_RESULTS) {
        items.push(stories.menu(card::standing(story), story));
    }
    if watch.unseen_failures() > 0 {
        items.push(Item::Entry {
            label: tr("Mark failures as seen"),
            request: Request::MarkSeen,
        });
    }
    items
}

/// What can be done about a build or task.
struct Stories<'a> {
    sites: &'a BTreeMap<InstanceName, Site>,
    means: Means,
}

impl Stories<'_> {
    fn menu(&self, label: String, story: &Story) -> Item {
        let site = self.sites.get(&story.instance);
        let open = |label, link| Item::Entry {
            label,
            request: Request::Open {
                link,
                token: None,
                about: Some((story.instance.clone(), story.subject.clone())),
            },
        };
        let mut items = Vec::new();
        if let Some(page) = card::page(story, site) {
            let label = match story.subject {
                Subject::Task(_) => tr("Open task"),
                Subject::Build(_) | Subject::NamedBuild(_) => tr("Open build"),
            };
            items.push(open(label, page));
        }
        if let Some(log) = card::log(story, site) {
            items.push(open(tr("Open log"), log));
        }
        if self.means.copy {
            items.push(Item::Entry {
                label: tr("Copy name"),
                request: Request::Copy(card::what(story)),
            });
        }
        if items.is_empty() {
            return Item::Text(label);
        }
        Item::Submenu { label, items }
    }
}

fn toggles(watch: &Watch) -> Vec<Item> {
    let wanted = &watch.rules().wanted;
    let item = |toggle: Toggle| Item::Check {
        label: label(toggle),
        on: wanted.is_on(toggle),
        request: Request::Switch(toggle, !wanted.is_on(toggle)),
    };
    let mut items: Vec<_> = Toggle::ALL.into_iter().map(item).collect();
    // The sound is not a kind of news.
    items.insert(items.len() - 1, Item::Separator);
    items
}

fn label(toggle: Toggle) -> String {
    match toggle {
        Toggle::Started => tr("Started builds"),
        Toggle::Finished => tr("Finished builds"),
        Toggle::Failed => tr("Failed builds"),
        Toggle::Canceled => tr("Canceled builds"),
        Toggle::Scratch => tr("Scratch builds"),
        Toggle::Tagged => tr("Tagged builds"),
        Toggle::InRepo => tr("Builds that reach the repository"),
        Toggle::Followed => tr("Other people's builds of packages I follow"),
        Toggle::Sound => tr("Play a sound"),
    }
}

fn pause(watch: &Watch) -> Item {
    let choices = [
        (tr("For 30 minutes"), PauseFor::HALF_AN_HOUR),
        (tr("For 1 hour"), PauseFor::AN_HOUR),
        (tr("Until tomorrow"), PauseFor::UntilTomorrow),
        // Translators: "I" is the person who reads it, and resumes by choosing "Not paused".
        (tr("Until I resume"), PauseFor::UntilResumed),
    ];
    let selected = match watch.pause() {
        None => Some(0),
        Some(pause) => choices.iter().position(|(_, it)| *it == pause.asked).map(|it| it + 1),
    };
    let mut options = vec![(tr("Not paused"), Request::Resume)];
    options.extend(choices.map(|(label, it)| (label, Request::Pause(it))));
    Item::Radio { selected, options }
}

fn muted(watch: &Watch) -> Option<Item> {
    let unmute = |package: &String| {
        let values = [("package", &*text::name(package))];
        Item::Entry {
            label: fill(&tr("Unmute {package}"), &values),
            request: Request::Unmute {
                package: package.clone(),
            },
        }
    };
    let items: Vec<_> = watch.muted().keys().map(unmute).collect();
    let label = tr("Muted packages");
    (!items.is_empty()).then_some(Item::Submenu { label, items })
}

fn about() -> Item {
    let version = env!("CARGO_PKG_VERSION");
    Item::Submenu {
        label: tr("About koji-notify"),
        items: vec![
            Item::Text(fill(&tr("koji-notify {version}"), &[("version", version)])),
            Item::Text(tr("Tells you how your Koji builds are doing")),
            Item::Text(tr("Free software under the GNU GPL, version 3 or later")),
        ],
    }
}
