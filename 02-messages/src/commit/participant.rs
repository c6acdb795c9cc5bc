//! A participant: votes, and then does as was decided (Bernstein, Hadzilacos, Goodman §7.4).
//!
//! Before its vote it may abort alone. A Yes gives that right away: from then on others may have committed because of it.

use super::message::{Decision, Entry, Message, Output, Pace, Timer, Vote};
use super::node::Ctx;
use simnet::NodeId;

/// How far a participant has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// Has not voted: it may still abort alone.
    Working,
    /// Has voted Yes, and waits for the decision. The book calls it *uncertain*.
    Prepared,
    /// Knows the decision.
    Decided(Decision),
}

/// One participant of one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Participant {
    coordinator: NodeId,
    /// The other participants: whom it may ask when it is in doubt. None, and it asks the coordinator only.
    peers: Vec<NodeId>,
    /// Whether its part can be kept.
    vote: Vote,
    pace: Pace,
    pub(crate) state: State,
}

impl Participant {
    /// A participant that would vote so.
    pub fn new(coordinator: NodeId, peers: Vec<NodeId>, vote: Vote, pace: Pace) -> Self {
        Participant { coordinator, peers, vote, pace, state: State::Working }
    }

    /// The node starts. Its log says how far it had come.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        let log: Vec<Entry> = ctx.storage().log();
        match log.last() {
            None => ctx.set_timer(Timer::GiveUp, self.pace.give_up),
            Some(entry) => self.recover(*entry, ctx),
        }
    }

    /// The coordinator asks for the vote, perhaps once more.
    pub fn vote_req(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: vote
        match (self.state, self.vote) {
            (State::Working, Vote::Yes) => {
                // After a crash it must know that it has voted: others rely on its Yes.
                ctx.storage().append(&Entry::Yes);
                ctx.storage().sync();
                self.state = State::Prepared;
                ctx.send(self.coordinator, Message::Yes);
                ctx.cancel_timer(Timer::GiveUp);
                ctx.set_timer(Timer::Ask, self.pace.ask);
            }
            (State::Working, Vote::No) => {
                self.decide(Decision::Abort, ctx);
                ctx.send(self.coordinator, Message::No);
            }
            (State::Prepared, _) => ctx.send(self.coordinator, Message::Yes),
            (State::Decided(Decision::Abort), _) => ctx.send(self.coordinator, Message::No),
            (State::Decided(Decision::Commit), _) => {} // A late copy.
        }
        // solution: end
    }

    /// Someone who knows tells what was decided, perhaps once more. A commit is acknowledged each time: the last Ack may have been lost.
    pub fn decided(&mut self, decision: Decision, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: hear the decision
        match self.state {
            State::Decided(_) => {}
            State::Working | State::Prepared => self.decide(decision, ctx),
        }
        if decision == Decision::Commit {
            ctx.send(self.coordinator, Message::Ack);
        }
        // solution: end
    }

    /// The decision is known: it is noted ([`Entry::Decided`]), and the outside is told.
    fn decide(&mut self, decision: Decision, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: note the decision
        ctx.storage().append(&Entry::Decided(decision));
        ctx.storage().sync();
        self.state = State::Decided(decision);
        ctx.cancel_timer(Timer::GiveUp);
        ctx.cancel_timer(Timer::Ask);
        ctx.output(Output(decision));
        // solution: end
    }

    /// Nobody has asked for the vote, and it has waited long enough.
    pub fn give_up(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: stop waiting for the coordinator
        if self.state == State::Working {
            self.decide(Decision::Abort, ctx);
        }
        // solution: end
    }

    /// In doubt: asks the coordinator and the other participants, again and again. There is nothing else that it may do.
    pub fn ask(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: ask when in doubt
        if self.state == State::Prepared {
            ctx.send(self.coordinator, Message::DecisionReq);
            ctx.broadcast(&self.peers, Message::DecisionReq);
            ctx.set_timer(Timer::Ask, self.pace.ask);
        }
        // solution: end
    }

    /// Another participant is in doubt (§7.4, cooperative termination). Who knows tells. Who has not voted can still abort, and
    /// so knows too. Who is in doubt as well cannot help.
    pub fn asked(&mut self, from: NodeId, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: help another participant
        if self.state == State::Working {
            self.decide(Decision::Abort, ctx);
        }
        if let State::Decided(decision) = self.state {
            ctx.send(from, Message::Decided(decision));
        }
        // solution: end
    }

    /// After a crash: goes on from the log's last entry, and tells the outside if that is a decision.
    fn recover(&mut self, entry: Entry, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: be the participant you were before the crash
        if let Entry::Decided(decision) = entry {
            self.state = State::Decided(decision);
            ctx.output(Output(decision));
        } else {
            self.state = State::Prepared;
            ctx.set_timer(Timer::Ask, self.pace.ask);
        }
        // solution: end
    }
}
