//! Standard output, written beside everything else: whoever reads it may be slow, and the broker is not kept waiting.
//!
//! Promise: no more than [`MAX_LINES`] lines, and about [`MAX_BYTES`] bytes, wait to be written; what comes on top of
//! that is left out, and counted.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::cli::exit::Unread;

/// The most lines, and bytes, that wait for a reader who is slow.
const MAX_LINES: usize = 4096;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Writes lines, one after the other.
pub(super) struct Printer {
    lines: mpsc::Sender<String>,
    waiting: Arc<AtomicUsize>,
    writing: JoinHandle<Result<()>>,
    left_out: u64,
}

impl Printer {
    pub(super) fn start() -> Self {
        let (lines, to_write) = mpsc::channel(MAX_LINES);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = waiting.clone();
        let writing = tokio::task::spawn_blocking(move || write(to_write, &counted));
        Self {
            lines,
            waiting,
            writing,
            left_out: 0,
        }
    }

    /// Takes a line. Returns whether there was room for it.
    pub(super) fn print(&mut self, line: String) -> bool {
        let size = line.len();
        let has_room = match self.waiting.load(Ordering::Relaxed) {
            0 => true,
            waiting => waiting + size <= MAX_BYTES,
        };
        self.waiting.fetch_add(size, Ordering::Relaxed);
        if has_room && self.lines.try_send(line).is_ok() {
            return true;
        }
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        self.left_out += 1;
        false
    }

    /// Returns whether the line that there was no room for is the first one.
    pub(super) fn begins_to_leave_out(&self) -> bool {
        self.left_out == 1
    }

    /// Returns how many lines were left out since this was asked, once there is room again.
    pub(super) fn left_out(&mut self) -> Option<u64> {
        let has_room = self.waiting.load(Ordering::Relaxed) <= MAX_BYTES / 2 && self.lines.capacity() > MAX_LINES / 2;
        (has_room && self.left_out > 0).then(|| std::mem::take(&mut self.left_out))
    }

    /// Returns when nothing can be written any more.
    pub(super) async fn broken(&mut self) -> Result<()> {
        ended((&mut self.writing).await)
    }

    /// Returns when all is written.
    pub(super) async fn finish(self) -> Result<()> {
        drop(self.lines);
        ended(self.writing.await)
    }
}

fn ended(writing: Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    writing.context("standard output is written no more")?
}

fn write(mut lines: mpsc::Receiver<String>, waiting: &AtomicUsize) -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    while let Some(line) = lines.blocking_recv() {
        let written = out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n"));
        waiting.fetch_sub(line.len(), Ordering::Relaxed);
        let written = match lines.is_empty() {
            true => written.and_then(|()| out.flush()),
            false => written,
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(Unread.into()),
            written => written.context("standard output cannot be written")?,
        }
    }
    Ok(())
}
