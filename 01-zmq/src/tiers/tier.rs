//! What a tier does with a request. Pure.

use super::round::RoundRobin;
use crate::envelope::{Envelope, Frames, NoEnvelope};
use thiserror::Error;

/// Why a request is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// It has no way back.
    #[error(transparent)]
    NoEnvelope(#[from] NoEnvelope),
    /// It has not one text.
    #[error("read a request of {frames} frames after the empty one, expected 1: the text")]
    NotOneText {
        /// How many there are.
        frames: usize,
    },
    /// There is nobody to ask.
    #[error("all {count} next tiers are away; the client asks again, or ends")]
    NobodyNext {
        /// How many there are.
        count: usize,
    },
}

/// What to send, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Back to whoever asked: this tier is the last.
    Reply(Frames),
    /// On, to the next tier of this number.
    Forward(usize, Frames),
}

/// A tier: its name, and those it may ask.
#[derive(Debug, Clone)]
pub struct Tier {
    name: String,
    /// Whose turn it is behind this tier.
    pub next: RoundRobin,
}

impl Tier {
    /// The tier `name` before `count` others; 0 for the last.
    pub fn new(name: &str, count: usize) -> Self {
        Tier { name: name.to_string(), next: RoundRobin::new(count) }
    }

    /// What to do with a request as ROUTER received it.
    ///
    /// # Errors
    /// When it is none, or nobody is there to ask.
    pub fn request(&mut self, frames: Frames) -> Result<Step, Refused> {
        // solution: begin — Part D: what a tier does with a request
        let mut envelope = Envelope::open(frames)?;
        let [text] = &envelope.body[..] else {
            return Err(Refused::NotOneText { frames: envelope.body.len() });
        };
        let told = [self.name.as_bytes(), b"->", text].concat();
        envelope.body = vec![told];
        if self.next.count() == 0 {
            return Ok(Step::Reply(envelope.seal()));
        }
        match self.next.turn() {
            Some(to) => Ok(Step::Forward(to, envelope.seal())),
            None => Err(Refused::NobodyNext { count: self.next.count() }),
        }
        // solution: end
    }
}
