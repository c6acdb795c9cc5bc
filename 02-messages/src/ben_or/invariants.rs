//! What must hold of Ben-Or's algorithm, watched from outside: the three conditions of consensus that are about safety, and the lemmas that they
//! are proved by (Aguilera and Toueg 2012, §4). Given whole.
//!
//! The monitor counts by itself what each process was told. It believes what has *left* a process.

use super::message::{Bit, Message, Output};
use super::process::BenOr;
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Time, Violation};
use std::collections::BTreeMap;

/// Agreement.
pub const AGREEMENT: &str = "(BO1) no two processes decide different values";
/// Validity.
pub const VALIDITY: &str = "(BO2) what is decided is what some process began with";
/// Integrity.
pub const INTEGRITY: &str = "(BO3) a process decides once, and tells all the same";
/// The lemma on proposals.
pub const ONE_PROPOSAL: &str = "(BO4) at most one value is proposed in a round";
/// The lemma on decisions.
pub const LOCKED: &str = "(BO5) once a value is decided in a round, nothing else is reported in later rounds";
/// The algorithm's waits and counts.
pub const COUNTED: &str =
    "(BO6) what a process says follows from what n - f processes, or more, have told it";
/// Termination.
pub const TERMINATION: &str =
    "(BO7) with at most f crashes and every message delivered in the end, all others decide";

/// Situations that the monitor recognises. A test that claims one asks for its mark.
pub mod situation {
    /// No one of those heard proposed anything.
    pub const FLIPPED: &str = "a process flips its coin";
    /// Some proposed, too few to decide.
    pub const ADOPTED: &str = "a process adopts a proposal without deciding";
    /// Not all heard of enough proposals in the same round.
    pub const NOT_TOGETHER: &str = "processes decide in different rounds";
    /// A message of a later round came.
    pub const AHEAD: &str = "a process hears of a round that it has not begun";
    /// A message of a round that is over came.
    pub const BEHIND: &str = "a process hears of a round that it has ended";
    /// Not decided at once.
    pub const THIRD_ROUND: &str = "a process begins a third round";
    /// Both values were reported in one round by processes that flipped.
    pub const SPLIT: &str = "both values are reported in a round after the first";
}

/// What one process has been told in one phase of one round, by whom.
type Heard<T> = BTreeMap<(NodeId, u32), BTreeMap<NodeId, T>>;

/// Watches BO1 to BO6 over one run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Invariants {
    initial: BTreeMap<NodeId, Bit>,
    faulty: usize,
    /// What each process has reported and proposed, by round.
    reported: BTreeMap<(u32, NodeId), Bit>,
    proposed: BTreeMap<(u32, NodeId), Option<Bit>>,
    /// What each process was told, its own words included.
    reports: Heard<Bit>,
    proposals: Heard<Option<Bit>>,
    decided: BTreeMap<NodeId, Output>,
}

impl Invariants {
    /// The invariants of processes that begin with these values, of which `faulty` may crash.
    pub fn new(initial: BTreeMap<NodeId, Bit>, faulty: usize) -> Self {
        Invariants {
            initial,
            faulty,
            reported: BTreeMap::new(),
            proposed: BTreeMap::new(),
            reports: Heard::new(),
            proposals: Heard::new(),
            decided: BTreeMap::new(),
        }
    }

    fn count(&self) -> usize {
        self.initial.len()
    }

    /// What each process may wait for.
    fn enough(&self) -> usize {
        self.count() - self.faulty
    }

    /// The value decided in a round before `round`, if any.
    fn locked_before(&self, round: u32) -> Option<Output> {
        self.decided
            .values()
            .copied()
            .filter(|decided| decided.round < round)
            .min_by_key(|decided| decided.round)
    }

    /// BO3, BO5 and BO6, as a process reports.
    fn report(
        &mut self,
        from: NodeId,
        round: u32,
        value: Bit,
        name: &str,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match self.reported.get(&(round, from)) {
            Some(before) if *before == value => return Ok(()),
            Some(before) => {
                let expected = format!("{name} reports {before} to all in round {round}");
                return Err(Violation::new(INTEGRITY, expected, format!("{name} reports {value}")));
            }
            None => {}
        }
        if round <= 1 {
            let initial = self.initial.get(&from).copied();
            if initial != Some(value) || round == 0 {
                let expected = format!("{name} reports what it began with, in round 1");
                let got = format!("{name} reports {value} in round {round}");
                return Err(Violation::new(COUNTED, expected, got));
            }
        } else {
            self.follows_from_proposals(from, round, value, name, marks)?;
        }
        if let Some(decided) = self.locked_before(round).filter(|decided| decided.value != value) {
            let expected = format!("{}, which was decided in round {}", decided.value, decided.round);
            return Err(Violation::new(LOCKED, expected, format!("{name} reports {value} in round {round}")));
        }
        if round == 3 {
            marks.reach(situation::THIRD_ROUND);
        }
        if round > 1
            && self
                .reported
                .range((round, NodeId(0))..(round + 1, NodeId(0)))
                .any(|(_, other)| *other != value)
        {
            marks.reach(situation::SPLIT);
        }
        self.reported.insert((round, from), value);
        self.reports.entry((from, round)).or_default().insert(from, value);
        Ok(())
    }

    /// BO6: a process begins a round with a value that was proposed to it in the round before, or with any if none was.
    ///
    /// A process that had heard of more than it waits for may have looked at any *n* − *f* of them.
    fn follows_from_proposals(
        &self,
        from: NodeId,
        round: u32,
        value: Bit,
        name: &str,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let none = BTreeMap::new();
        let heard = self.proposals.get(&(from, round - 1)).unwrap_or(&none);
        if heard.len() < self.enough() {
            let expected = format!("{name} waits for {} proposals of round {}", self.enough(), round - 1);
            return Err(Violation::new(
                COUNTED,
                expected,
                format!("{name} begins round {round} after {}", heard.len()),
            ));
        }
        let proposing = heard.values().flatten().count();
        if proposing == 0 {
            marks.reach(situation::FLIPPED);
            return Ok(());
        }
        if proposing <= self.faulty {
            marks.reach(situation::ADOPTED);
        }
        let could_miss_all = heard.len() - proposing >= self.enough();
        if !could_miss_all && heard.values().flatten().all(|proposed| *proposed != value) {
            let expected = format!("{name} adopts what {proposing} of {} have proposed to it", heard.len());
            return Err(Violation::new(
                COUNTED,
                expected,
                format!("{name} reports {value} in round {round}"),
            ));
        }
        Ok(())
    }

    /// BO3, BO4 and BO6, as a process proposes.
    fn propose(&mut self, from: NodeId, round: u32, value: Option<Bit>, name: &str) -> Result<(), Violation> {
        match self.proposed.get(&(round, from)) {
            Some(before) if *before == value => return Ok(()),
            Some(before) => {
                let expected = format!("{name} proposes {} to all in round {round}", show(*before));
                return Err(Violation::new(INTEGRITY, expected, format!("{name} proposes {}", show(value))));
            }
            None => {}
        }
        let none = BTreeMap::new();
        let heard = self.reports.get(&(from, round)).unwrap_or(&none);
        if heard.len() < self.enough() {
            let expected = format!("{name} waits for {} reports of round {round}", self.enough());
            return Err(Violation::new(COUNTED, expected, format!("{name} proposes after {}", heard.len())));
        }
        let spare = heard.len() - self.enough();
        let reporting = |bit: Bit| heard.values().filter(|reported| **reported == bit).count();
        if let Some(bit) = value {
            let of_round = self.proposed.range((round, NodeId(0))..(round + 1, NodeId(0)));
            if let Some(((_, who), _)) =
                of_round.into_iter().find(|(_, other)| other.is_some_and(|other| other != bit))
            {
                let expected = format!("the value that {who} has proposed in round {round}, or none");
                return Err(Violation::new(ONE_PROPOSAL, expected, format!("{name} proposes {bit}")));
            }
            if 2 * reporting(bit) <= self.count() {
                let expected =
                    format!("{name} proposes {bit} when more than half of {} report it", self.count());
                return Err(Violation::new(COUNTED, expected, format!("{} have", reporting(bit))));
            }
        } else if let Some(bit) = [Bit::Zero, Bit::One]
            .into_iter()
            .find(|bit| 2 * reporting(*bit).saturating_sub(spare) > self.count())
        {
            let expected =
                format!("{name} proposes {bit}, which {} of {} report to it", reporting(bit), self.count());
            return Err(Violation::new(
                COUNTED,
                expected,
                format!("{name} proposes nothing in round {round}"),
            ));
        }
        self.proposed.insert((round, from), value);
        self.proposals.entry((from, round)).or_default().insert(from, value);
        Ok(())
    }

    /// BO1, BO2, BO3, BO5 and BO6, as a process decides.
    fn decide(
        &mut self,
        node: NodeId,
        output: Output,
        name: &str,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let Output { value, round } = output;
        if let Some(before) = self.decided.get(&node) {
            let expected = format!("{name} has decided {} in round {}", before.value, before.round);
            return Err(Violation::new(
                INTEGRITY,
                expected,
                format!("{name} decides {value} in round {round}"),
            ));
        }
        if !self.initial.values().any(|initial| *initial == value) {
            let expected = "a value that some process began with";
            return Err(Violation::new(VALIDITY, expected, format!("{name} decides {value}")));
        }
        if let Some((other, decided)) = self.decided.iter().find(|(_, decided)| decided.value != value) {
            let expected = format!("{}, as {other} has decided in round {}", decided.value, decided.round);
            return Err(Violation::new(
                AGREEMENT,
                expected,
                format!("{name} decides {value} in round {round}"),
            ));
        }
        let heard = self.proposals.get(&(node, round));
        let proposing =
            heard.map_or(0, |heard| heard.values().flatten().filter(|proposed| **proposed == value).count());
        if proposing <= self.faulty {
            let expected =
                format!("{name} decides {value} when {} propose it in round {round}", self.faulty + 1);
            return Err(Violation::new(COUNTED, expected, format!("{proposing} have")));
        }
        if let Some(((later, other), reported)) =
            self.reported.range((round + 1, NodeId(0))..).find(|(_, reported)| **reported != value)
        {
            let expected = format!("{value} in every report after round {round}, in which {name} decides it");
            return Err(Violation::new(
                LOCKED,
                expected,
                format!("{other} has reported {reported} in round {later}"),
            ));
        }
        if self.decided.values().any(|decided| decided.round != round) {
            marks.reach(situation::NOT_TOGETHER);
        }
        self.decided.insert(node, output);
        Ok(())
    }

    /// Keeps what a process is told.
    fn hear(
        &mut self,
        from: NodeId,
        to: NodeId,
        message: &Message,
        nodes: &dyn Nodes<BenOr>,
        marks: &mut Marks,
    ) {
        let (Message::Report { round, .. } | Message::Proposal { round, .. }) = message;
        if let Some(process) = nodes.process(to) {
            if *round > process.round {
                marks.reach(situation::AHEAD);
            }
            if *round < process.round {
                marks.reach(situation::BEHIND);
            }
        }
        match message {
            Message::Report { round, value } => {
                self.reports.entry((to, *round)).or_default().insert(from, *value);
            }
            Message::Proposal { round, value } => {
                self.proposals.entry((to, *round)).or_default().insert(from, *value);
            }
        }
    }
}

fn show(value: Option<Bit>) -> String {
    value.map_or_else(|| "nothing".to_string(), |bit| bit.to_string())
}

impl Monitor<BenOr> for Invariants {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, BenOr>,
        nodes: &dyn Nodes<BenOr>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match *happening {
            Happening::Sent { from, message: Message::Report { round, value }, .. } => {
                self.report(from, *round, *value, nodes.name(from), marks)
            }
            Happening::Sent { from, message: Message::Proposal { round, value }, .. } => {
                self.propose(from, *round, *value, nodes.name(from))
            }
            Happening::Delivered { from, to, message } => {
                self.hear(from, to, message, nodes, marks);
                Ok(())
            }
            Happening::Output { node, output } => self.decide(node, *output, nodes.name(node), marks),
            Happening::Handled { .. } | Happening::Crashed { .. } | Happening::Restarted { .. } => Ok(()),
        }
    }
}
