//! Stories of a mass rebuild: it is noticed by how much comes, summed up a few times in an hour, and over by itself.

use super::*;
use crate::watch::pace::MAX_NEWS;

/// How many of a telling's tales there are.
fn count(telling: &Telling) -> usize {
    match telling {
        Telling::Many(digest) => digest.tales.len() + digest.left_out as usize,
        _ => 1,
    }
}

/// Lets so many builds end, one each so many seconds, from a time on; returns what was shown and when, in minutes.
fn endings(watch: &mut Watch, from: i64, builds: u64, every: i64, shown: &mut Vec<(i64, Telling)>) -> i64 {
    let mut second = from;
    for n in 0..builds {
        wait(watch, second, shown);
        let number = u64::try_from(from).unwrap() * 1000 + n;
        let nvr = format!("p{number}-1-1");
        let now = time(second);
        let new = if n % 10 == 3 {
            BuildState::Failed
        } else {
            BuildState::Complete
        };
        let news = build_news(
            number,
            number,
            &nvr,
            Some(BuildState::Building),
            new,
            "mona",
            now,
            Some(now),
        );
        take(watch, second, Event::Heard(news), shown);
        second += every;
    }
    second
}

/// Lets time pass until then.
fn wait(watch: &mut Watch, until: i64, shown: &mut Vec<(i64, Telling)>) {
    while let Some(at) = watch.wake_at().filter(|it| *it <= time(until)) {
        take(watch, at.duration_since(time(0)).as_secs(), Event::Woke, shown);
    }
}

fn take(watch: &mut Watch, second: i64, event: Event, shown: &mut Vec<(i64, Telling)>) {
    for effect in watch.step(time(second), event) {
        if let Effect::Show(notice) = effect {
            watch.step(time(second), Event::Shown(notice.id, Outcome::Taken));
            shown.push((second / 60, notice.telling));
        }
    }
}

/// Returns when digests came, and whether each says that more are long in coming.
fn digests(shown: &[(i64, Telling)]) -> Vec<(i64, bool)> {
    let digest = |(minute, telling): &(i64, Telling)| match telling {
        Telling::Many(digest) => Some((*minute, digest.mass)),
        _ => None,
    };
    shown.iter().filter_map(digest).collect()
}

#[test]
fn a_mass_rebuild_is_summed_up_every_quarter_of_an_hour_until_it_is_over() {
    let mut watch = watch();
    let mut shown = Vec::new();
    // Three in a minute for eighty minutes, less than a minute bears, and much in the long run.
    let end = endings(&mut watch, 0, 240, 20, &mut shown);
    assert!(watch.is_mass_rebuild());
    wait(&mut watch, end + 7200, &mut shown);
    assert!(!watch.is_mass_rebuild(), "it is over by itself");
    assert_eq!(watch.wake_at(), None);
    let alone = shown.iter().filter(|(_, it)| matches!(it, Telling::One(_))).count();
    assert!(alone <= MAX_NEWS, "{alone} popups");
    let told: usize = shown.iter().map(|(_, it)| count(it)).sum();
    assert_eq!(told, 240, "nothing is lost");
    expect!["[(14, true), (29, true), (44, true), (59, true), (74, true), (89, true)]"]
        .assert_eq(&format!("{:?}", digests(&shown)));
}

#[test]
fn what_comes_after_a_mass_rebuild_is_told_at_once() {
    let mut watch = watch();
    let mut shown = Vec::new();
    let end = endings(&mut watch, 0, 60, 5, &mut shown);
    assert!(watch.is_mass_rebuild());
    wait(&mut watch, end + 3600, &mut shown);
    let before = shown.len();
    endings(&mut watch, end + 3600, 1, 1, &mut shown);
    assert_eq!(shown.len(), before + 1);
    assert_eq!(count(&shown[before].1), 1);
}

#[test]
fn a_busy_hour_is_no_mass_rebuild() {
    let mut watch = watch();
    let mut shown = Vec::new();
    endings(&mut watch, 0, 40, 90, &mut shown);
    assert!(!watch.is_mass_rebuild());
    assert_eq!(shown.len(), 40);
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_up() {
    let mut watch = watch();
    let mut shown = Vec::new();
    let end = endings(&mut watch, 100_000, 60, 5, &mut shown);
    assert!(watch.is_mass_rebuild());
    let before: usize = shown.iter().map(|(_, it)| count(it)).sum();
    assert!(before < 60, "something is held");
    take(&mut watch, end - 90_000, Event::Woke, &mut shown);
    let told: usize = shown.iter().map(|(_, it)| count(it)).sum();
    assert_eq!(told, 60);
    assert!(!watch.is_mass_rebuild());
}

#[test]
fn a_digest_that_is_full_names_the_failures() {
    let mut watch = watch();
    let mut shown = Vec::new();
    run(&mut watch, "asked pause resumed");
    endings(&mut watch, 0, 300, 1, &mut shown);
    take(&mut watch, 400, Event::Asked(Request::Resume), &mut shown);
    let [(_, Telling::Many(digest))] = shown.as_slice() else {
        panic!("{shown:?}");
    };
    let failed = digest.tales.iter().filter(|it| it.fate == Fate::Failed).count();
    assert_eq!((digest.tales.len(), digest.left_out, failed), (200, 100, 30));
    let times: Vec<_> = digest.tales.iter().map(|it| it.story.ended).collect();
    assert!(times.is_sorted(), "the oldest first");
}
