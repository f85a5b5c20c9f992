//! How long something takes, by what was seen before.

use jiff::SignedDuration;
use serde_json::json;

use super::scene::{Scene, set};

/// How long ago what runs has begun: a little less than four minutes, so that "about 16 min" stays true for a while.
const BEGUN: SignedDuration = SignedDuration::from_secs(3 * 60 + 35);

#[tokio::test]
async fn how_long_it_takes_is_told_by_the_builds_on_record_and_not_by_the_average_of_the_hub() {
    let mut scene = Scene::new().await;
    let mut daemon = scene.daemon().await;
    for (hours, minutes) in [(5, 15), (4, 20), (3, 45)] {
        let began = scene.now() - SignedDuration::from_hours(hours);
        set(&scene.hub, began);
        let task = scene.hub.submit("alice", &format!("bash-5.3-{hours}.fc44")).task;
        scene.hub.begin(task);
        let mut messages = scene.hub.srpm_done(task).messages;
        scene.hub.advance(f64::from(minutes) * 60.0);
        scene.hub.arch_done(task, "x86_64");
        scene.hub.arch_done(task, "aarch64");
        messages.extend(scene.hub.finish(task).messages);
        scene.publish(&messages).await;
    }
    scene.desk.status_when(|it| it.finished == 3).await;
    scene.desk.all_is_acknowledged().await;
    daemon.signal("TERM");
    assert!(daemon.end().await.success());

    // Two days later the hub is asked for none of them.
    scene.passes_unseen(SignedDuration::from_hours(48));
    for package in ["bash", "zsh"] {
        scene.hub.set_average(package, 2.0 * 60.0 * 60.0);
    }
    let now = scene.now();
    set(&scene.hub, now - BEGUN);
    let builds = [
        ("bash-5.3-10.fc44", "rawhide", ["x86_64", "aarch64"]),
        // Of these nobody has seen enough.
        ("bash-5.3-10.fc43", "f43-candidate", ["x86_64", "aarch64"]),
        ("bash-5.3-11.fc44", "rawhide", ["x86_64", "s390x"]),
        ("zsh-5.9-1.fc44", "rawhide", ["x86_64", "aarch64"]),
    ];
    for (nvr, target, arches) in builds {
        let more = json!({"target": target, "arches": arches});
        let task = scene.hub.submit_with("alice", nvr, more).task;
        scene.hub.begin(task);
        scene.hub.srpm_done(task);
    }
    set(&scene.hub, now);
    let _daemon = scene.daemon().await;
    let says = |it: &str| {
        let lines = [
            "bash-5.3-10.fc44, 0 of 2 arches, about 16 min left >",
            "bash-5.3-10.fc43, 0 of 2 arches, about 1 h 56 min left >",
            "bash-5.3-11.fc44, 0 of 2 arches, about 1 h 56 min left >",
            "zsh-5.9-1.fc44, 0 of 2 arches, about 1 h 56 min left >",
        ];
        lines.iter().all(|line| it.lines().any(|it| it == *line))
    };
    scene.menu_when(says).await;
}
