//! How things stand, as the properties that are sent.

use std::collections::HashMap;

use zbus::zvariant::Value;

use super::mutes;
use crate::view::{InstanceStatus, Status};

/// Returns the properties that can change, as they are sent.
pub(super) fn properties(status: &Status) -> HashMap<&'static str, Value<'static>> {
    let Status {
        version: _,
        state,
        summary,
        running,
        finished,
        failed,
        canceled,
        paused,
        paused_until,
        quiet,
        quiet_text,
        held,
        muted,
        mutes,
        notifications,
        waiting,
        tray,
        instances,
        configuration,
        journal,
    } = status.clone();
    let instances: Vec<_> = instances.iter().map(instance).collect();
    HashMap::from([
        ("State", state.into()),
        ("Summary", summary.into()),
        ("Running", running.into()),
        ("Finished", finished.into()),
        ("Failed", failed.into()),
        ("Canceled", canceled.into()),
        ("Paused", paused.into()),
        ("PausedUntil", paused_until.into()),
        ("Quiet", quiet.into()),
        ("QuietText", quiet_text.into()),
        ("Held", held.into()),
        ("Muted", muted.into()),
        ("Mutes", mutes.iter().map(mutes::told).collect::<Vec<_>>().into()),
        ("Notifications", notifications.into()),
        ("Waiting", waiting.into()),
        ("Tray", tray.into()),
        ("Instances", instances.into()),
        ("Configuration", configuration.unwrap_or_default().into()),
        ("Journal", journal.unwrap_or_default().into()),
    ])
}

/// Returns how an instance stands.
pub(super) fn instance(status: &InstanceStatus) -> HashMap<&'static str, Value<'static>> {
    let InstanceStatus {
        name,
        link,
        text,
        heard,
        spoiled,
        last_heard,
        last_message,
        last_sign,
        unheard,
        broker,
        hub,
        hub_text,
        last_answer,
    } = status.clone();
    HashMap::from([
        ("name", name.into()),
        ("link", link.into()),
        ("text", text.into()),
        ("heard", heard.into()),
        ("spoiled", spoiled.into()),
        ("last-heard", last_heard.into()),
        ("last-message", last_message.into()),
        ("last-sign", last_sign.into()),
        ("unheard", unheard.into()),
        ("broker", broker.into()),
        ("hub", hub.into()),
        ("hub-text", hub_text.into()),
        ("last-answer", last_answer.into()),
    ])
}
