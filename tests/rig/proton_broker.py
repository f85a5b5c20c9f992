"""A broker of AMQP 1.0 on the real Qpid Proton library, with as much of JMS as the tests need.

The first line on standard input is an object: {"certificate"?, "key"?, "ca"?, "idle_secs"?, "mechanisms", "lends"?}. It listens on a
free port of 127.0.0.1, by TLS if there is a certificate; with a CA, clients have to show a certificate of its own. It answers
with {"port"}. Then one order a line, one answer a line, until the input ends, and then the broker ends:

    {"send": address, "properties", "body"}    the body is a text; -> {"kept": count} how many wait at the address by now
    {"state": true}                            -> {"addresses": {address: {"waiting", "open"}}, "readers": [{"user",
                                                  "container", "selector"}], "accepted": count}
    {"taken": address}                         -> {"messages": [{"properties", "body", "id", "durable", "content_type"}]}
                                                  what was sent to an address by others, and waits there
    {"detach": condition}                      ends all links with this condition; -> {}
    {"silence": true}                          goes on holding its connections, and says nothing more; there is no answer

Each address is a queue. An address with "refused" in it may be neither read nor written, one with "nowhere" in it is not there.
If it "lends", who asks for copies gets those of what waits and of what comes, and everything stays where it is; otherwise it
says that nobody does. What is sent to an address with "rejects", "releases" or "modifies" in it is dealt with like that; one
with "mute" in it says nothing of it, one with "miser" never asks for anything, and one with "small" takes 1000 bytes.
A selector is in force as it is in JMS: SQLite knows the same conditions, with the same meaning of NULL.
"""

import collections
import json
import os
import sqlite3
import sys
import threading
import time

from proton import Condition, Described, Endpoint, Message, SSLDomain, Terminus, symbol
from proton.handlers import MessagingHandler
from proton.reactor import ApplicationEvent, Container, EventInjector

SELECTOR = "apache.org:selector-filter:string"


# For those who send.
CREDIT = 3


class Queue:
    def __init__(self):
        self.waiting = collections.deque()
        self.open = 0
        # All that was ever sent to it, for those who read copies.
        self.sent = []


def wanted(selector, properties):
    if selector is None:
        return True
    named = ", ".join(f"? AS \"{key}\"" for key in ("type", "attribute", "method", "new"))
    values = [properties.get(key) for key in ("type", "attribute", "method", "new")]
    question = f"SELECT 1 FROM (SELECT {named}) WHERE {selector}"
    return sqlite3.connect(":memory:").execute(question, values).fetchone() is not None


class Broker(MessagingHandler):
    def __init__(self, config, orders):
        # Deliveries are settled as the reader says; links are opened by ourselves.
        super().__init__(prefetch=0, auto_accept=False, auto_settle=True)
        self.config = config
        self.orders = orders
        self.queues = collections.defaultdict(Queue)
        self.links = {}
        # How many copies a link was lent.
        self.lent = {}
        self.unsettled = {}
        self.accepted = 0
        self.count = 0

    def on_start(self, event):
        container = event.container
        container.selectable(self.orders)
        domain = None
        if self.config.get("certificate"):
            domain = SSLDomain(SSLDomain.MODE_SERVER)
            domain.set_credentials(self.config["certificate"], self.config["key"], None)
            if self.config.get("ca"):
                domain.set_trusted_ca_db(self.config["ca"])
                domain.set_peer_authentication(SSLDomain.VERIFY_PEER, self.config["ca"])
        # What listens by an address takes no port of the system's choice.
        self.acceptor = container.acceptor("127.0.0.1", 0)
        if domain:
            self.acceptor.set_ssl_domain(domain)
        answer({"port": self.acceptor._selectable._delegate.getsockname()[1]})

    def on_connection_bound(self, event):
        sasl = event.transport.sasl()
        sasl.allowed_mechs(self.config["mechanisms"])
        sasl.allow_insecure_mechs = True
        if self.config.get("idle_secs"):
            event.transport.idle_timeout = self.config["idle_secs"]

    def on_link_opening(self, event):
        link = event.link
        end = link.remote_source if link.is_sender else link.remote_target
        address = end.address
        if "nowhere" in address or "refused" in address:
            name = "amqp:not-found" if "nowhere" in address else "amqp:unauthorized-access"
            # It is answered without a source or target, and closed when that is said.
            (link.source if link.is_sender else link.target).type = Terminus.UNSPECIFIED
            link.condition = Condition(name, f"{address} is not for you")
            self.orders.trigger(ApplicationEvent("refused", subject=link))
            return
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        if not link.is_sender:
            if "small" in address:
                link.max_message_size = 1000
            link.open()
            if "miser" not in address:
                link.flow(CREDIT)
            return
        if link.remote_source.distribution_mode == Terminus.DIST_MODE_COPY:
            if self.config.get("lends"):
                self.lent[link] = 0
            else:
                link.source.distribution_mode = Terminus.DIST_MODE_MOVE
        self.links[link] = (address, self.selector(link))
        link.open()

    def on_refused(self, event):
        event.subject.close()

    @staticmethod
    def selector(link):
        filters = link.remote_source.filter
        filters.rewind()
        if not filters.next() or filters.type() != filters.MAP:
            return None
        asked = filters.get_object().get(symbol(SELECTOR))
        return asked.value if isinstance(asked, Described) else asked

    def on_sendable(self, event):
        self.serve(event.link)

    def serve(self, link):
        address, selector = self.links.get(link, (None, None))
        if address is None:
            return
        queue = self.queues[address]
        while link in self.lent and link.credit and self.lent[link] < len(queue.sent):
            self.count += 1
            link.send(queue.sent[self.lent[link]], tag=f"copy {self.count}")
            self.lent[link] += 1
        if link in self.lent:
            return
        passed = []
        while queue.waiting and link.credit:
            message = queue.waiting.popleft()
            if not wanted(selector, message.properties or {}):
                passed.append(message)
                continue
            self.count += 1
            delivery = link.send(message, tag=str(self.count))
            self.unsettled[delivery.tag] = (link, address, message)
            queue.open += 1
        queue.waiting.extendleft(reversed(passed))

    def on_message(self, event):
        link, delivery = event.link, event.delivery
        address = link.target.address
        if "mute" in address:
            return
        if "rejects" in address:
            delivery.local.condition = Condition("amqp:not-allowed", "such a thing is not taken")
            self.reject(delivery)
        elif "releases" in address:
            self.release(delivery, delivered=False)
        elif "modifies" in address:
            self.release(delivery, delivered=True)
        else:
            self.keep(address, event.message)
            self.accept(delivery)
        link.flow(CREDIT - link.credit)

    def keep(self, address, message):
        queue = self.queues[address]
        queue.waiting.append(message)
        queue.sent.append(message)
        for link, (read, _) in list(self.links.items()):
            if read == address:
                self.serve(link)
        return len(queue.waiting)

    def on_settled(self, event):
        if not event.link.is_sender:
            return
        _, address, _ = self.unsettled.pop(event.delivery.tag, (None, None, None))
        if address is not None:
            self.queues[address].open -= 1
            self.accepted += 1

    def on_link_closing(self, event):
        self.forget([event.link])

    def on_connection_closing(self, event):
        self.forget([it for it in self.links if it.connection == event.connection])

    def on_disconnected(self, event):
        self.forget([it for it in self.links if it.connection == event.connection])

    def forget(self, links):
        """What a reader leaves behind waits again, in its order."""
        for link in links:
            self.links.pop(link, None)
            self.lent.pop(link, None)
            left = [(tag, it) for tag, it in self.unsettled.items() if it[0] == link]
            for tag, (_, address, message) in reversed(left):
                del self.unsettled[tag]
                self.queues[address].open -= 1
                self.queues[address].waiting.appendleft(message)
        for link in list(self.links):
            self.serve(link)

    def on_order(self, event):
        order = event.subject
        if "send" in order:
            message = Message(properties=order["properties"], body=order["body"])
            answer({"kept": self.keep(order["send"], message)})
        elif "taken" in order:
            answer({"messages": [described(it) for it in self.queues[order["taken"]].waiting]})
        elif "state" in order:
            answer(self.state())
        elif "detach" in order:
            for link in list(self.links):
                link.condition = Condition(order["detach"], "so it was ordered")
                link.close()
            answer({})
        elif "silence" in order:
            while True:
                time.sleep(3600)

    def state(self):
        readers = [
            {
                "user": link.transport.user if link.transport else None,
                "container": link.connection.remote_container,
                "selector": selector,
            }
            for link, (_, selector) in self.links.items()
            if link.state & Endpoint.REMOTE_ACTIVE
        ]
        addresses = {name: {"waiting": len(it.waiting), "open": it.open} for name, it in self.queues.items()}
        return {"addresses": addresses, "readers": readers, "accepted": self.accepted}


def described(message):
    body = message.body
    return {
        "properties": message.properties,
        "body": {"data": bytes(body).hex()} if isinstance(body, (bytes, memoryview)) else body,
        "id": message.id,
        "durable": message.durable,
        "content_type": message.content_type,
    }


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    config = json.loads(sys.stdin.readline())
    orders = EventInjector()

    def listen():
        for line in sys.stdin:
            orders.trigger(ApplicationEvent("order", subject=json.loads(line)))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    Container(Broker(config, orders)).run()


main()
