//! What came by a bus, in one line of words: for `koji-notify tail`.
//!
//! The line says when it came, from which instance if that is not clear, what has happened to what, and whose it is. It
//! tells more than a notification would: each step of each task, and what nobody is ever told of.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text;
use crate::i18n::{fill, tr};
use crate::koji::event::{ChildChange, Import, PackageListChange, Promotion, RepoChange, Signature};
use crate::koji::{
    BuildChange, BuildState, Change, HubEvent, InstanceName, TagChange, TaskChange, TaskId, TaskState, UserId,
};

/// A message that came by a bus.
#[derive(Clone, Debug)]
pub struct Heard<'a> {
    pub at: Timestamp,
    /// `None` where there is only one.
    pub instance: Option<&'a InstanceName>,
    pub topic: &'a str,
    /// `None`: nothing that has a word here.
    pub event: Option<&'a HubEvent>,
    /// The number of who owns it, where the message tells no name.
    pub owner: Option<UserId>,
}

/// Returns the message as one line for people, with the time of that zone.
pub fn line(heard: &Heard<'_>, zone: &TimeZone) -> String {
    let time = heard.at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
    let words = words(heard);
    match heard.instance {
        Some(instance) => format!("{time}  {}  {words}", text::name(instance.as_str())),
        None => format!("{time}  {words}"),
    }
}

/// Returns a message as it is on the wire, on one line. For a terminal, nothing in it does anything or hides.
pub fn raw(topic: &str, headers: &str, body: &[u8], for_terminal: bool) -> String {
    let mut line = String::with_capacity(topic.len() + headers.len() + body.len() + 2);
    for chunk in chunks([topic.as_bytes(), headers.as_bytes(), body]) {
        for it in chunk.valid().chars() {
            let is_shown = match it {
                '\n' | '\r' => false,
                _ => !for_terminal || !text::is_unfit(it),
            };
            if is_shown {
                line.push(it);
            } else {
                line.extend(it.escape_default());
            }
        }
        for byte in chunk.invalid() {
            // To a text there is nothing that fails.
            _ = write!(line, "\\x{byte:02x}");
        }
    }
    line
}

/// Returns JSON with escapes for what a terminal would obey, or would not show as it stands: those characters can only
/// be in its strings.
pub fn harmless(json: &str) -> String {
    let mut harmless = String::with_capacity(json.len());
    for it in json.chars() {
        if text::is_unfit(it) {
            for unit in it.encode_utf16(&mut [0; 2]) {
                // To a text there is nothing that fails.
                _ = write!(harmless, "\\u{unit:04x}");
            }
        } else {
            harmless.push(it);
        }
    }
    harmless
}

/// Returns the parts with a space between them, cut where they are no text.
fn chunks(parts: [&[u8]; 3]) -> impl Iterator<Item = std::str::Utf8Chunk<'_>> {
    let [topic, headers, body] = parts;
    [topic, b" ", headers, b" ", body]
        .into_iter()
        .flat_map(<[u8]>::utf8_chunks)
}

fn words(heard: &Heard<'_>) -> String {
    let Some(event) = heard.event else {
        return something_else(heard.topic);
    };
    let (sentence, mut details) = match event {
        HubEvent::Changed(Change::Build(it)) => of_build(it),
        HubEvent::Changed(Change::Task(it)) => of_task(it),
        HubEvent::Changed(Change::Tag(it)) => of_tag(it),
        HubEvent::Child(it) => of_child(it),
        HubEvent::Promoted(it) => of_promotion(it),
        HubEvent::PackageList(it) => of_package_list(it),
        HubEvent::Repo(it) => of_repo(it),
        HubEvent::Signed(it) => of_signature(it),
        HubEvent::Imported(it) => of_import(it),
        HubEvent::Other { name } => return something_else(name),
    };
    if let (Some(UserId(number)), true) = (heard.owner, is_only_its_owners(event)) {
        // Translators: whose it is, where only the hub's number of the user is known: "by user 6".
        let whose = fill(&tr("by user {number}"), &[("number", &number.to_string())]);
        details.insert(0, whose);
    }
    if details.is_empty() {
        return sentence;
    }
    let values = [("what", &*sentence), ("details", &text::parts(&details))];
    // Translators: what has happened, and more about it: "bash-5.3-1.fc43 is built (by mona, rawhide)".
    fill(&tr("{what} ({details})"), &values)
}

/// Returns whether whose it is would be told by a name, and is not: of the others, who has done it is told.
fn is_only_its_owners(event: &HubEvent) -> bool {
    match event {
        HubEvent::Changed(Change::Build(_) | Change::Task(_)) | HubEvent::Child(_) => event.owner().is_none(),
        HubEvent::Changed(Change::Tag(_))
        | HubEvent::Promoted(_)
        | HubEvent::PackageList(_)
        | HubEvent::Repo(_)
        | HubEvent::Signed(_)
        | HubEvent::Imported(_)
        | HubEvent::Other { .. } => false,
    }
}

fn something_else(topic: &str) -> String {
    // Translators: {topic} is what a message is addressed to: "org.fedoraproject.prod.bodhi.update.comment".
    fill(&tr("Something else: {topic}"), &[("topic", &text::name(topic))])
}

/// A sentence, and what stands behind it.
type Told = (String, Vec<String>);

fn of_build(it: &BuildChange) -> Told {
    let sentence = match it.new {
        BuildState::Building => tr("{what} is being built"),
        BuildState::Complete => tr("{what} is built"),
        BuildState::Failed => tr("{what} failed"),
        BuildState::Canceled => tr("{what} was canceled"),
        BuildState::Deleted => tr("{what} was deleted"),
    };
    let details = [by(it.owner.as_deref()), named(it.target.as_deref()), it.task.map(task)];
    (
        of(&sentence, &it.nvr.to_string()),
        details.into_iter().flatten().collect(),
    )
}

fn of_task(it: &TaskChange) -> Told {
    let scratch = it.scratch.then(|| tr("Scratch build"));
    let (owner, target) = (by(it.owner.as_deref()), named(it.target.as_deref()));
    match &it.what {
        // What is only tagged was built before.
        Some(what) if it.method != "tagBuild" => {
            let sentence = match it.new {
                TaskState::Free if it.old.is_none() => tr("{what} was submitted"),
                TaskState::Free => tr("{what} waits for a builder"),
                // Translators: a builder of Koji, a computer, has been chosen for it.
                TaskState::Assigned => tr("{what} has a builder"),
                TaskState::Open => tr("{what} is being built"),
                TaskState::Closed => tr("{what} is built"),
                TaskState::Failed => tr("{what} failed"),
                TaskState::Canceled => tr("{what} was canceled"),
            };
            let details = [owner, scratch, target, Some(task(it.task))];
            (of(&sentence, what), details.into_iter().flatten().collect())
        }
        what => {
            let details = [owner, named(what.as_deref()), scratch, target];
            let sentence = of_task_number(&it.method, it.task, it.old, Some(it.new));
            (sentence, details.into_iter().flatten().collect())
        }
    }
}

fn of_child(it: &ChildChange) -> Told {
    let child = &it.child;
    let arch = Some(child.arch.as_str()).filter(|it| !it.is_empty());
    let srpm = it.srpm.as_ref().map(ToString::to_string);
    // Translators: {number} is a task of Koji: "part of task 4711".
    let parent = fill(&tr("part of task {number}"), &[("number", &it.parent.to_string())]);
    let details = [named(srpm.as_deref()), named(arch), Some(parent)];
    let sentence = of_task_number(&child.method, child.task, it.old, child.state);
    (sentence, details.into_iter().flatten().collect())
}

/// Returns how a task stands that is known by its method and number.
fn of_task_number(method: &str, task: TaskId, old: Option<TaskState>, state: Option<TaskState>) -> String {
    let sentence = match state {
        Some(TaskState::Closed) => tr("{method} task {number} is done"),
        Some(TaskState::Failed) => tr("{method} task {number} failed"),
        Some(TaskState::Canceled) => tr("{method} task {number} was canceled"),
        Some(TaskState::Open) => tr("{method} task {number} is running"),
        Some(TaskState::Free) if old.is_none() => tr("{method} task {number} was created"),
        // Translators: a task of Koji: "buildArch task 4711 waits for a builder".
        Some(TaskState::Free) => tr("{method} task {number} waits for a builder"),
        // Translators: a builder of Koji, a computer, has been chosen for it.
        Some(TaskState::Assigned) => tr("{method} task {number} has a builder"),
        None => tr("{method} task {number}"),
    };
    let values = [("method", &*text::name(method)), ("number", &task.to_string())];
    fill(&sentence, &values)
}

fn of_tag(it: &TagChange) -> Told {
    let sentence = if it.added {
        // Translators: {what} is a build, {tag} a tag of Koji: "bash-5.3-1.fc43 was tagged into f43-updates".
        tr("{what} was tagged into {tag}")
    } else {
        tr("{what} was untagged from {tag}")
    };
    let values = [
        ("what", &*text::name(&it.nvr.to_string())),
        ("tag", &tag(it.tag.as_deref())),
    ];
    (
        fill(&sentence, &values),
        doer_and_owner(it.user.as_deref(), it.owner.as_deref()),
    )
}

fn of_promotion(it: &Promotion) -> Told {
    // Translators: {what} is a draft build that became a build like others: "bash-5.3-1.fc43 was promoted".
    let sentence = of(&tr("{what} was promoted"), &it.nvr.to_string());
    (sentence, doer_and_owner(it.user.as_deref(), it.owner.as_deref()))
}

fn of_package_list(it: &PackageListChange) -> Told {
    // Translators: what may be built in a tag: "bash was added to f43".
    let sentence = match it.action.as_str() {
        "add" => tr("{package} was added to {tag}"),
        "block" => tr("{package} was blocked in {tag}"),
        "unblock" => tr("{package} was unblocked in {tag}"),
        "remove" => tr("{package} was removed from {tag}"),
        _ => tr("The entry of {package} in {tag} was changed"),
    };
    let values = [("package", &*text::name(&it.package)), ("tag", &tag(it.tag.as_deref()))];
    (fill(&sentence, &values), by(it.user.as_deref()).into_iter().collect())
}

fn of_repo(it: &RepoChange) -> Told {
    let sentence = if it.done {
        // Translators: {tag} is a tag of Koji: "The repository of f43-build is ready".
        tr("The repository of {tag} is ready")
    } else {
        tr("The repository of {tag} is being made")
    };
    // Translators: the number of a repository of Koji: "repository 4711".
    let number = fill(&tr("repository {number}"), &[("number", &it.repo.to_string())]);
    let sentence = fill(&sentence, &[("tag", &tag(it.tag.as_deref()))]);
    (
        sentence,
        [Some(number), it.task.map(task)].into_iter().flatten().collect(),
    )
}

fn of_signature(it: &Signature) -> Told {
    let rpm = text::name(&format!("{}.{}", it.rpm, it.arch));
    let values = [("rpm", &*rpm), ("key", &text::name(&it.key))];
    // Translators: {rpm} is a package file, {key} the id of a key: "bash-5.3-1.fc43.x86_64 was signed with 798b452a".
    let sentence = fill(&tr("{rpm} was signed with {key}"), &values);
    let build = it.nvr.as_ref().map(ToString::to_string);
    let details = [owned(it.owner.as_deref()), named(build.as_deref())];
    (sentence, details.into_iter().flatten().collect())
}

fn of_import(it: &Import) -> Told {
    let sentence = match &it.nvr {
        Some(nvr) => of(&tr("{what} was imported"), &nvr.to_string()),
        None => tr("Something was imported"),
    };
    let details = [owned(it.owner.as_deref()), named(Some(&it.what))];
    (sentence, details.into_iter().flatten().collect())
}

/// Puts what it is about into a sentence.
fn of(sentence: &str, what: &str) -> String {
    fill(sentence, &[("what", &text::name(what))])
}

fn tag(name: Option<&str>) -> String {
    // Translators: stands for a tag whose name was not told.
    name.map_or_else(|| tr("some tag"), text::name)
}

fn task(id: TaskId) -> String {
    // Translators: the number of a task of Koji: "task 4711".
    fill(&tr("task {number}"), &[("number", &id.to_string())])
}

fn by(owner: Option<&str>) -> Option<String> {
    Some(fill(&tr("by {owner}"), &[("owner", &text::name(owner?))]))
}

fn owned(owner: Option<&str>) -> Option<String> {
    // Translators: {owner} is a user of Koji, who owns the build: "owner mona".
    Some(fill(&tr("owner {owner}"), &[("owner", &text::name(owner?))]))
}

/// Returns who has done it, and whose it is if that is somebody else.
fn doer_and_owner(doer: Option<&str>, owner: Option<&str>) -> Vec<String> {
    let owner = owner.filter(|it| doer != Some(it));
    [by(doer), owned(owner)].into_iter().flatten().collect()
}

fn named(text: Option<&str>) -> Option<String> {
    text.map(text::name)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::koji::{BuildId, Child, Nvr};

    #[test]
    fn a_line_says_when_where_what_and_whose() {
        let instance = InstanceName::new("lab");
        let event = HubEvent::Changed(Change::Build(build(BuildState::Failed)));
        let heard = Heard {
            at: "2026-11-20T16:40:07Z".parse().unwrap(),
            instance: Some(&instance),
            topic: "org.example.buildsys.build.state.change",
            event: Some(&event),
            owner: None,
        };
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(
            line(&heard, &zone),
            "17:40:07  lab  bash-5.3-1.fc43 failed (by mona, rawhide, task 50)"
        );
        let heard = Heard {
            instance: None,
            ..heard
        };
        assert_eq!(
            line(&heard, &zone),
            "17:40:07  bash-5.3-1.fc43 failed (by mona, rawhide, task 50)"
        );
    }

    #[test]
    fn each_state_of_a_build_has_its_words() {
        let all = [
            BuildState::Building,
            BuildState::Complete,
            BuildState::Deleted,
            BuildState::Failed,
            BuildState::Canceled,
        ];
        let all = all.map(|it| HubEvent::Changed(Change::Build(build(it))));
        check(
            &all,
            expect![[r#"
                bash-5.3-1.fc43 is being built (by mona, rawhide, task 50)
                bash-5.3-1.fc43 is built (by mona, rawhide, task 50)
                bash-5.3-1.fc43 was deleted (by mona, rawhide, task 50)
                bash-5.3-1.fc43 failed (by mona, rawhide, task 50)
                bash-5.3-1.fc43 was canceled (by mona, rawhide, task 50)
            "#]],
        );
    }

    #[test]
    fn each_state_of_a_task_has_its_words() {
        let states = [
            TaskState::Free,
            TaskState::Assigned,
            TaskState::Open,
            TaskState::Closed,
            TaskState::Failed,
            TaskState::Canceled,
        ];
        let tasks =
            |it: &dyn Fn(TaskState) -> TaskChange| states.map(|state| HubEvent::Changed(Change::Task(it(state))));
        check(
            &tasks(&|state| task_of("build", Some("bash"), state)),
            expect![[r#"
                bash was submitted (by mona, Scratch build, f43, task 900)
                bash has a builder (by mona, Scratch build, f43, task 900)
                bash is being built (by mona, Scratch build, f43, task 900)
                bash is built (by mona, Scratch build, f43, task 900)
                bash failed (by mona, Scratch build, f43, task 900)
                bash was canceled (by mona, Scratch build, f43, task 900)
            "#]],
        );
        check(
            &tasks(&|state| TaskChange {
                scratch: false,
                target: None,
                ..task_of("newRepo", None, state)
            }),
            expect![[r#"
                newRepo task 900 was created (by mona)
                newRepo task 900 has a builder (by mona)
                newRepo task 900 is running (by mona)
                newRepo task 900 is done (by mona)
                newRepo task 900 failed (by mona)
                newRepo task 900 was canceled (by mona)
            "#]],
        );
    }

    #[test]
    fn a_task_that_tags_is_not_one_that_builds() {
        let change = TaskChange {
            scratch: false,
            ..task_of("tagBuild", Some("bash-5.3-1.fc43"), TaskState::Closed)
        };
        check(
            &[HubEvent::Changed(Change::Task(change))],
            expect![[r#"
                tagBuild task 900 is done (by mona, bash-5.3-1.fc43, f43)
            "#]],
        );
    }

    #[test]
    fn tags_name_who_did_it_and_whose_it_is() {
        let tag = |user: Option<&str>, tag: Option<&str>, added| {
            HubEvent::Changed(Change::Tag(TagChange {
                build: Some(BuildId(7)),
                nvr: nvr(),
                tag: tag.map(str::to_owned),
                user: user.map(str::to_owned),
                owner: Some("mona".to_owned()),
                added,
            }))
        };
        check(
            &[
                tag(Some("mona"), Some("f43"), true),
                tag(Some("releng"), Some("f43"), false),
                tag(None, None, true),
            ],
            expect![[r#"
                bash-5.3-1.fc43 was tagged into f43 (by mona)
                bash-5.3-1.fc43 was untagged from f43 (by releng, owner mona)
                bash-5.3-1.fc43 was tagged into some tag (owner mona)
            "#]],
        );
    }

    #[test]
    fn what_nobody_is_told_of_has_its_words_here() {
        let list = |action: &str| {
            HubEvent::PackageList(PackageListChange {
                action: action.to_owned(),
                tag: Some("f43".to_owned()),
                package: "bash".to_owned(),
                user: Some("releng".to_owned()),
            })
        };
        let repo = |done: bool| {
            HubEvent::Repo(RepoChange {
                repo: 17,
                tag: Some("f43-build".to_owned()),
                task: done.then_some(TaskId(4711)),
                done,
            })
        };
        let import = |nvr| {
            HubEvent::Imported(Import {
                what: "cg".to_owned(),
                build: None,
                nvr,
                owner: Some("mona".to_owned()),
            })
        };
        let child = |state| {
            HubEvent::Child(ChildChange {
                parent: TaskId(900),
                child: Child {
                    task: TaskId(901),
                    method: "buildArch".to_owned(),
                    arch: "x86_64".to_owned(),
                    state,
                },
                old: None,
                srpm: None,
                created: None,
                started: None,
                completed: None,
            })
        };
        check(
            &[
                list("add"),
                list("update"),
                list("block"),
                list("unblock"),
                list("remove"),
                repo(false),
                repo(true),
                HubEvent::Signed(Signature {
                    key: "798b452a".to_owned(),
                    rpm: nvr(),
                    arch: "x86_64".to_owned(),
                    build: None,
                    nvr: Some(nvr()),
                    owner: Some("mona".to_owned()),
                }),
                import(Some(nvr())),
                import(None),
                HubEvent::Promoted(Promotion {
                    build: Some(BuildId(7)),
                    nvr: nvr(),
                    draft_release: Some("1,draft_7".to_owned()),
                    user: Some("mona".to_owned()),
                    owner: Some("mona".to_owned()),
                }),
                child(Some(TaskState::Failed)),
                child(None),
                HubEvent::Other {
                    name: "Tea\u{1b}[2JTime".to_owned(),
                },
            ],
            expect![[r#"
                bash was added to f43 (by releng)
                The entry of bash in f43 was changed (by releng)
                bash was blocked in f43 (by releng)
                bash was unblocked in f43 (by releng)
                bash was removed from f43 (by releng)
                The repository of f43-build is being made (repository 17)
                The repository of f43-build is ready (repository 17, task 4711)
                bash-5.3-1.fc43.x86_64 was signed with 798b452a (owner mona, bash-5.3-1.fc43)
                bash-5.3-1.fc43 was imported (owner mona, cg)
                Something was imported (owner mona, cg)
                bash-5.3-1.fc43 was promoted (by mona)
                buildArch task 901 failed (x86_64, part of task 900)
                buildArch task 901 (x86_64, part of task 900)
                Something else: Tea[2JTime
            "#]],
        );
    }

    #[test]
    fn an_owner_without_a_name_is_a_number() {
        let change = TaskChange {
            owner: None,
            ..task_of("build", Some("bash"), TaskState::Open)
        };
        let event = HubEvent::Changed(Change::Task(change));
        let heard = Heard {
            at: Timestamp::UNIX_EPOCH,
            instance: None,
            topic: "koji.task.open",
            event: Some(&event),
            owner: Some(UserId(6)),
        };
        assert_eq!(
            line(&heard, &TimeZone::UTC),
            "00:00:00  bash is being built (by user 6, Scratch build, f43, task 900)"
        );
    }

    #[test]
    fn a_raw_line_is_one_line_and_does_nothing_to_a_terminal() {
        let body = b"{\"a\":\t1,\n\"b\": \"\x1b[2J\xff\xe2\x80\xae\xc3\xa4\"}";
        assert_eq!(
            raw("a.b\u{7}", "{}", body, true),
            r#"a.b\u{7} {} {"a":\t1,\n"b": "\u{1b}[2J\xff\u{202e}ä"}"#
        );
        assert_eq!(
            raw("a.b", "{}", body, false),
            "a.b {} {\"a\":\t1,\\n\"b\": \"\u{1b}[2J\\xff\u{202e}ä\"}"
        );
    }

    fn check(events: &[HubEvent], expected: Expect) {
        let mut lines = String::new();
        for event in events {
            let heard = Heard {
                at: Timestamp::UNIX_EPOCH,
                instance: None,
                topic: "a.topic",
                event: Some(event),
                owner: None,
            };
            let line = line(&heard, &TimeZone::UTC);
            lines.push_str(line.strip_prefix("00:00:00  ").unwrap());
            lines.push('\n');
        }
        expected.assert_eq(&lines);
    }

    fn nvr() -> Nvr {
        Nvr::parse("bash-5.3-1.fc43").unwrap()
    }

    fn build(new: BuildState) -> BuildChange {
        BuildChange {
            build: Some(BuildId(7)),
            nvr: nvr(),
            old: None,
            new,
            owner: Some("mona".to_owned()),
            task: Some(TaskId(50)),
            target: Some("rawhide".to_owned()),
            started: None,
            created: None,
            completed: None,
            children: Vec::new(),
        }
    }

    fn task_of(method: &str, what: Option<&str>, new: TaskState) -> TaskChange {
        TaskChange {
            task: TaskId(900),
            method: method.to_owned(),
            old: None,
            new,
            owner: Some("mona".to_owned()),
            what: what.map(str::to_owned),
            package: what.map(str::to_owned),
            target: Some("f43".to_owned()),
            scratch: true,
            created: None,
            started: None,
            completed: None,
            children: Vec::new(),
        }
    }
}
