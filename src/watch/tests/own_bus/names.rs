//! Whose numbers are whose: what waits to hear it, and what need not.

use expect_test::expect;

use super::*;
use crate::watch::ask::Looked;
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
