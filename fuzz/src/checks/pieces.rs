//! A stream that arrives in pieces.

use std::io::{self, BufRead, Read};

/// Hands out bytes a few at a time.
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
    /// How much of `rest` is handed out next.
    now: usize,
    state: u64,
    longest: u64,
}

impl<'a> Pieces<'a> {
    /// Cuts the bytes in a way that follows from `how`: 0 is byte by byte.
    pub(super) fn new(bytes: &'a [u8], how: u8) -> Self {
        let mut pieces = Self {
            rest: bytes,
            now: 0,
            state: u64::from(how).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            longest: match how {
                0 => 1,
                _ => 1 << (how % 8),
            },
        };
        pieces.cut();
        pieces
    }

    fn cut(&mut self) {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.now = usize::try_from(1 + self.state % self.longest)
            .unwrap()
            .min(self.rest.len());
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.rest[..self.now])
    }

    fn consume(&mut self, amount: usize) {
        self.rest = &self.rest[amount..];
        self.now -= amount;
        if self.now == 0 {
            self.cut();
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let amount = self.fill_buf()?.read(into)?;
        self.consume(amount);
        Ok(amount)
    }
}
