//! `koji-notify window`: which program it becomes, and what it says where there is none.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn it_becomes_the_program_beside_it_with_what_it_was_told() {
    let bin = tempfile::tempdir().unwrap();
    let program = put(bin.path());
    let window = bin.path().join("koji-notify-window");
    fs::write(&window, "#!/bin/sh\necho \"$0\"; printf '<%s>\\n' \"$@\"; exit 3\n").unwrap();
    fs::set_permissions(&window, fs::Permissions::from_mode(0o755)).unwrap();
    let ran = run(
        &program,
        &["window", "--filter=-kernel $(id)", "--config", "/etc/mine.toml"],
    );
    let said = String::from_utf8(ran.stdout).unwrap();
    let expected = "<--config>\n</etc/mine.toml>\n<--filter=-kernel $(id)>\n";
    assert_eq!(said, format!("{}\n{expected}", window.display()));
    assert_eq!(ran.status.code(), Some(3));
}

#[test]
fn where_it_is_not_installed_it_says_what_to_install() {
    let bin = tempfile::tempdir().unwrap();
    let ran = run(&put(bin.path()), &["window"]);
    assert_eq!(ran.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(ran.stderr).unwrap(),
        "koji-notify: koji-notify-window is not installed; it is in the package of that name, and `make window` builds \
         it from the source\n"
    );
}

/// Returns our program in a folder where it is alone.
fn put(folder: &Path) -> PathBuf {
    let program = folder.join("koji-notify");
    fs::copy(env!("CARGO_BIN_EXE_koji-notify"), &program).unwrap();
    program
}

fn run(program: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program);
    command
        .args(words)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PATH", "/nonexistent");
    command.output().unwrap()
}
