//! How things stand, for a bar of the desktop: one line for Waybar, or for what speaks the i3bar protocol.
//!
//! What these programs read is in waybar-custom(5), in the i3bar protocol, and in the manual of i3status-rust's custom
//! block. It is made of what the running program tells on D-Bus, and knows no `Watch`.

use jiff::Timestamp;
use serde::Serialize;

use super::facts::{Build, Fact};
use super::{Status, text};
use crate::i18n::{fill, tr};

/// How many builds of a kind a tooltip lists.
const MAX_LISTED: usize = 10;

/// What calls for somebody, and what is of no use now, in i3bar.
const RED: &str = "#e01b24";
const GREY: &str = "#77767b";

/// All that a bar is made of.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub status: &'a Status,
    pub running: &'a [Build],
    pub recent: &'a [Build],
    /// The program runs.
    pub is_there: bool,
}

/// What Waybar reads with `"return-type": "json"`. Text and tooltip are Pango markup.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Waybar {
    /// A number, or nothing.
    pub text: String,
    /// The state, which chooses the icon.
    pub alt: String,
    pub tooltip: String,
    pub class: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<u8>,
}

/// What i3bar reads of one block, by way of i3blocks (`format=json`); and what i3status-rust's block `custom` reads
/// (`json = true`), which leaves out what is not its own.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct I3 {
    pub full_text: String,
    /// A number, where there is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub short_text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<&'static str>,
    pub urgent: bool,
    /// For i3status-rust: the full text as Pango markup.
    pub text: String,
    /// For i3status-rust: `Idle`, `Info`, `Warning` or `Critical`.
    pub state: &'static str,
}

/// Returns how things stand where the program does not run.
pub fn absent() -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        state: "offline".to_owned(),
        summary: tr("koji-notify is not running"),
        ..Status::default()
    }
}

/// Returns the line for Waybar.
pub fn waybar(seen: Seen<'_>, now: Timestamp) -> Waybar {
    let signs = [
        ("not-running", !seen.is_there),
        ("busy", seen.status.running > 0),
        ("attention", seen.unseen().next().is_some()),
    ];
    let state = match &*seen.status.state {
        "idle" => "idle",
        "building" => "building",
        "failed" => "failed",
        "paused" => "paused",
        _ => "offline",
    };
    let signs = signs.into_iter().filter(|(_, it)| *it).map(|(name, _)| name);
    Waybar {
        text: seen.number(),
        alt: state.to_owned(),
        tooltip: markup(&seen.lines().join("\n")),
        class: std::iter::once(state).chain(signs).collect(),
        percentage: seen.percentage(now),
    }
}

/// Returns the block for i3bar.
pub fn i3(seen: Seen<'_>) -> I3 {
    let full = text::clean(&seen.status.summary, text::MAX_LINE);
    let (color, state) = match &*seen.status.state {
        "idle" => (None, "Idle"),
        "building" => (None, "Info"),
        "failed" => (Some(RED), "Critical"),
        "paused" => (Some(GREY), "Idle"),
        _ => (Some(GREY), "Warning"),
    };
    I3 {
        text: markup(&full),
        full_text: full,
        short_text: seen.number(),
        color,
        urgent: seen.status.state == "failed",
        state,
    }
}

impl<'a> Seen<'a> {
    /// Returns the failures that nobody has looked at yet.
    fn unseen(&self) -> impl Iterator<Item = &'a Build> {
        let is_unseen = |it: &&Build| it.get("unseen") == Some(&Fact::Truth(true));
        self.recent.iter().filter(is_unseen)
    }

    /// Returns how many failed, else how many run; nothing for none.
    fn number(&self) -> String {
        match (self.unseen().count(), self.status.running) {
            (0, 0) => String::new(),
            (0, running) => running.to_string(),
            (failed, _) => failed.to_string(),
        }
    }

    /// Returns how things stand, and each thing that runs, has failed or is down, a line each.
    fn lines(&self) -> Vec<String> {
        let says = |build: &Build, names: [&str; 2]| {
            let said = names.iter().find_map(|it| told(build, it))?;
            Some(text::clean(said, text::MAX_LINE))
        };
        let mut lines = vec![text::clean(&self.status.summary, text::MAX_LINE)];
        let running = self.running.iter().filter_map(|it| says(it, ["progress", "text"]));
        lines.extend(running.take(MAX_LISTED));
        for build in self.unseen().take(MAX_LISTED) {
            lines.extend(says(build, ["text", "nvr"]));
            let reason = told(build, "reason").map(|it| format!("    {}", text::clean(it, text::MAX_LINE)));
            lines.extend(reason);
        }
        for instance in self.status.instances.iter().filter(|it| it.link != "up") {
            // Translators: one Koji instance: "fedora: The hub has not answered yet".
            let sentence = tr("{instance}: {text}");
            let values = [("instance", &*instance.name), ("text", &instance.text)];
            lines.push(text::clean(&fill(&sentence, &values), text::MAX_LINE));
        }
        lines
    }

    /// Returns how far all that runs is, going by what ends last; `None` where nobody knows.
    fn percentage(&self, now: Timestamp) -> Option<u8> {
        let ends = self.running.iter().filter_map(|it| Some((time(it, "expected")?, it)));
        let (end, build) = ends.max_by_key(|(end, _)| *end)?;
        let start = time(build, "started")?;
        let (took, whole) = (now.as_second().saturating_sub(start), end.saturating_sub(start));
        if whole <= 0 {
            return None;
        }
        // It is not done as long as it runs.
        u8::try_from(took.saturating_mul(100).saturating_div(whole).clamp(0, 99)).ok()
    }
}

fn told<'a>(build: &'a Build, name: &str) -> Option<&'a str> {
    match build.get(name)? {
        Fact::Text(it) => Some(it),
        Fact::Texts(_) | Fact::Truth(_) | Fact::Number(_) | Fact::Time(_) => None,
    }
}

fn time(build: &Build, name: &str) -> Option<i64> {
    match build.get(name)? {
        Fact::Time(it) => Some(*it),
        Fact::Text(_) | Fact::Texts(_) | Fact::Truth(_) | Fact::Number(_) => None,
    }
}

/// Returns text as Pango markup that shows it as it is.
fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&quot;"),
            it => escaped.push(it),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn build(facts: &[(&str, Fact)]) -> Build {
        facts
            .iter()
            .map(|(name, it)| ((*name).to_owned(), it.clone()))
            .collect()
    }

    fn text(it: &str) -> Fact {
        Fact::Text(it.to_owned())
    }

    fn lines(state: &str, summary: &str, running: &[Build], recent: &[Build]) -> String {
        let status = Status {
            state: state.to_owned(),
            summary: summary.to_owned(),
            running: u32::try_from(running.len()).unwrap(),
            ..absent()
        };
        let seen = Seen {
            status: &status,
            running,
            recent,
            is_there: true,
        };
        let now = Timestamp::from_second(1_000_300).unwrap();
        let lines = [
            serde_json::to_string(&waybar(seen, now)),
            serde_json::to_string(&i3(seen)),
        ];
        lines.map(|it| it.unwrap() + "\n").concat()
    }

    fn check(actual: String, expected: Expect) {
        expected.assert_eq(&actual);
    }

    #[test]
    fn each_state_has_its_line() {
        check(
            lines("idle", "No build is running", &[], &[]),
            expect![[r#"
            {"text":"","alt":"idle","tooltip":"No build is running","class":["idle"]}
            {"full_text":"No build is running","urgent":false,"text":"No build is running","state":"Idle"}
        "#]],
        );
        check(
            lines("paused", "Notifications are paused", &[], &[]),
            expect![[r##"
            {"text":"","alt":"paused","tooltip":"Notifications are paused","class":["paused"]}
            {"full_text":"Notifications are paused","color":"#77767b","urgent":false,"text":"Notifications are paused","state":"Idle"}
        "##]],
        );
        let nobody = Seen {
            status: &absent(),
            running: &[],
            recent: &[],
            is_there: false,
        };
        check(
            serde_json::to_string(&waybar(nobody, Timestamp::UNIX_EPOCH)).unwrap(),
            expect![[
                r#"{"text":"","alt":"offline","tooltip":"koji-notify is not running","class":["offline","not-running"]}"#
            ]],
        );
    }

    #[test]
    fn what_runs_is_counted_and_how_far_it_is_goes_by_the_last() {
        let runs = |what, expected: Option<i64>| {
            let mut build = build(&[("progress", text(what)), ("started", Fact::Time(1_000_000))]);
            build.extend(expected.map(|it| ("expected".to_owned(), Fact::Time(it))));
            build
        };
        check(
            lines(
                "building",
                "3 builds are running",
                &[
                    runs("bash, 5 min", Some(1_000_400)),
                    runs("kernel, 5 min", Some(1_001_000)),
                    runs("zsh", None),
                ],
                &[],
            ),
            expect![[r#"
                {"text":"3","alt":"building","tooltip":"3 builds are running\nbash, 5 min\nkernel, 5 min\nzsh","class":["building","busy"],"percentage":30}
                {"full_text":"3 builds are running","short_text":"3","urgent":false,"text":"3 builds are running","state":"Info"}
            "#]],
        );
        let over = lines("building", "1 build is running", &[runs("bash", Some(1_000_200))], &[]);
        assert!(over.contains(r#""percentage":99"#), "{over}");
        let senseless = lines("building", "1 build is running", &[runs("bash", Some(1_000_000))], &[]);
        assert!(!senseless.contains("percentage"), "{senseless}");
    }

    #[test]
    fn what_strangers_write_is_text_and_no_markup() {
        let hostile = build(&[
            ("text", text("<b>&\"'\u{202e}\n failed")),
            ("reason", text("<span>")),
            ("unseen", Fact::Truth(true)),
        ]);
        let seen = build(&[("text", text("old")), ("unseen", Fact::Truth(false))]);
        check(
            lines("failed", "<i>1 & build failed", &[], &[hostile, seen]),
            expect![[r##"
                {"text":"1","alt":"failed","tooltip":"&lt;i&gt;1 &amp; build failed\n&lt;b&gt;&amp;&quot;&#39; failed\n    &lt;span&gt;","class":["failed","attention"]}
                {"full_text":"<i>1 & build failed","short_text":"1","color":"#e01b24","urgent":true,"text":"&lt;i&gt;1 &amp; build failed","state":"Critical"}
            "##]],
        );
    }
}
