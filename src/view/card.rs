//! A notification in words.

use crate::watch::{NoticeId, Request};

/// A notification as a person reads it. Plain text: whoever shows it escapes it where markup is understood.
/// Control and bidirectional formatting characters are gone and lengths are capped.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub notice: NoticeId,
    /// A card of this notice was shown before.
    pub replaces: bool,
    /// One line.
    pub title: String,
    /// Lines separated by `\n`; may be empty.
    pub body: String,
    pub urgency: Urgency,
    /// The category of Desktop Notifications 1.2, such as `transfer.complete`.
    pub category: &'static str,
    /// The name of a sound in the freedesktop sound theme, if it is to be heard.
    pub sound: Option<&'static str>,
    /// The card goes away by itself.
    pub expires: bool,
    /// What the person may do, the most useful first. The one with the key `default` is a click on the card.
    pub actions: Vec<Action>,
}

/// Something that a person may do about a card.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The key of Desktop Notifications 1.2: `default`, `open`, `log`, `mute`.
    pub key: &'static str,
    pub label: String,
    pub request: Request,
}

/// The urgency levels of Desktop Notifications 1.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Urgency {
    Low,
    Normal,
    Critical,
}
