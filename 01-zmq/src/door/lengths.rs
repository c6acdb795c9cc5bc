//! The bytes of one peer, as ZMTP 3.0 (ZeroMQ's RFC 23) puts them on the wire: are they frames, and none too long? Pure.
//!
//! A greeting of 64 bytes, then frames: a byte of flags, the length in one byte or eight, so many bytes. The crate makes room for whatever
//! length a frame announces, and keeps the frames of a message until the last of them has come. So both have an end here.
//!
//! Of commands the crate knows READY only. Those after it stay here, and a PING has an [answer].

use super::heartbeats::answer;
use crate::proxy::gate::MOST_SUBSCRIPTIONS;
use thiserror::Error;

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
    #[error("read a frame of {bytes} bytes, expected at most {most}")]
    TooLong {
        /// How many bytes it announces.
        bytes: u64,
        /// How many may pass.
        most: usize,
    },
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

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// [`MORE`], [`LONG`], [`COMMAND`], or what nobody should set.
    pub flags: u8,
    /// How many bytes the head itself has.
    pub bytes: usize,
    /// How many bytes follow it: the body.
    pub length: u64,
}

impl Head {
    /// The head at the beginning of these bytes. None while it is not whole.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (&flags, rest) = bytes.split_first()?;
        if flags & LONG != 0 {
            let length = u64::from_be_bytes(*rest.first_chunk()?);
            return Some(Head { flags, bytes: 9, length });
        }
        Some(Head { flags, bytes: 2, length: u64::from(*rest.first()?) })
    }
}

/// The head of a frame of at most `most` bytes: its flags, where its body begins, where it ends. None while the head is not whole.
///
/// # Errors
/// When it is no head, or the frame is too long.
pub fn head(bytes: &[u8], most: usize) -> Result<Option<(u8, usize, usize)>, GateError> {
    if let Some(flags) = bytes.first().filter(|flags| **flags & !(MORE | LONG | COMMAND) != 0) {
        return Err(GateError::Flags(*flags));
    }
    let Some(head) = Head::read(bytes) else { return Ok(None) };
    match usize::try_from(head.length) {
        Ok(length) if length <= most => Ok(Some((head.flags, head.bytes, head.bytes + length))),
        _ => Err(GateError::TooLong { bytes: head.length, most }),
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

/// Counts along with the bytes of a peer, and keeps none but those of a head or of a command.
#[derive(Clone, Debug, Default)]
pub struct Lengths {
    /// A greeting, or the head of a frame, as far as it has come.
    head: Vec<u8>,
    greeted: bool,
    ready: bool,
    /// How much of the frame's body is still to come.
    body: usize,
    /// A command after READY, as far as it has come.
    command: Option<Vec<u8>>,
    /// The answer to the last PING.
    pong: Option<Vec<u8>>,
    /// The message that has begun: its frames so far, and their bytes.
    frames: usize,
    bytes: usize,
}

impl Lengths {
    /// More bytes have come. Returns those that may pass.
    ///
    /// # Errors
    /// When nothing that has come since may pass: end the connection.
    pub fn pass(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, GateError> {
        let mut passed = Vec::with_capacity(bytes.len() + GREETING);
        while !bytes.is_empty() {
            let (within, rest) = bytes.split_at(self.body.min(bytes.len()));
            self.body -= within.len();
            bytes = rest;
            self.command.as_mut().unwrap_or(&mut passed).extend_from_slice(within);
            if self.body == 0
                && let Some(command) = self.command.take()
            {
                self.pong = answer(&command).or(self.pong.take());
            }
            if let Some((byte, rest)) = bytes.split_first() {
                self.byte(*byte, &mut passed)?;
                bytes = rest;
            }
        }
        Ok(passed)
    }

    /// Whether the peer has shaken hands, as far as it is up to it.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// What to answer the last PING, if there has been one since this was asked.
    pub fn pong(&mut self) -> Option<Vec<u8>> {
        self.pong.take()
    }

    /// The next byte of a greeting or of a head. It passes once that is whole.
    fn byte(&mut self, byte: u8, passed: &mut Vec<u8>) -> Result<(), GateError> {
        assert_eq!(self.body, 0, "the body of a frame has no heads in it");
        self.head.push(byte);
        if !self.greeted {
            self.greeted = greeting(&self.head)?;
            if self.greeted {
                passed.append(&mut self.head);
            }
        } else if let Some((flags, begin, end)) = head(&self.head, LONGEST_MESSAGE)? {
            self.body = end - begin;
            if flags & COMMAND != 0 && self.ready {
                self.head.clear();
                self.command = Some(Vec::new());
            } else {
                self.begin(flags)?;
                passed.append(&mut self.head);
            }
        }
        Ok(())
    }

    /// A frame begins that may pass.
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

    /// What is said of these bytes, whole, and byte by byte: what passed, and the answer to the last PING.
    fn passed(bytes: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), GateError> {
        let mut lengths = Lengths::default();
        let whole = lengths.pass(bytes).map(|passed| (passed, lengths.pong()));
        let mut lengths = Lengths::default();
        let pieces: Result<Vec<_>, _> = bytes.chunks(1).map(|byte| lengths.pass(byte)).collect();
        assert_eq!(whole, pieces.map(|pieces| (pieces.concat(), lengths.pong())));
        whole
    }

    /// As [`passed`]; all of it, and no answer.
    fn said(bytes: &[u8]) -> Result<(), GateError> {
        passed(bytes).map(|passed| assert_eq!(passed, (bytes.to_vec(), None)))
    }

    fn after_hello(bytes: &[u8]) -> Result<(), GateError> {
        said(&[&hello()[..], bytes].concat())
    }

    #[test]
    fn a_length_is_believed_only_up_to_the_limit() {
        let long = |bytes: u64| [&[LONG][..], &bytes.to_be_bytes()].concat();
        let refused = |bytes: u64| Err(GateError::TooLong { bytes, most: LONGEST_MESSAGE });
        let most = LONGEST_MESSAGE as u64;
        assert_eq!(after_hello(&[long(most), vec![7; LONGEST_MESSAGE], vec![0, 0]].concat()), Ok(()));
        assert_eq!(after_hello(&long(most + 1)), refused(most + 1));
        assert_eq!(after_hello(&long(u64::MAX)), refused(u64::MAX));
        // READY is a frame, too.
        let early = [&hello()[..GREETING], &[COMMAND | LONG], &u64::MAX.to_be_bytes()].concat();
        assert_eq!(said(&early), refused(u64::MAX));
    }

    #[test]
    fn a_message_has_an_end() {
        let frames = |count| [MORE, 0].repeat(count);
        assert_eq!(after_hello(&[frames(MOST_FRAMES - 1), vec![0, 0], frames(MOST_FRAMES)].concat()), Ok(()));
        let many = GateError::TooMuch { bytes: 0, frames: MOST_FRAMES + 1 };
        assert_eq!(after_hello(&frames(MOST_FRAMES + 1)), Err(many));
        let mut frame = [&[MORE | LONG][..], &(LONGEST_MESSAGE as u64 / 16).to_be_bytes()].concat();
        frame.extend(vec![7; LONGEST_MESSAGE / 16]);
        assert!(matches!(after_hello(&frame.repeat(17)), Err(GateError::TooMuch { frames: 17, .. })));
    }

    #[test]
    fn what_is_no_zeromq_is_named() {
        let error = said(b"GET / HTTP/1.1\r\n").unwrap_err();
        assert_eq!(error, GateError::NotZmtp("G".to_string()));
        assert_eq!(after_hello(&[8, 0]), Err(GateError::Flags(8)));
        assert_eq!(said(&[&hello()[..GREETING], &[0, 0]].concat()), Err(GateError::NotReady));
    }

    #[test]
    fn commands_after_the_handshake_stay_here_and_a_ping_has_an_answer() {
        let ping = |context: &[u8]| {
            let body = [&b"\x04PING\0\x0a"[..], context].concat();
            [&[COMMAND, body.len() as u8][..], &body].concat()
        };
        let (first, second) = ([MORE, 1, b'a'], [0, 1, b'b']);
        let other = [&[COMMAND | LONG][..], &300_u64.to_be_bytes(), &[7; 300]].concat();
        let sent =
            [&hello()[..], &ping(b"one"), &first, &other, &[COMMAND, 0], &second, &ping(b"two")].concat();
        let (through, pong) = passed(&sent).unwrap();
        assert_eq!(through, [&hello()[..], &first, &second].concat());
        assert_eq!(pong.unwrap(), b"\x04\x08\x04PONGtwo");
    }
}
