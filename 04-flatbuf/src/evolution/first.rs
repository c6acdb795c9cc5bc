//! A reader that has the first version of the schema, and knows that there will be others.

use crate::generated::first::evolution as flat;
use crate::limits::{Limits, Refusal};
use flatbuffers::root_with_opts;

/// What a reader of the first version makes of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which one.
    pub seq_no: u32,
    /// The value; 20 where none is written.
    pub value: i16,
    /// The unit, where this version knows it.
    pub unit: Option<&'static str>,
    /// Its name.
    pub name: Option<String>,
    /// Its colour, which later versions do not write.
    pub colour: Option<String>,
    /// The detail.
    pub detail: Detail,
}

/// The detail of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Detail {
    /// There is none.
    None,
    /// The speed of the wind.
    Wind(f32),
    /// The depth of the rain.
    Rain(f32),
    /// Something newer: its number in the union.
    Newer(u8),
}

/// Reads a sample that somebody has written, of this version or another.
///
/// # Errors
/// When it is none.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Sample, Refusal> {
    limits.allow(bytes.len())?;
    let sample = root_with_opts::<flat::Sample<'_>>(&limits.options(bytes.len()), bytes)
        .map_err(|why| Refusal::Invalid { length: bytes.len(), why })?;
    Ok(Sample {
        seq_no: sample.seq_no(),
        value: sample.value(),
        unit: sample.unit().variant_name(),
        name: sample.name().map(str::to_string),
        colour: sample.colour().map(str::to_string),
        detail: detail(&sample),
    })
}

/// The detail; a member that this version does not know is named by its number.
fn detail(sample: &flat::Sample<'_>) -> Detail {
    // solution: begin — Part E: a member that the future has added
    match sample.detail_type() {
        flat::Detail::Wind => sample.detail_as_wind().map_or(Detail::None, |wind| Detail::Wind(wind.speed())),
        flat::Detail::Rain => {
            sample.detail_as_rain().map_or(Detail::None, |rain| Detail::Rain(rain.depth_mm()))
        }
        flat::Detail::NONE => Detail::None,
        flat::Detail(number) => Detail::Newer(number),
    }
    // solution: end
}
