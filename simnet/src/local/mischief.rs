//! A bad network, injected below a transport of datagrams: what a wire does to packets, drawn from a seed. Pure.

use crate::random::{Chance, Purpose, Random, RandomSource};

/// Loses, doubles and reorders datagrams.
#[derive(Clone, Debug)]
pub struct Mischief {
    random: Random,
    drop: Chance,
    duplicate: Chance,
    reorder: Chance,
    /// Datagrams that are overtaken, and by how many more.
    held: Vec<(u64, Vec<u8>)>,
    /// What was done.
    pub dropped: u64,
    /// What was done.
    pub duplicated: u64,
    /// What was done.
    pub reordered: u64,
}

/// How many datagrams overtake one that is held, at most.
const OVERTAKEN: u64 = 6;

impl Mischief {
    /// A network of `seed` with these chances for each datagram.
    pub fn new(seed: u64, drop: Chance, duplicate: Chance, reorder: Chance) -> Self {
        let random = Random::new(seed, Purpose::Network);
        Mischief {
            random,
            drop,
            duplicate,
            reorder,
            held: Vec::new(),
            dropped: 0,
            duplicated: 0,
            reordered: 0,
        }
    }

    /// What arrives when `datagram` is sent: perhaps nothing, perhaps it twice, perhaps an earlier one as well.
    pub fn pass(&mut self, datagram: Vec<u8>) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if self.random.happens(self.drop) {
            self.dropped += 1;
        } else {
            if self.random.happens(self.duplicate) {
                self.duplicated += 1;
                out.push(datagram.clone());
            }
            if self.random.happens(self.reorder) {
                self.reordered += 1;
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
