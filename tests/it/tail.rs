//! `koji-notify tail` at a real broker: what it prints of what is sent, and what it leaves behind, which is nothing.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::broker::line::{Post, build_is_done};
use crate::command_line::{PROGRAM, Ran, Stage, finish};
use crate::decoding::fixtures;
use crate::end_to_end::desk::{config, within};
use crate::rabbit::{Publisher, Rabbit, User, Vhost};

const BUILDS: &str = "org.fedoraproject.prod.buildsys.build.state.change";

#[tokio::test]
async fn each_kind_of_message_is_a_line_of_words() {
    let house = House::new().await;
    let mut tail = house.tail(&["--count", "50"]).await;
    let mut publisher = Publisher::start(&house.vhost).await;
    for message in recorded("lab") {
        publisher.publish_recorded(&message).await;
    }
    let mut words = String::new();
    for line in tail.all().await {
        let (time, rest) = line.split_once("  ").unwrap();
        time.parse::<jiff::civil::Time>().unwrap();
        writeln!(words, "{rest}").unwrap();
    }
    check(
        &words,
        expect![[r#"
            hello was added to f44
            The repository of f44-build is being made (repository 1)
            The repository of f44-build is ready (repository 1)
            hello-1.0-20261120172159.fc44 is being built (by alice, rawhide, task 9)
            hello-1.0-20261120172159.fc44 is built (by alice, rawhide, task 9)
            hello-1.0-20261120172159.fc44 was tagged into f44-signing-pending (by alice)
            hello-1.0-20261120172159.fc44 was untagged from f44-signing-pending (by kojiadmin, owner alice)
            hello-1.0-20261120172159.fc44 was tagged into f44 (by kojiadmin, owner alice)
            python-requests has a builder (by alice, Scratch build, rawhide, task 23)
            python-requests is being built (by alice, Scratch build, rawhide, task 23)
            hello-2.29-954226.fc44 has a builder (by alice, Scratch build, rawhide, task 34)
            hello-2.29-954226.fc44 is being built (by alice, Scratch build, rawhide, task 34)
            tree-6.4-954223.fc44 is built (by alice, rawhide, task 18)
            hello-9.21-954227.fc44 is being built (by alice, rawhide, task 36)
            python-requests-3.2-954225.fc44 is built (by alice, Scratch build, rawhide, task 23)
            hello-2.29-954226.fc44 is built (by alice, Scratch build, rawhide, task 34)
            newpkg954236 was blocked in f44
            rust-zbus-0.4-954230.fc44 was canceled (by alice, rawhide, task 42)
            tree was canceled (by alice, Scratch build, rawhide, task 55)
            gnome-tweaks-4.4-954228.fc44 failed (by alice, Scratch build, rawhide, task 38)
            hello-9.21-954227.fc44 failed (by alice, rawhide, task 36)
            python-requests-4.15-954234.fc44,draft_8 is being built (by alice, rawhide, task 60)
            hello-1.22-954235.fc43 is being built (by alice, f43-candidate, task 64)
            hello-1.22-954235.fc43 is built (by alice, f43-candidate, task 64)
            python-requests-4.15-954234.fc44,draft_8 is built (by alice, rawhide, task 60)
            hello-1.22-954235.fc43 was tagged into f43-updates-candidate (by alice)
            hello-1.22-954235.fc43 was tagged into f43 (by kojiadmin, owner alice)
            hello-1.22-954235.fc43 was untagged from f43 (by kojiadmin, owner alice)
            hello-1.22-954235.fc43 was tagged into f43 (by alice)
            hello-1.22-954235.fc43 was untagged from f43 (by alice)
            The entry of oddpkg1795195541 in f43 was changed
            oddpkg1795195541 was unblocked in f43
            oddpkg1795195541 was removed from f43
            tree-99.0-1795195544.fc44 is built (by kojiadmin)
            Something else: org.fedoraproject.prod.buildsys.build.state.change
            hello-200-1795195547 is being built (by alice)
            hello-200-1795195547 failed (by alice)
            tree waits for a builder (by alice, Scratch build, rawhide, task 96)
            hello-1.22-954235.fc43.x86_64 was signed with 798b452a (owner alice, hello-1.22-954235.fc43)
            tree-99.0-1795195544.fc44 was untagged from f44 (by kojiadmin, owner alice)
            tree-99.0-1795195544.fc44 was canceled (by alice)
            tree-99.0-1795195544.fc44 was deleted (by alice)
            Something else: org.fedoraproject.prod.buildsys.build.promote
            hello-202-1795195584 is built (by alice)
            gnome-tweaks-5.1-1795195716.fc44 failed (by alice, rawhide, task 107)
            gnome-tweaks-2.21-958901.fc44 is built (by alice, rawhide, task 163)
            texlive-base-2.25-960921.fc44 is built (by bob, rawhide, task 171)
            perl-Moose-8.5-960938.fc44 was canceled (by bob, rawhide, task 219)
            tree-1.0-20261120173718.fc44 is being built (by alice, rawhide, task 344)
            tree-1.0-20261120173718.fc44 is built (by alice, rawhide, task 344)
        "#]],
    );
    assert_eq!(tail.end().await, (0, String::new()));
    house.vhost.queues_when(<[_]>::is_empty).await;
}

/// As RabbitMQ hands on what is sent over AMQP 1.0, and told again by the recording that was made of it.
#[tokio::test]
async fn what_kojis_own_plugin_sends_is_a_line_of_words_too() {
    let house = House::new().await;
    let text = fs::read_to_string(house.config()).unwrap();
    let text = text.replace(
        "topic-prefix = \"org.fedoraproject.prod\"",
        "topic-prefix = \"koji\"\ndialect = \"koji-protonmsg\"",
    );
    fs::write(house.config(), text).unwrap();
    let mut tail = house.tail(&["--count", "10"]).await;
    let mut json = house.tail_beside(&["--json", "--count", "10"], 2).await;
    let messages = recorded("protonmsg").into_iter().map(|it| {
        let headers = it["properties"]["headers"].as_object().unwrap().iter();
        let headers = headers.map(|(name, it)| match it["_bytes_b64"].as_str() {
            Some(octets) => (name.clone(), json!({"base64": octets})),
            None => (name.clone(), it.clone()),
        });
        json!({
            "topic": it["deliver"]["routing_key"],
            "headers": headers.collect::<serde_json::Map<_, _>>(),
            "properties": {"type": it["properties"]["type"]},
            "body_b64": it["body_b64"],
        })
    });
    let file = house.stage.home.path().join("day.jsonl");
    let text: String = messages.map(|it| format!("{it}\n")).collect();
    fs::write(&file, text).unwrap();
    let sent = ["publish", "--instance", "lab", "--file", file.to_str().unwrap()];
    let sent = house.as_publisher(&sent).await;
    assert_eq!((sent.code, &*sent.errors), (0, ""));
    let words: String = tail.all().await.iter().map(|it| format!("{}\n", &it[10..])).collect();
    check(
        &words,
        expect![[r#"
            hello-1.0-20261120172159.fc44 is built (by alice, task 9)
            hello-9.21-954227.fc44 failed (by alice, task 36)
            rust-zbus-0.4-954230.fc44 was canceled (by alice, task 42)
            hello-1.0-20261120172159.fc44 is being built (by alice, task 9)
            createrepo task 4 is done (by user 4, aarch64, part of task 1)
            newRepo task 1 was created (by user 4, f44-build)
            hello-1.0-20261120172159.fc44 was tagged into f44-signing-pending (by alice)
            hello was added to f44 (by kojiadmin)
            The repository of f44-build is ready (repository 1, task 1)
            hello-1.22-954235.fc43.x86_64 was signed with 798b452a (owner alice, hello-1.22-954235.fc43)
        "#]],
    );
    assert_eq!(tail.end().await, (0, String::new()));
    fs::write(&file, json.all().await.join("\n")).unwrap();
    assert_eq!(json.end().await, (0, String::new()));
    let replayed = ["replay", "--print", "--user", "alice", file.to_str().unwrap()];
    let replayed = house.run(&replayed).await;
    assert_eq!((replayed.code, &*replayed.errors), (0, ""));
    assert!(
        replayed.output.contains("hello-1.0-20261120172159.fc44 is built"),
        "{}",
        replayed.output
    );
}

#[tokio::test]
async fn a_headers_exchange_has_no_topics() {
    let house = House::new().await;
    let text = fs::read_to_string(house.config()).unwrap();
    let text = text.replace(
        "topic-prefix = \"org.fedoraproject.prod\"",
        "exchange = \"amq.headers\"\ndialect = \"koji-headers\"",
    );
    fs::write(house.config(), text).unwrap();
    let publisher = house.vhost.publisher.clone();
    let words = ["tail", "--count", "1"];
    let mut command = house.command_with_login(&publisher.name, &publisher.password, &words);
    let mut tail = Running::start(&mut command);
    house.listeners(1).await;
    let body = json!({
        "attribute": "state", "old": 0, "new": 1,
        "info": {"build_id": 7, "name": "bash", "version": "5.3", "release": "1.fc43", "owner_name": "mona"},
    });
    let words = [
        "publish",
        "--instance",
        "lab",
        "--topic",
        "",
        "--header",
        "type=BuildStateChange",
    ];
    let body = body.to_string();
    let sent = house.as_publisher(&[&words[..], &["--body", &body]].concat()).await;
    assert_eq!((sent.code, &*sent.errors), (0, ""));
    assert!(tail.next().await.ends_with("  bash-5.3-1.fc43 is built (by mona)"));
    assert_eq!(tail.end().await, (0, String::new()));
    let ran = house.run(&["tail", "--topic", "#.tag"]).await;
    let told = "koji-notify: lab: its messages have no topics\n";
    assert_eq!((ran.code, &*ran.errors), (2, told));
}

#[tokio::test]
async fn what_is_printed_as_json_is_a_recording() {
    let house = House::new().await;
    let afternoon = fixtures().join("lab/afternoon.jsonl");
    let afternoon = afternoon.to_str().unwrap();
    let text = fs::read_to_string(afternoon).unwrap();
    let count = text.lines().count();
    let mut tail = house.tail(&["--json", "--count", &count.to_string()]).await;
    let sent = house
        .as_publisher(&["publish", "--instance", "lab", "--file", afternoon])
        .await;
    assert_eq!((sent.code, &*sent.errors), (0, ""));
    let printed = tail.all().await;
    assert_eq!(tail.end().await, (0, String::new()));
    let message = |line: &str| {
        let mut message: Value = serde_json::from_str(line).unwrap();
        let it = message.as_object_mut().unwrap();
        assert!(it.remove("at").is_some());
        message
    };
    for (printed, sent) in printed.iter().zip(text.lines()) {
        let (mut printed, sent) = (message(printed), message(sent));
        let it = printed.as_object_mut().unwrap();
        assert_eq!(it.remove("instance").unwrap(), "lab");
        let expected = json!({"content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2});
        assert_eq!(it.remove("properties").unwrap(), expected);
        assert_eq!(printed, sent);
    }
    // Without the time of hearing, both are played by the time of sending.
    let shown = async |lines: &mut dyn Iterator<Item = &str>| {
        let file = house.stage.home.path().join("day.jsonl");
        let text: String = lines.map(|it| format!("{}\n", message(it))).collect();
        fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        house.run(&["replay", "--print", "--user", "alice", file]).await
    };
    let (theirs, ours) = (
        shown(&mut text.lines()).await,
        shown(&mut printed.iter().map(|it| &**it)).await,
    );
    assert_eq!((ours.code, &*ours.errors), (0, ""));
    assert!(ours.output.lines().count() > 5, "{}", ours.output);
    assert_eq!(ours.output, theirs.output);
    // As it was printed, it is a recording as well.
    let file = house.stage.home.path().join("day.jsonl");
    fs::write(&file, printed.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let replayed = house.run(&["replay", "--print", "--user", "alice", file]).await;
    assert_eq!((replayed.code, &*replayed.errors), (0, ""));
    assert!(!replayed.output.is_empty());
}

#[tokio::test]
async fn only_what_fits_the_filters_is_printed() {
    let house = House::new().await;
    let by_package = house
        .tail(&["--package", "zsh", "--package", "tcsh", "--count", "2"])
        .await;
    let by_both = house
        .tail_beside(&["--package", "bash", "--user", "bob", "--count", "1"], 2)
        .await;
    let by_topic = house
        .tail_beside(&["--topic", "#.tag", "--topic", "*.*.*.*.untag", "--count", "2"], 3)
        .await;
    let post = Post::open(&house.vhost).await;
    let build = |id: u64, package: &str, owner: &str| {
        let mut body = build_is_done(id, owner);
        body["name"] = package.into();
        body.to_string()
    };
    for (id, package, owner) in [
        (1, "bash", "alice"),
        (2, "zsh", "alice"),
        (3, "bash", "bob"),
        (4, "tcsh", "bob"),
    ] {
        post.send("build.state.change", &[], build(id, package, owner).as_bytes())
            .await;
    }
    post.send("repo.done", &[], b"{}").await;
    let tag =
        json!({"tag": "f43", "name": "bash", "version": "5.3", "release": "1.fc43", "build_id": 1, "user": "bob"});
    post.send("tag", &[], tag.to_string().as_bytes()).await;
    post.send("untag", &[], tag.to_string().as_bytes()).await;
    for (mut tail, expected) in [
        (
            by_package,
            expect![[r#"
                zsh-5.3-2.fc43 is built (by alice, rawhide, task 1000002)
                tcsh-5.3-4.fc43 is built (by bob, rawhide, task 1000004)
            "#]],
        ),
        (
            by_both,
            expect![[r#"
                bash-5.3-3.fc43 is built (by bob, rawhide, task 1000003)
            "#]],
        ),
        (
            by_topic,
            expect![[r#"
                bash-5.3-1.fc43 was tagged into f43 (by bob)
                bash-5.3-1.fc43 was untagged from f43 (by bob)
            "#]],
        ),
    ] {
        let lines = tail.all().await;
        let words: String = lines.iter().map(|it| format!("{}\n", &it[10..])).collect();
        check(&words, expected);
        assert_eq!(tail.end().await, (0, String::new()));
    }
}

#[tokio::test]
async fn raw_is_what_was_sent_and_does_nothing_to_a_terminal() {
    let house = House::new().await;
    let mut piped = house.tail(&["--raw", "--count", "2"]).await;
    // The same on a terminal.
    let words = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut command = house.command(&[]);
    let mut terminal = Command::new("python3");
    let environment = command.as_std_mut().get_envs();
    terminal
        .env_clear()
        .envs(environment.filter_map(|(name, value)| Some((name, value?))));
    terminal.args(["-c", words, PROGRAM, "--config"]).arg(house.config());
    terminal
        .args(["tail", "--raw", "--count", "2"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let mut terminal = Running::start(&mut terminal);
    house.listeners(2).await;
    let mut publisher = Publisher::start(&house.vhost).await;
    let body = b"{\"a\":\n\x1b[2J\x07\xff \xe2\x80\xae\xc3\xa4";
    let properties = json!({"headers": {"sent-at": "now\u{1b}]0;gone\u{7}", "n": 3}});
    publisher.publish_raw(BUILDS, body, &properties).await;
    publisher.publish_raw("something.else", b"", &json!({})).await;
    let lines = piped.all().await;
    assert_eq!(
        lines[0],
        format!(
            r#"{BUILDS} {{"n":3,"sent-at":"now\u001b]0;gone\u0007"}} {{"a":\n{}[2J{}\xff {}ä"#,
            '\u{1b}', '\u{7}', '\u{202e}'
        )
    );
    assert_eq!(lines[1], "something.else {} ");
    assert_eq!(piped.end().await, (0, String::new()));
    let lines = terminal.all().await;
    assert_eq!(
        lines[0].trim_end_matches('\r'),
        format!(r#"{BUILDS} {{"n":3,"sent-at":"now\u001b]0;gone\u0007"}} {{"a":\n\u{{1b}}[2J\u{{7}}\xff \u{{202e}}ä"#)
    );
    assert_eq!(terminal.end().await, (0, String::new()));
}

#[tokio::test]
async fn what_cannot_be_read_is_said_once_for_each_kind() {
    let house = House::new().await;
    let mut words = house.tail(&["--count", "1"]).await;
    let mut json = house.tail_beside(&["--json", "--count", "5"], 2).await;
    let post = Post::open(&house.vhost).await;
    for body in [&b"not JSON \x1b[2J"[..], b"not JSON either", b"\xff", b"null"] {
        post.send("build.state.change", &[], body).await;
    }
    post.build(7, "alice").await;
    let lines = words.all().await;
    assert!(
        lines[0].ends_with("  bash-5.3-7.fc43 is built (by alice, rawhide, task 1000007)"),
        "{lines:?}"
    );
    let (code, errors) = words.end().await;
    assert_eq!(code, 0);
    check(
        &errors,
        expect![[r#"
        koji-notify: lab: a message to org.fedoraproject.prod.buildsys.build.state.change cannot be read (the body is not JSON: expected ident at line 1 column 2); more of this kind are not told of
        koji-notify: lab: a message to org.fedoraproject.prod.buildsys.build.state.change cannot be read (the body is not UTF-8); more of this kind are not told of
        koji-notify: lab: a message to org.fedoraproject.prod.buildsys.build.state.change cannot be read (the body is not as expected: invalid type: null, expected an object at line 1 column 4); more of this kind are not told of
    "#]],
    );
    // A recording is of all that was sent.
    let bodies: Vec<Value> = json
        .all()
        .await
        .iter()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(bodies[0]["body_text"], "not JSON \u{1b}[2J");
    assert_eq!(bodies[2]["body_b64"], "/w==");
    assert_eq!(bodies[3]["body_text"], "null");
    assert_eq!(bodies[4]["body"]["build_id"], 7);
    assert_eq!(json.end().await, (0, errors));
}

#[tokio::test]
async fn the_queue_is_one_of_its_own_that_keeps_nothing_and_goes_with_it() {
    let house = House::new().await;
    let tail = house.tail(&[]).await;
    let queue = house.vhost.consumed_queue().await;
    assert!(queue.name.starts_with("amq.gen-"), "{queue:?}");
    assert!(queue.exclusive && queue.auto_delete && !queue.durable, "{queue:?}");
    assert_eq!(
        house.vhost.routing_keys(&queue.name).await,
        ["org.fedoraproject.prod.buildsys.#"]
    );
    let post = Post::open(&house.vhost).await;
    post.build(1, "alice").await;
    let mut tail = tail;
    tail.next().await;
    house.vhost.drained().await;
    tail.signal("INT");
    assert_eq!(tail.end().await, (0, String::new()));
    house.vhost.queues_when(<[_]>::is_empty).await;
}

#[tokio::test]
async fn a_line_that_breaks_comes_back_and_that_is_said_once() {
    let house = House::new().await;
    let mut tail = house.tail(&["--count", "1"]).await;
    house.vhost.close_connections("maintenance").await;
    house.vhost.queues_when(<[_]>::is_empty).await;
    house.listeners(1).await;
    let post = Post::open(&house.vhost).await;
    post.build(1, "alice").await;
    assert_eq!(tail.all().await.len(), 1);
    let (code, errors) = tail.end().await;
    assert_eq!(code, 0);
    check(
        &house.shortened(&errors),
        expect![[r#"
        koji-notify: lab: The connection to localhost:PORT was interrupted (the line broke: 320 CONNECTION_FORCED - maintenance)
            Nothing needs to be done: koji-notify keeps trying
        koji-notify: lab: localhost:PORT is heard again; what it sent meanwhile was missed
    "#]],
    );
}

#[tokio::test]
async fn a_login_that_is_refused_is_told_as_check_tells_it() {
    let house = House::new().await;
    let ran = house.with_login("stranger", "stranger", &["tail"]).await;
    assert_eq!((ran.code, &*ran.output), (5, ""));
    check(
        &house.shortened(&ran.errors),
        expect![[r#"
        koji-notify: lab: localhost:PORT has no such virtual host, or does not let you use it (the login failed: 530 NOT_ALLOWED - access to vhost 'VHOST' refused for user 'stranger')
            Check the virtual host at the end of the broker's address
    "#]],
    );
    let reader = house.vhost.reader.name.clone();
    let ran = house
        .with_login(&reader, "hunter2", &["-vv", "tail", "--instance", "lab"])
        .await;
    assert_eq!((ran.code, &*ran.output), (5, ""));
    assert!(
        ran.errors.contains("does not accept the login (the login failed: 403"),
        "{}",
        ran.errors
    );
    assert!(!ran.errors.contains("hunter2"), "{}", ran.errors);
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_told() {
    let house = House::new().await;
    let text = fs::read_to_string(house.config()).unwrap();
    let port = format!(":{}/", house.vhost.rabbit.tls_port);
    let text = text.replace(&port, ":1/");
    fs::write(house.config(), text).unwrap();
    let ran = house.run(&["tail"]).await;
    assert_eq!(ran.code, 5);
    check(
        &ran.errors,
        expect![[r#"
        koji-notify: lab: localhost:1 does not answer (cannot connect: Connection refused (os error 111))
    "#]],
    );
}

#[tokio::test]
async fn what_nobody_can_listen_to_is_a_wrong_command_line() {
    let house = House::new().await;
    let ran = house.run(&["tail", "--instance", "fedora"]).await;
    assert_eq!(ran.code, 2);
    check(
        &ran.errors,
        expect![[r#"
            koji-notify: the configuration has no instance "fedora"; it has lab
        "#]],
    );
}

#[tokio::test]
async fn the_sites_file_says_what_may_be_heard() {
    let house = House::new().await;
    let vhost = &house.vhost;
    let certs = &vhost.rabbit.certs;
    let pair = certs.client(crate::rabbit::Client::Fedora);
    let site = house.stage.home.path().join("site.toml");
    let text = format!(
        r#"
        amqp_url = "{}"
        [tls]
        ca_cert = "{}"
        certfile = "{}"
        keyfile = "{}"
        [[bindings]]
        exchange = "amq.topic"
        queue = ""
        routing_keys = ["org.fedoraproject.prod.buildsys.build.#", "org.fedoraproject.prod.bodhi.#"]
        "#,
        vhost.fedora_url(),
        certs.ca().display(),
        pair.certificate.display(),
        pair.key.display()
    );
    fs::write(&site, text).unwrap();
    let text = format!(
        "[instance.lab]\nuser = \"alice\"\ntopic-prefix = \"org.fedoraproject.prod\"\nfedora-messaging = {:?}\n",
        site
    );
    fs::write(house.config(), text).unwrap();
    let ran = house
        .run(&["tail", "--topic", "org.fedoraproject.prod.buildsys.#"])
        .await;
    assert_eq!(ran.code, 2);
    check(
        &ran.errors,
        expect![[r#"
            koji-notify: lab: the site's file lets only org.fedoraproject.prod.buildsys.build.#, org.fedoraproject.prod.bodhi.# be heard, which org.fedoraproject.prod.buildsys.# is not within
        "#]],
    );
    // Without a wish, what the file asks for is bound, and what is not the hub's is not printed.
    let mut tail = house.tail(&["--count", "1"]).await;
    let queue = house.vhost.consumed_queue().await;
    assert_eq!(
        house.vhost.routing_keys(&queue.name).await,
        [
            "org.fedoraproject.prod.bodhi.#",
            "org.fedoraproject.prod.buildsys.build.#"
        ]
    );
    let mut publisher = Publisher::start(&house.vhost).await;
    publisher
        .publish_raw("org.fedoraproject.prod.bodhi.update", b"{}", &json!({}))
        .await;
    publisher
        .publish_raw(BUILDS, build_is_done(1, "alice").to_string().as_bytes(), &json!({}))
        .await;
    assert!(tail.next().await.contains("bash-5.3-1.fc43 is built"));
    assert_eq!(tail.end().await, (0, String::new()));
}

#[tokio::test]
async fn several_instances_are_told_apart() {
    let house = House::new().await;
    let text = fs::read_to_string(house.config()).unwrap();
    let (_, lab) = text.split_once("[instance.lab]").unwrap();
    let other = lab
        .replace("instance.lab", "instance.other")
        .replace("fedoraproject.prod", "example");
    fs::write(house.config(), format!("{text}\n[instance.other]{other}")).unwrap();
    let mut tail = Running::start(&mut house.command(&["tail", "--count", "2"]));
    house.listeners(2).await;
    let mut publisher = Publisher::start(&house.vhost).await;
    for (prefix, id) in [("org.fedoraproject.prod", 1), ("org.example", 2)] {
        let topic = format!("{prefix}.buildsys.build.state.change");
        let body = build_is_done(id, "alice").to_string();
        publisher.publish_raw(&topic, body.as_bytes(), &json!({})).await;
    }
    let mut lines: Vec<String> = tail.all().await.iter().map(|it| it[10..].to_owned()).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "lab  bash-5.3-1.fc43 is built (by alice, rawhide, task 1000001)",
            "other  bash-5.3-2.fc43 is built (by alice, rawhide, task 1000002)"
        ]
    );
    assert_eq!(tail.end().await, (0, String::new()));
}

#[tokio::test]
async fn a_reader_who_has_seen_enough_ends_it_quietly() {
    let house = House::new().await;
    let mut tail = house.tail(&[]).await;
    let post = Post::open(&house.vhost).await;
    post.build(1, "alice").await;
    tail.next().await;
    drop(tail.lines.take());
    post.build(2, "alice").await;
    assert_eq!(tail.end().await, (0, String::new()));
}

#[tokio::test]
async fn a_reader_who_is_too_slow_makes_it_leave_out_lines_and_not_grow() {
    let house = House::new().await;
    let mut tail = house.tail(&["--raw"]).await;
    let post = Post::open(&house.vhost).await;
    let body = vec![b'x'; 200_000];
    // More than the 32 MiB that may wait.
    let sent = 250;
    for _ in 0..sent {
        post.send("tag", &[], &body).await;
    }
    let said = within("a complaint", tail.errors.next_line()).await.unwrap();
    assert_eq!(
        said.unwrap(),
        "koji-notify: Whoever reads this is too slow; messages are left out"
    );
    let mut read = 0;
    let said = loop {
        tokio::select! {
            line = tail.lines.as_mut().unwrap().next_line() => {
                assert!(line.unwrap().unwrap().ends_with("xxx"));
                read += 1;
                if read > 100 {
                    // What comes now makes it say how many.
                    post.send("tag", &[], b"xxx").await;
                }
            }
            said = tail.errors.next_line() => break said.unwrap().unwrap(),
        }
    };
    let count: u64 = said.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((1..100).contains(&count), "{said}");
    assert!(said.contains(" left out"), "{said}");
}

/// A broker, and a place to run programs.
pub(crate) struct House<'r> {
    pub(crate) vhost: Vhost<'r>,
    pub(crate) stage: Stage,
}

impl House<'static> {
    pub(crate) async fn new() -> Self {
        let vhost = Rabbit::shared().await.vhost().await;
        let stage = Stage::new();
        let house = Self { vhost, stage };
        fs::write(house.config(), config(&house.vhost)).unwrap();
        house
    }
}

impl House<'_> {
    /// The configuration of somebody who may listen and nothing else.
    pub(crate) fn config(&self) -> PathBuf {
        self.stage.home.path().join("config.toml")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.stage.command(&[]);
        command.arg("--config").arg(self.config()).args(words);
        command
    }

    pub(crate) async fn run(&self, words: &[&str]) -> Ran {
        finish(&mut self.command(words)).await
    }

    /// Runs a command for somebody who may publish.
    pub(crate) async fn as_publisher(&self, words: &[&str]) -> Ran {
        let User { name, password } = self.vhost.publisher.clone();
        self.with_login(&name, &password, words).await
    }

    pub(crate) async fn with_login(&self, user: &str, password: &str, words: &[&str]) -> Ran {
        finish(&mut self.command_with_login(user, password, words)).await
    }

    pub(crate) fn command_with_login(&self, user: &str, password: &str, words: &[&str]) -> Command {
        let folder = self.stage.home.path();
        let (file, secret) = (folder.join("with-login.toml"), folder.join("password"));
        fs::write(&secret, password).unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        let text = fs::read_to_string(self.config()).unwrap();
        let (before, after) = text.split_once("certificate = ").unwrap();
        let (_, after) = after.split_once("\nkey = ").unwrap();
        let (_, after) = after.split_once('\n').unwrap();
        let login = format!("user = {user:?}\npassword-file = {secret:?}\n");
        fs::write(&file, format!("{before}{login}{after}")).unwrap();
        let mut command = self.stage.command(&[]);
        command.arg("--config").arg(file).args(words);
        command
    }

    /// Starts `tail` and returns when it listens.
    pub(crate) async fn tail(&self, words: &[&str]) -> Running {
        self.tail_beside(words, 1).await
    }

    /// Starts `tail` and returns when so many listen.
    pub(crate) async fn tail_beside(&self, words: &[&str], count: usize) -> Running {
        let tail = Running::start(self.command(&["tail"]).args(words));
        self.listeners(count).await;
        tail
    }

    pub(crate) async fn listeners(&self, count: usize) {
        let listen = |it: &[crate::rabbit::QueueState]| it.iter().filter(|it| it.consumers == 1).count() == count;
        self.vhost.queues_when(listen).await;
    }

    /// Returns what was said, without the names that differ each time.
    pub(crate) fn shortened(&self, said: &str) -> String {
        said.replace(&self.vhost.name, "VHOST")
            .replace(&format!(":{}", self.vhost.rabbit.tls_port), ":PORT")
            .replace(&self.vhost.publisher.name, "PUBLISHER")
    }
}

/// A program that runs.
pub(crate) struct Running {
    process: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
    pub(crate) errors: Lines<BufReader<ChildStderr>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        Self {
            lines: Some(BufReader::new(process.stdout.take().unwrap()).lines()),
            errors: BufReader::new(process.stderr.take().unwrap()).lines(),
            process,
        }
    }

    pub(crate) async fn next(&mut self) -> String {
        let line = within("a line", self.lines.as_mut().unwrap().next_line()).await;
        line.unwrap().expect("it has not ended")
    }

    /// Returns the lines up to the end.
    pub(crate) async fn all(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = within("a line", self.lines.as_mut().unwrap().next_line())
            .await
            .unwrap()
        {
            lines.push(line);
        }
        lines
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end, and returns the exit code and what was said.
    pub(crate) async fn end(mut self) -> (i32, String) {
        let mut said = String::new();
        let ended = within("the end", self.process.wait()).await.unwrap();
        within("the last word", self.errors.into_inner().read_to_string(&mut said))
            .await
            .unwrap();
        (ended.code().expect("it ends by itself"), said)
    }
}

/// Returns one message of each kind that the laboratory has recorded.
pub(crate) fn recorded(folder: &str) -> Vec<Value> {
    let files = fs::read_dir(fixtures().join(folder)).unwrap();
    let files = files.map(|it| it.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|it| it.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    let read = |it: &PathBuf| serde_json::from_slice(&fs::read(it).unwrap()).unwrap();
    files.iter().map(read).collect()
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
