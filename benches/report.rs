//! The figures: as a table for people, as JSON for programs.

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Extent;

/// What a run has come to.
pub(crate) struct Report {
    rows: Vec<Row>,
    about: Map<String, Value>,
}

struct Row {
    what: String,
    unit: &'static str,
    floor: Option<f64>,
    ours: f64,
    ratio: Option<f64>,
    goal: Goal,
}

/// What is hoped for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    None,
    AtMost(f64),
    AtMostTimesTheFloor(f64),
    AtLeastTimesTheFloor(f64),
}

impl Report {
    /// Begins with what the machine is, and how busy.
    pub(crate) fn begin(extent: &Extent) -> Self {
        let mut about = Map::new();
        let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = model.lines().find_map(|it| it.strip_prefix("model name"));
        let model = model.map(|it| it.trim_start_matches([' ', '\t', ':']).to_owned());
        about.insert("processor".to_owned(), json!(model));
        let count = std::thread::available_parallelism().map_or(0, usize::from);
        about.insert("processors".to_owned(), json!(count));
        about.insert("load at the start".to_owned(), json!(load()));
        about.insert("extent".to_owned(), json!(format!("{extent:?}")));
        Self {
            rows: Vec::new(),
            about,
        }
    }

    pub(crate) fn end(&mut self) {
        self.about.insert("load at the end".to_owned(), json!(load()));
    }

    pub(crate) fn row(&mut self, what: &str, unit: &'static str, floor: Option<f64>, ours: f64, goal: Goal) {
        let ratio = floor.map(|it| ours / it);
        self.row_with_ratio(what, unit, floor, ours, ratio, goal);
    }

    pub(crate) fn row_with_ratio(
        &mut self,
        what: &str,
        unit: &'static str,
        floor: Option<f64>,
        ours: f64,
        ratio: Option<f64>,
        goal: Goal,
    ) {
        let row = Row {
            what: what.to_owned(),
            unit,
            floor,
            ours,
            ratio,
            goal,
        };
        eprintln!("bench:   {}", row.cells().join("  "));
        self.rows.push(row);
    }

    /// Keeps something that is not for the table.
    pub(crate) fn note(&mut self, course: &str, what: &Value) {
        self.about.insert(course.to_owned(), what.clone());
    }

    /// Writes `target/bench/figures.json`.
    pub(crate) fn write(&self) {
        let rows = self.rows.iter().map(|row| {
            json!({
                "what": row.what, "unit": row.unit, "floor": row.floor, "koji-notify": row.ours, "ratio": row.ratio,
                "goal": row.goal_in_words(), "met": row.is_met(),
            })
        });
        let all = json!({"about": self.about, "figures": rows.collect::<Vec<_>>()});
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("bench");
        fs::create_dir_all(&folder).unwrap();
        let text = serde_json::to_string_pretty(&all).unwrap() + "\n";
        fs::write(folder.join("figures.json"), text).unwrap();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["", "floor", "koji-notify", "ratio", "goal", ""].map(str::to_owned);
        let rows: Vec<[String; 6]> = self.rows.iter().map(Row::cells).collect();
        let width = |n: usize| {
            let cells = rows.iter().chain([&head]).map(|it| it[n].chars().count());
            cells.max().unwrap_or(0)
        };
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String; 6]| {
            let padded = cells.iter().enumerate().map(|(n, it)| {
                let room = " ".repeat(width(n) - it.chars().count());
                // Numbers stand to the right.
                if (1..4).contains(&n) {
                    room + it
                } else {
                    it.clone() + &room
                }
            });
            writeln!(f, "| {} |", padded.collect::<Vec<_>>().join(" | "))
        };
        line(f, &head)?;
        let rule: Vec<String> = (0..6)
            .map(|n| "-".repeat(width(n) + 1) + if (1..4).contains(&n) { ":" } else { "-" })
            .collect();
        writeln!(f, "|{}|", rule.join("|"))?;
        for row in &rows {
            line(f, row)?;
        }
        for (what, value) in &self.about {
            writeln!(f, "{what}: {value}")?;
        }
        Ok(())
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let what = if self.unit.is_empty() {
            self.what.clone()
        } else {
            format!("{}, {}", self.what, self.unit)
        };
        [
            what,
            self.floor.map_or_else(String::new, number),
            number(self.ours),
            self.ratio.map_or_else(String::new, number),
            self.goal_in_words(),
            self.is_met()
                .map_or("", |it| if it { "met" } else { "missed" })
                .to_owned(),
        ]
    }

    fn goal_in_words(&self) -> String {
        match self.goal {
            Goal::None => String::new(),
            Goal::AtMost(most) => format!("at most {}", number(most)),
            Goal::AtMostTimesTheFloor(most) => format!("ratio at most {most}"),
            Goal::AtLeastTimesTheFloor(least) => format!("ratio at least {least}"),
        }
    }

    fn is_met(&self) -> Option<bool> {
        match self.goal {
            Goal::None => None,
            Goal::AtMost(most) => Some(self.ours <= most),
            Goal::AtMostTimesTheFloor(most) => self.ratio.map(|it| it <= most),
            Goal::AtLeastTimesTheFloor(least) => self.ratio.map(|it| it >= least),
        }
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Returns the value that this part of them does not exceed: 0 is the least, 1 the greatest.
pub(crate) fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * at).round() as usize]
}

/// Three digits that count.
fn number(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
