//! `koji-notify tail`: what a broker sends, as it comes.
//!
//! It opens a line of its own for each instance, beside that of a running program, which loses nothing by it.
//!
//! Promise: what is printed is one line for each message, and nothing in it does anything to a terminal. Memory is
//! bounded, whoever reads the lines.

mod printer;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::builder::NonEmptyStringValueParser;
use jiff::tz::TimeZone;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::printer::Printer;
use super::exit::{self, Exit};
use crate::bus::broker::Broker;
use crate::bus::decode::DecodeError;
use crate::bus::one::ear::{self, Unfit};
use crate::bus::one::{self, MAX_ADDRESSES};
use crate::bus::table::MAX_SHORT;
use crate::bus::tap::{Ear, Filter, Heard, Meaning, Tap, Told, Topics};
use crate::config::{self, Instance, Places, Settings};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::InstanceName;
use crate::koji::meant::one_line;
use crate::view::{heard, trouble};
use crate::watch::Trouble;
use crate::watch::link::Problem;

/// How many messages of a line may be on their way to be printed.
const ROOM: usize = 64;

/// How long a line may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// The most characters of what a stranger's message is called, or of what is wrong with it.
const MAX_SAID: usize = 200;

/// Print what the message broker sends, as it comes
///
/// A line of its own is opened for each instance, so a running koji-notify loses nothing by it. It ends with Ctrl-C.
#[derive(Debug, clap::Args)]
pub(super) struct Tail {
    /// Listen to this instance only, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,

    /// Over AMQP 1.0: read this address instead of those in the configuration; may be given several times
    #[arg(long, value_name = "ADDRESS", requires = "instance", value_parser = NonEmptyStringValueParser::new())]
    address: Vec<String>,

    /// Only messages with a topic like this, in AMQP's words: * is one word, # any number; may be given several times
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    topic: Vec<String>,

    /// Only what is about this package; may be given several times
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    package: Vec<String>,

    /// Only what this user owns or has done; may be given several times
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    user: Vec<String>,

    /// Print each message whole, as a JSON object on a line that `replay` reads
    #[arg(long)]
    json: bool,

    /// Print topic, headers and body as they are, of all that comes
    #[arg(long, conflicts_with_all = ["json", "package", "user"])]
    raw: bool,

    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// How a message is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Words,
    Json,
    Raw,
}

impl Tail {
    pub(super) async fn run(self, places: Places) -> Result<Exit> {
        let settings = config::load(&places).await?;
        let taps = self.taps(&settings)?;
        let (told, inbox) = mpsc::channel(ROOM);
        let are_several = taps.len() > 1;
        let mut listening = JoinSet::new();
        for tap in taps {
            listening.spawn(tap.run(told.clone()));
        }
        drop(told);
        let mut show = Show::new(self, are_several);
        // The inbox is gone when this returns, which ends the lines.
        let ended = show.run(inbox).await;
        // What is not gone by then is cut off.
        let _cut = timeout(FAREWELL, async { while listening.join_next().await.is_some() {} }).await;
        let ended = ended?;
        if ended == Ended::Interrupted {
            // Whoever stopped us may have stopped the reader, too.
            let _left = timeout(FAREWELL, show.printer.finish()).await;
            return Ok(Exit::Done);
        }
        show.printer.finish().await?;
        Ok(match ended {
            Ended::Interrupted | Ended::Counted => Exit::Done,
            Ended::NoLine => Exit::Trouble,
        })
    }

    /// Returns a line for each instance that is meant.
    fn taps(&self, settings: &Settings) -> Result<Vec<Tap>> {
        let chosen: Vec<_> = match &self.instance {
            Some(name) => vec![(InstanceName::new(name), bus_of(settings, name)?)],
            None => settings
                .instances
                .iter()
                .filter_map(|(name, it)| Some((name.clone(), Bus::of(it)?)))
                .collect(),
        };
        if chosen.is_empty() {
            return Err(exit::trouble("no instance has a message broker".to_owned()));
        }
        let mut taps = Vec::new();
        for (instance, bus) in chosen {
            let ear = match bus {
                Bus::ZeroNine(broker) => self.exchange(&instance, broker)?,
                Bus::One(broker) => self.addresses(broker)?,
            };
            taps.push(Tap { instance, ear });
        }
        Ok(taps)
    }

    fn exchange(&self, instance: &InstanceName, broker: &Broker) -> Result<Ear> {
        if !self.address.is_empty() {
            return Err(exit::usage(format!(
                "{instance} does not speak AMQP 1.0: it has topics, and no addresses"
            )));
        }
        let topics = match (self.topic.is_empty(), self.raw) {
            (false, _) => {
                Topics::fitting(broker, &self.topic).map_err(|error| exit::usage(format!("{instance}: {error}")))?
            }
            (true, true) => Topics::everything(broker),
            (true, false) => Topics::of_the_hub(broker),
        };
        Ok(Ear::Exchange {
            broker: Box::new(broker.clone()),
            topics,
        })
    }

    fn addresses(&self, broker: &one::Broker) -> Result<Ear> {
        let topics = match (self.topic.is_empty(), self.raw) {
            (false, _) => ear::Topics::fitting(&self.topic),
            (true, true) => ear::Topics::everything(),
            (true, false) => ear::Topics::of_the_hub(broker),
        };
        let mut broker = broker.clone();
        if !self.address.is_empty() {
            if self.address.len() > MAX_ADDRESSES {
                return Err(exit::usage(format!("more than {MAX_ADDRESSES} addresses")));
            }
            broker.addresses.clone_from(&self.address);
        }
        Ok(Ear::Addresses {
            broker: Box::new(broker),
            topics,
        })
    }

    fn form(&self) -> Form {
        match (self.json, self.raw) {
            (true, _) => Form::Json,
            (false, true) => Form::Raw,
            (false, false) => Form::Words,
        }
    }
}

/// The broker of an instance, by what it speaks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bus<'a> {
    ZeroNine(&'a Broker),
    One(&'a one::Broker),
}

impl<'a> Bus<'a> {
    fn of(instance: &'a Instance) -> Option<Self> {
        let one = || instance.one.as_ref().map(Self::One);
        instance.broker.as_ref().map(Self::ZeroNine).or_else(one)
    }
}

/// Returns the broker of an instance that was named.
pub(super) fn bus_of<'a>(settings: &'a Settings, name: &str) -> Result<Bus<'a>> {
    let Some(instance) = settings.instances.get(&InstanceName::new(name)) else {
        let names: Vec<&str> = settings.instances.keys().map(InstanceName::as_str).collect();
        let (name, names) = (one_line(name, MAX_SAID), names.join(", "));
        return Err(exit::usage(format!(
            "the configuration has no instance {name:?}; it has {names}"
        )));
    };
    Bus::of(instance).ok_or_else(|| exit::trouble(format!("{name} does not have a message broker")))
}

/// Takes a pattern that AMQP has room for.
fn pattern(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("expected a pattern such as org.fedoraproject.prod.buildsys.#".to_owned()),
        1..=MAX_SHORT => Ok(text.to_owned()),
        _ => Err(format!("AMQP has room for {MAX_SHORT} bytes")),
    }
}

/// How it has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ended {
    Interrupted,
    /// As many messages as were asked for were printed.
    Counted,
    /// There is no line any more.
    NoLine,
}

/// What is printed, and what was said.
struct Show {
    form: Form,
    filter: Filter,
    /// How many more messages are to be printed.
    left: Option<u64>,
    /// There are several instances, so each line says which it is of.
    are_several: bool,
    printer: Printer,
    zone: TimeZone,
    is_terminal: bool,
    /// What was last said of a line that is down.
    said: BTreeMap<InstanceName, Problem>,
    /// The kinds of unreadable messages that were told of.
    kinds: BTreeSet<&'static str>,
}

impl Show {
    fn new(tail: Tail, are_several: bool) -> Self {
        Self {
            form: tail.form(),
            filter: Filter {
                packages: tail.package.into_iter().collect(),
                users: tail.user.into_iter().collect(),
            },
            left: tail.count,
            are_several,
            printer: Printer::start(),
            zone: TimeZone::system(),
            is_terminal: std::io::stdout().is_terminal(),
            said: BTreeMap::new(),
            kinds: BTreeSet::new(),
        }
    }

    async fn run(&mut self, mut inbox: mpsc::Receiver<(InstanceName, Told)>) -> Result<Ended> {
        let [mut interrupt, mut terminate] = signals()?;
        loop {
            let (instance, told) = tokio::select! {
                biased;
                _ = interrupt.recv() => return Ok(Ended::Interrupted),
                _ = terminate.recv() => return Ok(Ended::Interrupted),
                written = self.printer.broken() => {
                    written?;
                    return Ok(Ended::NoLine);
                }
                told = inbox.recv() => match told {
                    Some(told) => told,
                    None => return Ok(Ended::NoLine),
                },
            };
            match told {
                Told::Up { host, again } => self.up(&instance, &host, again),
                Told::Down(trouble) => self.down(&instance, &trouble),
                Told::Unfit { host, why } => refuse(&instance, &host, &why),
                Told::Message(heard) => self.take(&instance, &heard)?,
            }
            if let Some(n) = self.printer.left_out() {
                let sentence = tr_n("{n} message was left out", "{n} messages were left out", n);
                mutter(&fill(&sentence, &[("n", &n.to_string())]));
            }
            if self.left == Some(0) {
                return Ok(Ended::Counted);
            }
        }
    }

    /// Says that a line is back.
    fn up(&mut self, instance: &InstanceName, host: &str, again: bool) {
        self.said.remove(instance);
        if again {
            let sentence = fill(
                &tr("{host} is heard again; what it sent meanwhile was missed"),
                &[("host", host)],
            );
            mutter(&of_instance(instance, &sentence));
        }
    }

    /// Says why a line is down, once.
    fn down(&mut self, instance: &InstanceName, trouble: &Trouble) {
        if self.said.insert(instance.clone(), trouble.problem) != Some(trouble.problem) {
            say_trouble(instance, trouble);
        }
    }

    /// Prints a message, if it is one of those that are wanted.
    fn take(&mut self, instance: &InstanceName, heard: &Heard) -> Result<()> {
        let is_of_a_size = heard.is_of_a_size();
        let meaning = match (self.form, is_of_a_size) {
            // Nothing of this size is kept until it is written.
            (_, Err(error)) => {
                self.complain(instance, heard, &error);
                return Ok(());
            }
            (Form::Raw, Ok(())) => Meaning::SomethingElse,
            (Form::Words | Form::Json, Ok(())) => heard.meaning(),
        };
        if let Meaning::Spoiled(error) = &meaning {
            self.complain(instance, heard, error);
        }
        let fits = match &meaning {
            Meaning::News { event, .. } => self.filter.fits(event),
            Meaning::SomethingElse => self.filter.is_open(),
            // There are no words for it; a recording is of all that was sent.
            Meaning::Spoiled(_) => self.form == Form::Json && self.filter.is_open(),
        };
        if !fits {
            return Ok(());
        }
        let line = match self.form {
            Form::Raw => {
                let headers = serde_json::to_string(&heard.headers())?;
                heard::raw(heard.topic(), &headers, &heard.body(), self.is_terminal)
            }
            Form::Json => heard::harmless(&heard.recorded(instance).to_line()?),
            Form::Words => self.words(instance, heard, &meaning),
        };
        if !self.printer.print(line) {
            if self.printer.begins_to_leave_out() {
                mutter(&tr("Whoever reads this is too slow; messages are left out"));
            }
        } else if let Some(left) = &mut self.left {
            *left -= 1;
        }
        Ok(())
    }

    fn words(&self, instance: &InstanceName, heard: &Heard, meaning: &Meaning) -> String {
        let (event, owner) = match meaning {
            Meaning::News { event, owner } => (Some(event), *owner),
            Meaning::SomethingElse | Meaning::Spoiled(_) => (None, None),
        };
        let heard = heard::Heard {
            at: heard.at,
            instance: self.are_several.then_some(instance),
            topic: heard.topic(),
            event,
            owner,
        };
        heard::line(&heard, &self.zone)
    }

    /// Says that a message cannot be read, once for each kind of trouble.
    fn complain(&mut self, instance: &InstanceName, heard: &Heard, error: &DecodeError) {
        if self.kinds.insert(error.kind()) {
            let (topic, error) = (heard.topic(), error.to_string());
            let (topic, error) = (one_line(topic, MAX_SAID), one_line(&error, MAX_SAID));
            mutter(&format!(
                "{instance}: a message to {topic} cannot be read ({error}); more of this kind are not told of"
            ));
        }
    }
}

/// Says why nothing is read where that would do harm.
fn refuse(instance: &InstanceName, host: &str, why: &Unfit) {
    match why {
        Unfit::NotLent(address) => {
            let address = one_line(address, MAX_SAID);
            mutter(&format!(
                "{instance}: what is read from {address} is taken from whoever else reads it, and {host} lends no copies"
            ));
            mutter_more("Listen to a topic that has the same messages, by --address");
        }
        Unfit::Rabbit => {
            mutter(&format!(
                "{instance}: {host} is a RabbitMQ, which leaves a queue behind for whoever listens in by AMQP 1.0"
            ));
            mutter_more("Listen by AMQP 0-9-1, which it speaks as well: dialect = \"koji-protonmsg\"");
        }
    }
}

/// Returns what stops us in order.
fn signals() -> Result<[Signal; 2]> {
    let stop = |kind| signal(kind).context("signals cannot be received");
    Ok([stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?])
}

/// Says what is wrong with a line, and what to do about it.
pub(super) fn say_trouble(instance: &InstanceName, trouble: &Trouble) {
    mutter(&of_instance(instance, &trouble::in_full(trouble)));
    // That it is tried again would be the advice.
    let is_left = trouble.retry.is_none() && matches!(trouble.problem, Problem::Unreachable | Problem::Interrupted);
    if !is_left {
        mutter_more(&trouble::advice(trouble.problem));
    }
}

fn of_instance(instance: &InstanceName, sentence: &str) -> String {
    let values = [("instance", instance.as_str()), ("trouble", sentence)];
    fill(&tr("{instance}: {trouble}"), &values)
}

/// Says something beside what is printed.
#[expect(clippy::print_stderr, reason = "this is the command line")]
pub(super) fn mutter(text: &str) {
    eprintln!("koji-notify: {text}");
}

#[expect(clippy::print_stderr, reason = "this is the command line")]
pub(super) fn mutter_more(text: &str) {
    eprintln!("    {text}");
}
