//! What a tier does with a request. Pure.

use super::round::RoundRobin;
use crate::envelope::{Envelope, Frames, NoEnvelope};
use thiserror::Error;

/// Why a request gets no answer of the service. Where it has a way back, who asked is told.
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
    /// The next tier does not take what was sent to it before.
    #[error("next tier {next} takes no more; the client asks again, or ends")]
    TakesNoMore {
        /// Its number.
        next: usize,
    },
}

/// What to send, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Back to whoever asked: this tier is the last.
    Reply(Frames),
    /// On, to the next tier of this number.
    Forward(usize, Frames),
    /// Back to whoever asked, with why.
    Refuse(Refused, Frames),
}

/// How a reply begins that is none, but says why.
pub const REFUSAL: &str = "error: ";

/// The reply that says why, on the way back that the request has brought.
pub fn refusal(request: Envelope, why: &Refused) -> Frames {
    Envelope { path: request.path, body: vec![format!("{REFUSAL}{why}").into_bytes()] }.seal()
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
    /// When it has no way back: whoever asked cannot be told anything.
    pub fn request(&mut self, frames: Frames) -> Result<Step, NoEnvelope> {
        // solution: begin — Part D: what a tier does with a request
        let mut envelope = Envelope::open(frames)?;
        let [text] = &envelope.body[..] else {
            let why = Refused::NotOneText { frames: envelope.body.len() };
            return Ok(Step::Refuse(why.clone(), refusal(envelope, &why)));
        };
        let told = [self.name.as_bytes(), b"->", text].concat();
        envelope.body = vec![told];
        if self.next.count() == 0 {
            return Ok(Step::Reply(envelope.seal()));
        }
        match self.next.turn() {
            Some(to) => Ok(Step::Forward(to, envelope.seal())),
            None => {
                let why = Refused::NobodyNext { count: self.next.count() };
                Ok(Step::Refuse(why.clone(), refusal(envelope, &why)))
            }
        }
        // solution: end
    }

    /// What to do with a request of ours that was not handed over: its next tier is away. It has the name already.
    ///
    /// # Errors
    /// When it has no way back.
    pub fn again(&mut self, frames: Frames) -> Result<Step, NoEnvelope> {
        match self.next.turn() {
            Some(to) => Ok(Step::Forward(to, frames)),
            None => {
                let why = Refused::NobodyNext { count: self.next.count() };
                Ok(Step::Refuse(why.clone(), refusal(Envelope::open(frames)?, &why)))
            }
        }
    }
}
