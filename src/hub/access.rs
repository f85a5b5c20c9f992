//! What the configuration promises about a hub and about its files: checked, whole, ready to be asked.
//!
//! It deliberately does not know how any of it was found.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

pub use crate::net::credentials::Trust;

/// A hub and what belongs to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hub {
    pub access: Access,
    /// Where logs are; without it they are had through the hub.
    pub files: Option<FileServer>,
    /// The folder for the names that were learned. It is this hub's alone.
    pub cache: PathBuf,
}

/// A hub, and how to log in to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Access {
    /// Where XML-RPC is spoken, such as `https://koji.fedoraproject.org/kojihub`. In clear it is asked as nobody, or
    /// on this very machine: no login and no session goes out in clear otherwise.
    pub server: Address,
    pub trust: Trust,
    pub login: Login,
    pub times: Times,
}

/// The files of a hub (`topurl`). They are had as nobody: neither a login nor a session ever goes there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileServer {
    /// What every path is below of, such as `https://kojipkgs.fedoraproject.org`.
    pub address: Address,
    pub trust: Trust,
    pub times: Times,
}

/// How to log in to a hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Login {
    /// Not at all.
    Nothing,
    /// With a client certificate; the file has the key too, both in PEM. It is also shown where a hub asks for one
    /// at each greeting.
    Certificate { file: PathBuf },
    /// With a Kerberos ticket, the default one if no principal is named.
    Kerberos {
        /// A keytab counts only with one.
        principal: Option<String>,
        /// Word for word: Kerberos wants it so, as in `FILE:/etc/krb5.keytab`.
        keytab: Option<String>,
    },
}

/// How long things may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Times {
    /// From the name to the end of the greeting by TLS.
    pub connect: Duration,
    /// One call with all its tries, from its turn to the last byte of its answer.
    pub call: Duration,
    /// One login (`auth_timeout`).
    pub login: Duration,
    /// How long a connection that nobody uses is kept. A hub as upstream configures it closes one after 15 seconds;
    /// less is better than meeting in the middle.
    pub idle: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            call: Duration::from_secs(60),
            login: Duration::from_secs(60),
            idle: Duration::from_secs(10),
        }
    }
}

/// Where something is that is spoken to by HTTP.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// `https`
    pub tls: bool,
    /// A name, or an IP address without brackets.
    pub host: String,
    pub port: u16,
    /// Escaped as it goes out; starts with a slash or is empty, and ends without one.
    pub path: String,
}

/// Why a text is not the address of a hub or of its files.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    #[error("not an address: {0}")]
    Broken(#[from] url::ParseError),
    #[error("an address starts with https:// or http://")]
    NotHttp,
    #[error("an address has no user and no password in it")]
    HasUser,
    #[error("an address ends before ? and #")]
    HasQuery,
    #[error("an address has a host")]
    NoHost,
}

impl Address {
    /// Reads an address as people write it. One or more slashes at its end make no difference.
    ///
    /// # Errors
    ///
    /// If it is not `http` or `https`, or has parts that an address of a hub does not have.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text)?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(AddressError::NotHttp),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::HasUser);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::HasQuery);
        }
        let host = match url.host().ok_or(AddressError::NoHost)? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        Ok(Self {
            tls,
            host,
            port: url.port_or_known_default().ok_or(AddressError::NoHost)?,
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Returns the host as HTTP's `Host` header has it: with brackets and port where they are needed.
    pub fn authority(&self) -> String {
        let host = &self.host;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn addresses_as_people_write_them() {
        let check = |text: &str, expected: Expect| {
            let read = match Address::parse(text) {
                Ok(it) => format!("{it} = {} {} {:?}", it.host, it.port, it.path),
                Err(error) => error.to_string(),
            };
            expected.assert_eq(&read);
        };
        check(
            "https://koji.fedoraproject.org/kojihub",
            expect![[r#"https://koji.fedoraproject.org/kojihub = koji.fedoraproject.org 443 "/kojihub""#]],
        );
        check(
            "HTTPS://Kojipkgs.Example.com//",
            expect![[r#"https://kojipkgs.example.com = kojipkgs.example.com 443 """#]],
        );
        check(
            "http://localhost:8080/a hub/",
            expect![[r#"http://localhost:8080/a%20hub = localhost 8080 "/a%20hub""#]],
        );
        check(
            "https://[2001:db8::1]/kojihub",
            expect![[r#"https://[2001:db8::1]/kojihub = 2001:db8::1 443 "/kojihub""#]],
        );
        check(
            "https://mona:secret@hub",
            expect!["an address has no user and no password in it"],
        );
        check("https://hub/?x=1", expect!["an address ends before ? and #"]);
        check("ftp://hub/", expect!["an address starts with https:// or http://"]);
        check(
            "koji.example.com/kojihub",
            expect!["not an address: relative URL without a base"],
        );
    }
}
