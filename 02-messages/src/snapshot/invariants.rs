//! What snapshots must keep, watched from outside. Given whole.

use super::bank::Bank;
use super::computation::{Computation, Global, SnapshotId};
use super::diffusing::Diffusing;
use super::node::{Message, Node, Output};
use crate::clocks::VectorClock;
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Observe, Time, Violation};
use std::collections::BTreeMap;

/// (D1) The cut is consistent.
pub const CONSISTENT: &str = "(D1) the cut is consistent: what happened before a recorded event is recorded";
/// (D2) Channels.
pub const CHANNELS: &str =
    "(D2) a channel's state is what was sent before its sender recorded and received after its reader did";
/// (D3) States.
pub const ONCE: &str = "(D3) a process records its state once for each snapshot, and reports that state";
/// (D4) The bank.
pub const ADDS_UP: &str = "(D4) each snapshot of the bank adds up to all the money there is";
/// (D5) Snapshots end.
pub const COMPLETED: &str = "(D5) every snapshot that is begun is completed";
/// (D6) Stable properties: no false claim.
pub const NO_FALSE_CLAIM: &str = "(D6) termination is claimed only when the computation has terminated";
/// (D7) Stable properties: found in the end.
pub const CLAIMED: &str = "(D7) when the computation has terminated, that is claimed";

/// Situations that the monitors recognise.
pub mod situation {
    /// A channel was not empty.
    pub const IN_CHANNEL: &str = "a snapshot records a message in a channel";
    /// Two snapshots at once.
    pub const CONCURRENT: &str = "a process records for two snapshots at once";
    /// The recorded state is none that the system was in at one moment.
    pub const NEVER_WAS: &str = "a snapshot shows a state that never was";
    /// All passive, but not yet at an end.
    pub const ONLY_CHANNELS: &str = "a snapshot finds work only in channels";
    /// A snapshot of a computation that is at an end by now, but was not yet along the cut.
    pub const TOO_EARLY: &str = "a snapshot that began before the end does not show it";
}

/// What a process told when it recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Cut<S> {
    state: S,
    clock: VectorClock,
    sent: BTreeMap<NodeId, u64>,
    received: BTreeMap<NodeId, u64>,
}

/// Watches (D1), (D2) and (D3): whatever is computed, snapshots cut it where they may.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cuts<C: Computation> {
    /// All messages of the computation, by sender and reader, in the order of sending.
    sent: BTreeMap<(NodeId, NodeId), Vec<C::Message>>,
    cuts: BTreeMap<SnapshotId, BTreeMap<NodeId, Cut<C::State>>>,
    /// How many basic events of all processes there were before each basic event of a process: an order of them that was.
    basic: BTreeMap<NodeId, Vec<u64>>,
    events: u64,
}

impl<C: Computation> Default for Cuts<C> {
    fn default() -> Self {
        Cuts { sent: BTreeMap::new(), cuts: BTreeMap::new(), basic: BTreeMap::new(), events: 0 }
    }
}

fn name(node: NodeId) -> String {
    format!("p{}", node.0 + 1)
}

impl<C: Computation> Cuts<C> {
    fn recorded(&mut self, snapshot: SnapshotId, node: NodeId, cut: Cut<C::State>) -> Result<(), Violation> {
        let cuts = self.cuts.entry(snapshot).or_default();
        if cuts.contains_key(&node) {
            let expected = format!("{} has recorded its state for snapshot {snapshot}", name(node));
            return Err(Violation::new(ONCE, expected, "it does so again"));
        }
        for (other, theirs) in &*cuts {
            for (knows, node, known, of) in [(&cut, node, theirs, *other), (theirs, *other, &cut, node)] {
                let (told, happened) = (knows.clock.of(of), known.clock.of(of));
                if told > happened {
                    let expected = format!(
                        "in snapshot {snapshot}, {} knows of {happened} events of {}, as it recorded",
                        name(node),
                        name(of)
                    );
                    return Err(Violation::new(CONSISTENT, expected, format!("it knows of {told}")));
                }
            }
        }
        cuts.insert(node, cut);
        Ok(())
    }

    /// A process has handled something: were there basic events?
    fn handled(&mut self, node: NodeId, process: &Node<C>) {
        let (sent, received) = process.counts();
        let basic = self.basic.entry(node).or_default();
        while (basic.len() as u64) < sent + received {
            basic.push(self.events);
            self.events += 1;
        }
    }

    /// Whether there was a moment at which every process had had just the basic events that it had when it recorded.
    fn ever_was(&self, cuts: &BTreeMap<NodeId, Cut<C::State>>) -> bool {
        let bounds = |node: &NodeId, cut: &Cut<C::State>| {
            let basic = self.basic.get(node).map_or(&[][..], Vec::as_slice);
            let recorded = cut.clock.of(*node) as usize;
            let after = recorded.checked_sub(1).and_then(|last| basic.get(last)).map_or(0, |last| last + 1);
            (after, basic.get(recorded).copied().unwrap_or(u64::MAX))
        };
        let after = cuts.iter().map(|(node, cut)| bounds(node, cut).0).max();
        let before = cuts.iter().map(|(node, cut)| bounds(node, cut).1).min();
        after <= before
    }

    fn completed(
        &self,
        snapshot: SnapshotId,
        global: &Global<C>,
        processes: usize,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let none = BTreeMap::new();
        let cuts = self.cuts.get(&snapshot).unwrap_or(&none);
        if global.parts.len() != processes || cuts.len() != processes {
            let expected = format!("snapshot {snapshot} has the parts of {processes} processes");
            return Err(Violation::new(
                ONCE,
                expected,
                format!("it has {}, recorded by {}", global.parts.len(), cuts.len()),
            ));
        }
        for (reader, part) in &global.parts {
            let Some(cut) = cuts.get(reader).filter(|cut| cut.state == part.state) else {
                let expected =
                    format!("in snapshot {snapshot}, the state that {} has recorded", name(*reader));
                return Err(Violation::new(ONCE, expected, format!("{:?}", part.state)));
            };
            for (sender, theirs) in cuts.iter().filter(|(sender, _)| *sender != reader) {
                let sent = theirs.sent.get(reader).copied().unwrap_or(0) as usize;
                let received = cut.received.get(sender).copied().unwrap_or(0) as usize;
                let all = self.sent.get(&(*sender, *reader)).map_or(&[][..], Vec::as_slice);
                let expected = &all[received.min(sent)..sent];
                let channel = part.channels.iter().find(|channel| channel.from == *sender);
                let got = channel.map_or(&[][..], |channel| &channel.messages);
                if got != expected {
                    let expected = format!(
                        "in snapshot {snapshot}, the channel from {} to {} holds {expected:?}",
                        name(*sender),
                        name(*reader)
                    );
                    return Err(Violation::new(CHANNELS, expected, format!("{got:?}")));
                }
                if !got.is_empty() {
                    marks.reach(situation::IN_CHANNEL);
                }
            }
        }
        if !self.ever_was(cuts) {
            marks.reach(situation::NEVER_WAS);
        }
        Ok(())
    }
}

impl<C: Computation> Monitor<Node<C>> for Cuts<C> {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Node<C>>,
        nodes: &dyn Nodes<Node<C>>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match happening {
            Happening::Handled { node } => {
                if let Some(process) = nodes.process(*node) {
                    self.handled(*node, process);
                }
                Ok(())
            }
            Happening::Sent { from, to, message: Message::Basic { message, .. } } => {
                self.sent.entry((*from, *to)).or_default().push(message.clone());
                Ok(())
            }
            Happening::Output {
                node,
                output: Output::Recorded { snapshot, state, clock, sent, received },
            } => {
                let (state, clock) = (state.clone(), clock.clone());
                let cut = Cut { state, clock, sent: sent.clone(), received: received.clone() };
                if nodes.process(*node).is_some_and(|process| process.view().recording.len() > 1) {
                    marks.reach(situation::CONCURRENT);
                }
                self.recorded(*snapshot, *node, cut)
            }
            Happening::Output { output: Output::Completed { snapshot, global }, .. } => {
                self.completed(*snapshot, global, nodes.count(), marks)
            }
            _ => Ok(()),
        }
    }
}

/// Watches the bank: (D4), and all that [`Cuts`] watches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    cuts: Cuts<Bank>,
    /// All the money there is.
    total: u64,
}

impl Money {
    /// A bank that began with `total` in all its branches together.
    pub fn new(total: u64) -> Self {
        Money { cuts: Cuts::default(), total }
    }
}

impl Monitor<Node<Bank>> for Money {
    fn check(
        &mut self,
        at: Time,
        happening: &Happening<'_, Node<Bank>>,
        nodes: &dyn Nodes<Node<Bank>>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        if let Happening::Output { output: Output::Completed { snapshot, global }, .. } = happening {
            let in_branches: u64 = global.states().sum();
            let on_its_way: u64 = global.in_channels().map(|transfer| transfer.0).sum();
            if in_branches + on_its_way != self.total {
                let expected = format!("snapshot {snapshot} adds up to {}", self.total);
                let got = format!("{in_branches} in the branches and {on_its_way} on its way");
                return Err(Violation::new(ADDS_UP, expected, got));
            }
        }
        self.cuts.check(at, happening, nodes, marks)
    }
}

/// Watches a diffusing computation: (D6), and all that [`Cuts`] watches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Termination {
    cuts: Cuts<Diffusing>,
}

impl Monitor<Node<Diffusing>> for Termination {
    fn check(
        &mut self,
        at: Time,
        happening: &Happening<'_, Node<Diffusing>>,
        nodes: &dyn Nodes<Node<Diffusing>>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match happening {
            Happening::Output { output: Output::Completed { global, .. }, .. } => {
                if global.states().all(|work| *work == 0) && global.in_channels().next().is_some() {
                    marks.reach(situation::ONLY_CHANNELS);
                }
                let busy = global.states().any(|work| *work > 0) || global.in_channels().next().is_some();
                if busy && unfinished(nodes).is_none() {
                    marks.reach(situation::TOO_EARLY);
                }
            }
            Happening::Output { output: Output::Terminated(snapshot), .. } => {
                if let Some(got) = unfinished(nodes) {
                    let expected = format!("snapshot {snapshot} leads to no claim: the computation goes on");
                    return Err(Violation::new(NO_FALSE_CLAIM, expected, got));
                }
            }
            _ => {}
        }
        self.cuts.check(at, happening, nodes, marks)
    }
}

/// Why the computation has not terminated, by a look at all processes at once: what no process of a real system could have.
fn unfinished(nodes: &dyn Nodes<Node<Diffusing>>) -> Option<String> {
    let views: Vec<_> = (0..nodes.count() as u32)
        .filter_map(|node| Some((NodeId(node), nodes.process(NodeId(node))?.view())))
        .collect();
    if let Some((node, view)) = views.iter().find(|(_, view)| view.state > 0) {
        return Some(format!("{} has {} units of work", name(*node), view.state));
    }
    let sent: u64 = views.iter().map(|(_, view)| view.sent).sum();
    let received: u64 = views.iter().map(|(_, view)| view.received).sum();
    // More have been received than sent where the network doubles them, or a process counts wrongly.
    (sent != received).then(|| format!("{sent} messages with work were sent, {received} received"))
}
