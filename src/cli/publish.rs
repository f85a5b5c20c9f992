//! `koji-notify publish`: sends messages to the broker of an instance, for site administrators and for tests.
//!
//! Promise: it ends well only when the broker has taken every message. Passwords are where the configuration says, and
//! on no command line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::exit::{self, Exit};
use super::say;
use super::tail::{Bus, bus_of, mutter, say_trouble};
use crate::bus::decode::MAX_BODY;
use crate::bus::post::{Outbox, PostError, Taken};
use crate::bus::recorded::{Properties, Recorded};
use crate::bus::replay::MAX_LINE;
use crate::bus::table;
use crate::config::{self, Places};
use crate::koji::InstanceName;
use crate::koji::meant::one_line;

/// The most characters of what the broker says, or of a topic.
const MAX_SAID: usize = 500;

/// The content type of JSON.
const JSON: &str = "application/json";

/// Send a message to the broker of an instance
///
/// This is for administrators of a site and for tests: it needs a login that may publish, and the login with which
/// everybody listens to the public Fedora broker may not. It asks no question. It prints the id of each message that
/// the broker has taken.
#[derive(Debug, clap::Args)]
pub(super) struct Publish {
    /// The instance, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    instance: String,

    /// The topic (the routing key), whole; over AMQP 1.0 the address, such as topic://koji.build.complete
    #[arg(long, value_name = "KEY", required_unless_present = "file")]
    topic: Option<String>,

    /// A header whose value is text; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    header: Vec<(String, Value)>,

    /// A header whose value is JSON, such as a number or true; may be given several times
    #[arg(long, value_name = "NAME=JSON", value_parser = json_header)]
    json_header: Vec<(String, Value)>,

    /// The body; without it and --body-file, standard input is
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file")]
    body: Option<String>,

    /// The file that is the body
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,

    /// What kind of data the body is; if it is JSON, application/json need not be said. Over AMQP 1.0 a text without it
    /// is sent as Koji's own plugin does, and anything with it as data
    #[arg(long, value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    content_type: Option<String>,

    /// The id of the message, instead of one that is made up
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    message_id: Option<String>,

    /// Send recorded messages instead, one JSON object a line, as `tail --json` prints them; `-` is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["topic", "header", "json_header", "body", "body_file", "content_type", "message_id"]
    )]
    file: Option<PathBuf>,
}

impl Publish {
    pub(super) async fn run(self, places: Places) -> Result<Exit> {
        let settings = config::load(&places).await?;
        let bus = bus_of(&settings, &self.instance)?;
        let instance = InstanceName::new(&self.instance);
        let told = |error| told(&instance, error);
        if let Some(file) = &self.file {
            let lines = Lines::open(file)?;
            let mut outbox = match open(bus).await {
                Ok(outbox) => outbox,
                Err(error) => return told(error),
            };
            let sent = send_all(&mut outbox, lines, bus).await;
            outbox.close().await;
            return match sent {
                Err(error) => match error.downcast::<PostError>() {
                    Ok(error) => told(error),
                    Err(error) => Err(error),
                },
                Ok(()) => Ok(Exit::Done),
            };
        }
        let message = self.message(bus)?;
        let mut outbox = match open(bus).await {
            Ok(outbox) => outbox,
            Err(error) => return told(error),
        };
        let sent = outbox.send(&message).await;
        outbox.close().await;
        match sent {
            Ok(taken) => done(&message, taken)?,
            Err(error) => return told(error),
        }
        Ok(Exit::Done)
    }

    /// Returns the message that the command line is about.
    fn message(self, bus: Bus<'_>) -> Result<Recorded> {
        let mut headers = Map::new();
        for (name, value) in self.header.into_iter().chain(self.json_header) {
            if headers.insert(name.clone(), value).is_some() {
                let name = one_line(&name, MAX_SAID);
                return Err(exit::usage(format!("the header {name} is given twice")));
            }
        }
        if let Bus::ZeroNine(_) = bus {
            table::from_json(&headers).map_err(|error| exit::usage(error.to_string()))?;
        }
        let body = match (self.body, &self.body_file) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(file)) => {
                let name = file.display();
                let file = File::open(file).with_context(|| format!("{name} cannot be read"))?;
                whole(file, &name.to_string())?
            }
            (None, None) => whole(io::stdin().lock(), "standard input")?,
        };
        let message = Recorded {
            topic: self.topic.unwrap_or_default(),
            id: self.message_id,
            headers,
            properties: Properties {
                content_type: self.content_type,
                ..Properties::default()
            },
            body,
            ..Recorded::default()
        };
        Ok(complete(message, bus))
    }
}

async fn open(bus: Bus<'_>) -> Result<Outbox, PostError> {
    match bus {
        Bus::ZeroNine(broker) => Outbox::open(broker).await,
        Bus::One(broker) => Outbox::open_one(broker).await,
    }
}

/// Returns the message with an id, and with the properties that go without saying.
fn complete(mut message: Recorded, bus: Bus<'_>) -> Recorded {
    let properties = &mut message.properties;
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(&message.body).is_ok();
    // Over AMQP 1.0 Koji's plugin does not say what a text is.
    if matches!(bus, Bus::ZeroNine(_)) && properties.content_type.is_none() && is_json() {
        properties.content_type = Some(JSON.to_owned());
        properties.content_encoding.get_or_insert_with(|| "utf-8".to_owned());
    }
    // On the broker's disk, as Koji's plugin has it.
    properties.delivery_mode.get_or_insert(2);
    message.id.get_or_insert_with(|| uuid::Uuid::new_v4().to_string());
    message
}

/// Sends recorded messages one after the other.
async fn send_all(outbox: &mut Outbox, mut lines: Lines, bus: Bus<'_>) -> Result<()> {
    loop {
        // Whoever writes the lines may take their time.
        let read = tokio::task::spawn_blocking(move || {
            let line = lines.next();
            (lines, line)
        });
        let (back, line) = outbox.beside(read).await?;
        lines = back;
        let Some(line) = line? else {
            return Ok(());
        };
        let message = Recorded::from_line(&line).with_context(|| lines.place())?;
        let message = complete(message, bus);
        let taken = match outbox.send(&message).await {
            Ok(taken) => taken,
            Err(error) => {
                mutter(&format!("{} was not sent", lines.place()));
                return Err(error.into());
            }
        };
        done(&message, taken)?;
    }
}

/// Says that the broker has taken a message.
fn done(message: &Recorded, taken: Taken) -> Result<()> {
    say(&one_line(message.id.as_deref().unwrap_or_default(), MAX_SAID))?;
    if taken == Taken::Unwanted {
        let topic = one_line(&message.topic, MAX_SAID);
        mutter(&format!(
            "the broker has taken the message, but no queue wants {topic}: nobody hears it"
        ));
    }
    Ok(())
}

/// Says why a message was not published.
fn told(instance: &InstanceName, error: PostError) -> Result<Exit> {
    match error {
        PostError::Line(trouble) => {
            say_trouble(instance, &trouble);
            Ok(Exit::Trouble)
        }
        PostError::Refused { .. } => Err(exit::trouble(one_line(&error.to_string(), MAX_SAID))),
        PostError::NotTaken(_) | PostError::Silent { .. } | PostError::GivenBack { .. } => {
            Err(exit::trouble(error.to_string()))
        }
        PostError::NoCredit { .. } => Err(exit::trouble(one_line(&error.to_string(), MAX_SAID))),
        PostError::Lost { .. } | PostError::Broken { .. } => {
            Err(exit::trouble(format!("{:#}", anyhow::Error::new(error))))
        }
        PostError::TooLarge(_)
        | PostError::TooLargeThere { .. }
        | PostError::LongHeaders { .. }
        | PostError::TooLong(_)
        | PostError::NoRoom(_)
        | PostError::Headers(_) => Err(exit::usage(one_line(&error.to_string(), MAX_SAID))),
    }
}

/// Reads all, if a message has room for it.
fn whole(input: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let most = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
    let read = input.take(most + 1).read_to_end(&mut body);
    read.with_context(|| format!("{name} cannot be read"))?;
    if body.len() > MAX_BODY {
        return Err(exit::usage(format!("{name} has more than {MAX_BODY} bytes")));
    }
    Ok(body)
}

/// The lines of a recording.
struct Lines {
    input: Box<dyn BufRead + Send>,
    name: String,
    number: usize,
}

impl Lines {
    fn open(file: &Path) -> Result<Self> {
        let name = file.display().to_string();
        let input: Box<dyn BufRead + Send> = if name == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let file = File::open(file).with_context(|| format!("{name} cannot be read"))?;
            Box::new(BufReader::new(file))
        };
        Ok(Self { input, name, number: 0 })
    }

    /// Returns the next line that is not empty.
    fn next(&mut self) -> Result<Option<String>> {
        loop {
            let mut line = Vec::new();
            self.number += 1;
            let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
            let read = (&mut self.input).take(most).read_until(b'\n', &mut line);
            read.with_context(|| format!("{} cannot be read", self.name))?;
            if line.is_empty() {
                return Ok(None);
            }
            if line.len() == MAX_LINE && !line.ends_with(b"\n") {
                anyhow::bail!("{}: more than {MAX_LINE} bytes at once", self.place());
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(String::from_utf8(line).with_context(|| self.place())?));
            }
        }
    }

    fn place(&self) -> String {
        format!("{}, line {}", self.name, self.number)
    }
}

fn header(word: &str) -> Result<(String, Value), String> {
    let (name, value) = split(word)?;
    Ok((name, value.into()))
}

fn json_header(word: &str) -> Result<(String, Value), String> {
    let (name, value) = split(word)?;
    let value = serde_json::from_str(value).map_err(|error| format!("this is not JSON: {error}"))?;
    Ok((name, value))
}

fn split(word: &str) -> Result<(String, &str), String> {
    match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value)),
        Some(_) | None => Err("expected NAME=VALUE".to_owned()),
    }
}
