//! What is said of a hub: calmly where a broker tells of builds, plainly where the hub is the line.

use super::*;
use crate::watch::{Ask, HubTrouble, Learned, Look, Looked, Unanswered};

const KINDS: [HubTrouble; 6] = [
    HubTrouble::Unreachable,
    HubTrouble::Closed,
    HubTrouble::Slow,
    HubTrouble::LoginRefused,
    HubTrouble::NoSuchUser,
    HubTrouble::Refused,
];

#[test]
fn a_closed_hub_stands_in_the_menu_and_nowhere_else() {
    let mut watch = asking();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    unanswered(&mut watch, 0, HubTrouble::Closed, "koji.example.com: ServerOffline");
    let menu = describe_menu(&watch);
    expect![[r#"
        No build is running
        Something is wrong >
            fedora: The hub is closed for now (since 17:40)
            You still hear of builds; progress and reasons come later
        --
        No results yet
        Follow what is on the clipboard
        --
    "#]]
    .assert_eq(menu.split_once("Notify me of").unwrap().0);
    let tray = tray::tray(&watch, &sites(), EVERYTHING, time(0));
    assert_eq!((tray.icon, &*tray.text), (Icon::Idle, ""));
    assert_eq!(tray.title, "Koji builds: No build is running");
    let status = status::status(&watch);
    let fedora = status.instances.first().unwrap();
    assert_eq!((&*fedora.link, &*fedora.text), ("up", "Connected"));
    assert_eq!(fedora.hub, "closed");
    assert_eq!(
        fedora.hub_text,
        "The hub is closed for now (koji.example.com: ServerOffline)"
    );
}

#[test]
fn trouble_that_a_person_has_to_mend_is_in_the_tooltip_too() {
    let mut watch = asking();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    unanswered(&mut watch, 0, HubTrouble::NoSuchUser, "mona");
    let tray = tray::tray(&watch, &sites(), EVERYTHING, time(0));
    assert_eq!(tray.text, "fedora: The hub knows no user of that name");
    assert_eq!(tray.icon, Icon::Idle);
}

#[test]
fn what_began_yesterday_has_its_day() {
    let mut watch = asking();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    unanswered(&mut watch, 0, HubTrouble::Unreachable, "");
    let menu = |second| {
        let mut words = String::new();
        describe_items(
            &menu::menu(&watch, &sites(), EVERYTHING, time(second)).items,
            0,
            &mut words,
        );
        words.lines().nth(2).unwrap().trim().to_owned()
    };
    assert_eq!(menu(3600), "fedora: The hub cannot be reached (since 17:40)");
    assert_eq!(
        menu(50_000),
        "fedora: The hub cannot be reached (since 2026-11-20 17:40)"
    );
}

#[test]
fn where_there_is_no_broker_the_hub_is_the_line() {
    let mut watch = polling();
    let stands = |watch: &Watch| {
        let status = status::status(watch);
        let it = status.instances.first().unwrap().clone();
        let (icon, summary) = (status::icon(watch).state(), status.summary);
        format!(
            "{icon}: {summary} | {} {} | {} {}\n",
            it.link, it.text, it.hub, it.hub_text
        )
    };
    let mut words = stands(&watch);
    watch.step(time(1), Event::Learned(fedora(), Learned::Looked(Looked::default())));
    words += &stands(&watch);
    unanswered(&mut watch, 61, HubTrouble::Slow, "koji.example.com");
    words += &stands(&watch);
    let menu = describe_menu(&watch);
    words += menu.split_once("--\n").unwrap().0;
    expect![[r#"
        offline: Connecting… | connecting Connecting… | waiting The hub has not answered yet
        idle: No build is running | up Connected | answers The hub answers
        offline: The hub takes too long to answer | down The hub takes too long to answer | slow The hub takes too long to answer (koji.example.com)
        The hub takes too long to answer
        Something is wrong >
            fedora: The hub takes too long to answer (since 17:41)
            Nothing needs to be done: koji-notify keeps trying
    "#]]
    .assert_eq(&words);
    assert_eq!(status::status(&watch).instances[0].last_answer, time(1).as_second());
}

#[test]
fn each_trouble_of_a_hub_has_a_sentence_and_advice() {
    let mut words = String::new();
    for kind in KINDS {
        let (with_bus, alone) = (trouble::hub_advice(kind, false), trouble::hub_advice(kind, true));
        writeln!(words, "{}\n    {with_bus}\n    {alone}", trouble::hub(kind)).unwrap();
    }
    expect![[r#"
        The hub cannot be reached
            You still hear of builds; progress and reasons come later
            Nothing needs to be done: koji-notify keeps trying
        The hub is closed for now
            You still hear of builds; progress and reasons come later
            Nothing needs to be done: koji-notify keeps trying
        The hub takes too long to answer
            You still hear of builds; progress and reasons come later
            Nothing needs to be done: koji-notify keeps trying
        The login to the hub did not work
            Check the login to the hub; with Kerberos, get a new ticket
            Check the login to the hub; with Kerberos, get a new ticket
        The hub knows no user of that name
            Check the user name in the configuration
            Check the user name in the configuration
        The hub gives no answer that can be used
            You still hear of builds; progress and reasons come later
            Nothing needs to be done: koji-notify keeps trying
    "#]]
    .assert_eq(&words);
}

#[test]
fn what_a_hub_says_stays_on_its_line() {
    let why = Unanswered {
        text: format!(" <b>\u{202e}no\n{}", "z".repeat(2000)),
        kind: HubTrouble::Refused,
    };
    let sentence = trouble::hub_in_full(&why);
    assert!(
        sentence.starts_with("The hub gives no answer that can be used (<b>nozzz"),
        "{sentence}"
    );
    assert!(sentence.chars().count() < 400);
}

fn unanswered(watch: &mut Watch, second: i64, kind: HubTrouble, text: &str) {
    let why = Unanswered {
        text: text.to_owned(),
        kind,
    };
    let ask = Ask::Look(Look::default());
    watch.step(time(second), Event::Learned(fedora(), Learned::Unanswered { ask, why }));
}

/// Returns a watch of an instance that has a hub and no broker.
fn polling() -> Watch {
    with_hub(false)
}

#[test]
fn a_bus_that_does_not_tell_what_it_should_is_named_with_the_build() {
    let mut watch = asking();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    for (second, build) in [(3600, 7), (3600 * 3, 8)] {
        let mut looked = Looked {
            asked: Some(time(second)),
            as_of: Some(time(second)),
            ..Looked::default()
        };
        let Change::Build(mut ended) = self::build("bash-5.3-1.fc43", BuildState::Complete, &[]) else {
            panic!("no build");
        };
        ended.build = Some(BuildId(build));
        ended.completed = Some(time(second - 1200));
        looked.changes.push(Change::Build(ended));
        watch.step(time(second), Event::Learned(fedora(), Learned::Looked(looked)));
    }
    let menu = describe_menu(&watch);
    let lines: Vec<_> = menu.lines().skip(1).take(3).map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "Something is wrong >",
            "fedora: The message broker did not tell of bash-5.3-1.fc43; the hub did",
            "You still hear of it, from the hub and later; tell the broker's administrators"
        ]
    );
    let status = status::status(&watch);
    let fedora = status.instances.first().unwrap();
    assert_eq!((&*fedora.link, &*fedora.unheard), ("up", "bash-5.3-1.fc43"));
    assert_eq!(
        fedora.text,
        "The message broker did not tell of bash-5.3-1.fc43; the hub did"
    );
}
