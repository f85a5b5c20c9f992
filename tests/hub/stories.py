"""What happens to the records in a build's life, step by step, as on a hub with its own scheduler (1.34 and later).

Each step is refused where a real hub could not take it: a test that asks for it has lost its thread.
"""

import logs
from files import task_folder
from records import (
    ASSIGNED,
    BUILD_CANCELED,
    BUILD_FAILED,
    BUILD_STATES,
    BUILDING,
    CANCELED,
    CANONICAL,
    CLOSED,
    COMPLETE,
    ENDED,
    FAILED,
    FREE,
    HOST_ID,
    OPEN,
    REPO_READY,
    TASK_STATES,
    refuse,
)

BUILD_ERROR = 1005
GENERIC_ERROR = 1000
ARCHES = ("x86_64", "aarch64")


def submit(
    records, user, nvr, target="rawhide", arches=ARCHES, scratch=False, upload=False, opts=None, source=None,
    epoch=None, parent=None,
):  # fmt: skip
    """A user asks for a build of what will be `nvr`."""
    name = nvr.rsplit("-", 2)[0]
    if source is None and upload:
        source = "cli-build/%f.abcdefgh/%s.src.rpm" % (records.clock.now(), nvr)
    elif source is None:
        source = "git+https://src.example.invalid/rpms/%s.git#%040x" % (name, records.last_task + 1)
    opts = {**({"scratch": True} if scratch else {}), **(opts or {})}
    task = build_task(records, records.add_user(user), source, target, opts, parent)
    records.plans[task["id"]].update({"nvr": nvr, "arches": list(arches), "epoch": epoch})
    return task


def build_task(records, user, source, target, opts=None, parent=None):
    """A task of the method `build`, as the call of that name makes it. Its plan is what it will come to."""
    if target not in records.targets:
        refuse("No such build target: %r" % target)
    fields = {} if parent is None else {"parent": parent, "awaited": True, "priority": 19}
    task = records.add_task("build", user["id"], [source, target, opts or {}], **fields)
    name = source.rsplit("/", 1)[-1].partition("#")[0].partition("?")[0]
    name = name[: -len(".git")] if name.endswith(".git") else name
    if name.endswith(".src.rpm"):
        nvr = name[: -len(".src.rpm")]
    else:
        nvr = "%s-1.0-%d.fc44" % (name, task["id"])
    records.plans[task["id"]] = {"nvr": nvr, "arches": list(ARCHES), "epoch": None}
    return task


def resubmit(records, task, user):
    """The same task again. A build is asked for with the same words and comes to the same name."""
    again = records.add_task(task["method"], user["id"], task["request"], arch=task["arch"], label=task["label"])
    if task["id"] in records.plans:
        plan = records.plans[task["id"]]
        records.plans[again["id"]] = {key: plan[key] for key in ("nvr", "arches", "epoch")}
    return again


def assign(records, task):
    """The scheduler finds a builder."""
    _must_be(task, FREE)
    records.set_task(task, ASSIGNED)


def start(records, task):
    """A builder takes the task and makes one for the source RPM."""
    if task["state"] == FREE:
        assign(records, task)
    _must_be(task, ASSIGNED)
    records.set_task(task, OPEN)
    source, target, opts = task["request"]
    build_tag, repo = _build_tag(records, target), _repo(records, target)
    method = "rebuildSRPM" if source.endswith(".src.rpm") else "buildSRPMFromSCM"
    # The builder hands on what it was given, nothing included.
    options = {"repo_id": repo["id"], "scratch": opts.get("scratch")}
    _opened(records, records.child(task, method, "srpm", [source, build_tag["id"], options]))


def free(records, task):
    """The builder was restarted, and the task waits again."""
    _must_be(task, OPEN)
    records.set_task(task, FREE)


def srpm_fails(records, task, fault=None, code=BUILD_ERROR, log=None):
    """No source RPM: the end, without a build record."""
    child, nvr = _srpm(records, task), _plan(records, task)["nvr"]
    texts = logs.of_failed_srpm(nvr)
    if log is not None:
        texts["build.log"] = log
    _put(records, child, texts)
    fault = {"faultCode": code, "faultString": fault or logs.srpm_fault()}
    records.set_task(child, FAILED, fault=fault)
    records.set_task(task, FAILED, fault=fault)


def srpm_done(records, task):
    """The source RPM is there. A build that is not scratch gets its record, and each architecture its task."""
    child, plan = _srpm(records, task), _plan(records, task)
    source, target, opts = task["request"]
    texts = logs.of_good_srpm(plan["nvr"])
    _put(records, child, texts)
    result = {"srpm": _result_path(child, plan["nvr"] + ".src.rpm"), "logs": [_result_path(child, it) for it in texts]}
    result.update({"brootid": _buildroot(records), "source": {"source": source, "url": source}})
    records.set_task(child, CLOSED, result=result)
    task["waiting"] = False
    if not opts.get("scratch"):
        old = None if opts.get("draft") else records.build(plan["nvr"])
        if old is not None and old["state"] in (BUILDING, COMPLETE):
            row = {"name": old["name"], "version": old["version"], "release": old["release"], "task_id": task["id"]}
            text = "Build already exists (id=%d, state=%s): %r" % (old["build_id"], BUILD_STATES[old["state"]], row)
            records.set_task(task, FAILED, fault={"faultCode": GENERIC_ERROR, "faultString": text})
            return
        if old is not None:
            records.recycle_build(old, records.users[task["owner"]], task, source)
        else:
            draft = {"draft": True} if opts.get("draft") else {}
            records.add_build(plan["nvr"], task["owner"], task, epoch=plan["epoch"], source=source, **draft)
    build_tag, repo = _build_tag(records, target), _repo(records, target)
    for at, arch in enumerate(plan["arches"]):
        request = [result["srpm"], build_tag["id"], arch, at == 0, {"repo_id": repo["id"]}]
        _opened(records, records.child(task, "buildArch", arch, request, CANONICAL.get(arch, arch)))


def arch_done(records, task, arch):
    """An architecture is built."""
    child, nvr = _arch(records, task, arch), _plan(records, task)["nvr"]
    texts = logs.of_good_arch(nvr, arch)
    _put(records, child, texts)
    result = {"rpms": [_result_path(child, "%s.%s.rpm" % (nvr, arch))], "srpms": []}
    if child["request"][3]:
        result["srpms"] = [_result_path(child, nvr + ".src.rpm")]
    result.update({"logs": [_result_path(child, it) for it in texts], "brootid": _buildroot(records)})
    records.set_task(child, CLOSED, result=result)
    _settle(records, task)


def arch_fails(records, task, arch, fault=None, code=BUILD_ERROR, logs=None, can_fail=False):
    """An architecture does not build. Its siblings are canceled, or run to their end if one `can_fail`."""
    child, nvr = _arch(records, task, arch), _plan(records, task)["nvr"]
    _put(records, child, _failed_logs(nvr, arch) if logs is None else logs)
    fault = {"faultCode": code, "faultString": fault or _arch_fault(arch)}
    records.set_task(child, FAILED, fault=fault)
    if not can_fail:
        for sibling in _arches(records, task):
            if sibling["state"] not in ENDED:
                records.set_task(sibling, CANCELED)
    _settle(records, task)


def complete(records, task):
    """All architectures are built: the build is complete. Its tag comes a little later."""
    _must_be(task, OPEN)
    arches = _arches(records, task)
    if not arches or any(it["state"] != CLOSED for it in arches):
        refuse("task %d has architectures that are not built" % task["id"])
    task["waiting"] = False
    build = records.build_of(task) or refuse("task %d has no build" % task["id"])
    put_packages(records, build, task)
    records.set_build(build, COMPLETE)
    if not task["request"][2].get("skip_tag"):
        target = records.targets[task["request"][1]]
        request = [target["dest_tag"], build["build_id"], False, None, True]
        _opened(records, records.child(task, "tagBuild", "tag", request))


def finish(records, task):
    """Everything to the end: the build is complete and tagged, or the scratch build done."""
    _must_be(task, OPEN)
    if _is_scratch(task):
        arches = _arches(records, task)
        if not arches or any(it["state"] != CLOSED for it in arches):
            refuse("task %d has architectures that are not built" % task["id"])
        task["waiting"] = False
        records.set_task(task, CLOSED)
        return
    build = records.build_of(task)
    if build is None or build["state"] != COMPLETE:
        complete(records, task)
        build = records.build_of(task)
    tagging = _tagging(records, task)
    if tagging is not None:
        tag = records.tags[tagging["request"][0]]
        records.tag_build(tag, build, records.users[task["owner"]])
        records.set_task(tagging, CLOSED)
    task["waiting"] = False
    records.set_task(task, CLOSED)


def tag_fails(records, task, fault, code=1003):
    """The build is complete, and may not go where it should."""
    build = records.build_of(task)
    if build is None or build["state"] != COMPLETE:
        complete(records, task)
    tagging = _tagging(records, task) or refuse("task %d tags nothing" % task["id"])
    fault = {"faultCode": code, "faultString": fault}
    records.set_task(tagging, FAILED, fault=fault)
    records.set_task(task, FAILED, fault=fault)


def fail(records, task, fault, code=BUILD_ERROR):
    """The task fails by itself, not by a child of it."""
    if task["state"] in ENDED:
        refuse("task %d is %s" % (task["id"], TASK_STATES[task["state"]]))
    for child in records.children_of(task):
        if child["state"] not in ENDED:
            records.set_task(child, CANCELED)
    build = records.build_of(task)
    if build is not None and build["state"] == BUILDING:
        records.set_build(build, BUILD_FAILED)
    records.set_task(task, FAILED, fault={"faultCode": code, "faultString": fault})


def cancel_task(records, task, user, recurse=True):
    """A user cancels a task: the task first, then its build, then what it waits for."""
    if task["state"] in ENDED:
        return
    records.set_task(task, CANCELED)
    build = records.build_of(task)
    if build is not None and build["state"] == BUILDING:
        records.set_build(build, BUILD_CANCELED)
        _mail(records, build, task, user)
    if recurse:
        for child in records.children_of(task):
            cancel_task(records, child, user)


def cancel_build(records, build, user):
    """A user cancels a build: its tasks go first."""
    if build["state"] != BUILDING:
        refuse("build %s is %s" % (build["nvr"], BUILD_STATES[build["state"]]))
    task = records.tasks.get(build["task_id"])
    if task is not None:
        _cancel_tree(records, task)
    records.set_build(build, BUILD_CANCELED)
    if task is not None:
        _mail(records, build, task, user)


def bulk_ended(records, user, count, since):
    """Many builds of a user that have ended since a time, evenly; every tenth failed."""
    now, owner = records.clock.now(), records.add_user(user)
    step = (now - since) / count
    first = records.last_task + 1
    for at in range(count):
        source = "git+https://src.example.invalid/rpms/bulk%d.git#%040x" % (at % 50, at)
        times = {"create_ts": since + at * step, "start_ts": since + (at + 0.3) * step}
        times = {key: round(value, 6) for key, value in times.items()}
        times["completion_ts"] = round(since + (at + 0.9) * step, 6)
        is_failed = at % 10 == 9
        fault = {"faultCode": BUILD_ERROR, "faultString": logs.arch_fault("x86_64")} if is_failed else None
        state = FAILED if is_failed else CLOSED
        fields = {"state": state, "host_id": HOST_ID, "waiting": is_failed, "_fault": fault}
        records.add_task("build", owner["id"], [source, "rawhide", {}], **times, **fields)
    return {"first": first, "last": records.last_task}


def put_packages(records, build, task):
    """Shows the logs of a build that is complete where its packages are too, as an import does."""
    folder = "packages/%(name)s/%(version)s/%(release)s/data/logs/" % build
    for child in _arches(records, task):
        for name, file in records.files.of_task(child["id"]).items():
            records.files.by_path[folder + child["label"] + "/" + name] = file


def _mail(records, build, task, user):
    """A task that tells the owner by mail. It belongs to whoever has ended the build, and is all that says who did."""
    recipients = ["%s@example.invalid" % build["owner_name"]]
    target = records.targets.get(task["request"][1]) if task["method"] == "build" else None
    request = [recipients, records.build_out(build), target, records.base_url + "/koji"]
    records.add_task("buildNotification", user["id"], request)


def _cancel_tree(records, task):
    for child in records.children_of(task):
        _cancel_tree(records, child)
    if task["state"] not in ENDED:
        records.set_task(task, CANCELED)


def _settle(records, task):
    """Once all architectures have ended, one that failed takes the build and the task with it."""
    arches = _arches(records, task)
    failed = [it for it in arches if it["state"] == FAILED]
    if not failed or any(it["state"] not in ENDED for it in arches):
        return
    build = records.build_of(task)
    if build is not None and build["state"] == BUILDING:
        records.set_build(build, BUILD_FAILED)
    first = min(failed, key=lambda it: it["completion_ts"])
    records.set_task(task, FAILED, fault=first["_fault"])


def _opened(records, task):
    records.set_task(task, ASSIGNED)
    records.set_task(task, OPEN)


def _must_be(task, state):
    if task["state"] != state:
        refuse("task %d is %s, not %s" % (task["id"], TASK_STATES[task["state"]], TASK_STATES[state]))


def _is_scratch(task):
    return bool(task["request"][2].get("scratch"))


def _plan(records, task):
    return records.plans.get(task["id"]) or refuse("task %d is not a build of a story" % task["id"])


def _srpm(records, task):
    _must_be(task, OPEN)
    children = [it for it in records.children_of(task) if it["label"] == "srpm" and it["state"] == OPEN]
    return children[0] if children else refuse("task %d makes no source RPM now" % task["id"])


def _arches(records, task):
    return [it for it in records.children_of(task) if it["method"] == "buildArch"]


def _arch(records, task, arch):
    _must_be(task, OPEN)
    children = [it for it in _arches(records, task) if it["label"] == arch and it["state"] == OPEN]
    return children[0] if children else refuse("task %d does not build for %s now" % (task["id"], arch))


def _tagging(records, task):
    children = [it for it in records.children_of(task) if it["method"] == "tagBuild" and it["state"] == OPEN]
    return children[0] if children else None


def _build_tag(records, target):
    return records.tags[records.targets[target]["build_tag"]]


def _repo(records, target):
    tag = _build_tag(records, target)
    ready = [it for it in records.repos.values() if it["tag_id"] == tag["id"] and it["state"] == REPO_READY]
    return ready[-1] if ready else refuse("tag %s has no repository that is ready" % tag["name"])


def _result_path(task, name):
    return "tasks/%d/%d/%s" % (task["id"] % 10000, task["id"], name)


def _buildroot(records):
    records.last_buildroot += 1
    return records.last_buildroot


def _put(records, task, texts):
    for name, text in texts.items():
        if text:
            records.files.put(task_folder(task["id"]) + name, text.encode(), None, records.clock.now())


# `logs` is also the name of an argument, which a test gives.
_failed_logs = logs.of_failed_arch
_arch_fault = logs.arch_fault
