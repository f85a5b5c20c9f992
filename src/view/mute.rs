//! What is muted, in words and for programs.

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::{Item, story, text};
use crate::i18n::{fill, tr};
use crate::koji::Subject;
use crate::watch::{MuteFor, Muted, Muting, PauseFor, Request, Story, Until, Watch};

/// The longest name that is shown, in characters.
const MAX_NAME: usize = 80;

/// The hour at which a day's work begins, by the local clock: until then somebody may want to hear of failures only.
const MORNING: i8 = 9;

/// Something that is muted, as programs are told of it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct MuteStatus {
    /// `package`, `build` (also a task), `tag` or `but-failures`.
    pub kind: String,
    /// The name of the package or tag; the number of the task or the name of the build; empty for `but-failures`.
    pub what: String,
    /// The heading in the configuration, for a build or task; or empty.
    pub instance: String,
    /// `time`, `fixed`, `ends` or `undone`.
    pub until: String,
    /// The end in seconds since the epoch, where that is a time, or 0.
    pub time: i64,
}

/// Returns the menu of what is muted, each with its undoing; nothing if nothing is.
pub(super) fn menu(watch: &Watch, now: Timestamp) -> Option<Item> {
    let items: Vec<_> = watch.muted().iter().map(|it| undoing(watch, it, now)).collect();
    // Translators: the title of a menu whose entries are "Unmute bash" and so on.
    let label = tr("Muted");
    (!items.is_empty()).then_some(Item::Submenu { label, items })
}

/// Returns how to mute everything but failures, or how to undo that.
pub(super) fn but_failures(watch: &Watch, now: Timestamp) -> Vec<Item> {
    if let Some(it) = watch.muted().get_key_value(&Muting::ButFailures) {
        return vec![undoing(watch, it, now)];
    }
    let entry = |label, until| Item::Entry {
        label,
        request: Request::Mute {
            muting: Muting::ButFailures,
            until,
        },
    };
    // Translators: a menu entry: for an hour, the person hears of nothing but builds that failed.
    let hour = entry(tr("Only failures for 1 hour"), MuteFor::Lasting(PauseFor::AN_HOUR));
    let morning = next_morning(watch, now).map(|at| {
        let time = at.to_zoned(watch.rules().zone.clone()).strftime("%H:%M").to_string();
        // Translators: {time} is a time of the day such as "09:00".
        let label = fill(&tr("Only failures until {time}"), &[("time", &time)]);
        entry(label, MuteFor::At(at))
    });
    [hour].into_iter().chain(morning).collect()
}

/// Returns how to mute a build or task or its package, each as long as that makes sense, or how to undo that.
pub(super) fn entries(watch: &Watch, story: &Story, now: Timestamp) -> Vec<Item> {
    let muted = watch.muted();
    let entry = |label, muting, until| Item::Entry {
        label,
        request: Request::Mute { muting, until },
    };
    let mut items = Vec::new();
    if let Some(it) = muted.iter().find(|(it, _)| it.is_about(story)) {
        items.push(undoing(watch, it, now));
    } else if !story.standing.is_settled() {
        let muting = Muting::Subject(story.instance.clone(), story.subject.clone());
        // Translators: a menu entry: the person hears no more of this build or task, nor how it ends.
        items.push(entry(tr("Mute until it ends"), muting, MuteFor::Ends));
    }
    let Some(package) = &story.package else {
        return items;
    };
    let muting = Muting::Package(package.clone());
    if let Some(it) = muted.get_key_value(&muting) {
        items.push(undoing(watch, it, now));
    } else if !story.standing.is_settled() || story::is_bad(story) {
        // Translators: a menu entry: the person hears no more of the package until a build of it has finished.
        let sentence = tr("Mute {package} until it is fixed");
        let label = fill(&sentence, &[("package", &text::name(package))]);
        items.push(entry(label, muting, MuteFor::Fixed));
    }
    items
}

fn undoing(watch: &Watch, (muting, muted): (&Muting, &Muted), now: Timestamp) -> Item {
    Item::Entry {
        label: label(watch, muting, muted, now),
        request: Request::Unmute(muting.clone()),
    }
}

/// Returns when the clock next shows the hour of the morning.
fn next_morning(watch: &Watch, now: Timestamp) -> Option<Timestamp> {
    let now = now.to_zoned(watch.rules().zone.clone());
    let today = now.date().at(MORNING, 0, 0, 0);
    let morning = today.to_zoned(now.time_zone().clone()).ok()?;
    let morning = if morning > now {
        morning
    } else {
        morning.checked_add(1.day()).ok()?
    };
    Some(morning.timestamp())
}

/// Returns what is muted, for programs.
pub(super) fn status(watch: &Watch) -> Vec<MuteStatus> {
    let one = |(muting, muted): (&Muting, &Muted)| {
        let (kind, what) = match muting {
            Muting::ButFailures => ("but-failures", String::new()),
            Muting::Package(package) => ("package", package.clone()),
            Muting::Tag(tag) => ("tag", tag.clone()),
            Muting::Subject(..) => ("build", name(watch, muting)),
        };
        let instance = match muting {
            Muting::Subject(instance, _) => instance.to_string(),
            Muting::ButFailures | Muting::Package(_) | Muting::Tag(_) => String::new(),
        };
        let (until, time) = match muted.until {
            Until::Time(at) => ("time", at.as_second()),
            Until::Fixed => ("fixed", 0),
            Until::Ends => ("ends", 0),
            Until::Undone => ("undone", 0),
        };
        MuteStatus {
            kind: kind.to_owned(),
            what,
            instance,
            until: until.to_owned(),
            time,
        }
    };
    watch.muted().iter().map(one).collect()
}

/// Returns the packages that are muted.
pub(super) fn packages(watch: &Watch) -> Vec<String> {
    let package = |it: &Muting| match it {
        Muting::Package(package) => Some(package.clone()),
        Muting::ButFailures | Muting::Tag(_) | Muting::Subject(..) => None,
    };
    watch.muted().keys().filter_map(package).collect()
}

fn label(watch: &Watch, muting: &Muting, muted: &Muted, now: Timestamp) -> String {
    let end = match muted.until {
        Until::Time(at) => Some(time(watch, at, now)),
        Until::Fixed | Until::Ends | Until::Undone => None,
    };
    let is_until_fixed = muted.until == Until::Fixed;
    let sentence = match (muting, &end) {
        (Muting::ButFailures, Some(_)) => tr("Tell of everything again (muted until {time})"),
        (Muting::ButFailures, None) => tr("Tell of everything again"),
        (Muting::Package(_), None) if is_until_fixed => tr("Unmute {package} (muted until it is fixed)"),
        // Translators: {time} is a time of the day such as "18:40", or a date. It is muted until then.
        (Muting::Package(_), Some(_)) => tr("Unmute {package} (muted until {time})"),
        (Muting::Package(_), None) => tr("Unmute {package}"),
        (Muting::Tag(_), Some(_)) => tr("Unmute the tag {tag} (muted until {time})"),
        (Muting::Tag(_), None) => tr("Unmute the tag {tag}"),
        (Muting::Subject(..), Some(_)) => tr("Unmute {build} (muted until {time})"),
        // Translators: {build} is the name of a build, or the number of a task.
        (Muting::Subject(..), None) => tr("Unmute {build}"),
    };
    let what = match muting {
        Muting::ButFailures => String::new(),
        Muting::Package(it) => text::name(it),
        Muting::Tag(it) => text::clean(it, MAX_NAME),
        Muting::Subject(..) => text::clean(&name(watch, muting), MAX_NAME),
    };
    let time = end.unwrap_or_default();
    let values = [("package", &*what), ("tag", &what), ("build", &what), ("time", &time)];
    fill(&sentence, &values)
}

/// Returns the name of a build or task that is muted: that of what is known of it, or what it was muted by.
fn name(watch: &Watch, muting: &Muting) -> String {
    let Muting::Subject(_, subject) = muting else {
        return String::new();
    };
    match subject {
        Subject::Task(task) => task.0.to_string(),
        Subject::NamedBuild(nvr) => nvr.to_string(),
        Subject::Build(build) => {
            let known = watch.story_of_mute(muting).and_then(|it| it.nvr.as_ref());
            known.map_or_else(|| build.0.to_string(), ToString::to_string)
        }
    }
}

/// Returns a time of today or tomorrow as a time, any other as a date.
fn time(watch: &Watch, at: Timestamp, now: Timestamp) -> String {
    let is_soon = at.duration_since(now) < SignedDuration::from_hours(24);
    let form = if is_soon { "%H:%M" } else { "%Y-%m-%d" };
    at.to_zoned(watch.rules().zone.clone()).strftime(form).to_string()
}
