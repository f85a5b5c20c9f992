//! The same told again and again, and what comes back under its number.

use expect_test::expect;

use super::hub::{check_hub, hub_watch, next_look};
use super::*;

#[test]
fn what_each_look_repeats_is_told_once() {
    let look = "looked 60 ; build 7 bash-5.3-1.fc43 BUILDING mona task=9 at=0 ; \
                progress 9 OPEN x86_64=FAILED aarch64=OPEN";
    check_hub(
        &format!("woke\n{look}\nexplained build 7 package\nclosed 1\nat 70\nwoke\n{look}\nat 140\nwoke\n{look}"),
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 BUILDING
            announce bash-5.3-1.fc43 BUILDING
            announce bash-5.3-1.fc43 BUILDING
            show #1 Doomed bash-5.3-1.fc43 BUILDING my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            mark 60
            announce bash-5.3-1.fc43 BUILDING
            show #1 again Doomed bash-5.3-1.fc43 BUILDING my-builds because package
            ask look since=-3540 tasks=9 averages=bash
            ask look since=-3540 tasks=9 averages=bash
        "#]],
    );
}

#[test]
fn a_second_attempt_is_one_story_with_its_task() {
    check_hub(
        "woke
         looked 0
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=9
         taken 1
         at 10
         looked 10 ; task 12 build OPEN mona at=5
         at 70
         looked 70 ; build 7 bash-5.3-1.fc43 BUILDING mona task=12 at=60 ; task 12 build OPEN mona at=5
         at 200
         looked 200 ; build 7 bash-5.3-1.fc43 COMPLETE mona task=12 at=190 ; task 12 build CLOSED mona at=195
         at 300
         woke",
        expect![[r#"
            ask look since=-86400
            mark 0
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 1
            announce task 12 OPEN
            mark 10
            announce bash-5.3-1.fc43 BUILDING
            mark 70
            announce bash-5.3-1.fc43 COMPLETE
            show #1 again Finished bash-5.3-1.fc43 COMPLETE my-builds
            mark 200
        "#]],
    );
}

#[test]
fn a_build_whose_end_was_in_no_list_is_asked_for() {
    check_hub(
        "woke
         looked 0 ; build 7 bash-5.3-1.fc43 BUILDING mona task=9 at=0
         at 3
         woke
         looked 3 ; progress 9 CLOSED
         at 80
         woke",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 BUILDING
            mark 0
            ask look since=-3600 tasks=9 averages=bash
            mark 3
            ask look since=-3597 tasks=9 builds=7 averages=bash
        "#]],
    );
}

#[test]
fn a_task_whose_end_was_in_no_list_is_told_by_the_look_at_it() {
    check_hub(
        "woke
         looked 0 ; task 9 build OPEN mona at=0
         at 3
         woke
         looked 3 ; progress 9 FAILED
         at 80
         woke
         looked 80 ; task 9 build FAILED mona at=70",
        expect![[r#"
            ask look since=-86400
            announce task 9 OPEN
            mark 0
            ask look since=-3600 tasks=9 averages=bash
            announce task 9 FAILED
            show #1 Failed task 9 FAILED my-builds
            ask why Task(TaskId(9)) Some(TaskId(9))
            mark 3
            announce task 9 FAILED
            mark 80
        "#]],
    );
}

#[test]
fn who_asks_how_something_stands_takes_the_news_from_nobody() {
    check_hub(
        "woke
         looked 0
         follow 5 task 44
         found task 44 build OPEN bob
         follow 6 task 44
         found task 44 build FAILED bob at=9",
        expect![[r#"
            ask look since=-86400
            mark 0
            ask find Task(TaskId(44))
            reply 5 task 44 OPEN
            ask find Task(TaskId(44))
            announce task 44 FAILED
            show #1 Failed task 44 FAILED followed
            ask why Task(TaskId(44)) Some(TaskId(44))
            reply 6 task 44 FAILED
        "#]],
    );
}

#[test]
fn a_yes_is_for_the_task_that_was_asked_about() {
    check_hub(
        "woke
         heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona task=9
         act cancel 7
         at 100
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=9
         at 200
         heard 3 build 7 bash-5.3-1.fc43 FAILED->BUILDING mona task=10
         confirm cancel 7",
        expect![[r#"
            ask look since=-86400
            announce bash-5.3-1.fc43 BUILDING
            record 1
            show #1 confirm Cancel bash-5.3-1.fc43 BUILDING
            announce bash-5.3-1.fc43 FAILED
            show #2 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 2
            announce bash-5.3-1.fc43 BUILDING
            record 3
            withdraw #1
        "#]],
    );
}

#[test]
fn many_builds_do_not_hurry_every_look() {
    let mut watch = hub_watch();
    let tasks = |from: u64| -> String {
        let rows = (from..from + 40).map(|it| format!(" ; task {it} build OPEN mona at={}", it % 50));
        rows.collect()
    };
    assert_eq!(next_look(&mut watch, &format!("woke\nlooked 0{}", tasks(100))), 3);
    let second = format!("at 3\nwoke\nlooked 3{}", tasks(200));
    assert_eq!(next_look(&mut watch, &second), 3 + 60);
    // All of them have their turn.
    let asked = run(&mut watch, "at 70\nwoke\nlooked 70\nat 140\nwoke\nlooked 140");
    let of_look = |it: &str| -> Vec<String> {
        let tasks = it.split("tasks=").nth(1).unwrap().split(' ').next().unwrap();
        tasks.split(',').map(str::to_owned).collect()
    };
    let asked: Vec<_> = asked
        .lines()
        .filter(|it| it.starts_with("ask look"))
        .map(of_look)
        .collect();
    assert_eq!(asked.iter().map(Vec::len).collect::<Vec<_>>(), [30, 30]);
    assert!(asked[0].iter().all(|it| !asked[1].contains(it)));
}

#[test]
fn a_clock_that_was_set_back_keeps_no_hub_waiting() {
    let mut watch = hub_watch();
    run(&mut watch, "at 7200\nwoke\nlooked 7200");
    let effects = watch.step(time(10), Event::Woke);
    assert!(
        effects.iter().any(|it| matches!(it, Effect::Ask(_, Ask::Look(_)))),
        "{effects:?}"
    );
}

#[test]
fn an_instance_that_comes_back_into_the_configuration_has_not_forgotten() {
    let mut watch = hub_watch();
    run(&mut watch, "resumed -600000\nwoke\nlooked 0");
    let with = watch.rules.clone();
    let mut without = with.clone();
    without.instances.clear();
    watch.step(time(20), Event::Reloaded(without));
    let effects = watch.step(time(30), Event::Reloaded(with));
    let look = effects.iter().find_map(|it| match it {
        Effect::Ask(_, Ask::Look(look)) => Some(look.clone()),
        _ => None,
    });
    assert_eq!(look.unwrap().mark, Some(time(0)));
}

#[test]
fn an_end_whose_time_is_learned_later_is_not_told_again_after_the_next_start() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10 ended=none
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10 ended=10
         at 300
         heard 3 build 7 bash-5.3-1.fc43 FAILED->BUILDING mona sent=300
         heard 4 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10 ended=10",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            record 2
            announce bash-5.3-1.fc43 BUILDING
            record 3
            record 4
        "#]],
    );
}

#[test]
fn a_reason_of_a_second_attempt_does_not_change_what_is_on_screen_of_the_first() {
    check_hub(
        "woke
         looked 0
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=9
         taken 1
         asked pause 30
         at 10
         heard 2 build 7 bash-5.3-1.fc43 FAILED->BUILDING mona task=12
         at 20
         heard 3 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=12
         explained build 7 package
         asked resume",
        expect![[r#"
            ask look since=-86400
            mark 0
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            ask why Build(BuildId(7)) Some(TaskId(9))
            record 1
            announce bash-5.3-1.fc43 BUILDING
            record 2
            announce bash-5.3-1.fc43 FAILED
            record 3
            announce bash-5.3-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds because package
        "#]],
    );
}

#[test]
fn an_end_that_is_on_its_way_to_a_server_is_not_taken_back() {
    let mut watch = hub_watch();
    watch.rules.wanted.failed = false;
    let told = run(
        &mut watch,
        "woke
         looked 0
         server gone
         at 300
         woke
         looked 300 ; build 7 bash-5.3-1.fc43 COMPLETE mona task=9 at=270 ; task 9 build FAILED mona at=280
         lost 1
         server there",
    );
    expect![[r#"
        ask look since=-86400
        mark 0
        ask look since=-3600
        announce bash-5.3-1.fc43 COMPLETE
        show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
        announce bash-5.3-1.fc43 COMPLETE
        mark 300
        show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
    "#]]
    .assert_eq(&told);
}

#[test]
fn what_only_says_more_of_what_is_on_screen_is_in_no_digest() {
    let mut watch = hub_watch();
    let mut script = "woke
         looked 0
         heard 1 build 1 a-1-1 BUILDING->FAILED mona task=9
         taken 1
         explained build 1 package
         lost 1\n"
        .to_owned();
    for n in 2..=7 {
        script += &format!(
            "at {}\nheard {n} build {n} b{n}-1-1 BUILDING->COMPLETE mona\nlost {n}\n",
            n * 13
        );
    }
    run(&mut watch, &script);
    let told = run(&mut watch, "server there");
    expect![[r#"
        show #1 again Failed a-1-1 FAILED my-builds because package
        show #8 digest b2-1-1 COMPLETE, b3-1-1 COMPLETE, b4-1-1 COMPLETE, b5-1-1 COMPLETE, b6-1-1 COMPLETE, b7-1-1 COMPLETE
    "#]].assert_eq(&told);
}

#[test]
fn what_could_not_be_tagged_and_then_is_counts_as_tagged() {
    let mut watch = hub_watch();
    let script = "woke
         looked 0 ; build 7 bash-5.3-1.fc43 BUILDING mona at=0 task=9
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona ended=5
         at 61
         woke
         looked 61 ; progress 9 FAILED at=50";
    run(&mut watch, script);
    let whereabouts = |watch: &Watch| watch.results()[0].whereabouts.clone();
    assert_eq!(
        (whereabouts(&watch), watch.unseen_failures()),
        (Whereabouts::NotTagged, 1)
    );
    run(&mut watch, "at 90\nheard 2 tag 7 bash-5.3-1.fc43 f43 mona");
    assert_eq!((whereabouts(&watch), watch.unseen_failures()), (Whereabouts::Tagged, 0));
}

#[test]
fn that_something_runs_is_told_once_however_often_a_look_says_so() {
    let mut watch = hub_watch();
    watch.rules.wanted.started = true;
    watch.rules.wanted.scratch = true;
    let mut script = "woke\nlooked 0\n".to_owned();
    for n in 1..=4 {
        script += &format!("at {0}\nlooked {0} ; task 12 build OPEN mona scratch at=5\n", n * 60);
    }
    let told = run(&mut watch, &script);
    assert_eq!(told.matches("show ").count(), 1, "{told}");
}

#[test]
fn an_end_that_the_build_has_gone_on_from_is_told_when_it_is_heard() {
    let told = |ended: &str| {
        let script = format!(
            "woke
             looked 0 ; build 7 bash-5.3-1.fc43 BUILDING mona task=9 at=0
             at 60
             looked 60 ; progress 9 FAILED at=50
             at 90
             looked 90 ; build 7 bash-5.3-1.fc43 COMPLETE mona task=12 at=80
             taken 1
             at 500
             looked 500 ; task 9 build FAILED mona at=50
             heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=9 sent=49 ended={ended}
             heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=9 sent=49 ended={ended}"
        );
        let mut watch = hub_watch();
        let told = run(&mut watch, &script);
        told.lines()
            .filter(|it| it.starts_with("show"))
            .map(|it| format!("{it}\n"))
            .collect::<String>()
    };
    let expected = expect![[r#"
        show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
        show #2 Failed bash-5.3-1.fc43 FAILED my-builds
    "#]];
    expected.assert_eq(&told("49"));
    // An old bus tells no times.
    assert_eq!(told("49"), told("none"));
}

/// Koji's own plugins give no ids and tell no times of a tagging: the second is the first to the letter.
#[test]
fn what_is_tagged_again_is_told_again_if_the_broker_says_that_it_is_new() {
    let told = |is_first: bool| {
        let mut watch = hub_watch();
        run(&mut watch, "asked tagged on");
        let mut tag = |number: u64, added: bool, is_first: bool| {
            let line = format!("{number} tag 7 bash-5.3-1.fc43 f43 mona");
            let mut news = heard(time(0), &line.split(' ').collect::<Vec<_>>());
            news.message = Some(format!("content {added}"));
            news.is_first = is_first;
            if let HubEvent::Changed(Change::Tag(it)) = &mut news.event {
                it.added = added;
            }
            let effects = watch.step(time(0), Event::Heard(news));
            watch.step(time(0), Event::Recorded(delivery(number)));
            let shown = effects.iter().filter(|it| matches!(it, Effect::Show(_)));
            shown.count()
        };
        [
            tag(1, true, is_first),
            tag(2, false, is_first),
            tag(3, true, is_first),
            // Not acknowledged in time.
            tag(4, true, false),
        ]
    };
    assert_eq!(told(true), [1, 1, 1, 0]);
    assert_eq!(told(false), [1, 1, 0, 0]);
}
