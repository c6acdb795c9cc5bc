//! A reader that has the second version of the schema, and knows that there was a first.

use crate::generated::second::evolution as flat;
use crate::limits::{Limits, Refusal};
use flatbuffers::root_with_opts;

/// What a reader of the second version makes of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which one.
    pub seq_no: u32,
    /// The value: the precise one, where there is one, else the one that the first version has.
    pub value: f64,
    /// How often it was tried; 3 where nobody says.
    pub retries: u32,
    /// A note, where there is one.
    pub note: Option<String>,
    /// Over how many hours it has rained, where the detail is rain; 24 where nobody says.
    pub rain_hours: Option<u8>,
}

/// Reads a sample that somebody has written, of this version or the first.
///
/// # Errors
/// When it is none.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Sample, Refusal> {
    limits.allow(bytes.len())?;
    let sample = root_with_opts::<flat::Sample<'_>>(&limits.options(bytes.len()), bytes)
        .map_err(|why| Refusal::Invalid { length: bytes.len(), why })?;
    // solution: begin — Part E: what the past has not written
    Ok(Sample {
        seq_no: sample.seq_no(),
        value: sample.precise().unwrap_or(f64::from(sample.value())),
        retries: sample.retries(),
        note: sample.note().map(str::to_string),
        rain_hours: sample.detail_as_rain().map(|rain| rain.hours()),
    })
    // solution: end
}
