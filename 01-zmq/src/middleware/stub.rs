//! The way to the discovery: one request at a time, until it is answered.

use super::message::{Answered, Asked, Request, Response};
use super::turn::{Effect, Timer, Turn};
use std::time::Duration;

/// Asks the discovery.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stub {
    /// How many requests it has made.
    count: u32,
    /// The request under way.
    open: Option<Asked>,
    /// After how long it asks again; `None` where nothing is lost.
    resend: Option<Duration>,
}

impl Stub {
    /// A stub that asks again after so long, or never.
    pub fn new(resend: Option<Duration>) -> Self {
        Stub { count: 0, open: None, resend }
    }

    /// Makes a request.
    pub fn ask(&mut self, request: Request, turn: &mut Turn<'_>) {
        self.count += 1;
        self.open = Some(Asked { number: self.count, request });
        self.ask_again(turn);
    }

    /// Sends the request under way, also again: under its own number, so that the discovery can tell a copy.
    pub fn ask_again(&mut self, turn: &mut Turn<'_>) {
        // solution: begin — Part F: ask until there is an answer
        let Some(open) = &self.open else { return };
        turn.ask_for(Effect::Ask(open.clone()));
        if let Some(after) = self.resend {
            turn.ask_for(Effect::SetTimer(Timer::Ask, after));
        }
        // solution: end
    }

    /// An answer has arrived. Returns it when it is that of the request under way.
    pub fn answered(&mut self, answered: Answered, turn: &mut Turn<'_>) -> Option<Response> {
        // solution: begin — Part F: take the answer of the request under way
        if self.open.as_ref()?.number != answered.number {
            return None;
        }
        self.open = None;
        turn.ask_for(Effect::CancelTimer(Timer::Ask));
        Some(answered.response)
        // solution: end
    }

    /// What it waits for.
    pub fn open(&self) -> Option<&Request> {
        self.open.as_ref().map(|asked| &asked.request)
    }
}
