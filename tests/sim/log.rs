//! What happened when, for people and for comparing two runs. Lines are only made where somebody wants them.

use crate::time::{Time, stamp};

#[derive(Debug, Default)]
pub(crate) struct Log {
    is_wanted: bool,
    pub(crate) lines: Vec<String>,
    /// FNV-1a over all lines.
    pub(crate) hash: u64,
}

impl Log {
    pub(crate) fn kept() -> Self {
        Self {
            is_wanted: true,
            ..Self::default()
        }
    }

    pub(crate) fn line(&mut self, now: Time, text: impl FnOnce() -> String) {
        if !self.is_wanted {
            return;
        }
        let line = format!("{} {}", stamp(now), text());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.lines.push(line);
    }
}
