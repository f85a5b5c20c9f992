//! Why something failed: asked for, and told when it comes.

use expect_test::expect;

use super::hub::{check_hub, hub_watch};
use super::run;

#[test]
fn a_reason_does_not_bring_back_what_was_dismissed() {
    check_hub(
        "woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         closed 1
         explained build 7 package",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) None
            record 1
            announce bash-5.3-1.fc43 FAILED
        "#]],
    );
}

#[test]
fn a_reason_that_is_found_while_it_is_quiet_is_added_afterwards() {
    check_hub(
        "woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         taken 1
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         taken 2
         quiet locked on
         explained build 7 package
         explained build 8 package
         closed 2
         quiet locked off",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) None
            record 1
            announce zsh-5.9-1.fc43 FAILED
            show #2 Failed zsh-5.9-1.fc43 FAILED my-builds
            ask why Build(BuildId(8)) None
            record 2
            announce bash-5.3-1.fc43 FAILED
            announce zsh-5.9-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds because package
        "#]],
    );
}

#[test]
fn a_reason_that_nobody_wants_any_more_is_not_added() {
    for unwanted in ["asked mute bash fixed", "asked failed off"] {
        let script = format!(
            "woke
             heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
             taken 1
             {unwanted}
             explained build 7 package
             quiet locked on
             quiet locked off"
        );
        let mut watch = hub_watch();
        let told = run(&mut watch, &script);
        assert!(told.contains("show #1 Failed bash"), "{told}");
        assert!(!told.contains("again"), "{told}");
        assert!(!told.contains("because"), "{told}");
        assert_eq!(watch.waiting.len(), 0, "{told}");
    }
}

#[test]
fn a_reason_does_not_bring_back_what_went_with_its_server() {
    check_hub(
        "woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         taken 1
         quiet locked on
         explained build 7 package
         server gone
         server there
         quiet locked off",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) None
            record 1
            announce bash-5.3-1.fc43 FAILED
        "#]],
    );
}

#[test]
fn a_reason_that_could_not_be_had_is_asked_for_when_the_hub_answers() {
    check_hub(
        "woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         heard 3 build 9 make-4.4-1.fc43 BUILDING->FAILED mona
         unexplained 7 closed
         unexplained 8 refused
         unexplained 9 closed
         at 5
         heard 4 build 9 make-4.4-1.fc43 FAILED->BUILDING mona
         looked 5
         explained build 7 package
         looked 6",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) None
            record 1
            announce zsh-5.9-1.fc43 FAILED
            show #2 Failed zsh-5.9-1.fc43 FAILED my-builds
            ask why Build(BuildId(8)) None
            record 2
            announce make-4.4-1.fc43 FAILED
            show #3 Failed make-4.4-1.fc43 FAILED my-builds
            ask why Build(BuildId(9)) None
            record 3
            announce make-4.4-1.fc43 BUILDING
            record 4
            ask why Build(BuildId(7)) None
            mark 5
            announce bash-5.3-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds because package
            mark 6
        "#]],
    );
}

#[test]
fn who_canceled_my_build_is_told_in_the_same_notification() {
    check_hub(
        "woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->CANCELED mona task=9
         explained build 7 canceled bob
         explained build 7 canceled bob",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 CANCELED
            show #1 Canceled bash-5.3-1.fc43 CANCELED my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 1
            announce bash-5.3-1.fc43 CANCELED
            show #1 again Canceled bash-5.3-1.fc43 CANCELED my-builds because canceled by bob
        "#]],
    );
}

#[test]
fn what_i_canceled_myself_or_nobody_knows_who_did_is_not_told_again() {
    // By the name that mona is followed by, and by the one that the hub knows her by.
    for by in ["mona", "mona2", ""] {
        check_hub(
            &format!(
                "woke
                 known mona2
                 heard 1 build 7 bash-5.3-1.fc43 BUILDING->CANCELED mona task=9
                 explained build 7 canceled {by}"
            ),
            expect![[r#"
                ask look since=-86400
                announce bash-5.3-1.fc43 CANCELED
                show #1 Canceled bash-5.3-1.fc43 CANCELED my-builds
                ask why Build(BuildId(7)) Some(TaskId(9))
                record 1
            "#]],
        );
    }
}

#[test]
fn of_what_is_not_mine_or_has_no_record_nobody_is_asked_who_canceled_it() {
    check_hub(
        "woke
         looked 0
         follow 5 task 44
         found task 44 build OPEN bob
         at 70
         woke
         looked 70 ; task 44 build CANCELED bob at=65 ; task 45 build CANCELED mona at=66",
        expect![[r#"
            ask look since=-86400
            mark 0
            ask find Task(TaskId(44))
            reply 5 task 44 OPEN
            ask look since=-3600 tasks=44 averages=bash
            announce task 44 CANCELED
            show #1 Canceled task 44 CANCELED followed
            announce task 45 CANCELED
            show #2 Canceled task 45 CANCELED my-builds
            mark 70
        "#]],
    );
}

#[test]
fn who_canceled_it_is_asked_for_again_when_the_hub_answers_and_forgotten_when_it_is_built_again() {
    check_hub(
        "woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->CANCELED mona task=9
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->CANCELED mona task=10
         unexplained 7 closed
         at 5
         heard 3 build 8 zsh-5.9-1.fc43 CANCELED->BUILDING mona task=11
         explained build 8 canceled bob
         looked 5
         explained build 7 canceled bob",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 CANCELED
            show #1 Canceled bash-5.3-1.fc43 CANCELED my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 1
            announce zsh-5.9-1.fc43 CANCELED
            show #2 Canceled zsh-5.9-1.fc43 CANCELED my-builds
            ask why Build(BuildId(8)) Some(TaskId(10))
            record 2
            announce zsh-5.9-1.fc43 BUILDING
            record 3
            ask why Build(BuildId(7)) None
            mark 5
            announce bash-5.3-1.fc43 CANCELED
            show #1 again Canceled bash-5.3-1.fc43 CANCELED my-builds because canceled by bob
        "#]],
    );
}

#[test]
fn who_canceled_a_build_that_was_failing_comes_after_why_it_failed() {
    check_hub(
        "woke
         looked 0 ; build 7 bash-5.3-1.fc43 BUILDING mona at=0 task=9
         at 61
         woke
         looked 61 ; progress 9 OPEN x86_64=OPEN s390x=FAILED
         explained build 7 package
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->CANCELED mona ended=61
         explained build 7 package
         at 70
         explained build 7 canceled bob",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 BUILDING
            mark 0
            ask look since=-3600 tasks=9 averages=bash
            announce bash-5.3-1.fc43 BUILDING
            announce bash-5.3-1.fc43 BUILDING
            show #1 Doomed bash-5.3-1.fc43 BUILDING my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            mark 61
            announce bash-5.3-1.fc43 BUILDING
            show #1 again Doomed bash-5.3-1.fc43 BUILDING my-builds because package
            announce bash-5.3-1.fc43 CANCELED
            show #1 again Canceled bash-5.3-1.fc43 CANCELED my-builds because package
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 1
            announce bash-5.3-1.fc43 CANCELED
            show #1 again Canceled bash-5.3-1.fc43 CANCELED my-builds because canceled by bob
        "#]],
    );
}
