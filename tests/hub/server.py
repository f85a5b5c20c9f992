"""The hub's door: HTTP as a hub behind Apache speaks it, sessions, troubles, and the log of calls."""

import http.server
import random
import socket
import ssl
import sys
import threading
import time
import traceback
import urllib.parse
import uuid
from xml.parsers import expat

import methods
import records as rows
import wire
from files import ranges
from records import Fault

PORTS = (12_000, 32_000)
MAX_REQUEST_BYTES = 4 << 20
MAX_DISCARDED_BYTES = 64 << 20
WAIT_LIMIT_SECS = 60
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
        self.is_old = False
        self.troubles = []
        self.lettings_go = 0
        self.calls = []
        self.changed = threading.Condition()

    def note(self, method, parts, request_bytes, has_session, query=()):
        call = {"method": method, "parts": parts, "when": self.clock.now(), "session": has_session}
        call.update({"query": sorted(query), "callnum": None})
        if "callnum" in query:
            call["callnum"] = query["callnum"][0]
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
            waits = [it for it in due if it["kind"] in ("delay", "hold")]
            others = [it for it in due if it not in waits][:1]
            for trouble in waits + others:
                self._use(trouble)
            letting_go = self.lettings_go
        for trouble in waits:
            if trouble["kind"] == "delay":
                time.sleep(trouble["secs"])
                continue
            with self.changed:
                self.changed.wait_for(lambda: self.lettings_go > letting_go, WAIT_LIMIT_SECS)
        return others[0] if others else None

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
        try:
            return methods.call(hub, session, method, arguments)
        except Fault:
            raise
        except Exception as error:
            # As the real one shows what it did not expect.
            raise Fault(1, traceback.format_exc()) from error

    def answer(self, method, arguments, headers, query, is_login, peer):
        """Answers a whole request. Returns the document."""
        parts = _parts(method, arguments)
        with self.changed:
            try:
                session, callnum = self._session(method, headers, query)
                if session is not None and session.is_expired and self.is_old:
                    raise Fault(1007, 'session "%d" has expired' % session.id)
                if is_login or method in ("sslLogin", "login"):
                    return wire.response(self._log_in(method, arguments, session, peer))
                if session is not None and session.is_expired:
                    raise Fault(1007, 'session "%d" has expired' % session.id)
                if method in ("multiCall", "system.multicall"):
                    if len(arguments) != 1 or len(parts) != len(arguments[0]):
                        raise Fault(1019, "RootExports.multiCall() takes one list of calls")
                    value = methods.multicall(self, session, arguments[0], self.single)
                    wrote = any(it in methods.WRITING for it in parts)
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
        if given[0] is None or self.is_old:
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
        name, authtype = peer
        if self.is_old and session is not None:
            raise Fault(1002, "Already logged in")
        if name is None and self.login is not None and self.login["by"] not in ("password", "apache"):
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
        answer = {"session-id": session.id, "session-key": session.key}
        return answer if self.is_old else answer | {"header-auth": True}


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.hub.clock.now() if timestamp is None else timestamp)

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
        has_session = "session-id" in query or ("Koji-Session-Id" in self.headers and not self.hub.is_old)
        call = self.hub.note(method, parts, len(body), has_session, query)
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
            # Unread bytes would make the kernel break the connection before the answer is there.
            left = min(int(length), MAX_DISCARDED_BYTES)
            while left > 0:
                piece = self.rfile.read1(min(left, PIECE_BYTES))
                left = left - len(piece) if piece else 0
            self._reply(400, b"Invalid request: Request too large\n", "text/plain")
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Gone
        return body

    def _peer(self):
        """Returns the name in the client's certificate, if it showed one, or whom Apache has let in; and in which way."""
        if self.hub.login is not None and self.hub.login["by"] == "apache":
            principal = self.headers.get("X-Remote-User")
            if principal is not None:
                return principal.partition("@")[0], 3
            return self.headers.get("X-Common-Name"), 2
        certificate = getattr(self.connection, "getpeercert", dict)()
        names = [value for part in (certificate or {}).get("subject", ()) for key, value in part if key == "commonName"]
        return names[0] if names else None, 2

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
        version = [] if self.hub.is_old else [("Koji-Version", methods.VERSION)]
        self._reply(status, body, content_type, [*version, *more])

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
            # Whoever has the last byte finds all of them counted.
            hub.records.files.count(path, len(piece))
            self.wfile.write(piece)
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
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as stream:
            super().finish_request(stream, client_address)

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


def _parts(method, arguments):
    if method not in ("multiCall", "system.multicall") or not arguments or not isinstance(arguments[0], list):
        return []
    parts = [it for it in arguments[0] if isinstance(it, dict) and isinstance(it.get("params"), list)]
    return [it["methodName"] for it in parts if isinstance(it.get("methodName"), str)]


def listen(hub=None, context=None):
    """Listens at a port that is free, below those that outgoing connections are given: it can be had again later."""
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        try:
            server = Server(("127.0.0.1", port), hub, context)
        except OSError:
            continue
        server.hub = hub or Hub(port)
        return server
