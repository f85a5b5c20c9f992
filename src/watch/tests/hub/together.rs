//! Much of it, and in any order: nothing is told twice.

use super::*;

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
