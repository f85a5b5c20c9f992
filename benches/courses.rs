//! The courses that both run, one after the other.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::Extent;
use crate::desk::Desk;
use crate::floor::{self, Task};
use crate::messages::{ME, Message, Mine, Post, of_others};
use crate::program::Program;
use crate::rabbit::{Client, Rabbit, Vhost};
use crate::report::{Goal, Report, median, quantile};
use crate::session_bus::SessionBus;

/// How koji-notify signs its notifications.
pub(crate) const APP_NAME: &str = "koji-notify";
/// The prefix of the topics that koji-notify hears; and, where both are to hear the same, the floor.
const PREFIX: &str = "org.fedoraproject.prod";
/// A prefix that only the floor hears.
const FLOOR_PREFIX: &str = "org.example.floor";
/// A prefix that only the Python library hears.
const LIBRARY_PREFIX: &str = "org.example.library";

/// Builds of mine that are on screen at the same time: as many as may pop up in one minute.
const BUILDS: usize = 5;
/// Time for a program to come to rest; a helper thread of tokio goes after ten seconds.
const SETTLE: Duration = Duration::from_secs(20);
/// Between two messages whose way is timed.
const GAP: Duration = Duration::from_millis(30);
const WARM_UP: usize = 20;

const MIB: f64 = 1024.0 * 1024.0;

/// All that the courses share.
pub(crate) struct Bench<'r> {
    rabbit: &'r Rabbit,
    vhost: &'r Vhost<'r>,
    bus: &'r SessionBus,
    desk: Desk,
    post: Post,
    /// What has been told once is known to the journal, so this goes on from course to course.
    mine: Mine,
    home: TempDir,
    extent: Extent,
    /// The program under measurement.
    program: PathBuf,
}

impl<'r> Bench<'r> {
    pub(crate) async fn new(
        rabbit: &'r Rabbit,
        vhost: &'r Vhost<'r>,
        bus: &'r SessionBus,
        extent: Extent,
        program: PathBuf,
    ) -> Self {
        let bench = Self {
            rabbit,
            vhost,
            bus,
            desk: Desk::open(bus).await,
            post: Post::open(vhost).await,
            mine: Mine::new(),
            home: tempfile::Builder::new().prefix("kn-bench-").tempdir().unwrap(),
            extent,
            program,
        };
        let folder = bench.home.path().join(".config/koji-notify");
        fs::create_dir_all(&folder).unwrap();
        // A file of its own, so that its memory is not shared with us who measure.
        fs::copy(std::env::current_exe().unwrap(), bench.floor_file()).unwrap();
        fs::write(folder.join("config.toml"), bench.configuration()).unwrap();
        bench
    }

    /// How much disk it takes.
    pub(crate) fn size(&self, report: &mut Report) {
        let size = fs::metadata(&self.program).unwrap().len() as f64 / MIB;
        report.row("stripped binary", "MiB", None, size, Goal::AtMost(6.0));
    }

    /// From the spawn to the subscription. The queue of each is there from an uncounted first start.
    pub(crate) async fn start(&mut self, report: &mut Report) {
        say("start");
        let queue = queue_name();
        let (mut theirs, mut ours, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..=self.extent.starts {
            let mut floor = self.floor(&queue, PREFIX);
            theirs.push(millis(floor.subscribed().await - floor.spawned));
            floor.end().await;
            let mut daemon = self.daemon();
            let subscribed = daemon.subscribed().await;
            ours.push(millis(subscribed - daemon.spawned));
            let (settled, _) = self.desk.settled_in().await;
            whole.push(millis(settled.max(subscribed) - daemon.spawned));
            daemon.end().await;
        }
        self.post.delete(&queue).await;
        let [theirs, ours, whole] = [theirs, ours, whole].map(|it| median(&it[1..]));
        report.row("spawn to subscribed", "ms", Some(theirs), ours, Goal::None);
        report.row(
            "spawn to name, tray and subscribed",
            "ms",
            None,
            whole,
            Goal::AtMost(30.0),
        );
    }

    /// What it takes to wait: memory, threads and wake-ups, with everything connected.
    pub(crate) async fn idle(&mut self, report: &mut Report) {
        let seconds = self.extent.idle_secs;
        say(&format!("idle, {} s", seconds + SETTLE.as_secs()));
        let queue = queue_name();
        let mut floor = self.floor(&queue, FLOOR_PREFIX);
        floor.subscribed().await;
        let mut daemon = self.daemon();
        daemon.subscribed().await;
        let (_, item) = self.desk.settled_in().await;
        self.desk.look_at(&item).await;
        sleep(SETTLE).await;
        let before = [floor.switches(), daemon.switches()];
        let cpu = daemon.processor_time();
        sleep(Duration::from_secs(seconds)).await;
        let after = [floor.switches(), daemon.switches()];
        let cpu = daemon.processor_time() - cpu;
        let [theirs, ours] = [floor.memory(), daemon.memory()];
        let threads = [floor.thread_names(), daemon.thread_names()];
        let heartbeats: Vec<u64> = self.vhost.connections().await.iter().map(|it| it.timeout).collect();

        let mib = |it: u64| it as f64 / 1024.0;
        report.row(
            "idle memory (PSS)",
            "MiB",
            Some(mib(theirs.pss)),
            mib(ours.pss),
            Goal::AtMost(8.0),
        );
        report.row(
            "idle memory (RSS)",
            "MiB",
            Some(mib(theirs.rss)),
            mib(ours.rss),
            Goal::None,
        );
        report.row(
            "of which anonymous",
            "MiB",
            Some(mib(theirs.anonymous)),
            mib(ours.anonymous),
            Goal::None,
        );
        let count = |it: &[String]| it.len() as f64;
        report.row(
            "threads",
            "",
            Some(count(&threads[0])),
            count(&threads[1]),
            Goal::AtMost(3.0),
        );
        let a_minute = |n: usize| (after[n].voluntary - before[n].voluntary) as f64 * 60.0 / seconds as f64;
        report.row(
            "idle wake-ups in a minute",
            "",
            Some(a_minute(0)),
            a_minute(1),
            // The floor has nothing to wake it but heartbeats; a few more or less fall into the minute by chance.
            Goal::AtMost(a_minute(0) + 4.0),
        );
        report.row(
            "idle processor time in a minute",
            "ms",
            None,
            millis(cpu) * 60.0 / seconds as f64,
            Goal::None,
        );
        report.note(
            "idle",
            &serde_json::json!({
                "threads": {"floor": &threads[0], "koji-notify": &threads[1]},
                "heartbeats agreed on, in seconds": heartbeats,
                "forced switches": {
                    "floor": after[0].forced - before[0].forced,
                    "koji-notify": after[1].forced - before[1].forced,
                },
            }),
        );
        floor.end().await;
        daemon.end().await;
        self.post.delete(&queue).await;
    }

    /// From the moment before a message is published to the moment when `Notify` is there: one message at a time, for
    /// the floor and for koji-notify by turns.
    pub(crate) async fn latency(&mut self, report: &mut Report) {
        say("latency");
        let queue = queue_name();
        let mut floor = self.floor(&queue, FLOOR_PREFIX);
        floor.subscribed().await;
        let mut daemon = self.daemon();
        daemon.subscribed().await;
        self.desk.settled_in().await;
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for turn in 0..WARM_UP + self.extent.notices {
            let build = turn % BUILDS;
            let name = format!("bench-{build}");
            let message = self.mine.next(build);
            let mut order = [
                (FLOOR_PREFIX, floor::APP_NAME, &mut theirs),
                (PREFIX, APP_NAME, &mut ours),
            ];
            if turn % 2 == 1 {
                order.reverse();
            }
            for (prefix, app, times) in order {
                let published = Instant::now();
                let arrival = self.desk.notice(app, &name);
                let arrived = self.post.send(prefix, &message, arrival).await;
                times.push(millis(arrived - published));
                sleep(GAP).await;
            }
        }
        let memory = daemon.memory();
        let [theirs, ours] = [theirs, ours].map(|it| it[WARM_UP..].to_vec());
        let row = |report: &mut Report, what, at, goal| {
            report.row(what, "ms", Some(quantile(&theirs, at)), quantile(&ours, at), goal);
        };
        row(report, "publish to Notify, p50", 0.5, Goal::AtMostTimesTheFloor(1.2));
        row(report, "publish to Notify, p90", 0.9, Goal::None);
        row(report, "publish to Notify, p99", 0.99, Goal::AtMost(5.0));
        let notices = self.extent.notices;
        report.row(
            &format!("memory (PSS) after {notices} notifications"),
            "MiB",
            None,
            memory.pss as f64 / 1024.0,
            Goal::AtMost(8.0),
        );
        report.note(
            "latency",
            &serde_json::json!({
                "worst, in ms": {"floor": quantile(&theirs, 1.0), "koji-notify": quantile(&ours, 1.0)},
            }),
        );
        floor.end().await;
        daemon.end().await;
        self.post.delete(&queue).await;
    }

    /// How quickly a queue full of other people's builds is emptied.
    pub(crate) async fn drain(&mut self, report: &mut Report) {
        let others = of_others();
        let bytes: usize = others.iter().map(|it| it.body.len()).sum();
        let queue = queue_name();
        let keys = keys(PREFIX);
        self.post.make_queue(&queue, &keys).await;
        let mut daemon = self.daemon();
        daemon.subscribed().await;
        daemon.end().await;
        let our_queue = self.our_queue();

        let mut rounds = Vec::new();
        for round in 0..self.extent.rounds {
            say(&format!("drain, round {} of {}", round + 1, self.extent.rounds));
            let queues = [queue.as_str(), our_queue.as_str()];
            rounds.push(
                self.drain_once(&others, self.extent.messages, queues, round % 2 == 1)
                    .await,
            );
        }
        let library = self.drain_by_library(&others).await;
        say("drain, without names in the headers");
        let unnamed: Vec<Message> = others.iter().map(Message::without_names).collect();
        let queues = [queue.as_str(), our_queue.as_str()];
        let read = self.drain_once(&unnamed, self.extent.messages / 2, queues, false).await;
        self.post.delete(&queue).await;

        let middle = |part: fn(&[Drained; 2]) -> f64| median(&rounds.iter().map(part).collect::<Vec<_>>());
        let ratio = middle(|it| it[1].rate / it[0].rate);
        let rate = middle(|it| it[1].rate);
        report.row_with_ratio(
            "draining other people's builds",
            "messages/s",
            Some(middle(|it| it[0].rate)),
            rate,
            Some(ratio),
            Goal::AtLeastTimesTheFloor(0.9),
        );
        report.row(
            "processor time for each",
            "µs",
            Some(middle(|it| it[0].processor_micros)),
            middle(|it| it[1].processor_micros),
            Goal::None,
        );
        report.row(
            "the same, the Python library in the place of the floor",
            "messages/s",
            Some(library.rate),
            rate,
            Goal::AtLeastTimesTheFloor(20.0),
        );
        report.row(
            "draining builds that name nobody in the headers",
            "messages/s",
            Some(read[0].rate),
            read[1].rate,
            Goal::None,
        );
        report.row(
            "processor time for each, read",
            "µs",
            Some(read[0].processor_micros),
            read[1].processor_micros,
            Goal::None,
        );
        report.row(
            "memory (PSS) after draining",
            "MiB",
            Some(middle(|it| it[0].pss_mib)),
            middle(|it| it[1].pss_mib),
            Goal::AtMost(8.0),
        );
        let each = |n: usize| rounds.iter().map(|it| it[n].rate.round()).collect::<Vec<_>>();
        report.note(
            "drain",
            &serde_json::json!({
                "messages": self.extent.messages,
                "mean bytes of a body": bytes / others.len(),
                "different messages": others.len(),
                "rates of the rounds": {"floor": each(0), "koji-notify": each(1)},
                "library": {
                    "messages": self.extent.library_messages,
                    "processor time for each, in µs": library.processor_micros,
                    "PSS in MiB": library.pss_mib,
                },
            }),
        );
    }

    /// Whether memory grows with what is heard: PSS after the first tenth and after all, each time after a notification.
    pub(crate) async fn million(&mut self, report: &mut Report) {
        let others = of_others();
        let part = self.extent.million / 10;
        let mut daemon = self.daemon();
        daemon.subscribed().await;
        let mut pss = Vec::new();
        for round in 0..10 {
            say(&format!("million, {} messages", (round + 1) * part));
            let between = others.iter().cycle().take(part);
            // One build that starts and ends again and again: its notification changes in place, however often.
            let last = self.mine.next(0);
            self.post.fill(PREFIX, between.chain(std::iter::once(&last))).await;
            self.desk.notice(APP_NAME, "bench-0").await;
            sleep(SETTLE / 10).await;
            pss.push(daemon.memory().pss as f64 / 1024.0);
        }
        daemon.end().await;
        let growth = pss[9] - pss[0];
        report.row(
            "memory (PSS) after ten times as many messages, growth",
            "MiB",
            None,
            growth,
            Goal::AtMost(2.0),
        );
        report.note(
            "million",
            &serde_json::json!({"messages in each part": part, "PSS in MiB": pss}),
        );
    }

    /// Fills both queues with the same messages between two builds of mine, whose notifications are the beginning and
    /// the end of the time that is taken; then has each emptied.
    async fn drain_once(
        &mut self,
        others: &[Message],
        count: usize,
        queues: [&str; 2],
        reversed: bool,
    ) -> [Drained; 2] {
        for queue in queues {
            self.post.purge(queue).await;
        }
        let [first, last] = [0, 1].map(|it| self.mine.next(it));
        let between = others.iter().cycle().take(count);
        let all = std::iter::once(&first).chain(between).chain(std::iter::once(&last));
        self.post.fill(PREFIX, all).await;
        if reversed {
            let ours = self.drain_by(false, queues[0], count).await;
            let theirs = self.drain_by(true, queues[0], count).await;
            [theirs, ours]
        } else {
            let theirs = self.drain_by(true, queues[0], count).await;
            let ours = self.drain_by(false, queues[0], count).await;
            [theirs, ours]
        }
    }

    async fn drain_by(&mut self, floor: bool, queue: &str, count: usize) -> Drained {
        let (program, app) = if floor {
            (self.floor(queue, PREFIX), floor::APP_NAME)
        } else {
            (self.daemon(), APP_NAME)
        };
        let begun = self.desk.notice(app, "bench-0").await;
        let cpu = program.processor_time();
        let done = self.desk.notice(app, "bench-1").await;
        let cpu = program.processor_time() - cpu;
        let pss = program.memory().pss;
        program.end().await;
        let rate = count as f64 / (done - begun).as_secs_f64();
        let processor_micros = cpu.as_secs_f64() * 1e6 / count as f64;
        say(&format!(
            "  {app}: {rate:.0} messages/s, {processor_micros:.1} µs of processor time each"
        ));
        Drained {
            rate,
            processor_micros,
            pss_mib: pss as f64 / 1024.0,
        }
    }

    /// The real `fedora-messaging consume` with the Koji schemas, on a queue like ours and with the same certificate.
    async fn drain_by_library(&mut self, others: &[Message]) -> Drained {
        say("drain, by the Python library");
        let count = self.extent.library_messages;
        let queue = queue_name();
        self.post.make_queue(&queue, &keys(LIBRARY_PREFIX)).await;
        self.post.fill(LIBRARY_PREFIX, others.iter().cycle().take(count)).await;
        let file = self.home.path().join("fedora-messaging.toml");
        fs::write(&file, self.library_configuration(&queue)).unwrap();
        let python = python();
        let output = tokio::process::Command::new(python.parent().unwrap().join("fedora-messaging"))
            .arg("--conf")
            .arg(&file)
            .arg("consume")
            .env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("benches"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("COUNT", count.to_string())
            .env("ME", ME)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        self.post.delete(&queue).await;
        let text = String::from_utf8_lossy(&output.stdout);
        let Some(line) = text.lines().find(|it| it.starts_with('{')) else {
            panic!("{text}{}", String::from_utf8_lossy(&output.stderr));
        };
        let said: Said = serde_json::from_str(line).unwrap();
        // The first message is where its time begins.
        let measured = (count - 1) as f64;
        Drained {
            rate: measured / said.seconds,
            processor_micros: said.processor_seconds * 1e6 / measured,
            pss_mib: said.pss_kib / 1024.0,
        }
    }

    fn daemon(&self) -> Program {
        Program::start(&self.program, &["daemon"], &self.environment())
    }

    fn floor(&self, queue: &str, prefix: &str) -> Program {
        let pair = self.rabbit.certs.client(Client::Fedora);
        let task = Task {
            port: self.rabbit.tls_port,
            vhost: self.vhost.name.clone(),
            ca: self.rabbit.certs.ca(),
            certificate: pair.certificate,
            key: pair.key,
            queue: queue.to_owned(),
            keys: keys(prefix),
            me: ME.to_owned(),
        };
        let arguments = [floor::ROLE.to_owned(), serde_json::to_string(&task).unwrap()];
        Program::start(&self.floor_file(), &arguments, &self.environment())
    }

    fn floor_file(&self) -> PathBuf {
        self.home.path().join("floor")
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        environment(self.home.path(), self.bus)
    }

    fn configuration(&self) -> String {
        let mut url: url::Url = self.vhost.fedora_url().parse().unwrap();
        url.set_username("").unwrap();
        url.set_password(None).unwrap();
        let pair = self.rabbit.certs.client(Client::Fedora);
        format!(
            r#"[tell]
started = true

[instance.fedora]
user = "{ME}"
topic-prefix = "{PREFIX}"
weburl = "https://koji.example.org/koji"
topurl = "https://kojipkgs.example.org"

[instance.fedora.broker]
url = "{url}"
ca-cert = "{ca}"
certificate = "{certificate}"
key = "{key}"
"#,
            ca = self.rabbit.certs.ca().display(),
            certificate = pair.certificate.display(),
            key = pair.key.display(),
        )
    }

    /// Everything that is not said here is the library's own default.
    fn library_configuration(&self, queue: &str) -> String {
        let pair = self.rabbit.certs.client(Client::Fedora);
        format!(
            r#"amqp_url = "{url}"
callback = "consume:hear"
passive_declares = true

[tls]
ca_cert = "{ca}"
certfile = "{certificate}"
keyfile = "{key}"

[queues."{queue}"]
durable = true
auto_delete = false
exclusive = false
arguments = {{ x-expires = 86400000 }}

[[bindings]]
queue = "{queue}"
exchange = "amq.topic"
routing_keys = ["{LIBRARY_PREFIX}.buildsys.build.state.change"]

[log_config]
version = 1
disable_existing_loggers = true

[log_config.root]
level = "ERROR"
"#,
            // pika wants to see that there is no password.
            url = self.vhost.fedora_url().replacen("fedora@", "fedora:@", 1),
            ca = self.rabbit.certs.ca().display(),
            certificate = pair.certificate.display(),
            key = pair.key.display(),
        )
    }

    /// Returns the name of the daemon's queue, which it keeps in its state folder.
    fn our_queue(&self) -> String {
        let file = self.home.path().join(".local/state/koji-notify/queue-fedora");
        fs::read_to_string(file).unwrap().trim().to_owned()
    }
}

/// What a program finds around itself.
pub(crate) fn environment(home: &Path, bus: &SessionBus) -> Vec<(&'static str, String)> {
    let home = home.display().to_string();
    let bus = bus.address().to_owned();
    vec![
        ("PATH", std::env::var("PATH").unwrap()),
        ("LANG", "C.UTF-8".to_owned()),
        ("XDG_RUNTIME_DIR", home.clone()),
        ("HOME", home),
        ("DBUS_SESSION_BUS_ADDRESS", bus.clone()),
        // No sleep is ever told here, and the connection for it is held all the same.
        ("DBUS_SYSTEM_BUS_ADDRESS", bus),
        // The one line that we wait for.
        ("KOJI_NOTIFY_LOG", "warn,koji_notify::bus=info".to_owned()),
    ]
}

/// How one has emptied its queue.
pub(crate) struct Drained {
    /// Messages in a second.
    pub(crate) rate: f64,
    /// For each message.
    pub(crate) processor_micros: f64,
    pub(crate) pss_mib: f64,
}

/// What consume.py and receive.py say.
#[derive(Deserialize)]
pub(crate) struct Said {
    pub(crate) seconds: f64,
    pub(crate) processor_seconds: f64,
    pub(crate) pss_kib: f64,
    /// How many were mine, where it tells.
    pub(crate) mine: Option<u64>,
}

/// The routing keys that koji-notify binds for builds and scratch builds.
fn keys(prefix: &str) -> Vec<String> {
    ["build.state.change", "task.state.change"]
        .map(|it| format!("{prefix}.buildsys.{it}"))
        .into()
}

/// A name that Fedora's broker would take.
pub(crate) fn queue_name() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Returns the Python of the tests' virtual environment, made if it is not there.
fn python() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/make-venv");
    let output = std::process::Command::new(script)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "tests/make-venv");
    let mut path = output.stdout;
    path.truncate(path.trim_ascii_end().len());
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(path).into()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn say(what: &str) {
    eprintln!("bench: {what}");
}
