//! What the weather is: any place, any temperature, from a seed. The same seed, the same weather.

use super::report::Report;
use simnet::Random;
use simnet::random::Purpose;

/// Reports without end.
#[derive(Clone, Debug)]
pub struct Stations(Random);

impl Stations {
    /// The weather of `seed`.
    pub fn new(seed: u64) -> Self {
        Stations(Random::new(seed, Purpose::Workload))
    }
}

impl Iterator for Stations {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        Some(Report {
            zip: self.0.between(1..100_000) as u32,
            temperature: self.0.between(0..215) as i32 - 80,
            humidity: self.0.between(10..60) as u32,
        })
    }
}
