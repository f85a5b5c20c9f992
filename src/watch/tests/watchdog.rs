//! Lines that are up and bring nothing.

use super::hub::hub_watch;
use super::*;

#[test]
fn a_bus_that_does_not_tell_what_the_hub_tells_is_doubted() {
    let mut watch = hub_watch();
    // Nothing for days is no reason.
    assert_eq!(doubts(&mut watch, "up\nwoke\nlooked 0\nat 200000\nwoke"), 0);
    assert_eq!(
        doubts(
            &mut watch,
            "at 200300\nlooked 200300 asked=200300 ; build 7 bash-5.3-1.fc43 FAILED mona at=200100"
        ),
        0
    );
    // Its message may still come.
    assert_eq!(watch.next_doubt(), Some(time(200_100 + 600)));
    assert_eq!(doubts(&mut watch, "at 200699\nwoke"), 0);
    assert_eq!(doubts(&mut watch, "at 200700\nwoke"), 1);
    assert_eq!(watch.unheard(&fedora()), None, "that it does not help is not known yet");
    assert_eq!(watch.next_doubt(), None);
}

#[test]
fn a_bus_that_tells_it_late_or_tells_something_later_is_not_doubted() {
    let ended = "up\nwoke\nat 1000\nlooked 1000 asked=1000 ; build 7 bash-5.3-1.fc43 FAILED mona at=990";
    for told in [
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=990",
        "heard 1 build 8 zsh-5.9-1.fc43 ->BUILDING bob",
    ] {
        let mut watch = hub_watch();
        assert_eq!(doubts(&mut watch, ended), 0);
        assert!(watch.next_doubt().is_some());
        assert_eq!(doubts(&mut watch, &format!("at 1500\n{told}\nat 9000\nwoke")), 0);
    }
    // Nor one that told first.
    let mut watch = hub_watch();
    doubts(
        &mut watch,
        "up\nwoke\nat 990\nheard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=990
         at 1000\nlooked 1000 asked=1000 ; build 7 bash-5.3-1.fc43 FAILED mona at=990",
    );
    assert_eq!(watch.next_doubt(), None);
    // A tag is by another binding, and proves nothing.
    let mut watch = hub_watch();
    doubts(
        &mut watch,
        &format!("{ended}\nheard 1 tag 7 bash-5.3-1.fc43 f43 mona ->"),
    );
    assert!(watch.next_doubt().is_some());
}

#[test]
fn what_ended_while_the_line_was_down_is_nobodys_fault() {
    let mut watch = hub_watch();
    doubts(&mut watch, "woke\nlooked 0\nat 1000\nup\nwoke");
    let before = "looked 1005 asked=1005 ; build 7 bash-5.3-1.fc43 FAILED mona at=990";
    doubts(&mut watch, &format!("at 1005\n{before}"));
    assert_eq!(watch.next_doubt(), None);
    // The hub's clock is an hour ahead; only distances count.
    let ahead = "looked 5700 asked=5700 ; build 8 zsh-5.9-1.fc43 FAILED mona at=5690";
    doubts(&mut watch, &format!("at 2100\nwoke\n{ahead}"));
    assert_eq!(watch.next_doubt(), Some(time(2090 + 600)));
    // The line goes down before that: what there was to say is asked of the hub.
    doubts(&mut watch, "at 2200\ndown\nat 2300\nup");
    assert_eq!(watch.next_doubt(), None);
}

#[test]
fn doubts_are_rare_and_ever_rarer_and_end_with_a_word_of_the_bus() {
    let mut watch = hub_watch();
    doubts(&mut watch, "up\nwoke\nlooked 0");
    let mut at = Vec::new();
    let mut now = 1000;
    let end = 3 * 24 * 3600;
    let mut build = 10;
    while now < end {
        build += 1;
        let look = format!(
            "at {now}\nwoke\nlooked {now} asked={now} ; build {build} a-{build}-1 FAILED mona at={}",
            now - 5
        );
        if doubts(&mut watch, &look) > 0 {
            at.push(now);
        }
        now += 300;
    }
    let waits: Vec<_> = at.windows(2).map(|it| (it[1] - it[0]) / 60).collect();
    assert!(waits[0] >= 30, "{waits:?}");
    assert!(
        waits.windows(2).all(|it| it[1] >= it[0] * 2 || it[1] >= 12 * 60),
        "{waits:?}"
    );
    assert!(waits.len() >= 5 && waits.len() < 12, "{waits:?}");
    let unheard = watch.unheard(&fedora()).map(ToString::to_string);
    assert!(unheard.as_ref().is_some_and(|it| it.starts_with("a-")), "{unheard:?}");

    doubts(
        &mut watch,
        &format!("at {end}\nheard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona"),
    );
    assert_eq!(watch.unheard(&fedora()), None);
    assert_eq!(watch.next_doubt(), None);
}

#[test]
fn a_site_that_lets_nothing_of_builds_through_is_not_doubted() {
    let mut watch = hub_watch();
    for whose in watch.rules.instances.values_mut() {
        whose.deaf_to_builds = true;
    }
    let script =
        "up\nwoke\nat 1000\nlooked 1000 asked=1000 ; build 7 bash-5.3-1.fc43 FAILED mona at=990\nat 9000\nwoke";
    assert_eq!(doubts(&mut watch, script), 0);
}

proptest! {
    /// However clocks jump, no two doubts of one line are closer than half an hour, and the watch never wakes for nothing.
    #[test]
    fn no_line_is_doubted_twice_within_half_an_hour(steps in prop::collection::vec((0..4_u8, 1..4000_i64), 1..60)) {
        let mut watch = hub_watch();
        run(&mut watch, "up\nwoke\nlooked 0");
        let (mut now, mut last) = (0, None::<i64>);
        for (kind, pass) in steps {
            now += pass;
            let script = match kind {
                0 => format!("at {now}\nwoke"),
                1 => format!("at {now}\ndown\nup"),
                2 => format!("at {now}\nwoke\nlooked {now} asked={now} ; build {now} a-{now}-1 FAILED mona at={}", now - 1),
                _ => format!("at {now}\nwoke\nlooked {now} asked={now} ; build {now} a-{now}-1 FAILED mona at={}", now - 900),
            };
            if doubts(&mut watch, &script) > 0 {
                prop_assert!(last.is_none_or(|it| now - it >= 1800), "{:?} {}", last, now);
                last = Some(now);
            }
            prop_assert!(watch.next_doubt().is_none_or(|it| it > time(now)));
        }
    }
}

/// Runs a script and returns how often a line was doubted.
fn doubts(watch: &mut Watch, script: &str) -> usize {
    run(watch, script).lines().filter(|it| *it == "doubt").count()
}

#[test]
fn only_what_the_hub_does_not_tell_is_read_again() {
    let check = |archive, hub, tagged, expected: Option<bool>| {
        let mut watch = hub_watch();
        for whose in watch.rules.instances.values_mut() {
            (whose.archive, whose.hub) = (archive, hub);
        }
        watch.rules.wanted.tagged = tagged;
        let effects = watch.step(time(7200), Event::Missed(fedora(), time(3600)));
        let read = effects.into_iter().find_map(|it| match it {
            Effect::ReadAgain(_, missed) => Some(missed),
            _ => None,
        });
        if let Some(missed) = &read {
            assert_eq!(missed.since, time(3600 - 120));
            assert_eq!(missed.interest, watch.rules.interest(&fedora()));
        }
        assert_eq!(read.map(|it| it.tags_only), expected);
    };
    check(true, true, true, Some(true));
    check(true, true, false, None);
    check(true, false, false, Some(false));
    check(false, false, true, None);
}

#[test]
fn what_an_archive_has_kept_is_told_once_and_its_copy_from_the_bus_is_acknowledged() {
    let mut watch = watch();
    watch.rules.wanted.tagged = true;
    let mut filed = heard(time(0), &["1", "tag", "7", "bash-5.3-1.fc43", "f43", "mona"]);
    filed.delivery = None;
    let told: Vec<_> = watch.step(time(60), Event::Heard(filed.clone()));
    let told: Vec<_> = told.iter().map(describe).collect();
    expect![[r#"
        show #1 Tagged("f43") bash-5.3-1.fc43 COMPLETE my-tags
    "#]]
    .assert_eq(&told.join("\n"));
    assert_eq!(watch.lines()[&fedora()].heard, 0);
    let copy = run(&mut watch, "at 70\nheard 1 tag 7 bash-5.3-1.fc43 f43 mona\nrecorded 1");
    expect![[r#"
        record 1
        acknowledge 1
    "#]]
    .assert_eq(&copy);
    // An archive is not the bus.
    assert_eq!(watch.lines()[&fedora()].last_heard, Some(time(70)));
}

#[test]
fn what_was_said_while_nothing_ran_is_read_again_once() {
    let mut watch = watch();
    for whose in watch.rules.instances.values_mut() {
        (whose.archive, whose.hub) = (true, true);
    }
    watch.rules.wanted.tagged = true;
    let resumed = Resumed {
        contacts: BTreeMap::from([(fedora(), time(-3600))]),
        ..Resumed::default()
    };
    watch.step(time(0), Event::Resumed(Box::new(resumed)));
    let mut ups = |at| {
        watch.step(time(at), Event::LinkChanged(fedora(), Link::Connecting));
        let effects = watch.step(time(at), Event::LinkChanged(fedora(), Link::Up));
        let read = effects.into_iter().filter_map(|it| match it {
            Effect::ReadAgain(_, missed) => Some(missed.since),
            _ => None,
        });
        read.collect::<Vec<_>>()
    };
    assert_eq!(ups(10), [time(-3600 - 120)]);
    // From here on the source says what it has missed.
    assert_eq!(ups(20), []);
}

#[test]
fn while_an_archive_is_read_nothing_newer_is_on_record_as_heard() {
    let mut watch = hub_watch();
    for whose in watch.rules.instances.values_mut() {
        (whose.archive, whose.hub) = (true, false);
    }
    assert_eq!(
        contacts(&mut watch, "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona"),
        1
    );
    watch.step(time(100), Event::Missed(fedora(), time(50)));
    assert_eq!(
        contacts(
            &mut watch,
            "at 110\nheard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona"
        ),
        0
    );
    assert_eq!(
        contacts(
            &mut watch,
            "at 800\nheard 3 build 9 grep-3-1.fc43 BUILDING->FAILED mona"
        ),
        1
    );
}

/// Returns how often a script puts on record that something was heard.
fn contacts(watch: &mut Watch, script: &str) -> usize {
    let mut seen = 0;
    run_and_keep(watch, script, &mut |record| {
        seen += record.keeps.iter().filter(|it| matches!(it, Keep::Contact(..))).count();
    });
    seen
}
