//! The tray's menu, as a value.
//!
//! What it says of time is true when it is made; `progress` says what that promises.

use std::collections::BTreeMap;
use std::iter;

use jiff::Timestamp;

use super::status::InstanceStatus;
use super::{card, cause, deed, mute, progress, quiet, status, story, text, trouble};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{BuildState, Child, InstanceName, Site, Subject, TaskState};
use crate::watch::{Act, Asker, Lookup, PauseFor, Request, Standing, Story, Toggle, Watch, Whereabouts};

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

/// The most characters of what the hub said that stand above what can be done.
const MAX_FACT: usize = 80;

/// How many logs of one running build it lists; a kernel has half as many.
const MAX_LOGS: usize = 10;

/// What can be done where we run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Means {
    /// There is a clipboard.
    pub copy: bool,
    /// What is on the clipboard can be read.
    pub paste: bool,
    /// There is a program that shows the history in a window.
    pub window: bool,
    /// There is a configuration of the person's, not just a recording that is played.
    pub configure: bool,
}

/// Returns the menu for how things stand.
pub fn menu(watch: &Watch, sites: &BTreeMap<InstanceName, Site>, means: Means, now: Timestamp) -> Menu {
    let stories = Stories {
        watch,
        sites,
        means,
        now,
    };
    let has_hub = watch.rules().instances.values().any(|it| it.hub);
    let mut items = vec![Item::Text(status::summary(watch))];
    let quiet = [quiet::sentence(watch), quiet::held(watch)];
    items.extend(quiet.into_iter().flatten().map(Item::Text));
    items.extend(wrong(watch, now));
    items.extend(running(watch, &stories, now));
    items.extend(of_others(watch, &stories, now));
    items.extend(results(watch, &stories, now));
    if means.paste && has_hub {
        items.push(Item::Entry {
            label: tr("Follow what is on the clipboard"),
            request: Request::FollowClipboard,
        });
    }
    items.push(Item::Separator);
    items.push(Item::Submenu {
        // Translators: the title of a menu whose entries are "Started builds", "Finished builds" and so on.
        label: tr("Notify me of"),
        items: toggles(watch),
    });
    items.push(Item::Submenu {
        // Translators: the title of a menu whose entries are "For 30 minutes", "Until tomorrow" and so on.
        label: tr("Pause notifications"),
        items: [pause(watch), Item::Separator]
            .into_iter()
            .chain(mute::but_failures(watch, now))
            .collect(),
    });
    items.extend(mute::menu(watch, now));
    items.push(Item::Separator);
    items.extend(instances(watch));
    if means.configure {
        items.push(Item::Check {
            label: tr("Start at login"),
            on: watch.starts_at_login(),
            request: Request::StartAtLogin(!watch.starts_at_login()),
        });
    }
    if means.window {
        items.push(Item::Entry {
            // Translators: opens a window that lists builds, running ones and those that were.
            label: tr("History…"),
            request: Request::ShowHistory { token: None },
        });
    }
    if means.configure {
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

/// Returns what is wrong and what can be done, a line each; nothing where nothing is.
fn wrong(watch: &Watch, now: Timestamp) -> Option<Item> {
    let mut lines = Vec::new();
    for it in trouble::lines(watch) {
        lines.extend([it.sentence, it.advice]);
    }
    for it in trouble::hubs(watch, now) {
        lines.extend([it.sentence, it.advice]);
    }
    lines.extend(trouble::here(watch));
    let items: Vec<_> = lines.into_iter().map(Item::Text).collect();
    // Translators: the title of a menu that says what is wrong, and what to do about it.
    let label = tr("Something is wrong");
    (!items.is_empty()).then_some(Item::Submenu { label, items })
}

/// Returns how the lines to the instances and their hubs are.
fn instances(watch: &Watch) -> Option<Item> {
    let said = |it: InstanceStatus| {
        let values = [("instance", &*text::name(&it.name)), ("trouble", &it.text)];
        let line = fill(&tr("{instance}: {trouble}"), &values);
        // Where there is no broker, the line is the hub.
        let hub = Some(it.hub_text).filter(|hub| it.broker && !hub.is_empty());
        iter::once(line).chain(hub).map(Item::Text)
    };
    let items: Vec<_> = status::instances(watch).flat_map(said).collect();
    // Translators: the title of a menu that lists Koji instances, and how the lines to them are.
    let label = tr("Connections");
    (!items.is_empty()).then_some(Item::Submenu { label, items })
}

fn running(watch: &Watch, stories: &Stories<'_>, now: Timestamp) -> Vec<Item> {
    let running = watch.running();
    if running.is_empty() {
        return Vec::new();
    }
    let mut items = vec![Item::Separator];
    for story in running.iter().take(MAX_RUNNING) {
        let has_word = watch.hub(&story.instance).is_some_and(|it| it.trouble.is_none());
        let label = progress::label(story, now, has_word);
        items.push(stories.menu(label, None, story));
    }
    if let Some(more) = running.len().checked_sub(MAX_RUNNING).filter(|it| *it > 0) {
        // Translators: the end of a list of running builds.
        let sentence = tr_n("{n} more is running", "{n} more are running", more as u64);
        items.push(Item::Text(fill(&sentence, &[("n", &more.to_string())])));
    }
    items
}

/// Returns what others build of the packages that I follow.
fn of_others(watch: &Watch, stories: &Stories<'_>, now: Timestamp) -> Option<Item> {
    let running = watch.running_of_others();
    let one = |story: &&Story| stories.menu(progress::label(story, now, false), None, story);
    let items: Vec<_> = running.iter().take(MAX_RUNNING).map(one).collect();
    // Translators: the title of a menu that lists builds which are running, of packages that the person follows.
    let label = tr("Other people's builds");
    (!items.is_empty()).then_some(Item::Submenu { label, items })
}

fn results(watch: &Watch, stories: &Stories<'_>, now: Timestamp) -> Vec<Item> {
    let mut items = vec![Item::Separator];
    let mut results = watch.results();
    // What calls for somebody comes first.
    results.sort_by_key(|it| !watch.is_unseen(it));
    if results.is_empty() {
        items.push(Item::Text(tr("No results yet")));
    }
    for story in results.iter().take(MAX_RESULTS) {
        // What is recorded is as old as it is.
        let age = watch.rules().live.then(|| text::ago(watch.age(story, now)));
        items.push(stories.menu(story::result(story), age, story));
    }
    if watch.unseen_failures() > 0 {
        items.push(Item::Entry {
            label: tr("Mark all as seen"),
            request: Request::MarkSeen,
        });
    }
    items
}

/// What is known of a build or task beyond its label, and what can be done about it.
struct Stories<'a> {
    watch: &'a Watch,
    sites: &'a BTreeMap<InstanceName, Site>,
    means: Means,
    now: Timestamp,
}

impl Stories<'_> {
    fn menu(&self, label: String, age: Option<String>, story: &Story) -> Item {
        let placed = story::placed(label, story, self.sites);
        let label = text::parts(&iter::once(placed).chain(age).collect::<Vec<_>>());
        let mut items = self.looks(story);
        if self.means.copy {
            items.push(Item::Entry {
                label: tr("Copy name"),
                request: Request::Copy(story::what(story)),
            });
        }
        items.extend(self.following(story));
        items.extend(mute::entries(self.watch, story, self.now));
        items.extend(self.acts(story));
        let facts = facts(story);
        if items.is_empty() && facts.is_empty() {
            return Item::Text(label);
        }
        let facts = facts.into_iter().map(Item::Text);
        let items = facts.chain(items).collect();
        Item::Submenu { label, items }
    }

    /// Returns what there is to look at.
    fn looks(&self, story: &Story) -> Vec<Item> {
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
        if let Some(page) = story::page(story, site) {
            items.push(open(card::open_label(story), page));
        }
        if let Some(log) = story::log(story, site) {
            items.push(open(tr("Open log"), log));
        }
        if story.standing.is_settled() {
            return items;
        }
        // Who waits for a builder has written nothing yet.
        let writes = |it: &&Child| matches!(it.state, Some(TaskState::Open | TaskState::Closed | TaskState::Failed));
        let logs = |it: &&Child| it.is_arch_build() || (it.is_source_rpm() && it.state == Some(TaskState::Open));
        let mut children: Vec<_> = story.children.iter().filter(logs).filter(writes).collect();
        children.sort_by(|a, b| a.arch.cmp(&b.arch));
        for child in children.into_iter().take(MAX_LOGS) {
            let label = if child.is_arch_build() {
                // Translators: {arch} is an architecture such as "aarch64".
                fill(&tr("Open log of {arch}"), &[("arch", &text::name(&child.arch))])
            } else {
                tr("Open log of the source RPM")
            };
            items.extend(site.and_then(|it| it.build_log(child.task)).map(|it| open(label, it)));
        }
        items
    }

    /// Returns how to hear of it, or no more of it. Mine are told of anyway.
    fn following(&self, story: &Story) -> Option<Item> {
        let (instance, lookup) = (story.instance.clone(), lookup(story));
        if story.mine {
            return None;
        }
        if story.followed {
            let asker = Asker::Nobody;
            return Some(Item::Entry {
                label: tr("Stop following"),
                request: Request::Unfollow {
                    instance,
                    lookup,
                    asker,
                },
            });
        }
        let has_hub = self.watch.rules().instances.get(&instance).is_some_and(|it| it.hub);
        // Whether it can be followed the hub says, and then a notification.
        let asker = Asker::Person;
        (has_hub && !story.standing.is_settled()).then(|| Item::Entry {
            // Translators: a menu entry. The person will be told how a build or task ends.
            label: tr("Follow"),
            request: Request::Follow {
                instance,
                lookup,
                asker,
            },
        })
    }

    /// Returns what can be done on the hub, apart from what is harmless.
    fn acts(&self, story: &Story) -> Vec<Item> {
        let acts = [Act::Resubmit, Act::Cancel];
        let possible = acts.into_iter().filter(|it| self.watch.can(*it, story));
        let entry = |act| Item::Entry {
            label: deed::label(act, story),
            request: Request::Act {
                act,
                about: (story.instance.clone(), story.subject.clone()),
            },
        };
        possible.flat_map(|it| [Item::Separator, entry(it)]).collect()
    }
}

/// Returns what the label leaves out: why it failed or who canceled it, and what is unusual about it.
fn facts(story: &Story) -> Vec<String> {
    let mut facts = Vec::new();
    if story.whereabouts == Whereabouts::NotTagged {
        // Who tags writes no log that could be opened.
        let said = || cause::evidence(story).into_iter().next();
        let why = cause::of_tagging(story).or_else(said);
        facts.extend(why.map(|it| text::clean(&it, MAX_FACT)));
    } else if story::is_bad(story) {
        facts.extend(cause::sentence(story));
    } else if story.standing == Standing::Build(BuildState::Canceled) {
        facts.extend(cause::canceler(story));
    }
    if story.scratch || !story.mine {
        let mut kind = story::kind(story);
        kind.extend(story::owner(story));
        facts.extend(Some(text::parts(&kind)).filter(|it| !it.is_empty()));
    }
    facts
}

/// Returns what is looked up to find a story again.
fn lookup(story: &Story) -> Lookup {
    match &story.subject {
        Subject::Build(build) => Lookup::Build(*build),
        Subject::NamedBuild(nvr) => Lookup::Nvr(nvr.clone()),
        Subject::Task(task) => Lookup::Task(*task),
    }
}

fn toggles(watch: &Watch) -> Vec<Item> {
    let wanted = &watch.rules().wanted;
    let item = |toggle: Toggle| Item::Check {
        label: label(toggle),
        on: wanted.is_on(toggle),
        request: Request::Switch(toggle, !wanted.is_on(toggle)),
    };
    // Only a hub says what a repository holds.
    let has_hub = watch.rules().instances.values().any(|it| it.hub);
    let possible = Toggle::ALL.into_iter().filter(|it| has_hub || *it != Toggle::InRepo);
    let mut items: Vec<_> = possible.map(item).collect();
    // How it is told is not a kind of news.
    items.insert(items.len() - 2, Item::Separator);
    items
}

/// Returns what a switch for a toggle is called.
pub fn label(toggle: Toggle) -> String {
    match toggle {
        Toggle::Started => tr("Started builds"),
        Toggle::Finished => tr("Finished builds"),
        Toggle::Failed => tr("Failed builds"),
        Toggle::Canceled => tr("Canceled builds"),
        Toggle::Scratch => tr("Scratch builds"),
        Toggle::Tagged => tr("Tagged builds"),
        Toggle::InRepo => tr("Builds that reach the repository"),
        Toggle::Followed => tr("Other people's builds of packages I follow"),
        Toggle::KeepFailures => tr("Keep failures on screen"),
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
