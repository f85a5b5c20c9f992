#!/usr/bin/python3
"""Says how my builds have ended, and goes on saying how others end."""
from gi.repository import Gio, GLib

NAME = "org.fedoraproject.KojiNotify"
PATH = "/org/fedoraproject/KojiNotify"
INTERFACE = "org.fedoraproject.KojiNotify1"


def tell(build):
    if build["mine"] and build["settled"]:
        print(build["text"], build.get("page", ""), flush=True)


def changed(bus, sender, path, interface, signal, arguments):
    instance, build, task, nvr, state, details = arguments.unpack()
    tell(details)


bus = Gio.bus_get_sync(Gio.BusType.SESSION)
# Listening comes first, so that nothing falls in between.
bus.signal_subscribe(NAME, INTERFACE, "Changed", PATH, None, Gio.DBusSignalFlags.NONE, changed)
daemon = Gio.DBusProxy.new_sync(bus, Gio.DBusProxyFlags.NONE, None, NAME, PATH, INTERFACE)
for build in daemon.ListRecent("(u)", 10):
    tell(build)
GLib.MainLoop().run()
