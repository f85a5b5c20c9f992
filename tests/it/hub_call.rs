//! `koji-notify hub call` as a shell sees it, with a hub that answers over HTTP.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::command_line::{Ran, Stage};
use crate::rabbit::{Certs, ServerCert};
use crate::small_hub::{For, Login, SmallHub, Trouble};

#[tokio::test]
async fn what_the_hub_answers_is_printed_as_json() {
    let hub = SmallHub::start();
    hub.build("mona", "bash-5.3-1.fc44");
    let home = Home::new(&[("lab", &hub.url())]);
    check(
        &home.call(&["getKojiVersion"]).await,
        expect![[r#"
            0: "1.35.3"
        "#]],
    );
    check(
        &home.call(&["getUser", "nobody-of-that-name"]).await,
        expect![[r#"
            0: null
        "#]],
    );
    check(
        &home.call(&["getUser", "mona"]).await,
        expect![[r#"
        0: {
          "id": 6,
          "name": "mona",
          "status": 0,
          "usertype": 0,
          "krb_principals": [
            "mona@KOJI.TEST"
          ]
        }
    "#]],
    );
    let build = home.json(&["getBuild", "bash-5.3-1.fc44"]).await;
    assert_eq!(build["nvr"], "bash-5.3-1.fc44");
    assert_eq!(build["epoch"], Value::Null);
    assert!(build["completion_ts"].is_f64(), "{build}");
    let calls = hub.take_calls();
    let methods: Vec<_> = calls.iter().map(|it| it.method.as_deref().unwrap()).collect();
    assert_eq!(methods, ["getKojiVersion", "getUser", "getUser", "getBuild"]);
    assert!(calls.iter().all(|it| !it.session));
}

#[tokio::test]
async fn words_arrive_as_what_they_are() {
    let hub = SmallHub::start();
    let home = Home::new(&[("lab", &hub.url())]);
    let words = [
        "echo",
        "4711",
        "-1",
        "1.5",
        "true",
        "null",
        "text",
        r#""4711""#,
        "[]",
        r#"{"a": [1, {"b": null}]}"#,
        "2147483648",
        "zażółć <&>",
    ];
    let answer = home.json(&words).await;
    let expected = json!([
        4711,
        -1,
        1.5,
        true,
        null,
        "text",
        "4711",
        [],
        {"a": [1, {"b": null}]},
        2_147_483_648_u64,
        "zażółć <&>",
    ]);
    assert_eq!(answer, expected);
    // A keyword is one: the hub would not know what to do with a struct in its place.
    let strict = home.call(&["getBuild", "no-such-1-1", "strict=true"]).await;
    check(
        &strict,
        expect![[r#"
        8: koji-notify: fault 1000 (GenericError): No such build: 'no-such-1-1'
    "#]],
    );
    assert_eq!(
        home.json(&["getBuild", "no-such-1-1", "strict=false"]).await,
        Value::Null
    );
    hub.submit("mona", "bash-5.3-1.fc44");
    let tasks = home.json(&[
        "listTasks",
        r#"opts={"method": "build"}"#,
        r#"queryOpts={"countOnly": true}"#,
    ]);
    assert_eq!(tasks.await, 1);
}

#[tokio::test]
async fn times_and_binary_data_are_texts_and_nothing_reaches_the_terminal() {
    let hub = SmallHub::start();
    let home = Home::new(&[("lab", &hub.url())]);
    let body = "<?xml version='1.0'?>\n<methodResponse><params><param><value><array><data>\
        <value><dateTime.iso8601>20261121T09:00:00</dateTime.iso8601></value>\
        <value><base64>aGVs\nbG8=</base64></value>\
        <value><nil/></value>\
        <value><i8>9007199254740993</i8></value>\
        <value><double>inf</double></value>\
        <value>\u{9b}31m red \u{202e}</value>\
        </data></array></value></param></params></methodResponse>";
    hub.trouble(Trouble::Garbage(body));
    check(
        &home.call(&["anything"]).await,
        expect![[r#"
        0: [
          "20261121T09:00:00",
          "aGVs\nbG8=",
          null,
          9007199254740993,
          null,
          "\u009b31m red \u202e"
        ]
    "#]],
    );
}

#[tokio::test]
async fn a_fault_is_told_with_its_code_and_its_name_and_code_8() {
    let hub = SmallHub::start();
    let home = Home::new(&[("lab", &hub.url())]);
    check(
        &home.call(&["noSuchMethod"]).await,
        expect![[r#"
        8: koji-notify: fault 1000 (GenericError): Invalid method: noSuchMethod
    "#]],
    );
    check(
        &home.call(&["cancelTask", "1"]).await,
        expect![[r#"
        8: koji-notify: fault 1004 (ActionNotAllowed): you must be logged in for this operation
    "#]],
    );
    let text = "Traceback:\n  File \"x\"\n\u{9b}2J done\n";
    let version = For {
        method: Some("getKojiVersion"),
        times: None,
    };
    hub.trouble_for(version, Trouble::Fault { code: 1, text });
    check(
        &home.call(&["getKojiVersion"]).await,
        expect![[r#"
        8: koji-notify: fault 1: Traceback:
          File "x"
         2J done
    "#]],
    );
    hub.no_trouble();
    hub.set_login(Login::Anybody { user: "mona" });
    check(
        &home.call(&["cancelTask", "1"]).await,
        expect![[r#"
        8: koji-notify: fault 1004 (ActionNotAllowed): you must be logged in for this operation
    "#]],
    );
    check(
        &home.call(&["getLoggedInUser"]).await,
        expect![[r#"
        0: null
    "#]],
    );
}

#[tokio::test]
async fn a_hub_that_does_not_answer_is_told_with_code_5() {
    let hub = SmallHub::start();
    let home = Home::new(&[("lab", &hub.url())]);
    hub.trouble_for(
        For {
            method: None,
            times: Some(1),
        },
        Trouble::Status(404),
    );
    check(
        &home.call(&["getKojiVersion"]).await,
        expect![[r#"
        5: koji-notify: http://HOST/kojihub has not answered as a hub does
          because the answer was HTTP 404 Not Found
    "#]],
    );
    hub.ask(json!({"op": "trouble", "kind": "garbage", "body": "<html></html>", "content_type": "text/html"}));
    check(
        &home.call(&["getKojiVersion"]).await,
        expect![[r#"
        5: koji-notify: http://HOST/kojihub has not answered as a hub does
          because the answer is "text/html" and not XML
    "#]],
    );
    hub.no_trouble();
    hub.trouble(Trouble::Endless { bytes: 100_000_000 });
    check(
        &home.call(&["getKojiVersion"]).await,
        expect![[r#"
        5: koji-notify: http://HOST/kojihub has not answered as a hub does
          because the answer is larger than 67108864 bytes
    "#]],
    );
    hub.no_trouble();
    hub.go_away();
    check(
        &home.call(&["getKojiVersion"]).await,
        expect![[r#"
        5: koji-notify: http://HOST/kojihub has not answered as a hub does
          because cannot connect
          because Connection refused (os error 111)
    "#]],
    );
}

#[tokio::test]
async fn a_hub_whose_certificate_is_of_somebody_else_is_not_believed() {
    let hub = SmallHub::start();
    let directory = tempfile::tempdir().unwrap();
    let certs = Certs::make(directory.path().join("certs"));
    let server = certs.server(ServerCert::Good);
    let port = hub.listen_tls(&server.certificate, &server.key, None);
    let url = format!("https://127.0.0.1:{port}/kojihub");
    let with = |ca: &std::path::Path| Home::new(&[("lab", &format!("{url}\"\nca-cert = \"{}", ca.display()))]);
    check(
        &with(&certs.ca()).call(&["getKojiVersion"]).await,
        expect![[r#"
        0: "1.35.3"
    "#]],
    );
    check(
        &with(&certs.other_ca()).call(&["getKojiVersion"]).await,
        expect![[r#"
        5: koji-notify: https://HOST/kojihub has not answered as a hub does
          because TLS failed
          because invalid peer certificate: UnknownIssuer
    "#]],
    );
    assert_eq!(hub.calls().len(), 1);
}

#[tokio::test]
async fn the_instance_is_named_where_there_are_several() {
    let (lab, other) = (SmallHub::start(), SmallHub::start());
    let home = Home::new(&[("a-bus-only", ""), ("lab", &lab.url()), ("other", &other.url())]);
    check(
        &home.call(&["getKojiVersion"]).await,
        expect![[r#"
        2: koji-notify: several instances have a hub: say --instance with one of lab, other
    "#]],
    );
    check(
        &home.call(&["--instance", "nowhere", "getKojiVersion"]).await,
        expect![[r#"
            2: koji-notify: the configuration has no instance "nowhere"; it has a-bus-only, lab, other
        "#]],
    );
    check(
        &home.call(&["--instance", "a-bus-only", "getKojiVersion"]).await,
        expect![[r#"
            5: koji-notify: a-bus-only has no hub that is asked
        "#]],
    );
    assert_eq!((lab.calls().len(), other.calls().len()), (0, 0));
    assert_eq!(home.json(&["getKojiVersion", "--instance", "other"]).await, "1.35.3");
    assert_eq!((lab.calls().len(), other.calls().len()), (0, 1));
    // One that cannot be asked is no choice.
    let home = Home::new(&[("a-bus-only", ""), ("lab", &lab.url())]);
    assert_eq!(home.json(&["getKojiVersion"]).await, "1.35.3");
    let home = Home::new(&[("a-bus-only", "")]);
    check(
        &home.call(&["getKojiVersion"]).await,
        expect![[r#"
        5: koji-notify: a-bus-only has no hub that is asked
    "#]],
    );
    check(
        &home.call(&["getBuild", "strict=1", "strict=2"]).await,
        expect![[r#"
        2: koji-notify: strict= is given twice
    "#]],
    );
}

/// A person's home, with a broker that nobody reaches.
pub(crate) struct Home {
    pub(crate) stage: Stage,
    hubs: Vec<String>,
}

impl Home {
    /// With instances and the addresses of their hubs, empty for none.
    pub(crate) fn new(instances: &[(&str, &str)]) -> Self {
        Self::of(r#""mona""#, instances)
    }

    /// Of whoever is `user` in the configuration.
    pub(crate) fn of(user: &str, instances: &[(&str, &str)]) -> Self {
        let stage = Stage::new();
        let folder = stage.home.path().join(".config/koji-notify");
        fs::create_dir_all(&folder).unwrap();
        let password = folder.join("password");
        fs::write(&password, "guest").unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        let mut config = String::new();
        for (name, hub) in instances {
            config += &format!(
                "[instance.{name}]\nuser = {user}\ntopic-prefix = \"org.example\"\n\
                 [instance.{name}.broker]\nurl = \"amqp://127.0.0.1:1/\"\nuser = \"guest\"\n\
                 password-file = \"password\"\n"
            );
            if !hub.is_empty() {
                config += &format!("[instance.{name}.hub]\nserver = \"{hub}\"\n");
            }
        }
        fs::write(folder.join("config.toml"), config).unwrap();
        let addresses = instances.iter().map(|(_, hub)| *hub).filter(|it| !it.is_empty());
        let host = |it: &str| it.split('"').next().unwrap().split('/').nth(2).unwrap().to_owned();
        Self {
            stage,
            hubs: addresses.map(host).collect(),
        }
    }

    async fn ran(&self, words: &[&str]) -> Ran {
        let words: Vec<&str> = ["hub", "call"].iter().chain(words).copied().collect();
        crate::command_line::finish(&mut self.stage.command(&words)).await
    }

    /// Returns the exit code, and what was printed and complained of.
    async fn call(&self, words: &[&str]) -> String {
        let ran = self.ran(words).await;
        self.anywhere(&format!("{}: {}{}", ran.code, ran.output, ran.errors))
    }

    /// Returns a text without what is another one each time.
    pub(crate) fn anywhere(&self, text: &str) -> String {
        let text = text.replace(self.stage.home.path().to_str().unwrap(), "HOME");
        self.hubs.iter().fold(text, |text, it| text.replace(it, "HOST"))
    }

    async fn json(&self, words: &[&str]) -> Value {
        let ran = self.ran(words).await;
        assert_eq!((ran.code, &*ran.errors), (0, ""), "{words:?}");
        serde_json::from_str(&ran.output).unwrap()
    }
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
