//! Random numbers that a seed fixes: one stream a purpose, one generator for ever.

use crate::time::micros;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

/// Where random choices come from: a seeded stream in a simulation, every branch in turn where all schedules are checked.
pub trait RandomSource {
    /// A number from 0 to `bound - 1`, each as likely; 0 when `bound` is 0.
    fn below(&mut self, bound: u64) -> u64;

    /// A length of time in `range`, for a timer. Where time is abstract it is the shortest, and no branch.
    fn duration(&mut self, range: Range<Duration>) -> Duration;
}

/// What a stream is for. Each purpose has its own, so that one more draw in one place does not reshuffle the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Fates and delays of messages.
    Network,
    /// What faults do: which bit flips, which old message comes again.
    Faults,
    /// What clients ask.
    Workload,
    /// The knobs of a seed: sizes, delays, the plan of faults.
    Swarm,
    /// How long storage takes.
    Storage,
    /// The choices of one node.
    Node(u32),
}

impl Purpose {
    fn salt(self) -> u64 {
        match self {
            Purpose::Network => 1,
            Purpose::Faults => 2,
            Purpose::Workload => 3,
            Purpose::Swarm => 4,
            Purpose::Storage => 5,
            Purpose::Node(node) => 1 << 32 | u64::from(node),
        }
    }
}

/// A stream of random numbers: xoshiro256++ (Blackman and Vigna 2018), whose values no release of a library changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The stream for `purpose` in the run of `seed`.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        // Two rounds of a mixer, so that neighbouring seeds and salts give unrelated streams.
        let mixed = mix(mix(seed).wrapping_add(purpose.salt()));
        Random(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `range`; its start when the range is empty.
    pub fn between(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, chance: Chance) -> bool {
        chance.0 != 0 && self.below(Chance::ALWAYS.0.into()) < u64::from(chance.0)
    }

    /// One of `items`.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "picked one of no items");
        &items[self.below(items.len() as u64) as usize]
    }

    /// Puts `items` in random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

impl RandomSource for Random {
    #[inline]
    fn below(&mut self, bound: u64) -> u64 {
        // Lemire 2019 without the rejection step: the bias is below bound / 2^64.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    fn duration(&mut self, range: Range<Duration>) -> Duration {
        Duration::from_micros(self.between(micros(range.start)..micros(range.end)))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A probability, in whole millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chance(u32);

impl Chance {
    /// It never happens.
    pub const NEVER: Chance = Chance(0);
    /// It always happens.
    pub const ALWAYS: Chance = Chance(1_000_000);

    /// A probability in percent; above 100 it is 100.
    pub const fn percent(percent: u32) -> Self {
        Chance(if percent > 100 { 1_000_000 } else { percent * 10_000 })
    }

    /// A probability in millionths; above a million it is a million.
    pub const fn millionths(millionths: u32) -> Self {
        Chance(if millionths > 1_000_000 { 1_000_000 } else { millionths })
    }

    /// The probability in millionths.
    pub const fn as_millionths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            write!(f, "{whole}%")
        } else {
            write!(f, "{whole}.{}%", format!("{rest:04}").trim_end_matches('0'))
        }
    }
}

impl FromStr for Chance {
    type Err = String;

    /// Reads `20%` or `0.5%`, to a ten-thousandth of a percent.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("read the chance `{text}`, expected a percentage from 0% to 100%, such as 20% or 0.5%")
        };
        let number = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        if part.is_empty() || part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let part: u32 = format!("{part:0<4}").parse().map_err(|_| wrong())?;
        let millionths =
            whole.checked_mul(10_000).and_then(|whole| whole.checked_add(part)).ok_or_else(wrong)?;
        if millionths > Chance::ALWAYS.0 { Err(wrong()) } else { Ok(Chance(millionths)) }
    }
}
