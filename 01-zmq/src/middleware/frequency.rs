//! How often a publisher measures: so many times a second, also less than once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// So many times a second, in millionths: 0.25 is every four seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frequency {
    millionths: u64,
}

impl Frequency {
    /// The least: once in a thousand seconds.
    const LEAST: u64 = 1_000;
    /// The most: a million times a second.
    const MOST: u64 = 1_000_000_000_000;

    /// The time from one measurement to the next, in whole microseconds.
    pub fn period(self) -> Duration {
        // solution: begin — Part F: the time from one measurement to the next
        Duration::from_micros(1_000_000_000_000 / self.millionths)
        // solution: end
    }
}

impl Default for Frequency {
    /// Once a second.
    fn default() -> Self {
        Frequency { millionths: 1_000_000 }
    }
}

impl FromStr for Frequency {
    type Err = String;

    /// Reads a number such as `4`, `0.25` or `.5`, with at most six digits behind the point.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("read the frequency `{text}`, expected a number from 0.001 to 1000000, such as 0.25");
        // solution: begin — Part F: read a frequency that need not be whole
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 6 || whole.len() + part.len() == 0 {
            return Err(wrong());
        }
        let number = |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<u64>() };
        let whole = number(whole).ok().and_then(|whole| whole.checked_mul(1_000_000)).ok_or_else(wrong)?;
        let millionths = whole.saturating_add(number(&format!("{part:0<6}")).map_err(|_| wrong())?);
        if !(Frequency::LEAST..=Frequency::MOST).contains(&millionths) {
            return Err(wrong());
        }
        Ok(Frequency { millionths })
        // solution: end
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.millionths / 1_000_000, self.millionths % 1_000_000);
        if part == 0 {
            write!(f, "{whole}")
        } else {
            write!(f, "{whole}.{}", format!("{part:06}").trim_end_matches('0'))
        }
    }
}
