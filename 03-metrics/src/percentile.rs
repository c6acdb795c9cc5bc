//! Percentiles by nearest rank, exactly. Pure.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a report of what was measured; no run depends on it. Sums of whole numbers below 2^53 are exact"
)]

/// Five of them, with what else one wants to know of a set of numbers: of latencies in nanoseconds, as a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Percentiles {
    /// How many there are.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Half of them are no greater.
    pub p50: f64,
    /// 90 % are no greater.
    pub p90: f64,
    /// 95 % are no greater.
    pub p95: f64,
    /// 99 % are no greater.
    pub p99: f64,
    /// The greatest.
    pub max: f64,
}

/// The place, from 0, of a percentile among `count` sorted values, by **nearest rank**: the first value that at least `hundredths` of a
/// percent of all are no greater than. It is one of the values, never one in between. `None` of nothing.
///
/// `hundredths` is 9990 for p99.9; what is above 10,000 counts as 10,000.
pub fn nearest_rank(count: usize, hundredths: u32) -> Option<usize> {
    // solution: begin — Part C: the nearest rank
    let (all, hundredths) = (count as u128, u128::from(hundredths.min(10_000)));
    let rank = (all * hundredths).div_ceil(10_000).max(1);
    if count == 0 { None } else { usize::try_from(rank - 1).ok() }
    // solution: end
}

impl Percentiles {
    /// Those of these values, which are put in order; `None` of nothing.
    pub fn of(values: &mut [f64]) -> Option<Self> {
        // solution: begin — Part C: the percentiles of these values
        values.sort_unstable_by(f64::total_cmp);
        let at = |hundredths| nearest_rank(values.len(), hundredths).map(|rank| values[rank]);
        Some(Percentiles {
            count: values.len() as u64,
            min: *values.first()?,
            mean: values.iter().sum::<f64>() / values.len() as f64,
            p50: at(5000)?,
            p90: at(9000)?,
            p95: at(9500)?,
            p99: at(9900)?,
            max: *values.last()?,
        })
        // solution: end
    }
}
