//! The rolling hash of a run: two runs are the same exactly when it is.

use std::fmt;
use std::hash::Hasher;

/// A 64-bit hash over whole words, by rotate, xor and multiply.
///
/// It is nearly free beside the simulation itself, which is why it is always on. It tells runs apart; it does not
/// resist anyone who looks for collisions. Words are hashed as little-endian 64-bit integers, so that
/// the value is the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceHash(u64);

/// The multiplier of Fibonacci hashing: 2^64 divided by the golden ratio, made odd.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

impl TraceHash {
    /// Takes one word in.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(MULTIPLIER);
    }

    /// The value so far.
    pub fn value(self) -> u64 {
        // The low bits of a product depend on few bits of its factors: fold the high ones in.
        self.0 ^ (self.0 >> 32)
    }
}

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.value())
    }
}

impl Hasher for TraceHash {
    fn finish(&self) -> u64 {
        self.value()
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.word(value.into());
    }
    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.word(value.into());
    }
    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.word(value.into());
    }
    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }
    #[inline]
    fn write_u128(&mut self, value: u128) {
        self.word(value as u64);
        self.word((value >> 64) as u64);
    }
    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }
    #[inline]
    fn write_i8(&mut self, value: i8) {
        self.word(value as u64);
    }
    #[inline]
    fn write_i16(&mut self, value: i16) {
        self.word(value as u64);
    }
    #[inline]
    fn write_i32(&mut self, value: i32) {
        self.word(value as u64);
    }
    #[inline]
    fn write_i64(&mut self, value: i64) {
        self.word(value as u64);
    }
    #[inline]
    fn write_i128(&mut self, value: i128) {
        self.write_u128(value as u128);
    }
    #[inline]
    fn write_isize(&mut self, value: isize) {
        self.word(value as u64);
    }
}
