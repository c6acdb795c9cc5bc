//! Recording: a run as a trace. It is a mode; what is off costs nothing.

use crate::node::NodeId;
use crate::trace::{Event, Kind, Name};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Collects the events of a run, and the vector clocks that go with them.
#[derive(Debug)]
pub(crate) struct Recorder {
    names: Vec<Name>,
    /// Names of messages, timers and faults, each kept once.
    words: BTreeMap<String, Name>,
    pub events: Vec<Event>,
    /// The vector clock of each node.
    clocks: Vec<Vec<u64>>,
    /// The sender's clock when a message left, by message id.
    sent: BTreeMap<u64, Vec<u64>>,
}

/// What is particular to one event.
#[derive(Debug, Default)]
pub(crate) struct Detail<'a> {
    pub peer: Option<NodeId>,
    pub id: Option<u64>,
    pub name: Option<&'a str>,
    pub body: Option<Value>,
    pub why: Option<String>,
}

impl Recorder {
    pub fn new(names: &[Name]) -> Self {
        let clocks = vec![vec![0; names.len()]; names.len()];
        Recorder {
            names: names.to_vec(),
            words: BTreeMap::new(),
            events: Vec::new(),
            clocks,
            sent: BTreeMap::new(),
        }
    }

    pub fn event(&mut self, at_us: u64, kind: Kind, node: Option<NodeId>, detail: Detail<'_>) {
        let clock = node.map(|node| self.tick(node, kind, detail.id));
        let name = detail.name.map(|name| self.word(name));
        self.events.push(Event {
            at: at_us,
            seq: self.events.len() as u64,
            kind,
            node: node.map(|node| self.names[node.index()].clone()),
            peer: detail.peer.map(|peer| self.names[peer.index()].clone()),
            id: detail.id,
            name,
            body: detail.body,
            why: detail.why,
            clock,
        });
    }

    /// Advances the clock of `node`. A delivery takes in what its sender knew; what the network does moves no node's clock.
    fn tick(&mut self, node: NodeId, kind: Kind, id: Option<u64>) -> Vec<u64> {
        let clock = &mut self.clocks[node.index()];
        if matches!(kind, Kind::Drop | Kind::Duplicate | Kind::State | Kind::Violation) {
            return clock.clone();
        }
        if let (Kind::Deliver, Some(id)) = (kind, id) {
            let sent = &self.sent[&id];
            clock.iter_mut().zip(sent).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        }
        clock[node.index()] += 1;
        if let (Kind::Send, Some(id)) = (kind, id) {
            self.sent.insert(id, clock.clone());
        }
        clock.clone()
    }

    fn word(&mut self, word: &str) -> Name {
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        let name = Name::from(word);
        self.words.insert(word.to_string(), name.clone());
        name
    }
}

/// A message as JSON, without the enum's tag when that only says the name again.
pub(crate) fn body_of<T: Serialize>(value: &T, name: &str) -> Option<Value> {
    match serde_json::to_value(value).ok()? {
        Value::Object(mut fields) if fields.len() == 1 && fields.contains_key(name) => fields.remove(name),
        Value::String(tag) if tag == name => None,
        value => Some(value),
    }
}
