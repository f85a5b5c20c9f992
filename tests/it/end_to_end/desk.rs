//! A packager's desk: a broker and somebody who publishes, a session bus, a home, a browser, and the daemon in it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use inotify::{Inotify, WatchMask};
use koji_notify::desktop::client::{self, KojiNotifyProxy};
use koji_notify::desktop::service;
use koji_notify::view::Status;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use zbus::{MatchRule, MessageStream};

use crate::command_line::{PROGRAM, Ran, finish};
use crate::decoding::fixtures;
use crate::notices::server::{Call, Server};
use crate::rabbit::{Client, Connection, Publisher, Rabbit, Vhost};
use crate::session_bus::SessionBus;

/// How long a story waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What most notification servers can do.
pub(crate) const USUAL: &[&str] = &["actions", "body", "body-markup", "persistence"];

/// All that is around the daemon.
pub(crate) struct Desk<'r> {
    pub(crate) vhost: Vhost<'r>,
    pub(crate) publisher: Publisher,
    pub(crate) bus: SessionBus,
    pub(crate) server: Option<Server>,
    pub(crate) home: Home,
    /// What else is in the environment of every program that is started here.
    pub(crate) more: Vec<(OsString, OsString)>,
    /// What the daemon is started by: a program and its arguments, before ours. Usually nothing.
    pub(crate) launcher: Vec<OsString>,
    /// How much the daemon is to log.
    pub(crate) loudness: &'static str,
    browser: Lines<BufReader<pipe::Receiver>>,
}

impl<'r> Desk<'r> {
    /// Lays out everything for alice, with a notification server, at a place of this test's own in the broker.
    pub(crate) async fn new(rabbit: &'r Rabbit) -> Self {
        let mut desk = Self::without_server(rabbit).await;
        desk.server_appears().await;
        desk
    }

    pub(crate) async fn without_server(rabbit: &'r Rabbit) -> Self {
        let vhost = rabbit.vhost().await;
        let home = Home::make();
        home.write_config(&config(&vhost));
        let browser = home.path("browser");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&browser)
                .status()
                .unwrap()
                .success()
        );
        // Open for both, it has no end: the browser may come and go.
        let browser = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(browser)
            .unwrap();
        Self {
            publisher: Publisher::start(&vhost).await,
            bus: SessionBus::start(),
            server: None,
            vhost,
            home,
            more: Vec::new(),
            launcher: Vec::new(),
            loudness: "--verbose",
            browser: BufReader::new(browser).lines(),
        }
    }

    pub(crate) async fn server_appears(&mut self) {
        self.server = Some(Server::start(&self.bus, USUAL).await);
    }

    pub(crate) async fn server_leaves(&mut self) {
        self.server.take().unwrap().connection.close().await.unwrap();
    }

    /// Starts the daemon and returns when it hears what the broker has.
    pub(crate) async fn daemon(&self) -> Daemon {
        let daemon = self.start();
        self.status_when(|it| it.instances.iter().any(|it| it.link == "up"))
            .await;
        self.vhost.consumed_queue().await;
        daemon
    }

    /// Starts the daemon.
    pub(crate) fn start(&self) -> Daemon {
        let log = self.home.path("daemon.log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = self.command_by(&self.launcher, &[self.loudness, "daemon"]);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let process = command.spawn().unwrap();
        Daemon { process, log }
    }

    /// Runs one of the other commands to its end.
    pub(crate) async fn run(&self, words: &[&str]) -> Ran {
        finish(&mut self.command(words)).await
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.command_by(&[], words)
    }

    fn command_by(&self, launcher: &[OsString], words: &[&str]) -> Command {
        let mut whole = launcher.to_vec();
        whole.push(PROGRAM.into());
        let mut command = Command::new(&whole[0]);
        command
            .args(&whole[1..])
            .args(words)
            .env_clear()
            .envs(self.home.environment())
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus.address())
            .envs(self.more.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Publishes a recorded message, changed a little, by the library and with the headers that it makes.
    pub(crate) async fn publish(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let (topic, body) = recorded(name, change);
        self.publisher.publish(&topic, &body).await;
    }

    /// Publishes that a build of bash by alice has got somewhere.
    pub(crate) async fn build(&mut self, id: u64, old: Option<u64>, new: u64) {
        let name = if new == 0 {
            "04-build-none-to-building.json"
        } else {
            "05-build-building-to-complete.json"
        };
        let change = |it: &mut Value| {
            it["name"] = "bash".into();
            it["version"] = "5.3".into();
            it["release"] = format!("{id}.fc44").into();
            it["build_id"] = id.into();
            it["task_id"] = (id + 1000).into();
            it["task"]["id"] = (id + 1000).into();
            it["old"] = old.into();
            it["new"] = new.into();
        };
        self.publish(name, change).await;
    }

    /// Publishes that a build of bash by alice is complete.
    pub(crate) async fn build_is_done(&mut self, id: u64) {
        self.build(id, Some(0), 1).await;
    }

    /// Returns the next notification.
    pub(crate) async fn shown(&mut self) -> Call {
        let server = self.server.as_mut().unwrap();
        within("a notification", server.calls.recv()).await.unwrap()
    }

    /// Returns the notifications that the server got so far and nobody has looked at.
    pub(crate) fn more_shown(&mut self) -> Vec<String> {
        let mut titles = Vec::new();
        while let Ok(call) = self.server.as_mut().unwrap().calls.try_recv() {
            titles.push(call.title);
        }
        titles
    }

    /// Presses a button as the server's user does.
    pub(crate) async fn press(&self, call: &Call, key: &str) {
        self.server.as_ref().unwrap().click(call.id, key).await;
    }

    /// Returns what the browser was asked to open next, and the activation token that it got.
    pub(crate) async fn opened(&mut self) -> String {
        within("the browser", self.browser.next_line()).await.unwrap().unwrap()
    }

    /// Waits until the broker has nothing that we have not acknowledged.
    pub(crate) async fn all_is_acknowledged(&self) {
        self.vhost.drained().await;
    }

    /// Returns the daemon's connections to the broker.
    pub(crate) async fn connections(&self) -> Vec<Connection> {
        let mut connections = self.vhost.connections().await;
        connections.retain(|it| it.user == "fedora");
        connections
    }

    pub(crate) async fn remote(&self) -> KojiNotifyProxy<'static> {
        let client = client::client(&self.bus.connect().await).await.unwrap();
        client.expect("the daemon runs")
    }

    /// Waits until the daemon's own word of how things stand is fine, and returns it.
    pub(crate) async fn status_when(&self, fine: impl Fn(&Status) -> bool) -> Status {
        let listener = self.bus.connect().await;
        let mut changes = Vec::new();
        for rule in [
            MatchRule::builder()
                .interface("org.freedesktop.DBus.Properties")
                .unwrap()
                .path(service::PATH)
                .unwrap(),
            MatchRule::builder()
                .member("NameOwnerChanged")
                .unwrap()
                .arg(0, service::NAME)
                .unwrap(),
        ] {
            changes.push(
                MessageStream::for_match_rule(rule.build(), &listener, None)
                    .await
                    .unwrap(),
            );
        }
        let mut changes = futures_util::stream::select_all(changes);
        let asker = self.bus.connect().await;
        let mut last = None;
        let wait = async {
            loop {
                if let Some(remote) = client::client(&asker).await.unwrap()
                    && let Ok(status) = client::status(&remote).await
                {
                    if fine(&status) {
                        return status;
                    }
                    last = Some(status);
                }
                changes.next().await.unwrap().unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(status) => status,
            Err(_) => panic!("it did not come to that; last: {last:#?}"),
        }
    }
}

/// The configuration that most stories begin with. It logs in with a certificate, as everybody does at Fedora.
pub(crate) fn config(vhost: &Vhost<'_>) -> String {
    let certs = &vhost.rabbit.certs;
    let pair = certs.client(Client::Fedora);
    let url = vhost.fedora_url().replace("fedora:@", "").replace("fedora@", "");
    format!(
        r#"# Mine, and it stays as I write it.
[tell]
finished = true  # of course
scratch=true

[instance.lab]
user = "alice"
topic-prefix = "org.fedoraproject.prod"
weburl = "https://koji.example.com/koji"
topurl = "https://kojipkgs.example.com"

[instance.lab.broker]
url = "{url}"
ca-cert = "{ca}"
certificate = "{certificate}"
key = "{key}"
"#,
        ca = certs.ca().display(),
        certificate = pair.certificate.display(),
        key = pair.key.display(),
    )
}

/// Returns the topic and the body of one of the laboratory's recorded messages, changed a little.
pub(crate) fn recorded(name: &str, change: impl FnOnce(&mut Value)) -> (String, Value) {
    let text = fs::read(fixtures().join("lab").join(name)).unwrap();
    let mut message: Value = serde_json::from_slice(&text).unwrap();
    let topic = message["deliver"]["routing_key"].as_str().unwrap().to_owned();
    let mut body = message["body_json"].take();
    change(&mut body);
    (topic, body)
}

/// Returns a call as text, with `HOME` for where that is.
pub(crate) fn told(call: &Call) -> String {
    let mut text = String::new();
    for line in call.to_string().lines() {
        let words = line.split(' ').map(|word| match word.rfind("/kn-home-") {
            Some(home) => {
                let inside = &word[home + 1..];
                let rest = &inside[inside.find('/').unwrap()..];
                format!("{}HOME{rest}", &word[..usize::from(word.starts_with('"'))])
            }
            None => word.to_owned(),
        });
        writeln!(text, "{}", words.collect::<Vec<_>>().join(" ")).unwrap();
    }
    text
}

/// The person's home.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    fn make() -> Self {
        let folder = tempfile::Builder::new().prefix("kn-home-").tempdir().unwrap();
        let home = Self { folder };
        for name in ["bin", "run", ".config/koji-notify", ".local/share/icons"] {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700).create(home.path(name)).unwrap();
        }
        // Our icons are in place, whatever else is installed on this machine.
        let icons = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/icons/hicolor");
        symlink(icons, home.path(".local/share/icons/hicolor")).unwrap();
        // The first program that is tried is the one in front: what it is given goes to the test.
        let script = format!(
            "#!/bin/sh\nprintf '%s %s\\n' \"$*\" \"${{XDG_ACTIVATION_TOKEN-no token}}\" >>'{}'\n",
            home.path("browser").display()
        );
        fs::write(home.path("bin/xdg-open"), script).unwrap();
        fs::set_permissions(home.path("bin/xdg-open"), Permissions::from_mode(0o755)).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.path(".config/koji-notify/config.toml")
    }

    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.config_file()).unwrap()
    }

    pub(crate) fn write_config(&self, text: &str) {
        fs::write(self.config_file(), text).unwrap();
    }

    /// Waits until the configuration file is fine, and returns it.
    pub(crate) async fn config_when(&self, fine: impl Fn(&str) -> bool) -> String {
        let inotify = Inotify::init().unwrap();
        let folder = self.config_file();
        let all = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::CLOSE_WRITE;
        inotify.watches().add(folder.parent().unwrap(), all).unwrap();
        let mut events = inotify.into_event_stream([0; 4096]).unwrap();
        let wait = async {
            loop {
                let text = self.config();
                if fine(&text) {
                    return text;
                }
                events.next().await.unwrap().unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(text) => text,
            Err(_) => panic!("the file did not come to that: {}", self.config()),
        }
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut path = self.path("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let own = |name: &str| self.path(name).into_os_string();
        let table: [(&str, OsString); 7] = [
            ("PATH", path),
            ("HOME", self.folder.path().into()),
            ("XDG_RUNTIME_DIR", own("run")),
            // Nobody's ticket says who this is.
            ("KRB5CCNAME", own("no-ticket")),
            ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/system-bus".into()),
            ("LC_ALL", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
        ];
        table.into_iter().map(|(name, value)| (name.into(), value)).collect()
    }
}

/// The daemon. It is killed when this is dropped; its log is printed if the test failed.
pub(crate) struct Daemon {
    process: Child,
    log: PathBuf,
}

impl Daemon {
    pub(crate) fn id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Sends a signal, as `kill` does.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it at once, wherever it is, and returns when it is gone.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Waits for the end.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        within("the daemon's end", self.process.wait()).await.unwrap()
    }

    /// Returns the processes that it has started and that still run, by name.
    pub(crate) fn children(&self) -> Vec<String> {
        children(self.id())
    }

    /// Returns all that it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the daemon said:\n{}---", self.log());
        }
    }
}

fn children(process: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let lists = tasks.filter_map(|it| fs::read_to_string(it.unwrap().path().join("children")).ok());
    let name = |id: &str| fs::read_to_string(Path::new("/proc").join(id).join("comm")).unwrap_or_default();
    lists
        .flat_map(|it| it.split_whitespace().map(name).collect::<Vec<_>>())
        .collect()
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come"),
    }
}
