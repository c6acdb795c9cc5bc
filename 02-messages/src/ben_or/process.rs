//! The algorithm (Ben-Or 1983, protocol A; Aguilera and Toueg 2012, figure 1).

use super::message::{Bit, Coin, Message, Output};
use serde::Serialize;
use simnet::{Context, Names, NodeId, Observe, Process};
use std::collections::BTreeMap;

/// The world, as a process sees it.
pub type Ctx<'a> = Context<'a, BenOr>;

/// What a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reports of *n* − *f* processes.
    Report,
    /// Proposals of *n* − *f* processes.
    Proposal,
    /// Nothing: it has decided, and all others can without it.
    Halted,
}

/// One of *n* processes that are to agree on a bit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BenOr {
    /// All processes, this one included.
    everybody: Vec<NodeId>,
    /// How many may crash: fewer than half.
    faulty: usize,
    /// What it began with.
    initial: Bit,
    coin: Coin,
    /// The round, from 1 on; 0 before it has started.
    pub(crate) round: u32,
    pub(crate) phase: Phase,
    /// The *x* of the paper: what it holds to be right.
    pub(crate) preference: Bit,
    /// What it has decided, and in which round.
    pub(crate) decision: Option<Output>,
    /// What each process has reported, by round: of this round, and of rounds to come that others have reached already.
    reports: BTreeMap<u32, BTreeMap<NodeId, Bit>>,
    /// What each process has proposed, by round.
    proposals: BTreeMap<u32, BTreeMap<NodeId, Option<Bit>>>,
}

impl BenOr {
    /// A process that begins with `initial`, among `everybody`, of whom `faulty` may crash.
    pub fn new(everybody: Vec<NodeId>, faulty: usize, initial: Bit, coin: Coin) -> Self {
        BenOr {
            everybody,
            faulty,
            initial,
            coin,
            round: 0,
            phase: Phase::Report,
            preference: initial,
            decision: None,
            reports: BTreeMap::new(),
            proposals: BTreeMap::new(),
        }
    }

    /// How many it may wait for: if it waited for more, and *f* had crashed, it would wait for ever.
    fn enough(&self) -> usize {
        // solution: begin — Part E: how many to wait for
        self.everybody.len() - self.faulty
        // solution: end
    }

    /// Begins the next round with a report to all, itself included. Messages of rounds that are over are forgotten.
    fn begin_round(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: begin a round
        self.round += 1;
        self.phase = Phase::Report;
        self.reports = self.reports.split_off(&self.round);
        self.proposals = self.proposals.split_off(&self.round);
        ctx.broadcast(&self.everybody, Message::Report { round: self.round, value: self.preference });
        self.reports.entry(self.round).or_default().insert(ctx.me(), self.preference);
        // solution: end
    }

    /// Keeps a report, unless it comes too late to count. A process that is ahead sends now what is wanted only later.
    fn note_report(&mut self, from: NodeId, round: u32, value: Bit) {
        // solution: begin — Part E: keep a report
        if round > self.round || (round == self.round && self.phase == Phase::Report) {
            self.reports.entry(round).or_default().insert(from, value);
        }
        // solution: end
    }

    /// Keeps a proposal, unless its round is over. It may come while this process still waits for reports.
    fn note_proposal(&mut self, from: NodeId, round: u32, value: Option<Bit>) {
        // solution: begin — Part E: keep a proposal
        if round >= self.round && self.phase != Phase::Halted {
            self.proposals.entry(round).or_default().insert(from, value);
        }
        // solution: end
    }

    /// Goes on as far as what has arrived allows: one message may end a phase, and the next, if its messages are there already.
    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: end a phase when enough have spoken
        loop {
            let heard = match self.phase {
                Phase::Report => self.reports.get(&self.round).map_or(0, BTreeMap::len),
                Phase::Proposal => self.proposals.get(&self.round).map_or(0, BTreeMap::len),
                Phase::Halted => return,
            };
            if heard < self.enough() {
                return;
            }
            if self.phase == Phase::Report { self.propose(ctx) } else { self.end_round(ctx) }
        }
        // solution: end
    }

    /// The end of the first phase: proposes to all, itself included, what more than half of **all** processes have reported, or nothing.
    fn propose(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: propose what more than half report
        let reports = &self.reports[&self.round];
        let count = |bit: Bit| reports.values().filter(|value| **value == bit).count();
        let value = [Bit::Zero, Bit::One].into_iter().find(|bit| 2 * count(*bit) > self.everybody.len());
        self.phase = Phase::Proposal;
        ctx.broadcast(&self.everybody, Message::Proposal { round: self.round, value });
        self.proposals.entry(self.round).or_default().insert(ctx.me(), value);
        // solution: end
    }

    /// The end of the second phase, and of the round: decides, adopts, or flips the coin; then goes on to the next round. Who decided in an
    /// earlier round halts instead: by now everybody can decide without it.
    fn end_round(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: decide, adopt, or flip
        if self.decision.is_some() {
            self.phase = Phase::Halted;
            return;
        }
        let proposed: Vec<Bit> = self.proposals[&self.round].values().copied().flatten().collect();
        self.preference = match proposed.first() {
            Some(value) => *value,
            None => self.flip(ctx),
        };
        if proposed.len() > self.faulty {
            let decision = Output { value: self.preference, round: self.round };
            self.decision = Some(decision);
            ctx.output(decision);
        }
        self.begin_round(ctx);
        // solution: end
    }

    /// The coin: a fair one asks the world for a random bit, one that is stuck falls on what the process began with.
    fn flip(&self, ctx: &mut Ctx<'_>) -> Bit {
        // solution: begin — Part E: flip a coin
        match self.coin {
            Coin::Fair if ctx.random(2) == 0 => Bit::Zero,
            Coin::Fair => Bit::One,
            Coin::Stuck => self.initial,
        }
        // solution: end
    }
}

impl Process for BenOr {
    type Message = Message;
    type Timer = ();
    type Output = Output;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.begin_round(ctx);
        self.advance(ctx);
    }

    fn receive(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        if !self.everybody.contains(&from) {
            return ctx.note(format!("ignored {message:?} of {from}, which does not take part"));
        }
        match message {
            Message::Report { round, value } => self.note_report(from, round, value),
            Message::Proposal { round, value } => self.note_proposal(from, round, value),
        }
        self.advance(ctx);
    }
}

/// What monitors and pictures see of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// The round.
    pub round: u32,
    /// What it waits for in it.
    pub phase: Phase,
    /// What it holds to be right.
    pub preference: Bit,
    /// What it has decided, and in which round.
    pub decision: Option<Output>,
}

impl Observe for BenOr {
    type View = View;

    fn view(&self) -> View {
        View { round: self.round, phase: self.phase, preference: self.preference, decision: self.decision }
    }

    fn waits_for(&self, names: &Names) -> Option<String> {
        let (what, heard) = match self.phase {
            Phase::Report => {
                ("reports", names.list(self.reports.get(&self.round).into_iter().flat_map(BTreeMap::keys)))
            }
            Phase::Proposal => (
                "proposals",
                names.list(self.proposals.get(&self.round).into_iter().flat_map(BTreeMap::keys)),
            ),
            Phase::Halted => return None,
        };
        let enough = self.everybody.len().saturating_sub(self.faulty);
        Some(format!("{what} of {enough} processes in round {}, has those of {heard}", self.round))
    }
}
