//! How a package has been doing, in words: in English, and as it is filled in elsewhere.

use super::causes::{card_of, failed};
use super::*;
use crate::watch::{Digest, Fate, Row, RuleName, Tale, TaleId, Trend};

/// Returns failures in a row of which the first ended so many minutes before.
fn row(failures: u32, minutes: i64) -> Row {
    let since = failed().ended.unwrap() - SignedDuration::from_mins(minutes);
    Row { failures, since }
}

fn built(trend: Trend) -> Story {
    let mut story = failed();
    story.standing = Standing::Build(BuildState::Complete);
    story.cause = None;
    story.trend = Some(trend);
    story
}

fn broken(trend: Trend) -> Story {
    let mut story = failed();
    story.trend = Some(trend);
    story
}

fn words(fate: Fate, story: Story) -> String {
    let card = card_of(fate, story);
    format!("{}\n{}\n\n", card.title, card.body)
}

#[test]
fn what_an_ending_says_of_its_package() {
    let told = [
        words(Fate::Failed, broken(Trend::Broken)),
        words(Fate::Failed, broken(Trend::StillBroken(row(3, 51 * 60)))),
        words(Fate::Finished, built(Trend::Fixed(row(1, 125)))),
        words(Fate::Finished, built(Trend::Fixed(row(4, 51 * 60)))),
        words(Fate::Finished, built(Trend::First)),
    ];
    expect![[r#"
        bash-5.3-1.fc43 failed
        rawhide, 12 min
        The previous build succeeded

        bash-5.3-1.fc43 failed again
        rawhide, 12 min
        3 failures in a row, the first 2 d 3 h earlier

        bash-5.3-1.fc43 is fixed
        rawhide, 12 min
        After 1 failure, 2 h 5 min earlier

        bash-5.3-1.fc43 is fixed
        rawhide, 12 min
        After 4 failures in 2 d 3 h

        bash-5.3-1.fc43 is built
        rawhide, 12 min
        This is the first build of bash

    "#]]
    .assert_eq(&told.concat());
}

#[test]
fn a_long_name_stands_behind_what_became_of_it() {
    let long = |mut story: Story| {
        story.nvr = Nvr::parse("a-package-with-a-rather-long-name-2026.11.20-1.fc43");
        story
    };
    let titles = [
        card_of(Fate::Failed, long(broken(Trend::StillBroken(row(2, 9))))).title,
        card_of(Fate::Finished, long(built(Trend::Fixed(row(2, 9))))).title,
        card_of(Fate::Finished, long(built(Trend::First))).title,
    ];
    expect![[r#"
        Failed again: a-package-with-a-rather-long-name-2026.11.20-1.fc43
        Fixed: a-package-with-a-rather-long-name-2026.11.20-1.fc43
        Built: a-package-with-a-rather-long-name-2026.11.20-1.fc43"#]]
    .assert_eq(&titles.join("\n"));
}

#[test]
fn a_digest_names_new_failures_first_then_what_is_fixed_and_counts_the_rest() {
    let tale = |(n, (fate, trend)): (u64, (Fate, Option<Trend>))| {
        let mut story = if fate == Fate::Finished {
            built(Trend::First)
        } else {
            failed()
        };
        story.trend = trend;
        story.subject = crate::koji::Subject::Build(BuildId(n));
        story.nvr = Nvr::parse(&format!("p{n}-1-1"));
        Tale {
            id: TaleId(n),
            fate,
            story,
            rule: RuleName::MyBuilds,
            late: false,
        }
    };
    let mut endings = vec![
        (Fate::Finished, Some(Trend::Fixed(row(2, 9)))),
        (Fate::Failed, Some(Trend::StillBroken(row(2, 9)))),
        (Fate::Failed, Some(Trend::Broken)),
        (Fate::Failed, None),
        (Fate::Canceled, None),
    ];
    endings.extend((0..40).map(|_| (Fate::Finished, None)));
    let tales = (1..).zip(endings).map(tale).collect();
    let digest = Digest {
        tales,
        left_out: 0,
        besides: Vec::new(),
        away: false,
        mass: false,
    };
    expect![[r#"
        #1 normal stays transfer.error
        3 of 45 builds failed
        Failed: p3-1-1 and p4-1-1
        Failed again: p2-1-1
        Fixed: p1-1-1
        Built: 40
        Canceled: p5-1-1
        [default Open Koji] https://koji.example.com/koji
        [list Show list] ShowHistory { token: None }
    "#]]
    .assert_eq(&describe(&card_telling(Telling::Many(digest))));
}
