//! The heartbeats of ZeroMQ's RFC 37: a peer says PING, and wants to hear PONG, else it takes the connection for dead. Pure.
//!
//! libzmq does that where `ZMQ_HEARTBEAT_IVL` is set, also with peers that speak ZMTP 3.0. The crate takes a PING for an error, and most of its
//! sockets hang up. So the [door](super) keeps it, and answers: between two messages of the socket, since a command may stand nowhere else.

use super::lengths::{COMMAND, GREETING, Head, MORE};

/// How many bytes of a PING come back with its PONG.
const LONGEST_CONTEXT: usize = 16;

/// The frame that answers a command: PONG for a PING, nothing for others.
pub fn answer(command: &[u8]) -> Option<Vec<u8>> {
    // The name, for how long the peer waits (in tenths of a second), and what is to come back.
    let context = command.strip_prefix(b"\x04PING")?.get(2..)?;
    let context = &context[..context.len().min(LONGEST_CONTEXT)];
    let body = [b"\x04PONG", context].concat();
    Some([&[COMMAND, body.len() as u8][..], &body].concat())
}

/// Follows the bytes that a socket sends: where does a message end?
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// A greeting, or the head of a frame, as far as it has come.
    head: Vec<u8>,
    greeted: bool,
    ready: bool,
    /// How much of the frame's body is still to come.
    body: u64,
    /// Another frame of the same message follows.
    more: bool,
}

impl Messages {
    /// The socket has sent these. Returns behind how many of them something may be said; none where the last place is before them.
    pub fn follow(&mut self, bytes: &[u8]) -> Option<usize> {
        let (mut at, mut last) = (0, None);
        while at < bytes.len() {
            let within =
                usize::try_from(self.body).map_or(bytes.len() - at, |body| body.min(bytes.len() - at));
            self.body -= within as u64;
            at += within;
            if within == 0 {
                self.byte(bytes[at]);
                at += 1;
            }
            if self.is_between() {
                last = Some(at);
            }
        }
        last
    }

    /// Whether something may be said now: after the handshake, and not within a message.
    pub fn is_between(&self) -> bool {
        self.ready && self.head.is_empty() && self.body == 0 && !self.more
    }

    /// The next byte of a greeting or of a head.
    fn byte(&mut self, byte: u8) {
        self.head.push(byte);
        if !self.greeted {
            self.greeted = self.head.len() == GREETING;
            if self.greeted {
                self.head.clear();
            }
        } else if let Some(head) = Head::read(&self.head) {
            self.head.clear();
            self.body = head.length;
            if head.flags & COMMAND != 0 {
                self.ready = true;
            } else {
                self.more = head.flags & MORE != 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::lengths::LONG;

    #[test]
    fn a_ping_is_answered_with_what_it_brought() {
        assert_eq!(answer(b"\x04PING\0\x0a").unwrap(), b"\x04\x05\x04PONG");
        assert_eq!(answer(b"\x04PING\0\x0aagain").unwrap(), b"\x04\x0a\x04PONGagain");
        assert_eq!(answer(&[b"\x04PING\0\x0a", &[7; 200][..]].concat()).unwrap()[7..], [7; 16]);
        for other in
            [&b""[..], b"\x04PING", b"\x04PING\0", b"\x04PONG\0\x0a", b"\x05READY\0\x0a", b"\x05PING\0\0"]
        {
            assert_eq!(answer(other), None, "{other:?}");
        }
    }

    /// However the bytes come in pieces, the places between messages are the same.
    #[test]
    fn something_may_be_said_between_messages_only() {
        let mut bytes = vec![0; GREETING];
        bytes.extend(b"\x04\x06\x05READY");
        let mut places = vec![bytes.len()];
        bytes.extend([MORE, 1, b'a', MORE, 0, 0, 2, b'b', b'c']);
        places.push(bytes.len());
        bytes.extend([LONG, 0, 0, 0, 0, 0, 0, 1, 0]);
        bytes.extend([7; 256]);
        places.push(bytes.len());
        bytes.extend([0, 0]);
        places.push(bytes.len());
        bytes.extend([0, 1]);
        for pieces in [1, 2, 3, 7, 64, 1000] {
            let (mut messages, mut at) = (Messages::default(), 0);
            for piece in bytes.chunks(pieces) {
                let place = messages.follow(piece).map(|place| at + place);
                let expected = places.iter().rfind(|place| (at + 1..=at + piece.len()).contains(*place));
                assert_eq!(place, expected.copied(), "pieces of {pieces}, at {at}");
                at += piece.len();
                assert_eq!(messages.is_between(), places.contains(&at), "pieces of {pieces}, at {at}");
            }
        }
    }
}
