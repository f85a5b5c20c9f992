//! What is to be done. Always in the imperative, always carried out in order.

use super::{Ask, Delivery, Hook, Listing, Missed, Notice, NoticeId, Posted, Record, Story, Ticket, Toggle};
use crate::koji::{InstanceName, Interest};

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Put a notice on screen, or change the one that is there.
    Show(Notice),
    /// Take a notice off the screen.
    Withdraw(NoticeId),
    /// Take off the screen what an earlier run has left there.
    TakeDown(Vec<Posted>),
    /// Write this down, whole; answered by [`super::Event::Recorded`] with its delivery, if it has one. At most one in
    /// each step that holds anything, after everything that is to be shown; behind it an empty one for each further
    /// delivery that the step has taken up.
    Record(Record),
    /// Tell the source that it need not send this again. Comes only after the record.
    Acknowledge(Delivery),
    /// Hear this from now on, and nothing else.
    Listen(InstanceName, Interest),
    /// Make sure that the line to an instance's broker brings what it should: something was not told.
    Doubt(InstanceName),
    /// Read in an instance's archive of messages what was missed; each one is heard.
    ReadAgain(InstanceName, Missed),
    /// Ask an instance's hub; answered by [`super::Event::Learned`], always.
    Ask(InstanceName, Ask),
    /// Answer whoever waits under this number.
    Reply(Ticket, Reply),
    /// Answer whoever waits under this number with a list.
    List(Ticket, Listing),
    /// Tell programs that listen on D-Bus that a build or task has changed.
    Announce(Story),
    /// Run the program that the person has for this, if there still is one.
    RunHook(Box<Hook>),
    /// Show a page in the browser.
    Open { link: String, token: Option<String> },
    /// Put text on the clipboard.
    Copy(String),
    /// Read the text on the clipboard, and ask to follow what it names; answered by [`super::Request::Follow`] or
    /// [`super::Event::NotMeant`].
    ReadClipboard,
    /// Change the configuration file, keeping everything else in it.
    Save(Save),
    /// Write (`true`) or remove (`false`) the autostart entry.
    StartAtLogin(bool),
    /// Show what has become of builds and tasks: in the window, or where there is none on the page of my builds.
    ShowHistory { token: Option<String> },
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

/// An answer to a person or a program that waits for one.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// This is what was meant, and how it stands.
    Is(Story),
    /// The hub knows nothing of the kind, or it is not followed.
    Unknown,
    /// The instance has no hub that could be asked.
    NoHub,
    /// The hub could not be asked; the reason in a few words.
    NoAnswer(String),
}
