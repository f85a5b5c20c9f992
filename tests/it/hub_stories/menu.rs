//! What a person does in the menu, where a hub can be asked.

use jiff::SignedDuration;

use super::scene::{Scene, set};
use crate::tray::host::{Host, ItemMenu, Manners};

#[tokio::test]
async fn somebody_elses_build_of_a_package_that_i_follow_is_followed_from_the_menu() {
    let follows_kernel = |it: &str| it.replace("user = \"alice\"\n", "user = \"alice\"\npackages = [\"kernel\"]\n");
    let mut scene = Scene::with(follows_kernel).await;
    let mut host = Host::start(&scene.desk.bus, Manners::Welcoming).await;
    let _daemon = scene.daemon().await;
    let menu = ItemMenu::of(&scene.desk.bus.connect().await, &host.registered().await);
    set(&scene.hub, scene.now() - SignedDuration::from_mins(2));
    let task = scene.hub.submit("bob", "kernel-6.18-1.fc44").task;
    let mut said = scene.hub.begin(task).messages;
    said.extend(scene.hub.srpm_done(task).messages);
    scene.publish(&said).await;

    scene.menu_when(|it| it.contains("\nOther people's builds >\n")).await;
    menu.click_when_there("Follow").await;
    let call = scene.desk.shown().await;
    assert_eq!(
        (&*call.title, &*call.body),
        ("kernel-6.18-1.fc44 is being built", "You will be told how it ends")
    );
    scene.looks().await;
    let is_followed = |it: &str| !it.contains("Other people's builds >") && it.contains("    Stop following\n");
    scene
        .menu_when(|it| is_followed(it) && it.contains("0 of 2 arches"))
        .await;
    menu.click_when_there("Stop following").await;
    scene
        .menu_when(|it| it.contains("Other people's builds >") && it.contains("        Follow\n"))
        .await;
    assert_eq!(scene.desk.more_shown(), [""; 0]);
}
