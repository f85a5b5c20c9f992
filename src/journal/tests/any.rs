//! Whatever can be on record: few names and numbers, so that they meet; times and texts of all kinds.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::now;
use crate::koji::{
    BuildId, BuildState, Cause, CauseClass, Child, InstanceName, LogName, Nvr, Subject, TaskId, TaskState,
};
use crate::watch::{
    Fate, Muted, Muting, Pause, PauseFor, Row, RuleName, Standing, Story, Tale, TaleId, Trend, Until, Whereabouts,
};
use crate::watch::{Filed, Keep, Posted};

pub(super) fn keeps() -> impl Strategy<Value = Vec<Keep>> {
    prop::collection::vec(keep(), 0..12)
}

fn muting() -> impl Strategy<Value = Muting> {
    prop_oneof![
        Just(Muting::ButFailures),
        "[a-c]".prop_map(Muting::Package),
        "[a-c]".prop_map(Muting::Tag),
        (instance(), subject()).prop_map(|(instance, subject)| Muting::Subject(instance, subject)),
    ]
}

fn muted() -> impl Strategy<Value = Muted> {
    let until = prop_oneof![
        time().prop_map(Until::Time),
        Just(Until::Fixed),
        Just(Until::Ends),
        Just(Until::Undone),
    ];
    (until, time()).prop_map(|(until, since)| Muted { until, since })
}

fn keep() -> impl Strategy<Value = Keep> {
    let tales = || prop::collection::vec((1_u64..12).prop_map(TaleId), 0..4);
    prop_oneof![
        2 => (instance(), "[a-c]", time()).prop_map(|(instance, id, at)| Keep::Message { instance, id, at }),
        6 => filed().prop_map(|it| Keep::Story(Box::new(it))),
        2 => (instance(), 1_u64..4, subject())
            .prop_map(|(instance, task, build)| Keep::Adopted { instance, task: TaskId(task), build }),
        4 => tale().prop_map(|it| Keep::Due(Box::new(it))),
        1 => (tales(), any::<bool>(), time()).prop_map(|(tales, digest, at)| Keep::Told { tales, digest, at }),
        1 => tales().prop_map(Keep::Dropped),
        1 => (instance(), time()).prop_map(|(instance, at)| Keep::Mark(instance, at)),
        1 => (instance(), time()).prop_map(|(instance, at)| Keep::Contact(instance, at)),
        2 => (muting(), option::of(muted())).prop_map(|(muting, muted)| Keep::Muted(muting, muted)),
        1 => option::of(pause()).prop_map(Keep::Paused),
        1 => usual(),
        1 => (":[0-9]", any::<u32>(), any::<bool>())
            .prop_map(|(server, number, on)| Keep::OnScreen(Posted { server, number: number % 3 }, on)),
    ]
}

fn instance() -> impl Strategy<Value = InstanceName> {
    select(vec!["fedora", "it's \"mine\"; --"]).prop_map(InstanceName::new)
}

/// Some days around now: what is older may be removed.
fn time() -> impl Strategy<Value = Timestamp> {
    let days = 5 * 24 * 3600 * 1_000_000_000_i64;
    (-days..days).prop_map(|it| now() + SignedDuration::from_nanos(it))
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        select(vec![1, 2, 3, u64::MAX]).prop_map(|it| Subject::Build(BuildId(it))),
        (1_u64..4).prop_map(|it| Subject::Task(TaskId(it))),
        select(vec![("a-1", "2"), ("a", "1-2")]).prop_map(|(name, version)| {
            Subject::NamedBuild(Nvr {
                name: name.to_owned(),
                version: version.to_owned(),
                release: "1".to_owned(),
            })
        }),
    ]
}

fn standing() -> impl Strategy<Value = Standing> {
    let build = (0_i64..5).prop_filter_map("a state", BuildState::from_number);
    prop_oneof![build.prop_map(Standing::Build), task_state().prop_map(Standing::Task)]
}

fn task_state() -> impl Strategy<Value = TaskState> {
    (0_i64..6).prop_filter_map("a state", TaskState::from_number)
}

fn words() -> impl Strategy<Value = Option<String>> {
    option::of(prop_oneof![
        any::<String>(),
        Just("'; DROP TABLE stories; --".to_owned())
    ])
}

fn child() -> impl Strategy<Value = Child> {
    (any::<u64>(), any::<String>(), any::<String>(), option::of(task_state())).prop_map(
        |(task, method, arch, state)| Child {
            task: TaskId(task),
            method,
            arch,
            state,
        },
    )
}

fn cause() -> impl Strategy<Value = Cause> {
    let class = select(vec![
        CauseClass::Package,
        CauseClass::SourceRpm,
        CauseClass::Dependencies,
        CauseClass::Buildroot,
        CauseClass::Policy,
        CauseClass::Tagging,
        CauseClass::Canceled,
        CauseClass::Unknown,
    ]);
    let log = select(vec![
        LogName::Build,
        LogName::Root,
        LogName::Checkout,
        LogName::MockOutput,
        LogName::State,
    ]);
    let log = option::of((any::<u64>().prop_map(TaskId), log));
    let lines = prop::collection::vec(any::<String>(), 0..3);
    let texts = (words(), words(), any::<String>(), lines, words());
    (class, option::of(any::<u64>()), texts, log).prop_map(|(class, task, (method, arch, fault, lines, by), log)| {
        Cause {
            class,
            task: task.map(TaskId),
            method,
            arch,
            fault,
            log,
            lines,
            by,
        }
    })
}

fn trend() -> impl Strategy<Value = Trend> {
    let row = || (any::<u32>(), time()).prop_map(|(failures, since)| Row { failures, since });
    prop_oneof![
        Just(Trend::First),
        Just(Trend::Broken),
        row().prop_map(Trend::StillBroken),
        row().prop_map(Trend::Fixed),
    ]
}

fn whereabouts() -> impl Strategy<Value = Whereabouts> {
    prop_oneof![
        Just(Whereabouts::Unknown),
        Just(Whereabouts::Tagged),
        Just(Whereabouts::NotTagged),
        any::<String>().prop_map(Whereabouts::InRepo),
    ]
}

fn story() -> impl Strategy<Value = Story> {
    let nvr = option::of((any::<String>(), any::<String>(), any::<String>()));
    let nvr = nvr.prop_map(|it| it.map(|(name, version, release)| Nvr { name, version, release }));
    let key = (instance(), subject(), option::of(any::<u64>()), nvr);
    let texts = (words(), words(), words(), words());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let times = (option::of(time()), option::of(time()), time(), option::of(any::<i64>()));
    let children = prop::collection::vec(child(), 0..3);
    let rest = (
        standing(),
        children,
        option::of(cause()),
        whereabouts(),
        option::of(trend()),
    );
    (key, texts, flags, times, rest).prop_map(|(key, texts, flags, times, rest)| {
        let (instance, subject, task, nvr) = key;
        let (package, method, owner, target) = texts;
        let (mine, scratch, followed) = flags;
        let (started, ended, changed, usual) = times;
        let (standing, children, cause, whereabouts, trend) = rest;
        Story {
            instance,
            subject,
            task: task.map(TaskId),
            nvr,
            package,
            method,
            owner,
            mine,
            target,
            scratch,
            standing,
            children,
            started,
            ended,
            changed,
            cause,
            usual: usual.map(SignedDuration::from_nanos),
            whereabouts,
            followed,
            trend,
        }
    })
}

fn filed() -> impl Strategy<Value = Filed> {
    let told = prop::collection::vec((standing(), option::of(time())), 0..4);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (story(), told, flags).prop_map(|(story, told, (unseen_failure, doomed, task_done))| Filed {
        story,
        told,
        unseen_failure,
        doomed,
        task_done,
        earlier: vec![TaskId(7)],
        left: Some(TaskId(8)),
    })
}

fn tale() -> impl Strategy<Value = Tale> {
    let fate = prop_oneof![
        Just(Fate::Started),
        Just(Fate::Finished),
        Just(Fate::Doomed),
        Just(Fate::Failed),
        Just(Fate::Canceled),
        any::<String>().prop_map(Fate::Tagged),
        any::<String>().prop_map(Fate::Untagged),
        Just(Fate::NotTagged),
        any::<String>().prop_map(Fate::InRepo),
    ];
    let rule = select(vec![
        RuleName::MyBuilds,
        RuleName::MyScratchBuilds,
        RuleName::MyTags,
        RuleName::FollowedPackages,
        RuleName::Followed,
    ]);
    (1_u64..12, fate, story(), rule, any::<bool>()).prop_map(|(id, fate, story, rule, late)| Tale {
        id: TaleId(id),
        fate,
        story,
        rule,
        late,
    })
}

fn pause() -> impl Strategy<Value = Pause> {
    let asked = prop_oneof![
        (1_u32..)
            .prop_filter_map("not zero", NonZeroU32::new)
            .prop_map(PauseFor::Minutes),
        Just(PauseFor::UntilTomorrow),
        Just(PauseFor::UntilResumed),
    ];
    (option::of(time()), asked).prop_map(|(until, asked)| Pause { until, asked })
}

fn usual() -> impl Strategy<Value = Keep> {
    let learned = prop_oneof![time(), time().prop_map(|it| it - SignedDuration::from_hours(40 * 24))];
    (instance(), "[a-c]", option::of(any::<i64>()), learned).prop_map(|(instance, package, usual, at)| Keep::Usual {
        instance,
        package,
        usual: usual.map(SignedDuration::from_nanos),
        at,
    })
}
