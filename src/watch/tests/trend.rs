//! Stories of how a package has been doing.

use super::*;

/// Runs a script and returns what each shown ending says of its package.
fn trends(script: &str) -> String {
    let mut watch = watch();
    told(&mut watch, script)
}

fn told(watch: &mut Watch, script: &str) -> String {
    let mut now = time(0);
    let mut said = String::new();
    for line in script.lines().map(str::trim) {
        if let Some(second) = line.strip_prefix("at ") {
            now = time(second.parse().unwrap());
            continue;
        }
        let event = match line.strip_prefix("heard ") {
            Some(words) => Event::Heard(heard(now, &words.split_whitespace().collect::<Vec<_>>())),
            None => hub::event(now, &line.split_whitespace().collect::<Vec<_>>()),
        };
        for effect in watch.step(now, event) {
            let Effect::Show(notice) = effect else { continue };
            watch.step(now, Event::Shown(notice.id, Outcome::Taken));
            let tales = match notice.telling {
                Telling::One(tale) => vec![tale],
                Telling::Many(digest) => digest.tales,
                _ => Vec::new(),
            };
            for tale in tales {
                let row = |it: Row| format!("{} since {}", it.failures, it.since.duration_since(time(0)).as_secs());
                let trend = match tale.story.trend {
                    None => "nothing".to_owned(),
                    Some(Trend::First) => "first".to_owned(),
                    Some(Trend::Broken) => "broken".to_owned(),
                    Some(Trend::StillBroken(it)) => format!("still broken {}", row(it)),
                    Some(Trend::Fixed(it)) => format!("fixed {}", row(it)),
                };
                writeln!(said, "{}: {trend}", name(&tale.story)).unwrap();
            }
        }
    }
    said
}

fn check_trends(script: &str, expected: Expect) {
    expected.assert_eq(&trends(script));
}

#[test]
fn a_package_breaks_stays_broken_and_is_fixed() {
    check_trends(
        "heard 1 build 1 bash-5.3-1.fc43 BUILDING->COMPLETE mona sent=10
         heard 2 build 2 bash-5.3-2.fc43 BUILDING->FAILED mona sent=20
         heard 3 build 3 bash-5.3-3.fc43 BUILDING->FAILED mona sent=30
         heard 4 build 4 bash-5.3-4.fc43 BUILDING->COMPLETE mona sent=40
         at 100
         heard 5 build 5 bash-5.3-5.fc43 BUILDING->COMPLETE mona sent=100",
        expect![[r#"
            bash-5.3-1.fc43 COMPLETE: nothing
            bash-5.3-2.fc43 FAILED: broken
            bash-5.3-3.fc43 FAILED: still broken 2 since 20
            bash-5.3-4.fc43 COMPLETE: fixed 2 since 20
            bash-5.3-5.fc43 COMPLETE: nothing
        "#]],
    );
}

#[test]
fn what_is_known_of_nothing_else_is_no_first_and_nothing_broken() {
    check_trends(
        "heard 1 build 1 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         heard 2 build 2 zsh-5.9-1.fc43 BUILDING->COMPLETE mona sent=20",
        expect![[r#"
            bash-5.3-1.fc43 FAILED: nothing
            zsh-5.9-1.fc43 COMPLETE: nothing
        "#]],
    );
}

#[test]
fn what_was_canceled_changes_nothing() {
    check_trends(
        "heard 1 build 1 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         heard 2 build 2 bash-5.3-2.fc43 BUILDING->CANCELED mona sent=20
         heard 3 build 3 bash-5.3-3.fc43 BUILDING->FAILED mona sent=30",
        expect![[r#"
            bash-5.3-1.fc43 FAILED: nothing
            bash-5.3-2.fc43 CANCELED: nothing
            bash-5.3-3.fc43 FAILED: still broken 2 since 10
        "#]],
    );
}

#[test]
fn each_attempt_under_one_number_counts_and_each_once() {
    check_trends(
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=11 ended=10
         at 300
         heard 3 build 7 bash-5.3-1.fc43 FAILED->BUILDING mona sent=300
         heard 4 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=400
         heard 4 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=400
         at 600
         heard 5 build 7 bash-5.3-1.fc43 FAILED->BUILDING mona sent=600
         heard 6 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona sent=700",
        expect![[r#"
            bash-5.3-1.fc43 FAILED: nothing
            bash-5.3-1.fc43 FAILED: still broken 2 since 10
            bash-5.3-1.fc43 COMPLETE: fixed 2 since 10
        "#]],
    );
}

#[test]
fn late_news_says_how_it_was_then() {
    check_trends(
        "heard 1 build 1 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         heard 3 build 3 bash-5.3-3.fc43 BUILDING->FAILED mona sent=30
         heard 2 build 2 bash-5.3-2.fc43 BUILDING->COMPLETE mona sent=20
         at 100
         heard 4 build 4 bash-5.3-4.fc43 BUILDING->FAILED mona sent=100",
        expect![[r#"
            bash-5.3-1.fc43 FAILED: nothing
            bash-5.3-3.fc43 FAILED: still broken 2 since 10
            bash-5.3-2.fc43 COMPLETE: fixed 1 since 10
            bash-5.3-3.fc43 FAILED: broken
            bash-5.3-4.fc43 FAILED: still broken 2 since 30
        "#]],
    );
}

/// A bus does not tell of what failed before it had a record; the hub does, at the next look.
#[test]
fn what_is_learned_of_the_builds_before_is_added_to_the_failure_on_screen() {
    let mut watch = hub::hub_watch();
    let told = run(
        &mut watch,
        "woke
         looked 0
         at 30
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=30
         taken 1
         at 300
         woke
         looked 300 ; task 44 build FAILED mona at=10 ; task 45 build FAILED mona at=20",
    );
    expect![[r#"
        ask look since=-86400
        mark 0
        announce bash-5.3-1.fc43 FAILED
        show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        ask why Build(BuildId(7)) None
        record 1
        ask look since=-3600
        announce task 44 FAILED
        show #2 Failed task 44 FAILED my-builds
        ask why Task(TaskId(44)) Some(TaskId(44))
        announce task 45 FAILED
        show #3 Failed task 45 FAILED my-builds
        ask why Task(TaskId(45)) Some(TaskId(45))
        announce bash-5.3-1.fc43 FAILED
        show #1 again Failed bash-5.3-1.fc43 FAILED my-builds
        mark 300
    "#]]
    .assert_eq(&told);
    let row = Row {
        failures: 3,
        since: time(10),
    };
    let failed = watch.stories.get(&(fedora(), Subject::Build(BuildId(7)))).unwrap();
    assert_eq!(failed.story.trend, Some(Trend::StillBroken(row)));
}

/// What has finished is not worth another word, nor is what nobody wants any more.
#[test]
fn what_is_learned_of_the_builds_before_is_kept_without_a_word_of_what_finished() {
    let mut watch = watch();
    let told = run(
        &mut watch,
        "heard 2 build 8 bash-5.3-2.fc43 BUILDING->COMPLETE mona sent=20
         heard 4 build 10 zsh-5.9-2.fc43 BUILDING->FAILED mona sent=20
         taken 1
         taken 2
         asked mute zsh fixed
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
         heard 3 build 9 zsh-5.9-1.fc43 BUILDING->FAILED mona sent=10",
    );
    assert!(!told.contains("again"), "{told}");
    let trend = |id| {
        watch
            .stories
            .get(&(fedora(), Subject::Build(BuildId(id))))
            .unwrap()
            .story
            .trend
    };
    let row = |failures| Row {
        failures,
        since: time(10),
    };
    assert_eq!(trend(8), Some(Trend::Fixed(row(1))));
    assert_eq!(trend(10), Some(Trend::StillBroken(row(2))));
}

#[test]
fn another_target_another_package_and_a_scratch_build_are_other_things() {
    let mut watch = watch();
    let mut say = |number: u64, nvr: &str, target: &str, state| {
        let now = time(10 * i64::try_from(number).unwrap());
        let mut news = build_news(number, number, nvr, None, state, "mona", now, Some(now));
        if let HubEvent::Changed(Change::Build(build)) = &mut news.event {
            build.target = Some(target.to_owned());
        }
        super::told(&watch.step(now, Event::Heard(news)))[0].story.trend
    };
    assert_eq!(say(1, "bash-5.3-1.fc43", "f43", BuildState::Failed), None);
    assert_eq!(say(2, "bash-5.3-1.fc42", "f42", BuildState::Complete), None);
    assert_eq!(say(3, "zsh-5.9-1.fc43", "f43", BuildState::Failed), None);
    let row = Row {
        failures: 1,
        since: time(10),
    };
    assert_eq!(
        say(4, "bash-5.3-2.fc43", "f43", BuildState::Complete),
        Some(Trend::Fixed(row))
    );
}

#[test]
fn a_restart_goes_on_counting() {
    let mut first = watch();
    let mut stories = BTreeMap::new();
    let script = "heard 1 build 1 bash-5.3-1.fc43 BUILDING->FAILED mona sent=10
                  heard 2 build 2 bash-5.3-2.fc43 BUILDING->FAILED mona sent=20
                  heard 3 build 7 bash-5.3-0.fc43 BUILDING->FAILED mona sent=5
                  heard 4 build 7 bash-5.3-0.fc43 FAILED->BUILDING mona sent=6";
    run_and_keep(&mut first, script, &mut |record| {
        for keep in record.keeps {
            if let Keep::Story(filed) = keep {
                stories.insert(filed.story.subject.clone(), *filed);
            }
        }
    });
    let mut second = watch();
    let resumed = Resumed {
        stories: stories.into_values().collect(),
        ..Resumed::default()
    };
    second.step(time(50), Event::Resumed(Box::new(resumed)));
    // The broker sends the last one again.
    let said = told(
        &mut second,
        "at 60
         heard 9 build 2 bash-5.3-2.fc43 BUILDING->FAILED mona sent=20
         heard 5 build 7 bash-5.3-0.fc43 BUILDING->FAILED mona sent=60
         at 100
         heard 6 build 8 bash-5.3-3.fc43 BUILDING->COMPLETE mona sent=100",
    );
    expect![[r#"
        bash-5.3-0.fc43 FAILED: still broken 4 since 5
        bash-5.3-3.fc43 COMPLETE: fixed 4 since 5
    "#]]
    .assert_eq(&said);
}

/// Takes an event, has the hub say of each package that is asked for that its builds take so many minutes, or that it
/// knows none, and returns what was said with the endings that were shown.
fn with_hub(watch: &mut Watch, now: Timestamp, event: Event, average: Option<i64>) -> Vec<Option<Trend>> {
    let mut trends = Vec::new();
    let mut events = vec![event];
    while let Some(event) = events.pop() {
        for effect in watch.step(now, event) {
            match effect {
                Effect::Ask(instance, Ask::Look(look)) => {
                    let average = average.map(SignedDuration::from_mins);
                    let looked = Looked {
                        averages: look.averages.into_iter().map(|it| (it, average)).collect(),
                        ..Looked::default()
                    };
                    events.push(Event::Learned(instance, Learned::Looked(looked)));
                }
                Effect::Show(notice) => match notice.telling {
                    Telling::One(tale) => trends.push(tale.story.trend),
                    other => panic!("{other:?}"),
                },
                _ => {}
            }
        }
    }
    trends
}

#[test]
fn only_the_hub_says_that_a_package_was_never_built() {
    let run = |averages: &[Option<i64>]| {
        let mut watch = hub::hub_watch();
        with_hub(&mut watch, time(0), Event::Woke, None);
        let mut shown = Vec::new();
        for (number, average) in (1_u64..).zip(averages) {
            let start = time(0) + SignedDuration::from_hours(i64::try_from(number).unwrap());
            let end = start + SignedDuration::from_mins(5);
            let nvr = format!("new-1-{number}.fc43");
            let news = |message, old, new, at, ended| {
                Event::Heard(build_news(message, number, &nvr, old, new, "mona", at, ended))
            };
            let begun = news(number * 2, None, BuildState::Building, start, None);
            with_hub(&mut watch, start, begun, *average);
            // Whatever is asked about what runs is asked and answered by then.
            with_hub(&mut watch, start + SignedDuration::from_mins(2), Event::Woke, *average);
            let old = Some(BuildState::Building);
            let over = news(number * 2 + 1, old, BuildState::Complete, end, Some(end));
            shown.extend(with_hub(&mut watch, end, over, *average));
        }
        shown
    };
    assert_eq!(run(&[None]), [Some(Trend::First)]);
    assert_eq!(run(&[Some(9)]), [None]);
    // The hub is asked again when something begins, and we know better than one that counts late.
    assert_eq!(run(&[None, Some(9)]), [Some(Trend::First), None]);
    assert_eq!(run(&[None, None]), [Some(Trend::First), None]);
}

#[test]
fn what_failed_first_of_all_may_still_become_the_first() {
    let mut watch = hub::hub_watch();
    with_hub(&mut watch, time(0), Event::Woke, None);
    let states = [
        (None, BuildState::Building),
        (Some(BuildState::Building), BuildState::Failed),
        (Some(BuildState::Failed), BuildState::Building),
        (Some(BuildState::Building), BuildState::Complete),
    ];
    let mut shown = Vec::new();
    for (number, (old, new)) in (1_u64..).zip(states) {
        let now = time(0) + SignedDuration::from_hours(i64::try_from(number).unwrap());
        let ended = Some(now).filter(|_| new.is_settled());
        let news = build_news(number, 7, "new-1-1.fc43", old, new, "mona", now, ended);
        shown.extend(with_hub(&mut watch, now, Event::Heard(news), None));
        shown.extend(with_hub(
            &mut watch,
            now + SignedDuration::from_mins(2),
            Event::Woke,
            None,
        ));
    }
    assert_eq!(shown, [None, Some(Trend::First)]);
}

proptest! {
    /// In whatever order and however often the endings before are heard, each counts once.
    #[test]
    fn what_came_before_counts_once_in_any_order(
        states in proptest::collection::vec(0..3_usize, 0..20),
        heard in proptest::collection::vec(any::<proptest::sample::Index>(), 0..60),
        finishes in any::<bool>(),
    ) {
        let all = [BuildState::Complete, BuildState::Failed, BuildState::Canceled];
        let ended = |n: usize| time(100 * i64::try_from(n).unwrap());
        let news = |message: usize, n: usize, new| {
            let (message, number) = (message as u64, n as u64);
            let (nvr, at) = (format!("bash-5-{n}.fc43"), ended(n));
            Event::Heard(build_news(message, number, &nvr, None, new, "mona", at, Some(at)))
        };
        let mut watch = watch();
        let now = ended(states.len());
        let again = heard.iter().filter(|_| !states.is_empty()).map(|it| it.index(states.len()));
        for (message, n) in again.chain(0..states.len()).enumerate() {
            watch.step(now, news(message, n, all[states[n]]));
        }
        let new = if finishes { BuildState::Complete } else { BuildState::Failed };
        watch.step(now, news(1000, states.len(), new));
        let last = watch.results().into_iter().find(|it| it.subject == Subject::Build(BuildId(states.len() as u64)));
        let known: Vec<_> = states.iter().enumerate().filter(|(_, it)| **it < 2).collect();
        let failed: Vec<_> = known.iter().rev().take_while(|(_, it)| **it == 1).map(|(n, _)| *n).collect();
        let row = |more| failed.last().map(|n| Row { failures: u32::try_from(failed.len()).unwrap() + more, since: ended(*n) });
        let expected = if finishes {
            row(0).map(Trend::Fixed)
        } else {
            row(1).map(Trend::StillBroken).or((!known.is_empty()).then_some(Trend::Broken))
        };
        prop_assert_eq!(last.unwrap().trend, expected);
    }
}
