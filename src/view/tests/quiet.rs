//! Why nothing pops up, where a person looks for it.

use jiff::civil;

use super::*;
use crate::koji::Subject;
use crate::view::{quiet, status, tray};
use crate::watch::Reason;
use crate::watch::quiet::Hours;

fn texts(watch: &Watch) -> (Vec<Item>, String) {
    let tray = tray::tray(watch, &sites(), EVERYTHING, time(0));
    let before = |it: &&Item| **it != Item::Separator;
    let top = tray.menu.items.iter().take_while(before).cloned().collect();
    (top, tray.text)
}

#[test]
fn a_reason_stands_below_the_summary_and_in_the_tooltip() {
    let mut watch = watch();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    watch.step(time(0), Event::QuietChanged(Reason::Locked, true));
    let failed = build("bash-5.3-1.fc43", BuildState::Failed, &[]);
    watch.step(time(0), Event::Heard(news(1, failed)));
    let (top, tooltip) = texts(&watch);
    let lines = [
        "1 build failed",
        "Quiet: the screen is locked",
        "1 notification is held back",
    ];
    assert_eq!(top, lines.map(|it| Item::Text(it.to_owned())));
    assert_eq!(tooltip, "Quiet: the screen is locked\n1 notification is held back");
    assert_eq!(status::icon(&watch), Icon::Failed);
    let status = status::status(&watch);
    assert_eq!(status.quiet, ["locked"]);
    assert_eq!(
        (status.quiet_text.as_str(), status.held),
        ("Quiet: the screen is locked", 1)
    );

    watch.step(time(0), Event::QuietChanged(Reason::Locked, false));
    let (top, tooltip) = texts(&watch);
    assert_eq!((top.len(), tooltip.as_str()), (1, ""));
    let status = status::status(&watch);
    assert_eq!(
        (status.quiet.len(), status.quiet_text.as_str(), status.held),
        (0, "", 0)
    );
}

#[test]
fn what_a_person_did_is_named_first() {
    let mut rules = watch().rules().clone();
    let at = |hour| civil::time(hour, 0, 0, 0);
    rules.quiet.hours = vec![Hours {
        from: at(9),
        until: at(22),
    }];
    rules.quiet.idle = true;
    let mut watch = Watch::new(rules);
    watch.step(time(0), Event::Woke);
    let said = |watch: &Watch| quiet::sentence(watch).unwrap_or_default();
    assert_eq!(said(&watch), "Quiet hours until 22:00");
    let reasons = [
        (Reason::Idle, "Quiet: you are away"),
        (Reason::Locked, "Quiet: the screen is locked"),
        (Reason::Presentation, "Quiet: presentation mode is on"),
        (Reason::DoNotDisturb, "Quiet: the desktop is set to do not disturb"),
    ];
    for (reason, sentence) in reasons {
        watch.step(time(0), Event::QuietChanged(reason, true));
        assert_eq!(said(&watch), sentence);
    }
    watch.step(time(0), Event::Asked(Request::Pause(PauseFor::UntilResumed)));
    assert_eq!(said(&watch), "");
    let names = ["paused", "do-not-disturb", "presentation", "locked", "idle", "hours"];
    assert_eq!(status::status(&watch).quiet, names);
    assert_eq!(status::summary(&watch), "Notifications are paused");
}

#[test]
fn what_is_muted_is_listed_with_its_end_and_its_undoing() {
    let mut watch = watch();
    let at = |second| MuteFor::At(time(second));
    let subject = |it| Muting::Subject(fedora(), it);
    let mutes = [
        (Muting::Package("bash".to_owned()), MuteFor::Fixed),
        (
            Muting::Package("zsh".to_owned()),
            MuteFor::Lasting(PauseFor::UntilResumed),
        ),
        (Muting::Tag("f43\u{1b}".to_owned()), at(2 * 24 * 3600)),
        (subject(Subject::Task(TaskId(4711))), MuteFor::Ends),
        (Muting::ButFailures, at(3600)),
    ];
    for (muting, until) in mutes {
        watch.step(time(0), Event::Asked(Request::Mute { muting, until }));
    }
    let menu = tray::tray(&watch, &sites(), EVERYTHING, time(0)).menu;
    let muted = menu.items.iter().find_map(|it| match it {
        Item::Submenu { label, items } if label == "Muted" => Some(items),
        _ => None,
    });
    let labels: Vec<_> = muted
        .unwrap()
        .iter()
        .map(|it| match it {
            Item::Entry {
                label,
                request: Request::Unmute(_),
            } => label.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        "Tell of everything again (muted until 18:40)",
        "Unmute bash (muted until it is fixed)",
        "Unmute zsh",
        "Unmute the tag f43 (muted until 2026-11-22)",
        "Unmute 4711",
    ];
    assert_eq!(labels, expected);
    let status = status::status(&watch);
    assert_eq!(status.muted, ["bash", "zsh"]);
    let told: Vec<_> = status
        .mutes
        .iter()
        .map(|it| (&*it.kind, &*it.what, &*it.instance, &*it.until, it.time != 0))
        .collect();
    let expected = [
        ("but-failures", "", "", "time", true),
        ("package", "bash", "", "fixed", false),
        ("package", "zsh", "", "undone", false),
        ("tag", "f43\u{1b}", "", "time", true),
        ("build", "4711", "fedora", "ends", false),
    ];
    assert_eq!(told, expected);
}
