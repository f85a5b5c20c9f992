//! From the words in `config.toml` to settings that have been checked, whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use url::Url;

use crate::bus::broker::{Broker, Login};
use crate::bus::one::Broker as OneBroker;
use crate::hub::access::{self, FileServer, Hub};
use crate::koji::{InstanceName, Site};

use super::broker::{Asked, broker};
use super::document::Document;
use super::error::Nameless;
use super::hooks::hooks;
use super::hub::hub;
use super::identity::{self, Sought, is_name};
use super::quiet::quiet;
use super::{ConfigError, Identity, Instance, Places, Preset, Settings, file, one};

/// The longest name of an instance; it becomes part of a file's name.
const MAX_INSTANCE_NAME: usize = 64;

/// Reads the settings. Where no file or no instance is, it is Fedora's Koji. The only thing that is written is the
/// name of a queue, the first time it is needed; the only program that is run is `klist`, where no user is told.
pub async fn load(places: &Places) -> Result<Settings, ConfigError> {
    let file = places.config_file();
    let config = match Document::read(&file)? {
        Some(config) => config,
        // A file that was asked for by name has to be there.
        None if places.file.is_some() => {
            let source = std::io::ErrorKind::NotFound.into();
            return Err(ConfigError::Unreadable { file, source });
        }
        None => Document::parse(&file, Vec::new())?,
    };
    settings(places, &config).await
}

/// Reads the settings that a text would make in the place of the configuration. What goes for [`load`] goes for it.
pub async fn load_text(places: &Places, text: &str) -> Result<Settings, ConfigError> {
    let config = Document::parse(&places.config_file(), text.as_bytes().to_vec())?;
    settings(places, &config).await
}

async fn settings(places: &Places, config: &Document) -> Result<Settings, ConfigError> {
    let mut words: file::File = config.fill()?;
    if words.instance.is_empty() {
        let fedora = file::Instance {
            preset: Some(Preset::Fedora),
            ..file::Instance::default()
        };
        words.instance.insert(Preset::Fedora.name().to_owned(), fedora);
    }
    let mut instances = BTreeMap::new();
    for (name, words) in &words.instance {
        let asked = Asked {
            places,
            config,
            name,
            words,
        };
        instances.insert(InstanceName::new(name), instance(&asked).await?);
    }
    Ok(Settings {
        hooks: hooks(config, &words.hooks)?,
        wanted: words.tell.into(),
        quiet: quiet(config, &words.quiet)?,
        messages: words.dbus.messages,
        instances,
    })
}

async fn instance(asked: &Asked<'_>) -> Result<Instance, ConfigError> {
    let words = asked.words;
    let is_sign = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-');
    if !asked.name.chars().all(is_sign) || asked.name.starts_with('.') || !is_short(asked.name) {
        let problem = "the name of an instance: expected 1 to 64 letters, digits, `-`, `_` or `.`, and no `.` first";
        return Err(asked.wrong(&[], problem));
    }
    if words.packages.iter().any(|it| !is_name(it)) {
        return Err(asked.wrong(&["packages"], "`packages`: expected names of packages"));
    }
    let known = words.preset.map(Preset::site);
    let (weburl, topurl) = known.map_or((None, None), |it| (it.weburl, it.topurl));
    let mut site = Site {
        weburl: page(asked, "weburl", words.weburl.as_deref())?.or(weburl),
        topurl: page(asked, "topurl", words.topurl.as_deref())?.or(topurl),
    };
    let (hub, profile) = hub(asked, &mut site)?;
    let told = told_users(asked)?;
    let (broker, broker_file) = broker(asked, hub.is_some())?;
    let one = one::broker(asked, hub.is_some())?;
    let archive = archive(asked)?;
    let (users, users_from) = match told {
        Some(users) => (users, Identity::Configuration),
        None => found_user(asked, shown(login(broker.as_ref(), one.as_ref()), hub.as_ref())).await?,
    };
    Ok(Instance {
        site,
        users,
        users_from,
        packages: words.packages.clone(),
        preset: words.preset,
        broker,
        one,
        archive,
        hub,
        profile,
        broker_file,
    })
}

/// Returns the archive of messages, if there is one that is to be read. An empty address says that there is none.
fn archive(asked: &Asked<'_>) -> Result<Option<FileServer>, ConfigError> {
    let of_preset = asked.words.preset.and_then(Preset::datagrepper);
    let Some(address) = asked.words.datagrepper.as_deref().or(of_preset) else {
        return Ok(None);
    };
    if address.is_empty() {
        return Ok(None);
    }
    let address = access::Address::parse(address).map_err(|it| {
        let problem = format!("`datagrepper`: {it}: expected https://HOST/datagrepper");
        asked.wrong(&["datagrepper"], &problem)
    })?;
    Ok(Some(FileServer {
        address,
        trust: access::Trust::System,
        times: access::Times::default(),
    }))
}

fn is_short(name: &str) -> bool {
    (1..=MAX_INSTANCE_NAME).contains(&name.len())
}

fn told_users(asked: &Asked<'_>) -> Result<Option<BTreeSet<String>>, ConfigError> {
    let Some(file::Names(names)) = &asked.words.user else {
        return Ok(None);
    };
    if names.is_empty() || !names.iter().all(|it| is_name(it)) {
        return Err(asked.wrong(&["user"], "`user`: expected a user name or a list of user names"));
    }
    Ok(Some(names.iter().cloned().collect()))
}

/// Returns how we log in to the broker, whichever it is.
fn login<'a>(broker: Option<&'a Broker>, one: Option<&'a OneBroker>) -> Option<&'a Login> {
    broker.map(|it| &it.login).or_else(|| one?.login.as_ref())
}

/// Returns the client certificate that the broker is shown, or else the hub.
fn shown(login: Option<&Login>, hub: Option<&Hub>) -> Option<PathBuf> {
    let of_broker = login.and_then(|it| match it {
        Login::External { certificate, .. } => Some(certificate.clone()),
        Login::Plain { .. } => None,
    });
    of_broker.or_else(|| match &hub?.access.login {
        access::Login::Certificate { file } => Some(file.clone()),
        access::Login::Nothing | access::Login::Kerberos { .. } => None,
    })
}

async fn found_user(
    asked: &Asked<'_>,
    certificate: Option<PathBuf>,
) -> Result<(BTreeSet<String>, Identity), ConfigError> {
    let preset = asked.words.preset;
    let sought = Sought {
        realm: preset.map(Preset::realm),
        certificate,
        upn: preset.is_some(),
    };
    match identity::find(asked.places, &sought).await {
        Some((name, from)) => Ok((BTreeSet::from([name]), from)),
        None => Err(ConfigError::NoUser(Nameless {
            instance: asked.name.to_owned(),
            file: asked.places.config_file(),
            realm: sought.realm,
            upn: sought.upn,
        })),
    }
}

/// Checks an address that links are built from by putting something behind it.
fn page(asked: &Asked<'_>, key: &str, address: Option<&str>) -> Result<Option<String>, ConfigError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let wrong = |what: &str| asked.wrong(&[key], &format!("`{key}`: {what}: expected https://HOST/PATH"));
    let url = Url::parse(address).map_err(|it| wrong(&format!("this is not an address ({it})")))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(wrong("this is not the address of a web page"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("no user and no password can be in here"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("nothing can stand behind the path"));
    }
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}
