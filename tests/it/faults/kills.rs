//! Killed at random moments under load, hundreds of times.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::dice::Dice;
use super::trial::{Trial, finished};
use crate::rabbit::{Publisher, Rabbit};

const KILLS: u64 = 220;

/// No life takes longer to its first notification.
const LONGEST: Duration = Duration::from_secs(20);

#[tokio::test]
async fn killed_hundreds_of_times_it_tells_everything_and_twice_only_what_it_could_not_note() {
    let mut dice = Dice::new();
    let mut trial = Trial::new(Rabbit::shared().await).await;
    // The first life makes the queue, which outlives it.
    let first = trial.desk.daemon().await;
    trial.kill(first).await;

    let wanted = Arc::new(Semaphore::new(3));
    let (report, mut published) = mpsc::unbounded_channel();
    let mut publisher = Publisher::start(&trial.desk.vhost).await;
    let more = Arc::clone(&wanted);
    let publishing = tokio::spawn(async move {
        for id in 1.. {
            let Ok(one) = more.acquire().await else { return };
            one.forget();
            let (nvr, topic, body) = finished(id);
            report.send(nvr).unwrap();
            publisher.publish(&topic, &body).await;
        }
    });

    let begun = Instant::now();
    let mut lives = Vec::new();
    let mut usual = LONGEST;
    for kill in 0..KILLS {
        wanted.add_permits(dice.below(5) as usize);
        let start = Instant::now();
        let mut daemon = trial.desk.start();
        match dice.below(20) {
            // At any moment, heard or not.
            0..6 if kill > 0 => {
                let moment = usual.mul_f64(dice.below(1500) as f64 / 1000.0);
                assert!(
                    timeout(moment, daemon.end()).await.is_err(),
                    "it ended by itself: {}",
                    daemon.log()
                );
            }
            // Just after what an earlier life has left was told in a digest.
            6 => {
                trial.sees(usual * 2).await;
                trial.passes(SignedDuration::from_secs(4)).await;
                trial.sees(usual).await;
                pause(&mut dice, 4).await;
            }
            // Just after it has shown something.
            _ => {
                for number in 0..=dice.below(3) {
                    let is_shown = trial.sees(usual * 2).await;
                    if number == 0 && is_shown {
                        lives.push(start.elapsed());
                    }
                }
                pause(&mut dice, 12).await;
            }
        }
        trial.kill(daemon).await;
        lives.sort();
        usual = lives.get(lives.len() / 2).copied().unwrap_or(usual);
    }
    println!(
        "{KILLS} kills in {:?}; to the first notification {usual:?} (median)",
        begun.elapsed()
    );

    wanted.close();
    publishing.await.unwrap();
    while let Ok(nvr) = published.try_recv() {
        trial.oracle.published(&nvr);
    }
    let calm = trial.desk.daemon().await;
    trial.ends_well(calm).await;
}

/// Lets a random number of milliseconds pass, mostly few.
async fn pause(dice: &mut Dice, most: u64) {
    let limit = 1 + dice.below(most);
    let moment = Duration::from_micros(dice.below(limit * 1000));
    timeout(moment, std::future::pending::<()>()).await.ok();
}
