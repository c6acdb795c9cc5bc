//! The client: wants its value chosen, and is content with any. Given whole.

use crate::ballot::Value;
use crate::cluster::Pace;
use crate::message::{Message, Output, Timer};
use crate::node::Ctx;
use simnet::{NodeId, renamed};

/// A client. It asks one proposer after the other until it has an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    proposers: Vec<NodeId>,
    pace: Pace,
    /// What it would like.
    pub(crate) value: Value,
    pub(crate) answer: Option<Value>,
    /// The proposer it asks next.
    turn: usize,
}

impl Client {
    /// A client that asks for `value`, first the proposer at `turn` of the list.
    pub fn new(proposers: Vec<NodeId>, value: Value, turn: usize, pace: Pace) -> Self {
        Client { proposers, pace, value, answer: None, turn }
    }

    /// The node starts.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        ctx.output(Output::Asked(self.value.clone()));
        self.request(ctx);
    }

    /// No answer came: asks the next proposer.
    pub fn retry(&mut self, ctx: &mut Ctx<'_>) {
        self.turn = (self.turn + 1) % self.proposers.len().max(1);
        self.request(ctx);
    }

    /// A value has been chosen.
    pub fn answered(&mut self, value: Value, ctx: &mut Ctx<'_>) {
        if self.answer.is_none() {
            ctx.cancel_timer(Timer::Retry);
            self.answer = Some(value.clone());
            ctx.output(Output::Answered(value));
        }
    }

    fn request(&mut self, ctx: &mut Ctx<'_>) {
        if self.proposers.is_empty() {
            return;
        }
        ctx.send(
            self.proposers[self.turn % self.proposers.len()],
            Message::Request { value: self.value.clone() },
        );
        ctx.set_timer(Timer::Retry, self.pace.retry);
    }
}

// It asks the proposers in the order of its list: they are not alike to it.
renamed!(struct Client { proposers } as_it_is { pace, value, answer, turn });
