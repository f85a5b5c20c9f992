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

impl Icon {
    pub const ALL: [Self; 5] = [Self::Idle, Self::Building, Self::Failed, Self::Paused, Self::Offline];

    /// Returns the icon's name in an icon theme.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "org.fedoraproject.KojiNotify-idle-symbolic",
            Self::Building => "org.fedoraproject.KojiNotify-building-symbolic",
            Self::Failed => "org.fedoraproject.KojiNotify-failed-symbolic",
            Self::Paused => "org.fedoraproject.KojiNotify-paused-symbolic",
            Self::Offline => "org.fedoraproject.KojiNotify-offline-symbolic",
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
