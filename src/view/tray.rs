//! All that the tray shows, as one value.

use std::collections::BTreeMap;

use super::menu::{self, Menu};
use super::{Icon, status};
use crate::i18n::tr;
use crate::koji::{InstanceName, Site};
use crate::watch::Watch;

/// What the tray shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tray {
    pub icon: Icon,
    /// The tooltip's first line, and what a screen reader says.
    pub title: String,
    /// The tooltip's further lines; may be empty. Plain text.
    pub text: String,
    pub menu: Menu,
}

/// Returns what the tray shows for how things stand.
pub fn tray(watch: &Watch, sites: &BTreeMap<InstanceName, Site>) -> Tray {
    Tray {
        icon: status::icon(watch),
        title: tr("Koji builds"),
        text: status::summary(watch),
        menu: menu::menu(watch, sites),
    }
}
