//! What the user of a public broker may do, tried one by one and held to what the laboratory recorded.

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, ExchangeKind};
use serde_json::Value;

use super::stand_ins::TlsTunnel;
use super::stories::{connect, external};
use super::{Client, Rabbit, Vhost};

/// The laboratory asked a broker set up as Fedora's is; ours answers in the same words.
#[tokio::test]
async fn a_virtual_host_permits_and_refuses_what_fedoras_does() {
    let rabbit = Rabbit::shared().await;
    let vhost = rabbit.vhost().await;
    let seen: Vec<Value> = serde_json::from_str(include_str!("../../fixtures/permissions.json")).unwrap();
    let fedora = TlsTunnel::start(rabbit, Some(Client::Fedora)).await;
    for attempt in seen {
        let what = attempt["try"].as_str().unwrap();
        let ours = try_as_the_laboratory_did(&vhost, &fedora, what).await;
        match (attempt["ok"].as_bool().unwrap(), ours) {
            (true, ours) => assert_eq!(ours, Ok(()), "{what}"),
            // That one fails in TLS already, which every library words in its own way.
            (false, ours) if what == "client certificate of another CA" => assert!(ours.is_err(), "{what}"),
            (false, ours) => {
                let told = ours.expect_err(what);
                let detail = attempt["detail"]
                    .as_str()
                    .unwrap()
                    .replace("/public_pubsub", &vhost.name);
                let quoted = detail.trim_matches(['(', ')']).split_once(['"', '\'']).unwrap().1;
                let words = quoted.trim_end_matches(['"', '\'']);
                assert!(told.contains(words), "{what}: {words} in {told}");
            }
        }
    }
}

async fn try_as_the_laboratory_did(vhost: &Vhost<'_>, fedora: &TlsTunnel, what: &str) -> Result<(), String> {
    let rabbit = vhost.rabbit;
    let plain = |password: &str| external(&vhost.name, fedora).replace("fedora:", &format!("fedora:{password}"));
    let url = match what {
        "other vhost /" => external("/", fedora),
        "unknown vhost" => external("/nope", fedora),
        "PLAIN fedora/'' over TLS" => plain("").replace("external", "plain"),
        "PLAIN wrong password" => plain("wrong").replace("external", "plain"),
        "EXTERNAL without client certificate" => {
            let tunnel = TlsTunnel::start(rabbit, None).await;
            return connect(&external(&vhost.name, &tunnel))
                .await
                .map(drop)
                .map_err(|it| it.to_string());
        }
        "client certificate of another CA" => {
            let tunnel = TlsTunnel::start(rabbit, Some(Client::OtherCa)).await;
            return connect(&external(&vhost.name, &tunnel))
                .await
                .map(drop)
                .map_err(|it| it.to_string());
        }
        _ => external(&vhost.name, fedora),
    };
    attempt(&url, what).await.map_err(|it| it.to_string())
}

async fn attempt(url: &str, what: &str) -> lapin::Result<()> {
    let connection = connect(url).await?;
    let channel = connection.create_channel().await?;
    let own = uuid::Uuid::new_v4().to_string();
    let table = FieldTable::default;
    let declare = QueueDeclareOptions {
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    match what {
        "queue.declare UUID name, auto_delete" => {
            channel.queue_declare(own.into(), declare, table()).await?;
        }
        "queue.declare UUID name, durable exclusive" => {
            let options = QueueDeclareOptions {
                durable: true,
                exclusive: true,
                ..QueueDeclareOptions::default()
            };
            channel.queue_declare(own.into(), options, table()).await?;
        }
        "queue.declare server-named" => {
            channel.queue_declare("".into(), declare, table()).await?;
        }
        "queue.declare 'myqueue'" => {
            channel.queue_declare("myqueue".into(), declare, table()).await?;
        }
        "exchange.declare passive amq.topic" | "exchange.declare active amq.topic durable" => {
            let passive = what.contains("passive");
            let options = ExchangeDeclareOptions {
                passive,
                durable: true,
                ..ExchangeDeclareOptions::default()
            };
            channel
                .exchange_declare("amq.topic".into(), ExchangeKind::Topic, options, table())
                .await?;
        }
        "basic.publish to amq.topic" => {
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            channel
                .basic_publish("amq.topic".into(), "a.b".into(), options, b"{}", properties)
                .await?
                .await?;
        }
        "bind UUID queue to amq.topic '#'" => {
            channel.queue_declare(own.as_str().into(), declare, table()).await?;
            channel
                .queue_bind(
                    own.into(),
                    "amq.topic".into(),
                    "#".into(),
                    QueueBindOptions::default(),
                    table(),
                )
                .await?;
        }
        _ => {}
    }
    Ok(())
}
