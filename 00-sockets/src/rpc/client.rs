//! The client: one call after the other, each until it is answered.

use super::call::{Answer, Call};
use super::node::{Ctx, Message, Output, Timer};
use super::request_id::RequestId;
use simnet::NodeId;
use std::time::Duration;

/// A client, and the calls that it has to make.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    server: NodeId,
    calls: Vec<Call>,
    /// How long it waits for an answer before it asks again.
    patience: Duration,
    /// How many calls it has begun, this life and those before.
    pub(crate) begun: usize,
    /// The call under way.
    pub(crate) open: Option<RequestId>,
    /// The number of the last call.
    last: RequestId,
}

impl Client {
    /// A client that makes these calls, in their order. Its first has the number after `last`.
    pub fn new(server: NodeId, calls: Vec<Call>, patience: Duration, last: RequestId) -> Self {
        Client { server, calls, patience, begun: 0, open: None, last }
    }

    /// Whether every call was answered, or given up in a crash.
    pub fn is_done(&self) -> bool {
        self.open.is_none() && self.begun == self.calls.len()
    }

    /// The node starts. A call that a crash has interrupted is not made again: whether it was carried out is unknown.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        if let Some((begun, last)) = ctx.storage().read::<(u64, RequestId)>("begun") {
            (self.begun, self.last) = (usize::try_from(begun).expect("a count of this list"), last);
        }
        self.next_call(ctx);
    }

    /// Begins the next call, if there is one.
    fn next_call(&mut self, ctx: &mut Ctx<'_>) {
        let Some(call) = self.calls.get(self.begun) else { return };
        ctx.output(Output::Called(call.clone()));
        // solution: begin — Part D: begin a call
        self.last = self.last.next();
        self.begun += 1;
        // A number that was used must not be used again for another call: the server would answer that one from its table.
        let begun = (self.begun as u64, self.last);
        ctx.storage().write("begun", &begun);
        ctx.storage().sync();
        self.open = Some(self.last);
        self.ask(ctx);
        // solution: end
    }

    /// Sends the call under way, also again.
    pub fn ask(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part D: send a call, until it is answered
        let Some(id) = self.open else { return };
        let call = self.calls[self.begun - 1].to_bytes();
        ctx.send(self.server, Message::Request { id, call });
        ctx.set_timer(Timer::Resend, self.patience);
        // solution: end
    }

    /// An answer has arrived: perhaps of this call, perhaps of an earlier one, perhaps for the second time.
    pub fn answered(&mut self, id: RequestId, answer: &[u8], ctx: &mut Ctx<'_>) {
        // solution: begin — Part D: take the answer of the call under way
        if self.open != Some(id) {
            return;
        }
        let answer = Answer::from_bytes(answer).unwrap_or_else(|why| Answer::Refused(why.to_string()));
        self.open = None;
        ctx.cancel_timer(Timer::Resend);
        ctx.output(Output::Answered(answer));
        self.next_call(ctx);
        // solution: end
    }
}
