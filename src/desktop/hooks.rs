//! Programs of the person's own that are run when something has become of a build.
//!
//! Each is run without a shell, with what is known of the build as JSON on its standard input: nothing of what strangers
//! write ever becomes a part of a command. It sees little of our environment, has a process group of its own and
//! [`TIME_LIMIT`]; what it says is only looked at, and cut, when it fails. A flood of endings starts no flood of
//! programs: what goes beyond [`MAX_AT_ONCE`], [`MAX_WAITING`] and [`MAX_PER_MINUTE`] is left out and counted.
//!
//! It deliberately does not know what the programs are for, or when they are to be run.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::clock;

/// How long a program may take; then it is killed, with all that is in its process group.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How many run at once.
pub const MAX_AT_ONCE: usize = 4;

/// How many wait for that.
pub const MAX_WAITING: usize = 64;

/// How many are begun within a minute.
pub const MAX_PER_MINUTE: usize = 60;

/// The most bytes of each of its outputs that are kept: the last.
pub const MAX_SAID: usize = 2048;

/// How long what still runs may go on when we stop.
const LAST_HOOKS: Duration = Duration::from_secs(2);

/// What a program sees of our environment, beside `LC_*`.
const ENVIRONMENT: [&str; 7] = [
    "PATH",
    "HOME",
    "XDG_RUNTIME_DIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "LANG",
];

/// A program to be run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Job {
    /// What it is run for, such as `on-failed`; for the log.
    pub occasion: &'static str,
    /// Where it is, and its arguments.
    pub command: (OsString, Vec<String>),
    /// What it reads.
    pub input: String,
}

/// Takes jobs, as many as may be.
pub struct Hooks {
    jobs: mpsc::Sender<Job>,
    begun: VecDeque<Timestamp>,
    left_out: u64,
}

impl Hooks {
    /// Returns who takes jobs, and what does them until that is dropped; of what waits then nothing is begun.
    pub fn new() -> (Self, impl Future<Output = ()> + Send + 'static) {
        Self::with(TIME_LIMIT, environment())
    }

    fn with(limit: Duration, environment: Vec<(OsString, OsString)>) -> (Self, impl Future<Output = ()> + Send) {
        let (jobs, to_do) = mpsc::channel(MAX_WAITING);
        let hooks = Self {
            jobs,
            begun: VecDeque::new(),
            left_out: 0,
        };
        (hooks, work(to_do, limit, environment))
    }

    /// Has a program run soon, unless there are too many. Never waits.
    pub fn run(&mut self, job: Job) {
        let now = clock::now();
        let is_over = |it: &Timestamp| now.duration_since(*it) >= SignedDuration::from_mins(1) || *it > now;
        while self.begun.front().is_some_and(is_over) {
            self.begun.pop_front();
        }
        let occasion = job.occasion;
        if self.begun.len() >= MAX_PER_MINUTE || self.jobs.try_send(job).is_err() {
            self.left_out += 1;
            if self.left_out == 1 {
                warn!(occasion, "too many programs are to be run at once; some are left out");
            }
            return;
        }
        self.begun.push_back(now);
        self.say_what_was_left_out();
    }

    fn say_what_was_left_out(&mut self) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            warn!(left_out, "programs were not run: there were too many at once");
        }
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.say_what_was_left_out();
    }
}

/// Does the jobs until nobody has more.
async fn work(mut jobs: mpsc::Receiver<Job>, limit: Duration, environment: Vec<(OsString, OsString)>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            job = jobs.recv(), if running.len() < MAX_AT_ONCE => {
                let Some(job) = job else { break };
                if jobs.is_closed() {
                    warn!(left_out = jobs.len() + 1, "programs were not run: koji-notify is ending");
                    break;
                }
                running.spawn(run(job, limit, environment.clone()));
            }
            _ = running.join_next(), if !running.is_empty() => {}
        }
    }
    let rest = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_HOOKS, rest).await.is_err() {
        warn!(killed = running.len(), "programs still ran when koji-notify ended");
    }
}

/// Runs one, and says so if it fails.
async fn run(job: Job, limit: Duration, environment: Vec<(OsString, OsString)>) {
    let occasion = job.occasion;
    let program = job.command.0.to_string_lossy().into_owned();
    let mut command = Command::new(&job.command.0);
    command
        .args(&job.command.1)
        .env_clear()
        .envs(environment)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            warn!(occasion, %program, %error, "a program was not run");
            return;
        }
    };
    // Whoever drops this, for the time limit or because we end, ends the group.
    let mut group = Group(child.id().and_then(|it| Pid::from_raw(it.try_into().ok()?)));
    let (mut said, mut complained) = (Tail::default(), Tail::default());
    let ended = tokio::time::timeout(
        limit,
        attend(&mut child, job.input.as_bytes(), &mut said, &mut complained),
    )
    .await;
    match ended {
        Ok(Ok(status)) if status.success() => {
            debug!(occasion, %program, "a program was run");
            group.0 = None;
            return;
        }
        Ok(Ok(status)) => {
            group.0 = None;
            warn!(occasion, %program, %status, said = %said.text(), complained = %complained.text(), "a program failed");
        }
        Ok(Err(error)) => warn!(occasion, %program, %error, "a program cannot be waited for"),
        Err(_) => {
            let limit = limit.as_secs_f64();
            warn!(
                occasion, %program, limit, said = %said.text(), complained = %complained.text(),
                "a program took too long and was killed"
            );
        }
    }
    drop(group);
    // So that nothing of it is left; it has ended, or was just killed.
    _ = child.wait().await;
}

/// Feeds a program and hears it until it ends. What it leaves running behind itself is not waited for.
async fn attend(
    child: &mut Child,
    input: &[u8],
    said: &mut Tail,
    complained: &mut Tail,
) -> std::io::Result<ExitStatus> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let talk = async {
        let feed = async {
            if let Some(mut stdin) = stdin {
                // It need not read any of it.
                _ = stdin.write_all(input).await;
            }
        };
        tokio::join!(feed, said.read(stdout), complained.read(stderr));
    };
    tokio::pin!(talk);
    tokio::select! {
        // What it has said comes before its end.
        biased;
        () = &mut talk => {}
        status = child.wait() => {
            // What is in the pipes yet is there at once.
            _ = tokio::time::timeout(Duration::from_millis(50), talk).await;
            return status;
        }
    }
    child.wait().await
}

/// A process group that ends when this is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended by itself.
            _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// The end of what was said.
#[derive(Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    async fn read(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut piece = [0; 1024];
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            self.0.extend(piece.iter().take(count));
            let surplus = self.0.len().saturating_sub(MAX_SAID);
            self.0.drain(..surplus);
        }
    }

    /// Returns it on one line.
    fn text(&self) -> String {
        let (one, two) = self.0.as_slices();
        let text = String::from_utf8_lossy(&[one, two].concat()).into_owned();
        let line: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        line.trim().to_owned()
    }
}

/// Returns what a program sees of our environment.
fn environment() -> Vec<(OsString, OsString)> {
    let is_passed = |name: &OsString| {
        let name = name.to_string_lossy();
        ENVIRONMENT.contains(&&*name) || name.starts_with("LC_")
    };
    env::vars_os().filter(|(name, _)| is_passed(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    use tempfile::TempDir;

    use super::*;

    /// Returns a folder with a program in it.
    fn program(script: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("hook");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        (folder, program)
    }

    fn job(program: &Path, arguments: &[&str], input: &str) -> Job {
        Job {
            occasion: "on-failed",
            command: (
                program.as_os_str().to_owned(),
                arguments.iter().map(|it| (*it).to_owned()).collect(),
            ),
            input: input.to_owned(),
        }
    }

    fn home(folder: &TempDir) -> Vec<(OsString, OsString)> {
        let path = env::var_os("PATH").unwrap();
        vec![("PATH".into(), path), ("HOME".into(), folder.path().into())]
    }

    #[tokio::test]
    async fn a_program_gets_its_arguments_and_its_input_as_they_are() {
        let (folder, program) = program(r#"printf '%s\n' "$@" >"$HOME/argv"; cat >"$HOME/stdin"; env >"$HOME/env""#);
        let (mut hooks, work) = Hooks::with(TIME_LIMIT, home(&folder));
        let hostile = r#"{"package":"$(touch pwned); `x` 'y'"}"#;
        hooks.run(job(&program, &["$(x);", "two words", "*"], hostile));
        hooks_when_done(hooks, work, || folder.path().join("env").exists()).await;
        assert_eq!(
            fs::read_to_string(folder.path().join("argv")).unwrap(),
            "$(x);\ntwo words\n*\n"
        );
        assert_eq!(fs::read_to_string(folder.path().join("stdin")).unwrap(), hostile);
        let seen = fs::read_to_string(folder.path().join("env")).unwrap();
        let mut names: Vec<_> = seen.lines().filter_map(|it| Some(it.split_once('=')?.0)).collect();
        names.sort_unstable();
        // The shell sets the other two.
        names.retain(|it| !["PWD", "_", "SHLVL", "OLDPWD"].contains(it));
        assert_eq!(names, ["HOME", "PATH"]);
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_killed_with_all_that_it_began() {
        let (folder, program) = program(r#"sleep 600 & echo $! >"$HOME/child"; wait"#);
        let environment = home(&folder);
        run(job(&program, &[], ""), Duration::from_millis(300), environment).await;
        let child = fs::read_to_string(folder.path().join("child")).unwrap();
        let process = Path::new("/proc").join(child.trim());
        // Killed; whoever takes over orphans takes it away.
        let is_gone = || fs::read_to_string(process.join("stat")).map_or(true, |it| it.contains(") Z "));
        until(is_gone).await;
    }

    #[tokio::test]
    async fn what_it_leaves_behind_goes_on_and_is_not_waited_for() {
        let (folder, program) = program(r#"sleep 600 & echo $! >"$HOME/child""#);
        run(job(&program, &[], ""), TIME_LIMIT, home(&folder)).await;
        let child = fs::read_to_string(folder.path().join("child")).unwrap();
        let process = Path::new("/proc").join(child.trim());
        assert!(process.exists());
        let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(child, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn one_that_does_not_read_and_says_much_does_no_harm() {
        let (folder, program) = program("head -c 100000 /dev/zero | tr '\\0' x; echo the end >&2; exit 3");
        let mut child = Command::new(&program);
        child
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = child.spawn().unwrap();
        let (mut said, mut complained) = (Tail::default(), Tail::default());
        let input = "x".repeat(1_000_000);
        let status = attend(&mut child, input.as_bytes(), &mut said, &mut complained).await;
        assert_eq!(status.unwrap().code(), Some(3));
        assert_eq!(said.text(), "x".repeat(MAX_SAID));
        assert_eq!(complained.text(), "the end");
        drop(folder);
    }

    #[tokio::test]
    async fn a_flood_is_left_out_and_counted() {
        let (mut hooks, work) = Hooks::with(TIME_LIMIT, Vec::new());
        for _ in 0..MAX_PER_MINUTE + 5 {
            hooks.run(job(Path::new("/nowhere/at/all"), &[], ""));
        }
        assert_eq!(hooks.left_out, 5);
        drop(hooks);
        // What cannot be run, and what is not begun any more, ends it all the same.
        work.await;
    }

    #[tokio::test]
    async fn so_many_run_at_once_and_no_more() {
        let (folder, program) = program(r#"echo >"$HOME/$$"; while [ ! -e "$HOME/go" ]; do sleep 0.02; done"#);
        let (mut hooks, work) = Hooks::with(TIME_LIMIT, home(&folder));
        for _ in 0..MAX_AT_ONCE + 2 {
            hooks.run(job(&program, &[], ""));
        }
        let begun = || {
            let names = fs::read_dir(folder.path()).unwrap();
            let names = names.map(|it| it.unwrap().file_name().into_string().unwrap());
            names.filter(|it| it.parse::<u32>().is_ok()).count()
        };
        let hooks = {
            let working = tokio::spawn(work);
            until(|| begun() >= MAX_AT_ONCE).await;
            assert_eq!(begun(), MAX_AT_ONCE);
            fs::write(folder.path().join("go"), "").unwrap();
            until(|| begun() == MAX_AT_ONCE + 2).await;
            drop(hooks);
            working
        };
        hooks.await.unwrap();
    }

    /// Works until something is so, and on to the end.
    async fn hooks_when_done(
        hooks: Hooks,
        work: impl Future<Output = ()> + Send + 'static,
        is_done: impl Fn() -> bool,
    ) {
        let working = tokio::spawn(work);
        until(is_done).await;
        drop(hooks);
        working.await.unwrap();
    }

    /// Waits for something outside, of which no event tells.
    async fn until(is_so: impl Fn() -> bool) {
        let waiting = async {
            while !is_so() {
                clock::pass(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
    }
}
