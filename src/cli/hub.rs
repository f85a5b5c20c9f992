//! `koji-notify hub call`: what a hub answers to any call that reads, for whoever wants to look for themselves.
//!
//! A word that is JSON is that value, a word such as `key=value` is a keyword argument, and everything else is text;
//! text that looks like one of the others is written as a JSON string. What methods there are is the hub's to know.
//!
//! Promise: nobody is logged in, so the hub lets nothing be changed. What is printed is JSON with no character in it
//! that a terminal would obey.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use serde_json::{Map, Value};

use super::exit::{self, Exit};
use super::say;
use crate::config::{self, Instance, Places};
use crate::hub::access::Hub as KojiHub;
use crate::hub::client::Client;
use crate::hub::trouble::HubError;
use crate::hub::xmlrpc;
use crate::koji::InstanceName;
use crate::koji::meant::one_line;

/// What makes a session; with a password, that would be in the list of processes.
const LOGINS: [&str; 3] = ["login", "sslLogin", "krbLogin"];

/// The most lines of a fault that are said, and the most characters of each: a traceback and more.
const MAX_FAULT_LINES: usize = 200;
const MAX_FAULT_LINE: usize = 2000;

/// The most characters of a name that is repeated.
const MAX_NAME: usize = 64;

/// Ask a hub
#[derive(Debug, clap::Args)]
pub(super) struct Hub {
    #[command(subcommand)]
    command: HubCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HubCommand {
    /// Call a method that reads, and print what it returns as JSON
    ///
    /// Nobody is logged in for it. What changes something needs a login, so the hub refuses it.
    Call(Call),
}

#[derive(Debug, clap::Args)]
struct Call {
    /// The method, such as getBuild
    #[arg(value_parser = method)]
    method: String,

    /// JSON values, key=value, or text
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    words: Vec<String>,

    /// The instance, by its name in the configuration; needed if several have a hub
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
}

/// What a method is called with.
#[derive(Clone, Debug, Default, PartialEq)]
struct Parameters {
    positional: Vec<Value>,
    keywords: Map<String, Value>,
}

/// Why it cannot be called so.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}= is given twice")]
pub(super) struct Twice(String);

/// Why there is no hub to ask.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum NoHub {
    #[error("the configuration has no instance {0:?}; it has {1}")]
    Unknown(String, String),
    #[error("several instances have a hub: say --instance with one of {0}")]
    Several(String),
    #[error("{0} has no hub that is asked")]
    None(String),
}

impl Hub {
    pub(super) async fn run(self, places: Places) -> Result<Exit> {
        match self.command {
            HubCommand::Call(call) => call.run(&places).await,
        }
    }
}

impl Call {
    async fn run(self, places: &Places) -> Result<Exit> {
        let body = xmlrpc::write::method_call(&self.method, &self.parameters()?.values()?);
        let settings = config::load(places).await?;
        let hub = choose(&settings.instances, self.instance.as_deref())?;
        let client = Client::new(hub.access.clone());
        let answer = client.read(body, |answer| xmlrpc::read::read::<xmlrpc::Value>(answer));
        let answer = answer.boxed().await.map_err(|error| told(&client, error))?;
        say(&printed(&serde_json::to_string_pretty(&answer)?))?;
        Ok(Exit::Done)
    }

    /// Returns what the method is called with.
    ///
    /// # Errors
    ///
    /// If a keyword is there twice.
    fn parameters(&self) -> Result<Parameters, Twice> {
        let mut parameters = Parameters::default();
        for word in &self.words {
            if let Ok(value) = serde_json::from_str(word) {
                parameters.positional.push(value);
            } else if let Some((key, value)) = word.split_once('=').filter(|(key, _)| is_name(key)) {
                if parameters.keywords.insert(key.to_owned(), value_of(value)).is_some() {
                    return Err(Twice(key.to_owned()));
                }
            } else {
                parameters.positional.push(word.clone().into());
            }
        }
        Ok(parameters)
    }
}

impl Parameters {
    /// Returns them as the hub takes them: keywords come last, in a map with a mark.
    fn values(self) -> Result<Vec<xmlrpc::Value>> {
        let mut values = Vec::new();
        for it in self.positional {
            values.push(value(it)?);
        }
        if !self.keywords.is_empty() {
            let mut named = Vec::new();
            for (key, it) in self.keywords {
                named.push((key, value(it)?));
            }
            values.push(xmlrpc::Value::named(named));
        }
        Ok(values)
    }
}

fn value(json: Value) -> Result<xmlrpc::Value> {
    serde_json::from_value(json).context("this cannot be sent")
}

/// Returns the hub that is meant.
fn choose<'a>(instances: &'a BTreeMap<InstanceName, Instance>, name: Option<&str>) -> Result<&'a KojiHub, NoHub> {
    let names = |is_it: &dyn Fn(&Instance) -> bool| {
        let names = instances.iter().filter(|(_, it)| is_it(it));
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    };
    if let Some(name) = name {
        let instance = instances.get(&InstanceName::new(name));
        let instance = instance.ok_or_else(|| NoHub::Unknown(one_line(name, MAX_NAME), names(&|_| true)))?;
        return instance.hub.as_ref().ok_or_else(|| NoHub::None(name.to_owned()));
    }
    let mut hubs = instances.values().filter_map(|it| it.hub.as_ref());
    match (hubs.next(), hubs.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(NoHub::Several(names(&|it| it.hub.is_some()))),
        (None, _) => Err(NoHub::None(names(&|_| true))),
    }
}

/// Returns what a person is told of a call that was not answered with a value.
fn told(client: &Client, error: HubError) -> anyhow::Error {
    let Some(fault) = error.fault() else {
        let address = client.address();
        return anyhow::Error::new(error).context(format!("{address} has not answered as a hub does"));
    };
    let number = fault.code.number();
    let name = fault.code.name().map(|it| format!(" ({it})")).unwrap_or_default();
    let lines = fault.text.trim_end().lines().take(MAX_FAULT_LINES);
    let lines: Vec<String> = lines.map(|it| one_line(it, MAX_FAULT_LINE)).collect();
    exit::faulted(format!("fault {number}{name}: {}", lines.join("\n")))
}

/// Returns JSON with escapes for what a terminal would obey, or would not show as it stands: those characters can only
/// be in its strings.
fn printed(json: &str) -> String {
    let mut printed = String::with_capacity(json.len());
    for it in json.chars() {
        let is_plain = it == '\n' || (it.is_ascii() && !it.is_ascii_control());
        if is_plain || one_line(it.encode_utf8(&mut [0; 4]), 1).starts_with(it) {
            printed.push(it);
        } else {
            printed.push_str(&format!("\\u{:04x}", u32::from(it)));
        }
    }
    printed
}

fn value_of(word: &str) -> Value {
    serde_json::from_str(word).unwrap_or_else(|_| word.into())
}

/// Returns whether Python takes it for a name, so that it can be a keyword.
fn is_name(word: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphabetic() || it == '_';
    word.starts_with(is_letter) && word.chars().all(|it| is_letter(it) || it.is_ascii_digit())
}

/// Takes names with dots, as `host.getID` and `system.listMethods` are methods, too.
fn method(word: &str) -> Result<String, String> {
    if !word.split('.').all(is_name) {
        return Err("expected the name of a method, such as getBuild".to_owned());
    }
    if LOGINS.contains(&word) {
        return Err("nobody is logged in here".to_owned());
    }
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        hub: Hub,
    }

    #[test]
    fn words_are_json_keywords_or_text() {
        check(
            &["getBuild", "bash-5.3-1.fc43", "strict=true"],
            expect![[r#"getBuild ["bash-5.3-1.fc43"] {"strict":true}"#]],
        );
        check(
            &["listTasks", r#"opts={"owner": 5, "state": [0, 1]}"#, "queryOpts={}"],
            expect![[r#"listTasks [] {"opts":{"owner":5,"state":[0,1]},"queryOpts":{}}"#]],
        );
        check(
            &[
                "any",
                "4711",
                "-1",
                "1.5",
                "true",
                "null",
                r#""4711""#,
                "None",
                "",
                "[1",
                "a b",
            ],
            expect![[r#"any [4711,-1,1.5,true,null,"4711","None","","[1","a b"] {}"#]],
        );
        check(
            &[
                "any",
                r#""key=value""#,
                "1=2",
                "=",
                "a-b=c",
                "a=",
                "b=c=d",
                "c=\"x\"",
                "ä=1",
            ],
            expect![[r#"any ["key=value","1=2","=","a-b=c","ä=1"] {"a":"","b":"c=d","c":"x"}"#]],
        );
        check(
            &["--instance", "stg", "getLoggedInUser"],
            expect!["getLoggedInUser [] {} on stg"],
        );
        check(&["host.getID"], expect!["host.getID [] {}"]);
        check(&["any", "--", "--instance"], expect![[r#"any ["--instance"] {}"#]]);
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        assert_eq!(
            call(&["any", "a=1", "a=2"]).unwrap().parameters(),
            Err(Twice("a".to_owned()))
        );
        for wrong in [
            &["get Build"][..],
            &["1"],
            &[""],
            &["a..b"],
            &["sslLogin"],
            &["--bogus", "x"],
            &[],
        ] {
            assert!(call(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn keywords_are_sent_as_koji_s_own_client_sends_them() {
        let call = call(&["getBuild", "4711", "strict=true", "opts={\"a\": [null, 1.5]}"]).unwrap();
        let sent = call.parameters().unwrap().values().unwrap();
        let opts = xmlrpc::Value::map([("a", vec![xmlrpc::Value::Nil, 1.5.into()].into())]);
        let named = [("opts", opts), ("strict", true.into()), ("__starstar", true.into())];
        assert_eq!(sent, [4711_i64.into(), xmlrpc::Value::map(named)]);
        let plain = self::call(&["getAPIVersion"]).unwrap();
        assert_eq!(plain.parameters().unwrap().values().unwrap(), []);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        let hostile = Value::from("a\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{2028}\n\"ä€😀");
        let json = serde_json::to_string_pretty(&serde_json::json!({"a": hostile})).unwrap();
        let printed = printed(&json);
        assert!(printed.chars().all(|it| it == '\n' || !it.is_control()), "{printed:?}");
        assert!(printed.contains(r"\u009b2J\u007f\u202e\u2028\n"), "{printed}");
        assert!(printed.contains("ä€😀"), "{printed}");
        let read: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(read["a"], hostile);
    }

    proptest! {
        #[test]
        fn every_word_is_in_the_call_once(words in prop::collection::vec(any::<String>(), 0..5)) {
            let call = Call { method: "any".to_owned(), words, instance: None };
            if let Ok(parameters) = call.parameters() {
                prop_assert_eq!(parameters.positional.len() + parameters.keywords.len(), call.words.len());
            }
        }

        #[test]
        fn any_text_can_be_said_as_json(text in any::<String>()) {
            let words = vec![Value::from(text.clone()).to_string(), format!("a={}", Value::from(text.clone()))];
            let call = Call { method: "any".to_owned(), words, instance: None };
            let parameters = call.parameters().unwrap();
            prop_assert_eq!(parameters.positional, vec![Value::from(text.clone())]);
            prop_assert_eq!(parameters.keywords.get("a"), Some(&Value::from(text)));
        }
    }

    fn call(words: &[&str]) -> Result<Call, clap::Error> {
        let words = ["hub", "call"].into_iter().chain(words.iter().copied());
        let HubCommand::Call(call) = Line::try_parse_from(words)?.hub.command;
        Ok(call)
    }

    fn check(words: &[&str], expected: Expect) {
        let call = call(words).unwrap();
        let parameters = call.parameters().unwrap();
        let positional = Value::from(parameters.positional);
        let keywords = Value::from(parameters.keywords);
        let mut line = format!("{} {positional} {keywords}", call.method);
        if let Some(instance) = &call.instance {
            line += &format!(" on {instance}");
        }
        expected.assert_eq(&line);
    }
}
