//! The settings as plain values: what can be switched, what is set for each instance, and what the doctor says to it.
//!
//! The doctor is `koji-notify check`, which knows how to look; what it finds is put beside the setting that it is
//! about. What can be changed here is changed by `config::edit`, which leaves everything else in the file as it was
//! written; the rest is shown, and changed in the file itself.

use std::ffi::OsString;
use std::iter;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use koji_notify::config::{self, Identity, Instance, Places};
use koji_notify::i18n::{fill, tr};
use koji_notify::koji::InstanceName;
use koji_notify::view::menu;
use koji_notify::watch::quiet::{Day, Hours};
use koji_notify::watch::{QuietRules, Toggle, Wanted};
use serde::Deserialize;

/// All settings that are shown.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) switches: Vec<Switch>,
    pub(crate) groups: Vec<Group>,
    /// What is wrong with the file; then nothing else is known.
    pub(crate) trouble: Option<String>,
}

/// Something that is on or off.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Switch {
    pub(crate) toggle: Toggle,
    pub(crate) label: String,
    pub(crate) on: bool,
}

/// The settings of an instance.
#[derive(Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) fields: Vec<Field>,
}

/// A setting.
#[derive(Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: String,
    /// What the doctor calls what it looks at here.
    topics: Vec<String>,
}

/// What the doctor says.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Finding {
    what: String,
    pub(crate) state: State,
    pub(crate) text: String,
    pub(crate) advice: Option<String>,
}

/// How something is, the worst last.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Good,
    Note,
    Bad,
}

impl Page {
    /// Reads the settings. May take a while: it may ask `klist` who I am.
    pub(crate) fn read(places: &Places) -> Self {
        let settings = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(anyhow::Error::from)
            .and_then(|runtime| {
                let settings = runtime.block_on(config::load(places));
                runtime.shutdown_background();
                Ok(settings?)
            });
        match settings {
            Ok(settings) => Self {
                switches: switches(&settings.wanted),
                groups: {
                    let instances = settings.instances.iter().map(|(name, it)| group(name, it));
                    iter::once(quiet(&settings.quiet)).chain(instances).collect()
                },
                trouble: None,
            },
            Err(error) => Self {
                trouble: Some(format!("{error:#}")),
                ..Self::default()
            },
        }
    }

    /// Returns what the doctor says that is about none of the settings, with what it is about.
    pub(crate) fn rest<'a>(&self, findings: &'a [Finding]) -> Vec<(String, &'a Finding)> {
        let fields = || self.groups.iter().flat_map(|it| &it.fields);
        let is_rest = |it: &&Finding| !fields().any(|field| field.topics.contains(&it.what));
        findings
            .iter()
            .filter(is_rest)
            .map(|it| (topic(&it.what), it))
            .collect()
    }
}

impl Field {
    fn new(name: String, value: String, instance: &InstanceName, topics: &[&str]) -> Self {
        Self {
            name,
            value,
            topics: topics.iter().map(|it| format!("{instance}: {it}")).collect(),
        }
    }

    /// Returns what the doctor says of it.
    pub(crate) fn findings<'a>(&self, findings: &'a [Finding]) -> Vec<&'a Finding> {
        findings.iter().filter(|it| self.topics.contains(&it.what)).collect()
    }
}

/// Returns the doctor's words, from what it printed.
pub(crate) fn findings(printed: &str) -> Result<Vec<Finding>> {
    serde_json::from_str(printed).context("what koji-notify check printed cannot be read")
}

/// Returns the command that asks the doctor: the program beside ours, or the one in the search path.
pub(crate) fn doctor(places: &Places) -> Vec<OsString> {
    let ours = std::env::current_exe().ok();
    let beside = ours.as_deref().and_then(|it| Some(it.parent()?.join("koji-notify")));
    let program = beside
        .filter(|it| it.is_file())
        .unwrap_or_else(|| PathBuf::from("koji-notify"));
    let mut words = vec![program.into_os_string()];
    if let Some(file) = &places.file {
        words.extend(["--config".into(), file.clone().into_os_string()]);
    }
    words.extend(["check".into(), "--json".into()]);
    words
}

fn switches(wanted: &Wanted) -> Vec<Switch> {
    let switch = |toggle| Switch {
        toggle,
        label: menu::label(toggle),
        on: wanted.is_on(toggle),
    };
    Toggle::ALL.into_iter().map(switch).collect()
}

/// Returns when nothing pops up.
fn quiet(rules: &QuietRules) -> Group {
    let field = |name, value| Field {
        name,
        value,
        topics: Vec::new(),
    };
    let list = |names: Vec<String>| if names.is_empty() { tr("none") } else { names.join(", ") };
    let hours = |it: &Hours| format!("{}–{}", it.from.strftime("%H:%M"), it.until.strftime("%H:%M"));
    // Translators: when no notification pops up: a list such as "Do Not Disturb is on, the screen is locked".
    let reasons = [
        (rules.do_not_disturb, tr("Do Not Disturb is on")),
        (rules.presentation, tr("a presentation is given")),
        (rules.locked, tr("the screen is locked")),
        (rules.idle, tr("nobody is at the computer")),
    ];
    let reasons = reasons.into_iter().filter(|(is_on, _)| *is_on).map(|(_, it)| it);
    let mut fields = vec![
        field(tr("Nothing pops up while"), list(reasons.collect())),
        field(tr("Quiet hours"), list(rules.hours.iter().map(hours).collect())),
    ];
    if !rules.hours.is_empty() {
        if rules.days.len() < Day::ALL.len() {
            fields.push(field(tr("Days"), list(rules.days.iter().map(|it| day(*it)).collect())));
        }
        let failures = if rules.failures_pass {
            tr("told at once")
        } else {
            tr("told afterwards")
        };
        fields.push(field(tr("Failures in quiet hours"), failures));
    }
    Group {
        // Translators: the heading of the settings that say when no notification pops up.
        title: tr("Quiet"),
        fields,
    }
}

fn day(day: Day) -> String {
    match day {
        Day::Monday => tr("Monday"),
        Day::Tuesday => tr("Tuesday"),
        Day::Wednesday => tr("Wednesday"),
        Day::Thursday => tr("Thursday"),
        Day::Friday => tr("Friday"),
        Day::Saturday => tr("Saturday"),
        Day::Sunday => tr("Sunday"),
    }
}

fn group(name: &InstanceName, instance: &Instance) -> Group {
    let nothing = || tr("none");
    let list = |it: &std::collections::BTreeSet<String>| {
        let names: Vec<&str> = it.iter().map(String::as_str).collect();
        if names.is_empty() { nothing() } else { names.join(", ") }
    };
    let broker = instance.broker.as_ref().map(|it| it.address.to_string());
    let doors = instance.one.as_ref().map(|one| {
        let doors: Vec<String> = one.doors.iter().map(ToString::to_string).collect();
        doors.join(", ")
    });
    let hub = instance.hub.as_ref().map(|it| it.access.server.to_string());
    let from = match instance.users_from {
        Identity::Configuration => tr("{user}, as the configuration says"),
        Identity::KerberosPrincipal => tr("{user}, as the Kerberos ticket says"),
        Identity::Certificate => tr("{user}, as the certificate says"),
        Identity::FedoraUpn => tr("{user}, as ~/.fedora.upn says"),
    };
    let user = fill(&from, &[("user", &list(&instance.users))]);
    let field = |label, value, topics: &[&str]| Field::new(label, value, name, topics);
    let about_broker = ["broker", "dialect", "certificate", "CA"];
    let about_hub = ["hub", "hub profile", "hub login", "hub certificate", "hub CA"];
    Group {
        // Translators: the heading of the settings of one Koji, by its name in the configuration.
        title: fill(&tr("Koji instance {name}"), &[("name", name.as_str())]),
        fields: vec![
            // Translators: names of settings, each followed by what is set.
            field(tr("User"), user, &["hub user"]),
            field(tr("Packages that you follow"), list(&instance.packages), &[]),
            field(
                tr("Message broker"),
                broker.or(doors).unwrap_or_else(nothing),
                &about_broker,
            ),
            field(tr("Hub"), hub.unwrap_or_else(nothing), &about_hub),
            field(
                tr("Web pages"),
                instance.site.weburl.clone().unwrap_or_else(nothing),
                &[],
            ),
            field(tr("Files"), instance.site.topurl.clone().unwrap_or_else(nothing), &[]),
        ],
    }
}

/// Returns what the doctor looked at as a person reads it. It tells programs in English; what is not known here is
/// shown as it is.
fn topic(what: &str) -> String {
    match what {
        "configuration" => tr("configuration"),
        "session" => tr("session"),
        "notifications" => tr("notifications"),
        "tray" => tr("tray"),
        "daemon" => tr("program"),
        "start at login" => tr("start at login"),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn each_finding_stands_beside_its_setting_or_with_the_rest() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        let words = "[tell]\nstarted = true\n[quiet]\nhours = [\"22:00-07:00\"]\ndays = [\"mon\", \"tue\"]\n[instance.mine]\nuser = [\"mona\", \"bot\"]\n\
            weburl = \"https://koji.example.com/koji\"\npackages = [\"bash\"]\n\
            [instance.mine.hub]\nserver = \"https://koji.example.com/kojihub\"\n";
        std::fs::write(&file, words).unwrap();
        let page = Page::read(&Places::of_this_session(Some(file)).unwrap());
        let findings = findings(
            r#"[
                {"what": "configuration", "state": "good", "text": "no mistakes"},
                {"what": "mine: hub", "state": "bad", "text": "nobody is there", "advice": "go there"},
                {"what": "tray", "state": "note", "text": "no tray"}
            ]"#,
        )
        .unwrap();
        let mut words = String::new();
        for switch in page.switches.iter().take(2) {
            words += &format!("{} {}\n", switch.label, switch.on);
        }
        for group in &page.groups {
            words += &format!("{}\n", group.title);
            for field in &group.fields {
                let said: Vec<&str> = field.findings(&findings).iter().map(|it| it.text.as_str()).collect();
                words += &format!("  {}: {} {said:?}\n", field.name, field.value);
            }
        }
        for (what, finding) in page.rest(&findings) {
            words += &format!("{what}: {:?} {}\n", finding.state, finding.text);
        }
        expect![[r#"
            Started builds true
            Finished builds true
            Quiet
              Nothing pops up while: Do Not Disturb is on, a presentation is given, the screen is locked []
              Quiet hours: 22:00–07:00 []
              Days: Monday, Tuesday []
              Failures in quiet hours: told afterwards []
            Koji instance mine
              User: bot, mona, as the configuration says []
              Packages that you follow: bash []
              Message broker: none []
              Hub: https://koji.example.com/kojihub ["nobody is there"]
              Web pages: https://koji.example.com/koji []
              Files: none []
            configuration: Good no mistakes
            tray: Note no tray
        "#]]
        .assert_eq(&words);
    }

    #[test]
    fn a_file_with_a_mistake_says_where() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        std::fs::write(&file, "[tell]\nstarted = 7\n").unwrap();
        let page = Page::read(&Places::of_this_session(Some(file)).unwrap());
        let trouble = page.trouble.unwrap();
        assert!(trouble.contains("config.toml:2"), "{trouble}");
        assert!(page.switches.is_empty());
    }
}
