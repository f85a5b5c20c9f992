"""Plays on a screen what there is to see, with builds of the small hub, and takes the pictures. Runs inside a session of
tests/rig.

    screen.py PROGRAM FOLDER NAME [--all]    koji-notify, where the pictures go, and how their names begin

With --all also what only a hub tells: a repository that holds a build, a build that is not tagged, how long a build takes
by those before it; and the window, where it was built beside the program.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

PATIENCE_SECS = 40
ARCHES = ("x86_64", "aarch64")
SMALL_HUB = pathlib.Path(__file__).with_name("small_hub.py")
TAG_FAULT = "policy violation (tag): all builds must be signed"
RELOAD = (
    "gdbus call --session -d org.fedoraproject.KojiNotify -o /org/fedoraproject/KojiNotify"
    " -m org.fedoraproject.KojiNotify1.Reload"
)


class Hub:
    """The small hub, whose clock is set to minutes before now."""

    def __init__(self):
        command = ["/usr/bin/python3", "-B", str(SMALL_HUB)]
        said = open(os.path.join(os.environ["RIG_LOG"], "hub"), "w")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
        )
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.began = time.time()

    def do(self, operation, **more):
        self.process.stdin.write(json.dumps({"op": operation, **more}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["ok"] if "ok" in answer else sys.exit("%s: %s" % (operation, answer["error"]))

    def set_clock(self, minutes_ago):
        self.do("set_now", now=self.began - minutes_ago * 60)

    def begin(self, nvr, minutes_ago):
        self.set_clock(minutes_ago)
        task = self.do("submit", user="alice", nvr=nvr)["task"]["id"]
        self.do("start", task=task)
        self.do("srpm_done", task=task)
        return task

    def build(self, nvr, minutes_ago, minutes):
        """A build that is made for all architectures, and not complete yet."""
        task = self.begin(nvr, minutes_ago)
        self.set_clock(minutes_ago - minutes)
        for arch in ARCHES:
            self.do("arch_done", task=task, arch=arch)
        return task

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def run(command):
    return subprocess.run(command, shell=True, check=True, text=True, stdout=subprocess.PIPE).stdout


def look_until(what, is_there):
    """Has the program look at the hub until something is there."""
    end = time.monotonic() + PATIENCE_SECS
    while not is_there():
        if time.monotonic() > end:
            sys.exit("it did not come to this: " + what)
        run(RELOAD)
        time.sleep(0.3)


def menu_says(text):
    look_until(text, lambda: text in run("sni menu"))


def notified(text):
    log = pathlib.Path(os.environ["RIG_LOG"], "notifications")
    look_until(text, lambda: text in log.read_text())
    # It comes in slowly.
    time.sleep(1.5)


def configure(hub):
    site = "http://127.0.0.1:%d" % hub.port
    folder = pathlib.Path(os.environ["XDG_CONFIG_HOME"], "koji-notify")
    folder.mkdir(parents=True)
    lines = [
        "[tell]", "in-repo = true", "[instance.lab]", 'user = "alice"', 'topic-prefix = "org.example"',
        'weburl = "%s/koji"' % site, 'topurl = "%s/kojifiles"' % site, "[instance.lab.broker]", "listen = false",
        "[instance.lab.hub]", 'server = "%s/kojihub"' % site,
    ]  # fmt: skip
    (folder / "config.toml").write_text("\n".join(lines) + "\n")


class Screen:
    """What a person sees."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.is_gnome = os.environ.get("XDG_CURRENT_DESKTOP") == "GNOME"

    def shot(self, what):
        run("rig-shot '%s/%s-%s.png'" % (self.folder, self.name, what))

    def point_at(self, x, y):
        run("DISPLAY=$RIG_DISPLAY xdotool mousemove %d %d sleep 0.1 mousemove_relative 1 1" % (x, y))
        time.sleep(0.7)

    def show_notification(self):
        """GNOME shows buttons and all lines only below a pointer that comes after them."""
        if self.is_gnome:
            self.point_at(640, 400)
            self.point_at(640, 60)

    def clear(self):
        self.point_at(20, 300)
        for number in range(1, 30):
            run(
                "gdbus call --session -d org.freedesktop.Notifications -o /org/freedesktop/Notifications"
                " -m org.freedesktop.Notifications.CloseNotification %d >/dev/null 2>&1 || true" % number
            )

    def open_menu(self, keys=""):
        run('rig-click "$RIG_TRAY_X" "$RIG_TRAY_Y" %d; sleep 1' % (1 if self.is_gnome else 3))
        if keys:
            run("DISPLAY=$RIG_DISPLAY xdotool key --delay 60 %s; sleep 0.7" % keys)

    def close_menu(self):
        run("DISPLAY=$RIG_DISPLAY xdotool key Escape Escape; sleep 0.3")
        # Where a menu takes no keys.
        run("rig-click 20 400; sleep 0.3")


def play(hub, screen, program):
    run("sni wait 20")
    menu_says("python-django-5.2.2-1.fc44 is built")

    good = hub.build("bash-5.3-1.fc44", 4, 4)
    hub.do("finish", task=good)
    notified("bash-5.3-1.fc44 is built")
    screen.show_notification()
    screen.shot("built")
    screen.clear()

    bad = hub.begin("zsh-5.9-3.fc44", 4)
    hub.set_clock(1)
    hub.do("arch_done", task=bad, arch="x86_64")
    hub.do("arch_fails", task=bad, arch="aarch64")
    notified("frobnicate")
    screen.show_notification()
    screen.shot("failed")
    screen.clear()

    run("'%s' pause >/dev/null" % program)
    packages = ["Carp", "Encode", "Fcntl", "JSON-PP", "Socket", "Storable", "Test-Simple"]
    for package in packages:
        task = hub.begin("perl-%s-5.42.1-520.fc44" % package, 12)
        hub.set_clock(6)
        if package == "Socket":
            hub.do("arch_done", task=task, arch="x86_64")
            hub.do("arch_fails", task=task, arch="aarch64")
        else:
            hub.do("arch_done", task=task, arch="x86_64")
            hub.do("arch_done", task=task, arch="aarch64")
            hub.do("finish", task=task)
    held = re.compile(r"\b(\d+) notifications are held back")
    look_until("all are held back", lambda: any(int(it) >= len(packages) for it in held.findall(run("sni menu"))))
    run("'%s' resume >/dev/null" % program)
    notified("perl-Carp-5.42.1-520.fc44")
    screen.show_notification()
    screen.shot("digest")
    screen.clear()

    running = hub.begin("python-django-5.2.3-1.fc44", 3.6)
    hub.begin("kernel-6.18.0-1.fc44", 3.6)
    hub.do("arch_done", task=running, arch="x86_64")
    hub.set_clock(0)
    menu_says("python-django-5.2.3-1.fc44, 1 of 2 arches, about 16 min left")
    menu_says("kernel-6.18.0-1.fc44, 0 of 2 arches, about 1 h 56 min left")
    screen.clear()
    screen.open_menu()
    screen.shot("menu")
    screen.close_menu()


def play_the_rest(hub, screen, program):
    for build, then in [("tmux-3.6-1.fc44", "is in the repository"), ("webkit2gtk4.1-2.50.1-1.fc44", "not tagged")]:
        task = hub.build(build, 4, 4)
        if then == "not tagged":
            hub.do("tag_fails", task=task, fault=TAG_FAULT)
        else:
            hub.do("finish", task=task)
            hub.do("tag", tag="f44", build=build)
            hub.do("new_repo", tag="f44-build")
        look_until(then, lambda: any(build in it and then in it for it in titles()))
        time.sleep(1.5)
        screen.shot(then.replace("is ", "").replace("the ", "").replace(" ", "-"))
        screen.clear()
    window = pathlib.Path(program).with_name("koji-notify-window")
    if not window.exists():
        print("no picture of the window: `make window`, or `cargo build --package koji-notify-window`, builds it")
        return
    for scheme in ("light", "dark"):
        said = open(os.path.join(os.environ["RIG_LOG"], "window-" + scheme), "w")
        more = {"ADW_DEBUG_COLOR_SCHEME": "prefer-" + scheme, "GSK_RENDERER": "cairo"}
        shown = subprocess.Popen([window], stdout=said, stderr=said, env=os.environ | more)
        number = run("xdotool search --sync --onlyvisible --pid %d | tail -n 1" % shown.pid).strip()
        time.sleep(3)
        run("import -silent -window %s '%s/window-%s.png'" % (number, screen.folder, scheme))
        shown.terminate()
        shown.wait()


def titles():
    log = pathlib.Path(os.environ["RIG_LOG"], "notifications").read_text()
    return [line.strip() for line in log.splitlines() if line.startswith('   string "')]


def main(program, folder, name, *options):
    hub = Hub()
    configure(hub)
    for number, (minutes_ago, minutes) in enumerate([(360, 15), (300, 20), (240, 45)]):
        task = hub.build("python-django-5.2.%d-1.fc44" % number, minutes_ago, minutes)
        hub.do("finish", task=task)
    # The hub's word on how long it takes is another one.
    for package in ("python-django", "kernel"):
        hub.do("set_average", package=package, secs=2 * 60 * 60)
    hub.set_clock(0)
    said = open(os.path.join(os.environ["RIG_LOG"], "daemon"), "w")
    daemon = subprocess.Popen([program, "daemon"], stdout=said, stderr=said)
    try:
        screen = Screen(folder, name)
        play(hub, screen, program)
        if "--all" in options:
            play_the_rest(hub, screen, program)
    finally:
        daemon.terminate()
        daemon.wait()
        hub.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
