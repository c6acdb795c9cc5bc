//! Values that occur in many states, each kept once and known by a number.
//!
//! A cluster has millions of states, and few states of one node: a state of the cluster is a list of numbers.

use super::symmetry::Renamings;
use crate::hash::TraceHash;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, RwLock, RwLockReadGuard};

/// A value, its number, and its hash under each renaming of the nodes. The first is the hash of the value as it is.
#[derive(Debug)]
pub(super) struct Known<T> {
    pub number: u32,
    pub value: T,
    pub hashes: Box<[u64]>,
}

/// All values of one kind that have been met.
#[derive(Debug)]
pub(super) struct Table<T>(RwLock<Inside<T>>);

#[derive(Debug)]
struct Inside<T> {
    known: Vec<Arc<Known<T>>>,
    numbers: BTreeMap<u64, u32>,
}

impl<T: Hash + Eq> Table<T> {
    pub fn new() -> Self {
        Table(RwLock::new(Inside { known: Vec::new(), numbers: BTreeMap::new() }))
    }

    /// The value with its number; a new one when it was never met.
    ///
    /// # Panics
    /// When two different values have one hash of 64 bits: the search would take one for the other.
    pub fn enter(
        &self,
        value: T,
        renamed: impl Fn(&T, usize) -> u64,
        renamings: &Renamings,
    ) -> Arc<Known<T>> {
        let own = hash_of(&value);
        let same = |inside: &Inside<T>| {
            let known = &inside.known[*inside.numbers.get(&own)? as usize];
            assert!(known.value == value, "two values of one hash");
            Some(known.clone())
        };
        if let Some(known) = same(&self.0.read().expect(UNBROKEN)) {
            return known;
        }
        let others = (1..renamings.count()).map(|index| renamed(&value, index));
        let hashes = std::iter::once(own).chain(others).collect();
        let mut inside = self.0.write().expect(UNBROKEN);
        // Another thread may have been faster.
        if let Some(known) = same(&inside) {
            return known;
        }
        let number = u32::try_from(inside.known.len()).expect("fewer than 2^32 different values");
        let known = Arc::new(Known { number, value, hashes });
        inside.known.push(known.clone());
        inside.numbers.insert(own, number);
        known
    }

    pub fn read(&self) -> Entries<'_, T> {
        Entries(self.0.read().expect(UNBROKEN))
    }

    pub fn get(&self, number: u32) -> Arc<Known<T>> {
        self.read().get(number).clone()
    }
}

/// What stands in a table. Nothing can be entered while it is held.
pub(super) struct Entries<'a, T>(RwLockReadGuard<'a, Inside<T>>);

impl<T> Entries<'_, T> {
    pub fn get(&self, number: u32) -> &Arc<Known<T>> {
        &self.0.known[number as usize]
    }
}

/// Why a lock can be had: nothing panics while it is held.
pub(super) const UNBROKEN: &str = "no thread panics while it holds a lock of the search";

/// The hash of a value, well mixed: the hash of a state is a sum of such hashes.
pub(super) fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = TraceHash::default();
    // Else a value of zeros would hash to zero, however long.
    hasher.word(1);
    value.hash(&mut hasher);
    mix(hasher.finish())
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
pub(super) fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
