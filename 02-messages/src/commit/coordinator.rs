//! The coordinator: asks for votes, and decides (Bernstein, Hadzilacos, Goodman §7.4; presumed abort).
//!
//! Its log is the transaction's fate.

use super::message::{Decision, Entry, Message, Output, Pace, Timer};
use super::node::Ctx;
use simnet::NodeId;
use std::collections::BTreeSet;

/// How far the transaction has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Not begun.
    Idle,
    /// Has asked for votes; these participants have said Yes.
    Voting { yes: BTreeSet<NodeId> },
    /// Has decided to commit; these participants have acknowledged it.
    Committed { acks: BTreeSet<NodeId> },
    /// Has decided to abort.
    Aborted,
}

/// The coordinator of one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coordinator {
    participants: Vec<NodeId>,
    pace: Pace,
    pub(crate) phase: Phase,
}

impl Coordinator {
    /// The coordinator of a transaction that these participants have worked on.
    pub fn new(participants: Vec<NodeId>, pace: Pace) -> Self {
        Coordinator { participants, pace, phase: Phase::Idle }
    }

    /// The node starts. An empty log says that it never has before.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        let log: Vec<Entry> = ctx.storage().log();
        if log.is_empty() { self.begin(ctx) } else { self.recover(&log, ctx) }
    }

    /// Phase 1: the transaction begins ([`Entry::Begin`]), and all participants are asked for their votes.
    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: ask for votes
        // Who begins twice may decide twice: so this is durable before anyone hears of it.
        ctx.storage().append(&Entry::Begin);
        ctx.storage().sync();
        self.phase = Phase::Voting { yes: BTreeSet::new() };
        ctx.broadcast(&self.participants, Message::VoteReq);
        ctx.set_timer(Timer::Resend, self.pace.resend);
        ctx.set_timer(Timer::GiveUp, self.pace.give_up);
        // solution: end
    }

    /// A participant can keep its part. One that says so after the decision does not know it: it is answered.
    pub fn yes(&mut self, from: NodeId, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: count a Yes
        let Phase::Voting { yes } = &mut self.phase else { return self.answer(from, ctx) };
        yes.insert(from);
        if yes.len() == self.participants.len() {
            self.commit(ctx);
        }
        // solution: end
    }

    /// A participant cannot keep its part.
    pub fn no(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: take a No
        if matches!(self.phase, Phase::Voting { .. }) {
            self.abort(ctx);
        }
        // solution: end
    }

    /// Votes are missing, and it has waited long enough: nobody has to wait for a vote.
    pub fn give_up(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: stop waiting for votes
        if matches!(self.phase, Phase::Voting { .. }) {
            self.abort(ctx);
        }
        // solution: end
    }

    /// Phase 2, all have said Yes: the decision is to commit. The outside and all participants are told, and told again until all have
    /// acknowledged it.
    fn commit(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: decide to commit
        ctx.storage().append(&Entry::Decided(Decision::Commit));
        ctx.storage().sync();
        self.phase = Phase::Committed { acks: BTreeSet::new() };
        ctx.output(Output(Decision::Commit));
        ctx.broadcast(&self.participants, Message::Decided(Decision::Commit));
        ctx.cancel_timer(Timer::GiveUp);
        ctx.set_timer(Timer::Resend, self.pace.resend);
        // solution: end
    }

    /// Phase 2, otherwise. Presumed abort: nothing is written, and nobody need acknowledge it. What is not in the log was aborted.
    fn abort(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: decide to abort
        self.phase = Phase::Aborted;
        ctx.output(Output(Decision::Abort));
        ctx.broadcast(&self.participants, Message::Decided(Decision::Abort));
        ctx.cancel_timer(Timer::GiveUp);
        ctx.cancel_timer(Timer::Resend);
        // solution: end
    }

    /// Tells a participant that is in doubt what was decided, if anything was.
    pub fn answer(&mut self, from: NodeId, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: answer a participant in doubt
        if let Some(decision) = self.decision() {
            ctx.send(from, Message::Decided(decision));
        }
        // solution: end
    }

    /// A participant has committed. After the last one nothing is left to do ([`Entry::End`]).
    pub fn ack(&mut self, from: NodeId, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: count an acknowledgement
        let Phase::Committed { acks } = &mut self.phase else { return };
        if acks.insert(from) && acks.len() == self.participants.len() {
            ctx.storage().append(&Entry::End);
            ctx.cancel_timer(Timer::Resend);
        }
        // solution: end
    }

    /// Someone has not answered: a message or its answer may have been lost. Sends again to those, and to them only.
    pub fn resend(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: send again what may have been lost
        let (message, answered) = match &self.phase {
            Phase::Voting { yes } => (Message::VoteReq, yes),
            Phase::Committed { acks } => (Message::Decided(Decision::Commit), acks),
            Phase::Idle | Phase::Aborted => return,
        };
        let silent: Vec<NodeId> =
            self.participants.iter().copied().filter(|node| !answered.contains(node)).collect();
        ctx.broadcast(&silent, message);
        if !silent.is_empty() {
            ctx.set_timer(Timer::Resend, self.pace.resend);
        }
        // solution: end
    }

    /// After a crash: what the log does not say to be committed was aborted. Tells the outside, and takes up what was left to do;
    /// participants are told when the alarm goes off, or when they ask.
    fn recover(&mut self, log: &[Entry], ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: be the coordinator you were before the crash
        self.phase = if log.contains(&Entry::End) {
            Phase::Committed { acks: self.participants.iter().copied().collect() }
        } else if log.contains(&Entry::Decided(Decision::Commit)) {
            ctx.set_timer(Timer::Resend, self.pace.resend);
            Phase::Committed { acks: BTreeSet::new() }
        } else {
            Phase::Aborted
        };
        if let Some(decision) = self.decision() {
            ctx.output(Output(decision));
        }
        // solution: end
    }

    /// What has been decided.
    pub(crate) fn decision(&self) -> Option<Decision> {
        match self.phase {
            Phase::Idle | Phase::Voting { .. } => None,
            Phase::Committed { .. } => Some(Decision::Commit),
            Phase::Aborted => Some(Decision::Abort),
        }
    }

    /// The participants from which it waits for something.
    pub(crate) fn waits_for(&self) -> Vec<NodeId> {
        let has = match &self.phase {
            Phase::Voting { yes: has } | Phase::Committed { acks: has } => has,
            Phase::Idle | Phase::Aborted => return Vec::new(),
        };
        self.participants.iter().copied().filter(|node| !has.contains(node)).collect()
    }
}
