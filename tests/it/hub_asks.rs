//! The hub at work: what is asked goes out over HTTP to a small hub with a memory, and comes back as events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use koji_notify::hub::access::{Access, Address, FileServer, Hub, Login, Times, Trust};
use koji_notify::hub::asker;
use koji_notify::hub::xmlrpc::Value;
use koji_notify::koji::{
    BuildId, Cause, CauseClass, Change, InstanceName, LogName, Subject, TaskId, TaskState, UserId,
};
use koji_notify::watch::{Ask, Event, HubTrouble, Learned, Look, Looked, Lookup};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::hub_answers;
use crate::hub_server::{self, HubServer, Reply};
use crate::small_hub::{Call, For, SmallHub, Trouble};

/// No hub on this machine is slower.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_source_rpm_that_fails_is_learned_and_explained() {
    let hub = SmallHub::start();
    let task = hub.submit("mona", "bash-5.3-1.fc44").task;
    hub.begin(task);
    hub.srpm_fails(task);
    let mut asker = Asker::of(&hub);
    let looked = asker.look(look()).await;
    let Some(Change::Task(change)) = looked.iter().find(|it| it.subject() == Subject::Task(TaskId(task))) else {
        panic!("{looked:?}");
    };
    assert_eq!((change.new, change.scratch), (TaskState::Failed, false));
    assert_eq!(change.owner.as_deref(), Some("mona"));
    let about = Subject::Task(TaskId(task));
    let explain = Ask::Explain { about, task: None };
    let Learned::Explained { cause, .. } = asker.ask(explain).await else {
        panic!("not explained");
    };
    assert_eq!(cause.class, CauseClass::SourceRpm);
    assert_eq!(cause.method.as_deref(), Some("buildSRPMFromSCM"));
    assert_ne!(
        cause.task,
        Some(TaskId(task)),
        "the child has failed, the parent only repeats it"
    );
}

#[tokio::test]
async fn the_arch_that_failed_and_its_log_are_named() {
    let hub = SmallHub::start();
    let task = hub.submit("mona", "bash-5.3-1.fc44").task;
    hub.begin(task);
    hub.srpm_done(task);
    let told = hub.arch_fails(task, "aarch64");
    let mut asker = Asker::of(&hub);
    let about = Subject::Task(TaskId(task));
    let explain = Ask::Explain {
        about,
        task: Some(TaskId(task)),
    };
    let Learned::Explained { cause, .. } = asker.ask(explain).await else {
        panic!("not explained");
    };
    let child = told.child("aarch64");
    assert_eq!(cause.class, CauseClass::Package);
    assert_eq!(cause.arch.as_deref(), Some("aarch64"));
    assert_eq!(cause.log, Some((TaskId(child), LogName::Build)));
    assert!(!cause.lines.is_empty(), "{cause:?}");
}

#[tokio::test]
async fn who_canceled_a_build_is_whoever_owns_its_mail() {
    let hub = SmallHub::start();
    let mut asker = Asker::of(&hub);
    // However many were canceled at the same time; there are 20 mails in the first answer.
    for (others, calls) in [(0, 1), (19, 1), (40, 2)] {
        let task = with_record(&hub, &format!("bash-5.3-{others}.fc44"));
        let told = hub.cancel_task_as("bob", task);
        for number in 0..others {
            let nvr = format!("zsh-{others}-{number}.fc44");
            with_record(&hub, &nvr);
            hub.cancel_build(nvr.as_str());
        }
        hub.take_calls();
        let build = told.build.unwrap();
        for about in [Subject::Build(BuildId(build)), Subject::Task(TaskId(task))] {
            let Learned::Explained { cause, .. } = asker.ask(Ask::Explain { about, task: None }).await else {
                panic!("not explained");
            };
            assert_eq!(cause, Cause::canceled(TaskId(task), "bob".to_owned()));
        }
        let asked = hub
            .take_calls()
            .into_iter()
            .filter(|it| it.method.as_deref() == Some("listTasks"));
        assert_eq!(asked.count(), 2 * calls, "{others} others");
    }
}

#[tokio::test]
async fn where_the_hub_does_not_say_who_canceled_it_nobody_is_named() {
    let hub = SmallHub::start();
    let mut asker = Asker::of(&hub);
    let mut explained = async |task: u64| {
        let about = Subject::Task(TaskId(task));
        match asker.ask(Ask::Explain { about, task: None }).await {
            Learned::Explained { cause, .. } => (cause.class, cause.by),
            other => panic!("{other:?}"),
        }
    };
    // It has no record yet, so nobody gets a mail.
    let early = hub.submit("mona", "bash-5.3-1.fc44").task;
    hub.begin(early);
    hub.cancel_task_as("bob", early);
    assert_eq!(explained(early).await, (CauseClass::Canceled, None));
    // What a builder wrote of an earlier attempt with the same number is another's.
    let failed = with_record(&hub, "zsh-5.9-1.fc44");
    hub.arch_fails(failed, "aarch64");
    let again = with_record(&hub, "zsh-5.9-1.fc44");
    hub.cancel_task_as("bob", again);
    assert_eq!(explained(failed).await, (CauseClass::Package, None));
    assert_eq!(explained(again).await, (CauseClass::Canceled, Some("bob".to_owned())));
    // The hub refuses.
    let about = For {
        method: Some("listTasks"),
        times: None,
    };
    let refusal = Trouble::Fault {
        code: 1019,
        text: "Invalid option for listTasks: createdBefore",
    };
    hub.trouble_for(about, refusal);
    assert_eq!(explained(again).await, (CauseClass::Canceled, None));
}

/// Begins a build of mona's until it has a record, and returns its task.
fn with_record(hub: &SmallHub, nvr: &str) -> u64 {
    let task = hub.submit("mona", nvr).task;
    hub.begin(task);
    hub.srpm_done(task);
    task
}

#[tokio::test]
async fn a_look_is_one_round_trip_once_we_are_known() {
    let hub = SmallHub::start();
    hub.build("mona", "bash-5.3-1.fc44");
    let mut asker = Asker::of(&hub);
    asker.look(look()).await;
    assert_eq!(hub.take_calls().len(), 2, "who mona is, and the look");
    asker.look(look()).await;
    let calls = hub.take_calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].parts.len(), 4, "{calls:?}");
    // The next run has it from the cache.
    let mut next = asker.again(&hub);
    next.look(look()).await;
    assert_eq!(hub.take_calls().len(), 1);
}

#[tokio::test]
async fn whom_the_hub_does_not_know_it_is_not_asked_for_in_each_look() {
    let hub = SmallHub::start();
    let mut asker = Asker::of(&hub);
    let with_a_stranger = Look {
        users: BTreeSet::from(["mona".to_owned(), "nobody-here".to_owned()]),
        ..look()
    };
    let looked = asker.looked(with_a_stranger.clone()).await;
    assert!(looked.as_of.is_some(), "who is not known has nothing to tell");
    assert_eq!(hub.take_calls().len(), 2, "who they are, and the look");
    asker.looked(with_a_stranger).await;
    assert_eq!(hub.take_calls().len(), 1);
    // It is still said where nobody else is looked after, and costs nothing.
    let stranger = Look {
        users: BTreeSet::from(["nobody-here".to_owned()]),
        ..look()
    };
    let Learned::Unanswered { why, .. } = asker.ask(Ask::Look(stranger)).await else {
        panic!("the hub knows nobody of that name");
    };
    assert_eq!(why.kind, HubTrouble::NoSuchUser);
    assert_eq!(hub.take_calls().len(), 0);
}

#[tokio::test]
async fn failures_that_are_slow_to_explain_hold_up_no_look() {
    let hub = SmallHub::start();
    let mut failed = Vec::new();
    for number in 0..5 {
        let task = hub.submit("mona", &format!("bash-5.3-{number}.fc44")).task;
        hub.begin(task);
        hub.srpm_fails(task);
        failed.push(TaskId(task));
    }
    let mut asker = Asker::of(&hub);
    let explaining = For {
        method: Some("getTaskResult"),
        times: None,
    };
    hub.take_calls();
    hub.trouble_for(explaining, Trouble::Hold);
    for task in &failed {
        asker.send(Ask::Explain {
            about: Subject::Task(*task),
            task: Some(*task),
        });
    }
    hub.wait_for_calls(1, Some("getTaskResult")).await;
    assert_eq!(asker.look(look()).await.len(), 5);
    let is_held = |it: &Call| it.parts.contains(&"getTaskResult".to_owned());
    assert_eq!(hub.calls().into_iter().filter(is_held).count(), 1, "one at a time");
    hub.no_trouble();
    let mut explained = Vec::new();
    for _ in &failed {
        let Learned::Explained {
            about: Subject::Task(task),
            ..
        } = asker.next().await
        else {
            panic!("not explained");
        };
        explained.push(task);
    }
    explained.sort();
    assert_eq!(explained, failed);
}

#[tokio::test]
async fn an_older_hub_is_asked_for_a_package_by_its_number() {
    let builds = r"<array><data></data></array>";
    let package = "<struct><member><name>id</name><value><int>4711</int></value></member>\
                   <member><name>name</name><value><string>bash</string></value></member></struct>";
    let answer = |value: &str| {
        let value = format!("<methodResponse><params><param><value>{value}</value></param></params></methodResponse>");
        Reply::Say(hub_server::xml(&value))
    };
    let refusal = Reply::Say(hub_server::fault(1, "invalid input syntax for type integer: \"bash\""));
    let script = [refusal, answer(package), answer(builds), answer(builds), answer(builds)];
    let mut hub = HubServer::start(script).await;
    let url = format!("http://127.0.0.1:{}/kojihub", hub.port);
    let mut asker = Asker::at(&url, &url, tempfile::tempdir().unwrap());
    let followed = Look {
        users: BTreeSet::new(),
        packages: BTreeSet::from(["bash".to_owned()]),
        ..look()
    };
    assert!(asker.looked(followed.clone()).await.as_of.is_some());
    asker.looked(followed.clone()).await;
    // The next run has it from the cache.
    let mut next = Asker::at(&url, &url, asker.folder);
    next.looked(followed).await;
    let asked: Vec<_> = hub.all_asked().iter().map(|it| package_asked(&it.body)).collect();
    assert_eq!(
        asked,
        [
            "listBuilds bash",
            "getPackage bash",
            "listBuilds 4711",
            "listBuilds 4711",
            "listBuilds 4711"
        ]
    );
}

/// Returns the method and the package of a request.
fn package_asked(body: &[u8]) -> String {
    let (method, params) = hub_answers::heard(body);
    let params = hub_answers::json(&Value::List(params));
    let named = params.split("\"packageID\":").nth(1).unwrap_or(&params);
    let package = named.trim_start_matches(['[', '"']);
    let end = package.find(['"', ',', ']']).unwrap();
    format!("{method} {}", &package[..end])
}

#[tokio::test]
async fn a_package_that_the_hub_does_not_have_has_no_builds() {
    let hub = SmallHub::start();
    hub.build("bob", "bash-5.3-1.fc44");
    let mut asker = Asker::of(&hub);
    let followed = Look {
        packages: BTreeSet::from(["bash".to_owned(), "not-yet".to_owned()]),
        ..look()
    };
    let looked = asker.looked(followed.clone()).await;
    assert!(looked.as_of.is_some(), "nothing is missing");
    assert_eq!(looked.changes.len(), 1, "{:?}", looked.changes);
    hub.take_calls();
    let looked = asker.looked(followed).await;
    assert_eq!((looked.changes.len(), looked.as_of.is_some()), (1, true));
    let calls = hub.take_calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].parts.len(), 5, "{calls:?}");
}

fn member(name: &str, value: &str) -> String {
    format!("<member><name>{name}</name><value>{value}</value></member>")
}

fn number(it: u64) -> String {
    format!("<int>{it}</int>")
}

fn map(members: &[String]) -> String {
    format!("<struct>{}</struct>", members.concat())
}

fn list(values: &[String]) -> String {
    let values: String = values.iter().map(|it| format!("<value>{it}</value>")).collect();
    format!("<array><data>{values}</data></array>")
}

fn answer(value: &str) -> Reply {
    let text = format!("<methodResponse><params><param><value>{value}</value></param></params></methodResponse>");
    Reply::Say(hub_server::xml(&text))
}

/// A task that has put build 42 into tag 17.
fn tagging() -> String {
    // The arguments of `tagBuild`: tag, build, force, from which tag.
    let request = list(&[
        number(17),
        number(42),
        "<boolean>0</boolean>".to_owned(),
        "<nil/>".to_owned(),
    ]);
    map(&[
        member("id", &number(4711)),
        member("method", "tagBuild"),
        member("state", &number(TaskState::Failed as u64)),
        member("request", &request),
    ])
}

#[tokio::test]
async fn a_tag_and_a_build_that_the_hub_does_not_know_are_asked_for_once() {
    let neither = list(&[list(&["<nil/>".to_owned()]), list(&["<nil/>".to_owned()])]);
    let script = [&tagging(), &neither, &tagging()].map(|it| answer(it));
    let mut hub = HubServer::start(script).await;
    let url = format!("http://127.0.0.1:{}/kojihub", hub.port);
    let mut asker = Asker::at(&url, &url, tempfile::tempdir().unwrap());
    for _ in 0..2 {
        assert_eq!(asker.tagged(4711).await, "? into ?");
    }
    assert_eq!(hub.all_asked().len(), 3);
}

#[tokio::test]
async fn what_a_task_tags_is_named_and_the_tag_is_known_from_then_on() {
    let task = tagging();
    let tag = map(&[member("id", &number(17)), member("name", "f43-updates")]);
    let build = map(&[
        member("build_id", &number(42)),
        member("name", "bash"),
        member("version", "5.3"),
        member("release", "1.fc43"),
    ]);
    let both = list(&[list(&[tag]), list(std::slice::from_ref(&build))]);
    let script = [&task, &both, &task, &task, &build].map(|it| answer(it));
    let mut hub = HubServer::start(script).await;
    let url = format!("http://127.0.0.1:{}/kojihub", hub.port);
    let mut asker = Asker::at(&url, &url, tempfile::tempdir().unwrap());
    for _ in 0..2 {
        assert_eq!(asker.tagged(4711).await, "bash-5.3-1.fc43 into f43-updates");
    }
    // The next run has the tag from the cache.
    let mut next = Asker::at(&url, &url, asker.folder);
    assert_eq!(next.tagged(4711).await, "bash-5.3-1.fc43 into f43-updates");
    let asked: Vec<_> = hub
        .all_asked()
        .iter()
        .map(|it| hub_answers::heard(&it.body).0)
        .collect();
    assert_eq!(
        asked,
        ["getTaskInfo", "multiCall", "getTaskInfo", "getTaskInfo", "getBuild"]
    );
}

#[tokio::test]
async fn anything_can_be_found() {
    let hub = SmallHub::start();
    let told = hub.build("bob", "bash-5.3-1.fc44");
    let mut asker = Asker::of(&hub);
    let lookup = Lookup::Task(TaskId(told.task));
    let Learned::Found {
        change: Some(change), ..
    } = asker.ask(Ask::Find(lookup)).await
    else {
        panic!("not found");
    };
    assert_eq!(change.owner(), Some("bob"));
    let lookup = Lookup::Nvr(koji_notify::koji::Nvr::parse("nobody-1-1").unwrap());
    let learned = asker.ask(Ask::Find(lookup)).await;
    assert!(matches!(learned, Learned::Found { change: None, .. }), "{learned:?}");
}

#[tokio::test]
async fn whose_numbers_they_are_is_asked_at_once_and_kept() {
    let hub = SmallHub::start();
    let mut asker = Asker::of(&hub);
    let me = asker.looked(look()).await.users;
    let mona = me["mona"];
    assert_eq!(me, BTreeMap::from([("mona".to_owned(), mona)]));
    let find = |change: Learned| match change {
        Learned::Found {
            change: Some(Change::Task(it)),
            ..
        } => it.owner,
        other => panic!("{other:?}"),
    };
    let task = hub.submit("bob", "zsh-5.9-1.fc44").task;
    let bob = find(asker.ask(Ask::Find(Lookup::Task(TaskId(task)))).await);
    assert_eq!(bob.as_deref(), Some("bob"));
    let mut fresh = Asker::of(&hub);
    hub.take_calls();
    let numbers: BTreeSet<_> = (1..=60).map(UserId).chain([mona]).collect();
    let Learned::Owners(owners) = fresh.ask(Ask::Owners(numbers.clone())).await else {
        panic!("no names");
    };
    // More than a hub is asked at once.
    assert_eq!(owners.len(), 50);
    assert_eq!(owners[&mona].as_deref(), Some("mona"));
    assert!(owners.values().flatten().any(|it| it == "bob"), "{owners:?}");
    assert!(owners.values().any(Option::is_none));
    let calls = hub.take_calls();
    assert_eq!((calls.len(), calls[0].parts.len()), (1, 50), "{calls:?}");
    // Who has a name is kept, also for the next run.
    let mut next = fresh.again(&hub);
    let named: BTreeSet<_> = owners
        .iter()
        .filter(|(_, name)| name.is_some())
        .map(|(it, _)| *it)
        .collect();
    let Learned::Owners(again) = next.ask(Ask::Owners(named.clone())).await else {
        panic!("no names");
    };
    assert_eq!(again.len(), named.len());
    assert!(again.iter().all(|(number, name)| *name == owners[number]));
    assert!(hub.take_calls().is_empty());
    hub.trouble(Trouble::Status(404));
    let learned = next.ask(Ask::Owners(BTreeSet::from([UserId(999)]))).await;
    assert!(
        matches!(
            &learned,
            Learned::Unanswered {
                ask: Ask::Owners(_),
                ..
            }
        ),
        "{learned:?}"
    );
}

#[tokio::test]
async fn each_trouble_is_an_answer() {
    let hub = SmallHub::start();
    let mut asker = Asker::of(&hub);
    asker.look(look()).await;
    for (trouble, kind) in [
        (Trouble::Garbage("<html>sorry</html>"), HubTrouble::Refused),
        (Trouble::Status(404), HubTrouble::Refused),
    ] {
        hub.trouble(trouble);
        let Learned::Unanswered { why, .. } = asker.ask(Ask::Look(look())).await else {
            panic!("an answer in spite of {trouble:?}");
        };
        assert_eq!(why.kind, kind, "{}", why.text);
        hub.no_trouble();
    }
    asker.look(look()).await;
    let unknown = Look {
        users: BTreeSet::from(["nobody-here".to_owned()]),
        ..look()
    };
    let mut fresh = Asker::of(&hub);
    let Learned::Unanswered { why, .. } = fresh.ask(Ask::Look(unknown)).await else {
        panic!("the hub knows nobody of that name");
    };
    assert_eq!((why.kind, why.text.as_str()), (HubTrouble::NoSuchUser, "nobody-here"));
}

#[tokio::test]
async fn a_look_without_everybody_is_not_complete() {
    let hub = SmallHub::start();
    let mut asker = Asker::of(&hub);
    assert!(asker.looked(look()).await.as_of.is_some());
    let with_bob = Look {
        users: BTreeSet::from(["bob".to_owned(), "mona".to_owned()]),
        ..look()
    };
    let about = For {
        method: Some("getUser"),
        times: None,
    };
    let refusal = Trouble::Fault {
        code: 1000,
        text: "out of connections",
    };
    hub.trouble_for(about, refusal);
    assert_eq!(asker.looked(with_bob.clone()).await.as_of, None);
    // Where nobody is known, that is not because the hub knows nobody.
    let mut fresh = Asker::of(&hub);
    let Learned::Unanswered { why, .. } = fresh.ask(Ask::Look(with_bob.clone())).await else {
        panic!("the hub says of nobody who it is");
    };
    assert_eq!(why.kind, HubTrouble::Refused, "{}", why.text);
    hub.no_trouble();
    assert!(asker.looked(with_bob).await.as_of.is_some());
}

fn look() -> Look {
    Look {
        users: BTreeSet::from(["mona".to_owned()]),
        since: Some(Timestamp::now() - jiff::SignedDuration::from_hours(1)),
        ..Look::default()
    }
}

/// A hub at work, and its inbox.
pub(crate) struct Asker {
    asks: mpsc::UnboundedSender<Ask>,
    events: mpsc::Receiver<Event>,
    folder: TempDir,
}

impl Asker {
    pub(crate) fn of(hub: &SmallHub) -> Self {
        Self::start(hub, tempfile::tempdir().unwrap())
    }

    /// Another one with the same cache.
    pub(crate) fn again(self, hub: &SmallHub) -> Self {
        Self::start(hub, self.folder)
    }

    fn start(hub: &SmallHub, folder: TempDir) -> Self {
        Self::at(&hub.url(), &hub.topurl(), folder)
    }

    fn at(server: &str, files: &str, folder: TempDir) -> Self {
        let hub = Hub {
            access: Access {
                server: Address::parse(server).unwrap(),
                trust: Trust::System,
                login: Login::Nothing,
                times: Times::default(),
            },
            files: Some(FileServer {
                address: Address::parse(files).unwrap(),
                trust: Trust::System,
                times: Times::default(),
            }),
            cache: folder.path().join("names"),
        };
        let (asks, asked) = mpsc::unbounded_channel();
        let (inbox, events) = mpsc::channel(64);
        tokio::spawn(asker::run(InstanceName::new("small"), hub, asked, inbox));
        Self { asks, events, folder }
    }

    pub(crate) async fn ask(&mut self, ask: Ask) -> Learned {
        self.send(ask);
        self.next().await
    }

    fn send(&self, ask: Ask) {
        self.asks.send(ask).unwrap();
    }

    async fn next(&mut self) -> Learned {
        match timeout(PATIENCE, self.events.recv()).await.expect("no answer") {
            Some(Event::Learned(_, learned)) => learned,
            other => panic!("{other:?}"),
        }
    }

    async fn look(&mut self, look: Look) -> Vec<Change> {
        self.looked(look).await.changes
    }

    /// Finds a task that tags, and returns what it puts where.
    async fn tagged(&mut self, task: u64) -> String {
        match self.ask(Ask::Find(Lookup::Task(TaskId(task)))).await {
            Learned::Found {
                change: Some(Change::Task(it)),
                ..
            } => {
                let or_not = |it: Option<String>| it.unwrap_or_else(|| "?".to_owned());
                format!("{} into {}", or_not(it.what), or_not(it.target))
            }
            other => panic!("{other:?}"),
        }
    }

    async fn looked(&mut self, look: Look) -> Looked {
        match self.ask(Ask::Look(look)).await {
            Learned::Looked(looked) => looked,
            other => panic!("{other:?}"),
        }
    }
}
