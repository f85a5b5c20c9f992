//! The `curl` program, as far as one request needs it.
//!
//! Promise: all that curl is told goes through its standard input; its command line is the same for everybody, and its
//! environment holds what TLS and Kerberos need and nothing else. It is ended when the one who waits for it is gone.
//! What it says is cut to a limit.
//!
//! It deliberately does not know what is asked for.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::process::Command;

/// The most that is kept of what curl says about its work. A Kerberos ticket in it may have 64 kB.
const MAX_TALK: usize = 256 * 1024;

/// What curl and the libraries under it may learn from our own environment: where the person is at home, where
/// Kerberos keeps its things, and whom the system trusts. No proxy: the hub binds a session to the address that it
/// sees, and our own HTTP goes there directly. No SSLKEYLOGFILE: curl would write the keys of the connection there.
const KEPT: [&str; 8] = [
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "LD_LIBRARY_PATH",
];
const KEPT_PREFIXES: [&str; 2] = ["KRB5", "GSS"];

/// Where programs are found, and what they may know of the person's session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tools {
    /// As in `PATH`. Relative places in it do not count.
    pub path: OsString,
    /// The whole environment of a program but for `PATH` and the language.
    pub environment: Vec<(OsString, OsString)>,
}

impl Tools {
    /// Returns those of the session that we run in.
    pub fn of_this_session() -> Self {
        let is_kept = |name: &OsStr| {
            name.to_str()
                .is_some_and(|it| KEPT.contains(&it) || KEPT_PREFIXES.iter().any(|prefix| it.starts_with(prefix)))
        };
        Self {
            path: std::env::var_os("PATH").unwrap_or_default(),
            environment: std::env::vars_os().filter(|(name, _)| is_kept(name)).collect(),
        }
    }

    pub(super) fn find(&self, program: &str) -> Option<PathBuf> {
        let is_program = |file: &PathBuf| {
            file.metadata()
                .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        let places = std::env::split_paths(&self.path).filter(|it| it.is_absolute());
        places.map(|it| it.join(program)).find(is_program)
    }
}

/// What curl is told, in the form of its configuration file.
#[derive(Default)]
pub(super) struct Order(Vec<u8>);

impl Order {
    pub(super) fn flag(&mut self, name: &str) -> &mut Self {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'\n');
        self
    }

    pub(super) fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b" = \"");
        for byte in value.as_ref() {
            match byte {
                b'\n' => self.0.extend_from_slice(b"\\n"),
                b'\r' => self.0.extend_from_slice(b"\\r"),
                b'\t' => self.0.extend_from_slice(b"\\t"),
                0x0b => self.0.extend_from_slice(b"\\v"),
                b'"' | b'\\' => self.0.extend_from_slice(&[b'\\', *byte]),
                _ => self.0.push(*byte),
            }
        }
        self.0.extend_from_slice(b"\"\n");
        self
    }
}

/// How curl has ended.
pub(super) struct Ended {
    /// curl's own number (EXIT CODES in curl(1)); `None`: by a signal.
    pub(super) code: Option<i32>,
    pub(super) answer: Vec<u8>,
    pub(super) talk: String,
}

/// Why curl did not end by itself.
pub(super) enum Broken {
    Missing,
    NotRun(io::Error),
    /// The answer is larger than what was to be read.
    TooLong,
}

/// Runs curl and returns what it has said. Dropping this ends it.
pub(super) async fn run(order: &Order, tools: &Tools, max_answer: usize) -> Result<Ended, Broken> {
    let program = tools.find("curl").ok_or(Broken::Missing)?;
    let mut child = Command::new(program)
        // `-q` counts only here: no ~/.curlrc.
        .args(["-q", "--config", "-"])
        .env_clear()
        .envs(tools.environment.iter().map(|(name, value)| (name, value)))
        .env("PATH", &tools.path)
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Broken::NotRun)?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let tell = async {
        if let Some(mut input) = input {
            // Whether it has read everything is for its exit code to say.
            input.write_all(&order.0).await.ok();
        }
        Ok(())
    };
    let hear = async {
        let mut answer = Vec::new();
        if let Some(output) = output {
            let mut kept = output.take(max_answer as u64 + 1);
            kept.read_to_end(&mut answer).await.map_err(Broken::NotRun)?;
        }
        if answer.len() > max_answer {
            return Err(Broken::TooLong);
        }
        Ok(answer)
    };
    let listen = async {
        let mut talk = Vec::new();
        if let Some(errors) = errors {
            let mut kept = errors.take(MAX_TALK as u64);
            kept.read_to_end(&mut talk).await.map_err(Broken::NotRun)?;
            // It would wait for ever for somebody to take the rest.
            copy(&mut kept.into_inner(), &mut sink())
                .await
                .map_err(Broken::NotRun)?;
        }
        Ok(talk)
    };
    let ((), answer, talk) = tokio::try_join!(tell, hear, listen)?;
    let status = child.wait().await.map_err(Broken::NotRun)?;
    Ok(Ended {
        code: status.code(),
        answer,
        talk: String::from_utf8_lossy(&talk).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_line() {
        let mut order = Order::default();
        order
            .flag("silent")
            .set("url", "https://k.example/\"\nproxy = \"evil\\\r\t\x0bü");
        let expected = "silent\nurl = \"https://k.example/\\\"\\nproxy = \\\"evil\\\\\\r\\t\\vü\"\n";
        assert_eq!(String::from_utf8(order.0).unwrap(), expected);
    }

    #[test]
    fn a_program_is_an_executable_file_in_an_absolute_place() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir_all(at("folder/curl")).unwrap();
        std::fs::create_dir(at("text")).unwrap();
        std::fs::write(at("text/curl"), "").unwrap();
        std::fs::create_dir(at("bin")).unwrap();
        std::fs::write(at("bin/curl"), "").unwrap();
        std::fs::set_permissions(at("bin/curl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let find = |places: &[PathBuf]| {
            let path = std::env::join_paths(places).unwrap();
            let tools = Tools {
                path,
                environment: Vec::new(),
            };
            tools.find("curl")
        };
        assert_eq!(find(&[at("folder"), at("text"), at("bin")]), Some(at("bin/curl")));
        assert_eq!(find(&[at("folder"), at("text")]), None);
        assert_eq!(find(&[PathBuf::new(), PathBuf::from(".")]), None);
    }
}
