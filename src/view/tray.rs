//! All that the tray shows, as one value.

use std::collections::BTreeMap;

use super::menu::{self, Menu};
use super::{Icon, card, status};
use crate::i18n::tr;
use crate::koji::{InstanceName, Site};
use crate::watch::{PauseFor, Request, Watch};

/// What the tray shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tray {
    pub icon: Icon,
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

/// Returns what the tray shows for how things stand. `can_copy` says that there is a clipboard.
pub fn tray(watch: &Watch, sites: &BTreeMap<InstanceName, Site>, can_copy: bool) -> Tray {
    let pause = match watch.pause() {
        Some(_) => Request::Resume,
        None => Request::Pause(PauseFor::UntilResumed),
    };
    Tray {
        icon: status::icon(watch),
        // Translators: the title of the tray icon; what follows is a sentence such as "2 builds are running".
        title: tr("Koji builds"),
        text: status::summary(watch),
        menu: menu::menu(watch, sites, can_copy),
        activate: activate(watch, sites),
        secondary: Some(pause),
    }
}

/// A click opens what matters most: the newest failure nobody has looked at, else the newest running build, else the
/// web interface.
fn activate(watch: &Watch, sites: &BTreeMap<InstanceName, Site>) -> Option<Request> {
    let story = watch
        .newest_unseen_failure()
        .or_else(|| watch.running().into_iter().next());
    let page = story.and_then(|it| card::page(it, sites.get(&it.instance)));
    let home = || sites.values().find_map(|it| it.weburl.clone());
    let link = page.or_else(home)?;
    Some(Request::Open { link, token: None })
}
