//! The events to come, earliest first; those of one moment by their rank, and then in the order in which they were planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A heap of `(time, seq, slot)` over a slab of events: moving entries about in the heap does not move events.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    heap: BinaryHeap<Entry>,
    slab: Vec<Option<E>>,
    free: Vec<u32>,
    /// The place in the order of planning of the next event with a rank.
    ranked: [u64; 2],
    /// That of the next other event.
    seq: u64,
}

/// What goes before all else of its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Changes of the network.
    Network,
    /// Changes of nodes. A node that restarts speaks at once, into the network as it is after all its changes of that moment.
    Node,
}

/// An entry is two words, so that a heap of a thousand stays in the nearest cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    at_us: u64,
    /// The place in the order of planning, and below it the slot.
    seq_and_slot: u64,
}

/// Bits of the slot: 16 million events may be pending.
const SLOT_BITS: u32 = 24;

/// The first place of each rank, and of what has none: so many events of each may be planned in one run.
const FIRST_RANKED: [u64; 2] = [0, 1 << (62 - SLOT_BITS)];
const FIRST_OTHER: u64 = 1 << (63 - SLOT_BITS);

impl Entry {
    fn slot(self) -> usize {
        (self.seq_and_slot & ((1 << SLOT_BITS) - 1)) as usize
    }
}

impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap has its greatest on top: the earliest is the greatest. No two have one seq, so the slot decides nothing.
        let key = |entry: &Self| u128::from(entry.at_us) << 64 | u128::from(entry.seq_and_slot);
        key(other).cmp(&key(self))
    }
}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Queue<E> {
    pub fn new() -> Self {
        Queue {
            heap: BinaryHeap::new(),
            slab: Vec::new(),
            free: Vec::new(),
            ranked: FIRST_RANKED,
            seq: FIRST_OTHER,
        }
    }

    /// Plans an event.
    ///
    /// # Panics
    /// When 2^24 events are pending, or 2^39 have been planned: a run of that size is beside the point.
    #[inline]
    pub fn push(&mut self, at_us: u64, event: E) {
        self.insert(at_us, self.seq, event);
        self.seq += 1;
    }

    /// Plans an event that comes before all of its moment that have a higher rank or none.
    ///
    /// # Panics
    /// When 2^24 events are pending, or 2^38 of this rank have been planned.
    pub fn push_ranked(&mut self, rank: Rank, at_us: u64, event: E) {
        let seq = &mut self.ranked[rank as usize];
        let planned = *seq - FIRST_RANKED[rank as usize];
        assert!(planned < FIRST_RANKED[1], "the run has planned {planned} faults");
        *seq += 1;
        let seq = *seq - 1;
        self.insert(at_us, seq, event);
    }

    #[inline]
    fn insert(&mut self, at_us: u64, seq: u64, event: E) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slab[slot as usize] = Some(event);
                slot
            }
            None => self.new_slot(event),
        };
        self.heap.push(Entry { at_us, seq_and_slot: seq << SLOT_BITS | u64::from(slot) });
    }

    #[cold]
    fn new_slot(&mut self, event: E) -> u32 {
        let slot = self.slab.len() as u32;
        assert!(slot < 1 << SLOT_BITS, "{slot} events are pending: a message storm, or a run far too large");
        assert!(self.seq < 1 << (64 - SLOT_BITS), "the run has planned {} events", self.seq - FIRST_OTHER);
        self.slab.push(Some(event));
        slot
    }

    /// When the next event is.
    #[inline]
    pub fn next_us(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at_us)
    }

    #[inline]
    pub fn pop(&mut self) -> Option<(u64, E)> {
        let entry = self.heap.pop()?;
        self.free.push(entry.slot() as u32);
        let event = self.slab[entry.slot()].take().expect("a slot in the heap holds an event");
        Some((entry.at_us, event))
    }

    /// The events to come, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.slab.iter().flatten()
    }
}
