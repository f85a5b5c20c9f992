//! The settings as plain values: what can be set, what it is, and what the doctor says to it.
//!
//! The doctor is `koji-notify check`, which knows how to look; what it finds is put beside the setting that it is
//! about. What is changed here is changed by `config::change`, which leaves everything else in the file as it was
//! written, and refuses what the configuration's reader would refuse. No secret is read or shown, only which file it
//! is in.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use koji_notify::config::change::{self, Change, Words, Written};
use koji_notify::config::{self, Identity, Instance, Places, Settings};
use koji_notify::i18n::{fill, tr};
use koji_notify::koji::InstanceName;
use koji_notify::view::menu;
use koji_notify::watch::quiet::{Day, Hours};
use koji_notify::watch::{QuietRules, Toggle, Wanted};
use serde::Deserialize;

/// All settings that are shown.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) groups: Vec<Group>,
    /// What is wrong with the file.
    pub(crate) trouble: Option<String>,
}

/// Settings that belong together.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Group {
    pub(crate) title: String,
    /// What can be set without a second look.
    pub(crate) fields: Vec<Field>,
    pub(crate) parts: Vec<Part>,
}

/// Something that is set by several settings.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// How it is now, wherever that comes from.
    pub(crate) value: String,
    /// What the doctor calls what it looks at here.
    topics: Vec<String>,
    /// Without any, it can only be changed in the file.
    pub(crate) fields: Vec<Field>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) label: String,
    /// What the configuration calls it.
    keys: Vec<String>,
    pub(crate) holds: Holds,
}

/// What is set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Holds {
    Switch(bool),
    /// Empty: nothing is told, and the default counts.
    Text(String),
    Days(BTreeSet<Day>),
    List {
        items: Vec<String>,
        /// What asks for one more.
        add: String,
        /// One is written as such, and not as a list.
        one: bool,
    },
}

/// What the doctor says.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Finding {
    /// What it is about, in English.
    what: String,
    /// The same for people.
    label: Option<String>,
    pub(crate) state: State,
    pub(crate) text: String,
    pub(crate) advice: Option<String>,
}

/// How something is, the worst last.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Good,
    Note,
    Bad,
}

impl Page {
    /// Reads the settings. May take a while: it may ask `klist` who I am.
    pub(crate) fn read(places: &Places) -> Self {
        let settings = wait(config::load(places)).and_then(|it| Ok(it?));
        let (settings, trouble) = match settings {
            Ok(settings) => (Some(settings), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        Self {
            // What is no TOML cannot be changed here.
            groups: Written::read(places).map_or_else(|_| Vec::new(), |it| groups(&it, settings.as_ref())),
            trouble,
        }
    }

    /// Returns what the doctor says that is about none of the settings.
    pub(crate) fn rest<'a>(&self, findings: &'a [Finding]) -> Vec<&'a Finding> {
        let parts = || self.groups.iter().flat_map(|it| &it.parts);
        let is_rest = |it: &&Finding| !parts().any(|part| part.topics.contains(&it.what));
        findings.iter().filter(is_rest).collect()
    }
}

impl Finding {
    /// Returns what it is about, as a person reads it.
    pub(crate) fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.what)
    }
}

impl Part {
    /// Returns what the doctor says of it.
    pub(crate) fn findings<'a>(&self, findings: &'a [Finding]) -> Vec<&'a Finding> {
        findings.iter().filter(|it| self.topics.contains(&it.what)).collect()
    }
}

impl Field {
    fn new(label: String, keys: &[&str], holds: Holds) -> Self {
        Self {
            label,
            keys: keys.iter().map(|it| (*it).to_owned()).collect(),
            holds,
        }
    }

    /// Returns the change that makes it hold something else.
    pub(crate) fn change(&self, holds: &Holds) -> Change {
        let to = match holds {
            Holds::Switch(on) => Some(Words::On(*on)),
            Holds::Text(text) => Some(Words::Text(text.clone())).filter(|_| !text.is_empty()),
            Holds::Days(days) => {
                let list = days.iter().map(|it| day_key(*it).to_owned()).collect();
                // No day is every day, as the reader takes it.
                let is_some = !days.is_empty() && days.len() < Day::ALL.len();
                is_some.then_some(Words::List(list))
            }
            Holds::List { items, one, .. } => match items.as_slice() {
                [] => None,
                [item] if *one => Some(Words::Text(item.clone())),
                items => Some(Words::List(items.to_owned())),
            },
        };
        let keys = self.keys.clone();
        Change { keys, to }
    }
}

/// Changes the configuration, all of it or nothing. Returns what is wrong with it, where something is. May take a while.
pub(crate) fn save(places: &Places, changes: &[Change]) -> std::result::Result<(), String> {
    match wait(change::change(places, changes)) {
        Ok(saved) => saved.map_err(|it| it.problem()),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// Returns the doctor's words, from what it printed.
pub(crate) fn findings(printed: &str) -> Result<Vec<Finding>> {
    serde_json::from_str(printed).context("what koji-notify check printed cannot be read")
}

/// Returns the command that asks the doctor.
pub(crate) fn doctor(places: &Places) -> Vec<OsString> {
    command(places, &["check", "--json"])
}

/// Returns a command of the program: of the one beside ours, or the one in the search path.
pub(crate) fn command(places: &Places, words: &[&str]) -> Vec<OsString> {
    let ours = std::env::current_exe().ok();
    let beside = ours.as_deref().and_then(|it| Some(it.parent()?.join("koji-notify")));
    let program = beside
        .filter(|it| it.is_file())
        .unwrap_or_else(|| PathBuf::from("koji-notify"));
    let mut all = vec![program.into_os_string()];
    if let Some(file) = &places.file {
        all.extend(["--config".into(), file.clone().into_os_string()]);
    }
    all.extend(words.iter().map(OsString::from));
    all
}

fn wait<T>(what: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(what);
    runtime.shutdown_background();
    Ok(done)
}

fn groups(written: &Written, settings: Option<&Settings>) -> Vec<Group> {
    let mut groups = vec![told(written, settings), quiet(written, settings.map(|it| &it.quiet))];
    let mut names: BTreeSet<String> = written.instances().into_iter().collect();
    names.extend(
        settings
            .iter()
            .flat_map(|it| it.instances.keys())
            .map(ToString::to_string),
    );
    for name in names {
        let instance = settings.and_then(|it| it.instances.get(&InstanceName::new(&name)));
        groups.push(group(written, &name, instance));
    }
    groups
}

/// Returns what one is told of.
fn told(written: &Written, settings: Option<&Settings>) -> Group {
    let default = Wanted::default();
    let field = |toggle: Toggle| {
        let keys = config::edit::keys(toggle);
        let wanted = settings.map_or(default, |it| it.wanted);
        let on = is_on(written, &keys).unwrap_or(wanted.is_on(toggle));
        Field::new(menu::label(toggle), &keys, Holds::Switch(on))
    };
    Group {
        title: tr("Notify me of"),
        fields: Toggle::ALL.into_iter().map(field).collect(),
        parts: Vec::new(),
    }
}

/// Returns when nothing pops up.
fn quiet(written: &Written, rules: Option<&QuietRules>) -> Group {
    let default = QuietRules::default();
    let rules = rules.unwrap_or(&default);
    let switch = |label, key: &str, on| {
        let keys = ["quiet", key];
        Field::new(label, &keys, Holds::Switch(is_on(written, &keys).unwrap_or(on)))
    };
    // Translators: after "Nothing pops up while".
    let reasons = vec![
        switch(tr("Do Not Disturb is on"), "do-not-disturb", rules.do_not_disturb),
        switch(tr("Presentation mode is on"), "presentation", rules.presentation),
        switch(tr("The screen is locked"), "locked", rules.locked),
        switch(tr("Nobody is at the computer"), "idle", rules.idle),
    ];
    let hours = |it: &Hours| format!("{}–{}", it.from.strftime("%H:%M"), it.until.strftime("%H:%M"));
    let mut lines = vec![joined(rules.hours.iter().map(hours).collect(), || tr("No quiet hours"))];
    if !rules.hours.is_empty() {
        if rules.days.len() < Day::ALL.len() {
            lines.push(joined(rules.days.iter().map(|it| day(*it)).collect(), String::new));
        }
        lines.push(if rules.failures_pass {
            tr("Failures are told at once")
        } else {
            tr("Failures are told afterwards")
        });
    }
    let while_quiet = Part {
        name: tr("Quiet hours"),
        value: lines.join("\n"),
        topics: Vec::new(),
        fields: vec![
            Field::new(tr("Days"), &["quiet", "days"], Holds::Days(rules.days.clone())),
            switch(
                tr("Tell of failures all the same"),
                "failures-pass",
                rules.failures_pass,
            ),
            Field::new(
                // Translators: the label of a field with two times, such as 22:00-07:00.
                tr("From and until"),
                &["quiet", "hours"],
                Holds::List {
                    items: written.list(&["quiet", "hours"]),
                    add: tr("More hours, such as 22:00-07:00"),
                    one: false,
                },
            ),
        ],
    };
    Group {
        // Translators: the heading of settings such as "The screen is locked".
        title: tr("Nothing pops up while"),
        fields: reasons,
        parts: vec![while_quiet],
    }
}

fn group(written: &Written, name: &str, instance: Option<&Instance>) -> Group {
    let part = |label, value, topics: &[&str], fields| Part {
        name: label,
        value,
        topics: topics.iter().map(|it| format!("{name}: {it}")).collect(),
        fields,
    };
    let table = Table { written, name };
    let about_broker = ["broker", "dialect", "certificate", "CA"];
    let about_hub = ["hub", "hub profile", "hub login", "hub certificate", "hub CA"];
    let hub = instance
        .and_then(|it| it.hub.as_ref())
        .map(|it| it.access.server.to_string());
    let site = instance.map(|it| &it.site);
    let pages = [
        site.and_then(|it| it.weburl.clone()),
        site.and_then(|it| it.topurl.clone()),
    ];
    let pages: Vec<String> = pages.into_iter().flatten().collect();
    let packages = table.list(tr("Package"), &["packages"], tr("Follow another package"), false);
    let users = table.list(tr("User name"), &["user"], tr("Another user name of yours"), true);
    Group {
        // Translators: the heading of the settings of one Koji, by its name in the configuration.
        title: fill(&tr("Koji instance {name}"), &[("name", name)]),
        fields: Vec::new(),
        parts: vec![
            // Translators: names of settings, each followed by what is set.
            part(tr("User"), user(instance), &["user", "hub user"], vec![users]),
            part(
                tr("Packages that you follow"),
                joined(written.list(&["instance", name, "packages"]), || tr("No packages")),
                &[],
                vec![packages],
            ),
            part(tr("Message broker"), broker(instance), &about_broker, table.broker()),
            part(
                tr("Hub"),
                hub.unwrap_or_else(|| tr("No hub")),
                &about_hub,
                vec![
                    table.text(
                        tr("Address, such as https://koji.example.com/kojihub"),
                        &["hub", "server"],
                    ),
                    table.text(tr("Profile of the koji client"), &["hub", "profile"]),
                    table.text(tr("File of the CA that is trusted"), &["hub", "ca-cert"]),
                ],
            ),
            part(
                tr("Web pages"),
                joined(pages, || tr("No web pages")),
                &[],
                vec![
                    table.text(tr("Address of the web interface"), &["weburl"]),
                    table.text(tr("Address of the files"), &["topurl"]),
                ],
            ),
        ],
    }
}

/// The options of one instance.
struct Table<'a> {
    written: &'a Written,
    name: &'a str,
}

impl Table<'_> {
    fn keys<'b>(&'b self, keys: &[&'b str]) -> Vec<&'b str> {
        ["instance", self.name].iter().chain(keys).copied().collect()
    }

    fn has(&self, keys: &[&str]) -> bool {
        self.written.words(&self.keys(keys)).is_some()
    }

    fn text(&self, label: String, keys: &[&str]) -> Field {
        let keys = self.keys(keys);
        let text = self.written.text(&keys).unwrap_or_default();
        Field::new(label, &keys, Holds::Text(without_login(&text)))
    }

    fn list(&self, label: String, keys: &[&str], add: String, one: bool) -> Field {
        let keys = self.keys(keys);
        let items = self.written.list(&keys).iter().map(|it| without_login(it)).collect();
        Field::new(label, &keys, Holds::List { items, add, one })
    }

    /// Returns what can be said of the broker. Where another file tells of it, that is which.
    fn broker(&self) -> Vec<Field> {
        let is_own = self.has(&["broker", "url"]) || self.has(&["broker", "urls"]);
        let is_elsewhere = self.has(&["preset"]) || self.has(&["fedora-messaging"]);
        let mut fields = Vec::new();
        if is_own || is_elsewhere || self.has(&["broker", "listen"]) {
            let keys = self.keys(&["broker", "listen"]);
            let on = is_on(self.written, &keys).unwrap_or(true);
            fields.push(Field::new(tr("Listen to it"), &keys, Holds::Switch(on)));
        }
        if is_elsewhere && !is_own {
            let label = tr("Configuration of fedora-messaging, if not the packaged one");
            fields.push(self.text(label, &["fedora-messaging"]));
            return fields;
        }
        if !self.has(&["broker", "urls"]) {
            fields.push(self.text(tr("Address, such as amqps://HOST/VHOST"), &["broker", "url"]));
        }
        fields.extend([
            // Translators: such as "org.fedoraproject.prod".
            self.text(tr("What the topics begin with"), &["topic-prefix"]),
            self.text(tr("File of the CA that is trusted"), &["broker", "ca-cert"]),
            self.text(tr("File of your certificate"), &["broker", "certificate"]),
            self.text(tr("File of its key"), &["broker", "key"]),
            self.text(tr("User name, where there is no certificate"), &["broker", "user"]),
            self.text(tr("File with the password"), &["broker", "password-file"]),
        ]);
        if self.has(&["broker", "urls"]) {
            let label = tr("Address, such as amqps://HOST/VHOST");
            fields.push(self.list(label, &["broker", "urls"], tr("Another address"), false));
        }
        fields
    }
}

/// Returns an address without user and password, which have no place in it and may be there all the same.
fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    match host.rfind('@').and_then(|it| rest.get(it + 1..)) {
        Some(bare) => format!("{scheme}://{bare}"),
        None => text.to_owned(),
    }
}

fn is_on(written: &Written, keys: &[&str]) -> Option<bool> {
    match written.words(keys)? {
        Words::On(on) => Some(on),
        Words::Text(_) | Words::List(_) => None,
    }
}

fn user(instance: Option<&Instance>) -> String {
    let Some(instance) = instance else {
        // Translators: the name of the person as a user of a Koji.
        return tr("Not known yet");
    };
    let from = match instance.users_from {
        Identity::Configuration => tr("{user}, as the configuration says"),
        Identity::KerberosPrincipal => tr("{user}, as the Kerberos ticket says"),
        Identity::Certificate => tr("{user}, as the certificate says"),
        Identity::FedoraUpn => tr("{user}, as ~/.fedora.upn says"),
    };
    let users = joined(instance.users.iter().cloned().collect(), || tr("Not known yet"));
    fill(&from, &[("user", &users)])
}

fn broker(instance: Option<&Instance>) -> String {
    let address = instance
        .and_then(|it| it.broker.as_ref())
        .map(|it| it.address.to_string());
    let doors = instance.and_then(|it| it.one.as_ref());
    let doors = doors.map(|it| {
        joined(it.doors.iter().map(ToString::to_string).collect(), || {
            tr("No message broker")
        })
    });
    address.or(doors).unwrap_or_else(|| tr("No message broker"))
}

/// Returns the names in one line, or what is said where there are none.
fn joined(names: Vec<String>, nothing: impl FnOnce() -> String) -> String {
    if names.is_empty() { nothing() } else { names.join(", ") }
}

/// Returns what the configuration calls a day.
fn day_key(day: Day) -> &'static str {
    match day {
        Day::Monday => "mon",
        Day::Tuesday => "tue",
        Day::Wednesday => "wed",
        Day::Thursday => "thu",
        Day::Friday => "fri",
        Day::Saturday => "sat",
        Day::Sunday => "sun",
    }
}

/// Returns the name of a day where there is little room.
pub(crate) fn short_day(day: Day) -> String {
    // Translators: the days, as short as they can be.
    match day {
        Day::Monday => tr("Mon"),
        Day::Tuesday => tr("Tue"),
        Day::Wednesday => tr("Wed"),
        Day::Thursday => tr("Thu"),
        Day::Friday => tr("Fri"),
        Day::Saturday => tr("Sat"),
        Day::Sunday => tr("Sun"),
    }
}

/// Returns the name of a day.
pub(crate) fn day(day: Day) -> String {
    match day {
        Day::Monday => tr("Monday"),
        Day::Tuesday => tr("Tuesday"),
        Day::Wednesday => tr("Wednesday"),
        Day::Thursday => tr("Thursday"),
        Day::Friday => tr("Friday"),
        Day::Saturday => tr("Saturday"),
        Day::Sunday => tr("Sunday"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn each_finding_stands_beside_its_setting_or_with_the_rest() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        let words = "[tell]\nstarted = true\n[quiet]\nhours = [\"22:00-07:00\"]\ndays = [\"mon\", \"tue\"]\n[instance.mine]\nuser = [\"mona\", \"bot\"]\n\
            weburl = \"https://koji.example.com/koji\"\npackages = [\"bash\"]\n\
            [instance.mine.hub]\nserver = \"https://koji.example.com/kojihub\"\n";
        std::fs::write(&file, words).unwrap();
        let page = Page::read(&Places::of_this_session(Some(file)).unwrap());
        let findings = findings(
            r#"[
                {"what": "configuration", "state": "good", "text": "no mistakes"},
                {"what": "mine: user", "state": "good", "text": "mona, as they say"},
                {"what": "mine: hub", "state": "bad", "text": "nobody is there", "advice": "go there"},
                {"what": "tray", "state": "note", "text": "no tray"}
            ]"#,
        )
        .unwrap();
        let mut words = String::new();
        for group in &page.groups {
            words += &format!("{}\n", group.title);
            for field in group.fields.iter().take(4) {
                words += &format!("  {}: {:?}\n", field.label, field.holds);
            }
            for part in &group.parts {
                let said: Vec<&str> = part.findings(&findings).iter().map(|it| it.text.as_str()).collect();
                words += &format!("  {}: {:?} {said:?}\n", part.name, part.value);
                for field in &part.fields {
                    words += &format!("    {}: {:?}\n", field.keys.join("."), field.holds);
                }
            }
        }
        for finding in page.rest(&findings) {
            words += &format!("{}: {:?} {}\n", finding.label(), finding.state, finding.text);
        }
        expect![[r#"
            Notify me of
              Started builds: Switch(true)
              Finished builds: Switch(true)
              Failed builds: Switch(true)
              Canceled builds: Switch(true)
            Nothing pops up while
              Do Not Disturb is on: Switch(true)
              Presentation mode is on: Switch(true)
              The screen is locked: Switch(true)
              Nobody is at the computer: Switch(false)
              Quiet hours: "22:00–07:00\nMonday, Tuesday\nFailures are told afterwards" []
                quiet.days: Days({Monday, Tuesday})
                quiet.failures-pass: Switch(false)
                quiet.hours: List { items: ["22:00-07:00"], add: "More hours, such as 22:00-07:00", one: false }
            Koji instance mine
              User: "bot, mona, as the configuration says" ["mona, as they say"]
                instance.mine.user: List { items: ["mona", "bot"], add: "Another user name of yours", one: true }
              Packages that you follow: "bash" []
                instance.mine.packages: List { items: ["bash"], add: "Follow another package", one: false }
              Message broker: "No message broker" []
                instance.mine.broker.url: Text("")
                instance.mine.topic-prefix: Text("")
                instance.mine.broker.ca-cert: Text("")
                instance.mine.broker.certificate: Text("")
                instance.mine.broker.key: Text("")
                instance.mine.broker.user: Text("")
                instance.mine.broker.password-file: Text("")
              Hub: "https://koji.example.com/kojihub" ["nobody is there"]
                instance.mine.hub.server: Text("https://koji.example.com/kojihub")
                instance.mine.hub.profile: Text("")
                instance.mine.hub.ca-cert: Text("")
              Web pages: "https://koji.example.com/koji" []
                instance.mine.weburl: Text("https://koji.example.com/koji")
                instance.mine.topurl: Text("")
            configuration: Good no mistakes
            tray: Note no tray
        "#]]
        .assert_eq(&words);
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        assert_eq!(without_login("amqps://mona:a@b@host/v@x"), "amqps://host/v@x");
        assert_eq!(without_login("amqps://host/v@x"), "amqps://host/v@x");
        assert_eq!(without_login("~/key@home.pem"), "~/key@home.pem");
    }

    #[test]
    fn a_file_with_a_mistake_says_where() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        std::fs::write(&file, "[tell]\nstarted = 7\n").unwrap();
        let places = Places::of_this_session(Some(file)).unwrap();
        let page = Page::read(&places);
        let trouble = page.trouble.unwrap();
        assert!(trouble.contains("config.toml:2"), "{trouble}");
        // It can be mended here.
        assert_eq!(page.groups.len(), 2);
        std::fs::write(places.config_file(), "[tell\n").unwrap();
        let page = Page::read(&places);
        assert!(page.trouble.is_some() && page.groups.is_empty());
    }
}
