//! What is wrong, and what the reader can do about it, in words: with a line to a broker, with a hub, and here.
//!
//! Where a broker tells of changes, a hub that does not answer is no trouble of the line: builds are told of, and only
//! what the hub alone knows comes later. Where there is no broker, the hub is the line.

use jiff::{SignedDuration, Timestamp};

use super::text;
use crate::i18n::{fill, tr, tr_n};
use crate::koji::InstanceName;
use crate::watch::{HubLine, HubTrouble, JournalTrouble, Line, Link, Problem, Trouble, Unanswered, Watch};

/// The most characters of what the other side said.
const MAX_DETAIL: usize = 300;

/// What began longer ago than this may have begun on another day, and is told with its date.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(12);

/// How wide and how long the words about a broken configuration may be: a menu is as wide as its longest line.
const WIDTH: usize = 70;
const LINES: usize = 6;

/// How wide a sentence of our own may be, in any language, before it goes on in a second line.
const SENTENCE: usize = 80;

/// What is wrong, in a sentence without a full stop, and what the reader can do or has to expect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wrong {
    pub(super) sentence: String,
    pub(super) advice: String,
}

/// Returns whether there is no broker and the hub is the line.
pub(super) fn is_polled(watch: &Watch, instance: &InstanceName) -> bool {
    let whose = watch.rules().instances.get(instance);
    whose.is_some_and(|it| it.hub && !it.bus)
}

/// Returns what is wrong with the lines to brokers.
pub(super) fn lines(watch: &Watch) -> impl Iterator<Item = Wrong> {
    let named = |(name, line): (&InstanceName, &Line)| match &line.link {
        Link::Down(trouble) => Some(Wrong {
            sentence: of_instance(name, &sentence(trouble)),
            advice: advice(trouble.problem),
        }),
        Link::Connecting | Link::Up | Link::Ended => None,
    };
    let unheard = |name: &InstanceName| {
        Some(Wrong {
            sentence: of_instance(name, &unheard(watch, name)?),
            advice: tr("You still hear of it, from the hub and later; tell the broker's administrators"),
        })
    };
    let deaf = watch.lines().keys().filter_map(unheard);
    watch.lines().iter().filter_map(named).chain(deaf)
}

/// Returns that a bus does not tell what it should, although the line looks sound, in one sentence.
pub(super) fn unheard(watch: &Watch, name: &InstanceName) -> Option<String> {
    let build = text::name(&watch.unheard(name)?.to_string());
    // Translators: {build} is a build such as "bash-5.3-1.fc43".
    Some(fill(
        &tr("The message broker did not tell of {build}; the hub did"),
        &[("build", &build)],
    ))
}

/// Returns what is wrong with hubs, and since when.
pub(super) fn hubs(watch: &Watch, now: Timestamp) -> impl Iterator<Item = Wrong> {
    watch.lines().keys().filter_map(move |name| {
        let (why, since) = watch.hub(name)?.wrong()?;
        let form = if now.duration_since(*since) > LONG_AGO {
            "%Y-%m-%d %H:%M"
        } else {
            "%H:%M"
        };
        let time = since.to_zoned(watch.rules().zone.clone()).strftime(form).to_string();
        let values = [("trouble", &*hub(why.kind)), ("time", &time)];
        // Translators: {trouble} is a sentence, {time} a time of the day: "The hub cannot be reached (since 17:40)".
        let sentence = fill(&tr("{trouble} (since {time})"), &values);
        Some(Wrong {
            sentence: of_instance(name, &sentence),
            advice: hub_advice(why.kind, is_polled(watch, name)),
        })
    })
}

/// Returns what is wrong with hubs that nobody but a person can mend, or that are the line.
pub(super) fn grave_hubs(watch: &Watch) -> impl Iterator<Item = String> {
    watch.lines().keys().filter_map(|name| {
        let (why, _) = watch.hub(name)?.wrong()?;
        let is_grave = is_polled(watch, name) || !is_passing(why.kind);
        is_grave.then(|| of_instance(name, &hub(why.kind)))
    })
}

/// Returns what is wrong where we run, a line each.
pub(super) fn here(watch: &Watch) -> Vec<String> {
    let mut lines = Vec::new();
    if watch.has_server() == Some(false) {
        lines.push(no_server(watch.waiting()));
    }
    if let Some(trouble) = watch.journal_trouble() {
        lines.extend(text::wrapped(&journal(trouble), SENTENCE, LINES));
    }
    if let Some(trouble) = watch.configuration_trouble() {
        lines.push(configuration(!watch.lines().is_empty()));
        lines.extend(text::wrapped(trouble, WIDTH, LINES));
    }
    lines
}

fn of_instance(name: &InstanceName, sentence: &str) -> String {
    let values = [("instance", &*text::name(name.as_str())), ("trouble", sentence)];
    // Translators: what is wrong with one Koji instance: "fedora: rabbitmq.example.com:5671 does not answer".
    fill(&tr("{instance}: {trouble}"), &values)
}

/// Returns how a hub is, in one sentence without a full stop.
pub fn hub_state(line: &HubLine) -> String {
    match (line.wrong(), line.last_answer, &line.known_as) {
        (Some((why, _)), ..) => hub_in_full(why),
        (None, Some(_), None) => tr("The hub answers"),
        (None, Some(_), Some(user)) => {
            // Translators: {user} is a user of Koji, after a login.
            let sentence = tr("The hub answers, and knows you as {user}");
            fill(&sentence, &[("user", &text::name(user))])
        }
        (None, None, _) => tr("The hub has not answered yet"),
    }
}

/// Returns what is wrong with a hub, in one sentence without a full stop.
pub fn hub(kind: HubTrouble) -> String {
    match kind {
        HubTrouble::Unreachable => tr("The hub cannot be reached"),
        HubTrouble::Closed => tr("The hub is closed for now"),
        HubTrouble::Slow => tr("The hub takes too long to answer"),
        HubTrouble::LoginRefused => tr("The login to the hub did not work"),
        HubTrouble::NoSuchUser => tr("The hub knows no user of that name"),
        HubTrouble::Refused => tr("The hub gives no answer that can be used"),
    }
}

/// Returns what is wrong with a hub, and what it or a library said about it.
pub fn hub_in_full(why: &Unanswered) -> String {
    with_detail(hub(why.kind), &why.text)
}

/// Returns what the reader can do, or has to expect. `is_line` says that no broker tells of changes.
pub fn hub_advice(kind: HubTrouble, is_line: bool) -> String {
    match kind {
        HubTrouble::LoginRefused => tr("Check the login to the hub; with Kerberos, get a new ticket"),
        HubTrouble::NoSuchUser => tr("Check the user name in the configuration"),
        HubTrouble::Unreachable | HubTrouble::Closed | HubTrouble::Slow | HubTrouble::Refused if is_line => {
            tr("Nothing needs to be done: koji-notify keeps trying")
        }
        HubTrouble::Unreachable | HubTrouble::Closed | HubTrouble::Slow | HubTrouble::Refused => {
            tr("You still hear of builds; progress and reasons come later")
        }
    }
}

/// Returns whether it may pass by itself.
fn is_passing(kind: HubTrouble) -> bool {
    match kind {
        HubTrouble::Unreachable | HubTrouble::Closed | HubTrouble::Slow | HubTrouble::Refused => true,
        HubTrouble::LoginRefused | HubTrouble::NoSuchUser => false,
    }
}

/// Returns what happened, in one sentence without a full stop.
pub fn sentence(trouble: &Trouble) -> String {
    // Translators: {host} is a message broker: "rabbitmq.fedoraproject.org:5671".
    let sentence = match trouble.problem {
        Problem::UnknownHost => tr("{host} cannot be found"),
        Problem::Unreachable => tr("{host} does not answer"),
        Problem::Interrupted => tr("The connection to {host} was interrupted"),
        Problem::NotABroker => tr("{host} does not answer as a message broker (AMQP)"),
        Problem::UntrustedBroker => tr("The certificate of {host} is not signed by a trusted CA"),
        Problem::WrongHost => tr("The certificate of {host} is for another host"),
        Problem::ExpiredBroker => tr("The certificate of {host} is not valid today"),
        Problem::BadCredentials => tr("The client certificate or key for {host} cannot be used"),
        Problem::ExpiredCertificate => tr("The client certificate for {host} has expired"),
        Problem::CertificateRefused => tr("{host} does not accept the client certificate"),
        Problem::LoginRefused => tr("{host} does not accept the login"),
        Problem::NoVirtualHost => tr("{host} has no such virtual host, or does not let you use it"),
        Problem::NotPermitted => tr("{host} does not let you use the queue"),
        Problem::QueueTaken => tr("Another program is reading the queue on {host}"),
        Problem::QueueMismatch => tr("The queue or exchange on {host} is not as configured"),
        Problem::Unprotected => tr("The password for {host} would be sent unencrypted"),
    };
    fill(&sentence, &[("host", &text::name(&trouble.host))])
}

/// Returns what happened, and what the other side said about it.
pub fn in_full(trouble: &Trouble) -> String {
    with_detail(sentence(trouble), &trouble.detail)
}

fn with_detail(sentence: String, detail: &str) -> String {
    let detail = text::clean(detail.trim(), MAX_DETAIL);
    if detail.is_empty() {
        return sentence;
    }
    // Translators: {detail} is what the broker, the hub or a library said, in English.
    fill(
        &tr("{trouble} ({detail})"),
        &[("trouble", &sentence), ("detail", &detail)],
    )
}

/// Returns what the reader can do.
pub fn advice(problem: Problem) -> String {
    match problem {
        Problem::UnknownHost => tr("Check the network, and the host name in the configuration"),
        Problem::Unreachable | Problem::Interrupted => tr("Nothing needs to be done: koji-notify keeps trying"),
        Problem::NotABroker => tr("Check the address: amqps:// usually goes with port 5671, amqp:// with 5672"),
        Problem::UntrustedBroker => tr("Check the CA certificate in the configuration"),
        Problem::WrongHost => tr("Check the host name in the configuration"),
        Problem::ExpiredBroker => tr("Check this computer's clock; if it is right, tell the broker's administrators"),
        Problem::BadCredentials => tr("Check the certificate and key files in the configuration"),
        Problem::ExpiredCertificate => tr("Get a new certificate, or update the package that ships it"),
        Problem::CertificateRefused => tr("Check that this is the right certificate for this broker"),
        Problem::LoginRefused => tr("Check user, password and certificate in the configuration"),
        Problem::NoVirtualHost => tr("Check the virtual host at the end of the broker's address"),
        Problem::NotPermitted => tr("Check the name of the queue: most brokers allow only a UUID"),
        Problem::QueueTaken => tr("Stop the other program, or give this computer a queue of its own"),
        Problem::QueueMismatch => {
            tr("Check queue and exchange in the configuration, or delete the queue on the broker")
        }
        Problem::Unprotected => tr("Use an address that begins with amqps://"),
    }
}

/// Returns that nobody shows notifications, and how many wait for somebody.
pub fn no_server(waiting: usize) -> String {
    if waiting == 0 {
        return tr("No notification server is running");
    }
    let sentence = tr_n(
        "No notification server is running; {n} notification is waiting",
        "No notification server is running; {n} notifications are waiting",
        waiting as u64,
    );
    fill(&sentence, &[("n", &waiting.to_string())])
}

/// Returns what is wrong with the journal, and what follows.
pub fn journal(trouble: &JournalTrouble) -> String {
    match trouble {
        JournalTrouble::DiskFull => tr("The disk is full: after a restart, builds may be told of again"),
        JournalTrouble::NotWritable => {
            tr("The history cannot be written: after a restart, builds may be told of again")
        }
        JournalTrouble::Busy => tr("Another program uses the history: after a restart, builds may be told of again"),
        JournalTrouble::Newer => {
            tr("The history is from a newer version of this program: after a restart, builds may be told of again")
        }
        JournalTrouble::SetAside(name) => fill(
            // Translators: {file} is a file name.
            &tr("The history was damaged; it begins anew, and the old one is kept as {file}"),
            &[("file", name)],
        ),
        JournalTrouble::Broken => tr("The history is damaged: after a restart, builds may be told of again"),
    }
}

/// Returns that the configuration is broken. `has_another` says that an older one is in force.
pub fn configuration(has_another: bool) -> String {
    if has_another {
        tr("The new configuration cannot be used; the previous one stays in force")
    } else {
        tr("The configuration cannot be used")
    }
}
