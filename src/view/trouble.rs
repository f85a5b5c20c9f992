//! What is wrong with a line to a broker, and what the reader can do about it, in words.

use super::text;
use crate::i18n::{fill, tr};
use crate::watch::{Problem, Trouble};

/// Returns what happened, in one sentence without a full stop.
pub fn sentence(trouble: &Trouble) -> String {
    let sentence = match trouble.problem {
        Problem::UnknownHost => tr("{host} cannot be found"),
        Problem::Unreachable => tr("{host} does not answer"),
        Problem::Interrupted => tr("The line to {host} was interrupted"),
        Problem::NotABroker => tr("{host} does not speak AMQP as configured"),
        Problem::UntrustedBroker => tr("The certificate of {host} is not signed by the configured CA"),
        Problem::WrongHost => tr("The certificate of {host} is for another host"),
        Problem::ExpiredBroker => tr("The certificate of {host} is not valid today"),
        Problem::BadCredentials => tr("The certificate or key for {host} cannot be used"),
        Problem::ExpiredCertificate => tr("Our certificate for {host} has expired"),
        Problem::CertificateRefused => tr("{host} does not accept our certificate"),
        Problem::LoginRefused => tr("{host} does not accept our login"),
        Problem::NoVirtualHost => tr("{host} has no such virtual host for us"),
        Problem::NotPermitted => tr("{host} does not permit us to read our queue"),
        Problem::QueueTaken => tr("Another program reads our queue on {host}"),
        Problem::QueueMismatch => tr("Our queue on {host} is not as configured"),
        Problem::Unprotected => tr("The password for {host} would be sent without protection"),
    };
    fill(&sentence, &[("host", &text::name(&trouble.host))])
}

/// Returns what the reader can do.
pub fn advice(problem: Problem) -> String {
    match problem {
        Problem::UnknownHost => tr("Check the network, and the host's name in the configuration"),
        Problem::Unreachable | Problem::Interrupted => tr("Nothing to do: it is tried again by itself"),
        Problem::NotABroker => tr("Check scheme and port: amqps is port 5671, amqp is port 5672"),
        Problem::UntrustedBroker => tr("Check the CA file in the configuration"),
        Problem::WrongHost => tr("Check the host's name in the configuration"),
        Problem::ExpiredBroker => tr("Check this computer's clock; otherwise tell the site's administrators"),
        Problem::BadCredentials => tr("Check the files of certificate and key in the configuration"),
        Problem::ExpiredCertificate => tr("Get a new certificate, or update the package that ships it"),
        Problem::CertificateRefused => tr("Check that the certificate is one of this site"),
        Problem::LoginRefused => tr("Check user, password and certificate in the configuration"),
        Problem::NoVirtualHost => tr("Check the end of the broker's address in the configuration"),
        Problem::NotPermitted => tr("Check the queue's name: most sites take only names in the form of a UUID"),
        Problem::QueueTaken => tr("Stop the other program, or give this computer a queue of its own"),
        Problem::QueueMismatch => tr("Check the queue's settings, or delete it on the broker"),
        Problem::Unprotected => tr("Use an address that begins with amqps"),
    }
}
