//! The plainest of clients, to look at the hub's answers as they come; and Python's own, to have a second opinion.

use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Login, SmallHub, script};
use crate::decoding::fixtures;
use crate::rabbit::{Certs, Client, ServerCert};
use crate::recorded_hub::{Document, Message, Value, call};

/// One connection to a hub.
pub struct Connection {
    stream: BufReader<TcpStream>,
    /// Sent with every request.
    pub headers: Vec<(String, String)>,
}

impl Connection {
    pub async fn to(port: u16) -> Self {
        Self {
            stream: BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()),
            headers: Vec::new(),
        }
    }

    /// Calls a method with arguments as JSON, and returns the whole document.
    pub async fn call(&mut self, method: &str, arguments: Json) -> Document {
        let answer = self.post("/kojihub", method, arguments).await.unwrap();
        assert_eq!(answer.status(), 200, "{answer:?}");
        Document::parse(&answer.body).unwrap()
    }

    /// Calls a method that is answered.
    pub async fn value(&mut self, method: &str, arguments: Json) -> Value {
        self.call(method, arguments).await.answer()
    }

    /// Posts a call, and returns what came back; `None` if the connection was closed instead.
    pub async fn post(&mut self, path: &str, method: &str, arguments: Json) -> Option<Message> {
        let Json::Array(arguments) = arguments else {
            panic!("not a list: {arguments}");
        };
        let arguments: Vec<Value> = arguments.into_iter().map(Value::from).collect();
        let body = call(method, &arguments);
        self.send("POST", path, body.as_bytes()).await
    }

    pub async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Option<Message> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let request = [head.as_bytes(), b"\r\n", body].concat();
        self.stream.write_all(&request).await.ok()?;
        Message::read(&mut self.stream).await
    }
}

#[test]
fn python_s_own_client_gets_along_with_it() {
    let hub = SmallHub::start();
    let told = hub.build("mona", "bash-5.3-1.fc44");
    let open = hub.submit("mona", "zlib-1.3-1.fc44").task;
    let failed = hub.submit("mona", "tree-2.2-1.fc44").task;
    hub.begin(failed);
    hub.srpm_fails(failed);
    check(
        &hub,
        &["plain", &told.task.to_string(), &open.to_string(), &failed.to_string()],
    );
    assert!(hub.calls().iter().all(|it| it.status == Some(200) && !it.session));
}

#[test]
fn a_document_of_the_real_hub_is_written_the_same() {
    let hub = SmallHub::start();
    check(&hub, &["documents", fixtures().join("hub").to_str().unwrap()]);
}

#[test]
fn who_shows_a_certificate_is_the_user_of_its_name() {
    let hub = SmallHub::start();
    let directory = tempfile::Builder::new().prefix("kn-hub-certs-").tempdir().unwrap();
    let certs = Certs::make(directory.path().join("certs"));
    let server = certs.server(ServerCert::Good);
    let port = hub.listen_tls(&server.certificate, &server.key, Some(&certs.ca()));
    let ca = certs.ca();
    let alice = certs.client(Client::Alice).both;
    let port = port.to_string();
    check(&hub, &["tls", &port, ca.to_str().unwrap(), alice.to_str().unwrap()]);
}

#[tokio::test]
async fn who_knows_the_token_or_the_password_is_the_user() {
    let hub = SmallHub::start();
    let mut client = Connection::to(hub.port).await;
    hub.set_login(Login::Negotiate {
        user: "mona",
        token: "bW9uYQ==",
    });
    let refused = client.post("/kojihub/ssllogin", "sslLogin", json!([])).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers["www-authenticate"], "Negotiate");
    client.headers = vec![("Authorization".to_owned(), "Negotiate bW9uYQ==".to_owned())];
    let session = client.post("/kojihub/ssllogin", "sslLogin", json!([])).await.unwrap();
    let session = Document::parse(&session.body).unwrap().answer();
    client.headers = headers(&session, 0);
    let user = client.value("getLoggedInUser", json!([])).await;
    assert_eq!((user.member("name").text(), user.member("authtype").int()), ("mona", 3));

    client.headers.clear();
    hub.set_login(Login::Password {
        user: "bob",
        password: "let me in",
    });
    let refused = client.call("login", json!(["bob", "guess"])).await;
    assert!(matches!(refused, Document::Fault { code: 1002, .. }), "{refused:?}");
    let session = client.value("login", json!(["bob", "let me in"])).await;
    client.headers = headers(&session, 0);
    let user = client.value("getLoggedInUser", json!([])).await;
    assert_eq!((user.member("name").text(), user.member("authtype").int()), ("bob", 0));
}

/// Returns the headers of a call in a session.
pub fn headers(session: &Value, callnum: u32) -> Vec<(String, String)> {
    let id = session.member("session-id").int().to_string();
    let key = session.member("session-key").text().to_owned();
    vec![
        ("Koji-Session-Id".to_owned(), id),
        ("Koji-Session-Key".to_owned(), key),
        ("Koji-Session-Callnum".to_owned(), callnum.to_string()),
    ]
}

fn check(hub: &SmallHub, arguments: &[&str]) {
    let output = Command::new("python3")
        .args(["-B", "-E", "-s"])
        .arg(script("client_check.py"))
        .arg(hub.url())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{trouble}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with("checked\n"), "{said}");
}
