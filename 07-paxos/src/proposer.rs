//! The proposer: gets a value chosen (*Paxos Made Simple* §2.2, phases 1a and 2a, and §2.4 for progress).
//!
//! It may crash and forget, and it may be one of many: safety does not depend on it, as long as it keeps two rules. It
//! never uses a ballot twice. And in phase 2 it proposes what phase 1 has found, if it has found anything.

use crate::ballot::{Ballot, Proposal, Value};
use crate::cluster::Pace;
use crate::message::{Message, Timer};
use crate::node::Ctx;
use crate::quorum::majority;
use simnet::{NodeId, renamed};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The name of the proposer's record in storage.
const ROUND: &str = "round";

/// How far the proposer has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// No ballot is under way.
    Idle,
    /// Phase 1: waits for a quorum of promises.
    Preparing {
        ballot: Ballot,
        /// What each acceptor that has promised had accepted before.
        promises: BTreeMap<NodeId, Option<Proposal>>,
    },
    /// Phase 2: waits for a quorum that accepts.
    Accepting { proposal: Proposal, accepted: BTreeSet<NodeId> },
    /// A duel is lost: waits before the next ballot.
    BackingOff,
    /// The value has been chosen.
    Done { value: Value },
}

/// A proposer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proposer {
    acceptors: Vec<NodeId>,
    pace: Pace,
    /// The highest round it has used or heard of.
    pub(crate) round: u64,
    /// What the first client asked for. It is proposed when phase 1 finds nothing.
    pub(crate) value: Option<Value>,
    /// Who waits for an answer.
    clients: BTreeSet<NodeId>,
    pub(crate) phase: Phase,
    /// Duels lost so far: each makes the next pause longer.
    lost_duels: u32,
}

impl Proposer {
    /// A proposer that talks to these acceptors.
    pub fn new(acceptors: Vec<NodeId>, pace: Pace) -> Self {
        Proposer {
            acceptors,
            pace,
            round: 0,
            value: None,
            clients: BTreeSet::new(),
            phase: Phase::Idle,
            lost_duels: 0,
        }
    }

    /// The node starts. After a crash, storage has what was made durable before it.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(round) = ctx.storage().read(ROUND) {
            self.recover(round);
        }
    }

    /// A client would like `value` to be chosen.
    pub fn request(&mut self, client: NodeId, value: Value, ctx: &mut Ctx<'_>) {
        if let Phase::Done { value } = &self.phase {
            return ctx.send(client, Message::Chosen { value: value.clone() });
        }
        self.clients.insert(client);
        // One value is enough: other clients will hear what was chosen instead.
        self.value.get_or_insert(value);
        if self.phase == Phase::Idle {
            self.begin_ballot(ctx);
        }
    }

    /// A learner would like to know what has been chosen. A proposer that does not know finds out by a ballot (§2.3).
    pub fn ask(&mut self, learner: NodeId, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: answer a learner that asks
        match &self.phase {
            Phase::Done { value } => ctx.send(learner, Message::Chosen { value: value.clone() }),
            Phase::Idle => self.begin_ballot(ctx),
            Phase::Preparing { .. } | Phase::Accepting { .. } | Phase::BackingOff => {}
        }
        // solution: end
    }

    /// Phase 1a: begins a ballot that no one has used before.
    fn begin_ballot(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: begin a ballot
        self.round += 1;
        self.persist(ctx);
        let ballot = Ballot { round: self.round, proposer: ctx.me() };
        self.phase = Phase::Preparing { ballot, promises: BTreeMap::new() };
        ctx.broadcast(&self.acceptors, Message::Prepare { ballot });
        ctx.set_timer(Timer::Resend, self.pace.resend);
        // solution: end
    }

    /// An acceptor takes part in a ballot of this proposer.
    pub fn promise(&mut self, from: NodeId, ballot: Ballot, accepted: Option<Proposal>, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: count a Promise
        let Phase::Preparing { ballot: current, promises } = &mut self.phase else { return };
        if ballot != *current {
            return; // It belongs to a ballot that was given up.
        }
        promises.insert(from, accepted);
        if promises.len() >= majority(self.acceptors.len()) {
            self.propose(ctx);
        }
        // solution: end
    }

    /// Phase 2a: a quorum has promised. Proposes the value of the highest-numbered proposal among what it had accepted,
    /// or the proposer's own when there is none (P2c).
    fn propose(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: choose the value that may be proposed
        let Phase::Preparing { ballot, promises } = &self.phase else { return };
        let found = promises.values().flatten().max_by_key(|proposal| proposal.ballot);
        let value = found.map(|proposal| proposal.value.clone()).or_else(|| self.value.clone());
        let Some(value) = value else {
            // A learner asked, and a quorum has accepted nothing: there is nothing to propose.
            self.phase = Phase::Idle;
            return ctx.cancel_timer(Timer::Resend);
        };
        let proposal = Proposal { ballot: *ballot, value };
        self.phase = Phase::Accepting { proposal: proposal.clone(), accepted: BTreeSet::new() };
        ctx.broadcast(&self.acceptors, Message::Accept(proposal));
        ctx.set_timer(Timer::Resend, self.pace.resend);
        // solution: end
    }

    /// An acceptor has accepted a proposal of this proposer.
    pub fn accepted(&mut self, from: NodeId, proposal: Proposal, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: count an Accepted
        let Phase::Accepting { proposal: current, accepted } = &mut self.phase else { return };
        if proposal.ballot != current.ballot {
            return;
        }
        accepted.insert(from);
        if accepted.len() >= majority(self.acceptors.len()) {
            self.chosen(proposal.value, ctx);
        }
        // solution: end
    }

    /// A quorum has accepted one proposal: its value is chosen for ever.
    fn chosen(&mut self, value: Value, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: tell the clients
        ctx.cancel_timer(Timer::Resend);
        for client in std::mem::take(&mut self.clients) {
            ctx.send(client, Message::Chosen { value: value.clone() });
        }
        self.phase = Phase::Done { value };
        // solution: end
    }

    /// An acceptor has promised a higher ballot: this one is lost. The next one is higher still, and comes after a pause.
    pub fn nack(&mut self, ballot: Ballot, promised: Ballot, ctx: &mut Ctx<'_>) {
        // solution: begin — Part C: lose a duel
        if self.current_ballot() != Some(ballot) {
            return; // It refuses a ballot that was given up.
        }
        self.round = self.round.max(promised.round);
        self.phase = Phase::BackingOff;
        self.lost_duels += 1;
        let pause = self.pause(ctx);
        ctx.cancel_timer(Timer::Resend);
        ctx.set_timer(Timer::BackOff, pause);
        // solution: end
    }

    /// How long to wait after a lost duel. Proposers that wait equally long meet again, and may overtake each other for ever (§2.4);
    /// random pauses, longer after each defeat, leave sooner or later one of them enough time.
    fn pause(&self, ctx: &mut Ctx<'_>) -> Duration {
        // solution: begin — Part E: end the duel
        let longest = self.pace.back_off * (1 << self.lost_duels.min(6));
        ctx.random_duration(self.pace.back_off..longest)
        // solution: end
    }

    /// The pause after a lost duel is over.
    pub fn back_off_is_over(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part C: try again
        if self.phase == Phase::BackingOff {
            self.begin_ballot(ctx);
        }
        // solution: end
    }

    /// Some acceptors have not answered: their message or their answer may have been lost. Sends again what they lack, under the same ballot.
    pub fn resend(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: send again what may have been lost
        let (message, answered): (_, BTreeSet<NodeId>) = match &self.phase {
            Phase::Preparing { ballot, promises } => {
                (Message::Prepare { ballot: *ballot }, promises.keys().copied().collect())
            }
            Phase::Accepting { proposal, accepted } => (Message::Accept(proposal.clone()), accepted.clone()),
            Phase::Idle | Phase::BackingOff | Phase::Done { .. } => return,
        };
        let silent: Vec<NodeId> =
            self.acceptors.iter().copied().filter(|node| !answered.contains(node)).collect();
        ctx.broadcast(&silent, message);
        ctx.set_timer(Timer::Resend, self.pace.resend);
        // solution: end
    }

    /// The ballot under way.
    pub(crate) fn current_ballot(&self) -> Option<Ballot> {
        match &self.phase {
            Phase::Preparing { ballot, .. } => Some(*ballot),
            Phase::Accepting { proposal, .. } => Some(proposal.ballot),
            Phase::Idle | Phase::BackingOff | Phase::Done { .. } => None,
        }
    }

    /// Makes the round durable before a ballot of it is heard of: no crash may make this proposer use it twice.
    fn persist(&self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part D: make the round durable
        let mut storage = ctx.storage();
        storage.write(ROUND, &self.round);
        storage.sync();
        // solution: end
    }

    /// Takes up what storage kept over a crash. The value and the clients are forgotten: clients ask again.
    fn recover(&mut self, round: u64) {
        // solution: begin — Part D: never use a ballot twice
        self.round = round;
        // solution: end
    }
}

renamed!(struct Proposer { clients, phase } as_it_is { acceptors, pace, round, value, lost_duels });
renamed!(enum Phase {
    Idle,
    Preparing { ballot, promises },
    Accepting { proposal, accepted },
    BackingOff,
    Done { value }
});
