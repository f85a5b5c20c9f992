//! The body of an answer, on its way to whoever reads it.
//!
//! Promise: it is never held as a whole. It is read in a room of its own, where the reader may take its time, and the
//! server is made to wait meanwhile; what is on the way is a few hundred kilobytes whatever its size.
//!
//! It deliberately does not know what the body says.

use std::error::Error;
use std::io::{self, BufRead, Read};

use http_body_util::BodyExt;
use hyper::body::{Body, Buf, Bytes, Incoming};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::panicked;
use crate::hub::fault::Fault;
use crate::hub::trouble::HubError;

/// The largest answer to a call that is read. A list of all builds of a large site in a month has some megabytes.
pub(in crate::hub) const MAX_ANSWER: u64 = 32 * 1024 * 1024;
/// How many pieces of a body may wait for the reader.
const AHEAD: usize = 2;

/// What was made of a body.
#[derive(Debug)]
pub(in crate::hub) struct Outcome<T> {
    pub(in crate::hub) value: Result<T, HubError>,
    /// Whether the body was read to its end, so that the connection can be used again.
    pub(in crate::hub) is_whole: bool,
}

/// Reads a body in a room of its own. A body that breaks off, or is larger than [`MAX_ANSWER`], is an error to the
/// reader, and what is wrong with it goes before what the reader makes of that.
pub(in crate::hub) async fn read<T, E, F>(body: Incoming, decode: F) -> Outcome<T>
where
    T: Send + 'static,
    E: Error + Send + Sync + 'static,
    F: FnOnce(&mut dyn BufRead) -> Result<Result<T, Fault>, E> + Send + 'static,
{
    let announced = body.size_hint().lower();
    if announced > MAX_ANSWER {
        return Outcome {
            value: Err(HubError::TooLarge(MAX_ANSWER)),
            is_whole: false,
        };
    }
    let (pieces, waiting) = mpsc::channel(AHEAD);
    let reading =
        spawn_blocking(move || decode(&mut Reader::new(waiting)).map_err(|error| HubError::Garbled(error.into())));
    let passed_on = pass_on(body, pieces).await;
    let is_whole = matches!(passed_on, Ok(true));
    let value = match (reading.await.unwrap_or_else(|error| Err(panicked(error))), passed_on) {
        (Ok(Ok(value)), _) => Ok(value),
        (Ok(Err(fault)), _) => Err(HubError::Fault(fault)),
        (Err(_), Err(broken)) => Err(broken),
        (Err(error), Ok(_)) => Err(error),
    };
    Outcome { value, is_whole }
}

/// Hands a body on, piece by piece. Returns whether it came to its end; a reader that has read enough is the end, too.
async fn pass_on(mut body: Incoming, pieces: mpsc::Sender<Piece>) -> Result<bool, HubError> {
    let mut size = 0;
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = pieces.closed() => return Ok(false),
        };
        let piece = match frame.transpose()?.map(|it| it.into_data()) {
            Some(Ok(data)) => {
                size += data.len() as u64;
                if size > MAX_ANSWER {
                    return Err(HubError::TooLarge(MAX_ANSWER));
                }
                Piece::Data(data)
            }
            Some(Err(_trailers)) => continue,
            None => Piece::End,
        };
        let is_end = matches!(piece, Piece::End);
        let is_taken = pieces.send(piece).await.is_ok();
        if is_end || !is_taken {
            return Ok(is_end);
        }
    }
}

/// As much of a body as was wanted.
#[derive(Debug, Default)]
pub(in crate::hub) struct Begun {
    pub(in crate::hub) bytes: Vec<u8>,
    /// Whether that is all of it.
    pub(in crate::hub) is_whole: bool,
}

/// Reads a body as far as so many bytes, and no piece further.
pub(in crate::hub) async fn beginning(mut body: Incoming, most: usize) -> Result<Begun, HubError> {
    let mut bytes = Vec::new();
    loop {
        let Some(frame) = body.frame().await.transpose()? else {
            return Ok(Begun { bytes, is_whole: true });
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let room = most - bytes.len();
        bytes.extend(data.iter().take(room));
        if data.len() > room {
            return Ok(Begun { bytes, is_whole: false });
        }
    }
}

/// What goes to the reader. Without an end, the body broke off.
enum Piece {
    Data(Bytes),
    End,
}

/// A body as something to read from, for a thread that may wait.
struct Reader {
    pieces: mpsc::Receiver<Piece>,
    current: Bytes,
    has_ended: bool,
}

impl Reader {
    fn new(pieces: mpsc::Receiver<Piece>) -> Self {
        Self {
            pieces,
            current: Bytes::new(),
            has_ended: false,
        }
    }
}

impl BufRead for Reader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() && !self.has_ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Data(data)) => self.current = data,
                Some(Piece::End) => self.has_ended = true,
                None => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the answer broke off")),
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount.min(self.current.len()));
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.fill_buf()?;
        let read = ready.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
