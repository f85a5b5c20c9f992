"""The messages that Koji's Fedora Messaging plugin sends for a change, in the form of our laboratory's recordings.

The bus is silent about most tasks: it hears only of scratch builds, and never of their creation.
"""

import copy
import uuid

import wire

PLUGIN = "koji_fedoramessaging_messages"
TASK_TIMES = ("completion", "create", "start")


def task_state(records, task, old, new):
    request = task["request"]
    is_scratch = bool(request) and isinstance(request[-1], dict) and bool(request[-1].get("scratch"))
    if task["parent"] is not None or not is_scratch:
        return None
    owner = records.users[task["owner"]]["name"]
    body = {
        "base_url": records.base_url,
        "info": _task(records, task, is_top=True),
        "method": task["method"],
        "attribute": "state",
        "old": old,
        "new": new,
        "id": task["id"],
        "owner": owner,
        "files_base_url": records.base_url + "/kojifiles/work",
        "srpm": str(request[0]).rsplit("/", 1)[-1],
        "instance": "primary",
    }
    return _message(records, "task.state.change", "task.TaskStateChangeV1", 20, [owner], None, body)


def build_state(records, build, old, new):
    task = records.tasks.get(build["task_id"])
    body = {key: build[key] for key in ("name", "version", "release", "epoch")}
    body = {
        "base_url": records.base_url,
        **body,
        "attribute": "state",
        "old": old,
        "new": new,
        "build_id": build["build_id"],
        "task_id": build["task_id"],
        "owner": build["owner_name"],
        "files_base_url": records.base_url + "/kojifiles/work",
        "url": "%s/koji/buildinfo?buildID=%d" % (records.base_url, build["build_id"]),
        "task": task and _task(records, task, is_top=True),
        "request": task and task["request"],
        "creation_time": _iso(build["creation_ts"]),
        "completion_time": _iso(build["completion_ts"]),
        "instance": "primary",
    }
    schema = "build.BuildStateChangeV1"
    return _message(records, "build.state.change", schema, 20, [build["owner_name"]], build["name"], body)


def tag(records, kind, tag_, build, user):
    body = {
        "base_url": records.base_url,
        "tag": tag_["name"],
        "name": build["name"],
        "version": build["version"],
        "release": build["release"],
        "user": user["name"],
        "owner": build["owner_name"],
        "tag_id": tag_["id"],
        "build_id": build["build_id"],
        "instance": "primary",
    }
    users = [user["name"], build["owner_name"]]
    schema = {"tag": "tag.TagV1", "untag": "tag.UntagV1"}[kind]
    return _message(records, kind, schema, 10, users, build["name"], body, priority=2)


def repo(records, kind, repo_):
    body = {"base_url": records.base_url, "tag": repo_["tag_name"], "tag_id": repo_["tag_id"]}
    body.update({"repo_id": repo_["id"], "instance": "primary"})
    schema = {"init": "repo.InitV1", "done": "repo.DoneV1"}[kind]
    return _message(records, "repo." + kind, schema, 10, [], None, body)


def _task(records, task, is_top):
    keys = ("arch", "awaited", "channel_id", "completion_time", "create_time", "host_id", "id", "label", "method")
    out = {key: task[key] for key in (*keys, "owner", "parent", "priority", "start_time", "state", "waiting")}
    for name in TASK_TIMES:
        time = task[name + "_ts"]
        out[name + "_time"] = None if time is None else float(int(time))
    out["owner"] = records.users[task["owner"]]["name"]
    if is_top:
        out["request"] = task["request"]
    out["host_name"] = None if task["host_id"] is None else records.host_name(task["host_id"])
    out["url"] = "%s/koji/taskinfo?taskID=%d" % (records.base_url, task["id"])
    out["result"] = task["_result"]
    children = sorted(records.children_of(task), key=lambda it: (it["arch"], it["id"]))
    out["children"] = [_task(records, it, is_top=False) for it in children]
    return out


def _message(records, event, schema, severity, users, package, body, priority=None):
    now = wire.moment(int(records.clock.now())).isoformat()
    headers = {
        "fedora_messaging_schema": "koji_fedoramessaging." + schema,
        "fedora_messaging_schema_package": PLUGIN,
        "sent-at": now,
        "fedora_messaging_severity": severity,
        "priority": priority or 0,
    }
    headers.update({"fedora_messaging_user_" + it: True for it in users})
    if package is not None:
        headers["fedora_messaging_rpm_" + package] = True
    properties = {"content_type": "application/json", "content_encoding": "utf-8", "headers": headers}
    properties["delivery_mode"] = 2
    if priority is not None:
        properties["priority"] = priority
    properties["message_id"] = str(uuid.uuid4())
    topic = "%s.buildsys.%s" % (records.topic_prefix, event)
    deliver = {"exchange": "amq.topic", "routing_key": topic, "redelivered": False}
    # As it was when it was said: the records go on changing.
    return {"deliver": deliver, "properties": properties, "body_json": copy.deepcopy(body)}


def _iso(time):
    return None if time is None else wire.moment(time).isoformat()
