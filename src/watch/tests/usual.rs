//! Stories of how long things take.

use super::*;

/// Hears that a build of bash is complete that took so many minutes, and at the end of it one for `target` that runs.
fn usual(took: &[i64], target: &str) -> Option<SignedDuration> {
    let mut watch = watch();
    let mut now = time(0);
    for (number, minutes) in (1..).zip(took) {
        now += SignedDuration::from_hours(1);
        let (old, new) = (Some(BuildState::Building), BuildState::Complete);
        let mut news = build_news(number, number, "bash-5.3-1.fc43", old, new, "mona", now, Some(now));
        if let Change::Build(build) = &mut news.change {
            build.started = Some(now - SignedDuration::from_mins(*minutes));
        }
        watch.step(now, Event::Heard(news));
    }
    now += SignedDuration::from_hours(1);
    let mut news = build_news(99, 99, "bash-5.3-2.fc43", None, BuildState::Building, "mona", now, None);
    if let Change::Build(build) = &mut news.change {
        build.target = Some(target.to_owned());
    }
    watch.step(now, Event::Heard(news));
    watch.running()[0].usual
}

#[test]
fn a_few_of_the_same_target_tell_how_long_the_next_one_takes() {
    let minutes = |it| Some(SignedDuration::from_mins(it));
    assert_eq!(usual(&[10, 12, 30], "rawhide"), minutes(12));
    // One that hung is not usual, and what was long ago counts no more.
    assert_eq!(usual(&[90, 90, 90, 10, 11, 12, 13, 400], "rawhide"), minutes(12));
}

#[test]
fn two_are_too_few_and_another_target_is_another_thing() {
    assert_eq!(usual(&[10, 12], "rawhide"), None);
    assert_eq!(usual(&[10, 12, 30], "epel9"), None);
}
