//! A bad network, injected below a transport of datagrams: what a wire does to packets, drawn from a seed. Pure.

use crate::random::{Chance, Purpose, Random, RandomSource};
use crate::swarm::Weather;
use serde::{Deserialize, Serialize};

/// How bad a wire is: the chances of each datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadWire {
    /// To be lost.
    pub drop: Chance,
    /// To come twice.
    pub duplicate: Chance,
    /// To be overtaken by a few of those behind it.
    pub reorder: Chance,
}

impl BadWire {
    /// A wire on which nothing goes wrong.
    pub const NONE: BadWire =
        BadWire { drop: Chance::NEVER, duplicate: Chance::NEVER, reorder: Chance::NEVER };
}

impl From<&Weather> for BadWire {
    /// Its loss, its duplicates, and its stragglers, which are overtaken.
    fn from(weather: &Weather) -> Self {
        BadWire { drop: weather.loss, duplicate: weather.duplication, reorder: weather.straggling }
    }
}

/// What mischief was done, in datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Lost.
    pub dropped: u64,
    /// Sent twice.
    pub duplicated: u64,
    /// Held back until others had overtaken it.
    pub reordered: u64,
}

/// Loses, doubles and reorders datagrams.
#[derive(Clone, Debug)]
pub struct Mischief {
    random: Random,
    wire: BadWire,
    /// Datagrams that are overtaken, and by how many more.
    held: Vec<(u64, Vec<u8>)>,
    done: Done,
}

/// How many datagrams overtake one that is held, at most.
const OVERTAKEN: u64 = 6;

impl Mischief {
    /// A wire of `seed` with these chances.
    pub fn new(seed: u64, wire: BadWire) -> Self {
        let random = Random::new(seed, Purpose::Network);
        Mischief { random, wire, held: Vec::new(), done: Done::default() }
    }

    /// What was done so far.
    pub fn done(&self) -> Done {
        self.done
    }

    /// What arrives when `datagram` is sent: perhaps nothing, perhaps it twice, perhaps an earlier one as well.
    pub fn pass(&mut self, datagram: Vec<u8>) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if self.random.happens(self.wire.drop) {
            self.done.dropped += 1;
        } else {
            if self.random.happens(self.wire.duplicate) {
                self.done.duplicated += 1;
                out.push(datagram.clone());
            }
            if self.random.happens(self.wire.reorder) {
                self.done.reordered += 1;
                self.held.push((1 + self.random.below(OVERTAKEN), datagram));
            } else {
                out.push(datagram);
            }
        }
        self.held.retain_mut(|(overtaken, held)| {
            *overtaken -= 1;
            if *overtaken == 0 {
                out.push(std::mem::take(held));
            }
            *overtaken > 0
        });
        out
    }
}
