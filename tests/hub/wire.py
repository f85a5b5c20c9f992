"""XML-RPC as a Koji hub speaks it: Python's own, with integers of any size, nil, and keywords in a last struct."""

import datetime
import xmlrpc.client

HEAD = "<?xml version='1.0'?>\n"


class Encoder(xmlrpc.client.Marshaller):
    """Python's marshaller, which knows nil but stops at 32 bits."""

    dispatch = dict(xmlrpc.client.Marshaller.dispatch)

    def __init__(self):
        super().__init__("utf-8", allow_none=True)

    def dump_integer(self, value, write):
        kind = "int" if xmlrpc.client.MININT <= value <= xmlrpc.client.MAXINT else "i8"
        write("<value><%s>%d</%s></value>\n" % (kind, value, kind))

    dispatch[int] = dump_integer


def response(value):
    """Returns the document of an answer."""
    return HEAD + "<methodResponse>\n" + Encoder().dumps((value,)) + "</methodResponse>\n"


def fault(code, text):
    """Returns the document of a fault."""
    body = Encoder().dumps(xmlrpc.client.Fault(code, text))
    return HEAD + "<methodResponse>\n" + body + "</methodResponse>\n"


def call(method, arguments):
    """Returns the document of a call, as the hub keeps the requests of tasks."""
    head = HEAD + "<methodCall>\n<methodName>" + method + "</methodName>\n"
    return head + Encoder().dumps(tuple(arguments)) + "</methodCall>\n"


def decode(document):
    """Returns the arguments and the method of a call. Raises what Python's parser raises."""
    return xmlrpc.client.loads(document)


def keywords(arguments):
    """Takes the keywords out of the last argument, if that is what it holds."""
    arguments = list(arguments)
    if arguments and isinstance(arguments[-1], dict) and arguments[-1].get("__starstar"):
        named = dict(arguments.pop())
        del named["__starstar"]
        return arguments, named
    return arguments, {}


def time_text(epoch):
    """Returns a time as the hub's database prints it."""
    return None if epoch is None else moment(epoch).isoformat(sep=" ")


def moment(epoch):
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)


def epoch(time):
    """Returns seconds of a time in an argument: a number already, or text."""
    if isinstance(time, (int, float)):
        return float(time)
    if isinstance(time, xmlrpc.client.DateTime):
        parsed = datetime.datetime.strptime(time.value, "%Y%m%dT%H:%M:%S")
    else:
        parsed = datetime.datetime.fromisoformat(time.strip().replace("Z", "+00:00"))
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=datetime.timezone.utc)
    return parsed.timestamp()
