//! A virtual host for one test, with the permissions of Fedora's public one, and what its administrator sees of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Rabbit;

/// What the person of Fedora may touch: queues with a UUID for a name, and those that the broker has named.
const OWN_QUEUES: &str = r"^(\w{8}(-\w{4}){3}-\w{12}|amq\.gen-.*)$";
/// What may be read besides: the exchange.
const OWN_QUEUES_AND_TOPIC: &str = r"^(\w{8}(-\w{4}){3}-\w{12}|amq\.gen-.*|amq\.topic)$";

const NO_PASSWORD: &str = "";

/// How long a test waits for the broker to get where it should.
const PATIENCE: Duration = Duration::from_secs(60);

/// A virtual host in a [`Rabbit`], known to nobody but the test that asked for it.
///
/// `fedora` and `alice` log in with their certificates (they have no password), [`Self::reader`] by password; all three may
/// do what Fedora lets anybody do. [`Self::publisher`] may do anything. `stranger` (password `stranger`) has no permission.
pub struct Vhost<'r> {
    pub rabbit: &'r Rabbit,
    /// Decoded.
    pub name: String,
    pub reader: User,
    pub publisher: User,
}

/// Somebody with a password.
#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub password: String,
}

/// A queue as its administrator sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct QueueState {
    pub name: String,
    pub durable: bool,
    pub auto_delete: bool,
    pub exclusive: bool,
    pub consumers: u64,
    pub messages_ready: u64,
    pub messages_unacknowledged: u64,
    #[serde(deserialize_with = "table")]
    pub arguments: BTreeMap<String, Value>,
}

/// A connection as its administrator sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct Connection {
    pub pid: String,
    pub user: String,
    pub ssl: bool,
    /// `tlsv1.3`; empty in clear.
    pub ssl_protocol: String,
    /// `EXTERNAL`, `PLAIN`.
    pub auth_mechanism: String,
    /// Seconds between heartbeats, as agreed.
    pub timeout: u64,
    pub frame_max: u64,
    pub channels: u64,
    #[serde(deserialize_with = "table")]
    pub client_properties: BTreeMap<String, Value>,
}

/// A binding of a queue to an exchange that has a name.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub struct Binding {
    pub source_name: String,
    pub destination_name: String,
    pub routing_key: String,
}

impl<'r> Vhost<'r> {
    pub(super) async fn make(rabbit: &'r Rabbit, name: String) -> Self {
        let mark = name.rsplit('-').next().unwrap();
        let user = |role: &str| User {
            name: format!("{role}-{mark}"),
            password: format!("{role}'s p@ss/word"),
        };
        let vhost = Self {
            rabbit,
            reader: user("reader"),
            publisher: user("publisher"),
            name,
        };
        let plain = |user: &User| json!({"name": user.name, "password": user.password, "tags": ""});
        let like_fedora = |user: &str| permission(&vhost.name, user, [OWN_QUEUES, OWN_QUEUES, OWN_QUEUES_AND_TOPIC]);
        let definitions = json!({
            "vhosts": [{"name": vhost.name}],
            "users": [plain(&vhost.reader), plain(&vhost.publisher)],
            "permissions": [
                like_fedora("fedora"),
                like_fedora("alice"),
                like_fedora(&vhost.reader.name),
                permission(&vhost.name, &vhost.publisher.name, [".*", ".*", ".*"]),
            ],
        });
        let text = definitions.to_string().replace('\\', r"\\").replace('"', r#"\""#);
        let answer = rabbit
            .eval(&format!(r#"rabbit_definitions:import_raw(<<"{text}"/utf8>>)."#))
            .await;
        assert_eq!(answer, "ok");
        vhost
    }

    /// Returns `amqp://reader:…@127.0.0.1:…/…`.
    pub fn url(&self, user: &User) -> String {
        self.address("amqp", Some(user), "127.0.0.1", self.rabbit.port)
    }

    /// Returns `amqps://reader:…@localhost:…/…`.
    pub fn tls_url(&self, user: &User) -> String {
        self.address("amqps", Some(user), "localhost", self.rabbit.tls_port)
    }

    /// Returns `amqps://fedora:@localhost:…/…`, as in Fedora's own file.
    pub fn fedora_url(&self) -> String {
        let fedora = User {
            name: "fedora".to_owned(),
            password: NO_PASSWORD.to_owned(),
        };
        self.address("amqps", Some(&fedora), "localhost", self.rabbit.tls_port)
    }

    /// Returns what queues there are, by name.
    pub async fn queues(&self) -> Vec<QueueState> {
        self.ask(&self.queues_question()).await
    }

    /// Waits until the queues are as they should be, and returns them.
    pub async fn queues_when(&self, fine: impl Fn(&[QueueState]) -> bool) -> Vec<QueueState> {
        self.when(&self.queues_question(), fine).await
    }

    /// Waits until there is one queue, with one consumer, and returns it.
    pub async fn consumed_queue(&self) -> QueueState {
        self.queues_when(|it| matches!(it, [only] if only.consumers == 1))
            .await
            .remove(0)
    }

    /// Waits until every queue is empty and nothing waits for an acknowledgement.
    pub async fn drained(&self) {
        self.queues_when(|it| it.iter().all(|it| it.messages_ready + it.messages_unacknowledged == 0))
            .await;
    }

    /// Returns who is connected to this virtual host.
    pub async fn connections(&self) -> Vec<Connection> {
        self.ask(&self.connections_question()).await
    }

    /// Waits until the connections are as they should be, and returns them.
    pub async fn connections_when(&self, fine: impl Fn(&[Connection]) -> bool) -> Vec<Connection> {
        self.when(&self.connections_question(), fine).await
    }

    /// Returns the routing keys that bind this queue to `amq.topic`, in order.
    pub async fn routing_keys(&self, queue: &str) -> Vec<String> {
        let bindings = self.bindings().await;
        let ours = bindings
            .into_iter()
            .filter(|it| it.source_name == "amq.topic" && it.destination_name == queue);
        ours.map(|it| it.routing_key).collect()
    }

    /// Returns all bindings, in order, but for those to the exchange without a name that every queue has.
    pub async fn bindings(&self) -> Vec<Binding> {
        let mut bindings: Vec<Binding> = self.ask(&self.bindings_question()).await;
        bindings.retain(|it| !it.source_name.is_empty());
        bindings.sort();
        bindings
    }

    /// Returns what binds queues to this exchange, in order: the routing key, and the arguments that there are.
    pub async fn bound_to(&self, exchange: &str) -> Vec<String> {
        #[derive(Deserialize)]
        struct Bound {
            source_name: String,
            routing_key: String,
            #[serde(deserialize_with = "table")]
            arguments: BTreeMap<String, Value>,
        }
        let items = "[source_name, routing_key, arguments]";
        let question = format!("rabbit_binding:info_all({}, {items}).", self.erlang_name());
        let bound: Vec<Bound> = self.ask(&question).await;
        let shown = |it: Bound| {
            let arguments = it.arguments.iter().map(|(name, value)| format!("{name}={value}"));
            let words: Vec<String> = [it.routing_key].into_iter().chain(arguments).collect();
            words.join(" ").replace('"', "").trim().to_owned()
        };
        let ours = bound.into_iter().filter(|it| it.source_name == exchange);
        let mut bound: Vec<String> = ours.map(shown).collect();
        bound.sort();
        bound
    }

    /// Waits until some queue is bound to `amq.topic` by the routing keys that are fine, in order.
    pub async fn bound_when(&self, fine: impl Fn(&[&str]) -> bool) {
        let question = self.bindings_question();
        let keys = |bindings: &[Binding]| {
            let named = bindings.iter().filter(|it| !it.source_name.is_empty());
            let mut keys: Vec<_> = named.map(|it| &*it.routing_key).collect();
            keys.sort_unstable();
            fine(&keys)
        };
        self.when(&question, keys).await;
    }

    /// Closes all connections to this virtual host, as an administrator does.
    pub async fn close_connections(&self, reason: &str) {
        self.rabbit
            .ctl(&["close_all_connections", "--vhost", &self.name, reason])
            .await;
    }

    /// Deletes a queue under its consumers, as an administrator does.
    pub async fn delete_queue(&self, queue: &str) {
        self.rabbit.ctl(&["delete_queue", "--vhost", &self.name, queue]).await;
    }

    /// Takes the one consumer away from a queue, and tells nobody. The queue is not one that goes with its last consumer.
    pub async fn forget_reader(&self, queue: &str) {
        let erlang = format!(
            "{{ok, Queue}} = rabbit_amqqueue:lookup({}),
             [Consumer] = rabbit_amqqueue:consumers(Queue),
             Ask = {{basic_cancel, element(1, Consumer), element(2, Consumer), undefined, <<\"nobody\">>}},
             gen_server2:call(amqqueue:get_pid(Queue), Ask, infinity).",
            self.resource("queue", queue)
        );
        assert_eq!(self.rabbit.eval(&erlang).await, "ok");
        self.queues_when(|it| it.iter().all(|it| it.name != queue || it.consumers == 0))
            .await;
    }

    /// Takes a binding to `amq.topic` from a queue, as an administrator does.
    pub async fn unbind(&self, queue: &str, key: &str) {
        let erlang = format!(
            "rabbit_binding:remove({{binding, {}, <<\"{key}\">>, {}, []}}, <<\"nobody\">>).",
            self.resource("exchange", "amq.topic"),
            self.resource("queue", queue)
        );
        assert_eq!(self.rabbit.eval(&erlang).await, "ok");
    }

    /// Takes every permission in this virtual host from a user, as an administrator does.
    pub async fn clear_permissions(&self, user: &str) {
        self.rabbit
            .ctl(&["clear_permissions", "--vhost", &self.name, user])
            .await;
    }

    /// Gives a user what everybody has at Fedora.
    pub async fn permit_like_fedora(&self, user: &str) {
        let [configure, write, read] = [OWN_QUEUES, OWN_QUEUES, OWN_QUEUES_AND_TOPIC];
        self.rabbit
            .ctl(&["set_permissions", "--vhost", &self.name, user, configure, write, read])
            .await;
    }

    fn address(&self, scheme: &str, user: Option<&User>, host: &str, port: u16) -> String {
        let mut url = url::Url::parse(&format!("{scheme}://{host}:{port}")).unwrap();
        if let Some(user) = user {
            url.set_username(&escape(&user.name)).unwrap();
            url.set_password(Some(&escape(&user.password))).unwrap();
        }
        url.set_path(&escape(&self.name));
        url.to_string()
    }

    fn resource(&self, kind: &str, name: &str) -> String {
        format!("rabbit_misc:r({}, {kind}, <<\"{name}\">>)", self.erlang_name())
    }

    fn erlang_name(&self) -> String {
        format!("<<\"{}\">>", self.name)
    }

    fn queues_question(&self) -> String {
        let items =
            "[name, durable, auto_delete, exclusive, consumers, messages_ready, messages_unacknowledged, arguments]";
        format!("lists:sort(rabbit_amqqueue:info_all({}, {items})).", self.erlang_name())
    }

    fn bindings_question(&self) -> String {
        let items = "[source_name, destination_name, routing_key]";
        format!("rabbit_binding:info_all({}, {items}).", self.erlang_name())
    }

    fn connections_question(&self) -> String {
        let items =
            "[pid, user, ssl, ssl_protocol, auth_mechanism, timeout, frame_max, channels, client_properties, vhost]";
        let ours = format!("proplists:get_value(vhost, It) =:= {}", self.erlang_name());
        format!("[It || It <- rabbit_networking:connection_info_all({items}), {ours}].")
    }

    async fn ask<T: DeserializeOwned>(&self, question: &str) -> T {
        let answer = self.rabbit.eval(question).await;
        serde_json::from_value(answer).unwrap()
    }

    /// Asks until the answer is fine. The broker paces it: it thinks a little before each answer.
    async fn when<T: DeserializeOwned + std::fmt::Debug>(&self, question: &str, fine: impl Fn(&[T]) -> bool) -> Vec<T> {
        let paced = format!("timer:sleep(20), {question}");
        let mut last = Vec::new();
        let search = async {
            loop {
                last = self.ask::<Vec<T>>(&paced).await;
                if fine(&last) {
                    return;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        assert!(found.is_ok(), "the broker did not get there; last seen: {last:#?}");
        last
    }
}

/// Returns the users that every broker here has from the start.
pub(super) fn definitions() -> Value {
    let by_certificate = |name: &str| json!({"name": name, "password_hash": NO_PASSWORD, "tags": ""});
    json!({
        "vhosts": [{"name": "/"}],
        "users": [
            by_certificate("fedora"),
            by_certificate("alice"),
            {"name": "stranger", "password": "stranger", "tags": ""},
        ],
    })
}

fn permission(vhost: &str, user: &str, [configure, write, read]: [&str; 3]) -> Value {
    json!({"vhost": vhost, "user": user, "configure": configure, "write": write, "read": read})
}

/// Escapes a part of an address: all that is not a letter or a digit.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|it| {
            if it.is_ascii_alphanumeric() {
                char::from(it).to_string()
            } else {
                format!("%{it:02x}")
            }
        })
        .collect()
}

/// Reads a table, which Erlang cannot tell from an empty list.
fn table<'de, D: serde::Deserializer<'de>>(input: D) -> Result<BTreeMap<String, Value>, D::Error> {
    let value = Value::deserialize(input)?;
    let table = value.as_object().cloned().unwrap_or_else(Map::new);
    Ok(table.into_iter().collect())
}
