"""The hub's calls: those a build notifier makes, and a few more, with the arguments and the answers of Koji 1.35."""

import base64
import fnmatch
import inspect
import traceback

import stories
import wire
from records import (
    BUILDING,
    CANCELED,
    CLOSED,
    COMPLETE,
    FAILED,
    REPO_EXPIRED,
    REPO_READY,
    Fault,
    refuse,
    shown,
)

VERSION = "1.35.3"
MONTH_SECS = 30 * 24 * 3600

# Calls that write to the database, and so keep the number of the call.
WRITING = {"build", "cancelBuild", "cancelTask", "logout", "resubmitTask"}


class Session:
    """Who has logged in, and how."""

    def __init__(self, session_id, key, user, authtype, now):
        self.id = session_id
        self.key = key
        self.user = user
        self.authtype = authtype
        self.started = now
        self.renewed = None
        self.is_expired = False
        self.is_closed = False
        self.callnum = None


def call(hub, session, method, arguments):
    """Answers one call, or raises the fault of it."""
    function = METHODS.get(method)
    if function is None:
        refuse("Invalid method: %s" % method)
    positional, named = wire.keywords(arguments)
    _check_arguments(method, function, positional, named)
    return function(Call(hub, session), *positional, **named)


def multicall(hub, session, calls, single):
    """Answers many calls, each by itself; `single` answers one."""
    answers = []
    for part in calls:
        try:
            answers.append([single(hub, session, part["methodName"], part["params"])])
        except Fault as fault:
            trace = traceback.format_exc().splitlines(keepends=True)
            answers.append({"faultCode": fault.code, "faultString": fault.text, "traceback": trace})
    return answers


class Call:
    """What a call may look at."""

    def __init__(self, hub, session):
        self.hub = hub
        self.records = hub.records
        self.session = session

    def user(self):
        """Returns who is logged in, or refuses."""
        if self.session is None:
            raise Fault(1004, "you must be logged in for this operation")
        return self.session.user


def _check_arguments(method, function, positional, named):
    """Refuses as Python does when a function is called wrongly, in the words of its newer versions."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if any(it.kind is inspect.Parameter.VAR_POSITIONAL for it in parameters):
        return
    names = [it.name for it in parameters]
    where = "RootExports.%s()" % method
    for name in named:
        if name not in names:
            raise Fault(1019, "%s got an unexpected keyword argument '%s'" % (where, name))
    if len(positional) > len(names):
        text = "%s takes %d positional arguments but %d were given"
        raise Fault(1019, text % (where, len(names) + 1, len(positional) + 1))
    given = set(names[: len(positional)]) | set(named)
    missing = [it.name for it in parameters if it.default is inspect.Parameter.empty and it.name not in given]
    if missing:
        text = "%s missing %d required positional argument%s: %s"
        listed = " and ".join("'%s'" % it for it in missing)
        raise Fault(1019, text % (where, len(missing), "s" if len(missing) > 1 else "", listed))


def _int(value):
    if isinstance(value, bool) or not isinstance(value, int):
        text = "Invalid type for value '%s': %s, expected type %s"
        raise Fault(1019, text % (value, type(value), int))
    return value


# Lists: conditions, order, a part of it


def _listed(rows, query_opts, key="id"):
    """Orders and cuts a list as queryOpts say. `rows` are records as they are answered, with `_touched` in it."""
    options = query_opts or {}
    unknown = set(options) - {"countOnly", "order", "offset", "limit", "asList", "group", "rowlock"}
    if unknown:
        raise Fault(1019, "Invalid query options: %s" % sorted(unknown))
    rows = sorted(rows, key=lambda it: it["_touched"])
    for field in reversed([it.strip() for it in (options.get("order") or "").split(",") if it.strip()]):
        name, is_descending = field.lstrip("-"), field.startswith("-")
        name = key if name in ("id", key) else name
        # Times as text do not compare as times do when some have no fraction.
        name = name[: -len("_time")] + "_ts" if name.endswith("_time") else name
        if rows and name not in rows[0]:
            refuse("Invalid order: %s" % field)
        # PostgreSQL takes NULL for larger than anything.
        rows.sort(key=lambda it: (it[name] is None, 0 if it[name] is None else it[name]), reverse=is_descending)
    start = options.get("offset") or 0
    end = None if options.get("limit") is None else start + options["limit"]
    rows = rows[start:end]
    return len(rows) if options.get("countOnly") else rows


def _within(row, name, before, after):
    """Says whether a time lies between two, both excluded. A time that is not there lies nowhere."""
    time_ = row[name]
    if before is not None and (time_ is None or not time_ < wire.epoch(before)):
        return False
    return after is None or (time_ is not None and time_ > wire.epoch(after))


def _matches(value, wanted):
    if isinstance(wanted, list):
        return value in wanted
    return value == wanted


def get_api_version(call):
    return 1


def get_koji_version(call):
    return VERSION


def hello(call, *arguments):
    return "Hello World"


def echo(call, *arguments):
    return list(arguments)


# Who


def get_logged_in_user(call):
    if call.session is None:
        return None
    user = shown(call.session.user)
    user["authtype"] = call.session.authtype
    user["krb_principal"] = next(iter(user["krb_principals"]), None)
    return user


def get_user(call, userInfo=None, strict=False, krb_princs=True, groups=False):
    if userInfo is None:
        userInfo = call.user()["id"]
    if isinstance(userInfo, dict):
        userInfo = userInfo.get("id") or userInfo.get("name") or userInfo.get("krb_principal")
    user = call.records.user(userInfo)
    if user is None:
        return refuse("No such user: %r" % userInfo) if strict else None
    user = shown(user)
    if not krb_princs:
        del user["krb_principals"]
    if groups:
        user["groups"] = []
    return user


def show_session(call):
    session = call.session
    if session is None:
        return "session: not logged in (no session header or session args)"
    data = {"logged_in": True, "id": session.id, "master": None, "key": session.key}
    data.update({"user_id": session.user["id"], "authtype": session.authtype, "callnum": session.callnum})
    return "session %d: %r" % (session.id, data)


def logout(call, session_id=None):
    call.user()
    call.session.is_closed = True


# Tasks


def get_task_info(call, task_id, request=False, strict=False):
    if isinstance(task_id, list):
        return [get_task_info(call, it, request, strict) for it in task_id]
    task = call.records.tasks.get(_int(task_id))
    if task is None:
        return refuse("query returned no rows") if strict else None
    return call.records.task_out(task, request)


def get_task_children(call, task_id, request=False, strict=False):
    task = call.records.tasks.get(_int(task_id))
    if task is None:
        return refuse("query returned no rows") if strict else []
    children = sorted(call.records.children_of(task), key=lambda it: it["_touched"])
    return [call.records.task_out(it, request) for it in children]


def get_task_descendents(call, task_id, request=False):
    task = call.records.tasks.get(_int(task_id))
    if task is None:
        refuse("query returned no rows")
    found = {}
    todo = [task]
    while todo:
        task = todo.pop(0)
        children = call.records.children_of(task)
        found[str(task["id"])] = [call.records.task_out(it, request) for it in children]
        todo.extend(children)
    return found


def get_task_request(call, taskId):
    return _task(call, taskId)["request"]


def get_task_result(call, taskId, raise_fault=True):
    task = _task(call, taskId)
    if task["state"] == CANCELED:
        refuse("Task %d is canceled" % taskId)
    if task["state"] not in (CLOSED, FAILED):
        refuse("Task %d is not finished" % taskId)
    if task["state"] == CLOSED:
        return task["_result"]
    fault = task["_fault"]
    if raise_fault:
        raise Fault(fault["faultCode"], fault["faultString"])
    return fault


def _task(call, task_id):
    task = call.records.tasks.get(_int(task_id))
    return task or refuse("No such task: %d" % task_id)


TASK_OPTIONS = {"arch", "state", "method", "owner", "host_id", "channel_id", "parent"}
TASK_TIMES = {"create": "create_ts", "start": "start_ts", "complete": "completion_ts"}


def list_tasks(call, opts=None, queryOpts=None):
    opts = dict(opts or {})
    decode = opts.pop("decode", False)
    wanted, unwanted, times = {}, {}, {}
    for key, value in opts.items():
        time_key = key.replace("created", "create").replace("started", "start").replace("completed", "complete")
        base = time_key.replace("Before", "").replace("After", "")
        if key in TASK_OPTIONS:
            wanted[key] = value
        elif key.startswith("not_") and key[4:] in TASK_OPTIONS:
            unwanted[key[4:]] = value
        elif base in TASK_TIMES and base != time_key:
            times.setdefault(TASK_TIMES[base], {})["before" if key.endswith("Before") else "after"] = value
        else:
            raise Fault(1019, "Invalid option for listTasks: %s" % key)
    for conditions in (wanted, unwanted):
        if isinstance(conditions.get("owner"), str):
            # The hub hands it to the database, which wants a number.
            raise Fault(1, 'invalid input syntax for type integer: "%s"' % conditions["owner"])
    tasks = call.records.tasks.values()
    found = [
        task
        for task in tasks
        if all(_matches(task[key], value) for key, value in wanted.items())
        and not any(_matches(task[key], value) for key, value in unwanted.items())
        and all(_within(task, name, it.get("before"), it.get("after")) for name, it in times.items())
    ]
    found = _listed(found, queryOpts)
    return found if isinstance(found, int) else [_task_row(call, it, decode) for it in found]


def _task_row(call, task, decode):
    row = call.records.task_out(task)
    owner = call.records.users[task["owner"]]
    row.update({"owner_name": owner["name"], "owner_type": owner["usertype"]})
    fault = task["_fault"]
    if decode:
        row["request"] = task["request"]
        row["result"] = fault if task["state"] == FAILED else [task["_result"]] if task["state"] == CLOSED else None
    else:
        row["request"] = wire.call(task["method"], task["request"])
        row["result"] = None
        if task["state"] == FAILED:
            row["result"] = wire.fault(fault["faultCode"], fault["faultString"])
        elif task["state"] == CLOSED:
            row["result"] = wire.response(task["_result"])
    return {key: row[key] for key in sorted(row)}


def list_task_output(call, taskID, stat=False, all_volumes=False, strict=False):
    if call.records.tasks.get(_int(taskID)) is None and strict:
        refuse("query returned no rows")
    files = call.records.files.of_task(taskID)
    if not stat:
        return {name: ["DEFAULT"] for name in files} if all_volumes else list(files)
    found = {}
    for name, file in files.items():
        times = dict.fromkeys(("st_atime", "st_ctime", "st_mtime"), file.changed)
        found[name] = {**times, "st_size": str(file.size)}
    return {name: {"DEFAULT": it} for name, it in found.items()} if all_volumes else found


def download_task_output(call, taskID, fileName, offset=0, size=-1, volume=None):
    file = call.records.files.of_task(_int(taskID)).get(fileName)
    if ".." in fileName:
        refuse("Invalid file name: %s" % fileName)
    if file is None:
        refuse('no file "%s" output by task %d' % (fileName, taskID))
    start = max(file.size + offset, 0) if offset < 0 else offset
    return base64.b64encode(file.read(start, file.size if size < 0 else size)).decode()


def cancel_task(call, task_id, recurse=True):
    user, task = call.user(), _task(call, task_id)
    if task["owner"] != user["id"] and not user["_admin"]:
        raise Fault(1004, "Cannot cancel task, not owner")
    stories.cancel_task(call.records, task, user, recurse)


def cancel_build(call, buildID, strict=False):
    user, build = call.user(), _build(call, buildID)
    if build["owner_id"] != user["id"] and not user["_admin"]:
        raise Fault(1004, "Cannot cancel build, not owner")
    if build["state"] != BUILDING:
        return refuse("Cannot cancel build, not in BUILDING state") if strict else False
    stories.cancel_build(call.records, build, user)
    return True


def resubmit_task(call, taskID):
    user, task = call.user(), _task(call, taskID)
    if task["state"] not in (CANCELED, FAILED):
        refuse("only canceled or failed tasks may be resubmitted")
    if task["parent"] is not None:
        refuse("only top-level tasks may be resubmitted")
    if task["owner"] != user["id"] and not user["_admin"]:
        refuse("only the task owner or an admin may resubmit a task")
    return stories.resubmit(call.records, task, user)["id"]


def build(call, src, target, opts=None, priority=None, channel=None):
    return stories.build_task(call.records, call.user(), src, target, opts)["id"]


# Builds


def _build(call, it, strict=True):
    found = call.records.build(it)
    return found or (refuse("No such build: %r" % (it,)) if strict else None)


def get_build(call, buildInfo, strict=False):
    found = _build(call, buildInfo, strict)
    return found and call.records.build_out(found)


def list_builds(
    call, packageID=None, userID=None, taskID=None, prefix=None, state=None, volumeID=None, source=None,
    createdBefore=None, createdAfter=None, completeBefore=None, completeAfter=None, type=None, typeInfo=None,
    queryOpts=None, pattern=None, cgID=None, draft=None,
):  # fmt: skip
    records = call.records
    conditions = {"state": state, "volume_id": volumeID, "draft": draft, "cg_id": cgID}
    conditions = {key: value for key, value in conditions.items() if value is not None}
    if packageID is not None:
        known = {it["name"]: it["id"] for it in records.packages.values()}
        if packageID not in known and packageID not in known.values():
            refuse("No such package: %r" % packageID)
        conditions["package_id"] = known.get(packageID, packageID)
    if userID is not None:
        user = records.user(userID) or refuse("No such user: %r" % userID)
        conditions["owner_id"] = user["id"]
    if taskID is not None and taskID != -1:
        conditions["task_id"] = taskID
    found = [
        it
        for it in records.builds.values()
        if all(_matches(it[key], value) for key, value in conditions.items())
        and (taskID != -1 or it["task_id"] is not None)
        and (prefix is None or it["name"].lower().startswith(prefix.lower()))
        and (source is None or fnmatch.fnmatchcase(it["source"] or "", source))
        and (pattern is None or fnmatch.fnmatchcase(it["nvr"], pattern))
        and _within(it, "creation_ts", createdBefore, createdAfter)
        and _within(it, "completion_ts", completeBefore, completeAfter)
    ]
    found = _listed(found, queryOpts, key="build_id")
    return found if isinstance(found, int) else [records.build_out(it, whole=False) for it in found]


def get_average_build_duration(call, package, age=None):
    records = call.records
    known = next((it for it in records.packages.values() if package in (it["id"], it["name"])), None)
    if known is None:
        return None
    if known["name"] in records.averages:
        return records.averages[known["name"]]
    since = 0 if age is None else records.clock.now() - age * MONTH_SECS
    lasted = [
        it["completion_ts"] - it["creation_ts"]
        for it in records.builds.values()
        if it["package_id"] == known["id"]
        and it["state"] == COMPLETE
        and it["task_id"] is not None
        and it["completion_ts"] > since
    ]
    return sum(lasted) / len(lasted) if lasted else None


def get_build_logs(call, build):
    found = _build(call, build)
    folder = "packages/%(name)s/%(version)s/%(release)s/data/logs/" % found
    paths = [it for it in call.records.files.by_path if it.startswith(folder)]
    split = [(path, path[len(folder) :].rpartition("/")) for path in paths]
    return [{"name": name, "dir": directory, "path": path} for path, (directory, _, name) in split]


# Tags, targets, repositories


def list_tags(call, build=None, package=None, perms=True, queryOpts=None, pattern=None):
    tags = list(call.records.tags.values()) if build is None else call.records.tags_of(_build(call, build))
    tags = [it for it in tags if pattern is None or fnmatch.fnmatchcase(it["name"], pattern)]
    hidden = ("extra", "_parents")
    return [{key: value for key, value in it.items() if key not in hidden} for it in tags]


def get_tag(call, tagInfo, strict=False, event=None, blocked=False):
    try:
        tag = call.records.tag(tagInfo)
    except Fault:
        if strict:
            raise
        return None
    tag = shown(tag)
    # In the order of the hub.
    return {key: tag[key] for key in sorted(tag)}


def get_build_target(call, info, event=None, strict=False):
    targets = call.records.targets.values()
    found = next((it for it in targets if info in (it["id"], it["name"])), None)
    return found or (refuse("No such build target: %r" % info) if strict else None)


def get_repo(call, tag, state=None, event=None, dist=False, min_event=None):
    tag = call.records.tag(tag)
    states = (REPO_READY,) if event is None else (REPO_READY, REPO_EXPIRED)
    states = states if state is None else (state,)
    repos = [
        it
        for it in call.records.repos.values()
        if it["tag_id"] == tag["id"]
        and it["state"] in states
        and it["dist"] == dist
        and (event is None or it["create_event"] <= event)
        and (min_event is None or it["create_event"] >= min_event)
    ]
    newest = max(repos, key=lambda it: it["create_event"], default=None)
    return newest and call.records.repo_out(newest)


def repo_info(call, repo_id, strict=False):
    repo = call.records.repos.get(_int(repo_id))
    if repo is None:
        return refuse("query returned no rows") if strict else None
    return call.records.repo_out(repo)


def list_tagged(
    call, tag, event=None, inherit=False, prefix=None, latest=False, package=None, owner=None, type=None,
    strict=True, extra=False, draft=None,
):  # fmt: skip
    records = call.records
    order = _inheritance(records, records.tag(tag), inherit)
    found, counted = [], {}
    for tag_ in order:
        listings = [it for it in records.tagged if it["tag_id"] == tag_["id"] and _was_there(it, event)]
        for listing in sorted(listings, key=lambda it: -it["create_event"]):
            build = records.builds[listing["build_id"]]
            is_wanted = (
                (package is None or build["name"] == package)
                and (owner is None or build["owner_name"] == owner)
                and (prefix is None or build["name"].startswith(prefix))
                and (draft is None or build["draft"] == draft)
                and build["state"] == COMPLETE
                and all(it["build_id"] != build["build_id"] for it in found)
            )
            if not is_wanted:
                continue
            counted[build["name"]] = counted.get(build["name"], 0) + 1
            if latest and counted[build["name"]] > int(latest):
                continue
            row = records.build_out(build)
            row = {key: value for key, value in row.items() if key not in ("source", "cg_id", "cg_name")}
            if not extra:
                del row["extra"]
            row.update({"tag_id": tag_["id"], "tag_name": tag_["name"]})
            found.append(row)
    return found


def _inheritance(records, tag, inherit):
    order, todo = [], [tag]
    while todo:
        tag = todo.pop(0)
        if tag in order:
            continue
        order.append(tag)
        if inherit:
            todo[0:0] = [records.tags[it] for it in tag["_parents"]]
    return order


def _was_there(listing, event):
    if event is None:
        return listing["revoke_event"] is None
    return listing["create_event"] <= event and (listing["revoke_event"] is None or listing["revoke_event"] > event)


def get_package(call, info, strict=False, create=False):
    packages = call.records.packages.values()
    found = next((it for it in packages if info in (it["id"], it["name"])), None)
    return found or (refuse("No such package: %r" % info) if strict else None)


METHODS = {
    "build": build,
    "cancelBuild": cancel_build,
    "cancelTask": cancel_task,
    "downloadTaskOutput": download_task_output,
    "echo": echo,
    "getAPIVersion": get_api_version,
    "getAverageBuildDuration": get_average_build_duration,
    "getBuild": get_build,
    "getBuildLogs": get_build_logs,
    "getBuildTarget": get_build_target,
    "getKojiVersion": get_koji_version,
    "getLoggedInUser": get_logged_in_user,
    "getPackage": get_package,
    "getRepo": get_repo,
    "getTag": get_tag,
    "getTaskChildren": get_task_children,
    "getTaskDescendents": get_task_descendents,
    "getTaskInfo": get_task_info,
    "getTaskRequest": get_task_request,
    "getTaskResult": get_task_result,
    "getUser": get_user,
    "hello": hello,
    "listBuilds": list_builds,
    "listTagged": list_tagged,
    "listTags": list_tags,
    "listTaskOutput": list_task_output,
    "listTasks": list_tasks,
    "logout": logout,
    "repoInfo": repo_info,
    "resubmitTask": resubmit_task,
    "showSession": show_session,
}
