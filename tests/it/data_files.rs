//! What is installed beside the program: valid, complete, of one mind about names, and accepted by what reads it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::tidy::root;

const ID: &str = "org.fedoraproject.KojiNotify";

#[test]
fn the_tools_that_read_them_find_no_fault() {
    make(&["check-data"]);
    make(&["check-words"]);
}

#[test]
fn everything_is_installed_where_desktops_look() {
    let prefix = "/usr";
    let house = tempfile::tempdir().unwrap();
    let destination = format!("DESTDIR={}", house.path().display());
    let program = format!("BIN={}", stand_in(house.path(), "echo \"completions: $*\"").display());
    make(&["install", &destination, "PREFIX=/usr", &program]);
    let installed = files(&house.path().join("usr"));
    for expected in [
        "bin/koji-notify",
        "lib/systemd/user/koji-notify.service",
        "share/applications/org.fedoraproject.KojiNotify.desktop",
        "share/bash-completion/completions/koji-notify",
        "share/dbus-1/interfaces/org.fedoraproject.KojiNotify1.xml",
        "share/dbus-1/services/org.fedoraproject.KojiNotify.service",
        "share/doc/koji-notify/CHANGELOG.md",
        "share/doc/koji-notify/LICENSE",
        "share/doc/koji-notify/README.md",
        "share/doc/koji-notify/config.toml",
        "share/fish/vendor_completions.d/koji-notify.fish",
        "share/icons/hicolor/scalable/apps/org.fedoraproject.KojiNotify.svg",
        "share/icons/hicolor/symbolic/apps/org.fedoraproject.KojiNotify-idle-symbolic.svg",
        "share/icons/hicolor/symbolic/apps/org.fedoraproject.KojiNotify-building-symbolic.svg",
        "share/icons/hicolor/symbolic/apps/org.fedoraproject.KojiNotify-failed-symbolic.svg",
        "share/icons/hicolor/symbolic/apps/org.fedoraproject.KojiNotify-paused-symbolic.svg",
        "share/icons/hicolor/symbolic/apps/org.fedoraproject.KojiNotify-offline-symbolic.svg",
        "share/koji-notify/autostart/org.fedoraproject.KojiNotify.desktop",
        "share/locale/cs/LC_MESSAGES/koji-notify.mo",
        "share/locale/de/LC_MESSAGES/koji-notify.mo",
        "share/locale/fr/LC_MESSAGES/koji-notify.mo",
        "share/man/man1/koji-notify.1",
        "share/metainfo/org.fedoraproject.KojiNotify.metainfo.xml",
        "share/zsh/site-functions/_koji-notify",
    ] {
        assert!(installed.contains(expected), "{expected} is not among\n{installed:#?}");
    }
    for file in &installed {
        let path = house.path().join("usr").join(file);
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if file.starts_with("bin/") { 0o755 } else { 0o644 }, "{file}");
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("@bindir@"), "{file} is a template still");
        assert!(
            !text.contains(house.path().to_str().unwrap()),
            "{file} knows where it was packed"
        );
    }
    let read = |file: &str| fs::read_to_string(house.path().join("usr").join(file)).unwrap();
    let shells = [
        ("bash-completion/completions/koji-notify", "bash"),
        ("zsh/site-functions/_koji-notify", "zsh"),
        ("fish/vendor_completions.d/koji-notify.fish", "fish"),
    ];
    for (file, shell) in shells {
        assert_eq!(
            read(&format!("share/{file}")),
            format!("completions: completions {shell}\n")
        );
    }
    let unit = read("lib/systemd/user/koji-notify.service");
    assert_eq!(value(&unit, "ExecStart"), format!("{prefix}/bin/koji-notify"));
    let entry = read("share/applications/org.fedoraproject.KojiNotify.desktop");
    let metainfo = read("share/metainfo/org.fedoraproject.KojiNotify.metainfo.xml");
    for language in ["cs", "de", "fr"] {
        assert!(entry.contains(&format!("\nComment[{language}]=")), "{entry}");
        assert!(
            metainfo.contains(&format!("<summary xml:lang=\"{language}\">")),
            "{metainfo}"
        );
    }
    // Nobody has said where the pictures are.
    assert!(
        !metainfo.contains("screenshot") && metainfo.contains("<categories>"),
        "{metainfo}"
    );
    make(&[
        "install",
        &destination,
        "PREFIX=/usr",
        &program,
        "SCREENSHOTS=https://example.org/koji",
    ]);
    let metainfo = read("share/metainfo/org.fedoraproject.KojiNotify.metainfo.xml");
    let pictures: Vec<_> = metainfo
        .split("<image>https://example.org/koji/")
        .skip(1)
        .map(|it| it.split('<').next().unwrap())
        .collect();
    assert_eq!(pictures, ["failed-light.png", "menu.png", "window-light.png"]);
    for picture in pictures {
        assert!(root().join("data/screenshots").join(picture).is_file(), "{picture}");
    }

    make(&["uninstall", &destination, "PREFIX=/usr"]);
    assert_eq!(files(&house.path().join("usr")), BTreeSet::new());
}

#[test]
fn a_window_that_was_built_is_installed_and_one_that_was_not_is_not_missed() {
    let house = tempfile::tempdir().unwrap();
    let destination = format!("DESTDIR={}", house.path().display());
    let program = stand_in(house.path(), "");
    let window = program.with_file_name("koji-notify-window");
    let program = format!("BIN={}", program.display());
    make(&["install", &destination, "PREFIX=/usr", &program]);
    let usr = house.path().join("usr");
    let is_of_window = |it: &&String| it.contains("indow");
    assert_eq!(files(&usr).iter().filter(is_of_window).count(), 0);

    fs::write(&window, "").unwrap();
    make(&["install", &destination, "PREFIX=/usr", &program]);
    let installed = files(&usr);
    let installed: Vec<&str> = installed.iter().filter(is_of_window).map(String::as_str).collect();
    let entry = "share/applications/org.fedoraproject.KojiNotify.Window.desktop";
    assert_eq!(installed, ["bin/koji-notify-window", entry]);
    let mode = fs::metadata(usr.join("bin/koji-notify-window"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
    let entry = fs::read_to_string(usr.join(entry)).unwrap();
    assert_eq!(value(&entry, "Exec"), "koji-notify-window");
    assert_eq!(value(&entry, "Icon"), ID);

    make(&["uninstall", &destination, "PREFIX=/usr"]);
    assert_eq!(files(&usr), BTreeSet::new());
}

#[test]
fn all_files_are_of_one_mind_about_names() {
    let read = |file: &str| fs::read_to_string(root().join("data").join(file)).unwrap();
    let entry = read("org.fedoraproject.KojiNotify.desktop");
    let autostart = read("org.fedoraproject.KojiNotify-autostart.desktop");
    for key in ["Name", "Comment", "Exec", "Icon", "Type"] {
        assert_eq!(value(&entry, key), value(&autostart, key), "{key}");
    }
    assert_eq!(value(&entry, "Icon"), ID);
    assert_eq!(value(&autostart, "X-GNOME-Autostart-enabled"), "true");

    let unit = read("koji-notify.service.in");
    let activation = read("org.fedoraproject.KojiNotify.service.in");
    assert_eq!(value(&unit, "BusName"), ID);
    assert_eq!(value(&activation, "Name"), ID);
    assert_eq!(value(&activation, "SystemdService"), "koji-notify.service");
    assert_eq!(value(&activation, "Exec"), value(&unit, "ExecStart"));
    assert_eq!(
        value(&entry, "Exec"),
        value(&unit, "ExecStart").trim_start_matches("@bindir@/")
    );

    let metainfo = read("org.fedoraproject.KojiNotify.metainfo.xml");
    for expected in [
        format!("<id>{ID}</id>"),
        format!("<launchable type=\"desktop-id\">{ID}.desktop</launchable>"),
        format!("<dbus type=\"user\">{ID}</dbus>"),
        format!("<summary>{}</summary>", value(&entry, "Comment")),
        format!("<project_license>{}</project_license>", env!("CARGO_PKG_LICENSE")),
    ] {
        assert!(metainfo.contains(&expected), "{expected}");
    }
    let release = metainfo.split("<release version=\"").nth(1).unwrap();
    assert!(
        release.starts_with(env!("CARGO_PKG_VERSION")),
        "the newest release is another version"
    );
}

#[test]
fn what_a_browser_could_not_live_with_is_not_in_the_unit() {
    let unit = fs::read_to_string(root().join("data/koji-notify.service.in")).unwrap();
    let settings: Vec<&str> = unit.lines().filter(|it| !it.starts_with('#')).collect();
    for limit in [
        "NoNewPrivileges",
        "MemoryDenyWriteExecute",
        "SystemCallFilter",
        "RestrictAddressFamilies",
        "Protect",
        "Private",
        "UMask",
        "MemoryMax",
        "TasksMax",
        "Restrict",
        "LockPersonality",
    ] {
        let found: Vec<_> = settings.iter().filter(|it| it.starts_with(limit)).collect();
        let found: Vec<_> = found.iter().filter(|it| !it.starts_with("RestartPrevent")).collect();
        assert!(found.is_empty(), "{found:?}");
    }
    let reasons = unit.lines().zip(unit.lines().skip(1));
    for (before, line) in reasons {
        let is_hardening = [
            "KillMode=",
            "OOMPolicy=",
            "LimitCORE=",
            "NotifyAccess=",
            "RestartPreventExitStatus=",
        ];
        if is_hardening.iter().any(|it| line.starts_with(it)) {
            assert!(before.starts_with('#'), "{line} has no reason");
        }
    }
}

#[test]
fn the_unit_is_up_when_the_program_says_so_and_leaves_the_browser_alone() {
    let home = tempfile::tempdir().unwrap();
    // Says that it is ready only after a while, starts a browser, and waits for its end.
    let program = stand_in(
        home.path(),
        r#"
        sleep 600 & echo $! >"$HOME/browser"
        python3 -c '
import os, socket
address = os.environ["NOTIFY_SOCKET"]
it = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
it.connect("\0" + address[1:] if address[0] == "@" else address)
it.send(b"STATUS=a browser speaks")' # not the main process: not believed
        touch "$HOME/started"
        exec python3 -c '
import os, signal, socket
address = os.environ["NOTIFY_SOCKET"]
it = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
it.connect("\0" + address[1:] if address[0] == "@" else address)
it.send(b"READY=1")
signal.pause()'"#,
    );
    let script = r#"
        set -eux
        systemctl --user start koji-notify
        test -e "$HOME/started"
        test "$(systemctl --user show -P ActiveState koji-notify)" = active
        test "$(systemctl --user show -P StatusText koji-notify)" = ""
        pid=$(systemctl --user show -P MainPID koji-notify)
        grep -q '^Max core file size *0 ' /proc/$pid/limits
        grep -q '^NoNewPrivs:.0$' /proc/$pid/status
        systemctl --user stop koji-notify
        test "$(systemctl --user show -P ActiveState koji-notify)" = inactive
        test "$(systemctl --user show -P Result koji-notify)" = success
        kill -0 "$(cat "$HOME/browser")"
        kill "$(cat "$HOME/browser")""#;
    with_user_manager(&program, script);
}

#[test]
fn the_unit_comes_back_after_a_crash_and_not_after_a_reason() {
    let home = tempfile::tempdir().unwrap();
    let program = stand_in(home.path(), r#"exit "$(cat "$HOME/status")""#);
    let script = r#"
        set -eux
        ended() {
            echo "$1" >"$HOME/status"
            ! systemctl --user start koji-notify || exit 1
            systemctl --user show -P SubState koji-notify
            systemctl --user stop koji-notify
            systemctl --user reset-failed koji-notify
        }
        test "$(ended 1)" = auto-restart
        test "$(ended 134)" = auto-restart
        test "$(ended 0)" = failed
        test "$(ended 2)" = failed
        test "$(ended 3)" = failed"#;
    with_user_manager(&program, script);
}

#[test]
fn the_user_manager_starts_and_stops_the_program_itself() {
    let script = r#"
        set -eux
        mkdir -p "$XDG_CONFIG_HOME/koji-notify"
        echo mona@EXAMPLE.COM >"$HOME/.fedora.upn"
        printf '%s\n' '[instance.nowhere]' 'user = "mona"' 'topic-prefix = "com.example"' \
            'weburl = "https://koji.example.com/koji"' '[instance.nowhere.broker]' 'url = "amqp://127.0.0.1:9/%2F"' \
            >"$XDG_CONFIG_HOME/koji-notify/config.toml"
        systemctl --user start koji-notify || { systemctl --user status koji-notify; cat "$RIG_LOG/manager"; exit 1; }
        test "$(systemctl --user show -P ActiveState koji-notify)" = active
        pid=$(systemctl --user show -P MainPID koji-notify)
        owner=$(dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / \
            org.freedesktop.DBus.GetConnectionUnixProcessID string:org.fedoraproject.KojiNotify)
        test "${owner##* }" = "$pid"
        systemctl --user stop koji-notify
        test "$(systemctl --user show -P Result koji-notify)" = success"#;
    with_user_manager(Path::new(env!("CARGO_BIN_EXE_koji-notify")), script);
}

/// Installs a program, and runs a script in a session whose user manager knows the unit.
fn with_user_manager(program: &Path, script: &str) {
    let house = tempfile::tempdir().unwrap();
    let folder = house.path().join("bin");
    fs::create_dir(&folder).unwrap();
    fs::copy(program, folder.join("koji-notify")).unwrap();
    let template = fs::read_to_string(root().join("data/koji-notify.service.in")).unwrap();
    let unit = template.replace("@bindir@", folder.to_str().unwrap());
    fs::write(house.path().join("koji-notify.service"), unit).unwrap();
    let mut session = Command::new(root().join("tests/rig/systemd-session"));
    session
        .arg("--units")
        .arg(house.path())
        .args(["--", "bash", "-c", script]);
    let output = session.output().unwrap();
    let said = shown(&output);
    if output.status.code() == Some(125) {
        println!("skipped: no user manager of systemd can run here\n{said}");
        return;
    }
    assert!(output.status.success(), "{said}");
}

/// Returns a shell script that stands in for the program.
fn stand_in(folder: &Path, body: &str) -> PathBuf {
    let program = folder.join("stand-in");
    fs::write(&program, format!("#!/bin/bash\n{body}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// Runs a target of the Makefile, which has to succeed.
fn make(words: &[&str]) {
    let mut command = Command::new("make");
    command.args(["--no-print-directory", "-C"]).arg(root()).args(words);
    // A `make test` above us has nothing to say to this one.
    for variable in ["MAKEFLAGS", "MAKELEVEL", "MFLAGS"] {
        command.env_remove(variable);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "make {words:?}\n{}", shown(&output));
}

fn shown(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    format!("{}\n{out}\n{err}", output.status)
}

/// Returns the files below a folder, by their path in it.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files
}

/// Returns the value of the one line `key=value`.
fn value(text: &str, key: &str) -> String {
    let values: Vec<&str> = text
        .lines()
        .filter_map(|it| it.strip_prefix(key)?.strip_prefix('='))
        .collect();
    assert_eq!(values.len(), 1, "{key} in\n{text}");
    values[0].to_owned()
}
