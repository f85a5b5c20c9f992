//! What is true: the records of one hub, and what happens to them in the life of builds and tasks.
//!
//! The order of things is that of a hub of today (`tests/hub/stories.py` tells it step by step): a source RPM that
//! cannot be made ends a build before it has a record, who cancels a task cancels its build with it, a record that
//! failed is used again, and a task ends a while after its build.

use std::collections::BTreeMap;

use koji_notify::hub::call::{Answer, BuildKey, BuildRow, Call, PackageKey, RepoRow, RepoState, Target, TaskRow};
use koji_notify::koji::{BuildId, BuildState, Change, Nvr, Subject, TaskId, TaskState, UserId};
use koji_notify::watch::{Standing, Tale};

use crate::messages::{self, Message};
use crate::plan::{End, Kind, PACKAGES, USERS};
use crate::time::{SECOND, Time, stamp};

/// One hub's records.
#[derive(Debug)]
pub(crate) struct Koji {
    site: usize,
    /// Whether and how its bus tells: with all that the messages of today say, or with little.
    bus: Option<bool>,
    tasks: BTreeMap<u64, Task>,
    builds: BTreeMap<u64, Build>,
    attempts: Vec<Attempt>,
    pub(crate) endings: Vec<Ending>,
    last_task: u64,
    last_build: u64,
    last_message: u64,
}

/// A final state that was reached.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) owner: &'static str,
    pub(crate) package: &'static str,
    /// The build, where there is a record of it, else the task.
    pub(crate) subject: Subject,
    pub(crate) task: Option<TaskId>,
    pub(crate) standing: Standing,
    pub(crate) at: Time,
    /// It is one that the toggle for scratch builds is about.
    pub(crate) is_scratch: bool,
}

/// Work that was submitted.
#[derive(Clone, Debug)]
struct Attempt {
    user: usize,
    package: usize,
    kind: Kind,
    end: End,
    secs: [u32; 3],
    task: Option<u64>,
    build: Option<u64>,
    nvr: Nvr,
    /// The record that is built again.
    again: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) row: TaskRow,
    /// What can be seen of it since when.
    seen: Vec<(Time, TaskRow)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Build {
    pub(crate) row: BuildRow,
    seen: Vec<(Time, BuildRow)>,
}

/// The next thing to happen to an attempt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    Assign,
    Open,
    Source,
    Built,
    Finish,
    Cancel,
}

/// What follows from a stage.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// What comes next, after so long.
    pub(crate) next: Vec<(Time, usize, Stage)>,
    pub(crate) messages: Vec<Message>,
    pub(crate) endings: Vec<usize>,
}

impl Koji {
    pub(crate) fn new(site: usize, bus: Option<bool>) -> Self {
        Self {
            site,
            bus,
            tasks: BTreeMap::new(),
            builds: BTreeMap::new(),
            attempts: Vec::new(),
            endings: Vec::new(),
            last_task: 100 + site as u64,
            last_build: 10 + site as u64,
            last_message: 0,
        }
    }

    /// Somebody wants something built.
    pub(crate) fn submit(
        &mut self,
        now: Time,
        seen: Time,
        user: u8,
        package: u8,
        kind: Kind,
        end: End,
        secs: [u32; 3],
    ) -> Followed {
        let (user, package) = (usize::from(user) % USERS.len(), usize::from(package) % PACKAGES.len());
        let nvr = Nvr {
            name: PACKAGES[package].to_owned(),
            version: format!("1.{}", self.attempts.len()),
            release: "1.fc44".to_owned(),
        };
        self.attempt(
            now,
            seen,
            Attempt {
                user,
                package,
                kind,
                end,
                secs,
                task: None,
                build: None,
                nvr,
                again: None,
            },
        )
    }

    /// The newest record that did not come to a good end is built again.
    pub(crate) fn again(&mut self, now: Time, seen: Time, end: End, secs: [u32; 3]) -> Followed {
        let is_broken = |it: &&Build| matches!(it.row.state, Some(BuildState::Failed | BuildState::Canceled));
        let Some(build) = self.builds.values().filter(is_broken).max_by_key(|it| it.row.completed) else {
            return Followed::default();
        };
        let (id, nvr) = (build.row.build.0, build.row.nvr.clone());
        let of_it = |it: &&Attempt| it.build == Some(id);
        let old = self.attempts.iter().rfind(of_it).unwrap().clone();
        self.attempt(
            now,
            seen,
            Attempt {
                end,
                secs,
                task: None,
                build: None,
                nvr,
                again: Some(id),
                kind: Kind::Build,
                ..old
            },
        )
    }

    fn attempt(&mut self, now: Time, seen: Time, mut attempt: Attempt) -> Followed {
        let mut followed = Followed::default();
        let at = self.attempts.len();
        if attempt.kind == Kind::Import {
            let id = self.next_build();
            let mut row = self.new_build(id, &attempt, now);
            row.state = Some(BuildState::Complete);
            row.completed = Some(stamp(now));
            attempt.build = Some(id);
            self.attempts.push(attempt);
            self.set_build(seen, row);
            self.build_ended(now, at, None, &mut followed);
            return followed;
        }
        self.last_task += 8;
        let id = self.last_task;
        attempt.task = Some(id);
        let package = PACKAGES[attempt.package].to_owned();
        let is_image = attempt.kind == Kind::Image;
        let row = TaskRow {
            task: TaskId(id),
            parent: None,
            method: if is_image { "image" } else { "build" }.to_owned(),
            arch: "noarch".to_owned(),
            owner: Some(UserId(attempt.user as u64)),
            owner_name: None,
            state: Some(TaskState::Free),
            created: Some(stamp(now)),
            started: None,
            completed: None,
            what: Some(package.clone()),
            source: (!is_image).then(|| messages::source(&package)),
            package: Some(package),
            target: Some("rawhide".to_owned()),
            scratch: attempt.kind == Kind::Scratch,
            tag: None,
            tagged: None,
        };
        if let End::Canceled(secs) = attempt.end {
            followed.next.push((Time::from(secs) * SECOND + 1, at, Stage::Cancel));
        }
        followed.next.push((SECOND / 2, at, Stage::Assign));
        self.attempts.push(attempt);
        self.set_task(seen, row);
        followed
    }

    /// The newest complete build is deleted.
    pub(crate) fn delete(&mut self, now: Time, seen: Time) -> Followed {
        let mut followed = Followed::default();
        let is_complete = |it: &&Build| it.row.state == Some(BuildState::Complete);
        let Some(build) = self
            .builds
            .values()
            .filter(is_complete)
            .max_by_key(|it| it.row.completed)
        else {
            return followed;
        };
        let mut row = build.row.clone();
        let at = self
            .attempts
            .iter()
            .rposition(|it| it.build == Some(row.build.0))
            .unwrap();
        row.state = Some(BuildState::Deleted);
        self.set_build(seen, row);
        self.tell_of_build(now, at, Some(BuildState::Complete), None, &mut followed);
        followed
    }

    /// Goes on with an attempt.
    pub(crate) fn go_on(&mut self, now: Time, seen: Time, at: usize, stage: Stage) -> Followed {
        let mut followed = Followed::default();
        let attempt = self.attempts[at].clone();
        let Some(task) = attempt.task.and_then(|it| self.tasks.get(&it)).map(|it| it.row.clone()) else {
            return followed;
        };
        let state = task.state.unwrap();
        if state.is_settled() {
            return followed;
        }
        let [source_secs, arch_secs, finish_secs] = attempt.secs.map(|it| Time::from(it) * SECOND + SECOND / 3);
        let tells = attempt.kind == Kind::Scratch;
        match stage {
            Stage::Assign => {
                self.move_task(now, seen, &task, TaskState::Assigned);
                self.tell_of_task(now, at, state, tells, None, &mut followed);
                followed.next.push((SECOND, at, Stage::Open));
            }
            Stage::Open => {
                self.move_task(now, seen, &task, TaskState::Open);
                if attempt.kind != Kind::Image {
                    self.add_child(now, seen, &task, "buildSRPMFromSCM", "noarch");
                }
                self.tell_of_task(now, at, state, tells, None, &mut followed);
                followed.next.push((source_secs, at, Stage::Source));
            }
            Stage::Source => {
                let made = if attempt.end == End::NoSource {
                    TaskState::Failed
                } else {
                    TaskState::Closed
                };
                self.move_children(now, seen, task.task, "buildSRPMFromSCM", made);
                if attempt.end == End::NoSource {
                    self.move_task(now, seen, &task, TaskState::Failed);
                    self.task_ended(now, at, &mut followed);
                    return followed;
                }
                let old = attempt
                    .again
                    .and_then(|it| self.builds.get(&it))
                    .and_then(|it| it.row.state);
                if attempt.kind == Kind::Build {
                    if matches!(
                        old,
                        Some(BuildState::Building | BuildState::Complete | BuildState::Deleted)
                    ) {
                        // Build already exists.
                        self.move_task(now, seen, &task, TaskState::Failed);
                        self.task_ended(now, at, &mut followed);
                        return followed;
                    }
                    let id = attempt.again.unwrap_or_else(|| self.next_build());
                    let row = self.new_build(id, &attempt, now);
                    self.attempts[at].build = Some(id);
                    self.set_build(seen, row);
                }
                for arch in ["aarch64", "x86_64"] {
                    if attempt.kind != Kind::Image {
                        self.add_child(now, seen, &task, "buildArch", arch);
                    }
                }
                if attempt.kind == Kind::Build {
                    self.tell_of_build(now, at, old, None, &mut followed);
                }
                followed.next.push((arch_secs, at, Stage::Built));
            }
            Stage::Built => {
                let is_bad = attempt.end == End::Bad;
                let made = if is_bad { TaskState::Failed } else { TaskState::Closed };
                self.move_children(now, seen, task.task, "buildArch", made);
                if let Some(build) = attempt.build.and_then(|it| self.builds.get(&it)) {
                    let mut row = build.row.clone();
                    row.state = Some(if is_bad {
                        BuildState::Failed
                    } else {
                        BuildState::Complete
                    });
                    row.completed = Some(stamp(now));
                    if !is_bad {
                        self.add_child(now, seen, &task, "tagBuild", "noarch");
                    }
                    self.set_build(seen, row);
                    self.build_ended(now, at, Some(BuildState::Building), &mut followed);
                    followed.next.push((finish_secs, at, Stage::Finish));
                } else {
                    let how = if is_bad { TaskState::Failed } else { TaskState::Closed };
                    self.move_task(now, seen, &task, how);
                    self.task_ended(now, at, &mut followed);
                }
            }
            Stage::Finish => {
                let is_good = !matches!(attempt.end, End::Bad | End::Untaggable);
                let how = if is_good { TaskState::Closed } else { TaskState::Failed };
                self.move_children(now, seen, task.task, "tagBuild", how);
                self.move_task(now, seen, &task, how);
                if is_good && attempt.build.is_some() {
                    self.tell_of_tag(now, at, &mut followed);
                }
            }
            Stage::Cancel => self.cancel(now, seen, at, &mut followed),
        }
        followed
    }

    /// The task first, then its build, then what it waits for, in one transaction.
    fn cancel(&mut self, now: Time, seen: Time, at: usize, followed: &mut Followed) {
        let attempt = self.attempts[at].clone();
        let task = self.tasks[&attempt.task.unwrap()].row.clone();
        let was = task.state.unwrap();
        self.move_task(now, seen, &task, TaskState::Canceled);
        let build = attempt.build.map(|it| self.builds[&it].row.clone());
        match build {
            Some(mut row) if row.state == Some(BuildState::Building) => {
                row.state = Some(BuildState::Canceled);
                row.completed = Some(stamp(now));
                self.set_build(seen, row);
                self.build_ended(now, at, Some(BuildState::Building), followed);
            }
            // It was built; only its tag is missing.
            Some(_) => {}
            None => self.task_ended_from(now, at, was, followed),
        }
        for method in ["buildSRPMFromSCM", "buildArch", "tagBuild"] {
            self.move_children(now, seen, task.task, method, TaskState::Canceled);
        }
    }

    fn next_build(&mut self) -> u64 {
        self.last_build += 4;
        self.last_build
    }

    fn new_build(&self, id: u64, attempt: &Attempt, now: Time) -> BuildRow {
        BuildRow {
            build: BuildId(id),
            nvr: attempt.nvr.clone(),
            state: Some(BuildState::Building),
            owner: Some(UserId(attempt.user as u64)),
            owner_name: Some(USERS[attempt.user].to_owned()),
            task: attempt.task.map(TaskId),
            created: Some(stamp(now)),
            started: Some(stamp(now)),
            completed: None,
            volume: None,
        }
    }

    fn set_task(&mut self, seen: Time, row: TaskRow) {
        let task = self.tasks.entry(row.task.0).or_insert_with(|| Task {
            row: row.clone(),
            seen: Vec::new(),
        });
        let seen = task.seen.last().map_or(seen, |it| it.0.max(seen));
        task.seen.push((seen, row.clone()));
        task.row = row;
    }

    fn set_build(&mut self, seen: Time, row: BuildRow) {
        let build = self.builds.entry(row.build.0).or_insert_with(|| Build {
            row: row.clone(),
            seen: Vec::new(),
        });
        let seen = build.seen.last().map_or(seen, |it| it.0.max(seen));
        build.seen.push((seen, row.clone()));
        build.row = row;
    }

    fn move_task(&mut self, now: Time, seen: Time, row: &TaskRow, state: TaskState) {
        let mut row = row.clone();
        row.state = Some(state);
        if state == TaskState::Open {
            row.started = Some(stamp(now));
        }
        if state.is_settled() {
            row.completed = Some(stamp(now));
        }
        self.set_task(seen, row);
    }

    fn add_child(&mut self, now: Time, seen: Time, parent: &TaskRow, method: &str, arch: &str) {
        self.last_task += 1;
        let row = TaskRow {
            task: TaskId(self.last_task),
            parent: Some(parent.task),
            method: method.to_owned(),
            arch: arch.to_owned(),
            state: Some(TaskState::Open),
            created: Some(stamp(now)),
            started: Some(stamp(now)),
            completed: None,
            ..parent.clone()
        };
        self.set_task(seen, row);
    }

    /// Moves the children that are not settled.
    fn move_children(&mut self, now: Time, seen: Time, parent: TaskId, method: &str, state: TaskState) {
        let rows = self.children(parent);
        for row in rows
            .iter()
            .filter(|it| it.method == method && !it.state.unwrap().is_settled())
        {
            self.move_task(now, seen, row, state);
        }
    }

    fn children(&self, parent: TaskId) -> Vec<TaskRow> {
        let after = self.tasks.range(parent.0..);
        let rows = after.filter(|(_, it)| it.row.parent == Some(parent));
        rows.map(|(_, it)| it.row.clone()).collect()
    }

    fn build_ended(&mut self, now: Time, at: usize, old: Option<BuildState>, followed: &mut Followed) {
        let attempt = &self.attempts[at];
        let row = &self.builds[&attempt.build.unwrap()].row;
        self.endings.push(Ending {
            owner: USERS[attempt.user],
            package: PACKAGES[attempt.package],
            subject: Subject::Build(row.build),
            task: row.task,
            standing: Standing::Build(row.state.unwrap()),
            at: now,
            is_scratch: false,
        });
        let ending = self.endings.len() - 1;
        followed.endings.push(ending);
        self.tell_of_build(now, at, old, Some(ending), followed);
    }

    fn task_ended(&mut self, now: Time, at: usize, followed: &mut Followed) {
        self.task_ended_from(now, at, TaskState::Open, followed);
    }

    fn task_ended_from(&mut self, now: Time, at: usize, old: TaskState, followed: &mut Followed) {
        let attempt = &self.attempts[at];
        let row = &self.tasks[&attempt.task.unwrap()].row;
        let tells = attempt.kind == Kind::Scratch;
        self.endings.push(Ending {
            owner: USERS[attempt.user],
            package: PACKAGES[attempt.package],
            subject: Subject::Task(row.task),
            task: Some(row.task),
            standing: Standing::Task(row.state.unwrap()),
            at: now,
            is_scratch: attempt.kind != Kind::Build,
        });
        let ending = self.endings.len() - 1;
        followed.endings.push(ending);
        self.tell_of_task(now, at, old, tells, Some(ending), followed);
    }

    fn tell_of_task(
        &mut self,
        now: Time,
        at: usize,
        old: TaskState,
        tells: bool,
        ending: Option<usize>,
        followed: &mut Followed,
    ) {
        let Some(is_modern) = self.bus.filter(|_| tells) else {
            return;
        };
        let row = &self.tasks[&self.attempts[at].task.unwrap()].row;
        let children = self.children(row.task);
        let owner = USERS[self.attempts[at].user];
        self.last_message += 1;
        let id = (self.site, self.last_message);
        followed
            .messages
            .push(messages::task(id, now, is_modern, owner, row, old, &children, ending));
    }

    fn tell_of_build(
        &mut self,
        now: Time,
        at: usize,
        old: Option<BuildState>,
        ending: Option<usize>,
        followed: &mut Followed,
    ) {
        let Some(is_modern) = self.bus else { return };
        let row = &self.builds[&self.attempts[at].build.unwrap()].row;
        let task = row.task.and_then(|it| self.tasks.get(&it.0)).map(|it| it.row.clone());
        let children = row.task.map(|it| self.children(it)).unwrap_or_default();
        self.last_message += 1;
        let id = (self.site, self.last_message);
        followed.messages.push(messages::build(
            id,
            now,
            is_modern,
            row,
            old,
            task.as_ref(),
            &children,
            ending,
        ));
    }

    fn tell_of_tag(&mut self, now: Time, at: usize, followed: &mut Followed) {
        if self.bus.is_none() {
            return;
        }
        let row = &self.builds[&self.attempts[at].build.unwrap()].row;
        self.last_message += 1;
        followed
            .messages
            .push(messages::tag((self.site, self.last_message), now, row));
    }

    /// Returns the newest top-level task but so many.
    pub(crate) fn newest_task(&self, nth: u8) -> Option<TaskId> {
        let tops = self.tasks.values().rev().filter(|it| it.row.parent.is_none());
        tops.map(|it| it.row.task).nth(usize::from(nth))
    }

    /// Returns whether the record of an ending went on to another state.
    pub(crate) fn is_superseded(&self, ending: usize) -> bool {
        let ending = &self.endings[ending];
        match &ending.subject {
            Subject::Build(id) => {
                let row = &self.builds[&id.0].row;
                row.state.map(Standing::Build) != Some(ending.standing) || row.completed != Some(stamp(ending.at))
            }
            Subject::Task(_) | Subject::NamedBuild(_) => false,
        }
    }

    /// Returns whether a tale is of a task, and true of it.
    pub(crate) fn has_task_ended(&self, tale: &Tale) -> bool {
        let Subject::Task(task) = tale.story.subject else {
            return false;
        };
        let state = self.tasks.get(&task.0).and_then(|it| it.row.state);
        state.map(Standing::Task) == Some(tale.story.standing)
    }

    /// Returns the ending that a change tells of.
    pub(crate) fn ending_of(&self, change: &Change) -> Option<usize> {
        let (subject, standing) = match change {
            Change::Build(it) => (change.subject(), Standing::Build(it.new)),
            Change::Task(it) => (change.subject(), Standing::Task(it.new)),
            Change::Tag(_) => return None,
        };
        let happened = change.happened().map(crate::time::time);
        let is_it = |it: &&(usize, &Ending)| it.1.subject == subject && it.1.standing == standing;
        let found = self.endings.iter().enumerate();
        let found: Vec<_> = found.filter(|it| is_it(&it)).collect();
        let nearest = found
            .iter()
            .rev()
            .min_by_key(|(_, it)| happened.map_or(0, |at| (at - it.at).abs()));
        nearest.map(|(number, _)| *number)
    }

    /// Returns whether nothing runs any more.
    pub(crate) fn is_quiet(&self) -> bool {
        self.tasks.values().all(|it| it.row.state.unwrap().is_settled())
    }

    /// Answers a call, as things can be seen at a time.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a look asks nothing else")]
    pub(crate) fn answer(&self, at: Time, call: &Call) -> Answer {
        let of = |owner: &UserId, it: &TaskRow| it.owner == Some(*owner) && it.parent.is_none();
        let is_after = |time: &Option<jiff::Timestamp>, since| time.is_some_and(|it| it > since);
        match call {
            Call::Building { owner, limit } => Answer::Builds(self.builds_at(at, *limit, |it| {
                it.owner == Some(*owner) && it.state == Some(BuildState::Building)
            })),
            Call::OpenTasks { owner, limit } => {
                Answer::Tasks(self.tasks_at(at, *limit, |it| of(owner, it) && !it.state.unwrap().is_settled()))
            }
            Call::BuildsSince { owner, since, limit } => Answer::Builds(self.builds_at(at, *limit, |it| {
                it.owner == Some(*owner) && is_after(&it.completed, *since)
            })),
            Call::EndedTasks { owner, since, limit } => {
                let is_it =
                    |it: &TaskRow| of(owner, it) && it.state.unwrap().is_settled() && is_after(&it.completed, *since);
                Answer::Tasks(self.tasks_at(at, *limit, is_it))
            }
            Call::EndedTaskCount { owner, since } => {
                let is_it =
                    |it: &TaskRow| of(owner, it) && it.state.unwrap().is_settled() && is_after(&it.completed, *since);
                Answer::Count(self.tasks_at(at, u32::MAX, is_it).len() as u64)
            }
            Call::BuildsOfPackage {
                package: PackageKey::Name(name),
                since,
                limit,
            } => {
                Answer::Builds(self.builds_at(at, *limit, |it| it.nvr.name == *name && is_after(&it.completed, *since)))
            }
            Call::Task(task) => Answer::Task(self.task_at(at, *task)),
            Call::Descendents(task) => {
                let mut rows = self.tasks_at(at, u32::MAX, |it| it.parent == Some(*task));
                rows.reverse();
                Answer::Tasks(rows)
            }
            Call::Build(BuildKey::Id(id)) => Answer::Build(self.builds.get(&id.0).and_then(|it| as_seen(&it.seen, at))),
            Call::Build(BuildKey::Nvr(nvr)) => Answer::Build(
                self.builds_at(at, 1, |it| it.nvr.to_string() == *nvr)
                    .into_iter()
                    .next(),
            ),
            Call::Average { .. } => Answer::Average(Some(std::time::Duration::from_secs(600))),
            Call::Target(name) => Answer::Target(Some(Target {
                name: name.clone(),
                build_tag: "f44-build".to_owned(),
                dest_tag: "f44".to_owned(),
            })),
            Call::Repo { .. } => Answer::Repo(Some(RepoRow {
                id: 1,
                state: Some(RepoState::Ready),
                create_event: Some(u64::try_from(at / (600 * SECOND)).unwrap()),
                created: Some(stamp(at)),
            })),
            Call::TaggedAt { event, package, .. } => {
                let until = stamp(*event as Time * 600 * SECOND);
                let is_it = |it: &BuildRow| it.nvr.name == *package && it.completed.is_some_and(|it| it < until);
                Answer::Builds(self.builds_at(at, 50, is_it))
            }
            other => panic!("a look does not ask {other:?}"),
        }
    }

    pub(crate) fn task_at(&self, at: Time, task: TaskId) -> Option<TaskRow> {
        let mut row = as_seen(&self.tasks.get(&task.0)?.seen, at)?;
        row.owner_name = None;
        Some(row)
    }

    /// Newest first.
    fn tasks_at(&self, at: Time, limit: u32, is_it: impl Fn(&TaskRow) -> bool) -> Vec<TaskRow> {
        let rows = self
            .tasks
            .values()
            .rev()
            .filter_map(|it| as_seen(&it.seen, at))
            .filter(|it| is_it(it));
        let named = rows.map(|mut it| {
            it.owner_name = it.owner.map(|it| USERS[it.0 as usize].to_owned());
            it
        });
        named.take(limit as usize).collect()
    }

    fn builds_at(&self, at: Time, limit: u32, is_it: impl Fn(&BuildRow) -> bool) -> Vec<BuildRow> {
        let rows = self.builds.values().rev().filter_map(|it| as_seen(&it.seen, at));
        rows.filter(|it| is_it(it)).take(limit as usize).collect()
    }
}

fn as_seen<R: Clone>(seen: &[(Time, R)], at: Time) -> Option<R> {
    seen.iter()
        .rev()
        .find(|(since, _)| *since <= at)
        .map(|(_, row)| row.clone())
}
