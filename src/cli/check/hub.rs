//! What `koji-notify check` finds out about a hub: whether it answers and which Koji it is, whether it knows who I am,
//! and how it is logged in to.
//!
//! Promise: what is read is one round trip, as nobody. A login that is configured is tried, and ended again. Nothing
//! that a hub says reaches a terminal as it stands.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::{Finding, State, Topic, good, look_at_dates};
use crate::config::Instance;
use crate::hub::access::{Hub, Login, Times, Trust};
use crate::hub::account::Account;
use crate::hub::call::{Answer, Call};
use crate::hub::client::Client;
use crate::hub::fault::Fault;
use crate::hub::login::Tools;
use crate::hub::profile::Profile;
use crate::hub::trouble::{HubError, NetError, TlsTrouble};
use crate::i18n::{fill, tr};
use crate::koji::InstanceName;
use crate::koji::meant::one_line;
use crate::view::trouble;
use crate::watch::HubTrouble;

/// How long a hub may take with all tries: a person waits.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most characters of what a hub says.
const MAX_SAID: usize = 300;

/// Looks at an instance's hub, if it has one. `is_heard` says that the broker tells of changes.
pub(super) async fn look_at_hub(name: &InstanceName, instance: &Instance, is_heard: bool) -> Vec<Finding> {
    let Some(hub) = &instance.hub else {
        return Vec::new();
    };
    let mut findings = look_at_files(name, hub);
    findings.extend(ask(name, hub, &instance.users, is_heard).boxed().await);
    if let Some(profile) = &instance.profile {
        findings.push(good(Topic::HubProfile, Some(name), read_from(profile)));
    }
    findings.push(log_in(name, hub).boxed().await);
    findings
}

fn look_at_files(name: &InstanceName, hub: &Hub) -> Vec<Finding> {
    let certificate = match &hub.access.login {
        Login::Certificate { file } => Some(file),
        Login::Nothing | Login::Kerberos { .. } => None,
    };
    let authority = match &hub.access.trust {
        Trust::Only(file) => Some(file),
        Trust::System => None,
    };
    let files = [(Topic::HubCertificate, certificate), (Topic::HubAuthority, authority)];
    let dates = files.into_iter().map(|(topic, file)| look_at_dates(topic, name, file?));
    dates.flatten().collect()
}

/// Asks which Koji it is and who I am.
async fn ask(name: &InstanceName, hub: &Hub, users: &BTreeSet<String>, is_heard: bool) -> Vec<Finding> {
    let mut access = hub.access.clone();
    access.times = Times {
        call: access.times.call.min(PATIENCE),
        ..access.times
    };
    let client = Client::new(access);
    let address = client.address().to_string();
    let calls = [Call::Version].into_iter();
    let calls = calls.chain(users.iter().cloned().map(Call::User)).collect();
    let mut answers = match client.ask(calls).await {
        Ok(answers) => answers.into_iter(),
        Err(error) => return vec![unanswered(name, &address, &error, is_heard)],
    };
    let version = match answers.next() {
        Some(Ok(Answer::Version(version))) => Some(version),
        // Hubs before 1.23.
        _ => client.koji_version(),
    };
    let answers: Vec<_> = users.iter().map(String::as_str).zip(answers).collect();
    let is_known = |it: &Result<Answer, Fault>| matches!(it, Ok(Answer::User(Some(_))));
    let is_anybody_known = answers.iter().any(|(_, it)| is_known(it));
    let mut findings = vec![good(Topic::Hub, Some(name), answers_there(&address, version))];
    findings.extend(
        answers
            .iter()
            .map(|(user, it)| user_there(name, user, it, is_anybody_known)),
    );
    findings
}

fn answers_there(address: &str, version: Option<String>) -> String {
    let Some(version) = version else {
        return fill(&tr("{host} answers"), &[("host", address)]);
    };
    let version = one_line(&version, MAX_SAID);
    // Translators: {host} is the address of a Koji hub, {version} its release: "1.35.3".
    let sentence = tr("{host} answers; it runs Koji {version}");
    fill(&sentence, &[("host", address), ("version", &version)])
}

fn user_there(name: &InstanceName, user: &str, answer: &Result<Answer, Fault>, is_anybody_known: bool) -> Finding {
    match answer {
        Ok(Answer::User(Some(found))) => {
            let number = found.id.0.to_string();
            // Translators: {user} is a user name of Koji, {number} its number there: "mona is user number 4711".
            let sentence = tr("{user} is user number {number}");
            let text = fill(&sentence, &[("user", user), ("number", &number)]);
            good(Topic::HubUser, Some(name), text)
        }
        Err(fault) => {
            let sentence = fill(&tr("The hub does not tell who {user} is"), &[("user", user)]);
            let text = with_detail(&sentence, &fault.text);
            Finding::new(Topic::HubUser, Some(name), State::Note, text)
        }
        Ok(_) => {
            // Somebody who has several names may well have some of them elsewhere only.
            let state = if is_anybody_known { State::Note } else { State::Bad };
            let text = fill(&tr("The hub knows no user {user}"), &[("user", user)]);
            Finding {
                advice: Some(trouble::hub_advice(HubTrouble::NoSuchUser, false)),
                ..Finding::new(Topic::HubUser, Some(name), state, text)
            }
        }
    }
}

fn read_from(profile: &Profile) -> String {
    let files: Vec<_> = profile.files.iter().map(|it| it.display().to_string()).collect();
    let values = [("profile", &*profile.name), ("files", &files.join(", "))];
    // Translators: {profile} is the name of a profile of the koji client, {files} are the files that it was read from.
    fill(&tr("{profile}, read from {files}"), &values)
}

/// Logs in and out again, where a login is configured.
async fn log_in(name: &InstanceName, hub: &Hub) -> Finding {
    let way = login(&hub.access.login);
    let account = Account::new(hub.access.clone(), Tools::of_this_session());
    if !account.can_log_in() {
        return good(Topic::HubLogin, Some(name), way);
    }
    let who = account.who().await;
    account.leave().boxed().await;
    match who {
        Ok(user) => {
            let user = one_line(&user.name, MAX_SAID);
            // Translators: {way} is how somebody logs in, {user} who that is: "By Kerberos, with the ticket that is
            // there: the hub knows you as mona".
            let sentence = tr("{way}: the hub knows you as {user}");
            good(
                Topic::HubLogin,
                Some(name),
                fill(&sentence, &[("way", &way), ("user", &user)]),
            )
        }
        Err(error) => Finding {
            advice: Some(trouble::hub_advice(HubTrouble::LoginRefused, false)),
            ..Finding::new(
                Topic::HubLogin,
                Some(name),
                State::Bad,
                with_detail(&way, &error.detail()),
            )
        },
    }
}

fn login(login: &Login) -> String {
    match login {
        Login::Nothing => tr("No login: reading needs none"),
        Login::Certificate { file } => {
            let sentence = tr("By the certificate {file}");
            fill(&sentence, &[("file", &file.display().to_string())])
        }
        // Translators: {name} is a Kerberos principal: "mona@FEDORAPROJECT.ORG".
        Login::Kerberos {
            principal: Some(it), ..
        } => fill(&tr("By Kerberos, as {name}"), &[("name", it)]),
        Login::Kerberos { principal: None, .. } => tr("By Kerberos, with the ticket that is there"),
    }
}

fn unanswered(name: &InstanceName, address: &str, error: &HubError, is_heard: bool) -> Finding {
    let (sentence, advice) = wrong(error, is_heard);
    let sentence = fill(&sentence, &[("host", address)]);
    Finding {
        advice: Some(advice),
        ..Finding::new(
            Topic::Hub,
            Some(name),
            State::Bad,
            with_detail(&sentence, &error.detail()),
        )
    }
}

/// Returns what is wrong, and what the reader can do or has to expect.
fn wrong(error: &HubError, is_heard: bool) -> (String, String) {
    let still = || trouble::hub_advice(HubTrouble::Unreachable, !is_heard);
    if error.is_outage() {
        return (tr("{host} is closed for now"), still());
    }
    if error.needs_login() {
        return (tr("{host} answers nobody who has not logged in"), still());
    }
    if error.is_passing() && matches!(error, HubError::Status { .. } | HubError::Fault(_)) {
        return (tr("{host} gives no answer that can be used"), still());
    }
    let in_configuration = || tr("Check the address of the hub in the configuration; most end with /kojihub");
    match error {
        HubError::Net(NetError::UnknownHost(_)) => (
            tr("{host} cannot be found"),
            tr("Check the network, and the host name in the configuration"),
        ),
        HubError::Net(NetError::Unreachable(_)) | HubError::Silent(_) | HubError::Broken(_) => {
            (tr("{host} does not answer"), still())
        }
        HubError::Net(NetError::Tls(_)) => match error.tls_trouble() {
            Some(TlsTrouble::Expired) => (
                tr("The certificate of {host} is not valid today"),
                tr("Check this computer's clock; if it is right, tell the hub's administrators"),
            ),
            Some(TlsTrouble::WrongHost) => (
                tr("The certificate of {host} is for another host"),
                tr("Check the host name in the configuration"),
            ),
            Some(TlsTrouble::Untrusted) => (
                tr("The certificate of {host} is not signed by a trusted CA"),
                tr("Check the CA certificate in the configuration"),
            ),
            Some(TlsTrouble::CertificateRefused) => (
                tr("{host} does not accept the client certificate"),
                tr("Check that this is the right certificate for this hub"),
            ),
            Some(TlsTrouble::NotTls) | None => (tr("{host} does not answer as a Koji hub"), in_configuration()),
        },
        HubError::Net(NetError::OurCertificateExpired { .. }) => (
            tr("The client certificate for {host} has expired"),
            tr("Get a new certificate, or update the package that ships it"),
        ),
        HubError::Net(NetError::Credentials { .. } | NetError::NobodyToTrust) => (
            tr("The certificates for {host} cannot be used"),
            tr("Check the certificate and key files in the configuration"),
        ),
        HubError::Fault(_)
        | HubError::NotLoggedIn
        | HubError::Status { .. }
        | HubError::Moved { .. }
        | HubError::NotHttp(_)
        | HubError::NotXml(_)
        | HubError::TooLarge(_)
        | HubError::Garbled(_)
        | HubError::Unprotected
        | HubError::Uncertain(_)
        | HubError::NoParts(_)
        | HubError::BadPath(_) => (tr("{host} does not answer as a Koji hub"), in_configuration()),
    }
}

fn with_detail(sentence: &str, detail: &str) -> String {
    let detail = one_line(detail, MAX_SAID);
    let detail = detail.trim();
    if detail.is_empty() {
        return sentence.to_owned();
    }
    let values = [("trouble", sentence), ("detail", detail)];
    // Translators: {detail} is what the broker, the hub or a library said, in English.
    fill(&tr("{trouble} ({detail})"), &values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::fault::FaultCode;

    #[test]
    fn what_still_works_is_what_the_broker_tells() {
        let told = |error: &HubError, is_heard| {
            let (sentence, advice) = wrong(error, is_heard);
            format!("{sentence}. {advice}.")
        };
        let down = HubError::Silent(PATIENCE);
        assert_eq!(
            told(&down, true),
            "{host} does not answer. You still hear of builds; progress and reasons come later."
        );
        assert_eq!(
            told(&down, false),
            "{host} does not answer. Nothing needs to be done: koji-notify keeps trying."
        );
        let fault = |number| {
            HubError::Fault(Fault {
                code: FaultCode::from_number(number),
                text: String::new(),
            })
        };
        assert_eq!(wrong(&fault(1014), true).0, "{host} is closed for now");
        assert_eq!(wrong(&fault(1001), true).0, "{host} gives no answer that can be used");
        assert_eq!(
            wrong(&fault(1007), true).0,
            "{host} answers nobody who has not logged in"
        );
    }

    #[test]
    fn how_it_is_logged_in_to_is_told() {
        let kerberos = |principal: Option<&str>| Login::Kerberos {
            principal: principal.map(str::to_owned),
            keytab: None,
        };
        assert_eq!(login(&Login::Nothing), "No login: reading needs none");
        assert_eq!(
            login(&kerberos(Some("mona@EXAMPLE.ORG"))),
            "By Kerberos, as mona@EXAMPLE.ORG"
        );
        assert_eq!(login(&kerberos(None)), "By Kerberos, with the ticket that is there");
        let file = "/home/mona/.koji/client.crt".into();
        assert_eq!(
            login(&Login::Certificate { file }),
            "By the certificate /home/mona/.koji/client.crt"
        );
    }
}
