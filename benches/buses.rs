//! Koji's own bus: the messages of its plugin `protonmsg`, on a RabbitMQ that takes AMQP 1.0, read by each of our two
//! sources and by the Qpid Proton library.
//!
//! The same messages lie in three durable queues, as RabbitMQ keeps what Proton has sent to it. The library reads its
//! queue over AMQP 1.0, koji-notify the second over AMQP 1.0 and the third over AMQP 0-9-1, one after the other, by
//! turns. All log in with the same password in clear and may have 100 messages unsettled.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use crate::amqp::encoder::{Tree, section};
use crate::courses::{APP_NAME, Drained, Said, environment, queue_name, say};
use crate::desk::Desk;
use crate::messages::{ME, Message, Post};
use crate::program::Program;
use crate::rabbit::{Rabbit, Vhost};
use crate::report::{Goal, Report, median};
use crate::session_bus::SessionBus;
use crate::{Plan, program};

/// The last part of the plugin's topic prefix, and what is bound: what koji-notify binds for builds and tasks.
const PREFIX: &str = "koji";
const KEYS: [&str; 2] = ["koji.build.*", "koji.task.*"];

/// Whom the recorded messages are about: by name in builds, by number in tasks.
const RECORDED: (&str, u64) = ("alice", 2);
const OTHERS: u64 = 40;

/// The numbers of the sections that a message has (AMQP 1.0, part 3.2).
const APPLICATION_PROPERTIES: u8 = 0x74;
const AMQP_VALUE: u8 = 0x77;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reader {
    /// benches/receive.py.
    Library,
    OneZero,
    ZeroNine,
}

const READERS: [Reader; 3] = [Reader::Library, Reader::OneZero, Reader::ZeroNine];

pub(crate) async fn course(report: &mut Report, plan: &Plan) {
    let rabbit = Rabbit::start().await;
    let vhost = rabbit.vhost().await;
    let bus = SessionBus::start();
    let mut buses = Buses::open(&vhost, &bus, plan.program.clone()).await;
    // Each reader takes its time, the library most of it.
    let count = plan.extent.messages / 2;
    let mut rounds = Vec::new();
    for round in 0..plan.extent.rounds {
        say(&format!("buses, round {} of {}", round + 1, plan.extent.rounds));
        rounds.push(buses.round(round, count).await);
    }
    let middle = |part: &dyn Fn(&[Drained; 3]) -> f64| median(&rounds.iter().map(part).collect::<Vec<_>>());
    for (reader, name) in [(1, "AMQP 1.0"), (2, "AMQP 0-9-1")] {
        report.row_with_ratio(
            &format!("Koji's own bus by {name}, others' builds and tasks (floor: Python proton)"),
            "messages/s",
            Some(middle(&|it| it[0].rate)),
            middle(&|it| it[reader].rate),
            Some(middle(&|it| it[reader].rate / it[0].rate)),
            Goal::None,
        );
        report.row_with_ratio(
            &format!("processor time for each, by {name}"),
            "µs",
            Some(middle(&|it| it[0].processor_micros)),
            middle(&|it| it[reader].processor_micros),
            Some(middle(&|it| it[reader].processor_micros / it[0].processor_micros)),
            Goal::None,
        );
        report.row(
            &format!("memory (PSS) after that, by {name}"),
            "MiB",
            Some(middle(&|it| it[0].pss_mib)),
            middle(&|it| it[reader].pss_mib),
            Goal::None,
        );
    }
    let rates = |n: usize| rounds.iter().map(|it| it[n].rate.round()).collect::<Vec<_>>();
    report.note(
        "buses",
        &json!({
            "messages": count,
            "different messages": buses.others.len(),
            "mean bytes of a body": buses.others.iter().map(|it| it.body.len()).sum::<usize>() / buses.others.len(),
            "rates of the rounds": {"Python proton": rates(0), "AMQP 1.0": rates(1), "AMQP 0-9-1": rates(2)},
        }),
    );
}

struct Buses<'r> {
    vhost: &'r Vhost<'r>,
    bus: &'r SessionBus,
    desk: Desk,
    post: Post,
    /// Of the program, which has a configuration for each of its sources in a home of its own.
    homes: [TempDir; 2],
    program: PathBuf,
    /// By [`READERS`].
    queues: [String; 3],
    addresses: [String; 2],
    others: Vec<Message>,
}

impl<'r> Buses<'r> {
    async fn open(vhost: &'r Vhost<'r>, bus: &'r SessionBus, program: PathBuf) -> Self {
        let mut queues = [(); 3].map(|()| queue_name());
        let major = "list_to_integer(hd(string:split(rabbit_misc:version(), \".\"))).";
        let is_new = vhost.rabbit.eval(major).await.as_u64().unwrap() >= 4;
        let folder = if is_new { "/queues/" } else { "/amq/queue/" };
        let addresses = [0, 1].map(|it: usize| format!("{folder}{}", queues[it]));
        let home = || tempfile::Builder::new().prefix("kn-bench-").tempdir().unwrap();
        let buses = Self {
            vhost,
            bus,
            desk: Desk::open(bus).await,
            post: Post::open(vhost).await,
            homes: [home(), home()],
            program,
            queues: queues.clone(),
            addresses,
            others: of_others(),
        };
        let keys = KEYS.map(str::to_owned);
        for queue in &queues[..2] {
            buses.post.make_queue(queue, &keys).await;
        }
        buses.configure();
        // The third is what the program makes for itself.
        let mut daemon = buses.daemon(Reader::ZeroNine);
        daemon.subscribed().await;
        daemon.end().await;
        let file = buses.homes[1].path().join(".local/state/koji-notify/queue-koji");
        queues[2] = fs::read_to_string(file).unwrap().trim().to_owned();
        Self { queues, ..buses }
    }

    /// Puts the same into the three queues and has each emptied.
    async fn round(&mut self, round: usize, count: usize) -> [Drained; 3] {
        for queue in &self.queues {
            self.post.purge(queue).await;
        }
        let [first, last] = [0, 1].map(|it| mine(2 * round + it));
        let between = self.others.iter().cycle().take(count);
        let all = std::iter::once(&first).chain(between).chain(std::iter::once(&last));
        self.post.fill(PREFIX, all).await;
        let is_full = |it: &[crate::rabbit::QueueState]| {
            it.len() == READERS.len() && it.iter().all(|it| it.messages_ready == count as u64 + 2)
        };
        self.vhost.queues_when(is_full).await;
        let mut order = READERS;
        order.rotate_left(round % READERS.len());
        let mut drained = [const { None }; 3];
        for reader in order {
            let by = match reader {
                Reader::Library => self.by_library(count + 2).await,
                Reader::OneZero | Reader::ZeroNine => self.by_daemon(reader, round, count).await,
            };
            say(&format!(
                "  {reader:?}: {:.0} messages/s, {:.1} µs of processor time each, {:.1} MiB",
                by.rate, by.processor_micros, by.pss_mib
            ));
            drained[reader as usize] = Some(by);
        }
        drained.map(Option::unwrap)
    }

    async fn by_daemon(&mut self, reader: Reader, round: usize, count: usize) -> Drained {
        let program = self.daemon(reader);
        let begun = self.desk.notice(APP_NAME, &name(2 * round)).await;
        let cpu = program.processor_time();
        let done = self.desk.notice(APP_NAME, &name(2 * round + 1)).await;
        let cpu = program.processor_time() - cpu;
        let pss = program.memory().pss;
        program.end().await;
        Drained {
            rate: count as f64 / (done - begun).as_secs_f64(),
            processor_micros: cpu.as_secs_f64() * 1e6 / count as f64,
            pss_mib: pss as f64 / 1024.0,
        }
    }

    async fn by_library(&self, count: usize) -> Drained {
        let task = json!({
            "url": format!("amqp://127.0.0.1:{}", self.vhost.rabbit.port),
            "virtual_host": format!("vhost:{}", self.vhost.name),
            "user": self.vhost.reader.name,
            "password": self.vhost.reader.password,
            "address": self.addresses[0],
            "me": ME,
            "count": count,
        });
        // The system's own: the library is a package there.
        let mut process = tokio::process::Command::new("/usr/bin/python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/receive.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut to = process.stdin.take().unwrap();
        to.write_all(task.to_string().as_bytes()).await.unwrap();
        drop(to);
        let output = tokio::time::timeout(program::LONG, process.wait_with_output()).await;
        let output = output.expect("it ends").unwrap();
        let said: Result<Said, _> = serde_json::from_slice(&output.stdout);
        let said = said.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(said.mine, Some(2));
        // The first message is where its time begins.
        let measured = (count - 1) as f64;
        Drained {
            rate: measured / said.seconds,
            processor_micros: said.processor_seconds * 1e6 / measured,
            pss_mib: said.pss_kib / 1024.0,
        }
    }

    fn daemon(&self, reader: Reader) -> Program {
        let home = self.homes[usize::from(reader == Reader::ZeroNine)].path();
        Program::start(&self.program, &["daemon"], &environment(home, self.bus))
    }

    fn configure(&self) {
        let vhost = &self.vhost;
        let address = &self.addresses[1];
        let sources = [
            format!("protocol = \"amqp-1.0\"\naddresses = [{address:?}]\n"),
            String::new(),
        ];
        for (home, source) in self.homes.iter().zip(sources) {
            let folder = home.path().join(".config/koji-notify");
            fs::create_dir_all(&folder).unwrap();
            let secret = folder.join("password");
            fs::write(&secret, &vhost.reader.password).unwrap();
            fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
            let dialect = if source.is_empty() {
                "dialect = \"koji-protonmsg\"\n"
            } else {
                ""
            };
            let text = format!(
                r#"[instance.koji]
user = "{ME}"
topic-prefix = "{PREFIX}"
weburl = "https://koji.example.org/koji"
{dialect}hub.ask = false

[instance.koji.broker]
url = "amqp://localhost:{port}/{name}"
user = "{user}"
password-file = {secret:?}
{source}"#,
                port = vhost.rabbit.port,
                name = vhost.name.replace('/', "%2F"),
                user = vhost.reader.name,
            );
            fs::write(folder.join("config.toml"), text).unwrap();
        }
    }
}

/// The name of a build of mine.
fn name(number: usize) -> String {
    format!("bench-{number:03}")
}

/// A build of mine has just failed; what is older is told in one notice with all that happened while nobody listened.
fn mine(number: usize) -> Message {
    let now = Timestamp::now();
    let (key, mut body) = recorded("02-koji-build-failed.json");
    let info = &mut body["info"];
    info["build_id"] = json!(100_000 + number);
    info["id"] = json!(100_000 + number);
    info["task_id"] = json!(200_000 + number);
    info["name"] = json!(name(number));
    info["package_name"] = json!(name(number));
    info["nvr"] = json!(format!("{}-1.0-1", name(number)));
    info["owner_name"] = json!(ME);
    info["completion_ts"] = json!(now.as_millisecond() as f64 / 1e3);
    info["completion_time"] = json!(now.strftime("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string());
    message(key, &body)
}

/// Builds and tasks of other people, all different.
fn of_others() -> Vec<Message> {
    let names = [
        "01-koji-build-complete.json",
        "02-koji-build-failed.json",
        "03-koji-build-canceled.json",
        "04-koji-build-building.json",
        "05-koji-task-closed.json",
        "06-koji-task-free.json",
    ];
    let changes = names.map(recorded);
    let of = |number: u64| {
        changes.iter().map(move |(key, body)| {
            let body = body.to_string().replace(RECORDED.0, &format!("packager{number:02}"));
            let mut body: Value = serde_json::from_str(&body).unwrap();
            let info = body["info"].as_object_mut().unwrap();
            for (of_whom, shift) in [
                ("owner_id", 1),
                ("owner", 1),
                ("id", 1000),
                ("build_id", 1000),
                ("task_id", 1000),
            ] {
                if let Some(it) = info.get_mut(of_whom).filter(|it| it.is_u64()) {
                    *it = json!(it.as_u64().unwrap() + RECORDED.1 + shift * (number + 1));
                }
            }
            message(key.clone(), &body)
        })
    };
    (0..OTHERS).flat_map(of).collect()
}

/// Returns the routing key after the prefix, and the body.
fn recorded(name: &str) -> (String, Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/protonmsg");
    let recorded: Value = serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap();
    let key = recorded["deliver"]["routing_key"].as_str().unwrap();
    let key = key.strip_prefix("koji.").unwrap().to_owned();
    let bytes = BASE64_STANDARD.decode(recorded["body_b64"].as_str().unwrap()).unwrap();
    // One text, whose sign and length stand before it.
    let begin = bytes.iter().position(|it| *it == b'{').unwrap();
    (key, serde_json::from_slice(&bytes[begin..]).unwrap())
}

/// The message as RabbitMQ keeps it: the sections that protonmsg writes, two of them in headers.
fn message(topic: String, body: &Value) -> Message {
    let info = &body["info"];
    let of_build = ["name", "version", "release"].map(|it| (it, info[it].clone()));
    let of_task = ["id", "parent", "method"].map(|it| (it, info[it].clone()));
    let (kind, own) = if topic.starts_with("build") {
        ("BuildStateChange", of_build)
    } else {
        ("TaskStateChange", of_task)
    };
    let state = |it: &Value| {
        it.as_u64()
            .map_or_else(|| it.clone(), |it| json!(BUILD_STATES[it as usize]))
    };
    let mut properties = vec![("type", json!(kind))];
    properties.extend(own);
    properties.extend([
        ("attribute", body["attribute"].clone()),
        ("old", state(&body["old"])),
        ("new", state(&body["new"])),
    ]);
    let properties = properties
        .into_iter()
        .map(|(key, it)| (Tree::Text(key.to_owned()), Tree::of_json(&it)));
    let properties = section(&[APPLICATION_PROPERTIES], &Tree::Map(properties.collect()));
    let mut headers = FieldTable::default();
    // An empty list, described by 0x73.
    headers.insert("x-amqp-1.0-properties".into(), AMQPValue::LongString("\0SsE".into()));
    let properties = AMQPValue::LongString(properties.into());
    headers.insert("x-amqp-1.0-app-properties".into(), properties);
    Message {
        topic,
        properties: BasicProperties::default()
            .with_type("amqp-1.0".into())
            .with_headers(headers),
        body: section(&[AMQP_VALUE], &Tree::Text(body.to_string())),
    }
}

/// Koji's, by number.
const BUILD_STATES: [&str; 5] = ["BUILDING", "COMPLETE", "DELETED", "FAILED", "CANCELED"];
