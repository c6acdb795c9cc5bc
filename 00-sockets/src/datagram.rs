//! The byte-counting service, over UDP: what changes when there is no connection and no stream.
//!
//! A datagram arrives whole or not at all; it may arrive twice, and later than one that was sent after it. There is nobody who says that
//! it was lost: the client has to notice by itself, and to ask again. Then the server may count it twice. Part D takes that up.
//!
//! | datagram | bytes |
//! |---|---|
//! | request | a sequence number, 4 bytes; then anything |
//! | reply | the sequence number, 4 bytes; how long the request was, 4 bytes; all bytes counted so far, 8 bytes |

use thiserror::Error;

/// The shortest request: a sequence number.
pub const SHORTEST: usize = 4;

/// The longest payload of a datagram over IPv4: 65,535 bytes less the headers of IP and UDP.
pub const LONGEST: usize = 65_507;

/// A datagram that is not of this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("read a datagram of {read} bytes, expected {expected}")]
pub struct NoDatagram {
    /// How long it was.
    pub read: usize,
    /// What was expected.
    pub expected: &'static str,
}

/// What the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The request's sequence number.
    pub sequence: u32,
    /// How many bytes the request had.
    pub length: u32,
    /// How many bytes have been counted since the server started, of all clients.
    pub total: u64,
}

impl Counted {
    /// The reply's bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.length.to_be_bytes());
        bytes[8..].copy_from_slice(&self.total.to_be_bytes());
        bytes
    }

    /// What a reply says.
    ///
    /// # Errors
    /// When it has not 16 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoDatagram> {
        let wrong = NoDatagram { read: bytes.len(), expected: "16: sequence, length, total" };
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| wrong)?;
        let (sequence, rest) = bytes.split_first_chunk().expect("16 bytes");
        let (length, total) = rest.split_first_chunk().expect("12 bytes");
        Ok(Counted {
            sequence: u32::from_be_bytes(*sequence),
            length: u32::from_be_bytes(*length),
            total: u64::from_be_bytes(total.try_into().expect("8 bytes")),
        })
    }
}

/// A request of `length` bytes.
///
/// # Panics
/// When that is shorter than a sequence number.
pub fn request(sequence: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    bytes[..SHORTEST].copy_from_slice(&sequence.to_be_bytes());
    bytes
}

/// The server's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Bytes counted so far.
    pub total: u64,
}

impl Counter {
    /// Counts a datagram, and answers it.
    ///
    /// # Errors
    /// When it has no sequence number: it is not counted, and not answered.
    pub fn count(&mut self, datagram: &[u8]) -> Result<Counted, NoDatagram> {
        let wrong =
            NoDatagram { read: datagram.len(), expected: "4 or more: a sequence number, then anything" };
        // solution: begin — Part C: count a datagram
        let sequence = datagram.first_chunk().ok_or(wrong)?;
        self.total += datagram.len() as u64;
        let length = u32::try_from(datagram.len()).expect("a datagram is shorter than 64 KiB");
        Ok(Counted { sequence: u32::from_be_bytes(*sequence), length, total: self.total })
        // solution: end
    }
}
