//! A real RabbitMQ for the stories: Debian's or Fedora's package, started on free loopback ports with TLS, in a directory
//! of its own, as whoever runs the tests, and ended with everything it started.
//!
//! ```ignore
//! let rabbit = Rabbit::shared().await;      // one for the whole run
//! let vhost = rabbit.vhost().await;         // and a place in it for this test alone
//! let mut publisher = Publisher::start(&vhost).await;
//! let id = publisher.publish("org.fedoraproject.prod.buildsys.build.state.change", body).await;
//! ```
//!
//! **Promise:** a broker ends when the test does, even when the test is killed: `tests/rig/keeper.py` holds it and watches us.
//! nextest gives each test a process of its own, so there a shared broker lives as long as nextest itself; under
//! `cargo test` it lives as long as the test process. A test that stops or breaks its broker starts a private one.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "what is public here is for the stories of the other modules, as far as they need it"
)]

mod certs;
mod permissions;
mod proton;
mod publisher;
mod stand_ins;
mod stories;
mod vhost;

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

pub use certs::{Certs, Client, KeyForm, Pair, ServerCert};
pub use proton::Proton;
pub use publisher::Publisher;
pub use stand_ins::{Recorder, SilentServer, TlsServer};
pub use vhost::{Binding, Connection, QueueState, User, Vhost};

/// A running broker. Dropping it ends it, unless it is shared.
pub struct Rabbit {
    /// In clear.
    pub port: u16,
    pub tls_port: u16,
    pub certs: Certs,
    directory: PathBuf,
    keeper: Option<Keeper>,
}

/// How a broker differs from the usual one.
#[derive(Clone, Debug)]
pub struct Options {
    pub certificate: ServerCert,
    pub tls: TlsVersions,
    /// More lines for `rabbitmq.conf`, such as `heartbeat = 1`.
    pub configuration: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            certificate: ServerCert::Good,
            tls: TlsVersions::Both,
            configuration: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum TlsVersions {
    Both,
    Only12,
    Only13,
}

impl Rabbit {
    /// Returns the broker that the tests of this run share.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Rabbit> = OnceCell::const_new();
        SHARED
            .get_or_init(|| async {
                match Runner::find() {
                    Some(runner) => blocking(move || Self::join(&runner)).await,
                    None => Self::start().await,
                }
            })
            .await
    }

    /// Starts a broker for one test.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts a broker for one test that is different.
    pub async fn start_with(options: Options) -> Self {
        blocking(move || Self::launch(&options, &std::env::temp_dir(), None)).await
    }

    /// Makes a virtual host for one test, laid out like Fedora's `/public_pubsub`.
    pub async fn vhost(&self) -> Vhost<'_> {
        Vhost::make(self, format!("/public_pubsub-{}", uuid::Uuid::new_v4())).await
    }

    /// Runs rabbitmqctl and returns what it printed.
    pub async fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = self.ctl_command(arguments);
        let arguments = format!("{arguments:?}");
        blocking(move || {
            let output = command.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let trouble = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "rabbitmqctl {arguments}: {text}{trouble}");
            text
        })
        .await
    }

    /// Ends the broker in order; data and ports are kept for [`Self::restart`]. A client is told, and cut off so soon after
    /// that it may find nothing but a reset connection.
    pub async fn stop(&self) {
        self.tell("stop", "stopped").await;
    }

    /// Ends the broker at once, as a power cut would.
    pub async fn kill(&self) {
        self.tell("kill", "stopped").await;
    }

    /// Starts the broker again after [`Self::stop`] or [`Self::kill`].
    pub async fn restart(&self) {
        self.tell("start", "ready").await;
    }

    /// Stops the broker's application and leaves the node running: as [`Self::stop`] to a client, and faster.
    pub async fn stop_app(&self) {
        assert!(self.keeper.is_some(), "a shared broker is not stopped");
        self.ctl(&["stop_app"]).await;
    }

    pub async fn start_app(&self) {
        self.ctl(&["start_app"]).await;
    }

    /// Returns the log of the broker so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.directory.join("output")).unwrap()).into_owned()
    }

    /// Returns where all that belongs to this broker lies; its name is on every command line of it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Evaluates an Erlang expression inside the broker; for what rabbitmqctl would take half a second.
    pub async fn eval(&self, erlang: &str) -> Value {
        let mut control = UnixStream::connect(self.directory.join("control")).await.unwrap();
        control
            .write_all(&u32::try_from(erlang.len()).unwrap().to_be_bytes())
            .await
            .unwrap();
        control.write_all(erlang.as_bytes()).await.unwrap();
        let length = control.read_u32().await.unwrap();
        let mut answer = vec![0; length as usize];
        control.read_exact(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer[1..]);
        assert_eq!(answer[0], 0, "{erlang} failed: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn tell(&self, command: &'static str, expected: &'static str) {
        let keeper = self.keeper.as_ref().expect("a shared broker is not stopped");
        let lines = Arc::clone(&keeper.lines);
        let answer = blocking(move || lines.lock().unwrap().ask(command)).await;
        assert_eq!(answer, expected);
    }

    fn ctl_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool("rabbitmqctl"));
        command
            .arg("--quiet")
            .args(arguments)
            .env_clear()
            .envs(environment(&self.directory));
        command.stdin(Stdio::null());
        command
    }

    /// Returns the broker of this run, which the first test to come here starts while the others wait at the gate.
    fn join(runner: &Runner) -> Self {
        let room = std::env::temp_dir().join(format!("kn-run-{}", runner.run));
        let made = fs::DirBuilder::new().mode(0o700).create(&room);
        assert!(made.is_ok() || room.is_dir(), "{}: {made:?}", room.display());
        let gate = File::create(room.join("gate")).unwrap();
        gate.lock().unwrap();
        let address = room.join("address");
        if let Some(found) = fs::read(&address)
            .ok()
            .and_then(|it| Self::at(&serde_json::from_slice(&it).unwrap()))
        {
            return found;
        }
        let mut started = Self::launch(&Options::default(), &room, Some(runner));
        let text = serde_json::to_vec(&Spot {
            directory: started.directory.clone(),
            port: started.port,
            tls_port: started.tls_port,
        });
        fs::write(room.join("address.new"), text.unwrap()).unwrap();
        fs::rename(room.join("address.new"), address).unwrap();
        started.keeper = None;
        started
    }

    /// Returns the broker that somebody else has started, if it is still there.
    fn at(spot: &Spot) -> Option<Self> {
        std::os::unix::net::UnixStream::connect(spot.directory.join("control")).ok()?;
        Some(Self {
            port: spot.port,
            tls_port: spot.tls_port,
            certs: Certs::at(spot.directory.join("certs")),
            directory: spot.directory.clone(),
            keeper: None,
        })
    }

    fn launch(options: &Options, below: &Path, runner: Option<&Runner>) -> Self {
        let mut trouble = String::new();
        // Somebody may take a port between our look and the broker's start.
        for _ in 0..3 {
            let directory = tempfile::Builder::new()
                .prefix("kn-rabbit-")
                .tempdir_in(below)
                .unwrap()
                .keep();
            let spot = lay_out(&directory, options);
            match Keeper::start(&directory, runner.map(|it| (it, below))) {
                Ok(keeper) => {
                    return Self {
                        port: spot.port,
                        tls_port: spot.tls_port,
                        certs: Certs::at(directory.join("certs")),
                        directory,
                        keeper: Some(keeper),
                    };
                }
                Err(error) => trouble = error,
            }
        }
        panic!("{trouble}");
    }
}

/// Where a shared broker is, for the tests that come later.
#[derive(Deserialize, Serialize)]
struct Spot {
    directory: PathBuf,
    port: u16,
    tls_port: u16,
}

/// nextest, when it is our parent.
struct Runner {
    process: u32,
    run: String,
}

impl Runner {
    fn find() -> Option<Self> {
        let run = std::env::var("NEXTEST_RUN_ID").ok()?;
        let process = std::os::unix::process::parent_id();
        let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
        name.contains("nextest").then_some(Self { process, run })
    }
}

/// The process that holds a broker for us. It goes, and the broker with it, when its standard input is closed.
struct Keeper {
    process: Child,
    lines: Arc<Mutex<Lines>>,
    shared: bool,
}

struct Lines {
    /// A shared broker takes no commands.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Lines {
    fn ask(&mut self, command: &str) -> String {
        writeln!(self.to.as_mut().unwrap(), "{command}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line.trim_end().replace("\\n", "\n")
    }
}

impl Keeper {
    fn start(directory: &Path, runner: Option<(&Runner, &Path)>) -> Result<Self, String> {
        let mut command = Command::new("python3");
        command.arg(rig("keeper.py")).arg(directory);
        command.stdin(Stdio::piped());
        if let Some((runner, room)) = runner {
            command
                .args(["--runner", &runner.process.to_string()])
                .arg("--room")
                .arg(room);
            command.stdin(Stdio::null());
        }
        let errors = File::create(directory.join("keeper.log")).unwrap();
        // In a group of its own: a runner that kills a slow test kills its whole group, and we are the ones to clean up.
        command.stdout(Stdio::piped()).stderr(errors).process_group(0);
        let mut process = command.spawn().map_err(|it| format!("python3: {it}"))?;
        let mut lines = Lines {
            to: process.stdin.take(),
            from: BufReader::new(process.stdout.take().unwrap()),
        };
        let answer = lines.answer();
        if answer == "ready" {
            return Ok(Self {
                process,
                lines: Arc::new(Mutex::new(lines)),
                shared: runner.is_some(),
            });
        }
        process.wait().unwrap();
        Err(format!("no broker ({answer}); is rabbitmq-server installed?"))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.shared {
            return;
        }
        self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner).to = None;
        self.process.wait().unwrap();
    }
}

/// Writes all that a broker reads into its directory, and chooses its ports.
fn lay_out(directory: &Path, options: &Options) -> Spot {
    let certs = Certs::make(directory.join("certs"));
    let [port, tls_port, dist_port, epmd_port] = free_ports();
    let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();

    let server = certs.server(options.certificate);
    let versions = match options.tls {
        TlsVersions::Both => "ssl_options.versions.1 = tlsv1.3\nssl_options.versions.2 = tlsv1.2",
        TlsVersions::Only12 => "ssl_options.versions.1 = tlsv1.2",
        TlsVersions::Only13 => "ssl_options.versions.1 = tlsv1.3",
    };
    let configuration = format!(
        "listeners.tcp.1 = 127.0.0.1:{port}
listeners.ssl.1 = 127.0.0.1:{tls_port}
ssl_options.cacertfile = {ca}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
{versions}
ssl_cert_login_from = common_name
auth_mechanisms.1 = EXTERNAL
auth_mechanisms.2 = PLAIN
auth_mechanisms.3 = AMQPLAIN
load_definitions = {definitions}
log.console = true
log.console.level = info
log.file = false
disk_free_limit.absolute = 10MB
{more}
",
        ca = certs.ca().display(),
        certificate = server.certificate.display(),
        key = server.key.display(),
        definitions = directory.join("definitions.json").display(),
        more = options.configuration.join("\n"),
    );
    write("rabbitmq.conf", &configuration);
    write("definitions.json", &vhost::definitions().to_string());
    write("enabled_plugins", "[rabbitmq_auth_mechanism_ssl, rabbitmq_amqp1_0].\n");
    fs::copy(rig("control.erl"), directory.join("control.erl")).unwrap();
    write(".erlang.cookie", &uuid::Uuid::new_v4().simple().to_string());
    fs::set_permissions(directory.join(".erlang.cookie"), Permissions::from_mode(0o400)).unwrap();

    let inside = |name: &str| directory.join(name).display().to_string();
    let name = directory.file_name().unwrap().to_str().unwrap().replace('.', "");
    assert!(
        !inside("").contains(' '),
        "what follows is cut at spaces, so TMPDIR may hold none"
    );
    let arguments = format!(
        "-kernel inet_dist_use_interface {{127,0,0,1}} -eval {{ok,_}}=file:script(\"{}\")",
        inside("control.erl")
    );
    let environment = json!({
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": inside(""),
        "ERL_EPMD_PORT": epmd_port.to_string(),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP_SECONDS": "0",
        "RABBITMQ_NODENAME": format!("{name}@localhost"),
        "RABBITMQ_DIST_PORT": dist_port.to_string(),
        "RABBITMQ_BASE": inside(""),
        "RABBITMQ_MNESIA_BASE": inside("data"),
        "RABBITMQ_LOG_BASE": inside("log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": inside("pid"),
        "RABBITMQ_CONFIG_FILE": inside("rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": inside("no-environment.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": inside("no-advanced.config"),
        "RABBITMQ_GENERATED_CONFIG_DIR": inside("generated"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": inside("enabled_plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": arguments,
    });
    write("environment.json", &environment.to_string());
    let launch = json!({
        "broker": [tool("rabbitmq-server")],
        "epmd": ["epmd", "-address", "127.0.0.1", "-port", epmd_port.to_string()],
    });
    write("launch.json", &launch.to_string());
    Spot {
        directory: directory.to_owned(),
        port,
        tls_port,
    }
}

fn environment(directory: &Path) -> Vec<(String, String)> {
    let text = fs::read(directory.join("environment.json")).unwrap();
    let table: serde_json::Map<String, Value> = serde_json::from_slice(&text).unwrap();
    table
        .into_iter()
        .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
        .collect()
}

/// Returns ports that nobody listens at, below those that outgoing connections are given.
fn free_ports<const N: usize>() -> [u16; N] {
    let mut held = Vec::new();
    while held.len() < N {
        let random = uuid::Uuid::new_v4().as_u128() % 20_000;
        held.extend(TcpListener::bind(("127.0.0.1", 12_000 + random as u16)).ok());
    }
    let ports: Vec<u16> = held.iter().map(|it| it.local_addr().unwrap().port()).collect();
    ports.try_into().unwrap()
}

/// Returns the broker's own script. Those in /usr/sbin insist on the user rabbitmq.
fn tool(name: &str) -> PathBuf {
    let mut places = vec![PathBuf::from("/usr/lib/rabbitmq/bin")];
    if let Ok(versions) = fs::read_dir("/usr/lib/rabbitmq/lib") {
        places.extend(versions.map(|it| it.unwrap().path().join("sbin")));
    }
    let found = places.into_iter().map(|it| it.join(name)).find(|it| it.exists());
    found.expect("RabbitMQ is installed (tests/install-packages)")
}

fn rig(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig").join(name)
}

/// Does slow work beside the runtime, so that a client in the same test goes on talking to the broker.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
