//! What Koji's own client and a real hub said to each other, and what we make of it.
//!
//! Our own lab's exchanges are fixtures. Those of other projects are read where they lie, if they are there.

mod whole;

use std::fmt::Write;
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::Path;

use expect_test::expect;
use jiff::Timestamp;
use koji_notify::hub::call::{
    Answer, BuildKey, BuildRow, Call, MAX_ROWS, MailRow, PackageKey, TaskResult, TaskRow, answers, request,
};
use koji_notify::hub::fault::{Fault, FaultCode};
use koji_notify::hub::xmlrpc::read::{XmlError, read};
use koji_notify::hub::xmlrpc::{Value, write};
use koji_notify::koji::task::MAX_CHILDREN;
use koji_notify::koji::{BuildId, BuildState, TaskId, TaskState, UserId};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::Deserialize;

use crate::decoding::{fixtures, shared};

#[test]
fn we_ask_as_koji_s_own_client_does() {
    let alice = UserId(2);
    let hello = || BuildKey::Nvr("hello-5.1-1795195716.fc44".to_owned());
    let download = Call::Download {
        task: TaskId(130),
        file: "build.log".to_owned(),
        offset: 0,
        size: 64,
    };
    let average = |package: &str| Call::Average {
        package: package.to_owned(),
    };
    let result_that_raises = Call::Raw {
        method: "getTaskResult".to_owned(),
        params: vec![Value::Int(124)],
    };
    let calls = [
        ("03-getKojiVersion", Call::Version),
        ("04-getUser", Call::User("alice".to_owned())),
        ("05-getUser-missing", Call::User("nobody-here".to_owned())),
        ("12-getTaskInfo", Call::Task(TaskId(123))),
        ("17-getTaskDescendents", Call::Descendents(TaskId(123))),
        ("18-getTaskChildren", Call::Children(TaskId(122))),
        ("22-listBuilds-taskID", Call::BuildsOfTask(TaskId(123))),
        ("24-getBuild", Call::Build(hello())),
        ("27-getAverageBuildDuration", average("hello")),
        ("28-getAverageBuildDuration-none", average("kernel-never-built")),
        ("30-listTags-of-build", Call::Tags(hello())),
        ("32-getTaskResult-failed", result_that_raises),
        ("33-getTaskResult-failed-nofault", Call::TaskResult(TaskId(124))),
        ("35-listTaskOutput", Call::Output(TaskId(130))),
        ("36-downloadTaskOutput", download),
        ("44-auth-getLoggedInUser", Call::LoggedInUser),
        ("45-auth-cancelTask-of-own", Call::Cancel(TaskId(122))),
        ("46-auth-cancelTask-of-bob", Call::Cancel(TaskId(21))),
    ];
    for (name, call) in calls {
        assert_eq!(text(&request(&[call])), text(&sent(name)), "{name}");
    }

    // The client asked for no order here, or for the builds alone; the rest is as ours.
    let since = Timestamp::from_microsecond(1_795_195_154_864_742).unwrap();
    let ours = request(&[Call::BuildsSince {
        owner: alice,
        since,
        limit: 5,
    }]);
    let theirs = text(&sent("23-listBuilds-completeAfter"));
    let query = text(&sent("19-listBuilds"));
    let query = between(&query, "<member>\n<name>queryOpts", "<member>\n<name>__starstar");
    assert_eq!(
        text(&ours),
        theirs.replace(
            "<member>\n<name>__starstar",
            &format!("{query}<member>\n<name>__starstar")
        )
    );

    let ours = request(&[Call::OpenTasks {
        owner: alice,
        limit: 20,
    }]);
    let theirs = text(&sent("08-listTasks-open-parents-only"));
    let method = between(&theirs, "<member>\n<name>method", "<member>\n<name>state");
    assert_eq!(text(&ours), theirs.replace(method, ""));
}

#[test]
fn several_calls_are_one_request() {
    let named = |name: &str| Value::named([(name, true.into())]);
    let raw = |method: &str, params: Vec<Value>| Call::Raw {
        method: method.to_owned(),
        params,
    };
    let ours = request(&[
        Call::User("alice".to_owned()),
        Call::Task(TaskId(123)),
        raw("getTaskDescendents", vec![Value::Int(123)]),
        raw("getBuild", vec!["no-such-1-1".into(), named("strict")]),
        Call::Average {
            package: "hello".to_owned(),
        },
    ]);
    assert_eq!(text(&ours), text(&sent("37-multiCall")));
}

#[test]
fn what_the_lab_does_not_show_is_asked_by_the_same_rules() {
    let owner = UserId(2);
    let since = Timestamp::from_second(1_795_195_154).unwrap();
    let package = || "hello".to_owned();
    let calls = [
        Call::UserById(owner),
        Call::EndedTasks { owner, since, limit: 9 },
        Call::EndedTaskCount { owner, since },
        Call::Mails {
            before: since,
            limit: 9,
        },
        Call::Building { owner, limit: 9 },
        Call::Build(BuildKey::Id(BuildId(15))),
        Call::LastBuilds {
            package: PackageKey::Name(package()),
            limit: 5,
        },
        Call::BuildsOfPackage {
            package: PackageKey::Id(5_000_000_000),
            since,
            limit: 9,
        },
        Call::Package(package()),
        Call::Download {
            task: TaskId(130),
            file: "root.log".to_owned(),
            offset: -4000,
            size: 4000,
        },
        Call::Tags(BuildKey::Id(BuildId(15))),
        Call::Target("rawhide".to_owned()),
        Call::Repo {
            tag: "f44-build".to_owned(),
        },
        Call::TaggedAt {
            tag: "f44-build".to_owned(),
            event: 5_000_000_000,
            package: package(),
        },
        Call::Resubmit(TaskId(7)),
    ];
    let mut said = String::new();
    for call in calls {
        let (method, params) = heard(&request(&[call]));
        writeln!(said, "{method} {}", json(&Value::List(params))).unwrap();
    }
    expect![[r#"
        getUser [2]
        listTasks [{"opts":{"owner":2,"parent":null,"completeAfter":1795195154.0,"decode":true},"queryOpts":{"order":"-completion_time","limit":9},"__starstar":true}]
        listTasks [{"opts":{"owner":2,"parent":null,"completeAfter":1795195154.0},"queryOpts":{"countOnly":true},"__starstar":true}]
        listTasks [{"opts":{"method":"buildNotification","createdBefore":1795195154.0,"decode":true},"queryOpts":{"order":"-id","limit":9},"__starstar":true}]
        listBuilds [{"userID":2,"state":0,"queryOpts":{"order":"-build_id","limit":9},"__starstar":true}]
        getBuild [15]
        listBuilds [{"packageID":"hello","state":1,"queryOpts":{"order":"-completion_time","limit":5},"__starstar":true}]
        listBuilds [{"packageID":5000000000,"completeAfter":1795195154.0,"queryOpts":{"order":"-build_id","limit":9},"__starstar":true}]
        getPackage ["hello"]
        downloadTaskOutput [130,"root.log",{"offset":-4000,"size":4000,"__starstar":true}]
        listTags [{"build":15,"__starstar":true}]
        getBuildTarget ["rawhide"]
        getRepo ["f44-build"]
        listTagged ["f44-build",{"event":5000000000,"inherit":true,"package":"hello","__starstar":true}]
        resubmitTask [7]
    "#]].assert_eq(&said);
}

#[test]
fn every_recorded_request_is_written_as_it_was() {
    let check = |name: &str, body: &[u8]| {
        let (method, params) = heard(body);
        assert_eq!(text(&write::method_call(&method, &params)), text(body), "{name}");
    };
    let mut count = 0;
    for it in index().iter().filter(|it| it.request_bytes > 200) {
        for (_, body) in exchanges(&fixture(&format!("{}.request", it.file))) {
            check(&it.file, &body);
            count += 1;
        }
    }
    assert!(count >= 60, "{count}");
    for file in files_of_others(".request.xml") {
        check(&file, &fs::read(&file).unwrap());
    }
}

#[test]
fn every_recorded_answer_is_what_the_client_saw() {
    let mut said = String::new();
    for it in index() {
        let Some((head, body)) = exchanges(&fixture(&format!("{}.response", it.file))).pop() else {
            assert_eq!(
                it.file, "52-sslLogin-untrusted-cert",
                "TLS failed before there was an answer"
            );
            continue;
        };
        let status = head.split(' ').nth(1).unwrap();
        let outcome = match read::<Value>(&body[..]) {
            Ok(Ok(value)) => {
                assert_eq!(it.ok, Some(true), "{}", it.file);
                // The client turns a session into "yes", and base64 into bytes.
                let expected = it.python_result_type.as_deref().unwrap();
                let kind = python_type(&value);
                let is_same = kind == expected || matches!((kind, expected), ("dict", "bool") | ("str", "bytes"));
                assert!(is_same, "{}: {kind} is not {expected}", it.file);
                continue;
            }
            Ok(Err(fault)) => {
                assert_eq!(it.ok, Some(false), "{}", it.file);
                // What the client itself stumbled over in between is its own matter.
                if it.fault_code.is_some() {
                    assert_eq!(Some(fault.code.number()), it.fault_code, "{}", it.file);
                    assert_eq!(Some(&fault.text), it.message.as_ref(), "{}", it.file);
                }
                fault.to_string()
            }
            Err(error) => {
                assert_ne!(it.ok, Some(true), "{}", it.file);
                assert_ne!(status, "200", "{}", it.file);
                format!("HTTP {status}: {error}")
            }
        };
        writeln!(said, "{}: {outcome}", it.file).unwrap();
    }
    expect![[r#"
        06-getUser-missing-strict: No such user: 'nobody-here' (fault 1000)
        15-getTaskInfo-missing-strict: query returned no rows (fault 1000)
        26-getBuild-missing-strict: No such build: 'no-such-1-1' (fault 1000)
        32-getTaskResult-failed: error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information (fault 1005)
        34-getTaskResult-open: Task 123 is not finished (fault 1000)
        38-fault-invalid-method: Invalid method: noSuchMethod (fault 1000)
        39-fault-parameter: Invalid type for value 'abc': <class 'str'>, expected type <class 'int'> (fault 1019)
        40-fault-missing-argument: RootExports.getTaskInfo() missing 1 required positional argument: 'task_id' (fault 1019)
        41-fault-not-logged-in: you must be logged in for this operation (fault 1004)
        46-auth-cancelTask-of-bob: Cannot cancel task, not owner (fault 1004)
        50-fault-closed-session: Invalid session or bad credentials (fault 1002)
        51-fault-bad-session-key: Invalid session or bad credentials (fault 1002)
        53-sslLogin-no-cert-optional-vhost: could not verify client: NONE (fault 1002)
        56-fault-login-bad-password: invalid username or password (fault 1002)
        57-fault-expired-session: session "166" has expired (fault 1007)
        60-fault-retry-error-same-callnum: unable to retry call 500 (method build) for session 166 (fault 1009)
        61-fault-sequence-error-lower-callnum: 500 > 10 (session 166) (fault 1008)
        64-gssapi-login-no-ticket: HTTP 401: the answer is a web page and not XML-RPC
        65-raw-GET: HTTP 405: the answer is not XML
        66-raw-POST-empty: HTTP 400: the answer is not XML
        67-raw-POST-garbage: HTTP 400: the answer is not XML
    "#]].assert_eq(&said);
}

#[test]
fn the_lab_s_answers_are_understood() {
    let owner = UserId(2);
    let since = Timestamp::UNIX_EPOCH;
    let limit = 50;
    let build = || BuildKey::Id(BuildId(15));
    let calls = [
        ("03-getKojiVersion", Call::Version),
        ("04-getUser", Call::User(String::new())),
        ("05-getUser-missing", Call::User(String::new())),
        ("07-listTasks-open", Call::OpenTasks { owner, limit }),
        ("08-listTasks-open-parents-only", Call::OpenTasks { owner, limit: 1 }),
        ("09-listTasks-undecoded", Call::OpenTasks { owner, limit }),
        ("10-listTasks-finished", Call::EndedTasks { owner, since, limit }),
        ("11-listTasks-countOnly", Call::EndedTaskCount { owner, since }),
        ("12-getTaskInfo", Call::Task(TaskId(123))),
        ("13-getTaskInfo-norequest", Call::Task(TaskId(123))),
        ("14-getTaskInfo-missing", Call::Task(TaskId(99_999_999))),
        ("17-getTaskDescendents", Call::Descendents(TaskId(123))),
        ("18-getTaskChildren", Call::Children(TaskId(122))),
        ("19-listBuilds", Call::BuildsSince { owner, since, limit }),
        ("20-listBuilds-building", Call::Building { owner, limit }),
        ("22-listBuilds-taskID", Call::BuildsOfTask(TaskId(123))),
        ("24-getBuild", Call::Build(build())),
        ("25-getBuild-missing", Call::Build(build())),
        ("27-getAverageBuildDuration", Call::Average { package: String::new() }),
        (
            "28-getAverageBuildDuration-none",
            Call::Average { package: String::new() },
        ),
        ("30-listTags-of-build", Call::Tags(build())),
        ("32-getTaskResult-failed", Call::TaskResult(TaskId(124))),
        ("33-getTaskResult-failed-nofault", Call::TaskResult(TaskId(124))),
        ("34-getTaskResult-open", Call::TaskResult(TaskId(123))),
        ("35-listTaskOutput", Call::Output(TaskId(130))),
        (
            "36-downloadTaskOutput",
            Call::Download {
                task: TaskId(130),
                file: String::new(),
                offset: 0,
                size: 64,
            },
        ),
        ("44-auth-getLoggedInUser", Call::LoggedInUser),
        ("45-auth-cancelTask-of-own", Call::Cancel(TaskId(122))),
        ("46-auth-cancelTask-of-bob", Call::Cancel(TaskId(21))),
        ("47-auth-build", Call::Resubmit(TaskId(1))),
    ];
    let mut said = String::new();
    for (name, call) in calls {
        let read = answers(&[call], &received(name)[..]);
        describe(&mut said, name, read);
    }
    let calls = [
        Call::User(String::new()),
        Call::Task(TaskId(123)),
        Call::Descendents(TaskId(123)),
        Call::Build(build()),
        Call::Average { package: String::new() },
    ];
    describe(
        &mut said,
        "37-multiCall",
        answers(&calls, &received("37-multiCall")[..]),
    );
    expect![[r#"
        03-getKojiVersion
          Version("1.35.3")
        04-getUser
          User(Some(User { id: UserId(2), name: "alice" }))
        05-getUser-missing
          User(None)
        07-listTasks-open
          133<123 buildArch aarch64 OPEN owner=2/alice what=hello-5.1-1795195746.fc44 package=hello target=- source=- 2026-11-20T17:29:10.112506Z 2026-11-20T17:29:11.109717Z -
          131<123 buildArch x86_64 OPEN owner=2/alice what=hello-5.1-1795195746.fc44 package=hello target=- source=- 2026-11-20T17:29:09.916753Z 2026-11-20T17:29:10.916683Z -
          129<122 buildArch aarch64 OPEN owner=2/alice what=tree-5.1-1795195746.fc44 package=tree target=- source=- 2026-11-20T17:29:09.630834Z 2026-11-20T17:29:10.69892Z -
          128<122 buildArch x86_64 OPEN owner=2/alice what=tree-5.1-1795195746.fc44 package=tree target=- source=- 2026-11-20T17:29:09.540748Z 2026-11-20T17:29:10.613082Z -
          123 build noarch OPEN owner=2/alice what=hello package=hello target=rawhide source=git+https://src.example.invalid/rpms/hello.git#e212163b098a89310b4b4021bce7002a2a80be8d 2026-11-20T17:29:06.59369Z 2026-11-20T17:29:07.067738Z -
          122 scratch build noarch OPEN owner=2/alice what=tree package=tree target=rawhide source=git+https://src.example.invalid/rpms/tree.git#721595c1bb3d89cca72e91a860ea4cdd74d5b026 2026-11-20T17:29:06.479815Z 2026-11-20T17:29:06.951869Z -
        08-listTasks-open-parents-only
          123 build noarch OPEN owner=2/alice what=hello package=hello target=rawhide source=git+https://src.example.invalid/rpms/hello.git#e212163b098a89310b4b4021bce7002a2a80be8d 2026-11-20T17:29:06.59369Z 2026-11-20T17:29:07.067738Z -
        09-listTasks-undecoded
          122 build noarch OPEN owner=2/alice what=- package=- target=- source=- 2026-11-20T17:29:06.479815Z 2026-11-20T17:29:06.951869Z -
          123 build noarch OPEN owner=2/alice what=- package=- target=- source=- 2026-11-20T17:29:06.59369Z 2026-11-20T17:29:07.067738Z -
        10-listTasks-finished
          106 build noarch CLOSED owner=2/alice what=hello package=hello target=rawhide source=git+https://src.example.invalid/rpms/hello.git#2892c872fd40148b3324b82414831cdf574e37e7 2026-11-20T17:28:36.624706Z 2026-11-20T17:28:37.061193Z 2026-11-20T17:29:13.712394Z
          124 build noarch FAILED owner=2/alice what=gnome-tweaks package=gnome-tweaks target=rawhide source=git+https://src.example.invalid/rpms/gnome-tweaks.git#08af086c62282df5c26d6e0bd72e123b63efb17d 2026-11-20T17:29:06.700804Z 2026-11-20T17:29:07.182495Z 2026-11-20T17:29:12.535465Z
          118 scratch build noarch CLOSED owner=2/alice what=hello package=hello target=rawhide source=git+https://src.example.invalid/rpms/hello.git#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 2026-11-20T17:28:45.19837Z 2026-11-20T17:28:45.544253Z 2026-11-20T17:28:57.985701Z
        11-listTasks-countOnly
          Count(92)
        12-getTaskInfo
          123 build noarch OPEN owner=2/- what=hello package=hello target=rawhide source=git+https://src.example.invalid/rpms/hello.git#e212163b098a89310b4b4021bce7002a2a80be8d 2026-11-20T17:29:06.59369Z 2026-11-20T17:29:07.067738Z -
        13-getTaskInfo-norequest
          123 build noarch OPEN owner=2/- what=- package=- target=- source=- 2026-11-20T17:29:06.59369Z 2026-11-20T17:29:07.067738Z -
        14-getTaskInfo-missing
          no task
        17-getTaskDescendents
          126<123 buildSRPMFromSCM srpm CLOSED owner=2/- what=hello package=hello target=- source=git+https://src.example.invalid/rpms/hello.git#e212163b098a89310b4b4021bce7002a2a80be8d 2026-11-20T17:29:07.189401Z 2026-11-20T17:29:08.090112Z 2026-11-20T17:29:09.310512Z
          131<123 buildArch x86_64 OPEN owner=2/- what=hello-5.1-1795195746.fc44 package=hello target=- source=- 2026-11-20T17:29:09.916753Z 2026-11-20T17:29:10.916683Z -
          133<123 buildArch aarch64 OPEN owner=2/- what=hello-5.1-1795195746.fc44 package=hello target=- source=- 2026-11-20T17:29:10.112506Z 2026-11-20T17:29:11.109717Z -
        18-getTaskChildren
          129<122 buildArch aarch64 OPEN owner=2/- what=tree-5.1-1795195746.fc44 package=tree target=- source=- 2026-11-20T17:29:09.630834Z 2026-11-20T17:29:10.69892Z -
          125<122 scratch buildSRPMFromSCM srpm CLOSED owner=2/- what=tree package=tree target=- source=git+https://src.example.invalid/rpms/tree.git#721595c1bb3d89cca72e91a860ea4cdd74d5b026 2026-11-20T17:29:07.142316Z 2026-11-20T17:29:07.997162Z 2026-11-20T17:29:09.167831Z
          128<122 buildArch x86_64 OPEN owner=2/- what=tree-5.1-1795195746.fc44 package=tree target=- source=- 2026-11-20T17:29:09.540748Z 2026-11-20T17:29:10.613082Z -
        19-listBuilds
          18 gnome-tweaks-5.1-1795195746.fc44 FAILED owner=2/alice task=124 volume=DEFAULT 2026-11-20T17:29:09.730133Z 2026-11-20T17:29:09.728485Z 2026-11-20T17:29:12.384573Z
          17 hello-5.1-1795195746.fc44 BUILDING owner=2/alice task=123 volume=DEFAULT 2026-11-20T17:29:09.660643Z 2026-11-20T17:29:09.658263Z -
          16 gnome-tweaks-5.1-1795195716.fc44 FAILED owner=2/alice task=107 volume=DEFAULT 2026-11-20T17:28:40.870749Z 2026-11-20T17:28:40.868506Z 2026-11-20T17:28:43.197564Z
          15 hello-5.1-1795195716.fc44 COMPLETE owner=2/alice task=106 volume=DEFAULT 2026-11-20T17:28:39.362262Z 2026-11-20T17:28:39.360155Z 2026-11-20T17:29:11.635751Z
          14 hello-202-1795195584 COMPLETE owner=2/alice task=- volume=DEFAULT 2026-11-20T17:26:25.126585Z 2026-11-20T17:26:25.125138Z 2026-11-20T17:26:25.776038Z
        20-listBuilds-building
          13 hello-201-1795195548 BUILDING owner=2/alice task=- volume=DEFAULT 2026-11-20T17:25:49.011732Z 2026-11-20T17:25:49.00987Z -
          17 hello-5.1-1795195746.fc44 BUILDING owner=2/alice task=123 volume=DEFAULT 2026-11-20T17:29:09.660643Z 2026-11-20T17:29:09.658263Z -
        22-listBuilds-taskID
          17 hello-5.1-1795195746.fc44 BUILDING owner=2/alice task=123 volume=DEFAULT 2026-11-20T17:29:09.660643Z 2026-11-20T17:29:09.658263Z -
        24-getBuild
          15 hello-5.1-1795195716.fc44 COMPLETE owner=2/alice task=106 volume=DEFAULT 2026-11-20T17:28:39.362262Z 2026-11-20T17:28:39.360155Z 2026-11-20T17:29:11.635751Z
        25-getBuild-missing
          no build
        27-getAverageBuildDuration
          Some(15796)
        28-getAverageBuildDuration-none
          None
        30-listTags-of-build
          Tags([TagRow { id: 4, name: "f44-signing-pending" }])
        32-getTaskResult-failed
          fault 1005: error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information
        33-getTaskResult-failed-nofault
          failed 1005: error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information
        34-getTaskResult-open
          fault 1000: Task 123 is not finished
        35-listTaskOutput
          Output([OutputFile { name: "build.log", size: Some(67) }])
        36-downloadTaskOutput
          gcc: error
        error: Bad exit status from /var/tmp/rpm-tmp.x (%buil
        44-auth-getLoggedInUser
          User(Some(User { id: UserId(2), name: "alice" }))
        45-auth-cancelTask-of-own
          Canceled
        46-auth-cancelTask-of-bob
          fault 1004: Cannot cancel task, not owner
        47-auth-build
          Resubmitted(TaskId(137))
        37-multiCall
          User(Some(User { id: UserId(2), name: "alice" }))
          123 build noarch OPEN owner=2/- what=hello package=hello target=rawhide source=git+https://src.example.invalid/rpms/hello.git#e212163b098a89310b4b4021bce7002a2a80be8d 2026-11-20T17:29:06.59369Z 2026-11-20T17:29:07.067738Z -
          126<123 buildSRPMFromSCM srpm CLOSED owner=2/- what=- package=- target=- source=- 2026-11-20T17:29:07.189401Z 2026-11-20T17:29:08.090112Z 2026-11-20T17:29:09.310512Z
          131<123 buildArch x86_64 OPEN owner=2/- what=- package=- target=- source=- 2026-11-20T17:29:09.916753Z 2026-11-20T17:29:10.916683Z -
          133<123 buildArch aarch64 OPEN owner=2/- what=- package=- target=- source=- 2026-11-20T17:29:10.112506Z 2026-11-20T17:29:11.109717Z -
          fault 1000: No such build: \'no-such-1-1\'
          Some(15796)
    "#]].assert_eq(&said);
}

#[test]
fn what_other_hubs_said_is_read_whole() {
    for file in files_of_others(".response.xml") {
        let recorded = file.replace(".response.xml", ".json");
        let value = read::<Value>(&fs::read(&file).unwrap()[..]).unwrap();
        let Ok(recorded) = fs::read(&recorded) else {
            assert!(file.contains("/raw/"), "{file}");
            continue;
        };
        let mut recorded: serde_json::Value = serde_json::from_slice(&recorded).unwrap();
        match value {
            Ok(value) => {
                let mut result = recorded["result"].take();
                times_as_text(&mut result);
                let value = serde_json::to_value(&value).unwrap();
                assert_eq!(difference(&value, &result, ""), None, "{file}");
            }
            Err(fault) => {
                assert_eq!(recorded["fault"]["faultCode"], fault.code.number(), "{file}");
                assert_eq!(recorded["fault"]["faultString"], fault.text, "{file}");
            }
        }
    }
}

#[test]
fn what_other_hubs_said_is_understood() {
    let owner = UserId(1);
    let since = Timestamp::UNIX_EPOCH;
    let mut said = String::new();
    for file in files_of_others(".response.xml") {
        let name = Path::new(&file).file_name().unwrap().to_str().unwrap();
        let name = name.trim_end_matches(".response.xml");
        let method = name.split("--").next().unwrap();
        let call = match method {
            _ if name.contains("ount") || file.contains("/raw/") => continue,
            "getAverageBuildDuration" => Call::Average { package: String::new() },
            "getBuild" => Call::Build(BuildKey::Id(BuildId(1))),
            "getKojiVersion" => Call::Version,
            "getLoggedInUser" => Call::LoggedInUser,
            "getTaskChildren" => Call::Children(TaskId(1)),
            "getTaskDescendents" if name.ends_with("build") => Call::Descendents(TaskId(14330)),
            "getTaskDescendents" => Call::Descendents(TaskId(1)),
            "getTaskInfo" => Call::Task(TaskId(1)),
            "getTaskResult" => Call::TaskResult(TaskId(1)),
            "getUser" => Call::UserById(owner),
            "listBuilds" => Call::BuildsSince { owner, since, limit: 2 },
            "listTaskOutput" => Call::Output(TaskId(1)),
            "listTasks" => Call::EndedTasks {
                owner,
                since,
                limit: 100,
            },
            "repoInfo" => Call::Repo { tag: String::new() },
            _ => continue,
        };
        describe(&mut said, name, answers(&[call], &fs::read(&file).unwrap()[..]));
    }
    if !said.is_empty() {
        expect![[r#"
            getAverageBuildDuration--txkoji-2018
              Some(143401)
            getBuild--cg-no-task
              533 test-cg-reserve-1.0-66 COMPLETE owner=1/mikem task=- volume=foo 2019-08-19T11:09:58.829724Z 1969-12-31T19:00:00Z 1969-12-31T19:01:40Z
            getBuild--container-volume-2022
              1872940 grafana-container-7-34 COMPLETE owner=5249/agerstma task=42753873 volume=rhel-8-image 2022-02-02T18:12:34.19087Z 2022-02-02T18:12:34.17104Z 2022-02-02T18:21:03.67221Z
            getBuild--maven-extra
              422 org.jgroups-jgroups-3.6.6.Final_redhat_1-1.dup4 COMPLETE owner=1/mikem task=- volume=vol2 2017-10-17T16:37:48.43879Z 2015-10-19T11:01:28Z 2015-10-19T11:09:57Z
            getBuild--promoted
              628 koji-1.21.0-17.el6_10 COMPLETE owner=1/mikem task=14385 volume=test 2024-09-17T15:35:18.209655Z 2023-11-28T12:10:25.0453Z 2023-11-28T12:11:56.98622Z
            getBuild--rpm-volume-2019
              936045 rubygem-bcrypt-3.1.13-1.el8cf COMPLETE owner=3047/simaishi task=22746481 volume=rhel-8 2019-07-23T11:58:09.72121Z 2019-07-23T11:58:09.72121Z 2019-07-23T11:59:42.79976Z
            getBuild--txkoji-2018
              24284 ceph-ansible-3.1.7-1.el7 COMPLETE owner=144/ktdreyer task=561934 volume=DEFAULT 2018-09-26T13:57:24.66542Z 2018-09-26T13:57:24.66542Z 2018-09-26T13:59:43.90524Z
            getKojiVersion
              Version("1.35.2")
            getLoggedInUser--txkoji-2018
              User(Some(User { id: UserId(144), name: "ktdreyer" }))
            getTaskChildren--closed
              1189<1188 buildSRPMFromSCM srpm CLOSED owner=1/- what=- package=- target=- source=- 2017-11-03T12:57:50.49287Z 2017-11-03T12:57:50.54811Z 2017-11-03T13:07:22.8013Z
              1190<1188 buildArch noarch CLOSED owner=1/- what=- package=- target=- source=- 2017-11-03T13:07:23.27538Z 2017-11-03T13:07:28.38435Z 2017-11-03T13:07:58.74069Z
            getTaskChildren--failed-2015
              14503257<14503213 buildArch x86_64 CANCELED owner=654/- what=eclipse-4.6.0-1.fc25 package=eclipse target=- source=- 2016-06-15T14:53:41.07311Z 2016-06-15T14:53:51.99909Z 2016-06-15T15:01:22.52335Z
              14503255<14503213 buildArch armv7hl CANCELED owner=654/- what=eclipse-4.6.0-1.fc25 package=eclipse target=- source=- 2016-06-15T14:53:40.59289Z 2016-06-15T14:53:54.57981Z 2016-06-15T15:01:22.52335Z
              14503258<14503213 buildArch i686 FAILED owner=654/- what=eclipse-4.6.0-1.fc25 package=eclipse target=- source=- 2016-06-15T14:53:41.61608Z 2016-06-15T14:53:52.55369Z 2016-06-15T15:01:14.2371Z
              14503216<14503213 buildSRPMFromSCM srpm CLOSED owner=654/- what=eclipse package=eclipse target=- source=git://pkgs.fedoraproject.org/rpms/eclipse?#4bce9c460d2958f5f251c4c2dfbde8a934e75cea 2016-06-15T14:49:45.41251Z 2016-06-15T14:49:54.94153Z 2016-06-15T14:53:29.82095Z
            getTaskChildren--none
            getTaskChildren--one-free
              1209<1208 buildSRPMFromSCM srpm FREE owner=1/- what=- package=- target=- source=- 2017-11-22T12:06:37.75311Z - -
            getTaskDescendents--build
              14331<14330 waitrepo noarch CLOSED owner=1/- what=- package=- target=- source=- 2024-07-03T19:30:27.932314Z 2024-07-03T19:30:29.983733Z 2024-07-03T19:32:30.1733Z
              14334<14330 rebuildSRPM srpm CLOSED owner=1/- what=fake-1.1-35 package=fake target=- source=cli-build/1720035027.257203.LOdmHDbQ/fake-1.1-35.src.rpm 2024-07-03T19:32:31.853455Z 2024-07-03T19:32:31.903876Z 2024-07-03T19:32:58.213221Z
              14335<14330 buildArch noarch CLOSED owner=1/- what=fake-1.1-35MYDISTTAG package=fake target=- source=- 2024-07-03T19:32:59.022568Z 2024-07-03T19:32:59.068527Z 2024-07-03T19:33:30.276335Z
              14336<14330 tagBuild tag CLOSED owner=1/- what=- package=- target=- source=- 2024-07-03T19:33:30.33209Z 2024-07-03T19:33:32.447419Z 2024-07-03T19:33:32.523824Z
            getTaskDescendents--newRepo
              2<1 createrepo x86_64 CLOSED owner=5/- what=- package=- target=- source=- 2016-09-16T12:03:33.11235Z 2016-09-16T12:03:46.646123Z 2016-09-16T12:06:05.046094Z
            getTaskInfo--build-closed-naive-times
              1188 build noarch CLOSED owner=1/- what=fake package=fake target=f24 source=git://git.engineering.redhat.com/users/mikem/fake.git#adaf62586b4b4a23b24394da5586abd7cd9f679e 2017-11-03T12:57:49.43118Z 2017-11-03T12:57:50.37957Z 2017-11-03T13:07:59.52308Z
            getTaskInfo--build-srpm
              14330 build noarch CLOSED owner=1/- what=fake-1.1-35 package=fake target=f24 source=cli-build/1720035027.257203.LOdmHDbQ/fake-1.1-35.src.rpm 2024-07-03T19:30:27.280403Z 2024-07-03T19:30:27.840056Z 2024-07-03T19:33:34.561433Z
            getTaskInfo--buildArch
              1190<1188 buildArch noarch CLOSED owner=1/- what=fake-1.1-21 package=fake target=- source=- 2017-11-03T13:07:23.27538Z 2017-11-03T13:07:28.38435Z 2017-11-03T13:07:58.74069Z
            getTaskInfo--cg_import-method-dict
              14385 cg_import noarch CLOSED owner=1/- what=- package=- target=- source=- 2024-09-17T15:35:18.067658Z - 2024-09-17T15:35:18.067658Z
            getTaskInfo--failed-2015
              14503213 build noarch FAILED owner=654/- what=- package=- target=- source=- 2016-06-15T14:49:36.92699Z 2016-06-15T14:49:42.84579Z 2016-06-15T15:01:23.82482Z
            getTaskInfo--failed
              1208 build noarch FAILED owner=1/- what=fake package=fake target=f24 source=git://git.engineering.redhat.com/users/mikem/fake.git#master 2017-11-22T12:02:08.03509Z 2017-11-22T12:06:37.20847Z 2017-11-22T12:07:24.39833Z
            getTaskInfo--free-no-host
              1208 build noarch FREE owner=1/- what=fake package=fake target=f24 source=git://git.engineering.redhat.com/users/mikem/fake.git#master 2017-11-22T12:02:08.03509Z - -
            getTaskInfo--newRepo
              1 newRepo noarch CLOSED owner=5/- what=- package=- target=f24-build source=- 2016-09-16T12:02:49.787308Z 2016-09-16T12:03:00.942713Z 2016-09-16T12:06:55.802644Z
            getTaskInfo--txkoji-2018
              291929 build noarch CLOSED owner=144/- what=ceph-ansible-3.1.0beta2-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1515773778.916323.qZGLNqIz/ceph-ansible-3.1.0beta2-1.el7.src.rpm 2018-01-12T16:16:19.543Z 2018-01-12T16:16:24.65904Z 2018-01-12T16:18:43.23664Z
            getTaskResult--buildArch
              made something
            getTaskResult--fault-1-GenericError
              fault 1000: Task 12345 is canceled
            getTaskResult--fault-2-BuildError
              fault 1005: error building package (arch armv7hl), mock exited with status 1; see root.log for more information
            getTaskResult--fault-3-BuildError
              fault 1005: error building srpm, mock exited with status 1; see root.log for more information
            getTaskResult--fault-4-Fault
              fault 1: Traceback (most recent call last):\n  File \"/usr/lib/python2.7/site-packages/koji/daemon.py\", line 1244, in runTask\n …
            getTaskResult--fault-build-exists
              fault 1000: Build already exists (id=425, state=COMPLETE): {\'name\': \'fake\', \'task_id\': 1208, \'extra\': None, \'pkg_id\': 298,…
            getTaskResult--newRepo-list
              made something
            getTaskResult--null
              made something
            getUser--by-id
              User(Some(User { id: UserId(1), name: "mikem" }))
            getUser--by-name
              User(Some(User { id: UserId(1), name: "mikem" }))
            getUser--txkoji-2018
              User(Some(User { id: UserId(2826), name: "kdreyer" }))
            listBuilds--by-task
              574 fake-1.1-35MYDISTTAG COMPLETE owner=1/mikem task=14330 volume=DEFAULT 2024-07-03T19:32:59.011086Z 2024-07-03T19:32:59.006214Z 2024-07-03T19:33:30.308675Z
            listBuilds--by-user-newest-completed
              471 test-cg-reserve-1.0-7 BUILDING owner=1/mikem task=- volume=DEFAULT 2019-08-02T11:41:32.216682Z 2019-08-02T11:41:32.216682Z -
              469 test-cg-reserve-1.0-5 BUILDING owner=1/mikem task=- volume=DEFAULT 2019-08-02T11:37:55.640986Z 2019-08-02T11:37:55.640986Z -
            listBuilds--canceled
              303 docker-hello-world-1.0-56.1.dup3 CANCELED owner=1/mikem task=- volume=DEFAULT 2016-09-20T17:39:00.384042Z 2015-10-20T17:22:12Z 2015-10-20T13:24:54Z
            listBuilds--latest-10
              654 redhat-certification-9.9-20241113.1.el9 COMPLETE owner=1/mikem task=- volume=rhel-9 2024-11-14T14:54:20.342482Z 2024-11-13T23:16:52.01606Z 2024-11-13T23:18:22.44001Z
              653 ipset-7.11-10.el9_5 COMPLETE owner=1/mikem task=- volume=rhel-9 2024-11-14T04:11:55.729459Z 2024-11-13T23:34:24.589398Z 2024-11-13T23:37:24.887198Z
            listTaskOutput--empty-all-volumes
              Output([])
            listTasks--active-none
            listTasks--build-complete-after
              14452<14451 scratch build build FAILED owner=1/mikem what=fake package=fake target=- source=git://git.alt.example.com/users/test_user/fake.git#86d981ba2dd96ad13e9e7d0e9827dd83648b00c0 2025-01-17T22:26:53.483513Z 2025-01-17T22:26:55.601651Z 2025-01-17T22:27:27.558895Z
              14429 scratch build noarch FAILED owner=1/mikem what=fake-1.1-35 package=fake target=f24 source=cli-build/1732569649.9317293.vzHHheeI/fake-1.1-35.src.rpm 2024-11-25T21:20:50.010024Z 2025-01-17T20:32:22.641072Z 2025-01-17T20:32:22.969068Z
              14449<14448 scratch build build FAILED owner=1/mikem what=fake package=fake target=- source=git://git.alt.example.com/users/test_user/fake.git#86d981ba2dd96ad13e9e7d0e9827dd83648b00c0 2025-01-17T22:25:36.946691Z 2025-01-17T22:25:39.015899Z 2025-01-17T22:26:12.969973Z
              14460 scratch build noarch CLOSED owner=1/mikem what=fake-1.1-35 package=fake target=f24 source=cli-build/1740086823.8769197.zerotnxH/fake-1.1-35.src.rpm 2025-02-20T21:27:03.935933Z 2025-02-20T21:27:08.691026Z 2025-02-20T21:28:05.145647Z
            listTasks--failed-buildArch
              14329<14327 buildArch noarch FAILED owner=1/mikem what=fake-1.1-35MYDISTTAG package=fake target=- source=- 2024-07-03T19:27:50.296811Z 2024-07-03T19:27:50.331597Z 2024-07-03T19:28:22.783055Z
              12510<12508 buildArch noarch FAILED owner=1/mikem what=mypackage-1.1-36 package=mypackage target=- source=- 2024-02-27T19:21:08.180921Z 2024-02-27T19:21:08.233074Z 2024-02-27T19:21:58.305539Z
              12397<12395 buildArch noarch FAILED owner=1/mikem what=mypackage-1.1-36 package=mypackage target=- source=- 2024-02-22T02:26:32.391668Z 2024-02-22T02:26:32.42881Z 2024-02-22T02:27:23.824165Z
              12377<12375 buildArch noarch FAILED owner=1/mikem what=fake-1.1-35MYDISTTAG package=fake target=- source=- 2024-02-18T02:22:00.588674Z 2024-02-18T02:22:00.644889Z 2024-02-18T02:22:32.103013Z
              12291<12289 buildArch noarch FAILED owner=1/mikem what=fake-1.1-35MYDISTTAG package=fake target=- source=- 2024-02-14T05:42:16.201127Z 2024-02-14T05:42:16.255498Z 2024-02-14T05:42:34.547123Z
              11953<11951 buildArch noarch FAILED owner=1/mikem what=fake-1.1-29MYDISTTAG package=fake target=- source=- 2023-12-04T23:30:19.887414Z 2023-12-04T23:30:25.054152Z 2023-12-04T23:31:16.101662Z
              9245<9241 buildArch x86_64 FAILED owner=1/mikem what=fake-1.1-28MYDISTTAG package=fake target=- source=- 2020-10-02T16:38:49.838668Z 2020-10-02T16:38:49.917463Z 2020-10-02T16:39:36.064737Z
              3343<3342 buildArch noarch FAILED owner=1/mikem what=fake-1.1-24 package=fake target=- source=- 2018-08-06T13:19:51.180203Z 2018-08-06T13:19:56.473698Z 2018-08-06T13:20:03.11136Z
              1156<1155 buildArch noarch FAILED owner=1/mikem what=koji-1.14.0-1.20171002.1636.07.el6 package=koji target=- source=- 2017-10-02T16:36:37.983625Z 2017-10-02T16:36:42.956101Z 2017-10-02T16:37:12.373531Z
              1152<1151 buildArch noarch FAILED owner=1/mikem what=fake-1.1-11 package=fake target=- source=- 2017-10-02T16:29:54.331296Z 2017-10-02T16:29:59.595783Z 2017-10-02T16:30:10.371724Z
              1146<1144 buildArch ia32e FAILED owner=1/mikem what=fake-1.1-10 package=fake target=- source=- 2017-09-28T09:45:49.036546Z 2017-09-28T09:45:54.407771Z 2017-09-28T09:46:31.612311Z
              1145<1144 buildArch x86_64 FAILED owner=1/mikem what=fake-1.1-10 package=fake target=- source=- 2017-09-28T09:45:49.02436Z 2017-09-28T09:45:54.245698Z 2017-09-28T09:46:31.745258Z
              1143<1142 buildArch noarch FAILED owner=1/mikem what=fake-1.1-8 package=fake target=- source=- 2017-09-28T08:49:29.210165Z 2017-09-28T08:49:34.517588Z 2017-09-28T08:50:15.965502Z
              735 buildArch noarch FAILED owner=1/mikem what=fake-1.0-22.fail package=fake target=- source=- 2017-05-23T20:36:44.726757Z 2017-05-23T20:36:48.170583Z 2017-05-23T20:36:48.307254Z
              57<55 buildArch noarch FAILED owner=1/mikem what=fake-1.0-22.fail package=fake target=- source=- 2016-10-07T12:04:44.355079Z 2016-10-07T12:05:31.244112Z 2016-10-07T12:08:24.806206Z
              56<55 buildArch x86_64 FAILED owner=1/mikem what=fake-1.0-22.fail package=fake target=- source=- 2016-10-07T12:04:38.863856Z 2016-10-07T12:04:50.581794Z 2016-10-07T12:07:49.793177Z
            listTasks--one-of-each-method
              14458 scratch appliance x86_64 FAILED owner=1/mikem what=foo-1 package=foo target=f24 source=- 2025-02-17T18:49:02.37629Z 2025-02-17T18:49:06.256757Z 2025-02-17T18:49:27.206675Z
              14451 scratch kpatchBuild noarch FAILED owner=1/mikem what=- package=- target=- source=- 2025-01-17T22:26:52.542712Z 2025-01-17T22:26:53.329949Z 2025-01-17T22:27:29.751211Z
              14445 newRepo noarch CLOSED owner=5/kojira what=- package=- target=- source=- 2025-01-17T22:21:39.639475Z 2025-01-17T22:21:41.434477Z 2025-01-17T22:21:48.214216Z
              14440 scratch kpatchBuild noarch CANCELED owner=1/mikem what=- package=- target=- source=- 2025-01-17T22:01:37.536403Z - 2025-02-20T21:28:52.126392Z
              14437 distRepo noarch CLOSED owner=1/mikem what=- package=- target=f24-repo source=- 2025-01-17T20:32:05.2601Z 2025-01-17T20:32:22.508148Z 2025-01-17T20:32:33.311824Z
              14434 distRepo noarch FAILED owner=1/mikem what=- package=- target=f24-repo source=- 2025-01-17T20:18:30.498237Z 2025-01-17T20:19:07.720878Z 2025-01-17T20:19:12.727406Z
              14423 newRepo noarch FAILED owner=5/kojira what=- package=- target=- source=- 2024-11-25T21:16:50.949486Z 2024-11-25T21:16:53.257513Z 2024-11-25T21:16:55.709157Z
              14414 scratch wrapperRPM noarch FAILED owner=1/mikem what=glassfish-jaxb package=glassfish-jaxb target=f24 source=git+https://git.pkgs.example.com/git/rpms/glassfish-jaxb?#0d778ef006af887170791d7dae475493637fa935 2024-11-19T20:52:27.988776Z 2024-11-19T20:52:29.96056Z 2024-11-19T20:53:01.219037Z
              14388 someMethod noarch CLOSED owner=1/mikem what=- package=- target=- source=- 2024-09-26T03:47:30.862127Z 2024-10-02T16:59:12.186636Z 2024-10-02T16:59:12.206844Z
              14385 cg_import noarch CLOSED owner=1/mikem what=- package=- target=- source=- 2024-09-17T15:35:18.067658Z - 2024-09-17T15:35:18.067658Z
              14381 runroot noarch FAILED owner=1/mikem what=- package=- target=- source=- 2024-09-13T15:31:41.582783Z 2024-10-02T16:59:11.927478Z 2024-10-02T16:59:11.978858Z
              14212 scratch image noarch FAILED owner=1/mikem what=default-name-7.3 package=default-name target=f24 source=- 2024-06-10T14:24:01.464601Z 2024-06-10T14:24:02.981672Z 2024-06-10T14:24:03.098873Z
              14459<14458 scratch createAppliance appliance FAILED owner=1/mikem what=- package=- target=- source=- 2025-02-17T18:49:06.357559Z 2025-02-17T18:49:08.417348Z 2025-02-17T18:49:26.135377Z
              14453<14452 scratch buildSRPMFromSCM srpm FAILED owner=1/mikem what=fake package=fake target=- source=git://git.alt.example.com/users/test_user/fake.git#86d981ba2dd96ad13e9e7d0e9827dd83648b00c0 2025-01-17T22:26:55.71308Z 2025-01-17T22:26:57.887613Z 2025-01-17T22:27:26.409669Z
              14436<14434 createdistrepo x86_64 FAILED owner=1/mikem what=- package=- target=- source=- 2025-01-17T20:19:07.820994Z 2025-01-17T20:19:10.285681Z 2025-01-17T20:19:11.427769Z
              14433<14429 scratch rebuildSRPM srpm FAILED owner=1/mikem what=fake-1.1-35 package=fake target=- source=cli-build/1732569649.9317293.vzHHheeI/fake-1.1-35.src.rpm 2024-11-25T21:21:56.757369Z 2025-01-17T20:19:07.857295Z 2025-01-17T20:19:28.923965Z
              14424<14423 createrepo x86_64 FAILED owner=5/kojira what=- package=- target=- source=- 2024-11-25T21:16:53.824726Z 2024-11-25T21:16:54.982377Z 2024-11-25T21:16:55.152898Z
              14416<14415 waitrepo noarch FAILED owner=1/mikem what=- package=- target=f24-build source=- 2024-11-25T21:10:34.917982Z 2024-11-25T21:10:37.000703Z 2024-11-25T21:13:37.508326Z
            listTasks--toplevel-decoded
              14460 scratch build noarch CLOSED owner=1/mikem what=fake-1.1-35 package=fake target=f24 source=cli-build/1740086823.8769197.zerotnxH/fake-1.1-35.src.rpm 2025-02-20T21:27:03.935933Z 2025-02-20T21:27:08.691026Z 2025-02-20T21:28:05.145647Z
              14458 scratch appliance x86_64 FAILED owner=1/mikem what=foo-1 package=foo target=f24 source=- 2025-02-17T18:49:02.37629Z 2025-02-17T18:49:06.256757Z 2025-02-17T18:49:27.206675Z
              14456 scratch appliance x86_64 FAILED owner=1/mikem what=foo-1 package=foo target=f24 source=- 2025-02-17T18:34:02.932831Z 2025-02-17T18:34:04.407121Z 2025-02-17T18:34:27.434096Z
              14454 scratch appliance x86_64 FAILED owner=1/mikem what=foo-1 package=foo target=f24 source=- 2025-02-17T18:32:27.612336Z 2025-02-17T18:32:41.159954Z 2025-02-17T18:33:10.358122Z
              14451 scratch kpatchBuild noarch FAILED owner=1/mikem what=- package=- target=- source=- 2025-01-17T22:26:52.542712Z 2025-01-17T22:26:53.329949Z 2025-01-17T22:27:29.751211Z
              14448 scratch kpatchBuild noarch FAILED owner=1/mikem what=- package=- target=- source=- 2025-01-17T22:25:35.99543Z 2025-01-17T22:25:36.78465Z 2025-01-17T22:26:15.17423Z
              14445 newRepo noarch CLOSED owner=5/kojira what=- package=- target=- source=- 2025-01-17T22:21:39.639475Z 2025-01-17T22:21:41.434477Z 2025-01-17T22:21:48.214216Z
              14444 newRepo noarch CLOSED owner=5/kojira what=- package=- target=- source=- 2025-01-17T22:21:39.639475Z 2025-01-17T22:21:41.28626Z 2025-01-17T22:21:48.205238Z
              14442 scratch kpatchBuild noarch FAILED owner=1/mikem what=- package=- target=- source=- 2025-01-17T22:21:07.687143Z 2025-01-17T22:21:15.623183Z 2025-01-17T22:22:20.192288Z
              14441 scratch kpatchBuild noarch FAILED owner=1/mikem what=- package=- target=- source=- 2025-01-17T22:04:41.777041Z 2025-01-17T22:04:43.138181Z 2025-01-17T22:04:43.323912Z
            listTasks--txkoji-2018
              301097 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516564943.606756.DzmWpUwd/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-21T20:02:23.84407Z 2018-01-21T20:02:25.29593Z 2018-01-21T20:04:29.1112Z
              301099 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516568484.908012.MNWayGON/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-21T21:01:24.94112Z 2018-01-21T21:01:25.87823Z 2018-01-21T21:03:29.9471Z
              297986 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516330957.586618.lkcevikm/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-19T03:02:37.78719Z 2018-01-19T03:02:38.67325Z 2018-01-19T03:04:42.31005Z
              301165 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516572084.872053.zpArFlEG/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-21T22:01:25.51701Z 2018-01-21T22:01:33.85442Z 2018-01-21T22:03:38.09278Z
              301169 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516575747.855479.rxRnRbbA/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-21T23:02:28.006Z 2018-01-21T23:02:31.89862Z 2018-01-21T23:04:40.23331Z
              301232 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516579323.346506.maKpHXMc/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-22T00:02:03.44865Z 2018-01-22T00:02:04.13404Z 2018-01-22T00:04:12.26955Z
              301234 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516582911.001538.hTlzoJXf/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-22T01:01:51.68116Z 2018-01-22T01:01:52.47771Z 2018-01-22T01:03:40.68053Z
              301238 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516586685.528009.ckUmpixw/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-22T02:04:46.03033Z 2018-01-22T02:04:54.97763Z 2018-01-22T02:06:12.23622Z
              300090 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516420929.723602.MJzhRAWM/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-20T04:02:09.74952Z 2018-01-20T04:02:10.62325Z 2018-01-20T04:03:12.73801Z
              300092 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516424541.152344.LVUDLAgK/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-20T05:02:20.93667Z 2018-01-20T05:02:21.4221Z 2018-01-20T05:04:26.63513Z
              300179 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516428095.382239.gbBVjMfO/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-20T06:01:36.15106Z 2018-01-20T06:01:37.32729Z 2018-01-20T06:02:54.68987Z
              300183 build noarch FAILED owner=144/ktdreyer what=ceph-ansible-3.0.18-1.el7 package=ceph-ansible target=storage7-ceph-jewel-el7 source=cli-build/1516431686.602787.uwbwhHdF/ceph-ansible-3.0.18-1.el7.src.rpm 2018-01-20T07:01:26.54932Z 2018-01-20T07:01:27.63265Z 2018-01-20T07:03:35.42493Z
            repoInfo
              Repo(Some(RepoRow { id: 2580, state: Some(Deleted), create_event: Some(497665), created: Some(2024-07-03T19:31:25.657005Z) }))
        "#]].assert_eq(&said);
    }
}

#[test]
fn rows_become_the_words_of_the_rest_of_the_house() {
    let read = answers(&[Call::Task(TaskId(123))], &received("12-getTaskInfo")[..]);
    let Ok(Answer::Task(Some(row))) = &read.unwrap()[0] else {
        panic!("a task was asked for");
    };
    let child = row.child();
    assert_eq!((child.task, child.state), (TaskId(123), Some(TaskState::Open)));
    assert_eq!((child.method.as_str(), child.arch.as_str()), ("build", "noarch"));
    let change = row.clone().change(Some("alice"), vec![child.clone()]).unwrap();
    assert_eq!(change.owner.as_deref(), Some("alice"));
    assert_eq!((change.old, change.new), (None, TaskState::Open));
    assert_eq!(change.package.as_deref(), Some("hello"));
    assert_eq!(change.target.as_deref(), Some("rawhide"));
    assert_eq!(change.children, [child]);
    let unknown = TaskRow {
        state: None,
        ..row.clone()
    };
    assert_eq!(unknown.change(None, vec![]), None);

    let build = Call::Build(BuildKey::Id(BuildId(15)));
    let read = answers(&[build], &received("24-getBuild")[..]);
    let Ok(Answer::Build(Some(row))) = &read.unwrap()[0] else {
        panic!("a build was asked for");
    };
    let change = row.clone().change(Some("rawhide".to_owned()), vec![]).unwrap();
    assert_eq!(change.build, Some(BuildId(15)));
    assert_eq!(change.new, BuildState::Complete);
    assert_eq!(change.owner.as_deref(), Some("alice"));
    assert_eq!(change.target.as_deref(), Some("rawhide"));
    assert_eq!(change.task, Some(TaskId(106)));
    let unknown = BuildRow {
        state: None,
        ..row.clone()
    };
    assert_eq!(unknown.change(None, vec![]), None);
}

#[test]
fn odd_rows_are_left_out_and_odd_members_are_absent() {
    let row = |members: &[(&str, Value)]| Value::map(members.iter().cloned());
    let good = [
        ("id", Value::Double(17.0)),
        ("method", vec![Value::Nil].into()),
        ("state", Value::Int(99)),
        ("owner", "me".into()),
        ("create_ts", "soon".into()),
        ("label", "é".repeat(2000).into()),
        ("request", Value::map([("a", Value::Nil)])),
        ("result", vec![Value::Nil; 5].into()),
    ];
    let odd = [("id", Value::Int(-1))];
    let list = Value::List(vec![
        row(&good),
        row(&odd),
        Value::Nil,
        "x".into(),
        vec![row(&good)].into(),
        row(&good),
    ]);
    let call = Call::Children(TaskId(1));
    let read = answers(std::slice::from_ref(&call), &response(&list)[..]).unwrap();
    let Ok(Answer::Tasks(rows)) = &read[0] else {
        panic!("{read:?}");
    };
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].task, rows[0].state, rows[0].owner), (TaskId(17), None, None));
    assert_eq!(
        (rows[0].method.as_str(), rows[0].arch.len(), rows[0].created),
        ("", 512, None)
    );

    let error = answers(&[Call::Task(TaskId(1))], &response(&row(&odd))[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer is not shaped as expected: something else that is not a task"
    );
    let error = answers(&[call], &response(&Value::Bool(true))[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer is not shaped as expected: a boolean instead of a list"
    );
}

#[test]
fn a_mail_names_its_build_and_whose_it_is_and_odd_ones_are_bounded() {
    let build = Value::map([
        ("build_id", Value::Int(80)),
        ("name", "tree".into()),
        ("version", "9.20".into()),
        ("release", "1.fc44".into()),
        ("state", Value::Int(4)),
        ("task_id", Value::Int(685)),
        ("owner_name", "alice".into()),
    ]);
    let mail = |id: i64, owner: Value, request: Value| {
        Value::map([
            ("id", Value::Int(id)),
            ("method", "buildNotification".into()),
            ("owner", Value::Int(3)),
            ("owner_name", owner),
            ("create_ts", Value::Double(1_795_197_300.311_402)),
            ("request", request),
        ])
    };
    let request = |second: Value| Value::from(vec![vec!["alice@example.invalid".into()].into(), second, Value::Nil]);
    let list = Value::List(vec![
        mail(774, "bob".into(), request(build.clone())),
        mail(773, Value::Int(5), request(Value::map([("build_id", Value::Int(80))]))),
        mail(772, "x".repeat(600).into(), request("80".into())),
        mail(771, "bob".into(), vec![build.clone()].into()),
        mail(770, "bob".into(), build.clone()),
        mail(769, "bob".into(), "<?xml version='1.0'?>".into()),
        mail(-1, "bob".into(), request(build.clone())),
        mail(768, "bob".into(), request(build)),
    ]);
    let call = Call::Mails {
        before: Timestamp::UNIX_EPOCH,
        limit: 6,
    };
    let mut said = String::new();
    describe(&mut said, "mails", answers(&[call], &response(&list)[..]));
    expect![[r#"
        mails
          774 of bob 2026-11-20T17:55:00.311402Z: 80 tree-9.20-1.fc44 CANCELED owner=-/alice task=685 volume=- - - -
          773 of nobody 2026-11-20T17:55:00.311402Z: no build
          772 of nobody 2026-11-20T17:55:00.311402Z: no build
          771 of bob 2026-11-20T17:55:00.311402Z: no build
          770 of bob 2026-11-20T17:55:00.311402Z: no build
          769 of bob 2026-11-20T17:55:00.311402Z: no build
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_container_s_task_is_found_in_a_heap_of_anything() {
    let heap = |it: Value| Value::map([("image", vec![it.clone(), it].into()), ("typeinfo", Value::Nil)]);
    let deep = (0..50).fold(Value::Int(1), |it, _| vec![it].into());
    let mut extra = vec![("heap".to_owned(), heap(deep))];
    extra.push(("container_koji_task_id".to_owned(), Value::from("42753873")));
    let build = |extra: Value| {
        let build = Value::map([
            ("extra", extra),
            ("task_id", Value::Nil),
            ("build_id", Value::Int(5)),
            ("name", "a".into()),
            ("version", "1".into()),
            ("release", "2".into()),
        ]);
        let read = answers(&[Call::Build(BuildKey::Id(BuildId(5)))], &response(&build)[..]).unwrap();
        match read.into_iter().next() {
            Some(Ok(Answer::Build(Some(row)))) => row.task,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(build(Value::Map(extra)), Some(TaskId(42_753_873)));
    assert_eq!(build("{\"text\": 1}".into()), None);
    assert_eq!(build(vec![Value::Nil].into()), None);
    assert_eq!(build(Value::Nil), None);
}

#[test]
fn descendents_come_parents_first_and_bounded() {
    let task = |id: i64, parent: i64| Value::map([("id", Value::Int(id)), ("parent", Value::Int(parent))]);
    let families = Value::map([
        ("3", vec![task(4, 3)].into()),
        ("2", vec![task(3, 2), task(9, 2)].into()),
        ("1", vec![task(2, 1)].into()),
        ("8", vec![task(10, 8)].into()),
    ]);
    let ids = |value: &Value| {
        let read = answers(&[Call::Descendents(TaskId(1))], &response(value)[..]).unwrap();
        match read.into_iter().next() {
            Some(Ok(Answer::Tasks(rows))) => rows.iter().map(|it| it.task.0).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ids(&families), [2, 3, 9, 4, 10]);
    let many: Vec<Value> = (2..500).map(|it| task(it, 1)).collect();
    let many = Value::map([("1", many.clone().into()), ("2", many.into())]);
    assert_eq!(ids(&many).len(), MAX_CHILDREN);
}

#[test]
fn a_hub_that_is_closed_refuses_every_part() {
    let body = b"<?xml version='1.0'?>\n<methodResponse><fault><value><struct>
        <member><name>faultCode</name><value><int>1014</int></value></member>
        <member><name>faultString</name><value><string>outage</string></value></member>
        </struct></value></fault></methodResponse>";
    let fault = Fault {
        code: FaultCode::ServerOffline,
        text: "outage".to_owned(),
    };
    let calls = [Call::Version, Call::LoggedInUser];
    assert_eq!(
        answers(&calls, &body[..]).unwrap(),
        [Err(fault.clone()), Err(fault.clone())]
    );
    assert_eq!(answers(&calls[..1], &body[..]).unwrap(), [Err(fault)]);
}

#[test]
fn a_file_comes_whole_however_its_lines_are_broken() {
    let read = |text: &str| {
        let call = Call::Download {
            task: TaskId(1),
            file: String::new(),
            offset: -4,
            size: 4,
        };
        answers(&[call], &response(&text.into())[..]).map(|mut it| it.remove(0).unwrap())
    };
    assert_eq!(read("/wD+Cg==").unwrap(), Answer::Bytes(vec![0xff, 0, 0xfe, b'\n']));
    assert_eq!(read("/wD+\nCg==\n").unwrap(), Answer::Bytes(vec![0xff, 0, 0xfe, b'\n']));
    assert_eq!(read("").unwrap(), Answer::Bytes(vec![]));
    let error = read("not base64").unwrap_err().to_string();
    assert_eq!(
        error,
        "the answer is not shaped as expected: something else that is not base64"
    );
}

#[test]
fn a_long_list_is_read_from_a_stream_and_bounded() {
    let body = String::from_utf8(received("12-getTaskInfo")).unwrap();
    let row = between(&body, "<value><struct>", "</param>").to_owned();
    let count = 20 * 1024 * 1024 / row.len();
    let document = |count| {
        let before = "<methodResponse><params><param><value><array><data>";
        let after = "</data></array></value></param></params></methodResponse>";
        let pieces = std::iter::once(before.to_owned()).chain(std::iter::repeat_n(row.clone(), count));
        BufReader::new(Pieces {
            pieces: pieces.chain([after.to_owned()]),
            now: io::Cursor::default(),
        })
    };
    #[derive(Deserialize)]
    struct Row {
        id: u64,
        owner: u64,
    }
    struct Counted(usize);
    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Count;
            impl<'de> serde::de::Visitor<'de> for Count {
                type Value = Counted;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("rows")
                }

                fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Counted, A::Error> {
                    let mut count = 0;
                    while let Some(row) = seq.next_element::<Row>()? {
                        assert_eq!((row.id, row.owner), (123, 2));
                        count += 1;
                    }
                    Ok(Counted(count))
                }
            }
            from.deserialize_seq(Count)
        }
    }
    assert_eq!(read::<Counted>(document(count)).unwrap().unwrap().0, count);

    let call = Call::OpenTasks {
        owner: UserId(2),
        limit: u32::MAX,
    };
    let read = answers(&[call], document(MAX_ROWS + 100)).unwrap();
    let [Ok(Answer::Tasks(rows))] = &read[..] else {
        panic!("tasks were asked for");
    };
    assert_eq!(rows.len(), MAX_ROWS);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_damage_makes_it_panic(
        name in select(DAMAGED),
        at in any::<Index>(),
        gone in 0..40_usize,
        piece in select(PIECES),
        one in any::<Index>(),
    ) {
        let mut body = received(name);
        let from = at.index(body.len());
        let to = (from + gone).min(body.len());
        body.splice(from..to, piece.bytes());
        let calls = any_calls();
        let call = one.get(&calls);
        if let Err(error) = answers(std::slice::from_ref(call), &body[..]) {
            prop_assert!(error.to_string().len() < 150, "{}", error);
        }
        let _ = answers(&calls[..5], &body[..]);
    }
}

const DAMAGED: &[&str] = &[
    "04-getUser",
    "07-listTasks-open",
    "12-getTaskInfo",
    "17-getTaskDescendents",
    "24-getBuild",
    "30-listTags-of-build",
    "33-getTaskResult-failed-nofault",
    "35-listTaskOutput",
    "36-downloadTaskOutput",
    "37-multiCall",
    "41-fault-not-logged-in",
];

const PIECES: &[&str] = &[
    "",
    "<nil/>",
    "<value><nil/></value>",
    "<value/>",
    "<int>-1</int>",
    "<double>1e300</double>",
    "<double>nan</double>",
    "<string>&#0;</string>",
    "<array><data>",
    "<struct>",
    "</struct>",
    "</value>",
    "<",
    "&",
    "]]>",
    "9999999999999999999999",
    "\u{202e}é",
];

/// Returns calls of every kind of answer, first those of the recorded multicall.
fn any_calls() -> Vec<Call> {
    let text = String::new;
    let owner = UserId(2);
    let since = Timestamp::UNIX_EPOCH;
    let build = || BuildKey::Id(BuildId(15));
    vec![
        Call::User(text()),
        Call::Task(TaskId(123)),
        Call::Descendents(TaskId(123)),
        Call::Build(build()),
        Call::Average { package: text() },
        Call::Version,
        Call::OpenTasks { owner, limit: 50 },
        Call::EndedTaskCount { owner, since },
        Call::Mails {
            before: since,
            limit: 50,
        },
        Call::Building { owner, limit: 50 },
        Call::TaskResult(TaskId(124)),
        Call::Output(TaskId(130)),
        Call::Download {
            task: TaskId(130),
            file: text(),
            offset: 0,
            size: 64,
        },
        Call::Tags(build()),
        Call::Package(text()),
        Call::Target(text()),
        Call::Repo { tag: text() },
        Call::Resubmit(TaskId(1)),
        Call::Cancel(TaskId(1)),
        Call::Raw {
            method: text(),
            params: vec![],
        },
    ]
}

/// Writes what was answered, a line for each row.
fn describe(said: &mut String, name: &str, read: Result<Vec<Result<Answer, Fault>>, XmlError>) {
    writeln!(said, "{name}").unwrap();
    for part in read.unwrap() {
        let lines: Vec<String> = match part {
            Err(fault) => vec![format!("fault {}: {}", fault.code.number(), short(&fault.text))],
            Ok(Answer::Tasks(rows)) => rows.iter().map(task_line).collect(),
            Ok(Answer::Task(row)) => vec![row.as_ref().map_or_else(|| "no task".to_owned(), task_line)],
            Ok(Answer::Mails(rows)) => rows.iter().map(mail_line).collect(),
            Ok(Answer::Builds(rows)) => rows.iter().map(build_line).collect(),
            Ok(Answer::Build(row)) => vec![row.as_ref().map_or_else(|| "no build".to_owned(), build_line)],
            Ok(Answer::Result(TaskResult::Failed(fault))) => {
                vec![format!("failed {}: {}", fault.code.number(), short(&fault.text))]
            }
            Ok(Answer::Result(TaskResult::Made)) => vec!["made something".to_owned()],
            Ok(Answer::Bytes(bytes)) => vec![text(&bytes)],
            Ok(Answer::Average(average)) => vec![format!("{:?}", average.map(|it| it.as_millis()))],
            Ok(Answer::Value(value)) => vec![json(&value)],
            Ok(
                other @ (Answer::Version(_)
                | Answer::User(_)
                | Answer::Package(_)
                | Answer::Count(_)
                | Answer::Output(_)
                | Answer::Tags(_)
                | Answer::Tag(_)
                | Answer::Target(_)
                | Answer::Repo(_)
                | Answer::Resubmitted(_)
                | Answer::Canceled),
            ) => vec![format!("{other:?}")],
        };
        for line in lines {
            writeln!(said, "  {line}").unwrap();
        }
    }
}

fn task_line(it: &TaskRow) -> String {
    format!(
        "{}{}{} {} {} {} owner={}/{} what={} package={} target={} source={} {} {} {}",
        it.task,
        it.parent.map(|it| format!("<{it}")).unwrap_or_default(),
        if it.scratch { " scratch" } else { "" },
        it.method,
        it.arch,
        it.state.map_or("?", TaskState::name),
        it.owner.map_or_else(|| "-".to_owned(), |it| it.0.to_string()),
        it.owner_name.as_deref().unwrap_or("-"),
        it.what.as_deref().unwrap_or("-"),
        it.package.as_deref().unwrap_or("-"),
        it.target.as_deref().unwrap_or("-"),
        it.source.as_deref().unwrap_or("-"),
        time(it.created),
        time(it.started),
        time(it.completed),
    )
}

fn mail_line(it: &MailRow) -> String {
    let build = it.build.as_ref().map_or_else(|| "no build".to_owned(), build_line);
    let owner = it.owner_name.as_deref().unwrap_or("nobody");
    format!("{} of {owner} {}: {build}", it.task, time(it.created))
}

fn build_line(it: &BuildRow) -> String {
    format!(
        "{} {} {} owner={}/{} task={} volume={} {} {} {}",
        it.build,
        it.nvr,
        it.state.map_or("?", BuildState::name),
        it.owner.map_or_else(|| "-".to_owned(), |it| it.0.to_string()),
        it.owner_name.as_deref().unwrap_or("-"),
        it.task.map_or_else(|| "-".to_owned(), |it| it.to_string()),
        it.volume.as_deref().unwrap_or("-"),
        time(it.created),
        time(it.started),
        time(it.completed),
    )
}

fn time(it: Option<Timestamp>) -> String {
    it.map_or_else(|| "-".to_owned(), |it| it.to_string())
}

fn short(text: &str) -> String {
    let line: String = text.escape_debug().take(120).collect();
    if line.len() < text.len() {
        format!("{line}…")
    } else {
        line
    }
}

pub(crate) fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let from = text.find(from).unwrap();
    let to = from + text[from..].find(to).unwrap();
    &text[from..to]
}

/// Returns the answer that a hub would give.
fn response(value: &Value) -> Vec<u8> {
    let call = text(&write::method_call("", std::slice::from_ref(value)));
    let answer = call.replace("methodCall", "methodResponse");
    answer.replace("<methodName></methodName>\n", "").into_bytes()
}

/// Reads a request as a hub does: by making an answer of it.
pub(crate) fn heard(body: &[u8]) -> (String, Vec<Value>) {
    let call = text(body);
    let method = between(&call, "<methodName>", "</methodName>").replace("<methodName>", "");
    let answer = call
        .replace(&format!("<methodName>{method}</methodName>"), "")
        .replace("methodCall", "methodResponse")
        .replace("<param>", "")
        .replace("</param>", "")
        .replace("<params>", "<params><param><value><array><data>")
        .replace("</params>", "</data></array></value></param></params>");
    (method, read(answer.as_bytes()).unwrap().unwrap())
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Nil => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Double(_) => "float",
        Value::Text(_) => "str",
        Value::List(_) => "list",
        Value::Map(_) => "dict",
    }
}

/// What the lab noted of an exchange.
#[derive(Deserialize)]
struct Noted {
    file: String,
    #[serde(default)]
    request_bytes: usize,
    ok: Option<bool>,
    python_result_type: Option<String>,
    message: Option<String>,
    #[serde(rename = "faultCode")]
    fault_code: Option<i64>,
}

fn index() -> Vec<Noted> {
    serde_json::from_slice(&fixture("index.json")).unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    let file = fixtures().join("hub").join(name);
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Returns the body of a recorded request.
fn sent(name: &str) -> Vec<u8> {
    exchanges(&fixture(&format!("{name}.request"))).pop().unwrap().1
}

/// Returns the body of a recorded answer.
fn received(name: &str) -> Vec<u8> {
    exchanges(&fixture(&format!("{name}.response"))).pop().unwrap().1
}

/// Returns head and body of each HTTP message in a recording.
fn exchanges(mut recorded: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some(end) = recorded.windows(4).position(|it| it == b"\r\n\r\n") {
        let head = text(&recorded[..end]);
        let length = head.lines().find_map(|it| it.strip_prefix("Content-Length: "));
        let length = length.map_or(0, |it| it.parse().unwrap());
        let body = &recorded[end + 4..];
        found.push((head, body[..length].to_vec()));
        recorded = &body[length..];
    }
    found
}

/// Returns other projects' files with such an ending, sorted; none where they are not there.
fn files_of_others(ending: &str) -> Vec<String> {
    let mut files = Vec::new();
    if let Some(folder) = shared("samples/hub") {
        for folder in [folder.clone(), folder.join("raw")] {
            let found = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
            let found = found.map(|it| it.to_str().unwrap().to_owned());
            files.extend(found.filter(|it| it.ends_with(ending)));
        }
        assert!(files.len() > 5, "{files:?}");
    }
    files.sort();
    files
}

/// The recordings spell a time of XML-RPC `{"dateTime.iso8601": "…"}`.
fn times_as_text(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(list) => list.iter_mut().for_each(times_as_text),
        serde_json::Value::Object(members) => {
            if let Some(time) = members.remove("dateTime.iso8601") {
                *value = time;
                return;
            }
            members.values_mut().for_each(times_as_text);
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

/// Returns where two values differ; members may come in any order. The JSON reader rounds the last digit of a double.
fn difference(one: &serde_json::Value, other: &serde_json::Value, at: &str) -> Option<String> {
    use serde_json::Value as Json;
    match (one, other) {
        (Json::Object(one), Json::Object(other)) if one.len() == other.len() => one.iter().find_map(|(name, it)| {
            let other = other.get(name).unwrap_or(&Json::Null);
            difference(it, other, &format!("{at}.{name}"))
        }),
        (Json::Array(one), Json::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(place, (one, other))| difference(one, other, &format!("{at}[{place}]")))
        }
        (Json::Number(one), Json::Number(other)) if one.is_f64() && other.is_f64() => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            ((one - other).abs() > one.abs() * f64::EPSILON).then(|| format!("{at}: {one} is not {other}"))
        }
        (one, other) => (one != other).then(|| format!("{at}: not alike")),
    }
}

/// A document that is made while it is read.
struct Pieces<I> {
    pieces: I,
    now: io::Cursor<String>,
}

impl<I: Iterator<Item = String>> Read for Pieces<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.now.read(into)?;
            if read > 0 {
                return Ok(read);
            }
            match self.pieces.next() {
                Some(piece) => self.now = io::Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}
