//! Publishes as Koji's plugin at Fedora does: by the real fedora-messaging library, held by `tests/rig/publish.py`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::{Vhost, blocking, rig};

/// Where the library's own log goes: it tells at length of what it refuses.
const ERRORS: &str = "errors";

/// A process that publishes to `amq.topic` of one virtual host.
pub struct Publisher {
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    /// Ended when it is dropped.
    _process: Child,
    directory: TempDir,
}

#[derive(Deserialize)]
enum Answer {
    #[serde(rename = "id")]
    Id(Option<String>),
    #[serde(rename = "error")]
    Error(String),
}

impl Publisher {
    /// Starts one that logs in as [`Vhost::publisher`].
    pub async fn start(vhost: &Vhost<'_>) -> Self {
        Self::start_at(&vhost.url(&vhost.publisher)).await
    }

    /// Starts one that publishes to this address.
    pub async fn start_at(amqp_url: &str) -> Self {
        let python = blocking(python).await;
        let directory = tempfile::Builder::new().prefix("kn-publisher-").tempdir().unwrap();
        let file = directory.path().join("fedora-messaging.toml");
        fs::write(&file, format!("amqp_url = '{amqp_url}'\n")).unwrap();
        let errors = File::create(directory.path().join(ERRORS)).unwrap();
        let mut command = tokio::process::Command::new(python);
        command
            .arg(rig("publish.py"))
            .env("FEDORA_MESSAGING_CONF", file)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            to: process.stdin.take().unwrap(),
            from: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
            directory,
        }
    }

    /// Publishes a body with the schema that belongs to the topic, and returns the message id once the broker has it.
    pub async fn publish(&mut self, topic: &str, body: &Value) -> String {
        self.send(&json!({"topic": topic, "body": body})).await.unwrap()
    }

    /// Publishes one of the laboratory's recorded messages (`deliver`, `properties`, `body_json`), properties and all.
    pub async fn publish_recorded(&mut self, recorded: &Value) -> String {
        let topic = &recorded["deliver"]["routing_key"];
        let request = json!({"topic": topic, "body": recorded["body_json"], "properties": recorded["properties"]});
        self.send(&request).await.unwrap()
    }

    /// Publishes bytes and properties that the library would never send. Properties are named as pika names them.
    pub async fn publish_raw(&mut self, topic: &str, body: &[u8], properties: &Value) {
        let raw: String = body.iter().map(|it| format!("{it:02x}")).collect();
        self.exchange(&json!({"topic": topic, "raw": raw, "properties": properties}))
            .await
            .unwrap();
    }

    /// Sends any request that publish.py knows, and returns the message id or what the library said.
    pub async fn send(&mut self, request: &Value) -> Result<String, String> {
        self.exchange(request).await.map(|it| it.unwrap())
    }

    async fn exchange(&mut self, request: &Value) -> Result<Option<String>, String> {
        self.to.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        self.to.flush().await.unwrap();
        let Some(line) = self.from.next_line().await.unwrap() else {
            panic!(
                "publish.py is gone: {}",
                fs::read_to_string(self.directory.path().join(ERRORS)).unwrap()
            );
        };
        match serde_json::from_str(&line).unwrap() {
            Answer::Id(id) => Ok(id),
            Answer::Error(error) => Err(error),
        }
    }
}

/// Returns the Python of the tests' virtual environment, made if it is not there.
fn python() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/make-venv");
    let output = Command::new(script).stdin(Stdio::null()).output().unwrap();
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/make-venv: {trouble}");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}
