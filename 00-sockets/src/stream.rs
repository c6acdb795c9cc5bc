//! Reading and writing whole frames on a blocking stream.
//!
//! `read` returns what is there: one byte, or two messages and a half. `write` takes what there is room for. Both may be interrupted by a
//! signal before anything has happened (`EINTR`). None of these is an error; each is a program's bug that takes it for the whole.

use crate::frame::{self, HEADER, TooLong};
use std::io::{self, ErrorKind, Read, Write};
use thiserror::Error;

/// Why no frame could be read.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The stream ended within a frame: the peer has gone, or was cut off.
    #[error("the stream ended after {got} of {expected} bytes of a frame")]
    CutOff {
        /// How many bytes had come.
        got: usize,
        /// How many were to come.
        expected: usize,
    },
    /// The peer announces more than is allowed.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The operating system says no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads until `buffer` is full or the stream ends, and says how many bytes came.
///
/// # Errors
/// What `read` says, but for an interruption.
pub fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    // solution: begin — Part A: read until the buffer is full
    let mut got = 0;
    while got < buffer.len() {
        match from.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            // A signal came before any byte did: nothing has happened.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
    // solution: end
}

/// Writes all of `bytes`.
///
/// # Errors
/// What `write` says, but for an interruption; `WriteZero` when the stream takes nothing any more.
pub fn write_full(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    // solution: begin — Part A: write until nothing is left
    let mut left = bytes;
    while !left.is_empty() {
        match to.write(left) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => left = &left[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
    // solution: end
}

/// The next frame's payload, or `None` when the stream ends where a frame ends.
///
/// # Errors
/// When the stream ends elsewhere, the frame is longer than `limit`, or reading fails. Room is made for a payload only after its length was
/// found to be within the limit: whoever sends four bytes must not make this program allocate four gigabytes.
pub fn read_frame(from: &mut impl Read, limit: usize) -> Result<Option<Vec<u8>>, StreamError> {
    // solution: begin — Part A: read one frame
    let mut header = [0; HEADER];
    match read_full(from, &mut header)? {
        0 => return Ok(None),
        HEADER => {}
        got => return Err(StreamError::CutOff { got, expected: HEADER }),
    }
    let mut payload = vec![0; frame::announced(header, limit)?];
    let got = read_full(from, &mut payload)?;
    if got < payload.len() {
        return Err(StreamError::CutOff { got: HEADER + got, expected: HEADER + payload.len() });
    }
    Ok(Some(payload))
    // solution: end
}

/// Writes one frame, in one go: a header and a payload written apart may leave as two packets, and the second may wait for the
/// acknowledgement of the first (Nagle's algorithm, RFC 896).
///
/// # Errors
/// What writing says.
pub fn write_frame(to: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    frame::encode(payload, &mut bytes);
    write_full(to, &bytes)
}
