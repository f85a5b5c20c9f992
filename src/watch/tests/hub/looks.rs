//! When the hub is asked.

use expect_test::expect;

use super::*;

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
