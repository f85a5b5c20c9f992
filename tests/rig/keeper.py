"""Starts a broker in a directory that a test has laid out, and ends it when the test is gone, however it went.

    keeper.py DIRECTORY [--runner PID --room DIRECTORY]

The directory holds environment.json (the whole environment of the broker and of its tools), launch.json (what to start)
and all that the broker reads and writes. Without --runner the broker lives until standard input is closed, which the
kernel does even for a test that was killed. With --runner it is shared by the tests of one run, each of which is a
process of its own, and lives until the runner is gone; then the room in which those tests met is removed as well.

Commands, one a line on standard input: stop (as the init system would), kill, start. Answers, one a line on standard
output: ready, stopped, or failed and why.
"""

import argparse
import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

START_LIMIT_SECS = 120
STOP_LIMIT_SECS = 60
END_LIMIT_SECS = 10
PR_SET_CHILD_SUBREAPER = 36


class Gone(Exception):
    """Nobody wants the broker any more."""


class Keeper:
    def __init__(self, directory, runner):
        self.directory = directory
        self.runner = runner
        self.environment = json.loads((directory / "environment.json").read_text())
        self.launch = json.loads((directory / "launch.json").read_text())
        self.epmd = None
        self.broker = None
        self.broker_end = None
        self.commands = b""

    def start(self):
        """Starts the broker and returns when it has booted: its control script then rings the bell."""
        self.start_epmd()
        path = self.directory / "bell"
        path.unlink(missing_ok=True)
        (self.directory / "control").unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as bell, open(self.directory / "output", "ab") as output:
            bell.bind(str(path))
            bell.listen()
            self.broker = subprocess.Popen(
                self.launch["broker"],
                env=self.environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self.broker_end = os.pidfd_open(self.broker.pid)
            started = self.wait(START_LIMIT_SECS, bell.fileno()) == bell.fileno()
        if not started:
            self.kill()
            text = (self.directory / "output").read_text(errors="replace")
            raise RuntimeError("the broker did not start: " + text[-4000:])

    def start_epmd(self):
        """Starts a port mapper of our own, so that none is left behind as a service, and waits until it answers."""
        if self.epmd is not None:
            return
        with open(self.directory / "output", "ab") as output:
            self.epmd = subprocess.Popen(
                self.launch["epmd"],
                env=self.environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        address = ("127.0.0.1", int(self.environment["ERL_EPMD_PORT"]))
        for _ in range(1000):
            try:
                socket.create_connection(address, timeout=5).close()
                return
            except OSError:
                if self.epmd.poll() is not None:
                    break
                time.sleep(0.01)
        raise RuntimeError("the port mapper did not start")

    def stop(self):
        """Ends the broker in order: connections are told why, what is durable is written."""
        if self.broker is None:
            return
        os.kill(self.broker.pid, signal.SIGTERM)
        if self.wait(STOP_LIMIT_SECS) is None:
            raise RuntimeError("the broker did not stop")
        self.kill()

    def kill(self):
        """Ends the broker at once, with all that it started."""
        if self.broker is None:
            return
        try:
            os.killpg(self.broker.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.broker.wait()
        os.close(self.broker_end)
        self.broker = None

    def wait(self, seconds, *others):
        """Returns what happened first: the broker's end, one of the others, or nothing in that time."""
        watched = [self.broker_end, *others, self.life()]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self.life() in ready and self.is_over():
            raise Gone
        return next((it for it in ready if it != self.life()), None)

    def life(self):
        return sys.stdin.fileno() if self.runner is None else self.runner

    def is_over(self):
        """Tells a closed standard input from a command that came early; a runner's descriptor says it by itself."""
        if self.runner is not None:
            return True
        data = os.read(self.life(), 4096)
        self.commands += data
        return data == b""

    def serve(self):
        """Carries out commands until nobody wants the broker any more."""
        while True:
            while b"\n" not in self.commands:
                select.select([self.life()], [], [])
                if self.is_over():
                    raise Gone
            line, _, self.commands = self.commands.partition(b"\n")
            command = line.decode()
            try:
                if command == "start":
                    self.start()
                    answer("ready")
                elif command == "stop":
                    self.stop()
                    answer("stopped")
                elif command == "kill":
                    self.kill()
                    answer("stopped")
                else:
                    answer("failed: there is no command " + command)
            except RuntimeError as error:
                answer("failed: " + str(error).replace("\n", "\\n"))

    def end(self):
        """Returns when all that was ever started here has ended, however far down."""
        self.kill()
        if self.epmd is not None:
            self.epmd.kill()
            self.epmd.wait()
        # What a killed broker leaves ends by itself when it finds its pipe closed.
        signal.signal(signal.SIGALRM, end_in_order)
        signal.alarm(END_LIMIT_SECS)
        try:
            while True:
                os.waitpid(-1, 0)
        except (ChildProcessError, Gone):
            signal.alarm(0)


def answer(line):
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # Whoever started a shared broker may be gone long before it.
        sys.stdout = open(os.devnull, "w")


def remove(directory):
    # A process that is being killed may still be writing a file.
    for _ in range(100):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.05)


def end_in_order(_number, _frame):
    raise Gone


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--runner", type=int)
    parser.add_argument("--room", type=pathlib.Path)
    arguments = parser.parse_args()
    # Orphans below us become our children, so that we know when the last of them has ended.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end_in_order)
    runner = None
    keeper = None
    try:
        if arguments.runner is not None:
            runner = os.pidfd_open(arguments.runner)
        keeper = Keeper(arguments.directory, runner)
        keeper.start()
        answer("ready")
        keeper.serve()
    except Gone:
        pass
    except (OSError, RuntimeError) as error:
        answer("failed: " + str(error).replace("\n", "\\n"))
    finally:
        if keeper is not None:
            keeper.end()
        remove(arguments.directory)
        if arguments.room is not None:
            remove(arguments.room)


main()
