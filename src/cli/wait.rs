//! `koji-notify wait`: follows a build or task by the running program, and ends when it has ended.
//!
//! What the daemon says of it in signals is believed, but for what was said before the daemon has answered what is
//! meant: that may be older than the answer. If it was an ending, the daemon is asked again.

use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;
use jiff::SignedDuration;

use super::exit::{Exit, Gone, TimedOut, refused};
use super::follow::{json, line};
use super::{client, say};
use crate::clock;
use crate::desktop::client::{self, Changes, KojiNotifyProxy, Told};
use crate::koji::{BuildState, TaskState};

/// How many endings are remembered that were told before it was known what is meant.
const MAX_EARLY: usize = 1000;

#[derive(Debug, clap::Args)]
pub(super) struct Wait {
    /// A task's number, a build's name-version-release, or the address of the page of either
    what: String,

    /// Wait no longer than this: 90 (seconds), 10m, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,

    /// Print nothing; the exit code tells
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,

    /// Print each change as a line of JSON
    #[arg(long)]
    json: bool,
}

impl Wait {
    pub(super) async fn run(self) -> Result<Exit> {
        let limit = self.timeout;
        let too_long = async {
            match limit {
                Some(limit) => clock::pass(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            exit = self.wait() => exit,
            () = too_long => Err(TimedOut(limit.unwrap_or_default()).into()),
        }
    }

    async fn wait(self) -> Result<Exit> {
        let daemon = client().await?;
        // Listening comes first: what happens after the answer is heard.
        let mut changes = Changes::of(&daemon).await?;
        let mut followed = followed(&daemon, &self.what, &mut changes).await?;
        let mut told = None;
        let mut now = followed.clone();
        loop {
            self.tell(&now, &mut told)?;
            if let Some(exit) = outcome(&now.state) {
                return Ok(exit);
            }
            now = loop {
                let change = changes.next().await.ok_or(Gone)?;
                if is_about(&change, &followed) {
                    break change;
                }
            };
            // A task that has got a build goes on under the build's number.
            followed.build = followed.build.or(now.build);
            followed.task = followed.task.or(now.task);
        }
    }

    /// Prints how it stands, if that is not what was printed last.
    fn tell(&self, now: &Told, told: &mut Option<String>) -> Result<()> {
        let line = if self.json { json(now).to_string() } else { line(now) };
        if !self.quiet && told.as_ref() != Some(&line) {
            say(&line)?;
        }
        *told = Some(line);
        Ok(())
    }
}

/// Has the daemon follow what is meant, and returns it as it stands.
async fn followed(daemon: &KojiNotifyProxy<'_>, what: &str, changes: &mut Changes) -> Result<Told> {
    loop {
        let mut early = Vec::new();
        let mut answer = std::pin::pin!(client::follow(daemon, what));
        let told = loop {
            tokio::select! {
                told = &mut answer => break told.map_err(refused)?,
                // The signals are read all the time: an answer cannot pass those that nobody reads.
                change = changes.next() => note(&mut early, change.ok_or(Gone)?),
            }
        };
        // What came in the same moment may be older than the answer, too.
        while let Some(change) = changes.next().now_or_never() {
            note(&mut early, change.ok_or(Gone)?);
        }
        let is_sure = outcome(&told.state).is_some() || !early.iter().any(|it| is_about(it, &told));
        if is_sure {
            return Ok(told);
        }
    }
}

/// Remembers a change that is an ending.
fn note(early: &mut Vec<Told>, change: Told) {
    if early.len() < MAX_EARLY && outcome(&change.state).is_some() {
        early.push(change);
    }
}

/// Returns whether a change is one of what is followed.
fn is_about(change: &Told, followed: &Told) -> bool {
    let same = |a: Option<u64>, b: Option<u64>| a.is_some() && a == b;
    let is_nameless = followed.build.is_none() && followed.task.is_none();
    let is_it = same(change.build, followed.build)
        || same(change.task, followed.task)
        || (is_nameless && followed.nvr.is_some() && change.nvr == followed.nvr);
    change.instance == followed.instance && is_it
}

/// Returns how the program ends for a state, as the hub spells it; `None` for one that will change.
fn outcome(state: &str) -> Option<Exit> {
    if let Some(state) = BuildState::from_name(state) {
        return match state {
            BuildState::Building => None,
            BuildState::Complete => Some(Exit::Done),
            BuildState::Failed | BuildState::Deleted => Some(Exit::Failed),
            BuildState::Canceled => Some(Exit::Canceled),
        };
    }
    match TaskState::from_name(state)? {
        TaskState::Free | TaskState::Open | TaskState::Assigned => None,
        TaskState::Closed => Some(Exit::Done),
        TaskState::Failed => Some(Exit::Failed),
        TaskState::Canceled => Some(Exit::Canceled),
    }
}

/// Reads seconds, or what jiff takes for a duration: `10m`, `1h 30m`, `PT90S`.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(SignedDuration::from_secs);
    let duration = seconds.or_else(|| text.parse().ok());
    let duration = duration.and_then(|it: SignedDuration| Duration::try_from(it).ok());
    let duration = duration.filter(|it| !it.is_zero());
    duration.ok_or_else(|| "expected a time such as 90, 10m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn durations_are_seconds_or_have_units() {
        let read = |text: &str| duration(text).ok().map(|it| it.as_millis());
        assert_eq!(read("90"), Some(90_000));
        assert_eq!(read("10m"), Some(600_000));
        assert_eq!(read("1h30m"), Some(5_400_000));
        assert_eq!(read("1h 30m"), Some(5_400_000));
        assert_eq!(read("250ms"), Some(250));
        for wrong in ["", "0", "-5", "-5m", "soon", "5 parsecs", "99999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_state_of_the_hub_is_an_outcome_or_not() {
        for state in ["BUILDING", "FREE", "OPEN", "ASSIGNED", "SOMETHING NEW"] {
            assert_eq!(outcome(state), None, "{state}");
        }
        for state in ["COMPLETE", "CLOSED"] {
            assert_eq!(outcome(state), Some(Exit::Done), "{state}");
        }
        for state in ["FAILED", "DELETED"] {
            assert_eq!(outcome(state), Some(Exit::Failed), "{state}");
        }
        assert_eq!(outcome("CANCELED"), Some(Exit::Canceled));
    }

    #[test]
    fn a_change_is_known_by_its_numbers_and_by_its_name_only_without_them() {
        let told = |instance: &str, build, task, nvr: &str| Told {
            instance: instance.to_owned(),
            build,
            task,
            nvr: Some(nvr.to_owned()).filter(|it| !it.is_empty()),
            state: "OPEN".to_owned(),
            details: HashMap::new(),
        };
        let task = told("fedora", None, Some(4711), "bash-5.3-1");
        assert!(is_about(&told("fedora", Some(77), Some(4711), ""), &task));
        assert!(!is_about(&told("centos", None, Some(4711), ""), &task));
        assert!(!is_about(&told("fedora", None, None, "bash-5.3-1"), &task));
        assert!(!is_about(&told("fedora", Some(77), None, "bash-5.3-1"), &task));
        let build = told("fedora", Some(77), Some(4711), "");
        assert!(is_about(&told("fedora", Some(77), Some(4712), ""), &build));
        assert!(!is_about(&told("fedora", Some(78), Some(4713), ""), &build));
        let named = told("fedora", None, None, "old-1-1");
        assert!(is_about(&told("fedora", None, None, "old-1-1"), &named));
        assert!(!is_about(&told("fedora", None, None, ""), &named));
        assert!(!is_about(
            &told("fedora", None, None, ""),
            &told("fedora", None, None, "")
        ));
    }
}
