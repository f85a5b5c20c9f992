//! `koji-notify status`: how the running program is doing, asked over D-Bus.

mod follow;

use anyhow::Result;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::exit::{Exit, NotRunning};
use super::{client, say};
use crate::desktop::client::{Picture, picture};
use crate::i18n::{fill, tr, tr_n};
use crate::view::bar::Seen;
use crate::view::facts::Build;
use crate::view::{self, InstanceStatus, trouble};
use crate::{clock, desktop};

/// How many builds that have ended are looked at.
const RECENT: u32 = 50;

#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Print JSON, with the builds that run, have ended or are followed
    #[arg(long, group = "form")]
    json: bool,

    /// Print a line for a custom module of Waybar
    #[arg(long, group = "form")]
    waybar: bool,

    /// Print a line for i3blocks, or for a custom block of i3status-rust
    #[arg(long, group = "form")]
    i3status: bool,

    /// Go on, with another line whenever something changes
    #[arg(long, short, requires = "form")]
    follow: bool,
}

/// How it is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Text,
    Json,
    Waybar,
    I3,
}

impl Status {
    pub(super) async fn run(self) -> Result<Exit> {
        let form = match (self.json, self.waybar, self.i3status) {
            (true, _, _) => Form::Json,
            (_, true, _) => Form::Waybar,
            (_, _, true) => Form::I3,
            (false, false, false) => Form::Text,
        };
        if self.follow {
            return follow::run(form).await;
        }
        let daemon = match client().await {
            Ok(daemon) => daemon,
            // A bar hides what fails.
            Err(error) if matches!(form, Form::Waybar | Form::I3) && error.is::<NotRunning>() => {
                say(&form.line(None, clock::now())?)?;
                return Ok(Exit::Done);
            }
            Err(error) => return Err(error),
        };
        let text = match form {
            Form::Text => describe(&desktop::client::status(&daemon).await?, &TimeZone::system()),
            Form::Json => serde_json::to_string_pretty(&whole(Some(&picture(&daemon, RECENT).await?)))?,
            Form::Waybar | Form::I3 => form.line(Some(&picture(&daemon, RECENT).await?), clock::now())?,
        };
        say(&text)?;
        Ok(Exit::Done)
    }
}

impl Form {
    /// Returns how things stand on one line; `None`: the program does not run.
    fn line(self, picture: Option<&Picture>, now: Timestamp) -> Result<String> {
        let absent = view::bar::absent();
        let seen = Seen {
            status: picture.map_or(&absent, |it| &it.status),
            running: picture.map_or(&[], |it| &it.running),
            recent: picture.map_or(&[], |it| &it.recent),
            is_there: picture.is_some(),
        };
        Ok(match self {
            Self::Text => seen.status.summary.clone(),
            Self::Json => serde_json::to_string(&whole(picture))?,
            Self::Waybar => serde_json::to_string(&view::bar::waybar(seen, now))?,
            Self::I3 => serde_json::to_string(&view::bar::i3(seen))?,
        })
    }
}

/// The JSON of all there is to see.
#[derive(Serialize)]
struct Whole {
    /// The program runs.
    is_there: bool,
    #[serde(flatten)]
    status: view::Status,
    builds: Builds,
}

#[derive(Default, Serialize)]
struct Builds {
    running: Vec<Build>,
    recent: Vec<Build>,
    followed: Vec<Build>,
}

fn whole(picture: Option<&Picture>) -> Whole {
    let Some(picture) = picture.cloned() else {
        return Whole {
            is_there: false,
            status: view::bar::absent(),
            builds: Builds::default(),
        };
    };
    Whole {
        is_there: true,
        status: picture.status,
        builds: Builds {
            running: picture.running,
            recent: picture.recent,
            followed: picture.followed,
        },
    }
}

fn describe(status: &view::Status, zone: &TimeZone) -> String {
    let mut lines = vec![status.summary.clone()];
    lines.extend(Some(status.quiet_text.clone()).filter(|it| !it.is_empty()));
    for instance in &status.instances {
        let number = instance.heard.to_string();
        if instance.broker {
            // Translators: one Koji instance: "fedora: Connected; 3 messages heard". They are messages about my builds.
            let sentence = tr_n(
                "{instance}: {text}; {n} message heard",
                "{instance}: {text}; {n} messages heard",
                instance.heard,
            );
            let values = [("instance", &*instance.name), ("text", &instance.text), ("n", &number)];
            lines.push(fill(&sentence, &values));
        }
        lines.extend(signs(instance, zone));
        if instance.spoiled > 0 {
            let number = instance.spoiled.to_string();
            let sentence = tr_n(
                "{instance}: {n} message could not be read",
                "{instance}: {n} messages could not be read",
                instance.spoiled,
            );
            lines.push(fill(&sentence, &[("instance", &*instance.name), ("n", &number)]));
        }
        lines.extend(hub(instance, zone));
    }
    let counts = [
        ("finished", &*status.finished.to_string()),
        ("failed", &status.failed.to_string()),
        ("canceled", &status.canceled.to_string()),
    ];
    // Translators: three numbers of builds since koji-notify was started.
    let sentence = tr("Since the start: {finished} built, {failed} failed, {canceled} canceled");
    lines.push(fill(&sentence, &counts));
    if !status.notifications {
        lines.push(trouble::no_server(status.waiting as usize));
    }
    if !status.tray {
        lines.push(tr("No tray is running; everything else works without it"));
    }
    lines.extend(status.journal.clone());
    if let Some(trouble) = &status.configuration {
        lines.push(trouble::configuration(!status.instances.is_empty()));
        lines.push(trouble.clone());
    }
    lines.join("\n")
}

/// Returns when an instance's broker last said something, if it has one that ever did.
fn signs(instance: &InstanceStatus, zone: &TimeZone) -> Option<String> {
    let time = |second: i64| {
        let time = Timestamp::from_second(second).ok().filter(|_| second > 0)?;
        Some(time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
    };
    let sign = time(instance.last_sign)?;
    let values = |message: &str| {
        [
            ("instance", instance.name.clone()),
            ("message", message.to_owned()),
            ("sign", sign.clone()),
        ]
    };
    let said =
        |sentence: &str, values: [(&str, String); 3]| fill(sentence, &values.each_ref().map(|(a, b)| (*a, &**b)));
    Some(match time(instance.last_message) {
        // Translators: one Koji instance: "fedora: last message at 2026-11-20 17:40:00, last sign of life at
        // 2026-11-20 17:41:30". The messages are about anybody's builds, the signs of life come by the minute.
        Some(message) => said(
            &tr("{instance}: last message at {message}, last sign of life at {sign}"),
            values(&message),
        ),
        None => said(
            &tr("{instance}: no message yet, last sign of life at {sign}"),
            values(""),
        ),
    })
}

/// Returns how an instance's hub is, if it has one.
fn hub(instance: &InstanceStatus, zone: &TimeZone) -> Option<String> {
    if instance.hub_text.is_empty() {
        return None;
    }
    let answer = Timestamp::from_second(instance.last_answer).ok();
    let Some(answer) = answer.filter(|_| instance.last_answer > 0) else {
        // Translators: one Koji instance: "fedora: The hub has not answered yet".
        let sentence = tr("{instance}: {text}");
        let values = [("instance", &*instance.name), ("text", &instance.hub_text)];
        return Some(fill(&sentence, &values));
    };
    let time = answer.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    // Translators: one Koji instance: "fedora: The hub answers; last answer at 2026-11-20 17:40:00".
    let sentence = tr("{instance}: {text}; last answer at {time}");
    let values = [
        ("instance", &*instance.name),
        ("text", &instance.hub_text),
        ("time", &time),
    ];
    Some(fill(&sentence, &values))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn all_is_said_and_counted_rightly() {
        let instance = |name: &str, heard, spoiled| InstanceStatus {
            name: name.to_owned(),
            link: "up".to_owned(),
            text: "Connected".to_owned(),
            heard,
            spoiled,
            last_heard: 0,
            last_message: 0,
            last_sign: 0,
            unheard: String::new(),
            broker: true,
            hub: "none".to_owned(),
            hub_text: String::new(),
            last_answer: 0,
        };
        let status = view::Status {
            version: "1".to_owned(),
            state: "idle".to_owned(),
            summary: "No build is running".to_owned(),
            running: 0,
            finished: 3,
            failed: 1,
            canceled: 0,
            paused: false,
            paused_until: 0,
            quiet: Vec::new(),
            quiet_text: String::new(),
            held: 0,
            muted: Vec::new(),
            mutes: Vec::new(),
            notifications: false,
            waiting: 1,
            tray: false,
            instances: vec![
                InstanceStatus {
                    hub: "answers".to_owned(),
                    hub_text: "The hub answers".to_owned(),
                    last_answer: 1_795_192_800,
                    ..instance("fedora", 1, 0)
                },
                InstanceStatus {
                    last_message: 1_795_192_000,
                    last_sign: 1_795_192_860,
                    ..instance("mine", 2, 1)
                },
                InstanceStatus {
                    last_sign: 1_795_192_860,
                    ..instance("quiet", 0, 0)
                },
                InstanceStatus {
                    broker: false,
                    hub: "waiting".to_owned(),
                    hub_text: "The hub has not answered yet".to_owned(),
                    ..instance("polled", 0, 0)
                },
            ],
            configuration: Some("config.toml:3: expected a table".to_owned()),
            journal: None,
        };
        expect![[r#"
            No build is running
            fedora: Connected; 1 message heard
            fedora: The hub answers; last answer at 2026-11-20 17:40:00
            mine: Connected; 2 messages heard
            mine: last message at 2026-11-20 17:26:40, last sign of life at 2026-11-20 17:41:00
            mine: 1 message could not be read
            quiet: Connected; 0 messages heard
            quiet: no message yet, last sign of life at 2026-11-20 17:41:00
            polled: The hub has not answered yet
            Since the start: 3 built, 1 failed, 0 canceled
            No notification server is running; 1 notification is waiting
            No tray is running; everything else works without it
            The new configuration cannot be used; the previous one stays in force
            config.toml:3: expected a table"#]]
        .assert_eq(&describe(&status, &TimeZone::fixed(jiff::tz::offset(1))));
    }
}
