//! What every simulator carries here: rumours that go round for ever, so that as many are in flight at the end as at the start.
//!
//! `madsim-bench` compiles this same file.

use serde::{Deserialize, Serialize};

/// 24 bytes: a sender, a sequence number, a payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rumour {
    /// The node that put it into the world.
    pub from: u64,
    /// Which of that node's rumours it is.
    pub seq: u64,
    /// How often it was passed on, and something to change at each delivery.
    pub payload: u64,
}

impl Rumour {
    /// The rumour as it leaves the node that received it.
    pub fn passed_on(self) -> Self {
        Rumour { payload: self.payload.wrapping_add(1), ..self }
    }
}

/// Whom a node tells next: each other node in turn.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Turns {
    me: u32,
    nodes: u32,
    turn: u32,
}

impl Turns {
    /// The turns of node `me` of `nodes`.
    pub fn new(me: u32, nodes: u32) -> Self {
        Turns { me, nodes, turn: 0 }
    }

    /// The node to tell now.
    pub fn next_node(&mut self) -> u32 {
        self.turn = if self.turn + 1 >= self.nodes { 1 } else { self.turn + 1 };
        (self.me + self.turn) % self.nodes
    }

    /// The rumours with which this node begins, its share of all that are in flight.
    pub fn first_rumours(&self, in_flight: u64) -> impl Iterator<Item = Rumour> + use<> {
        let (me, nodes) = (u64::from(self.me), u64::from(self.nodes));
        let share = in_flight / nodes + u64::from(me < in_flight % nodes);
        (0..share).map(move |seq| Rumour { from: me, seq, payload: seq })
    }
}
