//! One option of `config.toml` and another: what is written there, and something else in its place.
//!
//! An option has the name that the file gives it, key by key. Promise: what the configuration's reader would refuse is
//! never written; the file keeps what it said. All else in it, comments too, stays as it was.
//!
//! It deliberately does not know what an option means: the reader does.

use toml_edit::{Array, DocumentMut, Item, Key, RawString, TableLike, Value};

use super::document::Document;
use super::edit::{SAMPLE, write};
use super::{ConfigError, Places, Preset, load_text};

/// The table of the instances.
const INSTANCE: &str = "instance";

/// What an option says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Words {
    On(bool),
    Text(String),
    List(Vec<String>),
}

/// An option that is to say something else; `None`: nothing at all, so that its default counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The option's keys, from the outermost table: `quiet`, `hours`.
    pub keys: Vec<String>,
    pub to: Option<Words>,
}

/// What is written in the configuration, whether it makes sense or not.
pub struct Written {
    document: Document,
}

impl Written {
    /// Reads it. Where there is no file, nothing is written.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is no TOML.
    pub fn read(places: &Places) -> Result<Self, ConfigError> {
        let file = places.config_file();
        let document = match Document::read(&file)? {
            Some(document) => document,
            None => Document::parse(&file, Vec::new())?,
        };
        Ok(Self { document })
    }

    /// Returns the names of the instances.
    pub fn instances(&self) -> Vec<String> {
        let table = self.document.root().get(INSTANCE).and_then(Item::as_table_like);
        let names = table.map(|it| it.iter().map(|(name, _)| name.to_owned()).collect());
        names.unwrap_or_default()
    }

    /// Returns what an option says. `None`: it is not there, or has another shape.
    pub fn words(&self, keys: &[&str]) -> Option<Words> {
        words(item(&self.document, keys)?)
    }

    /// Returns the text of an option.
    pub fn text(&self, keys: &[&str]) -> Option<String> {
        match self.words(keys)? {
            Words::Text(text) => Some(text),
            Words::On(_) | Words::List(_) => None,
        }
    }

    /// Returns the list of an option; a text is a list of one.
    pub fn list(&self, keys: &[&str]) -> Vec<String> {
        match self.words(keys) {
            Some(Words::List(list)) => list,
            Some(Words::Text(text)) => vec![text],
            Some(Words::On(_)) | None => Vec::new(),
        }
    }
}

/// Changes options, all or none. Where there is no file, it is the sample with these options.
///
/// # Errors
///
/// If the file cannot be understood or written, or if it would not be one that the reader takes.
pub async fn change(places: &Places, changes: &[Change]) -> Result<(), ConfigError> {
    let file = places.config_file();
    let mut document = match Document::read(&file)? {
        Some(document) => document,
        None => Document::parse(&file, SAMPLE.as_bytes().to_vec())?,
    };
    let before = document.text().to_owned();
    for change in changes {
        let keys: Vec<&str> = change.keys.iter().map(String::as_str).collect();
        if change.to.is_some() && is_only_meant(&document, &keys) {
            let preset = Words::Text(Preset::Fedora.name().to_owned());
            let keys = [INSTANCE, Preset::Fedora.name(), "preset"];
            document = Document::parse(&file, changed(&document, &keys, Some(&preset))?.into_bytes())?;
        }
        document = Document::parse(&file, changed(&document, &keys, change.to.as_ref())?.into_bytes())?;
    }
    load_text(places, document.text()).await?;
    if document.text() == before {
        return Ok(());
    }
    write(&file, document.text())
}

/// Returns the text with one option changed, and nothing else.
pub(super) fn changed(document: &Document, keys: &[&str], to: Option<&Words>) -> Result<String, ConfigError> {
    if says(document, keys, to) {
        return Ok(document.text().to_owned());
    }
    let mut text = match to {
        Some(to) => with(document, keys, to)?,
        None => without(document, keys)?,
    };
    // The editor of TOML ends every line in its own way.
    if document.text().contains("\r\n") && !document.text().replace("\r\n", "").contains('\n') {
        text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    // What is written must say what was asked, whatever shape the file has.
    let again = Document::parse(document.file(), text.clone().into_bytes());
    match again {
        Ok(again) if says(&again, keys, to) => Ok(text),
        Ok(_) | Err(_) => Err(document.wrong(keys, "this table cannot be changed without you")),
    }
}

/// Returns whether this is an option of Fedora's instance, which is there only as no other is.
fn is_only_meant(document: &Document, keys: &[&str]) -> bool {
    let is_of_fedora = keys.first() == Some(&INSTANCE) && keys.get(1) == Some(&Preset::Fedora.name());
    let instances = document.root().get(INSTANCE).and_then(Item::as_table_like);
    is_of_fedora && instances.is_none_or(TableLike::is_empty)
}

fn says(document: &Document, keys: &[&str], to: Option<&Words>) -> bool {
    match (item(document, keys), to) {
        (Some(item), Some(to)) => words(item).as_ref() == Some(to),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn item<'a>(document: &'a Document, keys: &[&str]) -> Option<&'a Item> {
    let (last, tables) = keys.split_last()?;
    let mut table: &dyn TableLike = document.root();
    for key in tables {
        table = table.get(key)?.as_table_like()?;
    }
    table.get(last)
}

fn words(item: &Item) -> Option<Words> {
    match item.as_value()? {
        Value::Boolean(it) => Some(Words::On(*it.value())),
        Value::String(it) => Some(Words::Text(it.value().clone())),
        Value::Array(array) => {
            let texts: Option<Vec<String>> = array.iter().map(|it| it.as_str().map(str::to_owned)).collect();
            Some(Words::List(texts?))
        }
        Value::Integer(_) | Value::Float(_) | Value::Datetime(_) | Value::InlineTable(_) => None,
    }
}

fn with(document: &Document, keys: &[&str], to: &Words) -> Result<String, ConfigError> {
    let Some((key, tables)) = keys.split_last() else {
        return Ok(document.text().to_owned());
    };
    let parsed: Result<DocumentMut, _> = document.text().parse();
    let mut edited = parsed.map_err(|it| document.wrong(&[], it.message()))?;
    let mut table: Option<&mut dyn TableLike> = Some(edited.as_table_mut());
    for name in tables {
        let Some(inner) = table.and_then(|it| it.get_mut(name)) else {
            return Ok(appended(document.text(), tables, key, to));
        };
        table = inner.as_table_like_mut();
    }
    match table {
        Some(table) => set(table, key, to),
        None => return Err(document.wrong(tables, &format!("`{}`: expected a table", tables.join(".")))),
    }
    Ok(edited.to_string())
}

/// Puts a new table with an option at the very end, behind the last comment.
fn appended(text: &str, tables: &[&str], key: &str, to: &Words) -> String {
    let name: Vec<String> = tables.iter().map(|it| Key::new(*it).to_string()).collect();
    let line_break = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let space = if text.is_empty() { "" } else { "\n" };
    let (name, key) = (name.join("."), Key::new(key));
    format!("{text}{line_break}{space}[{name}]\n{key} = {}\n", value(to))
}

/// Takes the lines of an option out. What is explained above it stays.
fn without(document: &Document, keys: &[&str]) -> Result<String, ConfigError> {
    let text = document.text();
    let Some((key, tables)) = keys.split_last() else {
        return Ok(text.to_owned());
    };
    let mut table: &dyn TableLike = document.root();
    let mut is_inline = false;
    for name in tables {
        let Some(inner) = table.get(name) else {
            return Ok(text.to_owned());
        };
        is_inline |= inner.is_inline_table();
        match inner.as_table_like() {
            Some(inner) => table = inner,
            None => return Err(document.wrong(keys, "expected a table")),
        }
    }
    let Some((name, old)) = table.get_key_value(key) else {
        return Ok(text.to_owned());
    };
    if let (false, Some(name), Some(old)) = (is_inline, name.span(), old.span()) {
        let start = text
            .get(..name.start)
            .and_then(|it| it.rfind('\n'))
            .map_or(0, |it| it + 1);
        let end = text.get(old.end..).and_then(|it| it.find('\n'));
        let end = end.map_or(text.len(), |it| old.end + it + 1);
        let (before, after) = (text.get(..start), text.get(end..));
        return Ok(format!("{}{}", before.unwrap_or_default(), after.unwrap_or_default()));
    }
    let parsed: Result<DocumentMut, _> = text.parse();
    let mut edited = parsed.map_err(|it| document.wrong(&[], it.message()))?;
    let mut table: Option<&mut dyn TableLike> = Some(edited.as_table_mut());
    for name in tables {
        table = table.and_then(|it| it.get_mut(name)).and_then(Item::as_table_like_mut);
    }
    if let Some(table) = table {
        table.remove(key);
    }
    Ok(edited.to_string())
}

fn set(table: &mut dyn TableLike, key: &str, to: &Words) {
    if let Some(old) = table.get_mut(key).and_then(Item::as_value_mut) {
        match (old.as_array_mut(), to) {
            (Some(array), Words::List(list)) => set_list(array, list),
            _ => {
                let mut new = value(to);
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
        }
        return;
    }
    let mut new = value(to);
    // In a table in one line, the blank before the closing brace belongs to the last value.
    let last = table
        .iter_mut()
        .last()
        .and_then(|(_, it)| it.as_value_mut().map(Value::decor_mut));
    let blank = last.filter(|it| it.suffix().and_then(RawString::as_str) == Some(" "));
    if let Some(decor) = blank {
        decor.set_suffix("");
        new.decor_mut().set_prefix(" ");
        new.decor_mut().set_suffix(" ");
    }
    table.insert(key, toml_edit::value(new));
}

/// Changes a list where it differs, so that its lines and the comments between them stay.
fn set_list(array: &mut Array, list: &[String]) {
    let is = |array: &Array, at: usize, text: &str| array.get(at).and_then(Value::as_str) == Some(text);
    for (at, text) in list.iter().enumerate() {
        // What is not wanted any more, before something that is.
        while array.len() > list.len() && !is(array, at, text) {
            take_out(array, at);
        }
        let mut new = Value::from(text.as_str());
        match array.get(at).map(|it| it.decor().clone()) {
            Some(_) if is(array, at, text) => {}
            Some(decor) => {
                *new.decor_mut() = decor;
                array.replace_formatted(at, new);
            }
            None => {
                let before = at.checked_sub(1).and_then(|it| array.get(it));
                let prefix = raw(before.and_then(|it| it.decor().prefix()));
                match prefix.rfind('\n').and_then(|it| prefix.get(it..)) {
                    // A line of its own, where the one before has one.
                    Some(line) => {
                        let (comment, rest) = of_the_line(array.trailing().as_str().unwrap_or_default());
                        let (prefix, rest) = (format!("{comment}{line}"), rest.to_owned());
                        new.decor_mut().set_prefix(prefix);
                        array.set_trailing(rest);
                        array.push_formatted(new);
                    }
                    None => array.push(text.as_str()),
                }
            }
        }
    }
    while array.len() > list.len() {
        take_out(array, list.len());
    }
}

/// Takes an element out of a list, with its own comments. Behind the one before it can be another on the same line.
fn take_out(array: &mut Array, at: usize) {
    let gone = array.remove(at);
    let before = raw(gone.decor().prefix());
    let (comment, _) = of_the_line(&before);
    match array.get_mut(at) {
        Some(next) => {
            let prefix = raw(next.decor().prefix());
            let (_, rest) = of_the_line(&prefix);
            if !rest.is_empty() {
                next.decor_mut().set_prefix(format!("{comment}{rest}"));
            }
        }
        None => {
            let (_, rest) = of_the_line(array.trailing().as_str().unwrap_or_default());
            let trailing = format!("{comment}{rest}");
            array.set_trailing(trailing);
        }
    }
}

/// Returns what is on the same line as the element before, and the rest.
fn of_the_line(decor: &str) -> (&str, &str) {
    decor.split_at(decor.find('\n').unwrap_or(0))
}

fn raw(decor: Option<&RawString>) -> String {
    decor.and_then(RawString::as_str).unwrap_or_default().to_owned()
}

fn value(words: &Words) -> Value {
    match words {
        Words::On(on) => Value::from(*on),
        Words::Text(text) => Value::from(text.as_str()),
        Words::List(list) => Value::from_iter(list.iter().map(String::as_str)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use expect_test::{Expect, expect};

    use super::*;

    fn check(before: &str, keys: &str, to: Option<Words>, expected: Expect) {
        let document = Document::parse(Path::new("x.toml"), before.into()).unwrap();
        let keys: Vec<&str> = keys.split(' ').collect();
        let text = changed(&document, &keys, to.as_ref()).unwrap_or_else(|it| it.to_string());
        expected.assert_eq(&text);
    }

    fn text(it: &str) -> Option<Words> {
        Some(Words::Text(it.to_owned()))
    }

    fn list(all: &str) -> Option<Words> {
        Some(Words::List(all.split_whitespace().map(str::to_owned).collect()))
    }

    #[test]
    fn an_option_is_changed_where_it_stands() {
        check(
            "# F\n[instance.fedora] # here\nuser = 'mona' # me\n# end\n",
            "instance fedora user",
            text("otto"),
            expect![[r##"
                # F
                [instance.fedora] # here
                user = "otto" # me
                # end
            "##]],
        );
        check(
            "instance = { a = { user = 'x' } }\n",
            "instance a packages",
            list("bash kernel"),
            expect![[r#"
                instance = { a = { user = 'x', packages = ["bash", "kernel"] } }
            "#]],
        );
    }

    #[test]
    fn a_table_that_is_missing_comes_at_the_end_behind_all_comments() {
        check(
            "[instance.'my.koji']\nuser = 'x'\n# last",
            "instance my.koji broker url",
            text("amqps://b.example.com"),
            expect![[r##"
                [instance.'my.koji']
                user = 'x'
                # last

                [instance."my.koji".broker]
                url = "amqps://b.example.com"
            "##]],
        );
        check(
            "",
            "quiet hours",
            list("22:00-07:00"),
            expect![[r#"
                [quiet]
                hours = ["22:00-07:00"]
            "#]],
        );
    }

    #[test]
    fn what_is_taken_out_leaves_what_was_said_of_it() {
        check(
            "[quiet]\n# When I sleep.\nhours = [\n  '22:00-07:00', # at night\n]  # so\nidle = true\n",
            "quiet hours",
            None,
            expect![[r##"
                [quiet]
                # When I sleep.
                idle = true
            "##]],
        );
        check(
            "quiet = { idle = true, locked = false }\n",
            "quiet idle",
            None,
            expect![[r#"
                quiet = { locked = false }
            "#]],
        );
        check(
            "quiet.idle = true\r\nquiet.locked = true\r\n",
            "quiet idle",
            None,
            expect!["quiet.locked = true\r\n"],
        );
        check("[quiet]\n", "quiet hours", None, expect!["[quiet]\n"]);
        check("[quiet]\n", "instance a user", None, expect!["[quiet]\n"]);
    }

    #[test]
    fn the_lines_of_a_list_stay_where_they_are() {
        let lines = "packages = [\n  'bash', # the shell\n  # the rest\n  'kernel',\n  'vim',\n]\n";
        check(
            lines,
            "packages",
            list("bash vim"),
            expect![[r##"
                packages = [
                  'bash', # the shell
                  'vim',
                ]
            "##]],
        );
        check(
            lines,
            "packages",
            list("bash kernel vim zsh"),
            expect![[r##"
                packages = [
                  'bash', # the shell
                  # the rest
                  'kernel',
                  'vim',
                  "zsh",
                ]
            "##]],
        );
        check(
            "packages = ['bash', # the shell\n  'vim', # the editor\n]\n",
            "packages",
            list("bash vim zsh"),
            expect![[r##"
                packages = ['bash', # the shell
                  'vim', # the editor
                  "zsh",
                ]
            "##]],
        );
        check(
            lines,
            "packages",
            list("bash linux vim"),
            expect![[r##"
                packages = [
                  'bash', # the shell
                  # the rest
                  "linux",
                  'vim',
                ]
            "##]],
        );
        check(
            "packages = ['a', 'b']\n",
            "packages",
            list(""),
            expect![[r#"
                packages = []
            "#]],
        );
    }

    #[test]
    fn what_is_no_table_is_not_made_one() {
        check(
            "instance = 1\n",
            "instance a user",
            text("x"),
            expect!["x.toml:1:1: this table cannot be changed without you"],
        );
        check(
            "[[instance]]\na = 1\n",
            "instance a user",
            text("x"),
            expect!["x.toml:1:3: this table cannot be changed without you"],
        );
    }

    #[tokio::test]
    async fn what_the_reader_refuses_is_not_written() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        let places = Places {
            state: home.path().join("state"),
            ..Places::of_this_session(Some(file.clone())).unwrap()
        };
        let mine = "[instance.mine] # M\nuser = \"mona\"\n[instance.mine.hub]\nserver = \"https://koji.example.com/kojihub\"\n";
        fs::write(&file, mine).unwrap();
        let to = |keys: &str, to| Change {
            keys: keys.split(' ').map(str::to_owned).collect(),
            to,
        };
        let refused = [
            (
                to("quiet hours", list("25:00-07:00")),
                "`hours`: expected times such as",
            ),
            (to("instance mine hub server", text("koji")), "`server`: "),
            (
                to(
                    "instance mine packages",
                    list("a").map(|_| Words::List(vec!["a b".to_owned()])),
                ),
                "`packages`: ",
            ),
            (to("instance mine broker key", text("k")), "there is no broker"),
            (to("instance mine usre", text("k")), "unknown field `usre`"),
        ];
        for (wish, why) in refused {
            let error = change(&places, std::slice::from_ref(&wish)).await.unwrap_err();
            assert!(error.problem().starts_with(why), "{wish:?}: {}", error.problem());
            assert_eq!(fs::read_to_string(&file).unwrap(), mine);
        }
        // What makes sense only together comes together.
        fs::write(home.path().join("pem"), "").unwrap();
        let broker = [
            to("instance mine topic-prefix", text("com.example")),
            to("instance mine broker url", text("amqps://b.example.com")),
            to("instance mine broker certificate", text("pem")),
            to("instance mine broker key", text("pem")),
        ];
        let wrong = change(&places, &broker[..3]).await.unwrap_err();
        assert_eq!(wrong.problem(), "`certificate`: expected `key` beside it");
        change(&places, &broker).await.unwrap();
        expect![[r##"
            [instance.mine] # M
            user = "mona"
            topic-prefix = "com.example"
            [instance.mine.hub]
            server = "https://koji.example.com/kojihub"

            [instance.mine.broker]
            url = "amqps://b.example.com"
            certificate = "pem"
            key = "pem"
        "##]]
        .assert_eq(&fs::read_to_string(&file).unwrap());
    }

    #[tokio::test]
    async fn fedora_s_instance_stays_fedora_s() {
        let home = tempfile::tempdir().unwrap();
        let etc = home.path().join("etc");
        let file = home.path().join("config/koji-notify/config.toml");
        let places = Places {
            config: home.path().join("config"),
            state: home.path().join("state"),
            etc: etc.clone(),
            ..Places::of_this_session(None).unwrap()
        };
        fs::create_dir_all(etc.join("fedora-messaging")).unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "[tell]\nsound = true\n").unwrap();
        let wish = Change {
            keys: ["instance", "fedora", "user"].map(str::to_owned).into(),
            to: text("mona"),
        };
        // The preset leads to its package, which is not here.
        let error = change(&places, std::slice::from_ref(&wish)).await.unwrap_err();
        assert!(matches!(error, ConfigError::NotInstalled { .. }), "{error}");
        let listen = Change {
            keys: ["instance", "fedora", "broker", "listen"].map(str::to_owned).into(),
            to: Some(Words::On(false)),
        };
        change(&places, &[wish, listen]).await.unwrap();
        expect![[r##"
            [tell]
            sound = true

            [instance.fedora]
            preset = "fedora"
            user = "mona"

            [instance.fedora.broker]
            listen = false
        "##]]
        .assert_eq(&fs::read_to_string(&file).unwrap());
    }
}
