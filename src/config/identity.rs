//! Who "me" is, where the configuration does not say: the Kerberos ticket, the client certificate, `~/.fedora.upn`.
//!
//! The public broker cannot tell: everybody logs in to it with the same certificate. That one is nobody's name.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tracing::debug;
use x509_parser::pem::Pem;

use crate::clock;

use super::document::read_text;
use super::{Identity, Places};

/// Who is looked for.
#[derive(Debug)]
pub struct Sought {
    /// The realm that principals must be of; `None`: any.
    pub realm: Option<&'static str>,
    /// The client certificate that the broker is shown.
    pub certificate: Option<PathBuf>,
    /// Users of Fedora's packaging tools may have their name in `~/.fedora.upn`.
    pub upn: bool,
}

/// The names in the certificates that everybody has (package fedora-messaging).
const PUBLIC: [&str; 2] = ["fedora", "fedora.stg"];

/// The longest that `klist` may take: a credential cache can be behind a daemon that does not answer.
const KLIST_LIMIT: Duration = Duration::from_secs(2);

/// The most that is read of its answer.
const KLIST_OUTPUT: u64 = 64 * 1024;

/// The longest user name that is believed.
const MAX_NAME: usize = 255;

/// Returns the user name and how it was found.
pub async fn find(places: &Places, sought: &Sought) -> Option<(String, Identity)> {
    if let Some(name) = principal(places, sought.realm).await {
        return Some((name, Identity::KerberosPrincipal));
    }
    if let Some(name) = sought.certificate.as_deref().and_then(common_name) {
        return Some((name, Identity::Certificate));
    }
    let name = if sought.upn { upn(places, sought.realm) } else { None };
    name.map(|it| (it, Identity::FedoraUpn))
}

/// Returns whether a name can be a user's: nothing that could not stand in a message header or would not be seen.
pub(super) fn is_name(name: &str) -> bool {
    let is_odd = |it: char| it.is_whitespace() || it.is_control();
    !name.is_empty() && name.len() <= MAX_NAME && !name.contains(is_odd)
}

/// The default cache first: it is what the packaging tools use. A ticket that has expired still says who I am.
async fn principal(places: &Places, realm: Option<&str>) -> Option<String> {
    let default: &[&str] = &[];
    for arguments in [default, &["-A"]] {
        let listing = klist(places, arguments).await?;
        if let Some(name) = listed(&listing, realm) {
            return Some(name);
        }
    }
    None
}

async fn klist(places: &Places, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("klist");
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .envs(places.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let answer = async {
        let mut child = command.spawn()?;
        let mut bytes = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(KLIST_OUTPUT).read_to_end(&mut bytes).await?;
        }
        child.wait().await?;
        std::io::Result::Ok(bytes)
    };
    let answer = tokio::select! {
        answer = answer => answer,
        () = clock::pass(KLIST_LIMIT) => Err(std::io::ErrorKind::TimedOut.into()),
    };
    match answer {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(it) => {
            debug!(error = %it, "klist does not tell");
            None
        }
    }
}

/// Finds a person among the principals: `Default principal:` (MIT) or `Principal:` (Heimdal).
fn listed(listing: &str, realm: Option<&str>) -> Option<String> {
    let principal = |line: &str| {
        let line = line.trim();
        let principal = line.strip_prefix("Default principal:");
        principal
            .or_else(|| line.strip_prefix("Principal:"))
            .map(|it| it.trim().to_owned())
    };
    let mut principals = listing.lines().filter_map(principal);
    principals.find_map(|it| person(&it, realm))
}

/// Returns the name in `name@REALM`. With a slash it is a service, a host, or the anonymous principal.
fn person(principal: &str, realm: Option<&str>) -> Option<String> {
    let (name, found) = principal.rsplit_once('@')?;
    let is_ours = realm.is_none_or(|it| it == found);
    let is_person = is_name(name) && !name.contains(['/', '\\', '@']);
    (is_ours && is_person).then(|| name.to_owned())
}

/// Returns the common name of the certificate in a PEM file.
fn common_name(file: &Path) -> Option<String> {
    let bytes = read_text(file).ok()?;
    let blocks = Pem::iter_from_buffer(&bytes).map_while(Result::ok);
    let certificate = blocks.into_iter().find(|it| it.label == "CERTIFICATE")?;
    let certificate = certificate.parse_x509().ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    let is_person = is_name(name) && !PUBLIC.contains(&name);
    is_person.then(|| name.to_owned())
}

/// Returns the one line of `~/.fedora.upn`: a name, or a principal of the realm.
fn upn(places: &Places, realm: Option<&str>) -> Option<String> {
    let bytes = read_text(&places.home.join(".fedora.upn")).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let line = text.trim();
    if line.contains('@') {
        return person(line, realm);
    }
    is_name(line).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listing: &str, realm: Option<&str>, expected: Option<&str>) {
        assert_eq!(listed(listing, realm).as_deref(), expected, "{listing}");
    }

    const FEDORA: Option<&str> = Some("FEDORAPROJECT.ORG");

    #[test]
    fn mit_and_heimdal_spell_it_differently() {
        let mit = "Ticket cache: FILE:/tmp/krb5cc_0\nDefault principal: mona@FEDORAPROJECT.ORG\n\nValid starting\n";
        check(mit, FEDORA, Some("mona"));
        let heimdal = "Credentials cache: FILE:/tmp/krb5cc_0\n        Principal: mona@FEDORAPROJECT.ORG\n\n  Issued\n";
        check(heimdal, FEDORA, Some("mona"));
    }

    #[test]
    fn only_a_person_of_the_realm_is_me() {
        check("Default principal: mona@STG.FEDORAPROJECT.ORG", FEDORA, None);
        check("Default principal: mona@EXAMPLE.COM", None, Some("mona"));
        check("Default principal: WELLKNOWN/ANONYMOUS@FEDORAPROJECT.ORG", FEDORA, None);
        check("Default principal: host/a.example.com@FEDORAPROJECT.ORG", FEDORA, None);
        check("Default principal: mo\\@na@FEDORAPROJECT.ORG", FEDORA, None);
        check("Default principal: @FEDORAPROJECT.ORG", FEDORA, None);
        check("Default principal: mona@fedoraproject.org", FEDORA, None);
        check("No credentials cache found", FEDORA, None);
        let several =
            "Default principal: m@COMPANY.EXAMPLE\nTicket cache: X\nDefault principal: mona@FEDORAPROJECT.ORG";
        check(several, FEDORA, Some("mona"));
    }
}
