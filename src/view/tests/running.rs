//! The menu where there is a hub: how far things are, and what can be done.

use super::causes::{children, failed};
use super::*;
use crate::koji::{Cause, CauseClass, HubEvent, LogName, Subject};
use crate::watch::{Act, Asker, Learned, Looked, Lookup, Progress};

#[test]
fn what_runs_says_how_far_it_is() {
    use TaskState::{Assigned, Closed, Failed, Free, Open};
    let label = |change: &dyn Fn(&mut Story), minute: i64| {
        let mut story = failed();
        story.standing = Standing::Build(BuildState::Building);
        (story.ended, story.started) = (None, Some(time(0)));
        story.usual = Some(SignedDuration::from_mins(20));
        change(&mut story);
        progress::label(&story, time(minute * 60), true)
    };
    let five = children(&[
        ("aarch64", Closed),
        ("ppc64le", Closed),
        ("s390x", Closed),
        ("x86_64", Open),
        ("riscv64", Open),
    ]);
    let arches = |arches: &[(&str, TaskState)]| {
        let children = children(arches);
        move |it: &mut Story| it.children = children.clone()
    };
    let source = |state| {
        move |it: &mut Story| {
            it.children = children(&[("noarch", state)]);
            it.children[0].method = "buildSRPMFromSCM".to_owned();
        }
    };
    let labels = [
        label(&|it| it.children = five.clone(), 6),
        label(&|it| it.children = five.clone(), 19),
        label(&|it| it.children = five.clone(), 20),
        label(&|it| it.children = five.clone(), 21),
        label(&|it| it.children = five.clone(), 40),
        label(&|it| (it.children, it.usual) = (five.clone(), None), 6),
        label(&arches(&[("noarch", Open)]), 0),
        label(&arches(&[("aarch64", Closed), ("x86_64", Free)]), 6),
        label(&arches(&[("aarch64", Failed), ("s390x", Open), ("x86_64", Open)]), 6),
        label(
            &arches(&[("aarch64", Failed), ("s390x", Failed), ("x86_64", Assigned)]),
            6,
        ),
        label(&arches(&[("aarch64", Failed), ("x86_64", Closed)]), 6),
        label(&source(Open), 1),
        label(&source(Free), 1),
        label(&source(Failed), 1),
        label(
            &|it| {
                it.children = children(&[("x86_64", Closed), ("noarch", Open)]);
                it.children[1].method = "tagBuild".to_owned();
            },
            6,
        ),
        label(
            &|it| (it.standing, it.nvr, it.usual) = (Standing::Task(Free), None, None),
            6,
        ),
        label(&|it| it.usual = None, 6),
        label(&|it| (it.usual, it.target) = (None, None), 6),
        label(
            &|it| {
                (it.nvr, it.package, it.method) = (None, None, Some("newRepo".to_owned()));
                (it.standing, it.subject) = (Standing::Task(Open), Subject::Task(TaskId(9)));
            },
            6,
        ),
    ];
    expect![[r#"
        bash-5.3-1.fc43, 3 of 5 arches, about 14 min left
        bash-5.3-1.fc43, 3 of 5 arches, about 1 min left
        bash-5.3-1.fc43, 3 of 5 arches, done any minute
        bash-5.3-1.fc43, 3 of 5 arches, done any minute
        bash-5.3-1.fc43, 3 of 5 arches, late by 20 min
        bash-5.3-1.fc43, 3 of 5 arches
        bash-5.3-1.fc43, about 20 min left
        bash-5.3-1.fc43, 1 of 2 arches, waiting for a builder
        bash-5.3-1.fc43, aarch64 failed, 2 still run
        bash-5.3-1.fc43, aarch64 and s390x failed, 1 still runs
        bash-5.3-1.fc43, aarch64 failed
        bash-5.3-1.fc43, making the source RPM, about 19 min left
        bash-5.3-1.fc43, waiting for a builder
        bash-5.3-1.fc43, the source RPM could not be built
        bash-5.3-1.fc43, being tagged
        bash for rawhide, waiting for a builder
        bash-5.3-1.fc43 is being built for rawhide
        bash-5.3-1.fc43 is being built
        newRepo task 9 is running"#]]
    .assert_eq(&labels.join("\n"));
}

#[test]
fn the_menu_of_a_busy_afternoon() {
    let mut watch = asking();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    let mut kernel = build("kernel-6.12-1.fc43", BuildState::Building, &[]);
    if let Change::Build(it) = &mut kernel {
        (it.build, it.task, it.owner) = (Some(BuildId(8)), Some(TaskId(60)), Some("bob".to_owned()));
    }
    let mut failed = build("zsh-5.9-1.fc43", BuildState::Failed, &[]);
    if let Change::Build(it) = &mut failed {
        (it.build, it.task) = (Some(BuildId(9)), Some(TaskId(70)));
    }
    watch.step(
        time(0),
        Event::Heard(news(1, build("bash-5.3-1.fc43", BuildState::Building, &[]))),
    );
    let lookup = Lookup::Build(BuildId(8));
    let follow = Request::Follow {
        instance: fedora(),
        lookup: lookup.clone(),
        asker: Asker::Nobody,
    };
    watch.step(time(0), Event::Asked(follow));
    let found = Learned::Found {
        lookup,
        change: Some(kernel),
    };
    watch.step(time(0), Event::Learned(fedora(), found));
    watch.step(time(0), Event::Heard(news(3, failed)));
    let explained = Learned::Explained {
        about: Subject::Build(BuildId(9)),
        cause: Cause {
            class: CauseClass::Buildroot,
            task: Some(TaskId(71)),
            method: None,
            arch: Some("s390x".to_owned()),
            fault: String::new(),
            log: Some((TaskId(71), LogName::Root)),
            lines: Vec::new(),
            by: None,
        },
    };
    watch.step(time(0), Event::Learned(fedora(), explained));
    let looked = Looked {
        progress: vec![Progress {
            task: TaskId(50),
            state: Some(TaskState::Open),
            completed: None,
            children: children(&[
                ("x86_64", TaskState::Open),
                ("aarch64", TaskState::Closed),
                ("s390x", TaskState::Free),
            ]),
        }],
        averages: BTreeMap::from([("bash".to_owned(), Some(SignedDuration::from_mins(26)))]),
        ..Looked::default()
    };
    watch.step(time(0), Event::Learned(fedora(), Learned::Looked(looked)));
    let menu = describe_menu(&watch);
    let (top, _) = menu.split_once("Notify me of").unwrap();
    expect![[r#"
        1 build failed
        --
        kernel-6.12-1.fc43 is being built for rawhide >
            rawhide, by bob
            Open build
            Copy name
            Stop following
            Mute until it ends
            Mute kernel until it is fixed
        bash-5.3-1.fc43, 1 of 3 arches, about 14 min left >
            Open build
            Open log of aarch64
            Open log of x86_64
            Copy name
            Mute until it ends
            Mute bash until it is fixed
            --
            Cancel the build
        --
        zsh-5.9-1.fc43 failed, just now >
            The build system failed on s390x, not the package
            Open build
            Open log
            Copy name
            Mute zsh until it is fixed
            --
            Submit again
        Mark all as seen
        Follow what is on the clipboard
        --
    "#]]
    .assert_eq(top);
    let requests = requests(&watch);
    let about = |number| (fedora(), Subject::Build(BuildId(number)));
    for request in [
        Request::Open {
            link: "https://files.example.com/work/tasks/71/71/root.log".to_owned(),
            token: None,
            about: Some(about(9)),
        },
        Request::Open {
            link: "https://files.example.com/work/tasks/2/2/build.log".to_owned(),
            token: None,
            about: Some(about(7)),
        },
        Request::Act {
            act: Act::Cancel,
            about: about(7),
        },
        Request::Act {
            act: Act::Resubmit,
            about: about(9),
        },
        Request::Unfollow {
            instance: fedora(),
            lookup: Lookup::Build(BuildId(8)),
            asker: Asker::Nobody,
        },
        Request::FollowClipboard,
    ] {
        assert!(requests.contains(&request), "{request:?}\n{requests:#?}");
    }
    let effects = watch.step(time(0), Event::Asked(Request::FollowClipboard));
    assert_eq!(effects, [Effect::ReadClipboard]);
}

#[test]
fn without_word_from_the_hub_no_time_is_told() {
    let mut story = failed();
    story.standing = Standing::Build(BuildState::Building);
    story.usual = Some(SignedDuration::from_mins(20));
    story.children = children(&[("x86_64", TaskState::Open)]);
    assert_eq!(
        progress::label(&story, time(0), false),
        "bash-5.3-1.fc43 is being built for rawhide"
    );
}

#[test]
fn the_menu_asks_for_nothing_that_cannot_be_had() {
    let mut words = String::new();
    let means = Means {
        paste: false,
        ..EVERYTHING
    };
    describe_items(&menu::menu(&asking(), &sites(), means, time(0)).items, 0, &mut words);
    assert!(!words.contains("clipboard"), "{words}");
    assert!(words.contains("Builds that reach the repository"), "{words}");
    let without_hub = describe_menu(&watch());
    assert!(!without_hub.contains("clipboard") && !without_hub.contains("repository"));
}

#[test]
fn on_an_idle_machine_the_menu_changes_with_the_age_of_its_results_alone() {
    let mut watch = asking();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    watch.step(
        time(0),
        Event::Heard(news(1, build("bash-5.3-1.fc43", BuildState::Failed, &[]))),
    );
    let menu = |second| menu::menu(&watch, &sites(), EVERYTHING, time(second));
    assert_eq!(menu(3600), menu(7000));
    assert_ne!(menu(3600), menu(7200));
}

#[test]
fn a_result_says_how_far_it_has_come() {
    let label = |whereabouts, tagging: Option<TaskState>| {
        let mut story = failed();
        (story.standing, story.whereabouts) = (Standing::Build(BuildState::Complete), whereabouts);
        if let Some(state) = tagging {
            story.children = children(&[("noarch", state)]);
            story.children[0].method = "tagBuild".to_owned();
        }
        story::result(&story)
    };
    assert_eq!(label(Whereabouts::Unknown, None), "bash-5.3-1.fc43 is built");
    assert_eq!(
        label(Whereabouts::Unknown, Some(TaskState::Open)),
        "bash-5.3-1.fc43 is built and being tagged"
    );
    assert_eq!(label(Whereabouts::Tagged, None), "bash-5.3-1.fc43 is built");
    assert_eq!(
        label(Whereabouts::NotTagged, Some(TaskState::Failed)),
        "bash-5.3-1.fc43 is built, but not tagged"
    );
    assert_eq!(
        label(Whereabouts::InRepo("f43-build".to_owned()), None),
        "bash-5.3-1.fc43 is in the repository"
    );
}

#[test]
fn a_build_that_could_not_be_tagged_did_not_fail_and_says_what_the_hub_said() {
    let mut watch = asking();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    let complete = build("bash-5.3-1.fc43", BuildState::Complete, &[]);
    watch.step(time(0), Event::Heard(news(1, complete)));
    let looked = Looked {
        progress: vec![Progress {
            task: TaskId(50),
            state: Some(TaskState::Failed),
            completed: None,
            children: Vec::new(),
        }],
        ..Looked::default()
    };
    watch.step(time(0), Event::Learned(fedora(), Learned::Looked(looked)));
    let mut top = |class, fault: &str| {
        let explained = Learned::Explained {
            about: Subject::Build(BuildId(7)),
            cause: Cause {
                class,
                task: None,
                method: None,
                arch: None,
                fault: fault.to_owned(),
                log: None,
                lines: Vec::new(),
                by: None,
            },
        };
        watch.step(time(0), Event::Learned(fedora(), explained));
        let menu = describe_menu(&watch);
        menu.split_once("Follow").unwrap().0.to_owned()
    };
    let fault = "policy violation (tag): all builds must be signed";
    expect![[r#"
        1 build could not be tagged
        --
        bash-5.3-1.fc43 is built, but not tagged, just now >
            policy violation (tag): all builds must be signed
            Open build
            Copy name
            Mute bash until it is fixed
        Mark all as seen
    "#]]
    .assert_eq(&top(CauseClass::Tagging, fault));
    let menu = top(CauseClass::Policy, "package bash is blocked for tag f43");
    assert!(menu.contains("    Koji does not allow it in this tag\n"), "{menu}");
    let long = top(CauseClass::Tagging, &"x".repeat(300));
    assert!(long.lines().all(|it| it.chars().count() <= 84), "{long}");
    let failed = build("zsh-5.9-1.fc43", BuildState::Failed, &[]);
    let mut failed = news(2, failed);
    if let HubEvent::Changed(Change::Build(it)) = &mut failed.event {
        (it.build, it.task) = (Some(BuildId(8)), Some(TaskId(51)));
    }
    watch.step(time(0), Event::Heard(failed));
    assert_eq!(status::status(&watch).summary, "1 build failed");
}

/// Returns all that the menu can ask for.
fn requests(watch: &Watch) -> Vec<Request> {
    fn collect(items: Vec<Item>, requests: &mut Vec<Request>) {
        for item in items {
            match item {
                Item::Separator | Item::Text(_) => {}
                Item::Entry { request, .. } | Item::Check { request, .. } => requests.push(request),
                Item::Radio { options, .. } => requests.extend(options.into_iter().map(|it| it.1)),
                Item::Submenu { items, .. } => collect(items, requests),
            }
        }
    }
    let mut requests = Vec::new();
    let items = menu::menu(watch, &sites(), EVERYTHING, time(0)).items;
    collect(items, &mut requests);
    requests
}

/// Returns what bob has begun to build.
fn kernel_of_bob() -> Change {
    let mut kernel = build("kernel-6.12-1.fc43", BuildState::Building, &[]);
    if let Change::Build(it) = &mut kernel {
        (it.build, it.task, it.owner) = (Some(BuildId(8)), Some(TaskId(60)), Some("bob".to_owned()));
    }
    kernel
}

#[test]
fn what_others_build_of_packages_i_follow_can_be_followed_from_there() {
    let mut rules = rules(Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        packages: BTreeSet::from(["kernel".to_owned()]),
        bus: true,
        hub: true,
        ..Whose::default()
    });
    let mut watch = Watch::new(rules.clone());
    watch.step(time(0), Event::Reloaded(rules.clone()));
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    watch.step(time(0), Event::Heard(news(1, kernel_of_bob())));
    let top = |watch: &Watch| {
        let menu = describe_menu(watch);
        menu.split_once("--\nNo results yet").unwrap().0.to_owned()
    };
    expect![[r#"
        No build is running
        Other people's builds >
            kernel-6.12-1.fc43 is being built for rawhide >
                rawhide, by bob
                Open build
                Copy name
                Follow
                Mute until it ends
                Mute kernel until it is fixed
    "#]]
    .assert_eq(&top(&watch));

    let lookup = Lookup::Build(BuildId(8));
    let follow = Request::Follow {
        instance: fedora(),
        lookup: lookup.clone(),
        asker: Asker::Person,
    };
    assert!(requests(&watch).contains(&follow));
    watch.step(time(0), Event::Asked(follow.clone()));
    let found = Learned::Found {
        lookup,
        change: Some(kernel_of_bob()),
    };
    let answer = shown(watch.step(time(0), Event::Learned(fedora(), found)));
    assert_eq!(answer[0].title, "kernel-6.12-1.fc43 is being built");
    assert_eq!(answer[0].body, "You will be told how it ends");
    let followed = top(&watch);
    assert!(!followed.contains("Other people's builds"), "{followed}");
    assert!(followed.contains("    Stop following\n"), "{followed}");

    // Nobody can be asked what it is.
    if let Some(it) = rules.instances.get_mut(&fedora()) {
        it.hub = false;
    }
    let mut watch = Watch::new(rules);
    watch.step(time(0), Event::Heard(news(1, kernel_of_bob())));
    assert!(!requests(&watch).contains(&follow));
    assert!(top(&watch).contains("Other people's builds"));
}

#[test]
fn a_mute_begins_and_ends_where_the_build_is() {
    let mut watch = watch();
    watch.step(time(0), Event::LinkChanged(fedora(), Link::Up));
    watch.step(
        time(0),
        Event::Heard(news(1, build("bash-5.3-1.fc43", BuildState::Building, &[]))),
    );
    let about_mutes = |watch: &Watch| {
        let menu = describe_menu(watch);
        let is_one = |it: &&str| {
            it.contains("Mute")
                || it.contains("nmute")
                || it.contains("nly failures")
                || it.contains("everything again")
        };
        menu.lines()
            .filter(is_one)
            .map(|it| format!("{}\n", it.trim_start()))
            .collect::<String>()
    };
    let ask = |watch: &mut Watch, wanted: &dyn Fn(&Request) -> bool| {
        let request = requests(watch).into_iter().find(wanted).unwrap();
        watch.step(time(0), Event::Asked(request));
    };
    expect![[r#"
            Mute until it ends
            Mute bash until it is fixed
            Only failures for 1 hour
            Only failures until 09:00
    "#]]
    .assert_eq(&about_mutes(&watch));

    let is_for =
        |until: MuteFor| move |it: &Request| matches!(it, Request::Mute { until: found, .. } if *found == until);
    ask(&mut watch, &is_for(MuteFor::Ends));
    ask(&mut watch, &is_for(MuteFor::Fixed));
    // It is 17:40 here; nine o'clock is tomorrow's.
    ask(
        &mut watch,
        &is_for(MuteFor::At("2026-11-21T08:00:00Z".parse().unwrap())),
    );
    expect![[r#"
        Unmute bash-5.3-1.fc43
        Unmute bash (muted until it is fixed)
        Tell of everything again (muted until 09:00)
        Muted >
        Tell of everything again (muted until 09:00)
        Unmute bash (muted until it is fixed)
        Unmute bash-5.3-1.fc43
    "#]]
    .assert_eq(&about_mutes(&watch));

    for _ in 0..3 {
        ask(&mut watch, &|it| matches!(it, Request::Unmute(_)));
    }
    assert!(watch.muted().is_empty());
    ask(&mut watch, &is_for(MuteFor::Lasting(PauseFor::AN_HOUR)));
    assert!(about_mutes(&watch).contains("Tell of everything again (muted until 18:40)"));
}

#[test]
fn what_has_ended_well_has_nothing_to_mute_and_one_that_broke_its_package() {
    let mutes = |state| {
        let mut watch = watch();
        watch.step(time(0), Event::Heard(news(1, build("bash-5.3-1.fc43", state, &[]))));
        let muted = |it| match it {
            Request::Mute { muting, until } => Some((muting, until)),
            _ => None,
        };
        let about = requests(&watch).into_iter().filter_map(muted);
        about.filter(|it| it.0 != Muting::ButFailures).collect::<Vec<_>>()
    };
    let package = (Muting::Package("bash".to_owned()), MuteFor::Fixed);
    assert_eq!(mutes(BuildState::Failed), [package]);
    assert_eq!(mutes(BuildState::Complete), []);
    assert_eq!(mutes(BuildState::Canceled), []);
}

#[test]
fn until_nine_is_until_the_clock_shows_it_next() {
    let until = |now: &str| {
        let request = match &mute::but_failures(&watch(), now.parse().unwrap())[..] {
            [_, Item::Entry { request, .. }] => request.clone(),
            other => panic!("{other:?}"),
        };
        match request {
            Request::Mute {
                until: MuteFor::At(at), ..
            } => at.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(until("2026-11-20T07:59:59Z"), "2026-11-20T08:00:00Z");
    assert_eq!(until("2026-11-20T08:00:00Z"), "2026-11-21T08:00:00Z");
    assert_eq!(until("2026-12-31T22:00:00Z"), "2027-01-01T08:00:00Z");
}
