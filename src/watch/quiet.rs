//! Why nothing pops up just now.
//!
//! There may be several reasons at once: the person's own pause, a desktop that is not to disturb, a locked screen, the
//! hours of the night. As long as there is one, what would be told is held; when the last one goes, it is told: one
//! thing by itself, several as one digest. What is held stays due, so nothing is lost with us.
//!
//! It deliberately does not know who says that a screen is locked, nor how any of it is worded.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::state::Pause;
use super::{Effect, Tale, Watch};

/// How many stretches of quiet hours there can be.
pub const MAX_HOURS: usize = 20;

/// How long the desktop may take to say how it is before anything is told. It says so within some milliseconds.
const MOMENT: SignedDuration = SignedDuration::from_secs(2);

/// How long after hours that had no next beginning they are looked at again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Why nothing pops up. In the order in which they are named: what a person did first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// The person has paused us.
    Paused,
    /// The desktop is set not to disturb, or a program has told it so.
    DoNotDisturb,
    /// A presentation is being given.
    Presentation,
    /// The screen is locked.
    Locked,
    /// Nobody has touched keyboard or mouse for a while.
    Idle,
    /// These are quiet hours.
    Hours,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Paused,
        Self::DoNotDisturb,
        Self::Presentation,
        Self::Locked,
        Self::Idle,
        Self::Hours,
    ];

    /// Returns its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::DoNotDisturb => "do-not-disturb",
            Self::Presentation => "presentation",
            Self::Locked => "locked",
            Self::Idle => "idle",
            Self::Hours => "hours",
        }
    }
}

/// What is a reason to be quiet, and what is told all the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuietRules {
    /// At most [`MAX_HOURS`].
    pub hours: Vec<Hours>,
    /// The days on which quiet hours begin.
    pub days: BTreeSet<Day>,
    /// What goes wrong with a build of mine is told in quiet hours too.
    pub failures_pass: bool,
    pub do_not_disturb: bool,
    pub presentation: bool,
    pub locked: bool,
    pub idle: bool,
}

impl Default for QuietRules {
    /// Who is away from the keyboard may look at the screen all the same, and what failed waits there: that alone is no
    /// reason.
    fn default() -> Self {
        Self {
            hours: Vec::new(),
            days: Day::ALL.into(),
            failures_pass: false,
            do_not_disturb: true,
            presentation: true,
            locked: true,
            idle: false,
        }
    }
}

/// A stretch of the day, by the local clock. One that ends before it begins ends on the next day; one that ends when it
/// begins is a whole day.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Hours {
    pub from: Time,
    pub until: Time,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    pub(super) fn of(date: Date) -> Self {
        match date.weekday() {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

/// How it stands with the quiet.
#[derive(Clone, Debug, Default)]
pub(super) struct Quiet {
    pub(super) pause: Option<Pause>,
    /// What the world around has said.
    told: BTreeSet<Reason>,
    hours: Option<Stretch>,
    /// Until when the desktop may take to say how it is, for the first time.
    unsure_until: Option<Timestamp>,
    /// What was held when that was last looked at.
    was: Hush,
    /// The desktop had not said then how it is.
    was_unsure: bool,
}

/// What is held just now. Less before more.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Hush {
    #[default]
    Nothing,
    /// What goes wrong with a build of mine is told all the same.
    ButFailures,
    Everything,
}

/// A stretch of time in which quiet hours are in force, or are not.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    is_quiet: bool,
    from: Timestamp,
    /// `None`: for good.
    until: Option<Timestamp>,
}

impl Stretch {
    fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|it| now < it)
    }
}

impl QuietRules {
    fn takes(&self, reason: Reason) -> bool {
        match reason {
            Reason::Paused | Reason::Hours => true,
            Reason::DoNotDisturb => self.do_not_disturb,
            Reason::Presentation => self.presentation,
            Reason::Locked => self.locked,
            Reason::Idle => self.idle,
        }
    }

    fn has_hours(&self) -> bool {
        !self.hours.is_empty() && !self.days.is_empty()
    }

    /// Returns whether these are quiet hours, and when that changes, or is to be looked at again.
    ///
    /// A clock that is put forward over a beginning begins with it; over one that is put back, the first of two equal
    /// times is meant for a beginning and for an end (jiff's "compatible").
    fn stretch(&self, now: Timestamp, zone: &TimeZone) -> Stretch {
        let today = now.to_zoned(zone.clone()).date();
        // A stretch that began yesterday may last, and the next may begin in a week.
        let dates = (-2..=8).filter_map(|days: i64| today.checked_add(days.days()).ok());
        let begin_on = |date: Date| {
            let hours = self.hours.iter().filter(move |_| self.days.contains(&Day::of(date)));
            hours.filter_map(move |it| it.on(date, zone))
        };
        let mut spans: Vec<_> = dates.flat_map(begin_on).collect();
        spans.sort();
        let mut until = None;
        for (from, end) in &spans {
            // One goes on where another ends.
            if *from <= until.unwrap_or(now) && until.unwrap_or(now) < *end {
                until = Some(*end);
            }
        }
        let next = || spans.iter().map(|(from, _)| *from).find(|it| *it > now);
        // A jump of the clock may leave nothing of the only ones of a week.
        let again = || now.checked_add(LOOK_AGAIN).ok().filter(|_| self.has_hours());
        Stretch {
            is_quiet: until.is_some(),
            from: now,
            until: until.or_else(next).or_else(again),
        }
    }
}

impl Hours {
    /// Returns when the stretch that begins on a day begins and ends; nothing if a jump of the clock leaves none of it.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let end = if self.until > self.from {
            date
        } else {
            date.tomorrow().ok()?
        };
        let at = |date: Date, time: Time| Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
        let (from, until) = (at(date, self.from)?, at(end, self.until)?);
        (from < until).then_some((from, until))
    }
}

impl Watch {
    /// Returns why nothing pops up just now; nothing: it does.
    pub fn quiet(&self) -> BTreeSet<Reason> {
        let told = self.quiet.told.iter().copied();
        let paused = self.quiet.pause.map(|_| Reason::Paused);
        let hours = self.quiet.hours.filter(|it| it.is_quiet).map(|_| Reason::Hours);
        let told = told.filter(|it| self.rules.quiet.takes(*it));
        told.chain(paused).chain(hours).collect()
    }

    /// Returns when the quiet hours are over that are now; `None` where there are none, or they have no end.
    pub fn hours_until(&self) -> Option<Timestamp> {
        self.quiet.hours.filter(|it| it.is_quiet).and_then(|it| it.until)
    }

    /// Returns how many things are held until it is no longer quiet.
    pub fn held(&self) -> usize {
        let more = usize::try_from(self.missed.left_out).unwrap_or(usize::MAX);
        self.missed.tales.len().saturating_add(more)
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.hush() > Hush::Nothing
    }

    /// Returns whether this is to be held now.
    pub(super) fn is_held(&self, tale: &Tale) -> bool {
        match self.hush() {
            Hush::Nothing => false,
            Hush::ButFailures => !(tale.story.mine && tale.fate.is_bad()),
            Hush::Everything => true,
        }
    }

    /// Returns what is held now. Only quiet hours are a reason so weak that failures may pass.
    pub(super) fn hush(&self) -> Hush {
        let quiet = &self.quiet;
        let is_told = quiet.told.iter().any(|it| self.rules.quiet.takes(*it));
        if quiet.pause.is_some() || is_told || quiet.unsure_until.is_some() {
            Hush::Everything
        } else if !quiet.hours.is_some_and(|it| it.is_quiet) {
            Hush::Nothing
        } else if self.rules.quiet.failures_pass {
            Hush::ButFailures
        } else {
            Hush::Everything
        }
    }

    /// The world around has said that there is a reason, or that it is gone.
    pub(super) fn quiet_changed(&mut self, reason: Reason, is_there: bool) {
        match reason {
            // These are ours to know.
            Reason::Paused | Reason::Hours => {}
            Reason::DoNotDisturb | Reason::Presentation | Reason::Locked | Reason::Idle => {
                if is_there {
                    self.quiet.told.insert(reason);
                } else {
                    self.quiet.told.remove(&reason);
                }
            }
        }
    }

    /// The desktop is being asked how it is, and has a moment to say so: nobody is told anything before, as long as it
    /// does not take longer.
    pub(super) fn desktop_asked(&mut self, now: Timestamp) {
        self.quiet.unsure_until = Some(now.saturating_add(MOMENT).unwrap_or(now));
    }

    /// The desktop has said how it is.
    pub(super) fn desktop_answered(&mut self, now: Timestamp) {
        if let Some(until) = self.quiet.unsure_until.take()
            && self.away_until == Some(until)
        {
            self.away_until = Some(now);
        }
    }

    /// Returns until when it is not known whether it is quiet; `None`: it is known.
    pub(super) fn unsure_until(&self) -> Option<Timestamp> {
        self.quiet.unsure_until
    }

    /// The local clock is another one, and so are the hours.
    pub(super) fn zone_changed(&mut self, zone: TimeZone) {
        self.rules.zone = zone;
        self.forget_hours();
    }

    /// The rules are others: what they say of hours is to be found out anew.
    pub(super) fn forget_hours(&mut self) {
        self.quiet.hours = None;
    }

    /// Returns when a reason comes or goes by itself.
    pub(super) fn quiet_wakes_at(&self) -> Option<Timestamp> {
        let pause = self.quiet.pause.and_then(|it| it.until);
        let hours = self.quiet.hours.and_then(|it| it.until);
        pause.into_iter().chain(hours).chain(self.quiet.unsure_until).min()
    }

    /// Finds out whether it is quiet, and tells what was held when it is no longer, or when failures may pass again.
    pub(super) fn see_to_quiet(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.quiet.pause.and_then(|it| it.until).is_some_and(|it| it <= now) {
            self.end_pause();
        }
        let is_over = |until: Timestamp| until <= now || until.duration_since(now) > MOMENT;
        self.quiet.unsure_until = self.quiet.unsure_until.filter(|it| !is_over(*it));
        let has_hours = !self.rules.quiet.hours.is_empty();
        if !has_hours {
            self.quiet.hours = None;
        } else if self.quiet.hours.is_none_or(|it| !it.holds(now)) {
            self.quiet.hours = Some(self.rules.quiet.stretch(now, &self.rules.zone));
        }
        let hush = self.hush();
        let before = std::mem::replace(&mut self.quiet.was, hush);
        let was_unsure = std::mem::replace(&mut self.quiet.was_unsure, self.quiet.unsure_until.is_some());
        if hush < before {
            let is_as_it_came = was_unsure && hush == Hush::Nothing && self.missed.left_out == 0;
            self.tell_what_was_missed(now, is_as_it_came, effects);
        }
    }

    /// Tells what was held. What was held for a moment only, before it was known that it is not quiet, is told as if it
    /// came now.
    fn tell_what_was_missed(&mut self, now: Timestamp, is_as_it_came: bool, effects: &mut Vec<Effect>) {
        if self.server != Some(false) {
            self.show_waiting(effects);
        }
        let missed = std::mem::take(&mut self.missed);
        if !is_as_it_came {
            self.show_what_passes(missed, false, effects);
            return;
        }
        for tale in missed.tales {
            if let Some(tale) = self.pace.admit(now, tale) {
                self.show_one(tale, effects);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};
    use jiff::civil::DateTime;

    use super::*;

    /// Walks from change to change, and tells each by the local clock.
    fn check(hours: &[&str], days: &[Day], zone: &str, from: &str, changes: usize, expected: Expect) {
        let zone = TimeZone::get(zone).unwrap();
        let rules = QuietRules {
            hours: hours.iter().map(|it| hours_of(it)).collect(),
            days: days.iter().copied().collect(),
            ..QuietRules::default()
        };
        let mut now = from
            .parse::<DateTime>()
            .unwrap()
            .to_zoned(zone.clone())
            .unwrap()
            .timestamp();
        let mut told = String::new();
        for _ in 0..changes {
            let stretch = rules.stretch(now, &zone);
            assert!(stretch.holds(now));
            let local = now.to_zoned(zone.clone()).strftime("%a %m-%d %H:%M %Z");
            writeln!(told, "{local} {}", if stretch.is_quiet { "quiet" } else { "loud" }).unwrap();
            let Some(until) = stretch.until else {
                writeln!(told, "for good").unwrap();
                break;
            };
            assert!(until > now);
            now = until;
        }
        expected.assert_eq(&told);
    }

    fn hours_of(text: &str) -> Hours {
        let (from, until) = text.split_once('-').unwrap();
        let [from, until] = [from, until].map(|it| it.parse().unwrap());
        Hours { from, until }
    }

    #[test]
    fn a_night_goes_over_midnight() {
        check(
            &["22:00-07:00"],
            &Day::ALL,
            "Europe/Prague",
            "2026-11-20T12:00",
            5,
            expect![[r#"
                Fri 11-20 12:00 CET loud
                Fri 11-20 22:00 CET quiet
                Sat 11-21 07:00 CET loud
                Sat 11-21 22:00 CET quiet
                Sun 11-22 07:00 CET loud
            "#]],
        );
    }

    #[test]
    fn a_day_is_that_on_which_it_begins() {
        check(
            &["22:00-07:00"],
            &[Day::Friday],
            "UTC",
            "2026-11-21T03:00",
            4,
            expect![[r#"
                Sat 11-21 03:00 UTC quiet
                Sat 11-21 07:00 UTC loud
                Fri 11-27 22:00 UTC quiet
                Sat 11-28 07:00 UTC loud
            "#]],
        );
    }

    #[test]
    fn what_touches_is_one_stretch() {
        check(
            &["12:00-13:00", "20:00-23:30", "23:00-06:00", "06:00-07:00"],
            &Day::ALL,
            "UTC",
            "2026-11-20T12:30",
            4,
            expect![[r#"
                Fri 11-20 12:30 UTC quiet
                Fri 11-20 13:00 UTC loud
                Fri 11-20 20:00 UTC quiet
                Sat 11-21 07:00 UTC loud
            "#]],
        );
    }

    #[test]
    fn whole_days_are_a_weekend_and_a_whole_week_is_looked_at_again() {
        check(
            &["00:00-00:00"],
            &[Day::Saturday, Day::Sunday],
            "America/New_York",
            "2026-11-20T12:00",
            3,
            expect![[r#"
                Fri 11-20 12:00 EST loud
                Sat 11-21 00:00 EST quiet
                Mon 11-23 00:00 EST loud
            "#]],
        );
        check(
            &["08:00-08:00"],
            &Day::ALL,
            "UTC",
            "2026-11-20T12:00",
            2,
            expect![[r#"
                Fri 11-20 12:00 UTC quiet
                Sun 11-29 08:00 UTC quiet
            "#]],
        );
        check(
            &[],
            &Day::ALL,
            "UTC",
            "2026-11-20T12:00",
            2,
            expect![[r#"
                Fri 11-20 12:00 UTC loud
                for good
            "#]],
        );
    }

    #[test]
    fn a_clock_that_is_put_forward_or_back_loses_no_end() {
        // In March 2026 there is no 02:30 on the 29th; in October there are two on the 25th.
        check(
            &["02:30-06:00"],
            &Day::ALL,
            "Europe/Prague",
            "2026-03-28T12:00",
            3,
            expect![[r#"
                Sat 03-28 12:00 CET loud
                Sun 03-29 03:30 CEST quiet
                Sun 03-29 06:00 CEST loud
            "#]],
        );
        check(
            &["22:00-02:30"],
            &Day::ALL,
            "Europe/Prague",
            "2026-10-24T12:00",
            4,
            expect![[r#"
                Sat 10-24 12:00 CEST loud
                Sat 10-24 22:00 CEST quiet
                Sun 10-25 02:30 CEST loud
                Sun 10-25 22:00 CET quiet
            "#]],
        );
        // All of it is jumped over.
        check(
            &["02:00-03:00"],
            &[Day::Sunday],
            "Europe/Prague",
            "2026-03-28T12:00",
            2,
            expect![[r#"
                Sat 03-28 12:00 CET loud
                Sun 04-05 02:00 CEST quiet
            "#]],
        );
        check(
            &["02:30-03:00"],
            &[Day::Sunday],
            "Europe/Prague",
            "2026-03-23T12:00",
            3,
            expect![[r#"
                Mon 03-23 12:00 CET loud
                Mon 03-30 13:00 CEST loud
                Sun 04-05 02:30 CEST quiet
            "#]],
        );
        // Hours without a day never come.
        check(
            &["22:00-07:00"],
            &[],
            "UTC",
            "2026-11-20T12:00",
            2,
            expect![[r#"
                Fri 11-20 12:00 UTC loud
                for good
            "#]],
        );
    }
}
