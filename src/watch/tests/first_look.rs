//! The first words with a hub: who I am there, and what is old by its clock.

use expect_test::expect;

use super::hub::{change, check_hub, hub_watch};
use super::*;
use crate::koji::BuildChange;
use crate::watch::ask::Looked;

#[test]
fn whom_the_hub_knows_is_me_where_nobody_has_said_who_i_am() {
    let script = "woke
         looked 0
         unknown
         known alice
         looked 0
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED alice task=9";
    // Somebody has said.
    check_hub(
        script,
        expect![[r#"
            ask look since=-86400
            mark 0
            acknowledge 1
        "#]],
    );
    let mut watch = hub_watch();
    for whose in watch.rules.instances.values_mut() {
        whose.guessed = true;
    }
    let told = run(&mut watch, script);
    expect![[r#"
        ask look since=-86400
        mark 0
        listen fedora users=alice,mona packages=kernel tasks=true tags=false
        ask look since=-3600
        announce bash-5.3-1.fc43 FAILED
        show #1 Failed bash-5.3-1.fc43 FAILED my-builds
        ask why Build(BuildId(7)) Some(TaskId(9))
        record 1
    "#]]
    .assert_eq(&told);
    // It stays so when the configuration is read again.
    let mut rules = rules(TimeZone::UTC);
    for whose in rules.instances.values_mut() {
        whose.hub = true;
        whose.guessed = true;
    }
    watch.step(time(9), Event::Reloaded(rules));
    assert!(watch.rules.instances[&fedora()].users.contains("alice"));
}

#[test]
fn what_ended_before_we_began_is_old_by_the_hub_s_clock() {
    // Its clock is an hour behind ours, and it was down for ten minutes.
    let at = |secs: i64| time(secs - 3600);
    let mut watch = hub_watch();
    watch.step(time(0), Event::Woke);
    let why = Unanswered {
        text: String::new(),
        kind: HubTrouble::Closed,
    };
    let ask = Ask::Look(Look::default());
    watch.step(time(1), Event::Learned(fedora(), Learned::Unanswered { ask, why }));
    watch.step(time(600), Event::Woke);
    let ended = |id: &str, secs| {
        let words = ["build", id, "bash-5.3-1.fc43", "FAILED", "mona"];
        match change(time(0), &words) {
            Change::Build(build) => Change::Build(BuildChange {
                completed: Some(at(secs)),
                ..build
            }),
            other => other,
        }
    };
    let looked = Looked {
        asked: Some(at(600)),
        as_of: Some(at(300)),
        changes: vec![ended("7", -10), ended("8", 10)],
        ..Looked::default()
    };
    let effects = watch.step(time(601), Event::Learned(fedora(), Learned::Looked(looked)));
    let told: Vec<_> = effects.iter().filter(|it| matches!(it, Effect::Show(_))).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let mark = Keep::Mark(fedora(), at(300));
    let has_it = |it: &Effect| matches!(it, Effect::Record(record) if record.keeps.contains(&mark));
    assert!(effects.iter().any(has_it), "{effects:?}");
}

#[test]
fn what_ends_now_is_no_absence_because_our_clock_is_ahead() {
    let script = "heard 1 build 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona ended=-3590";
    let ahead = SignedDuration::from_hours(1);
    let told = |asked: Option<Timestamp>| {
        let mut watch = hub_watch();
        watch.step(time(0), Event::Woke);
        let looked = Looked {
            asked,
            as_of: asked,
            ..Looked::default()
        };
        watch.step(time(0), Event::Learned(fedora(), Learned::Looked(looked)));
        run(&mut watch, script)
    };
    expect![[r#"
        announce bash-5.3-1.fc43 COMPLETE
        show #1 Finished bash-5.3-1.fc43 COMPLETE my-builds
        record 1
    "#]]
    .assert_eq(&told(time(0).checked_sub(ahead).ok()));
    // By a hub whose clock is ours it ended an hour ago.
    expect![[r#"
        announce bash-5.3-1.fc43 COMPLETE
        record 1
    "#]]
    .assert_eq(&told(Some(time(0))));
}
