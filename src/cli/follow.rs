//! `koji-notify follow` and `koji-notify unfollow`, asked over D-Bus; and how a build or task is written on one line.

use anyhow::Result;
use serde_json::{Map, Value};

use super::exit::{Exit, refused};
use super::{client, say};
use crate::desktop::client::{self, Told};
use crate::koji::meant::one_line;

/// The most characters of one word of a line: what strangers write has no limit of its own.
const MAX_WORD: usize = 200;

#[derive(Debug, clap::Args)]
pub(super) struct Follow {
    /// A task's number, a build's name-version-release, or the address of the page of either
    what: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Unfollow {
    /// A task's number, a build's name-version-release, or the address of the page of either
    what: String,
}

impl Follow {
    pub(super) async fn run(self) -> Result<Exit> {
        let told = client::follow(&client().await?, &self.what).await;
        say(&line(&told.map_err(refused)?))?;
        Ok(Exit::Done)
    }
}

impl Unfollow {
    pub(super) async fn run(self) -> Result<Exit> {
        client().await?.unfollow(&self.what).await.map_err(refused)?;
        Ok(Exit::Done)
    }
}

/// Returns a build or task and how it stands on one line, in the hub's words: `bash-5.3-1.fc43 FAILED x86_64 package
/// https://…`.
pub(super) fn line(told: &Told) -> String {
    let what = match (&told.nvr, told.build, told.task) {
        (Some(nvr), _, _) => nvr.clone(),
        (None, Some(build), _) => format!("build {build}"),
        (None, None, Some(task)) => format!("task {task}"),
        (None, None, None) => told.instance.clone(),
    };
    let detail = |name: &str| told.details.get(name).and_then(|it| it.downcast_ref::<&str>().ok());
    let why = ["arch", "class", "log"].into_iter().filter_map(detail);
    let words = [&*what, &*told.state].into_iter().chain(why);
    let words: Vec<_> = words.map(|it| one_line(it, MAX_WORD)).collect();
    words.join(" ")
}

/// Returns all that was told as a JSON object; what is not known is `null`, or not there.
pub(super) fn json(told: &Told) -> Value {
    let details = told.details.iter().filter_map(|(name, value)| {
        let text = value.downcast_ref::<&str>().map(Value::from);
        let text = text.or_else(|_| value.downcast_ref::<bool>().map(Value::from));
        let value = text.or_else(|_| value.downcast_ref::<u64>().map(Value::from));
        Some((name.clone(), value.ok()?))
    });
    let mut all: Map<String, Value> = details.collect();
    all.extend([
        ("instance".to_owned(), Value::from(told.instance.clone())),
        ("build".to_owned(), Value::from(told.build)),
        ("task".to_owned(), Value::from(told.task)),
        ("nvr".to_owned(), Value::from(told.nvr.clone())),
        ("state".to_owned(), Value::from(told.state.clone())),
    ]);
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use expect_test::expect;
    use zbus::zvariant::OwnedValue;

    use super::*;

    fn told() -> Told {
        Told {
            instance: "fedora".to_owned(),
            build: None,
            task: Some(4711),
            nvr: None,
            state: "FAILED".to_owned(),
            details: HashMap::new(),
        }
    }

    #[test]
    fn a_line_says_what_it_is_how_it_stands_and_why() {
        assert_eq!(line(&told()), "task 4711 FAILED");
        let text = |it: &str| OwnedValue::from(zbus::zvariant::Str::from(it));
        let details = HashMap::from([
            ("arch".to_owned(), text("x86_64")),
            ("class".to_owned(), text("package")),
            ("log".to_owned(), text("https://files.example.com/build.log")),
            ("fault".to_owned(), text("BuildError")),
            ("mine".to_owned(), OwnedValue::from(true)),
            ("later".to_owned(), OwnedValue::from(1.5)),
        ]);
        let whole = Told {
            nvr: Some("bash-5.3-1\u{1b}[31m\n".to_owned()),
            details,
            ..told()
        };
        assert_eq!(
            line(&whole),
            "bash-5.3-1 [31m  FAILED x86_64 package https://files.example.com/build.log"
        );
        expect![[r#"{"arch":"x86_64","build":null,"class":"package","fault":"BuildError","instance":"fedora","log":"https://files.example.com/build.log","mine":true,"nvr":"bash-5.3-1\u001b[31m\n","state":"FAILED","task":4711}"#]]
            .assert_eq(&json(&whole).to_string());
    }
}
