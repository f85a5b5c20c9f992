//! All that the tray shows, as one value.

use super::{Icon, Menu};
use crate::watch::Request;

/// What the tray shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tray {
    pub icon: Icon,
    /// The tooltip's first line, and what a screen reader says.
    pub title: String,
    /// The tooltip's further lines; may be empty. Plain text.
    pub text: String,
    pub menu: Menu,
    /// What a left click asks for, where the host does not open the menu instead; `None`: nothing.
    pub activate: Option<Request>,
    /// What a middle click asks for.
    pub secondary: Option<Request>,
}
