//! How long something takes: integer distributions, written as `2ms`, `1ms..10ms` or `exp(5ms)`.

use crate::random::{Random, RandomSource};
use crate::time::micros;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A distribution of lengths of time, in whole microseconds. No floating point: every machine draws the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Always as long.
    Fixed {
        /// Microseconds.
        us: u64,
    },
    /// Anything from `min_us` to `max_us`, both included, each as likely.
    Uniform {
        /// Microseconds.
        min_us: u64,
        /// Microseconds.
        max_us: u64,
    },
    /// Exponential: mostly short, now and then many times the mean, as queues are; cut off at 44 means.
    Exponential {
        /// Microseconds.
        mean_us: u64,
    },
}

impl Delay {
    /// No time at all.
    pub const NONE: Delay = Delay::Fixed { us: 0 };

    /// Always `length`.
    pub fn fixed(length: Duration) -> Self {
        Delay::Fixed { us: micros(length) }
    }

    /// Anything from `min` to `max`, both included. When `max` is shorter than `min`, always `min`.
    pub fn uniform(min: Duration, max: Duration) -> Self {
        Delay::Uniform { min_us: micros(min), max_us: micros(max.max(min)) }
    }

    /// Exponential with this mean.
    pub fn exponential(mean: Duration) -> Self {
        Delay::Exponential { mean_us: micros(mean) }
    }

    /// Draws one, in microseconds.
    #[inline]
    pub fn draw_us(self, random: &mut Random) -> u64 {
        match self {
            Delay::Fixed { us } => us,
            Delay::Uniform { min_us, max_us } => {
                min_us + random.below(max_us.saturating_sub(min_us).saturating_add(1))
            }
            Delay::Exponential { mean_us } => exponential_us(mean_us, random.bits()),
        }
    }

    /// Draws one.
    pub fn draw(self, random: &mut Random) -> Duration {
        Duration::from_micros(self.draw_us(random))
    }
}

/// `mean · -ln(u)` for `u` uniform in (0, 1], in fixed point.
fn exponential_us(mean_us: u64, bits: u64) -> u64 {
    // -log2(u) of a 64-bit fraction is its leading zeros and, after them, one minus log2 of the mantissa in [1, 2).
    let bits = bits | 1;
    let zeros = bits.leading_zeros();
    let mut mantissa = u128::from(bits << zeros); // 1.63 fixed point
    let mut fraction: u64 = 0; // log2 of the mantissa, 16 bits: square, and see whether it passes 2
    for _ in 0..16 {
        mantissa = (mantissa * mantissa) >> 63;
        fraction <<= 1;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    let minus_log2 = ((u64::from(zeros) + 1) << 16) - fraction;
    const LN_2: u64 = 45_426; // ln 2 · 2^16
    ((u128::from(mean_us) * u128::from(minus_log2) * u128::from(LN_2)) >> 32) as u64
}

/// A length of time as people write it: `250us`, `2.5ms`, `10s`.
pub fn format_us(us: u64) -> String {
    let (unit, per) = match us {
        0..1_000 => ("us", 1),
        1_000..1_000_000 => ("ms", 1_000),
        _ => ("s", 1_000_000),
    };
    let (whole, rest) = (us / per, us % per);
    if rest == 0 {
        return format!("{whole}{unit}");
    }
    let digits = per.ilog10() as usize;
    format!("{whole}.{}{unit}", format!("{rest:0digits$}").trim_end_matches('0'))
}

/// Reads a length of time as [`format_us`] writes it, in microseconds.
///
/// # Errors
/// Says what was read and what was expected.
pub fn parse_us(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "read the length of time `{text}`, expected a number with a unit, such as 250us, 2.5ms or 10s"
        )
    };
    let text_trimmed = text.trim();
    let (number, per) = [("us", 1), ("µs", 1), ("ms", 1_000), ("s", 1_000_000)]
        .into_iter()
        .find_map(|(unit, per)| text_trimmed.strip_suffix(unit).map(|number| (number.trim(), per)))
        .ok_or_else(wrong)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = u64::ilog10(per) as usize;
    if part.len() > digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let part: u64 = format!("0{part:0<digits$}").parse().map_err(|_| wrong())?;
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    whole.checked_mul(per).and_then(|us| us.checked_add(part)).ok_or_else(wrong)
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Delay::Fixed { us } => f.write_str(&format_us(us)),
            Delay::Uniform { min_us, max_us } => write!(f, "{}..{}", format_us(min_us), format_us(max_us)),
            Delay::Exponential { mean_us } => write!(f, "exp({})", format_us(mean_us)),
        }
    }
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(mean) = text.trim().strip_prefix("exp(").and_then(|rest| rest.strip_suffix(')')) {
            return Ok(Delay::Exponential { mean_us: parse_us(mean)? });
        }
        match text.split_once("..") {
            None => Ok(Delay::Fixed { us: parse_us(text)? }),
            Some((min, max)) => {
                let (min_us, max_us) = (parse_us(min)?, parse_us(max)?);
                if max_us < min_us {
                    return Err(format!("read the delay `{text}`, expected the shorter one first"));
                }
                Ok(Delay::Uniform { min_us, max_us })
            }
        }
    }
}

/// Serde for values that people write as text: `with = "crate::delay::text"`.
pub(crate) mod text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::fmt::Display;
    use std::str::FromStr;

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err = String>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A length of time in microseconds that people write as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub u64);

impl From<Duration> for Micros {
    fn from(length: Duration) -> Self {
        Micros(micros(length))
    }
}

impl From<Micros> for Duration {
    fn from(length: Micros) -> Self {
        Duration::from_micros(length.0)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_us(self.0))
    }
}

impl FromStr for Micros {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        parse_us(text).map(Micros)
    }
}

macro_rules! serde_as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                text::serialize(self, serializer)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text::deserialize(deserializer)
            }
        }
    )*};
}
serde_as_text!(Delay, Micros, crate::random::Chance);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn lengths_of_time_are_read_as_they_are_written() {
        for us in [0, 1, 999, 1_000, 2_500, 12_304, 999_999, 1_000_000, 1_000_001, 3_600_000_000] {
            assert_eq!(parse_us(&format_us(us)), Ok(us), "{}", format_us(us));
        }
        for bad in ["", "5", "ms", "-1ms", "1.2345ms", "1,5ms", "0.5us", "1 hour", "99999999999999999999s"] {
            assert!(parse_us(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn delays_are_read_as_they_are_written() {
        for text in ["2ms", "1ms..10ms", "exp(5ms)", "0us"] {
            assert_eq!(text.parse::<Delay>().unwrap().to_string(), text);
        }
        assert!("10ms..1ms".parse::<Delay>().is_err());
    }

    #[test]
    fn an_exponential_delay_has_its_mean_and_its_tail() {
        let mut random = Random::new(1, Purpose::Network);
        let delay = Delay::exponential(Duration::from_millis(5));
        let draws: Vec<u64> = (0..100_000).map(|_| delay.draw_us(&mut random)).collect();
        // The mean of 10^5 draws has a standard deviation of 5000/316 = 16 us: four of them.
        let mean = draws.iter().sum::<u64>() / 100_000;
        assert!((4_936..=5_064).contains(&mean), "{mean}");
        // P(> 3 means) = e^-3 = 4.98%, deviation 69 of 100,000.
        let long = draws.iter().filter(|&&us| us > 15_000).count();
        assert!((4_700..=5_260).contains(&long), "{long}");
        assert_eq!(exponential_us(5_000, u64::MAX), 0);
    }
}
