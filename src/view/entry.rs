//! The history for a window: a line for each build or task, all that is known of one, and how a package's builds went.
//!
//! Values only, to be put into whatever widgets there are. Times are as of the moment that is handed in; whoever shows
//! them for long makes them again.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::history::{self, Told};
use super::{cause, progress, story, text};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{BuildState, Child, InstanceName, Site, Subject, TaskState};
use crate::watch::{Standing, Story, Whereabouts};

/// After so many hours a day says more than how long ago it was.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How something stands, as a shape can say it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Shape {
    Running,
    /// It runs, and cannot succeed any more.
    Failing,
    Done,
    Failed,
    Canceled,
    Deleted,
}

/// A build or task in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub instance: InstanceName,
    pub subject: Subject,
    pub shape: Shape,
    /// What it is called, with its instance where there are several.
    pub name: String,
    /// How it stands, in a word or two.
    pub state: String,
    /// Where and why it failed, how far it is, or what it was built for; may be empty.
    pub text: String,
    /// How long it took, if that is known.
    pub took: Option<String>,
    /// How long ago it changed.
    pub age: String,
    pub mine: bool,
    /// When it changed, to sort by.
    pub changed: Timestamp,
    /// What a search looks into, in small letters.
    pub sought: String,
}

/// All that is known of a build or task.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub shape: Shape,
    pub name: String,
    /// How it stands, in one sentence.
    pub sentence: String,
    /// Names of facts and the facts.
    pub rows: Vec<(String, String)>,
    /// Why it failed or who canceled it.
    pub why: Option<String>,
    /// The lines of the log that decide, or what the hub said.
    pub evidence: Vec<String>,
    pub links: Vec<Link>,
    /// Its parts, by architecture.
    pub parts: Vec<Part>,
    /// The states that it was in, and since when, the oldest first.
    pub states: Vec<(String, String)>,
}

/// Something that can be opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    pub label: String,
    pub address: String,
}

/// A task below a build.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The architecture, or what else it does.
    pub name: String,
    pub shape: Shape,
    pub state: String,
    /// The address of its log.
    pub log: Option<String>,
}

/// How the builds of a package went, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    pub points: Vec<Point>,
    /// The same in words, for whoever does not see it; empty if there is nothing to tell.
    pub text: String,
    /// How long the longest took, as a label for the axis.
    pub longest: String,
}

/// A build of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub shape: Shape,
    pub took: SignedDuration,
    /// It is the one that is looked at.
    pub is_this: bool,
}

/// The most builds that a course tells of, the newest.
pub const MAX_POINTS: usize = 40;

/// Returns the line of a list.
pub fn entry(story: &Story, sites: &BTreeMap<InstanceName, Site>, zone: &TimeZone, now: Timestamp) -> Entry {
    let shape = shape(story);
    let name = story::listed(story, sites);
    let state = state(story);
    let took = match shape {
        Shape::Running | Shape::Failing => None,
        Shape::Done | Shape::Failed | Shape::Canceled | Shape::Deleted => story.duration().map(text::duration),
    };
    let text = line(story, shape, now);
    let arches = story.children.iter().filter(|it| it.state == Some(TaskState::Failed));
    let mut sought = vec![
        name.clone(),
        state.clone(),
        story.standing.name().to_owned(),
        text.clone(),
        story.instance.to_string(),
    ];
    sought.extend(story.package.clone());
    sought.extend(story.owner.clone());
    sought.extend(story.target.clone());
    sought.extend(arches.map(|it| it.arch.clone()));
    sought.extend(story.task.map(|it| it.to_string()));
    if story.scratch {
        // Translators: what a search in the history finds scratch builds by.
        sought.push(tr("scratch"));
    }
    Entry {
        instance: story.instance.clone(),
        subject: story.subject.clone(),
        shape,
        name,
        state,
        text,
        took,
        age: age(story.changed, zone, now),
        mine: story.mine,
        changed: story.changed,
        sought: sought.join("\n").to_lowercase(),
    }
}

/// Returns all that is known. The states are those that it was in, and since when.
pub fn facts(
    story: &Story,
    states: &[(Standing, Timestamp)],
    told: Option<Told>,
    sites: &BTreeMap<InstanceName, Site>,
    zone: &TimeZone,
    now: Timestamp,
) -> Facts {
    let site = sites.get(&story.instance);
    let shape = shape(story);
    let sentence = match shape {
        Shape::Running | Shape::Failing => progress::label(story, now, true),
        Shape::Done | Shape::Failed | Shape::Canceled | Shape::Deleted => story::result(story),
    };
    let mut links = Vec::new();
    if let Some(address) = story::page(story, site) {
        let label = super::card::open_label(story);
        links.push(Link { label, address });
    }
    if story::is_bad(story)
        && let Some(address) = story::log(story, site)
    {
        let label = tr("Open log");
        links.push(Link { label, address });
    }
    Facts {
        shape,
        name: story::what(story),
        sentence,
        rows: rows(story, told, zone),
        why: history::why(story),
        evidence: cause::evidence(story),
        links,
        parts: story.children.iter().map(|it| part(it, site)).collect(),
        states: states.iter().map(|(it, at)| (word(*it), time(*at, zone))).collect(),
    }
}

/// Returns how the builds of a package went that have ended. The stories come with the newest first, as a journal
/// hands them out, and may be of other packages, too.
#[expect(single_use_lifetimes, reason = "an `impl` in an argument cannot leave it out yet")]
pub fn course<'a>(this: &Story, all: impl Iterator<Item = &'a Story>) -> Course {
    let Some(package) = &this.package else {
        return Course::default();
    };
    let is_one = |it: &&Story| {
        let same = it.instance == this.instance && it.package.as_ref() == Some(package) && it.scratch == this.scratch;
        // A build is told with its number, and its task is the same once more.
        let is_build = matches!(it.subject, Subject::Build(_) | Subject::NamedBuild(_));
        let kind = is_build == matches!(this.subject, Subject::Build(_) | Subject::NamedBuild(_));
        same && kind && it.method == this.method && it.standing.is_settled()
    };
    let one = |it: &Story| {
        Some(Point {
            shape: shape(it),
            took: it.duration()?,
            is_this: it.subject == this.subject,
        })
    };
    let mut points: Vec<Point> = all.filter(is_one).filter_map(one).take(MAX_POINTS).collect();
    points.reverse();
    let longest = points.iter().map(|it| it.took).max().map(text::duration);
    Course {
        text: course_text(package, &points),
        longest: longest.unwrap_or_default(),
        points,
    }
}

/// Returns how long ago something was; what is older than a week is told by its day.
pub fn age(then: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let age = now.duration_since(then);
    if age >= LONG_AGO {
        return then.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string();
    }
    text::ago(age)
}

/// Returns how something stands, as a shape can say it.
pub fn shape(story: &Story) -> Shape {
    match story.standing {
        Standing::Build(BuildState::Building)
        | Standing::Task(TaskState::Free | TaskState::Open | TaskState::Assigned) => {
            if story.is_doomed() {
                Shape::Failing
            } else {
                Shape::Running
            }
        }
        Standing::Build(BuildState::Complete) if story.whereabouts == Whereabouts::NotTagged => Shape::Failed,
        Standing::Build(BuildState::Complete) | Standing::Task(TaskState::Closed) => Shape::Done,
        Standing::Build(BuildState::Failed) | Standing::Task(TaskState::Failed) => Shape::Failed,
        Standing::Build(BuildState::Canceled) | Standing::Task(TaskState::Canceled) => Shape::Canceled,
        Standing::Build(BuildState::Deleted) => Shape::Deleted,
    }
}

/// Returns how something stands, and how far it has come since.
fn state(story: &Story) -> String {
    if shape(story) == Shape::Failing {
        // Translators: how a build stands that runs and cannot succeed any more, in a list.
        return tr("failing");
    }
    if story.standing == Standing::Build(BuildState::Complete) {
        match &story.whereabouts {
            Whereabouts::Unknown | Whereabouts::Tagged => {}
            // Translators: how a build stands, in a list.
            Whereabouts::NotTagged => return tr("not tagged"),
            // Translators: how a build stands, in a list.
            Whereabouts::InRepo(_) => return tr("in the repository"),
        }
    }
    word(story.standing)
}

/// Returns a state in a word.
fn word(standing: Standing) -> String {
    // Translators: how a build or a task stands, in a list.
    match standing {
        Standing::Build(BuildState::Complete) => tr("built"),
        Standing::Task(TaskState::Closed) => tr("done"),
        Standing::Build(BuildState::Failed) | Standing::Task(TaskState::Failed) => tr("failed"),
        Standing::Build(BuildState::Canceled) | Standing::Task(TaskState::Canceled) => tr("canceled"),
        Standing::Build(BuildState::Deleted) => tr("deleted"),
        Standing::Build(BuildState::Building) | Standing::Task(TaskState::Open) => tr("running"),
        Standing::Task(TaskState::Free | TaskState::Assigned) => tr("waiting"),
    }
}

/// Returns what stands below the name.
fn line(story: &Story, shape: Shape, now: Timestamp) -> String {
    let mut parts = Vec::new();
    match shape {
        Shape::Running => parts.extend(progress::parts(story, now)),
        Shape::Failing | Shape::Failed | Shape::Canceled => parts.extend(history::why(story)),
        Shape::Done | Shape::Deleted => {}
    }
    parts.extend(story::kind(story));
    parts.extend(story::owner(story));
    text::parts(&parts)
}

fn rows(story: &Story, told: Option<Told>, zone: &TimeZone) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |name: String, value: Option<String>| {
        rows.extend(value.filter(|it| !it.is_empty()).map(|it| (name, it)));
    };
    // Translators: names of facts about a build, each followed by the fact.
    row(tr("State"), Some(story.standing.name().to_owned()));
    row(tr("Package"), story.package.as_deref().map(text::name));
    row(tr("Owner"), story.owner.as_deref().map(text::name));
    row(tr("Target"), story.target.as_deref().map(text::name));
    row(tr("Kind"), kind(story));
    row(tr("Instance"), Some(text::name(story.instance.as_str())));
    let build = match &story.subject {
        Subject::Build(it) => Some(it.to_string()),
        Subject::NamedBuild(_) | Subject::Task(_) => None,
    };
    row(tr("Build"), build);
    row(tr("Task"), story.task.map(|it| it.to_string()));
    row(tr("Started"), story.started.map(|it| time(it, zone)));
    row(tr("Ended"), story.ended.map(|it| time(it, zone)));
    row(tr("Took"), story.duration().map(text::duration));
    row(tr("Usually takes"), story.usual.map(text::duration));
    let place = match &story.whereabouts {
        Whereabouts::Unknown => None,
        Whereabouts::Tagged => Some(tr("In its tag")),
        Whereabouts::NotTagged => Some(tr("Not in its tag")),
        // Translators: {tag} is what the repository is made of: "In the repository of f43-build".
        Whereabouts::InRepo(tag) => Some(fill(&tr("In the repository of {tag}"), &[("tag", &text::name(tag))])),
    };
    row(tr("Where"), place);
    row(tr("Notification"), told.map(|it| history::was_told(it, story, zone)));
    rows
}

fn kind(story: &Story) -> Option<String> {
    if story.scratch {
        return Some(tr("Scratch build"));
    }
    match &story.subject {
        Subject::Build(_) | Subject::NamedBuild(_) => None,
        Subject::Task(_) => story.method.as_deref().map(text::name),
    }
}

fn part(child: &Child, site: Option<&Site>) -> Part {
    let name = if child.is_arch_build() {
        text::name(&child.arch)
    } else if child.is_source_rpm() {
        tr("Source RPM")
    } else {
        text::name(&child.method)
    };
    // Who waits for a builder has written nothing yet, and who tags writes no log.
    let writes = matches!(
        child.state,
        Some(TaskState::Open | TaskState::Closed | TaskState::Failed)
    );
    let logs = writes && (child.is_arch_build() || child.is_source_rpm());
    let shape = match child.state {
        Some(TaskState::Free | TaskState::Open | TaskState::Assigned) | None => Shape::Running,
        Some(TaskState::Closed) => Shape::Done,
        Some(TaskState::Canceled) => Shape::Canceled,
        Some(TaskState::Failed) => Shape::Failed,
    };
    Part {
        name,
        shape,
        state: child.state.map(|it| word(Standing::Task(it))).unwrap_or_default(),
        log: site.filter(|_| logs).and_then(|it| it.build_log(child.task)),
    }
}

fn course_text(package: &str, points: &[Point]) -> String {
    let Some(last) = points.last() else {
        return String::new();
    };
    let number = |shape: Shape| points.iter().filter(|it| it.shape == shape).count();
    let (built, failed) = (number(Shape::Done), number(Shape::Failed));
    // Translators: begins the description of a chart of a package's builds: "12 builds of bash".
    let sentence = tr_n("{n} build of {package}", "{n} builds of {package}", points.len() as u64);
    let values = [("n", &*points.len().to_string()), ("package", &text::name(package))];
    let mut parts = vec![fill(&sentence, &values)];
    let mut count = |sentence: String, n: usize| {
        if n > 0 {
            parts.push(fill(&sentence, &[("n", &n.to_string())]));
        }
    };
    // Translators: goes on in the description of a chart: "12 builds of bash, 9 built, 3 failed".
    count(tr_n("{n} built", "{n} built", built as u64), built);
    count(tr_n("{n} failed", "{n} failed", failed as u64), failed);
    let canceled = number(Shape::Canceled);
    count(tr_n("{n} canceled", "{n} canceled", canceled as u64), canceled);
    let mut took: Vec<SignedDuration> = points.iter().map(|it| it.took).collect();
    took.sort();
    if let Some(middle) = took.get(took.len() / 2) {
        let values = [
            ("usual", &*text::duration(*middle)),
            ("last", &text::duration(last.took)),
        ];
        // Translators: the end of the description of a chart: "half of them took less than 12 min, the last 14 min".
        parts.push(fill(&tr("half of them took up to {usual}, the last {last}"), &values));
    }
    text::parts(&parts)
}

/// Returns a time to the minute, by the local clock.
fn time(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}
