"""What a site's own script would be: a receiver by the Qpid Proton library, which reads messages of Koji's protonmsg.

Standard input says where, as one JSON object: url, virtual_host, user, password, address, me, count. Each body is read
and looked at for whose it is; then standard output tells how long `count` messages took.
"""

import json
import resource
import sys
import time

from proton.handlers import MessagingHandler
from proton.reactor import Container


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Reader(MessagingHandler):
    def __init__(self, task):
        super().__init__(prefetch=100)
        self.task = task
        self.heard = self.mine = 0

    def on_start(self, event):
        task = self.task
        line = event.container.connect(
            task["url"],
            user=task["user"],
            password=task["password"],
            virtual_host=task["virtual_host"],
            allowed_mechs="PLAIN",
            allow_insecure_mechs=True,
            reconnect=False,
        )
        event.container.create_receiver(line, task["address"])

    def on_message(self, event):
        if self.heard == 0:
            self.since, self.processor = time.monotonic(), processor_time()
        self.heard += 1
        info = json.loads(event.message.body).get("info") or {}
        if info.get("owner_name") == self.task["me"]:
            self.mine += 1
        if self.heard == self.task["count"]:
            self.tell()
            event.connection.close()

    def on_transport_error(self, event):
        sys.exit(str(event.transport.condition))

    def on_link_error(self, event):
        sys.exit(str(event.link.remote_condition))

    def tell(self):
        took = time.monotonic() - self.since
        with open("/proc/self/smaps_rollup") as lines:
            pss = next(int(it.split()[1]) for it in lines if it.startswith("Pss:"))
        said = {
            "seconds": took,
            "processor_seconds": processor_time() - self.processor,
            "pss_kib": pss,
            "mine": self.mine,
        }
        print(json.dumps(said), flush=True)


Container(Reader(json.load(sys.stdin))).run()
