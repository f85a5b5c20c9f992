"""What a packager's own script would be: a callback for the real `fedora-messaging consume`.

The library parses and validates each message; the callback looks whose it is, counts COUNT of them, and tells on
standard output how long that took.
"""

import json
import os
import resource
import time

from fedora_messaging.exceptions import HaltConsumer

COUNT = int(os.environ["COUNT"])
seen = {"messages": 0, "mine": 0}


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def hear(message):
    if seen["messages"] == 0:
        seen.update(since=time.monotonic(), cpu=processor_time())
    seen["messages"] += 1
    if message.body.get("owner") == os.environ["ME"]:
        seen["mine"] += 1
    if seen["messages"] == COUNT:
        with open("/proc/self/smaps_rollup") as lines:
            pss = next(int(it.split()[1]) for it in lines if it.startswith("Pss:"))
        print(
            json.dumps(
                {
                    "seconds": time.monotonic() - seen["since"],
                    "processor_seconds": processor_time() - seen["cpu"],
                    "pss_kib": pss,
                }
            ),
            flush=True,
        )
        raise HaltConsumer()
