//! All that a person reads in a busy hour, in English and in German: the whole menu, and a notice of every kind.
//!
//! A process reads one catalog. So each story starts this very test program again, with a language in its environment,
//! and compares what that prints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use std::{env, iter};

use expect_test::{ExpectFile, expect_file};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use koji_notify::i18n;
use koji_notify::koji::{
    BuildChange, BuildId, BuildState, Cause, CauseClass, Change, Child, HubEvent, InstanceName, LogName, Nvr, Site,
    Subject, TaskChange, TaskId, TaskState,
};
use koji_notify::view::{Item, Means, card, tray};
use koji_notify::watch::{
    Act, Asker, Deed, Digest, Event, Fate, JournalTrouble, Learned, Link, Looked, Lookup, MuteFor, Muting, News,
    NotDone, Notice, NoticeId, PauseFor, Problem, Progress, QuietRules, Reason, Reply, Request, Row, RuleName, Rules,
    Standing, Story, Tale, TaleId, Telling, Toggle, Trend, Trouble, Wanted, Watch, Whereabouts, Whose,
};

use super::catalogs;

/// Set in the environment of the process that prints.
const SPEAKER: &str = "KOJI_NOTIFY_TEST_SPEAKER";
/// What the lines of that process begin with, among what the test harness prints.
const MARK: &str = ">> ";

#[test]
fn the_whole_menu_in_two_languages() {
    if env::var_os(SPEAKER).is_some() {
        return say(&menus());
    }
    let name = "languages::whole::the_whole_menu_in_two_languages";
    check(&spoken(name, "C.UTF-8"), expect_file!["whole/menu.en.txt"]);
    check(&spoken(name, "de_DE.UTF-8"), expect_file!["whole/menu.de.txt"]);
}

#[test]
fn every_kind_of_notice_in_two_languages() {
    if env::var_os(SPEAKER).is_some() {
        return say(&cards());
    }
    let name = "languages::whole::every_kind_of_notice_in_two_languages";
    check(&spoken(name, "C.UTF-8"), expect_file!["whole/notices.en.txt"]);
    check(&spoken(name, "de_DE.UTF-8"), expect_file!["whole/notices.de.txt"]);
}

/// Returns what a story of this module says in a language. No-break spaces are shown as `~`.
fn spoken(story: &str, locale: &str) -> String {
    let made = catalogs();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", story, "--nocapture", "--test-threads=1"])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap())
        .env("TEXTDOMAINDIR", made.path())
        .env("LC_ALL", locale)
        .env(SPEAKER, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines = printed.lines().filter_map(|it| it.strip_prefix(MARK));
    lines.map(|it| it.replace('\u{a0}', "~") + "\n").collect()
}

fn say(words: &str) {
    println!();
    for line in words.lines() {
        println!("{MARK}{line}");
    }
}

fn check(actual: &str, expected: ExpectFile) {
    expected.assert_eq(actual);
}

/// Returns the menu of a busy hour, and how the menus of other hours begin.
fn menus() -> String {
    i18n::init();
    let mut watch = busy();
    let mut words = menu(&watch, usize::MAX);
    let mut begins = |watch: &Watch, lines| words += &format!("==\n{}", menu(watch, lines));
    watch.step(time(0), Event::Asked(Request::Resume));
    watch.step(time(0), Event::Asked(Request::MarkSeen));
    for (reason, is_on) in [
        (Reason::DoNotDisturb, true),
        (Reason::DoNotDisturb, false),
        (Reason::Presentation, true),
        (Reason::Presentation, false),
        (Reason::Locked, true),
    ] {
        watch.step(time(0), Event::QuietChanged(reason, is_on));
        if is_on {
            begins(&watch, 2);
        }
    }
    watch.step(time(0), Event::Asked(Request::Pause(PauseFor::UntilTomorrow)));
    begins(&watch, 1);
    begins(&Watch::new(rules()), 1);
    let mut idle = Watch::new(rules());
    for instance in [fedora(), centos()] {
        idle.step(time(0), Event::LinkChanged(instance, Link::Up));
    }
    begins(&idle, 3);
    words
}

fn menu(watch: &Watch, lines: usize) -> String {
    let means = Means {
        copy: true,
        paste: true,
        window: true,
        configure: true,
    };
    let mut words = String::new();
    describe(&tray::tray(watch, &sites(), means, time(0)).menu.items, 0, &mut words);
    words.lines().take(lines).map(|it| format!("{it}\n")).collect()
}

fn describe(items: &[Item], depth: usize, words: &mut String) {
    let indent = "    ".repeat(depth);
    let mark = |on, marks: [&'static str; 2]| marks[usize::from(on)];
    for item in items {
        match item {
            Item::Separator => writeln!(words, "{indent}--").unwrap(),
            Item::Text(label) | Item::Entry { label, .. } => writeln!(words, "{indent}{label}").unwrap(),
            Item::Check { label, on, .. } => writeln!(words, "{indent}{}{label}", mark(*on, ["[ ] ", "[x] "])).unwrap(),
            Item::Radio { selected, options } => {
                for (n, (label, _)) in options.iter().enumerate() {
                    let mark = mark(*selected == Some(n), ["( ) ", "(x) "]);
                    writeln!(words, "{indent}{mark}{label}").unwrap();
                }
            }
            Item::Submenu { label, items } => {
                writeln!(words, "{indent}{label} >").unwrap();
                describe(items, depth + 1, words);
            }
        }
    }
}

/// Returns what is known in a busy hour: of one Koji that is there and one that cannot be reached.
fn busy() -> Watch {
    use TaskState::{Closed, Failed, Free, Open};

    let mut watch = Watch::new(rules());
    let mut step = |event| _ = watch.step(time(0), event);
    step(Event::Reloaded(rules()));
    step(Event::LinkChanged(fedora(), Link::Up));
    let trouble = Trouble {
        problem: Problem::Unreachable,
        host: "mq.example.org:5671".to_owned(),
        detail: String::new(),
        retry: Some(time(120)),
    };
    step(Event::LinkChanged(centos(), Link::Down(trouble)));
    step(Event::Learned(fedora(), Learned::Login(Ok("mona".to_owned()))));

    // What has ended, the oldest first.
    let hours = |it: i64| -3600 * it;
    step(heard(build(20, "less-692-1.fc43", BuildState::Complete, hours(80))));
    step(heard(build(21, "make-4.4-1.fc43", BuildState::Complete, hours(3))));
    step(heard(build(22, "nano-8.7-1.fc43", BuildState::Complete, -1800)));
    step(heard(build(23, "vim-9.1-1.fc43", BuildState::Canceled, -1200)));
    let mut zsh = build(24, "zsh-5.9-1.fc43", BuildState::Failed, -600);
    zsh.children = children(&[("s390x", Failed), ("x86_64", Closed)]);
    step(heard(zsh));
    step(heard(build(25, "tmux-3.6-1.fc43", BuildState::Failed, -60)));
    step(heard_task(task(926, "python-attrs-25.4-1.fc43", true, Closed)));
    // What runs.
    step(heard(build(31, "bash-5.3-1.fc43", BuildState::Building, -600)));
    step(heard(build(32, "gcc-15.2-1.fc43", BuildState::Building, -1200)));
    step(heard(build(33, "git-2.52-1.fc43", BuildState::Building, -60)));
    let mut kernel = build(34, "kernel-6.18-1.fc43", BuildState::Building, -300);
    kernel.owner = Some("bob".to_owned());
    step(heard(kernel));
    for mut followed in [task(935, "rust-1.91-1.fc43", true, Open), task(936, "", false, Open)] {
        followed.owner = Some("carol".to_owned());
        let lookup = Lookup::Task(followed.task);
        step(Event::Asked(Request::Follow {
            instance: fedora(),
            lookup: lookup.clone(),
            asker: Asker::Nobody,
        }));
        let change = Some(Change::Task(followed));
        step(Event::Learned(fedora(), Learned::Found { lookup, change }));
    }
    let progress = |build: u64, state, arches: &[(&str, TaskState)]| Progress {
        task: TaskId(build + 1000),
        state: Some(state),
        completed: None,
        children: children(arches),
    };
    let looked = Looked {
        progress: vec![
            progress(22, Failed, &[]),
            progress(31, Open, &[("aarch64", Closed), ("s390x", Free), ("x86_64", Open)]),
            progress(32, Open, &[("aarch64", Failed), ("s390x", Open), ("x86_64", Open)]),
            progress(33, Open, &[("aarch64", Closed), ("x86_64", Free)]),
        ],
        in_repo: vec![(BuildId(21), "f43-build".to_owned())],
        averages: BTreeMap::from([("bash".to_owned(), Some(SignedDuration::from_mins(26)))]),
        ..Looked::default()
    };
    step(Event::Learned(fedora(), Learned::Looked(looked)));
    for (number, cause) in [
        (22, cause(CauseClass::Policy, None)),
        (23, Cause::canceled(TaskId(1023), "carol".to_owned())),
        (24, cause(CauseClass::Buildroot, Some("s390x"))),
        (25, cause(CauseClass::SourceRpm, None)),
    ] {
        let about = Subject::Build(BuildId(number));
        step(Event::Learned(fedora(), Learned::Explained { about, cause }));
    }

    let at = |second| MuteFor::At(time(second));
    for (muting, until) in [
        (Muting::ButFailures, at(3600)),
        (Muting::Package("zsh".to_owned()), MuteFor::Fixed),
        (Muting::Package("emacs".to_owned()), at(7200)),
        (
            Muting::Package("perl".to_owned()),
            MuteFor::Lasting(PauseFor::UntilResumed),
        ),
        (Muting::Tag("f43-updates".to_owned()), at(2 * 24 * 3600)),
        (Muting::Tag("eln".to_owned()), MuteFor::Lasting(PauseFor::UntilResumed)),
        (Muting::Subject(fedora(), Subject::Build(BuildId(33))), MuteFor::Ends),
        (Muting::Subject(fedora(), Subject::Task(TaskId(4711))), at(3600)),
    ] {
        step(Event::Asked(Request::Mute { muting, until }));
    }
    step(Event::Asked(Request::Switch(Toggle::Started, true)));
    step(Event::Asked(Request::Pause(PauseFor::AN_HOUR)));
    step(Event::ServerChanged(false));
    step(Event::JournalChanged(Some(JournalTrouble::DiskFull)));
    step(Event::ReloadFailed("config.toml:3: unknown field `usr`".to_owned()));
    // It is told while it is paused.
    step(heard(build(26, "sed-4.9-1.fc43", BuildState::Failed, 0)));
    watch
}

/// Returns a notice of every kind, after what it is.
fn cards() -> String {
    i18n::init();
    let mut words = String::new();
    for (kind, telling) in tellings() {
        let is_failure = matches!(&telling, Telling::One(it) if it.fate == Fate::Failed);
        let notice = Notice {
            id: NoticeId(1),
            replaces: false,
            telling,
            sound: false,
            stays: true,
            retry: is_failure,
        };
        let site = sites().remove(&fedora()).unwrap();
        let card = card::card(&notice, &BTreeMap::from([(fedora(), site)]));
        writeln!(words, "-- {kind}\n{}", card.title).unwrap();
        for line in card.body.lines() {
            writeln!(words, "    {line}").unwrap();
        }
        let labels: Vec<_> = card.actions.iter().map(|it| it.label.as_str()).collect();
        writeln!(words, "    [{}]", labels.join("] [")).unwrap();
    }
    words
}

fn tellings() -> Vec<(&'static str, Telling)> {
    let row = |failures, minutes: i64| Row {
        failures,
        since: time(-60 * minutes),
    };
    let with = |fate, change: &dyn Fn(&mut Story)| {
        let mut story = story();
        story.standing = match fate {
            Fate::Started | Fate::Doomed => Standing::Build(BuildState::Building),
            Fate::Failed => Standing::Build(BuildState::Failed),
            Fate::Canceled => Standing::Build(BuildState::Canceled),
            Fate::Finished | Fate::Tagged(_) | Fate::Untagged(_) | Fate::NotTagged | Fate::InRepo(_) => {
                Standing::Build(BuildState::Complete)
            }
        };
        change(&mut story);
        Telling::One(tale(1, fate, story))
    };
    let broken = |it: &mut Story| {
        it.children = children(&[
            ("aarch64", TaskState::Failed),
            ("s390x", TaskState::Closed),
            ("x86_64", TaskState::Closed),
        ]);
        it.cause = Some(cause(CauseClass::Package, Some("aarch64")));
    };
    let new_repo = |state| {
        move |it: &mut Story| {
            (it.subject, it.task) = (Subject::Task(TaskId(4800)), Some(TaskId(4800)));
            (it.nvr, it.package, it.target) = (None, None, None);
            (it.method, it.standing) = (Some("newRepo".to_owned()), Standing::Task(state));
        }
    };
    let scratch = |state| {
        move |it: &mut Story| {
            (it.subject, it.scratch) = (Subject::Task(TaskId(4801)), true);
            (it.method, it.standing) = (Some("build".to_owned()), Standing::Task(state));
        }
    };
    let of_others = |it: &mut Story| (it.mine, it.owner) = (false, Some("carol".to_owned()));
    let many = |fates: &[Fate], left_out, away, mass| {
        let one = |(n, fate): (u64, &Fate)| {
            let mut story = story();
            (story.subject, story.nvr) = (Subject::Build(BuildId(n)), Nvr::parse(&format!("p{n}-1-1")));
            tale(n, fate.clone(), story)
        };
        Telling::Many(Digest {
            tales: (1..).zip(fates).map(one).collect(),
            left_out,
            besides: Vec::new(),
            away,
            mass,
        })
    };
    let mut mixed = vec![
        Fate::Failed,
        Fate::Finished,
        Fate::Canceled,
        Fate::Started,
        Fate::Doomed,
    ];
    mixed.extend([
        Fate::NotTagged,
        Fate::Tagged("f43".to_owned()),
        Fate::Untagged("f43".to_owned()),
    ]);
    mixed.push(Fate::InRepo("f43-build".to_owned()));
    let finished = |n| iter::repeat_n(Fate::Finished, n).collect::<Vec<_>>();
    let act = |act, done| {
        let mut story = story();
        story.standing = Standing::Build(BuildState::Failed);
        Telling::Acted(Deed { act, story, done })
    };
    let refused = |perhaps| {
        Err(NotDone {
            why: "koji.example.com: ActionNotAllowed".to_owned(),
            perhaps,
        })
    };
    let answer = Telling::Following;
    let running = || {
        let mut story = story();
        (story.standing, story.followed) = (Standing::Build(BuildState::Building), true);
        story
    };
    vec![
        ("started", with(Fate::Started, &|it| it.usual = None)),
        ("first build", with(Fate::Finished, &|it| it.trend = Some(Trend::First))),
        ("finished", with(Fate::Finished, &|_| ())),
        (
            "finished, later than usual",
            with(Fate::Finished, &|it| it.usual = Some(SignedDuration::from_mins(5))),
        ),
        (
            "finished, sooner than usual",
            with(Fate::Finished, &|it| it.usual = Some(SignedDuration::from_mins(50))),
        ),
        ("somebody else's", with(Fate::Finished, &of_others)),
        (
            "fixed",
            with(Fate::Finished, &|it| it.trend = Some(Trend::Fixed(row(1, 125)))),
        ),
        (
            "fixed after several",
            with(Fate::Finished, &|it| it.trend = Some(Trend::Fixed(row(4, 51 * 60)))),
        ),
        ("newly broken", {
            with(Fate::Failed, &|it| {
                broken(it);
                it.trend = Some(Trend::Broken);
            })
        }),
        ("still broken", {
            with(Fate::Failed, &|it| {
                broken(it);
                it.trend = Some(Trend::StillBroken(row(3, 51 * 60)));
            })
        }),
        (
            "no source RPM",
            with(Fate::Failed, &|it| it.cause = Some(cause(CauseClass::SourceRpm, None))),
        ),
        (
            "a requirement",
            with(Fate::Failed, &|it| {
                it.cause = Some(cause(CauseClass::Dependencies, Some("s390x")));
            }),
        ),
        (
            "the build system",
            with(Fate::Failed, &|it| it.cause = Some(cause(CauseClass::Buildroot, None))),
        ),
        (
            "not allowed",
            with(Fate::Failed, &|it| it.cause = Some(cause(CauseClass::Policy, None))),
        ),
        (
            "not known why",
            with(Fate::Failed, &|it| {
                it.cause = Some(cause(CauseClass::Unknown, Some("x86_64")))
            }),
        ),
        ("canceled", with(Fate::Canceled, &|_| ())),
        (
            "canceled by somebody else",
            with(Fate::Canceled, &|it| {
                it.cause = Some(Cause::canceled(TaskId(50), "carol".to_owned()));
            }),
        ),
        (
            "built, but not tagged",
            with(Fate::NotTagged, &|it| {
                it.whereabouts = Whereabouts::NotTagged;
                it.cause = Some(cause(CauseClass::Tagging, None));
            }),
        ),
        ("in the repository", {
            let tag = "f43-build".to_owned();
            with(Fate::InRepo(tag.clone()), &|it| {
                it.whereabouts = Whereabouts::InRepo(tag.clone());
            })
        }),
        (
            "will fail",
            with(Fate::Doomed, &|it| {
                broken(it);
                it.children[1].state = Some(TaskState::Open);
                it.ended = None;
            }),
        ),
        (
            "will fail, several",
            with(Fate::Doomed, &|it| {
                broken(it);
                for child in &mut it.children[1..] {
                    child.state = Some(TaskState::Open);
                }
                (it.ended, it.cause) = (None, None);
            }),
        ),
        ("task done", with(Fate::Finished, &new_repo(TaskState::Closed))),
        ("task failed", with(Fate::Failed, &new_repo(TaskState::Failed))),
        ("task canceled", with(Fate::Canceled, &new_repo(TaskState::Canceled))),
        ("task started", with(Fate::Started, &new_repo(TaskState::Open))),
        ("scratch build done", with(Fate::Finished, &scratch(TaskState::Closed))),
        ("scratch build failed", with(Fate::Failed, &scratch(TaskState::Failed))),
        ("tagged", with(Fate::Tagged("f43-updates".to_owned()), &|_| ())),
        ("untagged", with(Fate::Untagged("f43-updates".to_owned()), &|_| ())),
        (
            "a long name",
            with(Fate::NotTagged, &|it| {
                it.nvr = Nvr::parse("python-opentelemetry-instrumentation-asyncio-0.58-1.fc43");
            }),
        ),
        ("digest", many(&mixed, 0, false, false)),
        ("digest of what is built", many(&finished(7), 0, false, false)),
        (
            "mass rebuild",
            many(&[finished(40), vec![Fate::Failed]].concat(), 130, false, true),
        ),
        ("after quiet", many(&[Fate::Failed, Fate::Finished], 0, false, false)),
        (
            "after an absence",
            many(&[Fate::Failed, Fate::Finished], 3, true, false),
        ),
        ("after an absence, all built", many(&finished(2), 0, true, false)),
        ("after an absence, other news", many(&[Fate::Canceled], 0, true, false)),
        ("shall it be submitted?", Telling::Confirm(Act::Resubmit, story())),
        ("shall it be canceled?", Telling::Confirm(Act::Cancel, running())),
        ("submitted", act(Act::Resubmit, Ok(Some(TaskId(4802))))),
        ("being canceled", act(Act::Cancel, Ok(None))),
        ("not submitted", act(Act::Resubmit, refused(false))),
        ("perhaps canceled", act(Act::Cancel, refused(true))),
        ("followed", answer(Some(Reply::Is(running())))),
        ("ended already", answer(Some(Reply::Is(story())))),
        ("nothing on the clipboard", answer(None)),
        ("nothing of the kind", answer(Some(Reply::Unknown))),
        ("no hub", answer(Some(Reply::NoHub))),
        (
            "no answer",
            answer(Some(Reply::NoAnswer("koji.example.com: it is closed".to_owned()))),
        ),
    ]
}

fn tale(number: u64, fate: Fate, story: Story) -> Tale {
    Tale {
        id: TaleId(number),
        fate,
        story,
        rule: RuleName::MyBuilds,
        late: false,
    }
}

/// Returns mona's bash, built in twelve minutes.
fn story() -> Story {
    Story {
        instance: fedora(),
        subject: Subject::Build(BuildId(7)),
        task: Some(TaskId(50)),
        nvr: Nvr::parse("bash-5.3-1.fc43"),
        package: Some("bash".to_owned()),
        method: None,
        owner: Some("mona".to_owned()),
        mine: true,
        target: Some("rawhide".to_owned()),
        scratch: false,
        standing: Standing::Build(BuildState::Complete),
        children: Vec::new(),
        started: Some(time(-720)),
        ended: Some(time(0)),
        changed: time(0),
        cause: None,
        usual: None,
        whereabouts: Whereabouts::Unknown,
        followed: false,
        trend: None,
    }
}

fn cause(class: CauseClass, arch: Option<&str>) -> Cause {
    let lines: &[&str] = match class {
        CauseClass::Package => &["subst.c:1234:17: error: implicit declaration of function 'frob'"],
        CauseClass::Tagging => &["policy violation (tag): all builds must be signed"],
        _ => &[],
    };
    Cause {
        class,
        task: Some(TaskId(54)),
        method: None,
        arch: arch.map(str::to_owned),
        fault: String::new(),
        log: Some((TaskId(54), LogName::Build)),
        lines: lines.iter().map(|&it| it.to_owned()).collect(),
        by: None,
    }
}

fn build(number: u64, nvr: &str, new: BuildState, at: i64) -> BuildChange {
    let is_over = new.is_settled();
    BuildChange {
        build: Some(BuildId(number)),
        nvr: Nvr::parse(nvr).unwrap(),
        old: Some(BuildState::Building).filter(|_| is_over),
        new,
        owner: Some("mona".to_owned()),
        task: Some(TaskId(number + 1000)),
        target: Some("rawhide".to_owned()),
        started: Some(time(if is_over { at - 720 } else { at })),
        created: None,
        completed: is_over.then(|| time(at)),
        children: Vec::new(),
    }
}

fn task(number: u64, what: &str, scratch: bool, new: TaskState) -> TaskChange {
    let named = Some(what.to_owned()).filter(|it| !it.is_empty());
    TaskChange {
        task: TaskId(number),
        method: if scratch { "build" } else { "newRepo" }.to_owned(),
        old: Some(TaskState::Free),
        new,
        owner: Some("mona".to_owned()),
        package: named.as_ref().and_then(|it| Some(Nvr::parse(it)?.name)),
        what: named,
        target: scratch.then(|| "rawhide".to_owned()),
        scratch,
        created: Some(time(-900)),
        started: Some(time(-900)),
        completed: new.is_settled().then(|| time(-240)),
        children: Vec::new(),
    }
}

fn children(arches: &[(&str, TaskState)]) -> Vec<Child> {
    let child = |(n, (arch, state)): (u64, &(&str, TaskState))| Child {
        task: TaskId(n),
        method: "buildArch".to_owned(),
        arch: (*arch).to_owned(),
        state: Some(*state),
    };
    (1..).zip(arches).map(child).collect()
}

fn heard(change: BuildChange) -> Event {
    let at = change.completed.or(change.started);
    told(Change::Build(change), at)
}

fn heard_task(change: TaskChange) -> Event {
    let at = change.completed.or(change.started);
    told(Change::Task(change), at)
}

fn told(change: Change, sent: Option<Timestamp>) -> Event {
    Event::Heard(News {
        instance: fedora(),
        delivery: None,
        message: None,
        is_first: false,
        sent,
        owner: None,
        event: HubEvent::Changed(change),
    })
}

fn rules() -> Rules {
    let whose = Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        packages: BTreeSet::from(["kernel".to_owned()]),
        bus: true,
        hub: true,
        logs_in: true,
        ..Whose::default()
    };
    Rules {
        wanted: Wanted::default(),
        instances: BTreeMap::from([(fedora(), whose.clone()), (centos(), whose)]),
        quiet: QuietRules::default(),
        zone: TimeZone::fixed(jiff::tz::offset(1)),
        live: true,
    }
}

fn sites() -> BTreeMap<InstanceName, Site> {
    let site = Site {
        weburl: Some("https://koji.example.com/koji".to_owned()),
        topurl: Some("https://files.example.com".to_owned()),
    };
    BTreeMap::from([(fedora(), site.clone()), (centos(), site)])
}

fn fedora() -> InstanceName {
    InstanceName::new("fedora")
}

fn centos() -> InstanceName {
    InstanceName::new("centos-stream")
}

fn time(second: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T16:40:00Z".parse().unwrap();
    start + SignedDuration::from_secs(second)
}
