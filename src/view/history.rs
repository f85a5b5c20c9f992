//! The history in words: a line of cells for each build or task.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{cause, story, text};
use crate::i18n::{fill, tr};
use crate::koji::{BuildState, InstanceName, Site, TaskState};
use crate::watch::{Rules, Standing, Story, Whereabouts};

/// What became of the newest that was to be told of a build or task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// Nobody has seen it yet.
    NotYet,
    At(Timestamp),
    /// As one of many.
    InSummary(Timestamp),
    /// It will not be.
    Never,
}

/// Returns what stands above the cells.
pub fn heading() -> [String; 6] {
    // Translators: the heading of a table of builds that were: when something last changed, what it is, its state in
    // Koji's words, how long it took, why it failed, and when that was told.
    [tr("When"), tr("What"), tr("State"), tr("Took"), tr("Why"), tr("Told")]
}

/// Returns the cells of a build or task, in the heading's order. The state is spelled as the hub spells it.
pub fn cells(story: &Story, told: Option<Told>, zone: &TimeZone) -> [String; 6] {
    [
        time(story.changed, None, zone),
        story::what(story),
        story.standing.name().to_owned(),
        story.duration().map(text::duration).unwrap_or_default(),
        why(story).unwrap_or_default(),
        told.map(|it| was_told(it, story, zone)).unwrap_or_default(),
    ]
}

/// Returns the page that lists my builds, or the web interface where nobody knows who I am.
pub fn page(rules: &Rules, sites: &BTreeMap<InstanceName, Site>) -> Option<String> {
    let mine = rules.instances.iter().find_map(|(name, whose)| {
        let user = whose.users.first()?;
        sites.get(name)?.builds_page(user)
    });
    mine.or_else(|| sites.values().find_map(|it| it.weburl.clone()))
}

/// Returns why it failed, or who canceled it.
pub(super) fn why(story: &Story) -> Option<String> {
    if story.whereabouts == Whereabouts::NotTagged {
        let known = cause::of_tagging(story);
        return Some(known.unwrap_or_else(|| tr("It is built, but could not be tagged")));
    }
    if story::is_bad(story) {
        return cause::sentence(story);
    }
    match story.standing {
        Standing::Build(BuildState::Canceled) | Standing::Task(TaskState::Canceled) => cause::canceler(story),
        Standing::Build(BuildState::Building | BuildState::Complete | BuildState::Deleted | BuildState::Failed)
        | Standing::Task(
            TaskState::Free | TaskState::Open | TaskState::Closed | TaskState::Assigned | TaskState::Failed,
        ) => None,
    }
}

/// Returns whether and when it was told.
pub(super) fn was_told(told: Told, story: &Story, zone: &TimeZone) -> String {
    let time = |at| time(at, Some(story.changed), zone);
    match told {
        // Translators: in a table of builds: the notification about it was shown at this time, "told 17:40".
        Told::At(at) => fill(&tr("told {time}"), &[("time", &time(at))]),
        // Translators: in a table of builds: it was one of many in one notification at this time.
        Told::InSummary(at) => fill(&tr("in a summary {time}"), &[("time", &time(at))]),
        // Translators: in a table of builds: there will be a notification about it.
        Told::NotYet => tr("not told yet"),
        // Translators: in a table of builds: there was to be a notification about it, and something newer was told.
        Told::Never => tr("not told"),
    }
}

/// Returns a time to the minute, without its day if that is the day of the other.
fn time(time: Timestamp, beside: Option<Timestamp>, zone: &TimeZone) -> String {
    let local = |it: Timestamp| it.to_zoned(zone.clone());
    let is_same_day = beside.is_some_and(|it| local(it).date() == local(time).date());
    let form = if is_same_day { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    local(time).strftime(form).to_string()
}
