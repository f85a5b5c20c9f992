//! `koji-notify hub call`: what a call of the hub's interface is made of, from the words of a command line.
//!
//! A word that is JSON is that value, a word such as `key=value` is a keyword argument, and everything else is text;
//! text that looks like one of the others is written as a JSON string. What methods there are is the hub's to know.

use serde_json::{Map, Value};

/// Ask a hub
#[derive(Debug, clap::Args)]
pub(super) struct Hub {
    #[command(subcommand)]
    pub(super) command: HubCommand,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum HubCommand {
    /// Call a method and print what it returns as JSON
    Call(Call),
}

#[derive(Debug, clap::Args)]
pub(super) struct Call {
    /// The method, such as getBuild
    #[arg(value_parser = method)]
    pub(super) method: String,

    /// JSON values, key=value, or text
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    words: Vec<String>,

    /// The instance, by its name in the configuration; needed if there are several
    #[arg(long, value_name = "NAME")]
    pub(super) instance: Option<String>,

    /// Log in first
    #[arg(long)]
    pub(super) login: bool,
}

/// What a method is called with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parameters {
    pub(super) positional: Vec<Value>,
    pub(super) keywords: Map<String, Value>,
}

/// Why it cannot be called so.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}= is given twice")]
pub(super) struct Twice(String);

impl Call {
    /// Returns what the method is called with.
    ///
    /// # Errors
    ///
    /// If a keyword is there twice.
    pub(super) fn parameters(&self) -> Result<Parameters, Twice> {
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
            &["--instance", "stg", "--login", "getLoggedInUser"],
            expect!["getLoggedInUser [] {} on stg, logged in"],
        );
        check(&["host.getID"], expect!["host.getID [] {}"]);
        check(&["any", "--", "--login"], expect![[r#"any ["--login"] {}"#]]);
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        assert_eq!(
            call(&["any", "a=1", "a=2"]).unwrap().parameters(),
            Err(Twice("a".to_owned()))
        );
        for wrong in [&["get Build"][..], &["1"], &[""], &["a..b"], &["--bogus", "x"], &[]] {
            assert!(call(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn every_word_is_in_the_call_once(words in prop::collection::vec(any::<String>(), 0..5)) {
            let call = Call { method: "any".to_owned(), words, instance: None, login: false };
            if let Ok(parameters) = call.parameters() {
                prop_assert_eq!(parameters.positional.len() + parameters.keywords.len(), call.words.len());
            }
        }

        #[test]
        fn any_text_can_be_said_as_json(text in any::<String>()) {
            let words = vec![Value::from(text.clone()).to_string(), format!("a={}", Value::from(text.clone()))];
            let call = Call { method: "any".to_owned(), words, instance: None, login: false };
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
        if call.login {
            line += ", logged in";
        }
        expected.assert_eq(&line);
    }
}
