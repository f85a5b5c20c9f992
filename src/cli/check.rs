//! `koji-notify check`: what works, what does not, and what to do about it.
//!
//! Asks everything the daemon depends on, one after the other, and changes nothing.

mod hub;

use std::path::Path;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::hub::look_at_hub;
use super::exit::Exit;
use super::say;
use crate::bus::broker::{Broker, Login, Trust};
use crate::bus::{one, probe};
use crate::config::{self, Identity, Instance, Places};
use crate::desktop::probe::{TrayHost, notification_server, tray_host};
use crate::i18n::{fill, tr};
use crate::koji::InstanceName;
use crate::view::trouble;
use crate::watch::{Trouble, Wanted};
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
pub(super) struct Finding {
    #[serde(skip)]
    pub(super) topic: Topic,
    /// What was looked at, in English, for programs: `configuration`, `fedora: broker`.
    what: String,
    /// The same for people.
    label: String,
    pub(super) state: State,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Topic {
    Configuration,
    User,
    Certificate,
    Authority,
    Dialect,
    Broker,
    Hub,
    HubUser,
    HubProfile,
    HubLogin,
    HubCertificate,
    HubAuthority,
    Session,
    Notifications,
    Tray,
    Daemon,
    StartAtLogin,
}

/// How something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
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

/// Returns a finding as a person reads it.
pub(super) fn describe(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => "✓",
        State::Note => "!",
        State::Bad => "✗",
    };
    // Translators: what was looked at, and how it is: "tray: Icons are shown".
    let sentence = fill(
        &tr("{what}: {text}"),
        &[("what", &finding.label), ("text", &finding.text)],
    );
    let text = format!("{mark} {sentence}");
    match &finding.advice {
        Some(advice) => format!("{text}\n    {advice}"),
        None => text,
    }
}

async fn find(places: &Places) -> Vec<Finding> {
    let mut findings = Vec::new();
    match config::load(places).await {
        Err(error) => findings.push(Finding {
            advice: std::error::Error::source(&error).map(ToString::to_string),
            ..Finding::new(Topic::Configuration, None, State::Bad, error.to_string())
        }),
        Ok(settings) => {
            let file = places.config_file();
            let sentence = if file.exists() {
                tr("{file} has no mistakes")
            } else {
                tr("There is no {file}, so Fedora's Koji is watched with the default settings")
            };
            let text = fill(&sentence, &[("file", &file.display().to_string())]);
            findings.push(good(Topic::Configuration, None, text));
            for (name, instance) in &settings.instances {
                findings.extend(look_at(name, instance, &settings.wanted).await);
            }
        }
    }
    findings.extend(look_at_session(places).await);
    findings
}

/// Looks at everything that an instance depends on.
pub(super) async fn look_at(name: &InstanceName, instance: &Instance, wanted: &Wanted) -> Vec<Finding> {
    let mut findings = vec![look_at_user(name, instance)];
    let found = match (&instance.broker, &instance.one) {
        (Some(broker), _) => Some(look_at_broker(name, instance, broker, wanted).await),
        (None, Some(broker)) => Some(look_at_one(name, instance, broker, wanted).await),
        (None, None) => None,
    };
    let is_heard = if let Some(found) = found {
        let is_good = found.iter().all(|it| it.state != State::Bad);
        findings.extend(found);
        is_good
    } else {
        let text = tr("There is none: the hub is asked every few minutes");
        findings.push(good(Topic::Broker, Some(name), text));
        false
    };
    findings.extend(look_at_hub(name, instance, is_heard).await);
    findings
}

async fn look_at_broker(name: &InstanceName, instance: &Instance, broker: &Broker, wanted: &Wanted) -> Vec<Finding> {
    let mut findings = look_at_files(name, Some(&broker.login), &broker.trust);
    let interest = interest(instance, wanted, wanted.scratch || broker.dialect.tells_of_every_task());
    let host = broker.address.to_string();
    findings.push(good(Topic::Dialect, Some(name), spoken(broker)));
    findings.push(judged(name, &host, probe::probe(broker, &interest).await));
    findings
}

/// Looks at a broker that speaks AMQP 1.0.
async fn look_at_one(name: &InstanceName, instance: &Instance, broker: &one::Broker, wanted: &Wanted) -> Vec<Finding> {
    let mut findings = look_at_files(name, broker.login.as_ref(), &broker.trust);
    let interest = interest(instance, wanted, true);
    let doors: Vec<String> = broker.doors.iter().map(ToString::to_string).collect();
    let told = format!("protocol = \"amqp-1.0\", addresses = {:?}", broker.addresses);
    findings.push(good(Topic::Dialect, Some(name), told));
    findings.push(judged(name, &doors.join(", "), one::probe(broker, &interest).await));
    findings
}

/// Looks at the certificates that are needed to log in.
fn look_at_files(name: &InstanceName, login: Option<&Login>, trust: &Trust) -> Vec<Finding> {
    let certificate = match login {
        Some(Login::External { certificate, .. }) => Some(certificate),
        Some(Login::Plain { .. }) | None => None,
    };
    let authority = match trust {
        Trust::Only(file) => Some(file),
        Trust::System => None,
    };
    let files = [(Topic::Certificate, certificate), (Topic::Authority, authority)];
    let looks = files
        .into_iter()
        .filter_map(|(topic, file)| look_at_dates(topic, name, file?));
    looks.collect()
}

fn interest(instance: &Instance, wanted: &Wanted, tasks: bool) -> crate::koji::Interest {
    let mut interest = crate::koji::Interest {
        users: instance.users.clone(),
        packages: instance.packages.clone(),
        tasks,
        tags: wanted.tagged,
    };
    if !wanted.followed {
        interest.packages.clear();
    }
    interest
}

/// Returns what became of an attempt to listen.
fn judged(name: &InstanceName, host: &str, probed: Result<(), Trouble>) -> Finding {
    match probed {
        Ok(()) => {
            let sentence = tr("{host} accepts the login and lets you listen");
            good(Topic::Broker, Some(name), fill(&sentence, &[("host", host)]))
        }
        Err(found) => Finding {
            advice: Some(trouble::advice(found.problem)),
            ..Finding::new(Topic::Broker, Some(name), State::Bad, trouble::in_full(&found))
        },
    }
}

/// Returns how the messages look, as the configuration spells it.
fn spoken(broker: &Broker) -> String {
    let told = [
        ("dialect", broker.dialect.name()),
        ("topic-prefix", broker.dialect.prefix()),
        ("exchange", Some(broker.exchange.as_str())),
    ];
    let told = told
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} = {:?}", value?)));
    told.collect::<Vec<_>>().join(", ")
}

/// Returns who the person is, and how that is known.
pub(super) fn look_at_user(name: &InstanceName, instance: &Instance) -> Finding {
    let users: Vec<&str> = instance.users.iter().map(String::as_str).collect();
    // Translators: {user} is a user name of Koji, or several with commas.
    let sentence = match instance.users_from {
        Identity::Configuration => tr("{user}, as the configuration says"),
        Identity::KerberosPrincipal => tr("{user}, as the Kerberos ticket says"),
        Identity::Certificate => tr("{user}, as the certificate says"),
        Identity::FedoraUpn => tr("{user}, as ~/.fedora.upn says"),
    };
    good(Topic::User, Some(name), fill(&sentence, &[("user", &users.join(", "))]))
}

fn look_at_dates(topic: Topic, name: &InstanceName, file: &Path) -> Option<Finding> {
    let ends = probe::certificate_ends(file)?;
    let left = ends.duration_since(clock::now());
    let (file, date) = (file.display().to_string(), date(ends));
    let values = [("file", &*file), ("date", &date)];
    if left.is_negative() {
        let text = fill(&tr("{file} expired on {date}"), &values);
        return Some(Finding {
            advice: Some(tr("Get a new certificate, or update the package that ships it")),
            ..Finding::new(topic, Some(name), State::Bad, text)
        });
    }
    let state = if left < SOON { State::Note } else { State::Good };
    let text = fill(&tr("{file} is valid until {date}"), &values);
    Some(Finding::new(topic, Some(name), state, text))
}

fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

async fn look_at_session(places: &Places) -> Vec<Finding> {
    let Ok(connection) = zbus::Connection::session().await else {
        return vec![Finding {
            advice: Some(tr(
                "Run this inside a desktop session; `koji-notify demo` works anywhere",
            )),
            ..Finding::new(Topic::Session, None, State::Bad, tr("There is no session bus"))
        }];
    };
    let mut findings = Vec::new();
    findings.push(match notification_server(&connection).await {
        Ok(server) => {
            let values = [("name", &*server.name), ("version", &server.version)];
            let has_actions = server.capabilities.iter().any(|it| it == "actions");
            // Translators: name and version of the notification server: "GNOME Shell 49.1, with buttons".
            let sentence = if has_actions {
                tr("{name} {version}, with buttons")
            } else {
                tr("{name} {version}, without buttons")
            };
            good(Topic::Notifications, None, fill(&sentence, &values))
        }
        Err(error) => {
            let text = tr("No notification server answers");
            Finding {
                advice: Some(error.to_string()),
                ..Finding::new(Topic::Notifications, None, State::Bad, text)
            }
        }
    });
    findings.push(match tray_host(&connection).await {
        Ok(TrayHost::Shown) => good(Topic::Tray, None, tr("Icons are shown")),
        Ok(TrayHost::NoHost | TrayHost::Absent) | Err(_) => {
            let text = tr("No tray is running; everything else works without it");
            Finding {
                // Translators: the words between are names of commands.
                advice: Some(tr(
                    "What its menu does, commands do: status, pause, mute, follow, history, window; in \
                     GNOME, the AppIndicator extension provides a tray",
                )),
                ..Finding::new(Topic::Tray, None, State::Note, text)
            }
        }
    });
    let sentence = match desktop::client::client(&connection).await {
        Ok(Some(_)) => tr("koji-notify is running"),
        Ok(None) | Err(_) => tr("koji-notify is not running"),
    };
    findings.push(good(Topic::Daemon, None, sentence));
    let sentence = if config::autostart::is_on(places) {
        tr("koji-notify starts when you log in")
    } else {
        tr("koji-notify does not start when you log in; the menu of its tray icon can change that")
    };
    findings.push(good(Topic::StartAtLogin, None, sentence));
    findings
}

fn good(topic: Topic, instance: Option<&InstanceName>, text: String) -> Finding {
    Finding::new(topic, instance, State::Good, text)
}

impl Finding {
    fn new(topic: Topic, instance: Option<&InstanceName>, state: State, text: String) -> Self {
        let (what, label) = match instance {
            Some(name) => {
                let values = [("instance", name.as_str()), ("topic", &topic.label())];
                // Translators: what was looked at for one Koji instance: "fedora: broker".
                let label = fill(&tr("{instance}: {topic}"), &values);
                (format!("{name}: {}", topic.name()), label)
            }
            None => (topic.name().to_owned(), topic.label()),
        };
        Self {
            topic,
            what,
            label,
            state,
            text,
            advice: None,
        }
    }
}

impl Topic {
    /// Returns the name as programs read it.
    fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::User => "user",
            Self::Certificate => "certificate",
            Self::Authority => "CA",
            Self::Dialect => "dialect",
            Self::Broker => "broker",
            Self::Hub => "hub",
            Self::HubUser => "hub user",
            Self::HubProfile => "hub profile",
            Self::HubLogin => "hub login",
            Self::HubCertificate => "hub certificate",
            Self::HubAuthority => "hub CA",
            Self::Session => "session",
            Self::Notifications => "notifications",
            Self::Tray => "tray",
            Self::Daemon => "daemon",
            Self::StartAtLogin => "start at login",
        }
    }

    /// Returns the name as a person reads it.
    fn label(self) -> String {
        // Translators: what `koji-notify check` looks at; a colon and how it is follow.
        match self {
            Self::Configuration => tr("configuration"),
            Self::User => tr("user"),
            Self::Certificate => tr("certificate"),
            Self::Authority => tr("CA"),
            // The words that follow are those of the configuration, which has no languages.
            Self::Dialect | Self::Broker => tr("broker"),
            Self::Hub => tr("hub"),
            Self::HubUser => tr("user on the hub"),
            Self::HubProfile => tr("profile of the hub"),
            Self::HubLogin => tr("login to the hub"),
            Self::HubCertificate => tr("certificate for the hub"),
            Self::HubAuthority => tr("CA of the hub"),
            Self::Session => tr("session"),
            Self::Notifications => tr("notifications"),
            Self::Tray => tr("tray"),
            Self::Daemon => tr("program"),
            Self::StartAtLogin => tr("start at login"),
        }
    }
}
