//! What `koji-notify check` says of a hub that answers over HTTP, or does not.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use koji_notify::hub::access::Address;
use serde_json::{Value, json};

use crate::apache::{Apache, Setup};
use crate::command_line::finish;
use crate::hub_call::Home;
use crate::rabbit::{Certs, Client, ServerCert};
use crate::small_hub::{For, Login, SmallHub, Trouble};

#[tokio::test]
async fn a_good_hub_says_which_koji_it_is_and_who_i_am() {
    let hub = SmallHub::start();
    let home = Home::new(&[("lab", &hub.url()), ("quiet", "")]);
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✓ lab: hub: http://HOST/kojihub answers; it runs Koji 1.35.3
        ✓ lab: user on the hub: mona is user number 6
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    let calls = hub.take_calls();
    assert_eq!(calls.len(), 1, "one round trip: {calls:?}");
    assert_eq!(calls[0].parts, ["getKojiVersion", "getUser"]);
    assert!(!calls[0].session);
    let ran = finish(&mut home.stage.command(&["check", "--json"])).await;
    let all: Vec<Value> = serde_json::from_str(&ran.output).unwrap();
    let of = |what: &str| all.iter().find(|it| it["what"] == what).unwrap()["state"].clone();
    assert_eq!([of("lab: hub"), of("lab: hub user"), of("lab: hub login")], ["good"; 3]);
}

#[tokio::test]
async fn a_user_whom_the_hub_does_not_know_is_told() {
    let hub = SmallHub::start();
    let home = Home::of(r#""moan""#, &[("lab", &hub.url())]);
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✓ lab: hub: http://HOST/kojihub answers; it runs Koji 1.35.3
        ✗ lab: user on the hub: The hub knows no user moan
            Check the user name in the configuration
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    // One of two is enough to go on with.
    let home = Home::of(r#"["moan", "mona"]"#, &[("lab", &hub.url())]);
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✓ lab: hub: http://HOST/kojihub answers; it runs Koji 1.35.3
        ! lab: user on the hub: The hub knows no user moan
            Check the user name in the configuration
        ✓ lab: user on the hub: mona is user number 6
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
}

#[tokio::test]
async fn an_old_hub_is_a_good_hub() {
    let hub = SmallHub::start();
    let version = For {
        method: Some("getKojiVersion"),
        times: None,
    };
    let text = "Invalid method: getKojiVersion";
    hub.trouble_for(version, Trouble::Fault { code: 1000, text });
    let user = For {
        method: Some("getUser"),
        times: None,
    };
    let home = Home::new(&[("lab", &hub.url())]);
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✓ lab: hub: http://HOST/kojihub answers; it runs Koji 1.35.3
        ✓ lab: user on the hub: mona is user number 6
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    let text = "\u{9b}2J no\nsuch thing";
    hub.trouble_for(user, Trouble::Fault { code: 1, text });
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✓ lab: hub: http://HOST/kojihub answers; it runs Koji 1.35.3
        ! lab: user on the hub: The hub does not tell who mona is (2J no such thing)
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
}

#[tokio::test]
async fn a_hub_that_is_down_is_told_with_its_address_and_the_reason() {
    let hub = SmallHub::start();
    let home = Home::new(&[("lab", &hub.url())]);
    hub.trouble(Trouble::Offline);
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✗ lab: hub: http://HOST/kojihub is closed for now (the hub said no: server is offline (fault 1014))
            Nothing needs to be done: koji-notify keeps trying
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    hub.no_trouble();
    hub.trouble(Trouble::Status(500));
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✗ lab: hub: http://HOST/kojihub gives no answer that can be used (the answer was HTTP 500 Internal Server Error)
            Nothing needs to be done: koji-notify keeps trying
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    hub.go_away();
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✗ lab: hub: http://HOST/kojihub does not answer (cannot connect: Connection refused (os error 111))
            Nothing needs to be done: koji-notify keeps trying
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    let home = Home::new(&[("lab", "https://koji.invalid/kojihub")]);
    let said = of_hubs(&home).await;
    assert!(
        said.starts_with("✗ lab: hub: https://HOST/kojihub cannot be found ("),
        "{said}"
    );
}

#[tokio::test]
async fn what_is_no_hub_is_told() {
    let hub = SmallHub::start();
    let home = Home::new(&[("lab", &hub.url())]);
    hub.trouble(Trouble::Status(404));
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✗ lab: hub: http://HOST/kojihub does not answer as a Koji hub (the answer was HTTP 404 Not Found)
            Check the address of the hub in the configuration; most end with /kojihub
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    hub.no_trouble();
    hub.ask(json!({"op": "trouble", "kind": "garbage", "body": "<html></html>", "content_type": "text/html"}));
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✗ lab: hub: http://HOST/kojihub does not answer as a Koji hub (the answer is "text/html" and not XML)
            Check the address of the hub in the configuration; most end with /kojihub
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    hub.no_trouble();
    hub.trouble(Trouble::Garbage("<html><title>\u{9b}2J</title></html>"));
    check(
        &of_hubs(&home).await,
        expect![[r#"
        ✗ lab: hub: http://HOST/kojihub does not answer as a Koji hub (the answer cannot be understood: the answer is a web page and not XML-RPC)
            Check the address of the hub in the configuration; most end with /kojihub
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
}

#[tokio::test]
async fn a_hub_is_believed_by_its_certificate() {
    let hub = SmallHub::start();
    let directory = tempfile::tempdir().unwrap();
    let certs = Certs::make(directory.path().join("certs"));
    let said = async |server: ServerCert, ca: std::path::PathBuf| {
        let pair = certs.server(server);
        let port = hub.listen_tls(&pair.certificate, &pair.key, None);
        let url = format!("https://127.0.0.1:{port}/kojihub");
        let home = Home::new(&[("lab", &format!("{url}\"\nca-cert = \"{}", ca.display()))]);
        let said = of_hubs(&home).await;
        said.replace(directory.path().to_str().unwrap(), "CERTS")
    };
    let good = said(ServerCert::Good, certs.ca()).await;
    assert!(
        good.starts_with("✓ lab: CA of the hub: CERTS/certs/ca.pem is valid until "),
        "{good}"
    );
    let (_, rest) = good.split_once('\n').unwrap();
    check(
        rest,
        expect![[r#"
        ✓ lab: hub: https://HOST/kojihub answers; it runs Koji 1.35.3
        ✓ lab: user on the hub: mona is user number 6
        ✓ lab: login to the hub: No login: reading needs none
    "#]],
    );
    for (server, ca, expected) in [
        (
            ServerCert::Good,
            certs.other_ca(),
            "The certificate of https://HOST/kojihub is not signed by a trusted CA (",
        ),
        (
            ServerCert::WrongHost,
            certs.ca(),
            "The certificate of https://HOST/kojihub is for another host (",
        ),
        (
            ServerCert::Expired,
            certs.ca(),
            "The certificate of https://HOST/kojihub is not valid today (",
        ),
    ] {
        let said = said(server, ca).await;
        assert!(said.contains(&format!("✗ lab: hub: {expected}")), "{said}");
    }
}

#[tokio::test]
async fn a_login_that_is_configured_is_tried_and_ended() {
    let hub = SmallHub::start();
    hub.set_login(Login::Anybody { user: "alice" });
    let apache = Apache::start(Setup {
        hub: Some(Address::parse(&hub.url()).unwrap().port),
        ..Setup::default()
    })
    .await;
    let by_profile = |certificate: &Path| {
        let more = format!("{}\"\nprofile = \"lab\"\nlogin = \"profile", apache.by_certificate());
        let home = Home::new(&[("lab", &more)]);
        let folder = home.stage.home.path().join(".koji");
        fs::create_dir_all(&folder).unwrap();
        let profile = format!(
            "[lab]\nserver = https://elsewhere.invalid/kojihub\nauthtype = ssl\nserverca = {}\ncert = {}\n",
            apache.certs.ca().display(),
            certificate.display()
        );
        fs::write(folder.join("config"), profile).unwrap();
        home
    };
    let home = by_profile(&apache.certs.client(Client::Alice).both);
    let said = of_hubs(&home).await;
    let home_folder = home.stage.home.path().display().to_string();
    let lines: Vec<_> = said
        .lines()
        .filter(|it| it.contains("profile of") || it.contains("login to"))
        .collect();
    let said = lines.join("\n").replace(&home_folder, "HOME");
    let at = said.find("By the certificate ").unwrap();
    let end = said.rfind(": the hub knows").unwrap();
    let said = format!("{}By the certificate FILE{}", &said[..at], &said[end..]);
    check(
        &said,
        expect![[r#"
        ✓ lab: profile of the hub: lab, read from HOME/.koji/config
        ✓ lab: login to the hub: By the certificate FILE: the hub knows you as alice"#]],
    );
    let calls = hub.calls();
    let last = calls.last().unwrap();
    assert_eq!((last.method.as_deref(), last.session), (Some("logout"), true));

    let said = of_hubs(&by_profile(&apache.certs.client(Client::OtherCa).both)).await;
    let bad = said.lines().find(|it| it.contains("login to")).unwrap();
    assert!(bad.starts_with("✗ lab: login to the hub: By the certificate "), "{bad}");
}

/// Returns what is said of hubs. Whatever it is, there is no session, so it ends with code 5.
async fn of_hubs(home: &Home) -> String {
    let ran = finish(&mut home.stage.command(&["check"])).await;
    assert_eq!((ran.code, &*ran.errors), (5, ""), "{}", ran.output);
    let mut said = String::new();
    let mut is_ours = false;
    for line in ran.output.lines() {
        if !line.starts_with(' ') {
            is_ours = line.contains(" hub: ") || line.contains(" the hub: ");
        }
        if is_ours {
            said += &format!("{line}\n");
        }
    }
    home.anywhere(&said)
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
