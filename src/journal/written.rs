//! What stands in the file as JSON, word for word, and how it becomes our words again.
//!
//! The shapes are the file's and outlive those of the program: a field that is missing has a default, one that is
//! unknown is passed over. A state that nobody knows makes the whole unreadable, which is for the reader to count.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::koji::{
    BuildId, BuildState, Cause, CauseClass, Child, InstanceName, LogName, Nvr, Subject, TaskId, TaskState,
};
use crate::watch::Filed;
use crate::watch::{Ending, Fate, Muting, PauseFor, Row, RuleName, Standing, Story, Trend, Until, Whereabouts};

/// Returns JSON in one of the shapes below.
pub(super) fn text(written: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(written).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Reads JSON in one of the shapes below.
pub(super) fn parsed<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// What a story is filed under; the same subject is the same text.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WrittenSubject {
    Build(u64),
    Named(WrittenNvr),
    Task(u64),
}

#[derive(Deserialize, Serialize)]
pub(super) struct WrittenNvr {
    name: String,
    version: String,
    release: String,
}

/// All of a story but what it is filed under.
#[derive(Deserialize, Serialize)]
pub(super) struct WrittenStory {
    standing: WrittenStanding,
    changed: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nvr: Option<WrittenNvr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    mine: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    scratch: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<WrittenChild>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<WrittenCause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usual: Option<SignedDuration>,
    #[serde(default, skip_serializing_if = "WrittenWhereabouts::is_unknown")]
    whereabouts: WrittenWhereabouts,
    #[serde(default, skip_serializing_if = "is_false")]
    followed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trend: Option<WrittenTrend>,
}

/// What of a story was dealt with.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct WrittenDealt {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    told: Vec<WrittenEnding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    unseen_failure: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    doomed: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    task_done: bool,
}

/// An ending that was dealt with.
#[derive(Deserialize, Serialize)]
pub(super) struct WrittenEnding {
    standing: WrittenStanding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

/// A state as the hub spells it, and of what.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum WrittenStanding {
    Build(String),
    Task(String),
}

#[derive(Deserialize, Serialize)]
struct WrittenChild {
    task: u64,
    method: String,
    arch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct WrittenCause {
    class: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arch: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    fault: String,
    /// Whose log, and its file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<(u64, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenWhereabouts {
    #[default]
    Unknown,
    Tagged,
    NotTagged,
    InRepo(String),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenTrend {
    First,
    Broken,
    StillBroken(WrittenRow),
    Fixed(WrittenRow),
}

/// Failures in a row, and since when.
#[derive(Deserialize, Serialize)]
struct WrittenRow {
    failures: u32,
    since: Timestamp,
}

impl WrittenWhereabouts {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

fn is_false(it: &bool) -> bool {
    !it
}

impl From<&Subject> for WrittenSubject {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Build(it) => Self::Build(it.0),
            Subject::NamedBuild(it) => Self::Named(it.into()),
            Subject::Task(it) => Self::Task(it.0),
        }
    }
}

impl From<WrittenSubject> for Subject {
    fn from(written: WrittenSubject) -> Self {
        match written {
            WrittenSubject::Build(it) => Self::Build(BuildId(it)),
            WrittenSubject::Named(it) => Self::NamedBuild(it.into()),
            WrittenSubject::Task(it) => Self::Task(TaskId(it)),
        }
    }
}

impl From<&Nvr> for WrittenNvr {
    fn from(nvr: &Nvr) -> Self {
        let Nvr { name, version, release } = nvr.clone();
        Self { name, version, release }
    }
}

impl From<WrittenNvr> for Nvr {
    fn from(written: WrittenNvr) -> Self {
        let WrittenNvr { name, version, release } = written;
        Self { name, version, release }
    }
}

impl From<&Story> for WrittenStory {
    fn from(story: &Story) -> Self {
        Self {
            standing: story.standing.into(),
            changed: story.changed,
            started: story.started,
            ended: story.ended,
            task: story.task.map(|it| it.0),
            nvr: story.nvr.as_ref().map(WrittenNvr::from),
            package: story.package.clone(),
            method: story.method.clone(),
            owner: story.owner.clone(),
            mine: story.mine,
            target: story.target.clone(),
            scratch: story.scratch,
            children: story.children.iter().map(WrittenChild::from).collect(),
            cause: story.cause.as_ref().map(WrittenCause::from),
            usual: story.usual,
            whereabouts: (&story.whereabouts).into(),
            followed: story.followed,
            trend: story.trend.map(WrittenTrend::from),
        }
    }
}

impl WrittenStory {
    /// Returns the story that is filed under this subject.
    pub(super) fn read(self, instance: InstanceName, subject: Subject) -> Option<Story> {
        Some(Story {
            instance,
            subject,
            standing: self.standing.read()?,
            changed: self.changed,
            started: self.started,
            ended: self.ended,
            task: self.task.map(TaskId),
            nvr: self.nvr.map(Nvr::from),
            package: self.package,
            method: self.method,
            owner: self.owner,
            mine: self.mine,
            target: self.target,
            scratch: self.scratch,
            children: self.children.into_iter().map(Child::from).collect(),
            cause: self.cause.map(Cause::from),
            usual: self.usual,
            whereabouts: self.whereabouts.into(),
            followed: self.followed,
            trend: self.trend.map(Trend::from),
        })
    }
}

impl From<&Filed> for WrittenDealt {
    fn from(filed: &Filed) -> Self {
        Self {
            told: filed.told.iter().map(WrittenEnding::from).collect(),
            earlier: filed.earlier.iter().map(|it| it.0).collect(),
            left: filed.left.map(|it| it.0),
            unseen_failure: filed.unseen_failure,
            doomed: filed.doomed,
            task_done: filed.task_done,
        }
    }
}

impl WrittenDealt {
    /// Returns the story with what was dealt with.
    pub(super) fn read(self, story: Story) -> Filed {
        Filed {
            story,
            unseen_failure: self.unseen_failure,
            doomed: self.doomed,
            task_done: self.task_done,
            earlier: self.earlier.iter().map(|it| TaskId(*it)).collect(),
            left: self.left.map(TaskId),
            told: self.endings().collect(),
        }
    }

    /// Returns the endings that were dealt with, the oldest first.
    pub(super) fn endings(self) -> impl DoubleEndedIterator<Item = Ending> {
        self.told.into_iter().filter_map(WrittenEnding::read)
    }
}

impl From<&Ending> for WrittenEnding {
    fn from(&(standing, at): &Ending) -> Self {
        let standing = standing.into();
        Self { standing, at }
    }
}

impl WrittenEnding {
    pub(super) fn read(self) -> Option<Ending> {
        Some((self.standing.read()?, self.at))
    }
}

impl From<Standing> for WrittenStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Build(it) => Self::Build(it.name().to_owned()),
            Standing::Task(it) => Self::Task(it.name().to_owned()),
        }
    }
}

impl WrittenStanding {
    fn read(&self) -> Option<Standing> {
        match self {
            Self::Build(it) => BuildState::from_name(it).map(Standing::Build),
            Self::Task(it) => TaskState::from_name(it).map(Standing::Task),
        }
    }
}

impl From<&Child> for WrittenChild {
    fn from(child: &Child) -> Self {
        Self {
            task: child.task.0,
            method: child.method.clone(),
            arch: child.arch.clone(),
            state: child.state.map(|it| it.name().to_owned()),
        }
    }
}

impl From<WrittenChild> for Child {
    fn from(written: WrittenChild) -> Self {
        Self {
            task: TaskId(written.task),
            method: written.method,
            arch: written.arch,
            state: written.state.as_deref().and_then(TaskState::from_name),
        }
    }
}

impl From<&Cause> for WrittenCause {
    fn from(cause: &Cause) -> Self {
        Self {
            class: cause.class.name().to_owned(),
            task: cause.task.map(|it| it.0),
            method: cause.method.clone(),
            arch: cause.arch.clone(),
            fault: cause.fault.clone(),
            log: cause.log.map(|(task, log)| (task.0, log.file().to_owned())),
            lines: cause.lines.clone(),
            by: cause.by.clone(),
        }
    }
}

impl From<WrittenCause> for Cause {
    fn from(written: WrittenCause) -> Self {
        let log = |(task, file): (u64, String)| {
            let log = LOGS.into_iter().find(|it| it.file() == file)?;
            Some((TaskId(task), log))
        };
        Self {
            class: class(&written.class),
            task: written.task.map(TaskId),
            method: written.method,
            arch: written.arch,
            fault: written.fault,
            log: written.log.and_then(log),
            lines: written.lines,
            by: written.by,
        }
    }
}

impl From<&Whereabouts> for WrittenWhereabouts {
    fn from(whereabouts: &Whereabouts) -> Self {
        match whereabouts {
            Whereabouts::Unknown => Self::Unknown,
            Whereabouts::Tagged => Self::Tagged,
            Whereabouts::NotTagged => Self::NotTagged,
            Whereabouts::InRepo(tag) => Self::InRepo(tag.clone()),
        }
    }
}

impl From<WrittenWhereabouts> for Whereabouts {
    fn from(written: WrittenWhereabouts) -> Self {
        match written {
            WrittenWhereabouts::Unknown => Self::Unknown,
            WrittenWhereabouts::Tagged => Self::Tagged,
            WrittenWhereabouts::NotTagged => Self::NotTagged,
            WrittenWhereabouts::InRepo(tag) => Self::InRepo(tag),
        }
    }
}

impl From<Trend> for WrittenTrend {
    fn from(trend: Trend) -> Self {
        let row = |Row { failures, since }| WrittenRow { failures, since };
        match trend {
            Trend::First => Self::First,
            Trend::Broken => Self::Broken,
            Trend::StillBroken(it) => Self::StillBroken(row(it)),
            Trend::Fixed(it) => Self::Fixed(row(it)),
        }
    }
}

impl From<WrittenTrend> for Trend {
    fn from(written: WrittenTrend) -> Self {
        let row = |WrittenRow { failures, since }| Row { failures, since };
        match written {
            WrittenTrend::First => Self::First,
            WrittenTrend::Broken => Self::Broken,
            WrittenTrend::StillBroken(it) => Self::StillBroken(row(it)),
            WrittenTrend::Fixed(it) => Self::Fixed(row(it)),
        }
    }
}

const LOGS: [LogName; 5] = [
    LogName::Build,
    LogName::Root,
    LogName::Checkout,
    LogName::MockOutput,
    LogName::State,
];

const CLASSES: [CauseClass; 8] = [
    CauseClass::Package,
    CauseClass::SourceRpm,
    CauseClass::Dependencies,
    CauseClass::Buildroot,
    CauseClass::Policy,
    CauseClass::Tagging,
    CauseClass::Canceled,
    CauseClass::Unknown,
];

/// A kind of trouble that we do not know tells us nothing.
fn class(name: &str) -> CauseClass {
    let known = CLASSES.into_iter().find(|it| it.name() == name);
    known.unwrap_or(CauseClass::Unknown)
}

/// Returns a fate's name, and the tag that it is about.
pub(super) fn fate_text(fate: &Fate) -> (&'static str, Option<&str>) {
    match fate {
        Fate::Started => ("started", None),
        Fate::Finished => ("finished", None),
        Fate::Doomed => ("doomed", None),
        Fate::Failed => ("failed", None),
        Fate::Canceled => ("canceled", None),
        Fate::Tagged(tag) => ("tagged", Some(tag)),
        Fate::Untagged(tag) => ("untagged", Some(tag)),
        Fate::NotTagged => ("not-tagged", None),
        Fate::InRepo(tag) => ("in-repo", Some(tag)),
    }
}

/// Returns the fate of that name and tag.
pub(super) fn fate(name: &str, tag: Option<String>) -> Option<Fate> {
    match name {
        "started" => Some(Fate::Started),
        "finished" => Some(Fate::Finished),
        "doomed" => Some(Fate::Doomed),
        "failed" => Some(Fate::Failed),
        "canceled" => Some(Fate::Canceled),
        "tagged" => tag.map(Fate::Tagged),
        "untagged" => tag.map(Fate::Untagged),
        "not-tagged" => Some(Fate::NotTagged),
        "in-repo" => tag.map(Fate::InRepo),
        _ => None,
    }
}

/// Returns the rule of that name.
pub(super) fn rule(name: &str) -> Option<RuleName> {
    let rules = [
        RuleName::MyBuilds,
        RuleName::MyScratchBuilds,
        RuleName::MyTags,
        RuleName::FollowedPackages,
        RuleName::Followed,
    ];
    rules.into_iter().find(|it| it.as_str() == name)
}

/// Returns what was asked for, as a word or a number of minutes.
pub(super) fn asked_text(asked: PauseFor) -> String {
    match asked {
        PauseFor::Minutes(it) => it.to_string(),
        PauseFor::UntilTomorrow => "until-tomorrow".to_owned(),
        PauseFor::UntilResumed => "until-resumed".to_owned(),
    }
}

/// Returns what that text asked for.
pub(super) fn asked(text: &str) -> Option<PauseFor> {
    match text {
        "until-tomorrow" => Some(PauseFor::UntilTomorrow),
        "until-resumed" => Some(PauseFor::UntilResumed),
        minutes => minutes.parse::<NonZeroU32>().ok().map(PauseFor::Minutes),
    }
}

/// Returns what is muted: its kind, the instance that it is of, and its name or its subject.
pub(super) fn muting_text(muting: &Muting) -> rusqlite::Result<(&'static str, &str, String)> {
    Ok(match muting {
        Muting::ButFailures => ("but-failures", "", String::new()),
        Muting::Package(package) => ("package", "", package.clone()),
        Muting::Tag(tag) => ("tag", "", tag.clone()),
        Muting::Subject(instance, subject) => ("subject", instance.as_str(), text(&WrittenSubject::from(subject))?),
    })
}

/// Returns what is muted by that.
pub(super) fn muting(kind: &str, instance: &str, what: String) -> Option<Muting> {
    match kind {
        "but-failures" => Some(Muting::ButFailures),
        "package" => Some(Muting::Package(what)),
        "tag" => Some(Muting::Tag(what)),
        "subject" => {
            let subject: WrittenSubject = parsed(&what)?;
            Some(Muting::Subject(InstanceName::new(instance), subject.into()))
        }
        _ => None,
    }
}

/// Returns when a mute is over, as a word and a time.
pub(super) fn until_text(until: Until) -> (&'static str, Option<Timestamp>) {
    match until {
        Until::Time(at) => ("time", Some(at)),
        Until::Fixed => ("fixed", None),
        Until::Ends => ("ends", None),
        Until::Undone => ("undone", None),
    }
}

/// Returns when a mute is over by that.
pub(super) fn until(word: &str, at: Option<Timestamp>) -> Option<Until> {
    match word {
        "time" => at.map(Until::Time),
        "fixed" => Some(Until::Fixed),
        "ends" => Some(Until::Ends),
        "undone" => Some(Until::Undone),
        _ => None,
    }
}

/// Returns a time as a column has it. What is further away than 1677 or 2262 is not a time of ours.
pub(super) fn nanoseconds(time: Timestamp) -> i64 {
    let limit = if time < Timestamp::UNIX_EPOCH {
        i64::MIN
    } else {
        i64::MAX
    };
    i64::try_from(time.as_nanosecond()).unwrap_or(limit)
}

/// Returns the time of a column.
pub(super) fn time(nanoseconds: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(nanoseconds.into()).ok()
}

/// Returns a hub's number as a column has it. Hubs count in 31 bits.
pub(super) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
