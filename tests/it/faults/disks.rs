//! A disk that is full, a folder that cannot be written, a journal that is damaged.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::SignedDuration;
use tokio::time::timeout;

use super::oracle;
use super::trial::Trial;
use crate::end_to_end::desk::{Daemon, PATIENCE};
use crate::hub_stories::scene::preload;
use crate::rabbit::Rabbit;
use crate::tray::host::{Host, ItemMenu, Manners};

/// A little more than a journal that failed is left alone.
const AGAIN: SignedDuration = SignedDuration::from_secs(61);

#[tokio::test]
async fn a_full_disk_is_said_and_everything_is_told_and_kept_when_there_is_room() {
    let Some(launcher) = small_disk() else { return };
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let folder = trial.state_folder();
    fs::create_dir_all(&folder).unwrap();
    trial.desk.launcher = launcher;
    trial.desk.launcher.push(folder.clone().into());
    let mut tray = Host::start(&trial.desk.bus, Manners::Welcoming).await;
    let mut daemon = trial.desk.daemon().await;
    let menu = menu(&trial, &mut tray).await;
    let disk = inside(&daemon, &folder);
    trial.builds_end(2).await;
    trial.all_is_told().await;
    trial.desk.all_is_acknowledged().await;

    fill(&disk);
    trial.builds_end(2).await;
    trial.all_is_told().await;
    let status = trial.desk.status_when(|it| it.journal.is_some()).await;
    let trouble = status.journal.unwrap();
    assert!(trouble.starts_with("The disk is full"), "{trouble}");
    let said = trial.desk.run(&["status"]).await;
    assert!(said.output.contains(&trouble), "{}", said.output);
    menu.labels_when(|it| it.contains(&trouble)).await;
    // The broker's queue does not stop with the disk.
    trial.builds_end(1).await;
    trial.all_is_told().await;
    trial.desk.all_is_acknowledged().await;
    let warned = daemon.log().matches("what was told cannot be kept").count();
    assert_eq!(warned, 1, "{}", daemon.log());

    fs::remove_file(disk.join("filler")).unwrap();
    trial.passes(AGAIN).await;
    trial.desk.status_when(|it| it.journal.is_none()).await;
    menu.labels_when(|it| !it.contains(&trouble)).await;
    trial.builds_end(1).await;
    trial.all_is_told().await;
    trial.desk.all_is_acknowledged().await;
    trial.oracle.judge(&oracle::journal(&disk));
    daemon.signal("TERM");
    assert!(daemon.end().await.success());
}

#[tokio::test]
async fn what_is_heard_is_shown_before_it_is_safe_on_the_disk_and_acknowledged_after() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let folder = tempfile::Builder::new().prefix("kn-disk-").tempdir().unwrap();
    let [library, gate] = ["disk.so", "gate"].map(|it| folder.path().join(it));
    preload("disk", &library);
    let gate_file = File::create(&gate).unwrap();
    for (name, value) in &mut trial.desk.more {
        if name == "LD_PRELOAD" {
            value.push(":");
            value.push(&library);
        }
    }
    trial.desk.more.push(("KN_DISK".into(), gate.clone().into()));
    let daemon = trial.desk.daemon().await;
    trial.builds_end(1).await;
    trial.all_is_told().await;
    trial.desk.all_is_acknowledged().await;

    gate_file.lock().unwrap();
    trial.builds_end(1).await;
    assert!(trial.sees(PATIENCE).await, "nothing is shown before the disk has it");
    let is_being_written = async {
        while !somebody_waits_for(&gate) {
            trial.desk.vhost.queues().await;
        }
    };
    timeout(PATIENCE, is_being_written)
        .await
        .expect("nothing is written safely");
    let queues = trial.desk.vhost.queues().await;
    let open: u64 = queues.iter().map(|it| it.messages_unacknowledged).sum();
    assert_eq!(open, 1, "acknowledged, and not on the disk");
    gate_file.unlock().unwrap();
    trial.ends_well(daemon).await;
}

/// Returns whether a process waits for the lock of a file.
fn somebody_waits_for(file: &Path) -> bool {
    let inode = format!(":{} ", fs::metadata(file).unwrap().ino());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|it| it.contains("->") && it.contains(&inode))
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_said_and_everything_is_told() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let journal = trial.state_folder().join("journal.sqlite");
    // Where a folder is no file can be, whoever asks: root, too, is told so.
    fs::create_dir_all(&journal).unwrap();
    let mut tray = Host::start(&trial.desk.bus, Manners::Welcoming).await;
    let mut daemon = trial.desk.daemon().await;
    let menu = menu(&trial, &mut tray).await;
    let status = trial.desk.status_when(|it| it.journal.is_some()).await;
    let trouble = status.journal.unwrap();
    assert!(trouble.starts_with("The history cannot be written"), "{trouble}");
    let said = trial.desk.run(&["status"]).await;
    assert!(said.output.contains(&trouble), "{}", said.output);
    menu.labels_when(|it| it.contains(&trouble)).await;
    trial.builds_end(3).await;
    trial.all_is_told().await;
    trial.desk.all_is_acknowledged().await;
    // It is made when it can be, and what was told until then is in it.
    fs::remove_dir(&journal).unwrap();
    trial.passes(AGAIN).await;
    trial.desk.status_when(|it| it.journal.is_none()).await;
    menu.labels_when(|it| !it.contains(&trouble)).await;
    let said = trial.desk.run(&["status"]).await;
    assert!(!said.output.contains(&trouble), "{}", said.output);
    daemon.signal("TERM");
    assert!(daemon.end().await.success());
    let daemon = trial.desk.daemon().await;
    trial.builds_end(1).await;
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn a_state_folder_that_is_a_file_is_said_and_everything_is_told() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let folder = trial.state_folder();
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::write(&folder, "mine\n").unwrap();
    let mut tray = Host::start(&trial.desk.bus, Manners::Welcoming).await;
    let daemon = trial.desk.daemon().await;
    let menu = menu(&trial, &mut tray).await;
    let status = trial.desk.status_when(|it| it.journal.is_some()).await;
    let trouble = status.journal.unwrap();
    assert!(trouble.starts_with("The history cannot be written"), "{trouble}");
    menu.labels_when(|it| it.contains(&trouble)).await;
    trial.builds_end(3).await;
    trial.all_is_told().await;
    trial.desk.all_is_acknowledged().await;
    // It is tried again, and is as it was.
    trial.passes(AGAIN).await;
    trial.builds_end(1).await;
    trial.all_is_told().await;
    trial.desk.all_is_acknowledged().await;
    assert_eq!(fs::read_to_string(&folder).unwrap(), "mine\n");
    menu.labels_when(|it| it.contains(&trouble)).await;
    // The file goes, and all that was told meanwhile is kept.
    fs::remove_file(&folder).unwrap();
    trial.passes(AGAIN).await;
    trial.desk.status_when(|it| it.journal.is_none()).await;
    menu.labels_when(|it| !it.contains(&trouble)).await;
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn a_journal_that_can_be_written_again_is_noticed_on_a_day_without_news() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let folder = trial.state_folder();
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::write(&folder, "mine\n").unwrap();
    let mut tray = Host::start(&trial.desk.bus, Manners::Welcoming).await;
    let daemon = trial.desk.daemon().await;
    let menu = menu(&trial, &mut tray).await;
    let status = trial.desk.status_when(|it| it.journal.is_some()).await;
    let trouble = status.journal.unwrap();
    passes_without_news(&mut trial).await;
    menu.labels_when(|it| it.contains(&trouble)).await;
    fs::remove_file(&folder).unwrap();
    passes_without_news(&mut trial).await;
    trial.desk.status_when(|it| it.journal.is_none()).await;
    menu.labels_when(|it| !it.contains(&trouble)).await;
    trial.builds_end(1).await;
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn a_journal_that_is_damaged_is_set_aside_and_said() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let folder = trial.state_folder();
    let journal = folder.join("journal.sqlite");
    for (number, is_clean) in [(0, true), (1, false)] {
        let mut daemon = trial.desk.daemon().await;
        trial.builds_end(1).await;
        trial.all_is_told().await;
        trial.desk.all_is_acknowledged().await;
        daemon.signal("TERM");
        assert!(daemon.end().await.success());
        if is_clean {
            // Not even SQLite knows it.
            scribble(&journal, 0);
        } else {
            // It begins well; and the run was not ended in order, so it is looked through.
            let mut daemon = trial.desk.daemon().await;
            trial.builds_end(1).await;
            trial.all_is_told().await;
            trial.desk.all_is_acknowledged().await;
            daemon.kill().await;
            let pages = fs::metadata(&journal).unwrap().size() / 4096;
            (1..pages).for_each(|page| scribble(&journal, page * 4096));
        }
        let damaged = fs::read(&journal).unwrap();

        let mut daemon = trial.desk.daemon().await;
        let status = trial.desk.status_when(|it| it.journal.is_some()).await;
        let aside: Vec<PathBuf> = files(&folder, ".broken-")
            .into_iter()
            .filter(|it| !is_beside(it))
            .collect();
        assert_eq!(aside.len(), number + 1, "{aside:?}");
        let newest = aside.iter().find(|it| fs::read(it).unwrap() == damaged);
        let newest = newest.expect("what was there is there, byte for byte");
        let name = newest.file_name().unwrap().to_str().unwrap();
        let trouble = status.journal.unwrap();
        assert!(
            trouble.starts_with("The history was damaged") && trouble.contains(name),
            "{trouble}"
        );
        let said = trial.desk.run(&["status"]).await;
        assert!(said.output.contains(&trouble), "{}", said.output);
        assert!(daemon.log().contains(name), "{}", daemon.log());
        trial.builds_end(1).await;
        trial.all_is_told().await;
        trial.desk.all_is_acknowledged().await;
        daemon.signal("TERM");
        assert!(daemon.end().await.success());
    }
    trial.look();
    trial.oracle.judge_without_journal();
}

/// Lets so much time pass that the journal is tried again, and nothing happens that is to be kept.
async fn passes_without_news(trial: &mut Trial<'_>) {
    trial.clock.put_forward(AGAIN);
    trial.desk.remote().await.reload().await.unwrap();
}

/// Returns the menu of the daemon in a tray.
async fn menu(trial: &Trial<'_>, tray: &mut Host) -> ItemMenu {
    let item = tray.registered().await;
    ItemMenu::of(&trial.desk.bus.connect().await, &item)
}

/// Returns how to start a program with a folder, named last before it, on a small file system of its own; none where a
/// person may not do that.
fn small_disk() -> Option<Vec<OsString>> {
    let me = fs::metadata("/proc/self").unwrap();
    // Outside it is the person, inside for a moment the owner of mounts, and then the person again: the session bus
    // wants to know who calls.
    let script = format!(
        r#"mount -t tmpfs -o size=1536k none "$0" && exec unshare --user --map-user={} --map-group={} "$@""#,
        me.uid(),
        me.gid()
    );
    let launcher: Vec<OsString> = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script]
        .map(OsString::from)
        .to_vec();
    let probe = tempfile::tempdir().unwrap();
    let tried = Command::new(&launcher[0])
        .args(&launcher[1..])
        .arg(probe.path())
        .arg("true")
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(it) if it.status.success() => Some(launcher),
        other => {
            eprintln!("NOT TESTED: a full disk. This machine lets nobody mount one of his own: {other:?}");
            None
        }
    }
}

/// Returns a folder as the daemon sees it.
fn inside(daemon: &Daemon, folder: &Path) -> PathBuf {
    Path::new(&format!("/proc/{}/root", daemon.id())).join(folder.strip_prefix("/").unwrap())
}

/// Writes until nothing more fits.
fn fill(disk: &Path) {
    let mut filler = File::create(disk.join("filler")).unwrap();
    for size in [4096, 1] {
        let error = loop {
            if let Err(error) = filler.write_all(&[0; 4096][..size]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }
}

/// Overwrites a little of a file.
fn scribble(file: &Path, at: u64) {
    let file = File::options().write(true).open(file).unwrap();
    file.write_all_at(&[0x5a; 100], at).unwrap();
}

fn files(folder: &Path, part: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    all.filter(|it| it.to_str().unwrap().contains(part)).collect()
}

/// Returns whether it is what SQLite puts beside its file.
fn is_beside(file: &Path) -> bool {
    let name = file.to_str().unwrap();
    name.ends_with("-wal") || name.ends_with("-shm")
}
