//! Real calls, to a small hub that has a memory.

use std::io::BufRead;

use koji_notify::hub::access::{Address, FileServer, Trust};
use koji_notify::hub::call::{Answer, Call, request};
use koji_notify::hub::client::Client;
use koji_notify::hub::fault::{Fault, FaultCode};
use koji_notify::hub::files::Files;
use koji_notify::hub::session::Session;
use koji_notify::hub::trouble::HubError;
use koji_notify::hub::xmlrpc;
use koji_notify::koji::{TaskId, TaskState};
use serde::Deserialize;

use super::{Log, access};
use crate::small_hub::{For, Login, SmallHub, Trouble};

#[tokio::test]
async fn calls_of_both_kinds_and_their_parts() {
    let hub = SmallHub::start();
    let task = TaskId(hub.submit("mona", "bash-5.3-1.fc44").task);
    let client = client(&hub);
    let one = client.ask(vec![Call::Task(task)]).await.unwrap();
    assert_eq!(states(&one), [Some(TaskState::Free)]);
    let calls = vec![
        Call::Task(task),
        Call::Target("nowhere".to_owned()),
        nonsense(),
        Call::Version,
    ];
    let several = client.ask(calls).await.unwrap();
    let [
        Ok(Answer::Task(Some(_))),
        Ok(Answer::Target(None)),
        Err(fault),
        Ok(Answer::Version(_)),
    ] = &several[..]
    else {
        panic!("{several:?}");
    };
    assert_eq!(fault.code, FaultCode::Generic);
    assert_eq!(client.ask(Vec::new()).await.unwrap(), []);
}

#[tokio::test]
async fn an_outage_is_waited_out_and_one_that_lasts_is_told() {
    let hub = SmallHub::start();
    let client = client(&hub);
    for calls in [vec![Call::Version], vec![Call::Version, Call::LoggedInUser]] {
        let once = For {
            method: None,
            times: Some(1),
        };
        hub.trouble_for(once, Trouble::Offline);
        let answers = client.ask(calls).await.unwrap();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
    hub.trouble(Trouble::Offline);
    let error = client.ask(vec![Call::Version, Call::LoggedInUser]).await.unwrap_err();
    assert!(error.is_outage(), "{error:?}");
    hub.no_trouble();
    hub.trouble(Trouble::Garbage("<html>Sorry</html>"));
    let error = client.ask(vec![Call::Version]).await.unwrap_err();
    assert!(!error.is_passing(), "{error:?}");
    assert!(error.detail().contains("a web page"), "{}", error.detail());
}

#[tokio::test]
async fn a_hub_that_went_away_and_came_back() {
    let hub = SmallHub::start();
    let client = client(&hub);
    client.ask(vec![Call::Version]).await.unwrap();
    let log = Log::start();
    hub.go_away();
    let coming_back = async {
        log.wait_for("asking again").await;
        hub.come_back();
    };
    let (answers, ()) = tokio::join!(client.ask(vec![Call::Version]), coming_back);
    assert!(answers.unwrap()[0].is_ok());
}

#[tokio::test]
async fn a_task_is_canceled_in_a_session_that_ends() {
    let hub = SmallHub::start();
    hub.set_login(Login::Anybody { user: "mona" });
    let task = TaskId(hub.submit("mona", "bash-5.3-1.fc44").task);
    let client = client(&hub);
    let error = client.ask(vec![Call::Cancel(task)]).await.unwrap_err();
    assert!(matches!(error, HubError::NotLoggedIn), "{error:?}");

    client.set_session(log_in(&hub).await);
    let who = client.ask(vec![Call::LoggedInUser]).await.unwrap();
    assert!(
        matches!(&who[..], [Ok(Answer::User(Some(it)))] if it.name == "mona"),
        "{who:?}"
    );
    client.ask(vec![Call::Cancel(task)]).await.unwrap()[0].as_ref().unwrap();
    let state = client.ask(vec![Call::Task(task)]).await.unwrap();
    assert_eq!(states(&state), [Some(TaskState::Canceled)]);

    hub.expire_sessions();
    // Who reads is nobody again; who changes something has to log in.
    client.ask(vec![Call::Task(task), Call::Version]).await.unwrap();
    assert!(!client.is_logged_in());
    let error = client.ask(vec![Call::Cancel(task)]).await.unwrap_err();
    assert!(error.needs_login(), "{error:?}");
    client.set_session(log_in(&hub).await);
    client.ask(vec![Call::Task(task)]).await.unwrap();

    // Without an answer, nobody knows.
    let once = For {
        method: Some("resubmitTask"),
        times: Some(1),
    };
    hub.trouble_for(once, Trouble::Drop);
    let error = client.ask(vec![Call::Resubmit(task)]).await.unwrap_err();
    assert!(matches!(error, HubError::Uncertain(_)), "{error:?}");
    let again = client.ask(vec![Call::Resubmit(task)]).await.unwrap();
    assert!(
        matches!(again[0], Ok(Answer::Resubmitted(it)) if it != task),
        "{again:?}"
    );
}

#[tokio::test]
async fn the_end_of_a_log_of_two_hundred_megabytes() {
    let hub = SmallHub::start();
    let task = hub.submit("mona", "bash-5.3-1.fc44").task;
    hub.put_large_log(task, "build.log", "the end\n", 200 << 20);
    let files = Files::new(FileServer {
        address: Address::parse(&hub.topurl()).unwrap(),
        trust: Trust::System,
        times: access(hub.port).times,
    });
    let path = format!("work/tasks/{}/{task}/build.log", task % 10_000);
    let tail = files.tail(&path, 1000).await.unwrap().unwrap();
    assert_eq!((tail.start, tail.size), ((200 << 20) - 1000, Some(200 << 20)));
    assert!(tail.bytes.ends_with(b"the end\n") && tail.bytes.len() == 1000);
    let calls = hub.take_calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].status, calls[0].response_bytes), (Some(206), Some(1000)));
    assert_eq!(files.find(&path).await.unwrap().unwrap().size, Some(200 << 20));
    assert_eq!(files.tail("work/tasks/1/1/no.log", 1000).await.unwrap(), None);
}

fn client(hub: &SmallHub) -> Client {
    Client::new(access(hub.port))
}

fn states(answers: &[Result<Answer, Fault>]) -> Vec<Option<TaskState>> {
    answers
        .iter()
        .map(|it| match it {
            Ok(Answer::Task(Some(row))) => row.state,
            _ => None,
        })
        .collect()
}

/// A method that reads, by its name.
fn nonsense() -> Call {
    Call::Raw {
        method: "getNonsense".to_owned(),
        params: Vec::new(),
    }
}

async fn log_in(hub: &SmallHub) -> Session {
    let mut door = access(hub.port);
    door.server.path.push_str("/ssllogin");
    let login = [Call::Raw {
        method: "sslLogin".to_owned(),
        params: Vec::new(),
    }];
    let decode = |body: &mut dyn BufRead| xmlrpc::read::read::<LoggedIn>(body);
    let it = Client::new(door).read(request(&login), decode).await.unwrap();
    Session::new(it.id, it.key, it.header_auth).unwrap()
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LoggedIn {
    #[serde(rename = "session-id")]
    id: i64,
    #[serde(rename = "session-key")]
    key: String,
    header_auth: bool,
}
