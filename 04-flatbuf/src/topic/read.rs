//! Samples read where they lie.

use super::Topic;
use crate::generated::topic::my_pub_sub::root_as_topic_with_opts;
use crate::limits::{Limits, Refusal};
use crate::sample::Sample;

/// The sample in a buffer that somebody has sent. Nothing of it is copied: what it refers to lies in `bytes`, and lives as long.
///
/// # Errors
/// When the buffer is too long, or the verifier finds anything wrong with it.
pub fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Topic<'a>, Refusal> {
    // solution: begin — Part C: no view of what has not been verified
    limits.allow(bytes.len())?;
    root_as_topic_with_opts(&limits.options(bytes.len()), bytes)
        .map_err(|why| Refusal::Invalid { length: bytes.len(), why })
    // solution: end
}

/// A sample as a value of its own: here everything is copied. What is absent becomes empty.
pub fn to_sample(topic: &Topic<'_>) -> Sample {
    // solution: begin — Part B: what is absent becomes empty
    Sample {
        seq_no: topic.seq_no(),
        ts: topic.ts(),
        name: topic.name().unwrap_or_default().to_string(),
        data: topic.data().map(|data| data.iter().collect()).unwrap_or_default(),
    }
    // solution: end
}
