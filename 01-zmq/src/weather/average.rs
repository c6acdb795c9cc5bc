//! The mean of whole numbers, without floating point: every machine prints the same.

use std::fmt;

/// Numbers added up, and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Average {
    sum: i64,
    count: u32,
}

impl Average {
    /// Adds one.
    pub fn add(&mut self, value: i32) {
        self.sum += i64::from(value);
        self.count += 1;
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The mean in tenths, rounded to the nearest one, halves away from zero. None when there are no numbers.
    pub fn tenths(&self) -> Option<i64> {
        // solution: begin — Part A: the mean in tenths
        let count = i64::from(self.count);
        if count == 0 {
            return None;
        }
        // Division cuts off towards zero, so a half is added away from it.
        let half = if self.sum < 0 { -count } else { count };
        Some((self.sum * 20 + half) / (count * 2))
        // solution: end
    }
}

impl fmt::Display for Average {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tenths() {
            None => f.write_str("none"),
            Some(tenths) => {
                let sign = if tenths < 0 { "-" } else { "" };
                write!(f, "{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
            }
        }
    }
}
