//! How builds and tasks end, as the hub tells it: of itself, with a bus, and after an absence.

use expect_test::expect;

use super::*;

#[test]
fn a_build_that_dies_before_it_has_a_record_is_told_by_its_task() {
    check_hub(
        "woke
         looked 0 ; task 9 build OPEN mona at=0
         at 61
         woke
         looked 61 ; task 9 build FAILED mona at=50
         explained task 9 source-rpm",
        expect![[r#"
            ask look since=-86400
            announce task 9 OPEN
            mark 0
            ask look since=-3600 tasks=9 averages=bash
            announce task 9 FAILED
            show #1 Failed task 9 FAILED my-builds
            ask why Task(TaskId(9)) Some(TaskId(9))
            mark 61
            announce task 9 FAILED
            show #1 again Failed task 9 FAILED my-builds because source-rpm
        "#]],
    );
}

#[test]
fn bus_and_hub_say_the_same_in_either_order() {
    check_hub(
        "woke
         at 60
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=55
         looked 60 ; build 7 bash-5.3-1.fc43 FAILED mona at=55 task=9 ; task 9 build FAILED mona at=57",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) None
            record 1
            mark 60
        "#]],
    );
    check_hub(
        "woke
         at 60
         looked 60 ; build 7 bash-5.3-1.fc43 FAILED mona at=55 task=9 ; task 9 build FAILED mona at=57
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=55",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            mark 60
            announce bash-5.3-1.fc43 FAILED
            record 1
        "#]],
    );
}

#[test]
fn a_failed_task_told_before_its_build_is_the_same_failure() {
    check_hub(
        "woke
         at 60
         looked 60 ; task 9 build FAILED mona at=57
         at 65
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=55 task=9",
        expect![[r#"
            ask look since=-86400
            announce task 9 FAILED
            show #1 Failed task 9 FAILED my-builds
            ask why Task(TaskId(9)) Some(TaskId(9))
            mark 60
            announce bash-5.3-1.fc43 FAILED
            record 1
        "#]],
    );
}

#[test]
fn the_running_task_goes_on_under_the_number_of_its_build() {
    let mut watch = hub_watch();
    run(
        &mut watch,
        "woke
         looked 0 ; task 9 build OPEN mona at=0
         at 30
         heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona task=9",
    );
    let running: Vec<_> = watch.running().into_iter().map(name).collect();
    assert_eq!(running, ["bash-5.3-1.fc43 BUILDING"]);
    // And the task's own state from a later look does not bring it back.
    run(
        &mut watch,
        "at 95\nwoke\nlooked 95 ; task 9 build OPEN mona at=0 ; progress 9 OPEN x86_64=OPEN",
    );
    assert_eq!(watch.running().len(), 1);
    assert_eq!(watch.running()[0].arches_done(), (0, 1));
}

#[test]
fn what_ended_before_the_first_start_is_filed_and_not_told() {
    let mut watch = hub_watch();
    let done = run(
        &mut watch,
        "woke
         looked 0 ; build 7 bash-5.3-1.fc43 FAILED mona at=-900 task=9 ; task 9 build FAILED mona at=-899",
    );
    assert_eq!(done, "ask look since=-86400\nmark 0\n");
    assert_eq!(watch.results().len(), 1);
    assert_eq!(watch.unseen_failures(), 0);
}

#[test]
fn an_absence_is_one_summary() {
    check_hub(
        "resumed -10800
         woke
         heard 1 build 1 a-1-1 BUILDING->COMPLETE mona ended=-9000
         heard 2 build 2 b-1-1 BUILDING->FAILED mona ended=-8000
         looked 0 ; build 1 a-1-1 COMPLETE mona at=-9000 ; build 2 b-1-1 FAILED mona at=-8000 ; build 3 c-1-1 COMPLETE mona at=-7000
         at 5
         woke",
        expect![[r#"
            ask look since=-86400
            announce a-1-1 COMPLETE
            record 1
            announce b-1-1 FAILED
            ask why Build(BuildId(2)) None
            record 2
            announce c-1-1 COMPLETE
            show #1 away digest a-1-1 COMPLETE, b-1-1 FAILED, c-1-1 COMPLETE
            mark 0
        "#]],
    );
}

#[test]
fn what_an_earlier_run_told_is_not_told_again() {
    check_hub(
        "resumed -100 7:FAILED:-50
         woke
         looked 0 ; build 7 bash-5.3-1.fc43 FAILED mona at=-50 ; build 8 bash-5.3-2.fc43 FAILED mona at=-40
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=-50",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 FAILED
            announce bash-5.3-2.fc43 FAILED
            show #1 Failed bash-5.3-2.fc43 FAILED my-builds
            ask why Build(BuildId(8)) None
            mark 0
            announce bash-5.3-1.fc43 FAILED
            record 1
        "#]],
    );
}

#[test]
fn a_doomed_build_is_told_early_and_its_verdict_changes_the_same_notification() {
    check_hub(
        "woke
         looked 0 ; build 7 bash-5.3-1.fc43 BUILDING mona at=0 task=9
         at 61
         woke
         looked 61 ; progress 9 OPEN x86_64=OPEN s390x=FAILED
         explained build 7 package
         at 130
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=128",
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
            announce bash-5.3-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds because package
            ask why Build(BuildId(7)) Some(TaskId(9))
            ask look since=-3539
            record 1
        "#]],
    );
}

#[test]
fn that_a_scratch_build_is_doomed_is_not_said_again_by_each_look() {
    check_hub(
        "woke
         looked 0 ; task 9 build OPEN mona at=0 scratch
         at 3
         woke
         looked 3 ; task 9 build OPEN mona at=0 scratch ; progress 9 OPEN x86_64=OPEN s390x=FAILED
         explained task 9 package
         at 70
         woke
         looked 70 ; task 9 build OPEN mona at=0 scratch ; progress 9 OPEN x86_64=OPEN s390x=FAILED",
        expect![[r#"
            ask look since=-86400
            announce task 9 OPEN
            mark 0
            ask look since=-3600 tasks=9 averages=bash
            announce task 9 OPEN
            announce task 9 OPEN
            show #1 Doomed task 9 OPEN my-scratch-builds
            ask why Task(TaskId(9)) Some(TaskId(9))
            mark 3
            announce task 9 OPEN
            show #1 again Doomed task 9 OPEN my-scratch-builds because package
            ask look since=-3597 tasks=9 averages=bash
            mark 70
        "#]],
    );
}
