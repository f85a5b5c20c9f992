//! Stories: what happened on the left, what was to be done on the right of it.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks at the effects it is about")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroU32;

use expect_test::{Expect, expect};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

mod again;
mod cycle;
mod first_look;
mod hub;
mod kept;
mod language;
mod mass;
mod mutes;
mod own_bus;
mod quiet;
mod reasons;
mod trend;
mod usual;
mod watchdog;

use self::language::*;
use super::state::MAX_STORIES;
use super::*;
use crate::koji::{
    BuildChange, BuildId, BuildState, Change, HubEvent, InstanceName, Nvr, Subject, TagChange, TaskChange, TaskId,
    TaskState,
};

#[test]
fn a_finished_build_is_shown_recorded_and_then_acknowledged() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona
         recorded 1",
        expect![[r#"
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 1
            acknowledge 1
        "#]],
    );
}

#[test]
fn redelivery_is_acknowledged_and_not_shown_again() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         recorded 1
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            acknowledge 1
            acknowledge 1
        "#]],
    );
}

#[test]
fn the_same_ending_in_another_message_is_not_shown_again() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=5
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=5",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            record 2
        "#]],
    );
}

#[test]
fn a_build_of_somebody_else_is_acknowledged_and_forgotten() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED bob",
        expect![[r#"
            acknowledge 1
        "#]],
    );
}

#[test]
fn a_followed_package_is_told_whoever_builds_it() {
    check(
        "heard 1 build 7 kernel-6.12-1.fc43 BUILDING->FAILED bob
         asked followed off
         heard 2 build 8 kernel-6.12-2.fc43 BUILDING->FAILED bob",
        expect![[r#"
            announce kernel-6.12-1.fc43 FAILED
            show #1 Failed kernel-6.12-1.fc43 FAILED followed-packages
            record 1
            save Followed off
            listen fedora users=mona packages= tasks=true tags=false
            acknowledge 2
        "#]],
    );
}

#[test]
fn started_and_finished_are_one_notification() {
    check(
        "asked started on
         heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona
         taken 1
         at 600
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona",
        expect![[r#"
            save Started on
            announce bash-5.3-1.fc43 BUILDING
            show #1 Started bash-5.3-1.fc43 BUILDING my-builds
            record 1
            announce bash-5.3-1.fc43 COMPLETE
            show #1 again Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 2
        "#]],
    );
}

#[test]
fn a_notification_that_is_no_longer_true_is_withdrawn() {
    check(
        "asked started on
         asked canceled off
         heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona
         taken 1
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->CANCELED mona",
        expect![[r#"
            save Started on
            save Canceled off
            announce bash-5.3-1.fc43 BUILDING
            show #1 Started bash-5.3-1.fc43 BUILDING my-builds
            record 1
            announce bash-5.3-1.fc43 CANCELED
            withdraw #1
            record 2
        "#]],
    );
}

#[test]
fn late_news_of_a_start_changes_nothing() {
    check(
        "asked started on
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona sent=100
         heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona sent=50",
        expect![[r#"
            save Started on
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 2
            record 1
        "#]],
    );
}

#[test]
fn a_build_that_comes_back_is_told_again() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         taken 1
         at 300
         heard 2 build 7 bash-5.3-1.fc43 FAILED->BUILDING mona sent=300
         at 600
         heard 3 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=600",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            announce bash-5.3-1.fc43 BUILDING
            record 2
            announce bash-5.3-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds
            record 3
        "#]],
    );
}

#[test]
fn a_failure_that_comes_after_the_next_start_is_still_told() {
    check(
        "heard 2 build 7 bash-5.3-1.fc43 FAILED->BUILDING mona sent=300
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         running",
        expect![[r#"
            announce bash-5.3-1.fc43 BUILDING
            record 2
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            running bash-5.3-1.fc43 BUILDING
        "#]],
    );
}

#[test]
fn old_hubs_say_canceled_twice_in_one_message() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 CANCELED->CANCELED mona",
        expect![[r#"
            announce bash-5.3-1.fc43 CANCELED
            show #1 Canceled bash-5.3-1.fc43 CANCELED my-builds
            record 1
        "#]],
    );
}

#[test]
fn garbage_collection_is_not_news() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 CANCELED->DELETED mona",
        expect![[r#"
            announce bash-5.3-1.fc43 DELETED
            record 1
        "#]],
    );
}

#[test]
fn a_scratch_build_is_told_by_its_task() {
    check(
        "heard 1 task 55 bash OPEN->CLOSED mona
         asked scratch off
         heard 2 task 56 bash OPEN->FAILED mona",
        expect![[r#"
            announce task 55 CLOSED
            show #1 Finished task 55 CLOSED my-scratch-builds
            record 1
            save Scratch off
            listen fedora users=mona packages=kernel tasks=false tags=false
            announce task 56 FAILED
            record 2
        "#]],
    );
}

#[test]
fn a_tag_is_told_only_when_asked_for() {
    check(
        "heard 1 tag 7 bash-5.3-1.fc43 f43-updates mona
         asked tagged on
         heard 2 tag 7 bash-5.3-1.fc43 f43-updates mona",
        expect![[r#"
            record 1
            save Tagged on
            listen fedora users=mona packages=kernel tasks=true tags=true
            show #1 Tagged("f43-updates") bash-5.3-1.fc43 COMPLETE my-tags
            record 2
        "#]],
    );
}

#[test]
fn a_burst_folds_into_a_digest() {
    check(
        "burst 1 9
         at 61
         woke
         at 200
         woke
         burst 20 1",
        expect![[r#"
            show #1 Finished p1-1-1 COMPLETE my-builds
            show #2 Finished p2-1-1 COMPLETE my-builds
            show #3 Finished p3-1-1 COMPLETE my-builds
            show #4 Finished p4-1-1 COMPLETE my-builds
            show #5 Finished p5-1-1 COMPLETE my-builds
            show #6 digest p6-1-1 COMPLETE, p7-1-1 COMPLETE, p8-1-1 COMPLETE, p9-1-1 COMPLETE
            show #7 Finished p20-1-1 COMPLETE my-builds
        "#]],
    );
}

#[test]
fn a_pause_holds_everything_and_its_end_sums_up() {
    check(
        "asked pause 30
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
         at 1799
         woke
         at 1800
         woke",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            announce zsh-5.9-1.fc43 COMPLETE
            record 2
            show #1 digest bash-5.3-1.fc43 FAILED, zsh-5.9-1.fc43 COMPLETE
        "#]],
    );
}

#[test]
fn one_thing_missed_in_a_pause_needs_no_digest() {
    check(
        "asked pause resumed
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         asked resume",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        "#]],
    );
}

#[test]
fn until_tomorrow_ends_at_the_local_midnight() {
    // 2026-11-20 18:00 in Berlin is 17:00 UTC; midnight there is 23:00 UTC.
    let mut watch = Watch::new(rules(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()));
    let now: Timestamp = "2026-11-20T17:00:00Z".parse().unwrap();
    watch.step(now, Event::Asked(Request::Pause(PauseFor::UntilTomorrow)));
    assert_eq!(watch.wake_at(), Some("2026-11-20T23:00:00Z".parse().unwrap()));
}

#[test]
fn a_muted_package_is_silent_until_the_end_of_the_mute() {
    check(
        "asked mute bash 30
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         at 1801
         woke
         heard 2 build 8 bash-5.3-2.fc43 BUILDING->FAILED mona",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            record 1
            announce bash-5.3-2.fc43 FAILED
            show #1 Failed bash-5.3-2.fc43 FAILED my-builds
            record 2
        "#]],
    );
}

#[test]
fn what_no_server_took_is_shown_when_one_comes() {
    check(
        "server gone
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         lost 1
         at 100
         woke
         server there
         taken 1",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        "#]],
    );
}

#[test]
fn a_server_that_hangs_is_tried_again_after_a_minute() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         lost 1
         at 60
         woke",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        "#]],
    );
}

#[test]
fn the_last_answer_for_a_notice_counts() {
    check(
        "asked started on
         heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         taken 1
         lost 1
         at 60
         woke",
        expect![[r#"
            save Started on
            announce bash-5.3-1.fc43 BUILDING
            show #1 Started bash-5.3-1.fc43 BUILDING my-builds
            record 1
            announce bash-5.3-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds
            record 2
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds
        "#]],
    );
}

#[test]
fn a_tag_leaves_the_notification_of_a_followed_package_alone() {
    check(
        "asked tagged on
         heard 1 build 7 kernel-6.12-1.fc43 BUILDING->COMPLETE bob
         taken 1
         heard 2 tag 7 kernel-6.12-1.fc43 f43-updates bob",
        expect![[r#"
            save Tagged on
            listen fedora users=mona packages=kernel tasks=true tags=true
            announce kernel-6.12-1.fc43 COMPLETE
            show #1 Finished kernel-6.12-1.fc43 COMPLETE followed-packages
            record 1
            record 2
        "#]],
    );
}

#[test]
fn late_news_does_not_take_the_place_of_newer() {
    check(
        "heard 2 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona sent=100
         taken 1
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         taken 2
         asked failed off
         heard 3 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=20",
        expect![[r#"
            announce bash-5.3-1.fc43 COMPLETE
            show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
            record 2
            show #2 Failed bash-5.3-1.fc43 FAILED my-builds
            announce bash-5.3-1.fc43 COMPLETE
            record 1
            save Failed off
            announce bash-5.3-1.fc43 COMPLETE
            record 3
        "#]],
    );
}

#[test]
fn nothing_pops_up_during_a_pause_when_a_server_comes() {
    check(
        "server gone
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         lost 1
         lost 2
         asked pause resumed
         server there
         at 100
         woke
         asked mute zsh 30
         asked resume",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            announce zsh-5.9-1.fc43 FAILED
            show #2 Failed zsh-5.9-1.fc43 FAILED my-builds
            record 2
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        "#]],
    );
}

#[test]
fn a_digest_takes_what_it_tells_anew_off_the_screen() {
    check(
        "asked started on
         heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona
         taken 1
         asked pause resumed
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona
         heard 3 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
         asked resume",
        expect![[r#"
            save Started on
            announce bash-5.3-1.fc43 BUILDING
            show #1 Started bash-5.3-1.fc43 BUILDING my-builds
            record 1
            announce bash-5.3-1.fc43 COMPLETE
            record 2
            announce zsh-5.9-1.fc43 COMPLETE
            record 3
            withdraw #1
            show #2 digest bash-5.3-1.fc43 COMPLETE, zsh-5.9-1.fc43 COMPLETE
        "#]],
    );
}

#[test]
fn an_ending_without_a_time_is_the_same_until_a_start_was_seen() {
    check(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=1 ended=none
         taken 1
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=6 ended=none
         heard 3 build 7 bash-5.3-1.fc43 FAILED->BUILDING mona sent=100
         heard 4 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=200 ended=none",
        expect![[r#"
            announce bash-5.3-1.fc43 FAILED
            show #1 Failed bash-5.3-1.fc43 FAILED my-builds
            record 1
            announce bash-5.3-1.fc43 FAILED
            record 2
            announce bash-5.3-1.fc43 BUILDING
            record 3
            announce bash-5.3-1.fc43 FAILED
            show #1 again Failed bash-5.3-1.fc43 FAILED my-builds
            record 4
        "#]],
    );
}

#[test]
fn a_build_of_an_instance_that_is_gone_does_not_run_for_ever() {
    let mut watch = watch();
    run(&mut watch, "heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona");
    assert_eq!(watch.running().len(), 1);
    let mut rules = rules(TimeZone::UTC);
    rules.instances.clear();
    watch.step(time(1), Event::Reloaded(rules));
    assert_eq!(watch.running().len(), 0);
}

#[test]
fn a_build_whose_end_was_missed_does_not_run_for_ever() {
    let mut watch = watch();
    run(&mut watch, "heard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona");
    watch.step(time(6 * 86_400), Event::Woke);
    assert_eq!(watch.running().len(), 1);
    watch.step(time(8 * 86_400), Event::Woke);
    assert_eq!(watch.running().len(), 0);
}

#[test]
fn a_dismissed_failure_calls_for_no_more_attention() {
    let mut watch = watch();
    run(&mut watch, "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona");
    assert_eq!(watch.unseen_failures(), 1);
    watch.step(time(1), Event::Closed(NoticeId(1), Closed::Expired));
    assert_eq!(watch.unseen_failures(), 1);
    run(&mut watch, "asked seen");
    assert_eq!(watch.unseen_failures(), 0);
}

#[test]
fn whoever_opens_the_page_of_a_failure_has_seen_it() {
    let mut watch = watch();
    run(
        &mut watch,
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona",
    );
    let link = "https://koji.example.com/koji/buildinfo?buildID=7".to_owned();
    let open = Request::Open {
        link: link.clone(),
        token: None,
        about: Some((fedora(), Subject::Build(BuildId(7)))),
    };
    let effects = watch.step(time(1), Event::Asked(open));
    assert_eq!(effects.first(), Some(&Effect::Open { link, token: None }));
    assert!(
        matches!(effects.as_slice(), [_, Effect::Record(_)]),
        "that it was seen is kept"
    );
    assert_eq!(watch.unseen_failures(), 1);
    assert_eq!(
        watch.newest_unseen_failure().map(name).as_deref(),
        Some("zsh-5.9-1.fc43 FAILED")
    );
}

#[test]
fn endings_are_counted_once() {
    let mut watch = watch();
    run(
        &mut watch,
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->COMPLETE mona
         heard 3 build 9 kernel-6.12-1.fc43 BUILDING->COMPLETE bob",
    );
    let endings = watch.endings();
    assert_eq!((endings.finished, endings.failed, endings.canceled), (1, 1, 0));
}

proptest! {
    /// Any news in any order, any number of times: each ending of mine is told at most once, nothing of bob's is
    /// told, every delivery is recorded or acknowledged exactly once, and what waits is woken for.
    #[test]
    fn nothing_is_told_twice_and_nothing_is_lost(story in proptest::collection::vec((0..6u64, 0..5i64, 0..3u8, 0..200i64), 0..120)) {
        let mut watch = watch();
        let mut told: BTreeMap<(Subject, &'static str, i64), u32> = BTreeMap::new();
        let mut expected: BTreeSet<(Subject, &'static str, i64)> = BTreeSet::new();
        let mut answered = BTreeMap::new();
        let mut now = time(0);
        let mut effects = Vec::new();
        for (n, (build, state, whose, second)) in story.iter().enumerate() {
            let new = BuildState::from_number(*state).unwrap();
            let owner = if *whose == 0 { "bob" } else { "mona" };
            // The subject's number tells whose it is, so that one build has one owner.
            let id = build * 2 + u64::from(*whose != 0);
            let news = build_news(n as u64, id, "p-1-1", None, new, owner, time(*second), Some(time(*second)));
            let subject = change_of(news.clone()).subject();
            if owner == "mona" && matches!(new, BuildState::Complete | BuildState::Failed | BuildState::Canceled) {
                expected.insert((subject, new.name(), *second));
            }
            effects.extend(watch.step(now, Event::Heard(news)));
            now += SignedDuration::from_millis(300);
        }
        for _ in 0..200 {
            let Some(wake) = watch.wake_at() else { break };
            now = now.max(wake);
            effects.extend(watch.step(now, Event::Woke));
            prop_assert!(watch.wake_at().is_none_or(|it| it > now), "a wake that does not move on");
        }
        prop_assert!(!watch.pace.holds());
        for tale in self::told(&effects) {
            prop_assert_eq!(tale.story.owner.as_deref(), Some("mona"));
            let second = tale.story.ended.unwrap().duration_since(time(0)).as_secs();
            *told.entry((tale.story.subject.clone(), tale.story.standing.name(), second)).or_default() += 1;
        }
        for effect in effects {
            match effect {
                Effect::Record(record) => {
                    if let Some(delivery) = record.delivery {
                        *answered.entry(delivery.tag).or_insert(0) += 1;
                    }
                }
                Effect::Acknowledge(delivery) => *answered.entry(delivery.tag).or_insert(0) += 1,
                _ => {}
            }
        }
        for (ending, times) in &told {
            prop_assert_eq!(*times, 1, "{:?}", ending);
        }
        // Endings in the same second are one ending.
        for (subject, state, second) in expected {
            let near = (-1..=1).any(|d| told.contains_key(&(subject.clone(), state, second + d)));
            prop_assert!(near, "{:?} {} {} was not told", subject, state, second);
        }
        prop_assert_eq!(answered.len(), story.len());
        prop_assert!(answered.values().all(|it| *it == 1));
    }
}

#[test]
fn the_history_is_shown_with_the_token_of_the_click() {
    let mut request = Request::ShowHistory { token: None };
    *request.token_mut().unwrap() = Some("token-7".to_owned());
    let effects = watch().step(time(0), Event::Asked(request));
    let token = Some("token-7".to_owned());
    assert_eq!(effects, [Effect::ShowHistory { token }]);
    assert_eq!(Request::MarkSeen.token_mut(), None);
}
