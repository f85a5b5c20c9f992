//! What a person means by a number, a name or the address of a page, and on which instance.
//!
//! Whatever is typed or pasted is looked at as text; nothing of it is opened, and an address only counts under the
//! configured addresses. Whether there is such a build or task is not known here: the hub tells.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use url::Url;

use super::{BuildId, InstanceName, Nvr, Site, TaskId};

/// The longest text that is looked at, in bytes.
pub const MAX_MEANT: usize = 2048;

/// How many characters of a text are repeated in an error, and of each instance's name.
const MAX_REPEATED: usize = 40;

/// How many instances an error names.
const MAX_NAMED: usize = 5;

/// The greatest number of a build or task: both are `SERIAL` in the hub's database (`schemas/schema.sql`), and its
/// protocol's integers have 32 bits.
const MAX_ID: u64 = i32::MAX as u64;

/// What is to be looked up on a hub.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Lookup {
    Task(TaskId),
    Build(BuildId),
    Nvr(Nvr),
}

/// The instances that can be meant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known {
    pub sites: BTreeMap<InstanceName, Site>,
    /// Those of them that have a hub which can be asked.
    pub hubs: BTreeSet<InstanceName>,
}

/// Why nobody knows what is meant. One line each; text of others is cut and cleaned.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotUnderstood {
    #[error("{EXPECTED}; there is nothing")]
    Nothing,
    #[error("{EXPECTED}; this is longer than {MAX_MEANT} bytes")]
    TooLong,
    #[error("{EXPECTED}, not `{0}`")]
    Neither(String),
    #[error("expected the address of a task's or a build's page, or of a task's file")]
    OtherPage,
    #[error("the address is not under the web interface of any instance that is configured ({0})")]
    Elsewhere(String),
    #[error("there are several instances; say which one by its name and a colon before it: {0}")]
    Several(String),
    #[error("no instance is configured")]
    NoInstance,
}

const EXPECTED: &str =
    "expected the number of a task, the name-version-release of a build, or the address of either's page";

impl Known {
    /// Returns what a text means, and on which instance; it is one of those that are known.
    ///
    /// A task's number (`4711`) and a build's name (`bash-5.3-1.fc43`, also with an epoch or as the name of an RPM
    /// file) are of the only instance, or of the only one that has a hub, unless its name stands before them
    /// (`fedora:4711`). The address of a page (`…/taskinfo?taskID=4711`, `…/buildinfo?buildID=77`,
    /// `…/getfile?taskID=4711&…`) is of the instance whose web interface it is under; it does not matter whether it
    /// says `http` or `https`.
    ///
    /// # Errors
    ///
    /// If it is none of these, or could be of several instances.
    pub fn meant(&self, text: &str) -> Result<(InstanceName, Lookup), NotUnderstood> {
        let text = text.trim();
        let text = text.strip_prefix('<').unwrap_or(text);
        let text = text.strip_suffix('>').unwrap_or(text).trim();
        if text.is_empty() {
            return Err(NotUnderstood::Nothing);
        }
        if text.len() > MAX_MEANT {
            return Err(NotUnderstood::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(NotUnderstood::Neither(one_line(text, MAX_REPEATED)));
        }
        if let Some(page) = page(text) {
            return self.on_page(&page);
        }
        // A browser may have left out how the page is fetched.
        if let Some(page) = page(&format!("https://{text}"))
            && let Ok(meant) = self.on_page(&page)
        {
            return Ok(meant);
        }
        if let Some((instance, rest)) = self.addressed(text)
            && let Some(lookup) = lookup(rest)
        {
            return Ok((instance.clone(), lookup));
        }
        let lookup = lookup(text).ok_or_else(|| NotUnderstood::Neither(one_line(text, MAX_REPEATED)))?;
        Ok((self.only()?.clone(), lookup))
    }

    /// Splits `fedora:4711`. A name may have a colon itself, so the longest one counts.
    fn addressed<'t>(&self, text: &'t str) -> Option<(&InstanceName, &'t str)> {
        let rest = |it: &InstanceName| text.strip_prefix(it.as_str())?.strip_prefix(':');
        let fitting = self.sites.keys().filter_map(|it| Some((it, rest(it)?)));
        fitting.min_by_key(|(_, rest)| rest.len())
    }

    /// Returns the instance that is meant where none is named.
    fn only(&self) -> Result<&InstanceName, NotUnderstood> {
        let mut all = self.sites.keys();
        let mut asked = all.clone().filter(|it| self.hubs.contains(it));
        match (all.next(), all.next(), asked.next(), asked.next()) {
            (None, _, _, _) => Err(NotUnderstood::NoInstance),
            (Some(only), None, _, _) | (Some(_), Some(_), Some(only), None) => Ok(only),
            (Some(_), Some(_), Some(_), Some(_)) => {
                Err(NotUnderstood::Several(self.names(|it| self.hubs.contains(it))))
            }
            (Some(_), Some(_), None, _) => Err(NotUnderstood::Several(self.names(|_| true))),
        }
    }

    fn names(&self, is_it: impl Fn(&InstanceName) -> bool) -> String {
        let all = self.sites.keys().filter(|it| is_it(it));
        let mut names: Vec<_> = all.map(|it| one_line(it.as_str(), MAX_REPEATED)).collect();
        if names.len() > MAX_NAMED {
            names.truncate(MAX_NAMED);
            names.push("…".to_owned());
        }
        names.join(", ")
    }

    fn on_page(&self, page: &Url) -> Result<(InstanceName, Lookup), NotUnderstood> {
        if self.sites.is_empty() {
            return Err(NotUnderstood::NoInstance);
        }
        let Ok(path) = percent_decode_str(page.path()).decode_utf8() else {
            return Err(NotUnderstood::OtherPage);
        };
        let named = |(name, site): (_, &Site)| Some((name, below(site.weburl.as_deref()?, page, &path)?));
        let mut fitting: Vec<(&InstanceName, &str)> = self.sites.iter().filter_map(named).collect();
        // The same web interface may be configured for two users: better the one that can be asked. An address below
        // another one is the longer one's.
        fitting.sort_by_key(|(name, rest)| (rest.len(), !self.hubs.contains(name)));
        let Some((instance, name)) = fitting.into_iter().next() else {
            return Err(NotUnderstood::Elsewhere(self.names(|_| true)));
        };
        let lookup = named_by(page, name).ok_or(NotUnderstood::OtherPage)?;
        Ok((instance.clone(), lookup))
    }
}

/// Returns the address of a page, if the text is one.
fn page(text: &str) -> Option<Url> {
    let url = text.contains("://").then(|| Url::parse(text).ok())??;
    let has_host = url.host_str().is_some_and(|it| !it.is_empty());
    (has_host && is_web(&url)).then_some(url)
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Returns the rest of a page's path, if it is under an address. Either may be fetched securely or not.
fn below<'p>(address: &str, page: &Url, path: &'p str) -> Option<&'p str> {
    let address = Url::parse(address).ok().filter(is_web)?;
    let is_host = address.host_str() == page.host_str() && address.port() == page.port();
    let above = percent_decode_str(address.path()).decode_utf8().ok()?;
    let rest = path.strip_prefix(above.trim_end_matches('/'))?.strip_prefix('/')?;
    is_host.then_some(rest)
}

/// Returns what a page of the web interface shows (`www/kojiweb/index.py`). A build's page takes its name, too.
fn named_by(page: &Url, name: &str) -> Option<Lookup> {
    let value = |key: &str| page.query_pairs().find(|(it, _)| it == key).map(|(_, value)| value);
    match name {
        "taskinfo" | "getfile" => number(value("taskID")?.trim()).map(|it| Lookup::Task(TaskId(it))),
        "buildinfo" => {
            let build = value("buildID")?;
            let build = build.trim();
            let by_number = number(build).map(|it| Lookup::Build(BuildId(it)));
            by_number.or_else(|| nvr(build).map(Lookup::Nvr))
        }
        _ => None,
    }
}

fn lookup(text: &str) -> Option<Lookup> {
    let by_number = number(text).map(|it| Lookup::Task(TaskId(it)));
    by_number.or_else(|| nvr(text).map(Lookup::Nvr))
}

fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|it| it.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain)?;
    (1..=MAX_ID).contains(&number).then_some(number)
}

/// Reads a build's name, also from `bash-1:5.3-1.fc43`, `1:bash-5.3-1.fc43` and `bash-5.3-1.fc43.x86_64.rpm`. A hub
/// knows builds without their epoch.
fn nvr(text: &str) -> Option<Nvr> {
    // What else is in a package's name, no hub and no RPM takes.
    let is_name = text.bytes().all(|it| it.is_ascii_graphic() && it != b'/');
    let text = match text.strip_suffix(".rpm") {
        Some(file) => file.rsplit_once('.')?.0,
        None => text,
    };
    let mut nvr = Nvr::parse(text).filter(|_| is_name)?;
    for part in [&mut nvr.name, &mut nvr.version] {
        if let Some((epoch, rest)) = part.split_once(':')
            && !epoch.is_empty()
            && epoch.bytes().all(|it| it.is_ascii_digit())
        {
            *part = rest.to_owned();
        }
    }
    let has_colon = [&nvr.name, &nvr.version, &nvr.release]
        .into_iter()
        .any(|it| it.is_empty() || it.contains(':'));
    (!has_colon).then_some(nvr)
}

/// Returns the beginning of a text of others, on one line and without what would change how it is shown, at most `most`
/// characters of it.
pub fn one_line(text: &str, most: usize) -> String {
    let clean = |it: char| if it.is_control() || is_unseen(it) { ' ' } else { it };
    let mut short: String = text.chars().take(most).map(clean).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

/// Returns whether a character changes how those around it are shown: line ends, directions, joiners (Unicode 16, `Cf`
/// and the separators).
fn is_unseen(it: char) -> bool {
    matches!(it, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
