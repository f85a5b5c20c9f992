//! The files of a hub: whether one is there, and parts of it, mostly the end of a log.
//!
//! Promise: at most [`MAX_PART`] of a file is handed out, and no large file is read to get at its end: a server that
//! cannot send parts is asked for small files only. No credentials go out. A redirection is followed within the same
//! server, a few times.
//!
//! It deliberately does not know which file says what.

use futures_util::FutureExt;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RANGE};
use hyper::{Method, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Semaphore;
use url::Url;

use super::access::{Address, FileServer};
use super::http::{Line, Server, Terms, answer, refusal, text};
use super::patience::{Missed, Try, patiently};
use super::trouble::HubError;

/// The most of a file that is handed out, in bytes.
pub const MAX_PART: usize = 64 * 1024;
/// The largest file that is read as a whole where the server sends no parts, in bytes.
pub const MAX_WHOLE: usize = 256 * 1024;
/// The longest path that is asked for, in bytes.
const MAX_PATH: usize = 4096;
/// How many redirections are followed.
const MAX_MOVES: usize = 3;
/// How many files are read at once.
const AT_ONCE: usize = 2;

/// What may stand in a path as it is (RFC 3986, "unreserved").
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// How many bytes of the file are before it.
    pub start: u64,
    pub bytes: Vec<u8>,
    /// The size of the whole file, where the server says so.
    pub size: Option<u64>,
}

/// What is known of a file that was not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Found {
    /// In bytes, where the server says so.
    pub size: Option<u64>,
}

/// A file server. It does nothing until it is asked.
#[derive(Debug)]
pub struct Files {
    server: Server,
    turns: Semaphore,
}

impl Files {
    pub fn new(server: FileServer) -> Self {
        Self {
            server: Server::new(server.address, server.trust, None, server.times),
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Returns the address that all paths are below of.
    pub fn address(&self) -> &Address {
        self.server.address()
    }

    /// Returns what is known of a file, or `None` if there is none. The path is relative and not escaped, such as
    /// `work/tasks/54/54/build.log`.
    ///
    /// # Errors
    ///
    /// Whatever [`HubError`] knows.
    pub async fn find(&self, path: &str) -> Result<Option<Found>, HubError> {
        let target = self.target(path)?;
        self.ask(|fresh| self.find_once(&target, fresh).boxed()).await
    }

    /// Returns the end of a file, `most` bytes of it and never more than [`MAX_PART`]; `None` if there is no such
    /// file.
    ///
    /// # Errors
    ///
    /// [`HubError::NoParts`] if the server sends all or nothing, and all is more than [`MAX_WHOLE`].
    pub async fn tail(&self, path: &str, most: usize) -> Result<Option<Part>, HubError> {
        let target = self.target(path)?;
        let most = most.clamp(1, MAX_PART);
        self.ask(|fresh| self.tail_once(&target, most, fresh).boxed()).await
    }

    async fn ask<'a, T>(&self, ask: impl Fn(bool) -> Try<'a, T>) -> Result<T, HubError> {
        let _turn = self.turns.acquire().await;
        patiently(self.address(), self.server.times().call, ask).await
    }

    async fn find_once(&self, target: &str, fresh: bool) -> Result<Option<Found>, Missed> {
        let (line, answer) = self.get(Method::HEAD, target, None, fresh).await?;
        let found = match answer.status() {
            StatusCode::OK => Some(Found {
                size: text(answer.headers().get(CONTENT_LENGTH)).and_then(|it| it.parse().ok()),
            }),
            StatusCode::NOT_FOUND | StatusCode::GONE => None,
            _ => return Err(refusal(answer, true).await.into()),
        };
        self.server.keep(line);
        Ok(found)
    }

    async fn tail_once(&self, target: &str, most: usize, fresh: bool) -> Result<Option<Part>, Missed> {
        let wanted = format!("bytes=-{most}");
        let (line, answer) = self.get(Method::GET, target, Some(&wanted), fresh).await?;
        if answer.status() != StatusCode::OK {
            return Ok(self.part(line, answer, most).await?);
        }
        match answer.body().size_hint().exact() {
            Some(size) if size > MAX_WHOLE as u64 => {
                // It may know parts by their place, if not by their distance from the end.
                drop((line, answer));
                let wanted = format!("bytes={}-{}", size - most as u64, size - 1);
                let (line, answer) = self.get(Method::GET, target, Some(&wanted), fresh).await?;
                Ok(self.part(line, answer, most).await?)
            }
            Some(_) | None => {
                let mut part = self.whole(line, answer).await?;
                let start = part.bytes.len().saturating_sub(most);
                part.bytes.drain(..start);
                part.start = start as u64;
                Ok(Some(part))
            }
        }
    }

    /// Returns the escaped path of a file as it goes out. Nobody climbs out of the configured folder.
    fn target(&self, path: &str) -> Result<String, HubError> {
        let is_part = |it: &str| !matches!(it, "" | "." | "..");
        if path.len() > MAX_PATH || !path.split('/').all(is_part) {
            return Err(HubError::BadPath(path.chars().take(80).collect()));
        }
        let mut target = self.address().path.clone();
        for part in path.split('/') {
            target.push('/');
            target.extend(utf8_percent_encode(part, ESCAPED));
        }
        Ok(target)
    }

    /// Asks once, and again where it is sent to within this server.
    async fn get(
        &self,
        method: Method,
        target: &str,
        range: Option<&str>,
        fresh: bool,
    ) -> Result<(Line, Response<Incoming>), Missed> {
        let terms = Terms {
            fresh,
            private: false,
            peer: None,
        };
        let mut target = target.to_owned();
        let mut moves = 0;
        loop {
            let mut request = self.server.request(method.clone(), &target);
            if let Some(range) = range {
                request = request.header(RANGE, range);
            }
            let request = request
                .body(Full::<Bytes>::default())
                .map_err(|error| HubError::Garbled(error.into()))?;
            let mut line = self.server.line(terms).await?;
            let answer = line.send(request).await.map_err(|unanswered| Missed {
                was_stale: line.was_kept && matches!(unanswered.error, HubError::Broken(_)),
                ..unanswered.error.into()
            })?;
            if !answer.status().is_redirection() {
                return Ok((line, answer));
            }
            moves += 1;
            match moved(self.address(), &target, text(answer.headers().get(LOCATION))) {
                Some(next) if moves <= MAX_MOVES => target = next,
                Some(_) | None => return Err(refusal(answer, true).await.into()),
            }
        }
    }

    /// Reads a file that came as a whole.
    async fn whole(&self, line: Line, answer: Response<Incoming>) -> Result<Part, HubError> {
        check_encoding(&answer)?;
        let size = answer.body().size_hint().exact();
        if size.is_some_and(|it| it > MAX_WHOLE as u64) {
            return Err(HubError::NoParts("it came as a whole"));
        }
        let begun = answer::beginning(answer.into_body(), MAX_WHOLE).await?;
        if !begun.is_whole {
            return Err(HubError::NoParts("it came as a whole"));
        }
        self.server.keep(line);
        Ok(Part {
            start: 0,
            size: Some(begun.bytes.len() as u64),
            bytes: begun.bytes,
        })
    }

    /// Reads what should be the part that was asked for.
    async fn part(&self, line: Line, answer: Response<Incoming>, most: usize) -> Result<Option<Part>, HubError> {
        let place = text(answer.headers().get(CONTENT_RANGE)).and_then(Place::parse);
        match answer.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            // There is nothing there, the end of an empty file for one.
            StatusCode::RANGE_NOT_SATISFIABLE => {
                let Some(Place::Nowhere { size }) = place else {
                    return Err(HubError::NoParts("it does not say how large it is"));
                };
                return Ok(Some(Part {
                    start: size,
                    bytes: Vec::new(),
                    size: Some(size),
                }));
            }
            StatusCode::OK => return Err(HubError::NoParts("it came as a whole")),
            _ => return Err(refusal(answer, true).await),
        }
        check_encoding(&answer)?;
        let Some(Place::At { start, last, size }) = place else {
            return Err(HubError::NoParts("it does not say which part it is"));
        };
        if last - start >= most as u64 {
            return Err(HubError::NoParts("it came with more than was asked for"));
        }
        let begun = answer::beginning(answer.into_body(), most).await?;
        if begun.is_whole {
            self.server.keep(line);
        }
        Ok(Some(Part {
            start,
            bytes: begun.bytes,
            size,
        }))
    }
}

/// Where a part belongs (RFC 9110, 14.4).
#[derive(Debug, Eq, PartialEq)]
enum Place {
    At {
        start: u64,
        last: u64,
        size: Option<u64>,
    },
    /// `bytes */47`: what was asked for is not in the file.
    Nowhere {
        size: u64,
    },
}

impl Place {
    fn parse(header: &str) -> Option<Self> {
        let (range, size) = header.strip_prefix("bytes ")?.split_once('/')?;
        if range == "*" {
            return Some(Self::Nowhere {
                size: size.parse().ok()?,
            });
        }
        let (start, last) = range.split_once('-')?;
        let (start, last) = (start.parse().ok()?, last.parse().ok()?);
        let size: Option<u64> = if size == "*" { None } else { Some(size.parse().ok()?) };
        let is_sane = start <= last && size.is_none_or(|it| last < it);
        is_sane.then_some(Self::At { start, last, size })
    }
}

/// Returns the target that a redirection names, if it is on the same server.
fn moved(address: &Address, target: &str, to: Option<&str>) -> Option<String> {
    let base = Address {
        path: String::new(),
        ..address.clone()
    };
    let base = Url::parse(&format!("{base}{target}")).ok()?;
    let to = base.join(to?).ok()?;
    if to.origin() != base.origin() || !to.username().is_empty() || to.password().is_some() {
        return None;
    }
    let query = to.query().map(|it| format!("?{it}")).unwrap_or_default();
    Some(format!("{}{query}", to.path()))
}

/// Parts of what was packed on the way are of no use.
fn check_encoding(answer: &Response<Incoming>) -> Result<(), HubError> {
    match text(answer.headers().get(CONTENT_ENCODING)) {
        None | Some("identity") => Ok(()),
        Some(_) => Err(HubError::NoParts("it came packed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::access::{Times, Trust};

    #[test]
    fn paths_are_escaped_and_stay_in_the_folder() {
        let files = Files::new(FileServer {
            address: Address::parse("https://files.example.com/koji/").unwrap(),
            trust: Trust::System,
            times: Times::default(),
        });
        let target = |path: &str| files.target(path).ok();
        let check = |path: &str, expected: &str| assert_eq!(target(path).as_deref(), Some(expected), "{path}");
        check(
            "work/tasks/7/100000007/build.log",
            "/koji/work/tasks/7/100000007/build.log",
        );
        check(
            "packages/libstdc++/1~rc1^2/a b%2e?x#y",
            "/koji/packages/libstdc%2B%2B/1~rc1%5E2/a%20b%252e%3Fx%23y",
        );
        for path in [
            "",
            "/etc/passwd",
            "a//b",
            "a/../b",
            "..",
            "a/.",
            "a/",
            &"a".repeat(MAX_PATH + 1),
        ] {
            assert_eq!(target(path), None, "{path}");
        }
    }

    #[test]
    fn places_as_servers_write_them() {
        let at = |start, last, size| Some(Place::At { start, last, size });
        assert_eq!(Place::parse("bytes 5-9/10"), at(5, 9, Some(10)));
        assert_eq!(Place::parse("bytes 5-9/*"), at(5, 9, None));
        assert_eq!(Place::parse("bytes */0"), Some(Place::Nowhere { size: 0 }));
        for broken in [
            "",
            "bytes",
            "bytes 9-5/10",
            "bytes 5-10/10",
            "bytes x-9/10",
            "lines 1-2/3",
            "bytes */*",
        ] {
            assert_eq!(Place::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn redirections_are_followed_within_the_server() {
        let address = Address::parse("https://files.example.com/koji").unwrap();
        let check = |to: &str, expected: Option<&str>| {
            let moved = moved(&address, "/koji/a/b", Some(to));
            assert_eq!(moved.as_deref(), expected, "{to}");
        };
        check("/vol/x", Some("/vol/x"));
        check("c?d=e", Some("/koji/a/c?d=e"));
        check("https://files.example.com:443/x#y", Some("/x"));
        check("http://files.example.com/x", None);
        check("https://mona@files.example.com/x", None);
        check("https://elsewhere.example.com/x", None);
        check("//elsewhere.example.com/x", None);
        assert_eq!(moved(&address, "/koji/a/b", None), None);
    }
}
