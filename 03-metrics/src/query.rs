//! Questions to points: which, by what, how many, how long. Pure.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a report of what was measured; no run depends on it"
)]

use crate::percentile::Percentiles;
use crate::point::Point;
use std::collections::BTreeMap;

/// Which points, and how they are put together. The default takes all of them, in one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The measurement; any, when there is none.
    pub measurement: Option<String>,
    /// The field whose values are looked at.
    pub field: String,
    /// From this moment on.
    pub from_ns: Option<i64>,
    /// Up to this moment, which does not belong to it.
    pub until_ns: Option<i64>,
    /// Tags and the value that each must have.
    pub filter: Vec<(String, String)>,
    /// Tags by whose values points are put into groups. A point without such a tag has the empty value.
    pub by: Vec<String>,
}

/// A value and its moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When; nanoseconds since 1970.
    pub time_ns: i64,
    /// How much.
    pub value: f64,
}

/// The samples of each group, by the values of its tags.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// By the values of the tags of [`Query::by`], in that order.
    pub samples: BTreeMap<Vec<String>, Vec<Sample>>,
    /// Points that were asked for and have no such field, no number in it, or no time.
    pub without: u64,
}

impl Query {
    /// Whether a point is asked for: measurement, range, tags.
    pub fn takes(&self, point: &Point) -> bool {
        // solution: begin — Part C: which points
        let measurement = self.measurement.as_deref().is_none_or(|name| name == point.measurement());
        let tags = self.filter.iter().all(|(key, value)| point.tag_value(key).unwrap_or_default() == value);
        let begun = self.from_ns.is_none_or(|from| point.time_ns().is_some_and(|time| time >= from));
        let over = self.until_ns.is_some_and(|until| point.time_ns().is_none_or(|time| time >= until));
        measurement && tags && begun && !over
        // solution: end
    }

    /// Puts a point into its group, if it is asked for.
    pub fn add(&self, point: &Point, groups: &mut Groups) {
        if !self.takes(point) {
            return;
        }
        // solution: begin — Part C: the group of a point
        let value = point.field_value(&self.field).and_then(|value| value.number());
        let (Some(value), Some(time_ns)) = (value, point.time_ns()) else {
            groups.without += 1;
            return;
        };
        let of = |key: &String| point.tag_value(key).unwrap_or_default().to_string();
        let group: Vec<String> = self.by.iter().map(of).collect();
        groups.samples.entry(group).or_default().push(Sample { time_ns, value });
        // solution: end
    }
}

/// What a group comes to.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Figures {
    /// The percentiles, by nearest rank over all values, exactly.
    #[serde(flatten)]
    pub values: Percentiles,
    /// How many a second: one less than there are, over the time from the first to the last. `None` when all have the same time.
    pub rate: Option<f64>,
    /// The first moment.
    pub first_ns: i64,
    /// The last moment.
    pub last_ns: i64,
}

/// The figures of these samples, in any order; `None` of none.
pub fn figures(samples: &[Sample]) -> Option<Figures> {
    // solution: begin — Part C: the figures of a group
    let mut values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
    let values = Percentiles::of(&mut values)?;
    let first_ns = samples.iter().map(|sample| sample.time_ns).min()?;
    let last_ns = samples.iter().map(|sample| sample.time_ns).max()?;
    let span_ns = i128::from(last_ns) - i128::from(first_ns);
    let rate = (span_ns > 0).then(|| (samples.len() - 1) as f64 * 1e9 / span_ns as f64);
    Some(Figures { values, rate, first_ns, last_ns })
    // solution: end
}

/// The figures of each window of `every_ns`, by the moment at which the window begins: a multiple of its length, as databases have it. Windows
/// without a sample are left out.
///
/// # Panics
/// When the windows have no length.
pub fn downsample(samples: &[Sample], every_ns: i64) -> BTreeMap<i64, Figures> {
    assert!(every_ns > 0, "windows have a length, got {every_ns} ns");
    // solution: begin — Part C: downsample
    let mut windows: BTreeMap<i64, Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        let begin = sample.time_ns.saturating_sub(sample.time_ns.rem_euclid(every_ns));
        windows.entry(begin).or_default().push(*sample);
    }
    windows.into_iter().filter_map(|(begin, samples)| Some((begin, figures(&samples)?))).collect()
    // solution: end
}
