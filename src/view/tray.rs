//! All that the tray shows, as one value.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::menu::{self, Means, Menu};
use super::{Badge, Icon, history, quiet, status, story, trouble};
use crate::i18n::{fill, tr};
use crate::koji::{InstanceName, Site};
use crate::watch::{PauseFor, Request, Watch};

/// What the tray shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tray {
    pub icon: Icon,
    /// The number beside it.
    pub badge: Option<Badge>,
    /// The tooltip's first line, and what a screen reader says.
    pub title: String,
    /// The tooltip's further lines; may be empty. Plain text.
    pub text: String,
    pub menu: Menu,
    /// What a click on the icon asks for.
    pub activate: Option<Request>,
    /// What a click with the middle button asks for.
    pub secondary: Option<Request>,
}

/// Returns what the tray shows for how things stand. The time is for the menu.
pub fn tray(watch: &Watch, sites: &BTreeMap<InstanceName, Site>, means: Means, now: Timestamp) -> Tray {
    let pause = match watch.pause() {
        Some(_) => Request::Resume,
        None => Request::Pause(PauseFor::UntilResumed),
    };
    Tray {
        icon: status::icon(watch),
        badge: status::badge(watch),
        // Translators: the title of the tray icon; {summary} is a sentence such as "2 builds are running".
        title: fill(&tr("Koji builds: {summary}"), &[("summary", &status::summary(watch))]),
        text: further(watch),
        menu: menu::menu(watch, sites, means, now),
        activate: activate(watch, sites),
        secondary: Some(pause),
    }
}

/// Returns what one sentence cannot say: why nothing pops up, what runs while something failed, and what is wrong that matters. A hub that
/// is closed for an hour stands in the menu.
fn further(watch: &Watch) -> String {
    let mut lines = Vec::new();
    lines.extend([quiet::sentence(watch), quiet::held(watch)].into_iter().flatten());
    let running = watch.running().len();
    if running > 0 && status::icon(watch) != Icon::Building {
        lines.push(status::running(running));
    }
    lines.extend(trouble::lines(watch).flat_map(|it| [it.sentence, it.advice]));
    lines.extend(trouble::grave_hubs(watch));
    lines.extend(trouble::here(watch));
    lines.join("\n")
}

/// A click opens what matters most: the newest failure nobody has looked at, else the newest running build, else the
/// page of my builds, and where there is none because the configuration is broken, that.
fn activate(watch: &Watch, sites: &BTreeMap<InstanceName, Site>) -> Option<Request> {
    let story = watch
        .newest_unseen_failure()
        .or_else(|| watch.running().into_iter().next());
    let page = story.and_then(|it| story::page(it, sites.get(&it.instance)));
    let home = || history::page(watch.rules(), sites);
    let edit = || watch.configuration_trouble().map(|_| Request::EditPreferences);
    let about = story.map(|it| (it.instance.clone(), it.subject.clone()));
    let open = |link| Request::Open {
        link,
        token: None,
        about,
    };
    page.or_else(home).map(open).or_else(edit)
}
