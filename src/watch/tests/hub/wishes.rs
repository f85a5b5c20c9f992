//! What a person asks of the hub: to follow a build, to do something to one.

use expect_test::expect;

use super::*;

#[test]
fn anybodys_build_can_be_followed_to_its_end() {
    check_hub(
        "woke
         looked 0
         follow 5 task 44
         found task 44 build OPEN bob
         at 70
         woke
         looked 70 ; task 44 build FAILED bob at=65
         follow 6 task 45
         found nothing 45",
        expect![[r#"
            ask look since=-86400
            mark 0
            ask find Task(TaskId(44))
            reply 5 task 44 OPEN
            ask look since=-3600 tasks=44 averages=bash
            announce task 44 FAILED
            show #1 Failed task 44 FAILED followed
            ask why Task(TaskId(44)) Some(TaskId(44))
            mark 70
            ask find Task(TaskId(45))
            reply 6 unknown
        "#]],
    );
}

#[test]
fn what_is_followed_from_the_clipboard_is_told_on_screen() {
    check_hub(
        "woke
         looked 0
         pasted nothing
         follow pasted 44
         found task 44 build OPEN bob
         follow pasted 45
         found nothing 45",
        expect![[r#"
            ask look since=-86400
            mark 0
            show #1 following nothing
            ask find Task(TaskId(44))
            show #2 following task 44 OPEN
            ask find Task(TaskId(45))
            show #3 following unknown
        "#]],
    );
}

#[test]
fn a_followed_build_that_is_over_is_replied_and_not_told() {
    check_hub(
        "woke
         looked 0
         follow 5 task 44
         found task 44 build FAILED bob",
        expect![[r#"
            ask look since=-86400
            mark 0
            ask find Task(TaskId(44))
            reply 5 task 44 FAILED
        "#]],
    );
}

#[test]
fn nothing_is_done_on_the_hub_without_a_confirmation() {
    check_hub(
        "woke
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=9
         confirm resubmit 7
         act cancel 7
         act resubmit 7
         confirm resubmit 7
         confirm resubmit 7
         acted resubmit 7 12
         found task 12 build OPEN mona",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 1
            show #2 confirm Resubmit bash-5.3-1.fc43 FAILED
            withdraw #2
            ask Resubmit TaskId(9)
            ask find Task(TaskId(12))
            show #3 acted Resubmit Ok(Some(TaskId(12)))
            announce task 12 OPEN
        "#]],
    );
}
