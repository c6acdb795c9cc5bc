//! What is published: a sample of a topic, as a value of its own.

use std::fmt;

/// The name of the sample that ends a stream.
pub const END: &str = "END";

/// A sample. This is what a program has before it writes a buffer; a reader needs none of it, it looks into the buffer.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Sample {
    /// Which one it is, from 0.
    pub seq_no: u32,
    /// When it was sent, in seconds since 1970.
    pub ts: f64,
    /// What it is a sample of.
    pub name: String,
    /// The data.
    pub data: Vec<u32>,
}

impl Sample {
    /// Sample `seq_no` of the original: the numbers 0, 1, 2, … as its data.
    pub fn numbered(seq_no: u32, name: &str, length: u32) -> Self {
        Sample { seq_no, ts: 0.0, name: name.to_string(), data: (0..length).collect() }
    }

    /// What the original says after `samples` samples: nothing more comes. Its number is one too high, and kept: other subscribers know it.
    pub fn end(samples: u32) -> Self {
        Sample::numbered(samples.saturating_add(1), END, 0)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sample { seq_no, ts, name, data } = self;
        write!(f, "seq_no {seq_no}, ts {ts}, name {name:?}, data {data:?}")
    }
}
