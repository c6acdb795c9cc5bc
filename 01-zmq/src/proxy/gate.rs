//! The bytes of one subscriber, as ZMTP 3.0 (ZeroMQ's RFC 23) puts them on the wire: what it wants, and what it leaves behind.
//!
//! A greeting of 64 bytes, then frames: a byte of flags, the length in one byte or eight, so many bytes. The first frame is
//! the command READY; the others are subscriptions.

use crate::weather::subscription::Subscription;
use std::collections::BTreeMap;
use thiserror::Error;

/// The longest frame that passes. The crate would make room for whatever length a stranger announces.
pub const LONGEST_FRAME: usize = 64 << 10;
/// How many subscriptions one subscriber may have.
pub const MOST_SUBSCRIPTIONS: usize = 10_000;

const GREETING: usize = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Why bytes may not pass.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GateError {
    /// Something else speaks there.
    #[error("read `{0}`, expected the greeting of ZeroMQ's ZMTP 3")]
    NotZmtp(String),
    /// A length that nobody needs.
    #[error("read a frame of {0} bytes, expected at most {LONGEST_FRAME}")]
    TooLong(u64),
    /// Flags that nobody sets, or a message of several parts.
    #[error("read a frame with flags {0:#04x}, expected a subscription: one part")]
    Flags(u8),
    /// Something before READY.
    #[error("read a message before the handshake was over, expected READY")]
    NotReady,
    /// Too much to remember.
    #[error("read subscription {}, expected at most {MOST_SUBSCRIPTIONS}", MOST_SUBSCRIPTIONS + 1)]
    TooMany,
}

/// From one subscriber to the XPUB.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// What has come and is not whole yet.
    piece: Vec<u8>,
    greeted: bool,
    ready: bool,
    /// How many subscriptions it has to each topic, and in all.
    open: BTreeMap<Vec<u8>, usize>,
    count: usize,
}

/// The head of a frame: its flags, where its body begins, where it ends. None while the head is not whole.
fn head(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, GateError> {
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

impl Gate {
    /// More bytes have come. Returns those that may pass: whole frames, so that something can be said between them.
    ///
    /// # Errors
    /// When nothing that has come since may pass: end the connection.
    pub fn pass(&mut self, bytes: &[u8]) -> Result<Vec<u8>, GateError> {
        self.piece.extend_from_slice(bytes);
        let mut passed = Vec::new();
        if !self.greeted {
            self.greeted = self.greeting()?;
            if !self.greeted {
                return Ok(passed);
            }
            passed.extend(self.piece.drain(..GREETING));
        }
        let mut at = 0;
        while let Some((flags, begin, end)) = head(&self.piece[at..])? {
            let Some(frame) = self.piece.get(at..at + end) else { break };
            let (frame, body) = (frame.to_vec(), frame[begin..].to_vec());
            at += end;
            if self.may_pass(flags, &body)? {
                passed.extend(frame);
            }
        }
        self.piece.drain(..at);
        Ok(passed)
    }

    /// Whether the greeting is whole.
    fn greeting(&self) -> Result<bool, GateError> {
        let right = |place: usize, byte: u8| self.piece.get(place).is_none_or(|read| *read == byte);
        if !(right(0, 0xff) && right(9, 0x7f)) {
            let read = &self.piece[..self.piece.len().min(10)];
            return Err(GateError::NotZmtp(read.escape_ascii().to_string()));
        }
        Ok(self.piece.len() >= GREETING)
    }

    fn may_pass(&mut self, flags: u8, body: &[u8]) -> Result<bool, GateError> {
        if flags & COMMAND != 0 {
            // After READY there are heartbeats, which the crate takes for an error.
            return Ok(!std::mem::replace(&mut self.ready, true));
        }
        if !self.ready {
            return Err(GateError::NotReady);
        }
        if flags & MORE != 0 {
            return Err(GateError::Flags(flags));
        }
        match Subscription::from_frames(&[body]) {
            Ok(subscription) => self.heed(&subscription),
            // Whoever reads the XPUB says what it thinks of it.
            Err(_) => Ok(true),
        }
    }

    /// Remembers a subscription. The end of one that is not there does not pass: it would end somebody else's.
    fn heed(&mut self, subscription: &Subscription) -> Result<bool, GateError> {
        let topic = subscription.topic().to_vec();
        match subscription {
            Subscription::Begin(_) if self.count == MOST_SUBSCRIPTIONS => Err(GateError::TooMany),
            Subscription::Begin(_) => {
                *self.open.entry(topic).or_default() += 1;
                self.count += 1;
                Ok(true)
            }
            Subscription::End(_) => {
                let Some(count) = self.open.get_mut(&topic) else { return Ok(false) };
                *count -= 1;
                if *count == 0 {
                    self.open.remove(&topic);
                }
                self.count -= 1;
                Ok(true)
            }
        }
    }

    /// The subscriber has gone: the frames that end whatever it has left open, each as often as it began. After them it has none.
    pub fn goodbye(&mut self) -> Vec<u8> {
        let mut frames = Vec::new();
        // solution: begin — Part B: unsubscribe for one who has gone
        for (topic, count) in std::mem::take(&mut self.open) {
            for _ in 0..count {
                frames.extend(frame(&Subscription::End(topic.clone()).to_bytes()));
            }
        }
        self.count = 0;
        // solution: end
        frames
    }
}

/// A message of one part.
pub fn frame(body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[0, length], body].concat(),
        Err(_) => [&[LONG][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}
