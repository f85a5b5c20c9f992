"""Publishes by the real fedora-messaging library and the real Koji schemas, as Koji's plugin at Fedora does.

    FEDORA_MESSAGING_CONF=... publish.py

One JSON object a line on standard input, one answer a line on standard output, until the input ends:

    {"topic", "body", "schema"?, "severity"?, "headers"?, "id"?}   the library makes the properties and most headers
    {"topic", "body", "properties"}                                the library sends the properties of a recorded message
    {"topic", "raw": hexadecimal, "properties"?}                   any bytes, past the library
    -> {"id"} once the broker has confirmed it, or {"error"}

Without a schema the one that belongs to the topic is taken, and where there is none, that of any message.
"""

import json
import sys

import pika
from fedora_messaging import api, config, message

SCHEMAS = {
    "build.state.change": "koji_fedoramessaging.build.BuildStateChangeV1",
    "task.state.change": "koji_fedoramessaging.task.TaskStateChangeV1",
    "tag": "koji_fedoramessaging.tag.TagV1",
    "untag": "koji_fedoramessaging.tag.UntagV1",
    "package.list.change": "koji_fedoramessaging.package.ListChangeV1",
    "repo.init": "koji_fedoramessaging.repo.InitV1",
    "repo.done": "koji_fedoramessaging.repo.DoneV1",
    "rpm.sign": "koji_fedoramessaging.rpm.SignV1",
}
QUIET = {"tag", "untag", "package.list.change", "repo.init", "repo.done", "rpm.sign"}
CONFIRMED_WITHIN_SECS = 60


class Raw:
    """A connection without the library, opened when it is first needed."""

    def __init__(self):
        self.channel = None

    def publish(self, topic, body, properties):
        if self.channel is None or self.channel.is_closed:
            parameters = pika.URLParameters(config.conf["amqp_url"])
            # Nobody would answer heartbeats between two messages.
            parameters.heartbeat = 0
            self.channel = pika.BlockingConnection(parameters).channel()
            self.channel.confirm_delivery()
        self.channel.basic_publish(config.conf["publish_exchange"], topic, body, properties)


def event(topic):
    return topic.partition(".buildsys.")[2]


def by_library(request):
    topic = request["topic"]
    schema = request.get("schema") or SCHEMAS.get(event(topic), "base.message")
    properties = request.get("properties")
    if properties is not None:
        schema = (properties.get("headers") or {}).get("fedora_messaging_schema", schema)
        properties = pika.BasicProperties(**properties)
    made = message.get_class(schema)(
        topic=topic,
        body=request["body"],
        headers=request.get("headers"),
        properties=properties,
        severity=request.get("severity") or (message.DEBUG if event(topic) in QUIET else message.INFO),
    )
    if "id" in request:
        made.id = request["id"]
    api.publish(made, timeout=CONFIRMED_WITHIN_SECS)
    return made.id


def publish(request, raw):
    if "raw" not in request:
        return by_library(request)
    properties = pika.BasicProperties(**request.get("properties", {}))
    raw.publish(request["topic"], bytes.fromhex(request["raw"]), properties)
    return properties.message_id


def main():
    message.load_message_classes()
    raw = Raw()
    for line in sys.stdin:
        try:
            answer = {"id": publish(json.loads(line), raw)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
