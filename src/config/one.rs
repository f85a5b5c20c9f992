//! A broker that speaks AMQP 1.0, from the words about it.

use crate::bus::broker::{Address, Login, Trust};
use crate::bus::one::{Broker, MAX_ADDRESSES};

use super::broker::{Asked, CONNECTION_TIMEOUT, PREFETCH};
use super::file::Protocol;
use super::{ConfigError, address, file};

/// The most places that one broker may be at.
const MAX_DOORS: usize = 16;

/// The longest address that is read, in bytes.
const MAX_ADDRESS: usize = 500;

/// Reads what the configuration says about a broker of AMQP 1.0, if the instance has one.
pub(super) fn broker(asked: &Asked<'_>, has_hub: bool) -> Result<Option<Broker>, ConfigError> {
    let words = &asked.words.broker;
    if words.protocol != Some(Protocol::One) {
        return Ok(None);
    }
    if words.listen == Some(false) {
        if !has_hub {
            let problem =
                "`listen`: without a broker there has to be a hub: expected `server` or `profile` in the table `hub`";
            return Err(asked.wrong(&["broker", "listen"], problem));
        }
        return Ok(None);
    }
    asked.check_words()?;
    let doors = asked.doors()?;
    let tls = doors.iter().all(|it| it.tls);
    let trust = match &words.ca_cert {
        Some(_) if !tls => return Err(asked.only_with_tls("ca-cert")),
        Some(path) => Trust::Only(asked.readable("ca-cert", path)?),
        None => Trust::System,
    };
    Ok(Some(Broker {
        login: asked.any_login(tls)?,
        trust,
        addresses: asked.addresses()?,
        selector: words.selector.unwrap_or(false),
        topic_prefix: asked.any_prefix()?,
        prefetch: asked.prefetch()?.unwrap_or(PREFETCH),
        heartbeat: asked.heartbeat()?,
        connection_timeout: CONNECTION_TIMEOUT,
        doors,
    }))
}

impl Asked<'_> {
    /// Checks that nothing is told that belongs to the other protocol.
    fn check_words(&self) -> Result<(), ConfigError> {
        let words = self.words;
        match words.dialect {
            // The decoder takes what either plugin sends.
            None | Some(file::Dialect::KojiProtonmsg) => {}
            Some(file::Dialect::FedoraMessaging | file::Dialect::KojiTopic | file::Dialect::KojiHeaders) => {
                let problem = "`dialect`: only the messages of Koji's own plugins come by AMQP 1.0: expected \
                               \"koji-protonmsg\"";
                return Err(self.wrong(&["dialect"], problem));
            }
        }
        let others = [
            ("preset", words.preset.is_some()),
            ("fedora-messaging", words.fedora_messaging.is_some()),
            ("koji-instance", words.koji_instance.is_some()),
            ("exchange", words.exchange.is_some()),
            ("datagrepper", words.datagrepper.is_some()),
        ];
        if let Some((key, _)) = others.iter().find(|(_, told)| *told) {
            let problem = format!("`{key}`: leave this out where `protocol` is \"amqp-1.0\"");
            return Err(self.wrong(&[key], &problem));
        }
        if words.broker.queue.is_some() {
            let problem = "`queue`: leave this out where `protocol` is \"amqp-1.0\": `addresses` says what is read";
            return Err(self.wrong(&["broker", "queue"], problem));
        }
        Ok(())
    }

    /// Where the broker is: `url`, or each of `urls`.
    fn doors(&self) -> Result<Vec<Address>, ConfigError> {
        let words = &self.words.broker;
        let (key, urls) = match (&words.url, &words.urls) {
            (Some(url), None) => ("url", std::slice::from_ref(url)),
            (None, Some(urls)) => ("urls", urls.as_slice()),
            (Some(_), Some(_)) => {
                return Err(self.wrong(&["broker", "urls"], "`urls`: expected either this or `url`"));
            }
            (None, None) => {
                return Err(self.wrong(&["broker"], "there is no `url`: expected where the broker is"));
            }
        };
        let wrong = |problem: &str| self.wrong(&["broker", key], &format!("`{key}`: {problem}"));
        if urls.is_empty() || urls.len() > MAX_DOORS {
            return Err(wrong("expected 1 to 16 addresses of one broker"));
        }
        let mut doors = Vec::new();
        for url in urls {
            let url = address::parse(url).map_err(|it| wrong(&it))?;
            if url.credentials.is_some() {
                return Err(wrong(
                    "no user and no password in here: expected them in `user` and `password-file`",
                ));
            }
            if url.has_query {
                return Err(wrong(
                    "expected nothing behind the path; see `heartbeat` and `prefetch`",
                ));
            }
            doors.push(url.address);
        }
        Ok(doors)
    }

    /// A login, or none: then we are nobody in particular.
    fn any_login(&self, tls: bool) -> Result<Option<Login>, ConfigError> {
        let words = &self.words.broker;
        let is_told =
            words.certificate.is_some() || words.key.is_some() || words.user.is_some() || words.password_file.is_some();
        is_told.then(|| self.login(tls)).transpose()
    }

    fn addresses(&self) -> Result<Vec<String>, ConfigError> {
        let problem = "`addresses`: expected what is read, in the broker's own words, such as \
                       [\"topic://VirtualTopic.eng.brew.>\"]: 1 to 16 of them";
        let Some(addresses) = &self.words.broker.addresses else {
            return Err(self.wrong(&["broker"], problem));
        };
        let is_address =
            |it: &String| (1..=MAX_ADDRESS).contains(&it.len()) && !it.contains(|it: char| it.is_control());
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES || !addresses.iter().all(is_address) {
            return Err(self.wrong(&["broker", "addresses"], problem));
        }
        Ok(addresses.clone())
    }

    /// Returns what stands before the events in the addresses that Koji sends to. Nothing told: anything may.
    fn any_prefix(&self) -> Result<String, ConfigError> {
        let prefix = self.words.topic_prefix.as_deref().unwrap_or_default();
        let is_odd = |it: char| it.is_whitespace() || it.is_control() || matches!(it, '*' | '#' | '>');
        if prefix.len() > 200 || prefix.contains(is_odd) {
            let problem = "`topic-prefix`: expected the `topic_prefix` of protonmsg.conf, such as \
                           \"topic://VirtualTopic.eng.brew\"";
            return Err(self.wrong(&["topic-prefix"], problem));
        }
        Ok(prefix.to_owned())
    }
}
