//! A stream that is written and read by whoever waits for what comes.
//!
//! Promise: nothing is lost when a wait is given up, and neither side of it grows without bound: a broker that does not
//! read what we say is not read either.
//!
//! It deliberately does not know what is said.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use super::super::wire::Tether;
use super::frame::{Frame, Odd, split};
use crate::net::dial::Io;

/// How much is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// How much may wait to be written before nothing more is read, in bytes.
const BACKLOG: usize = 64 * 1024;

/// Both ends of a stream, and what is under way.
pub(super) struct Wire {
    io: Box<dyn Io>,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// How much of `outgoing` was written.
    written: usize,
    is_flushed: bool,
    /// Cut when we let go of the stream.
    tether: Tether,
}

impl Wire {
    pub(super) fn new(io: Box<dyn Io>, tether: Tether) -> Self {
        Self {
            io,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            written: 0,
            is_flushed: true,
            tether,
        }
    }

    /// Returns whether the other side has said anything at all, if only within TLS.
    pub(super) fn has_heard(&self) -> bool {
        self.tether.has_heard()
    }

    /// Takes what is to be written with the next wait.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        self.outgoing.drain(..self.written);
        self.written = 0;
        self.outgoing.extend(bytes);
        self.is_flushed = false;
    }

    /// Returns a frame that has come, if one is whole.
    pub(super) fn frame(&mut self) -> Result<Option<Frame>, Odd> {
        split(&mut self.incoming)
    }

    /// Returns the greeting with which a protocol is chosen.
    pub(super) async fn greeting(&mut self) -> io::Result<[u8; 8]> {
        loop {
            if let Some((greeting, _)) = self.incoming.split_first_chunk::<8>() {
                let greeting = *greeting;
                self.incoming.drain(..8);
                return Ok(greeting);
            }
            self.hear().await?;
        }
    }

    /// Writes what is to be written, and waits until more has come.
    pub(super) async fn hear(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            // What cannot be written yet does not keep us from reading, up to a limit.
            if let Poll::Ready(Err(error)) = self.poll_write(cx) {
                return Poll::Ready(Err(error));
            }
            if self.outgoing.len() - self.written > BACKLOG {
                return Poll::Pending;
            }
            self.poll_read(cx)
        })
        .await
    }

    /// Writes all that is to be written.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_write(cx)).await
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.outgoing.get(self.written..).filter(|it| !it.is_empty()) {
            let written = ready!(Pin::new(&mut *self.io).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        self.outgoing.clear();
        self.written = 0;
        if !self.is_flushed {
            ready!(Pin::new(&mut *self.io).poll_flush(cx))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut chunk = [0; CHUNK];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut *self.io).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.incoming.extend(buffer.filled());
        Poll::Ready(Ok(()))
    }
}
