//! The lines of the list, as `--print-rows` prints them.

use std::process::Command;

use expect_test::{Expect, expect};

use crate::record::{Home, week};

#[test]
fn what_runs_comes_first_and_then_the_newest() {
    let home = Home::with(week());
    let printed = print(&home, &[], "C.UTF-8");
    let first: Vec<&str> = printed.lines().take(8).collect();
    expect![[r#"
        gnome-shell-49.2-1.fc43, running, 3 of 5 arches, about 8 min left, f43-candidate, 14 min ago
        kernel-6.12.8-200.fc43, failed, aarch64 failed: the package does not build, f43-candidate, 10 min, 42 min ago
        bash-5.3-2.fc43, done, Scratch build, f43-candidate, 10 min, 3 h ago
        python3.14-3.14.0-3.fc43, built, f43-candidate, by bob, 10 min, 5 h ago
        bash-5.3-1.fc43, in the repository, f43-candidate, 10 min, 9 h ago
        kernel-6.12.6-200.fc43, built, f43-candidate, 1 h 7 min, 20 h ago
        libreoffice-25.8.3-2.fc43, canceled, Canceled by otto, f43-candidate, 10 min, 1 d ago
        kernel-6.12.5-200.fc43, built, f43-candidate, 1 h 14 min, 1 d ago"#]]
    .assert_eq(&first.join("\n"));
    assert_eq!(printed.lines().count(), 30);
}

#[test]
fn a_search_finds_all_of_its_words_wherever_they_stand() {
    let home = Home::with(week());
    check(
        &home,
        "aarch64 KERNEL",
        expect![[r#"
        kernel-6.12.8-200.fc43, failed, aarch64 failed: the package does not build, f43-candidate, 10 min, 42 min ago
    "#]],
    );
    check(
        &home,
        "bash scratch",
        expect![[r#"
            bash-5.3-2.fc43, done, Scratch build, f43-candidate, 10 min, 3 h ago
        "#]],
    );
    check(
        &home,
        "canceled otto",
        expect![[r#"
            libreoffice-25.8.3-2.fc43, canceled, Canceled by otto, f43-candidate, 10 min, 1 d ago
        "#]],
    );
    check(
        &home,
        "bob",
        expect![[r#"
            python3.14-3.14.0-3.fc43, built, f43-candidate, by bob, 10 min, 5 h ago
        "#]],
    );
    check(&home, "no such build", expect![""]);
}

#[test]
fn without_a_journal_there_are_no_lines_and_no_journal_after_it() {
    let home = Home::empty();
    assert_eq!(print(&home, &[], "C.UTF-8"), "");
    assert!(!home.journal().exists());
}

#[test]
fn what_is_no_journal_is_said_on_the_terminal() {
    let home = Home::empty();
    std::fs::create_dir_all(home.journal().parent().unwrap()).unwrap();
    std::fs::write(
        home.journal(),
        "this is no database, and it is long enough to be looked at".repeat(20),
    )
    .unwrap();
    let ran = command(&home, &["--print-rows"]).output().unwrap();
    assert!(!ran.status.success());
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.starts_with("koji-notify-window: "), "{said}");
    assert!(said.contains("journal.sqlite"), "{said}");
}

fn check(home: &Home, filter: &str, expected: Expect) {
    expected.assert_eq(&print(home, &["--filter", filter], "C.UTF-8"));
}

fn print(home: &Home, words: &[&str], language: &str) -> String {
    let ran = command(home, &["--print-rows"])
        .args(words)
        .env("LC_ALL", language)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    assert_eq!(errors, "");
    String::from_utf8(ran.stdout).unwrap()
}

/// Returns the program, which is to know nothing but this home.
fn command(home: &Home, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koji-notify-window"));
    command
        .args(words)
        .arg("--config")
        .arg(home.configuration())
        .env_clear()
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.state());
    command
}
