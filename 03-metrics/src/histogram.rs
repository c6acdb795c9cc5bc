//! Latencies in bounded memory: a histogram whose buckets grow with the value (HdrHistogram). Pure.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a report of what was measured; no run depends on it"
)]

use crate::percentile::Percentiles;
use hdrhistogram::Histogram;

/// The longest latency that is told apart: an hour. What is longer counts as an hour, and is counted.
pub const LONGEST_NS: u64 = 3_600_000_000_000;

/// Significant decimal digits: what the histogram says is at most one part in a thousand above what was recorded.
const DIGITS: u8 = 3;

/// Latencies in nanoseconds. However many are recorded, it takes some 300 KB at most.
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
    sum_ns: u128,
    beyond: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new(DIGITS).expect("3 digits are allowed");
        Latencies { histogram, sum_ns: 0, beyond: 0 }
    }
}

impl Latencies {
    /// Records one.
    pub fn record(&mut self, ns: u64) {
        // solution: begin — Part B: record a latency
        self.beyond += u64::from(ns > LONGEST_NS);
        let ns = ns.min(LONGEST_NS);
        self.sum_ns += u128::from(ns);
        self.histogram.record(ns).expect("it resizes itself");
        // solution: end
    }

    /// Adds all that another has recorded.
    pub fn add(&mut self, other: &Latencies) {
        // solution: begin — Part B: add histograms
        self.histogram.add(&other.histogram).expect("it resizes itself");
        self.sum_ns += other.sum_ns;
        self.beyond += other.beyond;
        // solution: end
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.histogram.reset();
        (self.sum_ns, self.beyond) = (0, 0);
    }

    /// How many were longer than an hour.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// The percentiles, nearest rank, each at most 0.1 % too high; `None` of nothing. The mean is exact.
    pub fn percentiles(&self) -> Option<Percentiles> {
        let count = self.histogram.len();
        if count == 0 {
            return None;
        }
        // solution: begin — Part B: read the percentiles
        let value = |ns: u64| ns.min(LONGEST_NS) as f64;
        let at = |hundredths: u32| value(self.histogram.value_at_quantile(f64::from(hundredths) / 10_000.0));
        Some(Percentiles {
            count,
            min: value(self.histogram.min()),
            mean: self.sum_ns as f64 / count as f64,
            p50: at(5000),
            p90: at(9000),
            p95: at(9500),
            p99: at(9900),
            max: value(self.histogram.max()),
        })
        // solution: end
    }
}
