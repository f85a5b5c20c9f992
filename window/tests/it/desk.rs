//! The window on a screen, under the hands of a person and before a screen reader.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect;

use koji_notify::koji::BuildState;

use crate::record::{Home, build, week};

#[test]
fn what_is_listed_can_be_searched_and_opened_by_the_keyboard() {
    let home = Home::with(week());
    let shot = shot("light");
    let steps = format!(
        "item gnome-shell-49.2-1.fc43, running
         item kernel-6.12.8-200.fc43, failed
         text koji-notify is not running
         shot {0}
         mean 0.65 1 {0}
         key ctrl+f
         type kernel aarch64
         no-item gnome-shell
         item kernel-6.12.8-200.fc43, failed
         items
         key Down
         text aarch64 failed: the package does not build
         described Chart of how long the builds took
         shot {1}
         key Return
         opened https://koji.example.com/koji/buildinfo?buildID=80
         key ctrl+w
         gone",
        shot.display(),
        shot.with_file_name("found.png").display()
    );
    let said = look(&home, &steps, &[]);
    expect![[r#"
        kernel-6.12.8-200.fc43, failed, aarch64 failed: the package does not build, f43-candidate, 10 min, 42 min ago
        25 builds of kernel, 17 built, 5 failed, 3 canceled, half of them took up to 1 h 18 min, the last 10 min
        ended 0
    "#]]
    .assert_eq(&said);
}

#[test]
fn what_is_written_to_the_journal_is_on_show_at_once() {
    let home = Home::with(week());
    let mut over = build(90, "gnome-shell-49.2-1.fc43", BuildState::Complete, 300);
    over.children = Vec::new();
    let newer = Home::with(vec![over]);
    // Another program writes: the journal with the new state takes the place of the old one.
    let steps = format!(
        "item gnome-shell-49.2-1.fc43, running
         run cp {} {}
         item gnome-shell-49.2-1.fc43, built
         items
         text koji-notify is not running
         own org.fedoraproject.KojiNotify
         no-text koji-notify is not running",
        newer.journal().display(),
        home.journal().display(),
    );
    let said = look(&home, &steps, &[]);
    expect![[r#"
        gnome-shell-49.2-1.fc43, built, f43-candidate, 10 min, 5 min ago
    "#]]
    .assert_eq(&said);
}

#[test]
fn what_is_told_on_the_bus_is_looked_up_at_once() {
    let home = Home::with(week());
    let journal = home.move_journal();
    let newer = Home::with(vec![build(90, "gnome-shell-49.2-1.fc43", BuildState::Complete, 300)]);
    let steps = format!(
        "item gnome-shell-49.2-1.fc43, running
         own org.fedoraproject.KojiNotify
         no-text koji-notify is not running
         run cp {} {}
         items
         signal /org/fedoraproject/KojiNotify org.fedoraproject.KojiNotify1 BuildChanged ('fedora', uint64 90, 'gnome-shell-49.2-1.fc43', 'COMPLETE', 'mona')
         item gnome-shell-49.2-1.fc43, built
         no-item kernel",
        newer.journal().display(),
        journal.display(),
    );
    let said = look(&home, &steps, &[]);
    // Nobody looked before.
    assert!(said.starts_with("gnome-shell-49.2-1.fc43, running, "), "{said}");
}

#[test]
fn in_the_dark_and_in_german_it_is_the_same_window() {
    let home = Home::with(week());
    home.put_doctor("[]");
    let catalogs = home.german().display().to_string();
    let steps = format!(
        "item gnome-shell-49.2-1.fc43, läuft
         item kernel-6.12.8-200.fc43, fehlgeschlagen
         key ctrl+f
         type kernel
         no-item gnome-shell
         key Down
         key Down
         shot {shot}
         mean 0 0.35 {shot}
         key ctrl+comma
         text Einstellungen
         text Koji-Instanz fedora",
        shot = shot("dark-german").display()
    );
    let environment = [
        ("ADW_DEBUG_COLOR_SCHEME", "prefer-dark"),
        ("LANGUAGE", "de"),
        ("TEXTDOMAINDIR", &*catalogs),
    ];
    look(&home, &steps, &environment);
}

#[test]
fn the_first_page_finds_tries_and_writes() {
    let home = Home::empty();
    fs::remove_file(home.configuration()).unwrap();
    home.put_program();
    let steps = format!(
        "hub lab
         text Which builds are yours?
         text Nobody on this computer knows who you are on lab
         shot {asked}
         type moan
         key Return
         text The hub knows no user moan
         text Not all of it works
         key ctrl+a
         type mona
         key Return
         text mona is user number 6
         text It works
         shot {tried}
         focus Write
         key Return
         file {file} user = \"mona\"
         file {file} profile = \"lab\"
         no-text Which builds are yours?
         text There is no history yet",
        asked = shot("setup-asked").display(),
        tried = shot("setup").display(),
        file = home.configuration().display(),
    );
    look(&home, &steps, &[]);
}

#[test]
fn the_running_program_takes_what_was_edited() {
    let home = Home::with(week());
    home.put_program();
    // Quiet hours that are always.
    let steps = format!(
        "start {program} --config {file} daemon
         until {program} status
         no-text koji-notify is not running
         key ctrl+comma
         text Started builds
         focus Quiet hours
         key space
         focus Tell of failures all the same
         key Tab Tab
         type 00:00-24:00
         key Return
         file {file} hours = [\"00:00-24:00\"]
         until {program} status --json | grep -q '\"hours\"'",
        program = home.path().join("koji-notify").display(),
        file = home.configuration().display(),
    );
    look(&home, &steps, &[]);
}

#[test]
fn a_home_without_builds_says_so() {
    let steps = format!("text There is no history yet\nshot {}", shot("empty").display());
    look(&Home::empty(), &steps, &[]);
}

#[test]
fn the_settings_are_shown_with_what_the_doctor_says_and_can_be_switched() {
    let home = Home::with(week());
    home.put_doctor(
        r#"[{"what": "configuration", "state": "good", "text": "The file has no mistakes"},
            {"what": "fedora: hub", "state": "bad", "text": "koji.example.com does not answer",
             "advice": "It is tried again by itself"},
            {"what": "tray", "state": "note", "text": "No tray is running"}]"#,
    );
    let steps = format!(
        "item gnome-shell-49.2-1.fc43
         key ctrl+comma
         text Started builds
         text Koji instance fedora
         text No tray is running
         shot {}
         press Started builds
         file {file} started = true
         file {file} user = \"mona\" # that is me",
        shot("preferences").display(),
        file = home.configuration().display(),
    );
    look(&home, &steps, &[]);
}

#[test]
fn an_edited_setting_ends_in_the_file_and_a_wrong_one_does_not() {
    let home = Home::with(week());
    home.put_doctor(r#"[{"what": "fedora: user", "state": "good", "text": "mona is known to the hub"}]"#);
    let key = home.path().join("key.pem");
    fs::write(&key, "").unwrap();
    let steps = format!(
        "key ctrl+comma
         text Started builds
         focus Quiet hours
         key space
         focus Tell of failures all the same
         key Tab Tab
         type 25:00-07:00
         key Return
         text `hours`: expected times such as
         shot {wrong}
         absent {file} hours
         clear
         type 22:00-07:00
         key Return
         file {file} hours = [\"22:00-07:00\"]
         text 22:00–07:00
         key Tab
         focus Packages that you follow
         key space Tab
         type bash
         key Return
         file {file} packages = [\"bash\"]
         focus Message broker
         key space Tab
         type amqps://broker.example.com
         key Return
         text there is no login
         key Tab Tab
         type com.example.prod
         key Return
         file {file} topic-prefix = \"com.example.prod\"
         key Tab Tab
         type key.pem
         key Return
         text expected `key` beside it
         shot {pending}
         absent {file} broker
         key Tab Tab
         type key.pem
         key Return
         file {file} url = \"amqps://broker.example.com\"
         file {file} certificate = \"key.pem\"
         no-text expected `key` beside it
         text mona is known to the hub
         file {file} user = \"mona\" # that is me",
        wrong = shot("wrong").display(),
        pending = shot("pending").display(),
        file = home.configuration().display(),
    );
    look(&home, &steps, &[]);
}

/// Returns where a screenshot goes, for whoever wants to look.
fn shot(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window");
    fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.png"))
}

/// Shows the window on a screen of its own, and returns what was found there.
fn look(home: &Home, steps: &str, environment: &[(&str, &str)]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = home.path().join("steps");
    fs::write(&file, steps).unwrap();
    let mut command = Command::new(root.join("../tests/rig/desktop-session"));
    command
        .args(["--panel", "none", "--notifier", "none", "--service", "org.a11y.Bus"])
        .args(["--size", "1000x720", "--limit", "300", "--", "env"])
        .arg(format!("XDG_STATE_HOME={}", home.state().display()))
        .args([
            "GTK_A11Y=atspi",
            "GSK_RENDERER=cairo",
            "LC_ALL=C.UTF-8",
            "NO_AT_BRIDGE=0",
        ])
        .args(environment.iter().map(|(name, value)| format!("{name}={value}")))
        .arg("/usr/bin/python3")
        .arg(root.join("tests/it/look.py"))
        .arg(&file)
        .arg(home.program())
        .arg("--config")
        .arg(home.configuration());
    let ran = command.output().unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}: {errors}", ran.status);
    String::from_utf8(ran.stdout).unwrap()
}
