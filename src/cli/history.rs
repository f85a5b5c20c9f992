//! `koji-notify history`: what has become of builds and tasks, and what was told of them, from the journal's file. It
//! does not matter whether the program runs.

mod csv;
mod since;

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tracing::warn;

use super::exit::Exit;
use super::say;
use crate::clock;
use crate::config::Places;
use crate::i18n::{fill, tr, tr_n};
use crate::journal::history::{Asked, Outcome, Past, PastTale};
use crate::journal::{self, history};
use crate::koji::{BuildState, Cause, Subject, TaskState};
use crate::view::history::{Told, cells, heading};
use crate::watch::{Standing, Trend, Whereabouts};
use since::Since;

#[derive(Debug, clap::Args)]
pub(super) struct History {
    /// Only builds of this package
    #[arg(long, value_name = "NAME")]
    package: Option<String>,

    /// Only of this instance, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,

    /// Only what is in this state, such as FAILED; may be given several times
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Vec<String>,

    /// Only what has changed since then: 2026-11-20, 2026-11-20T17:40, "3 days"
    #[arg(long, value_name = "WHEN", value_parser = since::since)]
    since: Option<Since>,

    /// Only what is mine
    #[arg(long)]
    mine: bool,

    /// No more than so many, the newest; 0: all
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u64,

    /// Print each as a line of JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print comma-separated values, for a spreadsheet
    #[arg(long)]
    csv: bool,

    /// Delete the history; what runs and what is still to be told stays
    #[arg(long, conflicts_with_all = ["package", "instance", "state", "since", "mine", "limit", "json", "csv"])]
    wipe: bool,

    /// Delete without asking
    #[arg(long, requires = "wipe")]
    yes: bool,
}

/// Somebody has to say yes.
#[derive(Debug, thiserror::Error)]
#[error("there is nobody to ask; `koji-notify history --wipe --yes` deletes it without asking")]
pub(super) struct NobodyToAsk;

impl History {
    pub(super) fn run(self, places: &Places) -> Result<Exit> {
        if self.wipe {
            return wipe(places, self.yes);
        }
        let zone = TimeZone::system();
        let asked = Asked {
            since: self.since.map(|it| it.before(clock::now(), &zone)),
            package: self.package,
            instance: self.instance,
            states: self.state.into_iter().collect(),
            mine: self.mine,
            limit: Some(self.limit).filter(|it| *it > 0),
        };
        let history = history::History::open(&places.state_folder())?;
        let each = |then: &mut dyn FnMut(Past) -> Result<()>| -> Result<()> {
            let Some(history) = &history else {
                return Ok(());
            };
            let skipped = history.each(&asked, then)?;
            if skipped > 0 {
                warn!(skipped, "a part of the history could not be understood");
            }
            Ok(())
        };
        if self.json {
            each(&mut |past| say(&json(&past).to_string()))?;
        } else if self.csv {
            say_csv(&csv::HEADING.map(str::to_owned))?;
            each(&mut |past| say_csv(&csv::row(&past)))?;
        } else {
            let mut pasts = Vec::new();
            each(&mut |past| {
                pasts.push((past.story.instance.clone(), cells(&past.story, told(&past), &zone)));
                Ok(())
            })?;
            say(&match &history {
                None => tr("There is no history yet"),
                Some(_) if pasts.is_empty() => tr("Nothing was found"),
                Some(_) => table(pasts),
            })?;
        }
        Ok(Exit::Done)
    }
}

/// Returns the newest word on whether it was told.
fn told(past: &Past) -> Option<Told> {
    let PastTale { outcome, at, .. } = past.tales.last()?;
    Some(match outcome {
        Outcome::Due => Told::NotYet,
        Outcome::Told => Told::At(*at),
        Outcome::Digest => Told::InSummary(*at),
        Outcome::Dropped => Told::Never,
    })
}

/// Returns lines with the cells below each other. Where there are several instances, what is built is told with its own.
pub(super) fn table(pasts: Vec<(crate::koji::InstanceName, [String; 6])>) -> String {
    let is_one = pasts.windows(2).all(|it| matches!(it, [(a, _), (b, _)] if a == b));
    let mut rows = vec![heading()];
    rows.extend(pasts.into_iter().map(|(instance, cells)| {
        let [when, what, state, took, why, told] = cells;
        let what = if is_one { what } else { format!("{instance}:{what}") };
        [when, what, state, took, why, told]
    }));
    let length = |it: &String| it.chars().count();
    let widths = [0, 1, 2, 3, 4, 5].map(|column| rows.iter().filter_map(|it| it.get(column).map(length)).max());
    let line = |row: [String; 6]| {
        let cells = row.into_iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("{cell:0$}", width.unwrap_or(0)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn say_csv(row: &[String]) -> Result<()> {
    // `say` ends the line.
    say(&format!("{}\r", csv::line(row)))
}

/// Returns all that is known as a JSON object; what is not known is `null`.
fn json(past: &Past) -> Value {
    let Past { story, states, tales } = past;
    let (build, task) = numbers(past);
    let nvr = named(past);
    let whereabouts = match &story.whereabouts {
        Whereabouts::Unknown => Value::Null,
        Whereabouts::Tagged => json!("tagged"),
        Whereabouts::NotTagged => json!("not-tagged"),
        Whereabouts::InRepo(tag) => json!({ "in-repo": tag }),
    };
    let state = |(standing, since): &(Standing, jiff::Timestamp)| {
        let kind = match standing {
            Standing::Build(_) => "build",
            Standing::Task(_) => "task",
        };
        json!({ "of": kind, "state": standing.name(), "since": since })
    };
    let tale = |it: &PastTale| {
        let ((what, tag), rule) = (it.what(), it.rule.as_str());
        json!({ "what": what, "tag": tag, "rule": rule, "outcome": it.outcome.name(), "at": it.at })
    };
    json!({
        "instance": story.instance.as_str(),
        "build": build,
        "task": task,
        "nvr": nvr,
        "package": story.package,
        "method": story.method,
        "owner": story.owner,
        "mine": story.mine,
        "target": story.target,
        "scratch": story.scratch,
        "state": story.standing.name(),
        "started": story.started,
        "ended": story.ended,
        "changed": story.changed,
        "seconds": story.duration().map(|it| it.as_secs()),
        "cause": story.cause.as_ref().map(cause),
        "trend": story.trend.map(trend),
        "whereabouts": whereabouts,
        "states": states.iter().map(state).collect::<Vec<_>>(),
        "tales": tales.iter().map(tale).collect::<Vec<_>>(),
    })
}

fn trend(trend: Trend) -> Value {
    let row = trend.row();
    let (failures, since) = (row.map(|it| it.failures), row.map(|it| it.since));
    json!({ "what": trend.name(), "failures": failures, "since": since })
}

fn cause(cause: &Cause) -> Value {
    json!({
        "class": cause.class.name(),
        "task": cause.task.map(|it| it.0),
        "method": cause.method,
        "arch": cause.arch,
        "fault": cause.fault,
        "log": cause.log.map(|(task, log)| json!({ "task": task.0, "file": log.file() })),
        "lines": cause.lines,
        "by": cause.by,
    })
}

/// Returns the numbers of the build and of the task that does it, as far as there are any.
fn numbers(past: &Past) -> (Option<u64>, Option<u64>) {
    let task = past.story.task.map(|it| it.0);
    match &past.story.subject {
        Subject::Build(it) => (Some(it.0), task),
        Subject::NamedBuild(_) => (None, task),
        Subject::Task(it) => (None, Some(it.0)),
    }
}

/// Returns name, version and release.
fn named(past: &Past) -> Option<String> {
    let named = match &past.story.subject {
        Subject::NamedBuild(nvr) => Some(nvr),
        Subject::Build(_) | Subject::Task(_) => None,
    };
    past.story.nvr.as_ref().or(named).map(ToString::to_string)
}

fn wipe(places: &Places, yes: bool) -> Result<Exit> {
    if !yes && !is_wanted()? {
        say(&tr("Nothing was deleted"))?;
        return Ok(Exit::Failed);
    }
    let Some(wiped) = journal::wipe(&places.state_folder())? else {
        say(&tr("There is no history yet"))?;
        return Ok(Exit::Done);
    };
    let number = wiped.stories as u64;
    let sentence = tr_n(
        "The history of {n} build or task is deleted",
        "The history of {n} builds and tasks is deleted",
        number,
    );
    say(&fill(&sentence, &[("n", &number.to_string())]))?;
    for file in wiped.aside {
        // Translators: {file} is the path of a file that holds a damaged history.
        let sentence = tr("Left alone: {file}, which was damaged and may hold more");
        say(&fill(&sentence, &[("file", &file.display().to_string())]))?;
    }
    Ok(Exit::Done)
}

/// Asks the person at the terminal.
fn is_wanted() -> Result<bool> {
    let mut input = std::io::stdin().lock();
    if !input.is_terminal() {
        return Err(NobodyToAsk.into());
    }
    let yes = tr("yes");
    // Translators: a question on the terminal; {yes} is what is to be typed, your word for "yes".
    let sentence = tr("Delete the whole history? Type {yes} to do it:");
    let mut out = std::io::stderr().lock();
    write!(out, "{} ", fill(&sentence, &[("yes", &yes)]))?;
    out.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer).context("the terminal cannot be read")?;
    Ok(is_yes(&answer, &yes))
}

/// In whatever language somebody answers, English is understood, too.
fn is_yes(answer: &str, yes: &str) -> bool {
    let answer = answer.trim().to_lowercase();
    answer == yes.to_lowercase() || answer == "yes"
}

/// Takes one of the hub's states, in whatever case.
fn state(text: &str) -> Result<String, String> {
    let name = text.to_ascii_uppercase();
    let is_known = BuildState::from_name(&name).is_some() || TaskState::from_name(&name).is_some();
    if is_known {
        Ok(name)
    } else {
        Err(
            "expected a state of Koji: BUILDING, COMPLETE, DELETED, FAILED, CANCELED, FREE, OPEN, CLOSED, ASSIGNED"
                .to_owned(),
        )
    }
}
