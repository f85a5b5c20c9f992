//! A daemon without a broker, a desktop and a network: our interface on a bus of its own and the real core, which
//! carries out announcements and replies as the daemon does. What the hub is asked, the test answers.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use koji_notify::desktop::client;
use koji_notify::desktop::service::{self, LastSigns, NAME, Ownership, Saying, Shown};
use koji_notify::koji::{
    BuildChange, BuildId, BuildState, Change, HubEvent, InstanceName, Known, Lookup, Nvr, Site, TaskChange, TaskId,
    TaskState,
};
use koji_notify::view;
use koji_notify::watch::{Ask, Effect, Event, HubTrouble, Learned, News, Rules, Unanswered, Wanted, Watch, Whose};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use zbus::{Connection, fdo};

use crate::command_line::{Ran, Stage};
use crate::session_bus::SessionBus;

/// How long a story waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// mona's daemon, with the instances fedora, which has a hub, and lab, which has none.
pub(super) struct House {
    pub(super) bus: SessionBus,
    connection: Connection,
    inbox: mpsc::Sender<Event>,
    asked: mpsc::UnboundedReceiver<Lookup>,
    status: Option<watch::Sender<view::Status>>,
    serving: Option<JoinHandle<()>>,
    /// When the hub's next change is; each is a while after the one before.
    clock: Timestamp,
}

impl House {
    pub(super) async fn start() -> Self {
        let bus = SessionBus::start();
        let watch = Watch::new(rules());
        let (status, stands) = watch::channel(view::status::status(&watch));
        let (_known, meant) = watch::channel(known());
        let (sayings, said) = mpsc::channel(8);
        let (inbox, events) = mpsc::channel(64);
        let (questions, asked) = mpsc::unbounded_channel();
        let connection = bus.connect().await;
        let shown = Shown {
            status: stands,
            known: meant,
            signs: Arc::new(|_| LastSigns::default()),
        };
        let serve = service::serve(connection.clone(), shown, said, inbox.clone()).await;
        let serve = serve.unwrap();
        let serving = tokio::spawn(async move { serve.await.unwrap() });
        assert_eq!(service::take_name(&connection).await.unwrap(), Ownership::Ours);
        tokio::spawn(keep_house(watch, events, sayings, questions));
        Self {
            bus,
            connection,
            inbox,
            asked,
            status: Some(status),
            serving: Some(serving),
            clock: Timestamp::now() - SignedDuration::from_mins(30),
        }
    }

    /// Runs a command to its end: its code and a colon, what it printed, and what it complained of.
    pub(super) fn run(&self, words: &'static [&'static str]) -> impl Future<Output = String> + use<> {
        let running = tokio::spawn(ran(self.bus.address().to_owned(), words));
        async move { running.await.unwrap() }
    }

    /// Returns what fedora's hub is asked to find.
    pub(super) async fn asked(&mut self) -> Lookup {
        within("a question", self.asked.recv()).await.unwrap()
    }

    /// The hub answers what was meant.
    pub(super) async fn finds(&mut self, lookup: Lookup, change: Option<At>) {
        let change = change.map(|it| it(self.tick()));
        self.learns(Learned::Found { lookup, change }).await;
    }

    /// The hub does not answer.
    pub(super) async fn does_not_answer(&mut self, lookup: Lookup, why: &str) {
        let why = Unanswered {
            text: why.to_owned(),
            kind: HubTrouble::Closed,
        };
        let ask = Ask::Find(lookup);
        self.learns(Learned::Unanswered { ask, why }).await;
    }

    async fn learns(&self, learned: Learned) {
        let learned = Event::Learned(InstanceName::new("fedora"), learned);
        self.inbox.send(learned).await.unwrap();
    }

    /// A message tells of a change.
    pub(super) async fn hears(&mut self, change: At) {
        let sent = self.tick();
        let news = News {
            instance: InstanceName::new("fedora"),
            delivery: None,
            message: None,
            is_first: false,
            sent: Some(sent),
            owner: None,
            event: HubEvent::Changed(change(sent)),
        };
        self.inbox.send(Event::Heard(news)).await.unwrap();
    }

    /// The daemon is gone from one moment to the next.
    pub(super) async fn leaves(&mut self) {
        self.connection.clone().close().await.unwrap();
    }

    /// The daemon ends as it should.
    pub(super) async fn ends(&mut self) {
        drop(self.status.take());
        within("the end of the service", self.serving.take().unwrap())
            .await
            .unwrap();
    }

    fn tick(&mut self) -> Timestamp {
        self.clock += SignedDuration::from_secs(5);
        self.clock
    }
}

/// The daemon's loop, without its other doors.
async fn keep_house(
    mut watch: Watch,
    mut events: mpsc::Receiver<Event>,
    sayings: mpsc::Sender<Saying>,
    questions: mpsc::UnboundedSender<Lookup>,
) {
    while let Some(event) = events.recv().await {
        for effect in watch.step(Timestamp::now(), event) {
            // Whoever does not listen any more has what it wanted.
            match effect {
                Effect::Ask(_, Ask::Find(lookup)) => _ = questions.send(lookup),
                Effect::Announce(story) => _ = sayings.send(Saying::Changed(story)).await,
                Effect::Reply(ticket, reply) => _ = sayings.send(Saying::Reply(ticket, reply)).await,
                Effect::List(ticket, listing) => {
                    let list = view::facts::list(&watch, &known().sites, listing, Timestamp::now());
                    _ = sayings.send(Saying::List(ticket, list)).await;
                }
                _ => {}
            }
        }
    }
}

/// A change, at a time that is yet to be said.
pub(super) type At = Box<dyn FnOnce(Timestamp) -> Change + Send>;

/// mona's build of bash, by the task whose number is greater by a thousand.
pub(super) fn build(id: u64, new: BuildState) -> At {
    Box::new(move |at| {
        Change::Build(BuildChange {
            build: Some(BuildId(id)),
            nvr: Nvr::parse(&format!("bash-5.3-{id}.fc43")).unwrap(),
            old: None,
            new,
            owner: Some("mona".to_owned()),
            task: Some(TaskId(id + 1000)),
            target: Some("rawhide".to_owned()),
            started: None,
            created: Some(at),
            completed: new.is_settled().then_some(at),
            children: Vec::new(),
        })
    })
}

/// A task of mona's that makes a build.
pub(super) fn task(id: u64, new: TaskState) -> At {
    task_of("mona", false, id, new)
}

/// A scratch build of somebody else's.
pub(super) fn scratch(id: u64, new: TaskState) -> At {
    task_of("bob", true, id, new)
}

fn task_of(owner: &'static str, scratch: bool, id: u64, new: TaskState) -> At {
    Box::new(move |at| {
        Change::Task(TaskChange {
            task: TaskId(id),
            method: "build".to_owned(),
            old: None,
            new,
            owner: Some(owner.to_owned()),
            what: Some("bash".to_owned()),
            package: Some("bash".to_owned()),
            target: Some("rawhide".to_owned()),
            scratch,
            created: Some(at),
            started: Some(at),
            completed: new.is_settled().then_some(at),
            children: Vec::new(),
        })
    })
}

fn rules() -> Rules {
    let whose = |hub| Whose {
        users: ["mona".to_owned()].into(),
        bus: true,
        hub,
        ..Whose::default()
    };
    let instances = BTreeMap::from([
        (InstanceName::new("fedora"), whose(true)),
        (InstanceName::new("lab"), whose(false)),
    ]);
    Rules {
        wanted: Wanted::default(),
        instances,
        quiet: koji_notify::watch::QuietRules::default(),
        zone: TimeZone::UTC,
        live: true,
    }
}

fn known() -> Known {
    let site = |weburl: &str| Site {
        weburl: Some(weburl.to_owned()),
        topurl: None,
    };
    Known {
        sites: BTreeMap::from([
            (InstanceName::new("fedora"), site("https://koji.fedoraproject.org/koji")),
            (InstanceName::new("lab"), site("https://koji.example.com/koji")),
        ]),
        hubs: [InstanceName::new("fedora")].into(),
    }
}

/// Runs a command in the session with this bus.
async fn ran(bus: String, words: &[&str]) -> String {
    let Ran { code, output, errors } = Stage::new().on(&bus).run(words).await;
    let said = [output.trim_end_matches('\n'), errors.trim_end_matches('\n')];
    let said: Vec<_> = said.into_iter().filter(|it| !it.is_empty()).collect();
    format!("{code}: {}", said.join("\n"))
}

/// A command that runs, and whose lines are read one by one.
pub(super) struct Shell {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    _stage: Stage,
}

impl Shell {
    pub(super) fn start(bus: &str, words: &[&str]) -> Self {
        let stage = Stage::new().on(bus);
        let mut command = stage.command(words);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            process,
            lines,
            _stage: stage,
        }
    }

    pub(super) async fn line(&mut self) -> String {
        within("a line", self.lines.next_line()).await.unwrap().unwrap()
    }

    /// Returns how it ends: its code and a colon, and what it prints until then.
    pub(super) async fn rest(&mut self) -> String {
        let mut lines = Vec::new();
        while let Some(line) = within("the last line", self.lines.next_line()).await.unwrap() {
            lines.push(line);
        }
        let code = self.end().await.code().expect("it ends by itself");
        format!("{code}: {}", lines.join("\n"))
    }

    /// Nobody reads what it prints any more.
    pub(super) async fn left_unread(self) -> ExitStatus {
        let Self {
            mut process,
            lines,
            _stage,
        } = self;
        drop(lines);
        within("the end", process.wait()).await.unwrap()
    }

    pub(super) fn signal(&self, name: &str) {
        let id = self.process.id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    pub(super) async fn end(&mut self) -> ExitStatus {
        within("the end", self.process.wait()).await.unwrap()
    }
}

/// The daemon itself, with one instance whose broker is not there.
pub(super) struct Live {
    pub(super) bus: SessionBus,
    daemon: Child,
    stage: Stage,
}

impl Live {
    /// Starts it and returns when it has read its configuration. `more` is what that has besides.
    pub(super) async fn start(more: &str) -> Self {
        let bus = SessionBus::start();
        let stage = Stage::new().on(bus.address());
        let password = folder(&stage).join("password");
        fs::write(&password, "secret\n").unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        // Nobody listens there.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "[instance.lab]\nuser = 'mona'\ntopic-prefix = 'x'\nweburl = 'https://koji.example.com/koji'\n\
             [instance.lab.broker]\nurl = 'amqp://127.0.0.1:{port}/'\nuser = 'mona'\n\
             password-file = '{}'\n{more}",
            password.display()
        );
        Self::of(bus, stage, &config).await
    }

    /// Starts it with a hub, and without a broker.
    pub(super) async fn polled(hub: &str, more: &str) -> Self {
        let bus = SessionBus::start();
        let stage = Stage::new().on(bus.address());
        let config = format!(
            "[instance.lab]\nuser = 'mona'\nweburl = 'https://koji.example.com/koji'\n\
             [instance.lab.hub]\nserver = '{hub}'\n{more}"
        );
        Self::of(bus, stage, &config).await
    }

    async fn of(bus: SessionBus, stage: Stage, config: &str) -> Self {
        fs::write(folder(&stage).join("config.toml"), config).unwrap();
        let daemon = stage.command(&["daemon"]).spawn().unwrap();
        instance_appears(&bus).await;
        Self { bus, daemon, stage }
    }

    /// It ends.
    pub(super) async fn ends(&mut self) {
        self.remote().await.quit().await.unwrap();
        assert!(within("the end", self.daemon.wait()).await.unwrap().success());
    }

    /// It starts again.
    pub(super) async fn starts_again(&mut self) {
        self.daemon = self.stage.command(&["daemon"]).spawn().unwrap();
        instance_appears(&self.bus).await;
    }

    pub(super) async fn run(&self, words: &[&str]) -> String {
        ran(self.bus.address().to_owned(), words).await
    }

    /// Has it look at its hubs now: whoever reads the configuration does.
    pub(super) async fn looks_again(&self) {
        self.remote().await.reload().await.unwrap();
    }

    /// Waits until it says that it stands so.
    pub(super) async fn status_when(&self, fine: impl Fn(&view::Status) -> bool) {
        status_when(&self.bus, fine).await;
    }

    pub(super) async fn quit(mut self) {
        self.ends().await;
    }

    async fn remote(&self) -> client::KojiNotifyProxy<'static> {
        client::client(&self.bus.connect().await).await.unwrap().unwrap()
    }
}

/// Returns the folder of the configuration, which is there.
fn folder(stage: &Stage) -> PathBuf {
    let folder = stage.home.path().join(".config/koji-notify");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Waits until the daemon on this bus says that it stands so.
async fn status_when(bus: &SessionBus, fine: impl Fn(&view::Status) -> bool) {
    let connection = bus.connect().await;
    let rules = [
        "type='signal',interface='org.freedesktop.DBus.Properties',path='/org/fedoraproject/KojiNotify'".to_owned(),
        format!("type='signal',member='NameOwnerChanged',arg0='{NAME}'"),
    ];
    let mut changes = Vec::new();
    for rule in &rules {
        let rule = zbus::MatchRule::try_from(rule.as_str()).unwrap();
        changes.push(
            zbus::MessageStream::for_match_rule(rule, &connection, None)
                .await
                .unwrap(),
        );
    }
    let mut changes = futures_util::stream::select_all(changes);
    let bus = fdo::DBusProxy::new(&connection).await.unwrap();
    within("the daemon, and that it stands so", async {
        loop {
            if bus.name_has_owner(NAME.try_into().unwrap()).await.unwrap()
                && let Some(remote) = client::client(&connection).await.unwrap()
                && let Ok(status) = client::status(&remote).await
                && fine(&status)
            {
                return;
            }
            changes.next().await.unwrap().unwrap();
        }
    })
    .await;
}

/// Waits until the daemon on this bus has read its configuration.
async fn instance_appears(bus: &SessionBus) {
    status_when(bus, |it| !it.instances.is_empty()).await;
}

pub(super) async fn within<T>(what: &str, waited_for: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, waited_for).await;
    waited.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}
