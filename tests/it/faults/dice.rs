//! Chance that can be had again.

/// Random numbers from a seed, which is printed: `KOJI_NOTIFY_SEED=… cargo nextest run …` throws the same.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new() -> Self {
        let wished = std::env::var("KOJI_NOTIFY_SEED").ok();
        let seed = wished.map_or_else(|| uuid::Uuid::new_v4().as_u128() as u64, |it| it.parse().unwrap());
        println!("KOJI_NOTIFY_SEED={seed}");
        Self(seed)
    }

    /// Returns a number below this one (splitmix64; that the low ones are a little likelier harms nobody).
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
