"""A small Koji hub with a memory, for tests: it answers as the real one, and does what a test tells it.

    small_hub.py

It listens on a free loopback port and says {"port": N} on standard output. `/kojihub` is the hub, `/kojifiles` what a
site has under topurl. Then one JSON object a line on standard input, {"op": NAME, ...}, one answer a line on standard
output, {"ok": ...} or {"error": TEXT}, until the input ends; the hub ends with it. The operations are the methods of
`Control`. Those that change what the bus would tell answer with its messages.

Only the standard library of Python 3.9 or later is needed, and nothing of Koji's own code is used.
"""

import collections
import http.server
import json
import random
import socket
import ssl
import sys
import threading
import time
import urllib.parse
import uuid
from xml.parsers import expat

import methods
import records as rows
import stories
import wire
from day import Day
from files import ranges, task_folder
from records import Fault, shown

PORTS = (12_000, 32_000)
MAX_REQUEST_BYTES = 4 << 20
WAIT_LIMIT_SECS = 20
PIECE_BYTES = 1 << 16
SERVER = "Apache/2.4.62 (Fedora Linux) mod_wsgi/5.0.0"
UNAUTHORIZED = b"<html><head>\n<title>401 Unauthorized</title>\n</head><body>\n<h1>Unauthorized</h1>\n</body></html>\n"


class Gone(Exception):
    """The connection is to be closed without another word."""


class Hub:
    """Records, sessions, troubles, and the log of calls. One lock guards them all."""

    def __init__(self, port):
        self.port = port
        self.clock = rows.Clock()
        self.base_url = "http://127.0.0.1:%d" % port
        self.records = rows.Records(self.clock, self.base_url)
        self.day = None
        self.sessions = {}
        self.login = None
        self.troubles = []
        self.calls = []
        self.changed = threading.Condition()

    def note(self, method, parts, request_bytes, has_session):
        call = {"method": method, "parts": parts, "when": self.clock.now(), "session": has_session}
        call.update({"request_bytes": request_bytes, "response_bytes": None, "status": None})
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
        return call

    def answered(self, call, status, response_bytes):
        with self.changed:
            call.update({"status": status, "response_bytes": response_bytes})
            self.changed.notify_all()

    def trouble(self, names):
        """Goes through what is wrong with such a call: waits where it is to wait, and returns what else there is."""
        with self.changed:
            due = [it for it in self.troubles if it["method"] in (None, *names) and it["kind"] != "fault"]
            for trouble in due:
                self._use(trouble)
        other = None
        for trouble in due:
            if trouble["kind"] == "delay":
                time.sleep(trouble["secs"])
            elif trouble["kind"] == "hold":
                with self.changed:
                    self.changed.wait_for(lambda it=trouble: it["is_over"], WAIT_LIMIT_SECS)
            else:
                other = other or trouble
        return other

    def _use(self, trouble):
        if trouble["times"] is None:
            return
        trouble["times"] -= 1
        if trouble["times"] <= 0:
            self.troubles.remove(trouble)

    def single(self, hub, session, method, arguments):
        """Answers one call. Under the lock."""
        for trouble in list(self.troubles):
            if trouble["kind"] == "fault" and trouble["method"] == method:
                self._use(trouble)
                raise Fault(trouble["code"], trouble["text"])
        return methods.call(hub, session, method, arguments)

    def answer(self, method, arguments, headers, query, is_login, peer):
        """Answers a whole request. Returns the document."""
        with self.changed:
            try:
                session, callnum = self._session(method, headers, query)
                if is_login or method in ("sslLogin", "login"):
                    return wire.response(self._log_in(method, arguments, session, peer))
                if session is not None and session.is_expired:
                    raise Fault(1007, 'session "%d" has expired' % session.id)
                if method in ("multiCall", "system.multicall"):
                    if len(arguments) != 1 or not isinstance(arguments[0], list):
                        raise Fault(1019, "RootExports.multiCall() takes one list of calls")
                    value = methods.multicall(self, session, arguments[0], self.single)
                    wrote = any(it["methodName"] in methods.WRITING for it in arguments[0])
                else:
                    value = self.single(self, session, method, arguments)
                    wrote = method in methods.WRITING
                if session is not None and wrote and callnum is not None:
                    # A call that changes nothing is not committed, and its number is forgotten.
                    session.callnum = callnum
                return wire.response(value)
            except Fault as fault:
                return wire.fault(fault.code, fault.text)

    def _session(self, method, headers, query):
        """Returns the session that a request names, and the number of the call."""
        names = ("session-id", "session-key", "callnum")
        given = [headers.get("Koji-Session-" + it) for it in ("Id", "Key", "Callnum")]
        if given[0] is None:
            given = [query[it][0] if it in query else None for it in names]
        if given[0] is None:
            return None, None
        session = self.sessions.get(int(given[0])) if given[0].isdigit() else None
        if session is None or session.is_closed or session.key != given[1]:
            raise Fault(1002, "Invalid session or bad credentials")
        if given[2] is None:
            return session, None
        callnum = int(given[2])
        if session.callnum is not None and session.callnum > callnum:
            raise Fault(1008, "%d > %d (session %d)" % (session.callnum, callnum, session.id))
        if session.callnum == callnum:
            text = "unable to retry call %d (method %s) for session %d"
            raise Fault(1009, text % (callnum, method, session.id))
        return session, callnum

    def _log_in(self, method, arguments, session, peer):
        _, named = wire.keywords(arguments)
        name, authtype = peer, 2
        if name is None and self.login is not None and self.login["by"] != "password":
            name, authtype = self.login["user"], 3 if self.login["by"] == "negotiate" else 2
        if method == "login":
            wanted = self.login is not None and self.login["by"] == "password" and self.login
            if not wanted or list(arguments[:2]) != [wanted["user"], wanted["password"]]:
                raise Fault(1002, "invalid username or password")
            name, authtype = wanted["user"], 0
        if name is None:
            raise Fault(1002, "could not verify client: NONE")
        user = self.records.add_user(name)
        if named.get("renew") and session is not None:
            session.renewed = self.clock.now()
            session.is_expired = False
            session.callnum = None
        else:
            number = max(self.sessions, default=0) + 1
            session = methods.Session(number, None, user, authtype, self.clock.now())
            self.sessions[number] = session
        session.key = "%d-%s" % (user["id"], uuid.uuid4().hex[:20])
        return {"session-id": session.id, "session-key": session.key, "header-auth": True}


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.hub = self.server.hub
        self.server.connections.add(self.connection)
        self.left = 1000

    def finish(self):
        self.server.connections.discard(self.connection)
        super().finish()

    def handle(self):
        try:
            super().handle()
        except (Gone, ConnectionError, ssl.SSLError):
            pass
        self.close_connection = True

    def log_message(self, format, *arguments):
        sys.stderr.write("%s\n" % (format % arguments))

    def version_string(self):
        return SERVER

    def do_POST(self):
        url = urllib.parse.urlsplit(self.path)
        body = self._body()
        if body is None:
            return
        if url.path not in ("/kojihub", "/kojihub/ssllogin"):
            self._reply(404, b"Not Found\n", "text/plain")
            return
        is_login = url.path.endswith("/ssllogin")
        try:
            if not body:
                raise ValueError("Empty request")
            arguments, method = wire.decode(body)
            if method is None:
                raise ValueError("no method")
        except (expat.ExpatError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            self._answer(self.hub.note(None, [], len(body), False), 400, b"Invalid request: %s\n" % str(error).encode())
            return
        parts = _parts(method, arguments)
        query = urllib.parse.parse_qs(url.query)
        has_session = "Koji-Session-Id" in self.headers or "session-id" in query
        call = self.hub.note(method, parts, len(body), has_session)
        trouble = self.hub.trouble([method, *parts])
        if trouble is not None and self._make_trouble(trouble, call):
            return
        more = ()
        login = self.hub.login
        if is_login and login is not None and login["by"] == "negotiate":
            more = (("WWW-Authenticate", "Negotiate"),)
            if self.headers.get("Authorization") != "Negotiate " + login["token"]:
                self._reply(401, UNAUTHORIZED, "text/html; charset=iso-8859-1", more)
                self.hub.answered(call, 401, len(UNAUTHORIZED))
                return
        document = self.hub.answer(method, arguments, self.headers, query, is_login, self._peer()).encode()
        if trouble is not None and trouble["kind"] == "close":
            self.hub.answered(call, None, len(document) // 2)
            self._reply(200, document[: len(document) // 2], "text/xml", more, length=len(document))
            raise Gone
        self._answer(call, 200, document, "text/xml", more)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        if path.startswith("/kojifiles/"):
            self._send_file(path[len("/kojifiles/") :])
            return
        if path != "/kojihub":
            self._reply(404, b"Not Found\n", "text/plain")
            return
        text = b"Method Not Allowed\nThis is an XML-RPC server. Only POST requests are accepted.\n"
        self._reply(405, text, "text/plain", [("Koji-Version", methods.VERSION), ("Allow", "POST")])

    do_HEAD = do_PUT = do_DELETE = do_GET

    def _body(self):
        """Returns the body of a request; None if it was refused."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.close_connection = True
            self._reply(411, b"Length Required\n", "text/plain")
            return None
        if int(length) > MAX_REQUEST_BYTES:
            self.close_connection = True
            self._reply(400, b"Invalid request: Request too large\n", "text/plain")
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Gone
        return body

    def _peer(self):
        """Returns the name in the client's certificate, if it showed one."""
        certificate = getattr(self.connection, "getpeercert", dict)()
        names = [value for part in (certificate or {}).get("subject", ()) for key, value in part if key == "commonName"]
        return names[0] if names else None

    def _make_trouble(self, trouble, call):
        """Answers as a hub that is not well; False if it is to be answered first."""
        kind = trouble["kind"]
        if kind == "offline":
            self._answer(call, 200, wire.fault(1014, "server is offline").encode(), "text/xml")
        elif kind == "status":
            self._answer(call, trouble["status"], b"Service Unavailable\n", "text/html")
        elif kind == "drop":
            self.hub.answered(call, None, 0)
            raise Gone
        elif kind == "garbage":
            self._answer(call, 200, trouble["body"].encode(), trouble.get("content_type", "text/xml"))
        elif kind == "endless":
            self.hub.answered(call, 200, trouble["bytes"])
            self._endless(trouble["bytes"])
        else:
            return False
        return True

    def _endless(self, size):
        """An answer that goes on and on: well-formed as far as it goes."""
        head = (wire.HEAD + "<methodResponse>\n<params>\n<param>\n<value><string>").encode()
        self._reply(200, head, "text/xml", length=size)
        left = size - len(head)
        while left > 0:
            self.wfile.write(b"a" * min(left, PIECE_BYTES))
            left -= PIECE_BYTES

    def _answer(self, call, status, body, content_type="text/plain", more=()):
        self.hub.answered(call, status, len(body))
        self._reply(status, body, content_type, [("Koji-Version", methods.VERSION), *more])

    def _reply(self, status, body, content_type, more=(), length=None):
        self.left -= 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in more:
            self.send_header(name, value)
        if self.close_connection or self.left <= 0:
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            self.send_header("Keep-Alive", "timeout=15, max=%d" % self.left)
            self.send_header("Connection", "Keep-Alive")
        self.send_header("Content-Type", content_type)
        self._headers_buffer.append(b"\r\n")
        head = b"".join(self._headers_buffer)
        self._headers_buffer = []
        self.wfile.write(head if self.command == "HEAD" else head + body)

    def _send_file(self, path):
        hub = self.hub
        call = hub.note("GET " + path, [], 0, False)
        trouble = hub.trouble(["files", "GET " + path])
        if trouble is not None and self._make_trouble(trouble, call):
            return
        with hub.changed:
            file = hub.records.files.by_path.get(path)
        if file is None or self.command not in ("GET", "HEAD"):
            self._answer(call, 404, b"Not Found\n", "text/html")
            return
        more = [("Last-Modified", self.date_time_string(int(file.changed))), ("Accept-Ranges", "bytes")]
        wanted = ranges(self.headers.get("Range", ""), file.size)
        start, end = wanted or (0, file.size)
        if wanted == (0, 0):
            more = [("Content-Range", "bytes */%d" % file.size)]
            hub.answered(call, 416, 0)
            self._reply(416, b"", "text/plain", more)
            return
        status = 200 if wanted is None else 206
        if wanted is not None:
            more.append(("Content-Range", "bytes %d-%d/%d" % (start, end - 1, file.size)))
        is_cut = trouble is not None and trouble["kind"] == "close"
        self._reply(status, b"", "text/plain", more, length=end - start)
        stop = start + (end - start) // 2 if is_cut else end
        hub.answered(call, status, stop - start)
        while start < stop and self.command == "GET":
            piece = file.read(start, min(PIECE_BYTES, stop - start))
            self.wfile.write(piece)
            hub.records.files.count(path, len(piece))
            start += len(piece)
        if is_cut:
            raise Gone


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address, hub, context=None):
        self.hub = hub
        self.context = context
        self.connections = set()
        super().__init__(address, Handler)

    def finish_request(self, request, client_address):
        # In the connection's own thread: a client that does not greet holds up nobody else.
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, Gone)):
            super().handle_error(request, client_address)

    def run(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def end(self):
        """Stops listening, and ends every connection."""
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Control:
    """What a test may tell the hub. Users, tags and targets go by name; tasks by id; builds by id or name."""

    def __init__(self, server):
        self.server = server
        self.hub = server.hub
        self.tls = []

    def do(self, request):
        operation = getattr(self, "op_" + request.pop("op"))
        if operation.__name__ in ("op_wait_for_calls", "op_go_away", "op_come_back"):
            return operation(**request)
        with self.hub.changed:
            if self.hub.day is not None and self.hub.clock.stopped_at is None:
                self.hub.day.move_on(self.hub.records, self.hub.clock.now())
            return operation(**request)

    # The clock, and the hub itself

    def op_set_now(self, now):
        """Stops the clock at a time, in seconds. A day that was loaded has come so far."""
        self.hub.clock.stopped_at = now
        day = self.hub.day
        if day is not None:
            if day.begins_again(now):
                self._begin_day()
            day.move_on(self.hub.records, now)
        return {"now": self.hub.clock.now()}

    def op_advance(self, secs):
        return self.op_set_now(self.hub.clock.now() + secs)

    def op_run_clock(self):
        """Lets the world's clock run again."""
        self.hub.clock.stopped_at = None
        return {"now": self.hub.clock.now()}

    def op_login(self, user=None, by="certificate", token=None, password=None):
        """Lets a user log in: `by` certificate (without looking at one), negotiate (`token`), or password. No user: nobody."""
        login = {"user": user, "by": by, "token": token, "password": password}
        self.hub.login = None if user is None else login

    def op_expire_sessions(self):
        for session in self.hub.sessions.values():
            session.is_expired = True

    def op_close_sessions(self):
        for session in self.hub.sessions.values():
            session.is_closed = True

    def op_listen_tls(self, certificate, key, client_ca=None):
        """Listens with TLS as well. Who shows a certificate of `client_ca` at ssllogin is the user of its name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
        server = _listen(self.hub, context)
        self.tls.append(server.run())
        return {"port": server.server_address[1]}

    def op_go_away(self):
        """Ends every connection and stops listening."""
        self.server.end()

    def op_come_back(self):
        self.server = Server(("127.0.0.1", self.hub.port), self.hub).run()

    # What is wrong with it

    def op_trouble(self, kind, method=None, times=None, **more):
        """Makes trouble, for calls of a method (alone or in a multicall; `files` for downloads) or for all of them.

        delay (secs), hold (until released), offline, status (status), drop (no answer), close (in the middle of one),
        garbage (body), endless (bytes), fault (code, text; of one method).
        """
        trouble = {"kind": kind, "method": method, "times": times, "is_over": False, **more}
        self.hub.troubles.append(trouble)

    def op_no_trouble(self):
        """Ends all trouble. What was held goes on."""
        for trouble in self.hub.troubles:
            trouble["is_over"] = True
        self.hub.troubles.clear()
        self.hub.changed.notify_all()

    op_release = op_no_trouble

    # What it was asked

    def op_calls(self, clear=False):
        calls = [dict(it) for it in self.hub.calls]
        if clear:
            self.hub.calls.clear()
        return calls

    def op_wait_for_calls(self, count, method=None, answered=False):
        """Waits until so many calls have come since the log was cleared; `answered`: and been answered."""
        hub = self.hub

        def seen():
            calls = [it for it in hub.calls if method is None or method in (it["method"], *it["parts"])]
            return [it for it in calls if not answered or it["response_bytes"] is not None]

        with hub.changed:
            if not hub.changed.wait_for(lambda: len(seen()) >= count, WAIT_LIMIT_SECS):
                counted = collections.Counter(it["method"] for it in hub.calls)
                raise ValueError("only %d of %d calls; there were %s" % (len(seen()), count, dict(counted)))
            return [dict(it) for it in seen()]

    def op_bytes_sent(self):
        """Returns how many bytes of each file were sent, by path under topurl."""
        return dict(self.hub.records.files.sent)

    # Records

    def op_add_user(self, name, user_id=None, admin=False):
        return shown(self.hub.records.add_user(name, user_id, admin=admin))

    def op_add_tag(self, name, parents=(), arches="", extra=None):
        return shown(self.hub.records.add_tag(name, parents=parents, arches=arches, extra=extra))

    def op_add_target(self, name, build_tag, dest_tag):
        return self.hub.records.add_target(name, build_tag, dest_tag)

    def op_add_task(self, method, owner, request=(), fields=None):
        """Adds a task as it is. `fields` are the hub's, and `result` or `fault`."""
        owner = self.hub.records.add_user(owner)
        fields = _task_fields(fields)
        return self._task(self.hub.records.add_task(method, owner["id"], list(request), **fields))

    def op_set_task(self, task, fields):
        """Changes fields of a task as they are; the bus hears of a state as it would."""
        return self._changed(task, _task_fields(fields), self.hub.records.set_task)

    def op_add_build(self, nvr, owner, fields=None):
        """Adds a build as it is, and tells of it."""
        fields = dict(fields or {})
        task = self.hub.records.tasks.get(fields.pop("task_id", None))
        self.hub.records.add_user(owner)
        build = self.hub.records.add_build(nvr, owner, task, **fields)
        return {"build": self.hub.records.build_out(build), "messages": self.op_take_messages()}

    def op_set_build(self, build, fields):
        """Changes fields of a build as they are; the bus hears of a state as it would."""
        records, found, fields = self.hub.records, self._build(build), dict(fields)
        state = fields.pop("state", None)
        found.update(fields)
        if state is not None:
            records.set_build(found, state)
            found.update(fields)
        records.touch(found)
        return {"build": records.build_out(found), "messages": self.op_take_messages()}

    def op_put_log(self, task, name, text="", size=None):
        """Puts a file beside a task's output: `text`, after so much filler that it has `size` bytes."""
        path = task_folder(task) + name
        self.hub.records.files.put(path, text.encode(), size, self.hub.clock.now())
        return {"path": path}

    def op_put_file(self, path, text="", size=None):
        self.hub.records.files.put(path, text.encode(), size, self.hub.clock.now())

    def op_remove_file(self, path):
        del self.hub.records.files.by_path[path]

    def op_tag(self, tag, build, user="kojiadmin"):
        records = self.hub.records
        records.tag_build(records.tag(tag), self._build(build), records.add_user(user))
        return {"event": records.event, "messages": self.op_take_messages()}

    def op_untag(self, tag, build, user="kojiadmin"):
        records = self.hub.records
        records.untag_build(records.tag(tag), self._build(build), records.add_user(user))
        return {"event": records.event, "messages": self.op_take_messages()}

    def op_new_repo(self, tag, state="READY"):
        """A new repository of a tag, ready unless its state is to be INIT or PROBLEM."""
        records = self.hub.records
        repo = records.add_repo(tag)
        if state == "READY":
            records.set_repo(repo, rows.REPO_READY)
        elif state == "PROBLEM":
            records.set_repo(repo, rows.REPO_PROBLEM)
        return {"repo": records.repo_out(repo), "messages": self.op_take_messages()}

    def op_set_average(self, package, secs):
        self.hub.records.averages[self.hub.records.package(package)["name"]] = secs

    def op_bulk_ended(self, user, count, since):
        return stories.bulk_ended(self.hub.records, user, count, since)

    def op_take_messages(self):
        """Returns what the bus has been told since it was last asked."""
        outbox = self.hub.records.outbox
        messages = list(outbox)
        outbox.clear()
        return messages

    def op_load_day(self, truth, now=None):
        """Becomes the laboratory's hub of that day, at a moment of it or at its end."""
        self.hub.day = Day(truth)
        self._begin_day()
        first, last = self.hub.day.span()
        self.op_set_now(last if now is None else now)
        return {"from": first, "to": last, "submitted": len(self.hub.day.submitted)}

    def _begin_day(self):
        sent = self.hub.records.files.sent
        self.hub.records = rows.Records(self.hub.clock, self.hub.base_url)
        self.hub.records.files.sent = sent
        self.hub.day.done = 0

    # Stories

    def op_submit(self, **asked):
        return self._told(stories.submit(self.hub.records, **asked))

    def op_cancel(self, task=None, build=None):
        """Cancels a task, or a build by its id or name."""
        records = self.hub.records
        if task is not None:
            stories.cancel_task(records, self._known(task))
            return self._told(records.tasks[task])
        build = self._build(build)
        stories.cancel_build(records, build)
        if build["task_id"] is None:
            return {"build": records.build_out(build), "messages": self.op_take_messages()}
        return self._told(records.tasks[build["task_id"]])

    def op_resubmit(self, task):
        task = self._known(task)
        return self._told(stories.resubmit(self.hub.records, task, self.hub.records.users[task["owner"]]))

    def _known(self, task):
        return self.hub.records.tasks.get(task) or rows.refuse("No such task: %s" % task)

    def _build(self, build):
        return self.hub.records.build(build) or rows.refuse("No such build: %r" % (build,))

    def _task(self, task):
        return self.hub.records.task_out(task, request=True)

    def _told(self, task):
        """Returns a task, its children, its build, and what the bus has been told."""
        records = self.hub.records
        build = records.build_of(task)
        children = [self._task(it) for it in records.children_of(task)]
        told = {"task": self._task(task), "children": children, "build": build and records.build_out(build)}
        told["messages"] = self.op_take_messages()
        return told

    def _changed(self, task, fields, change):
        records, found = self.hub.records, self._known(task)
        state, result, fault = fields.pop("state", None), fields.pop("_result", None), fields.pop("_fault", None)
        found.update(fields)
        if state is not None:
            change(found, state, result, fault)
            found.update(fields)
        records.touch(found)
        return self._told(found)


def _story(step):
    def operation(self, task, **asked):
        task = self._known(task)
        step(self.hub.records, task, **asked)
        return self._told(task)

    return operation


for _step in (
    "assign", "start", "free", "srpm_fails", "srpm_done", "arch_done", "arch_fails", "complete", "finish", "tag_fails",
    "fail",
):  # fmt: skip
    setattr(Control, "op_" + _step, _story(getattr(stories, _step)))


def _task_fields(fields):
    fields = dict(fields or {})
    for name in ("result", "fault"):
        if name in fields:
            fields["_" + name] = fields.pop(name)
    return fields


def _parts(method, arguments):
    if method not in ("multiCall", "system.multicall") or not arguments or not isinstance(arguments[0], list):
        return []
    return [it.get("methodName") for it in arguments[0] if isinstance(it, dict)]


def _listen(hub=None, context=None):
    """Listens at a port that is free, below those that outgoing connections are given: it can be had again later."""
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        try:
            server = Server(("127.0.0.1", port), hub, context)
        except OSError:
            continue
        server.hub = hub or Hub(port)
        return server


def main():
    server = _listen().run()
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
