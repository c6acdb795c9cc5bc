//! The bytes of one peer, as ZMTP 3.0 (ZeroMQ's RFC 23) puts them on the wire: are they frames, and none too long? Pure.
//!
//! A greeting of 64 bytes, then frames: a byte of flags, the length in one byte or eight, so many bytes. The crate makes room for whatever
//! length a frame announces, and keeps the frames of a message until the last of them has come. So both have an end here.

use crate::proxy::gate::MOST_SUBSCRIPTIONS;
use thiserror::Error;

/// The longest frame that passes.
pub const LONGEST_FRAME: usize = 64 << 10;
/// The longest message that passes, in bytes: all its frames together.
pub const LONGEST_MESSAGE: usize = 1 << 20;
/// How many frames a message may have. Also an empty one costs the crate memory.
pub const MOST_FRAMES: usize = 1000;

/// How many bytes a greeting has.
pub const GREETING: usize = 64;
/// The flag of a frame that more frames of its message follow.
pub const MORE: u8 = 1;
/// The flag of a frame whose length has eight bytes.
pub const LONG: u8 = 2;
/// The flag of a command.
pub const COMMAND: u8 = 4;

/// Why bytes may not pass.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GateError {
    /// Something else speaks there.
    #[error("read `{0}`, expected the greeting of ZeroMQ's ZMTP 3")]
    NotZmtp(String),
    /// A length that nobody needs.
    #[error("read a frame of {0} bytes, expected at most {LONGEST_FRAME}")]
    TooLong(u64),
    /// A message that nobody needs.
    #[error(
        "read a message of {bytes} bytes in {frames} frames so far, expected at most {LONGEST_MESSAGE} in {MOST_FRAMES}"
    )]
    TooMuch {
        /// How many bytes.
        bytes: usize,
        /// In how many frames.
        frames: usize,
    },
    /// Flags that nobody sets, or a message of several parts.
    #[error("read a frame with flags {0:#04x}, expected one that may come here")]
    Flags(u8),
    /// Something before READY.
    #[error("read a message before the handshake was over, expected READY")]
    NotReady,
    /// Too much to remember.
    #[error("read subscription {}, expected at most {MOST_SUBSCRIPTIONS}", MOST_SUBSCRIPTIONS + 1)]
    TooMany,
}

/// The head of a frame: its flags, where its body begins, where it ends. None while the head is not whole.
///
/// # Errors
/// When it is no head, or the frame is too long.
pub fn head(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, GateError> {
    let Some((&flags, rest)) = bytes.split_first() else { return Ok(None) };
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err(GateError::Flags(flags));
    }
    let (length, begin) = match (flags & LONG != 0, rest) {
        (false, [length, ..]) => (u64::from(*length), 2),
        (true, rest) => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 9),
            None => return Ok(None),
        },
        (false, []) => return Ok(None),
    };
    match usize::try_from(length) {
        Ok(length) if length <= LONGEST_FRAME => Ok(Some((flags, begin, begin + length))),
        _ => Err(GateError::TooLong(length)),
    }
}

/// Whether a greeting is whole.
///
/// # Errors
/// When it is none.
pub fn greeting(bytes: &[u8]) -> Result<bool, GateError> {
    let right = |place: usize, byte: u8| bytes.get(place).is_none_or(|read| *read == byte);
    if !(right(0, 0xff) && right(9, 0x7f)) {
        let read = &bytes[..bytes.len().min(10)];
        return Err(GateError::NotZmtp(read.escape_ascii().to_string()));
    }
    Ok(bytes.len() >= GREETING)
}

/// Counts along with the bytes of a peer, and keeps none but those of a head.
#[derive(Clone, Debug, Default)]
pub struct Lengths {
    /// A greeting, or the head of a frame, as far as it has come.
    head: Vec<u8>,
    greeted: bool,
    ready: bool,
    /// How much of the frame's body is still to come.
    body: usize,
    /// The message that has begun: its frames so far, and their bytes.
    frames: usize,
    bytes: usize,
}

impl Lengths {
    /// More bytes have come. All of them may pass, or none.
    ///
    /// # Errors
    /// When nothing that has come since may pass: end the connection.
    pub fn check(&mut self, mut bytes: &[u8]) -> Result<(), GateError> {
        while !bytes.is_empty() {
            let within = self.body.min(bytes.len());
            self.body -= within;
            bytes = &bytes[within..];
            if let Some((byte, rest)) = bytes.split_first() {
                self.byte(*byte)?;
                bytes = rest;
            }
        }
        Ok(())
    }

    /// Whether the peer has shaken hands, as far as it is up to it.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The next byte of a greeting or of a head.
    fn byte(&mut self, byte: u8) -> Result<(), GateError> {
        assert_eq!(self.body, 0, "the body of a frame has no heads in it");
        self.head.push(byte);
        if !self.greeted {
            self.greeted = greeting(&self.head)?;
            if self.greeted {
                self.head.clear();
            }
        } else if let Some((flags, begin, end)) = head(&self.head)? {
            self.head.clear();
            self.body = end - begin;
            self.begin(flags)?;
        }
        Ok(())
    }

    /// A frame begins.
    fn begin(&mut self, flags: u8) -> Result<(), GateError> {
        if flags & COMMAND != 0 {
            self.ready = true;
            return Ok(());
        }
        if !self.ready {
            return Err(GateError::NotReady);
        }
        self.frames += 1;
        self.bytes += self.body;
        if self.frames > MOST_FRAMES || self.bytes > LONGEST_MESSAGE {
            return Err(GateError::TooMuch { bytes: self.bytes, frames: self.frames });
        }
        if flags & MORE == 0 {
            (self.frames, self.bytes) = (0, 0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Vec<u8> {
        let mut bytes = vec![0; GREETING];
        (bytes[0], bytes[9]) = (0xff, 0x7f);
        bytes.extend(b"\x04\x06\x05READY");
        bytes
    }

    /// What is said of these bytes, whole, and byte by byte.
    fn said(bytes: &[u8]) -> Result<(), GateError> {
        let whole = Lengths::default().check(bytes);
        let mut lengths = Lengths::default();
        assert_eq!(whole, bytes.chunks(1).try_for_each(|byte| lengths.check(byte)));
        whole
    }

    fn after_hello(bytes: &[u8]) -> Result<(), GateError> {
        said(&[&hello()[..], bytes].concat())
    }

    #[test]
    fn a_length_is_believed_only_up_to_the_limit() {
        let long = |length: u64| [&[LONG][..], &length.to_be_bytes(), &vec![7; 70_000]].concat();
        assert_eq!(after_hello(&long(LONGEST_FRAME as u64)[..9 + LONGEST_FRAME]), Ok(()));
        let over = LONGEST_FRAME as u64 + 1;
        assert_eq!(after_hello(&long(over)), Err(GateError::TooLong(over)));
        assert_eq!(after_hello(&long(u64::MAX)), Err(GateError::TooLong(u64::MAX)));
        // READY is a frame, too.
        let early = [&hello()[..GREETING], &[COMMAND | LONG], &u64::MAX.to_be_bytes()].concat();
        assert_eq!(said(&early), Err(GateError::TooLong(u64::MAX)));
    }

    #[test]
    fn a_message_has_an_end() {
        let frames = |count| [MORE, 0].repeat(count);
        assert_eq!(after_hello(&[frames(MOST_FRAMES - 1), vec![0, 0], frames(MOST_FRAMES)].concat()), Ok(()));
        let many = GateError::TooMuch { bytes: 0, frames: MOST_FRAMES + 1 };
        assert_eq!(after_hello(&frames(MOST_FRAMES + 1)), Err(many));
        let mut frame = [&[MORE | LONG][..], &(LONGEST_FRAME as u64).to_be_bytes()].concat();
        frame.extend(vec![7; LONGEST_FRAME]);
        assert!(matches!(after_hello(&frame.repeat(17)), Err(GateError::TooMuch { frames: 17, .. })));
    }

    #[test]
    fn what_is_no_zeromq_is_named() {
        let error = said(b"GET / HTTP/1.1\r\n").unwrap_err();
        assert_eq!(error, GateError::NotZmtp("G".to_string()));
        assert_eq!(after_hello(&[8, 0]), Err(GateError::Flags(8)));
        assert_eq!(said(&[&hello()[..GREETING], &[0, 0]].concat()), Err(GateError::NotReady));
    }
}
