//! An archive of messages (datagrepper): what was published while nobody heard it.
//!
//! Promise: few requests and far between. One reading is some pages of bounded size, asked one after the other, oldest
//! first; a server that is busy or broken is left alone for as long as it says, or ever longer, and then given up.
//! What comes is handed on word for word, and is as hostile as anything on the bus.
//!
//! It deliberately does not know what a message says, nor what is worth reading again.

use std::error::Error;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};
use url::form_urlencoded;

use super::access::FileServer;
use super::http::{Line, Server, Terms, answer, refusal, text};
use super::trouble::HubError;
use crate::clock;

/// How many messages are on a page. One with its task tree has tens of kilobytes.
const PAGE: u32 = 50;

/// The largest page that is read, in bytes.
pub const MAX_PAGE: usize = 8 * 1024 * 1024;

/// How many pages one reading has at most: what is on the others is left out.
pub const MAX_PAGES: u32 = 20;

/// How often one reading is tried at most.
const MAX_TRIES: u32 = 6;

/// The longest text of a message's own that is handed on, but for its body.
const MAX_NAME: usize = 255;

/// What is wanted of an archive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wish {
    /// What was published from then on.
    pub since: Timestamp,
    /// Word for word; at least one, or nothing is asked.
    pub topics: Vec<String>,
    pub about: About,
}

/// What the messages are about; at least one name, or nothing is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum About {
    Users(Vec<String>),
    Packages(Vec<String>),
}

/// A message as it was filed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filed {
    pub topic: String,
    pub id: Option<String>,
    /// The header `sent-at`.
    pub sent_at: Option<String>,
    /// JSON.
    pub body: String,
}

/// How hasty it is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a wish waits for others, and for the archive to file what was published a moment ago.
    pub settle: Duration,
    /// How long after a failure the next try is at the soonest; each one doubles it.
    pub again: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(60),
            again: Duration::from_secs(60),
        }
    }
}

/// Reads what is wished for, and hands it on oldest first, until nobody wishes any more or nobody takes it. A list of
/// wishes takes the place of the one before; what was not read of that is read with it.
pub async fn run(
    server: FileServer,
    mut wishes: mpsc::UnboundedReceiver<Vec<Wish>>,
    filed: mpsc::Sender<Filed>,
    pace: Pace,
) {
    let archive = Archive {
        server: Server::new(server.address, server.trust, None, server.times),
    };
    while let Some(mut wanted) = wishes.recv().await {
        let mut tries = 0;
        let mut wait = pace.settle;
        // How far the list was read.
        let mut place = Place::default();
        loop {
            tokio::select! {
                () = clock::pass(wait) => {}
                newer = wishes.recv() => {
                    let Some(newer) = newer else { return };
                    wanted = merged(&wanted, newer);
                    place = Place::default();
                    continue;
                }
            }
            match archive.read(&wanted, &mut place, &filed).await {
                Ok(Reading::Done) => break,
                Ok(Reading::Unwanted) => return,
                Err(error) if error.is_passing() && tries + 1 < MAX_TRIES => {
                    tries += 1;
                    wait = error.wait(pace.again.saturating_mul(1 << tries.min(10)) / 2);
                    debug!(archive = %archive.server.address(), %error, ?wait, "the archive is read later");
                }
                Err(error) => {
                    let cause = error.source().map(ToString::to_string);
                    warn!(archive = %archive.server.address(), %error, ?cause, "the archive was not read");
                    break;
                }
            }
        }
    }
}

/// Returns the newer wishes, reaching back as far as the older ones.
fn merged(older: &[Wish], mut newer: Vec<Wish>) -> Vec<Wish> {
    let since = older.iter().map(|it| it.since).min();
    for wish in &mut newer {
        wish.since = since.map_or(wish.since, |it| it.min(wish.since));
    }
    newer
}

/// How far a list of wishes was read.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    wish: usize,
    /// Pages that were handed on whole.
    pages: u32,
}

enum Reading {
    Done,
    /// Nobody takes it.
    Unwanted,
}

struct Archive {
    server: Server,
}

impl Archive {
    async fn read(
        &self,
        wishes: &[Wish],
        place: &mut Place,
        filed: &mpsc::Sender<Filed>,
    ) -> Result<Reading, ArchiveError> {
        while let Some(wish) = wishes.get(place.wish) {
            let number = place.pages + 1;
            let page = match query(wish, number) {
                Some(query) => self.page(&query).await?,
                None => Page::default(),
            };
            debug!(
                archive = %self.server.address(), page = number, of = page.pages,
                messages = page.raw_messages.len(), "read a page of the archive"
            );
            let is_last = page.raw_messages.is_empty() || u64::from(number) >= page.pages;
            for raw in page.raw_messages {
                if filed.send(raw.filed()).await.is_err() {
                    return Ok(Reading::Unwanted);
                }
            }
            place.pages = number;
            if !is_last && number >= MAX_PAGES {
                info!(archive = %self.server.address(), pages = page.pages, "the archive has more than is read of it");
            }
            if is_last || number >= MAX_PAGES {
                *place = Place {
                    wish: place.wish + 1,
                    pages: 0,
                };
            }
        }
        Ok(Reading::Done)
    }

    async fn page(&self, query: &str) -> Result<Page, ArchiveError> {
        let target = format!("{}/v2/search?{query}", self.server.address().path);
        let times = self.server.times();
        let asked = tokio::time::timeout(times.call, async {
            match self.page_once(&target, false).await {
                // The server may have closed the connection that was kept.
                Err((ArchiveError::Http(HubError::Broken(_)), true)) => self.page_once(&target, true).await,
                other => other,
            }
        });
        let page = asked.await.unwrap_or(Err((HubError::Silent(times.call).into(), false)));
        page.map_err(|(error, _)| error)
    }

    /// Asks once. An error says whether the connection was one that was kept.
    async fn page_once(&self, target: &str, fresh: bool) -> Result<Page, (ArchiveError, bool)> {
        let terms = Terms {
            fresh,
            private: false,
            peer: None,
        };
        let request = self
            .server
            .request(Method::GET, target)
            .header(ACCEPT, "application/json");
        let request = request
            .body(Full::<Bytes>::default())
            .map_err(|error| (HubError::Garbled(error.into()).into(), false))?;
        let mut line = self.server.line(terms).await.map_err(|it| (it.into(), false))?;
        let was_kept = line.was_kept;
        let answer = line.send(request).await.map_err(|it| (it.error.into(), was_kept))?;
        self.take(line, answer).await.map_err(|it| (it, false))
    }

    async fn take(&self, line: Line, answer: Response<Incoming>) -> Result<Page, ArchiveError> {
        let status = answer.status();
        if status != StatusCode::OK {
            let wait = text(answer.headers().get(RETRY_AFTER)).and_then(|it| it.trim().parse().ok());
            let error = refusal(answer, true).await;
            return Err(ArchiveError::Refused {
                error,
                wait: wait.map(Duration::from_secs),
            });
        }
        let kind = text(answer.headers().get(CONTENT_TYPE)).unwrap_or_default();
        if !kind.trim_start().starts_with("application/json") {
            return Err(ArchiveError::NotJson(kind.chars().take(60).collect()));
        }
        let too_large = || ArchiveError::from(HubError::TooLarge(MAX_PAGE as u64));
        if answer.body().size_hint().lower() > MAX_PAGE as u64 {
            return Err(too_large());
        }
        let begun = answer::beginning(answer.into_body(), MAX_PAGE).await?;
        if !begun.is_whole {
            return Err(too_large());
        }
        self.server.keep(line);
        serde_json::from_slice(&begun.bytes).map_err(ArchiveError::NotAPage)
    }
}

/// Returns what stands behind the question mark; `None`: nothing is wanted.
fn query(wish: &Wish, page: u32) -> Option<String> {
    let (key, names) = match &wish.about {
        About::Users(names) => ("user", names),
        About::Packages(names) => ("package", names),
    };
    if names.is_empty() || wish.topics.is_empty() {
        return None;
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(names.iter().map(|it| (key, it)));
    query.extend_pairs(wish.topics.iter().map(|it| ("topic", it)));
    query.append_pair("start", &wish.since.as_second().to_string());
    query.append_pair("order", "asc");
    query.append_pair("rows_per_page", &PAGE.to_string());
    query.append_pair("page", &page.to_string());
    Some(query.finish())
}

/// A page, as datagrepper's second version writes it.
#[derive(Debug, Default, Deserialize)]
struct Page {
    #[serde(default)]
    pages: u64,
    raw_messages: Vec<Raw>,
}

#[derive(Debug, Deserialize)]
struct Raw {
    topic: String,
    id: Option<String>,
    headers: Option<Box<RawValue>>,
    body: Box<RawValue>,
}

/// The one header that is looked at. Others may have any form.
#[derive(Default, Deserialize)]
struct Headers {
    #[serde(rename = "sent-at")]
    sent_at: Option<String>,
}

impl Raw {
    fn filed(self) -> Filed {
        let headers = self.headers.and_then(|it| serde_json::from_str(it.get()).ok());
        let Headers { sent_at } = headers.unwrap_or_default();
        let is_short = |it: &String| it.len() <= MAX_NAME;
        Filed {
            topic: self.topic,
            id: self.id.filter(is_short),
            sent_at: sent_at.filter(is_short),
            body: self.body.get().to_owned(),
        }
    }
}

/// Why a page was not had.
#[derive(Debug, thiserror::Error)]
enum ArchiveError {
    #[error("the archive cannot be asked")]
    Http(#[from] HubError),
    #[error("the archive refuses")]
    Refused {
        #[source]
        error: HubError,
        /// It says how long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// A page for people, mostly: the address is wrong, or the site is being worked on.
    #[error("the answer is {0:?} and not JSON")]
    NotJson(String),
    #[error("the answer is no page of messages")]
    NotAPage(#[source] serde_json::Error),
}

/// The longest time that a server is left alone for at its own word.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);

impl ArchiveError {
    fn is_passing(&self) -> bool {
        match self {
            Self::Http(error) | Self::Refused { error, .. } => error.is_passing(),
            Self::NotJson(_) => true,
            Self::NotAPage(_) => false,
        }
    }

    /// Returns how long to wait, where nobody else says so.
    fn wait(&self, usually: Duration) -> Duration {
        match self {
            Self::Refused { wait: Some(wait), .. } => (*wait).clamp(usually, LONGEST_WAIT.max(usually)),
            Self::Refused { wait: None, .. } | Self::Http(_) | Self::NotJson(_) | Self::NotAPage(_) => usually,
        }
    }
}
