//! Bytes that were right once: flipped, cut, doubled, spliced.
//!
//! The tests feed them to everything that reads bytes from outside, so many times as
//! `KANON_FUZZ_RUNS` says. The same number always makes the same bytes.

/// Changes bytes, the same way for the same seed.
#[derive(Clone, Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// A mutator of this seed.
    pub fn new(seed: u64) -> Self {
        Mutator(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below this one, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % bound
    }

    /// These bytes with one to four changes.
    pub fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut changed);
        }
        changed
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let length = self.below(bytes.len() - at + 1).min(64);
        match self.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + length)),
            2 => {
                let part = bytes[at..at + length].to_vec();
                drop(bytes.splice(at..at, part));
            }
            3 => bytes[at..at + length].fill(0),
            4 => bytes[at..at + length].fill(u8::MAX),
            5 => bytes.insert(at, self.below(256) as u8),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}

/// How many times a test changes bytes: `KANON_FUZZ_RUNS`, or this number.
pub fn runs(bounded: u64) -> u64 {
    std::env::var("KANON_FUZZ_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(bounded)
}
