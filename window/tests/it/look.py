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
    gone           waits until the program has ended
"""

import os
import subprocess
import sys
import time

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
        except GLib.Error:  # what was looked at has gone
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
    for at in range(desktop.get_child_count()):
        program = desktop.get_child_at_index(at)
        if program and program.get_name() == "koji-notify-window" and program.get_child_count():
            return program
    return None


def everything(it):
    if it is None:
        return
    yield it
    it.clear_cache_single() if hasattr(it, "clear_cache_single") else it.clear_cache()
    for at in range(it.get_child_count()):
        yield from everything(it.get_child_at_index(at))


def items():
    """The lines of the list; what else is in a list, such as the facts at the right, has a name of one part."""
    names = (it.get_name() for it in everything(window()) if it.get_role() == Atspi.Role.LIST_ITEM)
    return [it for it in names if ", " in it]


def main():
    steps = [line.strip() for line in open(sys.argv[1], encoding="utf-8") if line.strip()]
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
        elif name == "press":
            pressed = (Atspi.Role.CHECK_BOX, Atspi.Role.PUSH_BUTTON, Atspi.Role.TOGGLE_BUTTON)
            named = lambda it: it.get_name() == rest and it.get_role() in pressed  # noqa: E731
            found = until(step, lambda: [it for it in everything(window()) if named(it)])
            found[0].do_action(0)
        elif name == "run":
            subprocess.run(rest, shell=True, check=True)
        elif name == "gone":
            program.wait(LIMIT)
            print("ended", program.returncode)
        else:
            sys.exit(f"unknown step: {step}")
    if program.poll() is None:
        program.terminate()
        program.wait(LIMIT)


if __name__ == "__main__":
    main()
