//! Stories of how long things take.

use super::*;
use crate::koji::Child;

/// Hears that builds of bash are complete that took so many minutes, on these architectures, and then that one for
/// `target` runs.
fn usual(took: &[(i64, &[&str])], target: &str, arches: &[&str]) -> Option<i64> {
    let mut watch = watch();
    let mut now = time(0);
    for (number, (minutes, arches)) in (1..).zip(took) {
        now += SignedDuration::from_hours(1);
        let (old, new) = (Some(BuildState::Building), BuildState::Complete);
        let mut news = build_news(number, number, "bash-5.3-1.fc43", old, new, "mona", now, Some(now));
        if let HubEvent::Changed(Change::Build(build)) = &mut news.event {
            build.started = Some(now - SignedDuration::from_mins(*minutes));
            build.children = children(arches);
        }
        watch.step(now, Event::Heard(news));
    }
    now += SignedDuration::from_hours(1);
    let mut news = build_news(99, 99, "bash-5.3-2.fc43", None, BuildState::Building, "mona", now, None);
    if let HubEvent::Changed(Change::Build(build)) = &mut news.event {
        build.target = Some(target.to_owned());
        build.children = children(arches);
    }
    watch.step(now, Event::Heard(news));
    watch.running()[0].usual.map(|it| it.as_mins())
}

fn children(arches: &[&str]) -> Vec<Child> {
    let child = |(n, arch): (u64, &&str)| Child {
        task: TaskId(500 + n),
        method: "buildArch".to_owned(),
        arch: (*arch).to_owned(),
        state: Some(TaskState::Closed),
    };
    (0..).zip(arches).map(child).collect()
}

#[test]
fn a_few_of_the_same_target_tell_how_long_the_next_one_takes() {
    assert_eq!(usual(&[(10, &[]), (12, &[]), (30, &[])], "rawhide", &[]), Some(12));
    // One that hung is not usual, and what was long ago counts no more.
    let took = [90, 90, 90, 10, 11, 12, 13, 400].map(|it| (it, &[] as &[&str]));
    assert_eq!(usual(&took, "rawhide", &[]), Some(12));
}

#[test]
fn two_are_too_few_and_another_target_is_another_thing() {
    assert_eq!(usual(&[(10, &[]), (12, &[])], "rawhide", &[]), None);
    assert_eq!(usual(&[(10, &[]), (12, &[]), (30, &[])], "epel9", &[]), None);
}

#[test]
fn once_the_architectures_are_known_only_builds_for_the_same_count() {
    let (few, many): (&[&str], &[&str]) = (&["x86_64"], &["s390x", "x86_64"]);
    let took = [(10, few), (60, many), (11, few), (61, many), (12, few), (62, many)];
    assert_eq!(usual(&took, "rawhide", few), Some(11));
    assert_eq!(usual(&took, "rawhide", many), Some(61));
    assert_eq!(usual(&took, "rawhide", &["aarch64"]), None);
}
