//! Counters: messages and bytes by name and by pair of nodes, and what each kind of fault did.

use crate::node::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many, and how many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Messages sent.
    pub count: u64,
    /// Their bytes, as the live transports encode them (postcard); 0 when the run did not count bytes.
    pub bytes: u64,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.count += other.count;
        self.bytes += other.bytes;
    }
}

/// What a run counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    nodes: usize,
    names: Vec<&'static str>,
    /// For each name, a square of pairs.
    sent: Vec<Vec<Count>>,
    /// Messages handed to their readers.
    pub delivered: u64,
    /// Messages lost, by whatever cause.
    pub dropped: u64,
    faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn new(nodes: usize) -> Self {
        Tally { nodes, ..Tally::default() }
    }

    #[inline]
    pub(crate) fn sent(&mut self, from: NodeId, to: NodeId, name: &'static str, bytes: u64) {
        // A message type has few names, each one constant: its address tells it, nearly always.
        let known = self.names.iter().position(|known| std::ptr::eq(*known, name));
        let name = known.unwrap_or_else(|| self.number_of(name));
        let cell = &mut self.sent[name][from.index() * self.nodes + to.index()];
        cell.add(Count { count: 1, bytes });
    }

    #[cold]
    fn number_of(&mut self, name: &'static str) -> usize {
        if let Some(known) = self.names.iter().position(|known| *known == name) {
            return known;
        }
        self.names.push(name);
        self.sent.push(vec![Count::default(); self.nodes * self.nodes]);
        self.names.len() - 1
    }

    pub(crate) fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Messages sent, by name.
    pub fn by_name(&self) -> BTreeMap<&'static str, Count> {
        let mut table = BTreeMap::new();
        for (name, pairs) in self.names.iter().zip(&self.sent) {
            let total: &mut Count = table.entry(*name).or_default();
            pairs.iter().for_each(|count| total.add(*count));
        }
        table
    }

    /// Messages sent, by sender, reader and name; pairs that sent nothing are left out.
    pub fn by_pair(&self) -> BTreeMap<(NodeId, NodeId, &'static str), Count> {
        let mut table = BTreeMap::new();
        for (name, pairs) in self.names.iter().zip(&self.sent) {
            for (pair, count) in pairs.iter().enumerate().filter(|(_, count)| count.count > 0) {
                let (from, to) = (pair / self.nodes, pair % self.nodes);
                table.insert((NodeId(from as u32), NodeId(to as u32), *name), *count);
            }
        }
        table
    }

    /// All messages sent.
    pub fn messages(&self) -> Count {
        let mut total = Count::default();
        self.sent.iter().flatten().for_each(|count| total.add(*count));
        total
    }

    /// How often each kind of fault did something: a message lost, a node crashed. A kind that is not here never did.
    pub fn faults(&self) -> &BTreeMap<&'static str, u64> {
        &self.faults
    }
}
