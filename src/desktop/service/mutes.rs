//! What is muted, as it is said on the bus.

use std::collections::HashMap;

use jiff::Timestamp;
use zbus::fdo;
use zbus::zvariant::Value;

use super::door::package_name;
use crate::koji::{Known, Subject};
use crate::view::MuteStatus;
use crate::watch::mute::LONGEST;
use crate::watch::{Lookup, MuteFor, Muting, PauseFor};

/// Returns what is meant.
pub(super) fn muting(kind: &str, what: String, known: &Known) -> fdo::Result<Muting> {
    let refused = |problem: &str| fdo::Error::InvalidArgs(problem.to_owned());
    match kind {
        "package" => package_name(what).map(Muting::Package),
        "tag" => package_name(what)
            .map(Muting::Tag)
            .map_err(|_| refused("a tag's name is one word of at most 256 bytes")),
        "build" => {
            let (instance, lookup) = known
                .meant(&what)
                .map_err(|it| fdo::Error::InvalidArgs(it.to_string()))?;
            let subject = match lookup {
                Lookup::Task(task) => Subject::Task(task),
                Lookup::Build(build) => Subject::Build(build),
                Lookup::Nvr(nvr) => Subject::NamedBuild(nvr),
            };
            Ok(Muting::Subject(instance, subject))
        }
        "but-failures" if what.is_empty() => Ok(Muting::ButFailures),
        "but-failures" => Err(refused("but-failures is about nothing in particular")),
        _ => Err(refused("what is muted is one of: package, tag, build, but-failures")),
    }
}

/// Returns when it is to be over, if that goes with what is muted.
pub(super) fn until(muting: &Muting, word: &str, time: i64, now: Timestamp) -> fdo::Result<MuteFor> {
    let refused = |problem: &str| Err(fdo::Error::InvalidArgs(problem.to_owned()));
    if word != "time" && time != 0 {
        return refused("the time is 0 unless it is the end");
    }
    match word {
        "time" => {
            let latest = now.saturating_add(LONGEST).unwrap_or(now);
            match Timestamp::from_second(time) {
                Ok(at) if at > now && at <= latest => Ok(MuteFor::At(at)),
                Ok(_) | Err(_) => refused("the time is in the future, and at most a year away"),
            }
        }
        "fixed" if matches!(muting, Muting::Package(_)) => Ok(MuteFor::Fixed),
        "fixed" => refused("only a package can be muted until it is fixed"),
        "ends" if matches!(muting, Muting::Subject(..)) => Ok(MuteFor::Ends),
        "ends" => refused("only a build or task can be muted until it ends"),
        "undone" if *muting == Muting::ButFailures => refused("all but failures can only be muted until a time"),
        "undone" => Ok(MuteFor::Lasting(PauseFor::UntilResumed)),
        _ => refused("a mute is over by one of: time, fixed, ends, undone"),
    }
}

/// Returns what is muted, as it is sent.
pub(super) fn told(mute: &MuteStatus) -> HashMap<&'static str, Value<'static>> {
    let MuteStatus {
        kind,
        what,
        instance,
        until,
        time,
    } = mute.clone();
    HashMap::from([
        ("kind", kind.into()),
        ("what", what.into()),
        ("instance", instance.into()),
        ("until", until.into()),
        ("time", time.into()),
    ])
}
