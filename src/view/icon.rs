//! Which icon says how things stand. State is told by shape, not by colour alone.

use crate::i18n::tr;

/// The tray's icon.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Icon {
    /// Connected, and nothing of mine is running.
    Idle,
    /// Something of mine is running.
    Building,
    /// Something of mine failed since I last looked.
    Failed,
    /// Notifications are paused.
    Paused,
    /// No line to a broker.
    Offline,
}

/// A number beside an icon. One is not counted: the icon itself says it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Badge {
    /// From 2 to 9.
    Number(u8),
    /// More than there is room for.
    Many,
}

impl Badge {
    pub const ALL: [Self; 9] = [
        Self::Number(2),
        Self::Number(3),
        Self::Number(4),
        Self::Number(5),
        Self::Number(6),
        Self::Number(7),
        Self::Number(8),
        Self::Number(9),
        Self::Many,
    ];

    /// Returns what stands beside an icon for so many.
    pub fn of(count: usize) -> Option<Self> {
        match u8::try_from(count) {
            Ok(0 | 1) => None,
            Ok(number @ 2..=9) => Some(Self::Number(number)),
            Ok(_) | Err(_) => Some(Self::Many),
        }
    }
}

impl Icon {
    pub const ALL: [Self; 5] = [Self::Idle, Self::Building, Self::Failed, Self::Paused, Self::Offline];

    /// Returns the icon's name in an icon theme, with or without a number beside it.
    pub fn name(self, badge: Option<Badge>) -> String {
        let state = self.state();
        match badge {
            None => format!("org.fedoraproject.KojiNotify-{state}-symbolic"),
            Some(Badge::Number(number)) => format!("org.fedoraproject.KojiNotify-{state}-{number}-symbolic"),
            Some(Badge::Many) => format!("org.fedoraproject.KojiNotify-{state}-many-symbolic"),
        }
    }

    /// Returns the numbers that the icon is drawn with, in the order of its masks.
    pub fn badges(self) -> &'static [Badge] {
        match self {
            Self::Building | Self::Failed => &Badge::ALL,
            Self::Idle | Self::Paused | Self::Offline => &[],
        }
    }

    /// Returns the state in a word, for where no icon can be shown.
    pub fn word(self) -> String {
        match self {
            // Translators: what the tray icon shows: nothing is running.
            Self::Idle => tr("idle"),
            // Translators: what the tray icon shows: something is being built.
            Self::Building => tr("building"),
            // Translators: what the tray icon shows: a build has failed.
            Self::Failed => tr("failed"),
            // Translators: what the tray icon shows: notifications are paused.
            Self::Paused => tr("paused"),
            // Translators: what the tray icon shows: there is no connection.
            Self::Offline => tr("offline"),
        }
    }

    /// Returns the state as programs read it: `idle`, `building`, `failed`, `paused`, `offline`.
    pub fn state(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Building => "building",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::Offline => "offline",
        }
    }
}
