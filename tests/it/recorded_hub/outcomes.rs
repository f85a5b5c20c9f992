//! What our own client makes of each recorded exchange: one line for each, and none is left out.
//!
//! The recorded request goes out by the client's own door, over a connection, with the session and the number of the
//! call that it had then; the recorded bytes come back. Logins go by curl and TLS, as they do in earnest.

use std::fmt::Write;
use std::io::BufRead;
use std::time::Duration;

use expect_test::expect;
use koji_notify::hub::access::{Access, Address, FileServer, Login, Times, Trust};
use koji_notify::hub::call::{Answer, BuildKey, Call, TaskResult, answers};
use koji_notify::hub::client::Client;
use koji_notify::hub::fault::Fault;
use koji_notify::hub::files::Files;
use koji_notify::hub::login::{Tools, log_in};
use koji_notify::hub::session::Session;
use koji_notify::hub::trouble::HubError;
use koji_notify::hub::xmlrpc::XmlError;
use koji_notify::koji::{BuildId, BuildState, TaskId, TaskState, UserId};

use super::{Document, Exchange, RecordedHub, exchanges};
use crate::hub_server::{HubServer, Reply, Tls};
use crate::rabbit::{Certs, Client as Identity, ServerCert};

const GENEROUS: Duration = Duration::from_secs(30);

#[tokio::test]
async fn of_every_recorded_exchange_our_client_makes_this() {
    let hub = RecordedHub::start().await;
    let directory = tempfile::tempdir().unwrap();
    let certs = Certs::make(directory.path().join("certs"));
    let mut said = String::new();
    let mut asked = Vec::new();
    for exchange in exchanges() {
        let outcome = if exchange.request.first_line.contains("/ssllogin ") {
            by_login(&exchange, &certs).await
        } else {
            let outcome = if exchange.request.first_line.starts_with("GET ") {
                by_get(&hub).await
            } else {
                by_call(&hub, &exchange).await
            };
            // It was this one that was answered, and not one like it.
            if asked.last() != Some(&exchange.name) || exchange.name.starts_with("58") {
                asked.push(exchange.name.clone());
            }
            assert_eq!(hub.asked(), asked);
            outcome
        };
        writeln!(said, "{}: {outcome}", exchange.name).unwrap();
    }
    assert!(hub.unknown().is_empty());
    assert_eq!(said.lines().count(), 70);
    expect![[r#"
        01-getAPIVersion: 1
        02-hello: "Hello World"
        03-getKojiVersion: Version("1.35.3")
        04-getUser: 2 is alice
        05-getUser-missing: nobody
        06-getUser-missing-strict: the hub said no: No such user: 'nobody-here' (fault 1000)
        07-listTasks-open: tasks [133 OPEN hello-5.1-1795195746.fc44, 131 OPEN hello-5.1-1795195746.fc44, 129 OPEN tree-5.1-1795195746.fc44, 128 OPEN tree-5.1-1795195746.fc44, 123 OPEN hello, 122 OPEN tree]
        08-listTasks-open-parents-only: tasks [123 OPEN hello, 122 OPEN tree]
        09-listTasks-undecoded: tasks [122 OPEN build, 123 OPEN build]
        10-listTasks-finished: tasks [106 CLOSED hello, 124 FAILED gnome-tweaks, 118 CLOSED hello]
        11-listTasks-countOnly: Count(92)
        12-getTaskInfo: tasks [123 OPEN hello]
        13-getTaskInfo-norequest: tasks [123 OPEN build]
        14-getTaskInfo-missing: no task
        15-getTaskInfo-missing-strict: the hub said no: query returned no rows (fault 1000)
        16-getTaskInfo-list: [struct of 20, struct of 20]
        17-getTaskDescendents: tasks [126 CLOSED hello, 131 OPEN hello-5.1-1795195746.fc44, 133 OPEN hello-5.1-1795195746.fc44]
        18-getTaskChildren: tasks [129 OPEN tree-5.1-1795195746.fc44, 125 CLOSED tree, 128 OPEN tree-5.1-1795195746.fc44]
        19-listBuilds: builds [gnome-tweaks-5.1-1795195746.fc44 FAILED, hello-5.1-1795195746.fc44 BUILDING, gnome-tweaks-5.1-1795195716.fc44 FAILED, hello-5.1-1795195716.fc44 COMPLETE, hello-202-1795195584 COMPLETE]
        20-listBuilds-building: builds [hello-201-1795195548 BUILDING, hello-5.1-1795195746.fc44 BUILDING]
        21-listBuilds-by-name: builds [gnome-tweaks-5.1-1795195746.fc44 FAILED]
        22-listBuilds-taskID: builds [hello-5.1-1795195746.fc44 BUILDING]
        23-listBuilds-completeAfter: builds [hello-1.0-20261120172159.fc44 COMPLETE, tree-6.4-954223.fc44 COMPLETE, python-requests-1.26-954221.fc44 COMPLETE, rust-zbus-0.4-954230.fc44 CANCELED, hello-9.21-954227.fc44 FAILED, hello-1.22-954235.fc43 COMPLETE, hello-202-1795195584 COMPLETE, hello-100.0-1795195546.fc44 COMPLETE, hello-200-1795195547 FAILED, tree-99.0-1795195544.fc44 DELETED, python-requests-4.15-954234.fc44 COMPLETE, gnome-tweaks-5.1-1795195716.fc44 FAILED, hello-5.1-1795195716.fc44 COMPLETE, gnome-tweaks-5.1-1795195746.fc44 FAILED]
        24-getBuild: builds [hello-5.1-1795195716.fc44 COMPLETE]
        25-getBuild-missing: no build
        26-getBuild-missing-strict: the hub said no: No such build: 'no-such-1-1' (fault 1000)
        27-getAverageBuildDuration: Average(Some(15.796829s))
        28-getAverageBuildDuration-none: Average(None)
        29-getAverageBuildDuration-age: Average(Some(15.796829s))
        30-listTags-of-build: Tags([TagRow { id: 4, name: "f44-signing-pending" }])
        31-getBuildLogs: [struct of 3, struct of 3, struct of 3, struct of 3, struct of 3, struct of 3]
        32-getTaskResult-failed: the hub said no: error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information (fault 1005)
        33-getTaskResult-failed-nofault: failed: error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information (fault 1005)
        34-getTaskResult-open: the hub said no: Task 123 is not finished (fault 1000)
        35-listTaskOutput: Output([OutputFile { name: "build.log", size: Some(67) }])
        36-downloadTaskOutput: "gcc: error\nerror: Bad exit status from /var/tmp/rpm-tmp.x (%buil"
        37-multiCall: 2 is alice; tasks [123 OPEN hello]; tasks [126 CLOSED buildSRPMFromSCM, 131 OPEN buildArch, 133 OPEN buildArch]; No such build: 'no-such-1-1' (fault 1000); Average(Some(15.796829s))
        38-fault-invalid-method: the hub said no: Invalid method: noSuchMethod (fault 1000)
        39-fault-parameter: the hub said no: Invalid type for value 'abc': <class 'str'>, expected type <class 'int'> (fault 1019)
        40-fault-missing-argument: the hub said no: RootExports.getTaskInfo() missing 1 required positional argument: 'task_id' (fault 1019)
        41-fault-not-logged-in: the hub said no: you must be logged in for this operation (fault 1004)
        42-showSession-anon: "session: not logged in (no session header or session args)"
        43-sslLogin-clientcert: session 165, in headers: true
        44-auth-getLoggedInUser: 2 is alice
        45-auth-cancelTask-of-own: Canceled
        46-auth-cancelTask-of-bob: the hub said no: Cannot cancel task, not owner (fault 1004)
        47-auth-build: Resubmitted(TaskId(137))
        48-auth-multicall-session: text of 730
        49-auth-logout: null
        50-fault-closed-session: the hub said no: Invalid session or bad credentials (fault 1002); a login is needed; the session is dropped
        51-fault-bad-session-key: the hub said no: Invalid session or bad credentials (fault 1002); a login is needed; the session is dropped
        52-sslLogin-untrusted-cert: the hub cannot be reached: Empty reply from server
        53-sslLogin-no-cert-optional-vhost: the hub says no: could not verify client: NONE (fault 1002)
        54-login-password: {header-auth: true, session-id: 166, session-key: …}
        55-auth-getLoggedInUser-password: 2 is alice
        56-fault-login-bad-password: the hub said no: invalid username or password (fault 1002); a login is needed
        57-fault-expired-session: the hub said no: session "166" has expired (fault 1007); a login is needed; the session is dropped
        58-expired-session-client-renews-by-itself: the hub said no: session "166" has expired (fault 1007); a login is needed; the session is dropped
        58-expired-session-client-renews-by-itself: {header-auth: true, session-id: 166, session-key: …}
        58-expired-session-client-renews-by-itself: 2 is alice
        59-auth-build-callnum-500: Resubmitted(TaskId(138))
        60-fault-retry-error-same-callnum: the hub said no: unable to retry call 500 (method build) for session 166 (fault 1009); a login is needed; the session is dropped
        61-fault-sequence-error-lower-callnum: the hub said no: 500 > 10 (session 166) (fault 1008); a login is needed; the session is dropped
        62-gssapi-login: the hub did not accept our certificate: HTTP status 401; it may want a Kerberos ticket
        62-gssapi-login: session 167, in headers: true
        63-auth-getLoggedInUser-gssapi: 2 is alice
        64-gssapi-login-no-ticket: the hub did not accept our certificate: HTTP status 401; it may want a Kerberos ticket
        65-raw-GET: the answer was HTTP 405 Method Not Allowed: Method Not Allowed This is an XML-RPC server. Only POST requests are accepted.
        66-raw-POST-empty: the answer was HTTP 400 Bad Request: Invalid request: Empty request
        67-raw-POST-garbage: the answer was HTTP 400 Bad Request: Invalid request: not well-formed (invalid token): line 1, column 1
    "#]].assert_eq(&said);
}

/// By the client's own door: what changes something in the session, what was asked in a session in that session.
async fn by_call(hub: &RecordedHub, exchange: &Exchange) -> String {
    let request = &exchange.request;
    let client = Client::new(access(&format!("http://127.0.0.1:{}/kojihub", hub.port), Trust::System));
    let header = |name: &str| request.headers.get(name);
    if let Some(id) = header("koji-session-id") {
        let key = header("koji-session-key").unwrap().clone();
        let mut session = Session::new(id.parse().unwrap(), key, true).unwrap();
        for _ in 0..header("koji-session-callnum").unwrap().parse::<u32>().unwrap() {
            session.stamp();
        }
        client.set_session(session);
    }
    let calls = calls(exchange);
    let is_change = calls.iter().any(|it| matches!(it, Call::Cancel(_) | Call::Resubmit(_)));
    let decode = move |body: &mut dyn BufRead| -> Result<Result<Vec<_>, Fault>, XmlError> {
        let mut parts = answers(&calls, body)?;
        Ok(match &mut parts[..] {
            [Err(fault)] => Err(fault.clone()),
            _ => Ok(parts),
        })
    };
    let was_logged_in = client.is_logged_in();
    let done = if is_change && was_logged_in {
        client.change(request.body.clone(), decode).await
    } else {
        client.read(request.body.clone(), decode).await
    };
    let mut outcome = match done {
        Ok(parts) => parts.into_iter().map(part).collect::<Vec<_>>().join("; "),
        Err(error) => trouble(&error),
    };
    if was_logged_in && !client.is_logged_in() {
        outcome += "; the session is dropped";
    }
    assert_eq!(
        client.koji_version().is_some(),
        exchange.answer.as_ref().unwrap().headers.contains_key("koji-version")
    );
    outcome
}

/// Nobody of us gets the hub's own address; whoever would is told.
async fn by_get(hub: &RecordedHub) -> String {
    let files = Files::new(FileServer {
        address: Address::parse(&format!("http://127.0.0.1:{}", hub.port)).unwrap(),
        trust: Trust::System,
        times: times(),
    });
    match files.tail("kojihub", 64).await {
        Ok(found) => format!("{:?}", found.map(|it| it.bytes)),
        Err(error) => trouble(&error),
    }
}

/// By curl over TLS, from a server that says the recorded bytes.
async fn by_login(exchange: &Exchange, certs: &Certs) -> String {
    let reply = match &exchange.answer {
        Some(answer) => Reply::Say(answer.bytes.clone()),
        None => Reply::Last(Vec::new()),
    };
    let mut server = HubServer::start_tls(certs, &Tls::As(ServerCert::Good), [reply]).await;
    let mut access = access(
        &format!("https://localhost:{}/kojihub", server.port),
        Trust::Only(certs.ca()),
    );
    access.login = Login::Certificate {
        file: certs.client(Identity::Alice).both,
    };
    let tools = Tools {
        path: std::env::var_os("PATH").unwrap(),
        environment: Vec::new(),
    };
    let outcome = match log_in(&access, GENEROUS, None, &tools).await {
        Ok(session) => format!("session {}, in headers: {}", session.id, session.header_auth),
        Err(error) => error.to_string(),
    };
    let asked = server.asked().await;
    assert_eq!(asked.request_line(), exchange.request.first_line);
    // A test of the laboratory's gave the same argument by its place.
    let is_by_place = exchange.name.starts_with("53");
    assert_eq!(asked.body == exchange.request.body, !is_by_place, "{}", exchange.name);
    outcome
}

/// Returns the call as we have it, or as it is where we have none like it.
fn calls(exchange: &Exchange) -> Vec<Call> {
    let build = || BuildKey::Id(BuildId(15));
    let task = TaskId(123);
    let (owner, since, limit) = (UserId(2), jiff::Timestamp::UNIX_EPOCH, 50);
    let average = || Call::Average { package: String::new() };
    let Ok(Document::Call { method, .. }) = Document::parse(&exchange.request.body) else {
        return vec![Call::Version];
    };
    let is_count = exchange.name.ends_with("countOnly");
    vec![match method.as_str() {
        "getKojiVersion" => Call::Version,
        "getUser" => Call::User(String::new()),
        "getLoggedInUser" => Call::LoggedInUser,
        "listTasks" if is_count => Call::EndedTaskCount { owner, since },
        "listTasks" => Call::EndedTasks { owner, since, limit },
        "getTaskInfo" if !exchange.name.ends_with("list") => Call::Task(task),
        "getTaskDescendents" => Call::Descendents(task),
        "getTaskChildren" => Call::Children(TaskId(122)),
        "listBuilds" => Call::BuildsSince { owner, since, limit },
        "getBuild" => Call::Build(build()),
        "getAverageBuildDuration" => average(),
        "listTags" => Call::Tags(build()),
        "getTaskResult" => Call::TaskResult(task),
        "listTaskOutput" => Call::Output(task),
        "downloadTaskOutput" => Call::Download {
            task,
            file: String::new(),
            offset: 0,
            size: 64,
        },
        "cancelTask" => Call::Cancel(task),
        // Both answer with the number of a new task.
        "build" => Call::Resubmit(task),
        "multiCall" => {
            return vec![
                Call::User(String::new()),
                Call::Task(task),
                Call::Descendents(task),
                Call::Build(build()),
                average(),
            ];
        }
        _ => Call::Raw {
            method,
            params: Vec::new(),
        },
    }]
}

fn part(part: Result<Answer, Fault>) -> String {
    let tasks = |rows: &[koji_notify::hub::call::TaskRow]| {
        let each = rows.iter().map(|it| {
            let what = it.what.as_deref().unwrap_or(&it.method);
            format!("{} {} {what}", it.task, it.state.map_or("?", TaskState::name))
        });
        format!("tasks [{}]", each.collect::<Vec<_>>().join(", "))
    };
    let builds = |rows: &[koji_notify::hub::call::BuildRow]| {
        let each = rows
            .iter()
            .map(|it| format!("{} {}", it.nvr, it.state.map_or("?", BuildState::name)));
        format!("builds [{}]", each.collect::<Vec<_>>().join(", "))
    };
    match part {
        Err(fault) => fault.to_string(),
        Ok(Answer::Tasks(rows)) => tasks(&rows),
        Ok(Answer::Task(row)) => row.map_or_else(|| "no task".to_owned(), |it| tasks(&[it])),
        Ok(Answer::Builds(rows)) => builds(&rows),
        Ok(Answer::Build(row)) => row.map_or_else(|| "no build".to_owned(), |it| builds(&[it])),
        Ok(Answer::Result(TaskResult::Failed(fault))) => format!("failed: {fault}"),
        Ok(Answer::Bytes(bytes)) => format!("{:?}", String::from_utf8(bytes).unwrap()),
        Ok(Answer::User(user)) => user.map_or_else(|| "nobody".to_owned(), |it| format!("{} is {}", it.id.0, it.name)),
        Ok(Answer::Value(value)) => shown(&serde_json::to_value(&value).unwrap()),
        Ok(other) => format!("{other:?}"),
    }
}

/// Shows a value in one line: of long texts and lists how long they are, of a key that there is one.
fn shown(value: &serde_json::Value) -> String {
    use serde_json::Value as Json;
    match value {
        Json::String(it) if it.len() > 60 => format!("text of {}", it.len()),
        Json::Array(it) => {
            let kinds = it.iter().map(|it| {
                it.as_object()
                    .map_or_else(|| shown(it), |it| format!("struct of {}", it.len()))
            });
            format!("[{}]", kinds.collect::<Vec<_>>().join(", "))
        }
        Json::Object(it) => {
            let each = it.iter().map(|(name, it)| {
                let it = if name.ends_with("key") {
                    "…".to_owned()
                } else {
                    shown(it)
                };
                format!("{name}: {it}")
            });
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn trouble(error: &HubError) -> String {
    let mut said = error.detail();
    if error.needs_login() {
        said += "; a login is needed";
    }
    if error.is_passing() {
        said += "; later, perhaps";
    }
    said
}

fn access(server: &str, trust: Trust) -> Access {
    Access {
        server: Address::parse(server).unwrap(),
        trust,
        login: Login::Nothing,
        times: times(),
    }
}

fn times() -> Times {
    Times {
        connect: GENEROUS / 2,
        login: Duration::from_secs(60),
        call: GENEROUS,
        idle: GENEROUS,
    }
}
