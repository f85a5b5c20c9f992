//! A clock that is set while the daemon runs.

use jiff::SignedDuration;

use super::trial::Trial;
use crate::rabbit::Rabbit;

/// Less than the certificates of the tests are good for.
const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn a_clock_that_is_set_by_a_day_either_way_costs_nothing() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    let daemon = trial.desk.daemon().await;
    trial.builds_end(2).await;
    for days in [1, -1, -1, 1] {
        trial.passes(DAY * days).await;
        trial.builds_end(1).await;
    }
    trial.all_is_told().await;
    // With more than pops up at once: what is held comes, whichever way the clock goes.
    for days in [-1, 1] {
        trial.builds_end(8).await;
        trial.desk.all_is_acknowledged().await;
        trial.passes(DAY * days).await;
        trial.all_is_told().await;
    }
    trial.ends_well(daemon).await;
}

#[tokio::test]
async fn a_clock_that_was_set_between_two_lives_costs_nothing() {
    let mut trial = Trial::new(Rabbit::shared().await).await;
    for hours in [-30, 7] {
        let daemon = trial.desk.daemon().await;
        trial.builds_end(7).await;
        trial.desk.all_is_acknowledged().await;
        trial.kill(daemon).await;
        trial.clock.put_forward(SignedDuration::from_hours(hours));
    }
    let daemon = trial.desk.daemon().await;
    trial.ends_well(daemon).await;
}
