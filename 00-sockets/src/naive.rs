//! The mistakes, as one makes them: what part A and C's tests show failing. Given whole; nothing else uses it.

use std::io::{self, Read, Write};

/// What `htonl` of a `long` does: the upper 32 bits are gone. 13! does not fit any more.
pub fn marshal_by_htonl(number: u64) -> [u8; 4] {
    #[allow(clippy::cast_possible_truncation, reason = "this is the mistake")]
    (number as u32).to_be_bytes()
}

/// The number in the order in which this machine keeps it: another machine reads another number.
pub fn marshal_as_in_memory(number: u64) -> [u8; 8] {
    number.to_ne_bytes()
}

/// One `read`, as if it brought one whole message.
///
/// # Errors
/// What `read` says, interruptions included.
pub fn read_once(from: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; length];
    let got = from.read(&mut buffer)?;
    buffer.truncate(got);
    Ok(buffer)
}

/// One `write`, as if it took all bytes. Says how many it took; the original does not even look.
///
/// # Errors
/// What `write` says, interruptions included.
pub fn write_once(to: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
    to.write(bytes)
}

/// How much memory would be asked for, when a header is believed.
pub fn room_for(header: [u8; 4]) -> usize {
    u32::from_be_bytes(header) as usize
}

/// A factorial in 64 bits that wraps round: 21! comes out as 14197454024290336768.
pub fn factorial(number: u64) -> u64 {
    (1..=number).fold(1, u64::wrapping_mul)
}
