//! What is wrong, and what the reader can do about it, in words: above all with a line to a broker.

use super::text;
use crate::i18n::{fill, tr, tr_n};
use crate::watch::{Problem, Trouble};

/// The most characters of what the other side said.
const MAX_DETAIL: usize = 300;

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
    let sentence = sentence(trouble);
    let detail = text::clean(&trouble.detail, MAX_DETAIL);
    if detail.is_empty() {
        return sentence;
    }
    // Translators: {detail} is what the broker or a library said, in English.
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

/// Returns that the configuration is broken. `has_another` says that an older one is in force.
pub fn configuration(has_another: bool) -> String {
    if has_another {
        tr("The new configuration cannot be used; the previous one stays in force")
    } else {
        tr("The configuration cannot be used")
    }
}
