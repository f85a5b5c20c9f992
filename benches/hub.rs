//! What it costs to ask a hub: how many round trips and how long, and what a long answer takes to read.
//!
//! The hub here is a few lines that say recorded rows. A long answer is read in processes of their own, by our reader
//! and by Python's `xmlrpc.client`, which is what Koji's own client reads with, by turns.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use koji_notify::hub::access::{Access, Address, Hub, Login, Times, Trust};
use koji_notify::hub::asker;
use koji_notify::hub::call::{Answer, Call, answers};
use koji_notify::hub::xmlrpc::Value;
use koji_notify::hub::xmlrpc::read::read;
use koji_notify::koji::{InstanceName, UserId};
use koji_notify::watch::{Ask, Event, Learned, Look};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Extent;
use crate::report::{Goal, Report, median};

/// The argument that makes this executable a reader; a [`Reading`] as JSON follows.
pub(crate) const ROLE: &str = "--as-reader";

/// How long the long answer is, in bytes.
const LONG: usize = 20_000_000;
/// The limit that a look sets, and so the most rows that one keeps.
const LIMIT: u32 = 250;

/// What a reader is to do.
#[derive(Deserialize, Serialize)]
pub(crate) struct Reading {
    file: std::path::PathBuf,
    /// Keep everything, as Python does, instead of the rows of a look.
    whole: bool,
}

/// What it took.
#[derive(Deserialize, Serialize)]
struct Took {
    seconds: f64,
    /// Of processor time, which hardly depends on what else the machine does.
    processor_seconds: f64,
    grown_kib: u64,
    rows: usize,
}

/// Reads an answer and says on standard output what it took.
pub(crate) fn be_reader(task: &Reading) {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS");
    let (begun, processor) = (Instant::now(), processor_seconds());
    let body = BufReader::with_capacity(64 * 1024, File::open(&task.file).unwrap());
    let rows = if task.whole {
        let Value::List(rows) = read::<Value>(body).unwrap().unwrap() else {
            panic!("no list");
        };
        rows.len()
    } else {
        let (owner, since, limit) = (UserId(2), Timestamp::UNIX_EPOCH, LIMIT);
        let call = Call::EndedTasks { owner, since, limit };
        let Ok(Answer::Tasks(rows)) = answers(&[call], body).unwrap().remove(0) else {
            panic!("no tasks");
        };
        rows.len()
    };
    let took = Took {
        seconds: begun.elapsed().as_secs_f64(),
        processor_seconds: processor_seconds() - processor,
        grown_kib: status("VmHWM").saturating_sub(before),
        rows,
    };
    println!("{}", json!(took));
}

/// Returns how long our one thread has run.
fn processor_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Returns a line of the kernel's about us, in KiB.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

/// Runs the course.
pub(crate) async fn course(report: &mut Report, extent: Extent) {
    catch_up(report, extent).await;
    long_answer(report, extent).await;
}

/// A look at everything: what is being built, what runs, what has ended since.
async fn catch_up(report: &mut Report, extent: Extent) {
    eprintln!("bench: hub, {} looks", extent.looks);
    let stand_in = StandIn::start().await;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("names");
    // Whoever is new has to learn the user's number once; it is kept on disk.
    let mut first = Asker::start(&stand_in, &cache);
    first.look().await;
    let of_the_first = stand_in.requests();
    drop(first);
    let mut asker = Asker::start(&stand_in, &cache);
    let begun = Instant::now();
    asker.look().await;
    let with_connection = begun.elapsed();
    let of_another_run = stand_in.requests();
    let mut bare = stand_in.bare().await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let before = stand_in.requests.load(Ordering::Relaxed);
    for _ in 0..extent.looks {
        let begun = Instant::now();
        bare.look().await;
        theirs.push(millis(begun.elapsed()));
        let begun = Instant::now();
        asker.look().await;
        ours.push(millis(begun.elapsed()));
    }
    let requests = stand_in.requests.load(Ordering::Relaxed) - before - extent.looks;
    let each = requests as f64 / extent.looks as f64;
    report.row("HTTP round trips of a catch-up", "", None, each, Goal::AtMost(1.0));
    let what = "a catch-up, asked to understood (median)";
    report.row(what, "ms", None, median(&ours), Goal::None);
    report.note(
        "hub, catch-up",
        &json!({
            "round trips of a first run, which learns who we are": of_the_first,
            "round trips of the first look of another run": of_another_run,
            "the same bytes over a kept connection, unread, in ms": median(&theirs),
            "that look with its connection, in ms": millis(with_connection),
            "calls in the round trip": 5,
            "rows in the answer": ROWS,
            "bytes of the answer": stand_in.look.len(),
            "connections": stand_in.connections.load(Ordering::Relaxed),
            "looks": extent.looks,
        }),
    );
}

/// An answer as a hub gives that was asked without a limit.
async fn long_answer(report: &mut Report, extent: Extent) {
    eprintln!(
        "bench: hub, {} rounds of an answer of {} MB",
        extent.answers,
        LONG / 1_000_000
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("listTasks.xml");
    let written = write_long(&file);
    let bytes = fs::metadata(&file).unwrap().len() as f64;
    let [mut rates, mut clocks, mut grown, mut ratios] = [const { [const { Vec::new() }; 4] }; 4];
    for _ in 0..extent.answers {
        let theirs = by_python(&file).await;
        let ours = by_us(&file, false).await;
        let whole = by_us(&file, true).await;
        assert_eq!([theirs.rows, ours.rows, whole.rows], [written, LIMIT as usize, written]);
        for (n, it) in [&theirs, &ours, &whole].into_iter().enumerate() {
            rates[n].push(bytes / 1e6 / it.processor_seconds);
            clocks[n].push((it.seconds * 1e3).round());
            grown[n].push(it.grown_kib as f64 / 1024.0);
        }
        let memory = |it: &Took| it.grown_kib as f64 / theirs.grown_kib as f64;
        ratios[0].push(theirs.processor_seconds / ours.processor_seconds);
        ratios[1].push(memory(&ours));
        ratios[2].push(theirs.processor_seconds / whole.processor_seconds);
        ratios[3].push(memory(&whole));
    }
    let rate = |n: usize| median(&rates[n]);
    let memory = |n: usize| median(&grown[n]);
    let [fast, small, fast_whole, small_whole] = ratios.each_ref().map(|it| Some(median(it)));
    report.row_with_ratio(
        "reading a task list of 20 MB by xmlrpc.client and by us",
        "MB in a second of processor time",
        Some(rate(0)),
        rate(1),
        fast,
        Goal::AtLeastTimesTheFloor(10.0),
    );
    report.row_with_ratio(
        "memory that it takes at most",
        "MiB",
        Some(memory(0)),
        memory(1),
        small,
        Goal::AtMostTimesTheFloor(0.1),
    );
    let what = "the same, every value kept as Python keeps it";
    let unit = "MB in a second of processor time";
    report.row_with_ratio(what, unit, Some(rate(0)), rate(2), fast_whole, Goal::None);
    report.row_with_ratio(
        "memory that it takes at most then",
        "MiB",
        Some(memory(0)),
        memory(2),
        small_whole,
        Goal::None,
    );
    report.note(
        "hub, long answer",
        &json!({
            "bytes": bytes,
            "rows": written,
            "rows that a look keeps": LIMIT,
            "rounds": extent.answers,
            "by the clock, in ms": {"xmlrpc.client": clocks[0], "koji-notify": clocks[1], "every value kept": clocks[2]},
        }),
    );
}

async fn by_us(file: &Path, whole: bool) -> Took {
    let task = Reading {
        file: file.to_owned(),
        whole,
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(ROLE).arg(serde_json::to_string(&task).unwrap());
    said(command).await
}

async fn by_python(file: &Path) -> Took {
    let mut command = Command::new("python3");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/parse.py");
    command.args(["-B", "-E", "-s"]).arg(script).arg(file);
    said(command).await
}

async fn said(mut command: Command) -> Took {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Writes an answer to listTasks of that length: recorded rows, each under another number. Returns how many.
fn write_long(file: &Path) -> usize {
    let rows = rows_of("10-listTasks-finished");
    let mut out = BufWriter::new(File::create(file).unwrap());
    let (mut bytes, mut count) = (0, 0);
    writeln!(out, "{HEAD}<value><array><data>").unwrap();
    for row in rows.iter().cycle() {
        if bytes >= LONG {
            break;
        }
        let row = numbered(row, 1_000_000 + count);
        out.write_all(row.as_bytes()).unwrap();
        bytes += row.len();
        count += 1;
    }
    write!(out, "</data></array></value>{TAIL}").unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
    count
}

const HEAD: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n";
const TAIL: &str = "\n</param>\n</params>\n</methodResponse>\n";

/// Gives a build or a task another number.
fn numbered(row: &str, number: usize) -> String {
    let marks = ["build_id", "id"].map(|it| format!("<name>{it}</name>\n<value><int>"));
    let (mark, (before, after)) = marks.iter().find_map(|it| Some((it, row.split_once(it)?))).unwrap();
    let (_, after) = after.split_once('<').unwrap();
    format!("{before}{mark}{number}<{after}")
}

/// Returns the value that a recorded answer holds.
fn recorded(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/hub/{name}.response"));
    let text = String::from_utf8(fs::read(file).unwrap()).unwrap();
    let (_, value) = text.split_once("<param>\n").unwrap();
    value.split_once("\n</param>").unwrap().0.to_owned()
}

/// Returns the rows of a recorded list.
fn rows_of(name: &str) -> Vec<String> {
    let list = recorded(name);
    let rows = list.split_once("<data>\n").unwrap().1;
    let rows = rows.rsplit_once("</data>").unwrap().0;
    // Rows begin where no struct is open.
    let mut found = Vec::new();
    let (mut depth, mut row) = (0_i32, String::new());
    for line in rows.lines() {
        row.push_str(line);
        row.push('\n');
        depth += line.matches("<value>").count() as i32 - line.matches("</value>").count() as i32;
        if depth == 0 {
            found.push(std::mem::take(&mut row));
        }
    }
    assert!(found.len() > 1 && row.trim().is_empty(), "{name}: {}", found.len());
    found
}

/// How many rows the lists of a look have: being built, running, built, ended.
const ROWS: [usize; 4] = [2, 2, 40, 40];

/// A hub that knows one user, and answers each look with the same recorded rows.
struct StandIn {
    port: u16,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    /// How many requests were told already.
    told: AtomicUsize,
    look: Arc<[u8]>,
    task: JoinHandle<()>,
}

impl StandIn {
    async fn start() -> Self {
        let lists = [
            "20-listBuilds-building",
            "08-listTasks-open-parents-only",
            "23-listBuilds-completeAfter",
            "10-listTasks-finished",
        ];
        let lists = (1..).zip(lists.iter().zip(ROWS));
        let mut parts: Vec<String> = lists.map(|(n, (name, count))| list(name, n * 1000, count)).collect();
        parts.push("<value><int>40</int></value>".to_owned());
        let parts: String = parts
            .iter()
            .map(|it| format!("<value><array><data>\n{it}\n</data></array></value>\n"))
            .collect();
        let look = format!("{HEAD}<value><array><data>\n{parts}</data></array></value>{TAIL}");
        let look: Arc<[u8]> = http(&look).into();
        let user: Arc<[u8]> = http(&format!("{HEAD}{}{TAIL}", recorded("04-getUser"))).into();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, accepted, answer) = (requests.clone(), connections.clone(), look.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                accepted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, counted.clone(), answer.clone(), user.clone()));
            }
        });
        Self {
            port,
            requests,
            connections,
            told: AtomicUsize::new(0),
            look,
            task,
        }
    }

    /// Returns how many requests there were since this was last asked.
    fn requests(&self) -> usize {
        let now = self.requests.load(Ordering::Relaxed);
        now - self.told.swap(now, Ordering::Relaxed)
    }

    /// Returns the least that can be done: a connection that is kept, a request, and an answer that nobody reads.
    async fn bare(&self) -> Bare {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Bare {
            stream,
            answer: vec![0; self.look.len()],
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, counted: Arc<AtomicUsize>, look: Arc<[u8]>, user: Arc<[u8]>) {
    let mut stream = tokio::io::BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(it) = lower.strip_prefix("content-length:") {
                length = it.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        counted.fetch_add(1, Ordering::Relaxed);
        let is_look = body.windows(9).any(|it| it == b"listTasks");
        if stream.write_all(if is_look { &look } else { &user }).await.is_err() {
            return;
        }
    }
}

struct Bare {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Bare {
    async fn look(&mut self) {
        let body = "<methodCall><methodName>listTasks</methodName></methodCall>";
        let head = format!(
            "POST /kojihub HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        self.stream.read_exact(&mut self.answer).await.unwrap();
    }
}

/// Returns a list of so many rows, each under another number.
fn list(name: &str, from: usize, count: usize) -> String {
    let rows = rows_of(name);
    let rows = rows.iter().cycle().zip(from..from + count);
    let rows: String = rows.map(|(row, number)| numbered(row, number)).collect();
    format!("<value><array><data>\n{rows}</data></array></value>")
}

fn http(body: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nKoji-Version: 1.35.3\r\nContent-Length: ";
    format!("{head}{}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The real one.
struct Asker {
    asks: mpsc::UnboundedSender<Ask>,
    events: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
}

impl Asker {
    fn start(stand_in: &StandIn, cache: &Path) -> Self {
        let hub = Hub {
            access: Access {
                server: Address::parse(&format!("http://127.0.0.1:{}/kojihub", stand_in.port)).unwrap(),
                trust: Trust::System,
                login: Login::Nothing,
                times: Times::default(),
            },
            files: None,
            cache: cache.to_owned(),
        };
        let (asks, asked) = mpsc::unbounded_channel();
        let (inbox, events) = mpsc::channel(64);
        let task = tokio::spawn(asker::run(InstanceName::new("bench"), hub, asked, inbox));
        Self { asks, events, task }
    }

    async fn look(&mut self) {
        let now = Timestamp::now();
        let look = Look {
            users: BTreeSet::from(["alice".to_owned()]),
            since: Some(now),
            mark: Some(now),
            ..Look::default()
        };
        self.asks.send(Ask::Look(look)).unwrap();
        let Some(Event::Learned(_, Learned::Looked(looked))) = self.events.recv().await else {
            panic!("no answer");
        };
        assert_eq!(looked.changes.len(), ROWS.iter().sum::<usize>());
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn millis(it: Duration) -> f64 {
    it.as_secs_f64() * 1e3
}
