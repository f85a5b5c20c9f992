//! Sends as Koji's protonmsg plugin does: by the real Qpid Proton library, held by `tests/rig/send_proton.py`.

use std::fs::{self, File};
use std::process::Stdio;

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::{Vhost, rig};

const ERRORS: &str = "errors";

/// A process that sends over AMQP 1.0.
pub struct Proton {
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    /// Ended when it is dropped.
    _process: Child,
    directory: TempDir,
    /// What stands before a routing key in the addresses.
    topic: &'static str,
}

#[derive(Deserialize)]
enum Answer {
    #[serde(rename = "outcome")]
    Outcome(String),
    #[serde(rename = "error")]
    Error(String),
}

impl Proton {
    /// Starts one that logs in to a virtual host of RabbitMQ, as [`Vhost::publisher`].
    pub async fn start(vhost: &Vhost<'_>) -> Self {
        let door = json!({
            "url": format!("amqp://127.0.0.1:{}", vhost.rabbit.port),
            "user": vhost.publisher.name,
            "password": vhost.publisher.password,
            // The name by which its plugin for AMQP 1.0 knows them.
            "virtual_host": format!("vhost:{}", vhost.name),
        });
        let mut started = Self::start_at(&door).await;
        let major = "list_to_integer(hd(string:split(rabbit_misc:version(), \".\"))).";
        if vhost.rabbit.eval(major).await.as_u64().unwrap() >= 4 {
            started.topic = "/exchanges/amq.topic/";
        }
        started
    }

    /// Starts one anywhere: `url`, and if wanted `user`, `password` and `virtual_host`.
    pub async fn start_at(door: &Value) -> Self {
        let directory = tempfile::Builder::new().prefix("kn-proton-").tempdir().unwrap();
        let errors = File::create(directory.path().join(ERRORS)).unwrap();
        // The system's own: the library is a package there, and takes long to build.
        let mut command = tokio::process::Command::new("/usr/bin/python3");
        command.arg(rig("send_proton.py")).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut started = Self {
            to: process.stdin.take().unwrap(),
            from: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
            directory,
            topic: "/topic/",
        };
        assert_eq!(started.exchange(door).await.unwrap(), "open");
        started
    }

    /// Returns the address for what is to come to `amq.topic` with a routing key. RabbitMQ has changed how it reads them.
    pub fn address(&self, key: &str) -> String {
        format!("{}{key}", self.topic)
    }

    /// Sends a JSON body with application properties to an address, in the plugin's own encoding, and returns when the
    /// broker has taken it.
    pub async fn send(&mut self, address: &str, properties: &Value, body: &Value) {
        let request = json!({"address": address, "properties": properties, "body": body.to_string()});
        assert_eq!(self.exchange(&request).await.unwrap(), "ACCEPTED", "{address}");
    }

    /// Sends any request that send_proton.py knows, and returns the outcome or what the library said.
    pub async fn exchange(&mut self, request: &Value) -> Result<String, String> {
        self.to.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        self.to.flush().await.unwrap();
        let Some(line) = self.from.next_line().await.unwrap() else {
            panic!(
                "send_proton.py is gone: {}",
                fs::read_to_string(self.directory.path().join(ERRORS)).unwrap()
            );
        };
        match serde_json::from_str(&line).unwrap() {
            Answer::Outcome(outcome) => Ok(outcome),
            Answer::Error(error) => Err(error),
        }
    }
}
