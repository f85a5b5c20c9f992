//! A program under measurement, and what the kernel says of it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// Time enough for anything that happens at all.
const GENEROUS: Duration = Duration::from_secs(60);

/// Time enough for many thousands of messages.
pub(crate) const LONG: Duration = Duration::from_secs(300);

/// A running program. It is killed by its process id if it is dropped before its [`end`](Self::end).
pub(crate) struct Program {
    process: Child,
    pub(crate) pid: u32,
    pub(crate) spawned: Instant,
    lines: mpsc::UnboundedReceiver<(Instant, String)>,
    /// What it said, for a complaint.
    said: Vec<String>,
    reader: tokio::task::JoinHandle<()>,
}

/// Where the memory is, in KiB (`smaps_rollup`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) pss: u64,
    pub(crate) rss: u64,
    pub(crate) anonymous: u64,
}

/// Switches of context of all threads since their start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switches {
    /// Each of these is a wake-up: the thread had gone to sleep.
    pub(crate) voluntary: u64,
    pub(crate) forced: u64,
}

impl Program {
    /// Starts a program with this environment and no other.
    pub(crate) fn start<S: AsRef<OsStr>>(file: &Path, arguments: &[S], environment: &[(&str, String)]) -> Self {
        let mut command = Command::new(file);
        command.args(arguments).env_clear();
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let spawned = Instant::now();
        let mut process = command.kill_on_drop(true).spawn().unwrap();
        let mut from = BufReader::new(process.stderr.take().unwrap()).lines();
        let (tell, lines) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = from.next_line().await {
                _ = tell.send((Instant::now(), line));
            }
        });
        Self {
            pid: process.id().unwrap(),
            process,
            spawned,
            lines,
            said: Vec::new(),
            reader,
        }
    }

    /// Waits until it says that it is subscribed, and returns when that was.
    pub(crate) async fn subscribed(&mut self) -> Instant {
        let found = tokio::time::timeout(GENEROUS, async {
            while let Some((at, line)) = self.lines.recv().await {
                let is_it = line.contains("subscribed");
                self.said.push(line);
                if is_it {
                    return Some(at);
                }
            }
            None
        })
        .await;
        found
            .ok()
            .flatten()
            .unwrap_or_else(|| panic!("it did not subscribe; it said {:#?}", self.said))
    }

    /// Asks it to end, as a session does, and returns when it has.
    pub(crate) async fn end(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.pid.to_string()]).status();
        assert!(asked.await.unwrap().success());
        let ended = tokio::time::timeout(GENEROUS, self.process.wait()).await;
        ended.expect("it ends").unwrap();
        self.reader.await.unwrap();
    }

    pub(crate) fn memory(&self) -> Memory {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid)).unwrap();
        let field = |name: &str| {
            let line = text.lines().find_map(|it| it.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        Memory {
            pss: field("Pss:"),
            rss: field("Rss:"),
            anonymous: field("Anonymous:"),
        }
    }

    pub(crate) fn switches(&self) -> Switches {
        let mut switches = Switches {
            voluntary: 0,
            forced: 0,
        };
        for thread in self.threads() {
            let text = self.of_thread(&thread, "status");
            for line in text.lines() {
                let number = || line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
                if line.starts_with("voluntary_ctxt_switches:") {
                    switches.voluntary += number();
                } else if line.starts_with("nonvoluntary_ctxt_switches:") {
                    switches.forced += number();
                }
            }
        }
        switches
    }

    /// Returns how long its threads that live have been on a processor.
    pub(crate) fn processor_time(&self) -> Duration {
        let times = self.threads().into_iter().map(|thread| {
            let text = self.of_thread(&thread, "schedstat");
            text.split_whitespace().next().map_or(0, |it| it.parse().unwrap())
        });
        Duration::from_nanos(times.sum())
    }

    /// Returns the names of its threads, in order.
    pub(crate) fn thread_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .threads()
            .iter()
            .map(|it| self.of_thread(it, "comm").trim_end().to_owned())
            .collect();
        names.sort();
        names
    }

    fn threads(&self) -> BTreeSet<String> {
        let found = fs::read_dir(format!("/proc/{}/task", self.pid)).unwrap();
        found.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Empty if the thread has just ended.
    fn of_thread(&self, thread: &str, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/task/{thread}/{file}", self.pid)).unwrap_or_default()
    }
}
