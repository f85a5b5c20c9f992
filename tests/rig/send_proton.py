"""Sends as Koji's protonmsg plugin does: by the real Qpid Proton library, over AMQP 1.0.

The first line on standard input is an object: {"url", "user", "password", "virtual_host"?}. Without a user it logs in
as anybody. Then one object a line, one answer a line on standard output, until the input ends:

    {"address", "properties"?, "body", "subject"?, "id"?}    the body is a text, or {"data": hexadecimal}
    -> {"outcome": "ACCEPTED"} as the broker says it, or {"error"}

A number among the properties becomes a long, as with the plugin. The plugin sets neither subject nor id.
"""

import json
import sys

import proton
from proton.utils import BlockingConnection

SETTLED_WITHIN_SECS = 60


class Line:
    """A connection with a sender for each address."""

    def __init__(self, door):
        wanted = {}
        if door.get("user") is None:
            wanted["allowed_mechs"] = "ANONYMOUS"
        else:
            wanted.update(user=door["user"], password=door["password"])
            wanted.update(allowed_mechs="PLAIN", allow_insecure_mechs=True)
        if door.get("virtual_host") is not None:
            wanted["virtual_host"] = door["virtual_host"]
        self.connection = BlockingConnection(door["url"], timeout=SETTLED_WITHIN_SECS, **wanted)
        self.senders = {}

    def send(self, request):
        address = request["address"]
        if address not in self.senders:
            self.senders[address] = self.connection.create_sender(address)
        body = request["body"]
        if isinstance(body, dict):
            body = bytes.fromhex(body["data"])
        made = proton.Message(properties=request.get("properties"), body=body)
        if "subject" in request:
            made.subject = request["subject"]
        if "id" in request:
            made.id = request["id"]
        # An outcome of any kind is an answer, not an error.
        delivery = self.senders[address].send(made, error_states=[])
        return str(delivery.remote_state)


def main():
    line = None
    for text in sys.stdin:
        request = json.loads(text)
        try:
            if line is None:
                line = Line(request)
                answer = {"outcome": "open"}
            else:
                answer = {"outcome": line.send(request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    if line is not None:
        line.connection.close()


main()
