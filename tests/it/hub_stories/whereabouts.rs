//! Where a build is once it is complete: being tagged, tagged or not, in a repository.

use expect_test::expect;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::check;
use super::scene::{Scene, set};
use crate::end_to_end::desk::{Daemon, within};
use crate::small_hub::Told;

const NVR: &str = "bash-5.3-1.fc44";

/// What is asked to find out whether a repository holds a build, and for nothing else.
const OF_REPOSITORIES: [&str; 3] = ["getBuildTarget", "getRepo", "listTagged"];

#[tokio::test]
async fn that_a_build_is_in_the_repository_is_told_once_to_who_wants_it() {
    is_told_in_the_repository(Ear::Bus).await;
}

#[tokio::test]
async fn without_a_broker_the_hub_tells_that_a_build_is_in_the_repository() {
    is_told_in_the_repository(Ear::Hub).await;
}

#[tokio::test]
async fn who_does_not_want_it_is_told_nothing_of_repositories_and_the_hub_is_not_asked() {
    is_told_nothing_of_repositories(Ear::Bus).await;
}

#[tokio::test]
async fn who_does_not_want_it_is_told_nothing_of_repositories_without_a_broker_either() {
    is_told_nothing_of_repositories(Ear::Hub).await;
}

#[tokio::test]
async fn that_a_build_could_not_be_tagged_is_told_once() {
    is_told_not_tagged(Ear::Bus).await;
}

#[tokio::test]
async fn without_a_broker_the_hub_tells_that_a_build_could_not_be_tagged() {
    is_told_not_tagged(Ear::Hub).await;
}

async fn is_told_in_the_repository(ear: Ear) {
    let mut scene = ear.scene("in-repo = true").await;
    let mut daemon = ear.daemon(&scene).await;
    let complete = complete(ear, &mut scene).await;
    let built = scene.desk.shown().await;
    assert_eq!(built.title, "bash-5.3-1.fc44 is built");
    scene.passes_with_looks(1).await;
    menu_says(&scene, "bash-5.3-1.fc44 is built and being tagged").await;

    let tagged = scene.hub.finish(complete.task);
    ear.hears(&mut scene, &tagged.messages).await;
    scene.passes_with_looks(1).await;
    menu_says(&scene, NVR_IS_BUILT).await;
    // A repository is made before the build is where it is made of.
    let made = scene.hub.new_repo("f44-build");
    ear.hears(&mut scene, &made).await;
    scene.passes_with_looks(4).await;
    scene.hub.wait_for_answers(1, Some("listTagged")).await;
    assert_eq!(scene.desk.more_shown(), [""; 0]);

    let mut said = scene.hub.tag("f44", complete.build.unwrap());
    ear.hears(&mut scene, &said).await;
    scene.passes_with_looks(2).await;
    assert_eq!(scene.desk.more_shown(), [""; 0], "it is in the tag only");
    let made = scene.hub.new_repo("f44-build");
    ear.hears(&mut scene, &made).await;
    said.extend(made);
    scene.passes_with_looks(3).await;
    let there = scene.desk.shown().await;
    assert_eq!((there.replaces, there.id), (built.id, built.id));
    check(
        &there,
        expect![[r#"
        title: bash-5.3-1.fc44 is in the repository
        body: "Now in f44-build"
        action default: Open build
        action open: Open build
        action mute: Mute package
    "#]],
    );
    menu_says(&scene, "bash-5.3-1.fc44 is in the repository").await;
    on_record(&scene, |it| {
        it["whereabouts"] == json!({ "in-repo": "f44-build" }) && is_told(it, "in-repo")
    })
    .await;

    // Where it is, is known; there is nothing more to ask.
    scene.hub.take_calls();
    scene.hub.new_repo("f44-build");
    scene.passes_with_looks(3).await;
    assert_eq!(asked_of_repositories(&scene), 0);
    daemon.kill().await;
    let _daemon = ear.daemon(&scene).await;
    ear.hears(&mut scene, &said).await;
    scene.passes_with_looks(3).await;
    assert_eq!(asked_of_repositories(&scene), 0);
    menu_says(&scene, "bash-5.3-1.fc44 is in the repository").await;
    nothing_more_is_shown(ear, &mut scene).await;
}

async fn is_told_nothing_of_repositories(ear: Ear) {
    let mut scene = ear.scene("").await;
    let _daemon = ear.daemon(&scene).await;
    let complete = complete(ear, &mut scene).await;
    assert_eq!(scene.desk.shown().await.title, "bash-5.3-1.fc44 is built");
    scene.passes_with_looks(1).await;
    menu_says(&scene, "bash-5.3-1.fc44 is built and being tagged").await;
    let mut said = scene.hub.finish(complete.task).messages;
    said.extend(scene.hub.tag("f44", complete.build.unwrap()));
    said.extend(scene.hub.new_repo("f44-build"));
    ear.hears(&mut scene, &said).await;
    scene.passes_with_looks(4).await;
    menu_says(&scene, NVR_IS_BUILT).await;
    on_record(&scene, |it| it["whereabouts"] == "tagged").await;
    assert_eq!(asked_of_repositories(&scene), 0);
    nothing_more_is_shown(ear, &mut scene).await;
}

async fn is_told_not_tagged(ear: Ear) {
    let mut scene = ear.scene("").await;
    let mut daemon = ear.daemon(&scene).await;
    let complete = complete(ear, &mut scene).await;
    let built = scene.desk.shown().await;
    assert_eq!(built.title, "bash-5.3-1.fc44 is built");
    scene.passes_with_looks(2).await;
    menu_says(&scene, "bash-5.3-1.fc44 is built and being tagged").await;
    assert_eq!(scene.desk.more_shown(), [""; 0], "it may still go well");

    let fault = "package bash is blocked for tag f44-signing-pending";
    let failed = scene.hub.tag_fails(complete.task, fault);
    ear.hears(&mut scene, &failed.messages).await;
    scene.passes_with_looks(1).await;
    let told = scene
        .shown_with("bash-5.3-1.fc44 is built, but not tagged", "blocked")
        .await;
    assert_eq!((told.replaces, told.id), (built.id, built.id));
    check(
        &told,
        expect![[r#"
        title: bash-5.3-1.fc44 is built, but not tagged
        body: "package bash is blocked for tag f44-signing-pending\nrawhide"
        action default: Open build
        action open: Open build
        action mute: Mute package
    "#]],
    );
    menu_says(&scene, "bash-5.3-1.fc44 is built, but not tagged").await;
    let status = scene.desk.status_when(|it| it.state == "failed").await;
    assert_eq!((status.finished, status.failed), (1, 0));
    assert_eq!(status.summary, "1 build could not be tagged");
    on_record(&scene, |it| {
        it["whereabouts"] == "not-tagged" && is_told(it, "not-tagged")
    })
    .await;

    daemon.kill().await;
    let _daemon = ear.daemon(&scene).await;
    ear.hears(&mut scene, &failed.messages).await;
    scene.passes_with_looks(3).await;
    menu_says(&scene, "bash-5.3-1.fc44 is built, but not tagged").await;
    nothing_more_is_shown(ear, &mut scene).await;
}

const NVR_IS_BUILT: &str = "bash-5.3-1.fc44 is built";

/// What the daemon hears by.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Ear {
    /// The bus, and what it does not tell from the hub.
    Bus,
    /// The hub alone: there is no broker.
    Hub,
}

impl Ear {
    /// Lays out everything, with a line of its own for what is told.
    async fn scene(self, tell: &str) -> Scene {
        let change = |config: &str| {
            let config = config.replace("[tell]\n", &format!("[tell]\n{tell}\n"));
            let (before, rest) = config.split_once("[instance.lab.broker]\n").unwrap();
            let (_, hub) = rest.split_once("\n[instance.lab.hub]\n").unwrap();
            match self {
                Self::Bus => config,
                Self::Hub => {
                    format!("{before}[instance.lab.broker]\nlisten = false\n\n[instance.lab.hub]\n{hub}")
                }
            }
        };
        Scene::with(change).await
    }

    async fn daemon(self, scene: &Scene) -> Daemon {
        match self {
            Self::Bus => scene.daemon().await,
            Self::Hub => scene.polling_daemon().await,
        }
    }

    /// Has the daemon hear of something: the bus tells it, or the hub is looked at.
    async fn hears(self, scene: &mut Scene, messages: &[Value]) {
        match self {
            Self::Bus => {
                scene.publish(messages).await;
                scene.desk.all_is_acknowledged().await;
            }
            Self::Hub => scene.looks().await,
        }
    }
}

/// Completes a build of alice's that began four minutes ago. It is not tagged yet.
async fn complete(ear: Ear, scene: &mut Scene) -> Told {
    let now = scene.now();
    set(&scene.hub, now - SignedDuration::from_mins(4));
    let task = scene.hub.submit("alice", NVR).task;
    scene.hub.begin(task);
    let begun = scene.hub.srpm_done(task);
    ear.hears(scene, &begun.messages).await;
    scene.desk.status_when(|it| it.running == 1).await;
    set(&scene.hub, now);
    scene.hub.arch_done(task, "x86_64");
    scene.hub.arch_done(task, "aarch64");
    let complete = scene.hub.complete(task);
    ear.hears(scene, &complete.messages).await;
    complete
}

/// Waits until a line of the menu is this, whatever its age.
async fn menu_says(scene: &Scene, line: &str) {
    let is_it = |it: &str| {
        it.strip_prefix(line)
            .is_some_and(|age| age.starts_with(", ") && age.ends_with(" >"))
    };
    scene.menu_when(|it| it.lines().any(is_it)).await;
}

/// Waits until what the journal has of the build is fine.
async fn on_record(scene: &Scene, fine: impl Fn(&Value) -> bool) {
    let wait = async {
        loop {
            let row = scene.desk.run(&["history", "--json", "--package", "bash"]).await.output;
            if row.lines().any(|it| fine(&serde_json::from_str(it).unwrap())) {
                return;
            }
        }
    };
    within("the record", wait).await;
}

/// Returns whether a row of the history says that this was told.
fn is_told(row: &Value, what: &str) -> bool {
    let tales = row["tales"].as_array().unwrap();
    tales.iter().any(|it| it["what"] == what && it["outcome"] == "told")
}

/// Returns how often the hub was asked what repositories hold since its log was last taken.
fn asked_of_repositories(scene: &Scene) -> usize {
    let calls = scene.hub.calls();
    let parts = calls.iter().flat_map(|it| &it.parts);
    parts.filter(|it| OF_REPOSITORIES.contains(&it.as_str())).count()
}

/// Whatever was to be shown comes before the end of another build.
async fn nothing_more_is_shown(ear: Ear, scene: &mut Scene) {
    set(&scene.hub, scene.now());
    let other = scene.hub.build("alice", "zsh-5.9-1.fc44");
    ear.hears(scene, &other.messages).await;
    assert_eq!(scene.desk.shown().await.title, "zsh-5.9-1.fc44 is built");
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}
