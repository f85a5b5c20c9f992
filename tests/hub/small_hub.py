"""A small Koji hub with a memory, for tests: it answers as the real one, and does what a test tells it.

    small_hub.py

It listens on a free loopback port and says {"port": N} on standard output. `/kojihub` is the hub, `/kojifiles` what a
site has under topurl. Then one JSON object a line on standard input, {"op": NAME, ...}, one answer a line on standard
output, {"ok": ...} or {"error": TEXT}, until the input ends; the hub ends with it. The operations are the methods of
`control.Control`. Those that change what the bus would tell answer with its messages.

Only the standard library of Python 3.9 or later is needed, and nothing of Koji's own code is used.
"""

import json
import sys

from control import Control
from records import Fault
from server import listen


def main():
    server = listen().run()
    control = Control(server)
    answers = sys.stdout
    print(json.dumps({"port": server.hub.port}), file=answers, flush=True)
    for line in sys.stdin:
        try:
            answer = {"ok": control.do(json.loads(line))}
        except Fault as fault:
            answer = {"error": fault.text}
        except Exception as error:  # a mistake of the test's, which it is to read
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
