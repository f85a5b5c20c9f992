//! The tray's menu, as a value.

use crate::watch::Request;

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
