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
mod keytab;
mod trouble;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;
use tracing::debug;

pub use answer::log_out;
pub use curl::Tools;
pub use trouble::LoginError;

use super::access::{Access, Login, Trust};
use super::session::{Session, Stamp};
use crate::clock;
use crate::net::credentials::{self, Identity};
use curl::Order;
use trouble::unusable;

/// How much longer than its time limit curl is given to say that it is over. A Kerberos server that does not answer
/// makes it overstep.
const GRACE: Duration = Duration::from_secs(1);

/// Logs in at a hub, within a time limit (`auth_timeout`). With a previous session, that one is renewed, which the hub
/// also does for one that has expired; the answer replaces it. Reads files, some milliseconds of them where the system
/// is trusted.
///
/// # Errors
///
/// If there is no session to be had; [`LoginError`] says why. A [`LoginError::Fault`] at a renewal means that the old
/// session is gone: log in without it.
pub async fn log_in(
    access: &Access,
    auth_timeout: Duration,
    previous: Option<&mut Session>,
    tools: &Tools,
) -> Result<Session, LoginError> {
    if access.login == Login::Nothing {
        return Err(LoginError::NothingToShow);
    }
    if !access.server.tls {
        return Err(LoginError::Unprotected);
    }
    debug!(server = %access.server, renew = previous.is_some(), "logging in");
    look_at_files(access)?;
    let mut url = format!("{}/ssllogin", access.server);
    let mut body = answer::log_in();
    let mut order = Order::default();
    if let Some(previous) = previous {
        body = answer::renew();
        match previous.stamp() {
            Stamp::Headers(headers) => {
                for (name, value) in headers {
                    order.set("header", format!("{name}: {value}"));
                }
            }
            Stamp::Query(query) => url = format!("{url}?{query}"),
        }
    }
    write_request(&mut order, &url, &body, auth_timeout);
    if let Trust::Only(file) = &access.trust {
        // A folder of the system's authorities would be believed beside it.
        order
            .set("cacert", absolute(file)?.as_os_str().as_bytes())
            .set("capath", "/dev/null");
    }
    let mut tools = tools.clone();
    let home = identify(&access.login, &mut order, &mut tools)?;
    let ended = timeout(auth_timeout + GRACE, curl::run(&order, &tools, answer::MAX_ANSWER)).await;
    drop(home);
    let ended = ended.map_err(|_| LoginError::TimedOut(auth_timeout))??;
    let (body, peer) = trouble::answer(access, auth_timeout, ended)?;
    let mut session = answer::session(&body)?;
    session.peer = peer;
    Ok(session)
}

/// Files are looked at before curl gets them: it says less about them, or asks for a password on the terminal.
fn look_at_files(access: &Access) -> Result<(), LoginError> {
    let identity = match &access.login {
        Login::Certificate { file } => Some(Identity {
            certificate: file,
            key: file,
        }),
        Login::Nothing | Login::Kerberos { .. } => None,
    };
    credentials::tls(&access.trust, identity, clock::now())?;
    Ok(())
}

fn write_request(order: &mut Order, url: &str, body: &[u8], limit: Duration) {
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
        .set("url", url);
}

/// Tells curl who we are. What is returned has to be there until curl has ended.
fn identify(login: &Login, order: &mut Order, tools: &mut Tools) -> Result<Option<TempDir>, LoginError> {
    match login {
        Login::Nothing => Ok(None),
        Login::Certificate { file } => {
            order
                .set("cert", certificate_argument(&absolute(file)?))
                // The key has no password. If it has one after all, nobody is to be asked for it on a terminal.
                .set("pass", "none");
            Ok(None)
        }
        Login::Kerberos { principal, keytab } => {
            // libkrb5's reasons are told in curl's talk only.
            order.flag("negotiate").set("user", ":").flag("verbose");
            if let Some(keytab) = keytab {
                keytab::put(keytab, tools)?;
            }
            principal.as_deref().map(|it| keytab::choose(it, tools)).transpose()
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

fn absolute(file: &Path) -> Result<PathBuf, LoginError> {
    std::path::absolute(file).map_err(|error| unusable(file, &error.to_string()))
}
