//! Stories of how long a notification lives, and of what puts a failure away.

use super::*;

fn unseen(watch: &Watch) -> usize {
    watch.unseen_failures()
}

#[test]
fn a_later_success_puts_the_failure_before_it_away() {
    let mut watch = watch();
    let done = run(
        &mut watch,
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         taken 1
         at 100
         heard 2 build 8 bash-5.3-2.fc43 BUILDING->COMPLETE mona sent=100
         taken 2",
    );
    expect![[r#"
        announce bash-5.3-1.fc43 FAILED
        show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        record 1
        announce bash-5.3-2.fc43 COMPLETE
        withdraw #1
        show #2 Finished bash-5.3-2.fc43 COMPLETE my-builds
        record 2
    "#]]
    .assert_eq(&done);
    assert_eq!(unseen(&watch), 0);
}

#[test]
fn another_package_and_an_earlier_success_put_nothing_away() {
    let mut watch = watch();
    let done = run(
        &mut watch,
        "heard 1 build 7 bash-5.3-2.fc43 BUILDING->FAILED mona sent=10
         taken 1
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona sent=20
         taken 2
         heard 3 build 6 bash-5.3-1.fc43 BUILDING->COMPLETE mona sent=5",
    );
    expect![[r#"
        announce bash-5.3-2.fc43 FAILED
        show #1 Failed bash-5.3-2.fc43 FAILED my-builds
        record 1
        announce zsh-5.9-1.fc43 COMPLETE
        show #2 Finished zsh-5.9-1.fc43 COMPLETE my-builds
        record 2
        announce bash-5.3-1.fc43 COMPLETE
        show #3 Finished bash-5.3-1.fc43 COMPLETE my-builds
        announce bash-5.3-2.fc43 FAILED
        record 3
    "#]]
    .assert_eq(&done);
    assert_eq!(unseen(&watch), 1);
}

#[test]
fn a_failure_that_is_heard_after_the_success_that_mended_it_is_told_and_calls_for_nobody() {
    let mut watch = watch();
    let done = run(
        &mut watch,
        "heard 2 build 8 bash-5.3-2.fc43 BUILDING->COMPLETE mona sent=20
         taken 1
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10",
    );
    expect![[r#"
        announce bash-5.3-2.fc43 COMPLETE
        show #1 Finished bash-5.3-2.fc43 COMPLETE my-builds
        record 2
        announce bash-5.3-1.fc43 FAILED
        show #2 Failed bash-5.3-1.fc43 FAILED my-builds
        announce bash-5.3-2.fc43 COMPLETE
        record 1
    "#]]
    .assert_eq(&done);
    assert_eq!(unseen(&watch), 0);
}

#[test]
fn a_failure_that_nobody_has_seen_is_told_although_it_is_mended() {
    let mut watch = watch();
    let done = run(
        &mut watch,
        "server gone
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         lost 1
         heard 2 build 8 bash-5.3-2.fc43 BUILDING->COMPLETE mona sent=20
         lost 2
         server there",
    );
    expect![[r#"
        announce bash-5.3-1.fc43 FAILED
        show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        record 1
        announce bash-5.3-2.fc43 COMPLETE
        show #2 Finished bash-5.3-2.fc43 COMPLETE my-builds
        record 2
        show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        show #2 Finished bash-5.3-2.fc43 COMPLETE my-builds
    "#]]
    .assert_eq(&done);
    assert_eq!(unseen(&watch), 0);
}

#[test]
fn a_failure_stays_until_somebody_has_dealt_with_it_or_not_as_the_person_likes() {
    let stays = |watch: &mut Watch, number: u64| {
        let script = format!("heard {number} build {number} p{number}-1-1 BUILDING->FAILED mona");
        let words: Vec<_> = script.split_whitespace().skip(1).collect();
        shown(&watch.step(time(0), Event::Heard(heard(time(0), &words)))).stays
    };
    let mut watch = watch();
    assert!(stays(&mut watch, 1));
    let done = run(&mut watch, "asked keepfailures off");
    assert_eq!(done, "save KeepFailures off\n");
    assert!(!stays(&mut watch, 2));
}

#[test]
fn what_has_gone_by_itself_is_not_seen_and_what_was_closed_is() {
    let mut watch = watch();
    run(
        &mut watch,
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         taken 1
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         taken 2",
    );
    watch.step(time(1), Event::Closed(NoticeId(1), Closed::Expired));
    assert_eq!(unseen(&watch), 2);
    watch.step(time(1), Event::Closed(NoticeId(2), Closed::Dismissed));
    assert_eq!(unseen(&watch), 1);
}

#[test]
fn a_failure_can_be_retried_from_its_notification_where_the_hub_knows_us() {
    let retry = |watch: &mut Watch| {
        let mut news = build_news(
            1,
            7,
            "bash-5.3-1.fc43",
            None,
            BuildState::Failed,
            "mona",
            time(0),
            Some(time(0)),
        );
        if let HubEvent::Changed(Change::Build(build)) = &mut news.event {
            build.task = Some(TaskId(50));
        }
        shown(&watch.step(time(0), Event::Heard(news))).retry
    };
    assert!(retry(&mut hub::hub_watch()));
    assert!(!retry(&mut watch()), "there is no hub that could be told");
}
