//! Stories with an end in the middle: what is on record is all that the next run knows.

use super::*;

/// What a journal makes of records.
#[derive(Default)]
struct Shelf {
    resumed: Resumed,
}

impl Shelf {
    fn write(&mut self, record: Record) {
        let resumed = &mut self.resumed;
        for keep in record.keeps {
            match keep {
                Keep::Message { instance, id, .. } => resumed.messages.push((instance, id)),
                Keep::Story(filed) => {
                    let is_it = |it: &Filed| it.story.subject == filed.story.subject;
                    resumed.stories.retain(|it| !is_it(it));
                    resumed.stories.push(*filed);
                }
                Keep::Adopted { task, .. } => {
                    resumed.stories.retain(|it| it.story.subject != Subject::Task(task));
                }
                Keep::Due(tale) => {
                    resumed.last_tale = tale.id;
                    resumed.due.push(*tale);
                }
                Keep::Told { tales, .. } | Keep::Dropped(tales) => resumed.due.retain(|it| !tales.contains(&it.id)),
                Keep::Mark(instance, mark) => _ = resumed.marks.insert(instance, mark),
                Keep::Contact(instance, at) => _ = resumed.contacts.insert(instance, at),
                Keep::Muted(muting, Some(muted)) => _ = resumed.muted.insert(muting, muted),
                Keep::Muted(muting, None) => _ = resumed.muted.remove(&muting),
                Keep::Paused(pause) => resumed.pause = pause,
                Keep::Usual {
                    instance,
                    package,
                    usual,
                    ..
                } => resumed.usual.push((instance, package, usual)),
                Keep::OnScreen(posted, true) => resumed.on_screen.push(posted),
                Keep::OnScreen(posted, false) => resumed.on_screen.retain(|it| *it != posted),
            }
        }
    }

    /// Runs a script and writes what is to be written; the screen takes only what the script says it takes.
    fn run(&mut self, watch: &mut Watch, script: &str) -> String {
        let mut records = Vec::new();
        let done = run_and_keep(watch, script, &mut |it| records.push(it));
        records.into_iter().for_each(|it| self.write(it));
        done
    }

    /// Starts a watch on what is there, and returns what it does at once.
    fn start(&mut self, second: i64) -> (Watch, String) {
        let mut watch = Watch::new(Rules {
            instances: BTreeMap::new(),
            ..rules(TimeZone::UTC)
        });
        let mut done = String::new();
        let resumed = Box::new(self.resumed.clone());
        for event in [Event::Resumed(resumed), Event::Reloaded(rules(TimeZone::UTC))] {
            for effect in watch.step(time(second), event) {
                if let Effect::Record(record) = &effect {
                    self.write(record.clone());
                }
                writeln!(done, "{}", describe(&effect)).unwrap();
            }
        }
        (watch, done)
    }
}

#[test]
fn what_was_taken_is_not_told_again() {
    let mut shelf = Shelf::default();
    let news = "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=5";
    shelf.run(&mut watch(), &format!("{news}\n taken 1"));
    let (mut next, _) = shelf.start(60);
    let done = shelf.run(
        &mut next,
        &format!("{news}\n heard 2 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=5\n at 70\n woke"),
    );
    expect![[r#"
        acknowledge 1
        record 2
    "#]]
    .assert_eq(&done);
    assert_eq!(next.unseen_failures(), 1);
    assert_eq!(next.results().len(), 1);
}

#[test]
fn what_no_server_has_taken_is_told_by_the_next_run() {
    let mut shelf = Shelf::default();
    shelf.run(
        &mut watch(),
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona ended=5\n lost 1",
    );
    let (mut next, _) = shelf.start(60);
    let done = shelf.run(&mut next, "at 63\n woke\n taken 1\n at 200\n woke");
    expect![[r#"
        show #1 Failed bash-5.3-1.fc43 FAILED my-builds
    "#]]
    .assert_eq(&done);
    assert_eq!(shelf.resumed.due, []);
}

#[test]
fn who_leaves_in_a_burst_is_told_at_the_next_start() {
    let mut shelf = Shelf::default();
    let taken: String = (1..=5).map(|n| format!("\n taken {n}")).collect();
    shelf.run(&mut watch(), &format!("burst 1 7{taken}\n asked quit"));
    let (mut next, _) = shelf.start(60);
    let done = shelf.run(&mut next, "at 63\n woke\n taken 1");
    expect![[r#"
        show #1 away digest p6-1-1 COMPLETE, p7-1-1 COMPLETE
    "#]]
    .assert_eq(&done);
    let (mut last, _) = shelf.start(100);
    assert_eq!(shelf.run(&mut last, "at 200\n woke"), "");
}

#[test]
fn a_pause_goes_on_and_so_does_what_it_holds() {
    let mut shelf = Shelf::default();
    shelf.run(
        &mut watch(),
        "asked pause 30
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         asked mute zsh 60",
    );
    let (mut next, done) = shelf.start(60);
    assert_eq!(
        done.trim(),
        "listen fedora users=mona packages=kernel tasks=true tags=false"
    );
    let done = shelf.run(
        &mut next,
        "heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         heard 3 build 9 vim-9.1-1.fc43 BUILDING->FAILED mona
         at 1799
         woke
         at 1800
         woke",
    );
    expect![[r#"
        announce zsh-5.9-1.fc43 FAILED
        record 2
        announce vim-9.1-1.fc43 FAILED
        record 3
        show #1 digest bash-5.3-1.fc43 FAILED, vim-9.1-1.fc43 FAILED
    "#]]
    .assert_eq(&done);
}

#[test]
fn a_pause_that_is_over_by_the_next_start_is_over() {
    let mut shelf = Shelf::default();
    shelf.run(
        &mut watch(),
        "asked pause 30\n heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona",
    );
    let (mut next, _) = shelf.start(1801);
    assert_eq!(next.pause(), None);
    expect![[r#"
        show #1 Failed bash-5.3-1.fc43 FAILED my-builds
    "#]]
    .assert_eq(&shelf.run(&mut next, "at 1804\n woke"));
}

#[test]
fn what_a_mute_takes_away_does_not_come_back() {
    let mut shelf = Shelf::default();
    shelf.run(
        &mut watch(),
        "asked pause 30
         heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         asked mute bash 60
         asked resume",
    );
    let (mut next, _) = shelf.start(60);
    assert_eq!(shelf.run(&mut next, "at 100\n woke"), "");
}

#[test]
fn what_is_left_on_screen_is_taken_down_once() {
    let mut shelf = Shelf::default();
    let mut first = watch();
    shelf.run(
        &mut first,
        "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona
         heard 2 build 8 zsh-5.9-1.fc43 BUILDING->FAILED mona
         taken 1
         taken 2",
    );
    let at = |number| Posted {
        server: "bus :1.5".to_owned(),
        number,
    };
    for (notice, number) in [(1, 40), (2, 41)] {
        for effect in first.step(time(1), Event::Posted(NoticeId(notice), at(number))) {
            if let Effect::Record(record) = effect {
                shelf.write(record);
            }
        }
    }
    for effect in first.step(time(2), Event::Closed(NoticeId(1), Closed::Expired)) {
        if let Effect::Record(record) = effect {
            shelf.write(record);
        }
    }
    assert_eq!(shelf.resumed.on_screen, [at(41)]);
    let (_, done) = shelf.start(60);
    assert!(
        done.starts_with("TakeDown([Posted { server: \"bus :1.5\", number: 41 }])"),
        "{done}"
    );
    let (_, done) = shelf.start(61);
    assert!(!done.contains("TakeDown"), "{done}");
}

#[test]
fn what_had_to_make_room_is_not_told_again() {
    let mut watch = watch();
    run(&mut watch, "heard 1 build 100000 old-1-1 BUILDING->FAILED mona ended=1");
    run(&mut watch, &format!("at 10\n burst 1 {}", MAX_STORIES + 5));
    let done = run(&mut watch, "heard 2 build 100000 old-1-1 BUILDING->FAILED mona ended=1");
    expect![[r#"
        announce old-1-1 FAILED
        record 2
    "#]]
    .assert_eq(&done);
}

#[test]
fn why_something_failed_is_asked_again_by_the_next_run() {
    let mut shelf = Shelf::default();
    let news = "heard 1 build 7 bash-5.3-1.fc43 BUILDING->FAILED mona task=107";
    shelf.run(&mut hub::hub_watch(), &format!("{news}\n taken 1"));
    let mut next = Watch::new(Rules {
        instances: BTreeMap::new(),
        ..rules(TimeZone::UTC)
    });
    next.step(time(60), Event::Resumed(Box::new(shelf.resumed)));
    let mut rules = rules(TimeZone::UTC);
    rules.instances.values_mut().for_each(|it| it.hub = true);
    next.step(time(60), Event::Reloaded(rules));
    let looked = Looked {
        asked: Some(time(60)),
        as_of: Some(time(30)),
        ..Looked::default()
    };
    let effects = next.step(time(61), Event::Learned(fedora(), Learned::Looked(looked)));
    let ask = Ask::Explain {
        about: Subject::Build(BuildId(7)),
        task: Some(TaskId(107)),
    };
    assert!(effects.contains(&Effect::Ask(fedora(), ask)), "{effects:?}");
}

#[test]
fn what_a_digest_holds_is_told_at_the_end_where_it_cannot_be_kept() {
    let quit = |journal: Option<JournalTrouble>| {
        let mut watch = watch();
        run(&mut watch, "burst 1 7");
        watch.step(time(0), Event::JournalChanged(journal));
        run(&mut watch, "asked quit")
    };
    assert_eq!(quit(None), "Quit\n");
    let told = quit(Some(JournalTrouble::DiskFull));
    expect![[r#"
        show #6 digest p6-1-1 COMPLETE, p7-1-1 COMPLETE
        Quit
    "#]]
    .assert_eq(&told);
}
