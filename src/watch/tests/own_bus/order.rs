//! The life of a build, told in any order.

use super::*;
use crate::watch::ask::{Looked, Progress};

/// The lives of a build, each message with its time.
const LIVES: [&str; 5] = [
    "top 9 build bash ->FREE owner=#2
     top 9 build bash FREE->ASSIGNED owner=#2 created=0
     top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=3
     child 10 below 9 buildSRPMFromSCM srpm ->FREE owner=#2
     child 10 below 9 buildSRPMFromSCM srpm FREE->ASSIGNED owner=#2 created=4
     child 10 below 9 buildSRPMFromSCM srpm ASSIGNED->OPEN owner=#2 created=4 started=5
     child 10 below 9 buildSRPMFromSCM srpm OPEN->CLOSED owner=#2 created=4 started=5 ended=9 srpm=bash-5.3-1.fc43
     record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=10
     child 11 below 9 buildArch x86_64 ->FREE owner=#2
     child 12 below 9 buildArch s390x ->FREE owner=#2
     child 11 below 9 buildArch x86_64 FREE->ASSIGNED owner=#2 created=11
     child 11 below 9 buildArch x86_64 ASSIGNED->OPEN owner=#2 created=11 started=12
     child 12 below 9 buildArch s390x ASSIGNED->OPEN owner=#2 created=11 started=12
     child 12 below 9 buildArch s390x OPEN->FREE owner=#2 created=11 started=12
     child 12 below 9 buildArch s390x ASSIGNED->OPEN owner=#2 created=11 started=14
     child 11 below 9 buildArch x86_64 OPEN->CLOSED owner=#2 created=11 started=12 ended=18
     child 12 below 9 buildArch s390x OPEN->CLOSED owner=#2 created=11 started=14 ended=19
     record 7 bash-5.3-1.fc43 BUILDING->COMPLETE mona owner=#2 task=9 created=10 ended=20
     child 14 below 9 tagBuild tag OPEN->CLOSED owner=#2 created=20 started=21 ended=22
     top 9 build bash OPEN->CLOSED owner=#2 created=0 started=3 ended=23",
    "top 9 build bash ->FREE owner=#2
     top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=3
     child 10 below 9 buildSRPMFromSCM srpm OPEN->CLOSED owner=#2 created=4 started=5 ended=9 srpm=bash-5.3-1.fc43
     record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=10
     child 11 below 9 buildArch x86_64 ASSIGNED->OPEN owner=#2 created=11 started=12
     child 12 below 9 buildArch s390x ASSIGNED->OPEN owner=#2 created=11 started=12
     child 11 below 9 buildArch x86_64 OPEN->FAILED owner=#2 created=11 started=12 ended=18
     child 12 below 9 buildArch s390x OPEN->CANCELED owner=#2 created=11 started=12 ended=19
     record 7 bash-5.3-1.fc43 BUILDING->FAILED mona owner=#2 task=9 created=10 ended=20
     top 9 build bash OPEN->FAILED owner=#2 created=0 started=3 ended=23",
    "top 9 build bash ->FREE owner=#2
     top 9 build bash FREE->ASSIGNED owner=#2 created=0
     top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=3
     child 10 below 9 buildSRPMFromSCM srpm ->FREE owner=#2
     child 10 below 9 buildSRPMFromSCM srpm OPEN->FAILED owner=#2 created=4 started=5 ended=9
     top 9 build bash OPEN->FAILED owner=#2 created=0 started=3 ended=10",
    "top 9 build bash ASSIGNED->OPEN owner=#2 created=0 started=3
     record 7 bash-5.3-1.fc43 ->BUILDING mona owner=#2 task=9 created=10
     child 11 below 9 buildArch x86_64 ASSIGNED->OPEN owner=#2 created=11 started=12
     top 9 build bash OPEN->CANCELED owner=#2 created=0 started=3 ended=20
     record 7 bash-5.3-1.fc43 BUILDING->CANCELED mona owner=#2 task=9 created=10 ended=20
     child 11 below 9 buildArch x86_64 OPEN->CANCELED owner=#2 created=11 started=12 ended=20",
    "top 9 build bash ->FREE owner=#2 scratch
     top 9 build bash FREE->ASSIGNED owner=#2 scratch created=0
     top 9 build bash ASSIGNED->OPEN owner=#2 scratch created=0 started=3
     top 9 build bash OPEN->FREE owner=#2 scratch created=0 started=3
     top 9 build bash ASSIGNED->OPEN owner=#2 scratch created=0 started=6
     child 11 below 9 buildArch x86_64 OPEN->CLOSED owner=#2 created=7 started=8 ended=11
     top 9 build bash OPEN->CLOSED owner=#2 scratch created=0 started=6 ended=12",
];

proptest! {
    /// The messages of one build's life in any order, some of them twice, its owner named at any time, and the hub asked
    /// in between or not: the story ends the same, its ending is told once, and each delivery is answered once.
    #[test]
    fn in_whatever_order_a_life_is_told_it_ends_the_same(
        life in 0..LIVES.len(),
        order in proptest::collection::vec(any::<u32>(), 24),
        again in proptest::collection::vec(0..20usize, 0..4),
        named in 0..24usize,
        looks in proptest::collection::vec((0..24usize, 0..20usize), 0..3),
    ) {
        let lines: Vec<&str> = LIVES[life].lines().map(str::trim).collect();
        let expected = live(&lines, 0, &[], &lines);
        let mut shuffled: Vec<(u32, &str)> = order.iter().copied().zip(lines.iter().copied()).collect();
        shuffled.sort();
        let mut shuffled: Vec<&str> = shuffled.into_iter().map(|(_, it)| it).collect();
        shuffled.extend(again.iter().filter_map(|it| lines.get(*it)));
        let lived = live(&shuffled, named, &looks, &lines);
        prop_assert_eq!(&lived.story, &expected.story);
        prop_assert_eq!(lived.endings, 1, "{:?}", lived.told);
        prop_assert_eq!(lived.answered.len(), shuffled.len());
        prop_assert!(lived.answered.values().all(|it| *it == 1), "{:?}", lived.answered);
    }
}

struct Lived {
    story: Story,
    endings: usize,
    told: Vec<String>,
    answered: BTreeMap<u64, u32>,
}

/// Tells a life in an order. `named`: after how many messages the hub says who owns it. `looks`: after how many
/// messages the hub tells how the children stood when so many of the `truth` had happened.
fn live(told: &[&str], named: usize, looks: &[(usize, usize)], truth: &[&str]) -> Lived {
    let mut watch = own_watch();
    let mut now = time(24);
    let mut effects = Vec::new();
    for (n, line) in told.iter().enumerate() {
        if n == named {
            effects.extend(watch.step(now, owners(&["2=mona"])));
        }
        for (_, upto) in looks.iter().filter(|(after, _)| *after == n) {
            effects.extend(watch.step(now, looked_at(&truth[..truth.len().min(*upto)])));
        }
        let mut letter = words(line);
        let number = n.to_string();
        letter.insert(0, &number);
        effects.extend(watch.step(now, Event::Heard(news(now, &letter).unwrap())));
        now += SignedDuration::from_millis(300);
    }
    effects.extend(watch.step(now, owners(&["2=mona"])));
    let mut lived = Lived {
        story: watch.stories.values().next().unwrap().story.clone(),
        endings: 0,
        told: Vec::new(),
        answered: BTreeMap::new(),
    };
    assert_eq!(watch.stories.len(), 1);
    for _ in 0..100 {
        let Some(wake) = watch.wake_at() else { break };
        effects.extend(watch.step(now.max(wake), Event::Woke));
        now = now.max(wake);
    }
    for effect in effects {
        match &effect {
            Effect::Show(notice) => {
                lived.told.push(describe(&effect));
                if let Telling::One(tale) = &notice.telling {
                    lived.endings += usize::from(tale.fate.is_end() && tale.fate != Fate::NotTagged);
                }
            }
            Effect::Record(record) => {
                if let Some(delivery) = &record.delivery {
                    *lived.answered.entry(delivery.tag).or_default() += 1;
                }
            }
            Effect::Acknowledge(delivery) => *lived.answered.entry(delivery.tag).or_default() += 1,
            _ => {}
        }
    }
    lived
}

/// How the hub says that the tasks below task 9 stand when these messages have been sent.
fn looked_at(sent: &[&str]) -> Event {
    let mut children: BTreeMap<TaskId, Child> = BTreeMap::new();
    for line in sent {
        let mut letter = words(line);
        letter.insert(0, "0");
        if let HubEvent::Child(it) = news(time(0), &letter).unwrap().event {
            children.insert(it.child.task, it.child);
        }
    }
    let progress = Progress {
        task: TaskId(9),
        state: Some(TaskState::Open),
        completed: None,
        children: children.into_values().collect(),
    };
    let looked = Looked {
        progress: vec![progress],
        ..Looked::default()
    };
    Event::Learned(fedora(), Learned::Looked(looked))
}
