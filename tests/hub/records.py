"""What the hub's database would hold: users, tags, tasks, builds, repositories, and who may hear of a change.

A change of a task's or build's state goes through here, so that it leaves the same marks and the same messages as on a
real hub. Whether a change makes sense is for `stories` to know.
"""

import time

import files
import messages
import wire

FREE, OPEN, CLOSED, CANCELED, ASSIGNED, FAILED = range(6)
TASK_STATES = ("FREE", "OPEN", "CLOSED", "CANCELED", "ASSIGNED", "FAILED")
ENDED = (CLOSED, CANCELED, FAILED)

BUILDING, COMPLETE, DELETED, BUILD_FAILED, BUILD_CANCELED = range(5)
BUILD_STATES = ("BUILDING", "COMPLETE", "DELETED", "FAILED", "CANCELED")

REPO_INIT, REPO_READY, REPO_EXPIRED, REPO_DELETED, REPO_PROBLEM = range(5)

TASK_FIELDS = (
    "arch", "awaited", "channel_id", "completion_time", "completion_ts", "create_time", "create_ts", "host_id", "id",
    "label", "method", "owner", "parent", "priority", "start_time", "start_ts", "state", "waiting", "weight",
)  # fmt: skip
BUILD_FIELDS = (
    "build_id", "completion_time", "completion_ts", "creation_event_id", "creation_time", "creation_ts", "draft",
    "epoch", "extra", "name", "nvr", "owner_id", "owner_name", "package_id", "package_name", "promoter_id",
    "promoter_name", "promotion_time", "promotion_ts", "release", "source", "start_time", "start_ts", "state",
    "task_id", "version", "volume_id", "volume_name",
)  # fmt: skip
# The hub's name for an architecture that packagers know by another.
CANONICAL = {"i386": "i386", "i486": "i386", "i586": "i386", "i686": "i386", "armv7hl": "armhfp", "armhfp": "armhfp"}
BUILDER = "builder1"
HOST_ID = 1


class Fault(Exception):
    """What a call is answered with when it fails."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code
        self.text = text


def refuse(text):
    raise Fault(1000, text)


class Clock:
    """The world's clock, until it is stopped at a time."""

    def __init__(self):
        self.stopped_at = None

    def now(self):
        return round(float(time.time() if self.stopped_at is None else self.stopped_at), 6)


class Records:
    """Everything a hub knows. Dictionaries hold records as they are answered, with what is only for us after a `_`."""

    def __init__(self, clock, base_url):
        self.clock = clock
        self.base_url = base_url
        self.topic_prefix = "org.fedoraproject.prod"
        self.outbox = []
        self.users, self.packages, self.tags, self.targets, self.repos = {}, {}, {}, {}, {}
        self.tasks, self.builds, self.children = {}, {}, {}
        self.tagged, self.averages, self.files, self.plans = [], {}, files.Files(), {}
        self.event = 0
        self.touches = 0
        self.last_task = self.last_build = self.last_buildroot = 0
        self._settle()

    def _settle(self):
        """The world as it is before anything happens: that of our laboratory, and mona."""
        for name in ("kojiadmin", "alice", "bob", "kojira", BUILDER, "mona"):
            self.add_user(name, usertype=1 if name == BUILDER else 0)
        self.add_tag("f44", tag_id=1)
        self.add_tag("f44-build", tag_id=2, arches="x86_64 aarch64", parents=["f44"])
        self.add_tag("f44-signing-pending", tag_id=4)
        self.add_tag("f43", tag_id=5)
        self.add_tag("f43-build", tag_id=6, arches="x86_64 aarch64", parents=["f43"])
        self.add_tag("f43-updates-candidate", tag_id=7, parents=["f43"])
        self.add_target("rawhide", "f44-build", "f44-signing-pending")
        self.add_target("f43-candidate", "f43-build", "f43-updates-candidate")
        for tag in ("f44-build", "f43-build"):
            self.set_repo(self.add_repo(tag), REPO_READY)
        self.outbox.clear()

    # Who and what there is

    def add_user(self, name, user_id=None, usertype=0, status=0, admin=False):
        known = self.user(name)
        if known is not None:
            return known
        user_id = user_id or max(self.users, default=0) + 1
        user = {"id": user_id, "name": name, "status": status, "usertype": usertype}
        user["krb_principals"] = [name + "@KOJI.TEST"] if usertype == 0 else []
        user["_admin"] = admin or name == "kojiadmin"
        self.users[user_id] = user
        return user

    def user(self, it):
        """Returns a user by id, name or principal."""
        if isinstance(it, int):
            return self.users.get(it)
        return next((u for u in self.users.values() if u["name"] == it or it in u["krb_principals"]), None)

    def host_name(self, host_id):
        """There is only one builder; a test may make up others."""
        return BUILDER if host_id == HOST_ID else "builder%d" % host_id

    def package(self, name):
        """Returns a package by name, made if it was not known."""
        if name not in self.packages:
            self.packages[name] = {"id": len(self.packages) + 1, "name": name}
        return self.packages[name]

    def add_tag(self, name, tag_id=None, arches="", parents=(), extra=None):
        tag_id = tag_id or max(self.tags, default=0) + 1
        tag = {"arches": arches, "id": tag_id, "locked": False, "maven_include_all": False, "maven_support": False}
        tag.update({"name": name, "perm": None, "perm_id": None, "extra": extra or {}})
        tag["_parents"] = [self.tag(it)["id"] for it in parents]
        self.tags[tag_id] = tag
        return tag

    def tag(self, it):
        """Returns a tag by id or name."""
        if isinstance(it, int) and it in self.tags:
            return self.tags[it]
        found = next((tag for tag in self.tags.values() if tag["name"] == it), None)
        return found or refuse("No such tag: %r" % it)

    def add_target(self, name, build_tag, dest_tag):
        build, dest = self.tag(build_tag), self.tag(dest_tag)
        target = {"build_tag": build["id"], "build_tag_name": build["name"]}
        target.update({"dest_tag": dest["id"], "dest_tag_name": dest["name"]})
        target.update({"id": len(self.targets) + 1, "name": name})
        self.targets[name] = target
        return target

    # Tasks

    def add_task(self, method, owner, request, task_id=None, **fields):
        now = self.clock.now()
        task_id = task_id or self.last_task + 1
        self.last_task = max(self.last_task, task_id)
        task = dict.fromkeys(TASK_FIELDS)
        task.update({"arch": "noarch", "channel_id": 1, "priority": 20, "state": FREE, "weight": 1.0})
        task.update({"id": task_id, "method": method, "owner": owner, "create_ts": now})
        task.update({"request": request, "_result": None, "_fault": None})
        task.update(fields)
        self.tasks[task["id"]] = task
        if task["parent"] is not None:
            self.children.setdefault(task["parent"], []).append(task["id"])
        self.touch(task)
        return task

    def child(self, parent, method, label, request, arch="noarch"):
        """A task that another one waits for."""
        fields = {"parent": parent["id"], "label": label, "arch": arch, "priority": parent["priority"] - 1}
        child = self.add_task(method, parent["owner"], request, awaited=True, **fields)
        parent["waiting"] = True
        return child

    def children_of(self, task):
        return [self.tasks[it] for it in self.children.get(task["id"], ())]

    def set_task(self, task, state, result=None, fault=None):
        """Moves a task to a state, with all that belongs to it, and tells the bus if it would hear of it."""
        now, old = self.clock.now(), task["state"]
        task["state"] = state
        if state == FREE:
            task["host_id"] = None
        elif state == ASSIGNED:
            task["host_id"] = HOST_ID
        elif state == OPEN:
            task["host_id"] = HOST_ID
            task["start_ts"] = now
        else:
            task["completion_ts"] = now
            if task["awaited"] and state != CANCELED:
                task["awaited"] = False
        task["_result"] = result if state == CLOSED else None
        task["_fault"] = fault if state == FAILED else None
        self.touch(task)
        if old != state:
            self.say(messages.task_state(self, task, TASK_STATES[old], TASK_STATES[state]))

    # Builds

    def add_build(self, nvr, owner, task=None, state=BUILDING, epoch=None, source=None, build_id=None, **fields):
        """A new build record."""
        name, version, release = nvr.rsplit("-", 2)
        now, package, owner = self.clock.now(), self.package(name), self.user(owner)
        build_id = build_id or self.last_build + 1
        self.last_build = max(self.last_build, build_id)
        self.event += 1
        build = dict.fromkeys(BUILD_FIELDS)
        if fields.get("draft"):
            release += ",draft_%d" % build_id
        build.update({"build_id": build_id, "id": build_id, "cg_id": None, "cg_name": None})
        build.update({"name": name, "package_name": name, "package_id": package["id"]})
        build.update({"version": version, "release": release, "nvr": "%s-%s-%s" % (name, version, release)})
        build.update({"epoch": epoch, "source": source, "state": state, "draft": False})
        build.update({"owner_id": owner["id"], "owner_name": owner["name"], "task_id": task and task["id"]})
        build.update({"creation_event_id": self.event, "creation_ts": now, "start_ts": now})
        build.update({"volume_id": 0, "volume_name": "DEFAULT"})
        if source is not None:
            build["extra"] = {"source": {"original_url": source}}
        if state != BUILDING:
            build["completion_ts"] = now
        build.update(fields)
        self.builds[build_id] = build
        self.touch(build)
        self.say(messages.build_state(self, build, None, state))
        return build

    def recycle_build(self, build, owner, task, source):
        """Takes the record of a build that failed or was canceled for a new attempt."""
        now, old = self.clock.now(), build["state"]
        self.event += 1
        build.update({"state": BUILDING, "task_id": task["id"], "source": source, "completion_ts": None})
        build.update({"owner_id": owner["id"], "owner_name": owner["name"]})
        build.update({"creation_event_id": self.event, "creation_ts": now, "start_ts": now})
        build["extra"] = {"source": {"original_url": source}}
        self.touch(build)
        self.say(messages.build_state(self, build, old, BUILDING))

    def set_build(self, build, state):
        old = build["state"]
        build["state"] = state
        build["completion_ts"] = None if state == BUILDING else self.clock.now()
        self.touch(build)
        if old != state:
            self.say(messages.build_state(self, build, old, state))

    def build(self, it):
        """Returns a build by id, name-version-release, or a struct that says one of these."""
        if isinstance(it, dict):
            it = it.get("id") or it.get("build_id") or it.get("nvr") or "%(name)s-%(version)s-%(release)s" % it
        if isinstance(it, int):
            return self.builds.get(it)
        return next((build for build in self.builds.values() if build["nvr"] == it), None)

    def build_of(self, task):
        return next((build for build in self.builds.values() if build["task_id"] == task["id"]), None)

    # Tags and repositories

    def tag_build(self, tag, build, user):
        self.event += 1
        listing = {"tag_id": tag["id"], "build_id": build["build_id"], "create_event": self.event}
        listing["revoke_event"] = None
        self.tagged.append(listing)
        self.say(messages.tag(self, "tag", tag, build, user))

    def untag_build(self, tag, build, user):
        self.event += 1
        for listing in self.tagged:
            is_it = listing["tag_id"] == tag["id"] and listing["build_id"] == build["build_id"]
            if is_it and listing["revoke_event"] is None:
                listing["revoke_event"] = self.event
                self.say(messages.tag(self, "untag", tag, build, user))
                return
        refuse("build %s not in tag %s" % (build["nvr"], tag["name"]))

    def tags_of(self, build):
        found = [it for it in self.tagged if it["build_id"] == build["build_id"] and it["revoke_event"] is None]
        return [self.tags[it["tag_id"]] for it in found]

    def add_repo(self, tag, repo_id=None, task=None):
        """A repository that is being made. It holds what the tag holds now."""
        tag, now = self.tag(tag), self.clock.now()
        begin = self.event
        self.event += 1
        repo_id = repo_id or max(self.repos, default=0) + 1
        repo = {"begin_event": begin, "begin_ts": now, "create_event": self.event, "create_ts": now}
        repo.update({"creation_time": None, "creation_ts": now, "custom_opts": {}, "dist": False})
        repo.update({"end_event": None, "end_ts": None, "id": repo_id})
        repo["opts"] = {"debuginfo": False, "maven": False, "separate_src": False, "src": False}
        repo.update({"state": REPO_INIT, "state_time": None, "state_ts": now})
        repo.update({"tag_id": tag["id"], "tag_name": tag["name"], "task_id": task and task["id"]})
        repo["task_state"] = task and task["state"]
        self.repos[repo_id] = repo
        self.say(messages.repo(self, "init", repo))
        return repo

    def set_repo(self, repo, state):
        """Moves a repository to a state. One that is ready makes the earlier ones of its tag expire."""
        if state == REPO_READY:
            for other in self.repos.values():
                is_earlier = other["tag_id"] == repo["tag_id"] and other["id"] != repo["id"]
                if is_earlier and other["state"] == REPO_READY:
                    other.update({"state": REPO_EXPIRED, "state_ts": self.clock.now()})
            self.say(messages.repo(self, "done", repo))
        repo.update({"state": state, "state_ts": self.clock.now()})

    # Everything

    def touch(self, record):
        """A row that is written moves to the end, as in the hub's database; an answer without order shows that."""
        self.touches += 1
        record["_touched"] = self.touches

    def say(self, message):
        if message is not None:
            self.outbox.append(message)

    def task_out(self, task, request=False):
        """Returns a task as the hub answers it."""
        out = {key: task[key] for key in TASK_FIELDS}
        for name in ("completion", "create", "start"):
            out[name + "_time"] = wire.time_text(task[name + "_ts"])
        if request:
            out["request"] = task["request"]
        return out

    def build_out(self, build, whole=True):
        """Returns a build as getBuild answers it, or as lists do."""
        fields = sorted((*BUILD_FIELDS, "id", "cg_id")) if whole else BUILD_FIELDS
        out = {key: build[key] for key in fields}
        if whole:
            out["cg_name"] = build["cg_name"]
        for name in ("completion", "creation", "promotion", "start"):
            out[name + "_time"] = wire.time_text(build[name + "_ts"])
        return out

    def repo_out(self, repo):
        out = dict(repo)
        out["creation_time"] = wire.time_text(repo["creation_ts"])
        out["state_time"] = wire.time_text(repo["state_ts"])
        return out


def shown(record):
    """Returns a record without what is only for us."""
    return {key: value for key, value in record.items() if not key.startswith("_")}
