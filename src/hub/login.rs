//! Logging in to a hub: by client certificate or with Kerberos.
//!
//! The one request of a login, `sslLogin`, is made by the `curl` program. Apache, as Koji configures it, asks for the
//! certificate only once it has seen the path, which in TLS 1.3 is post-handshake authentication, and rustls has none;
//! and GSSAPI is a C library, which the crate could not call without `unsafe`. The session that comes back is for our
//! own HTTP.
//!
//! Promise: nothing goes out but by `https`, to that one address, without redirects and without a proxy. Nothing that
//! is secret is on a command line, in a log or in an error, and a login ends within its time limit. The person's own
//! Kerberos tickets are used where no keytab is named, and left alone where one is.
//!
//! It deliberately does not know when a login is needed, nor what is asked afterwards.

mod answer;
mod curl;
mod files;
mod trouble;

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;
use tracing::debug;
use url::Url;

pub use answer::LOG_OUT;
pub use curl::Tools;
pub use trouble::LoginError;

use super::session::{Session, Stamp};
use crate::clock;
use curl::Order;

/// How a person logs in, and whom the hub is believed to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Login {
    pub by: By,
    /// The PEM file of the only authorities whose word is taken for the hub (`serverca`); `None`: the system's.
    pub authority: Option<PathBuf>,
}

/// What says who we are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum By {
    /// A PEM file with the certificate and its key (`cert`).
    Certificate(PathBuf),
    /// A Kerberos ticket: the person's own, or one that is fetched with a keytab for this login alone.
    Kerberos(Option<Keytab>),
}

/// A Kerberos identity in a file (`keytab`, `principal`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Keytab {
    pub file: PathBuf,
    pub principal: String,
}

impl Login {
    /// The file of ours that curl reads, for a complaint about it.
    fn file(&self) -> Option<PathBuf> {
        match &self.by {
            By::Certificate(file) => Some(file.clone()),
            By::Kerberos(_) => self.authority.clone(),
        }
    }
}

/// How much longer than its time limit curl is given to say that it is over. A Kerberos server that does not answer
/// makes it overstep.
const GRACE: Duration = Duration::from_secs(1);

/// Logs in at the hub's address (`server`, such as `https://koji.example.org/kojihub`) within a time limit
/// (`auth_timeout`). With a previous session, that one is renewed, which the hub also takes from one that has expired;
/// the answer replaces it.
///
/// # Errors
///
/// If there is no session to be had; [`LoginError`] says why. A [`LoginError::Fault`] at a renewal means that the old
/// session is gone: log in without it.
pub async fn log_in(
    login: &Login,
    server: &str,
    auth_timeout: Duration,
    previous: Option<&mut Session>,
    tools: &Tools,
) -> Result<Session, LoginError> {
    let mut url = address(server)?;
    debug!(host = url.host_str(), renew = previous.is_some(), "logging in");
    look_at_files(login)?;
    let mut order = Order::default();
    let mut body = answer::LOG_IN;
    if let Some(previous) = previous {
        body = answer::RENEW;
        match previous.stamp() {
            Stamp::Headers(headers) => {
                for (name, value) in headers {
                    order.set("header", format!("{name}: {value}"));
                }
            }
            Stamp::Query(query) => url.set_query(Some(&query)),
        }
    }
    write_request(&mut order, &url, body, auth_timeout);
    if let Some(file) = &login.authority {
        // A folder of the system's authorities would be believed beside it.
        order
            .set("cacert", absolute(file)?.as_os_str().as_bytes())
            .set("capath", "/dev/null");
    }
    let mut tools = tools.clone();
    let home = identify(login, &mut order, &mut tools)?;
    let ended = timeout(auth_timeout + GRACE, curl::run(&order, &tools, answer::MAX_ANSWER)).await;
    drop(home);
    let ended = ended.map_err(|_| LoginError::TimedOut(auth_timeout))??;
    let (body, peer) = trouble::answer(login, auth_timeout, ended)?;
    let mut session = answer::session(&body)?;
    session.peer = peer;
    Ok(session)
}

/// Returns where the login is made.
fn address(server: &str) -> Result<Url, LoginError> {
    let refused = |why| LoginError::Address {
        server: server.to_owned(),
        why,
    };
    let url = Url::parse(&format!("{}/ssllogin", server.trim_end_matches('/')));
    let url = url.map_err(|_| refused("it is not an address"))?;
    if !url.username().is_empty() || url.password().is_some() {
        // What follows would quote it.
        return Err(LoginError::Address {
            server: url.host_str().unwrap_or_default().to_owned(),
            why: "a user or password in the address is not for a hub",
        });
    }
    if url.scheme() != "https" || !url.has_host() {
        return Err(refused("a login needs https"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("an address with ? or # is not for a hub"));
    }
    Ok(url)
}

/// Small files, and few: nothing waits that would notice.
fn look_at_files(login: &Login) -> Result<(), LoginError> {
    if let Some(file) = &login.authority {
        files::authority(file)?;
    }
    match &login.by {
        By::Certificate(file) => files::certificate(file, clock::now()),
        By::Kerberos(None) => Ok(()),
        By::Kerberos(Some(keytab)) => files::keytab(&keytab.file),
    }
}

fn write_request(order: &mut Order, url: &Url, body: &str, limit: Duration) {
    order
        .flag("silent")
        .flag("show-error")
        .flag("globoff")
        // A certificate cannot be asked for by path in HTTP/2.
        .flag("http1.1")
        .set("proto", "=https")
        .set("noproxy", "*")
        .set("max-time", format!("{:.3}", limit.as_secs_f64()))
        .set("user-agent", "koji/1")
        .set("header", "Content-Type: text/xml")
        .set("write-out", trouble::POSTSCRIPT)
        .set("data-raw", body)
        .set("url", url.as_str());
}

/// Tells curl who we are. What is returned has to be there until curl has ended.
fn identify(login: &Login, order: &mut Order, tools: &mut Tools) -> Result<Option<TempDir>, LoginError> {
    match &login.by {
        By::Certificate(file) => {
            order
                .set("cert", certificate_argument(&absolute(file)?))
                // The key has no password. If it has one after all, nobody is to be asked for it on a terminal.
                .set("pass", "none");
            Ok(None)
        }
        By::Kerberos(keytab) => {
            // libkrb5's reasons are told in curl's talk only.
            order.flag("negotiate").set("user", ":").flag("verbose");
            keytab.as_ref().map(|it| use_keytab(it, tools)).transpose()
        }
    }
}

/// curl takes `FILE:PASSWORD`; a colon of the name is marked by a backslash.
fn certificate_argument(file: &Path) -> Vec<u8> {
    let mut argument = Vec::new();
    for byte in file.as_os_str().as_bytes() {
        if matches!(byte, b':' | b'\\') {
            argument.push(b'\\');
        }
        argument.push(*byte);
    }
    argument
}

/// Has libkrb5 fetch a ticket with the keytab, into a cache that is gone with curl. Which of a keytab's principals it
/// takes is read from a file in the home folder (k5identity(5)), so curl gets a home of its own.
fn use_keytab(keytab: &Keytab, tools: &mut Tools) -> Result<TempDir, LoginError> {
    let principal = keytab.principal.trim();
    if principal.is_empty() || principal.starts_with('#') || principal.contains(|it: char| it.is_whitespace()) {
        return Err(LoginError::File {
            file: keytab.file.clone(),
            why: "a keytab needs the name of a principal".to_owned(),
        });
    }
    let home = new_home(principal).map_err(|error| LoginError::UnfitCurl {
        said: format!("no temporary folder for it: {error}"),
    })?;
    let mut place = OsString::from("FILE:");
    place.push(absolute(&keytab.file)?);
    for (name, value) in [
        ("HOME", home.path().as_os_str().to_owned()),
        ("KRB5CCNAME", OsString::from("MEMORY:")),
        ("KRB5_CLIENT_KTNAME", place),
    ] {
        tools.environment.retain(|it| it.0 != name);
        tools.environment.push((name.into(), value));
    }
    Ok(home)
}

fn new_home(principal: &str) -> io::Result<TempDir> {
    let home = tempfile::Builder::new()
        .prefix("koji-notify-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?;
    fs::write(home.path().join(".k5identity"), format!("{principal}\n"))?;
    Ok(home)
}

fn absolute(file: &Path) -> Result<PathBuf, LoginError> {
    std::path::absolute(file).map_err(|error| LoginError::File {
        file: file.to_owned(),
        why: error.to_string(),
    })
}
