//! What is held while it is quiet, and what is told afterwards.

use jiff::civil;

use super::*;
use crate::watch::quiet::{Day, Hours};

#[test]
fn a_locked_screen_holds_everything_and_its_end_sums_up() {
    check(
        "quiet locked on
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
         quiet locked off
         heard 3 build 9 mc-4.8-1.fc43 BUILDING->COMPLETE mona",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            announce zsh-5.9-1.fc43 COMPLETE
            record 2
            show #1 digest bash-5.3-1.fc43 FAILED, zsh-5.9-1.fc43 COMPLETE
            announce mc-4.8-1.fc43 COMPLETE
            show #2 Finished mc-4.8-1.fc43 COMPLETE my-builds
            record 3
        "#]],
    );
}

#[test]
fn only_the_last_reason_ends_it_and_one_thing_needs_no_digest() {
    check(
        "quiet do-not-disturb on
         asked pause 30
         quiet locked on
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         quiet locked off
         quiet locked off
         quiet do-not-disturb off
         at 1800
         woke",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        "#]],
    );
    check(
        "asked pause 30
         quiet do-not-disturb on
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         asked resume
         quiet do-not-disturb off",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        "#]],
    );
}

#[test]
fn what_is_no_reason_by_the_rules_holds_nothing_and_what_was_one_ends_with_its_rule() {
    check(
        "quiet idle on
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
        "#]],
    );
    let mut watch = watch();
    let told = run(
        &mut watch,
        "quiet locked on
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona",
    );
    assert!(!told.contains("show"), "{told}");
    assert_eq!((watch.quiet(), watch.held()), (BTreeSet::from([Reason::Locked]), 1));
    let mut other = rules(TimeZone::UTC);
    other.quiet.locked = false;
    let effects = watch.step(time(60), Event::Reloaded(other));
    assert!(effects.iter().any(|it| matches!(it, Effect::Show(_))), "{effects:?}");
    assert_eq!((watch.quiet(), watch.held()), (BTreeSet::new(), 0));
}

#[test]
fn a_burst_that_is_held_when_it_becomes_quiet_is_told_after_it() {
    let mut watch = watch();
    let told = run(
        &mut watch,
        "burst 1 7
         quiet locked on
         burst 20 2
         at 600
         woke
         quiet locked off
         at 660
         woke",
    );
    let shown: Vec<_> = told.lines().collect();
    assert_eq!(shown.len(), 7, "{told}");
    let digests: Vec<_> = shown.iter().skip(5).collect();
    let all: String = digests.iter().map(|it| it.to_string() + "\n").collect();
    for package in ["p6", "p7", "p20", "p21"] {
        assert_eq!(all.matches(&format!("{package}-1-1")).count(), 1, "{told}");
    }
}

#[test]
fn a_person_is_answered_however_quiet_it_is() {
    check(
        "quiet locked on
         at 1
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         asked pause resumed
         pasted nothing",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            show #1 following nothing
        "#]],
    );
}

fn at_night(failures_pass: bool) -> Watch {
    let mut rules = rules(TimeZone::UTC);
    let at = |hour, minute| civil::time(hour, minute, 0, 0);
    // The stories begin on a Wednesday at 11:06:40.
    rules.quiet.hours = vec![Hours {
        from: at(11, 20),
        until: at(7, 0),
    }];
    rules.quiet.days = BTreeSet::from([Day::of(time(0).to_zoned(TimeZone::UTC).date())]);
    rules.quiet.failures_pass = failures_pass;
    Watch::new(rules)
}

#[test]
fn quiet_hours_come_and_go_by_themselves() {
    let mut watch = at_night(false);
    let told = run(
        &mut watch,
        "heard 1 build 6 a-1-1 BUILDING->FAILED mona
         at 1200
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 3 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona",
    );
    expect![[r#"
        announce a-1-1 FAILED
        show #1 Failed a-1-1 FAILED my-builds
        record 1
        announce bash-5.3-1.fc43 FAILED
        record 2
        announce zsh-5.9-1.fc43 COMPLETE
        record 3
    "#]]
    .assert_eq(&told);
    assert_eq!(watch.quiet(), BTreeSet::from([Reason::Hours]));
    let morning: Timestamp = "2026-11-19T07:00:00Z".parse().unwrap();
    assert_eq!((watch.wake_at(), watch.hours_until()), (Some(morning), Some(morning)));
    // The computer slept, and news is the first thing that happens afterwards: what was held comes before it.
    let told = run(
        &mut watch,
        "at 71700
         heard 4 build 9 mc-4.8-1.fc43 BUILDING->COMPLETE mona",
    );
    expect![[r#"
        show #2 digest bash-5.3-1.fc43 FAILED, zsh-5.9-1.fc43 COMPLETE
        announce mc-4.8-1.fc43 COMPLETE
        show #3 Finished mc-4.8-1.fc43 COMPLETE my-builds
        record 4
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_failure_of_mine_may_pass_through_the_night_and_nothing_else() {
    let mut watch = at_night(true);
    let told = run(
        &mut watch,
        "at 1200
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 kernel-6.1-1.fc43 BUILDING->FAILED bob
         heard 3 build 9 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
         quiet locked on
         heard 4 build 10 mc-4.8-1.fc43 BUILDING->FAILED mona
         quiet locked off
         at 71600
         woke",
    );
    expect![[r#"
        announce bash-5.3-1.fc43 FAILED
        show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        record 1
        announce kernel-6.1-1.fc43 FAILED
        record 2
        announce zsh-5.9-1.fc43 COMPLETE
        record 3
        announce mc-4.8-1.fc43 FAILED
        record 4
        show #2 Failed mc-4.8-1.fc43 FAILED my-builds
        show #3 digest kernel-6.1-1.fc43 FAILED, zsh-5.9-1.fc43 COMPLETE
    "#]]
    .assert_eq(&told);
}

/// The night from 11:20 lets failures pass; what else held them is over within it.
#[test]
fn what_fails_behind_a_lock_is_told_when_that_ends_in_hours_that_let_it_pass() {
    let expected = expect![[r#"
        announce bash-5.3-1.fc43 FAILED
        record 1
        announce kernel-6.1-1.fc43 FAILED
        record 2
        announce zsh-5.9-1.fc43 COMPLETE
        record 3
        announce mc-4.8-1.fc43 FAILED
        record 4
        show #1 digest bash-5.3-1.fc43 FAILED, mc-4.8-1.fc43 FAILED
        announce sed-4.9-1.fc43 COMPLETE
        record 5
        show #2 digest kernel-6.1-1.fc43 FAILED, zsh-5.9-1.fc43 COMPLETE, sed-4.9-1.fc43 COMPLETE
    "#]];
    for (begins, ends) in [
        ("quiet locked on", "quiet locked off"),
        ("asked pause 60", "asked resume"),
        ("asked pause 1", "at 1400\nwoke"),
    ] {
        let script = format!(
            "at 1200
             {begins}
             heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
             heard 2 build 8 kernel-6.1-1.fc43 BUILDING->FAILED bob
             heard 3 build 9 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
             heard 4 build 10 mc-4.8-1.fc43 BUILDING->FAILED mona
             {ends}
             heard 5 build 11 sed-4.9-1.fc43 BUILDING->COMPLETE mona
             at 71600
             woke"
        );
        expected.assert_eq(&run(&mut at_night(true), &script));
    }
}

#[test]
fn a_server_that_hangs_keeps_no_failure_until_the_hours_end() {
    let mut watch = at_night(true);
    let told = run(
        &mut watch,
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona
         at 1200
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         lost 1
         lost 2
         at 1261
         woke
         taken 2
         at 71600
         woke",
    );
    expect![[r#"
        announce bash-5.3-1.fc43 COMPLETE
        show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
        record 1
        announce zsh-5.9-1.fc43 FAILED
        show #2 Failed zsh-5.9-1.fc43 FAILED my-builds
        record 2
        show #2 Failed zsh-5.9-1.fc43 FAILED my-builds
        show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
    "#]]
    .assert_eq(&told);
}

#[test]
fn of_what_waits_as_one_digest_only_the_failures_pass() {
    let mut watch = at_night(true);
    let told = run(
        &mut watch,
        "burst 1 6
         at 61
         heard 1 build 50 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 51 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
         at 122
         woke
         at 1200
         lost 6
         lost 7
         at 1261
         woke
         at 71600
         woke",
    );
    expect![[r#"
        show #1 Finished p1-1-1 COMPLETE my-builds
        show #2 Finished p2-1-1 COMPLETE my-builds
        show #3 Finished p3-1-1 COMPLETE my-builds
        show #4 Finished p4-1-1 COMPLETE my-builds
        show #5 Finished p5-1-1 COMPLETE my-builds
        announce bash-5.3-1.fc43 FAILED
        show #6 digest p6-1-1 COMPLETE, bash-5.3-1.fc43 FAILED
        record 1
        announce zsh-5.9-1.fc43 COMPLETE
        record 2
        show #7 Finished zsh-5.9-1.fc43 COMPLETE my-builds
        show #8 Failed bash-5.3-1.fc43 FAILED my-builds
        show #6 digest p6-1-1 COMPLETE
        show #7 Finished zsh-5.9-1.fc43 COMPLETE my-builds
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_clock_that_is_set_back_or_a_zone_that_changes_asks_for_the_hours_anew() {
    let mut watch = at_night(false);
    run(&mut watch, "at 1200\nwoke");
    assert_eq!(watch.quiet(), BTreeSet::from([Reason::Hours]));
    run(&mut watch, "at 0\nwoke");
    assert_eq!(watch.quiet(), BTreeSet::new());
    let mut east = watch.rules().clone();
    east.zone = TimeZone::fixed(jiff::tz::offset(1));
    watch.step(time(0), Event::Reloaded(east));
    assert_eq!(watch.quiet(), BTreeSet::from([Reason::Hours]));
    for (hours, is_quiet) in [(0, false), (1, true), (-1, false)] {
        let zone = TimeZone::fixed(jiff::tz::offset(hours));
        watch.step(time(0), Event::ZoneChanged(zone.clone()));
        assert_eq!(watch.quiet().contains(&Reason::Hours), is_quiet, "{hours}");
        assert_eq!(watch.rules().zone, zone);
    }
}

#[test]
fn nothing_is_told_before_the_desktop_has_had_a_moment_to_say_how_it_is() {
    check(
        "desktop asked
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         quiet locked on
         desktop answered
         at 2
         woke
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         quiet locked off",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            announce zsh-5.9-1.fc43 FAILED
            record 2
            show #1 digest bash-5.3-1.fc43 FAILED, zsh-5.9-1.fc43 FAILED
        "#]],
    );
    // Nothing is locked; or nobody says how it is.
    for known in ["desktop answered", "at 2\nwoke"] {
        let mut watch = watch();
        let script = "desktop asked
                      heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
                      heard 2 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona";
        let told = run(&mut watch, script);
        assert!(!told.contains("show"), "{told}");
        assert_eq!((watch.quiet(), watch.wake_at()), (BTreeSet::new(), Some(time(2))));
        // Each by itself, as if nothing had held it.
        assert_eq!(
            run(&mut watch, known),
            "show #1 Failed bash-5.3-1.fc43 FAILED my-builds\nshow #2 Finished zsh-5.9-1.fc43 COMPLETE my-builds\n"
        );
        assert_eq!(run(&mut watch, "desktop answered"), "");
    }
}

#[test]
fn the_summary_of_an_absence_waits_for_the_desktop_and_stays_one() {
    let script = |locked, known| {
        format!(
            "resumed -7200
             desktop asked
             woke
             looked 0 ; build 7 bash-5.3-1.fc43 FAILED mona at=-3000 ; build 8 zsh-5.9-1.fc43 COMPLETE mona at=-2000
             quiet locked {locked}
             {known}"
        )
    };
    for known in ["desktop answered", "at 2\nwoke"] {
        let mut watch = hub::hub_watch();
        let told = run(&mut watch, &script("off", known));
        let shown: Vec<_> = told.lines().filter(|it| it.contains("show")).collect();
        assert_eq!(
            shown,
            ["show #1 away digest bash-5.3-1.fc43 FAILED, zsh-5.9-1.fc43 COMPLETE"],
            "{told}"
        );
        let mut watch = hub::hub_watch();
        let told = run(&mut watch, &script("on", known));
        assert!(!told.contains("show"), "{told}");
        assert_eq!(watch.held(), 2);
    }
}

proptest! {
    /// Whatever comes and goes: nothing is shown while there is a reason, and nothing is lost by it.
    #[test]
    fn nothing_is_told_while_it_is_quiet_and_all_of_it_afterwards(
        events in prop::collection::vec((0..4_usize, any::<bool>(), 0..600_i64), 1..40),
    ) {
        let mut watch = watch();
        let (mut now, mut told, mut heard) = (0, Vec::new(), 0);
        let reasons = [Reason::DoNotDisturb, Reason::Locked, Reason::Presentation];
        let last = reasons.map(|it| Event::QuietChanged(it, false)).into_iter().chain([Event::Woke, Event::Woke]);
        let last = last.map(|it| (it, 120));
        let events = events.into_iter().map(|(what, on, wait)| match reasons.get(what) {
            Some(reason) => (Event::QuietChanged(*reason, on), wait),
            None => {
                heard += 1;
                let nvr = format!("p{heard}-1-1");
                let mut news = build_news(
                    heard, heard, &nvr, Some(BuildState::Building), BuildState::Complete, "mona", time(0), None,
                );
                news.sent = None;
                (Event::Heard(news), wait)
            }
        });
        let events: Vec<_> = events.chain(last).collect();
        for (event, wait) in events {
            now += wait;
            let tales = self::told(&watch.step(time(now), event));
            prop_assert!(tales.is_empty() || watch.quiet().is_empty());
            told.extend(tales.into_iter().map(|it| it.story.subject));
        }
        told.sort();
        prop_assert_eq!(told.len() as u64, heard);
        told.dedup();
        prop_assert_eq!(told.len() as u64, heard);
    }
}
