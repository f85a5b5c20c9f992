//! Stories of a bus of Koji's own: every task is told, by whom is a number, and nothing says when it was sent.

use expect_test::expect;

use super::hub::hub_watch;
use super::*;
use crate::koji::event::{ChildChange, Promotion, RepoChange};
use crate::koji::{Child, UserId};
use crate::watch::ask::{Looked, Progress};
use crate::watch::owners::MAX_NAMELESS;

#[test]
fn what_is_mine_by_number_waits_for_the_name_and_goes_on_in_order() {
    check_own(
        "heard 1 top 9 build ->FREE owner=#2
         heard 2 top 9 build FREE->ASSIGNED owner=#2 created=0
         heard 3 top 8 build ->FREE owner=#3
         owners 2=mona
         recorded 1
         recorded 2
         owners 3=bob
         heard 4 top 9 build ASSIGNED->OPEN owner=#2 created=0 started=5
         heard 5 top 7 build ->FREE owner=#3",
        expect![[r#"
            ask owners 2
            announce task 9 FREE
            announce task 9 ASSIGNED
            acknowledge 3
            record 1
            record 2
            acknowledge 1
            acknowledge 2
            announce task 9 OPEN
            record 4
            acknowledge 5
        "#]],
    );
}

#[test]
fn what_tells_both_teaches_the_name_and_what_is_not_one_of_my_numbers_needs_none() {
    check_own(
        "heard 1 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=0
         heard 2 top 19 build ->FREE owner=#2
         heard 3 top 20 build ->FREE owner=#3
         heard 4 top 21 build kernel ->FREE owner=#3",
        expect![[r#"
            announce bash-5.3-1.fc43 BUILDING
            record 1
            announce task 19 FREE
            record 2
            acknowledge 3
            ask owners 3
        "#]],
    );
}

#[test]
fn a_look_tells_my_numbers() {
    let mut watch = own_watch();
    run(&mut watch, "woke");
    let looked = Looked {
        users: BTreeMap::from([("mona".to_owned(), UserId(2))]),
        ..Looked::default()
    };
    watch.step(time(0), Event::Learned(fedora(), Learned::Looked(looked)));
    expect![[r#"
        acknowledge 1
        announce task 9 FREE
        record 2
    "#]]
    .assert_eq(&run(
        &mut watch,
        "heard 1 top 8 build ->FREE owner=#3
         heard 2 top 9 build ->FREE owner=#2",
    ));
}

#[test]
fn a_hub_that_does_not_say_who_it_is_holds_nothing_up() {
    check_own(
        "heard 1 top 9 build ->FREE owner=#2
         at 29
         woke
         at 30
         woke
         at 40
         heard 2 top 9 build FREE->ASSIGNED owner=#2 created=0
         owners unanswered
         heard 3 top 9 build ASSIGNED->OPEN owner=#2 created=0 started=40
         at 101
         heard 4 top 8 build ->FREE owner=#2",
        expect![[r#"
            ask owners 2
            acknowledge 1
            acknowledge 2
            acknowledge 3
            ask owners 2
        "#]],
    );
}

#[test]
fn a_record_whose_owner_is_a_number_waits_too_as_hubs_before_1_16_make_it() {
    check_own(
        "heard 1 record 7 bash-5.3-1.fc43 ->BUILDING - owner=#2 task=9 created=0
         heard 2 record 7 bash-5.3-1.fc43 BUILDING->COMPLETE - owner=#2 task=9 ended=20
         owners 2=mona",
        expect![[r#"
            ask owners 2
            announce bash-5.3-1.fc43 BUILDING
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 1
            record 2
        "#]],
    );
}

#[test]
fn what_is_in_a_story_needs_no_name() {
    check_own(
        "looked 0 ; build 7 bash-5.3-1.fc43 BUILDING mona at=0 task=9 ; task 8 build OPEN mona at=0
         heard 1 top 9 build bash OPEN->FAILED owner=#2 started=0 ended=9
         heard 2 top 8 build zsh OPEN->FAILED owner=#2 started=0 ended=9
         heard 3 record 11 zsh-5.9-1.fc43 BUILDING->FAILED - owner=#2 task=8 ended=8",
        expect![[r#"
            announce bash-5.3-1.fc43 BUILDING
            announce task 8 OPEN
            mark 0
            record 1
            announce task 8 FAILED
            show #1 Failed task 8 FAILED my-builds
            ask why Task(TaskId(8)) Some(TaskId(8))
            record 2
            announce zsh-5.9-1.fc43 FAILED
            record 3
        "#]],
    );
}

#[test]
fn a_number_is_asked_for_once() {
    check_own(
        "heard 1 top 9 build ->FREE owner=#2
         owners 2=-
         heard 2 top 9 build FREE->ASSIGNED owner=#2 created=0
         heard 3 top 8 build ->FREE owner=#3
         owners 3=bob
         heard 4 top 8 build FREE->ASSIGNED owner=#3 created=0",
        expect![[r#"
            ask owners 2
            acknowledge 1
            acknowledge 2
            ask owners 3
            acknowledge 3
            acknowledge 4
        "#]],
    );
}

#[test]
fn without_a_hub_nothing_waits_and_what_tells_both_is_enough() {
    let mut watch = own_watch();
    for whose in watch.rules.instances.values_mut() {
        whose.hub = false;
    }
    watch.hubs.clear();
    expect![[r#"
        acknowledge 1
        announce bash-5.3-1.fc43 BUILDING
        record 2
        announce task 19 FREE
        record 3
    "#]]
    .assert_eq(&run(
        &mut watch,
        "heard 1 top 9 build ->FREE owner=#2
         heard 2 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=0
         heard 3 top 19 build ->FREE owner=#2",
    ));
}

#[test]
fn what_comes_again_while_it_waits_is_taken_up_once_and_acknowledged_where_it_came() {
    let mut watch = own_watch();
    let letter = |connection: u32, tag: u64| {
        let mut news = news(time(0), &words("1 top 9 build OPEN->FAILED owner=#2 started=0 ended=9")).unwrap();
        news.delivery = Some(Delivery {
            instance: fedora(),
            connection,
            tag,
        });
        Event::Heard(news)
    };
    let mut done = String::new();
    for event in [letter(1, 5), letter(2, 1), letter(2, 2)] {
        for effect in watch.step(time(10), event) {
            writeln!(done, "{}", describe(&effect)).unwrap();
        }
    }
    done.push_str(&run(&mut watch, "at 10\nowners 2=mona"));
    expect![[r#"
        ask owners 2
        ask look since=-86390
        announce task 9 FAILED
        show #1 Failed task 9 FAILED my-builds
        ask why Task(TaskId(9)) Some(TaskId(9))
        record 1
        record 2
    "#]]
    .assert_eq(&done);
}

#[test]
fn of_too_much_that_waits_the_oldest_goes_on() {
    let mut watch = own_watch();
    run(&mut watch, "heard 0 top 1 build ->FREE owner=#2");
    for n in 1..MAX_NAMELESS {
        assert_eq!(run(&mut watch, &format!("heard {n} top {n} build ->FREE owner=#9")), "");
    }
    let more = run(&mut watch, "heard 999 top 999 build ->FREE owner=#9");
    assert_eq!(more, "acknowledge 0\n");
    assert!(
        watch.sizes().iter().all(|(_, is, may)| is <= may),
        "{:?}",
        watch.sizes()
    );
}

#[test]
fn many_numbers_are_asked_for_at_once() {
    let mut watch = own_watch();
    run(&mut watch, "heard 0 top 1 build ->FREE owner=#1000");
    let mut script = String::new();
    for n in 1..=60 {
        writeln!(script, "heard {n} top {n} build ->FREE owner=#{n}").unwrap();
    }
    assert_eq!(run(&mut watch, &script), "");
    let effects = watch.step(time(0), owners(&["1000=bob"]));
    let asked: Vec<_> = effects
        .iter()
        .filter_map(|it| match it {
            Effect::Ask(_, Ask::Owners(numbers)) => Some(numbers.len()),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [50]);
}

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
fn what_the_hub_kept_back_for_hours_is_no_news_of_now() {
    check_mona(
        "asked started on
         at 40000
         heard 1 top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=1
         heard 2 record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=5
         heard 3 child 11 below 9 buildArch x86_64 OPEN->FAILED owner=#2 started=6 ended=9
         heard 4 record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=5 ended=10
         heard 5 record 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona owner=#2 task=19 created=5 ended=11
         at 40031
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
    second.step(time(100), Event::Resumed(Box::new(resumed)));
    // The same in other messages: no id of a plugin's message lasts.
    let again = "at 100
                 heard 3 top 9 build bash OPEN->FAILED owner=#2 created=0 started=1 ended=12
                 heard 4 record 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona owner=#2 task=19 created=5 ended=10
                 heard 5 record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=5 ended=10";
    let told = run(&mut second, again);
    assert!(!told.contains("show"), "{told}");
}

/// The lives of a build, each message with its time.
const LIVES: [&str; 5] = [
    "top 9 build bash ->FREE owner=#2
     top 9 build bash FREE->ASSIGNED owner=#2 created=0
     top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=3
     child 10 below 9 buildSRPMFromSCM srpm ->FREE owner=#2
     child 10 below 9 buildSRPMFromSCM srpm FREE->ASSIGNED owner=#2 created=4
     child 10 below 9 buildSRPMFromSCM srpm ASSIGNED->OPEN owner=#2 created=4 started=5
     child 10 below 9 buildSRPMFromSCM srpm OPEN->CLOSED owner=#2 created=4 started=5 ended=9 srpm=bash-5.3-1.fc43
     record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=10
     child 11 below 9 buildArch x86_64 ->FREE owner=#2
     child 12 below 9 buildArch s390x ->FREE owner=#2
     child 11 below 9 buildArch x86_64 FREE->ASSIGNED owner=#2 created=11
     child 11 below 9 buildArch x86_64 ASSIGNED->OPEN owner=#2 created=11 started=12
     child 12 below 9 buildArch s390x ASSIGNED->OPEN owner=#2 created=11 started=12
     child 12 below 9 buildArch s390x OPEN->FREE owner=#2 created=11 started=12
     child 12 below 9 buildArch s390x ASSIGNED->OPEN owner=#2 created=11 started=14
     child 11 below 9 buildArch x86_64 OPEN->CLOSED owner=#2 created=11 started=12 ended=18
     child 12 below 9 buildArch s390x OPEN->CLOSED owner=#2 created=11 started=14 ended=19
     record 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona owner=#2 task=9 created=10 ended=20
     child 14 below 9 tagBuild tag OPEN->CLOSED owner=#2 created=20 started=21 ended=22
     top 9 build bash OPEN->CLOSED owner=#2 created=0 started=3 ended=23",
    "top 9 build bash ->FREE owner=#2
     top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=3
     child 10 below 9 buildSRPMFromSCM srpm OPEN->CLOSED owner=#2 created=4 started=5 ended=9 srpm=bash-5.3-1.fc43
     record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=10
     child 11 below 9 buildArch x86_64 ASSIGNED->OPEN owner=#2 created=11 started=12
     child 12 below 9 buildArch s390x ASSIGNED->OPEN owner=#2 created=11 started=12
     child 11 below 9 buildArch x86_64 OPEN->FAILED owner=#2 created=11 started=12 ended=18
     child 12 below 9 buildArch s390x OPEN->CANCELED owner=#2 created=11 started=12 ended=19
     record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=10 ended=20
     top 9 build bash OPEN->FAILED owner=#2 created=0 started=3 ended=23",
    "top 9 build bash ->FREE owner=#2
     top 9 build bash FREE->ASSIGNED owner=#2 created=0
     top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=3
     child 10 below 9 buildSRPMFromSCM srpm ->FREE owner=#2
     child 10 below 9 buildSRPMFromSCM srpm OPEN->FAILED owner=#2 created=4 started=5 ended=9
     top 9 build bash OPEN->FAILED owner=#2 created=0 started=3 ended=10",
    "top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=3
     record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=10
     child 11 below 9 buildArch x86_64 ASSIGNED->OPEN owner=#2 created=11 started=12
     top 9 build bash OPEN->CANCELED owner=#2 created=0 started=3 ended=20
     record 7 bash-5.3-1.fc43 BUILDING->CANCELED mona owner=#2 task=9 created=10 ended=20
     child 11 below 9 buildArch x86_64 OPEN->CANCELED owner=#2 created=11 started=12 ended=20",
    "top 9 build bash ->FREE owner=#2 scratch
     top 9 build bash FREE->ASSIGNED owner=#2 scratch created=0
     top 9 build bash ASSIGNED->OPEN owner=#2 scratch created=0 started=3
     top 9 build bash OPEN->FREE owner=#2 scratch created=0 started=3
     top 9 build bash ASSIGNED->OPEN owner=#2 scratch created=0 started=6
     child 11 below 9 buildArch x86_64 OPEN->CLOSED owner=#2 created=7 started=8 ended=11
     top 9 build bash OPEN->CLOSED owner=#2 scratch created=0 started=6 ended=12",
];

proptest! {
    /// The messages of one build's life in any order, some of them twice, its owner named at any time, and the hub asked
    /// in between or not: the story ends the same, its ending is told once, and each delivery is answered once.
    #[test]
    fn in_whatever_order_a_life_is_told_it_ends_the_same(
        life in 0..LIVES.len(),
        order in proptest::collection::vec(any::<u32>(), 24),
        again in proptest::collection::vec(0..20usize, 0..4),
        named in 0..24usize,
        looks in proptest::collection::vec((0..24usize, 0..20usize), 0..3),
    ) {
        let lines: Vec<&str> = LIVES[life].lines().map(str::trim).collect();
        let expected = live(&lines, 0, &[], &lines);
        let mut shuffled: Vec<(u32, &str)> = order.iter().copied().zip(lines.iter().copied()).collect();
        shuffled.sort();
        let mut shuffled: Vec<&str> = shuffled.into_iter().map(|(_, it)| it).collect();
        shuffled.extend(again.iter().filter_map(|it| lines.get(*it)));
        let lived = live(&shuffled, named, &looks, &lines);
        prop_assert_eq!(&lived.story, &expected.story);
        prop_assert_eq!(lived.endings, 1, "{:?}", lived.told);
        prop_assert_eq!(lived.answered.len(), shuffled.len());
        prop_assert!(lived.answered.values().all(|it| *it == 1), "{:?}", lived.answered);
    }
}

struct Lived {
    story: Story,
    endings: usize,
    told: Vec<String>,
    answered: BTreeMap<u64, u32>,
}

/// Tells a life in an order. `named`: after how many messages the hub says who owns it. `looks`: after how many
/// messages the hub tells how the children stood when so many of the `truth` had happened.
fn live(told: &[&str], named: usize, looks: &[(usize, usize)], truth: &[&str]) -> Lived {
    let mut watch = own_watch();
    let mut now = time(24);
    let mut effects = Vec::new();
    for (n, line) in told.iter().enumerate() {
        if n == named {
            effects.extend(watch.step(now, owners(&["2=mona"])));
        }
        for (_, upto) in looks.iter().filter(|(after, _)| *after == n) {
            effects.extend(watch.step(now, looked_at(&truth[..truth.len().min(*upto)])));
        }
        let mut letter = words(line);
        let number = n.to_string();
        letter.insert(0, &number);
        effects.extend(watch.step(now, Event::Heard(news(now, &letter).unwrap())));
        now += SignedDuration::from_millis(300);
    }
    effects.extend(watch.step(now, owners(&["2=mona"])));
    let mut lived = Lived {
        story: watch.stories.values().next().unwrap().story.clone(),
        endings: 0,
        told: Vec::new(),
        answered: BTreeMap::new(),
    };
    assert_eq!(watch.stories.len(), 1);
    for _ in 0..100 {
        let Some(wake) = watch.wake_at() else { break };
        effects.extend(watch.step(now.max(wake), Event::Woke));
        now = now.max(wake);
    }
    for effect in effects {
        match &effect {
            Effect::Show(notice) => {
                lived.told.push(describe(&effect));
                if let Telling::One(tale) = &notice.telling {
                    lived.endings += usize::from(tale.fate.is_end() && tale.fate != Fate::NotTagged);
                }
            }
            Effect::Record(record) => {
                if let Some(delivery) = &record.delivery {
                    *lived.answered.entry(delivery.tag).or_default() += 1;
                }
            }
            Effect::Acknowledge(delivery) => *lived.answered.entry(delivery.tag).or_default() += 1,
            _ => {}
        }
    }
    lived
}

/// How the hub says that the tasks below task 9 stand when these messages have been sent.
fn looked_at(sent: &[&str]) -> Event {
    let mut children: BTreeMap<TaskId, Child> = BTreeMap::new();
    for line in sent {
        let mut letter = words(line);
        letter.insert(0, "0");
        if let HubEvent::Child(it) = news(time(0), &letter).unwrap().event {
            children.insert(it.child.task, it.child);
        }
    }
    let progress = Progress {
        task: TaskId(9),
        state: Some(TaskState::Open),
        completed: None,
        children: children.into_values().collect(),
    };
    let looked = Looked {
        progress: vec![progress],
        ..Looked::default()
    };
    Event::Learned(fedora(), Learned::Looked(looked))
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs a script on a bus of Koji's own, whose hub is asked.
fn check_own(script: &str, expected: Expect) {
    let mut watch = own_watch();
    watch.step(time(0), Event::Woke);
    expected.assert_eq(&run(&mut watch, script));
}

/// The same, where it is known that mona is number 2.
fn check_mona(script: &str, expected: Expect) {
    expected.assert_eq(&run(&mut mona_watch(), script));
}

fn own_watch() -> Watch {
    let mut watch = hub_watch();
    for whose in watch.rules.instances.values_mut() {
        whose.every_task = true;
    }
    watch
}

fn mona_watch() -> Watch {
    let mut watch = own_watch();
    watch.learn_owner(&fedora(), UserId(2), Some(&"mona".to_owned()));
    watch.step(time(0), Event::Woke);
    watch
}

/// `owners 2=mona 3=-`: the hub says whose numbers they are.
pub(super) fn owners(words: &[&str]) -> Event {
    let learned = if words == ["unanswered"] {
        Learned::Unanswered {
            ask: Ask::Owners(BTreeSet::new()),
            why: Unanswered {
                text: "koji.example.com".to_owned(),
                kind: HubTrouble::Closed,
            },
        }
    } else {
        let owner = |it: &&str| {
            let (number, name) = it.split_once('=').unwrap();
            (
                UserId(number.parse().unwrap()),
                Some(name.to_owned()).filter(|it| it != "-"),
            )
        };
        Learned::Owners(words.iter().map(owner).collect())
    };
    Event::Learned(fedora(), learned)
}

/// Reads news of such a bus: `1 top 9 build bash FREE->OPEN owner=#2 started=5`, `2 child 11 below 9 buildArch x86_64 ->FREE`,
/// `3 record 7 bash-5.3-1.fc43 ->BUILDING mona task=9`, `4 promoted 7 bash-5.3-1.fc43` or `5 repo f43-build`. `None` if it
/// is none of these.
pub(super) fn news(_: Timestamp, words: &[&str]) -> Option<News> {
    let option = |key: &str| words.iter().find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
    let at = |key: &str| option(key).map(|it| time(it.parse().unwrap()));
    let states = words.iter().find_map(|it| it.split_once("->"));
    let task_states = || {
        let (old, new) = states.unwrap();
        (TaskState::from_name(old), TaskState::from_name(new).unwrap())
    };
    let number = |it: &str| it.parse::<u64>().unwrap();
    let event = match words[1] {
        "top" => {
            let (old, new) = task_states();
            let package = Some(words[4]).filter(|it| !it.contains("->"));
            HubEvent::Changed(Change::Task(TaskChange {
                task: TaskId(number(words[2])),
                method: words[3].to_owned(),
                old,
                new,
                owner: None,
                what: package.map(str::to_owned),
                package: package.map(str::to_owned),
                target: Some("rawhide".to_owned()),
                scratch: words.contains(&"scratch"),
                created: at("created"),
                started: at("started"),
                completed: at("ended"),
                children: Vec::new(),
            }))
        }
        "child" => {
            let (old, new) = task_states();
            HubEvent::Child(ChildChange {
                parent: TaskId(number(words[4])),
                child: Child {
                    task: TaskId(number(words[2])),
                    method: words[5].to_owned(),
                    arch: words[6].to_owned(),
                    state: Some(new),
                },
                old,
                srpm: option("srpm").and_then(Nvr::parse),
                created: at("created"),
                started: at("started"),
                completed: at("ended"),
            })
        }
        "record" => {
            let (old, new) = states.unwrap();
            HubEvent::Changed(Change::Build(BuildChange {
                build: Some(BuildId(number(words[2]))),
                nvr: Nvr::parse(words[3]).unwrap(),
                old: BuildState::from_name(old),
                new: BuildState::from_name(new).unwrap(),
                owner: Some(words[5].to_owned()).filter(|it| it != "-"),
                task: option("task").map(|it| TaskId(number(it))),
                target: None,
                started: None,
                created: at("created"),
                completed: at("ended"),
                children: Vec::new(),
            }))
        }
        "promoted" => HubEvent::Promoted(Promotion {
            build: Some(BuildId(number(words[2]))),
            nvr: Nvr::parse(words[3]).unwrap(),
            draft_release: None,
            user: None,
            owner: None,
        }),
        "repo" => HubEvent::Repo(RepoChange {
            repo: 1,
            tag: Some(words[2].to_owned()),
            task: None,
            done: true,
        }),
        _ => return None,
    };
    Some(News {
        instance: fedora(),
        delivery: Some(delivery(number(words[0]))),
        // The same bytes have the same id.
        message: Some(words[1..].join(" ")),
        is_first: false,
        sent: None,
        owner: option("owner").map(|it| UserId(number(it.strip_prefix('#').unwrap()))),
        event,
    })
}

/// How far each story is, with what is below it.
pub(super) fn progress(watch: &Watch) -> String {
    let mut text = String::new();
    for story in watch.stories.values().map(|it| &it.story) {
        let (done, all) = story.arches_done();
        let state = |it: &Child| format!(" {}={}", it.arch, it.state.map_or("-", TaskState::name));
        let parts: String = story.children.iter().map(state).collect();
        writeln!(
            text,
            "progress {} {done}/{all}{parts} {:?}",
            name(story),
            story.whereabouts
        )
        .unwrap();
    }
    text
}
