//! One look at the hub: which calls it takes, and what their answers say. One multicall, one round trip.
//!
//! Pure. What one look has learned for the next (the tags of a target, the event of a repository) is handed in and out
//! as [`Known`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::call::{Answer, BuildRow, Call, PackageKey, RepoRow, RepoState, Target, TaskRow};
use super::fault::Fault;
use crate::koji::task::{MAX_CHILDREN, only_sends_mail};
use crate::koji::{BuildId, Change, Nvr, TaskId, UserId};
use crate::watch::ask::{Look, Looked, MAX_LOOKED, Progress};

/// How many targets, tags and users are remembered.
const MAX_KNOWN: usize = 200;

/// The most packages that are asked about in one look.
const MAX_PACKAGES: usize = 50;

/// How the packages of container images are called. Their builds have no task of their own, and their record is made at
/// the end, so the hub's average says nothing.
const CONTAINER: &str = "-container";

/// How many builds of an image tell how long one takes.
const LAST_BUILDS: u32 = 5;

/// The most rows of one list: enough to see that there are more than are kept.
const LIMIT: u32 = 250;

/// How far the clocks of a hub's machines may be apart. What ended so shortly before an answer is asked for again; that
/// it was dealt with is known.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What is known from earlier looks.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The numbers of those who are me.
    pub users: BTreeMap<String, UserId>,
    /// The numbers of packages, where the hub does not take their names.
    pub packages: BTreeMap<String, u64>,
    targets: BTreeMap<String, Target>,
    /// The current repository of a tag.
    repos: BTreeMap<String, RepoRow>,
    /// What is called how, of the builds that tasks have tagged. `None`: the hub does not know it.
    pub tagged: BTreeMap<BuildId, Option<Nvr>>,
    /// The tags that it does not know.
    pub no_tags: BTreeMap<u64, ()>,
}

impl Known {
    pub fn keep_tagged(&mut self, build: BuildId, nvr: Option<Nvr>) {
        keep(&mut self.tagged, build, nvr);
    }

    pub fn keep_no_tag(&mut self, tag: u64) {
        keep(&mut self.no_tags, tag, ());
    }

    /// Returns how a package is named to the hub.
    fn package(&self, name: &str) -> PackageKey {
        match self.packages.get(name) {
            Some(id) => PackageKey::Id(*id),
            None => PackageKey::Name(name.to_owned()),
        }
    }
}

/// A look in calls, and what each call is for.
#[derive(Debug)]
pub struct Plan {
    pub calls: Vec<Call>,
    /// Whether everybody who was to be looked after is in it. Whom the hub does not know has nothing to tell.
    pub has_all: bool,
    purposes: Vec<Purpose>,
    since: Option<Timestamp>,
    mark: Option<Timestamp>,
}

#[derive(Clone, Debug)]
enum Purpose {
    /// Tasks or builds of a user of this name.
    Tasks(String),
    EndedTasks(String),
    Count,
    Builds,
    Task(TaskId),
    Below(TaskId),
    Usual(String),
    Target(String),
    Repo(String),
    Held {
        build: BuildId,
        tag: String,
    },
}

/// Plans a look. Users whose number is not known are left out.
pub fn plan(look: &Look, known: &Known) -> Plan {
    let mut plan = Plan {
        calls: Vec::new(),
        has_all: true,
        purposes: Vec::new(),
        since: look.since,
        mark: look.mark,
    };
    for (name, owner) in known.users.iter().filter(|(name, _)| look.users.contains(*name)) {
        let owner = *owner;
        plan.ask(Purpose::Builds, Call::Building { owner, limit: LIMIT });
        plan.ask(Purpose::Tasks(name.clone()), Call::OpenTasks { owner, limit: LIMIT });
        if let Some(since) = look.since {
            let limit = LIMIT;
            plan.ask(Purpose::Builds, Call::BuildsSince { owner, since, limit });
            plan.ask(
                Purpose::EndedTasks(name.clone()),
                Call::EndedTasks { owner, since, limit },
            );
        }
        if let Some(since) = look.mark {
            plan.ask(Purpose::Count, Call::EndedTaskCount { owner, since });
        }
    }
    if let Some(since) = look.since {
        for package in look.packages.iter().take(MAX_PACKAGES) {
            let package = known.package(package);
            plan.ask(
                Purpose::Builds,
                Call::BuildsOfPackage {
                    package,
                    since,
                    limit: LIMIT,
                },
            );
        }
    }
    for task in &look.tasks {
        plan.ask(Purpose::Task(*task), Call::Task(*task));
        plan.ask(Purpose::Below(*task), Call::Descendents(*task));
    }
    for build in &look.builds {
        plan.ask(Purpose::Builds, Call::Build(super::call::BuildKey::Id(*build)));
    }
    for package in &look.averages {
        let call = if package.ends_with(CONTAINER) {
            Call::LastBuilds {
                package: known.package(package),
                limit: LAST_BUILDS,
            }
        } else {
            Call::Average {
                package: package.clone(),
            }
        };
        plan.ask(Purpose::Usual(package.clone()), call);
    }
    let mut asked = BTreeSet::new();
    for (build, nvr, target) in &look.repos {
        plan.ask_for_repo(known, *build, nvr, target, &mut asked);
    }
    plan
}

impl Plan {
    fn ask(&mut self, purpose: Purpose, call: Call) {
        self.calls.push(call);
        self.purposes.push(purpose);
    }

    /// Asks for the next thing that is not known: the tags of the target, the repository of the tag, whether it holds
    /// the build. Each look gets one step further.
    fn ask_for_repo(&mut self, known: &Known, build: BuildId, nvr: &Nvr, target: &str, asked: &mut BTreeSet<String>) {
        let Some(tags) = known.targets.get(target) else {
            if asked.insert(format!("target {target}")) {
                self.ask(Purpose::Target(target.to_owned()), Call::Target(target.to_owned()));
            }
            return;
        };
        let tag = tags.build_tag.clone();
        if let Some(event) = known.repos.get(&tag).and_then(|it| it.create_event) {
            let package = nvr.name.clone();
            let purpose = Purpose::Held {
                build,
                tag: tag.clone(),
            };
            self.ask(
                purpose,
                Call::TaggedAt {
                    tag: tag.clone(),
                    event,
                    package,
                },
            );
        }
        if asked.insert(format!("repo {tag}")) {
            self.ask(Purpose::Repo(tag.clone()), Call::Repo { tag });
        }
    }

    /// Puts the answers together. Parts that failed are left out and returned beside, for the log. `asked` is when it
    /// was asked, by the hub's clock.
    ///
    /// If anything is missing that may have told of an ending, nothing is said of when the answer is complete up to, nor
    /// of how many endings there were beyond: the next look asks for the same time again.
    pub fn looked(
        self,
        answers: Vec<Result<Answer, Fault>>,
        asked: Option<Timestamp>,
        known: &mut Known,
    ) -> (Looked, Vec<(Call, Fault)>) {
        let mut looked = Looked {
            since: self.since,
            asked,
            as_of: asked.and_then(|it| it.saturating_sub(CLOCK_SKEW).ok()),
            ..Looked::default()
        };
        let mut faults = Vec::new();
        let mut has_all = self.has_all;
        let mut counted = 0_u64;
        // Of those that are counted, what nobody is told of.
        let mut left_aside = 0_u64;
        let mut tasks: BTreeMap<TaskId, TaskRow> = BTreeMap::new();
        let mut below: BTreeMap<TaskId, Vec<TaskRow>> = BTreeMap::new();
        let mut changes = Vec::new();
        for ((purpose, call), answer) in self.purposes.into_iter().zip(self.calls).zip(answers) {
            let answer = match answer {
                Ok(it) => it,
                Err(fault) => {
                    has_all &= !tells_of_endings(&call);
                    faults.push((call, fault));
                    continue;
                }
            };
            match (purpose, answer) {
                (Purpose::Builds, Answer::Builds(rows)) => {
                    changes.extend(
                        rows.into_iter()
                            .filter_map(|it| it.change(None, Vec::new()))
                            .map(Change::Build),
                    );
                }
                (Purpose::Builds, Answer::Build(row)) => {
                    changes.extend(row.and_then(|it| it.change(None, Vec::new())).map(Change::Build));
                }
                (Purpose::Tasks(owner) | Purpose::EndedTasks(owner), Answer::Tasks(rows)) => {
                    let (mails, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|it| only_sends_mail(&it.method));
                    left_aside += mails.iter().filter(|it| it.completed > self.mark).count() as u64;
                    changes.extend(
                        rows.into_iter()
                            .filter_map(|it| it.change(Some(&owner), Vec::new()))
                            .map(Change::Task),
                    );
                }
                (Purpose::Count, Answer::Count(count)) => counted += count,
                (Purpose::Task(task), Answer::Task(Some(row))) => _ = tasks.insert(task, row),
                (Purpose::Below(task), Answer::Tasks(rows)) => _ = below.insert(task, rows),
                (Purpose::Usual(package), Answer::Average(usual)) => {
                    let usual = usual.and_then(|it| SignedDuration::try_from(it).ok());
                    looked.averages.insert(package, usual);
                }
                (Purpose::Usual(package), Answer::Builds(rows)) => _ = looked.averages.insert(package, mean(&rows)),
                (Purpose::Target(name), Answer::Target(Some(target))) => keep(&mut known.targets, name, target),
                (Purpose::Repo(tag), Answer::Repo(Some(repo))) => {
                    let is_usable = matches!(repo.state, Some(RepoState::Ready | RepoState::Expired));
                    if is_usable {
                        keep(&mut known.repos, tag, repo);
                    }
                }
                (Purpose::Held { build, tag }, Answer::Builds(rows)) if rows.iter().any(|it| it.build == build) => {
                    looked.in_repo.push((build, tag));
                }
                // Nothing is there, or nothing new.
                _ => {}
            }
        }
        let owners: BTreeMap<UserId, &String> = known.users.iter().map(|(name, id)| (*id, name)).collect();
        for (task, row) in tasks {
            let rows = below.remove(&task).unwrap_or_default();
            let children: Vec<_> = rows.iter().take(MAX_CHILDREN).map(TaskRow::child).collect();
            looked.progress.push(Progress {
                task,
                state: row.state,
                completed: row.completed,
                children: children.clone(),
            });
            let owner = row.owner.and_then(|it| owners.get(&it).copied()).cloned();
            changes.extend(row.change(owner.as_deref(), children).map(Change::Task));
        }
        looked.changes = in_order(changes);
        let ends = looked.changes.iter().filter(|it| ended(it).is_some()).count();
        // The oldest come first; of too many they are only counted.
        looked.changes.drain(..ends.saturating_sub(MAX_LOOKED));
        let is_fresh = |it: &&Change| matches!(it, Change::Task(_)) && ended(it) > self.mark;
        let listed = looked.changes.iter().filter(is_fresh).count() as u64;
        if has_all {
            looked.left_out = u32::try_from(counted.saturating_sub(listed + left_aside)).unwrap_or(u32::MAX);
        } else {
            looked.as_of = None;
        }
        (looked, faults)
    }
}

/// Returns whether the answer is needed to know all that has ended since a time.
fn tells_of_endings(call: &Call) -> bool {
    matches!(
        call,
        Call::EndedTasks { .. } | Call::EndedTaskCount { .. } | Call::BuildsSince { .. } | Call::BuildsOfPackage { .. }
    )
}

/// Sorts by the time of the ending, what has none last, builds before their tasks; each once, the fullest of it.
fn in_order(changes: Vec<Change>) -> Vec<Change> {
    let mut once: BTreeMap<_, Change> = BTreeMap::new();
    for change in changes {
        let children = |it: &Change| match it {
            Change::Build(it) => it.children.len(),
            Change::Task(it) => it.children.len(),
            Change::Tag(_) => 0,
        };
        match once.entry(change.subject()) {
            std::collections::btree_map::Entry::Vacant(it) => _ = it.insert(change),
            std::collections::btree_map::Entry::Occupied(mut it) => {
                // The same answer to two questions: the ended one is the newer one.
                let is_fuller = children(&change) > children(it.get());
                let is_newer = ended(&change).is_some() && ended(it.get()).is_none();
                if is_newer || (is_fuller && ended(&change) == ended(it.get())) {
                    it.insert(change);
                }
            }
        }
    }
    let mut changes: Vec<_> = once.into_values().collect();
    let is_task = |it: &Change| matches!(it, Change::Task(_));
    changes.sort_by_key(|it| (ended(it).unwrap_or(Timestamp::MAX), is_task(it)));
    changes
}

/// Returns when it ended, if it did.
fn ended(change: &Change) -> Option<Timestamp> {
    match change {
        Change::Build(it) if it.new.is_settled() => it.completed,
        Change::Task(it) if it.new.is_settled() => it.completed,
        Change::Build(_) | Change::Task(_) | Change::Tag(_) => None,
    }
}

fn keep<K: Ord, T>(known: &mut BTreeMap<K, T>, name: K, value: T) {
    while known.len() >= MAX_KNOWN && !known.contains_key(&name) {
        known.pop_first();
    }
    known.insert(name, value);
}

/// Returns how long builds have taken on average, as far as they tell.
fn mean(rows: &[BuildRow]) -> Option<SignedDuration> {
    let took = |it: &BuildRow| Some(it.completed?.duration_since(it.started?));
    let all: Vec<_> = rows.iter().filter_map(took).filter(|it| it.is_positive()).collect();
    let sum: SignedDuration = all
        .iter()
        .try_fold(SignedDuration::ZERO, |sum, it| sum.checked_add(*it))?;
    let count = i32::try_from(all.len()).ok().filter(|it| *it > 0)?;
    sum.checked_div(count)
}

#[cfg(test)]
mod tests {
    use super::super::call::BuildRow;
    use super::super::fault::FaultCode;
    use super::*;
    use crate::koji::{BuildState, TaskState};

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn known() -> Known {
        Known {
            users: BTreeMap::from([("mona".to_owned(), UserId(2)), ("bob".to_owned(), UserId(3))]),
            ..Known::default()
        }
    }

    fn look() -> Look {
        Look {
            users: BTreeSet::from(["mona".to_owned()]),
            since: Some(time(0)),
            mark: Some(time(100)),
            ..Look::default()
        }
    }

    fn build(id: u64, state: BuildState, ended: Option<i64>) -> BuildRow {
        BuildRow {
            build: BuildId(id),
            nvr: Nvr::parse("bash-5.3-1.fc43").unwrap(),
            state: Some(state),
            owner: Some(UserId(2)),
            owner_name: Some("mona".to_owned()),
            task: Some(TaskId(id + 100)),
            created: None,
            started: None,
            completed: ended.map(time),
            volume: None,
        }
    }

    fn task(id: u64, state: TaskState, ended: Option<i64>) -> TaskRow {
        TaskRow {
            task: TaskId(id),
            parent: None,
            method: "build".to_owned(),
            arch: "noarch".to_owned(),
            owner: Some(UserId(2)),
            owner_name: None,
            state: Some(state),
            created: None,
            started: None,
            completed: ended.map(time),
            package: None,
            what: None,
            target: None,
            scratch: false,
            source: None,
            tag: None,
            tagged: None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a plan has these")]
    fn methods(plan: &Plan) -> Vec<&'static str> {
        let name = |it: &Call| match it {
            Call::Building { .. } => "building",
            Call::OpenTasks { .. } => "open",
            Call::BuildsSince { .. } => "builds",
            Call::EndedTasks { .. } => "ended",
            Call::EndedTaskCount { .. } => "count",
            Call::Task(_) => "task",
            Call::Descendents(_) => "below",
            Call::Target(_) => "target",
            Call::Repo { .. } => "repo",
            Call::TaggedAt { .. } => "tagged",
            _ => "other",
        };
        plan.calls.iter().map(name).collect()
    }

    #[test]
    fn a_catch_up_is_one_row_of_calls_for_me_alone() {
        let plan = plan(&look(), &known());
        assert_eq!(methods(&plan), ["building", "open", "builds", "ended", "count"]);
    }

    #[test]
    fn endings_come_oldest_first_and_builds_before_their_tasks() {
        let mut known = known();
        let plan = plan(&look(), &known);
        let answers = vec![
            Ok(Answer::Builds(vec![build(9, BuildState::Building, None)])),
            Ok(Answer::Tasks(vec![task(109, TaskState::Open, None)])),
            Ok(Answer::Builds(vec![
                build(8, BuildState::Failed, Some(300)),
                build(7, BuildState::Complete, Some(200)),
            ])),
            Ok(Answer::Tasks(vec![
                task(108, TaskState::Failed, Some(300)),
                task(107, TaskState::Closed, Some(250)),
            ])),
            Ok(Answer::Count(2)),
        ];
        let (looked, faults) = plan.looked(answers, Some(time(400)), &mut known);
        assert!(faults.is_empty());
        let subjects: Vec<_> = looked.changes.iter().map(|it| format!("{:?}", it.subject())).collect();
        assert_eq!(
            subjects,
            [
                "Build(BuildId(7))",
                "Task(TaskId(107))",
                "Build(BuildId(8))",
                "Task(TaskId(108))",
                "Build(BuildId(9))",
                "Task(TaskId(109))"
            ]
        );
        assert_eq!(
            (looked.left_out, looked.asked, looked.as_of),
            (0, Some(time(400)), Some(time(100)))
        );
        let owners: Vec<_> = looked.changes.iter().map(|it| it.owner().unwrap()).collect();
        assert_eq!(owners, ["mona"; 6]);
    }

    #[test]
    fn how_long_an_image_takes_is_what_its_last_builds_took() {
        let mut known = known();
        let look = Look {
            averages: vec!["bash".to_owned(), "web-container".to_owned()],
            ..Look::default()
        };
        let plan = plan(&look, &known);
        let last = Call::LastBuilds {
            package: PackageKey::Name("web-container".to_owned()),
            limit: 5,
        };
        assert_eq!(plan.calls[1], last);
        let took = |from, to: Option<i64>| BuildRow {
            started: Some(time(from)),
            completed: to.map(time),
            ..build(7, BuildState::Complete, to)
        };
        let rows = vec![
            took(0, Some(600)),
            took(1000, Some(1200)),
            took(2000, None),
            took(9, Some(3)),
        ];
        let answers = vec![Ok(Answer::Average(None)), Ok(Answer::Builds(rows))];
        let (looked, _) = plan.looked(answers, None, &mut known);
        assert_eq!(looked.averages["bash"], None);
        assert_eq!(looked.averages["web-container"], Some(SignedDuration::from_secs(400)));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn a_task_that_only_sends_mail_is_no_news() {
        let mut known = known();
        let plan = plan(&look(), &known);
        let mail = |id, method: &str, state, ended| TaskRow {
            method: method.to_owned(),
            ..task(id, state, ended)
        };
        let answers = vec![
            Ok(Answer::Builds(Vec::new())),
            Ok(Answer::Tasks(vec![mail(110, "tagNotification", TaskState::Open, None)])),
            Ok(Answer::Builds(Vec::new())),
            Ok(Answer::Tasks(vec![
                mail(109, "buildNotification", TaskState::Closed, Some(310)),
                task(108, TaskState::Canceled, Some(300)),
                mail(107, "buildNotification", TaskState::Closed, Some(50)),
            ])),
            Ok(Answer::Count(2)),
        ];
        let (looked, _) = plan.looked(answers, None, &mut known);
        let subjects: Vec<_> = looked.changes.iter().map(Change::subject).collect();
        assert_eq!(subjects, [crate::koji::Subject::Task(TaskId(108))]);
        assert_eq!(looked.left_out, 0);
    }

    #[test]
    fn of_too_many_the_oldest_are_only_counted() {
        let mut known = known();
        let plan = plan(&look(), &known);
        let rows = (0..250).map(|n| task(1000 + n, TaskState::Closed, Some(500 + n as i64)));
        let answers = vec![
            Ok(Answer::Builds(Vec::new())),
            Ok(Answer::Tasks(Vec::new())),
            Ok(Answer::Builds(Vec::new())),
            Ok(Answer::Tasks(rows.rev().collect())),
            Ok(Answer::Count(10_000)),
        ];
        let (looked, _) = plan.looked(answers, None, &mut known);
        assert_eq!(looked.changes.len(), MAX_LOOKED);
        assert_eq!(looked.left_out, 9_800);
        assert_eq!(ended(&looked.changes[0]), Some(time(550)));
    }

    #[test]
    fn a_part_that_fails_fails_alone() {
        let mut known = known();
        let plan = plan(&look(), &known);
        let fault = Fault {
            code: FaultCode::Generic,
            text: "no".to_owned(),
        };
        let mut answers = vec![Err(fault); 5];
        answers[2] = Ok(Answer::Builds(vec![build(7, BuildState::Complete, Some(200))]));
        let (looked, faults) = plan.looked(answers, None, &mut known);
        assert_eq!((looked.changes.len(), faults.len()), (1, 4));
    }

    #[test]
    fn what_was_not_told_is_asked_for_again() {
        let mut known = known();
        let look = Look {
            packages: BTreeSet::from(["zsh".to_owned()]),
            ..look()
        };
        let endings = || {
            vec![
                Ok(Answer::Builds(vec![build(9, BuildState::Building, None)])),
                Ok(Answer::Tasks(Vec::new())),
                Ok(Answer::Builds(Vec::new())),
                Ok(Answer::Tasks(vec![task(107, TaskState::Closed, Some(250))])),
                Ok(Answer::Count(3)),
                Ok(Answer::Builds(vec![build(8, BuildState::Failed, Some(300))])),
            ]
        };
        let asked = Some(time(400));
        let seen = |it: &Looked| (it.as_of, it.left_out, it.asked);
        let (looked, _) = plan(&look, &known).looked(endings(), asked, &mut known);
        assert_eq!(seen(&looked), (Some(time(100)), 2, asked));
        // What is running is asked for in every look.
        for (part, may_pass) in [true, true, false, false, false, false].into_iter().enumerate() {
            let mut answers = endings();
            answers[part] = Err(Fault {
                code: FaultCode::Generic,
                text: "no".to_owned(),
            });
            let (looked, faults) = plan(&look, &known).looked(answers, asked, &mut known);
            assert_eq!(faults.len(), 1);
            assert!(!looked.changes.is_empty(), "the others are told");
            let expected = if may_pass { (Some(time(100)), 2) } else { (None, 0) };
            assert_eq!(seen(&looked), (expected.0, expected.1, asked), "{:?}", faults[0].0);
        }
        // Somebody whose number the hub would not say.
        let mut plan = plan(&look, &known);
        plan.has_all = false;
        let (looked, _) = plan.looked(endings(), asked, &mut known);
        assert_eq!((seen(&looked), looked.changes.len()), ((None, 0, asked), 3));
    }

    #[test]
    fn a_repository_is_found_step_by_step() {
        let mut known = known();
        let nvr = Nvr::parse("bash-5.3-1.fc43").unwrap();
        let look = Look {
            repos: vec![(BuildId(7), nvr, "rawhide".to_owned())],
            ..Look::default()
        };
        let first = plan(&look, &known);
        assert_eq!(methods(&first), ["target"]);
        let target = Target {
            name: "rawhide".to_owned(),
            build_tag: "f45-build".to_owned(),
            dest_tag: "f45".to_owned(),
        };
        first.looked(vec![Ok(Answer::Target(Some(target)))], None, &mut known);
        let second = plan(&look, &known);
        assert_eq!(methods(&second), ["repo"]);
        let repo = RepoRow {
            id: 1,
            state: Some(RepoState::Ready),
            create_event: Some(55),
            created: None,
        };
        second.looked(vec![Ok(Answer::Repo(Some(repo)))], None, &mut known);
        let third = plan(&look, &known);
        assert_eq!(methods(&third), ["tagged", "repo"]);
        let held = vec![build(7, BuildState::Complete, None)];
        let (looked, _) = third.looked(vec![Ok(Answer::Builds(held)), Ok(Answer::Repo(None))], None, &mut known);
        assert_eq!(looked.in_repo, [(BuildId(7), "f45-build".to_owned())]);
    }

    #[test]
    fn progress_has_the_tasks_below_and_says_whose_it_is() {
        let mut known = known();
        let look = Look {
            tasks: vec![TaskId(5)],
            ..Look::default()
        };
        let plan = plan(&look, &known);
        assert_eq!(methods(&plan), ["task", "below"]);
        let mut child = task(6, TaskState::Failed, None);
        child.method = "buildArch".to_owned();
        let answers = vec![
            Ok(Answer::Task(Some(task(5, TaskState::Open, None)))),
            Ok(Answer::Tasks(vec![child])),
        ];
        let (looked, _) = plan.looked(answers, None, &mut known);
        assert_eq!(looked.progress[0].children.len(), 1);
        assert_eq!(looked.changes[0].owner(), Some("mona"));
    }
}
