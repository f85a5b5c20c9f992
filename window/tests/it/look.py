"""Looks at the window as a screen reader does, and types as a person does.

usage: look.py STEPS PROGRAM [ARGUMENT...]    STEPS: a file with one step a line; what it finds is printed

    item TEXT      waits until the list has a line that begins with it
    no-item TEXT   waits until the list has none
    text TEXT      waits until there is such a label, anywhere
    key KEYS       presses keys, as xdotool spells them
    type TEXT      types it
    shot FILE      takes a screenshot of the window
    opened TEXT    waits until a page with it in its address was opened
    items          prints the lines of the list that are on show
    no-text TEXT   waits until there is no such label to be seen
    own NAME       takes a name on the session bus
    described NAME waits until what is called so has a description, and prints it
    file PATH TEXT waits until the file has the text in it
    press NAME     does what is called so, as a screen reader does
    run COMMAND    runs it by the shell
    focus NAME     presses Tab until what is called so has the focus
    clear          empties what has the focus
    absent PATH TEXT  waits until the file does not have the text in it
    hub NAME       first of all: starts a small hub, and a profile of the koji client that knows it
    start COMMAND  starts it, for as long as the window is there
    until COMMAND  waits until the shell says that it went well
    signal ARGUMENTS  sends a signal, as gdbus would, from the name that was taken
    mean FROM TO FILE  says whether the screenshot is as bright as that: black is 0, white is 1
    gone           waits until the program has ended
"""

import os
import select
import subprocess
import sys
import threading
import time
import types
import xmlrpc.server

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

LIMIT = 60


def until(what, look):
    """Returns what `look` returns, as soon as there is something."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            found = look()
        except (GLib.Error, OSError):  # what was looked at has gone, or is not there yet
            found = None
        if found:
            return found
        time.sleep(0.05)
    print("there is no", what, file=sys.stderr)
    for it in everything(window()):
        print("   ", it.get_role_name(), repr(it.get_name()), file=sys.stderr)
    sys.exit(1)


def window():
    desktop = Atspi.get_desktop(0)
    # What was once seen may be gone.
    desktop.set_cache_mask(Atspi.Cache.NONE)
    for at in range(desktop.get_child_count()):
        program = desktop.get_child_at_index(at)
        if program:
            program.set_cache_mask(Atspi.Cache.NONE)
        if program and program.get_name() == "koji-notify-window" and program.get_child_count():
            return program
    return None


def everything(it):
    if it is None:
        return
    yield it
    for at in range(it.get_child_count()):
        yield from everything(it.get_child_at_index(at))


def items():
    """The lines of the list; what else is in a list, such as the facts at the right, has a name of one part."""
    names = (it.get_name() for it in everything(window()) if it.get_role() == Atspi.Role.LIST_ITEM)
    return [it for it in names if ", " in it]


def stand_still():
    """Has nothing move: there is no event for the end of a movement, and what fades in cannot be reached by Tab."""
    folder = os.path.join(os.environ["XDG_CONFIG_HOME"], "gtk-4.0")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "settings.ini"), "w", encoding="utf-8") as file:
        file.write("[Settings]\ngtk-enable-animations=0\n")


def tell_focus():
    """Prints the name of what gets the focus, whenever something does."""

    def moved(event, *_):
        if event.detail1:
            print(event.source.get_name(), flush=True)

    listener = Atspi.EventListener.new(moved)
    listener.register("object:state-changed:focused")
    print(flush=True)
    Atspi.event_main()


class Focus:
    """What has the focus, as a program of its own tells: to look and to listen do not go together.

    Before GTK 4.10 nothing is told of a text that gets it, so a step goes to what is before one, and on by Tab.
    """

    def __init__(self):
        words = [sys.executable, os.path.abspath(__file__), "--focus"]
        self.teller = subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0)
        self.buffer = b""
        self.names = []
        until("teller of the focus", self.read)
        self.names.clear()

    def read(self):
        """Returns whether something was told since."""
        before = len(self.names)
        while select.select([self.teller.stdout], [], [], 0.1)[0]:
            told = os.read(self.teller.stdout.fileno(), 4096)
            if not told:
                sys.exit("the teller of the focus has ended")
            self.buffer += told
            *lines, self.buffer = self.buffer.split(b"\n")
            self.names.extend(it.decode() for it in lines)
        return len(self.names) > before

    def go_to(self, name):
        """Presses Tab, and waits after each until the focus has moved."""
        self.read()
        for _ in range(200):
            if name in self.names[-1:]:
                return
            subprocess.run(["xdotool", "key", "--clearmodifiers", "Tab"], check=True)
            until(f"next focus after {self.names[-1:]}", self.read)
        sys.exit(f"nothing on the way of the focus is called {name}: {self.names}")

    def end(self):
        self.teller.terminate()
        self.teller.wait(LIMIT)


class Hub(xmlrpc.server.SimpleXMLRPCRequestHandler):
    """As much of a hub as the doctor asks."""

    rpc_paths = ("/kojihub",)

    def log_message(self, *_):
        pass


def answer(method, parameters):
    if method == "multiCall":
        return [[answer(it["methodName"], it["params"])] for it in parameters[0]]
    if method == "getKojiVersion":
        return "1.35.3"
    if method == "getUser":
        return {"id": 6, "name": parameters[0]} if parameters[0] == "mona" else None
    raise ValueError(method)


def start_hub(name):
    server = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), Hub, allow_none=True)
    server.handle_error = lambda *_: None  # somebody who was not interested any more
    server.register_instance(types.SimpleNamespace(_dispatch=answer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = os.path.join(os.environ["HOME"], ".koji")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config"), "w", encoding="utf-8") as file:
        host = f"http://127.0.0.1:{server.server_address[1]}"
        file.write(f"[{name}]\nserver = {host}/kojihub\nweburl = {host}/koji\n")


def main():
    steps = [line.strip() for line in open(sys.argv[1], encoding="utf-8") if line.strip()]
    stand_still()
    while steps and steps[0].startswith("hub "):
        start_hub(steps.pop(0).partition(" ")[2])
    started = []
    focus = Focus()
    program = subprocess.Popen(sys.argv[2:])
    until("window", window)
    shown = subprocess.run(
        ["xdotool", "search", "--sync", "--onlyvisible", "--name", "Koji"], stdout=subprocess.PIPE, check=True
    )
    number = shown.stdout.split()[-1].decode()
    subprocess.run(["xdotool", "windowfocus", "--sync", number], check=True)
    for step in steps:
        name, _, rest = step.partition(" ")
        if name == "item":
            until(step, lambda: any(it.startswith(rest) for it in items()))
        elif name == "no-item":
            until(step, lambda: not any(it.startswith(rest) for it in items()))
        elif name == "text":
            until(step, lambda: any(rest in it.get_name() for it in everything(window())))
        elif name == "no-text":
            until(step, lambda: not any(rest in it.get_name() for it in everything(window()) if it.get_state_set().contains(Atspi.StateType.VISIBLE)))
        elif name == "own":
            owned = Gio.bus_get_sync(Gio.BusType.SESSION)
            wanted = GLib.Variant("(su)", (rest, 4))
            bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
            owned.call_sync(*bus, "RequestName", wanted, None, Gio.DBusCallFlags.NONE, -1, None)
        elif name == "described":
            found = until(step, lambda: [it for it in everything(window()) if it.get_name() == rest])
            print(found[0].get_description())
        elif name == "items":
            print("\n".join(items()))
        elif name == "key":
            subprocess.run(["xdotool", "key", "--clearmodifiers", *rest.split()], check=True)
        elif name == "type":
            subprocess.run(["xdotool", "type", rest], check=True)
        elif name == "shot":
            time.sleep(0.5)  # what fades in has no event
            subprocess.run(["import", "-window", "root", rest], check=True)
        elif name == "opened":
            log = os.environ["RIG_OPENED"]
            until(step, lambda: os.path.exists(log) and rest in open(log, encoding="utf-8").read())
        elif name == "file":
            path, _, text = rest.partition(" ")
            until(step, lambda: text in open(path, encoding="utf-8").read())
        elif name == "focus":
            focus.go_to(rest)
        elif name == "clear":
            subprocess.run(["xdotool", "key", "--clearmodifiers", "ctrl+a", "Delete"], check=True)
        elif name == "absent":
            path, _, text = rest.partition(" ")
            until(step, lambda: text not in open(path, encoding="utf-8").read())
        elif name == "press":
            pressed = (Atspi.Role.CHECK_BOX, Atspi.Role.PUSH_BUTTON, Atspi.Role.TOGGLE_BUTTON)
            named = lambda it: it.get_name() == rest and it.get_role() in pressed  # noqa: E731
            found = until(step, lambda: [it for it in everything(window()) if named(it)])
            found[0].do_action(0)
        elif name == "run":
            subprocess.run(rest, shell=True, check=True)
        elif name == "start":
            started.append(subprocess.Popen(["sh", "-c", "exec " + rest]))
        elif name == "until":
            until(step, lambda: subprocess.run(["sh", "-c", rest], stderr=subprocess.DEVNULL).returncode == 0)
        elif name == "signal":
            path, interface, signal, arguments = rest.split(" ", 3)
            owned.emit_signal(None, path, interface, signal, GLib.Variant.parse(None, arguments, None, None))
        elif name == "mean":
            low, high, file = rest.split(" ", 2)
            told = subprocess.run(["identify", "-format", "%[fx:mean]", file], stdout=subprocess.PIPE, check=True)
            if not float(low) <= float(told.stdout) <= float(high):
                sys.exit(f"{file} is {told.stdout.decode()} bright")
        elif name == "gone":
            program.wait(LIMIT)
            print("ended", program.returncode)
        else:
            sys.exit(f"unknown step: {step}")
    focus.end()
    for it in [program, *started]:
        if it.poll() is None:
            it.terminate()
            it.wait(LIMIT)


if __name__ == "__main__":
    tell_focus() if sys.argv[1] == "--focus" else main()
