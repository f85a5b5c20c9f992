//! Dice that fall the same for the same seed, on every machine. SplitMix64 (Steele, Lea, Flood 2014).

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Returns dice of their own for one purpose: what is thrown there changes nothing elsewhere.
    pub(crate) fn of(seed: u64, purpose: &str, number: u64) -> Self {
        let mut mixed = seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in purpose.bytes() {
            mixed = mix(mixed ^ u64::from(byte));
        }
        Self(mix(mixed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns a number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns a number from `first` up to `last`.
    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        first + (self.next() % ((last - first + 1) as u64)) as i64
    }

    /// The same, with short ones as likely as long ones: each doubling has the same chance.
    pub(crate) fn spread(&mut self, first: i64, last: i64) -> i64 {
        let doublings = (64 - (last / first.max(1)).leading_zeros()).max(1);
        let top = first.max(1) << self.below(u64::from(doublings));
        self.between(first, top.min(last).max(first))
    }

    /// Returns `true` in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

fn mix(mut it: u64) -> u64 {
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}
