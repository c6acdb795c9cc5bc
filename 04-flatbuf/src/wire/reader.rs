//! A `Topic` by hand: whole, or refused.

use super::buffer::{Buffer, Numbers};
use super::malformed::Malformed;
use super::table::Table;
use crate::sample::Sample;

/// A `MyPubSub.Topic`, checked from end to end. Its name and its data lie in the buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Topic<'a> {
    /// Field 0, by default 0.
    pub seq_no: u32,
    /// Field 1, by default 0.
    pub ts: f64,
    /// Field 2, an offset; absent is not the same as empty.
    pub name: Option<&'a str>,
    /// Field 3, an offset; absent is not the same as empty.
    pub data: Option<Numbers<'a>>,
}

impl<'a> Topic<'a> {
    /// Reads a buffer. What it accepts is what the verifier of the crate `flatbuffers` accepts.
    ///
    /// # Errors
    /// When anything of it is not where it should be.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let buffer = Buffer(bytes);
        let table = Table::root(buffer)?;
        // solution: begin — Part A: the fields of a Topic
        let seq_no = table.field(0)?.map_or(Ok(0), |at| buffer.u32(at, "seq_no"))?;
        let ts = table.field(1)?.map_or(Ok(0.0), |at| buffer.f64(at, "ts"))?;
        let name = match table.field(2)? {
            Some(at) => Some(buffer.text(buffer.follow(at, "the offset of name")?, "name")?),
            None => None,
        };
        let data = match table.field(3)? {
            Some(at) => Some(buffer.numbers(buffer.follow(at, "the offset of data")?, "data")?),
            None => None,
        };
        Ok(Topic { seq_no, ts, name, data })
        // solution: end
    }

    /// The same as a value of its own. What is absent becomes empty.
    pub fn to_sample(&self) -> Sample {
        Sample {
            seq_no: self.seq_no,
            ts: self.ts,
            name: self.name.unwrap_or_default().to_string(),
            data: self.data.map(|data| data.iter().collect()).unwrap_or_default(),
        }
    }
}
