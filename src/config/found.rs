//! What a computer knows of Koji before anybody has configured us: files of fedora-messaging, presets, profiles of the
//! `koji` client. And the configuration that follows from it.
//!
//! Promise: looking writes nothing, asks nobody and runs nothing. What is there and cannot be used is told with its
//! reason. It deliberately does not know who the person is: loading the configuration finds that out.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::Item;
use url::Url;

use crate::hub::profile::{self, DEFAULT_SERVER, ProfilePlaces};

use super::edit::make_folder;
use super::fedora_messaging::{self, Existing};
use super::identity::is_name;
use super::{ConfigError, Places, Preset};

/// The likeliest first.
const PRESETS: [Preset; 2] = [Preset::Fedora, Preset::FedoraStaging];

/// The most files and profiles of a kind that are looked at.
const MAX_FOUND: usize = 100;

/// The longest name that an instance is given.
const MAX_NAME: usize = 40;

/// What was found.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Found {
    /// What can be configured, the likeliest first. No two have the same name.
    pub choices: Vec<Choice>,
    /// What is there and cannot be used.
    pub unusable: Vec<Unusable>,
}

/// A Koji that can be configured. It has a message bus, a hub, or both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// The name of the instance.
    pub name: String,
    pub preset: Option<Preset>,
    pub bus: Option<Bus>,
    pub hub: Option<Hub>,
}

/// A file of fedora-messaging.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bus {
    pub file: PathBuf,
    /// The broker that it leads to.
    pub host: String,
    /// What stands before `.buildsys.` in the topics.
    pub topic_prefix: String,
    /// The preset finds the file by itself.
    pub is_packaged: bool,
}

/// A hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hub {
    pub host: String,
    /// The profile of the `koji` client that knows it.
    pub profile: Option<String>,
}

/// Something that is there and cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unusable {
    /// A file, a folder, or the name of a profile.
    pub what: String,
    pub why: String,
}

/// Looks at what is there.
pub fn look(places: &Places) -> Found {
    let mut unusable = Vec::new();
    let buses = buses(places, &mut unusable);
    let hubs = hubs(places, &mut unusable);
    Found {
        choices: joined(buses, hubs),
        unusable,
    }
}

/// Returns the configuration for these, with the user names that are known by the names of the instances.
pub fn written(choices: &[Choice], users: &BTreeMap<String, String>) -> String {
    let mut text = String::from(
        "# Written by `koji-notify setup`. A sample with every option is in the documentation's folder;\n\
         # `koji-notify check` says whether all of it works.\n",
    );
    for choice in choices {
        text.push('\n');
        text.push_str(&table(choice, users.get(&choice.name).map(String::as_str)));
    }
    text
}

/// Returns whether somebody's name on a Koji can be this.
pub fn is_user(name: &str) -> bool {
    is_name(name)
}

/// Writes a configuration, whole or not at all. One that is there already is left alone, or else kept as `aside`.
///
/// # Errors
///
/// If there is one already and nothing was told about where to keep it, or if it cannot be written.
pub fn write_new(file: &Path, text: &str, aside: Option<&Path>) -> Result<(), ConfigError> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    make_folder(folder)?;
    let write = || -> io::Result<()> {
        let mut temporary = tempfile::Builder::new().prefix(".koji-notify").tempfile_in(folder)?;
        temporary.write_all(text.as_bytes())?;
        temporary.as_file().sync_all()?;
        match aside {
            // A second name first, so that at each moment there is one or the other.
            Some(aside) => {
                fs::hard_link(file, aside)?;
                temporary.persist(file)?;
            }
            None => {
                temporary.persist_noclobber(file)?;
            }
        }
        File::open(folder)?.sync_all()
    };
    write().map_err(|source| ConfigError::Unwritable {
        file: file.to_owned(),
        source,
    })
}

/// A file that leads to a message bus, and the preset that it belongs to.
struct FoundBus {
    preset: Option<Preset>,
    bus: Bus,
}

/// A hub, and the preset that it belongs to.
struct FoundHub {
    preset: Option<Preset>,
    hub: Hub,
}

/// The packaged files of the presets come first; another file for the same bus is not needed beside one.
fn buses(places: &Places, unusable: &mut Vec<Unusable>) -> Vec<FoundBus> {
    let mut found: Vec<FoundBus> = Vec::new();
    let packaged = PRESETS.map(|it| it.packaged(places));
    for (preset, file) in PRESETS.into_iter().zip(&packaged) {
        match fedora_messaging::read(file) {
            Ok(Some(existing)) => found.push(FoundBus {
                preset: Some(preset),
                bus: Bus {
                    is_packaged: true,
                    ..bus(file, &existing, preset.topic_prefix().to_owned())
                },
            }),
            Ok(None) => {}
            Err(error) => unusable.push(broken(file.display().to_string(), &error)),
        }
    }
    let folder = places.fedora_messaging();
    let others = match listed(&folder) {
        Ok(files) => files,
        Err(error) => {
            unusable.push(broken(folder.display().to_string(), &error));
            Vec::new()
        }
    };
    for file in others.into_iter().filter(|it| !packaged.contains(it)) {
        let what = file.display().to_string();
        match fedora_messaging::read(&file) {
            Ok(Some(existing)) => match topic_prefix(&existing) {
                Some(prefix) => {
                    let preset = PRESETS.into_iter().find(|it| it.topic_prefix() == prefix);
                    let is_known = preset.is_some() && found.iter().any(|it| it.preset == preset);
                    if !is_known {
                        let bus = bus(&file, &existing, prefix);
                        found.push(FoundBus { preset, bus });
                    }
                }
                // The sample that the library comes with.
                None if is_here(&existing.address().host) => {}
                None => {
                    let why = "nothing in it tells what stands before `.buildsys.` in the topics; `topic-prefix` in \
                               config.toml does";
                    let why = why.to_owned();
                    unusable.push(Unusable { what, why });
                }
            },
            Ok(None) => {}
            Err(error) => unusable.push(broken(what, &error)),
        }
    }
    found
}

fn bus(file: &Path, existing: &Existing, topic_prefix: String) -> Bus {
    Bus {
        file: file.to_owned(),
        host: existing.address().host.clone(),
        topic_prefix,
        is_packaged: false,
    }
}

/// Returns what stands before `.buildsys.` in the topics, as the bindings tell or the prefix for sending.
fn topic_prefix(existing: &Existing) -> Option<String> {
    let keys = existing.allowed_keys(existing.exchange());
    let bound = keys
        .iter()
        .find_map(|it| Some(it.split_once(".buildsys.")?.0.to_owned()));
    let sent = || {
        let prefix = existing.document.root().get("topic_prefix").and_then(Item::as_str);
        prefix.map(str::to_owned)
    };
    let is_prefix = |it: &String| is_name(it) && !it.contains(['*', '#']) && !it.split('.').any(str::is_empty);
    bound.filter(is_prefix).or_else(|| sent().filter(is_prefix))
}

fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}

/// Returns the files of fedora-messaging that there are, sorted.
fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let files = entries
        .map(|it| it.map(|it| it.path()))
        .collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<_> = files
        .into_iter()
        .filter(|it| it.extension().is_some_and(|it| it == "toml") && it.is_file())
        .collect();
    files.sort_unstable();
    files.truncate(MAX_FOUND);
    Ok(files)
}

/// Returns the hubs that profiles of the `koji` client know. Of several profiles for one hub, the first counts.
fn hubs(places: &Places, unusable: &mut Vec<Unusable>) -> Vec<FoundHub> {
    let places = ProfilePlaces {
        system: places.etc.clone(),
        home: places.home.clone(),
        given: None,
    };
    let names = match profile::names(&places) {
        Ok(names) => names,
        Err(error) => {
            unusable.push(broken("koji".to_owned(), &error));
            return Vec::new();
        }
    };
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for name in names.into_iter().take(MAX_FOUND) {
        let profile = match profile::load(&name, &places) {
            Ok(profile) => profile,
            Err(error) => {
                unusable.push(broken(name, &error));
                continue;
            }
        };
        let host = Url::parse(&profile.server).ok();
        let Some(host) = host.as_ref().and_then(Url::host_str) else {
            continue;
        };
        // A profile without a server is a few options for another one.
        if profile.server == DEFAULT_SERVER || !known.insert(profile.server.clone()) {
            continue;
        }
        found.push(FoundHub {
            preset: PRESETS.into_iter().find(|it| it.hub() == profile.server),
            hub: Hub {
                host: host.to_owned(),
                profile: Some(name),
            },
        });
    }
    found
}

/// Puts together what is of one Koji: by its preset, or by hosts of one domain if there is no doubt.
fn joined(buses: Vec<FoundBus>, hubs: Vec<FoundHub>) -> Vec<Choice> {
    let mut choices = Vec::new();
    for preset in PRESETS {
        let bus = buses.iter().find(|it| it.preset == Some(preset));
        let is_known = bus.is_some() || hubs.iter().any(|it| it.preset == Some(preset));
        if let (true, Some(host)) = (is_known, host_of(preset.hub())) {
            choices.push(Choice {
                name: preset.name().to_owned(),
                preset: Some(preset),
                bus: bus.map(|it| it.bus.clone()),
                hub: Some(Hub { host, profile: None }),
            });
        }
    }
    let buses: Vec<Bus> = buses
        .into_iter()
        .filter_map(|it| it.preset.is_none().then_some(it.bus))
        .collect();
    let hubs: Vec<Hub> = hubs
        .into_iter()
        .filter_map(|it| it.preset.is_none().then_some(it.hub))
        .collect();
    let mut names: BTreeSet<String> = choices.iter().map(|it| it.name.clone()).collect();
    let mut taken = BTreeSet::new();
    let at = choices.len();
    for hub in &hubs {
        let bus = only(buses.iter().filter(|it| is_kin(&it.host, &hub.host)));
        let bus = bus.filter(|bus| only(hubs.iter().filter(|it| is_kin(&bus.host, &it.host))).is_some());
        if let Some(bus) = bus {
            taken.insert(&bus.file);
        }
        choices.push(Choice {
            name: free_name(hub.profile.as_deref().unwrap_or(&hub.host), &mut names),
            preset: None,
            bus: bus.cloned(),
            hub: Some(hub.clone()),
        });
    }
    for bus in buses.iter().filter(|it| !taken.contains(&it.file)) {
        let stem = bus.file.file_stem().unwrap_or_default().to_string_lossy();
        // What everybody's file is called is nobody's name.
        let name = if stem == "config" {
            bus.topic_prefix.replace('.', "-")
        } else {
            stem.into_owned()
        };
        choices.push(Choice {
            name: free_name(&name, &mut names),
            preset: None,
            bus: Some(bus.clone()),
            hub: None,
        });
    }
    // What is heard of at once is before what has to be asked.
    if let Some(others) = choices.get_mut(at..) {
        others.sort_by_key(|it| it.bus.is_none());
    }
    choices
}

fn host_of(address: &str) -> Option<String> {
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

/// Returns what there is, if it is one.
fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|_| all.next().is_none())
}

/// Returns whether two hosts are one, or have a domain in common.
fn is_kin(one: &str, other: &str) -> bool {
    let is_number = |it: &str| it.starts_with('[') || it.chars().all(|it| it.is_ascii_digit() || it == '.');
    let domain = |it: &str| {
        let (_, domain) = it.split_once('.')?;
        let is_domain = domain.contains('.') && !is_number(it);
        is_domain.then(|| domain.to_ascii_lowercase())
    };
    one.eq_ignore_ascii_case(other) || domain(one).is_some_and(|it| domain(other) == Some(it))
}

/// Returns a name for an instance that no other has, out of the signs that can be in one without quotes.
fn free_name(wish: &str, names: &mut BTreeSet<String>) -> String {
    let sign = |it: char| {
        if it.is_ascii_alphanumeric() || it == '_' {
            it
        } else {
            '-'
        }
    };
    let base: String = wish.chars().map(sign).take(MAX_NAME).collect();
    let base = if base.is_empty() { "koji".to_owned() } else { base };
    let mut name = base.clone();
    let mut number = 1_usize;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{base}-{number}");
    }
    name
}

/// Returns the tables of one instance.
fn table(choice: &Choice, user: Option<&str>) -> String {
    let name = &choice.name;
    let mut text = format!("[instance.{name}]\n");
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key} = {}\n", toml_edit::Value::from(value)));
    if let Some(preset) = choice.preset {
        line("preset", preset.name());
    }
    if let Some(user) = user {
        line("user", user);
    }
    if let Some(bus) = &choice.bus {
        if choice.preset.is_none() {
            line("topic-prefix", &bus.topic_prefix);
        }
        if !bus.is_packaged {
            line("fedora-messaging", &bus.file.to_string_lossy());
        }
    }
    if user.is_none() {
        text.push_str("#user = \"mona\"\n");
    }
    if let Some(profile) = choice.hub.as_ref().and_then(|it| it.profile.as_deref()) {
        text.push_str(&format!("\n[instance.{name}.hub]\n"));
        text.push_str(&format!("profile = {}\n", toml_edit::Value::from(profile)));
    }
    match (&choice.bus, choice.preset) {
        (Some(_), _) => {}
        (None, Some(_)) => text.push_str(&format!(
            "\n# The broker's address and certificates are in the package fedora-messaging. With it, leave this table out.\n\
             [instance.{name}.broker]\nlisten = false\n"
        )),
        (None, None) => text.push_str(&format!(
            "\n# The message bus of this Koji is not known, so the hub is asked every few minutes. A table\n\
             # [instance.{name}.broker] with `url`, and `certificate` and `key` or `user` and `password-file`, tells it.\n"
        )),
    }
    text
}

/// Returns the error and its causes in one line.
fn broken(what: String, error: &dyn Error) -> Unusable {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        let text = it.to_string();
        if !why.ends_with(&text) {
            why = format!("{why}: {text}");
        }
        cause = it.source();
    }
    Unusable { what, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_domain_are_kin() {
        assert!(is_kin("broker.example.com", "koji.Example.com"));
        assert!(is_kin("127.0.0.1", "127.0.0.1") && is_kin("localhost", "localhost"));
        assert!(!is_kin("127.0.0.1", "128.0.0.1"));
        assert!(!is_kin("example.com", "example.org") && !is_kin("a.com", "b.com"));
        assert!(!is_kin("koji.example.com", "koji.example.org"));
    }

    #[test]
    fn no_two_have_one_name() {
        let mut names = BTreeSet::new();
        let named: Vec<_> = ["koji", "koji", "my koji.conf", "", "\u{9b}"]
            .map(|it| free_name(it, &mut names))
            .into();
        assert_eq!(named, ["koji", "koji-2", "my-koji-conf", "koji-3", "-"]);
    }

    #[test]
    fn a_bus_belongs_to_a_hub_only_without_doubt() {
        let bus = |host: &str| FoundBus {
            preset: None,
            bus: Bus {
                file: format!("/etc/fedora-messaging/{host}.toml").into(),
                host: host.to_owned(),
                topic_prefix: "com.example.prod".to_owned(),
                is_packaged: false,
            },
        };
        let hub = |host: &str| FoundHub {
            preset: None,
            hub: Hub {
                host: host.to_owned(),
                profile: Some(host.split('.').next().unwrap().to_owned()),
            },
        };
        let told = |buses, hubs| {
            let choices = joined(buses, hubs).into_iter();
            let told = choices.map(|it| {
                let side = |it: bool| if it { "yes" } else { "no" };
                format!("{} {} {}", it.name, side(it.bus.is_some()), side(it.hub.is_some()))
            });
            told.collect::<Vec<_>>().join(", ")
        };
        let (one, two) = ("koji.example.com", "brew.example.com");
        let broker = "mq.example.com";
        assert_eq!(told(vec![bus(broker)], vec![hub(one)]), "koji yes yes");
        assert_eq!(
            told(vec![bus(broker)], vec![hub(one), hub(two)]),
            "mq-example-com yes no, koji no yes, brew no yes"
        );
        assert_eq!(
            told(vec![bus(broker), bus("two.example.com")], vec![hub(one)]),
            "mq-example-com yes no, two-example-com yes no, koji no yes"
        );
    }
}
