//! Words on screen, whole: what a person reads for what has happened.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks at the effects it is about")]

mod causes;
mod deeds;
mod hubs;
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::koji::{
    BuildChange, BuildId, BuildState, Change, Child, HubEvent, InstanceName, Nvr, Site, TagChange, TaskChange, TaskId,
    TaskState,
};
use crate::watch::{
    Delivery, Effect, Event, JournalTrouble, Link, News, Notice, NoticeId, PauseFor, Problem, Request, Rules, Standing,
    Story, Telling, Toggle, Trouble, Wanted, Watch, Whereabouts, Whose,
};

#[test]
fn a_finished_build() {
    check_cards(
        vec![build("bash-5.3-1.fc43", BuildState::Complete, &[])],
        expect![[r#"
            #1 normal transfer.complete
            bash-5.3-1.fc43 is built
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn a_failed_build_names_the_architectures_and_opens_the_log_of_one_that_failed() {
    let children = [
        (54, "aarch64", TaskState::Failed),
        (53, "x86_64", TaskState::Closed),
        (52, "s390x", TaskState::Closed),
    ];
    check_cards(
        vec![build("kernel-6.12-1.fc43", BuildState::Failed, &children)],
        expect![[r#"
            #1 normal stays transfer.error
            kernel-6.12-1.fc43 failed
            aarch64 failed; s390x and x86_64 built
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [log Open log] https://files.example.com/work/tasks/54/54/build.log
            [mute Mute package] mute kernel UntilTomorrow
        "#]],
    );
}

#[test]
fn a_failed_build_that_built_nowhere() {
    let children = [(54, "aarch64", TaskState::Failed), (53, "x86_64", TaskState::Canceled)];
    check_cards(
        vec![build("kernel-6.12-1.fc43", BuildState::Failed, &children)],
        expect![[r#"
            #1 normal stays transfer.error
            kernel-6.12-1.fc43 failed
            aarch64 failed
            rawhide, 12 min
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [log Open log] https://files.example.com/work/tasks/54/54/build.log
            [mute Mute package] mute kernel UntilTomorrow
        "#]],
    );
}

#[test]
fn a_scratch_build_is_called_one() {
    check_cards(
        vec![
            task("bash", TaskState::Failed),
            task("bash-5.3-1.fc43", TaskState::Closed),
        ],
        expect![[r#"
            #1 normal stays transfer.error
            bash failed
            The source RPM could not be built
            Scratch build, f43, 42 s
            [default Open task] https://koji.example.com/koji/taskinfo?taskID=900
            [open Open task] https://koji.example.com/koji/taskinfo?taskID=900
            [log Open log] https://files.example.com/work/tasks/901/901/build.log
            [mute Mute package] mute bash UntilTomorrow
            #1 again normal transfer.complete
            bash-5.3-1.fc43 is built
            Scratch build, f43, 42 s
            [default Open task] https://koji.example.com/koji/taskinfo?taskID=900
            [open Open task] https://koji.example.com/koji/taskinfo?taskID=900
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn a_task_that_tags_says_what_and_where_to() {
    let mut change = task("bash-5.3-1.fc43", TaskState::Failed);
    if let Change::Task(it) = &mut change {
        it.method = "tagBuild".to_owned();
        it.target = Some("f43-updates".to_owned());
        it.package = None;
        it.scratch = false;
        it.children.clear();
    }
    check_cards(
        vec![change],
        expect![[r#"
        #1 normal stays transfer.error
        tagBuild task 900 failed
        bash-5.3-1.fc43, f43-updates, 42 s
        [default Open task] https://koji.example.com/koji/taskinfo?taskID=900
        [open Open task] https://koji.example.com/koji/taskinfo?taskID=900
    "#]],
    );
}

#[test]
fn a_tagged_build() {
    let change = Change::Tag(TagChange {
        build: Some(BuildId(7)),
        nvr: Nvr::parse("bash-5.3-1.fc43").unwrap(),
        tag: Some("f43-updates".to_owned()),
        user: Some("bodhi".to_owned()),
        owner: Some("mona".to_owned()),
        added: true,
    });
    check_cards(
        vec![change],
        expect![[r#"
            #1 low transfer.complete
            bash-5.3-1.fc43 was tagged
            Now in f43-updates
            [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
            [mute Mute package] mute bash UntilTomorrow
        "#]],
    );
}

#[test]
fn a_task_that_builds_no_package_is_told_by_method_and_number() {
    let tell = |new| {
        let mut change = task("", new);
        if let Change::Task(it) = &mut change {
            it.method = "newRepo".to_owned();
            it.what = None;
            it.package = None;
            it.target = None;
            it.scratch = false;
            it.children.clear();
        }
        cards(vec![change])
            .iter()
            .map(|it| it.title.clone())
            .collect::<String>()
    };
    assert_eq!(tell(TaskState::Closed), "newRepo task 900 is done");
    assert_eq!(tell(TaskState::Failed), "newRepo task 900 failed");
    assert_eq!(tell(TaskState::Canceled), "newRepo task 900 was canceled");
}

#[test]
fn hostile_names_stay_text_on_one_line() {
    let mut change = build("x-1-1", BuildState::Complete, &[]);
    if let Change::Build(it) = &mut change {
        it.nvr.name = format!("<b>\u{202e}{{owner}}\n{}", "x".repeat(300));
        it.target = Some("f43\u{7}\u{2028}".to_owned());
    }
    let cards = cards(vec![change]);
    let card = cards.first().unwrap();
    assert!(card.title.starts_with("Built: <b>{owner}xxx"), "{}", card.title);
    assert!(card.title.chars().count() <= text::MAX_LINE);
    assert!(card.body.starts_with("f43, "), "{}", card.body);
}

#[test]
fn a_burst_is_told_by_outcome_failures_first() {
    let changes = (0..14).map(|n| {
        let state = if n % 4 == 3 {
            BuildState::Failed
        } else {
            BuildState::Complete
        };
        numbered(n, state)
    });
    let shown = cards(changes.collect());
    let last = shown.last().unwrap();
    expect![[r#"
        #6 normal stays transfer.error
        2 of 9 builds failed
        Failed: p7-1-1 and p11-1-1
        Built: p5-1-1, p6-1-1, p8-1-1, p9-1-1, p10-1-1 and 2 more
        [default Open Koji] https://koji.example.com/koji
    "#]]
    .assert_eq(&describe(last));
}

#[test]
fn a_digest_says_in_its_title_how_it_went() {
    use BuildState::{Canceled, Complete, Failed};
    let check = |states: [BuildState; 2], expected: &str| {
        let states = [Complete; 5].into_iter().chain(states);
        let changes = (0..).zip(states).map(|(n, state)| numbered(n, state));
        assert_eq!(cards(changes.collect()).last().unwrap().title, expected);
    };
    check([Complete, Complete], "2 builds finished");
    check([Failed, Failed], "2 builds failed");
    check([Complete, Failed], "1 of 2 builds failed");
    check([Complete, Canceled], "News about 2 builds");
}

#[test]
fn a_build_that_went_through_three_tags_is_one_build() {
    let tag = |tag: &str, added| {
        Change::Tag(TagChange {
            build: Some(BuildId(105)),
            nvr: Nvr::parse("p5-1-1").unwrap(),
            tag: Some(tag.to_owned()),
            user: None,
            owner: Some("mona".to_owned()),
            added,
        })
    };
    let mut changes: Vec<_> = (0..6).map(|n| numbered(n, BuildState::Complete)).collect();
    changes.extend([tag("f44-signing", true), tag("f44-signing", false), tag("f44", true)]);
    expect![[r#"
        #6 normal transfer.complete
        1 build finished
        Built: p5-1-1
        Tagged: p5-1-1
        Untagged: p5-1-1
        [default Open Koji] https://koji.example.com/koji
    "#]]
    .assert_eq(&describe(cards(changes).last().unwrap()));
}

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
                [ ] Play a sound
            Pause notifications >
                (x) Not paused
                ( ) For 30 minutes
                ( ) For 1 hour
                ( ) Until tomorrow
                ( ) Until I resume
            --
            [ ] Start at login
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
        package: "zsh".to_owned(),
        until: PauseFor::UntilResumed,
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
        --
        kernel-6.12-1.fc43 failed >
            aarch64 failed
            Open build
            Open log
            Copy name
        Mark failures as seen
        --
    "#]]
    .assert_eq(top);
    assert!(rest.contains("Muted packages >\n    Unmute zsh\n"), "{rest}");
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
        Not connected
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
        zone: TimeZone::UTC,
        live: true,
    });
    unconfigured.step(
        time(0),
        Event::ReloadFailed("config.toml:3: expected a table".to_owned()),
    );
    expect![[r#"
        Not connected
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
        The disk is full: after a restart, builds may be told of again
        No build is running
        The history cannot be written: after a restart, builds may be told of again
        No build is running
        Another program uses the history: after a restart, builds may be told of again
        No build is running
        The history is from a newer version of this program: after a restart, builds may
        be told of again
        No build is running
        The history was damaged; it begins anew, and the old one is kept as
        journal.sqlite.broken-20261121T223127Z
        No build is running
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
        configure: false,
    };
    let mut words = String::new();
    describe_items(&menu::menu(&watch(), &sites(), means, time(0)).items, 0, &mut words);
    assert!(!words.contains("Preferences") && !words.contains("login"), "{words}");
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

const EVERYTHING: Means = Means {
    copy: true,
    paste: true,
    configure: true,
};

fn check_cards(changes: Vec<Change>, expected: Expect) {
    let words: String = cards(changes).iter().map(describe).collect();
    expected.assert_eq(&words);
}

fn check_menu(watch: &Watch, expected: Expect) {
    expected.assert_eq(&describe_menu(watch));
}

/// Returns the cards that the changes lead to, within an hour.
fn cards(changes: Vec<Change>) -> Vec<Card> {
    let mut watch = watch();
    watch.step(time(0), Event::Asked(Request::Switch(Toggle::Tagged, true)));
    let mut effects = Vec::new();
    for (n, change) in changes.into_iter().enumerate() {
        for effect in watch.step(time(0), Event::Heard(news(n as u64, change))) {
            if let Effect::Show(notice) = &effect {
                watch.step(time(0), Event::Shown(notice.id, crate::watch::Outcome::Taken));
            }
            effects.push(effect);
        }
    }
    effects.extend(watch.step(time(3600), Event::Woke));
    shown(effects)
}

/// Returns the cards that are to be shown.
fn shown(effects: Vec<Effect>) -> Vec<Card> {
    let card = |effect| match effect {
        Effect::Show(notice) => Some(card::card(&notice, &sites())),
        _ => None,
    };
    effects.into_iter().filter_map(card).collect()
}

fn card_telling(telling: Telling) -> Card {
    let notice = Notice {
        id: NoticeId(1),
        replaces: false,
        telling,
        sound: false,
    };
    card::card(&notice, &sites())
}

fn describe(card: &Card) -> String {
    let again = if card.replaces { " again" } else { "" };
    let stays = if card.expires { "" } else { " stays" };
    let urgency = card.urgency.as_str();
    let mut words = format!(
        "#{}{again} {urgency}{stays} {}\n{}\n",
        card.notice, card.category, card.title
    );
    for line in card.body.lines() {
        writeln!(words, "{line}").unwrap();
    }
    for action in &card.actions {
        let does = match &action.request {
            Request::Open { link, .. } => link.clone(),
            Request::Mute { package, until } => format!("mute {package} {until:?}"),
            other => format!("{other:?}"),
        };
        writeln!(words, "[{} {}] {does}", action.key, action.label).unwrap();
    }
    words
}

fn describe_menu(watch: &Watch) -> String {
    let mut words = String::new();
    describe_items(&menu::menu(watch, &sites(), EVERYTHING, time(0)).items, 0, &mut words);
    words
}

fn describe_items(items: &[Item], depth: usize, words: &mut String) {
    let indent = "    ".repeat(depth);
    for item in items {
        match item {
            Item::Separator => writeln!(words, "{indent}--").unwrap(),
            Item::Text(label) | Item::Entry { label, .. } => writeln!(words, "{indent}{label}").unwrap(),
            Item::Check { label, on, .. } => {
                let mark = if *on { "x" } else { " " };
                writeln!(words, "{indent}[{mark}] {label}").unwrap();
            }
            Item::Radio { selected, options } => {
                for (n, (label, _)) in options.iter().enumerate() {
                    let mark = if *selected == Some(n) { "x" } else { " " };
                    writeln!(words, "{indent}({mark}) {label}").unwrap();
                }
            }
            Item::Submenu { label, items } => {
                writeln!(words, "{indent}{label} >").unwrap();
                describe_items(items, depth + 1, words);
            }
        }
    }
}

/// Returns a change of one of many builds.
fn numbered(n: u64, state: BuildState) -> Change {
    let mut change = build(&format!("p{n}-1-1"), state, &[]);
    if let Change::Build(it) = &mut change {
        it.build = Some(BuildId(100 + n));
    }
    change
}

fn build(nvr: &str, new: BuildState, children: &[(u64, &str, TaskState)]) -> Change {
    let child = |(task, arch, state): &(u64, &str, TaskState)| Child {
        task: TaskId(*task),
        method: "buildArch".to_owned(),
        arch: (*arch).to_owned(),
        state: Some(*state),
    };
    Change::Build(BuildChange {
        build: Some(BuildId(7)),
        nvr: Nvr::parse(nvr).unwrap(),
        old: Some(BuildState::Building),
        new,
        owner: Some("mona".to_owned()),
        task: Some(TaskId(50)),
        target: Some("rawhide".to_owned()),
        started: Some(time(0) - SignedDuration::from_mins(12)),
        created: None,
        completed: new.is_settled().then(|| time(0)),
        children: children.iter().map(child).collect(),
    })
}

fn task(what: &str, new: TaskState) -> Change {
    let child = Child {
        task: TaskId(901),
        method: "buildSRPMFromSCM".to_owned(),
        arch: "srpm".to_owned(),
        state: Some(new),
    };
    Change::Task(TaskChange {
        task: TaskId(900),
        method: "build".to_owned(),
        old: Some(TaskState::Open),
        new,
        owner: Some("mona".to_owned()),
        what: Some(what.to_owned()),
        package: Some("bash".to_owned()),
        target: Some("f43".to_owned()),
        scratch: true,
        created: None,
        started: Some(time(0) - SignedDuration::from_secs(42)),
        completed: Some(time(0)),
        children: vec![child],
    })
}

fn news(number: u64, change: Change) -> News {
    News {
        instance: fedora(),
        delivery: Some(Delivery {
            instance: fedora(),
            connection: 1,
            tag: number,
        }),
        message: Some(number.to_string()),
        sent: Some(time(0)),
        owner: None,
        event: HubEvent::Changed(change),
    }
}

fn watch() -> Watch {
    Watch::new(rules(Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        bus: true,
        ..Whose::default()
    }))
}

/// Returns a watch whose instance has a broker and a hub that knows us.
fn asking() -> Watch {
    with_hub(true)
}

fn with_hub(bus: bool) -> Watch {
    let rules = rules(Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        packages: BTreeSet::new(),
        bus,
        hub: true,
        logs_in: true,
        ..Whose::default()
    });
    let mut watch = Watch::new(rules.clone());
    watch.step(time(0), Event::Reloaded(rules));
    watch
}

fn rules(whose: Whose) -> Rules {
    Rules {
        wanted: Wanted::default(),
        instances: BTreeMap::from([(fedora(), whose)]),
        zone: TimeZone::fixed(jiff::tz::offset(1)),
        live: true,
    }
}

fn sites() -> BTreeMap<InstanceName, Site> {
    let site = Site {
        weburl: Some("https://koji.example.com/koji".to_owned()),
        topurl: Some("https://files.example.com".to_owned()),
    };
    BTreeMap::from([(fedora(), site)])
}

fn fedora() -> InstanceName {
    InstanceName::new("fedora")
}

fn time(second: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T16:40:00Z".parse().unwrap();
    start + SignedDuration::from_secs(second)
}
