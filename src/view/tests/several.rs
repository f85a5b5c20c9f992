//! Several Koji instances: whatever is said of a build says which of them it is on.

use super::*;
use crate::watch::{Digest, Fate, RuleName, Tale, TaleId};

fn brew() -> InstanceName {
    InstanceName::new("brew")
}

fn two_sites() -> BTreeMap<InstanceName, Site> {
    let mut sites = sites();
    let none = Site {
        weburl: None,
        topurl: None,
    };
    sites.insert(brew(), none);
    sites
}

/// A watch that listens to two instances.
fn both() -> Watch {
    let whose = Whose {
        users: BTreeSet::from(["mona".to_owned()]),
        bus: true,
        ..Whose::default()
    };
    let mut rules = rules(whose.clone());
    rules.instances.insert(brew(), whose);
    rules.wanted.switch(Toggle::Tagged, true);
    Watch::new(rules)
}

/// Tells of a change on an instance, and returns the cards that follow at once.
fn told(watch: &mut Watch, number: u64, instance: InstanceName, change: Change) -> Vec<Card> {
    let mut news = news(number, change);
    news.instance = instance;
    let effects = watch.step(time(0), Event::Heard(news));
    let notices = effects.into_iter().filter_map(|it| match it {
        Effect::Show(notice) => Some(card::card(&notice, &two_sites())),
        _ => None,
    });
    notices.collect()
}

#[test]
fn a_card_ends_with_its_instance() {
    let mut watch = both();
    let failed = build(
        "kernel-6.12-1.fc43",
        BuildState::Failed,
        &[(54, "aarch64", TaskState::Failed)],
    );
    let tagged = Change::Tag(TagChange {
        build: Some(BuildId(8)),
        nvr: Nvr::parse("bash-5.3-1.el10").unwrap(),
        tag: Some("el10".to_owned()),
        user: None,
        owner: Some("mona".to_owned()),
        added: true,
    });
    let mut cards = told(&mut watch, 1, fedora(), failed);
    cards.extend(told(&mut watch, 2, brew(), tagged));
    let words: String = cards
        .iter()
        .map(|it| format!("{}\n{}\n\n", it.title, it.body))
        .collect();
    expect![[r#"
        kernel-6.12-1.fc43 failed
        aarch64 failed
        rawhide, 12 min, on fedora

        bash-5.3-1.el10 was tagged
        Now in el10, on brew

    "#]]
    .assert_eq(&words);
}

#[test]
fn the_same_number_on_two_instances_is_two_builds_in_the_menu() {
    let mut watch = both();
    let on = |watch: &mut Watch, number, instance, nvr, state| {
        told(watch, number, instance, build(nvr, state, &[]));
    };
    on(&mut watch, 1, fedora(), "kernel-6.12-1.fc43", BuildState::Failed);
    on(&mut watch, 2, brew(), "bash-5.3-1.el10", BuildState::Building);
    let items = menu::menu(&watch, &two_sites(), EVERYTHING, time(0)).items;
    let mut words = String::new();
    describe_items(&items, 0, &mut words);
    let lines: Vec<&str> = words
        .lines()
        .filter(|it| it.contains("el10") || it.contains("fc43"))
        .collect();
    expect![[r#"
        bash-5.3-1.el10 is being built for rawhide (brew) >
        kernel-6.12-1.fc43 failed (fedora), just now >"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn a_digest_names_the_instance_of_each() {
    let tale = |instance, nvr: &str, fate| Tale {
        id: TaleId::default(),
        fate,
        story: Story {
            instance,
            ..story_of(build(nvr, BuildState::Failed, &[]))
        },
        rule: RuleName::MyBuilds,
        late: false,
    };
    let digest = Digest {
        tales: vec![
            tale(fedora(), "kernel-6.12-1.fc43", Fate::Failed),
            tale(brew(), "bash-5.3-1.el10", Fate::Failed),
        ],
        left_out: 0,
        besides: Vec::new(),
        away: false,
        mass: false,
    };
    let notice = Notice {
        id: NoticeId(1),
        replaces: false,
        telling: Telling::Many(digest),
        sound: false,
        stays: true,
        retry: false,
    };
    expect!["Failed: kernel-6.12-1.fc43 (fedora) and bash-5.3-1.el10 (brew)"]
        .assert_eq(&card::card(&notice, &two_sites()).body);
}

/// Returns how a watch files a change.
fn story_of(change: Change) -> Story {
    let mut watch = watch();
    watch.step(time(0), Event::Heard(news(1, change)));
    watch.results().first().map(|it| (*it).clone()).unwrap()
}
