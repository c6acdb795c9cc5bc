//! A `Topic` by hand, byte for byte as flatc and the builder of the crate `flatbuffers` lay it out.

use super::backward::Backward;
use crate::sample::Sample;

/// The buffer of a sample.
///
/// The string comes last in the buffer, before it the vector, before that the table: its fields from the end, the greatest first, then the vtable.
/// A number that is its default is not written.
pub fn write(sample: &Sample) -> Vec<u8> {
    let mut buffer = Backward::default();
    // solution: begin — Part B: write a Topic
    let name = buffer.text(&sample.name);
    let data = buffer.numbers(&sample.data);
    let end = buffer.place();
    let ts = if sample.ts == 0.0 { 0 } else { buffer.number(sample.ts.to_le_bytes()) };
    let data = buffer.offset(data);
    let name = buffer.offset(name);
    let seq_no = if sample.seq_no == 0 { 0 } else { buffer.number(sample.seq_no.to_le_bytes()) };
    let table = buffer.vtable(end, &[seq_no, ts, name, data]);
    buffer.finish(table)
    // solution: end
}
