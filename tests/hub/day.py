"""A whole day of our laboratory's hub, as far as it had come by any moment of it.

`truth.jsonl` says who submitted what, how it ended, and why; `protonmsg-amqp10.jsonl.gz` beside it holds the records
with their times, as the hub told them. Moving on adds what happened since; going back begins the day again.
"""

import gzip
import json
import pathlib

import logs
import stories
import wire
from files import task_folder
from records import (
    ASSIGNED,
    BUILD_FIELDS,
    BUILD_STATES,
    CLOSED,
    FAILED,
    FREE,
    OPEN,
    REPO_READY,
    TASK_FIELDS,
    TASK_STATES,
)

HUB_NEWS = "protonmsg-amqp10.jsonl.gz"


class Day:
    def __init__(self, truth):
        truth = pathlib.Path(truth)
        self.submitted = {}
        for line in truth.read_text().splitlines():
            record = json.loads(line)
            if record["ev"] == "submit":
                self.submitted[record["task"]] = record
        with gzip.open(truth.parent / HUB_NEWS, "rt") as lines:
            news = [json.loads(line) for line in lines]
        self.changes = sorted(_changes(news, self.submitted), key=lambda it: it[0])
        self.done = 0

    def span(self):
        return self.changes[0][0], self.changes[-1][0]

    def begins_again(self, now):
        """Says whether that moment lies before what has been told already."""
        return self.done > 0 and self.changes[self.done - 1][0] > now

    def move_on(self, records, now):
        """Applies what happened until a moment."""
        while self.done < len(self.changes) and self.changes[self.done][0] <= now:
            _, apply = self.changes[self.done]
            apply(records)
            self.done += 1
        records.outbox.clear()


def _changes(news, submitted):
    """Returns (when, what to do to the records). A change is when its record says, not when we heard of it."""
    tasks = _tasks_at_last(news)
    for record in news:
        kind, body, heard = record["application_properties"]["type"], record["body_json"], record["captured_at"]
        if kind == "TaskStateChange":
            yield _task_change(record["application_properties"], body["info"], heard, tasks, submitted)
        elif kind == "BuildStateChange":
            info = body["info"]
            time = info["creation_ts"] if body["old"] is None else info["completion_ts"]
            yield time or heard, _to_build(info)
        elif kind in ("Tag", "Untag"):
            yield heard, _to_tag(kind, body)
        elif kind in ("RepoInit", "RepoDone"):
            yield heard, _to_repo(kind, body)
        elif kind == "PackageListChange":
            yield heard, _to_package(body["package"])
    # The hub was asked a moment after its last news.
    for task, record in submitted.items():
        state = TASK_STATES.index(record["task_state"])
        if tasks[task]["state"] != state:
            yield heard, _to_state(task, state)


def _tasks_at_last(news):
    """Returns the last word about each task. Its times do not change once they are there."""
    found = {}
    for record in news:
        if record["application_properties"]["type"] == "TaskStateChange":
            info = record["body_json"]["info"]
            found.setdefault(info["id"], {}).update(info)
    return found


def _task_change(properties, info, heard, tasks, submitted):
    last, new = tasks[info["id"]], TASK_STATES.index(properties["new"])
    times = {name: last.get(name) for name in ("create_ts", "start_ts", "completion_ts")}
    times["create_ts"] = times["create_ts"] or heard
    if properties["old"] is None:
        return times["create_ts"], _to_new_task(info, times["create_ts"])
    time = heard if new in (FREE, ASSIGNED) else times["start_ts"] if new == OPEN else times["completion_ts"]
    fault = _fault(info, submitted) if new == FAILED else None
    return time or heard, _to_task(info, fault, submitted)


def _fault(info, submitted):
    """The hub keeps one text for a failure, at the child and at its parent."""
    top = info["id"] if info["parent"] is None else info["parent"]
    return submitted[top]["fault"]


def _to_new_task(info, created):
    def apply(records):
        request, method = wire.decode(info["request"])
        fields = {key: value for key, value in info.items() if key not in ("id", "owner", "method", "request")}
        # New tasks know a few things that records do not.
        fields = {key: value for key, value in fields.items() if key in TASK_FIELDS}
        records.add_task(method, info["owner"], list(request), task_id=info["id"], **{**fields, "create_ts": created})

    return apply


def _to_task(info, fault, submitted):
    def apply(records):
        task = records.tasks[info["id"]]
        task.update({key: info[key] for key in TASK_FIELDS})
        task.update({"request": info["request"], "_result": info.get("result"), "_fault": fault})
        if task["awaited"] and task["state"] in (CLOSED, FAILED) and task["parent"] in records.tasks:
            siblings = records.children_of(records.tasks[task["parent"]])
            task["awaited"] = False
            records.tasks[task["parent"]]["waiting"] = any(it["awaited"] for it in siblings)
        records.touch(task)
        nvr = submitted.get(task["parent"], {}).get("nvr")
        if nvr is not None and task["state"] in (CLOSED, FAILED):
            _put_logs(records, task, nvr)

    return apply


def _to_state(task, state):
    return lambda records: records.set_task(records.tasks[task], state)


def _put_logs(records, task, nvr):
    is_failed, label = task["state"] == FAILED, task["label"]
    if label == "srpm":
        texts = logs.of_failed_srpm(nvr) if is_failed else logs.of_good_srpm(nvr)
    elif task["method"] == "buildArch":
        texts = logs.of_failed_arch(nvr, label, task["id"]) if is_failed else logs.of_good_arch(nvr, label)
    else:
        return
    for name, text in texts.items():
        if text:
            records.files.put(task_folder(task["id"]) + name, text.encode(), None, task["completion_ts"])


def _to_build(info):
    def apply(records):
        known = records.builds.get(info["build_id"], {})
        build = {key: info[key] for key in (*BUILD_FIELDS, "id", "cg_id", "cg_name")}
        build["extra"] = info["extra"]
        known.update(build)
        records.builds[info["build_id"]] = known
        records.last_build = max(records.last_build, info["build_id"])
        records.event = max(records.event, info["creation_event_id"])
        records.packages[info["name"]] = {"id": info["package_id"], "name": info["name"]}
        records.touch(known)
        task = records.tasks.get(info["task_id"])
        if task is not None and BUILD_STATES[info["state"]] == "COMPLETE":
            stories.put_packages(records, known, task)

    return apply


def _to_tag(kind, body):
    def apply(records):
        tag = records.tags.get(body["tag"]["id"]) or records.add_tag(body["tag"]["name"], body["tag"]["id"])
        build, user = records.builds[body["build"]["build_id"]], records.users[body["user"]["id"]]
        (records.tag_build if kind == "Tag" else records.untag_build)(tag, build, user)

    return apply


def _to_repo(kind, body):
    def apply(records):
        if kind == "RepoInit":
            records.add_repo(body["tag"]["id"], body["repo_id"], records.tasks.get(body["task_id"]))
            return
        repo = records.repos[body["repo"]["id"]]
        repo.update({key: value for key, value in body["repo"].items() if key in repo})
        records.set_repo(repo, REPO_READY)

    return apply


def _to_package(package):
    def apply(records):
        records.packages[package["name"]] = dict(package)

    return apply
