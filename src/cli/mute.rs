//! `koji-notify mute` and `koji-notify unmute`, asked over D-Bus.

use anyhow::{Result, bail};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned};

use super::client;
use super::exit::Exit;
use crate::clock;
use crate::watch::mute::LONGEST;

#[derive(Debug, clap::Args)]
pub(super) struct Mute {
    #[command(flatten)]
    what: What,

    /// Until a build of the package has finished; that is told
    #[arg(long, conflicts_with_all = ["length", "until", "tag", "task", "but_failures"])]
    until_fixed: bool,

    /// For so many minutes, hours, days or weeks: 30m, 2h, 3d, 1w
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until", value_parser = length)]
    length: Option<SignedDuration>,

    /// Until then, by the local clock: 09:00, 2026-12-01 or 2026-12-01T09:00
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Unmute {
    #[command(flatten)]
    what: What,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A package, whoever builds it
    package: Option<String>,

    /// That builds are moved into this tag or out of it
    #[arg(long)]
    tag: Option<String>,

    /// A task or build, until it has ended, its end included: its number, the name of the build, or the address of its
    /// page
    #[arg(long, value_name = "WHAT")]
    task: Option<String>,

    /// Everything but failures
    #[arg(long)]
    but_failures: bool,
}

/// A time that somebody has typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Moment {
    /// The next time that the clock shows this.
    Next(Time),
    /// The beginning of a day.
    Day(Date),
    At(DateTime),
}

impl Mute {
    pub(super) async fn run(self) -> Result<Exit> {
        let (kind, what) = self.what.kind();
        let now = clock::now();
        let end = match (self.length, self.until) {
            (Some(length), _) => Some(now.saturating_add(length)?),
            (None, Some(moment)) => Some(moment.after(&now.to_zoned(TimeZone::system()))?),
            (None, None) => None,
        };
        let (until, time) = match end {
            Some(end) if end <= now => bail!("that time is over"),
            Some(end) if end.duration_since(now) > LONGEST => bail!("that is more than a year away"),
            Some(end) => ("time", end.as_second()),
            None if self.until_fixed => ("fixed", 0),
            None if self.what.task.is_some() => ("ends", 0),
            None if self.what.but_failures => bail!("say until when: --until 09:00 or --for 2h"),
            None => ("undone", 0),
        };
        client().await?.mute_until(kind, what, until, time).await?;
        Ok(Exit::Done)
    }
}

impl Unmute {
    pub(super) async fn run(self) -> Result<Exit> {
        let (kind, what) = self.what.kind();
        client().await?.unmute_what(kind, what).await?;
        Ok(Exit::Done)
    }
}

impl What {
    /// Returns what it is, as our D-Bus interface says it.
    fn kind(&self) -> (&'static str, &str) {
        let given = [("package", &self.package), ("tag", &self.tag), ("build", &self.task)];
        let given = given
            .into_iter()
            .find_map(|(kind, what)| Some((kind, what.as_deref()?)));
        given.unwrap_or(("but-failures", ""))
    }
}

impl Moment {
    /// Returns when that is. A time that a jump of the clock leaves out is as much later.
    fn after(self, now: &Zoned) -> Result<Timestamp> {
        let at = |it: DateTime| it.to_zoned(now.time_zone().clone());
        let then = match self {
            Self::Next(time) => {
                let today = at(now.date().to_datetime(time))?;
                if today > *now {
                    today
                } else {
                    at(now.date().checked_add(1.day())?.to_datetime(time))?
                }
            }
            Self::Day(date) => at(date.to_datetime(Time::midnight()))?,
            Self::At(moment) => at(moment)?,
        };
        Ok(then.timestamp())
    }
}

/// Reads a length of time: a number, and what it counts.
fn length(text: &str) -> Result<SignedDuration, String> {
    let problem = || "expected a number and one of m, h, d and w, such as 30m or 2h".to_owned();
    let unit = text.chars().next_back().ok_or_else(problem)?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return Err(problem()),
    };
    let number = text.strip_suffix(unit).unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    let number: i64 = number
        .parse()
        .ok()
        .filter(|it| is_number && *it > 0)
        .ok_or_else(problem)?;
    let length = number.checked_mul(minutes).filter(|it| *it <= LONGEST.as_mins());
    let length = length.ok_or("expected at most a year, which is 366d")?;
    Ok(SignedDuration::from_mins(length))
}

/// Reads a time: of the day, a day, or both.
fn moment(text: &str) -> Result<Moment, String> {
    let time = |text: &str| Time::strptime("%H:%M", text).ok().filter(|_| text.len() == 5);
    let date = |text: &str| Date::strptime("%Y-%m-%d", text).ok().filter(|_| text.len() == 10);
    let both = || {
        let (day, hour) = text.split_once('T')?;
        Some(Moment::At(date(day)?.to_datetime(time(hour)?)))
    };
    let read = time(text).map(Moment::Next).or_else(|| date(text).map(Moment::Day));
    read.or_else(both)
        .ok_or_else(|| "expected a time such as 09:00, 2026-12-01 or 2026-12-01T09:00".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_number_and_its_unit() {
        let minutes = |text| length(text).map(|it| it.as_mins());
        assert_eq!(minutes("30m"), Ok(30));
        assert_eq!(minutes("2h"), Ok(120));
        assert_eq!(minutes("1d"), Ok(24 * 60));
        assert_eq!(minutes("1w"), Ok(7 * 24 * 60));
        assert_eq!(minutes("366d"), Ok(366 * 24 * 60));
        for text in [
            "",
            "m",
            "0m",
            "-1h",
            "+1h",
            "1.5h",
            "2",
            "2 h",
            "2hours",
            "2é",
            "99999999999999999999h",
        ] {
            let problem = length(text).unwrap_err();
            assert!(problem.starts_with("expected a number and one of"), "{text}: {problem}");
        }
        for text in ["367d", "9223372036854775807w"] {
            assert!(length(text).unwrap_err().contains("at most a year"), "{text}");
        }
    }

    #[test]
    fn a_moment_is_the_next_one_by_the_local_clock() {
        let now: Zoned = "2026-11-20T12:30[Europe/Prague]".parse().unwrap();
        let after = |text| {
            let after = moment(text).unwrap().after(&now).unwrap();
            after.to_zoned(now.time_zone().clone()).datetime().to_string()
        };
        assert_eq!(after("12:31"), "2026-11-20T12:31:00");
        assert_eq!(after("12:30"), "2026-11-21T12:30:00");
        assert_eq!(after("09:00"), "2026-11-21T09:00:00");
        assert_eq!(after("2026-12-01"), "2026-12-01T00:00:00");
        assert_eq!(after("2026-12-01T09:00"), "2026-12-01T09:00:00");
        // At half past two, the clock is put forward to half past three.
        let now: Zoned = "2026-03-28T12:00[Europe/Prague]".parse().unwrap();
        let jumped = moment("02:30").unwrap().after(&now).unwrap();
        assert_eq!(jumped, "2026-03-29T01:30:00Z".parse().unwrap());
        for text in [
            "9:00",
            "24:00",
            "12:60",
            "0900",
            "2026-12",
            "2026-13-01",
            "26-12-01",
            "2026-12-01 09:00",
            "tomorrow",
            "",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
