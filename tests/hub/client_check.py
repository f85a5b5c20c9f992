"""Looks at a small hub through Python's own XML-RPC client, which knows nothing of Koji.

    client_check.py URL plain CLOSED OPEN FAILED     task ids of a build each
    client_check.py URL documents FOLDER             the folder of recorded answers
    client_check.py URL tls PORT CA CLIENT           a certificate authority, and a certificate with its key
"""

import base64
import http.client
import pathlib
import ssl
import sys
import xmlrpc.client

import wire


def plain(url, closed, opened, failed):
    closed, opened, failed = int(closed), int(opened), int(failed)
    with xmlrpc.client.ServerProxy(url, allow_none=True) as hub:
        assert hub.getAPIVersion() == 1
        assert hub.hello("you") == "Hello World"
        assert hub.echo(1, None, "ü <&>", [True, 1.5]) == [1, None, "ü <&>", [True, 1.5]]
        # Python writes no number beyond 32 bits, and reads them.
        hub_echo = xmlrpc.client.loads(wire.response([2**31, -(2**40)]).encode())[0][0]
        assert hub_echo == [2**31, -(2**40)]
        mona = hub.getUser("mona")
        assert mona["name"] == "mona" and mona["krb_principals"] == ["mona@KOJI.TEST"]
        assert hub.getLoggedInUser() is None
        options = {"owner": mona["id"], "parent": None, "decode": True}
        tasks = hub.listTasks(options, {"order": "-id"})
        assert [it["id"] for it in tasks] == [failed, opened, closed], tasks
        assert [it["result"] for it in tasks][1:] == [None, [None]]
        assert hub.listTasks(options, {"countOnly": True}) == 3
        assert [it["id"] for it in hub.listTasks(options, {"order": "id", "offset": 1, "limit": 1})] == [opened]
        assert [it["id"] for it in hub.listTasks({**options, "state": [5]})] == [failed]
        ended = tasks[-1]["completion_ts"]
        assert hub.listTasks({**options, "completeAfter": ended, "method": "build"}, {"countOnly": True}) == 1
        # What has not ended comes first, as the database has it.
        assert hub.listTasks(options, {"order": "-completion_time", "limit": 1})[0]["id"] == opened
        assert fault(hub.getTaskResult, opened) == (1000, "Task %d is not finished" % opened)
        assert fault(hub.getTaskResult, failed)[0] == 1005
        assert hub.getTaskResult(failed, False)["faultCode"] == 1005
        assert fault(hub.getTaskResult, 4711) == (1000, "No such task: 4711")
        assert fault(hub.noSuch) == (1000, "Invalid method: noSuch")
        named = {"strict": True, "__starstar": True}
        assert fault(hub.getUser, "nobody", named) == (1000, "No such user: 'nobody'")
        parts = xmlrpc.client.MultiCall(hub)
        parts.getTaskInfo(closed, True)
        parts.noSuch()
        parts.getBuild("bash-5.3-1.fc44")
        answers = parts()
        assert answers[0]["request"][1] == "rawhide" and answers[2]["task_id"] == closed
        assert fault(lambda: answers[1]) == (1000, "Invalid method: noSuch")
        failed_part = hub.multiCall([{"methodName": "noSuch", "params": []}])[0]
        assert failed_part["faultCode"] == 1000 and all(isinstance(it, str) for it in failed_part["traceback"])
        build = hub.listBuilds({"userID": "mona", "state": 1, "__starstar": True})
        assert [it["nvr"] for it in build] == ["bash-5.3-1.fc44"] and "id" not in build[0]
        assert isinstance(hub.getAverageBuildDuration("bash"), float)
        assert hub.getAverageBuildDuration("no-such") is None
        assert [it["name"] for it in hub.listTags({"build": "bash-5.3-1.fc44", "__starstar": True})] == [
            "f44-signing-pending"
        ]
        assert [it["build_id"] for it in hub.listTagged("f44-signing-pending")] == [build[0]["build_id"]]
        assert hub.getBuildTarget("rawhide")["build_tag_name"] == "f44-build"
        repo = hub.getRepo("f44-build")
        assert repo["state"] == 1 and hub.repoInfo(repo["id"]) == repo
        children = {it["label"]: it["id"] for it in hub.getTaskChildren(failed)}
        log = hub.downloadTaskOutput(children["srpm"], "build.log", -40)
        assert base64.b64decode(log).decode().endswith("Child return code was: 1\n")
        size = int(hub.listTaskOutput(children["srpm"], True)["build.log"]["st_size"])
        assert size > 100
        assert sorted(hub.listTaskOutput(children["srpm"])) == ["build.log", "checkout.log"]


def documents(url, folder):
    checked = 0
    for file in sorted(pathlib.Path(folder).glob("*.response")):
        head, _, body = file.read_bytes().partition(b"\r\n\r\n")
        is_answer = head.startswith(b"HTTP/1.1 200") and b"\nHTTP/1.1" not in body
        if not is_answer:
            continue
        try:
            value = xmlrpc.client.loads(body)[0][0]
            again = wire.response(value)
        except xmlrpc.client.Fault as error:
            again = wire.fault(error.faultCode, error.faultString)
        assert again.encode() == body, file
        checked += 1
    assert checked > 50, checked
    for file in sorted(pathlib.Path(folder).glob("*.request")):
        head, _, body = file.read_bytes().partition(b"\r\n\r\n")
        if head.startswith(b"POST") and body.startswith(b"<?xml") and body.count(b"<?xml") == 1:
            arguments, method = wire.decode(body)
            assert wire.call(method, arguments).encode() == body, file


def tls(url, port, ca, client):
    context = ssl.create_default_context(cafile=ca)
    # The tests' certificates are plainer than Python 3.13 would have them.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    stranger = http.client.HTTPSConnection("localhost", int(port), context=context)
    body = wire.call("sslLogin", [{"proxyuser": None, "__starstar": True}]).encode()
    stranger.request("POST", "/kojihub/ssllogin", body, {"Content-Type": "text/xml"})
    answer = stranger.getresponse().read()
    assert fault(xmlrpc.client.loads, answer) == (1002, "could not verify client: NONE")
    stranger.close()
    context.load_cert_chain(client)
    alice = http.client.HTTPSConnection("localhost", int(port), context=context)
    alice.request("POST", "/kojihub/ssllogin", body, {"Content-Type": "text/xml"})
    session = xmlrpc.client.loads(alice.getresponse().read())[0][0]
    assert session["header-auth"] is True
    headers = {"Koji-Session-Id": str(session["session-id"]), "Koji-Session-Key": session["session-key"]}
    headers["Koji-Session-Callnum"] = "0"
    alice.request("POST", "/kojihub", wire.call("getLoggedInUser", []).encode(), headers)
    user = xmlrpc.client.loads(alice.getresponse().read())[0][0]
    assert (user["name"], user["authtype"]) == ("alice", 2), user
    alice.close()


def fault(function, *arguments):
    try:
        return function(*arguments)
    except xmlrpc.client.Fault as error:
        return error.faultCode, error.faultString


if __name__ == "__main__":
    {"plain": plain, "documents": documents, "tls": tls}[sys.argv[2]](sys.argv[1], *sys.argv[3:])
    print("checked")
