//! Randomness is named streams forked from the seed by purpose and object, so that one more draw in one place moves
//! nothing elsewhere. Draws use integers only: the same on every platform.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// FNV-1a over `parts`, each closed by a separator, then mixed so that near inputs give far outputs.
pub fn stable_hash(parts: &[&str]) -> u64 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for b in part.bytes().chain(std::iter::once(0x1f)) {
            h = (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

/// One stream of draws.
#[derive(Clone, Debug)]
pub struct Stream(Pcg64Mcg);

impl Stream {
    /// The stream of `purpose` (`machine-name`, `boot`) for the object `id` under `seed`.
    pub fn fork(seed: u64, purpose: &str, id: &str) -> Stream {
        Stream(Pcg64Mcg::seed_from_u64(stable_hash(&[&seed.to_string(), purpose, id])))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..n` (0 where `n` is 0).
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64 }
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// About normal around `mean` with deviation `sd`: the sum of twelve uniform draws, in integers.
    pub fn bell(&mut self, mean: u64, sd: u64) -> u64 {
        let sum: i128 = (0..12).map(|_| i128::from(self.below(1 << 32))).sum();
        let off = ((sum - (6i128 << 32)) * i128::from(sd)) >> 32;
        u64::try_from(i128::from(mean) + off).unwrap_or(0)
    }

    /// The five characters of a generated name.
    pub fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        self.letters(LETTERS, 5)
    }

    pub fn hex(&mut self, n: usize) -> String {
        self.letters(b"0123456789abcdef", n)
    }

    fn letters(&mut self, letters: &[u8], n: usize) -> String {
        (0..n).filter_map(|_| letters.get(self.below(letters.len() as u64) as usize)).map(|b| char::from(*b)).collect()
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.next_u64(), self.next_u64());
        let (a, b) = ((a & 0xffff_ffff_ffff_0fff) | 0x4000, (b & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000);
        format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xffff, b >> 48, b & 0xffff_ffff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_independent_and_stable() {
        let mut a = Stream::fork(1, "x", "o");
        let mut b = Stream::fork(1, "x", "o");
        assert_eq!(a.uuid(), b.uuid());
        assert_ne!(Stream::fork(1, "y", "o").next_u64(), Stream::fork(1, "x", "o").next_u64());
        assert_eq!(a.suffix().len(), 5);
        assert!((0..1000).all(|_| (10..=12).contains(&b.between(10, 12))));
    }
}
