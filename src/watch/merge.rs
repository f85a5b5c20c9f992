//! A change becomes part of a story.
//!
//! News may be late, repeated or out of order. What counts is when the hub sent it, not when it came here. A settled
//! build can come back: FAILED or CANCELED to BUILDING under the same number.

use jiff::{SignedDuration, Timestamp};

use super::below::Step;
use super::{Fate, Progress, Standing, Story, Whereabouts};
use crate::koji::{BuildChange, BuildState, Change, InstanceName, Nvr, TaskChange, TaskState};

/// Times of one story that differ by less are taken as equal: the hub cuts some to whole seconds.
pub(super) const TIE: SignedDuration = SignedDuration::from_secs(1);

/// A start that is told again after this long is another one. A bus and a hub tell of the same within seconds.
const SAME_START: SignedDuration = SignedDuration::from_mins(1);

/// A change, and who told it.
pub(super) struct Fact {
    pub(super) instance: InstanceName,
    /// When the hub sent it, by the hub's clock. `None`: the hub or an archive was asked, or the bus does not say.
    pub(super) sent: Option<Timestamp>,
    /// A source has delivered it; nobody was asked.
    pub(super) heard: bool,
    pub(super) change: Change,
}

/// Returns when it happened, as well as it can be told.
pub(super) fn time_of(fact: &Fact, now: Timestamp) -> Timestamp {
    fact.sent.or_else(|| fact.change.happened()).unwrap_or(now)
}

/// Returns the first chapter of a story. `None` for a tag change: where a build is put tells too little of it.
pub(super) fn begin(fact: &Fact, at: Timestamp, mine: bool) -> Story {
    let mut story = Story {
        instance: fact.instance.clone(),
        subject: fact.change.subject(),
        task: None,
        nvr: None,
        package: None,
        method: None,
        owner: None,
        mine,
        target: None,
        scratch: false,
        standing: Standing::Build(BuildState::Complete),
        children: Vec::new(),
        started: None,
        ended: None,
        changed: at,
        cause: None,
        usual: None,
        whereabouts: Whereabouts::Unknown,
        followed: false,
        trend: None,
    };
    tell(&mut story, &fact.change, at);
    story
}

/// Returns whether the change is newer than what the story knows. Where nobody says when it was `sent`, the times that a
/// change has are those of its task or build, and several changes share them.
pub(super) fn is_newer(story: &Story, change: &Change, sent: Option<Timestamp>, at: Timestamp) -> bool {
    if sent.is_none()
        && let Change::Task(task) = change
        && let Some(is_further) = is_further(story, task)
    {
        return is_further;
    }
    let (old, new) = match change {
        Change::Build(it) => (it.old.map(Standing::Build), Standing::Build(it.new)),
        Change::Task(it) => (it.old.map(Standing::Task), Standing::Task(it.new)),
        Change::Tag(_) => return false,
    };
    let distance = at.duration_since(story.changed);
    if story.standing == new && !new.is_settled() {
        // It still runs, and one of two that say so was a moment later. Unless an ending was missed in between.
        let is_later_attempt = distance.is_positive() && is_another_attempt(story, change);
        return distance > SAME_START || story.nvr.is_none() || is_later_attempt;
    }
    if distance.abs() > TIE {
        return distance.is_positive();
    }
    let comes_back = story.standing.is_settled() && !new.is_settled();
    // The record keeps the time of its completion when it is deleted, or canceled after the fact.
    let is_overtaken = sent.is_none() && story.standing != new && old.is_some_and(|it| it != new);
    let follows = old == Some(story.standing);
    follows || !(comes_back || (is_overtaken && story.standing.is_settled()))
}

/// Returns whether a task is further than its story knows, where that can be said without a time of the change.
fn is_further(story: &Story, change: &TaskChange) -> Option<bool> {
    let Standing::Task(known) = story.standing else {
        return None;
    };
    let step = Step::of(change.new, change.old, change.started);
    let known = Step::of(known, None, story.started);
    match (story.standing.is_settled(), change.new.is_settled()) {
        // The first news of a task has no time at all.
        (true, false) if change.created.is_none() && change.started.is_none() && change.old.is_none() => Some(false),
        (true, false) | (true, true) => None,
        // It is no older than the start that it has.
        (false, true) => {
            let is_before = |start: Timestamp| change.completed.is_some_and(|end| end.duration_since(start) < -TIE);
            (!story.started.is_some_and(is_before)).then_some(true)
        }
        (false, false) if story.standing == Standing::Task(change.new) => None,
        (false, false) => Some(step.compare(&known).is_gt()),
    }
}

/// Returns whether something that was known before has only been said to run once more.
pub(super) fn only_goes_on(before: &Story, change: &Change, at: Timestamp) -> bool {
    let new = match change {
        Change::Build(it) => Standing::Build(it.new),
        Change::Task(it) => Standing::Task(it.new),
        Change::Tag(_) => return false,
    };
    let is_near = at.duration_since(before.changed) <= SAME_START;
    before.standing == new && !new.is_settled() && is_near && !is_another_attempt(before, change)
}

/// Returns whether a build is made by another task than the one that is known.
fn is_another_attempt(story: &Story, change: &Change) -> bool {
    match change {
        Change::Build(it) => story.task.zip(it.task).is_some_and(|(known, new)| known != new),
        Change::Task(_) | Change::Tag(_) => false,
    }
}

/// Brings the story up to the change. What the message leaves out is kept.
pub(super) fn tell(story: &mut Story, change: &Change, at: Timestamp) {
    story.changed = at;
    match change {
        Change::Build(it) => tell_build(story, it, at),
        Change::Task(it) => tell_task(story, it, at),
        Change::Tag(it) => {
            story.nvr = Some(it.nvr.clone());
            story.package = Some(it.nvr.name.clone());
            keep(&mut story.owner, it.owner.clone());
        }
    }
}

fn tell_build(story: &mut Story, change: &BuildChange, at: Timestamp) {
    let is_same_attempt = story.task.is_some() && story.task == change.task;
    story.standing = Standing::Build(change.new);
    if !story.nvr.as_ref().is_some_and(|it| was_promoted(it, &change.nvr)) {
        story.nvr = Some(change.nvr.clone());
    }
    story.package = Some(change.nvr.name.clone());
    keep(&mut story.owner, change.owner.clone());
    keep(&mut story.task, change.task);
    keep(&mut story.target, change.target.clone());
    // The record is made a while after its task was started.
    let of_task = story.started.filter(|_| is_same_attempt);
    let started = change.started.or(of_task).or(change.created);
    keep(&mut story.started, started);
    if !change.new.is_settled() {
        story.started = started.or(Some(at));
    }
    story.ended = change.new.is_settled().then_some(change.completed.unwrap_or(at));
    if !change.children.is_empty() || !(change.new.is_settled() || is_same_attempt) {
        story.children.clone_from(&change.children);
    }
}

fn tell_task(story: &mut Story, change: &TaskChange, at: Timestamp) {
    story.standing = Standing::Task(change.new);
    story.task = Some(change.task);
    story.method = Some(change.method.clone());
    let nvr = change.what.as_deref().and_then(Nvr::parse);
    keep(&mut story.nvr, nvr);
    keep(&mut story.package, change.package.clone());
    keep(&mut story.owner, change.owner.clone());
    keep(&mut story.target, change.target.clone());
    story.scratch = change.scratch;
    keep(&mut story.started, change.started);
    story.ended = change.new.is_settled().then_some(change.completed.unwrap_or(at));
    if !change.children.is_empty() {
        story.children.clone_from(&change.children);
    }
}

/// Takes from a change that is not newer what the story does not know.
pub(super) fn fill(story: &mut Story, change: &Change) {
    let (task, owner, target, started, children) = match change {
        Change::Build(it) => (it.task, &it.owner, &it.target, it.started.or(it.created), &it.children),
        Change::Task(it) => (Some(it.task), &it.owner, &it.target, it.started, &it.children),
        Change::Tag(_) => return,
    };
    if let (None, Change::Build(build)) = (&story.nvr, change) {
        story.nvr = Some(build.nvr.clone());
        story.package = Some(build.nvr.name.clone());
    }
    story.task = story.task.or(task);
    story.started = story.started.or(started);
    if story.owner.is_none() {
        story.owner.clone_from(owner);
    }
    if story.target.is_none() {
        story.target.clone_from(target);
    }
    if story.children.is_empty() {
        story.children.clone_from(children);
    }
}

/// Returns whether news of a build calls it by its name of before: it was a draft, and was promoted since.
fn was_promoted(known: &Nvr, told: &Nvr) -> bool {
    let is_draft = |it: &Nvr| it.release.contains(",draft_");
    let is_same = known.name == told.name && known.version == told.version;
    is_same && is_draft(told) && !is_draft(known)
}

/// Returns whether a build record comes of a task that ends well.
pub(super) fn makes_record(story: &Story) -> bool {
    story.method.as_deref() == Some("build") && !story.scratch
}

/// Returns the change that a task of its own story has come to its end, as the look at it says.
pub(super) fn ended(story: &Story, progress: &Progress) -> Change {
    Change::Task(TaskChange {
        task: progress.task,
        method: story.method.clone().unwrap_or_else(|| "build".to_owned()),
        old: None,
        new: progress.state.unwrap_or(TaskState::Closed),
        owner: story.owner.clone(),
        what: story.nvr.as_ref().map(ToString::to_string),
        package: story.package.clone(),
        target: story.target.clone(),
        scratch: story.scratch,
        created: None,
        started: story.started,
        completed: progress.completed,
        children: progress.children.clone(),
    })
}

/// Takes the new value, if there is one.
fn keep<T>(place: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *place = new;
    }
}

/// Returns what has become of the build or task, if that is worth a word.
pub(super) fn fate(change: &Change) -> Option<Fate> {
    match change {
        Change::Build(it) => match it.new {
            BuildState::Building => Some(Fate::Started),
            BuildState::Complete => Some(Fate::Finished),
            BuildState::Deleted => None,
            BuildState::Failed => Some(Fate::Failed),
            BuildState::Canceled => Some(Fate::Canceled),
        },
        Change::Task(it) => match it.new {
            TaskState::Free | TaskState::Assigned => None,
            TaskState::Open => Some(Fate::Started),
            TaskState::Closed => Some(Fate::Finished),
            TaskState::Canceled => Some(Fate::Canceled),
            TaskState::Failed => Some(Fate::Failed),
        },
        Change::Tag(it) => {
            let tag = it.tag.clone()?;
            Some(if it.added {
                Fate::Tagged(tag)
            } else {
                Fate::Untagged(tag)
            })
        }
    }
}
