//! A buffer that says null though something waits, within a bound.

use simnet::buffer::Buffer;
use simnet::random::Purpose;
use simnet::{Chance, NodeId, Random};
use std::collections::BTreeMap;

/// A buffer over another, which now and then returns null instead of what the other has: at most `most_nulls` times in a row for one
/// reader.
#[derive(Clone, Debug)]
pub struct Delaying<B> {
    inner: B,
    /// How likely it is to say null where it may.
    null: Chance,
    most_nulls: u32,
    random: Random,
    /// How often it has said null to each reader since the reader last got a message.
    nulls: BTreeMap<NodeId, u32>,
}

impl<B> Delaying<B> {
    /// What `inner` returns, delayed by at most `most_nulls` nulls in a row. Chance comes from `seed`.
    pub fn new(seed: u64, null: Chance, most_nulls: u32, inner: B) -> Self {
        // Another stream than that of a buffer below, which may have the same seed.
        let random = Random::new(seed, Purpose::Faults);
        Delaying { inner, null, most_nulls, random, nulls: BTreeMap::new() }
    }
}

impl<M, B: Buffer<M>> Buffer<M> for Delaying<B> {
    fn send(&mut self, to: NodeId, message: M) {
        self.inner.send(to, message);
    }

    fn recv(&mut self, reader: NodeId) -> Option<M> {
        // solution: begin — Part A: say null sometimes, but not too often
        let nulls = self.nulls.entry(reader).or_default();
        if *nulls < self.most_nulls && self.random.happens(self.null) {
            *nulls += 1;
            return None;
        }
        *nulls = 0;
        self.inner.recv(reader)
        // solution: end
    }
}
