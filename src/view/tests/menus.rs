//! The menu, the status and the icon.

use super::*;

#[test]
fn the_menu_of_a_quiet_afternoon() {
    let mut watch = watch();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    check_menu(
        &watch,
        expect![[r#"
            No build is running
            --
            No results yet
            --
            Notify me of >
                [ ] Started builds
                [x] Finished builds
                [x] Failed builds
                [x] Canceled builds
                [x] Scratch builds
                [ ] Tagged builds
                [x] Other people's builds of packages I follow
                --
                [x] Keep failures on screen
                [ ] Play a sound
            Pause notifications >
                (x) Not paused
                ( ) For 30 minutes
                ( ) For 1 hour
                ( ) Until tomorrow
                ( ) Until I resume
                --
                Only failures for 1 hour
                Only failures until 09:00
            --
            Connections >
                fedora: Connected
            [ ] Start at login
            History…
            Preferences…
            About koji-notify >
                koji-notify 0.1.0
                Tells you how your Koji builds are doing
                Free software under the GNU GPL, version 3 or later
            Quit
        "#]],
    );
}

#[test]
fn the_menu_lists_what_runs_and_what_has_ended() {
    let mut watch = watch();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    let children = [(54, "aarch64", TaskState::Failed)];
    for (n, mut change) in [
        build("bash-5.3-1.fc43", BuildState::Building, &[]),
        build("kernel-6.12-1.fc43", BuildState::Failed, &children),
    ]
    .into_iter()
    .enumerate()
    {
        if let Change::Build(it) = &mut change {
            it.build = Some(BuildId(20 + n as u64));
        }
        watch.step(time(0), Event::Heard(news(n as u64, change)));
    }
    let mute = Request::Mute {
        muting: Muting::Package("zsh".to_owned()),
        until: MuteFor::Lasting(PauseFor::UntilResumed),
    };
    watch.step(time(0), Event::Asked(mute));
    let menu = describe_menu(&watch);
    let (top, rest) = menu.split_once("Notify me of").unwrap();
    expect![[r#"
        1 build failed
        --
        bash-5.3-1.fc43 is being built for rawhide >
            Open build
            Copy name
            Mute until it ends
            Mute bash until it is fixed
        --
        kernel-6.12-1.fc43 failed, just now >
            aarch64 failed
            Open build
            Open log
            Copy name
            Mute kernel until it is fixed
        Mark all as seen
        --
    "#]]
    .assert_eq(top);
    assert!(rest.contains("Muted >\n    Unmute zsh\n"), "{rest}");
}

#[test]
fn the_menu_says_what_is_wrong_and_what_to_do() {
    let mut watch = watch();
    let trouble = Trouble {
        problem: Problem::LoginRefused,
        host: "rabbitmq.example.com:5671".to_owned(),
        detail: "ACCESS_REFUSED".to_owned(),
        retry: None,
    };
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Down(trouble)));
    watch.step(time(0), Event::ServerChanged(false));
    watch.step(
        time(0),
        Event::ReloadFailed("config.toml:3: unknown field `usr`".to_owned()),
    );
    let menu = describe_menu(&watch);
    let (top, _) = menu.split_once("Notify me of").unwrap();
    expect![[r#"
        rabbitmq.example.com:5671 does not accept the login
        Something is wrong >
            fedora: rabbitmq.example.com:5671 does not accept the login
            Check user, password and certificate in the configuration
            No notification server is running
            The new configuration cannot be used; the previous one stays in force
            config.toml:3: unknown field `usr`
        --
        No results yet
        --
    "#]]
    .assert_eq(top);
    assert_eq!(status::icon(&watch), Icon::Offline);
}

#[test]
fn the_menu_of_the_first_moments() {
    let top = |watch: &Watch| {
        let menu = describe_menu(watch);
        menu.split_once("--\n").unwrap().0.to_owned()
    };
    assert_eq!(top(&watch()), "Connecting…\n");
    let mut unconfigured = Watch::new(Rules {
        wanted: Wanted::default(),
        instances: BTreeMap::new(),
        quiet: crate::watch::QuietRules::default(),
        zone: TimeZone::UTC,
        live: true,
    });
    unconfigured.step(
        time(0),
        Event::ReloadFailed("config.toml:3: expected a table".to_owned()),
    );
    expect![[r#"
        Not connected
        Something is wrong >
            The configuration cannot be used
            config.toml:3: expected a table
    "#]]
    .assert_eq(&top(&unconfigured));
}

#[test]
fn trouble_with_the_history_stands_in_the_menu_which_is_not_as_wide_as_the_screen() {
    let mut told = String::new();
    for trouble in [
        JournalTrouble::DiskFull,
        JournalTrouble::NotWritable,
        JournalTrouble::Busy,
        JournalTrouble::Newer,
        JournalTrouble::SetAside("journal.sqlite.broken-20261121T223127Z".to_owned()),
        JournalTrouble::Broken,
    ] {
        let mut watch = watch();
        watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
        watch.step(time(0), Event::JournalChanged(Some(trouble)));
        let menu = describe_menu(&watch);
        let (top, _) = menu.split_once("--").unwrap();
        told += top;
        watch.step(time(1), Event::JournalChanged(None));
        assert!(describe_menu(&watch).starts_with("No build is running\n--\n"));
    }
    expect![[r#"
        No build is running
        Something is wrong >
            The disk is full: after a restart, builds may be told of again
        No build is running
        Something is wrong >
            The history cannot be written: after a restart, builds may be told of again
        No build is running
        Something is wrong >
            Another program uses the history: after a restart, builds may be told of again
        No build is running
        Something is wrong >
            The history is from a newer version of this program: after a restart, builds may
            be told of again
        No build is running
        Something is wrong >
            The history was damaged; it begins anew, and the old one is kept as
            journal.sqlite.broken-20261121T223127Z
        No build is running
        Something is wrong >
            The history is damaged: after a restart, builds may be told of again
    "#]]
    .assert_eq(&told);
}

#[test]
fn what_waits_for_a_notification_server_is_counted() {
    let words = [0, 1, 2].map(trouble::no_server).join("\n");
    expect![[r#"
        No notification server is running
        No notification server is running; 1 notification is waiting
        No notification server is running; 2 notifications are waiting"#]]
    .assert_eq(&words);
}

#[test]
fn each_trouble_has_a_sentence_and_advice() {
    let problems = [
        Problem::UnknownHost,
        Problem::Unreachable,
        Problem::Interrupted,
        Problem::NotABroker,
        Problem::Unprotected,
        Problem::UntrustedBroker,
        Problem::WrongHost,
        Problem::ExpiredBroker,
        Problem::BadCredentials,
        Problem::ExpiredCertificate,
        Problem::CertificateRefused,
        Problem::LoginRefused,
        Problem::NoVirtualHost,
        Problem::NotPermitted,
        Problem::QueueTaken,
        Problem::QueueMismatch,
    ];
    let mut words = String::new();
    for problem in problems {
        let trouble = Trouble {
            problem,
            host: "mq:5671".to_owned(),
            detail: String::new(),
            retry: None,
        };
        let (sentence, advice) = (trouble::in_full(&trouble), trouble::advice(problem));
        writeln!(words, "{sentence}\n    {advice}").unwrap();
    }
    expect![[r#"
        mq:5671 cannot be found
            Check the network, and the host name in the configuration
        mq:5671 does not answer
            Nothing needs to be done: koji-notify keeps trying
        The connection to mq:5671 was interrupted
            Nothing needs to be done: koji-notify keeps trying
        mq:5671 does not answer as a message broker (AMQP)
            Check the address: amqps:// usually goes with port 5671, amqp:// with 5672
        The password for mq:5671 would be sent unencrypted
            Use an address that begins with amqps://
        The certificate of mq:5671 is not signed by a trusted CA
            Check the CA certificate in the configuration
        The certificate of mq:5671 is for another host
            Check the host name in the configuration
        The certificate of mq:5671 is not valid today
            Check this computer's clock; if it is right, tell the broker's administrators
        The client certificate or key for mq:5671 cannot be used
            Check the certificate and key files in the configuration
        The client certificate for mq:5671 has expired
            Get a new certificate, or update the package that ships it
        mq:5671 does not accept the client certificate
            Check that this is the right certificate for this broker
        mq:5671 does not accept the login
            Check user, password and certificate in the configuration
        mq:5671 has no such virtual host, or does not let you use it
            Check the virtual host at the end of the broker's address
        mq:5671 does not let you use the queue
            Check the name of the queue: most brokers allow only a UUID
        Another program is reading the queue on mq:5671
            Stop the other program, or give this computer a queue of its own
        The queue or exchange on mq:5671 is not as configured
            Check queue and exchange in the configuration, or delete the queue on the broker
    "#]]
    .assert_eq(&words);
}

#[test]
fn what_a_broker_says_is_added_and_stays_on_the_line() {
    let trouble = Trouble {
        problem: Problem::LoginRefused,
        host: "mq:5671".to_owned(),
        detail: "ACCESS_REFUSED\n\u{1b}[31m".to_owned(),
        retry: None,
    };
    assert_eq!(
        trouble::in_full(&trouble),
        "mq:5671 does not accept the login (ACCESS_REFUSED[31m)"
    );
}

#[test]
fn the_summary_tells_the_end_of_a_pause_by_the_local_clock() {
    let mut watch = watch();
    watch.step(time(0), Event::Asked(Request::Pause(PauseFor::AN_HOUR)));
    assert_eq!(status::summary(&watch), "Notifications are paused until 18:40");
    assert_eq!(status::icon(&watch), Icon::Paused);
}

#[test]
fn the_end_of_a_long_pause_has_its_day() {
    let summary = |until| {
        let mut watch = watch();
        watch.step(time(0), Event::Asked(Request::Pause(until)));
        status::summary(&watch)
    };
    let two_days = PauseFor::Minutes(2880.try_into().unwrap());
    assert_eq!(summary(two_days), "Notifications are paused until 2026-11-22 17:40");
    assert_eq!(
        summary(PauseFor::UntilTomorrow),
        "Notifications are paused until tomorrow"
    );
    assert_eq!(summary(PauseFor::UntilResumed), "Notifications are paused");
}

#[test]
fn the_tooltip_says_all_that_the_icon_cannot() {
    let mut watch = watch();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    watch.step(
        time(0),
        Event::Heard(news(1, build("bash-5.3-1.fc43", BuildState::Building, &[]))),
    );
    let mut failed = build("zsh-5.9-1.fc43", BuildState::Failed, &[]);
    if let Change::Build(it) = &mut failed {
        it.build = Some(BuildId(8));
    }
    watch.step(time(0), Event::Heard(news(2, failed)));
    watch.step(time(0), Event::ServerChanged(false));
    let tray = tray::tray(&watch, &sites(), EVERYTHING, time(0));
    assert_eq!(tray.title, "Koji builds: 1 build failed");
    assert_eq!(tray.text, "1 build is running\nNo notification server is running");
}

#[test]
fn a_recording_offers_nothing_that_it_cannot_do() {
    let means = Means {
        copy: false,
        paste: false,
        window: false,
        configure: false,
    };
    let mut words = String::new();
    describe_items(&menu::menu(&watch(), &sites(), means, time(0)).items, 0, &mut words);
    assert!(!words.contains("Preferences") && !words.contains("login"), "{words}");
    assert!(!words.contains("History"), "{words}");
}

#[test]
fn the_icon_calls_for_a_person_first() {
    let mut watch = watch();
    assert_eq!(status::icon(&watch), Icon::Offline);
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    assert_eq!(status::icon(&watch), Icon::Idle);
    watch.step(
        time(0),
        Event::Heard(news(1, build("bash-5.3-1.fc43", BuildState::Building, &[]))),
    );
    assert_eq!(status::icon(&watch), Icon::Building);
    let mut failed = build("zsh-5.9-1.fc43", BuildState::Failed, &[]);
    if let Change::Build(it) = &mut failed {
        it.build = Some(BuildId(8));
    }
    watch.step(time(0), Event::Heard(news(2, failed)));
    assert_eq!(status::icon(&watch), Icon::Failed);
    watch.step(time(0), Event::Asked(Request::MarkSeen));
    assert_eq!(status::icon(&watch), Icon::Building);
}

/// Returns a build of mine with a number, a name and a state.
fn numbered(number: u64, nvr: &str, state: BuildState) -> Change {
    let mut change = build(nvr, state, &[]);
    if let Change::Build(it) = &mut change {
        it.build = Some(BuildId(number));
    }
    change
}

/// Returns a watch that has heard of these builds, a minute after each other.
fn heard(builds: &[(&str, BuildState)]) -> Watch {
    let mut watch = watch();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    for (number, (nvr, state)) in (20..).zip(builds) {
        let at = time(60 * (number as i64 - 20));
        watch.step(at, Event::Heard(news(number, numbered(number, nvr, *state))));
    }
    watch
}

#[test]
fn failures_that_nobody_has_looked_at_come_first() {
    let mut watch = heard(&[
        ("bash-5.3-1.fc43", BuildState::Failed),
        ("zsh-5.9-1.fc43", BuildState::Complete),
    ]);
    let results = |watch: &Watch| {
        let menu = describe_menu(watch);
        let is_result = |it: &&str| it.contains(" failed") || it.contains(" is built");
        let results = menu.lines().skip(1).filter(|it| !it.starts_with(' ')).filter(is_result);
        results.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        results(&watch),
        [
            "bash-5.3-1.fc43 failed, just now >",
            "zsh-5.9-1.fc43 is built, just now >"
        ]
    );
    watch.step(time(100), Event::Asked(Request::MarkSeen));
    assert_eq!(
        results(&watch),
        [
            "zsh-5.9-1.fc43 is built, just now >",
            "bash-5.3-1.fc43 failed, just now >"
        ]
    );
}

#[test]
fn the_icon_says_how_many() {
    let badge = |builds: &[(&str, BuildState)]| {
        let tray = tray::tray(&heard(builds), &sites(), EVERYTHING, time(600));
        tray.icon.name(tray.badge)
    };
    let failed = ("a-1-1", BuildState::Failed);
    let running = ("b-1-1", BuildState::Building);
    assert_eq!(badge(&[]), "org.fedoraproject.KojiNotify-idle-symbolic");
    assert_eq!(badge(&[running]), "org.fedoraproject.KojiNotify-building-symbolic");
    assert_eq!(
        badge(&[running, running]),
        "org.fedoraproject.KojiNotify-building-2-symbolic"
    );
    assert_eq!(
        badge(&[running, running, failed]),
        "org.fedoraproject.KojiNotify-failed-symbolic"
    );
    assert_eq!(badge(&[failed; 9]), "org.fedoraproject.KojiNotify-failed-9-symbolic");
    assert_eq!(
        badge(&[failed; 10]),
        "org.fedoraproject.KojiNotify-failed-many-symbolic"
    );
}

#[test]
fn a_click_opens_what_matters_most() {
    let link = |watch: &Watch| match tray::tray(watch, &sites(), EVERYTHING, time(600)).activate {
        Some(Request::Open { link, .. }) => link,
        other => panic!("{other:?}"),
    };
    let mut watch = heard(&[("a-1-1", BuildState::Failed), ("b-1-1", BuildState::Building)]);
    assert_eq!(link(&watch), "https://koji.example.com/koji/buildinfo?buildID=20");
    watch.step(time(100), Event::Asked(Request::MarkSeen));
    assert_eq!(link(&watch), "https://koji.example.com/koji/buildinfo?buildID=21");
    assert_eq!(
        link(&heard(&[("a-1-1", BuildState::Complete)])),
        "https://koji.example.com/koji/builds?userID=mona"
    );
}

#[test]
fn while_the_menu_is_open_its_times_are_kept_true_and_not_longer() {
    let mut watch = heard(&[("a-1-1", BuildState::Complete)]);
    assert_eq!(watch.wake_at(), None);
    watch.step(time(600), Event::MenuOpened);
    let mut wakes = 0;
    while let Some(at) = watch.wake_at() {
        assert!(at.duration_since(time(600)) <= SignedDuration::from_mins(5), "{at}");
        watch.step(at, Event::Woke);
        wakes += 1;
        assert!(wakes <= 10, "it does not end");
    }
    assert_eq!(wakes, 10);
}

#[test]
fn the_history_stands_above_the_preferences() {
    let words = describe_menu(&watch());
    let at = |label| words.lines().position(|it| it.contains(label)).unwrap();
    assert_eq!(at("History…") + 1, at("Preferences…"), "{words}");
}

#[test]
fn without_a_window_the_history_is_the_page_of_my_builds() {
    let watch = watch();
    let page = |rules: &Rules| history::page(rules, &sites());
    let mut rules = watch.rules().clone();
    let mine = "https://koji.example.com/koji/builds?userID=mona";
    assert_eq!(page(&rules).as_deref(), Some(mine));
    for whose in rules.instances.values_mut() {
        whose.users = BTreeSet::from(["HTTP/host&x@EXAMPLE.COM".to_owned()]);
    }
    let odd = "https://koji.example.com/koji/builds?userID=HTTP%2Fhost%26x%40EXAMPLE%2ECOM";
    assert_eq!(page(&rules).as_deref(), Some(odd));
    for whose in rules.instances.values_mut() {
        whose.users.clear();
    }
    assert_eq!(page(&rules).as_deref(), Some("https://koji.example.com/koji"));
    assert_eq!(history::page(&rules, &BTreeMap::new()), None);
}
