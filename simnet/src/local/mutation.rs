//! Wrong bytes, drawn from a seed: what a decoder is tried with.

use crate::random::{Purpose, Random, RandomSource};

/// A stream of damaged inputs.
///
/// It is a fuzzer for every machine: no coverage guides it, but it needs no nightly compiler, and one seed gives the same inputs for ever.
#[derive(Debug)]
pub struct Mutations {
    random: Random,
    bytes: Vec<u8>,
}

impl Mutations {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Mutations { random: Random::new(seed, Purpose::Faults), bytes: Vec::new() }
    }

    /// How many inputs to try: `usually`, or what the environment variable `SIMNET_MUTATIONS` says.
    pub fn bounded(&self, usually: u64) -> u64 {
        std::env::var("SIMNET_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usually)
    }

    /// `good`, with one to four things wrong with it; now and then nothing of it is left.
    pub fn mutate(&mut self, good: &[u8]) -> &[u8] {
        self.bytes.clear();
        if self.random.below(16) == 0 {
            for _ in 0..self.random.below(64) {
                let byte = self.random.bits() as u8;
                self.bytes.push(byte);
            }
            return &self.bytes;
        }
        self.bytes.extend_from_slice(good);
        for _ in 0..=self.random.below(4) {
            self.once();
        }
        &self.bytes
    }

    fn once(&mut self) {
        let length = self.bytes.len();
        if length == 0 {
            return self.bytes.push(self.random.bits() as u8);
        }
        let at = self.random.below(length as u64) as usize;
        match self.random.below(7) {
            0 => self.bytes[at] ^= 1 << self.random.below(8),
            1 => self.bytes[at] = *self.random.pick(&[0, 1, 0x7F, 0x80, 0xFE, 0xFF]),
            2 => self.bytes[at] = self.random.bits() as u8,
            3 => self.bytes.truncate(at),
            4 => self.bytes.insert(at, self.random.bits() as u8),
            5 => {
                self.bytes.remove(at);
            }
            _ => {
                // A piece of it once more, somewhere else.
                let end = at + self.random.below((length - at) as u64 + 1) as usize;
                let piece = self.bytes[at..end].to_vec();
                let to = self.random.below(length as u64 + 1) as usize;
                self.bytes.splice(to..to, piece);
            }
        }
    }
}
