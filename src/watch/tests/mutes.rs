//! What is muted, and how that is over.

use super::super::state::MAX_MUTED;
use super::*;

/// The hub tells of it a while later; by then somebody has muted the package.
#[test]
fn what_fixed_a_package_before_it_was_muted_is_told_where_nobody_knew() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=-120
         asked mute bash fixed
         heard 2 build 8 bash-5.3-2.fc43 BUILDING->COMPLETE mona ended=-40
         heard 3 build 9 bash-5.3-3.fc43 BUILDING->FAILED mona",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            announce bash-5.3-2.fc43 COMPLETE
            show #2 Finished bash-5.3-2.fc43 COMPLETE my-builds
            record 2
            announce bash-5.3-3.fc43 FAILED
            show #3 Failed bash-5.3-3.fc43 FAILED my-builds
            record 3
        "#]],
    );
}

#[test]
fn a_package_that_is_muted_until_it_is_fixed_tells_that_it_is() {
    check(
        "asked mute bash fixed
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 bash-5.3-2.fc43 ->BUILDING mona
         heard 3 build 6 bash-5.2-9.fc43 BUILDING->COMPLETE mona ended=-60
         heard 4 build 9 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
         at 60
         heard 5 build 8 bash-5.3-2.fc43 BUILDING->COMPLETE mona
         heard 6 build 10 bash-5.3-3.fc43 BUILDING->FAILED mona",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            announce bash-5.3-2.fc43 BUILDING
            record 2
            announce bash-5.2-9.fc43 COMPLETE
            announce bash-5.3-1.fc43 FAILED
            record 3
            announce zsh-5.9-1.fc43 COMPLETE
            show #1 Finished zsh-5.9-1.fc43 COMPLETE my-builds
            record 4
            announce bash-5.3-2.fc43 COMPLETE
            show #2 Finished bash-5.3-2.fc43 COMPLETE my-builds
            record 5
            announce bash-5.3-3.fc43 FAILED
            show #3 Failed bash-5.3-3.fc43 FAILED my-builds
            record 6
        "#]],
    );
}

#[test]
fn a_build_is_muted_by_whichever_name_to_its_end() {
    for name in ["build:7", "nvr:bash-5.3-1.fc43", "task:70"] {
        let mut watch = watch();
        let told = run(
            &mut watch,
            &format!(
                "heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona task=70
                 asked mute {name} ends
                 heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona task=80"
            ),
        );
        assert!(told.contains("show #1 Failed zsh"), "{told}");
        assert_eq!(watch.muted().len(), 1, "{name}");
        let told = run(
            &mut watch,
            "heard 3 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=70",
        );
        assert!(!told.contains("show"), "{told}");
        assert_eq!(watch.muted().len(), 0, "{name}");
        // It has ended, so there is nothing to mute until it does.
        run(&mut watch, &format!("asked mute {name} ends"));
        assert_eq!(watch.muted().len(), 0, "{name}");
        let told = run(
            &mut watch,
            "heard 4 build 9 bash-5.3-2.fc43 BUILDING->FAILED mona task=90",
        );
        assert!(told.contains("show"), "{told}");
    }
}

#[test]
fn a_build_is_unmuted_by_another_of_its_names() {
    let mut watch = watch();
    run(
        &mut watch,
        "heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona task=70
         asked mute task:70 ends
         asked unmute nvr:bash-5.3-1.fc43",
    );
    assert_eq!(watch.muted().len(), 0);
}

#[test]
fn the_end_of_what_is_never_heard_of_is_not_waited_for_for_ever() {
    let mut watch = watch();
    run(&mut watch, "asked mute task:70 ends");
    let week = time(7 * 24 * 3600);
    assert_eq!(watch.wake_at(), Some(week));
    watch.step(week, Event::Woke);
    assert_eq!(watch.muted().len(), 0);
}

#[test]
fn a_muted_tag_says_nothing_of_what_moves_and_all_of_the_rest() {
    check(
        "asked tagged on
         asked mute tag:f43 10
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona
         heard 2 tag 7 bash-5.3-1.fc43 f43 mona
         heard 3 tag 7 bash-5.3-1.fc43 f44 mona
         at 600
         woke
         heard 4 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
         heard 5 tag 8 zsh-5.9-1.fc43 f43 mona",
        expect![[r#"
            save Tagged on
            listen fedora users=mona packages=kernel tasks=true tags=true
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 1
            record 2
            show #1 again Tagged("f44") bash-5.3-1.fc43 COMPLETE my-tags
            record 3
            announce zsh-5.9-1.fc43 COMPLETE
            show #2 Finished zsh-5.9-1.fc43 COMPLETE my-builds
            record 4
            show #2 again Tagged("f43") zsh-5.9-1.fc43 COMPLETE my-tags
            record 5
        "#]],
    );
}

#[test]
fn only_failures_are_told_until_a_time() {
    check(
        "asked mute but-failures 60
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         heard 3 build 9 mc-4.8-1.fc43 BUILDING->CANCELED mona
         at 3600
         heard 4 build 10 sed-4.9-1.fc43 BUILDING->COMPLETE mona
         woke
         heard 5 build 11 awk-1.0-1.fc43 BUILDING->COMPLETE mona",
        expect![[r#"
            announce bash-5.3-1.fc43 COMPLETE
            record 1
            announce zsh-5.9-1.fc43 FAILED
            show #1 Failed zsh-5.9-1.fc43 FAILED my-builds
            record 2
            announce mc-4.8-1.fc43 CANCELED
            record 3
            announce sed-4.9-1.fc43 COMPLETE
            show #2 Finished sed-4.9-1.fc43 COMPLETE my-builds
            record 4
            announce awk-1.0-1.fc43 COMPLETE
            show #3 Finished awk-1.0-1.fc43 COMPLETE my-builds
            record 5
        "#]],
    );
}

#[test]
fn what_is_muted_leaves_what_is_held() {
    check(
        "quiet locked on
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         asked mute bash fixed
         quiet locked off",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            announce zsh-5.9-1.fc43 FAILED
            record 2
            show #1 Failed zsh-5.9-1.fc43 FAILED my-builds
        "#]],
    );
}

#[test]
fn the_oldest_mute_makes_room() {
    let mut watch = watch();
    for n in 0..=MAX_MUTED {
        // The names are in another order than the times.
        let muting = Muting::Package(format!("p{:03}", MAX_MUTED - n));
        let until = MuteFor::Lasting(PauseFor::UntilResumed);
        watch.step(time(n as i64), Event::Asked(Request::Mute { muting, until }));
    }
    assert_eq!(watch.muted().len(), MAX_MUTED);
    let first = Muting::Package(format!("p{MAX_MUTED:03}"));
    assert!(!watch.muted().contains_key(&first));
}

#[test]
fn no_mute_lasts_longer_than_a_year() {
    let mut watch = watch();
    let muting = Muting::ButFailures;
    let until = MuteFor::At(Timestamp::MAX);
    watch.step(time(0), Event::Asked(Request::Mute { muting, until }));
    assert_eq!(watch.wake_at(), Some(time(366 * 24 * 3600)));
}
