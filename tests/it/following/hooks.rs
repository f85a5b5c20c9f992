//! Programs of the person's own, run by the real daemon.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures_util::StreamExt as _;
use inotify::{Inotify, WatchMask};
use serde_json::Value;

use super::house::{Live, within};
use crate::small_hub::SmallHub;

#[tokio::test]
async fn each_ending_has_its_program_run_once_whatever_is_shown() {
    let hub = SmallHub::start();
    let hostile = hub.submit("mona", "$(touch${IFS}pwned);-1.0-1.fc44").task;
    let built = hub.submit("mona", "bash-5.3-1.fc44").task;
    let other = hub.submit("bob", "zsh-5.9-1.fc44").task;
    for task in [hostile, built, other] {
        hub.begin(task);
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hook");
    // What was read is there whole, under a name of its own, once it is renamed.
    let script = "#!/bin/sh\nprintf '%s|' \"$@\" >\"$0.$$\"; cat >>\"$0.$$\"; env | sort >>\"$0.$$\"; mv \"$0.$$\" \"$0-ran.$$\"\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let path = program.display();
    let more = format!(
        "[hooks]\non-failed = ['{path}', 'failed', '$(x);']\non-finished = ['{path}', 'finished']\n\
         on-canceled = ['/bin/false']\n"
    );
    let mut live = Live::polled(&hub.url(), &more).await;
    assert!(live.run(&["pause"]).await.starts_with("0: "));
    let mut moved = Inotify::init()
        .and_then(|it| {
            it.watches().add(folder.path(), WatchMask::MOVED_TO)?;
            it.into_event_stream([0; 1024])
        })
        .unwrap();

    hub.srpm_fails(hostile);
    hub.srpm_fails(other);
    hub.srpm_done(built);
    for arch in ["x86_64", "aarch64"] {
        hub.arch_done(built, arch);
    }
    hub.finish(built);
    live.looks_again().await;
    for _ in 0..2 {
        within("a program", moved.next()).await.unwrap().unwrap();
    }
    let ran = ran(folder.path());
    assert_eq!(ran.len(), 2, "{ran:#?}");
    let (failed, finished) = (&ran[0], &ran[1]);
    assert_eq!(failed.arguments, "failed|$(x);|");
    assert_eq!(failed.json["event"], "failed");
    assert_eq!(failed.json["state"], "FAILED");
    assert_eq!(failed.json["package"], "$(touch${IFS}pwned);");
    assert_eq!(failed.json["mine"], true);
    assert_eq!(finished.arguments, "finished|");
    assert_eq!(finished.json["nvr"], "bash-5.3-1.fc44");
    assert_eq!(finished.json["instance"], "lab");
    for it in &ran {
        assert!(!it.environment.contains("KOJI_NOTIFY"), "{}", it.environment);
        assert!(it.environment.contains("\nPATH="), "{}", it.environment);
        assert!(
            it.environment.contains("DBUS_SESSION_BUS_ADDRESS="),
            "{}",
            it.environment
        );
    }

    // The next run knows that it was done; what is new is done.
    live.ends().await;
    let next = hub.submit("mona", "make-4.4-1.fc44").task;
    hub.begin(next);
    hub.srpm_fails(next);
    live.starts_again().await;
    within("a program", moved.next()).await.unwrap().unwrap();
    live.quit().await;
    let ran = self::ran(folder.path());
    assert_eq!(ran.len(), 3, "{ran:#?}");
    assert!(ran.iter().any(|it| it.json["package"] == "make"), "{ran:#?}");
}

/// A run of the program: what it was started with, and what it read.
#[derive(Debug)]
struct Ran {
    arguments: String,
    json: Value,
    environment: String,
}

/// Returns all runs, sorted.
fn ran(folder: &Path) -> Vec<Ran> {
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let files = files.filter(|it| it.to_string_lossy().contains("-ran."));
    let mut all: Vec<String> = files.map(|it| fs::read_to_string(it).unwrap()).collect();
    all.sort();
    let read = |text: &String| {
        let (line, environment) = text.split_once('\n').unwrap();
        let start = line.find('{').unwrap();
        // An argument has no brace.
        Ran {
            arguments: line[..start].to_owned(),
            json: serde_json::from_str(&line[start..]).unwrap(),
            environment: format!("\n{environment}"),
        }
    };
    all.iter().map(read).collect()
}
