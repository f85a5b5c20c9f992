//! `config.toml`, word for word. What the words mean is decided in `load`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::watch::{Occasion, QuietRules, Toggle, Wanted};

use super::Preset;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) tell: Tell,
    pub(super) quiet: Quiet,
    pub(super) hooks: Hooks,
    pub(super) dbus: Dbus,
    pub(super) instance: BTreeMap<String, Instance>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tell {
    started: bool,
    finished: bool,
    failed: bool,
    canceled: bool,
    scratch: bool,
    tagged: bool,
    #[serde(rename = "in-repo")]
    in_repo: bool,
    followed: bool,
    #[serde(rename = "keep-failures")]
    keep_failures: bool,
    sound: bool,
}

/// When nothing is to pop up.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Quiet {
    pub(super) hours: Vec<String>,
    pub(super) days: Vec<String>,
    pub(super) failures_pass: bool,
    pub(super) locked: bool,
    pub(super) idle: bool,
    pub(super) do_not_disturb: bool,
    pub(super) presentation: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Dbus {
    pub(super) messages: bool,
}

/// Programs with their arguments.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Hooks {
    on_started: Option<Vec<String>>,
    on_finished: Option<Vec<String>>,
    on_doomed: Option<Vec<String>>,
    on_failed: Option<Vec<String>>,
    on_canceled: Option<Vec<String>>,
    on_tagged: Option<Vec<String>>,
    on_untagged: Option<Vec<String>>,
    on_not_tagged: Option<Vec<String>>,
    on_in_repo: Option<Vec<String>>,
    on_explained: Option<Vec<String>>,
}

impl Hooks {
    /// Returns the command for an occasion.
    pub(super) fn command(&self, occasion: Occasion) -> Option<&[String]> {
        let command = match occasion {
            Occasion::Started => &self.on_started,
            Occasion::Finished => &self.on_finished,
            Occasion::Doomed => &self.on_doomed,
            Occasion::Failed => &self.on_failed,
            Occasion::Canceled => &self.on_canceled,
            Occasion::Tagged => &self.on_tagged,
            Occasion::Untagged => &self.on_untagged,
            Occasion::NotTagged => &self.on_not_tagged,
            Occasion::InRepo => &self.on_in_repo,
            Occasion::Explained => &self.on_explained,
        };
        command.as_deref()
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Instance {
    pub(super) preset: Option<Preset>,
    pub(super) user: Option<Names>,
    pub(super) packages: BTreeSet<String>,
    pub(super) weburl: Option<String>,
    pub(super) topurl: Option<String>,
    pub(super) dialect: Option<Dialect>,
    pub(super) koji_instance: Option<String>,
    pub(super) topic_prefix: Option<String>,
    pub(super) exchange: Option<String>,
    pub(super) fedora_messaging: Option<PathBuf>,
    pub(super) datagrepper: Option<String>,
    pub(super) broker: Broker,
    pub(super) hub: Hub,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Hub {
    pub(super) ask: Option<bool>,
    pub(super) server: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) koji_config: Option<PathBuf>,
    pub(super) ca_cert: Option<PathBuf>,
    pub(super) login: Option<HubLogin>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) principal: Option<String>,
    pub(super) keytab: Option<String>,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Broker {
    pub(super) listen: Option<bool>,
    pub(super) protocol: Option<Protocol>,
    pub(super) url: Option<String>,
    pub(super) urls: Option<Vec<String>>,
    pub(super) addresses: Option<Vec<String>>,
    pub(super) selector: Option<bool>,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) ca_cert: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) queue: Option<WhoseQueue>,
    pub(super) prefetch: Option<i64>,
    pub(super) heartbeat: Option<i64>,
}

impl Broker {
    /// Returns whether nothing is said about a broker.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is spoken with a broker.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
pub(super) enum Protocol {
    #[serde(rename = "amqp-0-9-1")]
    ZeroNineOne,
    #[serde(rename = "amqp-1.0")]
    One,
}

/// How the messages of a broker look.
#[derive(Clone, Copy, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Dialect {
    #[default]
    FedoraMessaging,
    KojiTopic,
    KojiHeaders,
    KojiProtonmsg,
}

/// How we log in to a hub.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum HubLogin {
    None,
    Certificate,
    Kerberos,
    /// As the profile of the `koji` client says.
    Profile,
}

/// Whose the name of the queue is.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum WhoseQueue {
    Own,
    Server,
}

/// One name, or a list of names.
pub(super) struct Names(pub(super) Vec<String>);

/// Returns the key of a toggle in `[tell]`.
pub(super) fn toggle_key(toggle: Toggle) -> &'static str {
    match toggle {
        Toggle::Started => "started",
        Toggle::Finished => "finished",
        Toggle::Failed => "failed",
        Toggle::Canceled => "canceled",
        Toggle::Scratch => "scratch",
        Toggle::Tagged => "tagged",
        Toggle::InRepo => "in-repo",
        Toggle::Followed => "followed",
        Toggle::KeepFailures => "keep-failures",
        Toggle::Sound => "sound",
    }
}

impl From<Wanted> for Tell {
    fn from(it: Wanted) -> Self {
        Self {
            started: it.started,
            finished: it.finished,
            failed: it.failed,
            canceled: it.canceled,
            scratch: it.scratch,
            tagged: it.tagged,
            in_repo: it.in_repo,
            followed: it.followed,
            keep_failures: it.keep_failures,
            sound: it.sound,
        }
    }
}

impl From<Tell> for Wanted {
    fn from(it: Tell) -> Self {
        Self {
            started: it.started,
            finished: it.finished,
            failed: it.failed,
            canceled: it.canceled,
            scratch: it.scratch,
            tagged: it.tagged,
            in_repo: it.in_repo,
            followed: it.followed,
            keep_failures: it.keep_failures,
            sound: it.sound,
        }
    }
}

impl Default for Tell {
    fn default() -> Self {
        Wanted::default().into()
    }
}

impl Default for Quiet {
    fn default() -> Self {
        let rules = QuietRules::default();
        Self {
            hours: Vec::new(),
            days: Vec::new(),
            failures_pass: rules.failures_pass,
            locked: rules.locked,
            idle: rules.idle,
            do_not_disturb: rules.do_not_disturb,
            presentation: rules.presentation,
        }
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or a list of names")
    }

    fn visit_str<E>(self, name: &str) -> Result<Names, E> {
        Ok(Names(vec![name.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Names, A::Error> {
        let mut all = Vec::new();
        while let Some(name) = names.next_element()? {
            all.push(name);
        }
        Ok(Names(all))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::document::Document;
    use super::*;

    const SAMPLE: &str = include_str!("../../data/config.toml");

    /// Returns the names that the code would have taken instead of one that it does not know.
    fn keys_of(table: &str) -> Vec<String> {
        let text = format!("{table}\nno-such-key = 1\n");
        let document = Document::parse(Path::new("x.toml"), text.into_bytes()).unwrap();
        let message = match document.fill::<File>() {
            Err(it) => it.to_string(),
            Ok(_) => panic!("{table} takes any key"),
        };
        let mut quoted = message.split('`').skip(1).step_by(2);
        assert_eq!(quoted.next(), Some("no-such-key"), "{message}");
        quoted.map(str::to_owned).collect()
    }

    /// Returns the sample with every option switched on that is there to be switched on: `#key = …` and `#[table]`.
    fn sample_in_full() -> String {
        let uncomment = |line: &str| match line.strip_prefix('#') {
            Some(option) if option.starts_with(|it: char| it.is_ascii_lowercase() || it == '[') => option.to_owned(),
            _ => line.to_owned(),
        };
        SAMPLE.lines().map(|it| uncomment(it) + "\n").collect()
    }

    #[test]
    fn the_sample_shows_every_option() {
        let full = sample_in_full();
        let keys: Vec<&str> = full
            .lines()
            .filter_map(|it| Some(it.split_once('=')?.0.trim()))
            .collect();
        for table in [
            "[tell]",
            "[quiet]",
            "[hooks]",
            "[instance.x]",
            "[instance.x.broker]",
            "[instance.x.hub]",
        ] {
            let expected = keys_of(table);
            assert!(expected.len() > 3, "{table}: {expected:?}");
            for key in expected.iter().filter(|it| *it != "broker" && *it != "hub") {
                assert!(
                    keys.contains(&key.as_str()),
                    "{key} of {table} is not in data/config.toml"
                );
            }
        }
        assert!(full.contains(".broker]"));
    }

    #[test]
    fn the_sample_is_well_formed_with_every_option_switched_on() {
        let document = Document::parse(Path::new("data/config.toml"), sample_in_full().into_bytes()).unwrap();
        let file: File = document.fill().unwrap_or_else(|it| panic!("{it}"));
        assert!(file.instance.len() > 2);
        assert!(document.root().len() >= 2);
    }

    #[test]
    fn the_sample_tells_the_defaults() {
        let document = Document::parse(Path::new("data/config.toml"), SAMPLE.into()).unwrap();
        let file: File = document.fill().unwrap_or_else(|it| panic!("{it}"));
        assert_eq!(Wanted::from(file.tell), Wanted::default());
        let quiet = super::super::quiet::quiet(&document, &file.quiet);
        assert_eq!(quiet.unwrap_or_else(|it| panic!("{it}")), QuietRules::default());
        for toggle in Toggle::ALL {
            assert!(
                SAMPLE.lines().any(|it| it.starts_with(toggle_key(toggle))),
                "{toggle:?}"
            );
        }
    }

    #[test]
    fn each_toggle_has_its_own_key() {
        for toggle in Toggle::ALL {
            let was = Wanted::default().is_on(toggle);
            let text = format!("[tell]\n{} = {}\n", toggle_key(toggle), !was);
            let document = Document::parse(Path::new("x.toml"), text.into_bytes()).unwrap();
            let file: File = document.fill().unwrap_or_else(|it| panic!("{it}"));
            let mut expected = Wanted::default();
            expected.switch(toggle, !was);
            assert_eq!(Wanted::from(file.tell), expected);
        }
    }
}
