//! `koji-notify setup`: what it finds, asks, tries, says and writes; and what it leaves alone.
//!
//! Most stories are told to the library, with an `/etc` of their own. That of the computer is the computer's, so what
//! the program does at a real terminal is told about one profile in a home.

use std::cell::RefCell;
use std::fs;
use std::io::{self, BufRead, Cursor, Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;

use expect_test::{Expect, expect};
use koji_notify::cli::exit::Exit;
use koji_notify::cli::setup::{Setup, Terminal};
use koji_notify::config::{self, Places, autostart};
use tempfile::TempDir;
use tokio::process::Command;

use crate::command_line::{PROGRAM, Ran, Stage, finish};
use crate::rabbit::{Client, Rabbit, Vhost};
use crate::small_hub::SmallHub;

#[tokio::test]
async fn on_fedora_one_key_is_enough() {
    let home = Home::new().with_fedora();
    home.write("home/.fedora.upn", "mona\n");
    check(
        &home.ask(&quickly(), "\n\n").await,
        expect![[r#"
            Found on this computer:
               1  fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org
               2  fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org
            Which of them do you use? [1] 
            ✓ fedora: user: mona, as ~/.fedora.upn says
            Start koji-notify when you log in? [yes] 
            Written: HOME/config/koji-notify/config.toml
            koji-notify starts when you log in
            Start it now: koji-notify
            -> Done
        "#]],
    );
    check(
        &home.config(),
        expect![[r##"
        # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
        # `koji-notify check` says whether all of it works.

        [instance.fedora]
        preset = "fedora"
        user = "mona"
    "##]],
    );
    assert_eq!(home.mode(), 0o600);
    assert!(autostart::is_on(&home.places));
    let settings = config::load(&home.places).await.unwrap();
    assert!(settings.instances.values().all(|it| it.broker.is_some()));
}

#[tokio::test]
async fn what_is_not_understood_is_asked_again() {
    let home = Home::new().with_fedora();
    let answers = "3\nfedora,stg\n2, fedora\n\nmona lisa\nmona\n\nperhaps\nn\n";
    check(
        &home.ask(&quickly(), answers).await,
        expect![[r#"
            Found on this computer:
               1  fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org
               2  fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org
            Which of them do you use? [1] 3
            There is no 3 in this list; numbers have commas between them
            Which of them do you use? [1] fedora,stg
            There is no stg in this list; numbers have commas between them
            Which of them do you use? [1] 2, fedora
            Your user name on fedora? 
            Your user name on fedora? mona lisa
            A user name is one word
            Your user name on fedora? mona
            Your user name on fedora-stg? [mona] 
            Start koji-notify when you log in? [yes] perhaps
            The answer is yes or no
            Start koji-notify when you log in? [yes] n
            Written: HOME/config/koji-notify/config.toml
            koji-notify does not start when you log in; the menu of its tray icon can change that
            Start it now: koji-notify
            -> Done
        "#]],
    );
    check(
        &home.config(),
        expect![[r##"
        # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
        # `koji-notify check` says whether all of it works.

        [instance.fedora]
        preset = "fedora"
        user = "mona"

        [instance.fedora-stg]
        preset = "fedora-stg"
        user = "mona"
    "##]],
    );
    assert!(!autostart::is_on(&home.places));
    config::load(&home.places).await.unwrap();
}

#[tokio::test]
async fn a_script_is_asked_nothing() {
    let home = Home::new().with_fedora();
    let setup = Setup {
        yes: true,
        user: Some("mona".to_owned()),
        ..quickly()
    };
    check(
        &home.ask(&setup, "").await,
        expect![[r#"
            Found on this computer:
               1  fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org
               2  fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org
            Written: HOME/config/koji-notify/config.toml
            koji-notify starts when you log in
            Start it now: koji-notify
            -> Done
        "#]],
    );
    check(
        &home.config(),
        expect![[r##"
        # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
        # `koji-notify check` says whether all of it works.

        [instance.fedora]
        preset = "fedora"
        user = "mona"
    "##]],
    );

    // Nobody knows who that is, and nobody can be asked.
    let home = Home::new().with_fedora();
    let before = home.tree();
    let setup = Setup { yes: true, ..quickly() };
    check(
        &home.ask(&setup, "mona\n").await,
        expect![[r#"
            Found on this computer:
               1  fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org
               2  fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org
            -> no user name is known for the instance fedora: set `user` under [instance.fedora] in HOME/config/koji-notify/config.toml, or get a Kerberos ticket (kinit NAME@FEDORAPROJECT.ORG), or log in with a certificate of your own, or write the name into ~/.fedora.upn
        "#]],
    );
    assert_eq!(home.tree(), before);
}

#[tokio::test]
async fn a_profile_alone_is_a_hub_that_is_asked() {
    let home = Home::new();
    home.write(
        "home/.koji/config",
        "[company]\nserver = https://koji.corp.example.com/kojihub\nweburl = https://koji.corp.example.com/koji\n",
    );
    check(
        &home.ask(&quickly(), "mona\nno\n").await,
        expect![[r#"
            Found on this computer:
              company: koji.corp.example.com; it is asked every few minutes, as no message bus is known
            Your user name on company? mona
            Start koji-notify when you log in? [yes] no
            Written: HOME/config/koji-notify/config.toml
            If company has a message bus, [instance.company.broker] takes its `url`, with `certificate` and `key` or `user` and `password-file`
            koji-notify does not start when you log in; the menu of its tray icon can change that
            Start it now: koji-notify
            -> Done
        "#]],
    );
    check(
        &home.config(),
        expect![[r##"
        # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
        # `koji-notify check` says whether all of it works.

        [instance.company]
        user = "mona"

        [instance.company.hub]
        profile = "company"

        # The message bus of this Koji is not known, so the hub is asked every few minutes. A table
        # [instance.company.broker] with `url`, and `certificate` and `key` or `user` and `password-file`, tells it.
    "##]],
    );
    let settings = config::load(&home.places).await.unwrap();
    let company = settings.instances.values().next().unwrap();
    assert!(company.hub.is_some() && company.broker.is_none());
    assert_eq!(
        company.site.weburl.as_deref(),
        Some("https://koji.corp.example.com/koji")
    );
}

#[tokio::test]
async fn fedora_s_profile_without_its_message_bus_is_asked_too() {
    let home = Home::new();
    home.write(
        "etc/koji.conf",
        "[koji]\nserver = https://koji.fedoraproject.org/kojihub\n",
    );
    home.write("home/.fedora.upn", "mona\n");
    check(
        &home.ask(&quickly(), "no\n").await,
        expect![[r#"
            Found on this computer:
              fedora: koji.fedoraproject.org; it is asked every few minutes, as the package fedora-messaging is not installed
            ✓ fedora: user: mona, as ~/.fedora.upn says
            Start koji-notify when you log in? [yes] no
            Written: HOME/config/koji-notify/config.toml
            koji-notify does not start when you log in; the menu of its tray icon can change that
            Start it now: koji-notify
            -> Done
        "#]],
    );
    check(
        &home.config(),
        expect![[r##"
        # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
        # `koji-notify check` says whether all of it works.

        [instance.fedora]
        preset = "fedora"
        user = "mona"

        # The broker's address and certificates are in the package fedora-messaging. With it, leave this table out.
        [instance.fedora.broker]
        listen = false
    "##]],
    );
    config::load(&home.places).await.unwrap();
}

#[tokio::test]
async fn where_nothing_is_it_says_what_helps() {
    let home = Home::new();
    let before = home.tree();
    check(
        &home.ask(&quickly(), "").await,
        expect![[r#"
        Nothing of Koji's is on this computer: no message bus in HOME/etc/fedora-messaging, no profile of the koji client
            On Fedora: sudo dnf install fedora-messaging
            Else get a profile of the koji client, or write HOME/config/koji-notify/config.toml yourself
        Nothing was written
        -> Failed
    "#]],
    );
    assert_eq!(home.tree(), before);
}

#[tokio::test]
async fn of_two_profiles_the_one_with_the_bus_is_known_by_its_domain() {
    let home = Home::new();
    home.write(
        "etc/koji.conf.d/sites.conf",
        "[one]\nserver = https://koji.one.example/kojihub\n\
         [two]\nserver = https://koji.two.example.org/kojihub\n\
         [same]\nserver = https://koji.two.example.org/kojihub\n[options]\nmax_retries = 3\n",
    );
    home.write(
        "etc/fedora-messaging/config.toml",
        "amqp_url = \"amqps://mona:secret@mq.two.example.org/%2F\"\ntopic_prefix = \"org.example.two\"\n",
    );
    let setup = Setup {
        user: Some("mona".to_owned()),
        ..quickly()
    };
    let said = home.ask(&setup, "all\n1,2\nno\n").await;
    check(
        &said,
        expect![[r#"
            Found on this computer:
               1  same: koji.two.example.org, with the message bus mq.two.example.org
               2  one: koji.one.example; it is asked every few minutes, as no message bus is known
            Which of them do you use? [1] all
            There is no all in this list; numbers have commas between them
            Which of them do you use? [1] 1,2
            Start koji-notify when you log in? [yes] no
            Written: HOME/config/koji-notify/config.toml
            If one has a message bus, [instance.one.broker] takes its `url`, with `certificate` and `key` or `user` and `password-file`
            koji-notify does not start when you log in; the menu of its tray icon can change that
            Start it now: koji-notify
            -> Done
        "#]],
    );
    check(
        &home.config(),
        expect![[r##"
            # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
            # `koji-notify check` says whether all of it works.

            [instance.same]
            user = "mona"
            topic-prefix = "org.example.two"
            fedora-messaging = "HOME/etc/fedora-messaging/config.toml"

            [instance.same.hub]
            profile = "same"

            [instance.one]
            user = "mona"

            [instance.one.hub]
            profile = "one"

            # The message bus of this Koji is not known, so the hub is asked every few minutes. A table
            # [instance.one.broker] with `url`, and `certificate` and `key` or `user` and `password-file`, tells it.
        "##]],
    );
    assert!(!(said + &home.config()).contains("secret"));
    let settings = config::load(&home.places).await.unwrap();
    let heard: Vec<_> = settings.instances.values().map(|it| it.broker.is_some()).collect();
    assert_eq!(heard, [false, true]);
}

#[tokio::test]
async fn what_cannot_be_used_is_told_with_the_reason() {
    let home = Home::new().with_fedora();
    home.write("home/.fedora.upn", "mona\n");
    home.write(
        "etc/koji.conf.d/broken.conf",
        "[broken]\nserver = \u{9b}2J\n[good]\nserver = https://koji.example.com/kojihub\n",
    );
    // That of the library's package, and one that does not tell enough.
    home.write("etc/fedora-messaging/config.toml", "amqp_url = \"amqp://\"\n");
    home.write(
        "etc/fedora-messaging/other.toml",
        "amqp_url = \"amqp://mq.example.com\"\n",
    );
    home.write("etc/fedora-messaging/wrong.toml", "amqp_url = 1\n");
    fs::remove_file(home.path("etc/fedora-messaging/fedora.stg-key.pem")).unwrap();
    let setup = Setup { yes: true, ..quickly() };
    check(
        &home.ask(&setup, "").await,
        expect![[r#"
            ! HOME/etc/fedora-messaging/fedora.stg.toml:4:1: `keyfile`: cannot read HOME/etc/fedora-messaging/fedora.stg-key.pem: No such file or directory (os error 2)
            ! HOME/etc/fedora-messaging/other.toml: nothing in it tells what stands before `.buildsys.` in the topics; `topic-prefix` in config.toml does
            ! HOME/etc/fedora-messaging/wrong.toml:1:12: invalid type: integer `1`, expected a string
            ! broken: HOME/etc/koji.conf.d/broken.conf:2: `server`: expected an address such as https://koji.example.com/kojihub, without user, `?` and `#`, found "\u{9b}2J"
            Found on this computer:
               1  fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org
               2  good: koji.example.com; it is asked every few minutes, as no message bus is known
            ✓ fedora: user: mona, as ~/.fedora.upn says
            Written: HOME/config/koji-notify/config.toml
            koji-notify starts when you log in
            Start it now: koji-notify
            -> Done
        "#]],
    );
}

#[tokio::test]
async fn a_configuration_is_never_overwritten() {
    let home = Home::new().with_fedora();
    home.write("home/.fedora.upn", "mona\n");
    let old = "[tell]\nsound = true\n";
    home.write("config/koji-notify/config.toml", old);
    let before = home.tree();
    for setup in [quickly(), Setup { yes: true, ..quickly() }] {
        let said = home.ask(&setup, "").await;
        assert!(said.starts_with("There is a configuration already"), "{said}");
        assert_eq!((home.tree(), &*home.config()), (before.clone(), old));
    }
    check(
        &home.ask(&quickly(), "").await,
        expect![[r#"
            There is a configuration already, and it is left as it is: HOME/config/koji-notify/config.toml
            Found on this computer:
               1  fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org
               2  fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org
            ✓ fedora: user: mona, as ~/.fedora.upn says
            This would be written to HOME/config/koji-notify/config.toml:

            # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
            # `koji-notify check` says whether all of it works.

            [instance.fedora]
            preset = "fedora"
            user = "mona"

            `koji-notify setup --force` writes it, and keeps the old one under a name with a date
            -> Failed
        "#]],
    );

    let setup = Setup {
        force: true,
        yes: true,
        ..quickly()
    };
    let said = home.ask(&setup, "").await;
    let added: Vec<_> = home.tree().into_iter().filter(|it| !before.contains(it)).collect();
    let aside = added.iter().find(|it| it.contains("config.toml.")).unwrap();
    assert_eq!(fs::read_to_string(home.path(aside)).unwrap(), old);
    let stamp = aside.rsplit('.').next().unwrap();
    assert_eq!(stamp.len(), "20261122T050000Z".len(), "{aside}");
    check(
        &said.replace(stamp, "DATE"),
        expect![[r#"
            Found on this computer:
               1  fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org
               2  fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org
            ✓ fedora: user: mona, as ~/.fedora.upn says
            Written: HOME/config/koji-notify/config.toml
            The old one is now HOME/config/koji-notify/config.toml.DATE
            koji-notify starts when you log in
            Start it now: koji-notify
            -> Done
        "#]],
    );
    assert!(home.config().contains("preset = \"fedora\""));
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let home = Home::new().with_fedora();
    home.write("home/.fedora.upn", "mona\n");
    home.write("config/koji-notify/config.toml", "# mine\n");
    let before = home.tree();
    let setup = Setup {
        dry_run: true,
        yes: true,
        ..quickly()
    };
    check(
        &home.ask(&setup, "").await,
        expect![[r#"
            Found on this computer:
               1  fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org
               2  fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org
            ✓ fedora: user: mona, as ~/.fedora.upn says
            This would be written to HOME/config/koji-notify/config.toml:

            # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
            # `koji-notify check` says whether all of it works.

            [instance.fedora]
            preset = "fedora"
            user = "mona"
            -> Done
        "#]],
    );
    assert_eq!((home.tree(), &*home.config()), (before, "# mine\n"));
}

#[tokio::test]
async fn a_program_is_told_a_line_for_each_thing() {
    let home = Home::new().with_fedora();
    home.write("etc/fedora-messaging/odd.toml", "amqp_url = 1\n");
    let before = home.tree();
    let setup = Setup {
        json: true,
        dry_run: true,
        ..quickly()
    };
    check(
        &home.ask(&setup, "").await,
        expect![[r#"
        {"unusable":"HOME/etc/fedora-messaging/odd.toml:1:12: invalid type: integer `1`, expected a string"}
        {"choice":{"name":"fedora","text":"fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org","taken":true}}
        {"choice":{"name":"fedora-stg","text":"fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org","taken":false}}
        {"nobody":"fedora"}
        -> Failed
    "#]],
    );
    let setup = Setup {
        user: Some("mona".to_owned()),
        instance: Some("fedora-stg".to_owned()),
        ..setup
    };
    check(
        &home.ask(&setup, "").await,
        expect![[r##"
        {"unusable":"HOME/etc/fedora-messaging/odd.toml:1:12: invalid type: integer `1`, expected a string"}
        {"choice":{"name":"fedora","text":"fedora: koji.fedoraproject.org, with the message bus rabbitmq.fedoraproject.org","taken":false}}
        {"choice":{"name":"fedora-stg","text":"fedora-stg: koji.stg.fedoraproject.org, with the message bus rabbitmq.stg.fedoraproject.org","taken":true}}
        {"would":{"file":"HOME/config/koji-notify/config.toml","text":"# Written by `koji-notify setup`. A sample with every option is in the documentation's folder;\n# `koji-notify check` says whether all of it works.\n\n[instance.fedora-stg]\npreset = \"fedora-stg\"\nuser = \"mona\"\n"}}
        -> Done
    "##]],
    );
    assert_eq!(home.tree(), before);
    let setup = Setup {
        dry_run: false,
        no_autostart: true,
        ..setup
    };
    let said = home.ask(&setup, "").await;
    assert!(
        said.contains("{\"written\":\"HOME/config/koji-notify/config.toml\"}\n"),
        "{said}"
    );
    assert!(said.ends_with("-> Done\n"), "{said}");
    assert!(!autostart::is_on(&home.places));
    assert!(home.config().contains("preset = \"fedora-stg\"\nuser = \"mona\"\n"));
    let odd = Setup {
        instance: Some("fedora,brew".to_owned()),
        force: true,
        ..setup
    };
    let said = home.ask(&odd, "").await;
    assert!(
        said.ends_with("There is no brew in this list; numbers have commas between them\n"),
        "{said}"
    );
}

#[tokio::test]
async fn whoever_leaves_at_a_question_leaves_nothing_behind() {
    let answers = ["1\n", "mona\n", "yes\n"];
    for count in 0..answers.len() {
        let home = Home::new().with_fedora();
        let before = home.tree();
        let said = home.ask(&quickly(), &answers[..count].concat()).await;
        assert!(said.ends_with("\nNothing was written\n-> Failed\n"), "{said}");
        assert_eq!(home.tree(), before);
    }
}

#[tokio::test]
async fn the_login_is_tried_and_works() {
    let hub = SmallHub::start();
    let vhost = Rabbit::shared().await.vhost().await;
    let home = Home::of_site(&vhost, Client::Fedora, &hub);
    let said = home.ask(&Setup::default(), "mona\nno\n").await;
    check(
        &home.anywhere(&said, &vhost, &hub),
        expect![[r#"
            Found on this computer:
              lab: 127.0.0.1, with the message bus 127.0.0.1
            Your user name on lab? mona
            Trying it, which can take half a minute
            ✓ lab: broker: BROKER accepts the login and lets you listen
            ✓ lab: hub: http://HUB/kojihub answers; it runs Koji 1.35.3
            ✓ lab: user on the hub: mona is user number 6
            It works
            Start koji-notify when you log in? [yes] no
            Written: HOME/config/koji-notify/config.toml
            koji-notify does not start when you log in; the menu of its tray icon can change that
            Start it now: koji-notify
            -> Done
        "#]],
    );
    check(
        &home.config(),
        expect![[r##"
        # Written by `koji-notify setup`. A sample with every option is in the documentation's folder;
        # `koji-notify check` says whether all of it works.

        [instance.lab]
        user = "mona"
        topic-prefix = "com.example.lab"
        fedora-messaging = "HOME/etc/fedora-messaging/lab.toml"

        [instance.lab.hub]
        profile = "lab"
    "##]],
    );
    config::load(&home.places).await.unwrap();
    vhost.queues_when(<[_]>::is_empty).await;
}

#[tokio::test]
async fn a_login_that_does_not_work_is_told_and_the_configuration_still_offered() {
    let hub = SmallHub::start();
    let vhost = Rabbit::shared().await.vhost().await;
    let home = Home::of_site(&vhost, Client::OtherCa, &hub);
    let before = home.tree();
    let said = home.ask(&Setup::default(), "moan\nno\n").await;
    check(
        &home.anywhere(&said, &vhost, &hub),
        expect![[r#"
            Found on this computer:
              lab: 127.0.0.1, with the message bus 127.0.0.1
            Your user name on lab? moan
            Trying it, which can take half a minute
            ✗ lab: broker: BROKER does not accept the client certificate
                Check that this is the right certificate for this broker
            ✓ lab: hub: http://HUB/kojihub answers; it runs Koji 1.35.3
            ✗ lab: user on the hub: The hub knows no user moan
                Check the user name in the configuration
            Not all of it works
            Write the configuration all the same? [yes] no
            Nothing was written
            -> Trouble
        "#]],
    );
    assert_eq!(home.tree(), before);
    // It may be mended later.
    let said = home.ask(&Setup::default(), "mona\nyes\nyes\n").await;
    assert!(said.contains("\nWritten: HOME/config/"), "{said}");
    assert!(said.ends_with("-> Trouble\n"), "{said}");
    config::load(&home.places).await.unwrap();
}

#[tokio::test]
async fn without_a_terminal_there_is_nobody_to_ask() {
    let ran = Stage::new().run(&["setup"]).await;
    assert_eq!((ran.code, &*ran.output), (2, ""));
    check(
        &ran.errors,
        expect![[r#"
        koji-notify: there is nobody to ask: run this in a terminal, or with --yes, which takes every default
    "#]],
    );
    let ran = Stage::new().run(&["setup", "--yes", "--user", "mona lisa"]).await;
    assert_eq!(ran.code, 2);
}

#[tokio::test]
async fn at_a_terminal_it_is_a_talk() {
    let hub = SmallHub::start();
    let stage = with_profile(&hub);
    let talk = [
        ("Which of them", "mine\n"),
        ("user name on", "mona\n"),
        ("when you log in?", "yes\n"),
    ];
    let ran = at_terminal(&stage, &["setup"], &talk).await;
    assert_eq!(ran.code, 0, "{}", ran.output);
    let (_, said) = ran.output.split_once("Your user name").unwrap();
    let home = stage.home.path().to_str().unwrap();
    let host = hub.url().split('/').nth(2).unwrap().to_owned();
    check(
        &said.replace(home, "HOME").replace(&host, "HOST"),
        expect![[r#"
         on mine? mona
        Trying it, which can take half a minute
        ✓ mine: broker: There is none: the hub is asked every few minutes
        ✓ mine: hub: http://HOST/kojihub answers; it runs Koji 1.35.3
        ✓ mine: user on the hub: mona is user number 6
        It works
        Start koji-notify when you log in? [yes] yes
        Written: HOME/.config/koji-notify/config.toml
        If mine has a message bus, [instance.mine.broker] takes its `url`, with `certificate` and `key` or `user` and `password-file`
        koji-notify starts when you log in
        Start it now: koji-notify
    "#]],
    );
    assert!(stage.home.path().join(".config/koji-notify/config.toml").is_file());
    let checked = finish(&mut stage.command(&["check"])).await;
    assert!(
        checked.output.contains("✓ mine: user on the hub: mona is"),
        "{}",
        checked.output
    );
}

#[tokio::test]
async fn control_c_and_control_d_leave_nothing() {
    let hub = SmallHub::start();
    for (question, key, code) in [
        ("user name on", "\u{4}", 1),
        ("user name on", "\u{3}", 130),
        ("when you log in?", "\u{4}", 1),
        ("when you log in?", "\u{3}", 130),
    ] {
        let stage = with_profile(&hub);
        let before = tree(stage.home.path().to_owned());
        let talk = [(question, key), ("Which of them", "mine\n"), ("user name on", "mona\n")];
        let ran = at_terminal(&stage, &["setup"], &talk).await;
        assert_eq!(ran.code, code, "{}", ran.output);
        assert_eq!(tree(stage.home.path().to_owned()), before, "{}", ran.output);
    }
}

/// Without trying the login: the hosts are nobody's, or Fedora's.
fn quickly() -> Setup {
    Setup {
        no_check: true,
        ..Setup::default()
    }
}

/// Somebody's folders, and a system that has nothing yet.
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
            cache: at("cache"),
            etc: at("etc"),
            system_config: vec![at("etc/xdg")],
            // No ticket of the person who runs the test.
            environment: vec![("PATH".into(), at("bin").into())],
        };
        Self { root, places }
    }

    /// With the files of the package fedora-messaging.
    fn with_fedora(self) -> Self {
        for (file, name, host) in [
            ("fedora.toml", "fedora", "rabbitmq.fedoraproject.org"),
            ("fedora.stg.toml", "fedora.stg", "rabbitmq.stg.fedoraproject.org"),
        ] {
            let text = format!(
                "amqp_url = \"amqps://{name}:@{host}/%2Fpublic_pubsub\"\n\
                 [tls]\nca_cert = \"{name}-ca.pem\"\nkeyfile = \"{name}-key.pem\"\ncertfile = \"{name}-cert.pem\"\n\
                 [[bindings]]\nexchange = \"amq.topic\"\nrouting_keys = [\"#\"]\n"
            );
            self.write(&format!("etc/fedora-messaging/{file}"), &text);
            for part in ["ca", "key", "cert"] {
                self.write(&format!("etc/fedora-messaging/{name}-{part}.pem"), "");
            }
        }
        self
    }

    /// With a site whose broker is RabbitMQ, and whose hub a profile knows.
    fn of_site(vhost: &Vhost<'_>, client: Client, hub: &SmallHub) -> Self {
        let home = Self::new();
        let pair = vhost.rabbit.certs.client(client);
        let text = format!(
            "amqp_url = \"{}\"\n[tls]\nca_cert = \"{}\"\nkeyfile = \"{}\"\ncertfile = \"{}\"\n\
             [[bindings]]\nexchange = \"amq.topic\"\nrouting_keys = [\"com.example.lab.buildsys.#\"]\n",
            vhost.fedora_url().replace("localhost", "127.0.0.1"),
            vhost.rabbit.certs.ca().display(),
            pair.key.display(),
            pair.certificate.display(),
        );
        home.write("etc/fedora-messaging/lab.toml", &text);
        home.write(
            "home/.koji/config",
            &format!(
                "[lab]\nserver = {}\nweburl = https://koji.example.com/koji\n",
                hub.url()
            ),
        );
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Returns what is said and how it ends. Each answer stands where it was given.
    async fn ask(&self, setup: &Setup, answers: &str) -> String {
        let paper = Paper::default();
        let mut answers = Typist {
            answers: Cursor::new(answers.as_bytes().to_vec()),
            paper: paper.clone(),
        };
        let mut terminal = Terminal {
            answers: Some(&mut answers),
            output: &mut paper.clone(),
            json: setup.json,
        };
        let end = setup.set_up(&self.places, &mut terminal).await;
        let mut said = String::from_utf8(paper.0.take()).unwrap();
        if matches!(end, Ok(Exit::Done)) && !setup.yes && !setup.json {
            assert!(answers.fill_buf().unwrap().is_empty(), "not all was asked for: {said}");
        }
        said += &match end {
            Ok(exit) => format!("-> {exit:?}\n"),
            Err(error) => format!("-> {error:#}\n"),
        };
        said.replace(self.root.path().to_str().unwrap(), "HOME")
    }

    fn config(&self) -> String {
        let text = fs::read_to_string(self.places.config_file()).unwrap();
        text.replace(self.root.path().to_str().unwrap(), "HOME")
    }

    fn mode(&self) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(self.places.config_file()).unwrap().permissions().mode() & 0o777
    }

    fn tree(&self) -> Vec<String> {
        tree(self.root.path().to_owned())
    }

    /// Returns a text without what is another one each time.
    fn anywhere(&self, text: &str, vhost: &Vhost<'_>, hub: &SmallHub) -> String {
        let host = hub.url().split('/').nth(2).unwrap().to_owned();
        let text = text.replace(&format!("127.0.0.1:{}", vhost.rabbit.tls_port), "BROKER");
        let text = text.replace(vhost.rabbit.directory().to_str().unwrap(), "RABBIT");
        let text = text.replace(&host, "HUB");
        // How a broker hangs up is a matter of luck.
        let cut = |line: &str| match line.split_once(" (") {
            Some((told, _)) if line.starts_with("✗ lab: broker") => format!("{told}\n"),
            _ => format!("{line}\n"),
        };
        text.lines().map(cut).collect()
    }
}

/// What a terminal shows.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Somebody whose answers are shown as they are read.
struct Typist {
    answers: Cursor<Vec<u8>>,
    paper: Paper,
}

impl Read for Typist {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("answers are lines")
    }
}

impl BufRead for Typist {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.answers.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        let read = self.answers.fill_buf().unwrap()[..count].to_vec();
        self.paper.0.borrow_mut().extend(read);
        self.answers.consume(count);
    }
}

/// Returns all that is below a folder, by name.
fn tree(root: PathBuf) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    found.sort_unstable();
    found
}

/// A home with a profile for this hub.
fn with_profile(hub: &SmallHub) -> Stage {
    let stage = Stage::new();
    let folder = stage.home.path().join(".koji");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config"), format!("[mine]\nserver = {}\n", hub.url())).unwrap();
    stage
}

/// Answers each question as it comes: the first of the pairs whose words are in what was said since the last answer.
const TYPIST: &str = r#"
import json, os, pty, sys
talk = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
said = b""
read = 0
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        break
    if not data:
        break
    said += data
    for words, answer in talk:
        if words.encode() in said[read:] and said.endswith(b" "):
            read = len(said)
            os.write(terminal, answer.encode())
            break
sys.stdout.write(said.decode().replace("\r\n", "\n"))
sys.stdout.flush()
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
"#;

/// Runs the program at a terminal.
async fn at_terminal(stage: &Stage, words: &[&str], talk: &[(&str, &str)]) -> Ran {
    let program = stage.command(&[]);
    let mut command = Command::new("python3");
    command
        .args(["-c", TYPIST, &serde_json::to_string(talk).unwrap(), PROGRAM])
        .args(words)
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in program.as_std().get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    finish(&mut command).await
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
