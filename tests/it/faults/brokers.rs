//! A broker that stops, that throws us out, that loses our queue; a network that is cut.

use super::trial::Trial;
use super::wire::Wire;
use crate::rabbit::{Publisher, Rabbit};

#[tokio::test]
async fn a_broker_that_stops_and_starts_while_news_goes_on_costs_nothing() {
    let rabbit = Rabbit::start().await;
    let mut trial = Trial::with_hub(&rabbit).await;
    let daemon = trial.desk.daemon().await;
    for sudden in [false, true] {
        trial.builds_end(2).await;
        if sudden {
            rabbit.kill().await;
        } else {
            rabbit.stop().await;
        }
        trial.builds_end_unheard(2);
        trial.desk.status_when(|it| it.instances[0].link == "down").await;
        trial.builds_end_unheard(1);
        rabbit.restart().await;
        trial.desk.publisher = Publisher::start(&trial.desk.vhost).await;
        // Whoever is back first: the queue has waited.
        trial.builds_end(2).await;
        trial.desk.status_when(|it| it.instances[0].link == "up").await;
    }
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn connections_that_are_closed_again_and_again_cost_nothing() {
    let rabbit = Rabbit::shared().await;
    let mut trial = Trial::new(rabbit).await;
    let daemon = trial.desk.daemon().await;
    for _ in 0..3 {
        trial.builds_end(2).await;
        // Some of it is heard, some is on its way, some is not acknowledged.
        for connection in trial.desk.connections().await {
            let close = format!(
                "rabbit_networking:close_connection(list_to_pid(\"{}\"), <<\"a test\">>).",
                connection.pid
            );
            rabbit.eval(&close).await;
        }
        trial.builds_end(2).await;
        trial.desk.status_when(|it| it.instances[0].link == "up").await;
    }
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn a_queue_that_is_lost_is_made_again_and_the_hub_tells_the_rest() {
    let mut trial = Trial::with_hub(Rabbit::shared().await).await;
    let daemon = trial.desk.daemon().await;
    trial.builds_end(2).await;
    // While the daemon listens: it makes another, and what fell between is at the hub.
    let queue = trial.desk.vhost.consumed_queue().await.name;
    trial.desk.vhost.delete_queue(&queue).await;
    trial.builds_end(2).await;
    trial.desk.vhost.consumed_queue().await;
    trial.all_is_told().await;
    // While nobody listens, with all that waited in it.
    trial.kill(daemon).await;
    trial
        .desk
        .vhost
        .queues_when(|it| it.iter().all(|it| it.consumers == 0))
        .await;
    trial.builds_end(2).await;
    trial.desk.vhost.delete_queue(&queue).await;
    trial.builds_end(2).await;
    let daemon = trial.desk.daemon().await;
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_noticed_and_costs_nothing() {
    let rabbit = Rabbit::shared().await;
    let wire = Wire::to(rabbit.tls_port).await;
    let mut trial = Trial::new(rabbit).await;
    let (ours, theirs) = (
        format!("localhost:{}", wire.port),
        format!("localhost:{}", rabbit.tls_port),
    );
    let config = trial.desk.home.config().replace(&theirs, &ours);
    trial.desk.home.write_config(&format!("{config}heartbeat = 1\n"));
    let daemon = trial.desk.daemon().await;
    for _ in 0..2 {
        trial.builds_end(2).await;
        wire.cut();
        trial.builds_end(2).await;
        trial.desk.status_when(|it| it.instances[0].link == "down").await;
        trial.builds_end(1).await;
        wire.mend();
        trial.desk.status_when(|it| it.instances[0].link == "up").await;
    }
    trial.ends_well(daemon).await;
}
