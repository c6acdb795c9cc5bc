//! The bytes of one subscriber, as ZMTP 3.0 (ZeroMQ's RFC 23) puts them on the wire: what it wants, and what it leaves behind.
//!
//! A greeting, then [frames](crate::door::lengths): the first is the command READY; the others are subscriptions.

pub use crate::door::lengths::GateError;

use crate::door::heartbeats::answer;
use crate::door::lengths::{COMMAND, GREETING, LONG, MORE, greeting, head};
use crate::weather::subscription::Subscription;
use std::collections::BTreeMap;

/// The longest subscription, in bytes: its first byte, and its topic.
pub const LONGEST_SUBSCRIPTION: usize = 64 << 10;
/// How many subscriptions one subscriber may have.
pub const MOST_SUBSCRIPTIONS: usize = 10_000;

/// From one subscriber to the XPUB.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// What has come and is not whole yet.
    piece: Vec<u8>,
    greeted: bool,
    ready: bool,
    /// The answer to the last PING.
    pong: Option<Vec<u8>>,
    /// How many subscriptions it has to each topic, and in all.
    open: BTreeMap<Vec<u8>, usize>,
    count: usize,
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
            self.greeted = greeting(&self.piece)?;
            if !self.greeted {
                return Ok(passed);
            }
            passed.extend(self.piece.drain(..GREETING));
        }
        let mut at = 0;
        while let Some((flags, begin, end)) = head(&self.piece[at..], LONGEST_SUBSCRIPTION)? {
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

    fn may_pass(&mut self, flags: u8, body: &[u8]) -> Result<bool, GateError> {
        if flags & COMMAND != 0 {
            // The crate takes a command after READY for an error.
            let is_first = !std::mem::replace(&mut self.ready, true);
            if !is_first {
                self.pong = answer(body).or(self.pong.take());
            }
            return Ok(is_first);
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

    /// Whether the subscriber has shaken hands, as far as it is up to it.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// What to answer the last PING, if there has been one since this was asked.
    pub fn pong(&mut self) -> Option<Vec<u8>> {
        self.pong.take()
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
