//! The configuration, from the file to the settings, and back by the toggles.
//!
//! Each test has a home of its own in a temporary directory; the person's own configuration is not touched.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use tempfile::TempDir;

use koji_notify::bus::broker::Dialect;
use koji_notify::bus::broker::Login;
use koji_notify::config::{ConfigError, Places, Settings, Watcher, autostart, edit, load};
use koji_notify::koji::InstanceName;
use koji_notify::watch::{Toggle, Wanted};

const SAMPLE: &str = include_str!("../../data/config.toml");

/// Three lines configure Fedora.
const THREE_LINES: &str = "[instance.fedora]\npreset = \"fedora\"\nuser = \"mona\"\n";

#[test]
fn a_hub_alone_is_enough() {
    let home = Home::new();
    let check = |text: &str, expected: Expect| {
        home.configure(text);
        let told = match home.load() {
            Ok(settings) => {
                let it = settings.instances.values().next().unwrap();
                let rules = settings.rules(jiff::tz::TimeZone::UTC);
                let whose = rules.instances.values().next().unwrap();
                let hub = it.hub.as_ref().map(|it| it.access.server.to_string());
                let told = format!(
                    "bus {} hub {hub:?} login {:?} logs in {} guessed {}",
                    whose.bus,
                    it.hub.as_ref().map(|it| &it.access.login),
                    whose.logs_in,
                    whose.guessed
                );
                home.without_home(&told)
            }
            Err(error) => home.shown(&error),
        };
        expected.assert_eq(&told);
    };
    fs::write(home.path("home/alice.pem"), "").unwrap();
    fs::create_dir_all(home.path("etc/koji.conf.d")).unwrap();
    let profile =
        "[lab]\nserver = https://hub.example.org/kojihub\nauthtype = kerberos\nprincipal = mona@EXAMPLE.ORG\n";
    fs::write(home.path("etc/koji.conf.d/lab.conf"), profile).unwrap();
    let hub = "[instance.a]\nuser = 'mona'\n[instance.a.hub]\n";
    let server = format!("{hub}server = 'https://hub.example.org/kojihub'\n");
    check(
        &server,
        expect![[
            r#"bus false hub Some("https://hub.example.org/kojihub") login Some(Nothing) logs in false guessed false"#
        ]],
    );
    check(
        &format!("{hub}profile = 'lab'\nlogin = 'profile'\n"),
        expect![[
            r#"bus false hub Some("https://hub.example.org/kojihub") login Some(Kerberos { principal: Some("mona@EXAMPLE.ORG"), keytab: None }) logs in true guessed false"#
        ]],
    );
    check(
        &format!("{server}login = 'kerberos'\n"),
        expect![[
            r#"bus false hub Some("https://hub.example.org/kojihub") login Some(Kerberos { principal: None, keytab: None }) logs in true guessed false"#
        ]],
    );
    check(
        &format!("{server}login = 'certificate'\ncertificate = '~/alice.pem'\n"),
        expect![[
            r#"bus false hub Some("https://hub.example.org/kojihub") login Some(Certificate { file: "HOME/home/alice.pem" }) logs in true guessed false"#
        ]],
    );
    check(
        "[instance.a]\npreset = 'fedora'\nuser = 'mona'\nbroker.listen = false\n",
        expect![[
            r#"bus false hub Some("https://koji.fedoraproject.org/kojihub") login Some(Nothing) logs in false guessed false"#
        ]],
    );
    // What cannot be.
    check(
        &format!("{hub}ask = false\n"),
        expect![
            "HOME/config/koji-notify/config.toml:1:11: there is no broker and no hub: expected `preset`, `fedora-messaging`, `url` in the table `broker`, or `server` in the table `hub`"
        ],
    );
    check(
        "[instance.a]\nuser = 'mona'\nbroker.listen = false\n",
        expect![
            "HOME/config/koji-notify/config.toml:3:8: `listen`: without a broker there has to be a hub: expected `server` or `profile` in the table `hub`"
        ],
    );
    check(
        &format!("{server}login = 'password'\n"),
        expect![
            "HOME/config/koji-notify/config.toml:5:9: unknown variant `password`, expected one of `none`, `certificate`, `kerberos`, `profile`"
        ],
    );
    check(
        &format!("{server}login = 'profile'\n"),
        expect!["HOME/config/koji-notify/config.toml:5:1: `login`: expected `profile` beside it"],
    );
    check(
        &format!("{server}login = 'certificate'\n"),
        expect![
            "HOME/config/koji-notify/config.toml:5:1: `login`: expected `certificate` beside it: a PEM file with certificate and key"
        ],
    );
    check(
        &format!("{server}login = 'certificate'\ncertificate = '~/bob.pem'\n"),
        expect!["cannot read HOME/home/bob.pem: No such file or directory (os error 2)"],
    );
    check(
        &format!("{server}certificate = '~/alice.pem'\n"),
        expect![[
            r#"HOME/config/koji-notify/config.toml:5:1: `certificate`: expected `login = "certificate"` beside it"#
        ]],
    );
    check(
        &format!("{server}principal = 'mona@EXAMPLE.ORG'\n"),
        expect![[r#"HOME/config/koji-notify/config.toml:5:1: `principal`: expected `login = "kerberos"` beside it"#]],
    );
    check(
        &format!("{server}login = 'kerberos'\nkeytab = 'FILE:/x'\n"),
        expect!["HOME/config/koji-notify/config.toml:6:1: `keytab`: expected `principal` beside it"],
    );
    check(
        &format!("{hub}server = 'http://hub.example.org/kojihub'\nlogin = 'kerberos'\n"),
        expect![
            "HOME/config/koji-notify/config.toml:5:1: `login`: expected the hub's address to be https, as nobody logs in in clear"
        ],
    );
    fs::write(
        home.path("home/mine.conf"),
        "[mine]\nserver = https://mine.example.org/kojihub/\n",
    )
    .unwrap();
    check(
        &format!("{hub}profile = 'mine'\nkoji-config = '~/mine.conf'\n"),
        expect![[
            r#"bus false hub Some("https://mine.example.org/kojihub") login Some(Nothing) logs in false guessed false"#
        ]],
    );
    check(
        &format!("{server}koji-config = '~/mine.conf'\n"),
        expect!["HOME/config/koji-notify/config.toml:5:1: `koji-config`: expected `profile` beside it"],
    );
    check(
        &format!("{hub}profile = 'lub'\n"),
        expect!["HOME/config/koji-notify/config.toml:4:1: `profile`: there is no Koji profile [lub]; there are [lab]"],
    );
}

#[test]
fn three_lines_configure_fedora() {
    let home = Home::new();
    home.configure(THREE_LINES);
    let settings = home.load().unwrap();
    expect![[r#"
        fedora mona by Configuration
        site https://koji.fedoraproject.org/koji https://kojipkgs.fedoraproject.org
        broker rabbitmq.fedoraproject.org:5671 tls=true vhost="/public_pubsub" from HOME/etc/fedora-messaging/fedora.toml
        login External { certificate: "HOME/etc/fedora-messaging/fedora-cert.pem", key: "HOME/etc/fedora-messaging/fedora-key.pem" }
        trust Only("HOME/etc/fedora-messaging/cacert.pem")
        exchange amq.topic topics org.fedoraproject.prod instance primary allowed [] passive=false
        queue Named("QUEUE") durable=true auto_delete=false exclusive=false {"x-expires": Number(86400000)}
        prefetch 25 heartbeat None timeout 15s properties {}
    "#]]
    .assert_eq(&home.told(&settings));
    assert_eq!(settings.wanted, Wanted::default());
}

#[test]
fn an_archive_is_that_of_the_preset_or_the_one_that_is_told() {
    let home = Home::new();
    let check = |more: &str, expected: Option<&str>| {
        home.configure(&format!("{THREE_LINES}{more}"));
        let settings = home.load().unwrap();
        let it = settings.instances.values().next().unwrap();
        let archive = it.archive.as_ref().map(|it| it.address.to_string());
        assert_eq!(archive.as_deref(), expected);
        let rules = settings.rules(jiff::tz::TimeZone::UTC);
        let whose = rules.instances.values().next().unwrap();
        // Nobody reads again what nobody could have heard.
        assert_eq!(whose.archive, whose.bus && expected.is_some());
        assert!(!whose.deaf_to_builds);
    };
    let fedora = "https://apps.fedoraproject.org/datagrepper";
    check("", Some(fedora));
    check("[instance.fedora.broker]\nlisten = false\n", Some(fedora));
    check("datagrepper = ''\n", None);
    check(
        "datagrepper = 'https://apps.example.com/archive/'\n",
        Some("https://apps.example.com/archive"),
    );
    home.configure(&format!("{THREE_LINES}datagrepper = 'apps.example.com'\n"));
    let complaint = home.complaint();
    assert!(
        complaint.contains("toml:4:1: `datagrepper`: not an address")
            && complaint.ends_with("https://HOST/datagrepper"),
        "{complaint}"
    );
}

#[test]
fn without_a_file_it_is_fedora_and_so_says_the_sample() {
    let home = Home::new();
    fs::write(home.path("home/.fedora.upn"), "mona\n").unwrap();
    let without = home.load().unwrap();
    assert_eq!(
        without.instances.keys().map(InstanceName::as_str).collect::<Vec<_>>(),
        ["fedora"]
    );
    home.configure(SAMPLE);
    assert_eq!(home.load().unwrap(), without);
    home.configure("");
    assert_eq!(home.load().unwrap(), without);
    home.configure("[tell]\nstarted = true\n");
    let started = home.load().unwrap();
    assert_eq!(started.instances, without.instances);
    assert!(started.wanted.started);
}

#[test]
fn staging_has_its_own_addresses_and_file() {
    let home = Home::new();
    home.configure("[instance.stage]\npreset = 'fedora-stg'\nuser = ['mona', 'mona-bot']\npackages = ['bash']\n");
    let settings = home.load().unwrap();
    expect![[r#"
        stage mona, mona-bot by Configuration follows bash
        site https://koji.stg.fedoraproject.org/koji https://kojipkgs.stg.fedoraproject.org
        broker rabbitmq.stg.fedoraproject.org:5671 tls=true vhost="/public_pubsub" from HOME/etc/fedora-messaging/fedora.stg.toml
        login External { certificate: "HOME/etc/fedora-messaging/fedora.stg-cert.pem", key: "HOME/etc/fedora-messaging/fedora.stg-key.pem" }
        trust Only("HOME/etc/fedora-messaging/stg-cacert.pem")
        exchange amq.topic topics org.fedoraproject.stg instance primary allowed [] passive=false
        queue Named("QUEUE") durable=true auto_delete=false exclusive=false {"x-expires": Number(86400000)}
        prefetch 25 heartbeat None timeout 15s properties {}
    "#]]
    .assert_eq(&home.told(&settings));
}

#[test]
fn a_key_of_the_person_goes_before_the_preset() {
    let home = Home::new();
    home.configure(
        "[instance.a]\npreset = 'fedora'\nuser = 'mona'\nweburl = 'https://k.example.com/koji//'\n\
         topurl = 'http://f.example.com'\nkoji-instance = 's390'\ntopic-prefix = 'com.example'\nexchange = 'zmq.topic'\n\
         [instance.a.broker]\nqueue = 'server'\nprefetch = 7\nheartbeat = 60\n",
    );
    let settings = home.load().unwrap();
    expect![[r#"
        a mona by Configuration
        site https://k.example.com/koji http://f.example.com
        broker rabbitmq.fedoraproject.org:5671 tls=true vhost="/public_pubsub" from HOME/etc/fedora-messaging/fedora.toml
        login External { certificate: "HOME/etc/fedora-messaging/fedora-cert.pem", key: "HOME/etc/fedora-messaging/fedora-key.pem" }
        trust Only("HOME/etc/fedora-messaging/cacert.pem")
        exchange zmq.topic topics com.example instance s390 allowed [] passive=false
        queue ByServer durable=false auto_delete=true exclusive=true {}
        prefetch 7 heartbeat Some(60) timeout 15s properties {}
    "#]]
    .assert_eq(&home.told(&settings));
}

#[test]
fn a_broker_of_ones_own_with_a_password() {
    let home = Home::new();
    home.configure(
        "[instance.lab]\nuser = 'mona'\ntopic-prefix = 'org.example'\n\
         [instance.lab.broker]\nurl = 'amqps://Broker.example.com:5673/%2Fkoji'\nuser = 'm'\n\
         password-file = '~/secret'\nca-cert = 'ca.pem'\n",
    );
    fs::write(home.path("home/secret"), "p4ssw0rd\n").unwrap();
    fs::set_permissions(home.path("home/secret"), fs::Permissions::from_mode(0o400)).unwrap();
    fs::write(home.path("config/koji-notify/ca.pem"), "").unwrap();
    let settings = home.load().unwrap();
    expect![[r#"
        lab mona by Configuration
        site none none
        broker broker.example.com:5673 tls=true vhost="/koji" from HOME/config/koji-notify/config.toml
        login Plain { user: "m", password: File { path: "HOME/home/secret", found: (secret) } }
        trust Only("HOME/config/koji-notify/ca.pem")
        exchange amq.topic topics org.example instance primary allowed [] passive=false
        queue Named("QUEUE") durable=true auto_delete=false exclusive=false {"x-expires": Number(86400000)}
        prefetch 100 heartbeat None timeout 15s properties {}
    "#]]
    .assert_eq(&home.told(&settings));
    assert!(!format!("{settings:?}").contains("p4ssw0rd"));
    let Login::Plain { password, .. } = &settings
        .instances
        .values()
        .next()
        .unwrap()
        .broker
        .as_ref()
        .unwrap()
        .login
    else {
        panic!("not PLAIN");
    };
    assert_eq!(password.now().unwrap().reveal(), "p4ssw0rd");

    // A password that was corrected is the one that is said from then on, and another configuration when it is read.
    fs::remove_file(home.path("home/secret")).unwrap();
    assert!(password.now().unwrap_err().to_string().contains("cannot read"));
    fs::write(home.path("home/secret"), "s3cret\n").unwrap();
    fs::set_permissions(home.path("home/secret"), fs::Permissions::from_mode(0o604)).unwrap();
    assert!(password.now().unwrap_err().to_string().contains("others can read"));
    fs::set_permissions(home.path("home/secret"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(password.now().unwrap().reveal(), "s3cret");
    assert!(home.load().unwrap() != settings);
}

#[test]
fn a_bus_of_koji_s_own_is_described_by_its_dialect() {
    let home = Home::new();
    home.write_secret();
    let check = |more: &str, expected: Expect| {
        home.configure(&format!("[instance.a]\nuser = 'mona'\n{more}\n{OWN_BROKER}"));
        let told = match home.load() {
            Ok(settings) => {
                let it = settings.instances.values().next().unwrap();
                let broker = it.broker.as_ref().unwrap();
                let rules = settings.rules(jiff::tz::TimeZone::UTC);
                let whose = rules.instances.values().next().unwrap();
                assert!(whose.bus && !whose.deaf_to_builds && !whose.archive);
                assert_eq!(whose.every_task, broker.dialect.tells_of_every_task());
                format!("{:?} exchange {}", broker.dialect, broker.exchange)
            }
            Err(error) => home.shown(&error),
        };
        expected.assert_eq(&told.replace("HOME/config/koji-notify/config.toml:", ""));
    };
    check(
        "dialect = 'koji-protonmsg'",
        expect![[r#"KojiProtonmsg { prefix: "koji" } exchange amq.topic"#]],
    );
    check(
        "dialect = 'koji-protonmsg'\ntopic-prefix = 'VirtualTopic.eng.brew'\nexchange = 'bus'",
        expect![[r#"KojiProtonmsg { prefix: "VirtualTopic.eng.brew" } exchange bus"#]],
    );
    check(
        "dialect = 'koji-topic'",
        expect![[r#"KojiTopic { prefix: "koji.event" } exchange koji.events"#]],
    );
    check("dialect = 'koji-headers'", expect!["KojiHeaders exchange koji.events"]);
    check(
        "dialect = 'fedora-messaging'\ntopic-prefix = 'x'",
        expect![[r#"FedoraMessaging { topic_prefix: "x", koji_instance: "primary" } exchange amq.topic"#]],
    );
    // What cannot be.
    check(
        "dialect = 'qpid'",
        expect![
            "3:11: unknown variant `qpid`, expected one of `fedora-messaging`, `koji-topic`, `koji-headers`, `koji-protonmsg`"
        ],
    );
    check(
        "dialect = 'koji-protonmsg'\ntopic-prefix = '/topic/koji'",
        expect![[
            r#"4:1: `topic-prefix`: expected what stands before the event in the routing keys, such as "koji": words with dots between them, without `/topic/` and the like"#
        ]],
    );
    check(
        "dialect = 'koji-topic'\ntopic-prefix = 'koji.*'",
        expect![[
            r#"4:1: `topic-prefix`: expected what stands before the event in the routing keys, such as "koji.event": words with dots between them, without `/topic/` and the like"#
        ]],
    );
    check(
        "dialect = 'koji-headers'\ntopic-prefix = 'koji'",
        expect![[
            r#"4:1: `topic-prefix`: a headers exchange has no topics: leave this out where `dialect` is "koji-headers""#
        ]],
    );
    check(
        "dialect = 'koji-topic'\nkoji-instance = 'primary'",
        expect![[r#"4:1: `koji-instance`: this is of Fedora Messaging: leave it out where `dialect` is "koji-topic""#]],
    );
    check(
        "dialect = 'koji-topic'\ndatagrepper = 'https://h/datagrepper'",
        expect![[r#"4:1: `datagrepper`: this is of Fedora Messaging: leave it out where `dialect` is "koji-topic""#]],
    );
    check(
        "dialect = 'koji-topic'\nfedora-messaging = 'fm.toml'",
        expect![[
            r#"4:1: `fedora-messaging`: this is of Fedora Messaging: leave it out where `dialect` is "koji-topic""#
        ]],
    );
    check(
        "dialect = 'koji-topic'\npreset = 'fedora'",
        expect![[r#"4:1: `preset`: this is of Fedora Messaging: leave it out where `dialect` is "koji-topic""#]],
    );
    home.configure("[instance.a]\nuser = 'mona'\ndialect = 'koji-topic'\nhub.server = 'https://h/kojihub'\n");
    expect![[r#"HOME/config/koji-notify/config.toml:3:1: `dialect`: where it is "koji-topic", expected `url` in the table `broker`"#]].assert_eq(&home.complaint());
}

#[test]
fn a_broker_of_amqp_one_is_described_by_its_addresses() {
    let home = Home::new();
    home.write_secret();
    let check = |instance: &str, broker: &str, expected: Expect| {
        home.configure(&format!(
            "[instance.a]\nuser = 'mona'\n{instance}\n[instance.a.broker]\nprotocol = 'amqp-1.0'\n{broker}\n"
        ));
        let told = match home.load() {
            Ok(settings) => {
                let it = settings.instances.values().next().unwrap();
                assert!(it.broker.is_none());
                let rules = settings.rules(jiff::tz::TimeZone::UTC);
                let whose = rules.instances.values().next().unwrap();
                assert!(whose.bus && whose.every_task && !whose.deaf_to_builds && !whose.archive);
                let one = it.one.as_ref().unwrap();
                let doors: Vec<String> = one.doors.iter().map(ToString::to_string).collect();
                let login = match &one.login {
                    None => "nobody",
                    Some(Login::Plain { user, .. }) => user,
                    Some(Login::External { .. }) => "the certificate",
                };
                let selects = if one.selector { "selects" } else { "takes all" };
                let (prefix, from) = (&one.topic_prefix, one.addresses.join(" "));
                format!("{} as {login} {selects} of {from}, prefix {prefix:?}", doors.join(" "))
            }
            Err(error) => home.shown(&error),
        };
        expected.assert_eq(&told.replace("HOME/config/koji-notify/config.toml:", ""));
    };
    let topic = "addresses = ['topic://VirtualTopic.eng.brew.>']";
    check(
        "",
        &format!("url = 'amqps://h'\n{topic}"),
        expect![[r#"h:5671 as nobody takes all of topic://VirtualTopic.eng.brew.>, prefix """#]],
    );
    check(
        "dialect = 'koji-protonmsg'\ntopic-prefix = 'topic://VirtualTopic.eng.brew'",
        &format!(
            "urls = ['amqp://one', 'amqp://two:5673']\nuser = 'm'\npassword-file = '~/secret'\nselector = true\n{topic}"
        ),
        expect![[
            r#"one:5672 two:5673 as m selects of topic://VirtualTopic.eng.brew.>, prefix "topic://VirtualTopic.eng.brew""#
        ]],
    );
    // What cannot be.
    check(
        "",
        "url = 'amqps://h'",
        expect![[
            r#"4:13: `addresses`: expected what is read, in the broker's own words, such as ["topic://VirtualTopic.eng.brew.>"]: 1 to 16 of them"#
        ]],
    );
    check(
        "",
        "url = 'amqps://h'\naddresses = []",
        expect![[
            r#"7:1: `addresses`: expected what is read, in the broker's own words, such as ["topic://VirtualTopic.eng.brew.>"]: 1 to 16 of them"#
        ]],
    );
    check(
        "",
        topic,
        expect!["4:13: there is no `url`: expected where the broker is"],
    );
    check(
        "",
        &format!("url = 'amqps://h'\nurls = ['amqps://i']\n{topic}"),
        expect!["7:1: `urls`: expected either this or `url`"],
    );
    check(
        "",
        &format!("urls = []\n{topic}"),
        expect!["6:1: `urls`: expected 1 to 16 addresses of one broker"],
    );
    check(
        "",
        &format!("url = 'amqps://m:s3cret@h'\n{topic}"),
        expect!["6:1: `url`: no user and no password in here: expected them in `user` and `password-file`"],
    );
    check(
        "",
        &format!("url = 'amqps://h'\nqueue = 'own'\n{topic}"),
        expect![[r#"7:1: `queue`: leave this out where `protocol` is "amqp-1.0": `addresses` says what is read"#]],
    );
    check(
        "",
        &format!("url = 'amqp://h'\ncertificate = 'c'\nkey = 'k'\n{topic}"),
        expect!["7:1: `certificate`: expected an amqps address in `url`, as amqp has no TLS"],
    );
    check(
        "dialect = 'koji-topic'",
        &format!("url = 'amqps://h'\n{topic}"),
        expect![[
            r#"3:1: `dialect`: only the messages of Koji's own plugins come by AMQP 1.0: expected "koji-protonmsg""#
        ]],
    );
    check(
        "preset = 'fedora'",
        &format!("url = 'amqps://h'\n{topic}"),
        expect![[r#"3:1: `preset`: leave this out where `protocol` is "amqp-1.0""#]],
    );
    check(
        "topic-prefix = 'koji.>'",
        &format!("url = 'amqps://h'\n{topic}"),
        expect![[
            r#"3:1: `topic-prefix`: expected the `topic_prefix` of protonmsg.conf, such as "topic://VirtualTopic.eng.brew""#
        ]],
    );
    home.configure(&format!(
        "[instance.a]\nuser = 'mona'\n[instance.a.broker]\nurl = 'amqps://h'\n{topic}\n"
    ));
    expect![[r#"HOME/config/koji-notify/config.toml:5:1: `addresses`: expected `protocol = "amqp-1.0"` beside it"#]]
        .assert_eq(&home.complaint());
}

#[test]
fn a_password_that_others_can_read_is_refused_and_not_shown() {
    let home = Home::new();
    let broker =
        "[instance.a]\nuser = 'mona'\ntopic-prefix = 'x'\n[instance.a.broker]\nurl = 'amqps://h/'\nuser = 'm'\n";
    home.configure(&format!("{broker}password-file = 'password'\n"));
    let file = home.path("config/koji-notify/password");
    let check = |text: &str, mode: u32, expected: Expect| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        expected.assert_eq(&home.complaint());
        fs::remove_file(&file).unwrap();
    };
    let first = expect![[
        r#"HOME/config/koji-notify/config.toml:7:1: `password-file`: cannot read HOME/config/koji-notify/password: No such file or directory (os error 2)"#
    ]];
    first.assert_eq(&home.complaint());
    check(
        "p4ssw0rd",
        0o640,
        expect![[
            r#"HOME/config/koji-notify/config.toml:7:1: `password-file`: others can read HOME/config/koji-notify/password (mode 0640): expected 0600 or 0400; chmod 600 HOME/config/koji-notify/password"#
        ]],
    );
    check(
        "p4ssw0rd\nsecond\n",
        0o600,
        expect![[
            r#"HOME/config/koji-notify/config.toml:7:1: `password-file`: expected the password in the only line of HOME/config/koji-notify/password"#
        ]],
    );
    check(
        "\n",
        0o600,
        expect![[
            r#"HOME/config/koji-notify/config.toml:7:1: `password-file`: expected the password in the only line of HOME/config/koji-notify/password"#
        ]],
    );
}

#[test]
fn a_password_and_an_address_in_clear_are_read_without_a_word() {
    // Whether it may go out is for the line to decide, which speaks in clear to this very machine only.
    let home = Home::new();
    home.configure(
        "[instance.a]\nuser = 'mona'\ntopic-prefix = 'x'\n[instance.a.broker]\nurl = 'amqp://localhost/'\n\
         user = 'm'\npassword-file = '~/secret'\n",
    );
    fs::write(home.path("home/secret"), "p4ssw0rd\n").unwrap();
    fs::set_permissions(home.path("home/secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let log = Arc::new(File::create(home.path("log")).unwrap());
    let listener = tracing_subscriber::fmt().with_writer(log).finish();
    tracing::subscriber::with_default(listener, || home.load().unwrap());
    assert_eq!(fs::read_to_string(home.path("log")).unwrap(), "");
}

#[test]
fn each_mistake_has_its_line_and_what_was_expected() {
    let home = Home::new();
    let check = |text: &str, expected: Expect| {
        home.configure(text);
        let told = home.complaint();
        expected.assert_eq(
            told.strip_prefix("HOME/config/koji-notify/config.toml:")
                .unwrap_or(&told),
        );
    };
    check(
        "# a\n[tell]\nstaretd = true\n",
        expect![
            "3:1: unknown field `staretd`, expected one of `started`, `finished`, `failed`, `canceled`, `scratch`, `tagged`, `in-repo`, `followed`, `keep-failures`, `sound`"
        ],
    );
    check(
        "[tell]\nstarted = 'yes'\n",
        expect!["2:11: invalid type: string, expected a boolean"],
    );
    check(
        "tell = 5\n",
        expect!["1:8: invalid type: integer `5`, expected struct Tell"],
    );
    check(
        "[tell]\nstarted = \n",
        expect!["2:11: string values must be quoted, expected literal string"],
    );
    check("[tell]\na = 1\na = 1\n", expect!["3:1: duplicate key"]);
    check(
        "[tel]\n",
        expect!["1:2: unknown field `tel`, expected one of `tell`, `quiet`, `hooks`, `dbus`, `instance`"],
    );
    check(
        "[quiet]\nlocked = true\nhours = ['22-7']\n",
        expect![
            "no user name is known for the instance fedora: set `user` under [instance.fedora] in HOME/config/koji-notify/config.toml, or get a Kerberos ticket (kinit NAME@FEDORAPROJECT.ORG), or log in with a certificate of your own, or write the name into ~/.fedora.upn"
        ],
    );
    check(
        "[instance.a]\npreset = 'fedroa'\n",
        expect!["2:10: unknown variant `fedroa`, expected `fedora` or `fedora-stg`"],
    );
    check(
        "[instance.a]\npreset = 'fedora'\nuser = 5\n",
        expect!["3:8: invalid type: integer `5`, expected a name or a list of names"],
    );
    check(
        "[instance.a]\npreset = 'fedora'\nuser = []\n",
        expect!["3:1: `user`: expected a user name or a list of user names"],
    );
    check(
        "[instance.a]\npreset = 'fedora'\nuser = ['mona', '']\n",
        expect!["3:1: `user`: expected a user name or a list of user names"],
    );
    check(
        "[instance.a]\npreset = 'fedora'\npackages = ['bash fish']\n",
        expect!["3:1: `packages`: expected names of packages"],
    );
    check(
        "[instance.a]\nuser = 'mona'\n",
        expect![
            "1:11: there is no broker and no hub: expected `preset`, `fedora-messaging`, `url` in the table `broker`, or `server` in the table `hub`"
        ],
    );
    check(
        "[instance.'../a']\npreset = 'fedora'\n",
        expect!["1:11: the name of an instance: expected 1 to 64 letters, digits, `-`, `_` or `.`, and no `.` first"],
    );
    let fedora = "[instance.a]\npreset = 'fedora'\nuser = 'mona'\n";
    check(
        &format!("{fedora}weburl = 'ftp://h/'\n"),
        expect!["4:1: `weburl`: this is not the address of a web page: expected https://HOST/PATH"],
    );
    check(
        &format!("{fedora}topurl = 'h/files'\n"),
        expect!["4:1: `topurl`: this is not an address (relative URL without a base): expected https://HOST/PATH"],
    );
    check(
        &format!("{fedora}weburl = 'https://m:p4ssw0rd@h/'\n"),
        expect!["4:1: `weburl`: no user and no password can be in here: expected https://HOST/PATH"],
    );
    check(
        &format!("{fedora}weburl = 'https://h/?a=1'\n"),
        expect!["4:1: `weburl`: nothing can stand behind the path: expected https://HOST/PATH"],
    );
    check(
        &format!("{fedora}topic-prefix = ''\n"),
        expect![[r#"4:1: `topic-prefix`: expected words with dots between them, such as "org.fedoraproject.prod""#]],
    );
    check(
        &format!("{fedora}topic-prefix = 'a.#'\n"),
        expect![[r#"4:1: `topic-prefix`: expected words with dots between them, such as "org.fedoraproject.prod""#]],
    );
    check(
        &format!("{fedora}koji-instance = ''\n"),
        expect![[r#"4:1: `koji-instance`: expected the value of `instance` in the messages, such as "primary""#]],
    );
    check(
        &format!("{fedora}fedora-messaging = 'none.toml'\n"),
        expect!["4:1: `fedora-messaging`: HOME/config/koji-notify/none.toml is not there"],
    );
    check(
        &format!("{fedora}broker.prefetch = 0\n"),
        expect!["4:8: `prefetch`: expected a whole number, 1 to 1000"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nheartbeat = -1\n"),
        expect!["5:1: `heartbeat`: expected seconds, 0 to 65535"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nqueue = 'mine'\n"),
        expect!["5:9: unknown variant `mine`, expected `own` or `server`"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nca-cert = 'x'\n"),
        expect!["5:1: `ca-cert`: expected `url` beside it; else the fedora-messaging file says how to log in"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'https://h/'\n"),
        expect![[
            r#"5:1: `url`: this is not the address of a broker: expected amqps://HOST/VHOST or amqp://HOST/VHOST"#
        ]],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'amqps://m:p4ssw0rd@h/'\n"),
        expect!["5:1: `url`: no user and no password in here: expected them in `user` and `password-file`"],
    );
    check(
        &format!("{fedora}fedora-messaging = 'x'\n[instance.a.broker]\nurl = 'amqps://h/'\n"),
        expect!["6:1: `url`: the broker is already told by `fedora-messaging`"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'amqps://h/?heartbeat=5'\n"),
        expect!["5:1: `url`: expected nothing behind the path; see `heartbeat` and `prefetch`"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'amqps://h/'\n"),
        expect!["4:13: there is no login: expected `certificate` and `key`, or `user` and `password-file`"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'amqps://h/'\ncertificate = 'c'\n"),
        expect!["6:1: `certificate`: expected `key` beside it"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'amqps://h/'\ncertificate = 'c'\nkey = 'k'\nuser = 'm'\n"),
        expect!["8:1: `user`: there is a certificate to log in with already: expected one login"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'amqps://h/'\nuser = 'm'\n"),
        expect!["6:1: `user`: expected `password-file` beside it"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'amqp://h/'\ncertificate = 'c'\nkey = 'k'\n"),
        expect!["6:1: `certificate`: expected an amqps address in `url`, as amqp has no TLS"],
    );
    check(
        &format!("{fedora}[instance.a.broker]\nurl = 'amqps://h/'\ncertificate = 'c'\nkey = 'k'\n"),
        expect!["6:1: `certificate`: cannot read HOME/config/koji-notify/c: No such file or directory (os error 2)"],
    );
    check(
        "[instance.a]\nuser = 'mona'\nbroker = { url = 'amqps://h/' }\n",
        expect!["3:1: there is no login: expected `certificate` and `key`, or `user` and `password-file`"],
    );
    fs::write(home.path("config/koji-notify/secret"), "x").unwrap();
    fs::set_permissions(
        home.path("config/koji-notify/secret"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    check(
        "[instance.a]\nuser = 'mona'\n[instance.a.broker]\nurl = 'amqps://h/'\nuser = 'm'\npassword-file = 'secret'\n",
        expect![[
            r#"1:11: there is no `topic-prefix`: expected what stands before `.buildsys.` in the topics, such as "org.fedoraproject.prod""#
        ]],
    );
    fs::write(home.config_file(), b"# ok\n# \xff\n").unwrap();
    expect!["HOME/config/koji-notify/config.toml:2:3: this is not UTF-8 text"].assert_eq(&home.complaint());
}

#[test]
fn a_file_that_cannot_be_a_configuration_is_not_read() {
    let home = Home::new();
    fs::create_dir_all(home.config_file()).unwrap();
    expect!["cannot read HOME/config/koji-notify/config.toml: it is not a regular file"].assert_eq(&home.complaint());
    fs::remove_dir(home.config_file()).unwrap();
    home.configure(&"#".repeat(1024 * 1024 + 1));
    expect!["cannot read HOME/config/koji-notify/config.toml: it is larger than 1 MiB"].assert_eq(&home.complaint());
}

#[test]
fn a_preset_without_its_package_says_what_to_install() {
    let home = Home::new();
    home.configure(THREE_LINES);
    fs::remove_dir_all(home.path("etc/fedora-messaging")).unwrap();
    expect!["HOME/etc/fedora-messaging/fedora.toml is not there, and the broker's address and certificates are in it: on Fedora, `sudo dnf install fedora-messaging`; elsewhere, copy the folder `configs` of https://github.com/fedora-infra/fedora-messaging to HOME/etc/fedora-messaging"]
        .assert_eq(&home.complaint());
}

#[test]
fn a_fedora_messaging_file_is_read_as_the_library_reads_it() {
    let home = Home::new();
    let check = |text: &str, expected: Expect| {
        home.configure_existing(text);
        let told = home.load().map(|it| home.told(&it));
        let told = told.unwrap_or_else(|it| home.shown(&it));
        // The login, the bindings and the queue are what these files are about.
        let lines = told.lines().skip(if told.contains('\n') { 2 } else { 0 });
        let told: String = lines.map(|it| format!("{it}\n")).collect();
        expected.assert_eq(told.strip_prefix("HOME/config/koji-notify/fm/").unwrap_or(&told));
    };
    // Nothing set: a broker on this computer, guest, and a queue of ours instead of one for each connection.
    check(
        "",
        expect![[r#"
            broker localhost:5672 tls=false vhost="/" from HOME/config/koji-notify/fm/fm.toml
            login Plain { user: "guest", password: Known((secret)) }
            trust System
            exchange amq.topic topics org.example instance primary allowed [] passive=false
            queue Named("QUEUE") durable=true auto_delete=false exclusive=false {"x-expires": Number(86400000)}
            prefetch 10 heartbeat None timeout 15s properties {}
        "#]],
    );
    check(
        "AMQP_URL = 'amqps://m%40x:p4ssw0rd@h:1/%2Fpubsub?heartbeat=20&connection_attempts=3&stack_timeout=3.5'\n\
         callback = 'a:b'\ntopic_prefix = 'ignored'\npublish_exchange = 'x'\npassive_declares = true\n\
         [tls]\nca_cert = 'ca.pem'\nkeyfile = ''\ncertfile = ''\n\
         [client_properties]\napp = 'ours'\nversion = 'x'\nmails = ['a@b', 'c@d']\nodd = 1.5\nn = 3\n\
         [exchanges.'amq.topic']\ntype = 'topic'\n\
         [queues.mine]\ndurable = true\nauto_delete = false\nexclusive = false\n\
         [queues.mine.arguments]\nx-max-length = 5\nx-queue-type = 'quorum'\nx-single-active-consumer = true\n\
         [[bindings]]\nqueue = 'mine'\nexchange = 'koji'\nrouting_keys = ['a.#', 'b']\n\
         [[bindings]]\nqueue = 'mine'\nexchange = 'other'\nrouting_keys = ['c']\n\
         [[bindings]]\nqueue = 'another'\nexchange = 'koji'\nrouting_keys = ['#']\n\
         [[bindings]]\nexchange = 'koji'\nrouting_keys = ['d']\n\
         [qos]\nprefetch_size = 0\nprefetch_count = 5000\n\
         [consumer_config]\nx = 1\n[log_config]\nversion = 1\n[monitoring]\nport = 1\n",
        expect![[r#"
            broker h:1 tls=true vhost="/pubsub" from HOME/config/koji-notify/fm/fm.toml
            login Plain { user: "m@x", password: Known((secret)) }
            trust Only("HOME/config/koji-notify/fm/ca.pem")
            exchange koji topics org.example instance primary allowed ["a.#", "b", "d"] passive=true
            queue Named("mine") durable=true auto_delete=false exclusive=false {"x-max-length": Number(5), "x-queue-type": Text("quorum"), "x-single-active-consumer": Switch(true)}
            prefetch 1000 heartbeat Some(20) timeout 3.5s properties {"app": "ours", "mails": "a@b, c@d", "n": "3"}
        "#]],
    );
    // EXTERNAL exactly when both are set and the line is TLS.
    let tls = "[tls]\ncertfile = 'ca.pem'\nkeyfile = 'ca.pem'\n";
    check(
        &format!(
            "amqp_url = 'amqp://h/'\n{tls}[queues.'']\ndurable = false\nauto_delete = true\nexclusive = true\narguments = {{}}\n[qos]\nprefetch_count = 0\n"
        ),
        expect![[r#"
            broker h:5672 tls=false vhost="/" from HOME/config/koji-notify/fm/fm.toml
            login Plain { user: "guest", password: Known((secret)) }
            trust System
            exchange amq.topic topics org.example instance primary allowed [] passive=false
            queue ByServer durable=false auto_delete=true exclusive=true {}
            prefetch 1000 heartbeat None timeout 15s properties {}
        "#]],
    );
    check(
        &format!("amqp_url = 'amqps://u:p@h/'\nqueues = {{}}\nbindings = []\n{tls}"),
        expect![[r#"
            broker h:5671 tls=true vhost="/" from HOME/config/koji-notify/fm/fm.toml
            login External { certificate: "HOME/config/koji-notify/fm/ca.pem", key: "HOME/config/koji-notify/fm/ca.pem" }
            trust System
            exchange amq.topic topics org.example instance primary allowed [] passive=false
            queue Named("QUEUE") durable=true auto_delete=false exclusive=false {"x-expires": Number(86400000)}
            prefetch 10 heartbeat None timeout 15s properties {}
        "#]],
    );
    check(
        "Colour = 1\n",
        expect![[r#"
            fm.toml:1:1: unknown key `Colour`, expected one of `amqp_url`, `bindings`, `callback`, `client_properties`, `consumer_config`, `exchanges`, `log_config`, `monitoring`, `passive_declares`, `publish_exchange`, `publish_priority`, `qos`, `queues`, `tls`, `topic_prefix`
        "#]],
    );
    check(
        "\nAmqp_Url = 'http://u:p4ssw0rd@h'\n",
        expect![[r#"
            fm.toml:2:12: this is not the address of a broker: expected amqps://HOST/VHOST or amqp://HOST/VHOST
        "#]],
    );
    check(
        "tls = 'amqps://u:p4ssw0rd@h'\n",
        expect![[r#"
            fm.toml:1:7: invalid type: string, expected struct Tls
        "#]],
    );
    check(
        "amqp_url = 'amqps://u:p4ssw0rd@h\n",
        expect![[r#"
            fm.toml:1:33: invalid literal string, expected `'`
        "#]],
    );
    check(
        "amqp_url = 'amqps://h/'\n[tls]\nca_cert = 'missing.pem'\n",
        expect![[r#"
            fm.toml:3:1: `ca_cert`: cannot read HOME/config/koji-notify/fm/missing.pem: No such file or directory (os error 2)
        "#]],
    );
    check(
        "passive_declares = true\n",
        expect![[r#"
            fm.toml:1:1: `passive_declares`: the queue has to be there already: expected its name in `queues`
        "#]],
    );
    check(
        "[queues.a]\ndurable = true\n",
        expect![[r#"
            fm.toml:1:1: missing field `auto_delete`
        "#]],
    );
    check(
        "[queues.a]\ndurable = true\nauto_delete = true\nexclusive = true\narguments = { x = 1.5 }\n",
        expect![[r#"
            fm.toml:5:15: the argument `x` of a queue: expected a text, a whole number or a boolean
        "#]],
    );
    check(
        "[qos]\nprefetch_count = -1\n",
        expect![[r#"
            fm.toml:2:1: `prefetch_count`: expected a whole number, 0 to 65535
        "#]],
    );
    check(
        "[[bindings]]\nexchange = 'x'\n",
        expect![[r#"
            fm.toml:1:1: missing field `routing_keys`
        "#]],
    );
}

#[test]
fn a_queue_that_the_site_names_is_not_another_one() {
    let home = Home::new();
    home.configure_existing("[queues.a]\ndurable = true\nauto_delete = true\nexclusive = true\narguments = {}\n");
    let text = fs::read_to_string(home.config_file()).unwrap();
    home.configure(&format!("{text}[instance.site.broker]\nqueue = 'own'\n"));
    expect![[
        r#"HOME/config/koji-notify/config.toml:6:1: `queue`: the fedora-messaging file names the queue "a": leave this out"#
    ]]
    .assert_eq(&home.complaint());
}

#[test]
fn the_name_of_the_queue_is_kept_for_each_instance() {
    let home = Home::new();
    home.configure(&format!(
        "{THREE_LINES}[instance.b]\npreset = 'fedora-stg'\nuser = 'mona'\n"
    ));
    let first = home.load().unwrap();
    assert_eq!(home.load().unwrap(), first);
    let names = home.queue_names(&first);
    assert_ne!(names[0], names[1]);
    for (name, instance) in names.iter().zip(["b", "fedora"]) {
        assert_eq!(uuid::Uuid::try_parse(name).unwrap().get_version_num(), 4);
        let file = home.path(&format!("state/koji-notify/queue-{instance}"));
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{name}\n"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_is_no_queue_name_is_set_aside() {
    let odd = [
        "",
        "x",
        "00000000-0000-0000-0000-000000000000\n",
        "6BA7B810-9DAD-11D1-80B4-00C04FD430C8\n",
        "\u{0}",
    ];
    for text in odd {
        let home = Home::new();
        home.configure(THREE_LINES);
        fs::create_dir_all(home.path("state/koji-notify")).unwrap();
        fs::write(home.path("state/koji-notify/queue-fedora"), text).unwrap();
        let settings = home.load().unwrap();
        assert_eq!(home.load().unwrap(), settings, "{text:?}");
        let mut files: Vec<String> = fs::read_dir(home.path("state/koji-notify"))
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files.len(), 2, "{files:?}");
        assert!(files[1].starts_with("queue-fedora.broken-2"), "{files:?}");
        assert_eq!(
            fs::read_to_string(home.path("state/koji-notify").join(&files[1])).unwrap(),
            text
        );
    }
}

#[test]
fn two_at_once_agree_on_the_queue() {
    for _ in 0..20 {
        let home = Home::new();
        home.configure(THREE_LINES);
        let load = || home.queue_names(&home.load().unwrap());
        let (one, other) = std::thread::scope(|it| {
            let one = it.spawn(load);
            let other = it.spawn(load);
            (one.join().unwrap(), other.join().unwrap())
        });
        assert_eq!(one, other);
    }
}

#[test]
fn a_toggle_changes_one_value_and_keeps_the_rest() {
    let home = Home::new();
    let check = |before: &str, toggle: Toggle, on: bool, expected: Expect| {
        home.configure(before);
        edit::switch(&home.places, toggle, on).unwrap();
        expected.assert_eq(&fs::read_to_string(home.config_file()).unwrap());
    };
    check(
        "# mine\n[tell]   # what\n  started = false   # not yet\n# end\n\n[instance.fedora] # F\npreset = 'fedora'\n",
        Toggle::Started,
        true,
        expect![[r#"
            # mine
            [tell]   # what
              started = true   # not yet
            # end

            [instance.fedora] # F
            preset = 'fedora'
        "#]],
    );
    check(
        "# mine\n[instance.fedora]\npreset = 'fedora' # x\n# end\n",
        Toggle::Sound,
        true,
        expect![[r#"
            # mine
            [instance.fedora]
            preset = 'fedora' # x
            # end

            [tell]
            sound = true
        "#]],
    );
    check(
        "tell = { started = false, sound = true } # one line\n",
        Toggle::Failed,
        false,
        expect![[r#"
            tell = { started = false, sound = true, failed = false } # one line
        "#]],
    );
    check(
        "tell.sound = false # dotted\n[instance.fedora]\npreset = 'fedora'\n",
        Toggle::Failed,
        false,
        expect![[r#"
            tell.sound = false # dotted
            tell.failed = false
            [instance.fedora]
            preset = 'fedora'
        "#]],
    );
    check(
        "# only a comment",
        Toggle::Tagged,
        true,
        expect![[r#"
            # only a comment

            [tell]
            tagged = true
        "#]],
    );
    check(
        "tell = {}\n",
        Toggle::Tagged,
        true,
        expect![[r#"
            tell = { tagged = true }
        "#]],
    );
    check("", Toggle::Tagged, true, expect!["[tell]\ntagged = true\n"]);
    check(
        "[tell]\r\n# one\r\nsound = false\r\n",
        Toggle::Sound,
        true,
        expect!["[tell]\r\n# one\r\nsound = true\r\n"],
    );
}

#[test]
fn a_toggle_makes_the_file_it_needs() {
    let home = Home::new();
    edit::switch(&home.places, Toggle::Started, true).unwrap();
    // It is the sample with one line changed or added, so that the other options are there to be found.
    let sample = include_str!("../../data/config.toml");
    let made = fs::read_to_string(home.config_file()).unwrap();
    let new: Vec<&str> = made
        .lines()
        .filter(|it| !sample.lines().any(|old| old == *it))
        .collect();
    assert_eq!(new, ["started = true"]);
    assert!(made.lines().count() >= sample.lines().count());
    assert_eq!(
        fs::metadata(home.path("config/koji-notify"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
}

#[test]
fn a_file_that_cannot_be_understood_is_left_alone() {
    let home = Home::new();
    for text in ["[tell\n", "[tell]\nstaretd = true\n", "tell = 1\n"] {
        home.configure(text);
        let refused = edit::switch(&home.places, Toggle::Started, true).unwrap_err();
        assert!(matches!(refused, ConfigError::Wrong { .. }), "{refused}");
        assert_eq!(fs::read_to_string(home.config_file()).unwrap(), text);
    }
}

#[test]
fn a_toggle_follows_a_link_and_keeps_the_mode() {
    let home = Home::new();
    let target = home.path("dotfiles.toml");
    fs::write(&target, "# linked\n").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir_all(home.path("config/koji-notify")).unwrap();
    symlink("../../dotfiles.toml", home.config_file()).unwrap();
    edit::switch(&home.places, Toggle::Started, true).unwrap();
    assert!(fs::symlink_metadata(home.config_file()).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().starts_with("# linked\n"));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    // A link to nothing stays what it is.
    fs::remove_file(&target).unwrap();
    let refused = edit::switch(&home.places, Toggle::Started, true).unwrap_err();
    assert!(matches!(refused, ConfigError::Unwritable { .. }), "{refused}");
    assert!(!target.exists());
}

#[test]
fn an_editor_gets_the_sample_and_never_loses_what_is_there() {
    let home = Home::new();
    let file = edit::file_to_edit(&home.places).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), SAMPLE);
    home.configure("# mine\n");
    assert_eq!(edit::file_to_edit(&home.places).unwrap(), file);
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
}

#[tokio::test]
async fn each_way_to_change_the_file_is_noticed() {
    let home = Home::new();
    let mut watcher = Watcher::new(&home.places).unwrap();
    let file = home.config_file();
    fs::write(&file, "").unwrap();
    noticed(&mut watcher, "made").await;
    fs::write(&file, "# in place\n").unwrap();
    noticed(&mut watcher, "written in place").await;
    fs::write(home.path("config/koji-notify/new"), "# moved\n").unwrap();
    fs::rename(home.path("config/koji-notify/new"), &file).unwrap();
    noticed(&mut watcher, "replaced").await;
    edit::switch(&home.places, Toggle::Started, true).unwrap();
    noticed(&mut watcher, "switched").await;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    noticed(&mut watcher, "made readable").await;
    fs::remove_file(&file).unwrap();
    noticed(&mut watcher, "removed").await;
    symlink("/dev/null", &file).unwrap();
    noticed(&mut watcher, "linked").await;
    fs::remove_file(&file).unwrap();
    noticed(&mut watcher, "the link removed").await;
    fs::remove_dir(home.path("config/koji-notify")).unwrap();
    noticed(&mut watcher, "the folder removed").await;
    home.configure("# again\n");
    noticed(&mut watcher, "made again").await;
    quiet(&mut watcher).await;
}

#[tokio::test]
async fn an_editor_that_moves_the_old_file_away_first_is_one_change() {
    let home = Home::new();
    home.configure("# old\n");
    let mut watcher = Watcher::new(&home.places).unwrap();
    let file = home.config_file();
    fs::rename(&file, home.path("config/koji-notify/config.toml~")).unwrap();
    {
        let changed = watcher.changed();
        tokio::pin!(changed);
        // It is not reported while nothing is there ...
        tokio::select! {
            biased;
            () = &mut changed => panic!("reported without a file"),
            () = async { for _ in 0..50 { tokio::task::yield_now().await } } => {}
        }
        fs::write(&file, "# new\n").unwrap();
        tokio::time::timeout(LONG, changed)
            .await
            .expect("the new file was noticed");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "# new\n");
    quiet(&mut watcher).await;
}

#[tokio::test]
async fn a_linked_file_is_noticed_at_both_ends() {
    let home = Home::new();
    for folder in ["config/koji-notify", "dotfiles", "other"] {
        fs::create_dir_all(home.path(folder)).unwrap();
    }
    fs::write(home.path("dotfiles/koji.toml"), "# 1\n").unwrap();
    symlink(home.path("dotfiles/koji.toml"), home.config_file()).unwrap();
    let mut watcher = Watcher::new(&home.places).unwrap();
    fs::write(home.path("dotfiles/koji.toml"), "# 2\n").unwrap();
    noticed(&mut watcher, "the target written").await;
    fs::write(home.path("dotfiles/another"), "").unwrap();
    quiet(&mut watcher).await;
    // The link is replaced as `ln -sf` does it; then it is the new target that counts.
    fs::write(home.path("other/koji.toml"), "# 3\n").unwrap();
    fs::remove_file(home.config_file()).unwrap();
    symlink("../../other/koji.toml", home.config_file()).unwrap();
    noticed(&mut watcher, "linked anew").await;
    fs::write(home.path("dotfiles/koji.toml"), "# 4\n").unwrap();
    quiet(&mut watcher).await;
    fs::write(home.path("other/koji.toml"), "# 5\n").unwrap();
    noticed(&mut watcher, "the new target written").await;
}

#[tokio::test]
async fn what_is_beside_the_file_is_nobodys_business() {
    let home = Home::new();
    home.configure("");
    let mut watcher = Watcher::new(&home.places).unwrap();
    fs::write(home.path("config/koji-notify/config.toml.swp"), "").unwrap();
    fs::write(home.path("config/koji-notify/4913"), "").unwrap();
    fs::remove_file(home.path("config/koji-notify/4913")).unwrap();
    fs::read(home.config_file()).unwrap();
    quiet(&mut watcher).await;
    // A wait that is given up loses nothing.
    fs::write(home.config_file(), "# x\n").unwrap();
    let _ = futures_util::FutureExt::now_or_never(watcher.changed());
    home.configure("# y\n");
    noticed(&mut watcher, "written").await;
}

#[test]
fn start_at_login_is_an_entry_of_the_person() {
    let home = Home::new();
    let entry = home.path("config/autostart/org.fedoraproject.KojiNotify.desktop");
    assert!(!autostart::is_on(&home.places));
    autostart::switch(&home.places, false).unwrap();
    assert!(!entry.exists());
    autostart::switch(&home.places, true).unwrap();
    assert!(autostart::is_on(&home.places));
    let text = fs::read_to_string(&entry).unwrap();
    assert!(
        text.starts_with("[Desktop Entry]\n") && text.contains("\nExec=koji-notify"),
        "{text}"
    );
    // A person's own words in it stay.
    fs::write(&entry, format!("{text}X-Mine=1\n")).unwrap();
    autostart::switch(&home.places, true).unwrap();
    assert!(fs::read_to_string(&entry).unwrap().ends_with("X-Mine=1\n"));
    autostart::switch(&home.places, false).unwrap();
    assert!(!autostart::is_on(&home.places));
    assert!(!entry.exists());
}

#[test]
fn an_entry_of_the_system_is_hidden_not_removed() {
    let home = Home::new();
    let name = "org.fedoraproject.KojiNotify.desktop";
    let system = home.path("etc/xdg/autostart").join(name);
    let entry = home.path("config/autostart").join(name);
    fs::create_dir_all(system.parent().unwrap()).unwrap();
    fs::write(&system, "[Desktop Entry]\nType=Application\nName=K\nExec=koji-notify\n").unwrap();
    assert!(autostart::is_on(&home.places));
    autostart::switch(&home.places, false).unwrap();
    assert!(!autostart::is_on(&home.places));
    assert!(system.exists());
    assert!(fs::read_to_string(&entry).unwrap().contains("\nHidden=true\n"));
    autostart::switch(&home.places, true).unwrap();
    assert!(autostart::is_on(&home.places));
    assert!(!entry.exists());
    // GNOME's way to switch it off, and a group that is not the entry's.
    for (text, on) in [
        ("[Desktop Entry]\nX-GNOME-Autostart-enabled = false\n", false),
        ("[Desktop Entry]\nName=K\n[Desktop Action a]\nHidden=true\n", true),
        ("[Desktop Entry]\nHidden = true\n", false),
    ] {
        fs::create_dir_all(entry.parent().unwrap()).unwrap();
        fs::write(&entry, text).unwrap();
        assert_eq!(autostart::is_on(&home.places), on, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// A toggle that is switched is what is loaded, nothing else changes, and no comment is lost.
    #[test]
    fn a_switch_is_loaded_and_no_comment_is_lost(before in configuration(), at in 0..Toggle::ALL.len(), on: bool) {
        let home = Home::new();
        home.configure(&before);
        let mut expected = home.load().unwrap();
        let toggle = Toggle::ALL[at];
        edit::switch(&home.places, toggle, on).unwrap();
        let after = fs::read_to_string(home.config_file()).unwrap();
        expected.wanted.switch(toggle, on);
        prop_assert_eq!(home.load().unwrap(), expected, "{}\n-> {}", before, after);
        prop_assert_eq!(comments(&before), comments(&after), "{}\n-> {}", before, after);
        let folder: Vec<_> = fs::read_dir(home.path("config/koji-notify")).unwrap().collect();
        prop_assert_eq!(folder.len(), 1);
    }

    /// Whatever is in the files, the answer is settings or one line that points into the file.
    #[test]
    fn no_file_breaks_the_reader(text in mutilated(SAMPLE), existing in mutilated(EXISTING)) {
        let home = Home::new();
        for way in 0..2 {
            match way {
                0 => home.configure(&text),
                _ => home.configure_existing(&existing),
            }
            let text = if way == 0 { &text } else { &existing };
            if let Err(it) = home.load() {
                let told = it.to_string();
                prop_assert!(!told.contains('\n') && !told.contains("p4ssw0rd"), "{}", told);
                if let ConfigError::Wrong { place, .. } = it {
                    prop_assert!(place.line <= text.lines().count() + 1 && place.column >= 1, "{}", told);
                }
            }
            let _ = edit::switch(&home.places, Toggle::Sound, true);
        }
    }
}

const EXISTING: &str = "amqp_url = 'amqps://mona:p4ssw0rd@h/%2Fpubsub?heartbeat=20&connection_attempts=3'\n\
    passive_declares = false\n[tls]\nca_cert = 'ca.pem'\n[client_properties]\napp = 'ours'\n[queues.mine]\n\
    durable = true\nauto_delete = false\nexclusive = false\narguments = { x-max-length = 5 }\n[[bindings]]\n\
    queue = 'mine'\nexchange = 'koji'\nrouting_keys = ['a.#', 'b']\n[qos]\nprefetch_count = 5000\n";

/// A time limit that only a fault reaches.
const LONG: Duration = Duration::from_secs(20);

async fn noticed(watcher: &mut Watcher, what: &str) {
    let changed = tokio::time::timeout(LONG, watcher.changed()).await;
    changed.unwrap_or_else(|_| panic!("not noticed: {what}"));
}

/// The kernel has queued the events of what was done before this is called; only the reader has to take its turn.
async fn quiet(watcher: &mut Watcher) {
    let changed = tokio::time::timeout(Duration::from_millis(100), watcher.changed()).await;
    assert!(changed.is_err(), "something was reported");
}

/// A configuration that is right, with comments everywhere and `tell` in each of its shapes.
fn configuration() -> impl Strategy<Value = String> {
    let comment = prop_oneof![
        Just(""),
        Just("# a comment\n"),
        Just("\n# 'odd\" = [\n\n"),
        Just("   # ü\n")
    ];
    let entries = prop::collection::btree_map(0..KEYS.len(), any::<bool>(), 0..5);
    (
        entries,
        0..4_u8,
        prop::collection::vec(comment, 4),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(entries, shape, comments, first, crlf)| {
            let [c1, c2, c3, c4] = comments[..] else { unreachable!() };
            let entries: Vec<String> = entries.iter().map(|(at, on)| format!("{} = {on}", KEYS[*at])).collect();
            let tell = match shape {
                0 => format!(
                    "[tell] # t\n{c2}{}",
                    entries.iter().map(|it| format!("{it} # {it}\n")).collect::<String>()
                ),
                1 => format!("tell = {{ {} }} # in one line\n", entries.join(", ")),
                2 => entries.iter().map(|it| format!("tell.{it} # dotted\n{c3}")).collect(),
                _ => String::new(),
            };
            let instance = "[instance.fedora]  # F\npreset = \"fedora\"\nuser = 'mona' # me\n";
            // Only a table can stand behind another one.
            let text = if first || shape != 0 {
                format!("{c1}{tell}{c3}{instance}{c4}")
            } else {
                format!("{c1}{instance}{c3}{tell}{c4}")
            };
            if crlf { text.replace('\n', "\r\n") } else { text }
        })
}

fn comments(text: &str) -> Vec<String> {
    let comment = |line: &str| line.find('#').map(|at| line[at..].to_owned());
    let mut comments: Vec<String> = text.lines().filter_map(comment).collect();
    comments.sort();
    comments
}

/// A text with a piece taken out and something put in, or any text at all.
fn mutilated(text: &'static str) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[\\[\\]{}=.'\"#\n a-z0-9-]{0,20}",
        Just("[instance.a.broker]\nurl = 5\n".to_owned()),
        Just("\"".to_owned()),
        Just("[[instance]]\n".to_owned()),
    ];
    let change = (0..=text.len(), 0..60_usize, piece).prop_map(move |(at, length, piece)| {
        let cut = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (from, to) = (cut(at), cut((at + length).min(text.len())));
        format!("{}{piece}{}", &text[..from], &text[to..])
    });
    prop_oneof![4 => change, 1 => any::<String>()]
}

/// A person's folders, and a system that has the package fedora-messaging.
struct Home {
    root: TempDir,
    places: Places,
}

impl Home {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |it: &str| root.path().join(it);
        let places = Places {
            file: None,
            program: None,
            home: at("home"),
            config: at("config"),
            state: at("state"),
            etc: at("etc"),
            cache: at("home/.cache"),
            system_config: vec![at("etc/xdg")],
            // No ticket of the person who runs the test.
            environment: vec![("PATH".into(), at("bin").into())],
        };
        let home = Self { root, places };
        for folder in ["home", "config", "etc/fedora-messaging"] {
            fs::create_dir_all(home.path(folder)).unwrap();
        }
        for (file, host, ca, name) in [
            ("fedora.toml", "rabbitmq.fedoraproject.org", "cacert.pem", "fedora"),
            (
                "fedora.stg.toml",
                "rabbitmq.stg.fedoraproject.org",
                "stg-cacert.pem",
                "fedora.stg",
            ),
        ] {
            let text = format!(
                "amqp_url = \"amqps://{name}:@{host}/%2Fpublic_pubsub\"\ncallback = \"fedora_messaging.example:printer\"\n\
                 [tls]\nca_cert = \"{ca}\"\nkeyfile = \"{name}-key.pem\"\ncertfile = \"{name}-cert.pem\"\n\
                 [client_properties]\napp = \"Example Application\"\n\
                 [exchanges.\"amq.topic\"]\ntype = \"topic\"\ndurable = true\nauto_delete = false\narguments = {{}}\n\
                 [[bindings]]\nexchange = \"amq.topic\"\nrouting_keys = [\"#\"]\n\
                 [consumer_config]\nexample_key = \"for my consumer\"\n\
                 [qos]\nprefetch_size = 0\nprefetch_count = 25\n[log_config]\nversion = 1\n"
            );
            let folder = home.path("etc/fedora-messaging");
            fs::write(folder.join(file), text).unwrap();
            for pem in [ca.to_owned(), format!("{name}-key.pem"), format!("{name}-cert.pem")] {
                fs::write(folder.join(pem), "").unwrap();
            }
        }
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn config_file(&self) -> PathBuf {
        self.places.config_file()
    }

    fn configure(&self, text: &str) {
        fs::create_dir_all(self.config_file().parent().unwrap()).unwrap();
        fs::write(self.config_file(), text).unwrap();
    }

    /// Writes a password as it has to be kept.
    fn write_secret(&self) {
        fs::write(self.path("home/secret"), "p4ssw0rd\n").unwrap();
        fs::set_permissions(self.path("home/secret"), fs::Permissions::from_mode(0o400)).unwrap();
    }

    /// Configures an instance by a fedora-messaging file.
    fn configure_existing(&self, text: &str) {
        self.configure(
            "[instance.site]\nuser = 'mona'\ntopic-prefix = 'org.example'\nfedora-messaging = 'fm/fm.toml'\n",
        );
        let folder = self.path("config/koji-notify/fm");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("ca.pem"), "").unwrap();
        fs::write(folder.join("fm.toml"), text).unwrap();
    }

    fn load(&self) -> Result<Settings, ConfigError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(load(&self.places))
    }

    /// Returns what is wrong, as a person reads it.
    fn complaint(&self) -> String {
        self.shown(&self.load().unwrap_err())
    }

    fn shown(&self, error: &ConfigError) -> String {
        let mut told = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            told = format!("{told}: {cause}");
            source = cause.source();
        }
        assert!(!told.contains('\n') && !told.contains("p4ssw0rd"), "{told}");
        self.without_home(&told)
    }

    fn told(&self, settings: &Settings) -> String {
        let mut told = String::new();
        for (name, it) in &settings.instances {
            let users: Vec<&str> = it.users.iter().map(String::as_str).collect();
            let follows: Vec<&str> = it.packages.iter().map(String::as_str).collect();
            let follows = if follows.is_empty() {
                String::new()
            } else {
                format!(" follows {}", follows.join(", "))
            };
            let or_none = |it: &Option<String>| it.clone().unwrap_or_else(|| "none".to_owned());
            let (broker, queue) = (it.broker.as_ref().unwrap(), &it.broker.as_ref().unwrap().queue);
            told += &format!(
                "{name} {} by {:?}{follows}\nsite {} {}\nbroker {} tls={} vhost={:?} from {}\nlogin {:?}\ntrust {:?}\n\
                 exchange {} {} allowed {:?} passive={}\n\
                 queue {:?} durable={} auto_delete={} exclusive={} {:?}\n\
                 prefetch {} heartbeat {:?} timeout {:?} properties {:?}\n",
                users.join(", "),
                it.users_from,
                or_none(&it.site.weburl),
                or_none(&it.site.topurl),
                broker.address,
                broker.address.tls,
                broker.address.vhost,
                it.broker_file.display(),
                broker.login,
                broker.trust,
                broker.exchange,
                spoken(&broker.dialect),
                broker.allowed_keys,
                broker.passive,
                queue.name,
                queue.durable,
                queue.auto_delete,
                queue.exclusive,
                queue.arguments,
                broker.prefetch,
                broker.heartbeat,
                broker.connection_timeout,
                broker.client_properties,
            );
        }
        for name in self.queue_names(settings) {
            if uuid::Uuid::try_parse(&name).is_ok() {
                told = told.replace(&name, "QUEUE");
            }
        }
        self.without_home(&told)
    }

    fn queue_names(&self, settings: &Settings) -> Vec<String> {
        use koji_notify::bus::broker::QueueName;
        let name = |it: &koji_notify::config::Instance| match &it.broker.as_ref().unwrap().queue.name {
            QueueName::Named(name) => Some(name.clone()),
            QueueName::ByServer => None,
        };
        settings.instances.values().filter_map(name).collect()
    }

    fn without_home(&self, text: &str) -> String {
        let root: &Path = self.root.path();
        text.replace(root.to_str().unwrap(), "HOME")
    }
}

/// A broker that is logged in to by [`Home::write_secret`].
const OWN_BROKER: &str =
    "[instance.a.broker]\nurl = 'amqps://broker.example.com/'\nuser = 'm'\npassword-file = '~/secret'\n";

/// Returns how the messages look.
fn spoken(dialect: &Dialect) -> String {
    match dialect {
        Dialect::FedoraMessaging {
            topic_prefix,
            koji_instance,
        } => format!("topics {topic_prefix} instance {koji_instance}"),
        other => format!("{other:?}"),
    }
}

/// The keys of the toggles, in their order.
const KEYS: [&str; Toggle::ALL.len()] = [
    "started",
    "finished",
    "failed",
    "canceled",
    "scratch",
    "tagged",
    "in-repo",
    "followed",
    "keep-failures",
    "sound",
];
