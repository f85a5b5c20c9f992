//! What has happened. Always in the past tense.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{
    Act, JournalTrouble, Learned, Link, Lookup, MuteFor, Muting, NoticeId, Occasion, Posted, Reason, Resumed, Rules,
    Toggle,
};
use crate::koji::{HubEvent, InstanceName, Subject, UserId};

/// Something that has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A source delivered news and a decoder understood it.
    Heard(News),
    /// A source received a message that cannot be read. It is counted; the source has logged and acknowledged it.
    Spoiled(InstanceName),
    /// The journal has the delivery's news safely, or there is no journal that could.
    Recorded(Delivery),
    /// The journal cannot be written, or (`None`) can be written again.
    JournalChanged(Option<JournalTrouble>),
    /// A hub has answered, or has not.
    Learned(InstanceName, Learned),
    /// The clipboard names nothing that could be followed.
    NotMeant,
    /// A person asked for something, from the tray, a notification, D-Bus or the command line.
    Asked(Request),
    /// The line to an instance's broker came up or went down.
    LinkChanged(InstanceName, Link),
    /// What was published from then on, by our clock, may not have been heard: the queue that should have held it was
    /// not there, or had no room.
    Missed(InstanceName, Timestamp),
    /// The notification server took a notice, or did not.
    Shown(NoticeId, Outcome),
    /// A notice is on screen under a number of its server.
    Posted(NoticeId, Posted),
    /// A notification has left the screen.
    Closed(NoticeId, Closed),
    /// A notification server appeared (`true`) or went away (`false`).
    ServerChanged(bool),
    /// A tray host appeared (`true`) or went away (`false`).
    TrayChanged(bool),
    /// A person has opened the menu.
    MenuOpened,
    /// The desktop is being asked whether there is a reason to be quiet.
    DesktopAsked,
    /// All of it that was asked has answered, or will not; the reasons that there are have been told before.
    DesktopAnswered,
    /// The world around has a reason to be quiet (`true`), or has it no longer. Of those that it can have.
    QuietChanged(Reason, bool),
    /// The autostart entry was written (`true`) or removed (`false`), by us or by somebody else.
    AutostartChanged(bool),
    /// The computer has moved to another time zone.
    ZoneChanged(TimeZone),
    /// The computer has slept and is awake again.
    Slept,
    /// The computer runs on its battery (`true`) or not.
    OnBattery(bool),
    /// What an earlier run has left on record was read. Comes once, before the configuration.
    Resumed(Box<Resumed>),
    /// From now on there are programs to be run on these occasions. Until this comes there are none.
    HooksChanged(BTreeSet<Occasion>),
    /// The configuration was read anew, and is good.
    Reloaded(Rules),
    /// The configuration was read anew, and is broken: what it says, with file and line. The old one stays in force.
    ReloadFailed(String),
    /// The time that [`super::Watch::wake_at`] asked for has come.
    Woke,
}

/// An event of a hub, as it was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    pub instance: InstanceName,
    /// `None`: it was learned from the hub or from an archive, and there is nothing to acknowledge.
    pub delivery: Option<Delivery>,
    /// The message's own id, the same in each copy of it. `None` where the source has none.
    pub message: Option<String>,
    /// The id is made of what the message says, and the broker says that nobody had it before: if such a message is known,
    /// it says the same of something that has happened again.
    pub is_first: bool,
    /// When the hub sent it, by the hub's clock.
    pub sent: Option<Timestamp>,
    /// The number of who owns what it is about, where a bus tells no names.
    pub owner: Option<UserId>,
    pub event: HubEvent,
}

/// One delivery of a source, to be acknowledged on the connection it came by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Delivery {
    pub instance: InstanceName,
    /// The number of the connection it came by, unique in the program; a delivery of one that is gone cannot be
    /// acknowledged.
    pub connection: u32,
    /// The delivery tag (AMQP 0-9-1, 1.8.3.13), growing within a connection.
    pub tag: u64,
}

/// Something that a person asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Request {
    /// Show a page. `link` was built by us from configured addresses; `token` lets the browser take the focus. Whoever
    /// looks at the page of a build or task has seen that it failed.
    Open {
        link: String,
        token: Option<String>,
        about: Option<(InstanceName, Subject)>,
    },
    /// Put text on the clipboard.
    Copy(String),
    /// Switch one of the toggles.
    Switch(Toggle, bool),
    /// Tell nothing of this for a while.
    Mute { muting: Muting, until: MuteFor },
    /// Tell of this again.
    Unmute(Muting),
    /// Tell how this build or task ends, whoever's it is.
    Follow {
        instance: InstanceName,
        lookup: Lookup,
        asker: Asker,
    },
    /// Follow whatever build or task the clipboard names.
    FollowClipboard,
    /// Tell no more of a build or task that is followed.
    Unfollow {
        instance: InstanceName,
        lookup: Lookup,
        asker: Asker,
    },
    /// Make the hub do something to a build or task of mine. Asks for confirmation first.
    Act { act: Act, about: (InstanceName, Subject) },
    /// Yes, do it.
    Confirm { act: Act, about: (InstanceName, Subject) },
    /// The failures so far have been seen: nothing calls for attention any more.
    MarkSeen,
    /// That this build or task failed has been seen.
    Acknowledge {
        instance: InstanceName,
        lookup: Lookup,
        asker: Asker,
    },
    /// Tell whoever waits under this number what there is of these.
    List(Listing, Ticket),
    /// Show no notifications for a while.
    Pause(PauseFor),
    /// Show notifications again.
    Resume,
    /// Start with the session, or not.
    StartAtLogin(bool),
    /// Show what has become of builds and tasks; `token` lets the window take the focus.
    ShowHistory { token: Option<String> },
    /// Open the configuration in an editor.
    EditPreferences,
    /// Read the configuration again.
    Reload,
    /// End the program.
    Quit,
}

impl Request {
    /// Returns where the token belongs that came with the click, if what is asked for puts something on screen.
    pub fn token_mut(&mut self) -> Option<&mut Option<String>> {
        match self {
            Self::Open { token, .. } | Self::ShowHistory { token } => Some(token),
            Self::Copy(_)
            | Self::Switch(..)
            | Self::Mute { .. }
            | Self::Unmute { .. }
            | Self::Follow { .. }
            | Self::FollowClipboard
            | Self::Unfollow { .. }
            | Self::Act { .. }
            | Self::Confirm { .. }
            | Self::MarkSeen
            | Self::Acknowledge { .. }
            | Self::List(..)
            | Self::Pause(_)
            | Self::Resume
            | Self::StartAtLogin(_)
            | Self::EditPreferences
            | Self::Reload
            | Self::Quit => None,
        }
    }
}

/// Who wants to hear whether something can be followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asker {
    Nobody,
    /// A person at the desktop: a notification answers.
    Person,
    /// Whoever waits under this number: [`super::Effect::Reply`] answers.
    Caller(Ticket),
}

/// Builds and tasks of which there is a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listing {
    /// Mine and those that I follow, as long as they run.
    Running,
    /// Those that have ended, so many of them at most; 0: all that are remembered.
    Recent(u32),
    /// Those that I follow one by one, as long as they run.
    Followed,
}

/// A number under which somebody waits for a reply.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ticket(pub u64);

/// How long a pause or a mute lasts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum PauseFor {
    Minutes(NonZeroU32),
    /// Until the next midnight by the local clock.
    UntilTomorrow,
    /// Until a person ends it.
    UntilResumed,
}

impl PauseFor {
    /// The shortest pause that the menu offers.
    pub const HALF_AN_HOUR: Self = Self::Minutes(NonZeroU32::new(30).expect("30 is not zero"));
    pub const AN_HOUR: Self = Self::Minutes(NonZeroU32::new(60).expect("60 is not zero"));
}

/// What became of a notice that was to be shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The server took it.
    Taken,
    /// There is no server, it refused, or it did not answer in time. The notice is not on screen.
    Lost,
}

/// Why a notification has left the screen (Desktop Notifications 1.2, `NotificationClosed`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closed {
    Expired,
    Dismissed,
    /// By us, or for a reason the server does not tell.
    Otherwise,
}
