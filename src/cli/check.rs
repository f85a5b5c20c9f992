//! `koji-notify check`: what works, what does not, and what to do about it.
//!
//! Asks everything the daemon depends on, one after the other, and changes nothing.

use std::path::Path;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::exit::Exit;
use super::say;
use crate::bus::broker::{Login, Trust};
use crate::bus::probe;
use crate::config::{self, Identity, Instance, Places};
use crate::desktop::probe::{TrayHost, notification_server, tray_host};
use crate::i18n::{fill, tr};
use crate::koji::InstanceName;
use crate::view::trouble;
use crate::watch::Wanted;
use crate::{clock, desktop};

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A certificate that ends sooner than this is worth a word.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at, in English, for programs: `configuration`, `fedora: broker`.
    what: String,
    state: State,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    /// Works, and will not for long, or not as well as it could.
    Note,
    Bad,
}

impl Check {
    pub(super) async fn run(self, places: Places) -> Result<Exit> {
        let findings = find(&places).await;
        if self.json {
            say(&serde_json::to_string_pretty(&findings)?)?;
        } else {
            for finding in &findings {
                say(&describe(finding))?;
            }
        }
        let is_bad = |it: &Finding| it.state == State::Bad;
        let broken = findings.iter().any(|it| is_bad(it) && it.what == "configuration");
        Ok(match (broken, findings.iter().any(is_bad)) {
            (true, _) => Exit::Configuration,
            (false, true) => Exit::Trouble,
            (false, false) => Exit::Done,
        })
    }
}

fn describe(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => "✓",
        State::Note => "!",
        State::Bad => "✗",
    };
    let text = format!("{mark} {}: {}", finding.what, finding.text);
    match &finding.advice {
        Some(advice) => format!("{text}\n    {advice}"),
        None => text,
    }
}

async fn find(places: &Places) -> Vec<Finding> {
    let mut findings = Vec::new();
    match config::load(places).await {
        Err(error) => findings.push(Finding {
            what: "configuration".to_owned(),
            state: State::Bad,
            text: error.to_string(),
            advice: std::error::Error::source(&error).map(ToString::to_string),
        }),
        Ok(settings) => {
            let file = places.config_file();
            let sentence = if file.exists() {
                tr("{file} is good")
            } else {
                tr("{file} is not there, so it is Fedora's Koji with the usual settings")
            };
            let text = fill(&sentence, &[("file", &file.display().to_string())]);
            findings.push(good("configuration", text));
            for (name, instance) in &settings.instances {
                findings.extend(look_at(name, instance, &settings.wanted).await);
            }
        }
    }
    findings.extend(look_at_session(places).await);
    findings
}

async fn look_at(name: &InstanceName, instance: &Instance, wanted: &Wanted) -> Vec<Finding> {
    let mut findings = vec![look_at_user(name, instance)];
    let certificate = match &instance.broker.login {
        Login::External { certificate, .. } => Some(certificate),
        Login::Plain { .. } => None,
    };
    let authority = match &instance.broker.trust {
        Trust::Only(file) => Some(file),
        Trust::System => None,
    };
    for (what, file) in [("certificate", certificate), ("CA", authority)] {
        if let Some(file) = file {
            findings.extend(look_at_dates(&format!("{name}: {what}"), file));
        }
    }
    let what = format!("{name}: broker");
    let mut interest = crate::koji::Interest {
        users: instance.users.clone(),
        packages: instance.packages.clone(),
        tasks: wanted.scratch,
        tags: wanted.tagged,
    };
    if !wanted.followed {
        interest.packages.clear();
    }
    let host = instance.broker.address.to_string();
    findings.push(match probe::probe(&instance.broker, &interest).await {
        Ok(()) => good(
            &what,
            fill(&tr("{host} lets us in and lets us listen"), &[("host", &host)]),
        ),
        Err(found) => Finding {
            what,
            state: State::Bad,
            text: format!("{} ({})", trouble::sentence(&found), found.detail),
            advice: Some(trouble::advice(found.problem)),
        },
    });
    findings
}

fn look_at_user(name: &InstanceName, instance: &Instance) -> Finding {
    let users: Vec<&str> = instance.users.iter().map(String::as_str).collect();
    let sentence = match instance.users_from {
        Identity::Configuration => tr("{user}, as the configuration says"),
        Identity::KerberosPrincipal => tr("{user}, as the Kerberos ticket says"),
        Identity::Certificate => tr("{user}, as the certificate says"),
        Identity::FedoraUpn => tr("{user}, as ~/.fedora.upn says"),
    };
    good(
        &format!("{name}: user"),
        fill(&sentence, &[("user", &users.join(", "))]),
    )
}

fn look_at_dates(what: &str, file: &Path) -> Option<Finding> {
    let ends = probe::certificate_ends(file)?;
    let left = ends.duration_since(clock::now());
    let (file, date) = (file.display().to_string(), date(ends));
    let values = [("file", &*file), ("date", &date)];
    if left.is_negative() {
        return Some(Finding {
            what: what.to_owned(),
            state: State::Bad,
            text: fill(&tr("{file} ended on {date}"), &values),
            advice: Some(tr("Get a new certificate, or update the package that ships it")),
        });
    }
    let state = if left < SOON { State::Note } else { State::Good };
    Some(Finding {
        what: what.to_owned(),
        state,
        text: fill(&tr("{file} is good until {date}"), &values),
        advice: None,
    })
}

fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

async fn look_at_session(places: &Places) -> Vec<Finding> {
    let Ok(connection) = zbus::Connection::session().await else {
        return vec![Finding {
            what: "session".to_owned(),
            state: State::Bad,
            text: tr("There is no session bus"),
            advice: Some(tr(
                "Run this inside a desktop session; `koji-notify demo` works anywhere",
            )),
        }];
    };
    let mut findings = Vec::new();
    findings.push(match notification_server(&connection).await {
        Ok(server) => {
            let values = [("name", &*server.name), ("version", &server.version)];
            let has_actions = server.capabilities.iter().any(|it| it == "actions");
            let sentence = if has_actions {
                tr("{name} {version}, with buttons")
            } else {
                tr("{name} {version}, without buttons")
            };
            good("notifications", fill(&sentence, &values))
        }
        Err(error) => Finding {
            what: "notifications".to_owned(),
            state: State::Bad,
            text: tr("No notification server answers"),
            advice: Some(error.to_string()),
        },
    });
    findings.push(match tray_host(&connection).await {
        Ok(TrayHost::Shown) => good("tray", tr("Icons are shown")),
        Ok(TrayHost::NoHost | TrayHost::Absent) | Err(_) => Finding {
            what: "tray".to_owned(),
            state: State::Note,
            text: tr("No tray is running; everything works without it"),
            advice: Some(tr("In GNOME, the extension AppIndicator shows one")),
        },
    });
    let sentence = match desktop::client::client(&connection).await {
        Ok(Some(_)) => tr("koji-notify is running"),
        Ok(None) | Err(_) => tr("koji-notify is not running"),
    };
    findings.push(good("daemon", sentence));
    let sentence = if config::autostart::is_on(places) {
        tr("It starts with the session")
    } else {
        tr("It does not start with the session; the tray's menu switches that")
    };
    findings.push(good("start at login", sentence));
    findings
}

fn good(what: &str, text: String) -> Finding {
    Finding {
        what: what.to_owned(),
        state: State::Good,
        text,
        advice: None,
    }
}
