//! `amqp://` and `amqps://` addresses, read as pika (the Python library under fedora-messaging) reads them.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::bus::broker::{Address, Secret};

/// What an address says. The texts of errors never repeat it: there can be a password in it.
pub(super) struct AmqpUrl {
    pub(super) address: Address,
    /// The user and the password, if a user is named.
    pub(super) credentials: Option<(String, Secret)>,
    pub(super) heartbeat: Option<u16>,
    /// The time limit of a connection attempt.
    pub(super) timeout: Option<Duration>,
    /// There is something behind a `?`.
    pub(super) has_query: bool,
}

/// The longest time limit of a connection attempt.
const MAX_TIMEOUT: f64 = 300.0;

/// Query parameters of pika that mean nothing to us: our own dial decides.
const IGNORED: [&str; 10] = [
    "blocked_connection_timeout",
    "channel_max",
    "client_properties",
    "connection_attempts",
    "frame_max",
    "locale",
    "retry_delay",
    "socket_timeout",
    "ssl_options",
    "tcp_options",
];

/// Reads an address.
pub(super) fn parse(text: &str) -> Result<AmqpUrl, String> {
    let expected = "expected amqps://HOST/VHOST or amqp://HOST/VHOST";
    let url = Url::parse(text).map_err(|it| format!("this is not an address ({it}): {expected}"))?;
    let tls = match url.scheme() {
        "amqps" => true,
        "amqp" => false,
        _ => return Err(format!("this is not the address of a broker: {expected}")),
    };
    let default_port = if tls { 5671 } else { 5672 };
    let address = Address {
        tls,
        host: host(&url),
        port: url.port().unwrap_or(default_port),
        vhost: vhost(&url),
    };
    let user = decoded(url.username());
    let password = decoded(url.password().unwrap_or_default());
    let credentials = (!user.is_empty() || !password.is_empty()).then(|| (user, Secret::new(password)));
    let mut read = AmqpUrl {
        address,
        credentials,
        heartbeat: None,
        timeout: None,
        has_query: url.query().is_some(),
    };
    for (name, value) in url.query_pairs() {
        read.take_parameter(&name, &value)?;
    }
    Ok(read)
}

impl AmqpUrl {
    fn take_parameter(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "heartbeat" => {
                let seconds = value.parse();
                self.heartbeat = Some(seconds.map_err(|_| "`heartbeat`: expected seconds, 0 to 65535")?);
            }
            // The whole way up, as ours; `socket_timeout` is only the first part of it.
            "stack_timeout" => self.timeout = Some(seconds(value).ok_or("`stack_timeout`: expected seconds")?),
            "socket_timeout" if self.timeout.is_none() => {
                self.timeout = Some(seconds(value).ok_or("`socket_timeout`: expected seconds")?);
            }
            known if IGNORED.contains(&known) => {}
            // Not named: behind a stray `?` there can be the rest of a password.
            _ => return Err("there is an unknown parameter behind the `?` of the address".to_owned()),
        }
        Ok(())
    }
}

/// The host as it is dialled and verified: lower case, an IPv6 address without its brackets.
fn host(url: &Url) -> String {
    let host = decoded(url.host_str().unwrap_or_default()).to_lowercase();
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let host = bare.unwrap_or(&host);
    if host.is_empty() { "localhost" } else { host }.to_owned()
}

/// The first part of the path, decoded; without a path it is `/`.
fn vhost(url: &Url) -> String {
    match url.path().strip_prefix('/') {
        None | Some("") => "/".to_owned(),
        Some(path) => decoded(path.split('/').next().unwrap_or_default()),
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(MAX_TIMEOUT)))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let told = match parse(text) {
            Ok(it) => {
                let Address { tls, port, vhost, .. } = &it.address;
                let login = it
                    .credentials
                    .as_ref()
                    .map(|(user, password)| (user, password.reveal()));
                format!(
                    "{} {port} tls={tls} {vhost:?} {login:?} {:?} {:?}",
                    it.address.host, it.heartbeat, it.timeout
                )
            }
            Err(it) => it,
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn addresses_as_pika_reads_them() {
        check(
            "amqps://fedora:@rabbitmq.fedoraproject.org/%2Fpublic_pubsub",
            expect![[r#"rabbitmq.fedoraproject.org 5671 tls=true "/public_pubsub" Some(("fedora", "")) None None"#]],
        );
        check(
            "amqp://?connection_attempts=3&retry_delay=5",
            expect![[r#"localhost 5672 tls=false "/" None None None"#]],
        );
        check(
            "AMQPS://Mona:p%40ss%2Fword@Broker.Example.com:5673/a/b?heartbeat=30&socket_timeout=2.5",
            expect![[r#"broker.example.com 5673 tls=true "a" Some(("Mona", "p@ss/word")) Some(30) Some(2.5s)"#]],
        );
        check(
            "amqp://[::1]/?heartbeat=0&stack_timeout=9&socket_timeout=1",
            expect![[r#"::1 5672 tls=false "/" None Some(0) Some(9s)"#]],
        );
        check("amqp://host", expect![[r#"host 5672 tls=false "/" None None None"#]]);
        check(
            "amqp://host/%2F",
            expect![[r#"host 5672 tls=false "/" None None None"#]],
        );
        check("amqp://host//x", expect![[r#"host 5672 tls=false "" None None None"#]]);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_address() {
        check(
            "https://u:secret@host/",
            expect!["this is not the address of a broker: expected amqps://HOST/VHOST or amqp://HOST/VHOST"],
        );
        check(
            "amqps://u:secret@:99999/",
            expect!["this is not an address (empty host): expected amqps://HOST/VHOST or amqp://HOST/VHOST"],
        );
        check(
            "amqps://mona:12?secret@host",
            expect!["there is an unknown parameter behind the `?` of the address"],
        );
        check(
            "u:secret@host",
            expect!["this is not the address of a broker: expected amqps://HOST/VHOST or amqp://HOST/VHOST"],
        );
        check(
            "amqps://h/?heartbeat=-1",
            expect!["`heartbeat`: expected seconds, 0 to 65535"],
        );
        check(
            "amqps://h/?socket_timeout=NaN",
            expect!["`socket_timeout`: expected seconds"],
        );
        check(
            "amqps://h/?verify=no",
            expect!["there is an unknown parameter behind the `?` of the address"],
        );
    }
}
