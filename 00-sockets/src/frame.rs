//! Framing: where one message ends and the next begins.
//!
//! TCP carries a stream of bytes and keeps no boundaries: what one `write` sent may arrive in several `read`s, and what several
//! `write`s sent in one. So each message goes as a **frame**: its length in four bytes, the most significant first (RFC 1700's
//! network byte order), then so many bytes.
//!
//! ```text
//!   00 00 00 08   00 00 00 00 00 00 00 05
//!   length: 8     payload
//! ```

use thiserror::Error;

/// How many bytes the length takes.
pub const HEADER: usize = 4;

/// A frame that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("read a frame of {announced} bytes, expected at most {limit}; does the peer speak this protocol?")]
pub struct TooLong {
    /// How many bytes the header announces.
    pub announced: usize,
    /// How many are allowed.
    pub limit: usize,
}

/// The length that a header announces.
///
/// # Errors
/// When it is above `limit`: nothing of such a frame may be stored, not even room for it.
pub fn announced(header: [u8; HEADER], limit: usize) -> Result<usize, TooLong> {
    // solution: begin — Part A: read a header
    let announced = u32::from_be_bytes(header) as usize;
    if announced > limit {
        return Err(TooLong { announced, limit });
    }
    Ok(announced)
    // solution: end
}

/// Appends the frame of `payload` to `out`.
///
/// # Panics
/// When the payload has 2³² bytes or more: its length does not fit into a header.
pub fn encode(payload: &[u8], out: &mut Vec<u8>) {
    // solution: begin — Part A: write a frame
    let length = u32::try_from(payload.len()).expect("a payload of less than 4 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(payload);
    // solution: end
}

/// Cuts a stream of bytes into frames, however the bytes arrive.
#[derive(Clone, Debug)]
pub struct Decoder {
    limit: usize,
    /// What has arrived and belongs to no finished frame.
    buffer: Vec<u8>,
    /// How much of `buffer` was given out: so that a frame does not move all that follows it.
    taken: usize,
}

impl Decoder {
    /// A decoder of frames of at most `limit` bytes of payload.
    pub fn new(limit: usize) -> Self {
        Decoder { limit, buffer: Vec::new(), taken: 0 }
    }

    /// More bytes have arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame's payload, or `None` while it has not arrived whole.
    ///
    /// # Errors
    /// When a frame is too long. The stream is then of no use any more: where the next frame begins is unknown.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        // solution: begin — Part A: cut a frame off
        let waiting = &self.buffer[self.taken..];
        let Some(header) = waiting.first_chunk::<HEADER>() else { return Ok(None) };
        let length = announced(*header, self.limit)?;
        let Some(payload) = waiting[HEADER..].get(..length) else { return Ok(None) };
        let payload = payload.to_vec();
        self.taken += HEADER + length;
        Ok(Some(payload))
        // solution: end
    }

    /// Whether everything that has arrived was given out: a stream may end here, and nowhere else.
    pub fn is_between_frames(&self) -> bool {
        self.taken == self.buffer.len()
    }
}
