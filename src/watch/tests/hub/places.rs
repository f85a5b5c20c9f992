//! Where a finished build comes to: its tag, and the repository.

use expect_test::expect;

use super::*;

#[test]
fn built_but_not_tagged_is_told() {
    check_hub(
        "woke
         looked 0 ; build 7 bash-5.3-1.fc43 BUILDING mona at=0 task=9
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona ended=5
         at 61
         woke
         looked 61 ; progress 9 FAILED at=50",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 BUILDING
            mark 0
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 1
            ask look since=-3600 tasks=9
            announce bash-5.3-1.fc43 COMPLETE
            show #1 again NotTagged bash-5.3-1.fc43 COMPLETE my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            mark 61
        "#]],
    );
}

#[test]
fn a_repository_comes_long_after_its_builds_and_nobody_was_away() {
    check_hub(
        "asked inrepo on
         asked tagged on
         woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona ended=5 task=9
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona ended=6 task=19
         looked 10 ; progress 9 CLOSED at=9 ; progress 19 CLOSED at=9
         taken 1
         taken 2
         closed 1
         closed 2
         at 1500
         heard 3 tag 7 bash-5.3-1.fc43 f43-updates mona
         heard 4 tag 8 zsh-5.9-1.fc43 f43-updates mona
         taken 3
         taken 4
         closed 3
         closed 4
         at 1560
         woke
         looked 1560 ; inrepo 7 f43-build ; inrepo 8 f43-build",
        expect![[r#"
            save InRepo on
            ask look since=-86400
            save Tagged on
            listen fedora users=mona packages=kernel tasks=true tags=true
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 1
            announce zsh-5.9-1.fc43 COMPLETE
            show #2 Finished zsh-5.9-1.fc43 COMPLETE my-builds
            record 2
            mark 10
            show #3 Tagged("f43-updates") bash-5.3-1.fc43 COMPLETE my-tags
            ask look since=-3590 tasks=19,9 repos=zsh-5.9-1.fc43,bash-5.3-1.fc43
            record 3
            show #4 Tagged("f43-updates") zsh-5.9-1.fc43 COMPLETE my-tags
            record 4
            announce bash-5.3-1.fc43 COMPLETE
            show #5 InRepo("f43-build") bash-5.3-1.fc43 COMPLETE my-builds
            announce zsh-5.9-1.fc43 COMPLETE
            show #6 InRepo("f43-build") zsh-5.9-1.fc43 COMPLETE my-builds
            mark 1560
        "#]],
    );
}

#[test]
fn that_a_muted_build_is_in_the_repository_leaves_what_is_on_screen() {
    check_hub(
        "asked inrepo on
         woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona ended=5 task=9
         looked 10 ; progress 9 CLOSED at=9
         taken 1
         asked mute bash 60
         at 200
         woke
         looked 200 ; inrepo 7 f43-build",
        expect![[r#"
            save InRepo on
            ask look since=-86400
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 1
            mark 10
            ask look since=-3590 tasks=9 repos=bash-5.3-1.fc43
            announce bash-5.3-1.fc43 COMPLETE
            mark 200
        "#]],
    );
}

#[test]
fn a_build_is_followed_into_the_repository_where_that_is_wanted() {
    check_hub(
        "asked inrepo on
         woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona ended=5 task=9
         looked 10 ; progress 9 CLOSED at=9
         at 200
         woke
         looked 200 ; inrepo 7 f43-build
         at 501
         woke",
        expect![[r#"
            save InRepo on
            ask look since=-86400
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 1
            mark 10
            ask look since=-3590 tasks=9 repos=bash-5.3-1.fc43
            announce bash-5.3-1.fc43 COMPLETE
            show #1 again InRepo("f43-build") bash-5.3-1.fc43 COMPLETE my-builds
            mark 200
            ask look since=-3400
        "#]],
    );
}
