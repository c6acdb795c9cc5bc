//! A binary schema, and a buffer shown by it: the first two bytes say where the one ends and the other begins.
#![no_main]

use flatbuf::anatomy::{dissect::dissect, print::lines};
use flatbuf::evolution::compatibility::changes;
use flatbuf::schema::read::read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let (schema, buffer) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    if let Ok(schema) = read(schema) {
        changes(&schema, &schema);
        lines(buffer, &dissect(&schema, buffer));
    }
});
