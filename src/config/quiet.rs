//! `[quiet]`: when nothing is to pop up.

use std::collections::BTreeSet;

use jiff::civil::Time;

use super::ConfigError;
use super::document::Document;
use super::file;
use crate::watch::QuietRules;
use crate::watch::quiet::{Day, Hours, MAX_HOURS};

/// Returns what is said of the quiet, checked.
pub(super) fn quiet(config: &Document, words: &file::Quiet) -> Result<QuietRules, ConfigError> {
    if words.hours.len() > MAX_HOURS {
        let problem = format!("`hours`: expected at most {MAX_HOURS} of them");
        return Err(config.wrong(&["quiet", "hours"], &problem));
    }
    let mut hours = Vec::new();
    for text in &words.hours {
        let wrong = || {
            let problem = "`hours`: expected times such as \"22:00-07:00\", from 00:00 to 24:00";
            config.wrong(&["quiet", "hours"], problem)
        };
        hours.push(hours_of(text).ok_or_else(wrong)?);
    }
    let mut days = BTreeSet::new();
    for name in &words.days {
        let wrong = || {
            let problem = "`days`: expected days such as \"monday\" or \"mon\"";
            config.wrong(&["quiet", "days"], problem)
        };
        days.insert(day(name).ok_or_else(wrong)?);
    }
    if days.is_empty() {
        days.extend(Day::ALL);
    }
    Ok(QuietRules {
        hours,
        days,
        failures_pass: words.failures_pass,
        do_not_disturb: words.do_not_disturb,
        presentation: words.presentation,
        locked: words.locked,
        idle: words.idle,
    })
}

fn hours_of(text: &str) -> Option<Hours> {
    let (from, until) = text.split_once('-')?;
    let from = time(from.trim())?;
    let until = match until.trim() {
        "24:00" => Time::midnight(),
        until => time(until)?,
    };
    Some(Hours { from, until })
}

/// Reads a time of the day: two digits, a colon, two digits.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |it: &str| -> Option<i8> {
        let is_plain = it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit());
        it.parse().ok().filter(|_| is_plain)
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

fn day(name: &str) -> Option<Day> {
    match name.to_ascii_lowercase().as_str() {
        "monday" | "mon" => Some(Day::Monday),
        "tuesday" | "tue" => Some(Day::Tuesday),
        "wednesday" | "wed" => Some(Day::Wednesday),
        "thursday" | "thu" => Some(Day::Thursday),
        "friday" | "fri" => Some(Day::Friday),
        "saturday" | "sat" => Some(Day::Saturday),
        "sunday" | "sun" => Some(Day::Sunday),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<QuietRules, String> {
        let text = format!("# a comment\n[quiet]\n{text}\n");
        let config = Document::parse(Path::new("x.toml"), text.into_bytes()).unwrap();
        let words: file::File = config.fill().map_err(|it| it.to_string())?;
        quiet(&config, &words.quiet).map_err(|it| it.to_string())
    }

    #[test]
    fn what_is_not_said_is_as_it_is_without_a_file() {
        assert_eq!(read(""), Ok(QuietRules::default()));
    }

    #[test]
    fn hours_and_days_are_read() {
        let read = read("hours = [\"22:00-07:00\", \"12:30 - 24:00\"]\ndays = ['Mon', 'sunday']\nidle = true").unwrap();
        let at = |hour, minute| Time::new(hour, minute, 0, 0).unwrap();
        let hours = |from, until| Hours { from, until };
        assert_eq!(read.hours, [hours(at(22, 0), at(7, 0)), hours(at(12, 30), at(0, 0))]);
        assert_eq!(read.days, BTreeSet::from([Day::Monday, Day::Sunday]));
        assert!(read.idle && read.locked && !read.failures_pass);
    }

    #[test]
    fn what_cannot_be_names_its_line() {
        for hours in [
            "22-07",
            "22:00",
            "9:00-10:00",
            "25:00-07:00",
            "24:00-07:00",
            "22:00-07:60",
            "+1:00-02:00",
            "",
        ] {
            let problem = read(&format!("idle = true\nhours = [\"{hours}\"]")).unwrap_err();
            assert!(
                problem.starts_with("x.toml:4:1: `hours`: expected times such as"),
                "{problem}"
            );
        }
        let problem = read("days = ['today']").unwrap_err();
        assert!(
            problem.starts_with("x.toml:3:1: `days`: expected days such as"),
            "{problem}"
        );
        let problem = read("locked = 'yes'").unwrap_err();
        assert!(problem.starts_with("x.toml:3:"), "{problem}");
        assert!(problem.contains("expected a boolean"), "{problem}");
        let many = vec!["'01:00-02:00'"; MAX_HOURS + 1].join(", ");
        assert!(read(&format!("hours = [{many}]")).unwrap_err().contains("at most 20"));
    }
}
