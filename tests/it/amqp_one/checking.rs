//! What `koji-notify check` says of a broker that speaks AMQP 1.0.

use std::fs;

use expect_test::{Expect, expect};
use serde_json::json;

use super::proton::Proton;
use super::{configure, instance_of_proton};
use crate::rabbit::User;
use crate::tail::House;

#[tokio::test]
async fn a_broker_that_lets_us_listen_is_good() {
    let house = House::new().await;
    configure(&house, &house.vhost.reader, &["/topic/koji.#"]);
    check(
        &of_broker(&house).await,
        expect![[r#"
            ✓ lab: broker: protocol = "amqp-1.0", addresses = ["/topic/koji.#"]
            ✓ lab: broker: localhost:PORT accepts the login and lets you listen
        "#]],
    );
    let ran = house.run(&["check", "--json"]).await;
    let found: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    let found = found.as_array().unwrap().iter();
    let states: Vec<_> = found
        .filter(|it| it["what"] == "lab: broker")
        .map(|it| &it["state"])
        .collect();
    assert_eq!(states, ["good"]);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let house = House::new().await;
    let mut told = String::new();
    let wrong = User {
        name: house.vhost.reader.name.clone(),
        password: "hunter2".to_owned(),
    };
    configure(&house, &wrong, &["/topic/koji.#"]);
    told += &of_broker(&house).await;
    configure(&house, &house.vhost.reader, &["topic://koji.>"]);
    told += &of_broker(&house).await;
    configure(&house, &house.vhost.reader, &["/topic/koji.#", "/queue/somebody-elses"]);
    told += &of_broker(&house).await;
    configure(&house, &house.vhost.reader, &["/topic/koji.#"]);
    let text = fs::read_to_string(house.config()).unwrap();
    let port = format!(":{}/", house.vhost.rabbit.tls_port);
    fs::write(house.config(), text.replace(&port, ":1/")).unwrap();
    told += &of_broker(&house).await;
    assert!(!told.contains("hunter2"), "{told}");
    check(
        &told,
        expect![[r#"
        ✓ lab: broker: protocol = "amqp-1.0", addresses = ["/topic/koji.#"]
        ✗ lab: broker: localhost:PORT does not accept the login (the login failed: the broker does not accept who we say we are)
            Check user, password and certificate in the configuration
        ✓ lab: broker: protocol = "amqp-1.0", addresses = ["topic://koji.>"]
        ✗ lab: broker: The queue or exchange on localhost:PORT is not as configured (cannot read from topic://koji.>: amqp:invalid-field: Attach rejected: {unknown_destination,"topic://koji.>"})
            Check queue and exchange in the configuration, or delete the queue on the broker
        ✓ lab: broker: protocol = "amqp-1.0", addresses = ["/topic/koji.#", "/queue/somebody-elses"]
        ✗ lab: broker: localhost:PORT does not let you use the queue (cannot read from /queue/somebody-elses: amqp:unauthorized-access: ACCESS_REFUSED - access to queue 'somebody-elses' in vhost 'VHOST' refused for user 'READER')
            Check the name of the queue: most brokers allow only a UUID
        ✓ lab: broker: protocol = "amqp-1.0", addresses = ["/topic/koji.#"]
        ✗ lab: broker: localhost:1 does not answer (cannot connect: Connection refused (os error 111))
            Nothing needs to be done: koji-notify keeps trying
    "#]],
    );
}

#[tokio::test]
async fn several_places_are_tried_and_an_address_that_is_not_there_is_told() {
    let house = House::new().await;
    let mut proton = Proton::start(&json!({"mechanisms": "ANONYMOUS"})).await;
    let of = |addresses: &[&str]| {
        let text = instance_of_proton(proton.port, addresses);
        let here = format!("url = \"amqp://localhost:{}\"", proton.port);
        let urls = format!("urls = [\"amqp://localhost:1\", \"amqp://localhost:{}\"]", proton.port);
        text.replace(&here, &urls)
    };
    fs::write(house.config(), of(&["queue://Consumer.me.koji"])).unwrap();
    let mut told = of_broker(&house).await;
    fs::write(house.config(), of(&["queue://nowhere"])).unwrap();
    told += &of_broker(&house).await;
    check(
        &told.replace(&format!(":{}", proton.port), ":PORT"),
        expect![[r#"
        ✓ lab: broker: protocol = "amqp-1.0", addresses = ["queue://Consumer.me.koji"]
        ✓ lab: broker: localhost:1, localhost:PORT accepts the login and lets you listen
        ✓ lab: broker: protocol = "amqp-1.0", addresses = ["queue://nowhere"]
        ✗ lab: broker: The queue or exchange on localhost:PORT is not as configured (cannot read from queue://nowhere: amqp:not-found: queue://nowhere is not for you)
            Check queue and exchange in the configuration, or delete the queue on the broker
    "#]],
    );
    // Nothing was asked for, and nobody is left who reads.
    assert_eq!(proton.state().await.accepted, 0);
}

/// Returns what is said of the broker. Whatever it is, there is no session, so it ends with code 5.
async fn of_broker(house: &House<'_>) -> String {
    let ran = house.run(&["check"]).await;
    assert_eq!((ran.code, &*ran.errors), (5, ""), "{}", ran.output);
    let mut said = String::new();
    let mut is_ours = false;
    for line in ran.output.lines() {
        if !line.starts_with(' ') {
            is_ours = line.contains(" lab: broker: ");
        }
        if is_ours {
            said += &format!("{line}\n");
        }
    }
    house.shortened(&said).replace(&house.vhost.reader.name, "READER")
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
