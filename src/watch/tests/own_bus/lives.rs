//! What becomes of a build, as its tasks and its record tell it.

use expect_test::expect;

use super::*;

#[test]
fn a_build_is_told_from_its_first_task_to_its_tag_without_the_hub() {
    check_mona(
        "heard 1 top 9 build bash ->FREE owner=#2
         heard 2 top 9 build bash FREE->ASSIGNED owner=#2 created=0
         heard 3 top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=1
         heard 4 child 10 below 9 buildSRPMFromSCM srpm ->FREE owner=#2
         heard 5 child 10 below 9 buildSRPMFromSCM srpm OPEN->CLOSED owner=#2 started=2 ended=4 srpm=bash-5.3-1.fc43
         heard 6 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=5
         heard 7 child 11 below 9 buildArch x86_64 ->FREE owner=#2
         heard 8 child 12 below 9 buildArch s390x ->FREE owner=#2
         heard 9 child 11 below 9 buildArch x86_64 ASSIGNED->OPEN owner=#2 started=6
         progress
         heard 10 child 11 below 9 buildArch x86_64 OPEN->CLOSED owner=#2 started=6 ended=9
         heard 11 child 11 below 9 buildArch x86_64 FREE->ASSIGNED owner=#2 created=5
         progress
         heard 12 child 12 below 9 buildArch s390x OPEN->CLOSED owner=#2 started=6 ended=10
         heard 13 record 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona owner=#2 task=9 created=5 ended=11
         heard 14 top 9 build bash OPEN->CLOSED owner=#2 created=0 started=1 ended=12
         progress",
        expect![[r#"
            announce task 9 FREE
            record 1
            announce task 9 ASSIGNED
            record 2
            announce task 9 OPEN
            record 3
            announce task 9 OPEN
            record 4
            announce task 9 OPEN
            record 5
            announce bash-5.3-1.fc43 BUILDING
            record 6
            announce bash-5.3-1.fc43 BUILDING
            record 7
            announce bash-5.3-1.fc43 BUILDING
            record 8
            announce bash-5.3-1.fc43 BUILDING
            record 9
            progress bash-5.3-1.fc43 BUILDING 0/2 srpm=CLOSED x86_64=OPEN s390x=FREE Unknown
            announce bash-5.3-1.fc43 BUILDING
            record 10
            acknowledge 11
            progress bash-5.3-1.fc43 BUILDING 1/2 srpm=CLOSED x86_64=CLOSED s390x=FREE Unknown
            announce bash-5.3-1.fc43 BUILDING
            record 12
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 13
            record 14
            progress bash-5.3-1.fc43 COMPLETE 2/2 srpm=CLOSED x86_64=CLOSED s390x=CLOSED Tagged
        "#]],
    );
}

#[test]
fn a_start_is_told_of_the_record_and_once() {
    check_mona(
        "asked started on
         heard 1 top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=1
         heard 2 child 10 below 9 buildSRPMFromSCM srpm OPEN->CLOSED owner=#2 started=2 ended=4 srpm=bash-5.3-1.fc43
         heard 3 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=5
         heard 4 top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=1
         looked 10 ; build 7 bash-5.3-1.fc43 BUILDING mona at=5 task=9",
        expect![[r#"
            save Started on
            announce task 9 OPEN
            record 1
            announce task 9 OPEN
            record 2
            announce bash-5.3-1.fc43 BUILDING
            show #1 Started bash-5.3-1.fc43 BUILDING my-builds
            record 3
            record 4
            mark 10
        "#]],
    );
}

/// Of the kernel, which is followed, and of a task that is, as of my own builds; a scratch build has no record.
#[test]
fn whoevers_it_is_a_start_is_told_of_the_record_and_has_one_program_run() {
    let mut watch = mona_watch();
    watch.step(time(0), Event::HooksChanged(BTreeSet::from([Occasion::Started])));
    let script = "asked started on
                  heard 1 top 9 build kernel ASSIGNED->OPEN owner=#3 created=0 started=1
                  owners 3=bob
                  heard 2 record 7 kernel-6.1-1.fc43 ->BUILDING bob owner=#3 task=9 created=5
                  follow 5 task 44
                  found task 44 build FREE bob
                  heard 3 top 44 build bash ASSIGNED->OPEN owner=#3 created=0 started=1
                  heard 4 record 8 bash-5.3-1.fc43 ->BUILDING bob owner=#3 task=44 created=5
                  heard 5 top 19 build zsh ASSIGNED->OPEN owner=#2 scratch created=0 started=1";
    expect![[r#"
        save Started on
        ask owners 3
        announce task 9 OPEN
        record 1
        announce kernel-6.1-1.fc43 BUILDING
        run on-started kernel-6.1-1.fc43 BUILDING
        show #1 Started kernel-6.1-1.fc43 BUILDING followed-packages
        record 2
        ask find Task(TaskId(44))
        reply 5 task 44 FREE
        record 3
        announce bash-5.3-1.fc43 BUILDING
        run on-started bash-5.3-1.fc43 BUILDING
        show #2 Started bash-5.3-1.fc43 BUILDING followed
        record 4
        announce task 19 OPEN
        run on-started task 19 OPEN
        show #3 Started task 19 OPEN my-scratch-builds
        record 5
    "#]]
    .assert_eq(&run(&mut watch, script));
}

#[test]
fn a_source_rpm_that_dies_is_told_and_has_no_other_bus_to_tell_it() {
    check_mona(
        "heard 1 top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=1
         heard 2 child 10 below 9 buildSRPMFromSCM srpm OPEN->FAILED owner=#2 started=2 ended=4
         heard 3 top 9 build bash OPEN->FAILED owner=#2 created=0 started=1 ended=5
         at 60
         woke
         looked 60 ; task 9 build FAILED mona at=5",
        expect![[r#"
            announce task 9 OPEN
            record 1
            announce task 9 OPEN
            record 2
            announce task 9 FAILED
            show #1 Failed task 9 FAILED my-builds
            ask why Task(TaskId(9)) Some(TaskId(9))
            record 3
            announce task 9 FAILED
            mark 60
        "#]],
    );
}

#[test]
fn a_part_that_fails_while_the_others_run_on_is_told_soon() {
    check_mona(
        "heard 1 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=5
         at 10
         heard 2 child 11 below 9 buildArch x86_64 OPEN->FAILED owner=#2 started=6 ended=9
         at 30
         woke
         at 600
         heard 3 record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=5 ended=599
         heard 4 top 9 build bash OPEN->FAILED owner=#2 created=0 started=1 ended=600",
        expect![[r#"
            announce bash-5.3-1.fc43 BUILDING
            record 1
            announce bash-5.3-1.fc43 BUILDING
            record 2
            announce bash-5.3-1.fc43 BUILDING
            show #1 Doomed bash-5.3-1.fc43 BUILDING my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            announce bash-5.3-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds
            record 3
            record 4
        "#]],
    );
}

#[test]
fn the_end_of_a_task_that_comes_before_that_of_its_build_is_not_told_twice() {
    check_mona(
        "heard 1 top 9 build bash OPEN->FAILED owner=#2 created=0 started=1 ended=12
         heard 2 record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=5 ended=10
         heard 3 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=5
         heard 4 top 19 build zsh OPEN->CLOSED owner=#2 created=0 started=1 ended=12
         heard 5 record 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona owner=#2 task=19 created=5 ended=10
         progress",
        expect![[r#"
            announce task 9 FAILED
            show #1 Failed task 9 FAILED my-builds
            ask why Task(TaskId(9)) Some(TaskId(9))
            record 1
            announce bash-5.3-1.fc43 FAILED
            record 2
            record 3
            announce task 19 CLOSED
            record 4
            announce zsh-5.9-1.fc43 COMPLETE
            show #2 Finished zsh-5.9-1.fc43 COMPLETE my-builds
            record 5
            progress bash-5.3-1.fc43 FAILED 0/0 Unknown
            progress zsh-5.9-1.fc43 COMPLETE 0/0 Tagged
        "#]],
    );
}

#[test]
fn a_hub_that_answers_late_sets_no_part_back() {
    check_mona(
        "looked 0
         heard 1 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=5
         heard 2 child 1000 below 9 buildArch x86_64 OPEN->CLOSED owner=#2 started=6 ended=9
         heard 3 child 1001 below 9 buildArch s390x FREE->ASSIGNED owner=#2 created=6
         at 70
         woke
         looked 70 ; progress 9 OPEN x86_64=OPEN s390x=OPEN
         progress
         heard 4 child 1001 below 9 buildArch s390x OPEN->FREE owner=#2 created=6 started=60
         at 140
         woke
         looked 140 ; progress 9 OPEN x86_64=CLOSED s390x=OPEN
         progress",
        expect![[r#"
            mark 0
            announce bash-5.3-1.fc43 BUILDING
            record 1
            announce bash-5.3-1.fc43 BUILDING
            record 2
            announce bash-5.3-1.fc43 BUILDING
            record 3
            ask look since=-3600 tasks=9 averages=bash
            announce bash-5.3-1.fc43 BUILDING
            mark 70
            progress bash-5.3-1.fc43 BUILDING 1/2 x86_64=CLOSED s390x=OPEN Unknown
            announce bash-5.3-1.fc43 BUILDING
            record 4
            ask look since=-3530 tasks=9 averages=bash
            mark 140
            progress bash-5.3-1.fc43 BUILDING 1/2 x86_64=CLOSED s390x=FREE Unknown
        "#]],
    );
}

#[test]
fn parts_that_come_before_their_build_and_below_other_parts_find_it() {
    check_mona(
        "heard 1 child 12 below 11 buildArch x86_64 ->FREE owner=#2
         heard 2 child 11 below 9 wrapperRPM noarch ->FREE owner=#2
         heard 3 child 99 below 98 buildArch x86_64 ->FREE owner=#3
         heard 4 top 9 build bash ->FREE owner=#2
         heard 5 child 13 below 12 buildArch s390x ->FREE owner=#2
         progress",
        expect![[r#"
            acknowledge 1
            acknowledge 2
            acknowledge 3
            announce task 9 FREE
            announce task 9 FREE
            announce task 9 FREE
            record 4
            announce task 9 FREE
            record 5
            progress task 9 FREE 0/2 noarch=FREE x86_64=FREE s390x=FREE Unknown
        "#]],
    );
}

#[test]
fn another_attempt_brings_its_own_parts() {
    check_mona(
        "heard 1 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=5
         heard 2 child 11 below 9 buildArch x86_64 OPEN->FAILED owner=#2 started=6 ended=9
         heard 3 record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=5 ended=10
         at 300
         heard 4 top 60 build bash ASSIGNED->OPEN owner=#2 created=290 started=292
         heard 5 child 61 below 60 buildSRPMFromSCM srpm OPEN->CLOSED owner=#2 started=293 ended=295
         heard 6 record 7 bash-5.3-1.fc43 FAILED->BUILDING mona owner=#2 task=60 created=300
         progress",
        expect![[r#"
            announce bash-5.3-1.fc43 BUILDING
            record 1
            announce bash-5.3-1.fc43 BUILDING
            record 2
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 3
            announce task 60 OPEN
            record 4
            announce task 60 OPEN
            record 5
            announce bash-5.3-1.fc43 BUILDING
            record 6
            progress bash-5.3-1.fc43 BUILDING 0/0 srpm=CLOSED Unknown
        "#]],
    );
}

#[test]
fn mail_is_no_news_and_an_unwanted_scratch_build_none_either() {
    check_mona(
        "heard 1 top 30 buildNotification ->FREE owner=#2
         heard 2 top 30 buildNotification OPEN->FAILED owner=#2 started=1 ended=2
         heard 3 top 31 newRepo OPEN->FAILED owner=#2 started=1 ended=2
         asked scratch off
         heard 4 top 32 build bash OPEN->FAILED owner=#2 scratch started=1 ended=2",
        expect![[r#"
            acknowledge 1
            acknowledge 2
            announce task 31 FAILED
            show #1 Failed task 31 FAILED my-scratch-builds
            ask why Task(TaskId(31)) Some(TaskId(31))
            record 3
            save Scratch off
            acknowledge 4
        "#]],
    );
}

#[test]
fn tasks_are_listened_to_whatever_is_told() {
    let mut watch = own_watch();
    run(&mut watch, "asked scratch off");
    assert!(watch.interests()[&fedora()].tasks);
}

#[test]
fn a_promoted_build_has_its_new_name_and_keeps_it() {
    check_mona(
        "heard 1 record 7 bash-5.3-1.fc43,draft_7 ->BUILDING mona owner=#2 task=9 created=5
         heard 2 promoted 7 bash-5.3-1.fc43
         heard 3 record 7 bash-5.3-1.fc43,draft_7 BUILDING->COMPLETE mona owner=#2 task=9 created=5 ended=10
         heard 4 promoted 8 zsh-5.9-1.fc43",
        expect![[r#"
            announce bash-5.3-1.fc43,draft_7 BUILDING
            record 1
            announce bash-5.3-1.fc43 BUILDING
            record 2
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 3
            acknowledge 4
        "#]],
    );
}

#[test]
fn a_repository_that_is_ready_is_looked_into_at_once_if_something_waits_for_one() {
    let mut watch = own_watch();
    run(
        &mut watch,
        "woke
         looked 0
         heard 1 repo f43-build",
    );
    assert_eq!(watch.next_look().unwrap(), time(300));
    let waits = "asked inrepo on
                 at 300
                 woke
                 looked 300 ; build 7 bash-5.3-1.fc43 COMPLETE mona at=250 task=9
                 at 304
                 woke
                 looked 304 ; progress 9 CLOSED at=251";
    run(&mut watch, waits);
    assert!(watch.next_look().unwrap() > time(355));
    expect![[r#"
        acknowledge 2
        ask look since=-3296 tasks=9 repos=bash-5.3-1.fc43
    "#]]
    .assert_eq(&run(&mut watch, "at 310\nheard 2 repo f43-build\nat 325\nwoke"));
}

#[test]
fn what_the_hub_kept_back_for_a_day_is_no_news_of_now() {
    check_mona(
        "asked started on
         at 86400
         heard 1 top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=1
         heard 2 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=5
         heard 3 child 11 below 9 buildArch x86_64 OPEN->FAILED owner=#2 started=6 ended=9
         heard 4 record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=5 ended=10
         heard 5 record 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona owner=#2 task=19 created=5 ended=11
         at 86431
         woke",
        expect![[r#"
            save Started on
            announce task 9 OPEN
            record 1
            announce bash-5.3-1.fc43 BUILDING
            record 2
            announce bash-5.3-1.fc43 BUILDING
            record 3
            announce bash-5.3-1.fc43 FAILED
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 4
            announce zsh-5.9-1.fc43 COMPLETE
            record 5
            show #1 away digest bash-5.3-1.fc43 FAILED, zsh-5.9-1.fc43 COMPLETE
        "#]],
    );
}

#[test]
fn what_an_earlier_run_has_told_is_not_told_again_however_late_it_comes() {
    let mut first = mona_watch();
    let mut records = Vec::new();
    let life = "heard 1 top 9 build bash OPEN->FAILED owner=#2 created=0 started=1 ended=12
                heard 2 record 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona owner=#2 task=19 created=5 ended=10";
    run_and_keep(&mut first, life, &mut |it| records.push(it));
    run(&mut first, "taken 1\ntaken 2");
    let stories: Vec<_> = first
        .stories
        .values()
        .map(|it| (it.story.clone(), it.told.clone()))
        .collect();
    assert_eq!(stories.len(), 2);
    let mut second = mona_watch();
    let filed = records.into_iter().flat_map(|it| it.keeps).filter_map(|it| match it {
        Keep::Story(filed) => Some(*filed),
        _ => None,
    });
    let resumed = Resumed {
        stories: filed.collect(),
        ..Resumed::default()
    };
    second.step(time(86400), Event::Resumed(Box::new(resumed)));
    // The same in other messages: no id of a plugin's message lasts.
    let again = "at 86400
                 heard 3 top 9 build bash OPEN->FAILED owner=#2 created=0 started=1 ended=12
                 heard 4 record 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona owner=#2 task=19 created=5 ended=10
                 heard 5 record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=5 ended=10";
    let told = run(&mut second, again);
    assert!(!told.contains("show"), "{told}");
}
