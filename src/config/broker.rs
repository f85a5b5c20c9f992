//! From the words about a broker, wherever they are written, to one that can be dialled.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::warn;

use crate::bus::broker::{Argument, Broker, Dialect, Login, MAX_PREFETCH, Password, Queue, QueueName, Trust};

use super::document::Document;
use super::fedora_messaging::{self, DEFAULT_EXCHANGE, Existing};
use super::file::{self, Protocol, WhoseQueue};
use super::{ConfigError, Places, address, machine};

/// The time limit of a connection attempt where no file tells one, as in pika (`stack_timeout`).
pub(super) const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);

/// How many messages may be on their way where nobody tells: more gains little, and less costs.
pub(super) const PREFETCH: u16 = 100;

/// How long a queue of ours waits for us, in milliseconds (`x-expires` of RabbitMQ): a night, and no litter for good.
const EXPIRES_AFTER: i64 = 24 * 60 * 60 * 1000;

/// Reads what the configuration says about the broker of an instance. Returns it with the file that it was read from.
/// Where there is a hub, it does without a broker.
pub(super) fn broker(asked: &Asked<'_>, has_hub: bool) -> Result<(Option<Broker>, PathBuf), ConfigError> {
    let words = asked.words;
    if words.broker.protocol == Some(Protocol::One) {
        // It has a description of its own: see `one`.
        return Ok((None, asked.places.config_file()));
    }
    asked.check_dialect()?;
    let only_of_one = [
        ("urls", words.broker.urls.is_some()),
        ("addresses", words.broker.addresses.is_some()),
        ("selector", words.broker.selector.is_some()),
    ];
    if let Some((key, _)) = only_of_one.iter().find(|(_, told)| *told) {
        let problem = format!("`{key}`: expected `protocol = \"amqp-1.0\"` beside it");
        return Err(asked.wrong(&["broker", key], &problem));
    }
    if words.broker.listen == Some(false) {
        if !has_hub {
            let problem =
                "`listen`: without a broker there has to be a hub: expected `server` or `profile` in the table `hub`";
            return Err(asked.wrong(&["broker", "listen"], problem));
        }
        return Ok((None, asked.places.config_file()));
    }
    let (broker, file) = match (&words.broker.url, &words.fedora_messaging, words.preset) {
        (Some(_), Some(_), _) => {
            return Err(asked.wrong(
                &["broker", "url"],
                "`url`: the broker is already told by `fedora-messaging`",
            ));
        }
        (Some(url), None, _) => (asked.own(url)?, asked.places.config_file()),
        (None, Some(path), _) => {
            let file = asked.path(path);
            let existing = fedora_messaging::read(&file)?.ok_or_else(|| {
                let problem = format!("`fedora-messaging`: {} is not there", file.display());
                asked.wrong(&["fedora-messaging"], &problem)
            })?;
            let properties = existing.client_properties.clone();
            (asked.existing(existing, properties)?, file)
        }
        (None, None, Some(preset)) => {
            let file = preset.packaged(asked.places);
            let existing = fedora_messaging::read(&file)?.ok_or_else(|| ConfigError::NotInstalled {
                file: file.clone(),
                folder: asked.places.fedora_messaging(),
            })?;
            // The packaged file introduces an example program of the library to the broker's administrator. We are
            // not it, and our own properties say so.
            (asked.existing(existing, BTreeMap::new())?, file)
        }
        (None, None, None) if has_hub && words.broker.is_empty() => return Ok((None, asked.places.config_file())),
        (None, None, None) => {
            let problem = "there is no broker and no hub: expected `preset`, `fedora-messaging`, `url` in the table `broker`, \
                           or `server` in the table `hub`";
            return Err(asked.wrong(&[], problem));
        }
    };
    Ok((Some(broker), file))
}

/// An instance whose broker is asked for.
pub(super) struct Asked<'a> {
    pub(super) places: &'a Places,
    pub(super) config: &'a Document,
    pub(super) name: &'a str,
    pub(super) words: &'a file::Instance,
}

impl Asked<'_> {
    /// Returns the error that something in this instance's table is not what it should be.
    pub(super) fn wrong(&self, keys: &[&str], problem: &str) -> ConfigError {
        let keys: Vec<&str> = ["instance", self.name].iter().chain(keys).copied().collect();
        self.config.wrong(&keys, problem)
    }

    /// A broker that is described in `[instance.NAME.broker]`.
    fn own(&self, url: &str) -> Result<Broker, ConfigError> {
        let wrong = |problem: &str| self.wrong(&["broker", "url"], problem);
        let url = address::parse(url).map_err(|it| wrong(&format!("`url`: {it}")))?;
        if url.credentials.is_some() {
            return Err(wrong(
                "`url`: no user and no password in here: expected them in `user` and `password-file`",
            ));
        }
        if url.has_query {
            return Err(wrong(
                "`url`: expected nothing behind the path; see `heartbeat` and `prefetch`",
            ));
        }
        let tls = url.address.tls;
        let trust = match &self.words.broker.ca_cert {
            Some(_) if !tls => return Err(self.only_with_tls("ca-cert")),
            Some(path) => Trust::Only(self.readable("ca-cert", path)?),
            None => Trust::System,
        };
        Ok(Broker {
            login: self.login(tls)?,
            trust,
            exchange: self
                .words
                .exchange
                .clone()
                .unwrap_or_else(|| self.usual_exchange().to_owned()),
            dialect: self.dialect()?,
            allowed_keys: Vec::new(),
            passive: false,
            prefetch: self.prefetch()?.unwrap_or(PREFETCH),
            heartbeat: self.heartbeat()?,
            connection_timeout: CONNECTION_TIMEOUT,
            client_properties: BTreeMap::new(),
            queue: self.queue(None)?,
            address: url.address,
        })
    }

    /// A broker that is described by a configuration of fedora-messaging; how we read from it is still ours to say.
    fn existing(&self, existing: Existing, properties: BTreeMap<String, String>) -> Result<Broker, ConfigError> {
        let own = &self.words.broker;
        let told = [
            ("user", own.user.is_some()),
            ("password-file", own.password_file.is_some()),
            ("ca-cert", own.ca_cert.is_some()),
            ("certificate", own.certificate.is_some()),
            ("key", own.key.is_some()),
        ];
        if let Some((key, _)) = told.iter().find(|(_, told)| *told) {
            let problem =
                format!("`{key}`: expected `url` beside it; else the fedora-messaging file says how to log in");
            return Err(self.wrong(&["broker", key], &problem));
        }
        let exchange = self.words.exchange.as_deref().unwrap_or(existing.exchange()).to_owned();
        let named = existing.queue.as_ref().is_some_and(|it| it.name != QueueName::ByServer);
        if existing.passive && !named {
            let problem = "`passive_declares`: the queue has to be there already: expected its name in `queues`";
            return Err(existing.document.wrong(&["passive_declares"], problem));
        }
        Ok(Broker {
            address: existing.address().clone(),
            dialect: self.dialect()?,
            allowed_keys: existing.allowed_keys(&exchange),
            exchange,
            passive: existing.passive,
            prefetch: self.prefetch()?.unwrap_or(existing.prefetch),
            heartbeat: self.heartbeat()?.or(existing.url.heartbeat),
            connection_timeout: existing.url.timeout.unwrap_or(CONNECTION_TIMEOUT),
            client_properties: properties,
            queue: self.queue(existing.queue)?,
            login: existing.login,
            trust: existing.trust,
        })
    }

    pub(super) fn login(&self, tls: bool) -> Result<Login, ConfigError> {
        let own = &self.words.broker;
        match (&own.certificate, &own.key, &own.user, &own.password_file) {
            (Some(_), _, None, None) if !tls => Err(self.only_with_tls("certificate")),
            (Some(certificate), Some(key), None, None) => Ok(Login::External {
                certificate: self.readable("certificate", certificate)?,
                key: self.readable("key", key)?,
            }),
            (None, None, Some(user), Some(file)) => Ok(Login::Plain {
                user: user.clone(),
                password: self.password(self.path(file))?,
            }),
            (Some(_), None, None, None) => Err(self.without_its_other("certificate", "key")),
            (None, Some(_), None, None) => Err(self.without_its_other("key", "certificate")),
            (None, None, Some(_), None) => Err(self.without_its_other("user", "password-file")),
            (None, None, None, Some(_)) => Err(self.without_its_other("password-file", "user")),
            (None, None, None, None) => {
                let problem = "there is no login: expected `certificate` and `key`, or `user` and `password-file`";
                Err(self.wrong(&["broker"], problem))
            }
            (Some(_), _, _, _) | (_, Some(_), _, _) => {
                let extra = if own.user.is_some() { "user" } else { "password-file" };
                let problem = format!("`{extra}`: there is a certificate to log in with already: expected one login");
                Err(self.wrong(&["broker", extra], &problem))
            }
        }
    }

    fn without_its_other(&self, key: &str, other: &str) -> ConfigError {
        self.wrong(&["broker", key], &format!("`{key}`: expected `{other}` beside it"))
    }

    pub(super) fn only_with_tls(&self, key: &str) -> ConfigError {
        self.wrong(
            &["broker", key],
            &format!("`{key}`: expected an amqps address in `url`, as amqp has no TLS"),
        )
    }

    /// Returns the password in a file, which is looked into now so that what is wrong with it has its line.
    fn password(&self, file: PathBuf) -> Result<Password, ConfigError> {
        let wrong = |it| self.wrong(&["broker", "password-file"], &format!("`password-file`: {it}"));
        Password::in_file(file).map_err(wrong)
    }

    /// Chooses the queue, given what a fedora-messaging file says about one.
    fn queue(&self, existing: Option<Queue>) -> Result<Queue, ConfigError> {
        let wish = self.words.broker.queue;
        match (existing, wish) {
            (Some(queue), None) => Ok(queue),
            (Some(queue), Some(wish)) => match (&queue.name, wish) {
                (QueueName::Named(name), WhoseQueue::Own | WhoseQueue::Server) => {
                    let problem =
                        format!("`queue`: the fedora-messaging file names the queue {name:?}: leave this out");
                    Err(self.wrong(&["broker", "queue"], &problem))
                }
                (QueueName::ByServer, WhoseQueue::Server) => Ok(queue),
                (QueueName::ByServer, WhoseQueue::Own) => self.own_queue(),
            },
            (None, Some(WhoseQueue::Own) | None) => self.own_queue(),
            (None, Some(WhoseQueue::Server)) => Ok(passing_queue()),
        }
    }

    /// A queue that outlives its connection and the broker's own restart, and goes by itself when nobody has read it
    /// for [`EXPIRES_AFTER`]. A site may let it go sooner: the public Fedora broker does after about an hour.
    ///
    /// Where its name cannot be kept, such as on a full disk, one that goes with its connection has to do: to hear is
    /// more than to hear what was said while nobody listened.
    fn own_queue(&self) -> Result<Queue, ConfigError> {
        let name = match machine::queue_name(self.places, self.name) {
            Err(error @ (ConfigError::Unwritable { .. } | ConfigError::Unreadable { .. })) => {
                let instance = self.name;
                warn!(instance, %error, "the name of our queue cannot be kept; the broker keeps nothing while we are away");
                return Ok(passing_queue());
            }
            name => name?,
        };
        Ok(Queue {
            name: QueueName::Named(name),
            durable: true,
            auto_delete: false,
            exclusive: false,
            arguments: BTreeMap::from([("x-expires".to_owned(), Argument::Number(EXPIRES_AFTER))]),
        })
    }

    /// Checks that nothing is told that belongs to another dialect.
    fn check_dialect(&self) -> Result<(), ConfigError> {
        let words = self.words;
        let name = match words.dialect.unwrap_or_default() {
            file::Dialect::FedoraMessaging => return Ok(()),
            file::Dialect::KojiTopic => "koji-topic",
            file::Dialect::KojiHeaders => "koji-headers",
            file::Dialect::KojiProtonmsg => "koji-protonmsg",
        };
        let only_fedora_s = [
            ("preset", words.preset.is_some()),
            ("fedora-messaging", words.fedora_messaging.is_some()),
            ("koji-instance", words.koji_instance.is_some()),
            ("datagrepper", words.datagrepper.is_some()),
        ];
        if let Some((key, _)) = only_fedora_s.iter().find(|(_, told)| *told) {
            let problem = format!("`{key}`: this is of Fedora Messaging: leave it out where `dialect` is \"{name}\"");
            return Err(self.wrong(&[key], &problem));
        }
        if words.topic_prefix.is_some() && words.dialect == Some(file::Dialect::KojiHeaders) {
            let problem = "`topic-prefix`: a headers exchange has no topics: leave this out where `dialect` is \
                           \"koji-headers\"";
            return Err(self.wrong(&["topic-prefix"], problem));
        }
        if words.broker.url.is_none() && words.broker.listen != Some(false) {
            let problem = format!("`dialect`: where it is \"{name}\", expected `url` in the table `broker`");
            return Err(self.wrong(&["dialect"], &problem));
        }
        Ok(())
    }

    fn dialect(&self) -> Result<Dialect, ConfigError> {
        Ok(match self.words.dialect.unwrap_or_default() {
            file::Dialect::FedoraMessaging => Dialect::FedoraMessaging {
                topic_prefix: self.topic_prefix()?,
                koji_instance: self.koji_instance()?,
            },
            file::Dialect::KojiTopic => Dialect::KojiTopic {
                prefix: self.own_prefix("koji.event")?,
            },
            file::Dialect::KojiHeaders => Dialect::KojiHeaders,
            file::Dialect::KojiProtonmsg => Dialect::KojiProtonmsg {
                prefix: self.own_prefix("koji")?,
            },
        })
    }

    /// Returns the exchange that a site most likely has.
    fn usual_exchange(&self) -> &'static str {
        match self.words.dialect.unwrap_or_default() {
            // As in the file that messagebus comes with.
            file::Dialect::KojiTopic | file::Dialect::KojiHeaders => "koji.events",
            // Where RabbitMQ puts what is sent to `/topic/…`.
            file::Dialect::FedoraMessaging | file::Dialect::KojiProtonmsg => DEFAULT_EXCHANGE,
        }
    }

    /// Returns what stands before the events of Koji's own plugins in the routing keys.
    fn own_prefix(&self, usual: &str) -> Result<String, ConfigError> {
        let prefix = self.words.topic_prefix.as_deref().unwrap_or(usual);
        if !is_prefix(prefix) || prefix.contains(['/', ':']) {
            let problem = format!(
                "`topic-prefix`: expected what stands before the event in the routing keys, such as \"{usual}\": words with \
                 dots between them, without `/topic/` and the like"
            );
            return Err(self.wrong(&["topic-prefix"], &problem));
        }
        Ok(prefix.to_owned())
    }

    fn topic_prefix(&self) -> Result<String, ConfigError> {
        let preset = self.words.preset.map(|it| it.topic_prefix().to_owned());
        let Some(prefix) = self.words.topic_prefix.clone().or(preset) else {
            let problem = "there is no `topic-prefix`: expected what stands before `.buildsys.` in the topics, \
                           such as \"org.fedoraproject.prod\"";
            return Err(self.wrong(&["topic-prefix"], problem));
        };
        if !is_prefix(&prefix) {
            let problem = "`topic-prefix`: expected words with dots between them, such as \"org.fedoraproject.prod\"";
            return Err(self.wrong(&["topic-prefix"], problem));
        }
        Ok(prefix)
    }

    fn koji_instance(&self) -> Result<String, ConfigError> {
        match &self.words.koji_instance {
            Some(name) if name.trim().is_empty() => {
                let problem = "`koji-instance`: expected the value of `instance` in the messages, such as \"primary\"";
                Err(self.wrong(&["koji-instance"], problem))
            }
            Some(name) => Ok(name.clone()),
            None => Ok(self.words.preset.map_or("primary", |it| it.koji_instance()).to_owned()),
        }
    }

    pub(super) fn prefetch(&self) -> Result<Option<u16>, ConfigError> {
        let read = |it: i64| u16::try_from(it).ok().filter(|it| (1..=MAX_PREFETCH).contains(it));
        let problem = "`prefetch`: expected a whole number, 1 to 1000";
        let prefetch = self.words.broker.prefetch;
        prefetch
            .map(|it| read(it).ok_or_else(|| self.wrong(&["broker", "prefetch"], problem)))
            .transpose()
    }

    pub(super) fn heartbeat(&self) -> Result<Option<u16>, ConfigError> {
        let problem = "`heartbeat`: expected seconds, 0 to 65535";
        let heartbeat = self.words.broker.heartbeat;
        let read = |it| u16::try_from(it).map_err(|_| self.wrong(&["broker", "heartbeat"], problem));
        heartbeat.map(read).transpose()
    }

    /// Returns a path of the table from the root, if the file is there and we may read it.
    pub(super) fn readable(&self, key: &str, path: &Path) -> Result<PathBuf, ConfigError> {
        let path = self.path(path);
        match File::open(&path) {
            Ok(_) => Ok(path),
            Err(it) => {
                let problem = format!("`{key}`: cannot read {}: {it}", path.display());
                Err(self.wrong(&["broker", key], &problem))
            }
        }
    }

    pub(super) fn path(&self, path: &Path) -> PathBuf {
        self.places.written(path, self.config.folder())
    }
}

/// Returns whether these are words with dots between them that can open a routing key. A wildcard would bind more than
/// is meant, and the broker takes routing keys of at most 255 bytes.
fn is_prefix(prefix: &str) -> bool {
    let is_word = |it: &str| !it.is_empty() && !it.contains(['*', '#']) && !it.contains(char::is_whitespace);
    prefix.split('.').all(is_word) && prefix.len() <= 200
}

/// A queue that goes with its connection, and that the broker gives a name to.
fn passing_queue() -> Queue {
    Queue {
        name: QueueName::ByServer,
        durable: false,
        auto_delete: true,
        exclusive: true,
        arguments: BTreeMap::new(),
    }
}
