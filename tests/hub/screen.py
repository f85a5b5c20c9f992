"""Plays on a screen what only a hub tells: a repository that holds a build, a build that is not tagged, how long a
build takes by those before it. Runs inside a desktop session of tests/rig, and takes the screenshots.

    screen.py PROGRAM FOLDER     koji-notify, and where the pictures go
"""

import json
import os
import pathlib
import subprocess
import sys
import time

PATIENCE_SECS = 40
ARCHES = ("x86_64", "aarch64")
SMALL_HUB = pathlib.Path(__file__).with_name("small_hub.py")
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


def notified(title):
    log = pathlib.Path(os.environ["RIG_LOG"], "notifications")
    look_until(title, lambda: '   string "%s"\n' % title in log.read_text())
    # It comes in slowly, and its reason after it.
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


def play(hub, folder):
    def shot(name):
        run("rig-shot '%s/%s.png'" % (folder, name))

    run("sni wait 20")
    menu_says("python-django-5.2.2-1.fc44 is built")
    good = hub.build("bash-5.3-1.fc44", 4, 4)
    hub.do("finish", task=good)
    hub.do("tag", tag="f44", build="bash-5.3-1.fc44")
    hub.do("new_repo", tag="f44-build")
    notified("bash-5.3-1.fc44 is in the repository")
    shot("xfce-in-repo")

    bad = hub.build("webkit2gtk4.1-2.48.1-1.fc44", 4, 4)
    hub.do("tag_fails", task=bad, fault="policy violation (tag): all builds must be signed")
    notified("Built, but not tagged: webkit2gtk4.1-2.48.1-1.fc44")
    shot("xfce-not-tagged")

    running = hub.begin("python-django-5.2.3-1.fc44", 3.6)
    hub.begin("zsh-5.9-1.fc44", 3.6)
    hub.do("arch_done", task=running, arch="x86_64")
    hub.set_clock(0)
    menu_says("python-django-5.2.3-1.fc44, 1 of 2 arches, about 16 min left")
    menu_says("zsh-5.9-1.fc44, 0 of 2 arches, about 1 h 56 min left")
    run('rig-click "$RIG_TRAY_X" "$RIG_TRAY_Y" 3; sleep 0.5; xdotool key --delay 20 Down Down Down Right; sleep 0.7')
    shot("xfce-usual")


def main(program, folder):
    hub = Hub()
    configure(hub)
    for number, (minutes_ago, minutes) in enumerate([(360, 15), (300, 20), (240, 45)]):
        task = hub.build("python-django-5.2.%d-1.fc44" % number, minutes_ago, minutes)
        hub.do("finish", task=task)
    # The hub's word on how long it takes is another one.
    for package in ("python-django", "zsh"):
        hub.do("set_average", package=package, secs=2 * 60 * 60)
    hub.set_clock(0)
    said = open(os.path.join(os.environ["RIG_LOG"], "daemon"), "w")
    daemon = subprocess.Popen([program, "daemon"], stdout=said, stderr=said)
    try:
        play(hub, folder)
    finally:
        daemon.terminate()
        daemon.wait()
        hub.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
