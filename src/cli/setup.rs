//! `koji-notify setup`: from what is on this computer to a configuration that works.
//!
//! Nothing is asked that can be answered by looking. The login is tried as `check` tries it, and what came of it is
//! said, before anything is written.
//!
//! Promise: all questions come first, so whoever leaves at one leaves nothing behind. A configuration that is there is
//! never overwritten. No secret is asked for.

mod line;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;

use self::line::Line;
use super::check::{Finding, State, Topic, describe, look_at, look_at_user};
use super::exit::{self, Exit, Unread};
use crate::clock;
use crate::config::found::{self, Choice, Found};
use crate::config::{self, ConfigError, Identity, Places, Settings, autostart};
use crate::i18n::{fill, tr};
use crate::koji::meant::one_line;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 4096;

/// The most characters of what is in somebody's file, or of an answer that is repeated.
const MAX_SAID: usize = 400;

#[derive(Clone, Debug, Default, clap::Args)]
pub struct Setup {
    /// Take every default and ask nothing
    #[arg(long)]
    pub yes: bool,

    /// Ask nothing, and print each thing as a line of JSON
    #[arg(long)]
    pub json: bool,

    /// Write nothing, and print what would be written
    #[arg(long)]
    pub dry_run: bool,

    /// Keep a configuration that is there under a name with a date, and write another
    #[arg(long)]
    pub force: bool,

    /// Do not try the login
    #[arg(long)]
    pub no_check: bool,

    /// Who you are, instead of what can be found out
    #[arg(long, value_name = "NAME", value_parser = user)]
    pub user: Option<String>,

    /// Which Koji you use, by its name; several with commas
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,

    /// Do not start when you log in
    #[arg(long)]
    pub no_autostart: bool,
}

/// Where questions are put and answers come from.
pub struct Terminal<'a> {
    /// `None`: nobody is asked, and every default is taken.
    pub answers: Option<&'a mut dyn BufRead>,
    pub output: &'a mut dyn Write,
    /// It is a program that reads, and nobody is asked.
    pub json: bool,
}

/// Somebody has left at a question.
#[derive(Debug, thiserror::Error)]
#[error("there was no answer")]
struct Left;

impl Setup {
    pub(super) async fn run(self, places: &Places) -> Result<Exit> {
        let mut input = BufReader::new(io::stdin());
        if !self.yes && !self.json && !input.get_ref().is_terminal() {
            let said = "there is nobody to ask: run this in a terminal, or with --yes, which takes every default";
            return Err(exit::usage(said.to_owned()));
        }
        let mut terminal = Terminal {
            answers: Some(&mut input),
            output: &mut io::stdout(),
            json: self.json,
        };
        self.set_up(places, &mut terminal).await
    }

    /// Looks, asks, tries and writes.
    ///
    /// # Errors
    ///
    /// If nobody knows who the person is, if what was found cannot be used, or if it cannot be written.
    pub async fn set_up(&self, places: &Places, terminal: &mut Terminal<'_>) -> Result<Exit> {
        match self.lead(places, terminal).boxed_local().await {
            Err(error) if error.is::<Left>() => {
                terminal.say(&format!("\n{}", tr("Nothing was written")))?;
                Ok(Exit::Failed)
            }
            result => result,
        }
    }

    async fn lead(&self, places: &Places, terminal: &mut Terminal<'_>) -> Result<Exit> {
        let found = found::look(places);
        tell_unusable(&found, terminal)?;
        if found.choices.is_empty() {
            return tell_nothing(places, terminal);
        }
        let file = places.config_file();
        let is_there = fs::symlink_metadata(&file).is_ok();
        if is_there && !self.force && !self.dry_run {
            return self.leave_alone(places, &found, terminal).await;
        }
        if self.yes || terminal.json {
            terminal.answers = None;
        }
        let chosen = self.choose(&found.choices, terminal)?;
        let (text, settings) = match self.complete(places, &chosen, terminal).await {
            Err(error) if terminal.json => return tell_nobody(&error, terminal),
            completed => completed?,
        };
        let works = self.no_check || try_out(&settings, terminal).await?;
        let exit = if works { Exit::Done } else { Exit::Trouble };
        if self.dry_run {
            would_be_written(&file, &text, terminal)?;
            return Ok(exit);
        }
        if !works && !terminal.agree(&tr("Write the configuration all the same?"))? {
            terminal.say(&tr("Nothing was written"))?;
            return Ok(exit);
        }
        // The session would start it with the usual configuration.
        let can_start = !self.no_autostart && places.file.is_none() && !autostart::is_on(places);
        let starts = can_start && terminal.agree(&tr("Start koji-notify when you log in?"))?;
        write(&file, &text, is_there, terminal)?;
        if starts {
            autostart::switch(places, true)?;
        }
        conclude(places, &chosen, terminal)?;
        Ok(exit)
    }

    /// Shows what could be written beside what is there.
    async fn leave_alone(&self, places: &Places, found: &Found, terminal: &mut Terminal<'_>) -> Result<Exit> {
        let file = places.config_file();
        let sentence = tr("There is a configuration already, and it is left as it is: {file}");
        terminal.say(&fill(&sentence, &[("file", &file.display().to_string())]))?;
        terminal.answers = None;
        let chosen = self.choose(&found.choices, terminal)?;
        let text = match self.complete(places, &chosen, terminal).await {
            Ok((text, _)) => text,
            // It is to be seen all the same.
            Err(_) => found::written(&chosen, &BTreeMap::new()),
        };
        would_be_written(&file, &text, terminal)?;
        terminal.say("")?;
        let sentence = tr("`{command}` writes it, and keeps the old one under a name with a date");
        terminal.say(&fill(&sentence, &[("command", "koji-notify setup --force")]))?;
        Ok(Exit::Failed)
    }

    /// Says what there is, and asks which of it is wanted if there is more than one.
    fn choose(&self, choices: &[Choice], terminal: &mut Terminal<'_>) -> Result<Vec<Choice>> {
        if let Some(wish) = &self.instance {
            let chosen = picked(wish, choices).map_err(|it| exit::usage(no_such(it)))?;
            tell_choices(choices, &chosen, terminal)?;
            return Ok(chosen);
        }
        tell_choices(choices, choices.get(..1).unwrap_or_default(), terminal)?;
        if choices.len() == 1 {
            return Ok(choices.to_vec());
        }
        loop {
            // Translators: an answer is one number of a list, or several with commas.
            let answer = terminal.ask(&tr("Which of them do you use?"), Some("1"))?;
            match picked(&answer, choices) {
                Ok(chosen) => return Ok(chosen),
                Err(unknown) => terminal.say(&no_such(unknown))?,
            }
        }
    }

    /// Returns the configuration with everybody's name in it, and the settings that it makes. A ticket is not always
    /// there when the session starts, so the name that it tells is written down.
    async fn complete(
        &self,
        places: &Places,
        chosen: &[Choice],
        terminal: &mut Terminal<'_>,
    ) -> Result<(String, Settings)> {
        let mut users = BTreeMap::new();
        if let Some(user) = &self.user {
            users.extend(chosen.iter().map(|it| (it.name.clone(), user.clone())));
        }
        let settings = loop {
            match tried(places, &found::written(chosen, &users)).await? {
                Ok(settings) => break settings,
                Err(ConfigError::NoUser(nobody)) if terminal.answers.is_some() => {
                    let last = users.values().next_back().cloned();
                    let name = ask_user(&nobody.instance, last.as_deref(), terminal)?;
                    users.insert(nobody.instance, name);
                }
                Err(error) => return Err(error.into()),
            }
        };
        for (name, instance) in &settings.instances {
            if instance.users_from == Identity::Configuration {
                continue;
            }
            terminal.find(&look_at_user(name, instance))?;
            if let Some(user) = instance.users.first() {
                users.insert(name.to_string(), user.clone());
            }
        }
        Ok((found::written(chosen, &users), settings))
    }
}

/// Reads what is not written yet. Nothing is left of it, not even the name of a queue.
async fn tried(places: &Places, text: &str) -> Result<Result<Settings, ConfigError>> {
    let state = tempfile::tempdir().context("no temporary folder can be made")?;
    let places = Places {
        state: state.path().to_owned(),
        ..places.clone()
    };
    Ok(config::load_text(&places, text).await)
}

/// Takes what can be somebody's name.
fn user(text: &str) -> Result<String, String> {
    if found::is_user(text) {
        Ok(text.to_owned())
    } else {
        Err("expected a user name, without blanks".to_owned())
    }
}

fn tell_unusable(found: &Found, terminal: &mut Terminal<'_>) -> Result<()> {
    for it in &found.unusable {
        let (what, why) = (one_line(&it.what, MAX_SAID), one_line(&it.why, MAX_SAID));
        // Most reasons begin with the file, and its line.
        let sentence = if why.starts_with(&what) {
            why
        } else {
            fill(&tr("{what}: {text}"), &[("what", &what), ("text", &why)])
        };
        terminal.tell(&Line::Unusable(&sentence), &format!("! {sentence}"))?;
    }
    Ok(())
}

fn tell_nothing(places: &Places, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let folder = places.fedora_messaging().display().to_string();
    let sentence =
        tr("Nothing of Koji's is on this computer: no message bus in {folder}, no profile of the koji client");
    terminal.say(&fill(&sentence, &[("folder", &folder)]))?;
    // Translators: {command} is what to type on Fedora, {file} the configuration.
    let fedora = fill(
        &tr("On Fedora: {command}"),
        &[("command", "sudo dnf install fedora-messaging")],
    );
    let file = places.config_file().display().to_string();
    let other = fill(
        &tr("Else get a profile of the koji client, or write {file} yourself"),
        &[("file", &file)],
    );
    terminal.say(&format!("    {fedora}\n    {other}"))?;
    if !terminal.json {
        terminal.say(&tr("Nothing was written"))?;
    }
    Ok(Exit::Failed)
}

/// Says which of the choices there are, and which of them are taken unless somebody says otherwise.
fn tell_choices(choices: &[Choice], taken: &[Choice], terminal: &mut Terminal<'_>) -> Result<()> {
    if !terminal.json {
        terminal.say(&tr("Found on this computer:"))?;
    }
    let is_one = choices.len() == 1;
    for (at, choice) in choices.iter().enumerate() {
        let mark = if is_one {
            String::new()
        } else {
            format!("{:>2}  ", at + 1)
        };
        let text = told(choice);
        let line = Line::Choice {
            name: &choice.name,
            text: &text,
            taken: taken.contains(choice),
        };
        terminal.tell(&line, &format!("  {mark}{text}"))?;
    }
    Ok(())
}

fn no_such(unknown: &str) -> String {
    let sentence = tr("There is no {answer} in this list; numbers have commas between them");
    fill(&sentence, &[("answer", &one_line(unknown, MAX_SAID))])
}

/// Says who is not known, to a program that can ask.
fn tell_nobody(error: &anyhow::Error, terminal: &mut Terminal<'_>) -> Result<Exit> {
    match error.downcast_ref() {
        Some(ConfigError::NoUser(nobody)) => terminal.tell(&Line::Nobody(&nobody.instance), "")?,
        Some(_) | None => terminal.say(&format!("{error:#}"))?,
    }
    Ok(Exit::Failed)
}

/// Returns what was chosen by numbers or names, in the order of the list; else the word that is neither.
fn picked<'a>(answer: &'a str, choices: &[Choice]) -> Result<Vec<Choice>, &'a str> {
    let words: Vec<&str> = answer
        .split([',', ' '])
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    let is_meant = |word: &str, at: usize, choice: &Choice| {
        choice.name == word || word.parse().is_ok_and(|number: usize| number == at + 1)
    };
    for word in &words {
        if !choices.iter().enumerate().any(|(at, it)| is_meant(word, at, it)) {
            return Err(word);
        }
    }
    if words.is_empty() {
        return Err(answer);
    }
    let chosen = choices.iter().enumerate();
    let chosen = chosen.filter(|(at, it)| words.iter().any(|word| is_meant(word, *at, it)));
    Ok(chosen.map(|(_, it)| it.clone()).collect())
}

fn told(choice: &Choice) -> String {
    let hub = choice.hub.as_ref().map_or("", |it| &it.host);
    let bus = choice.bus.as_ref().map_or("", |it| &it.host);
    let sentence = match (&choice.bus, &choice.hub, choice.preset) {
        // Translators: {hub} and {bus} are names of hosts.
        (Some(_), Some(_), _) => tr("{name}: {hub}, with the message bus {bus}"),
        (Some(_), None, _) => tr("{name}: the message bus {bus}; no hub is known"),
        (None, _, Some(_)) => {
            tr("{name}: {hub}; it is asked every few minutes, as the package fedora-messaging is not installed")
        }
        (None, _, None) => tr("{name}: {hub}; it is asked every few minutes, as no message bus is known"),
    };
    fill(&sentence, &[("name", &choice.name), ("hub", hub), ("bus", bus)])
}

fn ask_user(instance: &str, default: Option<&str>, terminal: &mut Terminal<'_>) -> Result<String> {
    loop {
        // Translators: {instance} is the name of a Koji: "fedora".
        let question = fill(&tr("Your user name on {instance}?"), &[("instance", instance)]);
        let name = terminal.ask(&question, default)?;
        if found::is_user(&name) {
            return Ok(name);
        }
        terminal.say(&tr("A user name is one word"))?;
    }
}

/// Tries broker and hub, and says what came of it. Returns whether all of it works.
async fn try_out(settings: &Settings, terminal: &mut Terminal<'_>) -> Result<bool> {
    terminal.say(&tr("Trying it, which can take half a minute"))?;
    let mut works = true;
    for (name, instance) in &settings.instances {
        for finding in look_at(name, instance, &settings.wanted).boxed_local().await {
            let matters = matches!(finding.topic, Topic::Broker | Topic::Hub | Topic::HubUser);
            if matters || finding.state != State::Good {
                terminal.find(&finding)?;
            }
            works &= finding.state != State::Bad;
        }
    }
    let sentence = if works {
        tr("It works")
    } else {
        tr("Not all of it works")
    };
    terminal.tell(&Line::Works(works), &sentence)?;
    Ok(works)
}

fn would_be_written(file: &Path, text: &str, terminal: &mut Terminal<'_>) -> Result<()> {
    if terminal.json {
        return terminal.tell(&Line::Would { file, text }, "");
    }
    let sentence = tr("This would be written to {file}:");
    terminal.say(&fill(&sentence, &[("file", &file.display().to_string())]))?;
    terminal.say(&format!("\n{}", text.trim_end()))
}

fn write(file: &Path, text: &str, is_there: bool, terminal: &mut Terminal<'_>) -> Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(clock::now().strftime(".%Y%m%dT%H%M%SZ").to_string());
    let aside = is_there.then(|| Path::new(&aside));
    found::write_new(file, text, aside)?;
    let say = |sentence: &str, file: &Path| fill(sentence, &[("file", &file.display().to_string())]);
    terminal.tell(&Line::Written(file), &say(&tr("Written: {file}"), file))?;
    if let Some(aside) = aside {
        terminal.say(&say(&tr("The old one is now {file}"), aside))?;
    }
    Ok(())
}

/// Says what comes next.
fn conclude(places: &Places, chosen: &[Choice], terminal: &mut Terminal<'_>) -> Result<()> {
    for choice in chosen.iter().filter(|it| it.bus.is_none() && it.preset.is_none()) {
        // Translators: {table} is a part of the configuration; the words in ` are its options.
        let sentence = tr(
            "If {name} has a message bus, {table} takes its `url`, with `certificate` and `key` or `user` and `password-file`",
        );
        let table = format!("[instance.{}.broker]", choice.name);
        terminal.say(&fill(&sentence, &[("name", &choice.name), ("table", &table)]))?;
    }
    let command = match &places.file {
        Some(file) => format!("koji-notify --config {}", file.display()),
        None => "koji-notify".to_owned(),
    };
    if places.file.is_none() {
        terminal.say(&if autostart::is_on(places) {
            tr("koji-notify starts when you log in")
        } else {
            tr("koji-notify does not start when you log in; the menu of its tray icon can change that")
        })?;
    }
    // Translators: {command} is what to type.
    terminal.say(&fill(&tr("Start it now: {command}"), &[("command", &command)]))
}

impl Terminal<'_> {
    fn say(&mut self, text: &str) -> Result<()> {
        self.tell(&Line::Says(text), text)
    }

    fn find(&mut self, finding: &Finding) -> Result<()> {
        self.tell(&Line::Finding(finding), &describe(finding))
    }

    /// Says something: in these words to a person, as a line to a program.
    fn tell(&mut self, line: &Line<'_>, words: &str) -> Result<()> {
        if self.json {
            let line = serde_json::to_string(line)?;
            return self.put(&format!("{line}\n"));
        }
        self.put(&format!("{words}\n"))
    }

    /// Puts a question until there is an answer. Returns the default if the answer is empty.
    fn ask(&mut self, question: &str, default: Option<&str>) -> Result<String> {
        loop {
            let Some(answers) = &mut self.answers else {
                return default.map(str::to_owned).ok_or_else(|| Left.into());
            };
            let mut line = Vec::new();
            let shown = match default {
                Some(default) => format!("{question} [{default}] "),
                None => format!("{question} "),
            };
            put(self.output, &shown)?;
            let read = answers.take(MAX_ANSWER).read_until(b'\n', &mut line);
            if read.context("the terminal cannot be read")? == 0 {
                return Err(Left.into());
            }
            let answer = String::from_utf8_lossy(&line).trim().to_owned();
            match default {
                Some(default) if answer.is_empty() => return Ok(default.to_owned()),
                Some(_) | None if answer.is_empty() => {}
                Some(_) | None => return Ok(answer),
            }
        }
    }

    /// Puts a question to which yes is the likely answer.
    fn agree(&mut self, question: &str) -> Result<bool> {
        let (yes, no) = (tr("yes"), tr("no"));
        loop {
            let answer = self.ask(question, Some(&yes))?.to_lowercase();
            // In whatever language somebody answers, English is understood, too.
            let is = |word: &str| word.to_lowercase().starts_with(&answer);
            match (is(&yes) || is("yes"), is(&no) || is("no")) {
                (true, false) => return Ok(true),
                (false, true) => return Ok(false),
                (true, true) | (false, false) => {
                    let sentence = tr("The answer is {yes} or {no}");
                    self.say(&fill(&sentence, &[("yes", &yes), ("no", &no)]))?;
                }
            }
        }
    }

    fn put(&mut self, text: &str) -> Result<()> {
        put(self.output, text)
    }
}

/// Writes to the terminal. A reader that has gone away ends us quietly.
fn put(output: &mut dyn Write, text: &str) -> Result<()> {
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Unread.into()),
        written => written.context("standard output cannot be written"),
    }
}
