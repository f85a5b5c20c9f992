//! The program as a shell sees it: what it says, where, and with which exit code.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;

use expect_test::{Expect, expect};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::session_bus::SessionBus;

/// No program here takes longer, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(60);

const COMMANDS: [&str; 16] = [
    "daemon",
    "demo",
    "replay",
    "setup",
    "check",
    "status",
    "follow",
    "unfollow",
    "wait",
    "history",
    "pause",
    "resume",
    "hub",
    "tail",
    "publish",
    "completions",
];

#[tokio::test]
async fn every_command_has_its_help() {
    let help = run(&["--help"]).await;
    assert_eq!((help.code, &*help.errors), (0, ""));
    for command in COMMANDS {
        assert!(help.output.contains(&format!("\n  {command} ")), "{}", help.output);
        for form in [&[command, "--help"], &["help", command]] {
            let help = run(form).await;
            assert_eq!((help.code, &*help.errors), (0, ""), "{command}");
            let usage = format!("Usage: koji-notify {command} ");
            assert!(help.output.contains(&usage), "{}", help.output);
            assert!(help.output.contains("[OPTIONS]"), "{}", help.output);
        }
        let version = run(&[command, "--version"]).await;
        assert!(version.output.ends_with(concat!(" ", env!("CARGO_PKG_VERSION"), "\n")));
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_told_with_code_2() {
    for wrong in [
        "--bogus",
        "no-such-command",
        "pause 0",
        "pause soon",
        "pause 5 --until-tomorrow",
        "resume 5",
        "follow",
        "follow 1 2",
        "wait",
        "wait 1 --timeout",
        "wait 1 --timeout soon",
        "wait 1 --timeout 0",
        "wait 1 --quiet --json",
        "setup --user",
        "replay --print",
        "replay --print --user alice",
        "replay --print FILE",
        "replay --print --user alice --speed -1 FILE",
        "replay --print --user alice --now yesterday FILE",
        "demo --speed x",
        "hub call",
        "hub call get-build",
        "hub call sslLogin",
        "hub call getBuild --login",
        "history bash",
        "history --json --csv",
        "history --since yesterday",
        "history --state broken",
        "history --limit -1",
        "history --yes",
        "history --wipe --mine",
        "tail --count 0",
        "tail --topic",
        "tail --raw --json",
        "tail --raw --user mona",
        "publish",
        "publish --instance lab",
        "publish --topic a.b",
        "publish --instance lab --topic a --header =b",
        "publish --instance lab --topic a --header b",
        "publish --instance lab --topic a --json-header b={",
        "publish --instance lab --topic a --body b --body-file c",
        "publish --instance lab --topic a --file b",
        "completions sh",
    ] {
        let words: Vec<_> = wrong.split(' ').collect();
        let ran = run(&words).await;
        assert_eq!((ran.code, &*ran.output), (2, ""), "{wrong}: {}", ran.errors);
        assert!(ran.errors.starts_with("error: "), "{wrong}: {}", ran.errors);
    }
}

#[tokio::test]
async fn who_asks_a_daemon_that_does_not_run_is_told_so_with_code_4() {
    let bus = SessionBus::start();
    let not_running = (4, "", "koji-notify: koji-notify is not running in this session\n");
    for words in [
        "status",
        "status --json",
        "pause",
        "pause 30",
        "resume",
        "follow 4711",
        "unfollow 4711",
        "wait 4711",
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for address in [bus.address(), "unix:path=/nonexistent/bus"] {
            let ran = Stage::new().on(address).run(&words).await;
            let told = (ran.code, &*ran.output, &*ran.errors);
            assert_eq!(told, not_running, "{words:?} {address}");
        }
    }
}

#[tokio::test]
async fn without_a_session_bus_the_daemon_says_what_it_needs() {
    for words in [&[][..], &["daemon"]] {
        let ran = run(words).await;
        assert_eq!(ran.code, 1);
        assert_eq!(ran.output, "");
        check(
            &ran.errors,
            expect![[r#"
                koji-notify: there is no session bus; koji-notify runs inside a desktop session (try `koji-notify demo`)
                  because Failed to connect to address `unix:path=RUNTIME/bus`: No such file or directory (os error 2)
            "#]],
        );
    }
}

#[tokio::test]
async fn a_recording_that_cannot_be_read_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let message = r#"{"topic": "x", "body": {}}"#;
    let mut told = String::new();
    for name in [
        file("cut.jsonl", &format!("{message}\n\n{message}\n{{\"topic\": \"x\"")),
        file("other.jsonl", &format!("{message}\n{{\"name\": \"bash\"}}\n")),
        file("words.txt", "My build failed.\n"),
        folder.path().join("absent.json").to_str().unwrap().to_owned(),
        folder.path().to_str().unwrap().to_owned(),
    ] {
        let ran = run(&["replay", "--print", "--user", "alice", &name]).await;
        assert_eq!((ran.code, &*ran.output), (1, ""), "{name}");
        told += &ran.errors.replace(folder.path().to_str().unwrap(), "FOLDER");
    }
    check(
        &told,
        expect![[r#"
        koji-notify: FOLDER/cut.jsonl, line 4: not JSON: EOF while parsing an object
        koji-notify: FOLDER/other.jsonl, line 2: not a recorded message: expected topic and body, deliver.routing_key and body_text, topic and msg, or raw_messages
        koji-notify: FOLDER/words.txt, line 1: not JSON: expected value
        koji-notify: FOLDER/absent.json cannot be read
          because No such file or directory (os error 2)
        koji-notify: FOLDER cannot be read
          because Is a directory (os error 21)
    "#]],
    );
}

#[tokio::test]
async fn standard_input_is_a_recording_too() {
    let afternoon = crate::decoding::fixtures().join("lab/afternoon.jsonl");
    let by_name = run(&["replay", "--print", "--user", "alice", afternoon.to_str().unwrap()]).await;
    assert!(!by_name.output.is_empty());
    let mut stage = Stage::new();
    stage.input = File::open(afternoon).unwrap().into();
    let piped = stage.run(&["replay", "--print", "--user", "alice", "-"]).await;
    assert_eq!((piped.code, piped.output), (0, by_name.output));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_ends_us_quietly() {
    let afternoon = crate::decoding::fixtures().join("lab/afternoon.jsonl");
    let afternoon = afternoon.to_str().unwrap();
    for words in [
        &["replay", "--print", "--user", "alice", afternoon][..],
        &["completions", "zsh"],
        &["demo"],
        &["--help"],
        &["--version"],
    ] {
        let stage = Stage::new();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = stage.command(words);
        command.stdout(writer).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*errors), (Some(0), ""), "{words:?}");
    }
}

#[tokio::test]
async fn output_that_cannot_be_written_is_a_failure() {
    let stage = Stage::new();
    let mut command = stage.command(&["completions", "bash"]);
    command
        .stdout(File::options().write(true).open("/dev/full").unwrap())
        .stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    check(
        &String::from_utf8(output.stderr).unwrap(),
        expect![[r#"
            koji-notify: standard output cannot be written
              because No space left on device (os error 28)
        "#]],
    );
}

/// The scripts are read by the shell that they are for, where it is installed; bash is everywhere.
#[tokio::test]
async fn completions_are_scripts_that_their_shell_can_read() {
    for (shell, reads) in [
        ("bash", &["bash", "-n"][..]),
        ("zsh", &["zsh", "-f", "-n"]),
        ("fish", &["fish", "--no-execute"]),
    ] {
        let ran = run(&["completions", shell]).await;
        assert_eq!((ran.code, &*ran.errors), (0, ""));
        for command in COMMANDS {
            assert!(ran.output.contains(command), "{shell} {command}");
        }
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        fs::write(&script, &ran.output).unwrap();
        let read = Command::new(reads[0]).args(&reads[1..]).arg(&script).output().await;
        match read {
            Ok(read) => {
                let errors = String::from_utf8_lossy(&read.stderr);
                assert!(read.status.success() && errors.is_empty(), "{shell}: {errors}");
            }
            Err(error) => {
                assert_ne!(shell, "bash", "{error}");
                eprintln!("NOT CHECKED: {shell} is not installed");
            }
        }
    }
    let words = r#"source <("$1" completions bash)
        [[ $(complete -p koji-notify) =~ -F\ ([^ ]+) ]]
        COMP_WORDS=(koji-notify st) COMP_CWORD=1
        "${BASH_REMATCH[1]}" koji-notify st koji-notify
        echo "${COMPREPLY[@]}""#;
    let completed = Command::new("bash")
        .args(["-c", words, "bash", PROGRAM])
        .output()
        .await
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&completed.stdout), "status\n");
}

#[tokio::test]
async fn a_configuration_that_was_named_and_is_broken_is_told_with_code_3() {
    let stage = Stage::new();
    let file = stage.home.path().join("mine.toml");
    fs::write(&file, "[tell]\nfinsihed = true\n").unwrap();
    let ran = stage.run(&["--config", file.to_str().unwrap(), "check"]).await;
    assert_eq!(ran.code, 3, "{}{}", ran.output, ran.errors);
    let all = ran.output + &ran.errors;
    assert!(all.contains("mine.toml:2:1: unknown field `finsihed`"), "{all}");
}

#[tokio::test]
async fn a_configuration_that_was_named_and_is_not_there_is_told_with_code_3() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("no/such/config.toml");
    let said = run(&["check", "--config", file.to_str().unwrap()]).await;
    assert_eq!(said.code, 3, "{}", said.output);
    let expected = format!("cannot read {}", file.display());
    assert!(said.output.contains(&expected), "{}", said.output);
    assert!(!folder.path().join("no").exists(), "nothing is made");
}

#[tokio::test]
async fn the_demo_without_a_desktop_prints_what_it_would_show() {
    let stage = Stage::new();
    let mut command = stage.command(&["demo", "--speed", "20"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    let seen = timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            told.push(line);
            let has = |what: &str| told.iter().any(|it| it.contains(what));
            let kinds = [
                "This is the first build of",
                "was tagged",
                "In the repository: ",
                "is failing",
                "The previous build succeeded",
                "Canceled by bob",
                "failed again",
                "Built, but not tagged: ",
                "The source RPM could not be built",
                "is fixed",
                "1 of 7 builds failed",
                "2 of 45 builds failed",
                "Open log",
                "[tray: failed]",
                "You lock the screen.",
            ];
            if kinds.into_iter().all(has) {
                return;
            }
        }
    });
    seen.await.unwrap();
    assert_eq!(told[0], "There is no desktop here, so the notifications are printed.");
    assert!(told.iter().any(|it| it.starts_with("* ")), "{told:?}");
    // Nobody reads on, and the play ends.
    drop(lines);
    assert_eq!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().code(), Some(0));
    let left: Vec<_> = fs::read_dir(stage.home.path()).unwrap().collect();
    assert!(left.is_empty(), "the demo writes nothing: {left:?}");
}

/// The program that is tested.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_koji-notify");

/// How a program has ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// Runs the program for a person who has nothing: no configuration, no session.
pub(crate) async fn run(words: &[&str]) -> Ran {
    Stage::new().run(words).await
}

/// Where a program runs.
pub(crate) struct Stage {
    pub(crate) home: TempDir,
    runtime: TempDir,
    bus: Option<String>,
    input: Stdio,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            runtime: tempfile::tempdir().unwrap(),
            bus: None,
            input: Stdio::null(),
        }
    }

    /// In a session with this bus.
    pub(crate) fn on(mut self, address: &str) -> Self {
        self.bus = Some(address.to_owned());
        self
    }

    pub(crate) async fn run(mut self, words: &[&str]) -> Ran {
        let mut command = self.command(words);
        command.stdin(std::mem::replace(&mut self.input, Stdio::null()));
        let mut ran = finish(&mut command).await;
        ran.errors = ran.errors.replace(self.runtime.path().to_str().unwrap(), "RUNTIME");
        ran
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(bus) = &self.bus {
            command.env("DBUS_SESSION_BUS_ADDRESS", bus);
        }
        command
    }
}

/// Runs a program to its end.
pub(crate) async fn finish(command: &mut Command) -> Ran {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("it ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code().expect("it ends by itself"),
        output: text(output.stdout),
        errors: text(output.stderr),
    }
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
