//! An existing configuration of the Python library fedora-messaging, in its dialect of TOML.
//!
//! Taken are `amqp_url`, `tls`, `queues`, `bindings`, `qos`, `client_properties` and `passive_declares`. The other keys
//! that the library knows are left alone; a key that it does not know is an error, as it is there. A table replaces
//! the library's default for it whole.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use toml_edit::{Item, Value};
use tracing::warn;

use crate::bus::broker::{Address, Argument, Login, MAX_PREFETCH, Password, Queue, QueueName, Secret, Trust};

use super::ConfigError;
use super::address;
use super::document::Document;

/// What such a file says, checked.
pub(super) struct Existing {
    /// To name the line of what does not fit elsewhere.
    pub(super) document: Document,
    pub(super) url: address::AmqpUrl,
    pub(super) login: Login,
    pub(super) trust: Trust,
    /// `None`: the file has no `[queues]`.
    pub(super) queue: Option<Queue>,
    bindings: Vec<Binding>,
    pub(super) prefetch: u16,
    pub(super) passive: bool,
    pub(super) client_properties: BTreeMap<String, String>,
}

/// The exchange of the library's default binding.
pub(super) const DEFAULT_EXCHANGE: &str = "amq.topic";

/// The library's own default, which also holds where `[qos]` does not tell the count.
const DEFAULT_PREFETCH: i64 = 10;

/// All keys that the library knows (fedora_messaging/config.py, `DEFAULTS`).
const KNOWN: [&str; 15] = [
    "amqp_url",
    "bindings",
    "callback",
    "client_properties",
    "consumer_config",
    "exchanges",
    "log_config",
    "monitoring",
    "passive_declares",
    "publish_exchange",
    "publish_priority",
    "qos",
    "queues",
    "tls",
    "topic_prefix",
];

/// These say which library it is, and may not be set. We are another one.
const RESERVED: [&str; 3] = ["product", "information", "version"];

/// Reads a file. Returns `None` if there is none.
pub(super) fn read(file: &Path) -> Result<Option<Existing>, ConfigError> {
    let Some(mut document) = Document::read(file)? else {
        return Ok(None);
    };
    let known = |key: &str| KNOWN.contains(&key.to_lowercase().as_str());
    if let Some((unknown, _)) = document.root().iter().find(|(key, _)| !known(key)) {
        let problem = format!("unknown key `{unknown}`, expected one of `{}`", KNOWN.join("`, `"));
        return Err(document.wrong(&[unknown], &problem));
    }
    document.lower_first_level();
    let words: Words = document.fill()?;
    let url = address::parse(&words.amqp_url).map_err(|it| document.wrong(&["amqp_url"], &it))?;
    let login = login(&url, &words.tls, &document)?;
    let trust = match chosen(&words.tls.ca_cert) {
        Some(path) if url.address.tls => Trust::Only(readable(&document, "ca_cert", path)?),
        Some(_) | None => Trust::System,
    };
    Ok(Some(Existing {
        login,
        trust,
        queue: words.queues.map(|it| queue(it, &document)).transpose()?.flatten(),
        bindings: words.bindings.unwrap_or_default(),
        prefetch: prefetch(words.qos.prefetch_count, &document)?,
        passive: words.passive_declares,
        client_properties: client_properties(&document),
        url,
        document,
    }))
}

impl Existing {
    /// Returns the address that the file gives.
    pub(super) fn address(&self) -> &Address {
        &self.url.address
    }

    /// Returns the exchange of the first binding of the queue, or the default one.
    pub(super) fn exchange(&self) -> &str {
        let first = self.own_bindings().next();
        first.map_or(DEFAULT_EXCHANGE, |it| it.exchange.as_str())
    }

    /// Returns the routing keys that the file binds the exchange with; none where it asks for everything.
    pub(super) fn allowed_keys(&self, exchange: &str) -> Vec<String> {
        let bindings = self.own_bindings().filter(|it| it.exchange == exchange);
        let keys: Vec<String> = bindings.flat_map(|it| it.routing_keys.iter().cloned()).collect();
        let everything = keys.iter().any(|it| it == "#");
        if everything { Vec::new() } else { keys }
    }

    /// The bindings of the queue that is read: those that name it and those that name none.
    fn own_bindings(&self) -> impl Iterator<Item = &Binding> {
        let queue = match self.queue.as_ref().map(|it| &it.name) {
            Some(QueueName::Named(name)) => name.as_str(),
            Some(QueueName::ByServer) | None => "",
        };
        let is_ours = move |it: &&Binding| it.queue.as_deref().is_none_or(|it| it == queue);
        self.bindings.iter().filter(is_ours)
    }
}

/// The file, word for word. No `Debug`: there can be a password in it.
#[derive(Deserialize)]
struct Words {
    #[serde(default = "default_url")]
    amqp_url: String,
    #[serde(default)]
    passive_declares: bool,
    #[serde(default)]
    tls: Tls,
    queues: Option<InOrder<QueueWords>>,
    bindings: Option<Vec<Binding>>,
    #[serde(default)]
    qos: Qos,
    // Read by hand, as the values are of any kind; here only that it is a table.
    #[serde(default, rename = "client_properties")]
    _client_properties: BTreeMap<String, IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tls {
    ca_cert: Option<PathBuf>,
    keyfile: Option<PathBuf>,
    certfile: Option<PathBuf>,
}

#[derive(Deserialize)]
struct QueueWords {
    durable: bool,
    auto_delete: bool,
    exclusive: bool,
    // Read by hand; here only that it is there.
    #[serde(rename = "arguments")]
    _arguments: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Binding {
    exchange: String,
    routing_keys: Vec<String>,
    queue: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Qos {
    prefetch_count: Option<i64>,
}

fn default_url() -> String {
    "amqp://?connection_attempts=3&retry_delay=5".to_owned()
}

/// An empty text is no path: TOML has no null, so this is how people leave one out.
fn chosen(path: &Option<PathBuf>) -> Option<&Path> {
    path.as_deref().filter(|it| !it.as_os_str().is_empty())
}

/// EXTERNAL exactly when key and certificate are there and the line is TLS, as in the library; else user and password.
fn login(url: &address::AmqpUrl, tls: &Tls, document: &Document) -> Result<Login, ConfigError> {
    if let (true, Some(certificate), Some(key)) = (url.address.tls, chosen(&tls.certfile), chosen(&tls.keyfile)) {
        return Ok(Login::External {
            certificate: readable(document, "certfile", certificate)?,
            key: readable(document, "keyfile", key)?,
        });
    }
    let guest = || ("guest".to_owned(), Secret::new("guest".to_owned()));
    let (user, password) = url.credentials.clone().unwrap_or_else(guest);
    Ok(Login::Plain {
        user,
        password: Password::Known(password),
    })
}

/// Returns the path from the root, if the file is there and we may read it.
fn readable(document: &Document, key: &str, path: &Path) -> Result<PathBuf, ConfigError> {
    let path = document.folder().join(path);
    match std::fs::File::open(&path) {
        Ok(_) => Ok(path),
        Err(it) => {
            let problem = format!("`{key}`: cannot read {}: {it}", path.display());
            Err(document.wrong(&["tls", key], &problem))
        }
    }
}

/// One queue is read: the first.
fn queue(InOrder(queues): InOrder<QueueWords>, document: &Document) -> Result<Option<Queue>, ConfigError> {
    if queues.len() > 1 {
        warn!(
            queues = queues.len(),
            "only the first queue of the fedora-messaging configuration is read"
        );
    }
    let Some((name, words)) = queues.into_iter().next() else {
        return Ok(None);
    };
    let arguments = arguments(&name, document)?;
    Ok(Some(Queue {
        name: if name.is_empty() {
            QueueName::ByServer
        } else {
            QueueName::Named(name)
        },
        durable: words.durable,
        auto_delete: words.auto_delete,
        exclusive: words.exclusive,
        arguments,
    }))
}

fn arguments(queue: &str, document: &Document) -> Result<BTreeMap<String, Argument>, ConfigError> {
    let keys = ["queues", queue, "arguments"];
    let table = lookup(document, &keys).and_then(Item::as_table_like);
    let mut arguments = BTreeMap::new();
    for (name, item) in table.into_iter().flat_map(|it| it.iter()) {
        let argument = match item.as_value() {
            Some(Value::String(it)) => Argument::Text(it.value().clone()),
            Some(Value::Integer(it)) => Argument::Number(*it.value()),
            Some(Value::Boolean(it)) => Argument::Switch(*it.value()),
            Some(Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::InlineTable(_)) | None => {
                let problem = format!("the argument `{name}` of a queue: expected a text, a whole number or a boolean");
                return Err(document.wrong(&["queues", queue, "arguments", name], &problem));
            }
        };
        arguments.insert(name.to_owned(), argument);
    }
    Ok(arguments)
}

fn prefetch(count: Option<i64>, document: &Document) -> Result<u16, ConfigError> {
    let problem = "`prefetch_count`: expected a whole number, 0 to 65535";
    let count = u16::try_from(count.unwrap_or(DEFAULT_PREFETCH))
        .map_err(|_| document.wrong(&["qos", "prefetch_count"], problem))?;
    // 0 is "no limit" on the wire.
    Ok(if count == 0 {
        MAX_PREFETCH
    } else {
        count.min(MAX_PREFETCH)
    })
}

/// The properties that can be shown as text. A list becomes one line.
fn client_properties(document: &Document) -> BTreeMap<String, String> {
    let table = lookup(document, &["client_properties"]).and_then(Item::as_table_like);
    let all = table.into_iter().flat_map(|it| it.iter());
    let free = all.filter(|(name, _)| !RESERVED.contains(name));
    let told = free.filter_map(|(name, item)| Some((name.to_owned(), shown(item.as_value()?)?)));
    told.collect()
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(it) => Some(it.value().clone()),
        Value::Integer(it) => Some(it.value().to_string()),
        Value::Boolean(it) => Some(it.value().to_string()),
        Value::Array(it) => Some(it.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        Value::Float(_) | Value::Datetime(_) | Value::InlineTable(_) => None,
    }
}

fn lookup<'a>(document: &'a Document, keys: &[&str]) -> Option<&'a Item> {
    let (first, rest) = keys.split_first()?;
    let first = document.root().get(first)?;
    rest.iter().try_fold(first, |item, key| item.get(key))
}

/// A table in the order of the file.
struct InOrder<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrderVisitor(PhantomData))
    }
}

struct InOrderVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrderVisitor<T> {
    type Value = InOrder<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = map.next_entry()? {
            all.push(entry);
        }
        Ok(InOrder(all))
    }
}
