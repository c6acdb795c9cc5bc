//! What may come from a ZeroMQ peer, as ZMTP 3 (ZeroMQ's RFC 23) puts it on the wire. Pure: bytes in, the bytes that may pass out.
//!
//! The crate `zeromq` sets aside whatever a frame announces, so that nine bytes of a stranger could take all memory. So nothing reaches it that
//! has not passed here: a greeting, one READY of a DEALER, and then messages of one part that are no longer than our frames.
//!
//! READY is rewritten: the peer gets the identity that we choose, so that the ROUTER tells us with each message whose it is.

use super::frame;

/// The most bytes that a message may have.
pub const MAX_MESSAGE: usize = frame::HEAD + frame::MAX_BODY;
/// The most bytes that a handshake may have.
pub const MAX_READY: usize = 1024;

const GREETING: usize = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Why bytes may not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZmtpError {
    /// Something else speaks there.
    #[error(
        "read {found:?}, expected the greeting of ZeroMQ's ZMTP 3: is it a simnet node that speaks there?"
    )]
    NotZmtp {
        /// The first bytes, as text.
        found: String,
    },
    /// A version before 3.
    #[error("read a greeting of ZMTP version {found}, expected 3")]
    Version {
        /// The version read.
        found: u8,
    },
    /// Someone who wants to authenticate.
    #[error("read a greeting with the security mechanism {found:?}, expected NULL")]
    Mechanism {
        /// The mechanism read.
        found: String,
    },
    /// The handshake is none.
    #[error("read a handshake that is malformed: {reason}; expected READY of at most {MAX_READY} bytes")]
    Ready {
        /// What is wrong.
        reason: &'static str,
    },
    /// A socket of another kind.
    #[error("it is a ZeroMQ {found}, expected a DEALER")]
    SocketType {
        /// The kind read.
        found: String,
    },
    /// Flags that nobody sets.
    #[error("read a ZMTP frame with flags {found:#04x}, of which some are reserved")]
    Flags {
        /// The flags read.
        found: u8,
    },
    /// A command after the handshake.
    #[error("read a ZMTP command after the handshake, such as a heartbeat's; nodes send none")]
    Command,
    /// A message of several parts.
    #[error("read a message of several parts, expected one")]
    Parts,
    /// A message that is too long.
    #[error("read the head of a message of {length} bytes, expected at most {MAX_MESSAGE}")]
    Oversized {
        /// The bytes announced.
        length: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum State {
    Greeting,
    /// The head of the frame that must be READY.
    ReadyHead,
    Ready {
        length: usize,
    },
    Head,
    Body {
        left: usize,
    },
}

/// One direction of one connection: from the peer to the ROUTER. It keeps at most a handshake.
#[derive(Debug)]
pub struct Gate {
    state: State,
    /// The greeting, the head or the handshake that is not whole yet.
    piece: Vec<u8>,
    identity: Vec<u8>,
}

impl Gate {
    /// A gate for a peer that is to be known to the ROUTER by `identity`.
    ///
    /// # Panics
    /// When the identity has more than 100 bytes.
    pub fn new(identity: &[u8]) -> Self {
        assert!(identity.len() <= 100, "an identity of {} bytes", identity.len());
        Gate { state: State::Greeting, piece: Vec::new(), identity: identity.to_vec() }
    }

    /// More bytes have come. Returns those that may pass.
    ///
    /// # Errors
    /// When nothing that has come since may pass: close the connection.
    pub fn pass(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, ZmtpError> {
        let mut out = Vec::with_capacity(bytes.len());
        while let Some((first, rest)) = bytes.split_first() {
            if let State::Body { left } = self.state {
                let (body, rest) = bytes.split_at(left.min(bytes.len()));
                out.extend_from_slice(body);
                bytes = rest;
                self.state = after(left - body.len());
                continue;
            }
            self.piece.push(*first);
            match self.state {
                State::Greeting => self.greeting(rest, &mut out)?,
                State::ReadyHead | State::Head => self.head(&mut out)?,
                State::Ready { length } if self.piece.len() == length => self.ready(&mut out)?,
                State::Ready { .. } | State::Body { .. } => {}
            }
            bytes = rest;
        }
        Ok(out)
    }

    /// Looks at a greeting as it grows: a stranger is told apart by its first byte. `rest` is what came with it.
    fn greeting(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), ZmtpError> {
        let piece = &self.piece;
        let wrong = (piece.len() == 1 && piece[0] != 0xFF) || (piece.len() == 10 && piece[9] != 0x7F);
        if wrong {
            let all = [&piece[..], &rest[..rest.len().min(16 - piece.len())]].concat();
            return Err(ZmtpError::NotZmtp { found: String::from_utf8_lossy(&all).into_owned() });
        }
        if piece.len() == 11 && piece[10] < 3 {
            return Err(ZmtpError::Version { found: piece[10] });
        }
        if piece.len() == GREETING {
            let mechanism = String::from_utf8_lossy(&piece[12..32]).trim_end_matches('\0').to_string();
            if mechanism != "NULL" {
                return Err(ZmtpError::Mechanism { found: mechanism });
            }
            out.append(&mut self.piece);
            self.state = State::ReadyHead;
        }
        Ok(())
    }

    fn head(&mut self, out: &mut Vec<u8>) -> Result<(), ZmtpError> {
        let flags = self.piece[0];
        if flags & !(MORE | LONG | COMMAND) != 0 {
            return Err(ZmtpError::Flags { found: flags });
        }
        if self.piece.len() < if flags & LONG == 0 { 2 } else { 9 } {
            return Ok(());
        }
        let length = self.piece[1..].iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        if let State::ReadyHead = self.state {
            if flags & (COMMAND | MORE) != COMMAND {
                return Err(ZmtpError::Ready { reason: "it is a message" });
            }
            let length = usize::try_from(length).ok().filter(|length| (1..=MAX_READY).contains(length));
            let length = length.ok_or(ZmtpError::Ready { reason: "its length" })?;
            self.piece.clear();
            self.state = State::Ready { length };
            return Ok(());
        }
        if flags & COMMAND != 0 {
            return Err(ZmtpError::Command);
        }
        if flags & MORE != 0 {
            return Err(ZmtpError::Parts);
        }
        let left = usize::try_from(length).ok().filter(|length| *length <= MAX_MESSAGE);
        let left = left.ok_or(ZmtpError::Oversized { length })?;
        out.append(&mut self.piece);
        self.state = after(left);
        Ok(())
    }

    fn ready(&mut self, out: &mut Vec<u8>) -> Result<(), ZmtpError> {
        let found = socket_type(&self.piece).map_err(|reason| ZmtpError::Ready { reason })?;
        if found != b"DEALER" {
            let found = String::from_utf8_lossy(&found[..found.len().min(16)]).into_owned();
            return Err(ZmtpError::SocketType { found });
        }
        let mut body = b"\x05READY".to_vec();
        for (name, value) in [(&b"Socket-Type"[..], &b"DEALER"[..]), (b"Identity", &self.identity)] {
            body.push(name.len() as u8);
            body.extend_from_slice(name);
            body.extend_from_slice(&(value.len() as u32).to_be_bytes());
            body.extend_from_slice(value);
        }
        out.extend_from_slice(&[COMMAND, body.len() as u8]);
        out.extend_from_slice(&body);
        self.piece.clear();
        self.state = State::Head;
        Ok(())
    }
}

fn after(left: usize) -> State {
    if left == 0 { State::Head } else { State::Body { left } }
}

/// The property `Socket-Type` of a READY.
fn socket_type(body: &[u8]) -> Result<&[u8], &'static str> {
    let mut rest = body.strip_prefix(b"\x05READY").ok_or("it is another command")?;
    let mut found = None;
    while let Some((&length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(length.into()).ok_or("a property's name is cut off")?;
        let (length, after) = after.split_first_chunk::<4>().ok_or("a property's length is cut off")?;
        let length = u32::from_be_bytes(*length) as usize;
        let (value, after) = after.split_at_checked(length).ok_or("a property's value is cut off")?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            found = Some(value);
        }
        rest = after;
    }
    found.ok_or("it names no Socket-Type")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::mutation::Mutations;

    fn greeting() -> Vec<u8> {
        let mut greeting = vec![0; GREETING];
        (greeting[0], greeting[9], greeting[10]) = (0xFF, 0x7F, 3);
        greeting[12..16].copy_from_slice(b"NULL");
        greeting
    }

    fn ready(kind: &str) -> Vec<u8> {
        let body = [b"\x05READY\x0BSocket-Type\0\0\0", &[kind.len() as u8][..], kind.as_bytes()].concat();
        [&[COMMAND, body.len() as u8], &body[..]].concat()
    }

    fn long(length: u64) -> Vec<u8> {
        [&[LONG][..], &length.to_be_bytes()].concat()
    }

    /// What a whole conversation becomes, cut into pieces of this size.
    fn passed(bytes: &[u8], cut: usize) -> Result<Vec<u8>, ZmtpError> {
        let mut gate = Gate::new(b"7");
        let mut out = Vec::new();
        for part in bytes.chunks(cut) {
            out.extend(gate.pass(part)?);
        }
        Ok(out)
    }

    #[test]
    fn a_dealer_passes_under_the_identity_it_is_given_wherever_its_bytes_are_cut() {
        let messages = [&[0, 3][..], b"ask", &[0, 0], &long(300), &[7; 300]].concat();
        let said = [greeting(), ready("DEALER"), messages.clone()].concat();
        let renamed = b"\x04\x2A\x05READY\x0BSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x017";
        let heard = [&greeting()[..], renamed, &messages].concat();
        assert_eq!(renamed.len() - 2, usize::from(renamed[1]));
        for cut in [1, 2, 7, 64, 65, said.len()] {
            assert_eq!(passed(&said, cut).as_ref(), Ok(&heard), "cut after each {cut}");
        }
    }

    #[test]
    fn says_what_was_read_and_what_was_expected() {
        let after_hello = |more: &[u8]| [&greeting()[..], &ready("DEALER"), more].concat();
        let mut curve = greeting();
        curve[12..17].copy_from_slice(b"CURVE");
        let mut old = greeting();
        old[10] = 1;
        let cases = [
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "read \"GET / HTTP/1.1\\r\\n\", expected the greeting"),
            ([&[0xFF][..], &[0; 20]].concat(), "expected the greeting"),
            (old, "version 1, expected 3"),
            (curve, "mechanism \"CURVE\", expected NULL"),
            ([greeting(), ready("SUB")].concat(), "it is a ZeroMQ SUB, expected a DEALER"),
            ([greeting(), vec![0, 1, 2]].concat(), "it is a message"),
            ([greeting(), vec![4, 6, 4], b"PING\0".to_vec()].concat(), "it is another command"),
            ([greeting(), vec![6, 0, 0, 0, 0, 0xFF, 0, 0, 0]].concat(), "its length"),
            (after_hello(&[8, 1]), "flags 0x08"),
            (after_hello(&[4, 5]), "a ZMTP command after the handshake"),
            (after_hello(&[1, 5]), "several parts, expected one"),
            (
                after_hello(&long(u64::MAX)),
                "a message of 18446744073709551615 bytes, expected at most 1048588",
            ),
            (after_hello(&long(MAX_MESSAGE as u64 + 1)), "a message of 1048589 bytes"),
        ];
        for (said, expected) in cases {
            for cut in [1, said.len()] {
                let refused = passed(&said, cut).expect_err(expected).to_string();
                // Byte by byte, the first one alone is quoted.
                let expected = if cut == 1 { expected.split("GET").next().unwrap() } else { expected };
                assert!(refused.contains(expected), "{refused}, expected {expected}");
            }
        }
    }

    #[test]
    fn what_passes_is_no_longer_than_what_came_and_no_mutation_panics() {
        let said = [greeting(), ready("DEALER"), long(300), vec![7; 300], vec![0, 2, 1, 1]].concat();
        let mut mutations = Mutations::new(21);
        let mut passing = 0_u64;
        for _ in 0..mutations.bounded(100_000) {
            let mutated = mutations.mutate(&said);
            if let Ok(out) = passed(mutated, 50) {
                // READY may grow by the identity.
                assert!(out.len() <= mutated.len() + 128);
                passing += 1;
            }
        }
        assert!(passing > 1_000, "{passing} passed");
    }
}
