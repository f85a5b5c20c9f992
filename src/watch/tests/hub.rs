//! Stories in which the hub has a say.

use expect_test::expect;

use super::*;
use crate::koji::{Cause, CauseClass, Child};
use crate::watch::ask::{Looked, Progress};

#[test]
fn the_hub_is_asked_at_the_start_and_after_each_interruption() {
    check_hub(
        "woke
         looked 10
         up
         at 20
         looked 20
         slept
         down
         up",
        expect![[r#"
            ask look since=-86400
            mark 10
            ask look since=-3590
            mark 20
            ask look since=-3580
        "#]],
    );
}

#[test]
fn settings_that_come_while_a_hub_is_asked_are_asked_with_at_once() {
    let mut watch = hub_watch();
    run(&mut watch, "woke");
    watch.file_hubs(time(0));
    expect![[r#"
        ask look since=-3600
        mark 0
        mark 1
    "#]]
    .assert_eq(&run(&mut watch, "looked 0\nlooked 1"));
}

#[test]
fn an_idle_hub_is_asked_every_few_minutes_and_a_busy_one_each_minute() {
    let mut watch = hub_watch();
    assert_eq!(next_look(&mut watch, "woke\nlooked 0"), 300);
    let mut watch = hub_watch();
    let opened = "woke\nlooked 0 ; task 9 build OPEN mona at=0";
    // How far it is, nobody has asked yet.
    assert_eq!(next_look(&mut watch, opened), 3);
    assert_eq!(next_look(&mut watch, "at 3\nwoke\nlooked 3"), 3 + 60);
    let mut watch = hub_watch();
    let closer = "at 3\nwoke\nlooked 3";
    assert_eq!(
        next_look(&mut watch, &format!("battery on\n{opened}\n{closer}")),
        3 + 120
    );
    let mut watch = hub_watch();
    let long = "woke\nlooked 0 ; task 9 build OPEN mona at=-7200";
    assert_eq!(next_look(&mut watch, &format!("{long}\n{closer}")), 3 + 180);
    // Heard from the bus, while the hub would have been asked much later.
    let mut watch = hub_watch();
    let heard = "woke\nlooked 0\nheard 1 build 7 bash-5.3-1.fc43 ->BUILDING mona";
    assert_eq!(next_look(&mut watch, heard), 60);
}

#[test]
fn a_hub_that_does_not_answer_is_asked_ever_less() {
    let mut watch = hub_watch();
    let mut waits = Vec::new();
    let mut now = time(0);
    for _ in 0..8 {
        watch.step(now, Event::Woke);
        let why = Unanswered {
            text: "koji.example.com does not answer".to_owned(),
            kind: HubTrouble::Unreachable,
        };
        let ask = Ask::Look(Look::default());
        watch.step(now, Event::Learned(fedora(), Learned::Unanswered { ask, why }));
        let next = watch.wake_at().unwrap();
        waits.push(next.duration_since(now).as_secs());
        now = next;
    }
    assert_eq!(waits, [60, 120, 240, 480, 960, 1800, 1800, 1800]);
    let line = watch.hub(&fedora()).unwrap();
    let (trouble, since) = line.trouble.clone().unwrap();
    assert_eq!((trouble.kind, since), (HubTrouble::Unreachable, time(0)));
    watch.step(now, Event::Woke);
    watch.step(now, Event::Learned(fedora(), Learned::Looked(Looked::default())));
    assert_eq!(watch.hub(&fedora()).unwrap().trouble, None);
}

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

#[test]
fn ten_thousand_endings_are_counted_and_only_some_are_kept() {
    let mut watch = hub_watch();
    run(&mut watch, "resumed -600000\nwoke");
    let build = |n: u64| match change_of(heard(
        time(-5000),
        &["0", "build", &n.to_string(), "a-1-1", "->COMPLETE", "mona"],
    )) {
        Change::Build(mut it) => {
            it.completed = Some(time(-5000 + n as i64));
            Change::Build(it)
        }
        other => other,
    };
    let looked = Looked {
        as_of: Some(time(0)),
        asked: Some(time(0)),
        changes: (0..ask::MAX_LOOKED as u64).map(build).collect(),
        left_out: 9800,
        ..Looked::default()
    };
    let effects = watch.step(time(0), Event::Learned(fedora(), Learned::Looked(looked)));
    let digests: Vec<_> = effects
        .iter()
        .filter_map(|it| match it {
            Effect::Show(notice) => Some(notice.telling.clone()),
            _ => None,
        })
        .collect();
    let [Telling::Many(digest)] = digests.as_slice() else {
        panic!("{digests:?}");
    };
    assert_eq!(digest.tales.len() + digest.left_out as usize, 10_000);
    assert!(digest.away);
}

proptest! {
    /// Whatever the hub says, in whatever order and however often, next to whatever the bus says: each ending is told
    /// at most once, and each wake moves on.
    #[test]
    fn the_hub_and_the_bus_together_tell_nothing_twice(story in proptest::collection::vec((0..6u64, 0..5i64, 0..3u8, 0..40i64), 0..80)) {
        let mut watch = hub_watch();
        let mut told: BTreeMap<(u64, &'static str, i64), u32> = BTreeMap::new();
        let mut expected = BTreeSet::new();
        let mut now = time(0);
        let mut effects = watch.step(now, Event::Woke);
        for (n, (build, state, how, second)) in story.iter().enumerate() {
            let new = BuildState::from_number(*state).unwrap();
            // One task for each build, as on a real hub.
            let mut news = build_news(n as u64, *build, "p-1-1", None, new, "mona", time(*second), Some(time(*second)));
            if let HubEvent::Changed(Change::Build(it)) = &mut news.event {
                it.task = Some(TaskId(100 + build));
            }
            if matches!(new, BuildState::Complete | BuildState::Failed | BuildState::Canceled) && *second > 1 {
                expected.insert((*build, new.name(), *second));
            }
            let event = match how {
                0 => Event::Heard(news),
                1 => Event::Learned(fedora(), Learned::Looked(Looked { changes: vec![change_of(news)], ..Looked::default() })),
                _ => {
                    let task = Progress { task: TaskId(100 + build), state: TaskState::from_number(*state), completed: None, children: Vec::new() };
                    Event::Learned(fedora(), Learned::Looked(Looked { changes: vec![change_of(news)], progress: vec![task], ..Looked::default() }))
                }
            };
            effects.extend(watch.step(now, event));
            now += SignedDuration::from_millis(300);
        }
        for _ in 0..200 {
            let Some(wake) = watch.wake_at() else { break };
            now = now.max(wake);
            effects.extend(watch.step(now, Event::Woke));
            effects.extend(watch.step(now, Event::Learned(fedora(), Learned::Looked(Looked::default()))));
            prop_assert!(watch.wake_at().is_none_or(|it| it > now), "a wake that does not move on");
        }
        for tale in self::told(&effects).into_iter().filter(|it| it.fate.is_end()) {
            let second = tale.story.ended.unwrap().duration_since(time(0)).as_secs();
            let Subject::Build(build) = tale.story.subject else { panic!("{:?}", tale.story.subject) };
            *told.entry((build.0, tale.story.standing.name(), second)).or_default() += 1;
        }
        for (ending, times) in &told {
            prop_assert_eq!(*times, 1, "{:?}", ending);
        }
        for (build, state, second) in expected {
            let near = (-1..=1).any(|d| told.contains_key(&(build, state, second + d)));
            prop_assert!(near, "{} {} {} was not told", build, state, second);
        }
    }
}

pub(super) fn check_hub(script: &str, expected: Expect) {
    let mut watch = hub_watch();
    expected.assert_eq(&run(&mut watch, script));
}

/// Returns a watch of mona's whose hub can be asked and knows her. It was told its rules at the beginning of time.
pub(super) fn hub_watch() -> Watch {
    let mut watch = Watch::new(rules(TimeZone::UTC));
    reload(&mut watch);
    watch
}

fn reload(watch: &mut Watch) {
    let mut rules = rules(TimeZone::UTC);
    for whose in rules.instances.values_mut() {
        whose.hub = true;
        whose.logs_in = true;
    }
    watch.rules = rules;
    watch.hubs.clear();
    watch.file_hubs(time(0));
}

/// Runs a script that begins at 0 and returns how many seconds after the last event the hub is asked again.
pub(super) fn next_look(watch: &mut Watch, script: &str) -> i64 {
    run(watch, script);
    watch.next_look().unwrap().duration_since(time(0)).as_secs()
}

pub(super) fn event(now: Timestamp, words: &[&str]) -> Event {
    let learned = |it| Event::Learned(fedora(), it);
    match words {
        ["slept"] => Event::Slept,
        ["battery", on] => Event::OnBattery(*on == "on"),
        ["up"] => Event::LinkChanged(fedora(), Link::Up),
        ["down"] => Event::LinkChanged(fedora(), Link::Connecting),
        ["closed", n] => Event::Closed(NoticeId(n.parse().unwrap()), Closed::Dismissed),
        ["resumed", mark, endings @ ..] => {
            let ending = |it: &&str| {
                let [build, state, at] = it.split(':').collect::<Vec<_>>()[..] else {
                    panic!("what is {it:?}?");
                };
                let standing = Standing::Build(BuildState::from_name(state).unwrap());
                let subject = Subject::Build(BuildId(build.parse().unwrap()));
                (fedora(), subject, (standing, Some(second(at))))
            };
            Event::Resumed(Box::new(Resumed {
                marks: BTreeMap::from([(fedora(), second(mark))]),
                endings: endings.iter().map(ending).collect(),
                ..Resumed::default()
            }))
        }
        ["looked", as_of, parts @ ..] => {
            let mut looked = Looked {
                as_of: Some(second(as_of)),
                ..Looked::default()
            };
            let (asked, parts) = match parts {
                [word, rest @ ..] if word.starts_with("asked=") => (second(&word[6..]), rest),
                _ => (time(0), parts),
            };
            looked.asked = Some(asked);
            for part in parts.split(|it| *it == ";").filter(|it| !it.is_empty()) {
                match part {
                    ["progress", task, state, rest @ ..] => looked.progress.push(progress(task, state, rest)),
                    ["inrepo", build, tag] => {
                        let build = BuildId(build.parse().unwrap());
                        looked.in_repo.push((build, (*tag).to_owned()));
                    }
                    change => looked.changes.push(self::change(now, change)),
                }
            }
            learned(Learned::Looked(looked))
        }
        ["explained", kind, id, class, rest @ ..] => {
            let id = id.parse().unwrap();
            let about = if *kind == "build" {
                Subject::Build(BuildId(id))
            } else {
                Subject::Task(TaskId(id))
            };
            let class = [CauseClass::Package, CauseClass::SourceRpm, CauseClass::Canceled]
                .into_iter()
                .find(|it| it.name() == *class);
            let cause = Cause {
                class: class.unwrap(),
                task: None,
                method: None,
                arch: None,
                fault: String::new(),
                log: None,
                lines: Vec::new(),
                by: rest.first().map(|it| (*it).to_owned()),
            };
            learned(Learned::Explained { about, cause })
        }
        ["unexplained", id, kind] => {
            let kind = [HubTrouble::Closed, HubTrouble::Refused]
                .into_iter()
                .find(|it| format!("{it:?}").to_lowercase() == *kind);
            let why = Unanswered {
                text: "koji.example.com".to_owned(),
                kind: kind.unwrap(),
            };
            let about = build(id).1;
            let ask = Ask::Explain { about, task: None };
            learned(Learned::Unanswered { ask, why })
        }
        ["follow", "pasted", id] => Event::Asked(Request::Follow {
            instance: fedora(),
            lookup: Lookup::Task(TaskId(id.parse().unwrap())),
            asker: Asker::Person,
        }),
        ["known", name] => learned(Learned::Login(Ok((*name).to_owned()))),
        ["unknown"] => learned(Learned::Login(Err(Unanswered {
            text: "no ticket".to_owned(),
            kind: HubTrouble::LoginRefused,
        }))),
        ["pasted", "nothing"] => Event::NotMeant,
        ["follow", ticket, "task", id] => Event::Asked(Request::Follow {
            instance: fedora(),
            lookup: Lookup::Task(TaskId(id.parse().unwrap())),
            asker: Asker::Caller(Ticket(ticket.parse().unwrap())),
        }),
        ["found", "nothing", id] => {
            let lookup = Lookup::Task(TaskId(id.parse().unwrap()));
            learned(Learned::Found { lookup, change: None })
        }
        ["found", rest @ ..] => {
            let lookup = Lookup::Task(TaskId(rest[1].parse().unwrap()));
            let change = Some(change(now, rest));
            learned(Learned::Found { lookup, change })
        }
        ["act", act, id] => Event::Asked(Request::Act {
            act: self::act(act),
            about: build(id),
        }),
        ["confirm", act, id] => Event::Asked(Request::Confirm {
            act: self::act(act),
            about: build(id),
        }),
        ["acted", act, id, task] => learned(Learned::Acted {
            act: self::act(act),
            about: build(id).1,
            task: TaskId(9),
            done: Ok(Some(TaskId(task.parse().unwrap()))),
        }),
        other => panic!("what is {other:?}?"),
    }
}

fn act(word: &str) -> Act {
    match word {
        "resubmit" => Act::Resubmit,
        "cancel" => Act::Cancel,
        other => panic!("what is {other:?}?"),
    }
}

fn build(id: &str) -> (InstanceName, Subject) {
    (fedora(), Subject::Build(BuildId(id.parse().unwrap())))
}

fn second(word: &str) -> Timestamp {
    time(word.parse().unwrap())
}

pub(super) fn change(now: Timestamp, words: &[&str]) -> Change {
    let option = |key: &str| words.iter().find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
    let at = option("at").map_or(now, second);
    match words {
        ["build", id, nvr, state, owner, ..] => {
            let state = BuildState::from_name(state).unwrap();
            let news = build_news(0, id.parse().unwrap(), nvr, None, state, owner, at, Some(at));
            let Change::Build(mut change) = change_of(news) else {
                unreachable!()
            };
            change.created = Some(if state.is_settled() {
                at - SignedDuration::from_secs(60)
            } else {
                at
            });
            change.task = option("task").map(|it| TaskId(it.parse().unwrap()));
            Change::Build(change)
        }
        ["task", id, method, state, owner, ..] => {
            let state = TaskState::from_name(state).unwrap();
            Change::Task(TaskChange {
                task: TaskId(id.parse().unwrap()),
                method: (*method).to_owned(),
                old: None,
                new: state,
                owner: Some((*owner).to_owned()),
                what: None,
                package: Some("bash".to_owned()),
                target: Some("rawhide".to_owned()),
                scratch: words.contains(&"scratch"),
                created: Some(at),
                started: Some(at),
                completed: state.is_settled().then_some(at),
                children: Vec::new(),
            })
        }
        other => panic!("what is {other:?}?"),
    }
}

fn progress(task: &str, state: &str, words: &[&str]) -> Progress {
    let children = words
        .iter()
        .filter_map(|it| it.split_once('='))
        .filter(|(arch, _)| *arch != "at");
    let child = |(n, (arch, state)): (usize, (&str, &str))| Child {
        task: TaskId(1000 + n as u64),
        method: "buildArch".to_owned(),
        arch: arch.to_owned(),
        state: TaskState::from_name(state),
    };
    Progress {
        task: TaskId(task.parse().unwrap()),
        state: TaskState::from_name(state),
        completed: words.iter().find_map(|it| it.strip_prefix("at=")).map(second),
        children: children.enumerate().map(child).collect(),
    }
}

pub(super) fn describe(ask: &Ask) -> String {
    match ask {
        Ask::Look(look) => {
            let since = look.since.unwrap().duration_since(time(0)).as_secs();
            let mut text = format!("look since={since}");
            let mut list = |name: &str, items: Vec<String>| {
                if !items.is_empty() {
                    write!(text, " {name}={}", items.join(",")).unwrap();
                }
            };
            list("tasks", look.tasks.iter().map(ToString::to_string).collect());
            list("builds", look.builds.iter().map(ToString::to_string).collect());
            list("averages", look.averages.clone());
            list("repos", look.repos.iter().map(|it| it.1.to_string()).collect());
            text
        }
        Ask::Explain { about, task } => format!("why {about:?} {task:?}"),
        Ask::Owners(numbers) => {
            let numbers: Vec<_> = numbers.iter().map(|it| it.0.to_string()).collect();
            format!("owners {}", numbers.join(","))
        }
        Ask::Find(lookup) => format!("find {lookup:?}"),
        Ask::Act { act, task, .. } => format!("{act:?} {task:?}"),
    }
}

pub(super) fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Is(story) => name(story),
        Reply::Unknown => "unknown".to_owned(),
        Reply::NoHub => "no hub".to_owned(),
        Reply::NoAnswer(why) => format!("no answer: {why}"),
    }
}
