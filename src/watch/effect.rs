//! What is to be done. Always in the imperative, always carried out in order.

use super::{Delivery, News, Notice, NoticeId, Story, Toggle};
use crate::koji::{InstanceName, Interest};

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Put a notice on screen, or change the one that is there.
    Show(Notice),
    /// Take a notice off the screen.
    Withdraw(NoticeId),
    /// Write down that this was heard and dealt with; answered by [`super::Event::Recorded`] with its delivery.
    Record(News),
    /// Tell the source that it need not send this again. Comes only after the record.
    Acknowledge(Delivery),
    /// Hear this from now on, and nothing else.
    Listen(InstanceName, Interest),
    /// Tell programs that listen on D-Bus that a build or task has changed.
    Announce(Story),
    /// Show a page in the browser.
    Open { link: String, token: Option<String> },
    /// Put text on the clipboard.
    Copy(String),
    /// Change the configuration file, keeping everything else in it.
    Save(Save),
    /// Write (`true`) or remove (`false`) the autostart entry.
    StartAtLogin(bool),
    /// Open the configuration in an editor.
    EditPreferences,
    /// Read the configuration again; answered by [`super::Event::Reloaded`] or [`super::Event::ReloadFailed`].
    Reload,
    /// End the program.
    Quit,
}

/// A change to the configuration file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Save {
    Toggle(Toggle, bool),
}
