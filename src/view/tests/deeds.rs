//! Questions, what became of wishes, and what happened while nobody was there.

use super::causes::{card_of, failed};
use super::*;
use crate::watch::{Act, Deed, Digest, Fate, NotDone, Reply, RuleName, Tale, Telling};

#[test]
fn before_anything_is_done_somebody_is_asked() {
    let mut running = failed();
    running.standing = Standing::Build(BuildState::Building);
    let words = [
        Telling::Confirm(Act::Resubmit, failed()),
        Telling::Confirm(Act::Cancel, running),
    ]
    .map(|it| describe(&card_telling(it)));
    expect![[r#"
        #1 normal stays transfer
        Submit bash-5.3-1.fc43 again?
        A new task will be started on fedora
        [confirm Submit again] Confirm { act: Resubmit, about: (InstanceName("fedora"), Build(BuildId(7))) }
        #1 normal stays transfer
        Cancel bash-5.3-1.fc43?
        Everything that still runs for it on fedora will be stopped
        [confirm Cancel the build] Confirm { act: Cancel, about: (InstanceName("fedora"), Build(BuildId(7))) }
    "#]]
    .assert_eq(&words.concat());
}

#[test]
fn a_failure_that_can_be_submitted_anew_has_a_button_that_asks_back() {
    let tale = Tale {
        id: crate::watch::TaleId::default(),
        fate: Fate::Failed,
        story: failed(),
        rule: RuleName::MyBuilds,
        late: false,
    };
    let notice = Notice {
        id: NoticeId(1),
        replaces: false,
        telling: Telling::One(tale),
        sound: false,
        stays: false,
        retry: true,
    };
    expect![[r##"
        #1 normal transfer.error
        bash-5.3-1.fc43 failed
        rawhide, 12 min
        [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
        [open Open build] https://koji.example.com/koji/buildinfo?buildID=7
        [retry Submit again] Act { act: Resubmit, about: (InstanceName("fedora"), Build(BuildId(7))) }
        [mute Mute package] mute bash UntilTomorrow
    "##]]
    .assert_eq(&describe(&card::card(&notice, &sites())));
}

#[test]
fn who_wants_to_follow_something_is_told_how_it_stands() {
    let mut running = failed();
    running.standing = Standing::Build(BuildState::Building);
    running.followed = true;
    let words = [
        Some(Reply::Is(running)),
        Some(Reply::Is(failed())),
        Some(Reply::Unknown),
        Some(Reply::NoHub),
        Some(Reply::NoAnswer("the hub\u{7} is offline".to_owned())),
        None,
    ]
    .map(|it| describe(&card_telling(Telling::Following(it))));
    expect![[r#"
        #1 normal transfer
        bash-5.3-1.fc43 is being built
        You will be told how it ends
        [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
        #1 normal transfer
        bash-5.3-1.fc43 failed
        It has ended already
        [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
        #1 normal transfer
        Koji knows no such build or task
        Copy the number of a task, the name of a build or the address of its page, and try again
        #1 normal transfer
        This cannot be followed
        The configuration names no hub for this Koji
        #1 normal transfer
        Koji could not be asked
        the hub is offline
        #1 normal transfer
        Nothing to follow on the clipboard
        Copy the number of a task, the name of a build or the address of its page, and try again
    "#]]
    .assert_eq(&words.concat());
}

#[test]
fn what_became_of_a_wish_is_told() {
    let refused = "the hub said no\n\u{1b}[1mmona has no permission to do this";
    let words = [
        (Act::Resubmit, Ok(Some(TaskId(4711)))),
        (Act::Resubmit, Err(not_done(refused, false))),
        (Act::Cancel, Ok(None)),
        (Act::Cancel, Err(not_done("", true))),
        (Act::Resubmit, Err(not_done("no answer within 60 s", true))),
    ]
    .map(|(act, done)| {
        let story = failed();
        describe(&card_telling(Telling::Acted(Deed { act, story, done })))
    });
    expect![[r#"
        #1 normal transfer
        bash-5.3-1.fc43 was submitted again
        The new task is 4711; you will be told how it ends
        [default Open task] https://koji.example.com/koji/taskinfo?taskID=4711
        #1 normal stays transfer.error
        Could not submit bash-5.3-1.fc43 again
        the hub said no[1mmona has no permission to do this
        [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
        #1 normal transfer
        bash-5.3-1.fc43 is being canceled
        [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
        #1 normal stays transfer.error
        Could not cancel bash-5.3-1.fc43
        Look at its page before you try again
        [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
        #1 normal stays transfer.error
        Could not submit bash-5.3-1.fc43 again
        no answer within 60 s
        Look at its page before you try again
        [default Open build] https://koji.example.com/koji/buildinfo?buildID=7
    "#]]
    .assert_eq(&words.concat());
}

#[test]
fn what_happened_in_an_absence_is_one_summary() {
    let fates = [
        Fate::Finished,
        Fate::Failed,
        Fate::Finished,
        Fate::Failed,
        Fate::Finished,
        Fate::Canceled,
        Fate::Finished,
        Fate::NotTagged,
    ];
    expect![[r#"
        #1 normal stays transfer.error
        While you were away: 2 builds failed, 4 finished
        Failed: p2-1-1 and p4-1-1
        Built, but not tagged: p8-1-1
        Built: p1-1-1, p3-1-1, p5-1-1 and p7-1-1
        Canceled: p6-1-1
        And 120 more
        [default Open Koji] https://koji.example.com/koji
        [list Show list] ShowHistory { token: None }
    "#]]
    .assert_eq(&describe(&digest(&fates, 120, true)));
}

#[test]
fn the_title_of_an_absence_counts_what_matters() {
    let title = |fates: &[Fate], left_out| digest(fates, left_out, true).title;
    let titles = [
        title(&[Fate::Failed, Fate::Finished], 0),
        title(&[Fate::Failed, Fate::Canceled], 0),
        title(&[Fate::Failed, Fate::Failed], 0),
        title(&[Fate::Finished, Fate::Canceled], 0),
        title(&[Fate::Finished, Fate::Finished], 7),
        title(&[Fate::Canceled, Fate::Canceled], 0),
        title(&[], 1),
    ];
    expect![[r#"
        While you were away: 1 build failed, 1 finished
        While you were away: 1 build failed
        While you were away: 2 builds failed
        While you were away: 1 build finished
        While you were away: 2 builds finished
        While you were away: news about 2 builds
        While you were away: news about 1 build"#]]
    .assert_eq(&titles.join("\n"));
}

#[test]
fn a_build_that_is_failing_counts_as_one_that_failed() {
    expect![[r#"
        #1 normal stays transfer.error
        1 of 3 builds failed
        Failing: p2-1-1
        Built: p1-1-1
        In the repository: p3-1-1
        And 1 more
        [default Open Koji] https://koji.example.com/koji
        [list Show list] ShowHistory { token: None }
    "#]]
    .assert_eq(&describe(&digest(
        &[Fate::Finished, Fate::Doomed, Fate::InRepo("f43-build".to_owned())],
        1,
        false,
    )));
}

#[test]
fn a_title_is_one_line_whatever_it_is_called() {
    let mut story = failed();
    story.nvr = None;
    story.package = Some(format!("<i>\n{}", "y".repeat(500)));
    for card in [
        card_telling(Telling::Confirm(Act::Cancel, story.clone())),
        card_of(Fate::Doomed, story),
    ] {
        assert!(card.title.chars().count() <= text::MAX_LINE, "{}", card.title);
        assert!(!card.title.contains('\n'));
    }
}

#[test]
fn a_summary_of_a_mass_rebuild_says_when_the_next_one_comes() {
    let tale = Tale {
        id: crate::watch::TaleId::default(),
        fate: Fate::Failed,
        story: failed(),
        rule: RuleName::MyBuilds,
        late: false,
    };
    let digest = Digest {
        tales: vec![tale],
        left_out: 130,
        besides: Vec::new(),
        away: false,
        mass: true,
    };
    expect![[r#"
        #1 normal stays transfer.error
        1 build failed
        Failed: bash-5.3-1.fc43
        And 130 more
        Many builds at once: a summary every 15 min
        [default Open Koji] https://koji.example.com/koji
        [list Show list] ShowHistory { token: None }
    "#]]
    .assert_eq(&describe(&card_telling(Telling::Many(digest))));
}

/// Returns a digest of builds p1, p2 and so on.
fn digest(fates: &[Fate], left_out: u32, away: bool) -> Card {
    let tale = |(n, fate): (u64, &Fate)| {
        let mut story = failed();
        story.subject = crate::koji::Subject::Build(BuildId(n));
        story.nvr = Nvr::parse(&format!("p{n}-1-1"));
        Tale {
            id: crate::watch::TaleId::default(),
            fate: fate.clone(),
            story,
            rule: RuleName::MyBuilds,
            late: false,
        }
    };
    card_telling(Telling::Many(Digest {
        tales: (1..).zip(fates).map(tale).collect(),
        left_out,
        besides: Vec::new(),
        away,
        mass: false,
    }))
}

fn not_done(why: &str, perhaps: bool) -> NotDone {
    NotDone {
        why: why.to_owned(),
        perhaps,
    }
}
