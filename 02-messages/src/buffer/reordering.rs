//! A buffer that lets messages overtake each other, within a bound.

use simnet::buffer::Buffer;
use simnet::random::Purpose;
use simnet::{NodeId, Random, RandomSource};
use std::collections::BTreeMap;

/// A message that waits.
#[derive(Clone, Debug)]
struct Waiting<M> {
    message: M,
    /// How many later messages to the same reader were returned before it.
    overtaken: u32,
}

/// A buffer that returns any of the messages that wait for a reader, each equally likely, except that no message is overtaken more than
/// [`patience`](Reordering::new) times. It is null only when nothing waits.
///
/// Without the bound, chance could pass one message over for ever. It would not, with probability 1; but a proof, and a test, want a number.
#[derive(Clone, Debug)]
pub struct Reordering<M> {
    /// How often a message may be overtaken.
    patience: u32,
    random: Random,
    /// What waits for each reader, the oldest first.
    waiting: BTreeMap<NodeId, Vec<Waiting<M>>>,
}

impl<M> Reordering<M> {
    /// An empty buffer, in which a message is overtaken by at most `patience` later ones. Chance comes from `seed`.
    pub fn new(seed: u64, patience: u32) -> Self {
        Reordering { patience, random: Random::new(seed, Purpose::Network), waiting: BTreeMap::new() }
    }
}

impl<M> Buffer<M> for Reordering<M> {
    fn send(&mut self, to: NodeId, message: M) {
        self.waiting.entry(to).or_default().push(Waiting { message, overtaken: 0 });
    }

    fn recv(&mut self, reader: NodeId) -> Option<M> {
        // solution: begin — Part A: return any message that overtakes none which was overtaken often enough
        let waiting = self.waiting.get_mut(&reader).filter(|waiting| !waiting.is_empty())?;
        let impatient = waiting.iter().position(|older| older.overtaken == self.patience);
        let choices = impatient.map_or(waiting.len(), |place| place + 1);
        let chosen = self.random.below(choices as u64) as usize;
        for overtaken in &mut waiting[..chosen] {
            overtaken.overtaken += 1;
        }
        Some(waiting.remove(chosen).message)
        // solution: end
    }
}
