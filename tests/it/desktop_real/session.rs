//! A real desktop on a screen that nobody sees (`tests/rig`), with a shell in it that does what a story says.
//!
//! The shell reads its lines from us, so the session ends when we do. What has to be waited for on a screen has no
//! event: the shell looks again and again, and a story has patience.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long a story waits for one thing to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session that is still there after this many seconds ends itself.
const LIMIT: &str = "300";

/// Ends the answer of the shell, with the exit status behind it.
const MARK: &str = "=== the shell has done it: ";

/// A panel and a notification server that people have together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Desktop {
    /// xfce4-panel and xfce4-notifyd.
    Xfce,
    /// lxqt-panel and dunst.
    Lxqt,
    /// waybar and SwayNotificationCenter, on sway.
    Sway,
}

impl Desktop {
    /// What starts a session with the panel, and without a notification server. waybar reads its style
    /// when it starts, and SwayNotificationCenter keeps its switch in dconf.
    fn session(self) -> &'static [&'static str] {
        match self {
            Self::Xfce => &["desktop-session", "--panel", "xfce4-panel"],
            Self::Lxqt => &["desktop-session", "--panel", "lxqt-panel"],
            Self::Sway => &["wayland-session", "--bar", "none", "--service", "ca.desrt.dconf"],
        }
    }

    /// The name on the bus whose owner is the panel.
    fn panel_name(self) -> &'static str {
        match self {
            Self::Xfce => "org.xfce.Panel",
            Self::Lxqt | Self::Sway => "org.kde.StatusNotifierWatcher",
        }
    }

    fn start_panel(self) -> &'static str {
        match self {
            Self::Xfce => "xfce4-panel --disable-wm-check",
            Self::Lxqt => "lxqt-panel",
            Self::Sway => "waybar",
        }
    }

    fn start_server(self) -> &'static str {
        match self {
            Self::Xfce => {
                "for it in /usr/lib*/xfce4/notifyd/xfce4-notifyd /usr/lib/*/xfce4/notifyd/xfce4-notifyd; do
                    [ ! -x \"$it\" ] || exec \"$it\"; done"
            }
            Self::Lxqt => "dunst",
            Self::Sway => "swaync",
        }
    }

    /// Makes what is to be found on the screen find-worthy: the buttons (XFCE, sway), all of a notification (dunst,
    /// whose buttons are behind a menu program), and what can be clicked in a menu without a keyboard (waybar).
    fn paint(self) -> &'static str {
        match self {
            Self::Xfce => {
                r##"mkdir -p "$XDG_CONFIG_HOME/gtk-3.0"
                printf '%s\n' '#XfceNotifyWindow button:nth-child(1) { background: #00ff00; }' \
                    '#XfceNotifyWindow button:nth-child(2) { background: #ff00ff; }' \
                    >"$XDG_CONFIG_HOME/gtk-3.0/gtk.css""##
            }
            Self::Lxqt => {
                r##"mkdir -p "$XDG_CONFIG_HOME/dunst"
                printf '%s\n' '[global]' 'max_icon_size = 48' "dmenu = $RIG_WORK/bin/choose" \
                    '[urgency_normal]' 'background = "#ff00ff"' >"$XDG_CONFIG_HOME/dunst/dunstrc"
                printf '%s\n' '#!/bin/sh' 'grep "^#Open log "' >"$RIG_WORK/bin/choose"
                chmod +x "$RIG_WORK/bin/choose""##
            }
            // Its notifications would cover the menu.
            Self::Sway => {
                r##"mkdir -p "$XDG_CONFIG_HOME/swaync"
                printf '%s\n' '{ "positionX": "left", "positionY": "bottom" }' >"$XDG_CONFIG_HOME/swaync/config.json"
                printf '%s\n' '.notification-default-action { background: #00ff00; }' \
                    '.notification-action:first-child { background: #ff00ff; }' \
                    >"$XDG_CONFIG_HOME/swaync/style.css"
                printf '%s\n' 'menuitem check { background: #ff8000; -gtk-icon-source: none; }' \
                    'menuitem arrow { background: #00ffff; -gtk-icon-source: none; }' \
                    >"$XDG_CONFIG_HOME/waybar/style.css"
                waybar >"$RIG_LOG/panel" 2>&1 &
                until_ok eval 'owner org.kde.StatusNotifierWatcher >/dev/null 2>&1'"##
            }
        }
    }

    /// Says whether notifications may disturb, as the desktop's own switch does.
    pub(super) fn disturb(self, may: bool) -> &'static str {
        match (self, may) {
            (Self::Xfce, true) => "xfconf-query -c xfce4-notifyd -p /do-not-disturb -s false",
            (Self::Xfce, false) => "xfconf-query -c xfce4-notifyd -p /do-not-disturb -n -t bool -s true",
            (Self::Lxqt, true) => "dunstctl set-paused false",
            (Self::Lxqt, false) => "dunstctl set-paused true",
            (Self::Sway, true) => "swaync-client --dnd-off",
            (Self::Sway, false) => "swaync-client --dnd-on",
        }
    }

    /// Chooses what opens the log, with the hands that people have.
    pub(super) fn open_log(self) -> &'static str {
        match self {
            Self::Xfce | Self::Sway => "rig-click $(rig-find '#FF00FF')",
            Self::Lxqt => "dunstctl context",
        }
    }

    /// Puts away the notification that was acted on.
    pub(super) fn put_away(self) -> &'static str {
        match self {
            // The server has done it.
            Self::Xfce | Self::Sway => "true",
            Self::Lxqt => "dunstctl close-all",
        }
    }

    /// Does what is usual: a click on the notification, or on its first button where a click only puts it away.
    pub(super) fn open_page(self) -> &'static str {
        match self {
            Self::Xfce | Self::Sway => "rig-click $(rig-find '#00FF00')",
            // dunst's left button puts it away, its middle one acts.
            Self::Lxqt => "rig-click $(rig-find '#FF00FF') 2",
        }
    }
}

/// What the shell of every session knows.
const WORDS: &str = r#"
set -o pipefail
x() { DISPLAY=$RIG_DISPLAY "$@"; }
until_ok() { until "$@"; do sleep 0.1; done; }
owner() { gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.GetConnectionUnixProcessID "$1" |
    grep -o '[0-9]*,' | tr -d ,; }
picture() { x import -silent -window root "$@" -depth 8 rgb:- | sha256sum | cut -d ' ' -f 1; }
tray_picture() { picture -crop "24x24+$((RIG_TRAY_X - 12))+$((RIG_TRAY_Y - 12))"; }
colours() { x import -silent -window root miff:- | convert - -format %k info:; }
settle() { local a='' b; until b=$(picture) && [ "$b" = "$a" ]; do a=$b; sleep 0.1; done; }
away() { x xdotool mousemove 10 400; settle; }
keys() { local k; for k; do x xdotool key "$k"; settle; done; }
notified() { grep -qxF "   string \"$1\"" "$RIG_LOG/notifications"; }
opened() { grep -qxF "$1" "$RIG_OPENED"; }
# marks COLOUR: the centre of each spot of this colour, from top to bottom.
marks() {
    x import -silent -window root miff:- |
        convert - -fill black +opaque "$1" -fill white -opaque "$1" -define connected-components:verbose=true \
            -connected-components 8 null: |
        sed -n 's/^ *[0-9]*: [^ ]* \([0-9]*\)[.0-9]*,\([0-9]*\)[.0-9]* [0-9]* .*(255.*/\1 \2/p' | sort -k 2n
}
# In a menu that takes no keys: which of its lines is meant is known by what the item says.
open_menu() { rig-click "$RIG_TRAY_X" "$RIG_TRAY_Y" 3; until_ok eval "[ -n \"\$(marks '#00FFFF')\" ]"; settle; }
line_of() { grep -nF -m 1 -- "$1" | cut -d : -f 1; }
nth() { sed -n "$1p" | grep .; }
submenus() { sni menu | sed -n 's/^.\{9\}\([^ ].*\)  (submenu)$/\1/p'; }
toggles_in() { sni menu | sed 's/^.\{9\}//' | sed "1,/^$1 /d; /^[^ ]/,\$d" | grep -v -e '^ *--$'; }
# click_toggle LABEL: the only toggle of the menu itself. click_toggle SUBMENU LABEL: one of a submenu, which opens where
# the pointer is.
click_toggle() {
    open_menu
    local own at
    own=$(marks '#FF8000')
    if [ $# = 2 ]; then
        at=$(marks '#00FFFF' | nth "$(submenus | line_of "$1")") || return
        x xdotool mousemove $at sleep 0.1 mousemove_relative 1 1
        until_ok eval "marks '#FF8000' | grep -qvxF '$own'"
        settle
        at=$(marks '#FF8000' | grep -vxF "$own" | nth "$(toggles_in "$1" | line_of "$2")") || return
    fi
    rig-click ${at:-$own}
}
"#;

/// A running session.
pub(super) struct Session {
    pub(super) desktop: Desktop,
    /// What is in the session's own folder.
    pub(super) work: PathBuf,
    process: Child,
    to: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Session {
    /// Starts a session with a panel and without a notification server.
    pub(super) fn start(desktop: Desktop) -> Self {
        let rig = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig");
        let [script, options @ ..] = desktop.session() else {
            unreachable!("a session is a script and its options")
        };
        let mut process = Command::new(rig.join(script))
            .args(options)
            .args(["--limit", LIMIT, "--notifier", "none"])
            .args(["--", "bash", "--noprofile", "--norc"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // It ends with the session.
        thread::spawn(move || {
            for line in output.lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut session = Self {
            desktop,
            work: PathBuf::new(),
            to: process.stdin.take(),
            process,
            lines,
        };
        session.work = PathBuf::from(session.run("printf %s \"$RIG_WORK\""));
        session.run(WORDS);
        session.run(desktop.paint());
        session
    }

    /// Has the shell run something that must succeed, and returns what it printed.
    pub(super) fn run(&mut self, script: &str) -> String {
        let (status, output) = self.attempt(script);
        assert_eq!(status, "0", "{script}\n{output}");
        output
    }

    /// Has the shell try something until it succeeds.
    pub(super) fn until(&mut self, command: &str) {
        self.run(&format!("until_ok eval '{}'", command.replace('\'', r"'\''")));
    }

    fn attempt(&mut self, script: &str) -> (String, String) {
        let to = self.to.as_mut().unwrap();
        let line = format!("{{ {script}\n}} </dev/null 2>&1; printf '\\n{MARK}%s\\n' $?\n");
        // A session that is gone says why when it is listened to.
        _ = to.write_all(line.as_bytes()).and_then(|()| to.flush());
        let mut output = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => match line.strip_prefix(MARK) {
                    Some(status) => {
                        output.pop_if(|it: &mut String| it.is_empty());
                        return (status.to_owned(), output.join("\n"));
                    }
                    None => output.push(line),
                },
                Err(RecvTimeoutError::Timeout) => panic!("it takes too long: {script}\n{}", output.join("\n")),
                Err(RecvTimeoutError::Disconnected) => panic!(
                    "the session has ended: {}; what it needs is installed by tests/install-packages",
                    self.process.wait().unwrap()
                ),
            }
        }
    }

    /// Starts a program that runs until the session ends, with its log.
    pub(super) fn launch(&mut self, name: &str, command: &str) {
        self.run(&format!("{{ {command}; }} >>\"$RIG_LOG/{name}\" 2>&1 &"));
    }

    pub(super) fn start_server(&mut self) {
        self.launch("server", self.desktop.start_server());
        self.until("owner org.freedesktop.Notifications >/dev/null 2>&1");
    }

    pub(super) fn kill_server(&mut self) {
        self.run("kill -KILL \"$(owner org.freedesktop.Notifications)\"");
        self.until("! owner org.freedesktop.Notifications >/dev/null 2>&1");
    }

    pub(super) fn start_panel(&mut self) {
        self.launch("new-panel", self.desktop.start_panel());
    }

    pub(super) fn kill_panel(&mut self) {
        let name = self.desktop.panel_name();
        self.run(&format!("kill -KILL \"$(owner {name})\""));
        self.until("! owner org.kde.StatusNotifierWatcher >/dev/null 2>&1");
    }

    /// Waits until a notification with this title was sent.
    pub(super) fn notified(&mut self, title: &str) {
        self.until(&format!("notified '{title}'"));
    }

    /// Waits until a notification is to be seen.
    pub(super) fn sees_notification(&mut self) {
        self.until("rig-find '#FF00FF' >/dev/null");
        self.run("settle");
    }

    /// Waits until a page was opened, and checks that nothing else ever was.
    pub(super) fn opened(&mut self, pages: &[&str]) {
        self.until(&format!("opened '{}'", pages.last().unwrap()));
        let opened = fs::read_to_string(self.work.join("opened")).unwrap();
        assert_eq!(opened.lines().collect::<Vec<_>>(), pages);
    }

    /// Returns the menu as its owner tells it, without the numbers of its lines.
    pub(super) fn menu(&mut self) -> String {
        let menu = self.run("sni menu");
        let line = |line: &str| {
            let (mark, label) = (line[5..8].trim(), &line[9..]);
            let indent = &label[..label.len() - label.trim_start().len()];
            let space = if mark.is_empty() { "" } else { " " };
            format!("{indent}{mark}{space}{}\n", label.trim())
        };
        // Whether there is a clipboard depends on the machine.
        menu.lines()
            .filter(|it| !it.ends_with(" Copy name"))
            .map(line)
            .collect()
    }

    /// Takes a picture of the screen and returns how many colours it has.
    pub(super) fn colours(&mut self) -> u32 {
        self.run("colours").parse().unwrap()
    }

    /// Returns the picture around the tray icon as a number of its own.
    pub(super) fn tray_picture(&mut self) -> String {
        self.run("away; tray_picture")
    }

    /// Waits until the picture around the tray icon is this one, or another one.
    pub(super) fn until_tray_picture(&mut self, is: bool, picture: &str) {
        let sign = if is { "=" } else { "!=" };
        self.run("away");
        self.until(&format!("[ \"$(tray_picture)\" {sign} {picture} ]"));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if thread::panicking() {
            for log in fs::read_dir(self.work.join("log")).into_iter().flatten().flatten() {
                let text = fs::read(log.path()).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                let end: Vec<_> = text.lines().rev().take(30).collect();
                let end: Vec<_> = end.into_iter().rev().collect();
                eprintln!("--- {}:\n{}", log.file_name().display(), end.join("\n"));
            }
        }
        // The shell ends, and the session with it, unless the shell waits for something: then the session is asked to.
        drop(self.to.take());
        if thread::panicking() {
            _ = Command::new("kill").arg(self.process.id().to_string()).status();
        }
        _ = self.process.wait();
    }
}
