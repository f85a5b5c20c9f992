"""What a test may tell the hub, and what it hears in return."""

import collections
import ssl

import records as rows
import stories
from day import Day
from files import task_folder
from records import shown
from server import WAIT_LIMIT_SECS, Server, listen


class Control:
    """Its operations. Users, tags and targets go by name; tasks by id; builds by id or name."""

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
        """Lets a user log in, `by` certificate (without looking at one), negotiate (`token`) or password.

        By apache, it is whoever that has let in, and `user` says nothing. Without a user nobody can.
        """
        login = {"user": user, "by": by, "token": token, "password": password}
        self.hub.login = None if user is None else login

    def op_be_old(self):
        """Is a hub from before Koji 1.31, which looks for a session in the address alone and renews none."""
        self.hub.is_old = True

    def op_session_keys(self):
        return [session.key for session in self.hub.sessions.values()]

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
        server = listen(self.hub, context)
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

        delay (secs), hold (until no_trouble), offline, status (status), drop (no answer), close (in the middle of one),
        garbage (body), endless (bytes), fault (code, text; of one method).
        """
        trouble = {"kind": kind, "method": method, "times": times, **more}
        self.hub.troubles.append(trouble)

    def op_no_trouble(self):
        """Ends all trouble. What was held goes on."""
        self.hub.lettings_go += 1
        self.hub.troubles.clear()
        self.hub.changed.notify_all()

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
        self.hub.records.averages[self.hub.records.package(package)["name"]] = float(secs)

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

    def op_cancel(self, task=None, build=None, user=None):
        """Cancels a task, or a build by its id or name. Unless a user is named, its owner does."""
        records = self.hub.records
        if task is not None:
            task = self._known(task)
            stories.cancel_task(records, task, records.add_user(user) if user else records.users[task["owner"]])
            return self._told(task)
        build = self._build(build)
        stories.cancel_build(records, build, records.add_user(user or build["owner_name"]))
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
