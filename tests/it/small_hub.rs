//! A small Koji hub with a memory (`tests/hub/small_hub.py`), for what cannot be had of a real one at will: a build at
//! each step of its life, a hub in trouble, ten thousand tasks.
//!
//! ```ignore
//! let hub = SmallHub::start();
//! let build = hub.submit("mona", "bash-5.3-1.fc44");
//! hub.begin(build.task);
//! let told = hub.srpm_fails(build.task);    // told.messages is what the bus would carry: here nothing
//! let calls = hub.wait_for_calls(1, Some("getTaskResult")).await;
//! ```
//!
//! Each step changes the records as a real hub does, and answers with them and with the messages that the real bus
//! would carry, in the form of the recorded ones (`Publisher::publish_recorded` takes them).
//!
//! **Promise:** it listens on loopback only, and ends with its guard; and with the test process, however that ends.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "what is public here is for the stories of the other modules, as far as they need it"
)]

mod client;
mod shapes;
mod stories;
mod trouble;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running hub. It is ended by its process id when this is dropped; what it said is printed if the test failed.
pub struct SmallHub {
    pub port: u16,
    process: Child,
    lines: Arc<Mutex<Lines>>,
    directory: TempDir,
}

/// What a step left behind.
#[derive(Clone, Debug)]
pub struct Told {
    pub task: u64,
    /// None before there is a record of it, and for a scratch build.
    pub build: Option<u64>,
    /// The task as `getTaskInfo` answers it, with its request.
    pub task_record: Value,
    /// The build as `getBuild` answers it, or null.
    pub build_record: Value,
    /// The task's children, as they were made.
    pub children: Vec<Value>,
    /// What the bus carries for this step, in order: `deliver`, `properties`, `body_json`.
    pub messages: Vec<Value>,
}

/// One request that the hub had.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    /// `multiCall` has its parts; `GET path` is a file; None could not be read.
    pub method: Option<String>,
    pub parts: Vec<String>,
    /// In seconds, by the hub's clock.
    pub when: f64,
    /// Whether it came with a session.
    pub session: bool,
    /// The names of what was in the address, sorted.
    pub query: Vec<String>,
    /// Its number in a session, if that was in the address.
    pub callnum: Option<String>,
    pub request_bytes: u64,
    /// None until it is answered.
    pub response_bytes: Option<u64>,
    pub status: Option<u16>,
}

/// What is wrong with the hub.
#[derive(Clone, Copy, Debug)]
pub enum Trouble<'a> {
    /// It takes its time.
    Delay { secs: f64 },
    /// It does not answer before [`SmallHub::no_trouble`].
    Hold,
    /// `ServerOffline`, as in an outage.
    Offline,
    /// An HTTP error, such as 503.
    Status(u16),
    /// The connection is closed instead of an answer.
    Drop,
    /// The connection is closed in the middle of an answer.
    Close,
    /// Something else than XML-RPC.
    Garbage(&'a str),
    /// An answer of so many bytes that never makes sense.
    Endless { bytes: u64 },
    /// This fault, of the call that is named: alone or as a part of a multicall.
    Fault { code: i32, text: &'a str },
}

/// Which calls a trouble is for, and how often.
#[derive(Clone, Copy, Debug, Default)]
pub struct For<'a> {
    /// A method, alone or in a multicall; `files` for downloads. None: all that come.
    pub method: Option<&'a str>,
    /// None: until [`SmallHub::no_trouble`].
    pub times: Option<u32>,
}

/// Who can log in, and how.
#[derive(Clone, Copy, Debug)]
pub enum Login<'a> {
    Nobody,
    /// Whoever comes to `/ssllogin` is this user.
    Anybody {
        user: &'a str,
    },
    /// Whoever brings this token of SPNEGO (base64); others are told to negotiate.
    Negotiate {
        user: &'a str,
        token: &'a str,
    },
    Password {
        user: &'a str,
        password: &'a str,
    },
    /// Whoever Apache has let in, by certificate or by ticket.
    AsApacheSays,
}

struct Lines {
    /// None once the hub is to end.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl SmallHub {
    /// Starts a hub with the laboratory's users (alice, bob, kojiadmin), mona, two targets (rawhide, f43-candidate) and
    /// nothing built. Returns when it listens.
    pub fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("kn-hub-").tempdir().unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let mut process = Command::new("python3")
            .args(["-B", "-E", "-s"])
            .arg(script("small_hub.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("python3 is needed for this test");
        let mut lines = Lines {
            to: process.stdin.take(),
            from: BufReader::new(process.stdout.take().unwrap()),
        };
        let greeting = lines.read(directory.path());
        Self {
            port: greeting["port"].as_u64().unwrap() as u16,
            process,
            lines: Arc::new(Mutex::new(lines)),
            directory,
        }
    }

    /// Returns the address of the hub, `server` in a profile.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/kojihub", self.port)
    }

    /// Returns the address of the files.
    pub fn topurl(&self) -> String {
        format!("http://127.0.0.1:{}/kojifiles", self.port)
    }

    /// Listens with TLS as well, and returns the port. Who shows a certificate of `client_ca` when logging in is the user
    /// of its name.
    pub fn listen_tls(&self, certificate: &Path, key: &Path, client_ca: Option<&Path>) -> u16 {
        let request = json!({"op": "listen_tls", "certificate": certificate, "key": key, "client_ca": client_ca});
        self.ask(request)["port"].as_u64().unwrap() as u16
    }

    /// Does any operation of `small_hub.py` and returns its answer.
    pub fn ask(&self, request: Value) -> Value {
        self.try_to(request).unwrap()
    }

    /// Does any operation of `small_hub.py` and returns its answer, or why it cannot be done.
    pub fn try_to(&self, request: Value) -> Result<Value, String> {
        self.lines.lock().unwrap().ask(&request, self.directory.path())
    }

    // The steps of a build

    /// Somebody asks for a build for rawhide, on x86_64 and aarch64.
    pub fn submit(&self, user: &str, nvr: &str) -> Told {
        self.submit_with(user, nvr, json!({}))
    }

    pub fn submit_scratch(&self, user: &str, nvr: &str) -> Told {
        self.submit_with(user, nvr, json!({"scratch": true}))
    }

    /// Somebody asks for a build; `more` may hold target, arches, scratch, upload (of a source RPM), opts, source, epoch
    /// and parent.
    pub fn submit_with(&self, user: &str, nvr: &str, mut more: Value) -> Told {
        more["user"] = json!(user);
        more["nvr"] = json!(nvr);
        self.step("submit", more)
    }

    /// The scheduler finds a builder.
    pub fn assign(&self, task: u64) -> Told {
        self.step("assign", json!({"task": task}))
    }

    /// A builder opens the task, and makes one for the source RPM.
    pub fn begin(&self, task: u64) -> Told {
        self.step("start", json!({"task": task}))
    }

    /// The builder was restarted: the task is free again.
    pub fn free(&self, task: u64) -> Told {
        self.step("free", json!({"task": task}))
    }

    /// The source RPM cannot be made, for a usual reason.
    pub fn srpm_fails(&self, task: u64) -> Told {
        self.step("srpm_fails", json!({"task": task}))
    }

    /// The source RPM is there; the build, if it is one, has its record, and the architectures have their tasks.
    pub fn srpm_done(&self, task: u64) -> Told {
        self.step("srpm_done", json!({"task": task}))
    }

    pub fn arch_done(&self, task: u64, arch: &str) -> Told {
        self.step("arch_done", json!({"task": task, "arch": arch}))
    }

    /// An architecture fails, for a usual reason. The others are canceled, and the build has failed.
    pub fn arch_fails(&self, task: u64, arch: &str) -> Told {
        self.arch_fails_with(task, arch, json!({}))
    }

    /// An architecture fails; `more` may hold fault (text), code, logs (by name), and `can_fail`: the others run to their
    /// end before the build has failed.
    pub fn arch_fails_with(&self, task: u64, arch: &str, mut more: Value) -> Told {
        more["task"] = json!(task);
        more["arch"] = json!(arch);
        self.step("arch_fails", more)
    }

    /// The build is complete, and not tagged yet.
    pub fn complete(&self, task: u64) -> Told {
        self.step("complete", json!({"task": task}))
    }

    /// The build is complete and tagged, and its task closed.
    pub fn finish(&self, task: u64) -> Told {
        self.step("finish", json!({"task": task}))
    }

    /// The build is complete, and cannot be tagged.
    pub fn tag_fails(&self, task: u64, fault: &str) -> Told {
        self.step("tag_fails", json!({"task": task, "fault": fault}))
    }

    /// The task fails by itself.
    pub fn fail(&self, task: u64, fault: &str) -> Told {
        self.step("fail", json!({"task": task, "fault": fault}))
    }

    pub fn cancel_task(&self, task: u64) -> Told {
        self.step("cancel", json!({"task": task}))
    }

    /// Has somebody cancel a task who need not be its owner.
    pub fn cancel_task_as(&self, user: &str, task: u64) -> Told {
        self.step("cancel", json!({"task": task, "user": user}))
    }

    /// Cancels by the build's id or its name, version and release.
    pub fn cancel_build(&self, build: impl Into<Value>) -> Told {
        self.step("cancel", json!({"build": build.into()}))
    }

    pub fn resubmit(&self, task: u64) -> Told {
        self.step("resubmit", json!({"task": task}))
    }

    /// From the request to the end: a build that is complete and tagged. Returns what the last step left, with the
    /// messages of all.
    pub fn build(&self, user: &str, nvr: &str) -> Told {
        let task = self.submit(user, nvr).task;
        let mut messages = self.begin(task).messages;
        messages.extend(self.srpm_done(task).messages);
        for arch in ["x86_64", "aarch64"] {
            messages.extend(self.arch_done(task, arch).messages);
        }
        let mut told = self.finish(task);
        messages.append(&mut told.messages);
        told.messages = messages;
        told
    }

    // Records

    /// Makes many builds of a user that ended since a time in seconds, evenly; every tenth failed.
    pub fn bulk_ended(&self, user: &str, count: u64, since: f64) {
        self.ask(json!({"op": "bulk_ended", "user": user, "count": count, "since": since}));
    }

    /// Becomes the laboratory's hub of that day (`truth.jsonl`) as it was at its end. Returns from when to when it went.
    pub fn load_day(&self, truth: &Path) -> (f64, f64) {
        let span = self.ask(json!({"op": "load_day", "truth": truth}));
        (span["from"].as_f64().unwrap(), span["to"].as_f64().unwrap())
    }

    /// Puts a log beside a task's output.
    pub fn put_log(&self, task: u64, name: &str, text: &str) {
        self.ask(json!({"op": "put_log", "task": task, "name": name, "text": text}));
    }

    /// Puts a log of so many bytes: filler, and then `tail`. It takes no room before it is read.
    pub fn put_large_log(&self, task: u64, name: &str, tail: &str, size: u64) {
        self.ask(json!({"op": "put_log", "task": task, "name": name, "text": tail, "size": size}));
    }

    /// Says how long builds of a package take, whatever was built.
    pub fn set_average(&self, package: &str, secs: f64) {
        self.ask(json!({"op": "set_average", "package": package, "secs": secs}));
    }

    /// Makes a new repository of a build tag, and returns the messages about it.
    pub fn new_repo(&self, tag: &str) -> Vec<Value> {
        list(&self.ask(json!({"op": "new_repo", "tag": tag}))["messages"])
    }

    /// Tags a build as kojiadmin, and returns the messages about it.
    pub fn tag(&self, tag: &str, build: impl Into<Value>) -> Vec<Value> {
        list(&self.ask(json!({"op": "tag", "tag": tag, "build": build.into()}))["messages"])
    }

    pub fn untag(&self, tag: &str, build: impl Into<Value>) -> Vec<Value> {
        list(&self.ask(json!({"op": "untag", "tag": tag, "build": build.into()}))["messages"])
    }

    /// Returns the messages of what clients did: a task that was canceled or sent again through the hub's own door.
    pub fn take_messages(&self) -> Vec<Value> {
        list(&self.ask(json!({"op": "take_messages"})))
    }

    // The clock

    /// Stops the hub's clock at a time in seconds. A day that was loaded has come so far.
    pub fn set_now(&self, now: f64) {
        self.ask(json!({"op": "set_now", "now": now}));
    }

    /// Stops the hub's clock so much later than it was.
    pub fn advance(&self, secs: f64) {
        self.ask(json!({"op": "advance", "secs": secs}));
    }

    // Sessions

    pub fn set_login(&self, login: Login<'_>) {
        let request = match login {
            Login::Nobody => json!({"op": "login"}),
            Login::Anybody { user } => json!({"op": "login", "user": user}),
            Login::Negotiate { user, token } => json!({"op": "login", "user": user, "by": "negotiate", "token": token}),
            Login::Password { user, password } => {
                json!({"op": "login", "user": user, "by": "password", "password": password})
            }
            Login::AsApacheSays => json!({"op": "login", "user": "", "by": "apache"}),
        };
        self.ask(request);
    }

    /// Becomes a hub from before Koji 1.31, which looks for a session in the address alone and renews none.
    pub fn be_old(&self) {
        self.ask(json!({"op": "be_old"}));
    }

    /// Returns the key of each session that there was.
    pub fn session_keys(&self) -> Vec<String> {
        serde_json::from_value(self.ask(json!({"op": "session_keys"}))).unwrap()
    }

    /// Every session has had its day.
    pub fn expire_sessions(&self) {
        self.ask(json!({"op": "expire_sessions"}));
    }

    /// Every session is unknown from now on.
    pub fn close_sessions(&self) {
        self.ask(json!({"op": "close_sessions"}));
    }

    // Trouble

    /// Makes trouble for all calls, until [`Self::no_trouble`].
    pub fn trouble(&self, trouble: Trouble<'_>) {
        self.trouble_for(For::default(), trouble);
    }

    pub fn trouble_for(&self, calls: For<'_>, trouble: Trouble<'_>) {
        let mut request = match trouble {
            Trouble::Delay { secs } => json!({"kind": "delay", "secs": secs}),
            Trouble::Hold => json!({"kind": "hold"}),
            Trouble::Offline => json!({"kind": "offline"}),
            Trouble::Status(status) => json!({"kind": "status", "status": status}),
            Trouble::Drop => json!({"kind": "drop"}),
            Trouble::Close => json!({"kind": "close"}),
            Trouble::Garbage(body) => json!({"kind": "garbage", "body": body}),
            Trouble::Endless { bytes } => json!({"kind": "endless", "bytes": bytes}),
            Trouble::Fault { code, text } => json!({"kind": "fault", "code": code, "text": text}),
        };
        request["op"] = json!("trouble");
        request["method"] = json!(calls.method);
        request["times"] = json!(calls.times);
        self.ask(request);
    }

    /// Ends all trouble. What was held is answered.
    pub fn no_trouble(&self) {
        self.ask(json!({"op": "no_trouble"}));
    }

    /// Ends every connection and stops listening, until [`Self::come_back`] at the same port.
    pub fn go_away(&self) {
        self.ask(json!({"op": "go_away"}));
    }

    pub fn come_back(&self) {
        self.ask(json!({"op": "come_back"}));
    }

    // What it was asked

    /// Returns what was asked so far, files included.
    pub fn calls(&self) -> Vec<Call> {
        serde_json::from_value(self.ask(json!({"op": "calls"}))).unwrap()
    }

    /// Returns what was asked so far, and forgets it.
    pub fn take_calls(&self) -> Vec<Call> {
        serde_json::from_value(self.ask(json!({"op": "calls", "clear": true}))).unwrap()
    }

    /// Waits until so many calls have come (of that method, alone or in a multicall) since the log was last taken, and
    /// returns them. It waits beside the runtime; until then the hub does nothing else for the test.
    pub async fn wait_for_calls(&self, count: u64, method: Option<&str>) -> Vec<Call> {
        self.wait(json!({"op": "wait_for_calls", "count": count, "method": method}))
            .await
    }

    /// As [`Self::wait_for_calls`], for calls that have been answered.
    pub async fn wait_for_answers(&self, count: u64, method: Option<&str>) -> Vec<Call> {
        self.wait(json!({"op": "wait_for_calls", "count": count, "method": method, "answered": true}))
            .await
    }

    /// Returns how many bytes of a file were sent; its path is what follows [`Self::topurl`] and a slash.
    pub fn bytes_sent(&self, path: &str) -> u64 {
        self.ask(json!({"op": "bytes_sent"}))[path].as_u64().unwrap_or(0)
    }

    async fn wait(&self, request: Value) -> Vec<Call> {
        let lines = Arc::clone(&self.lines);
        let directory = self.directory.path().to_owned();
        let waiting = tokio::task::spawn_blocking(move || lines.lock().unwrap().ask(&request, &directory));
        serde_json::from_value(waiting.await.unwrap().unwrap()).unwrap()
    }

    fn step(&self, operation: &str, mut request: Value) -> Told {
        request["op"] = json!(operation);
        let told = self.ask(request);
        Told {
            task: told["task"]["id"].as_u64().unwrap(),
            build: told["build"]["build_id"].as_u64(),
            children: list(&told["children"]),
            messages: list(&told["messages"]),
            task_record: told["task"].clone(),
            build_record: told["build"].clone(),
        }
    }
}

impl Told {
    /// Returns the id of the child that packagers know by that label: an architecture, `srpm` or `tag`.
    pub fn child(&self, label: &str) -> u64 {
        let child = self.children.iter().find(|it| it["label"] == label);
        child.unwrap_or_else(|| panic!("no {label} in {:?}", self.children))["id"]
            .as_u64()
            .unwrap()
    }
}

impl Drop for SmallHub {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- the hub said:\n{}---", said(self.directory.path()));
        }
    }
}

impl Lines {
    fn ask(&mut self, request: &Value, directory: &Path) -> Result<Value, String> {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{request}").unwrap_or_else(|error| panic!("the hub is gone ({error}): {}", said(directory)));
        let mut answer = self.read(directory);
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }

    fn read(&mut self, directory: &Path) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the hub is gone: {}", said(directory));
        serde_json::from_str(&line).unwrap()
    }
}

fn said(directory: &Path) -> String {
    fs::read_to_string(directory.join("log")).unwrap_or_default()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap().clone()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hub").join(name)
}
