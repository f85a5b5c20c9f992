//! A configuration of the Python library fedora-messaging: whatever is in the file, there is a broker or one line that
//! points into it.

use koji_notify::bus::broker::MAX_PREFETCH;

use super::configuration::{assert_untold, in_file};
use super::home;
use super::seeds::{self, Seed};

pub const WORDS: &[&str] = &[
    "amqp_url = \"amqps://mona:p4ssw0rd@broker.example.org/%2Fa?heartbeat=20\"\n",
    "amqp_url = \"amqp://?connection_attempts=3&retry_delay=5\"\n",
    "passive_declares = true\n",
    "topic_prefix = \"\"\n",
    "callback = \"a:b\"\n",
    "[tls]\n",
    "ca_cert = \"cacert.pem\"\n",
    "keyfile = \"fedora-key.pem\"\n",
    "certfile = \"fedora-cert.pem\"\n",
    "[queues.mine]\n",
    "[queues.\"\"]\n",
    "durable = true\nauto_delete = false\nexclusive = false\narguments = {}\n",
    "arguments = { x-expires = 5 }\n",
    "[[bindings]]\n",
    "exchange = \"amq.topic\"\n",
    "routing_keys = [\"#\"]\n",
    "queue = \"mine\"\n",
    "[qos]\n",
    "prefetch_count = 65536\n",
    "[client_properties]\n",
    "app = \"x\"\n",
    "product = \"x\"\n",
    "[exchanges.\"amq.topic\"]\n",
    "[consumer_config]\n",
    "[log_config]\n",
    "AMQP_URL = ",
    "Queues = ",
    "stack_timeout=1e308",
    "heartbeat=65536",
    "%ff",
    "[::1]",
    "\u{202e}",
    "\"\\u0000\"",
];

/// The rest of what a broker needs.
const ABOUT: &[u8] = b"[instance.a]\nuser = 'mona'\nfedora-messaging = 'existing.toml'\ntopic-prefix = 'org.example'\n";

pub fn check(bytes: &[u8]) {
    home::with(|home| {
        home.write("config/koji-notify/config.toml", ABOUT);
        home.write("config/koji-notify/existing.toml", bytes);
        match home.settings() {
            Ok(settings) => {
                let broker = settings.instances.into_values().find_map(|it| it.broker).unwrap();
                assert!(broker.prefetch <= MAX_PREFETCH, "{}", broker.prefetch);
                assert!(!broker.address.host.is_empty());
                assert_untold(bytes, &format!("{broker:?}"));
            }
            Err(error) => {
                in_file(&[bytes, ABOUT].concat(), &error);
            }
        }
        home.clear();
    });
}

pub fn seeds() -> Vec<Seed> {
    seeds::kept("fedora_messaging")
}
