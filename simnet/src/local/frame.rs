//! The live wire format: what nodes of the local world say to each other, as bytes. Pure: bytes in, frames out.
//!
//! | bytes | what |
//! |---|---|
//! | 3 | `SIM` |
//! | 1 | the version of the format, [`VERSION`] |
//! | 4 | how many bytes follow this head, little-endian; at most [`MAX_BODY`] |
//! | 4 | CRC-32C of the length and of what follows, little-endian |
//! | … | the body, in postcard: a [`Frame`] |
//!
//! A body is either a [`Hello`], which says who speaks, or a [`Letter`]: the message's id, the sender's vector clock
//! (Fidge 1988, Mattern 1989), and the message of the protocol, encoded by itself. The clock lets the traces of several processes be merged
//! into one; the id tells a message's copies apart from the next message.
//!
//! ```
//! use simnet::NodeId;
//! use simnet::local::frame::{Decoder, Frame, Letter};
//!
//! let letter = Letter { from: NodeId(1), id: 7, clock: vec![3, 9], message: vec![42] };
//! let bytes = Frame::Letter(letter.clone()).encode();
//! let mut decoder = Decoder::default();
//! // A stream hands bytes over as it likes: here one at a time.
//! for byte in &bytes[..bytes.len() - 1] {
//!     decoder.push(&[*byte]);
//!     assert_eq!(decoder.next(), Ok(None));
//! }
//! decoder.push(&bytes[bytes.len() - 1..]);
//! assert_eq!(decoder.next(), Ok(Some(Frame::Letter(letter))));
//! ```

use super::checksum::crc32c;
use crate::node::NodeId;
use serde::{Deserialize, Serialize};

/// The version of the format that this code writes, and the only one it reads.
pub const VERSION: u8 = 1;
/// The most bytes that a body may have. A longer one is refused before anything is set aside for it.
pub const MAX_BODY: usize = 1 << 20;

const MAGIC: [u8; 3] = *b"SIM";
/// How long the part before the body is.
pub const HEAD: usize = 12;

/// Who speaks: the first frame on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The run that the speaker belongs to. Nodes of different runs do not listen to each other, even when one takes over another's port.
    pub run: u64,
    /// The speaker.
    pub from: NodeId,
    /// Whom it takes the listener for.
    pub to: NodeId,
    /// How many nodes it knows of.
    pub nodes: u32,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The sender.
    pub from: NodeId,
    /// Its number: no two messages of one sender have the same, in none of the sender's lives.
    pub id: u64,
    /// The sender's vector clock when the message left, an entry a node.
    pub clock: Vec<u64>,
    /// The protocol's message, in postcard.
    pub message: Vec<u8>,
}

/// What travels as a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// Who speaks.
    Hello(Hello),
    /// A message.
    Letter(Letter),
}

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Something else speaks there.
    #[error(
        "read {found:?}, expected a frame, which begins with \"SIM\": is it a simnet node that speaks there?"
    )]
    NotAFrame {
        /// The first bytes, as text.
        found: String,
    },
    /// Another version speaks there.
    #[error(
        "read a frame of format version {found}, expected version {VERSION}: build both ends from one source"
    )]
    Version {
        /// The version read.
        found: u8,
    },
    /// The length field asks for too much.
    #[error("read a frame of {length} bytes, expected at most {MAX_BODY}")]
    Oversized {
        /// The bytes announced.
        length: u32,
    },
    /// The bytes are not those that were sent.
    #[error(
        "read a frame with checksum {found:#010x}, expected {computed:#010x}: its bytes were altered on the way"
    )]
    Checksum {
        /// What stands in the frame.
        found: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// The body is none.
    #[error("read a frame whose body of {length} bytes is malformed: {reason}; expected a Hello or a Letter")]
    Body {
        /// How long it is.
        length: usize,
        /// What is wrong.
        reason: String,
    },
}

impl Frame {
    /// The frame as bytes.
    ///
    /// # Panics
    /// When the body is longer than [`MAX_BODY`]: a protocol whose messages grow that large sends them in pieces.
    pub fn encode(&self) -> Vec<u8> {
        seal(&postcard::to_allocvec(self).expect("frames are plain data"))
    }

    /// The one frame that `bytes` are.
    ///
    /// # Errors
    /// When they are no frame, or more, or less than one.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        match take(bytes)? {
            Some((frame, taken)) if taken == bytes.len() => Ok(frame),
            Some((_, taken)) => Err(FrameError::Body {
                length: bytes.len().saturating_sub(HEAD),
                reason: format!("{} bytes follow the frame", bytes.len() - taken),
            }),
            None => Err(FrameError::Body {
                length: bytes.len().saturating_sub(HEAD),
                reason: "it ends before its frame does".to_string(),
            }),
        }
    }
}

/// These bytes as the body of a frame, behind a head that holds, whatever they are.
///
/// # Panics
/// When there are more than [`MAX_BODY`].
pub fn seal(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    assert!(
        length <= MAX_BODY,
        "a message makes a frame of {length} bytes, but the wire carries at most {MAX_BODY}"
    );
    let length = (length as u32).to_le_bytes();
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&crc32c(&[&length, body]).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Takes frames out of a stream of bytes. It keeps at most one frame and what has been pushed since.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// How many of them have been taken.
    taken: usize,
}

impl Decoder {
    /// More bytes have come.
    pub fn push(&mut self, bytes: &[u8]) {
        // What was taken goes now and not with each frame: one move a read.
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, or `None` until more bytes come.
    ///
    /// # Errors
    /// When the bytes are no frame. There is no way to find the next one: close the connection.
    #[allow(clippy::should_implement_trait, reason = "an iterator that ends does not go on after more bytes")]
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((frame, taken)) = take(&self.bytes[self.taken..])? else { return Ok(None) };
        self.taken += taken;
        Ok(Some(frame))
    }

    /// Whether the stream may end here: between two frames.
    pub fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }
}

/// The frame at the beginning of `bytes`, and its length.
fn take(bytes: &[u8]) -> Result<Option<(Frame, usize)>, FrameError> {
    // A stranger is told apart by its first byte: nobody waits for eleven more.
    let magic = &bytes[..bytes.len().min(3)];
    if !MAGIC.starts_with(magic) {
        let found = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]).into_owned();
        return Err(FrameError::NotAFrame { found });
    }
    if let Some(&found) = bytes.get(3).filter(|version| **version != VERSION) {
        return Err(FrameError::Version { found });
    }
    let Some(head) = bytes.first_chunk::<HEAD>() else { return Ok(None) };
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (length, found) = (word(4), word(8));
    if length as usize > MAX_BODY {
        return Err(FrameError::Oversized { length });
    }
    let end = HEAD + length as usize;
    let Some(body) = bytes.get(HEAD..end) else { return Ok(None) };
    let computed = crc32c(&[&head[4..8], body]);
    if found != computed {
        return Err(FrameError::Checksum { found, computed });
    }
    let malformed = |reason: String| FrameError::Body { length: body.len(), reason };
    match postcard::take_from_bytes(body) {
        Ok((frame, [])) => Ok(Some((frame, end))),
        Ok((_, rest)) => Err(malformed(format!("{} bytes too many", rest.len()))),
        Err(error) => Err(malformed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::mutation::Mutations;
    use proptest::prelude::*;

    fn letter() -> Frame {
        Frame::Letter(Letter { from: NodeId(2), id: 300, clock: vec![1, 0, 200], message: b"ask".to_vec() })
    }

    /// Bytes that are already on someone's disk or wire: change them only with the version.
    #[test]
    fn has_its_golden_bytes() {
        let hello = Frame::Hello(Hello { run: 0xFEED, from: NodeId(1), to: NodeId(0), nodes: 3 });
        assert_eq!(
            hello.encode(),
            [b'S', b'I', b'M', 1, 7, 0, 0, 0, 0x25, 0x0D, 0xF2, 0xEE, 0, 0xED, 0xFD, 0x03, 1, 0, 3],
            "{:02x?}",
            hello.encode()
        );
        assert_eq!(
            letter().encode(),
            [
                b'S', b'I', b'M', 1, 13, 0, 0, 0, 0x80, 0x83, 0x9F, 0xE4, 1, 2, 0xAC, 0x02, 3, 1, 0, 0xC8,
                0x01, 3, b'a', b's', b'k'
            ],
            "{:02x?}",
            letter().encode()
        );
    }

    #[test]
    fn says_what_was_read_and_what_was_expected() {
        let refused = |bytes: &[u8]| Frame::decode(bytes).unwrap_err().to_string();
        assert!(
            refused(b"GET / HTTP/1.1\r\n\r\n").starts_with("read \"GET / HTTP/1.1\\r\\n\", expected a frame")
        );
        assert!(refused(b"SIM\x02").starts_with("read a frame of format version 2, expected version 1"));
        assert!(
            refused(b"SIM\x01\xFF\xFF\xFF\xFF....")
                .starts_with("read a frame of 4294967295 bytes, expected at most")
        );
        let mut altered = letter().encode();
        *altered.last_mut().unwrap() ^= 1;
        assert!(refused(&altered).contains("its bytes were altered on the way"));
        altered.pop();
        assert!(refused(&altered).contains("it ends before its frame does"));
    }

    #[test]
    fn a_stranger_is_told_apart_by_its_first_byte() {
        let mut decoder = Decoder::default();
        decoder.push(b"G");
        assert!(matches!(decoder.next(), Err(FrameError::NotAFrame { .. })));
    }

    #[test]
    fn a_length_is_refused_before_its_bytes_have_come() {
        let mut decoder = Decoder::default();
        decoder.push(b"SIM\x01\xFF\xFF\xFF\x7F\0\0\0\0");
        assert_eq!(decoder.next(), Err(FrameError::Oversized { length: 0x7FFF_FFFF }));
    }

    fn frames() -> impl Strategy<Value = Frame> {
        let hello =
            (any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(run, from, to, nodes)| {
                Frame::Hello(Hello { run, from: NodeId(from), to: NodeId(to), nodes })
            });
        let letter = (any::<u32>(), any::<u64>(), any::<Vec<u64>>(), any::<Vec<u8>>()).prop_map(
            |(from, id, clock, message)| Frame::Letter(Letter { from: NodeId(from), id, clock, message }),
        );
        prop_oneof![hello, letter]
    }

    proptest! {
        #[test]
        fn frames_come_back_as_they_were_however_the_stream_is_cut(
            sent in prop::collection::vec(frames(), 1..5),
            cuts in prop::collection::vec(1_usize..40, 1..40),
        ) {
            let bytes: Vec<u8> = sent.iter().flat_map(Frame::encode).collect();
            let (mut decoder, mut received, mut rest) = (Decoder::default(), Vec::new(), &bytes[..]);
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at(rest.len().min(*cut));
                decoder.push(now);
                while let Some(frame) = decoder.next().unwrap() {
                    received.push(frame);
                }
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(received, sent);
            prop_assert!(decoder.is_empty());
        }
    }

    /// A frame that is not the one sent is never taken for one: the checksum sees every mutation that leaves the head whole.
    #[test]
    fn mutated_frames_are_refused_and_never_panic() {
        let sent = [letter().encode(), letter().encode()].concat();
        let mut mutations = Mutations::new(1);
        let mut refused = 0;
        for _ in 0..mutations.bounded(100_000) {
            let mut decoder = Decoder::default();
            decoder.push(mutations.mutate(&sent));
            loop {
                match decoder.next() {
                    Ok(Some(frame)) => assert_eq!(frame, letter()),
                    Ok(None) => break,
                    Err(_) => {
                        refused += 1;
                        break;
                    }
                }
            }
        }
        assert!(refused > 10_000, "only {refused} were refused: the mutations are too tame");
    }
}
