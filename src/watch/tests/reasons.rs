//! Why something failed: asked for, and told when it comes.

use expect_test::expect;

use super::hub::check_hub;

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
            mark 5
            ask why Build(BuildId(7)) None
            announce bash-5.3-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds because package
            mark 6
        "#]],
    );
}
