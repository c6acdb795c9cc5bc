//! Round trips in words: percentiles, and a picture.

use hdrhistogram::Histogram;
use std::fmt::Write;

/// Nanoseconds as microseconds with one digit after the point.
fn micros(nanos: u64) -> String {
    format!("{}.{} µs", nanos / 1000, nanos % 1000 / 100)
}

/// A line of percentiles, and a bar for each power of two of microseconds.
pub fn report(round_trips: &Histogram<u64>) -> String {
    let mut text = format!("{} round trips:", round_trips.len());
    for (name, value) in [
        ("min", round_trips.min()),
        ("p50", round_trips.value_at_quantile(0.5)),
        ("p90", round_trips.value_at_quantile(0.9)),
        ("p99", round_trips.value_at_quantile(0.99)),
        ("max", round_trips.max()),
    ] {
        write!(text, " {name} {},", micros(value)).expect("a string takes all");
    }
    text.pop();
    let bars: Vec<(u64, u64)> = (0..64)
        .map(|power| {
            let from = if power == 0 { 0 } else { 1_u64 << power };
            (
                1_u64 << power,
                round_trips.count_between(from * 1000, (1_u64 << (power + 1).min(50)) * 1000 - 1),
            )
        })
        .take(40)
        .collect();
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let first = bars.iter().position(|(_, count)| *count > 0).unwrap_or(0);
    let last = bars.iter().rposition(|(_, count)| *count > 0).unwrap_or(0);
    for (from, count) in &bars[first..=last] {
        let bar = "█".repeat(usize::try_from(count * 40 / most).unwrap_or(40));
        write!(text, "\n {from:>9} µs  {count:>8}  {bar}").expect("a string takes all");
    }
    text
}
