//! Who tells of a reason to be quiet, and how. A table: the code that reads it knows no desktop by name.
//!
//! Facts, as these programs have them:
//! - Plasma (6.4): `Inhibited` of `org.freedesktop.Notifications`, true also while the screen is shared or mirrored.
//! - XFCE (xfce4-notifyd 0.7): `/do-not-disturb` in its channel of xfconf; not there until it was switched once.
//! - dunst (1.9): `paused` of `org.dunstproject.cmd0`. mako (1.8): `Modes` of `fr.emersion.Mako`, of which the one that
//!   its manual shows is `do-not-disturb`. SwayNotificationCenter (0.7): `GetDnd`, and a signal of changing name and
//!   arguments.
//! - GNOME (3.8): the key `show-banners`, which only dconf's own library reads; `gsettings` is that. The writer of dconf
//!   says which key has changed.
//! - Locks: a list of screen savers of one shape; logind's `LockedHint` where it knows the session.

use std::borrow::Cow;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use zbus::message::Type;
use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, MatchRule, MessageStream};

use super::PATIENCE;
use crate::watch::Reason;

/// One that tells of a reason.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// For people, and to tell one from another.
    pub(super) name: &'static str,
    pub(super) reason: Reason,
    /// The name on the bus of who is asked; where nobody has it, there is no reason.
    pub(super) at: &'static str,
    pub(super) path: Cow<'static, str>,
    pub(super) ask: Ask,
    pub(super) hint: Hint,
    /// Another name on which the answer depends.
    pub(super) also: Option<&'static str>,
}

/// How it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    /// A method without arguments that answers with a boolean.
    Method(&'static str, &'static str),
    /// A property that is a boolean.
    Property(&'static str, &'static str),
    /// A property that is a list of words, one of which says so.
    Word(&'static str, &'static str, &'static str),
    /// A boolean in a channel of xfconf; of interest only while this notification server is there, or none.
    Xfconf {
        channel: &'static str,
        property: &'static str,
        server: Option<&'static str>,
    },
    /// A key of a schema of GNOME's, which says so by being `false`.
    Gsettings(&'static str, &'static str),
}

/// The signal after which it is asked again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hint {
    pub(super) name: &'static str,
    /// `None`: that of the source.
    pub(super) path: Option<&'static str>,
    pub(super) interface: &'static str,
    /// None: any.
    pub(super) members: &'static [&'static str],
    /// The first of its arguments.
    pub(super) arguments: &'static [&'static str],
}

pub(super) const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
pub(super) const XFCONF: &str = "org.xfce.Xfconf";

/// Who is asked on the session bus.
pub(super) const OF_SESSION: [Source; 13] = [
    property(
        "the notification server",
        "/org/freedesktop/Notifications",
        NOTIFICATIONS,
        &[NOTIFICATIONS],
        Ask::Property(NOTIFICATIONS, "Inhibited"),
    ),
    property(
        "dunst",
        "/org/freedesktop/Notifications",
        NOTIFICATIONS,
        &["org.dunstproject.cmd0"],
        Ask::Property("org.dunstproject.cmd0", "paused"),
    ),
    property(
        "mako",
        "/fr/emersion/Mako",
        NOTIFICATIONS,
        &["fr.emersion.Mako"],
        Ask::Word("fr.emersion.Mako", "Modes", "do-not-disturb"),
    ),
    Source {
        name: "SwayNotificationCenter",
        reason: Reason::DoNotDisturb,
        at: "org.erikreider.swaync.cc",
        path: Cow::Borrowed("/org/erikreider/swaync/cc"),
        ask: Ask::Method("org.erikreider.swaync.cc", "GetDnd"),
        hint: Hint {
            name: "org.erikreider.swaync.cc",
            path: None,
            interface: "org.erikreider.swaync.cc",
            members: &[],
            arguments: &[],
        },
        also: None,
    },
    xfconf(
        "xfce4-notifyd",
        Reason::DoNotDisturb,
        &["xfce4-notifyd", "/do-not-disturb"],
        Ask::Xfconf {
            channel: "xfce4-notifyd",
            property: "/do-not-disturb",
            server: Some("Xfce Notify Daemon"),
        },
    ),
    xfconf(
        "xfce4-power-manager",
        Reason::Presentation,
        &["xfce4-power-manager", "/xfce4-power-manager/presentation-mode"],
        Ask::Xfconf {
            channel: "xfce4-power-manager",
            property: "/xfce4-power-manager/presentation-mode",
            server: None,
        },
    ),
    Source {
        name: "GNOME",
        reason: Reason::DoNotDisturb,
        at: "org.gnome.Shell",
        path: Cow::Borrowed("/org/gnome/Shell"),
        ask: Ask::Gsettings("org.gnome.desktop.notifications", "show-banners"),
        hint: Hint {
            name: "ca.desrt.dconf",
            path: Some("/ca/desrt/dconf/Writer/user"),
            interface: "ca.desrt.dconf.Writer",
            // Which key it is about stands in one argument or in two; settings change seldom enough to ask each time.
            members: &["Notify"],
            arguments: &[],
        },
        also: None,
    },
    screen_saver(
        "the screen lock",
        "org.freedesktop.ScreenSaver",
        "/org/freedesktop/ScreenSaver",
    ),
    // Older ones of KDE's have only this.
    screen_saver("the screen lock of KDE", "org.freedesktop.ScreenSaver", "/ScreenSaver"),
    screen_saver(
        "the screen lock of GNOME",
        "org.gnome.ScreenSaver",
        "/org/gnome/ScreenSaver",
    ),
    screen_saver(
        "the screen lock of Cinnamon",
        "org.cinnamon.ScreenSaver",
        "/org/cinnamon/ScreenSaver",
    ),
    screen_saver(
        "the screen lock of MATE",
        "org.mate.ScreenSaver",
        "/org/mate/ScreenSaver",
    ),
    screen_saver(
        "the screen lock of XFCE",
        "org.xfce.ScreenSaver",
        "/org/xfce/ScreenSaver",
    ),
];

const LOGIND: &str = "org.freedesktop.login1";
const SESSION: &str = "org.freedesktop.login1.Session";

const MANAGER: &str = "org.freedesktop.login1.Manager";
const USER: &str = "org.freedesktop.login1.User";

/// Returns who is asked on the system bus: logind, about the session on whose screen we show something.
pub(super) fn of_session(session: &OwnedObjectPath) -> impl Iterator<Item = Source> + use<> {
    let path = session.to_string();
    let hints = [
        ("logind", Reason::Locked, "LockedHint"),
        ("logind's idle hint", Reason::Idle, "IdleHint"),
    ];
    hints.into_iter().map(move |(name, reason, property)| Source {
        name,
        reason,
        at: LOGIND,
        path: Cow::Owned(path.clone()),
        ask: Ask::Property(SESSION, property),
        hint: changes(LOGIND, &[SESSION]),
        also: None,
    })
}

/// Says, with an item each time, that another session may be on the person's screen: one has come or gone, logind has
/// chosen another one for the person, or is itself another one.
pub(super) async fn session_changes(system: &Connection) -> zbus::Result<BoxStream<'static, ()>> {
    let manager = super::proxy(system, LOGIND, "/org/freedesktop/login1", MANAGER).await?;
    // Which of them is on the screen is a property of the person, whose path has a number in it.
    let chosen = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(LOGIND)?
        .interface("org.freedesktop.DBus.Properties")?
        .member("PropertiesChanged")?
        .arg(0, USER)?
        .build();
    let all: [BoxStream<'static, ()>; 4] = [
        manager.receive_signal("SessionNew").await?.map(|_| ()).boxed(),
        manager.receive_signal("SessionRemoved").await?.map(|_| ()).boxed(),
        manager.receive_owner_changed().await?.map(|_| ()).boxed(),
        MessageStream::for_match_rule(chosen, system, None)
            .await?
            .map(|_| ())
            .boxed(),
    ];
    Ok(stream::select_all(all).boxed())
}

/// Returns the session that is on the person's screen.
///
/// # Errors
///
/// If there is no logind, it does not answer in time, or it knows no session of ours.
pub(super) async fn session(system: &Connection) -> zbus::Result<OwnedObjectPath> {
    let session = tokio::time::timeout(PATIENCE, asked_for_session(system)).await;
    session.map_err(|_| zbus::Error::InputOutput(std::sync::Arc::new(std::io::ErrorKind::TimedOut.into())))?
}

/// Asks for the session that is on the person's screen. One that we were started in by hand may be another, and a
/// service of the person's is in none.
async fn asked_for_session(system: &Connection) -> zbus::Result<OwnedObjectPath> {
    let own = super::proxy(system, LOGIND, "/org/freedesktop/login1/user/self", USER).await?;
    let display: zbus::Result<(String, OwnedObjectPath)> = own.get_property("Display").await;
    match display {
        Ok((id, path)) if !id.is_empty() => Ok(path),
        Ok(_) | Err(_) => {
            let manager = super::proxy(system, LOGIND, "/org/freedesktop/login1", MANAGER).await?;
            // Number 0 is the caller.
            manager.call("GetSessionByPID", &0_u32).await
        }
    }
}

const fn property(
    name: &'static str,
    path: &'static str,
    at: &'static str,
    interface: &'static [&'static str],
    ask: Ask,
) -> Source {
    Source {
        name,
        reason: Reason::DoNotDisturb,
        at,
        path: Cow::Borrowed(path),
        ask,
        hint: changes(at, interface),
        also: None,
    }
}

const fn changes(name: &'static str, interface: &'static [&'static str]) -> Hint {
    Hint {
        name,
        path: None,
        interface: "org.freedesktop.DBus.Properties",
        members: &["PropertiesChanged"],
        arguments: interface,
    }
}

const fn xfconf(name: &'static str, reason: Reason, arguments: &'static [&'static str], ask: Ask) -> Source {
    Source {
        name,
        reason,
        at: XFCONF,
        path: Cow::Borrowed("/org/xfce/Xfconf"),
        ask,
        hint: Hint {
            name: XFCONF,
            path: None,
            interface: XFCONF,
            members: &["PropertyChanged", "PropertyRemoved"],
            arguments,
        },
        also: Some(NOTIFICATIONS),
    }
}

const fn screen_saver(name: &'static str, at: &'static str, path: &'static str) -> Source {
    Source {
        name,
        reason: Reason::Locked,
        at,
        path: Cow::Borrowed(path),
        ask: Ask::Method(at, "GetActive"),
        hint: Hint {
            name: at,
            path: None,
            interface: at,
            members: &["ActiveChanged"],
            arguments: &[],
        },
        also: None,
    }
}
