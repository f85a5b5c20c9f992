//! Secrets stay where they are: a daemon with a password, a key and a hub's session says none of them, however much it
//! is asked to say, to anybody.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zbus::{Connection, MessageStream, fdo};

use super::trial::Trial;
use crate::apache::{Apache, Setup};
use crate::hub_stories::scene::set;
use crate::rabbit::{Client, Rabbit};
use crate::small_hub::{Login, SmallHub};

#[tokio::test]
async fn no_secret_is_in_a_log_in_the_journal_in_the_status_or_on_the_bus() {
    let rabbit = Rabbit::shared().await;
    let mut trial = Trial::new(rabbit).await;
    let hub = SmallHub::start();
    hub.set_login(Login::Anybody { user: "alice" });
    let apache = Apache::start(Setup {
        hub: Some(hub.port),
        ..Setup::default()
    })
    .await;
    // To one broker by password, to another by key; and to a hub that gives out sessions.
    let reader = trial.desk.vhost.reader.clone();
    let password_file = trial.desk.home.path("password");
    fs::write(&password_file, format!("{}\n", reader.password)).unwrap();
    fs::set_permissions(&password_file, Permissions::from_mode(0o600)).unwrap();
    let plain = trial.desk.vhost.tls_url(&reader);
    let plain = {
        let mut url = url::Url::parse(&plain).unwrap();
        url.set_username("").unwrap();
        url.set_password(None).unwrap();
        url.to_string()
    };
    let both = apache.certs.client(Client::Alice).both;
    let config = format!(
        r#"{by_key}
[instance.lab.hub]
server = "{server}"
ca-cert = "{hub_ca}"
login = "certificate"
certificate = "{both}"

[instance.other]
user = "alice"
topic-prefix = "org.fedoraproject.prod"
weburl = "https://koji.example.com/koji"
topurl = "https://kojipkgs.example.com"
hub.ask = false

[instance.other.broker]
url = "{plain}"
ca-cert = "{ca}"
user = "{user}"
password-file = "{file}"
"#,
        by_key = trial.desk.home.config(),
        server = apache.by_certificate(),
        hub_ca = apache.certs.ca().display(),
        both = both.display(),
        ca = rabbit.certs.ca().display(),
        user = reader.name,
        file = password_file.display(),
    );
    trial.desk.home.write_config(&config);
    trial.desk.loudness = "-vv";
    trial
        .desk
        .more
        .push(("KOJI_NOTIFY_LOG".into(), "trace,koji_notify=trace,lapin=trace".into()));

    let overheard = Overheard::start(&trial.desk.bus.connect().await).await;
    let mut daemon = trial.desk.start();
    trial
        .desk
        .status_when(|it| it.instances.len() == 2 && it.instances.iter().all(|it| it.link == "up"))
        .await;
    set(&hub, trial.clock.now());
    for message in hub.build("alice", "bash-5.3-1.fc44").messages {
        trial.desk.publisher.publish_recorded(&message).await;
    }
    let call = trial.desk.shown().await;
    assert!(call.title.contains("bash-5.3-1.fc44"), "{}", call.title);
    trial
        .desk
        .status_when(|it| it.instances.iter().any(|it| it.hub == "answers"))
        .await;
    let sessions = hub.session_keys();
    assert!(!sessions.is_empty(), "nobody has logged in");
    let status = trial.desk.run(&["status", "--json"]).await.output;
    let words = trial.desk.run(&["-vv", "status"]).await;
    trial.desk.all_is_acknowledged().await;
    // As it is while it is written, with its log, and as it stays.
    let mut written = BTreeMap::new();
    gather(&trial.state_folder(), &mut written);
    let written = written.into_iter().map(|(name, it)| (format!("{name}, written"), it));
    daemon.signal("TERM");
    assert!(daemon.end().await.success());

    let mut secrets = BTreeMap::from([("the password", reader.password.clone())]);
    secrets.insert("the broker's key", key(&rabbit.certs.client(Client::Fedora).key));
    secrets.insert("the hub's key", key(&both));
    for key in sessions {
        secrets.insert("a session's key", key);
    }
    let mut places = BTreeMap::from([
        ("the log".to_owned(), daemon.log().into_bytes()),
        ("status --json".to_owned(), status.into_bytes()),
        (
            "status".to_owned(),
            format!("{}{}", words.output, words.errors).into_bytes(),
        ),
        ("the bus".to_owned(), overheard.end().await),
    ]);
    assert!(written.len() > 3, "there is no log beside the journal");
    places.extend(written);
    gather(&trial.state_folder(), &mut places);
    gather(&trial.desk.home.path(".cache"), &mut places);
    for (place, text) in &places {
        for (name, secret) in &secrets {
            assert!(!holds(text, secret), "{name} is in {place}");
        }
    }
    // What is no secret is found where it is, and a secret would be.
    println!(
        "looked through: {:?}",
        places.iter().map(|(name, it)| (name, it.len())).collect::<Vec<_>>()
    );
    let public = "bash-5.3-1.fc44";
    for (place, public) in [
        ("the log", "org.fedoraproject.prod"),
        ("the log", "DEBUG"),
        ("the bus", public),
        ("status --json", "other"),
    ] {
        assert!(holds(&places[place], public), "nothing is found in {place}");
    }
    let log = &places["the log"];
    for secret in secrets.values() {
        let escaped = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
        let plain = format!("\0fedora\0{secret}");
        let basic = format!("user:{secret}");
        let listed = format!("{:?}", secret.as_bytes());
        for planted in [
            secret,
            &escaped,
            &listed,
            &BASE64_STANDARD.encode(secret),
            &BASE64_STANDARD.encode(plain),
            &BASE64_STANDARD.encode(basic),
        ] {
            assert!(
                holds(&[log, planted.as_bytes(), log].concat(), secret),
                "{planted} is not found"
            );
        }
    }
    let journals = places.iter().filter(|(name, _)| name.contains("journal.sqlite"));
    assert!(journals.clone().count() > 0);
    assert!(
        journals.into_iter().any(|(_, text)| holds(text, "5.3")),
        "nothing is found in the journal"
    );
}

/// All that goes over a session bus.
struct Overheard {
    bytes: mpsc::UnboundedReceiver<Vec<u8>>,
    task: JoinHandle<()>,
}

impl Overheard {
    /// Turns this connection into one that hears everything.
    async fn start(connection: &Connection) -> Self {
        let monitor = fdo::MonitoringProxy::new(connection).await.unwrap();
        let mut messages = MessageStream::from(connection);
        monitor.become_monitor(&[], 0).await.unwrap();
        let (report, bytes) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                report.send(message.data().bytes().to_vec()).unwrap();
            }
        });
        Self { bytes, task }
    }

    async fn end(mut self) -> Vec<u8> {
        self.task.abort();
        _ = self.task.await;
        let mut all = Vec::new();
        while let Ok(more) = self.bytes.try_recv() {
            all.extend(more);
        }
        all
    }
}

/// Returns a line out of the middle of a private key.
fn key(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let begun = text.split("PRIVATE KEY-----").nth(1).unwrap();
    let line = begun.trim().lines().next().unwrap().to_owned();
    // What all keys of a kind begin with is no secret.
    line[line.len() - 24..].to_owned()
}

/// Reads all files below a folder, whatever is in them.
pub(crate) fn gather(folder: &Path, places: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, places);
        } else {
            places.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
}

/// Returns whether a text is in there: as it is, or as an address or a base64 line has it.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let escaped = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let hexadecimal: String = text.bytes().map(|it| format!("{it:02x}")).collect();
    let numbers: Vec<String> = text.bytes().map(|it| it.to_string()).collect();
    let mut forms = vec![
        escaped.to_lowercase(),
        escaped,
        text.to_owned(),
        hexadecimal.to_uppercase(),
        hexadecimal,
        numbers.join(", "),
    ];
    // In base64 it looks otherwise after one byte or two, and what stands at its ends belongs to its neighbours, too.
    forms.extend((0..3).map(|before| {
        let packed =
            base64::engine::general_purpose::STANDARD_NO_PAD.encode([&vec![0; before], text.as_bytes()].concat());
        let whole = (before + text.len()) / 3 * 4;
        packed[(before * 8).div_ceil(6)..whole].to_owned()
    }));
    let found = |form: &String| bytes.windows(form.len()).any(|it| it == form.as_bytes());
    forms.iter().any(found)
}
