//! What the `udp` transport puts into a datagram. Pure: bytes in, segments out.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `SIU`, and the version of the format |
//! | 4 | CRC-32C of all that follows: UDP's own checksum misses one altered packet in 65,536 |
//! | 8 | the run, so that nodes of two runs do not listen to each other |
//! | 4, 4 | the sender, and the node that it takes the reader for |
//! | 8, 8 | the sender's life, and the reader's as the sender knows it (0: not yet) |
//! | 4, 8 | the next sequence number expected, and which of the 64 after it are there already |
//! | 1 | 1: there is a fragment, 2: it is not the message's last, 4: the sender asks who is there |
//! | 4 | the fragment's sequence number |
//! | … | the fragment, at most [`MAX_FRAGMENT`] bytes |
//!
//! All numbers are little-endian.

use super::checksum::crc32c;
use crate::node::NodeId;

/// The version of the format that this code writes, and the only one it reads.
pub const VERSION: u8 = 1;
/// The most bytes of a message in one packet: with all heads it fits an Ethernet frame.
pub const MAX_FRAGMENT: usize = 1200;
/// The bytes before the fragment.
pub const HEAD: usize = 57;

const MAGIC: [u8; 3] = *b"SIU";
const FRAGMENT: u8 = 1;
const MORE: u8 = 2;
const ASKS: u8 = 4;

/// Between whom a packet passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The run of both.
    pub run: u64,
    /// The sender.
    pub from: NodeId,
    /// The reader.
    pub to: NodeId,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Its place in the stream of fragments; it wraps around.
    pub seq: u32,
    /// Whether the message goes on in the next fragment.
    pub more: bool,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What one side of a [link](super::reliable::Link) says to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The sender's life: each start of a node has a higher one.
    pub life: u64,
    /// The reader's life, as the sender knows it; 0 when it does not.
    pub to_life: u64,
    /// The sequence number that the sender waits for.
    pub ack: u32,
    /// Bit *i*: `ack + 1 + i` is there already.
    pub sack: u64,
    /// The sender asks which life the reader has.
    pub asks: bool,
    /// A piece of a message.
    pub fragment: Option<Fragment>,
}

/// Why a datagram is no packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Something else speaks there.
    #[error("read a datagram of {length} bytes, expected one of {HEAD} to {most} that begins with \"SIU\"", most = HEAD + MAX_FRAGMENT)]
    NotAPacket {
        /// How long it is.
        length: usize,
    },
    /// Another version speaks there.
    #[error(
        "read a packet of format version {found}, expected version {VERSION}: build both ends from one source"
    )]
    Version {
        /// The version read.
        found: u8,
    },
    /// The bytes are not those that were sent.
    #[error("read a packet whose checksum does not hold: its bytes were altered on the way")]
    Checksum,
    /// Flags that nobody sets.
    #[error("read a packet with flags {found:#04x} and {length} bytes of fragment, which do not go together")]
    Flags {
        /// The flags read.
        found: u8,
        /// The bytes after the head.
        length: usize,
    },
}

/// Writes the checksum that holds for the rest of a packet, whatever that is. Does nothing to what is shorter than a head.
pub fn seal(bytes: &mut [u8]) {
    if bytes.len() >= HEAD {
        let checksum = crc32c(&[&bytes[8..]]);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    }
}

impl Segment {
    /// The segment as a packet.
    pub fn encode(&self, envelope: Envelope) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.fragment.as_ref().map_or(0, |data| data.bytes.len()));
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
        bytes.extend_from_slice(&envelope.run.to_le_bytes());
        bytes.extend_from_slice(&envelope.from.0.to_le_bytes());
        bytes.extend_from_slice(&envelope.to.0.to_le_bytes());
        bytes.extend_from_slice(&self.life.to_le_bytes());
        bytes.extend_from_slice(&self.to_life.to_le_bytes());
        bytes.extend_from_slice(&self.ack.to_le_bytes());
        bytes.extend_from_slice(&self.sack.to_le_bytes());
        let asks = if self.asks { ASKS } else { 0 };
        match &self.fragment {
            None => bytes.extend_from_slice(&[asks, 0, 0, 0, 0]),
            Some(fragment) => {
                bytes.push(asks | FRAGMENT | if fragment.more { MORE } else { 0 });
                bytes.extend_from_slice(&fragment.seq.to_le_bytes());
                bytes.extend_from_slice(&fragment.bytes);
            }
        }
        seal(&mut bytes);
        bytes
    }

    /// Reads a packet.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode(bytes: &[u8]) -> Result<(Envelope, Self), PacketError> {
        let length = bytes.len();
        let head = bytes
            .first_chunk::<HEAD>()
            .filter(|_| bytes.starts_with(&MAGIC) && length <= HEAD + MAX_FRAGMENT);
        let head = head.ok_or(PacketError::NotAPacket { length })?;
        if head[3] != VERSION {
            return Err(PacketError::Version { found: head[3] });
        }
        if head[4..8] != crc32c(&[&bytes[8..]]).to_le_bytes() {
            return Err(PacketError::Checksum);
        }
        let long =
            |at: usize| head[at..at + 8].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (flags, rest) = (head[52], &bytes[HEAD..]);
        let fragment = match flags & (FRAGMENT | MORE) {
            0 if rest.is_empty() => None,
            FRAGMENT => Some(Fragment { seq: word(53), more: false, bytes: rest.to_vec() }),
            more if more == FRAGMENT | MORE => {
                Some(Fragment { seq: word(53), more: true, bytes: rest.to_vec() })
            }
            _ => return Err(PacketError::Flags { found: flags, length: rest.len() }),
        };
        if flags & !(FRAGMENT | MORE | ASKS) != 0 {
            return Err(PacketError::Flags { found: flags, length: rest.len() });
        }
        let envelope = Envelope { run: long(8), from: NodeId(word(16)), to: NodeId(word(20)) };
        let asks = flags & ASKS != 0;
        let segment =
            Segment { life: long(24), to_life: long(32), ack: word(40), sack: long(44), asks, fragment };
        Ok((envelope, segment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::mutation::Mutations;
    use proptest::prelude::*;

    const ENVELOPE: Envelope = Envelope { run: 0xFEED, from: NodeId(1), to: NodeId(2) };

    fn segment() -> Segment {
        let fragment = Some(Fragment { seq: u32::MAX, more: true, bytes: b"ask".to_vec() });
        Segment { life: 9, to_life: 8, ack: 7, sack: 5, asks: false, fragment }
    }

    /// Bytes that are already on someone's wire: change them only with the version.
    #[test]
    fn has_its_golden_bytes() {
        let golden = "534955010b7afbeaedfe0000000000000100000002000000090000000000000008000000000000000700000005000000000000\
                      0003ffffffff61736b";
        let hex: String = segment().encode(ENVELOPE).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden);
    }

    #[test]
    fn says_what_was_read_and_what_was_expected() {
        let refused = |bytes: &[u8]| Segment::decode(bytes).unwrap_err().to_string();
        assert!(refused(b"hello").starts_with("read a datagram of 5 bytes, expected one of 57 to 1257"));
        let mut altered = segment().encode(ENVELOPE);
        altered[20] ^= 1;
        assert!(refused(&altered).contains("altered on the way"));
        altered[3] = 2;
        assert!(refused(&altered).contains("version 2, expected version 1"));
    }

    proptest! {
        #[test]
        fn packets_come_back_as_they_were(
            (life, to_life, sack, ack) in any::<(u64, u64, u64, u32)>(),
            asks in any::<bool>(),
            data in any::<Option<(u32, bool, Vec<u8>)>>(),
        ) {
            let fragment = data.map(|(seq, more, bytes)| Fragment { seq, more, bytes });
            let segment = Segment { life, to_life, ack, sack, asks, fragment };
            prop_assert_eq!(Segment::decode(&segment.encode(ENVELOPE)), Ok((ENVELOPE, segment)));
        }
    }

    #[test]
    fn mutated_packets_are_refused_and_never_panic() {
        let sent = segment().encode(ENVELOPE);
        let mut mutations = Mutations::new(3);
        for _ in 0..mutations.bounded(100_000) {
            let mutated = mutations.mutate(&sent);
            if let Ok(read) = Segment::decode(mutated) {
                assert_eq!(read, (ENVELOPE, segment()));
            }
        }
    }
}
